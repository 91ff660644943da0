//! Accounts: an account that names somebody else's repository keeps nobody out and adds no cost.

use std::time::Duration;

use oidc_core::{ImmutableId as IdPin, Timestamp};
use serde_json::json;

use super::scene::{NOW, Records as _, by, configured, found, grant, identity, package, publisher, stored};
use crate::server::{
    Candidates, Grant, MAX_CANDIDATES, MAX_OF_ID, MAX_OF_PACKAGE, MAX_UNPROVEN, Package, PublisherRecord,
    PublisherStore, Redeemed, Room, Stored, TokenStore, TrustStore,
};

/// The number of publishers of one package that an account may have.
const SQUATTED: usize = 32;

fn ids(records: &[PublisherRecord]) -> Vec<&String> {
    records.iter().map(|record| &record.id).collect()
}

/// A publisher of `acme/widget` that an account configured on a package of its own, this many seconds after
/// the others.
fn of(account: &str, number: usize, seconds: u64) -> PublisherRecord {
    let name = format!("{account}-{number:05}");
    PublisherRecord {
        account: Some(account.to_owned()),
        created_at: NOW.plus(Duration::from_secs(seconds)),
        ..publisher(&name, &name)
    }
}

fn pending(record: PublisherRecord) -> PublisherRecord {
    PublisherRecord { pending: true, ..record }
}

async fn of_all<S: PublisherStore>(store: &S, key: &str) -> Vec<PublisherRecord> {
    store
        .candidates(&[identity(key)], "npm", None)
        .await
        .expect("the store finds an identity's publishers")
        .into_all()
}

fn count(records: &[PublisherRecord], account: &str) -> usize {
    records.iter().filter(|record| record.account.as_deref() == Some(account)).count()
}

async fn publishes<S: TrustStore>(store: &S, record: &PublisherRecord) {
    assert!(
        store.published(&record.package, &record.id, NOW).await.expect("the store takes note of a publish"),
        "a publisher is there"
    );
}

pub(super) async fn one_account_keeps_no_other_out<S: PublisherStore + TrustStore>(store: &S) {
    for number in 0..3 * MAX_UNPROVEN {
        stored(store, &of("mallory", number, 0)).await;
    }
    for number in 0..MAX_UNPROVEN {
        stored(store, &pending(of("mallory", 9000 + number, 0))).await;
    }
    assert_eq!(of_all(store, "acme/widget").await.len(), MAX_UNPROVEN, "a stranger's are few");
    stored(store, &pending(of("alice", 1, 60))).await;
    let found = of_all(store, "acme/widget").await;
    assert_eq!(
        (found.len(), count(&found, "alice")),
        (MAX_UNPROVEN, 1),
        "a pending one before its first publish"
    );
    stored(store, &of("bob", 1, 60)).await;
    stored(store, &of("bob", 2, 60)).await;
    let own = PublisherRecord { account: None, ..of("operator", 1, 60) };
    stored(store, &own).await;
    let found = of_all(store, "acme/widget").await;
    assert_eq!(found.len(), MAX_UNPROVEN + 1, "the operator's own count apart");
    assert!(found.iter().any(|record| record.id == own.id), "the operator's own");
    assert_eq!((count(&found, "alice"), count(&found, "bob")), (1, 2), "each account's first ones");
    let is_ordered = found.is_sorted_by(|one, next| (one.created_at, &one.id) < (next.created_at, &next.id));
    assert!(is_ordered, "the oldest first, whosever they are");
    let of_one = store
        .candidates(&[identity("acme/widget")], "npm", Some("alice-00001"))
        .await
        .expect("the store finds an identity's publishers")
        .into_all();
    assert_eq!(of_one.len(), 1, "of one package nobody else's are looked at");
}

/// Tests a package that does not exist yet, for which so many accounts have all their pending publishers that the
/// limit is reached.
pub(super) async fn one_account_keeps_no_other_out_of_a_package<S: PublisherStore + TrustStore>(store: &S) {
    let of_widget = |account: &str, number: usize, seconds| PublisherRecord {
        package: package("widget"),
        ..of(account, number, seconds)
    };
    let found = || async {
        store
            .candidates(&[identity("acme/widget")], "npm", Some("widget"))
            .await
            .expect("the store finds a package's publishers")
    };
    for account in 0..MAX_CANDIDATES.div_ceil(SQUATTED) {
        for number in 0..SQUATTED {
            stored(store, &pending(of_widget(&format!("sybil-{account:02}"), number, 0))).await;
        }
    }
    let Candidates { known, others } = found().await;
    assert_eq!((known.len(), others.len()), (0, MAX_CANDIDATES), "a package's candidates are bounded");
    let told = store.of_package(&package("widget")).await.expect("the store finds a package's publishers");
    assert_eq!(told.len(), MAX_OF_PACKAGE, "what the operator is told of is bounded");
    let alice = pending(of_widget("alice", 1, 60));
    stored(store, &alice).await;
    for number in 0..SQUATTED {
        stored(store, &pending(of_widget("carol", number, 60))).await;
    }
    for number in 0..2 {
        stored(store, &of_widget("bob", number, 60)).await;
    }
    let own = PublisherRecord { account: None, ..pending(of_widget("operator", 1, 60)) };
    stored(store, &own).await;
    let Candidates { known, others } = found().await;
    assert_eq!(ids(&known), [&own.id], "the operator's own are known");
    assert_eq!(others.len(), MAX_CANDIDATES, "a package's candidates are bounded");
    assert_eq!(count(&others, "alice"), 1, "each account's first pending publisher");
    assert_eq!(count(&others, "bob"), 2, "a regular publisher before any pending one");
    assert!(count(&others, "carol") < SQUATTED, "an account's last pending publisher after all others'");

    let new = PublisherRecord { id: "alice-edited".to_owned(), config: json!({}), ..alice.clone() };
    let replaced = store.replace(&alice, &new).await.expect("the store replaces a publisher");
    assert_eq!(replaced, Stored::Done, "a publisher that is as it was seen is replaced");
    assert_eq!(count(&found().await.others, "alice"), 1, "a publisher that is replaced keeps its place");

    let proof = PublisherRecord { package: Package::new("pypi", "carol"), ..of("carol", 502, 60) };
    stored(store, &proof).await;
    publishes(store, &proof).await;
    let Candidates { known, others } = found().await;
    assert_eq!(count(&known, "carol"), SQUATTED, "all of an account that is known by another package");
    assert_eq!(
        (known.len(), others.len()),
        (SQUATTED + 1, MAX_CANDIDATES),
        "beside as many others' as before"
    );
}

pub(super) async fn a_publish_makes_an_account_known<S: PublisherStore + TrustStore>(store: &S) {
    for number in 0..MAX_UNPROVEN + 8 {
        stored(store, &of("alice", number, 60)).await;
    }
    for number in 0..MAX_UNPROVEN {
        stored(store, &of(&format!("sybil-{number:02}"), 1, 0)).await;
    }
    assert_eq!(
        count(&of_all(store, "acme/widget").await, "alice"),
        0,
        "as many accounts as may be came before"
    );

    let elsewhere = PublisherRecord { identity: identity("acme/other"), ..of("alice", 501, 60) };
    stored(store, &elsewhere).await;
    publishes(store, &elsewhere).await;
    assert_eq!(count(&of_all(store, "acme/widget").await, "alice"), 0, "known by another repository");

    let proof = PublisherRecord { package: Package::new("pypi", "alice"), ..of("alice", 502, 60) };
    stored(store, &proof).await;
    publishes(store, &proof).await;
    let groups = store.candidates(&[identity("acme/widget")], "npm", None).await;
    let Candidates { known, others } = groups.expect("the store finds an identity's publishers");
    assert_eq!((count(&known, "alice"), known.len()), (MAX_UNPROVEN + 8, MAX_UNPROVEN + 8), "known by it");
    assert_eq!(others.len(), MAX_UNPROVEN, "nobody else is");
    let found = of_all(store, "acme/widget").await;
    assert_eq!(count(&found, "alice"), MAX_UNPROVEN + 8, "all, by a publish in another ecosystem");
    assert_eq!(found.len(), 2 * MAX_UNPROVEN + 8, "beside as many strangers' as before");
    assert!(found.iter().all(|record| !record.proven), "what was published by is another one");
    let back = store.list(&proof.package).await.expect("the store lists a package's publishers");
    assert!(back.at(0).proven, "it is proven");
    assert_eq!(back.at(0).published_at, Some(NOW), "the time of a publish comes back as it was");

    assert!(
        store.remove(&proof.package, &proof.id).await.expect("the store removes a publisher"),
        "a publisher is removed"
    );
    assert_eq!(count(&of_all(store, "acme/widget").await, "alice"), 0, "the proof ends with its publisher");
}

pub(super) async fn a_proof_is_of_a_repository_and_not_of_its_name<S: PublisherStore + TrustStore>(
    store: &S,
) {
    let proof = PublisherRecord {
        package: Package::new("pypi", "alice"),
        learned: [("repository_id".to_owned(), "1".to_owned())].into(),
        ..of("alice", 1, 0)
    };
    stored(store, &proof).await;
    let by = async |account: &str, key: &str, value: &str| {
        let id = IdPin::new("repository_id", value);
        let answer = store.is_proven(account, &identity(key), &id).await;
        answer.expect("the store looks for a proof")
    };
    assert!(!by("alice", "acme/widget", "1").await, "nothing was published yet");
    publishes(store, &proof).await;
    assert!(by("alice", "acme/widget", "1").await, "alice published by this repository");
    assert!(
        !by("alice", "acme/widget", "2").await,
        "alice published by a repository that had the name before"
    );
    assert!(!by("bob", "acme/widget", "1").await, "bob published nothing");
    assert!(!by("alice", "acme/other", "1").await, "alice published by another name");
    assert!(!by("alice\0", "acme/widget\0", "1\0").await, "no record has a NUL");
    let without_id = PublisherRecord { package: Package::new("npm", "bob"), ..of("bob", 2, 0) };
    stored(store, &without_id).await;
    publishes(store, &without_id).await;
    assert!(by("bob", "acme/widget", "2").await, "a proof without an id contradicts none");
}

pub(super) async fn a_proof_is_of_one_publisher<S: PublisherStore + TrustStore>(store: &S) {
    let record = of("alice", 1, 0);
    stored(store, &record).await;
    let at = |seconds| NOW.plus(Duration::from_secs(seconds));
    assert!(
        !store
            .published(&package("widget"), &record.id, NOW)
            .await
            .expect("the store takes note of a publish"),
        "of another package"
    );
    assert!(
        !store.published(&record.package, "unknown", NOW).await.expect("the store takes note of a publish"),
        "an unknown publisher has published nothing"
    );
    assert!(
        !store.list(&record.package).await.expect("the store lists a package's publishers").at(0).proven,
        "a publish by an unknown publisher proves none"
    );
    for seconds in [1, 2] {
        assert!(
            store
                .published(&record.package, &record.id, at(seconds))
                .await
                .expect("the store takes note of a publish"),
            "a publisher's publish is noted"
        );
        assert_eq!(
            store
                .list(&record.package)
                .await
                .expect("the store lists a package's publishers")
                .at(0)
                .published_at,
            Some(at(seconds)),
            "the time of the last publish is kept"
        );
    }
    let old = PublisherRecord {
        proven: false,
        ..store.list(&record.package).await.expect("the store lists a package's publishers").into_first()
    };
    let mut new = PublisherRecord { id: "new".to_owned(), ..old.clone() };
    assert_eq!(
        store.replace(&old, &new).await.expect("the store replaces a publisher"),
        Stored::Missing,
        "it was published by since"
    );
    let old = store.list(&record.package).await.expect("the store lists a package's publishers").into_first();
    new.proven = true;
    new.published_at = old.published_at;
    assert_eq!(
        store.replace(&old, &new).await.expect("the store replaces a publisher"),
        Stored::Done,
        "a publisher is replaced"
    );
    let back =
        store.list(&record.package).await.expect("the store lists a package's publishers").into_first();
    assert_eq!(format!("{back:?}"), format!("{new:?}"), "proven from the beginning");
}

/// A replaced publisher keeps its place among its account's, and an account with many publishers gains no
/// place by replacing.
pub(super) async fn places_are_kept_by_replacing<S: PublisherStore + TrustStore>(store: &S) {
    for number in 0..2 * MAX_UNPROVEN {
        stored(store, &of("mallory", number, 0)).await;
    }
    let alice = of("alice", 1, 60);
    stored(store, &alice).await;
    for number in 0..3 {
        let old =
            store.list(&alice.package).await.expect("the store lists a package's publishers").into_first();
        let new =
            PublisherRecord { id: format!("alice-{number}"), config: json!({ "n": number }), ..old.clone() };
        assert_eq!(
            store.replace(&old, &new).await.expect("the store replaces a publisher"),
            Stored::Done,
            "a publisher is replaced"
        );
        for known in
            store.list(&package("mallory-00003")).await.expect("the store lists a package's publishers")
        {
            let new = PublisherRecord {
                id: format!("mallory-{number}"),
                config: json!({ "n": number }),
                ..known.clone()
            };
            assert_eq!(
                store.replace(&known, &new).await.expect("the store replaces a publisher"),
                Stored::Done,
                "a publisher is replaced"
            );
        }
        let found = of_all(store, "acme/widget").await;
        assert_eq!(
            (found.len(), count(&found, "alice")),
            (MAX_UNPROVEN, 1),
            "an unproven account is among a bounded number of others"
        );
    }
}

pub(super) async fn accounts_know_nothing_of_each_other<S: PublisherStore + TrustStore>(store: &S) {
    let own = PublisherRecord { account: None, ..publisher("a", "widget") };
    let like = |id: &str, account: &str| PublisherRecord {
        id: id.to_owned(),
        account: Some(account.to_owned()),
        ..own.clone()
    };
    for record in [own.clone(), like("b", "alice"), like("c", "bob")] {
        assert_eq!(
            store.add(&record, &Room::default()).await.expect("the store takes a publisher"),
            Stored::Done,
            "another account's equal one is not told"
        );
    }
    assert_eq!(
        store.add(&like("d", "bob"), &Room::default()).await.expect("the store takes a publisher"),
        Stored::Exists,
        "its own is"
    );
    assert_eq!(
        store.list(&package("widget")).await.expect("the store lists a package's publishers").len(),
        3,
        "an account's publishers are those of the package too"
    );
}

pub(super) async fn an_exchange_is_noted_of_proven_publishers<S>(store: &S)
where
    S: PublisherStore + TokenStore + TrustStore,
{
    for record in [publisher("p", "widget"), publisher("q", "gadget")] {
        stored(store, &record).await;
    }
    assert!(
        store.published(&package("widget"), "p", NOW).await.expect("the store takes note of a publish"),
        "a publisher's publish is noted"
    );
    let created_at = NOW.plus(Duration::from_secs(7));
    let packages = vec![by("p", "widget", &[("repository_id", "7")]), by("q", "gadget", &[])];
    let both = Grant { packages, created_at, ..grant(1, "t") };
    assert_eq!(
        store.redeem(&both).await.expect("the store redeems a grant"),
        Redeemed::Granted,
        "both publishers let the token in"
    );
    assert!(found(store, "t").await.is_some(), "a token is there");
    let exchanged_at = |name: &'static str| async move {
        store
            .list(&package(name))
            .await
            .expect("the store lists a package's publishers")
            .into_first()
            .exchanged_at
    };
    assert_eq!(exchanged_at("widget").await, Some(created_at), "the time of the last exchange is noted");
    assert_eq!(exchanged_at("gadget").await, None::<Timestamp>, "nothing was published by it yet");
}

/// Anybody may configure another's immutable id: publishers that are proven come first.
pub(super) async fn the_most_trustworthy_of_an_id_come_first<S>(store: &S)
where
    S: PublisherStore + TokenStore + TrustStore,
{
    let with_id = |record: PublisherRecord| configured(record, "repository_id", "7");
    for number in 0..MAX_OF_ID + 8 {
        stored(store, &pending(with_id(of("mallory", number, 0)))).await;
    }
    for number in 0..MAX_OF_ID {
        stored(store, &with_id(of("mallory", 100 + number, 1))).await;
    }
    let learns = of("carol", 1, 2);
    let publishes_by = with_id(of("alice", 1, 3));
    let own = PublisherRecord { account: None, ..with_id(of("operator", 1, 4)) };
    let learns_pending = pending(of("dave", 1, 0));
    for record in [&learns, &publishes_by, &own, &learns_pending] {
        stored(store, record).await;
    }
    let ids = |records: Vec<PublisherRecord>| -> Vec<String> {
        records.into_iter().map(|record| record.id).collect()
    };
    let of_id = || async {
        let id = IdPin::new("repository_id", "7");
        ids(store
            .of_immutable_id("https://issuer.example", &id, "npm", None)
            .await
            .expect("the store finds publishers by an immutable id"))
    };
    let first = of_id().await;
    assert_eq!(
        (first.len(), first.first()),
        (MAX_OF_ID, Some(&own.id)),
        "the operator's own before an account's"
    );
    publishes(store, &publishes_by).await;
    assert!(of_id().await.starts_with(&[publishes_by.id.clone(), own.id.clone()]), "proven ones first");
    let learned: Vec<_> = [&learns, &learns_pending]
        .map(|record| by(&record.id, &record.package.name, &[("repository_id", "7")]))
        .into();
    assert_eq!(
        store.redeem(&Grant { packages: learned, ..grant(1, "t") }).await.expect("the store redeems a grant"),
        Redeemed::Granted,
        "a grant that learns is granted"
    );
    let found = of_id().await;
    let first = [publishes_by.id.clone(), own.id.clone(), learns.id.clone()];
    let rest = found.strip_prefix(&first[..]).expect("proven ones first, then who learned it");
    assert!(rest.iter().all(|id| id.starts_with("mallory-001")), "then regular ones: {found:?}");
    let pending = &learns_pending;
    let owner = store.package_created_by(&pending.package, &pending.id).await;
    assert_eq!(
        owner.expect("the store takes note of a new package"),
        Some(pending.owner()),
        "the package that a pending publisher creates belongs to the publisher's account"
    );
    // The publisher that was pending is older than carol's.
    let first = [publishes_by.id.clone(), own.id.clone(), learns_pending.id.clone(), learns.id.clone()];
    assert!(of_id().await.starts_with(&first), "who learned it and is pending no more");
    for package in ["mallory-00000", "dave-00001"] {
        let id = IdPin::new("repository_id", "7");
        let of_one = store
            .of_immutable_id("https://issuer.example", &id, "npm", Some(package))
            .await
            .expect("the store finds publishers by an immutable id");
        assert_eq!(of_one.len(), 1, "{package}: a package's own are found whatever others there are");
    }
}
