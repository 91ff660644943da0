//! Operations on stores, at random.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use oidc_core::testing::FakeIssuer;
use oidc_core::{Clock, Timestamp};
use oidc_exchange::server::Package;
use serde_json::{Value, json};

use crate::hub::{Owners, prefix};
use crate::registry::{ISSUER, NOW, claims, package};

const DAY: u64 = 86_400;
/// The packages. Renamed ones get the last name.
pub(super) const NAMES: [&str; 5] = ["acme-one", "acme-two", "acme-new", "other", "renamed"];

/// A clock that can be set back.
#[derive(Clone, Debug)]
pub(super) struct Wall(Arc<AtomicU64>);

#[async_trait::async_trait]
impl Clock for Wall {
    fn now(&self) -> Timestamp {
        Timestamp::from_secs(self.0.load(Ordering::SeqCst))
    }

    fn monotonic(&self) -> Duration {
        Duration::from_secs(self.0.load(Ordering::SeqCst))
    }

    async fn sleep(&self, duration: Duration) {
        if !duration.is_zero() {
            std::future::pending::<()>().await;
        }
    }
}

/// An operation on a store, with publishers and tokens by their numbers.
#[derive(Debug)]
pub(super) enum Operation {
    Add { package: Package, account: Option<&'static str>, is_pending: bool, config: Value },
    Edit { publisher: usize, config: Value },
    Remove(usize),
    Published(usize),
    CreatedBy(usize),
    Exchange { token: String, package: Option<&'static str> },
    Find,
    Revoke(usize),
    Purge(u32),
    PurgePublishers(u32),
    Created(Package),
    Renamed(Package),
    Removed(Package),
    Transferred(Package),
    OfAccount(&'static str),
    Nothing,
}

/// The world outside the stores: a platform, a clock, accounts, and chance.
pub(super) struct Scene {
    state: u64,
    pub(super) issuer: Arc<FakeIssuer>,
    pub(super) clock: Wall,
    pub(super) owners: Owners,
    tokens: Vec<String>,
    /// The number of packages that an identity token may be exchanged for.
    pub(super) uses: u32,
}

impl Scene {
    pub(super) fn new(seed: u64) -> Self {
        let (issuer, clock) = (Arc::new(FakeIssuer::new(ISSUER)), Wall(Arc::new(AtomicU64::new(NOW))));
        let owners = Owners::default();
        owners.own("acme-one", &["alice"]);
        owners.own("acme-two", &["alice", "bob"]);
        let uses = if seed.is_multiple_of(2) { 1 } else { 2 };
        Self { state: seed, issuer, clock, owners, tokens: Vec::new(), uses }
    }

    /// A number below `end` (Knuth's linear congruential generator).
    fn below(&mut self, end: usize) -> usize {
        self.state =
            self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.state >> 33).unwrap() % end
    }

    fn one<T: Clone>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())].clone()
    }

    fn package(&mut self) -> Package {
        match self.below(7) {
            5 => prefix("acme-"),
            6 => prefix("oth-"),
            name => package(NAMES[name]),
        }
    }

    fn config(&mut self) -> Value {
        let repository = self.one(&["acme/widget", "acme/mono", "evil/x"]);
        let id = self.one(&["2", "2", "9"]);
        self.one(&[
            json!({ "repository": repository }),
            json!({ "repository": repository, "environment": "release" }),
            json!({ "repository": repository, "workflow": "publish.yml" }),
            json!({ "repository": repository, "repository_id": id }),
        ])
    }

    fn token(&mut self) -> String {
        if self.below(4) > 0 || self.tokens.is_empty() {
            let now = self.clock.now().as_secs();
            let changes = json!({
                "repository": self.one(&["acme/widget", "acme/mono", "evil/x"]),
                "repository_id": self.one(&["2", "2", "2", "2", "9"]),
                "environment": self.one(&["release", "x"]),
                "exp": now + 60 + self.below(1_000) as u64,
            });
            self.tokens.push(self.issuer.sign(&claims(now, &changes)));
            return self.tokens.last().unwrap().clone();
        }
        let number = self.below(self.tokens.len());
        self.tokens[number].clone()
    }

    /// Lets time pass: a second, and sometimes more or less.
    fn pass(&mut self) {
        let (some, leap) = (self.below(1_000) as u64, self.below(50));
        let clock = &self.clock.0;
        match leap {
            0 => clock.fetch_sub(some / 3, Ordering::SeqCst),
            1 => clock.fetch_add(some * 1_500, Ordering::SeqCst),
            2 => clock.fetch_add(8 * DAY, Ordering::SeqCst),
            3 => clock.fetch_add(some, Ordering::SeqCst),
            _ => clock.fetch_add(1, Ordering::SeqCst),
        };
    }

    pub(super) fn next(&mut self) -> Operation {
        self.pass();
        match self.below(18) {
            0..=3 => self.add(),
            4..=7 => Operation::Exchange { token: self.token(), package: Some(self.one(&NAMES[..4])) },
            8 | 9 => Operation::Exchange { token: self.token(), package: None },
            10 => Operation::Edit { publisher: self.below(1_000), config: self.config() },
            11 => Operation::Published(self.below(1_000)),
            12 => Operation::CreatedBy(self.below(1_000)),
            13 => Operation::Revoke(self.below(1_000)),
            14 => Operation::Find,
            15 => self.purge(),
            16 => self.of_package(),
            _ => self.one_of_the_rest(),
        }
    }

    fn add(&mut self) -> Operation {
        let package = self.package();
        let is_pending = !package.is_prefix() && self.below(3) == 0;
        let account = self.one(&[None, Some("alice"), Some("bob")]);
        Operation::Add { package, account, is_pending, config: self.config() }
    }

    fn purge(&mut self) -> Operation {
        let limit = 1 + u32::try_from(self.below(40)).unwrap();
        if self.below(3) == 0 { Operation::PurgePublishers(limit) } else { Operation::Purge(limit) }
    }

    fn of_package(&mut self) -> Operation {
        let package = self.package();
        match self.below(4) {
            0 => Operation::Created(package),
            1 => Operation::Renamed(package),
            2 => Operation::Removed(package),
            _ => Operation::Transferred(package),
        }
    }

    fn one_of_the_rest(&mut self) -> Operation {
        match self.below(4) {
            0 => Operation::Remove(self.below(1_000)),
            1 => Operation::OfAccount("alice"),
            _ => Operation::Nothing,
        }
    }
}
