//! Packages and their files in the database.

use std::ops::Range;

use axum::response::Response;
use oidc_core::{Context, Timestamp};
use oidc_exchange::server::{Package, StoreError};
use oidc_exchange::sql::{SqlStore, retry};
use oidc_provenance::{Attestation, Refusal, Requirement};
use sqlx::any::AnyRow;
use sqlx::{FromRow, Row as _};

use crate::activation::{activate, published};
use crate::authorize::Principal;
use crate::blobs;
use crate::intake::Content;
use crate::pieces::PIECE;
use crate::provenance::{self, Stored, Vouched};
use crate::turns::Turns;

/// The tables. Instants are seconds since 1970; `folded` is a name in lower case, by which no two packages differ;
/// a package's files are counted from 0 (`position`), and `size` is about what one takes in an index; `published_by` is a
/// [`Principal`] as JSON. For the rest see [`Upload`].
pub(crate) const SCHEMA: &[&str] = &[
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
        position BIGINT NOT NULL,
        sha256 TEXT NOT NULL,
        metadata TEXT NOT NULL,
        size BIGINT NOT NULL,
        published_at BIGINT NOT NULL,
        published_by TEXT NOT NULL,
        PRIMARY KEY (ecosystem, name),
        UNIQUE (ecosystem, package, identity),
        UNIQUE (ecosystem, package, position),
        FOREIGN KEY (ecosystem, package) REFERENCES hosted_package (ecosystem, name)
    )",
    "CREATE TABLE IF NOT EXISTS hosted_beside (
        ecosystem TEXT NOT NULL,
        name TEXT NOT NULL,
        content BYTES NOT NULL,
        PRIMARY KEY (ecosystem, name),
        FOREIGN KEY (ecosystem, name) REFERENCES hosted_file (ecosystem, name)
    )",
];

/// The most files of a package.
const MAX_FILES: i64 = 10_000;
/// The most bytes that a package takes in an index.
const MAX_SERVED: i64 = 16 << 20;
/// What a file takes in an index beside its metadata, in bytes: its name twice, its digest, and what stands around them.
const FILE_SIZE: usize = 512;
/// The most bytes that are read of a package with all others.
const MAX_LISTED: usize = 32 << 10;
/// How many packages are read together, of which as many are taken as a piece of an answer has room for.
const PACKAGES: i64 = 8;

/// One file to be published.
#[derive(Debug)]
pub(crate) struct Upload {
    /// The package, as the ecosystem normalises it.
    pub(crate) package: String,
    /// The version.
    pub(crate) version: String,
    /// The file's name, which no other file of the ecosystem has.
    pub(crate) name: String,
    /// What no other file of the package has: where a version has one file, what is the same for all its spellings.
    pub(crate) identity: String,
    /// The content's SHA-256 in hexadecimal digits.
    pub(crate) sha256: String,
    /// What of it is read with the package's other files, as for an index.
    pub(crate) metadata: String,
    /// What of it is read alone, without the content; may be nothing.
    pub(crate) beside: Vec<u8>,
    /// What of the package, called so, is read with all others: made of all its files, oldest first, with this one.
    pub(crate) listed: Option<fn(&str, &[File]) -> String>,
    /// How the package is spelled, by a file's metadata, where all its files have to spell it the same.
    pub(crate) spelling: Option<fn(&str) -> Option<String>>,
    /// The content.
    pub(crate) content: Content,
    /// What vouches for it.
    pub(crate) vouches: Option<Vouches>,
}

/// What vouches for a file, unverified.
#[derive(Debug)]
pub(crate) struct Vouches {
    /// What is verified.
    pub(crate) vouched: Vouched,
    /// The attestations as they were sent, in JSON.
    pub(crate) sent: Vec<String>,
    /// Makes of these and of what they turned out to be what clients are told.
    pub(crate) document: fn(&[String], &[Attestation]) -> String,
}

/// What is known of a file's provenance when it is stored.
#[derive(Debug, Default)]
pub(super) struct Proof {
    /// What the package requires.
    pub(super) requirement: Requirement,
    /// The file's provenance, if it has any.
    pub(super) stored: Option<Stored>,
}

/// A published file, without its content.
#[derive(Debug)]
pub(crate) struct File {
    pub(crate) name: String,
    pub(crate) sha256: String,
    pub(crate) metadata: String,
    /// Seconds since 1970.
    pub(crate) published_at: i64,
}

impl FromRow<'_, AnyRow> for File {
    fn from_row(row: &AnyRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            name: row.try_get("name")?,
            sha256: row.try_get("sha256")?,
            metadata: row.try_get("metadata")?,
            published_at: row.try_get("published_at")?,
        })
    }
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
    /// The package's files spell its name so, and this one otherwise.
    OtherSpelling(String),
    /// A file of that name or identity was there before, of this version.
    Exists(String),
    /// The package has as much as is served of one.
    Full(&'static str),
    /// The trusted publisher is gone, or was to create a package that exists by other means.
    NotTrusted,
    /// The publish token is no longer valid.
    TokenEnded,
    /// The file lacks provenance.
    Unproven(Refusal),
}

/// The queries of one ecosystem, over the shared database.
#[derive(Debug, Clone)]
pub(super) struct Store {
    pub(super) ecosystem: &'static str,
    pub(super) database: SqlStore,
    turns: Turns,
}

impl Store {
    pub(super) fn new(ecosystem: &'static str, database: SqlStore) -> Self {
        Self { ecosystem, database, turns: Turns::new() }
    }

    /// Adds a package without files, unless it exists. Where it is added, its pending publishers end.
    pub(super) async fn register(&self, package: &str, now: Timestamp) -> Result<(), StoreError> {
        let mut write = self.database.begin().await?;
        let added = self.add_package(write.connection(), package, now).await?;
        activate(&write, &self.package(package), &Principal::Admin, added).await?;
        write.commit().await
    }

    fn package(&self, name: &str) -> Package {
        Package::new(self.ecosystem, name)
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

    /// Some packages that have files, in the order of their names behind `name`, each with what is read of it with all others.
    /// What is read of one package alone is never left out.
    pub(super) async fn packages_after(&self, name: &str) -> Result<Vec<(String, String)>, sqlx::Error> {
        let statement = "SELECT name, listed FROM (
                 SELECT name, listed, SUM(LENGTH(listed)) OVER (ORDER BY name) AS total FROM (
                     SELECT name, listed FROM hosted_package
                     WHERE ecosystem = $1 AND name > $2
                         AND EXISTS (SELECT 1 FROM hosted_file
                             WHERE hosted_file.ecosystem = hosted_package.ecosystem
                                 AND hosted_file.package = hosted_package.name)
                     ORDER BY name LIMIT $3
                 ) AS next
             ) AS summed
             WHERE total <= $4 OR total = LENGTH(listed) ORDER BY name";
        let query = sqlx::query_as(statement).bind(self.ecosystem).bind(name).bind(PACKAGES).bind(PIECE);
        query.fetch_all(self.database.pool()).await
    }

    /// The positions of a package's files, oldest first, each with what the file takes in an index.
    pub(super) async fn positions(&self, package: &str) -> Result<Vec<(i64, i64)>, sqlx::Error> {
        let statement = "SELECT position, size FROM hosted_file
             WHERE ecosystem = $1 AND package = $2 ORDER BY position";
        let query = sqlx::query_as(statement).bind(self.ecosystem).bind(text(package));
        query.fetch_all(self.database.pool()).await
    }

    /// The versions of a package's files at these positions, oldest first.
    pub(super) async fn versions(
        &self,
        package: &str,
        positions: Range<i64>,
    ) -> Result<Vec<String>, sqlx::Error> {
        let statement = "SELECT version FROM hosted_file
             WHERE ecosystem = $1 AND package = $2 AND position >= $3 AND position < $4 ORDER BY position";
        let query = sqlx::query_scalar(statement).bind(self.ecosystem).bind(text(package));
        query.bind(positions.start).bind(positions.end).fetch_all(self.database.pool()).await
    }

    /// A package's files at these positions, oldest first.
    pub(super) async fn files(&self, package: &str, positions: Range<i64>) -> Result<Vec<File>, sqlx::Error> {
        let mut connection = self.database.pool().acquire().await?;
        self.files_on(&mut connection, package, positions).await
    }

    async fn files_on(
        &self,
        connection: &mut sqlx::AnyConnection,
        package: &str,
        positions: Range<i64>,
    ) -> Result<Vec<File>, sqlx::Error> {
        let statement = "SELECT name, sha256, metadata, published_at FROM hosted_file
             WHERE ecosystem = $1 AND package = $2 AND position >= $3 AND position < $4 ORDER BY position";
        let query = sqlx::query_as(statement).bind(self.ecosystem).bind(text(package));
        query.bind(positions.start).bind(positions.end).fetch_all(connection).await
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
        upload: &Upload,
        proof: &Proof,
        by: &Principal,
        cx: &Context,
    ) -> Result<Published, StoreError> {
        let _turn = self.turns.take().await;
        retry(|| self.publish_once(upload, proof, by, cx)).await
    }

    async fn publish_once(
        &self,
        upload: &Upload,
        proof: &Proof,
        by: &Principal,
        cx: &Context,
    ) -> Result<Published, StoreError> {
        let mut write = self.database.begin().await?;
        let (of, now) = (self.package(&upload.package), cx.clock().now());
        let package = of.name.as_str();
        let is_new = by.may_create() && self.add_package(write.connection(), package, now).await?;
        let by = &by.creating(is_new);
        if !self.lock(write.connection(), package).await? {
            let other = self.other_case(write.connection(), package).await?;
            return Ok(other.map_or(Published::NoPackage, Published::OtherCase));
        }
        if !activate(&write, &of, by, is_new).await? {
            return Ok(Published::NotTrusted);
        }
        let connection = write.connection();
        if let Some(version) = self.version_in_place(connection, upload).await? {
            return Ok(Published::Exists(version));
        }
        if let Some(other) = self.other_spelling(connection, upload).await? {
            return Ok(Published::OtherSpelling(other));
        }
        let had = self.had_provenance(connection, package).await?;
        if let Err(refusal) = proof.requirement.check(proof.stored.is_some(), had) {
            return Ok(Published::Unproven(refusal));
        }
        let (files, served) = self.served(connection, package).await?;
        if files >= MAX_FILES {
            return Ok(Published::Full("10,000 files"));
        }
        if served.saturating_add(size(upload)) > MAX_SERVED {
            return Ok(Published::Full("16 MB in the index"));
        }
        self.add_file(connection, upload, files, by, now).await?;
        if let Some(listed) = upload.listed {
            let listed = listed(package, &self.files_on(connection, package, 0..i64::MAX).await?);
            if listed.len() > MAX_LISTED {
                return Ok(Published::Full("32 KB in the list of all"));
            }
            self.list(connection, package, &listed).await?;
        }
        self.add_content(connection, upload).await?;
        if let Some(stored) = &proof.stored {
            provenance::add(connection, self.ecosystem, &upload.name, stored).await?;
        }
        if !published(&write, &of, by, cx.clock().now()).await? {
            return Ok(Published::TokenEnded);
        }
        write.commit().await?;
        Ok(Published::Done)
    }

    /// Whether the file that was published last has provenance.
    async fn had_provenance(
        &self,
        connection: &mut sqlx::AnyConnection,
        package: &str,
    ) -> Result<bool, sqlx::Error> {
        let statement = "SELECT name FROM hosted_file
             WHERE ecosystem = $1 AND package = $2 ORDER BY position DESC LIMIT 1";
        let query = sqlx::query_scalar::<_, String>(statement).bind(self.ecosystem).bind(package);
        match query.fetch_optional(&mut *connection).await? {
            Some(last) => provenance::has(connection, self.ecosystem, &last).await,
            None => Ok(false),
        }
    }

    /// What clients are told of a file's provenance, if it has any.
    pub(super) async fn provenance(&self, name: &str) -> Result<Option<String>, sqlx::Error> {
        provenance::document(&self.database, self.ecosystem, name).await
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

    /// How the package's first file spells its name, where this one spells it otherwise.
    async fn other_spelling(
        &self,
        connection: &mut sqlx::AnyConnection,
        upload: &Upload,
    ) -> Result<Option<String>, sqlx::Error> {
        let Some(spelling) = upload.spelling else { return Ok(None) };
        let first = self.files_on(connection, &upload.package, 0..1).await?;
        let first = first.first().and_then(|file| spelling(&file.metadata));
        Ok(first.filter(|first| spelling(&upload.metadata).as_ref() != Some(first)))
    }

    /// How many files a package has, and what they take in an index.
    async fn served(
        &self,
        connection: &mut sqlx::AnyConnection,
        package: &str,
    ) -> Result<(i64, i64), sqlx::Error> {
        let statement = "SELECT COUNT(*), CAST(COALESCE(SUM(size), 0) AS BIGINT) FROM hosted_file
             WHERE ecosystem = $1 AND package = $2";
        sqlx::query_as(statement).bind(self.ecosystem).bind(package).fetch_one(connection).await
    }

    async fn add_file(
        &self,
        connection: &mut sqlx::AnyConnection,
        upload: &Upload,
        position: i64,
        by: &Principal,
        now: Timestamp,
    ) -> Result<(), sqlx::Error> {
        let statement =
            "INSERT INTO hosted_file (ecosystem, name, package, version, identity, position, sha256,
                 metadata, size, published_at, published_by)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
        sqlx::query(statement)
            .bind(self.ecosystem)
            .bind(&upload.name)
            .bind(&upload.package)
            .bind(&upload.version)
            .bind(&upload.identity)
            .bind(position)
            .bind(&upload.sha256)
            .bind(&upload.metadata)
            .bind(size(upload))
            .bind(now.as_signed_secs())
            .bind(serde_json::to_string(by).map_err(|error| sqlx::Error::Encode(error.into()))?)
            .execute(connection)
            .await
            .map(|_| ())
    }

    /// The version of the file that is in an upload's place, if one is.
    async fn version_in_place(
        &self,
        connection: &mut sqlx::AnyConnection,
        upload: &Upload,
    ) -> Result<Option<String>, sqlx::Error> {
        let statement = "SELECT version FROM hosted_file
             WHERE ecosystem = $1 AND (name = $2 OR package = $3 AND identity = $4)";
        let query = sqlx::query_scalar(statement).bind(self.ecosystem).bind(&upload.name);
        query.bind(&upload.package).bind(&upload.identity).fetch_optional(connection).await
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
        upload: &Upload,
    ) -> Result<(), sqlx::Error> {
        blobs::add(connection, self.ecosystem, &upload.name, &upload.content).await?;
        if upload.beside.is_empty() {
            return Ok(());
        }
        let statement = "INSERT INTO hosted_beside (ecosystem, name, content) VALUES ($1, $2, $3)";
        let query = sqlx::query(statement).bind(self.ecosystem).bind(&upload.name);
        query.bind(&upload.beside).execute(connection).await.map(|_| ())
    }
}

/// What an upload takes in an index.
fn size(upload: &Upload) -> i64 {
    i64::try_from(upload.metadata.len().saturating_add(FILE_SIZE)).unwrap_or(i64::MAX)
}

/// A name from outside, to be looked up. PostgreSQL takes no text with a NUL, so such a name is that of nothing.
fn text(name: &str) -> Option<&str> {
    (!name.contains('\0')).then_some(name)
}

/// A package's name without the difference of case.
fn folded(package: &str) -> String {
    package.to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_package_has_no_more_than_is_served_of_one() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}/registry.db", folder.path().display());
        let store = Store::new("cargo", crate::database::open(&url).await.unwrap());
        let cx = Context::default().with_clock(oidc_core::testing::ManualClock::at(1));
        let publish = async |number: usize| {
            let upload = Upload {
                package: "widget".to_owned(),
                version: format!("1.0.{number}"),
                name: format!("widget-1.0.{number}.crate"),
                identity: format!("1.0.{number}"),
                sha256: String::new(),
                metadata: "x".repeat((1 << 20) - FILE_SIZE),
                beside: Vec::new(),
                listed: None,
                spelling: None,
                content: vec![1].into(),
                vouches: None,
            };
            store.publish(&upload, &Proof::default(), &Principal::Admin, &cx).await.unwrap()
        };
        for number in 0..16 {
            assert_eq!(publish(number).await, Published::Done, "{number}");
        }
        assert!(matches!(publish(3).await, Published::Exists(_)));
        assert!(matches!(publish(16).await, Published::Full(_)));
        assert_eq!(store.positions("widget").await.unwrap().len(), 16);
        let files = store.files("widget", 3..5).await.unwrap();
        assert_eq!(
            files.iter().map(|file| &*file.name).collect::<Vec<_>>(),
            ["widget-1.0.3.crate", "widget-1.0.4.crate"]
        );
        let statement = "UPDATE hosted_package SET listed = $1";
        let listed = sqlx::query(statement).bind("x".repeat(1 << 20));
        listed.execute(store.database.pool()).await.unwrap();
        assert_eq!(store.packages_after("").await.unwrap().len(), 1);
        assert!(store.packages_after("widget").await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn no_more_packages_are_read_together_than_a_piece_holds() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}/registry.db", folder.path().display());
        let store = Store::new("rubygems", crate::database::open(&url).await.unwrap());
        let add = async |number: usize, listed: usize| {
            let name = format!("g{number:03}");
            store.register(&name, Timestamp::from_secs(1)).await.unwrap();
            let statement = "UPDATE hosted_package SET listed = $1 WHERE name = $2";
            let listed = sqlx::query(statement).bind("x".repeat(listed)).bind(&name);
            listed.execute(store.database.pool()).await.unwrap();
            let statement =
                "INSERT INTO hosted_file VALUES ('rubygems', $1, $1, '1', '1', 0, '', '', 1, 1, '{}')";
            sqlx::query(statement).bind(&name).execute(store.database.pool()).await.unwrap();
        };
        for number in 0..120 {
            add(number, if number < 60 { 100 } else { MAX_LISTED }).await;
        }
        let (mut after, mut read) = (String::new(), Vec::new());
        loop {
            let packages = store.packages_after(&after).await.unwrap();
            let Some((last, _)) = packages.last() else { break };
            after.clone_from(last);
            assert!(packages.iter().map(|(_, listed)| listed.len()).sum::<usize>() <= 128 << 10);
            read.push(packages.len());
        }
        assert_eq!((read.iter().sum::<usize>(), &read[6..9]), (120, &[8, 7, 4][..]));
    }
}
