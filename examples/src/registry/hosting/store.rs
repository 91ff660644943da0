//! Packages and their files in the database.

use oidc_core::Timestamp;

use crate::registry::authorize::Principal;
use crate::registry::database::Database;
use crate::registry::settlement::Settlement;

/// The tables. Instants are seconds since 1970; `published_by` is a [`Principal`] as JSON; `metadata` is the ecosystem's own.
pub(in crate::registry) const SCHEMA: &[&str] = &[
    "CREATE TABLE IF NOT EXISTS hosted_package (
        ecosystem TEXT NOT NULL,
        name TEXT NOT NULL,
        created_at BIGINT NOT NULL,
        PRIMARY KEY (ecosystem, name)
    )",
    "CREATE TABLE IF NOT EXISTS hosted_file (
        ecosystem TEXT NOT NULL,
        name TEXT NOT NULL,
        package TEXT NOT NULL,
        version TEXT NOT NULL,
        sha256 TEXT NOT NULL,
        metadata TEXT NOT NULL,
        published_at BIGINT NOT NULL,
        published_by TEXT NOT NULL,
        PRIMARY KEY (ecosystem, name),
        FOREIGN KEY (ecosystem, package) REFERENCES hosted_package (ecosystem, name)
    )",
    "CREATE INDEX IF NOT EXISTS hosted_file_by_package ON hosted_file (ecosystem, package)",
    "CREATE TABLE IF NOT EXISTS hosted_content (
        ecosystem TEXT NOT NULL,
        name TEXT NOT NULL,
        content BYTES NOT NULL,
        PRIMARY KEY (ecosystem, name),
        FOREIGN KEY (ecosystem, name) REFERENCES hosted_file (ecosystem, name)
    )",
];

/// One file to be published.
#[derive(Debug)]
pub(in crate::registry) struct Upload {
    /// The package, as the ecosystem normalises it.
    pub(in crate::registry) package: String,
    /// The version.
    pub(in crate::registry) version: String,
    /// The file's name, which no other file of the ecosystem has.
    pub(in crate::registry) name: String,
    /// The content's SHA-256 in hexadecimal digits.
    pub(in crate::registry) sha256: String,
    /// What the ecosystem wants to know of it later.
    pub(in crate::registry) metadata: String,
    /// The content.
    pub(in crate::registry) content: Vec<u8>,
}

/// A published file, without its content.
#[derive(Debug, sqlx::FromRow)]
pub(in crate::registry) struct File {
    pub(in crate::registry) name: String,
    pub(in crate::registry) sha256: String,
    pub(in crate::registry) metadata: String,
}

/// What became of a publish.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Published {
    /// The file is stored, durably.
    Done,
    /// The package doesn't exist, and the principal may not create it.
    NoPackage,
    /// A file of that name was there before.
    Exists,
    /// The trusted publisher is gone, or was to create a package that exists by other means.
    NotTrusted,
}

/// The queries of one ecosystem, over the shared database.
#[derive(Debug, Clone)]
pub(super) struct Store {
    pub(super) ecosystem: &'static str,
    pub(super) database: Database,
    pub(super) settlement: Settlement,
}

impl Store {
    /// Adds a package without files, unless it exists.
    pub(super) async fn register(&self, package: &str, now: Timestamp) -> Result<(), sqlx::Error> {
        let mut write = self.database.write().await?;
        self.add_package(write.connection(), package, now).await?;
        write.commit().await
    }

    async fn add_package(
        &self,
        connection: &mut sqlx::AnyConnection,
        package: &str,
        now: Timestamp,
    ) -> Result<bool, sqlx::Error> {
        let statement = "INSERT INTO hosted_package (ecosystem, name, created_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
        let query = sqlx::query(statement).bind(self.ecosystem).bind(package).bind(now.as_signed_secs());
        Ok(query.execute(connection).await?.rows_affected() > 0)
    }

    /// The names of all packages that have files.
    pub(super) async fn packages(&self) -> Result<Vec<String>, sqlx::Error> {
        let statement = "SELECT DISTINCT package FROM hosted_file WHERE ecosystem = $1 ORDER BY package";
        sqlx::query_scalar(statement).bind(self.ecosystem).fetch_all(self.database.pool()).await
    }

    /// A package's files, oldest first.
    pub(super) async fn files(&self, package: &str) -> Result<Vec<File>, sqlx::Error> {
        sqlx::query_as(
            "SELECT name, sha256, metadata FROM hosted_file
             WHERE ecosystem = $1 AND package = $2 ORDER BY published_at, name",
        )
        .bind(self.ecosystem)
        .bind(package)
        .fetch_all(self.database.pool())
        .await
    }

    /// The files of all packages, oldest first.
    pub(super) async fn all_files(&self) -> Result<Vec<File>, sqlx::Error> {
        let statement = "SELECT name, sha256, metadata FROM hosted_file
             WHERE ecosystem = $1 ORDER BY published_at, name";
        sqlx::query_as(statement).bind(self.ecosystem).fetch_all(self.database.pool()).await
    }

    /// What is known of a file, if it is there.
    pub(super) async fn file(&self, name: &str) -> Result<Option<File>, sqlx::Error> {
        let statement = "SELECT name, sha256, metadata FROM hosted_file WHERE ecosystem = $1 AND name = $2";
        sqlx::query_as(statement).bind(self.ecosystem).bind(name).fetch_optional(self.database.pool()).await
    }

    /// A file's content.
    pub(super) async fn content(&self, name: &str) -> Result<Option<Vec<u8>>, sqlx::Error> {
        let statement = "SELECT content FROM hosted_content WHERE ecosystem = $1 AND name = $2";
        sqlx::query_scalar(statement)
            .bind(self.ecosystem)
            .bind(name)
            .fetch_optional(self.database.pool())
            .await
    }

    /// Who published a file, if it is there.
    pub(super) async fn published_by(&self, name: &str) -> Result<Option<String>, sqlx::Error> {
        let statement = "SELECT published_by FROM hosted_file WHERE ecosystem = $1 AND name = $2";
        sqlx::query_scalar(statement)
            .bind(self.ecosystem)
            .bind(name)
            .fetch_optional(self.database.pool())
            .await
    }

    /// Stores a file, and the package that it creates: all of it, durably, or nothing.
    pub(super) async fn publish(
        &self,
        upload: Upload,
        by: &Principal,
        now: Timestamp,
    ) -> Result<Published, sqlx::Error> {
        let mut write = self.database.write().await?;
        let connection = write.connection();
        let package = upload.package.as_str();
        let is_new = by.may_create() && self.add_package(connection, package, now).await?;
        let exists = sqlx::query("SELECT name FROM hosted_package WHERE ecosystem = $1 AND name = $2")
            .bind(self.ecosystem)
            .bind(package)
            .fetch_optional(&mut *connection)
            .await?;
        if exists.is_none() {
            return Ok(Published::NoPackage);
        }
        if !self.settlement.settle(connection, self.ecosystem, package, by, is_new).await? {
            return Ok(Published::NotTrusted);
        }
        let added = sqlx::query(
            "INSERT INTO hosted_file
                 (ecosystem, name, package, version, sha256, metadata, published_at, published_by)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
        )
        .bind(self.ecosystem)
        .bind(&upload.name)
        .bind(package)
        .bind(&upload.version)
        .bind(&upload.sha256)
        .bind(&upload.metadata)
        .bind(now.as_signed_secs())
        .bind(serde_json::to_string(by).map_err(|error| sqlx::Error::Encode(error.into()))?)
        .execute(&mut *connection)
        .await?;
        if added.rows_affected() == 0 {
            return Ok(Published::Exists);
        }
        sqlx::query("INSERT INTO hosted_content (ecosystem, name, content) VALUES ($1, $2, $3)")
            .bind(self.ecosystem)
            .bind(upload.name)
            .bind(upload.content)
            .execute(&mut *connection)
            .await?;
        write.commit().await?;
        Ok(Published::Done)
    }
}
