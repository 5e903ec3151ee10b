//! A reserve for replacing a lost page when the process is at a limit: spare pages, since moving a page does not count against
//! RLIMIT_AS and RLIMIT_DATA; a page to copy, since a copy by MREMAP_DONTUNMAP does not count against RLIMIT_MEMLOCK (mremap(2),
//! Linux 5.7); and spare mappings, which can be unmapped when vm.max_map_count is reached.

use crate::constants::{MREMAP_DONTUNMAP, MREMAP_FIXED, MREMAP_MAYMOVE};
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
/// The page to copy, after the inner mappings and their two neighbours. Nothing is ever written to it.
const ORIGINAL: usize = INNER + 2;
/// The first spare page, after the page to copy and a neighbour that keeps that a mapping of its own.
const FIRST_SPARE: usize = ORIGINAL + 2;

/// The address of the reserve, a multiple of the page size; in the bits below it the number of spare pages left, and whether
/// the inner mappings exist. One word, so that address and number always belong together. 0: no reserve yet.
static RESERVE: AtomicUsize = AtomicUsize::new(0);
const LEFT: usize = 0xFF;
const IS_WHOLE: usize = 0x100;
const BELOW: usize = LEFT | IS_WHOLE;

#[allow(clippy::cast_possible_truncation, reason = "flags are 32 bits")]
const MAYMOVE_FIXED: c_int = (MREMAP_MAYMOVE | MREMAP_FIXED) as c_int;
#[allow(clippy::cast_possible_truncation, reason = "flags are 32 bits")]
const COPY: c_int = MAYMOVE_FIXED | MREMAP_DONTUNMAP as c_int;

/// Creates a reserve if there is none, or if the spare pages or the inner mappings of the old one are used up.
pub fn prepare_reserve() -> Result<(), Errno> {
    let before = RESERVE.load(SeqCst);
    if before & IS_WHOLE != 0 && before & LEFT != 0 {
        return Ok(());
    }
    let page = page_size();
    let pages = Pages::zeroed((FIRST_SPARE + SPARE) * page)?;
    for own in (0..FIRST_SPARE).filter(|own| *own != ORIGINAL) {
        // The kernel would merge neighbours with the same protection.
        let prot = if own % 2 == 0 { libc::PROT_NONE } else { libc::PROT_READ };
        pages.protect(own * page..(own + 1) * page, prot)?;
    }
    // The rest of an earlier reserve stays mapped: a handler in another thread may be using it.
    let made = pages.base().addr().get() | IS_WHOLE | SPARE;
    if RESERVE.compare_exchange(before, made, SeqCst, SeqCst).is_ok() {
        std::mem::forget(pages);
    }
    Ok(())
}

/// Puts a page of the reserve over the page at an address. Called in a signal handler.
pub fn put_reserved_page(address: usize) -> bool {
    let page = page_size();
    let start_of = |reserve: usize, index: usize| (reserve & !BELOW) + index * page;
    // SAFETY: the page is this library's: the one that is never written to, or a spare one that no other thread takes. The
    // caller may replace the page at the address.
    let put = |from: usize, flags| unsafe {
        mremap(from as *mut _, page, page, flags, address as *mut libc::c_void) != libc::MAP_FAILED
    };
    let reserve = RESERVE.load(SeqCst);
    if reserve != 0 && put(start_of(reserve, ORIGINAL), COPY) {
        return true;
    }
    let take = |reserve: usize| (reserve & LEFT != 0).then(|| reserve - 1);
    RESERVE
        .fetch_update(SeqCst, SeqCst, take)
        .is_ok_and(|before| put(start_of(before, FIRST_SPARE + (before & LEFT) - 1), MAYMOVE_FIXED))
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
    put != libc::MAP_FAILED || put_reserved_page(start)
}
