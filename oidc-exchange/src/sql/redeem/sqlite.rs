//! Redeeming on SQLite: the statements, and the transaction of one grant or of several.
//!
//! The statements of a grant return the ids of the publishers that are still there. A row without an id says that the identity
//! token was used as often as allowed, or that its uses may have been purged; no row says that no publisher is left. In these
//! two cases nothing changed. The parameters are [`Values`].

use std::sync::{Arc, LazyLock};

use sqlx::{AnyConnection, Executor as _};

use super::super::database::Database;
use super::outcome::{Outcome, Rows};
use super::values::Values;

/// The statements for a publish token of one package, by a publisher of that package: of nearly all grants. Each of them but the last
/// does nothing where the one before it did nothing.
const ONE: &str = "\
    INSERT INTO oidc_replay (key, uses, remember_until) \
        SELECT $1, 1, $2 FROM oidc_purged WHERE id = 1 AND until_at < $2 AND EXISTS ( \
            SELECT 1 FROM oidc_publisher WHERE id = $10 AND ecosystem = $11 AND package = $12 AND prefix = '') \
        ON CONFLICT (key) DO UPDATE SET uses = uses + 1 WHERE uses < $3 RETURNING $10; \
    INSERT INTO oidc_token (hash, created_at, expires_at, provider, issuer, run) \
        SELECT $4, $5, $6, $7, $8, $9 WHERE changes() = 1; \
    INSERT INTO oidc_token_package (token, ecosystem, package, publisher) SELECT $4, $11, $12, $10 WHERE changes() = 1; \
    UPDATE oidc_proven SET exchanged_at = $5 WHERE publisher = $10 AND changes() = 1; \
    SELECT NULL WHERE EXISTS (SELECT 1 FROM oidc_replay WHERE key = $1 AND uses >= $3) \
        OR NOT EXISTS (SELECT 1 FROM oidc_purged WHERE id = 1 AND until_at < $2)";

/// The beginning of the statements for all other grants: `usable` has a row if the identity token may be used, and `granted` the packages
/// whose publishers are still there, if it has. Nobody else writes meanwhile, so it is the same in each statement.
const GRANTED: &str = "\
    WITH usable AS ( \
        SELECT 1 FROM oidc_purged WHERE id = 1 AND until_at < $2 \
        AND NOT EXISTS (SELECT 1 FROM oidc_replay WHERE key = $1 AND uses >= $3) \
    ), wanted AS ( \
        SELECT value ->> 'publisher' AS publisher, value ->> 'ecosystem' AS ecosystem, value ->> 'name' AS name, \
        value ->> 'is_prefix' AS is_prefix, value ->> 'by_prefix' AS by_prefix FROM json_each($10) \
    ), granted AS ( \
        SELECT p.id, w.ecosystem, CASE WHEN w.is_prefix THEN '' ELSE w.name END AS package, w.by_prefix \
        FROM usable CROSS JOIN wanted w CROSS JOIN oidc_publisher p WHERE p.id = w.publisher \
        AND p.ecosystem = w.ecosystem AND CASE \
            WHEN p.prefix = '' THEN p.package = w.name AND NOT w.is_prefix \
            WHEN w.is_prefix THEN p.prefix = w.name \
            ELSE substr(w.name, 1, length(p.prefix)) = p.prefix AND w.name <> p.prefix END \
    )";

/// The statements for all other grants. The use is counted last, since the others depend on whether it may be.
fn several() -> String {
    let token = "INSERT INTO oidc_token (hash, created_at, expires_at, provider, issuer, run)";
    let columns = "(token, ecosystem, package, publisher)";
    let of_token = "SELECT $4, ecosystem, package, id FROM granted WHERE $4 IS NOT NULL";
    [
        format!("{GRANTED} SELECT id FROM granted UNION ALL SELECT NULL WHERE NOT EXISTS (SELECT 1 FROM usable)"),
        format!("{token} {GRANTED} SELECT $4, $5, $6, $7, $8, $9 WHERE $4 IS NOT NULL AND EXISTS (SELECT 1 FROM granted)"),
        format!("INSERT INTO oidc_token_package {columns} {GRANTED} {of_token} AND NOT by_prefix"),
        format!("INSERT INTO oidc_token_prefix {columns} {GRANTED} {of_token} AND by_prefix"),
        format!("{GRANTED} UPDATE oidc_proven SET exchanged_at = $5 WHERE publisher IN (SELECT id FROM granted)"),
        format!(
            "INSERT INTO oidc_replay (key, uses, remember_until) {GRANTED} SELECT $1, 1, $2 \
             WHERE EXISTS (SELECT 1 FROM granted) ON CONFLICT (key) DO UPDATE SET uses = uses + 1"
        ),
    ]
    .join("; ")
}

/// The texts of a grant. The driver runs several statements as one command; between commands it switches threads twice.
struct Sequence {
    /// The whole transaction of one grant.
    alone: String,
    /// A grant among others in a transaction, in a savepoint of its own.
    among_others: String,
}

impl Sequence {
    fn of(statements: &str) -> Self {
        Self {
            alone: format!("BEGIN IMMEDIATE; {statements}; COMMIT"),
            among_others: format!("SAVEPOINT oidc_grant; {statements}; RELEASE oidc_grant"),
        }
    }

    fn one() -> &'static Self {
        static SEQUENCE: LazyLock<Sequence> = LazyLock::new(|| Sequence::of(ONE));
        &SEQUENCE
    }

    fn several() -> &'static Self {
        static SEQUENCE: LazyLock<Sequence> = LazyLock::new(|| Sequence::of(&several()));
        &SEQUENCE
    }

    /// The texts that have the parameters of these values.
    fn for_values(values: &Values) -> &'static Self {
        if values.is_of_one() { Self::one() } else { Self::several() }
    }
}

/// Undoes a grant that failed among others.
const UNDO: &str = "ROLLBACK TO oidc_grant; RELEASE oidc_grant";

/// Redeems grants of any kind, in the writer's turn.
pub(super) async fn redeem_all(database: &Database, grants: &[Values]) -> Vec<Outcome> {
    if grants.len() > 1 {
        match together(database, grants).await {
            Ok(outcomes) => return outcomes,
            // One of them may be the reason, which then fails alone.
            Err(error) => {
                tracing::warn!(%error, grants = grants.len(), "grants that shared a transaction are redeemed one by one");
            }
        }
    }
    let mut outcomes = Vec::new();
    for values in grants {
        outcomes.push(alone(database, values).await.map_err(Arc::new));
    }
    outcomes
}

/// Redeems one grant in a transaction of its own.
async fn alone(database: &Database, values: &Values) -> Result<Rows, sqlx::Error> {
    let mut connection = database.writer().await?;
    let mut open = connection.open();
    let redeemed = values.bind(&Sequence::for_values(values).alone).fetch_all(open.used()).await;
    if redeemed.is_err() {
        open.used().execute("ROLLBACK").await?;
    }
    open.end();
    connection.keep();
    redeemed
}

/// Redeems grants in one transaction. Its error is none of a single grant's, and then nothing was granted.
async fn together(database: &Database, grants: &[Values]) -> Result<Vec<Outcome>, sqlx::Error> {
    let mut connection = database.writer().await?;
    let mut open = connection.open();
    let redeemed = within(open.used(), grants).await;
    if redeemed.is_err() {
        open.used().execute("ROLLBACK").await?;
    }
    open.end();
    connection.keep();
    redeemed
}

async fn within(connection: &mut AnyConnection, grants: &[Values]) -> Result<Vec<Outcome>, sqlx::Error> {
    connection.execute("BEGIN IMMEDIATE").await?;
    let mut outcomes = Vec::new();
    for values in grants {
        let redeemed =
            values.bind(&Sequence::for_values(values).among_others).fetch_all(&mut *connection).await;
        if redeemed.is_err() {
            connection.execute(UNDO).await?;
        }
        outcomes.push(redeemed.map_err(Arc::new));
    }
    connection.execute("COMMIT").await?;
    Ok(outcomes)
}
