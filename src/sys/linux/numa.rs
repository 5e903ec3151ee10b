//! NUMA: the nodes of pages, and the policy for new pages.

use super::residency::done;
use crate::error::Errno;
use crate::sys::Pages;
use std::ffi::{c_int, c_ulong, c_void};
use std::ops::Range;
use std::ptr::null;

/// Sets the memory policy of a range. Bit n of the words is node n.
pub fn bind(pages: &Pages, range: Range<usize>, mode: c_int, nodes: &[u64], flags: c_int) -> Result<(), Errno> {
    let words: Vec<c_ulong> = nodes.iter().flat_map(|word| halves(*word)).collect();
    // The kernel uses one bit less than the argument, set_mempolicy(2) "BUGS".
    let bits = words.len() * c_ulong::BITS as usize + 1;
    let mask = if words.is_empty() { null() } else { words.as_ptr() };
    // SAFETY: the range is ours, and its contents stay; the mask has as many bits as the argument states.
    let result = unsafe { libc::syscall(libc::SYS_mbind, pages.start_of(&range), range.len(), mode, mask, bits, flags) };
    done(result).map(drop)
}

/// Converts a word of the mask to words of the kernel: two if those have 32 bits, the lower one first.
fn halves(word: u64) -> impl Iterator<Item = c_ulong> {
    (0..u64::BITS / c_ulong::BITS).map(move |i| {
        #[allow(clippy::cast_possible_truncation, clippy::unnecessary_cast, reason = "the lower half is meant")]
        {
            (word >> (i * c_ulong::BITS)) as c_ulong
        }
    })
}

/// The node of the page that contains a byte, or a negative errno for the page: -ENOENT if there is none. Accesses no memory.
pub fn numa_node(pages: &Pages, at: usize) -> Result<c_int, Errno> {
    let page: *const c_void = pages.at(at, 0).cast_const().cast();
    let mut status: c_int = 0;
    let (this_process, count, flags) = (0, 1usize, 0);
    // SAFETY: without target nodes the kernel moves nothing: it reads one address and writes one int.
    let result = unsafe {
        libc::syscall(libc::SYS_move_pages, this_process, count, &raw const page, null::<c_int>(), &raw mut status, flags)
    };
    done(result)?;
    if status < 0 { Err(Errno(-status)) } else { Ok(status) }
}
