//! The room of an account for publishers, and purging of publishers that lapsed or expired.

use sqlx::{AnyConnection, AssertSqlSafe};

use super::rows::{digest, is_of};
use crate::server::{EndedBefore, PublisherRecord, Room, Stored, Taken};

/// The condition for publishers `p` that lapsed or expired, with [`EndedBefore`] as the parameters `$1` and
/// `$2`.
const IS_OVER: &str = "(p.lapses = 1 AND p.created_at <= $1 \
     AND NOT EXISTS (SELECT 1 FROM oidc_proven u WHERE u.publisher = p.id AND u.published_at IS NOT NULL) \
     OR p.pending = 1 AND p.created_at <= $2)";

/// Locks the account until the transaction ends, so that concurrent additions wait for each other. The
/// operator's own publishers have no turns and are counted only for a package, so they need no lock.
pub(super) async fn lock(
    connection: &mut AnyConnection,
    publisher: &PublisherRecord,
) -> Result<(), sqlx::Error> {
    let Some(account) = &publisher.account else { return Ok(()) };
    // The update changes nothing: it locks the row of an account that exists, as the insert locks a new one.
    let statement = "INSERT INTO oidc_account (account) VALUES ($1) \
         ON CONFLICT (account) DO UPDATE SET account = excluded.account";
    sqlx::query(statement).bind(account).execute(connection).await?;
    Ok(())
}

/// Returns `Exists` or `TooMany` where a publisher can't be stored. Its account must be [locked](lock).
pub(super) async fn refused(
    connection: &mut AnyConnection,
    publisher: &PublisherRecord,
    room: &Room,
) -> Result<Option<Stored>, sqlx::Error> {
    let query = sqlx::query_scalar("SELECT COUNT(*) FROM oidc_publisher WHERE digest = $1");
    let equal: i64 = query.bind(digest(publisher)).fetch_one(&mut *connection).await?;
    if equal > 0 {
        return Ok(Some(Stored::Exists));
    }
    let of_package = is_of(&publisher.package, 4);
    let package = [publisher.package.name.as_str(), publisher.package.ecosystem.as_str()];
    let of_package = count(connection, publisher, room.ended, &of_package, &package).await?;
    let mut taken = Taken { of_package, ..Taken::default() };
    if publisher.account.is_some() {
        // Most accounts have few publishers, even including those that have ended, so the cheaper count
        // usually decides.
        taken = Taken { of_package, ..count_all(connection, publisher).await? };
        if room.reached(publisher, taken).is_some() {
            taken.of_account = count(connection, publisher, room.ended, "1 = 1", &[]).await?;
            taken.pending = count(connection, publisher, room.ended, "p.pending = 1", &[]).await?;
            taken.prefixes = count(connection, publisher, room.ended, "p.prefix <> ''", &[]).await?;
        }
    }
    Ok(room.reached(publisher, taken).map(|(limit, number)| Stored::TooMany(limit, number)))
}

/// The number of the account's publishers that fulfil a condition and have not ended.
async fn count(
    connection: &mut AnyConnection,
    publisher: &PublisherRecord,
    ended: EndedBefore,
    which: &str,
    values: &[&str],
) -> Result<u64, sqlx::Error> {
    let statement =
        format!("SELECT COUNT(*) FROM oidc_publisher p WHERE p.account = $3 AND {which} AND NOT {IS_OVER}");
    let query = sqlx::query_scalar(AssertSqlSafe(statement));
    let query = query.bind(ended.lapsing.as_signed_secs()).bind(ended.pending.as_signed_secs());
    let query = query.bind(publisher.account.as_deref().unwrap_or_default());
    let query = values.iter().fold(query, |query, value| query.bind(*value));
    let count: i64 = query.fetch_one(connection).await?;
    Ok(u64::try_from(count).unwrap_or_default())
}

/// Counts the publishers of the account, for all packages and including those that have ended.
async fn count_all(
    connection: &mut AnyConnection,
    publisher: &PublisherRecord,
) -> Result<Taken, sqlx::Error> {
    let statement = "SELECT COUNT(*), CAST(COALESCE(SUM(pending), 0) AS BIGINT), \
         CAST(COALESCE(SUM(CASE WHEN prefix <> '' THEN 1 ELSE 0 END), 0) AS BIGINT) FROM oidc_publisher WHERE account = $1";
    let query = sqlx::query_as(statement).bind(publisher.account.as_deref().unwrap_or_default());
    let (all, pending, prefixes): (i64, i64, i64) = query.fetch_one(connection).await?;
    let number = |count| u64::try_from(count).unwrap_or_default();
    let (of_account, pending, prefixes) = (number(all), number(pending), number(prefixes));
    Ok(Taken { of_package: 0, of_account, pending, prefixes })
}

/// Removes at most `limit` publishers of accounts that lapsed or expired.
pub(super) async fn purge(
    connection: &mut AnyConnection,
    ended: EndedBefore,
    limit: u32,
) -> Result<u64, sqlx::Error> {
    // Two statements, each with an index of its own. The outer condition repeats the inner one, which is
    // checked again for a row that changed meanwhile.
    let pending = "DELETE FROM oidc_publisher WHERE pending = 1 AND id IN (SELECT id FROM oidc_publisher \
         WHERE pending = 1 AND account <> '' AND created_at <= $1 ORDER BY created_at LIMIT $2)";
    let lapsed = "DELETE FROM oidc_publisher WHERE lapses = 1 AND id IN (SELECT p.id FROM oidc_publisher p \
         WHERE p.lapses = 1 AND p.account <> '' AND p.created_at <= $1 \
         AND NOT EXISTS (SELECT 1 FROM oidc_proven u WHERE u.publisher = p.id AND u.published_at IS NOT NULL) \
         ORDER BY p.created_at LIMIT $2)";
    let mut purged = 0;
    for (statement, before) in [(pending, ended.pending), (lapsed, ended.lapsing)] {
        // The limit is for both statements together.
        let left = i64::from(limit) - i64::try_from(purged).unwrap_or(i64::MAX);
        let query = sqlx::query(statement).bind(before.as_signed_secs()).bind(left);
        purged += query.execute(&mut *connection).await?.rows_affected();
    }
    Ok(purged)
}
