//! Copies by the kernel, which report a fault as an error.

use super::last_errno;
use crate::error::Errno;
use crate::sys::page_size;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;

/// Copies through a pair of sockets: write(2) and read(2) fail with EFAULT where a load or a store would raise a signal. For
/// systems that have or permit nothing better; it needs two descriptors for a moment. Returns the number of bytes copied, at
/// most to the end of a page of either side: a page faults as a whole.
///
/// # Safety
/// The caller may write `size` bytes at `to`, if they are mapped at all.
pub unsafe fn copy_by_socket(from: *const u8, to: *mut u8, size: usize) -> Result<usize, Errno> {
    let (reader, writer) = pair()?;
    let size = size.min(left_on_page(from.addr())).min(left_on_page(to.addr()));
    // SAFETY: the kernel checks the address; an empty socket accepts a page without blocking.
    let written = copied(unsafe { libc::write(writer.as_raw_fd(), from.cast(), size) })?;
    // SAFETY: as the caller promises; the kernel checks the address, and the socket holds the bytes.
    copied(unsafe { libc::read(reader.as_raw_fd(), to.cast(), written) })
}

fn pair() -> Result<(UnixStream, UnixStream), Errno> {
    UnixStream::pair().map_err(|error| Errno(error.raw_os_error().unwrap_or(0)))
}

fn left_on_page(address: usize) -> usize {
    let page = page_size();
    page - address % page
}

/// The result of a system call that returns a number of bytes, or -1.
pub fn copied(result: isize) -> Result<usize, Errno> {
    usize::try_from(result).map_err(|_| last_errno())
}
