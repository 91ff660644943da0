//! Grants by publishers for a prefix.

use oidc_core::ImmutableId;

use super::Harness;
use super::answers::{
    created, created_by, listed, listed_ids, live_tokens, of_id, package_removed, package_renamed,
    package_transferred, published, redeemed, removed,
};
use super::prefix_scene::{for_prefix, only_of, prefix, publisher_of, with_prefixes};
use super::scene::{NOW, by, found, grant, package, publisher, stored};
use crate::server::{
    Grant, GrantedBy, Package, PackageOwner, PublisherStore, Redeemed, TokenRecord, TokenStore, TrustStore,
};

/// Two tokens: `whole` for the whole prefix `acme-`; `one` for one package, by both accounts and by its own
/// publisher.
async fn granted<S: PublisherStore + TrustStore>(store: &S) {
    with_prefixes(store).await;
    stored(store, &publisher("p", "acme-widget")).await;
    let (alice, bob) = (for_prefix("a", "acme-", "alice"), for_prefix("b", "acme-", "bob"));
    let widget = || package("acme-widget");
    let whole = vec![only_of(by("a", "", &[]), prefix("acme-"), &alice)];
    let one = vec![
        only_of(by("a", "", &[]), widget(), &alice),
        only_of(by("b", "", &[]), widget(), &bob),
        by("p", "acme-widget", &[]),
    ];
    for (jti, token, packages) in [(1, "whole", whole), (2, "one", one)] {
        let grant = Grant { packages, ..grant(jti, token) };
        let outcome = redeemed(store, &grant).await;
        assert_eq!(outcome, Redeemed::Granted, "a grant by publishers for a prefix is redeemed: `{token}`");
    }
}

pub(super) async fn what_a_prefix_grants_is_of_its_account<S>(store: &S)
where
    S: PublisherStore + TokenStore + TrustStore,
{
    granted(store).await;
    let (alice, bob) = (publisher_of("alice").owner(), publisher_of("bob").owner());
    let (widget, gadget) = (package("acme-widget"), package("acme-gadget"));
    let whole = found(store, "whole").await.expect("the token is found");
    for package in [&widget, &gadget] {
        let by = granted_by(&whole, package, std::slice::from_ref(&alice));
        assert_eq!(by, Some("a"), "a token of a prefix is for each of its account's packages: {package}");
    }
    assert_eq!(whole.packages.len(), 1, "a prefix is granted as a whole");
    for package in [&widget, &gadget, &package("acme"), &package("acme_widget")] {
        let by = granted_by(&whole, package, std::slice::from_ref(&bob));
        assert_eq!(by, None, "a token of a prefix is for no package of another account: {package}");
        let by = whole.for_package(package);
        assert!(by.is_none(), "a token of a prefix is for no package whose owner is not told: {package}");
    }
    let one = found(store, "one").await.expect("the token is found");
    assert_eq!(one.packages.len(), 3, "by its own publisher and each account's");
    let by = one.for_package(&widget).map(|granted| &*granted.publisher);
    assert_eq!(by, Some("p"), "a package's own publisher needs no owner");
    assert_eq!(granted_by(&one, &gadget, &[alice, bob]), None, "a token is for one package alone");
}

/// The publisher that granted a token for a package of these owners.
fn granted_by<'a>(record: &'a TokenRecord, package: &Package, owners: &[PackageOwner]) -> Option<&'a str> {
    record.for_package_of(package, owners).map(|granted| &*granted.publisher)
}

/// A granted package of `alice`'s or `bob`'s publisher for `acme-`.
fn of(id: &str, account: &str, package: Package) -> GrantedBy {
    only_of(by(id, "", &[]), package, &publisher_of(account))
}

pub(super) async fn what_a_prefix_granted_ends_with_its_publisher<S>(store: &S)
where
    S: PublisherStore + TokenStore + TrustStore,
{
    granted(store).await;
    assert!(removed(store, &prefix("acme-"), "a").await, "a prefix's publisher is removed");
    assert!(found(store, "whole").await.is_none(), "the tokens of a removed publisher end with it");
    let one = found(store, "one").await.expect("the others are there");
    let left: Vec<_> = one.packages.iter().map(|granted| &*granted.publisher).collect();
    assert_eq!(left, ["b", "p"], "what others granted stays in a token");
    for decided in [of("a", "alice", package("acme-widget")), of("a", "alice", prefix("acme-"))] {
        let grant = Grant { packages: vec![decided], ..grant(3, "decided before") };
        let outcome = redeemed(store, &grant).await;
        assert_eq!(outcome, Redeemed::Superseded, "the publisher was removed during the exchange");
    }
    let beyond = of("b", "bob", package("acmewidget"));
    let outcome = redeemed(store, &Grant { packages: vec![beyond], ..grant(4, "beyond") }).await;
    assert_eq!(outcome, Redeemed::Superseded, "the publisher's prefix does not cover the package");
}

pub(super) async fn live_tokens_of_a_prefix_are_counted<S>(store: &S)
where
    S: PublisherStore + TokenStore + TrustStore,
{
    granted(store).await;
    let counts = live_tokens(store, &prefix("acme-"), NOW).await;
    assert!(counts.is_empty(), "of proven publishers of accounts only: {counts:?}");
    let noted = published(store, &package("acme-widget"), "a", NOW).await;
    assert!(noted, "a publish of a package that the prefix covers is noted");
    let noted = published(store, &package("acme_widget"), "a", NOW).await;
    assert!(!noted, "a publish of a package that the prefix does not cover is not noted");
    let counts: Vec<_> = live_tokens(store, &prefix("acme-"), NOW).await.into_iter().collect();
    assert_eq!(counts, [("a".to_owned(), 2)], "a prefix's live tokens are counted");
}

pub(super) async fn a_package_that_goes_ends_what_a_prefix_granted_for_it<H: Harness>(harness: &H) {
    for change in 0..3 {
        let store = &harness.empty().await;
        granted(store).await;
        let widget = package("acme-widget");
        match change {
            0 => package_removed(store, &widget).await,
            1 => package_renamed(store, &widget, "acme-gadget").await,
            _ => package_transferred(store, &widget, &PackageOwner::account("bob"), &[]).await,
        }
        let one = found(store, "one").await;
        assert!(one.is_none(), "what a prefix granted for a package ends when it goes (change {change})");
        assert!(found(store, "whole").await.is_some(), "the publisher stays, for packages of its account");
        let left = listed_ids(store, &prefix("acme-")).await;
        assert_eq!(left, ["a", "b"], "a prefix keeps its publishers when a package goes (change {change})");
    }
}

pub(super) async fn a_prefix_learns_for_its_account<S>(store: &S)
where
    S: PublisherStore + TokenStore + TrustStore,
{
    with_prefixes(store).await;
    let learning = |jti, value, package| {
        let packages =
            vec![only_of(by("a", "", &[("repository_id", value)]), package, &publisher_of("alice"))];
        Grant { packages, ..grant(jti, "t") }
    };
    let first = redeemed(store, &learning(1, "7", package("acme-widget"))).await;
    assert_eq!(first, Redeemed::Granted, "a first use is granted");
    let listed = listed(store, &prefix("acme-")).await;
    let learned: Vec<_> = listed.iter().map(|record| record.learned.get("repository_id").cloned()).collect();
    assert_eq!(learned, [Some("7".to_owned()), None], "each account's publisher learns by itself");
    let another = redeemed(store, &learning(2, "8", prefix("acme-"))).await;
    assert_eq!(another, Redeemed::Superseded, "another id than the learned one is superseded");
    let found = of_id(store, &ImmutableId::new("repository_id", "7"), "npm", None).await;
    assert_eq!(found.len(), 1, "a publisher for a prefix is found by an id that it learned");
}

pub(super) async fn a_prefix_creates_nothing<S: TrustStore>(store: &S) {
    with_prefixes(store).await;
    let widget = package("acme-widget");
    for by in ["a", "b"] {
        assert_eq!(created_by(store, &widget, by).await, None, "a prefix is never pending");
    }
    created(store, &widget).await;
    let left = listed_ids(store, &prefix("acme-")).await;
    assert_eq!(left, ["a", "b"], "a prefix keeps its publishers when a package is created");
}
