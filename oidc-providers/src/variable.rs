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
    /// `true` if there is a last variable, which is [named after the audience](named_after).
    pub(crate) is_named_after_audience: bool,
    /// The code and the problem of a job with none of the variables.
    pub(crate) missing: (&'static str, fn(&[String]) -> String),
    /// The fix of every error, by the variable.
    pub(crate) fix: fn(&str, &Audience) -> String,
    /// The words before the fix where there is no variable.
    pub(crate) where_missing: &'static str,
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
        let mut names = self.names.clone();
        names.extend(self.is_named_after_audience.then(|| named_after(audience)));
        let mut refused = None;
        for name in names.iter().filter(|name| self.context.environment().get(name).is_some()) {
            let source = VariableSource::new(&self.context, name.as_str()).of(self.provider);
            match source.token(audience).await {
                Ok(token) => return Ok(token),
                // The first is the one that a job has without further configuration.
                Err(error) => _ = refused.get_or_insert((error, (self.fix)(name, audience))),
            }
        }
        let (error, fix) = refused.unwrap_or_else(|| self.missing(&names, audience));
        let diagnosis = error.diagnosis().clone().fix(fix).link(self.link);
        Err(error.with_diagnosis(diagnosis))
    }
}

impl JobVariables {
    /// The error of a job with none of the variables, and its fix.
    fn missing(&self, names: &[String], audience: &Audience) -> (SourceError, String) {
        let (code, problem) = self.missing;
        let best = names.first().map_or("", String::as_str);
        let diagnosis = Diagnosis::new(code, Target::Variable(best.to_owned()), problem(names));
        let fix = format!("{}{}", self.where_missing, (self.fix)(best, audience));
        (SourceError::new(SourceErrorKind::Missing, diagnosis), fix)
    }
}

/// The name of the variable with a token for an audience, by the convention of PyPI's clients: the audience in ASCII upper case,
/// with `_` in place of everything that no variable's name has there.
fn named_after(audience: &Audience) -> String {
    let letter = |(at, character): (usize, char)| match character.to_ascii_uppercase() {
        letter @ 'A'..='Z' => letter,
        digit @ '0'..='9' if at > 0 => digit,
        _ => '_',
    };
    let name: String = audience.as_str().chars().enumerate().map(letter).collect();
    name + "_ID_TOKEN"
}
