//! Constants
//!
//! The platform's own values, for languages without its headers. The table first, for those that loop; then one
//! function for each name, for those that bind symbol by symbol. This library's own (MMAP_WRAP_REST, codes, kinds of
//! elements …) are among them. A constant that this platform lacks reads 0, which may
//! be another one's value: mmap_wrap_constant and mmap_wrap_constant_available tell the difference.

use super::boundary::{answer, boundary, boundary_pointer, bounded};
use crate::constants::{CONSTANTS, Constant, find};
use crate::error::{Error, Result};
use std::ffi::c_char;

/// Finds a constant by its name and stores its value. Returns 0, MMAP_WRAP_E_UNSUPPORTED where this platform lacks it,
/// MMAP_WRAP_E_ARGUMENT where the library knows no such name, or a pointer is NULL.
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
        let name = bounded(name).ok_or_else(|| Error::argument("no constant has a name as long"))?.to_string_lossy();
        let constant = find(&name).ok_or_else(|| Error::argument(format!("no constant is named '{name}'")))?;
        let found = constant.value.ok_or_else(|| Error::unsupported(constant.name))?;
        // Not by a guarded store: bindings ask while they are loaded, and the first access installs the signal handlers.
        // SAFETY: not NULL; the header demands a place for an int64_t. It need not be aligned.
        unsafe { value.write_unaligned(found) };
        Ok(0)
    })
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

/// One function for each name; build.rs writes them from the list in src/constants.rs.
#[allow(non_snake_case)]
mod getters {
    include!(concat!(env!("OUT_DIR"), "/getters.rs"));
}
