//! A handle: a generation above the index of a slot.

use super::slot_state::Unusable;
use crate::error::{Error, Result};

/// Identifies a mapping until the process ends: positive, and never used twice.
pub type Handle = i64;

/// The generation is above these bits, the index in them; 31 bits keep the handle positive.
pub const INDEX_BITS: u32 = 31;

pub fn handle(generation: u32, index: u32) -> Handle {
    i64::from(generation) << INDEX_BITS | i64::from(index)
}

#[inline(always)]
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "takes the word apart")]
pub fn index(handle: Handle) -> u32 {
    (handle & ((1 << INDEX_BITS) - 1)) as u32
}

/// The bits of the generation; for a negative handle they are larger than any generation.
#[inline(always)]
#[allow(clippy::cast_sign_loss, reason = "takes the word apart")]
pub fn generation_bits(handle: Handle) -> u64 {
    (handle >> INDEX_BITS) as u64
}

pub fn generation(handle: Handle) -> Result<u32, Unusable> {
    u32::try_from(generation_bits(handle)).ok().filter(|generation| *generation > 0).ok_or(Unusable::NeverBegan)
}

/// The error for a generation that cannot be used.
#[cold]
pub fn unusable(handle: Handle, reason: Unusable) -> Box<Error> {
    Box::new(match reason {
        Unusable::Ended => Error::Unmapped(handle),
        Unusable::NeverBegan => Error::Handle(handle),
        Unusable::Changing => Error::Occupied,
    })
}
