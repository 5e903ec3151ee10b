//! The methods that read and write where the map stands, as those of a file do.
//!
//! A thread that reads or writes there steps on first, so that no two meet, and steps back where it failed.

use crate::arguments::{index, int, is_none, long, positional, ssize};
use crate::exceptions::{Object, Raised, Result, made, none, or_null, raise};
use crate::header::{E_NOT_FOUND, E_RANGE};
use crate::library::library;
use crate::object::{Call, PIECE, call_of, closed_first, copy_of, without_lock, write, write_buffer};
use pyo3_ffi::*;
use std::ffi::c_long;
use std::mem::MaybeUninit;

/// Bytes that are looked at first for the end of a line: most lines are shorter.
const LINE: usize = 256;

/// They begin where the widest loads and stores do, so that a load finds what it needs in the store before it: elsewhere the
/// processor waits for both.
#[repr(align(64))]
struct Line(MaybeUninit<[u8; LINE]>);

/// `seek(pos, whence=os.SEEK_SET)`
pub unsafe extern "C" fn seek(object: Object, first: *mut Object, count: Py_ssize_t) -> Object {
    // SAFETY: called by the interpreter.
    unsafe { or_null(sought(call_of(object, c"seek"), first, count)) }
}

/// # Safety
/// As the methods.
unsafe fn sought(map: Call, first: *const Object, count: Py_ssize_t) -> Result<Object> {
    // SAFETY: called by the interpreter.
    unsafe {
        let [distance, whence] = positional(c"seek", 1, first, count)?;
        let (distance, whence) = (ssize(distance)?, if whence.is_null() { libc::SEEK_SET } else { int(whence)? });
        let length = map.length()?;
        loop {
            let from = map.position();
            let target = match whence {
                libc::SEEK_SET => distance,
                libc::SEEK_CUR => distance.saturating_add(from),
                libc::SEEK_END => distance.saturating_add(length),
                _ => return Err(raise(PyExc_ValueError, c"unknown seek type")),
            };
            if !(0..=length).contains(&target) {
                return Err(raise(PyExc_ValueError, c"seek out of range"));
            }
            if map.step(from, target) {
                return made(PyLong_FromLongLong(target));
            }
        }
    }
}

pub unsafe extern "C" fn tell(object: Object, _: Object) -> Object {
    // SAFETY: called by the interpreter.
    unsafe {
        let map = call_of(object, c"tell");
        or_null(map.length().and_then(|_| made(PyLong_FromLongLong(map.position()))))
    }
}

/// `read(n=None)`
pub unsafe extern "C" fn read(object: Object, first: *mut Object, count: Py_ssize_t) -> Object {
    // SAFETY: called by the interpreter.
    unsafe {
        let map = call_of(object, c"read");
        or_null(limit(first, count).and_then(|limit| next(map, limit)))
    }
}

/// # Safety
/// As the methods.
#[inline(always)]
unsafe fn limit(first: *const Object, count: Py_ssize_t) -> Result<i64> {
    // SAFETY: called by the interpreter.
    unsafe {
        let [limit] = positional(c"read", 0, first, count)?;
        if is_none(limit) {
            return Ok(-1);
        }
        if PyIndex_Check(limit) == 0 {
            let name = made(PyType_GetName(Py_TYPE(limit)))?;
            PyErr_Format(PyExc_TypeError, c"argument should be integer or None, not '%U'".as_ptr(), name);
            Py_DecRef(name);
            return Err(Raised);
        }
        index(limit, PyExc_OverflowError)
    }
}

/// At most that many bytes, or with a negative number all that are left.
///
/// # Safety
/// As the methods.
#[inline(always)]
unsafe fn next(map: Call, limit: i64) -> Result<Object> {
    // SAFETY: called by the interpreter.
    unsafe {
        // The map as it was last seen has so many bytes; else it is looked at again.
        let mut is_seen = limit > 0;
        loop {
            let start = map.position();
            is_seen = is_seen && limit <= map.known_length() - start;
            let count = if is_seen { limit } else { left(map, start, limit)? };
            if !map.step(start, start + count) {
                continue;
            }
            // Behind the end of a map that was made shorter there are none, and no place for them.
            match copy_of(map, if count == 0 { 0 } else { start }, count) {
                Ok(Ok(bytes)) => return Ok(bytes),
                failed => {
                    map.step(start + count, start);
                    match failed? {
                        Err(E_RANGE) if is_seen => is_seen = false,
                        Err(code) => return Err(map.fail(code)),
                        Ok(_) => {}
                    }
                }
            }
        }
    }
}

/// How many bytes are left from `start` on, of at most `limit`.
///
/// # Safety
/// As the methods.
unsafe fn left(map: Call, start: i64, limit: i64) -> Result<i64> {
    // SAFETY: called by the interpreter.
    let left = (unsafe { map.length() }? - start).max(0);
    Ok(if limit < 0 { left } else { left.min(limit) })
}

pub unsafe extern "C" fn read_byte(object: Object, _: Object) -> Object {
    // SAFETY: called by the interpreter.
    unsafe { or_null(next_byte(call_of(object, c"read_byte"))) }
}

/// # Safety
/// As the methods.
unsafe fn next_byte(map: Call) -> Result<Object> {
    let mut byte = 0u8;
    // SAFETY: called by the interpreter; there is room for a byte.
    unsafe {
        loop {
            let start = map.position();
            if start >= map.known_length() && start >= map.length()? {
                return Err(raise(PyExc_ValueError, c"read byte out of range"));
            }
            if !map.step(start, start + 1) {
                continue;
            }
            let done = (library().read)(map.handle, start, (&raw mut byte).cast(), 1);
            if done >= 0 {
                return made(PyLong_FromLong(byte.into()));
            }
            map.step(start + 1, start);
            if done != E_RANGE {
                return Err(map.fail(done));
            }
            // It has become shorter since it was last seen.
            map.length()?;
        }
    }
}

/// The bytes up to and with the next newline, or all that are left.
pub unsafe extern "C" fn readline(object: Object, _: Object) -> Object {
    // SAFETY: called by the interpreter.
    unsafe { or_null(next_line(call_of(object, c"readline"))) }
}

/// # Safety
/// As the methods.
unsafe fn next_line(map: Call) -> Result<Object> {
    // SAFETY: called by the interpreter; there is room for the bytes of `piece`, of which those are looked at that were read.
    unsafe {
        let mut piece = Line(MaybeUninit::uninit());
        let room: *mut u8 = piece.0.as_mut_ptr().cast();
        let mut is_seen = true;
        loop {
            let start = map.position();
            let seen = map.known_length() - start;
            is_seen = is_seen && seen > 0;
            let left = if is_seen { seen } else { left(map, start, -1)? };
            let first = left.min(LINE as i64);
            // Without bytes to read, too: a closed map is an error.
            let done = (library().read)(map.handle, if first == 0 { 0 } else { start }, room.cast(), first);
            if done == E_RANGE && is_seen {
                is_seen = false;
                continue;
            }
            // What faults behind the end of the line is no matter.
            let readable = if done < 0 { (library().fault_done)() } else { first };
            let newline = libc::memchr(room.cast(), b'\n'.into(), readable as usize);
            let count = match newline.is_null() {
                false => newline.addr() as i64 - room.addr() as i64 + 1,
                _ if done < 0 => return Err(map.fail(done)),
                // The map may have become longer.
                _ if is_seen && first == seen => {
                    is_seen = false;
                    if map.length()? - start != first {
                        continue;
                    }
                    first
                }
                _ if first == left => first,
                _ => match line_from(map, start, start + first)? {
                    Some(count) => count,
                    None => {
                        is_seen = false;
                        continue;
                    }
                },
            };
            if !map.step(start, start + count) {
                continue;
            }
            if count <= first {
                return made(PyBytes_FromStringAndSize(room.cast(), count as Py_ssize_t));
            }
            match copy_of(map, start, count) {
                Ok(Ok(bytes)) => return Ok(bytes),
                failed => {
                    map.step(start + count, start);
                    match failed? {
                        Err(E_RANGE) => is_seen = false,
                        Err(code) => return Err(map.fail(code)),
                        Ok(_) => {}
                    }
                }
            }
        }
    }
}

/// How many bytes there are from `start` up to and with the first newline from `from` on, or to the end; None where the map has
/// become shorter.
///
/// # Safety
/// As the methods.
unsafe fn line_from(map: Call, start: i64, from: i64) -> Result<Option<i64>> {
    // SAFETY: called by the interpreter.
    unsafe {
        let length = map.length()?;
        let mut from = from;
        loop {
            let to = length.min(from + PIECE);
            match without_lock(to - from, || (library().find)(map.handle, c"\n".as_ptr().cast(), 1, from, to)) {
                at @ 0.. => return Ok(Some(at + 1 - start)),
                E_NOT_FOUND if to == length => return Ok(Some(length - start)),
                E_NOT_FOUND if PyErr_CheckSignals() < 0 => return Err(Raised),
                E_NOT_FOUND => from = to,
                E_RANGE => return Ok(None),
                code => return Err(map.fail(code)),
            }
        }
    }
}

/// Puts all of the bytes where the map stands, and gives how many they are.
pub unsafe extern "C" fn write_next(object: Object, value: Object) -> Object {
    // SAFETY: called by the interpreter. The value's buffer stays as it is until released.
    unsafe {
        let mut data = Py_buffer::new();
        if PyObject_GetBuffer(value, &raw mut data, PyBUF_SIMPLE) < 0 {
            return std::ptr::null_mut();
        }
        let map = call_of(object, c"write");
        let put = |place| write_buffer(map, place, value, &data);
        let done = write_where_it_stands(map, data.len as i64, c"data out of range", put);
        let count = data.len;
        PyBuffer_Release(&raw mut data);
        or_null(done.and_then(|()| made(PyLong_FromSsize_t(count))))
    }
}

/// Steps over `size` bytes and has `put` write them; it gives None where they are not all inside.
///
/// # Safety
/// As the methods.
#[inline(always)]
unsafe fn write_where_it_stands(
    map: Call,
    size: i64,
    out_of_range: &std::ffi::CStr,
    put: impl Fn(i64) -> Result<Option<i64>>,
) -> Result<()> {
    // SAFETY: called by the interpreter.
    unsafe {
        if map.require_writable().is_err() {
            return Err(closed_first(map));
        }
        loop {
            let start = map.position();
            if size > map.known_length() - start && size > map.length()? - start {
                return Err(raise(PyExc_ValueError, out_of_range));
            }
            if !map.step(start, start + size) {
                continue;
            }
            match put(start) {
                Ok(Some(_)) => return Ok(()),
                failed => {
                    map.step(start + size, start);
                    failed?;
                    // It has become shorter since it was last seen.
                    map.length()?;
                }
            }
        }
    }
}

pub unsafe extern "C" fn write_byte(object: Object, value: Object) -> Object {
    // SAFETY: called by the interpreter.
    unsafe { or_null(byte_written(call_of(object, c"write_byte"), value)) }
}

/// # Safety
/// As the methods.
unsafe fn byte_written(map: Call, value: Object) -> Result<Object> {
    // SAFETY: called by the interpreter.
    unsafe {
        let number: c_long = long(value)?;
        let Ok(byte) = u8::try_from(number) else {
            let words = if number < 0 {
                c"unsigned byte integer is less than minimum"
            } else {
                c"unsigned byte integer is greater than maximum"
            };
            return Err(raise(PyExc_OverflowError, words));
        };
        let put = |place| write(map, place, &raw const byte, 1);
        write_where_it_stands(map, 1, c"write byte out of range", put)?;
        Ok(none())
    }
}

/// Whether `seek` works: it does.
pub unsafe extern "C" fn seekable(_: Object, _: Object) -> Object {
    // SAFETY: called by the interpreter.
    unsafe { PyBool_FromLong(1) }
}
