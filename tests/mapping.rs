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
