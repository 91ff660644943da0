//! The transactions that change a tag.

use oidc_core::Context;
use oidc_exchange::server::StoreError;
use oidc_exchange::sql::{Transaction, retry};

use super::{Store, package};
use crate::activation::{activate, ended};
use crate::npm::access::Principal;
use crate::npm::name::{PackageName, Tag, Version};
use crate::npm::outcome::Tagged;
use crate::npm::rows;

/// The number of tags that a package may have.
pub(super) const MAX_TAGS: i64 = 500;

impl Store {
    /// Points `tag` to `version`.
    pub(in crate::npm) async fn set_tag(
        &self,
        name: &PackageName,
        tag: &Tag,
        version: &Version,
        by: &Principal,
        cx: &Context,
    ) -> Result<Tagged, StoreError> {
        let _turn = self.turns.take().await;
        retry(|| self.set_tag_once(name, tag, version, by, cx)).await
    }

    async fn set_tag_once(
        &self,
        name: &PackageName,
        tag: &Tag,
        version: &Version,
        by: &Principal,
        cx: &Context,
    ) -> Result<Tagged, StoreError> {
        let mut write = self.database.begin().await?;
        if !activate(&write, &package(name), by, false).await? {
            return Ok(Tagged::NotTrusted);
        }
        let connection = write.connection();
        if !rows::has_version(connection, name, version).await? {
            return Ok(Tagged::Missing);
        }
        rows::touch(connection, name, cx.clock().now()).await?;
        rows::set_tag(connection, name, tag, version).await?;
        if rows::count_tags(connection, name).await? > MAX_TAGS {
            return Ok(Tagged::TooMany);
        }
        commit(write, name, by, cx).await
    }

    /// Removes `tag`.
    pub(in crate::npm) async fn remove_tag(
        &self,
        name: &PackageName,
        tag: &Tag,
        by: &Principal,
        cx: &Context,
    ) -> Result<Tagged, StoreError> {
        let _turn = self.turns.take().await;
        retry(|| self.remove_tag_once(name, tag, by, cx)).await
    }

    async fn remove_tag_once(
        &self,
        name: &PackageName,
        tag: &Tag,
        by: &Principal,
        cx: &Context,
    ) -> Result<Tagged, StoreError> {
        let mut write = self.database.begin().await?;
        if !activate(&write, &package(name), by, false).await? {
            return Ok(Tagged::NotTrusted);
        }
        let connection = write.connection();
        if !rows::remove_tag(connection, name, tag).await? {
            return Ok(Tagged::Missing);
        }
        rows::touch(connection, name, cx.clock().now()).await?;
        commit(write, name, by, cx).await
    }
}

/// Commits a change of tags, unless the principal may no longer make it.
async fn commit(
    mut write: Transaction,
    name: &PackageName,
    by: &Principal,
    cx: &Context,
) -> Result<Tagged, StoreError> {
    if let Some(ended) = ended(&mut write, &package(name), by, cx.clock().now()).await? {
        return Ok(Tagged::Ended(ended));
    }
    write.commit().await?;
    Ok(Tagged::Done)
}
