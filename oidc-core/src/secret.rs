use std::fmt;

use zeroize::Zeroizing;

/// A value that must never be shown: an identity token, a request token, a publish token.
///
/// It has no `Display` and no `Serialize`, its `Debug` prints a marker, and its memory is overwritten when it
/// is dropped, so deriving `Debug` on a type that holds a secret is safe. [`Secret::expose`] is the only way
/// to read it.
///
/// ```
/// let secret = oidc_core::Secret::new("s3cr3t");
/// assert_eq!(format!("{secret:?}"), "[redacted]");
/// assert_eq!(secret.expose(), "s3cr3t");
/// ```
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Wraps a value.
    pub fn new(value: impl Into<String>) -> Self {
        Self(Zeroizing::new(value.into()))
    }

    /// Returns the value itself. The caller must keep it out of logs and errors.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Returns `true` if `text` contains the secret or, for a token of several parts separated by dots, a
    /// part of at least 16 characters. A server's answer may repeat the secret of the request.
    pub fn is_in(&self, text: &str) -> bool {
        let is_whole = !self.is_empty() && text.contains(self.expose());
        // A shorter part could occur in a text by chance.
        is_whole || self.expose().split('.').any(|part| part.len() >= 16 && text.contains(part))
    }

    /// Returns `true` if the value is empty.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_in_a_text_that_holds_it_or_much_of_it() {
        let token = Secret::new("eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhY21lIn0.c2ln");
        for (text, is_in) in [
            ("bad token eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhY21lIn0.c2ln!", true),
            ("claims eyJzdWIiOiJhY21lIn0", true),
            ("signature c2ln", false),
            ("eyJzdWIi", false),
            ("", false),
        ] {
            assert_eq!(token.is_in(text), is_in, "{text}");
        }
        assert!(Secret::new("short").is_in("a short one"));
        assert!(!Secret::new("").is_in("anything"));
    }
}
