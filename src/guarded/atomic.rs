//! Atomic operations on an aligned word of mapped memory that may fault. All are sequentially consistent.

use super::arch::Loops;
use super::{Fault, Stop, Way};
use crate::sys::{self, Pages};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::SeqCst};

/// The width of a word.
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

/// An operation on a word; for 32-bit words, the low bits of the operands count.
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

/// Does the operation on the word at `at`, a multiple of its width, and returns the old value.
///
/// The kernel has no atomic operations that report a fault. If the handler could not repair a fault of this thread, a child
/// process that shares the memory does the operation (`sys::run_apart`), and a fault ends only the child.
pub fn atomic(pages: &Pages, at: usize, word: Word, operation: Operation) -> Result<u64, Fault> {
    atomic_by(Way::now(), pages, at, word, operation)
}

pub(super) fn atomic_by(way: Way, pages: &Pages, at: usize, word: Word, operation: Operation) -> Result<u64, Fault> {
    match way {
        Way::Guarded(loops) => guarded(loops, pages, at, word, operation),
        Way::Kernel => apart(pages, at, word, operation),
    }
}

fn guarded(loops: &Loops, pages: &Pages, at: usize, word: Word, operation: Operation) -> Result<u64, Fault> {
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
    // SAFETY: `aligned` checked the address; the handler repairs a fault.
    let before = unsafe { function(address, operand, expected) };
    if before.faulted == 0 { Ok(before.bits) } else { Err(fault(at, operation)) }
}

fn fault(at: usize, operation: Operation) -> Fault {
    Fault { done: 0, by: Stop::Mapping { at, writing: operation.writes() } }
}

/// The operation, and its result: the old value.
struct Job {
    address: *mut u8,
    word: Word,
    operation: Operation,
    before: u64,
}

#[cold]
#[inline(never)]
fn apart(pages: &Pages, at: usize, word: Word, operation: Operation) -> Result<u64, Fault> {
    let mut job = Job { address: aligned(pages, at, word), word, operation, before: 0 };
    match sys::run_apart(run, &mut job) {
        Ok(true) => Ok(job.before),
        Ok(false) => Err(fault(at, operation)),
        Err(errno) => Err(Fault { done: 0, by: Stop::System(errno) }),
    }
}

/// Runs in the child process; makes only loads and stores.
fn run(job: &mut Job) {
    macro_rules! on {
        ($atomic:ty, $bits:ty) => {{
            let low = |bits: u64| bits as $bits;
            // SAFETY: `aligned` checked the address; a fault ends the child process.
            let word = unsafe { <$atomic>::from_ptr(job.address.cast()) };
            match job.operation {
                Operation::Load => word.load(SeqCst),
                Operation::Add(operand) => word.fetch_add(low(operand), SeqCst),
                Operation::Exchange(operand) => word.swap(low(operand), SeqCst),
                Operation::CompareExchange { expected, desired } => loop {
                    match word.compare_exchange(low(expected), low(desired), SeqCst, SeqCst) {
                        Ok(before) => break before,
                        // A comparison that fails stores nothing where an exchange is a load and a conditional store. That the
                        // memory cannot be written is a fault here, too: what is there is stored again.
                        Err(before) if word.compare_exchange(before, before, SeqCst, SeqCst).is_ok() => break before,
                        Err(_) => {}
                    }
                },
            }
        }};
    }
    #[allow(clippy::cast_possible_truncation, reason = "the low bits are meant")]
    let before = match job.word {
        Word::Bits32 => u64::from(on!(AtomicU32, u32)),
        Word::Bits64 => on!(AtomicU64, u64),
    };
    job.before = before;
}

fn aligned(pages: &Pages, at: usize, word: Word) -> *mut u8 {
    let address = pages.at(at, word.bytes());
    assert!(address.addr() % word.bytes() == 0, "a word of {} bytes at {address:p}", word.bytes());
    address
}
