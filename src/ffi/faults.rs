//! Faults
//!
//! A page may refuse an access at any time: its file was cut short, its disk is full or broken, its protection forbids
//! it. For the calls above that is MMAP_WRAP_E_FAULT; the process lives on. A handler of SIGBUS and SIGSEGV does this,
//! installed with the first access; it passes on every signal that is not this library's, as if it were not there.
//! Where another handler took its place, or the thread blocks the signals, accesses go through the kernel instead, and
//! are slower. Small accesses to memory without a file (MAP_ANONYMOUS, not MAP_HUGETLB) that the protection allows ask for
//! nothing of that: such memory has no way to refuse.
//!
//! An access through an address (mmap_wrap_address, mmap_wrap_acquire) is the caller's own and dies by SIGBUS as usual,
//! unless the mapping is surviving. docs/safety.md tells what is guaranteed and what is not.

use super::boundary::{answer, boundary, last_fault};
use super::map::mmap_wrap_handle;
use crate::{guarded, registry};
use std::ffi::c_void;

/// How many bytes this thread's last failed call had done when the memory refused: meant to be asked after
/// MMAP_WRAP_E_FAULT. 0 if the last failure was another.
///
/// ```c
/// if (mmap_wrap_read(h, 0, buffer, size) == MMAP_WRAP_E_FAULT) size = mmap_wrap_fault_done();
/// ```
#[unsafe(no_mangle)]
pub extern "C" fn mmap_wrap_fault_done() -> i64 {
    boundary("mmap_wrap_fault_done", || Ok(last_fault().map_or(0, |(done, _)| answer(done))))
}

/// The address at which the memory refused; NULL if this thread's last failure was another. Not to be accessed.
///
/// ```c
/// printf("refused at %p\n", mmap_wrap_fault_address());
/// ```
#[unsafe(no_mangle)]
pub extern "C" fn mmap_wrap_fault_address() -> *mut c_void {
    last_fault().map_or(0, |(_, address)| address) as *mut c_void
}

/// Lets the mapping survive a SIGBUS that code anywhere in the process meets through its address (yes = 1), or stops
/// that (yes = 0, as every mapping begins). The page that refused becomes fresh, zeroed memory of this process, and the
/// next call that uses the mapping, munmap_wrap included, answers MMAP_WRAP_E_FAULT once, so that no loss passes
/// unreported; munmap_wrap unmaps all the same. (mmap_wrap_length and mmap_wrap_address only ask, and answer as ever.)
///
/// Returns 0, or MMAP_WRAP_E_UNSUPPORTED where another handler of SIGBUS took this library's place or the signal is
/// blocked, MMAP_WRAP_E_HANDLE, MMAP_WRAP_E_UNMAPPED.
///
/// ```c
/// mmap_wrap_survive(h, 1);
/// ```
#[unsafe(no_mangle)]
pub extern "C" fn mmap_wrap_survive(h: mmap_wrap_handle, yes: i64) -> i64 {
    boundary("mmap_wrap_survive", || registry::survive(h, yes != 0).map(|()| 0))
}

/// A word whose lowest bit is set while the mapping has a loss that was not reported yet. One load tells, at every
/// access if need be. The address stays readable for ever; it speaks of this mapping until that is unmapped. NULL: not
/// a handle, or unmapped.
///
/// ```c
/// const volatile uint32_t *loss = mmap_wrap_loss(h);
/// if (*loss & 1) puts("the file was cut short");
/// ```
#[unsafe(no_mangle)]
pub extern "C" fn mmap_wrap_loss(h: mmap_wrap_handle) -> *const u32 {
    let word = super::boundary::boundary_pointer("mmap_wrap_loss", || Ok(registry::loss(h)?.as_ptr()));
    word.cast_const()
}

/// Says whether the handlers of SIGBUS and SIGSEGV may be taken for granted (yes = 1): nobody in this process replaces
/// them from now on, or blocks the signals. Accesses then need no system call. Without that word (yes = 0, as it begins)
/// each access to a file verifies it first, with two. Returns 0.
///
/// ```c
/// mmap_wrap_trust_handlers(1);
/// ```
#[unsafe(no_mangle)]
pub extern "C" fn mmap_wrap_trust_handlers(yes: i64) -> i64 {
    boundary("mmap_wrap_trust_handlers", || {
        guarded::trust(yes != 0);
        Ok(0)
    })
}
