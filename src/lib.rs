//! Memory mapping with checked ranges and errors, in which no access kills the process.
//!
//! A [`Mapping`] is a file, or memory without one, that is read and written by calls: a file cut short under it, a full
//! disk, a protection that forbids the access are an [`Error`] with the offset and the cause, not SIGBUS. So mapping a file
//! needs no `unsafe`, and any thread may use a mapping while other processes change the file.
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
//! - [`Mapping`]: every operation on a mapping; [`MapOptions`]: how one is made
//! - [`Protection`], [`MapFlags`], [`Advice`], [`SyncFlags`], [`Seals`]: the system's flags, by type
//! - [`Element`] and [`Atomic`]: the numbers that [`Mapping::get`] and [`Mapping::atomic_load`] have
//! - [`Cursor`]: a mapping as [`std::io::Read`], [`std::io::Write`] and [`std::io::Seek`]
//! - [`Error`]: what failed, with which numbers, in which operation; an [`std::io::Error`] by `?`
//!
//! The same library has a C ABI, and modules for Python and Raku over that.

// The house, from the street upwards; imports only ever go down the list. `ffi` and `api` are two doors to the same rooms:
//
// - ffi: the exported C functions; each converts, calls one thing inside, converts back
// - api: the API of Rust programs, in types; each converts, calls one thing inside, converts back
// - mutex: a mutex in a mapping, which can be taken over when its holder has ended
// - registry: handle ↔ mapping: pin, export, reclaim; no call waits for a reader
// - mapping: one mapped range and every operation on it, in the numbers that a script or a C caller gives
// - page_cache: the page cache of a file
// - source: what is mapped: nothing, a descriptor, a path, a memory file; opening, sizing, allocating
// - guarded: the one way into mapped memory, which may fault at any byte
// - buffer: the caller's memory, which may, too
// - range: offset and size against a length, and nothing else
// - hints: the limits behind an error number, for messages
// - flags: flags and descriptors that can be, or an error
// - sys: system calls, and nothing else
// - error: what failed, with which numbers; its code and its message
// - constants: one list of names, each with its value on this platform

#![cfg_attr(not(feature = "internals"), allow(dead_code, unused_imports, reason = "this crate's tests use the rest"))]

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

/// What lies below the API, for this crate's own tests: no part of what is promised, and not there without the feature of that
/// name. What can reach undefined behaviour is unsafe here, too; but a handle names a mapping of the whole process, also one that
/// is borrowed elsewhere by [`Mapping::as_slice`].
#[cfg(feature = "internals")]
#[doc(hidden)]
pub mod internals {
    pub use crate::error::{Error, Result};
    pub use crate::guarded::{trust as trust_handlers, verify as verify_handlers};
    pub use crate::mapping::Mapping;
    pub use crate::sys::raw;

    macro_rules! rooms {
        ($($room:ident)*) => {
            $(pub mod $room {
                pub use crate::$room::*;
            })*
        };
    }

    rooms! { buffer constants error ffi mapping mutex page_cache range registry }
}
