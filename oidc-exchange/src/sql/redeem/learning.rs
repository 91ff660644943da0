//! Redeeming a grant whose publishers learn ids.
//!
//! An id is compared with those that were learned until the publisher is locked, and with it the others of its package, so
//! PostgreSQL has to look at them in a statement of its own, with a snapshot of its own. The number of statements does not
//! depend on the number of packages in the grant, since all other writers to SQLite wait meanwhile.

use std::collections::{BTreeMap, BTreeSet};

use data_encoding::HEXLOWER;
use oidc_core::ImmutableId;
use sqlx::{AnyConnection, AssertSqlSafe};

use super::super::database::{Database, Write};
use super::super::rows::{WORTH_OF_LEARNED, names, parameters, records, select};
use crate::server::{Grant, GrantedBy, Package, PublisherRecord, Redeemed};

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
        let only = match &*granted {
            [only] if only.by.only_of.is_none() => Some(only.by),
            _ => None,
        };
        mint(write.connection(), grant, &token, only).await?;
        if only.is_none() {
            insert_packages(write.connection(), &token, &granted).await?;
        }
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

/// Stores the publish token, with its package if it is the only one.
async fn mint(
    connection: &mut AnyConnection,
    grant: &Grant,
    token: &str,
    only: Option<&GrantedBy>,
) -> Result<(), sqlx::Error> {
    let run = serde_json::to_string(grant.run()).map_err(|error| sqlx::Error::Encode(error.into()))?;
    let statement = "INSERT INTO oidc_token (hash, created_at, expires_at, provider, issuer, run, ecosystem, package, publisher) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    sqlx::query(statement)
        .bind(token)
        .bind(grant.created_at().as_signed_secs())
        .bind(grant.expires_at().as_signed_secs())
        .bind(grant.provider())
        .bind(grant.issuer())
        .bind(run)
        .bind(only.map(|by| &by.package.ecosystem))
        .bind(only.map(|by| &by.package.name))
        .bind(only.map(|by| &by.publisher))
        .execute(connection)
        .await?;
    Ok(())
}

/// A package of a grant, with the ids that its publisher has yet to learn.
struct Granted<'a> {
    by: &'a GrantedBy,
    new: Vec<&'a ImmutableId>,
}

/// Returns the packages whose publishers exist, and where no other ids were learned. Also returns the ids of the other
/// publishers.
async fn standing<'a>(
    write: &mut Write,
    packages: &'a [GrantedBy],
) -> Result<(Vec<Granted<'a>>, Vec<String>), sqlx::Error> {
    lock(write, packages).await?;
    let records = publishers(write, packages).await?;
    let by_id: BTreeMap<&str, &PublisherRecord> =
        records.iter().map(|record| (&*record.id, record)).collect();
    let mut of_package = BTreeMap::<&Package, Vec<&PublisherRecord>>::new();
    for record in &records {
        of_package.entry(&record.package).or_default().push(record);
    }
    let may_learn = |record: &PublisherRecord, by: &GrantedBy| {
        let beside = of_package.get(&record.package).into_iter().flatten().copied();
        let is_other = |pin: &ImmutableId| record.learned.get(pin.claim).is_some_and(|id| *id != pin.value);
        !by.learned.iter().any(is_other) && record.may_learn(&by.learned, beside)
    };
    let (mut granted, mut left_out) = (Vec::new(), Vec::new());
    for by in packages {
        // A publisher that is there may be of a package with another name by now.
        let is_for =
            |record: &PublisherRecord| record.package == by.package || record.package.covers(&by.package);
        match by_id.get(&*by.publisher).filter(|record| is_for(record) && may_learn(record, by)) {
            Some(record) => {
                let new = by.learned.iter().filter(|pin| !record.learned.contains_key(pin.claim)).collect();
                granted.push(Granted { by, new });
            }
            None => left_out.push(by.publisher.clone()),
        }
    }
    Ok((granted, left_out))
}

/// The condition that a publisher is one of the grant's, or may share learned ids with one: see
/// [`PublisherRecord::may_learn`]. Pending publishers are found by the account, since any number of strangers may name a
/// package that does not exist yet; the concatenation keeps the indexes on the package from being used for them.
fn sharing(write: &Write, packages: &[GrantedBy]) -> String {
    let of_grant = parameters(1, packages.len());
    let beside = format!(
        "SELECT s.id FROM oidc_publisher g JOIN oidc_publisher s ON s.ecosystem = g.ecosystem AND s.identity_key = g.identity_key \
         AND s.issuer = g.issuer AND s.pending = g.pending AND s.prefix = '' AND g.prefix = '' AND g.id IN ({of_grant})"
    );
    write.is_one_of(&format!(
        "{beside} AND g.pending = 0 AND s.package = g.package \
         UNION {beside} AND g.pending = 1 AND s.account = g.account AND s.package || '' = g.package \
         UNION SELECT id FROM oidc_publisher WHERE id IN ({of_grant})"
    ))
}

/// Locks the publishers in the order of their ids until the transaction ends, so that nobody else learns between its read
/// and its insert.
async fn lock(write: &mut Write, packages: &[GrantedBy]) -> Result<(), sqlx::Error> {
    let (sharing, lock) = (sharing(write, packages), write.for_update());
    let statement = format!("SELECT id FROM oidc_publisher WHERE id {sharing} ORDER BY id{lock}");
    let query = sqlx::query(AssertSqlSafe(statement)).persistent(false);
    let query = packages.iter().fold(query, |query, by| query.bind(&by.publisher));
    query.fetch_all(write.connection()).await?;
    Ok(())
}

/// Reads the publishers, with what others committed before they were locked.
async fn publishers(write: &mut Write, packages: &[GrantedBy]) -> Result<Vec<PublisherRecord>, sqlx::Error> {
    let statement = select(&format!("p.id {}", sharing(write, packages)));
    let query = sqlx::query(AssertSqlSafe(statement)).persistent(false);
    let query = packages.iter().fold(query, |query, by| query.bind(&by.publisher));
    let rows = query.fetch_all(write.connection()).await?;
    records(&rows).map_err(|error| sqlx::Error::Decode(error.into()))
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
