use async_trait::async_trait;
use oidc_core::{Context, ProviderSet, Secret, Timestamp};
use oidc_exchange::client::doctor::{Doctor, Report};
use oidc_exchange::client::{
    Everything, ExchangeError, Failure, Mode, Outcome, PublishToken, Registry, WrongPackage,
};

use super::doctor::Question;
use super::ecosystem::{Asked, InvalidTarget};

/// A registry and a package, whatever their types.
#[async_trait]
pub(super) trait Door: Send + Sync {
    /// Gets a publish token, and keeps it for [`Door::revoke`].
    async fn obtain(
        &mut self,
        mode: Mode,
        providers: &ProviderSet,
        cx: &Context,
    ) -> Result<Obtained, DoorError>;

    /// Finds out whether a publish would be accepted.
    async fn examine(&self, question: Question<'_>) -> Report;

    /// Whether the registry exchanges identity tokens; where not, it takes them themselves.
    fn exchanges(&self) -> bool;

    /// When the publish token ends, if there is one and that is known.
    fn ends(&self) -> Option<Timestamp>;

    /// Ends the publish token, where there is one and the registry can.
    async fn revoke(&self, cx: &Context) -> Result<(), ExchangeError>;
}

/// What came of asking for a publish token.
pub(super) enum Obtained {
    Token(Secret),
    Fallback(Failure),
    Disabled,
}

/// There is no publish token.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub enum DoorError {
    /// Nobody gave one.
    Failure(#[from] Failure),
    /// The registry gave one for something else.
    WrongPackage(#[from] WrongPackage),
}

/// A registry and a package as a [`Door`].
pub(super) fn opened<R: Registry + 'static>(
    registry: R,
    package: R::Package,
) -> Result<Box<dyn Door>, InvalidTarget> {
    Ok(Box::new(Opened { registry, package, named: None, token: None }))
}

/// A registry whose tokens are for every package of the identity, of which the user may have one in mind.
pub(super) fn opened_to_all<R: Registry<Package = Everything> + 'static>(
    registry: R,
    asked: &Asked<'_>,
) -> Result<Box<dyn Door>, InvalidTarget> {
    let named = asked.package.map(str::to_owned);
    Ok(Box::new(Opened { registry, package: Everything, named, token: None }))
}

struct Opened<R: Registry> {
    registry: R,
    package: R::Package,
    named: Option<String>,
    token: Option<PublishToken<R::Package>>,
}

#[async_trait]
impl<R: Registry> Door for Opened<R> {
    async fn obtain(
        &mut self,
        mode: Mode,
        providers: &ProviderSet,
        cx: &Context,
    ) -> Result<Obtained, DoorError> {
        let outcome = self.registry.publish_token(self.package.clone(), mode, providers, cx).await?;
        match outcome {
            Outcome::Token(token) => {
                let token = self.token.insert(token);
                Ok(Obtained::Token(token.secret_for(&self.package)?.clone()))
            }
            Outcome::Fallback(why) => Ok(Obtained::Fallback(why)),
            _ => Ok(Obtained::Disabled),
        }
    }

    async fn examine(&self, question: Question<'_>) -> Report {
        let doctor = Doctor::of(&self.registry, self.package.clone()).intending(question.intended);
        let doctor = match &self.named {
            Some(name) => doctor.naming(name),
            None => doctor,
        };
        let doctor = if question.exchanges_always { doctor.exchanging_always() } else { doctor };
        let doctor = match question.rules {
            Some(rules) => doctor.by_rules(rules),
            None => doctor,
        };
        doctor.examine(question.providers, question.cx).await
    }

    fn exchanges(&self) -> bool {
        self.registry.protocol().exchanges
    }

    fn ends(&self) -> Option<Timestamp> {
        self.token.as_ref()?.expires_at()
    }

    async fn revoke(&self, cx: &Context) -> Result<(), ExchangeError> {
        if let Some(token) = &self.token {
            self.registry.revoke(token, cx).await?;
        }
        Ok(())
    }
}
