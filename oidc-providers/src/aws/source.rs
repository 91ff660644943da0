use async_trait::async_trait;
use oidc_core::{Audience, Command, Context, Detection, IdToken, SourceError, TokenSource};

use crate::command::token_by;

/// The lifetime that is asked for, in seconds: an exchange follows at once.
const DURATION: &str = "300";

const FIX: &str = "publish with AWS's command line of version 2 and a region set, as a role that may call `sts:GetWebIdentityToken`, \
                   in an account for which `aws iam enable-outbound-web-identity-federation` was run";

/// Returns a token source, if the job runs on AWS CodeBuild.
pub(super) fn detect(detection: &Detection<'_>) -> Option<Box<dyn TokenSource>> {
    detection.context.environment().get("CODEBUILD_BUILD_ID")?;
    Some(Box::new(AwsSource { context: detection.context.clone() }))
}

/// The command that prints a token.
pub(super) fn command(audience: &Audience) -> Command {
    Command::new(
        "aws",
        [
            "sts",
            "get-web-identity-token",
            "--audience",
            audience.as_str(),
            "--signing-algorithm",
            "ES384",
            "--duration-seconds",
            DURATION,
            "--query",
            "WebIdentityToken",
            "--output",
            "text",
        ],
    )
}

/// A token source that asks AWS's command line.
#[derive(Debug)]
struct AwsSource {
    context: Context,
}

#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
impl TokenSource for AwsSource {
    fn provider(&self) -> &str {
        super::ID
    }

    async fn token(&self, audience: &Audience) -> Result<IdToken, SourceError> {
        token_by(&self.context, command(audience), audience, FIX).await
    }

    fn is_renewable(&self) -> bool {
        true
    }
}
