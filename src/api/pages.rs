//! Operations on whole pages: protection, advice, sync; residency; guard regions, seals; huge pages and NUMA.

use super::flags::{Advice, BindFlags, Policy, Protection, SyncFlags, present};
use super::{CacheStat, Error, Mapping, Part, Result, number};
use crate::constants::{MLOCK_ONFAULT, MS_SYNC};
use crate::error::Error as CoreError;
use crate::registry;
use std::ffi::CString;
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

    /// Makes every access to the pages of a range fault, until [`Mapping::unguard`]. Their contents are discarded. Both ends
    /// must be on page boundaries or at the ends of the mapping.
    ///
    /// ```
    /// let page = mmap_wrap::page_size();
    /// let memory = mmap_wrap::Mapping::anonymous(2 * page)?;
    /// memory.guard(page..)?;
    /// assert!(memory.write(page, b"x").is_err());
    /// memory.unguard(page..)?;
    /// memory.write(page, b"x")?;
    /// # Ok::<(), mmap_wrap::Error>(())
    /// ```
    pub fn guard(&self, range: impl RangeBounds<usize>) -> Result<()> {
        let part = Part::new(range);
        self.with("guard", |core| core.guard(true, part.start, part.size()?))
    }

    /// Undoes [`Mapping::guard`].
    ///
    /// ```
    /// # let memory = mmap_wrap::Mapping::anonymous(4096)?;
    /// memory.guard(..)?;
    /// memory.unguard(..)?;
    /// # Ok::<(), mmap_wrap::Error>(())
    /// ```
    pub fn unguard(&self, range: impl RangeBounds<usize>) -> Result<()> {
        let part = Part::new(range);
        self.with("unguard", |core| core.guard(false, part.start, part.size()?))
    }

    /// Seals the pages that hold the bytes of a range, mseal(2): until the process ends they can be neither unmapped nor moved,
    /// nor their protection changed. Dropping the mapping does not unmap it.
    ///
    /// ```
    /// let memory = mmap_wrap::Mapping::anonymous(4096)?;
    /// match memory.mseal(..) {
    ///     Ok(()) => assert!(memory.unmap().is_err()),
    ///     Err(error) => println!("{error}"),    // Linux before 6.10
    /// }
    /// # Ok::<(), mmap_wrap::Error>(())
    /// ```
    pub fn mseal(&self, range: impl RangeBounds<usize>) -> Result<()> {
        let part = Part::new(range);
        let seal = || registry::pin(self.handle)?.mseal(part.start, part.size()?);
        seal().map_err(Error::in_operation("mseal"))
    }

    /// Sets the name of memory without a file in /proc/PID/maps; an empty name removes it.
    ///
    /// ```
    /// let memory = mmap_wrap::MapOptions::new().private().anonymous(4096)?;
    /// if let Err(error) = memory.set_name("counters") {
    ///     println!("{error}");    // Linux before 5.17
    /// }
    /// # Ok::<(), mmap_wrap::Error>(())
    /// ```
    pub fn set_name(&self, name: &str) -> Result<()> {
        self.with("set_name", |core| {
            let name = CString::new(name).map_err(|_| CoreError::argument("the name has a NUL byte"))?;
            core.set_name(if name.is_empty() { None } else { Some(&name) })
        })
    }

    /// How many bytes of a range are in huge pages now, transparent ones or pages of the pool.
    ///
    /// ```
    /// match mmap_wrap::Mapping::anonymous(4096)?.huge_bytes(..) {
    ///     Ok(bytes) => assert_eq!(bytes, 0),
    ///     Err(error) => println!("{error}"),
    /// }
    /// # Ok::<(), mmap_wrap::Error>(())
    /// ```
    pub fn huge_bytes(&self, range: impl RangeBounds<usize>) -> Result<usize> {
        let part = Part::new(range);
        self.with("huge_bytes", |core| core.huge_bytes(part.start, part.size()?))
    }

    /// Sets the NUMA nodes on which the pages of a range are allocated at the first access and, with [`BindFlags::MOVE`], to
    /// which they are moved now.
    ///
    /// ```
    /// use mmap_wrap::{BindFlags, Mapping, Policy};
    /// if let Err(error) = Mapping::anonymous(4096)?.mbind(Policy::Preferred, &[0], BindFlags::empty(), ..) {
    ///     println!("{error}");    // a kernel without NUMA
    /// }
    /// # Ok::<(), mmap_wrap::Error>(())
    /// ```
    pub fn mbind(&self, policy: Policy, nodes: &[usize], flags: BindFlags, range: impl RangeBounds<usize>) -> Result<()> {
        /// More nodes than any kernel supports.
        const MAX: usize = 1 << 16;
        let part = Part::new(range);
        self.with("mbind", |core| {
            let mut words = vec![0; nodes.iter().max().map_or(0, |last| (*last).min(MAX) / 64 + 1)];
            for node in nodes {
                if *node >= MAX {
                    return Err(CoreError::argument(format!("node {node}: there are fewer than {MAX}")));
                }
                words[node / 64] |= 1 << (node % 64);
            }
            core.mbind(policy.to_platform()?, &words, flags.to_platform()?, part.start, part.size()?)
        })
    }

    /// The NUMA node of the page that holds the byte at `offset`; an error of ENOENT if no page is in memory.
    ///
    /// ```
    /// let memory = mmap_wrap::Mapping::anonymous(4096)?;
    /// memory.write(0, b"x")?;
    /// match memory.numa_node(0) {
    ///     Ok(node) => println!("on node {node}"),
    ///     Err(error) => println!("{error}"),    // a kernel without NUMA
    /// }
    /// # Ok::<(), mmap_wrap::Error>(())
    /// ```
    pub fn numa_node(&self, offset: usize) -> Result<usize> {
        self.with("numa_node", |core| core.numa_node(number(offset))).map(|node| usize::try_from(node).unwrap_or(0))
    }
}
