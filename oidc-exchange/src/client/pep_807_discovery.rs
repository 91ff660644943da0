//! The endpoints of an index by the draft of PEP 807, which the index tells.

use oidc_core::{Context, ForeignUrl, HttpUrl};
use serde::Deserialize;
use serde_json::json;

use super::error::ExchangeError;
use super::posted::{Expiry, Posted};
use super::row::Discovered;
use super::wire;
use crate::pep_807::{DISCOVERY_PARAMETER, DISCOVERY_PATH, MAX_LIFETIME, MEDIA_TYPE, MULTI_USE};

/// Finds the endpoints of the index at an upload URL, all with its own origin; `None` where it does not support the
/// draft's protocol.
pub(super) async fn find(index: &HttpUrl, cx: &Context) -> Result<Option<Discovered>, ExchangeError> {
    let url = index.at_root().below(DISCOVERY_PATH).with_query(DISCOVERY_PARAMETER, index.path());
    let answer = cx.send(wire::asking(url.clone(), MEDIA_TYPE)).await;
    let answer = answer.map_err(|error| ExchangeError::no_reply(&url, error))?;
    // An index without PEP 807, which is asked by PyPI's own endpoints instead.
    if answer.status == 404 {
        return Ok(None);
    }
    if answer.status != 200 {
        return Err(ExchangeError::no_discovery(&url, &answer));
    }
    let otherwise = "the index's answer tells no `audience-endpoint` and `token-mint-endpoint`";
    let found: Answer = wire::read(&url, &answer, otherwise)?;
    let own = |name: &str, text: &str| {
        index.own(text).map_err(|error: ForeignUrl| ExchangeError::foreign(&url, name, &error))
    };
    let audience = own("audience-endpoint", &found.audience_endpoint)?;
    let mint = own("token-mint-endpoint", &found.token_mint_endpoint)?;
    Ok(Some(Discovered { audience, media_type: MEDIA_TYPE, exchange: found.exchange(mint) }))
}

/// The answer to a discovery.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Answer {
    audience_endpoint: String,
    token_mint_endpoint: String,
    #[serde(default)]
    features: Vec<String>,
    default_features: Option<Vec<String>>,
}

impl Answer {
    /// Describes the exchange. A publish token expires when the index says, but no later than the draft allows.
    fn exchange(&self, mint: HttpUrl) -> Posted {
        let posted = Posted::json(mint, "token", "token", Expiry::Epoch("expires"))
            .accepting(MEDIA_TYPE)
            .living_at_most(MAX_LIFETIME);
        if self.has_to_be_asked_for_multi_use() {
            posted.with("features", json!([MULTI_USE]))
        } else {
            posted
        }
    }

    /// Returns `true` if a token is valid for several uploads only where this is requested.
    fn has_to_be_asked_for_multi_use(&self) -> bool {
        let names_it = |features: &[String]| features.iter().any(|feature| feature == MULTI_USE);
        names_it(&self.features) && self.default_features.as_deref().is_some_and(|default| !names_it(default))
    }
}
