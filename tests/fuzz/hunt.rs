//! Runs sequences in separate processes, so that a crash or a hang is a finding, too, and shortens those that fail.

use crate::abi::*;
use crate::draw::bytes_of;
use crate::model::page;
use crate::scene::{RECORD, Scene};
use mmap_wrap::internals::error::MMAP_WRAP_E_UNMAPPED;
use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::{Duration, Instant};

/// Calls in a sequence.
pub const CALLS: usize = 40;
/// Sequences that one process runs.
const TOGETHER: u64 = 200;
/// A process that takes longer hangs: much longer than the sequences of a process take.
const HANGS_AFTER: [Duration; 2] = [Duration::from_secs(60), Duration::from_secs(10)];
/// The environment variable for a separate process: `FIRST END` or `SEED END CALL,CALL…`.
const PLAYS: &str = "MMAP_WRAP_FUZZ_PLAYS";

/// The bytes of a sequence, of all its calls or of some.
fn records<'a>(bytes: &'a [u8], calls: Option<&[usize]>) -> Vec<&'a [u8]> {
    let wanted = |number: &usize| calls.is_none_or(|calls| calls.contains(number));
    bytes.chunks(RECORD).enumerate().filter(|(number, _)| wanted(number)).map(|(_, record)| record).collect()
}

/// Runs one sequence in this process, and checks that it leaves nothing behind. The only function that a fuzzer needs.
pub fn play(bytes: &[u8], calls: Option<&[usize]>, stale: &mut Vec<i64>, trace: bool) {
    let records = records(bytes, calls);
    // Files in memory are fast; those in the usual directory are real.
    let [fast, real] = folders(std::process::id());
    let folder = if bytes.first().is_some_and(|byte| byte % 8 > 0) && Path::new(FAST).is_dir() { fast } else { real };
    std::fs::create_dir_all(&folder).expect("a folder for files");
    let before = Footprint::now(&folder);
    let mut scene = Scene::new(&folder, trace);
    scene.play(&records);
    stale.extend(scene.into_stale());
    Footprint::now(&folder).check(&before);
    let excess = stale.len().saturating_sub(500);
    stale.drain(..excess);
    for handle in stale {
        assert_eq!(mmap_wrap_length(*handle), MMAP_WRAP_E_UNMAPPED, "{handle:#x} was unmapped long ago");
    }
    let _ = std::fs::remove_dir_all(&folder);
}

const FAST: &str = "/dev/shm";

/// The directories of a process.
fn folders(process: u32) -> [PathBuf; 2] {
    [FAST.into(), std::env::temp_dir()].map(|parent: PathBuf| parent.join(format!("mmap-wrap-fuzz-{process}")))
}

/// The resources of a process.
struct Footprint {
    descriptors: usize,
    files_mapped: usize,
    bytes_mapped: usize,
    maps: String,
}

impl Footprint {
    fn now(folder: &std::path::Path) -> Footprint {
        let maps = std::fs::read_to_string("/proc/self/maps").expect("/proc is there");
        let folder = folder.to_string_lossy();
        let of_ours = |line: &&str| [&*folder, "/memfd:", "/dev/zero", "/secretmem"].iter().any(|file| line.contains(file));
        let size = |line: &str| {
            let (start, end) = line.split(' ').next()?.split_once('-')?;
            Some(usize::from_str_radix(end, 16).ok()? - usize::from_str_radix(start, 16).ok()?)
        };
        let grows = |line: &&str| line.ends_with("[heap]") || line.ends_with("[stack]");
        Footprint {
            descriptors: std::fs::read_dir("/proc/self/fd").expect("/proc is there").count(),
            files_mapped: maps.lines().filter(of_ours).count(),
            bytes_mapped: maps.lines().filter(|line| !grows(line)).filter_map(size).sum(),
            maps,
        }
    }

    fn check(&self, before: &Footprint) {
        assert_eq!(self.descriptors, before.descriptors, "open descriptors after the sequence");
        let other = |a: &str, b: &str| a.lines().filter(|line| !b.contains(line)).collect::<Vec<_>>().join("\n    ");
        let changes =
            || format!("removed:\n    {}\nnew:\n    {}", other(&before.maps, &self.maps), other(&self.maps, &before.maps));
        assert_eq!(self.files_mapped, before.files_mapped, "mapped files after the sequence; {}", changes());
        // A sanitizer maps memory of its own, and so does the allocator of another C library.
        if !is_sanitized() && cfg!(target_env = "gnu") {
            assert_eq!(self.bytes_mapped, before.bytes_mapped, "mapped bytes after the sequence; {}", changes());
        }
    }
}

pub fn is_sanitized() -> bool {
    std::env::var_os("ASAN_OPTIONS").is_some()
}

/// Makes the library and the C library allocate what they keep from their first use on.
fn settle() {
    // SAFETY: settings of the C library's allocator and of this process. Large blocks come from the heap, too, and all
    // threads share it, so that mapped bytes can be compared; a file beyond the limit is an error and no signal.
    unsafe {
        #[cfg(target_env = "gnu")]
        {
            libc::mallopt(libc::M_MMAP_THRESHOLD, i32::MAX);
            libc::mallopt(libc::M_ARENA_MAX, 1);
        }
        libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
        let limit = libc::rlimit { rlim_cur: 16 << 20, rlim_max: 16 << 20 };
        libc::setrlimit(libc::RLIMIT_FSIZE, &limit);
        libc::setrlimit(libc::RLIMIT_CORE, &libc::rlimit { rlim_cur: 0, rlim_max: 0 });
    }
    let barrier = std::sync::Arc::new(std::sync::Barrier::new(4));
    let threads = [0; 4].map(|_| {
        std::thread::spawn({
            let barrier = barrier.clone();
            move || barrier.wait()
        })
    });
    // Joined one by one: until then a thread may still give memory back.
    threads.into_iter().for_each(|thread| assert!(thread.join().is_ok()));
    let flags = mmap_wrap::internals::constants::MAP_PRIVATE | mmap_wrap::internals::constants::MAP_ANONYMOUS;
    let memory = crate::abi::mmap_wrap(std::ptr::null_mut(), page(), 3, flags, -1, 0);
    assert_eq!(crate::abi::mmap_wrap_survive(memory, 1), 0);
    if crate::abi::mmap_wrap_mutex_lock(memory, 0, 0) == 0 {
        assert_eq!(crate::abi::mmap_wrap_mutex_unlock(memory, 0), 0);
    }
    assert_eq!(munmap_wrap(memory), 1);
}

/// Runs the bytes of a file, in this process.
pub fn play_file(file: &std::ffi::OsStr) {
    settle();
    play(&std::fs::read(file).expect("MMAP_WRAP_FUZZ_INPUT names a file"), None, &mut Vec::new(), true);
}

/// Runs the sequences of a process that the test started. True if this is one.
pub fn played_here() -> bool {
    let Ok(plays) = std::env::var(PLAYS) else { return false };
    let mut words = plays.split(' ');
    let mut number = || words.next().and_then(|word| word.parse::<u64>().ok()).expect("FIRST END");
    let seeds = number()..number();
    let calls: Option<Vec<usize>> = words.next().map(|calls| calls.split(',').filter_map(|call| call.parse().ok()).collect());
    settle();
    let mut stale = Vec::new();
    for seed in seeds {
        println!("seed {seed}");
        play(&bytes_of(seed, CALLS * RECORD), calls.as_deref(), &mut stale, calls.is_some());
    }
    println!("reached the end");
    true
}

/// A process that ran sequences, and its output.
struct Played {
    status: Option<ExitStatus>,
    output: String,
}

impl Played {
    fn of(seeds: &Range<u64>, calls: Option<&[usize]>) -> Played {
        let numbers = |calls: &[usize]| calls.iter().map(usize::to_string).collect::<Vec<_>>().join(",");
        let plays =
            format!("{} {}{}", seeds.start, seeds.end, calls.map_or(String::new(), |calls| " ".to_owned() + &numbers(calls)));
        let output = tempfile::NamedTempFile::new().expect("a file for its output");
        let file = || File::options().append(true).open(output.path()).expect("a file that was just made");
        let mut child = Command::new(std::env::current_exe().expect("this program has a path"))
            .args(["--exact", "sequences_of_hostile_calls_break_nothing", "--nocapture", "--test-threads=1"])
            .env(PLAYS, plays)
            .env("RUST_BACKTRACE", "0")
            .stdout(file())
            .stderr(file())
            .spawn()
            .expect("this program starts");
        let (started, limit) = (Instant::now(), HANGS_AFTER[usize::from(calls.is_some())]);
        let status = loop {
            match child.try_wait().expect("our own child") {
                Some(status) => break Some(status),
                None if started.elapsed() > limit => {
                    let _ = child.kill();
                    let _ = child.wait();
                    break None;
                }
                None => std::thread::sleep(Duration::from_millis(2)),
            }
        };
        // A process that died left its files.
        folders(child.id()).iter().for_each(|folder| drop(std::fs::remove_dir_all(folder)));
        let output = String::from_utf8_lossy(&std::fs::read(output.path()).unwrap_or_default()).into_owned();
        Played { status, output }
    }

    fn failed(&self) -> bool {
        !(self.status.is_some_and(|status| status.success()) && self.output.contains("reached the end"))
    }

    fn last_seed(&self) -> Option<u64> {
        self.output.lines().filter_map(|line| line.strip_prefix("seed ")?.parse().ok()).next_back()
    }

    fn how(&self) -> String {
        self.status.map_or("it hung".to_owned(), |status| status.to_string())
    }
}

/// Runs the sequences of these seeds, until one fails or the time is over. Returns how many it ran.
pub fn hunt(seeds: Range<u64>, until: Option<Instant>) -> Result<u64, String> {
    let mut first = seeds.start;
    while first < seeds.end && until.is_none_or(|until| Instant::now() < until) {
        let together = first..seeds.end.min(first.saturating_add(TOGETHER));
        let played = Played::of(&together, None);
        if played.failed() {
            let seed = played.last_seed().unwrap_or(first);
            return Err(report(seed, seed - seeds.start + 1, &together, &played));
        }
        first = together.end;
    }
    Ok(first - seeds.start)
}

fn report(seed: u64, count: u64, together: &Range<u64>, played: &Played) -> String {
    let Some((calls, alone)) = shortest(seed) else {
        return format!(
            "sequence {count} failed ({}), but not alone:\n{}\nagain: MMAP_WRAP_FUZZ_SEED={} MMAP_WRAP_FUZZ_SEQUENCES={} cargo test --test fuzz -- --nocapture",
            played.how(),
            played.output,
            together.start,
            seed + 1 - together.start,
        );
    };
    let numbers = calls.iter().map(usize::to_string).collect::<Vec<_>>().join(",");
    format!(
        "sequence {count} failed; {} of its {CALLS} calls do so ({}):\n{}\nagain: MMAP_WRAP_FUZZ_SEED={seed} MMAP_WRAP_FUZZ_CALLS={numbers} cargo test --test fuzz -- --nocapture",
        calls.len(),
        alone.how(),
        alone.output,
    )
}

/// The shortest beginning of a sequence that fails, without calls that it does not need. None if it does not fail alone.
fn shortest(seed: u64) -> Option<(Vec<usize>, Played)> {
    // Threads race: a sequence that fails in one of a few runs counts as failing.
    let fails = |calls: &[usize]| (0..3).map(|_| Played::of(&(seed..seed + 1), Some(calls))).find(Played::failed);
    let all: Vec<usize> = (0..CALLS).collect();
    let mut failure = fails(&all)?;
    let (mut passes, mut fails_at) = (0, CALLS);
    while passes + 1 < fails_at {
        let middle = (passes + fails_at) / 2;
        match fails(&all[..middle]) {
            Some(played) => (fails_at, failure) = (middle, played),
            None => passes = middle,
        }
    }
    let mut calls = all[..fails_at].to_vec();
    for call in all[..fails_at].iter().rev() {
        let fewer: Vec<usize> = calls.iter().copied().filter(|other| other != call).collect();
        if let Some(played) = fails(&fewer) {
            (calls, failure) = (fewer, played);
        }
    }
    Some((calls, failure))
}

/// Runs one sequence, and returns its output.
pub fn again(seed: u64, calls: &[usize]) -> Result<String, String> {
    let played = Played::of(&(seed..seed + 1), Some(calls));
    if played.failed() { Err(format!("{}:\n{}", played.how(), played.output)) } else { Ok(played.output) }
}
