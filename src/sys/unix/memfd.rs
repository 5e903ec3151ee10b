//! Files in memory without a name, and their seals: of Linux, and of FreeBSD from 13 on.

use super::{check, last_errno, owned};
use crate::error::Errno;
use crate::sys::File;
use std::ffi::{CStr, c_int};

pub fn memfd_create(name: &CStr, flags: c_int) -> Result<File, Errno> {
    let flags = u32::from_ne_bytes(flags.to_ne_bytes());
    // FreeBSD's have pages of a size that only they have.
    if cfg!(target_os = "freebsd") && flags & libc::MFD_HUGETLB != 0 {
        return Err(Errno::ENOSYS);
    }
    // SAFETY: the name ends in NUL.
    owned(|| unsafe { libc::memfd_create(name.as_ptr(), flags | libc::MFD_CLOEXEC) })
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
