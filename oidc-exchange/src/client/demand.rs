use oidc_core::{Claims, Diagnosis, Severity, Subject};

use crate::codes;

/// What the public registry of a protocol is known to ask of a job's identity token, by its documentation or its source.
#[derive(Clone, Copy, Debug)]
pub struct Demand {
    claim: &'static str,
    allowed: Allowed,
    problem: &'static str,
    expected: Option<&'static str>,
    fix: &'static str,
}

/// The values of a claim that a registry lets in. A claim that is absent is another platform's.
#[derive(Clone, Copy, Debug)]
enum Allowed {
    AnyBut(&'static [&'static str]),
    Only(&'static [&'static str]),
    Beginning(&'static str),
}

impl Demand {
    /// A claim that may have any value but these.
    pub const fn any_but(claim: &'static str, values: &'static [&'static str]) -> Self {
        Self::new(claim, Allowed::AnyBut(values))
    }

    /// A claim that has to have one of these values.
    pub const fn only(claim: &'static str, values: &'static [&'static str]) -> Self {
        Self::new(claim, Allowed::Only(values))
    }

    /// A claim that has to begin so.
    pub const fn beginning(claim: &'static str, start: &'static str) -> Self {
        Self::new(claim, Allowed::Beginning(start))
    }

    const fn new(claim: &'static str, allowed: Allowed) -> Self {
        Self { claim, allowed, problem: "the registry lets no such job publish", expected: None, fix: "" }
    }

    /// With what is wrong where it isn't met, what is expected, and what to do.
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

    /// Holds a token against the demand. What was already said of the claim as a warning or a notice becomes the error that it
    /// is here.
    pub(super) fn examine(&self, claims: &Claims, said: &mut Vec<Diagnosis>) {
        let Some(found) = claims.text(self.claim).filter(|found| !self.allows(found)) else { return };
        let is_it =
            |one: &&mut Diagnosis| matches!(&one.subject, Subject::Claim(claim) if claim == self.claim);
        if let Some(known) = said.iter_mut().find(is_it) {
            known.severity = Severity::Error;
            known.problem = self.problem.to_owned();
            known.expected = self.expected.map(str::to_owned);
            return;
        }
        let subject = Subject::Claim(self.claim.to_owned());
        let diagnosis =
            Diagnosis::new(codes::REGISTRY_CLAIM, subject, self.problem).found(found).fix(self.fix);
        said.push(match self.expected {
            Some(expected) => diagnosis.expected(expected),
            None => diagnosis,
        });
    }

    fn allows(&self, found: &str) -> bool {
        match self.allowed {
            Allowed::AnyBut(values) => !values.contains(&found),
            Allowed::Only(values) => values.contains(&found),
            Allowed::Beginning(start) => found.starts_with(start),
        }
    }
}

/// A platform that the public registry of a protocol takes tokens of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrustedPlatform {
    /// The platform's name, such as `github`.
    pub(super) id: &'static str,
    pub(super) issuers: TrustedIssuers,
}

/// The issuers of a platform that a registry trusts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TrustedIssuers {
    /// The public one alone, and no enterprise's or self-managed instance's.
    Public,
    /// Also those that were registered with it.
    Registered,
    /// That of each organization.
    PerOrganization,
}

impl TrustedPlatform {
    /// A platform of whose public issuer alone tokens are taken, and not of an enterprise's or a self-managed instance's.
    pub const fn public(id: &'static str) -> Self {
        Self { id, issuers: TrustedIssuers::Public }
    }

    /// A platform of which tokens of issuers are taken too that were registered with the registry.
    pub const fn registered(id: &'static str) -> Self {
        Self { id, issuers: TrustedIssuers::Registered }
    }

    /// A platform on which each organization has an issuer, which are all trusted.
    pub const fn per_organization(id: &'static str) -> Self {
        Self { id, issuers: TrustedIssuers::PerOrganization }
    }
}
