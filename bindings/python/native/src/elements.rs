//! Numbers at any offset, and words shared by threads and processes: `get`, `put`, and the atomic operations.

use crate::arguments::{int64, named, word};
use crate::exceptions::{Object, Raised, Result, call, fail, made, none, or_null, raised_by};
use crate::header::{BIG_ENDIAN, E_ARGUMENT, F32, I8, LITTLE_ENDIAN, NO_INT, U8};
use crate::library::library;
use crate::object::map_of;
use pyo3_ffi::*;
use std::ffi::CStr;

type Arguments = (*const Object, Py_ssize_t, Object);

#[derive(Clone, Copy, PartialEq)]
enum Number {
    Signed,
    Unsigned,
    Float,
    /// A 16-bit float, a kind that the library does not have: Python converts its bits.
    Half,
}

/// A kind of number; `code` is the library's number for it.
struct Kind {
    number: Number,
    width: u32,
    code: i64,
}

/// MMAP_WRAP_I8 and the others are one of these, combined with the width in bytes.
const SIGNED: i64 = I8 - 1;
const UNSIGNED: i64 = U8 - 1;
const FLOAT: i64 = F32 - 4;

impl Kind {
    /// # Safety
    /// The GIL is held.
    #[inline(always)]
    unsafe fn from_name(name: Object) -> Result<Kind> {
        // SAFETY: as the caller promises; the text is valid as long as its object.
        unsafe {
            if PyUnicode_Check(name) != 0 {
                let mut size = 0;
                let text = PyUnicode_AsUTF8AndSize(name, &raw mut size);
                if text.is_null() {
                    PyErr_Clear();
                } else if let Some(kind) = Kind::read(std::slice::from_raw_parts(text.cast(), size as usize)) {
                    return Ok(kind);
                }
            }
            // Python raises the error.
            let raising = |function, format| PyObject_CallFunction(function, format, name);
            Err(raised_by(call(c"mmap_wrap._elements", c"_kind", c"(O)", raising)))
        }
    }

    #[inline(always)]
    fn read(name: &[u8]) -> Option<Kind> {
        let (order, bare) = match name {
            [b'<', bare @ ..] => (LITTLE_ENDIAN, bare),
            [b'>', bare @ ..] => (BIG_ENDIAN, bare),
            [b'=', bare @ ..] => (0, bare),
            bare => (0, bare),
        };
        let &[letter, digit @ (b'1' | b'2' | b'4' | b'8')] = bare else { return None };
        let width = u32::from(digit - b'0');
        let (number, code) = match (letter, width) {
            (b'i', _) => (Number::Signed, SIGNED),
            (b'u', _) => (Number::Unsigned, UNSIGNED),
            (b'f', 4 | 8) => (Number::Float, FLOAT),
            (b'f', 2) => (Number::Half, UNSIGNED),
            _ => return None,
        };
        Some(Kind { number, width, code: code | i64::from(width) | order })
    }
}

/// `get(kind, offset)`
pub unsafe extern "C" fn get(object: Object, first: *const Object, count: Py_ssize_t, names: Object) -> Object {
    // SAFETY: called by the interpreter.
    unsafe { or_null(number(object, (first, count, names))) }
}

/// # Safety
/// As the methods.
#[inline(always)]
unsafe fn number(object: Object, arguments: Arguments) -> Result<Object> {
    // SAFETY: called by the interpreter.
    unsafe {
        let [name, offset] = named(c"get", [c"kind", c"offset"], 2, 2, arguments)?;
        let (kind, offset) = (Kind::from_name(name)?, int64(offset)?);
        let handle = map_of(object).handle;
        match kind.number {
            Number::Float => {
                let found = (library().get_float)(handle, kind.code, offset);
                if found.is_nan() {
                    succeeded(c"get")?;
                }
                made(PyFloat_FromDouble(found))
            }
            Number::Half => made(call(c"mmap_wrap._elements", c"get_half", c"(LLL)", |function, format| {
                PyObject_CallFunction(function, format, handle, kind.code, offset)
            })),
            signed => {
                let found = (library().get_int)(handle, kind.code, offset);
                if found == NO_INT {
                    succeeded(c"get")?;
                }
                let is_large = signed == Number::Unsigned && found < 0;
                made(if is_large { PyLong_FromUnsignedLongLong(found as u64) } else { PyLong_FromLongLong(found) })
            }
        }
    }
}

/// Ok if the call that returned the value for "no number" succeeded with this value; else its exception.
///
/// # Safety
/// The GIL is held.
#[cold]
unsafe fn succeeded(method: &CStr) -> Result<()> {
    // SAFETY: as the caller promises.
    unsafe {
        match (library().last_error_code)() {
            0 => Ok(()),
            code => Err(fail(method, code)),
        }
    }
}

/// `put(kind, offset, value)`
pub unsafe extern "C" fn put(object: Object, first: *const Object, count: Py_ssize_t, names: Object) -> Object {
    // SAFETY: called by the interpreter.
    unsafe { or_null(number_put(object, (first, count, names))) }
}

/// # Safety
/// As the methods.
#[inline(always)]
unsafe fn number_put(object: Object, arguments: Arguments) -> Result<Object> {
    // SAFETY: called by the interpreter.
    unsafe {
        let [name, offset, value] = named(c"put", [c"kind", c"offset", c"value"], 3, 3, arguments)?;
        let kind = Kind::from_name(name)?;
        let handle = map_of(object).handle;
        let done = match kind.number {
            Number::Float => {
                let real = PyFloat_AsDouble(value);
                if real == -1.0 && !PyErr_Occurred().is_null() {
                    return Err(Raised);
                }
                let done = (library().put_float)(handle, kind.code, int64(offset)?, real);
                if done == E_ARGUMENT {
                    return Err(does_not_fit(made(PyFloat_FromDouble(real))?, name));
                }
                done
            }
            Number::Half => {
                let real = PyFloat_AsDouble(value);
                if real == -1.0 && !PyErr_Occurred().is_null() {
                    return Err(Raised);
                }
                let offset = int64(offset)?;
                return made(call(c"mmap_wrap._elements", c"put_half", c"(LOLLd)", |function, format| {
                    PyObject_CallFunction(function, format, handle, name, kind.code, offset, real)
                }));
            }
            _ => {
                let index = made(PyNumber_Index(value))?;
                let Some(bits) = bits_of(index, &kind) else { return Err(does_not_fit(index, name)) };
                Py_DecRef(index);
                (library().put_int)(handle, kind.code, int64(offset)?, bits)
            }
        };
        if done < 0 { Err(fail(c"put", done)) } else { Ok(none()) }
    }
}

/// The integer as an int64_t with the same bits; None if it does not fit the kind.
///
/// # Safety
/// As the methods; `index` is an int.
#[inline(always)]
unsafe fn bits_of(index: Object, kind: &Kind) -> Option<i64> {
    let spare = 64 - 8 * kind.width;
    // SAFETY: called by the interpreter.
    unsafe {
        if kind.number == Number::Signed {
            let number = PyLong_AsLongLong(index);
            let fits = number << spare >> spare == number && (number != -1 || PyErr_Occurred().is_null());
            return fits.then_some(number);
        }
        let number = PyLong_AsUnsignedLongLong(index);
        let fits = number << spare >> spare == number && (number != u64::MAX || PyErr_Occurred().is_null());
        fits.then_some(number as i64)
    }
}

/// The exception for a number that does not fit its kind. Consumes the reference to the number.
///
/// # Safety
/// As the methods.
#[cold]
unsafe fn does_not_fit(number: Object, kind: Object) -> Raised {
    // SAFETY: called by the interpreter.
    unsafe {
        PyErr_Clear();
        let format = c"mmap.put: %S does not fit %R".as_ptr();
        PyErr_Format(PyExc_OverflowError, format, number, kind);
        Py_DecRef(number);
    }
    Raised
}

/// The width of the word of an atomic operation in bits; 64 if the argument is omitted.
///
/// # Safety
/// As the methods.
unsafe fn bits(argument: Object) -> Result<i64> {
    // SAFETY: called by the interpreter.
    unsafe { if argument.is_null() { Ok(64) } else { int64(argument) } }
}

/// # Safety
/// As the methods.
unsafe fn old_word(method: &CStr, code: i64, old: i64) -> Result<Object> {
    // SAFETY: called by the interpreter.
    unsafe { if code < 0 { Err(fail(method, code)) } else { made(PyLong_FromLongLong(old)) } }
}

/// `atomic_load(offset, bits=64)`
pub unsafe extern "C" fn atomic_load(object: Object, first: *const Object, count: Py_ssize_t, names: Object) -> Object {
    let load = || {
        let mut value = 0;
        // SAFETY: called by the interpreter.
        unsafe {
            let [offset, width] = named(c"atomic_load", [c"offset", c"bits"], 2, 1, (first, count, names))?;
            let (width, offset) = (bits(width)?, int64(offset)?);
            let code = (library().atomic_load)(map_of(object).handle, width, offset, &raw mut value);
            old_word(c"atomic_load", code, value)
        }
    };
    or_null(load())
}

/// `atomic_store(offset, value, bits=64)`
pub unsafe extern "C" fn atomic_store(object: Object, first: *const Object, count: Py_ssize_t, names: Object) -> Object {
    let store = || {
        // SAFETY: called by the interpreter.
        unsafe {
            let [offset, value, width] = named(c"atomic_store", VALUE, 3, 2, (first, count, names))?;
            let (width, offset, value) = (bits(width)?, int64(offset)?, word(value)?);
            let code = (library().atomic_store)(map_of(object).handle, width, offset, value);
            if code < 0 { Err(fail(c"atomic_store", code)) } else { Ok(none()) }
        }
    };
    or_null(store())
}

const VALUE: [&CStr; 3] = [c"offset", c"value", c"bits"];

/// Implements the operations that take a value and return the old word.
///
/// # Safety
/// As the methods; `name` is the name of the method.
unsafe fn read_modify_write(
    name: &CStr,
    operation: unsafe extern "C" fn(i64, i64, i64, i64, *mut i64) -> i64,
    object: Object,
    arguments: (*const Object, Py_ssize_t, Object),
) -> Result<Object> {
    let mut old = 0;
    // SAFETY: called by the interpreter.
    unsafe {
        let [offset, value, width] = named(name, VALUE, 3, 2, arguments)?;
        let (width, offset, value) = (bits(width)?, int64(offset)?, word(value)?);
        let code = operation(map_of(object).handle, width, offset, value, &raw mut old);
        old_word(name, code, old)
    }
}

/// `atomic_add(offset, value, bits=64)`
pub unsafe extern "C" fn atomic_add(object: Object, first: *const Object, count: Py_ssize_t, names: Object) -> Object {
    // SAFETY: called by the interpreter.
    or_null(unsafe { read_modify_write(c"atomic_add", library().atomic_add, object, (first, count, names)) })
}

/// `atomic_exchange(offset, value, bits=64)`
pub unsafe extern "C" fn atomic_exchange(object: Object, first: *const Object, count: Py_ssize_t, names: Object) -> Object {
    // SAFETY: called by the interpreter.
    or_null(unsafe { read_modify_write(c"atomic_exchange", library().atomic_exchange, object, (first, count, names)) })
}

/// `atomic_compare_exchange(offset, expected, desired, bits=64)`
pub unsafe extern "C" fn atomic_compare_exchange(
    object: Object,
    first: *const Object,
    count: Py_ssize_t,
    names: Object,
) -> Object {
    let exchange = || {
        let mut old = 0;
        // SAFETY: called by the interpreter; the tuple has its own references.
        unsafe {
            let parameters = [c"offset", c"expected", c"desired", c"bits"];
            let arguments = (first, count, names);
            let [offset, expected, desired, width] = named(c"atomic_compare_exchange", parameters, 4, 3, arguments)?;
            let (expected, desired) = (word(expected)?, word(desired)?);
            let (width, offset, handle) = (bits(width)?, int64(offset)?, map_of(object).handle);
            let code = (library().atomic_compare_exchange)(handle, width, offset, expected, desired, &raw mut old);
            if code < 0 {
                return Err(fail(c"atomic_compare_exchange", code));
            }
            let number = made(PyLong_FromLongLong(old))?;
            let was = PyBool_FromLong((code == 1).into());
            let both = PyTuple_Pack(2, was, number);
            Py_DecRef(was);
            Py_DecRef(number);
            made(both)
        }
    };
    or_null(exchange())
}
