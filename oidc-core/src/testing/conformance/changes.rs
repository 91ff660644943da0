//! Values that somebody could put in place of a claim.

use serde_json::{Map, Value, json};

use crate::publisher::{FieldComparison, FieldValue, PublisherField};

/// Values that are not the claim's, each with what it is.
pub(super) fn of(value: &Value) -> Vec<(&'static str, Option<Value>)> {
    let mut changes = vec![
        ("absent", None),
        ("null", Some(Value::Null)),
        ("a number", Some(json!(7))),
        ("a truth value", Some(json!(!value.as_bool().unwrap_or_default()))),
        ("an object", Some(json!({ "a": value }))),
        ("an empty array", Some(json!([]))),
        ("an array of arrays", Some(json!([[value]]))),
    ];
    match value {
        Value::String(text) => {
            changes.push(("an array of it", Some(json!([text]))));
            changes.extend(of_text(text).into_iter().map(|(what, text)| (what, Some(text.into()))));
        }
        Value::Array(values) => {
            let fewer: Vec<&Value> = values.iter().skip(1).collect();
            changes.push(("an array of fewer", Some(json!(fewer))));
            changes.push(("an array of one more inside", Some(json!([values, ["x"]]))));
        }
        other => changes.push(("its text", Some(json!(other.to_string())))),
    }
    changes.retain(|(_, changed)| changed.as_ref() != Some(value));
    changes
}

fn of_text(text: &str) -> Vec<(&'static str, String)> {
    let mut first = text.chars();
    let initial = first.next().unwrap_or_default();
    let rest = first.as_str();
    let most = text.strip_suffix(text.chars().next_back().unwrap_or_default()).unwrap_or_default();
    let swapped = |c: char| if c.is_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() };
    let mut changes = of_whole(text);
    changes.extend(lookalikes(text));
    changes.extend(of_parts(text));
    changes.extend([
        ("with another first letter's case", format!("{}{rest}", swapped(initial))),
        ("with an invisible space in it", format!("{initial}\u{200b}{rest}")),
        ("without its last letter", most.to_owned()),
        ("without its first letter", rest.to_owned()),
        ("its first letter alone", initial.to_string()),
    ]);
    changes.retain(|(_, changed)| changed != text);
    changes
}

/// The number of parts of a text that are changed.
const MAX_PARTS: usize = 12;

/// Changes of one part of a text that has several, such as a path.
fn of_parts(text: &str) -> Vec<(&'static str, String)> {
    const SEPARATORS: [char; 3] = ['/', '@', ':'];
    let begins = text.match_indices(SEPARATORS).map(|(at, separator)| at + separator.len()).take(MAX_PARTS);
    let changed = |at: usize| {
        let (before, rest) = (text.get(..at).unwrap_or_default(), text.get(at..).unwrap_or_default());
        let part = rest.split(SEPARATORS).next().unwrap_or_default();
        let after = rest.strip_prefix(part).unwrap_or_default();
        [
            ("with a part in upper case", format!("{before}{}{after}", part.to_ascii_uppercase())),
            ("with a letter before a part", format!("{before}x{part}{after}")),
            ("with a letter behind a part", format!("{before}{part}x{after}")),
            ("without a part", format!("{before}{after}")),
        ]
    };
    begins.flat_map(changed).collect()
}

/// Changes by letters that look like others.
fn lookalikes(text: &str) -> [(&'static str, String); 10] {
    let alike = |from: char, to: &str| text.replacen(from, to, 1);
    [
        ("with a Cyrillic a", alike('a', "\u{430}")),
        ("with a Cyrillic e", alike('e', "\u{435}")),
        ("with a Cyrillic o", alike('o', "\u{43e}")),
        ("with a Kelvin sign", alike('k', "\u{212a}")),
        ("with a long s", alike('s', "\u{17f}")),
        ("with a dotless i", alike('i', "\u{131}")),
        ("with full-width digits", alike('1', "\u{ff11}")),
        ("with another slash", alike('/', "\u{2215}")),
        ("with two slashes", alike('/', "//")),
        ("with an escaped slash", alike('/', "%2f")),
    ]
}

/// Changes of the whole text, and others in its place.
fn of_whole(text: &str) -> Vec<(&'static str, String)> {
    vec![
        ("empty", String::new()),
        ("in upper case", text.to_ascii_uppercase()),
        ("in lower case", text.to_ascii_lowercase()),
        ("with a space before it", format!(" {text}")),
        ("with a space behind it", format!("{text} ")),
        ("with a line break behind it", format!("{text}\n")),
        ("with a tab behind it", format!("{text}\t")),
        ("with a space that does not break", format!("{text}\u{a0}")),
        ("with a NUL behind it", format!("{text}\0")),
        ("with a NUL and more", format!("{text}\0x")),
        ("with a letter behind it", format!("{text}x")),
        ("with a letter before it", format!("x{text}")),
        ("with a digit behind it", format!("{text}0")),
        ("with a zero before it", format!("0{text}")),
        ("with a path behind it", format!("{text}/x")),
        ("with a path before it", format!("evil/{text}")),
        ("with a suffix", format!("{text}-evil")),
        ("with a revision", format!("{text}@refs/heads/x")),
        ("with a dot behind it", format!("{text}.")),
        ("twice", format!("{text}{text}")),
        ("a star", "*".to_owned()),
        ("two stars", "**".to_owned()),
        ("a percent sign", "%".to_owned()),
        ("something else", "evil".to_owned()),
    ]
}

/// Returns `true` if a field's rule allows a change on purpose, by the platform's table.
pub(super) fn is_allowed(settings: &[FieldValue], claim: &str, usual: &Value, changed: &Value) -> bool {
    let (Some(usual), Some(changed)) = (usual.as_str(), changed.as_str()) else { return false };
    let of_claim = |setting: &&FieldValue| setting.claim == Some(claim);
    let is_pattern = |field: &PublisherField| field.comparison == FieldComparison::Pattern;
    let has_star = |setting: &FieldValue| setting.text().is_some_and(|text| text.contains('*'));
    if settings.iter().filter(of_claim).any(|setting| is_pattern(setting.field) && has_star(setting)) {
        return true;
    }
    // A part of a claim that is another field's value is compared as that field is.
    let folded = |text: &str| {
        let mut folded = text.to_owned();
        let fields =
            settings.iter().filter(|setting| setting.field.comparison == FieldComparison::IgnoringCase);
        for value in fields.filter_map(FieldValue::text) {
            let (lower, value) = (folded.to_ascii_lowercase(), value.to_ascii_lowercase());
            if let Some(at) = lower.find(&value) {
                folded.replace_range(at..at + value.len(), &value);
            }
        }
        folded
    };
    folded(usual) == folded(changed)
}

/// Returns `true` if a claim contains another claim's text, such as a path with a repository's name in it: a refusal may name
/// either.
pub(super) fn is_of_same_text(claims: &Map<String, Value>, one: &str, other: &str) -> bool {
    let text = |claim: &str| claims.get(claim).and_then(Value::as_str).filter(|text| !text.is_empty());
    match (text(one), text(other)) {
        (Some(one), Some(other)) => {
            let (one, other) = (one.to_ascii_lowercase(), other.to_ascii_lowercase());
            one.contains(&other) || other.contains(&one)
        }
        _ => false,
    }
}
