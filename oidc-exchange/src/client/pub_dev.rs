use async_trait::async_trait;
use oidc_core::{Audience, ComparedWorkflow, Context, HttpUrl, IdToken, RegistryRules};

use super::doctor::{OldFile, OldWay};
use super::{Demand, Everything, ExchangeError, Granted, Protocol, Registry, TrustedPlatform, links, wire};

/// The public registry.
const PUBLIC: &str = "https://pub.dev/";

/// Where pub keeps a person's log-in and tokens, by Dart's documentation; `PUB_TOKEN` is its example. Not of the collected facts,
/// and uncertain.
static OLD_WAY: OldWay = OldWay {
    ecosystem: "pub-dev",
    variables: &["PUB_TOKEN", "PUB_CREDENTIALS"],
    variables_around: None,
    files: &[
        OldFile::marked("pub-credentials.json", ".config/dart/", &["\"refreshToken\"", "\"accessToken\""]),
        OldFile::marked("pub-tokens.json", ".config/dart/", &["\"token\""]),
        OldFile::marked("credentials.json", ".pub-cache/", &["\"refreshToken\"", "\"accessToken\""]),
    ],
    public: PUBLIC,
    link: links::PUB_DEV,
    last_step: "let the package be published from CI only, under its admin page on pub.dev",
};

/// By pub-dev's source: repository, event, tag and environment are compared, and no workflow.
const RULES: RegistryRules = RegistryRules::comparing(ComparedWorkflow::Neither);

pub(super) static PROTOCOL: Protocol =
    Protocol::new(&OLD_WAY, RULES).token_variables(&["PUB_DEV_ID_TOKEN"]).without_exchange()
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

/// pub.dev, which has no exchange: the identity token itself is sent as bearer with the upload.
///
/// It is good for every package that trusts the job's identity, until it expires. Nothing of it can be run here: the
/// protocol is that of pub-dev's source.
#[derive(Clone, Debug)]
pub struct PubDev {
    url: HttpUrl,
}

wire::at_url!(PubDev, PUBLIC);

#[async_trait]
impl Registry for PubDev {
    type Package = Everything;

    fn url(&self) -> &HttpUrl {
        &self.url
    }

    fn protocol(&self) -> &'static Protocol {
        &PROTOCOL
    }

    /// The registry's origin: `https://pub.dev`.
    async fn audience(&self, _cx: &Context) -> Result<Audience, ExchangeError> {
        wire::derived(&self.url, Audience::new(self.url.origin()))
    }

    /// The identity token itself. Nothing is asked.
    async fn exchange(&self, token: &IdToken, package: Everything, _cx: &Context) -> Granted<Everything> {
        Ok(wire::itself(token, package))
    }
}
