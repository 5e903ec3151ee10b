//! Threads by id: the id of this thread, and the state of another.

use crate::sys::ThreadState;
use windows_sys::Win32::Foundation::{CloseHandle, ERROR_INVALID_PARAMETER, FILETIME, GetLastError, HANDLE, WAIT_OBJECT_0};
use windows_sys::Win32::System::Threading::{
    GetCurrentThread, GetCurrentThreadId, GetThreadTimes, OpenThread, THREAD_QUERY_LIMITED_INFORMATION, THREAD_SYNCHRONIZE,
    WaitForSingleObject,
};

/// The calling thread's id.
pub fn thread_id() -> Option<u32> {
    // SAFETY: only reads.
    Some(unsafe { GetCurrentThreadId() })
}

/// The start time of the calling thread: the low half, in units of 100 ns.
pub fn this_thread_began() -> Option<u32> {
    // SAFETY: the pseudo-handle of this thread, which need not be closed.
    began(unsafe { GetCurrentThread() })
}

fn began(thread: HANDLE) -> Option<u32> {
    let [mut began, mut ended, mut kernel, mut user] = [FILETIME::default(); 4];
    // SAFETY: writes four FILETIMEs to the addresses given.
    let known = unsafe { GetThreadTimes(thread, &raw mut began, &raw mut ended, &raw mut kernel, &raw mut user) };
    (known != 0).then_some(began.dwLowDateTime)
}

/// The state of a thread of any process.
pub fn thread_state(id: u32) -> ThreadState {
    // SAFETY: opens a handle, which is closed below.
    unsafe {
        let thread = OpenThread(THREAD_QUERY_LIMITED_INFORMATION | THREAD_SYNCHRONIZE, 0, id);
        if thread.is_null() {
            // The thread exists, but opening it may be forbidden.
            return if GetLastError() == ERROR_INVALID_PARAMETER { ThreadState::Ended } else { ThreadState::Exists };
        }
        let state = match began(thread) {
            _ if WaitForSingleObject(thread, 0) == WAIT_OBJECT_0 => ThreadState::Ended,
            Some(began) => ThreadState::Began(began),
            None => ThreadState::Exists,
        };
        CloseHandle(thread);
        state
    }
}

/// The threads of all processes share one range of ids.
pub fn pid_namespace() -> Option<u32> {
    Some(1)
}

/// A mutex with waiters is in memory without a file, which no boot outlives.
pub fn boot() -> Option<u32> {
    Some(2)
}
