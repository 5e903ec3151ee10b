//! Reading and writing mapped memory that may refuse.
//!
//! Where the caller is certain that the pages allow the access, bytes are copied directly. Everywhere else they go
//! through the kernel, which answers how far it came where a load or store would be a signal.
//!
//! Every function takes a byte range of some [`Pages`], checks that it lies inside, and says how many bytes were done
//! when the memory refused. The other side of a copy is the caller's own memory.

use crate::error::Errno;
use crate::sys::{self, Pages};
use std::mem::MaybeUninit;
use std::ops::Range;

/// Where an access stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// Bytes done before.
    pub done: usize,
    /// EFAULT where the memory refused; else why the kernel would not try.
    pub errno: Errno,
}

/// Bytes that go through the kernel at a time where they need a place in between.
const PIECE: usize = 16 * 1024;

/// Copies the bytes of `pages` from `at` on to `to`.
pub fn read(pages: &Pages, at: usize, to: &mut [MaybeUninit<u8>], certain: bool) -> Result<(), Fault> {
    let from = pages.at(&(at..at + to.len()));
    if certain {
        // SAFETY: `at` checked the range; it is mapped and allows reading. copy, not copy_nonoverlapping: a caller's
        // buffer may be an address of this very mapping.
        unsafe { from.cast::<MaybeUninit<u8>>().copy_to(to.as_mut_ptr(), to.len()) };
        return Ok(());
    }
    in_full(to.len(), |done| sys::peek(from.wrapping_add(done), &mut to[done..]))
}

/// Copies `from` over the bytes of `pages` from `at` on.
pub fn write(pages: &Pages, at: usize, from: &[u8], certain: bool) -> Result<(), Fault> {
    let to = pages.at(&(at..at + from.len()));
    if certain {
        // SAFETY: as in read, with writing.
        unsafe { to.copy_from(from.as_ptr(), from.len()) };
        return Ok(());
    }
    in_full(from.len(), |done| sys::poke(to.wrapping_add(done), &from[done..]))
}

/// Sets every byte of the range to `byte`.
pub fn fill(pages: &Pages, range: Range<usize>, byte: u8, certain: bool) -> Result<(), Fault> {
    let to = pages.at(&range);
    if certain {
        // SAFETY: as in write.
        unsafe { to.write_bytes(byte, range.len()) };
        return Ok(());
    }
    let piece = [byte; PIECE];
    in_full(range.len(), |done| sys::poke(to.wrapping_add(done), &piece[..PIECE.min(range.len() - done)]))
}

/// Moves `size` bytes inside the pages; the ranges may overlap.
pub fn copy_within(pages: &Pages, to: usize, from: usize, size: usize, certain: bool) -> Result<(), Fault> {
    let target = pages.at(&(to..to + size));
    let source = pages.at(&(from..from + size));
    if certain {
        // SAFETY: both ranges checked, and they allow the access; copy allows them to overlap.
        unsafe { source.copy_to(target, size) };
        return Ok(());
    }
    // Overlapping upwards, the last piece goes first, so that no byte is overwritten before it is read.
    let upwards = to > from;
    let mut piece = [MaybeUninit::uninit(); PIECE];
    let mut done = 0;
    while done < size {
        let step = PIECE.min(size - done);
        let start = if upwards { size - done - step } else { done };
        let result = read(pages, from + start, &mut piece[..step], false).and_then(|()| {
            // SAFETY: read filled this part.
            let bytes = unsafe { std::slice::from_raw_parts(piece.as_ptr().cast::<u8>(), step) };
            write(pages, to + start, bytes, false)
        });
        result.map_err(|fault| Fault { done: done + fault.done, ..fault })?;
        done += step;
    }
    Ok(())
}

/// Where `needle` first stands in the range, counted from the range's start.
pub fn find(pages: &Pages, range: Range<usize>, needle: &[u8], certain: bool) -> Result<Option<usize>, Fault> {
    Ok(memchr::memmem::find(readable(pages, range, certain)?, needle))
}

/// Where `needle` last stands in the range, counted from the range's start.
pub fn rfind(pages: &Pages, range: Range<usize>, needle: &[u8], certain: bool) -> Result<Option<usize>, Fault> {
    Ok(memchr::memmem::rfind(readable(pages, range, certain)?, needle))
}

/// The range as a slice, once each of its pages was seen to be readable.
fn readable(pages: &Pages, range: Range<usize>, certain: bool) -> Result<&[u8], Fault> {
    let start = pages.at(&range);
    if !certain {
        let page = sys::page_size();
        let mut byte = [MaybeUninit::uninit()];
        let mut at = range.start;
        while at < range.end {
            read(pages, at, &mut byte, false).map_err(|fault| Fault { done: at - range.start, ..fault })?;
            at = (at / page + 1) * page;
        }
    }
    // SAFETY: checked, mapped and readable. Another process may change the bytes while we search: the search then
    // compares what it happens to see, and returns a position inside the range all the same.
    Ok(unsafe { std::slice::from_raw_parts(start, range.len()) })
}

/// Repeats a copy that may stop short until all is done or nothing more goes.
fn in_full(size: usize, mut copy: impl FnMut(usize) -> Result<usize, Errno>) -> Result<(), Fault> {
    let mut done = 0;
    while done < size {
        match copy(done) {
            Ok(0) => return Err(Fault { done, errno: Errno(libc::EFAULT) }),
            Ok(step) => done += step,
            Err(errno) => return Err(Fault { done, errno }),
        }
    }
    Ok(())
}
