//! Access to the bytes: reading, writing, searching.

use super::{Mapping, to_i64};
use crate::buffer::{Bytes, Room};
use crate::error::{Cause, Errno, Error, Result, Side};
use crate::guarded::{self, Fault, Position, Stop};
use crate::hints::memory_hint;
use crate::range::{self, Span};
use crate::sys::{self, Pages};

impl Mapping {
    /// Checks that `size` bytes (or `REST`) from `offset` are inside the mapping, without accessing them; returns how many they
    /// are.
    ///
    /// ```
    /// # use mmap_wrap::internals::{Mapping, constants::*, range::REST};
    /// # let memory = Mapping::anonymous(100, PROT_READ, MAP_PRIVATE)?;
    /// assert_eq!(memory.check(10, REST)?, 90);
    /// assert!(memory.check(10, 91).is_err());
    /// # Ok::<(), Box<mmap_wrap::internals::Error>>(())
    /// ```
    pub fn check(&self, offset: i64, size: i64) -> Result<usize> {
        self.span(offset, size).map(|span| span.size)
    }

    /// Fills `to` with the bytes from `offset` on, or returns an error.
    #[inline(always)]
    pub fn read<'a>(&self, offset: i64, to: impl Into<Room<'a>>) -> Result<()> {
        let to = to.into();
        let span = self.span(offset, to_i64(to.size()))?;
        guarded::read(&self.pages, span.bytes(self.grid).start, to).map_err(|fault| self.fault(fault, span))
    }

    /// Copies `from` over the bytes from `offset` on.
    #[inline(always)]
    pub fn write<'a>(&self, offset: i64, from: impl Into<Bytes<'a>>) -> Result<()> {
        let from = from.into();
        let span = self.span(offset, to_i64(from.size()))?;
        guarded::write(&self.pages, span.bytes(self.grid).start, from).map_err(|fault| self.fault(fault, span))
    }

    /// Sets `size` bytes (or `REST`) from `offset` to `byte`; returns how many.
    pub fn fill(&self, offset: i64, byte: i64, size: i64) -> Result<usize> {
        let byte = u8::try_from(byte).map_err(|_| Error::argument(format!("{byte} is not a byte value: 0 to 255")))?;
        let span = self.span(offset, size)?;
        let done = guarded::fill(&self.pages, span.bytes(self.grid), byte);
        done.map(|()| span.size).map_err(|fault| self.fault(fault, span))
    }

    /// Copies `size` bytes from offset `from` to offset `to`, which may overlap; returns how many.
    pub fn copy_within(&self, to: i64, from: i64, size: i64) -> Result<usize> {
        let source = self.span(from, size)?;
        let target = self.span(to, to_i64(source.size))?;
        let (to, from) = (target.bytes(self.grid).start, source.bytes(self.grid).start);
        let done = guarded::copy_within(&self.pages, to, from, source.size);
        done.map(|()| source.size).map_err(|fault| self.fault(fault, target))
    }

    /// The offset of the first `needle` that lies within `start` up to, not including, `end` (or `REST`). An empty
    /// needle is found at `start`.
    pub fn find<'a>(&self, needle: impl Into<Bytes<'a>>, start: i64, end: i64) -> Result<usize> {
        self.search(guarded::find, needle.into(), start, end)
    }

    /// The offset of the last `needle` within `start` up to `end`. An empty needle is found at `end`.
    pub fn rfind<'a>(&self, needle: impl Into<Bytes<'a>>, start: i64, end: i64) -> Result<usize> {
        self.search(guarded::rfind, needle.into(), start, end)
    }

    /// The number of occurrences of `needle`, not overlapping, from `start` to `end` (or `REST`). An empty needle occurs once
    /// more than there are bytes.
    ///
    /// ```
    /// # use mmap_wrap::internals::{Mapping, constants::*, range::REST};
    /// # let memory = Mapping::anonymous(9, PROT_READ | PROT_WRITE, MAP_PRIVATE)?;
    /// memory.write(0, b"aaa\nbbb\na")?;
    /// assert_eq!(memory.count(b"\n", 0, REST)?, 2);
    /// assert_eq!(memory.count(b"aa", 0, REST)?, 1);
    /// # Ok::<(), Box<mmap_wrap::internals::Error>>(())
    /// ```
    pub fn count<'a>(&self, needle: impl Into<Bytes<'a>>, start: i64, end: i64) -> Result<usize> {
        let span = range::between(start, end, self.grid.length)?;
        let counted = guarded::count(&self.pages, span.bytes(self.grid), needle.into());
        counted.map_err(|fault| self.fault(fault, span))
    }

    /// Copies `size` bytes (or `REST`: to the end of `source`) from offset `from` of `source` to offset `to` of this
    /// mapping; returns how many. Within one mapping this is [`Mapping::copy_within`].
    ///
    /// ```
    /// # use mmap_wrap::internals::{Mapping, constants::*, range::REST};
    /// let text = Mapping::from_path(c"Cargo.toml", 9, PROT_READ, MAP_PRIVATE, 0)?;
    /// let memory = Mapping::anonymous(100, PROT_READ | PROT_WRITE, MAP_PRIVATE)?;
    /// assert_eq!(memory.copy_from(1, &text, 0, REST)?, 9);
    /// assert_eq!(memory.find(b"[package]", 0, REST)?, 1);
    /// # Ok::<(), Box<mmap_wrap::internals::Error>>(())
    /// ```
    pub fn copy_from(&self, to: i64, source: &Mapping, from: i64, size: i64) -> Result<usize> {
        if std::ptr::eq(self, source) {
            return self.copy_within(to, from, size);
        }
        let read = source.span(from, size).map_err(on_side(Side::Source))?;
        let written = self.span(to, to_i64(read.size)).map_err(on_side(Side::Target))?;
        let target = self.place(Side::Target, written);
        let origin = source.place(Side::Source, read);
        match guarded::copy(target, origin, read.size) {
            Ok(()) => Ok(read.size),
            Err((Side::Target, fault)) => Err(on_side(Side::Target)(self.fault(fault, written))),
            Err((side, fault)) => Err(on_side(side)(source.fault(fault, read))),
        }
    }

    /// Compares `size` bytes (or `REST`: to the end of this mapping) from `offset` with those from `other_offset` of `other`;
    /// returns how many are equal before the first difference: `size` if all are.
    ///
    /// ```
    /// # use mmap_wrap::internals::{Mapping, constants::*, range::REST};
    /// # let map = || Mapping::anonymous(100, PROT_READ | PROT_WRITE, MAP_PRIVATE);
    /// let (one, other) = (map()?, map()?);
    /// assert_eq!(one.compare(0, &other, 0, REST)?, 100);
    /// other.write(7, b"x")?;
    /// assert_eq!(one.compare(0, &other, 0, REST)?, 7);
    /// # Ok::<(), Box<mmap_wrap::internals::Error>>(())
    /// ```
    pub fn compare(&self, offset: i64, other: &Mapping, other_offset: i64, size: i64) -> Result<usize> {
        let here = self.span(offset, size).map_err(on_side(Side::First))?;
        let there = other.span(other_offset, to_i64(here.size)).map_err(on_side(Side::Second))?;
        let first = self.place(Side::First, here);
        let second = other.place(Side::Second, there);
        guarded::compare(first, second, here.size).map_err(|(side, fault)| match side {
            Side::First => on_side(side)(self.fault(fault, here)),
            _ => on_side(side)(other.fault(fault, there)),
        })
    }

    fn place(&self, side: Side, span: Span) -> Position<'_> {
        Position { side, pages: &self.pages, at: span.bytes(self.grid).start }
    }

    fn search(&self, how: Search, needle: Bytes, start: i64, end: i64) -> Result<usize> {
        let span = range::between(start, end, self.grid.length)?;
        match how(&self.pages, span.bytes(self.grid), needle) {
            Ok(Some(position)) => Ok(span.offset + position),
            Ok(None) => Err(Error::NotFound.into()),
            Err(fault) => Err(self.fault(fault, span)),
        }
    }

    /// The error for an access of the span that stopped: where, after how many bytes, and the cause, as far as it is known.
    #[cold]
    pub(super) fn fault(&self, fault: Fault, span: Span) -> Box<Error> {
        let Fault { done, by } = fault;
        let attempt = || format!("access {span}, {done} of them done");
        match by {
            Stop::System(errno) => Error::system(errno, attempt(), memory_hint(errno)),
            Stop::Buffer => Error::system(Errno::EFAULT, attempt(), "the buffer itself cannot be accessed"),
            Stop::Mapping { at, writing } => {
                let address = self.pages.at(at, 0).addr();
                let offset = (self.origin.offset + at as u64).saturating_sub(self.grid.lead as u64);
                let file = self.origin.file.as_ref().map(|file| (sys::borrow(file), offset));
                let cause = if self.is_fenced(at) { Cause::Guard } else { sys::fault_cause(address, writing, file) };
                Error::Fault { offset: at - self.grid.lead, done, size: span.size, address, cause }.into()
            }
        }
    }
}

/// Marks an error with the mapping that it is about.
fn on_side(side: Side) -> impl Fn(Box<Error>) -> Box<Error> {
    move |error| Error::Side { side, error }.into()
}

type Search = fn(&Pages, std::ops::Range<usize>, Bytes) -> Result<Option<usize>, Fault>;
