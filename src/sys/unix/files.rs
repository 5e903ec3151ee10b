//! Files: opening, sizes, files in memory.

use super::{check, last_errno};
use crate::error::Errno;
use crate::sys::FileInfo;
use crate::sys::system::block_device_size;
use std::ffi::{CStr, CString, OsStr, c_int};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

// 64-bit file offsets on every target: 32-bit glibc has them only under this name.
#[cfg(not(linux_kernel))]
use libc::{fstat, ftruncate, off_t, open as open_call, stat, stat as stat_call};
#[cfg(linux_kernel)]
use libc::{
    fstat64 as fstat, ftruncate64 as ftruncate, off64_t as off_t, open64 as open_call, stat64 as stat, stat64 as stat_call,
};

pub use std::os::fd::AsFd as AsFile;

/// An open file, which is closed when this is dropped.
pub type File = OwnedFd;
/// An open file that this does not close.
pub type BorrowedFile<'a> = BorrowedFd<'a>;
/// The descriptor of an open file.
pub type RawFile = RawFd;
/// What it is called in messages.
pub const RAW_FILE: &str = "descriptor";

pub fn borrow(file: &File) -> BorrowedFile<'_> {
    file.as_fd()
}

/// The descriptor of an open file; the file keeps it.
pub fn raw(file: &impl AsFile) -> RawFile {
    file.as_fd().as_raw_fd()
}

/// The descriptor of an open file, which the caller has to close.
pub fn into_raw(file: File) -> RawFile {
    file.into_raw_fd()
}

pub fn file_info(fd: c_int) -> Result<FileInfo, Errno> {
    let status = status(fd)?;
    let kind = status.st_mode & libc::S_IFMT;
    // macOS reports no type of shared memory.
    let is_regular = kind == libc::S_IFREG || cfg!(target_os = "macos") && kind == 0;
    let device = if kind == libc::S_IFBLK { block_device_size(fd) } else { None };
    Ok(FileInfo {
        size: device.unwrap_or_else(|| u64::try_from(status.st_size).unwrap_or(0)),
        is_directory: kind == libc::S_IFDIR,
        is_stream: is_stream(kind),
        is_regular,
        has_size: is_regular || device.is_some(),
        block_size: usize::try_from(status.st_blksize).unwrap_or(0),
    })
}

fn status(fd: c_int) -> Result<stat, Errno> {
    let mut status = MaybeUninit::<stat>::uninit();
    // SAFETY: fstat writes one stat to the address given, and fails for an invalid descriptor.
    check(unsafe { fstat(fd, status.as_mut_ptr()) })?;
    // SAFETY: fstat succeeded, so all of it is written.
    Ok(unsafe { status.assume_init() })
}

fn is_stream(kind: libc::mode_t) -> bool {
    kind == libc::S_IFIFO || kind == libc::S_IFSOCK
}

/// Whether a path names a FIFO or a socket. Called before opening it, since opening a FIFO unblocks a writer, which would
/// then lose its reader at once.
pub fn leads_to_stream(path: &CStr) -> bool {
    let mut status = MaybeUninit::<stat>::uninit();
    // SAFETY: the path ends in NUL, and one stat is written to the address given.
    let found = check(unsafe { stat_call(path.as_ptr(), status.as_mut_ptr()) });
    // SAFETY: read only if the call succeeded, so all of it is written.
    found.is_ok() && is_stream(unsafe { status.assume_init() }.st_mode & libc::S_IFMT)
}

/// Flags for opening: do not block on a FIFO, which cannot be mapped anyway, and do not make a terminal the controlling one.
pub const NEVER_WAIT: c_int = libc::O_NONBLOCK | libc::O_NOCTTY;

/// Opens a file, with close-on-exec. A file that is created gets the permissions of `mode`.
pub fn open(path: &CStr, flags: c_int, mode: u32) -> Result<File, Errno> {
    // SAFETY: the path ends in NUL; the mode is passed in any case.
    owned(|| unsafe { open_call(path.as_ptr(), flags | libc::O_CLOEXEC, mode) })
}

/// The same for shared memory by name: shm_open(3), which sets close-on-exec itself.
#[cfg(not(target_os = "android"))]
pub fn shm_open(name: &CStr, flags: c_int, mode: u32) -> Result<File, Errno> {
    // FreeBSD and OpenBSD reject other flags.
    #[cfg(not(linux_kernel))]
    let flags = flags & (libc::O_ACCMODE | libc::O_CREAT | libc::O_EXCL | libc::O_TRUNC);
    #[cfg(not(target_os = "macos"))]
    #[allow(clippy::cast_possible_truncation, reason = "permissions are 12 bits")]
    let mode = mode as libc::mode_t;
    // SAFETY: the name ends in NUL.
    owned(|| unsafe { libc::shm_open(name.as_ptr(), flags, mode) })
}

#[cfg(not(target_os = "android"))]
pub fn shm_unlink(name: &CStr) -> Result<(), Errno> {
    // SAFETY: the name ends in NUL.
    check(unsafe { libc::shm_unlink(name.as_ptr()) })
}

/// Creates shared memory with its size in one step. On POSIX systems its size is set after it is opened.
pub fn shm_create(_name: &CStr, _size: u64) -> Result<File, Errno> {
    Err(Errno::ENOSYS)
}

/// Duplicates a descriptor, with close-on-exec.
pub fn duplicate(fd: c_int) -> Result<File, Errno> {
    // SAFETY: fcntl checks the descriptor. 3: never one of the standard streams, even if one of them is closed.
    owned(|| unsafe { libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, 3) })
}

/// The result of a call that returns a new descriptor, or -1. Repeats the call while it fails with EINTR.
pub fn owned(call: impl Fn() -> c_int) -> Result<File, Errno> {
    loop {
        match call() {
            -1 => match last_errno() {
                Errno(libc::EINTR) => {}
                errno => return Err(errno),
            },
            // SAFETY: the descriptor is new, so it is ours alone.
            fd => return Ok(unsafe { File::from_raw_fd(fd) }),
        }
    }
}

/// Sets the size of a file; added bytes read as zero.
pub fn set_file_size(fd: c_int, size: u64) -> Result<(), Errno> {
    let size = off_t::try_from(size).map_err(|_| Errno(libc::EFBIG))?;
    let set = without_sigxfsz(|| {
        // SAFETY: ftruncate checks the descriptor and touches no memory.
        check(unsafe { ftruncate(fd, size) })
    });
    // The size of shared memory can be set once on this system.
    #[cfg(target_os = "macos")]
    if set == Err(Errno(libc::EINVAL)) && status(fd).is_ok_and(|status| status.st_mode & libc::S_IFMT == 0) {
        return Err(Errno::ENOSYS);
    }
    set
}

/// Waits until the data of a file is stored.
pub fn store(fd: c_int) -> Result<(), Errno> {
    // SAFETY: touches no memory; the kernel checks the descriptor.
    #[cfg(not(target_os = "macos"))]
    return check(unsafe { libc::fdatasync(fd) });
    // fsync(2) leaves the data in the cache of the disk on this system. EBADF: shared memory, too.
    // SAFETY: as above.
    #[cfg(target_os = "macos")]
    return check(unsafe { libc::fcntl(fd, libc::F_FULLFSYNC) }).map_err(|errno| match status(fd) {
        Ok(_) if errno == Errno(libc::EBADF) => Errno(libc::EINVAL),
        _ => errno,
    });
}

/// Allocates blocks for the first `size` bytes of a file, and extends a shorter file.
pub fn allocate(fd: c_int, size: u64) -> Result<(), Errno> {
    if size == 0 {
        return Ok(());
    }
    let size = off_t::try_from(size).map_err(|_| Errno(libc::EFBIG))?;
    without_sigxfsz(|| preallocate(fd, size))
}

/// Not posix_fallocate(3): glibc's writes a byte into each block where the file system cannot do it, over those of others.
#[cfg(linux_kernel)]
fn preallocate(fd: c_int, size: off_t) -> Result<(), Errno> {
    // SAFETY: fallocate checks the descriptor and touches no memory.
    check(unsafe { libc::fallocate64(fd, 0, 0, size) })
}

/// A system call there. File systems that cannot allocate blocks, such as ZFS, fail with one of two errors.
#[cfg(not(any(linux_kernel, target_os = "openbsd", target_os = "macos")))]
fn preallocate(fd: c_int, size: off_t) -> Result<(), Errno> {
    #[cfg(not(target_os = "netbsd"))]
    use libc::posix_fallocate;
    // NetBSD 7; not in the libc crate.
    #[cfg(target_os = "netbsd")]
    unsafe extern "C" {
        fn posix_fallocate(fd: c_int, offset: off_t, size: off_t) -> c_int;
    }
    // SAFETY: it checks the descriptor and touches no memory; the result is the error number itself.
    match unsafe { posix_fallocate(fd, 0, size) } {
        0 => Ok(()),
        libc::EINVAL => Err(Errno(libc::EOPNOTSUPP)),
        errno => Err(Errno(errno)),
    }
}

#[cfg(target_os = "openbsd")]
fn preallocate(_fd: c_int, _size: off_t) -> Result<(), Errno> {
    Err(Errno(libc::EOPNOTSUPP))
}

/// Allocates blocks after those of the file, and then sets its size. Fails for a file with holes, which nothing fills.
#[cfg(target_os = "macos")]
fn preallocate(fd: c_int, size: off_t) -> Result<(), Errno> {
    let status = status(fd)?;
    let allocated = status.st_blocks.saturating_mul(512);
    if allocated < status.st_size {
        return Err(Errno(libc::EOPNOTSUPP));
    }
    let more = size - allocated.min(size);
    if more > 0 {
        let mut store = libc::fstore_t {
            fst_flags: libc::F_ALLOCATEALL,
            fst_posmode: libc::F_PEOFPOSMODE,
            fst_offset: 0,
            fst_length: more,
            fst_bytesalloc: 0,
        };
        // SAFETY: the kernel reads and writes one fstore_t.
        if unsafe { libc::fcntl(fd, libc::F_PREALLOCATE, &raw mut store) } == -1 {
            return Err(last_errno());
        }
    }
    // SAFETY: ftruncate checks the descriptor and touches no memory.
    if size > status.st_size { check(unsafe { ftruncate(fd, size) }) } else { Ok(()) }
}

/// Runs a call that extends a file, so that exceeding RLIMIT_FSIZE is only EFBIG: the kernel also sends SIGXFSZ, whose default
/// action ends the process. The signal is sent to this thread, which blocks it during the call and then consumes it.
pub fn without_sigxfsz(call: impl Fn() -> Result<(), Errno>) -> Result<(), Errno> {
    let only = signal_set(&[libc::SIGXFSZ]);
    let mut mask = signal_set(&[]);
    // SAFETY: both sets are initialised.
    unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, &raw const only, &raw mut mask) };
    // A signal that was pending before is the program's own. It can be pending only if it was blocked.
    let pending_before = has(&mask, libc::SIGXFSZ) && is_pending(libc::SIGXFSZ);
    let outcome = uninterrupted(call);
    if outcome == Err(Errno(libc::EFBIG)) && !pending_before && is_pending(libc::SIGXFSZ) {
        take(&only);
    }
    // SAFETY: the set was written by the first call.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &raw const mask, std::ptr::null_mut()) };
    outcome
}

fn signal_set(signals: &[c_int]) -> libc::sigset_t {
    let mut set = MaybeUninit::uninit();
    // SAFETY: sigemptyset initialises the set, to which sigaddset adds signals that exist.
    unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        for signal in signals {
            libc::sigaddset(set.as_mut_ptr(), *signal);
        }
        set.assume_init()
    }
}

fn has(set: &libc::sigset_t, signal: c_int) -> bool {
    // SAFETY: the set is initialised.
    unsafe { libc::sigismember(set, signal) == 1 }
}

fn is_pending(signal: c_int) -> bool {
    let mut pending = signal_set(&[]);
    // SAFETY: sigpending writes one set to the address given.
    unsafe { libc::sigpending(&raw mut pending) == 0 && has(&pending, signal) }
}

/// Consumes a pending signal, of this thread first, then of the process.
fn take(set: &libc::sigset_t) {
    #[cfg(linux_kernel)]
    {
        let at_once = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: reads the set and the time; the siginfo_t may be NULL.
        unsafe { libc::sigtimedwait(set, std::ptr::null_mut(), &raw const at_once) };
    }
    #[cfg(not(linux_kernel))]
    {
        let mut signal = 0;
        // SAFETY: reads the set and writes one number. The signal is pending, so the call does not block.
        unsafe { libc::sigwait(set, &raw mut signal) };
    }
}

fn uninterrupted(call: impl Fn() -> Result<(), Errno>) -> Result<(), Errno> {
    loop {
        match call() {
            Err(Errno(libc::EINTR)) => {}
            done => return done,
        }
    }
}

/// The path with all symbolic links resolved, if it names the file that is open as `fd`.
pub fn real_path_of(path: &CStr, fd: c_int) -> Option<PathBuf> {
    let real = std::fs::canonicalize(OsStr::from_bytes(path.to_bytes())).ok()?;
    let named = std::fs::metadata(&real).ok()?;
    let open = status(fd).ok()?;
    // The type of the device number differs between systems; the standard library converts it to 64 bits the same way.
    #[allow(clippy::cast_sign_loss, clippy::unnecessary_cast, reason = "bits")]
    let device = open.st_dev as u64;
    (named.ino() == open.st_ino && named.dev() == device).then_some(real)
}

/// Whether two descriptors refer to the same file.
pub fn is_same_file(one: c_int, other: c_int) -> bool {
    let identity = |fd| status(fd).map(|status| (status.st_dev, status.st_ino));
    identity(one).is_ok_and(|one| identity(other) == Ok(one))
}

/// Creates shared memory, and removes its name at once.
#[cfg(not(any(target_os = "android", target_os = "macos")))]
pub fn unlinked_shared_memory() -> Result<File, Errno> {
    unlinked(|name| CString::new(format!("/{name}")), shm_open, shm_unlink)
}

/// Creates a file in a folder, and removes its name at once.
pub fn unlinked_file(folder: &Path) -> Result<File, Errno> {
    let path = |name: &str| CString::new(folder.join(name).into_os_string().into_encoded_bytes());
    unlinked(path, open, |path| {
        // SAFETY: the path ends in NUL.
        check(unsafe { libc::unlink(path.as_ptr()) })
    })
}

fn unlinked(
    place: impl Fn(&str) -> Result<CString, std::ffi::NulError>,
    open: impl Fn(&CStr, c_int, u32) -> Result<File, Errno>,
    unlink: impl Fn(&CStr) -> Result<(), Errno>,
) -> Result<File, Errno> {
    use std::hash::{BuildHasher, RandomState};
    loop {
        // The standard library's hash keys are random, so the name is unique. macOS limits names of shared memory to 31
        // characters.
        let name = format!("mmap-wrap-{:016x}", RandomState::new().hash_one(0));
        let place = place(&name).map_err(|_| Errno(libc::EINVAL))?;
        match open(&place, libc::O_RDWR | libc::O_CREAT | libc::O_EXCL, 0o600) {
            Err(Errno(libc::EEXIST)) => {}
            opened => {
                let fd = opened?;
                unlink(&place)?;
                return Ok(fd);
            }
        }
    }
}
