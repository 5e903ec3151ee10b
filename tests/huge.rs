//! Aligned mappings, transparent huge pages, huge pages of the pool, and NUMA nodes.
#![cfg(unix)]

mod common;

use common::abi::*;
use common::*;
use mmap_wrap::internals::error::*;
use mmap_wrap::internals::{Mapping, constants::*, mapping, range::REST};
use std::fs::File;
use std::io::Write;
use std::mem::MaybeUninit;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;
use std::ptr::null_mut;

const PRIVATE: i64 = MAP_PRIVATE | MAP_ANONYMOUS;
const MIB: i64 = 1 << 20;

fn size(bytes: i64) -> usize {
    usize::try_from(bytes).unwrap()
}

// -- Alignment --

#[test]
fn an_aligned_mapping_begins_at_a_multiple() {
    let (small, page) = page();
    // Five of the largest must have room.
    let largest = if size_of::<usize>() < 8 { 1 << 26 } else { 1 << 30 };
    for alignment in [1, 2, page, 1 << 16, 2 * MIB, largest] {
        // Several of odd lengths, so that none is aligned by chance.
        let all = [1, 4 * MIB, page + 1, 1, MIB].map(|len| aligned(alignment, len, READ_WRITE, PRIVATE, -1, 0).unwrap());
        for memory in &all {
            assert_eq!(memory.address().addr() % size(alignment).max(small), 0);
            memory.fill(0, 1, REST).unwrap();
        }
    }
}

#[test]
fn the_first_page_of_a_file_is_aligned_and_the_bytes_are_the_files() {
    let (small, _) = page();
    let mut file = tempfile::tempfile().unwrap();
    let contents: Vec<u8> = (0..3 * small).map(|i| u8::try_from(i % 251).unwrap()).collect();
    file.write_all(&contents).unwrap();
    for offset in [0, 100, small, small + 7] {
        let at = i64::try_from(offset).unwrap();
        let mapping = aligned(MIB, REST, PROT_READ, MAP_SHARED, file.as_raw_fd().into(), at).unwrap();
        assert_eq!(mapping.address().addr() % size(MIB), offset % small);
        assert!(read(&mapping, 0, mapping.length()).unwrap() == contents[offset..]);
    }
    file.set_len(0).unwrap();
    let empty = aligned(MIB, REST, PROT_READ, MAP_SHARED, file.as_raw_fd().into(), 0).unwrap();
    assert_eq!(empty.length(), 0);
}

#[test]
fn an_aligned_mapping_leaves_nothing_behind() {
    in_a_process_of_its_own("an_aligned_mapping_leaves_nothing_behind", || {
        let read_only = File::open("Cargo.toml").unwrap();
        let readable = read_only.as_raw_fd().into();
        let address_space = || std::fs::read_to_string("/proc/self/statm").unwrap().split(' ').next().unwrap().to_owned();
        let tried = || {
            let memory = aligned(2 * MIB, 3 * MIB, READ_WRITE, PRIVATE, -1, 0).unwrap();
            memory.unmap().unwrap();
            let failure = mmap_aligned_wrap(2 * MIB, 4096, READ_WRITE, MAP_SHARED, readable, 0);
            assert_fails(failure, -i64::from(libc::EACCES), "mmap_aligned_wrap: 4096 bytes at offset 0 of descriptor");
            let failure = mmap_aligned_wrap(2 * MIB, 4096, READ_WRITE, MAP_SHARED, -1, 0);
            assert_fails(failure, -i64::from(libc::EBADF), "mmap_aligned_wrap: descriptor -1");
            let failure = mmap_aligned_wrap(2 * MIB, 4096, PROT_READ, MAP_SHARED | MAP_HUGETLB, readable, 0);
            assert_fails(failure, -i64::from(libc::EINVAL), "at a multiple of 2097152");
            assert_fails(
                mmap_aligned_wrap(1 << 62, 1, PROT_READ, PRIVATE, -1, 0),
                TOO_LONG,
                if size_of::<usize>() < 8 { "exceed" } else { "address space" },
            );
        };
        tried();
        let before = (descriptors(), mappings(), address_space());
        (0..20).for_each(|_| tried());
        assert_eq!((descriptors(), mappings(), address_space()), before);
    });
}

#[test]
fn invalid_alignments_are_errors() {
    let map = |alignment, len, flags| mmap_aligned_wrap(alignment, len, PROT_READ, flags, -1, 0);
    for alignment in [0, 3, -1, -4096, i64::MIN, i64::MAX] {
        let why = format!("mmap_aligned_wrap: alignment {alignment} is not a power of two");
        assert_fails(map(alignment, 4096, PRIVATE), MMAP_WRAP_E_ARGUMENT, &why);
    }
    for flag in [MAP_FIXED, MAP_FIXED_NOREPLACE] {
        assert_fails(map(4096, 4096, PRIVATE | flag), MMAP_WRAP_E_ARGUMENT, "MAP_FIXED sets the address");
    }
    assert_fails(map(1 << 62, 1 << 62, PRIVATE), MMAP_WRAP_E_RANGE, "exceed");
    assert_fails(map(4096, -1, PRIVATE), MMAP_WRAP_E_RANGE, "length -1 is negative");
    assert_fails(map(4096, 0, PRIVATE), MMAP_WRAP_E_ARGUMENT, "at least 1 byte");
}

#[test]
fn threads_that_map_at_the_same_time_get_separate_addresses() {
    std::thread::scope(|scope| {
        for value in 1..=8u8 {
            scope.spawn(move || {
                for _ in 0..3000 {
                    // The size of the gap that mapping at an aligned address leaves for a moment.
                    let beside = [(); 4].map(|()| from_descriptor(0, 2 * MIB, READ_WRITE, PRIVATE, -1, 0).unwrap());
                    beside.iter().for_each(|memory| memory.write(0, &[value]).unwrap());
                    let aligned = aligned(2 * MIB, 8192, READ_WRITE, PRIVATE, -1, 0).unwrap();
                    assert_eq!(aligned.address().addr() % size(2 * MIB), 0);
                    aligned.fill(0, value.into(), REST).unwrap();
                    std::thread::yield_now();
                    assert_eq!(read(&aligned, 0, 8192).unwrap(), [value; 8192]);
                    assert!(beside.iter().all(|memory| read(memory, 0, 1).unwrap() == [value]));
                }
            });
        }
    });
}

// -- Transparent huge pages --

/// Memory of two transparent huge pages. None, printed as skipped, if the kernel makes none.
fn two_huge_pages() -> Option<(Mapping, i64)> {
    let setting = std::fs::read_to_string("/sys/kernel/mm/transparent_hugepage/enabled").unwrap_or_default();
    let huge = mmap_wrap_huge_page_size();
    if huge < 0 || setting.contains("[never]") {
        println!("skipped: no transparent huge pages here: {}", if huge < 0 { message() } else { setting });
        return None;
    }
    let memory = aligned(huge, 2 * huge, READ_WRITE, PRIVATE, -1, 0).unwrap();
    if let Err(error) = memory.advise(MADV_HUGEPAGE, 0, REST) {
        println!("skipped: {error}");
        return None;
    }
    memory.fill(0, 7, REST).unwrap();
    if memory.huge_bytes(0, REST) != Ok(memory.length()) {
        // Free memory was fragmented at the first access: this compacts it.
        memory.advise(MADV_COLLAPSE, 0, REST).unwrap();
    }
    Some((memory, huge))
}

#[test]
fn aligned_memory_gets_huge_pages_and_their_bytes_are_counted() {
    let Some((memory, huge)) = two_huge_pages() else { return };
    assert_eq!(mapping::transparent_huge_page_size(), Ok(size(huge)));
    match memory.huge_bytes(1000, huge) {
        Err(error) if error.code() == MMAP_WRAP_E_UNSUPPORTED => {
            println!("skipped: {error}");
            return;
        }
        bytes => assert_eq!(bytes, Ok(size(huge))),
    }
    assert_eq!(memory.huge_bytes(0, REST), Ok(size(2 * huge)));
    assert_eq!(memory.huge_bytes(5, 1), Ok(1));
    assert_eq!(memory.huge_bytes(2 * huge, 0), Ok(0));
    // Discarding one base page splits a huge page.
    memory.protect(PROT_READ, huge + page().1, page().1).unwrap();
    assert_eq!(memory.huge_bytes(0, REST), Ok(size(huge)));
    assert_eq!(memory.huge_bytes(huge - 3, 10), Ok(3));
    assert_eq!(memory.huge_bytes(huge, REST), Ok(0));
    assert_eq!(memory.find(&[0], 0, REST), Err(Error::NotFound.into()), "the bytes stay");
}

#[test]
fn memory_of_small_pages_is_in_no_huge_page() {
    let memory = from_descriptor(0, 64 * page().1, READ_WRITE, PRIVATE, -1, 0).unwrap();
    assert_eq!(memory.huge_bytes(0, REST), Ok(0));
    if let Err(error) = memory.advise(MADV_NOHUGEPAGE, 0, REST) {
        println!("skipped: {error}");
        return;
    }
    memory.fill(0, 1, REST).unwrap();
    assert_eq!(memory.huge_bytes(0, REST), Ok(0));
}

// -- The pool --

/// A pool of so many huge pages, restored when this is dropped. Only one exists at a time, in all processes. None, printed as
/// skipped, if the pool cannot be set.
struct Pool(File, String);

const SETTING: &str = "/proc/sys/vm/nr_hugepages";

impl Pool {
    fn of(pages: &str) -> Option<Pool> {
        let skip = |error| println!("skipped: no pool of huge pages: {error}");
        let setting = File::options().read(true).write(true).open(SETTING).map_err(skip).ok()?;
        // SAFETY: accesses no memory; the lock ends with the descriptor.
        assert_eq!(unsafe { libc::flock(setting.as_raw_fd(), libc::LOCK_EX) }, 0);
        let before = std::fs::read_to_string(SETTING).unwrap();
        let pool = Pool(setting, before);
        pool.0.write_all_at(pages.as_bytes(), 0).map_err(skip).ok()?;
        let got = std::fs::read_to_string(SETTING).unwrap();
        if got.trim() != pages || free_pages() != pages.parse().unwrap() || meminfo("Hugepagesize:") != Some(2 * MIB / 1024) {
            println!("skipped: {} of {pages} huge pages of 2 MiB in the pool, {} free", got.trim(), free_pages());
            return None;
        }
        // Without a reservation, so that it needs no page of the pool.
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_HUGETLB | libc::MAP_NORESERVE;
        // SAFETY: maps new memory, and unmaps it.
        let mapped = unsafe {
            let address = libc::mmap(std::ptr::null_mut(), 2 << 20, libc::PROT_READ, flags, -1, 0);
            if address == libc::MAP_FAILED { Err(std::io::Error::last_os_error()) } else { Ok(libc::munmap(address, 2 << 20)) }
        };
        if let Err(error) = mapped {
            println!("skipped: mmap(2) maps no huge pages here (an emulator's error): {error}");
            return None;
        }
        Some(pool)
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        let _ = self.0.write_all_at(self.1.as_bytes(), 0);
    }
}

fn meminfo(name: &str) -> Option<i64> {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap();
    text.lines().find_map(|line| line.strip_prefix(name)?.trim().trim_end_matches(" kB").parse().ok())
}

fn free_pages() -> i64 {
    meminfo("HugePages_Free:").unwrap_or(0)
}

/// Whether so many pages of the pool are free: some kernels return a page to the pool a moment after it was unmapped.
fn become_free(pages: i64) -> bool {
    (0..1000).any(|_| {
        let free = free_pages() == pages;
        if !free {
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        free
    })
}

fn of_pool(len: i64, more: i64) -> Mapping {
    from_descriptor(0, len, READ_WRITE, PRIVATE | MAP_HUGETLB | more, -1, 0).unwrap()
}

#[test]
fn a_page_of_the_pool_is_unmapped_completely_for_any_length() {
    let Some(_pool) = Pool::of("4") else { return };
    for _ in 0..10 {
        let memory = of_pool(4096, 0);
        assert_eq!((memory.length(), memory.page_size(), memory.info().mapped), (4096, size(2 * MIB), size(2 * MIB)));
        memory.fill(0, 7, REST).unwrap();
        assert_eq!(free_pages(), 3);
        memory.unmap().unwrap();
        assert!(become_free(4));
    }
    let huge = aligned(1, 1, READ_WRITE, PRIVATE | MAP_HUGETLB, -1, 0).unwrap();
    assert_eq!(huge.address().addr() % size(2 * MIB), 0);
    let huge = aligned(8 * MIB, 3 * MIB, READ_WRITE, PRIVATE | MAP_HUGETLB | MAP_HUGE_2MB, -1, 0).unwrap();
    assert_eq!(huge.address().addr() % size(8 * MIB), 0);
    huge.fill(0, 7, REST).unwrap();
    drop(huge);
    assert!(become_free(4));
    let too_many = from_descriptor(0, 10 * MIB, READ_WRITE, PRIVATE | MAP_HUGETLB, -1, 0).unwrap_err();
    assert!(too_many.to_string().ends_with("the pool of huge pages (vm.nr_hugepages) is too small"), "{too_many}");
}

#[test]
fn an_invalid_huge_page_size_is_an_error_with_the_valid_sizes() {
    let Ok(pools) = std::fs::read_dir("/sys/kernel/mm/hugepages") else {
        return println!("skipped: this kernel has no pools of huge pages");
    };
    let mut sizes: Vec<u64> = pools
        .filter_map(|pool| {
            let name = pool.unwrap().file_name().into_string().unwrap();
            Some(name.strip_prefix("hugepages-")?.strip_suffix("kB")?.parse::<u64>().unwrap() * 1024)
        })
        .collect();
    sizes.sort_unstable();
    let listed = sizes.iter().map(u64::to_string).collect::<Vec<_>>().join(", ");
    let expected = format!("the huge pages of this kernel, in bytes: {listed}");
    for log2 in [13, 40, 63] {
        let anonymous = from_descriptor(0, 4096, READ_WRITE, PRIVATE | MAP_HUGETLB | log2 << MAP_HUGE_SHIFT, -1, 0);
        let memfd = Mapping::from_memfd(c"huge", MFD_HUGETLB | log2 << MFD_HUGE_SHIFT, 4096, READ_WRITE, MAP_SHARED);
        for error in [anonymous.unwrap_err(), memfd.unwrap_err()] {
            assert!(error.to_string().ends_with(&expected), "{error}");
        }
    }
}

#[test]
fn a_file_has_the_pages_of_its_file_system() {
    let file = File::open("Cargo.toml").unwrap();
    let failure = from_descriptor(0, REST, PROT_READ, MAP_SHARED | MAP_HUGETLB, file.as_raw_fd().into(), 0).unwrap_err();
    let expected = "MAP_HUGETLB is for memory without a file: a file has the pages of its file system";
    assert_eq!(failure.code(), -i64::from(libc::EINVAL));
    assert!(failure.to_string().ends_with(expected), "{failure}");
}

#[test]
fn a_surviving_mapping_survives_an_empty_pool() {
    if !faults_have_addresses() {
        return;
    }
    let Some(_pool) = Pool::of("0") else { return };
    let flags = PRIVATE | MAP_HUGETLB | MAP_HUGE_2MB | MAP_NORESERVE;
    let h = mmap_wrap(null_mut(), 2 * MIB, READ_WRITE, flags, -1, 0);
    if h < 0 || mmap_wrap_survive(h, 1) < 0 {
        return println!("skipped: {}", message());
    }
    let address: *mut u8 = mmap_wrap_address(h).cast();
    // SAFETY: the memory is mapped, and the mapping survives that there is no page for it.
    let byte = unsafe {
        address.add(5).write_volatile(7);
        address.add(5).read_volatile()
    };
    assert_eq!(byte, 7);
    let mut room = [0_u8; 1];
    assert_fails(mmap_wrap_read(h, 5, room.as_mut_ptr().cast(), 1), MMAP_WRAP_E_FAULT, "no huge page was available");
    assert_eq!(mmap_wrap_read(h, 5, room.as_mut_ptr().cast(), 1), 1);
    munmap_wrap(h);
}

#[test]
fn the_page_of_every_operation_is_a_huge_page() {
    let Some(_pool) = Pool::of("4") else { return };
    let memory = of_pool(4 * MIB - 10, 0);
    let huge = 2 * MIB;
    memory.write(0, b"first").unwrap();

    // In the last page and beyond the length.
    let beyond = |outcome: mmap_wrap::internals::Result<()>| assert_eq!(outcome.unwrap_err().code(), MMAP_WRAP_E_RANGE);
    beyond(read(&memory, 4 * MIB - 10, 1).map(drop));
    beyond(memory.write(4 * MIB - 11, b"xy"));
    beyond(memory.lock(0, 0, 4 * MIB));

    // In memory as a whole; huge bytes are counted in the range only.
    let mut pages = [MaybeUninit::new(9); 2];
    assert_eq!(memory.mincore(&mut pages, 0, REST), Ok(2));
    // SAFETY: both are initialised.
    assert_eq!(pages.map(|page| unsafe { page.assume_init() }), [1, 0]);
    assert_eq!(memory.resident_bytes(0, REST), Ok(size(huge)));
    if counts_pages() {
        assert_eq!(memory.huge_bytes(0, REST), Ok(size(huge)));
        assert_eq!(memory.huge_bytes(huge - 1, 2), Ok(1));
    }

    // Protection and discarding need boundaries of huge pages.
    let at_a_small_page = memory.protect(PROT_READ, 4096, 4096).unwrap_err();
    assert!(at_a_small_page.to_string().contains("pages are 2097152 bytes"), "{at_a_small_page}");
    memory.protect(PROT_READ, 0, 1).unwrap();
    assert_eq!(memory.write(100, b"x").unwrap_err().code(), MMAP_WRAP_E_FAULT);
    memory.write(huge, b"second").unwrap();
    memory.protect(PROT_READ | PROT_WRITE, 0, REST).unwrap();
    assert_eq!(memory.advise(MADV_DONTNEED, 0, 4096).unwrap_err().code(), MMAP_WRAP_E_ALIGNMENT);
    match memory.advise(MADV_DONTNEED, 0, huge) {
        Ok(()) => {
            assert_eq!(free_pages(), 3);
            assert_eq!(read(&memory, 0, 5).unwrap(), [0; 5]);
        }
        Err(error) => println!("skipped: before Linux 5.18 pages of the pool cannot be discarded: {error}"),
    }
    assert_eq!(memory.find(b"second", 0, REST), Ok(size(huge)));

    // They never leave memory: locking has nothing to do, and paging out is an error.
    memory.lock(0, huge, 1).unwrap();
    memory.unlock(0, REST).unwrap();
    // SAFETY: the memory is this test's, and the advice loses nothing.
    if unsafe { libc::madvise(memory.address().cast(), size(4 * MIB), libc::MADV_PAGEOUT) } == 0 {
        println!("skipped: MADV_PAGEOUT succeeds for pages of the pool, which cannot be paged out: an error of an emulator");
    } else {
        assert_eq!(memory.page_out(0, REST).unwrap_err().code(), -i64::from(libc::EINVAL));
    }
    assert_eq!(memory.find(b"second", 0, REST), Ok(size(huge)));
    assert_eq!(memory.prefault(true, 0, REST), Ok(size(4 * MIB - 10)));
    assert_eq!(memory.resident_bytes(0, REST), Ok(size(4 * MIB)));
}

#[test]
fn an_empty_pool_is_an_error_at_the_first_missing_page() {
    let Some(_pool) = Pool::of("1") else { return };
    let memory = of_pool(4 * MIB, MAP_NORESERVE);
    memory.write(0, b"x").unwrap();
    match memory.write(2 * MIB - 1, b"xy").map_err(|error| *error) {
        Err(Error::Fault { offset, done: 1, .. }) => assert_eq!(offset, size(2 * MIB)),
        other => panic!("{other:?}"),
    }
    match memory.prefault(true, 0, REST).map_err(|error| *error) {
        Err(Error::Fault { offset, done, .. }) => assert_eq!((offset, done), (size(2 * MIB), size(2 * MIB))),
        other => panic!("{other:?}"),
    }
    assert_eq!(memory.fill(0, 1, 2 * MIB), Ok(size(2 * MIB)));
}

// -- Nodes --

/// Whether this kernel has NUMA; if not, that is printed as skipped.
fn has_nodes(memory: &Mapping) -> bool {
    match memory.mbind(MPOL_DEFAULT, &[], 0, 0, REST) {
        Err(error) if error.code() == MMAP_WRAP_E_UNSUPPORTED || error.code() == -i64::from(libc::EPERM) => {
            println!("skipped: {error}");
            false
        }
        bound => {
            assert_eq!(bound, Ok(()));
            true
        }
    }
}

#[test]
fn memory_comes_from_the_node_it_is_bound_to() {
    let page = page().1;
    let memory = anonymous(4 * page);
    if !has_nodes(&memory) {
        return;
    }
    memory.mbind(MPOL_BIND, &[1 << 0], 0, page, page + 1).unwrap();
    assert_eq!(policies(&memory), ["default", "bind:0", "default"]);
    memory.mbind(MPOL_PREFERRED | MPOL_F_STATIC_NODES, &[1, 0], MPOL_MF_STRICT | MPOL_MF_MOVE, 0, REST).unwrap();
    assert_eq!(policies(&memory), ["prefer=static:0"]);
    memory.fill(0, 1, REST).unwrap();
    assert_eq!(memory.numa_node(0), Ok(0));
    assert_eq!(memory.numa_node(4 * page - 1), Ok(0));
    let online = std::fs::read_to_string("/sys/devices/system/node/online").unwrap_or_default();
    if online.trim() == "0" {
        println!("skipped: moving between nodes: this machine has one");
        return;
    }
    memory.mbind(MPOL_BIND, &[1 << 1], MPOL_MF_MOVE, 0, REST).unwrap();
    assert_eq!((memory.numa_node(0), memory.numa_node(4 * page - 1)), (Ok(1), Ok(1)));
}

/// The policies of the parts of a mapping, by /proc/self/numa_maps.
fn policies(memory: &Mapping) -> Vec<String> {
    let address = memory.address().addr();
    let maps = std::fs::read_to_string("/proc/self/numa_maps").unwrap();
    let lines = maps.lines().filter_map(|line| {
        let mut words = line.split(' ');
        let start = usize::from_str_radix(words.next()?, 16).ok()?;
        (address..address + memory.length()).contains(&start).then(|| words.next().unwrap().to_owned())
    });
    lines.collect()
}

#[test]
fn querying_the_node_accesses_nothing() {
    let page = page().1;
    let memory = from_descriptor(0, 3 * page, READ_WRITE, PRIVATE, -1, 0).unwrap();
    if !has_nodes(&memory) {
        return;
    }
    memory.write(0, b"x").unwrap();
    read(&memory, page, 1).unwrap();
    let failure = |offset| memory.numa_node(offset).map_err(|error| (error.code(), error.to_string())).unwrap_err();
    let (code, text) = failure(2 * page);
    assert_eq!(code, -i64::from(libc::ENOENT));
    assert!(text.contains("no page is in memory there"), "{text}");
    assert_eq!(failure(page).0, -i64::from(libc::EFAULT));
    assert!(failure(page).1.contains("read and never written"));
    assert_eq!(failure(3 * page).0, MMAP_WRAP_E_RANGE);
    assert_eq!(memory.resident_bytes(2 * page, REST), Ok(0));
    memory.prefault(true, 0, REST).unwrap();
    assert!((0..3).all(|i| memory.numa_node(i * page).is_ok()));
}

#[test]
fn invalid_policies_are_errors() {
    let memory = handle(page().1);
    let nodes = |words: &[u64], mode, flags| {
        let count = i64::try_from(words.len()).unwrap();
        mbind_wrap(memory, mode, words.as_ptr(), count, flags, 0, REST)
    };
    assert_fails(nodes(&[1], 8, 0), MMAP_WRAP_E_ARGUMENT, "mbind_wrap: memory policy 0x8: this platform does not know the bits");
    assert_fails(nodes(&[1], MPOL_BIND, 8), MMAP_WRAP_E_ARGUMENT, "mbind_wrap: mbind flags 0x8");
    let null = std::ptr::null();
    assert_fails(mbind_wrap(memory, MPOL_BIND, null, 1, 0, 0, REST), MMAP_WRAP_E_ARGUMENT, "the buffer is NULL");
    assert_fails(mbind_wrap(memory, MPOL_BIND, null, -1, 0, 0, REST), MMAP_WRAP_E_RANGE, "negative");
    assert_fails(mbind_wrap(memory, MPOL_BIND, null, i64::MAX, 0, 0, REST), MMAP_WRAP_E_ARGUMENT, "too many");
    if mbind_wrap(memory, MPOL_DEFAULT, null, 0, 0, 0, REST) == 0 {
        let einval = -i64::from(libc::EINVAL);
        assert_fails(nodes(&[0, 1 << 62], MPOL_BIND, 0), einval, "mbind_wrap: policy 0x2, nodes [0, 4000000000000000], for");
        assert_fails(nodes(&[0, 1 << 62], MPOL_BIND, 0), einval, "a node does not exist");
        assert_fails(nodes(&[], MPOL_BIND, 0), einval, "do not go with the policy");
        assert_fails(nodes(&[1], MPOL_DEFAULT, 0), einval, "the nodes do not go with the policy");
    } else {
        println!("skipped: {}", message());
    }
    assert_eq!(munmap_wrap(memory), 1);
}
