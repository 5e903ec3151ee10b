//! Calls that the other POSIX systems have under other names than Linux, or with other types.

#[allow(unused_imports, reason = "not every system has one of these")]
use super::check;
#[allow(unused_imports, reason = "as above")]
use crate::error::Errno;
use crate::sys::Pages;
#[allow(unused_imports, reason = "as above")]
use std::ops::Range;

/// Which pages are in memory: bit 0 of a byte for each, mincore(2).
#[cfg(not(target_os = "openbsd"))]
pub fn presence(pages: &Pages, range: Range<usize>, to: &mut [u8]) -> Result<(), Errno> {
    assert!(range.len().div_ceil(super::page_size()) <= to.len(), "a byte for each page");
    // SAFETY: the kernel writes one byte per page of the range, and `to` has as many.
    check(unsafe { libc::mincore(pages.start_of(&range).cast(), range.len(), to.as_mut_ptr().cast()) })
}

/// A forked child gets these pages zeroed: minherit(2). For systems without it, see `sys::linux`.
#[cfg(any(target_os = "freebsd", target_os = "netbsd", target_os = "openbsd"))]
pub fn wipe_on_fork(pages: &Pages) {
    #[cfg(target_os = "freebsd")]
    use libc::INHERIT_ZERO as ZERO;
    #[cfg(not(target_os = "freebsd"))]
    use libc::MAP_INHERIT_ZERO as ZERO;
    // SAFETY: the pages are ours; nothing changes in this process.
    let _ = unsafe { libc::minherit(pages.base().as_ptr().cast(), pages.size(), ZERO) };
}
