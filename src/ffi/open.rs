//! Opening and creating files, memory files
//!
//! A mapping of a named file does not keep the file open, unless MMAP_WRAP_KEEP is set in its flags; a mapping of a memory file
//! always does. A kept file can be resized with its mapping (mremap_wrap), duplicated (mmap_wrap_dup_fd) and sealed. It is
//! closed when the mapping is unmapped.
//!
//! Unless stated otherwise, functions return the handle, an error of mmap_wrap, or -errno of opening the file. On failure no
//! descriptor, file or changed size is left behind. A size above RLIMIT_FSIZE is -EFBIG; SIGXFSZ is not raised.

use super::boundary::{boundary, read_members, text_at};
use super::mapping::mmap_wrap_handle;
use crate::constants::{MAP_SHARED, O_CREAT, O_RDWR, PROT_READ, PROT_WRITE};
use crate::error::Result;
use crate::mapping::{KEEP, Mapping, Name, OR_PRIVATE, OpenRequest};
use crate::range::REST;
use crate::registry::{self, pin};
use crate::source::unlink_shared_memory;
use crate::sys;
use std::ffi::c_char;

/// Flag of every function that maps a file: the mapping keeps the file open.
pub const MMAP_WRAP_KEEP: i64 = 4294967296;

/// Flag of every function that maps a file, together with MAP_SHARED and without PROT_WRITE: if the file cannot be mapped
/// shared (FUSE with direct I/O, some files of sysfs), it is mapped privately, which reads the same bytes. Such a mapping
/// cannot be made writable (-EACCES). The flags in struct mmap_wrap_info show which it is.
pub const MMAP_WRAP_OR_PRIVATE: i64 = 8589934592;

const _: () = assert!(MMAP_WRAP_KEEP == KEEP && MMAP_WRAP_OR_PRIVATE == OR_PRIVATE);

/// How mmap_open_wrap and mmap_shm_wrap open, size and map. Begin with MMAP_WRAP_OPEN_OPTIONS_INIT and set what differs.
/// Later versions may add members at the end.
#[repr(C)]
pub struct mmap_wrap_open_options {
    /// O_RDONLY or O_RDWR, with O_CREAT, O_EXCL, O_TRUNC, O_NOFOLLOW, O_TMPFILE (path is then the directory), O_SYNC,
    /// O_DSYNC, O_DIRECT, O_NOATIME: the platform's values. The descriptor is always close-on-exec.
    pub open_flags: i64,
    /// Permissions of a file that is created, less the umask.
    pub mode: i64,
    /// Size of the file in bytes, or MMAP_WRAP_REST: the size is not changed.
    pub size: i64,
    /// 1: the file system allocates blocks for the whole size, so that a full disk is -ENOSPC now and not a fault later.
    pub allocate: i64,
    /// Bytes to map, or MMAP_WRAP_REST: to the end of the file.
    pub length: i64,
    /// PROT_ bits.
    pub prot: i64,
    /// MAP_ bits, and MMAP_WRAP_KEEP, MMAP_WRAP_OR_PRIVATE.
    pub flags: i64,
    /// File offset of the first byte to map.
    pub offset: i64,
}

/// Opens or creates the file at path, sets its size, and maps it, as options says; options_size is sizeof of the struct.
///
/// With allocate, the call fails with -errno or MMAP_WRAP_E_UNSUPPORTED if the file system cannot allocate. On failure a file
/// that did not exist is removed and an existing one has its former size; it is truncated only after all other steps have
/// succeeded. (O_TRUNC truncates at once.) A block device has its own size; other devices need a length.
///
/// A file that is created with a size gets its name only when it has the size (O_TMPFILE and linkat(2)), so that a process that
/// opens it meanwhile never finds it empty; on a file system without O_TMPFILE another process can open it while it is empty.
///
/// options_size must be a multiple of 8, and members that this version of the library does not know must be 0, else the call
/// fails with MMAP_WRAP_E_ARGUMENT; so it does if options is NULL. If options_size is smaller than the library's struct, the
/// missing members have the values of MMAP_WRAP_OPEN_OPTIONS_INIT.
///
/// ```c
/// struct mmap_wrap_open_options options = MMAP_WRAP_OPEN_OPTIONS_INIT;
/// options.open_flags = O_RDWR | O_CREAT;
/// options.mode = 0644;
/// options.size = 8192;
/// options.prot = PROT_READ | PROT_WRITE;
/// options.flags = MAP_SHARED;
/// mmap_wrap_handle h = mmap_open_wrap("table", &options, sizeof options);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_open_wrap(
    path: *const c_char,
    options: *const mmap_wrap_open_options,
    options_size: i64,
) -> mmap_wrap_handle {
    boundary("mmap_open_wrap", || open(Name::Path(text_at(path, "path")?), options, options_size))
}

/// Opens or creates the file at path and maps all of it, shared, for reading and writing: mmap_open_wrap with O_RDWR |
/// O_CREAT. size and mode are as in mmap_wrap_open_options.
///
/// ```c
/// mmap_wrap_handle h = mmap_create_wrap("table", 8192, 0644);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_create_wrap(path: *const c_char, size: i64, mode: i64) -> mmap_wrap_handle {
    boundary("mmap_create_wrap", || {
        let name = Name::Path(text_at(path, "path")?);
        let open = OpenRequest { name, flags: O_RDWR | O_CREAT, mode, size, allocate: false };
        registry::insert(|| Mapping::open(open, REST, PROT_READ | PROT_WRITE, MAP_SHARED, 0))
    })
}

/// Does the same as mmap_open_wrap for POSIX shared memory: name is that of shm_open(3), "/like-this". It exists until
/// shm_unlink_wrap.
///
/// Other processes use it at the same time, so size can only enlarge it, and length MMAP_WRAP_REST maps all of it.
/// O_TRUNC and mremap_wrap can shrink it. On failure, existing shared memory that was enlarged stays so.
///
/// Where size and length are MMAP_WRAP_REST and the memory has 0 bytes, another process has created it by shm_open(3) and
/// is about to size it: the call waits for that up to a second, then fails with -ETIMEDOUT.
///
/// ```c
/// struct mmap_wrap_open_options options = MMAP_WRAP_OPEN_OPTIONS_INIT;
/// options.open_flags = O_RDWR | O_CREAT;
/// options.mode = 0600;
/// options.size = 4096;
/// options.prot = PROT_READ | PROT_WRITE;
/// options.flags = MAP_SHARED;
/// mmap_wrap_handle h = mmap_shm_wrap("/counters", &options, sizeof options);
/// shm_unlink_wrap("/counters");
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_shm_wrap(
    name: *const c_char,
    options: *const mmap_wrap_open_options,
    options_size: i64,
) -> mmap_wrap_handle {
    boundary("mmap_shm_wrap", || open(Name::SharedMemory(text_at(name, "name")?), options, options_size))
}

fn open(name: Name, options: *const mmap_wrap_open_options, options_size: i64) -> Result<i64> {
    // The members in their order, as MMAP_WRAP_OPEN_OPTIONS_INIT has them.
    let mut members = [0, 0, REST, 0, REST, 0, 0, 0];
    read_members(options.cast(), options_size, "struct mmap_wrap_open_options", &mut members)?;
    let [open_flags, mode, size, allocate, length, prot, flags, offset] = members;
    let open = OpenRequest { name, flags: open_flags, mode, size, allocate: allocate != 0 };
    registry::insert(|| Mapping::open(open, length, prot, flags, offset))
}

/// Removes the name of POSIX shared memory. Existing mappings and descriptors stay valid. Returns 0, or -errno (ENOENT,
/// EACCES).
///
/// ```c
/// shm_unlink_wrap("/counters");
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn shm_unlink_wrap(name: *const c_char) -> i64 {
    boundary("shm_unlink_wrap", || unlink_shared_memory(text_at(name, "name")?).map(|()| 0))
}

/// Creates a memory file of len bytes and maps it: memfd_create(2). name is shown in /proc only. memfd_flags are MFD_ values:
/// MFD_ALLOW_SEALING allows seals, with MFD_HUGETLB the file consists of huge pages.
///
/// MMAP_WRAP_E_UNSUPPORTED if the system has no memory files.
///
/// ```c
/// int64_t prot = PROT_READ | PROT_WRITE;
/// mmap_wrap_handle h = mmap_memfd_wrap("counters", MFD_ALLOW_SEALING, 4096, prot, MAP_SHARED);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_memfd_wrap(
    name: *const c_char,
    memfd_flags: i64,
    len: i64,
    prot: i64,
    flags: i64,
) -> mmap_wrap_handle {
    boundary("mmap_memfd_wrap", || {
        let name = text_at(name, "name")?;
        registry::insert(|| Mapping::from_memfd(name, memfd_flags, len, prot, flags))
    })
}

/// Creates len bytes of secret memory and maps it: memfd_secret(2). It is locked, removed from the kernel's own mappings, and
/// not readable by debuggers or through /proc/PID/mem. A forked child shares it, unless madvise_wrap is called with
/// MADV_DONTFORK. It counts towards RLIMIT_MEMLOCK (-EAGAIN, -EPERM).
///
/// MMAP_WRAP_E_UNSUPPORTED before Linux 5.14, and before Linux 6.5 without the boot parameter secretmem.enable=1.
///
/// ```c
/// mmap_wrap_handle key = mmap_secret_wrap(32, PROT_READ | PROT_WRITE);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_secret_wrap(len: i64, prot: i64) -> mmap_wrap_handle {
    boundary("mmap_secret_wrap", || registry::insert(|| Mapping::from_secret(len, prot)))
}

/// Creates a file of len bytes that has no name, with the best mechanism available, and maps it: a memory file, else shared
/// memory, else an unlinked file in the directory for temporary files. Use it for memory whose descriptor is passed to other
/// processes.
///
/// ```c
/// mmap_wrap_handle h = mmap_unnamed_wrap(4096, PROT_READ | PROT_WRITE, MAP_SHARED);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_unnamed_wrap(len: i64, prot: i64, flags: i64) -> mmap_wrap_handle {
    boundary("mmap_unnamed_wrap", || registry::insert(|| Mapping::from_unnamed(len, prot, flags)))
}

/// Returns a new descriptor of the file that the mapping keeps open; the caller closes it. It is close-on-exec. Errors:
/// -EMFILE; MMAP_WRAP_E_ARGUMENT if no file is kept; MMAP_WRAP_E_HANDLE; MMAP_WRAP_E_UNMAPPED.
///
/// ```c
/// int64_t fd = mmap_wrap_dup_fd(h);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_dup_fd(h: mmap_wrap_handle) -> i64 {
    boundary("mmap_wrap_dup_fd", || Ok(sys::into_raw(pin(h)?.descriptor()?).into()))
}

/// Returns the F_SEAL_ bits of the memory file that the mapping keeps open. Errors: -EINVAL if the file cannot have seals;
/// MMAP_WRAP_E_ARGUMENT if no file is kept; MMAP_WRAP_E_UNSUPPORTED; MMAP_WRAP_E_HANDLE; MMAP_WRAP_E_UNMAPPED. (mseal_wrap
/// seals the mapping, not the file.)
///
/// ```c
/// if (mmap_wrap_file_seals(h) & F_SEAL_SHRINK) puts("no access to it can fault");
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_file_seals(h: mmap_wrap_handle) -> i64 {
    boundary("mmap_wrap_file_seals", || pin(h)?.file_seals())
}

/// Adds F_SEAL_ bits to the memory file that the mapping keeps open. Seals cannot be removed. Returns 0. Errors: -EPERM if the
/// file has F_SEAL_SEAL or was created without MFD_ALLOW_SEALING; -EBUSY for F_SEAL_WRITE while a writable shared mapping
/// exists; those of mmap_wrap_file_seals.
///
/// ```c
/// mmap_wrap_add_file_seals(h, F_SEAL_SHRINK | F_SEAL_GROW);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_add_file_seals(h: mmap_wrap_handle, seals: i64) -> i64 {
    boundary("mmap_wrap_add_file_seals", || pin(h)?.add_file_seals(seals).map(|()| 0))
}
