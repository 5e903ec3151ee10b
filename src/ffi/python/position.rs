//! The methods that read and write where the map stands, as those of a file do.
//!
//! Who reads or writes there steps on first, so that no two threads meet, and steps back where it was refused.

use super::api::{Buffer, Object, Size};
use super::{
    Instance, PIECE, Refused, bytes, cannot_modify, instance, length, number, numbers, python, raise, refuse, size, without_lock,
};
use super::{mmap_wrap_read, write_buffer};
use crate::error::MMAP_WRAP_E_NOT_FOUND;
use crate::ffi::access::mmap_wrap_find;
use crate::ffi::boundary::answer;
use memchr::memchr;
use std::ffi::CStr;
use std::ptr::null_mut;
use std::sync::atomic::Ordering::SeqCst;

/// Bytes that are looked at first for the end of a line: most lines are shorter.
const LINE: usize = 256;

impl Instance {
    /// Steps from one position to another, unless another thread has stepped on from there.
    fn step(&self, from: i64, to: i64) -> bool {
        self.position.compare_exchange(from, to, SeqCst, SeqCst).is_ok()
    }
}

/// `_seek(pos, whence)`: sets where the map stands, and answers it.
pub unsafe extern "C-unwind" fn seek(object: *mut Object, arguments: *const *mut Object, count: Size) -> *mut Object {
    let api = python();
    // SAFETY: called by the interpreter, with so many arguments.
    unsafe {
        let [Some(distance), Some(whence)] = numbers(arguments, count) else { return null_mut() };
        let length = length(object);
        if length < 0 {
            return null_mut();
        }
        let instance = instance(object);
        loop {
            let from = instance.position.load(SeqCst);
            let target = match i32::try_from(whence) {
                Ok(libc::SEEK_SET) => distance,
                Ok(libc::SEEK_CUR) => distance.saturating_add(from),
                Ok(libc::SEEK_END) => distance.saturating_add(length as i64),
                Ok(_) => return refused(api.PyExc_ValueError, c"unknown seek type"),
                Err(_) => return refused(api.PyExc_OverflowError, c"whence does not fit 32 bits"),
            };
            if !(0..=length as i64).contains(&target) {
                return refused(api.PyExc_ValueError, c"seek out of range");
            }
            if instance.step(from, target) {
                return (api.PyLong_FromLongLong)(target);
            }
        }
    }
}

/// # Safety
/// As `raise`.
unsafe fn refused(kind: *mut *mut Object, message: &CStr) -> *mut Object {
    // SAFETY: as demanded.
    unsafe { raise(kind, message) };
    null_mut()
}

/// `_read_next(limit)`: at most that many bytes, or with a negative number all that are left.
pub unsafe extern "C-unwind" fn read_next(object: *mut Object, limit: *mut Object) -> *mut Object {
    let api = python();
    // SAFETY: called by the interpreter.
    unsafe {
        let Some(limit) = number(limit, api.PyExc_OverflowError) else { return null_mut() };
        let length = length(object);
        if length < 0 {
            return null_mut();
        }
        let instance = instance(object);
        loop {
            let start = instance.position.load(SeqCst);
            let left = (length as i64 - start).max(0);
            let count = if limit < 0 { left } else { left.min(limit as i64) };
            if instance.step(start, start + count) {
                return bytes_stepped_over(object, start, count);
            }
        }
    }
}

/// Bytes that the position was set behind; it is set back if they cannot be read.
///
/// # Safety
/// As `bytes`.
unsafe fn bytes_stepped_over(object: *mut Object, start: i64, count: i64) -> *mut Object {
    // SAFETY: called by the interpreter.
    unsafe {
        // Behind the end of a map that was made shorter there are none, and no place for them.
        let bytes = bytes(object, if count == 0 { 0 } else { start }, count);
        if bytes.is_null() {
            instance(object).step(start + count, start);
        }
        bytes
    }
}

/// `_read_line()`: the bytes up to and with the next newline, or all that are left.
pub unsafe extern "C-unwind" fn read_line(object: *mut Object, _none: *mut Object) -> *mut Object {
    // SAFETY: called by the interpreter; there is room for the bytes of `piece`.
    unsafe {
        let instance = instance(object);
        loop {
            let length = length(object);
            if length < 0 {
                return null_mut();
            }
            let start = instance.position.load(SeqCst);
            let left = (length as i64 - start).max(0);
            let mut piece = [0u8; LINE];
            let first = left.min(answer(LINE));
            let mut done = mmap_wrap_read(instance.handle, start.min(length as i64), piece.as_mut_ptr().cast(), first);
            let mut count = left;
            // What was not read is zero: what refuses behind the end of the line is no matter.
            if let Some(at) = memchr(b'\n', &piece) {
                (done, count) = (0, answer(at) + 1);
            } else if done >= 0 && first < left {
                done = find_newline(instance, start + first, start + left);
                if done == INTERRUPTED {
                    return null_mut();
                }
                if done == MMAP_WRAP_E_NOT_FOUND {
                    done = start + left - 1;
                }
                count = done - start + 1;
            }
            if done < 0 {
                refuse(object, done);
                return null_mut();
            }
            if !instance.step(start, start + count) {
                continue;
            }
            if count > first {
                return bytes_stepped_over(object, start, count);
            }
            return (python().PyBytes_FromStringAndSize)(piece.as_ptr().cast(), size(count));
        }
    }
}

/// No code of the library's: a handler of a signal has raised an exception.
const INTERRUPTED: i64 = i64::MIN;

/// Where the next newline is, or a code of the library's, or INTERRUPTED.
///
/// # Safety
/// As `bytes`.
unsafe fn find_newline(instance: &Instance, mut from: i64, end: i64) -> i64 {
    loop {
        let to = end.min(from + PIECE);
        // SAFETY: called by the interpreter.
        unsafe {
            let done = without_lock(to - from, || mmap_wrap_find(instance.handle, c"\n".as_ptr().cast(), 1, from, to));
            if done != MMAP_WRAP_E_NOT_FOUND || to == end {
                return done;
            }
            if (python().PyErr_CheckSignals)() < 0 {
                return INTERRUPTED;
            }
        }
        from = to;
    }
}

/// `_write_next(data)`: puts all of the bytes there, and answers how many they are.
pub unsafe extern "C-unwind" fn write_next(object: *mut Object, value: *mut Object) -> *mut Object {
    let api = python();
    // SAFETY: called by the interpreter. The value's buffer stays as it is until released.
    unsafe {
        let mut data = Buffer::EMPTY;
        if (api.PyObject_GetBuffer)(value, &raw mut data, Buffer::SIMPLE) < 0 {
            return null_mut();
        }
        let done = write_where_it_stands(object, value, &data);
        let count = data.length;
        (api.PyBuffer_Release)(&raw mut data);
        if done.is_ok() { (api.PyLong_FromSsize_t)(count) } else { null_mut() }
    }
}

/// # Safety
/// As the slots; `data` is the buffer of `value`.
unsafe fn write_where_it_stands(object: *mut Object, value: *mut Object, data: &Buffer) -> Result<(), Refused> {
    let api = python();
    // SAFETY: called by the interpreter.
    unsafe {
        let length = length(object);
        if length < 0 {
            return Err(Refused);
        }
        let (instance, size) = (instance(object), data.length as i64);
        if instance.is_read_only() {
            return Err(cannot_modify());
        }
        loop {
            let start = instance.position.load(SeqCst);
            if start > length as i64 || size > length as i64 - start {
                raise(api.PyExc_ValueError, c"data out of range");
                return Err(Refused);
            }
            if instance.step(start, start + size) {
                let done = write_buffer(object, start, value, data);
                if done.is_err() {
                    instance.step(start + size, start);
                }
                return done;
            }
        }
    }
}
