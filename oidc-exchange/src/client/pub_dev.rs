use async_trait::async_trait;
use oidc_core::{Audience, ComparedWorkflow, Context, HttpUrl, InvalidAudience, RegistryRules};

use super::demand::{Demand, TrustedPlatform};
use super::diagnose::{Diagnose, ProtocolFacts};
use super::error::ExchangeError;
use super::links;
use super::protocol::Protocol;
use super::registry::{ExchangeRequest, Registry};
use super::scope::Scope;
use super::static_credentials::{CredentialFile, StaticCredentials};
use super::token::PublishToken;
use super::wire;

/// The public registry.
const PUBLIC: &str = "https://pub.dev/";

/// The files in which pub keeps a person's log-in and tokens, by Dart's documentation; `PUB_TOKEN` is its
/// example. They are not among the collected facts, and uncertain.
const STATIC_CREDENTIALS: StaticCredentials = StaticCredentials::new(
    "pub-dev",
    &["PUB_TOKEN", "PUB_CREDENTIALS"],
    &[
        CredentialFile::marked(
            "pub-credentials.json",
            ".config/dart/",
            &["\"refreshToken\"", "\"accessToken\""],
        ),
        CredentialFile::marked("pub-tokens.json", ".config/dart/", &["\"token\""]),
        CredentialFile::marked("credentials.json", ".pub-cache/", &["\"refreshToken\"", "\"accessToken\""]),
    ],
    "let the package be published from CI only, under its admin page on pub.dev",
);

/// The rules of pub.dev, by its source: it compares repository, event, tag and environment, and no workflow.
const RULES: RegistryRules = RegistryRules::comparing(ComparedWorkflow::Neither);

pub(super) static PROTOCOL: Protocol =
    Protocol::new().token_variables(&["PUB_DEV_ID_TOKEN"]).without_exchange();

pub(super) static FACTS: ProtocolFacts = ProtocolFacts::new(PUBLIC, links::PUB_DEV, RULES, STATIC_CREDENTIALS)
    .platforms(&[TrustedPlatform::public("github"), TrustedPlatform::public("google")])
    .demands(&[
        Demand::only("event_name", &["push", "workflow_dispatch"]).or(
            "pub.dev lets no job publish that this event started",
            Some("push or workflow_dispatch"),
            "start the publish by `push` of a tag, or by `workflow_dispatch` on a tag",
        ),
        Demand::beginning("ref", "refs/tags/").or(
            "pub.dev lets only jobs publish that run for a tag: claim `ref` is another kind of ref",
            Some("refs/tags/…"),
            "start the publish by the `push` of a tag that fits the package's tag pattern: `on: { push: { tags: ['v*'] } }`",
        ),
    ]);

/// pub.dev, which has no exchange: the identity token itself is sent as a bearer token with the upload.
///
/// It is valid for every package that trusts the job's identity, until it expires. The protocol is that of
/// pub-dev's source; no such registry can be run here.
#[derive(Clone, Debug)]
pub struct PubDev {
    url: HttpUrl,
}

wire::at_url!(PubDev, PUBLIC);

impl PubDev {
    fn own_audience(&self) -> Result<Audience, InvalidAudience> {
        Audience::new(self.url.origin())
    }
}

#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
impl Registry for PubDev {
    fn url(&self) -> &HttpUrl {
        &self.url
    }

    fn protocol(&self) -> &'static Protocol {
        &PROTOCOL
    }

    fn check_scope(&self, scope: &Scope) -> Result<(), ExchangeError> {
        wire::identity_only(&self.url, scope)
    }

    /// Returns the registry's origin: `https://pub.dev`.
    async fn audience(&self, _cx: &Context) -> Result<Audience, ExchangeError> {
        wire::derived(&self.url, self.own_audience())
    }

    fn is_own_audience(&self, audience: &Audience) -> bool {
        self.own_audience().is_ok_and(|own| own == *audience)
    }

    /// Returns the identity token itself, without sending a request.
    async fn exchange(
        &self,
        request: &ExchangeRequest<'_>,
        _cx: &Context,
    ) -> Result<PublishToken, ExchangeError> {
        wire::itself(self, request)
    }
}

impl Diagnose for PubDev {
    fn facts(&self) -> &'static ProtocolFacts {
        &FACTS
    }
}
