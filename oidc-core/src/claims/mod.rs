mod index;
mod reader;
#[cfg(test)]
mod tests;
mod unique;
mod value;

use std::borrow::Cow;
use std::convert::Infallible;
use std::fmt;

use self::index::Index;
#[cfg(feature = "verify")]
pub(crate) use self::reader::Registered;
pub(crate) use self::reader::{Reader, Unread};
#[cfg(feature = "verify")]
pub(crate) use self::unique::{Text, UniqueNames};
pub use self::value::ClaimValue;
use crate::time::Timestamp;

/// The number of claims above which a token is refused. GitHub's tokens have about 40, plus custom
/// properties.
pub const MAX_CLAIMS: usize = 256;
/// The number of bytes above which claims are refused. Positions up to twice this number fit into 16 bits,
/// and no token of [`MAX_TOKEN_BYTES`](crate::MAX_TOKEN_BYTES) has so many.
pub const MAX_CLAIMS_BYTES: usize = u16::MAX as usize / 2;

/// The claims of an identity token: the decoded JSON text and an index of its members, not a tree of owned
/// values.
///
/// Names are unique at every depth (RFC 8725 asks for it, RFC 7519, section 4 allows refusing duplicates).
#[derive(Clone)]
pub struct Claims {
    json: String,
    index: Index,
}

impl Claims {
    /// Reads a JSON object.
    ///
    /// # Errors
    ///
    /// When the bytes are not one JSON object in UTF-8, a name occurs twice, or there are more than
    /// [`MAX_CLAIMS`] members or [`MAX_CLAIMS_BYTES`].
    pub fn parse(json: impl Into<Vec<u8>>) -> Result<Self, InvalidClaims> {
        let json = String::from_utf8(json.into()).map_err(|_| InvalidClaims::Syntax)?;
        let mut reader = Reader::new(&json);
        match reader.read(|_| Ok::<_, Infallible>(())) {
            Ok(_) => {}
            Err(Unread::Invalid(why)) => return Err(why),
            Err(Unread::Refused(never)) => match never {},
        }
        let index = reader.index()?;
        Ok(Self { json, index })
    }

    /// The claims of a text that was read before.
    #[cfg(feature = "verify")]
    pub(crate) fn of(json: String, index: Index) -> Self {
        Self { json, index }
    }

    /// The claims as far as they can be read: of members with the same name the first, and of a text that
    /// becomes invalid JSON the members before that point.
    #[cfg(feature = "verify")]
    pub(crate) fn as_far_as_legible(json: String) -> Self {
        let mut reader = Reader::new(&json);
        let _fault = reader.read(|_| Ok::<_, Infallible>(()));
        let index = reader.index_of_first();
        Self { json, index }
    }

    /// The text that was read.
    #[cfg(feature = "verify")]
    pub(crate) fn into_json(self) -> String {
        self.json
    }

    /// Returns the claim of this name, if the token has it. A JSON `null` is a claim.
    pub fn get(&self, name: &str) -> Option<ClaimValue<'_>> {
        self.index.get(&self.json, name)
    }

    /// Returns the text of a claim that is a JSON string; `None` where the claim is absent or of another
    /// type.
    pub fn text(&self, name: &str) -> Option<Cow<'_, str>> {
        self.get(name)?.as_text()
    }

    /// Returns a claim that is a plausible point in time; see [`ClaimValue::as_time`].
    pub fn time(&self, name: &str) -> Option<Timestamp> {
        self.get(name)?.as_time()
    }

    /// Deserializes the claims into a type of the application. Values are as they stand in the token: GitLab,
    /// for example, writes booleans as strings.
    ///
    /// ```
    /// #[derive(serde::Deserialize)]
    /// struct Job {
    ///     repository: String,
    /// }
    ///
    /// let claims = oidc_core::Claims::parse(r#"{"iss":"https://issuer.example","repository":"acme/widget"}"#)?;
    /// assert_eq!(claims.deserialize::<Job>()?.repository, "acme/widget");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When a member that the type needs is missing or of another type. The error's text may repeat a claim's
    /// value.
    pub fn deserialize<'de, T: serde::Deserialize<'de>>(&'de self) -> Result<T, serde_json::Error> {
        serde_json::from_str(&self.json)
    }

    /// Returns every claim with its name, in the token's order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, ClaimValue<'_>)> {
        self.index.iter(&self.json)
    }
}

impl fmt::Debug for Claims {
    /// Shows names only: values may be personal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(|(name, _)| name)).finish()
    }
}

/// An error of reading claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidClaims {
    /// Not a JSON object in UTF-8.
    #[error("expected one JSON object")]
    Syntax,
    /// A name occurs twice in one object.
    #[error("a member's name occurs twice in one object")]
    Duplicate,
    /// Longer than [`MAX_CLAIMS_BYTES`].
    #[error("longer than {MAX_CLAIMS_BYTES} bytes")]
    TooLong,
    /// More than [`MAX_CLAIMS`] members.
    #[error("more than {MAX_CLAIMS} members")]
    TooMany,
}
