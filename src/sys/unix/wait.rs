//! Waiting for a word and waking waiters, also between processes that map the same memory: each system's own call, in the form
//! of futex(2) of Linux. illumos documents none.

use super::last_errno;
use crate::error::Errno;
use std::ffi::c_int;
use std::time::Duration;

/// Sleeps while the 32-bit word is the low half of `expected`, until it is woken. EAGAIN if the word is another already.
pub fn wait_on(word: *const u8, expected: u64, timeout: Duration) -> Result<(), Errno> {
    #[allow(clippy::cast_possible_truncation, reason = "the low half is meant")]
    let expected = expected as u32;
    system::wait(word, expected, timeout)
}

/// Wakes up to `count` waiters of the word, and returns how many; 0 on FreeBSD, which does not report it.
pub fn wake(word: *const u8, count: c_int) -> Result<usize, Errno> {
    system::wake(word, count)
}

/// EAGAIN where the word has another value. The calls of macOS and FreeBSD return 0 then, as for a wake.
#[cfg(any(target_os = "macos", target_os = "freebsd"))]
fn compare(word: *const u8, expected: u32) -> Result<(), Errno> {
    let mut bytes = [0; 4];
    // SAFETY: the room is this function's. An aligned word is on one page.
    match unsafe { super::copy_by_socket(word, bytes.as_mut_ptr(), bytes.len()) }? {
        4 if u32::from_ne_bytes(bytes) == expected => Ok(()),
        _ => Err(Errno(libc::EAGAIN)),
    }
}

/// os_sync_wait_on_address and its like, of macOS 14.4: found when they are first called, so that older systems can load
/// this library. Those have only __ulock_wait, which is private: it may change, and Apple's store rejects programs that use it.
#[cfg(target_os = "macos")]
mod system {
    use super::{Duration, Errno, c_int, compare, last_errno};
    use libc::{OS_CLOCK_MACH_ABSOLUTE_TIME, OS_SYNC_WAIT_ON_ADDRESS_SHARED, OS_SYNC_WAKE_BY_ADDRESS_SHARED};
    use std::ffi::{CStr, c_void};
    use std::sync::OnceLock;

    /// A word and its value, the bytes of it, flags, clock, nanoseconds: below 0 on failure.
    type Wait = unsafe extern "C" fn(*mut c_void, u64, usize, u32, u32, u64) -> c_int;
    /// A word, the bytes of it, flags: 0, or ENOENT if no thread waits.
    type Wake = unsafe extern "C" fn(*mut c_void, usize, u32) -> c_int;

    fn symbol(name: &CStr) -> *mut c_void {
        // SAFETY: looks the name up, which ends in NUL.
        unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) }
    }

    pub fn wait(word: *const u8, expected: u32, timeout: Duration) -> Result<(), Errno> {
        static WAIT: OnceLock<Option<Wait>> = OnceLock::new();
        let wait = WAIT.get_or_init(|| {
            // SAFETY: <os/os_sync_wait_on_address.h> declares the function so; NULL is None.
            unsafe { std::mem::transmute(symbol(c"os_sync_wait_on_address_with_timeout")) }
        });
        let wait = wait.ok_or(Errno::ENOSYS)?;
        compare(word, expected)?;
        // No time at all is EINVAL. The longest is 68 years, as for a timespec.
        let nanoseconds = u64::try_from(timeout.as_nanos()).unwrap_or(u64::MAX).clamp(1, 1_000_000_000 << 31);
        let (place, shared) = (word.cast_mut().cast(), OS_SYNC_WAIT_ON_ADDRESS_SHARED);
        // SAFETY: the kernel checks the word's address, and does not write there.
        let waited = unsafe { wait(place, expected.into(), 4, shared, OS_CLOCK_MACH_ABSOLUTE_TIME, nanoseconds) };
        if waited < 0 { Err(last_errno()) } else { Ok(()) }
    }

    /// One at a time: the call that wakes all does not report how many it woke.
    pub fn wake(word: *const u8, count: c_int) -> Result<usize, Errno> {
        static WAKE: OnceLock<Option<Wake>> = OnceLock::new();
        let wake = WAKE.get_or_init(|| {
            // SAFETY: as above.
            unsafe { std::mem::transmute(symbol(c"os_sync_wake_by_address_any")) }
        });
        let wake = wake.ok_or(Errno::ENOSYS)?;
        let mut woken = 0;
        for _ in 0..count {
            // SAFETY: as above.
            if unsafe { wake(word.cast_mut().cast(), 4, OS_SYNC_WAKE_BY_ADDRESS_SHARED) } != 0 {
                match last_errno() {
                    Errno(libc::ENOENT) => break,
                    errno => return Err(errno),
                }
            }
            woken += 1;
        }
        Ok(woken)
    }
}

/// _umtx_op(2), in the forms that are not of one process only.
#[cfg(target_os = "freebsd")]
mod system {
    use super::super::timespec;
    use super::{Duration, Errno, c_int, compare, last_errno};
    use std::ptr::{from_ref, null_mut, without_provenance_mut};

    pub fn wait(word: *const u8, expected: u32, timeout: Duration) -> Result<(), Errno> {
        compare(word, expected)?;
        // The clock has a small number.
        let clock = u32::try_from(libc::CLOCK_MONOTONIC).unwrap_or(0);
        let time = libc::_umtx_time { _timeout: timespec(timeout), _flags: 0, _clockid: clock };
        let (place, size) = (word.cast_mut().cast(), without_provenance_mut(size_of_val(&time)));
        // SAFETY: the kernel checks the word's address, does not write there, and reads one _umtx_time.
        let waited =
            unsafe { libc::_umtx_op(place, libc::UMTX_OP_WAIT_UINT, expected.into(), size, from_ref(&time).cast_mut().cast()) };
        if waited == 0 { Ok(()) } else { Err(last_errno()) }
    }

    pub fn wake(word: *const u8, count: c_int) -> Result<usize, Errno> {
        let (place, count) = (word.cast_mut().cast(), u32::try_from(count).unwrap_or(0).into());
        // SAFETY: as above.
        match unsafe { libc::_umtx_op(place, libc::UMTX_OP_WAKE, count, null_mut(), null_mut()) } {
            0 => Ok(0),
            _ => Err(last_errno()),
        }
    }
}

/// futex(2)
#[cfg(target_os = "openbsd")]
mod system {
    use super::super::timespec;
    use super::{Duration, Errno, c_int, last_errno};
    use std::ptr::{null, null_mut};

    pub fn wait(word: *const u8, expected: u32, timeout: Duration) -> Result<(), Errno> {
        let (time, expected) = (timespec(timeout), c_int::from_ne_bytes(expected.to_ne_bytes()));
        // SAFETY: the kernel checks the word's address, does not write there, and reads one timespec.
        let waited = unsafe { libc::futex(word.cast_mut().cast(), libc::FUTEX_WAIT, expected, &raw const time, null_mut()) };
        match waited {
            0 => Ok(()),
            _ => match last_errno() {
                // A signal, too: one whose handler has SA_RESTART.
                Errno(libc::ECANCELED) => Err(Errno(libc::EINTR)),
                errno => Err(errno),
            },
        }
    }

    pub fn wake(word: *const u8, count: c_int) -> Result<usize, Errno> {
        // SAFETY: as above.
        let woken = unsafe { libc::futex(word.cast_mut().cast(), libc::FUTEX_WAKE, count, null(), null_mut()) };
        usize::try_from(woken).map_err(|_| last_errno())
    }
}

/// __futex(2), of NetBSD 10: no function of the C library calls it, and a system that lacks it ends the process (SIGSYS).
#[cfg(target_os = "netbsd")]
mod system {
    use super::super::timespec;
    use super::{Duration, Errno, c_int, last_errno};
    use std::ffi::CStr;
    use std::mem::MaybeUninit;
    use std::ptr::{from_ref, null};
    use std::sync::OnceLock;

    /// <sys/syscall.h>
    const SYS___FUTEX: c_int = 166;

    fn is_there() -> Result<(), Errno> {
        static IS_THERE: OnceLock<bool> = OnceLock::new();
        let is_there = IS_THERE.get_or_init(|| {
            let mut system = MaybeUninit::<libc::utsname>::uninit();
            // SAFETY: uname writes one utsname to the place given; it is read only if that succeeded, and its texts end in NUL.
            let release = unsafe {
                (libc::uname(system.as_mut_ptr()) >= 0).then(|| CStr::from_ptr((&raw const (*system.as_ptr()).release).cast()))
            };
            let major = release.and_then(|release| release.to_str().ok()?.split('.').next()?.parse::<u32>().ok());
            major.is_some_and(|major| major >= 10)
        });
        if *is_there { Ok(()) } else { Err(Errno::ENOSYS) }
    }

    pub fn wait(word: *const u8, expected: u32, timeout: Duration) -> Result<(), Errno> {
        is_there()?;
        let time = timespec(timeout);
        let (none, zero) = (null::<u32>(), 0);
        // SAFETY: the kernel checks the word's address, does not write there, and reads one timespec.
        let waited = unsafe { libc::syscall(SYS___FUTEX, word, libc::FUTEX_WAIT, expected, from_ref(&time), none, zero, zero) };
        if waited == 0 { Ok(()) } else { Err(last_errno()) }
    }

    pub fn wake(word: *const u8, count: c_int) -> Result<usize, Errno> {
        is_there()?;
        let (no_time, none, zero) = (null::<libc::timespec>(), null::<u32>(), 0);
        // SAFETY: as above.
        let woken = unsafe { libc::syscall(SYS___FUTEX, word, libc::FUTEX_WAKE, count, no_time, none, zero, zero) };
        usize::try_from(woken).map_err(|_| last_errno())
    }
}
