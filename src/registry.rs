//! Handle ↔ mapping: pin, export, retire.
//!
//! A handle is a generation and an index into the `table`. There is no lock: nothing waits, and a fork leaves nothing
//! held. Using a mapping takes a [`Pin`]; whoever drops the last pin of an unmapped mapping gives its memory back
//! (`life` tells why that is safe). Exports outlive a fork, as the views behind them do; pins do not.

mod life;
mod table;

use crate::constants::{MADV_DOFORK, MADV_DONTFORK};
use crate::error::{Errno, Error, Result, Side};
use crate::guarded;
use crate::mapping::{Mapping, Waited};
use crate::range::REST;
use life::{Ending, HERE, Refusal, Unclaimed};
use std::ops::Deref;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed, Ordering::SeqCst};
use std::time::{Duration, Instant};
use table::Slot;

/// Names a mapping for as long as the process lives: positive, and never given out twice.
pub type Handle = i64;

/// Generation above, index below; 31 bits of index keep the handle positive.
const INDEX_BITS: u32 = 31;

fn handle(generation: u32, index: u32) -> Handle {
    i64::from(generation) << INDEX_BITS | i64::from(index)
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "takes the word apart; it is not negative")]
fn parts(handle: Handle) -> Result<(u32, u32), Refusal> {
    let generation = handle >> INDEX_BITS;
    if generation <= 0 {
        return Err(Refusal::NeverBegan);
    }
    Ok((generation as u32, (handle & ((1 << INDEX_BITS) - 1)) as u32))
}

/// The words for a generation that cannot be used.
#[cold]
fn refused(handle: Handle, refusal: Refusal) -> Box<Error> {
    Box::new(match refusal {
        Refusal::Ended => Error::Unmapped(handle),
        Refusal::NeverBegan => Error::Handle(handle),
        Refusal::Changing => Error::Occupied,
    })
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
/// # Ok::<(), Box<mmap_wrap::Error>>(())
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
        let (slot, pins) = table::slot(index).ok_or_else(|| Error::Internal(format!("slot {index} is missing")))?;
        // SAFETY: a slot taken off the free list is this thread's alone.
        unsafe { (*slot.mapping.get()).write(mapping) };
        if marks & UNINHERITED != 0 {
            pins.fetch_or(HERE, SeqCst);
        }
        slot.marks.store(marks, SeqCst);
        std::mem::forget(self);
        Ok(handle(slot.life.begin(), index))
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        table::give_back(self.0);
    }
}

/// A mapping whose addresses stay taken for as long as this lives.
pub struct Pin {
    generation: u32,
    index: u32,
    slot: &'static Slot,
    pins: &'static table::Pins,
}

impl std::fmt::Debug for Pin {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.debug_tuple("Pin").field(&**self).finish()
    }
}

/// Finds the mapping of a handle, for whoever uses it. A loss that was not reported yet is reported instead, once.
// Worked into the code of each caller: passed back through memory, a pin costs more than the copy of a few bytes.
#[inline(always)]
pub fn pin(handle: Handle) -> Result<Pin> {
    let pin = look(handle)?;
    pin.report_loss().map(|()| pin)
}

/// Runs `access` on the mapping of a handle. If another thread unmaps it meanwhile, what is refused by then is refused
/// because of that.
///
/// ```
/// use mmap_wrap::{Mapping, constants::*, registry};
/// let map = || Mapping::of_path(c"Cargo.toml", 9, PROT_READ, MAP_PRIVATE, 0);
/// let handle = registry::insert(map)?;
/// assert_eq!(registry::with(handle, |mapping| mapping.find(b"package", 0, 9))?, 1);
/// # Ok::<(), Box<mmap_wrap::Error>>(())
/// ```
pub fn with<T>(handle: Handle, access: impl FnOnce(&Mapping) -> Result<T>) -> Result<T> {
    let pin = pin(handle)?;
    access(&pin).map_err(|error| explain(pin.slot, handle, error))
}

/// Runs `access` on the mappings of two handles, which may be the same, and says of which a failure speaks. Losses that
/// were not reported yet are reported instead: the first's, and by the next call the second's.
///
/// ```
/// use mmap_wrap::{Mapping, constants::*, error::Side, registry};
/// let map = || Mapping::of_descriptor(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
/// let (one, other) = (registry::insert(map)?, registry::insert(map)?);
/// let compare = |one: &Mapping, other: &Mapping| one.compare(0, other, 0, 4096);
/// assert_eq!(registry::with_both((one, Side::First), (other, Side::Second), &compare)?, 4096);
/// # Ok::<(), Box<mmap_wrap::Error>>(())
/// ```
pub fn with_both(
    first: (Handle, Side),
    second: (Handle, Side),
    access: &dyn Fn(&Mapping, &Mapping) -> Result<usize>,
) -> Result<usize> {
    let pins = [look(first.0)?, look(second.0)?];
    let named = [(&pins[0], first), (&pins[1], second)];
    for (pin, (_, side)) in named {
        pin.report_loss().map_err(|error| Error::Side { side, error })?;
    }
    access(&pins[0], &pins[1]).map_err(|error| match *error {
        Error::Side { side, error } => {
            let (pin, (handle, _)) = named[usize::from(side != first.1)];
            Error::Side { side, error: explain(pin.slot, handle, error) }.into()
        }
        _ => explain(pins[0].slot, first.0, error),
    })
}

/// Finds the mapping of a handle, for who only asks about it: a loss stays unreported.
#[inline(always)]
pub fn look(handle: Handle) -> Result<Pin> {
    loop {
        match enter(handle) {
            Ok(pin) => return Ok(pin),
            Err(refusal) => come_again(handle, refusal)?,
        }
    }
}

/// Whether to come again: while a mapping is being changed, for who does that waits for nobody for long.
#[cold]
fn come_again(handle: Handle, refusal: Refusal) -> Result<()> {
    if refusal != Refusal::Changing {
        return Err(refused(handle, refusal));
    }
    std::thread::yield_now();
    Ok(())
}

/// The same without words and waiting, for where neither can be: inside a signal handler.
#[inline(always)]
fn enter(handle: Handle) -> Result<Pin, Refusal> {
    let (generation, index) = parts(handle)?;
    let (slot, pins) = table::slot(index).ok_or(Refusal::NeverBegan)?;
    let entered = slot.life.enter(pins, generation);
    // Made in any case: dropping it leaves again.
    let pin = Pin { generation, index, slot, pins };
    if let Err(refusal) = entered {
        return Err(why(slot, refusal));
    }
    if slot.marks.load(Relaxed) & UNINHERITED != 0 && pins.load(SeqCst) & HERE == 0 {
        // A forked child has no such pages: at their addresses may lie anything by now.
        return Err(Refusal::Ended);
    }
    Ok(pin)
}

/// In a forked child nobody finishes a change that was under way.
#[cold]
fn why(slot: &Slot, refusal: Refusal) -> Refusal {
    let elsewhere = refusal == Refusal::Changing && slot.changer.load(SeqCst) != std::process::id();
    if elsewhere { Refusal::Ended } else { refusal }
}

#[cold]
fn report(slot: &Slot) -> Result<()> {
    let lost = slot.marks.fetch_and(!LOST, SeqCst) & LOST != 0;
    if lost { Err(Error::Lost.into()) } else { Ok(()) }
}

#[cold]
fn explain(slot: &Slot, handle: Handle, error: Box<Error>) -> Box<Error> {
    match *error {
        Error::Fault { .. } if slot.life.live().is_none() => Error::Unmapped(handle).into(),
        _ => error,
    }
}

impl Pin {
    /// [`Mapping::advise`], with one thing that only the registry can keep: in a child that did not inherit all of a
    /// mapping, its handle is that of an unmapped one.
    pub fn advise(&self, advice: i64, offset: i64, size: i64) -> Result<()> {
        let marks = &self.slot.marks;
        let before = marks.load(SeqCst);
        if advice == MADV_DONTFORK && MADV_DONTFORK != 0 {
            // First, so that no fork comes in between; the bit in the wiped word before the one that asks for it.
            self.pins.fetch_or(HERE, SeqCst);
            marks.fetch_or(UNINHERITED, SeqCst);
        }
        let advised = (**self).advise(advice, offset, size);
        let whole = offset == 0 && (size == REST || usize::try_from(size) == Ok(self.length()));
        let inherited = advice == MADV_DOFORK && whole && advised.is_ok();
        let failed = advice == MADV_DONTFORK && advised.is_err() && before & UNINHERITED == 0;
        if (inherited && MADV_DOFORK != 0) || failed {
            marks.fetch_and(!UNINHERITED, SeqCst);
        }
        advised
    }

    #[inline]
    fn report_loss(&self) -> Result<()> {
        if self.slot.marks.load(Relaxed) & LOST != 0 { report(self.slot) } else { Ok(()) }
    }

    fn is_shared(&self) -> bool {
        self.pins.load(SeqCst) & !HERE > 1
    }

    /// Leaves; if that was the last of an unmapped mapping, gives its memory back. Inside a signal handler, too. A
    /// mapping that the kernel refuses to unmap is live again, for whoever asks next.
    #[inline]
    fn leave(&self) -> Result<(), Errno> {
        if self.slot.life.leave(self.pins) { clear_away(self.slot, self.index) } else { Ok(()) }
    }
}

#[cold]
fn clear_away(slot: &Slot, index: u32) -> Result<(), Errno> {
    // SAFETY: `leave` made this thread the only owner of the slot, whose mapping is still in place.
    let mapping = unsafe { (*slot.mapping.get()).assume_init_read() };
    match mapping.try_unmap() {
        Ok(()) => {
            table::give_back(index);
            Ok(())
        }
        Err((mapping, errno)) => {
            // SAFETY: as above.
            unsafe { (*slot.mapping.get()).write(mapping) };
            slot.life.revive();
            Err(errno)
        }
    }
}

impl Deref for Pin {
    type Target = Mapping;

    fn deref(&self) -> &Mapping {
        // SAFETY: a Pin is handed out only where entering was allowed, so the mapping is in place until it leaves.
        unsafe { (*self.slot.mapping.get()).assume_init_ref() }
    }
}

impl Drop for Pin {
    fn drop(&mut self) {
        let _ = self.leave();
    }
}

/// Unmaps: true if this call did it, false if it was unmapped already. A loss not yet reported is reported even so,
/// after unmapping. Never waits: while others are inside, the mapping is gone for new calls, its memory is given up, and
/// the last to leave gives the addresses back.
pub fn unmap(handle: Handle) -> Result<bool> {
    let pin = loop {
        let pin = match enter(handle) {
            Ok(pin) => pin,
            Err(Refusal::Ended) => return Ok(false),
            Err(refusal) => {
                come_again(handle, refusal)?;
                continue;
            }
        };
        if pin.is_sealed() {
            return Err(Error::Sealed.into());
        }
        match pin.slot.life.end(pin.generation) {
            Ending::Ended => break pin,
            Ending::Already => return Ok(false),
            Ending::Changing => drop(pin),
            Ending::Exported(exports) => return Err(Error::Busy { exports }.into()),
        }
    };
    let reported = pin.report_loss();
    if pin.is_shared() {
        pin.give_up();
    }
    let left = pin.leave();
    std::mem::forget(pin);
    match left {
        Ok(()) => reported.map(|()| true),
        Err(errno) => Err(look(handle)?.unmap_refused(errno)),
    }
}

/// How often those who change a mapping look whether the others have left, before they give up.
const PATIENCE: u32 = 1000;

/// Changes the mapping itself, alone with it: other calls wait for that, and none is inside. While an export is held, or
/// calls of other threads do not leave, it is busy.
///
/// ```
/// use mmap_wrap::{Mapping, constants::*, registry};
/// let map = || Mapping::of_descriptor(0, 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
/// let handle = registry::insert(map)?;
/// registry::change(handle, |mapping| mapping.resize(100, 0, 0, false))?;
/// assert_eq!(registry::pin(handle)?.length(), 100);
/// # Ok::<(), Box<mmap_wrap::Error>>(())
/// ```
pub fn change<T>(handle: Handle, change: impl FnOnce(&mut Mapping) -> Result<T>) -> Result<T> {
    change_with_marks(handle, |mapping, _| change(mapping))
}

fn change_with_marks<T>(handle: Handle, change: impl FnOnce(&mut Mapping, u32) -> Result<T>) -> Result<T> {
    let pin = claimed(handle)?;
    let _claim = Claim(&pin);
    // SAFETY: the claim makes this thread the only one that looks at the mapping.
    change(unsafe { (*pin.slot.mapping.get()).assume_init_mut() }, pin.slot.marks.load(SeqCst))
}

fn claimed(handle: Handle) -> Result<Pin> {
    loop {
        let pin = pin(handle)?;
        pin.slot.changer.store(std::process::id(), SeqCst);
        let mut looks = 0;
        let claimed = pin.slot.life.claim(pin.pins, pin.generation, || {
            std::thread::yield_now();
            looks += 1;
            looks < PATIENCE
        });
        match claimed {
            Ok(()) => return Ok(pin),
            Err(Unclaimed::Refused(Refusal::Changing)) => drop(pin),
            Err(Unclaimed::Refused(refusal)) => return Err(refused(handle, refusal)),
            Err(Unclaimed::Exported(exports)) => return Err(Error::Busy { exports }.into()),
            Err(Unclaimed::Occupied) => return Err(Error::Occupied.into()),
        }
    }
}

/// Ends a claim, also if the change panics.
struct Claim<'a>(&'a Pin);

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        self.0.slot.life.revive();
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
/// use mmap_wrap::{Mapping, constants::*, range::REST, registry};
/// let map = || Mapping::of_descriptor(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
/// let handle = registry::insert(map)?;
/// let waiter = std::thread::spawn(move || registry::wait(handle, 0, 0, REST));
/// registry::unmap(handle)?;
/// assert!(waiter.join().unwrap().is_err());
/// # Ok::<(), Box<mmap_wrap::Error>>(())
/// ```
pub fn wait(handle: Handle, offset: i64, expected: i64, timeout: i64) -> Result<Waited> {
    let time = u64::try_from(timeout).ok().map(Duration::from_nanos);
    let end = time.and_then(|time| Instant::now().checked_add(time));
    loop {
        let piece = match end {
            Some(end) => i64::try_from(end.saturating_duration_since(Instant::now()).as_nanos()).unwrap_or(i64::MAX),
            None if timeout == REST => i64::MAX,
            // The mapping says what is wrong with it.
            None => timeout,
        }
        .min(WAIT_AT_A_TIME);
        match with(handle, |mapping| mapping.wait(offset, expected, piece)) {
            Err(error) if piece == WAIT_AT_A_TIME && error.code() == -i64::from(libc::ETIMEDOUT) => {}
            ended => return ended,
        }
    }
}

/// Counts an export and gives the address: until it is released, the mapping is neither unmapped nor moved.
pub fn acquire(handle: Handle) -> Result<*mut u8> {
    export(handle, pin).map(|pin| pin.address())
}

/// Counts an export of the mapping that `find` finds: [`pin`], or [`look`] for who has nobody to report a loss to.
pub fn export(handle: Handle, find: impl Fn(Handle) -> Result<Pin>) -> Result<Pin> {
    loop {
        let pin = find(handle)?;
        match pin.slot.life.export(pin.generation) {
            Ok(Some(_)) => return Ok(pin),
            Ok(None) => return Err(Error::Busy { exports: life::MOST_EXPORTS }.into()),
            // Who changes it waits for this pin to go.
            Err(Refusal::Changing) => drop(pin),
            Err(refusal) => return Err(refused(handle, refusal)),
        }
    }
}

/// Counts an export down; answers how many are left.
pub fn release(handle: Handle) -> Result<u32> {
    let pin = look(handle)?;
    let left = pin.slot.life.release(pin.generation).map_err(|refusal| refused(handle, refusal))?;
    left.ok_or_else(|| Error::argument("released more often than acquired"))
}

/// In a slot's marks: a page was lost, and nobody was told yet. The only one that callers know.
const LOST: u32 = 1;
/// In a slot's marks: a forked child does not have all of the mapping.
const UNINHERITED: u32 = 4;
/// In a slot's marks: the mapping survives a SIGBUS that an access through its address meets.
const SURVIVING: u32 = 2;

/// Lets the mapping survive a SIGBUS that an access through its address meets, or stops that. What is lost is reported
/// once, by the next call on the mapping.
pub fn survive(handle: Handle, surviving: bool) -> Result<()> {
    let pin = pin(handle)?;
    if !surviving {
        pin.slot.marks.fetch_and(!SURVIVING, SeqCst);
    } else if guarded::survive_with(replace_page) {
        pin.slot.marks.fetch_or(SURVIVING, SeqCst);
    } else {
        return Err(Error::unsupported("surviving SIGBUS (its handler or this thread's signal mask belongs to others)"));
    }
    Ok(())
}

/// The word that tells of a loss: bit 0 is set from the loss until it was reported. It stays readable for ever, but
/// speaks of this mapping only until it is unmapped.
pub fn loss(handle: Handle) -> Result<&'static AtomicU32> {
    Ok(&look(handle)?.slot.marks)
}

/// How many exports a mapping has, whether it survives a SIGBUS, and whether it has a loss that was not reported yet.
pub fn custody(pin: &Pin) -> (u32, bool, bool) {
    let marks = pin.slot.marks.load(SeqCst);
    (pin.slot.life.exports(), marks & SURVIVING != 0, marks & LOST != 0)
}

/// The handles of all live mappings, in no set order; others may come and go meanwhile.
///
/// ```
/// use mmap_wrap::{Mapping, constants::*, registry};
/// let handle = registry::insert(|| Mapping::of_descriptor(0, 1, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))?;
/// assert!(registry::live().any(|live| live == handle));
/// # Ok::<(), Box<mmap_wrap::Error>>(())
/// ```
pub fn live() -> impl Iterator<Item = Handle> {
    (0..table::used()).filter_map(|index| {
        let (slot, _) = table::slot(index)?;
        let live = handle(slot.life.live()?, index);
        look(live).is_ok().then_some(live)
    })
}

/// Finds the surviving mapping that an address lies in and replaces the page. Called inside a signal handler.
fn replace_page(address: usize) -> bool {
    (0..table::used()).any(|index| {
        let surviving = |slot: &Slot| slot.marks.load(SeqCst) & SURVIVING != 0;
        let Some((slot, _)) = table::slot(index).filter(|(slot, _)| surviving(slot)) else { return false };
        let Some(generation) = slot.life.live() else { return false };
        let replaced = enter(handle(generation, index)).is_ok_and(|pin| pin.replace_page(address));
        if replaced {
            slot.marks.fetch_or(LOST, SeqCst);
        }
        replaced
    })
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn handles_are_positive_up_to_the_last_generation_and_slot() {
        let last = handle(u32::MAX, table::MOST_SLOTS - 1);
        assert!(last > 0);
        assert_eq!(parts(last).unwrap(), (u32::MAX, table::MOST_SLOTS - 1));
    }
}
