//! System calls, and nothing else. What differs between systems is hidden behind these names.
//!
//! Each system has a folder, with the same file names where they hold the same: `windows`; `unix`, which every POSIX system
//! is, and `linux` on top of that, for Android, too. What the others lack, `lacking` reports as ENOSYS.

#[cfg(not(target_os = "linux"))]
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
// For the handler of exceptions.
#[cfg(unix)]
pub use unix::{errno_place, raise_again};
#[cfg(windows)]
pub use windows::{is_being_changed, note_status};

pub use system::{
    AsFile, BorrowedFile, File, MAPPINGS_FOLLOW_FILES, NEVER_WAIT, RawFile, add_seals, allocate, barrier, bind, boot, borrow,
    cached_pages, can_name, copy, default_huge_page_size, descriptor_page_size, duplicate, each_huge_part, fault_cause,
    file_info, file_size_behind, forget, grow_file, huge_bytes_by_smaps, huge_page_sizes, into_raw, is_readable, is_same_file,
    is_writable, knows_advice, leads_to_stream, limits, link, lock_all, lock_on_fault, memfd_create, memfd_secret,
    move_spare_page_to, node, open, open_without_name, pid_namespace, prepare_reserve, presence, protection, put_fresh_page, raw,
    read_ahead, real_path_of, register_barrier, release_reserve, run_apart, seal, seals, set_file_size, set_name,
    shared_memory_path, shm_create, shm_open, shm_unlink, store, text_length, this_thread_began, thread_id, thread_state,
    touch_for_writing, transparent_huge_page_size, unlinked_file, unlinked_shared_memory, unlock_all, wait_on, wake,
    wipe_on_fork,
};

/// What mapping needs to know of an open file.
#[derive(Debug, Clone, Copy)]
pub struct FileInfo {
    /// Bytes in the file, or in the block device.
    pub size: u64,
    pub is_directory: bool,
    /// A FIFO, a pipe or a socket.
    pub is_stream: bool,
    /// A file whose size can be set.
    pub is_regular: bool,
    /// Whether the size says what can be mapped; other devices report 0 and have their own idea.
    pub has_size: bool,
    /// The file system's favourite number of bytes; on hugetlbfs the size of its pages.
    pub block_size: usize,
}

/// What the page cache holds of a part of a file, in pages: `struct cachestat`.
#[repr(C)]
#[derive(Debug, Default, Clone, Copy)]
pub struct CachedPages {
    pub cached: u64,
    pub dirty: u64,
    pub writeback: u64,
    pub evicted: u64,
    pub recently_evicted: u64,
}

/// Whether a forked child shares fresh memory, or gets a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sharing {
    Private,
    Shared,
}

/// The limits of this process that mapping may meet; for messages.
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

/// What is known of a thread by its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ThreadState {
    /// There is none.
    Ended,
    /// It exists, and began as many clock ticks after the boot; the low half of that number.
    #[cfg_attr(not(linux_kernel), allow(dead_code, reason = "nothing is known of other threads there"))]
    Began(u32),
    /// It exists, and nothing else is known.
    Exists,
}
