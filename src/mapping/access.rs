//! Access to the bytes: reading, writing, searching.

use super::{GUARD_REGIONS, Mapping, to_i64};
use crate::constants::{MAP_ANONYMOUS, MAP_HUGETLB, PROT_READ, PROT_WRITE};
use crate::error::{Errno, Error, Result, Side};
use crate::guarded::{self, Fault, Place, Refusal, Way};
use crate::range::{self, Span};
use crate::sys::{self, Pages};
use std::mem::MaybeUninit;
use std::sync::atomic::Ordering;

/// What lets a page be read: there are none that can be written only.
pub(super) const READABLE: i64 = PROT_READ | PROT_WRITE;

/// How many bytes an access without a guard has at most: so few that who waits for it waits for a moment only.
const LITTLE: usize = 16 * 1024;

impl Mapping {
    /// Checks that `size` bytes (or `REST`) from `offset` lie inside, and touches none; answers how many they are.
    ///
    /// ```
    /// # use mmap_wrap::{Mapping, constants::*, range::REST};
    /// # let memory = Mapping::of_descriptor(0, 100, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)?;
    /// assert_eq!(memory.check(10, REST)?, 90);
    /// assert!(memory.check(10, 91).is_err());
    /// # Ok::<(), Box<mmap_wrap::Error>>(())
    /// ```
    pub fn check(&self, offset: i64, size: i64) -> Result<usize> {
        self.span(offset, size).map(|span| span.size)
    }

    /// Copies the bytes from `offset` on to `to`, all of them or an error.
    pub fn read(&self, offset: i64, to: &mut [MaybeUninit<u8>]) -> Result<()> {
        let span = self.span(offset, to_i64(to.len()))?;
        let at = span.bytes(self.grid).start;
        let done = self.in_the_best_way(span.size, READABLE, |way| guarded::read(&self.pages, at, to, way));
        done.map_err(|fault| self.refusal(fault, span))
    }

    /// Copies `from` over the bytes from `offset` on.
    pub fn write(&self, offset: i64, from: &[u8]) -> Result<()> {
        let span = self.span(offset, to_i64(from.len()))?;
        let at = span.bytes(self.grid).start;
        let done = self.in_the_best_way(span.size, PROT_WRITE, |way| guarded::write(&self.pages, at, from, way));
        done.map_err(|fault| self.refusal(fault, span))
    }

    /// Sets `size` bytes (or `REST`) from `offset` to `byte`; answers how many.
    pub fn fill(&self, offset: i64, byte: i64, size: i64) -> Result<usize> {
        let byte = u8::try_from(byte).map_err(|_| Error::argument(format!("{byte} is no byte: 0 to 255")))?;
        let span = self.span(offset, size)?;
        let done = guarded::fill(&self.pages, span.bytes(self.grid), byte, self.is_writable());
        done.map(|()| span.size).map_err(|fault| self.refusal(fault, span))
    }

    /// Copies `size` bytes from offset `from` to offset `to`, which may overlap; answers how many.
    pub fn copy_within(&self, to: i64, from: i64, size: i64) -> Result<usize> {
        let source = self.span(from, size)?;
        let target = self.span(to, to_i64(source.size))?;
        let (to, from) = (target.bytes(self.grid).start, source.bytes(self.grid).start);
        let done = guarded::copy_within(&self.pages, to, from, source.size, self.is_writable());
        done.map(|()| source.size).map_err(|fault| self.refusal(fault, target))
    }

    /// The offset of the first `needle` that lies within `start` up to, not including, `end` (or `REST`). An empty
    /// needle is found at `start`.
    pub fn find(&self, needle: &[u8], start: i64, end: i64) -> Result<usize> {
        self.search(guarded::find, needle, start, end)
    }

    /// The offset of the last `needle` within `start` up to `end`. An empty needle is found at `end`.
    pub fn rfind(&self, needle: &[u8], start: i64, end: i64) -> Result<usize> {
        self.search(guarded::rfind, needle, start, end)
    }

    /// How many `needle`s, none overlapping another, lie whole within `start` up to `end` (or `REST`). An empty needle is
    /// there once more than there are bytes.
    ///
    /// ```
    /// # use mmap_wrap::{Mapping, constants::*, range::REST};
    /// # let memory = Mapping::of_descriptor(0, 9, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)?;
    /// memory.write(0, b"aaa\nbbb\na")?;
    /// assert_eq!(memory.count(b"\n", 0, REST)?, 2);
    /// assert_eq!(memory.count(b"aa", 0, REST)?, 1);
    /// # Ok::<(), Box<mmap_wrap::Error>>(())
    /// ```
    pub fn count(&self, needle: &[u8], start: i64, end: i64) -> Result<usize> {
        let span = range::between(start, end, self.grid.length)?;
        let counted = guarded::count(&self.pages, span.bytes(self.grid), needle, self.is_readable());
        counted.map_err(|fault| self.refusal(fault, span))
    }

    /// Copies `size` bytes (or `REST`: to the end of `source`) from offset `from` of `source` to offset `to` of this
    /// mapping; answers how many. Inside one mapping it is [`Mapping::copy_within`].
    ///
    /// ```
    /// # use mmap_wrap::{Mapping, constants::*, range::REST};
    /// let text = Mapping::of_path(c"Cargo.toml", 9, PROT_READ, MAP_PRIVATE, 0)?;
    /// let memory = Mapping::of_descriptor(0, 100, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)?;
    /// assert_eq!(memory.copy_from(1, &text, 0, REST)?, 9);
    /// assert_eq!(memory.find(b"[package]", 0, REST)?, 1);
    /// # Ok::<(), Box<mmap_wrap::Error>>(())
    /// ```
    pub fn copy_from(&self, to: i64, source: &Mapping, from: i64, size: i64) -> Result<usize> {
        if std::ptr::eq(self, source) {
            return self.copy_within(to, from, size);
        }
        let read = source.span(from, size).map_err(of(Side::Source))?;
        let written = self.span(to, to_i64(read.size)).map_err(of(Side::Target))?;
        let target = self.place(Side::Target, written, self.is_writable());
        let origin = source.place(Side::Source, read, source.is_readable());
        match guarded::copy(target, origin, read.size) {
            Ok(()) => Ok(read.size),
            Err((Side::Target, fault)) => Err(of(Side::Target)(self.refusal(fault, written))),
            Err((side, fault)) => Err(of(side)(source.refusal(fault, read))),
        }
    }

    /// How many bytes from the start on are equal, of `size` bytes (or `REST`: to the end of this mapping) from `offset`
    /// here and from `other_offset` in `other`: `size` if all are.
    ///
    /// ```
    /// # use mmap_wrap::{Mapping, constants::*, range::REST};
    /// # let map = || Mapping::of_descriptor(0, 100, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    /// let (one, other) = (map()?, map()?);
    /// assert_eq!(one.compare(0, &other, 0, REST)?, 100);
    /// other.write(7, b"x")?;
    /// assert_eq!(one.compare(0, &other, 0, REST)?, 7);
    /// # Ok::<(), Box<mmap_wrap::Error>>(())
    /// ```
    pub fn compare(&self, offset: i64, other: &Mapping, other_offset: i64, size: i64) -> Result<usize> {
        let here = self.span(offset, size).map_err(of(Side::First))?;
        let there = other.span(other_offset, to_i64(here.size)).map_err(of(Side::Second))?;
        let first = self.place(Side::First, here, self.is_readable());
        let second = other.place(Side::Second, there, other.is_readable());
        guarded::compare(first, second, here.size).map_err(|(side, fault)| match side {
            Side::First => of(side)(self.refusal(fault, here)),
            _ => of(side)(other.refusal(fault, there)),
        })
    }

    fn place(&self, side: Side, span: Span, certain: bool) -> Place<'_> {
        Place { side, pages: &self.pages, at: span.bytes(self.grid).start, certain }
    }

    fn search(&self, how: Search, needle: &[u8], start: i64, end: i64) -> Result<usize> {
        let span = range::between(start, end, self.grid.length)?;
        match how(&self.pages, span.bytes(self.grid), needle, self.is_readable()) {
            Ok(Some(position)) => Ok(span.offset + position),
            Ok(None) => Err(Error::NotFound.into()),
            Err(fault) => Err(self.refusal(fault, span)),
        }
    }

    /// An access of the span stopped: where, after how much, and why, as far as that can be found out.
    #[cold]
    pub(super) fn refusal(&self, fault: Fault, span: Span) -> Box<Error> {
        let Fault { done, by } = fault;
        let attempt = || format!("access {span}, {done} of them done");
        match by {
            Refusal::Kernel(errno) => Error::system(errno, attempt(), ""),
            Refusal::Buffer => Error::system(Errno(libc::EFAULT), attempt(), "the buffer itself cannot be accessed"),
            Refusal::Mapping { at, writing } => {
                let address = self.pages.at(&(at..at)).addr();
                let file = self.origin.file.as_ref().map(std::os::fd::AsFd::as_fd);
                let cause = sys::fault_cause(address, writing, file);
                Error::Fault { offset: at - self.grid.lead, done, size: span.size, address, cause }.into()
            }
        }
    }

    /// Processors that can write a page can read it, whatever PROT_ says.
    /// Makes an access of `size` bytes, which a page must allow by one of `prot`. A small one of memory that cannot refuse
    /// it is made without asking who has the signals: those two system calls would take longer than the access.
    #[inline]
    pub(super) fn in_the_best_way<T>(&self, size: usize, prot: i64, mut access: impl FnMut(Way) -> T) -> T {
        if size <= LITTLE && !guarded::is_trusted() && self.cannot_refuse(prot) {
            let sure = self.without_a_guard(|| self.cannot_refuse(prot).then(|| access(Way::sure())));
            if let Some(done) = sure.flatten() {
                return done;
            }
        }
        access(Way::new(self.allows(prot)))
    }

    /// Whether nothing can refuse an access that needs one of `prot`: each page allows it, and there is no file, no pool of
    /// huge pages and no guard region. Inside `without_a_guard` it stays so.
    pub(super) fn cannot_refuse(&self, prot: i64) -> bool {
        let flags = self.origin.flags;
        flags & MAP_ANONYMOUS != 0 && flags & MAP_HUGETLB == 0 && self.certain.load(Ordering::SeqCst) & (prot | GUARD_REGIONS) > 0
    }

    pub(super) fn is_readable(&self) -> bool {
        self.allows(READABLE)
    }

    pub(super) fn is_writable(&self) -> bool {
        self.allows(PROT_WRITE)
    }

    /// Whether every page allows one of these. Guard regions answer SIGSEGV all the same, which must then be repaired.
    pub(super) fn allows(&self, prot: i64) -> bool {
        // One comparison for both: the mark of guard regions makes it negative.
        match self.certain.load(Ordering::Relaxed) & (prot | GUARD_REGIONS) {
            1.. => true,
            allowed => allowed & prot != 0 && guarded::repairs_protection_faults(),
        }
    }
}

/// Says of which of two mappings an error speaks.
fn of(side: Side) -> impl Fn(Box<Error>) -> Box<Error> {
    move |error| Error::Side { side, error }.into()
}

type Search = fn(&Pages, std::ops::Range<usize>, &[u8], bool) -> Result<Option<usize>, Fault>;

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::constants::{MADV_GUARD_INSTALL, MAP_PRIVATE, PROT_NONE};
    use crate::range::REST;
    use std::sync::atomic::AtomicBool;
    use std::sync::atomic::Ordering::SeqCst;
    use std::time::Duration;

    #[test]
    fn rights_are_taken_away_only_after_the_accesses_without_a_guard() {
        for take_away in
            [|memory: &Mapping| memory.protect(PROT_NONE, 0, REST), |memory: &Mapping| memory.advise(MADV_GUARD_INSTALL, 0, REST)]
        {
            let flags = MAP_PRIVATE | MAP_ANONYMOUS;
            let memory = Mapping::of_descriptor(0, 4096, PROT_READ | PROT_WRITE, flags, -1, 0).unwrap();
            let (inside, done) = (AtomicBool::new(false), AtomicBool::new(false));
            std::thread::scope(|threads| {
                threads.spawn(|| {
                    memory.without_a_guard(|| {
                        inside.store(true, SeqCst);
                        std::thread::sleep(Duration::from_millis(50));
                        done.store(true, SeqCst);
                    })
                });
                while !inside.load(SeqCst) {
                    std::thread::yield_now();
                }
                // A kernel without guard regions refuses the advice; the waiting comes before.
                let _ = take_away(&memory);
                assert!(done.load(SeqCst));
            });
        }
    }
}
