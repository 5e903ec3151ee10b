//! `mmap_wrap._native`: the class of the Python package, over the C ABI of libmmap_wrap.
//!
//! It has every method of the standard library's `mmap.mmap`, and others that must be as fast; the rest of the package is Python
//! with ctypes. Python passes the path of the library (`load`), so that the module and ctypes use the same one. Each method calls
//! the library once. The package's `_errors`, in Python, converts the library's errors to exceptions. This module does not check
//! ranges and does not access mapped memory.
//!
//! The module has no state: the library's functions are per process (`library`), the class is per interpreter.

mod arguments;
mod class;
mod documentation;
mod elements;
mod exceptions;
mod gil;
#[rustfmt::skip]
mod header;
mod library;
mod lifetime;
mod object;
mod pages;
mod position;
mod search;
mod subscript;
mod system;

use exceptions::{Object, Raised, or_null, raise};
use library::library;
use pyo3_ffi::*;
use std::ffi::{CStr, c_void};
use std::ptr::null_mut;

/// `load(path, abi_version)`: loads the library; returns the system's handle and the library's ABI number. OSError: it failed.
unsafe extern "C" fn load(_: Object, first: *mut Object, count: Py_ssize_t) -> Object {
    // SAFETY: called by the interpreter.
    unsafe {
        let &[path, abi_version] = arguments::arguments(first, count) else {
            raise(PyExc_TypeError, c"load takes a path and a number");
            return null_mut();
        };
        let abi_version = PyLong_AsLongLong(abi_version);
        if !PyErr_Occurred().is_null() {
            return null_mut();
        }
        match library::load(path, abi_version) {
            Ok((handle, number)) => Py_BuildValue(c"(KL)".as_ptr(), handle as u64, number),
            Err(Raised) => null_mut(),
        }
    }
}

/// `constant(name)`: the value of the platform's constant of that name (bytes), or a tuple with the library's negative code.
unsafe extern "C" fn constant(_: Object, name: Object) -> Object {
    // SAFETY: called by the interpreter.
    unsafe {
        let name = PyBytes_AsString(name);
        if name.is_null() {
            return null_mut();
        }
        let mut value = 0;
        match (library().constant)(name, &raw mut value) {
            0 => PyLong_FromLongLong(value),
            code => Py_BuildValue(c"(L)".as_ptr(), code),
        }
    }
}

/// `message(code)`: the message of this thread's last failure, if it had that code; else the general message for the code.
unsafe extern "C" fn message(_: Object, code: Object) -> Object {
    // SAFETY: called by the interpreter.
    unsafe { error_text(code, library().last_error_message) }
}

/// `reason(code)`: the same without the name of the library's function, as the program called a Python function.
unsafe extern "C" fn reason(_: Object, code: Object) -> Object {
    // SAFETY: called by the interpreter.
    unsafe { error_text(code, library().last_error_reason) }
}

/// # Safety
/// Called by the interpreter.
unsafe fn error_text(code: Object, last_error: header::mmap_wrap_last_error_message) -> Object {
    // SAFETY: as the caller promises; the texts end in NUL, and are valid until this thread's next call for one.
    unsafe {
        let code = PyLong_AsLongLong(code);
        if code == -1 && !PyErr_Occurred().is_null() {
            return null_mut();
        }
        // A signal handler or a finalizer may have run in between, and have failed itself.
        let is_last = (library().last_error_code)() == code;
        let text = if is_last { last_error() } else { (library().strerror)(code) };
        PyUnicode_DecodeUTF8(text, CStr::from_ptr(text).count_bytes() as Py_ssize_t, c"replace".as_ptr())
    }
}

/// `system_code(code)`: the system's own code of this thread's last failure, if it had that code; else 0.
unsafe extern "C" fn system_code(_: Object, code: Object) -> Object {
    // SAFETY: called by the interpreter.
    unsafe {
        let code = PyLong_AsLongLong(code);
        if code == -1 && !PyErr_Occurred().is_null() {
            return null_mut();
        }
        let is_last = (library().last_error_code)() == code;
        PyLong_FromLongLong(if is_last { (library().last_error_system_code)() } else { 0 })
    }
}

/// `page_size()`
unsafe extern "C" fn page_size(_: Object, _: Object) -> Object {
    // SAFETY: called by the interpreter.
    unsafe { PyLong_FromLongLong(library::page_size()) }
}

/// `granularity()`
unsafe extern "C" fn granularity(_: Object, _: Object) -> Object {
    // SAFETY: called by the interpreter.
    unsafe { PyLong_FromLongLong(system::granularity(library::page_size())) }
}

/// `version()`
unsafe extern "C" fn version(_: Object, _: Object) -> Object {
    // SAFETY: called by the interpreter; the text is static.
    unsafe { or_null(exceptions::made(PyUnicode_FromString((library().version)()))) }
}

const fn function(name: &'static CStr, pointer: PyMethodDefPointer, flags: std::ffi::c_int) -> PyMethodDef {
    PyMethodDef { ml_name: name.as_ptr(), ml_meth: pointer, ml_flags: flags, ml_doc: std::ptr::null() }
}

static mut FUNCTIONS: [PyMethodDef; 10] = [
    function(c"load", PyMethodDefPointer { PyCFunctionFast: load }, METH_FASTCALL),
    function(c"make_class", PyMethodDefPointer { PyCFunction: class::make }, METH_O),
    function(c"constant", PyMethodDefPointer { PyCFunction: constant }, METH_O),
    function(c"message", PyMethodDefPointer { PyCFunction: message }, METH_O),
    function(c"reason", PyMethodDefPointer { PyCFunction: reason }, METH_O),
    function(c"system_code", PyMethodDefPointer { PyCFunction: system_code }, METH_O),
    function(c"page_size", PyMethodDefPointer { PyCFunction: page_size }, METH_NOARGS),
    function(c"granularity", PyMethodDefPointer { PyCFunction: granularity }, METH_NOARGS),
    function(c"version", PyMethodDefPointer { PyCFunction: version }, METH_NOARGS),
    PyMethodDef::zeroed(),
];

/// Does nothing. A module with an execution slot is created anew by each interpreter (multi-phase initialisation).
unsafe extern "C" fn execute(_: Object) -> std::ffi::c_int {
    0
}

// The slots after `execute` are newer than the oldest supported version of Python: `PyInit__native` adds those that the
// interpreter supports.
const MULTIPLE_INTERPRETERS: std::ffi::c_int = 3;
const GIL: std::ffi::c_int = 4;
const SUPPORTED_WITH_A_LOCK_EACH: *mut c_void = std::ptr::without_provenance_mut(2);
const GIL_NOT_USED: *mut c_void = std::ptr::without_provenance_mut(1);

static mut SLOTS: [PyModuleDef_Slot; 4] = [
    PyModuleDef_Slot { slot: Py_mod_exec, value: execute as *mut c_void },
    PyModuleDef_Slot { slot: 0, value: null_mut() },
    PyModuleDef_Slot { slot: 0, value: null_mut() },
    PyModuleDef_Slot { slot: 0, value: null_mut() },
];

static mut DEFINITION: PyModuleDef = PyModuleDef {
    m_base: PyModuleDef_HEAD_INIT,
    m_name: c"mmap_wrap._native".as_ptr(),
    m_doc: c"The class of the package, over the C ABI of libmmap_wrap.".as_ptr(),
    m_size: 0,
    m_methods: &raw mut FUNCTIONS as *mut PyMethodDef,
    m_slots: &raw mut SLOTS as *mut PyModuleDef_Slot,
    m_traverse: None,
    m_clear: None,
    m_free: None,
};

/// Called by the interpreter to import the module.
///
/// # Safety
/// Only an interpreter may call it, with the GIL held.
#[unsafe(no_mangle)]
#[allow(non_snake_case)]
pub unsafe extern "C" fn PyInit__native() -> Object {
    static KNOWN: std::sync::Once = std::sync::Once::new();
    // SAFETY: runs once per process, before any interpreter reads the slots; all interpreters have the same version.
    unsafe {
        KNOWN.call_once(|| {
            if Py_Version >= 0x030c_0000 {
                SLOTS[1] = PyModuleDef_Slot { slot: MULTIPLE_INTERPRETERS, value: SUPPORTED_WITH_A_LOCK_EACH };
            }
            if Py_Version >= 0x030d_0000 {
                SLOTS[2] = PyModuleDef_Slot { slot: GIL, value: GIL_NOT_USED };
            }
        });
        PyModuleDef_Init(&raw mut DEFINITION)
    }
}
