//! Reading, writing and searching mapped memory that may refuse at any byte: a file cut short, a full disk, an I/O
//! error, a protection. The answer is how far it came; the process lives on.
//!
//! Accesses that the protection is known to allow are made by loops of our own (`engine`), whose faults a signal handler
//! repairs (`handler`). The others, and all where there are no such loops or the handler cannot do its work, go through
//! the kernel, which answers EFAULT where a load would be a signal.
//!
//! Atomic operations (`atomic`) the kernel does not do for others: where the handler cannot do its work, there are none.
//!
//! Every function takes a byte range of some [`Pages`] and checks that it lies inside. The other side of a copy is the
//! caller's own memory, and does not overlap it.

mod atomic;
mod between;
mod engine;
mod handler;
mod number;
#[cfg(test)]
#[allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap, reason = "small numbers")]
mod tests;

use crate::error::Errno;
use crate::sys::{self, Pages};
use engine::{Loops, Outcome};
use memchr::memchr_iter;
use memchr::memmem::{Finder, FinderRev};
use std::mem::MaybeUninit;
use std::ops::Range;

pub use atomic::{Operation, Word, atomic, has_atomics, unguarded};
pub use between::{Place, compare, copy};
pub use handler::{is_trusted, repairs_protection_faults, survive_with, trust};
pub use number::{get, low_bytes, put};

/// Where an access stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// Bytes done before.
    pub done: usize,
    /// What stopped it.
    pub by: Refusal,
}

/// What stopped an access.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The mapped memory, at this byte counted from the first page's start.
    Mapping { at: usize, writing: bool },
    /// The caller's own buffer.
    Buffer,
    /// The kernel would not try.
    Kernel(Errno),
}

/// Bytes that are looked at, or moved, at a time: they stay in the first cache.
const PIECE: usize = 16 * 1024;

/// How an access is made.
#[derive(Clone, Copy)]
pub enum Way {
    /// By loops whose faults are repaired.
    Guarded(&'static Loops),
    /// Through the kernel.
    Kernel,
}

impl Way {
    /// What the protection may forbid is left to the kernel: a refusal is then no signal, which debuggers stop at and
    /// valgrind takes for an error.
    #[inline]
    pub fn new(certain: bool) -> Way {
        match if certain { handler::guard() } else { None } {
            Some(loops) => Way::Guarded(loops),
            None => Way::Kernel,
        }
    }

    /// For memory that cannot refuse: whoever has the signals has nothing to repair.
    #[inline]
    pub fn sure() -> Way {
        engine::loops().first().map_or(Way::Kernel, Way::Guarded)
    }

    #[inline]
    fn read(self, pages: &Pages, at: usize, to: &mut [MaybeUninit<u8>]) -> Result<(), Fault> {
        let size = to.len();
        let from = pages.at(&(at..at + size)).cast_const();
        match self {
            Way::Guarded(loops) => {
                // SAFETY: `at` checked the range; a fault on either side is repaired.
                let outcome = unsafe { (loops.copy)(to.as_mut_ptr().cast(), from, size) };
                counted(pages, at, size, false, outcome)
            }
            Way::Kernel => in_full(at, size, false, |done| sys::peek(from.wrapping_add(done), &mut to[done..])),
        }
    }

    #[inline]
    fn write(self, pages: &Pages, at: usize, from: &[u8]) -> Result<(), Fault> {
        let size = from.len();
        let to = pages.at(&(at..at + size));
        match self {
            Way::Guarded(loops) => {
                // SAFETY: as in read.
                let outcome = unsafe { (loops.copy)(to, from.as_ptr(), size) };
                counted(pages, at, size, true, outcome)
            }
            Way::Kernel => in_full(at, size, true, |done| sys::poke(to.wrapping_add(done), &from[done..])),
        }
    }

    fn fill(self, pages: &Pages, range: Range<usize>, byte: u8) -> Result<(), Fault> {
        let to = pages.at(&range);
        let size = range.len();
        match self {
            Way::Guarded(loops) => {
                // SAFETY: as in read.
                let outcome = unsafe { (loops.fill)(to, byte, size) };
                counted(pages, range.start, size, true, outcome)
            }
            Way::Kernel => fill_by_kernel(to, range, byte),
        }
    }

    /// Over a place in between, so that the two may overlap.
    fn copy_within(self, pages: &Pages, to: usize, from: usize, size: usize) -> Result<(), Fault> {
        let mut piece = [MaybeUninit::uninit(); PIECE];
        let mut done = 0;
        // Overlapping upwards, the last bytes go first, so that none is overwritten before it is read.
        let upwards = to > from && to - from < size;
        while done < size {
            let left = size - done;
            let step = if upwards {
                // No further down than the page borders of both: a page refuses as a whole, so what is done is exact.
                left.min(on_last_page(to + left)).min(on_last_page(from + left))
            } else {
                left.min(PIECE)
            };
            let start = if upwards { left - step } else { done };
            let outcome = self.read(pages, from + start, &mut piece[..step]);
            let readable = outcome.err().map_or(step, |fault| fault.done);
            let written = self.write(pages, to + start, filled(&piece[..readable]));
            written.map_err(|fault| Fault { done: done + fault.done, ..fault })?;
            outcome.map_err(|fault| Fault { done: done + readable, ..fault })?;
            done += step;
        }
        Ok(())
    }

    fn find(self, pages: &Pages, range: Range<usize>, needle: &[u8]) -> Result<Option<usize>, Fault> {
        let finder = Finder::new(needle);
        with_window(needle.len(), |window| {
            let mut at = range.start;
            loop {
                let size = window.len().min(range.end - at);
                let outcome = self.read(pages, at, &mut window[..size]);
                let readable = outcome.err().map_or(size, |fault| fault.done);
                if let Some(position) = finder.find(filled(&window[..readable])) {
                    return Ok(Some(at - range.start + position));
                }
                outcome.map_err(|fault| Fault { done: at - range.start + fault.done, ..fault })?;
                if at + size == range.end {
                    return Ok(None);
                }
                // The next window begins with what may be the beginning of a needle.
                at += size - needle.len().saturating_sub(1);
            }
        })
    }

    fn rfind(self, pages: &Pages, range: Range<usize>, needle: &[u8]) -> Result<Option<usize>, Fault> {
        // Forwards it is several times as fast: backwards only in the window that holds a needle.
        let (any, last) = (Finder::new(needle), FinderRev::new(needle));
        with_window(needle.len(), |window| {
            let mut end = range.end;
            loop {
                let size = window.len().min(end - range.start);
                let at = end - size;
                let outcome = self.read(pages, at, &mut window[..size]);
                outcome.map_err(|fault| Fault { done: range.end - end, ..fault })?;
                let window = filled(&window[..size]);
                if let Some(position) = any.find(window).and_then(|_| last.rfind(window)) {
                    return Ok(Some(at - range.start + position));
                }
                if at == range.start {
                    return Ok(None);
                }
                end = at + needle.len().saturating_sub(1);
            }
        })
    }

    fn count(self, pages: &Pages, range: Range<usize>, needle: &[u8]) -> Result<usize, Fault> {
        let finder = Finder::new(needle);
        with_window(needle.len(), |window| {
            let (mut at, mut count) = (range.start, 0);
            while range.end - at >= needle.len() {
                let size = window.len().min(range.end - at);
                let outcome = self.read(pages, at, &mut window[..size]);
                outcome.map_err(|fault| Fault { done: at - range.start + fault.done, ..fault })?;
                let window = filled(&window[..size]);
                // The next window begins with what may be the beginning of a needle, but behind the last one found.
                let mut next = size + 1 - needle.len();
                if let [byte] = needle {
                    count += memchr_iter(*byte, window).count();
                } else {
                    for position in finder.find_iter(window) {
                        count += 1;
                        next = next.max(position + needle.len());
                    }
                }
                at += next;
            }
            Ok(count)
        })
    }
}

// Apart, so that the room it takes on the stack is taken only here.
#[cold]
fn fill_by_kernel(to: *mut u8, range: Range<usize>, byte: u8) -> Result<(), Fault> {
    let piece = [byte; PIECE];
    let size = range.len();
    in_full(range.start, size, true, |done| sys::poke(to.wrapping_add(done), &piece[..PIECE.min(size - done)]))
}

/// Copies the bytes of `pages` from `at` on to `to`.
#[inline]
pub fn read(pages: &Pages, at: usize, to: &mut [MaybeUninit<u8>], way: Way) -> Result<(), Fault> {
    way.read(pages, at, to)
}

/// Copies `from` over the bytes of `pages` from `at` on.
#[inline]
pub fn write(pages: &Pages, at: usize, from: &[u8], way: Way) -> Result<(), Fault> {
    way.write(pages, at, from)
}

/// Sets every byte of the range to `byte`.
pub fn fill(pages: &Pages, range: Range<usize>, byte: u8, certain: bool) -> Result<(), Fault> {
    Way::new(certain).fill(pages, range, byte)
}

/// Moves `size` bytes inside the pages; the two ranges may overlap. In an overlap upwards the last bytes go first.
pub fn copy_within(pages: &Pages, to: usize, from: usize, size: usize, certain: bool) -> Result<(), Fault> {
    Way::new(certain).copy_within(pages, to, from, size)
}

/// Where `needle` first stands in the range, counted from the range's start.
pub fn find(pages: &Pages, range: Range<usize>, needle: &[u8], certain: bool) -> Result<Option<usize>, Fault> {
    Way::new(certain).find(pages, range, needle)
}

/// Where `needle` last stands in the range, counted from the range's start.
pub fn rfind(pages: &Pages, range: Range<usize>, needle: &[u8], certain: bool) -> Result<Option<usize>, Fault> {
    Way::new(certain).rfind(pages, range, needle)
}

/// How many times `needle` stands in the range, without overlaps; an empty one between any two bytes and at both ends.
pub fn count(pages: &Pages, range: Range<usize>, needle: &[u8], certain: bool) -> Result<usize, Fault> {
    if needle.is_empty() { Ok(range.len() + 1) } else { Way::new(certain).count(pages, range, needle) }
}

/// Lends `body` a window that a needle of `size` bytes fits in at least twice; small ones need no allocation.
fn with_window<T>(size: usize, body: impl FnOnce(&mut [MaybeUninit<u8>]) -> T) -> T {
    if size <= PIECE / 2 { body(&mut [MaybeUninit::uninit(); PIECE]) } else { body(Box::new_uninit_slice(2 * size).as_mut()) }
}

/// How many of the bytes before `end` lie on the last page that holds some; at least one. Pages of any size begin at a
/// multiple of this.
fn on_last_page(end: usize) -> usize {
    const SMALLEST_PAGE: usize = 4096;
    (end - 1) % SMALLEST_PAGE + 1
}

fn filled(bytes: &[MaybeUninit<u8>]) -> &[u8] {
    // SAFETY: callers pass what a read just filled.
    unsafe { std::slice::from_raw_parts(bytes.as_ptr().cast(), bytes.len()) }
}

/// What the loops left, as a result. Registers and the address of the fault both say how far it came; they agree, except
/// under valgrind, whose registers are one too far. An address elsewhere is that of the caller's buffer (or 0, which the
/// processor reports for an address that none could have).
#[inline]
fn counted(pages: &Pages, at: usize, size: usize, writing: bool, outcome: Outcome) -> Result<(), Fault> {
    if outcome.left == 0 { Ok(()) } else { Err(stopped(pages, at, size, writing, outcome)) }
}

#[cold]
fn stopped(pages: &Pages, at: usize, size: usize, writing: bool, outcome: Outcome) -> Fault {
    let by_registers = size - outcome.left;
    let by_address = outcome.address.wrapping_sub(pages.base().addr().get() + at);
    if by_address < size {
        let done = by_registers.min(by_address);
        Fault { done, by: Refusal::Mapping { at: at + done, writing } }
    } else {
        Fault { done: by_registers, by: Refusal::Buffer }
    }
}

/// Repeats a copy that may stop short until all is done or nothing more goes.
#[cold]
fn in_full(at: usize, size: usize, writing: bool, mut copy: impl FnMut(usize) -> Result<usize, Errno>) -> Result<(), Fault> {
    let mut done = 0;
    while done < size {
        match copy(done) {
            Ok(0) | Err(Errno(libc::EFAULT)) => {
                return Err(Fault { done, by: Refusal::Mapping { at: at + done, writing } });
            }
            Ok(step) => done += step,
            Err(errno) => return Err(Fault { done, by: Refusal::Kernel(errno) }),
        }
    }
    Ok(())
}
