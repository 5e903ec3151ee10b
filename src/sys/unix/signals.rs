//! What a signal handler needs.

use libc::{c_int, siginfo_t};

#[cfg(target_os = "illumos")]
pub use libc::___errno as errno_place;
#[cfg(any(target_os = "netbsd", target_os = "openbsd", target_os = "android"))]
pub use libc::__errno as errno_place;
#[cfg(target_os = "linux")]
pub use libc::__errno_location as errno_place;
#[cfg(any(target_os = "macos", target_os = "freebsd"))]
pub use libc::__error as errno_place;

/// Sends a signal to this thread again, with its siginfo_t if the system supports that.
///
/// # Safety
/// `info` is that of the signal that is being handled.
#[cfg(linux_kernel)]
pub unsafe fn raise_again(signal: c_int, info: *mut siginfo_t) {
    // SAFETY: as the caller promises; the kernel reads the siginfo_t.
    unsafe { libc::syscall(libc::SYS_rt_tgsigqueueinfo, libc::getpid(), libc::gettid(), signal, info) };
}

/// The same, without the siginfo_t.
///
/// # Safety
/// As above.
#[cfg(not(linux_kernel))]
pub unsafe fn raise_again(signal: c_int, _info: *mut siginfo_t) {
    // SAFETY: touches no memory.
    unsafe { libc::pthread_kill(libc::pthread_self(), signal) };
}
