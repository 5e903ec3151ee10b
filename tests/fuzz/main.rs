//! Sequences of calls with hostile arguments, over the whole ABI, against a model of what the mappings hold.
//!
//! A sequence is a string of bytes, which encode calls, their arguments, and events: files are truncated, the process forks,
//! threads call any function. The bytes come from a seed, so that every run can be repeated. After every call the result, its
//! message, the mapping and the descriptors are checked; at the end, that nothing is left. Sequences run in separate processes;
//! one that fails is shortened and printed with the command that runs it again:
//!
//! ```sh
//! cargo test --test fuzz -- --nocapture                                       # a few hundred sequences, always the same
//! MMAP_WRAP_FUZZ_SEQUENCES=4000 cargo test --test fuzz -- --nocapture         # more
//! MMAP_WRAP_FUZZ_SECONDS=600 cargo test --test fuzz -- --nocapture            # for a time, from a new seed
//! MMAP_WRAP_FUZZ_SEED=7 MMAP_WRAP_FUZZ_CALLS=1,4,9 cargo test --test fuzz -- --nocapture     # one sequence, some of its calls
//! MMAP_WRAP_FUZZ_INPUT=bytes cargo test --test fuzz -- --nocapture            # the bytes of a file: for AFL and similar
//! ```
//!
//! Sequences do nothing that callers must not do: buffers are valid or NULL, MAP_FIXED takes addresses that were reserved for
//! it, only surviving mappings are read by address, and hardware pages are not poisoned (`scene::keep_from_harm`). Threads
//! race: a sequence with threads may fail in some runs only.
#![cfg(unix)]

#[path = "../common/abi.rs"]
mod abi;
mod calls;
mod draw;
mod hunt;
mod model;
mod scene;

use std::time::{Duration, Instant, SystemTime};

fn number_from(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")))
}

#[test]
fn every_function_of_the_header_is_in_the_table() {
    let header = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/include/mmap_wrap.h")).unwrap();
    // A declaration begins with MMAP_WRAP_API; the name ends at the parenthesis.
    let name = |code: &str| code.split('(').next().unwrap_or_default().rsplit([' ', '*']).next().unwrap_or_default().to_owned();
    let mut declared: Vec<String> = header.split("\nMMAP_WRAP_API ").skip(1).map(name).collect();
    let left_out = calls::LEFT_OUT.iter().map(|(name, why)| {
        println!("skipped: {name}: {why}");
        *name
    });
    let mut known: Vec<&str> = calls::CALLS.iter().map(|call| call.name).chain(left_out).collect();
    declared.sort();
    known.sort_unstable();
    assert_eq!(known, declared, "tests/fuzz/calls.rs has another list than include/mmap_wrap.h");
}

#[test]
fn sequences_of_hostile_calls_break_nothing() {
    if hunt::played_here() {
        return;
    }
    let seed = number_from("MMAP_WRAP_FUZZ_SEED");
    if let (Some(seed), Ok(calls)) = (seed, std::env::var("MMAP_WRAP_FUZZ_CALLS")) {
        let calls: Vec<usize> = calls.split(',').map(|call| call.parse().expect("numbers of calls")).collect();
        println!("{}", hunt::again(seed, &calls).unwrap_or_else(|failure| panic!("{failure}")));
        return;
    }
    if let Some(file) = std::env::var_os("MMAP_WRAP_FUZZ_INPUT") {
        hunt::play_file(&file);
        return;
    }
    if hunt::is_sanitized() {
        println!("skipped: comparing mapped bytes: the sanitizer maps memory of its own; mapped files are compared");
    } else {
        println!("skipped: AddressSanitizer: `make fuzz` has it");
    }
    let (first, until, count) = match number_from("MMAP_WRAP_FUZZ_SECONDS") {
        Some(seconds) => {
            let new = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |time| time.as_secs() << 20);
            (seed.unwrap_or(new), Some(Instant::now() + Duration::from_secs(seconds)), u64::MAX >> 2)
        }
        None => (seed.unwrap_or(1), None, number_from("MMAP_WRAP_FUZZ_SEQUENCES").unwrap_or(300)),
    };
    let started = Instant::now();
    match hunt::hunt(first..first + count, until) {
        Ok(played) => println!(
            "{played} sequences of {} calls, from seed {first}, in {} s: nothing found",
            hunt::CALLS,
            started.elapsed().as_secs()
        ),
        Err(found) => panic!("{found}"),
    }
}
