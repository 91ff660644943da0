//! Compares the tables of publishers' fields with the documentation and, in `typed`, with the typed forms. `REWRITE=1` writes the
//! tables of the documentation anew.

use std::path::{Path, PathBuf};

use oidc_core::{ClaimUse, FieldComparison, FieldType, InvalidPublisher, Provider, PublisherField};
use serde_json::{Map, Value, json};

use crate::rules::within_sentence;

mod typed;

/// The heading of a platform's table in its module's documentation.
const HEADING: &str = "//! # A publisher's configuration";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Every platform with an issuer.
fn providers() -> Vec<std::sync::Arc<dyn Provider>> {
    let all = crate::all();
    let ids = all.iter().map(|provider| provider.id());
    ids.map(|id| crate::public(id).or_else(|_| crate::at(id, "https://issuer.example")).unwrap()).collect()
}

/// A value as it stands in TOML.
fn toml(value: &Value) -> String {
    match value {
        Value::Array(values) => format!("[{}]", values.iter().map(toml).collect::<Vec<_>>().join(", ")),
        Value::Object(keys) => {
            let keys: Vec<String> =
                keys.iter().map(|(key, value)| format!("{key} = {}", toml(value))).collect();
            format!("{{ {} }}", keys.join(", "))
        }
        other => other.to_string(),
    }
}

/// A plain text in Markdown: its names in code.
fn markdown(text: &str) -> String {
    let name = |word: &str| match word.strip_suffix(',') {
        Some(name) if name.contains('_') => format!("`{name}`,"),
        None if word.contains('_') => format!("`{word}`"),
        _ => word.to_owned(),
    };
    text.split(' ').map(name).collect::<Vec<_>>().join(" ")
}

/// A row of a table in the documentation.
fn row(field: &PublisherField) -> String {
    let kind = match field {
        PublisherField { required: true, .. } => "required",
        PublisherField { learned: true, .. } => "learned",
        PublisherField { recommended: true, .. } => "recommended",
        _ => "optional",
    };
    let compared = match (field.comparison, field.claim) {
        (FieldComparison::Exact, None) => "",
        (FieldComparison::Exact, _) => "exactly",
        (FieldComparison::IgnoringCase, _) => "ignoring ASCII case",
        (FieldComparison::Pattern, _) => "as a pattern",
        (FieldComparison::OneOf, _) => "one of the values",
        (FieldComparison::AllOf, _) => "all of the values",
        (other, _) => panic!("{other:?} has no words yet"),
    };
    let choices: Vec<String> = field.choices.iter().map(|choice| format!("`{choice}`")).collect();
    let choices = if choices.is_empty() { String::new() } else { format!(": {}", choices.join(" or ")) };
    let example = toml(&field.value_of(field.example).unwrap());
    let (key, summary) = (field.key, markdown(field.summary));
    format!("| `{key}` | {kind} | `{example}` | {summary}{choices} | {compared} |")
}

fn table(fields: &[PublisherField]) -> Vec<String> {
    let head = ["| key | | example | what it is | compared |", "|---|---|---|---|---|"].map(str::to_owned);
    head.into_iter().chain(fields.iter().map(row)).collect()
}

/// Compares the first table below a heading with a platform's. Each of its lines begins with `margin`.
// The variable that has the file written anew is read from the process's environment.
#[allow(clippy::disallowed_methods)]
fn is_documented(file: &Path, heading: &str, margin: &str, fields: &[PublisherField]) {
    let text = std::fs::read_to_string(file).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let place = format!("{} {heading}", file.display());
    let heading = lines.iter().position(|line| *line == heading).expect(&place);
    let is_row = |line: &&str| line.starts_with(&format!("{margin}|"));
    let begin = heading + lines[heading..].iter().position(is_row).expect(&place);
    let end = begin + lines[begin..].iter().take_while(|line| is_row(line)).count();
    let expected: Vec<String> = table(fields).iter().map(|line| format!("{margin}{line}")).collect();
    if std::env::var_os("REWRITE").is_some() {
        let before = lines[..begin].iter().map(|line| (*line).to_owned());
        let after = lines[end..].iter().map(|line| (*line).to_owned());
        let all: Vec<String> = before.chain(expected).chain(after).collect();
        std::fs::write(file, all.join("\n") + "\n").unwrap();
        return;
    }
    assert_eq!(lines[begin..end], expected, "{place}: run it with REWRITE=1 to write it anew");
}

#[test]
fn the_documentation_has_every_field_of_every_platform() {
    for provider in providers() {
        let fields = provider.publisher_fields();
        let module = root().join("oidc-providers/src").join(provider.id()).join("mod.rs");
        is_documented(&module, HEADING, "//! ", fields);
        let heading = format!("### `{}`", provider.id());
        is_documented(&root().join("docs/registry.md"), &heading, "", fields);
    }
}

/// The cells of each row of the claims table in a platform's module documentation.
fn claims_rows(module: &str) -> Vec<Vec<&str>> {
    let (_, section) = module.split_once("//! # Claims\n").unwrap();
    let section = section.split("//! # ").next().unwrap();
    let rows = section.lines().filter_map(|line| line.strip_prefix("//! | "));
    rows.skip(1).map(|row| row.trim_end_matches(" |").split(" | ").collect()).collect()
}

#[test]
fn the_documentation_has_every_claim_of_every_platform() {
    // What RFC 7519 registers needs no row.
    const REGISTERED: &[&str] = &["iss", "aud", "exp", "iat", "nbf", "jti"];
    for provider in providers() {
        let module = root().join("oidc-providers/src").join(provider.id()).join("mod.rs");
        let module = std::fs::read_to_string(module).unwrap();
        let mut documented = Vec::new();
        for cells in claims_rows(&module) {
            for name in cells[0].split('`').skip(1).step_by(2).filter(|name| !name.ends_with('…')) {
                let what = format!("{} {name}", provider.id());
                let rule = provider.profile().rule(name).expect(&what);
                let is_required = rule.usage == ClaimUse::Required;
                assert!(cells[1].starts_with("required") == is_required || name == "jti", "{what}");
                match cells.get(2) {
                    Some(&"yes") => assert!(rule.immutable, "{what}"),
                    Some(&"no") => assert!(!rule.immutable, "{what}"),
                    _ => {}
                }
                documented.push(name);
            }
        }
        let rules = provider.profile().claims.iter().map(|rule| rule.name);
        let missing: Vec<&str> =
            rules.filter(|name| !REGISTERED.contains(name) && !documented.contains(name)).collect();
        assert!(missing.is_empty(), "{}: {missing:?}", provider.id());
    }
}

#[test]
fn the_readme_promises_the_fields_that_there_are() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    for provider in providers() {
        let begin = format!("| {} | ", provider.title());
        let row = readme.lines().find(|line| line.starts_with(&begin)).expect(&begin);
        let promised = row.trim_end_matches(" |").rsplit(" | ").next().unwrap();
        let titles = provider.publisher_fields().iter().map(|field| within_sentence(field.title));
        let titles = titles.collect::<Vec<_>>().join(", ");
        // More may be said behind a semicolon.
        assert_eq!(promised.split("; ").next(), Some(&*titles), "{begin}");
    }
}

#[test]
fn a_table_says_of_each_field_what_the_claims_table_says_of_its_claim() {
    for provider in providers() {
        let fields = provider.publisher_fields();
        let keys: Vec<&str> = fields.iter().map(|field| field.key).collect();
        for (at, field) in fields.iter().enumerate() {
            let what = format!("{} {}", provider.id(), field.key);
            assert!(!keys[..at].contains(&field.key), "{what} is there twice");
            assert!(
                !field.title.is_empty() && !field.summary.is_empty() && !field.example.is_empty(),
                "{what}"
            );
            assert!(
                at == 0 || !field.required || fields[at - 1].required,
                "{what}: required fields come first"
            );
            assert!(!field.found_by || field.required || field.claim.is_none(), "{what}");
            assert!(
                !(field.required || field.learned) || field.specificity <= u32::from(field.claim.is_none()),
                "{what}"
            );
            assert!(field.choices.is_empty() || field.choices.contains(&field.example), "{what}");
            let Some(claim) = field.claim else {
                assert_eq!(provider.id(), "generic", "{what}");
                continue;
            };
            let rule = provider.profile().rule(claim).expect(&what);
            assert_eq!(field.immutable, rule.immutable, "{what}");
            assert!(!field.learned || (field.immutable && field.key == claim), "{what}");
        }
        assert!(fields.iter().any(|field| field.found_by), "{}", provider.id());
    }
}

/// The configuration that a table's examples make.
fn of_examples(fields: &[PublisherField]) -> Value {
    let value = |field: &PublisherField| (field.key.to_owned(), field.value_of(field.example).unwrap());
    fields.iter().map(value).collect::<Map<_, _>>().into()
}

#[test]
fn the_examples_make_a_publisher_and_each_of_its_values_is_looked_at() {
    for provider in providers() {
        let fields = provider.publisher_fields();
        let config = of_examples(fields);
        provider.publisher(&config).unwrap();
        let faults = |config: &Value| {
            provider
                .publisher(config)
                .err()
                .map_or_else(Vec::new, |invalid| invalid.faults().iter().map(|fault| fault.code).collect())
        };
        for field in fields {
            // Nothing that may not stand there passes, whichever the field.
            for wrong in [json!(" a"), json!(7), json!("")] {
                let mut config = config.clone();
                config[field.key] = wrong.clone();
                let error = provider.publisher(&config).unwrap_err();
                assert!(
                    error.of(field.key).next().is_some(),
                    "{} {} {wrong}: {error}",
                    provider.id(),
                    field.key
                );
            }
            let mut without = config.clone();
            without[field.key] = Value::Null;
            let expected = if field.required { vec!["publisher-missing-field"] } else { Vec::new() };
            if field.key != "found_by" {
                assert_eq!(faults(&without), expected, "{} {}", provider.id(), field.key);
            }
        }
    }
}

#[test]
fn every_field_that_is_wrong_is_told_at_once() {
    for provider in providers() {
        let fields = provider.publisher_fields();
        let wrong = |field: &PublisherField| (field.key.to_owned(), json!({"a": {}}));
        let mut config: Map<String, Value> = fields.iter().map(wrong).collect();
        config.insert("no_such_key".to_owned(), json!(1));
        let error: InvalidPublisher = provider.publisher(&config.into()).unwrap_err();
        for key in fields.iter().map(|field| field.key).chain(["no_such_key"]) {
            assert_eq!(error.of(key).count(), 1, "{} {key}: {error}", provider.id());
        }
        assert!(error.faults().iter().all(|fault| fault.fix.is_some()), "{error}");
        let none = provider.publisher(&json!({})).unwrap_err();
        let missing: Vec<_> = fields.iter().filter(|field| field.required).map(|field| field.key).collect();
        assert_eq!(none.faults().len(), missing.len(), "{none}");
        assert!(missing.iter().all(|key| none.of(key).count() == 1), "{none}");
    }
}

#[test]
fn a_flag_or_a_list_is_written_as_its_type_says() {
    for field in providers().iter().flat_map(|provider| provider.publisher_fields()) {
        let value = field.value_of(field.example).unwrap();
        let fits = match field.value {
            FieldType::Flag => value.is_boolean(),
            FieldType::Table => value.is_object(),
            FieldType::Texts => value.is_string() || value.is_array(),
            _ => value.is_string(),
        };
        assert!(fits, "{}", field.key);
    }
}

/// The Rust files below a folder that hold no tests and no scaffolding of them.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let (folders, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    let folders = folders.iter().filter(|path| !path.ends_with("testing"));
    let files = files.into_iter().filter(|path| !path.to_string_lossy().ends_with("tests.rs"));
    files.chain(folders.flat_map(|folder| sources(folder))).collect()
}

#[test]
fn no_code_of_the_server_or_the_doctor_knows_a_field_by_its_name() {
    // Keys that are words for other things as well: npm's manifests have a `repository`.
    const WORDS: &[&str] =
        &["claims", "email", "event", "organization", "project", "ref", "repository", "sub"];
    let tables: Vec<_> = providers().iter().flat_map(|provider| provider.publisher_fields()).collect();
    let keys = tables.iter().map(|field| field.key).filter(|key| !WORDS.contains(key));
    let quoted: Vec<String> = keys.map(|key| format!("\"{key}\"")).chain(["\"_id\")".to_owned()]).collect();
    assert!(quoted.len() > 30);
    // A public registry's client knows which claims that registry looks at.
    for folder in [
        "oidc-exchange/src/server",
        "oidc-exchange/src/sql",
        "oidc-exchange/src/client/doctor",
        "programs/registry/src",
        "programs/trusted-publish/src",
    ] {
        let files = sources(&root().join(folder));
        assert!(files.len() > 5, "{folder}");
        // Formats of others: the job's file as a platform reads it, and the publisher in PyPI's own form. And
        // the options of `verify`, which are named in advance.
        let formats = ["ui/snippet.rs", "pypi/attestations.rs", "provenance/verify.rs"];
        let is_format = |file: &PathBuf| formats.iter().any(|format| file.ends_with(format));
        for file in files.into_iter().filter(|file| !is_format(file)) {
            let text = std::fs::read_to_string(&file).unwrap();
            let code = text.split("#[cfg(test)]").next().unwrap();
            let known: Vec<&String> = quoted.iter().filter(|key| code.contains(*key)).collect();
            assert!(known.is_empty(), "{}: {known:?}", file.display());
        }
    }
}
