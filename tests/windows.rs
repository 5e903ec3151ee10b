//! What is special on Windows: sections, views and their 64 KiB, handles, exceptions. Run on Windows, or under wine.
#![cfg(windows)]
#![allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap, clippy::cast_sign_loss, reason = "small numbers")]

mod common;

use common::{READ_WRITE, abi, descriptors, from_descriptor, in_a_process_of_its_own, is_free, mappings, read};
use mmap_wrap::internals::constants::*;
use mmap_wrap::internals::error::*;
use mmap_wrap::internals::mapping::{FileEnd, KEEP, Name, OpenRequest, Waited};
use mmap_wrap::internals::range::REST;
use mmap_wrap::internals::registry::{self, Handle};
use mmap_wrap::internals::{Mapping, Result, raw};
use std::ffi::{CStr, CString};
use std::fs::{self, OpenOptions};
use std::io::{BufRead, BufReader, Read};
use std::os::windows::fs::OpenOptionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use windows_sys::Win32::Storage::FileSystem::FILE_SHARE_READ;
use windows_sys::Win32::System::Diagnostics::Debug::RaiseException;
use windows_sys::Win32::System::LibraryLoader::{GetModuleHandleW, GetProcAddress};
use windows_sys::Win32::System::Memory::{PAGE_NOACCESS, VirtualProtect};

const PAGE: usize = 4096;
const PRIVATE: i64 = MAP_PRIVATE | MAP_ANONYMOUS;
const SIZE: usize = 200_000;

fn pattern(at: usize) -> u8 {
    (at * 7 + at / 251) as u8
}

fn contents() -> Vec<u8> {
    (0..SIZE).map(pattern).collect()
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Folder {
        Folder(tempfile::tempdir().unwrap())
    }

    /// A file with the pattern.
    fn file(&self, name: &str) -> CString {
        fs::write(self.0.path().join(name), contents()).unwrap();
        self.path(name)
    }

    fn path(&self, name: &str) -> CString {
        text(&self.0.path().join(name))
    }
}

fn text(path: &Path) -> CString {
    CString::new(path.to_str().unwrap()).unwrap()
}

fn plain(path: &CStr) -> &Path {
    Path::new(path.to_str().unwrap())
}

fn open(path: &CStr, flags: i64, size: i64, map_flags: i64) -> Result<Mapping> {
    let prot = if flags & O_RDWR != 0 { READ_WRITE } else { PROT_READ };
    Mapping::open(OpenRequest { name: Name::Path(path), flags, mode: 0o644, size, allocate: false }, REST, prot, map_flags, 0)
}

fn is_the_files(mapping: &Mapping, offset: usize) {
    let found = read(mapping, 0, mapping.length()).unwrap();
    assert!(found.iter().enumerate().all(|(at, byte)| *byte == pattern(offset + at)));
}

#[test]
fn a_file_is_mapped_from_any_offset_to_its_end() {
    let folder = Folder::new();
    let path = folder.file("книга 书.bin");
    for offset in [0, 1, 4095, 4096, 65_535, 65_536, 70_001, 131_072, SIZE - 1] {
        for (prot, flags) in [(PROT_READ, MAP_SHARED), (READ_WRITE, MAP_SHARED), (READ_WRITE, MAP_PRIVATE)] {
            let mapping = Mapping::from_path(&path, REST, prot, flags, offset as i64).unwrap();
            assert_eq!(mapping.length(), SIZE - offset);
            is_the_files(&mapping, offset);
        }
        let few = Mapping::from_path(&path, 1, PROT_READ, MAP_SHARED, offset as i64).unwrap();
        is_the_files(&few, offset);
    }
    assert_eq!(Mapping::from_path(&path, REST, PROT_READ, MAP_SHARED, SIZE as i64).unwrap().length(), 0);
    let beyond = Mapping::from_path(&path, REST, PROT_READ, MAP_SHARED, SIZE as i64 + 1).unwrap_err();
    assert_eq!(beyond.code(), MMAP_WRAP_E_RANGE, "{beyond}");
}

#[test]
fn shared_stores_reach_the_file_and_private_ones_do_not() {
    let folder = Folder::new();
    let path = folder.file("stores");
    let shared = Mapping::from_path(&path, REST, READ_WRITE, MAP_SHARED, 70_001).unwrap();
    let private = Mapping::from_path(&path, REST, READ_WRITE, MAP_PRIVATE, 0).unwrap();
    private.write(5, b"mine").unwrap();
    shared.write(3, b"ours").unwrap();
    shared.write((SIZE - 70_001 - 4) as i64, b"last").unwrap();
    shared.sync(MS_SYNC, 0, REST).unwrap();
    shared.sync(MS_ASYNC, 100, 10).unwrap();
    private.sync(MS_SYNC, 0, REST).unwrap();
    assert_eq!(shared.sync(MS_SYNC | MS_ASYNC, 0, REST).unwrap_err().code(), Errno::EINVAL.code());
    let now = fs::read(plain(&path)).unwrap();
    assert_eq!((&now[70_004..70_008], &now[SIZE - 4..]), (&b"ours"[..], &b"last"[..]));
    assert_eq!(now[5..9], contents()[5..9]);
    assert_eq!(read(&private, 5, 4).unwrap(), b"mine");
    assert_eq!(read(&private, 70_004, 4).unwrap(), b"ours", "a page that was not stored to is the file's");
}

#[test]
fn no_mapping_goes_beyond_the_end_of_its_file() {
    let folder = Folder::new();
    let path = folder.file("end");
    for (len, offset) in [(SIZE as i64 + 1, 0), (2, SIZE as i64 - 1), (i64::MAX, 1)] {
        let refused = Mapping::from_path(&path, len, PROT_READ, MAP_SHARED, offset).unwrap_err();
        assert_eq!(refused.code(), MMAP_WRAP_E_RANGE, "{refused}");
    }
    assert_eq!(fs::metadata(plain(&path)).unwrap().len(), SIZE as u64, "a section would have made it longer");
}

#[test]
fn an_empty_file_is_an_empty_mapping() {
    let folder = Folder::new();
    let path = folder.path("empty");
    fs::write(plain(&path), b"").unwrap();
    let mapping = Mapping::from_path(&path, REST, PROT_READ, MAP_SHARED, 0).unwrap();
    assert_eq!(mapping.length(), 0);
    assert_eq!(mapping.read(0, &mut [0][..]).unwrap_err().code(), MMAP_WRAP_E_RANGE);
}

#[test]
fn paths_may_be_long_and_must_be_utf_8() {
    let folder = Folder::new();
    let mut deep = folder.0.path().to_path_buf();
    while deep.as_os_str().len() < 400 {
        deep.push("a folder with a name of forty characters");
    }
    fs::create_dir_all(&deep).unwrap();
    let path = text(&deep.join("file"));
    let made = open(&path, O_RDWR | O_CREAT | O_EXCL, 10, MAP_SHARED).unwrap();
    made.write(0, b"0123456789").unwrap();
    drop(made);
    assert_eq!(read(&Mapping::from_path(&path, REST, PROT_READ, MAP_SHARED, 0).unwrap(), 0, 10).unwrap(), b"0123456789");
    let refused = Mapping::from_path(c"caf\xE9", REST, PROT_READ, MAP_SHARED, 0).unwrap_err();
    assert_eq!(refused.code(), Errno::EILSEQ.code(), "{refused}");
}

#[test]
fn an_error_has_the_number_the_text_and_the_code_of_the_system() {
    let folder = Folder::new();
    let is = |path: &CStr, errno: Errno, code: &str| {
        let refused = Mapping::from_path(path, REST, PROT_READ, MAP_SHARED, 0).unwrap_err();
        assert_eq!(refused.code(), errno.code(), "{refused}");
        assert!(refused.to_string().contains(code), "{refused}");
        // The number alone, from C; 0 if the library found the error.
        assert_eq!(abi::mmap_path_wrap(path.as_ptr(), REST, PROT_READ, MAP_SHARED, 0), errno.code());
        let number = code.split_once("Windows error ").map_or(0, |(_, code)| code.trim_end_matches(')').parse().unwrap());
        assert_eq!(abi::mmap_wrap_last_error_system_code(), number, "{refused}");
    };
    is(&folder.path("no such file"), Errno::ENOENT, "(ENOENT, Windows error 2)");
    is(&folder.path("no such folder/file"), Errno::ENOENT, "(ENOENT, Windows error 3)");
    is(&text(folder.0.path()), Errno::EISDIR, "(EISDIR)");
    is(c"", Errno::ENOENT, "(ENOENT, Windows error 3)");
    is(c"NUL", Errno::ENODEV, "cannot be mapped");
    is(c"\\\\.\\pipe\\nothing", Errno::ENODEV, "cannot be mapped");
    is(&folder.path("a?b"), Errno::EINVAL, "Windows error 123");
    let path = folder.file("taken");
    let taken = OpenOptions::new().read(true).share_mode(0).open(plain(&path)).unwrap();
    is(&path, Errno::EACCES, "(EACCES, Windows error 32)");
    drop(taken);
    Mapping::from_path(&path, REST, PROT_READ, MAP_SHARED, 0).unwrap();
    let error = mmap_wrap::Mapping::open(folder.0.path().join("nothing")).unwrap_err();
    assert_eq!((error.raw_os_error(), std::io::Error::from(error).kind()), (Some(2), std::io::ErrorKind::NotFound));
}

#[test]
fn a_descriptor_is_a_handle() {
    let folder = Folder::new();
    let path = folder.file("handle");
    let file = fs::File::open(plain(&path)).unwrap();
    let mapping = from_descriptor(0, REST, PROT_READ, MAP_SHARED, raw(&file), 0).unwrap();
    drop(file);
    is_the_files(&mapping, 0);
    for no_handle in [-1, 0, 0x7FFF_FFF0, i64::MAX, i64::MIN] {
        let refused = from_descriptor(0, REST, PROT_READ, MAP_SHARED, no_handle, 0).unwrap_err();
        assert_eq!(refused.code(), Errno::EBADF.code(), "{no_handle}: {refused}");
    }
    // A handle for reading gives no mapping for writing.
    let file = fs::File::open(plain(&path)).unwrap();
    let refused = from_descriptor(0, REST, READ_WRITE, MAP_SHARED, raw(&file), 0).unwrap_err();
    assert_eq!(refused.code(), Errno::EACCES.code(), "{refused}");
    assert!(refused.to_string().contains(" of handle "), "{refused}");
    let read_only = from_descriptor(0, REST, PROT_READ, MAP_SHARED, raw(&file), 0).unwrap();
    assert_eq!(read_only.protect(READ_WRITE, 0, REST).unwrap_err().code(), Errno::EACCES.code());
    let private = from_descriptor(0, REST, READ_WRITE, MAP_PRIVATE, raw(&file), 0).unwrap();
    private.fill(0, 1, REST).unwrap();
}

#[test]
fn every_access_to_protected_pages_is_a_fault_at_the_exact_byte() {
    let folder = Folder::new();
    let path = folder.file("protected");
    let maps: [fn(&CStr) -> Mapping; 3] = [
        |_| Mapping::anonymous(3 * PAGE as i64, READ_WRITE, PRIVATE).unwrap(),
        |path| Mapping::from_path(path, 3 * PAGE as i64, READ_WRITE, MAP_SHARED, 0).unwrap(),
        |path| Mapping::from_path(path, 3 * PAGE as i64, READ_WRITE, MAP_PRIVATE, 0).unwrap(),
    ];
    for map in maps {
        let memory = map(&path);
        memory.fill(0, 7, REST).unwrap();
        memory.protect(PROT_NONE, PAGE as i64, PAGE as i64).unwrap();
        let at = PAGE as i64 - 100;
        let is = |refused: Box<Error>, done: usize| {
            assert!(
                matches!(*refused, Error::Fault { offset: PAGE, done: d, cause: Cause::Protection, .. } if d == done),
                "{refused}"
            );
        };
        is(memory.read(at, &mut [0; 200][..]).unwrap_err(), 100);
        is(memory.write(at, &[9; 200][..]).unwrap_err(), 100);
        is(memory.fill(at, 9, 200).unwrap_err(), 100);
        is(memory.find(b"\x08", at, REST).unwrap_err(), 100);
        is(memory.find(b"\x07\x08", at, REST).unwrap_err(), 100);
        is(memory.atomic_add(64, PAGE as i64, 1).unwrap_err(), 0);
        memory.protect(PROT_READ, 0, REST).unwrap();
        assert_eq!(memory.find(&[9; 100], 0, REST).unwrap(), PAGE - 100);
        is(memory.write(PAGE as i64, b"x").unwrap_err(), 0);
        memory.protect(READ_WRITE, 0, REST).unwrap();
        memory.write(PAGE as i64, b"x").unwrap();
        memory.guard(true, PAGE as i64, PAGE as i64).unwrap();
        let refused = memory.read(PAGE as i64, &mut [0][..]).unwrap_err();
        assert!(matches!(*refused, Error::Fault { offset: PAGE, done: 0, cause: Cause::Guard, .. }), "{refused}");
        memory.guard(false, PAGE as i64, PAGE as i64).unwrap();
        memory.read(PAGE as i64, &mut [0][..]).unwrap();
    }
}

#[test]
fn threads_that_fault_at_once_are_all_repaired() {
    let memory = Mapping::anonymous(2 * PAGE as i64, READ_WRITE, PRIVATE).unwrap();
    memory.protect(PROT_NONE, PAGE as i64, REST).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for size in 0..2000_usize {
                    let size = size % 300 + 1;
                    let refused = memory.read((PAGE - size) as i64, &mut vec![0; size + 1][..]).unwrap_err();
                    assert!(matches!(*refused, Error::Fault { offset: PAGE, done, .. } if done == size), "{refused}");
                }
            });
        }
    });
}

#[test]
fn a_fault_elsewhere_in_the_process_is_not_repaired() {
    const MARK: &str = "MMAP_WRAP_TEST_FAULT";
    if std::env::var_os(MARK).is_some() {
        let memory = Mapping::anonymous(1, PROT_NONE, PRIVATE).unwrap();
        assert!(memory.read(0, &mut [0][..]).is_err());
        // SAFETY: none: it is to end the process.
        unsafe { memory.address().write_volatile(1) };
        std::process::exit(0);
    }
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "a_fault_elsewhere_in_the_process_is_not_repaired"])
        .env(MARK, "1")
        .output()
        .unwrap()
        .status;
    assert_eq!(status.code().map(|code| code as u32), Some(0xC000_0005));
}

#[test]
fn files_are_made_sized_and_cut() {
    let folder = Folder::new();
    let path = folder.path("made");
    let length = || fs::metadata(plain(&path)).unwrap().len();
    drop(open(&path, O_RDWR | O_CREAT | O_EXCL, 10_000, MAP_SHARED).unwrap());
    assert_eq!(length(), 10_000);
    let refused = open(&path, O_RDWR | O_CREAT | O_EXCL, 10, MAP_SHARED).unwrap_err();
    assert_eq!(refused.code(), Errno::EEXIST.code(), "{refused}");
    let mapping = open(&path, O_RDWR | O_CREAT, 20_000, MAP_SHARED).unwrap();
    mapping.write(19_999, b"x").unwrap();
    let refused = open(&path, O_RDWR, 5, MAP_SHARED).unwrap_err();
    assert_eq!(refused.code(), Errno::EBUSY.code(), "a mapped file cannot be cut: {refused}");
    drop(mapping);
    assert_eq!(open(&path, O_RDWR, 5, MAP_SHARED).unwrap().length(), 5);
    assert_eq!(length(), 5);
    drop(open(&path, O_RDWR | O_TRUNC, 3, MAP_SHARED).unwrap());
    assert_eq!(fs::read(plain(&path)).unwrap(), [0; 3]);
    for flags in [O_SYNC, O_DSYNC, O_DIRECT] {
        drop(open(&path, O_RDWR | flags, 8192, MAP_SHARED).unwrap());
    }
    let allocated = OpenRequest { name: Name::Path(&path), flags: O_RDWR, mode: 0, size: 1 << 20, allocate: true };
    match Mapping::open(allocated, REST, READ_WRITE, MAP_SHARED, 0) {
        Ok(mapping) => assert_eq!(mapping.length(), 1 << 20),
        Err(error) if error.code() == MMAP_WRAP_E_UNSUPPORTED => println!("skipped: {error}"),
        Err(error) => panic!("{error}"),
    }
    let read_only = folder.path("read only");
    let made = OpenRequest { name: Name::Path(&read_only), flags: O_RDWR | O_CREAT, mode: 0o444, size: 10, allocate: false };
    Mapping::open(made, REST, READ_WRITE, MAP_SHARED, 0).unwrap().write(0, b"x").unwrap();
    assert!(fs::metadata(plain(&read_only)).unwrap().permissions().readonly());
    // What fails leaves nothing behind.
    let path = folder.path("left behind");
    open(&path, O_RDWR | O_CREAT, 10, MAP_SHARED).map(drop).unwrap();
    fs::remove_file(plain(&path)).unwrap();
    let open = OpenRequest { name: Name::Path(&path), flags: O_RDWR | O_CREAT, mode: 0o600, size: 10, allocate: false };
    Mapping::open(open, 11, READ_WRITE, MAP_SHARED, 0).unwrap_err();
    assert!(!plain(&path).exists());
}

#[test]
fn memory_is_resized_with_its_contents() {
    let mut memory = Mapping::anonymous(100, READ_WRITE, PRIVATE).unwrap();
    memory.write(90, b"0123456789").unwrap();
    memory.resize(1 << 20, MREMAP_MAYMOVE, FileEnd::Stays).unwrap();
    assert_eq!(memory.find(b"0123456789", 0, REST).unwrap(), 90);
    memory.write((1 << 20) - 1, b"x").unwrap();
    memory.resize(PAGE as i64, 0, FileEnd::Stays).unwrap();
    assert_eq!(memory.find(b"0123456789", 0, REST).unwrap(), 90);
    assert_eq!(memory.resize(1 << 20, 0, FileEnd::Stays).unwrap_err().code(), MMAP_WRAP_E_UNSUPPORTED);
}

#[test]
fn a_file_is_resized_with_its_mapping() {
    let folder = Folder::new();
    let path = folder.file("resized");
    let mut mapping = open(&path, O_RDWR, REST, MAP_SHARED | KEEP).unwrap();
    for length in [SIZE + 1, SIZE + 100_000, SIZE, 70_000, 10, 20, 3 << 20] {
        mapping.resize(length as i64, MREMAP_MAYMOVE, FileEnd::Follows).unwrap();
        assert_eq!((mapping.length(), mapping.file_size().unwrap()), (length, length as u64));
        assert_eq!(read(&mapping, 0, 9).unwrap(), contents()[..9]);
        mapping.write(length as i64 - 1, b"e").unwrap();
        mapping.sync(MS_SYNC, 0, REST).unwrap();
        assert_eq!(fs::read(plain(&path)).unwrap()[length - 1], b'e');
    }
    let other = Mapping::from_path(&path, REST, PROT_READ, MAP_SHARED, 0).unwrap();
    let refused = mapping.resize(10, MREMAP_MAYMOVE, FileEnd::Follows).unwrap_err();
    assert_eq!(refused.code(), Errno::EBUSY.code(), "{refused}");
    assert_eq!((mapping.length(), other.length()), (3 << 20, 3 << 20));
    mapping.write((3 << 20) - 1, b"z").unwrap();
    assert_eq!(read(&other, (3 << 20) - 1, 1).unwrap(), b"z");
}

#[test]
fn a_mapping_is_split_and_its_parts_go_one_by_one() {
    let folder = Folder::new();
    let path = folder.file("split");
    let mut view = Mapping::from_path(&path, REST, READ_WRITE, MAP_SHARED, 4096).unwrap();
    let mut memory = Mapping::anonymous((SIZE - PAGE) as i64, READ_WRITE, PRIVATE).unwrap();
    memory.write(0, &contents()[PAGE..]).unwrap();
    for mapping in [&mut view, &mut memory] {
        mapping.protect(PROT_READ, 8 * PAGE as i64, PAGE as i64).unwrap();
        let address = mapping.address();
        let middle = mapping.split_off(5 * PAGE as i64).unwrap();
        is_the_files(mapping, PAGE);
        is_the_files(&middle, 6 * PAGE);
        assert_eq!(middle.address().addr(), address.addr() + 5 * PAGE);
        assert!(middle.write(3 * PAGE as i64, b"x").is_err(), "the protection stays");
        middle.write(2 * PAGE as i64, &contents()[8 * PAGE..9 * PAGE]).unwrap();
        let mut middle = middle;
        let last = middle.split_off(20 * PAGE as i64).unwrap();
        let (at_middle, at_last) = (middle.address(), last.address());
        middle.unmap().unwrap();
        is_the_files(mapping, PAGE);
        is_the_files(&last, 26 * PAGE);
        last.unmap().unwrap();
        is_the_files(mapping, PAGE);
        let _ = (at_middle, at_last);
    }
    let mut private = Mapping::from_path(&path, REST, READ_WRITE, MAP_PRIVATE, 0).unwrap();
    assert_eq!(private.split_off(PAGE as i64).unwrap_err().code(), MMAP_WRAP_E_UNSUPPORTED);
    is_the_files(&private, 0);
}

#[test]
fn a_split_allocation_goes_with_its_last_part() {
    in_a_process_of_its_own("a_split_allocation_goes_with_its_last_part", || {
        for first_goes_first in [true, false] {
            let mut first = Mapping::anonymous(40 * PAGE as i64, READ_WRITE, PRIVATE).unwrap();
            let address = first.address().cast_const();
            let second = first.split_off(20 * PAGE as i64).unwrap();
            let (one, other) = if first_goes_first { (first, second) } else { (second, first) };
            one.unmap().unwrap();
            other.fill(0, 1, REST).unwrap();
            other.unmap().unwrap();
            assert!(is_free(address));
        }
    });
}

#[test]
fn advice_discards_and_keeps_what_it_should() {
    let folder = Folder::new();
    let path = folder.file("advice");
    let memory = Mapping::anonymous(4 * PAGE as i64, READ_WRITE, PRIVATE).unwrap();
    memory.fill(0, 7, REST).unwrap();
    memory.advise(MADV_WILLNEED, 0, REST).unwrap();
    memory.advise(MADV_NORMAL, 0, REST).unwrap();
    memory.advise(MADV_DONTNEED, PAGE as i64, PAGE as i64).unwrap();
    let found = read(&memory, 0, 4 * PAGE).unwrap();
    assert!(found.iter().enumerate().all(|(at, byte)| *byte == if at / PAGE == 1 { 0 } else { 7 }));
    memory.advise(MADV_FREE, 0, REST).unwrap();
    memory.fill(0, 8, REST).unwrap();
    memory.advise(MADV_PAGEOUT, 0, REST).unwrap();
    assert_eq!(memory.find(b"\x07", 0, REST).unwrap_err().code(), MMAP_WRAP_E_NOT_FOUND);
    let shared = Mapping::from_path(&path, REST, READ_WRITE, MAP_SHARED, 0).unwrap();
    shared.write(0, b"kept").unwrap();
    shared.advise(MADV_DONTNEED, 0, REST).unwrap();
    shared.advise(MADV_WILLNEED, 0, REST).unwrap();
    assert_eq!(read(&shared, 0, 4).unwrap(), b"kept");
    shared.page_out(0, REST).unwrap_or_else(|error| assert_eq!(error.code(), MMAP_WRAP_E_UNSUPPORTED, "{error}"));
    let private = Mapping::from_path(&path, REST, READ_WRITE, MAP_PRIVATE, 0).unwrap();
    assert_eq!(private.advise(MADV_DONTNEED, 0, REST).unwrap_err().code(), Errno::EINVAL.code());
    assert_eq!(memory.advise(12, 0, REST).unwrap_err().code(), MMAP_WRAP_E_ARGUMENT);
}

#[test]
fn pages_are_locked_prefaulted_and_counted() {
    let memory = Mapping::anonymous(64 * PAGE as i64, READ_WRITE, PRIVATE).unwrap();
    assert_eq!(memory.resident_bytes(0, REST).unwrap(), 0);
    assert_eq!(memory.prefault(true, 0, 32 * PAGE as i64).unwrap(), 32 * PAGE);
    assert_eq!(memory.resident_bytes(0, REST).unwrap(), 32 * PAGE);
    let mut pages = [9; 64];
    assert_eq!(memory.mincore(&mut pages[..], 0, REST).unwrap(), 64);
    assert!(pages.iter().enumerate().all(|(page, there)| *there == u8::from(page < 32)));
    memory.lock(0, 0, 40 * PAGE as i64).unwrap();
    assert_eq!(memory.resident_bytes(0, REST).unwrap(), 40 * PAGE);
    memory.unlock(0, REST).unwrap();
    memory.unlock(0, REST).unwrap();
    let large = Mapping::anonymous(16 << 20, READ_WRITE, PRIVATE).unwrap();
    large.lock(0, 0, REST).unwrap();
    let read_only = Mapping::anonymous(PAGE as i64, PROT_READ, PRIVATE).unwrap();
    assert!(matches!(*read_only.prefault(true, 5, 1).unwrap_err(), Error::Fault { offset: 5, done: 0, .. }));
}

#[test]
fn addresses_can_be_aligned_or_fixed_where_nothing_is() {
    let folder = Folder::new();
    let path = folder.file("fixed");
    for alignment in [1, PAGE, 1 << 16, 1 << 21] {
        let memory = common::aligned(alignment as i64, 100, READ_WRITE, PRIVATE, -1, 0).unwrap();
        assert_eq!(memory.address().addr() % alignment, 0);
        memory.fill(0, 1, REST).unwrap();
        let file = fs::File::open(plain(&path)).unwrap();
        let view = common::aligned(alignment as i64, REST, PROT_READ, MAP_SHARED, raw(&file), 0).unwrap();
        assert_eq!(view.address().addr() % alignment, 0);
        is_the_files(&view, 0);
    }
    // Below 64 KiB also from an offset within the 64 KiB.
    let file = fs::File::open(plain(&path)).unwrap();
    for (alignment, offset) in [(8192, 8192), (8192, 8200), (1 << 15, 98_304), (1 << 16, 131_072), (1 << 20, 65_536)] {
        let view = common::aligned(alignment, REST, PROT_READ, MAP_SHARED, raw(&file), offset).unwrap();
        assert_eq!(view.address().addr() as i64 % alignment, offset % PAGE as i64);
        is_the_files(&view, offset as usize);
    }
    let place = Mapping::anonymous(1 << 20, PROT_NONE, PRIVATE).unwrap();
    let address = place.address().addr();
    for flag in [MAP_FIXED, MAP_FIXED_NOREPLACE] {
        let refused = from_descriptor(address, 100, READ_WRITE, PRIVATE | flag, -1, 0).unwrap_err();
        assert_eq!(refused.code(), Errno::EEXIST.code(), "{refused}");
    }
    drop(place);
    let fixed = from_descriptor(address, 100, READ_WRITE, PRIVATE | MAP_FIXED, -1, 0).unwrap();
    assert_eq!(fixed.address().addr(), address);
}

#[test]
fn threads_wait_and_wake() {
    let h = registry::insert(|| Mapping::anonymous(PAGE as i64, READ_WRITE, PRIVATE)).unwrap();
    let woken = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while registry::with(h, |memory| memory.atomic_load(32, 8)).unwrap() == 0 {
                    if registry::wait(h, 8, 0, REST).unwrap() == Waited::Woken {
                        woken.fetch_add(1, SeqCst);
                    }
                }
            });
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
        registry::with(h, |memory| memory.atomic_store(32, 8, 1)).unwrap();
        let count = registry::with(h, |memory| memory.wake(8, REST)).unwrap();
        assert!(count <= 3);
    });
    let timed_out = registry::wait(h, 8, 1, 20_000_000).unwrap_err();
    assert_eq!(timed_out.code(), Errno::ETIMEDOUT.code(), "{timed_out}");
    assert_eq!(registry::wait(h, 8, 7, REST).unwrap(), Waited::Different);
    let waiter = std::thread::spawn(move || registry::wait(h, 8, 1, REST));
    std::thread::sleep(std::time::Duration::from_millis(50));
    registry::unmap(h).unwrap();
    assert_eq!(waiter.join().unwrap().unwrap_err().code(), MMAP_WRAP_E_UNMAPPED);
    let file = Mapping::from_unnamed(100, READ_WRITE, MAP_SHARED).unwrap();
    assert_eq!(file.wait(0, 0, 1).unwrap_err().code(), MMAP_WRAP_E_UNSUPPORTED);
}

#[test]
fn words_are_changed_by_threads_without_a_loss() {
    let memory = Mapping::from_unnamed(PAGE as i64, READ_WRITE, MAP_SHARED).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                (0..10_000).for_each(|_| {
                    memory.atomic_add(64, 16, 1).unwrap();
                })
            });
        }
    });
    assert_eq!(memory.atomic_load(64, 16).unwrap(), 40_000);
    assert_eq!(memory.atomic_compare_exchange(32, 16, 40_000, 5).unwrap(), Ok(40_000));
}

fn shm(name: &CStr, flags: i64, size: i64) -> Result<Mapping> {
    let open = OpenRequest { name: Name::SharedMemory(name), flags, mode: 0o600, size, allocate: false };
    Mapping::open(open, REST, READ_WRITE, MAP_SHARED, 0)
}

#[test]
fn processes_share_named_memory() {
    const MARK: &str = "MMAP_WRAP_TEST_NAME";
    if let Ok(name) = std::env::var(MARK) {
        let memory = shm(&CString::new(name).unwrap(), O_RDWR, REST).unwrap();
        assert_eq!(memory.length(), 2 * PAGE);
        memory.atomic_add(64, 0, 1).unwrap();
        return;
    }
    let name = CString::new(format!("/mmap-wrap-test-{}", std::process::id())).unwrap();
    assert_eq!(shm(&name, O_RDWR, REST).unwrap_err().code(), Errno::ENOENT.code());
    let memory = shm(&name, O_RDWR | O_CREAT | O_EXCL, 5000).unwrap();
    assert_eq!(shm(&name, O_RDWR | O_CREAT | O_EXCL, 5000).unwrap_err().code(), Errno::EEXIST.code());
    let cut = shm(&name, O_RDWR | O_CREAT | O_TRUNC, 5000).unwrap_err();
    assert_eq!(cut.code(), MMAP_WRAP_E_UNSUPPORTED, "it keeps its bytes");
    let second = shm(&name, O_RDWR | O_CREAT, 5000).unwrap();
    memory.atomic_store(64, 0, 41).unwrap();
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "processes_share_named_memory"])
        .env(MARK, name.to_str().unwrap())
        .status()
        .unwrap();
    assert!(child.success());
    assert_eq!(second.atomic_load(64, 0).unwrap(), 42);
    assert_eq!(shm(&name, O_RDWR, 1 << 20).unwrap_err().code(), MMAP_WRAP_E_UNSUPPORTED, "it keeps its size");
    drop((memory, second));
    assert_eq!(shm(&name, O_RDWR, REST).unwrap_err().code(), Errno::ENOENT.code(), "it went with its last mapping");
    assert!(shm(c"/a/b", O_RDWR | O_CREAT, 100).is_err());
    drop(shm(&name, O_RDWR | O_CREAT | O_TRUNC, 5000).unwrap());
}

#[test]
fn a_file_without_a_name_goes_with_its_last_handle() {
    let mut memory = Mapping::from_unnamed(100, READ_WRITE, MAP_SHARED).unwrap();
    memory.write(0, b"one").unwrap();
    let handle = memory.descriptor().unwrap();
    let second = from_descriptor(0, REST, PROT_READ, MAP_SHARED, raw(&handle), 0).unwrap();
    assert_eq!(read(&second, 0, 3).unwrap(), b"one");
    drop(second);
    memory.resize(100_000, MREMAP_MAYMOVE, FileEnd::Follows).unwrap();
    memory.write(99_999, b"x").unwrap();
    assert_eq!(memory.file_size().unwrap(), 100_000);
}

/// Whether this is wine, which maps a view in two steps: for a moment its pages are zeroed memory that can be read.
fn is_wine() -> bool {
    let name: Vec<u16> = "ntdll.dll\0".encode_utf16().collect();
    // SAFETY: the module is part of every process.
    unsafe { GetProcAddress(GetModuleHandleW(name.as_ptr()), c"wine_get_version".as_ptr().cast()).is_some() }
}

/// What the system does when the page of an address cannot be read in.
fn cannot_be_read_in(address: *const u8) {
    const IN_PAGE_ERROR: u32 = 0xC000_0006;
    const IO_DEVICE_ERROR: usize = 0xC000_0185;
    let facts = [0, address.addr(), IO_DEVICE_ERROR];
    let mut before = 0;
    let page = (address.addr() & !(PAGE - 1)) as *const _;
    // SAFETY: a page of the test's, which nothing else uses.
    assert_ne!(unsafe { VirtualProtect(page, PAGE, PAGE_NOACCESS, &mut before) }, 0);
    // SAFETY: the handler returns to here.
    unsafe { RaiseException(IN_PAGE_ERROR, 0, 3, facts.as_ptr()) };
}

#[test]
fn a_surviving_mapping_has_a_fresh_page_for_a_lost_one_and_its_neighbours() {
    // No other test may map something where a mapping was, before its end is checked.
    in_a_process_of_its_own(
        "a_surviving_mapping_has_a_fresh_page_for_a_lost_one_and_its_neighbours",
        lost_pages_are_replaced_alone,
    );
}

fn lost_pages_are_replaced_alone() {
    let folder = Folder::new();
    for offset in [0, 4096] {
        let path = folder.file("survives");
        let h = registry::insert(|| Mapping::from_path(&path, REST, READ_WRITE, MAP_SHARED, offset as i64)).unwrap();
        registry::survive(h, true).unwrap();
        let start = registry::pin(h).unwrap().address().cast_const();
        let (done, address) = (AtomicBool::new(false), start.expose_provenance());
        std::thread::scope(|scope| {
            // Others that use the addresses meanwhile notice nothing.
            scope.spawn(|| {
                if is_wine() {
                    println!("skipped: threads that read the neighbours meanwhile (wine shows them zeros for a moment)");
                    return;
                }
                let start = std::ptr::with_exposed_provenance::<u8>(address);
                while !done.load(SeqCst) {
                    for page in [0, 1, 3, 20] {
                        // SAFETY: the mapping stays; the access is made again while it is changed.
                        assert_eq!(unsafe { start.add(page * PAGE).read_volatile() }, pattern(offset + page * PAGE));
                    }
                }
            });
            let ends = common::Ends(&done);
            for page in [2, 4, 5, 40] {
                // SAFETY: within the mapping.
                let lost = unsafe { start.add(page * PAGE + 17) };
                cannot_be_read_in(lost);
                // SAFETY: as above.
                assert_eq!(unsafe { lost.read_volatile() }, 0);
                assert!(matches!(*registry::pin(h).unwrap_err(), Error::Lost));
            }
            drop(ends);
        });
        let mapping = registry::pin(h).unwrap();
        let found = read(&mapping, 0, mapping.length()).unwrap();
        let lost = |at: usize| [2, 4, 5, 40].contains(&(at / PAGE));
        assert!(found.iter().enumerate().all(|(at, byte)| *byte == if lost(at) { 0 } else { pattern(offset + at) }));
        mapping.write(PAGE as i64, b"stored").unwrap();
        assert_eq!(&fs::read(plain(&path)).unwrap()[offset + PAGE..][..6], b"stored", "neighbours are the file's");
        drop(mapping);
        registry::unmap(h).unwrap();
        assert!(is_free(start));
    }
}

#[test]
fn a_private_mapping_of_a_file_does_not_promise_to_survive() {
    let folder = Folder::new();
    let path = folder.file("private");
    let h = registry::insert(|| Mapping::from_path(&path, REST, READ_WRITE, MAP_PRIVATE, 0)).unwrap();
    assert_eq!(registry::survive(h, true).unwrap_err().code(), MMAP_WRAP_E_UNSUPPORTED);
    registry::unmap(h).unwrap();
}

#[test]
fn lost_memory_without_a_file_is_zeroed() {
    let h = registry::insert(|| Mapping::anonymous(4 * PAGE as i64, READ_WRITE, PRIVATE)).unwrap();
    registry::survive(h, true).unwrap();
    let start = {
        let memory = registry::pin(h).unwrap();
        memory.fill(0, 7, REST).unwrap();
        memory.address().cast_const()
    };
    // SAFETY: within the mapping.
    cannot_be_read_in(unsafe { start.add(PAGE + 1) });
    assert!(matches!(*registry::pin(h).unwrap_err(), Error::Lost));
    let found = read(&registry::pin(h).unwrap(), 0, 4 * PAGE).unwrap();
    assert!(found.iter().enumerate().all(|(at, byte)| *byte == if at / PAGE == 1 { 0 } else { 7 }));
    registry::unmap(h).unwrap();
}

#[test]
fn a_stale_handle_reaches_no_memory() {
    let h = registry::insert(|| Mapping::anonymous(1, READ_WRITE, PRIVATE)).unwrap();
    assert!(registry::live().any(|live| live == h));
    assert!(registry::unmap(h).unwrap());
    assert!(!registry::unmap(h).unwrap());
    assert_eq!(registry::pin(h).unwrap_err().code(), MMAP_WRAP_E_UNMAPPED);
    assert_eq!(registry::pin(12345).unwrap_err().code(), MMAP_WRAP_E_HANDLE);
}

#[test]
fn unmapping_under_readers_ends_their_accesses() {
    let folder = Folder::new();
    let path = folder.file("readers");
    let maps: [fn(&CStr) -> Result<Mapping>; 2] = [
        |_| Mapping::anonymous(SIZE as i64, READ_WRITE, PRIVATE),
        |path| Mapping::from_path(path, REST, READ_WRITE, MAP_SHARED, 0),
    ];
    let handle: Mutex<Handle> = Mutex::new(0);
    let (done, ended) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let mut room = vec![0; SIZE];
                while !done.load(SeqCst) {
                    let h = *handle.lock().unwrap();
                    match registry::with(h, |mapping| mapping.read(0, &mut room[..])) {
                        Ok(()) => {}
                        Err(error) if error.code() == MMAP_WRAP_E_UNMAPPED => drop(ended.fetch_add(1, SeqCst)),
                        Err(error) => assert_eq!(error.code(), MMAP_WRAP_E_HANDLE, "{error}"),
                    }
                }
            });
        }
        for round in 0..300 {
            let h = registry::insert(|| maps[round % 2](&path)).unwrap();
            *handle.lock().unwrap() = h;
            std::thread::yield_now();
            assert!(registry::unmap(h).unwrap());
        }
        done.store(true, SeqCst);
    });
    assert!(ended.load(SeqCst) > 0);
}

#[test]
fn no_handle_and_no_view_is_left_behind() {
    in_a_process_of_its_own("no_handle_and_no_view_is_left_behind", || {
        let folder = Folder::new();
        let path = folder.file("counted");
        let name = c"/mmap-wrap-test-counted";
        let round = || {
            for flags in [MAP_SHARED, MAP_SHARED | KEEP, MAP_PRIVATE | KEEP] {
                let h = registry::insert(|| Mapping::from_path(&path, REST, READ_WRITE, flags, 70_001)).unwrap();
                registry::unmap(h).unwrap();
            }
            let mut kept = open(&path, O_RDWR, REST, MAP_SHARED | KEEP).unwrap();
            kept.resize(SIZE as i64 + 5000, MREMAP_MAYMOVE, FileEnd::Follows).unwrap();
            kept.resize(SIZE as i64, MREMAP_MAYMOVE, FileEnd::Follows).unwrap();
            drop(kept.split_off(PAGE as i64).unwrap());
            drop(kept);
            let memory = Mapping::anonymous(10 * PAGE as i64, READ_WRITE, PRIVATE).unwrap();
            memory.advise(MADV_DONTNEED, 0, REST).unwrap();
            drop(shm(name, O_RDWR | O_CREAT, 5000).unwrap());
            drop(Mapping::from_unnamed(100, READ_WRITE, MAP_SHARED).unwrap());
            // And what fails.
            Mapping::from_path(&path, SIZE as i64 + 1, READ_WRITE, MAP_SHARED, 0).unwrap_err();
            open(&path, O_RDWR | O_CREAT | O_EXCL, 10, MAP_SHARED).unwrap_err();
            Mapping::anonymous(1 << 46, READ_WRITE, PRIVATE).unwrap_err();
            let file = fs::File::open(plain(&path)).unwrap();
            from_descriptor(0, REST, READ_WRITE, MAP_SHARED, raw(&file), 0).unwrap_err();
            common::aligned(1 << 21, REST, PROT_READ, MAP_SHARED, raw(&file), 4096).unwrap_err();
            shm(name, O_RDWR, REST).unwrap_err();
            let h = registry::insert(|| Mapping::from_path(&path, REST, READ_WRITE, MAP_SHARED, 0)).unwrap();
            registry::survive(h, true).unwrap();
            cannot_be_read_in(registry::pin(h).unwrap().address());
            assert!(registry::unmap(h).is_err(), "reports the loss");
        };
        round();
        let before = (descriptors(), mappings());
        (0..50).for_each(|_| round());
        assert_eq!((descriptors(), mappings()), before);
    });
}

/// Holds a file open, and shares it as said, until the standard input ends.
fn hold(path: &str, share_mode: u32) {
    let _held = OpenOptions::new().read(true).share_mode(share_mode).open(path).unwrap();
    println!("held");
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
}

/// Runs `body` while another process, in which the test of this name calls [`hold`], has the file open.
fn while_held_elsewhere(test: &str, path: &CStr, share_mode: u32, body: impl FnOnce()) {
    let mut other = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(HELD, path.to_str().unwrap())
        .env(SHARE_MODE, share_mode.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(other.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("held")));
    body();
    drop(other.stdin.take());
    assert!(other.wait().unwrap().success());
}

const HELD: &str = "MMAP_WRAP_TEST_HELD";
const SHARE_MODE: &str = "MMAP_WRAP_TEST_SHARE_MODE";

#[test]
fn bad_input_is_an_error_with_its_numbers_and_leaves_nothing_behind() {
    const NAME: &str = "bad_input_is_an_error_with_its_numbers_and_leaves_nothing_behind";
    if let Ok(path) = std::env::var(HELD) {
        return hold(&path, std::env::var(SHARE_MODE).unwrap().parse().unwrap());
    }
    in_a_process_of_its_own(NAME, || {
        let folder = Folder::new();
        let before = (descriptors(), mappings());
        assert!(before.0 > 0 && before.1 > 0);
        let path = folder.file("книга");
        let file = fs::File::open(plain(&path)).unwrap();
        let counted = (descriptors(), mappings());
        assert_eq!(counted, (before.0 + 1, before.1), "an open file is counted");
        // Fails with this code and a message that has all of this, and leaves no handle and no view.
        let is = |result: Result<Mapping>, code: i64, message: &[&str]| {
            let refused = result.map(|mapping| mapping.length()).unwrap_err();
            assert_eq!(refused.code(), code, "{refused}");
            let text = refused.to_string();
            assert!(message.iter().all(|part| text.contains(part)), "{text}: {message:?}");
            assert_eq!((descriptors(), mappings()), counted, "{text}");
        };
        let map = |path: &CStr, len, offset| Mapping::from_path(path, len, PROT_READ, MAP_SHARED, offset);
        let each_way = |path: &CStr, code: i64, message: &[&str]| {
            is(map(path, REST, 0), code, message);
            for flags in [O_RDWR, O_RDWR | O_CREAT, O_RDWR | O_TRUNC] {
                is(open(path, flags, 10, MAP_SHARED), code, message);
            }
        };

        each_way(c"caf\xE9", Errno::EILSEQ.code(), &["open 'caf", "(EILSEQ, Windows error 1113)"]);
        for name in [c"NUL", c"nul", c"CON", c"\\\\.\\pipe\\nothing"] {
            each_way(name, Errno::ENODEV.code(), &[&format!("open '{}'", name.to_str().unwrap()), "(ENODEV"]);
        }
        each_way(&folder.path("a?b"), Errno::EINVAL.code(), &["a?b'", "(EINVAL, Windows error 123)"]);
        each_way(&folder.path("none/file"), Errno::ENOENT.code(), &["none", "(ENOENT, Windows error 3)"]);
        is(map(&folder.path("none"), REST, 0), Errno::ENOENT.code(), &["none'", "(ENOENT, Windows error 2)"]);
        each_way(&text(folder.0.path()), Errno::EISDIR.code(), &["(EISDIR"]);

        // Held by another process, which shares nothing, or reading alone; and by this process.
        let violation = &["книга'", "(EACCES, Windows error 32)", "another program has opened it"][..];
        drop(file);
        let counted = (counted.0 - 1, counted.1);
        let is = |result: Result<Mapping>| {
            let refused = result.map(|mapping| mapping.length()).unwrap_err();
            assert_eq!(refused.code(), Errno::EACCES.code(), "{refused}");
            assert!(violation.iter().all(|part| refused.to_string().contains(part)), "{refused}");
        };
        while_held_elsewhere(NAME, &path, 0, || {
            let held = (descriptors(), mappings());
            is(map(&path, REST, 0));
            is(open(&path, O_RDWR, REST, MAP_SHARED));
            is(open(&path, O_RDWR | O_CREAT | O_TRUNC, 10, MAP_SHARED));
            assert_eq!((descriptors(), mappings()), held);
        });
        while_held_elsewhere(NAME, &path, FILE_SHARE_READ, || {
            let held = (descriptors(), mappings());
            is_the_files(&map(&path, REST, 0).unwrap(), 0);
            is(open(&path, O_RDWR, 10, MAP_SHARED));
            assert_eq!((descriptors(), mappings()), held);
        });
        let taken = OpenOptions::new().read(true).share_mode(0).open(plain(&path)).unwrap();
        is(map(&path, REST, 0));
        drop(taken);
        assert_eq!((descriptors(), mappings()), counted);
        is_the_files(&map(&path, REST, 0).unwrap(), 0);
    });
}

#[test]
fn sizes_beyond_the_file_or_the_system_are_errors_with_the_numbers_and_leave_nothing_behind() {
    in_a_process_of_its_own(
        "sizes_beyond_the_file_or_the_system_are_errors_with_the_numbers_and_leave_nothing_behind",
        sizes_beyond_what_there_is,
    );
}

fn sizes_beyond_what_there_is() {
    const MOST: i64 = i64::MAX;
    let folder = Folder::new();
    let path = folder.file("sized");
    let file = fs::File::open(plain(&path)).unwrap();
    let memory = shm(c"/mmap-wrap-test-sized", O_RDWR | O_CREAT, 5000).unwrap();
    let kept = || Mapping::open(OpenRequest { name: Name::Path(&path), ..request(REST) }, REST, READ_WRITE, MAP_SHARED | KEEP, 0);
    let counted = (descriptors(), mappings());
    let is = |result: Result<Mapping>, codes: &[i64], message: &[&str]| {
        let refused = result.map(|mapping| mapping.length()).unwrap_err();
        assert!(codes.contains(&refused.code()), "{refused}");
        let text = refused.to_string();
        assert!(message.iter().all(|part| text.contains(part)), "{text}: {message:?}");
        assert_eq!((descriptors(), mappings()), counted, "{text}");
        assert_eq!(fs::metadata(plain(&path)).unwrap().len(), SIZE as u64);
    };
    // A view across the end of a file, or of shared memory.
    let range = &[MMAP_WRAP_E_RANGE][..];
    for (len, offset) in [(SIZE as i64 + 1, 0), (2, SIZE as i64 - 1), (MOST, 1)] {
        let numbers = format!("{len} bytes at file offset {offset} go beyond the {SIZE} bytes of the file");
        is(Mapping::from_path(&path, len, PROT_READ, MAP_SHARED, offset), range, &[&numbers]);
        is(from_descriptor(0, len, PROT_READ, MAP_PRIVATE, raw(&file), offset), range, &[&numbers]);
    }
    let numbers = format!("file offset {} lies beyond the {SIZE} bytes of the file", SIZE + 1);
    is(Mapping::from_path(&path, REST, PROT_READ, MAP_SHARED, SIZE as i64 + 1), range, &[&numbers]);
    let across = OpenRequest { name: Name::SharedMemory(c"/mmap-wrap-test-sized"), ..request(REST) };
    let numbers = "8193 bytes at file offset 0 go beyond the 8192 bytes";
    is(Mapping::open(across, 8193, PROT_READ, MAP_SHARED, 0), range, &[numbers]);

    // More than the system has. Which limit is reached first depends on the system.
    let too_large = [Errno::ENOMEM, Errno::EFBIG, Errno::ENOSPC].map(Errno::code);
    for size in [1 << 46, 1 << 50, 1 << 62, MOST - 4096] {
        let number = size.to_string();
        is(Mapping::anonymous(size, READ_WRITE, PRIVATE), &[Errno::ENOMEM.code()], &[&number]);
        is(Mapping::from_unnamed(size, READ_WRITE, MAP_SHARED), &too_large, &[&number, "Windows error "]);
        is(open(&path, O_RDWR, size, MAP_SHARED), &too_large, &[&number, "Windows error "]);
        is(open(&folder.path("new"), O_RDWR | O_CREAT, size, MAP_SHARED), &too_large, &[&number, "Windows error "]);
        assert!(!plain(&folder.path("new")).exists());
        let section = [&too_large[..], &[Errno::EINVAL.code()]].concat();
        is(shm(c"/mmap-wrap-test-large", O_RDWR | O_CREAT, size), &section, &[&number, "Windows error "]);
    }
    let grown = kept().and_then(|mut mapping| mapping.resize(1 << 50, MREMAP_MAYMOVE, FileEnd::Follows).map(|()| mapping));
    is(grown, &too_large, &["200000 to 1125899906842624 bytes", "Windows error "]);
    is_the_files(&kept().unwrap(), 0);
    drop(memory);
}

fn request(size: i64) -> OpenRequest<'static> {
    OpenRequest { name: Name::Path(c""), flags: O_RDWR, mode: 0o600, size, allocate: false }
}

#[test]
fn what_windows_lacks_is_unsupported_by_name() {
    let mut memory = Mapping::anonymous(PAGE as i64, READ_WRITE, PRIVATE).unwrap();
    let is = |name: &str, result: Result<()>| {
        let refused = result.unwrap_err();
        assert_eq!(refused.code(), MMAP_WRAP_E_UNSUPPORTED, "{refused}");
        assert!(refused.to_string().contains(name) && refused.to_string().ends_with(" is not supported here"), "{refused}");
    };
    is("mseal(2)", memory.mseal(0, REST));
    is("naming memory", memory.set_name(Some(c"name")));
    is("memfd_create(2)", Mapping::from_memfd(c"name", 0, 100, READ_WRITE, MAP_SHARED).map(drop));
    is("memfd_secret(2)", Mapping::from_secret(100, READ_WRITE).map(drop));
    is("huge pages", memory.huge_bytes(0, REST).map(drop));
    is("MREMAP_DONTUNMAP", memory.move_pages().map(drop));
    is("huge pages", mmap_wrap::internals::mapping::transparent_huge_page_size().map(drop));
    is("mlockall(2)", mmap_wrap::internals::mapping::lock_all(0));
    is("munlockall(2)", mmap_wrap::internals::mapping::unlock_all());
    is("move_pages(2)", memory.numa_node(0).map(drop));
    is("mbind(2)", memory.mbind(0, &[1], 0, 0, REST));
    let unnamed = Mapping::from_unnamed(100, READ_WRITE, MAP_SHARED).unwrap();
    is("sealing", unnamed.file_seals().map(drop));
    is("sealing", unnamed.add_file_seals(0));
    is("cachestat(2)", unnamed.cachestat(0, REST).map(drop));
    is("waiting on a word", unnamed.wait(0, 0, 1).map(drop));
    is("waiting on a word", unnamed.wake(0, 1).map(drop));
    assert_eq!((MADV_HUGEPAGE, MFD_CLOEXEC, F_SEAL_WRITE, MAP_HUGETLB, MREMAP_FIXED), (0, 0, 0, 0, 0));

    let folder = Folder::new();
    let path = folder.file("lacking");
    for flags in [O_RDWR | O_APPEND, O_RDWR | O_APPEND | O_CREAT, O_RDWR | O_APPEND | O_CREAT | O_EXCL] {
        is("O_APPEND", open(&folder.path("appended"), flags, 10, MAP_SHARED).map(drop));
        is("O_APPEND", open(&path, flags, REST, MAP_SHARED).map(drop));
    }
    assert!(!plain(&folder.path("appended")).exists());
    // Handles for reading, and for reading and writing.
    for file in [fs::File::open(plain(&path)), OpenOptions::new().read(true).write(true).open(plain(&path))] {
        let file = file.unwrap();
        let fd = raw(&file);
        is("cachestat(2)", common::cache::cachestat(fd, 0, REST).map(drop));
        is("posix_fadvise", common::cache::evict(fd, 0, REST));
        is("posix_fadvise", common::cache::readahead(fd, 0, REST));
        for (alignment, offset) in [(8192, 4096), (1 << 16, 4096), (1 << 16, 73_728), (1 << 21, 4096), (1 << 21, 61_440)] {
            let numbers = format!("a multiple of {alignment} for file offset {offset}");
            is(&numbers, common::aligned(alignment, REST, PROT_READ, MAP_SHARED, fd, offset).map(drop));
        }
    }
    let mut private = Mapping::from_path(&path, REST, READ_WRITE, MAP_PRIVATE | KEEP, 0).unwrap();
    is("splitting a private mapping of a file", private.split_off(PAGE as i64).map(drop));
    let mut grows = Mapping::anonymous(PAGE as i64, READ_WRITE, PRIVATE).unwrap();
    is("may not move", grows.resize(1 << 20, 0, FileEnd::Stays));
    let h = registry::insert(|| Mapping::from_path(&path, REST, READ_WRITE, MAP_PRIVATE, 0)).unwrap();
    is("a lost page of a private mapping of a file", registry::survive(h, true));
    registry::unmap(h).unwrap();
    let mut kept = open(&path, O_RDWR, REST, MAP_PRIVATE | KEEP).unwrap();
    is("truncating the file", kept.resize(PAGE as i64, MREMAP_MAYMOVE, FileEnd::Follows));

    let name = CString::new(format!("/mmap-wrap-test-lacking-{}", std::process::id())).unwrap();
    let made = OpenRequest { name: Name::SharedMemory(&name), flags: O_RDWR | O_CREAT, mode: 0o600, size: 5000, allocate: false };
    let mut shared = Mapping::open(made, REST, READ_WRITE, MAP_SHARED | KEEP, 0).unwrap();
    is("truncating shared memory", shm(&name, O_RDWR | O_TRUNC, REST).map(drop));
    is("changing the size of shared memory '/mmap-wrap-test-lacking", shm(&name, O_RDWR, 1 << 20).map(drop));
    assert_eq!(abi::shm_unlink_wrap(name.as_ptr()), MMAP_WRAP_E_UNSUPPORTED);
    is("changing the size of shared memory", shared.resize(1 << 20, MREMAP_MAYMOVE, FileEnd::Follows));
}
