//! A byte for each page of a mapping. The memory comes straight from the kernel, when it is first needed: a mapping can then
//! be dropped inside a signal handler, where no allocator may be called.

use super::{Pages, page_size, wipe_on_fork};
use crate::error::Errno;
use std::ops::Range;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicPtr, AtomicU32, Ordering::Acquire, Ordering::Relaxed, Ordering::SeqCst};

/// The marks of so many pages, all 0 at first.
#[derive(Debug)]
pub struct PageMarks {
    count: usize,
    /// A page that begins with a lock, and then the marks; NULL until they are made.
    place: AtomicPtr<u8>,
}

impl PageMarks {
    pub fn new(count: usize) -> PageMarks {
        PageMarks { count, place: AtomicPtr::new(ptr::null_mut()) }
    }

    /// False while all marks are 0 because none was ever set.
    pub fn exist(&self) -> bool {
        !self.place.load(SeqCst).is_null()
    }

    /// Makes the memory for them. Threads that race make one each, and all but one give theirs back.
    pub fn make(&self) -> Result<(), Errno> {
        if self.exist() {
            return Ok(());
        }
        let mut lock = Pages::zeroed(self.size())?;
        let marks = lock.split_off(page_size());
        // A forked child inherits the marks, and not that a thread of its parent holds the lock.
        wipe_on_fork(&lock);
        if self.place.compare_exchange(ptr::null_mut(), lock.base().as_ptr(), SeqCst, SeqCst).is_ok() {
            std::mem::forget((lock, marks));
        }
        Ok(())
    }

    fn size(&self) -> usize {
        page_size() + self.count
    }

    /// Runs `body` with the marks while no other thread does; `None` where they were never made.
    pub fn with<T>(&self, body: impl FnOnce(&mut [u8]) -> T) -> Option<T> {
        let place = NonNull::new(self.place.load(SeqCst))?;
        let _locked = Locked::new(place);
        // SAFETY: `make` mapped them behind the page of the lock, and the lock is held.
        let marks = unsafe { std::slice::from_raw_parts_mut(place.add(page_size()).as_ptr(), self.count) };
        Some(body(marks))
    }

    /// A copy of some of the marks, for `count` pages.
    pub fn part(&self, range: Range<usize>, count: usize) -> Result<PageMarks, Errno> {
        let part = PageMarks::new(count);
        if self.exist() {
            part.make()?;
            self.with(|from| part.with(|to| to.iter_mut().zip(&from[range]).for_each(|(to, from)| *to = *from)));
        }
        Ok(part)
    }
}

impl Drop for PageMarks {
    fn drop(&mut self) {
        if let Some(place) = NonNull::new(*self.place.get_mut()) {
            // SAFETY: `make` mapped so many bytes there, and left them to this value.
            drop(unsafe { Pages::from_raw(place, self.size()) });
        }
    }
}

/// A lock, held.
struct Locked<'a>(&'a AtomicU32);

impl Locked<'_> {
    fn new<'a>(place: NonNull<u8>) -> Locked<'a> {
        // SAFETY: zeroed memory at the begin of a page, which stays while the marks are borrowed.
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
