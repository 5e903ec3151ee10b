//! Open files and sections: handles, and the numbers that callers know them by.

use super::errors::{check, last_errno};
use crate::error::Errno;
use std::os::windows::io::{AsHandle, AsRawHandle, BorrowedHandle, FromRawHandle, IntoRawHandle, OwnedHandle};
use windows_sys::Win32::Foundation::{DUPLICATE_SAME_ACCESS, DuplicateHandle, HANDLE};
use windows_sys::Win32::System::Threading::GetCurrentProcess;

pub use std::os::windows::io::AsHandle as AsFile;

/// An open file or section, which is closed when this is dropped.
pub type File = OwnedHandle;
/// An open file that this does not close.
pub type BorrowedFile<'a> = BorrowedHandle<'a>;
/// The handle of an open file, as a number.
pub type RawFile = i64;
/// What it is called in messages.
pub const RAW_FILE: &str = "handle";

pub fn borrow(file: &File) -> BorrowedFile<'_> {
    file.as_handle()
}

/// The handle of an open file; the file keeps it.
pub fn raw(file: &impl AsFile) -> RawFile {
    number(file.as_handle().as_raw_handle())
}

/// The handle of an open file, which the caller has to close.
pub fn into_raw(file: File) -> RawFile {
    number(file.into_raw_handle())
}

#[allow(clippy::cast_possible_wrap, reason = "the same bits")]
fn number(handle: HANDLE) -> RawFile {
    handle.expose_provenance() as isize as RawFile
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the same bits; 32 of them have a meaning")]
pub fn handle(file: RawFile) -> HANDLE {
    std::ptr::with_exposed_provenance_mut(file as usize)
}

/// The result of a call that returns a new handle, or NULL on failure.
pub fn owned(handle: HANDLE) -> Result<File, Errno> {
    if handle.is_null() {
        return Err(last_errno());
    }
    // SAFETY: the handle is new, so it is ours alone.
    Ok(unsafe { File::from_raw_handle(handle) })
}

/// Duplicates a handle. Child processes do not inherit it.
pub fn duplicate(fd: RawFile) -> Result<File, Errno> {
    let mut copy: HANDLE = std::ptr::null_mut();
    // SAFETY: writes one handle to the address given, and fails for an invalid one.
    check(unsafe {
        let process = GetCurrentProcess();
        DuplicateHandle(process, handle(fd), process, &raw mut copy, 0, 0, DUPLICATE_SAME_ACCESS)
    })?;
    owned(copy)
}
