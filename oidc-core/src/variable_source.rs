use std::sync::Arc;

use async_trait::async_trait;

use crate::codes;
use crate::context::Context;
use crate::diagnosis::{Diagnosis, Target};
use crate::provider::Provider;
use crate::source::{SourceError, SourceErrorKind, TokenSource};
use crate::token::{Audience, IdToken, InvalidIdToken};

/// A token that was put into an environment variable before the job began.
///
/// ```
/// use oidc_core::{Audience, Context, SourceErrorKind, TokenSource as _, VariableSource, blocking::complete};
///
/// let cx = Context::default().with_environment([("ID_TOKEN", "no token")].into_iter().collect());
/// let source = VariableSource::new(&cx, "ID_TOKEN");
/// let refused = complete(source.token(&Audience::new("npm:registry.example")?))?.unwrap_err();
/// assert_eq!(refused.kind(), SourceErrorKind::InvalidToken);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct VariableSource {
    context: Context,
    name: String,
    provider: &'static str,
    /// The platform that the job runs on, for the fix in errors.
    platform: Option<Arc<dyn Provider>>,
}

impl VariableSource {
    /// A source of the token in the variable `name`.
    pub fn new(context: &Context, name: impl Into<String>) -> Self {
        Self { context: context.clone(), name: name.into(), provider: "variable", platform: None }
    }

    pub(crate) fn on(self, platform: Option<Arc<dyn Provider>>) -> Self {
        Self { platform, ..self }
    }

    /// The fix of an error: the way in which the job's platform puts a token into the variable.
    fn fix(&self, audience: &Audience) -> String {
        let line = self.platform.as_ref().and_then(|platform| platform.variable_line(&self.name, audience));
        line.unwrap_or_else(|| {
            format!(
                "let the platform put an identity token for the audience `{audience}` into variable `{}`",
                self.name
            )
        })
    }

    /// Replaces the name of the platform that the source reports.
    #[must_use]
    pub fn of(mut self, provider: &'static str) -> Self {
        self.provider = provider;
        self
    }
}

#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
impl TokenSource for VariableSource {
    fn provider(&self) -> &str {
        self.provider
    }

    async fn token(&self, audience: &Audience) -> Result<IdToken, SourceError> {
        let subject = || Target::Variable(self.name.clone());
        let Some(token) = self.context.environment().get(&self.name) else {
            return Err(SourceError::new(
                SourceErrorKind::Missing,
                Diagnosis::new(
                    codes::TOKEN_VARIABLE_MISSING,
                    subject(),
                    format!("variable `{}` is not set", self.name),
                )
                .fix(self.fix(audience)),
            ));
        };
        self.context.id_token(token, audience).map_err(|error| {
            let problem = format!("the token in variable `{}` can't be used: {error}", self.name);
            let diagnosis = match &error {
                InvalidIdToken::Audience { found, .. } => {
                    let diagnosis = Diagnosis::new(codes::AUDIENCE, Target::Claim("aud".to_owned()), problem);
                    let found = found.as_deref().unwrap_or("(none)").trim_matches('`');
                    diagnosis.found(found).expected(audience.as_str())
                }
                _ => Diagnosis::new(codes::TOKEN_VARIABLE_UNUSABLE, subject(), problem),
            };
            let fix = self.fix(audience);
            SourceError::new(SourceErrorKind::InvalidToken, diagnosis.fix(fix)).with_source(error)
        })
    }
}
