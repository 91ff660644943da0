//! The files of the client half import in one direction: registries know the trait, the doctor knows the registries.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

type Imports = BTreeMap<String, BTreeSet<String>>;

/// The modules of the client half and which of the others each one names. A folder belongs to the file of its name. `mod.rs` names
/// all, to export them, and nobody names it.
fn imports() -> Imports {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/client");
    let mut texts: BTreeMap<String, String> = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        texts.entry(name).or_default().push_str(&text(&path));
    }
    texts.remove("mod");
    let names: BTreeSet<String> = texts.keys().cloned().collect();
    texts.iter().map(|(name, text)| (name.clone(), named(name, text, &names))).collect()
}

/// The text of a file, or of all files below a folder.
fn text(path: &Path) -> String {
    match path.is_dir() {
        true => fs::read_dir(path).unwrap().map(|entry| text(&entry.unwrap().path())).collect(),
        false => fs::read_to_string(path).unwrap(),
    }
}

/// The modules that a file's paths name, `super::name` or `super::{name, …}`, those of `use` and all others.
fn named(own: &str, text: &str, names: &BTreeSet<String>) -> BTreeSet<String> {
    let code: String = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    let paths = code.split("super::").skip(1).chain(code.split("crate::client::").skip(1));
    let firsts = paths.flat_map(|path| match path.strip_prefix('{') {
        Some(group) => group.split('}').next().unwrap().split(',').map(str::trim).collect(),
        None => vec![path],
    });
    let is_end = |c: char| !c.is_alphanumeric() && c != '_';
    let module = |path: &str| path.split(is_end).next().unwrap_or_default().to_owned();
    firsts.map(module).filter(|name| names.contains(name) && name != own).collect()
}

#[test]
fn no_file_below_the_doctor_names_it() {
    let imports = imports();
    assert!(imports.len() > 25 && imports["doctor"].contains("registry"), "{imports:?}");
    let above: Vec<_> = imports.iter().filter(|(_, named)| named.contains("doctor")).collect();
    assert!(above.is_empty(), "{above:?}");
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    let mut left = imports();
    while !left.is_empty() {
        let names: BTreeSet<String> = left.keys().cloned().collect();
        let free = |named: &BTreeSet<String>| named.is_disjoint(&names);
        let before = left.len();
        left.retain(|_, named| !free(named));
        assert!(left.len() < before, "a circle among {left:?}");
    }
}
