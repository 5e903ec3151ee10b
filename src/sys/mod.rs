//! System calls, and nothing else. What differs between systems is hidden behind these names.

#[cfg(target_os = "linux")]
mod linux;
mod unix;

#[cfg(target_os = "linux")]
pub use linux::{default_huge_page_size, descriptor_page_size, peek, poke, why_refused, wipe_on_fork};
#[cfg(not(target_os = "linux"))]
pub use unix::lacking::{default_huge_page_size, descriptor_page_size, peek, poke, why_refused, wipe_on_fork};
pub use unix::{FileFacts, Pages, file_facts, limits, open, page_size};
#[cfg(test)]
pub use unix::{peek_by_socket, poke_by_socket};
