//! A byte for each page of a mapping. The memory is mapped when it is first needed, and not allocated, so that a mapping can
//! be dropped in a signal handler, which must not call an allocator.

use super::{Pages, page_size, wipe_on_fork};
use crate::error::Errno;
use std::ops::Range;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicPtr, AtomicU32, Ordering::Acquire, Ordering::Relaxed, Ordering::SeqCst};

/// The marks of a mapping's pages, all 0 at first. One word: a slot of the registry has no room for more.
#[derive(Debug, Default)]
pub struct PageMarks {
    /// A page that begins with a lock, then the number of marks, then the marks; NULL until `make`.
    place: AtomicPtr<u8>,
}

impl PageMarks {
    /// False if `make` was never called: all marks are 0 then.
    pub fn exist(&self) -> bool {
        !self.place.load(SeqCst).is_null()
    }

    /// Maps the memory for `count` marks. If threads race, each maps some, and all but one unmap theirs.
    pub fn make(&self, count: usize) -> Result<(), Errno> {
        if self.exist() {
            return Ok(());
        }
        let mut lock = Pages::zeroed(memory_for(count))?;
        let marks = lock.split_off(page_size())?;
        // SAFETY: new memory at the start of a page, which only this thread has.
        unsafe { marks.base().cast().write(count) };
        // A forked child inherits the marks, but not a lock that a thread of its parent holds.
        wipe_on_fork(&lock);
        if self.place.compare_exchange(ptr::null_mut(), lock.base().as_ptr(), SeqCst, SeqCst).is_ok() {
            std::mem::forget((lock, marks));
        }
        Ok(())
    }

    /// Runs `body` with the marks, under the lock; `None` if `make` was never called.
    pub fn with<T>(&self, body: impl FnOnce(&mut [u8]) -> T) -> Option<T> {
        let place = NonNull::new(self.place.load(SeqCst))?;
        let _locked = Locked::new(place);
        // SAFETY: `make` mapped them after the page of the lock and their number, and this thread holds the lock.
        let marks = unsafe { std::slice::from_raw_parts_mut(place.add(page_size() + NUMBER).as_ptr(), count_at(place)) };
        Some(body(marks))
    }

    /// A copy of some of the marks, for `count` pages.
    pub fn part(&self, range: Range<usize>, count: usize) -> Result<PageMarks, Errno> {
        let part = PageMarks::default();
        if self.exist() {
            part.make(count)?;
            self.with(|from| part.with(|to| to.iter_mut().zip(&from[range]).for_each(|(to, from)| *to = *from)));
        }
        Ok(part)
    }
}

impl Drop for PageMarks {
    fn drop(&mut self) {
        if let Some(place) = NonNull::new(*self.place.get_mut()) {
            // SAFETY: `make` mapped that many bytes there, and this value owns them.
            drop(unsafe { Pages::from_raw(place, memory_for(count_at(place))) });
        }
    }
}

/// Bytes of the field with the number of marks.
const NUMBER: usize = size_of::<usize>();

fn memory_for(count: usize) -> usize {
    page_size() + NUMBER + count
}

/// The number of marks at `place`.
fn count_at(place: NonNull<u8>) -> usize {
    // SAFETY: `make` wrote it there, after the page of the lock; nothing changes it.
    unsafe { place.add(page_size()).cast().read() }
}

/// A lock that this thread holds.
struct Locked<'a>(&'a AtomicU32);

impl Locked<'_> {
    fn new<'a>(place: NonNull<u8>) -> Locked<'a> {
        // SAFETY: zeroed memory at the start of a page, which stays mapped while the marks are borrowed.
        let lock: &AtomicU32 = unsafe { place.cast().as_ref() };
        while lock.compare_exchange(0, 1, Acquire, Relaxed).is_err() {
            std::thread::yield_now();
        }
        Locked(lock)
    }
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        self.0.store(0, std::sync::atomic::Ordering::Release);
    }
}
