//! The cost of the library compared with the bare call: each row times both, interleaved in one run, and prints the medians and
//! their ratio. Run it with `make bench`; docs/benchmarks.md has its table.

#![allow(clippy::cast_possible_wrap, clippy::cast_possible_truncation, clippy::cast_precision_loss, clippy::cast_sign_loss)]

#[path = "../tests/common/abi.rs"]
mod abi;

use abi::*;
use mmap_wrap::internals::constants::*;
use mmap_wrap::internals::error::MMAP_WRAP_E_FAULT;
use std::ffi::c_void;
use std::hint::black_box;
use std::os::fd::AsRawFd;
use std::ptr::null_mut;
use std::sync::Barrier;
use std::sync::atomic::{AtomicI64, Ordering::SeqCst};
use std::time::Instant;

const ROUNDS: usize = 41;
const READ_WRITE: i64 = PROT_READ | PROT_WRITE;
const ANONYMOUS: i64 = MAP_PRIVATE | MAP_ANONYMOUS;

fn main() {
    println!(
        "{:62} {:>12} {:>12} {:>8}   target",
        "nanoseconds per call, medians of interleaved rounds", "mmap-wrap", "bare", "ratio"
    );
    calls();
    handles();
    small_copies();
    copies();
    searches();
    many_mappings();
    faults();
    threads();
    beside_memmap2();
    size();
}

/// The size of the library as installed; `make bench` builds it first.
fn size() {
    let library = concat!(env!("CARGO_MANIFEST_DIR"), "/target/release/libmmap_wrap.so");
    match std::fs::metadata(library) {
        Ok(info) => println!("{:62} {:>12} {:12} {:8}   <= 460800", "libmmap_wrap.so, stripped, bytes", info.len(), "", ""),
        Err(error) => println!("{library}: {error}"),
    }
}

/// Times `ours` and `bare` in turn, `calls` of each at a time; returns the medians in nanoseconds per call.
fn interleaved(calls: usize, mut ours: impl FnMut(), mut bare: impl FnMut()) -> (f64, f64) {
    fn time(calls: usize, body: &mut impl FnMut()) -> f64 {
        let start = Instant::now();
        (0..calls).for_each(|_| body());
        start.elapsed().as_nanos() as f64 / calls as f64
    }
    let (mut times, mut bare_times) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        times.push(time(calls, &mut ours));
        bare_times.push(time(calls, &mut bare));
    }
    (median(times), median(bare_times))
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn row(what: &str, (ours, bare): (f64, f64), target: &str) {
    println!("{what:58} {ours:12.1} {bare:12.1} {:8.3}   {target}", ours / bare);
}

/// Private memory, with every page in memory.
fn memory(length: i64) -> i64 {
    let h = mmap_wrap(null_mut(), length, READ_WRITE, ANONYMOUS, -1, 0);
    assert!(h > 0);
    assert_eq!(mmap_wrap_fill(h, 0, 1, length), length);
    h
}

fn address(h: i64) -> *mut c_void {
    abi::mmap_wrap_address(h)
}

fn calls() {
    let ours = || assert!(munmap_wrap(mmap_wrap(null_mut(), 4096, READ_WRITE, ANONYMOUS, -1, 0)) == 1);
    // SAFETY: maps new memory and unmaps it.
    let bare = || unsafe {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        let address = libc::mmap(null_mut(), 4096, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0);
        assert!(libc::munmap(address, 4096) == 0);
    };
    row("mmap_wrap + munmap_wrap, 4 KiB anonymous / libc's", interleaved(2000, ours, bare), "<= 1.03");

    let h = memory(4096);
    let page = address(h);
    // SAFETY: the page is ours, and keeps its protection.
    let libc_protect = || unsafe { assert!(libc::mprotect(page, 4096, libc::PROT_READ | libc::PROT_WRITE) == 0) };
    row(
        "mprotect_wrap / libc's",
        interleaved(5000, || assert!(mprotect_wrap(h, READ_WRITE, 0, 4096) == 0), libc_protect),
        "<= 1.05",
    );
    // SAFETY: as above.
    let libc_advise = || unsafe { assert!(libc::madvise(page, 4096, libc::MADV_NORMAL) == 0) };
    row(
        "madvise_wrap / libc's",
        interleaved(5000, || assert!(madvise_wrap(h, MADV_NORMAL, 0, 4096) == 0), libc_advise),
        "<= 1.05",
    );
    // SAFETY: as above.
    let libc_sync = || unsafe { assert!(libc::msync(page, 4096, libc::MS_ASYNC) == 0) };
    row("msync_wrap / libc's", interleaved(5000, || assert!(msync_wrap(h, MS_ASYNC, 0, 4096) == 0), libc_sync), "<= 1.05");
    munmap_wrap(h);
}

fn handles() {
    let h = memory(4096);
    let ours = || {
        black_box(abi::mmap_wrap_length(black_box(h)));
    };
    row("mmap_wrap_length: the check of a handle alone / nothing", interleaved(20_000, ours, || assert!(black_box(h) > 0)), "");
    munmap_wrap(h);
}

/// Small accesses to a file compared with the bare instruction: by default, and with trusted handlers.
fn small_copies() {
    let h = mmap_unnamed_wrap(4096, READ_WRITE, MAP_SHARED);
    assert!(h > 0 && mmap_wrap_fill(h, 0, 1, 4096) == 4096);
    let from = address(h);
    let mut word = 0u64;
    let to = (&raw mut word).cast::<c_void>();
    let ours = || assert!(mmap_wrap_read(black_box(h), 8, to, 8) == 8);
    // SAFETY: 8 bytes of a mapped page.
    let bare = || unsafe {
        libc::memcpy(to, black_box(from.wrapping_byte_add(8)), black_box(8));
    };
    let number = || {
        black_box(mmap_wrap_get_int(black_box(h), mmap_wrap::internals::mapping::MMAP_WRAP_I64, 8));
    };
    let add = || assert!(mmap_wrap_atomic_add(black_box(h), 64, 8, 1, null_mut()) == 0);
    // SAFETY: an aligned word of a mapped page.
    let shared = unsafe { &*from.wrapping_byte_add(8).cast::<AtomicI64>() };
    let bare_add = || {
        black_box(shared.fetch_add(black_box(1), SeqCst));
    };
    for (trusted, how, target) in [(0, "by default", "<= 15"), (1, "handlers trusted", "<= 3")] {
        mmap_wrap_trust_handlers(trusted);
        let (read, copy) = interleaved(20_000, ours, bare);
        row(&format!("read of 8 bytes of a file, {how} / memcpy"), (read, copy), "");
        println!("{:62} {:12.1} {:12} {:8}   {target}", "  beyond memcpy", read - copy, "", "");
        row(&format!("get_int of 64 bits, {how} / memcpy of 8"), interleaved(20_000, number, bare), "");
        row(&format!("atomic_add of 64 bits, {how} / the instruction"), interleaved(20_000, add, bare_add), "");
    }
    mmap_wrap_trust_handlers(0);
    munmap_wrap(h);
}

fn copies() {
    const LARGEST: i64 = 64 << 20;
    let h = memory(LARGEST);
    let from = address(h);
    let mut room = vec![1u8; LARGEST as usize];
    let to = room.as_mut_ptr().cast::<c_void>();
    for shift in [6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26] {
        let size = 1i64 << shift;
        let calls = (1 << 22 >> shift).clamp(1, 20_000);
        let ours = || assert!(mmap_wrap_read(h, 0, to, size) == size);
        // SAFETY: both sides hold this many bytes.
        let bare = || unsafe {
            libc::memcpy(to, black_box(from), black_box(size as usize));
        };
        let target = match shift {
            26 => "<= 0.7",
            12.. => "<= 1.05",
            _ => "",
        };
        row(&format!("read of {size} bytes / memcpy"), interleaved(calls, ours, bare), target);
    }
    munmap_wrap(h);
}

fn searches() {
    const SIZE: i64 = 64 << 20;
    let h = memory(SIZE);
    let start = address(h);
    let ours = || assert!(mmap_wrap_find(h, c"needle".as_ptr().cast(), 6, 0, SIZE) < 0);
    // SAFETY: as many bytes are mapped.
    let bare = || unsafe {
        assert!(libc::memmem(start, SIZE as usize, c"needle".as_ptr().cast(), 6).is_null());
    };
    row("find in 64 MiB / glibc memmem", interleaved(1, ours, bare), "<= 0.3");
    // SAFETY: as above.
    let reading = || unsafe { assert!(libc::memchr(start, i32::from(b'n'), SIZE as usize).is_null()) };
    row("find in 64 MiB / glibc memchr, which only reads", interleaved(1, ours, reading), "");
    let other = memory(SIZE);
    let end = address(other);
    let ours = || assert!(mmap_wrap_compare(h, 0, other, 0, SIZE) == SIZE);
    // SAFETY: as many bytes are mapped on both sides.
    let bare = || unsafe { assert!(libc::memcmp(start, end, SIZE as usize) == 0) };
    row("compare of 64 MiB / memcmp", interleaved(1, ours, bare), "");
    munmap_wrap(other);
    munmap_wrap(h);
}

/// The same call with few and with many live mappings: on one of them, and on all in turn.
fn many_mappings() {
    let mut word = 0u64;
    let to = (&raw mut word).cast::<c_void>();
    let one = memory(4096);
    let mut all = Vec::new();
    for count in [1000, 60_000] {
        while all.len() < count {
            // Alternating protections, so that the kernel does not merge them.
            let prot = if all.len() % 2 == 0 { READ_WRITE } else { PROT_READ };
            let h = mmap_wrap(null_mut(), 4096, prot, ANONYMOUS, -1, 0);
            if h < 0 {
                println!("only {} mappings can live here", all.len());
                break;
            }
            all.push(h);
        }
        let newest = *all.last().expect("some mappings live");
        assert!(mmap_wrap_read(newest, 0, to, 8) == 8);
        let ours = || assert!(mmap_wrap_read(black_box(newest), 8, to, 8) == 8);
        let bare = || assert!(mmap_wrap_read(black_box(one), 8, to, 8) == 8);
        row(&format!("read of 8 bytes, {count} mappings live / the first of them"), interleaved(20_000, ours, bare), "<= 1.2");
    }
    all.into_iter().for_each(|h| assert!(munmap_wrap(h) == 1));
    munmap_wrap(one);
}

/// A fault, with its message, with many live mappings and with few: repaired by the handler, and in the kernel.
fn faults() {
    const MANY: usize = 60_000;
    let file = tempfile::tempfile().expect("a file can be made");
    file.set_len(8192).expect("it can be grown");
    let h = mmap_wrap(null_mut(), 8192, READ_WRITE, MAP_SHARED, file.as_raw_fd().into(), 0);
    file.set_len(4096).expect("it can be truncated");
    let mut word = 0u64;
    let to = (&raw mut word).cast::<c_void>();
    let mut fault = || assert!(mmap_wrap_read(h, 4096, to, 8) == MMAP_WRAP_E_FAULT);
    let mut both = || {
        let repaired = interleaved(100, &mut fault, || ()).0;
        block_sigbus(true);
        let met = interleaved(100, &mut fault, || ()).0;
        block_sigbus(false);
        (repaired, met)
    };
    let few = both();
    // SAFETY: new memory, of which every other page has another protection, so that the kernel does not merge them.
    let memory = unsafe {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        let memory = libc::mmap(null_mut(), MANY * 4096, libc::PROT_NONE, flags, -1, 0);
        for page in (0..MANY).step_by(2) {
            if libc::mprotect(memory.wrapping_byte_add(page * 4096), 4096, libc::PROT_READ) != 0 {
                println!("only {page} mappings can live here");
                break;
            }
        }
        memory
    };
    let many = both();
    row("a repaired fault, 60000 mappings live / one", (many.0, few.0), "<= 2");
    row("a fault met by the kernel, 60000 mappings live / one", (many.1, few.1), "<= 2");
    // SAFETY: mapped above.
    unsafe { assert!(libc::munmap(memory, MANY * 4096) == 0) };
    assert!(munmap_wrap(h) == 1);
}

/// While this thread blocks SIGBUS, the kernel does accesses.
fn block_sigbus(blocked: bool) {
    // SAFETY: changes this thread's mask only.
    unsafe {
        let mut set = std::mem::zeroed();
        libc::sigaddset(&mut set, libc::SIGBUS);
        let how = if blocked { libc::SIG_BLOCK } else { libc::SIG_UNBLOCK };
        assert!(libc::pthread_sigmask(how, &set, null_mut()) == 0);
    }
}

/// Two threads on the same handle, and on one handle each, compared with one thread.
fn threads() {
    let handles = [memory(4096), memory(4096)];
    let alone = median((0..ROUNDS).map(|_| reading(handles[0])).collect());
    for (what, pair) in [("the same handle", [handles[0], handles[0]]), ("a handle each", handles)] {
        let both = (0..ROUNDS).map(|_| {
            let together = Barrier::new(2);
            std::thread::scope(|scope| {
                let other = scope.spawn(|| {
                    together.wait();
                    reading(pair[1])
                });
                together.wait();
                let this = reading(pair[0]);
                f64::midpoint(this, other.join().expect("the thread ends"))
            })
        });
        row(&format!("read of 8 bytes, two threads, {what} / one thread"), (median(both.collect()), alone), "<= 1.2");
    }
    assert!(handles.into_iter().all(|h| munmap_wrap(h) == 1));
}

fn reading(h: i64) -> f64 {
    const CALLS: u32 = 50_000;
    let mut word = 0u64;
    let start = Instant::now();
    for _ in 0..CALLS {
        assert!(mmap_wrap_read(black_box(h), 8, (&raw mut word).cast(), 8) == 8);
    }
    start.elapsed().as_nanos() as f64 / f64::from(CALLS)
}

/// The Rust API, on a file of 64 MiB in the page cache, by default: docs/benchmarks.md has the rows.
fn beside_memmap2() {
    const SIZE: usize = 64 << 20;
    let mut file = tempfile::tempfile().unwrap();
    std::io::Write::write_all(&mut file, &vec![1; SIZE]).unwrap();
    let open = || mmap_wrap::MapOptions::new().map(&file).unwrap();
    // SAFETY: nothing changes the file.
    let open_theirs = || unsafe { memmap2::Mmap::map(&file).unwrap() };
    println!("\n{:62} {:>12} {:>12} {:>8}", "the same for Rust, a file of 64 MiB", "mmap-wrap", "memmap2", "ratio");
    row("map and unmap", interleaved(200, || drop(open()), || drop(open_theirs())), "");

    let (mapping, theirs) = (open(), open_theirs());
    mapping.prefault(..).unwrap();
    assert!(theirs.iter().step_by(4096).all(|byte| *byte == 1));
    let ours = || assert!(mapping.get::<u64>(black_box(8)).unwrap() != 0);
    let bare = || assert!(u64::from_ne_bytes(theirs[black_box(8)..][..8].try_into().unwrap()) != 0);
    row("get::<u64> / slice and u64::from_ne_bytes", interleaved(20_000, ours, bare), "");
    let mut room = vec![0; SIZE];
    for (size, calls) in [(64, 20_000), (4096, 20_000), (1 << 20, 20), (SIZE, 1)] {
        let cell = std::cell::RefCell::new(&mut room[..size]);
        let ours = || mapping.read(black_box(0), &mut cell.borrow_mut()).unwrap();
        let bare = || cell.borrow_mut().copy_from_slice(&theirs[black_box(0)..][..size]);
        row(&format!("read of {size} bytes / copy_from_slice"), interleaved(calls, ours, bare), "");
    }
    let ours = || assert_eq!(mapping.find(b"needle", ..), Ok(None));
    let bare = || assert_eq!(memchr::memmem::find(&theirs, b"needle"), None);
    row("find in 64 MiB / memchr's memmem", interleaved(1, ours, bare), "");
    let ours = || assert_eq!((0..1 << 20).map(|i| u64::from(mapping.get::<u8>(i).unwrap())).sum::<u64>(), 1 << 20);
    let bare = || assert_eq!(theirs[..1 << 20].iter().map(|byte| u64::from(*byte)).sum::<u64>(), 1 << 20);
    row("1 MiB byte by byte", interleaved(1, ours, bare), "");
    // SAFETY: nothing changes the file.
    let bytes = unsafe { mapping.as_slice() };
    let ours = || assert_eq!(bytes[..1 << 20].iter().map(|byte| u64::from(*byte)).sum::<u64>(), 1 << 20);
    row("the same by as_slice", interleaved(1, ours, bare), "");
}
