//! The table of slots: chunks that are never freed or moved, so that any handle, also an invalid or stale one, can be looked
//! up. The memory comes directly from the kernel, since signal handlers must not use an allocator's locks.
//!
//! What a forked child must not inherit is separate, in memory that the kernel wipes there: pins of threads that do not exist
//! in the child must not keep its mappings.

use super::slot_state::SlotState;
use crate::error::{Errno, Error, Result};
use crate::hints::memory_hint;
use crate::mapping::Mapping;
use crate::sys::{self, Pages};
use std::cell::UnsafeCell;
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::atomic::{
    AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering::Acquire, Ordering::Relaxed, Ordering::Release, Ordering::SeqCst,
};

/// One mapping, or none. Zeroed memory is a free slot that was never used. What an access needs is in the first cache line.
#[repr(C, align(64))]
pub struct Slot {
    pub state: SlotState,
    /// Index + 1 of the next free slot while this one is in the free list.
    next_free: AtomicU32,
    /// The registry's flags of the mapping: survival, loss, inheritance.
    pub marks: AtomicU32,
    /// Its index in the table, set when the slot is first taken.
    index: AtomicU32,
    pub mapping: UnsafeCell<MaybeUninit<Mapping>>,
    /// Where the pages of a surviving mapping begin and end, for the signal handler, which must not read a mapping that is being
    /// changed.
    pub pages: [AtomicUsize; 2],
    /// The mapping's length, for callers that need nothing else and publish no pin.
    pub length: AtomicUsize,
}

/// In a slot's marks: a pending loss. Callers read this bit through `loss_flag`.
pub const LOST: u32 = 1;
/// In a slot's marks: the mapping is surviving.
pub const SURVIVING: u32 = 2;
/// In a slot's marks: a forked child does not inherit all of the mapping.
pub const UNINHERITED: u32 = 4;

/// The part of a slot that belongs to this process only and is wiped in a forked child. Zeroed memory is a valid value.
#[derive(Default)]
pub struct Unforked {
    /// The number of pins that are in no thread's record.
    pub pins: AtomicU32,
    /// 1: a thread of this process has changed a mapping of this slot, or was about to. Never reset: between two loads one change
    /// could end and another begin.
    pub was_changed: AtomicU32,
    /// 1: this process asked the kernel to leave the mapping out of its children.
    pub is_complete: AtomicU32,
    /// The id of the thread that changes the mapping, for signal handlers; 0 for none.
    pub changer: AtomicU32,
    /// 1 while a signal handler replaces a page of the mapping.
    pub repairing: AtomicU32,
    /// 1 while a thread calls madvise with MADV_DONTFORK or MADV_DOFORK.
    pub advising: AtomicU32,
}

/// Runs `body` while no other thread does so for the same mapping. Signals are blocked in a signal handler that calls this.
pub fn alone_in<T>(lock: &AtomicU32, body: impl FnOnce() -> T) -> T {
    while lock.compare_exchange(0, 1, Acquire, Relaxed).is_err() {
        std::thread::yield_now();
    }
    let result = body();
    lock.store(0, Release);
    result
}

impl Slot {
    /// The index of a slot that was taken.
    pub fn index(&self) -> u32 {
        self.index.load(Relaxed)
    }

    /// The part of the slot that is wiped in a forked child.
    pub fn unforked(&self) -> &'static Unforked {
        unforked(self.index())
    }
}

// SAFETY: a Slot is shared by all threads: its words are atomic, and the mapping is written only by the owner of a slot that is
// neither live nor dying, and read only by threads with a pin.
unsafe impl Sync for Slot {}

/// One part of the table. All have the same size, so that two shifts find a slot.
struct Chunk {
    slots: AtomicPtr<Slot>,
    unforked: AtomicPtr<Unforked>,
}

/// Slots of a chunk: 1 MiB, of which the kernel allocates only the pages that are used.
const CHUNK_SIZE: u32 = 1 << 13;
const CHUNK_COUNT: u32 = 1 << 13;
/// The most mappings at a time.
pub const MAX_SLOTS: u32 = CHUNK_SIZE * CHUNK_COUNT;

static CHUNKS: [Chunk; CHUNK_COUNT as usize] =
    [const { Chunk { slots: AtomicPtr::new(ptr::null_mut()), unforked: AtomicPtr::new(ptr::null_mut()) } }; CHUNK_COUNT as usize];

/// How many slots were ever used; those from here on are unused.
static USED: AtomicU32 = AtomicU32::new(0);

/// The free list: the index + 1 of the first free slot, below a tag that changes with every operation (against the ABA problem).
static FREE: AtomicU64 = AtomicU64::new(0);

#[inline(always)]
fn chunk_of(index: u32) -> (usize, usize) {
    ((index / CHUNK_SIZE) as usize, (index % CHUNK_SIZE) as usize)
}

/// How many slots are in use or were used.
pub fn used() -> u32 {
    USED.load(SeqCst)
}

/// The slot with this index; none if its chunk was never allocated.
#[inline(always)]
pub fn slot(index: u32) -> Option<&'static Slot> {
    let (chunk, place) = chunk_of(index);
    let slots = CHUNKS.get(chunk)?.slots.load(Acquire);
    if slots.is_null() {
        return None;
    }
    // SAFETY: a published chunk is never freed and has this place (chunk_of); zeroed memory is a valid Slot.
    Some(unsafe { &*slots.add(place) })
}

/// The part of a slot that is wiped in a forked child.
pub fn unforked(index: u32) -> &'static Unforked {
    let (chunk, place) = chunk_of(index);
    let unforked = CHUNKS[chunk].unforked.load(Acquire);
    assert!(!unforked.is_null(), "slot {index} was never made");
    // SAFETY: as in slot; this part of a chunk is published before the slots.
    unsafe { &*unforked.add(place) }
}

/// Allocates the chunk if it is missing. If threads race, each allocates one, and all but one free theirs.
fn ensure_chunk(chunk: usize) -> Result<()> {
    let places = CHUNK_SIZE as usize;
    let published = publish(&CHUNKS[chunk].unforked, places, true).and_then(|()| publish(&CHUNKS[chunk].slots, places, false));
    published.map_err(|errno| Error::system(errno, format!("memory for {places} more handles"), memory_hint(errno)))
}

/// Makes `place` point to zeroed memory for so many values, unless it does already. The memory is never freed.
pub fn publish<T>(place: &AtomicPtr<T>, count: usize, wiped_in_children: bool) -> Result<(), Errno> {
    if !place.load(SeqCst).is_null() {
        return Ok(());
    }
    let memory = Pages::zeroed(count * size_of::<T>())?;
    if wiped_in_children {
        sys::wipe_on_fork(&memory);
    }
    if place.compare_exchange(ptr::null_mut(), memory.base().as_ptr().cast(), SeqCst, SeqCst).is_ok() {
        std::mem::forget(memory);
    }
    Ok(())
}

/// Takes a free slot.
pub fn take() -> Result<u32> {
    loop {
        let head = FREE.load(SeqCst);
        let Some(index) = first_free(head) else { break };
        let next = slot(index).map_or(0, |slot| slot.next_free.load(Relaxed));
        if FREE.compare_exchange(head, retagged(head, next), SeqCst, SeqCst).is_ok() {
            return Ok(index);
        }
    }
    loop {
        let index = USED.load(SeqCst);
        if index >= MAX_SLOTS {
            return Err(Error::argument(format!("all {MAX_SLOTS} handles are in use")));
        }
        ensure_chunk(chunk_of(index).0)?;
        if USED.compare_exchange(index, index + 1, SeqCst, SeqCst).is_ok() {
            slot(index).inspect(|slot| slot.index.store(index, Relaxed));
            return Ok(index);
        }
    }
}

/// Gives a slot back to the free list. May be called inside a signal handler.
pub fn give_back(index: u32) {
    let Some(slot) = slot(index) else { return };
    if slot.state.generation() == u32::MAX {
        // The generations are used up, and another mapping would repeat a handle: the slot is not used any more.
        return;
    }
    loop {
        let head = FREE.load(SeqCst);
        slot.next_free.store(first_free(head).map_or(0, |first| first + 1), Relaxed);
        if FREE.compare_exchange(head, retagged(head, index + 1), SeqCst, SeqCst).is_ok() {
            return;
        }
    }
}

#[allow(clippy::cast_possible_truncation, reason = "takes the word apart")]
fn first_free(head: u64) -> Option<u32> {
    (head as u32).checked_sub(1)
}

fn retagged(head: u64, next: u32) -> u64 {
    ((head >> 32).wrapping_add(1) << 32) | u64::from(next)
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    // On Windows a mapping knows its section, too.
    #[test]
    #[cfg(unix)]
    fn a_slot_fills_two_cache_lines() {
        assert_eq!(size_of::<Slot>(), 128);
    }

    #[test]
    fn chunks_follow_each_other_without_a_gap() {
        let last = CHUNK_SIZE - 1;
        assert_eq!(chunk_of(0), (0, 0));
        assert_eq!(chunk_of(last), (0, last as usize));
        assert_eq!(chunk_of(CHUNK_SIZE), (1, 0));
        assert_eq!(chunk_of(MAX_SLOTS - 1), (CHUNK_COUNT as usize - 1, last as usize));
    }
}
