//! Guard regions, sealing, and names in /proc/PID/maps.

use super::Mapping;
use crate::constants::{MADV_GUARD_INSTALL, MADV_GUARD_REMOVE, PROT_NONE};
use crate::error::{Errno, Error, Result};
use crate::flags::to_c_int;
use crate::hints::memory_hint;
use crate::sys;
use std::ffi::CStr;
use std::sync::atomic::Ordering;

impl Mapping {
    /// Makes every access to the pages of `size` bytes (or `REST`) from `offset` fault, until `guard(false, …)`. Their contents
    /// are discarded. Both ends must be on page boundaries or at the ends of the mapping.
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
        let pages = span.whole_pages(self.grid)?;
        let (advice, name) = match on {
            true => (MADV_GUARD_INSTALL, "MADV_GUARD_INSTALL"),
            false => (MADV_GUARD_REMOVE, "MADV_GUARD_REMOVE"),
        };
        let advised = match advice {
            // This system has no such advice.
            0 => Err(Errno::EINVAL),
            advice => self.pages.advise(pages.clone(), to_c_int(advice, "advice")?, self.sharing()),
        };
        match advised {
            // The kernel has no guard regions, or none in memory of this kind.
            Err(Errno::EINVAL) if on => self.fence(&pages).map_err(|errno| self.protect_error(errno, PROT_NONE, span)),
            Err(errno) if errno != Errno::EINVAL => Err(self.advice_error(errno, name, span)),
            _ if on => Ok(()),
            _ => self.lift_fences(&pages).map_err(|errno| self.protect_error(errno, self.info().protection, span)),
        }
    }

    /// Seals the pages that hold `size` bytes (or `REST`) from `offset`, mseal(2): until the process ends they can be neither
    /// unmapped nor moved, nor their protection changed.
    pub fn mseal(&self, offset: i64, size: i64) -> Result<()> {
        self.seal_unless(&|| false, offset, size)
    }

    /// Like `seal`, but an error for a surviving mapping, whose lost pages must be replaceable.
    pub(crate) fn seal_unless(&self, is_surviving: &dyn Fn() -> bool, offset: i64, size: i64) -> Result<()> {
        let span = self.span(offset, size)?;
        if span.size == 0 {
            return Ok(());
        }
        let before = self.origin.sealed.swap(true, Ordering::SeqCst);
        let sealed = if is_surviving() {
            Err(Error::argument("the mapping survives SIGBUS, and a sealed page cannot be replaced: turn surviving off first"))
        } else {
            sys::seal(&self.pages, span.covering_pages(self.grid)).map_err(|errno| match errno {
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

    /// Sets the name of the mapping in /proc/PID/maps, or removes it: prctl(2), PR_SET_VMA_ANON_NAME.
    pub fn set_name(&self, name: Option<&CStr>) -> Result<()> {
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
        None => "remove the name".to_owned(),
    }
}
