//! A job's token and the publisher that fits it.

use serde_json::{Map, Value, json};

use super::changes;
use super::fields::whole_config;
use super::outside::{assert_showable, provider};
use super::registry::Registry;
use super::{AUDIENCE, Harness};
use crate::claims::Claims;
use crate::diagnosis::Target;
use crate::proof::{Unverified, Verified};
use crate::provider::{ComparedCase, ComparedWorkflow, Provider, RegistryRules};
use crate::publisher::{FieldType, FieldValue, Match, Mismatch, Publisher};
use crate::token::Audience;

/// The fields of a configuration, with the claim that each is compared with.
fn settings<H: Harness>(harness: &H, provider: &dyn Provider, claims: &Verified<Claims>) -> Vec<FieldValue> {
    let config = whole_config(harness, provider);
    let proposed = provider.settings(&Unverified::new((**claims).clone()));
    let of_config = |mut setting: FieldValue| {
        setting.value = config.get(setting.field.key).cloned();
        setting.value.is_some().then_some(setting)
    };
    proposed.into_iter().filter_map(of_config).collect()
}

pub(super) async fn a_job_matches_its_publisher<H: Harness>(harness: &H) {
    let (provider, registry) = (provider(harness), Registry::of(harness));
    let [issuer, _] = harness.issuers();
    let claims = registry.job(&issuer).await;
    let unverified = Unverified::new((*claims).clone());
    let config = whole_config(harness, &*provider);
    let publisher = provider.publisher(&config.clone().into()).expect("the publisher that fits a job is one");
    let matched = publisher.check(&claims);
    let matched = matched.expect("the publisher that fits a job accepts its token");
    assert_eq!(publisher.explain(&unverified), None, "a job that is accepted is told of no rule");
    let identity = provider.identify(&claims).expect("a job's token speaks for somebody");
    let identities = provider.identities(&claims).expect("a job's token speaks for somebody");
    assert_eq!(identity.issuer, issuer, "an identity is of the token's issuer");
    assert!(identities.contains(&identity), "the identity is one of all identities");
    assert!(
        identities.contains(&publisher.identity()),
        "the publisher that accepts a token is found by the token's identity"
    );
    for setting in provider.settings(&unverified) {
        let is_known = provider.publisher_fields().contains(setting.field);
        assert!(is_known, "what is proposed for a job is a field of the table: {setting:?}");
    }
    assert_specific(&*provider, &config, &matched);
    let line = publisher.describe();
    let is_line = !line.is_empty() && !line.contains(char::is_control);
    assert!(is_line, "a publisher is described in one line: {line:?}");
    assert_told(&*provider, &unverified);
}

/// Checks that a match has the weights of the fields that are configured. Those of a table's members are the platform's.
fn assert_specific(provider: &dyn Provider, config: &Map<String, Value>, matched: &Match) {
    let fields = provider.publisher_fields();
    if fields.iter().any(|field| field.value == FieldType::Table) {
        return;
    }
    let is_rule = |key: &str| config.get(key).is_some_and(|value| *value != json!(false));
    let weights = fields.iter().filter(|field| is_rule(field.key)).map(|field| field.specificity);
    let sum: u32 = weights.sum();
    assert_eq!(matched.specificity, sum, "a match is as specific as the table says of its fields");
}

/// Checks what is told of a job: each in one line.
fn assert_told(provider: &dyn Provider, claims: &Unverified<Claims>) {
    for advice in provider.advise(claims) {
        let text = advice.to_string();
        assert!(!text.contains(char::is_control), "advice on a job is one line: {text:?}");
        assert_showable("advice on a job", &advice.to_text(), &[]);
    }
    for variable in [None, Some("NPM_ID_TOKEN")] {
        let clause = provider.renewal(variable);
        assert!(
            !clause.is_empty() && !clause.contains(char::is_control),
            "the way to another token is a clause: {clause:?}"
        );
    }
    let audience = Audience::new(AUDIENCE).expect("an audience");
    if let Some(line) = provider.variable_line("NPM_ID_TOKEN", &audience) {
        assert!(line.contains("NPM_ID_TOKEN"), "the line that puts a token into a variable names it: {line}");
        assert!(
            !line.contains(char::is_control),
            "the line that puts a token into a variable is one: {line:?}"
        );
    }
}

/// The claim that a mismatch is about.
fn claim_of(mismatch: &Mismatch) -> &str {
    match &mismatch.diagnosis().target {
        Target::Claim(claim) => claim,
        _ => "",
    }
}

/// Checks a refusal: one line, a stable code, a claim, and the same words for the job beforehand.
pub(super) fn assert_refused(
    what: &str,
    publisher: &dyn Publisher,
    token: &Verified<Claims>,
    mismatch: &Mismatch,
) {
    let text = mismatch.to_string();
    assert!(!text.contains(char::is_control), "{what}: a refusal is one line: {text:?}");
    assert!(!mismatch.diagnosis().code.is_empty(), "{what}: a refusal has a stable code: {text}");
    assert!(!claim_of(mismatch).is_empty(), "{what}: a refusal is about a claim: {text}");
    if let Some(explained) = publisher.explain(&Unverified::new((**token).clone())) {
        assert_eq!(&explained, mismatch, "{what}: a job is told before what the registry finds");
    }
}

/// Every rule of a publisher, one claim at a time.
pub(super) async fn every_changed_claim_is_refused<H: Harness>(harness: &H) {
    let (provider, registry) = (provider(harness), Registry::of(harness));
    let [issuer, _] = harness.issuers();
    let job = registry.job(&issuer).await;
    let (claims, settings) = (registry.claims(&issuer), settings(harness, &*provider, &job));
    let config = FieldValue::config(&settings);
    let publisher = provider.publisher(&config).expect("the publisher that fits a job is one");
    let read: Vec<&str> =
        settings.iter().filter(|set| set.value != Some(json!(false))).filter_map(|set| set.claim).collect();
    assert!(!read.is_empty(), "a publisher reads a claim");
    for claim in read {
        let usual = claims.get(claim).expect("the claim that a rule reads is in the job's token");
        for (what, changed) in changes::of(usual) {
            let what = format!("claim `{claim}`, {what}");
            let mut token = claims.clone();
            token.remove(claim);
            if let Some(changed) = &changed {
                token.insert(claim.to_owned(), changed.clone());
            }
            let Some(token) = registry.verified(&issuer, &token).await else { continue };
            let changed = changed.unwrap_or_default();
            match publisher.check(&token) {
                Ok(_) => {
                    let is_same = matches!((usual.as_str(), changed.as_str()), (Some(usual), Some(changed)) if harness.is_same(claim, usual, changed));
                    let is_allowed = is_same || changes::is_allowed(&settings, claim, usual, &changed);
                    assert!(is_allowed, "{what}: a token with another value than the publisher's is refused");
                    let identities = provider.identities(&token).unwrap_or_default();
                    assert!(identities.contains(&publisher.identity()), "{what}: look-up and check agree");
                }
                Err(mismatch) => {
                    assert_refused(&what, &*publisher, &token, &mismatch);
                    let named = claim_of(&mismatch);
                    let is_named = named == claim || changes::is_of_same_text(&claims, named, claim);
                    assert!(is_named, "{what}: the refusal names the claim, and not `{named}`");
                }
            }
        }
    }
}

/// Values that no platform puts into a claim.
fn hostile_values() -> Vec<Value> {
    let deep = (0..40).fold(json!("x"), |inner, _| json!([inner]));
    vec![
        json!(null),
        json!(0),
        json!(-1),
        json!(1.5),
        json!(true),
        json!(""),
        json!(" "),
        json!("\u{0}"),
        json!("a\nb"),
        json!("::add-mask::x"),
        json!("\u{1b}[31m"),
        json!("x".repeat(4000)),
        json!("/"),
        json!("@"),
        json!("//@@//"),
        json!("a/b/c/d/e@f@g"),
        json!("../../.."),
        json!("é/ß"),
        json!([]),
        json!({}),
        json!(vec!["x"; 100]),
        deep,
    ]
}

/// Whatever a token says: no panic, and an error of one line.
pub(super) async fn hostile_claims_bring_errors<H: Harness>(harness: &H) {
    let (provider, registry) = (provider(harness), Registry::of(harness));
    let [issuer, _] = harness.issuers();
    let claims = registry.claims(&issuer);
    let publisher = provider.publisher(&whole_config(harness, &*provider).into());
    let publisher = publisher.expect("the publisher that fits a job is one");
    for (name, value) in
        claims.keys().flat_map(|name| hostile_values().into_iter().map(move |value| (name, value)))
    {
        let mut token = claims.clone();
        token.insert(name.clone(), value);
        assert_survives(&*provider, &*publisher, &token);
        let Some(verified) = registry.verified(&issuer, &token).await else { continue };
        let what = format!("claim `{name}` with a value that no platform writes");
        if let Err(mismatch) = publisher.check(&verified) {
            assert_refused(&what, &*publisher, &verified, &mismatch);
        }
        let run = provider.run(&verified);
        let url = run.url.unwrap_or_default();
        assert!(!url.contains(char::is_control), "{what}: a run's link is one line: {url:?}");
        for identity in provider.identities(&verified).unwrap_or_default() {
            let _id = provider.immutable_id(&identity, &verified);
        }
        if let Err(mismatch) = provider.identify(&verified) {
            assert!(
                !claim_of(&mismatch).is_empty(),
                "{what}: a token without an identity is refused for a claim"
            );
        }
    }
    for (workflow, case) in rules() {
        let Some(other) = provider.comparing(RegistryRules::comparing(workflow).case(case)) else { continue };
        assert_eq!(other.id(), provider.id(), "a platform by a registry's rules is the same platform");
        assert_survives(&*other, &*publisher, &claims);
    }
}

fn rules() -> impl Iterator<Item = (ComparedWorkflow, ComparedCase)> {
    use ComparedWorkflow::{Called, CalledAnywhere, CalledAtAnyRef, Neither, Started, Uncertain};
    let workflows = [Started, Called, CalledAtAnyRef, CalledAnywhere, Neither, Uncertain];
    let cases =
        [ComparedCase::PerField, ComparedCase::Exact, ComparedCase::ExactNames, ComparedCase::Ignored];
    workflows.into_iter().flat_map(move |workflow| cases.map(|case| (workflow, case)))
}

fn assert_survives(provider: &dyn Provider, publisher: &dyn Publisher, claims: &Map<String, Value>) {
    let claims = Claims::parse(Value::from(claims.clone()).to_string()).expect("a JSON object");
    let claims = Unverified::new(claims);
    let _explained = publisher.explain(&claims);
    let config = FieldValue::config(&provider.settings(&claims));
    let _publisher = provider.publisher(&config);
    assert_told(provider, &claims);
}

pub(super) async fn another_issuers_token_is_refused<H: Harness>(harness: &H) {
    let registry = Registry::of(harness);
    let [own, other] = harness.issuers();
    let (own_platform, other_platform) = (harness.provider(&own), harness.provider(&other));
    let config = whole_config(harness, &*own_platform);
    let publisher = own_platform.publisher(&config.into()).expect("the publisher that fits a job is one");
    let token = registry.job(&other).await;
    let is_refused = publisher.check(&token).is_err();
    assert!(is_refused, "another issuer's token with the same claims is refused");
    let mismatch = publisher.check(&token).err();
    assert_eq!(
        mismatch.as_ref().map(claim_of),
        Some("iss"),
        "another issuer's token is refused for its issuer"
    );
    let identity = other_platform.identify(&token).expect("a job's token speaks for somebody");
    assert_eq!(identity.issuer, other, "an identity is of the token's issuer");
    assert_ne!(identity, publisher.identity(), "an identity of another issuer is another one");
}
