//! Opening and creating files, and memory files: calls succeed, or leave nothing behind.
#![cfg(unix)]

mod common;

use common::abi::shm_unlink_wrap;
use common::{
    Ends, READ_WRITE, TOO_LONG, anonymous, descriptors, from_descriptor, in_a_process_of_its_own, mappings, page, read,
};
use mmap_wrap::internals::mapping::{KEEP, Name, OR_PRIVATE, OpenRequest};
use mmap_wrap::internals::{Error, Mapping, Result, constants::*, error::*, range::REST};
use std::ffi::{CStr, CString};
use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, symlink};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

const MAKE: i64 = O_RDWR | O_CREAT;

fn c(path: &Path) -> CString {
    CString::new(path.as_os_str().as_bytes()).unwrap()
}

fn open(path: &CStr, flags: i64, size: i64) -> mmap_wrap::internals::Result<Mapping> {
    let open = OpenRequest { name: Name::Path(path), flags, mode: 0o640, size, allocate: false };
    Mapping::open(open, REST, READ_WRITE, MAP_SHARED, 0)
}

fn code(result: mmap_wrap::internals::Result<Mapping>) -> i64 {
    result.unwrap_err().code()
}

fn errno(errno: i32) -> i64 {
    -i64::from(errno)
}

#[test]
fn a_file_is_created_with_its_size_and_permissions() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("made");
    let mapping = open(&c(&path), MAKE, 10_000).unwrap();
    assert_eq!(mapping.length(), 10_000);
    mapping.write(9_999, b"x").unwrap();
    let made = path.metadata().unwrap();
    assert_eq!((made.len(), made.permissions().mode() & 0o777), (10_000, 0o640));
    assert_eq!(std::fs::read(&path).unwrap()[9_999], b'x');
}

#[test]
fn an_existing_file_keeps_its_size_or_grows_or_is_truncated() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("there");
    std::fs::write(&path, [7; 100]).unwrap();
    assert_eq!(open(&c(&path), O_RDWR, REST).unwrap().length(), 100);
    let grown = open(&c(&path), MAKE, 200).unwrap();
    assert_eq!(read(&grown, 0, 200).unwrap(), [[7; 100], [0; 100]].concat());
    let cut = open(&c(&path), MAKE, 50).unwrap();
    assert_eq!((cut.length(), path.metadata().unwrap().len()), (50, 50));
    let truncated = open(&c(&path), O_RDWR | O_TRUNC, 60).unwrap();
    assert_eq!(read(&truncated, 0, 60).unwrap(), [0; 60]);
    assert_eq!(code(open(&c(&path), MAKE | O_EXCL, 60)), errno(libc::EEXIST));
}

#[test]
fn allocated_bytes_have_blocks_and_others_have_none() {
    let folder = tempfile::tempdir().unwrap();
    let blocks = |name: &str, allocate| {
        let path = folder.path().join(name);
        let named = c(&path);
        let open = OpenRequest { name: Name::Path(&named), flags: MAKE, mode: 0o600, size: 1 << 20, allocate };
        Mapping::open(open, REST, READ_WRITE, MAP_SHARED, 0).map(|_| path.metadata().unwrap().blocks() * 512)
    };
    assert_eq!(blocks("sparse", false).unwrap(), 0);
    match blocks("allocated", true) {
        Ok(bytes) => assert!(bytes >= 1 << 20, "{bytes}"),
        Err(error) if matches!(*error, Error::Unsupported(_)) => println!("skipped: {error}"),
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn a_file_is_truncated_last_and_only_if_allocating_and_mapping_succeeded() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    std::fs::write(&path, [7; 100]).unwrap();
    let named = c(&path);
    let open = OpenRequest { name: Name::Path(&named), flags: O_RDWR, mode: 0, size: 10, allocate: true };
    match Mapping::open(open, REST, READ_WRITE, MAP_SHARED, 50) {
        Err(error) if error.code() == MMAP_WRAP_E_UNSUPPORTED => return println!("skipped: {error}"),
        failure => assert_eq!(code(failure), MMAP_WRAP_E_RANGE),
    }
    assert_eq!(std::fs::read(&path).unwrap(), [7; 100]);
    assert_eq!(Mapping::open(open, REST, READ_WRITE, MAP_SHARED, 0).unwrap().length(), 10);
    assert_eq!(std::fs::read(&path).unwrap(), [7; 10]);
}

#[test]
fn a_full_disk_is_an_error_now_and_leaves_no_file() {
    let Some(mount) = common::Mount::new(&["-t", "tmpfs", "-o", "size=64k", "none"]) else { return };
    let new = mount.path().join("new");
    let named = c(&new);
    let large = OpenRequest { name: Name::Path(&named), flags: MAKE, mode: 0o600, size: 1 << 20, allocate: true };
    let failure = Mapping::open(large, REST, READ_WRITE, MAP_SHARED, 0).unwrap_err();
    assert_eq!(failure.code(), errno(libc::ENOSPC));
    assert!(
        failure.to_string().ends_with("to 1048576 bytes: No space left on device (ENOSPC); the file system is full"),
        "{failure}"
    );
    assert!(!new.exists());

    std::fs::write(&new, [1; 100]).unwrap();
    Mapping::open(large, REST, READ_WRITE, MAP_SHARED, 0).unwrap_err();
    assert_eq!(std::fs::read(&new).unwrap(), [1; 100], "an existing file has its former size");
}

#[test]
fn a_failure_at_any_step_leaves_nothing_behind() {
    in_a_process_of_its_own("a_failure_at_any_step_leaves_nothing_behind", || {
        let folder = tempfile::tempdir().unwrap();
        let (new, old) = (folder.path().join("new"), folder.path().join("old"));
        let (target, link) = (folder.path().join("target"), folder.path().join("link"));
        std::fs::write(&old, [5; 100]).unwrap();
        symlink(&target, &link).unwrap();
        let before = (descriptors(), mappings());
        let attempt = |path: &Path, flags, size, prot, len, offset| {
            let named = c(path);
            let open = OpenRequest { name: Name::Path(&named), flags, mode: 0o600, size, allocate: false };
            code(Mapping::open(open, len, prot, MAP_SHARED, offset))
        };
        for path in [&new, &link, &old] {
            // The last step fails, after the file was created and grown.
            assert_eq!(attempt(path, O_RDWR | O_CREAT, 1 << 20, READ_WRITE, i64::MAX, 0), TOO_LONG);
            assert_eq!(attempt(path, O_RDWR | O_CREAT, 4096, READ_WRITE, REST, 8192), MMAP_WRAP_E_RANGE);
            assert_eq!(attempt(path, O_WRONLY | O_CREAT, 4096, READ_WRITE, REST, 0), errno(libc::EACCES));
            assert_eq!(attempt(path, O_RDONLY | O_CREAT, 4096, PROT_READ, REST, 0), errno(libc::EINVAL));
            // A smaller size, and mapping fails: the file is not truncated.
            assert_eq!(attempt(path, O_RDWR | O_CREAT, 10, READ_WRITE, REST, 50), MMAP_WRAP_E_RANGE);
        }
        assert!(!new.exists() && !target.exists() && link.is_symlink());
        assert_eq!(std::fs::read(&old).unwrap(), [5; 100]);
        assert_eq!(attempt(&new, O_RDWR, REST, READ_WRITE, REST, 0), errno(libc::ENOENT));
        assert_eq!(attempt(&link, MAKE | O_NOFOLLOW, 10, READ_WRITE, REST, 0), errno(libc::ELOOP));
        assert_eq!((descriptors(), mappings()), before);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2, "old and link");
    });
}

#[test]
fn invalid_arguments_are_errors_before_anything_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    let new = c(&folder.path().join("new"));
    let with = |flags, mode, size, map_flags| {
        let open = OpenRequest { name: Name::Path(&new), flags, mode, size, allocate: false };
        code(Mapping::open(open, REST, READ_WRITE, map_flags, 0))
    };
    assert_eq!(with(MAKE, 0o600, -5, MAP_SHARED), MMAP_WRAP_E_RANGE);
    assert_eq!(with(MAKE, 0o10000, 5, MAP_SHARED), MMAP_WRAP_E_ARGUMENT);
    assert_eq!(with(MAKE, -1, 5, MAP_SHARED), MMAP_WRAP_E_ARGUMENT);
    assert_eq!(with(MAKE | 1 << 40, 0o600, 5, MAP_SHARED), MMAP_WRAP_E_ARGUMENT);
    assert_eq!(with(MAKE, 0o600, 5, MAP_SHARED | MAP_ANONYMOUS), MMAP_WRAP_E_ARGUMENT);
    assert_eq!(with(MAKE, 0o600, 5, MAP_SHARED | MAP_FIXED), MMAP_WRAP_E_ARGUMENT);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    // A file in memory can have that size, and no mapping.
    let in_memory = common::IN_MEMORY.contains(&common::file_system_of(&File::open(folder.path()).unwrap()));
    let expected = if in_memory { TOO_LONG } else { errno(libc::EFBIG) };
    assert_eq!(with(MAKE, 0o600, i64::MAX, MAP_SHARED), expected);
    assert_eq!(code(open(&c(folder.path()), O_RDONLY, REST)), errno(libc::EISDIR));
    assert_eq!(code(open(c"/dev/zero", O_RDWR, 100)), MMAP_WRAP_E_ARGUMENT, "a device has no size to set");
}

#[test]
fn a_file_without_a_name_is_created_in_a_directory() {
    let folder = tempfile::tempdir().unwrap();
    match open(&c(folder.path()), O_RDWR | O_TMPFILE, 4096) {
        Ok(mapping) => assert_eq!(mapping.length(), 4096),
        Err(error) => println!("skipped: this file system has no O_TMPFILE: {error}"),
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn devices_are_mapped_with_a_given_length_or_their_size() {
    let zero = OpenRequest { name: Name::Path(c"/dev/zero"), flags: O_RDWR, mode: 0, size: REST, allocate: false };
    assert_eq!(Mapping::open(zero, 4096, READ_WRITE, MAP_PRIVATE, 0).unwrap().length(), 4096);
    assert_eq!(code(Mapping::open(zero, REST, READ_WRITE, MAP_PRIVATE, 0)), MMAP_WRAP_E_ARGUMENT);

    let folder = tempfile::tempdir().unwrap();
    let image = folder.path().join("image");
    std::fs::write(&image, [9; 1 << 20]).unwrap();
    let Some(device) = common::LoopDevice::new(&image) else { return };
    let path = c(device.path());
    let mapping = Mapping::from_path(&path, REST, PROT_READ, MAP_SHARED, 4096).unwrap();
    assert_eq!(mapping.length(), (1 << 20) - 4096);
    assert_eq!(read(&mapping, 0, 1).unwrap(), [9]);
    assert_eq!(code(Mapping::from_path(&path, REST, PROT_READ, MAP_SHARED, 2 << 20)), MMAP_WRAP_E_RANGE);
}

#[test]
fn shared_memory_has_a_name_until_it_is_unlinked() {
    let name = CString::new(format!("/mmap-wrap-test-{}", std::process::id())).unwrap();
    let make = |flags| {
        let open = OpenRequest { name: Name::SharedMemory(&name), flags, mode: 0o600, size: 4096, allocate: false };
        Mapping::open(open, REST, READ_WRITE, MAP_SHARED, 0)
    };
    let one = make(MAKE | O_EXCL).unwrap();
    let other = make(O_RDWR).unwrap();
    one.write(4095, b"x").unwrap();
    assert_eq!(read(&other, 4095, 1).unwrap(), b"x");
    assert_eq!(code(make(MAKE | O_EXCL)), errno(libc::EEXIST));
    let unlink = || common::abi::shm_unlink_wrap(name.as_ptr());
    assert_eq!(unlink(), 0);
    assert_eq!(unlink(), errno(libc::ENOENT));
    assert_eq!(code(make(O_RDWR)), errno(libc::ENOENT));

    let large = OpenRequest { name: Name::SharedMemory(&name), flags: MAKE, mode: 0o600, size: 4096, allocate: false };
    assert_eq!(code(Mapping::open(large, REST, READ_WRITE, MAP_SHARED, 8192)), MMAP_WRAP_E_RANGE);
    assert_eq!(code(make(O_RDWR)), errno(libc::ENOENT), "shared memory that was created for a failed mapping is removed");
}

#[test]
fn a_memory_file_can_be_sealed_and_its_descriptor_duplicated() {
    let memory = Mapping::from_memfd(c"test", MFD_ALLOW_SEALING, 5000, READ_WRITE, MAP_SHARED).unwrap();
    memory.write(4995, b"hello").unwrap();
    let mut text = Vec::new();
    File::from(memory.descriptor().unwrap()).read_to_end(&mut text).unwrap();
    assert_eq!((text.len(), &text[4995..]), (5000, &b"hello"[..]));

    assert_eq!(memory.file_seals().unwrap(), 0);
    let writing = memory.add_file_seals(F_SEAL_WRITE).unwrap_err();
    assert_eq!(writing.code(), errno(libc::EBUSY));
    assert!(writing.to_string().contains("F_SEAL_FUTURE_WRITE"), "{writing}");
    memory.add_file_seals(F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL).unwrap();
    assert_eq!(memory.file_seals().unwrap(), F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
    assert_eq!(memory.add_file_seals(F_SEAL_EXEC).unwrap_err().code(), errno(libc::EPERM));
    assert_eq!(memory.add_file_seals(1 << 20).unwrap_err().code(), MMAP_WRAP_E_ARGUMENT);
    let file = File::from(memory.descriptor().unwrap());
    assert_eq!(file.set_len(0).unwrap_err().raw_os_error(), Some(libc::EPERM));
    assert_eq!(code(Mapping::from_memfd(c"test", 1 << 20, 1, READ_WRITE, MAP_SHARED)), MMAP_WRAP_E_ARGUMENT);
    for len in [0, REST] {
        assert_eq!(code(Mapping::from_memfd(c"test", 0, len, READ_WRITE, MAP_SHARED)), MMAP_WRAP_E_ARGUMENT);
    }
    assert_eq!(code(Mapping::from_memfd(c"test", 0, -1, READ_WRITE, MAP_SHARED)), MMAP_WRAP_E_RANGE);
}

#[test]
fn secret_memory_is_read_and_written_also_where_the_kernel_must_copy() {
    let page = common::page_size();
    let secret = match Mapping::from_secret(page + 904, READ_WRITE) {
        Ok(secret) => secret,
        Err(error) => return println!("skipped: {error}"),
    };
    let last = page + 903;
    secret.write(last, b"k").unwrap();
    assert_eq!(read(&secret, last, 1).unwrap(), b"k");
    // After a change of the protection the kernel does accesses, and process_vm_readv(2) cannot read secret memory.
    secret.protect(PROT_READ, page, REST).unwrap();
    assert_eq!(read(&secret, last, 1).unwrap(), b"k");
    secret.write(0, b"k").unwrap();
    assert_eq!(secret.write(last, b"k").unwrap_err().code(), MMAP_WRAP_E_FAULT);
}

#[test]
fn a_file_without_a_name_exists_as_long_as_its_mapping_and_descriptors() {
    let memory = Mapping::from_unnamed(4096, READ_WRITE, MAP_SHARED).unwrap();
    let file = memory.descriptor().unwrap();
    memory.write(0, b"x").unwrap();
    drop(memory);
    let mut text = Vec::new();
    File::from(file).read_to_end(&mut text).unwrap();
    assert_eq!(text[0], b'x');
}

#[test]
fn a_kept_file_is_open_until_its_mapping_is_unmapped() {
    in_a_process_of_its_own("a_kept_file_is_open_until_its_mapping_is_unmapped", || {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, [1; 100]).unwrap();
        let path = c(&path);
        let before = descriptors();
        let closed = Mapping::from_path(&path, REST, PROT_READ, MAP_SHARED, 0).unwrap();
        assert_eq!(descriptors(), before);
        let failure = closed.descriptor().unwrap_err();
        assert_eq!(failure.code(), MMAP_WRAP_E_ARGUMENT);
        assert!(failure.to_string().contains("keep the file when mapping"), "{failure}");

        let kept = [
            Mapping::from_path(&path, REST, PROT_READ, MAP_SHARED | KEEP, 0).unwrap(),
            from_descriptor(0, REST, PROT_READ, MAP_SHARED | KEEP, i64::from(libc_fd(&kept_file(&path))), 0).unwrap(),
            Mapping::from_unnamed(1, READ_WRITE, MAP_SHARED).unwrap(),
        ];
        assert_eq!(descriptors(), before + 3);
        assert!(kept.iter().all(|mapping| mapping.info().keeps_file && mapping.descriptor().is_ok()));
        // A file of tmpfs has seals: the one that forbids others.
        match common::file_system_of(&File::open(folder.path()).unwrap()) {
            common::TMPFS => assert_eq!(kept[0].file_seals().unwrap(), F_SEAL_SEAL),
            _ => assert_eq!(kept[0].file_seals().unwrap_err().code(), errno(libc::EINVAL)),
        }
        drop(kept);
        assert_eq!(descriptors(), before);
        let anonymous = from_descriptor(0, 1, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | KEEP, -1, 0);
        assert_eq!(code(anonymous), MMAP_WRAP_E_ARGUMENT);
    });
}

#[test]
fn without_a_free_descriptor_to_keep_the_file_map_fixed_replaces_nothing() {
    in_a_process_of_its_own("without_a_free_descriptor_to_keep_the_file_map_fixed_replaces_nothing", || {
        let memory = anonymous(page().1);
        memory.write(0, b"here").unwrap();
        let place = memory.address().addr();
        let file = File::open("Cargo.toml").unwrap();
        let before = (descriptors(), mappings());
        let failure = {
            // The file has the lowest free number, so that none below it is free.
            let _limit = Descriptors::limited_to(libc_fd(&file) + 1);
            from_descriptor(place, 9, PROT_READ, MAP_SHARED | MAP_FIXED | KEEP, libc_fd(&file).into(), 0)
        };
        assert_eq!(code(failure), errno(libc::EMFILE));
        assert_eq!((descriptors(), mappings()), before);
        assert_eq!(read(&memory, 0, 4).unwrap(), b"here");
    });
}

/// Restores the limit of descriptors when it is dropped.
struct Descriptors(libc::rlimit);

impl Descriptors {
    fn limited_to(count: i32) -> Descriptors {
        let mut usual = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        // SAFETY: writes one rlimit, and reads one.
        unsafe {
            assert_eq!(libc::getrlimit(libc::RLIMIT_NOFILE, &mut usual), 0);
            let few = libc::rlimit { rlim_cur: count.try_into().unwrap(), ..usual };
            assert_eq!(libc::setrlimit(libc::RLIMIT_NOFILE, &few), 0);
        }
        Descriptors(usual)
    }
}

impl Drop for Descriptors {
    fn drop(&mut self) {
        // SAFETY: reads one rlimit.
        assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &self.0) }, 0);
    }
}

fn kept_file(path: &CStr) -> File {
    File::open(Path::new(std::ffi::OsStr::from_bytes(path.to_bytes()))).unwrap()
}

fn libc_fd(file: &File) -> i32 {
    std::os::fd::AsRawFd::as_raw_fd(file)
}

#[test]
fn files_are_opened_with_the_given_flags_and_closed_on_exec() {
    use std::os::fd::AsRawFd;
    let folder = tempfile::tempdir_in(".").unwrap();
    let path = c(&folder.path().join("file"));
    for (name, flags) in [("O_DSYNC", O_DSYNC), ("O_SYNC", O_SYNC), ("O_NOATIME", O_NOATIME), ("O_DIRECT", O_DIRECT)] {
        let open = OpenRequest { name: Name::Path(&path), flags: MAKE | flags, mode: 0o600, size: 4096, allocate: false };
        let mapping = match Mapping::open(open, REST, READ_WRITE, MAP_SHARED | KEEP, 0) {
            Ok(mapping) => mapping,
            Err(error) => {
                println!("skipped: {name} is not for this file system: {error}");
                continue;
            }
        };
        let file = mapping.descriptor().unwrap();
        // SAFETY: only reads flags.
        let (status, descriptor) =
            unsafe { (libc::fcntl(file.as_raw_fd(), libc::F_GETFL), libc::fcntl(file.as_raw_fd(), libc::F_GETFD)) };
        assert_eq!(i64::from(status) & flags, flags, "{name}");
        assert_eq!(descriptor & libc::FD_CLOEXEC, libc::FD_CLOEXEC, "{name}");
        mapping.write(0, b"x").unwrap();
    }
}

fn shared_memory(name: &CStr, flags: i64, size: i64) -> Result<Mapping> {
    let open = OpenRequest { name: Name::SharedMemory(name), flags, mode: 0o600, size, allocate: false };
    Mapping::open(open, REST, READ_WRITE, MAP_SHARED, 0)
}

/// A name of shared memory that is removed when this is dropped.
struct Named(CString);

impl Named {
    fn new(what: &str) -> Named {
        Named(CString::new(format!("/mmap-wrap-{what}-{}", std::process::id())).unwrap())
    }
}

impl Drop for Named {
    fn drop(&mut self) {
        let _ = shm_unlink_wrap(self.0.as_ptr());
    }
}

#[test]
fn a_failed_allocation_does_not_change_shared_memory() {
    let Named(name) = &Named::new("blocks");
    let one = shared_memory(name, MAKE, 4096).unwrap();
    one.write(4095, b"x").unwrap();
    let open = OpenRequest { name: Name::SharedMemory(name), flags: O_RDWR, mode: 0o600, size: 1 << 50, allocate: true };
    let failure = Mapping::open(open, 4096, READ_WRITE, MAP_SHARED, 0).unwrap_err();
    if failure.code() == MMAP_WRAP_E_UNSUPPORTED {
        return println!("skipped: {failure}");
    }
    assert!([errno(libc::ENOSPC), errno(libc::EFBIG), TOO_LONG].contains(&failure.code()), "{failure}");
    assert_eq!(shared_memory(name, O_RDWR, REST).unwrap().length(), 4096, "it can still be mapped whole");
    assert_eq!(read(&one, 4095, 1).unwrap(), b"x");
}

#[test]
fn a_smaller_size_does_not_change_shared_memory() {
    let Named(name) = &Named::new("smaller");
    let one = shared_memory(name, MAKE, 1 << 20).unwrap();
    one.write(500_000, b"x").unwrap();
    for flags in [MAKE, O_RDWR] {
        let other = shared_memory(name, flags, 4096).unwrap();
        assert_eq!((other.length(), read(&one, 500_000, 1).unwrap()), (1 << 20, b"x".to_vec()));
    }
    assert_eq!(shared_memory(name, MAKE, 2 << 20).unwrap().length(), 2 << 20);
    assert_eq!(shared_memory(name, MAKE | O_TRUNC, 4096).unwrap().length(), 4096, "O_TRUNC asks for it");
}

#[test]
fn a_file_or_shared_memory_that_is_created_with_a_size_is_never_found_without_it() {
    let folder = tempfile::tempdir().unwrap();
    let (path, shared) = (c(&folder.path().join("file")), Named::new("whole"));
    let probe = File::options().read(true).write(true).custom_flags(libc::O_TMPFILE).open(folder.path());
    for name in [Name::SharedMemory(&shared.0), Name::Path(&path)] {
        if let (Name::Path(_), Err(error)) = (name, &probe) {
            println!("skipped: the file system of {} has no O_TMPFILE: {error}", folder.path().display());
            continue;
        }
        let open = |flags, size| OpenRequest { name, flags, mode: 0o600, size, allocate: false };
        let ends = AtomicBool::new(false);
        let found = std::thread::scope(|scope| {
            let finder = scope.spawn(|| {
                let mut found = 0;
                while !ends.load(SeqCst) {
                    match Mapping::open(open(O_RDWR, REST), REST, READ_WRITE, MAP_SHARED, 0) {
                        Ok(mapping) => assert_eq!(mapping.length(), 5000),
                        Err(error) => assert_eq!(error.code(), errno(libc::ENOENT), "{error}"),
                    }
                    found += 1;
                }
                found
            });
            let _ends = Ends(&ends);
            for round in 0..2000 {
                let exclusively = if round % 2 == 0 { O_EXCL } else { 0 };
                let made = Mapping::open(open(MAKE | exclusively, 5000), REST, READ_WRITE, MAP_SHARED, 0).unwrap();
                assert_eq!(made.length(), 5000);
                match name {
                    Name::Path(path) => std::fs::remove_file(path.to_str().unwrap()).unwrap(),
                    Name::SharedMemory(name) => assert_eq!(shm_unlink_wrap(name.as_ptr()), 0),
                }
            }
            ends.store(true, SeqCst);
            finder.join().unwrap()
        });
        assert!(found > 0);
    }
}

#[test]
fn a_file_that_is_created_with_its_size_has_its_name_and_its_permissions() {
    let folder = tempfile::tempdir().unwrap();
    let new = folder.path().join("new");
    let (path, shared) = (c(&new), Named::new("permissions"));
    std::fs::write(folder.path().join("plain"), "").unwrap();
    let umask = 0o666 & !folder.path().join("plain").metadata().unwrap().mode();
    for name in [Name::Path(&path), Name::SharedMemory(&shared.0)] {
        for mode in [0o666, 0o600, 0o400] {
            let open = OpenRequest { name, flags: MAKE | O_EXCL, mode, size: 4096, allocate: true };
            let made = Mapping::open(open, REST, READ_WRITE, MAP_SHARED | KEEP, 0).unwrap();
            let file = File::from(made.descriptor().unwrap());
            let info = file.metadata().unwrap();
            assert_eq!((info.mode() & 0o7777, info.nlink()), (u32::try_from(mode).unwrap() & !umask, 1));
            let shown = std::fs::read_link(format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&file))).unwrap();
            match name {
                Name::Path(_) => std::fs::remove_file(&new).unwrap(),
                Name::SharedMemory(name) => assert_eq!(shm_unlink_wrap(name.as_ptr()), 0),
            }
            // Root may open it by its name with any permissions.
            if mode != 0o400 {
                let expected = if let Name::Path(_) = name {
                    new.clone()
                } else {
                    Path::new("/dev/shm").join(&shared.0.to_str().unwrap()[1..])
                };
                assert_eq!(shown, expected);
            }
        }
    }
}

#[test]
fn opening_shared_memory_waits_for_its_size_but_not_long() {
    let Named(name) = &Named::new("follows");
    // Like another program that calls shm_open(3) and then ftruncate(2).
    // SAFETY: the name ends in NUL.
    let fd = unsafe { libc::shm_open(name.as_ptr(), libc::O_RDWR | libc::O_CREAT | libc::O_EXCL, 0o600) };
    assert!(fd >= 0);
    // SAFETY: the descriptor is new.
    let file = unsafe { <File as std::os::fd::FromRawFd>::from_raw_fd(fd) };
    let late = shared_memory(name, O_RDWR, REST).unwrap_err();
    assert_eq!(late.code(), errno(libc::ETIMEDOUT));
    assert!(late.to_string().contains("pass the size that it is to have"), "{late}");
    // On a busy machine it may take longer than a second until the size is set.
    let attached = (0..10).find_map(|_| {
        file.set_len(0).unwrap();
        std::thread::scope(|scope| {
            let attached = scope.spawn(|| shared_memory(name, O_RDWR, REST).map(|mapping| mapping.length()));
            std::thread::sleep(std::time::Duration::from_millis(50));
            file.set_len(6000).unwrap();
            attached.join().unwrap().ok()
        })
    });
    assert_eq!(attached, Some(6000));
}

#[test]
fn a_file_that_cannot_be_mapped_shared_is_mapped_privately_with_or_private() {
    let btf = c"/sys/kernel/btf/vmlinux";
    if let Err(error) = Mapping::from_path(btf, REST, PROT_READ, MAP_PRIVATE, 0) {
        return println!("skipped: no file of sysfs that takes only private mappings: {error}");
    }
    let failure = Mapping::from_path(btf, REST, PROT_READ, MAP_SHARED, 0).unwrap_err();
    assert_eq!(failure.code(), errno(libc::EACCES));
    assert!(failure.to_string().contains("cannot be mapped shared"), "{failure}");
    let mapping = Mapping::from_path(btf, REST, PROT_READ, MAP_SHARED | OR_PRIVATE, 0).unwrap();
    assert_eq!(mapping.info().flags, MAP_PRIVATE);
    assert_eq!(read(&mapping, 0, 2).unwrap(), &std::fs::read("/sys/kernel/btf/vmlinux").unwrap()[..2]);
    // A writable mapping fails, since its stores would not reach the file; other files are mapped shared.
    assert_eq!(code(Mapping::from_path(btf, REST, READ_WRITE, MAP_SHARED | OR_PRIVATE, 0)), errno(libc::EACCES));
    assert_eq!(Mapping::from_path(c"Cargo.toml", REST, PROT_READ, MAP_SHARED | OR_PRIVATE, 0).unwrap().info().flags, MAP_SHARED);
}
