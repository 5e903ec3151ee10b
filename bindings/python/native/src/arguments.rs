//! Arguments: converting objects to numbers, and accessing the bytes of buffers.

use crate::exceptions::{Object, Raised, Result, call, made, raise, raised_by};
use crate::header::REST;
use crate::object::{self, is_of};
use pyo3_ffi::*;
use std::ffi::{CStr, c_int, c_long};
use std::ptr::null_mut;

/// The arguments of a call by METH_FASTCALL.
///
/// # Safety
/// `first` points to `count` arguments.
#[inline(always)]
pub unsafe fn arguments<'a>(first: *const Object, count: Py_ssize_t) -> &'a [Object] {
    match usize::try_from(count) {
        // SAFETY: as the caller promises; they are valid for the duration of the call.
        Ok(count) if count > 0 => unsafe { std::slice::from_raw_parts(first, count) },
        _ => &[],
    }
}

/// The positional arguments; NULL for omitted ones. TypeError: fewer than `least`, or more than `MOST`.
///
/// # Safety
/// As `arguments`; and the GIL is held.
#[inline(always)]
pub unsafe fn positional<const MOST: usize>(
    name: &CStr,
    least: usize,
    first: *const Object,
    count: Py_ssize_t,
) -> Result<[Object; MOST]> {
    let mut values = [null_mut(); MOST];
    // SAFETY: as the caller promises.
    let given = unsafe { arguments(first, count) };
    if given.len() < least || given.len() > MOST {
        // SAFETY: as the caller promises.
        return Err(unsafe { wrong_count(name, given.len(), least, MOST) });
    }
    for (value, argument) in values.iter_mut().zip(given) {
        *value = *argument;
    }
    Ok(values)
}

/// The arguments of a method whose parameters have names. At most `by_position` arguments may be positional.
///
/// # Safety
/// As `positional`; `names` is NULL, or a tuple with the names of the arguments after the first `count` (METH_FASTCALL).
#[inline(always)]
pub unsafe fn named<const MOST: usize>(
    name: &CStr,
    parameters: [&CStr; MOST],
    by_position: usize,
    least: usize,
    (first, count, names): (*const Object, Py_ssize_t, Object),
) -> Result<[Object; MOST]> {
    // SAFETY: as the caller promises.
    unsafe {
        if names.is_null() && count as usize >= least && count as usize <= by_position {
            return positional(name, least, first, count);
        }
        let mut values = [null_mut(); MOST];
        parse_named(name, &parameters, by_position, least, (first, count, names), &mut values)?;
        Ok(values)
    }
}

/// # Safety
/// As `named`.
#[cold]
unsafe fn parse_named(
    name: &CStr,
    parameters: &[&CStr],
    by_position: usize,
    least: usize,
    (first, count, names): (*const Object, Py_ssize_t, Object),
    values: &mut [Object],
) -> Result<()> {
    // SAFETY: as the caller promises.
    unsafe {
        let given = arguments(first, count);
        if given.len() > by_position {
            return Err(wrong_count(name, given.len(), least, by_position));
        }
        for (value, argument) in values.iter_mut().zip(given) {
            *value = *argument;
        }
        let named = if names.is_null() { 0 } else { PyTuple_Size(names) };
        for index in 0..named {
            let key = PyTuple_GetItem(names, index);
            let is_key = |parameter: &&CStr| PyUnicode_CompareWithASCIIString(key, parameter.as_ptr()) == 0;
            let Some(value) = parameters.iter().position(is_key).and_then(|at| values.get_mut(at)) else {
                let format = c"%s got an unexpected keyword argument '%U'".as_ptr();
                PyErr_Format(PyExc_TypeError, format, name.as_ptr(), key);
                return Err(Raised);
            };
            if !value.is_null() {
                let format = c"%s got multiple values for argument '%U'".as_ptr();
                PyErr_Format(PyExc_TypeError, format, name.as_ptr(), key);
                return Err(Raised);
            }
            *value = *first.offset(count + index);
        }
        if let Some((_, parameter)) = values.iter().zip(parameters).take(least).find(|(value, _)| value.is_null()) {
            let format = c"%s missing required argument '%s'".as_ptr();
            PyErr_Format(PyExc_TypeError, format, name.as_ptr(), parameter.as_ptr());
            return Err(Raised);
        }
    }
    Ok(())
}

#[cold]
unsafe fn wrong_count(name: &CStr, given: usize, least: usize, most: usize) -> Raised {
    let (bound, number) = match given < least {
        _ if least == most => (c"", least),
        true => (c"at least ", least),
        false => (c"at most ", most),
    };
    let ending = if number == 1 { c"" } else { c"s" };
    // SAFETY: the GIL is held; the arguments have the types of the format.
    unsafe {
        let format = c"%s expected %s%zd argument%s, got %zd".as_ptr();
        PyErr_Format(PyExc_TypeError, format, name.as_ptr(), bound.as_ptr(), number, ending.as_ptr(), given);
    }
    Raised
}

/// Whether an argument was omitted, or is None.
///
/// # Safety
/// The GIL is held.
#[inline(always)]
pub unsafe fn is_none(argument: Object) -> bool {
    // SAFETY: as the caller promises.
    argument.is_null() || unsafe { argument == Py_None() }
}

/// Whether an object is exactly an int. A subclass may override the conversion.
///
/// # Safety
/// The object is valid, and the GIL is held.
#[inline(always)]
pub unsafe fn is_int(object: Object) -> bool {
    // SAFETY: as the caller promises.
    unsafe { Py_TYPE(object) == &raw mut PyLong_Type }
}

/// Converts an object with a C function that returns -1 on error.
///
/// # Safety
/// As `is_int`.
#[inline(always)]
unsafe fn number<T: PartialEq + Copy + From<i8>>(object: Object, convert: unsafe extern "C" fn(Object) -> T) -> Result<T> {
    // SAFETY: as the caller promises. Converting an object that is not an int can run arbitrary code.
    unsafe {
        if is_int(object) {
            let number = convert(object);
            return if number == T::from(-1) && !PyErr_Occurred().is_null() { Err(Raised) } else { Ok(number) };
        }
        let index = made(PyNumber_Index(object))?;
        let number = convert(index);
        Py_DecRef(index);
        if number == T::from(-1) && !PyErr_Occurred().is_null() { Err(Raised) } else { Ok(number) }
    }
}

/// A Py_ssize_t. The smallest one would mean "to the end" to the library; the next one is out of every range as well.
///
/// # Safety
/// As `is_int`.
#[inline(always)]
pub unsafe fn ssize(object: Object) -> Result<i64> {
    // SAFETY: as the caller promises.
    unsafe { Ok((number(object, PyLong_AsSsize_t)? as i64).max(REST + 1)) }
}

/// As `ssize`; None for an argument that is omitted, or None.
///
/// # Safety
/// As `is_int`.
#[inline(always)]
pub unsafe fn ssize_if_given(object: Object) -> Result<Option<i64>> {
    // SAFETY: as the caller promises.
    unsafe { if is_none(object) { Ok(None) } else { ssize(object).map(Some) } }
}

/// An index. Raises `too_large` if it does not fit Py_ssize_t.
///
/// # Safety
/// As `is_int`.
#[inline(always)]
pub unsafe fn index(object: Object, too_large: Object) -> Result<i64> {
    // SAFETY: as the caller promises.
    unsafe {
        if is_int(object) {
            let number = PyLong_AsSsize_t(object);
            if number != -1 {
                return Ok(number as i64);
            }
            PyErr_Clear();
        }
        let number = PyNumber_AsSsize_t(object, too_large);
        if number == -1 && !PyErr_Occurred().is_null() { Err(Raised) } else { Ok(number as i64) }
    }
}

/// A C long.
///
/// # Safety
/// As `is_int`.
#[inline(always)]
pub unsafe fn long(object: Object) -> Result<c_long> {
    // SAFETY: as the caller promises.
    unsafe { number(object, PyLong_AsLong) }
}

/// A C int, with the interpreter's messages for numbers that do not fit.
///
/// # Safety
/// As `is_int`.
#[inline(always)]
pub unsafe fn int(object: Object) -> Result<c_int> {
    // SAFETY: as the caller promises.
    unsafe {
        let number = long(object)?;
        c_int::try_from(number).map_err(|_| {
            let is_large = number > 0;
            let message =
                if is_large { c"signed integer is greater than maximum" } else { c"signed integer is less than minimum" };
            raise(PyExc_OverflowError, message)
        })
    }
}

/// A 64-bit number for a parameter that the standard library does not have, with the package's own messages. REST is an error.
///
/// # Safety
/// As `is_int`.
#[inline(always)]
pub unsafe fn int64(object: Object) -> Result<i64> {
    // SAFETY: as the caller promises.
    unsafe { bits_of_64(object, false) }
}

/// As `int64`, for the value of an atomic word, which may be any 64-bit number.
///
/// # Safety
/// As `is_int`.
#[inline(always)]
pub unsafe fn word(object: Object) -> Result<i64> {
    // SAFETY: as the caller promises.
    unsafe { bits_of_64(object, true) }
}

/// Implements `int64` and `word`; `with_least` permits the smallest number, which is REST elsewhere.
///
/// # Safety
/// As `is_int`.
#[inline(always)]
unsafe fn bits_of_64(object: Object, with_least: bool) -> Result<i64> {
    // SAFETY: as the caller promises.
    unsafe {
        if is_int(object) {
            let number = PyLong_AsLongLong(object);
            if number != -1 && (with_least || number != REST) {
                return Ok(number);
            }
        }
        slow_int64(object, with_least)
    }
}

/// # Safety
/// As `is_int`; an exception may be set already.
#[cold]
unsafe fn slow_int64(object: Object, with_least: bool) -> Result<i64> {
    // SAFETY: as the caller promises.
    unsafe {
        PyErr_Clear();
        let index = made(PyNumber_Index(object))?;
        let number = PyLong_AsLongLong(index);
        let fails = number == -1 && !PyErr_Occurred().is_null();
        let result = if fails || (number == REST && !with_least) {
            PyErr_Clear();
            let function = |function, format| PyObject_CallFunction(function, format, index);
            Err(raised_by(call(c"mmap_wrap._ffi", c"int64", c"(O)", function)))
        } else {
            Ok(number)
        };
        Py_DecRef(index);
        result
    }
}

/// The bytes of an argument, which are valid and unchanged until this is dropped.
pub struct Bytes {
    pub start: *const u8,
    pub size: i64,
    owner: Owner,
}

/// What keeps the bytes valid.
enum Owner {
    /// The caller's reference to the argument.
    Argument,
    Copy(Object),
    Buffer(Box<Py_buffer>),
}

impl Bytes {
    /// # Safety
    /// The GIL is held, now and when this is dropped, and the caller has a reference to the object until then.
    #[inline(always)]
    pub unsafe fn from_object(object: Object) -> Result<Bytes> {
        // SAFETY: as the caller promises.
        unsafe {
            // A subclass of bytes may override its length.
            if Py_TYPE(object) != &raw mut PyBytes_Type {
                return Bytes::from_buffer(object);
            }
            let (start, size) = parts_of_bytes(object);
            Ok(Bytes { start, size, owner: Owner::Argument })
        }
    }

    /// # Safety
    /// As `of`.
    #[cold]
    unsafe fn from_buffer(object: Object) -> Result<Bytes> {
        // SAFETY: as the caller promises.
        unsafe {
            let mut buffer = Box::new(Py_buffer::new());
            if PyObject_GetBuffer(object, &raw mut *buffer, PyBUF_SIMPLE) < 0 {
                return Err(Raised);
            }
            if is_of(&buffer, object) {
                // An access to a map's memory may fault: it is read through the library, which reports the fault for that map.
                let copy = object::bytes(object::call_of(object, c"__buffer__"), 0, buffer.len as i64);
                PyBuffer_Release(&raw mut *buffer);
                let copy = copy?;
                let (start, size) = parts_of_bytes(copy);
                return Ok(Bytes { start, size, owner: Owner::Copy(copy) });
            }
            Ok(Bytes { start: buffer.buf.cast(), size: buffer.len as i64, owner: Owner::Buffer(buffer) })
        }
    }
}

/// # Safety
/// The object is bytes, and the GIL is held.
#[inline(always)]
unsafe fn parts_of_bytes(object: Object) -> (*const u8, i64) {
    let (mut start, mut size) = (null_mut(), 0);
    // SAFETY: as the caller promises.
    unsafe { PyBytes_AsStringAndSize(object, &raw mut start, &raw mut size) };
    (start.cast_const().cast(), size as i64)
}

impl Drop for Bytes {
    #[inline(always)]
    fn drop(&mut self) {
        // SAFETY: the GIL is held, as `of` requires; the copy or buffer belongs to this value.
        unsafe {
            match &mut self.owner {
                Owner::Argument => {}
                Owner::Copy(copy) => Py_DecRef(*copy),
                Owner::Buffer(buffer) => PyBuffer_Release(&raw mut **buffer),
            }
        }
    }
}
