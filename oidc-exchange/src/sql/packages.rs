//! Packages that are removed, renamed or transferred, and the consequences for their publishers.

use std::collections::BTreeMap;

use sqlx::AssertSqlSafe;

use super::database::{Write, failed};
use super::insert::{Turns, insert};
use super::room;
use super::rows::{column, is_of};
use super::trust_store::list;
use crate::server::{Package, PackageOwner, PublisherRecord, StoreError};

/// A publisher with its turns.
type Taken = (PublisherRecord, Option<Turns>);

pub(super) async fn removed(write: &mut Write, package: &Package) -> Result<(), StoreError> {
    lock(write, package, &package.name).await.map_err(failed)?;
    delete(write, package).await.map_err(failed)
}

pub(super) async fn renamed(write: &mut Write, package: &Package, name: &str) -> Result<(), StoreError> {
    if package.is_prefix() {
        return removed(write, package).await;
    }
    let taken = take(write, package, name).await?;
    let renamed = Package::new(&*package.ecosystem, name);
    delete(write, &renamed).await.map_err(failed)?;
    for (record, turns) in taken.into_iter().filter(|(record, _)| !record.pending) {
        let record = PublisherRecord { package: renamed.clone(), ..record };
        room::lock(write.connection(), &record).await.map_err(failed)?;
        insert(write.connection(), &record, turns).await.map_err(failed)?;
    }
    Ok(())
}

pub(super) async fn transferred(
    write: &mut Write,
    package: &Package,
    owner: &PackageOwner,
    kept: &[&str],
) -> Result<(), StoreError> {
    let taken = take(write, package, &package.name).await?;
    for record in taken.into_iter().filter_map(|(record, _)| record.transferred(owner, kept)) {
        room::lock(write.connection(), &record).await.map_err(failed)?;
        // Publishers of two accounts may be equal once they belong to one account: then the first stays.
        insert(write.connection(), &record, None).await.map_err(failed)?;
    }
    Ok(())
}

/// Deletes the publishers of a package, and their tokens with them, and returns the publishers. Until the
/// transaction ends, nothing is granted by them, nor by those of the package `other`.
async fn take(write: &mut Write, package: &Package, other: &str) -> Result<Vec<Taken>, StoreError> {
    lock(write, package, other).await.map_err(failed)?;
    let records = list(write.connection(), package).await?;
    let statement = format!(
        "SELECT p.id, t.turn, p.package_turn FROM (SELECT id, package_turn FROM oidc_publisher WHERE {}) p \
         LEFT JOIN oidc_turn t ON t.publisher = p.id",
        is_of(package, 1)
    );
    let query = sqlx::query_as(AssertSqlSafe(statement)).bind(&package.name).bind(&package.ecosystem);
    let rows: Vec<(String, Option<i64>, i64)> = query.fetch_all(write.connection()).await.map_err(failed)?;
    let turns = rows.into_iter().map(|(id, of_identity, of_package)| (id, Turns { of_identity, of_package }));
    let turns: BTreeMap<String, Turns> = turns.collect();
    delete(write, package).await.map_err(failed)?;
    let with_turns = |record: PublisherRecord| {
        let turns = turns.get(&record.id).copied();
        (record, turns)
    };
    Ok(records.into_iter().map(with_turns).collect())
}

/// Locks the publishers of a package and of the package `other`, in the order of their ids, as an exchange
/// does.
async fn lock(write: &mut Write, package: &Package, other: &str) -> Result<(), sqlx::Error> {
    let (column, rows) = column(package);
    let statement = format!(
        "SELECT id FROM oidc_publisher WHERE ecosystem = $1 AND {column} IN ($2, $3) AND {rows} ORDER BY id{}",
        write.for_update()
    );
    let query = sqlx::query(AssertSqlSafe(statement)).bind(&package.ecosystem).bind(&package.name);
    query.bind(other).execute(write.connection()).await?;
    Ok(())
}

/// Deletes a package's publishers with their grants, and the grants of other publishers for the package alone.
async fn delete(write: &mut Write, package: &Package) -> Result<(), sqlx::Error> {
    let statement = AssertSqlSafe(format!("DELETE FROM oidc_publisher WHERE {}", is_of(package, 1)));
    let query = sqlx::query(statement).bind(&package.name).bind(&package.ecosystem);
    query.execute(write.connection()).await?;
    if package.is_prefix() {
        return Ok(());
    }
    let query = sqlx::query("DELETE FROM oidc_token_prefix WHERE package = $1 AND ecosystem = $2");
    query.bind(&package.name).bind(&package.ecosystem).execute(write.connection()).await?;
    Ok(())
}
