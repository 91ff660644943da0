//! What goes wrong while serving a request. Each ecosystem has its own shape for it.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use oidc_core::{Diagnosis, Subject};
use serde_json::Value;

use super::authorize::Denied;

/// The longest message sent, in characters: parts of it come from outside.
const MAX_MESSAGE_CHARS: usize = 1_000;

/// A request that is answered with an error.
#[derive(Debug)]
pub(super) struct Failure {
    status: StatusCode,
    message: String,
    /// The same for programs, beside what the ecosystem's shape holds.
    diagnosis: Option<Box<Diagnosis>>,
}

impl Failure {
    pub(super) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), diagnosis: None }
    }

    /// What the caller is told.
    pub(super) fn message(&self) -> &str {
        &self.message
    }

    pub(super) fn malformed(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    pub(super) fn not_found(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, format!("{what} is not in this registry"))
    }

    /// No path of this registry, which is at `public_url`.
    pub(super) fn nowhere(public_url: &str) -> Self {
        let url = format!("{}/", public_url.trim_end_matches('/'));
        let subject = Subject::Field("public_url".to_owned());
        let diagnosis =
            Diagnosis::new("registry-path", subject, "nothing is served at this path of the registry");
        let fix = "use the URL that is expected, with its path and no other";
        let diagnosis = diagnosis.expected(&url).fix(fix);
        let message = format!("nothing is served at this path; this registry is at {url}");
        Self { diagnosis: Some(Box::new(diagnosis)), ..Self::new(StatusCode::NOT_FOUND, message) }
    }

    /// The answer in an ecosystem's shape, which is made of the message.
    pub(super) fn answer(self, shape: fn(&str) -> Value) -> Response {
        let mut body = shape(&printable(&self.message));
        if let (Some(members), Some(Ok(diagnosis))) =
            (body.as_object_mut(), self.diagnosis.map(|diagnosis| serde_json::to_value(diagnosis.escaped())))
        {
            members.insert("diagnosis".to_owned(), diagnosis);
        }
        (self.status, Json(body)).into_response()
    }

    /// The answer for clients that show its text as it is.
    pub(super) fn text(self) -> Response {
        (self.status, printable(&self.message)).into_response()
    }

    /// Logs what happened and tells the caller no more than that something did.
    pub(super) fn internal(error: &(dyn std::error::Error + 'static)) -> Self {
        tracing::error!(error, "a request failed");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "the registry failed; its log says why")
    }
}

impl From<Denied> for Failure {
    fn from(denied: Denied) -> Self {
        Self::new(denied.status, denied.message)
    }
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Self::internal(&error)
    }
}

/// `text`, cut to a bounded length, with control and other invisible characters escaped.
fn printable(text: &str) -> String {
    let mut printable = String::new();
    for character in text.chars().take(MAX_MESSAGE_CHARS) {
        match character {
            '"' | '\'' | '\\' => printable.push(character),
            other => printable.extend(other.escape_debug()),
        }
    }
    printable
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invisible_characters_are_escaped_and_text_is_kept() {
        assert_eq!(printable("a \"b\" \u{1b}[31m\n\u{202e}é"), "a \"b\" \\u{1b}[31m\\n\\u{202e}é");
    }

    #[test]
    fn messages_are_bounded() {
        assert_eq!(printable(&"x".repeat(5_000)).len(), MAX_MESSAGE_CHARS);
    }
}
