//! Addresses
//!
//! For access without copying, at the caller's own responsibility: no call checks what is done through an address. While an
//! address is acquired, the mapping is not unmapped, moved or resized.

use super::boundary::{boundary, boundary_pointer, length_result};
use super::mapping::mmap_wrap_handle;
use crate::registry::{self, peek};
use std::ffi::c_void;

/// Returns the address of the first byte. It is valid until the mapping is unmapped, moved or resized. A mapping of length 0
/// has an address, which must not be accessed. NULL on error: MMAP_WRAP_E_HANDLE, MMAP_WRAP_E_UNMAPPED
/// (mmap_wrap_last_error_code).
///
/// ```c
/// const char *text = mmap_wrap_address(h);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_address(h: mmap_wrap_handle) -> *mut c_void {
    boundary_pointer("mmap_wrap_address", || Ok(peek(h)?.address().cast()))
}

/// Returns the length of the mapping in bytes: the length that was requested, not rounded up to pages. Errors:
/// MMAP_WRAP_E_HANDLE, MMAP_WRAP_E_UNMAPPED.
///
/// ```c
/// int64_t length = mmap_wrap_length(h);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_length(h: mmap_wrap_handle) -> i64 {
    boundary("mmap_wrap_length", || Ok(length_result(registry::length(h)?)))
}

/// Acquires the address of the first byte: until mmap_wrap_release has been called the same number of times, unmapping, moving
/// and resizing fail with MMAP_WRAP_E_BUSY. A forked child inherits the count. A pending loss is not reported here, but by the
/// next call that accesses the mapping. NULL on error, as mmap_wrap_address.
///
/// ```c
/// unsigned char *bytes = mmap_wrap_acquire(h);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_acquire(h: mmap_wrap_handle) -> *mut c_void {
    boundary_pointer("mmap_wrap_acquire", || Ok(registry::acquire(h)?.cast()))
}

/// Releases an acquired address. Returns how many times it is still acquired. Errors: MMAP_WRAP_E_ARGUMENT if it is not
/// acquired; MMAP_WRAP_E_HANDLE; MMAP_WRAP_E_UNMAPPED.
///
/// ```c
/// mmap_wrap_release(h);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_release(h: mmap_wrap_handle) -> i64 {
    boundary("mmap_wrap_release", || Ok(registry::release(h)?.into()))
}
