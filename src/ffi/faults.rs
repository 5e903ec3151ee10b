//! Faults
//!
//! A page may fault at any access: its file was cut short, its disk is full or broken, its protection forbids it, another
//! thread unmapped it. For the calls above that is MMAP_WRAP_E_FAULT; the process lives on. A handler of SIGBUS and SIGSEGV
//! repairs the fault. It is installed with the first access, and passes on every signal that is not this library's, as if
//! it were not there. Where another handler has replaced it, or the thread blocks one of the two signals, accesses go
//! through the kernel instead, and are slower (an atomic operation needs a process of its own, and takes some 0.1 ms).
//!
//! Whether the handler is in place is verified by lease: a thread that accesses memory verifies it at most every 25
//! microseconds or so. An access within the lease that follows a change of handlers or of the signal mask relies on what
//! was true before: only there can a fault still kill. mmap_wrap_verify_handlers ends the lease.
//!
//! An access through an address (mmap_wrap_address, mmap_wrap_acquire) is the caller's own and dies by SIGBUS as usual,
//! unless the mapping is surviving. docs/safety.md says what is guaranteed and what is not.

use super::boundary::{answer, boundary, last_fault};
use super::mapping::mmap_wrap_handle;
use crate::{guarded, registry};
use std::ffi::c_void;

/// How many bytes this thread's last failed call had done when an access faulted: meant to be asked after
/// MMAP_WRAP_E_FAULT. 0 if the last failure was another.
///
/// ```c
/// if (mmap_wrap_read(h, 0, buffer, size) == MMAP_WRAP_E_FAULT) size = mmap_wrap_fault_done();
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_fault_done() -> i64 {
    boundary("mmap_wrap_fault_done", || Ok(last_fault().map_or(0, |(done, _)| answer(done))))
}

/// The address at which an access faulted; NULL if this thread's last failure was another. Not to be accessed.
///
/// ```c
/// printf("faulted at %p\n", mmap_wrap_fault_address());
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_fault_address() -> *mut c_void {
    last_fault().map_or(0, |(_, address)| address) as *mut c_void
}

/// Lets the mapping survive a SIGBUS that code anywhere in the process meets through its address (yes = 1), or stops
/// that (yes = 0, as every mapping begins). The page that refused becomes fresh, zeroed memory of this process, and the
/// next call that uses the mapping, munmap_wrap included, answers MMAP_WRAP_E_FAULT once, so that no loss passes
/// unreported; munmap_wrap unmaps all the same. (mmap_wrap_length and mmap_wrap_address only ask, and answer as ever.)
///
/// Returns 0, or MMAP_WRAP_E_UNSUPPORTED where another handler has replaced this library's, one of the signals is blocked in
/// this thread, or pages are sealed (they cannot be replaced), MMAP_WRAP_E_HANDLE, MMAP_WRAP_E_UNMAPPED.
///
/// ```c
/// mmap_wrap_survive(h, 1);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_survive(h: mmap_wrap_handle, yes: i64) -> i64 {
    boundary("mmap_wrap_survive", || registry::survive(h, yes != 0).map(|()| 0))
}

/// A word whose lowest bit is set while the mapping has a loss that was not reported yet. One load tells, at every
/// access if need be. The address stays readable for ever; it speaks of this mapping until that is unmapped. NULL: not
/// a handle, or unmapped.
///
/// ```c
/// const volatile uint32_t *loss = mmap_wrap_loss_flag(h);
/// if (*loss & 1) puts("the file was cut short");
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_loss_flag(h: mmap_wrap_handle) -> *const u32 {
    let word = super::boundary::boundary_pointer("mmap_wrap_loss_flag", || Ok(registry::loss(h)?.as_ptr()));
    word.cast_const()
}

/// Verifies now whether the handlers of SIGBUS and SIGSEGV are this library's and neither signal is blocked in this thread,
/// and begins a new lease. To be called by a thread right after it installed a handler of SIGBUS or SIGSEGV, or changed
/// its signal mask. Returns 1 if faults of this thread's accesses are repaired by the handlers from here on, 0 if its
/// accesses go through the kernel. Neither is an error.
///
/// ```c
/// sigaction(SIGSEGV, &mine, NULL);
/// mmap_wrap_verify_handlers();
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_verify_handlers() -> i64 {
    boundary("mmap_wrap_verify_handlers", || Ok(guarded::verify().into()))
}

/// Says whether the handlers of SIGBUS and SIGSEGV may be taken for granted (yes = 1): no code in this process replaces
/// them from now on, or blocks the signals. Accesses then verify nothing. Without that word (yes = 0, as it begins) the
/// handlers are verified by lease. Returns 0.
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
