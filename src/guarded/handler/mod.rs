//! The handler that repairs faults of the loops: a signal handler or, on Windows, an exception handler.

#[cfg(unix)]
mod signals;
#[cfg(windows)]
mod vectored;

use std::ptr::null_mut;
use std::sync::atomic::{AtomicPtr, Ordering::SeqCst};

#[cfg(unix)]
pub use signals::{is_held, is_installed};
#[cfg(windows)]
pub use vectored::{is_held, is_installed};

/// The [`Survivor`] that repairs faults outside the loops, or NULL.
static SURVIVOR: AtomicPtr<()> = AtomicPtr::new(null_mut());

/// Repairs a fault at an address, given whether it was a store, if that is known. Returns whether it did.
pub type Survivor = fn(usize, Option<bool>) -> bool;

/// Sets the function that is called for every fault on lost data (SIGBUS) outside the loops. It is called in the handler, so
/// it may do only what the handler may do.
pub fn set_survivor(survivor: Survivor) {
    SURVIVOR.store(survivor as *mut (), SeqCst);
}

fn survivor() -> Option<Survivor> {
    let survivor = SURVIVOR.load(SeqCst);
    // SAFETY: only set_survivor stores here, and only functions of this kind.
    (!survivor.is_null()).then(|| unsafe { std::mem::transmute::<*mut (), Survivor>(survivor) })
}
