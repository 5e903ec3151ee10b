//! Which pages are in memory, and getting them in and out.

#[cfg(not(target_os = "android"))]
use super::super::CachedPages;
use super::super::unix::{check, last_errno};
use crate::error::Errno;
use crate::sys::Pages;
use std::ffi::{c_int, c_long};
use std::ops::Range;

/// Locks the pages of a range that are in memory, and each other one once it is touched: mlock2(2), Linux 4.4.
pub fn lock_on_fault(pages: &Pages, range: Range<usize>) -> Result<(), Errno> {
    // SAFETY: the range is ours (`at` checked it); locking changes no memory.
    let result = unsafe { libc::syscall(libc::SYS_mlock2, pages.start_of(&range), range.len(), libc::MLOCK_ONFAULT) };
    done(result).map(drop)
}

/// Sets the lowest bit of a byte for each small page of a range that is in memory. `to` has a byte for each.
pub fn presence(pages: &Pages, range: Range<usize>, to: &mut [u8]) -> Result<(), Errno> {
    assert!(range.len().div_ceil(super::super::page_size()) <= to.len(), "a byte for each page");
    // SAFETY: the kernel writes one byte for each page of the range, and there is room for as many.
    check(unsafe { libc::mincore(pages.start_of(&range).cast(), range.len(), to.as_mut_ptr()) })
}

/// Whether this kernel knows an advice: asked about no bytes at all, it says just that, madvise(2).
pub fn knows_advice(advice: c_int) -> bool {
    // SAFETY: no bytes are advised about.
    unsafe { libc::madvise(std::ptr::null_mut(), 0, advice) == 0 }
}

/// Makes the page of a word ready for writing: the kernel or's nothing to the word, atomically, so that no write of
/// anybody's is lost. EFAULT where the memory refuses. For kernels without MADV_POPULATE_WRITE, and for finding the page
/// that it refused at. The place is a multiple of 4.
pub fn touch_for_writing(pages: &Pages, at: usize) -> Result<(), Errno> {
    touch_word_for_writing(pages.at(at, 4).cast_const())
}

/// The same of any address: whether a store there would succeed. Inside a signal handler, too.
pub fn is_writable(address: usize) -> bool {
    touch_word_for_writing((address & !3) as *const u8).is_ok()
}

fn touch_word_for_writing(word: *const u8) -> Result<(), Errno> {
    // <linux/futex.h>. A comparison decides whether to wake somebody at the word, too: it is with a value seldom met.
    const WAKE_OP_PRIVATE: c_int = 5 | 128;
    const OR_NOTHING: u32 = 2 << 28 | 0x800;
    let nobody_waits_here = 0u32;
    let (here, none) = (&raw const nobody_waits_here, 0usize);
    // SAFETY: the first word is ours and is not written; the second keeps its value, and the kernel checks its address.
    done(unsafe { libc::syscall(libc::SYS_futex, here, WAKE_OP_PRIVATE, none, none, word, OR_NOTHING) }).map(drop)
}

/// The page cache's figures for `size` bytes of a file; 0 for all to its end. Linux 6.5.
#[cfg(not(target_os = "android"))]
pub fn cached_pages(fd: c_int, offset: u64, size: u64) -> Result<CachedPages, Errno> {
    // The same wherever the numbers begin at 0; elsewhere (MIPS) no call has it.
    const CACHESTAT: c_long = 451;
    let range = [offset, size];
    let mut figures = CachedPages::default();
    // SAFETY: the kernel reads a range of two words and writes a struct of five, to the places given.
    done(unsafe { libc::syscall(CACHESTAT, fd, range.as_ptr(), &raw mut figures, 0) })?;
    Ok(figures)
}

/// Lets the page cache forget `size` bytes of a file (0: all to its end), as far as they are stored and nobody maps them.
pub fn forget(fd: c_int, offset: i64, size: i64) -> Result<(), Errno> {
    advise_of_file(fd, offset, size, libc::POSIX_FADV_DONTNEED)
}

/// Begins to read `size` bytes of a file (0: all to its end) into the page cache.
pub fn read_ahead(fd: c_int, offset: i64, size: i64) -> Result<(), Errno> {
    advise_of_file(fd, offset, size, libc::POSIX_FADV_WILLNEED)
}

fn advise_of_file(fd: c_int, offset: i64, size: i64, advice: c_int) -> Result<(), Errno> {
    // SAFETY: changes no memory of this process; the kernel checks the descriptor. It answers the error itself.
    match unsafe { libc::posix_fadvise64(fd, offset, size, advice) } {
        0 => Ok(()),
        errno => Err(Errno(errno)),
    }
}

/// The answer of a raw system call.
pub(super) fn done(result: c_long) -> Result<c_long, Errno> {
    if result < 0 { Err(last_errno()) } else { Ok(result) }
}
