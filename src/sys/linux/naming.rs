//! Files that get their name when they are complete: O_TMPFILE and linkat(2).

use super::{check, file_system, is_tmpfs, last_errno};
use crate::error::Errno;
use crate::sys::{self, unix::without_sigxfsz};
use std::ffi::{CStr, CString, OsStr, c_int};
use std::fs::File;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

const CANNOT: Errno = Errno(libc::EOPNOTSUPP);

/// The path of shared memory, as shm_open(3) of glibc and musl forms it.
pub fn shared_memory_path(name: &CStr) -> Result<CString, Errno> {
    let bytes = name.to_bytes();
    let bare = &bytes[bytes.iter().take_while(|byte| **byte == b'/').count()..];
    if bare.is_empty() || bare.contains(&b'/') || bare == b"." || bare == b".." {
        return Err(Errno(libc::EINVAL));
    }
    CString::new([b"/dev/shm/", bare].concat()).map_err(|_| Errno(libc::EINVAL))
}

/// Creates a file without a name in the folder of `path`; [`link`] can name it. It has the permissions that open(2) would
/// give it, or this fails.
pub fn open_without_name(path: &CStr, flags: c_int, mode: u32) -> Result<OwnedFd, Errno> {
    let folder = Path::new(OsStr::from_bytes(path.to_bytes())).parent().ok_or(CANNOT)?;
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let folder = CString::new(folder.as_os_str().as_bytes()).map_err(|_| CANNOT)?;
    // With O_EXCL, linkat(2) could not name it.
    let others = flags & !(libc::O_CREAT | libc::O_EXCL | libc::O_TRUNC | libc::O_NOFOLLOW);
    let file = File::from(sys::open(&folder, others | libc::O_TMPFILE, mode)?);
    // Kernels before 6.0 do not apply the umask to such a file (commit ac6800e279a2), and folders with a default ACL
    // have other rules.
    let made_with = file.metadata().map_err(|_| last_errno())?.mode();
    if umask().is_none_or(|umask| made_with & umask != 0) {
        return Err(CANNOT);
    }
    let fd = OwnedFd::from(file);
    // If this folder is not tmpfs, shm_open(3) of an old glibc uses another one.
    let in_memory = path.to_bytes().starts_with(b"/dev/shm/");
    let is_other = in_memory && !file_system(fd.as_raw_fd()).is_some_and(|system| is_tmpfs(&system));
    if is_other { Err(CANNOT) } else { Ok(fd) }
}

/// Names a file that was created without a name. EEXIST if a file of that name exists.
pub fn link(fd: c_int, path: &CStr) -> Result<(), Errno> {
    let open = CString::new(format!("/proc/self/fd/{fd}")).map_err(|_| CANNOT)?;
    // AT_EMPTY_PATH would need CAP_DAC_READ_SEARCH.
    // SAFETY: both paths end in NUL.
    check(unsafe { libc::linkat(libc::AT_FDCWD, open.as_ptr(), libc::AT_FDCWD, path.as_ptr(), libc::AT_SYMLINK_FOLLOW) })
}

/// Extends a file to at least `size` bytes. Never truncates it, even if another process extends it meanwhile.
pub fn grow_file(fd: c_int, size: u64) -> Result<(), Errno> {
    let last = size.checked_sub(1).and_then(|last| libc::off64_t::try_from(last).ok()).ok_or(Errno(libc::EFBIG))?;
    // SAFETY: fallocate checks the descriptor and touches no memory.
    match without_sigxfsz(|| check(unsafe { libc::fallocate64(fd, 0, last, 1) })) {
        Ok(()) => Ok(()),
        // The file system lacks fallocate(2), or is full: setting the size needs no block.
        Err(_) => sys::set_file_size(fd, size),
    }
}

/// The umask of this process (Linux 4.7). Older kernels report it only when it is set, which affects other threads.
fn umask() -> Option<u32> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("Umask:"))?;
    u32::from_str_radix(line.trim(), 8).ok()
}
