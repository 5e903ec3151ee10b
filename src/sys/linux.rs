//! What only Linux has.

use super::unix::{Pages, last_errno};
use crate::error::{Cause, Errno};
use std::ffi::{c_int, c_void};
use std::mem::MaybeUninit;

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
    copied(unsafe { libc::process_vm_readv(libc::getpid(), &local, 1, &remote, 1, 0) })
}

/// Copies to memory that may refuse, through the kernel.
pub fn poke(to: *mut u8, from: &[u8]) -> Result<usize, Errno> {
    let local = libc::iovec { iov_base: from.as_ptr().cast_mut().cast::<c_void>(), iov_len: from.len() };
    let remote = libc::iovec { iov_base: to.cast(), iov_len: from.len() };
    // SAFETY: `from` is readable; `to` lies in a mapping of this library (guarded), and the kernel checks it.
    copied(unsafe { libc::process_vm_writev(libc::getpid(), &local, 1, &remote, 1, 0) })
}

fn copied(result: isize) -> Result<usize, Errno> {
    usize::try_from(result).map_err(|_| last_errno())
}

/// Lets a forked child find these pages zeroed. Kernels before 4.14 lack it: a child then inherits what its parent's
/// other threads had marked as in use, which costs it memory when it unmaps, and nothing else.
pub fn wipe_on_fork(pages: &Pages) {
    let _ = pages.advise(0..pages.size(), libc::MADV_WIPEONFORK);
}

/// Finds out why the memory at `address` refuses: the kernel is asked to make the page ready, and says what is in the way.
pub fn why_refused(address: usize, writing: bool) -> Cause {
    let page = super::page_size();
    let advice = if writing { libc::MADV_POPULATE_WRITE } else { libc::MADV_POPULATE_READ };
    let start = (address & !(page - 1)) as *mut c_void;
    // SAFETY: this advice changes nothing that an access would not change, and the kernel checks the address.
    if unsafe { libc::madvise(start, page, advice) } == 0 {
        return Cause::Gone;
    }
    match last_errno() {
        Errno(libc::ENOMEM) => Cause::Unmapped,
        Errno(libc::EHWPOISON) => Cause::Poisoned,
        Errno(libc::EFAULT) => why_the_file_refused(address).unwrap_or(Cause::File),
        // Kernels before 5.14 do not know the advice and say the same; protection is then the likeliest.
        Errno(libc::EINVAL) => Cause::Protection,
        _ => Cause::Unknown,
    }
}

/// Looks at the file behind an address: is it shorter now, is its file system full?
fn why_the_file_refused(address: usize) -> Option<Cause> {
    use std::os::unix::fs::MetadataExt;
    let maps = std::fs::read_to_string("/proc/self/maps").ok()?;
    // proc_pid_maps(5): start-end perms offset device inode path
    let (start, offset, inode, path) = maps.lines().find_map(|line| {
        let mut fields = line.splitn(6, ' ');
        let (start, end) = fields.next()?.split_once('-')?;
        let (start, end) = (usize::from_str_radix(start, 16).ok()?, usize::from_str_radix(end, 16).ok()?);
        let offset = u64::from_str_radix(fields.nth(1)?, 16).ok()?;
        let inode: u64 = fields.nth(1)?.parse().ok()?;
        (start..end).contains(&address).then(|| (start, offset, inode, fields.next().unwrap_or_default().trim_start()))
    })?;
    // A file that lost its name can still be reached by the mapping's own link, where that is permitted.
    let range = maps.lines().find(|line| line.starts_with(&format!("{start:x}-")))?.split(' ').next()?;
    let file = [path.to_owned(), format!("/proc/self/map_files/{range}")]
        .into_iter()
        .find_map(|path| std::fs::metadata(&path).ok().filter(|file| file.ino() == inode).map(|file| (path, file)));
    let (path, file) = file?;
    let position = offset + (address - start) as u64;
    if position >= file.len() {
        return Some(Cause::CutShort { size: file.len() });
    }
    let path = std::ffi::CString::new(path).ok()?;
    let mut space = MaybeUninit::<libc::statvfs>::uninit();
    // SAFETY: the path ends in NUL, and one statvfs is written to the place given.
    if unsafe { libc::statvfs(path.as_ptr(), space.as_mut_ptr()) } != 0 {
        return None;
    }
    // SAFETY: statvfs succeeded, so all of it is written.
    let space = unsafe { space.assume_init() };
    // The kernel's own file system for shared memory has no limit, and says so with no blocks at all.
    (space.f_blocks > 0 && space.f_bavail == 0).then_some(Cause::NoSpace)
}
