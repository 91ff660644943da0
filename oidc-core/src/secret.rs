use std::fmt;

use zeroize::Zeroizing;

/// A value that must not be seen: an identity token, a request token, a publish token.
///
/// It has no `Display` and no `Serialize`, its `Debug` prints a marker, and its memory is overwritten when it
/// is dropped, so that deriving `Debug` on a type that holds one is safe. [`Secret::expose`] is the only way in.
///
/// ```
/// let secret = oidc_core::Secret::new("s3cr3t");
/// assert_eq!(format!("{secret:?}"), "[redacted]");
/// assert_eq!(secret.expose(), "s3cr3t");
/// ```
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes a value out of sight.
    pub fn new(value: impl Into<String>) -> Self {
        Self(Zeroizing::new(value.into()))
    }

    /// The value itself. Whoever calls this takes over the duty to keep it out of logs and errors.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl From<String> for Secret {
    fn from(value: String) -> Self {
        Self::new(value)
    }
}

impl From<&str> for Secret {
    fn from(value: &str) -> Self {
        Self::new(value)
    }
}
