//! Reading, writing, searching
//!
//! Checked access: all of the range or an error, and nothing is touched if it is not inside the mapping. Memory that
//! refuses (see Faults) answers MMAP_WRAP_E_FAULT, and the message says after how many bytes and why; those were done.
//! -EFAULT is the caller's own buffer refusing. Buffers are the caller's, hold at least size bytes, do not overlap the
//! mapping, and may be NULL where size is 0. Also common to
//! all: MMAP_WRAP_E_HANDLE, MMAP_WRAP_E_UNMAPPED, MMAP_WRAP_E_RANGE, and MMAP_WRAP_E_ARGUMENT for a NULL buffer with a
//! size. MMAP_WRAP_REST stands for a size of fill and move and for an end of find; a buffer's size is always given.
//!
//! Threads and processes that change the same bytes at the same time see each other's changes in no set order.

use super::boundary::{answer, boundary, bytes_in, room_for};
use super::map::mmap_wrap_handle;
use crate::registry::with;
use std::ffi::c_void;

/// Copies size bytes from offset on to the buffer. Returns size.
///
/// ```c
/// uint32_t word;
/// mmap_wrap_read(h, 16, &word, sizeof word);
/// ```
#[unsafe(no_mangle)]
pub extern "C" fn mmap_wrap_read(h: mmap_wrap_handle, offset: i64, to: *mut c_void, size: i64) -> i64 {
    boundary("mmap_wrap_read", || with(h, |mapping| mapping.read(offset, room_for(to.cast(), size)?).map(|()| size)))
}

/// Copies size bytes from the buffer over those from offset on. Returns size.
///
/// ```c
/// mmap_wrap_write(h, 0, "magic", 5);
/// ```
#[unsafe(no_mangle)]
pub extern "C" fn mmap_wrap_write(h: mmap_wrap_handle, offset: i64, from: *const c_void, size: i64) -> i64 {
    boundary("mmap_wrap_write", || with(h, |mapping| mapping.write(offset, bytes_in(from.cast(), size)?).map(|()| size)))
}

/// Sets size bytes (or MMAP_WRAP_REST) from offset on to byte, 0 to 255. Returns how many.
///
/// ```c
/// mmap_wrap_fill(h, 0, 0, MMAP_WRAP_REST);
/// ```
#[unsafe(no_mangle)]
pub extern "C" fn mmap_wrap_fill(h: mmap_wrap_handle, offset: i64, byte: i64, size: i64) -> i64 {
    boundary("mmap_wrap_fill", || with(h, |mapping| mapping.fill(offset, byte, size).map(answer)))
}

/// Copies size bytes (or MMAP_WRAP_REST) from offset from to offset to; the two may overlap. Returns how many. In an
/// overlap upwards the last bytes go first: after MMAP_WRAP_E_FAULT the bytes done are then the last ones.
///
/// ```c
/// mmap_wrap_move(h, 0, 4096, 100);
/// ```
#[unsafe(no_mangle)]
pub extern "C" fn mmap_wrap_move(h: mmap_wrap_handle, to: i64, from: i64, size: i64) -> i64 {
    boundary("mmap_wrap_move", || with(h, |mapping| mapping.copy_within(to, from, size).map(answer)))
}

/// The offset of the first needle that lies whole within start up to, not including, end (or MMAP_WRAP_REST), counted
/// from the mapping's start; MMAP_WRAP_E_NOT_FOUND where there is none. An empty needle is found at start.
/// MMAP_WRAP_E_RANGE: also where end lies before start.
///
/// ```c
/// int64_t at = mmap_wrap_find(h, "\n", 1, 0, MMAP_WRAP_REST);
/// ```
#[unsafe(no_mangle)]
pub extern "C" fn mmap_wrap_find(h: mmap_wrap_handle, needle: *const c_void, needle_len: i64, start: i64, end: i64) -> i64 {
    boundary("mmap_wrap_find", || with(h, |mapping| mapping.find(bytes_in(needle.cast(), needle_len)?, start, end).map(answer)))
}

/// The same for the last needle. An empty one is found at end.
///
/// ```c
/// int64_t at = mmap_wrap_rfind(h, "\n", 1, 0, MMAP_WRAP_REST);
/// ```
#[unsafe(no_mangle)]
pub extern "C" fn mmap_wrap_rfind(h: mmap_wrap_handle, needle: *const c_void, needle_len: i64, start: i64, end: i64) -> i64 {
    boundary("mmap_wrap_rfind", || with(h, |mapping| mapping.rfind(bytes_in(needle.cast(), needle_len)?, start, end).map(answer)))
}
