//! `m[i]`, `m[i:j]`, `m[i:j:k]`, assignments to them, iteration, and `in`.
//!
//! Each calls the library once if the length of the map has not changed since it was last determined: the library checks every
//! range, and only if it reports one outside the map is the length determined again.

use crate::arguments::{index, is_int};
use crate::exceptions::{Object, Raised, Result, made, or_minus_one, or_null, raise};
use crate::header::E_RANGE;
use crate::library::library;
use crate::object::{Call, Map, bytes, call_of, closed_first, copy_of, write, write_buffer};
use pyo3_ffi::*;
use std::ffi::c_int;
use std::ptr::null;

/// The offset for an index. Called after all conversions, which can run code that resizes the map.
///
/// # Safety
/// As the slots.
unsafe fn offset_of_index(map: Call, index: i64) -> Result<i64> {
    // SAFETY: called by the interpreter.
    unsafe {
        let length = map.length()?;
        let offset = if index < 0 { index + length } else { index };
        if (0..length).contains(&offset) { Ok(offset) } else { Err(out_of_range()) }
    }
}

/// # Safety
/// As the slots.
#[cold]
unsafe fn out_of_range() -> Raised {
    // SAFETY: called by the interpreter.
    unsafe { raise(PyExc_IndexError, c"mmap index out of range") }
}

/// The byte at an offset, which is not negative.
///
/// # Safety
/// As the slots.
#[inline(always)]
unsafe fn byte_at(map: Call, offset: i64) -> Result<u8> {
    let mut byte = 0u8;
    // SAFETY: called by the interpreter; the variable has one byte.
    unsafe {
        match (library().read)(map.handle, offset, (&raw mut byte).cast(), 1) {
            0.. => Ok(byte),
            E_RANGE => Err(out_of_range()),
            code => Err(map.fail(code)),
        }
    }
}

pub unsafe extern "C" fn get(object: Object, key: Object) -> Object {
    // SAFETY: called by the interpreter.
    unsafe {
        if is_int(key) || PyIndex_Check(key) != 0 {
            return or_null(get_byte(call_of(object, c"__getitem__"), key));
        }
        or_null(get_slice(call_of(object, c"__getitem__"), key))
    }
}

/// # Safety
/// As the slots.
#[inline(always)]
unsafe fn get_byte(map: Call, key: Object) -> Result<Object> {
    // SAFETY: called by the interpreter.
    unsafe {
        // If the map is closed, that is reported instead of an invalid index.
        let Ok(index) = index(key, PyExc_IndexError) else { return Err(closed_first(map)) };
        let offset = if index < 0 { offset_of_index(map, index)? } else { index };
        made(PyLong_FromLong(byte_at(map, offset)?.into()))
    }
}

/// # Safety
/// As the slots.
unsafe fn get_slice(map: Call, key: Object) -> Result<Object> {
    // SAFETY: called by the interpreter.
    unsafe {
        let bounds = match Bounds::from_key(key) {
            Ok(bounds) => bounds,
            Err(Raised) => return Err(closed_first(map)),
        };
        if let Some((start, count)) = bounds.within_known_length(&map) {
            match copy_of(map, start, count)? {
                Ok(bytes) => return Ok(bytes),
                Err(E_RANGE) => {}
                Err(code) => return Err(map.fail(code)),
            }
        }
        let Slice { start, count, step } = bounds.within(map)?;
        match step {
            _ if count == 0 => bytes(map, 0, 0),
            1 => bytes(map, start, count),
            _ => every(map, start, count, step),
        }
    }
}

/// The number of bytes that an extended slice reads at a time.
const WINDOW: usize = 1 << 16;

/// The step from which on each byte is read separately: the pages in between could fault, and are not part of the slice.
const FAR: u64 = 4096;

/// The bytes of an extended slice.
///
/// # Safety
/// As the slots; the slice is inside the map.
unsafe fn every(map: Call, start: i64, count: i64, step: i64) -> Result<Object> {
    // SAFETY: called by the interpreter; `to` stays within the new object's `count` bytes, which no other code can access yet.
    unsafe {
        let bytes = made(PyBytes_FromStringAndSize(null(), count as Py_ssize_t))?;
        let mut to = PyBytes_AsString(bytes).cast::<u8>();
        let distance = step.unsigned_abs();
        let mut window = Vec::<u8>::new();
        let mut done = 0;
        while done < count {
            // The offset of the first byte to read now, and their number.
            let first = start + done * step;
            let number = if distance >= FAR { 1 } else { (count - done).min((WINDOW as u64 / distance) as i64) };
            let last = first + (number - 1) * step;
            let (low, size) = (first.min(last), (last - first).unsigned_abs() as usize + 1);
            window.resize(size, 0);
            let code = (library().read)(map.handle, low, window.as_mut_ptr().cast(), size as i64);
            if code < 0 || (done > 0 && PyErr_CheckSignals() < 0) {
                Py_DecRef(bytes);
                return Err(if code < 0 { map.fail(code) } else { Raised });
            }
            let stride = usize::try_from(distance).unwrap_or(usize::MAX);
            let mut put = |byte: &u8| {
                *to = *byte;
                to = to.add(1);
            };
            if step > 0 {
                window.iter().step_by(stride).for_each(&mut put)
            } else {
                window.iter().rev().step_by(stride).for_each(&mut put)
            }
            done += number;
        }
        window.fill(0);
        std::hint::black_box(&window);
        Ok(bytes)
    }
}

/// The number of items of an iteration between two runs of signal handlers and of other threads: a power of two, about a tenth
/// of a second.
const ITEMS: Py_ssize_t = 1 << 20;

/// The byte at an index as bytes of length 1: the slot by which a sequence without `__iter__` is iterated.
pub unsafe extern "C" fn item(object: Object, index: Py_ssize_t) -> Object {
    // SAFETY: called by the interpreter, which has added the length to a negative index.
    unsafe {
        // `x in m` is a loop in C that runs neither other threads nor signal handlers.
        if index & (ITEMS - 1) == ITEMS - 1 {
            PyEval_RestoreThread(PyEval_SaveThread());
            if PyErr_CheckSignals() < 0 {
                return std::ptr::null_mut();
            }
        }
        let byte = match byte_at(call_of(object, c"__iter__"), index as i64) {
            Ok(byte) => byte,
            Err(Raised) => return std::ptr::null_mut(),
        };
        PyBytes_FromStringAndSize((&raw const byte).cast(), 1)
    }
}

/// `in`: whether one of the map's bytes, as bytes of length 1, equals the value.
pub unsafe extern "C" fn contains(object: Object, value: Object) -> c_int {
    // SAFETY: called by the interpreter.
    unsafe {
        let map = call_of(object, c"__contains__");
        // A subclass may override iteration, and an object that is not exactly bytes may override comparison.
        if Py_TYPE(value) != &raw mut PyBytes_Type || PyType_GetSlot(Py_TYPE(object), Py_sq_item) != item as *mut _ {
            return contains_by_iteration(object, value);
        }
        if PyBytes_Size(value) != 1 {
            return if map.length().is_ok() { 0 } else { -1 };
        }
        match crate::search::search(crate::search::Operation::Find, map, value, Some(0), None) {
            Ok(found) => c_int::from(found >= 0),
            Err(Raised) => -1,
        }
    }
}

/// # Safety
/// As the slots.
unsafe fn contains_by_iteration(object: Object, value: Object) -> c_int {
    // SAFETY: called by the interpreter.
    unsafe {
        let items = PyObject_GetIter(object);
        if items.is_null() {
            return -1;
        }
        let mut found = 0;
        while found == 0 {
            let item = PyIter_Next(items);
            if item.is_null() {
                found = if PyErr_Occurred().is_null() { 0 } else { -1 };
                break;
            }
            found = PyObject_RichCompareBool(item, value, Py_EQ);
            Py_DecRef(item);
        }
        Py_DecRef(items);
        found
    }
}

struct Slice {
    start: i64,
    count: i64,
    step: i64,
}

/// The start, stop and step of a slice object, not yet adjusted to the length of the map.
struct Bounds(Py_ssize_t, Py_ssize_t, Py_ssize_t);

impl Bounds {
    /// TypeError if the key is not a slice.
    ///
    /// # Safety
    /// As the slots.
    #[inline(always)]
    unsafe fn from_key(key: Object) -> Result<Bounds> {
        // SAFETY: called by the interpreter. slice has no subclasses, and `__class__` can be overridden.
        unsafe {
            if Py_TYPE(key) != &raw mut PySlice_Type {
                return Err(raise(PyExc_TypeError, c"mmap indices must be integers"));
            }
            let mut bounds = Bounds(0, 0, 0);
            if PySlice_Unpack(key, &raw mut bounds.0, &raw mut bounds.1, &raw mut bounds.2) < 0 {
                return Err(Raised);
            }
            Ok(bounds)
        }
    }

    /// Start and count, if the step is 1 and the slice is inside the map at its known length.
    #[inline(always)]
    fn within_known_length(&self, map: &Map) -> Option<(i64, i64)> {
        let &Bounds(start, stop, step) = self;
        let is_inside = step == 1 && start >= 0 && start < stop && stop as i64 <= map.known_length();
        is_inside.then_some((start as i64, (stop - start) as i64))
    }

    /// The slice, adjusted to the current length. Called after all conversions, which can run code that resizes the map.
    ///
    /// # Safety
    /// As the slots.
    unsafe fn within(&self, map: Call) -> Result<Slice> {
        let Bounds(mut start, mut stop, step) = *self;
        // SAFETY: called by the interpreter.
        unsafe {
            let length = map.length()? as Py_ssize_t;
            let count = PySlice_AdjustIndices(length, &raw mut start, &raw mut stop, step);
            Ok(Slice { start: start as i64, count: count as i64, step: step as i64 })
        }
    }
}

pub unsafe extern "C" fn set(object: Object, key: Object, value: Object) -> c_int {
    // SAFETY: called by the interpreter.
    unsafe {
        let map = call_of(object, c"__setitem__");
        let done = match map.require_writable() {
            Err(Raised) => Err(Raised),
            Ok(()) if is_int(key) || PyIndex_Check(key) != 0 => set_byte(map, key, value),
            Ok(()) => set_slice(map, key, value),
        };
        or_minus_one(done)
    }
}

/// # Safety
/// As the slots.
#[inline(always)]
unsafe fn set_byte(map: Call, key: Object, value: Object) -> Result<()> {
    // SAFETY: called by the interpreter.
    unsafe {
        let index = index(key, PyExc_IndexError)?;
        let Some(byte) = byte_of(value) else { return set_any(map, index, value) };
        let offset = if index < 0 { offset_of_index(map, index)? } else { index };
        match write(map, offset, &raw const byte, 1)? {
            Some(_) => Ok(()),
            None => Err(out_of_range()),
        }
    }
}

/// The value as a byte, if it is exactly an int from 0 to 255.
///
/// # Safety
/// As the slots; the value may be NULL.
#[inline(always)]
unsafe fn byte_of(value: Object) -> Option<u8> {
    // SAFETY: called by the interpreter.
    unsafe {
        if value.is_null() || Py_TYPE(value) != &raw mut PyLong_Type {
            return None;
        }
        let number = PyLong_AsLong(value);
        if number == -1 {
            PyErr_Clear();
        }
        u8::try_from(number).ok()
    }
}

/// # Safety
/// As the slots; the value may be NULL, for a deletion.
#[cold]
unsafe fn set_any(map: Call, index: i64, value: Object) -> Result<()> {
    // SAFETY: called by the interpreter.
    unsafe {
        // An invalid index is reported before an invalid value, as the standard library's tests require up to 3.13.
        offset_of_index(map, index)?;
        if value.is_null() {
            return Err(raise(PyExc_TypeError, c"mmap doesn't support item deletion"));
        }
        if PyIndex_Check(value) == 0 {
            return Err(raise(PyExc_TypeError, c"mmap item value must be an int"));
        }
        let Ok(byte) = u8::try_from(crate::arguments::index(value, PyExc_TypeError)?) else {
            return Err(raise(PyExc_ValueError, c"mmap item value must be in range(0, 256)"));
        };
        // Converting the value can run code that resizes the map.
        let offset = offset_of_index(map, index)?;
        match write(map, offset, &raw const byte, 1)? {
            Some(_) => Ok(()),
            None => Err(out_of_range()),
        }
    }
}

/// # Safety
/// As the slots.
unsafe fn set_slice(map: Call, key: Object, value: Object) -> Result<()> {
    // SAFETY: called by the interpreter. The buffer of the value is valid until it is released.
    unsafe {
        let bounds = Bounds::from_key(key)?;
        if value.is_null() {
            return Err(raise(PyExc_TypeError, c"mmap object doesn't support slice deletion"));
        }
        let mut data = Py_buffer::new();
        if PyObject_GetBuffer(value, &raw mut data, PyBUF_SIMPLE) < 0 {
            return Err(Raised);
        }
        let done = assign(map, &bounds, value, &data);
        PyBuffer_Release(&raw mut data);
        done
    }
}

/// # Safety
/// As the slots; `data` is the buffer of `value`.
unsafe fn assign(map: Call, bounds: &Bounds, value: Object, data: &Py_buffer) -> Result<()> {
    let size = data.len as i64;
    // SAFETY: called by the interpreter.
    unsafe {
        if let Some((start, count)) = bounds.within_known_length(&map) {
            if count == size && write_buffer(map, start, value, data)?.is_some() {
                return Ok(());
            }
        }
        let Slice { start, count, step } = bounds.within(map)?;
        if size != count {
            return Err(raise(PyExc_IndexError, c"mmap slice assignment is wrong size"));
        }
        if step != 1 && count != 0 {
            return assign_every(map, start, step, value, data);
        }
        match write_buffer(map, if count == 0 { 0 } else { start }, value, data)? {
            Some(_) => Ok(()),
            None => Err(map.fail(E_RANGE)),
        }
    }
}

/// Writes byte by byte: the bytes in between must not be written, even with their old values, as other threads may change them.
///
/// # Safety
/// As `assign`.
unsafe fn assign_every(map: Call, start: i64, step: i64, value: Object, data: &Py_buffer) -> Result<()> {
    // SAFETY: called by the interpreter; the copy, or the buffer of the value, has as many bytes as the slice.
    unsafe {
        let bytes = crate::arguments::Bytes::from_object(value)?;
        for at in 0..bytes.size.min(data.len as i64) {
            if map.in_range((library().write)(map.handle, start + at * step, bytes.start.add(at as usize).cast(), 1))?.is_none() {
                return Err(map.fail(E_RANGE));
            }
            if at & 0xFFFFF == 0xFFFFF && PyErr_CheckSignals() < 0 {
                return Err(Raised);
            }
        }
    }
    Ok(())
}
