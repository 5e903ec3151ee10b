//! What failed, in which operation.

use crate::error::{
    Cause, Errno, Error as CoreError, MMAP_WRAP_E_ALIGNMENT, MMAP_WRAP_E_ARGUMENT, MMAP_WRAP_E_BUSY, MMAP_WRAP_E_FAULT,
    MMAP_WRAP_E_HANDLE, MMAP_WRAP_E_RANGE, MMAP_WRAP_E_SEALED, MMAP_WRAP_E_UNMAPPED, MMAP_WRAP_E_UNSUPPORTED,
};
use std::fmt;
use std::io;

/// What the operations of this library return.
///
/// ```
/// fn first(path: &str) -> mmap_wrap::Result<u8> {
///     mmap_wrap::Mapping::open(path)?.get(0)
/// }
/// assert_eq!(first("Cargo.toml")?, b'[');
/// # Ok::<(), mmap_wrap::Error>(())
/// ```
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An operation that failed, and why. The text contains the operation, what was tried with which numbers, the limit and, if
/// known, the remedy. `?` converts it to an [`io::Error`] of the corresponding kind.
///
/// ```
/// use mmap_wrap::{ErrorKind, Mapping};
/// let error = Mapping::anonymous(100)?.read_to_vec(90..110).unwrap_err();
/// assert_eq!((error.operation(), error.kind()), ("read_to_vec", ErrorKind::OutOfRange));
/// assert_eq!(error.to_string(), "read_to_vec: size 20 from offset 90 extends beyond 100 byte mapping");
///
/// fn length(path: &str) -> std::io::Result<usize> {
///     Ok(Mapping::open(path)?.len())
/// }
/// assert_eq!(length("no such file").unwrap_err().kind(), std::io::ErrorKind::NotFound);
/// # Ok::<(), mmap_wrap::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Error {
    operation: &'static str,
    inner: Box<CoreError>,
}

/// What kind of failure an [`Error`] is.
///
/// ```
/// use mmap_wrap::{ErrorKind, MapOptions};
/// let read_only = MapOptions::new().anonymous(4096)?;
/// assert_eq!(read_only.write(0, b"x").unwrap_err().kind(), ErrorKind::Fault);
/// # Ok::<(), mmap_wrap::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A range is not inside the mapping, or a length exceeds what this machine can address. Nothing was accessed.
    OutOfRange,
    /// An offset, address or end is not a multiple of a page, or of a word, where it must be.
    Misaligned,
    /// The access faulted: protection, a truncated file, a full disk, an I/O error.
    Fault,
    /// A page was lost, and replaced by a zeroed one: see [`Mapping::survive`](crate::Mapping::survive).
    Lost,
    /// Calls of other threads are using the mapping.
    Busy,
    /// A part of the mapping is sealed: [`Mapping::mseal`](crate::Mapping::mseal).
    Sealed,
    /// An argument has an invalid value.
    InvalidArgument,
    /// This system lacks what the call needs.
    Unsupported,
    /// The system returned an error: [`Error::raw_os_error`].
    System,
    /// The mapping is not in this process: a forked child did not inherit it.
    Unmapped,
    /// A defect of this library. Please report it with the message.
    Internal,
}

impl Error {
    #[inline(always)]
    pub(super) fn in_operation(operation: &'static str) -> impl FnOnce(Box<CoreError>) -> Error {
        move |inner| Error { operation, inner }
    }

    /// The name of the function that failed.
    ///
    /// ```
    /// assert_eq!(mmap_wrap::Mapping::open("no such file").unwrap_err().operation(), "open");
    /// ```
    pub fn operation(&self) -> &'static str {
        self.operation
    }

    /// What kind of failure it is.
    ///
    /// ```
    /// use mmap_wrap::{ErrorKind, Mapping};
    /// assert_eq!(Mapping::anonymous(0).unwrap_err().kind(), ErrorKind::InvalidArgument);
    /// ```
    pub fn kind(&self) -> ErrorKind {
        match self.inner.code() {
            // The library's own codes lie below those of the system.
            code if code > MMAP_WRAP_E_HANDLE => ErrorKind::System,
            MMAP_WRAP_E_RANGE => ErrorKind::OutOfRange,
            MMAP_WRAP_E_ALIGNMENT => ErrorKind::Misaligned,
            MMAP_WRAP_E_FAULT if *self.inner.without_side() == CoreError::Lost => ErrorKind::Lost,
            MMAP_WRAP_E_FAULT => ErrorKind::Fault,
            MMAP_WRAP_E_BUSY => ErrorKind::Busy,
            MMAP_WRAP_E_SEALED => ErrorKind::Sealed,
            MMAP_WRAP_E_ARGUMENT => ErrorKind::InvalidArgument,
            MMAP_WRAP_E_UNSUPPORTED => ErrorKind::Unsupported,
            MMAP_WRAP_E_HANDLE | MMAP_WRAP_E_UNMAPPED => ErrorKind::Unmapped,
            // Not returned: `find` returns `None`.
            _ => ErrorKind::Internal,
        }
    }

    /// The system's error number, where the system returned one: errno or, on Windows, the code of GetLastError.
    ///
    /// ```
    /// assert_eq!(mmap_wrap::Mapping::open("no such file").unwrap_err().raw_os_error(), Some(2));
    /// ```
    pub fn raw_os_error(&self) -> Option<i32> {
        self.inner.system_code()
    }

    /// The offset in the mapping at which an access faulted.
    ///
    /// ```
    /// let read_only = mmap_wrap::MapOptions::new().anonymous(4096)?;
    /// assert_eq!(read_only.write(7, b"x").unwrap_err().fault_offset(), Some(7));
    /// # Ok::<(), mmap_wrap::Error>(())
    /// ```
    pub fn fault_offset(&self) -> Option<usize> {
        match self.inner.without_side() {
            CoreError::Fault { offset, .. } => Some(*offset),
            _ => None,
        }
    }

    /// How many bytes were done before an access faulted.
    ///
    /// ```
    /// let read_only = mmap_wrap::MapOptions::new().anonymous(4096)?;
    /// assert_eq!(read_only.write(7, b"x").unwrap_err().bytes_done(), Some(0));
    /// # Ok::<(), mmap_wrap::Error>(())
    /// ```
    pub fn bytes_done(&self) -> Option<usize> {
        match self.inner.without_side() {
            CoreError::Fault { done, .. } => Some(*done),
            _ => None,
        }
    }

    fn io_kind(&self) -> io::ErrorKind {
        match (self.kind(), self.inner.without_side()) {
            (_, CoreError::System { errno, .. }) => self.raw_os_error().map_or_else(|| kind_without_code(*errno), kind_of),
            (_, CoreError::Fault { cause, .. }) => match cause {
                Cause::Protection | Cause::Guard => io::ErrorKind::PermissionDenied,
                Cause::BeyondEnd { .. } => io::ErrorKind::UnexpectedEof,
                Cause::NoSpace => io::ErrorKind::StorageFull,
                Cause::Quota => io::ErrorKind::QuotaExceeded,
                Cause::NoMemory | Cause::HugePages { .. } => io::ErrorKind::OutOfMemory,
                Cause::Io(errno) if !cfg!(windows) => kind_of(errno.0),
                _ => io::ErrorKind::Other,
            },
            (ErrorKind::OutOfRange | ErrorKind::Misaligned | ErrorKind::InvalidArgument, _) => io::ErrorKind::InvalidInput,
            (ErrorKind::Busy, _) => io::ErrorKind::ResourceBusy,
            (ErrorKind::Sealed, _) => io::ErrorKind::PermissionDenied,
            (ErrorKind::Unsupported, _) => io::ErrorKind::Unsupported,
            _ => io::ErrorKind::Other,
        }
    }
}

/// The kind of an error that this library found, where the system has other codes than errno.
fn kind_without_code(errno: Errno) -> io::ErrorKind {
    match errno {
        Errno::EISDIR => io::ErrorKind::IsADirectory,
        Errno::ETIMEDOUT => io::ErrorKind::TimedOut,
        Errno::EDEADLK => io::ErrorKind::Deadlock,
        Errno::EACCES | Errno::EPERM => io::ErrorKind::PermissionDenied,
        Errno::EBUSY => io::ErrorKind::ResourceBusy,
        Errno::EINVAL => io::ErrorKind::InvalidInput,
        Errno::ENOMEM => io::ErrorKind::OutOfMemory,
        Errno::EEXIST => io::ErrorKind::AlreadyExists,
        _ => io::ErrorKind::Other,
    }
}

/// The kind of one of the system's codes.
fn kind_of(code: i32) -> io::ErrorKind {
    io::Error::from_raw_os_error(code).kind()
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}: {}", self.operation, self.inner)
    }
}

/// Includes the text, for `fn main() -> Result<()>`.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "Error({:?}, \"{self}\")", self.kind())
    }
}

impl std::error::Error for Error {}

impl From<Error> for io::Error {
    fn from(error: Error) -> io::Error {
        io::Error::new(error.io_kind(), error)
    }
}
