//! The page cache of a file: paging out loses nothing, what is cached, evicting and reading ahead.
#![cfg(unix)]

mod common;

use common::abi::*;
use common::*;
use mmap_wrap::internals::error::*;
use mmap_wrap::internals::{constants::*, range::REST, registry};
use std::fs::File;
use std::os::fd::{AsRawFd, FromRawFd};
use std::os::unix::fs::FileExt;

#[test]
fn paging_out_loses_nothing() {
    let (small, page) = page();
    let on_disk = file_on_disk(4);
    let from_memfd = memfd(4 * small);
    from_memfd.write_all_at(&vec![7; 4 * small], 0).unwrap();
    let files = on_disk.iter().chain([&from_memfd]);
    let mappings =
        files.flat_map(|file| [map_file(file, MAP_SHARED, 0), map_file(file, MAP_PRIVATE, 0), map_file(file, MAP_SHARED, 9)]);
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
    let mapping = map_file(&file, MAP_SHARED, 0);
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
    let mapping = map_file(&file, MAP_SHARED, 0);
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
        let h = registry::insert(|| Ok(map_file(&file, MAP_SHARED, 0))).unwrap();
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
    for memory in [anonymous(2 * page), map_file(&file, MAP_SHARED, 0)] {
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
