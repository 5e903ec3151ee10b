//! Sections: the objects that Windows maps views of. A section is of a file, or of the paging file and has a name.

use super::errors::{from_code, plain};
use super::handles::{File, RawFile, handle, owned, raw};
use super::regions::query;
use crate::constants;
use crate::error::Errno;
use std::ffi::{CStr, c_int};
use std::ptr::null;
use windows_sys::Win32::Foundation::{ERROR_ALREADY_EXISTS, ERROR_NO_UNICODE_TRANSLATION, GetLastError, INVALID_HANDLE_VALUE};
use windows_sys::Win32::System::Memory::{
    CreateFileMappingW, FILE_MAP_READ, FILE_MAP_WRITE, MapViewOfFile, OpenFileMappingW, PAGE_READWRITE, UnmapViewOfFile,
};

/// Creates a section of a whole file, with a PAGE_ protection.
pub fn create(file: RawFile, protection: u32) -> Result<File, Errno> {
    // SAFETY: the system checks the handle; no name.
    owned(unsafe { CreateFileMappingW(handle(file), null(), protection, 0, 0, null()) })
}

/// Whether a handle is that of a section. GetFileType does not distinguish: wine reports a section as a file.
pub fn is_section(fd: RawFile) -> bool {
    has_view(fd, FILE_MAP_READ)
}

/// Whether a view with this access can be mapped. It is unmapped at once.
fn has_view(section: RawFile, access: u32) -> bool {
    // SAFETY: a new view, which nothing uses.
    unsafe {
        let view = MapViewOfFile(handle(section), access, 0, 0, 1);
        !view.Value.is_null() && UnmapViewOfFile(view) != 0
    }
}

/// Bytes of a section, in whole pages: the size of a view of all of it.
pub fn size(section: RawFile) -> Option<u64> {
    // SAFETY: a new view, which is unmapped at once.
    unsafe {
        let view = MapViewOfFile(handle(section), FILE_MAP_READ, 0, 0, 0);
        if view.Value.is_null() {
            return None;
        }
        let region = query(view.Value.addr());
        UnmapViewOfFile(view);
        region.ok().map(|region| region.RegionSize as u64)
    }
}

/// `write` if a view may be written, else `read`.
pub fn most(section: &File, write: u32, read: u32) -> u32 {
    if has_view(raw(section), FILE_MAP_WRITE) { write } else { read }
}

/// Converts a name of shm_open(3), which begins with one slash and has no other, to a name of a section.
fn name_of(name: &CStr) -> Result<Vec<u16>, Errno> {
    let name = name.to_str().map_err(|_| from_code(ERROR_NO_UNICODE_TRANSLATION))?;
    let name = name.strip_prefix('/').unwrap_or(name);
    if name.is_empty() || name.contains('/') {
        return Err(plain(Errno::EINVAL));
    }
    // "Global\" and "Local\" choose the name space; the session's own is the default.
    Ok(name.encode_utf16().chain([0]).collect())
}

/// Opens a section by its name. Creating one needs a size: `shm_create`. One that exists cannot be truncated.
pub fn shm_open(name: &CStr, flags: c_int, _mode: u32) -> Result<File, Errno> {
    let flags = i64::from(flags);
    if flags & constants::O_CREAT != 0 {
        return Err(plain(Errno::EINVAL));
    }
    let access = if flags & constants::O_RDWR != 0 { FILE_MAP_READ | FILE_MAP_WRITE } else { FILE_MAP_READ };
    // SAFETY: the name ends in NUL.
    let section = owned(unsafe { OpenFileMappingW(access, 0, name_of(name)?.as_ptr()) })?;
    if flags & constants::O_TRUNC != 0 { Err(plain(Errno::EOPNOTSUPP)) } else { Ok(section) }
}

/// Creates a section of `size` bytes; EEXIST if the name exists. It is removed with its last handle and its last view.
pub fn shm_create(name: &CStr, size: u64) -> Result<File, Errno> {
    let name = name_of(name)?;
    let [high, low] = [size >> 32, size & 0xFFFF_FFFF].map(|half| u32::try_from(half).expect("half of it"));
    // SAFETY: the name ends in NUL; there is no file.
    let section = owned(unsafe { CreateFileMappingW(INVALID_HANDLE_VALUE, null(), PAGE_READWRITE, high, low, name.as_ptr()) })?;
    // SAFETY: only reads.
    match unsafe { GetLastError() } {
        ERROR_ALREADY_EXISTS => Err(from_code(ERROR_ALREADY_EXISTS)),
        _ => Ok(section),
    }
}

/// A section cannot change its size, so callers use a file without a name (`unlinked_file`).
pub fn unlinked_shared_memory() -> Result<File, Errno> {
    Err(plain(Errno::ENOSYS))
}

/// The system removes a name with the last handle and view; a program cannot.
pub fn shm_unlink(_name: &CStr) -> Result<(), Errno> {
    Err(plain(Errno::ENOSYS))
}
