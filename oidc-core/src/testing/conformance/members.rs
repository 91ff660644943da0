//! Members of claims, one at a time, and the objects around them.

use serde_json::{Map, Value};

use super::Harness;
use super::changes;
use super::fields::whole_config;
use super::matching::assert_refused;
use super::outside::provider;
use super::registry::Registry;

/// Every rule of a publisher that reads a member of a claim. Whatever stands in the place of the member, or of an object around
/// it, is refused.
pub(super) async fn every_changed_member_is_refused<H: Harness>(harness: &H) {
    let (provider, registry) = (provider(harness), Registry::of(harness));
    let [issuer, _] = harness.issuers();
    let claims = registry.claims(&issuer);
    let publisher = provider.publisher(&whole_config(harness, &*provider).into());
    let publisher = publisher.expect("the publisher that fits a job is one");
    for (pointer, place) in harness.members().iter().flat_map(|pointer| places(pointer)) {
        let usual = Value::from(claims.clone()).pointer(place).cloned();
        let usual = usual.expect("the member that a rule reads is in the job's token");
        for (what, changed) in changes::of(&usual) {
            let what = format!("`{pointer}`, {what} at `{place}`");
            let token = with(&claims, place, changed);
            let Some(token) = registry.verified(&issuer, &token).await else { continue };
            let mismatch = publisher.check(&token).err();
            assert!(mismatch.is_some(), "{what}: a token with another value than the publisher's is refused");
            if let Some(mismatch) = mismatch {
                assert_refused(&what, &*publisher, &token, &mismatch);
            }
        }
    }
}

/// The pointer itself, and those to the objects around it.
fn places(pointer: &str) -> impl Iterator<Item = (&str, &str)> {
    let ends = pointer.match_indices('/').map(|(at, _)| at).skip(1).chain([pointer.len()]);
    ends.filter_map(move |end| Some((pointer, pointer.get(..end)?)))
}

/// The claims with another value at a place; without it where there is none.
fn with(claims: &Map<String, Value>, place: &str, value: Option<Value>) -> Map<String, Value> {
    let mut claims = Value::from(claims.clone());
    let (around, name) = place.rsplit_once('/').expect("a JSON pointer begins with a slash");
    let name = name.replace("~1", "/").replace("~0", "~");
    let object = claims.pointer_mut(around).and_then(Value::as_object_mut);
    let object = object.expect("the members that rules read are those of objects");
    match value {
        Some(value) => object.insert(name, value),
        None => object.remove(&name),
    };
    claims.as_object().cloned().unwrap_or_default()
}
