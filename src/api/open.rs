//! Creating mappings.

use super::page_cache::part_of_file;
use super::{Core, Error, MapFlags, Mapping, Protection, Result, number};
use crate::constants::*;
use crate::error::Error as CoreError;
use crate::mapping::{KEEP, Name, OpenRequest};
use crate::range::REST;
use crate::source;
use crate::sys::{self, AsFile};
use std::ffi::{CString, OsStr};
use std::ops::RangeBounds;
use std::path::Path;

/// Options for a new mapping. The defaults are read-only, shared, the whole file.
///
/// An option that does not apply to a call, such as a size for memory without a file, is an error of that call
/// ([`ErrorKind::InvalidArgument`](super::ErrorKind::InvalidArgument)). Only [`MapOptions::hint`] and [`MapOptions::mode`] may
/// have no effect.
///
/// ```
/// use mmap_wrap::MapOptions;
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("table");
/// let table = MapOptions::new().write(true).create(true).size(8192).allocate(true).open(&path)?;
/// table.put_le(4096, 7_u64)?;
/// table.sync(..)?;
///
/// let file = std::fs::File::open(&path).unwrap();
/// let second_page = MapOptions::new().range(4096..8192).map(&file)?;
/// assert_eq!(second_page.get_le::<u64>(0)?, 7);
/// # Ok::<(), mmap_wrap::Error>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "options map nothing by themselves"]
pub struct MapOptions {
    protection: Protection,
    private: bool,
    flags: MapFlags,
    huge_page: Option<usize>,
    hint: usize,
    alignment: Option<usize>,
    /// As offset and length, or the error if it is not a range of a file.
    part: Result<(i64, i64), Box<CoreError>>,
    keep_file: bool,
    create: bool,
    create_new: bool,
    truncate: bool,
    mode: u32,
    size: Option<u64>,
    allocate: bool,
    sealable: bool,
}

/// Groups of options that apply to some calls only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OptionGroup {
    /// Opening, creating and sizing a file.
    Opening,
    Part,
    Alignment,
    Seals,
    /// Private or shared, and the system's flags.
    Flags,
    HugePages,
}

impl Default for MapOptions {
    fn default() -> MapOptions {
        MapOptions::new()
    }
}

impl MapOptions {
    /// Read-only, shared, the whole file.
    ///
    /// ```
    /// let text = mmap_wrap::MapOptions::new().open("Cargo.toml")?;
    /// # Ok::<(), mmap_wrap::Error>(())
    /// ```
    pub fn new() -> MapOptions {
        MapOptions {
            protection: Protection::READ,
            private: false,
            flags: MapFlags::empty(),
            huge_page: None,
            hint: 0,
            alignment: None,
            part: Ok((0, REST)),
            keep_file: false,
            create: false,
            create_new: false,
            truncate: false,
            mode: 0o666,
            size: None,
            allocate: false,
            sealable: false,
        }
    }

    /// Whether the memory may be written.
    ///
    /// ```
    /// let memory = mmap_wrap::MapOptions::new().write(true).anonymous(4096)?;
    /// memory.write(0, b"x")?;
    /// # Ok::<(), mmap_wrap::Error>(())
    /// ```
    pub fn write(mut self, write: bool) -> MapOptions {
        self.protection.set(Protection::WRITE, write);
        self
    }

    /// The protection, in place of [`MapOptions::write`].
    ///
    /// ```
    /// use mmap_wrap::{MapOptions, Protection};
    /// let reserved = MapOptions::new().protection(Protection::empty()).anonymous(1 << 30)?;
    /// assert!(reserved.get::<u8>(0).is_err());
    /// # Ok::<(), mmap_wrap::Error>(())
    /// ```
    pub fn protection(mut self, protection: Protection) -> MapOptions {
        self.protection = protection;
        self
    }

    /// Changes stay in this mapping: MAP_PRIVATE. The mapping may be writable even if the file is not.
    ///
    /// ```
    /// let text = mmap_wrap::MapOptions::new().write(true).private().open("Cargo.toml")?;
    /// text.write(0, b"{")?;
    /// assert_eq!(mmap_wrap::Mapping::open("Cargo.toml")?.get::<u8>(0)?, b'[');
    /// # Ok::<(), mmap_wrap::Error>(())
    /// ```
    pub fn private(mut self) -> MapOptions {
        self.private = true;
        self
    }

    /// Flags that have no method of their own.
    ///
    /// ```
    /// use mmap_wrap::{MapFlags, MapOptions};
    /// # #[cfg(target_os = "linux")]
    /// MapOptions::new().flags(MapFlags::POPULATE).open("Cargo.toml")?;
    /// # Ok::<(), mmap_wrap::Error>(())
    /// ```
    pub fn flags(mut self, flags: MapFlags) -> MapOptions {
        self.flags = flags;
        self
    }

    /// Huge pages of `bytes` each, from the reserved pool. For memory without a file and memory files.
    ///
    /// ```
    /// match mmap_wrap::MapOptions::new().write(true).huge_pages(2 << 20).anonymous(2 << 20) {
    ///     Ok(memory) => memory.write(0, b"x").unwrap(),
    ///     Err(error) => println!("{error}"),    // the pool is empty
    /// }
    /// ```
    pub fn huge_pages(mut self, bytes: usize) -> MapOptions {
        self.huge_page = Some(bytes);
        self
    }

    /// The address at which the mapping should begin, if nothing is mapped there.
    ///
    /// ```
    /// let memory = mmap_wrap::MapOptions::new().hint(0x10_0000_0000_u64 as usize).anonymous(4096)?;
    /// # Ok::<(), mmap_wrap::Error>(())
    /// ```
    pub fn hint(mut self, address: usize) -> MapOptions {
        self.hint = address;
        self
    }

    /// The address of the first page is a multiple of `bytes`, a power of two. For [`MapOptions::map`] and
    /// [`MapOptions::anonymous`].
    ///
    /// ```
    /// let memory = mmap_wrap::MapOptions::new().alignment(2 << 20).anonymous(4 << 20)?;
    /// assert_eq!(memory.as_ptr().addr() % (2 << 20), 0);
    /// # Ok::<(), mmap_wrap::Error>(())
    /// ```
    pub fn alignment(mut self, bytes: usize) -> MapOptions {
        self.alignment = Some(bytes);
        self
    }

    /// The part of the file that is mapped. It need not begin on a page boundary, and may go beyond the end of the file, where
    /// accesses fault until the file has grown.
    ///
    /// ```
    /// let word = mmap_wrap::MapOptions::new().range(1..8).open("Cargo.toml")?;
    /// assert_eq!(word.read_to_vec(..)?, b"package");
    /// # Ok::<(), mmap_wrap::Error>(())
    /// ```
    pub fn range(mut self, range: impl RangeBounds<u64>) -> MapOptions {
        self.part = part_of_file(range);
        self
    }

    /// The mapping keeps its file open, for [`Mapping::resize`], [`Mapping::file`], [`Mapping::cachestat`]. Memory files are
    /// kept in any case.
    ///
    /// ```
    /// let text = mmap_wrap::MapOptions::new().keep_file(true).open("Cargo.toml")?;
    /// let file = text.file()?;
    /// # Ok::<(), mmap_wrap::Error>(())
    /// ```
    pub fn keep_file(mut self, keep: bool) -> MapOptions {
        self.keep_file = keep;
        self
    }

    /// [`MapOptions::open`] creates the file if it does not exist: empty, unless [`MapOptions::size`] is given.
    ///
    /// ```
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("table");
    /// mmap_wrap::MapOptions::new().write(true).create(true).size(4096).open(&path)?;
    /// # Ok::<(), mmap_wrap::Error>(())
    /// ```
    pub fn create(mut self, create: bool) -> MapOptions {
        self.create = create;
        self
    }

    /// [`MapOptions::open`] creates the file, and fails if it exists.
    ///
    /// ```
    /// let error = mmap_wrap::MapOptions::new().create_new(true).size(4096).open("Cargo.toml").unwrap_err();
    /// assert_eq!(std::io::Error::from(error).kind(), std::io::ErrorKind::AlreadyExists);
    /// ```
    pub fn create_new(mut self, create_new: bool) -> MapOptions {
        self.create_new = create_new;
        self
    }

    /// [`MapOptions::open`] truncates the file to 0 bytes first.
    ///
    /// ```
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("table");
    /// # std::fs::write(&path, "old").unwrap();
    /// let table = mmap_wrap::MapOptions::new().write(true).truncate(true).size(4096).open(&path)?;
    /// assert_eq!(table.get::<u8>(0)?, 0);
    /// # Ok::<(), mmap_wrap::Error>(())
    /// ```
    pub fn truncate(mut self, truncate: bool) -> MapOptions {
        self.truncate = truncate;
        self
    }

    /// Permissions of a file that is created, less the umask. The default is 0o666.
    ///
    /// ```
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("table");
    /// mmap_wrap::MapOptions::new().write(true).create(true).mode(0o600).size(4096).open(&path)?;
    /// # Ok::<(), mmap_wrap::Error>(())
    /// ```
    pub fn mode(mut self, mode: u32) -> MapOptions {
        self.mode = mode;
        self
    }

    /// The size in bytes that the file gets when it is opened. A longer file is truncated, which loses the rest; shared memory is
    /// never made smaller. On failure the file has its former size. Without this option opening does not change the size;
    /// [`Mapping::resize`] can.
    ///
    /// ```
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("table");
    /// let table = mmap_wrap::MapOptions::new().write(true).create(true).size(10_000).open(&path)?;
    /// assert_eq!(table.len(), 10_000);
    /// # Ok::<(), mmap_wrap::Error>(())
    /// ```
    pub fn size(mut self, bytes: u64) -> MapOptions {
        self.size = Some(bytes);
        self
    }

    /// The file system allocates blocks for all of the file now, so that a full disk is an error here and not a fault later.
    ///
    /// ```
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("table");
    /// let options = mmap_wrap::MapOptions::new().write(true).create(true).size(4096).allocate(true);
    /// if let Err(error) = options.open(&path) {
    ///     println!("{error}");    // the disk is full, or the file system cannot
    /// }
    /// ```
    pub fn allocate(mut self, allocate: bool) -> MapOptions {
        self.allocate = allocate;
        self
    }

    /// Seals can be added to the memory file that [`MapOptions::memfd`] creates.
    ///
    /// ```
    /// use mmap_wrap::{MapOptions, Seals};
    /// let memory = MapOptions::new().write(true).sealable(true).memfd("counters", 4096)?;
    /// memory.add_file_seals(Seals::SHRINK)?;
    /// # Ok::<(), mmap_wrap::Error>(())
    /// ```
    pub fn sealable(mut self, sealable: bool) -> MapOptions {
        self.sealable = sealable;
        self
    }

    /// Opens the file at `path`, maps it, and closes it. It is opened for writing only if needed. On failure, a file that this
    /// call created is removed.
    ///
    /// ```
    /// let text = mmap_wrap::MapOptions::new().open("Cargo.toml")?;
    /// # Ok::<(), mmap_wrap::Error>(())
    /// ```
    pub fn open(&self, path: impl AsRef<Path>) -> Result<Mapping> {
        Mapping::insert("open", || {
            self.check_options(&[OptionGroup::Opening, OptionGroup::Part, OptionGroup::Flags])?;
            let path = c_text(path.as_ref().as_os_str(), "path")?;
            self.open_named(Name::Path(&path))
        })
    }

    /// Like [`MapOptions::open`], for POSIX shared memory: a name of shm_open(3), such as `/counters`. It exists until
    /// [`unlink_shared_memory`].
    ///
    /// ```
    /// let name = format!("/mmap-wrap-{}", std::process::id());
    /// let counters = mmap_wrap::MapOptions::new().write(true).create(true).size(4096).shared_memory(&name)?;
    /// mmap_wrap::unlink_shared_memory(&name)?;
    /// # Ok::<(), mmap_wrap::Error>(())
    /// ```
    pub fn shared_memory(&self, name: impl AsRef<OsStr>) -> Result<Mapping> {
        Mapping::insert("shared_memory", || {
            self.check_options(&[OptionGroup::Opening, OptionGroup::Part, OptionGroup::Flags])?;
            let name = c_text(name.as_ref(), "name")?;
            self.open_named(Name::SharedMemory(&name))
        })
    }

    /// Maps an open file. The file may be closed afterwards.
    ///
    /// ```
    /// let file = std::fs::File::open("Cargo.toml").unwrap();
    /// let text = mmap_wrap::MapOptions::new().map(&file)?;
    /// # Ok::<(), mmap_wrap::Error>(())
    /// ```
    pub fn map(&self, file: impl AsFile) -> Result<Mapping> {
        Mapping::insert("map", || {
            self.check_options(FOR_DESCRIPTOR)?;
            let (offset, len) = self.part.clone()?;
            // SAFETY: the descriptor is borrowed, and the flags have no MAP_FIXED.
            unsafe { self.map_descriptor(self.map_flags()?, len, sys::raw(&file).into(), offset) }
        })
    }

    /// Maps `len` bytes of zeroed memory without a file. Shared memory is shared with forked children.
    ///
    /// ```
    /// let memory = mmap_wrap::MapOptions::new().write(true).anonymous(4096)?;
    /// # Ok::<(), mmap_wrap::Error>(())
    /// ```
    pub fn anonymous(&self, len: usize) -> Result<Mapping> {
        Mapping::insert("anonymous", || {
            self.check_options(WITHOUT_FILE)?;
            // SAFETY: there is no descriptor, and the flags have no MAP_FIXED.
            unsafe { self.map_descriptor(self.map_flags()? | MAP_ANONYMOUS, number(len), -1, 0) }
        })
    }

    /// Creates and maps a memory file of `len` bytes, memfd_create(2), and keeps it open. The name appears in /proc only.
    ///
    /// ```
    /// let memory = mmap_wrap::MapOptions::new().write(true).memfd("counters", 4096)?;
    /// let for_another_process = memory.file()?;
    /// # Ok::<(), mmap_wrap::Error>(())
    /// ```
    pub fn memfd(&self, name: &str, len: usize) -> Result<Mapping> {
        Mapping::insert("memfd", || {
            self.check_options(&[OptionGroup::Seals, OptionGroup::Flags, OptionGroup::HugePages])?;
            let name = c_text(OsStr::new(name), "name")?;
            let mut memfd_flags = if self.sealable { MFD_ALLOW_SEALING } else { 0 };
            if let Some(bytes) = self.huge_page {
                memfd_flags |= MFD_HUGETLB | log2(bytes)? << MFD_HUGE_SHIFT;
            }
            let flags = MapOptions { huge_page: None, ..self.clone() }.map_flags()?;
            Core::from_memfd(&name, memfd_flags, number(len), self.protection.to_platform()?, flags)
        })
    }

    /// Creates and maps a file of `len` bytes without a name, with the best mechanism available, and keeps it open.
    ///
    /// ```
    /// let memory = mmap_wrap::MapOptions::new().write(true).unnamed(4096)?;
    /// let for_another_process = memory.file()?;
    /// # Ok::<(), mmap_wrap::Error>(())
    /// ```
    pub fn unnamed(&self, len: usize) -> Result<Mapping> {
        Mapping::insert("unnamed", || {
            self.check_options(&[OptionGroup::Flags])?;
            Core::from_unnamed(number(len), self.protection.to_platform()?, self.map_flags()?)
        })
    }

    /// Creates and maps `len` bytes of secret memory, memfd_secret(2): locked into memory, and not readable by debuggers.
    ///
    /// ```
    /// match mmap_wrap::MapOptions::new().write(true).secret(32) {
    ///     Ok(key) => key.fill(.., 7).unwrap(),
    ///     Err(error) => println!("{error}"),    // Linux before 5.14, or it is off
    /// }
    /// ```
    pub fn secret(&self, len: usize) -> Result<Mapping> {
        Mapping::insert("secret", || {
            self.check_options(&[])?;
            Core::from_secret(number(len), self.protection.to_platform()?)
        })
    }

    /// [`MapOptions::map`] exactly at `address`: MAP_FIXED.
    ///
    /// # Safety
    /// What was mapped at the address is replaced and must not be used any more. A `Mapping` of it must not be dropped.
    ///
    /// ```
    /// # use mmap_wrap::{MapOptions, Mapping};
    /// let reserved = Mapping::anonymous(4096)?;
    /// let file = std::fs::File::open("Cargo.toml").unwrap();
    /// // SAFETY: nothing uses the memory that was reserved, and nothing will.
    /// let text = unsafe { MapOptions::new().range(..4096).map_fixed(reserved.as_mut_ptr(), &file)? };
    /// assert_eq!(text.as_ptr(), reserved.as_ptr());
    /// std::mem::forget(reserved);
    /// # Ok::<(), mmap_wrap::Error>(())
    /// ```
    pub unsafe fn map_fixed(&self, address: *mut u8, file: impl AsFile) -> Result<Mapping> {
        Mapping::insert("map_fixed", || {
            self.check_options(FOR_DESCRIPTOR)?;
            let (offset, len) = self.part.clone()?;
            let options = MapOptions { hint: address.addr(), ..self.clone() };
            let flags = options.map_flags()? | MAP_FIXED;
            // SAFETY: the descriptor is borrowed; the caller ensures that nothing uses the address.
            unsafe { options.map_descriptor(flags, len, sys::raw(&file).into(), offset) }
        })
    }

    /// [`MapOptions::anonymous`] exactly at `address`: MAP_FIXED.
    ///
    /// # Safety
    /// What was mapped at the address is replaced and must not be used any more. A `Mapping` of it must not be dropped.
    ///
    /// ```
    /// # use mmap_wrap::{MapOptions, Mapping};
    /// let reserved = Mapping::anonymous(4096)?;
    /// // SAFETY: nothing uses the memory that was reserved, and nothing will.
    /// let memory = unsafe { MapOptions::new().anonymous_fixed(reserved.as_mut_ptr(), 4096)? };
    /// assert_eq!(memory.as_ptr(), reserved.as_ptr());
    /// std::mem::forget(reserved);
    /// # Ok::<(), mmap_wrap::Error>(())
    /// ```
    pub unsafe fn anonymous_fixed(&self, address: *mut u8, len: usize) -> Result<Mapping> {
        Mapping::insert("anonymous_fixed", || {
            self.check_options(WITHOUT_FILE)?;
            let options = MapOptions { hint: address.addr(), ..self.clone() };
            let flags = options.map_flags()? | MAP_ANONYMOUS | MAP_FIXED;
            // SAFETY: there is no descriptor; the caller ensures that nothing uses the address.
            unsafe { options.map_descriptor(flags, number(len), -1, 0) }
        })
    }

    /// Checks that all given options apply to the call: others would be ignored silently.
    fn check_options(&self, used: &[OptionGroup]) -> Result<(), Box<CoreError>> {
        let asked = [
            (self.create || self.create_new, OptionGroup::Opening, "create"),
            (self.truncate, OptionGroup::Opening, "truncate"),
            (self.size.is_some(), OptionGroup::Opening, "size"),
            (self.allocate, OptionGroup::Opening, "allocate"),
            (self.part != Ok((0, REST)), OptionGroup::Part, "range"),
            (self.alignment.is_some(), OptionGroup::Alignment, "alignment"),
            (self.sealable, OptionGroup::Seals, "sealable"),
            (self.private, OptionGroup::Flags, "private"),
            (!self.flags.is_empty(), OptionGroup::Flags, "flags"),
            (self.huge_page.is_some(), OptionGroup::HugePages, "huge_pages"),
        ];
        match asked.iter().find(|(is_asked, usage, _)| *is_asked && !used.contains(usage)) {
            Some((_, _, option)) => Err(CoreError::argument(format!("{option} does not apply to this call"))),
            None => Ok(()),
        }
    }

    /// # Safety
    /// As for [`Core::from_descriptor`].
    unsafe fn map_descriptor(&self, flags: i64, len: i64, fd: i64, offset: i64) -> Result<Core, Box<CoreError>> {
        let protection = self.protection.to_platform()?;
        match self.alignment {
            // SAFETY: the conditions are the same.
            None => unsafe { Core::from_descriptor(self.hint, len, protection, flags, fd, offset) },
            // SAFETY: as above.
            Some(bytes) => unsafe { Core::aligned(number(bytes), len, protection, flags, fd, offset) },
        }
    }

    fn open_named(&self, name: Name) -> Result<Core, Box<CoreError>> {
        let writes = self.protection.contains(Protection::WRITE) && !self.private;
        let changes = self.create || self.create_new || self.truncate || self.size.is_some() || self.allocate;
        let asked = [(writes || changes, O_RDWR), (self.create || self.create_new, O_CREAT), (self.create_new, O_EXCL)];
        let asked = asked.into_iter().chain([(self.truncate, O_TRUNC)]).filter(|(asked, _)| *asked);
        let size = self.size.map_or(REST, |bytes| i64::try_from(bytes).unwrap_or(i64::MAX));
        let open = OpenRequest {
            name,
            flags: asked.fold(O_RDONLY, |flags, (_, flag)| flags | flag),
            mode: self.mode.into(),
            size,
            allocate: self.allocate,
        };
        let (offset, len) = self.part.clone()?;
        Core::open(open, len, self.protection.to_platform()?, self.map_flags()?, offset)
    }

    fn map_flags(&self) -> Result<i64, Box<CoreError>> {
        let sharing = match self.private {
            true => MAP_PRIVATE,
            false if self.flags.contains(MapFlags::SYNC) => MAP_SHARED_VALIDATE,
            false => MAP_SHARED,
        };
        let huge = match self.huge_page {
            Some(bytes) => MapFlags::HUGETLB.to_platform()? | log2(bytes)? << MAP_HUGE_SHIFT,
            None => 0,
        };
        let keep = if self.keep_file { KEEP } else { 0 };
        Ok(sharing | huge | keep | self.flags.to_platform()?)
    }
}

/// Huge pages apply, since a file of hugetlbfs has them.
const FOR_DESCRIPTOR: &[OptionGroup] = &[OptionGroup::Part, OptionGroup::Alignment, OptionGroup::Flags, OptionGroup::HugePages];
const WITHOUT_FILE: &[OptionGroup] = &[OptionGroup::Alignment, OptionGroup::Flags, OptionGroup::HugePages];

fn log2(bytes: usize) -> Result<i64, Box<CoreError>> {
    match bytes.checked_ilog2() {
        // 0 stands for the default size.
        Some(log2) if bytes.is_power_of_two() && bytes > super::page_size() => Ok(log2.into()),
        _ => {
            let problem = format!("huge pages of {bytes} bytes: the size must be a power of two, of more than a page");
            Err(CoreError::argument(problem))
        }
    }
}

fn c_text(text: &OsStr, what: &str) -> Result<CString, Box<CoreError>> {
    CString::new(text.as_encoded_bytes())
        .map_err(|_| CoreError::argument(format!("the {what} '{}' has a NUL byte", text.to_string_lossy())))
}

/// Removes a name of POSIX shared memory. Existing mappings and descriptors stay valid.
///
/// ```
/// let error = mmap_wrap::unlink_shared_memory("/no-such-memory").unwrap_err();
/// assert_eq!(std::io::Error::from(error).kind(), std::io::ErrorKind::NotFound);
/// ```
pub fn unlink_shared_memory(name: impl AsRef<OsStr>) -> Result<()> {
    let unlink = || source::unlink_shared_memory(&c_text(name.as_ref(), "name")?);
    unlink().map_err(Error::in_operation("unlink_shared_memory"))
}
