//! The exception handler on Windows. The system calls it before all others of the process, and before the handlers of frames;
//! exceptions that it does not repair are passed to those.
//!
//! No code removes it, and exceptions cannot be masked, so it is always in place.

use crate::guarded::arch::{self, Registers};
use crate::sys;
use std::sync::OnceLock;
use windows_sys::Win32::Foundation::{EXCEPTION_ACCESS_VIOLATION, EXCEPTION_IN_PAGE_ERROR};
use windows_sys::Win32::System::Diagnostics::Debug::{
    AddVectoredExceptionHandler, EXCEPTION_CONTINUE_EXECUTION, EXCEPTION_CONTINUE_SEARCH, EXCEPTION_POINTERS,
};

/// Whether this handler would be called for a fault in this thread now.
pub fn is_held() -> bool {
    is_installed()
}

pub fn is_installed() -> bool {
    static INSTALLED: OnceLock<bool> = OnceLock::new();
    const FIRST: u32 = 1;
    // SAFETY: the handler is a function of the required type, and stays loaded.
    *INSTALLED.get_or_init(|| unsafe { !AddVectoredExceptionHandler(FIRST, Some(on_exception)).is_null() })
}

unsafe extern "system" fn on_exception(pointers: *mut EXCEPTION_POINTERS) -> i32 {
    // SAFETY: the system passes both, for this thread.
    let (record, context) = unsafe { (&*(*pointers).ExceptionRecord, (*pointers).ContextRecord) };
    // The access (0: a load, 1: a store), the address and, for EXCEPTION_IN_PAGE_ERROR, the NTSTATUS.
    let [access, address, status, ..] = record.ExceptionInformation;
    let is_lost = match record.ExceptionCode {
        EXCEPTION_ACCESS_VIOLATION => false,
        EXCEPTION_IN_PAGE_ERROR => true,
        _ => return EXCEPTION_CONTINUE_SEARCH,
    };
    if !is_lost && sys::is_being_changed(address) {
        return EXCEPTION_CONTINUE_EXECUTION;
    }
    // SAFETY: the context of the interrupted thread, which no other code accesses.
    let registers = unsafe { Registers::new(context.cast()) };
    if let Some(fixup) = arch::fixup(registers.pc()) {
        #[allow(clippy::cast_possible_truncation, reason = "an NTSTATUS has 32 bits")]
        sys::note_status(address, if is_lost { i32::from_ne_bytes((status as u32).to_ne_bytes()) } else { 0 });
        registers.continue_at(fixup, address);
        return EXCEPTION_CONTINUE_EXECUTION;
    }
    match super::survivor() {
        Some(survivor) if is_lost && survivor(address, Some(access == 1)) => EXCEPTION_CONTINUE_EXECUTION,
        _ => EXCEPTION_CONTINUE_SEARCH,
    }
}
