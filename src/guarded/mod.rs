//! Reading, writing and searching mapped memory that may fault at any byte: because of a truncated file, a full disk, an I/O
//! error, or the protection. A fault does not end the process; the result contains the number of bytes done before it.
//!
//! All memory is accessed in the same way. Loops of this library (`arch`) make the accesses, and a signal handler repairs
//! their faults (`handler`), while that handler is verified to be in place (`lease`). Otherwise, and on processors without
//! such loops, the kernel makes them, and fails with EFAULT where a load would raise a signal. Nothing here relies on the
//! state of the memory: another thread, or code outside this library, may change it at any time.
//!
//! Functions take a byte range of some [`Pages`] and check that it is inside. The other side of a copy is the caller's
//! own memory (`buffer`), which may fault, too, and does not overlap the range.

mod arch;
mod atomic;
mod handler;
mod lease;
mod scalar;
mod search;
#[cfg(test)]
#[allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap, reason = "small numbers")]
mod tests;
mod two_mappings;

use crate::buffer::{Bytes, Room};
use crate::error::Errno;
use crate::sys::{self, Pages};
use arch::{Loops, Outcome};
use std::mem::MaybeUninit;
use std::ops::Range;

pub use atomic::{Operation, Word, atomic};
pub use lease::{trust, verify};
pub use scalar::{get, low_bytes, put};
pub use search::{count, find, rfind};
pub use two_mappings::{Position, compare, copy};

/// Where an access stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// Bytes done before it.
    pub done: usize,
    /// What stopped it.
    pub by: Stop,
}

/// What stopped an access.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// A fault in the mapped memory, at this byte counted from the first page's start.
    Mapping { at: usize, writing: bool },
    /// A fault in the caller's own buffer.
    Buffer,
    /// A system call failed: the access was not made.
    System(Errno),
}

/// Bytes that are searched or moved at a time: they fit the first-level cache, and the smallest stacks of threads.
const PIECE: usize = 4096;

/// How an access is made.
#[derive(Clone, Copy)]
enum Way {
    /// By loops whose faults the handler repairs.
    Guarded(&'static Loops),
    /// By the kernel.
    Kernel,
}

/// Sets the function that repairs SIGBUS from code outside the loops (see `handler`). Returns false if the handlers are not in
/// place in this thread.
pub fn survive_with(survivor: handler::Survivor) -> bool {
    handler::set_survivor(survivor);
    // Also on processors without loops: the access is the program's own, and the processor repeats it.
    handler::is_in_place()
}

impl Way {
    /// How an access is made now.
    #[inline(always)]
    fn now() -> Way {
        match lease::loops() {
            Some(loops) => Way::Guarded(loops),
            None => Way::Kernel,
        }
    }

    #[inline(always)]
    fn read(self, pages: &Pages, at: usize, to: Room) -> Result<(), Fault> {
        let size = to.size();
        let from = pages.at(at, size).cast_const();
        match self {
            Way::Guarded(loops) => {
                // SAFETY: `at` checked the range, and the buffer is the caller's; the handler repairs a fault on either side.
                let outcome = unsafe { (loops.copy)(to.start(), from, size) };
                counted(pages, at, size, false, outcome)
            }
            // SAFETY: the buffer is the caller's.
            Way::Kernel => unsafe {
                copy_by_kernel(from, to.start(), size, |done| {
                    if is_writable(to.start().wrapping_add(done)) { mapping(at + done, false) } else { Stop::Buffer }
                })
            },
        }
    }

    #[inline(always)]
    fn write(self, pages: &Pages, at: usize, from: Bytes) -> Result<(), Fault> {
        let size = from.size();
        let to = pages.at(at, size);
        match self {
            Way::Guarded(loops) => {
                // SAFETY: as in read.
                let outcome = unsafe { (loops.copy)(to, from.start(), size) };
                counted(pages, at, size, true, outcome)
            }
            // SAFETY: `at` checked the range.
            Way::Kernel => unsafe {
                copy_by_kernel(from.start(), to, size, |done| {
                    if is_readable(from.start().wrapping_add(done)) { mapping(at + done, true) } else { Stop::Buffer }
                })
            },
        }
    }

    fn fill(self, pages: &Pages, range: Range<usize>, byte: u8) -> Result<(), Fault> {
        let to = pages.start_of(&range);
        match self {
            Way::Guarded(loops) => {
                // SAFETY: as in read.
                let outcome = unsafe { (loops.fill)(to, byte, range.len()) };
                counted(pages, range.start, range.len(), true, outcome)
            }
            Way::Kernel => fill_by_kernel(pages, range, byte),
        }
    }

    /// Copies the caller's bytes to the library's own memory.
    fn fetch(self, from: Bytes, to: &mut [MaybeUninit<u8>]) -> Result<(), Fault> {
        debug_assert!(from.size() == to.len());
        // SAFETY: `to` has as many bytes.
        unsafe { self.copy_of_caller(from.start(), to.as_mut_ptr().cast(), from.size()) }
    }

    /// Copies between the caller's memory and the library's own, which does not fault.
    ///
    /// # Safety
    /// `size` bytes may be written at `to`, if they are mapped at all.
    #[inline(always)]
    unsafe fn copy_of_caller(self, from: *const u8, to: *mut u8, size: usize) -> Result<(), Fault> {
        match self {
            Way::Guarded(loops) => {
                // SAFETY: as the caller promises; the handler repairs a fault.
                let outcome = unsafe { (loops.copy)(to, from, size) };
                if outcome.left == 0 { Ok(()) } else { Err(Fault { done: size - outcome.left, by: Stop::Buffer }) }
            }
            // SAFETY: as the caller promises.
            Way::Kernel => unsafe { copy_by_kernel(from, to, size, |_| Stop::Buffer) },
        }
    }

    /// Copies through a window, so that the ranges may overlap.
    fn copy_within(pages: &Pages, to: usize, from: usize, size: usize, way: impl Fn() -> Way) -> Result<(), Fault> {
        let mut piece = Window::<PIECE>::new();
        let mut done = 0;
        // If the target overlaps the source from above, the last bytes go first, so that none is overwritten before it is read.
        let upwards = to > from && to - from < size;
        while done < size {
            let left = size - done;
            let step = if upwards {
                // Down to a page boundary of either side at most: a page faults as a whole, so the number of bytes done is exact.
                left.min(on_last_page(to + left)).min(on_last_page(from + left))
            } else {
                left.min(PIECE)
            };
            let start = if upwards { left - step } else { done };
            let outcome = way().read(pages, from + start, piece.room(step));
            let readable = outcome.err().map_or(step, |fault| fault.done);
            let written = way().write(pages, to + start, piece.filled(readable).into());
            written.map_err(|fault| Fault { done: done + fault.done, ..fault })?;
            outcome.map_err(|fault| Fault { done: done + readable, ..fault })?;
            done += step;
        }
        Ok(())
    }
}

/// Memory of the library that mapped bytes are copied through. Dropping it wipes the bytes, which may be a secret.
struct Window<const SIZE: usize> {
    bytes: [MaybeUninit<u8>; SIZE],
    used: usize,
}

impl<const SIZE: usize> Window<SIZE> {
    fn new() -> Self {
        Window { bytes: [MaybeUninit::uninit(); SIZE], used: 0 }
    }

    fn room(&mut self, size: usize) -> Room<'_> {
        self.used = self.used.max(size);
        (&mut self.bytes[..size]).into()
    }

    /// The first `size` bytes, which a read has filled.
    fn filled(&self, size: usize) -> &[u8] {
        filled(&self.bytes[..size])
    }
}

impl<const SIZE: usize> Drop for Window<SIZE> {
    fn drop(&mut self) {
        wipe(&mut self.bytes[..self.used]);
    }
}

fn wipe(bytes: &mut [MaybeUninit<u8>]) {
    bytes.fill(MaybeUninit::new(0));
    // So that the compiler does not remove stores that nothing reads.
    std::hint::black_box(bytes);
}

// A function of its own, so that only its callers need the stack for it.
#[cold]
#[inline(never)]
fn fill_by_kernel(pages: &Pages, range: Range<usize>, byte: u8) -> Result<(), Fault> {
    let piece = [byte; PIECE];
    let size = range.len();
    let mut done = 0;
    while done < size {
        let step = PIECE.min(size - done);
        let written = Way::Kernel.write(pages, range.start + done, (&piece[..step]).into());
        written.map_err(|fault| Fault { done: done + fault.done, ..fault })?;
        done += step;
    }
    Ok(())
}

/// Copies the caller's bytes to the library's own memory.
#[inline(always)]
pub fn fetch(from: Bytes, to: &mut [u8]) -> Result<(), Fault> {
    // SAFETY: initialised bytes are valid `MaybeUninit` bytes, and `fetch` leaves them initialised.
    let room = unsafe { std::slice::from_raw_parts_mut(to.as_mut_ptr().cast(), to.len()) };
    Way::now().fetch(from, room)
}

/// Copies the library's own memory to the caller's buffer, from its byte `at` on.
#[inline(always)]
pub fn store(from: &[u8], to: &Room, at: usize) -> Result<(), Fault> {
    assert!(at <= to.size() && from.len() <= to.size() - at, "{} bytes at {at} of {}", from.len(), to.size());
    // SAFETY: the buffer is the caller's.
    unsafe { Way::now().copy_of_caller(from.as_ptr(), to.start().wrapping_add(at), from.len()) }
}

/// Copies the bytes of `pages` from `at` on to `to`.
#[inline(always)]
pub fn read(pages: &Pages, at: usize, to: Room) -> Result<(), Fault> {
    Way::now().read(pages, at, to)
}

/// Copies `from` over the bytes of `pages` from `at` on.
#[inline(always)]
pub fn write(pages: &Pages, at: usize, from: Bytes) -> Result<(), Fault> {
    Way::now().write(pages, at, from)
}

/// Sets every byte of the range to `byte`.
pub fn fill(pages: &Pages, range: Range<usize>, byte: u8) -> Result<(), Fault> {
    Way::now().fill(pages, range, byte)
}

/// Moves `size` bytes inside the pages; the ranges may overlap. If the target overlaps the source from above, the last bytes
/// go first.
pub fn copy_within(pages: &Pages, to: usize, from: usize, size: usize) -> Result<(), Fault> {
    Way::copy_within(pages, to, from, size, Way::now)
}

/// How many of the bytes before `end` are in the same page as the last of them, for the smallest page size; at least one.
fn on_last_page(end: usize) -> usize {
    const SMALLEST_PAGE: usize = 4096;
    (end - 1) % SMALLEST_PAGE + 1
}

fn filled(bytes: &[MaybeUninit<u8>]) -> &[u8] {
    // SAFETY: callers pass bytes that a read has filled.
    unsafe { std::slice::from_raw_parts(bytes.as_ptr().cast(), bytes.len()) }
}

/// The outcome of a loop as a result. The bytes done follow from the registers, and from the address of the fault; the two
/// agree, except under valgrind, whose registers are one too far. An address outside the range is in the caller's buffer (or
/// 0, which the processor reports for an address that is not canonical).
#[inline(always)]
fn counted(pages: &Pages, at: usize, size: usize, writing: bool, outcome: Outcome) -> Result<(), Fault> {
    if outcome.left == 0 { Ok(()) } else { Err(stopped(pages, at, size, writing, outcome)) }
}

#[cold]
fn stopped(pages: &Pages, at: usize, size: usize, writing: bool, outcome: Outcome) -> Fault {
    let by_registers = size - outcome.left;
    let by_address = outcome.address.wrapping_sub(pages.base().addr().get() + at);
    if by_address < size {
        let done = by_registers.min(by_address);
        Fault { done, by: Stop::Mapping { at: at + done, writing } }
    } else {
        Fault { done: by_registers, by: Stop::Buffer }
    }
}

fn mapping(at: usize, writing: bool) -> Stop {
    Stop::Mapping { at, writing }
}

// EFAULT does not tell the two sides of a copy apart. Only the caller's side is probed: the mapping may have changed since.

fn is_readable(at: *const u8) -> bool {
    let mut byte = 0u8;
    // SAFETY: the byte is this function's; the kernel checks the address.
    unsafe { sys::copy(at, &raw mut byte, 1) == Ok(1) }
}

/// Whether a byte can be written: it is read, and written again.
fn is_writable(at: *mut u8) -> bool {
    let mut byte = 0u8;
    // SAFETY: as above, and the caller may write the byte.
    unsafe { sys::copy(at, &raw mut byte, 1) == Ok(1) && sys::copy(&raw const byte, at, 1) == Ok(1) }
}

/// Repeats a copy that may be partial until all bytes are done or one faults. `stop` returns what a fault after that many bytes
/// is.
///
/// # Safety
/// The caller may write `size` bytes at `to`, if they are mapped at all.
#[cold]
#[inline(never)]
unsafe fn copy_by_kernel(from: *const u8, to: *mut u8, size: usize, stop: impl FnOnce(usize) -> Stop) -> Result<(), Fault> {
    let mut done = 0;
    while done < size {
        // SAFETY: as the caller promises.
        match unsafe { sys::copy(from.wrapping_add(done), to.wrapping_add(done), size - done) } {
            Ok(0) | Err(Errno::EFAULT) => return Err(Fault { done, by: stop(done) }),
            Ok(step) => done += step,
            Err(errno) => return Err(Fault { done, by: Stop::System(errno) }),
        }
    }
    Ok(())
}
