use oidc_core::http::Request;
use serde_json::json;

use super::row::{
    self, AudienceSource, ComparedCase, ComparedWorkflow, ExchangeError, Expiry, HttpUrl, KnownRefusal,
    Posted, Protocol, ProtocolFacts, RegistryRules, Row, Scope, TrustedPlatform, USED, links, tools, wire,
};
use super::token::PublishToken;
use crate::pypi::{AUDIENCE_PATH, BURN_PATH, MINT_PATH, TOKEN_VARIABLE};

/// The URL at which the public index takes uploads.
const PUBLIC: &str = "https://upload.pypi.org/legacy/";

/// Refusals of PyPI, by warehouse's source.
static KNOWN_REFUSALS: &[KnownRefusal] = &[
    KnownRefusal::of_token(
        "project already exists",
        "run the publish again: a pending publisher of the same project was found first, and PyPI removes it with this refusal",
    ),
    KnownRefusal::of_token("already used", USED),
];

/// The rules of PyPI, by warehouse's source: it accepts a called workflow of the publisher's own repository
/// at the run's own ref or commit. Owner, repository and file are looked up letter by letter.
const RULES: RegistryRules =
    RegistryRules::comparing(ComparedWorkflow::Called).case(ComparedCase::ExactNames);

/// The protocol of PyPI, also of indexes that support PEP 807 as well.
pub(super) static PROTOCOL: Protocol =
    Protocol::new().token_variables(&[TOKEN_VARIABLE]).lifetime_in_minutes(15).known_refusals(KNOWN_REFUSALS);

pub(super) static FACTS: ProtocolFacts = ProtocolFacts::new(PUBLIC, links::PYPI, RULES, tools::PYPI)
    .url_variables(tools::PYPI_URLS)
    .platforms(PLATFORMS);

/// The platforms of PyPI. Self-managed GitLab instances are trusted for the organizations that PyPI's staff
/// registered them for.
const PLATFORMS: &[TrustedPlatform] = &[
    TrustedPlatform::public("github"),
    TrustedPlatform::registered("gitlab"),
    TrustedPlatform::public("google"),
    TrustedPlatform::public("activestate"),
];

/// An index of Python projects that speaks PyPI's protocol.
///
/// The endpoints are at the root of the host that takes the uploads, whatever the upload's path is, as uv and
/// twine request them. A token is for every project that trusts the job's identity.
#[derive(Clone, Debug)]
pub struct Pypi {
    url: HttpUrl,
}

row::registry!(Pypi, PUBLIC);

impl Row for Pypi {
    fn audience_source(&self) -> AudienceSource {
        AudienceSource::Told(self.url.at_root().below(AUDIENCE_PATH))
    }

    fn exchange_for(&self, _scope: &Scope) -> Result<Option<Posted>, ExchangeError> {
        let url = self.url.at_root().below(MINT_PATH);
        Ok(Some(Posted::json(url, "token", "token", Expiry::Epoch("expires"))))
    }

    /// PyPI can revoke since 2026. The answer is the same for every token.
    fn revocation(&self, token: &PublishToken) -> Option<Request> {
        let body = json!({ "token": token.secret().expose() }).to_string();
        Some(Request::post(self.url.at_root().below(BURN_PATH)).body(wire::JSON, body))
    }

    fn may_lack_revocation(&self) -> bool {
        true
    }

    /// PyPI answers a GET of the upload URL with a page for people, and other indexes with an error.
    fn probed(&self) -> Option<Request> {
        Some(Request::get(self.url.clone()))
    }
}
