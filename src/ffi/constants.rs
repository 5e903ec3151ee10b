//! Constants
//!
//! The values of the platform by name, for languages that cannot read the platform's headers. The library's own constants
//! (MMAP_WRAP_REST, error codes, element kinds and others) are included. mmap_wrap_constants.h declares a function for each
//! name; "For bindings" has the whole table.

use super::boundary::{boundary, bounded};
use crate::constants::find;
use crate::error::Error;
use std::ffi::c_char;

/// Stores the value of the constant with this name to *value. Returns 0. Errors: MMAP_WRAP_E_UNSUPPORTED if this platform lacks
/// it; MMAP_WRAP_E_ARGUMENT if the library has no constant of that name, or a pointer is NULL.
///
/// ```c
/// int64_t value;
/// if (mmap_wrap_constant("MADV_COLD", &value) == 0) madvise_wrap(h, value, 0, MMAP_WRAP_REST);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_constant(name: *const c_char, value: *mut i64) -> i64 {
    boundary("mmap_wrap_constant", || {
        if name.is_null() || value.is_null() {
            return Err(Error::argument("the name or the place for its value is NULL"));
        }
        let name =
            bounded(name).ok_or_else(|| Error::argument("the name is longer than that of any constant"))?.to_string_lossy();
        let constant = find(&name).ok_or_else(|| Error::argument(format!("no constant is named '{name}'")))?;
        let found = constant.value.ok_or_else(|| Error::unsupported(constant.name))?;
        // Not with a guarded store: bindings call this while they are loaded, and the first access installs the signal handlers.
        // SAFETY: not NULL; the header requires memory for an int64_t. It need not be aligned.
        unsafe { value.write_unaligned(found) };
        Ok(0)
    })
}

/// One function for each name; build.rs writes them from the list in src/constants.rs.
#[allow(non_snake_case)]
mod getters {
    include!(concat!(env!("OUT_DIR"), "/getters.rs"));
}
