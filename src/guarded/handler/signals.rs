//! The handler of SIGBUS and SIGSEGV that repairs faults of the loops, and passes every other signal on.
//!
//! It runs in whatever thread faults, in the middle of anything, so it takes no lock, allocates nothing, and touches no
//! thread-local storage and no errno on the way that repairs.

use crate::guarded::arch::{self, Registers};
use crate::sys;
use libc::{c_int, c_void, sigaction, siginfo_t};
use std::cell::UnsafeCell;
use std::mem::{MaybeUninit, zeroed};
use std::ptr::{null, null_mut};
use std::sync::atomic::{AtomicU8, Ordering::SeqCst};

const SIGNALS: [c_int; 2] = [libc::SIGBUS, libc::SIGSEGV];

/// What handled each signal before.
struct Previous([UnsafeCell<MaybeUninit<sigaction>>; 2]);

// SAFETY: written by the one thread that installs, before the handler can run; only read afterwards.
unsafe impl Sync for Previous {}

static PREVIOUS: Previous = Previous([const { UnsafeCell::new(MaybeUninit::zeroed()) }; 2]);

static STATE: AtomicU8 = AtomicU8::new(NOT_TRIED);
const NOT_TRIED: u8 = 0;
const INSTALLING: u8 = 1;
const INSTALLED: u8 = 2;
const REFUSED: u8 = 3;

/// Whether a fault in this thread, now, would come here: both signals, for either can be the one.
pub fn is_held() -> bool {
    is_installed() && SIGNALS.iter().all(|signal| is_handler_of(*signal)) && !is_blocked()
}

pub fn is_installed() -> bool {
    STATE.load(SeqCst) == INSTALLED || install()
}

/// Installs the handler once. While another thread does, or if that failed, the answer is no.
#[cold]
fn install() -> bool {
    if STATE.compare_exchange(NOT_TRIED, INSTALLING, SeqCst, SeqCst).is_err() {
        return STATE.load(SeqCst) == INSTALLED;
    }
    let done = SIGNALS.iter().zip(&PREVIOUS.0).all(|(signal, previous)| {
        // SAFETY: all-zero is a valid sigaction; its fields are set below.
        let mut ours: sigaction = unsafe { zeroed() };
        ours.sa_sigaction = on_fault as *const () as usize;
        // SA_ONSTACK: the fault may be a stack's end, and runtimes such as Go's demand it of every handler.
        ours.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
        let previous = previous.get().cast::<sigaction>();
        // SAFETY: `previous` is this thread's to write (STATE). It is asked first, so that it is there when the
        // handler first runs, and again by the exchange, in case somebody came in between.
        unsafe { sigaction(*signal, null(), previous) == 0 && sigaction(*signal, &ours, previous) == 0 }
    });
    STATE.store(if done { INSTALLED } else { REFUSED }, SeqCst);
    done
}

/// Others may replace the handler at any time, Python's faulthandler for one.
fn is_handler_of(signal: c_int) -> bool {
    let mut current = MaybeUninit::<sigaction>::uninit();
    // SAFETY: the call only asks, and writes one value to the place given, which is read only if it succeeded.
    unsafe {
        sigaction(signal, null(), current.as_mut_ptr()) == 0
            && current.assume_init_ref().sa_sigaction == on_fault as *const () as usize
    }
}

/// A fault while its signal is blocked kills.
fn is_blocked() -> bool {
    let mut blocked = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: as above.
    unsafe {
        libc::pthread_sigmask(libc::SIG_BLOCK, null(), blocked.as_mut_ptr()) != 0
            || SIGNALS.iter().any(|signal| libc::sigismember(blocked.as_ptr(), *signal) != 0)
    }
}

extern "C" fn on_fault(signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
    // SAFETY: the kernel passes both, as SA_SIGINFO asks.
    let (code, address) = unsafe { ((*info).si_code, (*info).si_addr()) };
    let synchronous = is_synchronous(signal, code);
    if synchronous {
        // SAFETY: the context of the interrupted thread, which no other code looks at.
        let registers = unsafe { Registers::new(context) };
        let is_store = registers.is_store();
        if let Some(fixup) = arch::fixup(registers.pc()) {
            registers.continue_at(fixup, address.addr());
            return;
        }
        if is_loss(signal, address.addr(), is_store) && survived(address.addr(), is_store) {
            return;
        }
    }
    pass_on(signal, info, context, synchronous);
}

/// Whether a page was lost: SIGBUS. macOS sends that for an access that the protection forbids, too.
fn is_loss(signal: c_int, address: usize, is_store: Option<bool>) -> bool {
    let needed = if is_store == Some(true) { libc::PROT_WRITE } else { libc::PROT_READ };
    let is_forbidden = || cfg!(target_os = "macos") && sys::protection(address).is_some_and(|(prot, _)| prot & needed == 0);
    signal == libc::SIGBUS && !is_forbidden()
}

fn survived(address: usize, is_store: Option<bool>) -> bool {
    let Some(survivor) = super::survivor() else { return false };
    // SAFETY: the address of this thread's errno, which the calls of a handler must not change for the code it interrupts.
    let errno = unsafe { sys::errno_place() };
    // SAFETY: as above. With all signals blocked, so that no handler of others interrupts a repair and meets the same loss.
    unsafe {
        let before = *errno;
        let (mut all, mut mask) = (zeroed(), zeroed());
        libc::sigfillset(&raw mut all);
        libc::pthread_sigmask(libc::SIG_SETMASK, &raw const all, &raw mut mask);
        let survived = survivor(address, is_store);
        libc::pthread_sigmask(libc::SIG_SETMASK, &raw const mask, null_mut());
        *errno = before;
        survived
    }
}

/// Whether the signal comes from the very instruction that the context points at. kill(2) and its like have codes of
/// zero and less; a memory failure found elsewhere (BUS_MCEERR_AO) and a late tag check (SEGV_MTEAERR) are not tied to it.
fn is_synchronous(signal: c_int, code: c_int) -> bool {
    const BUS_MCEERR_AO: c_int = 5;
    const SEGV_MTEAERR: c_int = 8;
    code > 0 && !(signal == libc::SIGBUS && code == BUS_MCEERR_AO) && !(signal == libc::SIGSEGV && code == SEGV_MTEAERR)
}

/// Does what would have happened without this library.
#[cold]
fn pass_on(signal: c_int, info: *mut siginfo_t, context: *mut c_void, synchronous: bool) {
    let index = usize::from(signal == SIGNALS[1]);
    // SAFETY: installing wrote it before this handler could run; a copy is taken.
    let previous = unsafe { PREVIOUS.0[index].get().cast::<sigaction>().read() };
    match previous.sa_sigaction {
        // Ignoring a fault is not possible; the kernel then acts as for the default.
        libc::SIG_DFL | libc::SIG_IGN if synchronous => restore_default(signal),
        libc::SIG_IGN => {}
        libc::SIG_DFL => {
            restore_default(signal);
            // SAFETY: sends the same signal to this thread, where it is blocked until we return.
            unsafe { sys::raise_again(signal, info) };
        }
        handler => {
            if previous.sa_flags & libc::SA_RESETHAND != 0 {
                // SAFETY: all-zero is SIG_DFL; a thread that faults at the same time calls the handler once more, at worst.
                unsafe { PREVIOUS.0[index].get().cast::<sigaction>().write(zeroed()) };
            }
            with_mask_of(&previous, signal, || {
                // SAFETY: whoever installed the handler gave a function of this kind, as the flags say.
                unsafe {
                    if previous.sa_flags & libc::SA_SIGINFO != 0 {
                        let handler: extern "C" fn(c_int, *mut siginfo_t, *mut c_void) = std::mem::transmute(handler);
                        handler(signal, info, context);
                    } else {
                        let handler: extern "C" fn(c_int) = std::mem::transmute(handler);
                        handler(signal);
                    }
                }
            });
        }
    }
}

/// After this the faulting instruction runs again, and dies as it would have.
fn restore_default(signal: c_int) {
    // SAFETY: all-zero is SIG_DFL without flags.
    unsafe { sigaction(signal, &zeroed(), null_mut()) };
}

/// Runs `body` under the signal mask that the previous handler asked for.
fn with_mask_of(previous: &sigaction, signal: c_int, body: impl FnOnce()) {
    let mut before = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: the sets are valid; the mask is put back to what the first call stored.
    unsafe {
        libc::pthread_sigmask(libc::SIG_BLOCK, &previous.sa_mask, before.as_mut_ptr());
        if previous.sa_flags & libc::SA_NODEFER != 0 {
            let mut this = zeroed();
            libc::sigaddset(&mut this, signal);
            libc::pthread_sigmask(libc::SIG_UNBLOCK, &this, null_mut());
        }
        body();
        libc::pthread_sigmask(libc::SIG_SETMASK, before.as_ptr(), null_mut());
    }
}
