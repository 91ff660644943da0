use oidc_core::{Audience, Detection, TokenSource, shown};

use crate::codes;
use crate::links;
use crate::variable::JobVariables;

/// Returns a token source, if the job runs on GitLab CI. The variables are those that the registry or the user names.
pub(super) fn detect(detection: &Detection<'_>) -> Option<Box<dyn TokenSource>> {
    detection.context.environment().get("GITLAB_CI").filter(|value| *value == "true")?;
    Some(Box::new(JobVariables {
        context: detection.context.clone(),
        provider: super::ID,
        names: detection.token_variables.iter().map(|&name| name.to_owned()).collect(),
        is_named_after_audience: true,
        missing: (codes::GITLAB_ID_TOKEN_MISSING, |names| {
            format!("GitLab put no identity token into the job: {} is not set", names.join(" or "))
        }),
        fix: declaration,
        where_missing: "add to the job in the CI configuration: ",
        link: links::GITLAB_ID_TOKENS,
    }))
}

/// The line with which a job declares a token.
fn declaration(variable: &str, audience: &Audience) -> String {
    let aud = serde_json::Value::from(audience.as_str()).to_string();
    format!("`id_tokens: {{ {variable}: {{ aud: {} }} }}`", shown(&aud))
}

/// The instruction to put a token into a variable.
pub(super) fn variable_line(variable: &str, audience: &Audience) -> String {
    format!("write into the job in the CI configuration: {}", declaration(variable, audience))
}
