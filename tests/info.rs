//! Information about a mapping, and the list of live mappings.
#![cfg_attr(windows, allow(unused_imports, dead_code, reason = "some of its tests are for other systems"))]

mod common;

use common::abi::*;
use common::from_descriptor;
use mmap_wrap::internals::mapping::{KEEP, Name, OpenRequest};
use mmap_wrap::internals::{Mapping, constants::*, error::*, range::REST, raw, registry};
use std::ffi::CString;
use std::fs::File;
use std::ptr::null_mut;

const READ_WRITE: i64 = PROT_READ | PROT_WRITE;

fn memory(length: i64) -> i64 {
    registry::insert(|| from_descriptor(0, length, READ_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)).unwrap()
}

fn info(h: i64) -> mmap_wrap_info {
    // SAFETY: a struct of integers.
    let mut info = unsafe { std::mem::zeroed() };
    assert_eq!(mmap_wrap_info(h, &mut info, i64::try_from(size_of::<mmap_wrap_info>()).unwrap()), 0);
    info
}

#[test]
#[cfg(unix)]
fn info_has_what_was_requested_and_what_changed_since() {
    let page = mmap_wrap_page_size();
    let path = c"Cargo.toml";
    let h = registry::insert(|| Mapping::from_path(path, 100, PROT_READ, MAP_PRIVATE, 10)).unwrap();
    let known = info(h);
    assert_eq!((known.length, known.mapped, known.page_size, known.offset), (100, page, page, 10));
    assert_eq!((known.protection, known.flags), (PROT_READ, MAP_PRIVATE));
    assert_eq!(known.address, i64::try_from(registry::pin(h).unwrap().address().addr()).unwrap());
    assert_eq!([known.keeps_file, known.sealed, known.acquired, known.surviving, known.lost], [0; 5]);
    assert_eq!(known.descriptor, -1);

    registry::pin(h).unwrap().protect(PROT_NONE, 0, REST).unwrap();
    registry::acquire(h).unwrap();
    registry::survive(h, true).unwrap();
    let known = info(h);
    assert_eq!((known.protection, known.acquired, known.surviving), (PROT_NONE, 1, 1));
    registry::release(h).unwrap();
    registry::unmap(h).unwrap();
    assert_eq!(mmap_wrap_info(h, null_mut(), 0), MMAP_WRAP_E_UNMAPPED);
}

#[test]
#[cfg(unix)]
fn info_has_what_a_mapping_was_created_from() {
    let file = File::open("Cargo.toml").unwrap();
    let name = CString::new(format!("/mmap-wrap-info-{}", std::process::id())).unwrap();
    let shared = OpenRequest { name: Name::SharedMemory(&name), flags: O_RDWR | O_CREAT, mode: 0o600, size: 1, allocate: false };
    let opened = OpenRequest { name: Name::Path(c"Cargo.toml"), flags: O_RDONLY, mode: 0, size: REST, allocate: false };
    let made_of = |make: &dyn Fn() -> mmap_wrap::internals::Result<Mapping>| {
        let h = registry::insert(make)?;
        let source = info(h).source;
        registry::unmap(h).map(|_| source)
    };
    let private = MAP_PRIVATE | MAP_ANONYMOUS;
    for keep in [0, KEEP] {
        let fd = || from_descriptor(0, 1, PROT_READ, MAP_PRIVATE | keep, raw(&file).into(), 0);
        assert_eq!(made_of(&fd), Ok(MMAP_WRAP_SOURCE_DESCRIPTOR));
        let path = || Mapping::from_path(c"Cargo.toml", 1, PROT_READ, MAP_PRIVATE | keep, 0);
        assert_eq!(made_of(&path), Ok(MMAP_WRAP_SOURCE_PATH));
    }
    assert_eq!(made_of(&|| from_descriptor(0, 1, PROT_READ, private, -1, 0)), Ok(MMAP_WRAP_SOURCE_ANONYMOUS));
    assert_eq!(made_of(&|| Mapping::open(opened, 1, PROT_READ, MAP_PRIVATE, 0)), Ok(MMAP_WRAP_SOURCE_PATH));
    assert_eq!(made_of(&|| Mapping::open(shared, 1, READ_WRITE, MAP_SHARED, 0)), Ok(MMAP_WRAP_SOURCE_SHARED_MEMORY));
    assert_eq!(common::abi::shm_unlink_wrap(name.as_ptr()), 0);
    assert_eq!(made_of(&|| Mapping::from_unnamed(1, READ_WRITE, MAP_SHARED)), Ok(MMAP_WRAP_SOURCE_MEMORY_FILE));
    assert_eq!(made_of(&|| Mapping::from_memfd(c"", 0, 1, READ_WRITE, MAP_SHARED)), Ok(MMAP_WRAP_SOURCE_MEMORY_FILE));
    match made_of(&|| Mapping::from_secret(1, READ_WRITE)) {
        Ok(source) => assert_eq!(source, MMAP_WRAP_SOURCE_MEMORY_FILE),
        Err(error) => println!("skipped: {error}"),
    }
}

#[test]
fn a_split_or_moved_mapping_has_the_same_source() {
    let page = mmap_wrap_page_size();
    let h = registry::insert(|| Mapping::from_unnamed(2 * page, READ_WRITE, MAP_SHARED)).unwrap();
    let tail = mmap_wrap_split(h, page);
    assert_eq!(mremap_wrap(h, 3 * page, MREMAP_MAYMOVE, null_mut(), 1), h);
    for h in [h, tail] {
        assert_eq!(info(h).source, MMAP_WRAP_SOURCE_MEMORY_FILE);
        assert!(registry::unmap(h).unwrap());
    }
}

#[test]
fn an_older_header_gets_the_members_it_knows() {
    let h = memory(5);
    let mut two = [-1i64; 3];
    assert_eq!(mmap_wrap_info(h, two.as_mut_ptr().cast(), 16), 0);
    assert_eq!(two, [5, mmap_wrap_page_size(), -1]);
    for size in [0, 7, 12] {
        assert_eq!(mmap_wrap_info(h, two.as_mut_ptr().cast(), size), MMAP_WRAP_E_ARGUMENT, "{size}");
    }
    assert_eq!(mmap_wrap_info(h, null_mut(), 16), MMAP_WRAP_E_ARGUMENT);
    assert_eq!(mmap_wrap_info(h, two.as_mut_ptr().cast(), -16), MMAP_WRAP_E_RANGE);
    registry::unmap(h).unwrap();
}

#[test]
fn live_mappings_are_listed_up_to_the_size_of_the_array() {
    let ours = [memory(1), memory(1), memory(1)];
    let mut listed = vec![0i64; 1000];
    let count = usize::try_from(mmap_wrap_list(listed.as_mut_ptr(), 1000)).unwrap();
    assert!(ours.iter().all(|h| listed[..count].contains(h)));

    let mut room = [0i64; 3];
    assert!(mmap_wrap_list(room.as_mut_ptr(), 2) >= 3);
    assert!(room[0] > 0 && room[1] > 0 && room[2] == 0);
    assert_eq!(mmap_wrap_list(null_mut(), 2), MMAP_WRAP_E_ARGUMENT);
    for negative in [-1, i64::MIN] {
        assert_eq!(mmap_wrap_list(null_mut(), negative), MMAP_WRAP_E_RANGE);
    }
    assert_eq!(mmap_wrap_list(null_mut(), i64::MAX), MMAP_WRAP_E_ARGUMENT);

    ours.into_iter().for_each(|h| assert!(registry::unmap(h).unwrap()));
    let count = usize::try_from(mmap_wrap_list(listed.as_mut_ptr(), 1000)).unwrap();
    assert!(ours.iter().all(|h| !listed[..count].contains(h)));
}

#[test]
fn the_size_of_the_kept_file_is_its_present_size() {
    let path = std::env::temp_dir().join(format!("mmap-wrap-info-{}", std::process::id()));
    std::fs::write(&path, b"five5").unwrap();
    let file = std::fs::OpenOptions::new().read(true).write(true).open(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    let keep = MAP_SHARED | KEEP;
    let fd: i64 = raw(&file).into();
    let h = registry::insert(|| from_descriptor(0, 5, PROT_READ, keep, fd, 0)).unwrap();
    assert_eq!(mmap_wrap_file_size(h), 5);
    file.set_len(1 << 40).unwrap();
    assert_eq!(mmap_wrap_file_size(h), 1 << 40);
    registry::unmap(h).unwrap();
    assert_eq!(mmap_wrap_file_size(h), MMAP_WRAP_E_UNMAPPED);
    assert_eq!(mmap_wrap_file_size(0), MMAP_WRAP_E_HANDLE);
    let h = memory(5);
    assert_eq!(mmap_wrap_file_size(h), MMAP_WRAP_E_ARGUMENT);
    registry::unmap(h).unwrap();
}
