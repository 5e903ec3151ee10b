//! `find`, `rfind` and `count`.
//!
//! Most matches are close to the start: the first bytes are searched with the GIL held, in one call. The rest of a large map is
//! searched with the GIL released, and in pieces, between which signal handlers run.

use crate::arguments::{Bytes, is_none, positional, ssize};
use crate::exceptions::{Object, Raised, Result, call, made, or_null};
use crate::gil::{LONG, PIECE, without_gil};
use crate::header::{E_NOT_FOUND, E_RANGE, REST};
use crate::library::library;
use crate::object::{Call, call_of};
use pyo3_ffi::*;
use std::ffi::CStr;

#[derive(Clone, Copy, PartialEq)]
pub enum Operation {
    Find,
    Rfind,
    Count,
}

impl Operation {
    fn name(self) -> &'static CStr {
        match self {
            Operation::Find => c"find",
            Operation::Rfind => c"rfind",
            Operation::Count => c"count",
        }
    }

    /// # Safety
    /// The needle is readable and does not change.
    #[inline(always)]
    unsafe fn call(self, map: Call, needle: &Bytes, start: i64, end: i64) -> i64 {
        let function = match self {
            Operation::Find => library().find,
            Operation::Rfind => library().rfind,
            Operation::Count => library().count,
        };
        // SAFETY: as the caller promises.
        unsafe { function(map.handle, needle.start.cast(), needle.size, start, end) }
    }
}

pub unsafe extern "C" fn find(object: Object, first: *mut Object, count: Py_ssize_t) -> Object {
    // SAFETY: called by the interpreter.
    unsafe { or_null(method(Operation::Find, object, first, count)) }
}

pub unsafe extern "C" fn rfind(object: Object, first: *mut Object, count: Py_ssize_t) -> Object {
    // SAFETY: called by the interpreter.
    unsafe { or_null(method(Operation::Rfind, object, first, count)) }
}

pub unsafe extern "C" fn count(object: Object, first: *mut Object, count: Py_ssize_t) -> Object {
    // SAFETY: called by the interpreter.
    unsafe { or_null(method(Operation::Count, object, first, count)) }
}

/// # Safety
/// As the methods.
#[inline(always)]
unsafe fn method(operation: Operation, object: Object, first: *const Object, count: Py_ssize_t) -> Result<Object> {
    // SAFETY: called by the interpreter.
    unsafe {
        let [value, start, end] = positional(operation.name(), 1, first, count)?;
        let map = call_of(object, operation.name());
        // The needle is converted first, as in the standard library. Converting the numbers can run code; its buffer is held then.
        let needle = Bytes::from_object(value)?;
        let start = match () {
            () if !is_none(start) => ssize(start)?,
            () if operation == Operation::Count => 0,
            () => map.position(),
        };
        let end = if is_none(end) { None } else { Some(ssize(end)?) };
        let found = search_for(operation, map, value, &needle, start, end)?;
        made(PyLong_FromLongLong(found))
    }
}

/// The offset of a match that is entirely between `start` and `end` (slice notation), or the number of matches; -1 if none.
///
/// # Safety
/// As the methods.
pub unsafe fn search(operation: Operation, map: Call, value: Object, start: Option<i64>, end: Option<i64>) -> Result<i64> {
    // SAFETY: called by the interpreter.
    unsafe {
        let needle = Bytes::from_object(value)?;
        search_for(operation, map, value, &needle, start.unwrap_or(0), end)
    }
}

/// # Safety
/// As the methods; `needle` are the bytes of `value`.
#[inline(always)]
unsafe fn search_for(
    operation: Operation,
    map: Call,
    value: Object,
    needle: &Bytes,
    start: i64,
    end: Option<i64>,
) -> Result<i64> {
    // SAFETY: called by the interpreter.
    unsafe {
        let known = map.known_length();
        let last = end.unwrap_or(known).min(known);
        // No match begins before this offset. The first search uses the known length; the library reports if it is outdated.
        let mut searched = start;
        if start >= 0 && last >= 0 {
            let (from, to) = match operation {
                _ if last - start <= LONG => (start, end.unwrap_or(REST)),
                Operation::Find => (start, start + LONG),
                // Without `end`, the search starts at the end of the map, which may differ from the known length.
                Operation::Rfind if end.is_some_and(|end| end <= known) => (last - LONG, last),
                _ => return search_far(operation, map, value, needle, start, start, end),
            };
            match operation.call(map, needle, from, to) {
                found @ 0.. => return Ok(found),
                E_NOT_FOUND if last - start <= LONG => return Ok(-1),
                E_NOT_FOUND if operation == Operation::Find => searched = (to - needle.size + 1).max(start),
                E_NOT_FOUND | E_RANGE => {}
                code => return Err(map.fail(code)),
            }
        }
        search_far(operation, map, value, needle, start, searched, end)
    }
}

/// The same with the current length; no match begins between `start` and `searched`.
///
/// # Safety
/// As `search_for`.
#[cold]
unsafe fn search_far(
    operation: Operation,
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
        let none = if operation == Operation::Count { 0 } else { -1 };
        if start > length {
            return Ok(none);
        }
        let clamped = |bound: i64| if bound < 0 { (bound + length).max(0) } else { bound.min(length) };
        let (first, last) = (clamped(start), clamped(end.unwrap_or(length)));
        if last < first {
            return Ok(none);
        }
        let first = if searched > start { searched.min(last) } else { first };
        if last - first > PIECE {
            return in_pieces(operation, map, value, first, last);
        }
        match without_gil(last - first, || operation.call(map, needle, first, last)) {
            found @ 0.. => Ok(found),
            E_NOT_FOUND => Ok(-1),
            code => Err(map.fail(code)),
        }
    }
}

/// Searches a large range with the package's module `_pieces`.
///
/// # Safety
/// As the methods.
unsafe fn in_pieces(operation: Operation, map: Call, value: Object, first: i64, last: i64) -> Result<i64> {
    let (name, handle) = (operation.name().as_ptr(), map.handle);
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
        let done = without_gil(size, || (library().move_)(map.handle, to, from, size));
        if done < 0 {
            return Err(map.fail_as_standard(done, OUT, c""));
        }
        Ok(crate::exceptions::none())
    }
}
