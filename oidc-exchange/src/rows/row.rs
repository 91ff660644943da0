//! The rows of publishers, tokens and uses.

use data_encoding::HEXLOWER;
use oidc_core::{Identity, Timestamp};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::memory::Uses;
use crate::server::{Package, PublisherRecord, StoreError, TokenRecord};

/// A table of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Table {
    /// Publishers.
    Publishers,
    /// Publish tokens, by their hashes.
    Tokens,
    /// Uses of identity tokens, by their digests.
    Uses,
}

impl Table {
    /// Returns a name for the table: `publishers`, `tokens` or `uses`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Publishers => "publishers",
            Self::Tokens => "tokens",
            Self::Uses => "uses",
        }
    }
}

/// A row of one of the application's tables.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "an application makes rows of what it stored")]
pub struct Row {
    /// The key, unique in its table.
    pub key: String,
    /// The contents, which are JSON on one line and hold no secret. Whoever can write to them can publish.
    pub value: Vec<u8>,
    /// The texts by which the row is found, at most some dozens.
    pub marks: Vec<String>,
    /// The time from which on the row may have ended.
    pub until: Option<Timestamp>,
}

/// The key of the row with the latest time until which a purged use had to be remembered.
pub(super) const PURGED: &str = "purged";

/// A mark: of a fixed length, since an index may have a limit.
fn mark(parts: &[&str]) -> String {
    // As JSON no two lists of parts are the same text.
    HEXLOWER.encode(&Sha256::digest(serde_json::Value::from(parts).to_string().as_bytes()))
}

/// The mark of the publisher with this id.
pub(super) fn of_id(id: &str) -> String {
    mark(&["id", id])
}

/// The mark of publishers of this identity.
pub(super) fn of_identity(identity: &Identity) -> String {
    mark(&["identity", &identity.issuer, &identity.key])
}

/// The mark of publishers for this package or prefix, and of tokens for it.
pub(super) fn of_package(package: &Package) -> String {
    let kind = if package.is_prefix() { "prefix" } else { "package" };
    mark(&[kind, &package.ecosystem, &package.name])
}

/// The mark of publishers of this ecosystem.
pub(super) fn of_ecosystem(ecosystem: &str) -> String {
    mark(&["ecosystem", ecosystem])
}

/// The mark of publishers of this account.
pub(super) fn of_account(account: &str) -> String {
    mark(&["account", account])
}

/// The mark of publishers of this origin.
pub(super) fn of_origin(origin: &str) -> String {
    mark(&["origin", origin])
}

/// The mark of publishers that have configured or learned this value of a claim.
pub(super) fn of_text(issuer: &str, claim: &str, value: &str) -> String {
    mark(&["text", issuer, claim, value])
}

/// The mark of tokens by the publisher with this id.
pub(super) fn by_publisher(id: &str) -> String {
    mark(&["by", id])
}

/// The key of a hash.
pub(super) fn key(hash: &[u8; 32]) -> String {
    HEXLOWER.encode(hash)
}

/// The hash of a key.
pub(super) fn hash(key: &str) -> Result<[u8; 32], StoreError> {
    let hash = HEXLOWER.decode(key.as_bytes()).ok().and_then(|hash| hash.try_into().ok());
    hash.ok_or_else(|| StoreError::new("a key is no SHA-256 hash in hexadecimal digits"))
}

/// A row that is found by its key alone.
fn plain(key: String, value: &impl Serialize) -> Result<Row, StoreError> {
    let value = serde_json::to_vec(value).map_err(StoreError::new)?;
    Ok(Row { key, value, marks: Vec::new(), until: None })
}

/// The row of a publisher, before it is [marked](mark_publisher). Its key grows with its age, since the latest ones are
/// looked for.
pub(super) fn of_publisher(record: &PublisherRecord) -> Result<Row, StoreError> {
    // By its beginning the ids of one second are in order, and by its digest no two are one.
    let beginning = HEXLOWER.encode(&record.id.bytes().take(16).collect::<Vec<u8>>());
    let digest = HEXLOWER.encode(&Sha256::digest(record.id.as_bytes()));
    plain(format!("{:020}-{beginning}-{digest}", record.created_at.as_secs()), record)
}

/// Sets everything by which a publisher is found.
pub(super) fn mark_publisher(row: &mut Row, record: &PublisherRecord) {
    row.marks = vec![
        of_id(&record.id),
        of_identity(&record.identity),
        of_package(&record.package),
        of_ecosystem(&record.package.ecosystem),
        of_origin(&record.origin),
    ];
    row.marks.extend(record.account.as_deref().map(of_account));
    let texts = record.texts();
    row.marks.extend(texts.iter().map(|(claim, value)| of_text(&record.identity.issuer, claim, value)));
    let may_end = record.pending || record.lapses && record.published_at.is_none();
    row.until = (may_end && record.account.is_some()).then_some(record.created_at);
}

/// The row of a token, before it is [marked](mark_token).
pub(super) fn of_token(hash: &[u8; 32], record: &TokenRecord) -> Result<Row, StoreError> {
    plain(key(hash), record)
}

/// Sets everything by which a token is found.
pub(super) fn mark_token(row: &mut Row, record: &TokenRecord) {
    let of = record.packages.iter().flat_map(|by| [by_publisher(&by.publisher), of_package(&by.package)]);
    row.marks = of.collect();
    row.marks.sort_unstable();
    row.marks.dedup();
    row.until = Some(record.expires_at);
}

/// The row of an identity token's uses.
pub(super) fn of_uses(hash: &[u8; 32], uses: &Uses) -> Result<Row, StoreError> {
    Ok(Row { until: Some(uses.1), ..plain(key(hash), uses)? })
}

/// The row with the latest end of a purged use.
pub(super) fn of_purged(until: Timestamp) -> Result<Row, StoreError> {
    plain(PURGED.to_owned(), &until)
}
