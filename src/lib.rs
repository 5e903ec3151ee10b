//! Memory mapping with checked ranges and errors, in which no access kills the process.
//!
//! A [`Mapping`] is a file, or memory without a file, that is read and written by calls. A truncated file, a full disk or a
//! protection that forbids the access is an [`Error`] with the offset and the cause, not SIGBUS. So mapping a file needs no
//! `unsafe`, and any thread may use a mapping while other processes change the file.
//!
//! ```
//! use mmap_wrap::{MapOptions, Mapping};
//!
//! let text = Mapping::open("Cargo.toml")?;
//! assert_eq!(text.find("[package]", ..)?, Some(0));
//!
//! let memory = MapOptions::new().write(true).anonymous(4096)?;
//! memory.put(8, 7_u32)?;
//! assert_eq!(memory.get::<u32>(8)?, 7);
//! assert_eq!(
//!     memory.write(4095, b"two").unwrap_err().to_string(),
//!     "write: size 3 from offset 4095 extends beyond 4096 byte mapping"
//! );
//! # Ok::<(), mmap_wrap::Error>(())
//! ```
//!
//! - [`Mapping`]: every operation on a mapping; [`MapOptions`]: creating one
//! - [`Protection`], [`MapFlags`], [`Advice`], [`SyncFlags`], [`Seals`]: the system's flags, by type
//! - [`Element`] and [`Atomic`]: the types that [`Mapping::get`] and [`Mapping::atomic_load`] return
//! - [`Cursor`]: a mapping as [`std::io::Read`], [`std::io::Write`] and [`std::io::Seek`]
//! - [`Error`]: what failed, with which numbers, in which operation; `?` converts it to an [`std::io::Error`]
//!
//! The same library has a C ABI, and modules for Python and Raku over that.

// The modules, highest first: a module imports only from those below it. `ffi` and `api` are two interfaces to the same
// operations.
//
// - ffi: the exported C functions; each converts arguments and results, and calls one operation
// - api: the Rust API; each method converts types, and calls one operation
// - mutex: a mutex in a mapping, which can be taken over when its owner has ended
// - registry: handle → mapping: pins, acquired addresses, reclamation
// - mapping: one mapped range and every operation on it, with unchecked numbers as arguments
// - page_cache: the page cache of a file
// - source: what is mapped: anonymous memory, a descriptor, a path, a memory file; opening, sizing, allocating
// - guarded: every access to mapped memory, which may fault at any byte
// - buffer: the caller's memory, which may fault, too
// - range: checks offset and size against a length
// - hints: the limits behind an error number, for messages
// - flags: checks flags and descriptors
// - sys: system calls
// - error: what failed, with which numbers; its code and its message
// - constants: one list of names, each with its value on this platform

#![cfg_attr(not(feature = "internals"), allow(dead_code, unused_imports, reason = "this crate's tests use the rest"))]
#![cfg_attr(not(target_os = "linux"), allow(clippy::bad_bit_mask, reason = "constants that a platform lacks are 0"))]
#![cfg_attr(windows, allow(clippy::useless_conversion, clippy::result_large_err, reason = "handles are 64 bits here, not 32"))]
#![cfg_attr(
    any(target_os = "android", target_os = "openbsd", target_os = "illumos"),
    allow(clippy::missing_const_for_thread_local, reason = "they are const; the macro hides it there")
)]

mod api;
mod buffer;
#[forbid(unsafe_code)]
mod constants;
#[forbid(unsafe_code)]
mod error;
mod ffi;
#[forbid(unsafe_code)]
mod flags;
mod guarded;
#[forbid(unsafe_code)]
mod hints;
#[deny(unsafe_code)]
mod mapping;
#[forbid(unsafe_code)]
mod mutex;
#[deny(unsafe_code)]
mod page_cache;
#[forbid(unsafe_code)]
mod range;
mod registry;
#[forbid(unsafe_code)]
mod source;
mod sys;

pub use api::*;

/// The modules below the API, for this crate's own tests: not part of the public interface, and present only with the feature
/// of this name. What can reach undefined behaviour is unsafe here, too, with one exception: a handle names a mapping of the
/// whole process, also one that is borrowed elsewhere by [`Mapping::as_slice`].
#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod internals {
    pub use crate::error::{Error, Result};
    pub use crate::guarded::{trust as trust_handlers, verify as verify_handlers};
    pub use crate::mapping::Mapping;
    pub use crate::sys::raw;

    macro_rules! modules {
        ($($module:ident)*) => {
            $(pub mod $module {
                pub use crate::$module::*;
            })*
        };
    }

    modules! { buffer constants error ffi mapping mutex page_cache range registry }
}
