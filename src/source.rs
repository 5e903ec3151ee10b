//! What is mapped: anonymous memory, a descriptor, a path, a memory file; its size, and its page size.

mod memory;
mod open;

use crate::constants::{MAP_HUGE_MASK, MAP_HUGE_SHIFT, MAP_HUGETLB, MAP_PRIVATE, MAP_SHARED, O_RDONLY, O_RDWR, PROT_READ};
use crate::error::{Errno, Error, Result};
use crate::flags::{as_c_int, is_shared};
use crate::hints::open_hint;
use crate::sys::{self, File, FileInfo, Pages, RawFile};
use std::ffi::{CStr, c_int};

pub use open::{Name, OpenRequest, unlink_shared_memory};

/// What a mapping was created from.
///
/// ```
/// use mmap_wrap::{Mapping, SourceKind};
/// assert_eq!(Mapping::anonymous(1)?.info()?.source, SourceKind::Anonymous);
/// # Ok::<(), mmap_wrap::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceKind {
    /// Memory without a file.
    Anonymous,
    /// A file that the caller had open.
    Descriptor,
    /// A file that the library opened by its path.
    Path,
    /// Shared memory that the library opened by its name, shm_open(3).
    SharedMemory,
    /// A file without a name that the library created.
    MemoryFile,
}

/// What is behind a mapping.
#[derive(Debug)]
pub enum Source {
    /// Memory without a file. The descriptor is passed on to the kernel as the caller gave it.
    Anonymous {
        /// Usually -1.
        fd: RawFile,
    },
    /// A file that the caller has open.
    Descriptor {
        /// Owned by the caller, and not closed.
        fd: RawFile,
        /// Its size and kind when they were queried.
        info: FileInfo,
        /// A duplicate, for the mapping to keep.
        kept: Option<File>,
    },
    /// A file that the library opened.
    Opened {
        /// Closed with the source.
        fd: File,
        /// How it was opened.
        kind: SourceKind,
        /// Its size and kind when they were queried.
        info: FileInfo,
    },
}

impl Source {
    /// The caller's descriptor, which is not closed. With `keep` it is duplicated before mapping: if that fails after mapping
    /// with MAP_FIXED, what was mapped there is lost.
    pub fn descriptor(fd: RawFile, keep: bool) -> Result<Source> {
        let info = file_info(fd, || format!("{} {fd}", sys::RAW_FILE))?;
        let kept = if keep { Some(duplicate(fd)?) } else { None };
        Ok(Source::Descriptor { fd, info, kept })
    }

    /// Opens `path`, for writing too if `writable`.
    pub fn path(path: &CStr, writable: bool) -> Result<Source> {
        let attempt = || {
            let purpose = if writable { "reading and writing" } else { "reading" };
            format!("open '{}' for {purpose}", path.to_string_lossy())
        };
        if sys::leads_to_stream(path) {
            return Err(no_stream(attempt()));
        }
        let access = as_c_int(if writable { O_RDWR } else { O_RDONLY });
        let fd =
            sys::open(path, access | sys::NEVER_WAIT, 0).map_err(|errno| Error::system(errno, attempt(), open_hint(errno)))?;
        let info = file_info(sys::raw(&fd), attempt)?;
        Ok(Source::Opened { fd, kind: SourceKind::Path, info })
    }

    /// Checks that a file of size 0 is really empty: files of procfs and sysfs report size 0 and have contents when they are
    /// read. A page is mapped for that, and nothing is read, since reading can consume data.
    pub fn check_empty(&self, flags: i64) -> Result<(), Errno> {
        let sharing = as_c_int(if is_shared(flags) { MAP_SHARED } else { MAP_PRIVATE });
        match self.try_to_map(flags, sharing) {
            Err(errno @ (Errno::ENODEV | Errno::EIO)) => Err(errno),
            // Other errors do not depend on the size.
            _ => Ok(()),
        }
    }

    /// Whether the first page can be mapped for reading.
    pub fn try_to_map(&self, flags: i64, sharing: c_int) -> Result<(), Errno> {
        Pages::map(0, self.page_size(flags), as_c_int(PROT_READ), sharing, self.fd(), 0).map(drop)
    }

    /// The file for the mapping to keep: the one that the library opened, or the duplicate of the caller's.
    pub fn into_file(self) -> Option<File> {
        match self {
            Source::Anonymous { .. } => None,
            Source::Descriptor { kept, .. } => kept,
            Source::Opened { fd, .. } => Some(fd),
        }
    }

    pub fn kind(&self) -> SourceKind {
        match self {
            Source::Anonymous { .. } => SourceKind::Anonymous,
            Source::Descriptor { .. } => SourceKind::Descriptor,
            Source::Opened { kind, .. } => *kind,
        }
    }

    /// The descriptor for mmap(2).
    pub fn fd(&self) -> RawFile {
        match self {
            Source::Anonymous { fd } | Source::Descriptor { fd, .. } => *fd,
            Source::Opened { fd, .. } => sys::raw(&fd),
        }
    }

    /// Size and kind of the file, unless there is none.
    pub fn info(&self) -> Option<&FileInfo> {
        match self {
            Source::Anonymous { .. } => None,
            Source::Descriptor { info, .. } | Source::Opened { info, .. } => Some(info),
        }
    }

    /// Bytes in a page of a mapping of this source: the kernel maps and unmaps hugetlb memory in its own page size only.
    pub fn page_size(&self, flags: i64) -> usize {
        let base = sys::page_size();
        match self {
            Source::Anonymous { .. } if flags & MAP_HUGETLB != 0 && MAP_HUGETLB != 0 => {
                huge_page_size((flags >> MAP_HUGE_SHIFT) & MAP_HUGE_MASK).unwrap_or(base)
            }
            Source::Anonymous { .. } => base,
            // hugetlbfs has a larger block size, so that other files need no further system call.
            _ if self.info().is_some_and(|info| info.block_size > base) => sys::descriptor_page_size(self.fd()).unwrap_or(base),
            _ => base,
        }
    }
}

/// Bytes in a huge page, given the logarithm in the flags; 0 stands for the system's default.
fn huge_page_size(log2: i64) -> Option<usize> {
    match log2 {
        0 => sys::default_huge_page_size(),
        log2 => u32::try_from(log2).ok().and_then(|log2| 1usize.checked_shl(log2)),
    }
}

/// Another descriptor of the same open file, closed on exec.
pub fn duplicate(fd: RawFile) -> Result<File> {
    sys::duplicate(fd).map_err(|errno| Error::system(errno, format!("duplicate {} {fd}", sys::RAW_FILE), open_hint(errno)))
}

fn file_info(fd: RawFile, attempt: impl Fn() -> String) -> Result<FileInfo> {
    let info = sys::file_info(fd).map_err(|errno| Error::system(errno, attempt(), descriptor_hint(errno)))?;
    if info.is_directory {
        return Err(Error::system(Errno::EISDIR, attempt(), "a directory has no bytes to map"));
    }
    if info.is_stream {
        return Err(no_stream(attempt()));
    }
    Ok(info)
}

fn no_stream(attempt: String) -> Box<Error> {
    Error::system(Errno::ENODEV, attempt, "a FIFO, a pipe or a socket cannot be mapped: read it")
}

fn descriptor_hint(errno: Errno) -> &'static str {
    match errno {
        Errno::EBADF => "it is not open; memory without a file needs MAP_ANONYMOUS",
        _ => "",
    }
}
