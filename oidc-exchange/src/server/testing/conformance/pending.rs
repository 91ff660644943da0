//! Pending publishers, and the creation of their packages.

use super::answers::{created, created_by, listed, redeemed};
use super::scene::{Records as _, by, found, grant, ids, package, pending, publisher, stored, together};
use crate::server::{Grant, PackageOwner, PublisherStore, TokenStore, TrustStore};

pub(super) async fn of_two_pending_publishers_one_creates_the_package<S>(store: &S, other: &S)
where
    S: PublisherStore + TokenStore + TrustStore,
{
    for round in 0..3 {
        let name = format!("widget-{round}");
        let (p, q) = (format!("p{round}"), format!("q{round}"));
        for id in [&p, &q] {
            stored(store, &pending(publisher(id, &name))).await;
        }
        let created = package(&name);
        let both = [created_by(store, &created, &p), created_by(other, &created, &q)];
        let made = together(both).await.into_iter().flatten();
        assert_eq!(made.count(), 1, "one of both creates the package");
        let left = listed(store, &created).await;
        assert_eq!(left.len(), 1, "the other one is gone");
        assert!(!left.into_first().pending, "whoever created the package is regular");
    }
}

/// Returns whether a token may create its package; `None` where there is no such token.
async fn may_create<S: TokenStore>(store: &S, token: &str) -> Option<bool> {
    let record = found(store, token).await?;
    Some(record.packages.first().is_some_and(|granted| granted.may_create))
}

/// The pending publishers `p` and `q` of `widget`, each with a token, its regular publisher `r`, and the pending
/// publisher `s` of another package.
async fn scene<S: PublisherStore + TrustStore>(store: &S) {
    for record in [pending(publisher("p", "widget")), pending(publisher("q", "widget"))] {
        stored(store, &record).await;
    }
    stored(store, &publisher("r", "widget")).await;
    stored(store, &pending(publisher("s", "gadget"))).await;
    redeemed(store, &grant(1, "of p")).await;
    redeemed(store, &Grant { packages: vec![by("q", "widget", &[])], ..grant(2, "of q") }).await;
}

pub(super) async fn a_package_is_created_by_its_pending_publisher<S>(store: &S)
where
    S: PublisherStore + TokenStore + TrustStore,
{
    scene(store).await;
    let widget = package("widget");
    let before = may_create(store, "of p").await;
    assert_eq!(before, Some(true), "a token of a pending publisher may create its package");
    assert_eq!(created_by(store, &widget, "r").await, None, "a regular publisher creates no package");
    let by_another = created_by(store, &widget, "s").await;
    assert_eq!(by_another, None, "a publisher of another package creates no package");
    let unchanged = may_create(store, "of q").await;
    assert_eq!(unchanged, Some(true), "a creation by another publisher changes no token");
    let owner = created_by(store, &widget, "p").await;
    assert_eq!(owner, Some(PackageOwner::Operator), "a created package belongs to its publisher's owner");
    let again = created_by(store, &widget, "p").await;
    assert_eq!(again, None, "a publisher that created its package is regular");
}

pub(super) async fn a_package_that_is_created_ends_its_other_pending_publishers<S>(store: &S)
where
    S: PublisherStore + TokenStore + TrustStore,
{
    scene(store).await;
    created_by(store, &package("widget"), "p").await;
    let regular = may_create(store, "of p").await;
    assert_eq!(regular, Some(false), "its token is that of a regular publisher");
    assert!(found(store, "of q").await.is_none(), "the others were for a package that did not exist");
    let left = listed(store, &package("widget")).await;
    assert_eq!(ids(&left), ["p", "r"], "the other pending publishers of the package end");
    let of_another = listed(store, &package("gadget")).await;
    assert_eq!(ids(&of_another), ["s"], "a pending publisher of another package stays");
}

pub(super) async fn a_package_created_by_other_means_ends_its_pending_publishers<S: TrustStore>(store: &S) {
    stored(store, &pending(publisher("p", "widget"))).await;
    stored(store, &publisher("q", "widget")).await;
    for name in ["widget", "unknown"] {
        created(store, &package(name)).await;
    }
    let left = listed(store, &package("widget")).await;
    assert_eq!(ids(&left), ["q"], "the pending publishers of the package end");
}
