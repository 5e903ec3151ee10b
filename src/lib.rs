//! Memory mapping for every language that is not C.
//!
//! The house, from the street upwards; imports only ever go down the list:
//!
//! - [`ffi`]: the exported C functions; each converts, calls one thing inside, converts back
//! - [`mutex`]: a mutex in a mapping, which can be taken over when its holder has ended
//! - [`registry`]: handle ↔ mapping: pin, export, retire; no lock, nothing freed
//! - [`mapping`]: one mapped range and every operation on it
//! - [`cache`]: the page cache of a file
//! - `source`: what is mapped: nothing, a descriptor, a path, a memory file; opening, sizing, allocating
//! - `guarded`: reading and writing mapped memory that may refuse
//! - [`range`]: offset and size against a length, and nothing else
//! - `sys`: system calls, and nothing else
//! - `limits`: the limits behind an error number, for messages
//! - `bits`: flags and descriptors that can be, or an error
//! - [`error`]: what failed, with which numbers; its code and its message
//! - [`constants`]: one list of names, each with its value on this platform
//!
//! Rust programs may use [`Mapping`] directly, which unmaps when dropped, or [`registry`] for handles that any
//! thread may hold and that are checked at every use:
//!
//! ```
//! use mmap_wrap::{Mapping, constants::*, range::REST};
//!
//! let flags = MAP_SHARED | MAP_ANONYMOUS;
//! let memory = Mapping::of_descriptor(0, 4096, PROT_READ | PROT_WRITE, flags, -1, 0)?;
//! memory.write(4095, &[0xFF])?;
//! assert_eq!(memory.find(&[0xFF], 0, REST)?, 4095);
//! # Ok::<(), Box<mmap_wrap::Error>>(())
//! ```

#[forbid(unsafe_code)]
mod bits;
#[forbid(unsafe_code)]
pub mod cache;
#[forbid(unsafe_code)]
pub mod constants;
#[forbid(unsafe_code)]
pub mod error;
pub mod ffi;
mod guarded;
#[forbid(unsafe_code)]
mod limits;
#[forbid(unsafe_code)]
pub mod mapping;
#[forbid(unsafe_code)]
pub mod mutex;
#[forbid(unsafe_code)]
pub mod range;
pub mod registry;
#[forbid(unsafe_code)]
mod source;
mod sys;

#[doc(hidden)]
pub fn trust_for_bench(on: bool) {
    guarded::trust(on)
}
pub use error::{Error, Result};
pub use mapping::Mapping;
