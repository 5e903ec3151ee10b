//! System calls, and nothing else. What differs between systems is hidden behind these names.

mod files;
#[cfg(target_os = "linux")]
mod linux;
mod unix;

pub use files::{
    FileFacts, NEVER_WAIT, add_seals, allocate, duplicate, file_facts, is_same_file, leads_to_stream, memfd_create, memfd_secret,
    open, real_path_of, seals, set_file_size, shm_open, shm_unlink, store, unlinked_file, unlinked_shared_memory,
};
#[cfg(target_os = "linux")]
pub use linux::{
    bind, boot, cached_pages, can_name, default_huge_page_size, descriptor_page_size, each_huge_part, file_size_behind, forget,
    grow_file, huge_bytes_by_smaps, knows_advice, link, lock_on_fault, node, open_without_name, peek, pid_namespace, poke,
    presence, read_ahead, shared_memory_path, this_thread_began, thread_id, thread_state, touch_for_writing,
    transparent_huge_page_size, wait_on, wake, why_refused, wipe_on_fork,
};
#[cfg(not(target_os = "linux"))]
pub use unix::lacking::{
    bind, boot, cached_pages, can_name, default_huge_page_size, descriptor_page_size, each_huge_part, file_size_behind, forget,
    grow_file, huge_bytes_by_smaps, knows_advice, link, lock_on_fault, node, open_without_name, peek, pid_namespace, poke,
    presence, read_ahead, shared_memory_path, this_thread_began, thread_id, thread_state, touch_for_writing,
    transparent_huge_page_size, wait_on, wake, why_refused, wipe_on_fork,
};
pub use unix::{Pages, limits, lock_all, page_size, symbol, unlock_all};
#[cfg(test)]
pub use unix::{peek_by_socket, poke_by_socket};

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
