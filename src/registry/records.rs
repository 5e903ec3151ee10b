//! Who is inside which mapping: a record for each thread, and counts for those that have none.
//!
//! A pin is a hazard pointer: a thread stores the slot's number in its own record, then looks at the slot's state. The
//! thread that ends or changes a mapping changes the state, then looks through all records. Each side must do the second
//! only after the first is visible to the other. The reader does it millions of times a second, so the whole price is on
//! the other side: membarrier(2) makes every running thread of the process execute a full barrier, after which either
//! the reader's store is visible here, or its load comes later and sees the new state. (Dice, Herlihy, Kogan: Fast
//! Non-intrusive Memory Reclamation, 2016; liburcu and folly do the same.) Where there is no membarrier(2), readers
//! execute the barrier themselves. A process whose other threads never came here pays for neither.
//!
//! A pin that finds no place in the thread's record (a third one at once, a thread that is ending, a signal handler,
//! which must not touch thread-local storage) is counted beside the slot, with a locked instruction.
//!
//! All of this lies in memory that the kernel wipes in a forked child (MADV_WIPEONFORK): the other threads do not exist
//! there and withdraw nothing. A thread notices that its record was wiped by the owner in it.

use super::table;
use crate::sys;
use std::cell::Cell;
use std::ptr::{self, NonNull};
use std::sync::atomic::{
    AtomicBool, AtomicPtr, AtomicU32, AtomicUsize, Ordering::Acquire, Ordering::Relaxed, Ordering::Release, Ordering::SeqCst,
    compiler_fence, fence,
};

/// One thread's hazards, on a cache line of its own. Zeroed memory is a record that no thread has.
#[repr(C, align(64))]
struct Record {
    /// The address of the owning thread's `THIS`; 0 for none.
    owner: AtomicUsize,
    /// Slot number + 1, or 0. Two, so that a call on two mappings finds room.
    hazards: [AtomicU32; 2],
}

/// What a thread knows of its record.
struct This {
    record: Cell<&'static Record>,
    /// The thread is ending: its record was given back, and it gets no other.
    is_ending: Cell<bool>,
}

static NONE: Record = Record { owner: AtomicUsize::new(0), hazards: [AtomicU32::new(0), AtomicU32::new(0)] };

thread_local! {
    // Neither has a destructor nor is initialised lazily: reading it is one load.
    static THIS: This = const { This { record: Cell::new(&NONE), is_ending: Cell::new(false) } };
    static AT_THREAD_END: AtThreadEnd = const { AtThreadEnd };
}

struct AtThreadEnd;

impl Drop for AtThreadEnd {
    fn drop(&mut self) {
        THIS.with(|this| {
            let record = this.record.replace(&NONE);
            this.is_ending.set(true);
            // A record that a fork wiped may be another thread's by now.
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
const FIRST_CHUNK: usize = 64;

/// How many records were ever taken; those from here on are untouched.
static USED: AtomicUsize = AtomicUsize::new(0);

/// Whether other threads can be made to execute a barrier, so that readers need none.
static IS_ASYMMETRIC: AtomicBool = AtomicBool::new(false);

/// A published pin, which must be withdrawn: the address of the hazard, or, with the lowest bit set, of the count. One word,
/// because it travels in a register through every call.
#[derive(Clone, Copy)]
pub struct Hold(NonNull<AtomicU32>);

impl Hold {
    /// Publishes that this thread is about to use the mapping in the slot, before any later load: if it has a record, with
    /// room, as all but its first call and nested ones find.
    #[inline(always)]
    pub fn publish_quickly(index: u32) -> Option<Hold> {
        THIS.with(|this| {
            let record = this.record.get();
            let is_ready = record.belongs_to(this) && record.hazards[0].load(Relaxed) == 0;
            is_ready.then(|| Hold::hazard(&record.hazards[0], index))
        })
    }

    /// The same in any case.
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

    /// Publishes it without thread-local storage: inside a signal handler.
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
        // 0: wiped by a fork inside a signal handler, while this very thread was inside.
        let _ = place.fetch_update(SeqCst, SeqCst, |count| count.checked_sub(1));
    }
}

/// What orders a reader's store before its next load, for the threads that look at both in the other order.
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

/// Gives this thread a record; none where there is no memory for one.
fn register(this: &This) -> Option<&'static Record> {
    if AT_THREAD_END.try_with(|_| ()).is_err() {
        // Nothing would give it back.
        return None;
    }
    let record = take(this)?;
    this.record.set(record);
    // Either a thread that ends a mapping from here on finds this record in use, or this thread sees the mapping ended.
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
    /// Not so after a fork wiped it, and another thread may have taken it since.
    #[inline(always)]
    fn belongs_to(&self, this: &This) -> bool {
        self.owner.load(Relaxed) == address(this)
    }

    fn take(&self, this: &This) -> bool {
        // A hazard that outlived its thread is a pin that was never withdrawn: it goes on holding its mapping.
        let is_clear = self.hazards.iter().all(|hazard| hazard.load(Relaxed) == 0);
        is_clear && self.owner.compare_exchange(0, address(this), SeqCst, SeqCst).is_ok()
    }
}

fn records_of(chunk: usize) -> impl Iterator<Item = &'static Record> {
    let records = CHUNKS[chunk].load(Acquire);
    let count = if records.is_null() { 0 } else { FIRST_CHUNK << chunk };
    // SAFETY: a chunk once published stays for ever and holds so many records; zeroed memory is a valid one.
    (0..count).map(move |place| unsafe { &*records.add(place) })
}

fn all() -> impl Iterator<Item = &'static Record> {
    (0..CHUNK_COUNT).flat_map(records_of).take(USED.load(SeqCst))
}

/// How many pins of the slot's mapping there are, once every pin that was published before the caller's last change of
/// the slot's state is visible. This thread's own are among them.
pub fn readers(index: u32) -> usize {
    fence(SeqCst);
    let own = THIS.with(address);
    let is_others = |record: &Record| !matches!(record.owner.load(Relaxed), owner if owner == 0 || owner == own);
    if all().any(is_others) {
        barrier();
    }
    pins(index)
}

/// The same without thread-local storage: inside a signal handler, too.
pub fn readers_of_any_thread(index: u32) -> usize {
    fence(SeqCst);
    barrier();
    pins(index)
}

/// The same as `readers` for a caller that has called `readers` since its last change of the state.
pub fn pins(index: u32) -> usize {
    let hazards = all().flat_map(|record| &record.hazards).filter(|hazard| hazard.load(Acquire) == index + 1).count();
    hazards + table::unforked(index).pins.load(SeqCst) as usize
}

/// Makes every other thread of the process execute a full barrier, unless readers execute their own.
#[cold]
fn barrier() {
    if IS_ASYMMETRIC.load(Relaxed) && !sys::barrier() {
        // It worked once; a seccomp filter forbids it now. From here on readers execute their own. What one of them stored
        // just before is visible long before this time has passed: no store stays in a processor's buffer for so long.
        IS_ASYMMETRIC.store(false, SeqCst);
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
}

/// A number that is another in a forked child than in its parent; none where there is no memory for it.
pub fn process_epoch() -> Option<u32> {
    /// Wiped in a child, which then takes the next number.
    static EPOCH: AtomicPtr<AtomicU32> = AtomicPtr::new(ptr::null_mut());
    static LAST: AtomicU32 = AtomicU32::new(0);
    table::publish(&EPOCH, 1, true).ok()?;
    // SAFETY: once published it stays; zeroed memory is a valid word.
    let epoch = unsafe { &*EPOCH.load(Acquire) };
    match epoch.load(SeqCst) {
        0 => {
            let next = LAST.fetch_add(1, SeqCst) + 1;
            Some(epoch.compare_exchange(0, next, SeqCst, SeqCst).map_or_else(|other| other, |_| next))
        }
        epoch => Some(epoch),
    }
}

#[cfg(all(test, not(loom), unix))]
mod tests {
    use super::*;
    use crate::constants::{MAP_PRIVATE, PROT_READ};
    use crate::mapping::Mapping;
    use crate::registry::{insert, pin};
    use std::sync::Barrier;
    use std::thread;

    /// The child's first thread still knows of the record that it had in the parent, and a second thread may take that. If
    /// both used it, one of them would find it full: its pin would be counted.
    #[test]
    fn threads_of_a_forked_child_share_no_record() {
        let h = insert(|| Mapping::anonymous(1, PROT_READ, MAP_PRIVATE)).unwrap();
        let index = pin(h).unwrap().slot.index();
        // SAFETY: the child runs threads that use this library, and ends by _exit or SIGALRM.
        let child = unsafe { libc::fork() };
        if child == 0 {
            // SAFETY: sets a timer of this process.
            unsafe { libc::alarm(30) };
            let counted = AtomicU32::new(0);
            let together = Barrier::new(FIRST_CHUNK + 1);
            thread::scope(|scope| {
                for _ in 0..FIRST_CHUNK {
                    scope.spawn(|| {
                        drop(pin(h));
                        // All have a record, one of them that which the first thread had.
                        together.wait();
                        // The first thread has two pins.
                        together.wait();
                        let _third = pin(h);
                        counted.fetch_max(table::unforked(index).pins.load(SeqCst), SeqCst);
                        together.wait();
                    });
                }
                together.wait();
                let _two = (pin(h), pin(h));
                together.wait();
                together.wait();
            });
            // SAFETY: ends the child, without the parent's exit handlers.
            unsafe { libc::_exit(i32::from(counted.load(SeqCst) > 0)) }
        }
        let mut status = -1;
        // SAFETY: waits for the child, and writes one int.
        assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
        assert_eq!(status, 0, "two threads have the same record");
    }
}
