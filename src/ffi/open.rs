//! Files that are opened or made, and files in memory
//!
//! A mapping of a named file keeps no descriptor, unless MMAP_WRAP_KEEP is or'ed to its flags; one of a memory file
//! keeps it, for there is no other way to it. What a kept file is good for: mmap_wrap_descriptor hands it out, mremap_wrap
//! resizes it, seals are added to it. It is closed with the mapping.
//!
//! All answer the handle, or what mmap_wrap does, or -errno of opening, or what is named beside them. On any failure
//! nothing is left behind. A size above RLIMIT_FSIZE is -EFBIG and no SIGXFSZ.

use super::boundary::{boundary, text_at};
use super::map::mmap_wrap_handle;
use crate::mapping::{KEEP, Mapping, Name, OR_PRIVATE, Open};
use crate::registry::{self, pin};
use crate::source::unlink_shared_memory;
use crate::sys;
use std::ffi::c_char;

/// A flag for every call that maps a file: the mapping keeps it open.
pub const MMAP_WRAP_KEEP: i64 = 4294967296;

/// A flag for every call that maps a file, beside MAP_SHARED and without PROT_WRITE: where the file takes no shared mapping
/// (FUSE with direct I/O, some files of sysfs), the mapping is private, which reads the same bytes; it cannot be made
/// writable then (-EACCES). The flags in struct mmap_wrap_facts say which it is.
pub const MMAP_WRAP_OR_PRIVATE: i64 = 8589934592;

const _: () = assert!(MMAP_WRAP_KEEP == KEEP && MMAP_WRAP_OR_PRIVATE == OR_PRIVATE);

/// Opens the file at path or makes it, gives it its size, and maps len bytes of it from offset on, as mmap_wrap does.
///
/// open_flags are the platform's O_ values: O_RDONLY or O_RDWR, with O_CREAT, O_EXCL, O_TRUNC, O_NOFOLLOW, O_TMPFILE
/// (path is then the folder), O_SYNC, O_DSYNC, O_DIRECT, O_NOATIME. The descriptor is closed on exec in any case. mode
/// is for a file that is made: its permissions, less the umask.
///
/// The file is made size bytes long, larger or smaller than it was; MMAP_WRAP_REST leaves it as it is. With allocate = 1
/// the file system sets blocks aside for all of it, so that a full disk is -ENOSPC now and not a fault later; -errno or
/// MMAP_WRAP_E_UNSUPPORTED where it cannot.
///
/// On failure a file that was not there is removed and one that was there has its former size; it is cut only after all
/// else is done. (O_TRUNC cuts at once.) A block device has its own size, other devices need len.
///
/// A file that is made with a size gets its name only when it has the size (O_TMPFILE and linkat(2)), so that a process
/// that opens it meanwhile never finds it empty; on a file system without O_TMPFILE it can.
///
/// ```c
/// mmap_wrap_handle h = mmap_open_wrap("table", O_RDWR | O_CREAT, 0644, 8192, 1, MMAP_WRAP_REST, PROT_READ | PROT_WRITE, MAP_SHARED, 0);
/// ```
#[unsafe(no_mangle)]
#[allow(clippy::too_many_arguments, reason = "open's, ftruncate's and mmap's")]
pub unsafe extern "C" fn mmap_open_wrap(
    path: *const c_char,
    open_flags: i64,
    mode: i64,
    size: i64,
    allocate: i64,
    len: i64,
    prot: i64,
    flags: i64,
    offset: i64,
) -> mmap_wrap_handle {
    boundary("mmap_open", || {
        let name = Name::Path(text_at(path, "path")?);
        let open = Open { name, flags: open_flags, mode, size, allocate: allocate != 0 };
        registry::insert(|| Mapping::open(open, len, prot, flags, offset))
    })
}

/// The same for POSIX shared memory: name is that of shm_open(3), "/like-this". It stays until shm_unlink_wrap.
///
/// Other processes use it at the same time, so a size only makes it larger: where it has more bytes, it keeps them, and
/// MMAP_WRAP_REST maps all of them. O_TRUNC and mremap_wrap make it smaller. On failure, memory that was there and was made
/// larger stays so.
///
/// Where size and len are MMAP_WRAP_REST and the memory has 0 bytes, another process has made it by shm_open(3) and is
/// about to size it: the call waits for that up to a second, then fails with -ETIMEDOUT.
///
/// ```c
/// mmap_wrap_handle h = mmap_shm_wrap("/counters", O_RDWR | O_CREAT, 0600, 4096, 0, MMAP_WRAP_REST, PROT_READ | PROT_WRITE, MAP_SHARED, 0);
/// shm_unlink_wrap("/counters");
/// ```
#[unsafe(no_mangle)]
#[allow(clippy::too_many_arguments, reason = "as above")]
pub unsafe extern "C" fn mmap_shm_wrap(
    name: *const c_char,
    open_flags: i64,
    mode: i64,
    size: i64,
    allocate: i64,
    len: i64,
    prot: i64,
    flags: i64,
    offset: i64,
) -> mmap_wrap_handle {
    boundary("mmap_shm", || {
        let name = Name::SharedMemory(text_at(name, "name")?);
        let open = Open { name, flags: open_flags, mode, size, allocate: allocate != 0 };
        registry::insert(|| Mapping::open(open, len, prot, flags, offset))
    })
}

/// Removes the name of POSIX shared memory. Who has it mapped or open keeps it. Returns 0, or -errno (ENOENT, EACCES).
///
/// ```c
/// shm_unlink_wrap("/counters");
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn shm_unlink_wrap(name: *const c_char) -> i64 {
    boundary("shm_unlink", || unlink_shared_memory(text_at(name, "name")?).map(|()| 0))
}

/// Makes a memory file of len bytes and maps it: memfd_create(2). name is for /proc only. memfd_flags are MFD_ values;
/// seals need MFD_ALLOW_SEALING. With MFD_HUGETLB the file is of whole huge pages.
///
/// MMAP_WRAP_E_UNSUPPORTED: this system has no memory files.
///
/// ```c
/// mmap_wrap_handle h = mmap_memfd_wrap("counters", MFD_ALLOW_SEALING, 4096, PROT_READ | PROT_WRITE, MAP_SHARED);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_memfd_wrap(
    name: *const c_char,
    memfd_flags: i64,
    len: i64,
    prot: i64,
    flags: i64,
) -> mmap_wrap_handle {
    boundary("mmap_memfd", || {
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
    boundary("mmap_secret", || registry::insert(|| Mapping::from_secret(len, prot)))
}

/// Makes a file of len bytes that has no name, by the best means there are, and maps it: a memory file, else shared
/// memory, else an unlinked file in the folder for temporary files. For memory whose descriptor is passed on.
///
/// ```c
/// mmap_wrap_handle h = mmap_unnamed_wrap(4096, PROT_READ | PROT_WRITE, MAP_SHARED);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_unnamed_wrap(len: i64, prot: i64, flags: i64) -> mmap_wrap_handle {
    boundary("mmap_unnamed", || registry::insert(|| Mapping::from_unnamed(len, prot, flags)))
}

/// A new descriptor of the file that the mapping keeps open, for the caller to pass to another process and to close. It
/// is closed on exec. Or -EMFILE, MMAP_WRAP_E_ARGUMENT where no file is kept, MMAP_WRAP_E_HANDLE, MMAP_WRAP_E_UNMAPPED.
///
/// ```c
/// int64_t fd = mmap_wrap_descriptor(h);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_descriptor(h: mmap_wrap_handle) -> i64 {
    boundary("mmap_wrap_descriptor", || Ok(sys::into_raw(pin(h)?.descriptor()?).into()))
}

/// The F_SEAL_ values of the memory file that the mapping keeps open. Or -EINVAL where the file cannot be sealed,
/// MMAP_WRAP_E_ARGUMENT where no file is kept, MMAP_WRAP_E_UNSUPPORTED, MMAP_WRAP_E_HANDLE, MMAP_WRAP_E_UNMAPPED.
///
/// ```c
/// if (mmap_wrap_seals(h) & F_SEAL_SHRINK) puts("no access to it can fault");
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_seals(h: mmap_wrap_handle) -> i64 {
    boundary("mmap_wrap_seals", || pin(h)?.seals())
}

/// Adds F_SEAL_ values to the memory file's. They cannot be taken off. Returns 0, or -EPERM (sealed against sealing, or
/// made without MFD_ALLOW_SEALING), -EBUSY (F_SEAL_WRITE while a shared mapping can write), and what mmap_wrap_seals does.
///
/// ```c
/// mmap_wrap_add_seals(h, F_SEAL_SHRINK | F_SEAL_GROW);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_add_seals(h: mmap_wrap_handle, seals: i64) -> i64 {
    boundary("mmap_wrap_add_seals", || pin(h)?.add_seals(seals).map(|()| 0))
}
