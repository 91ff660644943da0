use std::borrow::Cow;
use std::fmt;

use crate::text::shown;
use crate::time::Timestamp;

/// The JSON value of one claim, as it stands in the token.
#[derive(Clone, Copy)]
pub struct ClaimValue<'a> {
    json: &'a str,
    may_have_escapes: bool,
}

impl<'a> ClaimValue<'a> {
    /// A value from its valid JSON text.
    pub(super) fn new(json: &'a str, may_have_escapes: bool) -> Self {
        Self { json, may_have_escapes }
    }

    /// The text, if it is a JSON string. Borrowed unless it holds escapes.
    pub fn as_text(&self) -> Option<Cow<'a, str>> {
        let inner = self.json.strip_prefix('"')?.strip_suffix('"')?;
        if self.may_have_escapes && inner.contains('\\') {
            serde_json::from_str::<String>(self.json).ok().map(Cow::Owned)
        } else {
            Some(Cow::Borrowed(inner))
        }
    }

    /// Whether this is a JSON string.
    pub fn is_text(&self) -> bool {
        self.json.starts_with('"')
    }

    /// Whether this is the empty JSON string.
    pub fn is_empty(&self) -> bool {
        self.json == "\"\""
    }

    /// The value, if it is JSON's `true` or `false`. The strings `"true"` and `"false"` are not.
    pub fn as_bool(&self) -> Option<bool> {
        match self.json {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        }
    }

    /// The value, if it is a JSON number that is a whole number from 0 to 2^64 - 1.
    pub fn as_u64(&self) -> Option<u64> {
        self.json.parse().ok()
    }

    /// A JSON number of seconds since the epoch that is a plausible time (RFC 7519, section 2, `NumericDate`):
    /// neither negative nor after the year 9999. A fraction is dropped.
    pub fn as_time(&self) -> Option<Timestamp> {
        let seconds = match self.as_u64() {
            Some(seconds) => seconds,
            None => whole_seconds(self.json)?,
        };
        (seconds <= Timestamp::MAX.as_secs()).then(|| Timestamp::from_secs(seconds))
    }

    /// Whether this is JSON's `null`.
    pub fn is_null(&self) -> bool {
        self.json == "null"
    }

    /// Whether this is `expected` as a string, or an array that holds `expected` and nothing else. That is how
    /// `aud` is compared: several audiences in one token would let one of them use it at another.
    pub fn is_exactly(&self, expected: &str) -> bool {
        if self.json.starts_with('[') {
            return matches!(serde_json::from_str::<[Cow<'a, str>; 1]>(self.json), Ok([one]) if one == expected);
        }
        self.as_text().is_some_and(|text| text == expected)
    }

    /// The text, if this is a string, or an array that holds one string and nothing else.
    #[cfg(feature = "verify")]
    pub(crate) fn sole_text(&self) -> Option<Cow<'a, str>> {
        if self.json.starts_with('[') {
            let one: [Cow<'a, str>; 1] = serde_json::from_str(self.json).ok()?;
            return one.into_iter().next();
        }
        self.as_text()
    }

    /// The JSON text.
    pub fn raw(&self) -> &'a str {
        self.json
    }
}

impl fmt::Debug for ClaimValue<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", shown(self.json))
    }
}

impl fmt::Display for ClaimValue<'_> {
    /// Writes a string between backticks and anything else as JSON, fit to be shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.as_text() {
            Some(text) => write!(f, "`{}`", shown(&text)),
            None => write!(f, "{}", shown(self.json)),
        }
    }
}

/// The whole seconds of a JSON number with a fraction or an exponent.
fn whole_seconds(number: &str) -> Option<u64> {
    let value: f64 = serde_json::from_str(number).ok()?;
    let limit = 253_402_300_800.0;
    if !(0.0..limit).contains(&value) {
        return None;
    }
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "0 <= value < limit was checked"
    )]
    Some(value as u64)
}
