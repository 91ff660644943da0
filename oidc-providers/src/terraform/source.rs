use oidc_core::{Audience, Detection, TokenSource, shown};

use crate::codes;
use crate::links;
use crate::variable::JobVariables;

const TOKEN: &str = "TFC_WORKLOAD_IDENTITY_TOKEN";

/// The number of variables that are read: a workspace may name tokens for several services.
const MAX_TOKENS: usize = 32;

/// Returns a token source, if the job runs on HCP Terraform.
pub(super) fn detect(detection: &Detection<'_>) -> Option<Box<dyn TokenSource>> {
    let environment = detection.context.environment();
    let is_tagged = |name: &&str| name.strip_prefix(TOKEN).is_some_and(|tag| tag.starts_with('_'));
    let mut tagged: Vec<&str> = environment.names().filter(is_tagged).take(MAX_TOKENS).collect();
    if environment.get("TFC_RUN_ID").is_none() && environment.get(TOKEN).is_none() && tagged.is_empty() {
        return None;
    }
    tagged.sort_unstable();
    let names = [TOKEN].into_iter().chain(tagged).map(str::to_owned).collect();
    Some(Box::new(JobVariables {
        context: detection.context.clone(),
        provider: super::ID,
        names,
        is_named_after_audience: false,
        missing: (codes::TERRAFORM_TOKEN_MISSING, |_| {
            "HCP Terraform put no identity token into the run: variable `TFC_WORKLOAD_IDENTITY_TOKEN` is not set".to_owned()
        }),
        fix,
        where_missing: "",
        link: links::TERRAFORM_OIDC,
    }))
}

fn fix(_variable: &str, audience: &Audience) -> String {
    format!(
        "set the workspace's environment variable `TFC_WORKLOAD_IDENTITY_AUDIENCE` to `{}`, or with a tag, such as \
         `TFC_WORKLOAD_IDENTITY_AUDIENCE_NPM`, for a second token",
        shown(audience.as_str())
    )
}
