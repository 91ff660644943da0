//! Proofs: a publish that succeeded by a publisher proves that its account publishes by the identity.

use oidc_core::{Identity, ImmutableId, Timestamp};
use sqlx::AnyConnection;

use super::database::Database;
use super::rows::{standing, worth};
use crate::server::{Package, PublisherRank};

/// Records that a publish succeeded; `false` where neither the package nor a prefix of its name has such a
/// publisher.
///
/// The row of the publisher itself is only read, so concurrent publishes by one publisher wait for each other
/// only here.
pub(super) async fn published(
    connection: &mut AnyConnection,
    package: &Package,
    by: &str,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    if !standing(connection, by, "").await?.is_some_and(|publisher| publisher.is_for(package)) {
        return Ok(false);
    }
    let statement = "INSERT INTO oidc_proven (publisher, identity_key, issuer, account, published_at) \
         SELECT id, identity_key, issuer, account, $2 FROM oidc_publisher WHERE id = $1 \
         ON CONFLICT (publisher) DO UPDATE SET published_at = excluded.published_at";
    let query = sqlx::query(statement).bind(by).bind(now.as_signed_secs());
    let done = query.execute(&mut *connection).await?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    let statement = "UPDATE oidc_publisher_id SET worth = $2 WHERE publisher = $1 AND worth <> $2";
    let query = sqlx::query(statement).bind(by).bind(worth(PublisherRank::Proven));
    query.execute(connection).await?;
    Ok(true)
}

/// Implements [`PublisherStore::is_proven`](crate::server::PublisherStore::is_proven).
pub(super) async fn is_proven(
    database: &Database,
    account: &str,
    identity: &Identity,
    id: &ImmutableId,
) -> Result<bool, sqlx::Error> {
    // PostgreSQL's texts can't contain NUL: no row has such a text, and asking for it would be an error.
    if [account, &identity.key, &id.value].iter().any(|text| text.contains('\0')) {
        return Ok(false);
    }
    let statement = "SELECT 1 AS proof FROM oidc_proven k WHERE k.identity_key = $1 AND k.issuer = $2 AND k.account = $3 \
         AND NOT EXISTS (SELECT 1 FROM oidc_publisher_id i WHERE i.publisher = k.publisher AND i.claim = $4 AND i.value <> $5) \
         LIMIT 1";
    let query = sqlx::query(statement).bind(&identity.key).bind(&identity.issuer).bind(account);
    let rows = database.read(query.bind(id.claim).bind(&id.value)).await?;
    Ok(!rows.is_empty())
}
