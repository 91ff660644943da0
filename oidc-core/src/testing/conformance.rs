//! The suite that every platform passes. A platform's own tests call [`all`] with a [`Harness`]:
//!
//! ```
//! use std::sync::Arc;
//!
//! use oidc_core::testing::FakePlatform;
//! use oidc_core::testing::conformance::{self, Job};
//! use oidc_core::{Context, Provider};
//! use serde_json::Value;
//!
//! struct Fake;
//!
//! impl conformance::Harness for Fake {
//!     fn provider(&self, issuer: &str) -> Arc<dyn Provider> {
//!         Arc::new(FakePlatform::at(issuer).expect("an issuer's URL"))
//!     }
//!
//!     fn claims(&self, issuer: &str, audience: &str, now: u64) -> Value {
//!         FakePlatform::at(issuer).expect("an issuer's URL").claims(audience, now)
//!     }
//!
//!     fn jobs(&self) -> Vec<Job> {
//!         vec![
//!             Job::permitted("a job", FakePlatform::variables()).with_secret("secret-key"),
//!             Job::unpermitted("a job that may not ask", [("FAKE_CI", "true")]),
//!             Job::elsewhere("a machine", [("FAKE_CI", "false"), ("HOME", "/root")]),
//!         ]
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! conformance::all(&Fake).await;
//! # }
//! ```
//!
//! Every case is about a rule that stands in the documentation of [`Provider`], [`Publisher`](crate::Publisher) or
//! [`TokenSource`](crate::TokenSource), and panics with a sentence that says what does not hold. What a rule allows on purpose,
//! such as letters of another case, is read from the platform's [table of fields](Provider::publisher_fields). The suite follows
//! semver: a platform that passes it and follows the documentation passes it with every compatible version.

#![allow(
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a suite of tests says what does not hold by a panic"
)]

mod answers;
mod changes;
mod detection;
mod fields;
mod matching;
mod members;
mod outside;
mod registry;
mod strangers;

use std::sync::Arc;

use serde_json::{Value, json};

use super::FakeIssuer;
use crate::context::Context;
use crate::provider::Provider;

/// The audience that jobs ask tokens for.
pub const AUDIENCE: &str = "npm:registry.example";

/// The time of jobs and tokens, in seconds since the epoch.
pub const NOW: u64 = 1_800_000_000;

/// A platform under test.
pub trait Harness: Send + Sync {
    /// The platform with this issuer and no other, one of [`Harness::issuers`].
    fn provider(&self, issuer: &str) -> Arc<dyn Provider>;

    /// Two issuers that the platform may have.
    fn issuers(&self) -> [String; 2] {
        ["https://issuer.example".to_owned(), "https://other.example".to_owned()]
    }

    /// The claims of one job's token, with every claim that a rule may read, of a real job if possible. `now` is its `iat`; its
    /// `exp` is later.
    fn claims(&self, issuer: &str, audience: &str, now: u64) -> Value;

    /// The configuration of a publisher that accepts that job and has every field that the job has a value for.
    /// `None`, the default, stands for the configuration that [`Provider::settings`] proposes.
    fn config(&self) -> Option<Value> {
        None
    }

    /// The members of claims that the publisher of [`Harness::config`] reads, as JSON pointers into the token's claims, such as
    /// `/kubernetes.io/namespace`. None by default: the claims that fields are compared with are read from the table of fields.
    fn members(&self) -> Vec<String> {
        Vec::new()
    }

    /// Jobs, each with its expected outcome: one that gets tokens, if the platform gives tokens to jobs; jobs that
    /// get none; and surroundings that only look like the platform's.
    fn jobs(&self) -> Vec<Job>;

    /// Returns `true` if a publisher treats two different texts of a claim as equal, by a rule that its table of
    /// fields does not contain.
    fn is_same(&self, _claim: &str, _one: &str, _other: &str) -> bool {
        false
    }
}

/// The surroundings in which a publish tool runs, which may be a job of the platform.
#[derive(Clone, Debug)]
#[must_use]
pub struct Job {
    name: &'static str,
    variables: Vec<(String, String)>,
    world: Context,
    token_variables: Vec<&'static str>,
    secrets: Vec<String>,
    outcome: Outcome,
}

/// The outcome of a job's detection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// A source, which gives a token.
    Permitted,
    /// An error with the reason: at detection or, where only the source can find out, when a token is requested.
    Unpermitted,
    /// Nothing.
    Elsewhere,
}

impl Job {
    /// A job that gets a token for [`AUDIENCE`], such as the one that [`token`] makes.
    pub fn permitted<N: Into<String>, V: Into<String>>(
        name: &'static str,
        variables: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        Self::new(Outcome::Permitted, name, variables)
    }

    /// A job of the platform that may not have tokens, or whose configuration asks for none.
    pub fn unpermitted<N: Into<String>, V: Into<String>>(
        name: &'static str,
        variables: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        Self::new(Outcome::Unpermitted, name, variables)
    }

    /// Surroundings that are no job of the platform.
    pub fn elsewhere<N: Into<String>, V: Into<String>>(
        name: &'static str,
        variables: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        Self::new(Outcome::Elsewhere, name, variables)
    }

    /// With the job's files, commands and HTTP. The context's variables and clock are replaced.
    pub fn in_world(mut self, world: Context) -> Self {
        self.world = world;
        self
    }

    /// With a variable that the registry's users put a token into.
    pub fn with_token_variable(mut self, name: &'static str) -> Self {
        self.token_variables.push(name);
        self
    }

    /// With a text that no message may show. Identity tokens are such texts anyway.
    pub fn with_secret(mut self, secret: impl Into<String>) -> Self {
        self.secrets.push(secret.into());
        self
    }

    fn new<N: Into<String>, V: Into<String>>(
        outcome: Outcome,
        name: &'static str,
        variables: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        let variables = variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        let world = Context::default();
        Self { name, variables, world, token_variables: Vec::new(), secrets: Vec::new(), outcome }
    }
}

/// An identity token for an audience, as a job of [`Job::permitted`] gets it. It is signed by an issuer that nobody
/// trusts.
pub fn token(audience: &str) -> String {
    let issuer = FakeIssuer::new("https://tokens.example");
    issuer.sign(&json!({
        "iss": issuer.url(), "aud": audience, "iat": NOW, "exp": NOW + 300, "jti": FakeIssuer::unique_id(),
    }))
}

/// Runs every case, one after the other.
pub async fn all<H: Harness>(harness: &H) {
    detection(harness).await;
    tokens(harness).await;
    tables(harness);
    configurations(harness);
    matching(harness).await;
    identities(harness).await;
    learning(harness).await;
}

/// Checks that a job is detected offline, and that surroundings that are no job of the platform are passed over.
pub async fn detection<H: Harness>(harness: &H) {
    detection::surroundings_are_told_apart(harness).await;
    detection::every_variable_that_is_looked_up_is_named(harness).await;
    detection::hostile_variables_bring_errors(harness).await;
}

/// Checks that a token is for the requested audience, and that an answer of the platform without a token is never
/// taken for a token.
pub async fn tokens<H: Harness>(harness: &H) {
    answers::a_source_gives_a_token_for_the_audience(harness).await;
    answers::hostile_answers_bring_errors(harness).await;
    answers::a_hidden_variable_hides_the_identity(harness).await;
}

/// Checks that the tables agree with each other.
pub fn tables<H: Harness>(harness: &H) {
    fields::the_profile_names_its_claims_once(harness);
    fields::each_field_agrees_with_its_claim(harness);
}

/// Checks that configurations follow the table of fields, and that every fault is reported with its field.
pub fn configurations<H: Harness>(harness: &H) {
    fields::missing_keys_are_told(harness);
    fields::unknown_keys_are_told(harness);
    fields::wrong_values_are_told(harness);
    fields::all_faults_are_told_at_once(harness);
}

/// Checks that a job's token matches the publisher that is proposed for the job, and that it does not match once a
/// claim that a rule reads is changed.
pub async fn matching<H: Harness>(harness: &H) {
    matching::a_job_matches_its_publisher(harness).await;
    matching::every_changed_claim_is_refused(harness).await;
    members::every_changed_member_is_refused(harness).await;
    matching::hostile_claims_bring_errors(harness).await;
}

/// Checks that an identity belongs to one issuer.
pub async fn identities<H: Harness>(harness: &H) {
    matching::another_issuers_token_is_refused(harness).await;
}

/// Checks that ids are learned once, and that a job with the same names and another id is a stranger.
pub async fn learning<H: Harness>(harness: &H) {
    strangers::ids_are_learned_once(harness).await;
    strangers::strangers_are_told_nothing(harness).await;
    strangers::a_renamed_repository_is_told_so(harness).await;
}
