//! Copying and comparing between two mappings, either of which may fault.

use super::{Fault, PIECE, Stop, Way, Window};
use crate::error::Side;
use crate::sys::Pages;

/// The start of the bytes in one of the two mappings.
#[derive(Clone, Copy)]
pub struct Position<'a> {
    pub side: Side,
    pub pages: &'a Pages,
    pub at: usize,
}

impl Position<'_> {
    fn faulted(self, done: usize, fault: Fault) -> (Side, Fault) {
        (self.side, Fault { done: done + fault.done, ..fault })
    }
}

/// Copies `size` bytes from one mapping to another.
pub fn copy(to: Position, from: Position, size: usize) -> Result<(), (Side, Fault)> {
    copy_by(Way::now, to, from, size)
}

pub(super) fn copy_by(way: impl Fn() -> Way, to: Position, from: Position, size: usize) -> Result<(), (Side, Fault)> {
    if let Way::Guarded(loops) = way() {
        let target = to.pages.at(to.at, size);
        let source = from.pages.at(from.at, size).cast_const();
        // SAFETY: `at` checked both ranges; the handler repairs a fault on either side.
        let outcome = unsafe { (loops.copy)(target, source, size) };
        if outcome.left == 0 {
            return Ok(());
        }
        // The address of the fault determines which side faulted, and how many bytes were done (as in `stopped`).
        let by_registers = size - outcome.left;
        let by_address = |start: *const u8| outcome.address.wrapping_sub(start.addr());
        let (place, writing, by_address) = match by_address(target) {
            within if within < size => (to, true, within),
            _ => (from, false, by_address(source)),
        };
        let done = by_registers.min(by_address);
        let by = Stop::Mapping { at: place.at + done, writing };
        return Err(place.faulted(0, Fault { done, by }));
    }
    let mut piece = Window::<PIECE>::new();
    let mut done = 0;
    while done < size {
        let step = PIECE.min(size - done);
        let outcome = way().read(from.pages, from.at + done, piece.room(step));
        let readable = outcome.err().map_or(step, |fault| fault.done);
        let written = way().write(to.pages, to.at + done, piece.filled(readable).into());
        written.map_err(|fault| to.faulted(done, fault))?;
        outcome.map_err(|fault| from.faulted(done, fault))?;
        done += step;
    }
    Ok(())
}

/// How many of `size` bytes are equal, from the start. A difference before the byte that faults is a result, not a fault.
pub fn compare(first: Position, second: Position, size: usize) -> Result<usize, (Side, Fault)> {
    compare_by(Way::now, first, second, size)
}

pub(super) fn compare_by(way: impl Fn() -> Way, first: Position, second: Position, size: usize) -> Result<usize, (Side, Fault)> {
    let mut done = 0;
    if let Way::Guarded(loops) = way() {
        let (left, right) = (first.pages.at(first.at, size), second.pages.at(second.at, size));
        // SAFETY: `at` checked both ranges; a fault on either side ends the loop.
        done = unsafe { (loops.equal)(left, right, size) };
    }
    // Piece by piece, to find the byte that differs or faults.
    const STEP: usize = PIECE / 2;
    let (mut left, mut right) = (Window::<STEP>::new(), Window::<STEP>::new());
    while done < size {
        let step = STEP.min(size - done);
        let of_first = way().read(first.pages, first.at + done, left.room(step));
        let readable = of_first.err().map_or(step, |fault| fault.done);
        let of_second = way().read(second.pages, second.at + done, right.room(readable));
        let both = of_second.err().map_or(readable, |fault| fault.done);
        let (one, other) = (left.filled(both), right.filled(both));
        if one != other {
            let equal = one.iter().zip(other).position(|(one, other)| one != other);
            return Ok(done + equal.unwrap_or(both));
        }
        of_second.map_err(|fault| second.faulted(done, fault))?;
        of_first.map_err(|fault| first.faulted(done, fault))?;
        done += step;
    }
    Ok(size)
}
