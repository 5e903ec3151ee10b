//! Resizing, moving, splitting: handle and bytes stay the same, and other threads are not disturbed.
#![cfg_attr(windows, allow(unused_imports, dead_code, reason = "some of its tests are for other systems"))]

mod common;

use common::abi::*;
use common::*;
use mmap_wrap::internals::mapping::{FileEnd, KEEP, Name, OpenRequest};
use mmap_wrap::internals::{Mapping, constants::*, error::*, range::REST, registry};
use std::ffi::CString;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};

fn page() -> i64 {
    common::abi::mmap_wrap_page_size()
}

fn private(length: i64) -> Mapping {
    from_descriptor(0, length, READ_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0).unwrap()
}

fn errno(errno: i32) -> i64 {
    -i64::from(errno)
}

fn bytes(mapping: &Mapping) -> i64 {
    mapping.length().try_into().unwrap()
}

#[test]
fn growing_and_shrinking_keep_the_bytes_that_fit() {
    let mut memory = private(100);
    memory.write(0, &[7; 100]).unwrap();
    memory.resize(10 * page(), MREMAP_MAYMOVE, FileEnd::Stays).unwrap();
    assert_eq!(bytes(&memory), 10 * page());
    assert_eq!(read(&memory, 0, 101).unwrap(), [vec![7; 100], vec![0]].concat());
    memory.write(10 * page() - 1, b"x").unwrap();
    memory.resize(50, 0, FileEnd::Stays).unwrap();
    assert_eq!(read(&memory, 0, 50).unwrap(), [7; 50]);
    assert_eq!(memory.write(50, b"x").unwrap_err().code(), MMAP_WRAP_E_RANGE);
    assert_eq!(i64::try_from(memory.info().mapped).unwrap(), page());
}

#[test]
#[cfg(unix)]
fn the_file_grows_and_shrinks_with_its_mapping_on_request() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let named = CString::new(path.to_str().unwrap()).unwrap();
    let open = OpenRequest { name: Name::Path(&named), flags: O_RDWR | O_CREAT, mode: 0o600, size: 1000, allocate: false };
    let size = || i64::try_from(path.metadata().unwrap().len()).unwrap();
    // From an offset that is not a multiple of a page: the file ends where the mapping ends.
    let mut mapping = Mapping::open(open, REST, READ_WRITE, MAP_SHARED | KEEP, 100).unwrap();
    mapping.write(899, b"x").unwrap();
    mapping.resize(5 * page(), MREMAP_MAYMOVE, FileEnd::Follows).unwrap();
    assert_eq!(size(), 100 + 5 * page());
    mapping.write(5 * page() - 1, b"y").unwrap();
    assert_eq!(read(&mapping, 899, 1).unwrap(), b"x");
    mapping.resize(10, MREMAP_MAYMOVE, FileEnd::Follows).unwrap();
    assert_eq!((size(), mapping.length()), (110, 10));
    // Without the file the mapping does not grow beyond its end: a store there would be lost.
    assert_eq!(mapping.resize(11, MREMAP_MAYMOVE, FileEnd::Stays).unwrap_err().code(), MMAP_WRAP_E_RANGE);
    assert_eq!((size(), mapping.length()), (110, 10));
    mapping.resize(5000, MREMAP_MAYMOVE, FileEnd::Allocated).unwrap();
    assert_eq!((size(), mapping.length()), (5100, 5000));
    std::fs::File::options().write(true).open(&path).unwrap().set_len(5000).unwrap();
    mapping.resize(REST, MREMAP_MAYMOVE, FileEnd::Stays).unwrap();
    assert_eq!(mapping.length(), 4900);
}

#[test]
#[cfg(unix)]
fn a_mapping_of_an_empty_file_grows_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let named = CString::new(folder.path().join("empty").to_str().unwrap()).unwrap();
    let open = OpenRequest { name: Name::Path(&named), flags: O_RDWR | O_CREAT, mode: 0o600, size: REST, allocate: false };
    let mut mapping = Mapping::open(open, REST, READ_WRITE, MAP_SHARED | KEEP, 0).unwrap();
    assert_eq!(mapping.length(), 0);
    mapping.resize(100, 0, FileEnd::Follows).unwrap();
    mapping.write(99, b"x").unwrap();
    assert_eq!(std::fs::read(folder.path().join("empty")).unwrap()[99], b'x');

    // From the end of the file, which is not on a page boundary.
    let mut end = Mapping::open(open, REST, READ_WRITE, MAP_SHARED | KEEP, 100).unwrap();
    assert_eq!(end.length(), 0);
    end.resize(page(), MREMAP_MAYMOVE, FileEnd::Follows).unwrap();
    end.write(page() - 1, b"y").unwrap();
    assert_eq!(std::fs::read(folder.path().join("empty")).unwrap().last(), Some(&b'y'));

    let mut placed =
        Mapping::open(OpenRequest { flags: O_RDWR | O_TRUNC, ..open }, REST, READ_WRITE, MAP_SHARED | KEEP, 0).unwrap();
    let place = private(page());
    let address = place.address().addr();
    std::mem::forget(place);
    resize_at(&mut placed, page(), MREMAP_MAYMOVE | MREMAP_FIXED, address, FileEnd::Follows).unwrap();
    assert_eq!(placed.address().addr(), address);
}

#[test]
#[cfg(unix)]
fn a_mapping_that_was_empty_has_the_protection_that_was_set_before_it_grew() {
    let mut memory = Mapping::from_unnamed(page(), READ_WRITE, MAP_SHARED).unwrap();
    let file = std::fs::File::from(memory.descriptor().unwrap());
    file.set_len(0).unwrap();
    memory.resize(REST, MREMAP_MAYMOVE, FileEnd::Stays).unwrap();
    memory.protect(PROT_READ, 0, REST).unwrap();
    assert_eq!(memory.info().protection, PROT_READ);
    memory.resize(page(), MREMAP_MAYMOVE, FileEnd::Follows).unwrap();
    assert_eq!(memory.write(0, b"x").unwrap_err().code(), MMAP_WRAP_E_FAULT);

    // A range of 0 bytes changes the protection of an empty mapping only.
    memory.protect(PROT_READ | PROT_WRITE, 0, REST).unwrap();
    memory.protect(PROT_READ, page(), REST).unwrap();
    assert_eq!(memory.info().protection, READ_WRITE);
}

#[test]
fn resizing_secret_memory_is_an_error_with_the_reason() {
    let mut secret = match Mapping::from_secret(2 * page(), READ_WRITE) {
        Ok(secret) => secret,
        Err(error) => return println!("skipped: {error}"),
    };
    for length in [page(), 3 * page()] {
        let failure = secret.resize(length, MREMAP_MAYMOVE, FileEnd::Follows).unwrap_err();
        assert_eq!(failure.code(), errno(libc::EINVAL));
        assert!(failure.to_string().ends_with("the size of secret memory can be set only once"), "{failure}");
        assert_eq!(bytes(&secret), 2 * page());
    }
}

#[test]
#[cfg(unix)]
fn a_device_has_no_end_to_be_mapped_to() {
    let map = |length| Mapping::from_path(c"/dev/zero", length, READ_WRITE, MAP_PRIVATE | KEEP, 0);
    let mut zeros = map(100).unwrap();
    let failure = zeros.resize(REST, MREMAP_MAYMOVE, FileEnd::Stays).unwrap_err();
    assert_eq!(failure, map(REST).unwrap_err());
    assert_eq!(bytes(&zeros), 100);
    zeros.resize(page(), MREMAP_MAYMOVE, FileEnd::Stays).unwrap();
    zeros.write(page() - 1, b"x").unwrap();
}

#[test]
fn growing_shared_memory_without_a_file_is_an_error() {
    let mut memory = anonymous(page());
    let failure = memory.resize(page() + 1, MREMAP_MAYMOVE, FileEnd::Stays).unwrap_err();
    assert_eq!(failure.code(), MMAP_WRAP_E_UNSUPPORTED);
    assert!(failure.to_string().contains("map a memory file, and resize it with the mapping"), "{failure}");
    assert_eq!(bytes(&memory), page());
    memory.resize(10, 0, FileEnd::Stays).unwrap();
    memory.resize(page(), 0, FileEnd::Stays).unwrap();
    memory.write(page() - 1, b"x").unwrap();
}

#[test]
#[cfg(unix)]
fn a_failed_resize_changes_nothing() {
    in_a_process_of_its_own("a_failed_resize_changes_nothing", || {
        let mut memory = Mapping::from_unnamed(2 * page(), READ_WRITE, MAP_SHARED).unwrap();
        memory.write(0, b"here").unwrap();
        let before = (descriptors(), mappings(), memory.info());
        let mut failure =
            |length, flags, address, file_end| resize_at(&mut memory, length, flags, address, file_end).unwrap_err().code();
        assert_eq!(failure(0, 0, 0, FileEnd::Stays), MMAP_WRAP_E_ARGUMENT);
        assert_eq!(failure(-1, 0, 0, FileEnd::Stays), MMAP_WRAP_E_RANGE);
        assert_eq!(failure(10, 1 << 20, 0, FileEnd::Stays), MMAP_WRAP_E_ARGUMENT);
        assert_eq!(failure(10, MREMAP_FIXED, 4096, FileEnd::Stays), MMAP_WRAP_E_ARGUMENT);
        assert_eq!(failure(10, MREMAP_MAYMOVE, 4096, FileEnd::Stays), MMAP_WRAP_E_ARGUMENT);
        assert_eq!(failure(10, MREMAP_MAYMOVE | MREMAP_FIXED, 4097, FileEnd::Stays), MMAP_WRAP_E_ALIGNMENT);
        assert_eq!(failure(10, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, 0, FileEnd::Stays), MMAP_WRAP_E_ARGUMENT);
        for length in [1 << 60, i64::MAX] {
            let code = failure(length, MREMAP_MAYMOVE, 0, FileEnd::Stays);
            assert!([MMAP_WRAP_E_RANGE, errno(libc::ENOMEM), errno(libc::EINVAL)].contains(&code), "{code}");
            // The file could not grow either, or has its former size again.
            assert!(failure(length, MREMAP_MAYMOVE, 0, FileEnd::Follows) < 0);
        }
        // The file grows, the mapping cannot: the file gets its former size.
        assert!([TOO_LONG, errno(libc::EINVAL)].contains(&failure(1 << 50, MREMAP_MAYMOVE, 0, FileEnd::Follows)));
        let file = std::fs::File::from(memory.descriptor().unwrap());
        assert_eq!(i64::try_from(file.metadata().unwrap().len()).unwrap(), 2 * page());
        drop(file);
        memory.add_file_seals(F_SEAL_GROW).unwrap_err();
        assert_eq!((descriptors(), mappings(), memory.info()), before);
        assert_eq!(read(&memory, 0, 4).unwrap(), b"here");

        let mut no_file = private(10);
        assert_eq!(no_file.resize(20, 0, FileEnd::Follows).unwrap_err().code(), MMAP_WRAP_E_ARGUMENT);
        assert_eq!(no_file.resize(REST, 0, FileEnd::Stays).unwrap_err().code(), MMAP_WRAP_E_ARGUMENT);
        let mut uneven = private(2 * page());
        uneven.protect(PROT_READ, page(), REST).unwrap();
        let failure = uneven.resize(20 * page(), MREMAP_MAYMOVE, FileEnd::Stays).unwrap_err();
        assert_eq!(failure.code(), errno(libc::EFAULT), "{failure}");
    });
}

#[test]
#[cfg(unix)]
fn a_mapping_whose_file_cannot_be_truncated_keeps_its_length() {
    let mut sealed = Mapping::from_memfd(c"sealed", MFD_ALLOW_SEALING, 2 * page(), READ_WRITE, MAP_SHARED).unwrap();
    sealed.add_file_seals(F_SEAL_SHRINK).unwrap();
    assert_eq!(sealed.resize(page(), MREMAP_MAYMOVE, FileEnd::Follows).unwrap_err().code(), errno(libc::EPERM));
    assert_eq!(bytes(&sealed), 2 * page());
    let mut readonly = Mapping::from_path(c"Cargo.toml", REST, PROT_READ, MAP_SHARED | KEEP, 0).unwrap();
    let before = readonly.length();
    let failure = readonly.resize(10, MREMAP_MAYMOVE, FileEnd::Follows).unwrap_err();
    assert_eq!(failure.code(), errno(libc::EINVAL));
    assert!(failure.to_string().starts_with(&format!("the file from {before} to 10 bytes: ")), "{failure}");
    assert_eq!(readonly.length(), before);
}

#[test]
#[cfg(unix)]
fn a_mapping_moves_to_the_given_address() {
    let mut memory = private(page());
    memory.write(0, b"here").unwrap();
    let place = private(page());
    let address = place.address().addr();
    // It replaces the mapping that was there, which must not be unmapped.
    std::mem::forget(place);
    resize_at(&mut memory, page(), MREMAP_MAYMOVE | MREMAP_FIXED, address, FileEnd::Stays).unwrap();
    assert_eq!(memory.address().addr(), address);
    assert_eq!(read(&memory, 0, 4).unwrap(), b"here");
}

#[test]
#[cfg(unix)]
fn nothing_is_mapped_at_null() {
    in_a_process_of_its_own("nothing_is_mapped_at_null", || {
        // Root can map at 0, but NULL means an error.
        let before = mappings();
        for fixed in [MAP_FIXED, MAP_FIXED_NOREPLACE] {
            let there = from_descriptor(0, 1, READ_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | fixed, -1, 0);
            assert_eq!(there.unwrap_err().code(), MMAP_WRAP_E_ARGUMENT);
        }
        assert_eq!(mappings(), before);
        let mut memory = private(page());
        memory.write(0, b"here").unwrap();
        for length in [page(), 2 * page()] {
            let moved = memory.resize(length, MREMAP_MAYMOVE | MREMAP_FIXED, FileEnd::Stays);
            assert_eq!(moved.unwrap_err().code(), MMAP_WRAP_E_ARGUMENT);
        }
        assert_eq!(read(&memory, 0, 4).unwrap(), b"here");
    });
}

#[test]
#[cfg(unix)]
fn moved_pages_have_a_new_handle() {
    let h = registry::insert(|| Ok(private(page()))).unwrap();
    registry::pin(h).unwrap().write(0, b"here").unwrap();
    let new = mremap_wrap(h, page(), MREMAP_MAYMOVE | MREMAP_DONTUNMAP, null_mut(), 0);
    assert!(new > 0 && new != h, "{new}");
    assert_eq!(read(&registry::pin(new).unwrap(), 0, 4).unwrap(), b"here");
    if !is_mapped(registry::pin(h).unwrap().address()) {
        return println!("skipped: MREMAP_DONTUNMAP was ignored: an error of an emulator");
    }
    assert_eq!(read(&registry::pin(h).unwrap(), 0, 4).unwrap(), [0; 4]);
    assert_eq!(mremap_wrap(h, 2 * page(), MREMAP_MAYMOVE | MREMAP_DONTUNMAP, null_mut(), 0), MMAP_WRAP_E_ARGUMENT);
    assert_eq!(mremap_wrap(h, page(), MREMAP_MAYMOVE | MREMAP_DONTUNMAP, null_mut(), 1), MMAP_WRAP_E_ARGUMENT);
    assert!(registry::unmap(h).unwrap() && registry::unmap(new).unwrap());
}

#[test]
fn after_a_split_the_tail_is_a_mapping_of_its_own() {
    let h = handle(3 * page());
    registry::pin(h).unwrap().write(2 * page(), b"tail").unwrap();
    registry::survive(h, true).unwrap();
    let tail = mmap_wrap_split(h, 2 * page());
    assert!(tail > 0, "{tail}");
    assert_eq!(read(&registry::pin(tail).unwrap(), 0, 4).unwrap(), b"tail");
    assert_eq!(bytes(&registry::pin(h).unwrap()), 2 * page());
    assert!(registry::status(&registry::pin(tail).unwrap()).1, "it is surviving like the mapping it was split from");
    let address = registry::pin(tail).unwrap().address();
    assert!(registry::unmap(tail).unwrap());
    assert!(!is_mapped(address));
    registry::pin(h).unwrap().write(2 * page() - 1, b"x").unwrap();

    assert_eq!(mmap_wrap_split(h, 1), MMAP_WRAP_E_ALIGNMENT);
    for offset in [0, 2 * page()] {
        assert_eq!(mmap_wrap_split(h, offset), MMAP_WRAP_E_ARGUMENT);
    }
    for offset in [-1, 2 * page() + 1, i64::MAX] {
        assert_eq!(mmap_wrap_split(h, offset), MMAP_WRAP_E_RANGE);
    }
    assert!(registry::unmap(h).unwrap());
    assert_eq!(mmap_wrap_split(h, page()), MMAP_WRAP_E_UNMAPPED);
}

#[test]
fn the_tail_of_a_split_has_a_handle_even_if_the_rest_is_unmapped_at_the_same_time() {
    in_a_process_of_its_own("the_tail_of_a_split_has_a_handle_even_if_the_rest_is_unmapped_at_the_same_time", || {
        let mut tails = 0;
        for _ in 0..500 {
            let h = handle(2 * page());
            let tail = std::thread::scope(|scope| {
                let splitting = scope.spawn(|| mmap_wrap_split(h, page()));
                // Until it is shorter, or the two calls conflicted.
                while registry::peek(h).is_ok_and(|pin| bytes(&pin) == 2 * page()) && !splitting.is_finished() {}
                assert!(registry::unmap(h).unwrap());
                splitting.join().unwrap()
            });
            let known: Vec<i64> = (tail > 0).then_some(tail).into_iter().collect();
            assert_eq!(registry::live().collect::<Vec<_>>(), known, "the split returned {tail}");
            known.iter().for_each(|tail| assert!(registry::unmap(*tail).unwrap()));
            tails += known.len();
        }
        assert!(tails > 0);
    });
}

#[test]
fn a_mapping_with_an_acquired_address_cannot_be_changed() {
    let h = handle(2 * page());
    registry::acquire(h).unwrap();
    assert_eq!(mremap_wrap(h, page(), 0, null_mut(), 0), MMAP_WRAP_E_BUSY);
    assert_eq!(mmap_wrap_split(h, page()), MMAP_WRAP_E_BUSY);
    registry::release(h).unwrap();
    let inside = registry::pin(h).unwrap();
    assert_eq!(mremap_wrap(h, page(), 0, null_mut(), 0), MMAP_WRAP_E_BUSY);
    drop(inside);
    assert_eq!(mremap_wrap(h, page(), 0, null_mut(), 0), h);
    assert_eq!(bytes(&registry::pin(h).unwrap()), page());
    registry::unmap(h).unwrap();
}

const SMALL: i64 = 256;
const BYTES: usize = 1 << 20;

/// A mapping that several threads read, write and resize at the same time: no thread reads a byte of another mapping at the
/// addresses that it just left.
#[test]
fn readers_never_see_other_bytes_while_it_is_resized() {
    let rounds: u64 = std::env::var("MMAP_WRAP_ROUNDS").map_or(500, |rounds| rounds.parse().unwrap());
    let h = registry::insert(|| Ok(private(SMALL * page()))).unwrap();
    registry::pin(h).unwrap().fill(0, 0x55, REST).unwrap();
    let (done, reads) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        let reading = || {
            scope.spawn(|| {
                while !done.load(SeqCst) {
                    let outcome = registry::with(h, |mapping| read(mapping, 0, BYTES));
                    match outcome {
                        Ok(bytes) => assert!(bytes.iter().all(|byte| *byte == 0x55), "bytes of another mapping"),
                        Err(error) => panic!("{error}"),
                    }
                    reads.fetch_add(1, SeqCst);
                }
            })
        };
        let readers = [reading(), reading(), reading()];
        scope.spawn(|| {
            // Other mappings get the addresses that it left.
            while !done.load(SeqCst) {
                let other = private(SMALL * page());
                other.fill(0, 0xAA, REST).unwrap();
            }
        });
        let (mut changed, mut round) = (0, 0);
        let started = std::time::Instant::now();
        // Until there were enough of both: in a tight loop of resizes, readers hardly ever succeed.
        let is_over = |changed| (reads.load(SeqCst) >= rounds && changed > rounds / 10) || started.elapsed() > PATIENCE;
        while (round < rounds || !is_over(changed)) && readers.iter().all(|reader| !reader.is_finished()) {
            round += 1;
            std::thread::yield_now();
            let length = if round % 2 == 0 { 2 * SMALL * page() } else { SMALL * page() };
            match mremap_wrap(h, length, MREMAP_MAYMOVE, null_mut(), 0) {
                MMAP_WRAP_E_BUSY => {}
                moved => {
                    assert_eq!(moved, h, "{moved}");
                    changed += 1;
                }
            }
        }
        done.store(true, SeqCst);
        readers.into_iter().for_each(|reader| reader.join().expect("readers see their bytes"));
        assert!(changed > rounds / 10, "it was hardly ever resized: {changed} times");
        println!("{changed} of {round} resizes, {} reads", reads.load(SeqCst));
    });
    assert!(registry::unmap(h).unwrap());
}

#[test]
#[cfg(unix)]
fn a_child_that_is_forked_during_a_resize_does_not_wait() {
    let h = registry::insert(|| Ok(private(4 * page()))).unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut round = 0;
            while !done.load(SeqCst) {
                round += 1;
                mremap_wrap(h, (1 + round % 2) * 8 * page(), MREMAP_MAYMOVE, null_mut(), 0);
            }
        });
        let _ends = common::Ends(&done);
        for _ in 0..200 {
            let status = forked(|| match registry::with(h, |mapping| mapping.write(0, b"x")) {
                Ok(()) => 0,
                Err(error) if error.code() == MMAP_WRAP_E_UNMAPPED => 0,
                Err(_) => 1,
            });
            assert_eq!(status, 0);
        }
    });
    assert!(registry::unmap(h).unwrap());
}
