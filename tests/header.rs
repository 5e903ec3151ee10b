//! The committed header is what build.rs makes, and declares exactly what the library exports.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;

const FRESH: &str = include_str!(concat!(env!("OUT_DIR"), "/mmap_wrap.h"));
const COMMITTED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/include/mmap_wrap.h");

/// With MMAP_WRAP_RENEW_HEADER set (`make header`) the committed header is written instead of compared.
#[test]
fn the_committed_header_is_current() {
    if std::env::var_os("MMAP_WRAP_RENEW_HEADER").is_some() {
        std::fs::write(COMMITTED, FRESH).unwrap();
    }
    let committed = std::fs::read_to_string(COMMITTED).unwrap();
    assert!(committed == FRESH, "include/mmap_wrap.h is stale: run `make header` and commit it");
}

#[test]
fn the_library_exports_what_the_header_declares_and_nothing_else() {
    let declared: BTreeSet<String> = FRESH
        .lines()
        .filter(|line| line.ends_with(");") && !line.starts_with([' ', '/', '#']))
        .filter_map(|line| line.split_once('(')?.0.rsplit([' ', '*']).next().map(str::to_owned))
        .collect();
    assert!(declared.contains("mmap_wrap") && declared.contains("mmap_wrap_PROT_READ") && declared.len() > 150);

    let output = Command::new("nm").args(["--dynamic", "--defined-only", "--format=posix"]).arg(library()).output().unwrap();
    assert!(output.status.success(), "nm: {}", String::from_utf8_lossy(&output.stderr));
    let listed = String::from_utf8(output.stdout).unwrap();
    let exported: BTreeSet<String> = listed.lines().filter_map(|line| line.split(' ').next().map(str::to_owned)).collect();

    assert_eq!(declared.difference(&exported).collect::<Vec<_>>(), [""; 0], "declared, not exported");
    assert_eq!(exported.difference(&declared).collect::<Vec<_>>(), [""; 0], "exported, not declared");
}

#[test]
fn every_declaration_is_documented() {
    let lines: Vec<&str> = FRESH.lines().collect();
    let bare: Vec<_> = lines
        .windows(2)
        .filter(|pair| pair[1].ends_with(';') && !pair[1].starts_with([' ', '/']))
        .filter(|pair| !pair[0].ends_with("*/"))
        .collect();
    assert!(bare.is_empty(), "{bare:?}");
}

/// The shared library that cargo built beside this test. (`cargo test` leaves it here only, not one folder up.)
fn library() -> PathBuf {
    let program = std::env::current_exe().unwrap();
    program.parent().unwrap().join("libmmap_wrap.so")
}
