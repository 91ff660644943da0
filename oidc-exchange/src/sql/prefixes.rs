//! Publishers for the prefixes of a package's name.

use std::sync::LazyLock;

use oidc_core::Identity;
use sqlx::{AnyExecutor, AnyPool, AssertSqlSafe};

use super::database::{Database, failed};
use super::rows::{BY_AGE, COLUMNS, JOINS, parameters, records};
use crate::server::{MAX_CANDIDATES, Package, PackageOwner, PublisherRecord, StoreError};

/// Implements [`PublisherStore::of_prefixes`](crate::server::PublisherStore::of_prefixes).
///
/// The publishers of each owner are found by an index on the prefix and the account: an account has few for a
/// prefix, and those of other accounts are not read.
pub(super) async fn of_prefixes(
    database: &Database,
    identities: &[Identity],
    owners: &[PackageOwner],
    prefixes: &[Package],
) -> Result<Vec<PublisherRecord>, StoreError> {
    let Some(Package { ecosystem, .. }) = prefixes.first() else { return Ok(Vec::new()) };
    let of_ecosystem = prefixes.iter().filter(|prefix| prefix.is_prefix() && prefix.ecosystem == *ecosystem);
    let prefixes: Vec<&str> = of_ecosystem.map(|prefix| prefix.name.as_str()).filter(without_nul).collect();
    let (accounts, keys) = (accounts(owners), keys(identities));
    if [&prefixes, &accounts, &keys].iter().any(|values| values.is_empty()) {
        return Ok(Vec::new());
    }
    let list = |values: &[&str]| serde_json::to_string(values).map_err(StoreError::new);
    let query = sqlx::query(if database.is_sqlite() { sqlite() } else { postgres() }).bind(ecosystem);
    let query = query.bind(list(&prefixes)?).bind(list(&accounts)?).bind(list(&keys)?);
    let mut found = records(&database.read(query).await.map_err(failed)?)?;
    found.retain(|record| identities.contains(&record.identity));
    Ok(found)
}

/// Implements [`PublisherStore::learned`](crate::server::PublisherStore::learned), by an index on the account and the
/// identity.
pub(super) async fn learned(
    pool: &AnyPool,
    identities: &[Identity],
    owners: &[PackageOwner],
    ecosystem: &str,
) -> Result<Vec<PublisherRecord>, StoreError> {
    let (accounts, keys) = (accounts(owners), keys(identities));
    if accounts.is_empty() || keys.is_empty() {
        return Ok(Vec::new());
    }
    let of = format!(
        "ecosystem = $1 AND account IN ({}) AND identity_key IN ({}) \
         AND EXISTS (SELECT 1 FROM oidc_learned_id k WHERE k.publisher = oidc_publisher.id)",
        parameters(2, accounts.len()),
        parameters(2 + accounts.len(), keys.len())
    );
    let mut found = oldest(pool, &of, ecosystem, accounts.into_iter().chain(keys)).await?;
    found.retain(|record| identities.contains(&record.identity));
    Ok(found)
}

/// Implements [`TrustStore::covering`](crate::server::TrustStore::covering).
pub(super) async fn covering(
    executor: impl AnyExecutor<'_>,
    package: &Package,
    owners: &[PackageOwner],
) -> Result<Vec<PublisherRecord>, StoreError> {
    let (prefixes, accounts) = (package.prefixes(), accounts(owners));
    if prefixes.is_empty() || accounts.is_empty() || package.name.contains('\0') {
        return Ok(Vec::new());
    }
    let of = format!(
        "prefix <> '' AND ecosystem = $1 AND prefix IN ({}) AND account IN ({})",
        parameters(2, prefixes.len()),
        parameters(2 + prefixes.len(), accounts.len())
    );
    let values = prefixes.iter().map(|prefix| prefix.name.as_str()).chain(accounts);
    oldest(executor, &of, &package.ecosystem, values).await
}

/// Returns the values of the column `account`.
fn accounts(owners: &[PackageOwner]) -> Vec<&str> {
    // An empty column stands for the operator, so an account without a name must not be asked for.
    let owners = owners.iter().filter(|owner| owner.name() != Some(""));
    owners.map(|owner| owner.name().unwrap_or_default()).filter(without_nul).collect()
}

fn keys(identities: &[Identity]) -> Vec<&str> {
    identities.iter().map(|identity| identity.key.as_str()).filter(without_nul).collect()
}

/// PostgreSQL's texts can't contain NUL: no row has such a text, and asking for it would be an error.
fn without_nul(text: &&str) -> bool {
    !text.contains('\0')
}

/// Returns the oldest publishers that a condition selects, at most [`MAX_CANDIDATES`]. The ecosystem is its first
/// parameter.
async fn oldest<'a>(
    executor: impl AnyExecutor<'_>,
    of: &str,
    ecosystem: &'a str,
    values: impl Iterator<Item = &'a str>,
) -> Result<Vec<PublisherRecord>, StoreError> {
    let statement = format!(
        "SELECT {COLUMNS} FROM (SELECT * FROM oidc_publisher WHERE {of} ORDER BY {BY_AGE} LIMIT {MAX_CANDIDATES}) p {JOINS} \
         ORDER BY p.created_at, p.id"
    );
    let query = sqlx::query(AssertSqlSafe(statement)).persistent(false).bind(ecosystem);
    let query = values.fold(query, sqlx::query::Query::bind);
    records(&query.fetch_all(executor).await.map_err(failed)?)
}

/// Selects by three lists, which are parameters in JSON so that the text is the same for lists of all lengths.
fn text(is_in: impl Fn(&str, usize) -> String) -> String {
    let of = format!(
        "prefix <> '' AND ecosystem = $1 AND {} AND {} AND {}",
        is_in("prefix", 2),
        is_in("account", 3),
        is_in("identity_key", 4)
    );
    format!(
        "SELECT {COLUMNS} FROM (SELECT * FROM oidc_publisher WHERE {of} ORDER BY {BY_AGE} LIMIT {MAX_CANDIDATES}) p {JOINS} \
         ORDER BY p.created_at, p.id"
    )
}

fn sqlite() -> &'static str {
    static TEXT: LazyLock<String> =
        LazyLock::new(|| text(|column, list| format!("{column} IN (SELECT value FROM json_each(${list}))")));
    &TEXT
}

fn postgres() -> &'static str {
    static TEXT: LazyLock<String> = LazyLock::new(|| {
        text(|column, list| {
            format!("{column} = ANY (ARRAY(SELECT jsonb_array_elements_text(CAST(${list} AS JSONB))))")
        })
    });
    &TEXT
}
