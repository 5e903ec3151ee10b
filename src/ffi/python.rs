//! Python
//!
//! What ctypes cannot do for the Python module: a class whose instances give out their memory with exact export counts on
//! every version, are indexed without a detour, and unmap when the last reference goes. Nothing here is for others.

mod api;
mod element;
mod position;

use super::access::{mmap_wrap_copy, mmap_wrap_move, mmap_wrap_read, mmap_wrap_write};
use super::address::{mmap_wrap_address, mmap_wrap_length, mmap_wrap_release};
use super::boundary::{boundary, quietly};
use super::map::mmap_wrap_handle;
use crate::constants::PROT_WRITE;
use crate::error::Error;
use crate::registry::{self, look};
use api::{Api, Buffer, Method, Object, READ_ONLY, Size, Slot, Spec, api, member};
use std::ffi::{CStr, CString, c_int, c_long, c_void};
use std::ptr::{null, null_mut};
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering::Relaxed};

/// What an instance holds behind the object that every Python object begins with.
#[repr(C)]
struct Instance {
    handle: mmap_wrap_handle,
    /// As the class defines it: of its lowest two bits, ACCESS_READ is what this file knows.
    access: i64,
    /// Where the file-like methods stand.
    position: AtomicI64,
}

const ACCESS: i64 = 3;
const ACCESS_READ: i64 = 1;

impl Instance {
    fn is_read_only(&self) -> bool {
        self.access & ACCESS == ACCESS_READ
    }
}

/// How much memory an access must be about for the interpreter's lock to be let go meanwhile.
const LONG: i64 = 1 << 16;

/// Bytes of a long access between two runs of the signals' handlers: what a slow disk reads in a good part of a second.
const PIECE: i64 = 1 << 24;

/// Items of an iteration between two runs of the signals' handlers and of other threads: a power of two, some tenth of a
/// second.
const ITEMS: Size = 1 << 20;

/// Bytes of the object that every instance begins with: the same in all interpreters of a process.
static HEAD: AtomicUsize = AtomicUsize::new(0);

/// Makes the class that the Python module's `mmap` derives from, in an interpreter whose object is head bytes large, and
/// answers a new reference to it; NULL, with Python's exception set if there is a Python. To be called by Python only,
/// with its lock held.
///
/// ```c
/// void *base = mmap_wrap_python_type(16);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_python_type(head: i64) -> *mut c_void {
    let (Some(api), Ok(head)) = (api(), usize::try_from(head)) else { return null_mut() };
    // Another number than the first would lay the instances there are elsewhere.
    if HEAD.compare_exchange(0, head, Relaxed, Relaxed).is_err_and(|known| known != head) {
        // SAFETY: the lock is held.
        unsafe { raise(api.PyExc_ValueError, c"the objects of this process have another size") };
        return null_mut();
    }
    let members = [
        // A view lets go of the mapping that it was made from: an instance keeps to one for life.
        member(c"_handle", head + std::mem::offset_of!(Instance, handle), READ_ONLY),
        member(c"_access", head + std::mem::offset_of!(Instance, access), 0),
        member(c"_pos", head + std::mem::offset_of!(Instance, position), 0),
        member(c"", 0, 0),
    ];
    let slots = [
        Slot::new(Slot::NEW, new as *const ()),
        Slot::new(Slot::BUFFER_GET, get_buffer as *const ()),
        Slot::new(Slot::BUFFER_RELEASE, release_buffer as *const ()),
        Slot::new(Slot::MAPPING_LENGTH, length as *const ()),
        Slot::new(Slot::MAPPING_GET, get as *const ()),
        Slot::new(Slot::MAPPING_SET, set as *const ()),
        Slot::new(Slot::SEQUENCE_LENGTH, length as *const ()),
        Slot::new(Slot::SEQUENCE_ITEM, item as *const ()),
        Slot::new(Slot::DEALLOC, dealloc as *const ()),
        Slot::new(Slot::MEMBERS, members.as_ptr().cast()),
        Slot::new(Slot::METHODS, METHODS.as_ptr().cast()),
        Slot::new(0, null()),
    ];
    let mut spec = Spec::new(c"mmap_wrap._Mapping", head + size_of::<Instance>(), &slots);
    // SAFETY: the spec, its slots and members outlive the call, which copies them; the lists end in zeros.
    unsafe { (api.PyType_FromSpec)(&raw mut spec).cast() }
}

/// What Python, unlike the other lists, does not copy.
static METHODS: [Method; 6] = [
    Method::of_many(c"_seek", position::seek as *const ()),
    Method::of_one(c"_read_next", position::read_next as *const ()),
    Method::of_none(c"_read_line", position::read_line as *const ()),
    Method::of_one(c"_write_next", position::write_next as *const ()),
    Method::of_many(c"_get_number", element::get_number as *const ()),
    Method::NONE,
];

/// A length as Python has it: no mapping exceeds isize::MAX.
fn size(length: i64) -> Size {
    Size::try_from(length).unwrap_or(Size::MAX)
}

/// The instance behind an object.
///
/// # Safety
/// `object` is an instance of the class above, and the interpreter's lock is held or the object otherwise alive.
unsafe fn instance<'a>(object: *mut Object) -> &'a Instance {
    // SAFETY: the class says so: its instances have an Instance from HEAD on.
    unsafe { &*object.byte_add(HEAD.load(Relaxed)).cast() }
}

/// The functions of Python. A slot is called by an interpreter, whose class was made with them.
fn python() -> &'static Api {
    api().unwrap_or_else(|| std::process::abort())
}

/// Has the class raise the exception for a code of this library; this thread's last failure has the words.
///
/// # Safety
/// As `instance`; the lock is held.
unsafe fn refuse(object: *mut Object, code: i64) {
    let api = python();
    // SAFETY: a method of the class, called with a number.
    unsafe {
        let answer = (api.PyObject_CallMethod)(object, c"_refuse".as_ptr(), c"L".as_ptr(), code);
        if !answer.is_null() {
            // A subclass has another idea of it; who called the slot counts on an exception.
            (api.Py_DecRef)(answer);
            raise(api.PyExc_ValueError, c"the map refused, and its method _refuse raised nothing");
        }
    }
}

/// # Safety
/// The lock is held; `kind` is one of Python's exceptions.
unsafe fn raise(kind: *mut *mut Object, message: &CStr) {
    // SAFETY: the interpreter's exceptions are there while it is.
    unsafe { (python().PyErr_SetString)(*kind, message.as_ptr()) };
}

// The slots below are called by the interpreter: with its lock held, with instances of the class, and with objects that
// live meanwhile. That is what each SAFETY comment means by "called by the interpreter". "C-unwind", because an interpreter
// that ends unwinds its other threads from wherever they next ask for the lock (pthread_exit, up to 3.13).

/// `_Mapping.__new__(class, handle, access)`: the instance that from now on has the mapping to itself.
unsafe extern "C-unwind" fn new(class: *mut Object, arguments: *mut Object, keywords: *mut Object) -> *mut Object {
    let api = python();
    let (mut handle, mut access) = (0i64, 0i64);
    // Without names: by position only.
    let names = [c"".as_ptr(), c"".as_ptr(), null()];
    // SAFETY: called by the interpreter, with a class derived from the one above, so that there is an Instance; two
    // numbers are asked for, and there is room for them.
    unsafe {
        let format = c"LL:_Mapping".as_ptr();
        let parsed =
            (api.PyArg_ParseTupleAndKeywords)(arguments, keywords, format, names.as_ptr(), &raw mut handle, &raw mut access);
        if parsed == 0 {
            return null_mut();
        }
        let allocate: unsafe extern "C-unwind" fn(*mut Object, Size) -> *mut Object =
            std::mem::transmute((api.PyType_GetSlot)(class, Slot::ALLOCATE));
        let object = allocate(class, 0);
        if object.is_null() {
            let _ = quietly(|| registry::unmap(handle));
        } else {
            *object.byte_add(HEAD.load(Relaxed)).cast() = Instance { handle, access, position: AtomicI64::new(0) };
        }
        object
    }
}

unsafe extern "C-unwind" fn dealloc(object: *mut Object) {
    let api = python();
    // SAFETY: called by the interpreter, when nobody else refers to the object any more: buffers refer to it, so none is
    // left. A class made from a spec is referred to by its instances, and `PyObject_Type` refers to it once more.
    unsafe {
        let handle = instance(object).handle;
        if handle != 0 {
            // The last failure of a call that this interrupted is not to be overwritten.
            if let Err(error) = quietly(|| registry::unmap(handle)) {
                if matches!(*error, Error::Lost) {
                    warn_of(&error);
                }
            }
        }
        let class = (api.PyObject_Type)(object);
        let free: unsafe extern "C-unwind" fn(*mut c_void) = std::mem::transmute((api.PyType_GetSlot)(class, Slot::FREE));
        free(object.cast());
        (api.Py_DecRef)(class);
        (api.Py_DecRef)(class);
    }
}

/// Reports a loss that no call is left to report: as a warning, or, where warnings are errors, to the hook for exceptions that
/// cannot be raised.
///
/// # Safety
/// The lock is held.
#[cold]
unsafe fn warn_of(error: &Error) {
    let api = python();
    let message = CString::new(format!("mmap_wrap: {error}")).unwrap_or_default();
    let (mut kind, mut value, mut traceback) = (null_mut(), null_mut(), null_mut());
    // SAFETY: the collector comes in the middle of anything: an exception that is on its way is put back.
    unsafe {
        (api.PyErr_Fetch)(&raw mut kind, &raw mut value, &raw mut traceback);
        if (api.PyErr_WarnEx)(*api.PyExc_ResourceWarning, message.as_ptr(), 1) < 0 {
            (api.PyErr_WriteUnraisable)(null_mut());
        }
        (api.PyErr_Restore)(kind, value, traceback);
    }
}

unsafe extern "C-unwind" fn length(object: *mut Object) -> Size {
    // SAFETY: called by the interpreter.
    unsafe {
        let length = mmap_wrap_length(instance(object).handle);
        if length < 0 {
            refuse(object, length);
            return -1;
        }
        size(length)
    }
}

unsafe extern "C-unwind" fn get_buffer(object: *mut Object, buffer: *mut Buffer, flags: c_int) -> c_int {
    // SAFETY: called by the interpreter, with a buffer to be filled in. Who gets the buffer refers to the object, and
    // the export keeps the memory, until `release_buffer`.
    unsafe {
        let handle = instance(object).handle;
        (*buffer).object = null_mut();
        let (mut address, mut length, mut writable) = (null_mut(), 0, false);
        let done = boundary("mmap_wrap_acquire", || {
            // A loss stays unreported: who asks for a buffer often takes any failure for "there is none".
            let pin = registry::export(handle, look)?;
            (address, length) = (pin.address().cast(), pin.length());
            writable = pin.facts().protection & PROT_WRITE != 0;
            Ok(0)
        });
        if done < 0 {
            refuse(object, done);
            return -1;
        }
        let length = Size::try_from(length).unwrap_or(Size::MAX);
        let filled = (python().PyBuffer_FillInfo)(buffer, object, address, length, (!writable).into(), flags);
        if filled < 0 {
            mmap_wrap_release(handle);
        } else {
            (*buffer).mark(object);
        }
        filled
    }
}

unsafe extern "C-unwind" fn release_buffer(object: *mut Object, _buffer: *mut Buffer) {
    // SAFETY: called by the interpreter, once for each buffer that was filled in.
    unsafe { mmap_wrap_release(instance(object).handle) };
}

/// A number given as an index, or what is wrong with it raised.
///
/// # Safety
/// As the slots.
unsafe fn number(object: *mut Object, too_large: *mut *mut Object) -> Option<Size> {
    let api = python();
    // SAFETY: called by the interpreter. It may run any code.
    unsafe {
        let number = (api.PyNumber_AsSsize_t)(object, *too_large);
        let failed = number == -1 && !(api.PyErr_Occurred)().is_null();
        if failed { None } else { Some(number) }
    }
}

/// The numbers that are all the arguments of a method, up to the first that is wrong, which is then raised.
///
/// # Safety
/// As the slots; there are `count` arguments.
unsafe fn numbers<const COUNT: usize>(arguments: *const *mut Object, count: Size) -> [Option<i64>; COUNT] {
    let api = python();
    let mut numbers = [None; COUNT];
    // SAFETY: called by the interpreter.
    unsafe {
        if usize::try_from(count) != Ok(COUNT) {
            raise(api.PyExc_TypeError, c"another number of arguments than the method takes");
            return numbers;
        }
        for (index, place) in numbers.iter_mut().enumerate() {
            *place = number(*arguments.add(index), api.PyExc_OverflowError).map(|number| number as i64);
            if place.is_none() {
                break;
            }
        }
    }
    numbers
}

/// Where an index points, or what is wrong with it raised: to be asked after the last code of others that could resize the
/// mapping.
///
/// # Safety
/// As the slots.
unsafe fn place(object: *mut Object, index: Size) -> Option<i64> {
    // SAFETY: called by the interpreter.
    unsafe {
        let length = length(object);
        if length < 0 {
            return None;
        }
        let place = if index < 0 { index + length } else { index };
        if !(0..length).contains(&place) {
            raise(python().PyExc_IndexError, c"mmap index out of range");
            return None;
        }
        Some(place as i64)
    }
}

/// The byte at a place that is not negative.
///
/// # Safety
/// As the slots.
unsafe fn byte_at(object: *mut Object, place: i64) -> Option<u8> {
    let mut byte = 0u8;
    // SAFETY: called by the interpreter; there is room for a byte.
    unsafe {
        let done = mmap_wrap_read(instance(object).handle, place, (&raw mut byte).cast(), 1);
        if done < 0 {
            refuse(object, done);
            return None;
        }
    }
    Some(byte)
}

unsafe extern "C-unwind" fn get(object: *mut Object, key: *mut Object) -> *mut Object {
    let api = python();
    // SAFETY: called by the interpreter.
    unsafe {
        if length(object) < 0 {
            return null_mut();
        }
        if (api.PyIndex_Check)(key) != 0 {
            let index = number(key, api.PyExc_IndexError);
            let byte = index.and_then(|index| place(object, index)).and_then(|place| byte_at(object, place));
            return byte.map_or(null_mut(), |byte| (api.PyLong_FromLong)(c_long::from(byte)));
        }
        let bounds = match Bounds::of(key) {
            Err(Refused) => return null_mut(),
            Ok(None) => {
                raise(api.PyExc_TypeError, c"mmap indices must be integers");
                return null_mut();
            }
            Ok(Some(bounds)) => bounds,
        };
        match bounds.within(object) {
            Err(Refused) => null_mut(),
            Ok(Slice { start, count, step: 1 }) => bytes(object, start, count),
            Ok(Slice { count: 0, .. }) => bytes(object, 0, 0),
            Ok(Slice { start, count, step }) => {
                (api.PyObject_CallMethod)(object, c"_stride".as_ptr(), c"LLL".as_ptr(), start, count, step)
            }
        }
    }
}

/// The byte at a place as bytes of length 1: what iterating over a sequence without an `__iter__` asks for.
unsafe extern "C-unwind" fn item(object: *mut Object, place: Size) -> *mut Object {
    // SAFETY: called by the interpreter, which has added the length to a negative place.
    unsafe {
        // `x in m` is a loop in C that lets neither other threads run nor handlers of signals. They may close the map:
        // the length is asked for afterwards.
        if place & (ITEMS - 1) == ITEMS - 1 {
            let api = python();
            (api.PyEval_RestoreThread)((api.PyEval_SaveThread)());
            if (api.PyErr_CheckSignals)() < 0 {
                return null_mut();
            }
        }
        let length = length(object);
        if length < 0 {
            return null_mut();
        }
        if !(0..length).contains(&place) {
            raise(python().PyExc_IndexError, c"mmap index out of range");
            return null_mut();
        }
        bytes(object, place as i64, 1)
    }
}

/// An exception is set.
struct Refused;

struct Slice {
    start: i64,
    count: i64,
    step: i64,
}

/// The start, stop and step of a slice object, which nothing of the mapping is in yet.
struct Bounds(Size, Size, Size);

impl Bounds {
    /// None if the key is no slice.
    ///
    /// # Safety
    /// As the slots.
    unsafe fn of(key: *mut Object) -> Result<Option<Bounds>, Refused> {
        let api = python();
        // SAFETY: called by the interpreter. Nothing derives from slice, and a `__class__` may lie.
        unsafe {
            let class = (api.PyObject_Type)(key);
            (api.Py_DecRef)(class);
            if class != api.PySlice_Type {
                return Ok(None);
            }
            let mut bounds = Bounds(0, 0, 0);
            if (api.PySlice_Unpack)(key, &raw mut bounds.0, &raw mut bounds.1, &raw mut bounds.2) < 0 {
                return Err(Refused);
            }
            Ok(Some(bounds))
        }
    }

    /// The part of the mapping that they mean: to be asked after the last code of others that could resize it.
    ///
    /// # Safety
    /// As the slots.
    unsafe fn within(&self, object: *mut Object) -> Result<Slice, Refused> {
        let Bounds(mut start, mut stop, step) = *self;
        // SAFETY: called by the interpreter.
        unsafe {
            let length = length(object);
            if length < 0 {
                return Err(Refused);
            }
            let count = (python().PySlice_AdjustIndices)(length, &raw mut start, &raw mut stop, step);
            Ok(Slice { start: start as i64, count: count as i64, step: step as i64 })
        }
    }
}

/// A part of the mapping as a new bytes object.
///
/// # Safety
/// As the slots; `count` is not negative.
unsafe fn bytes(object: *mut Object, start: i64, count: i64) -> *mut Object {
    let api = python();
    // SAFETY: called by the interpreter. Nobody else sees the new object before it is filled.
    unsafe {
        let bytes = (api.PyBytes_FromStringAndSize)(null(), size(count));
        if bytes.is_null() {
            return bytes;
        }
        let (handle, to) = (instance(object).handle, (api.PyBytes_AsString)(bytes));
        let read = |at: i64, piece| mmap_wrap_read(handle, start + at, to.offset(size(at)).cast(), piece);
        if in_pieces(object, count, false, read).is_err() {
            (api.Py_DecRef)(bytes);
            return null_mut();
        }
        bytes
    }
}

/// Runs an access to `size` bytes, for which the interpreter's lock is let go if it may take long.
///
/// # Safety
/// The lock is held, and `access` touches nothing of Python that others could change meanwhile.
unsafe fn without_lock(size: i64, access: impl FnOnce() -> i64) -> i64 {
    if size < LONG {
        return access();
    }
    let api = python();
    // SAFETY: the lock is held, and taken again.
    unsafe {
        let thread = (api.PyEval_SaveThread)();
        let done = access();
        (api.PyEval_RestoreThread)(thread);
        done
    }
}

/// Runs an access to `size` bytes, piece by piece if it is long: `access` gets the offset and size of each, the last piece
/// first if `backwards`. Between two the handlers of signals run, so that Ctrl-C need not wait for the end.
///
/// # Safety
/// As the slots, and as `without_lock`.
unsafe fn in_pieces(object: *mut Object, size: i64, backwards: bool, access: impl Fn(i64, i64) -> i64) -> Result<(), Refused> {
    let count = (size - 1).max(0) / PIECE + 1;
    for number in 0..count {
        let at = PIECE * if backwards { count - 1 - number } else { number };
        let piece = PIECE.min(size - at);
        // SAFETY: as demanded.
        unsafe {
            if number > 0 && (python().PyErr_CheckSignals)() < 0 {
                return Err(Refused);
            }
            let done = without_lock(piece, || access(at, piece));
            if done < 0 {
                refuse(object, done);
                return Err(Refused);
            }
        }
    }
    Ok(())
}

/// # Safety
/// As the slots.
unsafe fn cannot_modify() -> Refused {
    // SAFETY: called by the interpreter.
    unsafe { raise(python().PyExc_TypeError, c"mmap can't modify a readonly memory map.") };
    Refused
}

unsafe extern "C-unwind" fn set(object: *mut Object, key: *mut Object, value: *mut Object) -> c_int {
    let api = python();
    // SAFETY: called by the interpreter.
    let done = unsafe {
        if instance(object).is_read_only() {
            Err(cannot_modify())
        } else if (api.PyIndex_Check)(key) != 0 {
            set_byte(object, key, value)
        } else {
            set_slice(object, key, value)
        }
    };
    if done.is_ok() { 0 } else { -1 }
}

/// # Safety
/// As the slots.
unsafe fn set_byte(object: *mut Object, key: *mut Object, value: *mut Object) -> Result<(), Refused> {
    let api = python();
    // SAFETY: called by the interpreter.
    unsafe {
        let index = number(key, api.PyExc_IndexError).ok_or(Refused)?;
        // Of two things wrong the index is told of first, as the standard library's tests have it up to 3.13.
        place(object, index).ok_or(Refused)?;
        if value.is_null() {
            raise(api.PyExc_TypeError, c"mmap doesn't support item deletion");
            return Err(Refused);
        }
        if (api.PyIndex_Check)(value) == 0 {
            raise(api.PyExc_TypeError, c"mmap item value must be an int");
            return Err(Refused);
        }
        let Ok(byte) = u8::try_from(number(value, api.PyExc_TypeError).ok_or(Refused)?) else {
            raise(api.PyExc_ValueError, c"mmap item value must be in range(0, 256)");
            return Err(Refused);
        };
        // The value may have run any code.
        let place = place(object, index).ok_or(Refused)?;
        let handle = instance(object).handle;
        in_pieces(object, 1, false, |_, _| mmap_wrap_write(handle, place, (&raw const byte).cast(), 1))
    }
}

/// # Safety
/// As the slots.
unsafe fn set_slice(object: *mut Object, key: *mut Object, value: *mut Object) -> Result<(), Refused> {
    let api = python();
    // SAFETY: called by the interpreter. The value's buffer stays as it is until released.
    unsafe {
        let Some(bounds) = Bounds::of(key)? else {
            raise(api.PyExc_TypeError, c"mmap indices must be integers");
            return Err(Refused);
        };
        if value.is_null() {
            raise(api.PyExc_TypeError, c"mmap object doesn't support slice deletion");
            return Err(Refused);
        }
        let mut data = Buffer::EMPTY;
        if (api.PyObject_GetBuffer)(value, &raw mut data, Buffer::SIMPLE) < 0 {
            return Err(Refused);
        }
        let done = assign(object, &bounds, value, &data);
        (api.PyBuffer_Release)(&raw mut data);
        done
    }
}

/// # Safety
/// As the slots; `data` is the buffer of `value`.
unsafe fn assign(object: *mut Object, bounds: &Bounds, value: *mut Object, data: &Buffer) -> Result<(), Refused> {
    let api = python();
    // SAFETY: called by the interpreter.
    unsafe {
        let Slice { start, count, step } = bounds.within(object)?;
        if data.length as i64 != count {
            raise(api.PyExc_IndexError, c"mmap slice assignment is wrong size");
            return Err(Refused);
        }
        if step == 1 || count == 0 {
            return write_buffer(object, if count == 0 { 0 } else { start }, value, data);
        }
        let format = c"LLLO".as_ptr();
        let answer = (api.PyObject_CallMethod)(object, c"_assign_stride".as_ptr(), format, start, count, step, value);
        if answer.is_null() {
            return Err(Refused);
        }
        (api.Py_DecRef)(answer);
        Ok(())
    }
}

/// # Safety
/// As the slots; `data` is the buffer of `value`.
unsafe fn write_buffer(object: *mut Object, place: i64, value: *mut Object, data: &Buffer) -> Result<(), Refused> {
    let size = data.length as i64;
    // SAFETY: called by the interpreter; the buffer keeps the other map open.
    unsafe {
        if !data.is_of(value) {
            return write(object, place, value, data);
        }
        // The other's memory may refuse, too: it is read as a map, so that the failure is told as that map's.
        let (to, from) = (instance(object).handle, instance(value).handle);
        in_pieces(object, size, false, |at, size| mmap_wrap_copy(to, place + at, from, at, size))
    }
}

/// # Safety
/// As the slots; `data` is the buffer of `value`, which is no map's own.
unsafe fn write(object: *mut Object, place: i64, value: *mut Object, data: &Buffer) -> Result<(), Refused> {
    let api = python();
    // SAFETY: called by the interpreter.
    unsafe {
        let (handle, from, count) = (instance(object).handle, data.address.cast::<u8>(), data.length as i64);
        let class = (api.PyObject_Type)(value);
        (api.Py_DecRef)(class);
        // What is no bytes object may be a view of the map's own memory, which it keeps where it is, and overlap the bytes
        // to be written.
        let origin = if class == api.PyBytes_Type { None } else { origin_within(handle, from) };
        if let Some(origin) = origin {
            let upwards = place > origin;
            return in_pieces(object, count, upwards, |at, piece| mmap_wrap_move(handle, place + at, origin + at, piece));
        }
        in_pieces(object, count, false, |at, piece| mmap_wrap_write(handle, place + at, from.offset(size(at)).cast(), piece))
    }
}

/// The offset of an address that lies in a mapping.
fn origin_within(handle: mmap_wrap_handle, address: *const u8) -> Option<i64> {
    // SAFETY: nothing is demanded: a handle is checked, and the address that is answered is no more than compared.
    let (start, length) = unsafe { (mmap_wrap_address(handle), mmap_wrap_length(handle)) };
    let origin = i64::try_from(address.addr().checked_sub(start.addr())?).ok()?;
    (origin < length).then_some(origin)
}
