//! Modules import only from those below them in the list of src/lib.rs, which docs/architecture.md draws.

use std::fs;
use std::path::{Path, PathBuf};

/// The modules in the order of the list.
fn listed(source: &str) -> Vec<String> {
    let entries = source.lines().filter_map(|line| line.strip_prefix("// - ")?.split_once(": "));
    entries.map(|(module, _)| module.to_owned()).collect()
}

/// All Rust files below the folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let nested = entries.map(|path| if path.is_dir() { files(&path) } else { vec![path] });
    nested.flatten().filter(|path| path.extension().is_some_and(|extension| extension == "rs")).collect()
}

/// What follows each `crate::` in the code: the names of modules, and of what lib.rs exports.
fn named(code: &str) -> Vec<&str> {
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    let paths = lines.flat_map(|line| line.split("crate::").skip(1)).flat_map(|path| match path.strip_prefix('{') {
        Some(several) => several.split('}').next().unwrap().split(',').map(str::trim).collect(),
        None => vec![path],
    });
    paths.map(|path| path.split(|c: char| c != '_' && !c.is_ascii_alphanumeric()).next().unwrap()).collect()
}

#[test]
fn no_module_imports_from_one_above_it() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let modules = listed(&fs::read_to_string(src.join("lib.rs")).unwrap());
    let place = |name: &str| modules.iter().position(|module| module == name);
    let (mut imports, mut upwards) = (0, Vec::new());
    for file in files(&src) {
        let path = file.strip_prefix(&src).unwrap().with_extension("");
        let module = path.iter().next().unwrap().to_str().unwrap();
        if module == "lib" {
            continue;
        }
        let here = place(module).unwrap_or_else(|| panic!("src/lib.rs does not list {module}"));
        let code = fs::read_to_string(&file).unwrap();
        for (name, there) in named(&code).into_iter().filter_map(|name| Some((name, place(name)?))) {
            imports += 1;
            if there < here {
                upwards.push(format!("{} imports from {name}", path.display()));
            }
        }
    }
    assert!(imports > 100, "only {imports} imports were found");
    assert!(upwards.is_empty(), "{upwards:#?}");
}
