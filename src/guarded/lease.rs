//! Whether a fault of the loops would be repaired in this thread, now: asked of the system once, and taken as true for the
//! length of a lease.
//!
//! Asking takes three system calls, so an access could not afford it; the lease costs the reading of a counter. Within
//! one, another handler can have been installed, or a signal blocked: a fault that meets that moment is not repaired.
//! docs/safety.md says so, and `verify` ends the moment for a thread that knows.

use super::arch::{self, Loops};
use super::handler;
use std::cell::Cell;
use std::ptr::{from_ref, null_mut};
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering::Relaxed, Ordering::Release};

thread_local! {
    /// The counter when this thread last verified the handlers. Without a destructor or lazy initialisation: one load.
    static VERIFIED_AT: Cell<u64> = const { Cell::new(0) };
}

/// The best loops of this processor, once they may be used; else NULL.
static LOOPS: AtomicPtr<Loops> = AtomicPtr::new(null_mut());

/// The same while the caller vouches for the handlers, so that they are not verified; else NULL.
static TRUSTED: AtomicPtr<Loops> = AtomicPtr::new(null_mut());

/// Ticks of a lease.
static LENGTH: AtomicU64 = AtomicU64::new(0);

/// The loops, if a fault in them would be repaired in this thread; else the access must go through the kernel.
#[inline(always)]
pub fn loops() -> Option<&'static Loops> {
    // SAFETY: only constants are ever stored in TRUSTED and LOOPS, or NULL.
    if let Some(trusted) = unsafe { TRUSTED.load(Relaxed).as_ref() } {
        return Some(trusted);
    }
    let now = arch::ticks();
    // A counter that went backwards or jumped, as virtual machines' may, gives a large difference: the lease has ended.
    if VERIFIED_AT.with(|at| now.wrapping_sub(at.get())) < LENGTH.load(Relaxed) {
        // SAFETY: as above.
        return unsafe { LOOPS.load(Relaxed).as_ref() };
    }
    verified(now)
}

#[cold]
#[inline(never)]
fn verified(now: u64) -> Option<&'static Loops> {
    let loops = arch::loops().first().filter(|_| handler::is_held())?;
    LOOPS.store(from_ref(loops).cast_mut(), Relaxed);
    LENGTH.store(arch::ticks_of_a_lease(), Release);
    VERIFIED_AT.with(|at| at.set(now));
    Some(loops)
}

/// Ends this thread's lease and verifies the handlers: whether faults of this thread's accesses are repaired by them from
/// here on. Otherwise accesses go through the kernel.
pub fn verify() -> bool {
    let now = arch::ticks();
    // So far back that no lease lasts till now.
    VERIFIED_AT.with(|at| at.set(now.wrapping_sub(1 << 62)));
    verified(now).is_some()
}

/// Says whether the handlers may be taken for granted: no code in this process replaces those of SIGBUS and SIGSEGV or
/// blocks the signals. Accesses then do not even read the counter.
pub fn trust(trusted: bool) {
    let loops = arch::loops().first().filter(|_| trusted && handler::is_installed());
    TRUSTED.store(loops.map_or(null_mut(), |loops| from_ref(loops).cast_mut()), Release);
}
