//! The stores in memory, over rows, over SQLite and over PostgreSQL, asked the same at random: every answer is the same, and so
//! is what is stored.

mod operations;

use std::sync::Arc;

use needs::needs;
use oidc_core::testing::FakeHttp;
use oidc_exchange::memory::MemoryStore;
use oidc_exchange::server::testing::conformance::Harness as _;
use oidc_exchange::server::{
    Exchange, ExchangeRequest, MintPolicy, Package, PackageOwner, PublisherRecord, PublisherStore, Refusal,
    TokenRecord, TokenStore, Trust, TrustError, TrustPolicy, TrustStore,
};
use serde_json::Value;

use self::operations::{NAMES, Operation, Scene};
use super::rows;
use crate::databases::{Postgres, Sqlite, postgres};
use crate::hub::prefix;
use crate::registry::{package, verifier};

/// The sequences of operations, each with a seed of its own, and their length.
const SEQUENCES: u64 = 12;
const LENGTH: usize = 100;

#[tokio::test]
async fn the_stores_in_memory_and_over_rows_answer_as_sqlite_does() {
    let (sqlite, mut counted) = (Sqlite::new(), Counted::default());
    for seed in 0..SEQUENCES {
        let mut scene = Scene::new(seed);
        let mut memory = World::over(MemoryStore::for_tests(), &scene);
        let others = vec![World::over(rows::empty(), &scene), World::over(sqlite.empty().await, &scene)];
        counted.add(seed, &mut scene, &mut memory, others).await;
    }
    assert!(counted.granted > 50 && counted.refused > 50, "{counted:?}");
}

#[needs(postgres)]
#[tokio::test]
async fn postgresql_answers_as_the_store_in_memory_does() {
    let (harness, mut counted) = (Postgres::new(postgres()), Counted::default());
    for seed in 1_000..1_000 + SEQUENCES / 4 {
        let mut scene = Scene::new(seed);
        let mut memory = World::over(MemoryStore::for_tests(), &scene);
        let others = vec![World::over(harness.empty().await, &scene)];
        counted.add(seed, &mut scene, &mut memory, others).await;
    }
    harness.clean_up().await;
    assert!(counted.granted > 10 && counted.refused > 10, "{counted:?}");
}

/// The exchanges that were granted and refused.
#[derive(Debug, Default)]
struct Counted {
    granted: usize,
    refused: usize,
}

impl Counted {
    /// Asks all stores the same.
    async fn add(&mut self, seed: u64, scene: &mut Scene, first: &mut World, mut others: Vec<World>) {
        for step in 0..LENGTH {
            let operation = scene.next();
            let (answer, state) = (first.apply(&operation).await, first.state().await);
            for other in &mut others {
                assert_eq!(answer, other.apply(&operation).await, "seed {seed}, step {step}: {operation:?}");
                assert_eq!(state, other.state().await, "seed {seed}, step {step}: {operation:?}");
            }
            let is_exchange = matches!(operation, Operation::Exchange { .. });
            self.granted += usize::from(is_exchange && answer.starts_with("granted"));
            self.refused += usize::from(is_exchange && answer.starts_with("refused"));
        }
    }
}

/// A registry over one of the stores. Ids are random, so that publishers have numbers here.
struct World {
    exchange: Exchange,
    trust: Trust,
    publishers: Vec<(Package, String)>,
    tokens: Vec<String>,
}

impl World {
    fn over(store: impl PublisherStore + TokenStore + TrustStore + Clone + 'static, scene: &Scene) -> Self {
        let (verifier, providers) = verifier(FakeHttp::of_issuer(Arc::clone(&scene.issuer)), &scene.clock);
        let policy = TrustPolicy::default().prefixes_per_account(3);
        let trust = Trust::new(providers, store.clone(), verifier.context()).with_policy(policy);
        let exchange = Exchange::builder(verifier, store)
            .trust_policy(policy)
            .mint_policy(MintPolicy::default().max_uses(scene.uses))
            .package_owners(scene.owners.clone())
            .build();
        Self { exchange, trust, publishers: Vec::new(), tokens: Vec::new() }
    }

    fn number(&self, id: &str) -> String {
        let number = self.publishers.iter().position(|(_, other)| other == id);
        number.map_or_else(|| "gone".to_owned(), |number| number.to_string())
    }

    fn publisher(&self, number: usize) -> Option<(usize, Package, String)> {
        let number = number.checked_rem(self.publishers.len())?;
        let (package, id) = self.publishers[number].clone();
        Some((number, package, id))
    }

    async fn apply(&mut self, operation: &Operation) -> String {
        match operation {
            Operation::Add { .. } | Operation::Edit { .. } => self.save(operation).await,
            Operation::Exchange { token, package } => self.redeem(token, *package).await,
            Operation::Find => self.found().await,
            Operation::Revoke(number) => {
                if let Some(number) = number.checked_rem(self.tokens.len()) {
                    self.exchange.revoke(&self.tokens[number]).await.unwrap();
                }
                String::new()
            }
            Operation::Purge(limit) => {
                // Of tokens that ended before they expired, a store may have removed the records.
                let _number = self.exchange.purge(*limit).await.unwrap();
                String::new()
            }
            Operation::PurgePublishers(limit) => format!("{:?}", self.trust.purge(*limit).await.unwrap()),
            Operation::OfAccount(account) => {
                let all = self.trust.of_account(account).await.unwrap();
                self.shown(all).join("\n")
            }
            Operation::Remove(number) | Operation::Published(number) | Operation::CreatedBy(number) => {
                match self.publisher(*number) {
                    Some((_, package, id)) => self.of_publisher(operation, package, &id).await,
                    None => String::new(),
                }
            }
            _ => self.of_package(operation).await,
        }
    }

    async fn save(&mut self, operation: &Operation) -> String {
        let prepare = |package: &Package, config: &Value| {
            self.trust.prepare(package.clone(), "fake", None, config.clone()).unwrap()
        };
        let (number, saved) = match operation {
            Operation::Add { package, account, is_pending, config } => {
                let mut record = prepare(package, config);
                record.account = account.map(str::to_owned);
                record.pending = *is_pending;
                (self.publishers.len(), self.trust.add(&record).await)
            }
            Operation::Edit { publisher, config } => {
                let Some((number, package, id)) = self.publisher(*publisher) else { return String::new() };
                (number, self.trust.edit(&id, prepare(&package, config)).await)
            }
            _ => return String::new(),
        };
        match saved {
            Ok(record) => {
                let saved = (record.package.clone(), record.id.clone());
                match self.publishers.get_mut(number) {
                    Some(old) => *old = saved,
                    None => self.publishers.push(saved),
                }
                self.shown(vec![record]).join("\n")
            }
            Err(TrustError::Exists { id }) => format!("exists as {}", self.number(&id)),
            Err(error) => error.to_string(),
        }
    }

    async fn redeem(&mut self, token: &str, package: Option<&str>) -> String {
        let request = match package {
            Some(package) => ExchangeRequest::package("npm", package),
            None => ExchangeRequest::identity("npm"),
        };
        match self.exchange.exchange(token, &request).await {
            Ok(minted) => {
                self.tokens.push(minted.token.expose().to_owned());
                format!("granted {:?}", self.find(minted.token.expose()).await)
            }
            Err(refusal) => refused(&refusal),
        }
    }

    async fn find(&self, token: &str) -> Option<String> {
        self.exchange.find(token).await.unwrap().map(|record| self.rights(&record))
    }

    async fn found(&self) -> String {
        let mut all = String::new();
        for token in &self.tokens {
            all += &format!("{:?}\n", self.find(token).await);
        }
        all
    }

    fn rights(&self, record: &TokenRecord) -> String {
        let rights = record.packages.iter().map(|granted| {
            let (package, publisher) = (&granted.package, self.number(&granted.publisher));
            format!("{package} by {publisher}, may create: {}, {:?}", granted.may_create, granted.only_of)
        });
        let mut rights: Vec<String> = rights.collect();
        rights.sort();
        format!("{rights:?} until {:?}", record.expires_at)
    }

    async fn of_publisher(&mut self, operation: &Operation, package: Package, id: &str) -> String {
        match operation {
            Operation::Remove(_) => self.trust.remove(&package, id).await.unwrap().to_string(),
            Operation::CreatedBy(_) => {
                format!("{:?}", self.trust.package_created_by(&package, id).await.unwrap())
            }
            _ => {
                let package = if package.is_prefix() { self::package("acme-one") } else { package };
                self.trust.published(&package, id).await.unwrap().to_string()
            }
        }
    }

    async fn of_package(&mut self, operation: &Operation) -> String {
        match operation {
            Operation::Created(package) => self.trust.package_created(package).await.unwrap(),
            Operation::Removed(package) => self.trust.package_removed(package).await.unwrap(),
            Operation::Renamed(old) => {
                self.trust.package_renamed(old, "renamed").await.unwrap();
                for (package, _) in self.publishers.iter_mut().filter(|(package, _)| package == old) {
                    if !old.is_prefix() {
                        *package = self::package("renamed");
                    }
                }
            }
            Operation::Transferred(package) => {
                let kept = self.publishers.iter().step_by(2).map(|(_, id)| id.as_str());
                let kept: Vec<&str> = kept.collect();
                let owner = PackageOwner::account("bob");
                self.trust.package_transferred(package, &owner, &kept).await.unwrap();
            }
            _ => {}
        }
        String::new()
    }

    /// Publishers with their numbers in place of their ids.
    fn shown(&self, records: Vec<PublisherRecord>) -> Vec<String> {
        let numbered = records.into_iter().map(|mut record| {
            record.id = self.number(&record.id);
            format!("{record:?}")
        });
        let mut shown: Vec<String> = numbered.collect();
        shown.sort();
        shown
    }

    /// Everything that is stored of publishers, and the number of tokens that each has.
    async fn state(&self) -> Vec<String> {
        let packages = NAMES.map(package).into_iter().chain([prefix("acme-"), prefix("oth-")]);
        let mut state = Vec::new();
        for package in packages {
            let records = self.trust.list(&package).await.unwrap();
            let live = self.trust.live_tokens(&records).await.unwrap();
            let mut live: Vec<_> = live.into_iter().map(|(id, number)| (self.number(&id), number)).collect();
            live.sort();
            state.push(format!("{package}: {live:?}"));
            state.extend(self.shown(records));
        }
        state
    }
}

fn refused(refusal: &Refusal) -> String {
    format!("refused: {:?}, {refusal}", refusal.kind())
}
