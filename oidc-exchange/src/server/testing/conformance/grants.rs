//! Using identity tokens up, learning ids, minting.

use super::scene::{
    Records as _, Task, by, found, grant, hash, package, publisher, stored, together, with_publisher,
};
use crate::server::{Grant, PublisherStore, Redeemed, TokenStore, TrustStore};

pub(super) async fn a_grant_burns_and_mints<S: PublisherStore + TokenStore + TrustStore>(store: &S) {
    with_publisher(store).await;
    assert_eq!(
        store.redeem(&grant(1, "a")).await.expect("the store redeems a grant"),
        Redeemed::Granted,
        "a new identity token is granted"
    );
    let record = found(store, "a").await.expect("the publish token is found");
    let widget = record.for_package(&package("widget")).expect("it is for the package");
    assert_eq!(
        (widget.publisher.as_str(), widget.may_create),
        ("p", false),
        "the token's package names the publisher that let it in, which is not pending"
    );
    assert!(
        record.for_package(&package("gadget")).is_none(),
        "a token is for no package that it was not granted for"
    );
    assert_eq!(
        (record.provider.as_str(), record.issuer.as_str()),
        ("github", "https://issuer.example"),
        "platform and issuer come back as they were"
    );
    assert_eq!(record.run, *grant(1, "a").run(), "the run comes back as it was");
    assert_eq!(record.expires_at, grant(1, "a").expires_at(), "the end of a token comes back as it was");

    assert_eq!(
        store.redeem(&grant(1, "b")).await.expect("the store redeems a grant"),
        Redeemed::AlreadyUsed,
        "a used identity token is not granted again"
    );
    assert!(found(store, "b").await.is_none(), "a refused redemption mints nothing");
    assert!(found(store, "a").await.is_some(), "a refused redemption ends nothing");
    assert_eq!(
        store.redeem(&grant(2, "c")).await.expect("the store redeems a grant"),
        Redeemed::Granted,
        "another identity token is another"
    );
}

pub(super) async fn a_grant_without_a_token_burns_and_stores_none<S>(store: &S)
where
    S: PublisherStore + TokenStore + TrustStore,
{
    with_publisher(store).await;
    let packages = vec![by("p", "widget", &[("repository_id", "7")])];
    let tokenless = Grant { token: None, packages, ..grant(1, "a") };
    assert_eq!(
        store.redeem(&tokenless).await.expect("the store redeems a grant"),
        Redeemed::Granted,
        "a grant without a token is granted"
    );
    assert_eq!(
        store.redeem(&tokenless).await.expect("the store redeems a grant"),
        Redeemed::AlreadyUsed,
        "it is burned all the same"
    );
    assert_eq!(
        store.redeem(&grant(1, "a")).await.expect("the store redeems a grant"),
        Redeemed::AlreadyUsed,
        "a grant with a token finds the identity token used"
    );
    let learned = store
        .list(&package("widget"))
        .await
        .expect("the store lists a package's publishers")
        .into_first()
        .learned;
    assert_eq!(learned.get("repository_id").map(String::as_str), Some("7"), "it learns all the same");
    let over = tokenless.remember_until();
    assert_eq!(
        store.purge(over, 10).await.expect("the store forgets what is over"),
        1,
        "one replay record and no token"
    );
}

pub(super) async fn a_token_is_used_as_often_as_it_may_be<S>(store: &S)
where
    S: PublisherStore + TokenStore + TrustStore,
{
    with_publisher(store).await;
    for (token, expected) in [
        ("a", Redeemed::Granted),
        ("b", Redeemed::Granted),
        ("c", Redeemed::Granted),
        ("d", Redeemed::AlreadyUsed),
    ] {
        let grant = Grant { max_uses: 3, ..grant(1, token) };
        assert_eq!(
            store.redeem(&grant).await.expect("the store redeems a grant"),
            expected,
            "the use `{token}` of a token that has three"
        );
    }
    assert!(found(store, "c").await.is_some(), "each use has a publish token");
    assert!(found(store, "d").await.is_none(), "a refused redemption mints nothing");
}

pub(super) async fn a_grant_of_a_removed_publisher_leaves_no_trace<S>(store: &S)
where
    S: PublisherStore + TokenStore + TrustStore,
{
    assert_eq!(
        store.redeem(&grant(1, "a")).await.expect("the store redeems a grant"),
        Redeemed::Superseded,
        "nobody has configured `p`"
    );
    stored(store, &publisher("p", "gadget")).await;
    let of_widget = grant(1, "a");
    assert_eq!(
        store.redeem(&of_widget).await.expect("the store redeems a grant"),
        Redeemed::Superseded,
        "`p` is of another package"
    );
    assert!(found(store, "a").await.is_none(), "a refused redemption mints nothing");
    let of_gadget = Grant { packages: vec![by("p", "gadget", &[])], ..grant(1, "b") };
    assert_eq!(
        store.redeem(&of_gadget).await.expect("the store redeems a grant"),
        Redeemed::Granted,
        "nothing was burned"
    );
}

pub(super) async fn what_vanished_is_left_out_of_a_grant<S>(store: &S)
where
    S: PublisherStore + TokenStore + TrustStore,
{
    with_publisher(store).await;
    stored(store, &publisher("q", "gadget")).await;
    let packages = vec![by("p", "widget", &[]), by("q", "gadget", &[]), by("r", "gone", &[])];
    let several = Grant { packages, ..grant(1, "a") };
    assert_eq!(
        store.redeem(&several).await.expect("the store redeems a grant"),
        Redeemed::Partly(vec!["r".to_owned()]),
        "a publisher that is gone is left out, by its id"
    );
    assert_eq!(
        found(store, "a").await.map(|record| record.packages.len()),
        Some(2),
        "the others are in the token"
    );
    assert_eq!(
        store.redeem(&several).await.expect("the store redeems a grant"),
        Redeemed::AlreadyUsed,
        "it is burned"
    );
    assert!(
        store.remove(&package("gadget"), "q").await.expect("the store removes a publisher"),
        "a publisher is removed"
    );
    let record = found(store, "a").await.expect("the other package is still in it");
    assert!(
        record.for_package(&package("gadget")).is_none(),
        "a removed publisher's package leaves the token"
    );
    assert!(record.for_package(&package("widget")).is_some(), "the other package stays in the token");

    assert!(
        store.remove(&package("widget"), "p").await.expect("the store removes a publisher"),
        "a publisher is removed"
    );
    let of_nobody = Grant { replay_key: [2; 32], token: Some(hash("b")), ..several };
    assert_eq!(
        store.redeem(&of_nobody).await.expect("the store redeems a grant"),
        Redeemed::Superseded,
        "a grant is superseded where nobody is left"
    );
    assert!(found(store, "b").await.is_none(), "a superseded redemption mints nothing");
    with_publisher(store).await;
    let left_out = vec!["q".to_owned(), "r".to_owned()];
    assert_eq!(
        store.redeem(&of_nobody).await.expect("the store redeems a grant"),
        Redeemed::Partly(left_out),
        "nothing was burned"
    );
}

pub(super) async fn whoever_learned_another_id_is_left_out_of_a_grant<S>(store: &S)
where
    S: PublisherStore + TokenStore + TrustStore,
{
    with_publisher(store).await;
    stored(store, &publisher("q", "gadget")).await;
    let first = Grant { packages: vec![by("p", "widget", &[("repository_id", "7")])], ..grant(1, "a") };
    assert_eq!(
        store.redeem(&first).await.expect("the store redeems a grant"),
        Redeemed::Granted,
        "a first use is granted"
    );
    let ids = [("repository_id", "8"), ("repository_owner_id", "3")];
    let packages = vec![by("p", "widget", &ids), by("q", "gadget", &ids)];
    let other = Grant { packages, ..grant(2, "b") };
    assert_eq!(
        store.redeem(&other).await.expect("the store redeems a grant"),
        Redeemed::Partly(vec!["p".to_owned()]),
        "a publisher that has learned another id is left out"
    );
    let record = found(store, "b").await.expect("the other package is in it");
    assert!(record.for_package(&package("widget")).is_none(), "its package is not in the token");
    assert!(record.for_package(&package("gadget")).is_some(), "the other package is in the token");
    let learned = |name: &str| {
        let package = package(name);
        async move {
            store
                .list(&package)
                .await
                .expect("the store lists a package's publishers")
                .into_first()
                .learned
                .into_values()
                .collect::<Vec<_>>()
        }
    };
    assert_eq!(learned("widget").await, ["7"], "whoever is left out learns nothing");
    assert_eq!(learned("gadget").await, ["8", "3"], "the other publisher learns its ids");
}

pub(super) async fn of_concurrent_redemptions_as_many_succeed_as_may<S>(store: &S, other: &S)
where
    S: PublisherStore + TokenStore + TrustStore,
{
    with_publisher(store).await;
    for (jti, count, max_uses) in [(1, 300, 1), (2, 64, 5)] {
        let tokens: Vec<String> = (0..count).map(|number| format!("{jti}-{number}")).collect();
        let grants: Vec<Grant> = tokens.iter().map(|token| Grant { max_uses, ..grant(jti, token) }).collect();
        let redeem = |(index, grant)| if index % 2 == 0 { store.redeem(grant) } else { other.redeem(grant) };
        let outcomes = together(grants.iter().enumerate().map(redeem)).await;
        let granted = outcomes
            .into_iter()
            .filter(|outcome| *outcome.as_ref().expect("the store answers") == Redeemed::Granted);
        assert_eq!(granted.count(), max_uses as usize, "of {count} redemptions with {max_uses} uses");
        let mut minted = 0;
        for token in &tokens {
            minted += u32::from(found(store, token).await.is_some());
        }
        assert_eq!(minted, max_uses, "as many publish tokens as grants");
    }
}

pub(super) async fn of_concurrent_first_uses_with_different_ids_one_wins<S>(store: &S, other: &S)
where
    S: PublisherStore + TokenStore + TrustStore,
{
    with_publisher(store).await;
    let ids: Vec<String> = (0..16).map(|number| number.to_string()).collect();
    let learning = |id: &String| {
        let packages = vec![by("p", "widget", &[("repository_id", id), ("repository_owner_id", id)])];
        Grant { replay_key: hash(id).as_bytes().to_owned(), packages, ..grant(0, id) }
    };
    let grants: Vec<Grant> = ids.iter().map(learning).collect();
    let redeem = |(index, grant)| if index % 2 == 0 { store.redeem(grant) } else { other.redeem(grant) };
    let outcomes = together(grants.iter().enumerate().map(redeem)).await;
    let granted = outcomes
        .into_iter()
        .filter(|outcome| *outcome.as_ref().expect("the store answers") == Redeemed::Granted);
    assert_eq!(granted.count(), 1, "of first uses with different ids");
    let learned = store
        .list(&package("widget"))
        .await
        .expect("the store lists a package's publishers")
        .into_first()
        .learned;
    assert_eq!(learned.get("repository_id"), learned.get("repository_owner_id"), "the ids of one of them");
    let winner = learned.get("repository_id").expect("an id was learned");
    for id in &ids {
        assert_eq!(found(store, id).await.is_some(), id == winner, "only the winner's token exists");
    }
}

pub(super) async fn no_token_outlives_a_publisher_that_is_removed_meanwhile<S>(store: &S, other: &S)
where
    S: PublisherStore + TokenStore + TrustStore,
{
    stored(store, &publisher("q", "gadget")).await;
    for round in 0..8_u8 {
        with_publisher(store).await;
        let token = format!("r{round}");
        let learned: &[(&'static str, &str)] = if round % 2 == 0 { &[] } else { &[("repository_id", "7")] };
        let packages = vec![by("p", "widget", learned), by("q", "gadget", &[])];
        let grant = Grant { packages, ..grant(round, &token) };
        let package_of_p = package("widget");
        let redeemed = async {
            let redeemed = store.redeem(&grant).await.expect("the store redeems a grant");
            let left_out = Redeemed::Partly(vec!["p".to_owned()]);
            assert!(
                redeemed == Redeemed::Granted || redeemed == left_out,
                "a grant of two packages leaves out whose publisher is gone: {redeemed:?}"
            );
        };
        let removed = async {
            assert!(
                other.remove(&package_of_p, "p").await.expect("the store removes a publisher"),
                "a publisher is removed"
            );
        };
        let both: [Task<'_>; 2] = [Box::pin(redeemed), Box::pin(removed)];
        together(both).await;
        let record = found(store, &token).await.expect("the other publisher is still there");
        assert!(
            record.for_package(&package("widget")).is_none(),
            "the publisher is gone, and so is its package"
        );
        assert!(record.for_package(&package("gadget")).is_some(), "the other package stays in the token");
    }
}

pub(super) async fn ids_are_learned_with_the_grant<S>(store: &S)
where
    S: PublisherStore + TokenStore + TrustStore,
{
    with_publisher(store).await;
    let learning = Grant { packages: vec![by("p", "widget", &[("repository_id", "7")])], ..grant(1, "a") };
    assert_eq!(
        store.redeem(&learning).await.expect("the store redeems a grant"),
        Redeemed::Granted,
        "a first use is granted"
    );
    let known = store.list(&package("widget")).await.expect("the store lists a package's publishers");
    assert_eq!(
        known.at(0).learned.get("repository_id").map(String::as_str),
        Some("7"),
        "an id is learned with the grant"
    );
    let candidates = store
        .candidates(std::slice::from_ref(&known.at(0).identity), "npm", Some("widget"))
        .await
        .expect("the store finds an identity's publishers")
        .into_all();
    assert_eq!(candidates.at(0).learned, known.at(0).learned, "candidates come with what they learned");
    assert_eq!(
        candidates.at(0).texts().get("repository_id").map(String::as_str),
        Some("7"),
        "a learned id is among the rules"
    );
}

pub(super) async fn another_id_is_refused_and_burns_nothing<S>(store: &S)
where
    S: PublisherStore + TokenStore + TrustStore,
{
    with_publisher(store).await;
    let learning = |jti, token, ids| Grant { packages: vec![by("p", "widget", ids)], ..grant(jti, token) };
    let first = learning(1, "a", &[("repository_id", "7")]);
    assert_eq!(
        store.redeem(&first).await.expect("the store redeems a grant"),
        Redeemed::Granted,
        "a first use is granted"
    );
    let other = learning(2, "b", &[("repository_owner_id", "3"), ("repository_id", "8")]);
    assert_eq!(
        store.redeem(&other).await.expect("the store redeems a grant"),
        Redeemed::Superseded,
        "a grant of another id is superseded"
    );
    assert!(found(store, "b").await.is_none(), "a superseded redemption mints nothing");
    let learned = store
        .list(&package("widget"))
        .await
        .expect("the store lists a package's publishers")
        .into_first()
        .learned;
    assert_eq!(
        learned.into_iter().collect::<Vec<_>>(),
        [("repository_id".to_owned(), "7".to_owned())],
        "a superseded redemption teaches nothing"
    );
    let same = learning(2, "b", &[("repository_id", "7")]);
    assert_eq!(
        store.redeem(&same).await.expect("the store redeems a grant"),
        Redeemed::Granted,
        "nothing was burned, and the same id is no other"
    );
}
