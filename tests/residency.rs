//! Which pages are in memory: reports are correct, and paging out loses nothing.
#![cfg(unix)]

mod common;

use common::abi::*;
use common::*;
use mmap_wrap::internals::error::*;
use mmap_wrap::internals::{Mapping, constants::*, mapping, range::REST, registry};
use std::ffi::CStr;
use std::fs::File;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, FromRawFd};
use std::os::unix::fs::FileExt;

fn message() -> String {
    // SAFETY: the text is valid until the next message of this thread.
    unsafe { CStr::from_ptr(mmap_wrap_last_error_message()) }.to_str().unwrap().to_owned()
}

/// The call's code, and a part of its message.
fn assert_fails(result: i64, code: i64, text: &str) {
    // SAFETY: the text is valid until the next message of this thread.
    let name = unsafe { CStr::from_ptr(mmap_wrap_strerror(result)) };
    assert_eq!(result, code, "{name:?}: {}", message());
    assert!(message().contains(text), "'{}' lacks '{text}'", message());
}

fn mincore(mapping: &Mapping, offset: i64, size: i64) -> Vec<u8> {
    let mut pages = vec![MaybeUninit::new(9); mapping.length() / page().0 + 2];
    let count = mapping.mincore(&mut pages[..], offset, size).unwrap();
    // SAFETY: all bytes are initialised.
    let bytes: Vec<u8> = pages.into_iter().map(|byte| unsafe { byte.assume_init() }).collect();
    assert!(bytes[count..].iter().all(|byte| *byte == 9), "bytes beyond the range's pages stay");
    bytes[..count].to_vec()
}

fn memfd(bytes: usize) -> File {
    // SAFETY: the name ends in NUL; the descriptor is new, so it is ours.
    let file = unsafe { File::from_raw_fd(libc::memfd_create(c"test".as_ptr(), libc::MFD_CLOEXEC)) };
    file.set_len(bytes as u64).unwrap();
    file
}

fn map(file: &File, flags: i64, offset: i64) -> Mapping {
    from_descriptor(0, REST, READ_WRITE, flags, file.as_raw_fd().into(), offset).unwrap()
}

fn fd(file: &File) -> i64 {
    file.as_raw_fd().into()
}

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
        let h = handle(1 << 20);
        limit_to(123 << 10);
        as_unprivileged_user(|| {
            let enomem = -i64::from(libc::ENOMEM);
            assert_fails(mlock_wrap(h, 0, 0, REST), enomem, "mlock_wrap: lock 1048576 bytes from offset 0: ");
            assert_fails(mlock_wrap(h, 0, 0, REST), enomem, "this process may lock 125952 bytes (RLIMIT_MEMLOCK)");
            assert_eq!(mlock_wrap(h, 0, 0, 100 << 10), 0);
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
    let mapping = map(&file, MAP_SHARED, 100);
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
        let h = registry::insert(|| Ok(map(&file, flags, 10))).unwrap();
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
    let h = registry::insert(|| Ok(map(&file, MAP_SHARED | mapping::KEEP, 100))).unwrap();
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

// -- Paging out --

#[test]
fn paging_out_loses_nothing() {
    let (small, page) = page();
    let on_disk = file_on_disk(4);
    let from_memfd = memfd(4 * small);
    from_memfd.write_all_at(&vec![7; 4 * small], 0).unwrap();
    let files = on_disk.iter().chain([&from_memfd]);
    let mappings = files.flat_map(|file| [map(file, MAP_SHARED, 0), map(file, MAP_PRIVATE, 0), map(file, MAP_SHARED, 9)]);
    let without_file =
        [MAP_SHARED, MAP_PRIVATE].map(|kind| from_descriptor(0, 4 * page, READ_WRITE, kind | MAP_ANONYMOUS, -1, 0).unwrap());
    // Each mapping has different changes, since some map the same file.
    for (change, mapping) in (1..).zip(mappings.chain(without_file)) {
        mapping.fill(page + 5, change, 100).unwrap();
        mapping.fill(3 * page, change, 1).unwrap();
        let before = read(&mapping, 0, mapping.length()).unwrap();
        for (offset, size) in [(0, REST), (page + 6, 1), (4 * page - 9, 0)] {
            match mapping.page_out(offset, size) {
                Err(error) if error.code() == MMAP_WRAP_E_UNSUPPORTED => println!("skipped: {error}"),
                dropped => assert_eq!(dropped, Ok(())),
            }
            assert!(read(&mapping, 0, mapping.length()).unwrap() == before, "{mapping:?}");
        }
    }
}

#[test]
fn pages_that_were_paged_out_can_be_evicted() {
    let (small, page) = page();
    let Some(file) = file_on_disk(8) else { return };
    let mapping = map(&file, MAP_SHARED, 0);
    mapping.prefault(false, 0, REST).unwrap();
    cache::evict(fd(&file), 0, REST).unwrap();
    assert_eq!(mapping.resident_bytes(0, REST), Ok(8 * small), "mapped pages stay");
    mapping.page_out(2 * page, 2 * page).unwrap();
    cache::evict(fd(&file), 0, REST).unwrap();
    assert_eq!(mincore(&mapping, 0, REST), [1, 1, 0, 0, 1, 1, 1, 1]);
    mapping.page_out(0, REST).unwrap();
    cache::evict(fd(&file), 5 * page + 1, 1).unwrap();
    assert_eq!(mincore(&mapping, 0, REST), [1, 1, 0, 0, 1, 0, 1, 1]);
    cache::evict(fd(&file), 0, REST).unwrap();
    assert_eq!(mapping.resident_bytes(0, REST), Ok(0));

    cache::readahead(fd(&file), 0, REST).unwrap();
    // Reading is asynchronous; a page that is never read in makes this test hang.
    while mapping.resident_bytes(0, REST) != Ok(8 * small) {
        std::thread::yield_now();
    }
    assert_eq!(read(&mapping, 0, 8 * small).unwrap(), vec![7; 8 * small]);
}

#[test]
fn paging_out_by_a_read_only_mapping_writes_back_the_changes_of_others() {
    let (small, _) = page();
    let Some(file) = file_on_disk(256) else { return };
    // The kernel assumes that a shared mapping of a read-only descriptor has nothing to write back.
    let reader = File::open(format!("/proc/self/fd/{}", file.as_raw_fd())).unwrap();
    let kept = from_descriptor(0, REST, PROT_READ, MAP_SHARED | MMAP_WRAP_KEEP, fd(&reader), 0).unwrap();
    // Several pages, since the kernel may have written one back by itself.
    file.write_all_at(&vec![1; 256 * small], 0).unwrap();
    kept.page_out(0, REST).unwrap();
    assert_eq!(kept.resident_bytes(0, REST), Ok(0));
}

#[test]
fn readahead_reads_more_than_the_kernel_reads_for_one_request() {
    const PAGES: usize = 8192;
    let (small, _) = page();
    let Some(file) = file_on_disk(PAGES) else { return };
    file.sync_all().unwrap();
    let mapping = map(&file, MAP_SHARED, 0);
    // The kernel may evict pages while others are read in, so that not all need be in memory at the same time.
    let came = (0..5).any(|_| {
        cache::evict(fd(&file), 0, REST).unwrap();
        cache::readahead(fd(&file), 0, REST).unwrap();
        (0..500).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(10));
            mapping.resident_bytes(0, REST).unwrap() >= PAGES * small / 10 * 9
        })
    });
    assert!(came, "{} of {} bytes came", mapping.resident_bytes(0, REST).unwrap(), PAGES * small);
}

#[test]
fn paging_out_keeps_what_was_written_to_the_zeroed_page_of_a_surviving_mapping() {
    if !faults_have_addresses() {
        return;
    }
    in_a_process_of_its_own("paging_out_keeps_what_was_written_to_the_zeroed_page_of_a_surviving_mapping", || {
        let (small, page) = page();
        let file = memfd(2 * small);
        let h = registry::insert(|| Ok(map(&file, MAP_SHARED, 0))).unwrap();
        registry::survive(h, true).unwrap();
        file.set_len(page.unsigned_abs()).unwrap();
        let lost = registry::pin(h).unwrap().address().wrapping_add(small);
        // SAFETY: mapped, and surviving.
        assert_eq!(unsafe { lost.read_volatile() }, 0);
        assert_eq!(registry::pin(h).unwrap_err(), Error::Lost.into());
        let mapping = registry::pin(h).unwrap();
        mapping.write(page, b"written since").unwrap();
        match mapping.page_out(0, REST) {
            Err(error) if error.code() == MMAP_WRAP_E_UNSUPPORTED => println!("skipped: {error}"),
            dropped => assert_eq!(dropped, Ok(())),
        }
        assert_eq!(mapping.find(b"written since", 0, REST), Ok(small));
    });
}

#[test]
fn locked_pages_are_not_paged_out() {
    let (small, page) = page();
    let file = memfd(2 * small);
    for memory in [anonymous(2 * page), map(&file, MAP_SHARED, 0)] {
        memory.write(0, b"locked").unwrap();
        memory.lock(0, 0, page).unwrap();
        // SAFETY: pages out memory of this test's own, or fails.
        if unsafe { libc::madvise(memory.address().cast(), small, libc::MADV_PAGEOUT) } == 0 {
            return println!("skipped: locked pages are not locked here: an error of an emulator");
        }
        let failure = memory.page_out(0, REST).unwrap_err();
        assert_eq!(failure.code(), -i64::from(libc::EINVAL));
        assert!(failure.to_string().contains("locked pages, huge pages of the pool"), "{failure}");
        assert_eq!(memory.find(b"locked", 0, REST), Ok(0));
        assert_eq!(memory.resident_bytes(0, page), Ok(small));
    }
}

// -- Files without a mapping --

#[test]
fn cachestat_of_a_file_counts_bytes() {
    let (small, page) = page();
    let file = memfd(8 * small);
    file.write_all_at(b"x", 3 * page.unsigned_abs()).unwrap();
    file.write_all_at(b"x", 5 * page.unsigned_abs()).unwrap();
    let cached_bytes = |offset, size| cache::cachestat(fd(&file), offset, size).map(|cache| cache.cached);
    match cached_bytes(0, REST) {
        Err(error) if error.code() == MMAP_WRAP_E_UNSUPPORTED => {
            println!("skipped: {error}");
            return;
        }
        cached => assert_eq!(cached, Ok(2 * small as u64)),
    }
    assert_eq!(cached_bytes(4 * page - 1, 1), Ok(small as u64));
    assert_eq!(cached_bytes(4 * page - 1, 2 * page), Ok(2 * small as u64));
    assert_eq!(cached_bytes(4 * page, page), Ok(0));
    assert_eq!(cached_bytes(0, 0), Ok(0));
    assert_eq!(cached_bytes(100 * page, i64::MAX - 100 * page), Ok(0));
}

#[test]
fn cachestat_of_a_mapping_without_its_file_is_an_error_with_the_remedy() {
    let (_, page) = page();
    let h = handle(page);
    let mut figures = [0i64; 5];
    let failure = cachestat_wrap(h, figures.as_mut_ptr().cast(), 40, 0, REST);
    assert_fails(failure, MMAP_WRAP_E_ARGUMENT, "cachestat_wrap: this mapping keeps no file open: keep the file when mapping");
    assert_eq!(munmap_wrap(h), 1);
}

#[test]
fn invalid_descriptors_and_ranges_are_errors() {
    let file = memfd(1);
    let mut figures = [0i64; 5];
    let to: *mut mmap_wrap_cachestat = figures.as_mut_ptr().cast();
    let mut pipe = [-1; 2];
    // SAFETY: writes two descriptors, which are new, so they are ours.
    let [pipe, _other_end] = unsafe {
        assert_eq!(libc::pipe2(pipe.as_mut_ptr(), libc::O_CLOEXEC), 0);
        pipe.map(|end| File::from_raw_fd(end))
    };
    type Call<'a> = (&'a str, &'a dyn Fn(i64, i64, i64) -> i64);
    let calls: [Call; 3] = [
        ("mmap_wrap_fd_evict", &|fd, offset, size| mmap_wrap_fd_evict(fd, offset, size)),
        ("mmap_wrap_fd_readahead", &|fd, offset, size| mmap_wrap_fd_readahead(fd, offset, size)),
        ("mmap_wrap_fd_cachestat", &|fd, offset, size| mmap_wrap_fd_cachestat(fd, to, 40, offset, size)),
    ];
    for (name, call) in calls {
        let fd = fd(&file);
        assert_fails(call(fd, -1, 1), MMAP_WRAP_E_RANGE, &format!("{name}: file offset -1 is negative"));
        assert_fails(call(fd, 0, -1), MMAP_WRAP_E_RANGE, &format!("{name}: size -1 is negative"));
        assert_fails(call(fd, 1, i64::MAX), MMAP_WRAP_E_RANGE, &format!("{name}: size {} from offset 1 wraps", i64::MAX));
        assert_fails(call(1 << 40, 0, 1), MMAP_WRAP_E_ARGUMENT, &format!("{name}: 1099511627776 is not a file descriptor"));
        assert_eq!(call(fd, 0, 0), 0);
        match call(-1, 0, 1) {
            MMAP_WRAP_E_UNSUPPORTED => println!("skipped: {}", message()),
            result => assert_fails(result, -i64::from(libc::EBADF), "of descriptor -1: "),
        }
    }
    for call in [mmap_wrap_fd_evict, mmap_wrap_fd_readahead] {
        assert_fails(call(fd(&pipe), 0, REST), -i64::from(libc::ESPIPE), "a pipe has no pages");
    }
    assert_fails(
        mmap_wrap_fd_cachestat(fd(&file), to, 7, 0, 0),
        MMAP_WRAP_E_ARGUMENT,
        "7 bytes are not a size of struct mmap_wrap_cachestat",
    );
    assert_eq!(figures, [0; 5]);
}

#[test]
fn no_call_leaves_anything_behind() {
    in_a_process_of_its_own("no_call_leaves_anything_behind", || {
        let (small, page) = page();
        let file = memfd(4 * small);
        let h = registry::insert(|| Ok(map(&file, MAP_SHARED, 0))).unwrap();
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
        all();
        let before = (descriptors(), mappings());
        (0..100).for_each(|_| all());
        assert_eq!((descriptors(), mappings()), before);
    });
}
