//! Files: opening, sizes, files without a name.

use super::errors::{as_errno, check, from_code, plain, was};
use super::handles::{File, RawFile, handle, raw};
use super::section;
use crate::constants;
use crate::error::Errno;
use crate::sys::FileInfo;
use std::ffi::{CStr, c_int, c_void};
use std::fs::OpenOptions;
use std::mem::size_of;
use std::os::windows::fs::OpenOptionsExt;
use std::os::windows::io::OwnedHandle;
use std::path::{Path, PathBuf};
use windows_sys::Win32::Foundation::{
    ERROR_ACCESS_DENIED, ERROR_INVALID_HANDLE, ERROR_INVALID_PARAMETER, ERROR_NO_UNICODE_TRANSLATION, GENERIC_READ, GENERIC_WRITE,
};
use windows_sys::Win32::Storage::FileSystem::{
    BY_HANDLE_FILE_INFORMATION, FILE_ALLOCATION_INFO, FILE_ATTRIBUTE_DIRECTORY, FILE_ATTRIBUTE_READONLY,
    FILE_ATTRIBUTE_TEMPORARY, FILE_END_OF_FILE_INFO, FILE_FLAG_DELETE_ON_CLOSE, FILE_FLAG_NO_BUFFERING, FILE_FLAG_WRITE_THROUGH,
    FILE_TYPE_CHAR, FILE_TYPE_PIPE, FileAllocationInfo, FileEndOfFileInfo, FlushFileBuffers, GetFileInformationByHandle,
    GetFileType, SetFileInformationByHandle,
};

pub fn file_info(fd: RawFile) -> Result<FileInfo, Errno> {
    if section::is_section(fd) {
        let size = section::size(fd).ok_or_else(|| from_code(ERROR_INVALID_HANDLE))?;
        return Ok(from_size(size));
    }
    // SAFETY: fails for an invalid handle.
    let kind = unsafe { GetFileType(handle(fd)) };
    if kind == FILE_TYPE_PIPE || kind == FILE_TYPE_CHAR {
        return Ok(FileInfo { is_stream: true, is_regular: false, ..from_size(0) });
    }
    let status = status(fd)?;
    let is_directory = status.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY != 0;
    let size = join(status.nFileSizeHigh, status.nFileSizeLow);
    Ok(FileInfo { is_directory, is_regular: !is_directory, ..from_size(size) })
}

fn from_size(size: u64) -> FileInfo {
    FileInfo { size, is_directory: false, is_stream: false, is_regular: true, has_size: true, block_size: 0 }
}

fn status(fd: RawFile) -> Result<BY_HANDLE_FILE_INFORMATION, Errno> {
    let mut status = BY_HANDLE_FILE_INFORMATION::default();
    // SAFETY: writes one struct to the address given, and fails for an invalid handle.
    check(unsafe { GetFileInformationByHandle(handle(fd), &raw mut status) })?;
    Ok(status)
}

fn join(high: u32, low: u32) -> u64 {
    u64::from(high) << 32 | u64::from(low)
}

/// Whether a path names a pipe: pipes have a name space of their own.
pub fn leads_to_stream(path: &CStr) -> bool {
    let start =
        path.to_bytes().iter().take(PIPES.len()).map(|byte| if *byte == b'/' { b'\\' } else { byte.to_ascii_lowercase() });
    start.eq(PIPES.bytes())
}

const PIPES: &str = r"\\.\pipe\";

/// Opening never blocks here, so no flag is needed.
pub const NEVER_WAIT: c_int = 0;

/// Opens a file; other programs may read, write, rename and delete it meanwhile. A file that is created is read-only for
/// later calls unless `mode` has 0200.
pub fn open(path: &CStr, flags: c_int, mode: u32) -> Result<File, Errno> {
    let flags = i64::from(flags);
    let has = |flag: i64| flags & flag == flag;
    if has(constants::O_APPEND) {
        return Err(plain(Errno::ENOSYS));
    }
    let writes = flags & (constants::O_WRONLY | constants::O_RDWR) != 0;
    let mut special = 0;
    if flags & (constants::O_SYNC | constants::O_DSYNC) != 0 {
        special |= FILE_FLAG_WRITE_THROUGH;
    }
    if has(constants::O_DIRECT) {
        special |= FILE_FLAG_NO_BUFFERING;
    }
    let makes = has(constants::O_CREAT);
    let mut options = OpenOptions::new();
    options.read(!has(constants::O_WRONLY)).write(writes).custom_flags(special);
    options.create(makes && writes).create_new(makes && has(constants::O_EXCL)).truncate(has(constants::O_TRUNC));
    if makes {
        // The standard library creates files only with write access; the access mode may have less.
        options.write(true).access_mode(GENERIC_READ | if writes { GENERIC_WRITE } else { 0 }).create(!has(constants::O_EXCL));
        if mode & 0o200 == 0 {
            options.attributes(FILE_ATTRIBUTE_READONLY);
        }
    }
    let path = path_of(path)?;
    options.open(path).map(OwnedHandle::from).map_err(|error| match code_of(&error) {
        Some(ERROR_ACCESS_DENIED) if path.is_dir() => plain(Errno::EISDIR),
        // A device that cannot be opened, as CON in a process without a console: no handle is involved.
        Some(code @ ERROR_INVALID_HANDLE) => as_errno(code, Errno::ENODEV),
        code => code.map_or(Errno::EINVAL, from_code),
    })
}

/// Paths are UTF-8. The standard library converts them to UTF-16, and supports paths longer than MAX_PATH.
fn path_of(path: &CStr) -> Result<&Path, Errno> {
    path.to_str().map(Path::new).map_err(|_| from_code(ERROR_NO_UNICODE_TRANSLATION))
}

fn code_of(error: &std::io::Error) -> Option<u32> {
    error.raw_os_error().map(|code| u32::from_ne_bytes(code.to_ne_bytes()))
}

/// Sets the size of a file; added bytes read as zero. EBUSY if the file is mapped and would be truncated.
pub fn set_file_size(fd: RawFile, size: u64) -> Result<(), Errno> {
    if section::is_section(fd) {
        return Err(plain(Errno::ENOSYS));
    }
    let size = i64::try_from(size).map_err(|_| plain(Errno::EFBIG))?;
    set(fd, FileEndOfFileInfo, FILE_END_OF_FILE_INFO { EndOfFile: size }).map_err(|errno| match errno {
        // Of the parameters, only the size can be invalid.
        Errno::EINVAL if was(ERROR_INVALID_PARAMETER) => as_errno(ERROR_INVALID_PARAMETER, Errno::EFBIG),
        _ => errno,
    })
}

fn set<T>(fd: RawFile, class: i32, value: T) -> Result<(), Errno> {
    let bytes = u32::try_from(size_of::<T>()).expect("a few bytes");
    // SAFETY: reads one value; the system checks the handle.
    check(unsafe { SetFileInformationByHandle(handle(fd), class, (&raw const value).cast::<c_void>(), bytes) })
}

/// Waits until the data of a file is stored.
pub fn store(fd: RawFile) -> Result<(), Errno> {
    // SAFETY: touches no memory; the system checks the handle.
    check(unsafe { FlushFileBuffers(handle(fd)) })
}

/// Allocates blocks for the first `size` bytes of a file, and extends a shorter file.
pub fn allocate(fd: RawFile, size: u64) -> Result<(), Errno> {
    if size == 0 {
        return Ok(());
    }
    if file_info(fd)?.size < size {
        set_file_size(fd, size)?;
    }
    let size = i64::try_from(size.max(file_info(fd)?.size)).map_err(|_| plain(Errno::EFBIG))?;
    set(fd, FileAllocationInfo, FILE_ALLOCATION_INFO { AllocationSize: size }).map_err(|errno| match errno {
        Errno::ENOSYS => plain(Errno::EOPNOTSUPP),
        _ => errno,
    })
}

/// The path with all symbolic links resolved, if it names the file that is open as `fd`.
pub fn real_path_of(path: &CStr, fd: RawFile) -> Option<PathBuf> {
    let real = std::fs::canonicalize(path_of(path).ok()?).ok()?;
    let named = std::fs::File::open(&real).ok()?;
    is_same_file(raw(&named), fd).then_some(real)
}

/// Whether two handles refer to the same file.
pub fn is_same_file(one: RawFile, other: RawFile) -> bool {
    let identity = |fd| status(fd).map(|s| (s.dwVolumeSerialNumber, s.nFileIndexHigh, s.nFileIndexLow));
    identity(one).is_ok_and(|one| identity(other) == Ok(one))
}

/// Creates a file in a folder; the system deletes it with its last handle and its last mapping.
pub fn unlinked_file(folder: &Path) -> Result<File, Errno> {
    use std::hash::{BuildHasher, RandomState};
    loop {
        // The standard library's hash keys are random, so the name is unique.
        let name = format!("mmap-wrap-{}-{:016x}", std::process::id(), RandomState::new().hash_one(0));
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true);
        options.attributes(FILE_ATTRIBUTE_TEMPORARY).custom_flags(FILE_FLAG_DELETE_ON_CLOSE);
        match options.open(folder.join(name)) {
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            opened => return opened.map(OwnedHandle::from).map_err(|error| code_of(&error).map_or(Errno::EINVAL, from_code)),
        }
    }
}
