//! Operations on whole pages: protection, advice, sync.

use super::{Mapping, OR_PRIVATE};
use crate::constants::{self, Group, PROT_WRITE};
use crate::error::{Errno, Error, Result};
use crate::flags::{known, to_c_int};
use crate::hints::memory_hint;
use crate::range::Span;
use std::sync::atomic::Ordering;

impl Mapping {
    /// Changes the protection of `size` bytes (or `REST`) from `offset`, which must be on a page boundary or 0. The size is
    /// rounded up to whole pages, as POSIX specifies.
    ///
    /// ```
    /// # use mmap_wrap::internals::{Mapping, constants::*, range::REST};
    /// # let memory = Mapping::anonymous(4096, PROT_READ | PROT_WRITE, MAP_PRIVATE)?;
    /// memory.protect(PROT_READ, 0, REST)?;
    /// assert!(memory.write(0, b"x").is_err());
    /// # Ok::<(), Box<mmap_wrap::internals::Error>>(())
    /// ```
    pub fn protect(&self, prot: i64, offset: i64, size: i64) -> Result<()> {
        let c_prot = known(Group::Protection, prot, "protection")?;
        let span = self.span(offset, size)?;
        if span.size == 0 {
            if self.grid.length == 0 {
                // The mapping may grow later.
                self.origin.prot.store(c_prot, Ordering::Relaxed);
            }
            return Ok(());
        }
        if self.origin.flags & OR_PRIVATE != 0 && prot & PROT_WRITE != 0 {
            // The kernel would allow it, since the mapping is private.
            return Err(self.protect_error(Errno::EACCES, prot, span));
        }
        let pages = span.pages_from_aligned_start(self.grid)?;
        let whole = pages == (0..self.pages.size());
        // Also after a failure, which may come when some of the pages are changed.
        self.origin.has_own_protections.store(true, Ordering::Relaxed);
        self.protect_pages(&pages, c_prot).map_err(|errno| self.protect_error(errno, prot, span))?;
        if whole {
            self.origin.prot.store(c_prot, Ordering::Relaxed);
            self.origin.has_own_protections.store(false, Ordering::Relaxed);
        }
        Ok(())
    }

    #[cold]
    pub(super) fn protect_error(&self, errno: Errno, prot: i64, span: Span) -> Box<Error> {
        let attempt = format!("protection {prot:#x} for {span}");
        match errno {
            Errno::EACCES if self.origin.flags & OR_PRIVATE != 0 => {
                let hint = "this file cannot be mapped shared, and stores to a private mapping are not written to it: map it with MAP_PRIVATE";
                Error::system(errno, attempt, hint)
            }
            Errno::EACCES => Error::system(errno, attempt, "the file was not opened for such access, or is sealed against it"),
            Errno::EPERM if self.is_sealed() => Error::Sealed.into(),
            _ => Error::system(errno, attempt, memory_hint(errno)),
        }
    }

    /// Gives the kernel advice about `size` bytes (or `REST`) from `offset`. Advice that loses no data applies to every page
    /// that holds one of the bytes; advice that discards data needs both ends on page boundaries or at the ends of the mapping.
    ///
    /// ```
    /// # use mmap_wrap::internals::{Mapping, constants::*, range::REST};
    /// # let memory = Mapping::anonymous(10_000, PROT_READ | PROT_WRITE, MAP_PRIVATE)?;
    /// memory.advise(MADV_RANDOM, 5000, 10)?;
    /// assert!(memory.advise(MADV_DONTNEED, 4096, 10).is_err());
    /// # Ok::<(), Box<mmap_wrap::internals::Error>>(())
    /// ```
    pub fn advise(&self, advice: i64, offset: i64, size: i64) -> Result<()> {
        let constant =
            constants::advice(advice).ok_or_else(|| Error::argument(format!("{advice} is not advice that this platform has")))?;
        let span = self.span(offset, size)?;
        if span.size == 0 {
            return Ok(());
        }
        let pages = match constant.group {
            Group::Discarding => span.whole_pages(self.grid)?,
            _ => span.covering_pages(self.grid),
        };
        let advised = self.pages.advise(pages, to_c_int(advice, "advice")?, self.sharing());
        advised.map_err(|errno| self.advice_error(errno, constant.name, span))
    }

    #[cold]
    pub(super) fn advice_error(&self, errno: Errno, name: &str, span: Span) -> Box<Error> {
        let attempt = format!("{name} for {span}");
        match errno {
            Errno::EINVAL => Error::system(errno, attempt, "this kernel lacks it, or it does not apply to this kind of mapping"),
            Errno::EPERM if self.is_sealed() => Error::Sealed.into(),
            _ => Error::system(errno, attempt, memory_hint(errno)),
        }
    }

    /// Writes the pages that hold `size` bytes (or `REST`) from `offset` back to the file: MS_SYNC waits until they are
    /// written, MS_ASYNC does not.
    ///
    /// ```
    /// # use mmap_wrap::internals::{Mapping, constants::*, range::REST};
    /// # let memory = Mapping::anonymous(4096, PROT_READ | PROT_WRITE, MAP_SHARED)?;
    /// memory.sync(MS_SYNC, 0, REST)?;
    /// # Ok::<(), Box<mmap_wrap::internals::Error>>(())
    /// ```
    pub fn sync(&self, flags: i64, offset: i64, size: i64) -> Result<()> {
        let c_flags = known(Group::SyncFlag, flags, "msync flags")?;
        let span = self.span(offset, size)?;
        if span.size == 0 {
            return Ok(());
        }
        self.pages.sync(span.covering_pages(self.grid), c_flags).map_err(|errno| sync_error(errno, flags, span))
    }
}

#[cold]
fn sync_error(errno: Errno, flags: i64, span: Span) -> Box<Error> {
    let attempt = format!("flags {flags:#x} for {span}");
    let hint = match errno {
        Errno::EINVAL => "MS_SYNC and MS_ASYNC exclude each other",
        Errno::EBUSY => "pages of the range are locked",
        Errno::EIO => "the data could not be stored",
        _ => "",
    };
    Error::system(errno, attempt, hint)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::constants::{MAP_PRIVATE, PROT_READ};
    use crate::range::REST;

    #[test]
    fn a_private_mapping_in_place_of_a_shared_one_cannot_be_made_writable() {
        let mut memory = Mapping::anonymous(4096, PROT_READ, MAP_PRIVATE).unwrap();
        memory.origin.flags |= OR_PRIVATE;
        let failure = memory.protect(PROT_READ | PROT_WRITE, 0, REST).unwrap_err();
        assert_eq!(failure.code(), Errno::EACCES.code());
        assert!(failure.to_string().ends_with("map it with MAP_PRIVATE"), "{failure}");
        assert_eq!(memory.info().flags & OR_PRIVATE, 0);
        memory.protect(0, 0, REST).unwrap();
        memory.protect(PROT_READ, 0, REST).unwrap();
    }
}
