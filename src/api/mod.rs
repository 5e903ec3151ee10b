//! The Rust API: types in place of numbers, a file per topic. Each method converts types and calls one operation.

mod access;
#[forbid(unsafe_code)]
mod atomics;
#[forbid(unsafe_code)]
mod cursor;
#[forbid(unsafe_code)]
mod elements;
#[forbid(unsafe_code)]
mod error;
#[forbid(unsafe_code)]
mod flags;
#[forbid(unsafe_code)]
mod hardening;
#[forbid(unsafe_code)]
mod huge;
#[forbid(unsafe_code)]
mod mutex;
mod open;
mod page_cache;
#[forbid(unsafe_code)]
mod protect;
#[forbid(unsafe_code)]
mod residency;
mod resize;

use crate::error::Error as CoreError;
use crate::mapping::Mapping as Core;
use crate::range::REST;
use crate::registry::{self, Handle};
use crate::sys::File;
use crate::{guarded, sys};
use std::path::Path;

pub use crate::mapping::{FileEnd, SourceKind, Waited};
pub use crate::page_cache::CacheStat;
pub use atomics::Atomic;
pub use cursor::Cursor;
pub use elements::Element;
pub use error::{Error, ErrorKind, Result};
pub use flags::{Advice, BindFlags, LockAll, MapFlags, Policy, Protection, Seals, SyncFlags};
pub use mutex::{MUTEX_SIZE, MutexGuard};
pub use open::{MapOptions, unlink_shared_memory};
pub use page_cache::{cachestat, evict, readahead};

/// Mapped memory, of a file or without a file. It is unmapped when it is dropped.
///
/// The bytes are read and written by calls, not by reference: another process may change or truncate the file at any time,
/// which the rules of `&[u8]` forbid. Each call checks its range, and returns an [`Error`] if an access faults. Ranges are in
/// bytes from the start of the mapping. A `Mapping` is `Send` and `Sync`: several threads may use it at the same time.
///
/// ```
/// use mmap_wrap::Mapping;
/// let text = Mapping::open("Cargo.toml")?;
/// assert_eq!(text.read_to_vec(..9)?, b"[package]");
/// std::thread::scope(|scope| {
///     scope.spawn(|| assert_eq!(text.count("[package]", ..), Ok(1)));
/// });
/// # Ok::<(), mmap_wrap::Error>(())
/// ```
///
/// Mapping at an address that may be in use is `unsafe`:
///
/// ```compile_fail,E0133
/// # use mmap_wrap::MapOptions;
/// let mut numbers = vec![0_u8; 8192];
/// let here = numbers.as_mut_ptr();
/// MapOptions::new().anonymous_fixed(here, 4096);    // MAP_FIXED: needs unsafe
/// ```
pub struct Mapping {
    handle: Handle,
    /// A copy, since it changes with `&mut self` only.
    len: usize,
}

const _: fn() = || {
    fn is_send_and_sync<T: Send + Sync>() {}
    is_send_and_sync::<Mapping>();
    is_send_and_sync::<Error>();
};

impl Mapping {
    /// Maps the whole file at `path` for reading. [`MapOptions`] has everything else.
    ///
    /// ```
    /// let text = mmap_wrap::Mapping::open("Cargo.toml")?;
    /// assert!(text.len() > 100);
    /// # Ok::<(), mmap_wrap::Error>(())
    /// ```
    pub fn open(path: impl AsRef<Path>) -> Result<Mapping> {
        MapOptions::new().open(path)
    }

    /// Maps `len` bytes of zeroed memory without a file, for reading and writing. A forked child shares the memory.
    ///
    /// ```
    /// let memory = mmap_wrap::Mapping::anonymous(4096)?;
    /// memory.write(4095, &[0xFF])?;
    /// # Ok::<(), mmap_wrap::Error>(())
    /// ```
    pub fn anonymous(len: usize) -> Result<Mapping> {
        MapOptions::new().write(true).anonymous(len)
    }

    fn insert(operation: &'static str, make: impl FnOnce() -> Result<Core, Box<CoreError>>) -> Result<Mapping> {
        let mut len = 0;
        let made = || make().inspect(|mapping| len = mapping.length());
        registry::insert(made).map(|handle| Mapping { handle, len }).map_err(Error::in_operation(operation))
    }

    /// Runs one operation of the mapping.
    #[inline(always)]
    fn with<T>(&self, operation: &'static str, run: impl FnOnce(&Core) -> Result<T, Box<CoreError>>) -> Result<T> {
        registry::with(self.handle, run).map_err(Error::in_operation(operation))
    }

    /// The length in bytes as requested, not rounded to pages.
    ///
    /// ```
    /// assert_eq!(mmap_wrap::Mapping::anonymous(100)?.len(), 100);
    /// # Ok::<(), mmap_wrap::Error>(())
    /// ```
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether the length is 0, as for an empty file.
    ///
    /// ```
    /// assert!(!mmap_wrap::Mapping::anonymous(100)?.is_empty());
    /// # Ok::<(), mmap_wrap::Error>(())
    /// ```
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// What the library knows of the mapping, without a system call.
    ///
    /// ```
    /// use mmap_wrap::{Mapping, Protection, SourceKind};
    /// let info = Mapping::open("Cargo.toml")?.info()?;
    /// assert_eq!((info.protection, info.source), (Protection::READ, SourceKind::Path));
    /// # Ok::<(), mmap_wrap::Error>(())
    /// ```
    pub fn info(&self) -> Result<Info> {
        let pin = registry::peek(self.handle).map_err(Error::in_operation("info"))?;
        let (core, (_, surviving, lost)) = (pin.info(), registry::status(&pin));
        Ok(Info {
            len: core.length,
            mapped: core.mapped,
            address: core.address,
            page_size: core.page_size,
            protection: Protection::from_platform(core.protection),
            shared: crate::flags::is_shared(core.flags),
            offset: core.offset,
            keeps_file: core.keeps_file,
            sealed: core.sealed,
            surviving,
            lost,
            source: core.source,
        })
    }

    /// A new descriptor of the file that the mapping keeps open, for passing to another process: that of a memory file, or
    /// of a file mapped with [`MapOptions::keep_file`].
    ///
    /// ```
    /// let memory = mmap_wrap::MapOptions::new().write(true).unnamed(4096)?;
    /// let file = std::fs::File::from(memory.file()?);
    /// assert_eq!(file.metadata().unwrap().len(), 4096);
    /// # Ok::<(), mmap_wrap::Error>(())
    /// ```
    pub fn file(&self) -> Result<File> {
        self.with("file", Core::descriptor)
    }

    /// The seals of the memory file that the mapping keeps open.
    ///
    /// ```
    /// use mmap_wrap::{MapOptions, Seals};
    /// let memory = MapOptions::new().write(true).sealable(true).memfd("counters", 4096)?;
    /// memory.add_file_seals(Seals::SHRINK | Seals::GROW)?;
    /// assert_eq!(memory.file_seals()?, Seals::SHRINK | Seals::GROW);
    /// # Ok::<(), mmap_wrap::Error>(())
    /// ```
    pub fn file_seals(&self) -> Result<Seals> {
        self.with("file_seals", Core::file_seals).map(Seals::from_platform)
    }

    /// Adds seals to those of the memory file. They cannot be removed.
    ///
    /// ```
    /// # use mmap_wrap::{MapOptions, Seals};
    /// # let memory = MapOptions::new().write(true).sealable(true).memfd("counters", 4096)?;
    /// memory.add_file_seals(Seals::SHRINK)?;
    /// # Ok::<(), mmap_wrap::Error>(())
    /// ```
    pub fn add_file_seals(&self, seals: Seals) -> Result<()> {
        self.with("add_file_seals", |core| core.add_file_seals(seals.to_platform()?))
    }

    /// Unmaps, and reports errors that dropping cannot report: a pending loss ([`Mapping::survive`]), or a mapping that cannot
    /// be unmapped since it is sealed.
    ///
    /// ```
    /// mmap_wrap::Mapping::anonymous(4096)?.unmap()?;
    /// # Ok::<(), mmap_wrap::Error>(())
    /// ```
    pub fn unmap(self) -> Result<()> {
        registry::unmap(self.handle).map(drop).map_err(Error::in_operation("unmap"))
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        let _ = registry::unmap(self.handle);
    }
}

impl std::fmt::Debug for Mapping {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        match self.info() {
            Ok(info) => f.debug_tuple("Mapping").field(&info).finish(),
            Err(error) => f.debug_tuple("Mapping").field(&error).finish(),
        }
    }
}

/// What a mapping was created from, and its present state: [`Mapping::info`].
///
/// ```
/// let info = mmap_wrap::Mapping::anonymous(100)?.info()?;
/// assert_eq!((info.len, info.mapped), (100, info.page_size));
/// # Ok::<(), mmap_wrap::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Info {
    /// Length in bytes, as requested.
    pub len: usize,
    /// Bytes that the kernel mapped, in whole pages.
    pub mapped: usize,
    /// Address of the first byte.
    pub address: usize,
    /// Bytes in a page of this mapping.
    pub page_size: usize,
    /// As mapped, or as last set for the whole mapping; parts may differ.
    pub protection: Protection,
    /// Whether changes reach the file and its other mappings.
    pub shared: bool,
    /// File offset of the first byte.
    pub offset: u64,
    /// Whether it keeps its file open.
    pub keeps_file: bool,
    /// Whether a part of it is sealed, by [`Mapping::mseal`].
    pub sealed: bool,
    /// Whether it is surviving, by [`Mapping::survive`].
    pub surviving: bool,
    /// Whether a loss is pending.
    pub lost: bool,
    /// What it was created from.
    pub source: SourceKind,
}

/// Bytes in a page of memory on the running system, such as 4096, 16384 or 65536.
///
/// ```
/// assert!(mmap_wrap::page_size().is_power_of_two());
/// ```
pub fn page_size() -> usize {
    sys::page_size()
}

/// Bytes in a transparent huge page.
///
/// ```
/// if let Ok(bytes) = mmap_wrap::huge_page_size() {
///     assert!(bytes > mmap_wrap::page_size());
/// }
/// ```
pub fn huge_page_size() -> Result<usize> {
    crate::mapping::transparent_huge_page_size().map_err(Error::in_operation("huge_page_size"))
}

/// Locks all pages of the process into memory, whether this library mapped them or not: mlockall(2).
///
/// ```
/// if mmap_wrap::lock_all(mmap_wrap::LockAll::CURRENT).is_ok() {
///     mmap_wrap::unlock_all()?;
/// }
/// # Ok::<(), mmap_wrap::Error>(())
/// ```
pub fn lock_all(what: LockAll) -> Result<()> {
    let lock = || crate::mapping::lock_all(what.to_platform()?);
    lock().map_err(Error::in_operation("lock_all"))
}

/// Undoes [`lock_all`] and every [`Mapping::lock`]: munlockall(2).
///
/// ```
/// if let Err(error) = mmap_wrap::unlock_all() {
///     println!("{error}");    // this system has no such call
/// }
/// ```
pub fn unlock_all() -> Result<()> {
    crate::mapping::unlock_all().map_err(Error::in_operation("unlock_all"))
}

/// Verifies now that the handlers of SIGBUS and SIGSEGV are this library's, and that this thread does not block these signals.
/// If not, accesses are done by the kernel, which is slower. Each thread verifies this by itself at most once in 12 to 33
/// microseconds; call this function after installing handlers.
///
/// ```
/// println!("accesses at full speed: {}", mmap_wrap::verify_handlers());
/// ```
pub fn verify_handlers() -> bool {
    guarded::verify()
}

/// With true, accesses no longer verify the handlers of SIGBUS and SIGSEGV: the caller guarantees that no code in this process
/// replaces them or blocks the signals from now on. Otherwise a fault kills the process.
///
/// ```
/// mmap_wrap::trust_handlers(true);
/// ```
pub fn trust_handlers(trusted: bool) {
    guarded::trust(trusted);
}

/// Converts an offset or size. Those of objects in memory fit, since no object exceeds isize::MAX bytes; larger ones become
/// i64::MAX, which is outside of every mapping.
#[inline]
fn number(value: impl TryInto<i64>) -> i64 {
    value.try_into().unwrap_or(i64::MAX)
}

/// A range as offset and size, or start and end, in `i64`.
#[derive(Clone, Copy)]
struct Part {
    start: i64,
    /// Exclusive; `REST` for the end of the mapping.
    end: i64,
}

impl Part {
    #[inline]
    fn new<T: Copy + TryInto<i64>>(range: impl std::ops::RangeBounds<T>) -> Part {
        use std::ops::Bound::{Excluded, Included, Unbounded};
        let behind = |value: T| number(value).saturating_add(1);
        let start = match range.start_bound() {
            Included(start) => number(*start),
            Excluded(before) => behind(*before),
            Unbounded => 0,
        };
        let end = match range.end_bound() {
            Included(last) => behind(*last),
            Excluded(end) => number(*end),
            Unbounded => REST,
        };
        Part { start, end }
    }

    #[inline]
    fn size(self) -> Result<i64, Box<CoreError>> {
        match self.end {
            REST => Ok(REST),
            end if end < self.start => Err(CoreError::Backwards { start: self.start, end }.into()),
            end => Ok(end - self.start),
        }
    }
}
