//! Finding, storing and replacing publishers, and creating packages.

use std::time::Duration;

use oidc_core::{Identity, ImmutableId as IdPin};
use serde_json::json;

use super::scene::{
    NOW, Records as _, by, configured, found, grant, identity, package, publisher, stored, together,
    with_publisher,
};
use crate::server::{
    Grant, MAX_CANDIDATES, MAX_LATEST, MAX_OF_ID, Package, PackageOwner, PublisherRecord, PublisherStore,
    Redeemed, Room, Stored, TokenStore, TrustStore,
};

fn ids(records: &[PublisherRecord]) -> Vec<&str> {
    records.iter().map(|record| record.id.as_str()).collect()
}

pub(super) async fn candidates_are_those_of_the_identity<S: PublisherStore + TrustStore>(store: &S) {
    let later = |id, name| {
        let mut record = publisher(id, name);
        record.created_at = NOW.plus(Duration::from_secs(1));
        record
    };
    let with = |id: &str, package: Package, identity: Identity| {
        let config = json!({ "n": id });
        PublisherRecord::new(id, package, "github", identity, config, NOW)
    };
    for record in [
        later("a", "widget"),
        publisher("b", "widget"),
        publisher("c", "gadget"),
        with("d", package("widget"), Identity::new("https://other.example", "acme/widget")),
        with("e", package("widget"), identity("acme/widget2")),
        with("f", Package::new("pypi", "widget"), identity("acme/widget")),
        with("g", package("widget"), identity("Acme/Widget")),
    ] {
        stored(store, &record).await;
    }
    let of = |key: &str, ecosystem: &'static str, package: Option<&'static str>| {
        let identity = identity(key);
        async move {
            store
                .candidates(&[identity], ecosystem, package)
                .await
                .expect("the store finds an identity's publishers")
                .into_all()
        }
    };
    assert_eq!(
        ids(&of("acme/widget", "npm", Some("widget")).await),
        ["b", "a"],
        "candidates come oldest first"
    );
    assert_eq!(ids(&of("acme/widget", "npm", None).await), ["b", "c", "a"], "of every package");
    assert_eq!(
        ids(&of("acme/widget", "pypi", Some("widget")).await),
        ["f"],
        "candidates are of one ecosystem"
    );
    assert_eq!(ids(&of("Acme/Widget", "npm", Some("widget")).await), ["g"], "keys are compared exactly");
    assert!(
        of("acme/widget", "npm", Some("Widget")).await.is_empty(),
        "a package's name is compared as it is"
    );
    assert!(
        of("acme/widge", "npm", Some("widget")).await.is_empty(),
        "an identity's key is compared as a whole"
    );
    assert!(
        of("acme/widget\0", "npm", Some("widget")).await.is_empty(),
        "whatever a token says is looked up"
    );
    let several = [identity("acme/widget2"), identity("Acme/Widget"), identity("unknown")];
    assert_eq!(
        ids(&store
            .candidates(&several, "npm", None)
            .await
            .expect("the store finds an identity's publishers")
            .into_all()),
        ["e", "g"],
        "of several identities"
    );
    assert!(
        store
            .candidates(&[], "npm", None)
            .await
            .expect("the store finds an identity's publishers")
            .into_all()
            .is_empty(),
        "no identity has no candidates"
    );
    let many: Vec<Identity> =
        (0..256).map(|n| identity(&format!("{n}"))).chain([identity("acme/widget")]).collect();
    assert_eq!(
        ids(&store
            .candidates(&many, "npm", Some("gadget"))
            .await
            .expect("the store finds an identity's publishers")
            .into_all()),
        ["c"],
        "of very many"
    );
    assert_eq!(
        ids(&store.list(&package("widget")).await.expect("the store lists a package's publishers")),
        ["b", "d", "e", "g", "a"],
        "a package's publishers come oldest first"
    );
}

pub(super) async fn wildcards_in_names_are_letters<S: PublisherStore + TrustStore>(store: &S) {
    with_publisher(store).await;
    for key in ["acme/%", "acme/widge_", "acme/*", "%", "' OR '1'='1"] {
        assert!(
            store
                .candidates(&[identity(key)], "npm", Some("widget"))
                .await
                .expect("the store finds an identity's publishers")
                .into_all()
                .is_empty(),
            "an identity is compared as it is: `{key}`"
        );
        assert!(
            store
                .candidates(&[identity("acme/widget")], "npm", Some(key))
                .await
                .expect("the store finds an identity's publishers")
                .into_all()
                .is_empty(),
            "a package's name is compared as it is: `{key}`"
        );
        assert!(
            store.list(&package(key)).await.expect("the store lists a package's publishers").is_empty(),
            "a package's name is listed as it is: `{key}`"
        );
    }
}

pub(super) async fn candidates_are_bounded<S: PublisherStore + TrustStore>(store: &S) {
    for number in 0..MAX_CANDIDATES + 5 {
        let mut record = publisher(&format!("{number:05}"), &format!("package-{number:05}"));
        record.learned.insert("repository_id".to_owned(), "2".to_owned());
        record.learned.insert("repository_owner_id".to_owned(), "1".to_owned());
        stored(store, &record).await;
    }
    let candidates = store
        .candidates(&[identity("acme/widget")], "npm", None)
        .await
        .expect("the store finds an identity's publishers")
        .into_all();
    assert_eq!(candidates.len(), MAX_CANDIDATES, "candidates are bounded");
    assert!(candidates.iter().all(|record| record.learned.len() == 2), "each with all that it learned");
    let mut late = PublisherRecord { identity: identity("acme/late"), ..publisher("late", "of-another") };
    late.created_at = NOW.plus(Duration::from_secs(1));
    stored(store, &late).await;
    let both = [identity("acme/widget"), identity("acme/late")];
    let fair = store
        .candidates(&both, "npm", None)
        .await
        .expect("the store finds an identity's publishers")
        .into_all();
    assert_eq!(fair.len(), MAX_CANDIDATES, "candidates of several identities are bounded");
    assert!(fair.iter().any(|record| record.id == "late"), "many of one identity keep no other out");
    assert!(
        store.remove(&late.package, "late").await.expect("the store removes a publisher"),
        "a publisher is removed"
    );
    let mut pending = publisher("pending", "still-to-be-created");
    pending.pending = true;
    pending.created_at = NOW.minus(Duration::from_secs(1));
    stored(store, &pending).await;
    let regular = store
        .candidates(&[identity("acme/widget")], "npm", None)
        .await
        .expect("the store finds an identity's publishers")
        .into_all();
    assert_eq!(regular.len(), MAX_CANDIDATES, "candidates are bounded with pending ones among them");
    assert!(regular.iter().all(|record| !record.pending), "a pending publisher keeps no regular one out");
    assert!(
        store.remove(&pending.package, "pending").await.expect("the store removes a publisher"),
        "a publisher is removed"
    );
    assert!(
        store.of_ecosystem("pypi").await.expect("the store finds an ecosystem's publishers").is_empty(),
        "an ecosystem without publishers has none"
    );
    let latest = store.of_ecosystem("npm").await.expect("the store finds an ecosystem's publishers");
    assert_eq!(latest.len(), MAX_LATEST, "an ecosystem's latest publishers are bounded");
    assert_eq!(latest.at(0).id, format!("{:05}", MAX_CANDIDATES + 4), "the latest first");
    let of_package =
        store.of_package(&package("package-00007")).await.expect("the store finds a package's publishers");
    assert!(matches!(&of_package[..], [record] if record.id == "00007"), "a package's own");
}

pub(super) async fn a_publisher_is_found_by_its_immutable_id<S>(store: &S)
where
    S: PublisherStore + TokenStore + TrustStore,
{
    let later = |id: &str, name: &str, seconds| {
        let mut record = publisher(id, name);
        record.created_at = NOW.plus(Duration::from_secs(seconds));
        record
    };
    let configured = |record: PublisherRecord, value: &str| configured(record, "repository_id", value);
    let mut foreign = configured(later("e", "widget", 5), "7");
    foreign.identity.issuer = "https://other.example".to_owned();
    let mut learned = later("f", "gadget", 6);
    learned.learned.insert("repository_id".to_owned(), "7".to_owned());
    for record in [
        later("a", "widget", 1),
        configured(later("b", "widget", 2), "7"),
        configured(later("c", "widget", 3), "70"),
        configured(PublisherRecord { package: Package::new("pypi", "widget"), ..later("d", "x", 4) }, "7"),
        foreign,
        learned,
    ] {
        stored(store, &record).await;
    }
    let of = |value: &'static str, ecosystem: &'static str, package: Option<&'static str>| async move {
        let id = IdPin::new("repository_id", value);
        store
            .of_immutable_id("https://issuer.example", &id, ecosystem, package)
            .await
            .expect("the store finds publishers by an immutable id")
    };
    assert_eq!(
        ids(&of("7", "npm", Some("widget")).await),
        ["b"],
        "a publisher is found by an id that is configured"
    );
    assert_eq!(ids(&of("7", "npm", None).await), ["b", "f"], "of every package, oldest first");
    assert_eq!(ids(&of("7", "pypi", None).await), ["d"], "an immutable id is looked for in one ecosystem");
    for value in ["", "%", "7%", "07", "7 ", "7\0"] {
        assert!(of(value, "npm", None).await.is_empty(), "an id is compared as it is: `{value}`");
    }
    let owner = IdPin::new("repository_owner_id", "7");
    assert!(
        store
            .of_immutable_id("https://issuer.example", &owner, "npm", None)
            .await
            .expect("the store finds publishers by an immutable id")
            .is_empty(),
        "an immutable id is looked for by its claim"
    );

    let learning = Grant { packages: vec![by("a", "widget", &[("repository_id", "7")])], ..grant(1, "t") };
    assert_eq!(
        store.redeem(&learning).await.expect("the store redeems a grant"),
        Redeemed::Granted,
        "a first use is granted"
    );
    let found = of("7", "npm", Some("widget")).await;
    assert_eq!(ids(&found), ["a", "b"], "a publisher is found by an id that it learned");
    assert_eq!(
        found.at(0).learned.get("repository_id").map(String::as_str),
        Some("7"),
        "with what it learned"
    );
    let old =
        store.list(&package("widget")).await.expect("the store lists a package's publishers").into_first();
    let edited = PublisherRecord { id: "g".to_owned(), ..old.clone() };
    let edited = configured(edited, "8");
    assert_eq!(
        store.replace(&old, &edited).await.expect("the store replaces a publisher"),
        Stored::Done,
        "a publisher is replaced"
    );
    assert_eq!(ids(&of("7", "npm", Some("widget")).await), ["b"], "what is configured stands before it");
    assert_eq!(
        ids(&of("8", "npm", Some("widget")).await),
        ["g"],
        "a publisher is found by the id that it has now"
    );
    assert!(
        store.remove(&package("widget"), "b").await.expect("the store removes a publisher"),
        "a publisher is removed"
    );
    assert!(of("7", "npm", Some("widget")).await.is_empty(), "a removed publisher is not found by its id");

    for number in 0..MAX_OF_ID + 1 {
        stored(store, &configured(later(&format!("m{number:03}"), &format!("many-{number}"), 9), "9")).await;
    }
    assert_eq!(of("9", "npm", None).await.len(), MAX_OF_ID, "publishers of an id are bounded");
    assert_eq!(
        ids(&of("9", "npm", Some("many-32")).await),
        ["m032"],
        "many of others keep no package's own out"
    );
}

pub(super) async fn of_concurrent_equal_publishers_one_is_stored<S: TrustStore>(store: &S, other: &S) {
    let records: Vec<PublisherRecord> = (0..16)
        .map(|number| PublisherRecord { config: json!({}), ..publisher(&number.to_string(), "widget") })
        .collect();
    let room = Room::default();
    let add =
        |(index, record)| if index % 2 == 0 { store.add(record, &room) } else { other.add(record, &room) };
    let outcomes = together(records.iter().enumerate().map(add)).await;
    let done =
        outcomes.into_iter().filter(|outcome| *outcome.as_ref().expect("the store answers") == Stored::Done);
    assert_eq!(done.count(), 1, "of equal publishers");
    assert_eq!(
        store.list(&package("widget")).await.expect("the store lists a package's publishers").len(),
        1,
        "of equal publishers one is stored"
    );
}

pub(super) async fn a_publisher_comes_back_as_it_was_stored<S: TrustStore>(store: &S) {
    let mut record = publisher("p", "@acme/widget");
    record.config = json!({ "b": [1, "x"], "a": { "z": null, "y": true }, "text": "\u{e9} '\" \\ %" });
    record.pending = true;
    record.origin = "file".to_owned();
    record.learned.insert("repository_id".to_owned(), "2".to_owned());
    stored(store, &record).await;
    for back in [
        store.list(&package("@acme/widget")).await.expect("the store lists a package's publishers"),
        store.of_origin("file").await.expect("the store lists an origin's publishers"),
    ] {
        assert_eq!(
            format!("{back:?}"),
            format!("{:?}", [&record]),
            "a publisher comes back as it was stored"
        );
    }
    assert!(
        store.of_origin("api").await.expect("the store lists an origin's publishers").is_empty(),
        "an origin without publishers has none"
    );
    assert!(
        store
            .list(&Package::new("pypi", "@acme/widget"))
            .await
            .expect("the store lists a package's publishers")
            .is_empty(),
        "a package of another ecosystem is another"
    );
}

pub(super) async fn an_equal_publisher_is_not_stored_twice<S: TrustStore>(store: &S) {
    with_publisher(store).await;
    let same = PublisherRecord { id: "q".to_owned(), ..publisher("p", "widget") };
    assert_eq!(
        store.add(&same, &Room::default()).await.expect("the store takes a publisher"),
        Stored::Exists,
        "an equal publisher of another id is not stored"
    );
    let of_another_package = PublisherRecord { package: package("gadget"), ..same.clone() };
    assert_eq!(
        store.add(&of_another_package, &Room::default()).await.expect("the store takes a publisher"),
        Stored::Done,
        "the same publisher of another package is stored"
    );
    assert!(
        store.add(&PublisherRecord { package: package("third"), ..same }, &Room::default()).await.is_err(),
        "the id is taken"
    );
    assert!(
        store.list(&package("third")).await.expect("the store lists a package's publishers").is_empty(),
        "a publisher that is refused leaves no trace"
    );
}

pub(super) async fn replacing_is_one_step<S>(store: &S)
where
    S: PublisherStore + TokenStore + TrustStore,
{
    with_publisher(store).await;
    stored(store, &publisher("q", "widget")).await;
    let learning = Grant { packages: vec![by("p", "widget", &[("repository_id", "7")])], ..grant(1, "a") };
    assert_eq!(
        store.redeem(&learning).await.expect("the store redeems a grant"),
        Redeemed::Granted,
        "a first use is granted"
    );

    let new = PublisherRecord { config: json!({ "repository": "acme/other" }), ..publisher("r", "widget") };
    let old =
        store.list(&package("widget")).await.expect("the store lists a package's publishers").into_first();
    assert_eq!((&*old.id, old.learned.len()), ("p", 1), "the publisher has learned its id");
    let seen = |change: &dyn Fn(&mut PublisherRecord)| {
        let mut seen = old.clone();
        change(&mut seen);
        seen
    };
    for (seen, why) in [
        (seen(&|seen| seen.id = "unknown".to_owned()), "there is none"),
        (seen(&|seen| seen.package = package("gadget")), "it is another package's"),
        (seen(&|seen| seen.learned.clear()), "it has learned an id since"),
        (seen(&|seen| seen.learned.values_mut().for_each(|id| id.push('0'))), "it has learned another id"),
        (seen(&|seen| seen.pending = true), "it is not pending any more"),
    ] {
        assert_eq!(
            store.replace(&seen, &new).await.expect("the store replaces a publisher"),
            Stored::Missing,
            "what is not as it was seen is not replaced: {why}"
        );
    }
    let like_q = PublisherRecord { id: "r".to_owned(), ..publisher("q", "widget") };
    assert_eq!(
        store.replace(&old, &like_q).await.expect("the store replaces a publisher"),
        Stored::Exists,
        "a publisher does not become equal to another"
    );
    assert_eq!(
        ids(&store.list(&package("widget")).await.expect("the store lists a package's publishers")),
        ["p", "q"],
        "a refused replacement changes no publisher"
    );
    assert!(found(store, "a").await.is_some(), "a refused replacement ends no token");

    assert_eq!(
        store.replace(&old, &new).await.expect("the store replaces a publisher"),
        Stored::Done,
        "a publisher is replaced"
    );
    assert!(found(store, "a").await.is_none(), "the old publisher's tokens are over");
    let known = store.list(&package("widget")).await.expect("the store lists a package's publishers");
    assert_eq!(ids(&known), ["q", "r"], "the new publisher is in the place of the old one");
    assert!(known.at(1).learned.is_empty(), "the new one has learned nothing that it was not given");
}

pub(super) async fn removing_is_of_one_package<S: TrustStore>(store: &S) {
    with_publisher(store).await;
    assert!(
        !store.remove(&package("gadget"), "p").await.expect("the store removes a publisher"),
        "a publisher of another package is not removed"
    );
    assert!(
        !store.remove(&package("widget"), "q").await.expect("the store removes a publisher"),
        "a publisher of another id is not removed"
    );
    assert!(
        store.remove(&package("widget"), "p").await.expect("the store removes a publisher"),
        "a publisher is removed"
    );
    assert!(
        !store.remove(&package("widget"), "p").await.expect("the store removes a publisher"),
        "a removed publisher is not removed again"
    );
}

pub(super) async fn of_two_pending_publishers_one_creates_the_package<S>(store: &S, other: &S)
where
    S: PublisherStore + TokenStore + TrustStore,
{
    for round in 0..3 {
        let name = format!("widget-{round}");
        let (p, q) = (format!("p{round}"), format!("q{round}"));
        for id in [&p, &q] {
            stored(store, &PublisherRecord { pending: true, ..publisher(id, &name) }).await;
        }
        let created = package(&name);
        let both = [store.package_created_by(&created, &p), other.package_created_by(&created, &q)];
        let outcomes = together(both).await;
        let made = outcomes
            .into_iter()
            .filter(|made| made.as_ref().expect("the store takes note of a new package").is_some());
        assert_eq!(made.count(), 1, "one of both creates the package");
        let left = store.list(&created).await.expect("the store lists a package's publishers");
        assert_eq!(left.len(), 1, "the other one is gone");
        assert!(!left.into_first().pending, "whoever created the package is regular");
    }
}

pub(super) async fn a_package_that_comes_to_be_settles_its_pending_publishers<S>(store: &S)
where
    S: PublisherStore + TokenStore + TrustStore,
{
    let pending = |id| PublisherRecord { pending: true, ..publisher(id, "widget") };
    for record in [pending("p"), pending("q"), publisher("r", "widget")] {
        stored(store, &record).await;
    }
    stored(store, &PublisherRecord { pending: true, ..publisher("s", "gadget") }).await;
    store.redeem(&grant(1, "of p")).await.expect("the store redeems a grant");
    store
        .redeem(&Grant { packages: vec![by("q", "widget", &[])], ..grant(2, "of q") })
        .await
        .expect("the store redeems a grant");
    let may_create = |record: Option<crate::server::TokenRecord>| {
        record.map(|record| record.packages.first().is_some_and(|granted| granted.may_create))
    };
    assert_eq!(
        may_create(found(store, "of p").await),
        Some(true),
        "a token of a pending publisher may create its package"
    );

    let created_by = async |by: &str| {
        let created = store.package_created_by(&package("widget"), by).await;
        created.expect("the store takes note of a new package")
    };
    assert_eq!(created_by("r").await, None, "a regular publisher creates no package");
    assert_eq!(created_by("s").await, None, "a publisher of another package creates no package");
    assert_eq!(
        may_create(found(store, "of q").await),
        Some(true),
        "a creation by another publisher changes no token"
    );
    assert_eq!(
        created_by("p").await,
        Some(PackageOwner::Operator),
        "a pending publisher creates its package, which belongs to the publisher's owner"
    );
    assert_eq!(created_by("p").await, None, "a publisher that created its package is regular");
    assert_eq!(
        may_create(found(store, "of p").await),
        Some(false),
        "its token is that of a regular publisher"
    );
    assert!(found(store, "of q").await.is_none(), "the others were for a package that did not exist");
    assert_eq!(
        ids(&store.list(&package("widget")).await.expect("the store lists a package's publishers")),
        ["p", "r"],
        "the other pending publishers of the package end"
    );
    assert_eq!(
        ids(&store.list(&package("gadget")).await.expect("the store lists a package's publishers")),
        ["s"],
        "a pending publisher of another package stays"
    );
}

pub(super) async fn a_package_created_by_other_means_ends_its_pending_publishers<S: TrustStore>(store: &S) {
    stored(store, &PublisherRecord { pending: true, ..publisher("p", "widget") }).await;
    stored(store, &publisher("q", "widget")).await;
    for name in ["widget", "unknown"] {
        store.package_created(&package(name)).await.expect("the store takes note of a new package");
    }
    assert_eq!(
        ids(&store.list(&package("widget")).await.expect("the store lists a package's publishers")),
        ["q"],
        "the pending publishers of the package end"
    );
}
