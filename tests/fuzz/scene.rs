//! The state of a sequence: mappings, files, descriptors. Makes arguments, and checks results.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "arguments travel as numbers"
)]

use crate::abi::*;
use crate::calls::{ArgumentKind, CALLS, Call, ResultKind};
use crate::draw::Draw;
use crate::model::{Expected, Known, bytes_at, failure, in_memory, info, page, rounded, unchanged};
use mmap_wrap::internals::constants::*;
use mmap_wrap::internals::error::*;
use mmap_wrap::internals::mapping::KEEP;
use mmap_wrap::internals::range::REST;
use std::ffi::{CStr, CString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// The bytes of one call or event.
pub const RECORD: usize = 64;

const BUFFER: usize = 1 << 16;
const MANY: usize = 12;
/// Longer mappings are unmapped at once, so that no call accesses a tebibyte.
const LONG: i64 = 1 << 20;

pub struct Scene {
    known: Vec<Known>,
    stale: Vec<i64>,
    /// Handles that other threads use at the same time, in unknown ways.
    shared: Option<Vec<i64>>,
    folder: PathBuf,
    paths: Vec<CString>,
    shared_names: Vec<CString>,
    names: Vec<CString>,
    fds: Vec<i32>,
    bad_fds: Vec<i32>,
    room: Vec<u8>,
    bytes: Vec<u8>,
    in_child: bool,
    trace: bool,
}

const SIZES: [u64; 6] = [0, 1, 100, 4096, 12_388, 40_000];
const FILL: u8 = 0xA5;

impl Scene {
    pub fn new(folder: &Path, trace: bool) -> Scene {
        let c = |path: PathBuf| CString::new(path.as_os_str().as_bytes()).expect("a path without NUL");
        let mut paths: Vec<CString> =
            ["a", "b", "empty", "missing", "new", "no/such", "link"].map(|name| c(folder.join(name))).into();
        paths.push(c(folder.join(std::ffi::OsStr::from_bytes(b"not utf-8 \xFF"))));
        paths.extend([c(folder.into()), c"".into(), c"/dev/zero".into(), c"/dev/null".into()]);
        paths.extend([CString::new(vec![b'n'; 5000]).expect("no NUL"), c(folder.join("pipe"))]);
        let mut scene = Scene {
            known: Vec::new(),
            stale: Vec::new(),
            shared: None,
            folder: folder.into(),
            paths,
            shared_names: [format!("/mmap-wrap-fuzz-{}", std::process::id()), "/".into(), "/a/b".into(), String::new()]
                .map(|name| CString::new(name).expect("no NUL"))
                .into(),
            names: vec![
                c"name".into(),
                c"".into(),
                c"[".into(),
                c"\xFF\n".into(),
                CString::new(vec![b'n'; 300]).expect("no NUL"),
            ],
            fds: Vec::new(),
            bad_fds: vec![-1, -100, i32::MAX, i32::MIN],
            room: vec![FILL; BUFFER],
            bytes: (0..BUFFER).map(|i| (i % 7) as u8).collect(),
            in_child: false,
            trace,
        };
        for (name, size) in [("a", 12_388), ("b", 100), ("empty", 0), ("pipe", 0), ("link", 0)] {
            scene.replace_file(name, size);
        }
        for (path, flags) in
            [(&scene.paths[0], libc::O_RDWR), (&scene.paths[1], libc::O_RDONLY), (&scene.paths[8], libc::O_RDONLY)]
        {
            // SAFETY: the path ends in NUL.
            scene.fds.push(unsafe { libc::open(path.as_ptr(), flags | libc::O_CLOEXEC) });
        }
        scene
    }

    fn replace_file(&self, name: &str, size: u64) {
        let path = self.folder.join(name);
        let _ = match name {
            "link" => std::os::unix::fs::symlink("target", &path),
            "pipe" => {
                // SAFETY: the path ends in NUL.
                unsafe { libc::mkfifo(self.paths[13].as_ptr(), 0o600) };
                Ok(())
            }
            _ => {
                std::fs::File::options().write(true).create(true).truncate(false).open(&path).and_then(|file| file.set_len(size))
            }
        };
    }

    /// Runs a sequence, and checks that it leaves nothing behind.
    pub fn play(&mut self, records: &[&[u8]]) {
        for (number, record) in records.iter().enumerate() {
            let mut draw = Draw(record);
            match draw.byte() {
                0..=11 => self.cut_a_file(&mut draw),
                12..=15 => self.touch(&mut draw),
                16 | 17 => self.run_threads(&mut draw),
                18 => self.fork(&records[number + 1..]),
                _ => {
                    let call = self.choose(&mut draw);
                    if call.name == "mseal_wrap" && !self.in_child {
                        // A seal lasts until the process ends: sometimes a child tries it.
                        if draw.one_in(8) {
                            self.fork(&records[number..]);
                        }
                    } else {
                        self.perform(call, &mut draw);
                    }
                }
            }
        }
        self.end();
    }

    fn log(&self, what: impl FnOnce() -> String) {
        if self.trace {
            eprintln!("    {}{}", if self.in_child { "child: " } else { "" }, what());
        }
    }

    // -- Events --

    fn cut_a_file(&mut self, draw: &mut Draw) {
        let (name, size) = (draw.pick(&["a", "b", "empty", "new"]), draw.pick(&SIZES));
        self.log(|| format!("file {name} is made {size} bytes long"));
        self.replace_file(name, size);
    }

    /// Reads through the address of a surviving mapping.
    fn touch(&mut self, draw: &mut Draw) {
        let candidates = self.known.iter().filter(|mapping| mapping.surviving && mapping.pristine && mapping.length > 0);
        let surviving = |mapping: &&Known| info(mapping.handle).is_some_and(|info| info.surviving == 1);
        let Some(mapping) = candidates.into_iter().find(surviving) else { return };
        let Some(info) = info(mapping.handle) else { return };
        let at = info.address + i64::from(draw.byte()) * page() % mapping.length;
        self.log(|| format!("a byte of {:#x} is read at its address {at:#x}", mapping.handle));
        // SAFETY: the address is in the mapping, which can be read and is surviving.
        unsafe { std::ptr::with_exposed_provenance::<u8>(at as usize).read_volatile() };
    }

    /// The child runs the rest of the sequence, and ends.
    fn fork(&mut self, rest: &[&[u8]]) {
        if self.in_child {
            return;
        }
        self.log(|| "a child runs the rest:".to_owned());
        // SAFETY: the child's only thread is this one; it ends by _exit.
        match unsafe { libc::fork() } {
            -1 => panic!("fork: {}", std::io::Error::last_os_error()),
            0 => {
                // SAFETY: sets a timer of this process, so that it cannot hang indefinitely.
                unsafe { libc::alarm(8) };
                self.in_child = true;
                let played = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                    self.forget_in_child();
                    self.play(rest);
                }));
                // SAFETY: ends the child at once.
                unsafe { libc::_exit(if played.is_ok() { 0 } else { 101 }) }
            }
            child => {
                let mut status = 0;
                // SAFETY: waits for our own child, and writes one int.
                assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
                assert_eq!(status, 0, "a forked child failed (exit status 101 is a check of its own, 14 a hang)");
            }
        }
        self.known.iter_mut().filter(|mapping| mapping.is_shared()).for_each(Known::forget);
    }

    fn forget_in_child(&mut self) {
        let (there, missing): (Vec<Known>, Vec<Known>) =
            self.known.drain(..).partition(|mapping| !mapping.unforked || info(mapping.handle).is_some());
        self.known = there;
        self.stale.extend(missing.iter().map(|mapping| mapping.handle));
    }

    /// Threads call any functions on the same handles; afterwards the properties of the mappings are queried.
    fn run_threads(&mut self, draw: &mut Draw) {
        let handles: Vec<i64> = self.known.iter().map(|mapping| mapping.handle).collect();
        let seeds: [u64; 3] = std::array::from_fn(|_| draw.number());
        self.log(|| format!("three threads, of {seeds:x?}"));
        let mut ended: Vec<Scene> = std::thread::scope(|scope| {
            let threads = seeds.map(|seed| {
                let mut thread = self.of_a_thread(handles.clone());
                scope.spawn(move || {
                    let bytes = crate::draw::bytes_of(seed, 12 * RECORD);
                    for record in bytes.chunks(RECORD) {
                        let mut draw = Draw(record);
                        let call = thread.choose(&mut draw);
                        thread.perform(call, &mut draw);
                    }
                    thread
                })
            });
            threads.map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))).into()
        });
        let made: Vec<i64> = ended.iter_mut().flat_map(|thread| thread.shared.take().unwrap_or_default()).collect();
        for thread in ended {
            self.fds.extend(thread.fds);
        }
        self.known.clear();
        let mut all: Vec<i64> = handles.into_iter().chain(made).collect();
        all.sort_unstable();
        all.dedup();
        all.retain(|handle| !self.stale.contains(handle));
        for handle in all {
            if info(handle).is_none() {
                self.stale.push(handle);
                continue;
            }
            let mut mapping = Known::new(handle, false);
            mapping.forget();
            mapping.unforked = true;
            self.known.push(mapping);
        }
    }

    fn of_a_thread(&self, handles: Vec<i64>) -> Scene {
        Scene {
            known: Vec::new(),
            stale: self.stale.clone(),
            shared: Some(handles),
            folder: self.folder.clone(),
            paths: self.paths.clone(),
            shared_names: self.shared_names.clone(),
            names: self.names.clone(),
            fds: Vec::new(),
            bad_fds: [&self.bad_fds[..], &self.fds].concat(),
            room: vec![FILL; BUFFER],
            bytes: self.bytes.clone(),
            in_child: self.in_child,
            trace: false,
        }
    }

    // -- Calls --

    /// Calls that create mappings come first, since others need a mapping.
    fn choose(&self, draw: &mut Draw) -> &'static Call {
        let wanted = draw.below(8);
        let of = |chosen: &dyn Fn(&Call) -> bool| CALLS.iter().filter(|call| chosen(call)).collect::<Vec<_>>();
        let live = self.live().len();
        draw.pick(&match wanted {
            0 | 1 if live < MANY => of(&|call| call.results == ResultKind::Handle),
            2..=6 => of(&|call| call.takes.contains(&ArgumentKind::Handle)),
            _ if live < MANY => of(&|_| true),
            _ => of(&|call| call.name == "munmap_wrap"),
        })
    }

    fn live(&self) -> Vec<i64> {
        self.shared.clone().unwrap_or_else(|| self.known.iter().map(|mapping| mapping.handle).collect())
    }

    fn alone(&self) -> bool {
        self.shared.is_none()
    }

    fn of(&self, handle: i64) -> Option<&Known> {
        self.known.iter().find(|mapping| mapping.handle == handle)
    }

    fn perform(&mut self, call: &'static Call, draw: &mut Draw) {
        let mut arguments: Vec<i64> = Vec::new();
        for kind in call.takes {
            let argument = self.argument(*kind, draw, call, &arguments);
            arguments.push(argument);
        }
        let place = self.keep_from_harm(call, &mut arguments, draw);
        if call.name == "mseal_wrap" && !self.in_child {
            return;
        }
        let text = || format!("{}({})", call.name, arguments.iter().map(|a| format!("{a:#x}")).collect::<Vec<_>>().join(", "));
        self.log(text);
        let handle = call.place_of(ArgumentKind::Handle).map(|at| arguments[at]);
        let before = Before::of(self, call, &arguments, handle);
        let starved = (self.alone() && draw.one_in(24)).then(|| Starved::new(draw.below(3)));
        let result = self.result(call, (call.make)(&arguments));
        if let Some(starved) = starved {
            self.log(|| format!("with {} descriptors left", starved.left));
        }
        self.log(|| format!("  = {result}"));
        self.check(call, &arguments, handle, result, &before);
        if self.alone() {
            self.learn(call, &arguments, result);
            self.check_after(call, &arguments, result);
        } else {
            self.remember(call, result);
        }
        if call.takes.contains(&ArgumentKind::Room) {
            self.room.fill(FILL);
        }
        if let Some(place) = place {
            give_back(place, result);
        }
    }

    /// The result, or the code if it was NULL.
    fn result(&self, call: &Call, result: i64) -> i64 {
        match call.results {
            ResultKind::Address if result == 0 => mmap_wrap_last_error_code(),
            ResultKind::Text => {
                assert!(result != 0, "{}: a text is never NULL", call.name);
                0
            }
            ResultKind::Free => 0,
            ResultKind::Int => {
                if result == i64::MIN {
                    mmap_wrap_last_error_code()
                } else {
                    0
                }
            }
            ResultKind::Float => {
                if f64::from_bits(result as u64).is_nan() {
                    mmap_wrap_last_error_code()
                } else {
                    0
                }
            }
            _ => result,
        }
    }

    fn argument(&self, kind: ArgumentKind, draw: &mut Draw, call: &Call, so_far: &[i64]) -> i64 {
        let page = page();
        let mapping = call.place_of(ArgumentKind::Handle).and_then(|at| so_far.get(at)).and_then(|handle| self.of(*handle));
        let length = mapping.map_or(3 * page, |mapping| mapping.length);
        let text = |texts: &[CString], draw: &mut Draw| match draw.below(texts.len() * 2) {
            0 if draw.one_in(2) => 0,
            at => texts[if at < texts.len() { at } else { at % 2 }].as_ptr().expose_provenance() as i64,
        };
        match kind {
            ArgumentKind::Handle | ArgumentKind::OtherHandle => self.handle(draw),
            ArgumentKind::Address => draw.pick(&[0, 0, 0, 1, 4096, -1, -4096, 1 << 46, (1 << 46) + 1]),
            ArgumentKind::NewAddress => draw.pick(&[0, 0, 0, 0, 1, -4096, 1 << 46]),
            ArgumentKind::Length | ArgumentKind::FileSize => match draw.below(8) {
                0..=3 => 1 + i64::from(draw.byte()) * 130,
                4 => page * i64::from(draw.byte() % 8),
                _ => draw.around(length, page),
            },
            ArgumentKind::NewLength => match draw.below(8) {
                0..=3 => 1 + i64::from(draw.byte()) * 130,
                4 => length,
                _ => draw.around(length, page),
            },
            ArgumentKind::Protection => draw.bits(&[3, 3, 3, 3, 1, 0, 2, 7, 5], bits(Group::Protection)),
            ArgumentKind::MapFlags => {
                let anonymous = if ["mmap_wrap", "mmap_aligned_wrap"].contains(&call.name) { MAP_ANONYMOUS } else { 0 };
                let usual = [MAP_PRIVATE, MAP_SHARED, MAP_SHARED | KEEP, MAP_PRIVATE | KEEP, MAP_SHARED_VALIDATE, KEEP];
                let fixed = [MAP_FIXED, MAP_FIXED_NOREPLACE, MAP_FIXED];
                let fixed = draw.pick(&fixed);
                let more = draw.pick(&[0, anonymous, anonymous, anonymous, anonymous | fixed]);
                draw.bits(&usual, bits(Group::MapFlag)) | more
            }
            ArgumentKind::Fd => match draw.below(4) {
                0 => -1,
                1 => draw.pick(&self.bad_fds).into(),
                2 if draw.one_in(4) => draw.pick(&[1 << 40, i64::MIN, i64::MAX]),
                _ => draw.pick(if self.fds.is_empty() { &self.bad_fds } else { &self.fds }).into(),
            },
            ArgumentKind::FileOffset => match draw.below(4) {
                0..=1 => 0,
                2 => draw.pick(&[page, 1, 100, page + 1, 2 * page]),
                _ => draw.around(12_388, page),
            },
            ArgumentKind::Path => text(&self.paths, draw),
            ArgumentKind::SharedName => text(&self.shared_names, draw),
            ArgumentKind::Name => text(&self.names, draw),
            ArgumentKind::ConstantName => text(&self.names, draw),
            ArgumentKind::OpenFlags => {
                draw.bits(&[O_RDWR, O_RDWR | O_CREAT, O_RDWR | O_CREAT, O_RDONLY, O_RDWR | O_TMPFILE], bits(Group::OpenFlag))
            }
            ArgumentKind::Mode => draw.pick(&[0o600, 0o600, 0o644, 0, 0o7777, 0o10000, -1, i64::MIN, i64::MAX]),
            ArgumentKind::MemfdFlags => draw.bits(&[0, MFD_ALLOW_SEALING, MFD_CLOEXEC], bits(Group::MemfdFlag)),
            ArgumentKind::Seals => draw.bits(&[F_SEAL_SHRINK, F_SEAL_GROW, F_SEAL_SEAL, F_SEAL_WRITE, 0], bits(Group::Seal)),
            ArgumentKind::Advice => self.advice(draw),
            ArgumentKind::SyncFlags => draw.bits(&[MS_SYNC, MS_ASYNC, MS_ASYNC | MS_INVALIDATE, 0], bits(Group::SyncFlag)),
            ArgumentKind::RemapFlags => {
                let usual = [MREMAP_MAYMOVE, MREMAP_MAYMOVE, 0, MREMAP_MAYMOVE | MREMAP_FIXED, MREMAP_MAYMOVE | MREMAP_DONTUNMAP];
                draw.bits(&usual, bits(Group::RemapFlag))
            }
            ArgumentKind::YesNo => draw.pick(&[0, 1, 0, 1, 2, -1, i64::MIN]),
            ArgumentKind::Offset | ArgumentKind::Start => draw.around(length, page),
            ArgumentKind::Size => {
                let offset = *so_far.last().unwrap_or(&0);
                draw.around(length.checked_sub(offset).filter(|_| (0..=length).contains(&offset)).unwrap_or(length), page)
            }
            ArgumentKind::End => draw.around(length, page),
            ArgumentKind::Room if draw.one_in(12) => 0,
            ArgumentKind::Room => self.room.as_ptr().expose_provenance() as i64,
            ArgumentKind::Bytes if draw.one_in(12) => 0,
            ArgumentKind::Bytes => self.bytes.as_ptr().expose_provenance() as i64 + draw.below(7) as i64,
            ArgumentKind::BufferSize => {
                let left = if call.place_of(ArgumentKind::Start).is_some() { 7 } else { length - so_far[1].clamp(0, length) };
                self.buffer_size(draw.around(left, page), *so_far.last().unwrap_or(&0))
            }
            ArgumentKind::Byte => draw.pick(&[0, 1, 7, 255, 42, 0x55, 256, -1, i64::MIN, i64::MAX]),
            ArgumentKind::FactsSize => {
                self.buffer_size(draw.pick(&[112, 112, 8, 16, 120, 0, 7, 111, -8, REST, i64::MAX]), so_far[1])
            }
            ArgumentKind::Count => match (draw.pick(&[0, 1, 3, 100, -1, REST, i64::MAX, i64::MAX / 8]), so_far[0]) {
                (101.., at) if at != 0 => 100,
                (count, _) => count,
            },
            ArgumentKind::Index => draw.around(crate::abi::mmap_wrap_constant_count(), page),
            ArgumentKind::Element => {
                draw.pick(&[0x11, 0x01, 0x12, 0x02, 0x14, 0x04, 0x18, 0x08, 0x24, 0x28]) | draw.bits(&[0, 0, 0x100], 0xFFF)
            }
            ArgumentKind::Bits => draw.pick(&[32, 64, 32, 64, 32, 64, 0, 8, 33, 128, -32, i64::MIN, i64::MAX]),
            ArgumentKind::Value => {
                draw.pick(&[0, 1, -1, 7, i64::from(i32::MIN), i64::from(u32::MAX), 1 << 32, i64::MIN, i64::MAX])
            }
            ArgumentKind::Double => {
                let doubles = [0.0, -1.5, 1e300, f64::MIN_POSITIVE, f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
                draw.pick(&doubles.map(|double| double.to_bits() as i64))
            }
            // Never indefinitely.
            ArgumentKind::Timeout => draw.pick(&[0, 1, 1000, 50_000, -1, i64::MIN + 1]),
            ArgumentKind::WakeCount => draw.pick(&[0, 1, 100, REST, -1, i64::MAX, i64::MIN + 1]),
            ArgumentKind::LockFlags => draw.bits(&[0, 0, MLOCK_ONFAULT], MLOCK_ONFAULT),
            ArgumentKind::RoomSize => self.buffer_size(draw.around(rounded(length) / page, 4), *so_far.last().unwrap_or(&0)),
            ArgumentKind::Alignment => {
                draw.pick(&[1, page, 2 * page, 1 << 21, 1 << 30, 0, 3, -1, 1 << 47, 1 << 62, i64::MIN, i64::MAX])
            }
            ArgumentKind::NodeMode => draw.pick(&[0, 1, 2, 3, 4, 5, 6, 7, -1, 1 << 15, i64::MIN, i64::MAX]),
            ArgumentKind::Nodes if draw.one_in(4) => 0,
            ArgumentKind::Nodes => self.room.as_ptr().expose_provenance().next_multiple_of(8) as i64,
            ArgumentKind::NodeWords => match draw.pick(&[0, 1, 2, 16, -1, REST, i64::MAX, i64::MAX / 8]) {
                words @ 17.. if *so_far.last().unwrap_or(&0) != 0 => words.min(16),
                words => words,
            },
            ArgumentKind::NodeFlags => draw.bits(&[0, 0, 1, 2], 7),
            ArgumentKind::Code => draw.pick(&[0, -1, -2, -4095, -4096, -4097, -4106, -5000, 1, i64::MIN, i64::MAX]),
        }
    }

    /// At most the size of the buffer; more only with NULL, which the library must check before the size.
    fn buffer_size(&self, size: i64, at: i64) -> i64 {
        if at == 0 { size } else { size.min(BUFFER as i64 - 8) }
    }

    fn handle(&self, draw: &mut Draw) -> i64 {
        let live = self.live();
        let some = |of: &[i64], draw: &mut Draw| if of.is_empty() { 0 } else { draw.pick(of) };
        match draw.below(20) {
            0 | 1 => some(&self.stale, draw),
            2 => some(&live, draw).wrapping_neg(),
            3 => some(&live, draw) | 1 << 62,
            4 => draw.pick(&[0, 1, -1, 77, i64::MAX, i64::MIN, MMAP_WRAP_E_HANDLE, 1 << 30]),
            _ => some(&live, draw),
        }
    }

    fn advice(&self, draw: &mut Draw) -> i64 {
        // These two remove hardware pages from the whole machine.
        let harmful = ["MADV_HWPOISON", "MADV_SOFT_OFFLINE"];
        let known: Vec<i64> = CONSTANTS
            .iter()
            .filter(|constant| matches!(constant.group, Group::Advice | Group::Discarding) && !harmful.contains(&constant.name))
            .filter_map(|constant| constant.value)
            .collect();
        if draw.one_in(10) { draw.pick(&[-1, 255, 256, 12_345, i64::MIN, i64::MAX]) } else { draw.pick(&known) }
    }

    /// Replaces arguments that callers must not pass or that need too much memory. Returns the address range reserved for a
    /// mapping.
    fn keep_from_harm(&self, call: &Call, a: &mut [i64], draw: &mut Draw) -> Option<(i64, i64)> {
        // Without other threads, a long mapping is unmapped before any access.
        let lengths = [ArgumentKind::Length, ArgumentKind::NewLength]
            .into_iter()
            .filter_map(|kind| call.place_of(kind))
            .filter(|_| !self.alone());
        lengths.for_each(|at| a[at] = if (LONG..1 << 60).contains(&a[at]) { LONG } else { a[at] });
        let length = call.place_of(ArgumentKind::Length).map_or(0, |at| a[at]);
        if let Some(at) = call.place_of(ArgumentKind::MapFlags) {
            if length > LONG || length == REST {
                a[at] &= !(MAP_POPULATE | MAP_LOCKED);
            }
            // MAP_FIXED replaces what is mapped there: only at an address that was reserved for it.
            if a[at] & MAP_FIXED != 0 && call.name == "mmap_wrap" {
                a[at] &= !MAP_HUGETLB;
                if !self.alone() || !(1..=LONG).contains(&length) {
                    a[at] &= !MAP_FIXED;
                } else {
                    let size = rounded(length);
                    a[0] = reserve(size);
                    let place = Some((a[0], size));
                    a[0] += i64::from(draw.one_in(8));
                    return place;
                }
            }
        }
        if call.name == "mmap_secret_wrap" && (LONG..1 << 60).contains(&a[0]) {
            a[0] = LONG;
        }
        if call.name == "mremap_wrap" {
            let mapping = self.of(a[0]);
            let locked = mapping.is_none_or(|mapping| mapping.flags & MAP_LOCKED != 0 || mapping.kept);
            if (LONG..).contains(&a[1]) && locked {
                a[1] = LONG;
            }
            if a[2] & MREMAP_FIXED != 0 {
                let Some(mapping) = mapping.filter(|_| self.alone() && (1..=LONG).contains(&a[1])) else {
                    a[2] &= !MREMAP_FIXED;
                    return None;
                };
                // Including the bytes before the first byte on its page.
                let size = rounded(a[1].max(mapping.length)) + page();
                a[3] = reserve(size);
                let place = (a[3], size);
                a[3] += i64::from(draw.one_in(8));
                return Some(place);
            }
        }
        None
    }

    // -- Checks --

    fn check(&self, call: &Call, a: &[i64], handle: Option<i64>, result: i64, before: &Before) {
        let what = || {
            // SAFETY: never NULL, and valid until this thread's next message.
            let text = unsafe { CStr::from_ptr(mmap_wrap_last_error_message()) }.to_string_lossy().into_owned();
            let on = handle.and_then(|handle| self.of(handle)).map(|known| Known { bytes: None, ..known.clone() });
            format!("{}({a:x?}) = {result}, '{text}'; on {on:?}", call.name)
        };
        if result < 0 {
            let known = (-4095..0).contains(&result) || mmap_wrap::internals::error::describe(result).is_some();
            assert!(known && result != MMAP_WRAP_E_INTERNAL, "not a code that a call may return: {}", what());
            assert_eq!(mmap_wrap_last_error_code(), result, "the last error is another: {}", what());
            // SAFETY: as above.
            let text = unsafe { CStr::from_ptr(mmap_wrap_last_error_message()) }.to_bytes();
            let message = text.strip_prefix(call.name.as_bytes()).and_then(|rest| rest.strip_prefix(b": "));
            assert!(message.is_some_and(|why| !why.is_empty()), "the message does not name its call: {}", what());
        }
        if let Some(expected) = self.expected(call, a, handle) {
            assert!(expected.agrees(result), "{expected:?} was expected of {}", what());
        }
        if self.alone() && result < 0 {
            before.check(self, handle, &what);
        }
    }

    fn expected(&self, call: &Call, a: &[i64], handle: Option<i64>) -> Option<Expected> {
        let handle = handle?;
        if self.stale.contains(&handle) {
            return Some(match call.name {
                "munmap_wrap" => Expected { result: Some(0), ..Expected::default() },
                _ => failure(MMAP_WRAP_E_UNMAPPED),
            });
        }
        if handle < 1 << 31 || handle >> 62 != 0 {
            return Some(failure(MMAP_WRAP_E_HANDLE));
        }
        let mapping = self.of(handle)?;
        let mut expected = mapping.expects(call.name, a);
        let asks_only = ["mmap_wrap_length", "mmap_wrap_address", "mmap_wrap_release", "mmap_wrap_info", "mmap_wrap_loss_flag"];
        if mapping.surviving && !asks_only.contains(&call.name) {
            expected.allowed.push(MMAP_WRAP_E_FAULT);
            if !expected.errors.is_empty() {
                expected.errors.push(MMAP_WRAP_E_FAULT);
            }
        }
        // Where the kernel does the copy, it needs descriptors.
        expected.system |= !mapping.sound || !mapping.open;
        Some(expected)
    }

    fn check_after(&self, call: &Call, a: &[i64], result: i64) {
        assert_eq!(mmap_wrap_list(std::ptr::null_mut(), 0), self.known.len() as i64, "live mappings after {}", call.name);
        if let Some(mapping) = call.place_of(ArgumentKind::Handle).and_then(|at| self.of(a[at])) {
            let info = info(mapping.handle).expect("a handle that is live");
            assert_eq!(info.length, mapping.length, "length after {}", call.name);
            assert_eq!(info.acquired, mapping.acquired, "acquired addresses after {}", call.name);
            assert_eq!(info.keeps_file != 0, mapping.kept, "kept file after {}", call.name);
            assert!(info.mapped >= info.length && info.mapped % info.page_size == 0, "whole pages after {}", call.name);
        }
        if ["mmap_wrap_write", "mmap_wrap_fill", "mmap_wrap_move", "mremap_wrap", "mmap_wrap_split"].contains(&call.name) {
            self.known.iter().filter(|mapping| [a[0], result].contains(&mapping.handle)).for_each(check_bytes);
        }
        let written = match (call.name, result) {
            ("mmap_wrap_read", 0..) => result,
            ("mmap_wrap_info", 0) => a[2].min(112),
            ("cachestat_wrap" | "mmap_wrap_fd_cachestat", 0) => a[2].min(40),
            ("mincore_wrap", 0..) => result,
            ("mmap_wrap_get", 0) => 8,
            (name, 0..) if name.starts_with("mmap_wrap_atomic") => 8,
            ("mmap_wrap_list", 0..) => a[1].min(result) * 8,
            ("mmap_wrap_constant", 0) => 8,
            // Bytes before a fault were changed.
            ("mmap_wrap_read", _) => i64::MAX,
            _ => 0,
        };
        if !call.takes.contains(&ArgumentKind::Room) {
            return;
        }
        let rest = self.room.get(in_memory(written)..).unwrap_or_default();
        assert!(rest.iter().all(|byte| *byte == FILL), "{} wrote beyond its {written} bytes", call.name);
    }

    // -- Updating the model --

    fn remember(&mut self, call: &Call, result: i64) {
        match (call.results, &mut self.shared) {
            (ResultKind::Handle, Some(handles)) if result > 0 => handles.push(result),
            (ResultKind::Descriptor, _) if result >= 0 => self.fds.push(result as i32),
            _ => {}
        }
    }

    fn learn(&mut self, call: &Call, a: &[i64], result: i64) {
        let handle = call.place_of(ArgumentKind::Handle).map_or(0, |at| a[at]);
        let at = self.known.iter().position(|mapping| mapping.handle == handle);
        match at {
            Some(at) => self.learn_of(at, call, a, result),
            None if result > 0 && call.results == ResultKind::Handle => {
                let fresh = ["mmap_memfd_wrap", "mmap_secret_wrap", "mmap_unnamed_wrap"].contains(&call.name);
                self.add(Known::new(result, fresh));
            }
            None => {}
        }
    }

    fn add(&mut self, mapping: Known) {
        let new = mapping.handle;
        assert!(self.of(new).is_none() && !self.stale.contains(&new), "handle {new:#x} was given out twice");
        self.known.push(mapping);
        self.drop_long(new);
    }

    fn drop_long(&mut self, handle: i64) {
        if self.of(handle).is_some_and(|mapping| mapping.length > LONG && mapping.acquired == 0 && !mapping.sealed) {
            self.unmap(handle);
        }
    }

    fn learn_of(&mut self, at: usize, call: &Call, a: &[i64], result: i64) {
        let page = page();
        let mapping = &mut self.known[at];
        let done = result >= 0;
        match call.name {
            "munmap_wrap" if result == 1 || result == MMAP_WRAP_E_FAULT => {
                let gone = self.known.swap_remove(at);
                self.stale.push(gone.handle);
            }
            "mmap_wrap_acquire" if done => mapping.acquired += 1,
            "mmap_wrap_release" if done => mapping.acquired -= 1,
            "mmap_wrap_survive" if done => mapping.surviving |= a[1] != 0,
            "mmap_wrap_read" if done => {
                if let Some(bytes) = &mapping.bytes {
                    let (from, size) = (in_memory(a[1]), in_memory(result));
                    assert!(self.room[..size] == bytes[from..from + size], "{size} bytes from {from} are not those written");
                }
            }
            "mmap_wrap_write" | "mmap_wrap_fill" | "mmap_wrap_move" if result == MMAP_WRAP_E_FAULT => mapping.bytes = None,
            "mmap_wrap_write" | "mmap_wrap_fill" | "mmap_wrap_move" if done => {
                if let Some(bytes) = &mut mapping.bytes {
                    let (to, size) = (in_memory(a[1]), in_memory(result));
                    match call.name {
                        "mmap_wrap_write" => bytes[to..to + size].copy_from_slice(bytes_at(a[2], a[3])),
                        "mmap_wrap_fill" => bytes[to..to + size].fill(a[2] as u8),
                        _ => bytes.copy_within(in_memory(a[2])..in_memory(a[2]) + size, to),
                    }
                }
            }
            "mprotect_wrap" if mapping.span(a[2], a[3]) != Some(0) => {
                let allows = a[1] & PROT_READ != 0 && a[1] & PROT_WRITE != 0;
                let whole = done && mapping.covers_all(a[2], a[3]);
                mapping.open = allows && (mapping.open || whole);
                mapping.pristine = false;
            }
            "mmap_wrap_guard" => mapping.forget(),
            // What these write is compared in their own tests.
            "mmap_wrap_copy" | "mmap_wrap_put" | "mmap_wrap_put_int" | "mmap_wrap_put_float" => mapping.bytes = None,
            name if name.starts_with("mmap_wrap_atomic") && name != "mmap_wrap_atomic_load" => mapping.bytes = None,
            "mmap_wrap_mutex_lock" | "mmap_wrap_mutex_unlock" | "mmap_wrap_mutex_abandon" => mapping.bytes = None,
            "madvise_wrap" => {
                let discards = !CONSTANTS.iter().any(|known| known.value == Some(a[1]) && known.group == Group::Advice);
                mapping.unforked |= a[1] == MADV_DONTFORK;
                if discards && a[1] == MADV_GUARD_INSTALL {
                    mapping.forget();
                } else if discards {
                    mapping.bytes = None;
                }
            }
            "mseal_wrap" if done && mapping.span(a[1], a[2]) != Some(0) => mapping.sealed = true,
            "mmap_wrap_dup_fd" if done => {
                // A caller can truncate the file by the descriptor.
                self.known.iter_mut().filter(|mapping| mapping.kept).for_each(Known::forget);
                self.fds.push(result as i32);
            }
            "mmap_wrap_split" if done => {
                let mut tail = mapping.clone();
                tail.handle = result;
                tail.length = mapping.length - a[1];
                tail.offset = mapping.offset + a[1];
                tail.bytes = mapping.bytes.as_mut().map(|bytes| bytes.split_off(in_memory(a[1])));
                mapping.length = a[1];
                if mapping.kept {
                    mapping.forget();
                    tail.forget();
                }
                self.add(tail);
            }
            "mremap_wrap" if done && result == mapping.handle => {
                let length = info(result).map_or(0, |info| info.length);
                assert!(a[1] == REST || a[1] == length, "{length} bytes after mremap_wrap to {}", a[1]);
                if let Some(bytes) = &mut mapping.bytes {
                    bytes.resize(in_memory(rounded(length).min(LONG + page)), 0);
                }
                mapping.length = length;
                if mapping.kept || length > LONG {
                    mapping.forget();
                }
                self.drop_long(result);
            }
            "mremap_wrap" if done => {
                let mut moved = mapping.clone();
                moved.handle = result;
                match &mut mapping.bytes {
                    Some(bytes) if mapping.flags & MAP_TYPE == MAP_PRIVATE && mapping.flags & MAP_ANONYMOUS != 0 => bytes.fill(0),
                    _ => {
                        mapping.forget();
                        moved.forget();
                    }
                }
                self.add(moved);
            }
            _ => {}
        }
    }

    // -- The end --

    fn unmap(&mut self, handle: i64) {
        let result = munmap_wrap(handle);
        let mapping = self.known.iter().position(|mapping| mapping.handle == handle).map(|at| self.known.swap_remove(at));
        let lossy = mapping.is_none_or(|mapping| mapping.surviving);
        assert!(result == 1 || lossy && result == MMAP_WRAP_E_FAULT, "{handle:#x} is unmapped at the end: {result}");
        self.stale.push(handle);
    }

    fn end(&mut self) {
        self.log(|| "the end: all is released and unmapped".to_owned());
        crate::abi::mmap_wrap_trust_handlers(0);
        for mapping in self.known.clone() {
            check_bytes(&mapping);
            for left in (0..mapping.acquired).rev() {
                assert_eq!(crate::abi::mmap_wrap_release(mapping.handle), left);
            }
            if mapping.sealed {
                assert_eq!(munmap_wrap(mapping.handle), MMAP_WRAP_E_SEALED);
            } else {
                self.unmap(mapping.handle);
            }
        }
        for handle in &self.stale {
            assert_eq!(crate::abi::mmap_wrap_length(*handle), MMAP_WRAP_E_UNMAPPED, "{handle:#x} was unmapped");
            assert_eq!(munmap_wrap(*handle), 0);
        }
        for fd in self.fds.drain(..) {
            // SAFETY: this scene's descriptors, which it opened or got from the library.
            assert_eq!(unsafe { libc::close(fd) }, 0);
        }
        // SAFETY: the name ends in NUL.
        unsafe { libc::shm_unlink(self.shared_names[0].as_ptr()) };
        if !self.in_child {
            let _ = std::fs::remove_dir_all(&self.folder);
            let _ = std::fs::create_dir(&self.folder);
        }
    }

    /// Handles that must stay unmapped.
    pub fn into_stale(self) -> Vec<i64> {
        self.stale
    }
}

/// Checks the contents of a mapping.
fn check_bytes(mapping: &Known) {
    let Some(bytes) = mapping.bytes.as_ref().filter(|_| mapping.open && !mapping.surviving) else { return };
    let mut seen = vec![FILL; in_memory(mapping.length)];
    assert_eq!(mmap_wrap_read(mapping.handle, 0, seen.as_mut_ptr().cast(), mapping.length), mapping.length);
    let other = seen.iter().zip(bytes).position(|(seen, expected)| seen != expected);
    assert_eq!(other, None, "a byte of {:#x} is not what was written", mapping.handle);
}

fn reserve(size: i64) -> i64 {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
    // SAFETY: new memory.
    let place = unsafe { libc::mmap(std::ptr::null_mut(), in_memory(size), libc::PROT_NONE, flags, -1, 0) };
    assert!(place != libc::MAP_FAILED, "no place to reserve");
    place.expose_provenance() as i64
}

/// Unmaps what a call left of its reserved addresses.
fn give_back((at, size): (i64, i64), result: i64) {
    let taken = info(result).map_or(0, |info| {
        assert_eq!(info.address / page() * page(), at, "it is not at the given address");
        info.mapped
    });
    if taken < size {
        // SAFETY: the addresses were reserved for this call, and no mapping uses the rest.
        unsafe { libc::munmap(std::ptr::with_exposed_provenance_mut((at + taken) as usize), in_memory(size - taken)) };
    }
}

/// What a failing call must not change.
struct Before {
    info: Option<[i64; 12]>,
    path: Option<(PathBuf, Option<u64>)>,
    free_descriptor: i32,
}

impl Before {
    fn of(scene: &Scene, call: &Call, a: &[i64], handle: Option<i64>) -> Before {
        if !scene.alone() {
            return Before { info: None, path: None, free_descriptor: 0 };
        }
        // O_TRUNC truncates at once, as the header says.
        let cuts = call.place_of(ArgumentKind::OpenFlags).is_none_or(|at| a[at] & O_TRUNC != 0);
        let path = call.place_of(ArgumentKind::Path).filter(|at| !cuts && a[*at] != 0).map(|at| {
            // SAFETY: one of the scene's own paths.
            let path = unsafe { CStr::from_ptr(std::ptr::with_exposed_provenance(a[at] as usize)) };
            let path = PathBuf::from(std::ffi::OsStr::from_bytes(path.to_bytes()));
            let size = std::fs::metadata(&path).ok().map(|file| file.len());
            (path, size)
        });
        Before { info: handle.and_then(unchanged), path, free_descriptor: free_descriptor() }
    }

    fn check(&self, scene: &Scene, handle: Option<i64>, what: &dyn Fn() -> String) {
        assert_eq!(free_descriptor(), self.free_descriptor, "a descriptor is left behind by {}", what());
        if let Some((path, size)) = &self.path {
            let now = std::fs::metadata(path).ok().map(|file| file.len());
            assert_eq!(now, *size, "the size of {} after {}", path.display(), what());
        }
        let unmapped = handle.is_some_and(|handle| scene.stale.contains(&handle));
        let now = handle.and_then(unchanged);
        if !unmapped && now.is_some() {
            assert_eq!(now, self.info, "info changed after {}", what());
        }
    }
}

/// The lowest free descriptor: it changes if a descriptor was left open.
fn free_descriptor() -> i32 {
    // SAFETY: duplicates a standard stream, and closes that again.
    unsafe {
        let free = libc::fcntl(0, libc::F_DUPFD_CLOEXEC, 3);
        libc::close(free);
        free
    }
}

/// Leaves only a few free descriptors, until it is dropped.
struct Starved {
    left: usize,
    usual: libc::rlimit,
}

impl Starved {
    fn new(left: usize) -> Starved {
        let mut usual = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        // SAFETY: reads and sets a limit of this process; the duplicates are closed again.
        unsafe {
            let taken: Vec<i32> = (0..=left).map(|_| libc::fcntl(0, libc::F_DUPFD_CLOEXEC, 3)).collect();
            taken.iter().for_each(|fd| assert_eq!(libc::close(*fd), 0));
            assert_eq!(libc::getrlimit(libc::RLIMIT_NOFILE, &mut usual), 0);
            let few = libc::rlimit { rlim_cur: taken[left] as libc::rlim_t, ..usual };
            assert_eq!(libc::setrlimit(libc::RLIMIT_NOFILE, &few), 0);
        }
        Starved { left, usual }
    }
}

impl Drop for Starved {
    fn drop(&mut self) {
        // SAFETY: restores the limit of this process.
        unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &self.usual) };
    }
}
