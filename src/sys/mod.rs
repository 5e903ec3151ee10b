//! System calls, and nothing else. These names hide what differs between systems.
//!
//! Each system has a folder, with the same file names where they hold the same: `windows`; `unix`, which every POSIX system
//! is, and `linux` on top of that, for Android, too. What the others lack, `lacking` reports as ENOSYS.

#[cfg(any(not(linux_kernel), target_os = "android"))]
mod lacking;
#[cfg(linux_kernel)]
mod linux;
mod page_marks;
mod pages;
#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(linux_kernel)]
use linux as system;
#[cfg(all(unix, not(linux_kernel)))]
use unix as system;
#[cfg(windows)]
use windows as system;

pub use page_marks::PageMarks;
pub use pages::{Pages, page_size};
#[cfg(all(test, unix))]
pub use unix::copy_by_socket;
// For the exception handler.
#[cfg(unix)]
pub use unix::{errno_place, raise_again};
#[cfg(windows)]
pub use windows::{is_being_changed, note_status};

pub use system::{
    AsFile, BorrowedFile, File, MAPPINGS_FOLLOW_FILES, NEVER_WAIT, RAW_FILE, RawFile, add_seals, allocate, barrier, bind, boot,
    borrow, cached_pages, can_name, copy, default_huge_page_size, descriptor_page_size, duplicate, each_huge_part, evict_cached,
    fault_cause, file_info, file_size_behind, grow_file, huge_bytes_by_smaps, huge_page_sizes, into_raw, is_readable,
    is_same_file, is_writable, leads_to_stream, limits, link, lock_all, lock_on_fault, memfd_create, memfd_secret, numa_node,
    open, open_without_name, page_residency, pid_namespace, prepare_reserve, protection, put_fresh_page, put_reserved_page, raw,
    read_ahead, real_path_of, register_barrier, release_reserve, run_apart, seal, seals, set_file_size, set_name,
    shared_memory_path, shm_create, shm_open, shm_unlink, store, supports_advice, text_length, this_thread_began, thread_id,
    thread_state, touch_for_writing, transparent_huge_page_size, unlinked_file, unlinked_shared_memory, unlock_all, wait_on,
    wake, wipe_on_fork,
};

/// The properties of an open file that mapping needs.
#[derive(Debug, Clone, Copy)]
pub struct FileInfo {
    /// Bytes in the file, or in the block device.
    pub size: u64,
    pub is_directory: bool,
    /// A FIFO, a pipe or a socket.
    pub is_stream: bool,
    /// A file whose size can be set.
    pub is_regular: bool,
    /// Whether `size` limits what can be mapped. Character devices report 0, and have limits of their own.
    pub has_size: bool,
    /// The file system's preferred block size; on hugetlbfs the size of its pages.
    pub block_size: usize,
}

/// The state of a part of a file in the page cache, in pages: `struct cachestat`.
#[repr(C)]
#[derive(Debug, Default, Clone, Copy)]
pub struct CachedPages {
    pub cached: u64,
    pub dirty: u64,
    pub writeback: u64,
    pub evicted: u64,
    pub recently_evicted: u64,
}

/// Whether a forked child shares memory that replaces pages, or gets a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sharing {
    Private,
    Shared,
}

/// The limits of this process that mapping may exceed; for messages.
#[derive(Debug)]
pub struct Limits {
    /// RLIMIT_AS, in bytes.
    pub address_space: Option<u64>,
    /// RLIMIT_NOFILE, in descriptors.
    pub descriptors: Option<u64>,
    /// RLIMIT_FSIZE, in bytes.
    pub file_size: Option<u64>,
    /// RLIMIT_MEMLOCK, in bytes.
    pub locked_memory: Option<u64>,
    /// vm.max_map_count, in mappings.
    pub mappings: Option<u64>,
}

/// The state of a thread, by its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ThreadState {
    /// No thread has the id.
    Ended,
    /// It exists; its start time, in clock ticks after the boot, the low half.
    #[cfg_attr(not(linux_kernel), allow(dead_code, reason = "other systems do not report other threads"))]
    Began(u32),
    /// It exists; its start time is not available.
    Exists,
}
