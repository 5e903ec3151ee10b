//! Protection, advice and syncing of ranges.
#![allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap, reason = "small numbers")]

mod common;

use common::*;
use mmap_wrap::internals::constants::*;
use mmap_wrap::internals::error::*;
use mmap_wrap::internals::range::REST;

fn page() -> usize {
    mmap_wrap::page_size()
}

#[test]
fn protection_advice_and_sync_follow_the_range_rules() {
    let (page, size) = (page() as i64, 2 * page() as i64);
    let memory = anonymous(size);
    type Call<'a> = &'a dyn Fn(i64, i64) -> mmap_wrap::internals::Result<()>;
    let calls: [(&str, Call); 3] = [
        ("protect", &|offset, size| memory.protect(READ_WRITE, offset, size)),
        ("advise", &|offset, size| memory.advise(MADV_NORMAL, offset, size)),
        ("sync", &|offset, size| memory.sync(MS_ASYNC, offset, size)),
    ];
    for (name, call) in calls {
        let beyond = size + 1;
        let error = call(beyond, 0).unwrap_err().to_string();
        assert_eq!(error, format!("offset {beyond} lies beyond {size} byte mapping"), "{name}");
        let error = call(page, size).unwrap_err().to_string();
        assert_eq!(error, format!("size {size} from offset {page} extends beyond {size} byte mapping"), "{name}");
        assert!(matches!(*call(1, i64::MAX).unwrap_err(), Error::WrapsAround { .. }), "{name}");
        assert!(matches!(*call(-1, 1).unwrap_err(), Error::Negative { .. }), "{name}");
        assert!(matches!(*call(0, -1).unwrap_err(), Error::Negative { .. }), "{name}");
        call(size, 0).unwrap();
        call(size, REST).unwrap();
        call(0, 0).unwrap();
        call(0, REST).unwrap();
        call(page, page).unwrap();
    }
    assert_eq!(memory.advise(12345, 0, REST).unwrap_err().code(), MMAP_WRAP_E_ARGUMENT);
    assert_eq!(memory.protect(1 << 10, 0, REST).unwrap_err().code(), MMAP_WRAP_E_ARGUMENT);
    assert_eq!(memory.sync(1 << 10, 0, REST).unwrap_err().code(), MMAP_WRAP_E_ARGUMENT);
    assert_eq!(memory.sync(MS_SYNC | MS_ASYNC, 0, REST).unwrap_err().code(), -i64::from(libc::EINVAL));
}

#[test]
fn discarding_never_discards_other_bytes_of_a_page() {
    let memory = anonymous(5000);
    let length = page() + 904;
    let private = from_descriptor(0, length as i64, READ_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0).unwrap();
    private.fill(0, 7, REST).unwrap();
    assert_eq!(private.advise(MADV_DONTNEED, 0, 100).unwrap_err().code(), MMAP_WRAP_E_ALIGNMENT);
    assert_eq!(private.advise(MADV_DONTNEED, 100, REST).unwrap_err().code(), MMAP_WRAP_E_ALIGNMENT);
    assert_eq!(read(&private, 0, length).unwrap(), vec![7; length]);
    private.advise(MADV_DONTNEED, page() as i64, REST).unwrap();
    assert_eq!(read(&private, 0, page()).unwrap(), vec![7; page()]);
    assert_eq!(read(&private, page() as i64, 904).unwrap(), [0; 904]);
    memory.advise(MADV_RANDOM, 100, 1).unwrap();
}

#[test]
fn protection_of_a_part_is_known_page_by_page() {
    let (bytes, page) = (page(), page() as i64);
    let memory = anonymous(3 * page);
    memory.fill(0, 1, REST).unwrap();
    memory.protect(PROT_NONE, page, page).unwrap();

    assert_eq!(read(&memory, 0, bytes).unwrap(), vec![1; bytes]);
    memory.write(2 * page, &vec![2; bytes]).unwrap();
    assert!(matches!(
        *read(&memory, page - 96, 200).unwrap_err(),
        Error::Fault { offset, done: 96, size: 200, cause: Cause::Protection, .. } if offset == bytes
    ));
    assert!(matches!(
        *memory.write(page, b"x").unwrap_err(),
        Error::Fault { offset, done: 0, size: 1, cause: Cause::Protection, .. } if offset == bytes
    ));
    assert!(matches!(
        *memory.fill(0, 3, REST).unwrap_err(),
        Error::Fault { offset, done, size, cause: Cause::Protection, .. } if (offset, done, size) == (bytes, bytes, 3 * bytes)
    ));
    assert!(matches!(
        *memory.find(&[2], 0, REST).unwrap_err(),
        Error::Fault { offset, done, size, cause: Cause::Protection, .. } if (offset, done, size) == (bytes, bytes, 3 * bytes)
    ));
    assert_eq!(memory.find(&[2], 2 * page, REST), Ok(2 * bytes));
    assert_eq!(memory.copy_within(2 * page, page, 10).unwrap_err().code(), MMAP_WRAP_E_FAULT);
    assert_eq!(memory.copy_within(2 * page, 0, page), Ok(bytes));

    memory.protect(READ_WRITE, 0, REST).unwrap();
    assert_eq!(read(&memory, page - 96, 200).unwrap()[96..], [1; 104]);
    assert_eq!(read(&memory, 2 * page, bytes).unwrap(), vec![3; bytes]);
}

#[test]
#[cfg(target_os = "linux")]
fn advice_about_core_dumps_and_children_is_in_proc_smaps() {
    let memory = from_descriptor(0, 4096, READ_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0).unwrap();
    let hex = |text: &str| usize::from_str_radix(text, 16);
    let holds = |line: &str| {
        let range = line.split(' ').next().and_then(|range| range.split_once('-'));
        range.is_some_and(|(start, end)| {
            let (Ok(start), Ok(end)) = (hex(start), hex(end)) else { return false };
            (start..end).contains(&memory.address().addr())
        })
    };
    let marks = || {
        let smaps = std::fs::read_to_string("/proc/self/smaps").unwrap();
        let ours = smaps.lines().skip_while(|line| !holds(line));
        ours.into_iter().find_map(|line| line.strip_prefix("VmFlags:")).unwrap().to_owned()
    };
    assert!(!marks().contains("dd") && !marks().contains("wf"));
    memory.advise(MADV_DONTDUMP, 0, REST).unwrap();
    memory.advise(MADV_WIPEONFORK, 0, REST).unwrap();
    // The kernel sets this flag for accounted memory; an emulator may have a list of its own.
    if marks().contains("ac") {
        assert!(marks().contains("dd") && marks().contains("wf"), "{}", marks());
    } else {
        println!("skipped: the flags in /proc/self/smaps are not the kernel's: {}", marks());
    }
    memory.write(0, b"secret").unwrap();
    assert_eq!(common::forked(|| i32::from(read(&memory, 0, 6).unwrap() != [0; 6])), 0);
    assert_eq!(read(&memory, 0, 6).unwrap(), b"secret");
    memory.advise(MADV_DODUMP, 0, REST).unwrap();
    memory.advise(MADV_KEEPONFORK, 0, REST).unwrap();
    assert!(!marks().contains("dd") && !marks().contains("wf"));
}
