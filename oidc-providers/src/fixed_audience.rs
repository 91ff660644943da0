//! Platforms whose jobs can't choose the audience of their tokens.

use oidc_core::SourceError;

/// Adds to the error of a token for another audience that the platform has no other, and what accepting it means.
pub(crate) fn explained(error: SourceError, platform: &str) -> SourceError {
    if error.diagnosis().code != oidc_core::codes::AUDIENCE {
        return error;
    }
    let fix = format!(
        "{platform} gives all tokens this one audience, so every service that gets one could publish with it: the registry's \
         operator has to accept it for your organization's issuer, and this tool has to be told to present it"
    );
    let diagnosis = error.diagnosis().clone().fix(fix);
    error.with_diagnosis(diagnosis)
}
