//! Answers in place of the page that was asked for.

use std::fmt;

use axum::response::{IntoResponse, Response};

/// An answer in place of the page that was asked for.
pub(super) struct Refused(Box<Response>);

impl Refused {
    pub(super) fn of(response: Response) -> Self {
        Self(Box::new(response))
    }
}

impl fmt::Debug for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Refused").field(&self.0.status()).finish()
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        *self.0
    }
}
