//! The committed header is what build.rs makes. (That the library exports what it declares is checked by tests/c/run.)

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
fn every_declaration_is_documented() {
    let lines: Vec<&str> = FRESH.lines().collect();
    let bare: Vec<_> = lines
        .windows(2)
        .filter(|pair| pair[1].ends_with(';') && !pair[1].starts_with([' ', '/', '}']))
        .filter(|pair| !pair[0].ends_with("*/"))
        .collect();
    assert!(bare.is_empty(), "{bare:?}");
}
