use async_trait::async_trait;
use oidc_core::http::{HeaderValue, Request};
use oidc_core::{
    Audience, Command, Context, Detection, Diagnosis, HttpUrl, IdToken, Secret, SourceError, SourceErrorKind,
    Target, TokenSource,
};
use serde_json::json;

use crate::codes;
use crate::command::token_by;
use crate::endpoint::Endpoint;
use crate::rules::link::is_uuid;

const ACCESS_TOKEN: &str = "BUILDKITE_AGENT_ACCESS_TOKEN";
const ENDPOINT: &str = "BUILDKITE_AGENT_ENDPOINT";
const JOB_ID: &str = "BUILDKITE_JOB_ID";

/// The address of the agent's API, unless the agent names another.
const DEFAULT_ENDPOINT: &str = "https://agent.buildkite.com/v3";

/// The claims to ask for: the ids that a registry pins.
const IDS: [&str; 2] = ["organization_id", "pipeline_id"];

const COMMAND_FIX: &str = "publish in a step whose machine has the command `buildkite-agent` and lets it reach its agent; \
                           a container needs `mount-buildkite-agent` and `propagate-environment`";

const API_FIX: &str = "publish while the job runs, with the agent's own access token; run the job again";

/// Returns a token source, if the job runs on Buildkite.
pub(super) fn detect(detection: &Detection<'_>) -> Result<Option<Box<dyn TokenSource>>, SourceError> {
    let context = detection.context;
    if context.environment().get("BUILDKITE") != Some("true") {
        return Ok(None);
    }
    let api = Api::of(context)?;
    Ok(Some(Box::new(BuildkiteSource { context: context.clone(), api })))
}

/// The command that prints a token.
pub(super) fn command(audience: &Audience) -> Command {
    let mut arguments = vec!["oidc", "request-token", "--audience", audience.as_str()];
    for id in IDS {
        arguments.extend(["--claim", id]);
    }
    Command::new("buildkite-agent", arguments)
}

/// A token source that asks the agent's command, and the agent's API where there is no command.
#[derive(Debug)]
struct BuildkiteSource {
    context: Context,
    api: Option<Api>,
}

#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
impl TokenSource for BuildkiteSource {
    fn provider(&self) -> &str {
        super::ID
    }

    async fn token(&self, audience: &Audience) -> Result<IdToken, SourceError> {
        let asked = token_by(&self.context, command(audience), audience, COMMAND_FIX).await;
        match (asked, &self.api) {
            // Only a missing command leads on to the API: any other error is the agent's answer.
            (Err(error), Some(api)) if error.kind() == SourceErrorKind::Missing => {
                api.token(&self.context, audience).await
            }
            (asked, _) => asked,
        }
    }

    fn is_renewable(&self) -> bool {
        true
    }
}

/// The agent's API, which the command asks too.
#[derive(Debug)]
struct Api {
    url: HttpUrl,
    access_token: Secret,
}

impl Api {
    /// Returns the API, where the environment has the secret and the job's id that it requires.
    fn of(context: &Context) -> Result<Option<Self>, SourceError> {
        let environment = context.environment();
        let (Some(token), Some(job)) = (environment.get(ACCESS_TOKEN), environment.get(JOB_ID)) else {
            return Ok(None);
        };
        let endpoint = HttpUrl::parse(environment.get(ENDPOINT).unwrap_or(DEFAULT_ENDPOINT));
        let endpoint = endpoint.map_err(|error| {
            let problem =
                format!("variable `{ENDPOINT}` is no address that a token may be asked from: {error}");
            let diagnosis =
                Diagnosis::new(codes::BUILDKITE_ENDPOINT, Target::Variable(ENDPOINT.to_owned()), problem);
            let diagnosis = diagnosis.fix("leave the variable as the agent sets it");
            SourceError::new(SourceErrorKind::Unavailable, diagnosis).with_source(error)
        })?;
        // The id becomes a segment of the URL's path, so no other text may be in it.
        if !is_uuid(job) {
            let problem = format!("variable `{JOB_ID}` is not the id of a job: expected a UUID");
            let diagnosis =
                Diagnosis::new(codes::BUILDKITE_JOB_ID, Target::Variable(JOB_ID.to_owned()), problem);
            let diagnosis = diagnosis.fix("leave the variable as the agent sets it");
            return Err(SourceError::new(SourceErrorKind::Unavailable, diagnosis));
        }
        let url = endpoint.below(&format!("jobs/{job}/oidc/tokens"));
        Ok(Some(Self { url, access_token: Secret::new(token) }))
    }

    async fn token(&self, context: &Context, audience: &Audience) -> Result<IdToken, SourceError> {
        let endpoint = Endpoint::new(context, "Buildkite", API_FIX);
        let body = json!({ "audience": audience.as_str(), "claims": IDS }).to_string();
        let mut request = Request::post(self.url.clone()).body("application/json", body);
        let authorization = Secret::new(format!("Token {}", self.access_token.expose()));
        request.headers.push(("authorization", HeaderValue::Secret(authorization)));
        endpoint.token_in("token", request, Some(&self.access_token), audience).await
    }
}
