//! The failure of a request. Each ecosystem has its own shape for it.

use axum::Json;
use axum::http::header::ALLOW;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use hyper::ext::ReasonPhrase;
use oidc_core::Diagnosis;
use oidc_exchange::server::StoreError;
use serde_json::Value;

use super::activation::Ended;
use super::authorize::Denied;

/// The longest message sent, in characters: parts of it come from outside.
const MAX_MESSAGE_CHARS: usize = 1_000;

/// A request that is answered with an error.
#[derive(Debug)]
pub(super) struct Failure {
    status: StatusCode,
    message: String,
    /// The same for programs, in addition to the ecosystem's shape.
    diagnosis: Option<Box<Diagnosis>>,
    is_text: bool,
    /// The methods that the path has, for the status 405.
    allow: Option<&'static str>,
}

impl Failure {
    pub(super) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), diagnosis: None, is_text: false, allow: None }
    }

    /// The message to the caller.
    pub(super) fn message(&self) -> &str {
        &self.message
    }

    pub(super) fn status(&self) -> StatusCode {
        self.status
    }

    pub(super) fn malformed(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    pub(super) fn not_found(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, format!("{what} is not in this registry"))
    }

    /// A caller that was allowed to change the package when its request began.
    pub(super) fn ended(ended: Ended, package: &str) -> Self {
        let message = "the publish token expired or was revoked before the request was complete, and nothing was changed; \
                       exchange the job's identity for a new one";
        match ended {
            Ended::Token => Self::new(StatusCode::UNAUTHORIZED, message),
            Ended::TrustedOnly => Denied::trusted_only(package).into(),
        }
    }

    pub(super) fn with_diagnosis(self, diagnosis: Diagnosis) -> Self {
        Self { diagnosis: Some(Box::new(diagnosis)), ..self }
    }

    pub(super) fn is_not_found(&self) -> bool {
        self.status == StatusCode::NOT_FOUND
    }

    pub(super) fn with_status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    /// With the methods that the path has.
    pub(super) fn allowing(self, allow: &'static str) -> Self {
        Self { allow: Some(allow), ..self }
    }

    /// For a client that shows an answer as it is, whatever the ecosystem's shape.
    pub(super) fn in_text(self) -> Self {
        Self { is_text: true, ..self }
    }

    /// The answer in an ecosystem's shape, which is made of the message.
    pub(super) fn answer(self, shape: fn(&str) -> Value) -> Response {
        if self.is_text {
            return self.text();
        }
        let mut body = shape(&printable(&self.message));
        if let (Some(members), Some(Ok(diagnosis))) =
            (body.as_object_mut(), self.diagnosis.map(|diagnosis| serde_json::to_value(diagnosis.escaped())))
        {
            members.insert("diagnosis".to_owned(), diagnosis);
        }
        with_allow((self.status, Json(body)).into_response(), self.allow)
    }

    /// The answer for clients that show its text as it is, with the code behind the message.
    pub(super) fn text(self) -> Response {
        with_allow((self.status, self.with_code()).into_response(), self.allow)
    }

    /// The message as a text for people, and its code, by which they find what to do.
    fn with_code(&self) -> String {
        let message = printable(&self.message);
        match &self.diagnosis {
            Some(diagnosis) => format!("{message} ({})", diagnosis.code),
            None => message,
        }
    }

    /// The same, in the status line too: twine shows nothing else at its usual level.
    pub(super) fn text_and_reason(self) -> Response {
        let reason = self.with_code().replace(|c: char| !c.is_ascii(), "?");
        let mut answer = self.text();
        if let Ok(reason) = ReasonPhrase::try_from(reason) {
            answer.extensions_mut().insert(reason);
        }
        answer
    }

    /// Logs what happened and tells the caller no more than that something did.
    pub(super) fn internal(error: &(dyn std::error::Error + 'static)) -> Self {
        tracing::error!(error, "a request failed");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "the registry failed; its log says why")
    }
}

/// An answer, with the header that one of the status 405 has (RFC 9110, section 15.5.6). The router knows it for its own paths.
fn with_allow(mut answer: Response, allow: Option<&'static str>) -> Response {
    if let Some(allow) = allow {
        answer.headers_mut().insert(ALLOW, HeaderValue::from_static(allow));
    }
    answer
}

impl From<Denied> for Failure {
    fn from(denied: Denied) -> Self {
        Self::new(denied.status, denied.message)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::internal(&error)
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
    fn a_text_ends_with_the_code_however_long_the_message_is() {
        let failure = Failure::malformed("x".repeat(5_000));
        let diagnosis = Diagnosis::new("a-code", oidc_core::Target::Field("file".to_owned()), "a problem");
        let text = failure.with_diagnosis(diagnosis).with_code();
        assert!(text.ends_with("x (a-code)") && text.len() < MAX_MESSAGE_CHARS + 20, "{text}");
        assert_eq!(Failure::malformed("a message").with_code(), "a message");
    }

    #[test]
    fn messages_are_bounded() {
        assert_eq!(printable(&"x".repeat(5_000)).len(), MAX_MESSAGE_CHARS);
    }
}
