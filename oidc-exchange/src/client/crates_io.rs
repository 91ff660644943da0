use oidc_core::http::{Method, Request};

use super::row::{
    self, AudienceSource, ComparedWorkflow, Demand, ExchangeError, Expiry, HttpUrl, KnownRefusal, Posted,
    Protocol, ProtocolFacts, RegistryRules, Row, Scope, TrustedPlatform, USED, links, tools, wire,
};
use super::token::PublishToken;
use crate::crates_io::{self, TOKEN_VARIABLE, TOKENS_PATH};

/// The public registry.
const PUBLIC: &str = "https://crates.io/";

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
    tools::CARGO,
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

row::registry!(CratesIo, PUBLIC);

impl Row for CratesIo {
    fn audience_source(&self) -> AudienceSource {
        AudienceSource::Derived(crates_io::audience(&self.url))
    }

    fn exchange_for(&self, _scope: &Scope) -> Result<Option<Posted>, ExchangeError> {
        Ok(Some(Posted::json(self.url.below(TOKENS_PATH), "jwt", "token", Expiry::Untold)))
    }

    fn revocation(&self, token: &PublishToken) -> Option<Request> {
        Some(Request::new(Method::Delete, self.url.below(TOKENS_PATH)).bearer(token.secret()))
    }

    /// At this path tokens are made and revoked, and nothing can be read.
    fn probed(&self) -> Option<Request> {
        Some(Request::get(self.url.below(TOKENS_PATH)).header("accept", wire::JSON))
    }
}
