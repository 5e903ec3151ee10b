//! The object: the fields of an instance, its creation and deallocation, its length, and the buffer protocol.

use crate::exceptions::{self, Object, Raised, Result, call, made, raise};
use crate::gil::in_pieces;
use crate::header::{E_FAULT, E_RANGE, Info};
use crate::library::{library, yes};
use crate::system;
use pyo3_ffi::*;
use std::ffi::{CStr, c_int, c_void};
use std::ptr::{addr_of_mut, null, null_mut};
use std::sync::atomic::{AtomicI64, Ordering::Relaxed, Ordering::SeqCst};

/// The layout of an instance in memory.
#[repr(C)]
pub struct Layout {
    head: PyObject,
    weak_references: Object,
    map: Map,
}

pub const WEAK_REFERENCES: usize = std::mem::offset_of!(Layout, weak_references);

/// The fields of an instance. Threads share them, in free-threaded builds without a GIL, so those that change are atomic.
pub struct Map {
    pub handle: i64,
    /// An ACCESS_ constant in the lowest two bits, and UNTRACKED.
    access: AtomicI64,
    /// The position of the file-like methods, in bytes.
    position: AtomicI64,
    /// The length when it was last determined. It may be outdated: it is only used to choose which call to try first.
    length: AtomicI64,
    /// The protection of the map as a whole, if it is known. Negative if the library must be asked: a different number after
    /// each change, so that a result from before the change is not stored after it.
    protection: AtomicI64,
    changes: AtomicI64,
}

/// The bits of `access` with an ACCESS_ constant.
pub const ACCESS: i64 = 3;
pub const ACCESS_READ: i64 = 1;
pub const ACCESS_WRITE: i64 = 2;
pub const ACCESS_COPY: i64 = 3;
/// The map was made with `trackfd=False`.
pub const UNTRACKED: i64 = 4;

/// Whether the interpreters that the module is built for have a GIL. Builds for free-threaded ones do not use the stable ABI.
const HAS_GIL: bool = cfg!(feature = "abi3");

/// A call of a method on a map. Messages of errors begin with the name of the method.
#[derive(Clone, Copy)]
pub struct Call<'a> {
    pub map: &'a Map,
    pub method: &'static CStr,
}

impl std::ops::Deref for Call<'_> {
    type Target = Map;

    #[inline(always)]
    fn deref(&self) -> &Map {
        self.map
    }
}

/// The call of a method on an instance.
///
/// # Safety
/// As `map_of`.
#[inline(always)]
pub unsafe fn call_of<'a>(object: Object, method: &'static CStr) -> Call<'a> {
    // SAFETY: as the caller promises.
    Call { map: unsafe { map_of(object) }, method }
}

/// The map of an instance.
///
/// # Safety
/// `object` is an instance of the class, and valid.
#[inline(always)]
pub unsafe fn map_of<'a>(object: Object) -> &'a Map {
    // SAFETY: instances of the class have this layout, and `Map` is written only before other code can access the instance.
    unsafe { &(*object.cast::<Layout>()).map }
}

// The interpreter calls the slots and methods of the class with the GIL held, with an instance of the class, and with arguments
// that are valid during the call. This is what "called by the interpreter" means in each SAFETY comment. In free-threaded
// builds "the GIL is held" means that the thread is attached to the interpreter.

impl Map {
    #[inline(always)]
    pub fn access(&self) -> i64 {
        self.access.load(Relaxed)
    }

    #[inline(always)]
    pub fn position(&self) -> i64 {
        self.position.load(Relaxed)
    }

    /// Changes the position, unless another thread has changed it; returns whether it did. The GIL is held, if there is one.
    #[inline(always)]
    pub fn step(&self, from: i64, to: i64) -> bool {
        if !HAS_GIL {
            return self.position.compare_exchange(from, to, Relaxed, Relaxed).is_ok();
        }
        // With the GIL no other thread can interfere, and an atomic instruction would take as long as a small read.
        let is_unchanged = self.position.load(Relaxed) == from;
        if is_unchanged {
            self.position.store(to, Relaxed);
        }
        is_unchanged
    }

    /// Marks the protection as unknown.
    fn forget_protection(&self) {
        self.protection.store(-2 - self.changes.fetch_add(1, SeqCst), SeqCst);
    }

    /// The length when it was last determined.
    #[inline(always)]
    pub fn known_length(&self) -> i64 {
        self.length.load(Relaxed)
    }
}

impl Call<'_> {
    /// The current length. ValueError: the map is closed.
    ///
    /// # Safety
    /// The GIL is held.
    #[inline(always)]
    pub unsafe fn length(&self) -> Result<i64> {
        // SAFETY: the library checks the handle.
        let length = unsafe { (library().length)(self.handle) };
        if length < 0 {
            // SAFETY: as the caller promises.
            return Err(unsafe { self.fail(length) });
        }
        self.length.store(length, Relaxed);
        Ok(length)
    }

    /// TypeError if the map is read-only.
    ///
    /// # Safety
    /// The GIL is held.
    #[inline(always)]
    pub unsafe fn require_writable(&self) -> Result<()> {
        if self.access() & ACCESS == ACCESS_READ {
            // SAFETY: as the caller promises.
            return Err(unsafe { raise(PyExc_TypeError, c"mmap can't modify a readonly memory map.") });
        }
        Ok(())
    }

    /// Sets the exception for a negative code that the library just returned in this thread.
    ///
    /// # Safety
    /// The GIL is held.
    #[cold]
    pub unsafe fn fail(&self, code: i64) -> Raised {
        // SAFETY: as the caller promises.
        unsafe { exceptions::fail(self.method, code) }
    }

    /// The same with the standard library's exceptions: see `exceptions::fail_as_standard`.
    ///
    /// # Safety
    /// The GIL is held.
    #[cold]
    pub unsafe fn fail_as_standard(&self, code: i64, out_of_range: &CStr, busy: &CStr) -> Raised {
        // SAFETY: as the caller promises.
        unsafe { exceptions::fail_as_standard(self.method, code, out_of_range, busy, code) }
    }

    /// The result of a call with a range that was inside the map at its known length; None if the map is shorter now.
    ///
    /// # Safety
    /// The GIL is held.
    #[inline(always)]
    pub unsafe fn in_range(&self, code: i64) -> Result<Option<i64>> {
        match code {
            0.. => Ok(Some(code)),
            E_RANGE => Ok(None),
            // SAFETY: as the caller promises.
            _ => Err(unsafe { self.fail(code) }),
        }
    }
}

/// Replaces the exception that is set by the one for a closed map, if the map is closed.
///
/// # Safety
/// As the slots.
#[cold]
#[allow(deprecated, reason = "their replacements in 3.12 are not in the stable ABI of 3.11")]
pub unsafe fn closed_first(map: Call) -> Raised {
    let (mut kind, mut value, mut traceback) = (null_mut(), null_mut(), null_mut());
    // SAFETY: called by the interpreter.
    unsafe {
        PyErr_Fetch(&raw mut kind, &raw mut value, &raw mut traceback);
        if map.length().is_ok() {
            PyErr_Restore(kind, value, traceback);
        } else {
            Py_XDECREF(kind);
            Py_XDECREF(value);
            Py_XDECREF(traceback);
        }
    }
    Raised
}

/// The size in bytes up to which bytes are copied through the stack, which takes less than the call for an object's buffer.
const SMALL: usize = 64;

/// A part of the map as a new bytes object, or the library's code.
///
/// # Safety
/// As the slots; `count` is not negative.
#[inline(always)]
pub unsafe fn copy_of(map: Call, start: i64, count: i64) -> Result<std::result::Result<Object, i64>> {
    // SAFETY: both buffers have the size. Other code cannot access the new object before it is filled.
    unsafe {
        let size = count as Py_ssize_t;
        if count as usize <= SMALL {
            let mut few = std::mem::MaybeUninit::<[u8; SMALL]>::uninit();
            let done = (library().read)(map.handle, start, few.as_mut_ptr().cast(), count);
            return if done < 0 { Ok(Err(done)) } else { made(PyBytes_FromStringAndSize(few.as_ptr().cast(), size)).map(Ok) };
        }
        let bytes = made(PyBytes_FromStringAndSize(null(), size))?;
        let to: *mut u8 = PyBytes_AsString(bytes).cast();
        let read = |at: i64, size| (library().read)(map.handle, start + at, to.add(at as usize).cast(), size);
        let done = in_pieces(count, false, read);
        if !matches!(done, Ok(0..)) {
            Py_DecRef(bytes);
        }
        let done = done?;
        Ok(if done < 0 { Err(done) } else { Ok(bytes) })
    }
}

/// The same, with the exception for the code.
///
/// # Safety
/// As the slots; `count` is not negative.
pub unsafe fn bytes(map: Call, start: i64, count: i64) -> Result<Object> {
    // SAFETY: as the caller promises.
    unsafe { copy_of(map, start, count)?.map_err(|code| map.fail(code)) }
}

/// Writes bytes to the map; None if the range is not inside the map.
///
/// # Safety
/// As the slots; `size` bytes at `from` are readable and do not change.
#[inline(always)]
pub unsafe fn write(map: Call, offset: i64, from: *const u8, size: i64) -> Result<Option<i64>> {
    // SAFETY: as the caller promises.
    unsafe {
        let write = |at: i64, size| (library().write)(map.handle, offset + at, from.add(at as usize).cast(), size);
        map.in_range(in_pieces(size, false, write)?)
    }
}

/// Writes the contents of an object's buffer to the map; None if the range is not inside the map.
///
/// # Safety
/// As the slots; `data` is the buffer of `value`.
pub unsafe fn write_buffer(map: Call, offset: i64, value: Object, data: &Py_buffer) -> Result<Option<i64>> {
    let size = data.len as i64;
    // SAFETY: called by the interpreter; the buffer keeps the other map open.
    unsafe {
        if is_of(data, value) {
            // An access to the other map may fault, too: it is read through the library, which reports the fault for that map.
            let (to, from) = (map.handle, map_of(value).handle);
            let copy = |at: i64, size| (library().copy)(to, offset + at, from, at, size);
            return map.in_range(in_pieces(size, false, copy)?);
        }
        // An object other than bytes may be a view of this map's memory, and overlap the range to write. While the view
        // exists, the map cannot move.
        let is_bytes = Py_TYPE(value) == &raw mut PyBytes_Type;
        let Some(origin) = (if is_bytes { None } else { origin_within(&map, data.buf.cast()) }) else {
            return write(map, offset, data.buf.cast(), size);
        };
        let move_ = |at: i64, size| (library().move_)(map.handle, offset + at, origin + at, size);
        map.in_range(in_pieces(size, offset > origin, move_)?)
    }
}

/// The offset of an address in the map; None if it is not in the map.
fn origin_within(map: &Map, address: *const u8) -> Option<i64> {
    // SAFETY: the library checks the handle, and the address that it returns is only compared.
    let (start, length) = unsafe { ((library().address)(map.handle), (library().length)(map.handle)) };
    let origin = i64::try_from(address.addr().checked_sub(start.addr())?).ok()?;
    (!start.is_null() && origin < length).then_some(origin)
}

/// A new instance, which owns the handle. If creating it fails, the mapping is unmapped.
///
/// # Safety
/// The GIL is held; `class` is the class or a subclass; the caller owns the handle.
pub unsafe fn instance(class: *mut PyTypeObject, handle: i64, access: i64, length: i64) -> Result<Object> {
    // SAFETY: as the caller promises: the memory has the layout of the class, and no other code can access it yet.
    unsafe {
        let allocate: allocfunc = std::mem::transmute(PyType_GetSlot(class, Py_tp_alloc));
        let object = allocate(class, 0);
        if object.is_null() {
            (library().unmap)(handle);
            return Err(Raised);
        }
        let fresh = Map {
            handle,
            access: access.into(),
            position: 0.into(),
            length: length.into(),
            protection: (-1).into(),
            changes: 0.into(),
        };
        addr_of_mut!((*object.cast::<Layout>()).map).write(fresh);
        let views = register_view_reducer();
        if views.is_err() {
            Py_DecRef(object);
            return Err(Raised);
        }
        Ok(object)
    }
}

/// Makes views of maps picklable in this interpreter, before its first map exists.
///
/// # Safety
/// The GIL is held.
#[inline(always)]
unsafe fn register_view_reducer() -> Result<()> {
    /// The interpreter for which this was done last. For others the call is repeated, and has no effect if it was done.
    static REGISTERED_IN: AtomicI64 = AtomicI64::new(-1);
    // SAFETY: as the caller promises.
    unsafe {
        let interpreter = PyInterpreterState_GetID(PyInterpreterState_Get());
        if REGISTERED_IN.load(Relaxed) != interpreter {
            let done = call(c"mmap_wrap._mapping", c"register_view_reducer", c"", |function, _| PyObject_CallNoArgs(function));
            Py_DecRef(made(done)?);
            REGISTERED_IN.store(interpreter, Relaxed);
        }
    }
    Ok(())
}

/// A new instance, whose views survive SIGBUS if `survive` and if that is possible.
///
/// # Safety
/// As `instance`.
pub unsafe fn surviving(class: *mut PyTypeObject, handle: i64, access: i64, length: i64, survive: bool) -> Result<Object> {
    // SAFETY: as the caller promises.
    unsafe {
        let object = instance(class, handle, access, length)?;
        if survive {
            // Fails if another handler of SIGBUS is installed: the map then works, but its views do not survive.
            (library().survive)(handle, yes(true));
        }
        Ok(object)
    }
}

/// Visits the references of an instance: its class. The functions of subclasses visit their own references.
pub unsafe extern "C" fn traverse(object: Object, visit: visitproc, argument: *mut c_void) -> c_int {
    // SAFETY: called by the garbage collector.
    unsafe { visit(Py_TYPE(object).cast(), argument) }
}

pub unsafe extern "C" fn dealloc(object: Object) {
    // SAFETY: called by the interpreter, after the last reference to the object is released. Buffers have a reference to the
    // object, so there are none. An instance has a reference to its class, as that is made from a spec. The object is untracked
    // first, because the calls below may run the garbage collector.
    unsafe {
        PyObject_GC_UnTrack(object.cast());
        if !(*object.cast::<Layout>()).weak_references.is_null() {
            PyObject_ClearWeakRefs(object);
        }
        let handle = map_of(object).handle;
        if handle != 0 && (library().unmap)(handle) == E_FAULT {
            warn_of_loss();
        }
        let class = Py_TYPE(object);
        let free: freefunc = std::mem::transmute(PyType_GetSlot(class, Py_tp_free));
        free(object.cast());
        Py_DecRef(class.cast());
    }
}

/// Reports the loss of a page when the map is deallocated, as a warning; if warnings are errors, by the hook for unraisable
/// exceptions.
///
/// # Safety
/// The GIL is held.
#[cold]
#[allow(deprecated, reason = "their replacements in 3.12 are not in the stable ABI of 3.11")]
unsafe fn warn_of_loss() {
    let (mut kind, mut value, mut traceback) = (null_mut(), null_mut(), null_mut());
    // SAFETY: the garbage collector can run while an exception is set: it is saved and restored. The message is valid until
    // this thread's next call for one.
    unsafe {
        PyErr_Fetch(&raw mut kind, &raw mut value, &raw mut traceback);
        let reason = (library().last_error_reason)();
        if PyErr_WarnFormat(PyExc_ResourceWarning, 1, c"mmap_wrap: %s".as_ptr(), reason) < 0 {
            PyErr_WriteUnraisable(null_mut());
        }
        PyErr_Restore(kind, value, traceback);
    }
}

pub unsafe extern "C" fn length(object: Object) -> Py_ssize_t {
    // SAFETY: called by the interpreter.
    unsafe { call_of(object, c"__len__").length().map_or(-1, |length| length as Py_ssize_t) }
}

pub unsafe extern "C" fn handle(object: Object, _: *mut c_void) -> Object {
    // SAFETY: called by the interpreter.
    unsafe { PyLong_FromLongLong(map_of(object).handle) }
}

pub unsafe extern "C" fn access(object: Object, _: *mut c_void) -> Object {
    // SAFETY: called by the interpreter.
    unsafe { PyLong_FromLongLong(map_of(object).access()) }
}

pub unsafe extern "C" fn set_access(object: Object, value: Object, _: *mut c_void) -> c_int {
    // SAFETY: called by the interpreter; a value of NULL is a deletion.
    unsafe {
        if value.is_null() {
            raise(PyExc_TypeError, c"_access cannot be deleted");
            return -1;
        }
        let access = PyLong_AsLongLong(value);
        if access == -1 && !PyErr_Occurred().is_null() {
            return -1;
        }
        map_of(object).access.store(access, Relaxed);
        map_of(object).forget_protection();
        0
    }
}

/// A variable whose address identifies buffers of this module.
static OURS: u8 = 0;

/// Whether a buffer was exported by this object itself, as marked by `get_buffer` in `internal`. Objects that re-export a buffer,
/// such as memoryview, keep `internal`, which then does not match them; and no other class stores such a value there.
pub fn is_of(buffer: &Py_buffer, object: Object) -> bool {
    buffer.internal.addr() == object.addr() ^ (&raw const OURS).addr()
}

pub unsafe extern "C" fn get_buffer(object: Object, buffer: *mut Py_buffer, flags: c_int) -> c_int {
    // SAFETY: called by the interpreter, with a buffer to fill in. Until `release_buffer` is called, the consumer has a reference
    // to the object, and the acquired address keeps the memory mapped.
    unsafe {
        let map = call_of(object, c"__buffer__");
        (*buffer).obj = null_mut();
        let address = (library().acquire)(map.handle);
        if address.is_null() {
            map.fail((library().last_error_code)());
            return -1;
        }
        // The map cannot be resized from here on. The loss of a page is not reported here: callers often treat any failure as
        // "has no buffer".
        if let Ok((length, writable)) = length_and_writability(map) {
            let length = length as Py_ssize_t;
            if PyBuffer_FillInfo(buffer, object, address, length, (!writable).into(), flags) == 0 {
                (*buffer).internal = (object.addr() ^ (&raw const OURS).addr()) as *mut c_void;
                return 0;
            }
        }
        (library().release)(map.handle);
        -1
    }
}

/// # Safety
/// As the slots; the map cannot be resized during the call.
#[inline(always)]
unsafe fn length_and_writability(map: Call) -> Result<(i64, bool)> {
    let known = map.protection.load(SeqCst);
    // SAFETY: called by the interpreter.
    unsafe {
        let protection = if known < 0 { query_protection(map, known)? } else { known };
        Ok((map.length()?, protection & i64::from(system::PROT_WRITE) != 0))
    }
}

/// # Safety
/// As the slots.
#[cold]
unsafe fn query_protection(map: Call, unknown: i64) -> Result<i64> {
    let mut info = Info::default();
    let wanted = std::mem::offset_of!(Info, flags) as i64;
    // SAFETY: called by the interpreter; the struct has at least this size.
    let done = unsafe { (library().info)(map.handle, &raw mut info, wanted) };
    if done < 0 {
        // SAFETY: as the caller promises.
        return Err(unsafe { map.fail(done) });
    }
    let _ = map.protection.compare_exchange(unknown, info.protection, SeqCst, SeqCst);
    Ok(info.protection)
}

pub unsafe extern "C" fn release_buffer(object: Object, _: *mut Py_buffer) {
    // SAFETY: called by the interpreter, once for each buffer that was filled in.
    unsafe { (library().release)(map_of(object).handle) };
}
