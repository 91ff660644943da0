//! Publishers for the prefixes of a package's name.

use oidc_core::Identity;
use sqlx::{AnyPool, AssertSqlSafe};

use super::database::failed;
use super::redeem::parameters;
use super::rows::{BY_AGE, COLUMNS, JOINS, records};
use crate::server::{MAX_CANDIDATES, Package, PackageOwner, PublisherRecord, StoreError};

/// Implements [`PublisherStore::of_prefixes`](crate::server::PublisherStore::of_prefixes).
///
/// The publishers of each owner are found by an index on the prefix and the account: an account has few for a
/// prefix, and those of other accounts are not read.
pub(super) async fn of_prefixes(
    pool: &AnyPool,
    identities: &[Identity],
    owners: &[PackageOwner],
    prefixes: &[Package],
) -> Result<Vec<PublisherRecord>, StoreError> {
    let Some(Package { ecosystem, .. }) = prefixes.first() else { return Ok(Vec::new()) };
    // PostgreSQL's texts can't contain NUL: no row has such a text, and asking for it would be an error.
    let without_nul = |text: &&str| !text.contains('\0');
    let of_ecosystem = prefixes.iter().filter(|prefix| prefix.is_prefix() && prefix.ecosystem == *ecosystem);
    let prefixes: Vec<&str> = of_ecosystem.map(|prefix| prefix.name.as_str()).filter(without_nul).collect();
    // An empty column stands for the operator, so an account without a name must not be asked for.
    let owners = owners.iter().filter(|owner| owner.name() != Some(""));
    let accounts: Vec<&str> =
        owners.map(|owner| owner.name().unwrap_or_default()).filter(without_nul).collect();
    let keys: Vec<&str> =
        identities.iter().map(|identity| identity.key.as_str()).filter(without_nul).collect();
    if [&prefixes, &accounts, &keys].iter().any(|values| values.is_empty()) {
        return Ok(Vec::new());
    }
    let mut first = 2;
    let mut next = |values: &[&str]| {
        first += values.len();
        parameters(first - values.len(), values.len())
    };
    let of = format!(
        "prefix <> '' AND ecosystem = $1 AND prefix IN ({}) AND account IN ({}) AND identity_key IN ({})",
        next(&prefixes),
        next(&accounts),
        next(&keys)
    );
    let statement = format!(
        "SELECT {COLUMNS} FROM (SELECT * FROM oidc_publisher WHERE {of} ORDER BY {BY_AGE} LIMIT {MAX_CANDIDATES}) p {JOINS} \
         ORDER BY p.created_at, p.id"
    );
    let query = sqlx::query(AssertSqlSafe(statement)).persistent(false).bind(ecosystem);
    let values = prefixes.into_iter().chain(accounts).chain(keys);
    let query = values.fold(query, sqlx::query::Query::bind);
    let mut found = records(&query.fetch_all(pool).await.map_err(failed)?)?;
    found.retain(|record| identities.contains(&record.identity));
    Ok(found)
}
