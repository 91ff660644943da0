//! The codes of diagnoses: constants of the libraries and a page of the documentation, which say the same.
//! `REWRITE=1 cargo test -p tests --test messages` writes the page's tables anew.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
// Whether to write the file anew is told by a variable.
#![allow(clippy::disallowed_methods)]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use oidc_core::codes::Code;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/codes.md");

/// The libraries whose codes there are.
const LIBRARIES: &[(&str, &[Code])] = &[
    ("oidc-core", oidc_core::codes::ALL),
    ("oidc-providers", oidc_providers::codes::ALL),
    ("oidc-exchange", oidc_exchange::codes::ALL),
    ("oidc-provenance", oidc_provenance::codes::ALL),
];

/// The page's tables, from the constants.
fn tables() -> String {
    let mut text = String::new();
    for (library, codes) in LIBRARIES {
        let module = library.replace('-', "_");
        write!(text, "## `{module}::codes`\n\n| code | meaning | what to do |\n|---|---|---|\n").unwrap();
        for Code { name, meaning, fix, .. } in *codes {
            writeln!(text, "| `{name}` | {meaning} | {fix} |").unwrap();
        }
        text.push('\n');
    }
    text.trim_end().to_owned() + "\n"
}

#[test]
fn the_page_says_what_the_constants_say() {
    let page = std::fs::read_to_string(PAGE).unwrap();
    let (preface, written) = page.split_once("## `oidc_core::codes`").unwrap_or((&page, ""));
    let written = format!("## `oidc_core::codes`{written}");
    if std::env::var_os("REWRITE").is_some() {
        std::fs::write(PAGE, format!("{preface}{}", tables())).unwrap();
        return;
    }
    for (is, should) in written.lines().zip(tables().lines()) {
        assert_eq!(is, should);
    }
    assert_eq!(written.len(), tables().len(), "there are more or fewer codes");
}

/// The source text of a crate's codes, which are in a file or in a folder of files.
fn source(crate_folder: &Path) -> String {
    let read = |path: &Path| std::fs::read_to_string(path).unwrap();
    match std::fs::read_dir(crate_folder.join("codes")) {
        Ok(files) => files.map(|file| read(&file.unwrap().path())).collect(),
        Err(_) => read(&crate_folder.join("codes.rs")),
    }
}

#[test]
fn a_code_has_one_meaning_and_its_constant_is_called_as_it_is() {
    let mut all = BTreeSet::new();
    for (library, codes) in LIBRARIES {
        let source = source(&Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(library).join("src"));
        let names: Vec<&str> = codes.iter().map(|code| code.name).collect();
        assert!(names.is_sorted(), "{library}");
        for Code { name, meaning, fix, .. } in *codes {
            assert!(all.insert(*name), "{name} is declared twice");
            let constant = name.to_ascii_uppercase().replace('-', "_");
            assert!(source.contains(&format!("    {constant} = \"{name}\",\n")), "{constant}");
            for sentence in [meaning, fix] {
                assert!(sentence.ends_with('.') && sentence.starts_with(char::is_alphabetic), "{name}");
                assert!(!sentence.contains('|'), "{name}");
            }
        }
    }
    assert!(all.len() > 150, "{}", all.len());
}
