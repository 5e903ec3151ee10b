//! System calls, and nothing else. What differs between systems is hidden behind these names.

mod files;
#[cfg(target_os = "linux")]
mod linux;
mod unix;

pub use files::{
    FileFacts, NEVER_WAIT, add_seals, allocate, duplicate, file_facts, memfd_create, memfd_secret, open, real_path_of, seals,
    set_file_size, shm_open, shm_unlink, store, unlinked_file, unlinked_shared_memory,
};
#[cfg(target_os = "linux")]
pub use linux::{
    barrier, bind, cached_pages, can_name, copy, default_huge_page_size, descriptor_page_size, each_huge_part, fault_cause,
    forget, huge_bytes_by_smaps, is_readable, knows_advice, lock_on_fault, move_spare_page_to, node, prepare_reserve, presence,
    read_ahead, register_barrier, release_reserve, run_apart, touch_for_writing, transparent_huge_page_size, wait_on, wake,
    wipe_on_fork,
};
#[cfg(test)]
pub use unix::copy_by_socket;
#[cfg(not(target_os = "linux"))]
pub use unix::lacking::{
    barrier, bind, cached_pages, can_name, copy, default_huge_page_size, descriptor_page_size, each_huge_part, fault_cause,
    forget, huge_bytes_by_smaps, is_readable, knows_advice, lock_on_fault, move_spare_page_to, node, prepare_reserve, presence,
    read_ahead, register_barrier, release_reserve, run_apart, touch_for_writing, transparent_huge_page_size, wait_on, wake,
    wipe_on_fork,
};
pub use unix::{Pages, Sharing, limits, page_size, symbol};
