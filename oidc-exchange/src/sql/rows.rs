//! Publishers as rows, and rows as publishers.

use data_encoding::HEXLOWER;
use oidc_core::{Identity, Timestamp};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe, Row as _};

use super::database::failed;
use crate::server::{Package, PackageOwner, PublisherRank, PublisherRecord, StoreError};

/// The columns that [`records`] reads: of a publisher `p`, its proof `u`, and an id `l` that it learned.
pub(super) const COLUMNS: &str = "p.id, p.ecosystem, p.package, p.prefix, p.provider, p.issuer, p.identity_key, p.config, \
     p.pending, p.lapses, p.created_at, p.account, p.origin, u.publisher AS proven, u.published_at, u.exchanged_at, l.claim, l.value";

/// The joins of the tables of proofs and learned ids.
pub(super) const JOINS: &str =
    "LEFT JOIN oidc_proven u ON u.publisher = p.id LEFT JOIN oidc_learned_id l ON l.publisher = p.id";

/// The order of age, as an expression that no index is in the order of: SQLite would read all publishers of an
/// ecosystem to save a sort of few.
pub(super) const BY_AGE: &str = "created_at + 0, id";

/// Selects publishers, oldest first. A publisher with several learned ids has several rows, one after the
/// other.
pub(super) fn select(which: &str) -> String {
    format!("SELECT {COLUMNS} FROM oidc_publisher p {JOINS} WHERE {which} ORDER BY {BY_AGE}")
}

/// Selects the rows of a package or a prefix, with its name and its ecosystem as two parameters from `first` on.
pub(super) fn is_of(package: &Package, first: usize) -> String {
    let (column, rows) = column(package);
    format!("{column} = ${first} AND {rows} AND ecosystem = ${}", first + 1)
}

/// The column of a package's or prefix's name, and what selects the rows that have one. Nothing is said of the empty package of a
/// publisher for a prefix, or the index on packages would be preferred, where all of them are together.
pub(super) fn column(package: &Package) -> (&'static str, &'static str) {
    if package.is_prefix() { ("prefix", "prefix <> ''") } else { ("package", "prefix = ''") }
}

/// The values of the columns `package` and `prefix`.
pub(super) fn names(package: &Package) -> (&str, &str) {
    if package.is_prefix() { ("", &package.name) } else { (&package.name, "") }
}

/// The package or prefix of a row.
pub(super) fn package(ecosystem: String, package: String, prefix: &str) -> Result<Package, sqlx::Error> {
    if prefix.is_empty() {
        return Ok(Package::stored(ecosystem, package));
    }
    Package::prefix(ecosystem, prefix).map_err(|error| sqlx::Error::Decode(error.into()))
}

/// The columns of a publisher that a publish is checked with.
pub(super) struct Standing {
    pub(super) package: Package,
    pub(super) owner: PackageOwner,
    pub(super) pending: bool,
}

impl Standing {
    /// Returns `true` if the publisher is for the package or for a prefix of its name.
    pub(super) fn is_for(&self, package: &Package) -> bool {
        self.package == *package || self.package.covers(package)
    }
}

/// Returns the publisher of an id, if there is one. `lock` is the end of the statement.
pub(super) async fn standing(
    connection: &mut AnyConnection,
    id: &str,
    lock: &str,
) -> Result<Option<Standing>, sqlx::Error> {
    let statement = format!(
        "SELECT ecosystem, package, prefix, account, pending FROM oidc_publisher WHERE id = $1{lock}"
    );
    let query = sqlx::query_as(AssertSqlSafe(statement)).bind(id);
    let row: Option<(String, String, String, String, i64)> = query.fetch_optional(connection).await?;
    let Some((ecosystem, name, prefix, account, pending)) = row else { return Ok(None) };
    let owner = PackageOwner::of_publisher(Some(&*account).filter(|account| !account.is_empty()));
    Ok(Some(Standing { package: package(ecosystem, name, &prefix)?, owner, pending: pending != 0 }))
}

/// Converts rows of [`COLUMNS`] to records.
pub(super) fn records(rows: &[AnyRow]) -> Result<Vec<PublisherRecord>, StoreError> {
    let mut records: Vec<PublisherRecord> = Vec::new();
    for row in rows {
        let id: String = row.try_get("id").map_err(failed)?;
        if records.last().is_none_or(|last| last.id != id) {
            records.push(record(id, row)?);
        }
        let claim: Option<String> = row.try_get("claim").map_err(failed)?;
        if let (Some(record), Some(claim)) = (records.last_mut(), claim) {
            record.learned.insert(claim, row.try_get("value").map_err(failed)?);
        }
    }
    Ok(records)
}

fn record(id: String, row: &AnyRow) -> Result<PublisherRecord, StoreError> {
    let text = |column| row.try_get::<String, _>(column);
    let config = serde_json::from_str(&text("config").map_err(failed)?).map_err(StoreError::new)?;
    let created_at: i64 = row.try_get("created_at").map_err(failed)?;
    let pending: i64 = row.try_get("pending").map_err(failed)?;
    let (ecosystem, name) = (text("ecosystem").map_err(failed)?, text("package").map_err(failed)?);
    let package = package(ecosystem, name, &text("prefix").map_err(failed)?).map_err(failed)?;
    let identity = Identity::new(text("issuer").map_err(failed)?, text("identity_key").map_err(failed)?);
    let provider = text("provider").map_err(failed)?;
    let mut record = PublisherRecord::new(id, package, provider, identity, config, timestamp(created_at));
    record.pending = pending != 0;
    record.lapses = row.try_get::<i64, _>("lapses").map_err(failed)? != 0;
    record.account = Some(text("account").map_err(failed)?).filter(|account| !account.is_empty());
    record.proven = row.try_get::<Option<String>, _>("proven").map_err(failed)?.is_some();
    let time = |column| row.try_get::<Option<i64>, _>(column).map(|time| time.map(timestamp));
    record.published_at = time("published_at").map_err(failed)?;
    record.exchanged_at = time("exchanged_at").map_err(failed)?;
    record.origin = text("origin").map_err(failed)?;
    Ok(record)
}

/// The rank in its stored form. A new rank needs a further number, in the order of [`PublisherRank`].
pub(super) const fn worth(rank: PublisherRank) -> i64 {
    rank as i64
}

/// The rank of a publisher `p` that has learned its ids, in its stored form; see [`PublisherRecord::rank`].
pub(super) const WORTH_OF_LEARNED: &str = "CASE WHEN EXISTS (SELECT 1 FROM oidc_proven u WHERE u.publisher = p.id) THEN 0 \
     WHEN p.account = '' THEN 1 WHEN p.pending = 0 THEN 2 ELSE 4 END";

/// Selects the worth of a publisher that was pending and is regular now.
pub(super) const WORTH_OF_REGULAR: &str = "CASE worth WHEN 4 THEN 2 WHEN 5 THEN 3 ELSE worth END";

fn timestamp(seconds: i64) -> Timestamp {
    Timestamp::from_secs(u64::try_from(seconds).unwrap_or_default())
}

/// A hash that is the same for publishers that are equal except for their ids, and different for all others.
pub(super) fn digest(publisher: &PublisherRecord) -> String {
    let mut hash = Sha256::new();
    let package = &publisher.package;
    let identity = &publisher.identity;
    if package.is_prefix() {
        // No text has this length, so a prefix never has the digest of a package.
        hash.update(u64::MAX.to_be_bytes());
    }
    for part in [&package.ecosystem, &package.name, &identity.issuer, &identity.key] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.update(sorted(&publisher.config).to_string());
    if let Some(account) = &publisher.account {
        // The account needs no length before it, since the JSON value in front has a definite end.
        hash.update(account);
    }
    HEXLOWER.encode(&hash.finalize())
}

/// The value with its members in the order of their names, whatever order `serde_json` keeps.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by_key(|(name, _)| *name);
            members.into_iter().map(|(name, value)| (name.clone(), sorted(value))).collect()
        }
        Value::Array(values) => values.iter().map(sorted).collect(),
        other => other.clone(),
    }
}

/// A list of parameters for a statement, numbered from `first` on.
pub(super) fn parameters(first: usize, count: usize) -> String {
    (first..).take(count).map(|number| format!("${number}")).collect::<Vec<_>>().join(", ")
}
