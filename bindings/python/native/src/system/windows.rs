//! Windows: descriptors are numbers of Python's C library, and the library takes the handles behind them.
//!
//! This module may be linked with another C library, whose descriptors and errno are others: it uses neither.

use super::File;
use crate::exceptions::{Object, Raised, Result, call, made, raise};
use pyo3_ffi::*;
use std::ffi::{c_char, c_int, c_void};
use std::mem::size_of;
use std::ptr::{null_mut, with_exposed_provenance_mut};
use std::sync::OnceLock;
use windows_sys::Win32::Foundation::{ERROR_ALREADY_EXISTS, ERROR_NOT_ENOUGH_MEMORY, GetLastError, HANDLE, SetLastError};
use windows_sys::Win32::Storage::FileSystem::{
    FILE_END_OF_FILE_INFO, FILE_TYPE_DISK, FileEndOfFileInfo, GetFileSizeEx, GetFileType, SetFileInformationByHandle,
};
use windows_sys::Win32::System::LibraryLoader::{
    GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS, GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT, GetModuleHandleExW, GetProcAddress,
    LOAD_LIBRARY_SEARCH_DEFAULT_DIRS, LOAD_LIBRARY_SEARCH_DLL_LOAD_DIR, LoadLibraryExW,
};
use windows_sys::Win32::System::SystemInformation::{GetSystemInfo, SYSTEM_INFO};

// Windows has no such header: the values are the library's (src/constants.rs), and a test of the package compares them. What
// Windows lacks is 0.
pub const PROT_READ: c_int = 1;
pub const PROT_WRITE: c_int = 2;
pub const MAP_SHARED: c_int = 1;
pub const MAP_PRIVATE: c_int = 2;
pub const MAP_ANONYMOUS: c_int = 0x20;
pub const MAP_HUGETLB: c_int = 0;
pub const MAP_NORESERVE: c_int = 0;
pub const MS_SYNC: c_int = 4;
pub const MREMAP_MAYMOVE: c_int = 1;

/// Sets the OSError for a code of the system's.
///
/// # Safety
/// The interpreter's lock is held.
unsafe fn raise_windows(code: u32) -> Raised {
    // SAFETY: as demanded.
    unsafe {
        // Without the package's modules, which import the library that could not be loaded.
        let making = |function, format| PyObject_CallFunction(function, format, code);
        let error = call(c"ctypes", c"WinError", c"(I)", making);
        if !error.is_null() {
            PyErr_SetObject(Py_TYPE(error).cast(), error);
            Py_DecRef(error);
        }
    }
    Raised
}

/// The same, of the last call of this thread.
///
/// # Safety
/// The interpreter's lock is held.
unsafe fn raise_last() -> Raised {
    // SAFETY: as demanded.
    unsafe { raise_windows(GetLastError()) }
}

/// Loads the library at a full path, a str, or finds it loaded. A handle is never closed, so what it leads to stays. OSError.
///
/// # Safety
/// The interpreter's lock is held. Loading runs the file's own code.
pub unsafe fn load_library(path: Object) -> Result<*mut c_void> {
    // SAFETY: as demanded; the text ends in NUL, and is freed once.
    unsafe {
        let wide = PyUnicode_AsWideCharString(path, null_mut());
        if wide.is_null() {
            return Err(Raised);
        }
        let places = LOAD_LIBRARY_SEARCH_DEFAULT_DIRS | LOAD_LIBRARY_SEARCH_DLL_LOAD_DIR;
        let library = LoadLibraryExW(wide, null_mut(), places);
        let code = GetLastError();
        PyMem_Free(wide.cast());
        if library.is_null() { Err(raise_windows(code)) } else { Ok(library) }
    }
}

/// The address of an exported function. OSError.
///
/// # Safety
/// `library` is a handle of `load_library`, `name` ends in NUL, and the interpreter's lock is held.
pub unsafe fn symbol(library: *mut c_void, name: &str) -> Result<*mut c_void> {
    // SAFETY: as demanded.
    unsafe {
        match GetProcAddress(library, name.as_ptr()) {
            Some(function) => Ok(function as *mut c_void),
            None => Err(raise_last()),
        }
    }
}

type Audit = unsafe extern "C" fn(*const c_char, *const c_char, ...) -> c_int;

/// `PySys_Audit`. Every CPython from 3.8 on exports it; python3.dll, which has the stable ABI, does so from 3.13 on. So it is looked
/// for where the interpreter itself is. (`sys.audit` is an attribute that programs can replace.)
///
/// # Safety
/// The interpreter's lock is held.
pub unsafe fn audit() -> Result<Audit> {
    static AUDIT: OnceLock<Option<Audit>> = OnceLock::new();
    // SAFETY: the address is of an object of the interpreter, which stays loaded; the function is as its header declares it.
    let found = AUDIT.get_or_init(|| unsafe {
        let flags = GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT;
        let mut interpreter = null_mut();
        if GetModuleHandleExW(flags, (&raw const PyLong_Type).cast(), &raw mut interpreter) == 0 {
            return None;
        }
        let function = GetProcAddress(interpreter, c"PySys_Audit".as_ptr().cast())?;
        Some(std::mem::transmute::<unsafe extern "system" fn() -> isize, Audit>(function))
    });
    // SAFETY: as demanded.
    found.ok_or_else(|| unsafe { raise(PyExc_SystemError, c"mmap_wrap: the interpreter exports no PySys_Audit") })
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the same bits")]
fn handle(number: i64) -> HANDLE {
    with_exposed_provenance_mut(number as usize)
}

/// The file open as `fd`.
///
/// # Safety
/// The interpreter's lock is held.
pub unsafe fn file(fd: c_int) -> Result<File> {
    // SAFETY: as demanded; the system checks the handle, and writes one number to the place given.
    unsafe {
        let asking = |function, format| PyObject_CallFunction(function, format, fd);
        let object = made(call(c"mmap_wrap._windows", c"handle_of", c"(i)", asking))?;
        let number = PyLong_AsLongLong(object);
        Py_DecRef(object);
        if number == -1 && !PyErr_Occurred().is_null() {
            return Err(Raised);
        }
        let mut size = 0;
        let has_size = GetFileType(handle(number)) == FILE_TYPE_DISK && GetFileSizeEx(handle(number), &raw mut size) != 0;
        Ok(File { number, size: has_size.then_some(size) })
    }
}

/// Makes a file `size` bytes long, so that so many can be mapped: CreateFileMapping does that to a file that is to be written. OSError.
///
/// # Safety
/// The interpreter's lock is held.
pub unsafe fn grow(file: &File, size: i64, is_written: bool) -> Result<()> {
    // SAFETY: as demanded.
    unsafe {
        if !is_written {
            // What CreateFileMapping reports.
            return Err(raise_windows(ERROR_NOT_ENOUGH_MEMORY));
        }
        if set_size(file, size) { Ok(()) } else { Err(raise_last()) }
    }
}

/// Makes a file `size` bytes long; false where that fails.
pub fn set_size(file: &File, size: i64) -> bool {
    let end = FILE_END_OF_FILE_INFO { EndOfFile: size };
    let bytes = size_of::<FILE_END_OF_FILE_INFO>() as u32;
    // SAFETY: reads one number; the system checks the handle.
    unsafe { SetFileInformationByHandle(handle(file.number), FileEndOfFileInfo, (&raw const end).cast(), bytes) != 0 }
}

/// Sets the last error of the thread to what CreateFileMapping sets it to when it succeeds.
pub fn say_existed(existed: bool) {
    // SAFETY: only writes a number of the thread.
    unsafe { SetLastError(if existed { ERROR_ALREADY_EXISTS } else { 0 }) };
}

/// What offsets of the standard library's class have to be a multiple of.
pub fn granularity(_page_size: i64) -> i64 {
    let mut info = SYSTEM_INFO::default();
    // SAFETY: writes one SYSTEM_INFO to the place given.
    unsafe { GetSystemInfo(&raw mut info) };
    info.dwAllocationGranularity.into()
}
