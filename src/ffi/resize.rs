//! Resizing, moving, splitting
//!
//! These change the mapping itself. Calls of other threads on the same mapping wait until the change is done; the change waits
//! briefly for calls that are executing, and returns MMAP_WRAP_E_BUSY if they do not return. It also returns MMAP_WRAP_E_BUSY
//! while the address is acquired (mmap_wrap_acquire). Addresses from mmap_wrap_address are invalid afterwards. In a child that
//! is forked during the change, the mapping counts as unmapped (MMAP_WRAP_E_UNMAPPED).

use super::boundary::boundary;
use super::mapping::mmap_wrap_handle;
use crate::constants::MREMAP_DONTUNMAP;
use crate::error::{Error, Result};
use crate::mapping::FileEnd;
use crate::registry;
use std::ffi::c_void;

/// For with_file: the file is resized to end where the mapping ends.
pub const MMAP_WRAP_WITH_FILE: i64 = 1;
/// For with_file: as MMAP_WRAP_WITH_FILE, and the file system allocates blocks for the whole file.
pub const MMAP_WRAP_ALLOCATE: i64 = 2;

fn file_end(with_file: i64) -> Result<FileEnd> {
    match with_file {
        0 => Ok(FileEnd::Stays),
        MMAP_WRAP_WITH_FILE => Ok(FileEnd::Follows),
        MMAP_WRAP_ALLOCATE => Ok(FileEnd::Allocated),
        _ => Err(Error::argument(format!("with_file {with_file}: it is 0, MMAP_WRAP_WITH_FILE (1) or MMAP_WRAP_ALLOCATE (2)"))),
    }
}

/// Resizes the mapping to length bytes, or, with MMAP_WRAP_REST, up to the end of the file that it keeps open. The handle and
/// the contents, as far as they fit, stay.
///
/// flags: 0 resizes in place (-ENOMEM if there is no room); MREMAP_MAYMOVE allows moving it; MREMAP_MAYMOVE | MREMAP_FIXED
/// moves it to new_addr and replaces what is mapped there. Otherwise new_addr is NULL.
///
/// with_file: 0 does not change the file. MMAP_WRAP_WITH_FILE resizes the file that the mapping keeps open (MMAP_WRAP_KEEP,
/// memory files), so that it ends where the mapping ends. MMAP_WRAP_ALLOCATE also allocates its blocks, so that a full disk is
/// -ENOSPC now and not a fault later; MMAP_WRAP_E_UNSUPPORTED if the file system cannot do that.
///
/// If with_file is 0, a shared mapping cannot grow beyond the end of its file (MMAP_WRAP_E_RANGE), where stores would be lost. If
/// the file is empty, MMAP_WRAP_REST gives a mapping of length 0.
///
/// With MREMAP_DONTUNMAP the pages move to a new mapping, whose handle is returned, and h keeps its addresses with empty pages;
/// length must be that of the mapping, and with_file 0.
///
/// Returns h, or the new handle. On failure nothing has changed. Errors: MMAP_WRAP_E_BUSY; MMAP_WRAP_E_SEALED;
/// MMAP_WRAP_E_ARGUMENT (length 0, MMAP_WRAP_REST for a device, invalid combinations of flags, no file kept);
/// MMAP_WRAP_E_RANGE; MMAP_WRAP_E_ALIGNMENT (new_addr); MMAP_WRAP_E_UNSUPPORTED (shared memory without a file cannot grow);
/// -EFAULT (parts have different protection or advice); -ENOMEM; -EINVAL (longer than the address space); -EPERM (a sealed
/// file); MMAP_WRAP_E_HANDLE; MMAP_WRAP_E_UNMAPPED.
///
/// ```c
/// if (mremap_wrap(h, 1 << 20, MREMAP_MAYMOVE, NULL, MMAP_WRAP_WITH_FILE) < 0)
///     puts(mmap_wrap_last_error_message());
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mremap_wrap(
    h: mmap_wrap_handle,
    length: i64,
    flags: i64,
    new_addr: *mut c_void,
    with_file: i64,
) -> mmap_wrap_handle {
    boundary("mremap_wrap", || {
        let address = new_addr.addr();
        if flags & MREMAP_DONTUNMAP != 0 && MREMAP_DONTUNMAP != 0 {
            // SAFETY: the header says what MREMAP_FIXED replaces.
            return registry::change_and_insert(h, |mapping| unsafe {
                mapping.move_pages_to(length, flags, address, file_end(with_file)?)
            });
        }
        // SAFETY: as above.
        registry::change(h, |mapping| unsafe { mapping.resize_at(length, flags, address, file_end(with_file)?) }).map(|()| h)
    })
}

/// Splits the mapping at offset, which must be on a page boundary: h ends there, and a new handle, which is returned,
/// identifies the rest. Both keep the file open if h does. Then one part can be unmapped or sealed separately.
///
/// Errors: MMAP_WRAP_E_BUSY; MMAP_WRAP_E_RANGE; MMAP_WRAP_E_ALIGNMENT; MMAP_WRAP_E_ARGUMENT if one part would be empty;
/// MMAP_WRAP_E_HANDLE; MMAP_WRAP_E_UNMAPPED.
///
/// ```c
/// mmap_wrap_handle tail = mmap_wrap_split(h, 4096);
/// munmap_wrap(tail);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_split(h: mmap_wrap_handle, offset: i64) -> mmap_wrap_handle {
    boundary("mmap_wrap_split", || registry::change_and_insert(h, |mapping| mapping.split_off(offset)))
}
