//! What every POSIX system has.

use crate::constants;
use crate::error::Errno;
use std::ffi::{c_int, c_void};
use std::mem::MaybeUninit;
use std::ops::Range;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

// 64-bit file offsets on every target: 32-bit glibc has them only under this name.
#[cfg(not(target_os = "linux"))]
use libc::{mmap, off_t};
#[cfg(target_os = "linux")]
use libc::{mmap64 as mmap, off64_t as off_t};

// Flags that only some systems have; 0 elsewhere.
#[allow(clippy::cast_possible_truncation, reason = "flags are 32 bits")]
const LOW: c_int = constants::MAP_32BIT as c_int;
#[allow(clippy::cast_possible_truncation, reason = "flags are 32 bits")]
const AT_ONCE: c_int = (constants::MAP_POPULATE | constants::MAP_LOCKED) as c_int;

pub fn last_errno() -> Errno {
    Errno(std::io::Error::last_os_error().raw_os_error().unwrap_or(0))
}

/// Turns the 0 or -1 of most calls into a result.
pub fn check(result: c_int) -> Result<(), Errno> {
    if result == 0 { Ok(()) } else { Err(last_errno()) }
}

/// Bytes in a page, asked at run time: 4 KiB, 16 KiB and 64 KiB exist.
#[inline]
pub fn page_size() -> usize {
    /// The answer; 0 before the first.
    static KNOWN: AtomicUsize = AtomicUsize::new(0);
    match KNOWN.load(Relaxed) {
        0 => {
            // SAFETY: sysconf only reads; POSIX demands that this name is known.
            let size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
            let size = usize::try_from(size).expect("the system has a page size");
            KNOWN.store(size, Relaxed);
            size
        }
        known => known,
    }
}

/// Whether a forked child shares fresh memory, or gets a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sharing {
    Private,
    Shared,
}

/// A range of whole pages that this process mapped; they are unmapped when it is dropped.
///
/// The methods take byte ranges relative to the start and panic outside of it: whoever calls them has checked before,
/// and this makes them sound for anyone.
#[derive(Debug)]
pub struct Pages {
    base: NonNull<u8>,
    size: usize,
}

// SAFETY: Pages is an address and a size; the system calls on them are safe from any thread.
unsafe impl Send for Pages {}
// SAFETY: as above; access to the memory itself goes through `guarded`, which works on raw pointers only.
unsafe impl Sync for Pages {}

impl Pages {
    /// Maps `size` bytes, a multiple of the mapping's page size.
    ///
    /// MAP_FIXED replaces what lies at the address; that this is nobody else's is the caller's word, as in POSIX.
    pub fn map(address: usize, size: usize, prot: c_int, flags: c_int, fd: c_int, offset: u64) -> Result<Pages, Errno> {
        let offset = off_t::try_from(offset).map_err(|_| Errno(libc::EOVERFLOW))?;
        if size > isize::MAX as usize {
            // No pointer may go as far; a system of 32 bits could have the room.
            return Err(Errno(libc::ENOMEM));
        }
        // SAFETY: mmap checks all its arguments itself and touches no memory of ours without MAP_FIXED.
        let base = unsafe { mmap(address as *mut c_void, size, prot, flags, fd, offset) };
        if base == libc::MAP_FAILED {
            return Err(last_errno());
        }
        let base = NonNull::new(base.cast()).ok_or(Errno(libc::ENOMEM))?;
        Ok(Pages { base, size })
    }

    /// Maps as [`Pages::map`] does, at a multiple of `alignment`, which is a power of two and at least a page.
    ///
    /// A reservation holds the place until the pages replace it, in one step: no other thread can take it in between.
    pub fn map_aligned(alignment: usize, size: usize, prot: c_int, flags: c_int, fd: c_int, offset: u64) -> Result<Pages, Errno> {
        let room = size.checked_add(alignment).ok_or(Errno(libc::ENOMEM))?;
        // What the system refuses it refuses here, where nothing is left of it. A refusal of MAP_FIXED can leave a hole in
        // the reservation, and another thread's memory in that: so that part of it then stays, which costs addresses only.
        drop(Pages::map(0, size, prot, flags & !AT_ONCE, fd, offset)?);
        let reservation = libc::MAP_PRIVATE | libc::MAP_ANON | libc::MAP_NORESERVE | flags & LOW;
        let reserved = Pages::map(0, room, libc::PROT_NONE, reservation, -1, 0)?;
        let before = reserved.base.addr().get().next_multiple_of(alignment) - reserved.base.addr().get();
        let after = before + size;
        let part = |range: Range<usize>| NonNull::new(reserved.start_of(&range)).map(|base| Pages { base, size: range.len() });
        let (place, _rest) = (reserved.at(before, after - before).addr(), (part(0..before), part(after..room)));
        std::mem::forget(reserved);
        Pages::map(place, size, prot, flags | libc::MAP_FIXED, fd, offset)
    }

    /// Zeroed memory of this library's own.
    pub fn zeroed(bytes: usize) -> Result<Pages, Errno> {
        let size = bytes.next_multiple_of(page_size());
        Pages::map(0, size, libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANON, -1, 0)
    }

    /// Pages whose first byte and size are known.
    ///
    /// # Safety
    /// They are mapped, and belong to nothing else.
    pub unsafe fn from_raw(base: NonNull<u8>, size: usize) -> Pages {
        Pages { base, size }
    }

    /// No pages at all: what an empty file maps to. Its address is valid and not NULL, and must not be accessed.
    pub fn none() -> Pages {
        static NOWHERE: u64 = 0;
        Pages { base: NonNull::from(&NOWHERE).cast(), size: 0 }
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

    pub fn protect(&self, range: Range<usize>, prot: c_int) -> Result<(), Errno> {
        // SAFETY: the range is ours (`at` checked it); the kernel checks the protection.
        check(unsafe { libc::mprotect(self.start_of(&range).cast(), range.len(), prot) })
    }

    pub fn advise(&self, range: Range<usize>, advice: c_int) -> Result<(), Errno> {
        // SAFETY: the range is ours; nothing in Rust's hands refers to its contents, so they may be discarded.
        check(unsafe { libc::madvise(self.start_of(&range).cast(), range.len(), advice) })
    }

    pub fn sync(&self, range: Range<usize>, flags: c_int) -> Result<(), Errno> {
        // SAFETY: the range is ours; msync changes no memory.
        check(unsafe { libc::msync(self.start_of(&range).cast(), range.len(), flags) })
    }

    /// Locks the pages into memory, reading them in.
    pub fn lock(&self, range: Range<usize>) -> Result<(), Errno> {
        // SAFETY: the range is ours; locking changes no memory.
        check(unsafe { libc::mlock(self.start_of(&range).cast(), range.len()) })
    }

    pub fn unlock(&self, range: Range<usize>) -> Result<(), Errno> {
        // SAFETY: as in lock.
        check(unsafe { libc::munlock(self.start_of(&range).cast(), range.len()) })
    }

    /// Puts fresh memory, zeroed, over the range: what was mapped there is given up. Inside a signal handler, too.
    pub fn replace(&self, range: Range<usize>, prot: c_int, sharing: Sharing) -> Result<(), Errno> {
        let kind = if sharing == Sharing::Shared { libc::MAP_SHARED } else { libc::MAP_PRIVATE };
        let flags = kind | libc::MAP_ANON | libc::MAP_FIXED;
        // SAFETY: the range is ours; nothing in Rust's hands refers to its contents.
        let base = unsafe { mmap(self.start_of(&range).cast(), range.len(), prot, flags, -1, 0) };
        if base == libc::MAP_FAILED { Err(last_errno()) } else { Ok(()) }
    }

    /// Gives the mapping another size, or another place; its contents stay, as far as they fit.
    pub fn remap(&mut self, size: usize, flags: c_int, address: usize) -> Result<(), Errno> {
        // SAFETY: the pages are ours, and whoever calls this is alone with them (registry).
        let base = unsafe { remap(self.base.as_ptr().cast(), self.size, size, flags, address as *mut c_void) }?;
        (self.base, self.size) = (base, size);
        Ok(())
    }

    /// Moves the contents to another place; the pages here stay mapped, fresh.
    pub fn moved_away(&self, flags: c_int, address: usize) -> Result<Pages, Errno> {
        // SAFETY: as above; the kernel checks that the flags keep these pages mapped.
        let base = unsafe { remap(self.base.as_ptr().cast(), self.size, self.size, flags, address as *mut c_void) }?;
        Ok(Pages { base, size: self.size })
    }

    /// Splits the pages in two; nothing changes for the system.
    pub fn split_off(&mut self, at: usize) -> Pages {
        let base = NonNull::new(self.at(at, self.size - at)).unwrap_or(self.base);
        let tail = Pages { base, size: self.size - at };
        self.size = at;
        tail
    }

    /// Unmaps, or gives the pages back where the kernel refuses: unmapping can need one more mapping than it frees,
    /// when the kernel had merged neighbours, and so can meet vm.max_map_count.
    pub fn unmap(self) -> Result<(), (Pages, Errno)> {
        match self.unmap_in_place() {
            Ok(()) => {
                std::mem::forget(self);
                Ok(())
            }
            Err(errno) => Err((self, errno)),
        }
    }

    fn unmap_in_place(&self) -> Result<(), Errno> {
        if self.size == 0 {
            return Ok(());
        }
        // SAFETY: the pages are ours, and whoever held an address into them has given it back (registry) or vouched for it.
        check(unsafe { libc::munmap(self.base.as_ptr().cast(), self.size) })
    }
}

/// Locks all memory of the process, mlockall(2).
pub fn lock_all(flags: c_int) -> Result<(), Errno> {
    #[cfg(not(target_vendor = "apple"))]
    // SAFETY: locking changes no memory; the kernel checks the flags.
    return check(unsafe { libc::mlockall(flags) });
    #[cfg(target_vendor = "apple")]
    return Err(Errno(if flags == 0 { libc::EINVAL } else { libc::ENOSYS }));
}

pub fn unlock_all() -> Result<(), Errno> {
    #[cfg(not(target_vendor = "apple"))]
    // SAFETY: as above.
    return check(unsafe { libc::munlockall() });
    #[cfg(target_vendor = "apple")]
    return Err(Errno(libc::ENOSYS));
}

impl Drop for Pages {
    fn drop(&mut self) {
        // A refusal leaves the memory mapped: a leak, where no caller is left to be told.
        let _ = self.unmap_in_place();
    }
}

#[cold]
#[inline(never)]
fn outside(at: usize, size: usize, mapped: usize) -> ! {
    panic!("{size} bytes from {at} of {mapped} mapped ones")
}

/// # Safety
/// The memory is the caller's, and nobody else uses it.
#[cfg(target_os = "linux")]
unsafe fn remap(base: *mut c_void, size: usize, new: usize, flags: c_int, address: *mut c_void) -> Result<NonNull<u8>, Errno> {
    // SAFETY: as the caller promises. The fifth argument is given in any case: the kernel looks at it (glibc bug 31968).
    let base = unsafe { libc::mremap(base, size, new, flags, address) };
    if base == libc::MAP_FAILED { Err(last_errno()) } else { NonNull::new(base.cast()).ok_or(Errno(libc::ENOMEM)) }
}

#[cfg(not(target_os = "linux"))]
unsafe fn remap(_: *mut c_void, _: usize, _: usize, _: c_int, _: *mut c_void) -> Result<NonNull<u8>, Errno> {
    Err(Errno(libc::ENOSYS))
}

/// Copies over a pair of sockets: write(2) and read(2) report EFAULT where a load or a store would be a signal. For systems
/// that have or permit nothing better; it needs two descriptors for a moment. Returns the bytes copied: at most to the
/// end of a page of either side, for a page faults as a whole.
///
/// # Safety
/// The caller may write `size` bytes at `to`, if they are mapped at all.
pub unsafe fn copy_by_socket(from: *const u8, to: *mut u8, size: usize) -> Result<usize, Errno> {
    let (reader, writer) = pair()?;
    let size = size.min(left_on_page(from.addr())).min(left_on_page(to.addr()));
    // SAFETY: the kernel checks the address; the size is at most a page, which an empty socket takes without waiting.
    let written = copied(unsafe { libc::write(writer.as_raw_fd(), from.cast(), size) })?;
    // SAFETY: as the caller promises; the kernel checks the address, and the socket holds the bytes.
    copied(unsafe { libc::read(reader.as_raw_fd(), to.cast(), written) })
}

fn pair() -> Result<(UnixStream, UnixStream), Errno> {
    UnixStream::pair().map_err(|error| Errno(error.raw_os_error().unwrap_or(0)))
}

fn left_on_page(address: usize) -> usize {
    let page = page_size();
    page - address % page
}

/// The count that a copying call answers, or its error.
pub fn copied(result: isize) -> Result<usize, Errno> {
    usize::try_from(result).map_err(|_| last_errno())
}

/// The limits of this process that mapping may meet; for messages.
#[derive(Debug)]
pub struct Limits {
    /// RLIMIT_AS, in bytes.
    pub address_space: Option<u64>,
    /// RLIMIT_NOFILE, in descriptors.
    pub descriptors: Option<u64>,
    /// RLIMIT_FSIZE, in bytes.
    pub file_size: Option<u64>,
    /// RLIMIT_MEMLOCK, in bytes.
    pub locked_memory: Option<u64>,
    /// vm.max_map_count, in mappings.
    pub mappings: Option<u64>,
}

pub fn limits() -> Limits {
    let limit = |resource| {
        let mut limit = MaybeUninit::<libc::rlimit>::uninit();
        // SAFETY: getrlimit writes one rlimit to the place given.
        check(unsafe { libc::getrlimit(resource, limit.as_mut_ptr()) }).ok()?;
        // SAFETY: getrlimit succeeded, so all of it is written.
        let current = unsafe { limit.assume_init() }.rlim_cur;
        #[allow(clippy::useless_conversion, reason = "of 32 bits on some platforms")]
        (current != libc::RLIM_INFINITY).then(|| u64::from(current))
    };
    Limits {
        address_space: limit(libc::RLIMIT_AS),
        descriptors: limit(libc::RLIMIT_NOFILE),
        file_size: limit(libc::RLIMIT_FSIZE),
        locked_memory: limit(libc::RLIMIT_MEMLOCK),
        mappings: std::fs::read_to_string("/proc/sys/vm/max_map_count").ok().and_then(|text| text.trim().parse().ok()),
    }
}

/// What only Linux has so far, answered for the others.
#[cfg(not(target_os = "linux"))]
pub mod lacking {
    use super::Pages;
    use crate::error::{Cause, Errno};
    use crate::sys::ThreadState;
    use crate::sys::files::CachedPages;
    use std::ffi::{CStr, CString, c_int};
    use std::ops::Range;
    use std::os::fd::{BorrowedFd, OwnedFd};
    use std::time::Duration;

    pub fn shared_memory_path(_name: &CStr) -> Result<CString, Errno> {
        Err(Errno(libc::ENOSYS))
    }

    pub fn open_without_name(_path: &CStr, _flags: c_int, _mode: u32) -> Result<OwnedFd, Errno> {
        Err(Errno(libc::ENOSYS))
    }

    pub fn link(_fd: c_int, _path: &CStr) -> Result<(), Errno> {
        Err(Errno(libc::ENOSYS))
    }

    pub fn grow_file(fd: c_int, size: u64) -> Result<(), Errno> {
        crate::sys::set_file_size(fd, size)
    }

    pub fn default_huge_page_size() -> Option<usize> {
        None
    }

    pub fn descriptor_page_size(_fd: c_int) -> Option<usize> {
        None
    }

    pub use super::copy_by_socket as copy;

    pub fn is_readable(address: usize) -> bool {
        let mut byte = 0u8;
        // SAFETY: the byte is this function's.
        unsafe { copy(address as *const u8, &raw mut byte, 1) == Ok(1) }
    }

    pub fn protection(_address: usize) -> Option<(c_int, usize)> {
        None
    }

    pub fn run_apart<T>(_body: fn(&mut T), _job: &mut T) -> Result<bool, Errno> {
        Err(Errno(libc::ENOSYS))
    }

    pub fn is_writable(address: usize) -> bool {
        is_readable(address)
    }

    pub fn put_fresh_page(_address: usize) -> bool {
        false
    }

    pub fn prepare_reserve() -> Result<(), Errno> {
        Ok(())
    }

    pub fn move_spare_page_to(_address: usize) -> bool {
        false
    }

    pub fn release_reserve() -> bool {
        false
    }

    pub fn register_barrier() -> bool {
        false
    }

    pub fn barrier() -> bool {
        false
    }

    pub fn fault_cause(_address: usize, _writing: bool, _file: Option<BorrowedFd>) -> Cause {
        Cause::Unknown
    }

    pub fn file_size_behind(_address: usize) -> Option<Option<u64>> {
        None
    }

    pub fn wipe_on_fork(_pages: &Pages) {}

    impl Pages {
        pub fn seal(&self, _range: std::ops::Range<usize>) -> Result<(), Errno> {
            Err(Errno(libc::ENOSYS))
        }

        pub fn name(&self, _name: Option<&CStr>) -> Result<(), Errno> {
            Err(Errno(libc::EINVAL))
        }
    }

    pub fn can_name() -> bool {
        false
    }

    pub fn thread_id() -> Option<u32> {
        None
    }

    pub fn this_thread_began() -> Option<u32> {
        None
    }

    pub fn thread_state(_id: u32) -> ThreadState {
        ThreadState::Exists
    }

    pub fn pid_namespace() -> Option<u32> {
        None
    }

    pub fn boot() -> u32 {
        1
    }

    pub fn wait_on(_word: *const u8, _expected: u64, _timeout: Duration) -> Result<(), Errno> {
        Err(Errno(libc::ENOSYS))
    }

    pub fn wake(_word: *const u8, _count: c_int) -> Result<usize, Errno> {
        Err(Errno(libc::ENOSYS))
    }

    const NOT_HERE: Errno = Errno(libc::ENOSYS);

    pub fn lock_on_fault(_pages: &Pages, _range: Range<usize>) -> Result<(), Errno> {
        Err(NOT_HERE)
    }

    pub fn presence(_pages: &Pages, _range: Range<usize>, _to: &mut [u8]) -> Result<(), Errno> {
        Err(NOT_HERE)
    }

    pub fn knows_advice(_advice: c_int) -> bool {
        false
    }

    pub fn touch_for_writing(_pages: &Pages, _at: usize) -> Result<(), Errno> {
        Err(NOT_HERE)
    }

    pub fn cached_pages(_fd: c_int, _offset: u64, _size: u64) -> Result<CachedPages, Errno> {
        Err(NOT_HERE)
    }

    pub fn forget(_fd: c_int, _offset: i64, _size: i64) -> Result<(), Errno> {
        Err(NOT_HERE)
    }

    pub fn read_ahead(_fd: c_int, _offset: i64, _size: i64) -> Result<(), Errno> {
        Err(NOT_HERE)
    }

    pub fn transparent_huge_page_size() -> Option<usize> {
        None
    }

    pub fn huge_page_sizes() -> Vec<usize> {
        Vec::new()
    }

    pub fn each_huge_part(_pages: &Pages, _range: Range<usize>, _each: impl FnMut(Range<usize>)) -> Result<(), Errno> {
        Err(NOT_HERE)
    }

    pub fn huge_bytes_by_smaps(_pages: &Pages, _range: Range<usize>) -> Result<Option<usize>, Errno> {
        Ok(None)
    }

    pub fn bind(_pages: &Pages, _range: Range<usize>, _mode: c_int, _nodes: &[u64], _flags: c_int) -> Result<(), Errno> {
        Err(NOT_HERE)
    }

    pub fn node(_pages: &Pages, _at: usize) -> Result<c_int, Errno> {
        Err(NOT_HERE)
    }
}
