//! The committed header is what cbindgen makes of src/ffi/. (That the library exports what it declares is checked by
//! scripts/abi.)

use std::fmt::Write as _;
use std::fs;

/// The number of the binary interface, which build.rs has.
const ABI_VERSION: &str = env!("MMAP_WRAP_ABI_VERSION");
const COMMITTED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/include/mmap_wrap.h");

/// With MMAP_WRAP_RENEW_HEADER set (`make header`) the committed header is written instead of compared.
#[test]
fn the_committed_header_is_current() {
    let fresh = header();
    if std::env::var_os("MMAP_WRAP_RENEW_HEADER").is_some() {
        fs::write(COMMITTED, &fresh).unwrap();
    }
    let committed = fs::read_to_string(COMMITTED).unwrap();
    assert!(committed == fresh, "include/mmap_wrap.h is stale: run `make header` and commit it");
}

#[test]
fn every_declaration_is_documented() {
    let fresh = header();
    let lines: Vec<&str> = fresh.lines().collect();
    let bare: Vec<_> = lines
        .windows(2)
        .filter(|pair| pair[1].ends_with(';') && !pair[1].starts_with([' ', '/', '}']))
        .filter(|pair| !pair[0].ends_with("*/"))
        .collect();
    assert!(bare.is_empty(), "{bare:?}");
}

/// The topics of the header in its order, and the file that holds each. `{out}` stands for OUT_DIR.
const TOPICS: &[&[&str]] = &[
    &["src/ffi/version.rs"],
    &["src/ffi/error.rs", "src/error.rs"],
    &["src/ffi/map.rs"],
    &["src/ffi/open.rs"],
    &["src/ffi/protect.rs"],
    &["src/ffi/resize.rs"],
    &["src/ffi/hardening.rs"],
    &["src/ffi/address.rs"],
    &["src/ffi/access.rs"],
    &["src/ffi/elements.rs", "src/mapping/element_kind.rs"],
    &["src/ffi/sharing.rs"],
    &["src/ffi/mutex.rs"],
    &["src/ffi/faults.rs"],
    &["src/ffi/residency.rs"],
    &["src/ffi/huge.rs"],
    &["src/ffi/info.rs"],
    &["src/ffi/constants.rs", "{out}/getters.rs"],
];

fn header() -> String {
    let config = cbindgen::Config::from_file("cbindgen.toml").expect("cbindgen.toml is valid");
    let mut text = PREAMBLE.replace("{abi}", ABI_VERSION);
    for files in TOPICS {
        let files: Vec<String> = files.iter().map(|file| file.replace("{out}", env!("OUT_DIR"))).collect();
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
