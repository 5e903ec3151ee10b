//! Versions and the page size
//!
//! Check the ABI number before any other call: do not use a library that has another number.

use crate::sys;
use std::ffi::c_char;

/// Returns the number of the binary interface of the library: MMAP_WRAP_ABI_VERSION of the header that it was built with. It is
/// the number in the soname, and changes when the parameters or the meaning of a function change.
///
/// ```c
/// if (mmap_wrap_abi_version() != MMAP_WRAP_ABI_VERSION) abort();
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_abi_version() -> i64 {
    const ABI: &str = env!("MMAP_WRAP_ABI_VERSION");
    const { ABI.as_bytes()[0] as i64 - b'0' as i64 }
}

/// Returns the version of the library, such as "0.1.0". The string is static.
///
/// ```c
/// printf("mmap-wrap %s\n", mmap_wrap_version());
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_version() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}

/// Returns the size in bytes of a memory page of the running system: 4096, 16384 and 65536 exist. Mappings of huge pages have
/// pages of their own size (mmap_wrap_info).
///
/// ```c
/// int64_t two_pages = 2 * mmap_wrap_page_size();
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_page_size() -> i64 {
    super::boundary::length_result(sys::page_size())
}
