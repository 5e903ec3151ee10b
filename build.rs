//! Writes a getter for each constant to OUT_DIR, and names the library as loaders look for it.
//!
//! The C header is made by tests/header.rs, for it is committed: a program that uses the crate needs no cbindgen.

use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs};

#[allow(dead_code)]
#[path = "src/constants.rs"]
mod constants;

/// The number of the binary interface: one digit, in the soname, the header and mmap_wrap_abi_version().
const ABI_VERSION: u8 = 2;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=src/constants.rs");
    println!("cargo:rustc-env=MMAP_WRAP_ABI_VERSION={ABI_VERSION}");

    let out = env::var("OUT_DIR").expect("cargo sets OUT_DIR");
    fs::write(Path::new(&out).join("getters.rs"), getters()).expect("OUT_DIR can be written");

    if env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "linux") {
        println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libmmap_wrap.so.{ABI_VERSION}");
        // Unloading would leave other threads, and later signal handlers, in code that is gone.
        println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
        name_for_the_loader(Path::new(&out));
    }
}

/// Leaves the soname beside the library that cargo will put there: programs are linked by the plain name, and ask for this
/// one when they start. A build whose folders lie otherwise does without, and so does a Rust program that has this crate from
/// a registry, where cargo puts the file below.
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
