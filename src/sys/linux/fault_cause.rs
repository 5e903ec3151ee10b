//! The cause of a fault, determined after it. A cause is reported only if there is evidence of it; otherwise it is `Unknown`
//! or `Gone`.

use super::super::unix;
use super::super::unix::check;
use super::apart::run_apart;
use super::vma::{self, Vma};
use super::{descriptor_page_size, file_system, is_tmpfs};
use crate::error::{Cause, Errno};
use crate::sys::Pages;
use crate::sys::page_size;
use std::ffi::{CString, c_int, c_void};
use std::fs::{File, Metadata};
use std::os::fd::{AsRawFd, BorrowedFd};
use std::os::unix::fs::{FileExt, FileTypeExt, MetadataExt};

/// The cause of a fault at the byte at `address`. `file` is the file that should be mapped there, if it is open; the kernel
/// reports which byte of it that is.
///
/// Takes the same time for any number of mappings (since Linux 6.11). Keeps nothing open, which a child would inherit.
pub fn fault_cause(address: usize, writing: bool, file: Option<(BorrowedFd, u64)>) -> Cause {
    match populate(address, writing) {
        Ok(()) => return Cause::Gone,
        Err(Errno(EHWPOISON)) => return Cause::Poisoned,
        // The kernel also fails with this error for memory that is not mapped.
        Err(Errno(libc::ENOMEM)) if is_mapped(address) => return Cause::NoMemory,
        // EINVAL: the protection, but also memory that cannot be populated, and every page before Linux 5.14.
        Err(_) => {}
    }
    let vma = match vma::at(address) {
        Ok(Some(vma)) => vma,
        Ok(None) => return Cause::Unmapped,
        Err(_) if !is_mapped(address) => return Cause::Unmapped,
        Err(_) => return Cause::Unknown,
    };
    // A page that can be written can be read: no processor has write-only pages.
    if !vma.writable && (writing || !vma.readable) {
        return Cause::Protection;
    }
    if is_guarded(address) {
        return Cause::Guard;
    }
    let found = if vma.has_file() { FileAccess::new(&vma, address, writing).cause(file.map(|(file, _)| file)) } else { None };
    match found {
        Some(cause) => cause,
        // The loops may read such a page; the kernel may not, on behalf of process_vm_readv(2).
        None if !writing && !vma.readable => Cause::Protection,
        None if vma.has_file() => Cause::File,
        None => Cause::Memory,
    }
}

#[cfg(not(target_os = "android"))]
use libc::EHWPOISON;
/// Not in the libc crate.
#[cfg(target_os = "android")]
const EHWPOISON: c_int = 133;

/// The size of the file that is mapped at an address; the inner `None` if it has no size (a device), the outer `None` if the
/// file cannot be found.
pub fn file_size_behind(address: usize) -> Option<Option<u64>> {
    let vma = vma::at(address).ok()??;
    let file = if vma.has_file() { vma.file(None)? } else { return None };
    let metadata = file.metadata().ok()?;
    Some(metadata.is_file().then_some(metadata.len()))
}

/// Populates the page, as the access would have.
fn populate(address: usize, writing: bool) -> Result<(), Errno> {
    let advice = if writing { libc::MADV_POPULATE_WRITE } else { libc::MADV_POPULATE_READ };
    // SAFETY: changes nothing that the access would not have changed, and the kernel checks the address.
    check(unsafe { libc::madvise(start_of_page(address), page_size(), advice) })
}

/// Whether anything is mapped at an address; needs no /proc.
fn is_mapped(address: usize) -> bool {
    let mut resident = 0u8;
    // SAFETY: mincore(2) writes one byte for one page, and the kernel checks the address.
    let outcome = check(unsafe { libc::mincore(start_of_page(address), page_size(), &mut resident) });
    outcome != Err(Errno(libc::ENOMEM))
}

fn start_of_page(address: usize) -> *mut c_void {
    (address & !(page_size() - 1)) as *mut c_void
}

/// Whether there is a guard region at an address. Linux before 6.15 does not report them.
fn is_guarded(address: usize) -> bool {
    const PM_GUARD_REGION: u64 = 1 << 58;
    let mut entry = [0; 8];
    let place = (address / page_size() * entry.len()) as u64;
    let read = unix::open(c"/proc/self/pagemap", libc::O_RDONLY, 0).map(|fd| File::from(fd).read_exact_at(&mut entry, place));
    matches!(read, Ok(Ok(()))) && u64::from_ne_bytes(entry) & PM_GUARD_REGION != 0
}

/// The location of an access in a file.
struct FileAccess<'a> {
    vma: &'a Vma,
    address: usize,
    /// The access needs room in the file system: it writes into the file, not into a page of its own.
    stores: bool,
}

impl<'a> FileAccess<'a> {
    fn new(vma: &'a Vma, address: usize, writing: bool) -> FileAccess<'a> {
        FileAccess { vma, address, stores: writing && vma.shared }
    }

    fn offset(&self) -> u64 {
        self.vma.offset + (self.address - self.vma.range.start) as u64
    }

    fn cause(&self, file: Option<BorrowedFd>) -> Option<Cause> {
        let Some(file) = self.vma.file(file) else {
            // The file of anonymous huge pages is as long as the mapping, and can be opened only by that link.
            return if self.vma.path.starts_with(b"/anon_hugepage") { empty_pool(self.vma.page?) } else { None };
        };
        let metadata = file.metadata().ok()?;
        let huge = descriptor_page_size(file.as_raw_fd());
        let page = huge.unwrap_or_else(page_size) as u64;
        let start = self.offset() / page * page;
        let size = size(&file, &metadata)?;
        if start >= size {
            return Some(Cause::BeyondEnd { offset: self.offset(), size });
        }
        if let Some(page) = huge {
            return empty_pool(page).or_else(|| is_full(&file, true));
        }
        let read = with_data(&file, &metadata, libc::O_RDONLY, |data| data.read_at(&mut [0], start));
        if let Some(Err(error)) = read {
            match error.raw_os_error().map(Errno) {
                // Errors of the call itself, not of reading the data.
                None | Some(Errno(libc::EINTR | libc::EAGAIN | libc::EINVAL | libc::ENOMEM)) => {}
                Some(errno) => return Some(Cause::Io(errno)),
            }
        }
        // Not on tmpfs, where allocating the block creates the page.
        let can_try = self.stores && metadata.is_file() && !file_system(file.as_raw_fd()).is_some_and(|system| is_tmpfs(&system));
        let allocated = if can_try { allocate(&file, &metadata, start, page.min(size - start)) } else { None };
        match allocated {
            Some(Ok(())) if populate(self.address, true).is_ok() => Some(Cause::Gone),
            Some(Err(Errno(libc::ENOSPC))) => Some(Cause::NoSpace),
            Some(Err(Errno(libc::EDQUOT))) => Some(Cause::Quota),
            Some(Err(errno @ Errno(libc::EIO | libc::EROFS))) => Some(Cause::Io(errno)),
            _ => is_full(&file, self.stores),
        }
    }
}

impl Vma {
    fn has_file(&self) -> bool {
        self.inode != 0
    }

    /// The file that is mapped here, opened with O_PATH: by the link of the mapping, which needs CAP_CHECKPOINT_RESTORE; from
    /// `open`; or by its path. Only the link is certain to be the same file.
    fn file(&self, open: Option<BorrowedFd>) -> Option<File> {
        let link = format!("/proc/self/map_files/{:x}-{:x}", self.range.start, self.range.end);
        if let Some(file) = at_path(link.into_bytes()) {
            return Some(file);
        }
        let open = open.and_then(|open| at_path(format!("/proc/self/fd/{}", open.as_raw_fd()).into_bytes()));
        open.filter(|file| self.maps(file)).or_else(|| at_path(self.path.clone()).filter(|file| self.maps(file)))
    }

    /// Whether this file is mapped here.
    fn maps(&self, file: &File) -> bool {
        let Ok(metadata) = file.metadata() else { return false };
        #[allow(clippy::cast_sign_loss, clippy::unnecessary_cast, reason = "signed on Android")]
        let device = (libc::major(metadata.dev()) as u32, libc::minor(metadata.dev()) as u32);
        if metadata.ino() == self.inode && device == self.device {
            return true;
        }
        // On btrfs and overlayfs, stat(2) reports another device than /proc/self/maps: map the file, and read its entry.
        with_data(file, &metadata, libc::O_RDONLY, listed)
            .flatten()
            .is_some_and(|listed| listed.inode == self.inode && listed.device == self.device)
    }
}

fn at_path(path: Vec<u8>) -> Option<File> {
    let path = CString::new(path).ok().filter(|path| path.as_bytes().starts_with(b"/"))?;
    unix::open(&path, libc::O_PATH, 0).ok().map(File::from)
}

/// The entry in /proc/self/maps of a temporary mapping of the file.
fn listed(file: &File) -> Option<Vma> {
    let flags = libc::MAP_PRIVATE | libc::MAP_NORESERVE;
    let pages = Pages::map(0, page_size(), libc::PROT_NONE, flags, file.as_raw_fd(), 0).ok()?;
    vma::at(pages.base().addr().get()).ok()?
}

/// Opens the file for reading or writing and calls `probe`; `None` if opening may have side effects (a device, a FIFO) or is
/// not permitted.
///
/// Runs in a child process: closing a descriptor in this one would release all record locks, fcntl(2), that it has on the
/// file. The probe must not allocate.
fn with_data<T>(file: &File, metadata: &Metadata, flags: c_int, probe: impl Fn(&File) -> T) -> Option<T> {
    if !metadata.is_file() && !metadata.file_type().is_block_device() {
        return None;
    }
    let link = CString::new(format!("/proc/self/fd/{}", file.as_raw_fd())).ok()?;
    let mut found = None;
    let mut look = || {
        if let Ok(data) = unix::open(&link, flags | unix::NEVER_WAIT, 0) {
            found = Some(probe(&File::from(data)));
        }
    };
    run_apart(|look| look(), &mut look).ok()?;
    found
}

/// Bytes in the file or block device, if that limits what can be mapped.
fn size(file: &File, metadata: &Metadata) -> Option<u64> {
    if metadata.is_file() {
        return Some(metadata.len());
    }
    let found = with_data(file, metadata, libc::O_RDONLY, |device| unix::file_info(device.as_raw_fd()).ok()).flatten();
    found.filter(|found| found.has_size).map(|found| found.size)
}

/// Allocates a block inside the file, as the access would have. `None` if that cannot be tried.
fn allocate(file: &File, metadata: &Metadata, start: u64, size: u64) -> Option<Result<(), Errno>> {
    let (start, size) = (i64::try_from(start).ok()?, i64::try_from(size).ok()?);
    with_data(file, metadata, libc::O_RDWR, |data| {
        // SAFETY: touches no memory, and changes neither the size of the file nor its contents.
        check(unsafe { libc::fallocate64(data.as_raw_fd(), libc::FALLOC_FL_KEEP_SIZE, start, size) })
    })
}

/// Whether the file system is full, if the access needs a block. On tmpfs reading needs one, too: for a page of a hole.
fn is_full(file: &File, stores: bool) -> Option<Cause> {
    let space = file_system(file.as_raw_fd())?;
    let needs_room = stores || is_tmpfs(&space);
    // A file system without a limit reports 0 blocks, such as the kernel's internal one for shared memory.
    (needs_room && space.f_blocks > 0 && space.f_bavail == 0).then_some(Cause::NoSpace)
}

/// The cause if the pool has no huge page of this size that is not reserved.
fn empty_pool(page: usize) -> Option<Cause> {
    let kilobytes = page / 1024;
    let count = |what: &str| -> Option<u64> {
        let path = format!("/sys/kernel/mm/hugepages/hugepages-{kilobytes}kB/{what}_hugepages");
        std::fs::read_to_string(path).ok()?.trim().parse().ok()
    };
    let (total, free, reserved) = (count("nr")?, count("free")?, count("resv")?);
    (free <= reserved).then_some(Cause::HugePages { kilobytes, total, free, reserved })
}
