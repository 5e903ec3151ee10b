//! The object: what an instance of the class holds, how it is made and ends, its length, and its memory as a buffer.

use crate::arguments::arguments;
use crate::exceptions::{self, Object, Raised, Result, call, made, or_null, raise};
use crate::header::{E_FAULT, E_RANGE, Info};
use crate::library::{library, yes};
use crate::system;
use pyo3_ffi::*;
use std::ffi::{CStr, c_int, c_void};
use std::ptr::{addr_of_mut, null, null_mut};
use std::sync::atomic::{AtomicI64, Ordering::Relaxed, Ordering::SeqCst};

/// An instance as it lies in memory.
#[repr(C)]
pub struct Layout {
    head: PyObject,
    weak_references: Object,
    map: Map,
}

pub const WEAK_REFERENCES: usize = std::mem::offset_of!(Layout, weak_references);

/// What an instance knows of its map. Threads share it, without a lock in interpreters that have none: what changes is atomic.
pub struct Map {
    pub handle: i64,
    /// Of its lowest two bits one of the ACCESS_ constants; above them UNTRACKED.
    access: AtomicI64,
    /// Where the file-like methods stand.
    position: AtomicI64,
    /// The length when it was last asked for. Any call may find another one: this one only says which call to try first.
    length: AtomicI64,
    /// The protection of the map as a whole, where it is known. Negative: the library is to be asked; each change of it has a
    /// number of its own, so that a result from before the change is not kept after it.
    protection: AtomicI64,
    changes: AtomicI64,
}

/// The bits of `access` that are one of the ACCESS_ constants.
pub const ACCESS: i64 = 3;
pub const ACCESS_READ: i64 = 1;
pub const ACCESS_WRITE: i64 = 2;
pub const ACCESS_COPY: i64 = 3;
/// Made with `trackfd=False`.
pub const UNTRACKED: i64 = 4;

/// Whether the interpreters that the module is built for have a lock: those without one have no stable ABI that it is built for.
const HAS_LOCK: bool = cfg!(feature = "abi3");

/// How many bytes an access must be about for the interpreter's lock to be let go meanwhile.
pub const LONG: i64 = 1 << 16;

/// A method that is called on a map: its name is what a failure's message begins with.
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
    // SAFETY: as demanded.
    Call { map: unsafe { map_of(object) }, method }
}

/// The map of an instance.
///
/// # Safety
/// `object` is an instance of the class, and alive.
#[inline(always)]
pub unsafe fn map_of<'a>(object: Object) -> &'a Map {
    // SAFETY: the class says so: its instances are laid out like that, and `Map` is written only before others see it.
    unsafe { &(*object.cast::<Layout>()).map }
}

// Functions below and in the other files that the interpreter calls as slots and methods of the class are called with its
// lock held (or, in interpreters without one, with the thread attached), with an instance of the class, and with arguments
// that live meanwhile. That is what "called by the interpreter" stands for in each SAFETY comment.

impl Map {
    #[inline(always)]
    pub fn access(&self) -> i64 {
        self.access.load(Relaxed)
    }

    #[inline(always)]
    pub fn position(&self) -> i64 {
        self.position.load(Relaxed)
    }

    /// Steps from one position to another, unless another thread has stepped on from there. For a thread that holds the
    /// interpreter's lock, if there is one.
    #[inline(always)]
    pub fn step(&self, from: i64, to: i64) -> bool {
        if !HAS_LOCK {
            return self.position.compare_exchange(from, to, Relaxed, Relaxed).is_ok();
        }
        // No other thread comes in between, and a locked instruction costs as much as a small read.
        let stays = self.position.load(Relaxed) == from;
        if stays {
            self.position.store(to, Relaxed);
        }
        stays
    }

    /// Has the protection asked for anew.
    fn forget_protection(&self) {
        self.protection.store(-2 - self.changes.fetch_add(1, SeqCst), SeqCst);
    }

    /// The length when it was last asked for.
    #[inline(always)]
    pub fn known_length(&self) -> i64 {
        self.length.load(Relaxed)
    }
}

impl Call<'_> {
    /// The length now; a closed map is a ValueError.
    ///
    /// # Safety
    /// The interpreter's lock is held.
    #[inline(always)]
    pub unsafe fn length(&self) -> Result<i64> {
        // SAFETY: the library checks the handle.
        let length = unsafe { (library().length)(self.handle) };
        if length < 0 {
            // SAFETY: as demanded.
            return Err(unsafe { self.fail(length) });
        }
        self.length.store(length, Relaxed);
        Ok(length)
    }

    /// TypeError for a map that is for reading only.
    ///
    /// # Safety
    /// The interpreter's lock is held.
    #[inline(always)]
    pub unsafe fn require_writable(&self) -> Result<()> {
        if self.access() & ACCESS == ACCESS_READ {
            // SAFETY: as demanded.
            return Err(unsafe { raise(PyExc_TypeError, c"mmap can't modify a readonly memory map.") });
        }
        Ok(())
    }

    /// Sets the exception for a negative code that the library gave in this thread just now.
    ///
    /// # Safety
    /// The interpreter's lock is held.
    #[cold]
    pub unsafe fn fail(&self, code: i64) -> Raised {
        // SAFETY: as demanded.
        unsafe { exceptions::fail(self.method, code) }
    }

    /// The same in the words of the standard library: see `exceptions::fail_as_standard`.
    ///
    /// # Safety
    /// The interpreter's lock is held.
    #[cold]
    pub unsafe fn fail_as_standard(&self, code: i64, out_of_range: &CStr, held: &CStr) -> Raised {
        // SAFETY: as demanded.
        unsafe { exceptions::fail_as_standard(self.method, code, out_of_range, held, code) }
    }

    /// The code of a call whose offset and size were inside the map as it was last seen: None if the map has become shorter.
    ///
    /// # Safety
    /// The interpreter's lock is held.
    #[inline(always)]
    pub unsafe fn in_range(&self, code: i64) -> Result<Option<i64>> {
        match code {
            0.. => Ok(Some(code)),
            E_RANGE => Ok(None),
            // SAFETY: as demanded.
            _ => Err(unsafe { self.fail(code) }),
        }
    }
}

/// With an exception set: the one of a closed map in its place, if it is that.
///
/// # Safety
/// As the slots.
#[cold]
#[allow(deprecated, reason = "what 3.12 has in their place is not in the stable ABI of 3.11")]
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

/// Runs an access to `size` bytes, for which the interpreter's lock is let go if it may take long.
///
/// # Safety
/// The lock is held, and `access` touches nothing of Python that others could change meanwhile.
#[inline(always)]
pub unsafe fn without_lock<T>(size: i64, access: impl FnOnce() -> T) -> T {
    if size < LONG {
        return access();
    }
    // SAFETY: the lock is held, and taken again.
    unsafe {
        let thread = PyEval_SaveThread();
        let done = access();
        PyEval_RestoreThread(thread);
        done
    }
}

/// Bytes of a long access between two runs of the signals' handlers: what a slow disk reads in a good part of a second. The
/// package's `_pieces` has the same number.
pub const PIECE: i64 = 1 << 24;

/// Runs an access to `size` bytes, piece by piece if it is long: `access` gets the offset and size of each, the last piece
/// first if `backwards`. Between two the handlers of signals run, so that Ctrl-C need not wait for the end. Gives the last
/// code.
///
/// # Safety
/// As the slots, and as `without_lock`.
#[inline(always)]
pub unsafe fn in_pieces(size: i64, backwards: bool, access: impl Fn(i64, i64) -> i64) -> Result<i64> {
    if size < LONG {
        return Ok(access(0, size));
    }
    // SAFETY: as demanded.
    unsafe { in_pieces_without_lock(size, backwards, access) }
}

/// # Safety
/// As `in_pieces`.
#[cold]
unsafe fn in_pieces_without_lock(size: i64, backwards: bool, access: impl Fn(i64, i64) -> i64) -> Result<i64> {
    let count = (size - 1) / PIECE + 1;
    let mut done = 0;
    for number in 0..count {
        let at = PIECE * if backwards { count - 1 - number } else { number };
        let piece = PIECE.min(size - at);
        // SAFETY: as demanded.
        unsafe {
            if number > 0 && PyErr_CheckSignals() < 0 {
                return Err(Raised);
            }
            done = without_lock(piece, || access(at, piece));
        }
        if done < 0 {
            break;
        }
    }
    Ok(done)
}

/// Bytes that pass through the stack: for so few that costs less than to ask Python where the bytes of its object are.
const FEW: usize = 64;

/// A part of the map as a new bytes object, or the library's code.
///
/// # Safety
/// As the slots; `count` is not negative.
#[inline(always)]
pub unsafe fn copy_of(map: Call, start: i64, count: i64) -> Result<std::result::Result<Object, i64>> {
    // SAFETY: there is room for the bytes. The new object is not visible to others before it is filled.
    unsafe {
        let size = count as Py_ssize_t;
        if count as usize <= FEW {
            let mut few = std::mem::MaybeUninit::<[u8; FEW]>::uninit();
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

/// The same, or the exception for the code.
///
/// # Safety
/// As the slots; `count` is not negative.
pub unsafe fn bytes(map: Call, start: i64, count: i64) -> Result<Object> {
    // SAFETY: as demanded.
    unsafe { copy_of(map, start, count)?.map_err(|code| map.fail(code)) }
}

/// Puts bytes into the map: None if they are not all inside.
///
/// # Safety
/// As the slots; `size` bytes at `from` can be read and stay as they are.
#[inline(always)]
pub unsafe fn write(map: Call, place: i64, from: *const u8, size: i64) -> Result<Option<i64>> {
    // SAFETY: as demanded.
    unsafe {
        let write = |at: i64, size| (library().write)(map.handle, place + at, from.add(at as usize).cast(), size);
        map.in_range(in_pieces(size, false, write)?)
    }
}

/// Puts what an object's buffer has into the map: None if it is not all inside.
///
/// # Safety
/// As the slots; `data` is the buffer of `value`.
pub unsafe fn write_buffer(map: Call, place: i64, value: Object, data: &Py_buffer) -> Result<Option<i64>> {
    let size = data.len as i64;
    // SAFETY: called by the interpreter; the buffer keeps the other map open.
    unsafe {
        if is_of(data, value) {
            // The other's memory may fault, too: it is read as a map, so that the failure is reported as that map's.
            let (to, from) = (map.handle, map_of(value).handle);
            let copy = |at: i64, size| (library().copy)(to, place + at, from, at, size);
            return map.in_range(in_pieces(size, false, copy)?);
        }
        // What is no bytes object may be a view of the map's own memory, which it keeps where it is, and overlap the bytes
        // to be written.
        let is_bytes = Py_TYPE(value) == &raw mut PyBytes_Type;
        let Some(origin) = (if is_bytes { None } else { origin_within(&map, data.buf.cast()) }) else {
            return write(map, place, data.buf.cast(), size);
        };
        let move_ = |at: i64, size| (library().move_)(map.handle, place + at, origin + at, size);
        map.in_range(in_pieces(size, place > origin, move_)?)
    }
}

/// The offset of an address that lies in the map.
fn origin_within(map: &Map, address: *const u8) -> Option<i64> {
    // SAFETY: the library checks the handle, and the address that it gives is no more than compared.
    let (start, length) = unsafe { ((library().address)(map.handle), (library().length)(map.handle)) };
    let origin = i64::try_from(address.addr().checked_sub(start.addr())?).ok()?;
    (!start.is_null() && origin < length).then_some(origin)
}

/// A new instance for a handle that nothing else has; the handle is unmapped where there is no memory for one.
///
/// # Safety
/// The interpreter's lock is held; `class` is the class or derived from it.
pub unsafe fn instance(class: *mut PyTypeObject, handle: i64, access: i64, length: i64) -> Result<Object> {
    // SAFETY: as demanded: the memory is laid out as the class says, and is not visible to others yet.
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
        let views = have_views_pickle();
        if views.is_err() {
            Py_DecRef(object);
            return Err(Raised);
        }
        Ok(object)
    }
}

/// Has views of maps pickle in this interpreter, before it has the first map.
///
/// # Safety
/// The interpreter's lock is held.
#[inline(always)]
unsafe fn have_views_pickle() -> Result<()> {
    /// The interpreter that was last seen to; the package knows of each of them whether it was.
    static SEEN_TO: AtomicI64 = AtomicI64::new(-1);
    // SAFETY: as demanded.
    unsafe {
        let interpreter = PyInterpreterState_GetID(PyInterpreterState_Get());
        if SEEN_TO.load(Relaxed) != interpreter {
            let done = call(c"mmap_wrap._mapping", c"have_views_pickle", c"", |function, _| PyObject_CallNoArgs(function));
            Py_DecRef(made(done)?);
            SEEN_TO.store(interpreter, Relaxed);
        }
    }
    Ok(())
}

/// `_of(handle, access, survive)`: a map of the class for a handle that nothing else has.
pub unsafe extern "C" fn of(class: Object, first: *mut Object, count: Py_ssize_t) -> Object {
    // SAFETY: called by the interpreter, with a class derived from this one.
    unsafe {
        let &[handle, access, survive] = arguments(first, count) else {
            raise(PyExc_TypeError, c"_of takes a handle, an access and a flag");
            return null_mut();
        };
        let (handle, access, survive) = (PyLong_AsLongLong(handle), PyLong_AsLongLong(access), PyObject_IsTrue(survive));
        if !PyErr_Occurred().is_null() {
            return null_mut();
        }
        or_null(surviving(class.cast(), handle, access, (library().length)(handle).max(0), survive == 1))
    }
}

/// A new instance, whose views survive where that can be had.
///
/// # Safety
/// As `instance`.
pub unsafe fn surviving(class: *mut PyTypeObject, handle: i64, access: i64, length: i64, survive: bool) -> Result<Object> {
    // SAFETY: as demanded.
    unsafe {
        let object = instance(class, handle, access, length)?;
        if survive {
            // An error where another handler of SIGBUS is installed: the map then works, and its views do not survive.
            (library().survive)(handle, yes(true));
        }
        Ok(object)
    }
}

/// What an instance refers to: its class. (What instances of derived classes refer to beside that is visited by theirs.)
pub unsafe extern "C" fn traverse(object: Object, visit: visitproc, argument: *mut c_void) -> c_int {
    // SAFETY: called by the collector.
    unsafe { visit(Py_TYPE(object).cast(), argument) }
}

pub unsafe extern "C" fn dealloc(object: Object) {
    // SAFETY: called by the interpreter, when nothing else refers to the object any more: buffers refer to it, so none is
    // left. A class made from a spec is referred to by its instances. The collector must not meet the object from here on:
    // what is called below may run it.
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

/// Reports a loss that no call is left to report: as a warning, or, where warnings are errors, to the hook for exceptions that
/// cannot be raised.
///
/// # Safety
/// The lock is held.
#[cold]
#[allow(deprecated, reason = "what 3.12 has in their place is not in the stable ABI of 3.11")]
unsafe fn warn_of_loss() {
    let (mut kind, mut value, mut traceback) = (null_mut(), null_mut(), null_mut());
    // SAFETY: the collector comes in the middle of anything: an exception that is on its way is put back. The message
    // stays until this thread asks for another.
    unsafe {
        PyErr_Fetch(&raw mut kind, &raw mut value, &raw mut traceback);
        let words = (library().last_error_reason)();
        if PyErr_WarnFormat(PyExc_ResourceWarning, 1, c"mmap_wrap: %s".as_ptr(), words) < 0 {
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
    // SAFETY: called by the interpreter; NULL stands for a deletion.
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

/// Its address is in no other module.
static OURS: u8 = 0;

/// Whether an object gave a buffer out itself: `get_buffer` left a mark. To pass on a buffer, as memoryview does, keeps
/// `internal`, which so names another object then; and no other class has such a number there.
pub fn is_of(buffer: &Py_buffer, object: Object) -> bool {
    buffer.internal.addr() == object.addr() ^ (&raw const OURS).addr()
}

pub unsafe extern "C" fn get_buffer(object: Object, buffer: *mut Py_buffer, flags: c_int) -> c_int {
    // SAFETY: called by the interpreter, with a buffer to be filled in. The consumer of the buffer refers to the object, and
    // the acquired address keeps the memory, until `release_buffer`.
    unsafe {
        let map = call_of(object, c"__buffer__");
        (*buffer).obj = null_mut();
        let address = (library().acquire)(map.handle);
        if address.is_null() {
            map.fail((library().last_error_code)());
            return -1;
        }
        // The map cannot be resized from here on. A loss stays unreported: callers often take any failure for
        // "there is none".
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
/// As the slots; the map cannot be resized meanwhile.
#[inline(always)]
unsafe fn length_and_writability(map: Call) -> Result<(i64, bool)> {
    let known = map.protection.load(SeqCst);
    // SAFETY: called by the interpreter.
    unsafe {
        let protection = if known < 0 { asked_protection(map, known)? } else { known };
        Ok((map.length()?, protection & i64::from(system::PROT_WRITE) != 0))
    }
}

/// # Safety
/// As the slots.
#[cold]
unsafe fn asked_protection(map: Call, unknown: i64) -> Result<i64> {
    let mut info = Info::default();
    let wanted = std::mem::offset_of!(Info, flags) as i64;
    // SAFETY: called by the interpreter; there is room for so many bytes.
    let done = unsafe { (library().info)(map.handle, &raw mut info, wanted) };
    if done < 0 {
        // SAFETY: as demanded.
        return Err(unsafe { map.fail(done) });
    }
    let _ = map.protection.compare_exchange(unknown, info.protection, SeqCst, SeqCst);
    Ok(info.protection)
}

pub unsafe extern "C" fn release_buffer(object: Object, _: *mut Py_buffer) {
    // SAFETY: called by the interpreter, once for each buffer that was filled in.
    unsafe { (library().release)(map_of(object).handle) };
}
