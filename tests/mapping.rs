//! Mapping, with a file and without: contents, errors, ranges.
#![allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap, reason = "small numbers")]

mod common;

use common::*;
use mmap_wrap::internals::Mapping;
use mmap_wrap::internals::constants::*;
use mmap_wrap::internals::error::*;
use mmap_wrap::internals::range::REST;
use std::ffi::CString;
use std::fs::File;
use std::io::Write;
#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::path::Path;

fn c(path: &Path) -> CString {
    CString::new(path.to_str().unwrap()).unwrap()
}

fn page() -> usize {
    mmap_wrap::page_size()
}

fn file_of(bytes: &[u8]) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    file
}

fn code(result: mmap_wrap::internals::Result<Mapping>) -> i64 {
    result.unwrap_err().code()
}

#[test]
fn a_page_without_a_file_takes_a_byte_at_its_end() {
    let memory = anonymous(4096);
    memory.write(4095, &[0xFF]).unwrap();
    assert_eq!(read(&memory, 4095, 1).unwrap(), [0xFF]);
    memory.unmap().unwrap();
}

#[test]
#[cfg(unix)]
fn a_child_reads_what_its_parent_wrote() {
    let memory = anonymous(1024 * 4);
    let (mut reader, mut writer) = UnixStream::pair().unwrap();
    let numbers: Vec<u8> = (0u32..1024).flat_map(u32::to_ne_bytes).collect();
    // The child is forked before the parent writes, and waits until it has written.
    // SAFETY: the child reads a pipe and the mapping, and ends by _exit.
    let child = unsafe { libc::fork() };
    if child == 0 {
        let mut signal = [0];
        let signalled = std::io::Read::read(&mut reader, &mut signal).is_ok_and(|bytes| bytes == 1);
        let equal = read(&memory, 0, numbers.len()).is_ok_and(|bytes| bytes == numbers);
        // SAFETY: ends the child at once.
        unsafe { libc::_exit(i32::from(!(signalled && equal))) }
    }
    memory.write(0, &numbers).unwrap();
    writer.write_all(&[1]).unwrap();
    let mut status = -1;
    // SAFETY: waits for our own child, and writes one int.
    unsafe { libc::waitpid(child, &mut status, 0) };
    assert_eq!(status, 0);
}

#[test]
fn a_shared_mapping_by_path_changes_the_file_and_can_change_it_back() {
    let before: Vec<u8> = (0..4096u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let file = file_of(&before);
    let mapping = Mapping::from_path(&c(file.path()), REST, READ_WRITE, MAP_SHARED, 0).unwrap();
    assert_eq!(read(&mapping, 0, 4096).unwrap(), before);

    let after: Vec<u8> = before.iter().map(|byte| !byte).collect();
    mapping.write(0, &after).unwrap();
    mapping.sync(MS_SYNC, 0, REST).unwrap();
    assert_eq!(std::fs::read(file.path()).unwrap(), after);

    mapping.write(0, &before).unwrap();
    mapping.unmap().unwrap();
    assert_eq!(std::fs::read(file.path()).unwrap(), before);
}

#[test]
#[cfg(unix)]
fn a_private_mapping_does_not_change_the_file_and_needs_no_permission_to_write() {
    let file = file_of(b"original");
    std::fs::set_permissions(file.path(), std::os::unix::fs::PermissionsExt::from_mode(0o400)).unwrap();
    let mapping = Mapping::from_path(&c(file.path()), REST, READ_WRITE, MAP_PRIVATE, 0).unwrap();
    mapping.write(0, b"CHANGED!").unwrap();
    assert_eq!(read(&mapping, 0, 8).unwrap(), b"CHANGED!");
    assert_eq!(std::fs::read(file.path()).unwrap(), b"original");
}

#[test]
fn a_descriptor_may_be_closed_after_mapping() {
    let file = File::open("Cargo.toml").unwrap();
    let mapping = from_descriptor(0, REST, PROT_READ, MAP_PRIVATE, descriptor_of(&file), 0).unwrap();
    drop(file);
    let text = read(&mapping, 0, mapping.length()).unwrap();
    assert_eq!(text, std::fs::read("Cargo.toml").unwrap());
}

#[test]
fn a_file_offset_need_not_be_a_multiple_of_a_page() {
    let bytes: Vec<u8> = (0..20_000u32).map(|i| (i % 251) as u8).collect();
    let file = file_of(&bytes);
    for offset in [1, 100, 4095, 4096, 4097, 12_345, 19_999] {
        let mapping = Mapping::from_path(&c(file.path()), REST, READ_WRITE, MAP_SHARED, offset as i64).unwrap();
        assert_eq!(mapping.length(), 20_000 - offset);
        assert_eq!(read(&mapping, 0, mapping.length()).unwrap(), bytes[offset..]);
        mapping.sync(MS_SYNC, 0, REST).unwrap();
        mapping.advise(MADV_RANDOM, 0, REST).unwrap();
        mapping.protect(PROT_READ, 0, REST).unwrap();
        assert_eq!(mapping.write(0, b"x").unwrap_err().code(), MMAP_WRAP_E_FAULT);
    }
    let end = Mapping::from_path(&c(file.path()), REST, PROT_READ, MAP_SHARED, 20_000).unwrap();
    assert_eq!(end.length(), 0);
    let beyond = Mapping::from_path(&c(file.path()), REST, PROT_READ, MAP_SHARED, 20_001);
    assert_eq!(beyond.unwrap_err().to_string(), "file offset 20001 lies beyond the 20000 bytes of the file");
}

#[test]
fn an_empty_file_gives_a_mapping_of_no_bytes() {
    let file = file_of(b"");
    let mapping = Mapping::from_path(&c(file.path()), REST, READ_WRITE, MAP_SHARED, 0).unwrap();
    assert_eq!(mapping.length(), 0);
    assert!(!mapping.address().is_null());
    mapping.sync(MS_SYNC, 0, REST).unwrap();
    mapping.protect(PROT_READ, 0, 0).unwrap();
    assert_eq!(mapping.find(b"", 0, REST), Ok(0));
    assert_eq!(mapping.find(b"x", 0, REST), Err(Error::NotFound.into()));
    assert_eq!(read(&mapping, 0, 1).unwrap_err().code(), MMAP_WRAP_E_RANGE);
    mapping.unmap().unwrap();
}

#[test]
#[cfg(unix)]
fn files_that_cannot_be_mapped_are_errors_with_the_code_of_the_system() {
    let missing = Mapping::from_path(c"no/such/file", REST, PROT_READ, MAP_SHARED, 0).unwrap_err();
    assert_eq!(missing.to_string(), "open 'no/such/file' for reading: No such file or directory (ENOENT)");
    assert_eq!(code(Mapping::from_path(c"src", REST, PROT_READ, MAP_SHARED, 0)), -i64::from(libc::EISDIR));
    assert_eq!(code(Mapping::from_path(c"src", 10, READ_WRITE, MAP_SHARED, 0)), -i64::from(libc::EISDIR));
    assert_eq!(code(from_descriptor(0, 10, PROT_READ, MAP_SHARED, 987_654, 0)), -i64::from(libc::EBADF));
    assert_eq!(code(from_descriptor(0, 10, PROT_READ, MAP_SHARED, -1, 0)), -i64::from(libc::EBADF));
    assert_eq!(code(from_descriptor(0, 10, PROT_READ, MAP_SHARED, 1 << 40, 0)), MMAP_WRAP_E_ARGUMENT);

    let write_only = File::create(file_of(b"x").path()).unwrap();
    let fd = descriptor_of(&write_only);
    assert_eq!(code(from_descriptor(0, 1, PROT_READ, MAP_SHARED, fd, 0)), -i64::from(libc::EACCES));
    let (socket, _other_end) = UnixStream::pair().unwrap();
    let fd = std::os::fd::AsRawFd::as_raw_fd(&socket).into();
    assert_eq!(code(from_descriptor(0, 1, PROT_READ, MAP_SHARED, fd, 0)), -i64::from(libc::ENODEV));
    assert_eq!(code(from_descriptor(0, REST, PROT_READ, MAP_SHARED, fd, 0)), -i64::from(libc::ENODEV));
}

#[test]
#[cfg(unix)]
fn a_fifo_is_an_error_without_waiting_for_its_other_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = c(&folder.path().join("fifo"));
    // SAFETY: the path ends in NUL.
    assert_eq!(unsafe { libc::mkfifo(path.as_ptr(), 0o600) }, 0);
    assert_eq!(code(Mapping::from_path(&path, 10, PROT_READ, MAP_SHARED, 0)), -i64::from(libc::ENODEV));
}

#[test]
fn invalid_arguments_are_errors_before_any_system_call() {
    let map = |len, prot, flags, offset| code(from_descriptor(0, len, prot, flags, -1, offset));
    assert_eq!(map(0, PROT_READ, ANONYMOUS, 0), MMAP_WRAP_E_ARGUMENT);
    assert_eq!(map(REST, PROT_READ, ANONYMOUS, 0), MMAP_WRAP_E_ARGUMENT);
    assert_eq!(map(-1, PROT_READ, ANONYMOUS, 0), MMAP_WRAP_E_RANGE);
    assert_eq!(map(10, PROT_READ, MAP_ANONYMOUS, 0), MMAP_WRAP_E_ARGUMENT, "neither shared nor private");
    assert_eq!(map(10, PROT_READ, ANONYMOUS, -4096), MMAP_WRAP_E_RANGE);
    assert_eq!(map(10, PROT_READ, ANONYMOUS, 4096), MMAP_WRAP_E_ARGUMENT);
    assert_eq!(map(10, 1 << 20, ANONYMOUS, 0), MMAP_WRAP_E_ARGUMENT);
    assert_eq!(map(10, -1, ANONYMOUS, 0), MMAP_WRAP_E_ARGUMENT);
    assert_eq!(map(10, PROT_READ, ANONYMOUS | 1 << 9, 0), MMAP_WRAP_E_ARGUMENT);
    assert_eq!(map(10, PROT_READ, ANONYMOUS | 1 << 40, 0), MMAP_WRAP_E_ARGUMENT);
    assert_eq!(map(1 << 62, PROT_READ, ANONYMOUS, 0), TOO_LONG);
    assert_eq!(map(i64::MAX, PROT_READ, ANONYMOUS, 0), TOO_LONG);
    let path = Mapping::from_path(c"Cargo.toml", 10, PROT_READ, ANONYMOUS, 0);
    assert_eq!(code(path), MMAP_WRAP_E_ARGUMENT);
}

#[test]
#[cfg(unix)]
fn a_fixed_address_is_used_and_must_be_aligned() {
    let room = anonymous(2 * page() as i64);
    let address = room.address().addr() + page();
    let fixed =
        |address, offset| from_descriptor(address, page() as i64, PROT_READ, MAP_PRIVATE | MAP_FIXED, cargo_toml(), offset);
    assert_eq!(fixed(address, 0).unwrap().address().addr(), address);
    assert_eq!(code(fixed(address + 1, 0)), MMAP_WRAP_E_ALIGNMENT);
    assert_eq!(code(fixed(address, 1)), MMAP_WRAP_E_ALIGNMENT);
    let occupied = from_descriptor(address - page(), 1, PROT_READ, ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    assert_eq!(code(occupied), -i64::from(libc::EEXIST));
}

#[cfg(unix)]
fn cargo_toml() -> i64 {
    use std::os::fd::IntoRawFd;
    File::open("Cargo.toml").unwrap().into_raw_fd().into()
}

#[test]
fn protection_advice_and_sync_follow_the_range_rules() {
    let (page, size) = (page() as i64, 2 * page() as i64);
    let memory = anonymous(size);
    type Call<'a> = &'a dyn Fn(i64, i64) -> mmap_wrap::internals::Result<()>;
    let calls: [(&str, Call); 3] = [
        ("protect", &|offset, size| memory.protect(READ_WRITE, offset, size)),
        ("advise", &|offset, size| memory.advise(MADV_NORMAL, offset, size)),
        ("sync", &|offset, size| memory.sync(MS_ASYNC, offset, size)),
    ];
    for (name, call) in calls {
        let beyond = size + 1;
        let error = call(beyond, 0).unwrap_err().to_string();
        assert_eq!(error, format!("offset {beyond} lies beyond {size} byte mapping"), "{name}");
        let error = call(page, size).unwrap_err().to_string();
        assert_eq!(error, format!("size {size} from offset {page} extends beyond {size} byte mapping"), "{name}");
        assert!(matches!(*call(1, i64::MAX).unwrap_err(), Error::WrapsAround { .. }), "{name}");
        assert!(matches!(*call(-1, 1).unwrap_err(), Error::Negative { .. }), "{name}");
        assert!(matches!(*call(0, -1).unwrap_err(), Error::Negative { .. }), "{name}");
        call(size, 0).unwrap();
        call(size, REST).unwrap();
        call(0, 0).unwrap();
        call(0, REST).unwrap();
        call(page, page).unwrap();
    }
    assert_eq!(memory.advise(12345, 0, REST).unwrap_err().code(), MMAP_WRAP_E_ARGUMENT);
    assert_eq!(memory.protect(1 << 10, 0, REST).unwrap_err().code(), MMAP_WRAP_E_ARGUMENT);
    assert_eq!(memory.sync(1 << 10, 0, REST).unwrap_err().code(), MMAP_WRAP_E_ARGUMENT);
    assert_eq!(memory.sync(MS_SYNC | MS_ASYNC, 0, REST).unwrap_err().code(), -i64::from(libc::EINVAL));
}

#[test]
fn discarding_never_discards_other_bytes_of_a_page() {
    let memory = anonymous(5000);
    let length = page() + 904;
    let private = from_descriptor(0, length as i64, READ_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0).unwrap();
    private.fill(0, 7, REST).unwrap();
    assert_eq!(private.advise(MADV_DONTNEED, 0, 100).unwrap_err().code(), MMAP_WRAP_E_ALIGNMENT);
    assert_eq!(private.advise(MADV_DONTNEED, 100, REST).unwrap_err().code(), MMAP_WRAP_E_ALIGNMENT);
    assert_eq!(read(&private, 0, length).unwrap(), vec![7; length]);
    private.advise(MADV_DONTNEED, page() as i64, REST).unwrap();
    assert_eq!(read(&private, 0, page()).unwrap(), vec![7; page()]);
    assert_eq!(read(&private, page() as i64, 904).unwrap(), [0; 904]);
    memory.advise(MADV_RANDOM, 100, 1).unwrap();
}

#[test]
fn protection_of_a_part_is_known_page_by_page() {
    let (bytes, page) = (page(), page() as i64);
    let memory = anonymous(3 * page);
    memory.fill(0, 1, REST).unwrap();
    memory.protect(PROT_NONE, page, page).unwrap();

    assert_eq!(read(&memory, 0, bytes).unwrap(), vec![1; bytes]);
    memory.write(2 * page, &vec![2; bytes]).unwrap();
    assert!(matches!(
        *read(&memory, page - 96, 200).unwrap_err(),
        Error::Fault { offset, done: 96, size: 200, cause: Cause::Protection, .. } if offset == bytes
    ));
    assert!(matches!(
        *memory.write(page, b"x").unwrap_err(),
        Error::Fault { offset, done: 0, size: 1, cause: Cause::Protection, .. } if offset == bytes
    ));
    assert!(matches!(
        *memory.fill(0, 3, REST).unwrap_err(),
        Error::Fault { offset, done, size, cause: Cause::Protection, .. } if (offset, done, size) == (bytes, bytes, 3 * bytes)
    ));
    assert!(matches!(
        *memory.find(&[2], 0, REST).unwrap_err(),
        Error::Fault { offset, done, size, cause: Cause::Protection, .. } if (offset, done, size) == (bytes, bytes, 3 * bytes)
    ));
    assert_eq!(memory.find(&[2], 2 * page, REST), Ok(2 * bytes));
    assert_eq!(memory.copy_within(2 * page, page, 10).unwrap_err().code(), MMAP_WRAP_E_FAULT);
    assert_eq!(memory.copy_within(2 * page, 0, page), Ok(bytes));

    memory.protect(READ_WRITE, 0, REST).unwrap();
    assert_eq!(read(&memory, page - 96, 200).unwrap()[96..], [1; 104]);
    assert_eq!(read(&memory, 2 * page, bytes).unwrap(), vec![3; bytes]);
}

#[test]
fn moving_allows_overlap_through_the_kernel_as_well_as_directly() {
    let size = 100_000usize;
    let bytes: Vec<u8> = (0..size).map(|i| (i % 253) as u8).collect();
    for (to, from, count) in [(0, 1, size - 1), (1, 0, size - 1), (50_000, 20_000, 50_000), (20_000, 50_000, 50_000), (7, 7, 100)]
    {
        let mut expected = bytes.clone();
        expected.copy_within(from..from + count, to);
        // A second mapping has an inaccessible page, so that accesses may fault and the kernel does them.
        for asks_the_kernel in [false, true] {
            let whole_pages = size.next_multiple_of(page()) as i64;
            let memory = anonymous(whole_pages + 1);
            memory.write(0, &bytes).unwrap();
            if asks_the_kernel {
                memory.protect(PROT_NONE, whole_pages, 1).unwrap();
            }
            assert_eq!(memory.copy_within(to as i64, from as i64, count as i64), Ok(count));
            assert!(read(&memory, 0, size).unwrap() == expected, "{to} {from} {count} {asks_the_kernel}");
        }
    }
}

#[test]
fn searching_finds_first_and_last_within_its_bounds() {
    let memory = anonymous(10_000);
    memory.write(100, b"needle").unwrap();
    memory.write(9_994, b"needle").unwrap();
    assert_eq!(memory.find(b"needle", 0, REST), Ok(100));
    assert_eq!(memory.find(b"needle", 101, REST), Ok(9_994));
    assert_eq!(memory.rfind(b"needle", 0, REST), Ok(9_994));
    assert_eq!(memory.rfind(b"needle", 0, 9_999), Ok(100));
    assert_eq!(memory.find(b"needle", 101, 9_999), Err(Error::NotFound.into()));
    assert_eq!(memory.find(b"", 5, 10), Ok(5));
    assert_eq!(memory.rfind(b"", 5, 10), Ok(10));
    assert_eq!(memory.find(b"x", 10, 5).unwrap_err(), Error::Backwards { start: 10, end: 5 }.into());
    assert_eq!(memory.find(b"x", 0, 10_001).unwrap_err().code(), MMAP_WRAP_E_RANGE);
    assert_eq!(memory.fill(0, 256, 1).unwrap_err().code(), MMAP_WRAP_E_ARGUMENT);
}

#[test]
#[cfg(unix)]
fn a_huge_page_is_unmapped_whole() {
    let huge = from_descriptor(0, 4096, READ_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
    let Ok(huge) = huge else {
        println!("skipped: no huge page in the pool (vm.nr_hugepages): {}", huge.unwrap_err());
        return;
    };
    assert!(huge.page_size() > 4096);
    let last = huge.address().wrapping_add(huge.page_size() - 1);
    assert_eq!(huge.length(), 4096);
    huge.unmap().unwrap();
    assert!(!is_mapped(last));
}

#[test]
fn no_failure_leaves_a_descriptor_or_a_mapping() {
    in_a_process_of_its_own("no_failure_leaves_a_descriptor_or_a_mapping", || {
        let file = file_of(&[1; 10_000]);
        let path = c(file.path());
        let attempt = || {
            Mapping::from_path(&path, 10, PROT_READ, MAP_SHARED, 10_001).unwrap_err();
            Mapping::from_path(&path, 0, PROT_READ, MAP_SHARED, 0).unwrap_err();
            Mapping::from_path(&path, 1 << 62, PROT_READ, MAP_SHARED, 0).unwrap_err();
            Mapping::from_path(c"src", REST, PROT_READ, MAP_SHARED, 0).unwrap_err();
            from_descriptor(0, 1 << 62, PROT_READ, ANONYMOUS, -1, 0).unwrap_err();
            drop(Mapping::from_path(&path, REST, READ_WRITE, MAP_SHARED, 5000).unwrap());
        };
        attempt();
        let before = (mappings(), descriptors());
        (0..1000).for_each(|_| attempt());
        assert_eq!((mappings(), descriptors()), before);
    });
}

#[test]
#[cfg(all(unix, target_arch = "x86_64"))]
fn a_mapping_can_be_in_the_lowest_gibibytes() {
    let low = from_descriptor(0, 4096, READ_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0).unwrap();
    assert!(low.address().addr() < 1 << 31);
    low.write(0, b"x").unwrap();
}

#[test]
#[cfg(unix)]
fn droppable_memory_is_memory_as_long_as_there_is_enough() {
    match from_descriptor(0, 4096, READ_WRITE, MAP_DROPPABLE | MAP_ANONYMOUS, -1, 0) {
        Ok(memory) => {
            memory.write(0, b"x").unwrap();
            assert!([b"x", b"\0"].contains(&&<[u8; 1]>::try_from(read(&memory, 0, 1).unwrap()).unwrap()));
        }
        Err(error) if error.code() == -i64::from(libc::EINVAL) => println!("skipped: this kernel has no MAP_DROPPABLE: {error}"),
        Err(error) => panic!("{error}"),
    }
}

#[test]
#[cfg(target_os = "linux")]
fn advice_about_core_dumps_and_children_is_in_proc_smaps() {
    let memory = from_descriptor(0, 4096, READ_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0).unwrap();
    let hex = |text: &str| usize::from_str_radix(text, 16);
    let holds = |line: &str| {
        let range = line.split(' ').next().and_then(|range| range.split_once('-'));
        range.is_some_and(|(start, end)| {
            let (Ok(start), Ok(end)) = (hex(start), hex(end)) else { return false };
            (start..end).contains(&memory.address().addr())
        })
    };
    let marks = || {
        let smaps = std::fs::read_to_string("/proc/self/smaps").unwrap();
        let ours = smaps.lines().skip_while(|line| !holds(line));
        ours.into_iter().find_map(|line| line.strip_prefix("VmFlags:")).unwrap().to_owned()
    };
    assert!(!marks().contains("dd") && !marks().contains("wf"));
    memory.advise(MADV_DONTDUMP, 0, REST).unwrap();
    memory.advise(MADV_WIPEONFORK, 0, REST).unwrap();
    // The kernel sets this flag for accounted memory; an emulator may have a list of its own.
    if marks().contains("ac") {
        assert!(marks().contains("dd") && marks().contains("wf"), "{}", marks());
    } else {
        println!("skipped: the flags in /proc/self/smaps are not the kernel's: {}", marks());
    }
    memory.write(0, b"secret").unwrap();
    assert_eq!(common::forked(|| i32::from(read(&memory, 0, 6).unwrap() != [0; 6])), 0);
    assert_eq!(read(&memory, 0, 6).unwrap(), b"secret");
    memory.advise(MADV_DODUMP, 0, REST).unwrap();
    memory.advise(MADV_KEEPONFORK, 0, REST).unwrap();
    assert!(!marks().contains("dd") && !marks().contains("wf"));
}
