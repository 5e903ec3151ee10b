//! Mapping and unmapping
//!
//! A mapping is identified by a handle, a positive number. Every call checks its handle: with the handle of an unmapped mapping
//! it fails with MMAP_WRAP_E_UNMAPPED, with a number that is not a handle with MMAP_WRAP_E_HANDLE. Handles are not reused. Any
//! thread may use any handle at any time, also while another thread unmaps it. A forked child has the handles of its parent.
//!
//! Offsets and sizes are in bytes, everywhere.

use super::boundary::{boundary, text_at};
use crate::mapping::Mapping;
use crate::range;
use crate::registry;
use std::ffi::{c_char, c_void};

/// Identifies a mapping. Valid handles are positive.
#[allow(non_camel_case_types)]
pub type mmap_wrap_handle = i64;

/// As a size or an end: up to the end of the mapping. As a length, or a size in a file: up to the end of the file. As a
/// timeout: indefinitely. As a count: all. As the size of mmap_wrap_open_options: the size of the file is not changed.
pub const MMAP_WRAP_REST: i64 = i64::MIN;

const _: () = assert!(MMAP_WRAP_REST == range::REST);

/// Maps len bytes of the open file fd from offset on; or, with MAP_ANONYMOUS in flags, fd -1 and offset 0, memory without a
/// file.
///
/// prot and flags are the PROT_ and MAP_ values of the platform; flags has MAP_SHARED or MAP_PRIVATE. addr is a hint where to
/// map; NULL lets the system choose. With MAP_FIXED the mapping is placed at addr and replaces whatever is mapped there, as
/// POSIX defines it, including mappings of this library.
///
/// offset need not be a multiple of the page size, except with MAP_FIXED. With len MMAP_WRAP_REST the mapping ends at the end
/// of the file; for an empty file that gives a valid mapping of length 0. A device has no size and needs a len. The file may be
/// closed afterwards.
///
/// len may exceed the file, as in POSIX. Accesses to pages that lie completely beyond the end of the file fault until the file
/// grows. The rest of the file's last page is accessible, but is not part of the file: what is stored there is never written,
/// and no error is reported.
///
/// Returns the handle. Errors: -errno of the system (EACCES, EBADF, ENOMEM, EPERM and others); -ENODEV for a FIFO, pipe or
/// socket; -ENODEV or -EIO for a file without a meaningful size (procfs, sysfs); MMAP_WRAP_E_ARGUMENT for unknown bits, length
/// 0, or an unknown length; MMAP_WRAP_E_RANGE for numbers that are negative or too large, or an offset beyond the end of the
/// file; MMAP_WRAP_E_ALIGNMENT with MAP_FIXED.
///
/// ```c
/// int64_t flags = MAP_SHARED | MAP_ANONYMOUS;
/// mmap_wrap_handle h = mmap_wrap(NULL, 4096, PROT_READ | PROT_WRITE, flags, -1, 0);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap(addr: *mut c_void, len: i64, prot: i64, flags: i64, fd: i64, offset: i64) -> mmap_wrap_handle {
    // SAFETY: the header says what MAP_FIXED replaces; the descriptor is the caller's.
    boundary("mmap_wrap", || registry::insert(|| unsafe { Mapping::from_descriptor(addr.addr(), len, prot, flags, fd, offset) }))
}

/// Opens the file at path, maps it as mmap_wrap does, and closes it. No descriptor is left open, on success or failure.
///
/// path is any string of bytes that ends in NUL. The file is opened for reading, and for writing only if flags has MAP_SHARED
/// and prot has PROT_WRITE. MAP_ANONYMOUS and MAP_FIXED are MMAP_WRAP_E_ARGUMENT.
///
/// Returns the handle. Errors: those of mmap_wrap; -errno of open(2) (ENOENT, EACCES, EISDIR, EMFILE and others);
/// MMAP_WRAP_E_ARGUMENT if path is NULL.
///
/// ```c
/// mmap_wrap_handle h = mmap_path_wrap("words.txt", MMAP_WRAP_REST, PROT_READ, MAP_PRIVATE, 0);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_path_wrap(path: *const c_char, len: i64, prot: i64, flags: i64, offset: i64) -> mmap_wrap_handle {
    boundary("mmap_path_wrap", || {
        let path = text_at(path, "path")?;
        registry::insert(|| Mapping::from_path(path, len, prot, flags, offset))
    })
}

/// Unmaps the mapping. New calls fail with MMAP_WRAP_E_UNMAPPED from now on. Waits for a call of another thread that resizes,
/// moves or splits the mapping, not for others: those complete or fail, and the memory is unmapped when the last of them
/// returns.
///
/// Returns 1 if this call unmapped it, 0 if it was unmapped already. Errors: MMAP_WRAP_E_BUSY while its address is acquired
/// (mmap_wrap_acquire); MMAP_WRAP_E_SEALED; MMAP_WRAP_E_FAULT if a loss was pending (mmap_wrap_survive), in which case it is
/// unmapped nevertheless; MMAP_WRAP_E_HANDLE; -ENOMEM if unmapping splits a mapping of the kernel and vm.max_map_count is
/// reached; it then stays mapped.
///
/// ```c
/// munmap_wrap(h);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn munmap_wrap(h: mmap_wrap_handle) -> i64 {
    boundary("munmap_wrap", || registry::unmap(h).map(i64::from))
}
