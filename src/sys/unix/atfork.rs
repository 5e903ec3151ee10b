//! Memory that a forked child finds zeroed, for systems whose kernel does not do that: a handler of pthread_atfork(3) does.

use crate::sys::Pages;
use std::ffi::c_int;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering::SeqCst};

/// A range to zero. Without a size the entry is free; without an address it is being changed.
struct Entry {
    address: AtomicPtr<u8>,
    size: AtomicUsize,
}

/// More than the registry has parts. What finds no free entry is not zeroed.
static ENTRIES: [Entry; 128] =
    [const { Entry { address: AtomicPtr::new(std::ptr::null_mut()), size: AtomicUsize::new(0) } }; 128];

unsafe extern "C" {
    fn pthread_atfork(
        prepare: Option<unsafe extern "C" fn()>,
        parent: Option<unsafe extern "C" fn()>,
        child: Option<unsafe extern "C" fn()>,
    ) -> c_int;
}

/// Lets a forked child find these pages zeroed, until they are unmapped.
pub fn wipe_on_fork(pages: &Pages) {
    static IS_INSTALLED: OnceLock<bool> = OnceLock::new();
    // SAFETY: the handler is a function that stays.
    if !*IS_INSTALLED.get_or_init(|| unsafe { pthread_atfork(None, None, Some(wipe)) == 0 }) {
        return;
    }
    let free = ENTRIES.iter().find(|entry| entry.size.compare_exchange(0, pages.size(), SeqCst, SeqCst).is_ok());
    if let Some(entry) = free {
        entry.address.store(pages.base().as_ptr(), SeqCst);
    }
}

/// To be called before pages are unmapped.
pub fn forget(pages: &Pages) {
    let base = pages.base().as_ptr();
    for entry in &ENTRIES {
        if entry.address.compare_exchange(base, std::ptr::null_mut(), SeqCst, SeqCst).is_ok() {
            entry.size.store(0, SeqCst);
        }
    }
}

unsafe extern "C" fn wipe() {
    for entry in &ENTRIES {
        let address = entry.address.load(SeqCst);
        if !address.is_null() {
            // SAFETY: this library's own memory, mapped and writable; the child has no other thread.
            unsafe { address.write_bytes(0, entry.size.load(SeqCst)) };
        }
    }
}
