//! For bindings
//!
//! What a module for another language needs and a C program does not: the parts of the last error, to put the name of the
//! language's own function before the reason; numbers returned as such, where an out-parameter is expensive; all constants as
//! a table. The functions of mmap_wrap_constants.h are for languages that bind symbol by symbol.

use super::boundary::{answer, boundary, boundary_number, boundary_pointer, last_code, last_reason};
use super::mapping::mmap_wrap_handle;
use crate::constants::{CONSTANTS, Constant};
use crate::error::{Error, Result};
use crate::registry::with;
use std::ffi::c_char;

/// What mmap_wrap_get_int returns on failure.
pub const MMAP_WRAP_NO_INT: i64 = i64::MIN;

/// The code of this thread's last failure; 0 where mmap_wrap_last_error_message is empty. For after a call that answers
/// NULL, or a number.
///
/// ```c
/// if (mmap_wrap_acquire(h) == NULL && mmap_wrap_last_error_code() == MMAP_WRAP_E_UNMAPPED)
///     puts("it is unmapped");
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_last_error_code() -> i64 {
    last_code()
}

/// The text of mmap_wrap_last_error_message without the name of the function that failed and ": ". Never NULL. Valid until
/// this thread's next call of this function, of mmap_wrap_last_error_message or of mmap_wrap_strerror.
///
/// ```c
/// raise(own_name, mmap_wrap_last_error_reason());
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_last_error_reason() -> *const c_char {
    last_reason()
}

/// The integer of this kind at offset. One of MMAP_WRAP_U64 above INT64_MAX is answered as the signed one of the same
/// bits. On failure MMAP_WRAP_NO_INT: mmap_wrap_last_error_code is then the code, and 0 where that very number is the
/// integer.
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

/// Sets the integer of this kind at offset. Returns 0, or MMAP_WRAP_E_ARGUMENT for a value that does not fit the kind: the
/// message has the limits. MMAP_WRAP_U64 takes the 64 bits as they are.
///
/// ```c
/// mmap_wrap_put_int(h, MMAP_WRAP_U8, 3, 255);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_put_int(h: mmap_wrap_handle, kind: i64, offset: i64, value: i64) -> i64 {
    boundary("mmap_wrap_put_int", || with(h, |mapping| mapping.put_int(kind, offset, value).map(|()| 0)))
}

/// The float of this kind at offset. On failure a NaN: mmap_wrap_last_error_code is then the code, and 0 where the float
/// is itself a NaN.
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

/// Sets the float of this kind at offset, rounded to the kind. Returns 0, or MMAP_WRAP_E_ARGUMENT for a finite value
/// beyond the kind's greatest.
///
/// ```c
/// mmap_wrap_put_float(h, MMAP_WRAP_F32, 40, 0.5);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_put_float(h: mmap_wrap_handle, kind: i64, offset: i64, value: f64) -> i64 {
    boundary("mmap_wrap_put_float", || with(h, |mapping| mapping.put_float(kind, offset, value).map(|()| 0)))
}

/// How many constants the table has. The same on all platforms for one version of the library.
///
/// ```c
/// for (int64_t i = 0; i < mmap_wrap_constant_count(); i++) puts(mmap_wrap_constant_name(i));
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_constant_count() -> i64 {
    answer(CONSTANTS.len())
}

/// The name of constant i, 0 to mmap_wrap_constant_count() - 1. The text lives for ever. NULL outside.
///
/// ```c
/// puts(mmap_wrap_constant_name(0));
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_constant_name(i: i64) -> *const c_char {
    boundary_pointer("mmap_wrap_constant_name", || Ok(at(i)?.c_name.as_ptr().cast_mut()))
}

/// The value of constant i; 0 where this platform lacks it. MMAP_WRAP_E_ARGUMENT outside. MAP_FAILED (-1) and the library's
/// own MMAP_WRAP_REST and MMAP_WRAP_E_ codes are negative themselves.
///
/// ```c
/// int64_t value = mmap_wrap_constant_value(0);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_constant_value(i: i64) -> i64 {
    boundary("mmap_wrap_constant_value", || Ok(at(i)?.value.unwrap_or(0)))
}

/// 1 where this platform has constant i, 0 where it does not, MMAP_WRAP_E_ARGUMENT outside.
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
