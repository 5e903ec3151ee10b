//! Runs a few instructions in a child process that shares this process's memory and nothing else: a fault ends only the
//! child, and its descriptors are copies.

use crate::error::Errno;
use crate::sys::Pages;
use crate::sys::unix::last_errno;
use std::ffi::{c_int, c_void};
use std::mem::zeroed;
use std::ptr::{from_mut, null_mut};
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering::SeqCst};

/// Bytes: enough for the body and for the frame of a signal, which has up to 11 KiB (AMX).
const STACK: usize = 64 * 1024;

struct Job<'a, T> {
    body: fn(&mut T),
    data: &'a mut T,
    is_done: AtomicBool,
}

/// Runs `body` in a child process. Returns true if it ran to its end, false if a SIGSEGV or SIGBUS ended it. The body must
/// make only loads, stores and system calls, and hold no lock: it runs concurrently with the other threads, on a stack of its
/// own, with this thread's thread-local storage.
///
/// The child is created as by posix_spawn(3) (CLONE_VM, CLONE_VFORK): it shares the memory, and has its own signal handlers
/// and signal mask. This thread waits for it. ENOSYS if memory is not shared (some emulators).
pub fn run_apart<T>(body: fn(&mut T), data: &mut T) -> Result<bool, Errno> {
    static SHARES_MEMORY: AtomicU8 = AtomicU8::new(UNKNOWN);
    const UNKNOWN: u8 = 0;
    const YES: u8 = 1;
    const NO: u8 = 2;

    if SHARES_MEMORY.load(SeqCst) == UNKNOWN {
        let ran = match run(|(): &mut ()| {}, &mut ()) {
            // qemu supports only children that send SIGCHLD when they end, and copies the memory for them.
            Err(Errno(libc::EINVAL)) => false,
            outcome => outcome?,
        };
        SHARES_MEMORY.store(if ran { YES } else { NO }, SeqCst);
    }
    if SHARES_MEMORY.load(SeqCst) == NO { Err(Errno(libc::ENOSYS)) } else { run(body, data) }
}

fn run<T>(body: fn(&mut T), data: &mut T) -> Result<bool, Errno> {
    if !children_are_of_this_namespace() {
        // The first child would be the init process of the new PID namespace, which ends with it.
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
    // SAFETY: the stack and the job outlive the child, for which this thread waits (CLONE_VFORK, waitpid). The child sends no
    // signal when it ends, so that a handler of SIGCHLD, or a thread that waits for any child, does not notice it.
    let child = unsafe { libc::clone(start::<T>, top, libc::CLONE_VM | libc::CLONE_VFORK, from_mut(&mut job).cast()) };
    let outcome = if child < 0 { Err(last_errno()) } else { Ok(()) };
    if child > 0 {
        // SAFETY: waits for the child above; its status is not needed.
        while unsafe { libc::waitpid(child, null_mut(), libc::__WALL) } < 0 && last_errno() == Errno(libc::EINTR) {}
    }
    // SAFETY: restores the mask.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &raw const before, null_mut()) };
    outcome.map(|()| job.is_done.load(SeqCst))
}

/// Whether children of this thread are in its PID namespace: unshare(2) and setns(2) can set another one.
fn children_are_of_this_namespace() -> bool {
    let namespace = |name: &str| std::fs::read_link(format!("/proc/thread-self/ns/{name}")).ok();
    match (namespace("pid"), namespace("pid_for_children")) {
        (Some(own), Some(children)) => own == children,
        // The link is empty until the new namespace has its first process, namespaces(7).
        (Some(_), None) => false,
        // Unknown if /proc is not mounted.
        (None, _) => true,
    }
}

extern "C" fn start<T>(job: *mut c_void) -> c_int {
    // SAFETY: the parent waits, and does not access the job meanwhile. The handlers are the child's own.
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
    // SAFETY: ends only the child, which is a process.
    unsafe { libc::_exit(1) }
}
