//! The suite that every client registry passes. A registry's own tests call [`all`] with a [`Harness`]:
//!
//! ```
//! use oidc_core::http::{Request, Response};
//! use oidc_exchange::client::testing::conformance;
//! use oidc_exchange::client::{CratesIo, Registry, Scope};
//!
//! #[derive(Clone)]
//! struct Crates;
//!
//! impl conformance::Harness for Crates {
//!     fn registry(&self) -> Box<dyn Registry> {
//!         Box::new(CratesIo::at("https://registry.example/").expect("a URL"))
//!     }
//!
//!     fn scope(&self) -> Scope {
//!         Scope::Identity
//!     }
//!
//!     fn answer(&self, _request: &Request, token: &str) -> Response {
//!         Response::new(200, Vec::new(), serde_json::json!({ "token": token }).to_string())
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! conformance::all(&Crates).await;
//! # }
//! ```
//!
//! Every case is about a rule that stands in the documentation of [`Registry`](crate::client::Registry), and panics with a sentence that says what does
//! not hold. The suite follows semver: a registry that passes it and follows the documentation passes it with every compatible
//! version.

pub use super::harness::Harness;
use super::{answers, sending};

/// Runs every case, one after the other.
pub async fn all<H: Harness>(harness: &H) {
    exchanging(harness).await;
    scopes(harness).await;
    audiences(harness).await;
    refusals(harness).await;
    hostile_answers(harness).await;
    revoking(harness).await;
}

/// Checks that an identity token is sent once, to the registry alone, and that the publish token is for the requested
/// scope.
pub async fn exchanging<H: Harness>(harness: &H) {
    sending::an_exchange_sends_the_identity_token_once(harness).await;
    sending::each_exchange_sends_its_own_identity_token(harness).await;
}

/// Checks that a scope that the registry has no tokens for is refused before anything is sent.
pub async fn scopes<H: Harness>(harness: &H) {
    sending::a_foreign_scope_is_refused_before_anything_is_sent(harness).await;
}

/// Checks that a token for another party is sent to nobody, and that no token for another party's audience is
/// requested.
pub async fn audiences<H: Harness>(harness: &H) {
    sending::a_token_for_another_audience_is_sent_to_nobody(harness).await;
    answers::a_hostile_audience_is_refused(harness).await;
}

/// Checks that a refusal is reported with its status, and that the exchange is not repeated.
pub async fn refusals<H: Harness>(harness: &H) {
    answers::a_refusal_is_told_and_not_tried_again(harness).await;
    answers::an_answer_that_does_not_come_is_not_waited_for_again(harness).await;
}

/// Checks that every other answer is an error of the right kind, which shows no token.
pub async fn hostile_answers<H: Harness>(harness: &H) {
    answers::an_answer_without_a_token_gives_none(harness).await;
    answers::a_hostile_token_is_none(harness).await;
}

/// Checks that a publish token is revoked at the registry that issued it, and is sent to no other.
pub async fn revoking<H: Harness>(harness: &H) {
    sending::a_token_is_ended_where_it_is_from(harness).await;
}
