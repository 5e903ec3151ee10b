//! What only Linux has.

use super::unix::{Pages, last_errno};
use crate::error::Errno;
use std::ffi::{c_int, c_void};
use std::mem::MaybeUninit;

/// The size of a huge page where MAP_HUGETLB names none, in bytes.
pub fn default_huge_page_size() -> Option<usize> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("Hugepagesize:"))?;
    let kibibytes: usize = line.trim().trim_end_matches(" kB").parse().ok()?;
    Some(kibibytes * 1024)
}

/// The page size of the file system behind a descriptor if that is hugetlbfs, in bytes.
pub fn descriptor_page_size(fd: c_int) -> Option<usize> {
    let mut facts = MaybeUninit::<libc::statfs>::uninit();
    // SAFETY: fstatfs writes one statfs to the place given.
    if unsafe { libc::fstatfs(fd, facts.as_mut_ptr()) } != 0 {
        return None;
    }
    // SAFETY: fstatfs succeeded, so all of it is written.
    let facts = unsafe { facts.assume_init() };
    if facts.f_type == libc::HUGETLBFS_MAGIC { usize::try_from(facts.f_bsize).ok() } else { None }
}

/// Copies from memory that may refuse, through the kernel, which answers EFAULT where a load would be a signal.
/// Returns the bytes copied, which are fewer where the memory refused part of the way.
pub fn peek(from: *const u8, to: &mut [MaybeUninit<u8>]) -> Result<usize, Errno> {
    let local = libc::iovec { iov_base: to.as_mut_ptr().cast(), iov_len: to.len() };
    let remote = libc::iovec { iov_base: from.cast_mut().cast(), iov_len: to.len() };
    // SAFETY: `to` is ours to write; `from` may be any address, the kernel checks it.
    copied(unsafe { libc::process_vm_readv(libc::getpid(), &local, 1, &remote, 1, 0) })
}

/// Copies to memory that may refuse, through the kernel.
pub fn poke(to: *mut u8, from: &[u8]) -> Result<usize, Errno> {
    let local = libc::iovec { iov_base: from.as_ptr().cast_mut().cast::<c_void>(), iov_len: from.len() };
    let remote = libc::iovec { iov_base: to.cast(), iov_len: from.len() };
    // SAFETY: `from` is readable; `to` lies in a mapping of this library (guarded), and the kernel checks it.
    copied(unsafe { libc::process_vm_writev(libc::getpid(), &local, 1, &remote, 1, 0) })
}

fn copied(result: isize) -> Result<usize, Errno> {
    usize::try_from(result).map_err(|_| last_errno())
}

/// Lets a forked child find these pages zeroed. Kernels before 4.14 lack it: a child then inherits what its parent's
/// other threads had marked as in use, which costs it memory when it unmaps, and nothing else.
pub fn wipe_on_fork(pages: &Pages) {
    let _ = pages.advise(0..pages.size(), libc::MADV_WIPEONFORK);
}
