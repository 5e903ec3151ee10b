//! Whatever is done a million times leaves the process as it was.

mod common;

use common::abi::*;
use common::*;
use mmap_wrap::internals::constants::*;
use mmap_wrap::internals::error::*;
use mmap_wrap::internals::range::REST;
use std::ptr::{null, null_mut};

/// Resident memory in kibibytes, mappings, descriptors.
fn footprint() -> (u64, usize, usize) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    (resident.trim().trim_end_matches(" kB").parse().unwrap(), mappings(), descriptors())
}

/// Runs `body` a while, then a million times, and compares.
fn leaves_nothing_behind(name: &str, body: impl Fn(u64)) {
    in_a_process_of_its_own(name, || {
        (0..10_000).for_each(&body);
        let before = footprint();
        (0..1_000_000).for_each(&body);
        let after = footprint();
        assert_eq!((after.1, after.2), (before.1, before.2), "mappings and descriptors");
        assert!(after.0 < before.0 + 512, "resident: {} KiB, before {} KiB", after.0, before.0);
    });
}

#[test]
fn a_million_mappings() {
    leaves_nothing_behind("a_million_mappings", |_| {
        let h = mmap_wrap(null_mut(), 4096, READ_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        assert!(h > 0);
        assert_eq!(munmap_wrap(h), 1);
    });
}

#[test]
fn a_million_errors() {
    let stale = handle(1);
    assert_eq!(munmap_wrap(stale), 1);
    let live = handle(8192);
    leaves_nothing_behind("a_million_errors", |round| {
        let mut byte = 0u8;
        let result = match round % 8 {
            0 => (mmap_wrap_read(stale, 0, (&raw mut byte).cast(), 1), MMAP_WRAP_E_UNMAPPED),
            1 => (mmap_wrap_read(7, 0, (&raw mut byte).cast(), 1), MMAP_WRAP_E_HANDLE),
            2 => (mprotect_wrap(live, PROT_READ, 4096, 8192), MMAP_WRAP_E_RANGE),
            3 => (mprotect_wrap(live, PROT_READ, 1, 1), MMAP_WRAP_E_ALIGNMENT),
            4 => (mmap_wrap_write(live, 0, null(), 1), MMAP_WRAP_E_ARGUMENT),
            5 => (mmap_wrap_find(live, c"x".as_ptr().cast(), 1, 0, REST), MMAP_WRAP_E_NOT_FOUND),
            6 => (mmap_wrap(null_mut(), 1, PROT_READ, MAP_SHARED, 98_765, 0), -i64::from(libc::EBADF)),
            _ => (mmap_path_wrap(c"no such file".as_ptr(), 1, PROT_READ, MAP_SHARED, 0), -i64::from(libc::ENOENT)),
        };
        assert_eq!(result.0, result.1);
        assert!(!mmap_wrap_last_error_message().is_null());
    });
}

#[test]
fn a_million_refused_accesses() {
    let inaccessible = handle(4096);
    assert_eq!(mprotect_wrap(inaccessible, PROT_NONE, 0, REST), 0);
    leaves_nothing_behind("a_million_refused_accesses", |_| {
        assert_eq!(mmap_wrap_fill(inaccessible, 0, 1, 1), MMAP_WRAP_E_FAULT);
    });
}
