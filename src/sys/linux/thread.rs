//! Threads by id: the id of this thread, and the state of another.

use crate::error::Errno;
use crate::sys::ThreadState;
use crate::sys::unix::last_errno;
use std::os::unix::fs::MetadataExt;

/// The calling thread's id, gettid(2).
pub fn thread_id() -> Option<u32> {
    // SAFETY: takes no arguments and accesses no memory.
    u32::try_from(unsafe { libc::syscall(libc::SYS_gettid) }).ok()
}

/// The start time of the calling thread, in clock ticks since the boot; the low half.
pub fn this_thread_began() -> Option<u32> {
    stat("thread-self").map(|(_, ticks)| ticks)
}

/// The state of a thread of this PID namespace.
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
    // Not /proc/ID/stat, although the thread may be the first of its process: qemu emulates that file.
    match stat(&format!("{id}/task/{id}")) {
        // A zombie.
        Some((b'Z' | b'X', _)) => ThreadState::Ended,
        Some((_, ticks)) => ThreadState::Began(ticks),
        // Hidden (hidepid), or ended meanwhile.
        None => ThreadState::Exists,
    }
}

/// A number for the PID namespace and the time namespace of this process, which ids and start times are relative to.
pub fn pid_namespace() -> Option<u32> {
    let namespace = |name| std::fs::metadata(name).ok().and_then(|namespace| u32::try_from(namespace.ino()).ok());
    let pid = namespace("/proc/self/ns/pid")?;
    // A time namespace shifts the start times of threads. Linux before 5.6 has only one.
    Some(namespace("/proc/self/ns/time").map_or(pid, |time| pid ^ time.rotate_left(16)))
}

/// A number that differs after each boot, and is above 1; none without /proc.
pub fn boot() -> Option<u32> {
    let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(u32::from_str_radix(id.get(..8)?, 16).ok()?.max(2))
}

/// Whether /proc is mounted for this PID namespace: in another one, ids are those of other threads.
fn proc_is_of_this_namespace() -> bool {
    let link = std::fs::read_link("/proc/self").ok();
    link.and_then(|link| link.to_str()?.parse().ok()) == Some(std::process::id())
}

/// State and start time of a thread, proc_pid_stat(5): fields 3 and 22. The name before them may contain any character.
fn stat(thread: &str) -> Option<(u8, u32)> {
    let text = std::fs::read(format!("/proc/{thread}/stat")).ok()?;
    let after_name = text.iter().rposition(|byte| *byte == b')')?;
    let mut fields = std::str::from_utf8(&text[after_name + 1..]).ok()?.split_ascii_whitespace();
    let state = fields.next()?.bytes().next()?;
    let ticks: u64 = fields.nth(18)?.parse().ok()?;
    #[allow(clippy::cast_possible_truncation, reason = "the low half is meant")]
    Some((state, ticks as u32))
}
