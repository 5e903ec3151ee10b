//! Long accesses: they release the interpreter's lock, and Ctrl-C interrupts them.

use crate::exceptions::{Raised, Result};
use pyo3_ffi::*;

/// The size in bytes from which on an access releases the GIL.
pub const LONG: i64 = 1 << 16;

/// Runs an access to `size` bytes. Releases the GIL meanwhile if the size is at least LONG.
///
/// # Safety
/// The GIL is held, and `access` does not access Python objects that other threads can change.
#[inline(always)]
pub unsafe fn without_gil<T>(size: i64, access: impl FnOnce() -> T) -> T {
    if size < LONG {
        return access();
    }
    // SAFETY: the GIL is held, and is acquired again.
    unsafe {
        let thread = PyEval_SaveThread();
        let done = access();
        PyEval_RestoreThread(thread);
        done
    }
}

/// The number of bytes of a long access between two runs of signal handlers: a slow disk reads that in less than a second. The
/// package's `_pieces` has the same number.
pub const PIECE: i64 = 1 << 24;

/// Runs an access to `size` bytes, in pieces if it is long: `access` gets the offset and size of each, the last piece first if
/// `backwards`. Signal handlers run between the pieces, so Ctrl-C interrupts the access. Returns the last code.
///
/// # Safety
/// As the slots, and as `without_gil`.
#[inline(always)]
pub unsafe fn in_pieces(size: i64, backwards: bool, access: impl Fn(i64, i64) -> i64) -> Result<i64> {
    if size < LONG {
        return Ok(access(0, size));
    }
    // SAFETY: as the caller promises.
    unsafe { in_pieces_without_gil(size, backwards, access) }
}

/// # Safety
/// As `in_pieces`.
#[cold]
unsafe fn in_pieces_without_gil(size: i64, backwards: bool, access: impl Fn(i64, i64) -> i64) -> Result<i64> {
    let count = (size - 1) / PIECE + 1;
    let mut done = 0;
    for number in 0..count {
        let at = PIECE * if backwards { count - 1 - number } else { number };
        let piece = PIECE.min(size - at);
        // SAFETY: as the caller promises.
        unsafe {
            if number > 0 && PyErr_CheckSignals() < 0 {
                return Err(Raised);
            }
            done = without_gil(piece, || access(at, piece));
        }
        if done < 0 {
            break;
        }
    }
    Ok(done)
}
