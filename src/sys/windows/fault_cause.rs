//! The cause of a fault, determined after it.

use super::handles::BorrowedFile;
use super::regions::query;
use crate::error::Cause;
use std::cell::Cell;
use windows_sys::Win32::Foundation::{
    RtlNtStatusToDosError, STATUS_DISK_FULL, STATUS_INSUFFICIENT_RESOURCES, STATUS_NO_MEMORY, STATUS_QUOTA_EXCEEDED,
};
use windows_sys::Win32::System::Memory::{
    MEM_COMMIT, PAGE_EXECUTE, PAGE_EXECUTE_READWRITE, PAGE_EXECUTE_WRITECOPY, PAGE_GUARD, PAGE_NOACCESS, PAGE_READWRITE,
    PAGE_WRITECOPY,
};

thread_local! {
    /// The last address for which this thread got EXCEPTION_IN_PAGE_ERROR, and its NTSTATUS.
    static STATUS: Cell<(usize, i32)> = const { Cell::new((0, 0)) };
}

/// Stores the NTSTATUS of a page that could not be read in. Called by the exception handler.
pub fn note_status(address: usize, status: i32) {
    let _ = STATUS.try_with(|last| last.set((address, status)));
}

/// The cause of a fault at the byte at `address`.
pub fn fault_cause(address: usize, writing: bool, _file: Option<(BorrowedFile, u64)>) -> Cause {
    const WRITABLE: u32 = PAGE_READWRITE | PAGE_WRITECOPY | PAGE_EXECUTE_READWRITE | PAGE_EXECUTE_WRITECOPY;
    let (noted, status) = STATUS.replace((0, 0));
    if noted == address && status != 0 {
        return match status {
            STATUS_DISK_FULL => Cause::NoSpace,
            STATUS_QUOTA_EXCEEDED => Cause::Quota,
            STATUS_NO_MEMORY | STATUS_INSUFFICIENT_RESOURCES => Cause::NoMemory,
            // SAFETY: converts a number.
            status => Cause::Io(super::errors::from_code(unsafe { RtlNtStatusToDosError(status) })),
        };
    }
    let Ok(region) = query(address) else { return Cause::Unknown };
    if region.State != MEM_COMMIT {
        return Cause::Unmapped;
    }
    let allows = match writing {
        true => region.Protect & WRITABLE != 0,
        false => region.Protect & (PAGE_NOACCESS | PAGE_EXECUTE) == 0,
    };
    if !allows || region.Protect & PAGE_GUARD != 0 {
        return Cause::Protection;
    }
    Cause::Gone
}
