//! Guard regions, sealing, names.

use super::{Error, Mapping, Part, Result};
use crate::error::Error as CoreError;
use crate::registry;
use std::ffi::CString;
use std::ops::RangeBounds;

impl Mapping {
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
}
