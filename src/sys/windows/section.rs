//! Sections: what Windows maps views of. Of a file, or of the paging file under a name.

use super::errors::{from_code, plain};
use super::files::{File, RawFile, handle, owned, raw};
use super::pages::query;
use crate::constants;
use crate::error::Errno;
use std::ffi::{CStr, c_int};
use std::ptr::null;
use windows_sys::Win32::Foundation::{ERROR_ALREADY_EXISTS, ERROR_NO_UNICODE_TRANSLATION, GetLastError, INVALID_HANDLE_VALUE};
use windows_sys::Win32::System::Memory::{
    CreateFileMappingW, FILE_MAP_READ, FILE_MAP_WRITE, MapViewOfFile, OpenFileMappingW, PAGE_READWRITE, UnmapViewOfFile,
};

/// The section of all of a file, with a protection: PAGE_READONLY and its like.
pub fn of_file(file: RawFile, protection: u32) -> Result<File, Errno> {
    // SAFETY: the system checks the handle; no name.
    owned(unsafe { CreateFileMappingW(handle(file), null(), protection, 0, 0, null()) })
}

/// Whether a handle is that of a section. GetFileType does not say: wine takes a section for a file.
pub fn is_section(fd: RawFile) -> bool {
    has_view(fd, FILE_MAP_READ)
}

/// Whether a view with such an access can be had. It is unmapped at once.
fn has_view(section: RawFile, access: u32) -> bool {
    // SAFETY: a new view, which nothing uses.
    unsafe {
        let view = MapViewOfFile(handle(section), access, 0, 0, 1);
        !view.Value.is_null() && UnmapViewOfFile(view) != 0
    }
}

/// Bytes of a section, in whole pages: those of a view of all of it.
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

/// The greater of two protections, if a view may have it, else the lesser.
pub fn most(section: &File, write: u32, read: u32) -> u32 {
    if has_view(raw(section), FILE_MAP_WRITE) { write } else { read }
}

/// The name of a section as the system wants it. A name of shm_open(3) begins with one slash and has no other.
fn name_of(name: &CStr) -> Result<Vec<u16>, Errno> {
    let name = name.to_str().map_err(|_| from_code(ERROR_NO_UNICODE_TRANSLATION))?;
    let name = name.strip_prefix('/').unwrap_or(name);
    if name.is_empty() || name.contains('/') {
        return Err(plain(Errno::EINVAL));
    }
    // "Global\" and "Local\" choose the name space; the session's own is the default.
    Ok(name.encode_utf16().chain([0]).collect())
}

/// Opens a section by its name. One that is made needs a size: see `shm_create`.
pub fn shm_open(name: &CStr, flags: c_int, _mode: u32) -> Result<File, Errno> {
    let flags = i64::from(flags);
    if flags & (constants::O_CREAT | constants::O_TRUNC) != 0 {
        return Err(plain(Errno::EINVAL));
    }
    let access = if flags & constants::O_RDWR != 0 { FILE_MAP_READ | FILE_MAP_WRITE } else { FILE_MAP_READ };
    // SAFETY: the name ends in NUL.
    owned(unsafe { OpenFileMappingW(access, 0, name_of(name)?.as_ptr()) })
}

/// Makes a section of `size` bytes under a name that no other has. It lives until its last handle and its last view are gone.
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

/// Sections cannot change their size: a file without a name is one of the file system.
pub fn unlinked_shared_memory() -> Result<File, Errno> {
    Err(plain(Errno::ENOSYS))
}

/// A name goes with the last handle and view: there is nothing to remove.
pub fn shm_unlink(_name: &CStr) -> Result<(), Errno> {
    Err(plain(Errno::ENOSYS))
}
