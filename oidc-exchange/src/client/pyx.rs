use oidc_core::{ComparedWorkflow, HttpUrl, RegistryRules};

use super::declared::{AudienceSource, Declared, Expiry, Posted};
use super::diagnose::ProtocolFacts;
use super::error::ExchangeError;
use super::links;
use super::protocol::Protocol;
use super::scope::Scope;
use super::slug::{InvalidSlug, SlugPair};
use super::static_credentials::StaticCredentials;
use super::wire;

/// The host of the public registry. The upload URL of a registry has a path below it.
const PUBLIC: &str = "https://api.pyx.dev/";

/// The path of an upload URL. The workspace and the registry follow.
const UPLOAD_PATH: &str = "/v1/upload/";

/// The problem of a URL without a registry.
const UPLOAD_URL: &str = "this is no upload URL of pyx, whose path is `/v1/upload/WORKSPACE/REGISTRY`";

/// The static credentials of uv for pyx, beside those for any index.
const STATIC_CREDENTIALS: StaticCredentials = StaticCredentials::new(
    "pyx",
    &["PYX_API_KEY"],
    &[],
    "revoke the API key on pyx, under the workspace's settings",
);

pub(super) static PROTOCOL: Protocol = Protocol::new().token_variables(&["PYX_ID_TOKEN"]);

/// Uncertain: pyx's rules are not documented.
pub(super) static FACTS: ProtocolFacts = ProtocolFacts::new(
    PUBLIC,
    links::PYX,
    RegistryRules::comparing(ComparedWorkflow::Uncertain),
    STATIC_CREDENTIALS,
)
.url_variables(&["UV_PUBLISH_URL"]);

/// A registry of Python projects on pyx, at its upload URL, `https://api.pyx.dev/v1/upload/WORKSPACE/REGISTRY`.
///
/// The protocol is that of uv's source, tested with recorded answers; no such registry can be run here.
#[derive(Clone, Debug)]
pub struct Pyx {
    url: HttpUrl,
}

wire::at_own_url!(Pyx);

impl Pyx {
    /// Returns the workspace and the registry of the upload URL.
    fn names(&self) -> Result<SlugPair, InvalidSlug> {
        self.url.path().strip_prefix(UPLOAD_PATH).unwrap_or_default().trim_end_matches('/').parse()
    }
}

impl Declared for Pyx {
    const PROTOCOL: &'static Protocol = &PROTOCOL;
    const FACTS: &'static ProtocolFacts = &FACTS;

    fn location(&self) -> &HttpUrl {
        &self.url
    }

    fn accept_scope(&self, scope: &Scope) -> Result<(), ExchangeError> {
        wire::identity_only(&self.url, scope)?;
        self.exchange_for(scope).map(|_| ())
    }

    fn audience_source(&self) -> AudienceSource {
        AudienceSource::Told(self.url.at_root().below("/v1/trusted-publishing/audience"))
    }

    fn exchange_for(&self, _scope: &Scope) -> Result<Option<Posted>, ExchangeError> {
        let names = self.names().map_err(|_| ExchangeError::invalid_url(&self.url, &UPLOAD_URL))?;
        let path = format!("/v1/trusted-publishing/{names}/mint-token");
        Ok(Some(Posted::json(self.url.at_root().below(&path), "token", "token", Expiry::Untold)))
    }
}
