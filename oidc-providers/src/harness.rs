//! The common part of the platforms' tests: tokens that are really signed, verified and compared with a publisher, and
//! tables of cases.

use std::sync::Arc;

use oidc_core::testing::{FakeHttp, FakeIssuer, ManualClock, SigningAlgorithm};
use oidc_core::verify::Verifier;
use oidc_core::verify::backend::AwsLc;
use oidc_core::{Audience, Claims, Context, Diagnosis, Match, Provider, ProviderSet, Verified};
use proptest::prelude::*;
use serde_json::{Map, Value};

use crate::sample::Overrides;

/// The time at which the tokens of these tests are made.
pub(crate) const NOW: u64 = 1_700_000_000;
/// The audience of the tokens of these tests.
pub(crate) const AUDIENCE: &str = "npm:registry.example";
/// The placeholder in a table for a claim that a token doesn't have.
const ABSENT: &str = "<absent>";

/// Claims to change, from a JSON object. `null` is JSON's `null`; `"<absent>"` leaves a claim out.
pub(crate) fn overrides(changes: &Value) -> Overrides {
    let changes = changes.as_object().expect("an object of claims");
    let value = |value: &Value| Some(value.clone()).filter(|value| value != ABSENT);
    changes.iter().map(|(name, change)| (name.clone(), value(change))).collect()
}

/// A configuration with some keys changed; `null` leaves a key out.
pub(crate) fn changed(config: &Value, changes: &Value) -> Value {
    let mut config: Map<String, Value> = config.as_object().expect("an object").clone();
    for (key, value) in changes.as_object().expect("an object") {
        config.insert(key.clone(), value.clone());
    }
    config.retain(|_, value| !value.is_null());
    Value::Object(config)
}

/// Signs and verifies; `None` where the verifier refuses.
pub(crate) fn verified(
    provider: &(impl Provider + Clone + 'static),
    claims: &Value,
) -> Option<Verified<Claims>> {
    let providers = ProviderSet::default().with(provider.clone());
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(oidc_core::testing::verified(&providers, claims)).ok()
}

/// The signature algorithms with which a registry accepts a platform's tokens.
pub(crate) fn accepted_algorithms(
    platform: impl Provider + 'static,
    issuer: &str,
    claims: &Value,
) -> Vec<SigningAlgorithm> {
    const ALL: [SigningAlgorithm; 4] =
        [SigningAlgorithm::Rs256, SigningAlgorithm::Es256, SigningAlgorithm::Es384, SigningAlgorithm::EdDsa];
    let issuer = Arc::new(FakeIssuer::with_algorithms(issuer, &ALL));
    let http = FakeHttp::of_issuer(Arc::clone(&issuer));
    let context = Context::default().with_clock(ManualClock::at(NOW)).with_http(http);
    let (audience, providers) = (Audience::new(AUDIENCE).unwrap(), ProviderSet::of(platform));
    let verifier = Verifier::new(AwsLc, [audience], &providers, &context).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let is_accepted = |algorithm: &SigningAlgorithm| {
        runtime.block_on(verifier.verify(&issuer.sign_with(*algorithm, claims))).is_ok()
    };
    ALL.into_iter().filter(is_accepted).collect()
}

/// Returns the result for a token and a publisher's configuration: a match, or the stable name of the reason.
///
/// Look-up and check must agree: a token that is looked up under another key must be refused by the check too.
pub(crate) fn outcome(
    provider: &(impl Provider + Clone + 'static),
    config: &Value,
    claims: &Value,
) -> Result<Match, &'static str> {
    let publisher = provider.publisher(config).map_err(|_| "config")?;
    let claims = verified(provider, claims).ok_or("verifier")?;
    let checked = publisher.check(&claims);
    if checked.is_ok() {
        assert_eq!(provider.identify(&claims).unwrap(), publisher.identity(), "look-up and check must agree");
    }
    checked.map_err(|mismatch| {
        let Diagnosis { code, problem, .. } = mismatch.diagnosis();
        assert!(!problem.is_empty() && !mismatch.to_string().contains('\n'), "{mismatch}");
        *code
    })
}

/// Generates values that somebody could use in place of a text: similar texts, other texts, and other types.
pub(crate) fn anything_but(original: &str) -> impl Strategy<Value = Value> + use<> {
    let (original, length) = (original.to_owned(), original.chars().count());
    let near = (0..=length, 0..6_u8, any::<char>()).prop_map(move |(at, kind, character)| {
        let (before, after): (String, String) =
            (original.chars().take(at).collect(), original.chars().skip(at).collect());
        Value::from(match kind {
            0 => format!("{before}{character}{after}"),
            1 => before,
            2 => after,
            3 => format!("{before}{}", after.to_uppercase()),
            4 => format!("{original}{before}"),
            _ => format!("{before}{character}{}", after.chars().skip(1).collect::<String>()),
        })
    });
    prop_oneof![
        6 => near,
        2 => any::<String>().prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
        1 => any::<bool>().prop_map(Value::from),
        1 => Just(Value::Null),
        1 => Just(Value::from(Vec::<String>::new())),
    ]
}

/// Returns `true` if two texts are equal, with ASCII case ignored in their first `ignoring` bytes only.
pub(crate) fn same_up_to_case(left: &str, right: &str, ignoring: usize) -> bool {
    match (left.split_at_checked(ignoring), right.split_at_checked(ignoring)) {
        (Some((left, left_rest)), Some((right, right_rest))) => {
            left.eq_ignore_ascii_case(right) && left_rest == right_rest
        }
        _ => left == right,
    }
}

/// A row of a table of attacks: what it is, the claims that differ, why it is refused, and the publisher's keys that
/// differ.
pub(crate) fn attacks(table: &str) -> Vec<(String, Value, String, Value)> {
    let rows: Vec<Vec<Value>> = serde_json::from_str(table).unwrap();
    rows.into_iter()
        .map(|row| {
            let text = |at: usize| row[at].as_str().expect("a text").to_owned();
            (
                text(0),
                row[1].clone(),
                text(2),
                row.get(3).cloned().unwrap_or_else(|| Value::Object(Map::new())),
            )
        })
        .collect()
}

/// A case that somebody else's registry decided, and what we decide.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Vector {
    /// The case's name, which `VECTORS.md` uses.
    pub(crate) id: String,
    /// The issuer, if not the platform's public one.
    pub(crate) issuer: Option<String>,
    /// Each publisher's name and configuration, in the order of configuration.
    pub(crate) publishers: Vec<(String, Value)>,
    /// The claims that differ from the sample's; without any, only the configuration is judged.
    pub(crate) claims: Option<Value>,
    /// The other registry's decision: a publisher's name, `accept` for a configuration, or `reject`.
    pub(crate) theirs: String,
    /// This crate's decision, in the same words.
    pub(crate) ours: String,
}

/// Returns the publisher that accepts a token, the most specific of those that match; `reject` if none does.
pub(crate) fn selected(
    provider: &(impl Provider + Clone + 'static),
    vector: &Vector,
    claims: &Value,
) -> String {
    let matches = vector.publishers.iter().filter_map(|(name, config)| {
        let matched = outcome(provider, config, claims).ok()?;
        Some((matched.specificity, name.clone()))
    });
    matches.max_by_key(|(specificity, _)| *specificity).map_or_else(|| "reject".to_owned(), |(_, name)| name)
}

/// Compares the decision on every vector with the expected one, and the differences between the registries with the
/// document that explains them.
pub(crate) fn hold(table: &str, judge: impl Fn(&Vector) -> String) {
    let explained = include_str!("../VECTORS.md");
    let vectors: Vec<Vector> = serde_json::from_str(table).unwrap();
    for vector in &vectors {
        assert_eq!(judge(vector), vector.ours, "{vector:?}");
        let is_explained = explained.contains(&format!("`{}`", vector.id));
        assert_eq!(
            vector.ours != vector.theirs,
            is_explained,
            "{} differs or is explained without need",
            vector.id
        );
    }
}
