//! Residency
//!
//! Which pages are in memory: locking them there, querying them, reading them in. A range applies to every page that holds a
//! byte of it; pages have the size that mmap_wrap_info reports. All can return MMAP_WRAP_E_HANDLE, MMAP_WRAP_E_UNMAPPED,
//! MMAP_WRAP_E_RANGE, and MMAP_WRAP_E_UNSUPPORTED if the system lacks the call.

use super::boundary::{boundary, length_result, room_for};
use super::mapping::mmap_wrap_handle;
use crate::mapping::{lock_all, unlock_all};
use crate::registry::{self, pin};

/// Locks the pages of the range into memory. With flags 0 they are read in now; with MLOCK_ONFAULT (Linux 4.4) pages that are
/// not in memory are locked when they are first accessed. Locks do not nest: one munlock_wrap removes them.
///
/// Returns 0. Errors: -ENOMEM above RLIMIT_MEMLOCK, or if a page cannot be read; -EPERM if the process may not lock memory;
/// -EAGAIN if a page could not be read in; MMAP_WRAP_E_ARGUMENT for unknown flags.
///
/// ```c
/// if (mlock_wrap(h, 0, 0, MMAP_WRAP_REST) < 0) puts(mmap_wrap_last_error_message());
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mlock_wrap(h: mmap_wrap_handle, flags: i64, offset: i64, size: i64) -> i64 {
    boundary("mlock_wrap", || pin(h)?.lock(flags, offset, size).map(|()| 0))
}

/// Unlocks the pages of the range, however often they were locked. Returns 0.
///
/// ```c
/// munlock_wrap(h, 0, MMAP_WRAP_REST);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn munlock_wrap(h: mmap_wrap_handle, offset: i64, size: i64) -> i64 {
    boundary("munlock_wrap", || pin(h)?.unlock(offset, size).map(|()| 0))
}

/// Locks all memory of the process, also memory that this library did not map: mlockall(2). flags: MCL_CURRENT (existing
/// mappings), MCL_FUTURE (future mappings), or both; with MCL_ONFAULT each page when it is first accessed.
///
/// Returns 0. Errors: -ENOMEM and -EPERM as for mlock_wrap (with MCL_FUTURE, later calls that map memory can fail with
/// -EAGAIN); -EINVAL, MMAP_WRAP_E_ARGUMENT for invalid flags; MMAP_WRAP_E_UNSUPPORTED.
///
/// ```c
/// if (mlockall_wrap(MCL_CURRENT | MCL_FUTURE) < 0) puts(mmap_wrap_last_error_message());
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mlockall_wrap(flags: i64) -> i64 {
    boundary("mlockall_wrap", || lock_all(flags).map(|()| 0))
}

/// Unlocks all memory of the process, and ends MCL_FUTURE: munlockall(2). Returns 0.
///
/// ```c
/// munlockall_wrap();
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn munlockall_wrap() -> i64 {
    boundary("munlockall_wrap", || unlock_all().map(|()| 0))
}

/// Writes one byte for each page of the range to pages, an array of capacity bytes: 1 if the page is in memory, 0 if not.
/// Returns the number of pages of the range. Bytes beyond those are not changed. The result can be out of date at any moment.
///
/// For a file, "in memory" means in the page cache. Linux reports all pages as being in memory to a process that neither owns
/// the file nor may write it (Linux 5.2, commit 134fca9063ad).
///
/// Errors: MMAP_WRAP_E_RANGE if capacity is too small, in which case nothing is written; MMAP_WRAP_E_ARGUMENT if pages is NULL
/// and capacity is not 0; -ENOMEM if a part was unmapped without this library, in which case the bytes are meaningless.
///
/// ```c
/// unsigned char pages[16];
/// int64_t count = mincore_wrap(h, pages, sizeof pages, 0, 10000);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mincore_wrap(h: mmap_wrap_handle, pages: *mut u8, capacity: i64, offset: i64, size: i64) -> i64 {
    boundary("mincore_wrap", || pin(h)?.mincore(room_for(pages, capacity)?, offset, size).map(length_result))
}

/// Returns how many bytes of the range's pages are in memory, a multiple of the page size. See mincore_wrap.
///
/// ```c
/// int64_t bytes = mmap_wrap_resident_bytes(h, 0, MMAP_WRAP_REST);
/// printf("%lld bytes are in memory\n", (long long)bytes);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_resident_bytes(h: mmap_wrap_handle, offset: i64, size: i64) -> i64 {
    boundary("mmap_wrap_resident_bytes", || pin(h)?.resident_bytes(offset, size).map(length_result))
}

/// Populates the pages of the range for reading (writing = 0) or writing (writing = 1), so that later accesses cause no page
/// fault. Contents are not changed, also if other threads write at the same time. Before Linux 5.14 (MADV_POPULATE_READ,
/// MADV_POPULATE_WRITE) each page is accessed in turn.
///
/// Returns the size of the range in bytes. MMAP_WRAP_E_FAULT if a page cannot be populated: mmap_wrap_fault_done() is the
/// number of bytes before it.
///
/// ```c
/// mmap_wrap_prefault(h, 1, 0, MMAP_WRAP_REST);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_prefault(h: mmap_wrap_handle, writing: i64, offset: i64, size: i64) -> i64 {
    boundary("mmap_wrap_prefault", || {
        registry::with(h, |mapping| mapping.prefault(writing != 0, offset, size)).map(length_result)
    })
}
