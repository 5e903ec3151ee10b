//! Running a few instructions in a process of its own that shares this one's memory and nothing else: a fault there ends
//! only it, and its descriptors are copies.

use crate::error::Errno;
use crate::sys::Pages;
use crate::sys::unix::last_errno;
use std::ffi::{c_int, c_void};
use std::mem::zeroed;
use std::ptr::{from_mut, null_mut};
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering::SeqCst};

/// Enough for the body and for a signal's frame, which is up to 11 KiB (AMX).
const STACK: usize = 64 * 1024;

struct Job<'a, T> {
    body: fn(&mut T),
    data: &'a mut T,
    is_done: AtomicBool,
}

/// Runs `body` to its end, or to its first SIGSEGV or SIGBUS: then the result is false. The body must keep to loads, stores
/// and system calls: it runs beside the other threads, on a stack of its own, with this thread's thread-local storage, and
/// must not end while it holds a lock.
///
/// It is a child process made as posix_spawn(3) makes one (CLONE_VM, CLONE_VFORK): the memory is the same, the handlers
/// and the signal mask are its own. This thread waits meanwhile. ENOSYS where memory is not shared (some emulators).
pub fn run_apart<T>(body: fn(&mut T), data: &mut T) -> Result<bool, Errno> {
    static SHARES_MEMORY: AtomicU8 = AtomicU8::new(UNKNOWN);
    const UNKNOWN: u8 = 0;
    const YES: u8 = 1;
    const NO: u8 = 2;

    if SHARES_MEMORY.load(SeqCst) == UNKNOWN {
        let ran = match run(|(): &mut ()| {}, &mut ()) {
            // qemu makes only children that send SIGCHLD at their end, and copies the memory for those.
            Err(Errno(libc::EINVAL)) => false,
            outcome => outcome?,
        };
        SHARES_MEMORY.store(if ran { YES } else { NO }, SeqCst);
    }
    if SHARES_MEMORY.load(SeqCst) == NO { Err(Errno(libc::ENOSYS)) } else { run(body, data) }
}

fn run<T>(body: fn(&mut T), data: &mut T) -> Result<bool, Errno> {
    if !children_are_of_this_namespace() {
        // The first child would be the init of the new PID namespace, and its end the end of that.
        return Err(Errno(libc::ENOSYS));
    }
    let stack = Pages::zeroed(STACK)?;
    let mut job = Job { body, data, is_done: AtomicBool::new(false) };
    let top = stack.at(stack.size(), 0).cast();
    // SAFETY: all-zero is an empty set, and filled below.
    let (mut all, mut before) = unsafe { (zeroed(), zeroed()) };
    // SAFETY: both sets are this function's. No handler of this process may run in the child: it would run twice.
    unsafe {
        libc::sigfillset(&raw mut all);
        libc::pthread_sigmask(libc::SIG_SETMASK, &raw const all, &raw mut before);
    }
    // SAFETY: the stack and the job outlive the child, for which this thread waits (CLONE_VFORK, waitpid). No signal at its
    // end: a handler of SIGCHLD, or a thread that waits for any child, does not see it.
    let child = unsafe { libc::clone(start::<T>, top, libc::CLONE_VM | libc::CLONE_VFORK, from_mut(&mut job).cast()) };
    let outcome = if child < 0 { Err(last_errno()) } else { Ok(()) };
    if child > 0 {
        // SAFETY: waits for the child above; its status does not matter.
        while unsafe { libc::waitpid(child, null_mut(), libc::__WALL) } < 0 && last_errno() == Errno(libc::EINTR) {}
    }
    // SAFETY: puts the mask back.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &raw const before, null_mut()) };
    outcome.map(|()| job.is_done.load(SeqCst))
}

/// Whether unshare(2) or setns(2) has not chosen another PID namespace for the children of this thread.
fn children_are_of_this_namespace() -> bool {
    let namespace = |name: &str| std::fs::read_link(format!("/proc/thread-self/ns/{name}")).ok();
    match (namespace("pid"), namespace("pid_for_children")) {
        (Some(own), Some(children)) => own == children,
        // A new namespace has no name before it has its first child, namespaces(7).
        (Some(_), None) => false,
        // Nothing is known of it where /proc is not mounted.
        (None, _) => true,
    }
}

extern "C" fn start<T>(job: *mut c_void) -> c_int {
    // SAFETY: the parent waits and leaves the job alone meanwhile. The handlers are this process's own.
    unsafe {
        let job = &mut *job.cast::<Job<T>>();
        let mut action: libc::sigaction = zeroed();
        action.sa_sigaction = stop as *const () as usize;
        let mut faults: libc::sigset_t = zeroed();
        for signal in [libc::SIGSEGV, libc::SIGBUS] {
            libc::sigaction(signal, &raw const action, null_mut());
            libc::sigaddset(&raw mut faults, signal);
        }
        libc::pthread_sigmask(libc::SIG_UNBLOCK, &raw const faults, null_mut());
        (job.body)(job.data);
        job.is_done.store(true, SeqCst);
    }
    0
}

extern "C" fn stop(_signal: c_int) {
    // SAFETY: ends the child alone: it is a process of its own.
    unsafe { libc::_exit(1) }
}
