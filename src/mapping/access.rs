//! Access to the bytes: reading, writing, searching.

use super::{Mapping, to_i64};
use crate::constants::{PROT_READ, PROT_WRITE};
use crate::error::{Errno, Error, Result};
use crate::guarded::{self, Fault, Refusal};
use crate::range::{self, Span};
use crate::sys::{self, Pages};
use std::mem::MaybeUninit;
use std::sync::atomic::Ordering;

impl Mapping {
    /// Copies the bytes from `offset` on to `to`, all of them or an error.
    pub fn read(&self, offset: i64, to: &mut [MaybeUninit<u8>]) -> Result<()> {
        let span = self.span(offset, to_i64(to.len()))?;
        let done = guarded::read(&self.pages, span.bytes(self.grid).start, to, self.is_readable());
        done.map_err(|fault| self.refusal(fault, span))
    }

    /// Copies `from` over the bytes from `offset` on.
    pub fn write(&self, offset: i64, from: &[u8]) -> Result<()> {
        let span = self.span(offset, to_i64(from.len()))?;
        let done = guarded::write(&self.pages, span.bytes(self.grid).start, from, self.is_writable());
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
        let attempt = || format!("access {} bytes at offset {}, {done} of them done", span.size, span.offset);
        match by {
            Refusal::Kernel(errno) => Error::system(errno, attempt(), ""),
            Refusal::Buffer => Error::system(Errno(libc::EFAULT), attempt(), "the buffer itself cannot be accessed"),
            Refusal::Mapping { at, writing } => {
                let address = self.pages.at(&(at..at)).addr();
                let cause = sys::why_refused(address, writing);
                Error::Fault { offset: at - self.grid.lead, done, size: span.size, address, cause }.into()
            }
        }
    }

    /// Processors that can write a page can read it, whatever PROT_ says.
    fn is_readable(&self) -> bool {
        self.certain.load(Ordering::Relaxed) & (PROT_READ | PROT_WRITE) != 0
    }

    fn is_writable(&self) -> bool {
        self.certain.load(Ordering::Relaxed) & PROT_WRITE != 0
    }
}

type Search = fn(&Pages, std::ops::Range<usize>, &[u8], bool) -> Result<Option<usize>, Fault>;
