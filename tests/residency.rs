//! Which pages are in memory: locking, queries, reading in.
#![cfg(unix)]

mod common;

use common::abi::*;
use common::*;
use mmap_wrap::internals::error::*;
use mmap_wrap::internals::{constants::*, mapping, range::REST, registry};
use std::fs::File;
use std::os::unix::fs::FileExt;

/// A number of /proc/self/status, in bytes.
fn status(name: &str) -> i64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.trim_start_matches(':').trim().trim_end_matches(" kB").parse::<i64>().unwrap() * 1024
}

// -- Locking --

#[test]
fn locks_apply_to_whole_pages_and_are_not_counted() {
    in_a_process_of_its_own("locks_apply_to_whole_pages_and_are_not_counted", || {
        let page = page().1;
        let h = handle(8 * page);
        assert_eq!(mlock_wrap(h, 0, page - 1, 2), 0);
        assert_eq!(status("VmLck"), 2 * page);
        assert_eq!(mmap_wrap_resident_bytes(h, 0, REST), 2 * page);
        assert_eq!(mlock_wrap(h, 0, 0, REST), 0);
        assert_eq!(mlock_wrap(h, 0, 0, REST), 0);
        assert_eq!(status("VmLck"), 8 * page);
        assert_eq!(munlock_wrap(h, 3 * page + 1, 1), 0);
        assert_eq!(status("VmLck"), 7 * page);
        assert_eq!(munlock_wrap(h, 0, REST), 0);
        assert_eq!((mlock_wrap(h, 0, 8 * page, 0), munlock_wrap(h, 8 * page, 0)), (0, 0));
        assert_eq!(status("VmLck"), 0);
        assert_eq!(munmap_wrap(h), 1);
    });
}

#[test]
fn locking_on_fault_reads_no_page_in() {
    let (_, page) = page();
    let h = handle(4 * page);
    match mlock_wrap(h, MLOCK_ONFAULT, 0, REST) {
        MMAP_WRAP_E_UNSUPPORTED => println!("skipped: this kernel has no mlock2"),
        result => {
            assert_eq!(result, 0, "{}", message());
            assert_eq!(mmap_wrap_resident_bytes(h, 0, REST), 0);
            assert_eq!(mlock_wrap(h, 0, 0, REST), 0);
            assert_eq!(mmap_wrap_resident_bytes(h, 0, REST), 4 * page);
        }
    }
    assert_fails(mlock_wrap(h, 2, 0, REST), MMAP_WRAP_E_ARGUMENT, "mlock_wrap: flags 0x2: mlock takes 0 and MLOCK_ONFAULT (0x1)");
    assert_fails(mlock_wrap(h, -1, 0, REST), MMAP_WRAP_E_ARGUMENT, "mlock_wrap: flags");
    assert_eq!(munmap_wrap(h), 1);
}

#[test]
fn an_error_has_the_limit_of_locked_memory() {
    in_a_process_of_its_own("an_error_has_the_limit_of_locked_memory", || {
        let limit_to = |bytes| {
            let limit = libc::rlimit { rlim_cur: bytes, rlim_max: bytes };
            // SAFETY: reads one rlimit.
            assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_MEMLOCK, &limit) }, 0);
        };
        // Not a whole number of pages.
        let (locked, limit, length) = (25 * page().1, 30 * page().1 + 3072, 40 * page().1);
        let h = handle(length);
        limit_to(libc::rlim_t::try_from(limit).unwrap());
        as_unprivileged_user(|| {
            let enomem = -i64::from(libc::ENOMEM);
            assert_fails(mlock_wrap(h, 0, 0, REST), enomem, &format!("mlock_wrap: lock {length} bytes from offset 0: "));
            let hint = format!("this process may lock {limit} bytes (RLIMIT_MEMLOCK)");
            assert_fails(mlock_wrap(h, 0, 0, REST), enomem, &hint);
            assert_eq!(mlock_wrap(h, 0, 0, locked), 0);
            assert_eq!(munlock_wrap(h, 0, REST), 0);
            limit_to(0);
            let eperm = -i64::from(libc::EPERM);
            assert_fails(mlock_wrap(h, 0, 0, 1), eperm, "this process may lock 0 bytes (RLIMIT_MEMLOCK)");
        });
    });
}

// -- Querying --

#[test]
fn exactly_the_pages_that_were_accessed_are_in_memory() {
    let page = page().1;
    let memory = anonymous(8 * page - 10);
    memory.write(page, &[1]).unwrap();
    memory.write(8 * page - 11, &[1]).unwrap();
    assert_eq!(mincore(&memory, 0, REST), [0, 1, 0, 0, 0, 0, 0, 1]);
    assert_eq!(mincore(&memory, page - 1, 2), [0, 1]);
    assert_eq!(mincore(&memory, 8 * page - 11, 1), [1]);
    assert_eq!(mincore(&memory, page, 0), [0_u8; 0]);
    assert_eq!(memory.resident_bytes(0, REST).unwrap(), 2 * self::page().0);
    assert_eq!(memory.resident_bytes(page + 7, 1).unwrap(), self::page().0);
    assert_eq!(memory.resident_bytes(0, 0).unwrap(), 0);
}

#[test]
fn more_pages_than_one_system_call_takes_are_reported_in_order() {
    let (small, page) = page();
    let memory = anonymous(10_000 * page);
    let touched = [0, 4095, 4096, 8191, 8192, 9999];
    touched.iter().for_each(|i| memory.write(i * page, &[1]).unwrap());
    let found = mincore(&memory, 0, REST);
    let present: Vec<i64> = (0..10_000).zip(&found).filter(|(_, present)| **present == 1).map(|(i, _)| i).collect();
    assert_eq!(present, touched);
    assert_eq!(memory.resident_bytes(page, REST).unwrap(), 5 * small);
}

#[test]
fn too_small_an_array_is_an_error_and_nothing_is_written() {
    let page = page().1;
    let h = handle(4 * page);
    let mut pages = [9u8; 4];
    let to = pages.as_mut_ptr();
    let failure = "mincore_wrap: the array has room for 3 pages, but the range has 4";
    assert_fails(mincore_wrap(h, to, 3, 0, REST), MMAP_WRAP_E_RANGE, failure);
    assert_fails(mincore_wrap(h, to, 0, page, 1), MMAP_WRAP_E_RANGE, "room for 0 pages, but the range has 1");
    assert_fails(mincore_wrap(h, to, -1, 0, REST), MMAP_WRAP_E_RANGE, "size -1 is negative");
    assert_fails(mincore_wrap(h, std::ptr::null_mut(), 4, 0, REST), MMAP_WRAP_E_ARGUMENT, "the buffer is NULL");
    assert_eq!(pages, [9; 4]);
    assert_eq!(mincore_wrap(h, to, 4, page, REST), 3);
    assert_eq!(mincore_wrap(h, std::ptr::null_mut(), 0, page, 0), 0);
    assert_eq!(munmap_wrap(h), 1);
    assert_eq!(pages, [0, 0, 0, 9]);
}

#[test]
fn a_mapping_that_begins_inside_a_page_counts_that_page() {
    let (small, page) = page();
    let file = memfd(3 * small);
    file.write_all_at(b"x", 0).unwrap();
    let mapping = map_file(&file, MAP_SHARED, 100);
    assert_eq!(mincore(&mapping, 0, REST), [1, 0, 0]);
    assert_eq!(mincore(&mapping, page - 101, 2), [1, 0]);
    assert_eq!(mincore(&mapping, page - 100, 1), [0]);
}

#[test]
fn a_part_that_was_unmapped_without_the_library_is_an_error() {
    let (small, page) = page();
    let memory = anonymous(3 * page);
    let second = memory.address().wrapping_add(small).cast();
    // SAFETY: the memory is this test's; it is mapped again below.
    let maps_again = |flags| unsafe {
        libc::munmap(second, small);
        let outcome = memory.resident_bytes(0, REST).map_err(|error| (error.code(), error.to_string()));
        assert_eq!(libc::mmap(second, small, libc::PROT_NONE, flags, -1, 0), second);
        outcome
    };
    // Another thread may map memory there for a moment, which is then reported.
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED_NOREPLACE;
    in_a_process_of_its_own("a_part_that_was_unmapped_without_the_library_is_an_error", || {
        let (code, text) = maps_again(flags).unwrap_err();
        assert_eq!(code, -i64::from(libc::ENOMEM));
        assert!(text.contains("a part of the mapping was unmapped without this library"), "{text}");
    });
}

#[test]
fn a_user_without_write_permission_gets_no_residency_of_a_file() {
    in_a_process_of_its_own("a_user_without_write_permission_gets_no_residency_of_a_file", || {
        let (small, _) = page();
        let file = memfd(4 * small);
        std::fs::set_permissions(format!("/proc/self/fd/{}", fd(&file)), std::os::unix::fs::PermissionsExt::from_mode(0o444))
            .unwrap();
        let reading = File::open(format!("/proc/self/fd/{}", fd(&file))).unwrap();
        let mapping = from_descriptor(0, REST, PROT_READ, MAP_SHARED, fd(&reading), 0).unwrap();
        assert_eq!(mincore(&mapping, 0, REST), [0; 4]);
        as_unprivileged_user(|| {
            match &mincore(&mapping, 0, REST)[..] {
                [1, 1, 1, 1] => {}
                [0, 0, 0, 0] => println!("skipped: this kernel reports it to all users (before Linux 5.2)"),
                other => panic!("{other:?}"),
            }
            match cache::cachestat(fd(&reading), 0, REST) {
                Err(error) if error.code() == -i64::from(libc::EPERM) => {
                    assert!(error.to_string().contains("ownership of the file"), "{error}");
                }
                Err(error) if error.code() == MMAP_WRAP_E_UNSUPPORTED => println!("skipped: {error}"),
                Ok(_) => println!("skipped: this kernel reports it to all users (before Linux 6.14)"),
                Err(error) => panic!("{error}"),
            }
        });
    });
}

// -- Reading in --

#[test]
fn prefaulting_reads_the_pages_of_the_range_in_and_changes_nothing() {
    let (small, page) = page();
    let contents: Vec<u8> = (0..4 * small).map(|i| u8::try_from(i % 251).unwrap()).collect();
    for (flags, writing) in [(MAP_SHARED, 0), (MAP_SHARED, 1), (MAP_PRIVATE, 0), (MAP_PRIVATE, 1)] {
        let file = memfd(4 * small);
        file.write_all_at(&contents, 0).unwrap();
        let h = registry::insert(|| Ok(map_file(&file, flags, 10))).unwrap();
        assert_eq!(mmap_wrap_prefault(h, writing, 0, REST), 4 * page - 10);
        assert_eq!(mmap_wrap_prefault(h, writing, 4 * page - 10, 0), 0);
        assert_eq!(read(&registry::pin(h).unwrap(), 0, 4 * small - 10).unwrap(), contents[10..]);
        let mut after = vec![0; 4 * small];
        file.read_exact_at(&mut after, 0).unwrap();
        assert!(after == contents);
        assert_eq!(munmap_wrap(h), 1);
    }
    let memory = anonymous(4 * page);
    assert_eq!(memory.prefault(true, page + 1, page), Ok(small));
    assert_eq!(mincore(&memory, 0, REST), [0, 1, 1, 0]);
    memory.prefault(false, 3 * page, 1).unwrap();
    assert_eq!(mincore(&memory, 0, REST), [0, 1, 1, 1]);
}

#[test]
fn prefaulting_stops_at_the_page_that_faults_and_reports_the_cause() {
    let (small, page) = page();
    let file = memfd(4 * small);
    // Not every user may open an unnamed file by the kernel's link.
    let h = registry::insert(|| Ok(map_file(&file, MAP_SHARED | mapping::KEEP, 100))).unwrap();
    file.set_len(2 * page.unsigned_abs()).unwrap();
    for writing in [0, 1] {
        let first_lost = 2 * page - 100;
        assert_fails(mmap_wrap_prefault(h, writing, 50, REST), MMAP_WRAP_E_FAULT, &format!("at offset {first_lost}"));
        assert_eq!(mmap_wrap_fault_done(), first_lost - 50);
        assert_fails(mmap_wrap_prefault(h, writing, 0, REST), MMAP_WRAP_E_FAULT, "lies beyond the");
        assert_eq!(mmap_wrap_prefault(h, writing, 0, first_lost), first_lost);
    }
    assert_eq!(munmap_wrap(h), 1);

    let protected = anonymous(4 * page);
    protected.protect(PROT_NONE, 2 * page, REST).unwrap();
    for writing in [false, true] {
        let failure = protected.prefault(writing, page, REST).map_err(|error| *error);
        match failure {
            Err(Error::Fault { offset, done, size, cause: Cause::Protection, .. }) => {
                assert_eq!((offset, done, size), (2 * small, small, 3 * small));
            }
            other => panic!("{other:?}"),
        }
    }
    protected.protect(PROT_READ, 0, REST).unwrap();
    assert!(matches!(*protected.prefault(true, 0, REST).unwrap_err(), Error::Fault { offset: 0, done: 0, .. }));
    assert_eq!(protected.prefault(false, 0, REST), Ok(4 * small));
}

#[test]
fn no_call_leaves_anything_behind() {
    in_a_process_of_its_own("no_call_leaves_anything_behind", || {
        let (small, page) = page();
        let file = memfd(4 * small);
        let h = registry::insert(|| Ok(map_file(&file, MAP_SHARED, 0))).unwrap();
        let inaccessible = handle(page);
        registry::pin(inaccessible).unwrap().protect(PROT_NONE, 0, REST).unwrap();
        let all = || {
            let mut pages = [0; 4];
            mlock_wrap(h, 0, 0, REST);
            munlock_wrap(h, 0, REST);
            mlock_wrap(inaccessible, 0, 0, REST);
            munlock_wrap(inaccessible, 0, REST);
            mincore_wrap(h, pages.as_mut_ptr(), 4, 0, REST);
            mmap_wrap_resident_bytes(h, 0, REST);
            mmap_wrap_prefault(h, 1, 0, REST);
            mmap_wrap_prefault(inaccessible, 1, 0, REST);
            mmap_wrap_page_out(h, 0, REST);
            mmap_wrap_page_out(inaccessible, 0, REST);
            mmap_wrap_fd_evict(fd(&file), 0, REST);
            mmap_wrap_fd_readahead(fd(&file), 0, REST);
            mmap_wrap_fd_evict(-1, 0, REST);
        };
        // An allocator may map memory during the first rounds (musl's does after a hundred).
        (0..300).for_each(|_| all());
        let before = (descriptors(), mappings());
        (0..300).for_each(|_| all());
        assert_eq!((descriptors(), mappings()), before);
    });
}
