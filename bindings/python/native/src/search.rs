//! `find`, `rfind` and `count`.
//!
//! Most needles are near: what begins near is looked for with the interpreter's lock held, in one call. What is left of a
//! large map is searched without the lock, and in pieces, between which handlers of signals run.

use crate::arguments::{Bytes, is_none, positional, ssize};
use crate::exceptions::{Object, Raised, Result, call, made, or_null};
use crate::header::{E_NOT_FOUND, E_RANGE, REST};
use crate::library::library;
use crate::object::{Call, LONG, PIECE, call_of, without_lock};
use pyo3_ffi::*;
use std::ffi::CStr;

#[derive(Clone, Copy, PartialEq)]
pub enum Way {
    Find,
    Rfind,
    Count,
}

impl Way {
    fn name(self) -> &'static CStr {
        match self {
            Way::Find => c"find",
            Way::Rfind => c"rfind",
            Way::Count => c"count",
        }
    }

    /// # Safety
    /// The needle can be read and stays as it is.
    #[inline(always)]
    unsafe fn call(self, map: Call, needle: &Bytes, start: i64, end: i64) -> i64 {
        let function = match self {
            Way::Find => library().find,
            Way::Rfind => library().rfind,
            Way::Count => library().count,
        };
        // SAFETY: as demanded.
        unsafe { function(map.handle, needle.start.cast(), needle.size, start, end) }
    }
}

pub unsafe extern "C" fn find(object: Object, first: *mut Object, count: Py_ssize_t) -> Object {
    // SAFETY: called by the interpreter.
    unsafe { or_null(method(Way::Find, object, first, count)) }
}

pub unsafe extern "C" fn rfind(object: Object, first: *mut Object, count: Py_ssize_t) -> Object {
    // SAFETY: called by the interpreter.
    unsafe { or_null(method(Way::Rfind, object, first, count)) }
}

pub unsafe extern "C" fn count(object: Object, first: *mut Object, count: Py_ssize_t) -> Object {
    // SAFETY: called by the interpreter.
    unsafe { or_null(method(Way::Count, object, first, count)) }
}

/// # Safety
/// As the methods.
#[inline(always)]
unsafe fn method(way: Way, object: Object, first: *const Object, count: Py_ssize_t) -> Result<Object> {
    // SAFETY: called by the interpreter.
    unsafe {
        let [value, start, end] = positional(way.name(), 1, first, count)?;
        let map = call_of(object, way.name());
        // The needle first, as the standard library has it; where numbers run code, its buffer is held meanwhile.
        let needle = Bytes::of(value)?;
        let start = match () {
            () if !is_none(start) => ssize(start)?,
            () if way == Way::Count => 0,
            () => map.position(),
        };
        let end = if is_none(end) { None } else { Some(ssize(end)?) };
        let found = search_for(way, map, value, &needle, start, end)?;
        made(PyLong_FromLongLong(found))
    }
}

/// The offset of a needle that lies whole between `start` and `end` (slice notation), or how many there are; -1: none.
///
/// # Safety
/// As the methods.
pub unsafe fn search(way: Way, map: Call, value: Object, start: Option<i64>, end: Option<i64>) -> Result<i64> {
    // SAFETY: called by the interpreter.
    unsafe {
        let needle = Bytes::of(value)?;
        search_for(way, map, value, &needle, start.unwrap_or(0), end)
    }
}

/// # Safety
/// As the methods; `needle` are the bytes of `value`.
#[inline(always)]
unsafe fn search_for(way: Way, map: Call, value: Object, needle: &Bytes, start: i64, end: Option<i64>) -> Result<i64> {
    // SAFETY: called by the interpreter.
    unsafe {
        let known = map.known_length();
        let last = end.unwrap_or(known).min(known);
        // What is searched already, with the map's length as it was last seen: the library says where it is another one.
        let mut searched = start;
        if start >= 0 && last >= 0 {
            let (from, to) = match way {
                _ if last - start <= LONG => (start, end.unwrap_or(REST)),
                Way::Find => (start, start + LONG),
                // Without an end it is the map's own, which may have moved.
                Way::Rfind if end.is_some_and(|end| end <= known) => (last - LONG, last),
                _ => return search_far(way, map, value, needle, start, start, end),
            };
            match way.call(map, needle, from, to) {
                found @ 0.. => return Ok(found),
                E_NOT_FOUND if last - start <= LONG => return Ok(-1),
                E_NOT_FOUND if way == Way::Find => searched = (to - needle.size + 1).max(start),
                E_NOT_FOUND | E_RANGE => {}
                code => return Err(map.fail(code)),
            }
        }
        search_far(way, map, value, needle, start, searched, end)
    }
}

/// The same with the length of the moment; nothing begins between `start` and `searched`.
///
/// # Safety
/// As `search_for`.
#[cold]
unsafe fn search_far(
    way: Way,
    map: Call,
    value: Object,
    needle: &Bytes,
    start: i64,
    searched: i64,
    end: Option<i64>,
) -> Result<i64> {
    // SAFETY: called by the interpreter.
    unsafe {
        let length = map.length()?;
        let none = if way == Way::Count { 0 } else { -1 };
        if start > length {
            return Ok(none);
        }
        let within = |place: i64| if place < 0 { (place + length).max(0) } else { place.min(length) };
        let (first, last) = (within(start), within(end.unwrap_or(length)));
        if last < first {
            return Ok(none);
        }
        let first = if searched > start { searched.min(last) } else { first };
        if last - first > PIECE {
            return in_pieces(way, map, value, first, last);
        }
        match without_lock(last - first, || way.call(map, needle, first, last)) {
            found @ 0.. => Ok(found),
            E_NOT_FOUND => Ok(-1),
            code => Err(map.fail(code)),
        }
    }
}

/// What the package's own module for that says.
///
/// # Safety
/// As the methods.
unsafe fn in_pieces(way: Way, map: Call, value: Object, first: i64, last: i64) -> Result<i64> {
    let (name, handle) = (way.name().as_ptr(), map.handle);
    // SAFETY: called by the interpreter.
    unsafe {
        let found = made(call(c"mmap_wrap._pieces", c"search_by", c"(sLOLL)", |function, format| {
            PyObject_CallFunction(function, format, name, handle, value, first, last)
        }))?;
        let number = PyLong_AsLongLong(found);
        Py_DecRef(found);
        if number == -1 && !PyErr_Occurred().is_null() { Err(Raised) } else { Ok(number) }
    }
}

pub unsafe extern "C" fn move_(object: Object, first: *mut Object, count: Py_ssize_t) -> Object {
    // SAFETY: called by the interpreter.
    unsafe { or_null(moved(call_of(object, c"move"), first, count)) }
}

/// # Safety
/// As the methods.
unsafe fn moved(map: Call, first: *const Object, count: Py_ssize_t) -> Result<Object> {
    const OUT: &CStr = c"source, destination, or count out of range";
    // SAFETY: called by the interpreter.
    unsafe {
        let [to, from, size] = positional(c"move", 3, first, count)?;
        let (to, from, size) = (ssize(to)?, ssize(from)?, ssize(size)?);
        if map.require_writable().is_err() {
            return Err(crate::object::closed_first(map));
        }
        if size > PIECE {
            return made(call(c"mmap_wrap._pieces", c"move_by", c"(LLLL)", |function, format| {
                PyObject_CallFunction(function, format, map.handle, to, from, size)
            }));
        }
        let done = without_lock(size, || (library().move_)(map.handle, to, from, size));
        if done < 0 {
            return Err(map.fail_as_standard(done, OUT, c""));
        }
        Ok(crate::exceptions::none())
    }
}
