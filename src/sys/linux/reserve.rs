//! What is kept ready for replacing a lost page at a limit of the process: pages, which moving does not count against
//! RLIMIT_AS and RLIMIT_DATA, and mappings, which can be given up where vm.max_map_count is reached.

use super::super::unix::{Pages, page_size};
use crate::error::Errno;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};

/// Mappings in the reserve that stand between two others of it, so that the kernel cannot have merged them with memory
/// outside: unmapping them needs no room for one more.
const INNER: usize = 7;
/// Pages that can be moved.
const SPARE: usize = 16;
/// The first spare page, behind the inner mappings and the two beside them.
const FIRST_SPARE: usize = INNER + 2;

/// The address of the reserve; 0 before there is one.
static BASE: AtomicUsize = AtomicUsize::new(0);
/// Spare pages that are left.
static LEFT: AtomicUsize = AtomicUsize::new(0);
/// The inner mappings are there.
static IS_WHOLE: AtomicBool = AtomicBool::new(false);

/// Makes sure that there is a reserve, or says why there can be none.
pub fn prepare_reserve() -> Result<(), Errno> {
    if IS_WHOLE.load(SeqCst) && LEFT.load(SeqCst) > 0 {
        return Ok(());
    }
    let page = page_size();
    let pages = Pages::zeroed((FIRST_SPARE + SPARE) * page)?;
    for inner in 0..FIRST_SPARE {
        // Neighbours of one protection would be one mapping.
        let prot = if inner % 2 == 0 { libc::PROT_NONE } else { libc::PROT_READ };
        pages.protect(inner * page..(inner + 1) * page, prot)?;
    }
    // What may be left of an earlier one stays: a handler of another thread may be at it.
    BASE.store(pages.base().addr().get(), SeqCst);
    std::mem::forget(pages);
    LEFT.store(SPARE, SeqCst);
    IS_WHOLE.store(true, SeqCst);
    Ok(())
}

/// Moves a spare page over the page at an address. Inside a signal handler.
pub fn move_spare_page_to(address: usize) -> bool {
    let Ok(left) = LEFT.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1)) else { return false };
    let page = page_size();
    let spare = BASE.load(SeqCst) + (FIRST_SPARE + left - 1) * page;
    let flags = libc::MREMAP_MAYMOVE | libc::MREMAP_FIXED;
    // SAFETY: the spare page is this library's, and no other thread takes the same; the page at the address is the caller's
    // to replace.
    let moved = unsafe { libc::mremap(spare as *mut _, page, page, flags, address as *mut libc::c_void) };
    moved != libc::MAP_FAILED
}

/// Gives the inner mappings up, so that there is room for others. Inside a signal handler.
pub fn release_reserve() -> bool {
    if !IS_WHOLE.swap(false, SeqCst) {
        return false;
    }
    let page = page_size();
    let inner = BASE.load(SeqCst) + page;
    // SAFETY: they are this library's, and nothing refers to them.
    unsafe { libc::munmap(inner as *mut _, INNER * page) == 0 }
}
