//! The line that no panic and no Rust error crosses: results become numbers, failures are remembered by thread.

use crate::buffer::{Bytes, Room};
use crate::error::{Errno, Error, Failure, Result};
use crate::guarded;
use crate::sys;
use std::any::Any;
use std::cell::RefCell;
use std::ffi::{CStr, CString, c_char};
use std::panic::{AssertUnwindSafe, catch_unwind};

thread_local! {
    /// The last failure, as it happened; it becomes text only when somebody asks.
    static LAST: RefCell<Option<Failure>> = const { RefCell::new(None) };
    static TEXT: RefCell<CString> = RefCell::default();
}

/// Runs `body` for the exported function named `call`: zero or more on success, a negative code on error.
#[inline]
pub fn boundary(call: &'static str, body: impl FnOnce() -> Result<i64>) -> i64 {
    caught(body).unwrap_or_else(|error| remember(call, error))
}

/// The same where the answer is an address: NULL on error.
pub fn boundary_pointer<T>(call: &'static str, body: impl FnOnce() -> Result<*mut T>) -> *mut T {
    caught(body).unwrap_or_else(|error| {
        remember(call, error);
        std::ptr::null_mut()
    })
}

/// The same where any number is an answer: `none` on error. Where that is itself the answer, the last failure is forgotten,
/// so that last_code() tells the two apart.
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

// AssertUnwindSafe: the state that a panic could leave half changed is atomic words, each valid by itself.
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
    // A thread that is ending has nowhere to remember it; the code still tells.
    let _ = LAST.try_with(|last| *last.borrow_mut() = Some(Failure { call, error }));
    code
}

/// Bytes done and the address that refused, if this thread's last failure was a fault.
pub fn last_fault() -> Option<(usize, usize)> {
    LAST.try_with(|last| match last.borrow().as_ref()?.error.of_either() {
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

/// Keeps a text for the caller to read, until the next one of this thread.
pub fn keep(text: String) -> *const c_char {
    // A path in a message cannot hold NUL, it was NUL-terminated.
    let text = CString::new(text).unwrap_or_default();
    TEXT.try_with(|kept| {
        *kept.borrow_mut() = text;
        kept.borrow().as_ptr()
    })
    .unwrap_or(c"".as_ptr())
}

/// A length in memory as an answer; it fits, for no object exceeds isize::MAX.
pub fn answer(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}

/// The caller's text at `text`, which ends in NUL; `what` is for the message.
pub fn text_at<'a>(text: *const c_char, what: &str) -> Result<&'a CStr> {
    if text.is_null() {
        return Err(Error::argument(format!("the {what} is NULL")));
    }
    bounded(text)
        .ok_or_else(|| Error::system(Errno::ENAMETOOLONG, format!("the {what} has more than {MOST_OF_A_TEXT} bytes"), ""))
}

/// Bytes of the longest text that a call takes, without the NUL: that of the longest path.
const MOST_OF_A_TEXT: usize = 4095;

/// The caller's text, unless it is longer than any call takes: messages hold it, and must not need memory without limit.
pub fn bounded<'a>(text: *const c_char) -> Option<&'a CStr> {
    // SAFETY: the header demands a text that ends in NUL; none is read beyond that.
    let length = unsafe { sys::text_length(text, MOST_OF_A_TEXT + 1) };
    // SAFETY: as above; it was found to end there.
    (length <= MOST_OF_A_TEXT).then(|| unsafe { CStr::from_ptr(text) })
}

/// The caller's `size` bytes at `from`. NULL is fine with size 0.
#[inline]
pub fn bytes_in<'a>(from: *const u8, size: i64) -> Result<Bytes<'a>> {
    let size = buffer_size(from.is_null(), size)?;
    // SAFETY: the header demands `size` bytes of the caller's; what cannot be read there is an error.
    Ok(unsafe { Bytes::from_raw(from, size) })
}

/// The caller's room for `size` bytes at `to`. NULL is fine with size 0.
#[inline]
pub fn room_for<'a>(to: *mut u8, size: i64) -> Result<Room<'a>> {
    let size = buffer_size(to.is_null(), size)?;
    // SAFETY: the header demands `size` bytes of the caller's; what cannot be written there is an error.
    Ok(unsafe { Room::from_raw(to, size) })
}

/// Copies what the caller passes by address, all of `to`.
#[inline]
pub fn fetch(from: Bytes, to: &mut [u8]) -> Result<()> {
    guarded::fetch(from, to).map_err(|fault| bad_buffer(fault, from.size()))
}

/// Copies a result to where the caller wants it, from byte `at` of the room on.
#[inline]
pub fn store(from: &[u8], to: &Room, at: usize) -> Result<()> {
    guarded::store(from, to, at).map_err(|fault| bad_buffer(fault, from.len()))
}

#[cold]
fn bad_buffer(fault: guarded::Fault, size: usize) -> Box<Error> {
    let errno = if let guarded::Stop::System(errno) = fault.by { errno } else { Errno::EFAULT };
    Error::system(errno, format!("copy {size} bytes of an argument"), "the address given does not hold so many")
}

/// Writes the members of a struct of i64 to `to`, as many as `size` bytes of the caller's have room for: an older header
/// knows fewer. Answers 0.
pub fn write_members(to: *mut u8, size: i64, name: &str, members: &[i64]) -> Result<i64> {
    let room = room_for(to, size)?;
    if room.size() == 0 || room.size() % size_of::<i64>() != 0 {
        return Err(Error::argument(format!("{size} bytes are no size of {name}")));
    }
    // SAFETY: integers are as many bytes as they have, without gaps.
    let bytes = unsafe { std::slice::from_raw_parts(members.as_ptr().cast::<u8>(), size_of_val(members)) };
    store(&bytes[..bytes.len().min(room.size())], &room, 0).map(|()| 0)
}

/// Reads the members of a struct of i64 of which the caller has `size` bytes. An older header has fewer members: the others
/// stay as they are. What a newer header has more must be 0, as openat2(2) has it.
pub fn read_members(from: *const u8, size: i64, name: &str, members: &mut [i64]) -> Result<()> {
    const MOST: usize = 1024;
    let given = bytes_in(from, size)?;
    if given.size() == 0 || given.size() % size_of::<i64>() != 0 || given.size() > MOST {
        return Err(Error::argument(format!("{size} bytes are not a size of {name}")));
    }
    let mut bytes = [0; MOST];
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
    match usize::try_from(size) {
        // A buffer has no rest: here MMAP_WRAP_REST is a negative number like any other.
        Err(_) => Error::Negative { what: "size", value: size }.into(),
        Ok(size) => Error::argument(format!("no buffer is {size} bytes long")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::MMAP_WRAP_E_INTERNAL;

    fn message() -> String {
        // SAFETY: the text is kept until the next message of this thread.
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
    fn null_is_a_buffer_of_no_bytes_only() {
        assert_eq!(bytes_in(std::ptr::null(), 0).unwrap().size(), 0);
        assert!(bytes_in(std::ptr::null(), 1).is_err());
        assert!(room_for(std::ptr::null_mut(), i64::MIN).is_err());
    }
}
