//! What only Linux has.

mod huge;
mod naming;
mod node;
mod presence;
mod thread;

use super::unix::{Pages, check, copied, last_errno, peek_by_socket, poke_by_socket};
use crate::error::{Cause, Errno};
use std::ffi::{CStr, c_int, c_void};
use std::mem::MaybeUninit;
use std::time::Duration;

pub use huge::{each_huge_part, huge_bytes_by_smaps, transparent_huge_page_size};
pub use naming::{grow_file, link, open_without_name, shared_memory_path};
pub use node::{bind, node};
pub use presence::{cached_pages, forget, knows_advice, lock_on_fault, presence, read_ahead, touch_for_writing};
pub use thread::{boot, pid_namespace, this_thread_began, thread_id, thread_state};

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
    if facts.f_type == libc::HUGETLBFS_MAGIC { usize::try_from(facts.f_bsize).ok() } else { None }
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
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
    let path = maps.lines().find_map(|line| line_holding(address, line)).map_or("", |line| line.path);
    path.starts_with("/secretmem") || path.starts_with("/dev/") && !path.starts_with("/dev/shm/")
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

/// Finds out why the memory at `address` refuses: the kernel is asked to make the page ready, and says what is in the way.
pub fn why_refused(address: usize, writing: bool) -> Cause {
    let advice = if writing { libc::MADV_POPULATE_WRITE } else { libc::MADV_POPULATE_READ };
    match populate(address, advice) {
        Ok(()) => Cause::Gone,
        Err(Errno(libc::ENOMEM)) => Cause::Unmapped,
        Err(Errno(libc::EHWPOISON)) => Cause::Poisoned,
        // Kernels before 5.14 do not know the advice, and say the same of every page.
        Err(Errno(libc::EINVAL)) if populate((&raw const CLEAR).addr(), libc::MADV_POPULATE_READ).is_ok() => Cause::Protection,
        Err(_) => look_at_the_maps(address, writing),
    }
}

/// A page that can be read.
static CLEAR: u8 = 0;

fn populate(address: usize, advice: c_int) -> Result<(), Errno> {
    let page = super::page_size();
    // SAFETY: this advice changes nothing that an access would not change, and the kernel checks the address.
    check(unsafe { libc::madvise((address & !(page - 1)) as *mut c_void, page, advice) })
}

/// A line of /proc/self/maps, proc_pid_maps(5).
struct Line<'a> {
    range: &'a str,
    start: usize,
    permissions: &'a str,
    offset: u64,
    inode: u64,
    path: &'a str,
}

/// Looks at what is mapped at an address, and at the file behind it: is it shorter now, is its file system full?
fn look_at_the_maps(address: usize, writing: bool) -> Cause {
    let Ok(maps) = std::fs::read_to_string("/proc/self/maps") else { return Cause::Unknown };
    let Some(line) = maps.lines().find_map(|line| line_holding(address, line)) else { return Cause::Unmapped };
    let wanted = if writing { 'w' } else { 'r' };
    if !line.permissions.contains(wanted) {
        return Cause::Protection;
    }
    why_the_file_refused(&line, line.offset + (address - line.start) as u64).unwrap_or(Cause::File)
}

fn line_holding(address: usize, line: &str) -> Option<Line<'_>> {
    let mut fields = line.splitn(6, ' ');
    let range = fields.next()?;
    let (start, end) = range.split_once('-')?;
    let (start, end) = (usize::from_str_radix(start, 16).ok()?, usize::from_str_radix(end, 16).ok()?);
    if !(start..end).contains(&address) {
        return None;
    }
    let permissions = fields.next()?;
    let offset = u64::from_str_radix(fields.next()?, 16).ok()?;
    let inode = fields.nth(1)?.parse().ok()?;
    Some(Line { range, start, permissions, offset, inode, path: fields.next().unwrap_or_default().trim_start() })
}

/// The file behind a line, and a path to it.
fn file_behind(line: &Line) -> Option<(String, std::fs::Metadata)> {
    use std::os::unix::fs::MetadataExt;
    // A file that lost its name can still be reached by the mapping's own link, where that is permitted.
    [line.path.to_owned(), format!("/proc/self/map_files/{}", line.range)]
        .into_iter()
        .find_map(|path| std::fs::metadata(&path).ok().filter(|file| file.ino() == line.inode).map(|file| (path, file)))
}

/// The size of the file that is mapped at an address, or `None` for one that has none, a device. The outer `None`: the file
/// cannot be found.
pub fn file_size_behind(address: usize) -> Option<Option<u64>> {
    let maps = std::fs::read_to_string("/proc/self/maps").ok()?;
    let line = maps.lines().find_map(|line| line_holding(address, line))?;
    let (_, file) = file_behind(&line)?;
    Some(file.is_file().then_some(file.len()))
}

fn why_the_file_refused(line: &Line, position: u64) -> Option<Cause> {
    let (path, file) = file_behind(line)?;
    if position >= file.len() {
        return Some(Cause::CutShort { size: file.len() });
    }
    let path = std::ffi::CString::new(path).ok()?;
    let mut space = MaybeUninit::<libc::statvfs>::uninit();
    // SAFETY: the path ends in NUL, and one statvfs is written to the place given.
    check(unsafe { libc::statvfs(path.as_ptr(), space.as_mut_ptr()) }).ok()?;
    // SAFETY: statvfs succeeded, so all of it is written.
    let space = unsafe { space.assume_init() };
    // The kernel's own file system for shared memory has no limit, and says so with no blocks at all.
    (space.f_blocks > 0 && space.f_bavail == 0).then_some(Cause::NoSpace)
}
