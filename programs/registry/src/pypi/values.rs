//! The values of fields of core metadata that are valid.

use super::requirement::{requirement, specifiers};

/// A summary may have this many characters.
const MAX_SUMMARY: usize = 512;
/// The label of a URL may have this many characters.
const MAX_LABEL: usize = 32;
/// The accepted Pythons may have this many bytes: everybody who installs the project reads them.
const MAX_PYTHONS: usize = 1024;
/// The text that old build backends wrote in place of what they were not told. The public index takes it for nothing.
const UNKNOWN: &str = "UNKNOWN";
/// Words that are no names in Python.
const KEYWORDS: [&str; 35] = [
    "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue", "def",
    "del", "elif", "else", "except", "finally", "for", "from", "global", "if", "import", "in", "is",
    "lambda", "nonlocal", "not", "or", "pass", "raise", "return", "try", "while", "with", "yield",
];

pub(super) fn is_pythons(text: &str) -> bool {
    text.len() <= MAX_PYTHONS && specifiers(text).is_some()
}

pub(super) fn is_project(text: &str) -> bool {
    requirement(text).is_some()
}

/// Returns `true` for a URL of the web as the public index takes it, which looks at little more than its beginning.
pub(super) fn is_url(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return text == UNKNOWN };
    let is_web = ["http", "https"].iter().any(|web| scheme.eq_ignore_ascii_case(web));
    let behind_host = rest.strip_prefix("//").map_or(rest, |rest| {
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        rest.get(end..).unwrap_or_default()
    });
    let path_and_query = behind_host.split('#').next().unwrap_or_default();
    is_web && !path_and_query.contains(['[', ']'])
}

/// The label of one of the project's URLs, which a comma separates; `None` where one of the two is not valid.
pub(super) fn label(text: &str) -> Option<&str> {
    let (label, url) = text.split_once(',')?;
    let label = label.trim();
    let is_label = (1..=MAX_LABEL).contains(&label.chars().count());
    (is_label && is_url(url.trim())).then_some(label)
}

/// Returns `true` for the name of a module, of which it may be said that it is not for others.
pub(super) fn is_import(text: &str) -> bool {
    let (name, private) = text.split_once(';').map_or((text, None), |(name, private)| (name, Some(private)));
    let is_name = |part: &str| {
        part.starts_with(|c: char| c.is_alphabetic() || c == '_')
            && part.chars().all(|c| c.is_alphanumeric() || c == '_')
            && !KEYWORDS.contains(&part)
    };
    name.trim_end().split('.').all(is_name) && private.is_none_or(|private| private.trim_start() == "private")
}

pub(super) fn is_summary(text: &str) -> bool {
    text.chars().count() <= MAX_SUMMARY && !text.contains(|c: char| c.is_control())
}

pub(super) fn is_content_type(text: &str) -> bool {
    let mut parts = text.split(';').map(str::trim);
    let kind = parts.next().unwrap_or_default().to_ascii_lowercase();
    let is_markdown = kind == "text/markdown";
    let is_parameter = |part: &str| {
        let Some((name, value)) = part.split_once('=') else { return false };
        let value = value.trim().trim_matches('"');
        match name.trim().to_ascii_lowercase().as_str() {
            "charset" => value.eq_ignore_ascii_case("utf-8"),
            "variant" if is_markdown => matches!(value, "GFM" | "CommonMark"),
            _ => true,
        }
    };
    let is_known = is_markdown || matches!(kind.as_str(), "text/plain" | "text/x-rst");
    text == UNKNOWN || is_known && parts.all(is_parameter)
}

pub(super) fn is_classifier(text: &str) -> bool {
    let parts: Vec<&str> = text.split(" :: ").collect();
    let is_part = |part: &&str| !part.is_empty() && part.trim() == *part && !part.contains(char::is_control);
    parts.len() > 1
        && parts.iter().all(is_part)
        && !parts.first().is_some_and(|first| first.eq_ignore_ascii_case("private"))
}

pub(super) fn is_path_inside(text: &str) -> bool {
    !text.contains(['\\', '*', ':']) && !text.contains("..") && text.split('/').all(|part| !part.is_empty())
}
