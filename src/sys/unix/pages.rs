//! Mapped pages.

use super::{check, last_errno};
use crate::constants;
use crate::error::Errno;
use crate::sys::page_size;
use crate::sys::{Pages, Sharing};
use std::ffi::{c_int, c_void};
use std::ops::Range;
use std::ptr::NonNull;

// 64-bit file offsets on every target: 32-bit glibc has them only under this name.
#[cfg(not(linux_kernel))]
use libc::{mmap, off_t};
#[cfg(linux_kernel)]
use libc::{mmap64 as mmap, off64_t as off_t};

// Flags that only some systems have; 0 elsewhere.
#[allow(clippy::cast_possible_truncation, reason = "flags are 32 bits")]
const LOW: c_int = constants::MAP_32BIT as c_int;
#[allow(clippy::cast_possible_truncation, reason = "flags are 32 bits")]
const NO_RESERVE: c_int = constants::MAP_NORESERVE as c_int;
#[allow(clippy::cast_possible_truncation, reason = "flags are 32 bits")]
const AT_ONCE: c_int = (constants::MAP_POPULATE | constants::MAP_LOCKED) as c_int;

/// Whether a mapping may extend beyond the end of its file, shows bytes that are appended later, and permits truncation.
pub const MAPPINGS_FOLLOW_FILES: bool = true;

/// Nothing: the system needs only the address of a mapping.
pub type Backing = ();

impl Pages {
    /// Maps `size` bytes, a multiple of the mapping's page size.
    ///
    /// MAP_FIXED replaces what is mapped at the address; the caller ensures that nothing else uses it, as in POSIX.
    pub fn map(address: usize, size: usize, prot: c_int, flags: c_int, fd: c_int, offset: u64) -> Result<Pages, Errno> {
        let offset = off_t::try_from(offset).map_err(|_| Errno(libc::EOVERFLOW))?;
        if size > isize::MAX as usize {
            // Rust allows no larger object; a 32-bit system could map it.
            return Err(Errno(libc::ENOMEM));
        }
        // SAFETY: mmap checks all its arguments itself and touches no memory of ours without MAP_FIXED.
        let base = unsafe { mmap(address as *mut c_void, size, prot, flags, fd, offset) };
        if base == libc::MAP_FAILED {
            return Err(last_errno());
        }
        let base = NonNull::new(base.cast()).ok_or(Errno(libc::ENOMEM))?;
        Ok(Pages { base, size, backing: () })
    }

    /// Maps as [`Pages::map`] does, at a multiple of `alignment`, which is a power of two and at least a page.
    ///
    /// A reservation keeps the addresses until the pages replace it in one step, so no other thread can map something there.
    pub fn map_aligned(alignment: usize, size: usize, prot: c_int, flags: c_int, fd: c_int, offset: u64) -> Result<Pages, Errno> {
        let room = size.checked_add(alignment).ok_or(Errno(libc::ENOMEM))?;
        // If the system cannot map this, it fails here, and nothing remains. MAP_FIXED can fail and leave a hole in the
        // reservation, in which another thread may map memory: so that part of it is not unmapped, which costs addresses only.
        drop(Pages::map(0, size, prot, flags & !AT_ONCE, fd, offset)?);
        let reservation = libc::MAP_PRIVATE | libc::MAP_ANON | NO_RESERVE | flags & LOW;
        let reserved = Pages::map(0, room, libc::PROT_NONE, reservation, -1, 0)?;
        let before = reserved.base.addr().get().next_multiple_of(alignment) - reserved.base.addr().get();
        let after = before + size;
        let part = |range: Range<usize>| {
            NonNull::new(reserved.start_of(&range)).map(|base| Pages { base, size: range.len(), backing: () })
        };
        let (place, _rest) = (reserved.at(before, after - before).addr(), (part(0..before), part(after..room)));
        std::mem::forget(reserved);
        Pages::map(place, size, prot, flags | libc::MAP_FIXED, fd, offset)
    }

    /// Zeroed memory for this library's own use.
    pub fn zeroed(bytes: usize) -> Result<Pages, Errno> {
        let size = bytes.next_multiple_of(page_size());
        Pages::map(0, size, libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANON, -1, 0)
    }

    pub fn protect(&self, range: Range<usize>, prot: c_int) -> Result<(), Errno> {
        // SAFETY: the range is ours (`at` checked it); the kernel checks the protection.
        check(unsafe { libc::mprotect(self.start_of(&range).cast(), range.len(), prot) })
    }

    /// `sharing` is that of the mapping.
    pub fn advise(&self, range: Range<usize>, advice: c_int, sharing: Sharing) -> Result<(), Errno> {
        #[cfg(bsd)]
        if let Some(inheritance) = super::inheritance::of(advice, sharing) {
            return super::inheritance::set(self, &range, inheritance);
        }
        #[cfg(not(bsd))]
        let _ = sharing;
        // SAFETY: the range is ours; no Rust reference points into it, so its contents may be discarded.
        check(unsafe { libc::madvise(self.start_of(&range).cast(), range.len(), advice) })
    }

    pub fn sync(&self, range: Range<usize>, flags: c_int) -> Result<(), Errno> {
        // SAFETY: the range is ours; msync changes no memory.
        check(unsafe { libc::msync(self.start_of(&range).cast(), range.len(), flags) })
    }

    /// Reads the pages in and locks them into memory.
    pub fn lock(&self, range: Range<usize>) -> Result<(), Errno> {
        // SAFETY: the range is ours; locking changes no memory.
        check(unsafe { libc::mlock(self.start_of(&range).cast(), range.len()) })
    }

    pub fn unlock(&self, range: Range<usize>) -> Result<(), Errno> {
        // SAFETY: as in lock.
        check(unsafe { libc::munlock(self.start_of(&range).cast(), range.len()) })
    }

    /// Replaces the range by zeroed memory. May be called in a signal handler.
    pub fn replace(&self, range: Range<usize>, prot: c_int, sharing: Sharing) -> Result<(), Errno> {
        let kind = if sharing == Sharing::Shared { libc::MAP_SHARED } else { libc::MAP_PRIVATE };
        let flags = kind | libc::MAP_ANON | libc::MAP_FIXED;
        // SAFETY: the range is ours; no Rust reference points into it.
        let base = unsafe { mmap(self.start_of(&range).cast(), range.len(), prot, flags, -1, 0) };
        if base == libc::MAP_FAILED { Err(last_errno()) } else { Ok(()) }
    }

    /// Whether a lost page can be replaced: always, here.
    pub fn can_replace_a_page(&self) -> bool {
        true
    }

    /// Resizes or moves the mapping, and keeps the contents that fit.
    pub fn remap(&mut self, size: usize, flags: c_int, address: usize) -> Result<(), Errno> {
        // SAFETY: the pages are ours, and the registry ensures that no other thread uses them.
        let base = unsafe { remap(self.base.as_ptr().cast(), self.size, size, flags, address as *mut c_void) }?;
        (self.base, self.size) = (base, size);
        Ok(())
    }

    /// Moves the contents to another address; zeroed pages stay here.
    pub fn moved_away(&self, flags: c_int, address: usize) -> Result<Pages, Errno> {
        // SAFETY: as above; the kernel checks that the flags keep these pages mapped.
        let base = unsafe { remap(self.base.as_ptr().cast(), self.size, self.size, flags, address as *mut c_void) }?;
        Ok(Pages { base, size: self.size, backing: () })
    }

    /// Splits the pages at byte `at`, and returns the second part. Makes no system call.
    pub fn split_off(&mut self, at: usize) -> Result<Pages, Errno> {
        let base = NonNull::new(self.at(at, self.size - at)).unwrap_or(self.base);
        let tail = Pages { base, size: self.size - at, backing: () };
        self.size = at;
        Ok(tail)
    }

    pub(in crate::sys) fn unmap_in_place(&self) -> Result<(), Errno> {
        if self.size == 0 {
            return Ok(());
        }
        // SAFETY: the pages are ours; addresses into them were released (registry), or are the caller's responsibility.
        check(unsafe { libc::munmap(self.base.as_ptr().cast(), self.size) })
    }
}

/// # Safety
/// The memory is the caller's, and nothing else uses it.
#[cfg(linux_kernel)]
unsafe fn remap(base: *mut c_void, size: usize, new: usize, flags: c_int, address: *mut c_void) -> Result<NonNull<u8>, Errno> {
    // SAFETY: as the caller promises. The fifth argument is passed in any case: the kernel reads it (glibc bug 31968).
    let base = unsafe { mremap(base, size, new, flags, address) };
    if base == libc::MAP_FAILED { Err(last_errno()) } else { NonNull::new(base.cast()).ok_or(Errno(libc::ENOMEM)) }
}

#[cfg(all(linux_kernel, not(target_os = "android")))]
pub use libc::mremap;
#[cfg(target_os = "android")]
unsafe extern "C" {
    // Not in the libc crate.
    pub fn mremap(base: *mut c_void, size: usize, new: usize, flags: c_int, ...) -> *mut c_void;
}

/// Without mremap(2) pages can be unmapped at the end, and that is all.
///
/// # Safety
/// As above.
#[cfg(not(linux_kernel))]
unsafe fn remap(base: *mut c_void, size: usize, new: usize, _flags: c_int, address: *mut c_void) -> Result<NonNull<u8>, Errno> {
    if new >= size || !address.is_null() {
        return Err(Errno::ENOSYS);
    }
    // SAFETY: as the caller promises.
    check(unsafe { libc::munmap(base.byte_add(new), size - new) })?;
    NonNull::new(base.cast()).ok_or(Errno(libc::ENOMEM))
}
