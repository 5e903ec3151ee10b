//! Messages: all languages show them, so none may use the words of one language.

mod common;

use common::abi::*;
use common::*;
use mmap_wrap::internals::constants::*;
use mmap_wrap::internals::mapping::*;
use mmap_wrap::internals::range::REST;
use std::ffi::CStr;
use std::ptr::{null, null_mut};

/// The message of a call that failed.
fn message(code: i64) -> String {
    assert!(code < 0, "{code} is no failure");
    let text = mmap_wrap_last_error_message();
    // SAFETY: the text is valid until the next message of this thread.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}

fn map(length: i64, flags: i64, fd: i64) -> i64 {
    mmap_wrap(null_mut(), length, READ_WRITE, flags, fd, 0)
}

/// The messages of calls that fail because of their arguments.
fn messages() -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    std::fs::write(&path, [7; 100]).unwrap();
    let file = std::fs::File::options().read(true).write(true).open(&path).unwrap();
    let fd = descriptor_of(&file);

    let page = mmap_wrap_page_size();
    let (private, shared) = (map(page, MAP_PRIVATE | MAP_ANONYMOUS, -1), map(page, ANONYMOUS, -1));
    let (of_file, keeping) = (map(REST, MAP_SHARED, fd), map(REST, MAP_SHARED | MMAP_WRAP_KEEP, fd));
    assert!([private, shared, of_file, keeping].into_iter().all(|h| h > 0));
    let again = MREMAP_MAYMOVE | MREMAP_DONTUNMAP;
    let (zero, byte) = (null_mut(), b"x".as_ptr().cast());

    let mut messages = vec![
        message(map(0, MAP_SHARED, fd)),
        message(map(0, MAP_ANONYMOUS, -1)),
        message(map(REST, ANONYMOUS, -1)),
        message(map(4096, ANONYMOUS | MMAP_WRAP_KEEP, -1)),
        message(map(4096, ANONYMOUS | MAP_FIXED, -1)),
        message(map(4096, MAP_SHARED, 9999)),
        message(map(4096, MAP_PRIVATE | MAP_SHARED | 1 << 40, fd)),
        message(mmap_path_wrap(c"/".as_ptr(), REST, PROT_READ, MAP_PRIVATE, 0)),
        message(mmap_unnamed_wrap(0, READ_WRITE, MAP_SHARED)),
        message(mremap_wrap(shared, 4 * page, MREMAP_MAYMOVE, zero, 0)),
        message(mremap_wrap(private, 0, MREMAP_MAYMOVE, zero, 0)),
        message(mremap_wrap(of_file, 4 * page, MREMAP_MAYMOVE, zero, 0)),
        message(mremap_wrap(of_file, 4 * page, MREMAP_MAYMOVE, zero, 1)),
        message(mremap_wrap(of_file, REST, MREMAP_MAYMOVE, zero, 0)),
        message(mremap_wrap(keeping, 4 * page, MREMAP_MAYMOVE, zero, 0)),
        message(mmap_wrap_dup_fd(of_file)),
        message(mmap_wrap_file_seals(of_file)),
        message(mmap_wrap_split(private, 0)),
        message(mmap_wrap_write(private, 4 * page, byte, 1)),
        message(mmap_wrap_put_int(private, 0x63, 0, 1)),
        message(mmap_wrap_put_int(private, MMAP_WRAP_U8, 0, 256)),
        message(mmap_wrap_put_int(private, MMAP_WRAP_F32, 0, 1)),
        message(mmap_wrap_put_float(private, MMAP_WRAP_F32, 0, 1e39)),
        message(mmap_wrap_put_float(private, MMAP_WRAP_I32, 0, 1.0)),
        message(madvise_wrap(private, 9999, 0, REST)),
        message(mlock_wrap(private, 1 << 20, 0, REST)),
        message(mbind_wrap(private, 99, null(), 0, 0, 0, REST)),
        message(mmap_wrap_set_name(of_file, c"name".as_ptr())),
        message(mmap_wrap_atomic_store(private, 16, 0, 1)),
        message(mmap_wrap_mutex_unlock(private, 0)),
    ];
    // Under wine, these are files of the system below.
    #[cfg(unix)]
    for path in [c"/dev/zero", c"/proc/self/status"] {
        messages.push(message(mmap_path_wrap(path.as_ptr(), REST, PROT_READ, MAP_PRIVATE, 0)));
    }
    if MREMAP_DONTUNMAP != 0 {
        messages.extend([
            message(mremap_wrap(private, page, MREMAP_MAYMOVE | MREMAP_FIXED, zero, 0)),
            message(mremap_wrap(private, page, again, zero, 1)),
            message(mremap_wrap(private, 2 * page, again, zero, 0)),
        ]);
    }
    let node = mmap_wrap_numa_node(shared, 0);
    messages.extend((node < 0).then(|| message(node)));
    if mmap_wrap_survive(private, 1) == 0 {
        messages.push(message(mseal_wrap(private, 0, REST)));
    }
    for h in [private, shared, of_file, keeping] {
        munmap_wrap(h);
    }
    messages
}

#[test]
fn no_message_has_the_words_of_one_language() {
    let (words, ends) = (["MMAP_WRAP_", "mmap_wrap_", "_wrap ", "NULL", "in C ", "::", "with_file", "()"], [": ", ""]);
    for message in messages() {
        // It begins with the name of the call.
        let (call, said) = message.split_once(ends[0]).unwrap_or((ends[1], &message));
        assert!(!words.iter().any(|word| said.contains(word)), "{call}: {said}");
    }
}

/// Flags of mremap(2) are in messages only where the caller gave them: bindings have other parameters for them.
#[test]
fn a_mapping_that_cannot_grow_in_place_has_a_message_without_flags() {
    let page = mmap_wrap_page_size();
    let h = map(2 * page, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    let next = mmap_wrap_split(h, page);
    assert!(next > 0);
    let message = message(mremap_wrap(h, 2 * page, 0, null_mut(), 0));
    assert!(message.contains("may not move") && !message.contains("MREMAP_"), "{message}");
    munmap_wrap(h);
    munmap_wrap(next);
}

#[test]
fn a_message_has_the_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    std::fs::write(&path, [7; 100]).unwrap();
    let file = std::fs::File::options().read(true).write(true).open(&path).unwrap();
    let fd = descriptor_of(&file);
    let h = map(REST, MAP_SHARED, fd);
    let says = |code: i64, what: &str| {
        let message = message(code);
        assert!(message.ends_with(what), "{message}");
    };
    says(map(0, MAP_SHARED, fd), "length 0: give the number of bytes, or ask for the length up to the end of the file");
    says(mmap_wrap_dup_fd(h), "this mapping keeps no file open: keep the file when mapping, or map a memory file");
    // On Windows no mapping can be longer than its file: it is mapped again, which needs the file, too.
    #[cfg(unix)]
    says(
        mremap_wrap(h, 1000, MREMAP_MAYMOVE, null_mut(), 0),
        "stores are lost; make the file longer first, or resize it with the mapping, which must keep the file",
    );
    munmap_wrap(h);
}
