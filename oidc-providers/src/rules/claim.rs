//! A rule on one claim of a token, nested or not: where the claim is, and what it must be.

use std::borrow::Cow;

use oidc_core::{ClaimValue, Claims, Diagnosis, Mismatch, Target, shown};
use serde_json::{Map, Value};

use super::config::{Fault, invalid};
use super::glob::Glob;
use super::{Field, names};
use crate::codes;

/// The number from which on JSON numbers are not read alike by all parsers (RFC 8259, section 6).
const TOO_BIG: u64 = 1 << 53;

/// The limit on the number of claims, and on the number of values of one claim.
pub(crate) const MAX_RULES: usize = 32;

/// The limit on the number of members on the way to a nested claim.
const MAX_DEPTH: usize = 8;

/// The limit on a text, in bytes.
pub(crate) const MAX_TEXT: usize = 1024;

/// The problem of a text that is not [visible](names::is_visible).
const INVISIBLE: &str = "it holds control characters or invisible ones";

/// The members of an expectation that is a table.
const CONTAINS: &str = "contains";
const MATCHES: &str = "matches";

/// A claim and its expected value.
#[derive(Debug)]
pub(crate) struct Rule {
    /// The claim's name or JSON pointer, as configured.
    pub(crate) claim: String,
    /// The names on the way to the claim: one for a claim of the token itself.
    path: Vec<String>,
    pub(crate) expected: Expected,
}

/// The value that a claim must have.
#[derive(Debug)]
pub(crate) enum Expected {
    /// One of these.
    OneOf(Vec<Scalar>),
    /// An array with all of these.
    Contains(Vec<Scalar>),
    /// A text that fits a pattern.
    Matches(Glob),
}

/// A value, by its type.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Scalar {
    Text(String),
    Number(u64),
    Flag(bool),
}

impl Rule {
    /// Reads a rule from a field that is a table of rules.
    pub(crate) fn read(field: &Field, claim: &str, value: &Value) -> Result<Self, Fault> {
        let key = format!("{}.{claim}", field.key);
        let path = path(&key, claim)?;
        let first = path.first().map(String::as_str).unwrap_or_default();
        if matches!(first, "" | "iss" | "aud" | "exp" | "iat" | "nbf") {
            let fault = invalid(codes::PUBLISHER_CLAIM, &key, "it tells no publisher from another");
            return Err(fault.fix("name a claim that says who publishes"));
        }
        if !names::is_visible(claim) {
            let fault = invalid(codes::PUBLISHER_CLAIM, &key, INVISIBLE).found(claim);
            return Err(fault.fix("write the claim's name as it is seen"));
        }
        let expected = match value {
            Value::Object(table) => of_table(&key, table)?,
            value => Expected::OneOf(scalars(&key, value)?),
        };
        Ok(Self { claim: claim.to_owned(), path, expected })
    }

    /// Compares a token with the rule. The mismatch leaves out the expected value, since every holder of a
    /// token of the issuer could ask for it.
    pub(crate) fn check(&self, claims: &Claims) -> Result<(), Mismatch> {
        let refuse = |code, problem: &str| {
            let problem = format!("claim `{}` {problem}", shown(&self.claim));
            Diagnosis::new(code, Target::Claim(self.claim.clone()), problem)
                .fix("compare the token's claims with the publisher's `claims`")
        };
        let Some(value) = self.find(claims) else {
            let problem = "is missing from the identity token";
            return Err(Mismatch::new(refuse(codes::GENERIC_CLAIM_MISSING, problem)));
        };
        if self.expected.is(&value) {
            return Ok(());
        }
        let problem = "has no value that the publisher names, or is of another type";
        Err(Mismatch::new(refuse(codes::GENERIC_CLAIM, problem).found(value.raw())))
    }

    /// Returns the claim. Only objects have members: a pointer never leads into an array.
    fn find<'c>(&self, claims: &'c Claims) -> Option<ClaimValue<'c>> {
        let (first, rest) = self.path.split_first()?;
        rest.iter().try_fold(claims.get(first)?, |value, name| value.member(name))
    }
}

impl Expected {
    fn is(&self, value: &ClaimValue<'_>) -> bool {
        match self {
            Self::OneOf(values) => values.iter().any(|expected| expected.is(value)),
            Self::Contains(values) => value.elements().is_some_and(|elements| {
                values.iter().all(|expected| elements.iter().any(|element| expected.is(element)))
            }),
            Self::Matches(pattern) => {
                let is_short = |text: &Cow<'_, str>| text.len() <= MAX_TEXT;
                value.as_text().filter(is_short).is_some_and(|text| pattern.matches(&text))
            }
        }
    }
}

impl Scalar {
    fn read(key: &str, value: &Value) -> Result<Self, Fault> {
        let refuse = |problem: &str, fix: &str| {
            Err(invalid(codes::PUBLISHER_CLAIM, key, problem).found(value.to_string()).fix(fix))
        };
        match value {
            Value::String(text) if text.is_empty() || text.len() > MAX_TEXT => {
                refuse("a text here has 1 to 1024 bytes", "write the claim's whole value")
            }
            Value::String(text) if !names::is_visible(text) => {
                refuse(INVISIBLE, "write the value as it is seen, or name another claim")
            }
            Value::String(text) => Ok(Self::Text(text.clone())),
            Value::Bool(flag) => Ok(Self::Flag(*flag)),
            Value::Number(number) => match number.as_u64().filter(|number| *number < TOO_BIG) {
                Some(number) => Ok(Self::Number(number)),
                None => refuse(
                    "a number here is whole, not negative and below 2^53",
                    "name a claim that is a text instead",
                ),
            },
            Value::Null | Value::Array(_) | Value::Object(_) => {
                refuse("it can't be compared", "write a text, a whole number, `true` or `false`")
            }
        }
    }

    fn is(&self, value: &ClaimValue<'_>) -> bool {
        match self {
            Self::Text(expected) => value.as_text().is_some_and(|text| text == *expected),
            Self::Number(expected) => value.as_u64() == Some(*expected),
            Self::Flag(expected) => value.as_bool() == Some(*expected),
        }
    }
}

/// The names on the way to a claim: of a JSON pointer (RFC 6901) where it begins with `/`.
fn path(key: &str, claim: &str) -> Result<Vec<String>, Fault> {
    let Some(pointer) = claim.strip_prefix('/') else { return Ok(vec![claim.to_owned()]) };
    let names: Option<Vec<String>> = pointer.split('/').map(unescaped).collect();
    names.filter(|names| (1..=MAX_DEPTH).contains(&names.len())).ok_or_else(|| {
        let problem = "it is no JSON pointer to a claim: 1 to 8 names, each after a `/`";
        let fix = "write it as `/kubernetes.io/namespace`, with `~1` for a `/` in a name and `~0` for a `~`";
        invalid(codes::PUBLISHER_CLAIM, key, problem).found(claim).fix(fix)
    })
}

/// A name of a JSON pointer without its escapes; `None` where a `~` begins no escape.
fn unescaped(name: &str) -> Option<String> {
    let is_escaped = |rest: &str| rest.starts_with(['0', '1']);
    // `~1` first: `~01` is the escape of `~1`, and not of `/`.
    name.split('~').skip(1).all(is_escaped).then(|| name.replace("~1", "/").replace("~0", "~"))
}

/// Reads an expectation that is a table: `{ contains = … }` or `{ matches = "…" }`.
fn of_table(key: &str, table: &Map<String, Value>) -> Result<Expected, Fault> {
    let refuse = || {
        let problem = "a table here has one key, `contains` or `matches`";
        let fix = "write `{ contains = \"release\" }` for an array with that value, or `{ matches = \"refs/tags/v*\" }` for a \
                   text that fits a pattern; name a nested claim by its JSON pointer";
        invalid(codes::PUBLISHER_CLAIM, key, problem).found(Value::from(table.clone()).to_string()).fix(fix)
    };
    let mut members = table.iter();
    match (members.next(), members.next()) {
        (Some((name, value)), None) if name == CONTAINS => Ok(Expected::Contains(scalars(key, value)?)),
        (Some((name, Value::String(text))), None) if name == MATCHES => {
            match Scalar::read(key, &text.as_str().into())? {
                Scalar::Text(text) => Ok(Expected::Matches(Glob::parse(key, &text)?)),
                Scalar::Number(_) | Scalar::Flag(_) => Err(refuse()),
            }
        }
        _ => Err(refuse()),
    }
}

/// Reads one value, or an array of values.
fn scalars(key: &str, value: &Value) -> Result<Vec<Scalar>, Fault> {
    let values = match value {
        Value::Array(values) if (1..=MAX_RULES).contains(&values.len()) => values.as_slice(),
        Value::Array(_) => {
            let fault = invalid(codes::PUBLISHER_CLAIM, key, "an array here has 1 to 32 values");
            return Err(fault.fix("leave the claim out if every value will do"));
        }
        value => std::slice::from_ref(value),
    };
    values.iter().map(|value| Scalar::read(key, value)).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const CLAIMS: Field = Field::new("x", oidc_core::PublisherField::required("claims", "Claims"));

    fn holds(claim: &str, expected: &Value, claims: &Value) -> bool {
        let rule = Rule::read(&CLAIMS, claim, expected).unwrap();
        rule.check(&Claims::parse(claims.to_string()).unwrap()).is_ok()
    }

    #[test]
    fn a_pointer_leads_to_a_member_and_nowhere_else() {
        let claims = json!({
            "a": {"b": {"c": "x", "": "empty"}, "b/c": "slash", "~1": "tilde", "0": "zero"}, "a/b": "flat", "l": ["x"],
            "/a/b/c": "own",
        });
        for (claim, expected, is_held) in [
            ("/a/b/c", "x", true),
            ("/a/b/", "empty", true),
            ("/a/b~1c", "slash", true),
            ("/a/~01", "tilde", true),
            ("/a/0", "zero", true),
            ("/a~1b", "flat", true),
            ("/~1a~1b~1c", "own", true),
            ("a/b", "flat", true),
            ("/a/b/c", "own", false),
            ("/a/b", "x", false),
            ("/a/b/c/d", "x", false),
            ("/a/B/c", "x", false),
            ("/l/0", "x", false),
            ("/l", "x", false),
            ("/a/b/d", "x", false),
        ] {
            assert_eq!(holds(claim, &json!(expected), &claims), is_held, "{claim} {expected}");
        }
    }

    #[test]
    fn a_pointer_has_a_form_and_a_bound() {
        let at = |depth: usize| "/a".repeat(depth);
        for (claim, is_taken) in [
            (at(8), true),
            (at(9), false),
            ("/".to_owned(), false),
            ("/a~".to_owned(), false),
            ("/a~2".to_owned(), false),
            ("/iss".to_owned(), false),
            ("/aud/0".to_owned(), false),
            ("/a\u{200b}".to_owned(), false),
        ] {
            assert_eq!(Rule::read(&CLAIMS, &claim, &json!("x")).is_ok(), is_taken, "{claim}");
        }
    }

    #[test]
    fn an_array_contains_each_value_by_its_type() {
        let claims = json!({"groups": ["acme", 7, true, ["nested"]], "text": "acme", "none": []});
        for (claim, expected, is_held) in [
            ("groups", json!({"contains": "acme"}), true),
            ("groups", json!({"contains": ["acme", 7, true]}), true),
            ("groups", json!({"contains": ["acme", "evil"]}), false),
            ("groups", json!({"contains": "7"}), false),
            ("groups", json!({"contains": "nested"}), false),
            ("groups", json!({"contains": "Acme"}), false),
            ("groups", json!({"contains": "acm"}), false),
            ("groups", json!("acme"), false),
            ("text", json!({"contains": "acme"}), false),
            ("text", json!({"contains": "a"}), false),
            ("none", json!({"contains": "acme"}), false),
            ("missing", json!({"contains": "acme"}), false),
        ] {
            assert_eq!(holds(claim, &expected, &claims), is_held, "{claim} {expected}");
        }
    }

    #[test]
    fn a_pattern_fits_whole_texts_only() {
        for (pattern, text, is_held) in [
            ("refs/tags/v*", json!("refs/tags/v1.0.0"), true),
            ("refs/tags/v*", json!("refs/tags/v1/evil"), false),
            ("refs/tags/v*", json!("xrefs/tags/v1"), false),
            ("refs/tags/v*", json!("refs/tags/w1"), false),
            ("spiffe://acme.example/**", json!("spiffe://acme.example/ns/a/sa/b"), true),
            ("spiffe://acme.example/*", json!("spiffe://acme.example/ns/a"), false),
            ("spiffe://acme.example/**", json!("spiffe://acme.example.evil/ns"), false),
            ("acme-*", json!("acme-"), true),
            ("acme-*", json!("acme"), false),
            ("a*", json!(["ab"]), false),
            ("1*", json!(12), false),
            ("a*", json!("a".repeat(1025)), false),
        ] {
            let claims = json!({ "c": text });
            assert_eq!(holds("c", &json!({ "matches": pattern }), &claims), is_held, "{pattern} {text}");
        }
        for pattern in ["*", "**", "a***", "", "a\u{200b}*"] {
            assert!(Rule::read(&CLAIMS, "c", &json!({ "matches": pattern })).is_err(), "{pattern}");
        }
        assert!(Rule::read(&CLAIMS, "c", &json!({ "matches": 7 })).is_err());
        assert!(Rule::read(&CLAIMS, "c", &json!({ "matches": "a", "contains": "b" })).is_err());
        assert!(Rule::read(&CLAIMS, "c", &json!({ "is": "a" })).is_err());
        assert!(Rule::read(&CLAIMS, "c", &json!({})).is_err());
        assert!(Rule::read(&CLAIMS, "c", &json!({ "contains": [] })).is_err());
        assert!(Rule::read(&CLAIMS, "c", &json!({ "contains": {"a": 1} })).is_err());
    }
}
