//! An exchange over a database.

use std::time::{Duration, Instant};

use oidc_core::{ProviderSet, Secret};
use oidc_exchange::server::{Exchange, ExchangeRequest, Package, Trust};
use oidc_exchange::sql::{SqlOptions, SqlStore};
use oidc_providers::GitHub;

use crate::scene::{self, Scene};

/// The package of all exchanges.
pub const PACKAGE: &str = "widget";
/// An exchange over a database with one publisher.
#[derive(Debug)]
pub struct Registry {
    /// The exchange.
    pub exchange: Exchange,
    /// The store below it.
    pub store: SqlStore,
    /// The id of the publisher.
    pub publisher: String,
    /// The URL of the database.
    pub url: String,
}

impl Registry {
    /// Over a database that has no tables yet.
    pub async fn new(scene: &Scene, url: &str, connections: u32) -> Self {
        let store = SqlOptions::new(url).max_connections(connections).open().await.expect("a database");
        let providers = ProviderSet::default().with(GitHub::public());
        let trust = Trust::new(providers, store.clone(), &scene.context());
        let record = trust.prepare(Package::new("npm", PACKAGE), "github", None, scene::publisher());
        let record = trust.add(&record.expect("a publisher")).await.expect("a publisher");
        let exchange = Exchange::builder(scene.verifier.clone(), store.clone()).build();
        Self { exchange, store, publisher: record.id, url: url.to_owned() }
    }

    /// Exchanges the tokens, by so many callers at a time.
    pub async fn exchange(&self, tokens: Vec<String>, callers: usize) -> Duration {
        let begin = Instant::now();
        let shares = tokens.chunks(tokens.len().div_ceil(callers)).map(<[String]>::to_vec);
        let tasks: Vec<_> = shares
            .map(|tokens| {
                let exchange = self.exchange.clone();
                tokio::spawn(async move {
                    let request = ExchangeRequest::package("npm", PACKAGE);
                    for token in tokens {
                        exchange.exchange(&token, &request).await.expect("a publish token");
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.expect("a caller");
        }
        begin.elapsed()
    }

    /// A publish token.
    pub async fn publish_token(&self, token: String) -> Secret {
        let request = ExchangeRequest::package("npm", PACKAGE);
        self.exchange.exchange(&token, &request).await.expect("a publish token").token
    }

    /// Looks a publish token up, so many times.
    pub async fn find(&self, token: &Secret, times: usize) -> Duration {
        let (exchange, token) = (self.exchange.clone(), token.clone());
        let task = tokio::spawn(async move {
            let begin = Instant::now();
            for _ in 0..times {
                assert!(exchange.find(token.expose()).await.expect("an answer").is_some());
            }
            begin.elapsed()
        });
        task.await.expect("a caller")
    }
}

/// New identity tokens.
pub fn tokens(scene: &Scene, count: usize) -> Vec<String> {
    let now = scene.now();
    (0..count).map(|_| scene.issuer.sign(&scene::claims(now))).collect()
}
