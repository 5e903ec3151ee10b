//! Guard regions, seals, names.

mod common;

use common::{READ_WRITE, anonymous, from_descriptor, in_a_process_of_its_own, read};
use mmap_wrap::internals::{Mapping, constants::*, error::*, mapping::FileEnd, range::REST, registry};

fn page() -> i64 {
    common::abi::mmap_wrap_page_size()
}

fn private(length: i64) -> Mapping {
    from_descriptor(0, length, READ_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0).unwrap()
}

#[test]
fn a_guard_region_refuses_every_access_until_it_is_lifted() {
    for memory in [private(3 * page()), anonymous(3 * page())] {
        memory.fill(0, 7, REST).unwrap();
        memory.guard(true, page(), page()).unwrap();
        assert_eq!(memory.write(page(), b"x").unwrap_err().code(), MMAP_WRAP_E_FAULT);
        assert_eq!(read(&memory, 2 * page() - 1, 1).unwrap_err().code(), MMAP_WRAP_E_FAULT);
        assert_eq!(read(&memory, 0, 1).unwrap(), [7]);
        assert_eq!(read(&memory, 2 * page(), 1).unwrap(), [7]);
        memory.protect(READ_WRITE, 0, REST).unwrap();
        assert_eq!(memory.write(page(), b"x").unwrap_err().code(), MMAP_WRAP_E_FAULT, "guards outlive a protection");
        memory.guard(false, page(), page()).unwrap();
        memory.write(page(), b"x").unwrap();
    }
    let memory = private(3 * page());
    assert_eq!(memory.guard(true, 1, page()).unwrap_err().code(), MMAP_WRAP_E_ALIGNMENT);
    assert_eq!(memory.guard(true, 0, 1).unwrap_err().code(), MMAP_WRAP_E_ALIGNMENT);
    assert_eq!(memory.guard(true, 0, 4 * page()).unwrap_err().code(), MMAP_WRAP_E_RANGE);
    memory.guard(true, 3 * page(), 0).unwrap();
    memory.write(0, b"x").unwrap();
}

#[test]
fn where_the_kernel_has_no_guard_regions_the_protection_does_it() {
    // Secret memory is locked, and the kernel puts no guards into that.
    let memory = match Mapping::from_secret(2 * page(), READ_WRITE) {
        Ok(secret) => secret,
        Err(error) => return println!("skipped: {error}"),
    };
    assert!(memory.advise(MADV_GUARD_INSTALL, page(), REST).is_err());
    memory.guard(true, page(), REST).unwrap();
    assert_eq!(memory.write(page(), b"x").unwrap_err().code(), MMAP_WRAP_E_FAULT);
    memory.write(0, b"x").unwrap();
    memory.guard(false, 1, 0).unwrap();
    assert_eq!(memory.write(page(), b"x").unwrap_err().code(), MMAP_WRAP_E_FAULT, "size 0 does nothing");
    memory.guard(false, page(), REST).unwrap();
    memory.write(page(), b"x").unwrap();
}

#[test]
fn what_is_sealed_stays_as_it_is() {
    in_a_process_of_its_own("what_is_sealed_stays_as_it_is", || {
        let h = registry::insert(|| Ok(private(3 * page()))).unwrap();
        let pin = registry::pin(h).unwrap();
        match pin.seal(page(), page()) {
            Ok(()) => {}
            Err(error) if error.code() == MMAP_WRAP_E_UNSUPPORTED => return println!("skipped: {error}"),
            Err(error) => panic!("{error}"),
        }
        assert!(pin.facts().sealed);
        assert_eq!(pin.protect(PROT_READ, 0, REST).unwrap_err().code(), MMAP_WRAP_E_SEALED);
        pin.write(page(), b"still writable").unwrap();
        drop(pin);
        for _ in 0..2 {
            assert_eq!(registry::unmap(h).unwrap_err().code(), MMAP_WRAP_E_SEALED);
        }
        let resized = registry::change(h, |mapping| mapping.resize(page(), 0, FileEnd::Stays));
        assert_eq!(resized.unwrap_err().code(), MMAP_WRAP_E_SEALED);
        assert_eq!(read(&registry::pin(h).unwrap(), page(), 5).unwrap(), b"still");
        let (_still_mapped, error) = {
            let other = private(1);
            other.seal(0, REST).unwrap();
            other.unmap().unwrap_err()
        };
        assert_eq!(error.code(), MMAP_WRAP_E_SEALED);
        assert_eq!(private(1).seal(0, 2).unwrap_err().code(), MMAP_WRAP_E_RANGE);
    });
}

#[test]
fn a_name_is_in_the_maps_until_it_is_taken_away() {
    let memory = private(1);
    match memory.name(Some(c"mmap-wrap test")) {
        Ok(()) => {}
        Err(error) if error.code() == MMAP_WRAP_E_UNSUPPORTED => return println!("skipped: {error}"),
        Err(error) => panic!("{error}"),
    }
    let named = || std::fs::read_to_string("/proc/self/maps").unwrap().contains("[anon:mmap-wrap test]");
    assert!(named());
    memory.name(None).unwrap();
    assert!(!named());
    let file = Mapping::from_path(c"Cargo.toml", 1, PROT_READ, MAP_PRIVATE, 0).unwrap();
    assert_eq!(file.name(Some(c"x")).unwrap_err().code(), -i64::from(libc::EBADF));
    for bad in [c"[", &std::ffi::CString::new("x".repeat(80)).unwrap(), c"\n"] {
        let refused = memory.name(Some(bad)).unwrap_err();
        assert_eq!(refused.code(), -i64::from(libc::EINVAL), "{refused}");
        assert!(refused.to_string().contains("at most 79 bytes"), "{refused}");
    }
}
