//! Writes a getter for each constant to OUT_DIR, and links the library to its soname.
//!
//! tests/header.rs generates the C header, which is committed, so that programs that use the crate need no cbindgen.

use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs};

#[allow(dead_code)]
#[path = "src/constants.rs"]
mod constants;

/// The ABI number: one digit, in the soname, the header and mmap_wrap_abi_version().
const ABI_VERSION: u8 = 2;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=src/constants.rs");
    println!("cargo:rustc-env=MMAP_WRAP_ABI_VERSION={ABI_VERSION}");

    let out = env::var("OUT_DIR").expect("cargo sets OUT_DIR");
    fs::write(Path::new(&out).join("getters.rs"), getters()).expect("OUT_DIR can be written");

    let os = env::var("CARGO_CFG_TARGET_OS").expect("cargo sets it");
    // Systems that have most of their calls in common.
    match os.as_str() {
        // With RUSTFLAGS="--cfg plain_posix" tests run what all POSIX systems share, on Linux.
        "linux" | "android" if env::var_os("CARGO_CFG_PLAIN_POSIX").is_none() => println!("cargo:rustc-cfg=linux_kernel"),
        "freebsd" | "netbsd" | "openbsd" => println!("cargo:rustc-cfg=bsd"),
        _ => {}
    }
    // The loops of src/guarded/arch need the layout of the registers in a signal's context: src/guarded/arch/registers.rs.
    match env::var("CARGO_CFG_TARGET_ARCH").expect("cargo sets it").as_str() {
        "x86_64" => println!("cargo:rustc-cfg=loops"),
        "aarch64" if matches!(os.as_str(), "linux" | "android" | "macos" | "freebsd") => println!("cargo:rustc-cfg=loops"),
        _ => {}
    }
    if matches!(os.as_str(), "linux" | "android" | "freebsd" | "netbsd" | "openbsd") {
        println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libmmap_wrap.so.{ABI_VERSION}");
        // After unloading, other threads and signal handlers would execute unmapped code.
        println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
        name_for_the_loader(Path::new(&out));
    }
}

/// Links the soname to the library in cargo's output directory: programs are linked with the plain name, and load the soname
/// when they start. Builds with another directory layout have no link, nor have Rust programs that use this crate from a
/// registry, for which cargo puts the library elsewhere.
fn name_for_the_loader(out: &Path) {
    if Path::new(".cargo-ok").exists() {
        return;
    }
    // OUT_DIR is build/NAME/out below the folder of the profile.
    if let Some(folder) = out.ancestors().nth(3) {
        let name = folder.join(format!("libmmap_wrap.so.{ABI_VERSION}"));
        let _ = fs::remove_file(&name);
        #[cfg(unix)]
        let _ = std::os::unix::fs::symlink("libmmap_wrap.so", name);
    }
}

/// `mmap_wrap_NAME()` for each name of the list.
fn getters() -> String {
    let mut text = String::new();
    for constants::Constant { name, meaning, group, value, .. } in constants::CONSTANTS {
        let value = match (*name, group, value) {
            ("MAP_FAILED", ..) => "-1".to_owned(),
            (_, constants::Group::Library, Some(value)) => value.to_string(),
            (name, ..) => format!("crate::constants::{name}"),
        };
        write!(
            text,
            "/// {name}: {meaning}.\n#[unsafe(no_mangle)]\npub extern \"C\" fn mmap_wrap_{name}() -> i64 {{\n    {value}\n}}\n\n"
        )
        .expect("a String takes any text");
    }
    text
}
