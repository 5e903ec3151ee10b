//! Exceptions. The words for a code of the library are Python's to find: `mmap_wrap._errors` has them.

use pyo3_ffi::*;
use std::ffi::{CStr, c_int};
use std::ptr::null_mut;

/// An exception is set in this thread.
#[derive(Debug)]
pub struct Raised;

pub type Object = *mut PyObject;
pub type Result<T> = std::result::Result<T, Raised>;

/// What a function gives that the interpreter calls.
pub fn or_null(result: Result<Object>) -> Object {
    result.unwrap_or(null_mut())
}

/// The same, where success is 0.
pub fn or_minus_one(result: Result<()>) -> c_int {
    if result.is_ok() { 0 } else { -1 }
}

/// An object that a function of Python has just made, or its exception.
pub fn made(object: Object) -> Result<Object> {
    if object.is_null() { Err(Raised) } else { Ok(object) }
}

/// # Safety
/// The interpreter's lock is held.
pub unsafe fn none() -> Object {
    // SAFETY: as demanded.
    unsafe { Py_NewRef(Py_None()) }
}

/// Sets an exception.
///
/// # Safety
/// The interpreter's lock is held; `kind` is one of its exceptions.
#[cold]
pub unsafe fn raise(kind: Object, message: &CStr) -> Raised {
    // SAFETY: as demanded.
    unsafe { PyErr_SetString(kind, message.as_ptr()) };
    Raised
}

/// Sets the OSError of a number in the system's words.
///
/// # Safety
/// The interpreter's lock is held.
#[cold]
pub unsafe fn raise_errno(errno: c_int) -> Raised {
    // SAFETY: as demanded.
    unsafe {
        let raising = |function, format| PyObject_CallFunction(function, format, errno);
        raised_by(call(c"mmap_wrap._standard", c"fail_with", c"(i)", raising))
    }
}

/// Sets the exception for a negative code that the library gave in this thread just now, called by a method of that name.
///
/// # Safety
/// The interpreter's lock is held.
#[cold]
pub unsafe fn fail(method: &CStr, code: i64) -> Raised {
    let method = method.as_ptr();
    // SAFETY: as demanded.
    unsafe {
        raised_by(call(c"mmap_wrap._errors", c"fail_in_method", c"(sL)", |function, format| {
            PyObject_CallFunction(function, format, method, code)
        }))
    }
}

/// The same in the words of the standard library: `out_of_range` for a range outside of the map, `held` for one that views
/// keep from changing; `by` is the code that the library gave, where another one is to be reported.
///
/// # Safety
/// The interpreter's lock is held.
#[cold]
pub unsafe fn fail_as_standard(method: &CStr, code: i64, out_of_range: &CStr, held: &CStr, by: i64) -> Raised {
    let words = (method.as_ptr(), out_of_range.as_ptr(), held.as_ptr());
    // SAFETY: as demanded.
    unsafe {
        raised_by(call(c"mmap_wrap._standard", c"fail_in_method", c"(sLssL)", |function, format| {
            PyObject_CallFunction(function, format, words.0, code, words.1, words.2, by)
        }))
    }
}

/// Calls a function of one of the package's modules, with arguments by `PyObject_CallFunction`.
///
/// # Safety
/// The interpreter's lock is held.
pub unsafe fn call(
    module: &CStr,
    name: &CStr,
    format: &CStr,
    with: impl FnOnce(Object, *const std::ffi::c_char) -> Object,
) -> Object {
    // SAFETY: as demanded.
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

/// For a function that only raises.
///
/// # Safety
/// The interpreter's lock is held, and the reference given is the caller's own.
pub unsafe fn raised_by(result: Object) -> Raised {
    // SAFETY: as demanded.
    unsafe {
        if !result.is_null() {
            Py_DecRef(result);
            raise(PyExc_SystemError, c"mmap_wrap: a function that raises has returned");
        }
    }
    Raised
}
