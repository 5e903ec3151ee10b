//! Atomic operations on words that processes share, with errors in place of signals; waiting and waking.
#![allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap, clippy::cast_sign_loss, reason = "small numbers")]

mod common;

use common::abi::*;
use common::*;
use mmap_wrap::internals::constants::*;
use mmap_wrap::internals::error::*;
use mmap_wrap::internals::mapping::Waited;
use mmap_wrap::internals::range::REST;
use mmap_wrap::internals::registry;
use mmap_wrap::internals::{Mapping, Result};
#[cfg(unix)]
use std::fs::File;
use std::ptr::{null, null_mut};
#[cfg(unix)]
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

fn code<T: std::fmt::Debug>(result: Result<T>) -> i64 {
    result.unwrap_err().code()
}

/// A file of two pages, mapped shared and written, and truncated to one page.
#[cfg(unix)]
fn truncated() -> (File, Mapping) {
    let file = tempfile::tempfile().unwrap();
    file.set_len(2 * page_size() as u64).unwrap();
    let mapping = from_descriptor(0, REST, READ_WRITE, MAP_SHARED, descriptor_of(&file), 0).unwrap();
    mapping.fill(0, 1, REST).unwrap();
    file.set_len(page_size() as u64).unwrap();
    (file, mapping)
}

/// Every atomic operation on the word of `bits` at `offset`: the code of each, 0 for success.
fn every_operation(mapping: &Mapping, bits: i64, offset: i64) -> [i64; 5] {
    let code = |result: Result<i64>| result.map_or_else(|error| error.code(), |_| 0);
    [
        code(mapping.atomic_load(bits, offset)),
        code(mapping.atomic_store(bits, offset, 1).map(|()| 0)),
        code(mapping.atomic_add(bits, offset, 1)),
        code(mapping.atomic_exchange(bits, offset, 1)),
        code(mapping.atomic_compare_exchange(bits, offset, 7, 8).map(|outcome| outcome.unwrap_or_else(|other| other))),
    ]
}

#[test]
fn words_are_signed_and_wrap_around() {
    if !atomics() {
        return;
    }
    let memory = anonymous(64);
    for (bits, least, greatest) in [(32, i64::from(i32::MIN), i64::from(i32::MAX)), (64, i64::MIN, i64::MAX)] {
        memory.fill(0, 0xEE, REST).unwrap();
        memory.atomic_store(bits, 8, greatest).unwrap();
        assert_eq!(memory.atomic_add(bits, 8, 1), Ok(greatest));
        assert_eq!(memory.atomic_load(bits, 8), Ok(least));
        assert_eq!(memory.atomic_exchange(bits, 8, -1), Ok(least));
        assert_eq!(memory.atomic_compare_exchange(bits, 8, 0, 5), Ok(Err(-1)));
        assert_eq!(memory.atomic_compare_exchange(bits, 8, -1, 5), Ok(Ok(-1)));
        assert_eq!(memory.atomic_load(bits, 8), Ok(5));
        assert_eq!(read(&memory, 0, 8).unwrap(), [0xEE; 8]);
        assert_eq!(read(&memory, 8 + bits / 8, 8).unwrap(), [0xEE; 8]);
    }
    // Unsigned numbers of 32 bits are valid, too.
    memory.atomic_store(32, 8, u32::MAX.into()).unwrap();
    assert_eq!(memory.atomic_compare_exchange(32, 8, u32::MAX.into(), 1 << 31), Ok(Ok(-1)));
    assert_eq!(memory.atomic_load(32, 8), Ok(i32::MIN.into()));
}

#[test]
fn a_range_that_is_not_a_word_is_an_error() {
    let memory = anonymous(100);
    for (bits, offset) in [(32, 1), (32, 2), (64, 4)] {
        assert_eq!(every_operation(&memory, bits, offset), [MMAP_WRAP_E_ALIGNMENT; 5]);
    }
    let unaligned = memory.atomic_load(64, 4).unwrap_err().to_string();
    assert_eq!(unaligned, "offset 4 is not on a word boundary: its address must be a multiple of 8 bytes");
    assert_eq!(code(memory.wait(2, 0, 0)), MMAP_WRAP_E_ALIGNMENT);
    assert_eq!(code(memory.wake(2, 1)), MMAP_WRAP_E_ALIGNMENT);
    for (bits, offset) in [(32, 100), (64, 96), (64, -8), (32, i64::MAX)] {
        assert_eq!(every_operation(&memory, bits, offset), [MMAP_WRAP_E_RANGE; 5]);
    }
    for bits in [0, 8, 31, 128, -64, REST] {
        assert_eq!(every_operation(&memory, bits, 0), [MMAP_WRAP_E_ARGUMENT; 5]);
    }
    for value in [1 << 32, i64::from(i32::MIN) - 1, i64::MAX] {
        let error = memory.atomic_add(32, 0, value).unwrap_err();
        assert_eq!(error.code(), MMAP_WRAP_E_ARGUMENT);
        assert_eq!(error.to_string(), format!("{value} does not fit a word of 32 bits: -2147483648 to 4294967295"));
        assert_eq!(code(memory.atomic_compare_exchange(32, 0, value, 0)), MMAP_WRAP_E_ARGUMENT);
        assert_eq!(code(memory.atomic_compare_exchange(32, 0, 0, value)), MMAP_WRAP_E_ARGUMENT);
        assert_eq!(code(memory.wait(0, value, 0)), MMAP_WRAP_E_ARGUMENT);
    }
    assert_eq!(code(memory.wait(0, 0, -1)), MMAP_WRAP_E_RANGE);
    assert_eq!(code(memory.wait(100, 0, 0)), MMAP_WRAP_E_RANGE);
    assert_eq!(code(memory.wake(0, -1)), MMAP_WRAP_E_RANGE);
    assert_eq!(read(&memory, 0, 100).unwrap(), [0; 100]);
}

#[test]
fn a_word_is_aligned_by_its_address_where_the_mapping_begins_inside_a_page() {
    if !atomics() {
        return;
    }
    let file = tempfile::tempfile().unwrap();
    file.set_len(2 * page_size() as u64).unwrap();
    let mapping = from_descriptor(0, REST, READ_WRITE, MAP_SHARED, descriptor_of(&file), 4).unwrap();
    assert_eq!(every_operation(&mapping, 64, 0), [MMAP_WRAP_E_ALIGNMENT; 5]);
    assert_eq!(every_operation(&mapping, 64, 4), [0; 5]);
    assert_eq!(every_operation(&mapping, 32, 0), [0; 5]);
}

#[test]
fn the_c_functions_store_the_previous_value_unless_the_pointer_is_null() {
    if !atomics() {
        return;
    }
    let h = handle(4096);
    let mut before = 77;
    assert_eq!(mmap_wrap_atomic_store(h, 64, 8, 5), 0);
    assert_eq!((mmap_wrap_atomic_load(h, 64, 8, &mut before), before), (0, 5));
    assert_eq!((mmap_wrap_atomic_add(h, 64, 8, -7, &mut before), before), (0, 5));
    assert_eq!((mmap_wrap_atomic_exchange(h, 64, 8, 9, &mut before), before), (0, -2));
    assert_eq!((mmap_wrap_atomic_compare_exchange(h, 64, 8, 3, 4, &mut before), before), (0, 9));
    assert_eq!((mmap_wrap_atomic_compare_exchange(h, 64, 8, 9, 4, &mut before), before), (1, 9));
    assert_eq!(mmap_wrap_atomic_add(h, 64, 8, 1, null_mut()), 0);
    assert_eq!(mmap_wrap_atomic_exchange(h, 64, 8, 1, null_mut()), 0);
    assert_eq!(mmap_wrap_atomic_compare_exchange(h, 64, 8, 9, 4, null_mut()), 0);
    assert_eq!(mmap_wrap_atomic_load(h, 64, 8, null_mut()), MMAP_WRAP_E_ARGUMENT);
    before = 77;
    assert_eq!(mmap_wrap_atomic_add(h, 64, 1, 1, &mut before), MMAP_WRAP_E_ALIGNMENT);
    assert_eq!((mmap_wrap_atomic_load(h, 16, 8, &mut before), before), (MMAP_WRAP_E_ARGUMENT, 77));
    // The half of a 64-bit 1 that is not 0.
    let low_half = if cfg!(target_endian = "big") { 12 } else { 8 };
    assert_eq!(mmap_wrap_wait(h, low_half, 0, 1), 1);
    assert_eq!(mmap_wrap_wait(h, low_half, 1, 1), -i64::from(libc::ETIMEDOUT));
    assert_eq!(mmap_wrap_wake(h, low_half, REST), 0);
    assert_eq!(registry::unmap(h), Ok(true));
    assert_eq!(mmap_wrap_atomic_add(h, 64, 8, 1, null_mut()), MMAP_WRAP_E_UNMAPPED);
    assert_eq!(mmap_wrap_wait(h, 8, 0, 1), MMAP_WRAP_E_UNMAPPED);
    assert_eq!(mmap_wrap_wake(h + 1, 8, 1), MMAP_WRAP_E_HANDLE);
}

#[test]
#[cfg(unix)]
fn inaccessible_memory_is_an_error_for_every_operation() {
    if !atomics() {
        return;
    }
    let (_file, cut) = truncated();
    assert_eq!(every_operation(&cut, 64, page_size() - 8), [0; 5]);
    let partly = anonymous(3 * page_size());
    partly.protect(PROT_NONE, page_size(), page_size()).unwrap();
    let behind_the_back = anonymous(2 * page_size());
    let second = behind_the_back.address().wrapping_add(page_size() as usize).cast();
    // SAFETY: the memory is this test's.
    unsafe { assert_eq!(libc::mprotect(second, page_size() as usize, libc::PROT_NONE), 0) };
    for memory in [&cut, &partly, &behind_the_back] {
        for (bits, offset) in [(32, page_size()), (64, page_size()), (32, 2 * page_size() - 4), (64, 2 * page_size() - 8)] {
            assert_eq!(every_operation(memory, bits, offset), [MMAP_WRAP_E_FAULT; 5]);
        }
        let failure = *memory.atomic_add(64, page_size() + 8, 1).unwrap_err();
        let (at, there) = (page_size() as usize + 8, memory.address().addr());
        assert!(
            matches!(failure, Error::Fault { offset, done: 0, size: 8, address, .. } if offset == at && address == there + at),
            "{failure:?}"
        );
        assert_eq!(code(memory.wait(page_size(), 0, 0)), MMAP_WRAP_E_FAULT);
    }
    assert_eq!(every_operation(&partly, 64, 2 * page_size()), [0; 5]);
    // Readable, not writable: one page, so that the operation is tried, and the whole mapping.
    partly.protect(PROT_READ, page_size(), page_size()).unwrap();
    let only_read = [0, MMAP_WRAP_E_FAULT, MMAP_WRAP_E_FAULT, MMAP_WRAP_E_FAULT, MMAP_WRAP_E_FAULT];
    assert_eq!(every_operation(&partly, 32, page_size()), only_read);
    assert_eq!(every_operation(&partly, 32, 0), [0; 5]);
    partly.protect(PROT_READ, 0, REST).unwrap();
    assert_eq!(every_operation(&partly, 64, 0), only_read);
}

#[test]
#[cfg(unix)]
fn two_processes_count_together() {
    if !atomics() {
        return;
    }
    // Without loops, each operation is made by a separate process.
    const ROUNDS: i64 = if LOOPS { 100_000 } else { 1000 };
    let memory = anonymous(64);
    let counts = || {
        for round in 0..ROUNDS {
            memory.atomic_add(64, 8, 1).unwrap();
            memory.atomic_add(32, 16, -1).unwrap();
            // A spin lock, and a count that only its owner changes.
            if round % 10 == 0 {
                while memory.atomic_compare_exchange(32, 24, 0, 1).unwrap().is_err() {
                    std::hint::spin_loop();
                }
                let count = memory.get_int(mmap_wrap::internals::mapping::MMAP_WRAP_I32, 28).unwrap();
                memory.put_int(mmap_wrap::internals::mapping::MMAP_WRAP_I32, 28, count + 1).unwrap();
                memory.atomic_store(32, 24, 0).unwrap();
            }
        }
    };
    // SAFETY: the child counts, and ends by _exit.
    let child = unsafe { libc::fork() };
    counts();
    if child == 0 {
        // SAFETY: ends the child at once.
        unsafe { libc::_exit(0) };
    }
    let mut status = 0;
    // SAFETY: waits for our own child, and writes one int.
    assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
    assert_eq!(status, 0);
    assert_eq!(memory.atomic_load(64, 8), Ok(2 * ROUNDS));
    assert_eq!(memory.atomic_load(32, 16), Ok(-2 * ROUNDS));
    assert_eq!(memory.atomic_load(32, 28), Ok(2 * ROUNDS / 10));
}

/// Waits until the word is `wanted`; a wait can end early, so it is repeated.
#[cfg(unix)]
fn wait_for(memory: &Mapping, offset: i64, wanted: i64) {
    loop {
        match memory.atomic_load(32, offset).unwrap() {
            found if found == wanted => return,
            found => {
                memory.wait(offset, found, REST).unwrap();
            }
        }
    }
}

#[test]
#[cfg(unix)]
fn two_processes_take_turns_by_waiting_and_waking() {
    if !atomics() {
        return;
    }
    let file = tempfile::tempfile().unwrap();
    file.set_len(page_size() as u64).unwrap();
    // Each process has its own mapping, at another address.
    let map = || from_descriptor(0, REST, READ_WRITE, MAP_SHARED, descriptor_of(&file), 0).unwrap();
    let ours = map();
    let play = |memory: &Mapping, first: i64| {
        for turn in (first..2000).step_by(2) {
            wait_for(memory, 64, turn);
            memory.atomic_store(32, 64, turn + 1).unwrap();
            memory.wake(64, REST).unwrap();
        }
    };
    // SAFETY: the child takes its turns, and ends by _exit.
    let child = unsafe { libc::fork() };
    if child == 0 {
        play(&map(), 1);
        // SAFETY: ends the child at once.
        unsafe { libc::_exit(0) };
    }
    play(&ours, 0);
    wait_for(&ours, 64, 2000);
    let mut status = 0;
    // SAFETY: waits for our own child, and writes one int.
    assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
    assert_eq!(status, 0);
}

#[test]
fn waking_returns_how_many_it_woke_and_wakes_no_more_than_count() {
    let h = handle(page_size());
    let waiting = || registry::with(h, |memory| memory.wait(8, 0, REST));
    std::thread::scope(|scope| {
        let waiters = [(); 3].map(|()| scope.spawn(waiting));
        let wake = |count| registry::pin(h).unwrap().wake(8, count).unwrap();
        assert_eq!(wake(0), 0);
        let mut woken = 0;
        while woken < 2 {
            let now = wake(1);
            assert!(now <= 1);
            woken += now;
        }
        while woken < 3 {
            woken += wake(REST);
        }
        assert_eq!(wake(REST), 0);
        for waiter in waiters {
            assert_eq!(waiter.join().unwrap(), Ok(Waited::Woken));
        }
    });
    assert_eq!(registry::unmap(h), Ok(true));
}

#[test]
#[cfg(unix)]
fn an_indefinite_wait_ends_when_a_signal_handler_ran() {
    extern "C" fn handled(_signal: i32) {}
    let memory = anonymous(page_size());
    // SAFETY: all-zero is a valid action, and the handler does nothing.
    let waiter = unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = handled as *const () as usize;
        action.sa_flags = libc::SA_RESTART;
        assert_eq!(libc::sigaction(libc::SIGUSR2, &action, null_mut()), 0);
        // A pointer in some C libraries, which no thread may be given.
        libc::pthread_self() as usize
    };
    let over = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while over.load(SeqCst) == 0 {
                // SAFETY: the thread waits for this one.
                unsafe { libc::pthread_kill(waiter as libc::pthread_t, libc::SIGUSR2) };
                std::thread::sleep(std::time::Duration::from_millis(1));
            }
        });
        let outcome = memory.wait(0, 0, REST);
        over.store(1, SeqCst);
        assert_eq!(code(outcome), -i64::from(libc::EINTR));
    });
}

#[test]
fn the_memory_of_a_waiter_stays_mapped_until_the_wait_ends() {
    in_a_process_of_its_own("the_memory_of_a_waiter_stays_mapped_until_the_wait_ends", || {
        let before = descriptors();
        let h = handle(page_size());
        let address = registry::pin(h).unwrap().address();
        let waiter = std::thread::spawn(move || registry::with(h, |memory| memory.wait(0, 0, 300_000_000)));
        while registry::pin(h).unwrap().wake(0, 1).unwrap() == 0 {}
        assert_eq!(waiter.join().unwrap(), Ok(Waited::Woken));
        // Now a waiter that is not woken. It may not have begun to wait when the mapping is unmapped.
        let waiter = std::thread::spawn(move || registry::with(h, |memory| memory.wait(0, 0, 300_000_000)));
        std::thread::sleep(std::time::Duration::from_millis(50));
        assert_eq!(registry::unmap(h), Ok(true));
        let ended = code(waiter.join().unwrap());
        assert!(ended == -i64::from(libc::ETIMEDOUT) || ended == MMAP_WRAP_E_UNMAPPED, "{ended}");
        assert!(!is_mapped(address));
        assert_eq!(descriptors(), before);
    });
}

#[test]
fn unmapping_ends_an_indefinite_wait() {
    let h = handle(page_size());
    let waiter = std::thread::spawn(move || registry::wait(h, 0, 0, REST));
    std::thread::sleep(std::time::Duration::from_millis(50));
    assert_eq!(registry::unmap(h), Ok(true));
    // Much longer than the interval of 0.25 s on any machine, but bounded, so that the test fails if the check is broken.
    let patience = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while !waiter.is_finished() && std::time::Instant::now() < patience {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    assert!(waiter.is_finished(), "the wait continues");
    assert_eq!(code(waiter.join().unwrap()), MMAP_WRAP_E_UNMAPPED);
}

#[test]
fn a_long_wait_ends_in_time_and_can_be_woken_at_any_time() {
    if !atomics() {
        return;
    }
    let h = handle(page_size());
    let start = std::time::Instant::now();
    assert_eq!(code(registry::wait(h, 0, 0, 600_000_000)), -i64::from(libc::ETIMEDOUT));
    assert!(start.elapsed() >= std::time::Duration::from_millis(600));
    let waiter = std::thread::spawn(move || registry::wait(h, 0, 0, REST));
    std::thread::sleep(std::time::Duration::from_millis(600));
    let memory = registry::pin(h).unwrap();
    memory.atomic_store(32, 0, 1).unwrap();
    memory.wake(0, REST).unwrap();
    waiter.join().unwrap().unwrap();
    for wrong in [-1, i64::MIN + 1] {
        assert_eq!(code(registry::wait(h, 0, 0, wrong)), MMAP_WRAP_E_RANGE);
    }
    assert_eq!(code(registry::wait(h, 0, 1, 0)), -i64::from(libc::ETIMEDOUT));
    drop(memory);
    assert_eq!(registry::unmap(h), Ok(true));
}

/// Replaces the library's handlers of these signals.
#[cfg(unix)]
fn replace_handlers(signals: &[i32]) {
    for signal in signals {
        // SAFETY: the default action.
        unsafe { libc::signal(*signal, libc::SIG_DFL) };
    }
}

#[cfg(unix)]
fn block_all() {
    // SAFETY: blocks all signals of this thread.
    unsafe {
        let mut all = std::mem::zeroed();
        libc::sigfillset(&mut all);
        libc::pthread_sigmask(libc::SIG_BLOCK, &all, null_mut());
    }
}

/// In a thread whose faults this library cannot repair, every operation is done or returns a fault.
#[cfg(unix)]
fn atomics_need_no_handlers() {
    assert!(!mmap_wrap::internals::verify_handlers());
    let (_file, cut) = truncated();
    assert_eq!(every_operation(&cut, 64, 0), [0; 5]);
    assert_eq!(every_operation(&cut, 32, page_size()), [MMAP_WRAP_E_FAULT; 5]);
    let memory = anonymous(2 * page_size());
    assert_eq!(every_operation(&memory, 64, page_size()), [0; 5]);
    assert_eq!(every_operation(&memory, 32, page_size()), [0; 5]);
    assert_eq!(memory.atomic_add(32, page_size(), 1), Ok(1));
    assert_eq!(memory.atomic_load(32, page_size()), Ok(2));
    memory.protect(PROT_READ, 0, REST).unwrap();
    assert_eq!(every_operation(&memory, 64, page_size())[..2], [0, MMAP_WRAP_E_FAULT]);
    memory.protect(PROT_NONE, page_size(), page_size()).unwrap();
    assert_eq!(every_operation(&memory, 64, page_size()), [MMAP_WRAP_E_FAULT; 5]);
    memory.protect(READ_WRITE, 0, REST).unwrap();
    assert_eq!(every_operation(&memory, 64, 0), [0; 5]);
    match memory.advise(MADV_GUARD_INSTALL, page_size(), page_size()) {
        Ok(()) => assert_eq!(every_operation(&memory, 64, page_size()), [MMAP_WRAP_E_FAULT; 5]),
        Err(error) => println!("skipped: no guard regions on this kernel: {error}"),
    }
    assert_eq!(code(cut.wait(page_size(), 0, 0)), MMAP_WRAP_E_FAULT);
}

#[test]
#[cfg(unix)]
fn atomic_operations_are_done_without_the_handlers() {
    if !processes_share_memory() {
        return;
    }
    in_a_process_of_its_own("atomic_operations_are_done_without_the_handlers", || {
        anonymous(1).fill(0, 1, 1).unwrap();
        replace_handlers(&[libc::SIGBUS, libc::SIGSEGV]);
        atomics_need_no_handlers();
    });
}

#[test]
#[cfg(unix)]
fn atomic_operations_are_done_with_blocked_signals() {
    if !processes_share_memory() {
        return;
    }
    in_a_process_of_its_own("atomic_operations_are_done_with_blocked_signals", || {
        block_all();
        atomics_need_no_handlers();
    });
}

#[test]
#[cfg(unix)]
fn atomic_operations_are_done_where_one_of_the_signals_has_another_handler() {
    if !processes_share_memory() {
        return;
    }
    for signal in [libc::SIGSEGV, libc::SIGBUS] {
        in_a_process_of_its_own("atomic_operations_are_done_where_one_of_the_signals_has_another_handler", || {
            anonymous(1).fill(0, 1, 1).unwrap();
            replace_handlers(&[signal]);
            atomics_need_no_handlers();
        });
    }
}

#[test]
#[cfg(unix)]
fn two_threads_without_the_handlers_count_correctly_while_others_protect() {
    if !processes_share_memory() {
        return;
    }
    in_a_process_of_its_own("two_threads_without_the_handlers_count_correctly_while_others_protect", || {
        let memory = &anonymous(2 * page_size());
        let counted = std::thread::scope(|threads| {
            let counters = [0, 1].map(|_| {
                threads.spawn(|| {
                    block_all();
                    (0..2000).filter(|_| memory.atomic_add(64, 8, 1).is_ok()).count()
                })
            });
            let protectors = [(PROT_READ, page_size()), (READ_WRITE, REST)]
                .map(|(prot, size)| threads.spawn(move || (0..20_000).for_each(|_| memory.protect(prot, 0, size).unwrap())));
            protectors.into_iter().for_each(|protector| protector.join().unwrap());
            counters.map(|counter| counter.join().unwrap()).iter().sum::<usize>()
        });
        memory.protect(READ_WRITE, 0, REST).unwrap();
        assert_eq!(memory.atomic_load(64, 8), Ok(counted as i64));
    });
}

#[test]
#[cfg(unix)]
fn a_guard_region_does_not_kill_where_sigsegv_has_another_handler() {
    if !processes_share_memory() {
        return;
    }
    in_a_process_of_its_own("a_guard_region_does_not_kill_where_sigsegv_has_another_handler", || {
        let memory = anonymous(3 * page_size());
        memory.fill(0, 1, REST).unwrap();
        if let Err(error) = memory.advise(MADV_GUARD_INSTALL, page_size(), page_size()) {
            println!("skipped: no guard regions on this kernel: {error}");
            return;
        }
        replace_handlers(&[libc::SIGSEGV]);
        mmap_wrap::internals::verify_handlers();
        for whole in [false, true] {
            assert_eq!(code(read(&memory, page_size() - 1, 2)), MMAP_WRAP_E_FAULT);
            assert_eq!(code(memory.fill(0, 2, REST)), MMAP_WRAP_E_FAULT);
            assert_eq!(code(memory.get_int(mmap_wrap::internals::mapping::MMAP_WRAP_I8, page_size())), MMAP_WRAP_E_FAULT);
            // Setting the protection of the whole mapping does not remove the guard.
            if !whole {
                memory.protect(READ_WRITE, 0, REST).unwrap();
            }
        }
        memory.advise(MADV_GUARD_REMOVE, page_size(), page_size()).unwrap();
        assert_eq!(memory.fill(0, 3, REST), Ok(3 * page_size() as usize));
    });
}

#[test]
#[cfg(unix)]
fn unmapping_under_an_access_that_has_no_guard_does_not_kill() {
    if !processes_share_memory() {
        return;
    }
    in_a_process_of_its_own("unmapping_under_an_access_that_has_no_guard_does_not_kill", || {
        for _ in 0..5000 {
            let h = handle(page_size());
            let address = registry::pin(h).unwrap().address();
            let counter = std::thread::spawn(move || {
                block_all();
                let mut count = 0;
                loop {
                    match registry::with(h, |memory| memory.atomic_add(64, 0, 1)) {
                        Ok(before) => assert_eq!(before, count),
                        Err(error) => break error.code(),
                    }
                    count += 1;
                }
            });
            while registry::pin(h).unwrap().atomic_load(64, 0) == Ok(0) {
                std::thread::yield_now();
            }
            assert_eq!(registry::unmap(h), Ok(true));
            assert_eq!(counter.join().unwrap(), MMAP_WRAP_E_UNMAPPED);
            assert!(!is_mapped(address));
        }
    });
}

#[test]
fn null_for_a_word_is_an_error_and_errors_leave_nothing_behind() {
    in_a_process_of_its_own("null_for_a_word_is_an_error_and_errors_leave_nothing_behind", || {
        let h = handle(2 * page_size());
        registry::pin(h).unwrap().protect(PROT_NONE, page_size(), page_size()).unwrap();
        let errors = || {
            let word = null::<i64>().cast_mut();
            assert_eq!(mmap_wrap_atomic_load(h, 32, 0, word), MMAP_WRAP_E_ARGUMENT);
            assert!(mmap_wrap_atomic_add(h, 64, page_size(), 1, word) < 0);
            assert!(mmap_wrap_wait(h, page_size(), 0, 0) < 0);
            assert!(mmap_wrap_wait(h, 0, 0, 0) < 0);
            assert!(common::abi::mmap_wrap_copy(h, 0, h, page_size(), 1) < 0);
            assert!(common::abi::mmap_wrap_put_int(h, 0x18, page_size(), 1) < 0);
        };
        errors();
        let before = (mappings(), descriptors());
        (0..100).for_each(|_| errors());
        assert_eq!((mappings(), descriptors()), before);
        assert_eq!(registry::unmap(h), Ok(true));
    });
}
