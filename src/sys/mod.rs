//! System calls, and nothing else. What differs between systems is hidden behind these names.

mod files;
#[cfg(target_os = "linux")]
mod linux;
mod page_marks;
mod unix;

pub use files::{
    FileFacts, NEVER_WAIT, add_seals, allocate, duplicate, file_facts, is_same_file, leads_to_stream, memfd_create, memfd_secret,
    open, real_path_of, seals, set_file_size, shm_open, shm_unlink, store, unlinked_file, unlinked_shared_memory,
};
#[cfg(target_os = "linux")]
pub use linux::{
    barrier, bind, boot, cached_pages, can_name, copy, default_huge_page_size, descriptor_page_size, each_huge_part, fault_cause,
    file_size_behind, forget, grow_file, huge_bytes_by_smaps, huge_page_sizes, is_readable, is_writable, knows_advice, link,
    lock_on_fault, move_spare_page_to, node, open_without_name, pid_namespace, prepare_reserve, presence, protection,
    put_fresh_page, read_ahead, register_barrier, release_reserve, run_apart, shared_memory_path, this_thread_began, thread_id,
    thread_state, touch_for_writing, transparent_huge_page_size, wait_on, wake, wipe_on_fork,
};
pub use page_marks::PageMarks;
#[cfg(test)]
pub use unix::copy_by_socket;
#[cfg(not(target_os = "linux"))]
pub use unix::lacking::{
    barrier, bind, boot, cached_pages, can_name, copy, default_huge_page_size, descriptor_page_size, each_huge_part, fault_cause,
    file_size_behind, forget, grow_file, huge_bytes_by_smaps, huge_page_sizes, is_readable, is_writable, knows_advice, link,
    lock_on_fault, move_spare_page_to, node, open_without_name, pid_namespace, prepare_reserve, presence, protection,
    put_fresh_page, read_ahead, register_barrier, release_reserve, run_apart, shared_memory_path, this_thread_began, thread_id,
    thread_state, touch_for_writing, transparent_huge_page_size, wait_on, wake, wipe_on_fork,
};
pub use unix::{Pages, Sharing, limits, lock_all, page_size, unlock_all};

/// What is known of a thread by its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ThreadState {
    /// There is none.
    Ended,
    /// It exists, and began as many clock ticks after the boot; the low half of that number.
    #[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "nothing is known of other threads there"))]
    Began(u32),
    /// It exists, and nothing else is known.
    Exists,
}
