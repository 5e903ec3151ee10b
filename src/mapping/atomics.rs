//! Words that threads and processes share: atomic operations, waiting, waking.

use super::{Mapping, from_bits, to_bits, to_i64};
use crate::error::{Errno, Error, Result};
use crate::guarded::{self, Fault, Operation, Stop, Word};
use crate::range::{REST, Span};
use crate::sys;
use std::time::Duration;

/// How a wait ended, other than by an error.
///
/// ```
/// use mmap_wrap::{Mapping, Waited};
/// # let memory = Mapping::anonymous(4)?;
/// # if memory.wake(0, 1).is_ok() {
/// assert_eq!(memory.wait(0, 7, None)?, Waited::Different);
/// # }
/// # Ok::<(), mmap_wrap::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waited {
    /// By a wake, or, rarely, without one (a spurious wakeup).
    Woken,
    /// The word had another value already.
    Different,
}

impl Mapping {
    /// Loads the word of `bits` (32 or 64) at `offset`, whose address must be a multiple of its width. All atomic operations
    /// are sequentially consistent; numbers are signed.
    ///
    /// ```
    /// # use mmap_wrap::internals::{Mapping, constants::*};
    /// # let memory = Mapping::anonymous(16, PROT_READ | PROT_WRITE, MAP_SHARED)?;
    /// # if memory.atomic_load(32, 0).is_ok() {
    /// memory.atomic_store(32, 4, 41)?;
    /// assert_eq!(memory.atomic_add(32, 4, 1)?, 41);
    /// assert_eq!(memory.atomic_load(32, 4)?, 42);
    /// assert_eq!(memory.atomic_exchange(32, 4, -1)?, 42);
    /// assert_eq!(memory.atomic_compare_exchange(32, 4, 42, 0)?, Err(-1));
    /// assert_eq!(memory.atomic_compare_exchange(32, 4, -1, 0)?, Ok(-1));
    /// # }
    /// # Ok::<(), Box<mmap_wrap::internals::Error>>(())
    /// ```
    pub fn atomic_load(&self, bits: i64, offset: i64) -> Result<i64> {
        self.atomic(word(bits)?, offset, Operation::Load)
    }

    /// Stores the word.
    pub fn atomic_store(&self, bits: i64, offset: i64, value: i64) -> Result<()> {
        self.atomic_exchange(bits, offset, value).map(drop)
    }

    /// Adds to the word, wrapping around; returns its previous value.
    pub fn atomic_add(&self, bits: i64, offset: i64, value: i64) -> Result<i64> {
        let word = word(bits)?;
        self.atomic(word, offset, Operation::Add(operand(word, value)?))
    }

    /// Stores the word; returns its previous value.
    pub fn atomic_exchange(&self, bits: i64, offset: i64, value: i64) -> Result<i64> {
        let word = word(bits)?;
        self.atomic(word, offset, Operation::Exchange(operand(word, value)?))
    }

    /// Stores `desired` if the word is `expected`; returns its previous value: `Ok` if it was stored, else `Err`.
    pub fn atomic_compare_exchange(&self, bits: i64, offset: i64, expected: i64, desired: i64) -> Result<Result<i64, i64>> {
        let word = word(bits)?;
        let (expected, desired) = (operand(word, expected)?, operand(word, desired)?);
        let before = self.atomic(word, offset, Operation::CompareExchange { expected, desired })?;
        Ok(if before == number(word, expected) { Ok(before) } else { Err(before) })
    }

    /// Checks that `offset` is aligned for a word of 64 bits.
    pub(crate) fn check_word(&self, offset: i64) -> Result<()> {
        self.span(offset, to_i64(Word::Bits64.bytes()))?.aligned_word(self.grid).map(drop)
    }

    fn atomic(&self, word: Word, offset: i64, operation: Operation) -> Result<i64> {
        let span = self.span(offset, to_i64(word.bytes()))?;
        let at = span.aligned_word(self.grid)?;
        let outcome = guarded::atomic(&self.pages, at, word, operation);
        outcome.map(|before| number(word, before)).map_err(|fault| match fault.by {
            Stop::System(errno) => no_atomics(errno),
            _ => self.fault(fault, span),
        })
    }

    /// Waits while the 32-bit word at `offset` is `expected`, until a wake, or for `timeout` nanoseconds; `REST` waits
    /// indefinitely.
    ///
    /// ```
    /// # use mmap_wrap::internals::{Mapping, constants::*, mapping::Waited};
    /// # let memory = Mapping::anonymous(16, PROT_READ | PROT_WRITE, MAP_SHARED)?;
    /// assert_eq!(memory.wait(0, 7, 1_000_000)?, Waited::Different);
    /// assert!(memory.wait(0, 0, 1_000_000).unwrap_err().to_string().contains("ETIMEDOUT"));
    /// assert_eq!(memory.wake(0, 1)?, 0);
    /// # Ok::<(), Box<mmap_wrap::internals::Error>>(())
    /// ```
    pub fn wait(&self, offset: i64, expected: i64, timeout: i64) -> Result<Waited> {
        let time = match u64::try_from(timeout) {
            Ok(nanoseconds) => Duration::from_nanos(nanoseconds),
            Err(_) if timeout == REST => Duration::MAX,
            Err(_) => return Err(Error::Negative { what: "timeout", value: timeout }.into()),
        };
        let (address, span) = self.futex(offset)?;
        let bits = operand(Word::Bits32, expected)?;
        match sys::wait_on(address, bits, time) {
            Ok(()) => Ok(Waited::Woken),
            Err(Errno::EAGAIN) => Ok(Waited::Different),
            Err(errno) => Err(self.futex_error(errno, span, format!("wait at offset {offset} while it is {expected}"))),
        }
    }

    /// Wakes up to `count` threads (`REST`: all) that wait on the 32-bit word at `offset`; returns how many it woke.
    pub fn wake(&self, offset: i64, count: i64) -> Result<usize> {
        let count = match i32::try_from(count) {
            Ok(count @ 0..) => count,
            // More than the kernel can count is all of them.
            Err(_) if count > 0 || count == REST => i32::MAX,
            _ => return Err(Error::Negative { what: "count", value: count }.into()),
        };
        let (address, span) = self.futex(offset)?;
        if count == 0 {
            // With a count of 0 the kernel wakes one.
            return Ok(0);
        }
        let woken = sys::wake(address, count);
        woken.map_err(|errno| self.futex_error(errno, span, format!("wake {count} at offset {offset}")))
    }

    fn futex(&self, offset: i64) -> Result<(*mut u8, Span)> {
        let span = self.span(offset, to_i64(Word::Bits32.bytes()))?;
        let at = span.aligned_word(self.grid)?;
        Ok((self.pages.at(at, span.size), span))
    }

    #[cold]
    fn futex_error(&self, errno: Errno, span: Span, attempt: String) -> Box<Error> {
        match errno {
            Errno::EFAULT => {
                let at = span.bytes(self.grid).start;
                self.fault(Fault { done: 0, by: Stop::Mapping { at, writing: false } }, span)
            }
            Errno::ENOSYS => Error::unsupported("waiting on a word (futex)"),
            errno => Error::system(errno, attempt, ""),
        }
    }
}

fn word(bits: i64) -> Result<Word> {
    match bits {
        32 => Ok(Word::Bits32),
        64 => Ok(Word::Bits64),
        _ => Err(Error::argument(format!("a word of {bits} bits: it must be 32 or 64"))),
    }
}

/// The bits of a number for a word. A word of 32 bits takes signed and unsigned numbers.
fn operand(word: Word, value: i64) -> Result<u64> {
    if word == Word::Bits32 && i32::try_from(value).is_err() && u32::try_from(value).is_err() {
        let (least, greatest) = (i32::MIN, u32::MAX);
        return Err(Error::argument(format!("{value} does not fit a word of 32 bits: {least} to {greatest}")));
    }
    Ok(to_bits(value))
}

/// The signed number of a word's low bits.
fn number(word: Word, bits: u64) -> i64 {
    let spare = 64 - 8 * word.bytes();
    from_bits(bits << spare) >> spare
}

#[cold]
fn no_atomics(errno: Errno) -> Box<Error> {
    match errno {
        Errno::ENOSYS => Error::unsupported(
            "an atomic access whose fault could not be repaired: SIGBUS or SIGSEGV has another handler than this library's or \
             is blocked in this thread, or the processor has none (unblock both and unpin them to this library: without \
             them it)",
        ),
        errno => Error::system(errno, "start a process for an atomic access, without this library's signal handlers", ""),
    }
}
