//! Guards, seals, names
//!
//! Against mistakes and attacks. See also madvise_wrap: MADV_DONTDUMP leaves memory out of core dumps, MADV_WIPEONFORK
//! and MADV_DONTFORK keep it from forked children; mlock_wrap keeps it from being swapped, mmap_secret_wrap from everybody
//! else. PROT_EXEC together with PROT_WRITE is granted as the system grants it, and is what attackers look for: map
//! code writable, then mprotect_wrap it to PROT_READ | PROT_EXEC before it runs. MAP_DROPPABLE memory may read zero at any
//! time when the system runs short: for what can be made again.

use super::boundary::{boundary, text_at};
use super::mapping::mmap_wrap_handle;
use crate::registry::pin;
use std::ffi::c_char;

/// Makes every access to the range a fault (on = 1), or lifts that (on = 0): guard regions, madvise(2) with
/// MADV_GUARD_INSTALL, or PROT_NONE where the kernel lacks them (before 6.13; 6.15 for files) or has them not for this kind
/// of memory. What private memory held there is dropped. Offset and end must be on page borders or at the
/// mapping's own ends (MMAP_WRAP_E_ALIGNMENT). Lifted, the pages have the protection of the mapping as a whole.
///
/// Returns 0, or MMAP_WRAP_E_RANGE, MMAP_WRAP_E_SEALED, MMAP_WRAP_E_HANDLE, MMAP_WRAP_E_UNMAPPED, -ENOMEM.
///
/// ```c
/// mmap_wrap_guard(h, 1, 0, mmap_wrap_page_size());
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_guard(h: mmap_wrap_handle, on: i64, offset: i64, size: i64) -> i64 {
    boundary("mmap_wrap_guard", || pin(h)?.guard(on != 0, offset, size).map(|()| 0))
}

/// Seals the pages that hold the range, for ever: mseal(2). They can be neither unmapped, moved, resized, nor protected
/// otherwise, and read-only private ones cannot be discarded. munmap_wrap answers MMAP_WRAP_E_SEALED from then on, and the
/// handle stays good until the process ends.
///
/// A surviving mapping cannot be sealed, for its lost pages could not be replaced: MMAP_WRAP_E_ARGUMENT. Call
/// mmap_wrap_survive(h, 0) first.
///
/// Returns 0, or MMAP_WRAP_E_UNSUPPORTED (before Linux 6.10, or 32 bits), MMAP_WRAP_E_RANGE, MMAP_WRAP_E_HANDLE,
/// MMAP_WRAP_E_UNMAPPED, -ENOMEM.
///
/// ```c
/// mseal_wrap(h, 0, MMAP_WRAP_REST);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mseal_wrap(h: mmap_wrap_handle, offset: i64, size: i64) -> i64 {
    boundary("mseal_wrap", || pin(h)?.seal(offset, size).map(|()| 0))
}

/// Names a mapping without a file: /proc/PID/maps shows it as `[anon:name]`, or as `[anon_shmem:name]` where it is shared. At
/// most 79 bytes of printable ASCII without [ ] \ $ and `. NULL takes the name away.
///
/// Returns 0, or -EINVAL (not such a name), -EBADF (a file is mapped), MMAP_WRAP_E_UNSUPPORTED (before Linux 5.17, or not
/// built in), MMAP_WRAP_E_HANDLE, MMAP_WRAP_E_UNMAPPED.
///
/// ```c
/// mmap_wrap_set_name(h, "index cache");
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_set_name(h: mmap_wrap_handle, name: *const c_char) -> i64 {
    boundary("mmap_wrap_set_name", || {
        let name = if name.is_null() { None } else { Some(text_at(name, "name")?) };
        pin(h)?.name(name).map(|()| 0)
    })
}
