//! Against mistakes and attacks: guard regions, sealing. And names, by which to know a mapping in /proc.

use super::Mapping;
use crate::constants::{MADV_GUARD_INSTALL, MADV_GUARD_REMOVE, PROT_NONE};
use crate::error::{Errno, Error, Result};
use crate::flags::to_c_int;
use crate::hints::memory_hint;
use crate::sys;
use std::ffi::CStr;
use std::sync::atomic::Ordering;

impl Mapping {
    /// Makes every access to the pages of `size` bytes (or `REST`) from `offset` a fault, until `guard(false, …)`. What
    /// they held is dropped. Both ends must be on page borders or at the mapping's own ends.
    ///
    /// ```
    /// # use mmap_wrap::internals::{Mapping, constants::*, range::REST};
    /// # let memory = Mapping::anonymous(1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE)?;
    /// memory.guard(true, 1 << 19, REST)?;
    /// assert!(memory.write(1 << 19, b"x").is_err());
    /// memory.guard(false, 1 << 19, REST)?;
    /// memory.write(1 << 19, b"x")?;
    /// # Ok::<(), Box<mmap_wrap::internals::Error>>(())
    /// ```
    pub fn guard(&self, on: bool, offset: i64, size: i64) -> Result<()> {
        let span = self.span(offset, size)?;
        if span.size == 0 {
            return Ok(());
        }
        let pages = span.of_whole_pages(self.grid)?;
        let (advice, name) = match on {
            true => (MADV_GUARD_INSTALL, "MADV_GUARD_INSTALL"),
            false => (MADV_GUARD_REMOVE, "MADV_GUARD_REMOVE"),
        };
        let advised = match advice {
            // This system has no such advice.
            0 => Err(Errno::EINVAL),
            advice => self.pages.advise(pages.clone(), to_c_int(advice, "advice")?),
        };
        match advised {
            // The kernel has no guard regions, or none in memory of this kind.
            Err(Errno::EINVAL) if on => self.fence(&pages).map_err(|errno| self.protect_refused(errno, PROT_NONE, span)),
            Err(errno) if errno != Errno::EINVAL => Err(self.advice_refused(errno, name, span)),
            _ if on => Ok(()),
            _ => self.lift_fences(&pages).map_err(|errno| self.protect_refused(errno, self.facts().protection, span)),
        }
    }

    /// Seals the pages that hold `size` bytes (or `REST`) from `offset`, mseal(2): until the process ends they can be neither
    /// unmapped nor moved, nor be protected otherwise.
    pub fn seal(&self, offset: i64, size: i64) -> Result<()> {
        self.seal_unless(&|| false, offset, size)
    }

    /// The same for a caller that may have promised to replace lost pages.
    pub(crate) fn seal_unless(&self, is_surviving: &dyn Fn() -> bool, offset: i64, size: i64) -> Result<()> {
        let span = self.span(offset, size)?;
        if span.size == 0 {
            return Ok(());
        }
        let before = self.origin.sealed.swap(true, Ordering::SeqCst);
        let sealed = if is_surviving() {
            Err(Error::argument("the mapping survives SIGBUS, and a sealed page cannot be replaced: end that first"))
        } else {
            sys::seal(&self.pages, span.widened(self.grid)).map_err(|errno| match errno {
                Errno::ENOSYS => Error::unsupported("mseal(2) (Linux 6.10, 64 bits)"),
                _ => Error::system(errno, format!("seal {span}"), memory_hint(errno)),
            })
        };
        if sealed.is_err() {
            self.origin.sealed.fetch_and(before, Ordering::SeqCst);
        }
        sealed
    }

    /// Whether a part of the mapping is sealed.
    pub(crate) fn is_sealed(&self) -> bool {
        self.origin.sealed.load(Ordering::SeqCst)
    }

    /// Names the mapping, for the lines of /proc/PID/maps, or takes its name away: prctl(2), PR_SET_VMA_ANON_NAME.
    pub fn name(&self, name: Option<&CStr>) -> Result<()> {
        if self.pages.size() == 0 {
            return Ok(());
        }
        sys::set_name(&self.pages, name).map_err(|errno| {
            let hint = match errno {
                Errno::EBADF => "only memory without a file can be named: memory files have a name from the beginning",
                Errno::EINVAL if !sys::can_name() => {
                    return Error::unsupported("naming memory (Linux 5.17 with CONFIG_ANON_VMA_NAME)");
                }
                Errno::EINVAL => "a name has at most 79 bytes, printable ASCII without [ ] \\ $ and `",
                _ => return Error::system(errno, attempt(name), memory_hint(errno)),
            };
            Error::system(errno, attempt(name), hint)
        })
    }
}

fn attempt(name: Option<&CStr>) -> String {
    match name {
        Some(name) => format!("name memory '{}'", name.to_string_lossy()),
        None => "take the name away".to_owned(),
    }
}
