//! A reserve for replacing a lost page when the process is at a limit: spare pages, since moving a page does not count against
//! RLIMIT_AS and RLIMIT_DATA; and spare mappings, which can be unmapped when vm.max_map_count is reached.

use crate::constants::{MREMAP_FIXED, MREMAP_MAYMOVE};
use crate::error::Errno;
use crate::sys::Pages;
use crate::sys::page_size;
use crate::sys::unix::mremap;
use std::ffi::c_int;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

/// Mappings in the reserve that lie between two others of it, so that the kernel cannot have merged them with memory outside:
/// unmapping them needs no further mapping.
const INNER: usize = 7;
/// Spare pages.
const SPARE: usize = 16;
/// The first spare page, after the inner mappings and their two neighbours.
const FIRST_SPARE: usize = INNER + 2;

/// The address of the reserve, a multiple of the page size; in the bits below it the number of spare pages left, and whether
/// the inner mappings exist. One word, so that address and number always belong together. 0: no reserve yet.
static RESERVE: AtomicUsize = AtomicUsize::new(0);
const LEFT: usize = 0xFF;
const IS_WHOLE: usize = 0x100;
const BELOW: usize = LEFT | IS_WHOLE;

#[allow(clippy::cast_possible_truncation, reason = "flags are 32 bits")]
const MAYMOVE_FIXED: c_int = (MREMAP_MAYMOVE | MREMAP_FIXED) as c_int;

/// Creates a reserve if there is none, or if a part of it was used.
pub fn prepare_reserve() -> Result<(), Errno> {
    let before = RESERVE.load(SeqCst);
    if before & IS_WHOLE != 0 && before & LEFT != 0 {
        return Ok(());
    }
    let page = page_size();
    let pages = Pages::zeroed((FIRST_SPARE + SPARE) * page)?;
    for inner in 0..FIRST_SPARE {
        // The kernel would merge neighbours with the same protection.
        let prot = if inner % 2 == 0 { libc::PROT_NONE } else { libc::PROT_READ };
        pages.protect(inner * page..(inner + 1) * page, prot)?;
    }
    // The rest of an earlier reserve stays mapped: a handler in another thread may be using it.
    let made = pages.base().addr().get() | IS_WHOLE | SPARE;
    if RESERVE.compare_exchange(before, made, SeqCst, SeqCst).is_ok() {
        std::mem::forget(pages);
    }
    Ok(())
}

/// Moves a spare page over the page at an address. Called in a signal handler.
pub fn move_spare_page_to(address: usize) -> bool {
    let take = |reserve: usize| (reserve & LEFT != 0).then(|| reserve - 1);
    let Ok(before) = RESERVE.fetch_update(SeqCst, SeqCst, take) else { return false };
    let page = page_size();
    let spare = (before & !BELOW) + (FIRST_SPARE + (before & LEFT) - 1) * page;
    // SAFETY: the spare page is this library's, and no other thread takes the same; the caller may replace the page at the
    // address.
    let moved = unsafe { mremap(spare as *mut _, page, page, MAYMOVE_FIXED, address as *mut libc::c_void) };
    moved != libc::MAP_FAILED
}

/// Unmaps the inner mappings, so that others can be made. Called in a signal handler.
pub fn release_reserve() -> bool {
    let before = RESERVE.fetch_and(!IS_WHOLE, SeqCst);
    if before & IS_WHOLE == 0 {
        return false;
    }
    let page = page_size();
    let inner = (before & !BELOW) + page;
    // SAFETY: they are this library's, and nothing refers to them.
    unsafe { libc::munmap(inner as *mut _, INNER * page) == 0 }
}

/// Replaces the page that contains an address, which the caller may replace, by a zeroed one. Called in a signal handler.
pub fn put_fresh_page(address: usize) -> bool {
    let page = page_size();
    let start = address & !(page - 1);
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED;
    // SAFETY: as the caller promises.
    let put = unsafe { libc::mmap(start as *mut _, page, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0) };
    put != libc::MAP_FAILED || move_spare_page_to(start)
}
