//! The committed headers are those that cbindgen generates from src/ffi/. (scripts/abi checks that the library exports what they
//! declare.)

use std::fs;
use std::path::Path;

/// The ABI number, from build.rs.
const ABI_VERSION: &str = env!("MMAP_WRAP_ABI_VERSION");
const VERSION: &str = env!("CARGO_PKG_VERSION");
type Generator = fn() -> String;
/// The committed headers, and how each is generated.
const HEADERS: &[(&str, Generator)] = &[("mmap_wrap.h", header), ("mmap_wrap_constants.h", constants_header)];

/// With MMAP_WRAP_RENEW_HEADER set (`make header`) the committed headers are written instead of compared.
#[test]
fn the_committed_headers_are_current() {
    for (name, make) in HEADERS {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("include").join(name);
        let fresh = make();
        if std::env::var_os("MMAP_WRAP_RENEW_HEADER").is_some() {
            fs::write(&path, &fresh).unwrap();
        }
        assert!(fs::read_to_string(&path).unwrap() == fresh, "include/{name} is stale: run `make header` and commit it");
    }
}

#[test]
fn every_declaration_is_documented() {
    for (name, make) in HEADERS {
        let text = make();
        let lines: Vec<&str> = text.lines().collect();
        let begins =
            |line: &str| line.starts_with("MMAP_WRAP_API ") || line.starts_with("struct ") || line.starts_with("typedef ");
        let bare: Vec<_> = lines.windows(2).filter(|pair| begins(pair[1])).filter(|pair| !pair[0].ends_with("*/")).collect();
        assert!(bare.is_empty(), "{name}: {bare:?}");
        assert!(lines.iter().any(|line| begins(line)), "{name} declares nothing");
    }
}

#[test]
fn no_line_has_more_than_100_columns() {
    for (name, make) in HEADERS {
        let text = make();
        let long: Vec<&str> = text.lines().filter(|line| line.chars().count() > 100).collect();
        assert!(long.is_empty(), "{name}: {long:#?}");
    }
}

/// `name`, `_name` for mmap_wrap_name, or either with … for all names that begin so.
#[test]
fn every_function_is_in_the_table_of_windows() {
    let page = fs::read_to_string("docs/platforms.md").unwrap();
    let table = page.split("## Linux and Windows, call by call").nth(1).and_then(|rest| rest.split("\n## ").next()).unwrap();
    let listed: Vec<_> = table
        .split('`')
        .skip(1)
        .step_by(2)
        .map(|name| match name.strip_prefix('_') {
            Some(rest) => format!("mmap_wrap_{rest}"),
            None => name.to_owned(),
        })
        .collect();
    let is_listed = |function: &str| {
        listed.iter().any(|name| name.strip_suffix('…').map_or(name == function, |start| function.starts_with(start)))
    };
    let text = header();
    let functions: Vec<_> = text
        .split("\nMMAP_WRAP_API ")
        .skip(1)
        .map(|declaration| declaration.split('(').next().unwrap().rsplit([' ', '*']).next().unwrap())
        .collect();
    assert!(functions.len() > 80);
    let missing: Vec<_> = functions.into_iter().filter(|function| !is_listed(function)).collect();
    assert!(missing.is_empty(), "docs/platforms.md lacks {missing:?}");
}

/// The message of a failure begins with the name of the function that failed.
#[test]
fn every_function_passes_its_own_name_to_the_boundary() {
    for file in fs::read_dir("src/ffi").unwrap() {
        let text = fs::read_to_string(file.unwrap().path()).unwrap();
        let text = text.split("#[cfg(test)]").next().unwrap();
        for function in text.split("pub unsafe extern \"C\" fn ").skip(1) {
            let name = function.split('(').next().unwrap();
            let passed = function.split("boundary").skip(1).filter_map(|call| call.split_once("(\"")?.1.split('"').next());
            for passed in passed {
                assert_eq!(passed, name);
            }
        }
    }
}

/// The topics of the header in their order, and the files of each.
const TOPICS: &[&[&str]] = &[
    &["src/ffi/version.rs"],
    &["src/ffi/error.rs", "src/error.rs"],
    &["src/ffi/mapping.rs"],
    &["src/ffi/open.rs"],
    &["src/ffi/address.rs"],
    &["src/ffi/access.rs"],
    &["src/ffi/protect.rs"],
    &["src/ffi/residency.rs"],
    &["src/ffi/hardening.rs"],
    &["src/ffi/resize.rs"],
    &["src/ffi/elements.rs", "src/mapping/element_kind.rs"],
    &["src/ffi/atomics.rs"],
    &["src/ffi/mutex.rs"],
    &["src/ffi/faults.rs"],
    &["src/ffi/page_cache.rs"],
    &["src/ffi/huge.rs"],
    &["src/ffi/info.rs"],
    &["src/ffi/constants.rs"],
    &["src/ffi/bindings.rs"],
];

/// The functions and types.
fn header() -> String {
    let text = TOPICS.iter().map(|files| topic(files[0], files)).collect::<String>();
    let (major, rest) = VERSION.split_once('.').expect("a version has three numbers");
    let (minor, patch) = rest.split_once('.').expect("a version has three numbers");
    let preamble = PREAMBLE.replace("{abi}", ABI_VERSION).replace("{version}", VERSION);
    preamble.replace("{major}", major).replace("{minor}", minor).replace("{patch}", patch)
        // cbindgen generates macros for numbers only.
        + &text.replacen(OPTIONS_END, OPTIONS_INIT, 1)
        + &POSTAMBLE.replace("{guard}", "MMAP_WRAP_H")
}

/// A getter for each constant.
fn constants_header() -> String {
    let getters = concat!(env!("OUT_DIR"), "/getters.rs");
    let declarations = declarations(&[getters]);
    format!("{CONSTANTS_PREAMBLE}\n{declarations}{}", POSTAMBLE.replace("{guard}", "MMAP_WRAP_CONSTANTS_H"))
}

/// A topic with its title, which is the first line of the first file's documentation.
fn topic(first: &str, files: &[&str]) -> String {
    let source = fs::read_to_string(first).expect("each topic is a file");
    let about: Vec<&str> =
        source.lines().map_while(|line| line.strip_prefix("//!")).map(|line| line.trim_start_matches(' ')).collect();
    let (title, about) = about.split_first().expect("each topic begins with its title");
    let about: String = about.iter().map(|line| format!("{}\n", format!(" * {line}").trim_end())).collect();
    format!("\n/*\n * == {title} ==\n{} */\n\n{}", filled(&about), declarations(files))
}

/// What cbindgen generates from these files.
fn declarations(files: &[&str]) -> String {
    let config = cbindgen::Config::from_file("cbindgen.toml").expect("cbindgen.toml is valid");
    let builder = files.iter().fold(cbindgen::Builder::new().with_config(config), |builder, file| builder.with_src(file));
    let mut text = Vec::new();
    builder.generate().expect("the exported functions have C types").write(&mut text);
    tidy(String::from_utf8(text).expect("C is text").trim())
}

/// What cbindgen does not do: examples lose their Markdown fences and are indented, paragraphs are filled, a comment of one line takes
/// one line, a negative number gets parentheses, and bits are hexadecimal.
fn tidy(declarations: &str) -> String {
    let mut text = String::new();
    let mut in_example = false;
    for line in declarations.lines() {
        if line.trim_start().starts_with("* ```") {
            in_example = !in_example;
            continue;
        }
        match line.strip_prefix(" * ") {
            Some(code) if in_example => text += &format!(" *     {code}"),
            _ if line.starts_with("#define") => text += &number(line),
            _ => text += line,
        }
        text += "\n";
    }
    let mut text = filled(&declarators(&text));
    // A comment of one line takes one line if it fits.
    for indent in ["    ", ""] {
        let (begin, end) = (format!("{indent}/**\n{indent} * "), format!("\n{indent} */\n"));
        let mut parts = text.split(begin.as_str());
        let first = parts.next().unwrap_or_default().to_owned();
        let rest = parts.map(|part| match part.split_once(end.as_str()) {
            Some((only, rest)) if !only.contains('\n') && indent.len() + only.len() + 7 <= COLUMNS => {
                format!("{indent}/** {only} */\n{rest}")
            }
            _ => format!("{begin}{part}"),
        });
        text = first + &rest.collect::<String>();
    }
    text
}

/// Each function's declaration in one line, or broken between parameters if it is too long.
fn declarators(text: &str) -> String {
    let mut out = String::new();
    let mut declaration = String::new();
    for line in text.lines() {
        if declaration.is_empty() && line != "MMAP_WRAP_API" {
            out += &format!("{line}\n");
            continue;
        }
        let opens = declaration.is_empty() || declaration.ends_with('(');
        declaration += if opens { "" } else { " " };
        declaration += line.trim();
        if line.ends_with(';') {
            out += &broken(&declaration);
            declaration.clear();
        }
    }
    out + &declaration
}

fn broken(declaration: &str) -> String {
    let mut lines = vec![String::new()];
    for word in declaration.split_inclusive(", ").flat_map(|part| part.split_inclusive(") ")) {
        let last = lines.last_mut().expect("there is always one");
        if last.len() + word.trim_end().len() > COLUMNS {
            *last = last.trim_end().to_owned();
            lines.push(format!("    {word}"));
        } else {
            *last += word;
        }
    }
    lines.join("\n") + "\n"
}

/// A macro of a number: bits are hexadecimal, and a negative number has parentheses.
fn number(line: &str) -> String {
    let Some((define, digits)) = line.rsplit_once(' ') else { return line.to_owned() };
    let bits = ["_KEEP", "_OR_PRIVATE", "_ENDIAN", "_I8", "_I16", "_I32", "_I64", "_U8", "_U16", "_U32", "_U64", "_F32", "_F64"];
    match digits.parse::<i64>() {
        Ok(value) if value < 0 => format!("{define} ({value})"),
        Ok(value) if bits.iter().any(|end| define.ends_with(end)) => format!("{define} {value:#x}"),
        _ => line.to_owned(),
    }
}

const COLUMNS: usize = 100;

/// Fills the paragraphs of comments to the columns of the header. Examples and lists are not changed.
fn filled(text: &str) -> String {
    let mut out = String::new();
    let mut paragraph = String::new();
    let mut prefix = String::new();
    for line in text.lines() {
        let indent = &line[..line.len() - line.trim_start().len()];
        let body = line.trim_start().strip_prefix("* ");
        let flows = body.is_some_and(|body| !body.starts_with([' ', '|']) && !body.starts_with("- "));
        let begins = paragraph.is_empty() || !flows || format!("{indent}* ") != prefix;
        if begins && !paragraph.is_empty() {
            out += &fill(&prefix, &paragraph);
            paragraph.clear();
        }
        match body {
            Some(body) if flows => {
                prefix = format!("{indent}* ");
                paragraph += if paragraph.is_empty() { "" } else { " " };
                paragraph += body;
            }
            _ => out += &format!("{line}\n"),
        }
    }
    out + &if paragraph.is_empty() { String::new() } else { fill(&prefix, &paragraph) }
}

fn fill(prefix: &str, paragraph: &str) -> String {
    let mut lines = vec![prefix.trim_end().to_owned()];
    for word in paragraph.split_whitespace() {
        let last = lines.last_mut().expect("there is always one");
        if last.chars().count() + 1 + word.chars().count() > COLUMNS {
            lines.push(format!("{} {word}", prefix.trim_end()));
        } else {
            *last += &format!(" {word}");
        }
    }
    lines.join("\n") + "\n"
}

const OPTIONS_END: &str = "\
    /** File offset of the first byte to map. */
    int64_t offset;
};
";

const OPTIONS_INIT: &str = "\
    /** File offset of the first byte to map. */
    int64_t offset;
};

/** The values to begin with: read-only access, the size unchanged, all of the file. */
#define MMAP_WRAP_OPEN_OPTIONS_INIT {0, 0, MMAP_WRAP_REST, 0, MMAP_WRAP_REST, 0, 0, 0}
";

const PREAMBLE: &str = "\
/*
 * mmap_wrap.h - memory mapping with checked handles, ranges and errors
 *
 * Generated by cbindgen from src/ffi/; do not edit. Licence: MIT OR Apache-2.0.
 *
 * Link with -lmmap_wrap. C99 or later, C++ as well. Every function may be called from any thread at
 * any time. None may be called from a signal handler. Indented lines are examples to copy.
 *
 * On Windows a file descriptor (fd) is a HANDLE, cast to int64_t; paths are UTF-8; the constants of
 * <sys/mman.h>, which does not exist there, are functions of mmap_wrap_constants.h:
 * mmap_wrap_PROT_READ() for PROT_READ. There, too, system errors are negative numbers of <errno.h>.
 */
#ifndef MMAP_WRAP_H
#define MMAP_WRAP_H

#include <stdint.h>

/* The version that this header describes; mmap_wrap_version() is that of the library. */
#define MMAP_WRAP_VERSION \"{version}\"
#define MMAP_WRAP_VERSION_MAJOR {major}
#define MMAP_WRAP_VERSION_MINOR {minor}
#define MMAP_WRAP_VERSION_PATCH {patch}

/* The number of the binary interface that this header describes. */
#define MMAP_WRAP_ABI_VERSION {abi}

/* How functions are imported. Define MMAP_WRAP_STATIC on Windows to link statically. */
#if defined(_WIN32) && !defined(MMAP_WRAP_STATIC)
#define MMAP_WRAP_API __declspec(dllimport)
#elif defined(__GNUC__)
#define MMAP_WRAP_API __attribute__((visibility(\"default\")))
#else
#define MMAP_WRAP_API
#endif

/* No function throws. */
#ifdef __cplusplus
#define MMAP_WRAP_NOEXCEPT noexcept
extern \"C\" {
#else
#define MMAP_WRAP_NOEXCEPT
#endif
";

const CONSTANTS_PREAMBLE: &str = "\
/*
 * mmap_wrap_constants.h - the constants of memory mapping, one function each
 *
 * Generated by cbindgen from src/constants.rs; do not edit. Licence: MIT OR Apache-2.0.
 *
 * For languages that bind symbol by symbol, and for Windows; elsewhere C has <sys/mman.h> and
 * <fcntl.h>. A constant that this platform lacks reads 0, which may be the value of another one:
 * mmap_wrap_constant() returns MMAP_WRAP_E_UNSUPPORTED for it.
 */
#ifndef MMAP_WRAP_CONSTANTS_H
#define MMAP_WRAP_CONSTANTS_H

#include \"mmap_wrap.h\"

#ifdef __cplusplus
extern \"C\" {
#endif
";

const POSTAMBLE: &str = "
#ifdef __cplusplus
}
#endif

#endif /* {guard} */
";
