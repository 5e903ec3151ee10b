//! Faults
//!
//! An access can fault at any time: the file was truncated, its disk is full or broken, the protection forbids the access, or
//! the memory was unmapped without this library. The calls of this library then return MMAP_WRAP_E_FAULT, and the process
//! continues. The first access installs handlers of SIGBUS and SIGSEGV for this. The handlers repair faults of this library's
//! calls, and SIGBUS in surviving mappings; they pass every other signal to the handlers that were installed before, or to the
//! default action. If other handlers have replaced them, or the calling thread blocks one of the two signals, accesses are done
//! by the kernel (process_vm_readv(2)), which is slower.
//!
//! Each thread verifies that the handlers are in place at most once in 12 to 33 microseconds, not at every access. If the
//! handlers or the signal mask are changed within that time, an access can still kill the process; mmap_wrap_verify_handlers
//! verifies immediately.
//!
//! An access through an address (mmap_wrap_address, mmap_wrap_acquire) that faults kills the process as usual, unless the
//! mapping is surviving (mmap_wrap_survive). docs/safety.md states what is guaranteed and what is not.

use super::boundary::{boundary, last_fault, length_result};
use super::mapping::mmap_wrap_handle;
use crate::{guarded, registry};
use std::ffi::c_void;

/// Returns how many bytes the calling thread's last failed call had processed when an access faulted; call it after
/// MMAP_WRAP_E_FAULT. 0 if the last error was not a fault.
///
/// ```c
/// if (mmap_wrap_read(h, 0, buffer, size) == MMAP_WRAP_E_FAULT) size = mmap_wrap_fault_done();
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_fault_done() -> i64 {
    boundary("mmap_wrap_fault_done", || Ok(last_fault().map_or(0, |(done, _)| length_result(done))))
}

/// Returns the address of the access that faulted; NULL if the calling thread's last error was not a fault. Do not access it.
///
/// ```c
/// printf("faulted at %p\n", mmap_wrap_fault_address());
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_fault_address() -> *mut c_void {
    last_fault().map_or(0, |(_, address)| address) as *mut c_void
}

/// Makes the mapping surviving (yes = 1), or not (yes = 0, the default). If an access through the address of a surviving
/// mapping, by any code of the process, raises SIGBUS, the page is replaced by a zeroed page of private memory and the access
/// continues; the mapping is marked as having lost data. The next call that uses the mapping, including munmap_wrap, returns
/// MMAP_WRAP_E_FAULT once, so that no loss is unreported; munmap_wrap unmaps it nevertheless. (mmap_wrap_length,
/// mmap_wrap_address, mmap_wrap_acquire and mmap_wrap_info do not report it.)
///
/// Returns 0. Errors: MMAP_WRAP_E_UNSUPPORTED if other handlers have replaced this library's, one of the signals is blocked in
/// this thread, pages are sealed, or, on Windows, for a private mapping of a file; -ENOMEM if there is no memory for the
/// reserve, -EAGAIN if RLIMIT_MEMLOCK leaves none (docs/safety.md); MMAP_WRAP_E_HANDLE; MMAP_WRAP_E_UNMAPPED.
///
/// ```c
/// mmap_wrap_survive(h, 1);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_survive(h: mmap_wrap_handle, yes: i64) -> i64 {
    boundary("mmap_wrap_survive", || registry::survive(h, yes != 0).map(|()| 0))
}

/// Returns the address of a word whose lowest bit is set while the mapping has lost data and no call has reported it. Reading
/// it takes one load. The address stays readable until the process ends. After the mapping is unmapped, the word may belong to
/// another mapping. NULL on error, as mmap_wrap_address.
///
/// ```c
/// const volatile uint32_t *loss = mmap_wrap_loss_flag(h);
/// if (*loss & 1) puts("the file was truncated");
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_loss_flag(h: mmap_wrap_handle) -> *const u32 {
    let word = super::boundary::boundary_pointer("mmap_wrap_loss_flag", || Ok(registry::loss_flag(h)?.as_ptr()));
    word.cast_const()
}

/// Verifies now that the handlers of SIGBUS and SIGSEGV are this library's and that neither signal is blocked in the calling
/// thread. Call it after installing a handler of one of these signals or changing the signal mask. Returns 1 if faults of this
/// thread's accesses are handled by the handlers, 0 if its accesses are done by the kernel. Neither value is an error.
///
/// ```c
/// sigaction(SIGSEGV, &mine, NULL);
/// mmap_wrap_verify_handlers();
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_verify_handlers() -> i64 {
    boundary("mmap_wrap_verify_handlers", || Ok(guarded::verify().into()))
}

/// States that no code of the process will replace the handlers of SIGBUS and SIGSEGV or block these signals (yes = 1):
/// accesses then verify nothing. With yes = 0, the default, each thread verifies the handlers at intervals (see above). Returns
/// 0.
///
/// ```c
/// mmap_wrap_trust_handlers(1);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_trust_handlers(yes: i64) -> i64 {
    boundary("mmap_wrap_trust_handlers", || {
        guarded::trust(yes != 0);
        Ok(0)
    })
}
