//! Storing, replacing and removing publishers.

use std::collections::BTreeMap;

use async_trait::async_trait;
use oidc_core::Timestamp;
use sqlx::{AnyConnection, AnyExecutor, AssertSqlSafe, Connection as _};

use super::SqlStore;
use super::database::{Write, failed, retry};
use super::insert::{Turns, insert};
use super::prefixes::covering;
use super::room;
use super::rows::{WORTH_OF_REGULAR, is_of, names, records, select};
use crate::server::{
    EndedBefore, Package, PackageOwner, PublisherRecord, Room, StoreError, Stored, TrustStore,
};

/// Makes the pending publisher `$3` of the package `$2` of the ecosystem `$1` a regular one, and returns its account.
const MAKE_REGULAR: &str = "UPDATE oidc_publisher SET pending = 0 WHERE ecosystem = $1 AND package = $2 AND prefix = '' AND id = $3 \
     AND pending = 1 RETURNING account";
/// Removes every pending publisher of the package `$2` of the ecosystem `$1`, and ends their tokens.
const END_PENDING: &str =
    "DELETE FROM oidc_publisher WHERE ecosystem = $1 AND package = $2 AND prefix = '' AND pending = 1";

#[async_trait]
impl TrustStore for SqlStore {
    async fn list(&self, package: &Package) -> Result<Vec<PublisherRecord>, StoreError> {
        list(self.database.pool(), package).await
    }

    async fn of_origin(&self, origin: &str) -> Result<Vec<PublisherRecord>, StoreError> {
        of_origin(self.database.pool(), origin).await
    }

    async fn of_account(&self, account: &str) -> Result<Vec<PublisherRecord>, StoreError> {
        of_account(self.database.pool(), account).await
    }

    async fn covering(
        &self,
        package: &Package,
        owners: &[PackageOwner],
    ) -> Result<Vec<PublisherRecord>, StoreError> {
        covering(self.database.pool(), package, owners).await
    }

    async fn live_tokens(
        &self,
        package: &Package,
        now: Timestamp,
    ) -> Result<BTreeMap<String, u64>, StoreError> {
        live_tokens(self.database.pool(), package, now).await.map_err(failed)
    }

    async fn purge_publishers(&self, ended: EndedBefore, limit: u32) -> Result<u64, StoreError> {
        retry(|| async {
            let transaction = self.begin().await?;
            let done = transaction.purge_publishers(ended, limit).await?;
            transaction.commit().await?;
            Ok(done)
        })
        .await
    }

    async fn add(&self, publisher: &PublisherRecord, room: &Room) -> Result<Stored, StoreError> {
        retry(|| async {
            let transaction = self.begin().await?;
            let done = transaction.add(publisher, room).await?;
            transaction.commit().await?;
            Ok(done)
        })
        .await
    }

    async fn replace(
        &self,
        old: &PublisherRecord,
        publisher: &PublisherRecord,
        room: &Room,
    ) -> Result<Stored, StoreError> {
        retry(|| async {
            let transaction = self.begin().await?;
            let done = transaction.replace(old, publisher, room).await?;
            transaction.commit().await?;
            Ok(done)
        })
        .await
    }

    async fn remove(&self, package: &Package, id: &str) -> Result<bool, StoreError> {
        retry(|| async {
            let transaction = self.begin().await?;
            let done = transaction.remove(package, id).await?;
            transaction.commit().await?;
            Ok(done)
        })
        .await
    }

    async fn published(&self, package: &Package, by: &str, now: Timestamp) -> Result<bool, StoreError> {
        retry(|| async {
            let transaction = self.begin().await?;
            let done = transaction.published(package, by, now).await?;
            transaction.commit().await?;
            Ok(done)
        })
        .await
    }

    async fn package_created_by(
        &self,
        package: &Package,
        by: &str,
    ) -> Result<Option<PackageOwner>, StoreError> {
        retry(|| async {
            let transaction = self.begin().await?;
            let owner = transaction.package_created_by(package, by).await?;
            transaction.commit().await?;
            Ok(owner)
        })
        .await
    }

    async fn package_created(&self, package: &Package) -> Result<(), StoreError> {
        retry(|| async {
            let transaction = self.begin().await?;
            transaction.package_created(package).await?;
            transaction.commit().await
        })
        .await
    }

    async fn package_removed(&self, package: &Package) -> Result<(), StoreError> {
        retry(|| async {
            let transaction = self.begin().await?;
            transaction.package_removed(package).await?;
            transaction.commit().await
        })
        .await
    }

    async fn package_renamed(&self, package: &Package, name: &str) -> Result<(), StoreError> {
        retry(|| async {
            let transaction = self.begin().await?;
            transaction.package_renamed(package, name).await?;
            transaction.commit().await
        })
        .await
    }

    async fn package_transferred(
        &self,
        package: &Package,
        owner: &PackageOwner,
        kept: &[&str],
    ) -> Result<(), StoreError> {
        retry(|| async {
            let transaction = self.begin().await?;
            transaction.package_transferred(package, owner, kept).await?;
            transaction.commit().await
        })
        .await
    }
}

pub(super) async fn list(
    executor: impl AnyExecutor<'_>,
    package: &Package,
) -> Result<Vec<PublisherRecord>, StoreError> {
    // `AssertSqlSafe` here and below: the text consists of constants, and all values are bound.
    let statement = AssertSqlSafe(select(&is_of(package, 1)));
    let query = sqlx::query(statement).bind(&package.name).bind(&package.ecosystem);
    records(&query.fetch_all(executor).await.map_err(failed)?)
}

pub(super) async fn of_origin(
    executor: impl AnyExecutor<'_>,
    origin: &str,
) -> Result<Vec<PublisherRecord>, StoreError> {
    let query = sqlx::query(AssertSqlSafe(select("p.origin = $1"))).bind(origin);
    records(&query.fetch_all(executor).await.map_err(failed)?)
}

pub(super) async fn of_account(
    executor: impl AnyExecutor<'_>,
    account: &str,
) -> Result<Vec<PublisherRecord>, StoreError> {
    let query = sqlx::query(AssertSqlSafe(select("p.account = $1 AND p.account <> ''"))).bind(account);
    records(&query.fetch_all(executor).await.map_err(failed)?)
}

pub(super) async fn live_tokens(
    executor: impl AnyExecutor<'_>,
    package: &Package,
    now: Timestamp,
) -> Result<BTreeMap<String, u64>, sqlx::Error> {
    let publishers = is_of(package, 1);
    let counted = |of_publisher: &str| {
        format!(
            "SELECT p.id, COUNT(*) FROM (SELECT * FROM oidc_publisher WHERE {publishers}) p JOIN {of_publisher} \
             LEFT JOIN oidc_proven u ON u.publisher = p.id \
             WHERE t.expires_at > $3 AND (p.account = '' OR u.publisher IS NOT NULL) GROUP BY p.id"
        )
    };
    let of_several = |table: &str| {
        counted(&format!("{table} g ON g.publisher = p.id JOIN oidc_token t ON t.hash = g.token"))
    };
    let statement = if package.is_prefix() {
        of_several("oidc_token_prefix")
    } else {
        let of_one = counted("oidc_token t ON t.publisher = p.id");
        format!("{of_one} UNION ALL {}", of_several("oidc_token_package"))
    };
    let query = sqlx::query_as(AssertSqlSafe(statement)).bind(&package.name).bind(&package.ecosystem);
    let rows: Vec<(String, i64)> = query.bind(now.as_signed_secs()).fetch_all(executor).await?;
    let mut counts = BTreeMap::new();
    for (id, count) in rows {
        *counts.entry(id).or_default() += u64::try_from(count).unwrap_or_default();
    }
    Ok(counts)
}

pub(super) async fn add(
    write: &mut Write,
    publisher: &PublisherRecord,
    room: &Room,
) -> Result<Stored, sqlx::Error> {
    room::lock(write.connection(), publisher).await?;
    if let Some(refused) = room::refused(write.connection(), publisher, room).await? {
        return Ok(refused);
    }
    let is_new = insert(write.connection(), publisher, None).await?;
    Ok(if is_new { Stored::Done } else { Stored::Exists })
}

/// Replaces a publisher in a nested transaction, so that nothing changes where the package has the new
/// publisher already.
pub(super) async fn replace(
    write: &mut Write,
    old: &PublisherRecord,
    publisher: &PublisherRecord,
    room: &Room,
) -> Result<Stored, sqlx::Error> {
    let Some(turns) = turns_of_still(write, old).await? else { return Ok(Stored::Missing) };
    // Turns are places among the publishers of one account, package, identity and kind, and are lost with any
    // of them.
    let is_of_same = old.account == publisher.account
        && old.identity == publisher.identity
        && old.package == publisher.package
        && old.pending == publisher.pending;
    let turns = is_of_same.then_some(turns);
    room::lock(write.connection(), publisher).await?;
    // A savepoint: if the new publisher can't be stored, the deletion of the old one is undone and the transaction goes on.
    let mut inner = write.connection().begin().await?;
    delete(&mut inner, &old.package, &old.id).await?;
    let refused = match room.of_replacing(old, publisher) {
        Some(room) => room::refused(&mut inner, publisher, room).await?,
        None => None,
    };
    let outcome = match refused {
        Some(refused) => refused,
        None if insert(&mut inner, publisher, turns).await? => Stored::Done,
        None => Stored::Exists,
    };
    if outcome == Stored::Done {
        inner.commit().await?;
    } else {
        inner.rollback().await?;
    }
    Ok(outcome)
}

pub(super) async fn remove(write: &mut Write, package: &Package, id: &str) -> Result<bool, sqlx::Error> {
    delete(write.connection(), package, id).await
}

pub(super) async fn package_created_by(
    write: &mut Write,
    package: &Package,
    by: &str,
) -> Result<Option<PackageOwner>, sqlx::Error> {
    let query = sqlx::query_scalar(MAKE_REGULAR).bind(&package.ecosystem).bind(names(package).0).bind(by);
    let account: Option<String> = query.fetch_optional(write.connection()).await?;
    let Some(account) = account else { return Ok(None) };
    let statement = format!("UPDATE oidc_publisher_id SET worth = {WORTH_OF_REGULAR} WHERE publisher = $1");
    sqlx::query(AssertSqlSafe(statement)).bind(by).execute(write.connection()).await?;
    package_created(write, package).await?;
    Ok(Some(PackageOwner::of_publisher(Some(account.as_str()).filter(|account| !account.is_empty()))))
}

pub(super) async fn package_created(write: &mut Write, package: &Package) -> Result<(), sqlx::Error> {
    let query = sqlx::query(END_PENDING).bind(&package.ecosystem).bind(names(package).0);
    query.execute(write.connection()).await?;
    Ok(())
}

/// Returns the turns of a publisher that is unchanged, and locks it until the transaction ends.
async fn turns_of_still(write: &mut Write, seen: &PublisherRecord) -> Result<Option<Turns>, sqlx::Error> {
    let statement = format!(
        "SELECT pending FROM oidc_publisher WHERE {} AND id = $3{}",
        is_of(&seen.package, 1),
        write.for_update()
    );
    let query = sqlx::query_scalar(AssertSqlSafe(statement)).bind(&seen.package.name);
    let query = query.bind(&seen.package.ecosystem).bind(&seen.id);
    let pending: Option<i64> = query.fetch_optional(write.connection()).await?;
    if pending != Some(i64::from(seen.pending)) {
        return Ok(None);
    }
    // Asked after the publisher is locked, since a publish may have succeeded until then.
    let statement = "SELECT (SELECT COUNT(*) FROM oidc_proven WHERE publisher = $1), (SELECT turn FROM oidc_turn WHERE publisher = $1), \
         package_turn FROM oidc_publisher WHERE id = $1";
    let query = sqlx::query_as(statement).bind(&seen.id);
    let (proven, of_identity, of_package): (i64, Option<i64>, i64) =
        query.fetch_one(write.connection()).await?;
    let query = sqlx::query_as("SELECT claim, value FROM oidc_learned_id WHERE publisher = $1");
    let learned: Vec<(String, String)> = query.bind(&seen.id).fetch_all(write.connection()).await?;
    let is_still = proven == i64::from(seen.proven) && BTreeMap::from_iter(learned) == seen.learned;
    Ok(is_still.then_some(Turns { of_identity, of_package }))
}

async fn delete(connection: &mut AnyConnection, package: &Package, id: &str) -> Result<bool, sqlx::Error> {
    let statement =
        AssertSqlSafe(format!("DELETE FROM oidc_publisher WHERE {} AND id = $3", is_of(package, 1)));
    let query = sqlx::query(statement).bind(&package.name).bind(&package.ecosystem).bind(id);
    Ok(query.execute(connection).await?.rows_affected() > 0)
}
