//! Mapped pages: their addresses. Each system's `pages` maps, changes and unmaps them.

use super::system;
use crate::error::Errno;
use std::ops::Range;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Bytes in a page, determined at run time.
#[inline]
pub fn page_size() -> usize {
    /// 0 before the first call.
    static KNOWN: AtomicUsize = AtomicUsize::new(0);
    match KNOWN.load(Relaxed) {
        0 => {
            let size = system::query_page_size();
            KNOWN.store(size, Relaxed);
            size
        }
        known => known,
    }
}

/// A range of whole pages that this process mapped. Dropping it unmaps them.
///
/// The methods take byte ranges relative to the start, and panic if a range is outside: callers have checked it before, and
/// the panic makes the methods sound for any caller.
#[derive(Debug)]
pub struct Pages {
    pub(super) base: NonNull<u8>,
    pub(super) size: usize,
    /// What the system needs for changing the mapping.
    #[cfg_attr(unix, allow(dead_code, reason = "nothing, on POSIX systems"))]
    pub(super) backing: system::Backing,
}

// SAFETY: Pages is an address, a size and handles; the system calls on them are safe from any thread.
unsafe impl Send for Pages {}
// SAFETY: as above; access to the memory itself goes through `guarded`, which works on raw pointers only.
unsafe impl Sync for Pages {}

impl Pages {
    /// Pages without a file, from their address and size.
    ///
    /// # Safety
    /// They are mapped, and nothing else unmaps them.
    pub unsafe fn from_raw(base: NonNull<u8>, size: usize) -> Pages {
        Pages { base, size, backing: Default::default() }
    }

    /// No pages: the mapping of an empty file. Its address is not NULL, and must not be accessed.
    pub fn none() -> Pages {
        static NOWHERE: u64 = 0;
        Pages { base: NonNull::from(&NOWHERE).cast(), size: 0, backing: Default::default() }
    }

    /// The first byte's address.
    pub fn base(&self) -> NonNull<u8> {
        self.base
    }

    /// Bytes that the kernel mapped.
    pub fn size(&self) -> usize {
        self.size
    }

    /// The address of byte `at`. Panics unless `size` bytes from there are inside.
    #[inline(always)]
    pub fn at(&self, at: usize, size: usize) -> *mut u8 {
        if at.saturating_add(size) > self.size {
            outside(at, size, self.size);
        }
        // SAFETY: the byte lies within the mapped pages, or one past them.
        unsafe { self.base.as_ptr().add(at) }
    }

    /// The address of the first byte of a range. Panics unless it is inside.
    pub fn start_of(&self, range: &Range<usize>) -> *mut u8 {
        self.at(range.start, range.len())
    }

    /// Unmaps the pages; on failure returns them with the error. On Linux, unmapping a part of what the kernel had merged with
    /// neighbours needs one more mapping, and so fails at vm.max_map_count.
    pub fn unmap(mut self) -> Result<(), (Pages, Errno)> {
        match self.unmap_in_place() {
            Ok(()) => {
                // So that dropping this unmaps nothing.
                self.size = 0;
                Ok(())
            }
            Err(errno) => Err((self, errno)),
        }
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        // A failure leaks the memory; there is no caller to report it to.
        let _ = self.unmap_in_place();
    }
}

#[cold]
#[inline(never)]
fn outside(at: usize, size: usize, mapped: usize) -> ! {
    panic!("{size} bytes from {at} of {mapped} mapped ones")
}
