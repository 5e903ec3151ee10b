//! Waiting for a word, and waking who waits: between the threads of this process. The system's own call, WaitOnAddress, would
//! not report how many were woken.

use super::copy;
use super::errors::plain;
use super::pages::query;
use crate::error::Errno;
use std::ffi::c_int;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::Thread;
use std::time::{Duration, Instant};
use windows_sys::Win32::System::Memory::MEM_MAPPED;

struct Waiter {
    word: usize,
    thread: Thread,
}

/// Who waits, and where. A waiter that is woken is not here any more.
static WAITERS: Mutex<Vec<Waiter>> = Mutex::new(Vec::new());

fn waiters() -> MutexGuard<'static, Vec<Waiter>> {
    WAITERS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What other processes may map, too, is no place to wait at: they could not wake this one.
fn check_place(word: *const u8) -> Result<(), Errno> {
    if query(word.addr())?.Type == MEM_MAPPED { Err(plain(Errno::ENOSYS)) } else { Ok(()) }
}

/// Sleeps while the 32-bit word is the low half of `expected`, until it is woken. EAGAIN if the word is another already.
pub fn wait_on(word: *const u8, expected: u64, timeout: Duration) -> Result<(), Errno> {
    check_place(word)?;
    let end = Instant::now().checked_add(timeout);
    let this = std::thread::current();
    {
        let mut waiters = waiters();
        // Under the lock: who changes the word and then wakes finds the waiter, or the waiter finds the change.
        if load(word)? != expected & 0xFFFF_FFFF {
            return Err(plain(Errno::EAGAIN));
        }
        waiters.push(Waiter { word: word.addr(), thread: this.clone() });
    }
    loop {
        let left = end.map_or(Duration::MAX, |end| end.saturating_duration_since(Instant::now()));
        // Returns also without a reason.
        std::thread::park_timeout(left);
        let mut waiters = waiters();
        let Some(place) = waiters.iter().position(|waiter| waiter.thread.id() == this.id()) else { return Ok(()) };
        if end.is_some_and(|end| Instant::now() >= end) {
            waiters.remove(place);
            return Err(plain(Errno::ETIMEDOUT));
        }
    }
}

fn load(word: *const u8) -> Result<u64, Errno> {
    let mut bytes = [0; 4];
    // SAFETY: the room is this function's. An aligned word is on one page.
    match unsafe { copy(word, bytes.as_mut_ptr(), bytes.len()) } {
        Ok(4) => Ok(u32::from_ne_bytes(bytes).into()),
        _ => Err(plain(Errno::EFAULT)),
    }
}

/// Wakes up to `count` of those who wait on the word, the first to come first, and tells how many.
pub fn wake(word: *const u8, count: c_int) -> Result<usize, Errno> {
    check_place(word)?;
    let most = usize::try_from(count).unwrap_or(0);
    let mut woken = 0;
    waiters().retain(|waiter| {
        let wakes = woken < most && waiter.word == word.addr();
        if wakes {
            woken += 1;
            waiter.thread.unpark();
        }
        !wakes
    });
    Ok(woken)
}
