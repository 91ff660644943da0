use oidc_core::{Audience, Detection, TokenSource, shown};

use crate::codes;
use crate::links;
use crate::variable::JobVariables;

const TOKEN: &str = "BITBUCKET_STEP_OIDC_TOKEN";

/// Returns a token source, if the job runs on Bitbucket Pipelines.
pub(super) fn detect(detection: &Detection<'_>) -> Option<Box<dyn TokenSource>> {
    detection.context.environment().get("BITBUCKET_BUILD_NUMBER")?;
    Some(Box::new(JobVariables {
        context: detection.context.clone(),
        provider: super::ID,
        names: vec![TOKEN.to_owned()],
        is_named_after_audience: false,
        missing: (codes::BITBUCKET_TOKEN_MISSING, |_| {
            "Bitbucket put no identity token into the step: variable `BITBUCKET_STEP_OIDC_TOKEN` is not set"
                .to_owned()
        }),
        fix: declaration,
        where_missing: "",
        link: links::BITBUCKET_OIDC,
    }))
}

/// The lines with which a step asks for a token.
fn declaration(_variable: &str, audience: &Audience) -> String {
    let audience = serde_json::Value::from(audience.as_str()).to_string();
    format!(
        "write into the step, and name no other audience there: `oidc: {{ audiences: [{}] }}`",
        shown(&audience)
    )
}
