use async_trait::async_trait;
use oidc_core::{
    Audience, Context, Detection, Diagnosis, IdToken, SourceError, SourceErrorKind, Target, TokenSource,
    VariableSource, shown,
};

use crate::codes;
use crate::links;

/// Returns a token source, if the job runs on GitLab CI.
pub(super) fn detect(detection: &Detection<'_>) -> Option<Box<dyn TokenSource>> {
    if detection.context.environment().get("GITLAB_CI") != Some("true") {
        return None;
    }
    let variables = detection.token_variables.iter().map(|&name| name.to_owned()).collect();
    Some(Box::new(GitLabSource { context: detection.context.clone(), variables }))
}

/// A token source that reads the token that GitLab put into a variable before the job began.
#[derive(Debug)]
struct GitLabSource {
    context: Context,
    /// The variables that the registry or the user named. The first that is set is used.
    variables: Vec<String>,
}

#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
impl TokenSource for GitLabSource {
    fn provider(&self) -> &str {
        super::ID
    }

    async fn token(&self, audience: &Audience) -> Result<IdToken, SourceError> {
        let of_audience = variable_of(audience);
        let mut names = self.variables.iter().chain([&of_audience]);
        match names.find(|name| self.context.environment().get(name).is_some()) {
            Some(name) => {
                let source = VariableSource::new(&self.context, name.as_str()).of(super::ID);
                source.token(audience).await.map_err(|error| with_declaration(error, name, audience))
            }
            None => Err(self.missing(audience, &of_audience)),
        }
    }
}

impl GitLabSource {
    fn missing(&self, audience: &Audience, of_audience: &str) -> SourceError {
        let best = self.variables.first().map_or(of_audience, String::as_str);
        let names: Vec<&str> = self.variables.iter().map(String::as_str).chain([of_audience]).collect();
        let problem = format!("GitLab put no identity token into the job: {} is not set", names.join(" or "));
        let fix = format!("add to the job in the CI configuration: {}", declaration(best, audience));
        let diagnosis =
            Diagnosis::new(codes::GITLAB_ID_TOKEN_MISSING, Target::Variable(best.to_owned()), problem);
        SourceError::new(SourceErrorKind::Missing, diagnosis.fix(fix).link(links::GITLAB_ID_TOKENS))
    }
}

/// The line with which a job declares a token.
fn declaration(variable: &str, audience: &Audience) -> String {
    let aud = serde_json::Value::from(audience.as_str()).to_string();
    format!("`id_tokens: {{ {variable}: {{ aud: {} }} }}`", shown(&aud))
}

/// The instruction to put a token into a variable.
pub(super) fn variable_line(variable: &str, audience: &Audience) -> String {
    format!("write into the job in the CI configuration: {}", declaration(variable, audience))
}

/// Adds to the error of a token that can't be used the declaration that the job should have.
fn with_declaration(error: SourceError, variable: &str, audience: &Audience) -> SourceError {
    let diagnosis =
        error.diagnosis().clone().fix(declaration(variable, audience)).link(links::GITLAB_ID_TOKENS);
    error.with_diagnosis(diagnosis)
}

/// The name of the variable for an audience.
fn variable_of(audience: &Audience) -> String {
    let letter = |(at, character): (usize, char)| match character.to_ascii_uppercase() {
        letter @ 'A'..='Z' => letter,
        digit @ '0'..='9' if at > 0 => digit,
        _ => '_',
    };
    let name: String = audience.as_str().chars().enumerate().map(letter).collect();
    name + "_ID_TOKEN"
}
