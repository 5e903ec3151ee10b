//! Atomic operations on an aligned word of mapped memory that may refuse. All are sequentially consistent.

use super::engine::{self, Loops};
use super::{Fault, Refusal, handler};
use crate::sys::Pages;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::SeqCst};

/// How wide a word is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    Bits32,
    Bits64,
}

impl Word {
    pub fn bytes(self) -> usize {
        match self {
            Word::Bits32 => 4,
            Word::Bits64 => 8,
        }
    }
}

/// What is done to a word; of 32-bit words, with the low bits of the operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    Load,
    /// Wraps around.
    Add(u64),
    Exchange(u64),
    CompareExchange {
        expected: u64,
        desired: u64,
    },
}

impl Operation {
    pub fn writes(self) -> bool {
        self != Operation::Load
    }
}

/// Whether this processor has operations of ours, whose faults can be repaired.
pub fn has_atomics() -> bool {
    !engine::loops().is_empty()
}

/// Does the operation on the word at `at`, a multiple of its width, and answers the word before. None, and nothing done,
/// where a refusal could not be repaired now: the kernel, which copies then, has no atomic operations for others.
///
/// What the protection may forbid is tried all the same, where both signals come here.
pub fn atomic(pages: &Pages, at: usize, word: Word, operation: Operation, certain: bool) -> Option<Result<u64, Fault>> {
    let loops = if certain { handler::guard() } else { handler::guard_of_both() };
    loops.map(|loops| guarded(loops, pages, at, word, operation))
}

pub(super) fn guarded(loops: &Loops, pages: &Pages, at: usize, word: Word, operation: Operation) -> Result<u64, Fault> {
    let address = aligned(pages, at, word);
    let of = match word {
        Word::Bits32 => &loops.atomics[0],
        Word::Bits64 => &loops.atomics[1],
    };
    let (function, operand, expected) = match operation {
        Operation::Load => (of.load, 0, 0),
        Operation::Add(operand) => (of.add, operand, 0),
        Operation::Exchange(operand) => (of.exchange, operand, 0),
        Operation::CompareExchange { expected, desired } => (of.compare_exchange, desired, expected),
    };
    // SAFETY: `aligned` checked the place; a fault there is repaired.
    let before = unsafe { function(address, operand, expected) };
    if before.refused == 0 {
        Ok(before.bits)
    } else {
        Err(Fault { done: 0, by: Refusal::Mapping { at, writing: operation.writes() } })
    }
}

/// The same by this language's own atomics: for memory that does not refuse, because it has no file and its protection
/// allows the operation. Where it does refuse all the same, the process ends, as by any access of its own.
pub fn unguarded(pages: &Pages, at: usize, word: Word, operation: Operation) -> u64 {
    macro_rules! on {
        ($atomic:ty, $bits:ty) => {{
            let low = |bits: u64| bits as $bits;
            // SAFETY: `aligned` checked the place, which is mapped for as long as `pages` live.
            let word = unsafe { <$atomic>::from_ptr(aligned(pages, at, word).cast()) };
            match operation {
                Operation::Load => word.load(SeqCst),
                Operation::Add(operand) => word.fetch_add(low(operand), SeqCst),
                Operation::Exchange(operand) => word.swap(low(operand), SeqCst),
                Operation::CompareExchange { expected, desired } => {
                    word.compare_exchange(low(expected), low(desired), SeqCst, SeqCst).unwrap_or_else(|different| different)
                }
            }
        }};
    }
    #[allow(clippy::cast_possible_truncation, reason = "the low bits are meant")]
    match word {
        Word::Bits32 => u64::from(on!(AtomicU32, u32)),
        Word::Bits64 => on!(AtomicU64, u64),
    }
}

fn aligned(pages: &Pages, at: usize, word: Word) -> *mut u8 {
    let address = pages.at(&(at..at + word.bytes()));
    assert!(address.addr() % word.bytes() == 0, "a word of {} bytes at {address:p}", word.bytes());
    address
}
