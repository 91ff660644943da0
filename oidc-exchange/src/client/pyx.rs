use super::row::{
    self, AudienceSource, ComparedWorkflow, ExchangeError, Expiry, HttpUrl, Posted, Protocol, ProtocolFacts,
    RegistryRules, Row, Scope, links, tools, wire,
};
use super::slug::{InvalidSlug, SlugPair};

/// The host of the public registry. The upload URL of a registry has a path below it.
const PUBLIC: &str = "https://api.pyx.dev/";

/// The path of an upload URL. The workspace and the registry follow.
const UPLOAD_PATH: &str = "/v1/upload/";

/// The problem of a URL without a registry.
const UPLOAD_URL: &str = "this is no upload URL of pyx, whose path is `/v1/upload/WORKSPACE/REGISTRY`";

pub(super) static PROTOCOL: Protocol = Protocol::new().token_variables(&["PYX_ID_TOKEN"]);

/// Uncertain: pyx's rules are not documented.
pub(super) static FACTS: ProtocolFacts =
    ProtocolFacts::new(PUBLIC, links::PYX, RegistryRules::comparing(ComparedWorkflow::Uncertain), tools::PYX)
        .url_variables(&["UV_PUBLISH_URL"]);

/// A registry of Python projects on pyx, at its upload URL, `https://api.pyx.dev/v1/upload/WORKSPACE/REGISTRY`.
///
/// The protocol is that of uv's source, tested with recorded answers; no such registry can be run here.
#[derive(Clone, Debug)]
pub struct Pyx {
    url: HttpUrl,
}

row::registry!(@own Pyx);

impl Pyx {
    /// Returns the workspace and the registry of the upload URL.
    fn names(&self) -> Result<SlugPair, InvalidSlug> {
        self.url.path().strip_prefix(UPLOAD_PATH).unwrap_or_default().trim_end_matches('/').parse()
    }
}

impl Row for Pyx {
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
