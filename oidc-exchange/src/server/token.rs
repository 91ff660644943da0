use std::fmt;

use oidc_core::{MAX_TOKEN_BYTES, Run, Timestamp};
use serde::de::{Deserializer, Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};

use super::candidates::{MAX_CANDIDATES, MAX_UNPROVEN};
use super::package::Package;
use super::package_owner::PackageOwner;
use super::token_hash::TokenHash;

/// The rights of a publish token: the packages, and the run that it was made for.
///
/// Its JSON form is stable, so that a token can carry it. A later version may add members, and a version that
/// does not know a member refuses the record. A record that is read has at most the number of packages that a
/// grant may have, and at most [`MAX_TOKEN_BYTES`] bytes in each text.
///
/// ```
/// use oidc_exchange::server::{Package, TokenRecord};
///
/// let record: TokenRecord = serde_json::from_str(
///     r#"{
///         "packages": [{
///             "package": { "ecosystem": "npm", "name": "@acme/widget" },
///             "publisher": "0b6b…",
///             "may_create": false
///         }],
///         "expires_at": 1800000900,
///         "provider": "github",
///         "issuer": "https://token.actions.githubusercontent.com",
///         "run": { "repository": "acme/widget", "url": null, "sha": null, "ref": null }
///     }"#,
/// )?;
/// assert!(record.for_package(&Package::new("npm", "@acme/widget")).is_some());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
#[non_exhaustive]
pub struct TokenRecord {
    /// The packages that the token may publish, each with the publisher that accepted the run.
    pub packages: Vec<GrantedPackage>,
    /// The time at which the token expires; in JSON in seconds since the epoch.
    pub expires_at: Timestamp,
    /// The platform of the run.
    pub provider: String,
    /// The issuer of the run's identity.
    pub issuer: String,
    /// The run that the token was minted for.
    pub run: Run,
    #[serde(skip)]
    origin: Origin,
}

/// The origin of a record, which is not among the token's rights: records that differ in it alone are equal.
#[derive(Clone, Debug, Default)]
enum Origin {
    /// A self-contained token, or an identity token that was authorized without a publish token.
    #[default]
    Carried,
    /// A stored token, which a publish asks the store about once more.
    #[cfg_attr(not(any(feature = "sqlite", feature = "postgres")), allow(dead_code))]
    Stored(Box<TokenHash>),
}

impl PartialEq for Origin {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Origin {}

/// One package that a publish token may publish.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(deny_unknown_fields)]
pub struct GrantedPackage {
    /// The package, or a [prefix](Package::prefix) of packages' names.
    pub package: Package,
    /// The id of the publisher that accepted the run.
    pub publisher: String,
    /// `true` if that publisher is still pending. The publish may then create the package, and may not change an
    /// existing package of another owner. Once it has created the package, its publisher is a regular one.
    pub may_create: bool,
    /// The required owner of the package when it is published. It is set where the publisher is for a prefix of
    /// names, which accepts no token for another account's packages. [`TokenRecord::for_package_of`] checks it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only_of: Option<PackageOwner>,
}

impl GrantedPackage {
    /// A granted package of its parts, without a required owner.
    pub fn new(package: Package, publisher: String, may_create: bool) -> Self {
        Self { package, publisher, may_create, only_of: None }
    }

    /// Sets the required owner of the package.
    #[must_use]
    pub fn only_of(self, owner: Option<PackageOwner>) -> Self {
        Self { only_of: owner, ..self }
    }

    /// Returns `true` if it is for this package, which has these owners, by a publisher for a prefix of its name.
    fn is_by_prefix(&self, package: &Package, owners: &[PackageOwner]) -> bool {
        let is_of = self.package == *package || self.package.covers(package);
        is_of && self.only_of.as_ref().is_some_and(|owner| owners.contains(owner))
    }
}

impl TokenRecord {
    /// A record of its parts.
    pub fn new(
        packages: Vec<GrantedPackage>,
        expires_at: Timestamp,
        provider: String,
        issuer: String,
        run: Run,
    ) -> Self {
        Self { packages, expires_at, provider, issuer, run, origin: Origin::default() }
    }

    /// Marks the record as that of a stored token, about which the transaction of a publish asks the store.
    /// [`Exchange::find`](super::Exchange::find) does so; a record that was kept as JSON, or comes from
    /// [`TokenStore::find`](super::TokenStore::find), is otherwise taken for that of a self-contained token.
    #[must_use]
    pub fn stored_as(self, hash: TokenHash) -> Self {
        Self { origin: Origin::Stored(Box::new(hash)), ..self }
    }

    /// Returns the hash of a stored token.
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    pub(crate) fn hash(&self) -> Option<&TokenHash> {
        match &self.origin {
            Origin::Carried => None,
            Origin::Stored(hash) => Some(hash),
        }
    }

    /// Returns `true` if the token has expired at `now`: from the second of [`expires_at`](Self::expires_at)
    /// on. Code that verifies a self-contained token without an exchange
    /// must check this.
    pub fn has_expired(&self, now: Timestamp) -> bool {
        self.expires_at <= now
    }

    /// Returns the rights to this package by its own publishers, if there are any. Publishers for a prefix of its
    /// name don't count: [`for_package_of`](Self::for_package_of) includes them.
    pub fn for_package(&self, package: &Package) -> Option<&GrantedPackage> {
        self.packages.iter().find(|granted| granted.package == *package && granted.only_of.is_none())
    }

    /// Returns the rights to this package by one of its own publishers, or else by an owner's publisher for a
    /// prefix of its name, of several the one with the longest prefix. `owners` are the package's owners, and
    /// empty where the package does not exist.
    ///
    /// Read the owners where the package can't be transferred until the publish is stored, such as in the
    /// transaction that stores the publish; `sql::Transaction::is_active_of` checks there that the publisher
    /// still exists.
    ///
    /// ```
    /// use oidc_exchange::server::{GrantedPackage, Package, PackageOwner, TokenRecord};
    ///
    /// # fn example(record: &TokenRecord) -> Option<&GrantedPackage> {
    /// let owner = PackageOwner::account("user:42"); // from the registry's own table
    /// record.for_package_of(&Package::new("npm", "@acme/widget"), &[owner])
    /// # }
    /// ```
    pub fn for_package_of(&self, package: &Package, owners: &[PackageOwner]) -> Option<&GrantedPackage> {
        let own = self.for_package(package);
        // A pending publisher of the package has no rights once the package exists, and a publisher for a prefix
        // creates no package.
        let by_prefix = self.packages.iter().filter(|granted| granted.is_by_prefix(package, owners));
        let by_prefix = by_prefix.max_by_key(|granted| granted.package.name.len());
        own.filter(|own| !own.may_create).or(by_prefix).or(own)
    }
}

/// A record that was read, before the lengths of its texts are checked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unchecked {
    #[serde(deserialize_with = "packages")]
    packages: Vec<GrantedPackage>,
    expires_at: Timestamp,
    provider: String,
    issuer: String,
    run: Run,
}

impl Unchecked {
    fn texts(&self) -> impl Iterator<Item = &String> {
        let Run { repository, url, sha, r#ref, .. } = &self.run;
        let of_run = [repository, url, sha, r#ref].into_iter().flatten();
        let of_packages =
            self.packages.iter().flat_map(|one| [&one.package.ecosystem, &one.package.name, &one.publisher]);
        let owners = self.packages.iter().filter_map(|one| match &one.only_of {
            Some(PackageOwner::Account(name)) => Some(name),
            Some(PackageOwner::Operator) | None => None,
        });
        of_packages.chain(owners).chain(of_run).chain([&self.provider, &self.issuer])
    }
}

impl TryFrom<Unchecked> for TokenRecord {
    type Error = &'static str;

    fn try_from(read: Unchecked) -> Result<Self, Self::Error> {
        if read.texts().any(|text| text.len() > MAX_TOKEN_BYTES) {
            return Err("a text of the record is too long");
        }
        Ok(Self::new(read.packages, read.expires_at, read.provider, read.issuer, read.run))
    }
}

/// The largest number of packages in a grant.
const MAX_PACKAGES: usize = MAX_CANDIDATES + MAX_UNPROVEN;

/// Reads at most [`MAX_PACKAGES`] packages.
fn packages<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<GrantedPackage>, D::Error> {
    struct Packages;

    impl<'de> Visitor<'de> for Packages {
        type Value = Vec<GrantedPackage>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "at most {MAX_PACKAGES} packages")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut read: A) -> Result<Self::Value, A::Error> {
            let mut packages = Vec::new();
            while let Some(package) = read.next_element()? {
                // Refused at the first package too many, before the others take up memory.
                if packages.len() >= MAX_PACKAGES {
                    return Err(A::Error::invalid_length(packages.len() + 1, &self));
                }
                packages.push(package);
            }
            Ok(packages)
        }
    }

    deserializer.deserialize_seq(Packages)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn record(packages: usize) -> TokenRecord {
        let mut run = Run::default();
        run.repository = Some("acme/widget".to_owned());
        let one = GrantedPackage::new(Package::new("npm", "@acme/widget"), "p".to_owned(), true);
        let expires_at = Timestamp::from_secs(1_800_000_900);
        TokenRecord::new(
            vec![one; packages],
            expires_at,
            "fake".to_owned(),
            "https://i.example".to_owned(),
            run,
        )
    }

    #[test]
    fn the_form_of_a_record_is_stable() {
        let text = r#"{"packages":[{"package":{"ecosystem":"npm","name":"@acme/widget"},"publisher":"p","may_create":true}],"expires_at":1800000900,"provider":"fake","issuer":"https://i.example","run":{"repository":"acme/widget","url":null,"sha":null,"ref":null}}"#;
        assert_eq!(serde_json::to_string(&record(1)).unwrap(), text);
        assert_eq!(serde_json::from_str::<TokenRecord>(text).unwrap(), record(1));
    }

    #[test]
    fn a_record_of_as_many_packages_as_a_grant_may_have_is_read_and_a_longer_one_is_not() {
        let read = |record: &TokenRecord| {
            serde_json::from_str::<TokenRecord>(&serde_json::to_string(record).unwrap())
        };
        assert_eq!(read(&record(MAX_PACKAGES)).unwrap().packages.len(), MAX_PACKAGES);
        let error = read(&record(MAX_PACKAGES + 1)).unwrap_err().to_string();
        assert!(error.contains("expected at most 1032 packages"), "{error}");
    }

    #[test]
    fn a_text_that_is_too_long_and_a_member_that_is_not_known_are_refused_wherever_they_stand() {
        let of = |pointer: &str, value: Value| {
            let mut json = serde_json::to_value(record(1)).unwrap();
            *json.pointer_mut(pointer).unwrap() = value;
            serde_json::from_value::<TokenRecord>(json)
        };
        for pointer in [
            "/packages/0/package/ecosystem",
            "/packages/0/package/name",
            "/packages/0/publisher",
            "/provider",
            "/issuer",
            "/run/repository",
            "/run/url",
            "/run/sha",
            "/run/ref",
        ] {
            assert!(of(pointer, json!("x".repeat(MAX_TOKEN_BYTES))).is_ok(), "{pointer}");
            assert!(of(pointer, json!("x".repeat(MAX_TOKEN_BYTES + 1))).is_err(), "{pointer}");
        }
        for pointer in ["", "/packages/0", "/packages/0/package"] {
            let mut json = serde_json::to_value(record(1)).unwrap();
            json.pointer_mut(pointer).unwrap()["only_from"] = json!("10.0.0.1");
            assert!(serde_json::from_value::<TokenRecord>(json).is_err(), "{pointer}");
        }
    }
}
