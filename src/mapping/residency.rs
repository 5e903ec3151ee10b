//! Which pages are in memory: asking, locking, getting them in and out.

use super::{Mapping, is_shared};
use crate::buffer::Room;
use crate::constants::{MADV_DONTNEED, MADV_PAGEOUT, MADV_POPULATE_READ, MADV_POPULATE_WRITE};
use crate::constants::{MAP_ANONYMOUS, MCL_CURRENT, MCL_FUTURE, MCL_ONFAULT, MLOCK_ONFAULT, MS_SYNC};
use crate::error::{Errno, Error, Result};
use crate::flags::{as_c_int, to_c_int};
use crate::guarded::{self, Fault, Operation, Stop, Word};
use crate::hints::memory_hint;
use crate::page_cache::{self, Cache};
use crate::range::Span;
use crate::sys;
use std::ops::Range;
use std::sync::atomic::Ordering;

/// Keeps all memory of the process in memory, whether this library mapped it or not: MCL_CURRENT what there is, MCL_FUTURE
/// what will be mapped, and with MCL_ONFAULT beside them each page once it is touched. mlockall(2).
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
        return Err(Error::argument(format!("flags {flags:#x}: the bits that this platform knows are {all:#x} (MCL_)")));
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

/// Lets all memory of the process go again, and what will be mapped: munlockall(2).
pub fn unlock_all() -> Result<()> {
    sys::unlock_all().map_err(|errno| match errno {
        Errno::ENOSYS => Error::unsupported("munlockall(2)"),
        _ => Error::system(errno, "unlock all memory", memory_hint(errno)),
    })
}

/// Pages that the kernel is asked about at a time.
const PIECE: usize = 2048;

impl Mapping {
    /// Keeps the pages that hold `size` bytes (or `REST`) from `offset` in memory, reading them in; with MLOCK_ONFAULT
    /// those that are there, and each other one once it is touched. Locks do not add up: one unlocking undoes them.
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
            return Err(Error::argument(format!("flags {flags:#x}: locking knows 0 and MLOCK_ONFAULT ({MLOCK_ONFAULT:#x})")));
        }
        let span = self.span(offset, size)?;
        if span.size == 0 {
            return Ok(());
        }
        let pages = span.widened(self.grid);
        let locked = if flags == 0 { self.pages.lock(pages) } else { sys::lock_on_fault(&self.pages, pages) };
        locked.map_err(|errno| match errno {
            Errno::ENOSYS => Error::unsupported("mlock2(2), of Linux 4.4 and newer,"),
            _ => Error::system(errno, format!("lock {span}"), lock_hint(errno)),
        })
    }

    /// Lets the pages that hold `size` bytes (or `REST`) from `offset` go again, however often they were locked.
    pub fn unlock(&self, offset: i64, size: i64) -> Result<()> {
        let span = self.span(offset, size)?;
        if span.size == 0 {
            return Ok(());
        }
        let unlocked = self.pages.unlock(span.widened(self.grid));
        unlocked.map_err(|errno| Error::system(errno, format!("unlock {span}"), memory_hint(errno)))
    }

    /// Sets a byte of `to` for each page that holds one of `size` bytes (or `REST`) from `offset`: 1 where it is in
    /// memory, 0 where not. Answers how many pages that are; where there is not room for all, nothing is written.
    ///
    /// ```
    /// # use mmap_wrap::internals::{Mapping, constants::*, range::REST};
    /// # let memory = Mapping::anonymous(4096, PROT_READ | PROT_WRITE, MAP_PRIVATE)?;
    /// # if memory.resident(0, REST).is_ok() {
    /// let mut pages = [7; 1];
    /// assert_eq!(memory.presence(&mut pages[..], 0, REST)?, 1);
    /// assert_eq!(memory.resident(0, REST)?, 0);
    /// # }
    /// # Ok::<(), Box<mmap_wrap::internals::Error>>(())
    /// ```
    pub fn presence<'a>(&self, to: impl Into<Room<'a>>, offset: i64, size: i64) -> Result<usize> {
        let to = to.into();
        let span = self.span(offset, size)?;
        let count = if span.size == 0 { 0 } else { span.widened(self.grid).len() / self.grid.page };
        if to.size() < count {
            return Err(Error::NoRoom { room: to.size(), needed: count }.into());
        }
        let mut place = 0;
        self.each_piece(span, |present| {
            let written = guarded::store(present, &to, place);
            written.map_err(|fault| self.fault(fault, span))?;
            place += present.len();
            Ok(())
        })?;
        Ok(count)
    }

    /// How many bytes are in memory of the pages that hold `size` bytes (or `REST`) from `offset`: whole pages.
    pub fn resident(&self, offset: i64, size: i64) -> Result<usize> {
        let mut bytes = 0;
        self.each_piece(self.span(offset, size)?, |present| {
            bytes += self.grid.page * present.iter().map(|byte| usize::from(*byte)).sum::<usize>();
            Ok(())
        })?;
        Ok(bytes)
    }

    /// Passes on for each page of a span, in order, whether it is in memory: 1 or 0, some pages at a time.
    fn each_piece(&self, span: Span, mut pass_on: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        let (page, small) = (self.grid.page, sys::page_size());
        let Range { start: mut at, end } = if span.size == 0 { 0..0 } else { span.widened(self.grid) };
        let mut present = [0; PIECE];
        while at < end {
            // The kernel counts in small pages. A huge page from the pool is there as a whole: its first one tells.
            let count = if page == small { PIECE.min((end - at) / page) } else { 1 };
            let outcome = sys::presence(&self.pages, at..at + count * small, &mut present[..count]);
            outcome.map_err(|errno| match errno {
                Errno::ENOSYS => Error::unsupported("mincore(2)"),
                Errno::ENOMEM => Error::system(errno, format!("look for {span}"), "somebody else unmapped a part of the mapping"),
                _ => Error::system(errno, format!("look for {span}"), ""),
            })?;
            present[..count].iter_mut().for_each(|byte| *byte &= 1);
            pass_on(&present[..count])?;
            at += count * page;
        }
        Ok(())
    }

    /// What the page cache holds of the file behind `size` bytes (or `REST`) from `offset`, where the mapping keeps its
    /// file open. Linux 6.5. [`page_cache::from_descriptor`] reports it of any descriptor.
    pub fn cache(&self, offset: i64, size: i64) -> Result<Cache> {
        let span = self.span(offset, size)?;
        let file = self.file()?;
        if span.size == 0 {
            return Ok(Cache::default());
        }
        page_cache::of_part(sys::raw(&file), self.part_of_file(&span.widened(self.grid)))
    }

    /// Makes the pages that hold `size` bytes (or `REST`) from `offset` ready for reading, or for writing: accesses meet no
    /// page fault then. Their contents stay as they are. Answers the bytes of the range.
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
            // On failure it does not say where; and kernels before 5.14 do not know it. (0: nor does this system.)
            if advice == 0 || self.pages.advise(span.widened(self.grid), advice).is_err() {
                self.touch(writing, span)?;
            }
        }
        Ok(span.size)
    }

    /// Touches page after page, up to the first that refuses.
    fn touch(&self, writing: bool, span: Span) -> Result<()> {
        let bytes = span.bytes(self.grid);
        for page in span.widened(self.grid).step_by(self.grid.page) {
            // The first page can begin before the mapping does.
            let at = page.max(bytes.start);
            let refused = |by| self.fault(Fault { done: at - bytes.start, by }, span);
            if writing {
                match sys::touch_for_writing(&self.pages, page) {
                    Ok(()) => {}
                    Err(Errno::EFAULT) => return Err(refused(Stop::Mapping { at, writing })),
                    // An atomic addition of nothing loses no write of others, either.
                    Err(Errno::ENOSYS) => {
                        let added = guarded::atomic(&self.pages, page, Word::Bits32, Operation::Add(0));
                        added.map_err(|fault| match fault.by {
                            Stop::System(Errno::ENOSYS) => Error::unsupported("making pages ready for writing"),
                            _ => refused(Stop::Mapping { at, writing }),
                        })?;
                    }
                    Err(errno) => return Err(refused(Stop::System(errno))),
                }
            } else {
                let mut byte = [0];
                guarded::read(&self.pages, at, (&mut byte[..]).into()).map_err(|fault| refused(fault.by))?;
            }
        }
        Ok(())
    }

    /// Lets the pages that hold `size` bytes (or `REST`) from `offset` go from memory, as far as the kernel finds it
    /// possible; what they hold is read in again when it is next used. Nothing is lost.
    ///
    /// ```
    /// # use mmap_wrap::internals::{Mapping, constants::*, range::REST};
    /// # let memory = Mapping::anonymous(4096, PROT_READ | PROT_WRITE, MAP_PRIVATE)?;
    /// memory.write(0, b"kept")?;
    /// # if memory.drop_pages(0, 0).is_ok() && mmap_wrap::internals::constants::MADV_PAGEOUT != 0 {
    /// memory.drop_pages(0, REST)?;
    /// # }
    /// assert_eq!(memory.find(b"kept", 0, REST)?, 0);
    /// # Ok::<(), Box<mmap_wrap::internals::Error>>(())
    /// ```
    pub fn drop_pages(&self, offset: i64, size: i64) -> Result<()> {
        let span = self.span(offset, size)?;
        if span.size == 0 {
            return Ok(());
        }
        let pages = span.widened(self.grid);
        let refused = |errno| {
            let hint = match errno {
                Errno::EINVAL => "locked pages, huge pages from the pool and memory of devices cannot go",
                Errno::EIO => "the data could not be stored",
                _ => "",
            };
            Error::system(errno, format!("drop {span}"), hint)
        };
        if self.shows_a_file() {
            self.pages.sync(pages.clone(), as_c_int(MS_SYNC)).map_err(refused)?;
            // The file has it all, so this loses nothing. Memory of our own it would discard.
            self.pages.advise(pages.clone(), to_c_int(MADV_DONTNEED, "advice")?).map_err(refused)?;
        } else {
            let advice = to_c_int(MADV_PAGEOUT, "advice")?;
            if !sys::knows_advice(advice) {
                return Err(Error::unsupported("MADV_PAGEOUT, of Linux 5.4 and newer,"));
            }
            self.pages.advise(pages.clone(), advice).map_err(refused)?;
        }
        match &self.origin.file {
            Some(file) => page_cache::evict_part(sys::raw(&file), self.part_of_file(&pages)),
            None => Ok(()),
        }
    }

    /// Whether every page is a file's own, and not a copy that only this memory holds.
    fn shows_a_file(&self) -> bool {
        is_shared(self.origin.flags)
            && self.origin.flags & MAP_ANONYMOUS == 0
            && !self.origin.has_fresh_pages.load(Ordering::SeqCst)
    }

    /// Where pages lie in the file.
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
    fn touching_brings_every_page_where_the_kernel_has_no_advice_for_it() {
        for writing in [false, true] {
            let memory = memory(PROT_READ | PROT_WRITE, MAP_SHARED);
            assert_eq!(memory.resident(0, REST), Ok(0));
            memory.touch(writing, memory.span(0, REST).unwrap()).unwrap();
            assert_eq!(memory.resident(0, REST), Ok(memory.length()));
        }
        let read_only = memory(PROT_READ, MAP_PRIVATE);
        let refused = read_only.touch(true, read_only.span(5, REST).unwrap()).unwrap_err();
        assert!(matches!(*refused, Error::Fault { offset: 5, done: 0, .. }), "{refused}");
    }

    #[test]
    fn touching_for_writing_loses_no_write_of_others() {
        // The first byte over and over, so that both are often there at the same time.
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
