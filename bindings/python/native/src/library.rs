//! The loaded libmmap_wrap: its functions, looked up once by name.
//!
//! A process has one registry of mappings, so all its interpreters use the library that the first one loaded. It is not linked,
//! so that MMAP_WRAP_LIBRARY can select another file than the one beside the module.

use crate::exceptions::{Object, Raised, Result};
use crate::header;
use crate::system;
use pyo3_ffi::{PyErr_SetString, PyExc_OSError};
use std::ffi::{c_int, c_void};
use std::sync::OnceLock;

macro_rules! functions {
    ($($name:ident = $symbol:ident;)*) => {
        /// The functions, with the types declared in include/mmap_wrap.h.
        pub struct Library { $(pub $name: header::$symbol),* }

        impl Library {
            /// # Safety
            /// `handle` is a loaded libmmap_wrap with the ABI number of this module's declarations.
            unsafe fn from_handle(handle: *mut c_void) -> Result<Library> {
                // SAFETY: as the caller promises: each symbol is the function that the header declares.
                unsafe { Ok(Library { $($name: std::mem::transmute::<*mut c_void, header::$symbol>(
                    system::symbol(handle, concat!(stringify!($symbol), "\0"))?,
                )),* }) }
            }
        }
    };
}

functions! {
    map = mmap_wrap;
    map_aligned = mmap_aligned_wrap;
    unmap = munmap_wrap;
    remap = mremap_wrap;
    advise = madvise_wrap;
    sync = msync_wrap;
    length = mmap_wrap_length;
    address = mmap_wrap_address;
    acquire = mmap_wrap_acquire;
    release = mmap_wrap_release;
    check = mmap_wrap_check;
    read = mmap_wrap_read;
    write = mmap_wrap_write;
    move_ = mmap_wrap_move;
    copy = mmap_wrap_copy;
    find = mmap_wrap_find;
    rfind = mmap_wrap_rfind;
    count = mmap_wrap_count;
    get_int = mmap_wrap_get_int;
    put_int = mmap_wrap_put_int;
    get_float = mmap_wrap_get_float;
    put_float = mmap_wrap_put_float;
    atomic_load = mmap_wrap_atomic_load;
    atomic_store = mmap_wrap_atomic_store;
    atomic_add = mmap_wrap_atomic_add;
    atomic_exchange = mmap_wrap_atomic_exchange;
    atomic_compare_exchange = mmap_wrap_atomic_compare_exchange;
    fault_done = mmap_wrap_fault_done;
    survive = mmap_wrap_survive;
    info = mmap_wrap_info;
    file_size = mmap_wrap_file_size;
    page_size = mmap_wrap_page_size;
    version = mmap_wrap_version;
    last_error_code = mmap_wrap_last_error_code;
    last_error_message = mmap_wrap_last_error_message;
    last_error_reason = mmap_wrap_last_error_reason;
    last_error_system_code = mmap_wrap_last_error_system_code;
    strerror = mmap_wrap_strerror;
    constant = mmap_wrap_constant;
}

/// The handle that the system returned for the library, and the library.
static LIBRARY: OnceLock<(usize, Library)> = OnceLock::new();

/// The library. Functions that need it are called only after it is loaded; otherwise the process is aborted.
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

/// Loads the library at a path (a str; on Windows an absolute one) unless it is loaded; returns the system's handle and the
/// library's ABI number. Binds its functions only if that is `abi_version`. OSError: no such library, or another one is bound.
///
/// # Safety
/// The GIL is held. Loading runs code of the file.
pub unsafe fn load(path: Object, abi_version: i64) -> Result<(usize, i64)> {
    // SAFETY: as the caller promises.
    unsafe {
        let handle = system::load_library(path)?;
        let number: header::mmap_wrap_abi_version = std::mem::transmute(system::symbol(handle, "mmap_wrap_abi_version\0")?);
        let number = number();
        if number == abi_version {
            if LIBRARY.get().is_none() {
                let _ = LIBRARY.set((handle.addr(), Library::from_handle(handle)?));
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

/// Bytes in a page.
pub fn page_size() -> i64 {
    // SAFETY: it has no arguments.
    unsafe { (library().page_size)() }
}

/// A flag as an argument of the library's functions.
pub fn yes(flag: bool) -> i64 {
    c_int::from(flag).into()
}
