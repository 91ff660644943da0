//! The size of the platforms' folders: what platforms have in common stands beside them, once.

use std::fs;
use std::path::{Path, PathBuf};

/// The lines of code in a file, without comments, blank lines, and a module of unit tests at its end.
fn lines_of_code(path: &Path) -> usize {
    let text = fs::read_to_string(path).unwrap();
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    code.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//")).count()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let is_own = |path: &PathBuf| !["tests", "sample"].iter().any(|name| path.file_stem().unwrap() == *name);
    paths.filter(is_own).flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[test]
fn a_platforms_own_code_has_at_most_350_lines() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut count = 0;
    for folder in fs::read_dir(source).unwrap().map(|entry| entry.unwrap().path()) {
        if !folder.join("publisher.rs").is_file() || !folder.join("claims.rs").is_file() {
            continue;
        }
        count += 1;
        let lines: usize = files(&folder).iter().map(|path| lines_of_code(path)).sum();
        assert!(lines <= 350, "{}: {lines} lines", folder.display());
    }
    assert_eq!(count, oidc_providers::all().iter().count(), "the folders are found");
}
