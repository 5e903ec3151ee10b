//! Results and errors
//!
//! Every function that returns int64_t answers zero or more on success and a negative code on error: -1 to -4095 is
//! the system's -errno, below lie the codes here. Where an address is the answer, NULL is the error. Out-parameters are
//! written only on success. No errno is set, none is needed.

use super::boundary::{keep, last_message};
use crate::error::{Errno, describe};
use std::ffi::c_char;

/// Names any code that a function of this library returned. Never NULL. The text of the library's own codes lives for
/// ever; that of a system error until this thread's next call of this function or of mmap_wrap_last_error_message.
///
/// ```c
/// puts(mmap_wrap_strerror(-EACCES));      // Permission denied (EACCES)
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_strerror(code: i64) -> *const c_char {
    if let Some(text) = describe(code) {
        return text.as_ptr();
    }
    match i32::try_from(code) {
        Ok(errno @ -4095..=-1) => keep(Errno(-errno).to_string()),
        _ => keep(format!("{code} is no error code of mmap-wrap")),
    }
}

/// This thread's last failure in full: the operation, the numbers, the limit. Empty before the first; a success does
/// not clear it, but for mmap_wrap_get_int and mmap_wrap_get_float of a number that looks like a failure. Never NULL. Valid until this thread's next call of this function or of mmap_wrap_strerror.
///
/// ```c
/// if (mprotect_wrap(h, PROT_READ, 4096, 8192) < 0)
///     puts(mmap_wrap_last_error_message());
/// // mprotect_wrap: size 8192 from offset 4096 extends beyond 8192 byte mapping
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_last_error_message() -> *const c_char {
    last_message()
}
