//! The Rust API, beyond its doc examples.
#![cfg_attr(windows, allow(unused_imports, dead_code, reason = "some of its tests are for other systems"))]

mod common;

use mmap_wrap::*;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

fn kind(error: Error) -> io::ErrorKind {
    io::Error::from(error).kind()
}

#[test]
fn mappings_and_errors_go_to_other_threads() {
    fn is_send_and_sync<T: Send + Sync + 'static>() {}
    is_send_and_sync::<Mapping>();
    is_send_and_sync::<Error>();
    is_send_and_sync::<MapOptions>();
    is_send_and_sync::<Cursor<Arc<Mapping>>>();

    if !common::atomics() {
        return;
    }
    let memory = Arc::new(Mapping::anonymous(4096).unwrap());
    let adders: Vec<_> = (0..4)
        .map(|_| {
            let memory = Arc::clone(&memory);
            std::thread::spawn(move || {
                (0..1000).for_each(|_| assert!(memory.atomic_fetch_add(8, 1_u64).is_ok()));
            })
        })
        .collect();
    adders.into_iter().for_each(|adder| adder.join().unwrap());
    assert_eq!(memory.get::<u64>(8), Ok(4000));
}

/// Compiles a program against the library that this test was linked with; returns its path, or rustc's output.
fn compiled(folder: &Path, program: &str, emit: &str) -> Result<PathBuf, String> {
    let source = folder.join("program.rs");
    std::fs::write(&source, program).unwrap();
    // It is in the same directory as this test.
    let here = std::env::current_exe().unwrap();
    let libraries = here.parent().unwrap();
    let newest = std::fs::read_dir(libraries)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "rlib"))
        .filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("libmmap_wrap"))
        .max_by_key(|path| path.metadata().unwrap().modified().unwrap())
        .expect("the library that this test was linked with");
    let output = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()))
        .args(["--edition", "2024", "--crate-type", "bin", "--emit", emit, "--out-dir"])
        .arg(folder)
        .arg("-L")
        .arg(format!("dependency={}", libraries.display()))
        .arg("--extern")
        .arg(format!("mmap_wrap={}", newest.display()))
        .arg(&source)
        .output()
        .unwrap();
    if output.status.success() { Ok(folder.join("program")) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}

/// Compiles a program that forbids unsafe code.
fn compiled_without_unsafe(body: &str) -> Result<(), String> {
    let folder = tempfile::tempdir().unwrap();
    let program = format!("#![forbid(unsafe_code)]\n#![allow(unused)]\nfn main() {{\n{body}\n}}\n");
    compiled(folder.path(), &program, "metadata").map(drop)
}

/// Whether rustc compiles for the platform of these tests by default. For another platform, these tests are skipped.
fn rustc_is_of_this_platform() -> bool {
    let output =
        Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into())).arg("-vV").output().map(|output| output.stdout);
    let output = String::from_utf8(output.unwrap_or_default()).unwrap();
    let environment = if cfg!(target_env = "musl") { "musl" } else { "gnu" };
    let host = output.lines().find_map(|line| line.strip_prefix("host: ")).unwrap_or_default();
    let same = host.split('-').next() == Some(std::env::consts::ARCH) && host.ends_with(environment);
    if !same {
        println!("skipped: rustc compiles for '{host}', and these tests are for another platform");
    }
    same
}

/// Each block is a program; tests/samples does the same for the other languages.
#[test]
#[cfg(unix)]
fn every_rust_sample_of_the_pages_runs() {
    if !rustc_is_of_this_platform() {
        return;
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut samples = 0;
    for page in ["README.md", "docs/rust.md"] {
        let text = std::fs::read_to_string(root.join(page)).unwrap();
        for block in text.split("\n```rust\n").skip(1) {
            let program = block.split("\n```").next().unwrap();
            let folder = tempfile::tempdir().unwrap();
            std::fs::write(folder.path().join("words.txt"), "one two three\n".repeat(100)).unwrap();
            let program = compiled(folder.path(), program, "link").unwrap_or_else(|said| panic!("{page}: {program}\n{said}"));
            let output = Command::new(program).current_dir(folder.path()).output().unwrap();
            assert!(output.status.success(), "{page}: {}", String::from_utf8_lossy(&output.stderr));
            samples += 1;
        }
    }
    assert!(samples >= 3, "{samples} samples were found");
}

#[test]
#[cfg(unix)]
fn a_program_that_forbids_unsafe_code_cannot_map_over_memory_in_use() {
    if !rustc_is_of_this_platform() {
        return;
    }
    let harmless = "let m = mmap_wrap::Mapping::anonymous(4096).unwrap();\nm.write(0, b\"x\").unwrap();";
    assert_eq!(compiled_without_unsafe(harmless), Ok(()));

    let flags = "PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED";
    let core = "use mmap_wrap::internals::{constants::*, mapping::FileEnd, *};\nlet here = [0_u8; 9000].as_ptr();\n";
    let ways = [
        "let here = [0_u8; 9000].as_mut_ptr();\nmmap_wrap::MapOptions::new().anonymous_fixed(here, 4096);".to_owned(),
        "let file = std::fs::File::open(\"/dev/zero\").unwrap();\nlet here = [0_u8; 9000].as_mut_ptr();\nmmap_wrap::MapOptions::new().map_fixed(here, &file);".to_owned(),
        "let mut m = mmap_wrap::Mapping::anonymous(4096).unwrap();\nm.resize_at(4096, [0_u8; 9000].as_mut_ptr(), mmap_wrap::FileEnd::Stays);".to_owned(),
        "mmap_wrap::Mapping::anonymous(4096).unwrap().as_slice();".to_owned(),
        "mmap_wrap::Mapping::anonymous(4096).unwrap().as_mut_slice();".to_owned(),
        format!("{core}Mapping::from_descriptor(here.addr(), 4096, {flags}, -1, 0);"),
        format!("{core}Mapping::aligned(4096, 4096, {flags}, 7, 0);"),
        format!("{core}Mapping::anonymous(9, 3, 1).unwrap().resize_at(4096, MREMAP_MAYMOVE | MREMAP_FIXED, here.addr(), FileEnd::Stays);"),
        format!("{core}Mapping::anonymous(9, 3, 1).unwrap().move_pages_to(9, MREMAP_MAYMOVE, here.addr(), FileEnd::Stays);"),
        format!("{core}ffi::mapping::mmap_wrap(here.cast_mut().cast(), 4096, {flags}, -1, 0);"),
        format!("{core}ffi::access::mmap_wrap_read(7, 0, here.cast_mut().cast(), 1 << 20);"),
        format!("{core}buffer::Room::from_raw(here.cast_mut(), 1 << 20);"),
        format!("{core}buffer::Bytes::from_raw(here, 1 << 20);"),
        format!("{core}page_cache::cachestat(7, 0, 1);"),
        format!("{core}page_cache::evict(7, 0, 1);"),
        format!("{core}page_cache::readahead(7, 0, 1);"),
    ];
    for way in ways {
        let said = compiled_without_unsafe(&way).expect_err(&way);
        assert!(said.contains("E0133") && said.matches("error").count() < 9, "{way}\n{said}");
    }
}

#[test]
fn every_exported_function_is_unsafe_in_rust() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/ffi");
    let topics = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let exported = |text: String| {
        let lines: Vec<_> =
            text.lines().filter(|line| line.starts_with("pub ") && line.contains("extern \"C\" fn")).map(str::to_owned).collect();
        lines
    };
    let all: Vec<String> =
        topics.filter(|path| path.is_file()).flat_map(|path| exported(std::fs::read_to_string(path).unwrap())).collect();
    assert!(all.len() > 80, "{} functions were found", all.len());
    let safe: Vec<_> = all.iter().filter(|line| !line.starts_with("pub unsafe extern")).collect();
    assert!(safe.is_empty(), "{safe:?}");
}

#[test]
#[cfg(unix)]
fn a_program_that_depends_on_it_builds_nine_crates() {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--locked", "--offline", "--edges", "normal,build", "--prefix", "none", "--format", "{p}"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output();
    let output = match output {
        Ok(output) => output,
        Err(error) => return println!("skipped: there is no cargo where the tests run: {error}"),
    };
    let said = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        return println!("skipped: cargo tree: {}", String::from_utf8_lossy(&output.stderr));
    }
    let crates: std::collections::BTreeSet<_> = said.lines().filter_map(|line| line.split(' ').next()).collect();
    assert!(crates.contains("mmap-wrap") && crates.len() <= 10, "{crates:?}");
}

#[test]
fn every_public_item_has_an_example() {
    let sources = concat!(env!("CARGO_MANIFEST_DIR"), "/src");
    let api = std::fs::read_dir(format!("{sources}/api")).unwrap().map(|entry| entry.unwrap().path());
    let (mut items, mut bare) = (0, Vec::new());
    for path in api {
        let text = std::fs::read_to_string(&path).unwrap();
        let (mut example, mut sealed) = (false, false);
        for line in text.lines() {
            sealed = (sealed && line != "}") || line.ends_with("mod sealed {");
            let code = line.trim_start();
            let is_item =
                code.starts_with("pub ") && !code.contains('$') && code.contains(['(', '{', '=']) && !code.starts_with("pub use");
            match code {
                _ if sealed => {}
                _ if code.starts_with("/// ```") => example = true,
                _ if code.starts_with("///") || code.starts_with("#[") => {}
                _ if is_item => {
                    items += 1;
                    if !std::mem::take(&mut example) {
                        bare.push(format!("{}: {code}", path.display()));
                    }
                }
                _ => example = false,
            }
        }
    }
    assert!(items > 100, "{items} items were found");
    assert!(bare.is_empty(), "{bare:#?}");
}

#[test]
#[cfg(unix)]
fn mremap_to_an_address_needs_the_unsafe_call_below_the_api_too() {
    use mmap_wrap::internals::constants::{MAP_FIXED, MAP_SHARED, MREMAP_FIXED, MREMAP_MAYMOVE, PROT_READ};
    use mmap_wrap::internals::{self, mapping::FileEnd};
    let mut memory = internals::Mapping::anonymous(4096, PROT_READ, MAP_SHARED).unwrap();
    assert!(memory.resize(4096, MREMAP_MAYMOVE | MREMAP_FIXED, FileEnd::Stays).is_err());
    assert!(internals::Mapping::anonymous(4096, PROT_READ, MAP_SHARED | MAP_FIXED).is_err());
    assert!(internals::Mapping::from_path(c"Cargo.toml", 100, PROT_READ, MAP_SHARED | MAP_FIXED, 0).is_err());
    assert!(internals::Mapping::from_unnamed(100, PROT_READ, MAP_SHARED | MAP_FIXED).is_err());
}

#[test]
fn a_range_is_any_range_of_usize() {
    let memory = Mapping::anonymous(10).unwrap();
    memory.write(0, b"0123456789").unwrap();
    let read = |range: (Bound<usize>, Bound<usize>)| memory.read_to_vec(range);
    assert_eq!(memory.read_to_vec(..).unwrap(), b"0123456789");
    assert_eq!(memory.read_to_vec(7..).unwrap(), b"789");
    assert_eq!(memory.read_to_vec(2..=3).unwrap(), b"23");
    assert_eq!(memory.read_to_vec(..=0).unwrap(), b"0");
    assert_eq!(memory.read_to_vec(10..).unwrap(), b"");
    assert_eq!(read((Bound::Excluded(2), Bound::Excluded(5))).unwrap(), b"34");
    let reversed = std::ops::Range { start: 5, end: 4 };
    for range in [
        (Bound::Included(11), Bound::Unbounded),
        (Bound::Included(0), Bound::Included(usize::MAX)),
        (Bound::Included(5), Bound::Excluded(11)),
    ] {
        assert_eq!(read(range).unwrap_err().kind(), ErrorKind::OutOfRange, "{range:?}");
    }
    assert_eq!(memory.read_to_vec(reversed.clone()).unwrap_err().to_string(), "read_to_vec: end 4 lies before start 5");
    assert_eq!(memory.find("x", reversed).unwrap_err().to_string(), "find: end 4 lies before start 5");
    assert_eq!(memory.get::<u64>(usize::MAX).unwrap_err().kind(), ErrorKind::OutOfRange);
}

#[test]
fn errors_have_the_operation_and_the_kind_that_io_has() {
    let folder = tempfile::tempdir().unwrap();
    let missing = Mapping::open(folder.path().join("missing")).unwrap_err();
    assert_eq!((missing.operation(), missing.kind(), missing.raw_os_error()), ("open", ErrorKind::System, Some(libc::ENOENT)));
    assert!(missing.to_string().starts_with("open: open '"), "{missing}");
    assert_eq!(kind(missing), io::ErrorKind::NotFound);
    assert_eq!(kind(Mapping::open(folder.path()).unwrap_err()), io::ErrorKind::IsADirectory);
    assert_eq!(kind(Mapping::open("a\0b").unwrap_err()), io::ErrorKind::InvalidInput);

    let read_only = MapOptions::new().anonymous(100).unwrap();
    let forbidden = read_only.write(7, b"x").unwrap_err();
    assert_eq!((forbidden.kind(), forbidden.fault_offset(), forbidden.bytes_done()), (ErrorKind::Fault, Some(7), Some(0)));
    assert_eq!(kind(forbidden), io::ErrorKind::PermissionDenied);
    assert_eq!(kind(read_only.get::<u8>(100).unwrap_err()), io::ErrorKind::InvalidInput);
    assert_eq!(kind(read_only.atomic_load::<u32>(1).unwrap_err()), io::ErrorKind::InvalidInput);
    assert_eq!(kind(read_only.file().unwrap_err()), io::ErrorKind::InvalidInput);

    let first = Mapping::anonymous(10).unwrap();
    let side = first.copy_from(0, &read_only, 0..11).unwrap_err();
    assert_eq!((side.kind(), side.operation()), (ErrorKind::OutOfRange, "copy_from"));
    assert!(side.to_string().starts_with("copy_from: the mapping copied to: size 11"), "{side}");

    // The io::Error contains it.
    let outer = io::Error::from(side.clone());
    assert_eq!(outer.get_ref().unwrap().downcast_ref::<Error>(), Some(&side));
}

#[test]
#[cfg(unix)]
fn a_truncated_file_is_an_error_in_safe_code() {
    // With a name, since not every user may open an unnamed file by the kernel's link.
    let named = tempfile::NamedTempFile::new().unwrap();
    let file = named.as_file();
    let page = page_size() as u64;
    file.set_len(4 * page).unwrap();
    let mapping = MapOptions::new().write(true).map(file).unwrap();
    file.set_len(page).unwrap();
    let error = mapping.read_to_vec(..).unwrap_err();
    assert_eq!(
        (error.kind(), error.fault_offset(), error.bytes_done()),
        (ErrorKind::Fault, Some(page_size()), Some(page_size()))
    );
    assert_eq!(kind(error), io::ErrorKind::UnexpectedEof);
    let mut all = Vec::new();
    assert_eq!(Cursor::new(&mapping).read_to_end(&mut all).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
}

#[test]
fn a_cursor_is_a_stream_of_the_mapping() {
    let memory = Mapping::anonymous(20).unwrap();
    let mut cursor = Cursor::new(&memory);
    cursor.write_all(b"one\ntwo\n").unwrap();
    assert_eq!(cursor.position(), 8);
    assert_eq!(cursor.write(&[b'x'; 100]).unwrap(), 12, "as many as there is room for");
    assert_eq!(cursor.write(b"x").unwrap(), 0);
    assert_eq!(cursor.write_all(b"x").unwrap_err().kind(), io::ErrorKind::WriteZero);

    assert_eq!(cursor.seek(SeekFrom::End(-12)).unwrap(), 8);
    assert_eq!(cursor.seek(SeekFrom::Current(-4)).unwrap(), 4);
    assert_eq!(cursor.seek(SeekFrom::Current(-5)).unwrap_err().kind(), io::ErrorKind::InvalidInput);
    assert_eq!(cursor.position(), 4, "a seek that failed moved nothing");
    let mut lines = BufReader::new(&mut cursor).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "two");

    cursor.seek(SeekFrom::Start(u64::MAX)).unwrap();
    assert_eq!(cursor.read(&mut [0; 4]).unwrap(), 0, "beyond the end there is nothing to read");
    assert_eq!(cursor.write(b"x").unwrap(), 0);

    let mut all = b"before ".to_vec();
    assert_eq!(Cursor::new(Arc::new(memory)).read_to_end(&mut all).unwrap(), 20);
    assert_eq!(all, b"before one\ntwo\nxxxxxxxxxxxx");
}

#[test]
fn elements_keep_their_bits_in_both_byte_orders() {
    let memory = Mapping::anonymous(64).unwrap();
    macro_rules! both_ways {
        ($($type:ident $value:expr;)*) => {
            $({
                let value: $type = $value;
                memory.put(3, value).unwrap();
                assert_eq!(memory.get::<$type>(3), Ok(value));
                assert_eq!(memory.read_to_vec(3..3 + size_of::<$type>()).unwrap(), value.to_ne_bytes());
                memory.put_le(3, value).unwrap();
                assert_eq!(memory.get_le::<$type>(3), Ok(value));
                assert_eq!(memory.read_to_vec(3..3 + size_of::<$type>()).unwrap(), value.to_le_bytes());
                memory.put_be(3, value).unwrap();
                assert_eq!(memory.get_be::<$type>(3), Ok(value));
                assert_eq!(memory.read_to_vec(3..3 + size_of::<$type>()).unwrap(), value.to_be_bytes());
            })*
        };
    }
    both_ways! {
        u8 200; i8 -100; u16 0xABCD; i16 -12345; u32 0xDEAD_BEEF; i32 i32::MIN; u64 u64::MAX - 1; i64 i64::MIN;
        f32 -1.5e-30; f64 std::f64::consts::PI;
    }
    if !common::atomics() {
        return;
    }
    for word in [0_u32, 1, u32::MAX, 1 << 31] {
        memory.atomic_store(8, word).unwrap();
        assert_eq!(memory.atomic_load::<u32>(8), Ok(word));
        assert_eq!(memory.atomic_swap(8, !word), Ok(word));
        assert_eq!(memory.atomic_compare_exchange(8, !word, 7), Ok(Ok(!word)));
    }
    memory.atomic_store(8, i64::MIN).unwrap();
    assert_eq!(memory.atomic_fetch_add(8, -1_i64), Ok(i64::MIN));
    assert_eq!(memory.atomic_load::<u64>(8), Ok(i64::MAX as u64));
}

#[test]
fn a_waiter_is_woken_by_another_thread() {
    if !common::atomics() {
        return;
    }
    let memory = Mapping::anonymous(64).unwrap();
    if let Err(error) = memory.wake(0, 1) {
        println!("skipped: {error}");
        return;
    }
    std::thread::scope(|scope| {
        let waiter = scope.spawn(|| {
            while memory.atomic_load::<u32>(0).unwrap() == 0 {
                let _ = memory.wait(0, 0, Some(Duration::from_secs(10))).unwrap();
            }
        });
        memory.atomic_store(0, 1_u32).unwrap();
        memory.wake(0, 1).unwrap();
        waiter.join().unwrap();
    });
    let late = memory.wait(0, 1, Some(Duration::from_millis(5))).unwrap_err();
    assert_eq!((late.operation(), kind(late)), ("wait", io::ErrorKind::TimedOut));
}

#[test]
fn a_mutex_at_an_invalid_offset_is_an_error_with_that_offset() {
    let memory = Mapping::anonymous(100).unwrap();
    if let Err(error) = memory.lock_mutex(0, None) {
        return println!("skipped: {error}");
    }
    for offset in [1, 4, 12, 79] {
        let error = memory.lock_mutex(offset, None).unwrap_err();
        let said = format!("lock_mutex: offset {offset} is not on a word boundary: its address must be a multiple of 8 bytes");
        assert_eq!((error.kind(), error.to_string()), (ErrorKind::Misaligned, said));
    }
    let error = memory.lock_mutex(88, None).unwrap_err();
    assert_eq!(error.to_string(), "lock_mutex: size 16 from offset 88 extends beyond 100 byte mapping");
}

#[test]
fn a_mutex_is_released_by_its_guard_and_taken_over_from_a_thread_that_ended() {
    let memory = Mapping::anonymous(64).unwrap();
    let once = Some(Duration::ZERO);
    match memory.lock_mutex(0, once) {
        Ok(guard) => drop(guard),
        Err(error) => return println!("skipped: {error}"),
    }
    std::thread::scope(|scope| {
        let guard = memory.lock_mutex(0, None).unwrap();
        let other = scope.spawn(|| memory.lock_mutex(0, once).map(drop).unwrap_err());
        assert_eq!(kind(other.join().unwrap()), io::ErrorKind::TimedOut);
        assert_eq!(kind(memory.lock_mutex(0, None).unwrap_err()), io::ErrorKind::Deadlock);
        guard.unlock().unwrap();
    });
    std::thread::scope(|scope| scope.spawn(|| std::mem::forget(memory.lock_mutex(0, None).unwrap())).join().unwrap());
    // The kernel ends the thread a moment after it was joined.
    let guard = memory.lock_mutex(0, Some(Duration::from_secs(20))).unwrap();
    assert!(guard.is_taken_over());
}

#[test]
#[cfg(unix)]
fn a_flag_that_this_platform_lacks_is_an_error_with_its_name() {
    if cfg!(target_os = "linux") {
        let error = MapOptions::new().flags(MapFlags::CONCEAL).anonymous(1).unwrap_err();
        assert_eq!(
            (error.kind(), error.to_string().as_str()),
            (ErrorKind::Unsupported, "anonymous: MAP_CONCEAL is not supported here")
        );
    }
    let unknown = MapFlags::from_bits_retain(1 << 31);
    assert_eq!(MapOptions::new().flags(unknown).anonymous(1).unwrap_err().kind(), ErrorKind::InvalidArgument);
    for bytes in [0, 1, page_size(), 3 << 20, usize::MAX] {
        for huge in [MapOptions::new().huge_pages(bytes).anonymous(1), MapOptions::new().huge_pages(bytes).memfd("huge", 1)] {
            assert!(huge.unwrap_err().to_string().ends_with("the size must be a power of two, of more than a page"));
        }
    }
}

#[test]
fn options_open_files_as_their_names_require() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table");
    let write = || MapOptions::new().write(true);
    assert_eq!(kind(write().open(&path).unwrap_err()), io::ErrorKind::NotFound);
    assert_eq!(write().create(true).open(&path).unwrap().len(), 0);
    write().create_new(true).open(&path).unwrap_err();
    let table = write().size(100).open(&path).unwrap();
    table.fill(.., 7).unwrap();
    drop(table);
    assert_eq!(std::fs::read(&path).unwrap(), [7; 100]);
    MapOptions::new().write(true).private().open(&path).unwrap().fill(.., 8).unwrap();
    assert_eq!(MapOptions::new().range(90..).open(&path).unwrap().read_to_vec(..).unwrap(), [7; 10]);
    assert_eq!(kind(MapOptions::new().range(101..).open(&path).unwrap_err()), io::ErrorKind::InvalidInput);
    let backwards = std::ops::Range { start: 9, end: 8 };
    assert_eq!(MapOptions::new().range(backwards).open(&path).unwrap_err().to_string(), "open: end 8 lies before start 9");
    assert_eq!(write().truncate(true).open(&path).unwrap().len(), 0);

    let read_only = std::fs::File::open(&path).unwrap();
    read_only.set_len(1).unwrap_err();
    std::fs::write(&path, "x").unwrap();
    assert_eq!(kind(write().map(&read_only).unwrap_err()), io::ErrorKind::PermissionDenied);
}

#[test]
fn an_option_that_does_not_apply_to_a_call_is_an_error() {
    type Call = fn(&MapOptions, &Path) -> Result<Mapping>;
    let calls: [(&str, Call); 6] = [
        ("open", |options, path| options.open(path)),
        ("map", |options, path| options.map(std::fs::File::open(path).unwrap())),
        ("anonymous", |options, _| options.anonymous(4096)),
        ("memfd", |options, _| options.memfd("name", 4096)),
        ("unnamed", |options, _| options.unnamed(4096)),
        ("secret", |options, _| options.secret(4096)),
    ];
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    std::fs::write(&path, "a file").unwrap();
    let (new, open) = (MapOptions::new, &["open"][..]);
    let options = [
        ("create", open, new().create(true)),
        ("create", open, new().create_new(true)),
        ("truncate", open, new().truncate(true)),
        ("size", open, new().size(4096)),
        ("allocate", open, new().allocate(true)),
        ("range", &["open", "map"], new().range(1..4)),
        ("alignment", &["map", "anonymous"], new().alignment(3)),
        ("sealable", &["memfd"], new().sealable(true)),
        ("private", &["open", "map", "anonymous", "memfd", "unnamed"], new().private()),
        ("flags", &["open", "map", "anonymous", "memfd", "unnamed"], new().flags(MapFlags::LOCKED)),
        ("huge_pages", &["map", "anonymous", "memfd"], new().huge_pages(3)),
    ];
    for (option, fitting, options) in options {
        for (name, call) in calls {
            if !fitting.contains(&name) {
                let error = call(&options, &path).unwrap_err();
                assert_eq!(error.to_string(), format!("{name}: {option} does not apply to this call"));
                assert_eq!(kind(error), io::ErrorKind::InvalidInput);
            } else if let Err(error) = call(&options.clone().hint(0).keep_file(name == "open").mode(0o600), &path) {
                assert!(!error.to_string().contains("does not apply"), "{error}");
            }
        }
    }
    let reserved = Mapping::anonymous(4096).unwrap();
    // SAFETY: nothing is mapped, since the options do not fit.
    let fixed = unsafe { new().size(4096).anonymous_fixed(reserved.as_mut_ptr(), 4096) };
    assert_eq!(fixed.unwrap_err().to_string(), "anonymous_fixed: size does not apply to this call");
}

#[test]
fn resizing_and_splitting_keep_the_length_that_is_reported() {
    let page = page_size();
    let mut memory = MapOptions::new().write(true).unnamed(4 * page).unwrap();
    memory.put(3 * page, 7_u8).unwrap();
    let tail = memory.split_off(2 * page).unwrap();
    assert_eq!((memory.len(), tail.len(), tail.get::<u8>(page)), (2 * page, 2 * page, Ok(7)));
    assert!(memory.resize(0, FileEnd::Stays).is_err());
    assert_eq!((memory.len(), memory.info().unwrap().len), (2 * page, 2 * page), "a resize that failed changed nothing");
    memory.resize(100, FileEnd::Stays).unwrap();
    assert_eq!((memory.len(), memory.info().unwrap().len), (100, 100));
    assert!(memory.get::<u8>(100).is_err());
}

#[test]
#[cfg(unix)]
fn a_page_lost_by_address_is_reported_once() {
    if !common::faults_have_addresses() {
        return;
    }
    let file = tempfile::tempfile().unwrap();
    file.set_len(2 * page_size() as u64).unwrap();
    let mapping = MapOptions::new().write(true).map(&file).unwrap();
    if let Err(error) = mapping.survive(true) {
        println!("skipped: {error}");
        return;
    }
    file.set_len(0).unwrap();
    // SAFETY: the address is mapped, and the mapping survives the truncation of its file.
    assert_eq!(unsafe { mapping.as_ptr().add(page_size()).read_volatile() }, 0);
    assert!(mapping.info().unwrap().lost);
    assert_eq!(mapping.get::<u8>(page_size()).unwrap_err().kind(), ErrorKind::Lost);
    assert_eq!(mapping.get::<u8>(page_size()), Ok(0));
}
