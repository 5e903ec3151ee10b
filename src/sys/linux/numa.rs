//! NUMA: on which node pages lie, and where new ones should.

use super::residency::done;
use crate::error::Errno;
use crate::sys::Pages;
use std::ffi::{c_int, c_ulong, c_void};
use std::ops::Range;
use std::ptr::null;

/// Sets the memory policy of a range. Bit n of the words stands for node n.
pub fn bind(pages: &Pages, range: Range<usize>, mode: c_int, nodes: &[u64], flags: c_int) -> Result<(), Errno> {
    let words: Vec<c_ulong> = nodes.iter().flat_map(|word| halves(*word)).collect();
    // The kernel takes one bit less than it is told, set_mempolicy(2) "BUGS".
    let bits = words.len() * c_ulong::BITS as usize + 1;
    let mask = if words.is_empty() { null() } else { words.as_ptr() };
    // SAFETY: the range is ours, and its contents stay; the mask has as many bits as are told.
    let result = unsafe { libc::syscall(libc::SYS_mbind, pages.start_of(&range), range.len(), mode, mask, bits, flags) };
    done(result).map(drop)
}

/// A word of the mask as the kernel's own words: two where those are half as wide, the lower one first.
fn halves(word: u64) -> impl Iterator<Item = c_ulong> {
    (0..u64::BITS / c_ulong::BITS).map(move |i| {
        #[allow(clippy::cast_possible_truncation, clippy::unnecessary_cast, reason = "the lower half is what is wanted")]
        {
            (word >> (i * c_ulong::BITS)) as c_ulong
        }
    })
}

/// The node of the page that holds a byte, or minus an errno, as the kernel gives it for one page: ENOENT where there is
/// none. Touches nothing.
pub fn node(pages: &Pages, at: usize) -> Result<c_int, Errno> {
    let page: *const c_void = pages.at(at, 0).cast_const().cast();
    let mut status: c_int = 0;
    let (this_process, count, flags) = (0, 1usize, 0);
    // SAFETY: without nodes to move to, the kernel only looks: it reads one address and writes one int.
    let result = unsafe {
        libc::syscall(libc::SYS_move_pages, this_process, count, &raw const page, null::<c_int>(), &raw mut status, flags)
    };
    done(result)?;
    if status < 0 { Err(Errno(-status)) } else { Ok(status) }
}
