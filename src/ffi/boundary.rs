//! The boundary between Rust and C: catches panics, converts results to numbers, and keeps the last error of each thread.

use crate::buffer::{Bytes, Room};
use crate::error::{Errno, Error, Failure, Result};
use crate::guarded;
use crate::sys;
use std::any::Any;
use std::cell::RefCell;
use std::ffi::{CStr, CString, c_char};
use std::panic::{AssertUnwindSafe, catch_unwind};

thread_local! {
    /// The last failure. Its message is formatted only when a caller reads it.
    static LAST: RefCell<Option<Failure>> = const { RefCell::new(None) };
    static TEXT: RefCell<CString> = RefCell::default();
}

/// Runs `body` for the exported function named `call`: zero or more on success, a negative code on error.
#[inline]
pub fn boundary(call: &'static str, body: impl FnOnce() -> Result<i64>) -> i64 {
    caught(body).unwrap_or_else(|error| remember(call, error))
}

/// Like `boundary`, for functions that return an address: NULL on error.
pub fn boundary_pointer<T>(call: &'static str, body: impl FnOnce() -> Result<*mut T>) -> *mut T {
    caught(body).unwrap_or_else(|error| {
        remember(call, error);
        std::ptr::null_mut()
    })
}

/// Like `boundary`, for functions that can return any number: `none` on error. If the result itself is `none`, the last failure
/// is cleared, so that last_code() distinguishes the two.
#[inline]
pub fn boundary_number<T: Copy>(call: &'static str, none: T, is_none: fn(T) -> bool, body: impl FnOnce() -> Result<T>) -> T {
    match caught(body) {
        Ok(number) => {
            if is_none(number) {
                forget();
            }
            number
        }
        Err(error) => {
            remember(call, error);
            none
        }
    }
}

#[cold]
fn forget() {
    let _ = LAST.try_with(|last| *last.borrow_mut() = None);
}

// AssertUnwindSafe: the state that a panic can leave partly changed consists of atomic words, each valid by itself.
#[inline]
fn caught<T>(body: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|panic| Err(defect(panic)))
}

#[cold]
fn defect(panic: Box<dyn Any + Send>) -> Box<Error> {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    Error::Internal(text.unwrap_or_else(|| "a panic without a message".to_owned())).into()
}

#[cold]
fn remember(call: &'static str, error: Box<Error>) -> i64 {
    let code = error.code();
    // In a thread that is ending it cannot be kept; the caller still gets the code.
    let _ = LAST.try_with(|last| *last.borrow_mut() = Some(Failure { call, error }));
    code
}

/// Bytes done and the faulting address, if this thread's last failure was a fault.
pub fn last_fault() -> Option<(usize, usize)> {
    LAST.try_with(|last| match last.borrow().as_ref()?.error.without_side() {
        Error::Fault { done, address, .. } => Some((*done, *address)),
        _ => None,
    })
    .ok()
    .flatten()
}

/// The code of the last failure of this thread; 0 before the first.
pub fn last_code() -> i64 {
    LAST.try_with(|last| last.borrow().as_ref().map_or(0, |failure| failure.error.code())).unwrap_or(0)
}

/// The system's own number of the last failure of this thread; 0 if it has none.
pub fn last_system_code() -> i64 {
    let code = LAST.try_with(|last| last.borrow().as_ref().and_then(|failure| failure.error.system_code()));
    // Codes of Windows are unsigned, and no errno is negative.
    code.ok().flatten().map_or(0, |code| u32::from_ne_bytes(code.to_ne_bytes()).into())
}

/// The last failure of this thread as text; empty before the first.
pub fn last_message() -> *const c_char {
    let message = LAST.try_with(|last| last.borrow().as_ref().map(ToString::to_string).unwrap_or_default());
    keep(message.unwrap_or_default())
}

/// The same without the name of the function.
pub fn last_reason() -> *const c_char {
    let reason = LAST.try_with(|last| last.borrow().as_ref().map(|failure| failure.error.to_string()).unwrap_or_default());
    keep(reason.unwrap_or_default())
}

/// Keeps a text for the caller to read, until the next text of this thread.
pub fn keep(text: String) -> *const c_char {
    // No message contains NUL: paths in it were NUL-terminated.
    let text = CString::new(text).unwrap_or_default();
    TEXT.try_with(|kept| {
        *kept.borrow_mut() = text;
        kept.borrow().as_ptr()
    })
    .unwrap_or(c"".as_ptr())
}

/// A number of bytes or elements in memory as a result; it fits, since no object exceeds isize::MAX.
pub fn length_result(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}

/// The caller's NUL-terminated text; `what` names it in the message.
pub fn text_at<'a>(text: *const c_char, what: &str) -> Result<&'a CStr> {
    if text.is_null() {
        return Err(Error::argument(format!("the {what} is NULL")));
    }
    bounded(text).ok_or_else(|| Error::system(Errno::ENAMETOOLONG, format!("the {what} has more than {MAX_TEXT} bytes"), ""))
}

/// The length of the longest text that calls take, without the NUL: PATH_MAX - 1.
const MAX_TEXT: usize = 4095;

/// The caller's text, unless it is longer than calls take: messages contain it, and their length must be bounded.
pub fn bounded<'a>(text: *const c_char) -> Option<&'a CStr> {
    // SAFETY: the header requires a NUL-terminated text; nothing is read beyond the NUL.
    let length = unsafe { sys::text_length(text, MAX_TEXT + 1) };
    // SAFETY: as above; the NUL was found.
    (length <= MAX_TEXT).then(|| unsafe { CStr::from_ptr(text) })
}

/// The caller's `size` bytes at `from`. NULL is valid with size 0.
#[inline]
pub fn bytes_in<'a>(from: *const u8, size: i64) -> Result<Bytes<'a>> {
    let size = buffer_size(from.is_null(), size)?;
    // SAFETY: the header requires `size` bytes that belong to the caller; what cannot be read there is an error.
    Ok(unsafe { Bytes::from_raw(from, size) })
}

/// The caller's buffer of `size` bytes at `to`. NULL is valid with size 0.
#[inline]
pub fn room_for<'a>(to: *mut u8, size: i64) -> Result<Room<'a>> {
    let size = buffer_size(to.is_null(), size)?;
    // SAFETY: the header requires `size` bytes that belong to the caller; what cannot be written there is an error.
    Ok(unsafe { Room::from_raw(to, size) })
}

/// Fills `to` from the caller's memory.
#[inline]
pub fn fetch(from: Bytes, to: &mut [u8]) -> Result<()> {
    guarded::fetch(from, to).map_err(|fault| bad_buffer(fault, from.size()))
}

/// Copies a result to the caller's buffer, from byte `at` on.
#[inline]
pub fn store(from: &[u8], to: &Room, at: usize) -> Result<()> {
    guarded::store(from, to, at).map_err(|fault| bad_buffer(fault, from.len()))
}

#[cold]
fn bad_buffer(fault: guarded::Fault, size: usize) -> Box<Error> {
    let errno = if let guarded::Stop::System(errno) = fault.by { errno } else { Errno::EFAULT };
    Error::system(errno, format!("copy {size} bytes of an argument"), "that memory cannot be accessed")
}

/// Writes the members of a struct of i64 to `to`, as many as fit the caller's `size` bytes: an older header has fewer. Returns 0.
pub fn write_members(to: *mut u8, size: i64, name: &str, members: &[i64]) -> Result<i64> {
    let room = room_for(to, size)?;
    if room.size() == 0 || room.size() % size_of::<i64>() != 0 {
        return Err(Error::argument(format!("{size} bytes are not a size of {name}")));
    }
    // SAFETY: integers have no padding.
    let bytes = unsafe { std::slice::from_raw_parts(members.as_ptr().cast::<u8>(), size_of_val(members)) };
    store(&bytes[..bytes.len().min(room.size())], &room, 0).map(|()| 0)
}

/// Reads the members of a struct of i64 of which the caller has `size` bytes. An older header has fewer members: the others keep
/// their values. Members that a newer header adds must be 0, as for openat2(2).
pub fn read_members(from: *const u8, size: i64, name: &str, members: &mut [i64]) -> Result<()> {
    const MAX: usize = 1024;
    let given = bytes_in(from, size)?;
    if given.size() == 0 || given.size() % size_of::<i64>() != 0 || given.size() > MAX {
        return Err(Error::argument(format!("{size} bytes are not a size of {name}")));
    }
    let mut bytes = [0; MAX];
    let bytes = &mut bytes[..given.size()];
    fetch(given, bytes)?;
    for (at, word) in bytes.chunks_exact(size_of::<i64>()).enumerate() {
        let value = i64::from_ne_bytes(word.try_into().expect("a chunk of 8 bytes"));
        match (members.get_mut(at), value) {
            (Some(member), value) => *member = value,
            (None, 0) => {}
            (None, value) => {
                let known = size_of_val(members);
                return Err(Error::argument(format!("{name} has {value} beyond the {known} bytes that this version knows")));
            }
        }
    }
    Ok(())
}

#[inline]
fn buffer_size(is_null: bool, size: i64) -> Result<usize> {
    match usize::try_from(size) {
        Ok(size) if size <= isize::MAX as usize => {
            if is_null {
                size_of_null(size)
            } else {
                Ok(size)
            }
        }
        _ => Err(no_buffer(size)),
    }
}

#[cold]
fn size_of_null(size: usize) -> Result<usize> {
    if size == 0 { Ok(0) } else { Err(Error::argument(format!("the buffer is NULL, but {size} bytes long"))) }
}

#[cold]
fn no_buffer(size: i64) -> Box<Error> {
    match size {
        // MMAP_WRAP_REST is not valid for a buffer: a negative size like any other.
        ..0 => Error::Negative { what: "size", value: size }.into(),
        _ => Error::BufferTooLong(size).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::MMAP_WRAP_E_INTERNAL;

    fn message() -> String {
        // SAFETY: the text is valid until the next message of this thread.
        unsafe { CStr::from_ptr(last_message()) }.to_str().unwrap().to_owned()
    }

    #[test]
    fn a_panic_becomes_internal_with_its_message() {
        assert_eq!(boundary("test", || panic!("deliberate")), MMAP_WRAP_E_INTERNAL);
        assert_eq!(message(), "test: internal error: deliberate");
        let null: *mut u8 = boundary_pointer("test", || panic!("number {}", 7));
        assert!(null.is_null());
        assert_eq!(message(), "test: internal error: number 7");
    }

    #[test]
    fn failures_belong_to_their_thread() {
        boundary("here", || Err(Error::NotFound.into()));
        std::thread::spawn(|| assert_eq!(message(), "")).join().unwrap();
        assert_eq!(message(), "here: not found");
    }

    #[test]
    fn null_is_valid_only_for_a_buffer_of_no_bytes() {
        assert_eq!(bytes_in(std::ptr::null(), 0).unwrap().size(), 0);
        assert!(bytes_in(std::ptr::null(), 1).is_err());
        assert!(room_for(std::ptr::null_mut(), i64::MIN).is_err());
    }
}
