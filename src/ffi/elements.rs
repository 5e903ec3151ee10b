//! Elements
//!
//! Reading and writing one number at any offset; it need not be aligned. Its kind is one of the constants below, which define
//! width and type, combined (by |) with a byte order; the default is the byte order of the machine. Errors are those of
//! "Reading, writing, searching", and MMAP_WRAP_E_ARGUMENT for a value that is not a kind. A store that faults changes nothing,
//! unless the number crosses a page boundary and only the access to the second page faults.

use super::boundary::{boundary, bytes_in, fetch, room_for, store};
use super::mapping::mmap_wrap_handle;
use crate::guarded::low_bytes;
use crate::mapping::ElementKind;
use crate::registry::with;
use std::ffi::c_void;

/// Reads the number of this kind at offset into *value, which has the width of the kind and the byte order of the machine, and
/// need not be aligned. Returns 0.
///
/// ```c
/// uint16_t port;
/// mmap_wrap_get(h, MMAP_WRAP_U16 | MMAP_WRAP_BIG_ENDIAN, 20, &port);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_get(h: mmap_wrap_handle, kind: i64, offset: i64, value: *mut c_void) -> i64 {
    boundary("mmap_wrap_get", || {
        with(h, |mapping| {
            let kind = ElementKind::new(kind)?;
            let room = room_for(value.cast(), width(kind))?;
            let bits = mapping.get(kind, offset)?.to_ne_bytes();
            store(&bits[low_bytes(kind.width())], &room, 0).map(|()| 0)
        })
    })
}

/// Writes *value, which has the width of the kind and the byte order of the machine, as the number of this kind at offset.
/// Returns 0.
///
/// ```c
/// double pi = 3.14159;
/// mmap_wrap_put(h, MMAP_WRAP_F64, 24, &pi);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_put(h: mmap_wrap_handle, kind: i64, offset: i64, value: *const c_void) -> i64 {
    boundary("mmap_wrap_put", || {
        with(h, |mapping| {
            let kind = ElementKind::new(kind)?;
            let value = bytes_in(value.cast(), width(kind))?;
            let mut bits = [0; 8];
            fetch(value, &mut bits[low_bytes(kind.width())])?;
            mapping.put(kind, offset, u64::from_ne_bytes(bits)).map(|()| 0)
        })
    })
}

fn width(kind: ElementKind) -> i64 {
    super::boundary::length_result(kind.width())
}
