//! The readers of each mapping: a record of hazard pointers for each thread, and counts for pins without a record.
//!
//! A pin is a hazard pointer: a thread stores the slot's number in its own record, then loads the slot's state. The thread that
//! ends or changes a mapping changes the state, then scans all records. On each side, the store must be visible to the other
//! before the load. Readers do this millions of times a second, so the cost is moved to the other side: membarrier(2) makes
//! every running thread of the process execute a full barrier, after which either the reader's store is visible here, or its
//! load comes later and sees the new state. (Dice, Herlihy, Kogan: Fast Non-intrusive Memory Reclamation, 2016; liburcu and
//! folly do the same.) Without membarrier(2), readers execute the barrier themselves. membarrier(2) is
//! called only if other threads have records.
//!
//! A pin that does not fit the thread's record (a third one at a time, a thread that is ending, a signal handler, which must
//! not use thread-local storage) is counted in the slot, with a locked instruction.
//!
//! All of this is in memory that the kernel wipes in a forked child (MADV_WIPEONFORK), since the other threads do not exist
//! there and would never withdraw their pins. A record contains its owner: a thread that finds another value there knows that
//! it was wiped.

use super::table;
use crate::sys;
use std::cell::Cell;
use std::ptr::{self, NonNull};
use std::sync::atomic::{
    AtomicBool, AtomicPtr, AtomicU32, AtomicUsize, Ordering::Acquire, Ordering::Relaxed, Ordering::Release, Ordering::SeqCst,
    compiler_fence, fence,
};

/// One thread's hazards, on a cache line of its own. Zeroed memory is a record without an owner.
#[repr(C, align(64))]
struct Record {
    /// The address of the owning thread's `THIS`; 0 for none.
    owner: AtomicUsize,
    /// Slot number + 1, or 0. Two, for calls on two mappings.
    hazards: [AtomicU32; 2],
}

/// A thread's reference to its record.
struct This {
    record: Cell<&'static Record>,
    /// The thread is ending: it has given its record back, and gets no other.
    is_ending: Cell<bool>,
}

static NONE: Record = Record { owner: AtomicUsize::new(0), hazards: [AtomicU32::new(0), AtomicU32::new(0)] };

thread_local! {
    // Without a destructor and lazy initialisation, so that reading it is one load.
    static THIS: This = const { This { record: Cell::new(&NONE), is_ending: Cell::new(false) } };
    static AT_THREAD_END: AtThreadEnd = const { AtThreadEnd };
}

struct AtThreadEnd;

impl Drop for AtThreadEnd {
    fn drop(&mut self) {
        THIS.with(|this| {
            let record = this.record.replace(&NONE);
            this.is_ending.set(true);
            // A record that a fork wiped may have another owner now.
            let _ = record.owner.compare_exchange(address(this), 0, SeqCst, SeqCst);
        });
    }
}

fn address(this: &This) -> usize {
    ptr::from_ref(this).addr()
}

/// Chunk `k` holds 64 · 2ᵏ records. Chunks are never freed; records are reused.
static CHUNKS: [AtomicPtr<Record>; CHUNK_COUNT] = [const { AtomicPtr::new(ptr::null_mut()) }; CHUNK_COUNT];
const CHUNK_COUNT: usize = 16;
pub const FIRST_CHUNK: usize = 64;

/// How many records were ever taken; those from here on are unused.
static USED: AtomicUsize = AtomicUsize::new(0);

/// Whether membarrier(2) works, so that readers need no barrier.
static IS_ASYMMETRIC: AtomicBool = AtomicBool::new(false);

/// A published pin, which must be withdrawn: the address of the hazard, or, with the lowest bit set, of the count. One word, so
/// that it stays in a register during a call.
#[derive(Clone, Copy)]
pub struct Hold(NonNull<AtomicU32>);

impl Hold {
    /// Publishes a pin of the slot's mapping, before any later load. None if the thread has no record yet, or a pin already.
    #[inline(always)]
    pub fn publish_quickly(index: u32) -> Option<Hold> {
        THIS.with(|this| {
            let record = this.record.get();
            let is_ready = record.belongs_to(this) && record.hazards[0].load(Relaxed) == 0;
            is_ready.then(|| Hold::hazard(&record.hazards[0], index))
        })
    }

    /// Publishes a pin in any case.
    pub fn publish(index: u32) -> Hold {
        THIS.with(|this| {
            let record = this.record.get();
            let is_own = record.belongs_to(this);
            let record = if is_own || this.is_ending.get() { is_own.then_some(record) } else { register(this) };
            let room = record.and_then(|record| record.hazards.iter().find(|hazard| hazard.load(Relaxed) == 0));
            room.map_or_else(|| Hold::count(index), |room| Hold::hazard(room, index))
        })
    }

    #[inline(always)]
    fn hazard(place: &'static AtomicU32, index: u32) -> Hold {
        place.store(index + 1, Relaxed);
        reader_barrier();
        Hold(NonNull::from(place))
    }

    /// Publishes a pin without thread-local storage, for signal handlers.
    pub fn count(index: u32) -> Hold {
        let place = &table::unforked(index).pins;
        place.fetch_add(1, SeqCst);
        Hold(NonNull::from(place).map_addr(|address| address | 1))
    }

    /// Withdraws the pin, before any later load.
    #[inline(always)]
    pub fn withdraw(self) {
        if self.0.addr().get() & 1 != 0 {
            self.uncount();
        } else {
            // SAFETY: without the bit it is a hazard, and records are never freed.
            unsafe { self.0.as_ref() }.store(0, Release);
            reader_barrier();
        }
    }

    #[cold]
    fn uncount(self) {
        let place = self.0.as_ptr().map_addr(|address| address & !1);
        // SAFETY: with the bit taken away it is a count, and slots are never freed.
        let place = unsafe { &*place };
        // It is 0 if a signal handler forked while this thread had its pin: the count was wiped in the child.
        let _ = place.fetch_update(SeqCst, SeqCst, |count| count.checked_sub(1));
    }
}

/// Orders a reader's store before its next load.
#[inline(always)]
fn reader_barrier() {
    compiler_fence(SeqCst);
    if !IS_ASYMMETRIC.load(Relaxed) {
        fence_of_readers();
    }
}

#[cold]
#[inline(never)]
fn fence_of_readers() {
    fence(SeqCst);
}

/// Takes a record for this thread; none if there is no memory for one.
fn register(this: &This) -> Option<&'static Record> {
    if AT_THREAD_END.try_with(|_| ()).is_err() {
        // The thread is ending, and nothing would give the record back.
        return None;
    }
    let record = take(this)?;
    this.record.set(record);
    // Either a thread that ends a mapping from here on finds this record, or this thread sees the new state.
    fence(SeqCst);
    Some(record)
}

fn take(this: &This) -> Option<&'static Record> {
    let mut before = 0;
    for (chunk, place) in CHUNKS.iter().enumerate() {
        if chunk == 0 && place.load(Acquire).is_null() {
            IS_ASYMMETRIC.store(sys::register_barrier(), SeqCst);
        }
        table::publish(place, FIRST_CHUNK << chunk, true).ok()?;
        if let Some((index, record)) = records_of(chunk).enumerate().find(|(_, record)| record.take(this)) {
            USED.fetch_max(before + index + 1, SeqCst);
            return Some(record);
        }
        before += FIRST_CHUNK << chunk;
    }
    None
}

impl Record {
    /// False after a fork wiped the record; another thread may have taken it since.
    #[inline(always)]
    fn belongs_to(&self, this: &This) -> bool {
        self.owner.load(Relaxed) == address(this)
    }

    fn take(&self, this: &This) -> bool {
        // A hazard that outlived its thread is a pin that was never withdrawn, and still protects its mapping.
        let is_clear = self.hazards.iter().all(|hazard| hazard.load(Relaxed) == 0);
        is_clear && self.owner.compare_exchange(0, address(this), SeqCst, SeqCst).is_ok()
    }
}

fn records_of(chunk: usize) -> impl Iterator<Item = &'static Record> {
    let records = CHUNKS[chunk].load(Acquire);
    let count = if records.is_null() { 0 } else { FIRST_CHUNK << chunk };
    // SAFETY: a published chunk is never freed and has so many records; zeroed memory is a valid record.
    (0..count).map(move |place| unsafe { &*records.add(place) })
}

fn all() -> impl Iterator<Item = &'static Record> {
    (0..CHUNK_COUNT).flat_map(records_of).take(USED.load(SeqCst))
}

/// The number of pins of the slot's mapping, including this thread's, after making every pin visible that was published before
/// the caller's last change of the slot's state.
pub fn readers(index: u32) -> usize {
    fence(SeqCst);
    let own = THIS.with(address);
    let is_others = |record: &Record| !matches!(record.owner.load(Relaxed), owner if owner == 0 || owner == own);
    if all().any(is_others) {
        barrier();
    }
    pins(index)
}

/// Like `readers`, without thread-local storage, for signal handlers.
pub fn readers_of_any_thread(index: u32) -> usize {
    fence(SeqCst);
    barrier();
    pins(index)
}

/// Like `readers`, for a caller that has called `readers` since its last change of the state.
pub fn pins(index: u32) -> usize {
    let hazards = all().flat_map(|record| &record.hazards).filter(|hazard| hazard.load(Acquire) == index + 1).count();
    hazards + table::unforked(index).pins.load(SeqCst) as usize
}

/// Makes every other thread of the process execute a full barrier, unless readers execute their own.
#[cold]
fn barrier() {
    if IS_ASYMMETRIC.load(Relaxed) && !sys::barrier() {
        // It worked before; a seccomp filter must forbid it now. From here on readers execute their own barriers. The time is for
        // stores of readers that have not: no store stays in a processor's buffer for so long.
        IS_ASYMMETRIC.store(false, SeqCst);
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
}

/// A number that differs between a process and its forked children; none if there is no memory for it.
pub fn process_epoch() -> Option<u32> {
    /// Wiped in a child, which then takes the next number.
    static EPOCH: AtomicPtr<AtomicU32> = AtomicPtr::new(ptr::null_mut());
    static LAST: AtomicU32 = AtomicU32::new(0);
    table::publish(&EPOCH, 1, true).ok()?;
    // SAFETY: once published it is never freed; zeroed memory is a valid word.
    let epoch = unsafe { &*EPOCH.load(Acquire) };
    match epoch.load(SeqCst) {
        0 => {
            let next = LAST.fetch_add(1, SeqCst) + 1;
            Some(epoch.compare_exchange(0, next, SeqCst, SeqCst).map_or_else(|other| other, |_| next))
        }
        epoch => Some(epoch),
    }
}
