//! The transaction that publishes a file.

use oidc_core::{Context, Timestamp};
use oidc_exchange::server::StoreError;
use oidc_exchange::sql::{Transaction, retry};
use sqlx::AnyConnection;

use super::super::outcome::Published;
use super::super::upload::{Proof, Upload};
use super::{Store, folded};
use crate::activation::{activate, published};
use crate::authorize::Principal;
use crate::blobs;
use crate::provenance;
use crate::stop::{Stop, finish};

/// The number of files that a package may have.
const MAX_FILES: i64 = 10_000;
/// The size of a package in an index, in bytes.
const MAX_SERVED: i64 = 16 << 20;
/// The size of a file in an index without its metadata, in bytes: its name twice, its digest, and what stands around them.
pub(super) const FILE_SIZE: usize = 512;
/// The length of a package's line in the index of all packages, in bytes.
pub(super) const MAX_INDEX_LINE: usize = 32 << 10;

impl From<Published> for Stop<Published> {
    fn from(refused: Published) -> Self {
        Self::Refused(refused)
    }
}

impl Store {
    /// Stores a file, and the package that it creates: all of it, durably, or nothing.
    pub(in crate::hosting) async fn publish(
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
        let written = self.write(&mut write, upload, proof, by, cx).await;
        finish(write, written).await
    }

    /// Everything of a publish but the commit.
    async fn write(
        &self,
        write: &mut Transaction,
        upload: &Upload,
        proof: &Proof,
        by: &Principal,
        cx: &Context,
    ) -> Result<Published, Stop<Published>> {
        let (of, now) = (self.package(&upload.package), cx.clock().now());
        let is_new = by.may_create() && self.add_package(write.connection(), &of.name, now).await?;
        let by = &by.creating(is_new);
        self.lock_package(write.connection(), &of.name).await?;
        if !activate(write, &of, by, is_new).await? {
            return Err(Published::NotTrusted.into());
        }
        let connection = write.connection();
        self.check_place(connection, upload).await?;
        self.check_provenance(connection, &of.name, proof).await?;
        let position = self.check_room(connection, upload).await?;
        self.add_file(connection, upload, position, by, now).await?;
        self.set_index_line(connection, upload).await?;
        self.add_content(connection, upload).await?;
        if let Some(stored) = &proof.stored {
            provenance::add(connection, self.ecosystem, &upload.name, stored).await?;
        }
        match published(write, &of, by, cx.clock().now()).await? {
            None => Ok(Published::Done),
            Some(ended) => Err(Published::Ended(ended).into()),
        }
    }

    /// Locks a package that exists, so that nobody else publishes it until the transaction ends.
    async fn lock_package(
        &self,
        connection: &mut AnyConnection,
        package: &str,
    ) -> Result<(), Stop<Published>> {
        if self.lock(connection, package).await? {
            return Ok(());
        }
        let other = self.other_case(connection, package).await?;
        Err(other.map_or(Published::NoPackage, Published::OtherCase).into())
    }

    /// Checks that no file is in the upload's place, and that the package is spelled as before.
    async fn check_place(
        &self,
        connection: &mut AnyConnection,
        upload: &Upload,
    ) -> Result<(), Stop<Published>> {
        if let Some(version) = self.version_in_place(connection, upload).await? {
            return Err(Published::Exists(version).into());
        }
        match self.other_spelling(connection, upload).await? {
            Some(other) => Err(Published::OtherSpelling(other).into()),
            None => Ok(()),
        }
    }

    async fn check_provenance(
        &self,
        connection: &mut AnyConnection,
        package: &str,
        proof: &Proof,
    ) -> Result<(), Stop<Published>> {
        let had = self.had_provenance(connection, package).await?;
        let checked = proof.requirement.check(proof.stored.is_some(), had);
        checked.map_err(|refusal| Published::Unproven(refusal).into())
    }

    /// Checks that the package has room for one more file, and returns the position of that.
    async fn check_room(
        &self,
        connection: &mut AnyConnection,
        upload: &Upload,
    ) -> Result<i64, Stop<Published>> {
        let (files, served) = self.served(connection, &upload.package).await?;
        if files >= MAX_FILES {
            return Err(Published::Full("10,000 files").into());
        }
        if served.saturating_add(size(upload)) > MAX_SERVED {
            return Err(Published::Full("16 MB in the index").into());
        }
        Ok(files)
    }

    /// Makes the package's index line again, of all its files, for ecosystems that have one.
    async fn set_index_line(
        &self,
        connection: &mut AnyConnection,
        upload: &Upload,
    ) -> Result<(), Stop<Published>> {
        let Some(index_line) = upload.index_line else { return Ok(()) };
        let files = self.files_on(connection, &upload.package, 0..i64::MAX).await?;
        let line = index_line(&upload.package, &files);
        if line.len() > MAX_INDEX_LINE {
            return Err(Published::Full("32 KB in the list of all").into());
        }
        let statement = "UPDATE hosted_package SET listed = $3 WHERE ecosystem = $1 AND name = $2";
        let query = sqlx::query(statement).bind(self.ecosystem).bind(&upload.package).bind(line);
        query.execute(connection).await?;
        Ok(())
    }

    /// Returns `true` if the file that was published last has provenance.
    async fn had_provenance(
        &self,
        connection: &mut AnyConnection,
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

    /// Returns `true` if the package exists; it is then locked until the transaction ends.
    async fn lock(&self, connection: &mut AnyConnection, package: &str) -> Result<bool, sqlx::Error> {
        let statement = "UPDATE hosted_package SET name = name WHERE ecosystem = $1 AND name = $2";
        let query = sqlx::query(statement).bind(self.ecosystem).bind(package);
        Ok(query.execute(connection).await?.rows_affected() > 0)
    }

    async fn other_case(
        &self,
        connection: &mut AnyConnection,
        package: &str,
    ) -> Result<Option<String>, sqlx::Error> {
        let statement = "SELECT name FROM hosted_package WHERE ecosystem = $1 AND folded = $2";
        let query = sqlx::query_scalar(statement).bind(self.ecosystem).bind(folded(package));
        query.fetch_optional(connection).await
    }

    /// The spelling of the package in its first file, where the upload spells it otherwise.
    async fn other_spelling(
        &self,
        connection: &mut AnyConnection,
        upload: &Upload,
    ) -> Result<Option<String>, sqlx::Error> {
        let Some(spelling) = upload.spelling else { return Ok(None) };
        let first = self.files_on(connection, &upload.package, 0..1).await?;
        let first = first.first().and_then(|file| spelling(&file.metadata));
        Ok(first.filter(|first| spelling(&upload.metadata).as_ref() != Some(first)))
    }

    /// The number of a package's files, and their size in an index.
    async fn served(&self, connection: &mut AnyConnection, package: &str) -> Result<(i64, i64), sqlx::Error> {
        let statement = "SELECT COUNT(*), CAST(COALESCE(SUM(size), 0) AS BIGINT) FROM hosted_file
             WHERE ecosystem = $1 AND package = $2";
        sqlx::query_as(statement).bind(self.ecosystem).bind(package).fetch_one(connection).await
    }

    async fn add_file(
        &self,
        connection: &mut AnyConnection,
        upload: &Upload,
        position: i64,
        by: &Principal,
        now: Timestamp,
    ) -> Result<(), sqlx::Error> {
        let statement =
            "INSERT INTO hosted_file (ecosystem, name, package, version, identity, position, sha256,
                 metadata, size, published_at, published_by)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
        let metadata = upload.dated.map(|dated| dated(&upload.metadata, now));
        sqlx::query(statement)
            .bind(self.ecosystem)
            .bind(&upload.name)
            .bind(&upload.package)
            .bind(&upload.version)
            .bind(&upload.identity)
            .bind(position)
            .bind(&upload.sha256)
            .bind(metadata.as_ref().unwrap_or(&upload.metadata))
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
        connection: &mut AnyConnection,
        upload: &Upload,
    ) -> Result<Option<String>, sqlx::Error> {
        let statement = "SELECT version FROM hosted_file
             WHERE ecosystem = $1 AND (name = $2 OR package = $3 AND identity = $4)";
        let query = sqlx::query_scalar(statement).bind(self.ecosystem).bind(&upload.name);
        query.bind(&upload.package).bind(&upload.identity).fetch_optional(connection).await
    }

    async fn add_content(&self, connection: &mut AnyConnection, upload: &Upload) -> Result<(), sqlx::Error> {
        blobs::add(connection, self.ecosystem, &upload.name, &upload.content).await?;
        if upload.sidecar.is_empty() {
            return Ok(());
        }
        let statement = "INSERT INTO hosted_beside (ecosystem, name, content) VALUES ($1, $2, $3)";
        let query = sqlx::query(statement).bind(self.ecosystem).bind(&upload.name);
        query.bind(&upload.sidecar).execute(connection).await.map(|_| ())
    }
}

/// The size of an upload in an index, in bytes.
fn size(upload: &Upload) -> i64 {
    i64::try_from(upload.metadata.len().saturating_add(FILE_SIZE)).unwrap_or(i64::MAX)
}
