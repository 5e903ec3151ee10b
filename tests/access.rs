//! Moving and searching.
#![allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap, reason = "small numbers")]

mod common;

use common::*;
use mmap_wrap::internals::constants::*;
use mmap_wrap::internals::error::*;
use mmap_wrap::internals::range::REST;

fn page() -> usize {
    mmap_wrap::page_size()
}

#[test]
fn moving_allows_overlap_through_the_kernel_as_well_as_directly() {
    let size = 100_000usize;
    let bytes: Vec<u8> = (0..size).map(|i| (i % 253) as u8).collect();
    for (to, from, count) in [(0, 1, size - 1), (1, 0, size - 1), (50_000, 20_000, 50_000), (20_000, 50_000, 50_000), (7, 7, 100)]
    {
        let mut expected = bytes.clone();
        expected.copy_within(from..from + count, to);
        // A second mapping has an inaccessible page, so that accesses may fault and the kernel does them.
        for asks_the_kernel in [false, true] {
            let whole_pages = size.next_multiple_of(page()) as i64;
            let memory = anonymous(whole_pages + 1);
            memory.write(0, &bytes).unwrap();
            if asks_the_kernel {
                memory.protect(PROT_NONE, whole_pages, 1).unwrap();
            }
            assert_eq!(memory.copy_within(to as i64, from as i64, count as i64), Ok(count));
            assert!(read(&memory, 0, size).unwrap() == expected, "{to} {from} {count} {asks_the_kernel}");
        }
    }
}

#[test]
fn searching_finds_first_and_last_within_its_bounds() {
    let memory = anonymous(10_000);
    memory.write(100, b"needle").unwrap();
    memory.write(9_994, b"needle").unwrap();
    assert_eq!(memory.find(b"needle", 0, REST), Ok(100));
    assert_eq!(memory.find(b"needle", 101, REST), Ok(9_994));
    assert_eq!(memory.rfind(b"needle", 0, REST), Ok(9_994));
    assert_eq!(memory.rfind(b"needle", 0, 9_999), Ok(100));
    assert_eq!(memory.find(b"needle", 101, 9_999), Err(Error::NotFound.into()));
    assert_eq!(memory.find(b"", 5, 10), Ok(5));
    assert_eq!(memory.rfind(b"", 5, 10), Ok(10));
    assert_eq!(memory.find(b"x", 10, 5).unwrap_err(), Error::Backwards { start: 10, end: 5 }.into());
    assert_eq!(memory.find(b"x", 0, 10_001).unwrap_err().code(), MMAP_WRAP_E_RANGE);
    assert_eq!(memory.fill(0, 256, 1).unwrap_err().code(), MMAP_WRAP_E_ARGUMENT);
}
