use async_trait::async_trait;
use oidc_core::http::{Method, Request};
use oidc_core::{Audience, ComparedWorkflow, Context, HttpUrl, InvalidAudience, RegistryRules};
use serde::Deserialize;

use super::demand::{Demand, TrustedPlatform};
use super::diagnose::{Diagnose, ProtocolFacts};
use super::error::ExchangeError;
use super::known::{KnownRefusal, USED};
use super::links;
use super::protocol::Protocol;
use super::registry::{ExchangeRequest, Registry};
use super::scope::Scope;
use super::static_credentials::{CredentialFile, StaticCredentials};
use super::token::PublishToken;
use super::wire::{self, ExchangeCall};
use crate::crates_io::{self, TOKEN_VARIABLE, TOKENS_PATH};

/// The public registry.
const PUBLIC: &str = "https://crates.io/";

/// cargo's file of credentials.
const CARGO_CREDENTIALS: CredentialFile =
    CredentialFile::new("credentials.toml", &["token"]).in_folder_of("CARGO_HOME", ".cargo/");

/// The same file under cargo's earlier name.
const EARLIER_CREDENTIALS: CredentialFile =
    CredentialFile::new("credentials", &["token"]).in_folder_of("CARGO_HOME", ".cargo/");

/// The static credentials of cargo.
const STATIC_CREDENTIALS: StaticCredentials = StaticCredentials::new(
    "crates-io",
    &["CARGO_REGISTRY_TOKEN"],
    &[CARGO_CREDENTIALS, EARLIER_CREDENTIALS],
    "revoke the API token on crates.io, and let the crate be published by trusted publishing only",
)
.variables_around("CARGO_REGISTRIES_", "_TOKEN");

/// Refusals of crates.io, by its source.
static KNOWN_REFUSALS: &[KnownRefusal] = &[
    KnownRefusal::of_token(
        "failed to decode jwt",
        "get a new identity token and see that it is for this registry: its audience, its issuer and its times are what crates.io \
         may refuse without a word more",
    ),
    KnownRefusal::of_token("already been used", USED),
];

/// The rules of crates.io, by its source.
const RULES: RegistryRules = RegistryRules::comparing(ComparedWorkflow::Started);

pub(super) static PROTOCOL: Protocol =
    Protocol::new().token_variables(&[TOKEN_VARIABLE]).lifetime_in_minutes(30).known_refusals(KNOWN_REFUSALS);

pub(super) static FACTS: ProtocolFacts = ProtocolFacts::new(
    PUBLIC,
    links::CRATES_IO,
    RULES,
    STATIC_CREDENTIALS,
)
.left_open(
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
/// A token is for every crate that trusts the job's identity, so one token publishes a whole workspace. A
/// token of crates.io lives 30 minutes; the answer does not tell this.
#[derive(Clone, Debug)]
pub struct CratesIo {
    url: HttpUrl,
}

wire::at_url!(CratesIo, PUBLIC);

impl CratesIo {
    fn own_audience(&self) -> Result<Audience, InvalidAudience> {
        crates_io::audience(&self.url)
    }
}

#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
impl Registry for CratesIo {
    fn url(&self) -> &HttpUrl {
        &self.url
    }

    fn protocol(&self) -> &'static Protocol {
        &PROTOCOL
    }

    fn check_scope(&self, scope: &Scope) -> Result<(), ExchangeError> {
        wire::identity_only(&self.url, scope)
    }

    async fn audience(&self, _cx: &Context) -> Result<Audience, ExchangeError> {
        wire::derived(&self.url, self.own_audience())
    }

    fn is_own_audience(&self, audience: &Audience) -> bool {
        self.own_audience().is_ok_and(|own| own == *audience)
    }

    async fn exchange(
        &self,
        request: &ExchangeRequest<'_>,
        cx: &Context,
    ) -> Result<PublishToken, ExchangeError> {
        let call = ExchangeCall::new(self, self.url.below(TOKENS_PATH), request, cx)?;
        let exchanged: Exchanged = call.ask(call.with_member("jwt")).await?;
        call.granted("token", exchanged.token, None)
    }

    async fn revoke(&self, token: &PublishToken, cx: &Context) -> Result<bool, ExchangeError> {
        let request = Request::new(Method::Delete, self.url.below(TOKENS_PATH)).bearer(token.secret());
        wire::end(request, token, cx).await
    }
}

#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
impl Diagnose for CratesIo {
    fn facts(&self) -> &'static ProtocolFacts {
        &FACTS
    }

    /// At this path tokens are made and revoked, and nothing can be read.
    fn probe(&self) -> Request {
        Request::get(self.url.below(TOKENS_PATH)).header("accept", "application/json")
    }

    fn is_there(&self, status: u16) -> bool {
        status != 404
    }
}

/// The answer to an exchange.
#[derive(Deserialize)]
struct Exchanged {
    token: Option<String>,
}
