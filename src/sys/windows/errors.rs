//! Windows' error codes as POSIX error numbers. Codes that the C library of Windows converts are converted as there.

use crate::error::{Errno, Native};
use windows_sys::Win32::Foundation as win;

/// The error of the last call of this thread.
pub fn last_errno() -> Errno {
    // SAFETY: only reads.
    from_code(unsafe { win::GetLastError() })
}

/// Turns the BOOL of most calls into a result.
pub fn check(result: i32) -> Result<(), Errno> {
    if result != 0 { Ok(()) } else { Err(last_errno()) }
}

pub fn from_code(code: u32) -> Errno {
    let errno = match code {
        win::ERROR_FILE_NOT_FOUND
        | win::ERROR_PATH_NOT_FOUND
        | win::ERROR_INVALID_DRIVE
        | win::ERROR_BAD_NETPATH
        | win::ERROR_BAD_NET_NAME
        | win::ERROR_BAD_PATHNAME => Errno::ENOENT,
        win::ERROR_TOO_MANY_OPEN_FILES => Errno::EMFILE,
        win::ERROR_ACCESS_DENIED
        | win::ERROR_SHARING_VIOLATION
        | win::ERROR_LOCK_VIOLATION
        | win::ERROR_NETWORK_ACCESS_DENIED
        | win::ERROR_CANT_ACCESS_FILE => Errno::EACCES,
        win::ERROR_WRITE_PROTECT => Errno::EROFS,
        win::ERROR_INVALID_HANDLE => Errno::EBADF,
        win::ERROR_NOT_ENOUGH_MEMORY
        | win::ERROR_OUTOFMEMORY
        | win::ERROR_NO_SYSTEM_RESOURCES
        | win::ERROR_WORKING_SET_QUOTA
        | win::ERROR_COMMITMENT_LIMIT => Errno::ENOMEM,
        win::ERROR_FILE_EXISTS | win::ERROR_ALREADY_EXISTS => Errno::EEXIST,
        win::ERROR_DISK_FULL | win::ERROR_HANDLE_DISK_FULL => Errno::ENOSPC,
        win::ERROR_DIRECTORY => Errno::ENOTDIR,
        win::ERROR_FILENAME_EXCED_RANGE => Errno::ENAMETOOLONG,
        win::ERROR_NOT_SUPPORTED | win::ERROR_CALL_NOT_IMPLEMENTED | win::ERROR_PROC_NOT_FOUND => Errno::ENOSYS,
        win::ERROR_NOACCESS | win::ERROR_PARTIAL_COPY => Errno::EFAULT,
        // The file is mapped, by this process or another.
        win::ERROR_USER_MAPPED_FILE | win::ERROR_BUSY | win::ERROR_PIPE_BUSY => Errno::EBUSY,
        win::ERROR_PRIVILEGE_NOT_HELD => Errno::EPERM,
        win::ERROR_CRC | win::ERROR_IO_DEVICE | win::ERROR_FILE_CORRUPT | win::ERROR_DISK_CORRUPT | win::ERROR_NOT_READY => {
            Errno::EIO
        }
        win::ERROR_TIMEOUT | win::ERROR_SEM_TIMEOUT => Errno::ETIMEDOUT,
        win::ERROR_NO_UNICODE_TRANSLATION => Errno::EILSEQ,
        win::ERROR_FILE_TOO_LARGE => Errno::EFBIG,
        _ => Errno::EINVAL,
    };
    as_errno(code, errno)
}

/// A code that means something else where it came from than in general.
pub fn as_errno(code: u32, errno: Errno) -> Errno {
    native(code).note(errno);
    errno
}

fn native(code: u32) -> Native {
    Native(i32::from_ne_bytes(code.to_ne_bytes()))
}

/// Whether the last error number of this thread was converted from this code. Later calls may have changed GetLastError.
pub fn was(code: u32) -> bool {
    native(code).is_last()
}

/// An error number for which there is no Windows code.
pub fn plain(errno: Errno) -> Errno {
    // The code of an earlier call has nothing to do with this error.
    Native::forget();
    errno
}
