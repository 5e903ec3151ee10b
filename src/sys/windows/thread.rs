//! Threads by their ids: which one this is, and whether another still exists.

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

/// When the calling thread began: the low half of a time in units of 100 ns.
pub fn this_thread_began() -> Option<u32> {
    // SAFETY: the handle of this thread, which needs no closing.
    began(unsafe { GetCurrentThread() })
}

fn began(thread: HANDLE) -> Option<u32> {
    let [mut began, mut ended, mut kernel, mut user] = [FILETIME::default(); 4];
    // SAFETY: writes four times to the places given.
    let known = unsafe { GetThreadTimes(thread, &raw mut began, &raw mut ended, &raw mut kernel, &raw mut user) };
    (known != 0).then_some(began.dwLowDateTime)
}

/// What is known of a thread of this machine.
pub fn thread_state(id: u32) -> ThreadState {
    // SAFETY: opens a handle, which is closed below.
    unsafe {
        let thread = OpenThread(THREAD_QUERY_LIMITED_INFORMATION | THREAD_SYNCHRONIZE, 0, id);
        if thread.is_null() {
            // Others' threads may not be looked at.
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

/// Threads of all processes have ids of one space.
pub fn pid_namespace() -> Option<u32> {
    Some(1)
}
