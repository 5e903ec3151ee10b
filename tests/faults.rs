//! No fault kills the process: each cause is provoked, for every accessor.
#![cfg(unix)]
#![allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap, clippy::cast_sign_loss, reason = "small numbers")]

mod common;

use common::*;
use mmap_wrap::internals::Mapping;
use mmap_wrap::internals::constants::*;
use mmap_wrap::internals::error::{Cause, Errno, Error};
use mmap_wrap::internals::range::REST;
use mmap_wrap::internals::registry::{self, Handle};
use std::ffi::CString;
use std::fs::File;
use std::os::fd::AsRawFd;
use std::process::Command;
use std::sync::atomic::Ordering;

/// A file of two pages of ones, mapped shared, and truncated to one page.
fn truncated() -> (File, Handle) {
    let file = tempfile::tempfile().unwrap();
    file.set_len(2 * page_size() as u64).unwrap();
    let fd = file.as_raw_fd().into();
    let h = registry::insert(|| from_descriptor(0, REST, READ_WRITE, MAP_SHARED, fd, 0)).unwrap();
    registry::pin(h).unwrap().fill(0, 1, REST).unwrap();
    file.set_len(page_size() as u64).unwrap();
    (file, h)
}

/// Every accessor at the second page of two must fail with the cause.
fn all_fail(mapping: &Mapping, cause: impl Fn(&Cause) -> bool) {
    let fault_from =
        |outcome: mmap_wrap::internals::Result<usize>, place: usize, expected: usize| match outcome.map_err(|error| *error) {
            Err(Error::Fault { offset, done, address, cause: found, .. }) => {
                assert_eq!((offset, done), (place, expected));
                assert_eq!(address, mapping.address().addr() + place);
                assert!(cause(&found), "{found:?}");
            }
            other => panic!("{other:?}"),
        };
    let fault = |outcome, expected| fault_from(outcome, page_size() as usize, expected);
    fault(read(mapping, page_size() - 10, 20).map(|bytes| bytes.len()), 10);
    fault(read(mapping, page_size(), 1).map(|bytes| bytes.len()), 0);
    fault(mapping.write(page_size() - 5, &[1; 100]).map(|()| 100), 5);
    fault(mapping.fill(0, 1, REST), page_size() as usize);
    fault(mapping.copy_within(0, page_size() - 3, 10), 3);
    fault(mapping.copy_within(page_size(), 0, 10), 0);
    fault(mapping.find(b"nowhere", 0, REST), page_size() as usize);
    // rfind begins at the end, in the page that faults.
    fault_from(mapping.rfind(b"nowhere", page_size() - 10, 2 * page_size() - 10), 2 * page_size() as usize - 10 - 128, 0);
    fault_from(mapping.rfind(b"nowhere", page_size() - 10, page_size() + 10), page_size() as usize, 0);
}

#[test]
fn a_truncated_file_is_an_error_with_that_cause() {
    let (_file, h) = truncated();
    let mapping = registry::pin(h).unwrap();
    all_fail(&mapping, |cause| {
        matches!(cause, Cause::BeyondEnd { size, .. } if *size == page_size() as u64) || *cause == Cause::File
    });
    assert_eq!(mapping.find(&[1], 0, REST), Ok(0));
    // The first page still works, and so does the second once the file is long enough again.
    assert_eq!(read(&mapping, 0, page_size() as usize).unwrap(), vec![1; page_size() as usize]);
    _file.set_len(2 * page_size() as u64).unwrap();
    assert_eq!(read(&mapping, page_size(), 1).unwrap(), [0]);
}

#[test]
fn a_truncated_named_file_is_reported_with_its_new_size() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let page = page_size();
    file.as_file().set_len(2 * page as u64).unwrap();
    let path = CString::new(file.path().to_str().unwrap()).unwrap();
    let mapping = Mapping::from_path(&path, REST, READ_WRITE, MAP_SHARED, 0).unwrap();
    file.as_file().set_len(100).unwrap();
    let error = read(&mapping, page - 96, 200).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "the access faulted at offset {page}, after 96 of 200 bytes: file offset {page} lies beyond the 100 bytes of the file"
        )
    );
}

#[test]
fn memory_changed_without_the_library_is_an_error() {
    let protected = anonymous(2 * page_size());
    let second = protected.address().wrapping_add(page_size() as usize).cast();
    // SAFETY: the memory is this test's.
    unsafe { assert_eq!(libc::mprotect(second, page_size() as usize, libc::PROT_NONE), 0) };
    all_fail(&protected, |cause| *cause == Cause::Protection);

    let unmapped = anonymous(2 * page_size());
    let second = unmapped.address().wrapping_add(page_size() as usize).cast();
    // SAFETY: as above. The range is mapped again at once, so that no other thread maps memory there.
    unsafe {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED;
        libc::mmap(second, page_size() as usize, libc::PROT_NONE, flags, -1, 0);
    }
    all_fail(&unmapped, |cause| *cause == Cause::Protection);
}

#[test]
fn a_guard_region_is_an_error() {
    let memory = anonymous(2 * page_size());
    if let Err(error) = memory.advise(MADV_GUARD_INSTALL, page_size(), page_size()) {
        println!("skipped: no guard regions on this kernel: {error}");
        return;
    }
    all_fail(&memory, |cause| matches!(cause, Cause::Guard | Cause::Memory | Cause::File));
    memory.advise(MADV_GUARD_REMOVE, page_size(), page_size()).unwrap();
    assert_eq!(read(&memory, page_size(), 1).unwrap(), [0]);
}

#[test]
fn a_full_file_system_is_an_error_with_that_cause() {
    let Some(mount) = Mount::new(&["-t", "tmpfs", "-o", "size=64k", "none"]) else { return };
    let file = File::options().read(true).write(true).create(true).truncate(true).open(mount.path().join("sparse")).unwrap();
    file.set_len(1 << 20).unwrap();
    let fd = file.as_raw_fd().into();
    let mapping = from_descriptor(0, REST, READ_WRITE, MAP_SHARED, fd, 0).unwrap();
    match mapping.fill(0, 1, REST).map_err(|error| *error) {
        Err(Error::Fault { done, offset, cause: Cause::NoSpace, .. }) => {
            assert_eq!(done, offset);
            assert!((page_size() as usize..=65536).contains(&done), "{done}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_io_error_is_an_error() {
    // A file system on a loop device whose backing file is truncated: its blocks cannot be read any more.
    let folder = tempfile::tempdir().unwrap();
    let image = folder.path().join("image");
    File::create(&image).unwrap().set_len(8 << 20).unwrap();
    let made = Command::new("mkfs.ext4").args(["-q", "-F"]).arg(&image).output();
    if !made.is_ok_and(|output| output.status.success()) {
        println!("skipped: no mkfs.ext4");
        return;
    }
    let Some(mount) = Mount::new(&["-o", "loop", image.to_str().unwrap()]) else { return };
    let path = mount.path().join("data");
    std::fs::write(&path, vec![7; 1 << 20]).unwrap();
    // SAFETY: sync and posix_fadvise change no memory.
    unsafe {
        libc::sync();
        let file = File::open(&path).unwrap();
        libc::posix_fadvise(file.as_raw_fd(), 0, 0, libc::POSIX_FADV_DONTNEED);
    }
    let path = CString::new(path.to_str().unwrap()).unwrap();
    let mapping = Mapping::from_path(&path, REST, PROT_READ, MAP_SHARED, 0).unwrap();
    File::options().write(true).open(&image).unwrap().set_len(0).unwrap();
    let image_pages = File::open(&image).unwrap();
    // SAFETY: as above.
    unsafe { libc::posix_fadvise(image_pages.as_raw_fd(), 0, 0, libc::POSIX_FADV_DONTNEED) };
    match read(&mapping, 0, 1 << 20).map_err(|error| *error) {
        Err(Error::Fault { cause, .. }) => assert_eq!(cause, Cause::Io(Errno(libc::EIO))),
        Ok(bytes) if bytes.iter().all(|byte| *byte == 0) => println!("skipped: this kernel reads a cut loop file as zeros"),
        other => panic!("{:?}", other.map(|bytes| bytes.len())),
    }
}

/// Runs a test in a process in which `prepare` replaces the handler of SIGBUS, or blocks it.
fn with_changed_signals(name: &str, prepare: impl FnOnce()) {
    in_a_process_of_its_own(name, || {
        let (_file, h) = truncated();
        prepare();
        assert!(!mmap_wrap::internals::verify_handlers());
        let mapping = registry::pin(h).unwrap();
        all_fail(&mapping, |cause| matches!(cause, Cause::BeyondEnd { .. } | Cause::File));
        drop(mapping);
        assert_eq!(registry::unmap(h), Ok(true));
    });
}

#[test]
fn blocked_signals_do_not_kill() {
    with_changed_signals("blocked_signals_do_not_kill", || {
        // SAFETY: blocks all signals of this thread.
        unsafe {
            let mut all = std::mem::zeroed();
            libc::sigfillset(&mut all);
            libc::pthread_sigmask(libc::SIG_BLOCK, &all, std::ptr::null_mut());
        }
    });
}

#[test]
fn a_replaced_handler_does_not_kill() {
    with_changed_signals("a_replaced_handler_does_not_kill", || {
        // SAFETY: the default action, for both.
        unsafe {
            libc::signal(libc::SIGBUS, libc::SIG_DFL);
            libc::signal(libc::SIGSEGV, libc::SIG_DFL);
        }
    });
}

#[test]
fn a_surviving_mapping_reports_its_loss_once() {
    if !faults_have_addresses() {
        return;
    }
    in_a_process_of_its_own("a_surviving_mapping_reports_its_loss_once", || {
        let (_file, h) = truncated();
        registry::survive(h, true).unwrap();
        let loss = registry::loss_flag(h).unwrap();
        let lost = || loss.load(Ordering::Relaxed) & 1;
        let address = registry::acquire(h).unwrap();
        let second = address.wrapping_add(page_size() as usize);
        assert_eq!(lost(), 0);
        // SAFETY: the acquired address keeps the mapping, which survives the access.
        assert_eq!(unsafe { second.read_volatile() }, 0);
        assert_eq!(lost(), 1);
        assert_eq!(registry::pin(h).unwrap_err(), Error::Lost.into());
        assert_eq!(lost(), 0);
        let mapping = registry::pin(h).unwrap();
        assert_eq!(read(&mapping, 0, 1).unwrap(), [1]);
        drop(mapping);
        assert_eq!(registry::release(h), Ok(0));

        // A pending loss is reported by unmapping, which unmaps nevertheless.
        let (_file, other) = truncated();
        registry::survive(other, true).unwrap();
        let address = registry::pin(other).unwrap().address();
        // SAFETY: mapped, and surviving.
        unsafe { address.wrapping_add(page_size() as usize).write_volatile(1) };
        assert_eq!(registry::unmap(other), Err(Error::Lost.into()));
        assert_eq!(registry::unmap(other), Ok(false));
        assert!(!is_mapped(address));
    });
}

#[test]
fn a_fault_of_a_mapping_that_is_not_surviving_kills_as_usual() {
    if !faults_have_addresses() {
        return;
    }
    for surviving in [false, true] {
        let (_file, h) = truncated();
        registry::survive(h, surviving).unwrap();
        let address = registry::pin(h).unwrap().address().wrapping_add(page_size() as usize);
        // SAFETY: the child reads the page and ends.
        let child = unsafe { libc::fork() };
        if child == 0 {
            // SAFETY: as above.
            unsafe {
                address.read_volatile();
                libc::_exit(0)
            }
        }
        let mut status = 0;
        // SAFETY: waits for our own child, and writes one int.
        unsafe { libc::waitpid(child, &mut status, 0) };
        let killed = libc::WIFSIGNALED(status) && libc::WTERMSIG(status) == libc::SIGBUS;
        assert_eq!(killed, !surviving, "status {status:#x}");
    }
}
