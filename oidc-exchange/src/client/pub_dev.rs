use super::row::{
    self, Audience, AudienceSource, ComparedWorkflow, Demand, ExchangeError, HttpUrl, Posted, Protocol,
    ProtocolFacts, RegistryRules, Row, Scope, TrustedPlatform, links, tools,
};

/// The public registry.
const PUBLIC: &str = "https://pub.dev/";

/// The rules of pub.dev, by its source: it compares repository, event, tag and environment, and no workflow.
const RULES: RegistryRules = RegistryRules::comparing(ComparedWorkflow::Neither);

pub(super) static PROTOCOL: Protocol =
    Protocol::new().token_variables(&["PUB_DEV_ID_TOKEN"]).without_exchange();

pub(super) static FACTS: ProtocolFacts = ProtocolFacts::new(PUBLIC, links::PUB_DEV, RULES, tools::PUB)
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

row::registry!(PubDev, PUBLIC);

impl Row for PubDev {
    /// The audience is the registry's origin: `https://pub.dev`.
    fn audience_source(&self) -> AudienceSource {
        AudienceSource::Derived(Audience::new(self.url.origin()))
    }

    fn exchange_for(&self, _scope: &Scope) -> Result<Option<Posted>, ExchangeError> {
        Ok(None)
    }
}
