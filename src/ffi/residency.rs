//! Residency
//!
//! Which pages are in memory: locking them there, querying them, reading them in. A range counts every page that holds a
//! byte of it; pages have the mapping's own size (mmap_wrap_info). Every function can also return MMAP_WRAP_E_HANDLE,
//! MMAP_WRAP_E_UNMAPPED, MMAP_WRAP_E_RANGE, and MMAP_WRAP_E_UNSUPPORTED where the kernel lacks the call.

use super::boundary::{answer, boundary, room_for};
use super::mapping::mmap_wrap_handle;
use crate::mapping::{lock_all, unlock_all};
use crate::registry::{self, pin};

/// Keeps the pages of the range in memory, reading them in (flags 0), or, with MLOCK_ONFAULT (Linux 4.4), those that
/// are there at once and each other one when it is first touched. Locks do not add up: one munlock_wrap undoes them.
///
/// Returns 0. -ENOMEM: more than RLIMIT_MEMLOCK, or a page that cannot be read. -EPERM: this process may lock
/// nothing. -EAGAIN: a page could not be read in. MMAP_WRAP_E_ARGUMENT: unknown flags.
///
/// ```c
/// if (mlock_wrap(h, 0, 0, MMAP_WRAP_REST) < 0) puts(mmap_wrap_last_error_message());
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mlock_wrap(h: mmap_wrap_handle, flags: i64, offset: i64, size: i64) -> i64 {
    boundary("mlock_wrap", || pin(h)?.lock(flags, offset, size).map(|()| 0))
}

/// Lets the pages of the range go again, however often they were locked. Returns 0.
///
/// ```c
/// munlock_wrap(h, 0, MMAP_WRAP_REST);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn munlock_wrap(h: mmap_wrap_handle, offset: i64, size: i64) -> i64 {
    boundary("munlock_wrap", || pin(h)?.unlock(offset, size).map(|()| 0))
}

/// Locks all memory of the process, whether this library mapped it or not: mlockall(2). flags are MCL_CURRENT (what is
/// mapped), MCL_FUTURE (what will be mapped) or both, and MCL_ONFAULT beside them (each page once it is touched).
///
/// Returns 0. -ENOMEM, -EPERM: as for mlock_wrap; with MCL_FUTURE later mappings meet the limit, too (-EAGAIN). -EINVAL,
/// MMAP_WRAP_E_ARGUMENT: the flags. MMAP_WRAP_E_UNSUPPORTED: this system has no mlockall.
///
/// ```c
/// if (mlockall_wrap(MCL_CURRENT | MCL_FUTURE) < 0) puts(mmap_wrap_last_error_message());
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mlockall_wrap(flags: i64) -> i64 {
    boundary("mlockall_wrap", || lock_all(flags).map(|()| 0))
}

/// Unlocks all memory of the process, and what will be mapped: munlockall(2). Returns 0.
///
/// ```c
/// munlockall_wrap();
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn munlockall_wrap() -> i64 {
    boundary("munlockall_wrap", || unlock_all().map(|()| 0))
}

/// Writes a byte for each page of the range to pages, which has room for that many: 1 where the page is in memory, 0
/// where not. Returns how many pages the range has; bytes beyond them stay as they were. Others may bring pages in and
/// take them out at any moment.
///
/// For a file, "in memory" means in the page cache, whoever brought it there. A process that neither owns the file nor
/// may write it is told that all of it is there (Linux 5.2, commit 134fca9063ad).
///
/// MMAP_WRAP_E_RANGE: too little room; nothing was written. MMAP_WRAP_E_ARGUMENT: NULL with room. -ENOMEM: somebody
/// unmapped a part behind the library's back, and the bytes written so far say nothing.
///
/// ```c
/// unsigned char pages[16];
/// int64_t count = mincore_wrap(h, pages, sizeof pages, 0, 10000);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mincore_wrap(h: mmap_wrap_handle, pages: *mut u8, room: i64, offset: i64, size: i64) -> i64 {
    boundary("mincore_wrap", || pin(h)?.presence(room_for(pages, room)?, offset, size).map(answer))
}

/// How many bytes are in memory of the pages of the range: a multiple of the page size, by the rules of mincore_wrap.
///
/// ```c
/// int64_t bytes = mmap_wrap_resident_bytes(h, 0, MMAP_WRAP_REST);
/// printf("%lld bytes are in memory\n", (long long)bytes);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_resident_bytes(h: mmap_wrap_handle, offset: i64, size: i64) -> i64 {
    boundary("mmap_wrap_resident_bytes", || pin(h)?.resident(offset, size).map(answer))
}

/// Makes the pages of the range ready for reading (writing = 0) or writing (writing = 1), so that accesses meet no page
/// fault: files are read in, memory is taken. What the pages hold stays as it is, also where others write it meanwhile.
/// Before Linux 5.14 (MADV_POPULATE_READ, MADV_POPULATE_WRITE) it touches page after page.
///
/// Returns the bytes of the range. MMAP_WRAP_E_FAULT: a page refuses; mmap_wrap_fault_done() tells how many bytes before
/// it are ready, the message why.
///
/// ```c
/// mmap_wrap_prefault(h, 1, 0, MMAP_WRAP_REST);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_prefault(h: mmap_wrap_handle, writing: i64, offset: i64, size: i64) -> i64 {
    boundary("mmap_wrap_prefault", || registry::with(h, |mapping| mapping.prefault(writing != 0, offset, size)).map(answer))
}
