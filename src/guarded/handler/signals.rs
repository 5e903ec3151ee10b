//! The handler of SIGBUS and SIGSEGV that repairs faults of the loops, and passes every other signal on.
//!
//! It may interrupt any code, so it takes no lock and allocates nothing, and to repair a fault of the loops it uses neither
//! thread-local storage nor errno.

use crate::guarded::arch::{self, Registers};
use crate::sys;
use libc::{c_int, c_void, sigaction, siginfo_t};
use std::cell::UnsafeCell;
use std::mem::{MaybeUninit, zeroed};
use std::ptr::{null, null_mut};
use std::sync::atomic::{AtomicU8, Ordering::SeqCst};

const SIGNALS: [c_int; 2] = [libc::SIGBUS, libc::SIGSEGV];

/// The previous handler of each signal.
struct Previous([UnsafeCell<MaybeUninit<sigaction>>; 2]);

// SAFETY: written by the one thread that installs the handlers, before they can run; only read afterwards.
unsafe impl Sync for Previous {}

static PREVIOUS: Previous = Previous([const { UnsafeCell::new(MaybeUninit::zeroed()) }; 2]);

static STATE: AtomicU8 = AtomicU8::new(NOT_TRIED);
const NOT_TRIED: u8 = 0;
const INSTALLING: u8 = 1;
const INSTALLED: u8 = 2;
const FAILED: u8 = 3;

/// Whether this handler would be called for a fault in this thread now. Checks both signals: a fault can raise either.
pub fn is_in_place() -> bool {
    is_installed() && SIGNALS.iter().all(|signal| is_handler_of(*signal)) && !is_blocked()
}

pub fn is_installed() -> bool {
    STATE.load(SeqCst) == INSTALLED || install()
}

/// Installs the handler once. Returns false while another thread does, and if that failed.
#[cold]
fn install() -> bool {
    if STATE.compare_exchange(NOT_TRIED, INSTALLING, SeqCst, SeqCst).is_err() {
        return STATE.load(SeqCst) == INSTALLED;
    }
    let done = SIGNALS.iter().zip(&PREVIOUS.0).all(|(signal, previous)| {
        // SAFETY: all-zero is a valid sigaction; its fields are set below.
        let mut ours: sigaction = unsafe { zeroed() };
        ours.sa_sigaction = on_fault as *const () as usize;
        // SA_ONSTACK: the fault may be at the end of a stack, and runtimes such as Go's require it of every handler.
        ours.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
        let previous = previous.get().cast::<sigaction>();
        // SAFETY: only this thread writes `previous` (STATE). It is queried first, so that it is stored before the handler can
        // run, and again when the handler is replaced, in case other code installed one in between.
        unsafe { sigaction(*signal, null(), previous) == 0 && sigaction(*signal, &ours, previous) == 0 }
    });
    STATE.store(if done { INSTALLED } else { FAILED }, SeqCst);
    done
}

/// Other code may replace the handler at any time, such as Python's faulthandler.
fn is_handler_of(signal: c_int) -> bool {
    let mut current = MaybeUninit::<sigaction>::uninit();
    // SAFETY: the call only queries, and writes one value to the address given, which is read only if it succeeded.
    unsafe {
        sigaction(signal, null(), current.as_mut_ptr()) == 0
            && current.assume_init_ref().sa_sigaction == on_fault as *const () as usize
    }
}

/// A fault whose signal is blocked ends the process.
fn is_blocked() -> bool {
    let mut blocked = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: as above.
    unsafe {
        libc::pthread_sigmask(libc::SIG_BLOCK, null(), blocked.as_mut_ptr()) != 0
            || SIGNALS.iter().any(|signal| libc::sigismember(blocked.as_ptr(), *signal) != 0)
    }
}

extern "C" fn on_fault(signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
    // SAFETY: the kernel passes both, because of SA_SIGINFO.
    let (code, address) = unsafe { ((*info).si_code, (*info).si_addr()) };
    let synchronous = is_synchronous(signal, code);
    if synchronous {
        // SAFETY: the context of the interrupted thread, which no other code accesses.
        let registers = unsafe { Registers::new(context) };
        let is_store = registers.is_store();
        if let Some(fixup) = arch::fixup(registers.pc()) {
            registers.continue_at(fixup, address.addr());
            return;
        }
        if is_loss(signal, code, address.addr(), is_store) && survived(address.addr(), is_store) {
            return;
        }
    }
    pass_on(signal, info, context, synchronous);
}

/// Whether a page was lost: SIGBUS, except for an unaligned access, which a fresh page would only repeat. macOS sends that
/// signal for an access that the protection forbids, too, and the code of an unaligned access with any of them.
fn is_loss(signal: c_int, code: c_int, address: usize, is_store: Option<bool>) -> bool {
    const BUS_ADRALN: c_int = 1;
    let is_unaligned = cfg!(not(target_os = "macos")) && code == BUS_ADRALN;
    let needed = if is_store == Some(true) { libc::PROT_WRITE } else { libc::PROT_READ };
    let is_forbidden = || cfg!(target_os = "macos") && sys::protection(address).is_some_and(|(prot, _)| prot & needed == 0);
    signal == libc::SIGBUS && !is_unaligned && !is_forbidden()
}

fn survived(address: usize, is_store: Option<bool>) -> bool {
    let Some(survivor) = super::survivor() else { return false };
    // SAFETY: the address of this thread's errno, which a handler must preserve for the code that it interrupts.
    let errno = unsafe { sys::errno_place() };
    // SAFETY: as above. With all signals blocked, so that no other handler interrupts the repair and accesses the lost page.
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

/// Whether the instruction in the context raised the signal. The codes of kill(2) and similar calls are 0 or less; a memory
/// failure found elsewhere (BUS_MCEERR_AO) and an asynchronous tag check (SEGV_MTEAERR) do not belong to the instruction.
fn is_synchronous(signal: c_int, code: c_int) -> bool {
    const BUS_MCEERR_AO: c_int = 5;
    const SEGV_MTEAERR: c_int = 8;
    code > 0 && !(signal == libc::SIGBUS && code == BUS_MCEERR_AO) && !(signal == libc::SIGSEGV && code == SEGV_MTEAERR)
}

/// Does what would happen without this library.
#[cold]
fn pass_on(signal: c_int, info: *mut siginfo_t, context: *mut c_void, synchronous: bool) {
    let index = usize::from(signal == SIGNALS[1]);
    // SAFETY: written before this handler could run; this makes a copy.
    let previous = unsafe { PREVIOUS.0[index].get().cast::<sigaction>().read() };
    match previous.sa_sigaction {
        // A fault cannot be ignored; the kernel takes the default action.
        libc::SIG_DFL | libc::SIG_IGN if synchronous => restore_default(signal),
        libc::SIG_IGN => {}
        libc::SIG_DFL => {
            restore_default(signal);
            // SAFETY: sends the same signal to this thread, which blocks it until this handler returns.
            unsafe { sys::raise_again(signal, info) };
        }
        handler => {
            if previous.sa_flags & libc::SA_RESETHAND != 0 {
                // SAFETY: all-zero is SIG_DFL; a thread that faults at the same time may call the handler once more.
                unsafe { PREVIOUS.0[index].get().cast::<sigaction>().write(zeroed()) };
            }
            with_mask_of(&previous, signal, || {
                // SAFETY: the installed handler is a function of this type, as its flags state.
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

/// After this the faulting instruction is repeated, and the default action ends the process.
fn restore_default(signal: c_int) {
    // SAFETY: all-zero is SIG_DFL without flags.
    unsafe { sigaction(signal, &zeroed(), null_mut()) };
}

/// Runs `body` with the signal mask that the previous handler specified.
fn with_mask_of(previous: &sigaction, signal: c_int, body: impl FnOnce()) {
    let mut before = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: the sets are valid; the mask that the first call stored is restored.
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
