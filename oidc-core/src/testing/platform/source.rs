use async_trait::async_trait;

use super::{FakePlatform, ID};
use crate::context::Context;
use crate::diagnosis::{Diagnosis, Target};
use crate::source::{SourceError, SourceErrorKind, TokenSource};
use crate::token::{Audience, IdToken};

/// A source whose tokens are signed where it is.
#[derive(Debug)]
pub(super) struct FakeSource {
    pub(super) platform: FakePlatform,
    pub(super) context: Context,
}

#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
impl TokenSource for FakeSource {
    fn provider(&self) -> &str {
        ID
    }

    async fn token(&self, audience: &Audience) -> Result<IdToken, SourceError> {
        let now = self.context.clock().now();
        if self.platform.until.is_some_and(|until| until <= now) {
            let diagnosis =
                Diagnosis::new("fake-gone", Target::Platform, "the platform gives no more tokens");
            return Err(SourceError::new(SourceErrorKind::Unavailable, diagnosis));
        }
        let token = self.platform.token(audience.as_str(), now.as_secs());
        self.context.id_token(token, audience).map_err(|error| {
            let diagnosis = Diagnosis::new("fake-token", Target::Token, error.to_string());
            SourceError::new(SourceErrorKind::InvalidToken, diagnosis).with_source(error)
        })
    }

    fn is_renewable(&self) -> bool {
        self.platform.is_renewable
    }
}
