use async_trait::async_trait;
use oidc_core::{Audience, Command, Context, Detection, IdToken, SourceError, TokenSource};
use serde_json::json;

use crate::command::{token_by, variable_line};

/// Returns a token source, if the job runs on CircleCI.
pub(super) fn detect(detection: &Detection<'_>, asks_root: bool) -> Option<Box<dyn TokenSource>> {
    let context = detection.context;
    if context.environment().get("CIRCLECI") != Some("true") {
        return None;
    }
    let variable = detection.token_variables.first().map(|&name| name.to_owned());
    Some(Box::new(CircleCiSource { context: context.clone(), asks_root, variable }))
}

/// The command that prints a token.
pub(super) fn command(audience: &Audience, asks_root: bool) -> Command {
    let claims = json!({ "aud": audience.as_str() }).to_string();
    let root = asks_root.then_some("--root-issuer");
    let arguments = ["run", "oidc", "get"].into_iter().chain(root).chain(["--claims", &claims]);
    Command::new("circleci", arguments)
}

/// A token source that asks the job's own command.
#[derive(Debug)]
struct CircleCiSource {
    context: Context,
    asks_root: bool,
    /// The variable that the registry's other tools read.
    variable: Option<String>,
}

#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
impl TokenSource for CircleCiSource {
    fn provider(&self) -> &str {
        super::ID
    }

    async fn token(&self, audience: &Audience) -> Result<IdToken, SourceError> {
        let command = command(audience, self.asks_root);
        let fix = self.fix(&command);
        token_by(&self.context, command, audience, &fix).await
    }

    fn is_renewable(&self) -> bool {
        true
    }
}

impl CircleCiSource {
    /// The fix where the command gives no token.
    fn fix(&self, command: &Command) -> String {
        let fix = "publish in a CircleCI job of an executor with the command `circleci`, which every one of theirs has; \
                   `CIRCLE_OIDC_TOKEN` and `CIRCLE_OIDC_TOKEN_V2` are for another audience";
        match &self.variable {
            Some(variable) => {
                format!("{fix}; for tools that ask no platform, {}", variable_line(variable, command))
            }
            None => fix.to_owned(),
        }
    }
}
