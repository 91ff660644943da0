//! A PostgreSQL to test with, found by `TEST_POSTGRES_URL`: `.ci/postgres` starts one and prints it. Without it such a test is
//! ignored, by `#[needs(postgres)]`, unless `REQUIRE_CLIENTS=1`.
#![allow(clippy::disallowed_methods)]

use std::env;

use oidc_core::testing::FakeIssuer;
use sqlx::any::install_default_drivers;
use sqlx::{AnyConnection, AssertSqlSafe, Connection as _, Executor as _};

/// A database of its own.
#[derive(Debug)]
pub struct Postgres {
    server: String,
    name: String,
}

impl Postgres {
    pub async fn create() -> Self {
        let server = env::var("TEST_POSTGRES_URL").ok().filter(|url| !url.is_empty());
        let server = server.expect("TEST_POSTGRES_URL names no PostgreSQL; see .ci/postgres");
        let name = format!("test_{}", FakeIssuer::unique_id().replace('-', ""));
        let database = Self { server, name };
        database.execute(format!("CREATE DATABASE {}", database.name)).await;
        database
    }

    pub fn url(&self) -> String {
        let (server, _) = self.server.rsplit_once('/').unwrap();
        format!("{server}/{}", self.name)
    }

    pub async fn drop(self) {
        self.execute(format!("DROP DATABASE {} WITH (FORCE)", self.name)).await;
    }

    async fn execute(&self, statement: String) {
        install_default_drivers();
        let mut connection = AnyConnection::connect(&self.server).await.unwrap();
        connection.execute(AssertSqlSafe(statement)).await.unwrap();
        connection.close().await.unwrap();
    }
}
