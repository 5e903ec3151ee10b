//! Words that threads and processes share: atomic operations, waiting, waking.

use super::{Error, Mapping, Result, number};
use crate::mapping::Waited;
use crate::range::REST;
use crate::registry;
use std::time::Duration;

/// An integer of 32 or 64 bits for atomic operations.
///
/// ```
/// fn next<T: mmap_wrap::Atomic + From<u8>>(counter: &mmap_wrap::Mapping) -> mmap_wrap::Result<T> {
///     counter.atomic_fetch_add(0, T::from(1))
/// }
/// let counter = mmap_wrap::Mapping::anonymous(8)?;
/// # if counter.atomic_load::<u64>(0).is_ok() {
/// next::<u64>(&counter)?;
/// assert_eq!(next::<u64>(&counter)?, 1);
/// # }
/// # Ok::<(), mmap_wrap::Error>(())
/// ```
pub trait Atomic: Copy + sealed::Word {}

mod sealed {
    /// Conversion to and from a signed number of 64 bits.
    pub trait Word {
        const BITS: i64;
        fn from_word(word: i64) -> Self;
        fn to_word(self) -> i64;
    }
}

macro_rules! words {
    ($($type:ident $bits:literal)*) => {
        $(impl sealed::Word for $type {
            const BITS: i64 = $bits;

            #[inline]
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::unnecessary_cast, reason = "the low bits")]
            fn from_word(word: i64) -> Self {
                word as $type
            }

            #[inline]
            #[allow(clippy::cast_possible_wrap, clippy::cast_lossless, clippy::unnecessary_cast, reason = "the same bits")]
            fn to_word(self) -> i64 {
                self as i64
            }
        }

        impl Atomic for $type {})*
    };
}

words! { u32 32 i32 32 u64 64 i64 64 }

impl Mapping {
    /// Loads the word at `offset`, whose address must be a multiple of its width. All atomic operations are sequentially
    /// consistent, between threads and between processes.
    ///
    /// ```
    /// let memory = mmap_wrap::Mapping::anonymous(16)?;
    /// # if memory.atomic_load::<u32>(0).is_ok() {
    /// memory.atomic_store(4, 41_u32)?;
    /// assert_eq!(memory.atomic_load::<u32>(4)?, 41);
    /// # }
    /// # Ok::<(), mmap_wrap::Error>(())
    /// ```
    pub fn atomic_load<T: Atomic>(&self, offset: usize) -> Result<T> {
        self.with("atomic_load", |core| core.atomic_load(T::BITS, number(offset)).map(T::from_word))
    }

    /// Stores the word.
    ///
    /// ```
    /// let memory = mmap_wrap::Mapping::anonymous(16)?;
    /// # if memory.atomic_load::<u32>(0).is_ok() {
    /// memory.atomic_store(8, u64::MAX)?;
    /// assert_eq!(memory.atomic_load::<u64>(8)?, u64::MAX);
    /// # }
    /// # Ok::<(), mmap_wrap::Error>(())
    /// ```
    pub fn atomic_store<T: Atomic>(&self, offset: usize, value: T) -> Result<()> {
        self.with("atomic_store", |core| core.atomic_store(T::BITS, number(offset), value.to_word()))
    }

    /// Adds to the word, wrapping around; returns its previous value.
    ///
    /// ```
    /// let memory = mmap_wrap::Mapping::anonymous(16)?;
    /// # if memory.atomic_load::<u32>(0).is_ok() {
    /// assert_eq!(memory.atomic_fetch_add(0, -1_i64)?, 0);
    /// assert_eq!(memory.atomic_load::<i64>(0)?, -1);
    /// # }
    /// # Ok::<(), mmap_wrap::Error>(())
    /// ```
    pub fn atomic_fetch_add<T: Atomic>(&self, offset: usize, value: T) -> Result<T> {
        self.with("atomic_fetch_add", |core| core.atomic_add(T::BITS, number(offset), value.to_word()).map(T::from_word))
    }

    /// Stores the word; returns its previous value.
    ///
    /// ```
    /// let memory = mmap_wrap::Mapping::anonymous(16)?;
    /// # if memory.atomic_load::<u32>(0).is_ok() {
    /// assert_eq!(memory.atomic_swap(0, 7_u32)?, 0);
    /// # }
    /// # Ok::<(), mmap_wrap::Error>(())
    /// ```
    pub fn atomic_swap<T: Atomic>(&self, offset: usize, value: T) -> Result<T> {
        self.with("atomic_swap", |core| core.atomic_exchange(T::BITS, number(offset), value.to_word()).map(T::from_word))
    }

    /// Stores `new` if the word is `current`; returns its previous value: `Ok` if it was stored, else `Err`.
    ///
    /// ```
    /// let memory = mmap_wrap::Mapping::anonymous(16)?;
    /// # if memory.atomic_load::<u32>(0).is_ok() {
    /// assert_eq!(memory.atomic_compare_exchange(0, 0_u32, 7)?, Ok(0));
    /// assert_eq!(memory.atomic_compare_exchange(0, 0_u32, 8)?, Err(7));
    /// # }
    /// # Ok::<(), mmap_wrap::Error>(())
    /// ```
    pub fn atomic_compare_exchange<T: Atomic>(&self, offset: usize, current: T, new: T) -> Result<Result<T, T>> {
        self.with("atomic_compare_exchange", |core| {
            let before = core.atomic_compare_exchange(T::BITS, number(offset), current.to_word(), new.to_word())?;
            Ok(before.map(T::from_word).map_err(T::from_word))
        })
    }

    /// Waits while the word at `offset` is `expected`, until a wake or the timeout; `None` waits indefinitely. A timeout is an
    /// error of ETIMEDOUT, [`std::io::ErrorKind::TimedOut`].
    ///
    /// ```
    /// use mmap_wrap::{Mapping, Waited};
    /// use std::time::Duration;
    /// let memory = Mapping::anonymous(16)?;
    /// # if memory.wake(0, 1).is_ok() {
    /// assert_eq!(memory.wait(0, 7, None)?, Waited::Different);
    /// let error = std::io::Error::from(memory.wait(0, 0, Some(Duration::from_millis(1))).unwrap_err());
    /// assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
    /// # }
    /// # Ok::<(), mmap_wrap::Error>(())
    /// ```
    pub fn wait(&self, offset: usize, expected: u32, timeout: Option<Duration>) -> Result<Waited> {
        registry::wait(self.handle, number(offset), expected.into(), nanoseconds(timeout)).map_err(Error::in_operation("wait"))
    }

    /// Wakes up to `count` threads that wait on the word at `offset`; returns how many it woke.
    ///
    /// ```
    /// let memory = mmap_wrap::Mapping::anonymous(16)?;
    /// # if memory.wake(0, 1).is_ok() {
    /// assert_eq!(memory.wake(0, usize::MAX)?, 0);
    /// # }
    /// # Ok::<(), mmap_wrap::Error>(())
    /// ```
    pub fn wake(&self, offset: usize, count: usize) -> Result<usize> {
        self.with("wake", |core| core.wake(number(offset), number(count)))
    }
}

pub(super) fn nanoseconds(timeout: Option<Duration>) -> i64 {
    timeout.map_or(REST, |time| i64::try_from(time.as_nanos()).unwrap_or(i64::MAX))
}
