use async_trait::async_trait;
use oidc_core::{Audience, Command, Context, Detection, IdToken, SourceError, TokenSource};
use serde_json::json;

use crate::command::token_by;

/// What to do where the command gives no token.
const FIX: &str = "publish in a CircleCI job of an executor with the command `circleci`, which every one of theirs has; \
                   `CIRCLE_OIDC_TOKEN` and `CIRCLE_OIDC_TOKEN_V2` are for another audience";

/// A source, if the job runs on CircleCI.
pub(super) fn detect(detection: &Detection<'_>, asks_root: bool) -> Option<Box<dyn TokenSource>> {
    if detection.context.environment().get("CIRCLECI") != Some("true") {
        return None;
    }
    Some(Box::new(CircleCiSource { context: detection.context.clone(), asks_root }))
}

/// Asks the job's own command for tokens.
#[derive(Debug)]
struct CircleCiSource {
    context: Context,
    asks_root: bool,
}

#[async_trait]
impl TokenSource for CircleCiSource {
    fn provider(&self) -> &str {
        super::ID
    }

    async fn token(&self, audience: &Audience) -> Result<IdToken, SourceError> {
        let mut arguments = vec!["run".to_owned(), "oidc".to_owned(), "get".to_owned()];
        if self.asks_root {
            arguments.push("--root-issuer".to_owned());
        }
        arguments.extend(["--claims".to_owned(), json!({ "aud": audience.as_str() }).to_string()]);
        token_by(&self.context, Command::new("circleci", arguments), audience, FIX).await
    }

    fn is_renewable(&self) -> bool {
        true
    }
}
