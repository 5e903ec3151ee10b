//! Mapped pages: their place. Mapping, changing and unmapping them is each system's, in its `pages`.

use super::system;
use crate::error::Errno;
use std::ops::Range;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Bytes in a page, asked at run time.
#[inline]
pub fn page_size() -> usize {
    /// What the system said; 0 before it was asked.
    static KNOWN: AtomicUsize = AtomicUsize::new(0);
    match KNOWN.load(Relaxed) {
        0 => {
            let size = system::asked_page_size();
            KNOWN.store(size, Relaxed);
            size
        }
        known => known,
    }
}

/// A range of whole pages that this process mapped; they are unmapped when it is dropped.
///
/// The methods take byte ranges relative to the start and panic outside of it: callers have checked before, and this makes
/// them sound for any caller.
#[derive(Debug)]
pub struct Pages {
    pub(super) base: NonNull<u8>,
    pub(super) size: usize,
    /// What the system has to know of what they show.
    #[cfg_attr(unix, allow(dead_code, reason = "nothing, where a place is all"))]
    pub(super) shown: system::Showing,
}

// SAFETY: Pages is an address, a size and handles; the system calls on them are safe from any thread.
unsafe impl Send for Pages {}
// SAFETY: as above; access to the memory itself goes through `guarded`, which works on raw pointers only.
unsafe impl Sync for Pages {}

impl Pages {
    /// Pages without a file whose first byte and size are known.
    ///
    /// # Safety
    /// They are mapped, and belong to nothing else.
    pub unsafe fn from_raw(base: NonNull<u8>, size: usize) -> Pages {
        Pages { base, size, shown: Default::default() }
    }

    /// No pages at all: what an empty file maps to. Its address is valid and not NULL, and must not be accessed.
    pub fn none() -> Pages {
        static NOWHERE: u64 = 0;
        Pages { base: NonNull::from(&NOWHERE).cast(), size: 0, shown: Default::default() }
    }

    /// The first byte's address.
    pub fn base(&self) -> NonNull<u8> {
        self.base
    }

    /// Bytes that the kernel mapped.
    pub fn size(&self) -> usize {
        self.size
    }

    /// The address of byte `at`, once it is known that `size` bytes from there on lie inside.
    #[inline(always)]
    pub fn at(&self, at: usize, size: usize) -> *mut u8 {
        if at.saturating_add(size) > self.size {
            outside(at, size, self.size);
        }
        // SAFETY: the byte lies within the mapped pages, or one past them.
        unsafe { self.base.as_ptr().add(at) }
    }

    /// The same of a range.
    pub fn start_of(&self, range: &Range<usize>) -> *mut u8 {
        self.at(range.start, range.len())
    }

    /// Unmaps, or gives the pages back where the system fails. On Linux unmapping can need one more mapping than it frees,
    /// when the kernel had merged neighbours, and so can meet vm.max_map_count.
    pub fn unmap(mut self) -> Result<(), (Pages, Errno)> {
        match self.unmap_in_place() {
            Ok(()) => {
                // Nothing is left to unmap when this is dropped.
                self.size = 0;
                Ok(())
            }
            Err(errno) => Err((self, errno)),
        }
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        // A failure leaves the memory mapped: a leak, which no caller is left to hear of.
        let _ = self.unmap_in_place();
    }
}

#[cold]
#[inline(never)]
fn outside(at: usize, size: usize, mapped: usize) -> ! {
    panic!("{size} bytes from {at} of {mapped} mapped ones")
}
