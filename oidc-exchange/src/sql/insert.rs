//! A publisher and the rows that follow from it: its learned ids, the texts that it is found by, its proof and its turn.

use oidc_core::Timestamp;
use sqlx::AnyConnection;

use super::rows::{digest, names, worth};
use crate::server::PublisherRecord;

/// The turns of a publisher among those of its account. Where an identity has very many publishers, the turns
/// decide which of them are found.
#[derive(Clone, Copy)]
pub(super) struct Turns {
    /// The turn among the publishers of its identity; `None` for the operator's own.
    pub(super) of_identity: Option<i64>,
    /// The turn among the publishers of its package and identity.
    pub(super) of_package: i64,
}

/// Stores a publisher with its learned ids. `turns` are the turns of the publisher that it replaces, if any.
/// Returns `false` where the package has an equal publisher.
pub(super) async fn insert(
    connection: &mut AnyConnection,
    publisher: &PublisherRecord,
    turns: Option<Turns>,
) -> Result<bool, sqlx::Error> {
    if !insert_publisher(connection, publisher, turns).await? {
        return Ok(false);
    }
    let account = account(publisher);
    if !account.is_empty() {
        take_turn(connection, publisher, account, turns.and_then(|turns| turns.of_identity)).await?;
    }
    insert_learned(connection, publisher).await?;
    insert_texts(connection, publisher).await?;
    if publisher.proven {
        insert_proof(connection, publisher).await?;
    }
    Ok(true)
}

/// Stores the publisher alone. Returns `false` where the package has an equal one.
async fn insert_publisher(
    connection: &mut AnyConnection,
    publisher: &PublisherRecord,
    turns: Option<Turns>,
) -> Result<bool, sqlx::Error> {
    let (package, prefix) = names(&publisher.package);
    let statement = "INSERT INTO oidc_publisher (id, ecosystem, package, provider, issuer, identity_key, config, \
         pending, created_at, origin, digest, account, lapses, package_turn, prefix) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, COALESCE($14, (SELECT COUNT(*) FROM oidc_publisher \
         WHERE package = $3 AND ecosystem = $2 AND account = $12 AND identity_key = $6 AND issuer = $5 AND pending = $8 \
         AND prefix = $15)), $15) \
         ON CONFLICT (digest) DO NOTHING";
    let inserted = sqlx::query(statement)
        .bind(&publisher.id)
        .bind(&publisher.package.ecosystem)
        .bind(package)
        .bind(&publisher.provider)
        .bind(&publisher.identity.issuer)
        .bind(&publisher.identity.key)
        .bind(publisher.config.to_string())
        .bind(i64::from(publisher.pending))
        .bind(publisher.created_at.as_signed_secs())
        .bind(&publisher.origin)
        .bind(digest(publisher))
        .bind(account(publisher))
        .bind(i64::from(publisher.lapses))
        .bind(turns.map(|turns| turns.of_package))
        .bind(prefix)
        .execute(connection)
        .await?;
    Ok(inserted.rows_affected() > 0)
}

async fn insert_learned(
    connection: &mut AnyConnection,
    publisher: &PublisherRecord,
) -> Result<(), sqlx::Error> {
    for (claim, value) in &publisher.learned {
        let statement = "INSERT INTO oidc_learned_id (publisher, claim, value) VALUES ($1, $2, $3)";
        let query = sqlx::query(statement).bind(&publisher.id).bind(claim).bind(value);
        query.execute(&mut *connection).await?;
    }
    Ok(())
}

async fn insert_texts(
    connection: &mut AnyConnection,
    publisher: &PublisherRecord,
) -> Result<(), sqlx::Error> {
    let (package, _) = names(&publisher.package);
    for (claim, value) in publisher.texts() {
        let statement = "INSERT INTO oidc_publisher_id (publisher, claim, value, issuer, ecosystem, package, created_at, \
             worth) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
        sqlx::query(statement)
            .bind(&publisher.id)
            .bind(claim)
            .bind(value)
            .bind(&publisher.identity.issuer)
            .bind(&publisher.package.ecosystem)
            .bind(package)
            .bind(publisher.created_at.as_signed_secs())
            .bind(worth(publisher.rank()))
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

async fn insert_proof(
    connection: &mut AnyConnection,
    publisher: &PublisherRecord,
) -> Result<(), sqlx::Error> {
    let statement = "INSERT INTO oidc_proven (publisher, identity_key, issuer, account, published_at, exchanged_at) \
         VALUES ($1, $2, $3, $4, $5, $6)";
    sqlx::query(statement)
        .bind(&publisher.id)
        .bind(&publisher.identity.key)
        .bind(&publisher.identity.issuer)
        .bind(account(publisher))
        .bind(publisher.published_at.map(Timestamp::as_signed_secs))
        .bind(publisher.exchanged_at.map(Timestamp::as_signed_secs))
        .execute(connection)
        .await?;
    Ok(())
}

/// The account as it is stored; empty for the operator's own publishers.
fn account(publisher: &PublisherRecord) -> &str {
    publisher.account.as_deref().unwrap_or_default()
}

/// Gives an account's publisher its turn among those of its identity, by default the next one. The account
/// must be [locked](super::room::lock), so that no two publishers get the same turn.
async fn take_turn(
    connection: &mut AnyConnection,
    publisher: &PublisherRecord,
    account: &str,
    turn: Option<i64>,
) -> Result<(), sqlx::Error> {
    // Turns of regular publishers are even and those of pending ones odd, so that the two kinds alternate.
    let statement = "INSERT INTO oidc_turn (publisher, account, identity_key, issuer, ecosystem, turn, created_at) \
         VALUES ($1, $2, $3, $4, $5, COALESCE($6, (SELECT 2 * COUNT(*) + $7 FROM oidc_publisher \
         WHERE account = $2 AND identity_key = $3 AND issuer = $4 AND ecosystem = $5 AND pending = $7)), $8)";
    sqlx::query(statement)
        .bind(&publisher.id)
        .bind(account)
        .bind(&publisher.identity.key)
        .bind(&publisher.identity.issuer)
        .bind(&publisher.package.ecosystem)
        .bind(turn)
        .bind(i64::from(publisher.pending))
        .bind(publisher.created_at.as_signed_secs())
        .execute(connection)
        .await?;
    Ok(())
}
