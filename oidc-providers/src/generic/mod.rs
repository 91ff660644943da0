//! Any other issuer: a token from a variable, a file or a command, and rules on claims that the configuration names.
//!
//! # Environment variables
//!
//! | variable | what for |
//! |---|---|
//! | `OIDC_TOKEN` | a token |
//! | `OIDC_TOKEN_FILE` | the path of a file with a token, read anew each time, since Kubernetes replaces it |
//!
//! Setting one of these variables is an explicit choice, so both are read before any CI platform is asked. In
//! a job of a CI platform, a token for another audience is skipped, since it was named for another service,
//! and the platform is asked. A command runs only where a program names it ([`CommandSource`]). The audience
//! of a token is checked after it was obtained, from any source.
//!
//! # A job that may publish
//!
//! Kubernetes puts a token for an audience into a file of the pod and replaces it before it expires.
//!
//! ```yaml
//! # A pod of Kubernetes
//! spec:
//!   serviceAccountName: publisher
//!   containers:
//!     - name: publish
//!       image: publish
//!       env:
//!         - { name: OIDC_TOKEN_FILE, value: /var/run/secrets/registry/token }
//!       volumeMounts:
//!         - { name: token, mountPath: /var/run/secrets/registry }
//!   volumes:
//!     - name: token
//!       projected:
//!         sources:
//!           - serviceAccountToken: { audience: "npm:registry.example", path: token }
//! ```
//!
//! A tool finds the platform from the job's variables alone, without a request:
//!
//! ```
//! use oidc_core::{Context, Detection, Environment, Provider as _};
//! use oidc_providers::Generic;
//!
//! let variables = [
//!     ("OIDC_TOKEN_FILE", "/var/run/secrets/registry/token"),
//! ];
//! let job = Context::default().with_environment(Environment::from_iter(variables));
//! let platform = Generic::client();
//! assert!(platform.detect(&Detection::from(&job))?.is_some());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Claims
//!
//! | claim | use | outlives a rename | compared |
//! |---|---|---|---|
//! | any | required, if a publisher's configuration names it | as the issuer has it | exactly, type included |
//! | `jti` | ignored; a token is known by its digest, since not every issuer has one | | |
//! | `sub`, `kubernetes.io` | ignored unless named | | |
//!
//! # What a token does not prove
//!
//! | it does not prove | because |
//! |---|---|
//! | anything that no rule names | this crate doesn't know the meaning of the issuer's claims; the person who configures a publisher has to know it |
//! | that the names still have the same owner | names can change hands, and no id is learned; name an immutable claim |
//! | that it is not one of many tenants' | some issuers serve everybody; name with `found_by` the claim that tells them apart |
//!
//! # A publisher's configuration
//!
//! | key | | example | what it is | compared |
//! |---|---|---|---|---|
//! | `claims` | required | `{ sub = "system:serviceaccount:acme:publisher" }` | the claims that a token must have, by name or JSON pointer, each with its value, an array of those that it may have, or a table with contains or matches; texts, whole numbers below 2^53, true or false | one of the values |
//! | `found_by` | optional | `"sub"` | the claim that tells the issuer's tenants apart, sub if it is left out; the claims have one text for it |  |
//!
//! A claim is named as it stands in the token, or by a JSON pointer (RFC 6901) that begins with `/` and leads into
//! objects, never into arrays: `"/kubernetes.io/namespace"`. Its value is one of:
//!
//! | value | the claim is |
//! |---|---|
//! | a text, a whole number, `true` or `false` | equal, type included |
//! | an array of these | equal to one of them |
//! | `{ contains = … }` with one of these or an array | an array that contains all of them |
//! | `{ matches = "…" }` | a text of at most 1024 bytes that fits the pattern, of at most 255 characters, as a whole: `*` stands for any text without `/`, `**` for any text |
//!
//! All claims must match. A claim that the token lacks, or has with another type, does not match: `"1"` is
//! not `1`. Of several matching publishers of a package, the one with more claims is more specific. A token
//! with another value in the claim that a publisher is found by is a stranger's: its holder is told nothing,
//! not even that there is such a publisher. The holder of any other token is told which claim differs, and
//! not the expected value.

mod claims;
mod fields;
mod publisher;
#[cfg(feature = "testing")]
pub mod sample;
mod source;
#[cfg(test)]
mod tests;

use std::time::Duration;

use oidc_core::{
    Algorithm, Claims, Detection, Diagnosis, FieldValue, Identity, InvalidPublisher, InvalidUrl, Issuer,
    Mismatch, Profile, Provider, ProviderKind, Publisher, PublisherField, ReplaySource, Run, SourceError,
    Target, TokenSource, Unverified, Verified,
};
use serde_json::Value;

use self::claims::{CLAIM_PREFIXES, CLAIMS};
use self::fields::FIELDS;
pub use self::fields::GenericPublisher;
use self::publisher::Rules;

use crate::codes;
pub use crate::command::CommandSource;
pub use crate::file::FileSource;

/// The platform's name in configuration and in logs.
pub(crate) const ID: &str = crate::GENERIC;

/// The variables above, and those of platforms without a provider in this crate: Spacelift, env0, Vercel,
/// Codefresh, SPIFFE, Kubernetes on AWS and Azure, managed identities of Azure.
const IDENTITY_VARIABLES: &[&str] = &[
    "*OIDC_TOKEN*",
    "*OIDC_REQUEST*",
    "ID_TOKEN",
    "*_ID_TOKEN_FILE",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AZURE_FEDERATED_TOKEN*",
    "IDENTITY_ENDPOINT",
    "IDENTITY_HEADER",
    "MSI_ENDPOINT",
    "MSI_SECRET",
    "SPIFFE_ENDPOINT_SOCKET",
];

/// Kubernetes' tokens live an hour and some seconds by default.
const MAX_LIFETIME: Duration = Duration::from_secs(2 * 3600);

/// Any issuer that this crate has no platform for.
#[derive(Clone, Debug)]
pub struct Generic {
    profile: Profile,
}

impl Generic {
    /// The client half alone, which needs no issuer.
    pub fn client() -> Self {
        Self::with(Vec::new())
    }

    /// A provider for this issuer and no other. The URL is compared with `iss` byte by byte.
    ///
    /// # Errors
    ///
    /// When the URL is not https (http is allowed on loopback), or has a query.
    pub fn at(issuer: &str) -> Result<Self, InvalidUrl> {
        Ok(Self::with(vec![Issuer::new(issuer)?]))
    }

    fn with(issuers: Vec<Issuer>) -> Self {
        let mut profile = Profile::new(issuers, CLAIMS);
        profile.kind = ProviderKind::Named;
        profile.algorithms = &[Algorithm::Rs256, Algorithm::Es256, Algorithm::Es384];
        profile.max_lifetime = MAX_LIFETIME;
        profile.replay = ReplaySource::Digest;
        profile.claim_prefixes = CLAIM_PREFIXES;
        Self { profile }
    }
}

impl Provider for Generic {
    fn id(&self) -> &'static str {
        ID
    }

    fn title(&self) -> &'static str {
        "Any other issuer"
    }

    fn profile(&self) -> &Profile {
        &self.profile
    }

    fn detect(&self, detection: &Detection<'_>) -> Result<Option<Box<dyn TokenSource>>, SourceError> {
        Ok(source::detect(detection))
    }

    fn source_variables(&self) -> &'static [&'static str] {
        &["OIDC_TOKEN", "OIDC_TOKEN_FILE"]
    }

    fn identity_variables(&self) -> &'static [&'static str] {
        IDENTITY_VARIABLES
    }

    fn identify(&self, claims: &Verified<Claims>) -> Result<Identity, Mismatch> {
        let first = publisher::identities(claims.issuer(), claims).into_iter().next();
        first.ok_or_else(|| {
            let problem = "the identity token has no claim with a text by which a publisher could be found";
            let diagnosis =
                Diagnosis::new(codes::GENERIC_CLAIM_MISSING, Target::Claim("sub".to_owned()), problem);
            Mismatch::new(
                diagnosis.fix("let the issuer put a claim into it that says who publishes, such as `sub`"),
            )
        })
    }

    fn identities(&self, claims: &Verified<Claims>) -> Result<Vec<Identity>, Mismatch> {
        Ok(publisher::identities(claims.issuer(), claims))
    }

    fn publisher_fields(&self) -> &'static [PublisherField] {
        FIELDS
    }

    fn publisher(&self, config: &Value) -> Result<Box<dyn Publisher>, InvalidPublisher> {
        let issuer = self.profile.issuers.first().map_or("", |issuer| &**issuer.url());
        Ok(Box::new(Rules::read(issuer, config)?))
    }

    fn settings(&self, claims: &Unverified<Claims>) -> Vec<FieldValue> {
        publisher::settings(claims.read_unverified())
    }

    /// Returns an empty run, since the meaning of the claims is not known here.
    fn run(&self, _claims: &Verified<Claims>) -> Run {
        Run::default()
    }
}
