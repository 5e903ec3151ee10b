//! Reading, writing, searching
//!
//! Checked access: all of the range or an error, and nothing is accessed if it is not inside the mapping. An access that
//! faults (see Faults) is MMAP_WRAP_E_FAULT, and the message says after how many bytes and why; those were done.
//! -EFAULT: the caller's own buffer or needle cannot be accessed. Buffers are the caller's, hold at least size bytes, do not
//! overlap the mapping, and may be NULL where size is 0. Also common to all: MMAP_WRAP_E_HANDLE, MMAP_WRAP_E_UNMAPPED,
//! MMAP_WRAP_E_RANGE, and MMAP_WRAP_E_ARGUMENT for a NULL buffer with a size. MMAP_WRAP_REST stands for a size of fill,
//! move, copy and compare, and for an end of find and count; a buffer's size is always given.
//!
//! Threads and processes that change the same bytes at the same time see each other's changes in no set order.

use super::boundary::{answer, boundary, bytes_in, room_for};
use super::mapping::mmap_wrap_handle;
use crate::error::Side;
use crate::mapping::Mapping;
use crate::registry::{pin, with, with_both};
use std::ffi::c_void;

/// Validates the range of size bytes (or MMAP_WRAP_REST) from offset on without accessing memory. Returns how many bytes it
/// has. A pending loss is reported, as by all calls that use the mapping.
///
/// ```c
/// if (mmap_wrap_check(h, 16, 4) == 4) puts("bytes 16 to 19 are there");
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_check(h: mmap_wrap_handle, offset: i64, size: i64) -> i64 {
    boundary("mmap_wrap_check", || Ok(answer(pin(h)?.check(offset, size)?)))
}

/// Copies size bytes from offset on to the buffer. Returns size.
///
/// ```c
/// uint32_t word;
/// mmap_wrap_read(h, 16, &word, sizeof word);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_read(h: mmap_wrap_handle, offset: i64, to: *mut c_void, size: i64) -> i64 {
    boundary("mmap_wrap_read", || with(h, |mapping| mapping.read(offset, room_for(to.cast(), size)?).map(|()| size)))
}

/// Copies size bytes from the buffer over those from offset on. Returns size.
///
/// ```c
/// mmap_wrap_write(h, 0, "magic", 5);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_write(h: mmap_wrap_handle, offset: i64, from: *const c_void, size: i64) -> i64 {
    boundary("mmap_wrap_write", || with(h, |mapping| mapping.write(offset, bytes_in(from.cast(), size)?).map(|()| size)))
}

/// Sets size bytes (or MMAP_WRAP_REST) from offset on to byte, 0 to 255. Returns how many.
///
/// ```c
/// mmap_wrap_fill(h, 0, 0, MMAP_WRAP_REST);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_fill(h: mmap_wrap_handle, offset: i64, byte: i64, size: i64) -> i64 {
    boundary("mmap_wrap_fill", || with(h, |mapping| mapping.fill(offset, byte, size).map(answer)))
}

/// Copies size bytes (or MMAP_WRAP_REST) from offset from to offset to; the two may overlap. Returns how many. In an
/// overlap upwards the last bytes go first: after MMAP_WRAP_E_FAULT the bytes done are then the last ones.
///
/// ```c
/// mmap_wrap_move(h, 0, 4096, 100);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_move(h: mmap_wrap_handle, to: i64, from: i64, size: i64) -> i64 {
    boundary("mmap_wrap_move", || with(h, |mapping| mapping.copy_within(to, from, size).map(answer)))
}

/// Copies size bytes (or MMAP_WRAP_REST: to the end of the second mapping) from offset from of the mapping h_from to
/// offset to of h_to. Returns how many. With the same handle twice it is mmap_wrap_move. Where both have the same bytes of
/// a file, and the two ranges overlap there, what comes out is in no set order.
///
/// The message says of which mapping a failure speaks; after MMAP_WRAP_E_FAULT mmap_wrap_fault_address does, too.
///
/// ```c
/// mmap_wrap_copy(backup, 0, h, 0, MMAP_WRAP_REST);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_copy(h_to: mmap_wrap_handle, to: i64, h_from: mmap_wrap_handle, from: i64, size: i64) -> i64 {
    boundary("mmap_wrap_copy", || {
        let copy = |target: &Mapping, source: &Mapping| target.copy_from(to, source, from, size);
        with_both((h_to, Side::Target), (h_from, Side::Source), &copy).map(answer)
    })
}

/// Compares size bytes (or MMAP_WRAP_REST: to the end of the mapping h1) from offset1 of h1 on with as many from offset2
/// of h2 on. Returns how many from the start on are equal: size where all are. A difference before the first
/// byte that faults is a result, not an error. The message says in which mapping an access faulted.
///
/// ```c
/// if (mmap_wrap_compare(h1, 0, h2, 0, MMAP_WRAP_REST) == mmap_wrap_length(h1))
///     puts("h2 begins with all of h1");
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_compare(
    h1: mmap_wrap_handle,
    offset1: i64,
    h2: mmap_wrap_handle,
    offset2: i64,
    size: i64,
) -> i64 {
    boundary("mmap_wrap_compare", || {
        let compare = |first: &Mapping, second: &Mapping| first.compare(offset1, second, offset2, size);
        with_both((h1, Side::First), (h2, Side::Second), &compare).map(answer)
    })
}

/// The offset of the first needle that lies whole within start up to, not including, end (or MMAP_WRAP_REST), counted
/// from the mapping's start; MMAP_WRAP_E_NOT_FOUND where there is none. An empty needle is found at start.
/// MMAP_WRAP_E_RANGE: also where end lies before start.
///
/// ```c
/// int64_t at = mmap_wrap_find(h, "\n", 1, 0, MMAP_WRAP_REST);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_find(
    h: mmap_wrap_handle,
    needle: *const c_void,
    needle_len: i64,
    start: i64,
    end: i64,
) -> i64 {
    boundary("mmap_wrap_find", || with(h, |mapping| mapping.find(bytes_in(needle.cast(), needle_len)?, start, end).map(answer)))
}

/// The same for the last needle. An empty one is found at end.
///
/// ```c
/// int64_t at = mmap_wrap_rfind(h, "\n", 1, 0, MMAP_WRAP_REST);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_rfind(
    h: mmap_wrap_handle,
    needle: *const c_void,
    needle_len: i64,
    start: i64,
    end: i64,
) -> i64 {
    boundary("mmap_wrap_rfind", || with(h, |mapping| mapping.rfind(bytes_in(needle.cast(), needle_len)?, start, end).map(answer)))
}

/// How many needles, none overlapping another, lie whole within start up to, not including, end (or MMAP_WRAP_REST),
/// counted from the left. An empty needle counts end - start + 1.
///
/// ```c
/// int64_t lines = mmap_wrap_count(h, "\n", 1, 0, MMAP_WRAP_REST);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_count(
    h: mmap_wrap_handle,
    needle: *const c_void,
    needle_len: i64,
    start: i64,
    end: i64,
) -> i64 {
    boundary("mmap_wrap_count", || with(h, |mapping| mapping.count(bytes_in(needle.cast(), needle_len)?, start, end).map(answer)))
}
