//! Tokens that a platform puts into variables of its own before the job begins.

use async_trait::async_trait;
use oidc_core::{
    Audience, Context, Diagnosis, IdToken, SourceError, SourceErrorKind, Target, TokenSource, VariableSource,
};

/// A token source that reads the variables in which a platform puts a job's tokens.
#[derive(Debug)]
pub(crate) struct JobVariables {
    pub(crate) context: Context,
    /// The platform's name.
    pub(crate) provider: &'static str,
    /// The variables. The first that holds a token for the audience is used.
    pub(crate) names: Vec<String>,
    /// The code and the problem of a job with none of the variables.
    pub(crate) missing: (&'static str, &'static str),
    /// The fix of every error.
    pub(crate) fix: fn(&Audience) -> String,
    /// The vendor's page on it.
    pub(crate) link: &'static str,
}

#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
impl TokenSource for JobVariables {
    fn provider(&self) -> &str {
        self.provider
    }

    async fn token(&self, audience: &Audience) -> Result<IdToken, SourceError> {
        let mut refused = None;
        for name in self.names.iter().filter(|name| self.context.environment().get(name).is_some()) {
            let source = VariableSource::new(&self.context, name.as_str()).of(self.provider);
            match source.token(audience).await {
                Ok(token) => return Ok(token),
                // The first is the one that a job has without further configuration.
                Err(error) => _ = refused.get_or_insert(error),
            }
        }
        let error = refused.unwrap_or_else(|| self.missing());
        let diagnosis = error.diagnosis().clone().fix((self.fix)(audience)).link(self.link);
        Err(error.with_diagnosis(diagnosis))
    }
}

impl JobVariables {
    fn missing(&self) -> SourceError {
        let (code, problem) = self.missing;
        let subject = self.names.first().map_or(Target::Platform, |name| Target::Variable(name.clone()));
        SourceError::new(SourceErrorKind::Missing, Diagnosis::new(code, subject, problem))
    }
}
