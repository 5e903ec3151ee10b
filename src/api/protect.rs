//! Protection, advice and sync.

use super::flags::{Advice, Protection, SyncFlags};
use super::{Error, Mapping, Part, Result};
use crate::constants::MS_SYNC;
use crate::registry;
use std::ops::RangeBounds;

impl Mapping {
    /// Changes the protection of a range, which must begin on a page boundary; its end is rounded up to a page boundary.
    ///
    /// ```
    /// use mmap_wrap::{Mapping, Protection};
    /// let memory = Mapping::anonymous(4096)?;
    /// memory.protect(Protection::READ, ..)?;
    /// assert!(memory.write(0, b"x").is_err());
    /// # Ok::<(), mmap_wrap::Error>(())
    /// ```
    pub fn protect(&self, protection: Protection, range: impl RangeBounds<usize>) -> Result<()> {
        let part = Part::new(range);
        self.with("protect", |core| core.protect(protection.to_platform()?, part.start, part.size()?))
    }

    /// Gives the kernel advice about a range. Advice that loses no data applies to every page that holds one of the bytes; advice
    /// that discards data needs both ends on page boundaries or at the ends of the mapping.
    ///
    /// ```
    /// use mmap_wrap::{Advice, Mapping};
    /// Mapping::open("Cargo.toml")?.advise(Advice::Sequential, ..)?;
    /// # Ok::<(), mmap_wrap::Error>(())
    /// ```
    pub fn advise(&self, advice: Advice, range: impl RangeBounds<usize>) -> Result<()> {
        let part = Part::new(range);
        let advise = || registry::pin(self.handle)?.advise(advice.to_platform()?, part.start, part.size()?);
        advise().map_err(Error::in_operation("advise"))
    }

    /// Writes the pages that hold the bytes of a range back to the file, and waits until they are written.
    ///
    /// ```
    /// mmap_wrap::Mapping::anonymous(4096)?.sync(..)?;
    /// # Ok::<(), mmap_wrap::Error>(())
    /// ```
    pub fn sync(&self, range: impl RangeBounds<usize>) -> Result<()> {
        let part = Part::new(range);
        self.with("sync", |core| core.sync(MS_SYNC, part.start, part.size()?))
    }

    /// Like [`Mapping::sync`], with flags.
    ///
    /// ```
    /// use mmap_wrap::{Mapping, SyncFlags};
    /// Mapping::anonymous(4096)?.sync_with(SyncFlags::ASYNC, ..)?;
    /// # Ok::<(), mmap_wrap::Error>(())
    /// ```
    pub fn sync_with(&self, flags: SyncFlags, range: impl RangeBounds<usize>) -> Result<()> {
        let part = Part::new(range);
        self.with("sync_with", |core| core.sync(flags.to_platform()?, part.start, part.size()?))
    }
}
