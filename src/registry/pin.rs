//! A pin keeps a mapping from being unmapped while a call uses it.

use super::handle::{Handle, generation, generation_bits, index, unusable};
use super::records::{self, Hold};
use super::slot_state::Unusable;
use super::table::{self, LOST, SURVIVING, Slot, UNINHERITED, alone_in};
use crate::constants::{MADV_DOFORK, MADV_DONTFORK};
use crate::error::{Errno, Error, Result, Side};
use crate::mapping::Mapping;
use crate::range::REST;
use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::atomic::Ordering::{Acquire, Relaxed, SeqCst};

/// A mapping that is not unmapped while this exists. It belongs to the thread that created it.
pub struct Pin {
    pub(super) slot: &'static Slot,
    hold: Hold,
    /// The hold is in the thread's own record.
    _of_this_thread: PhantomData<*const ()>,
}

impl std::fmt::Debug for Pin {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.debug_tuple("Pin").field(&**self).finish()
    }
}

/// Pins the mapping of a handle for a call that uses it. A pending loss is reported instead, once.
// Inlined into each caller: a pin returned through memory costs more than copying a few bytes.
#[inline(always)]
pub fn pin(handle: Handle) -> Result<Pin> {
    match try_pin(handle) {
        Some(pin) => Ok(pin),
        None => pin_slowly(handle),
    }
}

#[cold]
#[inline(never)]
fn pin_slowly(handle: Handle) -> Result<Pin> {
    loop {
        match pin_slot(handle, Hold::publish) {
            Ok((pin, marks)) if marks & LOST == 0 => return Ok(pin),
            Ok((pin, _)) => return report(pin.slot).map(|()| pin),
            Err(reason) => retry(handle, reason)?,
        }
    }
}

/// Runs `access` on the mapping of a handle. A fault since another thread unmapped it meanwhile is MMAP_WRAP_E_UNMAPPED.
///
/// ```
/// use mmap_wrap::internals::{Mapping, constants::*, registry};
/// let map = || Mapping::from_path(c"Cargo.toml", 9, PROT_READ, MAP_PRIVATE, 0);
/// let handle = registry::insert(map)?;
/// assert_eq!(registry::with(handle, |mapping| mapping.find(b"package", 0, 9))?, 1);
/// # Ok::<(), Box<mmap_wrap::internals::Error>>(())
/// ```
#[inline(always)]
pub fn with<T>(handle: Handle, access: impl FnOnce(&Mapping) -> Result<T>) -> Result<T> {
    let pin = pin(handle)?;
    let slot = pin.slot;
    match access(&pin) {
        Ok(done) => {
            pin.unpin_inline();
            Ok(done)
        }
        Err(error) => {
            drop(pin);
            Err(explain(slot, handle, error))
        }
    }
}

/// Runs `access` on the mappings of two handles, which may be the same; errors contain which of them they are about. Pending
/// losses are reported instead: that of the first mapping, and by the next call that of the second.
///
/// ```
/// use mmap_wrap::internals::{Mapping, constants::*, error::Side, registry};
/// let map = || Mapping::anonymous(4096, PROT_READ | PROT_WRITE, MAP_PRIVATE);
/// let (one, other) = (registry::insert(map)?, registry::insert(map)?);
/// let compare = |one: &Mapping, other: &Mapping| one.compare(0, other, 0, 4096);
/// assert_eq!(registry::with_both((one, Side::First), (other, Side::Second), &compare)?, 4096);
/// # Ok::<(), Box<mmap_wrap::internals::Error>>(())
/// ```
pub fn with_both(
    first: (Handle, Side),
    second: (Handle, Side),
    access: &dyn Fn(&Mapping, &Mapping) -> Result<usize>,
) -> Result<usize> {
    let pins = [peek(first.0)?, peek(second.0)?];
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

/// Pins the mapping of a handle for a call that only queries it: a pending loss is not reported.
#[inline(always)]
pub fn peek(handle: Handle) -> Result<Pin> {
    match try_pin(handle) {
        Some(pin) => Ok(pin),
        None => peek_slowly(handle),
    }
}

#[cold]
#[inline(never)]
fn peek_slowly(handle: Handle) -> Result<Pin> {
    loop {
        match pin_slot(handle, Hold::publish) {
            Ok((pin, _)) => return Ok(pin),
            Err(reason) => retry(handle, reason)?,
        }
    }
}

/// The length of a handle's mapping. A pending loss is not reported.
///
/// This needs no pin, since it does not read the mapping itself: the slot has a copy of the length, which is the mapping's if its
/// generation was live before and after the load.
#[inline(always)]
pub fn length(handle: Handle) -> Result<usize> {
    match length_quickly(handle) {
        Some(length) => Ok(length),
        None => Ok(peek(handle)?.length()),
    }
}

#[inline(always)]
fn length_quickly(handle: Handle) -> Option<usize> {
    let slot = table::slot(index(handle))?;
    let is_usable = slot.state.is_live(generation_bits(handle)) && slot.marks.load(Relaxed) & UNINHERITED == 0;
    // Acquire: the second load of the state comes after this one.
    let length = slot.length.load(Acquire);
    (is_usable && slot.state.is_live(generation_bits(handle))).then_some(length)
}

/// Yields to the thread that changes the mapping, which does not take long; any other reason is an error.
#[cold]
fn retry(handle: Handle, reason: Unusable) -> Result<()> {
    if reason != Unusable::Changing {
        return Err(unusable(handle, reason));
    }
    std::thread::yield_now();
    Ok(())
}

/// Pins the mapping of a handle if nothing else needs to be checked or reported: the path of nearly all calls.
#[inline(always)]
fn try_pin(handle: Handle) -> Option<Pin> {
    let index = index(handle);
    let slot = table::slot(index)?;
    // Published before the state is loaded; dropping it withdraws it.
    let pin = Pin { slot, hold: Hold::publish_quickly(index)?, _of_this_thread: PhantomData };
    let is_usable = slot.state.is_live(generation_bits(handle)) && slot.marks.load(Relaxed) & (UNINHERITED | LOST) == 0;
    is_usable.then_some(pin)
}

/// Pins the mapping of any handle and returns its marks, without a message and without waiting: a signal handler, where neither
/// is possible, calls it with `Hold::count`.
pub(super) fn pin_slot(handle: Handle, publish: impl FnOnce(u32) -> Hold) -> Result<(Pin, u32), Unusable> {
    let (generation, index) = (generation(handle)?, index(handle));
    let slot = table::slot(index).ok_or(Unusable::NeverBegan)?;
    let pin = Pin { slot, hold: publish(index), _of_this_thread: PhantomData };
    if !slot.state.is_live(generation.into()) {
        return Err(why_not_live(slot, generation));
    }
    let marks = slot.marks.load(Relaxed);
    if marks & UNINHERITED != 0 && slot.unforked().is_complete.load(SeqCst) == 0 {
        // A forked child does not have these pages, and their addresses may be in use for something else.
        return Err(Unusable::Ended);
    }
    Ok((pin, marks))
}

fn why_not_live(slot: &Slot, generation: u32) -> Unusable {
    match slot.state.usable(generation) {
        // It was being changed a moment ago.
        Ok(()) => Unusable::Changing,
        // In a forked child no thread finishes a change that was in progress.
        Err(Unusable::Changing) if slot.unforked().was_changed.load(SeqCst) == 0 => Unusable::Ended,
        Err(reason) => reason,
    }
}

#[cold]
pub(super) fn report(slot: &Slot) -> Result<()> {
    let lost = slot.marks.fetch_and(!LOST, SeqCst) & LOST != 0;
    if lost { Err(Error::Lost.into()) } else { Ok(()) }
}

/// A fault of a mapping that another thread unmapped meanwhile is that error. The slot may have another mapping by now.
#[cold]
pub(super) fn explain(slot: &Slot, handle: Handle, error: Box<Error>) -> Box<Error> {
    match *error {
        Error::Fault { .. } if slot.state.live() != generation(handle).ok() => Error::Unmapped(handle).into(),
        _ => error,
    }
}

impl Pin {
    /// The mapping's generation, which does not change while it is pinned.
    pub(super) fn generation(&self) -> u32 {
        self.slot.state.generation()
    }

    /// Like [`Mapping::advise`]; for MADV_DONTFORK and MADV_DOFORK, the registry also records what forked children inherit: in a
    /// child that does not have all of a mapping, its handle is that of an unmapped mapping.
    pub fn advise(&self, advice: i64, offset: i64, size: i64) -> Result<()> {
        if (advice != MADV_DONTFORK || MADV_DONTFORK == 0) && (advice != MADV_DOFORK || MADV_DOFORK == 0) {
            return (**self).advise(advice, offset, size);
        }
        // One thread at a time: the mark must agree with the last advice that the kernel got.
        alone_in(&self.slot.unforked().advising, || self.advise_about_forks(advice, offset, size))
    }

    fn advise_about_forks(&self, advice: i64, offset: i64, size: i64) -> Result<()> {
        let marks = &self.slot.marks;
        let before = marks.load(SeqCst);
        if advice == MADV_DONTFORK {
            // Before the advice, so that no fork comes in between; and the word that is wiped before the mark that refers to it.
            self.slot.unforked().is_complete.store(1, SeqCst);
            marks.fetch_or(UNINHERITED, SeqCst);
        }
        let advised = (**self).advise(advice, offset, size);
        let whole = offset == 0 && (size == REST || usize::try_from(size) == Ok(self.length()));
        let inherited = advice == MADV_DOFORK && whole && advised.is_ok();
        let failed = advice == MADV_DONTFORK && advised.is_err() && before & UNINHERITED == 0;
        if inherited || failed {
            marks.fetch_and(!UNINHERITED, SeqCst);
        }
        advised
    }

    /// Like [`Mapping::mseal`]; a surviving mapping cannot be sealed, since sealed pages cannot be replaced.
    pub fn mseal(&self, offset: i64, size: i64) -> Result<()> {
        let is_surviving = || self.slot.marks.load(SeqCst) & SURVIVING != 0;
        (**self).seal_unless(&is_surviving, offset, size)
    }

    #[inline(always)]
    pub(super) fn report_loss(&self) -> Result<()> {
        if self.slot.marks.load(Relaxed) & LOST != 0 { report(self.slot) } else { Ok(()) }
    }

    /// Unpins a mapping that this thread has ended. Without readers, its memory is unmapped now; otherwise the memory is
    /// replaced by inaccessible pages, and the last reader unmaps it.
    pub(super) fn unpin_ended(self) -> Result<(), Errno> {
        let reclaimed = if records::readers(self.slot.index()) == 1 {
            // While this thread has its pin, no other thread can reclaim the slot.
            self.slot.state.reclaim(|| false)
        } else {
            self.give_up();
            false
        };
        let unmapped = if reclaimed { self.unmap_reclaimed() } else { Ok(()) };
        unpin(self.slot, self.hold);
        std::mem::forget(self);
        unmapped
    }

    /// Like dropping, but inlined, for the path of every access.
    #[inline(always)]
    fn unpin_inline(self) {
        let Pin { slot, hold, .. } = *std::mem::ManuallyDrop::new(self);
        unpin(slot, hold);
    }

    /// Unmaps the memory of a slot that this thread has just reclaimed. If the kernel fails to, the mapping is live again, and
    /// the caller can retry.
    fn unmap_reclaimed(&self) -> Result<(), Errno> {
        // SAFETY: reclaiming made this thread the only owner of the slot, whose mapping is still in place.
        let mapping = unsafe { (*self.slot.mapping.get()).assume_init_read() };
        mapping.try_unmap().map(|()| table::give_back(self.slot.index())).map_err(|(mapping, errno)| {
            // SAFETY: as above.
            unsafe { (*self.slot.mapping.get()).write(mapping) };
            self.slot.state.revive();
            errno
        })
    }
}

/// Withdraws a pin. The last reader of an ended mapping unmaps its memory, also inside a signal handler.
#[inline(always)]
fn unpin(slot: &Slot, hold: Hold) {
    hold.withdraw();
    if slot.state.is_dying() {
        reclaim(slot);
    }
}

#[inline(never)]
fn unpin_by_call(slot: &Slot, hold: Hold) {
    unpin(slot, hold);
}

#[cold]
fn reclaim(slot: &Slot) {
    if slot.state.reclaim(|| records::readers_of_any_thread(slot.index()) > 0) {
        // The call that ended the mapping has returned already. What the kernel fails to unmap (vm.max_map_count) stays mapped,
        // and no handle refers to it any more. SAFETY: reclaiming made this thread the only owner of the slot, whose mapping is
        // still in place.
        drop(unsafe { (*slot.mapping.get()).assume_init_read() });
        table::give_back(slot.index());
    }
}

impl Deref for Pin {
    type Target = Mapping;

    #[inline(always)]
    fn deref(&self) -> &Mapping {
        // SAFETY: a Pin exists only if the mapping was live after the pin was published, so it stays in place until the pin is
        // withdrawn.
        unsafe { (*self.slot.mapping.get()).assume_init_ref() }
    }
}

impl Drop for Pin {
    #[inline(always)]
    fn drop(&mut self) {
        // Small enough to be inlined: a Pin whose address is passed on would have to be in memory.
        unpin_by_call(self.slot, self.hold);
    }
}
