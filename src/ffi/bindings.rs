//! For bindings
//!
//! For modules that wrap this library for another language: the code and the reason of the last error, so that the message can
//! begin with the name of that language's own function; functions that return numbers directly, for languages in which output
//! parameters are expensive; the table of all constants.

use super::boundary::{boundary, boundary_number, boundary_pointer, last_code, last_reason, length_result};
use super::mapping::mmap_wrap_handle;
use crate::constants::{CONSTANTS, Constant};
use crate::error::{Error, Result};
use crate::registry::with;
use std::ffi::c_char;

/// The value that mmap_wrap_get_int returns on error.
pub const MMAP_WRAP_NO_INT: i64 = i64::MIN;

/// Returns the code of the calling thread's last error; 0 if mmap_wrap_last_error_message is empty. For functions that return a
/// pointer or a number.
///
/// ```c
/// if (mmap_wrap_acquire(h) == NULL && mmap_wrap_last_error_code() == MMAP_WRAP_E_UNMAPPED)
///     puts("it is unmapped");
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_last_error_code() -> i64 {
    last_code()
}

/// Returns the message of the calling thread's last error without the name of the function and ": ". Never NULL; valid until
/// the calling thread next calls this function, mmap_wrap_last_error_message or mmap_wrap_strerror.
///
/// ```c
/// fprintf(stderr, "my_read: %s\n", mmap_wrap_last_error_reason());
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_last_error_reason() -> *const c_char {
    last_reason()
}

/// Returns the integer of this kind at offset. A MMAP_WRAP_U64 above INT64_MAX is returned as the negative number with the same
/// bits. On error it returns MMAP_WRAP_NO_INT, and mmap_wrap_last_error_code is the code. If that number is the integer itself,
/// the call clears the last error, so that mmap_wrap_last_error_code is 0.
///
/// ```c
/// int64_t count = mmap_wrap_get_int(h, MMAP_WRAP_I32, 16);
/// if (count == MMAP_WRAP_NO_INT && mmap_wrap_last_error_code() < 0)
///     puts(mmap_wrap_last_error_message());
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_get_int(h: mmap_wrap_handle, kind: i64, offset: i64) -> i64 {
    let is_none = |number| number == MMAP_WRAP_NO_INT;
    boundary_number("mmap_wrap_get_int", MMAP_WRAP_NO_INT, is_none, || with(h, |mapping| mapping.get_int(kind, offset)))
}

/// Writes the integer of this kind at offset. Returns 0, or MMAP_WRAP_E_ARGUMENT if value does not fit the kind; the message
/// has the limits. For MMAP_WRAP_U64 all 64 bits are stored unchanged.
///
/// ```c
/// mmap_wrap_put_int(h, MMAP_WRAP_U8, 3, 255);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_put_int(h: mmap_wrap_handle, kind: i64, offset: i64, value: i64) -> i64 {
    boundary("mmap_wrap_put_int", || with(h, |mapping| mapping.put_int(kind, offset, value).map(|()| 0)))
}

/// Returns the floating-point number of this kind at offset. On error it returns a NaN, and mmap_wrap_last_error_code is the
/// code. If the number is itself a NaN, the call clears the last error, so that mmap_wrap_last_error_code is 0.
///
/// ```c
/// double weight = mmap_wrap_get_float(h, MMAP_WRAP_F32, 40);
/// if (weight != weight && mmap_wrap_last_error_code() < 0)
///     puts(mmap_wrap_last_error_message());
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_get_float(h: mmap_wrap_handle, kind: i64, offset: i64) -> f64 {
    boundary_number("mmap_wrap_get_float", f64::NAN, f64::is_nan, || with(h, |mapping| mapping.get_float(kind, offset)))
}

/// Writes the floating-point number of this kind at offset, rounded to the kind. Returns 0, or MMAP_WRAP_E_ARGUMENT for a
/// finite value beyond the range of the kind.
///
/// ```c
/// mmap_wrap_put_float(h, MMAP_WRAP_F32, 40, 0.5);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_put_float(h: mmap_wrap_handle, kind: i64, offset: i64, value: f64) -> i64 {
    boundary("mmap_wrap_put_float", || with(h, |mapping| mapping.put_float(kind, offset, value).map(|()| 0)))
}

/// Returns the number of constants in the table. It is the same on all platforms for one version of the library.
///
/// ```c
/// for (int64_t i = 0; i < mmap_wrap_constant_count(); i++) puts(mmap_wrap_constant_name(i));
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_constant_count() -> i64 {
    length_result(CONSTANTS.len())
}

/// Returns the name of constant i, 0 to mmap_wrap_constant_count() - 1. The string is static. NULL if i is out of range.
///
/// ```c
/// puts(mmap_wrap_constant_name(0));
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_constant_name(i: i64) -> *const c_char {
    boundary_pointer("mmap_wrap_constant_name", || Ok(at(i)?.c_name.as_ptr().cast_mut()))
}

/// Returns the value of constant i; 0 if this platform lacks it; MMAP_WRAP_E_ARGUMENT if i is out of range. The values of
/// MAP_FAILED, MMAP_WRAP_REST and MMAP_WRAP_E_ codes are negative.
///
/// ```c
/// int64_t value = mmap_wrap_constant_value(0);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_constant_value(i: i64) -> i64 {
    boundary("mmap_wrap_constant_value", || Ok(at(i)?.value.unwrap_or(0)))
}

/// Returns 1 if this platform has constant i, 0 if not, MMAP_WRAP_E_ARGUMENT if i is out of range.
///
/// ```c
/// if (!mmap_wrap_constant_available(0)) puts("not on this platform");
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_constant_available(i: i64) -> i64 {
    boundary("mmap_wrap_constant_available", || Ok(at(i)?.value.is_some().into()))
}

fn at(i: i64) -> Result<&'static Constant> {
    let constant = usize::try_from(i).ok().and_then(|i| CONSTANTS.get(i));
    constant.ok_or_else(|| Error::argument(format!("constant {i} of {}", CONSTANTS.len())))
}
