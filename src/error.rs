//! What failed, with which numbers: one error type, its code and its message.

use std::ffi::CStr;
use std::fmt;

/// Not a valid mapping handle.
pub const MMAP_WRAP_E_HANDLE: i64 = -4096;
/// The mapping of this handle is unmapped already.
pub const MMAP_WRAP_E_UNMAPPED: i64 = -4097;
/// The range is not inside the mapping, or offset + size overflows. Nothing was accessed.
pub const MMAP_WRAP_E_RANGE: i64 = -4098;
/// An address, offset or end is not a multiple of a page, or of a word, where it must be.
pub const MMAP_WRAP_E_ALIGNMENT: i64 = -4099;
/// The access faulted: a truncated file, a full disk, an I/O error, or a protection that forbids the access (see Faults).
pub const MMAP_WRAP_E_FAULT: i64 = -4100;
/// The mapping is in use. Either its address is acquired (mmap_wrap_acquire): it can be neither unmapped nor resized, moved or
/// split now. Or calls of other threads are executing and did not return in time: it can be unmapped, but not resized, moved or
/// split.
pub const MMAP_WRAP_E_BUSY: i64 = -4101;
/// An argument has an invalid value.
pub const MMAP_WRAP_E_ARGUMENT: i64 = -4102;
/// This platform or kernel lacks what the call needs.
pub const MMAP_WRAP_E_UNSUPPORTED: i64 = -4103;
/// The bytes searched for were not found.
pub const MMAP_WRAP_E_NOT_FOUND: i64 = -4104;
/// A part of the mapping is sealed (mseal_wrap): it cannot be unmapped, moved or resized, nor its protection changed.
pub const MMAP_WRAP_E_SEALED: i64 = -4106;
/// A defect of this library. Please report it with the message.
pub const MMAP_WRAP_E_INTERNAL: i64 = -4105;

/// The name of one of the library's own codes, or `None` for any other number.
pub fn describe(code: i64) -> Option<&'static CStr> {
    Some(match code {
        0 => c"success",
        MMAP_WRAP_E_HANDLE => c"not a valid mapping handle (MMAP_WRAP_E_HANDLE)",
        MMAP_WRAP_E_UNMAPPED => c"the mapping is unmapped already (MMAP_WRAP_E_UNMAPPED)",
        MMAP_WRAP_E_RANGE => c"outside the mapping (MMAP_WRAP_E_RANGE)",
        MMAP_WRAP_E_ALIGNMENT => c"not on a page or word boundary (MMAP_WRAP_E_ALIGNMENT)",
        MMAP_WRAP_E_FAULT => c"the access faulted (MMAP_WRAP_E_FAULT)",
        MMAP_WRAP_E_BUSY => c"the mapping is in use (MMAP_WRAP_E_BUSY)",
        MMAP_WRAP_E_ARGUMENT => c"invalid argument (MMAP_WRAP_E_ARGUMENT)",
        MMAP_WRAP_E_UNSUPPORTED => c"not supported on this system (MMAP_WRAP_E_UNSUPPORTED)",
        MMAP_WRAP_E_NOT_FOUND => c"not found (MMAP_WRAP_E_NOT_FOUND)",
        MMAP_WRAP_E_SEALED => c"a part of the mapping is sealed (MMAP_WRAP_E_SEALED)",
        MMAP_WRAP_E_INTERNAL => c"internal error of mmap-wrap (MMAP_WRAP_E_INTERNAL)",
        _ => return None,
    })
}

/// What the operations of this library return. An error is boxed: it holds many numbers, which would make the result of every
/// successful call larger, too.
pub type Result<T, E = Box<Error>> = std::result::Result<T, E>;

/// A failure with its numbers. Its text says what was wrong and, where that is known, what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "each variant's message says what its fields are")]
pub enum Error {
    #[error("{0:#x} is not a valid mapping handle")]
    Handle(i64),
    #[error("the mapping of handle {0:#x} is unmapped already")]
    Unmapped(i64),

    #[error("{what} {value} is negative")]
    Negative { what: &'static str, value: i64 },
    #[error("offset {offset} lies beyond {length} byte mapping")]
    OffsetBeyond { offset: i64, length: usize },
    #[error("size {size} from offset {offset} wraps around the largest offset")]
    WrapsAround { offset: i64, size: i64 },
    #[error("size {size} from offset {offset} extends beyond {length} byte mapping")]
    ExtendsBeyond { offset: i64, size: i64, length: usize },
    #[error("end {end} lies before start {start}")]
    Backwards { start: i64, end: i64 },
    #[error("file offset {offset} lies beyond the {length} bytes of the file")]
    FileOffsetBeyond { offset: u64, length: u64 },
    #[error(
        "{length} bytes at file offset {offset} go beyond the {size} bytes of the file, where stores are lost; make the file longer first, or resize it with the mapping, which must keep the file"
    )]
    BeyondFile { length: usize, offset: u64, size: u64 },
    #[error("length {length} at file offset {offset} exceeds what this machine can address")]
    TooLong { length: u64, offset: u64 },

    #[error("{length} bytes at a multiple of {alignment} exceed what this machine can address")]
    AlignedTooLong { length: usize, alignment: u64 },
    /// On 32 bits.
    #[error("a buffer of {0} bytes exceeds the address space")]
    BufferTooLong(i64),
    #[error("the array has room for {room} pages, but the range has {needed}")]
    NoRoom { room: usize, needed: usize },

    #[error("{what} {value} is not on a page boundary: pages are {page} bytes{}", Lead(*lead))]
    Alignment { what: &'static str, value: u64, page: usize, lead: usize },

    #[error("offset {offset} is not on a word boundary: its address must be a multiple of {width} bytes{}", Lead(*lead))]
    WordAlignment { offset: usize, width: usize, lead: usize },

    #[error("the access faulted at offset {offset}, after {done} of {size} bytes: {cause}")]
    Fault { offset: usize, done: usize, size: usize, address: usize, cause: Cause },

    #[error(
        "a page of the mapping was lost to an access through its address: its file was truncated, its file system is full, no huge page was available, or an I/O error occurred; the page is zeroed memory now"
    )]
    Lost,

    #[error("{side}: {error}")]
    Side { side: Side, error: Box<Error> },

    #[error("{}", Acquired(*acquired))]
    Busy { acquired: u32 },

    #[error("calls of other threads on the mapping did not return in time; try again")]
    Occupied,
    #[error("a part of the mapping is sealed: it cannot be changed until the process ends")]
    Sealed,

    #[error("{0}")]
    Argument(String),
    #[error("{0} is not supported here")]
    Unsupported(String),
    #[error("not found")]
    NotFound,
    #[error("internal error: {0}")]
    Internal(String),

    #[error("{attempt}: {}{}", Text(*errno, *native), Hint(hint))]
    System { attempt: String, errno: Errno, native: Option<Native>, hint: String },
}

impl Error {
    /// An error of the system: what was tried, and a hint at the limit and the remedy, or an empty one. ENOSYS, for which the
    /// caller knows no better name, is the error of a feature that is missing, named by what was tried.
    pub fn system(errno: Errno, attempt: impl Into<String>, hint: impl Into<String>) -> Box<Error> {
        let (attempt, native) = (attempt.into(), Native::behind(errno));
        match (errno, native) {
            (Errno::ENOSYS, Some(Native(code))) => Error::unsupported(format!("{attempt} (Windows error {code})")),
            (Errno::ENOSYS, None) => Error::unsupported(attempt),
            _ => Box::new(Error::System { attempt, errno, native, hint: hint.into() }),
        }
    }

    /// The same error with a hint that is made after it: what makes it may change the code of the thread's last error.
    pub fn with_hint(mut self: Box<Self>, make: impl FnOnce() -> String) -> Box<Error> {
        if let Error::System { hint, .. } = &mut *self {
            *hint = make();
        }
        self
    }

    /// An invalid argument: what it is, and what it should be.
    pub fn argument(text: impl Into<String>) -> Box<Error> {
        Box::new(Error::Argument(text.into()))
    }

    /// A feature that this platform or kernel lacks.
    pub fn unsupported(what: impl Into<String>) -> Box<Error> {
        Box::new(Error::Unsupported(what.into()))
    }

    /// The error without the information which of two mappings it is about.
    pub fn without_side(&self) -> &Error {
        match self {
            Error::Side { error, .. } => error,
            error => error,
        }
    }

    /// The system's own number of an error that the system returned: errno or, on Windows, the code of GetLastError.
    pub fn system_code(&self) -> Option<i32> {
        match self.without_side() {
            Error::System { native: Some(Native(code)), .. } => Some(*code),
            // An errno without a code of Windows was chosen by the library.
            Error::System { errno: Errno(number), .. } => (!cfg!(windows)).then_some(*number),
            _ => None,
        }
    }

    /// The code that a C caller gets: `-errno`, or one of the `MMAP_WRAP_E_` values.
    ///
    /// ```
    /// use mmap_wrap::internals::error::{Error, MMAP_WRAP_E_NOT_FOUND};
    /// assert_eq!(Error::NotFound.code(), MMAP_WRAP_E_NOT_FOUND);
    /// ```
    pub fn code(&self) -> i64 {
        match self {
            Error::Handle(_) => MMAP_WRAP_E_HANDLE,
            Error::Unmapped(_) => MMAP_WRAP_E_UNMAPPED,
            Error::Negative { .. }
            | Error::OffsetBeyond { .. }
            | Error::WrapsAround { .. }
            | Error::ExtendsBeyond { .. }
            | Error::Backwards { .. }
            | Error::FileOffsetBeyond { .. }
            | Error::BeyondFile { .. }
            | Error::TooLong { .. }
            | Error::AlignedTooLong { .. }
            | Error::BufferTooLong(_)
            | Error::NoRoom { .. } => MMAP_WRAP_E_RANGE,
            Error::Alignment { .. } | Error::WordAlignment { .. } => MMAP_WRAP_E_ALIGNMENT,
            Error::Fault { .. } | Error::Lost => MMAP_WRAP_E_FAULT,
            Error::Side { error, .. } => error.code(),
            Error::Busy { .. } | Error::Occupied => MMAP_WRAP_E_BUSY,
            Error::Sealed => MMAP_WRAP_E_SEALED,
            Error::Argument(_) => MMAP_WRAP_E_ARGUMENT,
            Error::Unsupported(_) => MMAP_WRAP_E_UNSUPPORTED,
            Error::NotFound => MMAP_WRAP_E_NOT_FOUND,
            Error::Internal(_) => MMAP_WRAP_E_INTERNAL,
            Error::System { errno, .. } => errno.code(),
        }
    }
}

/// An [`Error`] together with the call that met it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{call}: {error}")]
pub struct Failure {
    /// The POSIX or library name of the call, as users know it.
    pub call: &'static str,
    /// What went wrong.
    pub error: Box<Error>,
}

/// Which of two mappings a failure is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "each variant's message says what it is")]
pub enum Side {
    #[error("the mapping copied to")]
    Target,
    #[error("the mapping copied from")]
    Source,
    #[error("the first mapping")]
    First,
    #[error("the second mapping")]
    Second,
}

/// Why an access faulted, as far as the system reports it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "each variant's message says what its fields are")]
pub enum Cause {
    #[error("the protection forbids it")]
    Protection,
    #[error("nothing is mapped there any more")]
    Unmapped,
    #[error("a guard region is there (MADV_GUARD_INSTALL)")]
    Guard,
    /// The file was truncated, or was never that long.
    #[error("file offset {offset} lies beyond the {size} bytes of the file")]
    BeyondEnd { offset: u64, size: u64 },
    #[error("no space is left on the file system of the file")]
    NoSpace,
    #[error("a disk quota on the file system of the file is exhausted")]
    Quota,
    #[error(
        "no huge page of {kilobytes} kB is available: the pool has {total}, of which {free} are free and {reserved} reserved"
    )]
    HugePages { kilobytes: usize, total: u64, free: u64, reserved: u64 },
    #[error("no memory is left for the page")]
    NoMemory,
    #[error("the file system of the file reports {0}")]
    Io(Errno),
    #[error("the page is poisoned, by a memory error of the hardware or by UFFDIO_POISON")]
    Poisoned,
    #[error(
        "the file ends before this offset, its file system or pool of huge pages is full, an I/O error occurred, or a guard region, a protection key or userfaultfd prevents the access; the system does not report which"
    )]
    File,
    #[error("a guard region, a protection key or userfaultfd prevents the access; the system does not report which")]
    Memory,
    #[error("the cause no longer exists, a new access would succeed")]
    Gone,
    #[error("the system does not report the cause")]
    Unknown,
}

/// An error number of the system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Errno(pub i32);

impl Errno {
    /// What a C function returns that fails with it.
    pub fn code(self) -> i64 {
        -i64::from(self.0)
    }

    /// The symbolic name, such as `ENOENT`.
    pub fn name(self) -> Option<&'static str> {
        ERRNO_NAMES.iter().find(|(_, value)| *value == self.0).map(|(name, _)| *name)
    }
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        Text(*self, None).fmt(f)
    }
}

/// The system's own code of an error, on a system whose codes are not POSIX's: Windows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Native(pub i32);

#[cfg(not(windows))]
impl Native {
    fn behind(_errno: Errno) -> Option<Native> {
        None
    }
}

#[cfg(windows)]
mod native {
    use super::{Errno, Native};
    use std::cell::Cell;

    thread_local! {
        /// The last code of this thread that became an error number.
        static LAST: Cell<Option<(Errno, Native)>> = const { Cell::new(None) };
    }

    impl Native {
        /// Notes the code that an error number stands for. The error is made next, in this thread.
        pub fn note(self, errno: Errno) {
            LAST.set(Some((errno, self)));
        }

        /// Whether this was the last code of this thread that became an error number.
        pub fn is_last(self) -> bool {
            LAST.get().is_some_and(|(_, code)| code == self)
        }

        /// What comes next has no code.
        pub fn forget() {
            LAST.set(None);
        }

        pub(super) fn behind(errno: Errno) -> Option<Native> {
            LAST.take().filter(|(noted, _)| *noted == errno).map(|(_, code)| code)
        }
    }
}

/// An error in the system's words.
struct Text(Errno, Option<Native>);

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Text(errno, native) = self;
        let text = match native {
            Some(Native(code)) => words(*code),
            None => errno.words(),
        };
        match errno.name() {
            Some(name) => write!(f, "{text} ({name}")?,
            None => write!(f, "{text} (errno {}", errno.0)?,
        }
        match native {
            Some(Native(code)) => write!(f, ", Windows error {code})"),
            None => f.write_str(")"),
        }
    }
}

/// The words of the standard library for a code of the system's.
fn words(code: i32) -> String {
    let text = std::io::Error::from_raw_os_error(code).to_string();
    text.split(" (os error").next().unwrap_or_default().trim_end().to_owned()
}

impl Errno {
    #[cfg(not(windows))]
    fn words(self) -> String {
        words(self.0)
    }

    /// Those of the C library: the system's are for its own codes.
    #[cfg(windows)]
    fn words(self) -> String {
        match self {
            Errno::EACCES => "Permission denied",
            Errno::EBUSY => "Device or resource busy",
            Errno::EEXIST => "File exists",
            Errno::EFAULT => "Bad address",
            Errno::EINVAL => "Invalid argument",
            Errno::EIO => "Input/output error",
            Errno::EISDIR => "Is a directory",
            Errno::ENAMETOOLONG => "File name too long",
            Errno::ENODEV => "No such device",
            Errno::ENOENT => "No such file or directory",
            Errno::ENOMEM => "Not enough memory",
            Errno::ENOSPC => "No space left on device",
            Errno::EILSEQ => "Not UTF-8",
            Errno::ETIMEDOUT => "Timed out",
            _ => "Error",
        }
        .to_owned()
    }
}

struct Acquired(u32);

impl fmt::Display for Acquired {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self.0 {
            1 => f.write_str("the mapping has 1 acquired address; release it first"),
            count => write!(f, "the mapping has {count} acquired addresses; release them first"),
        }
    }
}

struct Lead(usize);

impl fmt::Display for Lead {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self.0 {
            0 => Ok(()),
            lead => write!(f, ", and this mapping begins {lead} bytes into its first page"),
        }
    }
}

struct Hint<'a>(&'a str);

impl fmt::Display for Hint<'_> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self.0 {
            "" => Ok(()),
            hint => write!(f, "; {hint}"),
        }
    }
}

/// Pairs each name with libc's value, as a constant and in a list. A name that libc lacks on this platform falls through the
/// glob import to the constant beside it, which no error number equals.
macro_rules! errno_names {
    ($($name:ident)*) => {
        mod errno {
            $(#[allow(dead_code)] const $name: i32 = i32::MIN;)*
            pub const NAMES: &[(&str, i32)] = &[$((stringify!($name), super::Errno::$name.0),)*];

            #[allow(missing_docs, reason = "the names are the system's")]
            impl super::Errno {
                $(pub const $name: Self = Self({ #[allow(unused_imports)] use libc::*; $name });)*
            }
        }
        const ERRNO_NAMES: &[(&str, i32)] = errno::NAMES;
    };
}

errno_names! {
    EPERM ENOENT ESRCH EINTR EIO ENXIO E2BIG ENOEXEC EBADF ECHILD EAGAIN ENOMEM EACCES EFAULT ENOTBLK EBUSY EEXIST EXDEV
    ENODEV ENOTDIR EISDIR EINVAL ENFILE EMFILE ENOTTY ETXTBSY EFBIG ENOSPC ESPIPE EROFS EMLINK EPIPE EDOM ERANGE EDEADLK
    ENAMETOOLONG ENOLCK ENOSYS ENOTEMPTY ELOOP ENODATA ETIME ENOLINK EPROTO EBADMSG EOVERFLOW EILSEQ EUSERS EOPNOTSUPP
    ETIMEDOUT EALREADY EINPROGRESS ESTALE EDQUOT ECANCELED ENOKEY EKEYEXPIRED EKEYREVOKED EOWNERDEAD ENOTRECOVERABLE EHWPOISON
    EREMOTEIO ENOMEDIUM EMEDIUMTYPE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_has_operation_numbers_and_limit() {
        let error = Error::ExtendsBeyond { offset: 4096, size: 8192, length: 8192 };
        let failure = Failure { call: "mprotect_wrap", error: error.into() };
        assert_eq!(failure.to_string(), "mprotect_wrap: size 8192 from offset 4096 extends beyond 8192 byte mapping");
    }

    #[test]
    fn system_errors_keep_their_numbers_and_have_names() {
        let error = Error::system(Errno::EACCES, "open 'x'", "ask its owner");
        assert_eq!(error.code(), Errno::EACCES.code());
        assert_eq!(error.to_string(), "open 'x': Permission denied (EACCES); ask its owner");
        assert_eq!(Errno(9999).name(), None);
    }

    #[test]
    fn what_the_system_lacks_is_unsupported_also_where_nobody_expected_it() {
        let error = Error::system(Errno::ENOSYS, "open 'x'", "");
        assert_eq!((error.code(), error.system_code()), (MMAP_WRAP_E_UNSUPPORTED, None));
        assert_eq!(error.to_string(), "open 'x' is not supported here");
    }

    #[test]
    fn own_codes_lie_below_the_kernels() {
        let codes: Vec<i64> = (-5000..0).filter(|code| describe(*code).is_some()).collect();
        assert_eq!(codes, (-4106..=-4096).collect::<Vec<_>>());
    }
}
