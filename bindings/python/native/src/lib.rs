//! `mmap_wrap._native`: the class of the Python package, over the C ABI of libmmap_wrap.
//!
//! Every method of the standard library's `mmap.mmap` is here, and with it what has to be as fast: the rest of the package is
//! Python over ctypes. Python names the library (`load`), so that the module, ctypes and whatever else is in the process
//! use the same one; each method enters it once. What the library finds wrong becomes an exception by the package's
//! `_errors`, in Python: nothing here decides what a range is, and nothing touches mapped memory.
//!
//! The module has no state: its functions are the process's (`library`), its class belongs to the interpreter that has made it.

mod arguments;
mod class;
mod documentation;
mod elements;
mod exceptions;
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

/// `load(path, abi_version)`: the system's handle of the library at a path, and its ABI number. OSError.
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

/// `constant(name)`: the platform's constant of that name (bytes), or what the library says: a code, as a negative number, in
/// a tuple.
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

/// `message(code)`: what the library says of this thread's last failure, whose code that is; of another, what it says of the
/// code.
unsafe extern "C" fn message(_: Object, code: Object) -> Object {
    // SAFETY: called by the interpreter.
    unsafe { said(code, library().last_error_message) }
}

/// `reason(code)`: the same without the name of the function that failed: the program called another.
unsafe extern "C" fn reason(_: Object, code: Object) -> Object {
    // SAFETY: called by the interpreter.
    unsafe { said(code, library().last_error_reason) }
}

/// # Safety
/// Called by the interpreter.
unsafe fn said(code: Object, last_error: header::mmap_wrap_last_error_message) -> Object {
    // SAFETY: as demanded; the texts end in NUL, and stay until this thread asks for another.
    unsafe {
        let code = PyLong_AsLongLong(code);
        if code == -1 && !PyErr_Occurred().is_null() {
            return null_mut();
        }
        // A signal's handler or a finalizer may have run in between, and had a failure of its own.
        let is_last = (library().last_error_code)() == code;
        let text = if is_last { last_error() } else { (library().strerror)(code) };
        PyUnicode_DecodeUTF8(text, CStr::from_ptr(text).count_bytes() as Py_ssize_t, c"replace".as_ptr())
    }
}

/// `page_size()`
unsafe extern "C" fn page_size(_: Object, _: Object) -> Object {
    // SAFETY: called by the interpreter.
    unsafe { PyLong_FromLongLong(pages::page_size()) }
}

/// `granularity()`
unsafe extern "C" fn granularity(_: Object, _: Object) -> Object {
    // SAFETY: called by the interpreter.
    unsafe { PyLong_FromLongLong(system::granularity()) }
}

/// `version()`
unsafe extern "C" fn version(_: Object, _: Object) -> Object {
    // SAFETY: called by the interpreter; the text is static.
    unsafe { or_null(exceptions::made(PyUnicode_FromString((library().version)()))) }
}

const fn function(name: &'static CStr, pointer: PyMethodDefPointer, flags: std::ffi::c_int) -> PyMethodDef {
    PyMethodDef { ml_name: name.as_ptr(), ml_meth: pointer, ml_flags: flags, ml_doc: std::ptr::null() }
}

static mut FUNCTIONS: [PyMethodDef; 9] = [
    function(c"load", PyMethodDefPointer { PyCFunctionFast: load }, METH_FASTCALL),
    function(c"make_class", PyMethodDefPointer { PyCFunction: class::make }, METH_O),
    function(c"constant", PyMethodDefPointer { PyCFunction: constant }, METH_O),
    function(c"message", PyMethodDefPointer { PyCFunction: message }, METH_O),
    function(c"reason", PyMethodDefPointer { PyCFunction: reason }, METH_O),
    function(c"page_size", PyMethodDefPointer { PyCFunction: page_size }, METH_NOARGS),
    function(c"granularity", PyMethodDefPointer { PyCFunction: granularity }, METH_NOARGS),
    function(c"version", PyMethodDefPointer { PyCFunction: version }, METH_NOARGS),
    PyMethodDef::zeroed(),
];

/// Nothing is left to be done when the module is executed; a module with slots is one that each interpreter makes anew.
unsafe extern "C" fn execute(_: Object) -> std::ffi::c_int {
    0
}

// Both that follow `execute` are younger than the oldest version that the module is for: `initialise` leaves out what an
// interpreter does not know.
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

/// What an interpreter calls to import the module.
///
/// # Safety
/// Only an interpreter may call it, with its lock held.
#[unsafe(no_mangle)]
#[allow(non_snake_case)]
pub unsafe extern "C" fn PyInit__native() -> Object {
    static KNOWN: std::sync::Once = std::sync::Once::new();
    // SAFETY: once in a process, before an interpreter reads the slots; and all of them are of the same version.
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
