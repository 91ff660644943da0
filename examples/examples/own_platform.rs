//! A CI platform that the library does not have, both halves: where its jobs get identity tokens, and who may publish with one.
//! It needs `oidc-core` alone.
//!
//! `cargo run --example own_platform -- npm:registry.example` prints the length of a token, in a job of Forge.

use std::borrow::Cow;
use std::error::Error;
use std::io::Write as _;

use async_trait::async_trait;
use oidc_core::http::{Request, message_without};
use oidc_core::{
    Ambient, Audience, ClaimRule, Claims, Context, Detection, Diagnosis, HttpUrl, IdToken, Identity,
    ImmutableId, InvalidPublisher, InvalidUrl, Issuer, Match, Mismatch, Profile, Provider, ProviderSet,
    Publisher, PublisherField, Run, Secret, SourceError, SourceErrorKind, Target, TokenSource, Verified,
};
use serde::Deserialize;
use serde_json::Value;

const ID: &str = "forge";
const TOKEN_URL: &str = "FORGE_TOKEN_URL";
const TOKEN_KEY: &str = "FORGE_TOKEN_KEY";

const CLAIMS: &[ClaimRule] = &[
    ClaimRule::registered("iss"),
    ClaimRule::registered("aud"),
    ClaimRule::registered("exp"),
    ClaimRule::registered("iat"),
    ClaimRule::registered("jti"),
    ClaimRule::required("project"),
    ClaimRule::required("project_uid").immutable(),
    ClaimRule::required("pipeline"),
    ClaimRule::optional("stage"),
    ClaimRule::ignored("sub"),
];

const FIELDS: &[PublisherField] = &[
    PublisherField::required("project", "Project").found_by().example("acme/widget"),
    PublisherField::required("pipeline", "Pipeline").example("publish"),
    PublisherField::optional("stage", "Stage").recommended().example("release"),
    PublisherField::id("project_uid", "Project id").example("123456"),
];

/// Forge with one issuer.
#[derive(Debug)]
pub(crate) struct Forge {
    profile: Profile,
    issuer: String,
}

impl Forge {
    pub(crate) fn at(issuer: &str) -> Result<Self, InvalidUrl> {
        Ok(Self { profile: Profile::new(vec![Issuer::new(issuer)?], CLAIMS), issuer: issuer.to_owned() })
    }
}

impl Provider for Forge {
    fn id(&self) -> &'static str {
        ID
    }

    fn profile(&self) -> &Profile {
        &self.profile
    }

    fn detect(&self, detection: &Detection<'_>) -> Result<Option<Box<dyn TokenSource>>, SourceError> {
        let environment = detection.context.environment();
        if !environment.is_true("FORGE_CI") {
            return Ok(None);
        }
        let (Some(url), Some(key)) = (environment.get(TOKEN_URL), environment.get(TOKEN_KEY)) else {
            let subject = Target::Variable(TOKEN_URL.to_owned());
            let problem = "this job of Forge may not ask for identity tokens";
            let diagnosis = Diagnosis::new("forge-not-permitted", subject, problem)
                .fix("add `identity: true` to the job");
            return Err(SourceError::new(SourceErrorKind::NotPermitted, diagnosis));
        };
        let url = HttpUrl::parse(url).map_err(|error| {
            let subject = Target::Variable(TOKEN_URL.to_owned());
            let diagnosis = Diagnosis::new("forge-url", subject, error.to_string());
            SourceError::new(SourceErrorKind::Unavailable, diagnosis)
        })?;
        Ok(Some(Box::new(ForgeSource { context: detection.context.clone(), url, key: Secret::new(key) })))
    }

    fn identify(&self, claims: &Verified<Claims>) -> Result<Identity, Mismatch> {
        Ok(Identity::new(claims.issuer(), required(claims, "project")?))
    }

    fn title(&self) -> &'static str {
        "Forge"
    }

    fn publisher_fields(&self) -> &'static [PublisherField] {
        FIELDS
    }

    fn publisher(&self, config: &Value) -> Result<Box<dyn Publisher>, InvalidPublisher> {
        InvalidPublisher::check_config(FIELDS, config)?;
        let config: Config = serde_json::from_value(config.clone()).map_err(|error| {
            let subject = Target::Field("publisher".to_owned());
            InvalidPublisher::new(Diagnosis::new("forge-publisher", subject, error.to_string()))
        })?;
        Ok(Box::new(ForgePublisher { issuer: self.issuer.clone(), config }))
    }

    fn run(&self, claims: &Verified<Claims>) -> Run {
        let mut run = Run::default();
        run.repository = claims.text("project").map(Cow::into_owned);
        run
    }
}

/// Where a job of Forge gets its tokens.
#[derive(Debug)]
struct ForgeSource {
    context: Context,
    url: HttpUrl,
    key: Secret,
}

#[async_trait]
impl TokenSource for ForgeSource {
    fn provider(&self) -> &str {
        ID
    }

    async fn token(&self, audience: &Audience) -> Result<IdToken, SourceError> {
        let failed = |kind, problem: String| {
            SourceError::new(kind, Diagnosis::new("forge-token", Target::Url(self.url.to_string()), problem))
        };
        let request = Request::post(self.url.with_query("for", audience.as_str())).bearer(&self.key);
        let answer = self.context.send_with_retries(request).await;
        let answer = answer.map_err(|error| {
            let problem = format!("Forge can't be asked: {}", error.to_text());
            failed(SourceErrorKind::Unavailable, problem).with_source(error)
        })?;
        if !answer.is_success() {
            let problem =
                message_without(&answer, &self.key).unwrap_or_else(|| format!("status {}", answer.status));
            return Err(failed(SourceErrorKind::Rejected, problem));
        }
        let token = String::from_utf8_lossy(&answer.body);
        let token = self.context.id_token(token, audience);
        token.map_err(|error| {
            let problem = format!("what Forge gave can't be used: {error}");
            failed(SourceErrorKind::InvalidToken, problem).with_source(error)
        })
    }

    fn is_renewable(&self) -> bool {
        true
    }
}

/// A project's pipeline that may publish.
#[derive(Debug)]
struct ForgePublisher {
    issuer: String,
    config: Config,
}

#[derive(Debug, Deserialize)]
struct Config {
    project: String,
    pipeline: String,
    stage: Option<String>,
    project_uid: Option<String>,
}

impl Publisher for ForgePublisher {
    fn identity(&self) -> Identity {
        Identity::new(&self.issuer, &self.config.project)
    }

    /// The issuer and the name first, then the id that outlives it, then all other rules: whoever has the name and another id is a
    /// stranger and is told nothing of the configuration.
    fn check(&self, claims: &Verified<Claims>) -> Result<Match, Mismatch> {
        let Config { project, pipeline, stage, project_uid } = &self.config;
        is(claims, "iss", &self.issuer)?;
        is(claims, "project", project)?;
        let found = required(claims, "project_uid")?;
        let learned = match project_uid {
            Some(id) if *id == found => Vec::new(),
            Some(_) => {
                let subject = Target::Claim("project_uid".to_owned());
                let diagnosis = Diagnosis::new("forge-claim", subject, "another project of the same name");
                return Err(Mismatch::stranger(diagnosis.found(found)));
            }
            None => vec![ImmutableId::new("project_uid", found)],
        };
        is(claims, "pipeline", pipeline)?;
        if let Some(stage) = stage {
            is(claims, "stage", stage)?;
        }
        Ok(Match::new(u32::from(stage.is_some()), learned))
    }

    fn describe(&self) -> String {
        format!("project {}, pipeline {}", self.config.project, self.config.pipeline)
    }
}

fn required<'a>(claims: &'a Claims, name: &str) -> Result<Cow<'a, str>, Mismatch> {
    claims.text(name).ok_or_else(|| {
        let subject = Target::Claim(name.to_owned());
        Mismatch::new(Diagnosis::new("forge-claim", subject, format!("claim `{name}` is not a text")))
    })
}

fn is(claims: &Claims, name: &str, expected: &str) -> Result<(), Mismatch> {
    let found = required(claims, name)?;
    if found == expected {
        return Ok(());
    }
    let problem = format!("claim `{name}` is not the publisher's");
    let diagnosis = Diagnosis::new("forge-claim", Target::Claim(name.to_owned()), problem);
    Err(Mismatch::new(diagnosis.found(found).expected(expected)))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let audience = Audience::new(std::env::args().nth(1).ok_or("which audience?")?)?;
    let providers = ProviderSet::default().with(Forge::at("https://forge.example")?);
    let cx = Context::system()?;
    let token = Ambient::detect(&providers, &cx)?.token(&audience).await?;
    Ok(writeln!(std::io::stdout(), "a token of {} characters", token.secret().expose().len())?)
}
