//! Guards by protection, for kernels that have no guard regions, or none in memory of this kind. A fenced page has PROT_NONE;
//! its mark holds the protection that it is to have without the fence, which mprotect changes.

use super::{Mapping, is_shared};
use crate::constants::{MADV_DONTNEED, MADV_DONTNEED_LOCKED, PROT_EXEC, PROT_NONE, PROT_READ, PROT_WRITE};
use crate::error::{Errno, Error, Result};
use crate::flags::as_c_int;
use crate::hints::memory_hint;
use crate::sys;
use std::ffi::c_int;
use std::ops::Range;

/// In a mark: the page is fenced. The other bits are its protection.
const FENCED: u8 = 1 << 7;

impl Mapping {
    /// Puts fences on whole pages, and drops what private memory holds there.
    pub(super) fn fence(&self, pages: &Range<usize>) -> Result<(), Errno> {
        self.origin.fences.make(self.pages.size() / self.grid.page)?;
        self.each_run(pages, |run, marks| {
            if marks[0] & FENCED != 0 {
                return Ok(());
            }
            if !is_shared(self.origin.flags) {
                // Memory that holds a page before it is parted is joined again when the protection is the same again, as
                // mremap(2) needs it; parts that get their first pages later are not. The page is dropped below.
                let _ = sys::touch_for_writing(&self.pages, run.start);
            }
            let mut at = run.start;
            while at < run.end {
                let (prot, end) = self.protection_at(at, run.end);
                let marks = &mut marks[(at - run.start) / self.grid.page..(end - run.start) / self.grid.page];
                let mark = with_fence(prot)?;
                self.pages.protect(at..end, as_c_int(PROT_NONE))?;
                marks.fill(mark);
                at = end;
            }
            if !is_shared(self.origin.flags) {
                // Locked pages cannot be dropped before Linux 5.18, and are not.
                let drop = |advice: i64| self.pages.advise(run.clone(), as_c_int(advice), self.sharing());
                let _ = drop(MADV_DONTNEED).or_else(|_| drop(MADV_DONTNEED_LOCKED));
            }
            Ok(())
        })
    }

    /// Lifts the fences of whole pages.
    pub(super) fn lift_fences(&self, pages: &Range<usize>) -> Result<(), Errno> {
        self.each_run(pages, |run, marks| {
            if marks[0] & FENCED != 0 {
                self.pages.protect(run, without_fence(marks[0]))?;
                marks.fill(0);
            }
            Ok(())
        })
    }

    /// Changes the protection of whole pages; fenced ones have it once their fences are lifted.
    pub(super) fn protect_pages(&self, pages: &Range<usize>, prot: c_int) -> Result<(), Errno> {
        if !self.origin.fences.exist() {
            self.pages.protect(pages.clone(), prot)?;
        }
        // Again where another thread put the first fence meanwhile.
        self.each_run(pages, |run, marks| match marks[0] & FENCED {
            0 => self.pages.protect(run, prot),
            _ => {
                marks.fill(with_fence(prot)?);
                self.pages.protect(run, as_c_int(PROT_NONE))
            }
        })
    }

    /// Runs `body`, for which the kernel must see one mapping, as it sees one with guard regions, with the fences lifted. The
    /// caller is alone with the mapping. Afterwards the fences stand again, in the same places of the pages that there are then.
    pub(super) fn without_fences<T>(&mut self, body: impl FnOnce(&mut Mapping) -> Result<T>) -> Result<T> {
        let failure = |errno| Error::system(errno, "remove the guard regions temporarily", memory_hint(errno));
        let lifted = self.each_fence(|pages, run, mark| pages.protect(run, without_fence(mark)));
        let result = lifted.map_err(failure).and_then(|()| body(self));
        let stand = self.put_fences().map_err(failure);
        result.and_then(|value| stand.map(|()| value))
    }

    /// Has the fences that are marked stand.
    pub(super) fn put_fences(&self) -> Result<(), Errno> {
        self.each_fence(|pages, run, _| pages.protect(run, as_c_int(PROT_NONE)))
    }

    /// Whether a byte, counted from the start of the first page, is on a fenced page.
    pub(super) fn is_fenced(&self, at: usize) -> bool {
        self.origin.fences.with(|marks| marks[at / self.grid.page] & FENCED != 0).unwrap_or(false)
    }

    fn each_fence(&self, each: impl Fn(&sys::Pages, Range<usize>, u8) -> Result<(), Errno>) -> Result<(), Errno> {
        self.each_run(&(0..self.pages.size()), |run, marks| match marks[0] & FENCED {
            0 => Ok(()),
            _ => each(&self.pages, run, marks[0]),
        })
    }

    /// Passes on the runs of pages that have the same mark, and their marks. Nothing where no mark was ever made.
    fn each_run(
        &self,
        pages: &Range<usize>,
        mut each: impl FnMut(Range<usize>, &mut [u8]) -> Result<(), Errno>,
    ) -> Result<(), Errno> {
        let page = self.grid.page;
        let all = self.origin.fences.with(|marks| {
            let mut at = pages.start;
            marks[pages.start / page..pages.end / page].chunk_by_mut(|one, next| one == next).try_for_each(|run| {
                let start = at;
                at += run.len() * page;
                each(start..at, run)
            })
        });
        all.unwrap_or(Ok(()))
    }

    /// The protection at a byte counted from the start of the first page, and where it ends, at most at `end`. That of the whole
    /// where the system does not report it.
    fn protection_at(&self, at: usize, end: usize) -> (c_int, usize) {
        let whole = self.c_prot();
        let base = self.pages.base().addr().get();
        match sys::protection(base + at) {
            // The system reports no more than these.
            Some((prot, up_to)) => {
                let known = as_c_int(PROT_READ | PROT_WRITE | PROT_EXEC);
                (if prot == whole & known { whole } else { prot }, end.min(up_to.saturating_sub(base)).max(at + self.grid.page))
            }
            None => (whole, end),
        }
    }
}

fn with_fence(prot: c_int) -> Result<u8, Errno> {
    u8::try_from(prot).ok().filter(|prot| prot & FENCED == 0).map(|prot| prot | FENCED).ok_or(Errno::EINVAL)
}

fn without_fence(mark: u8) -> c_int {
    c_int::from(mark & !FENCED)
}
