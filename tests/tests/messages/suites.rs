//! The conformance suites say in a sentence which promise is broken.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::fs;
use std::path::{Path, PathBuf};

/// The suites' folders, and how many assertions each has at least.
const SUITES: &[(&str, usize)] = &[
    ("oidc-core/src/testing/conformance", 80),
    ("oidc-exchange/src/client/testing", 40),
    ("oidc-exchange/src/server/testing", 150),
];

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// The arguments of a macro's call, from behind its parenthesis.
fn arguments(text: &str) -> Vec<&str> {
    let (mut depth, mut begin, mut is_text, mut is_escaped) = (0, 0, false, false);
    let mut found = Vec::new();
    for (at, character) in text.char_indices() {
        match character {
            _ if is_escaped => is_escaped = false,
            '\\' if is_text => is_escaped = true,
            '"' => is_text = !is_text,
            _ if is_text => {}
            '(' | '[' | '{' => depth += 1,
            ')' if depth == 0 => {
                found.push(text.get(begin..at).unwrap());
                break;
            }
            ')' | ']' | '}' => depth -= 1,
            ',' if depth == 0 => {
                found.push(text.get(begin..at).unwrap());
                begin = at + 1;
            }
            _ => {}
        }
    }
    found.into_iter().map(str::trim).filter(|argument| !argument.is_empty()).collect()
}

/// A text of several words, which is not what is compared.
fn is_sentence(argument: &str) -> bool {
    let words = |text: &str| text.split(' ').filter(|word| word.chars().any(char::is_alphabetic)).count();
    argument.starts_with('"') && words(argument.split('{').next().unwrap()).max(words(argument)) > 2
}

#[test]
fn every_assertion_of_a_suite_has_a_sentence() {
    for (suite, fewest) in SUITES {
        let mut assertions = 0;
        for file in files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(suite)) {
            let text = fs::read_to_string(&file).unwrap();
            for (macro_name, compared) in [("assert!(", 1), ("assert_eq!(", 2), ("assert_ne!(", 2)] {
                for call in text.split(macro_name).skip(1) {
                    assertions += 1;
                    let arguments = arguments(call);
                    let sentence = arguments.get(compared);
                    let place = format!("{}: {macro_name}{}", file.display(), arguments[0]);
                    assert!(sentence.is_some_and(|argument| is_sentence(argument)), "{place}: {sentence:?}");
                }
            }
            assert!(!text.contains(".unwrap()"), "{}: an `unwrap` says nothing", file.display());
        }
        assert!(assertions >= *fewest, "{suite}: {assertions}");
    }
}
