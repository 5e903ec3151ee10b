//! Functions for several test programs.
#![allow(dead_code, reason = "each test program uses its own part of this")]

pub mod abi;

use mmap_wrap::internals::constants::*;
use mmap_wrap::internals::mapping::FileEnd;
use mmap_wrap::internals::registry::{self, Handle};
use mmap_wrap::internals::{Mapping, Result};
#[cfg(unix)]
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

pub const READ_WRITE: i64 = PROT_READ | PROT_WRITE;
pub const ANONYMOUS: i64 = MAP_SHARED | MAP_ANONYMOUS;

/// [`Mapping::from_descriptor`] for tests, which pass their own descriptors and do not map over memory in use.
pub fn from_descriptor(addr: usize, len: i64, prot: i64, flags: i64, fd: i64, offset: i64) -> Result<Mapping> {
    // SAFETY: see above.
    unsafe { Mapping::from_descriptor(addr, len, prot, flags, fd, offset) }
}

/// [`Mapping::aligned`], likewise.
pub fn aligned(alignment: i64, len: i64, prot: i64, flags: i64, fd: i64, offset: i64) -> Result<Mapping> {
    // SAFETY: as above.
    unsafe { Mapping::aligned(alignment, len, prot, flags, fd, offset) }
}

/// [`Mapping::resize_at`], likewise.
pub fn resize_at(mapping: &mut Mapping, length: i64, flags: i64, address: usize, file_end: FileEnd) -> Result<()> {
    // SAFETY: as above.
    unsafe { mapping.resize_at(length, flags, address, file_end) }
}

/// Page cache calls for the tests' own descriptors.
pub mod cache {
    use mmap_wrap::internals::{Result, page_cache};

    pub fn cachestat(fd: i64, offset: i64, size: i64) -> Result<page_cache::CacheStat> {
        // SAFETY: the descriptor is the test's.
        unsafe { page_cache::cachestat(fd, offset, size) }
    }

    pub fn evict(fd: i64, offset: i64, size: i64) -> Result<()> {
        // SAFETY: as above.
        unsafe { page_cache::evict(fd, offset, size) }
    }

    pub fn readahead(fd: i64, offset: i64, size: i64) -> Result<()> {
        // SAFETY: as above.
        unsafe { page_cache::readahead(fd, offset, size) }
    }
}

/// Shared memory without a file.
pub fn anonymous(length: i64) -> Mapping {
    Mapping::anonymous(length, READ_WRITE, ANONYMOUS).unwrap()
}

/// The same, with a handle.
pub fn handle(length: i64) -> Handle {
    registry::insert(|| Mapping::anonymous(length, READ_WRITE, ANONYMOUS)).unwrap()
}

/// The number by which calls know an open file.
#[allow(clippy::useless_conversion, reason = "a descriptor has fewer bits")]
pub fn descriptor_of(file: &std::fs::File) -> i64 {
    mmap_wrap::internals::raw(file).into()
}

pub fn read(mapping: &Mapping, offset: i64, size: usize) -> Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(size);
    mapping.read(offset, &mut bytes.spare_capacity_mut()[..size])?;
    // SAFETY: read filled the first `size` bytes.
    unsafe { bytes.set_len(size) };
    Ok(bytes)
}

/// Bytes in a page.
pub fn page_size() -> i64 {
    abi::mmap_wrap_page_size()
}

/// Whether anything is mapped at the page of an address: if not, msync(2) fails with ENOMEM.
/// Under an emulator, the kernel also has mappings of the emulator, which are not in the list of the program's mappings.
#[cfg(unix)]
pub fn is_mapped(address: *const u8) -> bool {
    let page = usize::try_from(abi::mmap_wrap_page_size()).unwrap();
    let start = address.addr() & !(page - 1);
    // SAFETY: MS_ASYNC changes nothing, and the kernel checks the address.
    let known = unsafe { libc::msync(start as *mut _, page, libc::MS_ASYNC) == 0 };
    let in_line = |line: &str| {
        let (from, to) = line.split_once(' ').and_then(|(range, _)| range.split_once('-')).unwrap();
        (usize::from_str_radix(from, 16).unwrap()..usize::from_str_radix(to, 16).unwrap()).contains(&start)
    };
    known && std::fs::read_to_string("/proc/self/maps").unwrap().lines().any(in_line)
}

/// How long a race goes on after its rounds if its threads hardly met, as on a machine that has one processor for them.
pub const PATIENCE: std::time::Duration = std::time::Duration::from_secs(30);

/// Sets `true` when it is dropped, also when the test fails: threads that wait for it must not outlive the test.
pub struct Ends<'a>(pub &'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, SeqCst);
    }
}

/// Lines of /proc/self/maps: how many mappings this process has.
#[cfg(unix)]
pub fn mappings() -> usize {
    std::fs::read_to_string("/proc/self/maps").unwrap().lines().count()
}

/// Whether the processor is emulated: `make matrix` sets by how much longer everything takes then.
#[cfg(unix)]
pub fn is_emulated() -> bool {
    std::env::var_os("MMAP_WRAP_PATIENCE").is_some()
}

/// Descriptors that this process has open.
#[cfg(unix)]
pub fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

/// Runs `body` in a separate process, whose only test is the one named: for tests that count mappings or descriptors, or set
/// limits. A child that dies, or does not reach the end, fails the test.
pub fn in_a_process_of_its_own(name: &str, body: impl FnOnce()) {
    const MARK: &str = "MMAP_WRAP_TEST_CHILD";
    if std::env::var_os(MARK).is_some() {
        body();
        println!("reached the end");
        return;
    }
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture", "--test-threads=1"])
        .env(MARK, "1")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.contains("reached the end"), "{}: {text}", output.status);
    text.lines().filter_map(|line| line.find("skipped: ").map(|at| &line[at..])).for_each(|skipped| println!("{skipped}"));
}

#[cfg(windows)]
mod windows {
    use windows_sys::Win32::Foundation::GetHandleInformation;
    use windows_sys::Win32::System::Memory::{MEM_COMMIT, MEM_FREE, MEM_MAPPED, MEMORY_BASIC_INFORMATION, VirtualQuery};

    fn query(address: usize) -> Option<MEMORY_BASIC_INFORMATION> {
        let mut region = MEMORY_BASIC_INFORMATION::default();
        let size = size_of::<MEMORY_BASIC_INFORMATION>();
        // SAFETY: writes one struct to the place given.
        (unsafe { VirtualQuery(address as *const _, &mut region, size) } > 0).then_some(region)
    }

    /// Whether there is memory at an address.
    pub fn is_mapped(address: *const u8) -> bool {
        query(address.addr()).is_some_and(|region| region.State == MEM_COMMIT)
    }

    /// Whether nothing is mapped or reserved there.
    pub fn is_free(address: *const u8) -> bool {
        query(address.addr()).is_some_and(|region| region.State == MEM_FREE)
    }

    /// How many views this process has.
    pub fn mappings() -> usize {
        let (mut at, mut views) = (0, std::collections::HashSet::new());
        while let Some(region) = query(at) {
            if region.State != MEM_FREE && region.Type == MEM_MAPPED {
                views.insert(region.AllocationBase.addr());
            }
            at = region.BaseAddress.addr() + region.RegionSize;
        }
        views.len()
    }

    /// Handles that this process has open, below a limit. GetProcessHandleCount always reports 0 under wine.
    pub fn descriptors() -> usize {
        const LIMIT: usize = 0x4000;
        let is_open = |number: &usize| {
            let mut flags = 0;
            // SAFETY: writes one number to the place given, and fails for what is no handle.
            unsafe { GetHandleInformation(std::ptr::without_provenance_mut(*number), &mut flags) != 0 }
        };
        (4..LIMIT).step_by(4).filter(is_open).count()
    }
}

#[cfg(windows)]
#[allow(unused_imports, reason = "each test program uses its own part of this")]
pub use windows::{descriptors, is_free, is_mapped, mappings};

/// Hides guard regions from this thread and its children, as on a kernel before Linux 6.13. Returns false, and prints that as
/// skipped, if that is not possible.
#[cfg(target_os = "linux")]
pub fn without_guard_regions() -> bool {
    const LOW_HALF: u32 = if cfg!(target_endian = "big") { 4 } else { 0 };
    // In struct seccomp_data the number of the call comes first; the arguments, of 64 bits each, begin at 16.
    const ADVICE: u32 = 16 + 2 * 8 + LOW_HALF;
    let load = |k| libc::sock_filter { code: 0x20, jt: 0, jf: 0, k };
    let unless_equal = |value, skip| libc::sock_filter { code: 0x15, jt: 0, jf: skip, k: value };
    let unless_at_least = |value, skip| libc::sock_filter { code: 0x35, jt: 0, jf: skip, k: value };
    let done = |k| libc::sock_filter { code: 0x06, jt: 0, jf: 0, k };
    let mut filter = [
        load(0),
        unless_equal(u32::try_from(libc::SYS_madvise).unwrap(), 3),
        load(ADVICE),
        unless_at_least(102, 1), // MADV_GUARD_INSTALL, and MADV_GUARD_REMOVE after it
        done(libc::SECCOMP_RET_ERRNO | libc::EINVAL as u32),
        done(libc::SECCOMP_RET_ALLOW),
    ];
    let program = libc::sock_fprog { len: u16::try_from(filter.len()).unwrap(), filter: filter.as_mut_ptr() };
    let memory = Mapping::anonymous(abi::mmap_wrap_page_size(), READ_WRITE, MAP_PRIVATE).unwrap();
    // SAFETY: the filter is read, and the advice drops a page of this function's own.
    let (filtered, error) = unsafe {
        let one = 1 as libc::c_ulong;
        let filtered = libc::prctl(libc::PR_SET_NO_NEW_PRIVS, one, 0 as libc::c_ulong, 0 as libc::c_ulong, 0 as libc::c_ulong)
            == 0
            && libc::prctl(libc::PR_SET_SECCOMP, libc::c_ulong::from(libc::SECCOMP_MODE_FILTER), &raw const program) == 0;
        let error = std::io::Error::last_os_error();
        (filtered, if libc::madvise(memory.address().cast(), memory.length(), 102) == 0 { Some(error) } else { None })
    };
    if let Some(error) = &error {
        println!("skipped: this kernel has guard regions, and no filter to hide them: {filtered}, {error}");
    }
    error.is_none()
}

/// Whether the library has loops for this processor, whose faults it repairs.
pub const LOOPS: bool = cfg!(any(target_arch = "x86_64", target_arch = "aarch64"));

/// Whether a child process can share this one's memory, as posix_spawn(3) makes one: atomic operations whose fault could not
/// be repaired are made by such a process. Some emulators do not support that, which is printed as skipped.
#[cfg(unix)]
pub fn processes_share_memory() -> bool {
    extern "C" fn end(_: *mut libc::c_void) -> i32 {
        0
    }
    let mut stack = [0u128; 4096];
    let top = stack.as_mut_ptr_range().end.cast();
    // SAFETY: the child ends at once, on a stack of its own, and this thread waits for it.
    let child = unsafe { libc::clone(end, top, libc::CLONE_VM | libc::CLONE_VFORK, std::ptr::null_mut()) };
    if child < 0 {
        println!("skipped: no child process shares its parent's memory here: {}", std::io::Error::last_os_error());
        return false;
    }
    // SAFETY: waits for our own child.
    assert_eq!(unsafe { libc::waitpid(child, std::ptr::null_mut(), libc::__WALL) }, child);
    true
}

/// Windows has no such processes.
#[cfg(windows)]
pub fn processes_share_memory() -> bool {
    false
}

/// Whether there are atomic operations, while the handlers are the library's.
pub fn atomics() -> bool {
    LOOPS || processes_share_memory()
}

/// Whether si_addr is the address of a fault. With one emulator it is not.
#[cfg(unix)]
pub fn faults_have_addresses() -> bool {
    static CLOSED: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
    extern "C" fn compare(_: i32, info: *mut libc::siginfo_t, _: *mut libc::c_void) {
        // SAFETY: the kernel passes it, as SA_SIGINFO asks; the child ends here.
        unsafe { libc::_exit(i32::from((*info).si_addr().addr() != CLOSED.load(SeqCst))) }
    }
    let memory = Mapping::anonymous(abi::mmap_wrap_page_size(), 0, MAP_PRIVATE).unwrap();
    CLOSED.store(memory.address().addr() + 5, SeqCst);
    let status = forked(|| {
        // SAFETY: the handler ends this child, whose access faults.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = compare as *const () as usize;
            action.sa_flags = libc::SA_SIGINFO;
            libc::sigaction(libc::SIGSEGV, &action, std::ptr::null_mut());
            memory.address().add(5).write_volatile(1);
        }
        2
    });
    if status != 0 {
        println!("skipped: si_addr is not the address of a fault here: an error of an emulator");
    }
    status == 0
}

/// Whether a process can open the unnamed file of a mapping by the kernel's link to it: with CAP_CHECKPOINT_RESTORE, which root
/// has, except in a user namespace.
#[cfg(target_os = "linux")]
pub fn finds_files_without_names() -> bool {
    let memory = anonymous(abi::mmap_wrap_page_size());
    let start = memory.address().addr();
    let link = format!("/proc/self/map_files/{:x}-{:x}", start, start + page().0);
    let found = std::fs::File::open(&link);
    if let Err(error) = &found {
        println!("skipped: a file without its name is not found: /proc/self/map_files: {error}");
    }
    found.is_ok()
}

/// Whether the kernel reports the size of the pages of a mapping: PROCMAP_QUERY, from Linux 6.11 on.
#[cfg(target_os = "linux")]
pub fn reports_page_sizes() -> bool {
    const PROCMAP_QUERY: libc::Ioctl = libc::_IOWR::<[u64; 13]>(b'f' as u32, 17);
    let maps = std::fs::File::open("/proc/self/maps").unwrap();
    // SAFETY: the kernel reads and writes no more than the size in the first member, which is too small for any.
    unsafe { libc::ioctl(std::os::fd::AsRawFd::as_raw_fd(&maps), PROCMAP_QUERY, &mut [0_u64; 13]) };
    let error = std::io::Error::last_os_error();
    if error.raw_os_error() == Some(libc::ENOTTY) {
        println!("skipped: the size of a mapping's pages is not reported: PROCMAP_QUERY: {error}");
    }
    error.raw_os_error() != Some(libc::ENOTTY)
}

/// Whether the kernel counts the pages of a mapping in /proc/self/smaps. One emulator has zeros there.
#[cfg(target_os = "linux")]
pub fn counts_pages() -> bool {
    let smaps = std::fs::read_to_string("/proc/self/smaps").unwrap();
    let counts = smaps.lines().filter_map(|line| line.strip_prefix("Rss:")).any(|count| count.trim() != "0 kB");
    if !counts {
        println!("skipped: /proc/self/smaps counts no pages of this program: an error of an emulator");
    }
    counts
}

/// Whether accesses that could fault need no descriptors: with the library's loops, or with process_vm_readv(2), which some
/// emulators do not have.
#[cfg(target_os = "linux")]
pub fn accesses_need_no_descriptors() -> bool {
    let (from, mut to) = ([1_u8], [0_u8]);
    let source = libc::iovec { iov_base: from.as_ptr().cast_mut().cast(), iov_len: 1 };
    let target = libc::iovec { iov_base: to.as_mut_ptr().cast(), iov_len: 1 };
    // SAFETY: copies one byte between arrays of this function's.
    let copied = unsafe { libc::process_vm_readv(libc::getpid(), &target, 1, &source, 1, 0) };
    if !LOOPS && copied != 1 {
        println!("skipped: accesses need descriptors: process_vm_readv: {}", std::io::Error::last_os_error());
    }
    LOOPS || copied == 1
}

/// Whether the kernel supports an advice, for private memory. Some emulators support fewer, which is printed as skipped.
#[cfg(unix)]
pub fn takes_advice(advice: i64) -> bool {
    let memory = Mapping::anonymous(abi::mmap_wrap_page_size(), READ_WRITE, MAP_PRIVATE).unwrap();
    let outcome = memory.advise(advice, 0, mmap_wrap::internals::range::REST);
    if let Err(error) = &outcome {
        println!("skipped: {error}");
    }
    outcome.is_ok()
}

/// The result for a length that exceeds every address space: with addresses of 32 bits, the number itself is out of range.
pub const TOO_LONG: i64 =
    if size_of::<usize>() < 8 { mmap_wrap::internals::error::MMAP_WRAP_E_RANGE } else { -(libc::ENOMEM as i64) };

/// Forks; the child runs `body` and exits with its result. Returns that exit status, and fails on a signal.
#[cfg(unix)]
pub fn forked(body: impl FnOnce() -> i32) -> i32 {
    // SAFETY: the child runs `body`, which uses system calls and this library only, and ends by _exit.
    match unsafe { libc::fork() } {
        -1 => panic!("fork: {}", std::io::Error::last_os_error()),
        0 => {
            // A child that hangs must not hang the test: SIGALRM ends it.
            // SAFETY: sets a timer of this process.
            unsafe { libc::alarm(30) };
            // A failed assertion must not unwind out of here: the child's thread would end, and with it the child, with status 0.
            let status = std::panic::catch_unwind(std::panic::AssertUnwindSafe(body)).unwrap_or(101);
            // SAFETY: ends the child at once, without the parent's exit handlers.
            unsafe { libc::_exit(status) }
        }
        child => {
            let mut status = 0;
            // SAFETY: waits for our own child, and writes one int.
            assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
            assert!(libc::WIFEXITED(status), "the child died by signal {}", libc::WTERMSIG(status));
            libc::WEXITSTATUS(status)
        }
    }
}

/// A mounted file system, unmounted when it is dropped. None, printed as skipped, if mounting is not permitted.
#[cfg(unix)]
pub struct Mount(tempfile::TempDir);

#[cfg(unix)]
impl Mount {
    pub fn new(arguments: &[&str]) -> Option<Mount> {
        let folder = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount").args(arguments).arg(folder.path()).output();
        match mounted {
            Ok(output) if output.status.success() => Some(Mount(folder)),
            Ok(output) => {
                println!("skipped: mount {arguments:?}: {}", String::from_utf8_lossy(&output.stderr).trim());
                None
            }
            Err(error) => {
                println!("skipped: no mount: {error}");
                None
            }
        }
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }
}

#[cfg(unix)]
impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

/// A file as a block device, until it is dropped. None, printed as skipped, if there is no loop device.
#[cfg(unix)]
pub struct LoopDevice(std::path::PathBuf);

#[cfg(unix)]
impl LoopDevice {
    pub fn new(image: &Path) -> Option<LoopDevice> {
        match Command::new("losetup").args(["--find", "--show"]).arg(image).output() {
            Ok(output) if output.status.success() => {
                Some(LoopDevice(String::from_utf8(output.stdout).unwrap().trim_end().into()))
            }
            Ok(output) => {
                println!("skipped: losetup: {}", String::from_utf8_lossy(&output.stderr).trim());
                None
            }
            Err(error) => {
                println!("skipped: no losetup: {error}");
                None
            }
        }
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

#[cfg(unix)]
impl Drop for LoopDevice {
    fn drop(&mut self) {
        let _ = Command::new("losetup").arg("--detach").arg(&self.0).status();
    }
}

/// Runs `body` in a separate process as an unprivileged user (nobody).
#[cfg(unix)]
pub fn as_unprivileged_user(body: impl FnOnce()) -> bool {
    const NOBODY: u32 = 65534;
    // SAFETY: changes the rights of this process, which ends soon.
    if unsafe {
        libc::geteuid() != 0 || libc::setgroups(0, std::ptr::null()) != 0 || libc::setresuid(NOBODY, NOBODY, NOBODY) != 0
    } {
        println!("skipped: only root can become another user");
        return false;
    }
    body();
    true
}

/// The page size, as `usize` and as `i64`.
pub fn page() -> (usize, i64) {
    let page = abi::mmap_wrap_page_size();
    (usize::try_from(page).unwrap(), page)
}

/// The types of file systems in memory, as fstatfs(2) reports them.
#[cfg(unix)]
pub const TMPFS: i128 = libc::TMPFS_MAGIC as i128;
#[cfg(unix)]
pub const IN_MEMORY: [i128; 2] = [TMPFS, 0x8584_58F6];

/// The type of the file system of a file.
#[cfg(unix)]
pub fn file_system_of(file: &std::fs::File) -> i128 {
    // SAFETY: writes one statfs.
    let info = unsafe {
        let mut info: libc::statfs = std::mem::zeroed();
        assert_eq!(libc::fstatfs(std::os::fd::AsRawFd::as_raw_fd(file), &mut info), 0);
        info
    };
    i128::from(info.f_type)
}

/// A file of so many pages of sevens on a disk, in the directory of the package. None, printed as skipped, if that is on a file
/// system in memory, whose pages cannot be evicted.
#[cfg(unix)]
pub fn file_on_disk(pages: usize) -> Option<std::fs::File> {
    let mut file = tempfile::tempfile_in(".").unwrap();
    // One by one, or the kernel would use large folios, which it keeps or evicts as a whole.
    (0..pages).for_each(|_| std::io::Write::write_all(&mut file, &vec![7; page().0]).unwrap());
    if IN_MEMORY.contains(&file_system_of(&file)) {
        println!("skipped: the directory of the package is in memory (tmpfs, ramfs), not on a disk");
        return None;
    }
    Some(file)
}

/// The message of this thread's last error.
pub fn message() -> String {
    // SAFETY: the text is valid until the next message of this thread.
    unsafe { std::ffi::CStr::from_ptr(abi::mmap_wrap_last_error_message()) }.to_str().unwrap().to_owned()
}

/// Asserts the code of a call, and a part of its message.
pub fn assert_fails(result: i64, code: i64, text: &str) {
    // SAFETY: a text that is constant.
    let name = unsafe { std::ffi::CStr::from_ptr(abi::mmap_wrap_strerror(result)) };
    assert_eq!(result, code, "{name:?}: {}", message());
    assert!(message().contains(text), "'{}' lacks '{text}'", message());
}

/// Which pages are in memory, as mincore(2) reports them.
#[cfg(unix)]
pub fn mincore(mapping: &Mapping, offset: i64, size: i64) -> Vec<u8> {
    let mut pages = vec![std::mem::MaybeUninit::new(9); mapping.length() / page().0 + 2];
    let count = mapping.mincore(&mut pages[..], offset, size).unwrap();
    // SAFETY: all bytes are initialised.
    let bytes: Vec<u8> = pages.into_iter().map(|byte| unsafe { byte.assume_init() }).collect();
    assert!(bytes[count..].iter().all(|byte| *byte == 9), "bytes beyond the range's pages stay");
    bytes[..count].to_vec()
}

/// A file in memory.
#[cfg(unix)]
pub fn memfd(bytes: usize) -> std::fs::File {
    // SAFETY: the name ends in NUL; the descriptor is new, so it is ours.
    let file = unsafe {
        <std::fs::File as std::os::fd::FromRawFd>::from_raw_fd(libc::memfd_create(c"test".as_ptr(), libc::MFD_CLOEXEC))
    };
    file.set_len(bytes as u64).unwrap();
    file
}

/// The number of a file's descriptor.
#[cfg(unix)]
pub fn fd(file: &std::fs::File) -> i64 {
    std::os::fd::AsRawFd::as_raw_fd(file).into()
}

/// All of a file from the offset on, for reading and writing.
#[cfg(unix)]
pub fn map_file(file: &std::fs::File, flags: i64, offset: i64) -> Mapping {
    from_descriptor(0, mmap_wrap::internals::range::REST, READ_WRITE, flags, fd(file), offset).unwrap()
}
