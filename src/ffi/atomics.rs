//! Atomics
//!
//! Atomic operations on words of 32 or 64 bits in memory that threads, or with MAP_SHARED processes, share. They are
//! sequentially consistent.
//!
//! bits is 32 or 64 (else MMAP_WRAP_E_ARGUMENT). The address of the word must be a multiple of its width
//! (MMAP_WRAP_E_ALIGNMENT). Values are signed and in the byte order of the machine; a value for 32 bits must fit int32_t or
//! uint32_t (MMAP_WRAP_E_ARGUMENT). All but atomic_load need writable memory. All can return MMAP_WRAP_E_HANDLE,
//! MMAP_WRAP_E_UNMAPPED, MMAP_WRAP_E_RANGE; MMAP_WRAP_E_FAULT if the access faulted, in which case nothing was changed; and
//! -EFAULT if the result cannot be stored to the caller's variable, in which case the operation was performed.
//!
//! If the handlers of SIGBUS and SIGSEGV are not this library's, or one of these signals is blocked, and always on processors
//! other than x86-64 and arm64, a child process that shares the memory executes the operation, which takes about 0.1 ms
//! (docs/safety.md). That can fail with -EAGAIN if no process can be created (RLIMIT_NPROC), and with MMAP_WRAP_E_UNSUPPORTED
//! under an emulator that does not share memory; in both cases nothing was changed.

use super::boundary::{boundary, length_result, room_for, store};
use super::mapping::mmap_wrap_handle;
use crate::error::{Error, Result};
use crate::mapping::Waited;
use crate::registry::{self, with};

/// Reads the word at offset into *value. Returns 0.
///
/// ```c
/// int64_t ready;
/// mmap_wrap_atomic_load(h, 32, 0, &ready);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_atomic_load(h: mmap_wrap_handle, bits: i64, offset: i64, value: *mut i64) -> i64 {
    boundary("mmap_wrap_atomic_load", || {
        let word = with(h, |mapping| match value.is_null() {
            true => Err(Error::argument("value is NULL")),
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

/// Adds value to the word at offset, with wrap-around, and stores its previous value to *before unless that is NULL. Returns 0.
///
/// ```c
/// int64_t ticket;
/// mmap_wrap_atomic_add(h, 64, 8, 1, &ticket);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_atomic_add(h: mmap_wrap_handle, bits: i64, offset: i64, value: i64, before: *mut i64) -> i64 {
    boundary("mmap_wrap_atomic_add", || store_to(before, with(h, |mapping| mapping.atomic_add(bits, offset, value))?))
}

/// Sets the word at offset to value, and stores its previous value to *before unless that is NULL. Returns 0.
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

/// Sets the word at offset to desired if it equals expected. Stores its previous value to *before in either case, unless that
/// is NULL. Returns 1 if the word was set, 0 if it was different.
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

/// Waits while the 32-bit word at offset equals expected, until mmap_wrap_wake: futex(2). timeout is in nanoseconds of the
/// monotonic clock; MMAP_WRAP_REST waits indefinitely, other negative numbers are MMAP_WRAP_E_RANGE.
///
/// Returns 0 if woken, 1 if the word was different already. Errors: -ETIMEDOUT; -EINTR if a signal handler ran in this thread;
/// MMAP_WRAP_E_FAULT, also for private memory that is not writable; MMAP_WRAP_E_UNSUPPORTED if the system has no such call.
///
/// Wake-ups can be spurious: check the word and wait again. Change the word before calling mmap_wrap_wake: a waiting thread sleeps
/// again if the word still has the expected value. If the mapping is unmapped while a thread waits, the call returns
/// MMAP_WRAP_E_UNMAPPED within 250 milliseconds; until then the memory stays mapped. Resizing, moving and splitting fail with
/// MMAP_WRAP_E_BUSY while a thread waits. Threads, and with MAP_SHARED processes, may also use futex(2) on the same word.
///
/// ```c
/// while (mmap_wrap_atomic_load(h, 32, 0, &ready) == 0 && ready == 0)
///     mmap_wrap_wait(h, 0, 0, MMAP_WRAP_REST);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_wait(h: mmap_wrap_handle, offset: i64, expected: i64, timeout: i64) -> i64 {
    boundary("mmap_wrap_wait", || registry::wait(h, offset, expected, timeout).map(|waited| (waited == Waited::Different).into()))
}

/// Wakes up to count threads, or all with MMAP_WRAP_REST, that wait on the 32-bit word at offset. Returns the number of threads
/// woken; on FreeBSD, which does not report it, 0. MMAP_WRAP_E_RANGE also for other negative counts; MMAP_WRAP_E_UNSUPPORTED if the system has no such call.
///
/// ```c
/// mmap_wrap_atomic_store(h, 32, 0, 1);
/// mmap_wrap_wake(h, 0, MMAP_WRAP_REST);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_wake(h: mmap_wrap_handle, offset: i64, count: i64) -> i64 {
    boundary("mmap_wrap_wake", || with(h, |mapping| mapping.wake(offset, count)).map(length_result))
}

/// Stores a number to the caller's variable, unless the pointer is NULL.
fn store_to(place: *mut i64, number: i64) -> Result<i64> {
    if !place.is_null() {
        let bytes = number.to_ne_bytes();
        store(&bytes, &room_for(place.cast(), length_result(bytes.len()))?, 0)?;
    }
    Ok(0)
}
