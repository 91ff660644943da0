//! Operations that an ecosystem's own registry has and this one doesn't.
//!
//! A client takes 404 for a success where it wanted something gone: `npm unpublish` says that it worked. So these requests are
//! answered with 405 in the protocol's own shape, and one that changes something with 401 where it carries no token.

use axum::http::{Method, StatusCode};
use oidc_core::{Diagnosis, Target};

use super::failure::Failure;

/// An operation that is not supported.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Operation {
    /// The effect.
    pub(super) what: &'static str,
    /// The alternative.
    pub(super) instead: &'static str,
    /// `true` if it is for holders of a publish token. A login, for one, is not.
    pub(super) needs_token: bool,
}

/// Published files stay, whoever asks.
pub(super) const IMMUTABLE: &str = "what is published stays as it is: publish another version, and replace every secret that \
                                    was published by mistake";
/// Nobody owns a package by a name.
pub(super) const NO_USERS: &str = "there are no users: a CI job exchanges its identity for a publish token";
/// Trust is configured.
pub(super) const PUBLISHERS: &str = "who publishes is decided by the package's trusted publishers, which the registry's \
                                     operator configures";

impl Failure {
    /// The refusal of an operation.
    pub(super) fn unsupported(operation: &Operation) -> Self {
        let Operation { what, instead, .. } = operation;
        let problem = format!("{what} is not supported by this registry");
        let message = format!("{problem}; {instead}");
        let subject = Target::Field("operation".to_owned());
        let diagnosis = Diagnosis::new("operation-unsupported", subject, problem).fix(*instead);
        Self::new(StatusCode::METHOD_NOT_ALLOWED, message).with_diagnosis(diagnosis).allowing("")
    }

    /// The same refusal of a read that goes before a write, so that a client doesn't take what isn't found for gone.
    pub(super) fn of_a_write(self) -> Self {
        if self.is_not_found() {
            self.with_status(StatusCode::METHOD_NOT_ALLOWED).allowing("GET, HEAD, PUT")
        } else {
            self
        }
    }

    /// The refusal of a method at a path that has others.
    pub(super) fn method_not_allowed(method: &Method) -> Self {
        let message = format!("{method} is not supported at this path of the registry");
        Self::new(StatusCode::METHOD_NOT_ALLOWED, message)
    }
}
