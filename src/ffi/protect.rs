//! Protection, advice, sync
//!
//! All take a range of the mapping: size bytes from offset, or MMAP_WRAP_REST to its end. Beyond the mapping, or
//! wrapping around, is MMAP_WRAP_E_RANGE, and nothing is touched. Size 0 is fine up to the very end and does nothing.
//! Each returns 0, or MMAP_WRAP_E_HANDLE, MMAP_WRAP_E_UNMAPPED, MMAP_WRAP_E_RANGE, and what is named beside it.

use super::boundary::boundary;
use super::mapping::mmap_wrap_handle;
use crate::registry::pin;

/// Changes what may be done with the range: PROT_READ, PROT_WRITE, PROT_EXEC or'ed together, or PROT_NONE.
///
/// offset must be on a page border or 0 (MMAP_WRAP_E_ALIGNMENT); the size is rounded up to whole pages, as POSIX has
/// it. -EACCES: the file was not opened for that. MMAP_WRAP_E_ARGUMENT: unknown bits.
///
/// ```c
/// mprotect_wrap(h, PROT_READ, 0, MMAP_WRAP_REST);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mprotect_wrap(h: mmap_wrap_handle, prot: i64, offset: i64, size: i64) -> i64 {
    boundary("mprotect_wrap", || pin(h)?.protect(prot, offset, size).map(|()| 0))
}

/// Tells the kernel how the range will be used: one MADV_ value.
///
/// Advice that loses nothing covers every page that holds a byte of the range. Advice that discards data, in this
/// process or in a child (MADV_DONTNEED, MADV_FREE, MADV_REMOVE, MADV_DONTFORK, MADV_WIPEONFORK, MADV_GUARD_INSTALL …)
/// needs offset and end on page borders or at the mapping's own ends (MMAP_WRAP_E_ALIGNMENT): the kernel would round
/// up and destroy the neighbours. A forked child that does not inherit all of a mapping (MADV_DONTFORK) has its handle as
/// that of an unmapped one. MMAP_WRAP_E_ARGUMENT: no advice known on this platform. -EINVAL: this kernel lacks
/// it, or it does not apply to this kind of mapping.
///
/// ```c
/// madvise_wrap(h, MADV_RANDOM, 0, MMAP_WRAP_REST);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn madvise_wrap(h: mmap_wrap_handle, advice: i64, offset: i64, size: i64) -> i64 {
    boundary("madvise_wrap", || pin(h)?.advise(advice, offset, size).map(|()| 0))
}

/// Writes the pages that hold the range back to the file. MS_SYNC returns when they are stored, MS_ASYNC at once;
/// MS_INVALIDATE may be or'ed to either.
///
/// -EIO: the data could not be stored. -EBUSY: MS_INVALIDATE on locked pages. MMAP_WRAP_E_ARGUMENT: unknown bits.
///
/// ```c
/// msync_wrap(h, MS_SYNC, 0, MMAP_WRAP_REST);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn msync_wrap(h: mmap_wrap_handle, flags: i64, offset: i64, size: i64) -> i64 {
    boundary("msync_wrap", || pin(h)?.sync(flags, offset, size).map(|()| 0))
}
