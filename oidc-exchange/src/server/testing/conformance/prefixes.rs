//! Publishers for a prefix of packages' names.

use std::time::Duration;

use oidc_core::ImmutableId as IdPin;

use super::Harness;
use super::scene::{NOW, by, configured, found, grant, identity, package, publisher, stored};
use crate::server::PackageOwner::Operator;
use crate::server::{
    Grant, GrantedBy, MAX_UNPROVEN, Package, PackageOwner, PublisherLimit, PublisherRecord, PublisherStore,
    Redeemed, Room, Stored, TokenStore, TrustStore,
};

fn prefix(text: &str) -> Package {
    Package::prefix("npm", text).expect("the suite's prefixes are some")
}

/// A publisher of an account for a prefix, with the repository `acme/widget`.
fn for_prefix(id: &str, text: &str, account: &str) -> PublisherRecord {
    let mut record = PublisherRecord { package: prefix(text), ..publisher(id, "") };
    record.account = Some(account.to_owned());
    record
}

/// A granted package of an account's publisher for a prefix.
fn only_of(mut by: GrantedBy, package: Package, record: &PublisherRecord) -> GrantedBy {
    by.package = package;
    by.only_of = Some(record.owner());
    by
}

async fn ids<S: TrustStore>(store: &S, package: &Package) -> Vec<String> {
    let listed = store.list(package).await.expect("the store lists a package's publishers");
    listed.into_iter().map(|record| record.id).collect()
}

fn roomy() -> Room {
    Room { prefixes_per_account: 100, ..Room::default() }
}

async fn allowed<S: TrustStore>(store: &S, publisher: &PublisherRecord) {
    let stored = store.add(publisher, &roomy()).await.expect("the store takes a publisher");
    assert_eq!(stored, Stored::Done, "a new publisher for a prefix is stored");
}

/// Publishers for `acme-` of two accounts, for `acme_`, and for a package with the name of the prefix.
async fn scene<S: TrustStore>(store: &S) {
    stored(store, &publisher("namesake", "acme-")).await;
    for record in [
        for_prefix("a", "acme-", "alice"),
        for_prefix("b", "acme-", "bob"),
        for_prefix("underscore", "acme_", "alice"),
    ] {
        allowed(store, &record).await;
    }
}

pub(super) async fn a_publisher_for_a_prefix_is_of_no_package<S>(store: &S)
where
    S: PublisherStore + TrustStore,
{
    scene(store).await;
    assert_eq!(ids(store, &prefix("acme-")).await, ["a", "b"], "a prefix's publishers are listed by it");
    assert_eq!(ids(store, &package("acme-")).await, ["namesake"], "a package may be called as a prefix is");
    assert!(ids(store, &package("acme-widget")).await.is_empty(), "a prefix's publishers are of no package");
    assert!(
        ids(store, &package("")).await.is_empty(),
        "a prefix's publishers are not of a package without a name"
    );
    let kept = store.list(&prefix("acme_")).await.expect("the store lists a prefix's publishers");
    assert_eq!(
        format!("{kept:?}"),
        format!("{:?}", [for_prefix("underscore", "acme_", "alice")]),
        "a publisher for a prefix comes back as it was stored"
    );

    let found = async |name: Option<&str>| {
        let found = store.candidates(&[identity("acme/widget")], "npm", name).await;
        let found = found.expect("the store finds an identity's publishers").into_all();
        found.into_iter().map(|record| record.id).collect::<Vec<_>>()
    };
    assert_eq!(found(Some("acme-")).await, ["namesake"], "of the package alone");
    assert!(found(Some("acme-widget")).await.is_empty(), "those for a prefix are asked for by it");
    assert_eq!(found(None).await, ["a", "b", "namesake", "underscore"], "where no package is named");
    assert!(
        found(Some("")).await.is_empty(),
        "those for a prefix are candidates for no package without a name"
    );
    let of_package = store.of_package(&package("")).await.expect("the store finds a package's publishers");
    assert!(of_package.is_empty(), "those for a prefix are of no package without a name");

    let removed = store.remove(&package("acme-"), "a").await.expect("the store removes a publisher");
    assert!(!removed, "a package has no publisher of a prefix that is spelt so");
    let removed = store.remove(&prefix("acme_"), "a").await.expect("the store removes a publisher");
    assert!(!removed, "a prefix has no publisher of another prefix");
    let removed = store.remove(&prefix("acme-"), "a").await.expect("the store removes a publisher");
    assert!(removed, "a prefix's publisher is removed");
    store.package_removed(&prefix("acme-")).await.expect("the store takes note of a removed package");
    assert!(ids(store, &prefix("acme-")).await.is_empty(), "a prefix that is removed has no publishers");
    assert_eq!(ids(store, &prefix("acme_")).await, ["underscore"], "another prefix keeps its publishers");
    assert_eq!(
        ids(store, &package("acme-")).await,
        ["namesake"],
        "a package that is called as the prefix keeps its publishers"
    );
    store.package_removed(&package("acme-")).await.expect("the store takes note of a removed package");
    assert_eq!(
        ids(store, &prefix("acme_")).await,
        ["underscore"],
        "a prefix keeps its publishers when a package goes"
    );
}

pub(super) async fn publishers_for_prefixes_are_found_by_prefix_owner_and_identity<S>(store: &S)
where
    S: PublisherStore + TrustStore,
{
    scene(store).await;
    let mut own = PublisherRecord { account: None, ..for_prefix("own", "acme-", "") };
    own.created_at = NOW.plus(Duration::from_secs(1));
    let mut elsewhere = for_prefix("elsewhere", "acme-", "alice");
    elsewhere.package = Package::prefix("cargo", "acme-").expect("the suite's prefixes are some");
    let other = PublisherRecord { identity: identity("acme/other"), ..for_prefix("other", "acme-", "alice") };
    for record in [own, elsewhere, other] {
        allowed(store, &record).await;
    }
    let alice = for_prefix("", "acme-", "alice").owner();
    let bob = for_prefix("", "acme-", "bob").owner();
    let operator = publisher("", "").owner();
    for (key, owners, prefixes, expected) in [
        ("acme/widget", vec![alice.clone()], vec!["acme-"], vec!["a"]),
        ("acme/widget", vec![bob.clone(), alice.clone()], vec!["acme-", "acme-w-"], vec!["a", "b"]),
        (
            "acme/widget",
            vec![alice.clone(), operator.clone()],
            vec!["acme-", "acme_"],
            vec!["a", "underscore", "own"],
        ),
        ("acme/widget", vec![operator], vec!["acme-"], vec!["own"]),
        ("acme/other", vec![alice.clone(), bob], vec!["acme-"], vec!["other"]),
        ("acme/nobody", vec![alice.clone()], vec!["acme-"], vec![]),
        ("acme/widget", vec![alice.clone()], vec!["acm-", "acme.", "@acme/"], vec![]),
        ("acme/widget", vec![], vec!["acme-"], vec![]),
        ("acme/widget", vec![alice.clone()], vec![], vec![]),
        ("acme\0", vec![alice.clone()], vec!["acme-"], vec![]),
        ("acme/widget", vec![publisher_of("al%").owner(), publisher_of("").owner()], vec!["acme-"], vec![]),
    ] {
        let asked: Vec<Package> = prefixes.iter().map(|text| prefix(text)).collect();
        let found = store.of_prefixes(&[identity(key), identity("acme/else")], &owners, &asked).await;
        let found = found.expect("the store finds publishers for prefixes");
        let found: Vec<_> = found.iter().map(|record| &*record.id).collect();
        assert_eq!(found, expected, "{key} {owners:?} {prefixes:?}");
    }
    let named = [package("acme-")];
    let found = store.of_prefixes(&[identity("acme/widget")], &[alice], &named).await;
    assert!(found.expect("the store finds publishers for prefixes").is_empty(), "a package is no prefix");
}

/// Publishers of `alice` that have learned ids, beside those of more strangers than are candidates.
pub(super) async fn strangers_hide_no_learned_ids<S>(store: &S)
where
    S: PublisherStore + TrustStore,
{
    let learned = |record: PublisherRecord| {
        let ids = [("repository_id".to_owned(), "7".to_owned())];
        PublisherRecord { learned: ids.into(), lapses: false, ..record }
    };
    let of_alice = |id, name| PublisherRecord { account: Some("alice".to_owned()), ..publisher(id, name) };
    for number in 0..2 * MAX_UNPROVEN {
        let mut stranger = publisher(&format!("s{number:03}"), &format!("theirs-{number}"));
        stranger.account = Some(format!("stranger-{number}"));
        stored(store, &learned(stranger)).await;
    }
    let elsewhere = PublisherRecord { package: Package::new("cargo", "acme-a"), ..of_alice("elsewhere", "") };
    let other = PublisherRecord { identity: identity("acme/other"), ..of_alice("other", "acme-a") };
    for record in
        [of_alice("fresh", "acme-b"), learned(of_alice("x", "acme-a")), learned(elsewhere), learned(other)]
    {
        stored(store, &record).await;
    }
    allowed(store, &learned(for_prefix("y", "acme-", "alice"))).await;
    stored(store, &learned(publisher("own", "acme-a"))).await;
    let (alice, bob, operator) = (publisher_of("alice").owner(), publisher_of("bob").owner(), Operator);
    let identities = [identity("acme/widget"), identity("acme\0")];
    for (owners, expected) in [
        (vec![alice.clone(), bob.clone()], vec!["x", "y"]),
        (vec![operator, alice], vec!["own", "x", "y"]),
        (vec![bob], vec![]),
        (vec![], vec![]),
    ] {
        let found = store.learned(&identities, &owners, "npm").await;
        let mut found: Vec<_> = found
            .expect("the store finds publishers that have learned ids")
            .into_iter()
            .map(|record| record.id)
            .collect();
        found.sort();
        assert_eq!(found, expected, "the publishers of {owners:?} that have learned ids, and nobody else's");
    }
}

pub(super) async fn a_package_is_covered_by_its_owners_prefixes<S: TrustStore>(store: &S) {
    scene(store).await;
    let mut own = PublisherRecord { account: None, ..for_prefix("own", "acme-", "") };
    own.created_at = NOW.plus(Duration::from_secs(1));
    allowed(store, &own).await;
    allowed(store, &for_prefix("longer", "acme-w-", "alice")).await;
    let (alice, bob) = (publisher_of("alice").owner(), publisher_of("bob").owner());
    for (name, owners, expected) in [
        ("acme-w-x", vec![alice.clone()], vec!["a", "longer"]),
        ("acme-widget", vec![alice.clone()], vec!["a"]),
        ("acme-widget", vec![alice.clone(), bob, Operator], vec!["a", "b", "own"]),
        ("acme-", vec![alice.clone()], vec![]),
        ("acme", vec![alice.clone()], vec![]),
        ("acme-widget", vec![publisher_of("nobody").owner()], vec![]),
        ("acme-widget", vec![], vec![]),
    ] {
        let found = store.covering(&package(name), &owners).await;
        let found = found.expect("the store finds the publishers for prefixes that cover a package");
        let found: Vec<_> = found.iter().map(|record| &*record.id).collect();
        assert_eq!(found, expected, "`{name}` of {owners:?} is covered by the prefixes of its owners");
    }
    let found = store.covering(&prefix("acme-w-"), &[alice]).await;
    let found = found.expect("the store finds the publishers for prefixes that cover a package");
    assert!(found.is_empty(), "a prefix is covered by no other");
}

fn publisher_of(account: &str) -> PublisherRecord {
    for_prefix("", "acme-", account)
}

/// Two tokens: `whole` for the whole prefix `acme-`; `one` for one package, by both accounts and by its own
/// publisher.
async fn granted<S: PublisherStore + TrustStore>(store: &S) {
    scene(store).await;
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
        assert_eq!(
            store.redeem(&grant).await.expect("the store redeems a grant"),
            Redeemed::Granted,
            "a grant by publishers for a prefix is redeemed: `{token}`"
        );
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
    let one = found(store, "one").await.expect("the token is found");
    let by = |record: &crate::server::TokenRecord, package: &Package, owners: &[_]| {
        record.for_package_of(package, owners).map(|granted| granted.publisher.clone())
    };
    let all = [&widget, &gadget].map(|package| by(&whole, package, std::slice::from_ref(&alice)));
    assert_eq!(
        all,
        [Some("a".to_owned()), Some("a".to_owned())],
        "a token of a prefix is for each of its account's packages"
    );
    assert_eq!(whole.packages.len(), 1, "as a whole");
    for package in [&widget, &gadget, &package("acme"), &package("acme_widget")] {
        assert_eq!(
            by(&whole, package, std::slice::from_ref(&bob)),
            None,
            "a token of a prefix is for no package of another account: {package}"
        );
        assert!(
            whole.for_package(package).is_none(),
            "a token of a prefix is for no package whose owner is not told: {package}"
        );
    }
    assert_eq!(one.packages.len(), 3, "by its own publisher and each account's");
    assert_eq!(
        one.for_package(&widget).map(|granted| &*granted.publisher),
        Some("p"),
        "a package's own publisher needs no owner"
    );
    assert_eq!(by(&one, &gadget, &[alice, bob]), None, "for one package alone");
}

pub(super) async fn what_a_prefix_granted_ends_with_its_publisher<S>(store: &S)
where
    S: PublisherStore + TokenStore + TrustStore,
{
    granted(store).await;
    let counts = store.live_tokens(&prefix("acme-"), NOW).await.expect("the store counts tokens");
    assert!(counts.is_empty(), "of proven publishers of accounts only: {counts:?}");
    let published =
        store.published(&package("acme-widget"), "a", NOW).await.expect("the store notes a publish");
    assert!(published, "a publish of a package that the prefix covers is noted");
    let published =
        store.published(&package("acme_widget"), "a", NOW).await.expect("the store notes a publish");
    assert!(!published, "a publish of a package that the prefix does not cover is not noted");
    let counts = store.live_tokens(&prefix("acme-"), NOW).await.expect("the store counts tokens");
    assert_eq!(
        counts.into_iter().collect::<Vec<_>>(),
        [("a".to_owned(), 2)],
        "a prefix's live tokens are counted"
    );
    let removed = store.remove(&prefix("acme-"), "a").await.expect("the store removes a publisher");
    assert!(removed, "a prefix's publisher is removed");
    assert!(found(store, "whole").await.is_none(), "the tokens of a removed publisher end with it");
    let one = found(store, "one").await.expect("the others are there");
    assert_eq!(
        one.packages.iter().map(|granted| &*granted.publisher).collect::<Vec<_>>(),
        ["b", "p"],
        "what others granted stays in a token"
    );
    let decided = only_of(by("a", "", &[]), package("acme-widget"), &publisher_of("alice"));
    for packages in [vec![decided], vec![only_of(by("a", "", &[]), prefix("acme-"), &publisher_of("alice"))]]
    {
        let grant = Grant { packages, ..grant(3, "decided before") };
        let redeemed = store.redeem(&grant).await.expect("the store redeems a grant");
        assert_eq!(redeemed, Redeemed::Superseded, "the publisher was removed during the exchange");
    }
    let beyond = only_of(by("b", "", &[]), package("acmewidget"), &publisher_of("bob"));
    let grant = Grant { packages: vec![beyond], ..grant(4, "beyond") };
    let redeemed = store.redeem(&grant).await.expect("the store redeems a grant");
    assert_eq!(redeemed, Redeemed::Superseded, "the publisher's prefix does not cover the package");
}

pub(super) async fn a_package_that_goes_ends_what_a_prefix_granted_for_it<H: Harness>(harness: &H) {
    for change in 0..3 {
        let store = &harness.empty().await;
        granted(store).await;
        let widget = package("acme-widget");
        let changed = match change {
            0 => store.package_removed(&widget).await,
            1 => store.package_renamed(&widget, "acme-gadget").await,
            _ => store.package_transferred(&widget, &PackageOwner::account("bob"), &[]).await,
        };
        changed.expect("the store takes note of a package's change");
        assert!(
            found(store, "one").await.is_none(),
            "what a prefix granted for a package ends when it goes (change {change})"
        );
        assert!(found(store, "whole").await.is_some(), "the publisher stays, for packages of its account");
        assert_eq!(
            ids(store, &prefix("acme-")).await,
            ["a", "b"],
            "a prefix keeps its publishers when a package goes (change {change})"
        );
    }
}

pub(super) async fn a_prefix_learns_and_creates_nothing<S>(store: &S)
where
    S: PublisherStore + TokenStore + TrustStore,
{
    scene(store).await;
    let learns = by("a", "", &[("repository_id", "7")]);
    let learns = only_of(learns, package("acme-widget"), &publisher_of("alice"));
    let grant = |jti, packages| Grant { packages, ..grant(jti, "t") };
    let redeemed = store.redeem(&grant(1, vec![learns])).await.expect("the store redeems a grant");
    assert_eq!(redeemed, Redeemed::Granted, "a first use is granted");
    let listed = store.list(&prefix("acme-")).await.expect("the store lists a prefix's publishers");
    let learned: Vec<_> = listed.iter().map(|record| record.learned.get("repository_id").cloned()).collect();
    assert_eq!(learned, [Some("7".to_owned()), None], "each account's by itself");
    let another = by("a", "", &[("repository_id", "8")]);
    let another = only_of(another, prefix("acme-"), &publisher_of("alice"));
    let redeemed = store.redeem(&grant(2, vec![another])).await.expect("the store redeems a grant");
    assert_eq!(redeemed, Redeemed::Superseded, "another id than the learned one is superseded");
    let id = IdPin::new("repository_id", "7");
    let of_id = store.of_immutable_id("https://issuer.example", &id, "npm", None).await;
    assert_eq!(
        of_id.expect("the store finds publishers by an immutable id").len(),
        1,
        "a publisher for a prefix is found by an id that it learned"
    );

    let widget = package("acme-widget");
    for by in ["a", "b"] {
        let created = store.package_created_by(&widget, by).await;
        assert_eq!(
            created.expect("the store takes note of a new package"),
            None,
            "a prefix is never pending"
        );
    }
    store.package_created(&widget).await.expect("the store takes note of a new package");
    assert_eq!(
        ids(store, &prefix("acme-")).await,
        ["a", "b"],
        "a prefix keeps its publishers when a package is created"
    );
}

pub(super) async fn each_account_has_room_for_prefixes<S: TrustStore>(store: &S) {
    let room = Room { prefixes_per_account: 2, ..Room::default() };
    for (id, text, account, expected) in [
        ("a1", "acme-", "alice", Stored::Done),
        ("a2", "acme_", "alice", Stored::Done),
        ("a3", "acme.", "alice", Stored::TooMany(PublisherLimit::Prefix)),
        ("b1", "acme-", "bob", Stored::Done),
    ] {
        let stored = store.add(&for_prefix(id, text, account), &room).await;
        assert_eq!(
            stored.expect("the store takes a publisher"),
            expected,
            "each account has room for two prefixes, and `{id}` finds it so"
        );
    }
    let mut of_package = publisher("p", "widget");
    of_package.account = Some("alice".to_owned());
    let stored = store.add(&of_package, &room).await.expect("the store takes a publisher");
    assert_eq!(stored, Stored::Done, "a package's publisher takes no room of theirs");
    let equal = PublisherRecord { id: "again".to_owned(), ..for_prefix("a1", "acme-", "alice") };
    let stored = store.add(&equal, &roomy()).await.expect("the store takes a publisher");
    assert_eq!(stored, Stored::Exists, "an equal one of the account");
    let old = store.list(&prefix("acme-")).await.expect("the store lists a prefix's publishers");
    let old = old.into_iter().find(|record| record.id == "a1").expect("the store gives what was stored");
    let new = configured(PublisherRecord { id: "new".to_owned(), ..old.clone() }, "environment", "release");
    let replaced = store.replace(&old, &new).await.expect("the store replaces a publisher");
    assert_eq!(replaced, Stored::Done, "a publisher for a prefix is replaced where there is no more room");
    assert_eq!(
        ids(store, &prefix("acme-")).await,
        ["b1", "new"],
        "the new one stands in the old one's place"
    );
}
