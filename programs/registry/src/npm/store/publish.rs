//! The transaction that publishes a version.

use oidc_core::Context;
use oidc_exchange::server::StoreError;
use oidc_exchange::sql::{Transaction, retry};
use sqlx::AnyConnection;

use super::tags::MAX_TAGS;
use super::{NPM, Store, package};
use crate::activation::{activate, published};
use crate::npm::access::Principal;
use crate::npm::document::Publication;
use crate::npm::name::PackageName;
use crate::npm::outcome::Published;
use crate::npm::provenance::Vouched;
use crate::npm::rows;
use crate::stop::{Stop, finish};
use crate::{blobs, provenance};

/// The number of versions that a package may have.
const MAX_VERSIONS: i64 = 10_000;
/// The size of a package's manifests, in bytes.
const MAX_SERVED: i64 = 32 << 20;

impl From<Published> for Stop<Published> {
    fn from(refused: Published) -> Self {
        Self::Refused(refused)
    }
}

impl Store {
    /// Stores a version with its tarball, tags and provenance: all of it, durably, or nothing.
    pub(in crate::npm) async fn publish(
        &self,
        publication: &Publication,
        vouched: &Vouched,
        by: &Principal,
        cx: &Context,
    ) -> Result<Published, StoreError> {
        let _turn = self.turns.take().await;
        retry(|| self.publish_once(publication, vouched, by, cx)).await
    }

    async fn publish_once(
        &self,
        publication: &Publication,
        vouched: &Vouched,
        by: &Principal,
        cx: &Context,
    ) -> Result<Published, StoreError> {
        let mut write = self.database.begin().await?;
        let written = self.write(&mut write, publication, vouched, by, cx).await;
        finish(write, written).await
    }

    /// Everything of a publish but the commit.
    async fn write(
        &self,
        write: &mut Transaction,
        publication: &Publication,
        vouched: &Vouched,
        by: &Principal,
        cx: &Context,
    ) -> Result<Published, Stop<Published>> {
        let (name, now) = (&publication.name, cx.clock().now());
        let is_new =
            by.may_create() && rows::add_package(write.connection(), name, publication.public, now).await?;
        let by = &by.creating(is_new);
        if !rows::touch(write.connection(), name, now).await? {
            return Err(Published::NoPackage.into());
        }
        if !activate(write, &package(name), by, is_new).await? {
            return Err(Published::NotTrusted.into());
        }
        let connection = write.connection();
        let position = self.check(connection, publication, vouched).await?;
        rows::add_version(connection, publication, position, by, now).await?;
        set_tags(connection, publication).await?;
        add_files(connection, publication, vouched).await?;
        match published(write, &package(name), by, cx.clock().now()).await? {
            None => Ok(Published::Done),
            Some(ended) => Err(Published::Ended(ended).into()),
        }
    }

    /// Checks that the version is new, proven as required, and has room, and returns its position.
    async fn check(
        &self,
        connection: &mut AnyConnection,
        publication: &Publication,
        vouched: &Vouched,
    ) -> Result<i64, Stop<Published>> {
        let name = &publication.name;
        if rows::has_version(connection, name, &publication.version).await? {
            return Err(Published::VersionExists.into());
        }
        if let Err(refusal) = vouched.check(self.had_provenance(connection, name).await?) {
            return Err(Published::Unproven(refusal).into());
        }
        // Clients refuse what a key signs after its end, for good.
        if let Some(key) = &vouched.key
            && !provenance::is_in_use(connection, key).await?
        {
            return Err(Published::KeyReplaced.into());
        }
        let (versions, served) = rows::served(connection, name).await?;
        if versions >= MAX_VERSIONS {
            return Err(Published::Full("10,000 versions").into());
        }
        if served.saturating_add(rows::size(publication)) > MAX_SERVED {
            return Err(Published::Full("32 MB of manifests").into());
        }
        Ok(versions)
    }

    /// Returns `true` if the version that was published last has a publisher's provenance.
    async fn had_provenance(
        &self,
        connection: &mut AnyConnection,
        name: &PackageName,
    ) -> Result<bool, StoreError> {
        let Some(version) = rows::last_version(connection, name).await? else { return Ok(false) };
        let statement = "SELECT predicate_type FROM npm_dist WHERE package = $1 AND version = $2";
        let query = sqlx::query_scalar::<_, String>(statement).bind(name.as_str()).bind(version);
        Ok(query.fetch_optional(connection).await?.is_some_and(|predicate| !predicate.is_empty()))
    }
}

async fn set_tags(connection: &mut AnyConnection, publication: &Publication) -> Result<(), Stop<Published>> {
    let Publication { name, version, tags, .. } = publication;
    for tag in tags {
        rows::set_tag(connection, name, tag, version).await?;
    }
    rows::add_latest(connection, name, version).await?;
    if rows::count_tags(connection, name).await? > MAX_TAGS {
        return Err(Published::Full("500 tags").into());
    }
    Ok(())
}

async fn add_files(
    connection: &mut AnyConnection,
    publication: &Publication,
    vouched: &Vouched,
) -> Result<(), Stop<Published>> {
    let file = rows::blob(&publication.name, publication.version.as_str());
    blobs::add(connection, NPM, &file, &publication.tarball).await?;
    rows::add_dist(connection, publication, vouched).await?;
    if let Some(stored) = vouched.stored() {
        provenance::add(connection, NPM, &file, &stored).await?;
    }
    Ok(())
}
