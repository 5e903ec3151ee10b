//! Copies by the kernel, which report a fault as an error.

use super::errors::last_errno;
use super::is_readable;
use super::regions::query;
use crate::error::Errno;
use crate::sys::page_size;
use windows_sys::Win32::System::Diagnostics::Debug::ReadProcessMemory;
use windows_sys::Win32::System::Memory::{
    MEM_COMMIT, PAGE_EXECUTE_READWRITE, PAGE_EXECUTE_WRITECOPY, PAGE_GUARD, PAGE_READWRITE, PAGE_WRITECOPY,
};
use windows_sys::Win32::System::Threading::GetCurrentProcess;

/// Copies by the kernel; both sides may fault. Returns the number of bytes copied, at most to the end of a page of either
/// side: the system does not report how much of a copy that faulted was done.
///
/// # Safety
/// The caller may write `size` bytes at `to`, if they are mapped at all.
pub unsafe fn copy(from: *const u8, to: *mut u8, size: usize) -> Result<usize, Errno> {
    let size = size.min(left_on_page(from.addr())).min(left_on_page(to.addr()));
    let mut done = 0;
    // SAFETY: the kernel checks both addresses; `to` is the caller's to write.
    let copied = unsafe { ReadProcessMemory(GetCurrentProcess(), from.cast(), to.cast(), size, &raw mut done) };
    match (copied, done) {
        (0, 0) => Err(last_errno()),
        (_, done) => Ok(done),
    }
}

fn left_on_page(address: usize) -> usize {
    let page = page_size();
    page - address % page
}

/// Whether a store there would succeed: the page can be read, and its protection allows stores.
pub fn is_writable(address: usize) -> bool {
    const WRITABLE: u32 = PAGE_READWRITE | PAGE_WRITECOPY | PAGE_EXECUTE_READWRITE | PAGE_EXECUTE_WRITECOPY;
    let allows = query(address)
        .is_ok_and(|region| region.State == MEM_COMMIT && region.Protect & WRITABLE != 0 && region.Protect & PAGE_GUARD == 0);
    allows && is_readable(address)
}
