//! The range rules: an offset and a size against a length, and nothing else.
//!
//! Every operation that takes an offset and a size checks them here, so that all agree: a range that extends beyond the mapping
//! or wraps around is an error before anything is accessed; size 0 is valid up to and including the end.

use crate::error::{Error, Result};
use std::fmt;
use std::ops::Range;

/// The size that means "to the end". No sum or difference of valid sizes has this value.
pub const REST: i64 = i64::MIN;

/// A part of a mapping, in bytes from its start, that is known to lie inside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// First byte.
    pub offset: usize,
    /// Number of bytes; `offset + size` does not exceed the mapping's length.
    pub size: usize,
}

/// As in messages.
///
/// ```
/// use mmap_wrap::internals::range::Span;
/// assert_eq!(Span { offset: 10, size: 90 }.to_string(), "90 bytes from offset 10");
/// ```
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{} bytes from offset {}", self.size, self.offset)
    }
}

/// The position of a mapping on whole pages.
#[derive(Debug, Clone, Copy)]
pub struct Grid {
    /// How many bytes of the first page lie before the mapping's first byte (for a file offset that is not a multiple of a
    /// page).
    pub lead: usize,
    /// The mapping's length in bytes.
    pub length: usize,
    /// Bytes in a page of this mapping; a power of two.
    pub page: usize,
}

/// Checks `size` bytes (or [`REST`]) from `offset` against a mapping of `length` bytes.
///
/// ```
/// use mmap_wrap::internals::range::{within, REST, Span};
/// assert_eq!(within(10, REST, 100).unwrap(), Span { offset: 10, size: 90 });
/// assert!(within(100, 0, 100).is_ok());
/// assert!(within(99, 2, 100).is_err());
/// ```
#[inline]
pub fn within(offset: i64, size: i64, length: usize) -> Result<Span> {
    let start = position(offset, length)?;
    // Compared with the rest, not with the whole length: that would accept ranges that extend beyond the end.
    let left = length - start;
    if size == REST {
        return Ok(Span { offset: start, size: left });
    }
    match usize::try_from(size) {
        Ok(size) if size <= left => Ok(Span { offset: start, size }),
        _ => Err(no_size(offset, size, length)),
    }
}

#[cold]
fn no_size(offset: i64, size: i64, length: usize) -> Box<Error> {
    Box::new(match offset.checked_add(size) {
        _ if size < 0 => Error::Negative { what: "size", value: size },
        None => Error::WrapsAround { offset, size },
        Some(_) => Error::ExtendsBeyond { offset, size, length },
    })
}

/// Checks the part from `start` up to, not including, `end` (or [`REST`]).
pub fn between(start: i64, end: i64, length: usize) -> Result<Span> {
    let first = position(start, length)?;
    let last = if end == REST { length } else { position(end, length)? };
    match last.checked_sub(first) {
        Some(size) => Ok(Span { offset: first, size }),
        None => Err(Error::Backwards { start, end }.into()),
    }
}

#[inline]
fn position(offset: i64, length: usize) -> Result<usize> {
    match usize::try_from(offset) {
        Ok(position) if position <= length => Ok(position),
        _ => Err(no_position(offset, length)),
    }
}

#[cold]
fn no_position(offset: i64, length: usize) -> Box<Error> {
    Box::new(match offset {
        ..0 => Error::Negative { what: "offset", value: offset },
        _ => Error::OffsetBeyond { offset, length },
    })
}

/// The largest file offset: as the end of a part, "to the end of the file, however long it is".
pub const END_OF_FILE: u64 = i64::MAX as u64;

/// Checks `size` bytes (or [`REST`]) from `offset` of a file. They may lie beyond its end, since files grow.
pub fn file_range(offset: i64, size: i64) -> Result<Range<u64>> {
    let start = u64::try_from(offset).map_err(|_| Error::Negative { what: "file offset", value: offset })?;
    match (offset.checked_add(size), u64::try_from(size)) {
        _ if size == REST => Ok(start..END_OF_FILE),
        (_, Err(_)) => Err(Error::Negative { what: "size", value: size }.into()),
        (None, _) => Err(Error::WrapsAround { offset, size }.into()),
        (Some(_), Ok(bytes)) => Ok(start..start + bytes),
    }
}

/// `bytes` rounded up to whole pages, or `None` where that exceeds the address space.
pub fn round_up(bytes: usize, page: usize) -> Option<usize> {
    Some(bytes.checked_add(page - 1)? & !(page - 1))
}

impl Span {
    /// The bytes, counted from the start of the mapping's first page.
    pub fn bytes(self, grid: Grid) -> Range<usize> {
        let start = grid.lead + self.offset;
        start..start + self.size
    }

    /// The whole pages that hold the span: for operations that lose no data, such as advice and sync.
    pub fn covering_pages(self, grid: Grid) -> Range<usize> {
        let Range { start, end } = self.bytes(grid);
        // The kernel mapped whole pages, so rounding up within the mapping cannot overflow.
        (start & !(grid.page - 1))..round_up(end, grid.page).unwrap_or(end)
    }

    /// The pages of a span that starts on a page boundary, the size rounded up as POSIX specifies: for changing the protection.
    /// The start of the mapping counts as aligned: nothing else uses the bytes before it on its first page.
    pub fn pages_from_aligned_start(self, grid: Grid) -> Result<Range<usize>> {
        let start = grid.lead + self.offset;
        if self.offset != 0 && start % grid.page != 0 {
            return Err(Error::Alignment { what: "offset", value: self.offset as u64, page: grid.page, lead: grid.lead }.into());
        }
        Ok(self.covering_pages(grid))
    }

    /// The pages of a span whose ends both are on page boundaries or at the ends of the mapping: for discarding data. The
    /// kernel rounds the size up, and would discard the rest of the last page, too.
    pub fn whole_pages(self, grid: Grid) -> Result<Range<usize>> {
        let pages = self.pages_from_aligned_start(grid)?;
        let end = self.offset + self.size;
        if end != grid.length && (grid.lead + end) % grid.page != 0 {
            return Err(Error::Alignment { what: "end", value: end as u64, page: grid.page, lead: grid.lead }.into());
        }
        Ok(pages)
    }

    /// The first byte of the word that fills the span, for atomic operations: its address must be a multiple of its width.
    /// Counted from the start of the mapping's first page, whose address is a multiple of any width.
    pub fn aligned_word(self, grid: Grid) -> Result<usize> {
        let start = self.bytes(grid).start;
        if start % self.size != 0 {
            return Err(Error::WordAlignment { offset: self.offset, width: self.size, lead: grid.lead }.into());
        }
        Ok(start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PAGE: usize = 4096;

    fn grid(lead: usize, length: usize) -> Grid {
        Grid { lead, length, page: PAGE }
    }

    #[test]
    fn a_range_is_inside_or_beyond_or_wraps_around() {
        assert!(matches!(*within(8193, 0, 8192).unwrap_err(), Error::OffsetBeyond { offset: 8193, length: 8192 }));
        assert!(matches!(*within(1, i64::MAX, 8192).unwrap_err(), Error::WrapsAround { .. }));
        assert!(matches!(*within(4096, 8192, 8192).unwrap_err(), Error::ExtendsBeyond { .. }));
        assert_eq!(within(8192, 0, 8192).unwrap(), Span { offset: 8192, size: 0 });
    }

    #[test]
    fn a_size_that_fits_by_itself_is_checked_with_its_offset() {
        // memmap2 0.9 accepted this: the size fits the mapping, the range does not.
        assert!(within(4096, 4096, 4096).is_err());
    }

    #[test]
    fn a_range_of_a_file_may_lie_beyond_its_end_but_not_wrap_around() {
        assert_eq!(file_range(5, 10).unwrap(), 5..15);
        assert_eq!(file_range(5, REST).unwrap(), 5..END_OF_FILE);
        assert_eq!(file_range(i64::MAX, 0).unwrap(), END_OF_FILE..END_OF_FILE);
        assert!(matches!(*file_range(1, i64::MAX).unwrap_err(), Error::WrapsAround { .. }));
        assert!(matches!(*file_range(-1, 1).unwrap_err(), Error::Negative { what: "file offset", .. }));
        assert!(matches!(*file_range(0, -1).unwrap_err(), Error::Negative { what: "size", .. }));
    }

    #[test]
    fn discarding_needs_both_ends_on_page_boundaries_or_at_the_ends_of_the_mapping() {
        let five_thousand = grid(0, 5000);
        let part = |offset, size| Span { offset, size };
        assert_eq!(part(4096, 904).whole_pages(five_thousand).unwrap(), 4096..8192);
        assert!(part(0, 100).whole_pages(five_thousand).is_err());
        assert!(part(100, 4900).whole_pages(five_thousand).is_err());
        assert_eq!(part(0, 3996).whole_pages(grid(100, 9000)).unwrap(), 0..4096);
    }

    #[test]
    fn protection_needs_an_aligned_start_only() {
        let two_pages = grid(0, 8192);
        assert_eq!(Span { offset: 4096, size: 1 }.pages_from_aligned_start(two_pages).unwrap(), 4096..8192);
        assert!(Span { offset: 1, size: 4095 }.pages_from_aligned_start(two_pages).is_err());
        // A mapping that starts inside its first page can still be protected from its own start.
        assert_eq!(Span { offset: 0, size: 1 }.pages_from_aligned_start(grid(100, 8000)).unwrap(), 0..4096);
        assert!(Span { offset: 4096, size: 1 }.pages_from_aligned_start(grid(100, 8000)).is_err());
    }

    #[test]
    fn a_word_is_aligned_by_its_address() {
        assert_eq!(Span { offset: 8, size: 8 }.aligned_word(grid(0, 100)).unwrap(), 8);
        assert!(Span { offset: 4, size: 8 }.aligned_word(grid(0, 100)).is_err());
        // In a mapping that starts inside its first page, other offsets are aligned.
        assert_eq!(Span { offset: 4, size: 8 }.aligned_word(grid(100, 100)).unwrap(), 104);
        assert_eq!(
            Span { offset: 8, size: 8 }.aligned_word(grid(100, 100)).unwrap_err().to_string(),
            "offset 8 is not on a word boundary: its address must be a multiple of 8 bytes, \
             and this mapping begins 100 bytes into its first page"
        );
    }

    proptest! {
        #[test]
        fn within_agrees_with_arithmetic_that_cannot_overflow(offset: i64, size: i64, length in 0..=isize::MAX as usize) {
            let wide = (i128::from(offset), i128::from(size), length as i128);
            let fits = offset >= 0 && size >= 0 && wide.0 + wide.1 <= wide.2;
            prop_assert_eq!(within(offset, size, length).is_ok(), fits || (size == REST && (0..=wide.2).contains(&wide.0)));
        }

        #[test]
        fn small_ranges_are_checked_exactly(offset in -3i64..12, size in -3i64..12, length in 0usize..9) {
            let fits = offset >= 0 && size >= 0 && i128::from(offset) + i128::from(size) <= length as i128;
            prop_assert_eq!(within(offset, size, length).is_ok(), fits);
        }

        #[test]
        fn covering_pages_are_the_fewest_that_hold_the_span(lead in 0..PAGE, length in 1usize..40_000, a: usize, b: usize) {
            let offset = a % length;
            let size = b % (length - offset) + 1;
            let span = Span { offset, size };
            let pages = span.covering_pages(grid(lead, length));
            let bytes = span.bytes(grid(lead, length));
            prop_assert!(pages.start % PAGE == 0 && pages.end % PAGE == 0);
            prop_assert!(pages.start <= bytes.start && bytes.end <= pages.end);
            prop_assert!(bytes.start - pages.start < PAGE && pages.end - bytes.end < PAGE);
        }
    }
}
