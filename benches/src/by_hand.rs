//! The smallest transaction that writes the rows of an exchange, written by hand with the driver.

use std::time::{Duration, Instant};

use oidc_core::testing::FakeIssuer;
use sqlx::{Connection as _, PgConnection, SqliteConnection};

use crate::scene;
use crate::stores::Registry;

/// A run of the size that the platform's claims make.
const RUN: &str = r#"{"repository":"acme/widget","url":"https://github.com/acme/widget/actions/runs/1","sha":"4be5e6bdf3d6b9bc4f2e7ad4","ref":"refs/heads/main"}"#;

/// The statements of the smallest transaction, with the parameters that all of them take from.
const REPLAY: &str = "INSERT INTO oidc_replay (key, uses, remember_until) VALUES ($1, 1, $2)";
const TOKEN: &str = "INSERT INTO oidc_token (hash, created_at, expires_at, provider, issuer, run, ecosystem, package, publisher) \
     VALUES ($1, $2, $3, $4, $5, $6, 'npm', 'widget', $7)";
const TOGETHER: &str = "WITH replay AS (INSERT INTO oidc_replay (key, uses, remember_until) VALUES ($1, 1, $2)) \
     INSERT INTO oidc_token (hash, created_at, expires_at, provider, issuer, run, ecosystem, package, publisher) \
     VALUES ($3, $4, $2, $5, $6, $7, 'npm', 'widget', $8)";
const FIND: &str = "SELECT t.expires_at, t.provider, t.issuer, t.run, t.ecosystem, t.package, t.publisher, q.pending \
     FROM oidc_token t JOIN oidc_publisher q ON q.id = t.publisher \
     WHERE t.hash = $1 AND t.expires_at > $2";

impl Registry {
    /// Connections of the driver to the same database.
    pub async fn by_hand(&self, callers: usize) -> ByHand {
        let mut connections = Vec::new();
        for _ in 0..callers {
            connections.push(Driver::connect(&self.url).await);
        }
        ByHand { connections, publisher: self.publisher.clone() }
    }
}

/// The driver's own connections.
#[derive(Debug)]
pub struct ByHand {
    connections: Vec<Driver>,
    publisher: String,
}

impl ByHand {
    /// Makes so many of the smallest transactions, by as many callers as there are connections.
    pub async fn commit(&mut self, transactions: usize) -> Duration {
        let each = transactions.div_ceil(self.connections.len());
        let begin = Instant::now();
        let tasks: Vec<_> = self
            .connections
            .drain(..)
            .map(|mut connection| {
                let publisher = self.publisher.clone();
                tokio::spawn(async move {
                    for _ in 0..each {
                        connection.commit(&publisher).await.expect("a commit");
                    }
                    connection
                })
            })
            .collect();
        for task in tasks {
            self.connections.push(task.await.expect("a caller"));
        }
        begin.elapsed()
    }

    /// Selects the rows of a publish token, so many times.
    pub async fn select(&mut self, hash: &str, times: usize) -> Duration {
        let mut connection = self.connections.pop().expect("a connection");
        let hash = hash.to_owned();
        let task = tokio::spawn(async move {
            let begin = Instant::now();
            for _ in 0..times {
                connection.select(&hash).await.expect("rows");
            }
            (begin.elapsed(), connection)
        });
        let (taken, connection) = task.await.expect("a caller");
        self.connections.push(connection);
        taken
    }
}

#[derive(Debug)]
enum Driver {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl Driver {
    async fn connect(url: &str) -> Self {
        if !url.starts_with("sqlite:") {
            return Self::Postgres(PgConnection::connect(url).await.expect("a server"));
        }
        let mut connection = SqliteConnection::connect(url).await.expect("a file");
        let pragmas = "PRAGMA busy_timeout = 10000; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;";
        sqlx::raw_sql(pragmas).execute(&mut connection).await.expect("settings");
        Self::Sqlite(connection)
    }

    async fn commit(&mut self, publisher: &str) -> Result<(), sqlx::Error> {
        let (key, hash) = (unique(), unique());
        match self {
            Self::Sqlite(connection) => {
                let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
                sqlx::query(REPLAY).bind(&key).bind(1_i64 << 40).execute(&mut *transaction).await?;
                let query = sqlx::query(TOKEN).bind(&hash).bind(1_i64).bind(1_i64 << 40);
                query
                    .bind("github")
                    .bind(scene::ISSUER)
                    .bind(RUN)
                    .bind(publisher)
                    .execute(&mut *transaction)
                    .await?;
                transaction.commit().await
            }
            Self::Postgres(connection) => {
                let query = sqlx::query(TOGETHER).bind(&key).bind(1_i64 << 40).bind(&hash).bind(1_i64);
                let query = query.bind("github").bind(scene::ISSUER).bind(RUN).bind(publisher);
                query.execute(connection).await.map(drop)
            }
        }
    }

    async fn select(&mut self, hash: &str) -> Result<(), sqlx::Error> {
        let found = match self {
            Self::Sqlite(connection) => {
                sqlx::query(FIND).bind(hash).bind(0_i64).fetch_all(connection).await?.len()
            }
            Self::Postgres(connection) => {
                sqlx::query(FIND).bind(hash).bind(0_i64).fetch_all(connection).await?.len()
            }
        };
        assert_eq!(found, 1);
        Ok(())
    }
}

fn unique() -> String {
    let id = FakeIssuer::unique_id().replace('-', "");
    format!("{id}{id}")
}
