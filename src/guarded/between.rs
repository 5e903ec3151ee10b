//! Copying and comparing between two mappings, of which either may refuse.

use super::{Fault, PIECE, Refusal, Way, filled};
use crate::error::Side;
use crate::sys::Pages;
use std::mem::MaybeUninit;

/// Where the bytes of one of the two begin.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    pub side: Side,
    pub pages: &'a Pages,
    pub at: usize,
    /// The protection allows the access for certain.
    pub certain: bool,
}

impl Place<'_> {
    fn refused(self, done: usize, fault: Fault) -> (Side, Fault) {
        (self.side, Fault { done: done + fault.done, ..fault })
    }
}

/// Copies `size` bytes from one mapping to another.
pub fn copy(to: Place, from: Place, size: usize) -> Result<(), (Side, Fault)> {
    copy_by(Way::new(to.certain), Way::new(from.certain), to, from, size)
}

pub(super) fn copy_by(write: Way, read: Way, to: Place, from: Place, size: usize) -> Result<(), (Side, Fault)> {
    if let (Way::Guarded(loops), Way::Guarded(_)) = (write, read) {
        let target = to.pages.at(&(to.at..to.at + size));
        let source = from.pages.at(&(from.at..from.at + size)).cast_const();
        // SAFETY: `at` checked both ranges; a fault on either side is repaired.
        let outcome = unsafe { (loops.copy)(target, source, size) };
        if outcome.left == 0 {
            return Ok(());
        }
        // The address of the fault tells which side refused, and how far it came (as in `stopped`).
        let by_registers = size - outcome.left;
        let by_address = |start: *const u8| outcome.address.wrapping_sub(start.addr());
        let (place, writing, by_address) = match by_address(target) {
            within if within < size => (to, true, within),
            _ => (from, false, by_address(source)),
        };
        let done = by_registers.min(by_address);
        let by = Refusal::Mapping { at: place.at + done, writing };
        return Err(place.refused(0, Fault { done, by }));
    }
    let mut piece = [MaybeUninit::uninit(); PIECE];
    let mut done = 0;
    while done < size {
        let step = PIECE.min(size - done);
        let outcome = read.read(from.pages, from.at + done, &mut piece[..step]);
        let readable = outcome.err().map_or(step, |fault| fault.done);
        let written = write.write(to.pages, to.at + done, filled(&piece[..readable]));
        written.map_err(|fault| to.refused(done, fault))?;
        outcome.map_err(|fault| from.refused(done, fault))?;
        done += step;
    }
    Ok(())
}

/// How many of `size` bytes are equal, from the start on. A difference before the place that refuses is an answer.
pub fn compare(first: Place, second: Place, size: usize) -> Result<usize, (Side, Fault)> {
    compare_by(Way::new(first.certain), Way::new(second.certain), first, second, size)
}

pub(super) fn compare_by(a: Way, b: Way, first: Place, second: Place, size: usize) -> Result<usize, (Side, Fault)> {
    let mut done = 0;
    if let (Way::Guarded(loops), Way::Guarded(_)) = (a, b) {
        let (left, right) = (first.pages.at(&(first.at..first.at + size)), second.pages.at(&(second.at..second.at + size)));
        // SAFETY: `at` checked both ranges; a fault on either side ends the loop.
        done = unsafe { (loops.equal)(left, right, size) };
    }
    // The byte that differs or refuses is found piece by piece. Both pieces stay in the first cache.
    let mut pieces = [[MaybeUninit::uninit(); PIECE / 2]; 2];
    while done < size {
        let step = (PIECE / 2).min(size - done);
        let [left, right] = &mut pieces;
        let of_first = a.read(first.pages, first.at + done, &mut left[..step]);
        let readable = of_first.err().map_or(step, |fault| fault.done);
        let of_second = b.read(second.pages, second.at + done, &mut right[..readable]);
        let both = of_second.err().map_or(readable, |fault| fault.done);
        let (left, right) = (filled(&left[..both]), filled(&right[..both]));
        if left != right {
            let equal = left.iter().zip(right).position(|(left, right)| left != right);
            return Ok(done + equal.unwrap_or(both));
        }
        of_second.map_err(|fault| second.refused(done, fault))?;
        of_first.map_err(|fault| first.refused(done, fault))?;
        done += step;
    }
    Ok(size)
}
