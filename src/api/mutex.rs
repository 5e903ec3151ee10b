//! A mutex in a mapping, between threads and processes.

use super::atomics::nanoseconds;
use super::{Error, Mapping, Result, number};
use crate::error::Errno;
use crate::mutex::{self, Acquired};
use std::marker::PhantomData;
use std::time::{Duration, Instant};

/// Bytes of a mutex in a mapping. Zeros are an unlocked mutex; its offset is a multiple of 8.
///
/// ```
/// let room_for_ten = mmap_wrap::Mapping::anonymous(10 * mmap_wrap::MUTEX_SIZE)?;
/// # Ok::<(), mmap_wrap::Error>(())
/// ```
pub const MUTEX_SIZE: usize = 16;

const _: () = assert!(MUTEX_SIZE as u64 == mutex::SIZE.unsigned_abs());

impl Mapping {
    /// Acquires the mutex at `offset` within `timeout`; `None` waits indefinitely, zero tries once. If a thread or process ends
    /// while it holds the mutex, another thread takes it over: see [`MutexGuard::is_taken_over`].
    ///
    /// Errors: ETIMEDOUT, and EDEADLK if this thread holds it.
    ///
    /// ```
    /// let memory = mmap_wrap::Mapping::anonymous(4096)?;
    /// # if memory.lock_mutex(64, None).is_ok() {
    /// let guard = memory.lock_mutex(64, None)?;
    /// memory.put(80, memory.get::<u32>(80)? + 1)?;
    /// guard.unlock()?;
    /// # }
    /// # Ok::<(), mmap_wrap::Error>(())
    /// ```
    pub fn lock_mutex(&self, offset: usize, timeout: Option<Duration>) -> Result<MutexGuard<'_>> {
        let end = timeout.and_then(|time| Instant::now().checked_add(time));
        let mut left = timeout;
        loop {
            match mutex::lock(self.handle, number(offset), nanoseconds(left)) {
                Ok(acquired) => return Ok(MutexGuard { mapping: self, offset, acquired, _of_this_thread: PhantomData }),
                // A signal handler ran.
                Err(error) if error.code() == Errno::EINTR.code() => {
                    left = end.map(|end| end.saturating_duration_since(Instant::now()));
                }
                Err(error) => return Err(Error::in_operation("lock_mutex")(error)),
            }
        }
    }
}

/// A mutex that this thread holds, released when it is dropped.
///
/// ```
/// let memory = mmap_wrap::Mapping::anonymous(4096)?;
/// # if memory.lock_mutex(0, None).is_ok() {
/// let guard = memory.lock_mutex(0, None)?;
/// assert!(memory.lock_mutex(0, Some(std::time::Duration::ZERO)).is_err());
/// drop(guard);
/// memory.lock_mutex(0, Some(std::time::Duration::ZERO))?;
/// # }
/// # Ok::<(), mmap_wrap::Error>(())
/// ```
#[derive(Debug)]
#[must_use = "the mutex is released when the guard is dropped"]
pub struct MutexGuard<'a> {
    mapping: &'a Mapping,
    offset: usize,
    acquired: Acquired,
    /// Another thread cannot release it.
    _of_this_thread: PhantomData<*const ()>,
}

impl MutexGuard<'_> {
    /// Whether the previous owner ended without releasing it: what the mutex protects may be inconsistent.
    ///
    /// ```
    /// let memory = mmap_wrap::Mapping::anonymous(4096)?;
    /// # if memory.lock_mutex(0, None).is_ok() {
    /// assert!(!memory.lock_mutex(0, None)?.is_taken_over());
    /// # }
    /// # Ok::<(), mmap_wrap::Error>(())
    /// ```
    pub fn is_taken_over(&self) -> bool {
        self.acquired == Acquired::TakenOver
    }

    /// Releases the mutex, and reports an error that dropping the guard cannot report: another process overwrote it.
    ///
    /// ```
    /// let memory = mmap_wrap::Mapping::anonymous(4096)?;
    /// # if memory.lock_mutex(0, None).is_ok() {
    /// memory.lock_mutex(0, None)?.unlock()?;
    /// # }
    /// # Ok::<(), mmap_wrap::Error>(())
    /// ```
    pub fn unlock(self) -> Result<()> {
        let guard = std::mem::ManuallyDrop::new(self);
        mutex::unlock(guard.mapping.handle, number(guard.offset)).map_err(Error::in_operation("unlock"))
    }
}

impl Drop for MutexGuard<'_> {
    fn drop(&mut self) {
        let _ = mutex::unlock(self.mapping.handle, number(self.offset));
    }
}
