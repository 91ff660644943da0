use std::time::Duration;

use oidc_core::{Audience, ComparedWorkflow, HttpUrl, RegistryRules};

use super::declared::{AudienceSource, Declared, Expiry, Posted};
use super::demand::TrustedPlatform;
use super::diagnose::ProtocolFacts;
use super::error::ExchangeError;
use super::extension::{Extension, InvalidExtension};
use super::known::KnownRefusal;
use super::links;
use super::protocol::Protocol;
use super::scope::Scope;
use super::static_credentials::{CredentialFile, StaticCredentials};
use super::wire;

/// The public registry.
const PUBLIC: &str = "https://open-vsx.org/";

/// The static credentials of ovsx, by its documentation. They are not among the collected facts, and
/// uncertain.
const STATIC_CREDENTIALS: StaticCredentials = StaticCredentials::new(
    "open-vsx",
    &["OVSX_PAT"],
    &[CredentialFile::marked(".ovsx", "", &["\"pat\""])],
    "delete the access token on Open VSX, under the account's settings",
);

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
    KnownRefusal::of_status(
        503,
        "try again later: the registry could not reach the platform for its keys, and used nothing up",
    ),
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
    STATIC_CREDENTIALS,
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

wire::at_url!(OpenVsx, PUBLIC; audience: None);
wire::with_audience!(OpenVsx);

impl OpenVsx {
    /// Makes the scope of an extension's token from the extension's name, `namespace.name`.
    ///
    /// # Errors
    ///
    /// When the text is not an extension's name.
    pub fn scope(extension: &str) -> Result<Scope, InvalidExtension> {
        extension.parse().map(|extension: Extension| Scope::Package(extension.to_string()))
    }
}

impl Declared for OpenVsx {
    const PROTOCOL: &'static Protocol = &PROTOCOL;
    const FACTS: &'static ProtocolFacts = &FACTS;

    fn location(&self) -> &HttpUrl {
        &self.url
    }

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
