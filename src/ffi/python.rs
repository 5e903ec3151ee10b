//! Python
//!
//! What ctypes cannot do for the Python module: a class whose instances give out their memory with exact export counts on
//! every version, are indexed without a detour, and unmap when the last reference goes. Nothing here is for others.

use super::access::{mmap_wrap_read, mmap_wrap_write};
use super::address::{mmap_wrap_acquire, mmap_wrap_length, mmap_wrap_release};
use super::boundary::quietly;
use super::error::mmap_wrap_last_error_code;
use super::map::mmap_wrap_handle;
use super::python_api::{Api, Buffer, Object, Size, Slot, Spec, api, member};
use crate::registry;
use std::ffi::{CStr, c_int, c_long, c_void};
use std::ptr::{null, null_mut};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// What an instance holds behind the object that every Python object begins with.
#[repr(C)]
struct Instance {
    handle: mmap_wrap_handle,
    /// As the class defines it: of its lowest two bits, ACCESS_READ is what this file knows.
    access: i64,
    /// Where the file-like methods stand.
    position: i64,
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
pub extern "C" fn mmap_wrap_python_type(head: i64) -> *mut c_void {
    let (Some(api), Ok(head)) = (api(), usize::try_from(head)) else { return null_mut() };
    HEAD.store(head, Relaxed);
    let members = [
        member(c"_handle", head + std::mem::offset_of!(Instance, handle)),
        member(c"_access", head + std::mem::offset_of!(Instance, access)),
        member(c"_pos", head + std::mem::offset_of!(Instance, position)),
        member(c"", 0),
    ];
    let slots = [
        Slot::new(Slot::BUFFER_GET, get_buffer as *const ()),
        Slot::new(Slot::BUFFER_RELEASE, release_buffer as *const ()),
        Slot::new(Slot::MAPPING_LENGTH, length as *const ()),
        Slot::new(Slot::MAPPING_GET, get as *const ()),
        Slot::new(Slot::MAPPING_SET, set as *const ()),
        Slot::new(Slot::DEALLOC, dealloc as *const ()),
        Slot::new(Slot::MEMBERS, members.as_ptr().cast()),
        Slot::new(0, null()),
    ];
    let mut spec = Spec::new(c"mmap_wrap._Mapping", head + size_of::<Instance>(), &slots);
    // SAFETY: the spec, its slots and members outlive the call, which copies them; the lists end in zeros.
    unsafe { (api.PyType_FromSpec)(&raw mut spec).cast() }
}

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
    // SAFETY: a method of the class, called with a number; what it might answer is dropped.
    unsafe {
        let answer = (api.PyObject_CallMethod)(object, c"_refuse".as_ptr(), c"L".as_ptr(), code);
        if !answer.is_null() {
            (api.Py_DecRef)(answer);
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
// live meanwhile. That is what each SAFETY comment means by "called by the interpreter".

unsafe extern "C" fn dealloc(object: *mut Object) {
    let api = python();
    // SAFETY: called by the interpreter, when nobody else refers to the object any more: buffers refer to it, so none is
    // left. A class made from a spec is referred to by its instances, and `PyObject_Type` refers to it once more.
    unsafe {
        let handle = instance(object).handle;
        if handle != 0 {
            // There is nobody to tell; and the last failure of a call that this interrupted is not to be overwritten.
            quietly(|| registry::unmap(handle));
        }
        let class = (api.PyObject_Type)(object);
        let free: unsafe extern "C" fn(*mut c_void) = std::mem::transmute((api.PyType_GetSlot)(class, Slot::FREE));
        free(object.cast());
        (api.Py_DecRef)(class);
        (api.Py_DecRef)(class);
    }
}

unsafe extern "C" fn length(object: *mut Object) -> Size {
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

unsafe extern "C" fn get_buffer(object: *mut Object, buffer: *mut Buffer, flags: c_int) -> c_int {
    // SAFETY: called by the interpreter, with a buffer to be filled in. Who gets the buffer refers to the object, and
    // the export keeps the memory, until `release_buffer`.
    unsafe {
        let instance = instance(object);
        let handle = instance.handle;
        (*buffer).object = null_mut();
        let address = mmap_wrap_acquire(handle);
        if address.is_null() {
            refuse(object, mmap_wrap_last_error_code());
            return -1;
        }
        let length = size(mmap_wrap_length(handle));
        let read_only = c_int::from(instance.is_read_only());
        let filled = (python().PyBuffer_FillInfo)(buffer, object, address, length, read_only, flags);
        if filled < 0 {
            mmap_wrap_release(handle);
        }
        filled
    }
}

unsafe extern "C" fn release_buffer(object: *mut Object, _buffer: *mut Buffer) {
    // SAFETY: called by the interpreter, once for each buffer that was filled in.
    unsafe { mmap_wrap_release(instance(object).handle) };
}

/// Where an index points, or what is wrong with it raised.
///
/// # Safety
/// As the slots.
unsafe fn place(object: *mut Object, index: *mut Object) -> Option<i64> {
    let api = python();
    // SAFETY: called by the interpreter. The index may run any code, so the length is asked for afterwards.
    unsafe {
        let index = (api.PyNumber_AsSsize_t)(index, *api.PyExc_IndexError);
        if index == -1 && !(api.PyErr_Occurred)().is_null() {
            return None;
        }
        let length = length(object);
        if length < 0 {
            return None;
        }
        let place = if index < 0 { index + length } else { index };
        if !(0..length).contains(&place) {
            raise(api.PyExc_IndexError, c"mmap index out of range");
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

unsafe extern "C" fn get(object: *mut Object, key: *mut Object) -> *mut Object {
    let api = python();
    // SAFETY: called by the interpreter.
    unsafe {
        if length(object) < 0 {
            return null_mut();
        }
        if (api.PyIndex_Check)(key) != 0 {
            let byte = place(object, key).and_then(|place| byte_at(object, place));
            return byte.map_or(null_mut(), |byte| (api.PyLong_FromLong)(c_long::from(byte)));
        }
        match slice(object, key) {
            Err(Refused) => null_mut(),
            Ok(None) => {
                raise(api.PyExc_TypeError, c"mmap indices must be integers");
                null_mut()
            }
            Ok(Some(Slice { start, count, step: 1 })) => bytes(object, start, count),
            Ok(Some(Slice { count: 0, .. })) => bytes(object, 0, 0),
            Ok(Some(Slice { start, count, step })) => {
                (api.PyObject_CallMethod)(object, c"_stride".as_ptr(), c"LLL".as_ptr(), start, count, step)
            }
        }
    }
}

/// An exception is set.
struct Refused;

struct Slice {
    start: i64,
    count: i64,
    step: i64,
}

/// The part of the mapping that a slice object means; none if the key is no slice.
///
/// # Safety
/// As the slots.
unsafe fn slice(object: *mut Object, key: *mut Object) -> Result<Option<Slice>, Refused> {
    let api = python();
    // SAFETY: called by the interpreter. The slice's numbers may run any code, so the length is asked for afterwards.
    unsafe {
        match (api.PyObject_IsInstance)(key, api.PySlice_Type) {
            0 => return Ok(None),
            1 => {}
            _ => return Err(Refused),
        }
        let (mut start, mut stop, mut step) = (0, 0, 0);
        if (api.PySlice_Unpack)(key, &raw mut start, &raw mut stop, &raw mut step) < 0 {
            return Err(Refused);
        }
        let length = length(object);
        if length < 0 {
            return Err(Refused);
        }
        let count = (api.PySlice_AdjustIndices)(length, &raw mut start, &raw mut stop, step);
        Ok(Some(Slice { start: start as i64, count: count as i64, step: step as i64 }))
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
        let (handle, to) = (instance(object).handle, (api.PyBytes_AsString)(bytes).cast());
        let done = without_lock(count, || mmap_wrap_read(handle, start, to, count));
        if done < 0 {
            (api.Py_DecRef)(bytes);
            refuse(object, done);
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

unsafe extern "C" fn set(object: *mut Object, key: *mut Object, value: *mut Object) -> c_int {
    let api = python();
    // SAFETY: called by the interpreter.
    let done = unsafe {
        if length(object) < 0 {
            Err(Refused)
        } else if instance(object).is_read_only() {
            raise(api.PyExc_TypeError, c"mmap can't modify a readonly memory map.");
            Err(Refused)
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
    // SAFETY: called by the interpreter. The value may run any code, so the library checks the place after it.
    unsafe {
        let place = place(object, key).ok_or(Refused)?;
        if value.is_null() {
            raise(api.PyExc_TypeError, c"mmap doesn't support item deletion");
            return Err(Refused);
        }
        if (api.PyIndex_Check)(value) == 0 {
            raise(api.PyExc_TypeError, c"mmap item value must be an int");
            return Err(Refused);
        }
        let number = (api.PyNumber_AsSsize_t)(value, *api.PyExc_TypeError);
        if number == -1 && !(api.PyErr_Occurred)().is_null() {
            return Err(Refused);
        }
        let Ok(byte) = u8::try_from(number) else {
            raise(api.PyExc_ValueError, c"mmap item value must be in range(0, 256)");
            return Err(Refused);
        };
        let length = length(object);
        if length < 0 {
            return Err(Refused);
        }
        if place >= length as i64 {
            raise(api.PyExc_IndexError, c"mmap index out of range");
            return Err(Refused);
        }
        write(object, place, &raw const byte, 1)
    }
}

/// # Safety
/// As the slots.
unsafe fn set_slice(object: *mut Object, key: *mut Object, value: *mut Object) -> Result<(), Refused> {
    let api = python();
    // SAFETY: called by the interpreter. The value's buffer stays as it is until released.
    unsafe {
        if slice(object, key)?.is_none() {
            raise(api.PyExc_TypeError, c"mmap indices must be integers");
            return Err(Refused);
        }
        if value.is_null() {
            raise(api.PyExc_TypeError, c"mmap object doesn't support slice deletion");
            return Err(Refused);
        }
        let mut data = Buffer::EMPTY;
        if (api.PyObject_GetBuffer)(value, &raw mut data, Buffer::SIMPLE) < 0 {
            return Err(Refused);
        }
        let done = assign(object, key, value, &data);
        (api.PyBuffer_Release)(&raw mut data);
        done
    }
}

/// # Safety
/// As the slots; `data` is the buffer of `value`.
unsafe fn assign(object: *mut Object, key: *mut Object, value: *mut Object, data: &Buffer) -> Result<(), Refused> {
    let api = python();
    // SAFETY: called by the interpreter. What gave the buffer may have changed the mapping: the slice is looked at again.
    unsafe {
        let Some(Slice { start, count, step }) = slice(object, key)? else { return Err(Refused) };
        if data.length as i64 != count {
            raise(api.PyExc_IndexError, c"mmap slice assignment is wrong size");
            return Err(Refused);
        }
        if step == 1 || count == 0 {
            return write(object, if count == 0 { 0 } else { start }, data.address.cast(), count);
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
/// As the slots; `size` bytes at `from` can be read and stay as they are.
unsafe fn write(object: *mut Object, place: i64, from: *const u8, size: i64) -> Result<(), Refused> {
    // SAFETY: as demanded.
    unsafe {
        let handle = instance(object).handle;
        let done = without_lock(size, || mmap_wrap_write(handle, place, from.cast(), size));
        if done < 0 {
            refuse(object, done);
            return Err(Refused);
        }
    }
    Ok(())
}
