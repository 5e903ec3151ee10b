//! The page cache of mappings and of open files.

use super::{CacheStat, Error, Mapping, Part, Result};
use crate::error::Error as CoreError;
use crate::page_cache;
use crate::sys::{self, AsFile};
use std::ops::RangeBounds;

/// What the page cache holds of a range of a file, which may extend beyond its end: cachestat(2), Linux 6.5.
///
/// ```
/// let file = std::fs::File::open("Cargo.toml").unwrap();
/// match mmap_wrap::cachestat(&file, ..) {
///     Ok(cache) => println!("{} bytes are in memory", cache.cached),
///     Err(error) => println!("{error}"),
/// }
/// ```
pub fn cachestat(file: impl AsFile, range: impl RangeBounds<u64>) -> Result<CacheStat> {
    // SAFETY: the descriptor is borrowed.
    on(file, range, |fd, offset, size| unsafe { page_cache::cachestat(fd, offset, size) })
        .map_err(Error::in_operation("cachestat"))
}

/// Writes the modified pages of a file back, and evicts a range from the page cache. Pages that are mapped or in use stay.
///
/// ```
/// let file = std::fs::File::open("Cargo.toml").unwrap();
/// mmap_wrap::evict(&file, ..)?;
/// # Ok::<(), mmap_wrap::Error>(())
/// ```
pub fn evict(file: impl AsFile, range: impl RangeBounds<u64>) -> Result<()> {
    // SAFETY: the descriptor is borrowed.
    on(file, range, |fd, offset, size| unsafe { page_cache::evict(fd, offset, size) }).map_err(Error::in_operation("evict"))
}

/// Starts to read a range of a file into the page cache, and does not wait for the data.
///
/// ```
/// let file = std::fs::File::open("Cargo.toml").unwrap();
/// mmap_wrap::readahead(&file, ..4096)?;
/// # Ok::<(), mmap_wrap::Error>(())
/// ```
pub fn readahead(file: impl AsFile, range: impl RangeBounds<u64>) -> Result<()> {
    // SAFETY: the descriptor is borrowed.
    on(file, range, |fd, offset, size| unsafe { page_cache::readahead(fd, offset, size) })
        .map_err(Error::in_operation("readahead"))
}

fn on<T>(
    file: impl AsFile,
    range: impl RangeBounds<u64>,
    run: impl FnOnce(i64, i64, i64) -> Result<T, Box<CoreError>>,
) -> Result<T, Box<CoreError>> {
    let (start, size) = part_of_file(range)?;
    run(sys::raw(&file).into(), start, size)
}

/// A range of a file as offset and size, in `i64`.
pub(super) fn part_of_file(range: impl RangeBounds<u64>) -> Result<(i64, i64), Box<CoreError>> {
    let part = Part::new(range);
    Ok((part.start, part.size()?))
}

impl Mapping {
    /// What the page cache holds of the file behind a range, if the mapping keeps its file open: cachestat(2), Linux 6.5.
    ///
    /// ```
    /// let text = mmap_wrap::MapOptions::new().keep_file(true).open("Cargo.toml")?;
    /// match text.cachestat(..) {
    ///     Ok(cache) => println!("{} bytes are in memory", cache.cached),
    ///     Err(error) => println!("{error}"),
    /// }
    /// # Ok::<(), mmap_wrap::Error>(())
    /// ```
    pub fn cachestat(&self, range: impl RangeBounds<usize>) -> Result<CacheStat> {
        let part = Part::new(range);
        self.with("cachestat", |core| core.cachestat(part.start, part.size()?))
    }

    /// Removes the pages that hold the bytes of a range from memory, as far as the kernel can. Nothing is lost: they are read in
    /// again at the next access.
    ///
    /// ```
    /// let text = mmap_wrap::Mapping::open("Cargo.toml")?;
    /// text.page_out(..)?;
    /// assert_eq!(text.find("package", ..)?, Some(1));
    /// # Ok::<(), mmap_wrap::Error>(())
    /// ```
    pub fn page_out(&self, range: impl RangeBounds<usize>) -> Result<()> {
        let part = Part::new(range);
        self.with("page_out", |core| core.page_out(part.start, part.size()?))
    }
}
