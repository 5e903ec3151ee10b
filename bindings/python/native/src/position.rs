//! The methods that read and write at the position, like those of a file.
//!
//! A thread advances the position before it reads or writes, so that no other thread uses the same bytes; if the access fails, it
//! sets the position back.

use crate::arguments::{index, int, is_none, long, positional, ssize};
use crate::exceptions::{Object, Raised, Result, made, none, or_null, raise};
use crate::gil::{PIECE, without_gil};
use crate::header::{E_NOT_FOUND, E_RANGE};
use crate::library::library;
use crate::object::{Call, call_of, closed_first, copy_of, write, write_buffer};
use pyo3_ffi::*;
use std::ffi::c_long;
use std::mem::MaybeUninit;

/// The number of bytes that are searched first for the end of a line: most lines are shorter.
const LINE: usize = 256;

/// Aligned for the widest loads and stores, so that a load gets its data from a single earlier store (store forwarding), and does
/// not wait for two.
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

/// The next bytes, at most `limit`; all that are left if it is negative.
///
/// # Safety
/// As the methods.
#[inline(always)]
unsafe fn next(map: Call, limit: i64) -> Result<Object> {
    // SAFETY: called by the interpreter.
    unsafe {
        // The known length is used if the bytes are inside; otherwise the length is determined again.
        let mut use_known = limit > 0;
        loop {
            let start = map.position();
            use_known = use_known && limit <= map.known_length() - start;
            let count = if use_known { limit } else { left(map, start, limit)? };
            if !map.step(start, start + count) {
                continue;
            }
            // If the map became shorter, the position may be beyond its end, where even an empty range is an error.
            match copy_of(map, if count == 0 { 0 } else { start }, count) {
                Ok(Ok(bytes)) => return Ok(bytes),
                failed => {
                    map.step(start + count, start);
                    match failed? {
                        Err(E_RANGE) if use_known => use_known = false,
                        Err(code) => return Err(map.fail(code)),
                        Ok(_) => {}
                    }
                }
            }
        }
    }
}

/// The number of bytes from `start` to the end, at most `limit` if that is not negative.
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
    // SAFETY: called by the interpreter; the variable has one byte.
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
            // The map is shorter than the known length.
            map.length()?;
        }
    }
}

/// `readline()`
pub unsafe extern "C" fn readline(object: Object, _: Object) -> Object {
    // SAFETY: called by the interpreter.
    unsafe { or_null(next_line(call_of(object, c"readline"))) }
}

/// # Safety
/// As the methods.
unsafe fn next_line(map: Call) -> Result<Object> {
    // SAFETY: called by the interpreter; `piece` has LINE bytes, of which only those that were read are accessed.
    unsafe {
        let mut piece = Line(MaybeUninit::uninit());
        let buffer: *mut u8 = piece.0.as_mut_ptr().cast();
        let mut use_known = true;
        loop {
            let start = map.position();
            let known = map.known_length() - start;
            use_known = use_known && known > 0;
            let left = if use_known { known } else { left(map, start, -1)? };
            let first = left.min(LINE as i64);
            // Called even for 0 bytes: it fails if the map is closed.
            let done = (library().read)(map.handle, if first == 0 { 0 } else { start }, buffer.cast(), first);
            if done == E_RANGE && use_known {
                use_known = false;
                continue;
            }
            // A fault after the end of the line is ignored.
            let readable = if done < 0 { (library().fault_done)() } else { first };
            let newline = libc::memchr(buffer.cast(), b'\n'.into(), readable as usize);
            let count = match newline.is_null() {
                false => newline.addr() as i64 - buffer.addr() as i64 + 1,
                _ if done < 0 => return Err(map.fail(done)),
                // The map may be longer than the known length.
                _ if use_known && first == known => {
                    use_known = false;
                    if map.length()? - start != first {
                        continue;
                    }
                    first
                }
                _ if first == left => first,
                _ => match line_from(map, start, start + first)? {
                    Some(count) => count,
                    None => {
                        use_known = false;
                        continue;
                    }
                },
            };
            if !map.step(start, start + count) {
                continue;
            }
            if count <= first {
                return made(PyBytes_FromStringAndSize(buffer.cast(), count as Py_ssize_t));
            }
            match copy_of(map, start, count) {
                Ok(Ok(bytes)) => return Ok(bytes),
                failed => {
                    map.step(start + count, start);
                    match failed? {
                        Err(E_RANGE) => use_known = false,
                        Err(code) => return Err(map.fail(code)),
                        Ok(_) => {}
                    }
                }
            }
        }
    }
}

/// The number of bytes from `start` up to and including the first newline from `from` on, or to the end; None if the map became
/// shorter.
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
            match without_gil(to - from, || (library().find)(map.handle, c"\n".as_ptr().cast(), 1, from, to)) {
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

/// `write(data)`
pub unsafe extern "C" fn write_next(object: Object, value: Object) -> Object {
    // SAFETY: called by the interpreter. The buffer of the value is valid until it is released.
    unsafe {
        let mut data = Py_buffer::new();
        if PyObject_GetBuffer(value, &raw mut data, PyBUF_SIMPLE) < 0 {
            return std::ptr::null_mut();
        }
        let map = call_of(object, c"write");
        let put = |offset| write_buffer(map, offset, value, &data);
        let done = write_at_position(map, data.len as i64, c"data out of range", put);
        let count = data.len;
        PyBuffer_Release(&raw mut data);
        or_null(done.and_then(|()| made(PyLong_FromSsize_t(count))))
    }
}

/// Advances the position by `size` bytes, which `put` writes. `put` returns None if they are not inside the map.
///
/// # Safety
/// As the methods.
#[inline(always)]
unsafe fn write_at_position(
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
                    // The map is shorter than the known length.
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
            let message = if number < 0 {
                c"unsigned byte integer is less than minimum"
            } else {
                c"unsigned byte integer is greater than maximum"
            };
            return Err(raise(PyExc_OverflowError, message));
        };
        let put = |offset| write(map, offset, &raw const byte, 1);
        write_at_position(map, 1, c"write byte out of range", put)?;
        Ok(none())
    }
}

/// `seekable()`
pub unsafe extern "C" fn seekable(_: Object, _: Object) -> Object {
    // SAFETY: called by the interpreter.
    unsafe { PyBool_FromLong(1) }
}
