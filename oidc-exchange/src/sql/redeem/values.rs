//! The values of a redemption, as the parameters of the [texts](super::texts).

use data_encoding::HEXLOWER;
use serde::Serialize;
use sqlx::Any;
use sqlx::any::AnyArguments;
use sqlx::query::QueryScalar;

use super::texts::Sequence;
use crate::server::{Grant, GrantedBy, Package};

/// A grant whose publishers have nothing to learn, in the types of the database.
#[derive(Debug)]
pub(super) struct Values {
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
        Self::several(grant)
    }

    fn several(grant: &Grant) -> Result<Self, serde_json::Error> {
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

impl Values {
    /// The values of a grant for [`POSTGRES`](super::texts::POSTGRES). The run is in JSON already.
    pub(super) fn for_postgres(grant: &Grant, run: String) -> Result<Self, serde_json::Error> {
        Ok(Self::new(grant, run, Packages::several(grant)?))
    }

    /// The values of a grant for a [`Sequence`] of SQLite. The run is in JSON already.
    pub(super) fn for_sqlite(grant: &Grant, run: String) -> Result<Self, serde_json::Error> {
        Ok(Self::new(grant, run, Packages::of(grant)?))
    }

    /// The texts for SQLite that have these parameters.
    pub(super) fn sequence(&self) -> &'static Sequence {
        match self.packages {
            Packages::One { .. } => Sequence::one(),
            Packages::Several(_) => Sequence::several(),
        }
    }

    fn new(grant: &Grant, run: String, packages: Packages) -> Self {
        Self {
            replay_key: HEXLOWER.encode(grant.replay_key()),
            remember_until: grant.remember_until().as_signed_secs(),
            max_uses: i64::from(grant.max_uses()),
            token: grant.token().map(|token| HEXLOWER.encode(token.as_bytes())),
            created_at: grant.created_at().as_signed_secs(),
            expires_at: grant.expires_at().as_signed_secs(),
            provider: grant.provider().to_owned(),
            issuer: grant.issuer().to_owned(),
            run,
            packages,
        }
    }

    /// Makes a query of one of the texts and these values.
    pub(super) fn bind(&self, text: &'static str) -> QueryScalar<'_, Any, Option<String>, AnyArguments> {
        let query = sqlx::query_scalar(text)
            .bind(&self.replay_key)
            .bind(self.remember_until)
            .bind(self.max_uses)
            .bind(&self.token)
            .bind(self.created_at)
            .bind(self.expires_at)
            .bind(&self.provider)
            .bind(&self.issuer)
            .bind(&self.run);
        match &self.packages {
            Packages::One { publisher, ecosystem, name } => query.bind(publisher).bind(ecosystem).bind(name),
            Packages::Several(packages) => query.bind(packages),
        }
    }
}
