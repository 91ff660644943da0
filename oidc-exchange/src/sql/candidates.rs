//! Candidates: the publishers of an identity, at a cost that does not depend on the number of strangers that
//! named the identity.

mod look_up;

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use oidc_core::Identity;
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row as _};

pub(super) use self::look_up::LookUp;
use super::batch::Batches;
use super::database::{Database, failed};
use super::rows::{COLUMNS, JOINS, records};
use crate::server::{Candidates, MAX_CANDIDATES, MAX_UNPROVEN, PublisherRecord, StoreError};

/// The number of accounts that are treated as known to publish by one identity; further accounts are treated
/// like all others.
const MAX_ACCOUNTS: usize = 100;
/// The number of selects in one statement; SQLite allows 500.
const MAX_PARTS: usize = 250;
/// The number of groups up to which a statement's text is kept.
const MAX_KEPT: usize = 8;

/// A part of the publishers of one identity, in an order of its own.
#[derive(Clone, Debug)]
struct Group<'a> {
    identity: &'a Identity,
    /// The only package of the publishers, if one is named.
    package: Option<&'a str>,
    whose: Whose,
    /// The number of its publishers that were found.
    found: usize,
}

#[derive(Clone, Debug)]
enum Whose {
    /// The publishers of one account; an empty name stands for the operator.
    Account(String),
    /// The publishers of all accounts: the first of each account before the second of any.
    Everybody,
    /// The publishers of all accounts that are not known to publish by the identity, in the same order.
    Unproven,
}

impl Whose {
    fn kind(&self) -> u8 {
        match self {
            Self::Account(_) => 0,
            Self::Everybody => 1,
            Self::Unproven => 2,
        }
    }
}

impl<'a> Group<'a> {
    fn new(identity: &'a Identity, package: Option<&'a str>, whose: Whose) -> Self {
        Self { identity, package, whose, found: 0 }
    }

    /// Selects the next `share` publishers. The parameters are numbered from `first` on, and `$1` is the
    /// ecosystem.
    fn select(&self, place: usize, first: usize, share: usize) -> String {
        let (key, issuer, next) = (first, first + 1, first + 2);
        let mut of = format!("identity_key = ${key} AND issuer = ${issuer} AND ecosystem = $1");
        let account = if self.package.is_some() { next + 1 } else { next };
        if self.package.is_some() {
            of.push_str(&format!(" AND package = ${next}"));
        }
        match self.whose {
            Whose::Account(_) => of.push_str(&format!(" AND account = ${account}")),
            Whose::Unproven => {
                of.push_str(&format!(" AND account <> '' AND account NOT IN ({})", known(key, issuer)));
            }
            Whose::Everybody => {}
        }
        let limit = format!("LIMIT {share} OFFSET {}", self.found);
        let which = match (&self.whose, self.package) {
            (Whose::Account(_), _) => {
                format!("SELECT * FROM oidc_publisher WHERE {of} ORDER BY pending, created_at, id {limit}")
            }
            (_, Some(_)) => format!(
                "SELECT * FROM oidc_publisher WHERE {of} ORDER BY pending, package_turn, created_at, id {limit}"
            ),
            (_, None) => format!(
                "SELECT q.* FROM (SELECT publisher FROM oidc_turn WHERE {of} ORDER BY turn, created_at, publisher {limit}) t \
                 JOIN oidc_publisher q ON q.id = t.publisher"
            ),
        };
        format!("SELECT * FROM ({which}) AS of_{place}")
    }

    /// Returns the values of its parameters.
    fn values(&self) -> impl Iterator<Item = &str> {
        let account = match &self.whose {
            Whose::Account(account) => Some(account.as_str()),
            Whose::Everybody | Whose::Unproven => None,
        };
        let identity = [self.identity.key.as_str(), self.identity.issuer.as_str()];
        identity.into_iter().chain(self.package).chain(account)
    }

    /// Returns `true` if a publisher that was found for several groups belongs to this one.
    fn has(&self, record: &PublisherRecord) -> bool {
        let account = record.account.as_deref().unwrap_or_default();
        let is_of = match &self.whose {
            Whose::Account(name) => account == name,
            Whose::Everybody | Whose::Unproven => true,
        };
        is_of && record.identity == *self.identity
    }
}

/// Implements [`PublisherStore::candidates`](crate::server::PublisherStore::candidates).
pub(super) async fn candidates(
    database: &Database,
    look_ups: &Batches<LookUp>,
    identities: &[Identity],
    ecosystem: &str,
    package: Option<&str>,
) -> Result<Candidates, StoreError> {
    // PostgreSQL's texts can't contain NUL: no publisher has such an identity, and asking for it would be an
    // error.
    let mut identities: Vec<&Identity> =
        identities.iter().filter(|identity| !identity.key.contains('\0')).collect();
    identities.sort_unstable_by_key(|identity| (&identity.issuer, &identity.key));
    identities.dedup();
    let of_each = |whose: Whose| -> Vec<Group<'_>> {
        identities.iter().map(|identity| Group::new(identity, package, whose.clone())).collect()
    };
    if let (&[identity], Some(package)) = (&*identities, package) {
        let (identity, ecosystem, package) = (identity.clone(), ecosystem.to_owned(), package.to_owned());
        let look_up = LookUp { identity, ecosystem, package };
        if let Some(found) = look_ups.serve(database, look_up).await? {
            return Ok(found);
        }
    }
    if package.is_some() {
        let found = first(database, of_each(Whose::Everybody), ecosystem, MAX_CANDIDATES).await?;
        if found.len() < MAX_CANDIDATES {
            return Ok(found.into_candidates());
        }
    }
    let mut groups = proven(database, &identities, package).await?;
    groups.extend(of_each(Whose::Account(String::new())));
    let known = first(database, groups, ecosystem, MAX_CANDIDATES).await?;
    let limit = if package.is_some() { MAX_CANDIDATES } else { MAX_UNPROVEN };
    let others = first(database, of_each(Whose::Unproven), ecosystem, limit).await?;
    Ok(known.and(others).into_candidates())
}

/// The publishers that were found, and the ids of those of known accounts.
#[derive(Debug, Default)]
struct Found {
    records: Vec<PublisherRecord>,
    known: HashSet<String>,
}

impl Found {
    fn len(&self) -> usize {
        self.records.len()
    }

    fn and(mut self, other: Self) -> Self {
        self.records.extend(other.records);
        self.known.extend(other.known);
        self
    }

    fn into_candidates(self) -> Candidates {
        let Self { records, known } = self;
        let (known, others) = records.into_iter().partition(|record| known.contains(&record.id));
        Candidates::new(known, others)
    }
}

/// 1 if the account of a publisher `p` is the operator or is known to publish by its identity, and else 0.
const IS_KNOWN: &str = "CASE WHEN p.account = '' OR EXISTS (SELECT 1 FROM oidc_proven k WHERE k.identity_key = p.identity_key \
     AND k.issuer = p.issuer AND k.account = p.account) THEN 1 ELSE 0 END";

/// Selects the accounts that are known to publish by one identity, in any ecosystem. The arguments are the
/// numbers of its two parameters.
fn known(key: usize, issuer: usize) -> String {
    format!(
        "SELECT DISTINCT account FROM oidc_proven WHERE identity_key = ${key} AND issuer = ${issuer} AND account > '' \
         ORDER BY account LIMIT {MAX_ACCOUNTS}"
    )
}

/// The groups of the accounts that are known to publish by the identities.
async fn proven<'a>(
    database: &Database,
    identities: &[&'a Identity],
    package: Option<&'a str>,
) -> Result<Vec<Group<'a>>, StoreError> {
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
        // Most tokens have one identity. Statements for other numbers are not worth a place in the statement
        // cache.
        let query = sqlx::query(AssertSqlSafe(statement)).persistent(some.len() == 1);
        let query =
            some.iter().fold(query, |query, identity| query.bind(&identity.key).bind(&identity.issuer));
        for row in database.read(query).await.map_err(failed)? {
            let place: i64 = row.try_get(0).map_err(failed)?;
            let account = row.try_get(1).map_err(failed)?;
            if let Some(identity) = usize::try_from(place).ok().and_then(|place| some.get(place)) {
                groups.push(Group::new(identity, package, Whose::Account(account)));
            }
        }
    }
    Ok(groups)
}

/// The first publishers of each group, in equal shares. A share that a group does not need goes to the
/// others.
async fn first(
    database: &Database,
    mut groups: Vec<Group<'_>>,
    ecosystem: &str,
    limit: usize,
) -> Result<Found, StoreError> {
    let mut found = Found::default();
    while !groups.is_empty() && found.len() < limit {
        let share = (limit - found.len()).div_ceil(groups.len());
        let mut more = Found::default();
        for some in groups.chunks(MAX_PARTS) {
            more = more.and(next(database, some, share, ecosystem).await?);
        }
        groups.retain_mut(|group| {
            let new = more.records.iter().filter(|record| group.has(record)).count();
            group.found += new;
            // A group that returned less than its share has no more publishers.
            new == share
        });
        found = found.and(more);
    }
    found.records.truncate(limit);
    Ok(found)
}

/// Whatever the text for groups depends on, none of which was asked for before. In one statement all groups are of one kind.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Shape {
    kind: u8,
    is_of_package: bool,
    groups: usize,
    share: usize,
}

/// Returns the statement for the next `share` publishers of each group, and whether it is kept for the next exchange:
/// the groups of most exchanges are few, and complete with the first statement.
fn text(groups: &[Group<'_>], share: usize) -> (Arc<str>, bool) {
    static KEPT: Mutex<BTreeMap<Shape, Arc<str>>> = Mutex::new(BTreeMap::new());
    let is_kept = groups.len() <= MAX_KEPT && groups.iter().all(|group| group.found == 0);
    let Some(first) = groups.first().filter(|_| is_kept) else { return (built(groups, share), false) };
    let (kind, is_of_package) = (first.whose.kind(), first.package.is_some());
    let shape = Shape { kind, is_of_package, groups: groups.len(), share };
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    (Arc::clone(kept.entry(shape).or_insert_with(|| built(groups, share))), true)
}

fn built(groups: &[Group<'_>], share: usize) -> Arc<str> {
    // The ecosystem is the first parameter.
    let mut next = 2;
    let parts = groups.iter().enumerate().map(|(place, group)| {
        let first = next;
        next += group.values().count();
        group.select(place, first, share)
    });
    let parts = parts.collect::<Vec<_>>().join(" UNION ALL ");
    let columns = columns();
    format!("SELECT {columns} FROM ({parts}) AS p {JOINS} ORDER BY p.created_at, p.id").into()
}

/// The next publishers of each group, at most `share` each.
async fn next(
    database: &Database,
    groups: &[Group<'_>],
    share: usize,
    ecosystem: &str,
) -> Result<Found, StoreError> {
    let (text, is_kept) = text(groups, share);
    let query = sqlx::query(AssertSqlSafe(text)).persistent(is_kept).bind(ecosystem);
    let values = groups.iter().flat_map(Group::values);
    let query = values.fold(query, sqlx::query::Query::bind);
    found(&database.read(query).await.map_err(failed)?)
}

/// The columns that [`found`] reads.
fn columns() -> String {
    format!("{COLUMNS}, CAST({IS_KNOWN} AS BIGINT) AS is_known")
}

fn found(rows: &[AnyRow]) -> Result<Found, StoreError> {
    let mut known = HashSet::new();
    for row in rows {
        if row.try_get::<i64, _>("is_known").map_err(failed)? != 0 {
            known.insert(row.try_get("id").map_err(failed)?);
        }
    }
    Ok(Found { records: records(rows)?, known })
}
