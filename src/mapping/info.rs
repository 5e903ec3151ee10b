//! Information about a mapping.

use super::{Mapping, OR_PRIVATE, SourceKind};
use crate::error::{Error, Result};
use crate::sys::{self, FileInfo, RawFile};

/// What a mapping was created from, and its present state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Info {
    /// Length in bytes, as requested.
    pub length: usize,
    /// Bytes that the kernel mapped, in whole pages.
    pub mapped: usize,
    /// Address of the first byte.
    pub address: usize,
    /// Bytes in a page.
    pub page_size: usize,
    /// PROT_ bits, as mapped or as last set for the whole mapping; parts may differ.
    pub protection: i64,
    /// MAP_ bits, as mapped.
    pub flags: i64,
    /// File offset of the first byte.
    pub offset: u64,
    /// Whether it keeps its file open.
    pub keeps_file: bool,
    /// Whether a part of it is sealed by mseal(2).
    pub sealed: bool,
    /// What it was created from.
    pub source: SourceKind,
    /// The descriptor of the kept file (on Windows: its handle), which the mapping owns.
    pub descriptor: Option<RawFile>,
}

impl Mapping {
    /// What the library knows of the mapping, without a system call.
    ///
    /// ```
    /// # use mmap_wrap::internals::{Mapping, constants::*};
    /// # let memory = Mapping::anonymous(100, PROT_READ, MAP_PRIVATE)?;
    /// let info = memory.info();
    /// assert_eq!((info.length, info.mapped), (100, info.page_size));
    /// # Ok::<(), Box<mmap_wrap::internals::Error>>(())
    /// ```
    pub fn info(&self) -> Info {
        Info {
            length: self.grid.length,
            mapped: self.pages.size(),
            address: self.address().addr(),
            page_size: self.grid.page,
            protection: self.c_prot().into(),
            flags: self.origin.flags & !OR_PRIVATE,
            offset: self.origin.offset,
            keeps_file: self.origin.file.is_some(),
            sealed: self.is_sealed(),
            source: self.origin.source,
            descriptor: self.origin.file.as_ref().map(sys::raw),
        }
    }

    /// The present size in bytes of the file that the mapping keeps open.
    ///
    /// ```
    /// # use mmap_wrap::internals::{Mapping, constants::*};
    /// let memory = Mapping::from_unnamed(100, PROT_READ | PROT_WRITE, MAP_SHARED)?;
    /// assert_eq!(memory.file_size()?, 100);
    /// # Ok::<(), Box<mmap_wrap::internals::Error>>(())
    /// ```
    pub fn file_size(&self) -> Result<u64> {
        Ok(self.file_info()?.size)
    }

    /// The present size and kind of the kept file.
    pub(super) fn file_info(&self) -> Result<FileInfo> {
        sys::file_info(sys::raw(&self.file()?)).map_err(|errno| Error::system(errno, "read the size of the kept file", ""))
    }
}
