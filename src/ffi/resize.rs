//! Resizing, moving, splitting
//!
//! What changes a mapping itself needs to be alone with it: calls of other threads that come meanwhile wait for it, and
//! it waits a moment for those that are inside. MMAP_WRAP_E_BUSY while an export is held (mmap_wrap_acquire), or where the
//! others do not leave. Addresses from mmap_wrap_address are no longer good afterwards. A child that is forked meanwhile
//! has the handle as that of an unmapped mapping.

use super::boundary::boundary;
use super::mapping::mmap_wrap_handle;
use crate::constants::MREMAP_DONTUNMAP;
use crate::error::{Error, Result};
use crate::mapping::FileEnd;
use crate::registry;
use std::ffi::c_void;

/// For with_file: the file ends where the mapping ends.
pub const MMAP_WRAP_WITH_FILE: i64 = 1;
/// For with_file: the same, and the file system sets blocks aside for all of it.
pub const MMAP_WRAP_ALLOCATE: i64 = 2;

fn file_end(with_file: i64) -> Result<FileEnd> {
    match with_file {
        0 => Ok(FileEnd::Stays),
        MMAP_WRAP_WITH_FILE => Ok(FileEnd::Follows),
        MMAP_WRAP_ALLOCATE => Ok(FileEnd::Allocated),
        _ => Err(Error::argument(format!("with_file {with_file}: it is 0, MMAP_WRAP_WITH_FILE (1) or MMAP_WRAP_ALLOCATE (2)"))),
    }
}

/// Makes the mapping length bytes long, or as long as to the end of its file (MMAP_WRAP_REST, for a mapping that keeps its
/// file open). The handle stays. The contents stay, as far as they fit.
///
/// flags: 0 to grow or shrink in place (-ENOMEM where there is no room), MREMAP_MAYMOVE to move if need be,
/// MREMAP_MAYMOVE | MREMAP_FIXED to move to new_addr, which replaces what is there; new_addr is NULL else.
///
/// with_file: 0 leaves the file as it is. MMAP_WRAP_WITH_FILE makes the file that the mapping keeps open (MMAP_WRAP_KEEP,
/// memory files) end where the mapping ends. MMAP_WRAP_ALLOCATE does so and has the file system set blocks aside for all of
/// it, so that a full disk is -ENOSPC now and not a fault later; MMAP_WRAP_E_UNSUPPORTED where the file system cannot.
///
/// With 0 a shared mapping cannot grow beyond the end of its file (MMAP_WRAP_E_RANGE), where stores would be lost: see
/// mmap_wrap. Where the file has been emptied, MMAP_WRAP_REST makes the mapping 0 bytes long, as mmap_wrap would.
///
/// With MREMAP_DONTUNMAP the pages move to a new mapping, whose handle is returned, and h keeps its addresses, with fresh
/// pages behind them; length is that of the mapping and with_file is 0, for no size changes.
///
/// Returns h, or the new handle. On failure nothing has changed: MMAP_WRAP_E_BUSY, MMAP_WRAP_E_SEALED, MMAP_WRAP_E_ARGUMENT
/// (length 0, the end of a device, flags that need others, no file kept), MMAP_WRAP_E_RANGE (beyond the file's end), MMAP_WRAP_E_ALIGNMENT (new_addr),
/// MMAP_WRAP_E_UNSUPPORTED (a shared mapping without a file cannot grow: the memory behind it keeps its size), -EFAULT (parts
/// with a protection or advice of their own), -ENOMEM, -EINVAL (longer than addresses go), -EPERM (a sealed file), MMAP_WRAP_E_HANDLE, MMAP_WRAP_E_UNMAPPED.
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
            return registry::bud(h, |mapping| unsafe { mapping.move_pages_to(length, flags, address, file_end(with_file)?) });
        }
        // SAFETY: as above.
        registry::change(h, |mapping| unsafe { mapping.resize_at(length, flags, address, file_end(with_file)?) }).map(|()| h)
    })
}

/// Splits the mapping at offset, a page border of it: h ends there, and what follows gets the handle that is returned.
/// So that a part can be unmapped, sealed or handed on by itself. A kept file is kept by both.
///
/// MMAP_WRAP_E_BUSY, MMAP_WRAP_E_RANGE, MMAP_WRAP_E_ALIGNMENT, MMAP_WRAP_E_ARGUMENT (nothing would be left on one side),
/// MMAP_WRAP_E_HANDLE, MMAP_WRAP_E_UNMAPPED.
///
/// ```c
/// mmap_wrap_handle tail = mmap_wrap_split(h, 4096);
/// munmap_wrap(tail);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_split(h: mmap_wrap_handle, offset: i64) -> mmap_wrap_handle {
    boundary("mmap_wrap_split", || registry::bud(h, |mapping| mapping.split_off(offset)))
}
