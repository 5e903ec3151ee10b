//! Elements
//!
//! One number at an offset: of any alignment, and of a kind that says its width, its meaning and, or'ed to it, the order of
//! its bytes; without that it is the machine's own. The calls are checked and fault-proof as those above, and return the
//! same errors; and MMAP_WRAP_E_ARGUMENT for a kind that is none, or not one of the call's. A store that faults has changed
//! nothing, except where the number lies across a page border and only the access to the second page faults.
//!
//! Languages in which an out-parameter is expensive have mmap_wrap_get_int and its like (see "For bindings").

use super::boundary::{boundary, bytes_in, fetch, room_for, store};
use super::mapping::mmap_wrap_handle;
use crate::guarded::low_bytes;
use crate::mapping::Kind;
use crate::registry::with;
use std::ffi::c_void;

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

fn width(kind: Kind) -> i64 {
    super::boundary::answer(kind.width())
}
