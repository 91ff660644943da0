//! Publishers and grants for the cases.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use oidc_core::{Identity, ImmutableId, Run, Timestamp};
use serde_json::json;

use super::answers::{added, candidates, published, redeemed};
use crate::server::{
    Grant, GrantedBy, Package, PublisherRecord, PublisherStore, Redeemed, Room, Stored, TokenHash,
    TokenRecord, TokenStore, TrustStore,
};

pub(super) const NOW: Timestamp = Timestamp::from_secs(1_700_000_000);
pub(super) const LIFETIME: Duration = Duration::from_secs(900);

pub(super) fn package(name: &str) -> Package {
    Package::new("npm", name)
}

pub(super) fn identity(key: &str) -> Identity {
    Identity::new("https://issuer.example", key)
}

/// A publisher of package `name` by the repository `acme/widget`.
pub(super) fn publisher(id: &str, name: &str) -> PublisherRecord {
    let config =
        json!({ "repository": "acme/widget", "workflow": "publish.yml", "n": id, "event": ["push"] });
    PublisherRecord::new(id, package(name), "github", identity("acme/widget"), config, NOW)
}

/// The same, this many seconds later.
pub(super) fn later(id: &str, name: &str, seconds: u64) -> PublisherRecord {
    PublisherRecord { created_at: NOW.plus(Duration::from_secs(seconds)), ..publisher(id, name) }
}

/// A publisher of `acme/widget` that an account configured on a package of its own, this many seconds after
/// the others.
pub(super) fn of_account(account: &str, number: usize, seconds: u64) -> PublisherRecord {
    let name = format!("{account}-{number:05}");
    PublisherRecord { account: Some(account.to_owned()), ..later(&name, &name, seconds) }
}

pub(super) fn pending(record: PublisherRecord) -> PublisherRecord {
    PublisherRecord { pending: true, ..record }
}

pub(super) fn ids(records: &[PublisherRecord]) -> Vec<&str> {
    records.iter().map(|record| record.id.as_str()).collect()
}

/// The number of an account's publishers.
pub(super) fn count(records: &[PublisherRecord], account: &str) -> usize {
    records.iter().filter(|record| record.account.as_deref() == Some(account)).count()
}

pub(super) async fn stored<S: TrustStore>(store: &S, publisher: &PublisherRecord) {
    let outcome = added(store, publisher, &Room::default()).await;
    assert_eq!(outcome, Stored::Done, "a new publisher is stored");
}

/// A publish by a publisher.
pub(super) async fn published_by<S: TrustStore>(store: &S, record: &PublisherRecord) {
    let noted = published(store, &record.package, &record.id, NOW).await;
    assert!(noted, "a publish by a publisher is noted");
}

/// The candidates of an identity among npm's packages.
pub(super) async fn candidates_of<S: PublisherStore>(store: &S, key: &str) -> Vec<PublisherRecord> {
    candidates(store, &[identity(key)], "npm", None).await
}

/// A store with one publisher, `p`, of the package `widget`.
pub(super) async fn with_publisher<S: TrustStore>(store: &S) {
    stored(store, &publisher("p", "widget")).await;
}

/// Adds a rule to a publisher.
pub(super) fn configured(mut record: PublisherRecord, key: &str, value: &str) -> PublisherRecord {
    let rules = record.config.as_object_mut().expect("the suite's publishers are configured by an object");
    rules.insert(key.to_owned(), json!(value));
    record
}

/// Publishers that a store returned and that are to be present.
pub(super) trait Records {
    fn at(&self, index: usize) -> &PublisherRecord;
    fn into_first(self) -> PublisherRecord;
}

impl Records for Vec<PublisherRecord> {
    fn at(&self, index: usize) -> &PublisherRecord {
        self.get(index).expect("the store gives a publisher that was stored")
    }

    fn into_first(self) -> PublisherRecord {
        self.into_iter().next().expect("the store gives a publisher that was stored")
    }
}

pub(super) fn hash(text: &str) -> TokenHash {
    TokenHash::of(text)
}

/// A grant of the package `widget` by the publisher `p`, for the identity token `jti`, to the publish token
/// `token`.
pub(super) fn grant(jti: u8, token: &str) -> Grant {
    Grant {
        replay_key: [jti; 32],
        issued_at: NOW,
        remember_until: NOW.plus(Duration::from_secs(330)),
        max_uses: 1,
        token: Some(hash(token)),
        created_at: NOW,
        expires_at: NOW.plus(LIFETIME),
        packages: vec![by("p", "widget", &[])],
        provider: "github".to_owned(),
        issuer: "https://issuer.example".to_owned(),
        run: run(),
    }
}

fn run() -> Run {
    let mut run = Run::default();
    run.repository = Some("acme/widget".to_owned());
    run.url = Some("https://ci.example/runs/1".to_owned());
    run
}

pub(super) fn by(publisher: &str, name: &str, learned: &[(&'static str, &str)]) -> GrantedBy {
    GrantedBy {
        package: package(name),
        publisher: publisher.to_owned(),
        may_create: false,
        only_of: None,
        learned: learned.iter().map(|(claim, value)| ImmutableId::new(claim, *value)).collect(),
    }
}

/// Redeems a grant of two packages, of which that of the publisher `p` may go meanwhile.
pub(super) async fn assert_redeemed_but_for_p<S: PublisherStore>(store: &S, grant: &Grant) {
    let outcome = redeemed(store, grant).await;
    let left_out = Redeemed::Partly(vec!["p".to_owned()]);
    assert!(
        outcome == Redeemed::Granted || outcome == left_out,
        "a grant of two packages leaves out the one that went: {outcome:?}"
    );
}

pub(super) async fn found<S: TokenStore>(store: &S, token: &str) -> Option<TokenRecord> {
    store.find(&hash(token), NOW).await.expect("the store looks a token up")
}

/// A part of a race, boxed so that parts of different types fit in one list.
#[cfg(not(target_arch = "wasm32"))]
pub(super) type Task<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;
#[cfg(target_arch = "wasm32")]
pub(super) type Task<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

/// Drives all futures at the same time and returns their outputs.
pub(super) async fn together<F: Future>(futures: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    let mut running: Vec<Pin<Box<F>>> = futures.into_iter().map(Box::pin).collect();
    let mut done = Vec::new();
    poll_fn(|cx| {
        running.retain_mut(|future| match future.as_mut().poll(cx) {
            Poll::Ready(output) => {
                done.push(output);
                false
            }
            Poll::Pending => true,
        });
        if running.is_empty() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    done
}

/// Polls a future at most `polls` times and drops it. Returns `true` if it had ended.
pub(super) async fn broken_off<F: Future>(future: F, polls: usize) -> bool {
    let mut future = Box::pin(future);
    let mut left = polls;
    poll_fn(|cx| {
        if left == 0 {
            return Poll::Ready(false);
        }
        left -= 1;
        match future.as_mut().poll(cx) {
            Poll::Ready(_) => Poll::Ready(true),
            Poll::Pending if left == 0 => Poll::Ready(false),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}
