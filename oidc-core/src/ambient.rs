use std::sync::{Arc, OnceLock};

use async_trait::async_trait;

use crate::codes;
use crate::context::Context;
use crate::diagnosis::{Diagnosis, Target};
use crate::provider::{Provider, ProviderKind, ProviderSet};
use crate::source::{Detection, SourceError, SourceErrorKind, TokenSource};
use crate::token::{Audience, IdToken};
use crate::variable_source::VariableSource;

/// Detects the platform that a job runs on.
#[derive(Debug)]
#[non_exhaustive]
pub struct Ambient;

impl Ambient {
    /// Finds the source of the first platform that the job runs on, offline; `None` where the job runs on
    /// none.
    ///
    /// Looks in this order: first a variable named in [`Detection::token_variables`], then other variables
    /// that name a token ([`ProviderKind::Named`]), since both are explicit choices; then the CI platforms in the
    /// set's order; then the cloud hosts, since a CI runner on a cloud machine belongs to the CI platform. A
    /// platform that is not detected lets the search go on. A platform that is detected but gives no tokens
    /// to this job ends it.
    ///
    /// A variable that names a token for no particular registry ([`ProviderKind::Named`], such as `OIDC_TOKEN`) may
    /// hold a token for another service. Where the job runs on a CI platform and the named token is not for
    /// the audience, the source asks the CI platform instead.
    ///
    /// # Errors
    ///
    /// When a platform is detected but gives no tokens to this job.
    ///
    /// ```
    /// use oidc_core::{Ambient, Context, ProviderSet};
    ///
    /// let source = Ambient::find(&ProviderSet::default(), &Context::default())?;
    /// assert!(source.is_none());
    /// # Ok::<(), oidc_core::SourceError>(())
    /// ```
    pub fn find<'a>(
        providers: &ProviderSet,
        detection: impl Into<Detection<'a>>,
    ) -> Result<Option<Box<dyn TokenSource>>, SourceError> {
        let detection = detection.into();
        let environment = detection.context.environment();
        let set = |name: &&&str| environment.get(name).is_some();
        // A variable of the registry's users is the most explicit choice, so no platform is asked.
        if let Some(name) = detection.token_variables.iter().find(set) {
            let source = VariableSource::new(detection.context, *name);
            return Ok(Some(Box::new(source.on(providers.here(detection.context).map(Arc::clone)))));
        }
        if let Some(named) = first_of(ProviderKind::Named, providers, &detection)? {
            // Only in a CI job is there a platform to fall back to.
            return Ok(Some(match has_ci(providers, &detection) {
                true => Box::new(NamedOrPlatform::new(named, providers, &detection)),
                false => named,
            }));
        }
        match first_of(ProviderKind::Ci, providers, &detection)? {
            Some(source) => Ok(Some(source)),
            None => first_of(ProviderKind::Cloud, providers, &detection),
        }
    }

    /// Finds the source of the first platform that the job runs on, as [`Ambient::find`] does.
    ///
    /// # Errors
    ///
    /// When a platform is detected but gives no tokens to this job, or no platform is detected
    /// ([`Ambient::not_detected`]).
    ///
    /// ```
    /// use oidc_core::{Ambient, Context, ProviderSet, SourceErrorKind};
    ///
    /// let error = Ambient::detect(&ProviderSet::default(), &Context::default()).unwrap_err();
    /// assert_eq!(error.kind(), SourceErrorKind::NotDetected);
    /// ```
    pub fn detect<'a>(
        providers: &ProviderSet,
        detection: impl Into<Detection<'a>>,
    ) -> Result<Box<dyn TokenSource>, SourceError> {
        let detection = detection.into();
        let variables = detection.token_variables.clone();
        Self::find(providers, detection)?.ok_or_else(|| Self::not_detected(providers, &variables))
    }

    /// The error of a job that runs on no platform, [`SourceErrorKind::NotDetected`]. It names the known
    /// platforms and the variables that may hold a token instead.
    pub fn not_detected(providers: &ProviderSet, token_variables: &[&str]) -> SourceError {
        let platforms = providers.iter().filter(|provider| provider.profile().kind != ProviderKind::Named);
        let mut known: Vec<&str> = platforms.map(|provider| provider.id()).collect();
        known.dedup();
        let named = match token_variables {
            [] => "name a variable that holds an identity token".to_owned(),
            names => {
                format!("put an identity token for the registry into variable `{}`", names.join("` or `"))
            }
        };
        SourceError::new(
            SourceErrorKind::NotDetected,
            Diagnosis::new(
                codes::NOT_DETECTED,
                Target::Platform,
                "this is not a job of a platform that gives identity tokens: none of their variables is set",
            )
            .expected(known.join(", "))
            .fix(format!("run the publish in a CI job of such a platform, or {named}")),
        )
    }
}

fn of_kind(kind: ProviderKind, providers: &ProviderSet) -> impl Iterator<Item = &Arc<dyn Provider>> {
    providers.iter().filter(move |provider| provider.profile().kind == kind)
}

fn first_of(
    kind: ProviderKind,
    providers: &ProviderSet,
    detection: &Detection<'_>,
) -> Result<Option<Box<dyn TokenSource>>, SourceError> {
    let mut found = of_kind(kind, providers).map(|provider| provider.detect(detection));
    found.find(|source| !matches!(source, Ok(None))).unwrap_or(Ok(None))
}

/// Returns `true` if the job runs on a CI platform, even one that gives the job no tokens.
fn has_ci(providers: &ProviderSet, detection: &Detection<'_>) -> bool {
    !matches!(first_of(ProviderKind::Ci, providers, detection), Ok(None))
}

/// A named token for no particular registry, in a job of a CI platform. The platform's token takes its place
/// where the named token is for another audience.
#[derive(Debug)]
struct NamedOrPlatform {
    named: Box<dyn TokenSource>,
    /// The CI platform's source, once it has been asked.
    platform: OnceLock<Box<dyn TokenSource>>,
    providers: ProviderSet,
    context: Context,
    token_variables: Vec<String>,
}

impl NamedOrPlatform {
    fn new(named: Box<dyn TokenSource>, providers: &ProviderSet, detection: &Detection<'_>) -> Self {
        Self {
            named,
            platform: OnceLock::new(),
            providers: providers.clone(),
            context: detection.context.clone(),
            token_variables: detection.token_variables.iter().map(|&name| name.to_owned()).collect(),
        }
    }

    /// The source that gave the last token; before that, the source that is asked first.
    fn current(&self) -> &dyn TokenSource {
        &**self.platform.get().unwrap_or(&self.named)
    }
}

#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
impl TokenSource for NamedOrPlatform {
    fn provider(&self) -> &str {
        self.current().provider()
    }

    async fn token(&self, audience: &Audience) -> Result<IdToken, SourceError> {
        let error = match self.named.token(audience).await {
            // Any other fault of the named token is reported as it is.
            Err(error) if error.is_for_another() => error,
            given => return given,
        };
        let mut detection = Detection::new(&self.context);
        detection.token_variables.extend(self.token_variables.iter().map(String::as_str));
        let Some(platform) = first_of(ProviderKind::Ci, &self.providers, &detection)? else {
            return Err(error);
        };
        // Remembered, so that `provider` and `is_renewable` are those of the source that gave the token.
        self.platform.get_or_init(|| platform).token(audience).await
    }

    fn is_renewable(&self) -> bool {
        self.current().is_renewable()
    }
}
