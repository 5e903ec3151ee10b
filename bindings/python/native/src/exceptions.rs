//! Exceptions. `mmap_wrap._errors`, in Python, makes those for the codes of the library.

use pyo3_ffi::*;
use std::ffi::{CStr, c_int};
use std::ptr::null_mut;

/// An exception is set in this thread.
#[derive(Debug)]
pub struct Raised;

pub type Object = *mut PyObject;
pub type Result<T> = std::result::Result<T, Raised>;

/// The result of a function that the interpreter calls: NULL on error.
pub fn or_null(result: Result<Object>) -> Object {
    result.unwrap_or(null_mut())
}

/// The result of a function that the interpreter calls and that returns an int: 0 on success, -1 on error.
pub fn or_minus_one(result: Result<()>) -> c_int {
    if result.is_ok() { 0 } else { -1 }
}

/// The object that a function of Python's C API returned; NULL is an error.
pub fn made(object: Object) -> Result<Object> {
    if object.is_null() { Err(Raised) } else { Ok(object) }
}

/// # Safety
/// The GIL is held.
pub unsafe fn none() -> Object {
    // SAFETY: as the caller promises.
    unsafe { Py_NewRef(Py_None()) }
}

/// Sets an exception.
///
/// # Safety
/// The GIL is held; `kind` is one of its exceptions.
#[cold]
pub unsafe fn raise(kind: Object, message: &CStr) -> Raised {
    // SAFETY: as the caller promises.
    unsafe { PyErr_SetString(kind, message.as_ptr()) };
    Raised
}

/// Sets the OSError with this number and the system's message.
///
/// # Safety
/// The GIL is held.
#[cold]
pub unsafe fn raise_errno(errno: c_int) -> Raised {
    // SAFETY: as the caller promises.
    unsafe {
        let raising = |function, format| PyObject_CallFunction(function, format, errno);
        raised_by(call(c"mmap_wrap._standard", c"fail_with", c"(i)", raising))
    }
}

/// Sets the exception for a negative code that the library just returned in this thread. Its message begins with the method.
///
/// # Safety
/// The GIL is held.
#[cold]
pub unsafe fn fail(method: &CStr, code: i64) -> Raised {
    let method = method.as_ptr();
    // SAFETY: as the caller promises.
    unsafe {
        raised_by(call(c"mmap_wrap._errors", c"fail_in_method", c"(sL)", |function, format| {
            PyObject_CallFunction(function, format, method, code)
        }))
    }
}

/// As `fail`, with the standard library's exceptions and messages: `out_of_range` for a range outside the map, `busy` for a map
/// of which views exist. `reported` is the code that the library returned, if `code` is another.
///
/// # Safety
/// The GIL is held.
#[cold]
pub unsafe fn fail_as_standard(method: &CStr, code: i64, out_of_range: &CStr, busy: &CStr, reported: i64) -> Raised {
    let (method, out_of_range, busy) = (method.as_ptr(), out_of_range.as_ptr(), busy.as_ptr());
    // SAFETY: as the caller promises.
    unsafe {
        raised_by(call(c"mmap_wrap._standard", c"fail_in_method", c"(sLssL)", |function, format| {
            PyObject_CallFunction(function, format, method, code, out_of_range, busy, reported)
        }))
    }
}

/// Calls a function of one of the package's modules; `with` passes the arguments, by `PyObject_CallFunction`.
///
/// # Safety
/// The GIL is held.
pub unsafe fn call(
    module: &CStr,
    name: &CStr,
    format: &CStr,
    with: impl FnOnce(Object, *const std::ffi::c_char) -> Object,
) -> Object {
    // SAFETY: as the caller promises.
    unsafe {
        let module = PyImport_ImportModule(module.as_ptr());
        if module.is_null() {
            return module;
        }
        let function = PyObject_GetAttrString(module, name.as_ptr());
        Py_DecRef(module);
        if function.is_null() {
            return function;
        }
        let result = with(function, format.as_ptr());
        Py_DecRef(function);
        result
    }
}

/// The exception raised by a function that always raises; `result` is its result.
///
/// # Safety
/// The GIL is held, and the caller owns the reference `result`.
pub unsafe fn raised_by(result: Object) -> Raised {
    // SAFETY: as the caller promises.
    unsafe {
        if !result.is_null() {
            Py_DecRef(result);
            raise(PyExc_SystemError, c"mmap_wrap: a function that raises has returned");
        }
    }
    Raised
}
