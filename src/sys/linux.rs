//! What only Linux has.

/// Whether the type of a file system is this: 32 bits, whose type in C differs between the field and the number on musl.
macro_rules! is_magic {
    ($f_type:expr, $magic:expr) => {{
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::unnecessary_cast, reason = "32 bits")]
        let same = $f_type as u32 == $magic as u32;
        same
    }};
}

mod fault_cause;
mod huge;
mod node;
mod presence;
mod vma;

use super::unix::{Pages, check, copied, last_errno, peek_by_socket, poke_by_socket};
use crate::error::Errno;
use std::ffi::{CStr, c_int, c_void};
use std::mem::MaybeUninit;
use std::time::Duration;

pub use fault_cause::fault_cause;
pub use huge::{each_huge_part, huge_bytes_by_smaps, transparent_huge_page_size};
pub use node::{bind, node};
pub use presence::{cached_pages, forget, knows_advice, lock_on_fault, presence, read_ahead, touch_for_writing};

/// The size of a huge page where MAP_HUGETLB names none, in bytes.
pub fn default_huge_page_size() -> Option<usize> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("Hugepagesize:"))?;
    let kibibytes: usize = line.trim().trim_end_matches(" kB").parse().ok()?;
    Some(kibibytes * 1024)
}

/// The page size of the file system behind a descriptor if that is hugetlbfs, in bytes.
pub fn descriptor_page_size(fd: c_int) -> Option<usize> {
    let mut facts = MaybeUninit::<libc::statfs>::uninit();
    // SAFETY: fstatfs writes one statfs to the place given.
    if unsafe { libc::fstatfs(fd, facts.as_mut_ptr()) } != 0 {
        return None;
    }
    // SAFETY: fstatfs succeeded, so all of it is written.
    let facts = unsafe { facts.assume_init() };
    if is_magic!(facts.f_type, libc::HUGETLBFS_MAGIC) { usize::try_from(facts.f_bsize).ok() } else { None }
}

/// Copies from memory that may refuse, through the kernel, which answers EFAULT where a load would be a signal.
/// Returns the bytes copied, which are fewer where the memory refused part of the way.
pub fn peek(from: *const u8, to: &mut [MaybeUninit<u8>]) -> Result<usize, Errno> {
    let local = libc::iovec { iov_base: to.as_mut_ptr().cast(), iov_len: to.len() };
    let remote = libc::iovec { iov_base: from.cast_mut().cast(), iov_len: to.len() };
    // SAFETY: `to` is ours to write; `from` may be any address, the kernel checks it.
    match copied(unsafe { libc::process_vm_readv(libc::getpid(), &local, 1, &remote, 1, 0) }) {
        Err(NOT_HERE | NOT_PERMITTED) => peek_by_socket(from, to),
        Err(Errno(libc::EFAULT)) if is_out_of_reach(from.addr()) => peek_by_socket(from, to),
        outcome => outcome,
    }
}

// Emulators lack the call, and containers may forbid it.
const NOT_HERE: Errno = Errno(libc::ENOSYS);
const NOT_PERMITTED: Errno = Errno(libc::EPERM);

/// Whether the call cannot reach the memory at an address, and a plain copy can: secret memory (memfd_secret), and that of
/// devices. Others are not tried a second time: valgrind would take it for an error of the program.
fn is_out_of_reach(address: usize) -> bool {
    let path = vma::at(address).ok().flatten().map_or(Vec::new(), |vma| vma.path);
    path.starts_with(b"/secretmem") || path.starts_with(b"/dev/") && !path.starts_with(b"/dev/shm/")
}

/// Copies to memory that may refuse, through the kernel.
pub fn poke(to: *mut u8, from: &[u8]) -> Result<usize, Errno> {
    let local = libc::iovec { iov_base: from.as_ptr().cast_mut().cast::<c_void>(), iov_len: from.len() };
    let remote = libc::iovec { iov_base: to.cast(), iov_len: from.len() };
    // SAFETY: `from` is readable; `to` lies in a mapping of this library (guarded), and the kernel checks it.
    match copied(unsafe { libc::process_vm_writev(libc::getpid(), &local, 1, &remote, 1, 0) }) {
        Err(NOT_HERE | NOT_PERMITTED) => poke_by_socket(to, from),
        Err(Errno(libc::EFAULT)) if is_out_of_reach(to.addr()) => poke_by_socket(to, from),
        outcome => outcome,
    }
}

impl Pages {
    /// mseal(2), which libc has no name for yet; its number is the same everywhere.
    pub fn seal(&self, range: std::ops::Range<usize>) -> Result<(), Errno> {
        const SYS_MSEAL: libc::c_long = 462;
        // SAFETY: the range is ours (`at` checked it); sealing changes no memory.
        match unsafe { libc::syscall(SYS_MSEAL, self.at(&range), range.len(), 0) } {
            0 => Ok(()),
            _ => Err(last_errno()),
        }
    }

    /// Names all of the pages, or takes their name away.
    pub fn name(&self, name: Option<&CStr>) -> Result<(), Errno> {
        set_name(self.base().as_ptr(), self.size(), name)
    }
}

/// Whether this kernel can name memory: it can take a name away that is none.
pub fn can_name() -> bool {
    Pages::zeroed(1).is_ok_and(|pages| set_name(pages.base().as_ptr(), pages.size(), None).is_ok())
}

fn set_name(base: *mut u8, size: usize, name: Option<&CStr>) -> Result<(), Errno> {
    let name = name.map_or(std::ptr::null(), CStr::as_ptr);
    // SAFETY: naming changes no memory; the name ends in NUL or is NULL.
    check(unsafe { libc::prctl(libc::PR_SET_VMA, libc::PR_SET_VMA_ANON_NAME, base, size, name) })
}

/// Sleeps while the 32-bit word is the low half of `expected`, until it is woken: futex(2), FUTEX_WAIT. Without FUTEX_PRIVATE_FLAG, so that
/// others, who have mapped the same memory elsewhere, can wake it. EAGAIN if the word is another already. The time runs by
/// the monotonic clock.
///
/// There is always a timeout: without one the kernel would go on waiting after a signal handler of SA_RESTART, and with
/// one it answers EINTR.
pub fn wait_on(word: *const u8, expected: u64, timeout: Duration) -> Result<(), Errno> {
    let timeout = libc::timespec {
        tv_sec: timeout.as_secs().try_into().unwrap_or(libc::time_t::MAX),
        tv_nsec: i32::try_from(timeout.subsec_nanos()).unwrap_or(0).into(),
    };
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
    let _ = pages.advise(0..pages.size(), libc::MADV_WIPEONFORK);
}
