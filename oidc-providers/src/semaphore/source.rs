use async_trait::async_trait;
use oidc_core::{Audience, Detection, IdToken, SourceError, TokenSource};

use crate::codes;
use crate::fixed_audience;
use crate::links;
use crate::variable::JobVariables;

const TOKEN: &str = "SEMAPHORE_OIDC_TOKEN";

/// Returns a token source, if the job runs on Semaphore.
pub(super) fn detect(detection: &Detection<'_>) -> Option<Box<dyn TokenSource>> {
    if detection.context.environment().get("SEMAPHORE") != Some("true") {
        return None;
    }
    Some(Box::new(SemaphoreSource(JobVariables {
        context: detection.context.clone(),
        provider: super::ID,
        names: vec![TOKEN.to_owned()],
        is_named_after_audience: false,
        missing: (codes::SEMAPHORE_TOKEN_MISSING, |_| {
            "Semaphore put no identity token into the job: variable `SEMAPHORE_OIDC_TOKEN` is not set"
                .to_owned()
        }),
        fix,
        where_missing: "",
        link: links::SEMAPHORE_OIDC,
    })))
}

fn fix(_variable: &str, _audience: &Audience) -> String {
    "publish in a job of Semaphore Cloud, on a plan with OpenID Connect".to_owned()
}

/// A token source that reads the job's variable.
#[derive(Debug)]
struct SemaphoreSource(JobVariables);

#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
impl TokenSource for SemaphoreSource {
    fn provider(&self) -> &str {
        self.0.provider()
    }

    async fn token(&self, audience: &Audience) -> Result<IdToken, SourceError> {
        self.0.token(audience).await.map_err(|error| fixed_audience::explained(error, "Semaphore"))
    }
}
