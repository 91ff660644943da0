//! Tokens in files.

use std::path::{Path, PathBuf};

use async_trait::async_trait;
use oidc_core::{
    Audience, Context, Diagnosis, IdToken, MAX_TOKEN_BYTES, SourceError, SourceErrorKind, Target,
    TokenSource, shown,
};

use crate::codes;
use crate::command::code_of;

/// The code of a text that is no token.
const UNUSABLE: &str = codes::TOKEN_FILE_UNUSABLE;

/// The limit on a file, in bytes: a token with white space around it.
const MAX_FILE: usize = MAX_TOKEN_BYTES + 1024;

/// A token in a file, such as a projected service account token of Kubernetes. The file is read each
/// time a token is requested.
#[derive(Clone, Debug)]
pub struct FileSource {
    context: Context,
    path: PathBuf,
}

impl FileSource {
    /// A source of the token in the file at `path`.
    pub fn new(context: &Context, path: impl AsRef<Path>) -> Self {
        Self { context: context.clone(), path: path.as_ref().to_owned() }
    }

    fn error(&self, kind: SourceErrorKind, code: &'static str, why: &str) -> SourceError {
        let path = self.path.to_string_lossy();
        let problem = format!("the token in the file `{}` can't be used: {why}", shown(&path));
        let fix = "let the platform write an identity token for the registry's audience there";
        SourceError::new(kind, Diagnosis::new(code, Target::Platform, problem).fix(fix))
    }
}

#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
impl TokenSource for FileSource {
    fn provider(&self) -> &str {
        crate::GENERIC
    }

    async fn token(&self, audience: &Audience) -> Result<IdToken, SourceError> {
        let content = self.context.files().read(&self.path, MAX_FILE).map_err(|error| {
            self.error(SourceErrorKind::Missing, codes::TOKEN_FILE_MISSING, &error.to_string())
                .with_source(error)
        })?;
        let unusable = |code, why: &str| self.error(SourceErrorKind::InvalidToken, code, why);
        let token = String::from_utf8(content).map_err(|_| unusable(UNUSABLE, "it is not UTF-8"))?;
        self.context
            .id_token(token, audience)
            .map_err(|error| unusable(code_of(&error, UNUSABLE), &error.to_string()).with_source(error))
    }
}
