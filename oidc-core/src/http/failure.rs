use std::error::Error;

use crate::http::HttpErrorKind;

/// The reason why a client on the real network got no answer, before it is an [`HttpError`](super::HttpError) with the request's
/// address.
pub(super) struct SendFailure {
    pub(super) kind: HttpErrorKind,
    pub(super) source: Option<Box<dyn Error + Send + Sync>>,
}

impl From<HttpErrorKind> for SendFailure {
    fn from(kind: HttpErrorKind) -> Self {
        Self { kind, source: None }
    }
}
