//! The state of one slot: free, live, possibly changing, dying, free again. It decides which threads may use the mapping, and
//! which thread reclaims it.
//!
//! A reader *first* publishes its pin and *then* loads the state; the thread that ends a mapping first changes the state and
//! then scans for pins, with a barrier in between on both sides (`records` explains why the reader's is free). Whichever comes
//! first, the other sees it: the thread that reclaims a mapping sees every reader that found it live, and the last reader of a
//! dying mapping reclaims it. Comparing generations without a pin would not be enough: the address could be unmapped and reused
//! between the check and the access.
//!
//! A thread that changes the mapping itself (its address, its length) needs exclusive access: it claims the slot in the same
//! way and waits a moment for readers to finish; new readers withdraw their pins and retry.

#[cfg(loom)]
use loom::sync::atomic::{AtomicU64, Ordering::Acquire, Ordering::Release, Ordering::SeqCst};
#[cfg(not(loom))]
use std::sync::atomic::{AtomicU64, Ordering::Acquire, Ordering::Release, Ordering::SeqCst};

/// How many times the address of a mapping can be acquired.
pub const MAX_ACQUIRED: u32 = (1 << ACQUIRED_BITS) - 1;
const ACQUIRED_BITS: u32 = 30;

/// Generation, phase and how many times the address is acquired, in one word. Zero is a free slot that was never used.
pub struct SlotState(AtomicU64);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct State {
    /// The generation of the last mapping; the first has 1.
    generation: u32,
    phase: Phase,
    acquired: u32,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    Free,
    Live,
    /// Ended for new readers, while there are still readers.
    Dying,
    /// Claimed by the thread that changes it.
    Changing,
}

/// Why a generation cannot be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unusable {
    /// It was live before.
    Ended,
    /// It was never live.
    NeverBegan,
    /// It is live, and being changed: retry.
    Changing,
}

/// Why a mapping cannot be ended or claimed now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NotNow {
    Unusable(Unusable),
    /// Its address is acquired so many times.
    Acquired(u32),
}

impl State {
    #[allow(clippy::cast_possible_truncation, reason = "takes the word apart")]
    fn unpack(word: u64) -> State {
        let phase = match (word >> ACQUIRED_BITS) & 3 {
            0 => Phase::Free,
            1 => Phase::Live,
            2 => Phase::Dying,
            _ => Phase::Changing,
        };
        State { generation: (word >> 32) as u32, phase, acquired: word as u32 & MAX_ACQUIRED }
    }

    fn pack(self) -> u64 {
        u64::from(self.generation) << 32 | (self.phase as u64) << ACQUIRED_BITS | u64::from(self.acquired)
    }

    fn usable(self, generation: u32) -> Result<(), Unusable> {
        match self.phase {
            Phase::Live if self.generation == generation => Ok(()),
            Phase::Changing if self.generation == generation => Err(Unusable::Changing),
            _ if generation <= self.generation => Err(Unusable::Ended),
            _ => Err(Unusable::NeverBegan),
        }
    }
}

impl SlotState {
    fn state(&self) -> State {
        State::unpack(self.0.load(SeqCst))
    }

    /// Changes the state to what `change` returns; on its error the state does not change.
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

    /// Whether the generation is live, for a reader that has published its pin. `generation` is the upper part of any handle: 33
    /// bits, sign-extended to 64, so that the shift loses nothing.
    #[inline]
    pub fn is_live(&self, generation: u64) -> bool {
        // Acquire: makes visible what the thread that began the generation wrote before.
        self.0.load(Acquire) >> ACQUIRED_BITS == generation << 2 | Phase::Live as u64
    }

    /// Why the generation is not live; `Ok` if it is live now.
    pub fn usable(&self, generation: u32) -> Result<(), Unusable> {
        self.state().usable(generation)
    }

    /// Begins the next generation and returns it. For the owner of a free slot, once the mapping is in place.
    pub fn begin(&self) -> u32 {
        let generation = self.generation() + 1;
        self.0.store(State { generation, phase: Phase::Live, acquired: 0 }.pack(), Release);
        generation
    }

    /// Makes the slot live again. For its owner: the thread that claimed it, or that failed to unmap it.
    pub fn revive(&self) {
        self.0.store(State { phase: Phase::Live, ..self.state() }.pack(), SeqCst);
    }

    /// Claims the slot for the caller, until it revives it. There may still be readers: the caller scans for them afterwards.
    pub fn claim(&self, generation: u32) -> Result<(), NotNow> {
        self.leave_live(generation, Phase::Changing)
    }

    /// Ends the generation for new readers. The caller scans for readers afterwards; the last reader reclaims the slot.
    pub fn end(&self, generation: u32) -> Result<(), NotNow> {
        self.leave_live(generation, Phase::Dying)
    }

    fn leave_live(&self, generation: u32, phase: Phase) -> Result<(), NotNow> {
        let changed = self.update(|state| match state.usable(generation) {
            Err(unusable) => Err(NotNow::Unusable(unusable)),
            Ok(()) if state.acquired > 0 => Err(NotNow::Acquired(state.acquired)),
            Ok(()) => Ok(State { phase, ..state }),
        });
        changed.map(drop)
    }

    /// Whether the mapping ended while there were readers, for a reader that has just withdrawn its pin.
    #[inline]
    pub fn is_dying(&self) -> bool {
        (self.0.load(Acquire) >> ACQUIRED_BITS) & 3 == Phase::Dying as u64
    }

    /// Makes the caller the owner of a dying slot without readers. `has_readers` is called after the state was loaded: a reader
    /// that found the mapping live published its pin before the mapping was dying.
    pub fn reclaim(&self, has_readers: impl FnOnce() -> bool) -> bool {
        let dying = self.state();
        if dying.phase != Phase::Dying || has_readers() {
            return false;
        }
        let free = State { phase: Phase::Free, ..dying };
        self.0.compare_exchange(dying.pack(), free.pack(), SeqCst, SeqCst).is_ok()
    }

    /// Counts that the address is acquired once more; none if that would exceed the maximum.
    pub fn acquire(&self, generation: u32) -> Result<Option<u32>, Unusable> {
        self.change_acquired(generation, |acquired| (acquired < MAX_ACQUIRED).then_some(acquired + 1))
    }

    /// Counts that the address is released, and returns how often it is still acquired; none if it was not.
    pub fn release(&self, generation: u32) -> Result<Option<u32>, Unusable> {
        self.change_acquired(generation, |acquired| acquired.checked_sub(1))
    }

    fn change_acquired(&self, generation: u32, change: impl Fn(u32) -> Option<u32>) -> Result<Option<u32>, Unusable> {
        let changed = self.update(|state| {
            state.usable(generation).map_err(Some)?;
            Ok(State { acquired: change(state.acquired).ok_or(None)?, ..state })
        });
        match changed {
            Ok(state) => Ok(Some(state.acquired)),
            Err(None) => Ok(None),
            Err(Some(unusable)) => Err(unusable),
        }
    }

    /// How many times the address is acquired now.
    pub fn acquired(&self) -> u32 {
        self.state().acquired
    }

    /// The generation that is live (or being changed), if any.
    pub fn live(&self) -> Option<u32> {
        let state = self.state();
        matches!(state.phase, Phase::Live | Phase::Changing).then_some(state.generation)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn states_survive_packing() {
        for phase in [Phase::Free, Phase::Live, Phase::Dying, Phase::Changing] {
            let state = State { generation: u32::MAX, phase, acquired: MAX_ACQUIRED };
            assert_eq!(State::unpack(state.pack()), state);
        }
        assert_eq!(State::unpack(0), State { generation: 0, phase: Phase::Free, acquired: 0 });
    }

    #[test]
    fn the_quick_checks_agree_with_the_state() {
        for phase in [Phase::Free, Phase::Live, Phase::Dying, Phase::Changing] {
            for (generation, acquired) in [(0, 0), (1, 0), (7, MAX_ACQUIRED), (u32::MAX, 3)] {
                let slot = SlotState(AtomicU64::new(State { generation, phase, acquired }.pack()));
                assert_eq!(slot.is_live(generation.into()), phase == Phase::Live);
                assert!(!slot.is_live(generation.wrapping_add(1).into()));
                assert!(!slot.is_live(u64::from(generation) | 1 << 32));
                // The upper part of a negative handle.
                assert!(!slot.is_live(u64::from(generation) | u64::MAX << 32));
                assert_eq!(slot.is_dying(), phase == Phase::Dying);
            }
        }
    }

    #[test]
    fn acquisitions_are_counted_up_to_a_maximum_and_down_to_zero() {
        let most = State { generation: 1, phase: Phase::Live, acquired: MAX_ACQUIRED };
        let slot = SlotState(AtomicU64::new(most.pack()));
        assert_eq!(slot.acquire(1), Ok(None));
        assert_eq!(slot.end(1), Err(NotNow::Acquired(MAX_ACQUIRED)));
        assert_eq!(slot.release(1), Ok(Some(MAX_ACQUIRED - 1)));
        let none = SlotState(AtomicU64::new(State { acquired: 0, ..most }.pack()));
        assert_eq!(none.release(1), Ok(None));
        assert_eq!(none.release(2), Err(Unusable::NeverBegan));
    }
}

/// Models that run all interleavings of the threads that use, end and reuse one slot, unless a test says otherwise. Run with
/// `RUSTFLAGS="--cfg loom" cargo test --release --lib slot_state`.
///
/// loom has no membarrier(2). The model has a full fence in the reader in its place, where the library has only a compiler fence
/// while membarrier works (`records::Hold`). So the model proves the protocol, not the asymmetric barrier.
#[cfg(all(test, loom))]
mod model {
    use super::*;
    use loom::cell::UnsafeCell;
    use loom::sync::Arc;
    use loom::sync::atomic::{AtomicBool, Ordering::Relaxed, fence};
    use loom::thread;

    /// A slot whose mapping is the number of its generation, and 0 when it is reclaimed. loom fails a run in which one thread
    /// reads the number while another changes it. Each thread has one hazard.
    struct Slot {
        state: SlotState,
        hazards: [AtomicBool; 3],
        mapping: UnsafeCell<u32>,
    }

    impl Slot {
        fn live() -> Arc<Slot> {
            let hazards = [AtomicBool::new(false), AtomicBool::new(false), AtomicBool::new(false)];
            let slot = Slot { state: SlotState(AtomicU64::new(0)), hazards, mapping: UnsafeCell::new(1) };
            assert_eq!(slot.state.begin(), 1);
            Arc::new(slot)
        }

        fn publish(&self, thread: usize) {
            self.hazards[thread].store(true, Relaxed);
            fence(SeqCst);
        }

        fn withdraw(&self, thread: usize) {
            self.hazards[thread].store(false, Release);
            fence(SeqCst);
        }

        fn readers(&self) -> usize {
            fence(SeqCst);
            self.hazards.iter().filter(|hazard| hazard.load(Acquire)).count()
        }

        fn unpin(&self, thread: usize) -> bool {
            self.withdraw(thread);
            let last = self.state.is_dying() && self.state.reclaim(|| self.readers() > 0);
            if last {
                self.clear();
            }
            last
        }

        fn clear(&self) {
            self.mapping.with_mut(|mapping| {
                // SAFETY: loom checks that no other thread accesses it.
                unsafe { *mapping = 0 }
            });
        }

        fn reads(&self, thread: usize, generation: u32) -> bool {
            self.publish(thread);
            let live = self.state.is_live(generation.into());
            if live {
                // SAFETY: loom checks that no thread changes it.
                self.mapping.with(|mapping| assert_eq!(unsafe { *mapping }, generation));
            }
            self.unpin(thread);
            live
        }

        /// As `registry::unmap`. Returns whether this call ended the generation, and whether it reclaimed it.
        fn unmaps(&self, thread: usize, generation: u32) -> (bool, bool) {
            self.publish(thread);
            if !self.state.is_live(generation.into()) || self.state.end(generation).is_err() {
                return (false, self.unpin(thread));
            }
            if self.readers() > 1 {
                return (true, self.unpin(thread));
            }
            // While this thread has its pin, no other thread can reclaim the slot.
            let reclaimed = self.state.reclaim(|| false);
            assert!(reclaimed);
            self.clear();
            self.withdraw(thread);
            (true, reclaimed)
        }

        fn changes(&self, thread: usize) {
            self.publish(thread);
            if self.state.is_live(1) && self.state.claim(1).is_ok() {
                if self.readers() == 1 {
                    // SAFETY: loom checks that no other thread accesses it.
                    self.mapping.with_mut(|mapping| unsafe { *mapping = 1 });
                }
                self.state.revive();
            }
            self.unpin(thread);
        }

        fn assert_mapping(&self, expected: u32) {
            // SAFETY: all other threads have ended.
            self.mapping.with(|mapping| assert_eq!(unsafe { *mapping }, expected));
        }
    }

    /// The interleavings of three threads with at most four preemptions each. All interleavings take more than 15 minutes for one
    /// model; these take half a minute. (LOOM_MAX_PREEMPTIONS does not change it.)
    fn with_four_preemptions(run: impl Fn() + Sync + Send + 'static) {
        let mut model = loom::model::Builder::new();
        model.preemption_bound = Some(4);
        model.check(run);
    }

    #[test]
    fn readers_and_an_unmapper() {
        with_four_preemptions(|| {
            let slot = Slot::live();
            let readers = [1, 2].map(|thread| {
                let slot = slot.clone();
                thread::spawn(move || slot.reads(thread, 1))
            });
            let (ended, _) = slot.unmaps(0, 1);
            assert!(ended);
            for reader in readers {
                reader.join().unwrap();
            }
            slot.assert_mapping(0);
            assert_eq!(slot.state.live(), None);
        });
    }

    #[test]
    fn two_unmappers_and_a_reader() {
        with_four_preemptions(|| {
            let slot = Slot::live();
            let other = thread::spawn({
                let slot = slot.clone();
                move || slot.unmaps(1, 1).0
            });
            let reader = thread::spawn({
                let slot = slot.clone();
                move || slot.reads(2, 1)
            });
            let this = slot.unmaps(0, 1).0;
            assert!(this != other.join().unwrap(), "one of the two unmapped it");
            reader.join().unwrap();
            slot.assert_mapping(0);
        });
    }

    #[test]
    fn a_stale_reader_and_the_next_generation() {
        loom::model(|| {
            let slot = Slot::live();
            let stale = thread::spawn({
                let slot = slot.clone();
                move || slot.reads(1, 1)
            });
            if slot.unmaps(0, 1) == (true, true) {
                // This thread owns the slot, as if it had taken it off the free list.
                slot.mapping.with_mut(|mapping| {
                    // SAFETY: loom checks that no other thread accesses it.
                    unsafe { *mapping = 2 }
                });
                assert_eq!(slot.state.begin(), 2);
                assert!(slot.reads(0, 2));
            }
            stale.join().unwrap();
        });
    }

    #[test]
    fn a_changer_and_readers() {
        loom::model(|| {
            let slot = Slot::live();
            let readers = [1, 2].map(|thread| {
                let slot = slot.clone();
                thread::spawn(move || slot.reads(thread, 1))
            });
            slot.changes(0);
            for reader in readers {
                reader.join().unwrap();
            }
            assert_eq!(slot.state.live(), Some(1));
        });
    }

    #[test]
    fn a_changer_and_an_unmapper() {
        loom::model(|| {
            let slot = Slot::live();
            let changer = thread::spawn({
                let slot = slot.clone();
                move || slot.changes(1)
            });
            let (ended, _) = slot.unmaps(0, 1);
            changer.join().unwrap();
            slot.assert_mapping(if ended { 0 } else { 1 });
        });
    }

    #[test]
    fn an_acquisition_or_an_end() {
        loom::model(|| {
            let slot = Slot::live();
            let acquirer = thread::spawn({
                let slot = slot.clone();
                move || slot.state.acquire(1) == Ok(Some(1))
            });
            let (ended, _) = slot.unmaps(0, 1);
            assert!(ended != acquirer.join().unwrap(), "never both, never neither");
        });
    }
}
