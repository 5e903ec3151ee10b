//! Arguments: numbers out of objects, and the bytes of what has a buffer.

use crate::exceptions::{Object, Raised, Result, call, made, raise, raised_by};
use crate::header::REST;
use crate::object::{self, is_of};
use pyo3_ffi::*;
use std::ffi::{CStr, c_int, c_long};
use std::ptr::null_mut;

/// The arguments of a call by METH_FASTCALL.
///
/// # Safety
/// There are `count` at the pointer.
#[inline(always)]
pub unsafe fn arguments<'a>(first: *const Object, count: Py_ssize_t) -> &'a [Object] {
    match usize::try_from(count) {
        // SAFETY: as demanded; they live as long as the call.
        Ok(count) if count > 0 => unsafe { std::slice::from_raw_parts(first, count) },
        _ => &[],
    }
}

/// The same, or TypeError where there are fewer or more than a method takes. Those left out are NULL.
///
/// # Safety
/// As `arguments`; the interpreter's lock is held.
#[inline(always)]
pub unsafe fn positional<const MOST: usize>(
    name: &CStr,
    least: usize,
    first: *const Object,
    count: Py_ssize_t,
) -> Result<[Object; MOST]> {
    let mut places = [null_mut(); MOST];
    // SAFETY: as demanded.
    let given = unsafe { arguments(first, count) };
    if given.len() < least || given.len() > MOST {
        // SAFETY: as demanded.
        return Err(unsafe { wrong_count(name, given.len(), least, MOST) });
    }
    for (place, value) in places.iter_mut().zip(given) {
        *place = *value;
    }
    Ok(places)
}

/// The same where parameters have names, of which `by_position` may go without.
///
/// # Safety
/// As `positional`; `names`, a tuple or NULL, names the arguments behind the first `count`, as METH_FASTCALL has it.
#[inline(always)]
pub unsafe fn named<const MOST: usize>(
    name: &CStr,
    parameters: [&CStr; MOST],
    by_position: usize,
    least: usize,
    (first, count, names): (*const Object, Py_ssize_t, Object),
) -> Result<[Object; MOST]> {
    // SAFETY: as demanded.
    unsafe {
        if names.is_null() && count as usize >= least && count as usize <= by_position {
            return positional(name, least, first, count);
        }
        let mut places = [null_mut(); MOST];
        place_named(name, &parameters, by_position, least, (first, count, names), &mut places)?;
        Ok(places)
    }
}

/// # Safety
/// As `named`.
#[cold]
unsafe fn place_named(
    name: &CStr,
    parameters: &[&CStr],
    by_position: usize,
    least: usize,
    (first, count, names): (*const Object, Py_ssize_t, Object),
    places: &mut [Object],
) -> Result<()> {
    // SAFETY: as demanded.
    unsafe {
        let given = arguments(first, count);
        if given.len() > by_position {
            return Err(wrong_count(name, given.len(), least, by_position));
        }
        for (place, value) in places.iter_mut().zip(given) {
            *place = *value;
        }
        let named = if names.is_null() { 0 } else { PyTuple_Size(names) };
        for index in 0..named {
            let key = PyTuple_GetItem(names, index);
            let is_key = |parameter: &&CStr| PyUnicode_CompareWithASCIIString(key, parameter.as_ptr()) == 0;
            let Some(place) = parameters.iter().position(is_key).and_then(|at| places.get_mut(at)) else {
                let format = c"%s got an unexpected keyword argument '%U'".as_ptr();
                PyErr_Format(PyExc_TypeError, format, name.as_ptr(), key);
                return Err(Raised);
            };
            if !place.is_null() {
                let format = c"%s got multiple values for argument '%U'".as_ptr();
                PyErr_Format(PyExc_TypeError, format, name.as_ptr(), key);
                return Err(Raised);
            }
            *place = *first.offset(count + index);
        }
        if let Some((_, parameter)) = places.iter().zip(parameters).take(least).find(|(place, _)| place.is_null()) {
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
    // SAFETY: the lock is held; the format takes these.
    unsafe {
        let format = c"%s expected %s%zd argument%s, got %zd".as_ptr();
        PyErr_Format(PyExc_TypeError, format, name.as_ptr(), bound.as_ptr(), number, ending.as_ptr(), given);
    }
    Raised
}

/// Whether an argument was left out, or is None.
///
/// # Safety
/// The interpreter's lock is held.
#[inline(always)]
pub unsafe fn is_none(argument: Object) -> bool {
    // SAFETY: as demanded.
    argument.is_null() || unsafe { argument == Py_None() }
}

/// Whether an object is exactly an int: a subclass may give other numbers than its own.
///
/// # Safety
/// The object lives, and the interpreter's lock is held.
#[inline(always)]
pub unsafe fn is_int(object: Object) -> bool {
    // SAFETY: as demanded.
    unsafe { Py_TYPE(object) == &raw mut PyLong_Type }
}

/// Converts by a function of C that gives -1 on error.
///
/// # Safety
/// As `is_int`.
#[inline(always)]
unsafe fn number<T: PartialEq + Copy + From<i8>>(object: Object, convert: unsafe extern "C" fn(Object) -> T) -> Result<T> {
    // SAFETY: as demanded. What is no int may run any code.
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

/// A Py_ssize_t. The least of all means "to the end" to the library; the next one is as much out of every range.
///
/// # Safety
/// As `is_int`.
#[inline(always)]
pub unsafe fn ssize(object: Object) -> Result<i64> {
    // SAFETY: as demanded.
    unsafe { Ok((number(object, PyLong_AsSsize_t)? as i64).max(REST + 1)) }
}

/// The same of an argument that may be left out, or be None.
///
/// # Safety
/// As `is_int`.
#[inline(always)]
pub unsafe fn ssize_if_given(object: Object) -> Result<Option<i64>> {
    // SAFETY: as demanded.
    unsafe { if is_none(object) { Ok(None) } else { ssize(object).map(Some) } }
}

/// An index; where it is too large, the exception asked for.
///
/// # Safety
/// As `is_int`.
#[inline(always)]
pub unsafe fn index(object: Object, too_large: Object) -> Result<i64> {
    // SAFETY: as demanded.
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

/// A long of C.
///
/// # Safety
/// As `is_int`.
#[inline(always)]
pub unsafe fn long(object: Object) -> Result<c_long> {
    // SAFETY: as demanded.
    unsafe { number(object, PyLong_AsLong) }
}

/// An int of C, in the words that the interpreter has where it is none.
///
/// # Safety
/// As `is_int`.
#[inline(always)]
pub unsafe fn int(object: Object) -> Result<c_int> {
    // SAFETY: as demanded.
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

/// A number of 64 bits for a parameter that the standard library does not have, in the package's own words where it is none.
///
/// # Safety
/// As `is_int`.
#[inline(always)]
pub unsafe fn int64(object: Object) -> Result<i64> {
    // SAFETY: as demanded.
    unsafe { bits_of_64(object, false) }
}

/// The same for a word: none of its values means anything else.
///
/// # Safety
/// As `is_int`.
#[inline(always)]
pub unsafe fn word(object: Object) -> Result<i64> {
    // SAFETY: as demanded.
    unsafe { bits_of_64(object, true) }
}

/// Either of them; `with_least` takes the number that is REST elsewhere.
///
/// # Safety
/// As `is_int`.
#[inline(always)]
unsafe fn bits_of_64(object: Object, with_least: bool) -> Result<i64> {
    // SAFETY: as demanded.
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
    // SAFETY: as demanded.
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

/// Bytes of an argument, which stay as they are while this lives.
pub struct Bytes {
    pub start: *const u8,
    pub size: i64,
    held: Held,
}

enum Held {
    /// By the caller's reference.
    Argument,
    Copy(Object),
    Buffer(Box<Py_buffer>),
}

impl Bytes {
    /// # Safety
    /// The interpreter's lock is held, now and when this is dropped, and the caller has a reference to the object until then.
    #[inline(always)]
    pub unsafe fn of(object: Object) -> Result<Bytes> {
        // SAFETY: as demanded.
        unsafe {
            // A subclass may say of its length what it likes.
            if Py_TYPE(object) != &raw mut PyBytes_Type {
                return Bytes::of_buffer(object);
            }
            let (start, size) = of_bytes(object);
            Ok(Bytes { start, size, held: Held::Argument })
        }
    }

    /// # Safety
    /// As `of`.
    #[cold]
    unsafe fn of_buffer(object: Object) -> Result<Bytes> {
        // SAFETY: as demanded.
        unsafe {
            let mut buffer = Box::new(Py_buffer::new());
            if PyObject_GetBuffer(object, &raw mut *buffer, PyBUF_SIMPLE) < 0 {
                return Err(Raised);
            }
            if is_of(&buffer, object) {
                // Its memory may fault: it is read as a map is, so that the failure is reported as that map's.
                let copy = object::bytes(object::call_of(object, c"__buffer__"), 0, buffer.len as i64);
                PyBuffer_Release(&raw mut *buffer);
                let copy = copy?;
                let (start, size) = of_bytes(copy);
                return Ok(Bytes { start, size, held: Held::Copy(copy) });
            }
            Ok(Bytes { start: buffer.buf.cast(), size: buffer.len as i64, held: Held::Buffer(buffer) })
        }
    }
}

/// # Safety
/// The object is bytes, and the interpreter's lock is held.
#[inline(always)]
unsafe fn of_bytes(object: Object) -> (*const u8, i64) {
    let (mut start, mut size) = (null_mut(), 0);
    // SAFETY: as demanded.
    unsafe { PyBytes_AsStringAndSize(object, &raw mut start, &raw mut size) };
    (start.cast_const().cast(), size as i64)
}

impl Drop for Bytes {
    #[inline(always)]
    fn drop(&mut self) {
        // SAFETY: the lock is held, as `of` demands; what is held is this one's own.
        unsafe {
            match &mut self.held {
                Held::Argument => {}
                Held::Copy(copy) => Py_DecRef(*copy),
                Held::Buffer(buffer) => PyBuffer_Release(&raw mut **buffer),
            }
        }
    }
}
