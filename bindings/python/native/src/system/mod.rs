//! What the module asks the system itself, or has from its headers: the same names for each system.

#[cfg(not(windows))]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(not(windows))]
pub use unix::*;
#[cfg(windows)]
pub use windows::*;

/// A file of the caller's.
pub struct File {
    /// What the library takes for it.
    pub number: i64,
    /// Its bytes, if it is a regular file.
    pub size: Option<i64>,
}
