//! Protection, advice, synchronization
//!
//! Each takes a range of the mapping: size bytes, or MMAP_WRAP_REST, from offset on. A range that is not inside the mapping is
//! MMAP_WRAP_E_RANGE, and nothing is changed. Size 0 is valid with each offset from 0 to the length, and does
//! nothing. Each returns 0; all can return MMAP_WRAP_E_HANDLE, MMAP_WRAP_E_UNMAPPED, MMAP_WRAP_E_RANGE, MMAP_WRAP_E_SEALED.

use super::boundary::boundary;
use super::mapping::mmap_wrap_handle;
use crate::registry::pin;

/// Sets the protection of the range: PROT_READ, PROT_WRITE, PROT_EXEC combined, or PROT_NONE.
///
/// offset must be 0 or on a page boundary (MMAP_WRAP_E_ALIGNMENT); the size is rounded up to whole pages, as in POSIX. Errors:
/// -EACCES if the file was not opened for that access; MMAP_WRAP_E_ARGUMENT for unknown bits.
///
/// ```c
/// mprotect_wrap(h, PROT_READ, 0, MMAP_WRAP_REST);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mprotect_wrap(h: mmap_wrap_handle, prot: i64, offset: i64, size: i64) -> i64 {
    boundary("mprotect_wrap", || pin(h)?.protect(prot, offset, size).map(|()| 0))
}

/// Advises the kernel how the range will be used: one MADV_ value.
///
/// Advice that discards nothing applies to every page that holds a byte of the range. Advice that discards data, in this
/// process or in a child (MADV_DONTNEED, MADV_FREE, MADV_REMOVE, MADV_DONTFORK, MADV_WIPEONFORK, MADV_GUARD_INSTALL and
/// others), needs an offset and an end that are on page boundaries or at the ends of the mapping (MMAP_WRAP_E_ALIGNMENT): the
/// kernel would round up and discard the neighbouring bytes. In a forked child that does not inherit the whole mapping
/// (MADV_DONTFORK), the mapping counts as unmapped (MMAP_WRAP_E_UNMAPPED).
///
/// Errors: MMAP_WRAP_E_ARGUMENT if the value is not advice on this platform; -EINVAL if the kernel lacks it or it does not
/// apply to this kind of mapping.
///
/// ```c
/// madvise_wrap(h, MADV_RANDOM, 0, MMAP_WRAP_REST);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn madvise_wrap(h: mmap_wrap_handle, advice: i64, offset: i64, size: i64) -> i64 {
    boundary("madvise_wrap", || pin(h)?.advise(advice, offset, size).map(|()| 0))
}

/// Writes modified pages of the range to the file. With MS_SYNC the call returns after they are stored, with MS_ASYNC
/// immediately; MS_INVALIDATE can be combined with either.
///
/// Errors: -EIO if the data could not be stored; -EBUSY for MS_INVALIDATE with locked pages; MMAP_WRAP_E_ARGUMENT for unknown
/// bits.
///
/// ```c
/// msync_wrap(h, MS_SYNC, 0, MMAP_WRAP_REST);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn msync_wrap(h: mmap_wrap_handle, flags: i64, offset: i64, size: i64) -> i64 {
    boundary("msync_wrap", || pin(h)?.sync(flags, offset, size).map(|()| 0))
}
