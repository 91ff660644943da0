//! The values of a redemption, as the parameters of the statements.

use data_encoding::HEXLOWER;
use serde::Serialize;
use sqlx::any::AnyArguments;
use sqlx::error::BoxDynError;
use sqlx::query::QueryScalar;
use sqlx::{Any, Arguments as _};

use super::outcome::Rows;
use crate::server::{Grant, GrantedBy, Package};

/// The limit on the values of one statement on PostgreSQL, in bytes. A message that does not fit into one record of TLS, which has
/// 16,384 bytes, is written in two parts. The driver leaves Nagle's algorithm on, so that the second part waits until the
/// server acknowledges the first, which takes up to 40 ms.
const MAX_BYTES: usize = 14 * 1024;
/// The names, quotation marks and numbers of a grant in [`Values::packed`], in bytes.
const AROUND: usize = 256;

/// A grant whose publishers have nothing to learn, in the types of the databases.
#[derive(Debug)]
pub(in crate::sql) struct Values {
    replay_key: String,
    remember_until: i64,
    max_uses: i64,
    token: Option<String>,
    created_at: i64,
    expires_at: i64,
    provider: String,
    issuer: String,
    run: String,
    packages: Packages,
    /// The bytes that [`Values::packed`] has for it, at most.
    bytes: usize,
}

/// The last parameters.
#[derive(Debug)]
enum Packages {
    /// One package, by a publisher of that package, for a publish token.
    One { publisher: String, ecosystem: String, name: String },
    /// Any packages, in JSON.
    Several(String),
}

impl Packages {
    fn of(grant: &Grant) -> Result<Self, serde_json::Error> {
        if let ([by], Some(_)) = (grant.packages(), grant.token())
            && by.only_of.is_none()
            && !by.package.is_prefix()
        {
            let Package { ecosystem, name, .. } = by.package.clone();
            return Ok(Self::One { publisher: by.publisher.clone(), ecosystem, name });
        }
        let packages: Vec<Wanted<'_>> = grant.packages().iter().map(Wanted::from).collect();
        Ok(Self::Several(serde_json::to_string(&packages)?))
    }
}

/// A package of the grant, as the statements read it.
#[derive(Serialize)]
struct Wanted<'a> {
    publisher: &'a str,
    ecosystem: &'a str,
    name: &'a str,
    is_prefix: bool,
    by_prefix: bool,
}

impl<'a> From<&'a GrantedBy> for Wanted<'a> {
    fn from(by: &'a GrantedBy) -> Self {
        Self {
            publisher: &by.publisher,
            ecosystem: &by.package.ecosystem,
            name: &by.package.name,
            is_prefix: by.package.is_prefix(),
            by_prefix: by.only_of.is_some(),
        }
    }
}

/// A grant of one package among others, as the statement for several grants reads it.
#[derive(Serialize)]
struct Packed<'a> {
    replay_key: &'a str,
    remember_until: i64,
    max_uses: i64,
    token: &'a str,
    created_at: i64,
    expires_at: i64,
    provider: &'a str,
    issuer: &'a str,
    run: &'a str,
    publisher: &'a str,
    ecosystem: &'a str,
    name: &'a str,
}

impl Packed<'_> {
    /// The bytes of its JSON, at most, where only texts of the platform have characters that JSON escapes.
    fn bytes(&self) -> usize {
        let texts = [self.replay_key, self.token, self.provider, self.issuer, self.run];
        let names = [self.publisher, self.ecosystem, self.name];
        let of_text =
            |text: &str| text.len() + text.bytes().filter(|byte| matches!(byte, b'"' | b'\\')).count();
        texts.into_iter().chain(names).map(of_text).sum::<usize>() + AROUND
    }
}

impl Values {
    pub(super) fn new(grant: &Grant) -> Result<Self, serde_json::Error> {
        let mut values = Self {
            replay_key: HEXLOWER.encode(grant.replay_key()),
            remember_until: grant.remember_until().as_signed_secs(),
            max_uses: i64::from(grant.max_uses()),
            token: grant.token().map(|token| HEXLOWER.encode(token.as_bytes())),
            created_at: grant.created_at().as_signed_secs(),
            expires_at: grant.expires_at().as_signed_secs(),
            provider: grant.provider().to_owned(),
            issuer: grant.issuer().to_owned(),
            run: serde_json::to_string(grant.run())?,
            packages: Packages::of(grant)?,
            bytes: 0,
        };
        values.bytes = values.pack().map_or(0, |packed| packed.bytes());
        Ok(values)
    }

    /// Returns `true` if it and the others are short enough for one statement on PostgreSQL.
    pub(super) fn fits_beside(&self, others: &[Self]) -> bool {
        others.iter().map(|other| other.bytes).sum::<usize>() + self.bytes <= MAX_BYTES
    }

    /// Returns `true` for a publish token of one package, by a publisher of that package.
    pub(super) fn is_of_one(&self) -> bool {
        matches!(self.packages, Packages::One { .. })
    }

    pub(super) fn replay_key(&self) -> &str {
        &self.replay_key
    }

    /// The number of arguments of a grant of one package.
    pub(super) const OF_ONE: usize = 12;

    /// Makes a query of the text of a statement for one grant and these values.
    pub(super) fn bind(
        &self,
        text: &'static str,
    ) -> Result<QueryScalar<'_, Any, Option<String>, AnyArguments>, sqlx::Error> {
        Ok(sqlx::query_scalar_with(text, Self::arguments(std::slice::from_ref(self))?))
    }

    /// Makes a query of the text of a statement and the first three values: those of the use.
    pub(super) fn bind_use(&self, text: &'static str) -> QueryScalar<'_, Any, Option<String>, AnyArguments> {
        sqlx::query_scalar(text).bind(&self.replay_key).bind(self.remember_until).bind(self.max_uses)
    }

    /// Returns the arguments of grants, one after the other.
    pub(super) fn arguments(grants: &[Self]) -> Result<AnyArguments, sqlx::Error> {
        let mut arguments = AnyArguments::default();
        arguments.reserve(grants.len() * Self::OF_ONE, 0);
        for grant in grants {
            grant.add_to(&mut arguments).map_err(sqlx::Error::Encode)?;
        }
        Ok(arguments)
    }

    fn add_to(&self, arguments: &mut AnyArguments) -> Result<(), BoxDynError> {
        arguments.add(&self.replay_key)?;
        arguments.add(self.remember_until)?;
        arguments.add(self.max_uses)?;
        arguments.add(&self.token)?;
        arguments.add(self.created_at)?;
        arguments.add(self.expires_at)?;
        arguments.add(&self.provider)?;
        arguments.add(&self.issuer)?;
        arguments.add(&self.run)?;
        match &self.packages {
            Packages::One { publisher, ecosystem, name } => {
                arguments.add(publisher)?;
                arguments.add(ecosystem)?;
                arguments.add(name)
            }
            Packages::Several(packages) => arguments.add(packages),
        }
    }

    /// Returns the values of grants of one package each, in JSON. Other grants are left out.
    pub(super) fn packed(grants: &[Self]) -> Result<String, serde_json::Error> {
        serde_json::to_string(&grants.iter().filter_map(Self::pack).collect::<Vec<_>>())
    }

    fn pack(&self) -> Option<Packed<'_>> {
        let Packages::One { publisher, ecosystem, name } = &self.packages else { return None };
        Some(Packed {
            replay_key: &self.replay_key,
            remember_until: self.remember_until,
            max_uses: self.max_uses,
            token: self.token.as_deref()?,
            created_at: self.created_at,
            expires_at: self.expires_at,
            provider: &self.provider,
            issuer: &self.issuer,
            run: &self.run,
            publisher,
            ecosystem,
            name,
        })
    }

    /// Returns the rows that the statement for this grant alone would return.
    pub(super) fn rows(&self, is_granted: bool, is_used_up: bool) -> Rows {
        match &self.packages {
            Packages::One { publisher, .. } if is_granted => vec![Some(publisher.clone())],
            _ if is_used_up => vec![None],
            _ => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(run: &str) -> Values {
        let of_hash = "7f".repeat(32);
        let (publisher, ecosystem) = ("0f".repeat(16), "npm".to_owned());
        let packages = Packages::One { publisher, ecosystem, name: "@acme/widget".to_owned() };
        let mut values = Values {
            replay_key: of_hash.clone(),
            remember_until: i64::MAX,
            max_uses: i64::MAX,
            token: Some(of_hash),
            created_at: i64::MAX,
            expires_at: i64::MAX,
            provider: "github".to_owned(),
            issuer: "https://token.actions.githubusercontent.com".to_owned(),
            run: run.to_owned(),
            packages,
            bytes: 0,
        };
        values.bytes = values.pack().unwrap().bytes();
        values
    }

    #[test]
    fn the_values_of_one_statement_fit_into_one_record_of_tls() {
        let run =
            serde_json::json!({ "repository": "acme/\\\"widget\"", "url": "u".repeat(300) }).to_string();
        for run in ["{}", &run, &"\"".repeat(6000)] {
            let mut together = vec![values(run)];
            while values(run).fits_beside(&together) {
                together.push(values(run));
            }
            let length = Values::packed(&together).unwrap().len();
            assert!(length <= MAX_BYTES, "{length} bytes for {} grants", together.len());
            assert!(length > MAX_BYTES / 2, "{length} bytes for {} grants", together.len());
        }
    }
}
