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
    InvalidPublisher, InvalidUrl, Issuer, Mismatch, Profile, Provider, ProviderSet, Publisher,
    PublisherField, Run, Secret, SourceError, SourceErrorKind, TablePublisher, Target, TokenSource, Verified,
};
use serde_json::Value;

const TOKEN_URL: &str = "FORGE_TOKEN_URL";

const CLAIMS: &[ClaimRule] = &[
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
        "forge"
    }

    fn profile(&self) -> &Profile {
        &self.profile
    }

    fn detect(&self, detection: &Detection<'_>) -> Result<Option<Box<dyn TokenSource>>, SourceError> {
        let environment = detection.context.environment();
        if !environment.is_true("FORGE_CI") {
            return Ok(None);
        }
        let unusable = |kind, code, problem: &str| {
            let diagnosis = Diagnosis::new(code, Target::Variable(TOKEN_URL.to_owned()), problem);
            SourceError::new(kind, diagnosis.fix("add `identity: true` to the job"))
        };
        let (Some(url), Some(key)) = (environment.get(TOKEN_URL), environment.get("FORGE_TOKEN_KEY")) else {
            let problem = "this job of Forge may not ask for identity tokens";
            return Err(unusable(SourceErrorKind::NotPermitted, "forge-not-permitted", problem));
        };
        let url = HttpUrl::parse(url)
            .map_err(|error| unusable(SourceErrorKind::Unavailable, "forge-url", &error.to_string()))?;
        Ok(Some(Box::new(ForgeSource { context: detection.context.clone(), url, key: Secret::new(key) })))
    }

    fn source_variables(&self) -> &'static [&'static str] {
        &["FORGE_CI", TOKEN_URL, "FORGE_TOKEN_KEY"]
    }

    fn identify(&self, claims: &Verified<Claims>) -> Result<Identity, Mismatch> {
        TablePublisher::identify(FIELDS, claims)
    }

    fn title(&self) -> &'static str {
        "Forge"
    }

    fn publisher_fields(&self) -> &'static [PublisherField] {
        FIELDS
    }

    fn publisher(&self, config: &Value) -> Result<Box<dyn Publisher>, InvalidPublisher> {
        Ok(Box::new(TablePublisher::new(FIELDS, &self.issuer, config)?))
    }

    fn run(&self, claims: &Verified<Claims>) -> Run {
        let mut run = Run::default();
        run.repository = claims.text("project").map(Cow::into_owned);
        run
    }
}

/// The token source of a job on Forge.
#[derive(Debug)]
struct ForgeSource {
    context: Context,
    url: HttpUrl,
    key: Secret,
}

#[async_trait]
impl TokenSource for ForgeSource {
    fn provider(&self) -> &str {
        "forge"
    }

    async fn token(&self, audience: &Audience) -> Result<IdToken, SourceError> {
        let failed = |kind, problem: String| {
            SourceError::new(kind, Diagnosis::new("forge-token", Target::Url(self.url.to_string()), problem))
        };
        let request = Request::post(self.url.with_query("for", audience.as_str())).bearer(&self.key);
        let answer = self.context.send_with_retries(request).await.map_err(|error| {
            let problem = format!("Forge can't be asked: {}", error.to_text());
            failed(SourceErrorKind::Unavailable, problem).with_source(error)
        })?;
        if !answer.is_success() {
            let problem =
                message_without(&answer, &self.key).unwrap_or_else(|| format!("status {}", answer.status));
            return Err(failed(SourceErrorKind::Rejected, problem));
        }
        self.context.id_token(String::from_utf8_lossy(&answer.body), audience).map_err(|error| {
            let problem = format!("what Forge gave can't be used: {error}");
            failed(SourceErrorKind::InvalidToken, problem).with_source(error)
        })
    }

    fn is_renewable(&self) -> bool {
        true
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let audience = Audience::new(std::env::args().nth(1).ok_or("which audience?")?)?;
    let providers = ProviderSet::default().with(Forge::at("https://forge.example")?);
    let cx = Context::system()?;
    let token = Ambient::detect(&providers, &cx)?.token(&audience).await?;
    Ok(writeln!(std::io::stdout(), "a token of {} characters", token.secret().expose().len())?)
}
