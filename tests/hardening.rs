//! Guard regions, seals, names.
#![cfg(unix)]

mod common;

use common::{READ_WRITE, anonymous, forked, from_descriptor, in_a_process_of_its_own, read, resize_at, without_guard_regions};
use mmap_wrap::internals::{Mapping, constants::*, error::*, mapping::FileEnd, range::REST, registry};
use std::io::Write;

fn page() -> i64 {
    common::abi::mmap_wrap_page_size()
}

fn private(length: i64) -> Mapping {
    from_descriptor(0, length, READ_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0).unwrap()
}

#[test]
fn every_access_to_a_guard_region_faults_until_it_is_removed() {
    for memory in [private(3 * page()), anonymous(3 * page())] {
        memory.fill(0, 7, REST).unwrap();
        memory.guard(true, page(), page()).unwrap();
        assert_eq!(memory.write(page(), b"x").unwrap_err().code(), MMAP_WRAP_E_FAULT);
        assert_eq!(read(&memory, 2 * page() - 1, 1).unwrap_err().code(), MMAP_WRAP_E_FAULT);
        assert_eq!(read(&memory, 0, 1).unwrap(), [7]);
        assert_eq!(read(&memory, 2 * page(), 1).unwrap(), [7]);
        memory.protect(READ_WRITE, 0, REST).unwrap();
        assert_eq!(memory.write(page(), b"x").unwrap_err().code(), MMAP_WRAP_E_FAULT, "guards outlive a protection");
        memory.guard(false, page(), page()).unwrap();
        memory.write(page(), b"x").unwrap();
    }
    let memory = private(3 * page());
    assert_eq!(memory.guard(true, 1, page()).unwrap_err().code(), MMAP_WRAP_E_ALIGNMENT);
    assert_eq!(memory.guard(true, 0, 1).unwrap_err().code(), MMAP_WRAP_E_ALIGNMENT);
    assert_eq!(memory.guard(true, 0, 4 * page()).unwrap_err().code(), MMAP_WRAP_E_RANGE);
    memory.guard(true, 3 * page(), 0).unwrap();
    memory.write(0, b"x").unwrap();
}

#[test]
fn guards_work_with_guard_regions_of_the_kernel() {
    if private(page()).advise(MADV_GUARD_INSTALL, 0, REST).is_err() {
        return println!("skipped: this kernel has no guard regions (Linux 6.13)");
    }
    guards_work();
}

#[test]
fn guards_work_without_guard_regions_of_the_kernel() {
    in_a_process_of_its_own("guards_work_without_guard_regions_of_the_kernel", || {
        if without_guard_regions() {
            guards_work();
            let memory = private(2 * page());
            memory.guard(true, page(), REST).unwrap();
            let failure = memory.write(page(), b"x").unwrap_err().to_string();
            assert!(failure.ends_with("a guard region is there (MADV_GUARD_INSTALL)"), "{failure}");
        }
    });
}

/// What holds for guard regions of the kernel and for guards by protection.
fn guards_work() {
    a_guard_outlives_protections();
    pages_whose_guard_is_removed_have_the_last_protection_that_was_set();
    guarding_discards_private_memory_and_no_file_data();
    a_guard_covers_the_first_page_of_a_mapping_that_begins_inside_it();
    a_guard_stays_with_its_pages_when_a_mapping_is_resized_moved_or_split();
    forked_children_inherit_guards();
    guards_outlive_protections_of_other_threads();
}

/// For each page whether it can be read, 'r', or written, 'w'.
fn accesses(memory: &Mapping) -> String {
    let pages = memory.length().div_ceil(memory.page_size());
    let access = |at: i64| match read(memory, at, 1) {
        Ok(byte) if memory.write(at, &byte).is_ok() => 'w',
        Ok(_) => 'r',
        Err(error) => {
            assert_eq!(error.code(), MMAP_WRAP_E_FAULT, "{error}");
            '-'
        }
    };
    (0..pages).map(|number| access(i64::try_from(number * memory.page_size()).unwrap())).collect()
}

/// A file of `count` pages, each filled with its number, from 1 on.
fn numbered_pages(count: u8) -> std::fs::File {
    let mut file = tempfile::tempfile().unwrap();
    let size = usize::try_from(page()).unwrap();
    (1..=count).for_each(|number| file.write_all(&vec![number; size]).unwrap());
    file
}

fn a_guard_outlives_protections() {
    let file = numbered_pages(4);
    let of_file = |flags| from_descriptor(0, REST, READ_WRITE, flags, mmap_wrap::internals::raw(&file).into(), 0).unwrap();
    for memory in [private(4 * page()), anonymous(4 * page()), of_file(MAP_SHARED), of_file(MAP_PRIVATE)] {
        memory.guard(true, page(), 2 * page()).unwrap();
        assert_eq!(accesses(&memory), "w--w");
        memory.protect(PROT_READ, 0, REST).unwrap();
        assert_eq!(accesses(&memory), "r--r");
        assert_eq!(memory.info().protection, PROT_READ);
        memory.protect(READ_WRITE, 2 * page(), REST).unwrap();
        assert_eq!(accesses(&memory), "r--w");
        memory.guard(true, page(), page()).unwrap();
        assert_eq!(accesses(&memory), "r--w", "guarded twice");
        if memory.info().flags & MAP_TYPE == MAP_PRIVATE {
            memory.advise(MADV_DONTNEED, 0, REST).unwrap();
            assert_eq!(accesses(&memory), "r--w", "dropping pages lifts no guard");
        }
        memory.guard(false, page(), page()).unwrap();
        assert_eq!(accesses(&memory), "rr-w");
        memory.guard(false, 0, REST).unwrap();
        assert_eq!(accesses(&memory), "rrww");
        memory.guard(false, 0, REST).unwrap();
        assert_eq!(accesses(&memory), "rrww", "nothing was guarded");
    }
}

fn pages_whose_guard_is_removed_have_the_last_protection_that_was_set() {
    let memory = private(5 * page());
    memory.protect(PROT_NONE, page(), page()).unwrap();
    memory.protect(PROT_READ, 2 * page(), page()).unwrap();
    memory.guard(true, 0, REST).unwrap();
    assert_eq!(accesses(&memory), "-----");
    memory.protect(PROT_READ, 3 * page(), page()).unwrap();
    memory.protect(PROT_NONE, 4 * page(), page()).unwrap();
    memory.guard(false, 0, REST).unwrap();
    assert_eq!(accesses(&memory), "w-rr-");
    memory.protect(READ_WRITE, 0, REST).unwrap();
    assert_eq!(accesses(&memory), "wwwww", "nothing is left of the guards");
}

fn guarding_discards_private_memory_and_no_file_data() {
    let file = numbered_pages(2);
    let of_file = |flags| from_descriptor(0, REST, READ_WRITE, flags, mmap_wrap::internals::raw(&file).into(), 0).unwrap();
    for (memory, left) in
        [(private(2 * page()), 0), (anonymous(2 * page()), 7), (of_file(MAP_PRIVATE), 2), (of_file(MAP_SHARED), 7)]
    {
        memory.fill(0, 7, REST).unwrap();
        memory.guard(true, page(), REST).unwrap();
        memory.guard(false, page(), REST).unwrap();
        assert_eq!(read(&memory, page(), 1).unwrap(), [left], "{:?}", memory.info());
        assert_eq!(read(&memory, 0, 1).unwrap(), [7]);
    }
}

fn a_guard_covers_the_first_page_of_a_mapping_that_begins_inside_it() {
    let file = numbered_pages(3);
    let memory = from_descriptor(0, REST, READ_WRITE, MAP_SHARED, mmap_wrap::internals::raw(&file).into(), 100).unwrap();
    memory.guard(true, 0, page() - 100).unwrap();
    memory.protect(READ_WRITE, 0, REST).unwrap();
    assert_eq!(read(&memory, page() - 101, 1).unwrap_err().code(), MMAP_WRAP_E_FAULT);
    assert_eq!(read(&memory, page() - 100, 1).unwrap(), [2]);
    memory.guard(false, 0, page() - 100).unwrap();
    assert_eq!(read(&memory, 0, 1).unwrap(), [1]);
}

fn a_guard_stays_with_its_pages_when_a_mapping_is_resized_moved_or_split() {
    let pages = |count: i64| count * page();
    let mut memory = private(pages(6));
    memory.guard(true, pages(1), pages(1)).unwrap();
    memory.guard(true, pages(4), pages(2)).unwrap();
    let tail = memory.split_off(pages(3)).unwrap();
    for part in [&memory, &tail] {
        part.protect(READ_WRITE, 0, REST).unwrap();
    }
    assert_eq!((accesses(&memory), accesses(&tail)), ("w-w".to_owned(), "w--".to_owned()));

    memory.resize(pages(1000), MREMAP_MAYMOVE, FileEnd::Stays).unwrap();
    // At once, and not only when a protection puts them in place again.
    assert_eq!(accesses(&memory), format!("w-{}", "w".repeat(998)));
    memory.protect(READ_WRITE, 0, REST).unwrap();
    assert_eq!(accesses(&memory), format!("w-{}", "w".repeat(998)));
    memory.guard(true, pages(3), REST).unwrap();
    memory.resize(pages(4), 0, FileEnd::Stays).unwrap();
    memory.resize(pages(6), MREMAP_MAYMOVE, FileEnd::Stays).unwrap();
    memory.protect(READ_WRITE, 0, REST).unwrap();
    assert_eq!(accesses(&memory), "w-w-ww", "pages that were given up come back without a guard");
    assert!(memory.resize(pages(1 << 40), MREMAP_MAYMOVE, FileEnd::Stays).is_err());
    assert_eq!(accesses(&memory), "w-w-ww");

    let place = private(pages(6));
    resize_at(&mut memory, pages(6), MREMAP_MAYMOVE | MREMAP_FIXED, place.address().addr(), FileEnd::Stays).unwrap();
    std::mem::forget(place);
    assert_eq!(accesses(&memory), "w-w-ww");
    memory.protect(READ_WRITE, 0, REST).unwrap();
    assert_eq!(accesses(&memory), "w-w-ww");
    match memory.move_pages() {
        Ok(_) if !common::is_mapped(memory.address()) => {
            println!("skipped: MREMAP_DONTUNMAP was ignored: an error of an emulator");
        }
        Ok(moved) => {
            assert_eq!(accesses(&moved), "w-w-ww");
            for part in [&memory, &moved] {
                part.protect(READ_WRITE, 0, REST).unwrap();
            }
            assert_eq!((accesses(&memory), accesses(&moved)), ("wwwwww".to_owned(), "w-w-ww".to_owned()));
            moved.guard(false, 0, REST).unwrap();
            assert_eq!(accesses(&moved), "wwwwww");
        }
        Err(error) => println!("skipped: no MREMAP_DONTUNMAP: {error}"),
    }
}

fn forked_children_inherit_guards() {
    let memory = anonymous(3 * page());
    memory.guard(true, page(), page()).unwrap();
    let status = forked(|| {
        memory.protect(READ_WRITE, 0, REST).unwrap();
        assert_eq!(accesses(&memory), "w-w");
        memory.guard(false, 0, REST).unwrap();
        assert_eq!(accesses(&memory), "www");
        0
    });
    assert_eq!(status, 0);
    assert_eq!(accesses(&memory), "w-w", "the child lifted its own");
}

fn guards_outlive_protections_of_other_threads() {
    const ROUNDS: usize = 2000;
    let memory = private(8 * page());
    let over = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let _over = common::Ends(&over);
        for prot in [READ_WRITE, PROT_READ] {
            let (memory, over) = (&memory, &over);
            scope.spawn(move || {
                while !over.load(std::sync::atomic::Ordering::SeqCst) {
                    memory.protect(prot, 0, REST).unwrap();
                }
            });
        }
        for round in 0..ROUNDS {
            memory.guard(true, page(), 3 * page()).unwrap();
            for at in [page(), 4 * page() - 1] {
                assert_eq!(read(&memory, at, 1).unwrap_err().code(), MMAP_WRAP_E_FAULT, "round {round}");
            }
            memory.guard(false, page(), 3 * page()).unwrap();
            read(&memory, 0, 8 * usize::try_from(page()).unwrap()).unwrap();
        }
    });
    memory.protect(READ_WRITE, 0, REST).unwrap();
    assert_eq!(accesses(&memory), "wwwwwwww");
}

#[test]
fn memory_that_cannot_have_guard_regions_is_guarded_by_protection() {
    // Secret memory is locked, and the kernel has no guard regions in locked memory.
    let memory = match Mapping::from_secret(2 * page(), READ_WRITE) {
        Ok(secret) => secret,
        Err(error) => return println!("skipped: {error}"),
    };
    assert!(memory.advise(MADV_GUARD_INSTALL, page(), REST).is_err());
    memory.guard(true, page(), REST).unwrap();
    assert_eq!(memory.write(page(), b"x").unwrap_err().code(), MMAP_WRAP_E_FAULT);
    memory.write(0, b"x").unwrap();
    memory.guard(false, 1, 0).unwrap();
    assert_eq!(memory.write(page(), b"x").unwrap_err().code(), MMAP_WRAP_E_FAULT, "size 0 does nothing");
    memory.guard(false, page(), REST).unwrap();
    memory.write(page(), b"x").unwrap();
}

#[test]
fn a_sealed_mapping_cannot_be_changed() {
    in_a_process_of_its_own("a_sealed_mapping_cannot_be_changed", || {
        let h = registry::insert(|| Ok(private(3 * page()))).unwrap();
        let pin = registry::pin(h).unwrap();
        match pin.mseal(page(), page()) {
            Ok(()) => {}
            Err(error) if error.code() == MMAP_WRAP_E_UNSUPPORTED => return println!("skipped: {error}"),
            Err(error) => panic!("{error}"),
        }
        assert!(pin.info().sealed);
        assert_eq!(pin.protect(PROT_READ, 0, REST).unwrap_err().code(), MMAP_WRAP_E_SEALED);
        pin.write(page(), b"still writable").unwrap();
        drop(pin);
        for _ in 0..2 {
            assert_eq!(registry::unmap(h).unwrap_err().code(), MMAP_WRAP_E_SEALED);
        }
        let resized = registry::change(h, |mapping| mapping.resize(page(), 0, FileEnd::Stays));
        assert_eq!(resized.unwrap_err().code(), MMAP_WRAP_E_SEALED);
        assert_eq!(read(&registry::pin(h).unwrap(), page(), 5).unwrap(), b"still");
        let (_still_mapped, error) = {
            let other = private(1);
            other.mseal(0, REST).unwrap();
            other.unmap().unwrap_err()
        };
        assert_eq!(error.code(), MMAP_WRAP_E_SEALED);
        assert_eq!(private(1).mseal(0, 2).unwrap_err().code(), MMAP_WRAP_E_RANGE);
    });
}

#[test]
fn a_name_is_in_proc_maps_until_it_is_removed() {
    let memory = private(1);
    match memory.set_name(Some(c"mmap-wrap test")) {
        Ok(()) => {}
        Err(error) if error.code() == MMAP_WRAP_E_UNSUPPORTED => return println!("skipped: {error}"),
        Err(error) => panic!("{error}"),
    }
    let named = || std::fs::read_to_string("/proc/self/maps").unwrap().contains("[anon:mmap-wrap test]");
    assert!(named());
    memory.set_name(None).unwrap();
    assert!(!named());
    let file = Mapping::from_path(c"Cargo.toml", 1, PROT_READ, MAP_PRIVATE, 0).unwrap();
    assert_eq!(file.set_name(Some(c"x")).unwrap_err().code(), -i64::from(libc::EBADF));
    for bad in [c"[", &std::ffi::CString::new("x".repeat(80)).unwrap(), c"\n"] {
        let failure = memory.set_name(Some(bad)).unwrap_err();
        assert_eq!(failure.code(), -i64::from(libc::EINVAL), "{failure}");
        assert!(failure.to_string().contains("at most 79 bytes"), "{failure}");
    }
}
