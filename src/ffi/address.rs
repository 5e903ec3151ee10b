//! Addresses and exports
//!
//! An address is for zero-copy access, at the caller's own responsibility: no check stands between it and the memory.
//! While an export is held the mapping is neither unmapped nor moved, so an acquired address stays good until released.

use super::boundary::{answer, boundary, boundary_pointer};
use super::mapping::mmap_wrap_handle;
use crate::registry::{self, look};
use std::ffi::c_void;

/// The address of the mapping's first byte, good until it is unmapped. A mapping of length 0 has an address, too, that
/// must not be accessed. NULL: not a handle, or unmapped; mmap_wrap_last_error_message tells.
///
/// ```c
/// const char *text = mmap_wrap_address(h);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_address(h: mmap_wrap_handle) -> *mut c_void {
    boundary_pointer("mmap_wrap_address", || Ok(look(h)?.address().cast()))
}

/// The mapping's length in bytes: what was asked for, not rounded to pages. Or MMAP_WRAP_E_HANDLE,
/// MMAP_WRAP_E_UNMAPPED.
///
/// ```c
/// int64_t length = mmap_wrap_length(h);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_length(h: mmap_wrap_handle) -> i64 {
    boundary("mmap_wrap_length", || Ok(answer(registry::length(h)?)))
}

/// Counts an export and gives the address of the first byte: until as many calls of mmap_wrap_release, unmapping
/// answers MMAP_WRAP_E_BUSY. A forked child inherits the count. NULL on error, as mmap_wrap_address; and like that call, it
/// leaves a loss that was not reported yet to the next access.
///
/// ```c
/// unsigned char *bytes = mmap_wrap_acquire(h);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_acquire(h: mmap_wrap_handle) -> *mut c_void {
    boundary_pointer("mmap_wrap_acquire", || Ok(registry::acquire(h)?.cast()))
}

/// Gives an export back. Returns how many are still held, or MMAP_WRAP_E_ARGUMENT where none was,
/// MMAP_WRAP_E_HANDLE, MMAP_WRAP_E_UNMAPPED.
///
/// ```c
/// mmap_wrap_release(h);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_release(h: mmap_wrap_handle) -> i64 {
    boundary("mmap_wrap_release", || Ok(registry::release(h)?.into()))
}
