//! A stale handle never accesses memory; unmapping does not wait; a fork leaves no pins.
#![cfg_attr(windows, allow(unused_imports, dead_code, reason = "some of its tests are for other systems"))]
#![allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap, reason = "small numbers")]

mod common;

use common::*;
use mmap_wrap::internals::error::{Cause, Error};
use mmap_wrap::internals::registry::{acquire, insert, pin, release, unmap};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

#[test]
fn zero_negative_and_invalid_handles_are_errors() {
    // In a process of its own: an invalid number here could be a handle of another test.
    in_a_process_of_its_own("zero_negative_and_invalid_handles_are_errors", || {
        let real = handle(1);
        for forged in [0, -1, 1, 4096, i64::MAX, i64::MIN, real + 1, real + (1 << 31), real | (1 << 62)] {
            assert_eq!(pin(forged).unwrap_err(), Error::Handle(forged).into());
            assert_eq!(unmap(forged).unwrap_err(), Error::Handle(forged).into());
            assert_eq!(acquire(forged).unwrap_err(), Error::Handle(forged).into());
            assert_eq!(release(forged).unwrap_err(), Error::Handle(forged).into());
        }
        assert!(unmap(real).unwrap());
    });
}

#[test]
fn unmapping_twice_returns_false_and_every_use_returns_unmapped() {
    let h = handle(4096);
    assert!(unmap(h).unwrap());
    assert!(!unmap(h).unwrap());
    assert_eq!(pin(h).unwrap_err(), Error::Unmapped(h).into());
    assert_eq!(acquire(h).unwrap_err(), Error::Unmapped(h).into());
    assert_eq!(release(h).unwrap_err(), Error::Unmapped(h).into());
}

#[test]
fn a_handle_never_refers_to_another_mapping() {
    let mut seen = std::collections::HashSet::new();
    let mut last = 0;
    for _ in 0..10_000 {
        let h = handle(1);
        assert!(pin(last).is_err(), "handle {last:#x} was unmapped, and reaches the next mapping");
        last = h;
        assert!(seen.insert(h), "handle {h:#x} was given out twice");
        unmap(h).unwrap();
    }
    assert!(seen.iter().all(|h| pin(*h).is_err()));
}

#[test]
fn a_failed_mapping_gives_its_slot_back() {
    let taken = |h: i64| h & ((1 << 31) - 1);
    let highest = taken(handle(1));
    for _ in 0..5000 {
        insert(|| Err(Error::NotFound.into())).unwrap_err();
        std::panic::catch_unwind(|| insert(|| std::panic::resume_unwind(Box::new(())))).unwrap_err();
    }
    assert!(taken(handle(1)) < highest + 1000, "slots leak");
}

#[test]
fn an_acquired_address_keeps_the_mapping_until_it_is_released() {
    let h = handle(4096);
    let address = acquire(h).unwrap();
    acquire(h).unwrap();
    assert_eq!(unmap(h).unwrap_err(), Error::Busy { acquired: 2 }.into());
    assert_eq!(release(h).unwrap(), 1);
    assert_eq!(unmap(h).unwrap_err(), Error::Busy { acquired: 1 }.into());
    assert!(is_mapped(address));
    assert_eq!(release(h).unwrap(), 0);
    assert!(matches!(*release(h).unwrap_err(), Error::Argument(_)));
    assert!(unmap(h).unwrap());
}

#[test]
fn accesses_of_readers_fail_after_unmapping_and_the_last_reader_unmaps_the_address() {
    in_a_process_of_its_own("accesses_of_readers_fail_after_unmapping_and_the_last_reader_unmaps_the_address", || {
        let h = handle(4096);
        let (one, other) = (pin(h).unwrap(), pin(h).unwrap());
        let address = one.address();
        assert!(unmap(h).unwrap(), "unmapping does not wait");
        assert!(!unmap(h).unwrap());
        assert_eq!(pin(h).unwrap_err(), Error::Unmapped(h).into());
        // Where faults are repaired, the memory is replaced at once by inaccessible pages, so that nothing else can be mapped there.
        if LOOPS {
            assert!(matches!(*one.write(0, b"late").unwrap_err(), Error::Fault { cause: Cause::Protection, .. }));
        }
        drop(one);
        assert!(is_mapped(address));
        drop(other);
        assert!(!is_mapped(address));
    });
}

/// How many rounds each thread of a race makes; `make test-deep` sets more, scripts/matrix less for emulated processors.
fn rounds() -> i64 {
    std::env::var("MMAP_WRAP_ROUNDS").map_or(20_000, |rounds| rounds.parse().unwrap())
}

/// Each mapping is filled with its own number. Readers take handles from an array that mappers keep changing; what a reader reads
/// under one pin must be one number, whatever happens to the address meanwhile.
#[test]
fn readers_never_see_another_mappings_bytes() {
    const PLACES: usize = 8;
    const WORDS: usize = 512;
    const ENOUGH: u64 = 1000;
    static GOOD: AtomicU64 = AtomicU64::new(0);
    static BOARD: [AtomicI64; PLACES] = [const { AtomicI64::new(0) }; PLACES];
    static OVER: AtomicBool = AtomicBool::new(false);

    fn filled(number: i64) -> i64 {
        let h = handle(WORDS as i64 * 8);
        let bytes: Vec<u8> = std::iter::repeat_n(number.to_ne_bytes(), WORDS).flatten().collect();
        pin(h).unwrap().write(0, &bytes).unwrap();
        h
    }
    fn mapper(start: i64) {
        // On a busy machine the readers may hardly have run after so many.
        let started = Instant::now();
        let is_over = || GOOD.load(Ordering::Relaxed) > ENOUGH || started.elapsed() > PATIENCE;
        for number in (start..).take_while(|number| *number < start + rounds() || !is_over()) {
            let place = &BOARD[usize::try_from(number % PLACES as i64).unwrap()];
            let replaced = place.swap(filled(number), Ordering::SeqCst);
            if replaced > 0 {
                unmap(replaced).unwrap();
            }
        }
    }
    fn reader() -> (u64, u64) {
        let (mut gone, mut failure) = (0, 0);
        while !OVER.load(Ordering::Relaxed) {
            for place in &BOARD {
                let h = place.load(Ordering::SeqCst);
                if h == 0 {
                    continue;
                }
                let Ok(mapping) = pin(h) else {
                    gone += 1;
                    continue;
                };
                // An error, if the mapping is unmapped while it is pinned; never bytes of another mapping.
                let Ok(bytes) = read(&mapping, 0, WORDS * 8) else {
                    failure += 1;
                    continue;
                };
                let first = &bytes[..8];
                assert!(bytes.chunks(8).all(|word| word == first), "a mapping holds two numbers");
                assert_ne!(first, [0; 8], "the memory was replaced under the pin");
                // Read again under the same pin: still the same mapping, or an error.
                assert!(read(&mapping, 0, 8).map_or(true, |again| again == first), "the address was reused under the pin");
                GOOD.fetch_add(1, Ordering::Relaxed);
            }
        }
        (gone, failure)
    }

    let readers: Vec<_> = (0..4).map(|_| thread::spawn(reader)).collect();
    let mappers: Vec<_> = [1, 1 << 40].map(|start| thread::spawn(move || mapper(start))).into();
    mappers.into_iter().for_each(|mapper| mapper.join().unwrap());
    OVER.store(true, Ordering::Relaxed);
    let errors: Vec<_> = readers.into_iter().map(|reader| reader.join().unwrap()).collect();
    let good = GOOD.load(Ordering::Relaxed);
    assert!(good > ENOUGH, "the readers hardly ran: {good} reads; unmapped handles and errors: {errors:?}");
}

/// A reader and an unmapper start at the same moment, many times. Without the barrier that the unmapper makes the reader's
/// processor execute, it misses a pin that is still in the store buffer of that processor.
#[test]
fn a_pin_that_found_the_mapping_live_keeps_its_addresses() {
    in_a_process_of_its_own("a_pin_that_found_the_mapping_live_keeps_its_addresses", || {
        static HANDLE: AtomicI64 = AtomicI64::new(0);
        static DONE: AtomicI64 = AtomicI64::new(0);
        static PINNED: AtomicI64 = AtomicI64::new(0);
        let wait = |place: &AtomicI64, not: i64| {
            for looks in 0.. {
                match place.load(Ordering::SeqCst) {
                    value if value != not => return value,
                    // On a busy machine the other thread may need this processor.
                    _ if looks > 1_000 => thread::yield_now(),
                    _ => std::hint::spin_loop(),
                }
            }
            unreachable!("the loop has no end")
        };
        let reader = thread::spawn(move || {
            let mut last = 0;
            loop {
                last = wait(&HANDLE, last);
                if last < 0 {
                    return;
                }
                // A different delay each time, around that of the other thread.
                (0..last % 61).for_each(|_| std::hint::spin_loop());
                if let Ok(mapping) = pin(last) {
                    PINNED.fetch_add(1, Ordering::SeqCst);
                    let address = mapping.address();
                    (0..200).for_each(|_| std::hint::spin_loop());
                    assert!(is_mapped(address), "the mapping was unmapped under the pin");
                }
                DONE.store(last, Ordering::SeqCst);
            }
        });
        let wanted = if cfg!(debug_assertions) { rounds() } else { rounds() * 5 };
        let started = Instant::now();
        let is_over = || PINNED.load(Ordering::SeqCst) > 100 || started.elapsed() > PATIENCE;
        // On a busy machine the reader is often too late: then there are more rounds.
        for round in (0..).take_while(|round| *round < wanted || !is_over()) {
            if reader.is_finished() {
                break;
            }
            // Reads all pins, so that the reader's processor has to fetch the cache line again before it can store its own.
            unmap(handle(1)).unwrap();
            let h = handle(4096);
            HANDLE.store(h, Ordering::SeqCst);
            (0..round % 53).for_each(|_| std::hint::spin_loop());
            unmap(h).unwrap();
            for looks in 0.. {
                if DONE.load(Ordering::SeqCst) == h || reader.is_finished() {
                    break;
                }
                if looks > 1_000 { thread::yield_now() } else { std::hint::spin_loop() }
            }
        }
        HANDLE.store(-1, Ordering::SeqCst);
        reader.join().unwrap();
        let pinned = PINNED.load(Ordering::SeqCst);
        if pinned <= 100 {
            println!("skipped: the reader was in time only {pinned} times: this machine hardly runs two threads at once");
        }
    });
}

#[test]
#[cfg(unix)]
fn a_forked_child_has_the_handles_of_its_parent_and_none_of_the_pins() {
    in_a_process_of_its_own("a_forked_child_has_the_handles_of_its_parent_and_none_of_the_pins", || {
        static OVER: AtomicBool = AtomicBool::new(false);
        let h = handle(4096);
        let address = pin(h).unwrap().address();
        let busy: Vec<_> = (0..3)
            .map(|_| {
                thread::spawn(move || {
                    while !OVER.load(Ordering::Relaxed) {
                        let mapping = pin(h).unwrap();
                        mapping.find(b"x", 0, 4096).unwrap_err();
                    }
                })
            })
            .collect();
        let held = pin(h).unwrap();
        for round in 0..300 {
            let status = forked(|| {
                let readable = pin(h).is_ok();
                let unmapped = unmap(h) == Ok(true);
                i32::from(readable) | i32::from(unmapped) << 1 | i32::from(!is_mapped(address)) << 2
            });
            assert_eq!(status, 7, "round {round}: handle works, unmaps, and the memory is gone");
        }
        drop(held);
        OVER.store(true, Ordering::Relaxed);
        busy.into_iter().for_each(|thread| thread.join().unwrap());
        assert!(unmap(h).unwrap());
        assert!(!is_mapped(address));
    });
}

#[test]
#[cfg(unix)]
fn an_acquired_address_outlives_a_fork() {
    let h = handle(4096);
    acquire(h).unwrap();
    let status = forked(|| match unmap(h).map_err(|error| *error) {
        Err(Error::Busy { acquired: 1 }) => match (release(h), unmap(h)) {
            (Ok(0), Ok(true)) => 0,
            _ => 1,
        },
        _ => 2,
    });
    assert_eq!(status, 0);
    assert_eq!(release(h).unwrap(), 0);
    assert!(unmap(h).unwrap());
}

#[test]
#[cfg(unix)]
fn sixty_thousand_mappings_can_exist_and_one_beyond_the_limit_is_an_error() {
    in_a_process_of_its_own("sixty_thousand_mappings_can_exist_and_one_beyond_the_limit_is_an_error", || {
        let mut handles = Vec::new();
        // For addresses of 32 bits an emulator maps inaccessible memory where a program unmaps: at the limit it cannot unmap.
        let most = if cfg!(target_pointer_width = "32") && is_emulated() { 60_000 } else { 200_000 };
        let failure = loop {
            // Each shared mapping has its own file, so the kernel cannot merge it with its neighbour.
            match insert(|| from_descriptor(0, 1, READ_WRITE, ANONYMOUS, -1, 0)) {
                Ok(h) => handles.push(h),
                Err(error) => break Some(error),
            }
            if handles.len() == most {
                break None;
            }
        };
        match failure {
            Some(error) => {
                assert_eq!(error.code(), -i64::from(libc::ENOMEM), "{error}");
                assert!(error.to_string().contains("vm.max_map_count is"), "{error}");
            }
            None => println!("skipped: vm.max_map_count cannot be reached here"),
        }
        assert!(handles.len() >= 60_000, "only {} mappings", handles.len());
        // A page of each of 60,000 is 240 MB of memory; where pages are larger, of as many as take no more.
        let accessed = || handles.iter().enumerate().step_by(mmap_wrap::page_size() / 4096);
        for (number, h) in accessed() {
            pin(*h).unwrap().write(0, &[number as u8]).unwrap();
        }
        for (number, h) in accessed() {
            assert_eq!(read(&pin(*h).unwrap(), 0, 1).unwrap(), [number as u8]);
        }
        assert!(handles.into_iter().all(|h| unmap(h).unwrap()));
    });
}
