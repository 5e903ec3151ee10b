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

/// The names after each of the paths of a folder in the code: those of its files.
fn names_in(code: &str, paths: &[&str]) -> Vec<String> {
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    let code = lines.collect::<Vec<_>>().join("\n");
    let rests = paths.iter().flat_map(|path| code.split(path).skip(1));
    let first = |path: &str| path.split(|c: char| c != '_' && !c.is_ascii_alphanumeric()).next().unwrap().to_owned();
    let names = rests.flat_map(|rest| match rest.strip_prefix('{') {
        Some(several) => several.split('}').next().unwrap().split(',').map(|path| first(path.trim())).collect(),
        None => vec![first(rest)],
    });
    names.collect()
}

/// Removes the files that import none of those that are left, until there is none such: what remains is in a circle, or above one.
fn circle(mut imports: Vec<(String, Vec<String>)>) -> Vec<String> {
    loop {
        let names: Vec<_> = imports.iter().map(|(file, _)| file.clone()).collect();
        let (above, ground): (Vec<_>, Vec<_>) =
            imports.into_iter().partition(|(file, of)| of.iter().any(|name| name != file && names.contains(name)));
        if ground.is_empty() {
            return above.into_iter().map(|(file, _)| file).collect();
        }
        imports = above;
    }
}

#[test]
fn no_files_of_a_folder_import_each_other_in_a_circle() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = 0;
    for source in ["src", "bindings/python/native/src"].map(|folder| root.join(folder)) {
        let mut folders: Vec<_> = files(&source).iter().map(|file| file.parent().unwrap().to_owned()).collect();
        folders.sort();
        folders.dedup();
        for folder in folders {
            let parts = folder.strip_prefix(&source).unwrap().iter().map(|part| format!("{}::", part.to_str().unwrap()));
            let path = format!("crate::{}", parts.collect::<String>());
            let imports = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).filter_map(|file| {
                let name = file.file_stem()?.to_str()?.to_owned();
                let of = match file.is_dir() {
                    // All files of a folder in it, whose `super` is that folder.
                    true => files(&file).iter().flat_map(|file| names_in(&fs::read_to_string(file).unwrap(), &[&path])).collect(),
                    false => names_in(&fs::read_to_string(&file).unwrap(), &["super::", &path]),
                };
                // The crate's and the folder's own file are above all.
                (!["lib", "mod"].contains(&name.as_str())).then_some((name, of))
            });
            let imports: Vec<_> = imports.collect();
            found += imports.iter().map(|(_, of)| of.len()).sum::<usize>();
            assert_eq!(circle(imports), [""; 0], "in {}", folder.display());
        }
    }
    assert!(found > 300, "only {found} imports were found");
}

#[test]
fn a_circle_would_be_found() {
    let file = |name: &str, code: &str| (name.to_owned(), names_in(code, &["super::", "crate::registry::"]));
    let (pin, records) = (file("pin", "use super::{records::Hold, table};"), file("records", "use super::table;"));
    assert_eq!(circle(vec![pin.clone(), records]), [""; 0]);
    assert_eq!(circle(vec![pin, file("records", "    use crate::registry::pin;")]), ["pin", "records"]);
}
