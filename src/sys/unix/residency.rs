//! Residency: which pages are in memory, and reading them in and evicting them.

#[allow(unused_imports, reason = "not every system has one of these")]
use super::check;
#[allow(unused_imports, reason = "as above")]
use crate::{error::Errno, sys::Pages, sys::page_size};
#[allow(unused_imports, reason = "as above")]
use std::{ffi::c_int, ops::Range};

/// Which pages are in memory: bit 0 of a byte for each, mincore(2).
#[cfg(not(target_os = "openbsd"))]
pub fn page_residency(pages: &Pages, range: Range<usize>, to: &mut [u8]) -> Result<(), Errno> {
    assert!(range.len().div_ceil(page_size()) <= to.len(), "a byte for each page");
    // SAFETY: the kernel writes one byte for each page of the range, and there is room for as many.
    check(unsafe { libc::mincore(pages.start_of(&range).cast(), range.len(), to.as_mut_ptr().cast()) })
}

/// Evicts `size` bytes of a file (0: all to its end) from the page cache, if they are written back and not mapped.
#[cfg(target_os = "freebsd")]
pub fn evict_cached(fd: c_int, offset: i64, size: i64) -> Result<(), Errno> {
    advise_of_file(fd, offset, size, libc::POSIX_FADV_DONTNEED)
}

/// Begins to read `size` bytes of a file (0: all to its end) into the page cache.
#[cfg(target_os = "freebsd")]
pub fn read_ahead(fd: c_int, offset: i64, size: i64) -> Result<(), Errno> {
    advise_of_file(fd, offset, size, libc::POSIX_FADV_WILLNEED)
}

#[cfg(target_os = "freebsd")]
fn advise_of_file(fd: c_int, offset: i64, size: i64, advice: c_int) -> Result<(), Errno> {
    // SAFETY: changes no memory of this process; the kernel checks the descriptor. The result is the error number itself.
    match unsafe { libc::posix_fadvise(fd, offset, size, advice) } {
        0 => Ok(()),
        // Shared memory.
        libc::ENODEV => Err(Errno::ENOSYS),
        errno => Err(Errno(errno)),
    }
}

/// The same.
#[cfg(target_os = "macos")]
pub fn read_ahead(fd: c_int, offset: i64, size: i64) -> Result<(), Errno> {
    let size = if size == 0 { c_int::MAX } else { c_int::try_from(size).unwrap_or(c_int::MAX) };
    let part = libc::radvisory { ra_offset: offset, ra_count: size };
    // SAFETY: the kernel reads one radvisory, and checks the descriptor.
    if unsafe { libc::fcntl(fd, libc::F_RDADVISE, &raw const part) } == -1 { Err(super::last_errno()) } else { Ok(()) }
}
