//! Mutexes in shared memory
//!
//! A mutex occupies MMAP_WRAP_MUTEX_SIZE bytes of a mapping; the address of the first is a multiple of 8. All bytes zero is an
//! unlocked mutex. With MAP_SHARED, threads of different processes and languages can use it. Only the thread that locked it can
//! unlock it. It is not recursive. After fork(2) the child holds no mutex.
//!
//! The mutex is robust: if the owner ends without unlocking it (the thread or its process), the next thread that locks it takes
//! it over: at once, or within 250 milliseconds if it is waiting already. A thread that calls execve(2) counts as the same owner.
//! Taking over needs /proc and one PID namespace: a mutex that processes of several PID namespaces have used is not taken over
//! any more.
//!
//! All can also return the errors of atomic operations. MMAP_WRAP_E_UNSUPPORTED if the system has no futex(2).

use super::boundary::boundary;
use super::mapping::mmap_wrap_handle;
use crate::mutex::{self, Acquired};

/// Size of a mutex in bytes. Reserve 64 for each to keep them on separate cache lines.
pub const MMAP_WRAP_MUTEX_SIZE: i64 = 16;

const _: () = assert!(MMAP_WRAP_MUTEX_SIZE == mutex::SIZE);

/// Locks the mutex at offset. timeout is in nanoseconds of the monotonic clock; MMAP_WRAP_REST waits indefinitely, 0 tries
/// once.
///
/// Returns 0 if it is locked; 1 if it is locked and was taken over from an owner that ended, so that the data it protects may
/// be inconsistent. This is reported once, to the thread that took it over.
///
/// Errors: -ETIMEDOUT (the message has the owner's thread id); -EDEADLK if the calling thread holds it; -EINTR if a signal
/// handler ran while this thread slept (a signal that arrives while it does not sleep does not end the call: to react to every
/// signal, lock with short timeouts); MMAP_WRAP_E_RANGE for any other negative timeout.
///
/// ```c
/// int64_t locked = mmap_wrap_mutex_lock(h, 0, MMAP_WRAP_REST);
/// if (locked == 1) puts("its owner died: repair what it left");
/// if (locked >= 0) mmap_wrap_mutex_unlock(h, 0);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_mutex_lock(h: mmap_wrap_handle, offset: i64, timeout: i64) -> i64 {
    boundary("mmap_wrap_mutex_lock", || mutex::lock(h, offset, timeout).map(|how| (how == Acquired::TakenOver).into()))
}

/// Unlocks the mutex at offset, and wakes a thread that waits for it. Returns 0, or -EPERM if the calling thread does not hold
/// it.
///
/// ```c
/// mmap_wrap_mutex_unlock(h, 0);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_mutex_unlock(h: mmap_wrap_handle, offset: i64) -> i64 {
    boundary("mmap_wrap_mutex_unlock", || mutex::unlock(h, offset).map(|()| 0))
}

/// Unlocks the mutex at offset as if the calling thread had ended: mmap_wrap_mutex_lock returns 1 to the next thread. For a
/// thread that took the mutex over and cannot repair the data. Returns 0, or -EPERM if the calling thread does not hold it.
///
/// ```c
/// if (mmap_wrap_mutex_lock(h, 0, MMAP_WRAP_REST) == 1) mmap_wrap_mutex_abandon(h, 0);
/// ```
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mmap_wrap_mutex_abandon(h: mmap_wrap_handle, offset: i64) -> i64 {
    boundary("mmap_wrap_mutex_abandon", || mutex::abandon(h, offset).map(|()| 0))
}
