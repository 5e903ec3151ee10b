//! Residency: which pages are in memory, and reading them in and evicting them.

#[cfg(not(target_os = "android"))]
use super::super::CachedPages;
use super::super::unix::{check, last_errno};
use crate::error::Errno;
use crate::sys::Pages;
use std::ffi::{c_int, c_long};
use std::ops::Range;

/// Locks the pages of a range that are in memory, and each other one at its first access: mlock2(2), Linux 4.4.
pub fn lock_on_fault(pages: &Pages, range: Range<usize>) -> Result<(), Errno> {
    // SAFETY: the range is ours (`at` checked it); locking changes no memory.
    let result = unsafe { libc::syscall(libc::SYS_mlock2, pages.start_of(&range), range.len(), libc::MLOCK_ONFAULT) };
    done(result).map(drop)
}

/// Sets the lowest bit of a byte of `to` for each base page of a range that is in memory.
pub fn page_residency(pages: &Pages, range: Range<usize>, to: &mut [u8]) -> Result<(), Errno> {
    assert!(range.len().div_ceil(super::super::page_size()) <= to.len(), "a byte for each page");
    // SAFETY: the kernel writes one byte per page of the range, and `to` has as many.
    check(unsafe { libc::mincore(pages.start_of(&range).cast(), range.len(), to.as_mut_ptr()) })
}

/// Whether this kernel supports an advice: with length 0, madvise(2) only checks the advice.
pub fn supports_advice(advice: c_int) -> bool {
    // SAFETY: the length is 0.
    unsafe { libc::madvise(std::ptr::null_mut(), 0, advice) == 0 }
}

/// Populates the page of a word for writing: the kernel ORs 0 to the word, atomically, so that no concurrent store is lost.
/// EFAULT if a store would fault. For kernels without MADV_POPULATE_WRITE, and to find the page at which that failed. `at` is a
/// multiple of 4.
pub fn touch_for_writing(pages: &Pages, at: usize) -> Result<(), Errno> {
    touch_word_for_writing(pages.at(at, 4).cast_const())
}

/// Whether a store at an address would succeed, found out in the same way. May be called in a signal handler.
pub fn is_writable(address: usize) -> bool {
    touch_word_for_writing((address & !3) as *const u8).is_ok()
}

fn touch_word_for_writing(word: *const u8) -> Result<(), Errno> {
    // <linux/futex.h>. The call also compares the word with a value, and wakes waiters on the word if they are equal: the value
    // here is an unlikely one.
    const WAKE_OP_PRIVATE: c_int = 5 | 128;
    const OR_NOTHING: u32 = 2 << 28 | 0x800;
    let no_waiters = 0u32;
    let (here, none) = (&raw const no_waiters, 0usize);
    // SAFETY: the first word is ours and is not written; the second keeps its value, and the kernel checks its address.
    done(unsafe { libc::syscall(libc::SYS_futex, here, WAKE_OP_PRIVATE, none, none, word, OR_NOTHING) }).map(drop)
}

/// The state of `size` bytes of a file (0: all to its end) in the page cache. Linux 6.5.
#[cfg(not(target_os = "android"))]
pub fn cached_pages(fd: c_int, offset: u64, size: u64) -> Result<CachedPages, Errno> {
    // The number is the same on every processor but MIPS, where it is not used.
    const CACHESTAT: c_long = 451;
    let range = [offset, size];
    let mut figures = CachedPages::default();
    // SAFETY: the kernel reads a range of two words and writes a struct of five words.
    done(unsafe { libc::syscall(CACHESTAT, fd, range.as_ptr(), &raw mut figures, 0) })?;
    Ok(figures)
}

/// Evicts `size` bytes of a file (0: all to its end) from the page cache, except modified and mapped pages.
pub fn evict_cached(fd: c_int, offset: i64, size: i64) -> Result<(), Errno> {
    advise_of_file(fd, offset, size, libc::POSIX_FADV_DONTNEED)
}

/// Starts reading `size` bytes of a file (0: all to its end) into the page cache.
pub fn read_ahead(fd: c_int, offset: i64, size: i64) -> Result<(), Errno> {
    advise_of_file(fd, offset, size, libc::POSIX_FADV_WILLNEED)
}

fn advise_of_file(fd: c_int, offset: i64, size: i64, advice: c_int) -> Result<(), Errno> {
    // SAFETY: changes no memory of this process; the kernel checks the descriptor. The result is the error number itself.
    match unsafe { libc::posix_fadvise64(fd, offset, size, advice) } {
        0 => Ok(()),
        errno => Err(Errno(errno)),
    }
}

/// The result of a system call that returns a negative number on failure.
pub(super) fn done(result: c_long) -> Result<c_long, Errno> {
    if result < 0 { Err(last_errno()) } else { Ok(result) }
}
