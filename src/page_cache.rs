//! The page cache of a file: querying it, reading into it, evicting from it.
//!
//! Descriptors belong to the caller; sizes may be `REST`, to the end of the file. All functions may be called from any thread.

use crate::error::{Errno, Error, Result};
use crate::flags::descriptor;
use crate::range;
use crate::sys::{self, RAW_FILE, RawFile};
use std::ops::Range;

/// What the page cache holds of a part of a file, in bytes of whole pages.
///
/// ```
/// # let file = std::fs::File::open("Cargo.toml").unwrap();
/// if let Ok(cache) = mmap_wrap::cachestat(&file, ..) {
///     println!("{} of {} bytes are not stored yet", cache.dirty, cache.cached);
/// }
/// ```
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct CacheStat {
    /// Bytes in memory.
    pub cached: u64,
    /// Of those, dirty: modified, and not under writeback.
    pub dirty: u64,
    /// Of those, under writeback.
    pub writeback: u64,
    /// Evicted from memory, as far as the kernel remembers.
    pub evicted: u64,
    /// Of those, evicted so recently that more memory would have kept them.
    pub recently_evicted: u64,
}

/// What the page cache holds of `size` bytes (or `REST`) from `offset` of a file: every page that holds one of them.
/// Linux 6.5.
///
/// ```
/// use mmap_wrap::internals::{page_cache, error::*, range::REST, raw};
/// let file = std::fs::File::open("Cargo.toml").unwrap();
/// // SAFETY: the descriptor is this program's own.
/// match unsafe { page_cache::cachestat(raw(&file).into(), 0, REST) } {
///     Ok(cache) => println!("{} bytes are in memory", cache.cached),
///     Err(error) => println!("{error}"),
/// }
/// ```
///
/// # Safety
/// `fd` belongs to the caller, or is not open.
#[allow(unsafe_code, reason = "declares what the caller has to ensure")]
pub unsafe fn cachestat(fd: i64, offset: i64, size: i64) -> Result<CacheStat> {
    cachestat_part(descriptor(fd)?, range::file_range(offset, size)?)
}

pub(crate) fn cachestat_part(fd: RawFile, part: Range<u64>) -> Result<CacheStat> {
    if part.is_empty() {
        return Ok(CacheStat::default());
    }
    let (offset, size) = in_pages(&part);
    let pages = sys::cached_pages(fd, offset.unsigned_abs(), size.unsigned_abs()).map_err(|errno| {
        let hint = match errno {
            Errno::ENOSYS => return Error::unsupported("cachestat(2), of Linux 6.5 and newer,"),
            Errno::EOPNOTSUPP => return Error::unsupported("cachestat(2) of huge pages from the pool"),
            // Linux 6.14, commit 5f537664e705.
            Errno::EPERM => "these figures need ownership of the file, or permission to write it",
            _ => descriptor_hint(errno),
        };
        Error::system(errno, attempt("query the page cache of", fd, &part), hint)
    })?;
    let bytes = |pages: u64| pages.saturating_mul(sys::page_size() as u64);
    Ok(CacheStat {
        cached: bytes(pages.cached),
        dirty: bytes(pages.dirty),
        writeback: bytes(pages.writeback),
        evicted: bytes(pages.evicted),
        recently_evicted: bytes(pages.recently_evicted),
    })
}

/// Writes the modified pages of a file back, and evicts the pages that hold `size` bytes (or `REST`) from `offset` from the
/// page cache. Pages that are mapped or in use stay.
///
/// ```
/// use mmap_wrap::internals::{page_cache, range::REST, raw};
/// let file = std::fs::File::open("Cargo.toml").unwrap();
/// // SAFETY: the descriptor is this program's own.
/// unsafe { page_cache::evict(raw(&file).into(), 0, REST)? };
/// # Ok::<(), Box<mmap_wrap::internals::Error>>(())
/// ```
///
/// # Safety
/// `fd` belongs to the caller, or is not open.
#[allow(unsafe_code, reason = "declares what the caller has to ensure")]
pub unsafe fn evict(fd: i64, offset: i64, size: i64) -> Result<()> {
    let (fd, part) = (descriptor(fd)?, range::file_range(offset, size)?);
    if part.is_empty() { Ok(()) } else { evict_part(fd, part) }
}

/// The same for a part that is not empty. Modified pages would stay, so they are written back first.
pub(crate) fn evict_part(fd: RawFile, part: Range<u64>) -> Result<()> {
    match sys::store(fd) {
        // Read-only file systems have nothing to write and return an error; so do pipes, for which the next call fails, and
        // handles of Windows that are for reading only.
        Ok(()) | Err(Errno::EINVAL | Errno::EROFS | Errno::EACCES) => {}
        Err(errno) => return Err(Error::system(errno, attempt("store", fd, &part), descriptor_hint(errno))),
    }
    let (offset, size) = in_pages(&part);
    sys::evict_cached(fd, offset, size).map_err(|errno| advice_error(errno, attempt("evict", fd, &part)))
}

/// Starts to read `size` bytes (or `REST`) from `offset` of a file into the page cache, and does not wait for the data.
///
/// ```
/// use mmap_wrap::internals::{page_cache, range::REST, raw};
/// let file = std::fs::File::open("Cargo.toml").unwrap();
/// // SAFETY: the descriptor is this program's own.
/// unsafe { page_cache::readahead(raw(&file).into(), 0, REST)? };
/// # Ok::<(), Box<mmap_wrap::internals::Error>>(())
/// ```
///
/// # Safety
/// `fd` belongs to the caller, or is not open.
#[allow(unsafe_code, reason = "declares what the caller has to ensure")]
pub unsafe fn readahead(fd: i64, offset: i64, size: i64) -> Result<()> {
    let (fd, part) = (descriptor(fd)?, range::file_range(offset, size)?);
    if part.is_empty() {
        return Ok(());
    }
    // The kernel reads no more for one request than the device's read-ahead, whatever the size: so there is a request for each
    // piece, up to the end of the file.
    let file_size = sys::file_info(fd).map_or(0, |info| info.size);
    let within = part.start..part.end.min(file_size);
    let pieces = within.step_by(READ_AHEAD).map(|start| start..part.end.min(start + READ_AHEAD as u64));
    // The first request reports errors of the descriptor, also if there is nothing to read.
    let first = std::iter::once(part.start..part.end.min(part.start + READ_AHEAD as u64));
    for piece in first.chain(pieces.skip(1)) {
        let (offset, size) = in_pages(&piece);
        sys::read_ahead(fd, offset, size).map_err(|errno| advice_error(errno, attempt("read", fd, &part)))?;
    }
    Ok(())
}

/// Bytes of one request: the default read-ahead of devices.
const READ_AHEAD: usize = 128 * 1024;

fn advice_error(errno: Errno, attempt: String) -> Box<Error> {
    match errno {
        Errno::ENOSYS => Error::unsupported("advice about a file's pages (posix_fadvise)"),
        _ => Error::system(errno, attempt, descriptor_hint(errno)),
    }
}

fn attempt(what: &str, fd: RawFile, part: &Range<u64>) -> String {
    match part.end {
        range::END_OF_FILE => format!("{what} the bytes from offset {} of {RAW_FILE} {fd}", part.start),
        end => format!("{what} {} bytes from offset {} of {RAW_FILE} {fd}", end - part.start, part.start),
    }
}

fn descriptor_hint(errno: Errno) -> &'static str {
    match errno {
        Errno::EBADF => "it is not open",
        Errno::ESPIPE => "a pipe has no pages",
        Errno::EIO => "the data could not be stored",
        _ => "",
    }
}

/// The offset and size of the whole pages that hold a part; size 0 means "to the end", as in posix_fadvise(2).
fn in_pages(part: &Range<u64>) -> (i64, i64) {
    let page = sys::page_size() as u64;
    let start = part.start / page * page;
    let end = part.end.next_multiple_of(page);
    let number = |value: u64| i64::try_from(value).ok();
    // What ends beyond the largest offset ends at the end of the file.
    let size = number(end).filter(|_| part.end != range::END_OF_FILE).map_or(0, |end| end - number(start).unwrap_or(0));
    (number(start).unwrap_or(0), size)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::range::END_OF_FILE;

    #[test]
    fn a_part_of_a_file_is_widened_to_whole_pages() {
        let page = sys::page_size() as u64;
        let small = i64::try_from(page).unwrap();
        assert_eq!(in_pages(&(1..2)), (0, small));
        assert_eq!(in_pages(&(page..2 * page)), (small, small));
        assert_eq!(in_pages(&(page - 1..page + 1)), (0, 2 * small));
        assert_eq!(in_pages(&(page + 1..END_OF_FILE)), (small, 0));
        assert_eq!(in_pages(&(page..END_OF_FILE - 1)), (small, 0));
    }
}
