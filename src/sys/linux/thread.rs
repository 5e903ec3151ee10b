//! Threads by their ids: which one this is, and whether another still exists.

use crate::error::Errno;
use crate::sys::ThreadState;
use crate::sys::unix::last_errno;
use std::os::unix::fs::MetadataExt;
use std::sync::OnceLock;

/// The calling thread's id, gettid(2).
pub fn thread_id() -> Option<u32> {
    // SAFETY: takes nothing and touches no memory.
    u32::try_from(unsafe { libc::syscall(libc::SYS_gettid) }).ok()
}

/// When the calling thread began, in clock ticks since the boot; the low half.
pub fn this_thread_began() -> Option<u32> {
    stat("thread-self").map(|(_, ticks)| ticks)
}

/// What is known of a thread of this PID namespace.
pub fn thread_state(id: u32) -> ThreadState {
    let Ok(thread) = libc::pid_t::try_from(id) else { return ThreadState::Exists };
    // SAFETY: signal 0 is not sent; the kernel reports whether there is such a thread.
    let found = unsafe { libc::syscall(libc::SYS_tkill, thread, 0) };
    if found != 0 && last_errno() == Errno(libc::ESRCH) {
        return ThreadState::Ended;
    }
    if !proc_is_of_this_namespace() {
        return ThreadState::Exists;
    }
    // The file of the thread, and not that of the process whose first thread it may be: qemu makes that one up.
    match stat(&format!("{id}/task/{id}")) {
        // Ended, and its parent has not asked for its status yet.
        Some((b'Z' | b'X', _)) => ThreadState::Ended,
        Some((_, ticks)) => ThreadState::Began(ticks),
        // Hidden (hidepid), or gone in this moment.
        None => ThreadState::Exists,
    }
}

/// A number of the PID namespace and the time namespace in which this process has its ids and their times.
pub fn pid_namespace() -> Option<u32> {
    let namespace = |name| std::fs::metadata(name).ok().and_then(|namespace| u32::try_from(namespace.ino()).ok());
    let pid = namespace("/proc/self/ns/pid")?;
    // A time namespace shifts the times at which threads began. Before Linux 5.6 there is one.
    Some(namespace("/proc/self/ns/time").map_or(pid, |time| pid ^ time.rotate_left(16)))
}

/// A number that is another after each boot, and never 0.
pub fn boot() -> u32 {
    static BOOT: OnceLock<u32> = OnceLock::new();
    *BOOT.get_or_init(|| {
        let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        id.get(..8).and_then(|digits| u32::from_str_radix(digits, 16).ok()).unwrap_or(0).max(1)
    })
}

/// /proc may be that of another namespace, where numbers mean others.
fn proc_is_of_this_namespace() -> bool {
    let said = std::fs::read_link("/proc/self").ok();
    said.and_then(|link| link.to_str()?.parse().ok()) == Some(std::process::id())
}

/// State and start time of a thread, proc_pid_stat(5): fields 3 and 22. The name before them may hold anything.
fn stat(thread: &str) -> Option<(u8, u32)> {
    let text = std::fs::read(format!("/proc/{thread}/stat")).ok()?;
    let after_name = text.iter().rposition(|byte| *byte == b')')?;
    let mut fields = std::str::from_utf8(&text[after_name + 1..]).ok()?.split_ascii_whitespace();
    let state = fields.next()?.bytes().next()?;
    let ticks: u64 = fields.nth(18)?.parse().ok()?;
    #[allow(clippy::cast_possible_truncation, reason = "the low half is meant")]
    Some((state, ticks as u32))
}
