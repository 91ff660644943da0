//! Using identity tokens up, and minting.

use super::answers::{listed, purged, redeemed, removed};
use super::scene::{
    Records as _, Task, assert_redeemed_but_for_p, by, found, grant, package, publisher, stored, together,
    with_publisher,
};
use crate::server::{Grant, PublisherStore, Redeemed, TokenStore, TrustStore};

pub(super) async fn a_grant_burns_and_mints<S: PublisherStore + TokenStore + TrustStore>(store: &S) {
    with_publisher(store).await;
    assert_eq!(redeemed(store, &grant(1, "a")).await, Redeemed::Granted, "a new identity token is granted");
    let record = found(store, "a").await.expect("the publish token is found");
    let widget = record.for_package(&package("widget")).expect("it is for the package");
    assert_eq!(
        (widget.publisher.as_str(), widget.may_create),
        ("p", false),
        "the token's package names the publisher that accepted it, which is not pending"
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

    let outcome = redeemed(store, &grant(1, "b")).await;
    assert_eq!(outcome, Redeemed::AlreadyUsed, "a used identity token is not granted again");
    assert!(found(store, "b").await.is_none(), "a refused redemption mints nothing");
    assert!(found(store, "a").await.is_some(), "a refused redemption ends nothing");
    assert_eq!(redeemed(store, &grant(2, "c")).await, Redeemed::Granted, "another identity token is another");
}

pub(super) async fn a_grant_without_a_token_burns_and_stores_none<S>(store: &S)
where
    S: PublisherStore + TokenStore + TrustStore,
{
    with_publisher(store).await;
    let packages = vec![by("p", "widget", &[("repository_id", "7")])];
    let tokenless = Grant { token: None, packages, ..grant(1, "a") };
    assert_eq!(redeemed(store, &tokenless).await, Redeemed::Granted, "a grant without a token is granted");
    assert_eq!(redeemed(store, &tokenless).await, Redeemed::AlreadyUsed, "it is burned all the same");
    let outcome = redeemed(store, &grant(1, "a")).await;
    assert_eq!(outcome, Redeemed::AlreadyUsed, "a grant with a token finds the identity token used");
    let learned = listed(store, &package("widget")).await.into_first().learned;
    assert_eq!(learned.get("repository_id").map(String::as_str), Some("7"), "it learns all the same");
    let over = tokenless.remember_until();
    assert_eq!(purged(store, over, 10).await, 1, "one replay record and no token");
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
        assert_eq!(redeemed(store, &grant).await, expected, "the use `{token}` of a token that has three");
    }
    assert!(found(store, "c").await.is_some(), "each use has a publish token");
    assert!(found(store, "d").await.is_none(), "a refused redemption mints nothing");
}

pub(super) async fn a_grant_of_a_removed_publisher_leaves_no_trace<S>(store: &S)
where
    S: PublisherStore + TokenStore + TrustStore,
{
    assert_eq!(redeemed(store, &grant(1, "a")).await, Redeemed::Superseded, "nobody has configured `p`");
    stored(store, &publisher("p", "gadget")).await;
    let of_widget = grant(1, "a");
    assert_eq!(redeemed(store, &of_widget).await, Redeemed::Superseded, "`p` is of another package");
    assert!(found(store, "a").await.is_none(), "a refused redemption mints nothing");
    let of_gadget = Grant { packages: vec![by("p", "gadget", &[])], ..grant(1, "b") };
    assert_eq!(redeemed(store, &of_gadget).await, Redeemed::Granted, "nothing was burned");
}

pub(super) async fn what_vanished_is_left_out_of_a_grant<S>(store: &S)
where
    S: PublisherStore + TokenStore + TrustStore,
{
    with_publisher(store).await;
    stored(store, &publisher("q", "gadget")).await;
    let packages = vec![by("p", "widget", &[]), by("q", "gadget", &[]), by("r", "gone", &[])];
    let several = Grant { packages, ..grant(1, "a") };
    let outcome = redeemed(store, &several).await;
    assert_eq!(
        outcome,
        Redeemed::Partly(vec!["r".to_owned()]),
        "a publisher that is gone is left out, by its id"
    );
    let outcome = found(store, "a").await.map(|record| record.packages.len());
    assert_eq!(outcome, Some(2), "the others are in the token");
    assert_eq!(redeemed(store, &several).await, Redeemed::AlreadyUsed, "it is burned");
    assert!(removed(store, &package("gadget"), "q").await, "a publisher is removed");
    let record = found(store, "a").await.expect("the other package is still in it");
    assert!(
        record.for_package(&package("gadget")).is_none(),
        "a removed publisher's package leaves the token"
    );
    assert!(record.for_package(&package("widget")).is_some(), "the other package stays in the token");
}

pub(super) async fn a_grant_of_nobody_is_superseded<S>(store: &S)
where
    S: PublisherStore + TokenStore + TrustStore,
{
    let packages = vec![by("p", "widget", &[]), by("r", "gone", &[])];
    let of_nobody = Grant { packages, ..grant(1, "b") };
    let outcome = redeemed(store, &of_nobody).await;
    assert_eq!(outcome, Redeemed::Superseded, "a grant is superseded where nobody is left");
    assert!(found(store, "b").await.is_none(), "a superseded redemption mints nothing");
    with_publisher(store).await;
    let left_out = Redeemed::Partly(vec!["r".to_owned()]);
    assert_eq!(redeemed(store, &of_nobody).await, left_out, "nothing was burned by a superseded grant");
}

pub(super) async fn of_concurrent_redemptions_as_many_succeed_as_may<S>(store: &S, other: &S)
where
    S: PublisherStore + TokenStore + TrustStore,
{
    with_publisher(store).await;
    for (jti, count, max_uses) in [(1, 300, 1), (2, 64, 5)] {
        let tokens: Vec<String> = (0..count).map(|number| format!("{jti}-{number}")).collect();
        let grants: Vec<Grant> = tokens.iter().map(|token| Grant { max_uses, ..grant(jti, token) }).collect();
        let redeem = |(index, grant)| redeemed(if index % 2 == 0 { store } else { other }, grant);
        let outcomes = together(grants.iter().enumerate().map(redeem)).await;
        let granted = outcomes.into_iter().filter(|outcome| *outcome == Redeemed::Granted);
        assert_eq!(granted.count(), max_uses as usize, "of {count} redemptions with {max_uses} uses");
        let mut minted = 0;
        for token in &tokens {
            minted += u32::from(found(store, token).await.is_some());
        }
        assert_eq!(minted, max_uses, "as many publish tokens as grants");
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
        let redeemed = assert_redeemed_but_for_p(store, &grant);
        let removed = async {
            assert!(removed(other, &package("widget"), "p").await, "a publisher is removed");
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
