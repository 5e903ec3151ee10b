//! Versions and the page size
//!
//! Check the ABI number first: a library of another number must not be called further.

use crate::sys;
use std::ffi::c_char;

/// The number of the binary interface that this library has: that of MMAP_WRAP_ABI_VERSION in the header it was built
/// with. It changes when a call changes its meaning or its parameters, and is the number in the soname.
///
/// ```c
/// if (mmap_wrap_abi_version() != MMAP_WRAP_ABI_VERSION) abort();
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_abi_version() -> i64 {
    const ABI: &str = env!("MMAP_WRAP_ABI_VERSION");
    const { ABI.as_bytes()[0] as i64 - b'0' as i64 }
}

/// The library's version, such as "0.1.0". The text lives for ever.
///
/// ```c
/// printf("mmap-wrap %s\n", mmap_wrap_version());
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_version() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}

/// Bytes in a page of memory, asked from the running system: 4096, 16384 and 65536 exist. Mappings of huge pages have
/// pages of their own size.
///
/// ```c
/// int64_t two_pages = 2 * mmap_wrap_page_size();
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_page_size() -> i64 {
    super::boundary::answer(sys::page_size())
}
