//! The cause of a fault, on systems that do not report what is mapped at an address.

use crate::error::{Cause, Errno};
use crate::sys::page_size;
use crate::sys::system;
use std::ffi::c_void;
use std::os::fd::{AsRawFd, BorrowedFd};

/// The cause of a fault at the byte at `address`. `file` is the file that should be mapped there, if it is open, and the offset
/// of the byte in it.
pub fn fault_cause(address: usize, writing: bool, file: Option<(BorrowedFd, u64)>) -> Cause {
    if !is_mapped(address) {
        return Cause::Unmapped;
    }
    let needed = if writing { libc::PROT_WRITE } else { libc::PROT_READ };
    if system::protection(address).is_some_and(|(prot, _)| prot & needed == 0) {
        return Cause::Protection;
    }
    if !writing && system::is_readable(address) {
        return Cause::Gone;
    }
    let beyond_end = file.and_then(|(file, offset)| {
        let info = system::file_info(file.as_raw_fd()).ok().filter(|info| info.has_size)?;
        let page = page_size() as u64;
        (offset / page * page >= info.size).then_some(Cause::BeyondEnd { offset, size: info.size })
    });
    beyond_end.unwrap_or(Cause::Unknown)
}

/// Whether anything is mapped at an address: msync(2) fails where nothing is.
fn is_mapped(address: usize) -> bool {
    let start = (address & !(page_size() - 1)) as *mut c_void;
    // SAFETY: changes no memory; the kernel checks the address.
    let asked = super::check(unsafe { libc::msync(start, page_size(), libc::MS_ASYNC) });
    !matches!(asked, Err(Errno(libc::ENOMEM | libc::EFAULT)))
}
