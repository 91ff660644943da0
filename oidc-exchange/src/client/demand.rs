use oidc_core::{Claims, Diagnosis, Severity, Target};

use crate::codes;

/// A demand of a protocol's public registry on a job's identity token, by its documentation or its source.
#[derive(Clone, Copy, Debug)]
pub struct Demand {
    claim: &'static str,
    allowed: Allowed,
    problem: &'static str,
    expected: Option<&'static str>,
    fix: &'static str,
}

/// The values of a claim that a registry accepts. A token without the claim is from another platform.
#[derive(Clone, Copy, Debug)]
enum Allowed {
    AnyBut(&'static [&'static str]),
    Only(&'static [&'static str]),
    Beginning(&'static str),
}

impl Demand {
    /// A claim that may have any value except these.
    pub const fn any_but(claim: &'static str, values: &'static [&'static str]) -> Self {
        Self::new(claim, Allowed::AnyBut(values))
    }

    /// A claim that must have one of these values.
    pub const fn only(claim: &'static str, values: &'static [&'static str]) -> Self {
        Self::new(claim, Allowed::Only(values))
    }

    /// A claim that must begin with this text.
    pub const fn beginning(claim: &'static str, start: &'static str) -> Self {
        Self::new(claim, Allowed::Beginning(start))
    }

    const fn new(claim: &'static str, allowed: Allowed) -> Self {
        Self { claim, allowed, problem: "the registry lets no such job publish", expected: None, fix: "" }
    }

    /// Sets the problem of a token that does not meet the demand, the expected value, and the fix.
    #[must_use]
    pub const fn or(
        mut self,
        problem: &'static str,
        expected: Option<&'static str>,
        fix: &'static str,
    ) -> Self {
        (self.problem, self.expected, self.fix) = (problem, expected, fix);
        self
    }

    /// Compares a token with the demand. An earlier warning or notice about the claim becomes an error.
    pub(super) fn examine(&self, claims: &Claims, said: &mut Vec<Diagnosis>) {
        let Some(found) = claims.text(self.claim).filter(|found| !self.allows(found)) else { return };
        let is_it = |one: &&mut Diagnosis| matches!(&one.target, Target::Claim(claim) if claim == self.claim);
        // One diagnosis for each claim. The earlier one keeps its fix, which is that of the job's platform.
        if let Some(known) = said.iter_mut().find(is_it) {
            known.severity = Severity::Error;
            known.problem = self.problem.to_owned();
            known.expected = self.expected.map(str::to_owned);
            return;
        }
        let subject = Target::Claim(self.claim.to_owned());
        let mut diagnosis =
            Diagnosis::new(codes::REGISTRY_CLAIM, subject, self.problem).found(found).fix(self.fix);
        diagnosis.expected = self.expected.map(str::to_owned);
        said.push(diagnosis);
    }

    fn allows(&self, found: &str) -> bool {
        match self.allowed {
            Allowed::AnyBut(values) => !values.contains(&found),
            Allowed::Only(values) => values.contains(&found),
            Allowed::Beginning(start) => found.starts_with(start),
        }
    }
}

/// A platform whose tokens a protocol's public registry accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrustedPlatform {
    /// The platform's name, such as `github`.
    pub(super) id: &'static str,
    pub(super) issuers: TrustedIssuers,
}

/// The issuers of a platform that a registry trusts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TrustedIssuers {
    /// The public issuer only, and not that of an enterprise or a self-managed instance.
    Public,
    /// The public issuer, and those that were registered with the registry.
    Registered,
    /// The issuer of each organization.
    PerOrganization,
}

impl TrustedPlatform {
    /// A platform whose public issuer is trusted, and not the issuers of enterprises or self-managed
    /// instances.
    pub const fn public(id: &'static str) -> Self {
        Self { id, issuers: TrustedIssuers::Public }
    }

    /// A platform whose public issuer is trusted, and those issuers that were registered with the registry.
    pub const fn registered(id: &'static str) -> Self {
        Self { id, issuers: TrustedIssuers::Registered }
    }

    /// A platform on which each organization has its own issuer, all of which are trusted.
    pub const fn per_organization(id: &'static str) -> Self {
        Self { id, issuers: TrustedIssuers::PerOrganization }
    }
}
