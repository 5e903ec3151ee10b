//! A mutex in a mapping, between threads and processes, that can be taken over when its owner has ended.
//!
//! It is two words of 64 bits; zeros are an unlocked mutex. The first is the owner: its thread id, whether there may be
//! waiters, and the start time of the thread, which distinguishes it from a later thread with the same id. The second is the
//! domain: boot and PID namespace, in which thread ids are unique. A thread of another namespace sets it to `MIXED`,
//! permanently, before it acquires the mutex. From then on the mutex is not taken over any more: a live owner in another
//! namespace looks like a dead one. So does it to a thread without /proc, which sets it to `UNKNOWN`.

use crate::error::{Errno, Error, Result};
use crate::mapping::{Mapping, from_bits as number, to_bits as bits};
use crate::range::{self, REST};
use crate::registry::{self, Handle};
use crate::sys::{self, ThreadState};
use std::cell::Cell;
use std::time::{Duration, Instant};

/// Bytes of a mutex. Its offset is a multiple of 8.
pub const SIZE: i64 = 16;

const DOMAIN: i64 = 8;

/// In the owner: there may be waiters.
const WAITERS: u64 = 1 << 31;

/// An owner that ended, in place of a thread id: ids are below 2^22.
const ABANDONED: u64 = WAITERS - 1;

/// Where the half of the owner with the thread id is: waiters wait on this word.
const FUTEX: i64 = if cfg!(target_endian = "big") { 4 } else { 0 };

/// In the domain, in place of a namespace: several namespaces, or one that is not known.
const MIXED: u64 = 0xFFFF_FFFF;

/// The domain of a thread that has no /proc to read it from, and of a mutex that such threads alone have used. No thread has
/// ended for certain there.
const UNKNOWN: u64 = 1 << 32 | MIXED;

/// How long a waiter waits before it checks that the owner still exists, which costs some system calls.
const FIRST_WAIT: Duration = Duration::from_millis(2);
const WAIT: Duration = Duration::from_millis(100);

/// How a mutex was acquired.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acquired {
    /// It was free, or its owner unlocked it.
    Free,
    /// Its owner ended without unlocking it: what it protects may be half changed.
    TakenOver,
}

/// Acquires the mutex at `offset`. `timeout` is in nanoseconds; `REST` waits indefinitely, 0 tries once.
///
/// ```
/// use mmap_wrap::internals::{Mapping, constants::*, mutex::{self, Acquired}, registry};
/// let map = || Mapping::anonymous(4096, PROT_READ | PROT_WRITE, MAP_SHARED);
/// let memory = registry::insert(map)?;
/// # if mutex::lock(memory, 64, 0).is_ok() { mutex::unlock(memory, 64)?;
/// assert_eq!(mutex::lock(memory, 64, 1_000_000)?, Acquired::Free);
/// assert!(mutex::lock(memory, 64, 0).unwrap_err().to_string().contains("EDEADLK"));
/// mutex::unlock(memory, 64)?;
/// # }
/// # Ok::<(), Box<mmap_wrap::internals::Error>>(())
/// ```
pub fn lock(handle: Handle, offset: i64, timeout: i64) -> Result<Acquired> {
    let end = registry::deadline(timeout);
    let thread = Thread::current()?;
    let mut slept = false;
    loop {
        let owner = match registry::with(handle, |mapping| attempt(mapping, offset, &thread, slept, timeout))? {
            Attempt::Acquired(how) => return Ok(how),
            Attempt::Held(owner) => owner,
        };
        let wait = if slept { WAIT } else { FIRST_WAIT };
        let left = end.map_or(wait, |end| end.saturating_duration_since(Instant::now()));
        if left.is_zero() {
            let attempt = format!("lock the mutex at offset {offset}, held by thread {}", id(owner));
            return Err(Error::system(Errno::ETIMEDOUT, attempt, ""));
        }
        let wait = i64::try_from(left.min(wait).as_nanos()).unwrap_or(i64::MAX);
        match registry::with(handle, |mapping| mapping.wait(offset + FUTEX, low_half(owner), wait)) {
            Err(error) if error.code() != Errno::ETIMEDOUT.code() => return Err(error),
            _ => slept = true,
        }
    }
}

/// Releases the mutex at `offset`, which the calling thread must hold.
pub fn unlock(handle: Handle, offset: i64) -> Result<()> {
    release(handle, offset, 0)
}

/// Releases the mutex at `offset` as if the calling thread, which must hold it, had ended: the next thread takes it over.
pub fn abandon(handle: Handle, offset: i64) -> Result<()> {
    release(handle, offset, ABANDONED)
}

fn release(handle: Handle, offset: i64, left: u64) -> Result<()> {
    let thread = Thread::current()?;
    registry::with(handle, |mapping| {
        let owner = bits(mapping.atomic_load(64, offset)?);
        if owner & !WAITERS != thread.owner {
            let held = match id(owner) {
                0 => "it is free".to_owned(),
                thread if u64::from(thread) == ABANDONED => "its owner ended without unlocking it".to_owned(),
                thread => format!("thread {thread} holds it"),
            };
            let attempt = format!("unlock the mutex at offset {offset} in thread {}", id(thread.owner));
            return Err(Error::system(Errno::EPERM, attempt, held));
        }
        if bits(mapping.atomic_exchange(64, offset, number(left))?) & WAITERS != 0 {
            mapping.wake(offset + FUTEX, 1)?;
        }
        Ok(())
    })
}

enum Attempt {
    Acquired(Acquired),
    /// By another thread; the word to wait on.
    Held(u64),
}

/// A thread that has `slept` checks whether the owner has ended; when it acquires the mutex it keeps the mark for waiters,
/// since there may be others.
fn attempt(mapping: &Mapping, offset: i64, thread: &Thread, slept: bool, timeout: i64) -> Result<Attempt> {
    if timeout < 0 && timeout != REST {
        return Err(Error::Negative { what: "timeout", value: timeout }.into());
    }
    range::within(offset, SIZE, mapping.length())?;
    mapping.check_word(offset)?;
    let domain_at = offset + DOMAIN;
    enter_domain(mapping, domain_at, thread)?;
    let swap = |from, to| -> Result<Result<u64, u64>> {
        let before = mapping.atomic_compare_exchange(64, offset, number(from), number(to))?;
        Ok(before.map(bits).map_err(bits))
    };
    let judges = (slept || timeout == 0) && thread.domain & MIXED != MIXED;
    loop {
        let Err(owner) = swap(0, thread.owner | if slept { WAITERS } else { 0 })? else {
            return Ok(Attempt::Acquired(Acquired::Free));
        };
        if owner & !WAITERS == thread.owner {
            let attempt = format!("lock the mutex at offset {offset}");
            return Err(Error::system(Errno::EDEADLK, attempt, "this thread holds it already"));
        }
        // Loaded after the owner: an owner of another namespace has set the domain before.
        let ended =
            || Ok::<_, Box<Error>>(judges && bits(mapping.atomic_load(64, domain_at)?) == thread.domain && has_ended(owner));
        if owner & !WAITERS == ABANDONED || ended()? {
            if swap(owner, thread.owner | WAITERS)?.is_ok() {
                return Ok(Attempt::Acquired(Acquired::TakenOver));
            }
        } else if timeout == 0 || owner & WAITERS != 0 || swap(owner, owner | WAITERS)?.is_ok() {
            return Ok(Attempt::Held(owner | WAITERS));
        }
    }
}

/// Adds this thread's domain to the mutex's.
fn enter_domain(mapping: &Mapping, domain_at: i64, thread: &Thread) -> Result<()> {
    loop {
        let domain = bits(mapping.atomic_load(64, domain_at)?);
        let next = joint_domain(domain, thread.domain);
        if domain == next || mapping.atomic_compare_exchange(64, domain_at, number(domain), number(next))?.is_ok() {
            return Ok(());
        }
    }
}

/// The domain of a mutex after a thread with the domain `own` has used it.
fn joint_domain(domain: u64, own: u64) -> u64 {
    match domain >> 32 {
        _ if domain == own || own == UNKNOWN => own,
        boot if boot == own >> 32 || boot == UNKNOWN >> 32 => own | MIXED,
        // A mutex of an earlier boot has no owner, and zeros are no boot.
        _ => own,
    }
}

/// Whether the thread of an owner is known to have ended.
fn has_ended(owner: u64) -> bool {
    match sys::thread_state(id(owner)) {
        ThreadState::Ended => true,
        ThreadState::Began(ticks) => began(owner) != 0 && began(owner) != ticks,
        ThreadState::Exists => false,
    }
}

/// The calling thread, as stored in a mutex.
#[derive(Clone, Copy)]
struct Thread {
    owner: u64,
    domain: u64,
}

impl Thread {
    /// The values from /proc are cached. A forked child reads them again: its thread may have the parent's id, in another
    /// namespace.
    fn current() -> Result<Thread> {
        thread_local! {
            static KNOWN: Cell<(Option<u32>, Thread)> = const { Cell::new((None, Thread { owner: 0, domain: 0 })) };
        }
        let epoch = registry::process_epoch();
        if let (Some(_), (known_in, thread)) = (epoch, KNOWN.get()) {
            if known_in == epoch {
                return Ok(thread);
            }
        }
        let thread_id = sys::thread_id().ok_or_else(|| Error::unsupported("a mutex in a mapping (futex)"))?;
        let began = sys::this_thread_began().unwrap_or(0);
        let domain = match (sys::boot(), sys::pid_namespace()) {
            (Some(boot), Some(namespace)) => u64::from(boot) << 32 | u64::from(namespace),
            _ => UNKNOWN,
        };
        let thread = Thread { owner: u64::from(began) << 32 | u64::from(thread_id), domain };
        KNOWN.set((epoch, thread));
        Ok(thread)
    }
}

#[allow(clippy::cast_possible_truncation, reason = "the low half, without the flag")]
fn id(owner: u64) -> u32 {
    (owner & !WAITERS) as u32
}

#[allow(clippy::cast_possible_truncation, reason = "the high half")]
fn began(owner: u64) -> u32 {
    (owner >> 32) as u32
}

fn low_half(owner: u64) -> i64 {
    number(owner & 0xFFFF_FFFF)
}
