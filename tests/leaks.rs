//! Calls leak nothing: after many rounds the process has exactly the same allocations, mappings and descriptors.

mod common;

use common::abi::*;
use common::*;
use mmap_wrap::internals::constants::*;
use mmap_wrap::internals::error::*;
use mmap_wrap::internals::range::REST;
use std::alloc::{GlobalAlloc, Layout, System};
use std::ptr::{null, null_mut};
use std::sync::atomic::{AtomicIsize, Ordering::SeqCst};

/// Counts the allocations that are not freed.
struct Counting;

static ALLOCATIONS: AtomicIsize = AtomicIsize::new(0);
static ALLOCATED_BYTES: AtomicIsize = AtomicIsize::new(0);

fn count(allocations: isize, size: usize) {
    ALLOCATIONS.fetch_add(allocations, SeqCst);
    // A layout has at most isize::MAX bytes.
    let bytes = isize::try_from(size).unwrap_or(isize::MAX);
    ALLOCATED_BYTES.fetch_add(allocations * bytes, SeqCst);
}

// SAFETY: the system's allocator does the work.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(1, layout.size());
        // SAFETY: the caller ensures it.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        count(-1, layout.size());
        // SAFETY: the caller ensures it.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// The resources of the process. Without the heap, which the C library grows; allocations are counted separately.
#[derive(Debug, PartialEq)]
struct Footprint {
    allocations: isize,
    allocated_bytes: isize,
    mappings: usize,
    mapped_bytes: usize,
    descriptors: usize,
}

fn footprint() -> Footprint {
    let (allocations, allocated_bytes) = (ALLOCATIONS.load(SeqCst), ALLOCATED_BYTES.load(SeqCst));
    let (mappings, mapped_bytes) = mapped();
    Footprint { allocations, allocated_bytes, mappings, mapped_bytes, descriptors: descriptors() }
}

/// On Windows the views alone: memory without a file cannot be told from the heaps.
#[cfg(windows)]
fn mapped() -> (usize, usize) {
    (mappings(), 0)
}

#[cfg(unix)]
fn mapped() -> (usize, usize) {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let lines = maps.lines().filter(|line| !line.ends_with("[heap]"));
    let sizes = lines.map(|line| {
        let (start, end) = line.split_once(' ').unwrap().0.split_once('-').unwrap();
        usize::from_str_radix(end, 16).unwrap() - usize::from_str_radix(start, 16).unwrap()
    });
    sizes.fold((0, 0), |(count, bytes), size| (count + 1, bytes + size))
}

/// More than the slots of a chunk of the library's table (8192): if each round lost a slot, the library would map another chunk.
const ROUNDS: u64 = 16_000;

/// Runs `body` a few times, then many times, and compares.
fn leaves_nothing_behind(name: &str, body: impl Fn(u64)) {
    in_a_process_of_its_own(name, || {
        // Ends with the same call as the many rounds, since the message of the last error stays allocated.
        (0..ROUNDS / 100).for_each(&body);
        // By then the measuring itself has allocated what it keeps.
        footprint();
        let before = footprint();
        (0..ROUNDS).for_each(&body);
        assert_eq!(footprint(), before);
    });
}

#[test]
fn mapping_and_unmapping() {
    leaves_nothing_behind("mapping_and_unmapping", |_| {
        let h = mmap_wrap(null_mut(), 4096, READ_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        assert!(h > 0);
        assert_eq!(munmap_wrap(h), 1);
    });
}

#[test]
fn errors() {
    let stale = handle(1);
    assert_eq!(munmap_wrap(stale), 1);
    let live = handle(8192);
    leaves_nothing_behind("errors", |round| {
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
fn accesses_that_fault() {
    let protected = handle(4096);
    assert_eq!(mprotect_wrap(protected, PROT_NONE, 0, REST), 0);
    leaves_nothing_behind("accesses_that_fault", |_| {
        assert_eq!(mmap_wrap_fill(protected, 0, 1, 1), MMAP_WRAP_E_FAULT);
    });
}
