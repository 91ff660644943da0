//! A publish tool for a registry whose protocol the library does not have: the client half of `own_endpoint.rs`. It needs one
//! implementation of `Registry`, which is object-safe; a `doctor` of it comes along.
//!
//! `cargo run --example own_registry -- http://127.0.0.1:9000/ widget`

use std::error::Error;
use std::io::Write as _;

use async_trait::async_trait;
use oidc_core::{Audience, Context, HttpUrl};
use oidc_exchange::client::{
    Diagnose, ExchangeCall, ExchangeError, ExchangeRequest, Protocol, PublishRequest, PublishToken, Registry,
    Scope,
};
use serde::Deserialize;

/// The variable that a job of GitLab CI has its identity token in, and how long a publish token lives.
static PROTOCOL: Protocol = Protocol::new().token_variables(&["WIDGETS_ID_TOKEN"]).lifetime_in_minutes(15);

/// A registry of widgets.
#[derive(Debug)]
pub(crate) struct Widgets(HttpUrl);

impl Widgets {
    pub(crate) fn at(url: &str) -> Result<Self, oidc_core::InvalidUrl> {
        Ok(Self(HttpUrl::parse(url)?))
    }
}

#[async_trait]
impl Registry for Widgets {
    fn url(&self) -> &HttpUrl {
        &self.0
    }

    fn protocol(&self) -> &'static Protocol {
        &PROTOCOL
    }

    fn check_scope(&self, scope: &Scope) -> Result<(), ExchangeError> {
        let is_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let expected = "one widget, by its name of 1 to 64 lower-case letters, digits and `-`";
        match scope.package() {
            Some(name) if (1..=64).contains(&name.len()) && name.bytes().all(is_name) => Ok(()),
            _ => Err(ExchangeError::unsupported_scope(&self.0, scope, expected)),
        }
    }

    async fn audience(&self, _cx: &Context) -> Result<Audience, ExchangeError> {
        Audience::new(self.0.origin()).map_err(|error| ExchangeError::invalid_url(&self.0, &error))
    }

    async fn exchange(
        &self,
        request: &ExchangeRequest<'_>,
        cx: &Context,
    ) -> Result<PublishToken, ExchangeError> {
        let name = request.scope.package().unwrap_or_default();
        let url = self.0.below("tokens").below(name);
        let call = ExchangeCall::new(self, url, request, cx)?;
        let minted: Minted = call.ask(call.request().bearer(call.token())).await?;
        call.granted("token", minted.token, None)
    }
}

/// Nothing is known of it that an exchange does not show.
impl Diagnose for Widgets {}

#[derive(Deserialize)]
struct Minted {
    token: Option<String>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut argument = |what: &'static str| arguments.next().ok_or(what);
    let registry = Widgets::at(&argument("which registry?")?)?;
    let scope = Scope::Package(argument("which package?")?);
    let (providers, cx) = (oidc_providers::ci(), Context::system()?);
    let request = PublishRequest::new(scope.clone());
    let token = oidc_exchange::publish_token(&registry, request, &providers, &cx).await?;
    // Here the tool sends the package, with this secret as its bearer token.
    Ok(writeln!(std::io::stdout(), "publishing {scope} with {:?}", token.secret_for(&scope)?)?)
}
