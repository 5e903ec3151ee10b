//! The functions of Python that `python` calls, all of its stable interface, found in the process when first needed:
//! linked to, they would keep the library from loading where there is no Python.

use crate::sys::symbol;
use std::ffi::{CStr, c_char, c_int, c_long, c_uint, c_void};
use std::ptr::{null, null_mut};
use std::sync::OnceLock;

/// PyObject, of which nothing is known here.
#[repr(C)]
pub struct Object([u8; 0]);

/// Py_ssize_t.
pub type Size = isize;

/// Py_buffer.
#[repr(C)]
pub struct Buffer {
    pub address: *mut c_void,
    pub object: *mut Object,
    pub length: Size,
    itemsize: Size,
    readonly: c_int,
    ndim: c_int,
    format: *mut c_char,
    shape: *mut Size,
    strides: *mut Size,
    suboffsets: *mut Size,
    internal: *mut c_void,
}

/// Its address is in no other library.
static OURS: u8 = 0;

impl Buffer {
    /// Says that `object` gave the buffer out itself. To pass on a buffer, as memoryview does, keeps `internal`, which so
    /// names another object then; and no other class has such a number there.
    pub fn mark(&mut self, object: *mut Object) {
        self.internal = (object.addr() ^ (&raw const OURS).addr()) as *mut c_void;
    }

    /// Whether `object` gave the buffer out, and marked it.
    pub fn is_of(&self, object: *mut Object) -> bool {
        self.internal.addr() == object.addr() ^ (&raw const OURS).addr()
    }

    /// Contiguous bytes.
    pub const SIMPLE: c_int = 0;

    pub const EMPTY: Buffer = Buffer {
        address: null_mut(),
        object: null_mut(),
        length: 0,
        itemsize: 0,
        readonly: 0,
        ndim: 0,
        format: null_mut(),
        shape: null_mut(),
        strides: null_mut(),
        suboffsets: null_mut(),
        internal: null_mut(),
    };
}

/// PyType_Slot, with the numbers of Python's typeslots.h, which never change.
#[repr(C)]
pub struct Slot {
    number: c_int,
    value: *const c_void,
}

impl Slot {
    pub const BUFFER_GET: c_int = 1;
    pub const BUFFER_RELEASE: c_int = 2;
    pub const MAPPING_SET: c_int = 3;
    pub const MAPPING_LENGTH: c_int = 4;
    pub const MAPPING_GET: c_int = 5;
    pub const SEQUENCE_ITEM: c_int = 44;
    pub const SEQUENCE_LENGTH: c_int = 45;
    pub const ALLOCATE: c_int = 47;
    pub const DEALLOC: c_int = 52;
    pub const METHODS: c_int = 64;
    pub const NEW: c_int = 65;
    pub const MEMBERS: c_int = 72;
    pub const FREE: c_int = 74;

    pub fn new(number: c_int, value: *const ()) -> Slot {
        Slot { number, value: value.cast() }
    }
}

/// PyMethodDef.
#[repr(C)]
pub struct Method {
    name: *const c_char,
    function: *const c_void,
    flags: c_int,
    doc: *const c_char,
}

// SAFETY: never written to; Python only reads it.
unsafe impl Sync for Method {}

impl Method {
    /// Ends a list.
    pub const NONE: Method = Method { name: null(), function: null(), flags: 0, doc: null() };

    /// With no argument but the instance: NULL is passed for the other.
    pub const fn of_none(name: &'static CStr, function: *const ()) -> Method {
        Method { name: name.as_ptr(), function: function.cast(), flags: 4, doc: null() }
    }

    /// With any number of arguments: a pointer to them, and how many they are.
    pub const fn of_many(name: &'static CStr, function: *const ()) -> Method {
        Method { name: name.as_ptr(), function: function.cast(), flags: 0x80, doc: null() }
    }

    pub const fn of_one(name: &'static CStr, function: *const ()) -> Method {
        Method { name: name.as_ptr(), function: function.cast(), flags: 8, doc: null() }
    }
}

/// PyMemberDef.
#[repr(C)]
pub struct Member {
    name: *const c_char,
    kind: c_int,
    offset: Size,
    flags: c_int,
    doc: *const c_char,
}

/// The flag of a member that Python code cannot set.
pub const READ_ONLY: c_int = 1;

/// A member that is an int64_t, from `offset` bytes on; one without a name ends a list.
pub fn member(name: &'static CStr, offset: usize, flags: c_int) -> Member {
    const LONG_LONG: c_int = 17;
    let name = if name.is_empty() { null() } else { name.as_ptr() };
    Member { name, kind: LONG_LONG, offset: Size::try_from(offset).unwrap_or(Size::MAX), flags, doc: null() }
}

/// PyType_Spec.
#[repr(C)]
pub struct Spec {
    name: *const c_char,
    basicsize: c_int,
    itemsize: c_int,
    flags: c_uint,
    slots: *const Slot,
}

impl Spec {
    /// A class that others may derive from.
    pub fn new(name: &'static CStr, size: usize, slots: &[Slot]) -> Spec {
        const DEFAULT: c_uint = 1 << 18;
        const BASETYPE: c_uint = 1 << 10;
        let basicsize = c_int::try_from(size).unwrap_or(c_int::MAX);
        Spec { name: name.as_ptr(), basicsize, itemsize: 0, flags: DEFAULT | BASETYPE, slots: slots.as_ptr() }
    }
}

macro_rules! functions {
    ($($name:ident: $type:ty;)*) => {
        /// Each under its own name; the manual is Python's.
        #[allow(non_snake_case)]
        pub struct Api { $(pub $name: $type),* }

        impl Api {
            fn look_up() -> Option<Api> {
                let find = |name: &CStr| symbol(name).map(std::ptr::NonNull::as_ptr);
                // SAFETY: each symbol of Python's stable interface has the type that its manual gives, and so the
                // list below; all are pointers to functions or to data.
                Some(Api { $($name: unsafe {
                    std::mem::transmute::<*mut c_void, $type>(find(
                        const { match CStr::from_bytes_with_nul(concat!(stringify!($name), "\0").as_bytes()) {
                            Ok(name) => name,
                            Err(_) => panic!("no NUL in a name"),
                        } }
                    )?)
                }),* })
            }
        }
    };
}

functions! {
    PyArg_ParseTupleAndKeywords: unsafe extern "C-unwind" fn(
        *mut Object,
        *mut Object,
        *const c_char,
        *const *const c_char,
        ...
    ) -> c_int;
    PyBuffer_FillInfo: unsafe extern "C-unwind" fn(*mut Buffer, *mut Object, *mut c_void, Size, c_int, c_int) -> c_int;
    PyBuffer_Release: unsafe extern "C-unwind" fn(*mut Buffer);
    PyBytes_AsString: unsafe extern "C-unwind" fn(*mut Object) -> *mut c_char;
    PyBytes_FromStringAndSize: unsafe extern "C-unwind" fn(*const c_char, Size) -> *mut Object;
    PyBytes_Type: *mut Object;
    PyErr_CheckSignals: unsafe extern "C-unwind" fn() -> c_int;
    PyErr_Fetch: unsafe extern "C-unwind" fn(*mut *mut Object, *mut *mut Object, *mut *mut Object);
    PyErr_Occurred: unsafe extern "C-unwind" fn() -> *mut Object;
    PyErr_Restore: unsafe extern "C-unwind" fn(*mut Object, *mut Object, *mut Object);
    PyErr_SetString: unsafe extern "C-unwind" fn(*mut Object, *const c_char);
    PyErr_WarnEx: unsafe extern "C-unwind" fn(*mut Object, *const c_char, Size) -> c_int;
    PyErr_WriteUnraisable: unsafe extern "C-unwind" fn(*mut Object);
    PyEval_RestoreThread: unsafe extern "C-unwind" fn(*mut c_void);
    PyEval_SaveThread: unsafe extern "C-unwind" fn() -> *mut c_void;
    PyExc_IndexError: *mut *mut Object;
    PyExc_OverflowError: *mut *mut Object;
    PyExc_ResourceWarning: *mut *mut Object;
    PyExc_TypeError: *mut *mut Object;
    PyExc_ValueError: *mut *mut Object;
    PyFloat_FromDouble: unsafe extern "C-unwind" fn(f64) -> *mut Object;
    PyIndex_Check: unsafe extern "C-unwind" fn(*mut Object) -> c_int;
    PyLong_FromLong: unsafe extern "C-unwind" fn(c_long) -> *mut Object;
    PyLong_FromLongLong: unsafe extern "C-unwind" fn(i64) -> *mut Object;
    PyLong_FromSsize_t: unsafe extern "C-unwind" fn(Size) -> *mut Object;
    PyLong_FromUnsignedLongLong: unsafe extern "C-unwind" fn(u64) -> *mut Object;
    PyNumber_AsSsize_t: unsafe extern "C-unwind" fn(*mut Object, *mut Object) -> Size;
    PyObject_CallMethod: unsafe extern "C-unwind" fn(*mut Object, *const c_char, *const c_char, ...) -> *mut Object;
    PyObject_GetBuffer: unsafe extern "C-unwind" fn(*mut Object, *mut Buffer, c_int) -> c_int;
    PyObject_Type: unsafe extern "C-unwind" fn(*mut Object) -> *mut Object;
    PySlice_AdjustIndices: unsafe extern "C-unwind" fn(Size, *mut Size, *mut Size, Size) -> Size;
    PySlice_Type: *mut Object;
    PySlice_Unpack: unsafe extern "C-unwind" fn(*mut Object, *mut Size, *mut Size, *mut Size) -> c_int;
    PyType_FromSpec: unsafe extern "C-unwind" fn(*mut Spec) -> *mut Object;
    PyType_GetSlot: unsafe extern "C-unwind" fn(*mut Object, c_int) -> *mut c_void;
    Py_DecRef: unsafe extern "C-unwind" fn(*mut Object);
}

// SAFETY: addresses of functions and of data that stays where it is.
unsafe impl Send for Api {}
// SAFETY: as above.
unsafe impl Sync for Api {}

/// None where the process has no Python, or none that shows its functions.
pub fn api() -> Option<&'static Api> {
    static API: OnceLock<Option<Api>> = OnceLock::new();
    API.get_or_init(Api::look_up).as_ref()
}
