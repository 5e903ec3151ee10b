//! Writes what is made from other files: a getter for each constant, and the C header.
//!
//! Both go to OUT_DIR; include/mmap_wrap.h is the committed copy, which `make header` renews and a test compares.

use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs};

#[allow(dead_code)]
#[path = "src/constants.rs"]
mod constants;

/// The number of the binary interface: one digit, in the soname, the header and mmap_wrap_abi_version().
const ABI_VERSION: u8 = 1;

/// The topics of the header in its order, and the file that holds each. `{out}` stands for OUT_DIR.
const TOPICS: &[&[&str]] = &[
    &["src/ffi/version.rs"],
    &["src/ffi/error.rs", "src/error.rs"],
    &["src/ffi/map.rs"],
    &["src/ffi/open.rs"],
    &["src/ffi/pages.rs"],
    &["src/ffi/resize.rs"],
    &["src/ffi/hardening.rs"],
    &["src/ffi/address.rs"],
    &["src/ffi/access.rs"],
    &["src/ffi/elements.rs", "src/mapping/kind.rs"],
    &["src/ffi/sharing.rs"],
    &["src/ffi/mutex.rs"],
    &["src/ffi/faults.rs"],
    &["src/ffi/presence.rs"],
    &["src/ffi/huge.rs"],
    &["src/ffi/facts.rs"],
    &["src/ffi/python.rs"],
    &["src/ffi/constants.rs", "{out}/getters.rs"],
];

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=cbindgen.toml");
    println!("cargo:rerun-if-changed=src");
    println!("cargo:rustc-env=MMAP_WRAP_ABI_VERSION={ABI_VERSION}");

    let out = env::var("OUT_DIR").expect("cargo sets OUT_DIR");
    fs::write(Path::new(&out).join("getters.rs"), getters()).expect("OUT_DIR can be written");
    fs::write(Path::new(&out).join("mmap_wrap.h"), header(&out)).expect("OUT_DIR can be written");

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

fn header(out: &str) -> String {
    let config = cbindgen::Config::from_file("cbindgen.toml").expect("cbindgen.toml is valid");
    let mut text = PREAMBLE.replace("{abi}", &ABI_VERSION.to_string());
    for files in TOPICS {
        let files: Vec<String> = files.iter().map(|file| file.replace("{out}", out)).collect();
        let source = fs::read_to_string(&files[0]).expect("each topic is a file");
        let about: Vec<&str> =
            source.lines().map_while(|line| line.strip_prefix("//!")).map(|line| line.trim_start_matches(' ')).collect();
        let (title, about) = about.split_first().expect("each topic begins with its title");
        write!(text, "\n/*\n * == {title} ==\n").expect("a String takes any text");
        for line in about {
            text += format!(" * {line}").trim_end();
            text += "\n";
        }
        text += " */\n\n";

        let builder =
            files.iter().fold(cbindgen::Builder::new().with_config(config.clone()), |builder, file| builder.with_src(file));
        let mut declarations = Vec::new();
        builder.generate().expect("the exported functions have C types").write(&mut declarations);
        text += &tidy(String::from_utf8(declarations).expect("C is text").trim());
    }
    text + POSTAMBLE
}

/// What cbindgen leaves to do: examples lose their Markdown fences and are indented, a comment of one line takes one
/// line, and a negative number gets parentheses.
fn tidy(declarations: &str) -> String {
    let mut text = String::new();
    let mut in_example = false;
    for line in declarations.lines() {
        if line.starts_with(" * ```") {
            in_example = !in_example;
            continue;
        }
        match line.strip_prefix(" * ") {
            Some(code) if in_example => text += &format!(" *     {code}"),
            _ => match line.split_once(" -") {
                Some((define, digits)) if line.starts_with("#define") => text += &format!("{define} (-{digits})"),
                _ => text += line,
            },
        }
        text += "\n";
    }
    // Members of a struct have a comment of one line each.
    text = text.replace("    /**\n     * ", "    /** ").replace("\n     */\n", " */\n");
    let mut comments = text.split("/**\n").map(|comment| match comment.split_once("\n */\n") {
        Some((only, rest)) if !only.contains('\n') => format!("/**{} */\n{rest}", only.trim_start_matches(" *")),
        _ => format!("/**\n{comment}"),
    });
    let before_the_first = comments.next().unwrap_or_default();
    before_the_first.trim_start_matches("/**\n").to_owned() + &comments.collect::<String>()
}

const PREAMBLE: &str = "\
/*
 * mmap_wrap.h - memory mapping with checked handles, ranges and errors
 *
 * Made by cbindgen from src/ffi/ of mmap-wrap; do not edit. Licence: MIT OR Apache-2.0.
 *
 * Link with -lmmap_wrap. C99 or later, C++ as well. Every function may be called from any thread at any time. None may
 * be called from a signal handler. Indented lines are examples to copy.
 */
#ifndef MMAP_WRAP_H
#define MMAP_WRAP_H

#include <stdint.h>

/* The number of the binary interface that this header describes. */
#define MMAP_WRAP_ABI_VERSION {abi}

#ifdef __cplusplus
extern \"C\" {
#endif
";

const POSTAMBLE: &str = "
#ifdef __cplusplus
}
#endif

#endif /* MMAP_WRAP_H */
";
