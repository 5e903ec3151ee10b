//! The checked arguments of mmap(2).

use crate::constants::{
    Group, MAP_ANONYMOUS, MAP_FIXED, MAP_FIXED_NOREPLACE, MAP_HUGETLB, MAP_PRIVATE, MAP_SHARED, MAP_SHARED_VALIDATE, PROT_WRITE,
};
use crate::error::{Errno, Error, Result};
use crate::flags::{SHARING, as_c_int, is_shared, known};
use crate::hints::{huge_page_hint, memory_hint};
use crate::range::{self, REST};
use crate::source::Source;
use crate::sys::{self, FileInfo};
use std::ffi::c_int;

pub(super) const FIXED: i64 = MAP_FIXED | MAP_FIXED_NOREPLACE;

/// A flag of this library, in a bit that no system uses: the mapping keeps its file open.
pub const KEEP: i64 = 1 << 32;

/// Another: a read-only mapping of a file that cannot be mapped shared is private instead.
pub const OR_PRIVATE: i64 = 1 << 33;

/// The checked arguments of mmap(2).
pub(super) struct MapRequest {
    pub address: usize,
    pub len: i64,
    pub prot: c_int,
    pub flags: i64,
    pub c_flags: c_int,
    pub offset: u64,
    /// The address of the first page is a multiple of this; values below a page have no effect.
    pub alignment: u64,
}

impl MapRequest {
    pub fn new(address: usize, len: i64, prot: i64, flags: i64, offset: i64) -> Result<MapRequest> {
        if len < 0 && len != REST {
            return Err(Error::Negative { what: "length", value: len }.into());
        }
        let offset = u64::try_from(offset).map_err(|_| Error::Negative { what: "file offset", value: offset })?;
        let prot = known(Group::Protection, prot, "protection")?;
        let c_flags = known(Group::MapFlag, flags & !(KEEP | OR_PRIVATE), "flags").map_err(|error| match flags & SHARING {
            // As mmap(2) does.
            MAP_SHARED_VALIDATE if MAP_SHARED_VALIDATE != 0 => {
                Error::system(Errno::EOPNOTSUPP, error.to_string(), "MAP_SHARED_VALIDATE rejects unknown flags")
            }
            _ => error,
        })?;
        if flags & SHARING == 0 {
            return Err(Error::argument(format!(
                // The system's flags only: a binding may have set the library's own bits.
                "flags {c_flags:#x} have neither MAP_SHARED ({MAP_SHARED:#x}) nor MAP_PRIVATE ({MAP_PRIVATE:#x})"
            )));
        }
        if flags & KEEP != 0 && flags & MAP_ANONYMOUS != 0 {
            return Err(Error::argument("MAP_ANONYMOUS, and to keep the file open: memory without a file has none"));
        }
        Ok(MapRequest { address, len, prot, flags, c_flags, offset, alignment: 1 })
    }

    /// Checks address and file offset of a mapping with MAP_FIXED.
    pub fn check_fixed_place(&self, page: usize) -> Result<()> {
        if self.flags & FIXED == 0 {
            return Ok(());
        }
        if self.address == 0 {
            return Err(Error::argument("address 0 with MAP_FIXED: nothing can be mapped there"));
        }
        for (what, value) in [("address", self.address as u64), ("file offset", self.offset)] {
            if value & (page as u64 - 1) != 0 {
                return Err(Error::Alignment { what, value, page, lead: 0 }.into());
            }
        }
        Ok(())
    }

    /// How many bytes to map, up to the end of the file if the caller gave `REST`.
    pub fn length(&self, source: &Source) -> Result<usize> {
        let Some(info) = source.info() else {
            return self.anonymous_length();
        };
        if info.is_regular && info.size == 0 {
            source.check_empty(self.flags).map_err(|errno| {
                Error::system(errno, "a file of size 0", "it cannot be mapped, and its size of 0 is not its length: use read(2) (procfs and sysfs generate the contents when they are read)")
            })?;
        }
        if info.has_size && self.offset > info.size {
            return Err(Error::FileOffsetBeyond { offset: self.offset, length: info.size }.into());
        }
        match self.len {
            0 => Err(Error::argument("length 0: give the number of bytes, or ask for the length up to the end of the file")),
            REST => addressable(bytes_to_the_end(info, self.offset)?, self.offset),
            len => {
                let length = addressable(len.unsigned_abs(), self.offset)?;
                if !sys::MAPPINGS_FOLLOW_FILES && info.has_size && length as u64 > info.size - self.offset {
                    return Err(Error::BeyondFile { length, offset: self.offset, size: info.size }.into());
                }
                Ok(length)
            }
        }
    }

    fn anonymous_length(&self) -> Result<usize> {
        if self.offset != 0 {
            return Err(Error::argument(format!("file offset {} for memory without a file", self.offset)));
        }
        match self.len {
            0 | REST => Err(Error::argument("memory without a file needs a length of at least 1 byte")),
            len => addressable(len.unsigned_abs(), self.offset),
        }
    }

    /// The alignment. Aligned mapping first reserves `size` bytes and the alignment: checks that the sum can be addressed.
    pub fn aligned_size(&self, size: usize) -> Result<usize> {
        match usize::try_from(self.alignment) {
            Ok(alignment) if size.checked_add(alignment).is_some_and(|room| room <= isize::MAX as usize) => Ok(alignment),
            _ => Err(Error::AlignedTooLong { length: size, alignment: self.alignment }.into()),
        }
    }

    /// The system's flags of a private mapping in place of a shared one, for files that cannot be mapped shared: on FUSE with
    /// direct I/O (ENODEV), in sysfs (EACCES), on other file systems (EINVAL). Without PROT_WRITE both read the same bytes.
    pub fn privately(&self, errno: Errno) -> Option<c_int> {
        let is_unsharable = matches!(errno, Errno::ENODEV | Errno::EACCES | Errno::EINVAL);
        let stands_for_it = self.flags & OR_PRIVATE != 0 && is_shared(self.flags) && i64::from(self.prot) & PROT_WRITE == 0;
        (is_unsharable && stands_for_it).then_some(self.c_flags & !as_c_int(MAP_SHARED | MAP_PRIVATE) | as_c_int(MAP_PRIVATE))
    }

    /// The error of the system for this request.
    pub fn error(&self, errno: Errno, length: usize, source: &Source) -> Box<Error> {
        if errno == Errno::ENOSYS && self.alignment > 1 {
            return Error::unsupported(format!(
                "an address at a multiple of {} for file offset {} (64 KiB of a file are mapped to a multiple of 64 KiB)",
                self.alignment, self.offset
            ));
        }
        // The hint makes further calls of the system, so the error is made before it.
        Error::system(errno, self.attempt(length, source), String::new()).with_hint(|| self.hint(errno, source))
    }

    fn attempt(&self, length: usize, source: &Source) -> String {
        let what = match source {
            Source::Anonymous { .. } => "without a file".to_owned(),
            Source::Descriptor { fd, .. } => format!("at offset {} of {} {fd}", self.offset, sys::RAW_FILE),
            Source::Opened { .. } => format!("at offset {} of the file", self.offset),
        };
        let place = if self.alignment > 1 { format!(" at a multiple of {}", self.alignment) } else { String::new() };
        format!("{length} bytes {what}{place}, protection {:#x}, flags {:#x}", self.prot, self.c_flags)
    }

    /// Whether the file can be mapped privately, but not shared. The kernel does not report this, so both are tried.
    fn only_shared_fails(&self, source: &Source) -> bool {
        let can = |sharing| source.try_to_map(self.flags, sharing).is_ok();
        is_shared(self.flags) && source.info().is_some() && !can(as_c_int(MAP_SHARED)) && can(as_c_int(MAP_PRIVATE))
    }

    /// The hint for a mapping with MAP_HUGETLB.
    fn huge_page_hint(&self, source: &Source) -> Option<String> {
        let page = source.page_size(self.flags);
        match source {
            _ if MAP_HUGETLB == 0 || self.flags & MAP_HUGETLB == 0 => None,
            Source::Anonymous { .. } => huge_page_hint(page),
            _ if page != sys::page_size() => None,
            _ => Some("MAP_HUGETLB is for memory without a file: a file has the pages of its file system".into()),
        }
    }

    fn hint(&self, errno: Errno, source: &Source) -> String {
        if let Some(hint) = self.huge_page_hint(source) {
            return hint;
        }
        match errno {
            Errno::EACCES | Errno::ENODEV | Errno::EINVAL if self.only_shared_fails(source) => {
                "this file cannot be mapped shared: MAP_PRIVATE maps it, for changes that stay in memory".into()
            }
            Errno::EACCES => "the file must be open for reading, and for writing too if a shared mapping is to be written".into(),
            Errno::ENODEV => "this kind of file cannot be mapped: read it".into(),
            Errno::EPERM => "a seal, a mount without execution, or an address below vm.mmap_min_addr forbids it".into(),
            Errno::EEXIST => format!("something is mapped at {:#x} already", self.address),
            Errno::EAGAIN => match memory_hint(errno).as_str() {
                "" => "the file is locked".into(),
                limit => format!("the file is locked, or {limit}"),
            },
            Errno::ENOMEM if source.page_size(self.flags) != sys::page_size() => {
                "the pool of huge pages (vm.nr_hugepages) is too small".into()
            }
            _ => memory_hint(errno),
        }
    }
}

/// Bytes from a file offset to the end of the file.
pub(super) fn bytes_to_the_end(info: &FileInfo, offset: u64) -> Result<u64> {
    if !info.has_size {
        return Err(Error::argument(
            "a device has no size to map to the end of: give the length in bytes, if it can be mapped at all",
        ));
    }
    info.size.checked_sub(offset).ok_or_else(|| Error::FileOffsetBeyond { offset, length: info.size }.into())
}

/// Checks a length: no object may exceed isize::MAX bytes, in C as in Rust.
pub(super) fn addressable(length: u64, offset: u64) -> Result<usize> {
    let bytes = usize::try_from(length).ok().filter(|bytes| *bytes <= isize::MAX as usize);
    bytes.ok_or_else(|| Error::TooLong { length, offset }.into())
}

/// How many bytes of the first page lie before the byte at a file offset: the kernel maps from a page boundary.
pub(super) fn lead(offset: u64, page: usize) -> usize {
    // Less than a page, so it fits.
    usize::try_from(offset & (page as u64 - 1)).unwrap_or(0)
}

/// The size of the whole pages that hold `length` bytes from a file offset on.
pub(super) fn whole_pages(length: usize, offset: u64, page: usize) -> Result<usize> {
    let size = lead(offset, page).checked_add(length).and_then(|bytes| range::round_up(bytes, page));
    size.ok_or_else(|| Error::TooLong { length: length as u64, offset }.into())
}
