//! What all POSIX systems have.

#[cfg(not(target_os = "linux"))]
mod beside_linux;
mod copy;
mod files;
mod pages;
mod signals;

use super::Limits;
use crate::error::Errno;
use std::ffi::{c_char, c_int};
use std::mem::MaybeUninit;

pub use copy::{copied, copy_by_socket};
pub use files::*;
pub use pages::{MAPPINGS_FOLLOW_FILES, Showing};
pub use signals::{errno_place, raise_again};

// The names below hide those of `lacking`.
#[cfg(not(target_os = "linux"))]
pub use super::lacking::*;
#[cfg(not(any(target_os = "linux", target_os = "openbsd")))]
pub use beside_linux::presence;
#[cfg(any(target_os = "freebsd", target_os = "netbsd", target_os = "openbsd"))]
pub use beside_linux::wipe_on_fork;
#[cfg(not(target_os = "linux"))]
pub use copy_by_socket as copy;

pub fn last_errno() -> Errno {
    Errno(std::io::Error::last_os_error().raw_os_error().unwrap_or(0))
}

/// Turns the 0 or -1 of most calls into a result.
pub fn check(result: c_int) -> Result<(), Errno> {
    if result == 0 { Ok(()) } else { Err(last_errno()) }
}

/// Bytes in a page: 4 KiB, 16 KiB and 64 KiB exist.
pub fn asked_page_size() -> usize {
    // SAFETY: sysconf only reads; POSIX requires this name.
    let size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    usize::try_from(size).expect("the system has a page size")
}

/// Bytes of a text before its NUL; reads at most `most`.
///
/// # Safety
/// The text ends in NUL, or is longer.
pub unsafe fn text_length(text: *const c_char, most: usize) -> usize {
    // SAFETY: as the caller promises.
    unsafe { libc::strnlen(text, most) }
}

/// Locks all memory of the process, mlockall(2).
pub fn lock_all(flags: c_int) -> Result<(), Errno> {
    #[cfg(not(target_vendor = "apple"))]
    // SAFETY: locking changes no memory; the kernel checks the flags.
    return check(unsafe { libc::mlockall(flags) });
    #[cfg(target_vendor = "apple")]
    return Err(Errno(if flags == 0 { libc::EINVAL } else { libc::ENOSYS }));
}

pub fn unlock_all() -> Result<(), Errno> {
    #[cfg(not(target_vendor = "apple"))]
    // SAFETY: as above.
    return check(unsafe { libc::munlockall() });
    #[cfg(target_vendor = "apple")]
    return Err(Errno(libc::ENOSYS));
}

pub fn limits() -> Limits {
    let limit = |resource| {
        let mut limit = MaybeUninit::<libc::rlimit>::uninit();
        // SAFETY: getrlimit writes one rlimit to the address given.
        check(unsafe { libc::getrlimit(resource, limit.as_mut_ptr()) }).ok()?;
        // SAFETY: getrlimit succeeded, so all of it is written.
        let current = unsafe { limit.assume_init() }.rlim_cur;
        #[allow(clippy::useless_conversion, reason = "of 32 bits on some platforms, and signed on others")]
        (current != libc::RLIM_INFINITY).then(|| u64::try_from(current).ok()).flatten()
    };
    Limits {
        #[cfg(not(target_os = "openbsd"))]
        address_space: limit(libc::RLIMIT_AS),
        #[cfg(target_os = "openbsd")]
        address_space: limit(libc::RLIMIT_DATA),
        descriptors: limit(libc::RLIMIT_NOFILE),
        file_size: limit(libc::RLIMIT_FSIZE),
        #[cfg(not(target_os = "illumos"))]
        locked_memory: limit(libc::RLIMIT_MEMLOCK),
        #[cfg(target_os = "illumos")]
        locked_memory: None,
        mappings: std::fs::read_to_string("/proc/sys/vm/max_map_count").ok().and_then(|text| text.trim().parse().ok()),
    }
}
