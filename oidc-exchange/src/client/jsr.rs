use oidc_core::Secret;
use serde_json::json;

use super::jsr_upload::JsrUpload;
use super::row::{
    self, Audience, AudienceSource, ComparedWorkflow, ExchangeError, HttpUrl, Posted, Protocol,
    ProtocolFacts, RegistryRules, Row, Scope, TrustedPlatform, links, tools,
};
use super::token::PublishToken;

/// The public registry.
const PUBLIC: &str = "https://jsr.io/";

/// The rules of JSR, by its source: a package is linked to a repository by its id, and any workflow of that
/// repository publishes it.
const RULES: RegistryRules = RegistryRules::comparing(ComparedWorkflow::Neither);

pub(super) static PROTOCOL: Protocol = Protocol::new().without_exchange();

/// Uncertain: whether JSR accepts an enterprise's issuer below GitHub's (`include_enterprise_slug`).
/// jsr-io/jsr#1485 reports that it does not; JSR's source has got a rule for such issuers since. They are
/// reported as refused until an acceptance was seen.
pub(super) static FACTS: ProtocolFacts =
    ProtocolFacts::new(PUBLIC, links::JSR, RULES, tools::JSR).platforms(&[TrustedPlatform::public("github")]);

/// JSR, which has no exchange: the identity token itself is sent with the upload, and its audience tells its
/// permissions.
///
/// A token uploads exactly the archives that it was requested for, by their hashes, so a leaked token is
/// useless. The protocol is that of jsr's and deno's source; no such registry can be run here. Deno requests
/// one token for every 16 packages; an audience of more than 8 KiB is refused here.
#[derive(Clone, Debug)]
pub struct Jsr {
    url: HttpUrl,
    uploads: Vec<JsrUpload>,
}

row::registry!(Jsr, PUBLIC, uploads: impl Into<Vec<JsrUpload>>, "`uploads` are the archives that a token may upload.");

impl Jsr {
    /// Returns the value of `Authorization` for an upload.
    pub fn authorization(token: &PublishToken) -> Secret {
        Secret::new(format!("githuboidc {}", token.secret().expose()))
    }
}

impl Row for Jsr {
    /// The audience is the permissions of the token, as JSON.
    fn audience_source(&self) -> AudienceSource {
        AudienceSource::Derived(Audience::new(json!({ "permissions": self.uploads }).to_string()))
    }

    fn exchange_for(&self, _scope: &Scope) -> Result<Option<Posted>, ExchangeError> {
        Ok(None)
    }
}
