//! The limits behind an error number, with their values: the hints that messages add.

use crate::error::Errno;
use crate::sys;

/// The kernel returns ENOMEM for each of several limits; this names them all with their values.
pub fn memory_hint(errno: Errno) -> String {
    if !matches!(errno, Errno::ENOMEM | Errno::EAGAIN) {
        return String::new();
    }
    let limits = sys::limits();
    if errno == Errno::EAGAIN {
        return limits.locked_memory.map_or(String::new(), |bytes| format!("RLIMIT_MEMLOCK of {bytes} bytes is reached"));
    }
    let mut reasons = vec!["the address space or memory is exhausted".to_owned()];
    reasons.extend(limits.address_space.map(|bytes| format!("RLIMIT_AS is {bytes} bytes")));
    reasons.extend(limits.mappings.map(|count| format!("vm.max_map_count is {count} mappings")));
    format!("one of these limits is reached: {}", reasons.join(", "))
}

/// A hint for opening a file.
pub fn open_hint(errno: Errno) -> String {
    match errno {
        Errno::EMFILE => match sys::limits().descriptors {
            Some(limit) => format!("all {limit} descriptors that this process may have (RLIMIT_NOFILE) are in use"),
            None => String::new(),
        },
        Errno::EACCES if cfg!(windows) => {
            "another program has opened it without sharing it, or its attributes or its access control list forbid it".into()
        }
        Errno::EACCES => {
            "the path needs search permission, the file read permission, and write permission to write to a shared mapping".into()
        }
        _ => String::new(),
    }
}

/// The sizes of the kernel's huge pages, if `bytes` is not one of them.
pub fn huge_page_hint(bytes: usize) -> Option<String> {
    let sizes = sys::huge_page_sizes();
    let listed = || sizes.iter().map(usize::to_string).collect::<Vec<_>>().join(", ");
    let is_none_of_them = !sizes.is_empty() && !sizes.contains(&bytes);
    is_none_of_them.then(|| format!("the huge pages of this kernel, in bytes: {}", listed()))
}

/// A hint for setting a file's size, or for allocating its blocks.
pub fn file_size_hint(errno: Errno) -> String {
    match errno {
        Errno::EINVAL | Errno::EBADF => "the file must be open for writing".into(),
        Errno::ENOSPC => "the file system is full".into(),
        Errno::EFBIG => match sys::limits().file_size {
            Some(limit) => format!("RLIMIT_FSIZE is {limit} bytes, and the file system may have a limit of its own"),
            None => "the file is larger than the file system allows".into(),
        },
        Errno::EPERM => "the file is sealed against it, or has an attribute that forbids it".into(),
        _ => memory_hint(errno),
    }
}
