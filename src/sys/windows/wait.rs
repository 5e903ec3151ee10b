//! Waiting on a word, and waking waiters, between the threads of this process. Not by WaitOnAddress: WakeByAddress does not
//! report how many threads it woke.

use super::copy;
use super::errors::plain;
use super::regions::query;
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

/// The threads that wait, and the words they wait on. Waking a thread removes it.
static WAITERS: Mutex<Vec<Waiter>> = Mutex::new(Vec::new());

fn waiters() -> MutexGuard<'static, Vec<Waiter>> {
    WAITERS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Fails for memory that other processes may map, too: they could not wake this process.
fn check_place(word: *const u8) -> Result<(), Errno> {
    if query(word.addr())?.Type == MEM_MAPPED { Err(plain(Errno::ENOSYS)) } else { Ok(()) }
}

/// Sleeps until woken if the 32-bit word equals the low half of `expected`; otherwise EAGAIN.
pub fn wait_on(word: *const u8, expected: u64, timeout: Duration) -> Result<(), Errno> {
    check_place(word)?;
    let end = Instant::now().checked_add(timeout);
    let this = std::thread::current();
    {
        let mut waiters = waiters();
        // Under the lock: a thread that changes the word and then wakes either finds this waiter in the list, or this load
        // sees the change.
        if load(word)? != expected & 0xFFFF_FFFF {
            return Err(plain(Errno::EAGAIN));
        }
        waiters.push(Waiter { word: word.addr(), thread: this.clone() });
    }
    loop {
        let left = end.map_or(Duration::MAX, |end| end.saturating_duration_since(Instant::now()));
        // May return without an unpark.
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
    // SAFETY: the buffer is this function's. An aligned word lies in one page.
    match unsafe { copy(word, bytes.as_mut_ptr(), bytes.len()) } {
        Ok(4) => Ok(u32::from_ne_bytes(bytes).into()),
        _ => Err(plain(Errno::EFAULT)),
    }
}

/// Wakes up to `count` threads that wait on the word, in the order of their arrival. Returns how many it woke.
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
