//! Searching: the bytes are copied to a window, piece by piece, and searched there.
//!
//! The search of a library cannot run on the mapped memory itself, since the handler could not repair its faults. The windows
//! are small: copying a piece that stays in the first-level cache takes little time compared with the search.

use super::{Fault, PIECE, Stop, Way, Window, filled, wipe};
use crate::buffer::Bytes;
use crate::error::Errno;
use crate::sys::Pages;
use memchr::memmem::{Finder, FinderRev};
use memchr::{memchr, memchr_iter};
use std::mem::MaybeUninit;
use std::ops::Range;

/// Needles of up to this many bytes need no allocation.
const SHORT_NEEDLE: usize = 256;

/// Bytes that a loop searches before the handlers are verified again.
const STRETCH: usize = 1 << 20;

/// The size of the second window, unless the needle is too long: a match is often near.
const NEAR_WINDOW: usize = 512;

/// The size of the first window, for needles of at most half of that: searching it takes less time than preparing a searcher.
const FIRST_WINDOW: usize = 128;

/// The offset of the first match of `needle`, from the start of the range.
pub fn find(pages: &Pages, range: Range<usize>, needle: Bytes) -> Result<Option<usize>, Fault> {
    find_by(Way::now, pages, range, needle)
}

/// The offset of the last match of `needle`, from the start of the range.
pub fn rfind(pages: &Pages, range: Range<usize>, needle: Bytes) -> Result<Option<usize>, Fault> {
    rfind_by(Way::now, pages, range, needle)
}

/// The number of matches of `needle` in the range, without overlaps. An empty needle matches between any two bytes and at both
/// ends.
pub fn count(pages: &Pages, range: Range<usize>, needle: Bytes) -> Result<usize, Fault> {
    count_by(Way::now, pages, range, needle)
}

pub(super) fn find_by(way: impl Fn() -> Way, pages: &Pages, range: Range<usize>, needle: Bytes) -> Result<Option<usize>, Fault> {
    if needle.size() > range.len() {
        return Ok(None);
    }
    if needle.size() == 1 {
        return find_byte(way, pages, range, needle);
    }
    with_needle(way(), needle, |needle, window| {
        let mut finder = None;
        let (mut at, mut step) = (range.start, window.first_step(needle));
        loop {
            let size = step.min(range.end - at);
            let outcome = way().read(pages, at, window.room(size));
            let readable = outcome.err().map_or(size, |fault| fault.done);
            let bytes = window.filled(readable);
            let found = if step == FIRST_WINDOW {
                first_in_few(bytes, needle)
            } else {
                finder.get_or_insert_with(|| Finder::new(needle)).find(bytes)
            };
            if let Some(position) = found {
                return Ok(Some(at - range.start + position));
            }
            outcome.map_err(|fault| Fault { done: at - range.start + fault.done, ..fault })?;
            if at + size == range.end {
                return Ok(None);
            }
            // The next window begins with bytes that may be the start of a match.
            at += size - needle.len().saturating_sub(1);
            step = window.step_after(step);
        }
    })
}

/// If there are loops, a single byte needs no window: a loop searches it, up to the byte that faults.
fn find_byte(way: impl Fn() -> Way, pages: &Pages, range: Range<usize>, needle: Bytes) -> Result<Option<usize>, Fault> {
    let mut byte = [MaybeUninit::uninit()];
    way().fetch(needle, &mut byte)?;
    let byte = filled(&byte)[0];
    let mut done = 0;
    while done < range.len() {
        let (at, size) = (range.start + done, STRETCH.min(range.len() - done));
        let (before, found) = match way() {
            Way::Guarded(loops) => {
                // SAFETY: `at` checks the range; a fault ends the loop.
                let outcome = unsafe { (loops.find_byte)(pages.at(at, size), byte, size) };
                (outcome.before, outcome.found != 0)
            }
            Way::Kernel => {
                in_window(pages, at, size.min(PIECE), byte).map_err(|fault| Fault { done: done + fault.done, ..fault })?
            }
        };
        done += before;
        if found {
            return Ok(Some(done));
        }
        if before == 0 {
            return Err(Fault { done, by: Stop::Mapping { at: range.start + done, writing: false } });
        }
    }
    Ok(None)
}

/// Searches a byte by the kernel: the number of bytes before it, or of all if there is none.
#[inline(never)]
fn in_window(pages: &Pages, at: usize, size: usize, byte: u8) -> Result<(usize, bool), Fault> {
    let mut window = Window::<PIECE>::new();
    let outcome = Way::Kernel.read(pages, at, window.room(size));
    let readable = outcome.err().map_or(size, |fault| fault.done);
    match memchr(byte, window.filled(readable)) {
        Some(position) => Ok((position, true)),
        None => outcome.map(|()| (size, false)),
    }
}

pub(super) fn rfind_by(way: impl Fn() -> Way, pages: &Pages, range: Range<usize>, needle: Bytes) -> Result<Option<usize>, Fault> {
    if needle.size() > range.len() {
        return Ok(None);
    }
    with_needle(way(), needle, |needle, window| {
        let mut finder = None;
        let (mut end, mut step) = (range.end, window.first_step(needle));
        loop {
            let size = step.min(end - range.start);
            let at = end - size;
            let outcome = way().read(pages, at, window.room(size));
            outcome.map_err(|fault| Fault { done: range.end - end, ..fault })?;
            let bytes = window.filled(size);
            let found = if step == FIRST_WINDOW {
                last_in_few(bytes, needle)
            } else {
                // Searching forwards is several times as fast: backwards only in a window with a match.
                let any = finder.get_or_insert_with(|| Finder::new(needle));
                any.find(bytes).and_then(|_| FinderRev::new(needle).rfind(bytes))
            };
            if let Some(position) = found {
                return Ok(Some(at - range.start + position));
            }
            if at == range.start {
                return Ok(None);
            }
            end = at + needle.len().saturating_sub(1);
            step = window.step_after(step);
        }
    })
}

/// The first match in a few bytes, without preparing a searcher.
fn first_in_few(bytes: &[u8], needle: &[u8]) -> Option<usize> {
    let Some((&first, rest)) = needle.split_first() else { return Some(0) };
    let mut starts = memchr_iter(first, bytes.get(..(bytes.len() + 1).saturating_sub(needle.len()))?);
    starts.find(|at| bytes[at + 1..].starts_with(rest))
}

/// The last match.
fn last_in_few(bytes: &[u8], needle: &[u8]) -> Option<usize> {
    let Some((&first, rest)) = needle.split_first() else { return Some(bytes.len()) };
    let mut starts = memchr_iter(first, bytes.get(..(bytes.len() + 1).saturating_sub(needle.len()))?).rev();
    starts.find(|at| bytes[at + 1..].starts_with(rest))
}

pub(super) fn count_by(way: impl Fn() -> Way, pages: &Pages, range: Range<usize>, needle: Bytes) -> Result<usize, Fault> {
    if needle.size() == 0 {
        return Ok(range.len() + 1);
    }
    if needle.size() > range.len() {
        return Ok(0);
    }
    with_needle(way(), needle, |needle, window| {
        let finder = Finder::new(needle);
        let (mut at, mut count) = (range.start, 0);
        while range.end - at >= needle.len() {
            let size = window.size().min(range.end - at);
            let outcome = way().read(pages, at, window.room(size));
            outcome.map_err(|fault| Fault { done: at - range.start + fault.done, ..fault })?;
            let bytes = window.filled(size);
            // The next window begins with bytes that may be the start of a match, after the last match.
            let mut next = size + 1 - needle.len();
            if let [byte] = needle {
                count += memchr_iter(*byte, bytes).count();
            } else {
                for position in finder.find_iter(bytes) {
                    count += 1;
                    next = next.max(position + needle.len());
                }
            }
            at += next;
        }
        Ok(count)
    })
}

/// The memory of a search: on the stack, or allocated for a long needle.
enum Searched<'a> {
    Short(&'a mut Window<PIECE>),
    Long(&'a mut [MaybeUninit<u8>]),
}

impl Searched<'_> {
    fn size(&self) -> usize {
        match self {
            Searched::Short(_) => PIECE,
            Searched::Long(window) => window.len(),
        }
    }

    fn first_step(&self, needle: &[u8]) -> usize {
        match self {
            Searched::Short(_) if needle.len() <= FIRST_WINDOW / 2 => FIRST_WINDOW,
            Searched::Short(_) => NEAR_WINDOW,
            Searched::Long(window) => window.len(),
        }
    }

    fn step_after(&self, step: usize) -> usize {
        if step == FIRST_WINDOW { NEAR_WINDOW } else { self.size() }
    }

    fn room(&mut self, size: usize) -> crate::buffer::Room<'_> {
        match self {
            Searched::Short(window) => window.room(size),
            Searched::Long(window) => (&mut window[..size]).into(),
        }
    }

    fn filled(&self, size: usize) -> &[u8] {
        match self {
            Searched::Short(window) => window.filled(size),
            Searched::Long(window) => filled(&window[..size]),
        }
    }
}

/// Runs `search` with a copy of the needle, since the caller's bytes may fault or change at any time, and with a window at least
/// twice as large.
fn with_needle<T>(way: Way, needle: Bytes, search: impl FnOnce(&[u8], &mut Searched) -> Result<T, Fault>) -> Result<T, Fault> {
    if needle.size() > SHORT_NEEDLE { with_long_needle(way, needle, search) } else { with_short_needle(way, needle, search) }
}

// Functions of their own, so that they do not need stack at the same time.
#[inline(never)]
fn with_short_needle<T>(
    way: Way,
    needle: Bytes,
    search: impl FnOnce(&[u8], &mut Searched) -> Result<T, Fault>,
) -> Result<T, Fault> {
    let size = needle.size();
    let mut copy = [MaybeUninit::uninit(); SHORT_NEEDLE];
    way.fetch(needle, &mut copy[..size])?;
    search(filled(&copy[..size]), &mut Searched::Short(&mut Window::new()))
}

#[inline(never)]
fn with_long_needle<T>(
    way: Way,
    needle: Bytes,
    search: impl FnOnce(&[u8], &mut Searched) -> Result<T, Fault>,
) -> Result<T, Fault> {
    let size = needle.size();
    let mut copy = allocated(size)?;
    way.fetch(needle, &mut copy)?;
    let mut window = allocated(size.checked_mul(2).ok_or(OUT_OF_MEMORY)?.max(PIECE))?;
    let found = search(filled(&copy), &mut Searched::Long(&mut window));
    wipe(&mut window);
    found
}

const OUT_OF_MEMORY: Fault = Fault { done: 0, by: Stop::System(Errno::ENOMEM) };

fn allocated(size: usize) -> Result<Vec<MaybeUninit<u8>>, Fault> {
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(size).map_err(|_| OUT_OF_MEMORY)?;
    bytes.resize(size, MaybeUninit::uninit());
    Ok(bytes)
}
