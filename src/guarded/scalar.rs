//! Single numbers, of 1, 2, 4 or 8 bytes and of any alignment, in the machine's own order of bytes.

use super::arch::{Loops, Scalar};
use super::{Fault, Way};
use crate::sys::Pages;
use std::ops::Range;

/// The number at `at`, by one load where the memory allows it.
#[inline(always)]
pub fn get(pages: &Pages, at: usize, width: usize) -> Result<u64, Fault> {
    get_by(Way::now(), pages, at, width)
}

/// Sets the number at `at`, by one store where the memory allows it.
#[inline(always)]
pub fn put(pages: &Pages, at: usize, width: usize, bits: u64) -> Result<(), Fault> {
    put_by(Way::now(), pages, at, width, bits)
}

#[inline(always)]
pub(super) fn get_by(way: Way, pages: &Pages, at: usize, width: usize) -> Result<u64, Fault> {
    if let Way::Guarded(loops) = way {
        // SAFETY: `at` checked the range; a fault is repaired.
        let word = unsafe { (of_width(loops, width).get)(pages.at(at, width), 0, 0) };
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
        let word = unsafe { (of_width(loops, width).put)(pages.at(at, width), bits, 0) };
        if word.faulted == 0 {
            return Ok(());
        }
    }
    put_by_bytes(way, pages, at, width, bits)
}

/// Where in the machine's own eight bytes those of a narrower number stand.
pub fn low_bytes(width: usize) -> Range<usize> {
    if cfg!(target_endian = "big") { 8 - width..8 } else { 0..width }
}

#[inline(always)]
fn of_width(loops: &Loops, width: usize) -> &Scalar {
    &loops.scalars[width.trailing_zeros() as usize & 3]
}

// What one instruction cannot do is done as for any bytes, which also says how far it came.
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
