//! Single numbers of 1, 2, 4 or 8 bytes, of any alignment, in the machine's own byte order.

use super::arch::{Loops, Scalar};
use super::{Fault, Way};
use crate::sys::Pages;
use std::ops::Range;

/// The number at `at`, by one load if possible.
#[inline(always)]
pub fn get(pages: &Pages, at: usize, width: usize) -> Result<u64, Fault> {
    get_by(Way::now(), pages, at, width)
}

/// Sets the number at `at`, by one store if possible.
#[inline(always)]
pub fn put(pages: &Pages, at: usize, width: usize, bits: u64) -> Result<(), Fault> {
    put_by(Way::now(), pages, at, width, bits)
}

#[inline(always)]
pub(super) fn get_by(way: Way, pages: &Pages, at: usize, width: usize) -> Result<u64, Fault> {
    if let Way::Guarded(loops) = way {
        // SAFETY: `at` checked the range; the handler repairs a fault.
        let word = unsafe { (with_width(loops, width).get)(pages.at(at, width), 0, 0) };
        if word.faulted == 0 {
            return Ok(word.bits);
        }
    }
    get_by_bytes(way, pages, at, width)
}

#[inline(always)]
pub(super) fn put_by(way: Way, pages: &Pages, at: usize, width: usize, bits: u64) -> Result<(), Fault> {
    if let Way::Guarded(loops) = way {
        // SAFETY: as in get_by.
        let word = unsafe { (with_width(loops, width).put)(pages.at(at, width), bits, 0) };
        if word.faulted == 0 {
            return Ok(());
        }
    }
    put_by_bytes(way, pages, at, width, bits)
}

/// The position of the bytes of a narrower number among the eight of a machine word.
pub fn low_bytes(width: usize) -> Range<usize> {
    if cfg!(target_endian = "big") { 8 - width..8 } else { 0..width }
}

#[inline(always)]
fn with_width(loops: &Loops, width: usize) -> &Scalar {
    &loops.scalars[width.trailing_zeros() as usize & 3]
}

// If the one instruction faults, the bytes are copied, which also determines how many of them can be.
#[cold]
#[inline(never)]
fn get_by_bytes(way: Way, pages: &Pages, at: usize, width: usize) -> Result<u64, Fault> {
    let mut bytes = [0u8; 8];
    way.read(pages, at, (&mut bytes[low_bytes(width)]).into())?;
    Ok(u64::from_ne_bytes(bytes))
}

#[cold]
#[inline(never)]
fn put_by_bytes(way: Way, pages: &Pages, at: usize, width: usize, bits: u64) -> Result<(), Fault> {
    way.write(pages, at, (&bits.to_ne_bytes()[low_bytes(width)]).into())
}
