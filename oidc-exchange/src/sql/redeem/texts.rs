//! The statements that redeem a grant whose publishers have nothing to learn: one for PostgreSQL, a sequence for
//! SQLite.
//!
//! Both return the ids of the publishers that are still there. A row without an id says that the identity token was used as
//! often as allowed, or that its uses may have been purged; no row says that no publisher is left. In these two cases
//! nothing changed. The parameters are [`Values`](super::values::Values).

use std::sync::LazyLock;

/// PostgreSQL's statement.
///
/// All of its parts see the rows that were committed when it began, except where they lock: a row that somebody else holds is
/// waited for and read again. Publishers are counted, hence all of them locked, before the use is counted; concurrent grants
/// with one replay key wait for each other at `burned`. The lateral joins keep to the index, whatever number of packages
/// the planner expects.
pub(super) const POSTGRES: &str = "\
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

/// SQLite's statements for a publish token of one package, by a publisher of that package: of nearly all grants. Each of them but the last
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

/// The beginning of SQLite's statements for all other grants: `usable` has a row if the identity token may be used, and `granted` the packages
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

/// SQLite's statements for all other grants. The use is counted last, since the others depend on whether it may be.
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

/// The texts of a grant on SQLite, whose driver runs several statements as one command; between commands it switches threads twice.
pub(super) struct Sequence {
    /// The whole transaction of one grant.
    pub(super) alone: String,
    /// A grant among others in a transaction, in a savepoint of its own.
    pub(super) among_others: String,
}

impl Sequence {
    fn of(statements: &str) -> Self {
        Self {
            alone: format!("BEGIN IMMEDIATE; {statements}; COMMIT"),
            among_others: format!("SAVEPOINT oidc_grant; {statements}; RELEASE oidc_grant"),
        }
    }

    pub(super) fn one() -> &'static Self {
        static SEQUENCE: LazyLock<Sequence> = LazyLock::new(|| Sequence::of(ONE));
        &SEQUENCE
    }

    pub(super) fn several() -> &'static Self {
        static SEQUENCE: LazyLock<Sequence> = LazyLock::new(|| Sequence::of(&several()));
        &SEQUENCE
    }
}

/// Undoes a grant that failed among others.
pub(super) const UNDO: &str = "ROLLBACK TO oidc_grant; RELEASE oidc_grant";
