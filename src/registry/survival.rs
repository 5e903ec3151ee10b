//! Surviving mappings: after a SIGBUS for an access through an address, a zeroed page replaces the lost one, and the loss is
//! reported once, by the next call that uses the mapping.

use super::handle::{Handle, handle};
use super::pin::{Pin, peek, pin, pin_slot};
use super::records::Hold;
use super::slot_state::Unusable;
use super::table::{self, LOST, SURVIVING, Slot, alone_in};
use crate::error::{Error, Result};
use crate::guarded;
use crate::hints::memory_hint;
use crate::sys;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering::Acquire, Ordering::Relaxed, Ordering::Release, Ordering::SeqCst};

/// Makes the mapping surviving, or ends that.
pub fn survive(handle: Handle, surviving: bool) -> Result<()> {
    let pin = pin(handle)?;
    if !surviving {
        pin.slot.marks.fetch_and(!SURVIVING, SeqCst);
        return Ok(());
    }
    if !pin.can_replace_a_page() {
        return Err(Error::unsupported(format!("replacing a lost page of {}", pin.kind_without_placeholders())));
    }
    if !guarded::survive_with(replace_page) {
        return Err(Error::unsupported("surviving SIGBUS while its handler was replaced or this thread blocks it"));
    }
    sys::prepare_reserve().map_err(|errno| Error::system(errno, "reserve pages to replace lost ones", memory_hint(errno)))?;
    publish_place(pin.slot, &pin);
    let before = pin.slot.marks.fetch_or(SURVIVING, SeqCst);
    if pin.is_sealed() {
        // Checked after the mark is set, as sealing checks the mark after it noted the seal: one of the two sees the other.
        if before & SURVIVING == 0 {
            pin.slot.marks.fetch_and(!SURVIVING, SeqCst);
        }
        return Err(Error::unsupported("surviving SIGBUS with sealed pages (they cannot be replaced)"));
    }
    Ok(())
}

/// Stores the addresses of a mapping's pages in the slot, for the signal handler, and its length. For the owner of a slot, or
/// while it is pinned.
pub(super) fn publish_place(slot: &Slot, mapping: &crate::mapping::Mapping) {
    let pages = mapping.page_addresses();
    slot.pages[0].store(pages.start, Relaxed);
    slot.pages[1].store(pages.end, Release);
    slot.length.store(mapping.length(), Release);
}

/// The word whose bit 0 is set while a loss is pending. It is readable until the process ends, but belongs to this mapping only
/// until that is unmapped.
pub fn loss_flag(handle: Handle) -> Result<&'static AtomicU32> {
    Ok(&peek(handle)?.slot.marks)
}

/// How many times its address is acquired, whether it is surviving, and whether a loss is pending.
pub fn status(pin: &Pin) -> (u32, bool, bool) {
    let marks = pin.slot.marks.load(SeqCst);
    (pin.slot.state.acquired(), marks & SURVIVING != 0, marks & LOST != 0)
}

/// Finds the surviving mapping with this address and replaces the page; true if the access can be repeated. Called inside a
/// signal handler, with all signals blocked.
fn replace_page(address: usize, is_store: Option<bool>) -> bool {
    // One scan can miss a mapping that is split or moved meanwhile: it checks the new slot before, and the old slot after that.
    const MAX_SCANS: usize = 10_000;
    for _ in 0..MAX_SCANS {
        let begun = CHANGES_BEGUN.load(SeqCst);
        let ended = CHANGES_ENDED.load(SeqCst);
        let found = (0..table::used())
            .any(|index| table::slot(index).is_some_and(|slot| replace_page_of(slot, index, address, is_store)));
        if found || begun == ended && begun == CHANGES_BEGUN.load(SeqCst) {
            return found;
        }
        std::thread::yield_now();
    }
    false
}

/// How many changes of mappings have begun in this process, and ended.
pub(super) static CHANGES_BEGUN: AtomicUsize = AtomicUsize::new(0);
pub(super) static CHANGES_ENDED: AtomicUsize = AtomicUsize::new(0);

fn replace_page_of(slot: &Slot, index: u32, address: usize, is_store: Option<bool>) -> bool {
    let end = slot.pages[1].load(Acquire);
    if address >= end || address < slot.pages[0].load(Relaxed) || slot.marks.load(SeqCst) & SURVIVING == 0 {
        return false;
    }
    let Some(generation) = slot.state.live() else { return false };
    let unforked = table::unforked(index);
    match pin_slot(handle(generation, index), Hold::count) {
        Ok((pin, _)) => alone_in(&unforked.repairing, || {
            // Another thread with the same fault may have replaced the page before, and written to it since.
            let is_there = if is_store == Some(false) { sys::is_readable(address) } else { sys::is_writable(address) };
            mark_lost(slot, is_there || pin.replace_page(address))
        }),
        // This thread itself is changing the mapping, interrupted by a signal handler: waiting would never end.
        Err(Unusable::Changing) if sys::thread_id() == Some(unforked.changer.load(SeqCst)) => {
            mark_lost(slot, sys::put_fresh_page(address))
        }
        // Another thread is changing the mapping: the access is repeated, and faults again until the change is done.
        Err(Unusable::Changing) => {
            std::thread::yield_now();
            true
        }
        Err(_) => false,
    }
}

fn mark_lost(slot: &Slot, replaced: bool) -> bool {
    if replaced {
        slot.marks.fetch_or(LOST, SeqCst);
    }
    replaced
}
