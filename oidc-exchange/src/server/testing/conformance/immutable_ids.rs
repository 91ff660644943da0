//! Publishers that are found by an immutable id.

use oidc_core::ImmutableId;

use super::answers::{created_by, listed, of_id, redeemed, removed, replaced};
use super::scene::{
    Records as _, by, configured, grant, ids, later, of_account, package, pending, published_by, stored,
};
use crate::server::{
    Grant, MAX_OF_ID, Package, PublisherRecord, PublisherStore, Redeemed, Stored, TokenStore, TrustStore,
};

/// The value of `repository_id` in a publisher's configuration.
fn with_id(record: PublisherRecord, value: &str) -> PublisherRecord {
    configured(record, "repository_id", value)
}

/// The publishers that are found by a `repository_id`.
async fn of<S>(store: &S, value: &str, ecosystem: &str, package: Option<&str>) -> Vec<PublisherRecord>
where
    S: PublisherStore,
{
    of_id(store, &ImmutableId::new("repository_id", value), ecosystem, package).await
}

/// Publishers that know the `repository_id` 7, and similar ones: `a` has no id, `b` and `d` are configured with it, `f`
/// has learned it, `c` has another id, and `e` is of another issuer.
async fn scene<S: TrustStore>(store: &S) {
    let mut foreign = with_id(later("e", "widget", 5), "7");
    foreign.identity.issuer = "https://other.example".to_owned();
    let mut learned = later("f", "gadget", 6);
    learned.learned.insert("repository_id".to_owned(), "7".to_owned());
    let elsewhere = PublisherRecord { package: Package::new("pypi", "widget"), ..later("d", "x", 4) };
    for record in [
        later("a", "widget", 1),
        with_id(later("b", "widget", 2), "7"),
        with_id(later("c", "widget", 3), "70"),
        with_id(elsewhere, "7"),
        foreign,
        learned,
    ] {
        stored(store, &record).await;
    }
}

pub(super) async fn a_publisher_is_found_by_its_immutable_id<S>(store: &S)
where
    S: PublisherStore + TrustStore,
{
    scene(store).await;
    let found = of(store, "7", "npm", Some("widget")).await;
    assert_eq!(ids(&found), ["b"], "a publisher is found by an id that is configured (`of_immutable_id`)");
    let found = of(store, "7", "npm", None).await;
    assert_eq!(ids(&found), ["b", "f"], "publishers of every package are found by an id, oldest first");
    let found = of(store, "7", "pypi", None).await;
    assert_eq!(ids(&found), ["d"], "an immutable id is looked for in one ecosystem");
    for value in ["", "%", "7%", "07", "7 ", "7\0"] {
        let found = of(store, value, "npm", None).await;
        assert!(found.is_empty(), "an id is compared as it is: `{value}`");
    }
    let owner = ImmutableId::new("repository_owner_id", "7");
    let found = of_id(store, &owner, "npm", None).await;
    assert!(found.is_empty(), "an immutable id is looked for by its claim");
}

pub(super) async fn a_publisher_is_found_by_the_id_that_it_has_now<S>(store: &S)
where
    S: PublisherStore + TokenStore + TrustStore,
{
    scene(store).await;
    let learning = Grant { packages: vec![by("a", "widget", &[("repository_id", "7")])], ..grant(1, "t") };
    assert_eq!(redeemed(store, &learning).await, Redeemed::Granted, "a first use is granted");
    let found = of(store, "7", "npm", Some("widget")).await;
    assert_eq!(ids(&found), ["a", "b"], "a publisher is found by an id that it learned");
    let learned = found.at(0).learned.get("repository_id").map(String::as_str);
    assert_eq!(learned, Some("7"), "with what it learned");

    let old = listed(store, &package("widget")).await.into_first();
    let edited = with_id(PublisherRecord { id: "g".to_owned(), ..old.clone() }, "8");
    assert_eq!(replaced(store, &old, &edited).await, Stored::Done, "a publisher is replaced");
    let found = of(store, "7", "npm", Some("widget")).await;
    assert_eq!(ids(&found), ["b"], "what is configured stands before it");
    let found = of(store, "8", "npm", Some("widget")).await;
    assert_eq!(ids(&found), ["g"], "a publisher is found by the id that it has now");

    assert!(removed(store, &package("widget"), "b").await, "a publisher is removed");
    let found = of(store, "7", "npm", Some("widget")).await;
    assert!(found.is_empty(), "a removed publisher is not found by its id");
}

pub(super) async fn publishers_of_an_id_are_bounded<S: PublisherStore + TrustStore>(store: &S) {
    for number in 0..MAX_OF_ID + 1 {
        let record = later(&format!("m{number:03}"), &format!("many-{number}"), 9);
        stored(store, &with_id(record, "9")).await;
    }
    assert_eq!(of(store, "9", "npm", None).await.len(), MAX_OF_ID, "publishers of an id are bounded");
    let found = of(store, "9", "npm", Some("many-32")).await;
    assert_eq!(ids(&found), ["m032"], "many of others keep no package's own out");
}

/// More publishers of `mallory`'s with the `repository_id` 7 than are found: those whose names begin with `mallory-000`
/// are pending, the others regular.
async fn squatted<S: TrustStore>(store: &S) {
    for number in 0..MAX_OF_ID + 8 {
        stored(store, &pending(with_id(of_account("mallory", number, 0), "7"))).await;
    }
    for number in 0..MAX_OF_ID {
        stored(store, &with_id(of_account("mallory", 100 + number, 1), "7")).await;
    }
}

/// Anybody may configure another's immutable id: publishers that are proven come first.
pub(super) async fn the_most_trustworthy_of_an_id_come_first<S>(store: &S)
where
    S: PublisherStore + TokenStore + TrustStore,
{
    squatted(store).await;
    let learns = of_account("carol", 1, 2);
    let proven = with_id(of_account("alice", 1, 3), "7");
    let own = PublisherRecord { account: None, ..with_id(of_account("operator", 1, 4), "7") };
    let learns_pending = pending(of_account("dave", 1, 0));
    for record in [&learns, &proven, &own, &learns_pending] {
        stored(store, record).await;
    }
    let found = of(store, "7", "npm", None).await;
    assert_eq!(found.len(), MAX_OF_ID, "publishers of an id are bounded");
    assert_eq!(found.at(0).id, own.id, "the operator's own comes before an account's");
    published_by(store, &proven).await;
    let found = of(store, "7", "npm", None).await;
    assert!(ids(&found).starts_with(&[&proven.id, &own.id]), "proven ones come first");

    let learned = [&learns, &learns_pending]
        .map(|record| by(&record.id, &record.package.name, &[("repository_id", "7")]));
    let learning = Grant { packages: learned.into(), ..grant(1, "t") };
    assert_eq!(redeemed(store, &learning).await, Redeemed::Granted, "a grant that learns is granted");
    let found = of(store, "7", "npm", None).await;
    let found = ids(&found);
    let rest = found.strip_prefix(&[&*proven.id, &own.id, &learns.id][..]);
    let rest = rest.expect("proven ones first, then who learned it");
    assert!(rest.iter().all(|id| id.starts_with("mallory-001")), "then regular ones: {found:?}");

    let owner = created_by(store, &learns_pending.package, &learns_pending.id).await;
    assert_eq!(owner, Some(learns_pending.owner()), "a created package belongs to its publisher's account");
    let found = of(store, "7", "npm", None).await;
    // The publisher that was pending is older than carol's.
    let first = [&*proven.id, &own.id, &learns_pending.id, &learns.id];
    assert!(ids(&found).starts_with(&first), "who learned it and is pending no more");
    for package in ["mallory-00000", "dave-00001"] {
        let found = of(store, "7", "npm", Some(package)).await;
        assert_eq!(found.len(), 1, "{package}: a package's own are found whatever others there are");
    }
}
