//! Mappings of files that the library opens, creates or resizes, and of memory files.

use super::request::{FIXED, MapRequest};
use super::{Mapping, is_shared};
use crate::constants::{Group, MAP_ANONYMOUS, MAP_SHARED, PROT_WRITE};
use crate::error::{Errno, Error, Result};
use crate::flags::known;
use crate::range::REST;
use crate::source::{self, OpenRequest, Source};
use crate::sys::{self, BorrowedFile, File};
use std::ffi::CStr;

impl Mapping {
    /// Opens the file at `path`, maps it as [`Mapping::from_descriptor`] does, and closes it. It is opened for writing only for
    /// a writable shared mapping.
    ///
    /// ```
    /// use mmap_wrap::internals::{Mapping, constants::*, range::REST};
    /// let text = Mapping::from_path(c"Cargo.toml", REST, PROT_READ, MAP_PRIVATE, 0)?;
    /// assert!(text.length() > 100);
    /// # Ok::<(), Box<mmap_wrap::internals::Error>>(())
    /// ```
    pub fn from_path(path: &CStr, len: i64, prot: i64, flags: i64, offset: i64) -> Result<Mapping> {
        let request = MapRequest::from_named_file(len, prot, flags, offset)?;
        Mapping::from_source(&request, Source::path(path, is_shared(flags) && prot & PROT_WRITE != 0)?)
    }

    /// Opens or creates a file, sets its size, and maps it. On failure nothing is left behind: a file that was created is
    /// removed, a file that existed has its former size.
    ///
    /// ```
    /// use mmap_wrap::internals::{Mapping, constants::*, mapping::{Name, OpenRequest}, range::REST};
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = std::ffi::CString::new(folder.path().join("table").to_str().unwrap()).unwrap();
    /// let open = OpenRequest { name: Name::Path(&path), flags: O_RDWR | O_CREAT, mode: 0o644, size: 8192, allocate: true };
    /// let table = Mapping::open(open, REST, PROT_READ | PROT_WRITE, MAP_SHARED, 0)?;
    /// assert_eq!(table.length(), 8192);
    /// # Ok::<(), Box<mmap_wrap::internals::Error>>(())
    /// ```
    pub fn open(open: OpenRequest, len: i64, prot: i64, flags: i64, offset: i64) -> Result<Mapping> {
        let request = MapRequest::from_named_file(len, prot, flags, offset)?;
        let (source, undo) = open.open(len == REST)?;
        let mapping = Mapping::new(&request, &source)?;
        undo.finish()?;
        Ok(mapping.keeping(&request, source))
    }

    /// Creates and maps a memory file of `len` bytes, memfd_create(2), and keeps it open. `memfd_flags` are MFD_ bits.
    ///
    /// ```
    /// use mmap_wrap::internals::{Mapping, constants::*};
    /// let memory = Mapping::from_memfd(c"counters", MFD_ALLOW_SEALING, 4096, PROT_READ | PROT_WRITE, MAP_SHARED)?;
    /// memory.add_file_seals(F_SEAL_SHRINK)?;
    /// assert_eq!(memory.file_seals()?, F_SEAL_SHRINK);
    /// # Ok::<(), Box<mmap_wrap::internals::Error>>(())
    /// ```
    pub fn from_memfd(name: &CStr, memfd_flags: i64, len: i64, prot: i64, flags: i64) -> Result<Mapping> {
        Mapping::from_memory(len, prot, flags, |size| Source::memfd(name, memfd_flags, size))
    }

    /// Creates and maps secret memory of `len` bytes, memfd_secret(2): locked into memory, and not accessible to the kernel.
    pub fn from_secret(len: i64, prot: i64) -> Result<Mapping> {
        Mapping::from_memory(len, prot, MAP_SHARED, Source::secret)
    }

    /// Creates and maps a file of `len` bytes without a name, with the best mechanism available, and keeps it open.
    pub fn from_unnamed(len: i64, prot: i64, flags: i64) -> Result<Mapping> {
        Mapping::from_memory(len, prot, flags, Source::unnamed)
    }

    fn from_memory(len: i64, prot: i64, flags: i64, make: impl FnOnce(u64) -> Result<Source>) -> Result<Mapping> {
        let request = MapRequest::from_named_file(len, prot, flags, 0)?;
        if len == REST || len == 0 {
            return Err(Error::argument("a memory file needs a length of at least 1 byte"));
        }
        let source = make(len.unsigned_abs())?;
        let mapping = Mapping::new(&request, &source)?;
        Ok(mapping.with_file(source))
    }

    /// A new descriptor of the file that the mapping keeps open, for passing to another process. It is closed on exec.
    ///
    /// ```
    /// # use mmap_wrap::internals::{Mapping, constants::*};
    /// let memory = Mapping::from_unnamed(4096, PROT_READ | PROT_WRITE, MAP_SHARED)?;
    /// let file = std::fs::File::from(memory.descriptor()?);
    /// assert_eq!(file.metadata().unwrap().len(), 4096);
    /// # Ok::<(), Box<mmap_wrap::internals::Error>>(())
    /// ```
    pub fn descriptor(&self) -> Result<File> {
        source::duplicate(sys::raw(&self.file()?))
    }

    /// The F_SEAL_ bits of the memory file that the mapping keeps open.
    pub fn file_seals(&self) -> Result<i64> {
        let seals = sys::seals(sys::raw(&self.file()?)).map_err(|errno| seals_error(errno, "read the seals".into()))?;
        Ok(i64::from(seals))
    }

    /// Adds F_SEAL_ bits to those of the memory file.
    pub fn add_file_seals(&self, seals: i64) -> Result<()> {
        let c_seals = known(Group::Seal, seals, "seals")?;
        sys::add_seals(sys::raw(&self.file()?), c_seals).map_err(|errno| seals_error(errno, format!("add the seals {seals:#x}")))
    }

    /// The file that the mapping keeps open.
    pub(super) fn file(&self) -> Result<BorrowedFile<'_>> {
        self.origin
            .file
            .as_ref()
            .map(sys::borrow)
            .ok_or_else(|| Error::argument("this mapping keeps no file open: keep the file when mapping, or map a memory file"))
    }
}

fn seals_error(errno: Errno, attempt: String) -> Box<Error> {
    let hint = match errno {
        Errno::ENOSYS => return Error::unsupported("sealing"),
        Errno::EINVAL => "the file is not a memory file with sealing, or the kernel lacks the seal",
        Errno::EPERM => "the file must be open for writing, and not sealed with F_SEAL_SEAL: memory files need MFD_ALLOW_SEALING",
        Errno::EBUSY => {
            "F_SEAL_WRITE needs that no shared mapping of the file can be written: unmap it, or add F_SEAL_FUTURE_WRITE"
        }
        _ => "",
    };
    Error::system(errno, attempt, hint)
}

impl MapRequest {
    /// The request for a mapping of a file that the library opens.
    fn from_named_file(len: i64, prot: i64, flags: i64, offset: i64) -> Result<MapRequest> {
        let request = MapRequest::new(0, len, prot, flags, offset)?;
        if flags & MAP_ANONYMOUS != 0 {
            return Err(Error::argument("MAP_ANONYMOUS, which is for memory without a file, cannot be combined with a file"));
        }
        if flags & FIXED != 0 {
            return Err(Error::argument("MAP_FIXED needs an address: open the file and map its descriptor"));
        }
        Ok(request)
    }
}
