//! What only Linux has, Android included.

/// Whether a file system has this magic number. Both have 32 bits; on musl the field and the constant differ in type.
macro_rules! is_magic {
    ($f_type:expr, $magic:expr) => {{
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::unnecessary_cast, reason = "32 bits")]
        let same = $f_type as u32 == $magic as u32;
        same
    }};
}

mod apart;
mod fault_cause;
mod files;
mod huge;
mod naming;
#[cfg(not(target_os = "android"))]
mod numa;
mod reserve;
mod residency;
mod thread;
mod vma;

use super::unix::{check, copied, copy_by_socket, last_errno, timespec};
use crate::error::Errno;
use crate::sys::{Pages, Sharing};
use std::ffi::{CStr, c_int};
use std::mem::MaybeUninit;
use std::time::Duration;

pub use super::unix::{
    AsFile, Backing, BorrowedFile, File, MAPPINGS_FOLLOW_FILES, NEVER_WAIT, RAW_FILE, RawFile, add_seals, allocate, borrow,
    duplicate, file_info, into_raw, is_same_file, leads_to_stream, limits, lock_all, memfd_create, open, query_page_size, raw,
    real_path_of, seals, set_file_size, shm_create, store, text_length, unlinked_file, unlock_all,
};
pub use apart::run_apart;
pub use fault_cause::{fault_cause, file_size_behind};
pub use files::block_device_size;
pub use huge::{each_huge_part, huge_bytes_by_smaps, huge_page_sizes, transparent_huge_page_size};
pub use naming::{grow_file, link, open_without_name, shared_memory_path};
pub use reserve::{prepare_reserve, put_fresh_page, put_reserved_page, release_reserve};
pub use residency::{evict_cached, is_writable, lock_on_fault, page_residency, read_ahead, supports_advice, touch_for_writing};
pub use thread::{boot, pid_namespace, this_thread_began, thread_id, thread_state};
pub use vma::protection;

// Android has no shared memory by name, and its seccomp filter kills programs that make the other calls.
#[cfg(target_os = "android")]
pub use super::lacking::{bind, cached_pages, memfd_secret, numa_node, seal, shm_open, shm_unlink, unlinked_shared_memory};
#[cfg(not(target_os = "android"))]
pub use {
    super::unix::{shm_open, shm_unlink, unlinked_shared_memory},
    files::memfd_secret,
    numa::{bind, numa_node},
    residency::cached_pages,
};

/// The size of a huge page for MAP_HUGETLB without a MAP_HUGE_ flag, in bytes.
pub fn default_huge_page_size() -> Option<usize> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("Hugepagesize:"))?;
    let kibibytes: usize = line.trim().trim_end_matches(" kB").parse().ok()?;
    Some(kibibytes * 1024)
}

/// The page size of a file of hugetlbfs, in bytes; `None` for other files.
pub fn descriptor_page_size(fd: c_int) -> Option<usize> {
    let system = file_system(fd)?;
    if is_magic!(system.f_type, libc::HUGETLBFS_MAGIC) { usize::try_from(system.f_bsize).ok() } else { None }
}

/// The file system of an open file.
fn file_system(fd: c_int) -> Option<libc::statfs64> {
    let mut system = MaybeUninit::uninit();
    // SAFETY: fstatfs writes one statfs to the address given.
    check(unsafe { libc::fstatfs64(fd, system.as_mut_ptr()) }).ok()?;
    // SAFETY: fstatfs succeeded, so all of it is written.
    Some(unsafe { system.assume_init() })
}

fn is_tmpfs(system: &libc::statfs64) -> bool {
    is_magic!(system.f_type, libc::TMPFS_MAGIC)
}

/// Copies by the kernel, which fails with EFAULT where a load would raise a signal; both sides may fault. Returns the number of
/// bytes copied, fewer than `size` if one side faulted.
///
/// # Safety
/// The caller may write `size` bytes at `to`, if they are mapped at all.
pub unsafe fn copy(from: *const u8, to: *mut u8, size: usize) -> Result<usize, Errno> {
    // SAFETY: as the caller promises.
    match unsafe { copy_within_process(from, to, size) } {
        // Emulators lack the call, and containers may forbid it.
        // SAFETY: as above.
        Err(NOT_HERE | NOT_PERMITTED | NO_ACCESS) => unsafe { copy_by_socket(from, to, size) },
        // It cannot access secret memory (memfd_secret) and memory of devices; a copy through a socket can.
        // SAFETY: as above.
        Err(FAULT) => unsafe { copy_by_socket(from, to, size) }.or(Err(FAULT)),
        outcome => outcome,
    }
}

const NOT_HERE: Errno = Errno(libc::ENOSYS);
const NOT_PERMITTED: Errno = Errno(libc::EPERM);
/// A seccomp filter may return this.
const NO_ACCESS: Errno = Errno(libc::EACCES);
const FAULT: Errno = Errno(libc::EFAULT);

/// # Safety
/// As `copy`.
unsafe fn copy_within_process(from: *const u8, to: *mut u8, size: usize) -> Result<usize, Errno> {
    let source = libc::iovec { iov_base: from.cast_mut().cast(), iov_len: size };
    let target = libc::iovec { iov_base: to.cast(), iov_len: size };
    // SAFETY: the kernel checks both addresses; `to` is the caller's to write.
    copied(unsafe { libc::process_vm_readv(libc::getpid(), &target, 1, &source, 1, 0) })
}

/// Whether a load of the byte at an address of file or anonymous memory would succeed. May be called in a signal handler.
pub fn is_readable(address: usize) -> bool {
    let mut byte = 0u8;
    let (from, to) = (address as *const u8, &raw mut byte);
    // SAFETY: the byte is this function's.
    let outcome = match unsafe { copy_within_process(from, to, 1) } {
        // SAFETY: as above.
        Err(NOT_HERE | NOT_PERMITTED | NO_ACCESS) => unsafe { copy_by_socket(from, to, 1) },
        outcome => outcome,
    };
    outcome == Ok(1)
}

/// Commands of membarrier(2), which the libc crate lacks.
const REGISTER_PRIVATE_EXPEDITED: c_int = 1 << 4;
const PRIVATE_EXPEDITED: c_int = 1 << 3;

fn membarrier(command: c_int) -> bool {
    // SAFETY: it changes no memory; the flags are 0.
    unsafe { libc::syscall(libc::SYS_membarrier, command, 0, 0) == 0 }
}

/// Registers for `barrier`; false if the kernel lacks it.
pub fn register_barrier() -> bool {
    membarrier(REGISTER_PRIVATE_EXPEDITED) && membarrier(PRIVATE_EXPEDITED)
}

/// Makes every running thread of this process execute a full memory barrier. False if the kernel cannot.
pub fn barrier() -> bool {
    // A process that was not created by fork(2) may have to register first.
    membarrier(PRIVATE_EXPEDITED) || register_barrier()
}

/// mseal(2), which the libc crate lacks; its number is the same on every processor.
#[cfg(not(target_os = "android"))]
pub fn seal(pages: &Pages, range: std::ops::Range<usize>) -> Result<(), Errno> {
    const SYS_MSEAL: libc::c_long = 462;
    // SAFETY: the range is that of the pages (`at` checked it); sealing changes no memory.
    match unsafe { libc::syscall(SYS_MSEAL, pages.start_of(&range), range.len(), 0) } {
        0 => Ok(()),
        _ => Err(last_errno()),
    }
}

/// Names all of the pages, or removes their name.
pub fn set_name(pages: &Pages, name: Option<&CStr>) -> Result<(), Errno> {
    let name = name.map_or(std::ptr::null(), CStr::as_ptr);
    let (base, size) = (pages.base().as_ptr(), pages.size());
    // SAFETY: naming changes no memory; the name ends in NUL or is NULL.
    check(unsafe { libc::prctl(libc::PR_SET_VMA, libc::PR_SET_VMA_ANON_NAME, base, size, name) })
}

/// Whether this kernel can name memory, found out by removing a name that does not exist.
pub fn can_name() -> bool {
    Pages::zeroed(1).is_ok_and(|pages| set_name(&pages, None).is_ok())
}

/// Sleeps until woken if the 32-bit word equals the low half of `expected`; otherwise EAGAIN. futex(2), FUTEX_WAIT, without
/// FUTEX_PRIVATE_FLAG, so that other processes that map the memory can wake this one. The clock is the monotonic one.
///
/// There is always a timeout: without one the kernel continues to wait after a signal handler with SA_RESTART; with one the
/// call fails with EINTR.
pub fn wait_on(word: *const u8, expected: u64, timeout: Duration) -> Result<(), Errno> {
    let timeout = timespec(timeout);
    #[allow(clippy::cast_possible_truncation, reason = "the low half is meant")]
    let expected = expected as u32;
    // SAFETY: the kernel reads one timespec, and checks the address of the word.
    let woken = unsafe { libc::syscall(libc::SYS_futex, word, libc::FUTEX_WAIT, expected, &raw const timeout) };
    if woken == 0 { Ok(()) } else { Err(last_errno()) }
}

/// Wakes up to `count` threads that wait on the word, and returns how many it woke: futex(2), FUTEX_WAKE.
pub fn wake(word: *const u8, count: c_int) -> Result<usize, Errno> {
    // SAFETY: the kernel checks the address of the word, and does not access it.
    let woken = unsafe { libc::syscall(libc::SYS_futex, word, libc::FUTEX_WAKE, count) };
    usize::try_from(woken).map_err(|_| last_errno())
}

/// A forked child gets these pages zeroed. Kernels before 4.14 lack it: a child then inherits the pins of its parent's other
/// threads, and cannot free what they pin; nothing else changes.
pub fn wipe_on_fork(pages: &Pages) {
    let _ = pages.advise(0..pages.size(), libc::MADV_WIPEONFORK, Sharing::Private);
}
