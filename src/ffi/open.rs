//! Files that are opened or made, and files in memory
//!
//! A mapping of a named file keeps no descriptor, unless MMAP_WRAP_KEEP is or'ed to its flags; one of a memory file
//! keeps it, for there is no other way to it. What a kept file is good for: mmap_wrap_dup_fd hands it out, mremap_wrap
//! resizes it, seals are added to it. It is closed with the mapping.
//!
//! All answer the handle, or what mmap_wrap does, or -errno of opening, or what is named beside them. On any failure
//! nothing is left behind. A size above RLIMIT_FSIZE is -EFBIG and no SIGXFSZ.

use super::boundary::{boundary, read_members, text_at};
use super::mapping::mmap_wrap_handle;
use crate::constants::{MAP_SHARED, O_CREAT, O_RDWR, PROT_READ, PROT_WRITE};
use crate::error::Result;
use crate::mapping::{KEEP, Mapping, Name, OR_PRIVATE, Open};
use crate::range::REST;
use crate::registry::{self, pin};
use crate::source::unlink_shared_memory;
use crate::sys;
use std::ffi::c_char;

/// A flag for every call that maps a file: the mapping keeps it open.
pub const MMAP_WRAP_KEEP: i64 = 4294967296;

/// A flag for every call that maps a file, beside MAP_SHARED and without PROT_WRITE: where the file takes no shared mapping
/// (FUSE with direct I/O, some files of sysfs), the mapping is private, which reads the same bytes; it cannot be made
/// writable then (-EACCES). The flags in struct mmap_wrap_info say which it is.
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
    /// Bytes that the file is made long, or MMAP_WRAP_REST: the size is not changed.
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
/// With allocate, -errno or MMAP_WRAP_E_UNSUPPORTED where the file system cannot allocate. On failure a file that did not
/// exist is removed and an existing one has its former size; it is made smaller only after everything else has succeeded.
/// (O_TRUNC truncates at once.) A block device has its own size; other devices need a length.
///
/// A file that is created with a size gets its name only when it has the size (O_TMPFILE and linkat(2)), so that a process
/// that opens it meanwhile never finds it empty; on a file system without O_TMPFILE it can.
///
/// MMAP_WRAP_E_ARGUMENT: options is NULL, options_size is not a multiple of 8, or a member that this version of the library
/// does not know is not 0. Members beyond a smaller options_size have the values of MMAP_WRAP_OPEN_OPTIONS_INIT.
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
        let open = Open { name, flags: O_RDWR | O_CREAT, mode, size, allocate: false };
        registry::insert(|| Mapping::open(open, REST, PROT_READ | PROT_WRITE, MAP_SHARED, 0))
    })
}

/// Does the same as mmap_open_wrap for POSIX shared memory: name is that of shm_open(3), "/like-this". It exists until
/// shm_unlink_wrap.
///
/// Other processes use it at the same time, so size only enlarges it: larger shared memory keeps its size, and
/// MMAP_WRAP_REST maps all of it. O_TRUNC and mremap_wrap make it smaller. On failure, existing shared memory that was
/// enlarged stays so.
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
    let open = Open { name, flags: open_flags, mode, size, allocate: allocate != 0 };
    registry::insert(|| Mapping::open(open, length, prot, flags, offset))
}

/// Removes the name of POSIX shared memory. Who has it mapped or open keeps it. Returns 0, or -errno (ENOENT, EACCES).
///
/// ```c
/// shm_unlink_wrap("/counters");
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn shm_unlink_wrap(name: *const c_char) -> i64 {
    boundary("shm_unlink_wrap", || unlink_shared_memory(text_at(name, "name")?).map(|()| 0))
}

/// Makes a memory file of len bytes and maps it: memfd_create(2). name is for /proc only. memfd_flags are MFD_ values;
/// seals need MFD_ALLOW_SEALING. With MFD_HUGETLB the file is of whole huge pages.
///
/// MMAP_WRAP_E_UNSUPPORTED: this system has no memory files.
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

/// Makes len bytes of secret memory and maps it: memfd_secret(2). It is locked into memory, left out of the kernel's own
/// view, and unreadable for debuggers and /proc/PID/mem. A forked child shares it; madvise_wrap with MADV_DONTFORK keeps it
/// to this process. It counts against RLIMIT_MEMLOCK (-EAGAIN, -EPERM).
///
/// MMAP_WRAP_E_UNSUPPORTED: Linux before 5.14, or before 6.5 without the boot parameter secretmem.enable=1.
///
/// ```c
/// mmap_wrap_handle key = mmap_secret_wrap(32, PROT_READ | PROT_WRITE);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_secret_wrap(len: i64, prot: i64) -> mmap_wrap_handle {
    boundary("mmap_secret_wrap", || registry::insert(|| Mapping::from_secret(len, prot)))
}

/// Makes a file of len bytes that has no name, by the best means there are, and maps it: a memory file, else shared
/// memory, else an unlinked file in the folder for temporary files. For memory whose descriptor is passed on.
///
/// ```c
/// mmap_wrap_handle h = mmap_unnamed_wrap(4096, PROT_READ | PROT_WRITE, MAP_SHARED);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_unnamed_wrap(len: i64, prot: i64, flags: i64) -> mmap_wrap_handle {
    boundary("mmap_unnamed_wrap", || registry::insert(|| Mapping::from_unnamed(len, prot, flags)))
}

/// A new descriptor of the file that the mapping keeps open, for the caller to pass to another process and to close. It
/// is closed on exec. Or -EMFILE, MMAP_WRAP_E_ARGUMENT where no file is kept, MMAP_WRAP_E_HANDLE, MMAP_WRAP_E_UNMAPPED.
///
/// ```c
/// int64_t fd = mmap_wrap_dup_fd(h);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_dup_fd(h: mmap_wrap_handle) -> i64 {
    boundary("mmap_wrap_dup_fd", || Ok(sys::into_raw(pin(h)?.descriptor()?).into()))
}

/// The F_SEAL_ values of the memory file that the mapping keeps open. Or -EINVAL where the file cannot be sealed,
/// MMAP_WRAP_E_ARGUMENT where no file is kept, MMAP_WRAP_E_UNSUPPORTED, MMAP_WRAP_E_HANDLE, MMAP_WRAP_E_UNMAPPED.
///
/// ```c
/// if (mmap_wrap_file_seals(h) & F_SEAL_SHRINK) puts("no access to it can fault");
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_file_seals(h: mmap_wrap_handle) -> i64 {
    boundary("mmap_wrap_file_seals", || pin(h)?.seals())
}

/// Adds F_SEAL_ values to the memory file's. They cannot be taken off. Returns 0, or -EPERM (sealed against sealing, or
/// made without MFD_ALLOW_SEALING), -EBUSY (F_SEAL_WRITE while a shared mapping can write), and what mmap_wrap_file_seals does.
///
/// ```c
/// mmap_wrap_add_file_seals(h, F_SEAL_SHRINK | F_SEAL_GROW);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_add_file_seals(h: mmap_wrap_handle, seals: i64) -> i64 {
    boundary("mmap_wrap_add_file_seals", || pin(h)?.add_seals(seals).map(|()| 0))
}
