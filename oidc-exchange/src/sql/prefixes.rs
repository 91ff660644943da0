//! Publishers for the prefixes of a package's name.

use std::sync::LazyLock;

use oidc_core::Identity;

use super::database::{Database, failed};
use super::rows::{BY_AGE, COLUMNS, JOINS, records};
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
    let list = |values: &[&str]| serde_json::to_string(values).map_err(StoreError::new);
    let query = sqlx::query(if database.is_sqlite() { sqlite() } else { postgres() }).bind(ecosystem);
    let query = query.bind(list(&prefixes)?).bind(list(&accounts)?).bind(list(&keys)?);
    let mut found = records(&database.read(query).await.map_err(failed)?)?;
    found.retain(|record| identities.contains(&record.identity));
    Ok(found)
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
