//! Handle ↔ mapping: pin, export, retire.
//!
//! A handle is a generation and an index into a table of slots. The table grows by chunks that are never freed or
//! moved, so a slot can be looked at with any handle, made up or long gone. There is no lock: nothing waits, and a
//! fork leaves nothing held. The memory comes straight from the kernel, for the same reason.
//!
//! **Pin.** Using a mapping takes a pin: count up, *then* look at the state. Unmapping marks the slot as dying, *then*
//! looks at the count. Whichever came first, the other sees it: a pin that found the mapping live keeps it mapped, and
//! whoever drops the last pin of a dying mapping unmaps it. Comparing generations without the pin would not do: the
//! address could be unmapped and reused between the check and the access.
//!
//! **Fork.** Pins of threads that do not exist in the child must not keep its mappings. The counts live in memory of
//! their own that the kernel wipes in a child. Exports outlive a fork, as the views behind them do, so they are counted
//! in the state.

use crate::error::Error;
use crate::mapping::Mapping;
use crate::sys::{self, Pages};
use std::cell::UnsafeCell;
use std::mem::MaybeUninit;
use std::ops::Deref;
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, Ordering::SeqCst};

/// Names a mapping for as long as the process lives: positive, and never given out twice.
pub type Handle = i64;

/// One mapping, or none. Zeroed memory is a free slot that was never used.
#[repr(align(64))]
struct Slot {
    state: AtomicU64,
    /// Index + 1 of the next free slot while this one is in the free list.
    next_free: AtomicU32,
    mapping: UnsafeCell<MaybeUninit<Mapping>>,
}

/// A slot's state in one word: the generation of its last mapping, its phase, and its count of exports.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct State {
    generation: u32,
    phase: Phase,
    exports: u32,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    Free,
    Live,
    /// Unmapped for its users, while pins hold the memory.
    Dying,
}

const EXPORT_BITS: u32 = 30;
const MOST_EXPORTS: u32 = (1 << EXPORT_BITS) - 1;

impl State {
    #[allow(clippy::cast_possible_truncation, reason = "takes the word apart")]
    fn unpack(word: u64) -> State {
        let phase = match (word >> EXPORT_BITS) & 3 {
            0 => Phase::Free,
            1 => Phase::Live,
            _ => Phase::Dying,
        };
        State { generation: (word >> 32) as u32, phase, exports: word as u32 & MOST_EXPORTS }
    }

    fn pack(self) -> u64 {
        u64::from(self.generation) << 32 | (self.phase as u64) << EXPORT_BITS | u64::from(self.exports)
    }
}

/// Generation above, index below; 31 bits of index keep the handle positive.
const INDEX_BITS: u32 = 31;

fn handle(generation: u32, index: u32) -> Handle {
    i64::from(generation) << INDEX_BITS | i64::from(index)
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "takes the word apart; it is not negative")]
fn parts(handle: Handle) -> Result<(u32, u32), Error> {
    let generation = handle >> INDEX_BITS;
    if generation <= 0 {
        return Err(Error::Handle(handle));
    }
    Ok((generation as u32, (handle & ((1 << INDEX_BITS) - 1)) as u32))
}

/// Chunk `k` holds 1024 · 2ᵏ slots, so 21 of them hold all that 31 bits can name.
struct Chunk {
    slots: AtomicPtr<Slot>,
    pins: AtomicPtr<AtomicU32>,
}

const FIRST_CHUNK: u32 = 1024;
const CHUNK_COUNT: usize = 21;
const MOST_SLOTS: u32 = FIRST_CHUNK * ((1 << CHUNK_COUNT) - 1);

static CHUNKS: [Chunk; CHUNK_COUNT] =
    [const { Chunk { slots: AtomicPtr::new(ptr::null_mut()), pins: AtomicPtr::new(ptr::null_mut()) } }; CHUNK_COUNT];

/// How many slots were ever used; those from here on are untouched.
static USED: AtomicU32 = AtomicU32::new(0);

/// The free list: a tag that changes at every step (so that a slot taken and put back is not mistaken for untouched)
/// above the index + 1 of the first free slot.
static FREE: AtomicU64 = AtomicU64::new(0);

fn chunk_of(index: u32) -> (usize, usize) {
    let chunk = (index / FIRST_CHUNK + 1).ilog2();
    let first = FIRST_CHUNK * ((1 << chunk) - 1);
    (chunk as usize, (index - first) as usize)
}

fn slot(index: u32) -> Option<&'static Slot> {
    let (chunk, place) = chunk_of(index);
    let slots = CHUNKS.get(chunk)?.slots.load(SeqCst);
    // SAFETY: a chunk once published stays for ever, and holds this place (chunk_of); zeroed memory is a valid Slot.
    (!slots.is_null()).then(|| unsafe { &*slots.add(place) })
}

/// The pins of a slot that exists.
fn pins(index: u32) -> &'static AtomicU32 {
    let (chunk, place) = chunk_of(index);
    // SAFETY: pins are published before slots, stay for ever, and hold this place.
    unsafe { &*CHUNKS[chunk].pins.load(SeqCst).add(place) }
}

/// Makes sure that the chunk is there. Threads that race make one each, and all but one give theirs back.
fn ensure_chunk(chunk: usize) -> Result<(), Error> {
    let places = (FIRST_CHUNK as usize) << chunk;
    publish(&CHUNKS[chunk].pins, places, true)?;
    publish(&CHUNKS[chunk].slots, places, false)
}

fn publish<T>(place: &AtomicPtr<T>, count: usize, wiped_in_children: bool) -> Result<(), Error> {
    if !place.load(SeqCst).is_null() {
        return Ok(());
    }
    let memory = Pages::zeroed(count * size_of::<T>())
        .map_err(|errno| Error::system(errno, format!("memory for {count} more handles"), ""))?;
    if wiped_in_children {
        sys::wipe_on_fork(&memory);
    }
    if place.compare_exchange(ptr::null_mut(), memory.base().as_ptr().cast(), SeqCst, SeqCst).is_ok() {
        std::mem::forget(memory);
    }
    Ok(())
}

/// Takes a slot that nobody else has.
fn take_slot() -> Result<u32, Error> {
    loop {
        let head = FREE.load(SeqCst);
        let Some(index) = first_free(head) else { break };
        let next = slot(index).map_or(0, |slot| slot.next_free.load(SeqCst));
        if FREE.compare_exchange(head, retagged(head, next), SeqCst, SeqCst).is_ok() {
            return Ok(index);
        }
    }
    loop {
        let index = USED.load(SeqCst);
        if index >= MOST_SLOTS {
            return Err(Error::Argument(format!("all {MOST_SLOTS} handles are in use")));
        }
        ensure_chunk(chunk_of(index).0)?;
        if USED.compare_exchange(index, index + 1, SeqCst, SeqCst).is_ok() {
            return Ok(index);
        }
    }
}

fn give_slot_back(index: u32) {
    let Some(slot) = slot(index) else { return };
    if State::unpack(slot.state.load(SeqCst)).generation == u32::MAX {
        // Another mapping here would repeat a handle: after 2³² of them the slot rests.
        return;
    }
    loop {
        let head = FREE.load(SeqCst);
        slot.next_free.store(first_free(head).map_or(0, |first| first + 1), SeqCst);
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

/// Makes a mapping and gives it a handle. The slot is taken first, so that a mapping once made cannot fail to get one.
///
/// ```
/// use mmap_wrap::{Mapping, constants::*, registry};
/// let map = || Mapping::of_descriptor(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
/// let handle = registry::insert(map)?;
/// registry::pin(handle)?.write(4095, &[0xFF])?;
/// assert!(registry::unmap(handle)?);
/// assert!(!registry::unmap(handle)?);
/// assert!(registry::pin(handle).is_err());
/// # Ok::<(), mmap_wrap::Error>(())
/// ```
pub fn insert(make: impl FnOnce() -> Result<Mapping, Error>) -> Result<Handle, Error> {
    let index = take_slot()?;
    let taken = Taken(index);
    let mapping = make()?;
    let slot = slot(index).ok_or_else(|| Error::Internal(format!("slot {index} is missing")))?;
    // SAFETY: a free slot off the list is this thread's alone: pins of stale handles look at its state only.
    unsafe { (*slot.mapping.get()).write(mapping) };
    std::mem::forget(taken);
    let generation = State::unpack(slot.state.load(SeqCst)).generation + 1;
    slot.state.store(State { generation, phase: Phase::Live, exports: 0 }.pack(), SeqCst);
    Ok(handle(generation, index))
}

/// Gives a slot back if making the mapping fails or panics.
struct Taken(u32);

impl Drop for Taken {
    fn drop(&mut self) {
        give_slot_back(self.0);
    }
}

/// A mapping that stays mapped for as long as this lives.
#[derive(Debug)]
pub struct Pin {
    index: u32,
    slot: &'static Slot,
}

impl std::fmt::Debug for Slot {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        write!(f, "{:?}", State::unpack(self.state.load(SeqCst)))
    }
}

// SAFETY: a Slot is shared by all threads: its words are atomic, and the mapping is written only while the slot is
// off the free list and not live, by the thread that took it; it is read only under a pin or an export.
unsafe impl Sync for Slot {}

/// Finds the mapping of a handle and keeps it mapped until the pin is dropped.
pub fn pin(handle: Handle) -> Result<Pin, Error> {
    let (generation, index) = parts(handle)?;
    let slot = slot(index).ok_or(Error::Handle(handle))?;
    pins(index).fetch_add(1, SeqCst);
    let pin = Pin { index, slot };
    // Counted first, looked at second; dropping the pin counts down on the way out of an error, too.
    live(slot, generation, handle)?;
    Ok(pin)
}

/// The slot's state if `handle` is that of its live mapping.
fn live(slot: &Slot, generation: u32, handle: Handle) -> Result<State, Error> {
    let state = State::unpack(slot.state.load(SeqCst));
    match state.phase {
        Phase::Live if state.generation == generation => Ok(state),
        _ if generation <= state.generation => Err(Error::Unmapped(handle)),
        _ => Err(Error::Handle(handle)),
    }
}

impl Deref for Pin {
    type Target = Mapping;

    fn deref(&self) -> &Mapping {
        // SAFETY: the slot was live after the pin was counted, so its mapping is written and stays until the unpin.
        unsafe { (*self.slot.mapping.get()).assume_init_ref() }
    }
}

impl Drop for Pin {
    fn drop(&mut self) {
        // A mapping that cannot be unmapped here is live again, for whoever asks next.
        let _ = unpin(self.index, self.slot);
    }
}

/// Counts a pin down; the last one of a dying mapping unmaps it.
fn unpin(index: u32, slot: &Slot) -> Result<(), Error> {
    let pins = pins(index);
    match pins.fetch_sub(1, SeqCst) {
        1 => finish(index, slot, pins),
        // Wiped by a fork inside a signal handler, while this very thread held the pin.
        0 => {
            pins.fetch_add(1, SeqCst);
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Unmaps a dying mapping that nobody holds.
fn finish(index: u32, slot: &Slot, pins: &AtomicU32) -> Result<(), Error> {
    let word = slot.state.load(SeqCst);
    let state = State::unpack(word);
    // The count is read after the state: a pin that found the mapping live was counted before it was dying.
    if state.phase != Phase::Dying || pins.load(SeqCst) != 0 {
        return Ok(());
    }
    let free = State { phase: Phase::Free, ..state };
    if slot.state.compare_exchange(word, free.pack(), SeqCst, SeqCst).is_err() {
        return Ok(());
    }
    // SAFETY: the exchange made this thread the only owner: the slot is neither live, dying nor in the free list.
    let mapping = unsafe { (*slot.mapping.get()).assume_init_read() };
    match mapping.unmap() {
        Ok(()) => {
            give_slot_back(index);
            Ok(())
        }
        Err((mapping, error)) => {
            // SAFETY: as above.
            unsafe { (*slot.mapping.get()).write(mapping) };
            slot.state.store(State { phase: Phase::Live, ..state }.pack(), SeqCst);
            Err(error)
        }
    }
}

/// Unmaps: true if this call did it, false if it was unmapped already. Never waits: while others are inside the
/// mapping, it is gone for new calls, and the last to leave unmaps the memory.
pub fn unmap(handle: Handle) -> Result<bool, Error> {
    let (generation, index) = parts(handle)?;
    let pin = match pin(handle) {
        Ok(pin) => pin,
        Err(Error::Unmapped(_)) => return Ok(false),
        Err(error) => return Err(error),
    };
    let slot = pin.slot;
    loop {
        let word = slot.state.load(SeqCst);
        let state = State::unpack(word);
        if state.generation != generation || state.phase != Phase::Live {
            return Ok(false);
        }
        if state.exports > 0 {
            return Err(Error::Busy { exports: state.exports });
        }
        let dying = State { phase: Phase::Dying, ..state };
        if slot.state.compare_exchange(word, dying.pack(), SeqCst, SeqCst).is_ok() {
            break;
        }
    }
    std::mem::forget(pin);
    unpin(index, slot).map(|()| true)
}

/// Counts an export and gives the address: until it is released, the mapping is neither unmapped nor moved.
pub fn acquire(handle: Handle) -> Result<*mut u8, Error> {
    let pin = pin(handle)?;
    change_exports(handle, |exports| match exports {
        MOST_EXPORTS => Err(Error::Busy { exports }),
        _ => Ok(exports + 1),
    })?;
    Ok(pin.address())
}

/// Counts an export down; answers how many are left.
pub fn release(handle: Handle) -> Result<u32, Error> {
    change_exports(handle, |exports| {
        exports.checked_sub(1).ok_or_else(|| Error::Argument("released more often than acquired".into()))
    })
}

fn change_exports(handle: Handle, change: impl Fn(u32) -> Result<u32, Error>) -> Result<u32, Error> {
    let (generation, index) = parts(handle)?;
    let slot = slot(index).ok_or(Error::Handle(handle))?;
    loop {
        let state = live(slot, generation, handle)?;
        let changed = State { exports: change(state.exports)?, ..state };
        if slot.state.compare_exchange(state.pack(), changed.pack(), SeqCst, SeqCst).is_ok() {
            return Ok(changed.exports);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_fills_one_cache_line() {
        assert_eq!(size_of::<Slot>() % 64, 0);
    }

    #[test]
    fn states_survive_packing() {
        for phase in [Phase::Free, Phase::Live, Phase::Dying] {
            let state = State { generation: u32::MAX, phase, exports: MOST_EXPORTS };
            assert_eq!(State::unpack(state.pack()), state);
        }
        assert_eq!(State::unpack(0), State { generation: 0, phase: Phase::Free, exports: 0 });
    }

    #[test]
    fn handles_are_positive_up_to_the_last_generation_and_slot() {
        let last = handle(u32::MAX, MOST_SLOTS - 1);
        assert!(last > 0);
        assert_eq!(parts(last).unwrap(), (u32::MAX, MOST_SLOTS - 1));
    }

    #[test]
    fn chunks_follow_each_other_without_a_gap() {
        let mut expected = (0, 0);
        for index in 0..200_000 {
            assert_eq!(chunk_of(index), expected, "index {index}");
            expected.1 += 1;
            if expected.1 == (FIRST_CHUNK as usize) << expected.0 {
                expected = (expected.0 + 1, 0);
            }
        }
        assert_eq!(chunk_of(MOST_SLOTS - 1).0, CHUNK_COUNT - 1);
    }
}
