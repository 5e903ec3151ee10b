//! What repairs the faults of the loops: a handler of signals or, on Windows, of exceptions.

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

/// What repairs a fault outside the loops, given its address and whether it was a store, if known: a [`Survivor`], or NULL.
static SURVIVOR: AtomicPtr<()> = AtomicPtr::new(null_mut());

pub type Survivor = fn(usize, Option<bool>) -> bool;

/// Has every fault of lost data (SIGBUS) from elsewhere in the process shown to `survivor`, which says whether it put memory
/// in place. It is called inside the handler, so it must keep to what the handler may do.
pub fn set_survivor(survivor: Survivor) {
    SURVIVOR.store(survivor as *mut (), SeqCst);
}

fn survivor() -> Option<Survivor> {
    let survivor = SURVIVOR.load(SeqCst);
    // SAFETY: only set_survivor stores here, and only functions of this kind.
    (!survivor.is_null()).then(|| unsafe { std::mem::transmute::<*mut (), Survivor>(survivor) })
}
