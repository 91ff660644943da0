use oidc_core::{Ambient, Context, ProviderSet, SourceError, TokenSource};

use super::error::ExchangeError;
use super::failure::Failure;
use super::registry::{ExchangeRequest, Registry};
use super::request::{PublishRequest, RequestedScope};
use super::token::PublishToken;

/// Detects the job's platform, gets an identity token from it and exchanges it for a publish token.
///
/// Each scope needs a call of its own. [`Mode::outcome`](super::Mode::outcome) decides whether a failure ends
/// the publish.
///
/// # Errors
///
/// When the job gets no identity token, or the registry gives no publish token for it. A scope that the
/// registry has no tokens for is refused before anything is sent.
///
/// ```no_run
/// # use oidc_core::{Context, ProviderSet};
/// use oidc_exchange::client::{CratesIo, Npm, PublishRequest};
///
/// # async fn publish(providers: ProviderSet, cx: Context) -> Result<(), Box<dyn std::error::Error>> {
/// let npm = Npm::at("https://registry.example/npm/")?;
/// let scope = Npm::scope("@acme/widget")?;
/// let token = oidc_exchange::publish_token(&npm, PublishRequest::new(scope.clone()), &providers, &cx).await?;
/// println!("publishing with {:?}", token.secret_for(&scope)?);
///
/// let crates = CratesIo::at("https://registry.example/")?;
/// let token = oidc_exchange::publish_token(&crates, PublishRequest::identity(), &providers, &cx).await?;
/// println!("publishing with {:?}", token.secret());
/// # Ok(())
/// # }
/// ```
pub async fn publish_token<S: RequestedScope>(
    registry: &dyn Registry,
    request: PublishRequest<S>,
    providers: &ProviderSet,
    cx: &Context,
) -> Result<S::Token, Failure> {
    registry.check_scope(&request.scope.clone().into())?;
    let cx = &cx.operation();
    let source = required_source(registry, providers, cx)?;
    token_from(registry, &*source, request, cx).await
}

/// Gets an identity token from `source`, a new one where the platform can give one, and exchanges it for a
/// publish token.
///
/// # Time
///
/// `source` uses the time of the context that it was made with, and the registry is asked within the time of `cx`.
/// These are two budgets unless both contexts belong to one operation. To use one budget, begin the operation first
/// and make the source with it:
///
/// ```no_run
/// # use oidc_core::{Context, VariableSource};
/// # use oidc_exchange::client::{CratesIo, PublishRequest};
/// # async fn publish(cx: Context) -> Result<(), Box<dyn std::error::Error>> {
/// let cx = cx.operation();
/// let source = VariableSource::new(&cx, "CRATES_IO_ID_TOKEN");
/// let request = PublishRequest::identity();
/// let token = oidc_exchange::token_from(&CratesIo::public(), &source, request, &cx).await?;
/// # Ok(())
/// # }
/// ```
///
/// Make a source that outlives the operation, such as one for [`Renewing`](super::Renewing), with a context whose
/// operation has not begun.
///
/// # Errors
///
/// When either step fails.
pub async fn token_from<S: RequestedScope>(
    registry: &dyn Registry,
    source: &dyn TokenSource,
    request: PublishRequest<S>,
    cx: &Context,
) -> Result<S::Token, Failure> {
    let scope = request.scope.clone().into();
    registry.check_scope(&scope)?;
    let cx = &cx.operation();
    let audience = registry.audience(cx).await?;
    let identity = source.token(&audience).await?;
    let token = registry.exchange(&ExchangeRequest::new(&identity, scope), cx).await?;
    Ok(accepted(registry, &request, token)?)
}

/// Returns the token that a registry gave, if it is for the requested scope.
fn accepted<S: RequestedScope>(
    registry: &dyn Registry,
    request: &PublishRequest<S>,
    token: PublishToken,
) -> Result<S::Token, ExchangeError> {
    let wrong =
        |error: super::token::WrongScope| ExchangeError::invalid_answer(registry.url(), &error.to_string());
    request.scope.accept(token).map_err(wrong)
}

/// Returns the source of the job's identity tokens for a registry; an error if there is none.
pub(super) fn required_source(
    registry: &dyn Registry,
    providers: &ProviderSet,
    cx: &Context,
) -> Result<Box<dyn TokenSource>, SourceError> {
    let source = registry.source(providers, cx)?;
    source.ok_or_else(|| Ambient::not_detected(providers, registry.protocol().token_variables))
}
