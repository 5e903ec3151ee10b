//! Sharing between processes
//!
//! Words of 32 or 64 bits that threads, and with MAP_SHARED processes, change at the same time. bits is 32 or 64, else
//! MMAP_WRAP_E_ARGUMENT. The word's address must be a multiple of its width, else MMAP_WRAP_E_ALIGNMENT; offset is, too,
//! unless the mapping begins inside a page. Numbers are signed, in the machine's own order of bytes; one for 32 bits must
//! fit int32_t or uint32_t, else MMAP_WRAP_E_ARGUMENT. Also common to all: MMAP_WRAP_E_HANDLE, MMAP_WRAP_E_UNMAPPED,
//! MMAP_WRAP_E_RANGE, and MMAP_WRAP_E_FAULT where the access faulted; nothing was changed then. -EFAULT where the result
//! cannot be stored at the address given: the operation was done.
//!
//! The atomic operations are sequentially consistent. All but loading need memory that may be written, whatever the word
//! is. The kernel has no call for them: where the handlers of SIGBUS and SIGSEGV are not this library's, or the thread blocks
//! one of them, and always on processors other than x86-64 and arm64, a child process that shares this one's memory does
//! the operation, which takes some 0.1 ms (docs/safety.md). -EAGAIN where no process can be made (RLIMIT_NPROC), and
//! MMAP_WRAP_E_UNSUPPORTED under an emulator that does not share memory: nothing was done.

use super::boundary::{answer, boundary, room_for, store};
use super::mapping::mmap_wrap_handle;
use crate::error::{Error, Result};
use crate::mapping::Waited;
use crate::registry::{self, with};

/// Copies the word at offset to *value. Returns 0, or MMAP_WRAP_E_ARGUMENT: also for NULL.
///
/// ```c
/// int64_t ready;
/// mmap_wrap_atomic_load(h, 32, 0, &ready);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_atomic_load(h: mmap_wrap_handle, bits: i64, offset: i64, value: *mut i64) -> i64 {
    boundary("mmap_wrap_atomic_load", || {
        let word = with(h, |mapping| match value.is_null() {
            true => Err(Error::argument("value is NULL: there is no place for the word")),
            false => mapping.atomic_load(bits, offset),
        })?;
        store_to(value, word)
    })
}

/// Sets the word at offset to value. Returns 0.
///
/// ```c
/// mmap_wrap_atomic_store(h, 32, 0, 1);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_atomic_store(h: mmap_wrap_handle, bits: i64, offset: i64, value: i64) -> i64 {
    boundary("mmap_wrap_atomic_store", || with(h, |mapping| mapping.atomic_store(bits, offset, value).map(|()| 0)))
}

/// Adds value to the word at offset, which wraps around, and stores what it was before to *before, which may be NULL.
/// Returns 0.
///
/// ```c
/// int64_t ticket;
/// mmap_wrap_atomic_add(h, 64, 8, 1, &ticket);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_atomic_add(h: mmap_wrap_handle, bits: i64, offset: i64, value: i64, before: *mut i64) -> i64 {
    boundary("mmap_wrap_atomic_add", || store_to(before, with(h, |mapping| mapping.atomic_add(bits, offset, value))?))
}

/// Sets the word at offset to value, and stores what it was before to *before, which may be NULL. Returns 0.
///
/// ```c
/// int64_t locked;
/// mmap_wrap_atomic_exchange(h, 32, 0, 1, &locked);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_atomic_exchange(
    h: mmap_wrap_handle,
    bits: i64,
    offset: i64,
    value: i64,
    before: *mut i64,
) -> i64 {
    boundary("mmap_wrap_atomic_exchange", || store_to(before, with(h, |mapping| mapping.atomic_exchange(bits, offset, value))?))
}

/// Sets the word at offset to desired if it is expected. Returns 1 if so, 0 if the word was another; what it was before is
/// stored to *before in either case, which may be NULL.
///
/// ```c
/// if (mmap_wrap_atomic_compare_exchange(h, 32, 0, 0, 1, NULL) == 1)
///     puts("it was 0, and is 1 now");
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_atomic_compare_exchange(
    h: mmap_wrap_handle,
    bits: i64,
    offset: i64,
    expected: i64,
    desired: i64,
    before: *mut i64,
) -> i64 {
    boundary("mmap_wrap_atomic_compare_exchange", || {
        let outcome = with(h, |mapping| mapping.atomic_compare_exchange(bits, offset, expected, desired))?;
        store_to(before, outcome.unwrap_or_else(|another| another))?;
        Ok(outcome.is_ok().into())
    })
}

/// Waits while the 32-bit word at offset is expected, until mmap_wrap_wake, at most timeout nanoseconds of the monotonic
/// clock; MMAP_WRAP_REST is for ever, another negative number MMAP_WRAP_E_RANGE. Returns 0 when woken, 1 when the word was
/// another already, or -ETIMEDOUT, or -EINTR when a signal handler ran in this thread.
///
/// A wake-up may come without a reason: look at the word, and wait again. Waker and waiter may be threads or, with
/// MAP_SHARED, processes; it is futex(2), so others may use that on the same word. Who wakes changes the word before: now and
/// then a waiter is looking whether the mapping is still there, and finds the word changed. Who waits is inside the mapping:
/// where it is unmapped meanwhile, the wait ends within a quarter of a second as MMAP_WRAP_E_UNMAPPED, and its memory stays
/// until then; resizing it is MMAP_WRAP_E_BUSY. MMAP_WRAP_E_FAULT: also for private memory that may not be written, where the
/// kernel does not wait, futex(2). MMAP_WRAP_E_UNSUPPORTED elsewhere than on Linux.
///
/// ```c
/// while (mmap_wrap_atomic_load(h, 32, 0, &ready) == 0 && ready == 0)
///     mmap_wrap_wait(h, 0, 0, MMAP_WRAP_REST);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_wait(h: mmap_wrap_handle, offset: i64, expected: i64, timeout: i64) -> i64 {
    boundary("mmap_wrap_wait", || registry::wait(h, offset, expected, timeout).map(|waited| (waited == Waited::Different).into()))
}

/// Wakes up to count (MMAP_WRAP_REST: all) of those who wait on the 32-bit word at offset. Returns how many.
/// MMAP_WRAP_E_RANGE: also for another negative count. MMAP_WRAP_E_UNSUPPORTED elsewhere than on Linux.
///
/// ```c
/// mmap_wrap_atomic_store(h, 32, 0, 1);
/// mmap_wrap_wake(h, 0, MMAP_WRAP_REST);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_wake(h: mmap_wrap_handle, offset: i64, count: i64) -> i64 {
    boundary("mmap_wrap_wake", || with(h, |mapping| mapping.wake(offset, count)).map(answer))
}

/// Stores a number where the caller wants it, if anywhere.
fn store_to(place: *mut i64, number: i64) -> Result<i64> {
    if !place.is_null() {
        let bytes = number.to_ne_bytes();
        store(&bytes, &room_for(place.cast(), answer(bytes.len()))?, 0)?;
    }
    Ok(0)
}
