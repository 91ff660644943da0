use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use std::borrow::Cow;
use std::fmt;

use crate::claims::{Claims, InvalidClaims};
use crate::proof::Unverified;
use crate::secret::Secret;
use crate::text::shown;
use crate::url::HttpUrl;

/// The greatest length of an identity token, in bytes. A longer one is refused unread; GitHub's and GitLab's have 1 to 4 kB.
pub const MAX_TOKEN_BYTES: usize = 16 * 1024;

/// The length above which an audience is refused. JSR puts a JSON document into the audience, so the bound is
/// not smaller.
const MAX_AUDIENCE_BYTES: usize = 8 * 1024;

/// The service that an identity token is made for: the `aud` claim (RFC 7519, section 4.1.3), such as
/// `npm:registry.example`.
///
/// An audience is compared as a whole, byte by byte, and is never empty.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Audience(String);

impl Audience {
    /// An audience with this text.
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

    /// Returns the text, as it stands in the claim.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Audience {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        shown(&self.0).fmt(f)
    }
}

/// An audience that is empty, too long, or holds a control character.
#[derive(Clone, Debug, thiserror::Error)]
#[error("audience `{}` is not usable: expected 1 to 8192 bytes without control characters", shown(.0))]
pub struct InvalidAudience(String);

/// An identity token as a CI platform gave it, with the audience that it was asked for.
///
/// The token's `aud` was compared with that audience when this value was made, so that a token for another
/// service is detected by the client; only [`IdToken::opaque`] and [`IdToken::with_fixed_audience`] make an
/// exception. The registry checks the signature.
#[derive(Clone, Debug)]
pub struct IdToken {
    token: Secret,
    audience: Audience,
}

impl IdToken {
    /// Reads a token in compact form (RFC 7515, section 7.1) that was requested for `audience`. Surrounding
    /// white space is dropped.
    ///
    /// # Errors
    ///
    /// When the text is not a JWT, or its `aud` is anything but `audience` alone.
    pub fn new(token: impl Into<String>, audience: Audience) -> Result<Self, InvalidIdToken> {
        let token = Secret::new(token);
        // The untrimmed text is a `Secret` as well, so that it is overwritten when it is dropped.
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

    /// Accepts any text that the platform gave for `audience`, as `npm`, `uv` and others do with the value of
    /// their variable. Surrounding white space is dropped.
    ///
    /// A JWT for another audience is refused all the same. The audience of any other text can't be read: it is sent to a
    /// registry that has `audience`, and only that registry finds out who it is for. With
    /// [`Context::with_opaque_tokens`](crate::Context::with_opaque_tokens), token sources return such texts.
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
    /// When the text is empty, longer than [`MAX_TOKEN_BYTES`], holds anything but visible ASCII characters,
    /// or is a JWT whose `aud` is anything but `audience` alone.
    pub fn opaque(text: impl Into<String>, audience: Audience) -> Result<Self, InvalidIdToken> {
        let text = Secret::new(text);
        let token = Secret::new(text.expose().trim());
        if token.expose().is_empty() || !token.expose().bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(InvalidIdToken::Text);
        }
        match Unverified::of_token(token.expose()) {
            Err(error @ InvalidIdToken::TooLarge(_)) => Err(error),
            // A text that names an audience is compared like any token; of other texts nothing can be
            // compared.
            Ok(claims) if claims.read_unverified().get("aud").is_some() => {
                Self::new(token.expose(), audience)
            }
            _ => Ok(Self { token, audience }),
        }
    }

    /// Reads a token of a platform that gives all its jobs the audience `fixed`, to be presented to a registry
    /// whose own audience is `audience` and that accepts such tokens of this platform. Surrounding white space
    /// is dropped. With [`Context::with_fixed_audience`](crate::Context::with_fixed_audience), token sources
    /// return such tokens.
    ///
    /// # Errors
    ///
    /// When the text is not a JWT, or its `aud` is anything but `fixed` alone.
    pub fn with_fixed_audience(
        token: impl Into<String>,
        fixed: Audience,
        audience: Audience,
    ) -> Result<Self, InvalidIdToken> {
        Ok(Self { audience, ..Self::new(token, fixed)? })
    }

    /// Returns the token's text, a secret.
    pub fn secret(&self) -> &Secret {
        &self.token
    }

    /// Returns the audience that the token was requested for. It is also the token's `aud`, unless the token
    /// is [opaque](IdToken::opaque) or its platform [fixes](IdToken::with_fixed_audience) the audience.
    pub fn audience(&self) -> &Audience {
        &self.audience
    }

    /// Reads the token's claims, for showing them to the token's owner. They are not verified.
    ///
    /// # Errors
    ///
    /// When the token is an [opaque](IdToken::opaque) text without claims. Each call decodes the token, so
    /// that its claims need not be kept.
    pub fn claims(&self) -> Result<Unverified<Claims>, InvalidIdToken> {
        Unverified::of_token(self.token.expose())
    }
}

/// A text that is not an identity token for the requested audience. The text itself is never shown.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidIdToken {
    /// Longer than [`MAX_TOKEN_BYTES`].
    #[error("the identity token has {0} bytes, more than the {MAX_TOKEN_BYTES} that one may have")]
    TooLarge(usize),
    /// Empty, or with characters that no token contains.
    #[error("the identity token is empty or holds a character that is not visible ASCII")]
    Text,
    /// Not three parts in base64url, separated by dots.
    #[error("the identity token is not a JWT: expected three base64url parts with dots between them")]
    Shape,
    /// The middle part is not a JSON object.
    #[error("the identity token's claims can't be read: {0}")]
    Claims(InvalidClaims),
    /// For another audience.
    #[error("the identity token is for audience {}, expected `{expected}`", found.as_deref().unwrap_or("(none)"))]
    Audience {
        /// The `aud` claim of the token, fit to be shown.
        found: Option<String>,
        /// The requested audience, fit to be shown.
        expected: String,
    },
}

/// The number of possible tokens in a text that are examined, and the number of bytes of the text that are
/// searched.
const MAX_WORDS: usize = 16;
const MAX_TEXT: usize = 256 * 1024;

/// The least length of an identity token in base64; shorter words are not decoded.
const MIN_ENCODED: usize = 64;

/// The least length of a token's claims; versions and names of hosts have three parts too.
const MIN_CLAIMS: usize = 24;

/// A token may be encoded so many times.
const MAX_ENCODINGS: usize = 2;

/// Returns `true` if a text contains an identity token of some issuer ([`is_identity_token`]): alone, after any scheme of
/// `Authorization`, in a JSON object or a settings file, or in base64, which may be encoded once more; in one line or in several, also as
/// a block of PEM. One that is compressed, encrypted or encoded in another way is not found.
///
/// A registry uses it for the whole value of a header that should hold a publish token.
///
/// ```
/// # use oidc_core::holds_identity_token;
/// let token = "e30.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIiwiYXVkIjoidmF1bHQiLCJleHAiOjF9.c2ln";
/// assert!(holds_identity_token(&format!("githuboidc {token}")));
/// assert!(!holds_identity_token("Bearer tpub_0123"));
/// ```
pub fn holds_identity_token(text: &str) -> bool {
    find_token(text, &|token| is_identity_token(token).then_some(())).is_some()
}

/// The first answer to a text that may be a token: to those in the text itself, with its lines joined or not, before those in base64.
pub(crate) fn find_token<T>(text: &str, ask: &dyn Fn(&str) -> Option<T>) -> Option<T> {
    find_encoded(beginning(text), ask, MAX_ENCODINGS)
}

fn find_encoded<T>(text: &str, ask: &dyn Fn(&str) -> Option<T>, encodings: usize) -> Option<T> {
    // The first and the last line of a block of PEM are none of its text.
    let line = |line: &str| match line.trim_start().starts_with("-----") {
        true => " ".to_owned(),
        false => line.split_whitespace().collect(),
    };
    let joined = text.trim().contains('\n').then(|| text.lines().map(line).collect::<String>());
    let mut texts = std::iter::once(text).chain(joined.as_deref());
    texts.find_map(|text| {
        let encoded = || {
            let encodings = encodings.checked_sub(1)?;
            decoded(text).find_map(|text| find_encoded(&text, ask, encodings))
        };
        words(text).find_map(ask).or_else(encoded)
    })
}

/// The words of a text that have the form of a token.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let words = text.split(move |c: char| !is_part(c)).map(|word| word.trim_matches('.'));
    let has_claims = |word: &&str| word.split('.').nth(1).is_some_and(|claims| claims.len() >= MIN_CLAIMS);
    words.filter(|word| word.split('.').count() == 3).filter(has_claims).take(MAX_WORDS)
}

/// The part of a text that is searched, up to the end of a character.
fn beginning(text: &str) -> &str {
    if text.len() <= MAX_TEXT {
        return text;
    }
    let end = (0..=MAX_TEXT).rev().find(|end| text.is_char_boundary(*end));
    end.and_then(|end| text.get(..end)).unwrap_or_default()
}

/// The texts that stand in a text in base64.
fn decoded(text: &str) -> impl Iterator<Item = String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '-' | '_');
    let words = text.split(move |c: char| !is_part(c)).filter(|word| word.len() >= MIN_ENCODED);
    words.take(MAX_WORDS).filter_map(|word| {
        let bytes = STANDARD_NO_PAD.decode(word).or_else(|_| URL_SAFE_NO_PAD.decode(word));
        String::from_utf8(bytes.ok()?).ok()
    })
}

/// Returns `true` if a text is an identity token of some issuer, by the claims that OpenID Connect Core,
/// section 2 requires: an issuer that is a URL, an audience and an expiry. The token is not verified.
///
/// A registry uses it to explain the mistake to a client that sends an identity token in place of a publish
/// token.
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
    /// Reads the claims of a token in compact form (RFC 7515, section 7.1), without checking its signature.
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
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    fn token(claims: &str) -> String {
        format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims))
    }

    fn audience() -> Audience {
        Audience::new("npm:registry.example").unwrap()
    }

    #[test]
    fn no_more_of_a_text_is_searched_than_its_bound_wherever_its_characters_end() {
        let token = token(r#"{"iss":"https://issuer.example","aud":"vault","exp":1}"#);
        for filling in
            ["x".repeat(MAX_TEXT), "\u{20ac}".repeat(MAX_TEXT), format!("x{}", "\u{e9}".repeat(MAX_TEXT))]
        {
            assert!(beginning(&filling).len() <= MAX_TEXT);
            assert!(!holds_identity_token(&format!("{filling} {token}")));
            assert!(!holds_identity_token(&format!("{filling} {}", STANDARD.encode(&token))));
            assert!(holds_identity_token(&format!("{token} {filling}")));
        }
    }

    #[test]
    fn an_identity_token_is_found_in_a_text() {
        let token = token(r#"{"iss":"https://issuer.example","aud":"vault","exp":1}"#);
        let encoded = STANDARD.encode(&token);
        for text in [
            token.clone(),
            format!("Bearer {token}"),
            format!("{{\"value\":\"{token}\"}}"),
            encoded.clone(),
            encoded.trim_end_matches('=').to_owned(),
            format!("Basic {}", STANDARD.encode(format!("__token__:{token}"))),
            URL_SAFE_NO_PAD.encode(format!("\u{ff}{token}")),
            encoded.as_bytes().chunks(76).map(String::from_utf8_lossy).collect::<Vec<_>>().join("\n"),
            token.as_bytes().chunks(40).map(String::from_utf8_lossy).collect::<Vec<_>>().join("\n"),
            format!(
                "Attributes\r\n-----BEGIN TOKEN-----\r\n{}\r\n-----END TOKEN-----\n",
                encoded.as_bytes().chunks(64).map(String::from_utf8_lossy).collect::<Vec<_>>().join("\r\n")
            ),
            format!("The token is {token}."),
            format!("githuboidc {token}"),
            STANDARD.encode(format!("//registry.example/:_auth={}\n", STANDARD.encode(format!("a:{token}")))),
        ] {
            assert!(holds_identity_token(&text), "{text}");
        }
        for text in ["", "hunter2", "e30.e30.c2ln", &STANDARD.encode("hunter2 ".repeat(20))] {
            assert!(!holds_identity_token(text), "{text}");
        }
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
