//! The rules of the public registry for a crate's metadata (the Cargo Book, "The Manifest Format"; crates.io, `publish`). Not
//! everything is refused that it refuses: a crate may be without a licence or a description here, and have as many dependencies and
//! features as fit on its line of the index, since there is nobody here who could be asked for more.

use oidc_exchange::crates_io::CrateName;
use semver::VersionReq;
use spdx::ParseMode;
use url::Url;

use super::index::{Dependency, Features};

/// The longest description, in bytes.
const MAX_DESCRIPTION: usize = 1_000;
/// The accepted expressions of licences: those of the SPDX list, with the older names, and with `/` for `OR`.
const LICENCES: ParseMode = ParseMode { allow_imprecise_license_names: false, ..ParseMode::LAX };
/// The most keywords, and the most categories.
const MAX_WORDS: usize = 5;
/// The longest keyword, in characters.
const MAX_KEYWORD: usize = 20;

/// Metadata that the public registry would refuse.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the metadata has the {field} `{found}`, expected {expected}")]
pub(super) struct InvalidMetadata {
    field: &'static str,
    found: String,
    expected: &'static str,
}

fn invalid(field: &'static str, found: &str, expected: &'static str) -> InvalidMetadata {
    InvalidMetadata { field, found: found.chars().take(100).collect(), expected }
}

pub(super) fn check_dependencies(dependencies: &[Dependency]) -> Result<(), InvalidMetadata> {
    dependencies.iter().try_for_each(check_dependency)
}

fn check_dependency(dependency: &Dependency) -> Result<(), InvalidMetadata> {
    let renamed = dependency.explicit_name_in_toml.as_deref();
    for name in [Some(dependency.name.as_str()), renamed].into_iter().flatten() {
        // A name that a manifest gives may begin with `_`.
        if CrateName::parse(name.trim_start_matches('_')).is_err() {
            return Err(invalid("dependency", name, "a crate's name"));
        }
    }
    let requirement = &dependency.version_req;
    if !VersionReq::parse(requirement).is_ok_and(|parsed| parsed != VersionReq::STAR) {
        return Err(invalid("requirement", requirement, "versions such as `^1.2`, and not all of them"));
    }
    let kind = dependency.kind.as_deref().unwrap_or("normal");
    if !matches!(kind, "normal" | "dev" | "build") {
        return Err(invalid("kind of dependency", kind, "`normal`, `dev` or `build`"));
    }
    match dependency.features.iter().find(|feature| !is_feature(feature)) {
        Some(feature) => Err(invalid("feature", feature, FEATURE)),
        None => Ok(()),
    }
}

const FEATURE: &str = "letters, digits, `_`, `-`, `+` and `.`, beginning with a letter, a digit or `_`";

pub(super) fn check_features(features: &Features) -> Result<(), InvalidMetadata> {
    for (name, values) in features {
        if !is_feature(name) {
            return Err(invalid("feature", name, FEATURE));
        }
        if let Some(value) = values.iter().find(|value| !is_feature_value(value)) {
            return Err(invalid("feature", value, "a feature, `dep:crate` or `crate/feature`"));
        }
    }
    Ok(())
}

fn is_feature(name: &str) -> bool {
    let allowed = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '+' | '.');
    name.starts_with(|c: char| c.is_alphanumeric() || c == '_') && name.chars().all(allowed)
}

fn is_feature_value(value: &str) -> bool {
    if let Some(dependency) = value.strip_prefix("dep:") {
        return is_feature(dependency);
    }
    match value.split_once('/') {
        Some((dependency, feature)) => {
            is_feature(dependency.strip_suffix('?').unwrap_or(dependency)) && is_feature(feature)
        }
        None => is_feature(value),
    }
}

pub(super) fn check_keywords(keywords: &[String], categories: &[String]) -> Result<(), InvalidMetadata> {
    for (field, words) in [("keyword", keywords), ("category", categories)] {
        if let Some(word) = words.get(MAX_WORDS) {
            return Err(invalid(field, word, "at most 5 of them"));
        }
    }
    match keywords.iter().find(|word| !is_keyword(word)) {
        Some(word) => {
            let expected = "at most 20 letters, digits, `_`, `-` and `+`, beginning with a letter or digit";
            Err(invalid("keyword", word, expected))
        }
        None => Ok(()),
    }
}

/// Checks the texts about the crate, as far as there are any.
pub(super) fn check_texts(
    license: Option<&str>,
    description: Option<&str>,
    urls: [(&'static str, Option<&str>); 3],
) -> Result<(), InvalidMetadata> {
    let is_licence = |text: &str| spdx::Expression::parse_mode(text, LICENCES).is_ok();
    if let Some(license) = license.filter(|text| !text.is_empty() && !is_licence(text)) {
        return Err(invalid("license", license, "an SPDX expression such as `MIT OR Apache-2.0`"));
    }
    if let Some(description) = description.filter(|text| text.len() > MAX_DESCRIPTION) {
        return Err(invalid("description", description, "at most 1000 bytes"));
    }
    for (field, url) in urls {
        if let Some(url) = url.filter(|url| !is_url(url)) {
            return Err(invalid(field, url, "a URL that begins with `https://` or `http://`"));
        }
    }
    Ok(())
}

fn is_url(text: &str) -> bool {
    (text.starts_with("https://") || text.starts_with("http://")) && Url::parse(text).is_ok()
}

fn is_keyword(word: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '+');
    word.len() <= MAX_KEYWORD
        && word.starts_with(|c: char| c.is_ascii_alphanumeric())
        && word.chars().all(allowed)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn dependency(change: &Value) -> Result<(), InvalidMetadata> {
        let mut dependency = json!({ "name": "rand", "version_req": "^1", "kind": "dev", "features": ["a"] });
        dependency.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        check_dependencies(&[serde_json::from_value(dependency).unwrap()])
    }

    #[test]
    fn dependencies_are_of_crates_and_versions() {
        for good in [
            json!({}),
            json!({ "kind": null, "explicit_name_in_toml": "_dice" }),
            json!({ "version_req": ">=1, <3" }),
        ] {
            assert_eq!(dependency(&good), Ok(()), "{good}");
        }
        for bad in [
            json!({ "name": "a/b" }),
            json!({ "name": "" }),
            json!({ "explicit_name_in_toml": "a b" }),
            json!({ "version_req": "*" }),
            json!({ "version_req": "one" }),
            json!({ "kind": "exec" }),
            json!({ "features": ["a b"] }),
        ] {
            assert!(dependency(&bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn texts_are_what_the_public_registry_takes() {
        let check = |license: Option<&str>, description: Option<&str>, url: Option<&str>| {
            check_texts(
                license,
                description,
                [("homepage", None), ("documentation", url), ("repository", url)],
            )
        };
        assert_eq!(check(None, None, None), Ok(()));
        for license in ["MIT/Apache-2.0", "GPL-3.0+", "(MIT OR ISC) AND BSD-3-Clause", ""] {
            assert_eq!(
                check(Some(license), Some(&"x".repeat(1000)), Some("http://a.example")),
                Ok(()),
                "{license}"
            );
        }
        let long = "x".repeat(1001);
        for (license, description, url, words) in [
            (Some("My licence"), None, None, "the license `My licence`, expected an SPDX"),
            (Some("apache2"), None, None, "an SPDX expression"),
            (None, Some(&*long), None, "at most 1000 bytes"),
            (
                None,
                None,
                Some("javascript:alert(1)"),
                "the documentation `javascript:alert(1)`, expected a URL",
            ),
            (None, None, Some("https:a.example"), "a URL that begins with"),
            (None, None, Some("https://"), "a URL that begins with"),
            (None, None, Some(""), "a URL that begins with"),
        ] {
            let error = check(license, description, url).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
    }

    #[test]
    fn features_and_keywords_are_words() {
        let features = |name: &str, value: &str| {
            check_features(&Features::from([(name.to_owned(), vec![value.to_owned()])]))
        };
        for value in ["a", "dep:rand", "rand/std", "rand?/std", "c++20", "_a.b", &"a".repeat(74)] {
            assert_eq!(features("default", value), Ok(()), "{value}");
        }
        for value in ["", "dep:", "a b", "a/", "/a", "a//b", "-a"] {
            assert!(features("default", value).is_err(), "{value}");
        }
        assert!(features("a/b", "a").is_err());
        let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
        assert_eq!(check_keywords(&words(&["oidc", "c++"]), &words(&["network::protocols"])), Ok(()));
        for keywords in
            [&["a", "b", "c", "d", "e", "f"][..], &["a b"], &["-a"], &["é"], &["abcdefghijklmnopqrstu"]]
        {
            assert!(check_keywords(&words(keywords), &[]).is_err(), "{keywords:?}");
        }
        assert!(check_keywords(&[], &words(&["a"; 6])).is_err());
    }
}
