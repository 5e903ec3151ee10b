//! Reading, writing, searching
//!
//! Every call checks its range first and accesses nothing if the range is not inside the mapping. If an access faults (see
//! Faults), the call returns MMAP_WRAP_E_FAULT; the message has the number of bytes processed before the fault, and the cause.
//!
//! Buffers belong to the caller, have at least size bytes, do not overlap the mapping, and may be NULL if size is 0.
//! MMAP_WRAP_REST is accepted as the size of fill, move, copy and compare, and as the end of find, rfind and count; not as the
//! size of a buffer.
//!
//! All can return MMAP_WRAP_E_HANDLE, MMAP_WRAP_E_UNMAPPED, MMAP_WRAP_E_RANGE, MMAP_WRAP_E_FAULT, MMAP_WRAP_E_ARGUMENT if a
//! buffer is NULL and its size is not 0, and -EFAULT if a buffer of the caller cannot be accessed.
//!
//! If several threads or processes change the same bytes at the same time, the result is unspecified.

use super::boundary::{boundary, bytes_in, length_result, room_for};
use super::mapping::mmap_wrap_handle;
use crate::error::Side;
use crate::mapping::Mapping;
use crate::registry::{pin, with, with_both};
use std::ffi::c_void;

/// Validates a range without accessing memory: size bytes, or MMAP_WRAP_REST, from offset on. Returns its size in bytes.
/// Reports a pending loss, as every call does that uses the mapping.
///
/// ```c
/// if (mmap_wrap_check(h, 16, 4) == 4) puts("bytes 16 to 19 are there");
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_check(h: mmap_wrap_handle, offset: i64, size: i64) -> i64 {
    boundary("mmap_wrap_check", || Ok(length_result(pin(h)?.check(offset, size)?)))
}

/// Copies size bytes from offset on into the buffer. Returns size.
///
/// ```c
/// uint32_t word;
/// mmap_wrap_read(h, 16, &word, sizeof word);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_read(h: mmap_wrap_handle, offset: i64, to: *mut c_void, size: i64) -> i64 {
    boundary("mmap_wrap_read", || with(h, |mapping| mapping.read(offset, room_for(to.cast(), size)?).map(|()| size)))
}

/// Copies size bytes from the buffer into the mapping, from offset on. Returns size.
///
/// ```c
/// mmap_wrap_write(h, 0, "magic", 5);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_write(h: mmap_wrap_handle, offset: i64, from: *const c_void, size: i64) -> i64 {
    boundary("mmap_wrap_write", || with(h, |mapping| mapping.write(offset, bytes_in(from.cast(), size)?).map(|()| size)))
}

/// Sets size bytes, or MMAP_WRAP_REST, from offset on to the value byte (0 to 255). Returns the number of bytes.
///
/// ```c
/// mmap_wrap_fill(h, 0, 0, MMAP_WRAP_REST);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_fill(h: mmap_wrap_handle, offset: i64, byte: i64, size: i64) -> i64 {
    boundary("mmap_wrap_fill", || with(h, |mapping| mapping.fill(offset, byte, size).map(length_result)))
}

/// Copies size bytes, or MMAP_WRAP_REST, from offset from to offset to; the ranges may overlap. Returns the number of bytes. If
/// to lies inside the source range, copying starts at the end: after MMAP_WRAP_E_FAULT, mmap_wrap_fault_done then counts bytes
/// from the end of the range.
///
/// ```c
/// mmap_wrap_move(h, 0, 4096, 100);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_move(h: mmap_wrap_handle, to: i64, from: i64, size: i64) -> i64 {
    boundary("mmap_wrap_move", || with(h, |mapping| mapping.copy_within(to, from, size).map(length_result)))
}

/// Copies size bytes, or MMAP_WRAP_REST (up to the end of h_from), from offset from of h_from to offset to of h_to. Returns the
/// number of bytes. If both handles are the same, it does what mmap_wrap_move does. If both mappings have the same bytes of a
/// file and the ranges overlap there, the result is unspecified.
///
/// The message of an error names the mapping: "the mapping copied to" or "the mapping copied from". After MMAP_WRAP_E_FAULT,
/// mmap_wrap_fault_address is an address in it.
///
/// ```c
/// mmap_wrap_copy(backup, 0, h, 0, MMAP_WRAP_REST);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_copy(h_to: mmap_wrap_handle, to: i64, h_from: mmap_wrap_handle, from: i64, size: i64) -> i64 {
    boundary("mmap_wrap_copy", || {
        let copy = |target: &Mapping, source: &Mapping| target.copy_from(to, source, from, size);
        with_both((h_to, Side::Target), (h_from, Side::Source), &copy).map(length_result)
    })
}

/// Compares size bytes, or MMAP_WRAP_REST (up to the end of h1), from offset1 of h1 with those from offset2 of h2. Returns how
/// many bytes are equal from the start on: size if all are. If the first difference lies before the byte that faults, the call
/// succeeds. The message of a fault names the mapping.
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
        with_both((h1, Side::First), (h2, Side::Second), &compare).map(length_result)
    })
}

/// Returns the offset of the first occurrence of the needle that lies completely between start and end (exclusive; or
/// MMAP_WRAP_REST). The offset is from the start of the mapping. Errors: MMAP_WRAP_E_NOT_FOUND; MMAP_WRAP_E_RANGE, also if end
/// is less than start. An empty needle is found at start.
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
    boundary("mmap_wrap_find", || {
        with(h, |mapping| mapping.find(bytes_in(needle.cast(), needle_len)?, start, end).map(length_result))
    })
}

/// Returns the offset of the last occurrence; otherwise as mmap_wrap_find. An empty needle is found at end.
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
    boundary("mmap_wrap_rfind", || {
        with(h, |mapping| mapping.rfind(bytes_in(needle.cast(), needle_len)?, start, end).map(length_result))
    })
}

/// Returns the number of non-overlapping occurrences of the needle between start and end (exclusive; or MMAP_WRAP_REST),
/// counted from the left. For an empty needle that is end - start + 1.
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
    boundary("mmap_wrap_count", || {
        with(h, |mapping| mapping.count(bytes_in(needle.cast(), needle_len)?, start, end).map(length_result))
    })
}
