//! Mutexes in shared memory
//!
//! A mutex is MMAP_WRAP_MUTEX_SIZE bytes of a mapping, at an offset whose address is a multiple of 8; zeros are a free one.
//! With MAP_SHARED it works between processes, and between languages. It belongs to a thread: the one that locked it unlocks
//! it, and it is not recursive. After fork the child holds nothing.
//!
//! Where a holder ends without unlocking it, the thread or its process, the next one takes it over: at once, or within a
//! quarter of a second where it waits already. A thread that executes another program counts as the same holder. Ids of
//! threads mean something within one PID namespace: once processes of several have used a mutex, it is not taken over any
//! more. Nor is it where /proc is not mounted.
//!
//! Both calls also return what the atomic operations do. MMAP_WRAP_E_UNSUPPORTED elsewhere than on Linux.

use super::boundary::boundary;
use super::mapping::mmap_wrap_handle;
use crate::mutex::{self, Acquired};

/// Bytes of a mutex. To keep others off its cache line, give it 64.
pub const MMAP_WRAP_MUTEX_SIZE: i64 = 16;

const _: () = assert!(MMAP_WRAP_MUTEX_SIZE == mutex::SIZE);

/// Acquires the mutex at offset. Waits up to timeout nanoseconds of the monotonic clock for it; MMAP_WRAP_REST waits
/// indefinitely, 0 tries once.
///
/// Returns 0, or 1 where its holder ended without unlocking it: it is acquired then, too, and what it protects may be half
/// changed, which is said once, to the one that took it over. Or -ETIMEDOUT (the message has the holder's thread id),
/// -EDEADLK (the calling thread holds it), -EINTR when a signal handler ran while this thread slept (it wakes now and then,
/// so a program that must see every signal locks with short timeouts), MMAP_WRAP_E_RANGE (another negative timeout).
///
/// ```c
/// int64_t locked = mmap_wrap_mutex_lock(h, 0, MMAP_WRAP_REST);
/// if (locked == 1) puts("its holder died: repair what it left");
/// if (locked >= 0) mmap_wrap_mutex_unlock(h, 0);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_mutex_lock(h: mmap_wrap_handle, offset: i64, timeout: i64) -> i64 {
    boundary("mmap_wrap_mutex_lock", || mutex::lock(h, offset, timeout).map(|how| (how == Acquired::FromEnded).into()))
}

/// Releases the mutex at offset, and wakes one that waits for it. Returns 0, or -EPERM where the calling thread does not
/// hold it.
///
/// ```c
/// mmap_wrap_mutex_unlock(h, 0);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_mutex_unlock(h: mmap_wrap_handle, offset: i64) -> i64 {
    boundary("mmap_wrap_mutex_unlock", || mutex::unlock(h, offset).map(|()| 0))
}

/// Releases the mutex at offset as if the calling thread had ended: the next one to acquire it gets 1. For one that was told
/// so itself and cannot repair what the mutex protects. Returns 0, or -EPERM where the calling thread does not hold it.
///
/// ```c
/// if (mmap_wrap_mutex_lock(h, 0, MMAP_WRAP_REST) == 1) mmap_wrap_mutex_abandon(h, 0);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_mutex_abandon(h: mmap_wrap_handle, offset: i64) -> i64 {
    boundary("mmap_wrap_mutex_abandon", || mutex::abandon(h, offset).map(|()| 0))
}
