//! Packages and their files in the database.

use axum::response::Response;
use oidc_core::Timestamp;

use crate::registry::authorize::Principal;
use crate::registry::blobs;
use crate::registry::database::Database;
use crate::registry::intake::Content;
use crate::registry::settlement::Settlement;

/// The tables. Instants are seconds since 1970; `folded` is a name in lower case, by which no two packages differ;
/// `published_by` is a [`Principal`] as JSON. For the rest see [`Upload`].
pub(in crate::registry) const SCHEMA: &[&str] = &[
    "CREATE TABLE IF NOT EXISTS hosted_package (
        ecosystem TEXT NOT NULL,
        name TEXT NOT NULL,
        folded TEXT NOT NULL,
        listed TEXT NOT NULL,
        created_at BIGINT NOT NULL,
        PRIMARY KEY (ecosystem, name),
        UNIQUE (ecosystem, folded)
    )",
    "CREATE TABLE IF NOT EXISTS hosted_file (
        ecosystem TEXT NOT NULL,
        name TEXT NOT NULL,
        package TEXT NOT NULL,
        version TEXT NOT NULL,
        identity TEXT NOT NULL,
        sha256 TEXT NOT NULL,
        metadata TEXT NOT NULL,
        published_at BIGINT NOT NULL,
        published_by TEXT NOT NULL,
        PRIMARY KEY (ecosystem, name),
        UNIQUE (ecosystem, package, identity),
        FOREIGN KEY (ecosystem, package) REFERENCES hosted_package (ecosystem, name)
    )",
    "CREATE INDEX IF NOT EXISTS hosted_file_by_package ON hosted_file (ecosystem, package)",
    "CREATE TABLE IF NOT EXISTS hosted_beside (
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
    /// What no other file of the package has: where a version has one file, what is the same for all its spellings.
    pub(in crate::registry) identity: String,
    /// The content's SHA-256 in hexadecimal digits.
    pub(in crate::registry) sha256: String,
    /// What of it is read with the package's other files, as for an index.
    pub(in crate::registry) metadata: String,
    /// What of it is read alone, without the content; may be nothing.
    pub(in crate::registry) beside: Vec<u8>,
    /// What of the package, called so, is read with all others: made of all its files, oldest first, with this one.
    pub(in crate::registry) listed: Option<fn(&str, &[File]) -> String>,
    /// The content.
    pub(in crate::registry) content: Content,
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
    /// A package exists whose name, this one, differs in case alone.
    OtherCase(String),
    /// A file of that name or identity was there before, of this version.
    Exists(String),
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
    /// Adds a package without files, unless it exists. Where it is added, its pending publishers end.
    pub(super) async fn register(&self, package: &str, now: Timestamp) -> Result<(), sqlx::Error> {
        let mut write = self.database.write().await?;
        let added = self.add_package(write.connection(), package, now).await?;
        self.settlement.settle(&mut write, self.ecosystem, package, &Principal::Admin, added).await?;
        write.commit().await
    }

    async fn add_package(
        &self,
        connection: &mut sqlx::AnyConnection,
        package: &str,
        now: Timestamp,
    ) -> Result<bool, sqlx::Error> {
        let statement = "INSERT INTO hosted_package (ecosystem, name, folded, listed, created_at)
             VALUES ($1, $2, $3, '', $4) ON CONFLICT DO NOTHING";
        let query = sqlx::query(statement).bind(self.ecosystem).bind(package).bind(folded(package));
        Ok(query.bind(now.as_signed_secs()).execute(connection).await?.rows_affected() > 0)
    }

    /// What is read of each package that has files, in the order of their names.
    pub(super) async fn listed(&self) -> Result<Vec<String>, sqlx::Error> {
        let statement =
            "SELECT listed FROM hosted_package WHERE ecosystem = $1 AND listed <> '' ORDER BY name";
        sqlx::query_scalar(statement).bind(self.ecosystem).fetch_all(self.database.pool()).await
    }

    /// The names of all packages that have files.
    pub(super) async fn packages(&self) -> Result<Vec<String>, sqlx::Error> {
        let statement = "SELECT DISTINCT package FROM hosted_file WHERE ecosystem = $1 ORDER BY package";
        sqlx::query_scalar(statement).bind(self.ecosystem).fetch_all(self.database.pool()).await
    }

    /// A package's files, oldest first.
    pub(super) async fn files(&self, package: &str) -> Result<Vec<File>, sqlx::Error> {
        let mut connection = self.database.pool().acquire().await?;
        self.files_on(&mut connection, package).await
    }

    async fn files_on(
        &self,
        connection: &mut sqlx::AnyConnection,
        package: &str,
    ) -> Result<Vec<File>, sqlx::Error> {
        sqlx::query_as(
            "SELECT name, sha256, metadata FROM hosted_file
             WHERE ecosystem = $1 AND package = $2 ORDER BY published_at, name",
        )
        .bind(self.ecosystem)
        .bind(text(package))
        .fetch_all(connection)
        .await
    }

    /// An answer that is a file's content, if it is there.
    pub(super) async fn content(&self, name: &str) -> Result<Option<Response>, sqlx::Error> {
        match text(name) {
            Some(name) => blobs::answer(&self.database, self.ecosystem, name).await,
            None => Ok(None),
        }
    }

    /// What is beside a file's content, if it is there.
    pub(super) async fn beside(&self, name: &str) -> Result<Option<Vec<u8>>, sqlx::Error> {
        let statement = "SELECT content FROM hosted_beside WHERE ecosystem = $1 AND name = $2";
        sqlx::query_scalar(statement)
            .bind(self.ecosystem)
            .bind(text(name))
            .fetch_optional(self.database.pool())
            .await
    }

    /// Who published a file, if it is there.
    pub(super) async fn published_by(&self, name: &str) -> Result<Option<String>, sqlx::Error> {
        let statement = "SELECT published_by FROM hosted_file WHERE ecosystem = $1 AND name = $2";
        sqlx::query_scalar(statement)
            .bind(self.ecosystem)
            .bind(text(name))
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
        let package = upload.package.as_str();
        let is_new = by.may_create() && self.add_package(write.connection(), package, now).await?;
        if !self.lock(write.connection(), package).await? {
            let other = self.other_case(write.connection(), package).await?;
            return Ok(other.map_or(Published::NoPackage, Published::OtherCase));
        }
        if !self.settlement.settle(&mut write, self.ecosystem, package, by, is_new).await? {
            return Ok(Published::NotTrusted);
        }
        let connection = write.connection();
        if !self.add_file(connection, &upload, by, now).await? {
            return Ok(Published::Exists(self.version_in_place(connection, &upload).await?));
        }
        if let Some(listed) = upload.listed {
            let listed = listed(package, &self.files_on(connection, package).await?);
            self.list(connection, package, &listed).await?;
        }
        self.add_content(connection, upload).await?;
        write.commit().await?;
        Ok(Published::Done)
    }

    /// Whether a package is there. Until the transaction ends, no other publishes it.
    async fn lock(&self, connection: &mut sqlx::AnyConnection, package: &str) -> Result<bool, sqlx::Error> {
        let statement = "UPDATE hosted_package SET name = name WHERE ecosystem = $1 AND name = $2";
        let query = sqlx::query(statement).bind(self.ecosystem).bind(package);
        Ok(query.execute(connection).await?.rows_affected() > 0)
    }

    async fn other_case(
        &self,
        connection: &mut sqlx::AnyConnection,
        package: &str,
    ) -> Result<Option<String>, sqlx::Error> {
        let statement = "SELECT name FROM hosted_package WHERE ecosystem = $1 AND folded = $2";
        let query = sqlx::query_scalar(statement).bind(self.ecosystem).bind(folded(package));
        query.fetch_optional(connection).await
    }

    async fn add_file(
        &self,
        connection: &mut sqlx::AnyConnection,
        upload: &Upload,
        by: &Principal,
        now: Timestamp,
    ) -> Result<bool, sqlx::Error> {
        let added = sqlx::query(
            "INSERT INTO hosted_file
                 (ecosystem, name, package, version, identity, sha256, metadata, published_at, published_by)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING",
        )
        .bind(self.ecosystem)
        .bind(&upload.name)
        .bind(&upload.package)
        .bind(&upload.version)
        .bind(&upload.identity)
        .bind(&upload.sha256)
        .bind(&upload.metadata)
        .bind(now.as_signed_secs())
        .bind(serde_json::to_string(by).map_err(|error| sqlx::Error::Encode(error.into()))?)
        .execute(connection)
        .await?;
        Ok(added.rows_affected() > 0)
    }

    /// The version of the file that is in an upload's place.
    async fn version_in_place(
        &self,
        connection: &mut sqlx::AnyConnection,
        upload: &Upload,
    ) -> Result<String, sqlx::Error> {
        let statement = "SELECT version FROM hosted_file
             WHERE ecosystem = $1 AND (name = $2 OR package = $3 AND identity = $4)";
        let query = sqlx::query_scalar(statement).bind(self.ecosystem).bind(&upload.name);
        query.bind(&upload.package).bind(&upload.identity).fetch_one(connection).await
    }

    async fn list(
        &self,
        connection: &mut sqlx::AnyConnection,
        package: &str,
        listed: &str,
    ) -> Result<(), sqlx::Error> {
        let statement = "UPDATE hosted_package SET listed = $3 WHERE ecosystem = $1 AND name = $2";
        let query = sqlx::query(statement).bind(self.ecosystem).bind(package).bind(listed);
        query.execute(connection).await.map(|_| ())
    }

    async fn add_content(
        &self,
        connection: &mut sqlx::AnyConnection,
        upload: Upload,
    ) -> Result<(), sqlx::Error> {
        blobs::add(connection, self.ecosystem, &upload.name, &upload.content).await?;
        if upload.beside.is_empty() {
            return Ok(());
        }
        let statement = "INSERT INTO hosted_beside (ecosystem, name, content) VALUES ($1, $2, $3)";
        let query = sqlx::query(statement).bind(self.ecosystem).bind(upload.name);
        query.bind(upload.beside).execute(connection).await.map(|_| ())
    }
}

/// A name from outside, to be looked up. PostgreSQL takes no text with a NUL, so such a name is that of nothing.
fn text(name: &str) -> Option<&str> {
    (!name.contains('\0')).then_some(name)
}

/// A package's name without the difference of case.
fn folded(package: &str) -> String {
    package.to_ascii_lowercase()
}
