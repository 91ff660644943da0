//! Proofs: a publish that succeeded by a publisher proves that its account publishes by the identity.

use oidc_core::Timestamp;
use sqlx::AnyConnection;

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
