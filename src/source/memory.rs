//! Files in memory without a name in the file system: memfd_create(2), memfd_secret(2), and what the system has in their place.

use super::{Source, SourceKind, file_info, huge_page_size};
use crate::constants::{Group, MFD_HUGE_MASK, MFD_HUGE_SHIFT, MFD_HUGETLB};
use crate::error::{Errno, Error, Result};
use crate::flags::known;
use crate::hints::{file_size_hint, huge_page_hint, memory_hint};
use crate::sys::{self, File};
use std::ffi::CStr;

impl Source {
    /// A memory file of `size` bytes, memfd_create(2). The size of one of huge pages is rounded up to whole ones.
    pub fn memfd(name: &CStr, flags: i64, size: u64) -> Result<Source> {
        let c_flags = known(Group::MemfdFlag, flags, "memfd flags")?;
        let attempt = || format!("memory file '{}' with flags {flags:#x}", name.to_string_lossy());
        let is_huge = flags & MFD_HUGETLB != 0;
        let page = if is_huge { huge_page_size(flags >> MFD_HUGE_SHIFT & MFD_HUGE_MASK) } else { None };
        let fd = sys::memfd_create(name, c_flags).map_err(|errno| match errno {
            Errno::ENOSYS if is_huge => Error::unsupported("a memory file of huge pages, memfd_create(2) with MFD_HUGETLB,"),
            Errno::ENOSYS => Error::unsupported("memfd_create(2)"),
            Errno::ENODEV | Errno::EINVAL => {
                let flags_or_name = "this kernel lacks one of the flags, or the name is too long: 249 bytes";
                // A page size that this machine cannot address does not exist.
                let size = if is_huge { huge_page_hint(page.unwrap_or(0)) } else { None };
                Error::system(errno, attempt(), size.unwrap_or_else(|| flags_or_name.to_owned()))
            }
            _ => Error::system(errno, attempt(), memory_hint(errno)),
        })?;
        sized(fd, size, page.unwrap_or(1), attempt)
    }

    /// A memory file that only this process and its children can access, not even the kernel: memfd_secret(2).
    pub fn secret(size: u64) -> Result<Source> {
        let attempt = || "secret memory".to_owned();
        let fd = sys::memfd_secret().map_err(|errno| match errno {
            Errno::ENOSYS => {
                Error::unsupported("memfd_secret(2) (Linux 5.14, and before 6.5 the boot parameter secretmem.enable=1)")
            }
            _ => Error::system(errno, attempt(), memory_hint(errno)),
        })?;
        sized(fd, size, 1, attempt)
    }

    /// A file without a name, with the best mechanism available: a memory file, shared memory, an unlinked temporary file.
    pub fn unnamed(size: u64) -> Result<Source> {
        let attempt = || "a file without a name".to_owned();
        let fd = sys::memfd_create(c"mmap-wrap", 0)
            .or_else(|_| sys::unlinked_shared_memory())
            .or_else(|_| sys::unlinked_file(&std::env::temp_dir()))
            .map_err(|errno| Error::system(errno, attempt(), ""))?;
        sized(fd, size, 1, attempt)
    }
}

fn sized(fd: File, size: u64, page: usize, attempt: impl Fn() -> String) -> Result<Source> {
    let whole = size.checked_next_multiple_of(page as u64).ok_or(Error::TooLong { length: size, offset: 0 })?;
    sys::set_file_size(sys::raw(&fd), whole)
        .map_err(|errno| Error::system(errno, format!("{}, {whole} bytes of it", attempt()), file_size_hint(errno)))?;
    let info = file_info(sys::raw(&fd), attempt)?;
    Ok(Source::Opened { fd, kind: SourceKind::MemoryFile, info })
}
