//! Handle → mapping: pins, acquired addresses, reclamation.
//!
//! A `handle` is a generation and an index into the `table`. A call pins the mapping with a [`Pin`], which is a hazard pointer;
//! the last reader of an unmapped mapping reclaims it, so that unmapping never waits. `slot_state` explains why that is safe,
//! `records` where the pins are stored. A forked child keeps the addresses that its parent has acquired, as it has the views of
//! them, but not the pins.

mod handle;
mod pin;
mod records;
mod slot_state;
mod survival;
mod table;

use crate::error::{Errno, Error, Result};
use crate::mapping::{Mapping, Waited};
use crate::range::REST;
use crate::sys;
use handle::{handle, unusable};
use slot_state::{NotNow, Unusable};
use std::sync::atomic::Ordering::{Release, SeqCst};
use std::time::{Duration, Instant};
use table::{SURVIVING, UNINHERITED};

pub use handle::Handle;
pub use pin::{Pin, length, peek, pin, with, with_both};
pub(crate) use records::process_epoch;
pub use survival::{loss_flag, status, survive};

/// Creates a mapping and gives it a handle. The slot is taken first, so that nothing can fail once the mapping exists.
///
/// ```
/// use mmap_wrap::internals::{Mapping, constants::*, registry};
/// let map = || Mapping::anonymous(4096, PROT_READ | PROT_WRITE, MAP_SHARED);
/// let handle = registry::insert(map)?;
/// registry::pin(handle)?.write(4095, &[0xFF])?;
/// assert!(registry::unmap(handle)?);
/// assert!(!registry::unmap(handle)?);
/// assert!(registry::pin(handle).is_err());
/// # Ok::<(), Box<mmap_wrap::internals::Error>>(())
/// ```
pub fn insert(make: impl FnOnce() -> Result<Mapping>) -> Result<Handle> {
    let taken = TakenSlot::new()?;
    make().and_then(|mapping| taken.filled_with(mapping, 0))
}

/// A slot for a new mapping, given back if creating the mapping fails or panics.
struct TakenSlot(u32);

impl TakenSlot {
    fn new() -> Result<TakenSlot> {
        table::take().map(TakenSlot)
    }

    fn filled_with(self, mapping: Mapping, marks: u32) -> Result<Handle> {
        let index = self.0;
        let slot = table::slot(index).ok_or_else(|| Error::Internal(format!("slot {index} is missing")))?;
        if marks & UNINHERITED != 0 {
            slot.unforked().is_complete.store(1, SeqCst);
        }
        survival::publish_place(slot, &mapping);
        // SAFETY: only this thread uses a slot taken off the free list.
        unsafe { (*slot.mapping.get()).write(mapping) };
        slot.marks.store(marks, Release);
        std::mem::forget(self);
        Ok(handle(slot.state.begin(), index))
    }
}

impl Drop for TakenSlot {
    fn drop(&mut self) {
        table::give_back(self.0);
    }
}

/// Unmaps: true if this call did it, false if it was unmapped already. A pending loss is reported as an error, after unmapping.
/// Never waits: if there are readers, new calls fail from here on, the memory is replaced by inaccessible pages, and the last
/// reader unmaps the addresses.
pub fn unmap(handle: Handle) -> Result<bool> {
    let pin = loop {
        let pin = match peek(handle) {
            Err(error) if matches!(*error, Error::Unmapped(_)) => return Ok(false),
            looked => looked?,
        };
        if pin.is_sealed() {
            return Err(Error::Sealed.into());
        }
        match pin.slot.state.end(pin.generation()) {
            Ok(()) => break pin,
            Err(NotNow::Unusable(Unusable::Changing)) => drop(pin),
            Err(NotNow::Unusable(_)) => return Ok(false),
            Err(NotNow::Acquired(acquired)) => return Err(Error::Busy { acquired }.into()),
        }
    };
    let reported = pin.report_loss();
    match pin.unpin_ended() {
        Ok(()) => reported.map(|()| true),
        Err(errno) => Err(peek(handle)?.unmap_error(errno)),
    }
}

/// How often a thread that changes a mapping checks whether the readers have finished, before it gives up.
const MAX_LOOKS: u32 = 1000;

/// Changes the mapping itself, with exclusive access: other calls wait until the change is done. An error of MMAP_WRAP_E_BUSY
/// if its address is acquired or readers do not finish in time.
///
/// ```
/// use mmap_wrap::internals::{Mapping, constants::*, mapping::FileEnd, registry};
/// let map = || Mapping::anonymous(8192, PROT_READ, MAP_PRIVATE);
/// let handle = registry::insert(map)?;
/// registry::change(handle, |mapping| mapping.resize(100, 0, FileEnd::Stays))?;
/// assert_eq!(registry::pin(handle)?.length(), 100);
/// # Ok::<(), Box<mmap_wrap::internals::Error>>(())
/// ```
pub fn change<T>(handle: Handle, change: impl FnOnce(&mut Mapping) -> Result<T>) -> Result<T> {
    change_with_marks(handle, |mapping, _| change(mapping))
}

fn change_with_marks<T>(handle: Handle, change: impl FnOnce(&mut Mapping, u32) -> Result<T>) -> Result<T> {
    let claim = Claim::new(handle)?;
    let slot = claim.pin.slot;
    // SAFETY: the claim gives this thread exclusive access to the mapping.
    change(unsafe { (*slot.mapping.get()).assume_init_mut() }, slot.marks.load(SeqCst))
}

/// Exclusive access to a mapping, until it is dropped, also if the change panics.
struct Claim {
    pin: Pin,
}

impl Claim {
    fn new(handle: Handle) -> Result<Claim> {
        loop {
            let pin = pin(handle)?;
            let unforked = pin.slot.unforked();
            // Before the claim: a signal handler that finds the mapping claimed must know by which thread.
            let thread = sys::thread_id().unwrap_or(u32::MAX);
            if unforked.changer.compare_exchange(0, thread, SeqCst, SeqCst).is_err() {
                drop(pin);
                std::thread::yield_now();
                continue;
            }
            // Likewise: a thread that finds the mapping claimed must see that a thread of this process claimed it.
            unforked.was_changed.store(1, SeqCst);
            survival::CHANGES_BEGUN.fetch_add(1, SeqCst);
            let Err(reason) = pin.slot.state.claim(pin.generation()) else {
                let claim = Claim { pin };
                return if claim.is_alone() { Ok(claim) } else { Err(Error::Occupied.into()) };
            };
            unforked.changer.store(0, SeqCst);
            survival::CHANGES_ENDED.fetch_add(1, SeqCst);
            match reason {
                NotNow::Unusable(Unusable::Changing) => {}
                NotNow::Unusable(reason) => return Err(unusable(handle, reason)),
                NotNow::Acquired(acquired) => return Err(Error::Busy { acquired }.into()),
            }
        }
    }

    /// Whether the readers finished within a moment; new readers find the mapping claimed.
    fn is_alone(&self) -> bool {
        let mut readers = records::readers(self.pin.slot.index());
        for _ in 0..MAX_LOOKS {
            if readers == 1 {
                return true;
            }
            std::thread::yield_now();
            readers = records::pins(self.pin.slot.index());
        }
        false
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        survival::publish_place(self.pin.slot, &self.pin);
        self.pin.slot.state.revive();
        self.pin.slot.unforked().changer.store(0, SeqCst);
        survival::CHANGES_ENDED.fetch_add(1, SeqCst);
    }
}

/// Changes a mapping with a function that returns a second one, and gives that a handle. The new mapping is surviving, and
/// inherited by forked children, if the old one is.
pub fn change_and_insert(handle: Handle, change_to: impl FnOnce(&mut Mapping) -> Result<Mapping>) -> Result<Handle> {
    let taken = TakenSlot::new()?;
    // Before the claim ends: after that, another thread may unmap the mapping, and its marks are lost.
    change_with_marks(handle, |mapping, marks| taken.filled_with(change_to(mapping)?, marks & (SURVIVING | UNINHERITED)))
}

/// How many nanoseconds a wait lasts before it checks that the mapping still exists.
const WAIT_AT_A_TIME: i64 = 250_000_000;

/// Like [`Mapping::wait`], but unmapping ends the wait. Since unmapping wakes no waiter, the handle is looked up again at
/// intervals.
///
/// ```
/// use mmap_wrap::internals::{Mapping, constants::*, range::REST, registry};
/// let map = || Mapping::anonymous(4096, PROT_READ | PROT_WRITE, MAP_SHARED);
/// let handle = registry::insert(map)?;
/// let waiter = std::thread::spawn(move || registry::wait(handle, 0, 0, REST));
/// registry::unmap(handle)?;
/// assert!(waiter.join().unwrap().is_err());
/// # Ok::<(), Box<mmap_wrap::internals::Error>>(())
/// ```
pub fn wait(handle: Handle, offset: i64, expected: i64, timeout: i64) -> Result<Waited> {
    let end = deadline(timeout);
    loop {
        let piece = match end {
            Some(end) => i64::try_from(end.saturating_duration_since(Instant::now()).as_nanos()).unwrap_or(i64::MAX),
            None if timeout == REST => i64::MAX,
            // `Mapping::wait` reports the invalid timeout.
            None => timeout,
        }
        .min(WAIT_AT_A_TIME);
        match with(handle, |mapping| mapping.wait(offset, expected, piece)) {
            Err(error) if piece == WAIT_AT_A_TIME && error.code() == Errno::ETIMEDOUT.code() => {}
            ended => return ended,
        }
    }
}

/// The end of a timeout in nanoseconds; none for a negative one, and beyond the range of the clock.
pub(crate) fn deadline(timeout: i64) -> Option<Instant> {
    let time = u64::try_from(timeout).ok().map(Duration::from_nanos)?;
    Instant::now().checked_add(time)
}

/// Acquires the address: until it is released, the mapping is neither unmapped nor moved. A pending loss is
/// not reported here, since callers often take any failure for "no address".
pub fn acquire(handle: Handle) -> Result<*mut u8> {
    loop {
        let pin = peek(handle)?;
        match pin.slot.state.acquire(pin.generation()) {
            Ok(Some(_)) => return Ok(pin.address()),
            Ok(None) => return Err(Error::Busy { acquired: slot_state::MAX_ACQUIRED }.into()),
            // The thread that changes the mapping waits for this pin.
            Err(Unusable::Changing) => drop(pin),
            Err(reason) => return Err(unusable(handle, reason)),
        }
    }
}

/// Releases the address; returns how many times it is still acquired.
pub fn release(handle: Handle) -> Result<u32> {
    let pin = peek(handle)?;
    let left = pin.slot.state.release(pin.generation()).map_err(|reason| unusable(handle, reason))?;
    left.ok_or_else(|| Error::argument("released more often than acquired"))
}

/// The handles of all live mappings, in no particular order. Other threads may map and unmap meanwhile.
///
/// ```
/// use mmap_wrap::internals::{Mapping, constants::*, registry};
/// let handle = registry::insert(|| Mapping::anonymous(1, PROT_READ, MAP_PRIVATE))?;
/// assert!(registry::live().any(|live| live == handle));
/// # Ok::<(), Box<mmap_wrap::internals::Error>>(())
/// ```
pub fn live() -> impl Iterator<Item = Handle> {
    (0..table::used()).filter_map(|index| {
        let live = handle(table::slot(index)?.state.live()?, index);
        peek(live).is_ok().then_some(live)
    })
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::handle::{INDEX_BITS, generation, index};
    use super::*;

    #[test]
    fn handles_are_positive_up_to_the_last_generation_and_slot() {
        let last = handle(u32::MAX, table::MAX_SLOTS - 1);
        assert!(last > 0);
        assert_eq!((generation(last), index(last)), (Ok(u32::MAX), table::MAX_SLOTS - 1));
    }

    /// The reader that faults looks at the slot after its pin is withdrawn, when another thread may have taken the slot.
    #[test]
    fn a_fault_of_an_unmapped_mapping_is_that_error_when_its_slot_has_another_mapping() {
        use crate::constants::{MAP_PRIVATE, PROT_READ};
        let fault = || Box::new(Error::Fault { offset: 0, done: 0, size: 1, address: 0, cause: crate::error::Cause::Unknown });
        let map = || insert(|| Mapping::anonymous(1, PROT_READ, MAP_PRIVATE)).unwrap();
        let slot_of = |h| super::pin(h).unwrap().slot;
        let first = map();
        let used = slot_of(first);
        assert!(matches!(*super::pin::explain(used, first, fault()), Error::Fault { .. }), "it is mapped");
        assert!(unmap(first).unwrap());
        // A test in another thread may take the slot, too.
        let mut others = Vec::new();
        while used.state.live().is_none() {
            others.push(map());
        }
        assert!(matches!(*super::pin::explain(used, first, fault()), Error::Unmapped(h) if h == first));
        assert!(others.into_iter().all(|h| unmap(h).unwrap()));
    }

    #[test]
    fn a_number_that_is_not_a_handle_has_no_generation() {
        for handle in [0, 1, (1 << INDEX_BITS) - 1, -1, i64::MIN, i64::MIN | handle(1, 0), -handle(1, 0)] {
            assert_eq!(generation(handle), Err(Unusable::NeverBegan), "{handle:#x}");
            assert!(pin(handle).is_err() && peek(handle).is_err(), "{handle:#x}");
        }
    }
}

#[cfg(all(test, not(loom), unix))]
mod fork_tests {
    use super::*;
    use crate::constants::{MAP_PRIVATE, PROT_READ};
    use records::FIRST_CHUNK;
    use std::sync::Barrier;
    use std::sync::atomic::AtomicU32;
    use std::thread;

    /// The child's first thread still refers to the record that it had in the parent, and another thread may take that record. If
    /// both used it, it would be full for one of them, and its pin would be counted.
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
                        // All have a record, one of them the one that the first thread had.
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
