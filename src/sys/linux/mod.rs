//! What only Linux has, Android's included.

/// Whether the type of a file system is this: 32 bits, whose type in C differs between the field and the number on musl.
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
    AsFile, BorrowedFile, File, MAPPINGS_FOLLOW_FILES, NEVER_WAIT, RawFile, Showing, add_seals, allocate, asked_page_size,
    borrow, duplicate, file_info, into_raw, is_same_file, leads_to_stream, limits, lock_all, memfd_create, open, raw,
    real_path_of, seals, set_file_size, shm_create, store, text_length, unlinked_file, unlock_all,
};
pub use apart::run_apart;
pub use fault_cause::{fault_cause, file_size_behind};
pub use files::block_device_size;
pub use huge::{each_huge_part, huge_bytes_by_smaps, huge_page_sizes, transparent_huge_page_size};
pub use naming::{grow_file, link, open_without_name, shared_memory_path};
pub use reserve::{move_spare_page_to, prepare_reserve, put_fresh_page, release_reserve};
pub use residency::{forget, is_writable, knows_advice, lock_on_fault, presence, read_ahead, touch_for_writing};
pub use thread::{boot, pid_namespace, this_thread_began, thread_id, thread_state};
pub use vma::protection;

// Android has no shared memory by name; and the filter of system calls (seccomp) that it has for programs ends one that
// makes the others.
#[cfg(target_os = "android")]
pub use super::lacking::{bind, cached_pages, memfd_secret, node, seal, shm_open, shm_unlink, unlinked_shared_memory};
#[cfg(not(target_os = "android"))]
pub use {
    super::unix::{shm_open, shm_unlink, unlinked_shared_memory},
    files::memfd_secret,
    numa::{bind, node},
    residency::cached_pages,
};

/// The size of a huge page where MAP_HUGETLB names none, in bytes.
pub fn default_huge_page_size() -> Option<usize> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("Hugepagesize:"))?;
    let kibibytes: usize = line.trim().trim_end_matches(" kB").parse().ok()?;
    Some(kibibytes * 1024)
}

/// The page size of the file system behind a descriptor if that is hugetlbfs, in bytes.
pub fn descriptor_page_size(fd: c_int) -> Option<usize> {
    let system = file_system(fd)?;
    if is_magic!(system.f_type, libc::HUGETLBFS_MAGIC) { usize::try_from(system.f_bsize).ok() } else { None }
}

/// The file system behind a descriptor.
fn file_system(fd: c_int) -> Option<libc::statfs64> {
    let mut system = MaybeUninit::uninit();
    // SAFETY: fstatfs writes one statfs to the place given.
    check(unsafe { libc::fstatfs64(fd, system.as_mut_ptr()) }).ok()?;
    // SAFETY: fstatfs succeeded, so all of it is written.
    Some(unsafe { system.assume_init() })
}

fn is_tmpfs(system: &libc::statfs64) -> bool {
    is_magic!(system.f_type, libc::TMPFS_MAGIC)
}

/// Copies between memory that may fault and memory that may fault, through the kernel, which reports EFAULT where a load
/// would be a signal. Returns the bytes copied, which are fewer where one of the two faulted part of the way.
///
/// # Safety
/// The caller may write `size` bytes at `to`, if they are mapped at all.
pub unsafe fn copy(from: *const u8, to: *mut u8, size: usize) -> Result<usize, Errno> {
    // SAFETY: as the caller promises.
    match unsafe { copy_within_process(from, to, size) } {
        // Emulators lack the call, and containers may forbid it.
        // SAFETY: as above.
        Err(NOT_HERE | NOT_PERMITTED | NO_ACCESS) => unsafe { copy_by_socket(from, to, size) },
        // It cannot reach secret memory (memfd_secret) and that of devices; a plain copy can.
        // SAFETY: as above.
        Err(FAULT) => unsafe { copy_by_socket(from, to, size) }.or(Err(FAULT)),
        outcome => outcome,
    }
}

const NOT_HERE: Errno = Errno(libc::ENOSYS);
const NOT_PERMITTED: Errno = Errno(libc::EPERM);
/// As a seccomp filter may have it.
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

/// Whether a load of the byte at an address of file or anonymous memory would succeed. Inside a signal handler, too.
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

/// membarrier(2): not in libc. Its commands.
const REGISTER_PRIVATE_EXPEDITED: c_int = 1 << 4;
const PRIVATE_EXPEDITED: c_int = 1 << 3;

fn membarrier(command: c_int) -> bool {
    // SAFETY: it changes no memory; the flags are 0.
    unsafe { libc::syscall(libc::SYS_membarrier, command, 0, 0) == 0 }
}

/// Asks for `barrier`; false where the kernel has none.
pub fn register_barrier() -> bool {
    membarrier(REGISTER_PRIVATE_EXPEDITED) && membarrier(PRIVATE_EXPEDITED)
}

/// Makes every running thread of this process execute a full memory barrier. False where the kernel will not.
pub fn barrier() -> bool {
    // A process that was made another way than by fork(2) may have to register first.
    membarrier(PRIVATE_EXPEDITED) || register_barrier()
}

/// mseal(2), which libc has no name for yet; its number is the same everywhere.
#[cfg(not(target_os = "android"))]
pub fn seal(pages: &Pages, range: std::ops::Range<usize>) -> Result<(), Errno> {
    const SYS_MSEAL: libc::c_long = 462;
    // SAFETY: the range is that of the pages (`at` checked it); sealing changes no memory.
    match unsafe { libc::syscall(SYS_MSEAL, pages.start_of(&range), range.len(), 0) } {
        0 => Ok(()),
        _ => Err(last_errno()),
    }
}

/// Names all of the pages, or takes their name away.
pub fn set_name(pages: &Pages, name: Option<&CStr>) -> Result<(), Errno> {
    let name = name.map_or(std::ptr::null(), CStr::as_ptr);
    let (base, size) = (pages.base().as_ptr(), pages.size());
    // SAFETY: naming changes no memory; the name ends in NUL or is NULL.
    check(unsafe { libc::prctl(libc::PR_SET_VMA, libc::PR_SET_VMA_ANON_NAME, base, size, name) })
}

/// Whether this kernel can name memory: it can take a name away that is none.
pub fn can_name() -> bool {
    Pages::zeroed(1).is_ok_and(|pages| set_name(&pages, None).is_ok())
}

/// Sleeps while the 32-bit word is the low half of `expected`, until it is woken: futex(2), FUTEX_WAIT. Without FUTEX_PRIVATE_FLAG, so that
/// others, who have mapped the same memory elsewhere, can wake it. EAGAIN if the word is another already. The time runs by
/// the monotonic clock.
///
/// There is always a timeout: without one the kernel would go on waiting after a signal handler of SA_RESTART, and with
/// one it answers EINTR.
pub fn wait_on(word: *const u8, expected: u64, timeout: Duration) -> Result<(), Errno> {
    let timeout = timespec(timeout);
    #[allow(clippy::cast_possible_truncation, reason = "the low half is meant")]
    let expected = expected as u32;
    // SAFETY: the kernel reads one timespec, and checks the word's address itself.
    let woken = unsafe { libc::syscall(libc::SYS_futex, word, libc::FUTEX_WAIT, expected, &raw const timeout) };
    if woken == 0 { Ok(()) } else { Err(last_errno()) }
}

/// Wakes up to `count` of those who wait on the word, and tells how many: futex(2), FUTEX_WAKE.
pub fn wake(word: *const u8, count: c_int) -> Result<usize, Errno> {
    // SAFETY: the kernel checks the word's address itself, and touches nothing there.
    let woken = unsafe { libc::syscall(libc::SYS_futex, word, libc::FUTEX_WAKE, count) };
    usize::try_from(woken).map_err(|_| last_errno())
}

/// Lets a forked child find these pages zeroed. Kernels before 4.14 lack it: a child then inherits what its parent's
/// other threads had marked as in use, which costs it memory when it unmaps, and nothing else.
pub fn wipe_on_fork(pages: &Pages) {
    let _ = pages.advise(0..pages.size(), libc::MADV_WIPEONFORK, Sharing::Private);
}
