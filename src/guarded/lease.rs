//! Whether the handler would repair a fault of the loops in this thread now. The system is queried once, and the result is
//! assumed to hold for the length of a lease.
//!
//! The query takes three system calls, too many for each access; a lease costs reading a counter. During a lease, code may
//! install another handler or block a signal; a fault before the lease ends is then not repaired. docs/safety.md documents
//! this, and `verify` ends the lease for a thread that changes handlers.

use super::arch::{self, Loops};
use super::handler;
use std::cell::Cell;
use std::ptr::{from_ref, null_mut};
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering::Relaxed, Ordering::Release};

thread_local! {
    /// The counter when this thread last verified the handlers. Has no destructor and no lazy initialisation: reading it is one
    /// load.
    static VERIFIED_AT: Cell<u64> = const { Cell::new(0) };
}

/// The best loops of this processor, once they may be used; else NULL.
static LOOPS: AtomicPtr<Loops> = AtomicPtr::new(null_mut());

/// The same while the program guarantees the handlers, so that they are not verified; else NULL.
static TRUSTED: AtomicPtr<Loops> = AtomicPtr::new(null_mut());

/// Ticks of a lease.
static LENGTH: AtomicU64 = AtomicU64::new(0);

/// The loops, if the handler would repair a fault in this thread; `None` if the kernel has to make the access.
#[inline(always)]
pub fn loops() -> Option<&'static Loops> {
    // SAFETY: TRUSTED and LOOPS contain only addresses of constants, or NULL.
    if let Some(trusted) = unsafe { TRUSTED.load(Relaxed).as_ref() } {
        return Some(trusted);
    }
    let now = arch::ticks();
    // If the counter went backwards or jumped, as in a virtual machine, the difference is large: the lease has ended.
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

/// Ends this thread's lease and verifies the handlers. Returns whether they repair faults of this thread's accesses; if not,
/// the kernel makes the accesses.
pub fn verify() -> bool {
    let now = arch::ticks();
    // Far enough in the past that any lease has ended.
    VERIFIED_AT.with(|at| at.set(now.wrapping_sub(1 << 62)));
    verified(now).is_some()
}

/// Sets whether the program guarantees the handlers: no code in this process replaces those of SIGBUS and SIGSEGV or blocks
/// the signals. Accesses then do not read the counter.
pub fn trust(trusted: bool) {
    let loops = arch::loops().first().filter(|_| trusted && handler::is_installed());
    TRUSTED.store(loops.map_or(null_mut(), |loops| from_ref(loops).cast_mut()), Release);
}
