//! Mapping and unmapping
//!
//! A handle names a mapping. It is positive; 0 is never one. It is checked at every call: after unmapping it answers
//! MMAP_WRAP_E_UNMAPPED for ever, and a number that was never given out answers MMAP_WRAP_E_HANDLE. Any thread may use
//! any handle at any time, also while another unmaps it; a forked child has its parent's handles.
//!
//! Offsets and sizes are in bytes.

use super::boundary::{boundary, text_at};
use crate::mapping::Mapping;
use crate::range;
use crate::registry;
use std::ffi::{c_char, c_void};

/// Names a mapping; see above. Positive.
#[allow(non_camel_case_types)]
pub type mmap_wrap_handle = i64;

/// A size or end that means "to the end of the mapping", a length that means "to the end of the file".
pub const MMAP_WRAP_REST: i64 = i64::MIN;

const _: () = assert!(MMAP_WRAP_REST == range::REST);

/// Maps len bytes of the file open as fd, from offset on, or memory without a file.
///
/// addr is where the mapping should begin, a hint unless flags has MAP_FIXED; NULL leaves it to the system. prot and
/// flags are the platform's PROT_ and MAP_ values; unknown bits are refused, and so is a mapping that is neither shared
/// nor private. For memory without a file flags has MAP_ANONYMOUS, fd is -1 and offset 0.
///
/// With len MMAP_WRAP_REST the mapping goes to the end of the file, and is of length 0 where there is nothing: valid,
/// and good for everything that touches no byte. A length may go beyond the end of the file, as POSIX has it. Until the file
/// has grown, every access to a page that lies wholly beyond its end faults, and the rest of its last page is memory without
/// a file: it reads zero, or what another process stored there, and what is stored there is never written to the file,
/// without an error. offset need not be a multiple of the page size, except with MAP_FIXED.
/// The descriptor may be closed afterwards. MAP_FIXED replaces whatever was mapped there, as in POSIX, mappings of this
/// library included: mind what is yours.
///
/// A file whose size of 0 says nothing (procfs, sysfs) is -ENODEV or -EIO, a FIFO, a pipe or a socket is -ENODEV: they are
/// read, and nothing is taken from them here. A device has no size: give len.
///
/// Returns the handle, or: -errno of the system (EACCES, EBADF, ENODEV, ENOMEM, EPERM …), MMAP_WRAP_E_ARGUMENT (unknown
/// bits, length 0, no length known), MMAP_WRAP_E_RANGE (negative or too large numbers, an offset beyond the file's end),
/// MMAP_WRAP_E_ALIGNMENT (with MAP_FIXED).
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

/// Opens the file at path, maps it as mmap_wrap does, and closes it: no descriptor stays, whatever happens.
///
/// path ends in NUL and may hold any other bytes. The file is opened for reading, and for writing too only where a
/// shared mapping is to be written. MAP_ANONYMOUS and MAP_FIXED do not go with a path.
///
/// Returns the handle, or what mmap_wrap does, or -errno of opening (ENOENT, EACCES, EISDIR, EMFILE …), or
/// MMAP_WRAP_E_ARGUMENT for a NULL path.
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

/// Unmaps. Never waits: while other threads are inside a call on the mapping, it is gone for every new call, and the
/// last of them to leave unmaps the memory.
///
/// Returns 1 when this call unmapped it, 0 when it was unmapped already, or: MMAP_WRAP_E_BUSY while an export is held,
/// MMAP_WRAP_E_HANDLE, -ENOMEM where splitting a merged range exceeds vm.max_map_count (the mapping then stays).
///
/// ```c
/// munmap_wrap(h);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn munmap_wrap(h: mmap_wrap_handle) -> i64 {
    boundary("munmap_wrap", || registry::unmap(h).map(i64::from))
}
