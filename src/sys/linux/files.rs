//! Kinds of files that only Linux has.

use super::{check, last_errno};
use crate::error::Errno;
use crate::sys::File;
use crate::sys::unix::owned;
use std::ffi::{CStr, c_int};

/// linux/fs.h
const BLKGETSIZE64: libc::Ioctl = libc::_IOR::<usize>(0x12, 114);

/// Bytes in the block device that is open as `fd`.
pub fn block_device_size(fd: c_int) -> Option<u64> {
    let mut size = 0u64;
    // SAFETY: the call writes one 64-bit number to the address given.
    check(unsafe { libc::ioctl(fd, BLKGETSIZE64, &mut size) }).ok().map(|()| size)
}

pub fn memfd_create(name: &CStr, flags: c_int) -> Result<File, Errno> {
    // SAFETY: the name ends in NUL.
    owned(|| unsafe { libc::memfd_create(name.as_ptr(), u32::from_ne_bytes(flags.to_ne_bytes()) | libc::MFD_CLOEXEC) })
}

/// The number of the call on every processor; the libc crate lacks it for some.
const MEMFD_SECRET: libc::c_long = 447;

pub fn memfd_secret() -> Result<File, Errno> {
    // SAFETY: takes flags and accesses no memory; returns a descriptor or -1.
    owned(|| c_int::try_from(unsafe { libc::syscall(MEMFD_SECRET, libc::O_CLOEXEC) }).unwrap_or(-1))
}

/// The F_SEAL_ bits of a memory file.
pub fn seals(fd: c_int) -> Result<c_int, Errno> {
    // SAFETY: fcntl checks the descriptor.
    match unsafe { libc::fcntl(fd, libc::F_GET_SEALS) } {
        -1 => Err(last_errno()),
        seals => Ok(seals),
    }
}

pub fn add_seals(fd: c_int, seals: c_int) -> Result<(), Errno> {
    // SAFETY: as above.
    check(unsafe { libc::fcntl(fd, libc::F_ADD_SEALS, seals) })
}
