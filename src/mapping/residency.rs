//! Which pages are in memory: querying, locking, reading in, paging out.

use super::{Mapping, is_shared};
use crate::buffer::Room;
use crate::constants::{MADV_DONTNEED, MADV_PAGEOUT, MADV_POPULATE_READ, MADV_POPULATE_WRITE};
use crate::constants::{MAP_ANONYMOUS, MCL_CURRENT, MCL_FUTURE, MCL_ONFAULT, MLOCK_ONFAULT, MS_SYNC};
use crate::error::{Errno, Error, Result};
use crate::flags::{as_c_int, to_c_int};
use crate::guarded::{self, Fault, Operation, Stop, Word};
use crate::hints::memory_hint;
use crate::page_cache::{self, CacheStat};
use crate::range::Span;
use crate::sys;
use std::ops::Range;
use std::sync::atomic::Ordering;

/// Locks all pages of the process into memory, whether this library mapped them or not, mlockall(2): MCL_CURRENT what is mapped
/// now, MCL_FUTURE what will be mapped; with MCL_ONFAULT each page when it is first accessed.
///
/// ```
/// use mmap_wrap::internals::{constants::*, mapping};
/// if mapping::lock_all(MCL_CURRENT).is_ok() {
///     mapping::unlock_all()?;
/// }
/// # Ok::<(), Box<mmap_wrap::internals::Error>>(())
/// ```
pub fn lock_all(flags: i64) -> Result<()> {
    let all = MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT;
    if flags & !all != 0 {
        return Err(Error::argument(format!("flags {flags:#x}: the valid bits on this platform are {all:#x} (MCL_)")));
    }
    sys::lock_all(to_c_int(flags, "flags")?).map_err(|errno| match errno {
        Errno::ENOSYS => Error::unsupported("mlockall(2)"),
        Errno::EINVAL => Error::system(
            errno,
            format!("lock all memory, flags {flags:#x}"),
            "the flags are MCL_CURRENT, MCL_FUTURE or both, and MCL_ONFAULT beside them (Linux 4.4)",
        ),
        _ => Error::system(errno, "lock all memory", lock_hint(errno)),
    })
}

/// Unlocks all pages of the process, and those that will be mapped: munlockall(2).
pub fn unlock_all() -> Result<()> {
    sys::unlock_all().map_err(|errno| match errno {
        Errno::ENOSYS => Error::unsupported("munlockall(2)"),
        _ => Error::system(errno, "unlock all memory", memory_hint(errno)),
    })
}

/// Pages of one mincore(2) call.
const PAGES_PER_CALL: usize = 2048;

impl Mapping {
    /// Locks the pages that hold `size` bytes (or `REST`) from `offset` into memory, reading them in; with MLOCK_ONFAULT, pages
    /// that are not in memory are locked when they are first accessed. Locks are not counted: one unlocking removes them.
    ///
    /// ```
    /// # use mmap_wrap::internals::{Mapping, constants::*, range::REST};
    /// # let memory = Mapping::anonymous(4096, PROT_READ | PROT_WRITE, MAP_PRIVATE)?;
    /// memory.lock(0, 0, REST)?;
    /// memory.unlock(0, REST)?;
    /// # Ok::<(), Box<mmap_wrap::internals::Error>>(())
    /// ```
    pub fn lock(&self, flags: i64, offset: i64, size: i64) -> Result<()> {
        if flags & !MLOCK_ONFAULT != 0 {
            return Err(Error::argument(format!("flags {flags:#x}: mlock takes 0 and MLOCK_ONFAULT ({MLOCK_ONFAULT:#x})")));
        }
        let span = self.span(offset, size)?;
        if span.size == 0 {
            return Ok(());
        }
        let pages = span.covering_pages(self.grid);
        let locked = if flags == 0 { self.pages.lock(pages) } else { sys::lock_on_fault(&self.pages, pages) };
        locked.map_err(|errno| match errno {
            Errno::ENOSYS => Error::unsupported("mlock2(2), of Linux 4.4 and newer,"),
            _ => Error::system(errno, format!("lock {span}"), lock_hint(errno)),
        })
    }

    /// Unlocks the pages that hold `size` bytes (or `REST`) from `offset`, however often they were locked.
    pub fn unlock(&self, offset: i64, size: i64) -> Result<()> {
        let span = self.span(offset, size)?;
        if span.size == 0 {
            return Ok(());
        }
        let unlocked = self.pages.unlock(span.covering_pages(self.grid));
        unlocked.map_err(|errno| Error::system(errno, format!("unlock {span}"), memory_hint(errno)))
    }

    /// Writes a byte to `to` for each page that holds one of `size` bytes (or `REST`) from `offset`: 1 if it is in memory, 0 if
    /// not. Returns the number of pages; if `to` is too small for all, nothing is written.
    ///
    /// ```
    /// # use mmap_wrap::internals::{Mapping, constants::*, range::REST};
    /// # let memory = Mapping::anonymous(4096, PROT_READ | PROT_WRITE, MAP_PRIVATE)?;
    /// # if memory.resident_bytes(0, REST).is_ok() {
    /// let mut pages = [7; 1];
    /// assert_eq!(memory.mincore(&mut pages[..], 0, REST)?, 1);
    /// assert_eq!(memory.resident_bytes(0, REST)?, 0);
    /// # }
    /// # Ok::<(), Box<mmap_wrap::internals::Error>>(())
    /// ```
    pub fn mincore<'a>(&self, to: impl Into<Room<'a>>, offset: i64, size: i64) -> Result<usize> {
        let to = to.into();
        let span = self.span(offset, size)?;
        let count = if span.size == 0 { 0 } else { span.covering_pages(self.grid).len() / self.grid.page };
        if to.size() < count {
            return Err(Error::NoRoom { room: to.size(), needed: count }.into());
        }
        let mut place = 0;
        self.each_page_in_memory(span, |present| {
            let written = guarded::store(present, &to, place);
            written.map_err(|fault| self.fault(fault, span))?;
            place += present.len();
            Ok(())
        })?;
        Ok(count)
    }

    /// How many bytes of the pages that hold `size` bytes (or `REST`) from `offset` are in memory. Counts whole pages.
    pub fn resident_bytes(&self, offset: i64, size: i64) -> Result<usize> {
        let mut bytes = 0;
        self.each_page_in_memory(self.span(offset, size)?, |present| {
            bytes += self.grid.page * present.iter().map(|byte| usize::from(*byte)).sum::<usize>();
            Ok(())
        })?;
        Ok(bytes)
    }

    /// Passes 1 or 0 for each page of a span, in order: whether it is in memory. Some pages at a time.
    fn each_page_in_memory(&self, span: Span, mut pass_on: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        let (page, small) = (self.grid.page, sys::page_size());
        let Range { start: mut at, end } = if span.size == 0 { 0..0 } else { span.covering_pages(self.grid) };
        let mut present = [0; PAGES_PER_CALL];
        while at < end {
            // The kernel reports base pages. A huge page of the pool is in memory as a whole: its first base page is enough.
            let count = if page == small { PAGES_PER_CALL.min((end - at) / page) } else { 1 };
            let outcome = sys::page_residency(&self.pages, at..at + count * small, &mut present[..count]);
            outcome.map_err(|errno| match errno {
                Errno::ENOSYS => Error::unsupported("mincore(2)"),
                Errno::ENOMEM => Error::system(
                    errno,
                    format!("query the residency of {span}"),
                    "a part of the mapping was unmapped without this library",
                ),
                _ => Error::system(errno, format!("query the residency of {span}"), ""),
            })?;
            present[..count].iter_mut().for_each(|byte| *byte &= 1);
            pass_on(&present[..count])?;
            at += count * page;
        }
        Ok(())
    }

    /// What the page cache holds of the file behind `size` bytes (or `REST`) from `offset`, if the mapping keeps its file open.
    /// Linux 6.5. [`page_cache::cachestat`] takes any descriptor.
    pub fn cachestat(&self, offset: i64, size: i64) -> Result<CacheStat> {
        let span = self.span(offset, size)?;
        let file = self.file()?;
        if span.size == 0 {
            return Ok(CacheStat::default());
        }
        page_cache::cachestat_part(sys::raw(&file), self.part_of_file(&span.covering_pages(self.grid)))
    }

    /// Reads the pages that hold `size` bytes (or `REST`) from `offset` in and prepares them for reading or for writing, so
    /// that accesses cause no page faults. Contents do not change. Returns the number of bytes of the range.
    ///
    /// ```
    /// # use mmap_wrap::internals::{Mapping, constants::*, range::REST};
    /// # let memory = Mapping::anonymous(5000, PROT_READ | PROT_WRITE, MAP_PRIVATE)?;
    /// assert_eq!(memory.prefault(true, 0, REST)?, 5000);
    /// # Ok::<(), Box<mmap_wrap::internals::Error>>(())
    /// ```
    pub fn prefault(&self, writing: bool, offset: i64, size: i64) -> Result<usize> {
        let span = self.span(offset, size)?;
        if span.size > 0 {
            let advice = to_c_int(if writing { MADV_POPULATE_WRITE } else { MADV_POPULATE_READ }, "advice")?;
            // A failure does not report where; and kernels before 5.14 lack the advice, as systems do where it is 0.
            if advice == 0 || self.pages.advise(span.covering_pages(self.grid), advice, self.sharing()).is_err() {
                self.touch(writing, span)?;
            }
        }
        Ok(span.size)
    }

    /// Accesses page after page, up to the first that faults.
    fn touch(&self, writing: bool, span: Span) -> Result<()> {
        let bytes = span.bytes(self.grid);
        for page in span.covering_pages(self.grid).step_by(self.grid.page) {
            // The mapping can begin inside its first page.
            let at = page.max(bytes.start);
            let failure = |by| self.fault(Fault { done: at - bytes.start, by }, span);
            if writing {
                match sys::touch_for_writing(&self.pages, page) {
                    Ok(()) => {}
                    Err(Errno::EFAULT) => return Err(failure(Stop::Mapping { at, writing })),
                    // An atomic addition of nothing loses no write of others, either.
                    Err(Errno::ENOSYS) => {
                        let added = guarded::atomic(&self.pages, page, Word::Bits32, Operation::Add(0));
                        added.map_err(|fault| match fault.by {
                            Stop::System(Errno::ENOSYS) => Error::unsupported("populating pages for writing"),
                            _ => failure(Stop::Mapping { at, writing }),
                        })?;
                    }
                    Err(errno) => return Err(failure(Stop::System(errno))),
                }
            } else {
                let mut byte = [0];
                guarded::read(&self.pages, at, (&mut byte[..]).into()).map_err(|fault| failure(fault.by))?;
            }
        }
        Ok(())
    }

    /// Removes the pages that hold `size` bytes (or `REST`) from `offset` from memory, as far as the kernel can. Nothing is
    /// lost: they are read in again at the next access.
    ///
    /// ```
    /// # use mmap_wrap::internals::{Mapping, constants::*, range::REST};
    /// # let memory = Mapping::anonymous(4096, PROT_READ | PROT_WRITE, MAP_PRIVATE)?;
    /// memory.write(0, b"kept")?;
    /// # if memory.page_out(0, 0).is_ok() && mmap_wrap::internals::constants::MADV_PAGEOUT != 0 {
    /// memory.page_out(0, REST)?;
    /// # }
    /// assert_eq!(memory.find(b"kept", 0, REST)?, 0);
    /// # Ok::<(), Box<mmap_wrap::internals::Error>>(())
    /// ```
    pub fn page_out(&self, offset: i64, size: i64) -> Result<()> {
        let span = self.span(offset, size)?;
        if span.size == 0 {
            return Ok(());
        }
        let pages = span.covering_pages(self.grid);
        let failure = |errno| {
            let hint = match errno {
                Errno::EINVAL => "locked pages, huge pages of the pool and memory of devices cannot be removed",
                Errno::EIO => "the data could not be stored",
                _ => "",
            };
            Error::system(errno, format!("remove {span} from memory"), hint)
        };
        if self.shows_a_file() {
            self.pages.sync(pages.clone(), as_c_int(MS_SYNC)).map_err(failure)?;
            // All data is in the file, so this loses nothing. Private pages would be discarded.
            self.pages.advise(pages.clone(), to_c_int(MADV_DONTNEED, "advice")?, self.sharing()).map_err(failure)?;
        } else {
            let advice = to_c_int(MADV_PAGEOUT, "advice")?;
            if !sys::supports_advice(advice) {
                return Err(Error::unsupported("MADV_PAGEOUT, of Linux 5.4 and newer,"));
            }
            self.pages.advise(pages.clone(), advice, self.sharing()).map_err(failure)?;
        }
        match &self.origin.file {
            Some(file) => match page_cache::evict_part(sys::raw(&file), self.part_of_file(&pages)) {
                // The pages are gone from this process; this system lets no program empty the page cache.
                Err(error) if matches!(*error, Error::Unsupported(_)) => Ok(()),
                evicted => evicted,
            },
            None => Ok(()),
        }
    }

    /// Whether every page belongs to the file, and none holds data of this process only.
    fn shows_a_file(&self) -> bool {
        is_shared(self.origin.flags)
            && self.origin.flags & MAP_ANONYMOUS == 0
            && !self.origin.has_fresh_pages.load(Ordering::SeqCst)
    }

    /// The part of the file that pages show.
    fn part_of_file(&self, pages: &Range<usize>) -> Range<u64> {
        let first_page = self.origin.offset - self.grid.lead as u64;
        first_page + pages.start as u64..first_page + pages.end as u64
    }
}

fn lock_hint(errno: Errno) -> String {
    let limit = match sys::limits().locked_memory {
        Some(bytes) => format!("this process may lock {bytes} bytes (RLIMIT_MEMLOCK)"),
        None => "RLIMIT_MEMLOCK sets no limit".to_owned(),
    };
    match errno {
        Errno::ENOMEM => format!("{limit}; else a page cannot be read, or vm.max_map_count is reached"),
        Errno::EAGAIN => format!("{limit}; else a page could not be read in"),
        Errno::EPERM => limit,
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::constants::{MAP_PRIVATE, MAP_SHARED, PROT_READ, PROT_WRITE};
    use crate::range::REST;

    const PAGES: usize = 64;

    fn memory(prot: i64, flags: i64) -> Mapping {
        let length = super::super::to_i64(PAGES * sys::page_size());
        Mapping::anonymous(length, prot, flags).unwrap()
    }

    #[test]
    fn touching_reads_every_page_in_where_the_kernel_has_no_advice_for_it() {
        for writing in [false, true] {
            let memory = memory(PROT_READ | PROT_WRITE, MAP_SHARED);
            assert_eq!(memory.resident_bytes(0, REST), Ok(0));
            memory.touch(writing, memory.span(0, REST).unwrap()).unwrap();
            assert_eq!(memory.resident_bytes(0, REST), Ok(memory.length()));
        }
        let read_only = memory(PROT_READ, MAP_PRIVATE);
        let failure = read_only.touch(true, read_only.span(5, REST).unwrap()).unwrap_err();
        assert!(matches!(*failure, Error::Fault { offset: 5, done: 0, .. }), "{failure}");
    }

    #[test]
    fn touching_for_writing_loses_no_write_of_another_thread() {
        // Always the first byte, so that both threads often access it at the same time.
        const ROUNDS: usize = 200_000;
        let memory = memory(PROT_READ | PROT_WRITE, MAP_SHARED);
        let done = std::sync::atomic::AtomicBool::new(false);
        let lost = std::thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(Ordering::SeqCst) {
                    memory.touch(true, Span { offset: 0, size: 1 }).unwrap();
                }
            });
            let values = (0..=u8::MAX).cycle().take(ROUNDS);
            let is_lost = |value: &u8| {
                memory.write(0, &[*value]).unwrap();
                memory.find(&[*value], 0, 1).is_err()
            };
            let lost = values.filter(is_lost).count();
            done.store(true, Ordering::SeqCst);
            lost
        });
        assert_eq!(lost, 0);
    }
}
