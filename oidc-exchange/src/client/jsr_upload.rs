use std::str::FromStr;

use oidc_core::shown;
use serde::Serialize;

/// The longest name or version, in characters. The limit is this crate's.
const MAX_PART: usize = 128;

/// An archive to be uploaded.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct JsrUpload {
    permission: &'static str,
    scope: String,
    package: String,
    version: String,
    #[serde(rename = "tarballHash")]
    tarball_hash: String,
}

impl JsrUpload {
    /// An upload of version `version` of `@scope/package`. `tarball_hash` is the archive's hash, as `sha256-`
    /// and 64 hexadecimal digits.
    pub fn new(
        scope: impl Into<String>,
        package: impl Into<String>,
        version: impl Into<String>,
        tarball_hash: impl Into<String>,
    ) -> Self {
        Self {
            permission: "package/publish",
            scope: scope.into(),
            package: package.into(),
            version: version.into(),
            tarball_hash: tarball_hash.into(),
        }
    }
}

impl FromStr for JsrUpload {
    type Err = InvalidJsrUpload;

    /// Reads `@scope/package@version#sha256-…`.
    fn from_str(text: &str) -> Result<Self, InvalidJsrUpload> {
        let parts = || {
            let (name, rest) = text.strip_prefix('@')?.split_once('@')?;
            let (scope, package) = name.split_once('/')?;
            let (version, hash) = rest.split_once('#')?;
            Some((scope, package, version, hash))
        };
        let is_name = |part: &str| {
            let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
            !part.is_empty() && part.len() <= MAX_PART && part.bytes().all(allowed)
        };
        let is_version = |version: &str| {
            let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'+');
            !version.is_empty() && version.len() <= MAX_PART && version.bytes().all(allowed)
        };
        let is_hash = |hash: &str| {
            let digits = hash.strip_prefix("sha256-").unwrap_or_default();
            digits.len() == 64 && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        };
        match parts() {
            Some((scope, package, version, hash))
                if is_name(scope) && is_name(package) && is_version(version) && is_hash(hash) =>
            {
                Ok(Self::new(scope, package, version, hash))
            }
            _ => Err(InvalidJsrUpload(text.chars().take(512).collect())),
        }
    }
}

/// A text that is not an upload to JSR.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is not an upload to JSR: expected `@scope/package@version#sha256-` and 64 hexadecimal digits", shown(.0))]
pub struct InvalidJsrUpload(String);
