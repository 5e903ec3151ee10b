//! The fault matrix: cause × accessor × size × place of the fault × alignment, through every kind of loop and through
//! the kernel. The exact count and content are checked each time.

use super::atomic::atomic_by;
use super::scalar::{get_by, put_by};
use super::search::{count_by, find_by, rfind_by};
use super::two_mappings::{compare_by, copy_by};
use super::*;
use crate::constants::{MADV_GUARD_INSTALL, MAP_ANONYMOUS, MAP_SHARED, PROT_READ, PROT_WRITE};
use crate::error::Side;
use crate::flags::as_c_int;
use crate::sys::Sharing;
use std::cell::Cell;
use std::ffi::c_int;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

const NONE: c_int = 0;
const READ: c_int = as_c_int(PROT_READ);
const READ_WRITE: c_int = as_c_int(PROT_READ | PROT_WRITE);

const PAGE: usize = 65536;
/// The pages before this byte allow every access, the pages from it on allow none.
const WALL: usize = 2 * PAGE;
const END: usize = 4 * PAGE;

const SIZES: [usize; 26] =
    [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129, 255, 257, 300, 511, 1000, 5000];
const BEFORE_THE_WALL: [usize; 24] =
    [0, 1, 2, 3, 4, 6, 7, 8, 12, 15, 16, 17, 31, 32, 48, 63, 64, 100, 127, 128, 129, 255, 256, 999];
const ALIGNMENTS: [usize; 5] = [0, 1, 5, 16, 31];

/// Why accesses fault.
#[derive(Debug, Clone, Copy)]
enum Cause {
    CutShort,
    Protected,
    Guarded,
    Unmapped,
}

/// Mapped pages whose accesses fault from the wall on, and their file.
struct Walled {
    pages: Pages,
    _file: Option<std::fs::File>,
}

/// A different one each time, far from those that the system chooses: what is unmapped there stays so, although other threads
/// map memory meanwhile.
fn address_where_nothing_else_is_mapped() -> usize {
    static CALLS: AtomicUsize = AtomicUsize::new(0);
    if cfg!(windows) {
        return 0;
    }
    (1 << if usize::BITS == 64 { 36 } else { 29 }) + CALLS.fetch_add(1, SeqCst) * END
}

impl Walled {
    /// None if this system lacks the cause.
    fn new(cause: Cause) -> Option<Walled> {
        let file = matches!(cause, Cause::CutShort).then(|| tempfile::tempfile().unwrap());
        if let Some(file) = &file {
            file.set_len(END as u64).unwrap();
        }
        let fd = file.as_ref().map_or(-1, sys::raw);
        let flags = as_c_int(MAP_SHARED | if fd < 0 { MAP_ANONYMOUS } else { 0 });
        let address = if matches!(cause, Cause::Unmapped) { address_where_nothing_else_is_mapped() } else { 0 };
        let pages = Pages::map(address, END, READ_WRITE, flags, fd, 0).unwrap();
        fill(&pages, 0..END, 0xEE).unwrap();
        let faults = match cause {
            Cause::CutShort => sys::set_file_size(fd, WALL as u64).is_ok(),
            Cause::Protected => pages.protect(WALL..END, NONE).is_ok(),
            Cause::Guarded => {
                MADV_GUARD_INSTALL != 0 && pages.advise(WALL..END, as_c_int(MADV_GUARD_INSTALL), Sharing::Private).is_ok()
            }
            #[cfg(unix)]
            // SAFETY: the pages are this test's, which expects that they are unmapped.
            Cause::Unmapped => unsafe { libc::munmap(pages.at(WALL, END - WALL).cast(), END - WALL) == 0 },
            #[cfg(windows)]
            Cause::Unmapped => false,
        };
        faults.then_some(Walled { pages, _file: file })
    }
}

impl Way {
    fn reads<'a>(self, pages: &Pages, at: usize, to: impl Into<Room<'a>>) -> Result<(), Fault> {
        self.read(pages, at, to.into())
    }

    fn writes<'a>(self, pages: &Pages, at: usize, from: impl Into<Bytes<'a>>) -> Result<(), Fault> {
        self.write(pages, at, from.into())
    }

    fn moves(self, pages: &Pages, to: usize, from: usize, size: usize) -> Result<(), Fault> {
        Way::copy_within(pages, to, from, size, || self)
    }

    fn finds<'a>(self, pages: &Pages, range: Range<usize>, needle: impl Into<Bytes<'a>>) -> Result<Option<usize>, Fault> {
        find_by(|| self, pages, range, needle.into())
    }

    fn rfinds<'a>(self, pages: &Pages, range: Range<usize>, needle: impl Into<Bytes<'a>>) -> Result<Option<usize>, Fault> {
        rfind_by(|| self, pages, range, needle.into())
    }

    fn counts<'a>(self, pages: &Pages, range: Range<usize>, needle: impl Into<Bytes<'a>>) -> Result<usize, Fault> {
        count_by(|| self, pages, range, needle.into())
    }
}

/// Bytes that differ from their neighbours.
fn pattern(size: usize, start: u8) -> Vec<u8> {
    (0..size).map(|i| (i * 7 + i / 251) as u8 ^ start).collect()
}

fn bytes(pages: &Pages, range: Range<usize>) -> Vec<u8> {
    let mut bytes = vec![MaybeUninit::new(0); range.len()];
    plain().reads(pages, range.start, &mut bytes[..]).unwrap();
    filled(&bytes).to_vec()
}

fn ways() -> Vec<Way> {
    assert!(verify() || arch::loops().is_empty(), "the handlers are not in place");
    let mut ways: Vec<Way> = arch::loops().iter().map(Way::Guarded).collect();
    ways.push(Way::Kernel);
    ways
}

/// The same for atomic operations. Without the loops they run in a child process that shares the memory, which emulators
/// do not support.
fn ways_of_atomics() -> Vec<Way> {
    let mut ways = ways();
    if sys::run_apart(|(): &mut ()| {}, &mut ()) == Err(Errno::ENOSYS) {
        if cfg!(all(unix, target_arch = "x86_64")) {
            panic!("no child process can share the memory");
        }
        println!("skipped: atomic operations without the loops, since no child process can share the memory here");
        ways.pop();
    }
    ways
}

/// How the tests themselves read and write.
fn plain() -> Way {
    ways()[0]
}

fn faults(done: usize, at: usize, writing: bool) -> Result<(), Fault> {
    Err(Fault { done, by: Stop::Mapping { at, writing } })
}

/// Calls `case` with memory that faults from the wall on, for every cause.
fn each_cause(case: impl Fn(&Pages)) {
    for cause in [Cause::CutShort, Cause::Protected, Cause::Guarded, Cause::Unmapped] {
        let Some(walled) = Walled::new(cause) else {
            println!("skipped: {cause:?} (this system lacks it)");
            continue;
        };
        case(&walled.pages);
        // What was unmapped must not be unmapped again: another thread may have mapped the addresses.
        if matches!(cause, Cause::Unmapped) {
            std::mem::forget(walled.pages);
        }
    }
}

/// Calls `case` with each (pages, way, size, bytes before the wall, alignment) and counts.
fn matrix(name: &str, case: impl Fn(&Pages, Way, usize, usize, usize)) {
    let cases = Cell::new(0);
    each_cause(|pages| {
        for way in ways() {
            for size in SIZES {
                for before in BEFORE_THE_WALL.into_iter().filter(|before| *before <= size) {
                    for alignment in ALIGNMENTS {
                        case(pages, way, size, before, alignment);
                        cases.set(cases.get() + 1);
                    }
                }
            }
        }
    });
    println!("{name}: {} cases", cases.get());
}

#[test]
fn a_read_stops_at_the_exact_byte() {
    matrix("read", |pages, way, size, before, alignment| {
        let start = WALL - before;
        let expected = pattern(before, 0x5A);
        plain().writes(pages, start, &expected).unwrap();
        let mut room = vec![MaybeUninit::new(0x11); size + 64];
        let outcome = way.reads(pages, start, &mut room[alignment..alignment + size]);
        let room = filled(&room);
        if before == size {
            assert_eq!(outcome, Ok(()));
        } else {
            assert_eq!(outcome, faults(before, WALL, false), "size {size} alignment {alignment}");
        }
        assert_eq!(room[alignment..alignment + before], expected);
        assert!(room[..alignment].iter().chain(&room[alignment + before..]).all(|byte| *byte == 0x11), "wrote elsewhere");
    });
}

#[test]
fn a_write_stops_at_the_exact_byte() {
    matrix("write", |pages, way, size, before, alignment| {
        let start = WALL - before;
        plain().writes(pages, start - 64, &vec![0x22; before + 64]).unwrap();
        let source = pattern(size + 64, 0xC3);
        let outcome = way.writes(pages, start, &source[alignment..alignment + size]);
        if before == size {
            assert_eq!(outcome, Ok(()));
        } else {
            assert_eq!(outcome, faults(before, WALL, true), "size {size} alignment {alignment}");
        }
        assert_eq!(bytes(pages, start..WALL), source[alignment..alignment + before]);
        assert_eq!(bytes(pages, start - 64..start), [0x22; 64], "wrote before its start");
    });
}

#[test]
fn a_fill_stops_at_the_exact_byte() {
    matrix("fill", |pages, way, size, before, alignment| {
        // The alignment is the fill's own here: it starts before its place and ends before the wall.
        let start = WALL - before;
        plain().writes(pages, start - 64, &vec![0x22; before + 64]).unwrap();
        let byte = 0x80 | alignment as u8;
        let outcome = way.fill(pages, start..start + size, byte);
        if before == size {
            assert_eq!(outcome, Ok(()));
        } else {
            assert_eq!(outcome, faults(before, WALL, true), "size {size}");
        }
        assert!(bytes(pages, start..WALL).iter().all(|found| *found == byte));
        assert_eq!(bytes(pages, start - 64..start), [0x22; 64]);
    });
}

#[test]
fn a_move_stops_at_the_exact_byte_on_either_side() {
    matrix("move", |pages, way, size, before, alignment| {
        if before == size {
            return;
        }
        let expected = pattern(before, alignment as u8);
        // From the wall's side down to the front: what was read before the wall arrives.
        plain().writes(pages, WALL - before, &expected).unwrap();
        assert_eq!(way.moves(pages, alignment, WALL - before, size), faults(before, WALL, false));
        assert_eq!(bytes(pages, alignment..alignment + before), expected);
        // From the front up to the wall: the two do not overlap, so it goes forwards.
        let expected = pattern(size, 0x77);
        plain().writes(pages, alignment, &expected).unwrap();
        if alignment + size <= WALL - before {
            assert_eq!(way.moves(pages, WALL - before, alignment, size), faults(before, WALL, true));
            assert_eq!(bytes(pages, WALL - before..WALL), expected[..before]);
        }
        // Overlapping upwards across the wall: the last bytes would go first, and they fault.
        assert_eq!(way.moves(pages, WALL - before, WALL - before - 1, size + 1).unwrap_err().done, 0);
    });
}

#[test]
fn a_search_finds_what_lies_before_the_wall_and_stops_at_it() {
    matrix("find", |pages, way, size, before, alignment| {
        let range = WALL - before - alignment..WALL + size - before;
        plain().writes(pages, 0, &vec![0; WALL]).unwrap();
        let outcome = way.finds(pages, range.clone(), b"needle");
        if before == size || range.len() < 6 {
            assert_eq!(outcome, Ok(None));
        } else {
            assert_eq!(outcome.map(drop), faults(before + alignment, WALL, false));
            // Backwards, it is the first byte of the last window, which has 128 bytes, or of the page that faults.
            let at = WALL.max(range.end.saturating_sub(128));
            assert_eq!(way.rfinds(pages, range.clone(), b"needle").unwrap_err().by, Stop::Mapping { at, writing: false });
        }
        if before + alignment >= 6 {
            plain().writes(pages, range.start, b"needle").unwrap();
            assert_eq!(way.finds(pages, range, b"needle"), Ok(Some(0)));
        }
    });
}

#[test]
fn large_copies_stop_at_the_exact_byte_also_around_the_caches() {
    const LARGE: usize = 40 << 20;
    let pages = Pages::zeroed(LARGE + PAGE).unwrap();
    let source = pattern(LARGE + PAGE, 3);
    for way in ways() {
        way.writes(&pages, 0, &source).unwrap();
        for wall in [PAGE, LARGE / 2, LARGE] {
            pages.protect(wall..wall + PAGE, NONE).unwrap();
            for start in [0, 1, 4095] {
                let mut room = vec![MaybeUninit::new(0); LARGE];
                let outcome = way.reads(&pages, start, &mut room[..LARGE - start]);
                let done = wall.min(LARGE) - start;
                if wall < LARGE {
                    assert_eq!(outcome, faults(done, wall, false));
                } else {
                    assert_eq!(outcome, Ok(()));
                }
                assert!(filled(&room)[..done] == source[start..start + done]);
                assert!(filled(&room)[done..].iter().all(|byte| *byte == 0));
            }
            pages.protect(wall..wall + PAGE, READ_WRITE).unwrap();
        }
    }
}

#[test]
fn searches_agree_with_a_search_of_a_copy() {
    let pages = Pages::zeroed(100 * 1024).unwrap();
    for needle_size in [1, 2, 3, 16, 100, 255, 256, 257, 4095, 4096, 4097, 8192, 20_000, 50_000] {
        let needle = pattern(needle_size, 0x99);
        for at in [0, 1, 16_000, PIECE - 1, PIECE - needle_size.min(PIECE), PIECE, 40_000, 100 * 1024 - needle_size] {
            for way in ways() {
                way.fill(&pages, 0..100 * 1024, 0).unwrap();
                way.writes(&pages, at, &needle).unwrap();
                let copy = bytes(&pages, 0..100 * 1024);
                for range in [0..100 * 1024, at..at + needle_size, 1..100 * 1024 - 1, at..100 * 1024] {
                    let (first, last) = (
                        memchr::memmem::find(&copy[range.clone()], &needle),
                        memchr::memmem::rfind(&copy[range.clone()], &needle),
                    );
                    assert_eq!(way.finds(&pages, range.clone(), &needle), Ok(first), "{needle_size} at {at} in {range:?}");
                    assert_eq!(way.rfinds(&pages, range.clone(), &needle), Ok(last), "{needle_size} at {at} in {range:?}");
                }
            }
        }
    }
}

#[test]
fn a_fault_in_the_buffer_differs_from_one_in_the_mapping() {
    let pages = Pages::zeroed(PAGE).unwrap();
    let wall = Pages::zeroed(2 * PAGE).unwrap();
    wall.protect(PAGE..2 * PAGE, NONE).unwrap();
    let start = wall.at(PAGE - 10, 10);
    let by_buffer = |done| Fault { done, by: Stop::Buffer };
    for way in ways() {
        // SAFETY: the memory is this test's, as far as it can be accessed.
        let room = unsafe { Room::from_raw(start, 100) };
        assert_eq!(way.reads(&pages, 0, room), Err(by_buffer(10)));
        // SAFETY: as above.
        let bytes = unsafe { Bytes::from_raw(start, 100) };
        assert_eq!(way.writes(&pages, 0, bytes), Err(by_buffer(10)));
        assert_eq!(way.finds(&pages, 0..PAGE, bytes).unwrap_err().by, Stop::Buffer);
        assert_eq!(way.rfinds(&pages, 0..PAGE, bytes).unwrap_err().by, Stop::Buffer);
        assert_eq!(way.counts(&pages, 0..PAGE, bytes).unwrap_err().by, Stop::Buffer);
        // SAFETY: as above.
        let long = unsafe { Bytes::from_raw(wall.at(0, 0), 2 * PAGE) };
        let large = Pages::zeroed(3 * PAGE).unwrap();
        assert_eq!(way.finds(&large, 0..3 * PAGE, long).unwrap_err().by, Stop::Buffer);
    }
}

#[test]
#[cfg(unix)]
fn a_socket_stops_at_the_exact_byte_too() {
    for cause in [Cause::CutShort, Cause::Protected] {
        let walled = Walled::new(cause).unwrap();
        let (pages, before) = (&walled.pages, pattern(100, 7));
        let start = WALL - before.len();
        let copy = |from: *const u8, to: *mut u8, size: usize| {
            let mut done = 0;
            while done < size {
                // SAFETY: the memory is this test's, as far as it can be accessed.
                match unsafe { sys::copy_by_socket(from.wrapping_add(done), to.wrapping_add(done), size - done) } {
                    Ok(step) => done += step,
                    Err(errno) => return (done, Some(errno)),
                }
            }
            (done, None)
        };
        let there = pages.base().as_ptr().wrapping_add(start);
        assert_eq!(copy(before.as_ptr(), there, 100), (100, None));
        assert_eq!(copy(pattern(200, 7).as_ptr(), there, 200), (100, Some(Errno::EFAULT)));
        let mut room = [MaybeUninit::<u8>::new(0); 200];
        assert_eq!(copy(there, room.as_mut_ptr().cast(), 200), (100, Some(Errno::EFAULT)));
        assert_eq!(filled(&room)[..100], before);
    }
}

#[test]
fn a_number_stops_at_the_exact_byte() {
    each_cause(|pages| {
        for (way, width) in ways().into_iter().flat_map(|way| [1, 2, 4, 8].map(|width| (way, width))) {
            for before in 0..=12 {
                let start = WALL - before;
                let expected = pattern(12, 0x5A);
                plain().writes(pages, WALL - 12, &expected).unwrap();
                let bits = 0x8182_8384_8586_8788_u64;
                let native = &bits.to_ne_bytes()[low_bytes(width)];
                if before >= width {
                    let mut there = [0; 8];
                    there[low_bytes(width)].copy_from_slice(&expected[12 - before..][..width]);
                    assert_eq!(get_by(way, pages, start, width), Ok(u64::from_ne_bytes(there)));
                    assert_eq!(put_by(way, pages, start, width, bits), Ok(()));
                    assert_eq!(bytes(pages, start..start + width), native);
                } else {
                    assert_eq!(get_by(way, pages, start, width), faults(before, WALL, false).map(|()| 0));
                    assert_eq!(put_by(way, pages, start, width, bits), faults(before, WALL, true));
                    assert_eq!(bytes(pages, start..WALL), native[..before]);
                }
                assert_eq!(bytes(pages, WALL - 12..start), expected[..12 - before], "wrote before its start");
                let end = (start + width).min(WALL);
                assert_eq!(bytes(pages, end..WALL), expected[12 - (WALL - end)..], "wrote behind its end");
            }
        }
    });
}

const OPERATIONS: [Operation; 5] = [
    Operation::Load,
    Operation::Add(3),
    Operation::Exchange(0xFFFF_FFFF_0000_0007),
    Operation::CompareExchange { expected: 0x1111_1111_1111_1111, desired: 9 },
    Operation::CompareExchange { expected: 5, desired: 9 },
];

/// What the operation leaves of a word of ones in each byte.
fn afterwards(operation: Operation) -> u64 {
    match operation {
        Operation::Load => 0x1111_1111_1111_1111,
        Operation::Add(more) => 0x1111_1111_1111_1111 + more,
        Operation::Exchange(other) => other,
        Operation::CompareExchange { expected: 5, .. } => 0x1111_1111_1111_1111,
        Operation::CompareExchange { desired, .. } => desired,
    }
}

#[test]
fn an_atomic_operation_is_done_before_the_wall_and_faults_behind_it() {
    each_cause(|pages| {
        for (way, operation) in ways_of_atomics().into_iter().flat_map(|way| OPERATIONS.map(|operation| (way, operation))) {
            for (word, keep) in [(Word::Bits32, 0xFFFF_FFFF), (Word::Bits64, u64::MAX)] {
                let width = word.bytes();
                plain().writes(pages, WALL - 24, &[0x11; 24]).unwrap();
                let at = WALL - width;
                let before = atomic_by(way, pages, at, word, operation).unwrap();
                assert_eq!(before & keep, 0x1111_1111_1111_1111 & keep, "{operation:?}");
                let found = get_by(plain(), pages, at, width).unwrap();
                assert_eq!(found, afterwards(operation) & keep, "{operation:?}");
                assert_eq!(bytes(pages, WALL - 24..at), vec![0x11; 24 - width], "wrote elsewhere");
                for at in [WALL, WALL + width, WALL + PAGE, END - width] {
                    let outcome = atomic_by(way, pages, at, word, operation);
                    let by = Stop::Mapping { at, writing: operation.writes() };
                    assert_eq!(outcome, Err(Fault { done: 0, by }), "{operation:?}");
                }
            }
        }
    });
}

#[test]
fn memory_that_may_only_be_read_faults_at_every_atomic_operation_but_loading() {
    let pages = Pages::zeroed(PAGE).unwrap();
    pages.protect(0..PAGE, READ).unwrap();
    for (way, operation) in ways_of_atomics().into_iter().flat_map(|way| OPERATIONS.map(|operation| (way, operation))) {
        for word in [Word::Bits32, Word::Bits64] {
            assert_eq!(atomic_by(way, &pages, 64, word, operation).is_err(), operation.writes(), "{operation:?}");
        }
    }
}

fn place(side: Side, pages: &Pages, at: usize) -> Position<'_> {
    Position { side, pages, at }
}

#[test]
fn a_copy_between_mappings_stops_at_the_exact_byte_of_the_side_that_faults() {
    let good = Pages::zeroed(2 * WALL).unwrap();
    matrix("copy between mappings", |pages, way, size, before, alignment| {
        let outcome_for = |side, writing| {
            let by = Stop::Mapping { at: WALL, writing };
            if before == size { Ok(()) } else { Err((side, Fault { done: before, by })) }
        };
        let expected = pattern(size, alignment as u8);
        plain().writes(pages, WALL - before, &expected[..before]).unwrap();
        plain().fill(&good, 0..alignment + size + 64, 0).unwrap();
        let source = place(Side::Source, pages, WALL - before);
        let outcome = copy_by(|| way, place(Side::Target, &good, alignment), source, size);
        assert_eq!(outcome, outcome_for(Side::Source, false));
        assert_eq!(bytes(&good, alignment..alignment + before), expected[..before]);
        assert!(bytes(&good, alignment + before..alignment + size + 64).iter().all(|byte| *byte == 0));

        plain().writes(&good, alignment, &expected).unwrap();
        plain().fill(pages, WALL - before - 1..WALL, 0).unwrap();
        let target = place(Side::Target, pages, WALL - before);
        let outcome = copy_by(|| way, target, place(Side::Source, &good, alignment), size);
        assert_eq!(outcome, outcome_for(Side::Target, true));
        assert_eq!(bytes(pages, WALL - before..WALL), expected[..before]);
        assert_eq!(bytes(pages, WALL - before - 1..WALL - before), [0]);
    });
}

#[test]
fn a_comparison_returns_differences_before_the_wall_and_stops_at_it() {
    let good = Pages::zeroed(2 * WALL).unwrap();
    matrix("compare", |pages, way, size, before, alignment| {
        let expected = pattern(size, alignment as u8);
        plain().writes(pages, WALL - before, &expected[..before]).unwrap();
        plain().writes(&good, alignment, &expected).unwrap();
        let wall = |side| place(side, pages, WALL - before);
        let other = |side| place(side, &good, alignment);
        let outcome_for = |side| {
            let by = Stop::Mapping { at: WALL, writing: false };
            if before == size { Ok(size) } else { Err((side, Fault { done: before, by })) }
        };
        assert_eq!(compare_by(|| way, wall(Side::First), other(Side::Second), size), outcome_for(Side::First));
        assert_eq!(compare_by(|| way, other(Side::First), wall(Side::Second), size), outcome_for(Side::Second));
        for difference in [0, before / 2, before.saturating_sub(1)].into_iter().filter(|place| *place < before) {
            plain().writes(&good, alignment + difference, &[!expected[difference]]).unwrap();
            let result = compare_by(|| way, wall(Side::First), other(Side::Second), size);
            assert_eq!(result, Ok(difference));
            let result = compare_by(|| way, other(Side::First), wall(Side::Second), size);
            assert_eq!(result, Ok(difference));
            plain().writes(&good, alignment + difference, &expected[difference..=difference]).unwrap();
        }
    });
}

#[test]
fn counts_agree_with_a_count_of_a_copy_and_stop_at_the_wall() {
    let pages = Pages::zeroed(100 * 1024).unwrap();
    // Few different bytes, so that needles overlap themselves and each other, also across windows.
    let text: Vec<u8> = (0..100 * 1024_u32).map(|i| b"aab"[(i.wrapping_mul(2_654_435_761) >> 30) as usize % 3]).collect();
    plain().writes(&pages, 0, &text).unwrap();
    for needle in [&b"a"[..], b"aa", b"aba", b"aaaa", &text[PIECE - 5..PIECE + 5], &text[5..9000], b"c"] {
        for range in [0..text.len(), 1..text.len() - 1, PIECE - 3..PIECE + 1, 7..7] {
            let expected = memchr::memmem::find_iter(&text[range.clone()], needle).count();
            for way in ways() {
                assert_eq!(way.counts(&pages, range.clone(), needle), Ok(expected), "{} bytes in {range:?}", needle.len());
            }
        }
    }
    assert_eq!(count(&pages, 5..5, b"".into()), Ok(1));
    assert_eq!(count(&pages, 5..9, b"".into()), Ok(5));
    matrix("count", |pages, way, size, before, _| {
        if before < size {
            assert_eq!(way.counts(pages, WALL - before..WALL - before + size, b"x").map(drop), faults(before, WALL, false));
        }
    });
}

/// The loops for searching a byte, without the ways around them.
fn loops_of(way: Way) -> Option<&'static Loops> {
    if let Way::Guarded(loops) = way { Some(loops) } else { None }
}

#[test]
fn a_search_for_a_byte_stops_at_the_exact_byte() {
    use super::arch::Found;
    matrix("find a byte", |pages, way, size, before, alignment| {
        let Some(loops) = loops_of(way) else { return };
        let (start, size, readable) = (WALL - before - alignment, size + alignment, before + alignment);
        // SAFETY: mapped memory; a fault is repaired.
        let find = |size: usize| unsafe { (loops.find_byte)(pages.at(start, size), b'x', size) };
        // The byte stands before the place, too, where it must not be seen.
        plain().fill(pages, start - 64..start, b'x').unwrap();
        plain().fill(pages, start..WALL, 0).unwrap();
        let context = format!("{readable} of {size} bytes, alignment {alignment}");
        assert_eq!(find(size), Found { before: readable, found: 0 }, "{context}");
        for place in [0, 1, readable / 2, readable.wrapping_sub(2), readable.wrapping_sub(1)] {
            if place < readable {
                // Bytes after the first match do not matter.
                plain().fill(pages, start + place..WALL, b'x').unwrap();
                assert_eq!(find(size), Found { before: place, found: 1 }, "{context}, at {place}");
                assert_eq!(find(place), Found { before: place, found: 0 }, "{context}, up to {place}");
                plain().fill(pages, start + place..WALL, 0).unwrap();
            }
        }
    });
}

#[test]
fn a_search_for_a_byte_agrees_with_memchr() {
    let pages = Pages::zeroed(4 * PAGE).unwrap();
    for loops in arch::loops() {
        for start in [0, 1, 15, 16, 17, 31, 32, 63] {
            for size in (0..700_usize).chain([4095, 4096, 4097, 9000]) {
                let range = start..start + size;
                for place in [size / 3, size / 2, size.saturating_sub(33), size.saturating_sub(1), size] {
                    plain().fill(&pages, 0..range.end, 0xFF).unwrap();
                    // Beyond the end there is one that must not be seen.
                    plain().writes(&pages, start + place, &[0x80]).unwrap();
                    // SAFETY: mapped memory.
                    let found = unsafe { (loops.find_byte)(pages.start_of(&range), 0x80, size) };
                    let copy = bytes(&pages, range.clone());
                    assert_eq!((found.found == 1).then_some(found.before), memchr::memchr(0x80, &copy), "{range:?}");
                    assert_eq!(found.before, place, "{range:?}");
                }
            }
        }
    }
}

#[test]
fn equal_bytes_are_counted_up_to_four_vectors_before_a_difference_and_never_beyond() {
    const VECTORS: usize = 4 * 32;
    let pages = Pages::zeroed(8 * PAGE).unwrap();
    let text = pattern(4 * PAGE, 9);
    for loops in arch::loops() {
        for (first, second) in [(0, 0), (5, 0), (0, 9), (31, 1)] {
            for size in (0..400_usize).chain([1000, 4096, 10_000]) {
                for difference in [0, size / 2, size.saturating_sub(40), size.saturating_sub(1), size] {
                    plain().writes(&pages, first, &text[..size]).unwrap();
                    plain().writes(&pages, 4 * PAGE + second, &text[..size]).unwrap();
                    plain().writes(&pages, 4 * PAGE + second + difference, &[!text[difference]]).unwrap();
                    let (left, right) = (first..first + size, 4 * PAGE + second..4 * PAGE + second + size);
                    // SAFETY: mapped memory.
                    let equal = unsafe { (loops.equal)(pages.start_of(&left), pages.start_of(&right), size) };
                    assert!(equal <= difference, "{equal} of {size}, the difference is at {difference}");
                    assert!(equal + VECTORS > difference, "{equal} of {size}, the difference is at {difference}");
                }
            }
        }
    }
}

#[test]
fn large_fills_stop_at_the_exact_byte_also_around_the_caches() {
    const LARGE: usize = 34 << 20;
    let pages = Pages::zeroed(LARGE + PAGE).unwrap();
    for way in ways() {
        for (wall, start) in [(PAGE, 1), (LARGE / 2, 0), (LARGE / 2, 4095), (LARGE, 33)] {
            plain().fill(&pages, 0..LARGE + PAGE, 0).unwrap();
            pages.protect(wall..wall + PAGE, NONE).unwrap();
            assert_eq!(way.fill(&pages, start..LARGE + 1, 0xAB), faults(wall - start, wall, true));
            pages.protect(wall..wall + PAGE, READ_WRITE).unwrap();
            let found = bytes(&pages, 0..LARGE + PAGE);
            assert!(found[start..wall].iter().all(|byte| *byte == 0xAB));
            assert!(found[..start].iter().chain(&found[wall..]).all(|byte| *byte == 0));
        }
    }
}

/// Instructions that access a page, counted in a child: the page allows no access, so that each is a signal; the handler
/// allows it for this one instruction.
#[cfg(all(unix, target_arch = "x86_64"))]
mod accesses {
    use super::*;
    use libc::{c_int, c_void, siginfo_t, ucontext_t};
    use std::sync::atomic::Ordering::Relaxed;

    const TRAP_FLAG: i64 = 0x100;
    static WATCHED: AtomicUsize = AtomicUsize::new(0);
    static COUNT: AtomicUsize = AtomicUsize::new(0);

    fn protect(protection: c_int) {
        let page = std::ptr::with_exposed_provenance_mut(WATCHED.load(Relaxed));
        // SAFETY: the page is the test's.
        unsafe { libc::mprotect(page, PAGE, protection) };
    }

    extern "C" fn on_access(_: c_int, _: *mut siginfo_t, context: *mut c_void) {
        COUNT.fetch_add(1, Relaxed);
        protect(libc::PROT_READ | libc::PROT_WRITE);
        // SAFETY: the context of the interrupted code.
        unsafe { (*context.cast::<ucontext_t>()).uc_mcontext.gregs[libc::REG_EFL as usize] |= TRAP_FLAG };
    }

    extern "C" fn on_step(_: c_int, _: *mut siginfo_t, context: *mut c_void) {
        protect(libc::PROT_NONE);
        // SAFETY: as above.
        unsafe { (*context.cast::<ucontext_t>()).uc_mcontext.gregs[libc::REG_EFL as usize] &= !TRAP_FLAG };
    }

    /// How many instructions of `body` access the page.
    pub fn count(pages: &Pages, body: impl FnOnce() -> Outcome) -> c_int {
        WATCHED.store(pages.base().as_ptr().expose_provenance(), Relaxed);
        // SAFETY: the child calls nothing but system calls and `body`, and ends without returning.
        unsafe {
            let child = libc::fork();
            assert!(child >= 0);
            if child == 0 {
                for (signal, handler) in [(libc::SIGSEGV, on_access as *const ()), (libc::SIGTRAP, on_step as *const ())] {
                    let mut action: libc::sigaction = std::mem::zeroed();
                    action.sa_sigaction = handler as usize;
                    action.sa_flags = libc::SA_SIGINFO;
                    libc::sigaction(signal, &action, std::ptr::null_mut());
                }
                protect(libc::PROT_NONE);
                body();
                libc::_exit(COUNT.load(Relaxed) as c_int);
            }
            let mut status = 0;
            assert_eq!(libc::waitpid(child, &mut status, 0), child);
            assert!(libc::WIFEXITED(status), "status {status:#x}");
            libc::WEXITSTATUS(status)
        }
    }
}

#[test]
#[cfg(all(unix, target_arch = "x86_64"))]
fn one_access_of_1_2_4_or_8_bytes_is_one_instruction() {
    let pages = Pages::zeroed(PAGE).unwrap();
    let page = |at: usize| pages.at(at, 8);
    for loops in arch::loops() {
        let copies = |to: *mut u8, from: *const u8, size| {
            // SAFETY: the page and the room have as many bytes.
            accesses::count(&pages, || unsafe { (loops.copy)(to, from, size) })
        };
        let mut room = [0_u8; 8];
        for size in [1, 2, 4, 8] {
            for at in [0, 1, 64] {
                let (reads, writes) = (copies(room.as_mut_ptr(), page(at), size), copies(page(at), room.as_ptr(), size));
                // SAFETY: the page has as many bytes.
                let fills = accesses::count(&pages, || unsafe { (loops.fill)(page(at), 7, size) });
                assert_eq!((reads, writes, fills), (1, 1, 1), "{size} bytes at {at}");
            }
        }
        // The count itself counts: five bytes are two moves.
        assert_eq!(copies(room.as_mut_ptr(), page(0), 5), 2);
    }
}
