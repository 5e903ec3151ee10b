//! What all POSIX systems have.

mod copy;
#[cfg(not(linux_kernel))]
mod fault_cause;
mod files;
#[cfg(bsd)]
mod inheritance;
#[cfg(any(linux_kernel, target_os = "freebsd"))]
mod memfd;
mod pages;
#[cfg(target_os = "macos")]
mod regions;
#[cfg(not(linux_kernel))]
mod residency;
mod signals;
#[cfg(bsd)]
mod wait;

use super::Limits;
use crate::error::Errno;
use std::ffi::{c_char, c_int};
use std::mem::MaybeUninit;

pub use copy::{copied, copy_by_socket};
pub use files::*;
#[cfg(linux_kernel)]
pub use pages::mremap;
pub use pages::{Backing, MAPPINGS_FOLLOW_FILES};
pub use signals::{errno_place, raise_again};

#[cfg(any(linux_kernel, target_os = "freebsd"))]
pub use memfd::{add_seals, memfd_create, seals};

// The names below hide those of `lacking`.
#[cfg(not(linux_kernel))]
pub use super::lacking::*;
#[cfg(not(linux_kernel))]
pub use copy_by_socket as copy;
#[cfg(not(linux_kernel))]
pub use fault_cause::fault_cause;
#[cfg(not(any(linux_kernel, target_os = "macos")))]
pub use files::unlinked_shared_memory;
#[cfg(not(linux_kernel))]
pub use files::{shm_open, shm_unlink};
#[cfg(all(bsd, not(target_os = "macos")))]
pub use inheritance::wipe_on_fork;
#[cfg(target_os = "macos")]
pub use regions::protection;
#[cfg(target_os = "freebsd")]
pub use residency::evict_cached;
#[cfg(not(any(linux_kernel, target_os = "openbsd")))]
pub use residency::page_residency;
#[cfg(any(target_os = "freebsd", target_os = "macos"))]
pub use residency::read_ahead;
#[cfg(bsd)]
pub use wait::{wait_on, wake};

pub fn last_errno() -> Errno {
    Errno(std::io::Error::last_os_error().raw_os_error().unwrap_or(0))
}

/// Turns the 0 or -1 of most calls into a result.
pub fn check(result: c_int) -> Result<(), Errno> {
    if result == 0 { Ok(()) } else { Err(last_errno()) }
}

/// A time to wait, 68 years if it is longer than the system counts.
#[cfg(not(any(target_os = "macos", target_os = "illumos")))]
pub fn timespec(time: std::time::Duration) -> libc::timespec {
    libc::timespec {
        tv_sec: time.as_secs().try_into().unwrap_or(i32::MAX.into()),
        tv_nsec: i32::try_from(time.subsec_nanos()).unwrap_or(0).into(),
    }
}

/// Bytes in a page: 4 KiB, 16 KiB and 64 KiB exist.
pub fn query_page_size() -> usize {
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
    #[cfg(not(target_os = "macos"))]
    // SAFETY: locking changes no memory; the kernel checks the flags.
    return check(unsafe { libc::mlockall(flags) });
    #[cfg(target_os = "macos")]
    return Err(Errno(if flags == 0 { libc::EINVAL } else { libc::ENOSYS }));
}

pub fn unlock_all() -> Result<(), Errno> {
    #[cfg(not(target_os = "macos"))]
    // SAFETY: as above.
    return check(unsafe { libc::munlockall() });
    #[cfg(target_os = "macos")]
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
