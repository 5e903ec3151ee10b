//! System calls, and nothing else. What differs between systems is hidden behind these names.

mod files;
#[cfg(target_os = "linux")]
mod linux;
mod unix;

pub use files::{
    FileFacts, NEVER_WAIT, add_seals, allocate, duplicate, file_facts, is_same_file, memfd_create, memfd_secret, open,
    real_path_of, seals, set_file_size, shm_open, shm_unlink, store, unlinked_file, unlinked_shared_memory,
};
#[cfg(target_os = "linux")]
pub use linux::{
    bind, cached_pages, can_name, default_huge_page_size, descriptor_page_size, each_huge_part, file_size_behind, forget,
    grow_file, huge_bytes_by_smaps, knows_advice, link, lock_on_fault, node, open_without_name, peek, poke, presence, read_ahead,
    shared_memory_path, touch_for_writing, transparent_huge_page_size, wait_on, wake, why_refused, wipe_on_fork,
};
#[cfg(not(target_os = "linux"))]
pub use unix::lacking::{
    bind, cached_pages, can_name, default_huge_page_size, descriptor_page_size, each_huge_part, file_size_behind, forget,
    grow_file, huge_bytes_by_smaps, knows_advice, link, lock_on_fault, node, open_without_name, peek, poke, presence, read_ahead,
    shared_memory_path, touch_for_writing, transparent_huge_page_size, wait_on, wake, why_refused, wipe_on_fork,
};
pub use unix::{Pages, limits, page_size, symbol};
#[cfg(test)]
pub use unix::{peek_by_socket, poke_by_socket};
