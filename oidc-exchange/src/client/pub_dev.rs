use async_trait::async_trait;
use oidc_core::{Audience, Context, HttpUrl, IdToken};

use super::doctor::OldWay;
use super::{Everything, ExchangeError, PublishToken, Registry, links, wire};

/// The public registry.
const PUBLIC: &str = "https://pub.dev/";

static OLD_WAY: OldWay = OldWay {
    ecosystem: "pub-dev",
    variables: &["PUB_TOKEN"],
    variables_around: None,
    files: &[],
    link: links::PUB_DEV,
    last_step: "let the package be published from CI only, under its admin page on pub.dev",
};

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

    fn old_way(&self) -> &'static OldWay {
        &OLD_WAY
    }

    fn token_variables(&self) -> &[&str] {
        &["PUB_DEV_ID_TOKEN"]
    }

    /// The registry's origin: `https://pub.dev`.
    async fn audience(&self, _cx: &Context) -> Result<Audience, ExchangeError> {
        wire::derived(&self.url, Audience::new(wire::origin(&self.url)))
    }

    /// The identity token itself. Nothing is asked.
    async fn exchange(
        &self,
        token: &IdToken,
        package: Everything,
        _cx: &Context,
    ) -> Result<PublishToken<Everything>, ExchangeError> {
        Ok(wire::itself(token, package))
    }
}
