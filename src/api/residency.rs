//! Locking pages, reading them in, and which are in memory.

use super::flags::present;
use super::{Mapping, Part, Result};
use crate::constants::MLOCK_ONFAULT;
use std::ops::RangeBounds;

impl Mapping {
    /// Locks the pages that hold the bytes of a range into memory, reading them in. Locks are not counted: one
    /// [`Mapping::unlock`] removes them.
    ///
    /// ```
    /// let key = mmap_wrap::Mapping::anonymous(32)?;
    /// key.lock(..)?;
    /// key.unlock(..)?;
    /// # Ok::<(), mmap_wrap::Error>(())
    /// ```
    pub fn lock(&self, range: impl RangeBounds<usize>) -> Result<()> {
        let part = Part::new(range);
        self.with("lock", |core| core.lock(0, part.start, part.size()?))
    }

    /// Like [`Mapping::lock`], but pages that are not in memory are locked when they are first accessed.
    ///
    /// ```
    /// let memory = mmap_wrap::Mapping::anonymous(4096)?;
    /// if let Err(error) = memory.lock_on_fault(..) {
    ///     println!("{error}");    // a kernel before Linux 4.4
    /// }
    /// # Ok::<(), mmap_wrap::Error>(())
    /// ```
    pub fn lock_on_fault(&self, range: impl RangeBounds<usize>) -> Result<()> {
        let part = Part::new(range);
        self.with("lock_on_fault", |core| core.lock(present(MLOCK_ONFAULT, "MLOCK_ONFAULT")?, part.start, part.size()?))
    }

    /// Undoes [`Mapping::lock`], however often it was called.
    ///
    /// ```
    /// mmap_wrap::Mapping::anonymous(4096)?.unlock(..)?;
    /// # Ok::<(), mmap_wrap::Error>(())
    /// ```
    pub fn unlock(&self, range: impl RangeBounds<usize>) -> Result<()> {
        let part = Part::new(range);
        self.with("unlock", |core| core.unlock(part.start, part.size()?))
    }

    /// How many bytes of the pages that hold the bytes of a range are in memory. Counts whole pages.
    ///
    /// ```
    /// let memory = mmap_wrap::Mapping::anonymous(4096)?;
    /// # if memory.resident_bytes(..).is_ok() {
    /// assert_eq!(memory.resident_bytes(..)?, 0);
    /// memory.write(0, b"x")?;
    /// assert_eq!(memory.resident_bytes(..)?, mmap_wrap::page_size());
    /// # }
    /// # Ok::<(), mmap_wrap::Error>(())
    /// ```
    pub fn resident_bytes(&self, range: impl RangeBounds<usize>) -> Result<usize> {
        let part = Part::new(range);
        self.with("resident_bytes", |core| core.resident_bytes(part.start, part.size()?))
    }

    /// For each page that holds a byte of a range, whether it is in memory.
    ///
    /// ```
    /// let page = mmap_wrap::page_size();
    /// let memory = mmap_wrap::Mapping::anonymous(2 * page)?;
    /// # if memory.resident_bytes(..).is_ok() {
    /// memory.write(page, b"x")?;
    /// assert_eq!(memory.residency(..)?, [false, true]);
    /// # }
    /// # Ok::<(), mmap_wrap::Error>(())
    /// ```
    pub fn residency(&self, range: impl RangeBounds<usize>) -> Result<Vec<bool>> {
        let part = Part::new(range);
        self.with("residency", |core| {
            let size = core.check(part.start, part.size()?)?;
            // The range can include a part of a page at each end.
            let mut pages = vec![0_u8; size / core.page_size() + 2];
            let count = core.mincore(&mut pages[..], part.start, part.size()?)?;
            Ok(pages[..count].iter().map(|page| *page != 0).collect())
        })
    }

    /// Reads the pages that hold the bytes of a range in and prepares them for reading, so that accesses cause no page faults.
    ///
    /// ```
    /// mmap_wrap::Mapping::open("Cargo.toml")?.prefault(..)?;
    /// # Ok::<(), mmap_wrap::Error>(())
    /// ```
    pub fn prefault(&self, range: impl RangeBounds<usize>) -> Result<()> {
        let part = Part::new(range);
        self.with("prefault", |core| core.prefault(false, part.start, part.size()?).map(drop))
    }

    /// Like [`Mapping::prefault`], for writing. Contents do not change.
    ///
    /// ```
    /// mmap_wrap::Mapping::anonymous(1 << 20)?.prefault_for_writing(..)?;
    /// # Ok::<(), mmap_wrap::Error>(())
    /// ```
    pub fn prefault_for_writing(&self, range: impl RangeBounds<usize>) -> Result<()> {
        let part = Part::new(range);
        self.with("prefault_for_writing", |core| core.prefault(true, part.start, part.size()?).map(drop))
    }
}
