//! Huge pages: their size, memory aligned to it, and how much of a range they hold.

use super::Mapping;
use super::request::{FIXED, MapRequest};
use crate::error::{Errno, Error, Result};
use crate::sys;

/// Bytes in a transparent huge page.
///
/// ```
/// match mmap_wrap::internals::mapping::transparent_huge_page_size() {
///     Ok(bytes) => assert!(bytes.is_power_of_two()),
///     Err(error) => println!("{error}"),
/// }
/// ```
pub fn transparent_huge_page_size() -> Result<usize> {
    sys::transparent_huge_page_size().ok_or_else(|| Error::unsupported("transparent huge pages"))
}

impl Mapping {
    /// Like [`Mapping::from_descriptor`], with the first page at a multiple of `alignment`, a power of two. A smaller alignment
    /// than a page means a page.
    ///
    /// ```
    /// use mmap_wrap::internals::{Mapping, constants::*};
    /// let (length, prot, flags) = (4 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
    /// // SAFETY: there is no descriptor.
    /// let memory = unsafe { Mapping::aligned(2 << 20, length, prot, flags, -1, 0)? };
    /// assert_eq!(memory.address().addr() % (2 << 20), 0);
    /// # Ok::<(), Box<mmap_wrap::internals::Error>>(())
    /// ```
    ///
    /// # Safety
    /// `fd` belongs to the caller, or is -1.
    #[allow(unsafe_code, reason = "declares what the caller has to ensure")]
    pub unsafe fn aligned(alignment: i64, len: i64, prot: i64, flags: i64, fd: i64, offset: i64) -> Result<Mapping> {
        if alignment <= 0 || !alignment.unsigned_abs().is_power_of_two() {
            return Err(Error::argument(format!("alignment {alignment} is not a power of two")));
        }
        if flags & FIXED != 0 {
            return Err(Error::argument("MAP_FIXED sets the address: it cannot be combined with an alignment"));
        }
        // The size is known later, and what does not fit is an error then.
        let alignment = alignment.unsigned_abs();
        Mapping::from_request(&MapRequest { alignment, ..MapRequest::new(0, len, prot, flags, offset)? }, fd)
    }

    /// How many of `size` bytes (or `REST`) from `offset` are in huge pages now, transparent ones or pages of the pool.
    pub fn huge_bytes(&self, offset: i64, size: i64) -> Result<usize> {
        let span = self.span(offset, size)?;
        if span.size == 0 {
            return Ok(0);
        }
        let (bytes, pages) = (span.bytes(self.grid), span.covering_pages(self.grid));
        let mut sum = 0;
        let scanned = sys::each_huge_part(&self.pages, pages.clone(), |part| {
            sum += part.end.min(bytes.end).saturating_sub(part.start.max(bytes.start));
        });
        match scanned {
            Ok(()) => Ok(sum),
            // An older kernel, or no permission to scan: smaps reports it for whole mappings.
            Err(Errno::ENOTTY | Errno::ENOSYS | Errno::EINVAL | Errno::EACCES | Errno::EPERM | Errno::ENOENT) => {
                match sys::huge_bytes_by_smaps(&self.pages, pages.clone()) {
                    Ok(Some(0)) => Ok(0),
                    Ok(Some(all)) if all == pages.len() => Ok(span.size),
                    Ok(Some(some)) if bytes == pages => Ok(some),
                    _ => Err(Error::unsupported(
                        "counting huge pages in a part of a kernel mapping (PAGEMAP_SCAN, of Linux 6.7 and newer)",
                    )),
                }
            }
            Err(errno) => Err(Error::system(errno, format!("count huge pages in {span}"), "")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::constants::{MADV_COLLAPSE, MADV_HUGEPAGE, MAP_ANONYMOUS, MAP_PRIVATE, PROT_READ, PROT_WRITE};
    use crate::range::REST;

    #[test]
    fn smaps_agrees_with_a_scan_where_it_has_the_information() {
        let Some(huge) = sys::transparent_huge_page_size() else {
            println!("skipped: no transparent huge pages here");
            return;
        };
        let size = super::super::to_i64(huge);
        let flags = MAP_PRIVATE | MAP_ANONYMOUS;
        let request = MapRequest::new(0, 2 * size, PROT_READ | PROT_WRITE, flags, 0).unwrap();
        let memory = Mapping::from_request(&MapRequest { alignment: huge as u64, ..request }, -1).unwrap();
        // The advice also keeps this mapping's entry of smaps separate from its neighbours'.
        if let Err(error) = memory.advise(MADV_HUGEPAGE, 0, REST) {
            println!("skipped: {error}");
            return;
        }
        let by_smaps = |range| sys::huge_bytes_by_smaps(&memory.pages, range).unwrap();
        assert_eq!(by_smaps(0..2 * huge), Some(0));
        memory.write(0, b"x").unwrap();
        if memory.advise(MADV_COLLAPSE, 0, size).is_err() || memory.huge_bytes(0, REST) != Ok(huge) {
            println!("skipped: no huge page was made, or the system does not report it");
            return;
        }
        assert_eq!(by_smaps(0..2 * huge), Some(huge));
        assert_eq!(by_smaps(huge..2 * huge), None, "one of two pages is huge, and smaps does not report which");
        memory.write(size, b"x").unwrap();
        memory.advise(MADV_COLLAPSE, 0, REST).unwrap();
        assert_eq!(by_smaps(0..2 * huge), Some(2 * huge));
        assert_eq!(by_smaps(huge + sys::page_size()..2 * huge), Some(huge - sys::page_size()));
    }
}
