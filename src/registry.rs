//! Handle ↔ mapping: pin, export, reclaim.
//!
//! A handle is a generation and an index into the `table`. No call waits for a reader, and a fork leaves nothing held.
//! Using a mapping takes a [`Pin`]; the last pin of an unmapped mapping unmaps its memory. `slot_state` says why that is
//! safe, `records` where the pins are. Exports outlive a fork, as the views behind them do; pins do not.

mod pin;
mod records;
mod slot_state;
mod survival;
mod table;

use crate::error::{Errno, Error, Result};
use crate::mapping::{Mapping, Waited};
use crate::range::REST;
use crate::sys;
use pin::UNINHERITED;
use slot_state::{NotNow, Unusable};
use std::sync::atomic::Ordering::{Release, SeqCst};
use std::time::{Duration, Instant};
use survival::SURVIVING;

pub use pin::{Pin, length, look, pin, with, with_both};
pub(crate) use records::process_epoch;
pub use survival::{custody, loss, survive};

/// Names a mapping until the process ends: positive, and never given out twice.
pub type Handle = i64;

/// Generation above, index below; 31 bits of index keep the handle positive.
const INDEX_BITS: u32 = 31;

fn handle(generation: u32, index: u32) -> Handle {
    i64::from(generation) << INDEX_BITS | i64::from(index)
}

#[inline(always)]
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "takes the word apart")]
fn index(handle: Handle) -> u32 {
    (handle & ((1 << INDEX_BITS) - 1)) as u32
}

/// The number in the place of the generation; that of a negative handle is beyond all generations.
#[inline(always)]
#[allow(clippy::cast_sign_loss, reason = "takes the word apart")]
fn numbered(handle: Handle) -> u64 {
    (handle >> INDEX_BITS) as u64
}

fn generation(handle: Handle) -> Result<u32, Unusable> {
    u32::try_from(numbered(handle)).ok().filter(|generation| *generation > 0).ok_or(Unusable::NeverBegan)
}

/// The words for a generation that cannot be used.
#[cold]
fn unusable(handle: Handle, reason: Unusable) -> Box<Error> {
    Box::new(match reason {
        Unusable::Ended => Error::Unmapped(handle),
        Unusable::NeverBegan => Error::Handle(handle),
        Unusable::Changing => Error::Occupied,
    })
}

/// Makes a mapping and gives it a handle. The slot is taken first, so that a mapping once made cannot fail to get one.
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
    let taken = Taken::new()?;
    make().and_then(|mapping| taken.filled_with(mapping, 0))
}

/// A slot for the mapping that is made, given back if that fails or panics.
struct Taken(u32);

impl Taken {
    fn new() -> Result<Taken> {
        table::take().map(Taken)
    }

    fn filled_with(self, mapping: Mapping, marks: u32) -> Result<Handle> {
        let index = self.0;
        let slot = table::slot(index).ok_or_else(|| Error::Internal(format!("slot {index} is missing")))?;
        if marks & UNINHERITED != 0 {
            slot.unforked().is_complete.store(1, SeqCst);
        }
        survival::publish_place(slot, &mapping);
        // SAFETY: a slot taken off the free list is this thread's alone.
        unsafe { (*slot.mapping.get()).write(mapping) };
        slot.marks.store(marks, Release);
        std::mem::forget(self);
        Ok(handle(slot.state.begin(), index))
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        table::give_back(self.0);
    }
}

/// Unmaps: true if this call did it, false if it was unmapped already. A loss not yet reported is reported even so,
/// after unmapping. Never waits: while readers are inside, the mapping is gone for new calls, its memory is given up, and
/// the last reader to leave gives the addresses back.
pub fn unmap(handle: Handle) -> Result<bool> {
    let pin = loop {
        let pin = match look(handle) {
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
            Err(NotNow::Exported(exports)) => return Err(Error::Busy { exports }.into()),
        }
    };
    let reported = pin.report_loss();
    match pin.leave_ended() {
        Ok(()) => reported.map(|()| true),
        Err(errno) => Err(look(handle)?.unmap_refused(errno)),
    }
}

/// How often a thread that changes a mapping looks whether the readers have left, before it gives up.
const MOST_LOOKS: u32 = 1000;

/// Changes the mapping itself, alone with it: other calls wait for that, and none is inside. While an export is held, or
/// readers in other threads do not leave, it is busy.
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
    // SAFETY: the claim makes this thread the only one that looks at the mapping.
    change(unsafe { (*slot.mapping.get()).assume_init_mut() }, slot.marks.load(SeqCst))
}

/// A mapping that only this thread uses. Dropping it ends that, also if the change panics.
struct Claim {
    pin: Pin,
}

impl Claim {
    fn new(handle: Handle) -> Result<Claim> {
        loop {
            let pin = pin(handle)?;
            let unforked = pin.slot.unforked();
            // Before the claim: a signal's handler that finds the mapping claimed must know by which thread.
            let thread = sys::thread_id().unwrap_or(u32::MAX);
            if unforked.changer.compare_exchange(0, thread, SeqCst, SeqCst).is_err() {
                drop(pin);
                std::thread::yield_now();
                continue;
            }
            // Likewise: a thread that finds the mapping claimed must see that there is one to finish.
            unforked.was_changed.store(1, SeqCst);
            survival::CHANGES_BEGUN.fetch_add(1, SeqCst);
            let Err(refused) = pin.slot.state.claim(pin.generation()) else {
                let claim = Claim { pin };
                return if claim.is_alone() { Ok(claim) } else { Err(Error::Occupied.into()) };
            };
            unforked.changer.store(0, SeqCst);
            survival::CHANGES_ENDED.fetch_add(1, SeqCst);
            match refused {
                NotNow::Unusable(Unusable::Changing) => {}
                NotNow::Unusable(reason) => return Err(unusable(handle, reason)),
                NotNow::Exported(exports) => return Err(Error::Busy { exports }.into()),
            }
        }
    }

    /// Whether the readers inside left within a moment; new ones find the mapping claimed.
    fn is_alone(&self) -> bool {
        let mut readers = records::readers(self.pin.slot.index());
        for _ in 0..MOST_LOOKS {
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

/// Changes a mapping so that a new one comes of it, which gets a handle of its own; it survives, and is inherited by a
/// forked child, as the one it came of.
pub fn bud(handle: Handle, change_to: impl FnOnce(&mut Mapping) -> Result<Mapping>) -> Result<Handle> {
    let taken = Taken::new()?;
    // Before the claim ends: after that, another thread may unmap the mapping, and its marks are gone.
    change_with_marks(handle, |mapping, marks| taken.filled_with(change_to(mapping)?, marks & (SURVIVING | UNINHERITED)))
}

/// Nanoseconds that a wait goes without a look at whether the mapping is still there.
const WAIT_AT_A_TIME: i64 = 250_000_000;

/// [`Mapping::wait`], which unmapping ends: that wakes nobody, so a piece of the time is waited, and the handle looked up
/// again.
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
            // The mapping says what is wrong with it.
            None => timeout,
        }
        .min(WAIT_AT_A_TIME);
        match with(handle, |mapping| mapping.wait(offset, expected, piece)) {
            Err(error) if piece == WAIT_AT_A_TIME && error.code() == Errno::ETIMEDOUT.code() => {}
            ended => return ended,
        }
    }
}

/// When so many nanoseconds are over; none for what is no time, and for one beyond the clock.
pub(crate) fn deadline(timeout: i64) -> Option<Instant> {
    let time = u64::try_from(timeout).ok().map(Duration::from_nanos)?;
    Instant::now().checked_add(time)
}

/// Counts an export and returns the address: until it is released, the mapping is neither unmapped nor moved. A loss stays
/// unreported: callers often take any failure for "there is no address".
pub fn acquire(handle: Handle) -> Result<*mut u8> {
    loop {
        let pin = look(handle)?;
        match pin.slot.state.export(pin.generation()) {
            Ok(Some(_)) => return Ok(pin.address()),
            Ok(None) => return Err(Error::Busy { exports: slot_state::MOST_EXPORTS }.into()),
            // The thread that changes it waits for this pin to go.
            Err(Unusable::Changing) => drop(pin),
            Err(reason) => return Err(unusable(handle, reason)),
        }
    }
}

/// Counts an export down; returns how many are left.
pub fn release(handle: Handle) -> Result<u32> {
    let pin = look(handle)?;
    let left = pin.slot.state.release(pin.generation()).map_err(|reason| unusable(handle, reason))?;
    left.ok_or_else(|| Error::argument("released more often than acquired"))
}

/// The handles of all live mappings, in no set order; others may come and go meanwhile.
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
        look(live).is_ok().then_some(live)
    })
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn handles_are_positive_up_to_the_last_generation_and_slot() {
        let last = handle(u32::MAX, table::MOST_SLOTS - 1);
        assert!(last > 0);
        assert_eq!((generation(last), index(last)), (Ok(u32::MAX), table::MOST_SLOTS - 1));
    }

    #[test]
    fn what_is_no_handle_has_no_generation() {
        for handle in [0, 1, (1 << INDEX_BITS) - 1, -1, i64::MIN, i64::MIN | handle(1, 0), -handle(1, 0)] {
            assert_eq!(generation(handle), Err(Unusable::NeverBegan), "{handle:#x}");
            assert!(pin(handle).is_err() && look(handle).is_err(), "{handle:#x}");
        }
    }
}
