//! Methods for the pages and the file: `flush`, `madvise`, `resize`, `size`.

use crate::arguments::{int, int64, named, positional, ssize, ssize_if_given};
use crate::exceptions::{Object, Raised, Result, call, fail_as_standard, made, none, or_null, raise, raised_by};
use crate::gil::without_gil;
use crate::header::{ALLOCATE, E_ARGUMENT, E_RANGE, E_UNSUPPORTED, Info, REST, SOURCE_SHARED_MEMORY, WITH_FILE};
use crate::library::{library, page_size};
use crate::object::{ACCESS, ACCESS_COPY, ACCESS_READ, Call, UNTRACKED, call_of};
use crate::system;
use pyo3_ffi::*;
use std::ffi::CStr;
use std::ptr::null_mut;

/// Runs a system call that may take long, with the GIL released.
///
/// # Safety
/// The GIL is held, and `body` does not access Python objects.
unsafe fn unlocked<T>(body: impl FnOnce() -> T) -> T {
    // SAFETY: as the caller promises.
    unsafe { without_gil(i64::MAX, body) }
}

/// `flush(offset=0, size=None, /, *, flags=MS_SYNC)`
pub unsafe extern "C" fn flush(object: Object, first: *const Object, count: Py_ssize_t, names: Object) -> Object {
    // SAFETY: called by the interpreter.
    unsafe { or_null(flushed(call_of(object, c"flush"), (first, count, names))) }
}

/// # Safety
/// As the methods.
unsafe fn flushed(map: Call, arguments: (*const Object, Py_ssize_t, Object)) -> Result<Object> {
    const BEYOND: &CStr = c"flush values out of range";
    // SAFETY: called by the interpreter.
    unsafe {
        let [offset, size, flags] = named(c"flush", [c"", c"", c"flags"], 2, 0, arguments)?;
        let start = if offset.is_null() { 0 } else { ssize(offset)? };
        // From 3.15 on, -1 means the rest in the standard library.
        let size = ssize_if_given(size)?.filter(|size| *size != -1).unwrap_or(REST);
        let flags = if flags.is_null() { system::MS_SYNC.into() } else { int64(flags)? };
        // On Windows the offset need not be aligned.
        let is_aligned = cfg!(windows) || start & (page_size() - 1) == 0;
        if !is_aligned && !matches!(map.access() & ACCESS, ACCESS_READ | ACCESS_COPY) {
            let checked = (library().check)(map.handle, start, size);
            if checked < 0 {
                return Err(map.fail_as_standard(checked, BEYOND, c""));
            }
            // The library would round the offset down.
            let raising = |function, format| PyObject_CallFunction(function, format, start);
            return Err(raised_by(call(c"mmap_wrap._standard", c"flush_unaligned", c"(L)", raising)));
        }
        let done = unlocked(|| (library().sync)(map.handle, flags, start, size));
        if done < 0 { Err(map.fail_as_standard(done, BEYOND, c"")) } else { Ok(none()) }
    }
}

/// `madvise(option, start=0, length=None)`
pub unsafe extern "C" fn madvise(object: Object, first: *mut Object, count: Py_ssize_t) -> Object {
    // SAFETY: called by the interpreter.
    unsafe { or_null(advised(call_of(object, c"madvise"), first, count)) }
}

/// # Safety
/// As the methods.
unsafe fn advised(map: Call, first: *const Object, count: Py_ssize_t) -> Result<Object> {
    const OUT: &CStr = c"madvise start out of bounds";
    const MOST: i64 = isize::MAX as i64;
    // SAFETY: called by the interpreter.
    unsafe {
        let [option, start, length] = positional(c"madvise", 1, first, count)?;
        let (option, start) = (int(option)?, if start.is_null() { 0 } else { ssize(start)? });
        let size = ssize_if_given(length)?.unwrap_or(MOST - start.max(0));
        let limit = map.length()?;
        // These checks and messages are the standard library's; all others are the native library's.
        if !(0..limit).contains(&start) {
            return Err(raise(PyExc_ValueError, OUT));
        }
        if size < 0 {
            return Err(raise(PyExc_ValueError, c"madvise length invalid"));
        }
        if size > MOST - start {
            return Err(raise(PyExc_OverflowError, c"madvise length too large"));
        }
        let done = unlocked(|| (library().advise)(map.handle, option.into(), start, size.min(limit - start)));
        if done < 0 { Err(map.fail_as_standard(done, OUT, c"")) } else { Ok(none()) }
    }
}

/// The attributes of the map.
///
/// # Safety
/// The GIL is held.
pub unsafe fn info(map: Call) -> Result<Info> {
    let mut info = Info::default();
    // SAFETY: the struct has this size.
    let done = unsafe { (library().info)(map.handle, &raw mut info, size_of::<Info>() as i64) };
    // SAFETY: as the caller promises.
    if done < 0 { Err(unsafe { map.fail(done) }) } else { Ok(info) }
}

/// `resize(newsize, /, *, allocate=False)`
pub unsafe extern "C" fn resize(object: Object, first: *const Object, count: Py_ssize_t, names: Object) -> Object {
    // SAFETY: called by the interpreter.
    unsafe { or_null(resized(call_of(object, c"resize"), (first, count, names))) }
}

/// # Safety
/// As the methods.
unsafe fn resized(map: Call, arguments: (*const Object, Py_ssize_t, Object)) -> Result<Object> {
    const BUSY: &CStr = c"mmap can't resize with extant buffers exported.";
    // SAFETY: called by the interpreter.
    unsafe {
        let [size, allocate] = named(c"resize", [c"", c"allocate"], 1, 1, arguments)?;
        let (size, allocates) = (ssize(size)?, if allocate.is_null() { 0 } else { PyObject_IsTrue(allocate) });
        if allocates < 0 {
            return Err(Raised);
        }
        let length = map.length()?;
        let info = info(map)?;
        if info.acquired != 0 {
            return Err(raise(PyExc_BufferError, BUSY));
        }
        if map.access() & UNTRACKED != 0 {
            return Err(raise(PyExc_ValueError, c"mmap can't resize with trackfd=False."));
        }
        if matches!(map.access() & ACCESS, ACCESS_READ | ACCESS_COPY) {
            return Err(raise(PyExc_TypeError, c"mmap can't resize a readonly or copy-on-write memory map."));
        }
        if size < 0 || isize::MAX as i64 - size < info.offset {
            return Err(raise(PyExc_ValueError, c"new size out of range"));
        }
        let is_anonymous = info.flags & i64::from(system::MAP_ANONYMOUS) != 0;
        let grows = info.flags & i64::from(system::MAP_SHARED) != 0 && size > length;
        // Without a file, allocating is an error of the library.
        let with_file = if allocates != 0 { ALLOCATE } else { info.keeps_file * WITH_FILE };
        // Shared memory without a file cannot grow, but the library would let it grow within its last page. If the library
        // returns E_UNSUPPORTED, another thread has resized it meanwhile.
        let flags = i64::from(system::MREMAP_MAYMOVE);
        let remap = || (library().remap)(map.handle, size, flags, null_mut(), with_file);
        let done = if is_anonymous && grows { E_UNSUPPORTED } else { unlocked(remap) };
        if is_anonymous && (grows || done == E_UNSUPPORTED) {
            let message = if Py_Version >= 0x030e_0000 {
                c"mmap: can't expand a shared anonymous mapping"
            } else {
                c"mmap: can't expand a shared anonymous mapping on Linux"
            };
            return Err(raise(PyExc_ValueError, message));
        }
        if done < 0 {
            // Beyond the address space: the system's errors for a file and for memory of that size.
            let errno = if info.keeps_file != 0 { libc::EFBIG } else { libc::ENOMEM };
            let code = if done == E_RANGE { -i64::from(errno) } else { done };
            return Err(fail_as_standard(map.method, code, c"", BUSY, done));
        }
        map.length()?;
        Ok(none())
    }
}

/// `size()`
pub unsafe extern "C" fn size(object: Object, _: Object) -> Object {
    // SAFETY: called by the interpreter.
    unsafe { or_null(file_size(call_of(object, c"size"))) }
}

/// # Safety
/// As the methods.
unsafe fn file_size(map: Call) -> Result<Object> {
    // SAFETY: called by the interpreter.
    unsafe {
        let length = map.length()?;
        if map.access() & UNTRACKED != 0 {
            let raising = |function, _| PyObject_CallNoArgs(function);
            return Err(raised_by(call(c"mmap_wrap._standard", c"no_file_size", c"", raising)));
        }
        if cfg!(windows) && info(map)?.source == SOURCE_SHARED_MEMORY {
            // The system has only its size in whole pages.
            return made(PyLong_FromLongLong(length));
        }
        let size = match (library().file_size)(map.handle) {
            E_ARGUMENT => length,
            code @ ..0 => return Err(map.fail_as_standard(code, c"", c"")),
            size => size,
        };
        made(PyLong_FromLongLong(size))
    }
}
