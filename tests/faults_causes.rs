//! A fault is reported with its true cause: each cause is provoked, and the whole message compared.
#![cfg(unix)]
#![cfg(target_os = "linux")]
#![allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap, clippy::cast_sign_loss, reason = "small numbers")]

mod common;

use common::*;
use mmap_wrap::internals::Mapping;
use mmap_wrap::internals::constants::*;
use mmap_wrap::internals::range::REST;
use std::ffi::{CString, c_int, c_void};
use std::fs::File;
use std::io::Error;
use std::os::fd::AsRawFd;
use std::path::Path;
use std::process::Command;

const PRIVATE: i64 = MAP_PRIVATE | MAP_ANONYMOUS;
const PROTECTION: &str = "the protection forbids it";
const NO_SPACE: &str = "no space is left on the file system of the file";
const UNKNOWN: &str = "the system does not report the cause";
const FILE: &str = "the file ends before this offset, its file system or pool of huge pages is full, an I/O error occurred, \
    or a guard region, a protection key or userfaultfd prevents the access; the system does not report which";

/// Checks the whole message of a fault.
#[track_caller]
fn says<T>(outcome: mmap_wrap::internals::Result<T>, offset: i64, done: i64, size: i64, cause: &str) {
    let message = outcome.err().expect("the access faults").to_string();
    assert_eq!(message, format!("the access faulted at offset {offset}, after {done} of {size} bytes: {cause}"));
}

/// The cause of a fault beyond the end of a file.
fn beyond_end(offset: i64, size: i64) -> String {
    format!("file offset {offset} lies beyond the {size} bytes of the file")
}

fn map(file: &File, length: i64, prot: i64, flags: i64, offset: i64) -> Mapping {
    from_descriptor(0, length, prot, flags, file.as_raw_fd().into(), offset).unwrap()
}

fn from_path(path: &Path, length: i64, prot: i64, flags: i64) -> Mapping {
    let path = CString::new(path.to_str().unwrap()).unwrap();
    Mapping::from_path(&path, length, prot, flags, 0).unwrap()
}

fn new_file(path: &Path, size: u64) -> File {
    let file = File::options().read(true).write(true).create(true).truncate(true).open(path).unwrap();
    file.set_len(size).unwrap();
    file
}

fn page(mapping: &Mapping, number: i64) -> *mut c_void {
    mapping.address().wrapping_offset((number * page_size()) as isize).cast()
}

/// Becomes an unprivileged user whose /proc is readable as usual. False, printed as skipped, where there is no other user: in
/// a user namespace with only one.
fn without_privileges() -> bool {
    // SAFETY: these calls access no memory.
    unsafe {
        if libc::getuid() == 0 && (libc::setgid(65534) != 0 || libc::setuid(65534) != 0) {
            println!("skipped: root cannot become another user here: {}", Error::last_os_error());
            return false;
        }
        assert_eq!(libc::prctl(libc::PR_SET_DUMPABLE, 1), 0);
    }
    true
}

#[test]
fn a_length_that_was_always_beyond_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let file = new_file(&folder.path().join("data"), 100);
    for flags in [MAP_SHARED, MAP_PRIVATE] {
        let mapping = map(&file, 3 * page_size(), READ_WRITE, flags, 0);
        let (page, size) = (page_size(), 2 * page_size() + 808);
        says(read(&mapping, 0, size as usize), page, page, size, &beyond_end(page, 100));
        let at = 2 * page + 8;
        says(mapping.write(at, &[1; 10]), at, 0, 10, &beyond_end(at, 100));
        // Reading the last page beyond the end of the file does not fault.
        assert_eq!(read(&mapping, 100, 10).unwrap(), [0; 10]);
    }
    // The file offset differs from the offset in the mapping.
    let page = page_size();
    file.set_len(page as u64 + 904).unwrap();
    let mapping = map(&file, 3 * page, PROT_READ, MAP_SHARED, page + 10);
    says(read(&mapping, page - 6, 10), page - 6, 0, 10, &beyond_end(2 * page + 4, page + 904));
}

#[test]
fn the_file_is_found_after_it_was_renamed_or_unlinked() {
    in_a_process_of_its_own("the_file_is_found_after_it_was_renamed_or_unlinked", || {
        let folder = tempfile::tempdir().unwrap();
        let short = &beyond_end(page_size(), 10);
        let privileged = finds_files_without_names();
        let becomes: [fn(&Path); 3] = [
            |path| std::fs::remove_file(path).unwrap(),
            |path| std::fs::rename(path, path.with_extension("other")).unwrap(),
            // Another, longer file has the name now.
            |path| {
                new_file(&path.with_extension("new"), 1 << 20);
                std::fs::rename(path.with_extension("new"), path).unwrap();
            },
        ];
        let kept: Vec<(File, Mapping, Mapping)> = becomes
            .into_iter()
            .map(|change| {
                let path = folder.path().join("data");
                let file = new_file(&path, 2 * page_size() as u64);
                let mapping = map(&file, REST, READ_WRITE, MAP_SHARED, 0);
                let keeps = map(&file, REST, READ_WRITE, MAP_SHARED | mmap_wrap::internals::mapping::KEEP, 0);
                file.set_len(10).unwrap();
                change(&path);
                if privileged {
                    says(read(&mapping, page_size(), 1), page_size(), 0, 1, short);
                }
                (file, mapping, keeps)
            })
            .collect();
        // In a child: this process removes the folder, which another user could not.
        let status = forked(|| {
            if !without_privileges() {
                return 0;
            }
            // The renamed file is found by its new path.
            let by_path = [FILE, short, FILE];
            for ((_, mapping, keeps), expected) in kept.iter().zip(by_path) {
                says(read(mapping, page_size(), 1), page_size(), 0, 1, expected);
                says(read(keeps, page_size(), 1), page_size(), 0, 1, short);
            }
            0
        });
        assert_eq!(status, 0);
    });
}

#[test]
fn a_user_without_privileges_finds_a_file_by_its_path() {
    in_a_process_of_its_own("a_user_without_privileges_finds_a_file_by_its_path", || {
        if !without_privileges() {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let file = new_file(&folder.path().join("data"), 2 * page_size() as u64);
        let mapping = map(&file, REST, PROT_READ, MAP_SHARED, 0);
        file.set_len(0).unwrap();
        says(read(&mapping, page_size(), 1), page_size(), 0, 1, &beyond_end(page_size(), 0));
    });
}

#[test]
fn a_file_on_overlayfs_is_found_by_its_path() {
    let Some(layers) = Mount::new(&["-t", "tmpfs", "none"]) else { return };
    let path = |name: &str| layers.path().join(name).to_str().unwrap().to_owned();
    for name in ["lower", "upper", "work"] {
        std::fs::create_dir(path(name)).unwrap();
    }
    new_file(Path::new(&path("lower/data")), 100);
    let options = format!("lowerdir={},upperdir={},workdir={},xino=off", path("lower"), path("upper"), path("work"));
    let Some(mount) = Mount::new(&["-t", "overlay", "-o", &options, "none"]) else { return };
    let mapping = from_path(&mount.path().join("data"), 2 * page_size(), PROT_READ, MAP_PRIVATE);
    let status = forked(|| {
        if without_privileges() {
            says(read(&mapping, page_size(), 1), page_size(), 0, 1, &beyond_end(page_size(), 100));
        }
        0
    });
    assert_eq!(status, 0);
}

#[test]
fn truncated_memory_files() {
    let memfd = Mapping::from_memfd(c"memory", 0, 2 * page_size(), READ_WRITE, MAP_SHARED).unwrap();
    File::from(memfd.descriptor().unwrap()).set_len(page_size() as u64).unwrap();
    says(memfd.write(page_size(), b"x"), page_size(), 0, 1, &beyond_end(page_size(), page_size()));

    let unnamed = Mapping::from_unnamed(2 * page_size(), READ_WRITE, MAP_SHARED).unwrap();
    File::from(unnamed.descriptor().unwrap()).set_len(page_size() as u64).unwrap();
    says(read(&unnamed, page_size(), 1), page_size(), 0, 1, &beyond_end(page_size(), page_size()));
}

#[test]
fn shared_memory_truncated_without_the_library() {
    let memory = anonymous(2 * page_size());
    let link = format!("/proc/self/map_files/{:x}-{:x}", page(&memory, 0).addr(), page(&memory, 2).addr());
    match File::options().write(true).open(&link) {
        Ok(file) => file.set_len(page_size() as u64).unwrap(),
        Err(error) => return println!("skipped: {link}: {error}"),
    }
    says(read(&memory, page_size(), 1), page_size(), 0, 1, &beyond_end(page_size(), page_size()));
}

#[test]
fn a_block_device_has_a_size() {
    // Devices are opened by a child process only.
    if !processes_share_memory() {
        return;
    }
    let image = tempfile::NamedTempFile::new().unwrap();
    image.as_file().set_len(page_size() as u64).unwrap();
    let Some(device) = LoopDevice::new(image.path()) else { return };
    let mapping = from_path(device.path(), 2 * page_size(), PROT_READ, MAP_SHARED);
    says(read(&mapping, page_size(), 1), page_size(), 0, 1, &beyond_end(page_size(), page_size()));
}

#[test]
fn protection() {
    let memory = from_descriptor(0, 2 * page_size(), READ_WRITE, PRIVATE, -1, 0).unwrap();
    memory.protect(PROT_NONE, page_size(), page_size()).unwrap();
    says(read(&memory, page_size(), 1), page_size(), 0, 1, PROTECTION);
    says(memory.write(page_size() - 1, b"xy"), page_size(), 1, 2, PROTECTION);
    memory.protect(PROT_READ, page_size(), page_size()).unwrap();
    says(memory.write(page_size(), b"x"), page_size(), 0, 1, PROTECTION);
    assert_eq!(read(&memory, page_size(), 1).unwrap(), [0]);
    // SAFETY: the memory is this test's.
    assert_eq!(unsafe { libc::mprotect(page(&memory, 0), page_size() as usize, libc::PROT_NONE) }, 0);
    says(read(&memory, 5, 1), 5, 0, 1, PROTECTION);
}

#[test]
fn a_memory_file_sealed_against_writing() {
    let memory = Mapping::from_memfd(c"sealed", MFD_ALLOW_SEALING, page_size(), READ_WRITE, MAP_SHARED).unwrap();
    memory.add_file_seals(F_SEAL_FUTURE_WRITE).unwrap();
    // An earlier mapping can still be written.
    memory.write(0, b"x").unwrap();
    let later = map(&File::from(memory.descriptor().unwrap()), page_size(), PROT_READ, MAP_SHARED, 0);
    says(later.write(0, b"x"), 0, 0, 1, PROTECTION);
}

#[test]
fn unmapped() {
    in_a_process_of_its_own("unmapped", || {
        let file = tempfile::tempfile().unwrap();
        file.set_len(2 * page_size() as u64).unwrap();
        let memory = map(&file, REST, READ_WRITE, MAP_SHARED, 0);
        // SAFETY: the memory is this test's, and no other thread maps anything.
        assert_eq!(unsafe { libc::munmap(page(&memory, 1), page_size() as usize) }, 0);
        says(read(&memory, page_size() - 1, 2), page_size(), 1, 2, "nothing is mapped there any more");
        says(memory.write(page_size(), b"x"), page_size(), 0, 1, "nothing is mapped there any more");
    });
}

#[test]
fn a_guard_region() {
    let file = tempfile::tempfile().unwrap();
    file.set_len(2 * page_size() as u64).unwrap();
    for memory in
        [from_descriptor(0, 2 * page_size(), READ_WRITE, PRIVATE, -1, 0).unwrap(), map(&file, REST, READ_WRITE, MAP_SHARED, 0)]
    {
        if let Err(error) = memory.advise(MADV_GUARD_INSTALL, page_size(), page_size()) {
            println!("skipped: no guard regions of this kind on this kernel: {error}");
            continue;
        }
        let message = read(&memory, page_size(), 1).unwrap_err().to_string();
        if message.ends_with("the system does not report which") {
            println!("skipped: this kernel does not report guard regions (Linux 6.15 and newer do)");
            continue;
        }
        says(read(&memory, page_size(), 1), page_size(), 0, 1, "a guard region is there (MADV_GUARD_INSTALL)");
        says(memory.write(page_size(), b"x"), page_size(), 0, 1, "a guard region is there (MADV_GUARD_INSTALL)");
    }
}

#[test]
fn an_empty_pool_of_huge_pages() {
    let Ok(info) = std::fs::read_to_string("/proc/meminfo") else { return println!("skipped: no /proc/meminfo") };
    let Some(size) = info.lines().find_map(|line| line.strip_prefix("Hugepagesize:")) else {
        return println!("skipped: no huge pages here");
    };
    let kilobytes: i64 = size.trim().trim_end_matches(" kB").parse().unwrap();
    let count = |what: &str| -> i64 {
        let path = format!("/sys/kernel/mm/hugepages/hugepages-{kilobytes}kB/{what}_hugepages");
        std::fs::read_to_string(path).unwrap().trim().parse().unwrap()
    };
    // One more than the pool has, without a reservation.
    let (total, huge) = (count("nr") + count("nr_overcommit"), kilobytes * 1024);
    let length = (total + 1) * huge;
    for (flags, memfd_flags) in [(PRIVATE, None), (MAP_SHARED, Some(MFD_HUGETLB))] {
        if memfd_flags.is_none() && !reports_page_sizes() && !finds_files_without_names() {
            continue;
        }
        let flags = flags | MAP_NORESERVE;
        let mapped = match memfd_flags {
            None => from_descriptor(0, length, READ_WRITE, flags | MAP_HUGETLB, -1, 0),
            Some(memfd_flags) => Mapping::from_memfd(c"huge", memfd_flags, length, READ_WRITE, flags),
        };
        let memory = match mapped {
            Ok(memory) => memory,
            Err(error) => {
                println!("skipped: {error}");
                continue;
            }
        };
        let empty = || {
            let (total, free, reserved) = (count("nr"), count("free"), count("resv"));
            format!(
                "no huge page of {kilobytes} kB is available: the pool has {total}, of which {free} are free and {reserved} reserved"
            )
        };
        for number in 0..=total {
            let written = memory.write(number * huge + 7, b"x");
            if written.is_err() {
                says(written, number * huge + 7, 0, 1, &empty());
                says(read(&memory, number * huge + 5000, 1), number * huge + 5000, 0, 1, &empty());
                break;
            }
            assert!(number < total, "there are more huge pages than the pool has");
        }
        if memfd_flags.is_some() {
            File::from(memory.descriptor().unwrap()).set_len(0).unwrap();
            says(read(&memory, 9, 1), 9, 0, 1, "file offset 9 lies beyond the 0 bytes of the file");
        }
    }
}

#[test]
fn a_full_tmpfs() {
    let Some(mount) = Mount::new(&["-t", "tmpfs", "-o", "size=64k", "none"]) else { return };
    let file = new_file(&mount.path().join("sparse"), 1 << 20);
    let mapping = map(&file, REST, READ_WRITE, MAP_SHARED, 0);
    let done = mapping.fill(0, 1, REST).unwrap_err();
    assert!(done.to_string().ends_with(&format!(" of 1048576 bytes: {NO_SPACE}")), "{done}");
    // On tmpfs, reading a hole needs memory, too.
    says(read(&mapping, 500_000, 1), 500_000, 0, 1, NO_SPACE);
    let private = map(&file, REST, READ_WRITE, MAP_PRIVATE, 0);
    says(private.write(500_000, b"x"), 500_000, 0, 1, NO_SPACE);
    // Another cause is not reported as a full file system.
    let protected = map(&file, REST, PROT_READ, MAP_SHARED, 0);
    says(protected.write(500_000, b"x"), 500_000, 0, 1, PROTECTION);
    file.set_len(100_000).unwrap();
    says(read(&mapping, 500_000, 1), 500_000, 0, 1, "file offset 500000 lies beyond the 100000 bytes of the file");
}

/// A small ext4 on a loop device.
fn ext4(folder: &Path, features: &[&str], options: &str) -> Option<Mount> {
    let image = folder.join("image");
    File::create(&image).unwrap().set_len(8 << 20).unwrap();
    let made = Command::new("mkfs.ext4").args(["-q", "-F"]).args(features).arg(&image).output();
    if !made.is_ok_and(|output| output.status.success()) {
        println!("skipped: no mkfs.ext4");
        return None;
    }
    Mount::new(&["-o", options, image.to_str().unwrap()])
}

#[test]
fn a_full_ext4() {
    let folder = tempfile::tempdir().unwrap();
    let Some(mount) = ext4(folder.path(), &[], "loop") else { return };
    let file = new_file(&mount.path().join("sparse"), 64 << 20);
    let mapping = map(&file, REST, READ_WRITE, MAP_SHARED, 0);
    let done = mapping.fill(0, 1, REST).unwrap_err();
    assert!(done.to_string().ends_with(&format!(" of 67108864 bytes: {NO_SPACE}")), "{done}");
    // On ext4, reading a hole needs no block.
    assert_eq!(read(&mapping, 60_000_000, 1).unwrap(), [0]);
    says(mapping.write(60_000_000, b"x"), 60_000_000, 0, 1, NO_SPACE);
}

#[test]
fn a_quota() {
    let folder = tempfile::tempdir().unwrap();
    let Some(mount) = ext4(folder.path(), &["-O", "quota"], "loop,usrquota") else { return };
    let root = File::open(mount.path()).unwrap();
    // SAFETY: the kernel reads one dqblk; it needs no device that way.
    let limited = unsafe {
        const SYS_QUOTACTL_FD: libc::c_long = 443;
        let mut limit: libc::dqblk = std::mem::zeroed();
        (limit.dqb_bhardlimit, limit.dqb_valid) = (64, libc::QIF_BLIMITS);
        let set = libc::QCMD(libc::Q_SETQUOTA, libc::USRQUOTA);
        libc::syscall(SYS_QUOTACTL_FD, root.as_raw_fd(), set, 65534, &raw mut limit)
    };
    if limited != 0 {
        return println!("skipped: no quota can be set: {}", Error::last_os_error());
    }
    let path = mount.path().join("sparse");
    let file = new_file(&path, 1 << 20);
    std::os::unix::fs::chown(&path, Some(65534), None).unwrap();
    let status = forked(|| {
        if !without_privileges() {
            return 0;
        }
        let mapping = map(&file, REST, READ_WRITE, MAP_SHARED, 0);
        assert!(mapping.fill(0, 1, REST).is_err());
        says(mapping.write(500_000, b"x"), 500_000, 0, 1, "a disk quota on the file system of the file is exhausted");
        0
    });
    assert_eq!(status, 0);
}

#[test]
fn poison() {
    // SAFETY: the structures are as large as their ioctls say, and the memory is this test's.
    unsafe {
        const USER_MODE_ONLY: c_int = 1;
        let fd = libc::syscall(libc::SYS_userfaultfd, libc::O_CLOEXEC | USER_MODE_ONLY) as c_int;
        let mut api = [0xAAu64, 1 << 14, 0];
        if fd < 0 || libc::ioctl(fd, libc::_IOWR::<[u64; 3]>(0xAA, 0x3F), &mut api) != 0 {
            return println!("skipped: no userfaultfd that poisons: {}", Error::last_os_error());
        }
        let memory = from_descriptor(0, 2 * page_size(), READ_WRITE, PRIVATE, -1, 0).unwrap();
        let start = page(&memory, 1).addr() as u64;
        let mut missing = [start, page_size() as u64, 1, 0];
        assert_eq!(libc::ioctl(fd, libc::_IOWR::<[u64; 4]>(0xAA, 0), &mut missing), 0);
        let mut poison = [start, page_size() as u64, 0, 0];
        assert_eq!(libc::ioctl(fd, libc::_IOWR::<[u64; 4]>(0xAA, 8), &mut poison), 0, "{}", Error::last_os_error());
        says(
            read(&memory, page_size(), 1),
            page_size(),
            0,
            1,
            "the page is poisoned, by a memory error of the hardware or by UFFDIO_POISON",
        );
        libc::close(fd);
    }
}

#[test]
fn without_free_descriptors_no_wrong_cause_is_reported() {
    if !accesses_need_no_descriptors() {
        return;
    }
    in_a_process_of_its_own("without_free_descriptors_no_wrong_cause_is_reported", || {
        let file = tempfile::tempfile().unwrap();
        file.set_len(2 * page_size() as u64).unwrap();
        let mapping = map(&file, REST, READ_WRITE, MAP_SHARED, 0);
        let memory = from_descriptor(0, 3 * page_size(), READ_WRITE, PRIVATE, -1, 0).unwrap();
        assert_eq!((read(&mapping, 0, 1).unwrap(), read(&memory, 0, 1).unwrap()), (vec![0], vec![0]));
        file.set_len(0).unwrap();
        memory.protect(PROT_NONE, page_size(), page_size()).unwrap();
        // SAFETY: the memory is this test's; the limit is this process's.
        unsafe {
            libc::munmap(page(&memory, 2), page_size() as usize);
            let none = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
            libc::setrlimit(libc::RLIMIT_NOFILE, &none);
        }
        says(read(&mapping, page_size(), 1), page_size(), 0, 1, UNKNOWN);
        says(read(&memory, page_size(), 1), page_size(), 0, 1, UNKNOWN);
        says(read(&memory, 2 * page_size(), 1), 2 * page_size(), 0, 1, "nothing is mapped there any more");
    });
}

#[test]
fn without_proc_no_wrong_cause_is_reported() {
    const SKIPPED: i32 = 77;
    let file = tempfile::tempfile().unwrap();
    file.set_len(2 * page_size() as u64).unwrap();
    let mapping = map(&file, REST, READ_WRITE, MAP_SHARED, 0);
    file.set_len(0).unwrap();
    let status = forked(|| {
        let (nothing, none) = (std::ptr::null(), c"none".as_ptr());
        // SAFETY: this process gets its own mount namespace.
        let hidden = unsafe {
            libc::unshare(libc::CLONE_NEWNS) == 0
                && libc::mount(none, c"/".as_ptr(), nothing, libc::MS_REC | libc::MS_PRIVATE, nothing.cast()) == 0
                && libc::mount(none, c"/proc".as_ptr(), c"tmpfs".as_ptr(), 0, nothing.cast()) == 0
        };
        if !hidden {
            return SKIPPED;
        }
        if File::open("/proc/self/maps").is_ok() {
            println!("skipped: /proc/self/maps exists without /proc: an emulator provides it");
            return 0;
        }
        says(read(&mapping, page_size(), 1), page_size(), 0, 1, UNKNOWN);
        0
    });
    match status {
        SKIPPED => println!("skipped: /proc cannot be hidden here"),
        status => assert_eq!(status, 0),
    }
}

/// POSIX drops all of a process's record locks on a file when it closes any descriptor of it.
#[test]
fn finding_the_cause_drops_no_record_locks() {
    let Some(mount) = Mount::new(&["-t", "tmpfs", "-o", "size=64k", "none"]) else { return };
    let file = new_file(&mount.path().join("sparse"), 1 << 20);
    let mapping = map(&file, REST, READ_WRITE, MAP_SHARED | mmap_wrap::internals::mapping::KEEP, 0);
    // SAFETY: zeros are valid for the other members.
    let lock = |command: c_int| unsafe {
        let mut lock: libc::flock = std::mem::zeroed();
        (lock.l_type, lock.l_whence) = (libc::F_WRLCK as _, libc::SEEK_SET as _);
        assert_eq!(libc::fcntl(file.as_raw_fd(), command, &mut lock), 0);
        c_int::from(lock.l_type)
    };
    lock(libc::F_SETLK);
    assert!(mapping.fill(0, 1, REST).is_err());
    says(mapping.write(500_000, b"x"), 500_000, 0, 1, NO_SPACE);
    file.set_len(page_size() as u64).unwrap();
    assert!(read(&mapping, 500_000, 1).is_err());
    assert_eq!(forked(|| lock(libc::F_GETLK)), libc::F_WRLCK, "the lock is still held");
}
