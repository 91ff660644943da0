//! Redeeming on SQLite: the statements, and the transaction of one grant or of several.
//!
//! The driver executes a connection's commands in a thread of their own, and sends each row and the end of each statement
//! back. Therefore grants of one package, which are nearly all, are a single statement: rows that are inserted into a
//! temporary view, whose trigger is all that a grant does.

use std::sync::{Arc, LazyLock};

use sqlx::{AnyConnection, Executor as _, Row as _};

use super::super::batch::MAX_TOGETHER;
use super::super::database::Database;
use super::outcome::{Outcome, Rows};
use super::values::Values;

/// The view for publish tokens of one package, by a publisher of that package, and the statements of such a grant: each of
/// them does nothing where the one before it did nothing. Each connection has its own view, so that processes of two releases
/// have different ones. The view names all tables and the latest column: a connection that was opened before the tables were
/// migrated by another one finds out where it reads the view, and not where it reads the trigger.
pub(in crate::sql) const VIEW: &str = "\
    CREATE TEMP VIEW oidc_grant AS SELECT 0 AS place, r.key AS replay_key, r.remember_until, r.uses AS max_uses, \
        t.hash AS token, t.created_at, t.expires_at, t.provider, t.issuer, t.run, t.publisher, t.ecosystem, t.package AS name \
        FROM oidc_replay r, oidc_purged, oidc_token t JOIN oidc_publisher p ON p.id = t.publisher AND p.prefix = '' \
        LEFT JOIN oidc_proven u ON u.publisher = p.id; \
    CREATE TEMP TRIGGER oidc_grant INSTEAD OF INSERT ON oidc_grant BEGIN \
        INSERT INTO oidc_replay (key, uses, remember_until) \
            SELECT NEW.replay_key, 1, NEW.remember_until FROM oidc_purged \
            WHERE id = 1 AND until_at < NEW.remember_until AND EXISTS (SELECT 1 FROM oidc_publisher \
                WHERE id = NEW.publisher AND ecosystem = NEW.ecosystem AND package = NEW.name AND prefix = '') \
            ON CONFLICT (key) DO UPDATE SET uses = uses + 1 WHERE uses < NEW.max_uses; \
        INSERT INTO oidc_token (hash, created_at, expires_at, provider, issuer, run, ecosystem, package, publisher) \
            SELECT NEW.token, NEW.created_at, NEW.expires_at, NEW.provider, NEW.issuer, NEW.run, \
                NEW.ecosystem, NEW.name, NEW.publisher WHERE changes() = 1; \
        UPDATE oidc_proven SET exchanged_at = NEW.created_at WHERE publisher = NEW.publisher AND changes() = 1; \
    END;";

/// The statement for so many grants of one package. It returns a number for each of them: four times its place, plus
/// [`GRANTED_BIT`] where it was granted, plus [`USED_UP_BIT`] where its identity token is used up, or its uses may have been
/// purged. Where neither is the case, no publisher is left.
///
/// The parameters have no numbers: the driver asks SQLite for the name of each, which looks through all names.
fn inserted(grants: usize) -> String {
    let values = ["?"; Values::OF_ONE].join(", ");
    let rows: Vec<String> = (0..grants).map(|place| format!("({place}, {values})")).collect();
    format!(
        "INSERT INTO oidc_grant VALUES {} RETURNING place * 4 \
         + {GRANTED_BIT} * EXISTS (SELECT 1 FROM oidc_token WHERE hash = token) \
         + {USED_UP_BIT} * (EXISTS (SELECT 1 FROM oidc_replay WHERE key = replay_key AND uses >= max_uses) \
         OR NOT EXISTS (SELECT 1 FROM oidc_purged WHERE id = 1 AND until_at < remember_until))",
        rows.join(", ")
    )
}

const GRANTED_BIT: i64 = 1;
const USED_UP_BIT: i64 = 2;

/// The texts of [`inserted`] for each number of grants.
static INSERTED: LazyLock<Vec<String>> = LazyLock::new(|| (0..=MAX_TOGETHER).map(inserted).collect());

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

/// The statements for all other grants, in a savepoint. They return the ids of the publishers that are still there. A row
/// without an id says that the identity token was used as often as allowed, or that its uses may have been purged; no row
/// says that no publisher is left. In these two cases nothing changed. The use is counted last, since the others depend on
/// whether it may be.
static SEQUENCE: LazyLock<String> = LazyLock::new(|| {
    let token = "INSERT INTO oidc_token (hash, created_at, expires_at, provider, issuer, run)";
    let columns = "(token, ecosystem, package, publisher)";
    let of_token = "SELECT $4, ecosystem, package, id FROM granted WHERE $4 IS NOT NULL";
    [
        "SAVEPOINT oidc_grant".to_owned(),
        format!("{GRANTED} SELECT id FROM granted UNION ALL SELECT NULL WHERE NOT EXISTS (SELECT 1 FROM usable)"),
        format!("{token} {GRANTED} SELECT $4, $5, $6, $7, $8, $9 WHERE $4 IS NOT NULL AND EXISTS (SELECT 1 FROM granted)"),
        format!("INSERT INTO oidc_token_package {columns} {GRANTED} {of_token} AND NOT by_prefix"),
        format!("INSERT INTO oidc_token_prefix {columns} {GRANTED} {of_token} AND by_prefix"),
        format!("{GRANTED} UPDATE oidc_proven SET exchanged_at = $5 WHERE publisher IN (SELECT id FROM granted)"),
        format!(
            "INSERT INTO oidc_replay (key, uses, remember_until) {GRANTED} SELECT $1, 1, $2 \
             WHERE EXISTS (SELECT 1 FROM granted) ON CONFLICT (key) DO UPDATE SET uses = uses + 1"
        ),
        "RELEASE oidc_grant".to_owned(),
    ]
    .join("; ")
});

/// Undoes a sequence that failed.
const UNDO: &str = "ROLLBACK TO oidc_grant; RELEASE oidc_grant";

/// Redeems grants of any kind, in the writer's turn.
pub(super) async fn redeem_all(database: &Database, grants: &[Values]) -> Vec<Outcome> {
    match together(database, grants).await {
        Ok(outcomes) => return outcomes,
        Err(error) if grants.len() < 2 => return vec![Err(Arc::new(error))],
        // One of them may be the reason, which then fails alone.
        Err(error) => {
            tracing::warn!(%error, grants = grants.len(), "grants that shared a transaction are redeemed one by one");
        }
    }
    let mut outcomes = Vec::new();
    for values in grants.chunks(1) {
        match together(database, values).await {
            Ok(outcome) => outcomes.extend(outcome),
            Err(error) => outcomes.push(Err(Arc::new(error))),
        }
    }
    outcomes
}

/// Redeems grants in one transaction. Its error is none of a single grant's, and then nothing was granted.
async fn together(database: &Database, grants: &[Values]) -> Result<Vec<Outcome>, sqlx::Error> {
    let mut connection = database.writer().await?;
    if grants.iter().all(Values::is_of_one) {
        let rows = insert(connection.used(), grants).await?;
        connection.keep();
        return Ok(rows.into_iter().map(Ok).collect());
    }
    let mut open = connection.open();
    let redeemed = within(open.used(), grants).await;
    if redeemed.is_err() {
        open.used().execute("ROLLBACK").await?;
    }
    open.end();
    connection.keep();
    redeemed
}

/// Redeems grants of one package each, all or none of them.
async fn insert(connection: &mut AnyConnection, grants: &[Values]) -> Result<Vec<Rows>, sqlx::Error> {
    let text = INSERTED.get(grants.len()).map(String::as_str).ok_or(sqlx::Error::RowNotFound)?;
    let query = sqlx::query_with(text, Values::arguments(grants)?);
    let mut outcomes = vec![Rows::new(); grants.len()];
    for row in query.fetch_all(connection).await? {
        let state: i64 = row.try_get(0)?;
        let place = usize::try_from(state / 4).ok();
        let place = place.and_then(|place| Some((outcomes.get_mut(place)?, grants.get(place)?)));
        let (outcome, values) = place.ok_or(sqlx::Error::RowNotFound)?;
        *outcome = values.rows(state & GRANTED_BIT != 0, state & USED_UP_BIT != 0);
    }
    Ok(outcomes)
}

/// Redeems grants of any kind, each of which may fail alone.
async fn within(connection: &mut AnyConnection, grants: &[Values]) -> Result<Vec<Outcome>, sqlx::Error> {
    connection.execute("BEGIN IMMEDIATE").await?;
    let mut outcomes = Vec::new();
    for values in grants {
        outcomes.push(one_of(connection, values).await?.map_err(Arc::new));
    }
    connection.execute("COMMIT").await?;
    Ok(outcomes)
}

/// Redeems one grant in a transaction. The outer error is the transaction's.
async fn one_of(
    connection: &mut AnyConnection,
    values: &Values,
) -> Result<Result<Rows, sqlx::Error>, sqlx::Error> {
    if values.is_of_one() {
        let rows = insert(connection, std::slice::from_ref(values)).await;
        return Ok(rows.map(|rows| rows.into_iter().flatten().collect()));
    }
    let redeemed = values.bind(&SEQUENCE)?.fetch_all(&mut *connection).await;
    if redeemed.is_err() {
        connection.execute(UNDO).await?;
    }
    Ok(redeemed)
}
