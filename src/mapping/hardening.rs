//! Against mistakes and attacks: guard regions, sealing. And names, by which to know a mapping in /proc.

use super::{Mapping, is_shared};
use crate::constants::{MADV_DONTNEED, MADV_GUARD_INSTALL, MADV_GUARD_REMOVE, MAP_ANONYMOUS, PROT_NONE};
use crate::error::{Errno, Error, Result};
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
        if MADV_GUARD_INSTALL == 0 {
            // This system has no guard regions, and 0 is another advice.
            return self.fence(on, offset, size);
        }
        if !on {
            let lifted = self.advise(MADV_GUARD_REMOVE, offset, size);
            return if self.origin.fenced.load(Ordering::SeqCst) { self.fence(false, offset, size) } else { lifted };
        }
        match self.advise(MADV_GUARD_INSTALL, offset, size) {
            Err(error) if matches!(*error, Error::System { errno: Errno::EINVAL, .. } | Error::Argument(_)) => {
                self.fence(true, offset, size)
            }
            done => done,
        }
    }

    /// Guards by protection, where the kernel lacks guard regions or has them not for this kind of memory.
    fn fence(&self, on: bool, offset: i64, size: i64) -> Result<()> {
        let span = self.span(offset, size)?;
        if span.size == 0 {
            return Ok(());
        }
        span.of_whole_pages(self.grid)?;
        let prot = self.origin.prot.load(Ordering::Relaxed);
        if on && !is_shared(self.origin.flags) && self.origin.flags & MAP_ANONYMOUS != 0 {
            // Locked pages cannot be dropped, and are not.
            let _ = self.advise(MADV_DONTNEED, offset, size);
        }
        self.origin.fenced.store(true, Ordering::SeqCst);
        self.protect(if on { PROT_NONE } else { prot }, offset, size)?;
        // What the mapping is protected as elsewhere is what the pages get back.
        self.origin.prot.store(prot, Ordering::Relaxed);
        Ok(())
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
