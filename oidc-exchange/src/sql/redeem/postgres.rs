//! Redeeming on PostgreSQL: the statements, each of which is a transaction of its own.
//!
//! All parts of a statement see the rows that were committed when it began, except where they lock: a row that somebody else
//! holds is waited for and read again. Publishers are locked before the use is counted, and concurrent grants with one replay
//! key wait for each other at `burned`. Whatever locks several rows of a table does so in the order of their keys, or two
//! batches could wait for each other. The time of use is not noted where somebody else changes the same row, such as a publish
//! that is being stored: a batch would wait for the application's transaction. The lateral joins and `OFFSET 0` keep to
//! the index of ids, whatever the planner expects.

use std::collections::HashMap;
use std::sync::Arc;

use sqlx::Row as _;

use super::super::database::{Database, retry};
use super::outcome::{Outcome, Rows};
use super::values::Values;

/// The statement for a publish token of one package, by a publisher of that package: of nearly all grants.
///
/// It returns the id of the publisher where it is granted, and no row where it is not. It has no more parts than a grant
/// needs, since each of them costs time even where it does nothing; [`USED_UP`] tells the reason of a refusal.
const ONE: &str = "\
    WITH burned AS ( \
        INSERT INTO oidc_replay (key, uses, remember_until) \
        SELECT $1, 1, $2 FROM oidc_purged d CROSS JOIN ( \
            SELECT ecosystem, package, prefix FROM oidc_publisher WHERE id = $10 OFFSET 0 FOR KEY SHARE \
        ) p WHERE d.id = 1 AND d.until_at < $2 AND p.ecosystem = $11 AND p.package = $12 AND p.prefix = '' \
        ON CONFLICT (key) DO UPDATE SET uses = oidc_replay.uses + 1 WHERE oidc_replay.uses < $3 RETURNING key \
    ), noted AS ( \
        UPDATE oidc_proven SET exchanged_at = $5 WHERE publisher = ( \
            SELECT publisher FROM burned CROSS JOIN oidc_proven \
            WHERE publisher = $10 AND exchanged_at IS DISTINCT FROM $5 FOR UPDATE OF oidc_proven SKIP LOCKED) \
    ) \
    INSERT INTO oidc_token (hash, created_at, expires_at, provider, issuer, run, publisher, ecosystem, package) \
    SELECT $4, $5, $6, $7, $8, $9, $10, $11, $12 FROM burned RETURNING publisher";

/// The statement for a grant that [`ONE`] refused. A row says that the identity token was used as often as allowed, or that
/// its uses may have been purged; no row says that the publisher was gone. Both uses and their purge stay as they are.
const USED_UP: &str = "\
    SELECT CAST(NULL AS TEXT) WHERE EXISTS (SELECT 1 FROM oidc_replay WHERE key = $1 AND uses >= $3) \
    OR NOT EXISTS (SELECT 1 FROM oidc_purged WHERE id = 1 AND until_at < $2)";

/// The statement for several grants of the kind of [`ONE`] with different replay keys, in JSON. It returns a row for each of
/// them: the replay key, and whether it was granted, or its identity token used up. Where neither is the case, no publisher
/// is left.
const TOGETHER: &str = "\
    WITH wanted AS MATERIALIZED ( \
        SELECT * FROM json_to_recordset(CAST($1 AS JSON)) AS w ( \
            replay_key TEXT, remember_until BIGINT, max_uses BIGINT, token TEXT, created_at BIGINT, expires_at BIGINT, \
            provider TEXT, issuer TEXT, run TEXT, publisher TEXT, ecosystem TEXT, name TEXT) \
    ), standing AS MATERIALIZED ( \
        SELECT w.* FROM (SELECT * FROM wanted ORDER BY publisher) w CROSS JOIN LATERAL ( \
            SELECT ecosystem, package, prefix FROM oidc_publisher WHERE id = w.publisher FOR KEY SHARE \
        ) p WHERE p.ecosystem = w.ecosystem AND p.package = w.name AND p.prefix = '' \
    ), burned AS ( \
        INSERT INTO oidc_replay AS r (key, uses, remember_until) \
        SELECT s.replay_key, 1, s.remember_until FROM standing s \
        JOIN oidc_purged d ON d.id = 1 AND d.until_at < s.remember_until ORDER BY s.replay_key \
        ON CONFLICT (key) DO UPDATE SET uses = r.uses + 1 \
        WHERE r.uses < (SELECT w.max_uses FROM wanted w WHERE w.replay_key = r.key) RETURNING key \
    ), granted AS MATERIALIZED ( \
        SELECT s.* FROM burned b JOIN standing s ON s.replay_key = b.key \
    ), minted AS ( \
        INSERT INTO oidc_token (hash, created_at, expires_at, provider, issuer, run, publisher, ecosystem, package) \
        SELECT token, created_at, expires_at, provider, issuer, run, publisher, ecosystem, name FROM granted \
    ), used AS MATERIALIZED ( \
        SELECT publisher, MAX(created_at) AS at FROM granted GROUP BY publisher ORDER BY publisher \
    ), noted AS ( \
        UPDATE oidc_proven SET exchanged_at = (SELECT at FROM used WHERE used.publisher = oidc_proven.publisher) \
        WHERE publisher = ANY (ARRAY( \
            SELECT u.publisher FROM used CROSS JOIN LATERAL ( \
                SELECT publisher FROM oidc_proven \
                WHERE publisher = used.publisher AND exchanged_at IS DISTINCT FROM used.at FOR UPDATE SKIP LOCKED) u)) \
    ) \
    SELECT w.replay_key, g.replay_key IS NOT NULL AS is_granted, g.replay_key IS NULL AND ( \
        s.replay_key IS NOT NULL \
        OR EXISTS (SELECT 1 FROM oidc_replay WHERE key = w.replay_key AND uses >= w.max_uses) \
        OR NOT EXISTS (SELECT 1 FROM oidc_purged WHERE id = 1 AND until_at < w.remember_until)) AS is_used_up \
    FROM wanted w LEFT JOIN standing s ON s.replay_key = w.replay_key LEFT JOIN granted g ON g.replay_key = w.replay_key";

/// The statement for all other grants. It returns the ids of the publishers that are still there. A row without an id says that
/// the identity token was used as often as allowed, or that its uses may have been purged; no row says that no publisher is left.
const SEVERAL: &str = "\
    WITH wanted AS ( \
        SELECT * FROM jsonb_to_recordset(CAST($10 AS JSONB)) \
        AS w (publisher TEXT, ecosystem TEXT, name TEXT, is_prefix BOOLEAN, by_prefix BOOLEAN) ORDER BY publisher \
    ), standing AS MATERIALIZED ( \
        SELECT p.id, w.ecosystem, CASE WHEN w.is_prefix THEN '' ELSE w.name END AS package, w.by_prefix \
        FROM wanted w CROSS JOIN LATERAL ( \
            SELECT id, ecosystem, package, prefix FROM oidc_publisher WHERE id = w.publisher FOR KEY SHARE \
        ) p WHERE p.ecosystem = w.ecosystem AND CASE \
            WHEN p.prefix = '' THEN p.package = w.name AND NOT w.is_prefix \
            WHEN w.is_prefix THEN p.prefix = w.name \
            ELSE starts_with(w.name, p.prefix) AND w.name <> p.prefix END \
    ), burned AS ( \
        INSERT INTO oidc_replay (key, uses, remember_until) \
        SELECT $1, 1, $2 FROM oidc_purged WHERE id = 1 AND until_at < $2 AND (SELECT COUNT(*) FROM standing) > 0 \
        ON CONFLICT (key) DO UPDATE SET uses = oidc_replay.uses + 1 WHERE oidc_replay.uses < $3 RETURNING key \
    ), minted AS ( \
        INSERT INTO oidc_token (hash, created_at, expires_at, provider, issuer, run) \
        SELECT $4, $5, $6, $7, $8, $9 FROM burned WHERE $4 IS NOT NULL RETURNING hash \
    ), of_packages AS ( \
        INSERT INTO oidc_token_package (token, ecosystem, package, publisher) \
        SELECT hash, ecosystem, package, id FROM minted, standing WHERE NOT by_prefix \
    ), of_prefixes AS ( \
        INSERT INTO oidc_token_prefix (token, ecosystem, package, publisher) \
        SELECT hash, ecosystem, package, id FROM minted, standing WHERE by_prefix \
    ), noted AS ( \
        UPDATE oidc_proven SET exchanged_at = $5 WHERE publisher = ANY (ARRAY( \
            SELECT u.publisher FROM burned, standing s \
            CROSS JOIN LATERAL (SELECT publisher FROM oidc_proven WHERE publisher = s.id FOR UPDATE) u)) \
    ) \
    SELECT id FROM standing WHERE EXISTS (SELECT 1 FROM burned) \
    UNION ALL SELECT NULL WHERE NOT EXISTS (SELECT 1 FROM burned) AND ( \
        EXISTS (SELECT 1 FROM standing) \
        OR EXISTS (SELECT 1 FROM oidc_replay WHERE key = $1 AND uses >= $3) \
        OR NOT EXISTS (SELECT 1 FROM oidc_purged WHERE id = 1 AND until_at < $2))";

/// Redeems a grant of any kind.
pub(super) async fn alone(database: &Database, values: &Values) -> Result<Rows, sqlx::Error> {
    let is_of_one = values.is_of_one();
    retry(|| async {
        let mut connection = database.connection().await?;
        let text = if is_of_one { ONE } else { SEVERAL };
        let mut rows = values.bind(text)?.fetch_all(connection.used()).await?;
        if is_of_one && rows.is_empty() {
            rows = values.bind_use(USED_UP).fetch_all(connection.used()).await?;
        }
        connection.keep();
        Ok(rows)
    })
    .await
}

/// Redeems grants of one package each, with different replay keys, in one statement.
pub(super) async fn redeem_all(database: &Database, grants: &[Values]) -> Vec<Outcome> {
    if grants.len() > 1 {
        match retry(|| together(database, grants)).await {
            Ok(outcomes) => return outcomes.into_iter().map(Ok).collect(),
            // One of them may be the reason, which then fails alone. Nothing was granted.
            Err(error @ sqlx::Error::Database(_)) => {
                tracing::warn!(%error, grants = grants.len(), "grants that shared a statement are redeemed one by one");
            }
            // The server may have granted them all before the connection broke.
            Err(error) => {
                let error = Arc::new(error);
                return grants.iter().map(|_| Err(Arc::clone(&error))).collect();
            }
        }
    }
    let mut outcomes = Vec::new();
    for values in grants {
        outcomes.push(alone(database, values).await.map_err(Arc::new));
    }
    outcomes
}

async fn together(database: &Database, grants: &[Values]) -> Result<Vec<Rows>, sqlx::Error> {
    let packed = Values::packed(grants).map_err(|error| sqlx::Error::Encode(error.into()))?;
    let mut connection = database.connection().await?;
    let rows = sqlx::query(TOGETHER).bind(packed).fetch_all(connection.used()).await?;
    connection.keep();
    let mut states: HashMap<String, (bool, bool)> = HashMap::new();
    for row in &rows {
        states.insert(row.try_get(0)?, (row.try_get(1)?, row.try_get(2)?));
    }
    let of_grant = |values: &Values| {
        let (is_granted, is_used_up) = states.get(values.replay_key()).ok_or(sqlx::Error::RowNotFound)?;
        Ok(values.rows(*is_granted, *is_used_up))
    };
    grants.iter().map(of_grant).collect()
}
