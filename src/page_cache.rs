//! The page cache of a file: what it holds of it, and getting it in and out.
//!
//! Descriptors are the caller's, of any file that is open; sizes may be `REST`, to the end of the file. All functions may
//! be called from any thread.

use crate::error::{Errno, Error, Result};
use crate::flags::descriptor;
use crate::range;
use crate::sys::{self, RawFile};
use std::ops::Range;

/// What the page cache holds of a part of a file, in bytes: whole pages.
///
/// ```
/// # let file = std::fs::File::open("Cargo.toml").unwrap();
/// if let Ok(cache) = mmap_wrap::cached(&file, ..) {
///     println!("{} of {} bytes are not stored yet", cache.dirty, cache.cached);
/// }
/// ```
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Cache {
    /// In memory.
    pub cached: u64,
    /// Of those, changed and not yet being written.
    pub dirty: u64,
    /// Of those, being written now.
    pub writeback: u64,
    /// No longer in memory, as far as the kernel remembers.
    pub evicted: u64,
    /// Of those, evicted so lately that keeping them would have been better.
    pub recently_evicted: u64,
}

/// What the page cache holds of `size` bytes (or `REST`) from `offset` of a file: every page that holds one of them.
/// Linux 6.5.
///
/// ```
/// use mmap_wrap::internals::{page_cache, error::*, range::REST, raw};
/// let file = std::fs::File::open("Cargo.toml").unwrap();
/// // SAFETY: the descriptor is this program's own.
/// match unsafe { page_cache::from_descriptor(raw(&file).into(), 0, REST) } {
///     Ok(cache) => println!("{} bytes are in memory", cache.cached),
///     Err(error) => println!("{error}"),
/// }
/// ```
///
/// # Safety
/// `fd` is the caller's to use, unless it is not open.
#[allow(unsafe_code, reason = "declares what the caller has to see to")]
pub unsafe fn from_descriptor(fd: i64, offset: i64, size: i64) -> Result<Cache> {
    of_part(descriptor(fd)?, range::of_file(offset, size)?)
}

pub(crate) fn of_part(fd: RawFile, part: Range<u64>) -> Result<Cache> {
    if part.is_empty() {
        return Ok(Cache::default());
    }
    let (offset, size) = in_pages(&part);
    let pages = sys::cached_pages(fd, offset.unsigned_abs(), size.unsigned_abs()).map_err(|errno| {
        let hint = match errno {
            Errno::ENOSYS => return Error::unsupported("cachestat(2), of Linux 6.5 and newer,"),
            Errno::EOPNOTSUPP => return Error::unsupported("cachestat(2) of huge pages from the pool"),
            // Linux 6.14, commit 5f537664e705.
            Errno::EPERM => "figures of a file are for who owns it or may write it",
            _ => descriptor_hint(errno),
        };
        Error::system(errno, attempt("look at", fd, &part), hint)
    })?;
    let bytes = |pages: u64| pages.saturating_mul(sys::page_size() as u64);
    Ok(Cache {
        cached: bytes(pages.cached),
        dirty: bytes(pages.dirty),
        writeback: bytes(pages.writeback),
        evicted: bytes(pages.evicted),
        recently_evicted: bytes(pages.recently_evicted),
    })
}

/// Stores what changed of a file, and lets the page cache forget the pages that hold `size` bytes (or `REST`) from
/// `offset`. Pages that somebody maps or uses stay.
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
/// `fd` is the caller's to use, unless it is not open.
#[allow(unsafe_code, reason = "declares what the caller has to see to")]
pub unsafe fn evict(fd: i64, offset: i64, size: i64) -> Result<()> {
    let (fd, part) = (descriptor(fd)?, range::of_file(offset, size)?);
    if part.is_empty() { Ok(()) } else { evict_part(fd, part) }
}

/// The same for a part that is there. What is not stored yet would stay.
pub(crate) fn evict_part(fd: RawFile, part: Range<u64>) -> Result<()> {
    match sys::store(fd) {
        // File systems that are only read have nothing to store, and say so; so do pipes, which the next call refuses.
        Ok(()) | Err(Errno::EINVAL | Errno::EROFS) => {}
        Err(errno) => return Err(Error::system(errno, attempt("store", fd, &part), descriptor_hint(errno))),
    }
    let (offset, size) = in_pages(&part);
    sys::forget(fd, offset, size).map_err(|errno| advice_refused(errno, attempt("forget", fd, &part)))
}

/// Begins to read `size` bytes (or `REST`) from `offset` of a file into the page cache, and does not wait for it.
///
/// ```
/// use mmap_wrap::internals::{page_cache, range::REST, raw};
/// let file = std::fs::File::open("Cargo.toml").unwrap();
/// // SAFETY: the descriptor is this program's own.
/// unsafe { page_cache::warm(raw(&file).into(), 0, REST)? };
/// # Ok::<(), Box<mmap_wrap::internals::Error>>(())
/// ```
///
/// # Safety
/// `fd` is the caller's to use, unless it is not open.
#[allow(unsafe_code, reason = "declares what the caller has to see to")]
pub unsafe fn warm(fd: i64, offset: i64, size: i64) -> Result<()> {
    let (fd, part) = (descriptor(fd)?, range::of_file(offset, size)?);
    if part.is_empty() {
        return Ok(());
    }
    // The kernel reads no more at one request than the device's read-ahead, whatever was asked for: so there is one for
    // each piece, as far as the file goes.
    let file_size = sys::file_facts(fd).map_or(0, |facts| facts.size);
    let within = part.start..part.end.min(file_size);
    let pieces = within.step_by(READ_AHEAD).map(|start| start..part.end.min(start + READ_AHEAD as u64));
    // The request that is refused says why, also where nothing is to be read.
    let first = std::iter::once(part.start..part.end.min(part.start + READ_AHEAD as u64));
    for piece in first.chain(pieces.skip(1)) {
        let (offset, size) = in_pages(&piece);
        sys::read_ahead(fd, offset, size).map_err(|errno| advice_refused(errno, attempt("read", fd, &part)))?;
    }
    Ok(())
}

/// Bytes of a file that are asked for at a time: what devices read ahead by default.
const READ_AHEAD: usize = 128 * 1024;

fn advice_refused(errno: Errno, attempt: String) -> Box<Error> {
    match errno {
        Errno::ENOSYS => Error::unsupported("advice about a file's pages (posix_fadvise)"),
        _ => Error::system(errno, attempt, descriptor_hint(errno)),
    }
}

fn attempt(what: &str, fd: RawFile, part: &Range<u64>) -> String {
    match part.end {
        range::END_OF_FILE => format!("{what} the bytes from offset {} of descriptor {fd}", part.start),
        end => format!("{what} {} bytes from offset {} of descriptor {fd}", end - part.start, part.start),
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

/// The offset and size of the whole pages that hold a part; size 0 says "to the end", as the calls have it.
fn in_pages(part: &Range<u64>) -> (i64, i64) {
    let page = sys::page_size() as u64;
    let start = part.start / page * page;
    let end = part.end.next_multiple_of(page);
    let number = |value: u64| i64::try_from(value).ok();
    // Beyond the largest offset there is, all is "to the end".
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
