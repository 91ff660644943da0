use oidc_core::{Diagnosis, SourceError};

use super::error::ExchangeError;

/// The reason for which there is no publish token.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// The job got no identity token.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The registry gave no publish token for it.
    #[error(transparent)]
    Exchange(#[from] ExchangeError),
}

impl Failure {
    /// The diagnosis: what is wrong and what to change.
    pub fn diagnosis(&self) -> &Diagnosis {
        match self {
            Self::Source(error) => error.diagnosis(),
            Self::Exchange(error) => error.diagnosis(),
        }
    }
}
