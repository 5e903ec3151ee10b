//! The handler of SIGBUS and SIGSEGV that repairs faults of the loops, and passes every other signal on.
//!
//! It runs in whatever thread meets the fault, in the middle of anything, so it takes no lock, allocates nothing, and
//! touches no thread-local storage and no errno on the way that repairs.

use super::engine::{self, Loops};
use libc::{c_int, c_void, sigaction, siginfo_t, ucontext_t};
use std::cell::UnsafeCell;
use std::mem::{MaybeUninit, zeroed};
use std::ptr::{self, null, null_mut};
use std::sync::atomic::{AtomicPtr, AtomicU8, Ordering::Relaxed, Ordering::SeqCst};

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

/// Who repairs a SIGBUS outside the loops, given its address: a `fn(usize) -> bool`, or NULL.
static SURVIVOR: AtomicPtr<()> = AtomicPtr::new(null_mut());

/// The loops, while the caller vouches for the handlers, so that they are not verified; else NULL.
static TRUSTED: AtomicPtr<Loops> = AtomicPtr::new(null_mut());

/// Says whether the handlers may be taken for granted: nobody in this process replaces those of SIGBUS and SIGSEGV or
/// blocks the signals. Without that word each access verifies it, which costs two system calls.
pub fn trust(trusted: bool) {
    let loops = engine::loops().first().filter(|_| trusted && is_installed());
    TRUSTED.store(loops.map_or(null_mut(), |loops| ptr::from_ref(loops).cast_mut()), SeqCst);
}

/// Whether the handlers are taken for granted.
#[inline]
pub fn is_trusted() -> bool {
    trusted().is_some()
}

fn trusted() -> Option<&'static Loops> {
    // SAFETY: only `trust` stores here, NULL or a constant.
    unsafe { TRUSTED.load(Relaxed).as_ref() }
}

/// Has every SIGBUS from elsewhere in the process shown to `survivor`, which says whether it put memory in place. It is
/// called inside the handler, so it must keep to what the handler may do. False if the handler cannot be held.
pub fn survive_with(survivor: fn(usize) -> bool) -> bool {
    SURVIVOR.store(survivor as *mut (), SeqCst);
    is_installed() && holds(libc::SIGBUS)
}

/// Whether a SIGSEGV, too, would come here: what whoever protects memory under running accesses must know.
pub fn repairs_protection_faults() -> bool {
    !engine::loops().is_empty() && is_installed() && (trusted().is_some() || holds(libc::SIGSEGV))
}

/// The loops, if a fault in them would be repaired in this thread, now; else the access must go through the kernel.
///
/// Only SIGBUS is asked about: the loops are for accesses that the protection allows, so that a SIGSEGV can come only
/// from memory that someone unmapped or protected behind the library's back.
#[inline]
pub fn guard() -> Option<&'static Loops> {
    trusted().or_else(verified)
}

#[inline(never)]
fn verified() -> Option<&'static Loops> {
    engine::loops().first().filter(|_| is_installed() && holds(libc::SIGBUS))
}

/// The same for accesses that the protection may forbid: SIGSEGV, too, would be repaired.
pub fn guard_of_both() -> Option<&'static Loops> {
    trusted().or_else(|| verified().filter(|_| holds(libc::SIGSEGV)))
}

fn is_installed() -> bool {
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

/// Whether a signal still comes here, and both to this thread. Others may replace the handler at any time, Python's
/// faulthandler for one; a fault while its signal is blocked kills.
fn holds(signal: c_int) -> bool {
    let mut current = MaybeUninit::<sigaction>::uninit();
    let mut blocked = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: both calls only ask, and write one value to the place given; they are read only if the calls succeeded.
    unsafe {
        sigaction(signal, null(), current.as_mut_ptr()) == 0
            && current.assume_init_ref().sa_sigaction == on_fault as *const () as usize
            && libc::pthread_sigmask(libc::SIG_BLOCK, null(), blocked.as_mut_ptr()) == 0
            && SIGNALS.iter().all(|signal| libc::sigismember(blocked.as_ptr(), *signal) == 0)
    }
}

extern "C" fn on_fault(signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
    // SAFETY: the kernel passes both, as SA_SIGINFO asks.
    let (code, address) = unsafe { ((*info).si_code, (*info).si_addr()) };
    let synchronous = is_synchronous(signal, code);
    if synchronous {
        // SAFETY: the context of the interrupted thread, which nobody else looks at.
        let registers = unsafe { Registers::of(context.cast()) };
        if let Some(fixup) = engine::fixup(registers.pc()) {
            registers.go_on_at(fixup, address.addr());
            return;
        }
        if signal == libc::SIGBUS && survived(address.addr()) {
            return;
        }
    }
    pass_on(signal, info, context, synchronous);
}

fn survived(address: usize) -> bool {
    let survivor = SURVIVOR.load(SeqCst);
    if survivor.is_null() {
        return false;
    }
    // SAFETY: only survive_with stores here, and only functions of this kind.
    let survivor: fn(usize) -> bool = unsafe { std::mem::transmute(survivor) };
    // SAFETY: the address of this thread's errno, which the calls of a handler must not change for the code it interrupts.
    let errno = unsafe { libc::__errno_location() };
    // SAFETY: as above.
    let before = unsafe { *errno };
    let survived = survivor(address);
    // SAFETY: as above.
    unsafe { *errno = before };
    survived
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
            // SAFETY: sends the same signal, with its own words, to this thread, where it is blocked until we return.
            unsafe { libc::syscall(libc::SYS_rt_tgsigqueueinfo, libc::getpid(), libc::gettid(), signal, info) };
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

/// The interrupted thread's registers that repairing needs.
struct Registers<'a>(&'a mut ucontext_t);

#[cfg(target_arch = "x86_64")]
#[allow(clippy::cast_sign_loss, clippy::cast_possible_wrap, reason = "registers are bits")]
#[allow(clippy::cast_possible_truncation, reason = "registers are 64 bits here")]
impl Registers<'_> {
    fn pc(&self) -> usize {
        self.0.uc_mcontext.gregs[libc::REG_RIP as usize] as usize
    }

    fn go_on_at(self, fixup: usize, address: usize) {
        self.0.uc_mcontext.gregs[libc::REG_RIP as usize] = fixup as i64;
        self.0.uc_mcontext.gregs[libc::REG_R10 as usize] = address as i64;
    }
}

#[cfg(target_arch = "aarch64")]
impl Registers<'_> {
    fn pc(&self) -> usize {
        self.0.uc_mcontext.pc as usize
    }

    fn go_on_at(self, fixup: usize, address: usize) {
        self.0.uc_mcontext.pc = fixup as u64;
        self.0.uc_mcontext.regs[10] = address as u64;
    }
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
impl Registers<'_> {
    fn pc(&self) -> usize {
        0
    }

    fn go_on_at(self, _fixup: usize, _address: usize) {}
}

impl Registers<'_> {
    /// # Safety
    /// `context` is that of the signal being handled.
    unsafe fn of<'a>(context: *mut ucontext_t) -> Registers<'a> {
        // SAFETY: as the caller promises.
        Registers(unsafe { &mut *context })
    }
}
