use oidc_core::{Detection, TokenSource, VariableSource};

use crate::file::FileSource;

const TOKEN: &str = "OIDC_TOKEN";
const TOKEN_FILE: &str = "OIDC_TOKEN_FILE";

/// Returns a token source, if a variable names a token.
pub(super) fn detect(detection: &Detection<'_>) -> Option<Box<dyn TokenSource>> {
    let context = detection.context;
    if context.environment().get(TOKEN).is_some() {
        return Some(Box::new(VariableSource::new(context, TOKEN).of(super::ID)));
    }
    let path = context.environment().get(TOKEN_FILE)?;
    Some(Box::new(FileSource::new(context, path)))
}
