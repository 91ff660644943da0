use std::time::Duration;

use super::extension::{Extension, InvalidExtension};
use super::known::UNREACHED;
use super::row::{
    self, Audience, AudienceSource, ComparedWorkflow, ExchangeError, Expiry, HttpUrl, KnownRefusal, Posted,
    Protocol, ProtocolFacts, RegistryRules, Row, Scope, TrustedPlatform, links, tools, wire,
};

/// The public registry.
const PUBLIC: &str = "https://open-vsx.org/";

/// Refusals, by openvsx's source. It answers 503 where it can't reach the platform.
static KNOWN_REFUSALS: &[KnownRefusal] = &[
    KnownRefusal::of_token(
        "could not be validated",
        "get a new identity token and see that its audience is the URL of the registry's web site, and its issuer one that the \
         registry trusts",
    ),
    KnownRefusal::of_publisher(
        "no trusted publisher matches",
        "compare the extension's trusted publisher with this job: repository, workflow file, environment",
    ),
    KnownRefusal::of_status(503, UNREACHED),
];

pub(super) static PROTOCOL: Protocol = Protocol::new()
    .token_variables(&["OVSX_ID_TOKEN"])
    .lifetime_in_minutes(5)
    .known_refusals(KNOWN_REFUSALS)
    .sent_again_after(503, &[Duration::from_secs(1), Duration::from_secs(4)]);

/// Uncertain: by openvsx's source, a workflow's path is compared, without its ref; it is not known whether
/// that of the started or of the called workflow. GitLab instances are trusted by the operator's settings.
pub(super) static FACTS: ProtocolFacts = ProtocolFacts::new(
    PUBLIC,
    links::OPEN_VSX,
    RegistryRules::comparing(ComparedWorkflow::Uncertain),
    tools::OVSX,
)
.platforms(&[TrustedPlatform::public("github"), TrustedPlatform::registered("gitlab")]);

/// An Open VSX registry of extensions.
///
/// A token is for one extension that exists, and lives 5 minutes unless the answer tells another end. The audience is the
/// URL of the registry's web site, by default that of the registry. The protocol is that of openvsx's source, tested with
/// recorded answers; no such registry can be run here.
#[derive(Clone, Debug)]
pub struct OpenVsx {
    url: HttpUrl,
    audience: Option<Audience>,
}

row::registry!(OpenVsx, PUBLIC; audience: None);
row::with_audience!(OpenVsx);
row::scope_of!(OpenVsx, Extension, InvalidExtension, "an extension's name, `namespace.name`");

impl Row for OpenVsx {
    fn accept_scope(&self, scope: &Scope) -> Result<(), ExchangeError> {
        wire::package::<Extension>(&self.url, scope).map(|_| ())
    }

    fn audience_source(&self) -> AudienceSource {
        AudienceSource::set_or_url(self.audience.as_ref(), &self.url)
    }

    fn exchange_for(&self, scope: &Scope) -> Result<Option<Posted>, ExchangeError> {
        let Extension { namespace, name } = wire::package(&self.url, scope)?;
        let url = self.url.below("/api/-/trusted-publishing/token");
        let posted = Posted::json(url, "token", "value", Expiry::At("expiresTimestamp"));
        Ok(Some(posted.with("namespace", namespace).with("extension", name)))
    }
}
