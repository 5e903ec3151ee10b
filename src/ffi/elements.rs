//! Elements
//!
//! One number at an offset: of any alignment, and of a kind that says its width, its meaning and, or'ed to it, the order of
//! its bytes; without that it is the machine's own. The calls are checked and fault-proof as those above, and return the
//! same errors; and MMAP_WRAP_E_ARGUMENT for a kind that is none, or not one of the call's. A store that faults has changed
//! nothing, except where the number lies across a page border and only the access to the second page faults.
//!
//! mmap_wrap_get and mmap_wrap_put are for every kind. The others have the number itself as answer or argument, for
//! languages whose foreign calls make out-parameters dear.

use super::boundary::{boundary, boundary_number, bytes_in, fetch, room_for, store};
use super::map::mmap_wrap_handle;
use crate::guarded::low_bytes;
use crate::mapping::Kind;
use crate::registry::with;
use std::ffi::c_void;

/// What mmap_wrap_get_int answers on failure.
pub const MMAP_WRAP_NO_INT: i64 = i64::MIN;

/// Copies the number of this kind at offset to *value, of the kind's width and in the machine's own order of bytes. value
/// need not be aligned. Returns 0, or MMAP_WRAP_E_ARGUMENT: also for NULL.
///
/// ```c
/// uint16_t port;
/// mmap_wrap_get(h, MMAP_WRAP_U16 | MMAP_WRAP_BIG_ENDIAN, 20, &port);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_get(h: mmap_wrap_handle, kind: i64, offset: i64, value: *mut c_void) -> i64 {
    boundary("mmap_wrap_get", || {
        with(h, |mapping| {
            let kind = Kind::new(kind)?;
            let room = room_for(value.cast(), width(kind))?;
            let bits = mapping.get(kind, offset)?.to_ne_bytes();
            store(&bits[low_bytes(kind.width())], &room, 0).map(|()| 0)
        })
    })
}

/// Sets the number of this kind at offset to *value, of the kind's width and in the machine's own order of bytes. Returns
/// 0, or MMAP_WRAP_E_ARGUMENT: also for NULL.
///
/// ```c
/// double pi = 3.14159;
/// mmap_wrap_put(h, MMAP_WRAP_F64, 24, &pi);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_put(h: mmap_wrap_handle, kind: i64, offset: i64, value: *const c_void) -> i64 {
    boundary("mmap_wrap_put", || {
        with(h, |mapping| {
            let kind = Kind::new(kind)?;
            let value = bytes_in(value.cast(), width(kind))?;
            let mut bits = [0; 8];
            fetch(value, &mut bits[low_bytes(kind.width())])?;
            mapping.put(kind, offset, u64::from_ne_bytes(bits)).map(|()| 0)
        })
    })
}

/// The integer of this kind at offset. One of MMAP_WRAP_U64 above INT64_MAX is answered as the signed one of the same
/// bits. On failure MMAP_WRAP_NO_INT: mmap_wrap_last_error_code is then the code, and 0 where that very number is the
/// integer.
///
/// ```c
/// int64_t count = mmap_wrap_get_int(h, MMAP_WRAP_I32, 16);
/// if (count == MMAP_WRAP_NO_INT && mmap_wrap_last_error_code() < 0) puts(mmap_wrap_last_error_message());
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
/// if (weight != weight && mmap_wrap_last_error_code() < 0) puts(mmap_wrap_last_error_message());
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

fn width(kind: Kind) -> i64 {
    super::boundary::answer(kind.width())
}
