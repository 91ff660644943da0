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

    /// A role that may read and write the rows of tables that the owner creates from now on, and create none.
    pub async fn role_without_ddl(&self) -> Role {
        let name = self.name.replace("test_", "role_");
        self.execute(format!("CREATE ROLE {name} LOGIN PASSWORD 'secret'")).await;
        let mut connection = AnyConnection::connect(&self.url()).await.unwrap();
        for statement in [
            "REVOKE ALL ON SCHEMA public FROM PUBLIC".to_owned(),
            format!("GRANT USAGE ON SCHEMA public TO {name}"),
            format!(
                "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {name}"
            ),
        ] {
            connection.execute(AssertSqlSafe(statement)).await.unwrap();
        }
        connection.close().await.unwrap();
        let (_, place) = self.server.rsplit_once('@').unwrap();
        let (host, _) = place.rsplit_once('/').unwrap();
        let url = format!("postgres://{name}:secret@{host}/{}", self.name);
        Role { server: self.server.clone(), name, url }
    }

    pub async fn drop(self) {
        self.execute(format!("DROP DATABASE {} WITH (FORCE)", self.name)).await;
    }

    async fn execute(&self, statement: String) {
        execute(&self.server, statement).await;
    }
}

/// A role of the server.
#[derive(Debug)]
pub struct Role {
    server: String,
    name: String,
    url: String,
}

impl Role {
    /// The database's URL, for this role.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Drops the role, after the database that it has rights on.
    pub async fn drop(self) {
        execute(&self.server, format!("DROP ROLE {}", self.name)).await;
    }
}

async fn execute(server: &str, statement: String) {
    install_default_drivers();
    let mut connection = AnyConnection::connect(server).await.unwrap();
    connection.execute(AssertSqlSafe(statement)).await.unwrap();
    connection.close().await.unwrap();
}
