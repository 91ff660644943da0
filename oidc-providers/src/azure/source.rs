use async_trait::async_trait;
use oidc_core::http::Request;
use oidc_core::{
    Audience, Context, Detection, Diagnosis, HttpUrl, IdToken, Secret, SourceError, SourceErrorKind, Target,
    TokenSource,
};

use crate::codes;
use crate::endpoint::Endpoint;
use crate::fixed_audience;
use crate::links;

const REQUEST_URI: &str = "SYSTEM_OIDCREQUESTURI";
const ACCESS_TOKEN: &str = "SYSTEM_ACCESSTOKEN";

/// The version of the API that a token is asked from.
const API_VERSION: &str = "7.1";

const FIX: &str = "publish while the job runs, with the job's own `SYSTEM_ACCESSTOKEN`; run the job again";

/// Returns a token source, if the job runs on Azure Pipelines.
pub(super) fn detect(detection: &Detection<'_>) -> Result<Option<Box<dyn TokenSource>>, SourceError> {
    let context = detection.context;
    let environment = context.environment();
    if !environment.get("TF_BUILD").is_some_and(|value| value.eq_ignore_ascii_case("true")) {
        return Ok(None);
    }
    let Some(uri) = environment.get(REQUEST_URI) else { return Err(not_permitted(REQUEST_URI)) };
    let Some(token) = environment.get(ACCESS_TOKEN) else { return Err(not_permitted(ACCESS_TOKEN)) };
    let url = HttpUrl::parse(uri).map_err(|error| {
        let problem =
            format!("variable `{REQUEST_URI}` is not a URL that a token may be asked from: {error}");
        let subject = Target::Variable(REQUEST_URI.to_owned());
        let diagnosis = Diagnosis::new(codes::AZURE_REQUEST_URI, subject, problem)
            .fix("leave the variable as the agent sets it");
        SourceError::new(SourceErrorKind::Unavailable, diagnosis).with_source(error)
    })?;
    let url = url.with_query("api-version", API_VERSION);
    Ok(Some(Box::new(AzureSource { context: context.clone(), url, token: Secret::new(token) })))
}

/// The error of a step that does not see what it has to ask with.
fn not_permitted(missing: &str) -> SourceError {
    let problem = format!("this step may not ask for identity tokens: variable `{missing}` is not set");
    let fix = match missing {
        ACCESS_TOKEN => "map it in the step: `env: { SYSTEM_ACCESSTOKEN: $(System.AccessToken) }`",
        _ => "publish in a job of Azure Pipelines whose agent sets it; older agents and servers do not",
    };
    let diagnosis = Diagnosis::new(codes::AZURE_NOT_PERMITTED, Target::Variable(missing.to_owned()), problem);
    SourceError::new(SourceErrorKind::NotPermitted, diagnosis.fix(fix).link(links::AZURE_OIDC))
}

/// A token source that asks the job's organization.
#[derive(Debug)]
struct AzureSource {
    context: Context,
    url: HttpUrl,
    token: Secret,
}

#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
impl TokenSource for AzureSource {
    fn provider(&self) -> &str {
        super::ID
    }

    async fn token(&self, audience: &Audience) -> Result<IdToken, SourceError> {
        let endpoint = Endpoint::new(&self.context, "Azure Pipelines", FIX);
        // Without this header a refusal is a redirect to a page where a person logs in.
        let request = Request::post(self.url.clone())
            .bearer(&self.token)
            .header("x-tfs-fedauthredirect", "Suppress")
            .body("application/json", "");
        let token = endpoint.token_in("oidcToken", request, Some(&self.token), audience).await;
        token.map_err(|error| fixed_audience::explained(error, "Azure Pipelines"))
    }

    fn is_renewable(&self) -> bool {
        true
    }
}
