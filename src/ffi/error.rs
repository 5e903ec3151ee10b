//! Results and errors
//!
//! Unless stated otherwise, functions that return int64_t return a value >= 0 on success and a negative code on error: -1 to
//! -4095 is -errno as the system set it, and the library's own codes, defined here, are below that. Functions that return a
//! pointer return NULL on error. Output parameters are written only on success. errno is not used.

use super::boundary::{keep, last_message, last_system_code};
use crate::error::{Errno, describe};
use std::ffi::c_char;

/// Returns the description of an error code of this library. Never NULL. The string is static for the library's own codes; for
/// a system error it is valid until the calling thread next calls this function, mmap_wrap_last_error_message or
/// mmap_wrap_last_error_reason.
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
        _ => keep(format!("{code} is not an error code of mmap-wrap")),
    }
}

/// Returns the message of the calling thread's last error: the function that failed, the reason with its numbers, the limit,
/// and, if known, the remedy. Empty before the first error. A success does not clear it (exception: see mmap_wrap_get_int).
/// Never NULL; valid until the calling thread next calls this function, mmap_wrap_last_error_reason or mmap_wrap_strerror.
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

/// Returns the operating system's own code for the calling thread's last error: errno or, on Windows, the code of GetLastError,
/// several of which have the same errno. 0 if the system did not return the error, or there was none.
///
/// ```c
/// if (mmap_path_wrap("no such file", MMAP_WRAP_REST, PROT_READ, MAP_SHARED, 0) < 0)
///     printf("the system's code is %lld\n", (long long)mmap_wrap_last_error_system_code());
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_last_error_system_code() -> i64 {
    last_system_code()
}
