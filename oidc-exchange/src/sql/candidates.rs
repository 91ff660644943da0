//! Candidates: an identity's publishers, found at the same cost however many strangers named the identity.

use oidc_core::Identity;
use sqlx::AnyPool;

use super::database::failed;
use super::rows::{COLUMNS, JOINS, records};
use crate::server::{MAX_CANDIDATES, MAX_UNPROVEN, PublisherRecord, StoreError};

/// At most this many accounts are known to publish by one identity; those beyond are looked at among all others.
const MAX_ACCOUNTS: usize = 100;
/// At most this many selects are united in one statement; SQLite takes 500.
const MAX_PARTS: usize = 250;

/// Some publishers of one identity, with their order.
#[derive(Clone, Debug)]
struct Group<'a> {
    identity: &'a Identity,
    which: Which<'a>,
    /// How many of it were found.
    found: usize,
}

#[derive(Clone, Debug)]
enum Which<'a> {
    /// Those of one package.
    Package(&'a str),
    /// Those of one account; without a name, the operator's own.
    Account(String),
    /// Those of all accounts that are not known to publish by the identity, each account's first before any account's second.
    Unproven,
}

impl<'a> Group<'a> {
    fn new(identity: &'a Identity, which: Which<'a>) -> Self {
        Self { identity, which, found: 0 }
    }

    /// Selects the next `share` publishers, with parameters from `first` on and the ecosystem as the first of all.
    fn select(&self, place: usize, first: usize, share: usize) -> String {
        let (key, issuer, third) = (first, first + 1, first + 2);
        let of = format!("identity_key = ${key} AND issuer = ${issuer} AND ecosystem = $1");
        let found = self.found;
        let which = match self.which {
            Which::Package(_) => format!(
                "SELECT * FROM oidc_publisher WHERE {of} AND package = ${third} \
                 ORDER BY pending, created_at, id LIMIT {share} OFFSET {found}"
            ),
            Which::Account(_) => format!(
                "SELECT * FROM oidc_publisher WHERE {of} AND account = ${third} \
                 ORDER BY pending, created_at, id LIMIT {share} OFFSET {found}"
            ),
            Which::Unproven => format!(
                "SELECT q.* FROM (SELECT publisher FROM oidc_turn WHERE {of} AND account NOT IN \
                 ({}) ORDER BY turn, created_at, publisher LIMIT {share} OFFSET {found}) t \
                 JOIN oidc_publisher q ON q.id = t.publisher",
                known(key, issuer)
            ),
        };
        format!("SELECT * FROM ({which}) AS of_{place}")
    }

    /// The values of its parameters.
    fn values(&self) -> impl Iterator<Item = &str> {
        let third = match &self.which {
            Which::Package(package) => Some(*package),
            Which::Account(account) => Some(account.as_str()),
            Which::Unproven => None,
        };
        [self.identity.key.as_str(), self.identity.issuer.as_str()].into_iter().chain(third)
    }

    /// Whether a publisher that was found for several groups is this one's.
    fn has(&self, record: &PublisherRecord) -> bool {
        let account = record.account.as_deref().unwrap_or_default();
        let is_of = match &self.which {
            Which::Account(name) => account == name,
            Which::Package(_) | Which::Unproven => true,
        };
        is_of && record.identity == *self.identity
    }
}

/// See [`PublisherStore::candidates`](crate::server::PublisherStore::candidates).
pub(super) async fn candidates(
    pool: &AnyPool,
    identities: &[Identity],
    ecosystem: &str,
    package: Option<&str>,
) -> Result<Vec<PublisherRecord>, StoreError> {
    // PostgreSQL's texts hold no NUL, hence no publisher is found by one, and asking would be an error.
    let mut identities: Vec<&Identity> =
        identities.iter().filter(|identity| !identity.key.contains('\0')).collect();
    identities.sort_unstable_by_key(|identity| (&identity.issuer, &identity.key));
    identities.dedup();
    let of_all =
        |which: fn() -> Which<'static>| identities.iter().map(move |identity| Group::new(identity, which()));
    let mut found = match package {
        Some(package) => {
            let groups = identities.iter().map(|identity| Group::new(identity, Which::Package(package)));
            first(pool, groups.collect(), ecosystem, MAX_CANDIDATES).await?
        }
        None => {
            let mut groups = proven(pool, &identities).await?;
            groups.extend(of_all(|| Which::Account(String::new())));
            let mut found = first(pool, groups, ecosystem, MAX_CANDIDATES).await?;
            let unproven = of_all(|| Which::Unproven).collect();
            found.extend(first(pool, unproven, ecosystem, MAX_UNPROVEN).await?);
            found
        }
    };
    found.sort_by(|one, other| (one.created_at, &one.id).cmp(&(other.created_at, &other.id)));
    Ok(found)
}

/// Selects the accounts that are known to publish by one identity, of any ecosystem, with the numbers of its two parameters.
fn known(key: usize, issuer: usize) -> String {
    format!(
        "SELECT DISTINCT account FROM oidc_proven WHERE identity_key = ${key} AND issuer = ${issuer} AND account > '' \
         ORDER BY account LIMIT {MAX_ACCOUNTS}"
    )
}

/// The accounts that are known to publish by the identities.
async fn proven<'a>(pool: &AnyPool, identities: &[&'a Identity]) -> Result<Vec<Group<'a>>, StoreError> {
    let mut groups = Vec::new();
    for some in identities.chunks(MAX_PARTS) {
        let parts = some.iter().enumerate().map(|(place, _)| {
            let (key, issuer) = (1 + 2 * place, 2 + 2 * place);
            format!(
                "SELECT CAST({place} AS BIGINT) AS place, account FROM ({}) AS of_{place}",
                known(key, issuer)
            )
        });
        let statement = parts.collect::<Vec<_>>().join(" UNION ALL ");
        let query = sqlx::query_as(sqlx::AssertSqlSafe(statement)).persistent(some.len() == 1);
        let query =
            some.iter().fold(query, |query, identity| query.bind(&identity.key).bind(&identity.issuer));
        let rows: Vec<(i64, String)> = query.fetch_all(pool).await.map_err(failed)?;
        for (place, account) in rows {
            if let Some(identity) = usize::try_from(place).ok().and_then(|place| some.get(place)) {
                groups.push(Group::new(identity, Which::Account(account)));
            }
        }
    }
    Ok(groups)
}

/// The first publishers of each group, as many as its share is: what some groups leave is the others'.
async fn first(
    pool: &AnyPool,
    mut groups: Vec<Group<'_>>,
    ecosystem: &str,
    limit: usize,
) -> Result<Vec<PublisherRecord>, StoreError> {
    let mut found: Vec<PublisherRecord> = Vec::new();
    while !groups.is_empty() && found.len() < limit {
        let share = (limit - found.len()).div_ceil(groups.len());
        let mut more = Vec::new();
        for some in groups.chunks(MAX_PARTS) {
            more.extend(next(pool, some, share, ecosystem).await?);
        }
        groups.retain_mut(|group| {
            let new = more.iter().filter(|record| group.has(record)).count();
            group.found += new;
            new == share
        });
        found.extend(more);
    }
    found.truncate(limit);
    Ok(found)
}

/// The next publishers of each group, at most `share` each.
async fn next(
    pool: &AnyPool,
    groups: &[Group<'_>],
    share: usize,
    ecosystem: &str,
) -> Result<Vec<PublisherRecord>, StoreError> {
    let mut parts = Vec::new();
    let mut values = Vec::new();
    for (place, group) in groups.iter().enumerate() {
        // The ecosystem is the first parameter.
        parts.push(group.select(place, values.len() + 2, share));
        values.extend(group.values());
    }
    let statement = format!(
        "SELECT {COLUMNS} FROM ({}) AS p {JOINS} ORDER BY p.created_at, p.id",
        parts.join(" UNION ALL ")
    );
    let query = sqlx::query(sqlx::AssertSqlSafe(statement)).persistent(groups.len() == 1).bind(ecosystem);
    let query = values.into_iter().fold(query, sqlx::query::Query::bind);
    records(&query.fetch_all(pool).await.map_err(failed)?)
}
