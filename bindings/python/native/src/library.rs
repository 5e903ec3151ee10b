//! The loaded libmmap_wrap: its functions, found by name once.
//!
//! A process has one registry of mappings, and so one library, whichever of its interpreters loads it first. Nothing is
//! linked, so that MMAP_WRAP_LIBRARY can name another file than the one beside the module.

use crate::exceptions::{Raised, Result};
use pyo3_ffi::{PyErr_SetString, PyExc_OSError};
use std::ffi::{CStr, c_char, c_int, c_void};
use std::sync::OnceLock;

/// MMAP_WRAP_REST: to the end.
pub const REST: i64 = i64::MIN;
/// MMAP_WRAP_NO_INT: no integer could be read, or it is this one.
pub const NO_INT: i64 = i64::MIN;
pub const KEEP: i64 = 1 << 32;
pub const OR_PRIVATE: i64 = 1 << 33;
pub const WITH_FILE: i64 = 1;
pub const ALLOCATE: i64 = 2;
pub const E_UNMAPPED: i64 = -4097;
pub const E_RANGE: i64 = -4098;
pub const E_FAULT: i64 = -4100;
pub const E_ARGUMENT: i64 = -4102;
pub const E_UNSUPPORTED: i64 = -4103;
pub const E_NOT_FOUND: i64 = -4104;

/// The first members of `struct mmap_wrap_info`.
#[repr(C)]
#[derive(Default)]
pub struct Facts {
    pub length: i64,
    pub mapped: i64,
    pub address: i64,
    pub page_size: i64,
    pub protection: i64,
    pub flags: i64,
    pub offset: i64,
    pub keeps_file: i64,
    pub sealed: i64,
    pub exports: i64,
}

macro_rules! functions {
    ($($name:ident = $symbol:literal: fn($($type:ty),*) -> $result:ty;)*) => {
        /// Each as include/mmap_wrap.h declares it.
        pub struct Library { $(pub $name: unsafe extern "C" fn($($type),*) -> $result),* }

        impl Library {
            /// # Safety
            /// `handle` is a loaded libmmap_wrap of the ABI number that this module is written for.
            unsafe fn of(handle: *mut c_void) -> Result<Library> {
                // SAFETY: as demanded, so that each symbol is the function that the header declares.
                unsafe { Ok(Library { $($name: std::mem::transmute::<
                    *mut c_void,
                    unsafe extern "C" fn($($type),*) -> $result,
                >(symbol(handle, $symbol)?)),* }) }
            }
        }
    };
}

functions! {
    map = c"mmap_wrap": fn(*mut c_void, i64, i64, i64, i64, i64) -> i64;
    map_aligned = c"mmap_aligned_wrap": fn(i64, i64, i64, i64, i64, i64) -> i64;
    unmap = c"munmap_wrap": fn(i64) -> i64;
    remap = c"mremap_wrap": fn(i64, i64, i64, *mut c_void, i64) -> i64;
    advise = c"madvise_wrap": fn(i64, i64, i64, i64) -> i64;
    sync = c"msync_wrap": fn(i64, i64, i64, i64) -> i64;
    length = c"mmap_wrap_length": fn(i64) -> i64;
    address = c"mmap_wrap_address": fn(i64) -> *mut c_void;
    acquire = c"mmap_wrap_acquire": fn(i64) -> *mut c_void;
    release = c"mmap_wrap_release": fn(i64) -> i64;
    check = c"mmap_wrap_check": fn(i64, i64, i64) -> i64;
    read = c"mmap_wrap_read": fn(i64, i64, *mut c_void, i64) -> i64;
    write = c"mmap_wrap_write": fn(i64, i64, *const c_void, i64) -> i64;
    move_ = c"mmap_wrap_move": fn(i64, i64, i64, i64) -> i64;
    copy = c"mmap_wrap_copy": fn(i64, i64, i64, i64, i64) -> i64;
    find = c"mmap_wrap_find": fn(i64, *const c_void, i64, i64, i64) -> i64;
    rfind = c"mmap_wrap_rfind": fn(i64, *const c_void, i64, i64, i64) -> i64;
    count = c"mmap_wrap_count": fn(i64, *const c_void, i64, i64, i64) -> i64;
    get_int = c"mmap_wrap_get_int": fn(i64, i64, i64) -> i64;
    put_int = c"mmap_wrap_put_int": fn(i64, i64, i64, i64) -> i64;
    get_float = c"mmap_wrap_get_float": fn(i64, i64, i64) -> f64;
    put_float = c"mmap_wrap_put_float": fn(i64, i64, i64, f64) -> i64;
    atomic_load = c"mmap_wrap_atomic_load": fn(i64, i64, i64, *mut i64) -> i64;
    atomic_store = c"mmap_wrap_atomic_store": fn(i64, i64, i64, i64) -> i64;
    atomic_add = c"mmap_wrap_atomic_add": fn(i64, i64, i64, i64, *mut i64) -> i64;
    atomic_exchange = c"mmap_wrap_atomic_exchange": fn(i64, i64, i64, i64, *mut i64) -> i64;
    atomic_compare_exchange = c"mmap_wrap_atomic_compare_exchange": fn(i64, i64, i64, i64, i64, *mut i64) -> i64;
    fault_done = c"mmap_wrap_fault_done": fn() -> i64;
    survive = c"mmap_wrap_survive": fn(i64, i64) -> i64;
    facts = c"mmap_wrap_info": fn(i64, *mut Facts, i64) -> i64;
    file_size = c"mmap_wrap_file_size": fn(i64) -> i64;
    page_size = c"mmap_wrap_page_size": fn() -> i64;
    version = c"mmap_wrap_version": fn() -> *const c_char;
    last_error_code = c"mmap_wrap_last_error_code": fn() -> i64;
    last_error_message = c"mmap_wrap_last_error_message": fn() -> *const c_char;
    strerror = c"mmap_wrap_strerror": fn(i64) -> *const c_char;
    constant = c"mmap_wrap_constant": fn(*const c_char, *mut i64) -> i64;
}

/// The library, and what dlopen gave for it.
static LIBRARY: OnceLock<(usize, Library)> = OnceLock::new();

/// The library; a process without one has no map, and none of the functions below that need it is called.
#[inline(always)]
pub fn library() -> &'static Library {
    match LIBRARY.get() {
        Some((_, library)) => library,
        None => none(),
    }
}

#[cold]
fn none() -> ! {
    std::process::abort()
}

/// Loads the library at a path, or finds it loaded: its handle, as dlopen gives it, and its ABI number. Its functions are
/// bound only if that is `abi_version`. OSError: no such library; another one is bound already.
///
/// # Safety
/// The interpreter's lock is held. Loading runs the file's own code.
pub unsafe fn load(path: &CStr, abi_version: i64) -> Result<(usize, i64)> {
    // SAFETY: as demanded. A handle of dlopen is never closed, so what it leads to stays.
    unsafe {
        let handle = libc::dlopen(path.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL);
        if handle.is_null() {
            return Err(not_loaded());
        }
        let number: unsafe extern "C" fn() -> i64 = std::mem::transmute(symbol(handle, c"mmap_wrap_abi_version")?);
        let number = number();
        if number == abi_version {
            if LIBRARY.get().is_none() {
                let _ = LIBRARY.set((handle.addr(), Library::of(handle)?));
            }
            if LIBRARY.get().is_some_and(|(bound, _)| *bound != handle.addr()) {
                let why = c"another libmmap_wrap is in use in this process: all of its interpreters need the same one";
                PyErr_SetString(PyExc_OSError, why.as_ptr());
                return Err(Raised);
            }
        }
        Ok((handle.addr(), number))
    }
}

/// # Safety
/// `handle` is one of dlopen's, and the interpreter's lock is held.
unsafe fn symbol(handle: *mut c_void, name: &CStr) -> Result<*mut c_void> {
    // SAFETY: as demanded.
    unsafe {
        let found = libc::dlsym(handle, name.as_ptr());
        if found.is_null() { Err(not_loaded()) } else { Ok(found) }
    }
}

/// # Safety
/// A function of the dl family has just failed in this thread, and the interpreter's lock is held.
unsafe fn not_loaded() -> Raised {
    // SAFETY: as demanded; the text stays until the next such failure.
    unsafe { PyErr_SetString(PyExc_OSError, libc::dlerror()) };
    Raised
}

/// A flag for functions of C.
pub fn yes(flag: bool) -> i64 {
    c_int::from(flag).into()
}
