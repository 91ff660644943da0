//! Immutable ids: learned once, and a stranger's where they differ.

use serde_json::{Map, Value, json};

use super::Harness;
use super::fields::whole_config;
use super::outside::provider;
use super::registry::Registry;
use crate::claims::Claims;
use crate::proof::Verified;
use crate::provider::Provider;
use crate::publisher::{ImmutableId, PublisherField};

/// The configuration without what is learned.
fn without_ids<H: Harness>(harness: &H, provider: &dyn Provider) -> Map<String, Value> {
    let mut config = whole_config(harness, provider);
    for field in provider.publisher_fields().iter().filter(|field| field.learned) {
        config.remove(field.key);
    }
    config
}

/// Another id of the same form.
fn other_id(id: &str) -> String {
    let mut other: String = id.chars().map(|c| if c == '-' { c } else { '9' }).collect();
    if other == id {
        other = id.chars().map(|c| if c == '-' { c } else { '8' }).collect();
    }
    other
}

/// The id of the token's own repository or project.
fn own_id(provider: &dyn Provider, token: &Verified<Claims>) -> Option<ImmutableId> {
    provider.immutable_id(&provider.identify(token).ok()?, token)
}

pub(super) async fn ids_are_learned_once<H: Harness>(harness: &H) {
    let (provider, registry) = (provider(harness), Registry::of(harness));
    let [issuer, _] = harness.issuers();
    let (token, claims) = (registry.job(&issuer).await, registry.claims(&issuer));
    let mut config = without_ids(harness, &*provider);
    let publisher = provider.publisher(&config.clone().into()).expect("a publisher without ids is one");
    let first = publisher.check(&token).expect("a publisher without ids accepts its job");
    let learned = |field: &&PublisherField| field.learned && claims.contains_key(field.key);
    let mut expected: Vec<&str> =
        provider.publisher_fields().iter().filter(learned).map(|field| field.key).collect();
    let mut found: Vec<&str> = first.learned.iter().map(|known| known.claim).collect();
    expected.sort_unstable();
    found.sort_unstable();
    assert_eq!(found, expected, "a publisher learns every id that the table of fields says, and no other");
    for known in &first.learned {
        let told = claims.get(known.claim).and_then(Value::as_str);
        assert_eq!(told, Some(&*known.value), "an id is learned as the token has it");
        config.insert(known.claim.to_owned(), known.value.clone().into());
    }
    // As a registry reads it the next time: with what was learned among the rules.
    let publisher = provider.publisher(&config.clone().into());
    let publisher = publisher.expect("what was learned can be read again under its claim's name");
    let again = publisher.check(&token).expect("a publisher that has learned accepts the same job");
    assert!(again.learned.is_empty(), "an id that was learned is not learned anew: {:?}", again.learned);
    assert_eq!(again.specificity, first.specificity, "learning changes no order");
    if let Some(id) = own_id(&*provider, &token) {
        let is_field =
            provider.publisher_fields().iter().any(|field| field.key == id.claim && field.immutable);
        assert!(is_field, "the token's own id `{}` is a field that outlives a rename", id.claim);
    }
}

/// Tokens with the publisher's names and without a configured id: each is a stranger's, whatever else differs.
pub(super) async fn strangers_are_told_nothing<H: Harness>(harness: &H) {
    let (provider, registry) = (provider(harness), Registry::of(harness));
    let [issuer, _] = harness.issuers();
    let (token, claims) = (registry.job(&issuer).await, registry.claims(&issuer));
    let config = without_ids(harness, &*provider);
    let publisher = provider.publisher(&config.clone().into()).expect("a publisher without ids is one");
    let ids = publisher.check(&token).expect("a publisher without ids accepts its job").learned;
    for known in &ids {
        let mut configured = config.clone();
        configured.insert(known.claim.to_owned(), known.value.clone().into());
        let publisher = provider.publisher(&configured.into()).expect("a publisher with one id is one");
        for change in claims.keys().flat_map(|claim| [json!("x"), json!(null)].map(|value| (claim, value))) {
            for id in [Some(other_id(&known.value)), None] {
                let mut stranger = claims.clone();
                stranger.insert(change.0.clone(), change.1.clone());
                stranger.remove(known.claim);
                if let Some(id) = &id {
                    stranger.insert(known.claim.to_owned(), id.clone().into());
                }
                let Some(stranger) = registry.verified(&issuer, &stranger).await else { continue };
                if provider.identify(&stranger).ok() != Some(publisher.identity()) {
                    continue;
                }
                let mismatch = publisher.check(&stranger).err();
                let is_stranger = mismatch.as_ref().is_some_and(crate::Mismatch::is_stranger);
                assert!(
                    is_stranger,
                    "whoever has the publisher's name and not its `{}` is a stranger, also with another `{}`: {mismatch:?}",
                    known.claim, change.0
                );
            }
        }
    }
}

/// A token with the publisher's own id and another name.
pub(super) async fn a_renamed_repository_is_told_so<H: Harness>(harness: &H) {
    let (provider, registry) = (provider(harness), Registry::of(harness));
    let [issuer, _] = harness.issuers();
    let (token, claims) = (registry.job(&issuer).await, registry.claims(&issuer));
    let Some(id) = own_id(&*provider, &token) else { return };
    let mut config = without_ids(harness, &*provider);
    config.insert(id.claim.to_owned(), id.value.clone().into());
    let publisher = provider.publisher(&config.into()).expect("a publisher with its own id is one");
    let names =
        provider.publisher_fields().iter().filter(|field| field.found_by && field.claim != Some(id.claim));
    for claim in names.filter_map(|field| field.claim) {
        let Some(usual) = claims.get(claim).and_then(Value::as_str) else { continue };
        let mut renamed = claims.clone();
        renamed.insert(claim.to_owned(), format!("{usual}-renamed").into());
        let Some(renamed) = registry.verified(&issuer, &renamed).await else { continue };
        let mismatch = publisher.check(&renamed).err();
        let is_renamed = mismatch.as_ref().is_some_and(crate::Mismatch::is_renamed);
        assert!(
            is_renamed,
            "a token with the publisher's own `{}` and another `{claim}` is of a renamed one: {mismatch:?}",
            id.claim
        );
    }
}
