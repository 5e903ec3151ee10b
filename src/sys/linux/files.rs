//! Kinds of files that only Linux has.

use super::check;
#[cfg(not(target_os = "android"))]
use crate::{error::Errno, sys::File, sys::unix::owned};
use std::ffi::c_int;

/// linux/fs.h
const BLKGETSIZE64: libc::Ioctl = libc::_IOR::<usize>(0x12, 114);

/// Bytes in the block device that is open as `fd`.
pub fn block_device_size(fd: c_int) -> Option<u64> {
    let mut size = 0u64;
    // SAFETY: the call writes one 64-bit number to the address given.
    check(unsafe { libc::ioctl(fd, BLKGETSIZE64, &mut size) }).ok().map(|()| size)
}

/// The number of the call on every processor; the libc crate lacks it for some.
#[cfg(not(target_os = "android"))]
const MEMFD_SECRET: libc::c_long = 447;

#[cfg(not(target_os = "android"))]
pub fn memfd_secret() -> Result<File, Errno> {
    // SAFETY: takes flags and accesses no memory; returns a descriptor or -1.
    owned(|| c_int::try_from(unsafe { libc::syscall(MEMFD_SECRET, libc::O_CLOEXEC) }).unwrap_or(-1))
}
