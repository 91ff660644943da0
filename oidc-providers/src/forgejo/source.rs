use async_trait::async_trait;
use oidc_core::http::Request;
use oidc_core::{
    Audience, Context, Detection, Diagnosis, HttpUrl, IdToken, Secret, SourceError, SourceErrorKind, Target,
    TokenSource,
};
use serde::Deserialize;

use crate::codes;
use crate::endpoint::Endpoint;
use crate::links;
use crate::runner::{REQUEST_TOKEN, REQUEST_URL, is_forgejos, request_url};

const FIX: &str =
    "a job may ask until it ends, and not outside of it; check `enable-openid-connect: true` in the workflow";

/// Returns a token source, if the job runs on Forgejo Actions.
pub(super) fn detect(detection: &Detection<'_>) -> Result<Option<Box<dyn TokenSource>>, SourceError> {
    let context = detection.context;
    let environment = context.environment();
    if !is_forgejos(environment) {
        return Ok(None);
    }
    let Some(url) = environment.get(REQUEST_URL) else { return Err(not_enabled(REQUEST_URL)) };
    let Some(token) = environment.get(REQUEST_TOKEN) else { return Err(not_enabled(REQUEST_TOKEN)) };
    let fix = "leave the variable as the runner sets it; an instance has to be reached over https";
    let url = request_url(url, codes::FORGEJO_REQUEST_URL, fix)?;
    Ok(Some(Box::new(ForgejoSource { context: context.clone(), url, token: Secret::new(token) })))
}

/// The error of a job whose workflow asks for no tokens.
fn not_enabled(missing: &str) -> SourceError {
    let problem = format!(
        "this job may not ask for identity tokens: variable `{missing}` is not set; Forgejo has no `permissions` for it"
    );
    let diagnosis =
        Diagnosis::new(codes::FORGEJO_NOT_ENABLED, Target::Variable(missing.to_owned()), problem)
            .fix("add `enable-openid-connect: true` to the workflow or the job; it needs Forgejo 15 and its runner")
            .link(links::FORGEJO_OIDC);
    SourceError::new(SourceErrorKind::NotPermitted, diagnosis)
}

/// A token source that asks the job's instance.
#[derive(Debug)]
struct ForgejoSource {
    context: Context,
    url: HttpUrl,
    token: Secret,
}

#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
impl TokenSource for ForgejoSource {
    fn provider(&self) -> &str {
        super::ID
    }

    async fn token(&self, audience: &Audience) -> Result<IdToken, SourceError> {
        let endpoint = Endpoint::new(&self.context, "Forgejo", FIX);
        let request = Request::get(self.url.with_query("audience", audience.as_str()))
            .bearer(&self.token)
            .header("accept", "application/json");
        let response = endpoint.ask(request, Some(&self.token)).await?;
        endpoint.token(&self.url, response.json::<Answer>().map(|answer| answer.value), audience)
    }

    fn is_renewable(&self) -> bool {
        true
    }
}

#[derive(Deserialize)]
struct Answer {
    value: String,
}
