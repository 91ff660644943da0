//! Redeeming a grant whose publishers learn ids.
//!
//! An id is compared with those that others learned until the publisher is locked, so PostgreSQL has to look at them in a
//! statement of its own, with a snapshot of its own. The number of statements does not depend on the number of packages in the grant, since all other writers
//! to SQLite wait meanwhile.

use std::collections::{BTreeMap, BTreeSet};

use data_encoding::HEXLOWER;
use oidc_core::ImmutableId;
use sqlx::{AnyConnection, AssertSqlSafe};

use super::super::database::{Database, Write};
use super::super::rows::{WORTH_OF_LEARNED, names, package, parameters};
use crate::server::{Grant, GrantedBy, Package, Redeemed};

pub(super) async fn redeem(database: &Database, grant: &Grant) -> Result<Redeemed, sqlx::Error> {
    let mut write = database.write().await?;
    // Rows are locked in the order publisher, replay record, as in the single statement.
    let (granted, left_out) = standing(&mut write, grant.packages()).await?;
    if !burn(write.connection(), grant).await? {
        return Ok(Redeemed::AlreadyUsed);
    }
    if granted.is_empty() {
        // The transaction is dropped without a commit, so the use that was counted above is undone.
        return Ok(Redeemed::Superseded);
    }
    if let Some(token) = grant.token() {
        let token = HEXLOWER.encode(token.as_bytes());
        mint(write.connection(), grant, &token).await?;
        insert_packages(write.connection(), &token, &granted).await?;
    }
    learn(write.connection(), &granted).await?;
    note_exchange(&mut write, grant, &granted).await?;
    write.commit().await?;
    Ok(if left_out.is_empty() { Redeemed::Granted } else { Redeemed::Partly(left_out) })
}

/// Counts one use of the identity token, unless it was used as often as allowed, or its uses may have been
/// purged by a process whose clock was ahead.
async fn burn(connection: &mut AnyConnection, grant: &Grant) -> Result<bool, sqlx::Error> {
    let statement = "INSERT INTO oidc_replay (key, uses, remember_until) \
         SELECT $1, 1, $2 FROM oidc_purged WHERE id = 1 AND until_at < $2 \
         ON CONFLICT (key) DO UPDATE SET uses = oidc_replay.uses + 1 WHERE oidc_replay.uses < $3";
    let done = sqlx::query(statement)
        .bind(HEXLOWER.encode(grant.replay_key()))
        .bind(grant.remember_until().as_signed_secs())
        .bind(i64::from(grant.max_uses()))
        .execute(connection)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Stores the publish token, still without packages.
async fn mint(connection: &mut AnyConnection, grant: &Grant, token: &str) -> Result<(), sqlx::Error> {
    let run = serde_json::to_string(grant.run()).map_err(|error| sqlx::Error::Encode(error.into()))?;
    let statement = "INSERT INTO oidc_token (hash, created_at, expires_at, provider, issuer, run) \
         VALUES ($1, $2, $3, $4, $5, $6)";
    sqlx::query(statement)
        .bind(token)
        .bind(grant.created_at().as_signed_secs())
        .bind(grant.expires_at().as_signed_secs())
        .bind(grant.provider())
        .bind(grant.issuer())
        .bind(run)
        .execute(connection)
        .await?;
    Ok(())
}

/// A package of a grant, with the ids that its publisher has yet to learn.
struct Granted<'a> {
    by: &'a GrantedBy,
    new: Vec<&'a ImmutableId>,
}

/// Returns the packages whose publishers exist and have learned no other ids, and locks them until the
/// transaction ends. Also returns the ids of the other publishers.
async fn standing<'a>(
    write: &mut Write,
    packages: &'a [GrantedBy],
) -> Result<(Vec<Granted<'a>>, Vec<String>), sqlx::Error> {
    // A transaction that learns has the publisher for itself, so that no other can learn between its read and
    // its insert.
    let learns = packages.iter().any(|by| !by.learned.is_empty());
    let lock = if learns { write.for_update() } else { write.for_reference() };
    let there = publishers(write.connection(), packages, lock).await?;
    let learned = if learns { learned(write.connection(), packages).await? } else { BTreeMap::new() };
    let (mut granted, mut left_out) = (Vec::new(), Vec::new());
    for by in packages {
        let known = |pin: &ImmutableId| learned.get(&(by.publisher.clone(), pin.claim.to_owned()));
        // A publisher that is there may be of a package with another name by now.
        let is_for = |package: &Package| *package == by.package || package.covers(&by.package);
        let is_there = there.get(&by.publisher).is_some_and(is_for);
        if is_there && by.learned.iter().all(|pin| known(pin).is_none_or(|known| *known == pin.value)) {
            let new = by.learned.iter().filter(|pin| known(pin).is_none()).collect();
            granted.push(Granted { by, new });
        } else {
            left_out.push(by.publisher.clone());
        }
    }
    Ok((granted, left_out))
}

/// The existing publishers with their packages, locked in the order of their ids.
async fn publishers(
    connection: &mut AnyConnection,
    packages: &[GrantedBy],
    lock: &str,
) -> Result<BTreeMap<String, Package>, sqlx::Error> {
    let statement = format!(
        "SELECT id, ecosystem, package, prefix FROM oidc_publisher WHERE id IN ({}) ORDER BY id{lock}",
        parameters(1, packages.len())
    );
    let query = sqlx::query_as(AssertSqlSafe(statement)).persistent(false);
    let query = packages.iter().fold(query, |query, by| query.bind(&by.publisher));
    let rows: Vec<(String, String, String, String)> = query.fetch_all(connection).await?;
    rows.into_iter()
        .map(|(id, ecosystem, name, prefix)| Ok((id, package(ecosystem, name, &prefix)?)))
        .collect()
}

/// The ids that the publishers have learned, by publisher and claim.
async fn learned(
    connection: &mut AnyConnection,
    packages: &[GrantedBy],
) -> Result<BTreeMap<(String, String), String>, sqlx::Error> {
    let statement = format!(
        "SELECT publisher, claim, value FROM oidc_learned_id WHERE publisher IN ({})",
        parameters(1, packages.len())
    );
    let query = sqlx::query_as(AssertSqlSafe(statement)).persistent(false);
    let query = packages.iter().fold(query, |query, by| query.bind(&by.publisher));
    let rows: Vec<(String, String, String)> = query.fetch_all(connection).await?;
    Ok(rows.into_iter().map(|(publisher, claim, value)| ((publisher, claim), value)).collect())
}

/// Stores the packages of the publish token, by their own publishers and by those for prefixes.
async fn insert_packages(
    connection: &mut AnyConnection,
    token: &str,
    granted: &[Granted<'_>],
) -> Result<(), sqlx::Error> {
    let (own, by_prefix): (Vec<&GrantedBy>, Vec<&GrantedBy>) =
        granted.iter().map(|granted| granted.by).partition(|by| by.only_of.is_none());
    for (table, granted) in [("oidc_token_package", own), ("oidc_token_prefix", by_prefix)] {
        if granted.is_empty() {
            continue;
        }
        let rows = (0..granted.len()).map(|row| format!("($1, {})", parameters(2 + 3 * row, 3)));
        let rows = rows.collect::<Vec<_>>().join(", ");
        let statement = format!("INSERT INTO {table} (token, ecosystem, package, publisher) VALUES {rows}");
        let query = sqlx::query(AssertSqlSafe(statement)).persistent(false).bind(token);
        let query = granted.iter().fold(query, |query, by| {
            query.bind(&by.package.ecosystem).bind(names(&by.package).0).bind(&by.publisher)
        });
        query.execute(&mut *connection).await?;
    }
    Ok(())
}

/// Stores the ids that the publishers learn, and adds them to the index by which publishers are found.
async fn learn(connection: &mut AnyConnection, granted: &[Granted<'_>]) -> Result<(), sqlx::Error> {
    let new: Vec<(&GrantedBy, &ImmutableId)> =
        granted.iter().flat_map(|granted| granted.new.iter().map(|pin| (granted.by, *pin))).collect();
    if new.is_empty() {
        return Ok(());
    }
    let rows = (0..new.len()).map(|row| format!("({})", parameters(1 + 3 * row, 3)));
    let statement = format!(
        "INSERT INTO oidc_learned_id (publisher, claim, value) VALUES {}",
        rows.collect::<Vec<_>>().join(", ")
    );
    let query = sqlx::query(AssertSqlSafe(statement)).persistent(false);
    let query =
        new.iter().fold(query, |query, (by, pin)| query.bind(&by.publisher).bind(pin.claim).bind(&pin.value));
    query.execute(&mut *connection).await?;
    let publishers: BTreeSet<&str> = new.iter().map(|(by, _)| by.publisher.as_str()).collect();
    let statement = format!(
        "INSERT INTO oidc_publisher_id (publisher, claim, value, issuer, ecosystem, package, created_at) \
         SELECT p.id, l.claim, l.value, p.issuer, p.ecosystem, p.package, p.created_at \
         FROM oidc_learned_id l JOIN oidc_publisher p ON p.id = l.publisher \
         WHERE p.id IN ({}) ON CONFLICT (publisher, claim) DO NOTHING",
        parameters(1, publishers.len())
    );
    let query = sqlx::query(AssertSqlSafe(statement)).persistent(false);
    publishers.iter().fold(query, |query, id| query.bind(*id)).execute(&mut *connection).await?;
    let statement = format!(
        "UPDATE oidc_publisher_id SET worth = (SELECT {WORTH_OF_LEARNED} FROM oidc_publisher p \
         WHERE p.id = oidc_publisher_id.publisher) WHERE publisher IN ({})",
        parameters(1, publishers.len())
    );
    let query = sqlx::query(AssertSqlSafe(statement)).persistent(false);
    publishers.iter().fold(query, |query, id| query.bind(*id)).execute(&mut *connection).await?;
    let statement = format!(
        "UPDATE oidc_publisher SET lapses = 0 WHERE lapses = 1 AND id IN ({})",
        parameters(1, publishers.len())
    );
    let query = sqlx::query(AssertSqlSafe(statement)).persistent(false);
    publishers.iter().fold(query, |query, id| query.bind(*id)).execute(connection).await?;
    Ok(())
}

/// Records the time of use of proven publishers, in the order of their ids as all writers to several rows do.
async fn note_exchange(write: &mut Write, grant: &Grant, granted: &[Granted<'_>]) -> Result<(), sqlx::Error> {
    let statement = format!(
        "UPDATE oidc_proven SET exchanged_at = $1 WHERE publisher IN \
         (SELECT publisher FROM oidc_proven WHERE publisher IN ({}) ORDER BY publisher{})",
        parameters(2, granted.len()),
        write.for_update()
    );
    let query = sqlx::query(AssertSqlSafe(statement)).persistent(false);
    let query = query.bind(grant.created_at().as_signed_secs());
    let query = granted.iter().fold(query, |query, granted| query.bind(&granted.by.publisher));
    query.execute(write.connection()).await?;
    Ok(())
}
