use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde_json::value::RawValue;

use crate::text::shown;
use crate::time::Timestamp;

/// The JSON value of one claim, as it stands in the token.
#[derive(Clone, Copy)]
pub struct ClaimValue<'a> {
    json: &'a str,
    may_have_escapes: bool,
}

impl<'a> ClaimValue<'a> {
    /// A value of valid JSON text.
    pub(super) fn new(json: &'a str, may_have_escapes: bool) -> Self {
        Self { json, may_have_escapes }
    }

    /// Returns the text, if the value is a JSON string. Borrowed unless it holds escapes.
    pub fn as_text(&self) -> Option<Cow<'a, str>> {
        let inner = self.json.strip_prefix('"')?.strip_suffix('"')?;
        // Most tokens have no backslash at all, and then no value is searched for one.
        if self.may_have_escapes && inner.contains('\\') {
            serde_json::from_str::<String>(self.json).ok().map(Cow::Owned)
        } else {
            Some(Cow::Borrowed(inner))
        }
    }

    /// Returns `true` if the value is a JSON string.
    pub fn is_text(&self) -> bool {
        self.json.starts_with('"')
    }

    /// Returns `true` if the value is the empty JSON string.
    pub fn is_empty(&self) -> bool {
        self.json == "\"\""
    }

    /// Returns the value, if it is JSON's `true` or `false`, and not for the strings `"true"` and `"false"`.
    pub fn as_bool(&self) -> Option<bool> {
        match self.json {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        }
    }

    /// Returns the value, if it is a JSON number that is a whole number from 0 to 2^64 - 1.
    pub fn as_u64(&self) -> Option<u64> {
        self.json.parse().ok()
    }

    /// Returns the time, if the value is a JSON number of seconds since the epoch (RFC 7519, section 2,
    /// `NumericDate`) that is plausible: neither negative nor after the year 9999. A fraction is dropped.
    pub fn as_time(&self) -> Option<Timestamp> {
        let seconds = match self.as_u64() {
            Some(seconds) => seconds,
            None => whole_seconds(self.json)?,
        };
        (seconds <= Timestamp::MAX.as_secs()).then(|| Timestamp::from_secs(seconds))
    }

    /// Returns `true` if the value is JSON's `null`.
    pub fn is_null(&self) -> bool {
        self.json == "null"
    }

    /// Returns `true` if the value is the string `expected`, or an array that holds `expected` and nothing
    /// else. `aud` is compared like this: one of several audiences could present the token to
    /// another.
    pub fn is_exactly(&self, expected: &str) -> bool {
        if self.json.starts_with('[') {
            return matches!(serde_json::from_str::<[Cow<'a, str>; 1]>(self.json), Ok([one]) if one == expected);
        }
        self.as_text().is_some_and(|text| text == expected)
    }

    /// Returns the text, if the value is a string, or an array that holds one string and nothing else.
    #[cfg(feature = "verify")]
    pub(crate) fn sole_text(&self) -> Option<Cow<'a, str>> {
        if self.json.starts_with('[') {
            let one: [Cow<'a, str>; 1] = serde_json::from_str(self.json).ok()?;
            return one.into_iter().next();
        }
        self.as_text()
    }

    /// Returns `true` if the value is a JSON object.
    pub fn is_object(&self) -> bool {
        self.json.starts_with('{')
    }

    /// Returns a member of the value, if the value is a JSON object that has it. A JSON `null` is a member. Each
    /// call reads the whole object.
    ///
    /// ```
    /// let claims = oidc_core::Claims::parse(r#"{"kubernetes.io":{"namespace":"acme"}}"#)?;
    /// let namespace = claims.get("kubernetes.io").and_then(|value| value.member("namespace"));
    /// assert_eq!(namespace.and_then(|value| value.as_text()).as_deref(), Some("acme"));
    /// # Ok::<(), oidc_core::InvalidClaims>(())
    /// ```
    pub fn member(&self, name: &str) -> Option<Self> {
        if !self.is_object() {
            return None;
        }
        let members: BTreeMap<Cow<'a, str>, &'a RawValue> = serde_json::from_str(self.json).ok()?;
        Some(Self { json: members.get(name)?.get(), may_have_escapes: self.may_have_escapes })
    }

    /// Returns the elements of the value, if the value is a JSON array.
    ///
    /// ```
    /// let claims = oidc_core::Claims::parse(r#"{"groups":["acme","widget"]}"#)?;
    /// let groups = claims.get("groups").and_then(|value| value.elements()).unwrap_or_default();
    /// assert!(groups.iter().any(|group| group.as_text().as_deref() == Some("widget")));
    /// # Ok::<(), oidc_core::InvalidClaims>(())
    /// ```
    pub fn elements(&self) -> Option<Vec<Self>> {
        if !self.json.starts_with('[') {
            return None;
        }
        let elements: Vec<&'a RawValue> = serde_json::from_str(self.json).ok()?;
        let of =
            |element: &'a RawValue| Self { json: element.get(), may_have_escapes: self.may_have_escapes };
        Some(elements.into_iter().map(of).collect())
    }

    /// Returns the JSON text.
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
    // The first second of the year 10000, which is after `Timestamp::MAX`.
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
