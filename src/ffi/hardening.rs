//! Hardening
//!
//! Guard regions, sealing, names. Related: madvise_wrap with MADV_DONTDUMP excludes memory from core dumps, with
//! MADV_WIPEONFORK or MADV_DONTFORK from forked children; mlock_wrap keeps memory from being swapped; mmap_secret_wrap hides it
//! from other processes and the kernel. Memory that is both writable and executable helps attackers: map code as writable, then
//! mprotect_wrap it to PROT_READ | PROT_EXEC before it runs. MAP_DROPPABLE memory can become zero at any time when the system
//! is short of memory.

use super::boundary::{boundary, text_at};
use super::mapping::mmap_wrap_handle;
use crate::registry::pin;
use std::ffi::c_char;

/// Installs a guard region (on = 1), in which every access faults, or removes it (on = 0): madvise(2) with MADV_GUARD_INSTALL,
/// or PROT_NONE if the kernel has no guard regions (before Linux 6.13; 6.15 for files) or does not support them for this kind
/// of memory. The contents of private memory in the range are discarded. offset and end must be on page boundaries or at the
/// ends of the mapping (MMAP_WRAP_E_ALIGNMENT).
///
/// A guard region stays when the protection changes, on every kernel; when it is removed, its pages have the protection that
/// was set last.
///
/// Returns 0. Errors: MMAP_WRAP_E_RANGE, MMAP_WRAP_E_SEALED, MMAP_WRAP_E_HANDLE, MMAP_WRAP_E_UNMAPPED, -ENOMEM.
///
/// ```c
/// mmap_wrap_guard(h, 1, 0, mmap_wrap_page_size());
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_guard(h: mmap_wrap_handle, on: i64, offset: i64, size: i64) -> i64 {
    boundary("mmap_wrap_guard", || pin(h)?.guard(on != 0, offset, size).map(|()| 0))
}

/// Seals the pages of the range until the process ends: mseal(2). They cannot be unmapped, moved or resized, their protection
/// cannot be changed, and read-only private pages cannot be discarded. munmap_wrap then fails with MMAP_WRAP_E_SEALED, and the
/// handle stays valid. (mmap_wrap_add_file_seals seals a memory file instead.)
///
/// Returns 0. Errors: MMAP_WRAP_E_ARGUMENT for a surviving mapping, whose pages could no longer be replaced (call
/// mmap_wrap_survive(h, 0) first); MMAP_WRAP_E_UNSUPPORTED before Linux 6.10 and on 32-bit systems; MMAP_WRAP_E_RANGE;
/// MMAP_WRAP_E_HANDLE; MMAP_WRAP_E_UNMAPPED; -ENOMEM.
///
/// ```c
/// mseal_wrap(h, 0, MMAP_WRAP_REST);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mseal_wrap(h: mmap_wrap_handle, offset: i64, size: i64) -> i64 {
    boundary("mseal_wrap", || pin(h)?.mseal(offset, size).map(|()| 0))
}

/// Names a mapping that has no file: /proc/PID/maps shows `[anon:name]`, or `[anon_shmem:name]` if it is shared. The name is at
/// most 79 bytes of printable ASCII without [ ] \ $ and `. NULL removes it.
///
/// Returns 0. Errors: -EINVAL for an invalid name; -EBADF if a file is mapped; MMAP_WRAP_E_UNSUPPORTED before Linux 5.17, or if
/// the kernel was built without it; MMAP_WRAP_E_HANDLE; MMAP_WRAP_E_UNMAPPED.
///
/// ```c
/// mmap_wrap_set_name(h, "index cache");
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_set_name(h: mmap_wrap_handle, name: *const c_char) -> i64 {
    boundary("mmap_wrap_set_name", || {
        let name = if name.is_null() { None } else { Some(text_at(name, "name")?) };
        pin(h)?.set_name(name).map(|()| 0)
    })
}
