//! Windows 10 and newer. Versions before 1803 lack what needs placeholders (`placeholder`).

mod copy;
mod errors;
mod fault_cause;
mod files;
mod handles;
mod pages;
mod placeholder;
mod regions;
mod residency;
mod section;
mod thread;
mod wait;

use super::Limits;
use crate::error::Errno;
use std::ffi::{c_char, c_int};

use windows_sys::Win32::System::SystemInformation::{GetSystemInfo, SYSTEM_INFO};
use windows_sys::Win32::System::Threading::FlushProcessWriteBuffers;

pub use super::lacking::{
    add_seals, bind, cached_pages, can_name, default_huge_page_size, descriptor_page_size, each_huge_part, evict_cached,
    file_size_behind, grow_file, huge_bytes_by_smaps, huge_page_sizes, is_readable, link, lock_on_fault, memfd_create,
    memfd_secret, numa_node, open_without_name, prepare_reserve, put_fresh_page, put_reserved_page, read_ahead, release_reserve,
    run_apart, seal, seals, set_name, shared_memory_path, touch_for_writing, transparent_huge_page_size, wipe_on_fork,
};
pub use copy::{copy, is_writable};
pub use fault_cause::{fault_cause, note_status};
pub use files::*;
pub use handles::{AsFile, BorrowedFile, File, RAW_FILE, RawFile, borrow, duplicate, into_raw, raw};
pub use pages::{Backing, MAPPINGS_FOLLOW_FILES, supports_advice};
pub use placeholder::is_being_changed;
pub use regions::protection;
pub use residency::page_residency;
pub use section::{shm_create, shm_open, shm_unlink, unlinked_shared_memory};
pub use thread::{boot, pid_namespace, this_thread_began, thread_id, thread_state};
pub use wait::{wait_on, wake};

/// Bytes in a page.
pub fn query_page_size() -> usize {
    usize::try_from(system_info().dwPageSize).expect("the system has a page size")
}

/// Where views and reservations begin: 64 KiB, more than a page.
fn granularity() -> usize {
    usize::try_from(system_info().dwAllocationGranularity).expect("the system has a granularity")
}

/// The last address that a program can use.
fn last_address() -> usize {
    system_info().lpMaximumApplicationAddress.addr()
}

fn system_info() -> SYSTEM_INFO {
    let mut info = SYSTEM_INFO::default();
    // SAFETY: writes one SYSTEM_INFO to the address given.
    unsafe { GetSystemInfo(&raw mut info) };
    info
}

/// Bytes of a text before its NUL; reads at most `most`.
///
/// # Safety
/// The text ends in NUL, or is longer.
pub unsafe fn text_length(text: *const c_char, most: usize) -> usize {
    // SAFETY: as the caller promises.
    unsafe { libc::strnlen(text, most) }
}

/// Windows has none of POSIX's limits.
pub fn limits() -> Limits {
    Limits { address_space: None, descriptors: None, file_size: None, locked_memory: None, mappings: None }
}

pub fn lock_all(_flags: c_int) -> Result<(), Errno> {
    Err(Errno::ENOSYS)
}

pub fn unlock_all() -> Result<(), Errno> {
    Err(Errno::ENOSYS)
}

/// `barrier` needs no registration here.
pub fn register_barrier() -> bool {
    true
}

/// Makes every running thread of this process execute a full memory barrier.
pub fn barrier() -> bool {
    // SAFETY: takes nothing and changes no memory.
    unsafe { FlushProcessWriteBuffers() };
    true
}
