//! The life of one slot: free, live, perhaps changing, dying, free again; who may use its mapping, and who must clear it away.
//!
//! Whoever enters counts itself *first* and looks at the state *second*; whoever ends the mapping changes the state
//! first and looks at the count second. Whichever came first, the other sees it: who found the mapping live is counted
//! by who wants to clear it away, and the last to leave a dying mapping clears it. Comparing generations without
//! counting would not do: the address could be unmapped and reused between the check and the access.
//!
//! Who wants to change the mapping itself (its place, its length) must be alone with it: it claims the slot in the same
//! way, and waits a little for those inside to leave; those who come meanwhile leave at once and come again.

#[cfg(loom)]
use loom::sync::atomic::{AtomicU32, AtomicU64, Ordering::SeqCst};
#[cfg(not(loom))]
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::SeqCst};

/// The most exports that a mapping can have at a time.
pub const MOST_EXPORTS: u32 = (1 << EXPORT_BITS) - 1;
const EXPORT_BITS: u32 = 30;

/// In a slot's count of those inside: set in the process that asked for it, and wiped with the count in a forked child.
pub const HERE: u32 = 1 << 31;

/// Generation, phase and exports in one word. Zero is a free slot that was never used.
pub struct Life(AtomicU64);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct State {
    /// That of the last mapping; the first has 1.
    generation: u32,
    phase: Phase,
    exports: u32,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    Free,
    Live,
    /// Ended for its users, while some are still inside.
    Dying,
    /// Claimed by the one who changes it.
    Changing,
}

/// Why a generation cannot be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// It was live once.
    Ended,
    /// It has not begun.
    NeverBegan,
    /// It is live, and being changed: leave, and come again.
    Changing,
}

/// Why a mapping cannot be changed now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unclaimed {
    Refused(Refusal),
    /// So many exports hold it.
    Exported(u32),
    /// Others are inside, and do not leave.
    Occupied,
}

/// What came of ending a mapping.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ending {
    /// This call did it.
    Ended,
    /// It had ended already.
    Already,
    /// It is being changed: leave, and come again.
    Changing,
    /// So many exports hold it.
    Exported(u32),
}

impl State {
    #[allow(clippy::cast_possible_truncation, reason = "takes the word apart")]
    fn unpack(word: u64) -> State {
        let phase = match (word >> EXPORT_BITS) & 3 {
            0 => Phase::Free,
            1 => Phase::Live,
            2 => Phase::Dying,
            _ => Phase::Changing,
        };
        State { generation: (word >> 32) as u32, phase, exports: word as u32 & MOST_EXPORTS }
    }

    fn pack(self) -> u64 {
        u64::from(self.generation) << 32 | (self.phase as u64) << EXPORT_BITS | u64::from(self.exports)
    }
}

impl Life {
    fn state(&self) -> State {
        State::unpack(self.0.load(SeqCst))
    }

    /// Changes the state to what `change` makes of it; an error of its changes nothing.
    fn update<E>(&self, change: impl Fn(State) -> Result<State, E>) -> Result<State, E> {
        loop {
            let before = self.state();
            let after = change(before)?;
            if self.0.compare_exchange(before.pack(), after.pack(), SeqCst, SeqCst).is_ok() {
                return Ok(after);
            }
        }
    }

    /// The generation of the last mapping.
    pub fn generation(&self) -> u32 {
        self.state().generation
    }

    /// Begins the next generation, and tells it. For the only owner of a free slot, once its mapping is in place.
    pub fn begin(&self) -> u32 {
        let generation = self.generation() + 1;
        self.0.store(State { generation, phase: Phase::Live, exports: 0 }.pack(), SeqCst);
        generation
    }

    /// Lives again: for the only owner of a slot that turned out not to be cleared away, or that is changed now.
    pub fn revive(&self) {
        self.0.store(State { phase: Phase::Live, ..self.state() }.pack(), SeqCst);
    }

    /// Makes the caller, who is inside, the only owner, until it revives the slot. `patience` is called while others are
    /// still inside, and says whether to wait on.
    pub fn claim(&self, pins: &AtomicU32, generation: u32, mut patience: impl FnMut() -> bool) -> Result<(), Unclaimed> {
        self.update(|state| match state.usable(generation) {
            Err(refusal) => Err(Unclaimed::Refused(refusal)),
            Ok(()) if state.exports > 0 => Err(Unclaimed::Exported(state.exports)),
            Ok(()) => Ok(State { phase: Phase::Changing, ..state }),
        })?;
        while pins.load(SeqCst) & !HERE != 1 {
            if !patience() {
                self.revive();
                return Err(Unclaimed::Occupied);
            }
        }
        Ok(())
    }

    /// Counts the caller, and tells whether it may use the mapping. Refused or not, it must leave again.
    #[inline]
    pub fn enter(&self, pins: &AtomicU32, generation: u32) -> Result<(), Refusal> {
        pins.fetch_add(1, SeqCst);
        self.state().usable(generation)
    }

    /// Leaves. True if the caller was the last in a mapping that has ended: it is its only owner now, and must clear it
    /// away.
    #[must_use]
    #[inline]
    pub fn leave(&self, pins: &AtomicU32) -> bool {
        match pins.fetch_sub(1, SeqCst) & !HERE {
            1 => self.clear(pins),
            // Wiped by a fork inside a signal handler, while this very thread was inside.
            0 => {
                pins.fetch_add(1, SeqCst);
                false
            }
            _ => false,
        }
    }

    #[cold]
    fn clear(&self, pins: &AtomicU32) -> bool {
        let dying = self.state();
        // The count is read after the state: who found the mapping live was counted before it was dying.
        if dying.phase != Phase::Dying || pins.load(SeqCst) & !HERE != 0 {
            return false;
        }
        let free = State { phase: Phase::Free, ..dying };
        self.0.compare_exchange(dying.pack(), free.pack(), SeqCst, SeqCst).is_ok()
    }

    /// Ends the generation for its users. For a caller inside; the last to leave clears it away.
    pub fn end(&self, generation: u32) -> Ending {
        let ended = self.update(|state| match state.usable(generation) {
            Err(Refusal::Changing) => Err(Ending::Changing),
            Err(_) => Err(Ending::Already),
            Ok(()) if state.exports > 0 => Err(Ending::Exported(state.exports)),
            Ok(()) => Ok(State { phase: Phase::Dying, ..state }),
        });
        ended.map_or_else(|ending| ending, |_| Ending::Ended)
    }

    /// Counts an export more, or none if there are the most already.
    pub fn export(&self, generation: u32) -> Result<Option<u32>, Refusal> {
        self.change_exports(generation, |exports| (exports < MOST_EXPORTS).then_some(exports + 1))
    }

    /// Counts an export less and tells how many are left; none if none was held.
    pub fn release(&self, generation: u32) -> Result<Option<u32>, Refusal> {
        self.change_exports(generation, |exports| exports.checked_sub(1))
    }

    fn change_exports(&self, generation: u32, change: impl Fn(u32) -> Option<u32>) -> Result<Option<u32>, Refusal> {
        let changed = self.update(|state| {
            state.usable(generation).map_err(Some)?;
            Ok(State { exports: change(state.exports).ok_or(None)?, ..state })
        });
        match changed {
            Ok(state) => Ok(Some(state.exports)),
            Err(None) => Ok(None),
            Err(Some(refusal)) => Err(refusal),
        }
    }

    /// How many exports the mapping has now.
    pub fn exports(&self) -> u32 {
        self.state().exports
    }

    /// The generation that is live now, if one is.
    pub fn live(&self) -> Option<u32> {
        let state = self.state();
        matches!(state.phase, Phase::Live | Phase::Changing).then_some(state.generation)
    }
}

impl State {
    fn usable(self, generation: u32) -> Result<(), Refusal> {
        match self.phase {
            Phase::Live if self.generation == generation => Ok(()),
            Phase::Changing if self.generation == generation => Err(Refusal::Changing),
            _ if generation <= self.generation => Err(Refusal::Ended),
            _ => Err(Refusal::NeverBegan),
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn states_survive_packing() {
        for phase in [Phase::Free, Phase::Live, Phase::Dying, Phase::Changing] {
            let state = State { generation: u32::MAX, phase, exports: MOST_EXPORTS };
            assert_eq!(State::unpack(state.pack()), state);
        }
        assert_eq!(State::unpack(0), State { generation: 0, phase: Phase::Free, exports: 0 });
    }

    #[test]
    fn exports_have_a_last_one_and_a_first_one() {
        let most = State { generation: 1, phase: Phase::Live, exports: MOST_EXPORTS };
        let life = Life(AtomicU64::new(most.pack()));
        assert_eq!(life.export(1), Ok(None));
        assert_eq!(life.end(1), Ending::Exported(MOST_EXPORTS));
        assert_eq!(life.release(1), Ok(Some(MOST_EXPORTS - 1)));
        let none = Life(AtomicU64::new(State { exports: 0, ..most }.pack()));
        assert_eq!(none.release(1), Ok(None));
        assert_eq!(none.release(2), Err(Refusal::NeverBegan));
    }
}

/// Every interleaving of those who use, end and reuse one slot. Run with `RUSTFLAGS="--cfg loom" cargo test --lib life`.
#[cfg(all(test, loom))]
mod model {
    use super::*;
    use loom::cell::UnsafeCell;
    use loom::sync::Arc;
    use loom::thread;

    /// A slot whose mapping is the number of its generation, and 0 when it is cleared away. loom fails any run in which
    /// someone reads the number while another changes it.
    struct Slot {
        life: Life,
        pins: AtomicU32,
        mapping: UnsafeCell<u32>,
    }

    impl Slot {
        fn live() -> Arc<Slot> {
            let slot = Slot { life: Life(AtomicU64::new(0)), pins: AtomicU32::new(0), mapping: UnsafeCell::new(1) };
            assert_eq!(slot.life.begin(), 1);
            Arc::new(slot)
        }

        fn leave(&self) -> bool {
            let last = self.life.leave(&self.pins);
            if last {
                self.mapping.with_mut(|mapping| {
                    // SAFETY: loom checks that nobody else is at it.
                    unsafe { *mapping = 0 }
                });
            }
            last
        }

        fn reads(&self, generation: u32) -> bool {
            let entered = self.life.enter(&self.pins, generation).is_ok();
            if entered {
                // SAFETY: loom checks that nobody changes it.
                self.mapping.with(|mapping| assert_eq!(unsafe { *mapping }, generation));
            }
            self.leave();
            entered
        }

        /// Whether this call ended the generation, and whether it cleared it away itself.
        fn unmaps(&self, generation: u32) -> (bool, bool) {
            let entered = self.life.enter(&self.pins, generation).is_ok();
            let ended = entered && self.life.end(generation) == Ending::Ended;
            (ended, self.leave())
        }
    }

    #[test]
    fn readers_and_an_unmapper() {
        loom::model(|| {
            let slot = Slot::live();
            let readers = [slot.clone(), slot.clone()].map(|slot| thread::spawn(move || slot.reads(1)));
            let (ended, _) = slot.unmaps(1);
            assert!(ended);
            for reader in readers {
                reader.join().unwrap();
            }
            // SAFETY: all others have ended.
            slot.mapping.with(|mapping| assert_eq!(unsafe { *mapping }, 0, "nobody cleared it away"));
            assert_eq!(slot.life.live(), None);
        });
    }

    #[test]
    fn two_unmappers_and_a_reader() {
        loom::model(|| {
            let slot = Slot::live();
            let other = thread::spawn({
                let slot = slot.clone();
                move || slot.unmaps(1).0
            });
            let reader = thread::spawn({
                let slot = slot.clone();
                move || slot.reads(1)
            });
            let this = slot.unmaps(1).0;
            assert!(this != other.join().unwrap(), "one of the two unmapped it");
            reader.join().unwrap();
            // SAFETY: all others have ended.
            slot.mapping.with(|mapping| assert_eq!(unsafe { *mapping }, 0, "nobody cleared it away"));
        });
    }

    #[test]
    fn a_stale_reader_and_the_next_generation() {
        loom::model(|| {
            let slot = Slot::live();
            let stale = thread::spawn({
                let slot = slot.clone();
                move || slot.reads(1)
            });
            if slot.unmaps(1) == (true, true) {
                // This thread owns the slot, as one that took it off the free list.
                slot.mapping.with_mut(|mapping| {
                    // SAFETY: loom checks that nobody else is at it.
                    unsafe { *mapping = 2 }
                });
                assert_eq!(slot.life.begin(), 2);
                assert!(slot.reads(2));
            }
            stale.join().unwrap();
        });
    }

    #[test]
    fn a_changer_is_alone_or_refused() {
        loom::model(|| {
            let slot = Slot::live();
            let readers = [slot.clone(), slot.clone()].map(|slot| thread::spawn(move || slot.reads(1)));
            assert!(slot.life.enter(&slot.pins, 1).is_ok());
            if slot.life.claim(&slot.pins, 1, || false).is_ok() {
                // SAFETY: loom checks that nobody else is at it.
                slot.mapping.with_mut(|mapping| unsafe { *mapping = 1 });
                slot.life.revive();
            }
            slot.leave();
            for reader in readers {
                reader.join().unwrap();
            }
            assert_eq!(slot.life.live(), Some(1));
        });
    }

    #[test]
    fn a_changer_and_an_unmapper() {
        loom::model(|| {
            let slot = Slot::live();
            let changer = thread::spawn({
                let slot = slot.clone();
                move || {
                    let entered = slot.life.enter(&slot.pins, 1).is_ok();
                    if entered && slot.life.claim(&slot.pins, 1, || false).is_ok() {
                        // SAFETY: loom checks that nobody else is at it.
                        slot.mapping.with_mut(|mapping| unsafe { *mapping = 1 });
                        slot.life.revive();
                    }
                    slot.leave();
                }
            });
            let (ended, _) = slot.unmaps(1);
            changer.join().unwrap();
            // SAFETY: all others have ended.
            let mapping = slot.mapping.with(|mapping| unsafe { *mapping });
            assert_eq!(mapping, if ended { 0 } else { 1 }, "cleared away if it ended, and only then");
        });
    }

    #[test]
    fn an_export_or_an_end() {
        loom::model(|| {
            let slot = Slot::live();
            let exporter = thread::spawn({
                let slot = slot.clone();
                move || slot.life.export(1) == Ok(Some(1))
            });
            let (ended, _) = slot.unmaps(1);
            assert!(ended != exporter.join().unwrap(), "never both, never neither");
        });
    }
}
