use std::error::Error;

use crate::http::HttpErrorKind;

/// The failure of a request.
pub(super) struct Failure {
    pub(super) kind: HttpErrorKind,
    pub(super) source: Option<Box<dyn Error + Send + Sync>>,
}

impl From<HttpErrorKind> for Failure {
    fn from(kind: HttpErrorKind) -> Self {
        Self { kind, source: None }
    }
}
