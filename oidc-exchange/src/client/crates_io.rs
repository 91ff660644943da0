use async_trait::async_trait;
use oidc_core::http::{Method, Request};
use oidc_core::{Audience, ComparedWorkflow, Context, HttpUrl, IdToken, RegistryRules};
use serde::Deserialize;

use super::doctor::{OldFile, OldWay};
use super::known::USED;
use super::wire::{self, Call};
use super::{
    Demand, Everything, ExchangeError, Granted, KnownRefusal, Protocol, PublishToken, Registry,
    TrustedPlatform, links,
};
use crate::crates_io::{self, TOKEN_VARIABLE, TOKENS_PATH};

/// The public registry.
const PUBLIC: &str = "https://crates.io/";

/// cargo's file of credentials.
const CARGO_CREDENTIALS: OldFile = OldFile {
    folder_variable: Some("CARGO_HOME"),
    below_home: ".cargo/",
    ..OldFile::new("credentials.toml", &["token"])
};

/// cargo.
static OLD_WAY: OldWay = OldWay {
    ecosystem: "crates-io",
    variables: &["CARGO_REGISTRY_TOKEN"],
    variables_around: Some(("CARGO_REGISTRIES_", "_TOKEN")),
    files: &[CARGO_CREDENTIALS, OldFile { name: "credentials", ..CARGO_CREDENTIALS }],
    public: PUBLIC,
    link: links::CRATES_IO,
    last_step: "revoke the API token on crates.io, and let the crate be published by trusted publishing only",
};

/// Of crates.io's words, by its source.
static KNOWN_REFUSALS: &[KnownRefusal] = &[
    KnownRefusal::of_token(
        "failed to decode jwt",
        "get a new identity token and see that it is for this registry: its audience, its issuer and its times are what crates.io \
         may refuse without a word more",
    ),
    KnownRefusal::of_token("already been used", USED),
];

/// By crates.io's source.
const RULES: RegistryRules = RegistryRules::comparing(ComparedWorkflow::Started);

pub(super) static PROTOCOL: Protocol = Protocol::new(&OLD_WAY, RULES)
    .token_variables(&[TOKEN_VARIABLE])
    .lifetime_in_minutes(30)
    .known_refusals(KNOWN_REFUSALS)
    .untold(
        "whether the crate exists yet, crates.io tells at the upload alone: a token of this kind creates none",
        "publish the first version of a crate with an API token",
    )
    .platforms(&[TrustedPlatform::public("github"), TrustedPlatform::public("gitlab")])
    .demands(&[Demand::any_but("event_name", &["pull_request_target", "workflow_run"]).or(
        "crates.io lets no job publish that this event started",
        None,
        "start the publish by another event: `push` of a tag, `release` or `workflow_dispatch`",
    )]);

/// A registry of crates that speaks crates.io's protocol.
///
/// A token is for every crate that trusts the job's identity, so that one publishes a whole workspace. crates.io's lives
/// 30 minutes; the answer doesn't say.
#[derive(Clone, Debug)]
pub struct CratesIo {
    url: HttpUrl,
}

wire::at_url!(CratesIo, PUBLIC);

#[async_trait]
impl Registry for CratesIo {
    type Package = Everything;

    fn url(&self) -> &HttpUrl {
        &self.url
    }

    /// Tokens are made and ended there, and nothing is read.
    fn probe(&self) -> Request {
        Request::get(self.url.below(TOKENS_PATH)).header("accept", "application/json")
    }

    fn is_there(&self, status: u16) -> bool {
        status != 404
    }

    fn protocol(&self) -> &'static Protocol {
        &PROTOCOL
    }

    async fn audience(&self, _cx: &Context) -> Result<Audience, ExchangeError> {
        wire::derived(&self.url, crates_io::audience(&self.url))
    }

    async fn exchange(&self, token: &IdToken, package: Everything, cx: &Context) -> Granted<Everything> {
        let call = Call::new(self, self.url.below(TOKENS_PATH), token, package, cx);
        let exchanged: Exchanged = call.ask(call.with_member("jwt")).await?;
        call.granted("token", exchanged.token, None)
    }

    async fn revoke(&self, token: &PublishToken<Everything>, cx: &Context) -> Result<bool, ExchangeError> {
        let request = Request::new(Method::Delete, self.url.below(TOKENS_PATH)).bearer(&token.secret);
        wire::end(request, token, cx).await
    }
}

/// The answer to an exchange.
#[derive(Deserialize)]
struct Exchanged {
    token: Option<String>,
}
