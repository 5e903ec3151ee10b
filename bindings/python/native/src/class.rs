//! The class: its slots, methods and properties in one table.
//!
//! It derives from a Python class with the methods that the standard library does not have. The methods that must be fast are
//! in the class itself, where the interpreter looks them up first and checks the type of an instance with one comparison.

use crate::documentation as doc;
use crate::exceptions::Object;
use crate::object::WEAK_REFERENCES;
use crate::{elements, lifetime, object, pages, position, search, subscript};
use pyo3_ffi::*;
use std::ffi::{CStr, c_int, c_uint, c_void};
use std::ptr::{null, null_mut};

type WithNone = unsafe extern "C" fn(Object, Object) -> Object;
type WithMany = unsafe extern "C" fn(Object, *mut Object, Py_ssize_t) -> Object;
type WithNames = unsafe extern "C" fn(Object, *const Object, Py_ssize_t, Object) -> Object;

/// A list that the interpreter reads and never writes.
#[repr(transparent)]
struct List<T, const COUNT: usize>([T; COUNT]);

// SAFETY: it is never written to.
unsafe impl<T, const COUNT: usize> Sync for List<T, COUNT> {}

const fn method(name: &'static CStr, function: PyMethodDefPointer, flags: c_int, doc: &'static CStr) -> PyMethodDef {
    PyMethodDef { ml_name: name.as_ptr(), ml_meth: function, ml_flags: flags, ml_doc: doc.as_ptr() }
}

const fn none(name: &'static CStr, function: WithNone, doc: &'static CStr) -> PyMethodDef {
    method(name, PyMethodDefPointer { PyCFunction: function }, METH_NOARGS, doc)
}

const fn one(name: &'static CStr, function: WithNone, doc: &'static CStr) -> PyMethodDef {
    method(name, PyMethodDefPointer { PyCFunction: function }, METH_O, doc)
}

const fn many(name: &'static CStr, function: WithMany, doc: &'static CStr) -> PyMethodDef {
    method(name, PyMethodDefPointer { PyCFunctionFast: function }, METH_FASTCALL, doc)
}

const fn by_name(name: &'static CStr, function: WithNames, doc: &'static CStr) -> PyMethodDef {
    let pointer = PyMethodDefPointer { PyCFunctionFastWithKeywords: function };
    method(name, pointer, METH_FASTCALL | METH_KEYWORDS, doc)
}

static METHODS: List<PyMethodDef, 28> = List([
    many(c"find", search::find, doc::FIND),
    many(c"rfind", search::rfind, doc::RFIND),
    many(c"count", search::count, doc::COUNT),
    many(c"move", search::move_, doc::MOVE),
    many(c"read", position::read, doc::READ),
    none(c"read_byte", position::read_byte, doc::READ_BYTE),
    none(c"readline", position::readline, doc::READLINE),
    one(c"write", position::write_next, doc::WRITE),
    one(c"write_byte", position::write_byte, doc::WRITE_BYTE),
    many(c"seek", position::seek, doc::SEEK),
    none(c"seekable", position::seekable, doc::SEEKABLE),
    none(c"tell", position::tell, doc::TELL),
    by_name(c"flush", pages::flush, doc::FLUSH),
    many(c"madvise", pages::madvise, doc::MADVISE),
    by_name(c"resize", pages::resize, doc::RESIZE),
    none(c"size", pages::size, doc::SIZE),
    none(c"close", lifetime::close, doc::CLOSE),
    none(c"__enter__", lifetime::enter, doc::ENTER),
    many(c"__exit__", lifetime::exit, doc::EXIT),
    by_name(c"get", elements::get, doc::GET),
    by_name(c"put", elements::put, doc::PUT),
    by_name(c"atomic_load", elements::atomic_load, doc::ATOMIC_LOAD),
    by_name(c"atomic_store", elements::atomic_store, doc::ATOMIC_STORE),
    by_name(c"atomic_add", elements::atomic_add, doc::ATOMIC_ADD),
    by_name(c"atomic_exchange", elements::atomic_exchange, doc::ATOMIC_EXCHANGE),
    by_name(c"atomic_compare_exchange", elements::atomic_compare_exchange, doc::ATOMIC_COMPARE_EXCHANGE),
    method(
        c"_of",
        PyMethodDefPointer { PyCFunctionFast: lifetime::from_handle },
        METH_FASTCALL | METH_CLASS,
        c"A map of a handle.",
    ),
    PyMethodDef::zeroed(),
]);

const fn property(name: &'static CStr, get: getter, set: Option<setter>, doc: *const std::ffi::c_char) -> PyGetSetDef {
    PyGetSetDef { name: name.as_ptr(), get: Some(get), set, doc, closure: null_mut() }
}

static PROPERTIES: List<PyGetSetDef, 4> = List([
    property(c"closed", lifetime::closed, None, doc::CLOSED.as_ptr()),
    // Read-only: a view releases the handle of its map, so an instance has the same handle until it is deallocated.
    property(c"_handle", object::handle, None, null()),
    property(c"_access", object::access, Some(object::set_access), null()),
    PyGetSetDef { name: null(), get: None, set: None, doc: null(), closure: null_mut() },
]);

/// `make_class(base)`: the class `mmap`, derived from `base`, whose instances have no fields.
pub unsafe extern "C" fn make(module: Object, base: Object) -> Object {
    let members = [
        PyMemberDef {
            name: c"__weaklistoffset__".as_ptr(),
            type_code: Py_T_PYSSIZET,
            offset: WEAK_REFERENCES as Py_ssize_t,
            flags: Py_READONLY,
            doc: null(),
        },
        PyMemberDef { name: null(), type_code: 0, offset: 0, flags: 0, doc: null() },
    ];
    let slot = |number: c_int, value: *const ()| PyType_Slot { slot: number, pfunc: value.cast_mut().cast::<c_void>() };
    let mut slots = [
        slot(Py_tp_new, lifetime::new as *const ()),
        slot(Py_tp_dealloc, object::dealloc as *const ()),
        slot(Py_tp_traverse, object::traverse as *const ()),
        slot(Py_tp_repr, lifetime::repr as *const ()),
        slot(Py_tp_doc, doc::CLASS.as_ptr().cast()),
        slot(Py_tp_methods, (&raw const METHODS).cast()),
        slot(Py_tp_getset, (&raw const PROPERTIES).cast()),
        slot(Py_tp_members, members.as_ptr().cast()),
        slot(Py_bf_getbuffer, object::get_buffer as *const ()),
        slot(Py_bf_releasebuffer, object::release_buffer as *const ()),
        slot(Py_mp_length, object::length as *const ()),
        slot(Py_mp_subscript, subscript::get as *const ()),
        slot(Py_mp_ass_subscript, subscript::set as *const ()),
        slot(Py_sq_length, object::length as *const ()),
        slot(Py_sq_item, subscript::item as *const ()),
        slot(Py_sq_contains, subscript::contains as *const ()),
        slot(0, null()),
    ];
    let mut spec = PyType_Spec {
        name: c"mmap_wrap.mmap".as_ptr(),
        basicsize: size_of::<object::Layout>() as c_int,
        itemsize: 0,
        flags: (Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC) as c_uint,
        slots: slots.as_mut_ptr(),
    };
    // SAFETY: called by the interpreter. The spec, its slots and members outlive the call, which copies them; the methods,
    // properties and texts, which it does not copy, are static.
    unsafe {
        let bases = PyTuple_Pack(1, base);
        if bases.is_null() {
            return null_mut();
        }
        let class = PyType_FromModuleAndSpec(module, &raw mut spec, bases);
        Py_DecRef(bases);
        class
    }
}
