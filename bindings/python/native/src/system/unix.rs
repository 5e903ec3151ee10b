//! POSIX: descriptors, and libraries of the dl family.

use super::File;
use crate::exceptions::{Object, Raised, Result, call, raise, raised_by};
use crate::gil::{LONG, without_gil};
use pyo3_ffi::*;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::mem::MaybeUninit;
use std::ptr::null_mut;

pub use libc::{
    MAP_ANONYMOUS, MAP_HUGETLB, MAP_NORESERVE, MAP_PRIVATE, MAP_SHARED, MREMAP_MAYMOVE, MS_SYNC, PROT_READ, PROT_WRITE,
};

type Audit = unsafe extern "C" fn(*const c_char, *const c_char, ...) -> c_int;

unsafe extern "C" {
    fn PySys_Audit(event: *const c_char, format: *const c_char, ...) -> c_int;
}

/// `PySys_Audit`. Every CPython from 3.8 on exports it; the stable ABI has it from 3.13 on. (`sys.audit` is an attribute that programs
/// can replace.)
///
/// # Safety
/// The GIL is held.
#[inline(always)]
pub unsafe fn audit() -> Result<Audit> {
    Ok(PySys_Audit)
}

/// Loads the library at a path, a str, or finds it loaded. A handle is never closed, so what it leads to stays. OSError.
///
/// # Safety
/// The GIL is held. Loading runs the file's own code.
pub unsafe fn load_library(path: Object) -> Result<*mut c_void> {
    let mut encoded: Object = null_mut();
    // SAFETY: as the caller promises; the converter puts a new bytes object into its place.
    unsafe {
        if PyUnicode_FSConverter(path, (&raw mut encoded).cast()) == 0 {
            return Err(Raised);
        }
        let handle = libc::dlopen(PyBytes_AsString(encoded), libc::RTLD_NOW | libc::RTLD_LOCAL);
        Py_DecRef(encoded);
        if handle.is_null() { Err(not_loaded()) } else { Ok(handle) }
    }
}

/// The address of an exported function. OSError.
///
/// # Safety
/// `library` is a handle of `load_library`, `name` ends in NUL, and the GIL is held.
pub unsafe fn symbol(library: *mut c_void, name: &str) -> Result<*mut c_void> {
    // SAFETY: as the caller promises.
    unsafe {
        let found = libc::dlsym(library, name.as_ptr().cast());
        if found.is_null() { Err(not_loaded()) } else { Ok(found) }
    }
}

/// # Safety
/// A function of the dl family has just failed in this thread, and the GIL is held.
unsafe fn not_loaded() -> Raised {
    // SAFETY: as the caller promises; the text stays until the next such failure.
    unsafe { raise(PyExc_OSError, CStr::from_ptr(libc::dlerror())) }
}

/// The file open as `fd`.
///
/// # Safety
/// The GIL is held.
pub unsafe fn file(fd: c_int) -> Result<File> {
    let mut stat = MaybeUninit::<libc::stat64>::uninit();
    // SAFETY: as the caller promises; there is room for what the system says, which is read where it has said it.
    unsafe {
        if without_gil(LONG, || libc::fstat64(fd, stat.as_mut_ptr())) != 0 {
            let raising = |function, format| PyObject_CallFunction(function, format, fd);
            return Err(raised_by(call(c"mmap_wrap._standard", c"not_open", c"(i)", raising)));
        }
        let stat = stat.assume_init();
        let is_regular = stat.st_mode & libc::S_IFMT == libc::S_IFREG;
        Ok(File { number: fd.into(), size: is_regular.then_some(stat.st_size) })
    }
}

/// Fails, in the standard library's words: no more is mapped than the file has.
///
/// # Safety
/// The GIL is held.
pub unsafe fn grow(_: &File, _: i64, _: bool) -> Result<()> {
    // SAFETY: as the caller promises.
    Err(unsafe { raise(PyExc_ValueError, c"mmap length is greater than file size") })
}

/// Never called: no file grows.
pub fn set_size(_: &File, _: i64) -> bool {
    false
}

/// What offsets of the standard library's class have to be a multiple of.
pub fn granularity(page_size: i64) -> i64 {
    page_size
}
