use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::borrow::Cow;
use std::fmt;

use crate::claims::{Claims, InvalidClaims};
use crate::secret::Secret;
use crate::text::shown;
use crate::trust::Unverified;
use crate::url::HttpUrl;

/// An identity token longer than this is refused unread. GitHub's and GitLab's are 1 to 4 kB.
pub const MAX_TOKEN_BYTES: usize = 16 * 1024;

/// An audience longer than this is refused. JSR puts a JSON document into it, hence not less.
const MAX_AUDIENCE_BYTES: usize = 8 * 1024;

/// For whom an identity token is made: the `aud` claim (RFC 7519, section 4.1.3), such as `npm:registry.example`.
///
/// It is compared whole, byte by byte, and never empty.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Audience(String);

impl Audience {
    /// An audience from its text.
    ///
    /// # Errors
    ///
    /// When the text is empty, longer than 8 KiB, or holds a control character.
    pub fn new(text: impl Into<String>) -> Result<Self, InvalidAudience> {
        let text = text.into();
        if text.is_empty() || text.len() > MAX_AUDIENCE_BYTES || text.chars().any(char::is_control) {
            return Err(InvalidAudience(text));
        }
        Ok(Self(text))
    }

    /// The text, as it stands in the claim.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Audience {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        shown(&self.0).fmt(f)
    }
}

/// An audience is empty, too long, or holds a control character.
#[derive(Clone, Debug, thiserror::Error)]
#[error("audience `{}` is not usable: expected 1 to 8192 bytes without control characters", shown(.0))]
pub struct InvalidAudience(String);

/// An identity token as a CI platform gave it, with the audience that it was asked for.
///
/// Its `aud` was compared with that audience when it was made, so that a token for another service is found out
/// on the client's side; [`IdToken::opaque`] makes the exception. Its signature is the registry's to check.
#[derive(Clone, Debug)]
pub struct IdToken {
    token: Secret,
    audience: Audience,
}

impl IdToken {
    /// Takes a token in compact form (RFC 7515, section 7.1) that was asked for with `audience`. Surrounding
    /// white space is dropped.
    ///
    /// # Errors
    ///
    /// When it is not a JWT, or its `aud` is or holds anything but `audience`.
    pub fn new(token: impl Into<String>, audience: Audience) -> Result<Self, InvalidIdToken> {
        let token = Secret::new(token);
        let token = Secret::new(token.expose().trim());
        let claims = Unverified::of_token(token.expose())?;
        let found = claims.read_unverified();
        match found.get("aud") {
            Some(aud) if aud.is_exactly(audience.as_str()) => Ok(Self { token, audience }),
            aud => Err(InvalidIdToken::Audience {
                found: aud.map(|aud| aud.to_string()),
                expected: audience.to_string(),
            }),
        }
    }

    /// Takes a text that the platform handed out for `audience` and that may be anything, as `npm`, `uv` and others do with what
    /// their variable holds. Surrounding white space is dropped.
    ///
    /// A text that is a JWT and names another audience is refused all the same; of any other the audience can't be read, and
    /// only the registry finds out for whom it is. [`Context::with_opaque_tokens`](crate::Context::with_opaque_tokens) has
    /// sources hand out such texts.
    ///
    /// ```
    /// use oidc_core::{Audience, IdToken};
    ///
    /// let audience = Audience::new("npm:registry.example")?;
    /// assert!(IdToken::new("opaque", audience.clone()).is_err());
    /// let token = IdToken::opaque("opaque", audience)?;
    /// assert_eq!(token.secret().expose(), "opaque");
    /// assert!(token.claims().is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When the text is empty, longer than [`MAX_TOKEN_BYTES`], holds anything but visible ASCII characters, or is a JWT whose
    /// `aud` is or holds anything but `audience`.
    pub fn opaque(text: impl Into<String>, audience: Audience) -> Result<Self, InvalidIdToken> {
        let text = Secret::new(text);
        let token = Secret::new(text.expose().trim());
        if token.expose().is_empty() || !token.expose().bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(InvalidIdToken::Text);
        }
        match Unverified::of_token(token.expose()) {
            Err(error @ InvalidIdToken::TooLarge(_)) => Err(error),
            Ok(claims) if claims.read_unverified().get("aud").is_some() => {
                Self::new(token.expose(), audience)
            }
            _ => Ok(Self { token, audience }),
        }
    }

    /// The token's text, a secret.
    pub fn secret(&self) -> &Secret {
        &self.token
    }

    /// The audience it was asked for and, if it isn't an [opaque](IdToken::opaque) one, carries.
    pub fn audience(&self) -> &Audience {
        &self.audience
    }

    /// What the token says of itself, for showing to its owner. Nothing has checked it.
    ///
    /// # Errors
    ///
    /// When the token is an [opaque](IdToken::opaque) text that has no claims. The decoding is done again so that it needn't be
    /// kept.
    pub fn claims(&self) -> Result<Unverified<Claims>, InvalidIdToken> {
        Unverified::of_token(self.token.expose())
    }
}

/// A text is not an identity token for the audience that was asked for. The text itself is never shown.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidIdToken {
    /// Longer than [`MAX_TOKEN_BYTES`].
    #[error("the identity token has {0} bytes, more than the {MAX_TOKEN_BYTES} that one may have")]
    TooLarge(usize),
    /// Empty, or with characters that no token has.
    #[error("the identity token is empty or holds a character that is not visible ASCII")]
    Text,
    /// Not three parts in base64url with dots between them.
    #[error("the identity token is not a JWT: expected three base64url parts with dots between them")]
    Shape,
    /// The middle part is not a JSON object.
    #[error("the identity token's claims can't be read: {0}")]
    Claims(InvalidClaims),
    /// It is for somebody else.
    #[error("the identity token is for audience {}, expected `{expected}`", found.as_deref().unwrap_or("(none)"))]
    Audience {
        /// The `aud` claim as it stands, fit to be shown.
        found: Option<String>,
        /// What was asked for, fit to be shown.
        expected: String,
    },
}

/// A text is looked through for so many tokens, and is so long at most to be looked through.
const MAX_WORDS: usize = 16;
const MAX_TEXT: usize = 256 * 1024;

/// Whether an identity token stands in a text: alone, behind `Bearer`, in a JSON object that a platform answered.
pub(crate) fn holds_identity_token(text: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let words = text.get(..MAX_TEXT).unwrap_or(text).split(|c: char| !is_part(c));
    words.filter(|word| word.split('.').count() == 3).take(MAX_WORDS).any(is_identity_token)
}

/// Whether a text is an identity token of some issuer, by what OpenID Connect Core, section 2 has each hold: an issuer that is a
/// URL, an audience and an end. Nothing verifies it.
///
/// A registry tells so whoever presents one where a publish token belongs.
///
/// ```
/// # use oidc_core::is_identity_token;
/// let token = "e30.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIiwiYXVkIjoidmF1bHQiLCJleHAiOjF9.c2ln";
/// assert!(is_identity_token(token) && !is_identity_token("tpub_0123"));
/// ```
pub fn is_identity_token(text: &str) -> bool {
    Unverified::of_token(text.trim()).is_ok_and(|claims| {
        let claims = claims.read_unverified();
        let is_url = |issuer: Cow<'_, str>| HttpUrl::parse(&issuer).is_ok();
        claims.text("iss").is_some_and(is_url) && claims.get("aud").is_some() && claims.time("exp").is_some()
    })
}

impl Unverified<Claims> {
    /// The claims of a token in compact form (RFC 7515, section 7.1), whose signature nobody has checked.
    ///
    /// ```
    /// use oidc_core::{Claims, Unverified};
    ///
    /// let token = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIn0.c2ln";
    /// let claims = Unverified::<Claims>::of_token(token)?;
    /// assert_eq!(claims.read_unverified().text("iss").as_deref(), Some("https://issuer.example"));
    /// # Ok::<(), oidc_core::InvalidIdToken>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When the text is longer than [`MAX_TOKEN_BYTES`], is not a JWT, or its claims can't be read.
    pub fn of_token(token: &str) -> Result<Self, InvalidIdToken> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(InvalidIdToken::TooLarge(token.len()));
        }
        let mut parts = token.split('.');
        let (Some(_), Some(payload), Some(_), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(InvalidIdToken::Shape);
        };
        let payload = URL_SAFE_NO_PAD.decode(payload).map_err(|_| InvalidIdToken::Shape)?;
        Claims::parse(payload).map(Self::new).map_err(InvalidIdToken::Claims)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(claims: &str) -> String {
        format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims))
    }

    fn audience() -> Audience {
        Audience::new("npm:registry.example").unwrap()
    }

    #[test]
    fn a_token_for_the_audience_is_taken() {
        for aud in [r#""npm:registry.example""#, r#"["npm:registry.example"]"#] {
            assert!(IdToken::new(token(&format!("{{\"aud\":{aud}}}")), audience()).is_ok());
        }
    }

    #[test]
    fn a_token_for_somebody_else_is_refused_and_says_for_whom() {
        for aud in
            [r#""npm:other""#, r#"["npm:registry.example","b"]"#, "null", "7", r#""npm:registry.example/""#]
        {
            let error = IdToken::new(token(&format!("{{\"aud\":{aud}}}")), audience()).unwrap_err();
            assert!(matches!(error, InvalidIdToken::Audience { .. }), "{aud}: {error}");
            assert!(error.to_string().contains("npm:registry.example"));
        }
    }

    #[test]
    fn what_is_no_token_is_refused_and_never_shown() {
        for text in ["", "hunter2", "a.b", "a.b.c.d", "e30.!!.c", "e30..c", "e30.bm8.c"] {
            let error = IdToken::new(text, audience()).unwrap_err().to_string();
            assert!(!error.contains("hunter2"), "{error}");
        }
        assert!(matches!(
            IdToken::new("x".repeat(20_000), audience()),
            Err(InvalidIdToken::TooLarge(20_000))
        ));
    }

    #[test]
    fn an_opaque_text_is_taken_unless_it_is_for_somebody_else() {
        for text in ["opaque", " opaque\n", "a.b", "e30.!!.c", &token("{}"), &token("[]")] {
            let token = IdToken::opaque(text, audience()).unwrap();
            assert_eq!(token.secret().expose(), text.trim());
        }
        let ours = token(r#"{"aud":"npm:registry.example"}"#);
        assert!(IdToken::opaque(ours, audience()).unwrap().claims().is_ok());
        for aud in [r#""npm:other""#, r#"["npm:registry.example","b"]"#, "null"] {
            let error = IdToken::opaque(token(&format!("{{\"aud\":{aud}}}")), audience()).unwrap_err();
            assert!(matches!(error, InvalidIdToken::Audience { .. }), "{aud}: {error}");
        }
        for text in ["", " ", "a b", "a\nb", "a\u{7f}", "ä"] {
            assert!(matches!(IdToken::opaque(text, audience()), Err(InvalidIdToken::Text)), "{text:?}");
        }
        let long = "x".repeat(20_000);
        assert!(matches!(IdToken::opaque(long, audience()), Err(InvalidIdToken::TooLarge(_))));
    }

    #[test]
    fn an_audience_has_a_text() {
        assert!(Audience::new("").is_err());
        assert!(Audience::new("a\nb").is_err());
        assert!(Audience::new("x".repeat(9000)).is_err());
    }
}
