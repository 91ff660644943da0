//! The tables of claims and fields, and configurations that are compared with them.

use serde_json::{Map, Value, json};

use super::outside::{assert_showable, provider};
use super::{AUDIENCE, Harness, NOW};
use crate::claims::Claims;
use crate::proof::Unverified;
use crate::provider::{ClaimType, ClaimUse, Provider, ReplaySource};
use crate::publisher::{FieldType, FieldValue, InvalidPublisher, PublisherField};

pub(super) fn the_profile_names_its_claims_once<H: Harness>(harness: &H) {
    let provider = provider(harness);
    let profile = provider.profile();
    let is_id = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
    assert!(!provider.id().is_empty(), "a platform has a name in configuration");
    assert!(
        provider.id().chars().all(is_id),
        "a platform's name in configuration is in lower case: {}",
        provider.id()
    );
    assert!(!provider.title().is_empty(), "a platform has a name for people");
    assert!(!profile.algorithms.is_empty(), "a platform has a signature algorithm");
    assert!(!profile.max_lifetime.is_zero(), "a platform's tokens live for a time");
    for (at, rule) in profile.claims.iter().enumerate() {
        let is_twice = profile.claims.iter().take(at).any(|other| other.name == rule.name);
        assert!(!is_twice, "the claim `{}` is in the table once", rule.name);
    }
    if profile.replay == ReplaySource::Jti && profile.rule("jti").is_some() {
        let is_required = profile.rule("jti").is_some_and(|rule| rule.usage == ClaimUse::Required);
        assert!(is_required, "a platform whose tokens are told apart by `jti` has it in each of them");
    }
    for name in ["iss", "aud", "exp", "iat"] {
        let is_as_registered = profile.rule(name).is_none_or(|rule| rule.claim_type == ClaimType::Registered);
        assert!(is_as_registered, "the claim `{name}` is the verifier's to read");
    }
}

/// The place of a field among the others.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Importance {
    Required,
    Recommended,
    Other,
}

impl Importance {
    fn of(field: &PublisherField) -> Self {
        match field {
            PublisherField { required: true, .. } => Self::Required,
            PublisherField { recommended: true, .. } => Self::Recommended,
            _ => Self::Other,
        }
    }
}

pub(super) fn each_field_agrees_with_its_claim<H: Harness>(harness: &H) {
    let provider = provider(harness);
    let fields = provider.publisher_fields();
    assert!(fields.iter().any(|field| field.found_by), "a publisher is looked up by a field");
    let mut before = Importance::Required;
    for (at, field) in fields.iter().enumerate() {
        let PublisherField { key, .. } = field;
        assert!(
            fields.iter().take(at).all(|other| other.key != *key),
            "the field `{key}` is in the table once"
        );
        assert!(!field.title.is_empty(), "the field `{key}` has a title");
        assert!(!field.example.is_empty(), "the field `{key}` has an example");
        assert!(!field.summary.contains(['`', '\n']), "the summary of `{key}` is plain text in one line");
        let importance = Importance::of(field);
        assert!(
            before <= importance,
            "required fields come first, then recommended ones, and `{key}` does not"
        );
        before = importance;
        assert!(
            !field.found_by || field.required || field.claim.is_none(),
            "a publisher is looked up by `{key}`, which it needs not have"
        );
        assert!(
            field.choices.is_empty() || field.choices.contains(&field.example),
            "the example of `{key}` is one of its choices"
        );
        let example = field.value_of(field.example).unwrap_or_default();
        assert!(fits(field, &example), "the example of `{key}` is of its field's type");
        let Some(claim) = field.claim else { continue };
        let rule = provider.profile().rule(claim);
        let rule = rule.expect("the claim that a field is compared with is in the table of claims");
        assert!(rule.usage != ClaimUse::Ignored, "the claim `{claim}` of the field `{key}` is read");
        assert_eq!(field.immutable, rule.immutable, "the field `{key}` outlives a rename if its claim does");
        assert!(!field.learned || field.immutable, "the field `{key}` is learned, which only ids are");
        assert!(
            !field.learned || field.key == claim,
            "the key of `{key}`, which is learned, is its claim's name"
        );
    }
}

fn fits(field: &PublisherField, value: &Value) -> bool {
    match field.value {
        FieldType::Text => value.is_string(),
        FieldType::Texts => value.is_string() || value.is_array(),
        FieldType::Flag => value.is_boolean(),
        FieldType::Table => value.is_object(),
    }
}

/// The configuration of a publisher with every field that the job has a value for.
pub(super) fn whole_config<H: Harness>(harness: &H, provider: &dyn Provider) -> Map<String, Value> {
    let [issuer, _] = harness.issuers();
    let config = harness.config().unwrap_or_else(|| {
        let claims = harness.claims(&issuer, AUDIENCE, NOW).to_string();
        let claims = Claims::parse(claims).expect("a job's claims are a JSON object");
        FieldValue::config(&provider.settings(&Unverified::new(claims)))
    });
    config.as_object().cloned().expect("a configuration is a JSON object")
}

/// The faults of a configuration.
fn faults(provider: &dyn Provider, config: &Map<String, Value>) -> Option<InvalidPublisher> {
    let error = provider.publisher(&config.clone().into()).err()?;
    let text = error.to_string();
    assert!(!error.faults().is_empty(), "a configuration that is refused has a fault");
    assert!(!text.contains(char::is_control), "the faults of a configuration are one line: {text:?}");
    assert!(text.len() < 256 * 1024, "the faults of a configuration are told within bounds");
    assert!(
        error.faults().len() <= 64,
        "no more faults are told than somebody reads: {}",
        error.faults().len()
    );
    for fault in error.faults() {
        assert!(!fault.code.is_empty() && !fault.problem.is_empty(), "a fault says what is wrong: {text}");
        assert!(fault.fix.is_some(), "a fault says what to write instead: {fault}");
        assert_showable("a fault", &fault.to_text(), &[]);
    }
    Some(error)
}

fn with(config: &Map<String, Value>, key: &str, value: Value) -> Map<String, Value> {
    let mut config = config.clone();
    config.insert(key.to_owned(), value);
    config
}

/// Checks that a configuration is refused for a key.
fn is_refused_for(provider: &dyn Provider, config: &Map<String, Value>, key: &str, why: &str) {
    let error = faults(provider, config);
    assert!(error.is_some(), "a configuration is refused where `{key}` {why}");
    let is_told = error.as_ref().is_some_and(|error| error.of(key).next().is_some());
    assert!(is_told, "the fault of `{key}`, which {why}, is told with its field: {error:?}");
}

pub(super) fn missing_keys_are_told<H: Harness>(harness: &H) {
    let provider = provider(harness);
    let whole = whole_config(harness, &*provider);
    let error = faults(&*provider, &whole);
    assert!(error.is_none(), "the publisher that fits a job is one: {error:?}");
    let fields = provider.publisher_fields();
    for key in whole.keys() {
        let is_known = fields.iter().any(|field| field.key == key);
        assert!(is_known, "the key `{key}` of a configuration is in the table of fields");
    }
    for field in fields {
        let mut without = whole.clone();
        without.remove(field.key);
        for config in [with(&whole, field.key, Value::Null), without] {
            if field.required {
                is_refused_for(&*provider, &config, field.key, "is required and missing");
            } else if field.claim.is_some() {
                let error = faults(&*provider, &config);
                assert!(error.is_none(), "the field `{}` may be left out: {error:?}", field.key);
            }
        }
    }
    let none = faults(&*provider, &Map::new());
    for field in fields.iter().filter(|field| field.required) {
        let is_told = none.as_ref().is_some_and(|error| error.of(field.key).next().is_some());
        assert!(is_told, "every required field that is missing is told at once, and `{}` is not", field.key);
    }
}

pub(super) fn unknown_keys_are_told<H: Harness>(harness: &H) {
    let provider = provider(harness);
    let whole = whole_config(harness, &*provider);
    let fields = provider.publisher_fields();
    let near = fields.iter().flat_map(|field| {
        [
            field.key.to_uppercase(),
            format!("{}s", field.key),
            format!("{} ", field.key),
            format!("{}\0", field.key),
        ]
    });
    let others = ["no_such_key", "", "iss", "issuer", "sub ", "__proto__"].map(str::to_owned);
    for key in near.chain(others) {
        if fields.iter().any(|field| field.key == key) {
            continue;
        }
        let error = faults(&*provider, &with(&whole, &key, json!("x")));
        assert!(error.is_some(), "a key that the table of fields lacks is refused: `{}`", key.escape_debug());
    }
    let many = (0..10_000).map(|number| (format!("x{number}"), json!(0))).collect();
    assert!(faults(&*provider, &many).is_some(), "a configuration of ten thousand keys is refused");
    let long = with(&whole, &"x".repeat(1024 * 1024), json!(0));
    assert!(faults(&*provider, &long).is_some(), "a key of a million bytes is refused");
    for config in [json!(null), json!([]), json!("x"), json!(7), json!(true), json!([whole])] {
        assert!(provider.publisher(&config).is_err(), "what is no JSON object is no configuration: {config}");
    }
}

/// Values that a field of a type can't have, each with what is wrong.
fn wrong_values(of: FieldType) -> Vec<(Value, &'static str)> {
    let texts = [
        (json!(""), "is empty"),
        (json!(" "), "is white space"),
        (json!(" x"), "has white space around it"),
        (json!("x\n"), "has a line break behind it"),
        (json!("a\u{0}b"), "holds a control character"),
        (json!("a\u{1b}[31m"), "holds an escape"),
        (json!("a\u{200b}b"), "holds what is not seen"),
        (json!("a\u{202e}b"), "holds what reorders it"),
        (json!("x".repeat(1024 * 1024)), "is a million bytes long"),
    ];
    let others =
        [(json!(7), "is a number"), (json!(1.5), "is a fraction"), (json!([[]]), "is an array of arrays")];
    let mut wrong: Vec<(Value, &'static str)> = others.into();
    wrong.push((json!([7]), "is an array of numbers"));
    match of {
        FieldType::Text | FieldType::Texts => {
            wrong.extend(texts);
            wrong.push((json!(true), "is a truth value"));
            wrong.push((json!({ "a": "b" }), "is an object"));
            wrong.push((json!([]), "is an empty array"));
            if of == FieldType::Text {
                wrong.push((json!(["x"]), "is an array"));
            } else {
                wrong.push((json!(["x", ""]), "is an array with an empty text"));
                wrong.push((json!(vec!["x"; 10_000]), "is an array of ten thousand"));
            }
        }
        FieldType::Flag => wrong.extend([
            (json!("true"), "is a text"),
            (json!(1), "is a one"),
            (json!({}), "is an object"),
            (json!([true]), "is an array"),
        ]),
        FieldType::Table => wrong.extend([(json!("x"), "is a text"), (json!(true), "is a truth value")]),
    }
    wrong
}

pub(super) fn wrong_values_are_told<H: Harness>(harness: &H) {
    let provider = provider(harness);
    let whole = whole_config(harness, &*provider);
    for field in provider.publisher_fields() {
        for (value, why) in wrong_values(field.value) {
            is_refused_for(&*provider, &with(&whole, field.key, value), field.key, why);
        }
        if !field.choices.is_empty() {
            let config = with(&whole, field.key, json!("no-such-choice"));
            is_refused_for(&*provider, &config, field.key, "is none of its choices");
        }
    }
}

pub(super) fn all_faults_are_told_at_once<H: Harness>(harness: &H) {
    let provider = provider(harness);
    let fields = provider.publisher_fields();
    let wrong = fields.iter().map(|field| (field.key.to_owned(), json!(7)));
    let config: Map<String, Value> = wrong.chain([("no_such_key".to_owned(), json!(7))]).collect();
    for key in fields.iter().map(|field| field.key).chain(["no_such_key"]) {
        is_refused_for(&*provider, &config, key, "is wrong as all others are");
    }
}
