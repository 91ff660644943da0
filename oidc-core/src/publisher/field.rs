use std::borrow::Cow;

use serde::Serialize;
use serde_json::Value;

/// One field of a publisher's configuration, as data.
///
/// Each platform has one table of these, [`Provider::publisher_fields`]. From it follow the keys that a configuration may
/// have, the form of a settings page, the publisher that fits a job ([`Provider::settings`]) and the documentation. No
/// other code knows a key by its name.
///
/// A platform writes its table with the constructors below:
///
/// ```
/// use oidc_core::{FieldComparison, PublisherField};
///
/// const FIELDS: &[PublisherField] = &[
///     PublisherField::required("project", "Project")
///         .found_by()
///         .example("acme/widget")
///         .summary("The project's path"),
///     PublisherField::id("project_uid", "Project id")
///         .example("123456")
///         .summary("The number that the platform gave the project"),
///     PublisherField::optional("git_ref", "Ref")
///         .claim("ref")
///         .compared(FieldComparison::Pattern)
///         .example("refs/tags/v*")
///         .summary("The branch or tag of the run"),
/// ];
/// ```
///
/// A settings page reads it. [`PublisherField::value_of`] gives the configuration's value for what somebody typed:
///
/// ```
/// # use oidc_core::PublisherField;
/// # const FIELDS: &[PublisherField] = &[PublisherField::required("project", "Project").example("acme/widget")];
/// for field in FIELDS {
///     println!("{}: <input name=\"{}\" placeholder=\"{}\">", field.title, field.key, field.example);
/// }
/// let typed = [("project", "acme/widget")];
/// let config: serde_json::Map<_, _> = FIELDS
///     .iter()
///     .filter_map(|field| {
///         let (_, text) = typed.iter().find(|(key, _)| *key == field.key)?;
///         Some((field.key.to_owned(), field.value_of(text)?))
///     })
///     .collect();
/// assert_eq!(config["project"], "acme/widget");
/// ```
///
/// [`Provider::publisher_fields`]: crate::Provider::publisher_fields
/// [`Provider::settings`]: crate::Provider::settings
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PublisherField {
    /// The key in a publisher's configuration.
    pub key: &'static str,
    /// The label on a form, such as `Repository`.
    pub title: &'static str,
    /// What to write, in half a sentence of Markdown.
    pub summary: &'static str,
    /// A value that somebody could write, in the form that [`PublisherField::value_of`] reads.
    pub example: &'static str,
    /// The claim that the value is compared with; `None` where it isn't compared with one claim.
    pub claim: Option<&'static str>,
    /// The JSON type of the value.
    pub value: FieldType,
    /// How the value is compared with the claim.
    pub comparison: FieldComparison,
    /// The only values that there are; empty where there are others.
    pub choices: &'static [&'static str],
    /// Whether no publisher can do without it.
    pub required: bool,
    /// Whether a publisher should have it if its jobs have such a value. A form shows it beside the required fields.
    pub recommended: bool,
    /// Whether the publisher's [`Identity`](crate::Identity) is made of it: the publisher is looked up by it.
    pub found_by: bool,
    /// Whether its value outlives a rename: an id that nobody else is given later.
    pub immutable: bool,
    /// Whether a publisher without it learns it from its first match. The key is then the claim's name ([`Pin`]).
    ///
    /// [`Pin`]: crate::Pin
    pub learned: bool,
    /// How much a publisher with it is more specific than one without it, see [`Match::specificity`].
    ///
    /// [`Match::specificity`]: crate::Match::specificity
    pub specificity: u32,
}

impl PublisherField {
    /// A field that no publisher can do without: one text, compared as a whole with the claim of the key's name.
    pub const fn required(key: &'static str, title: &'static str) -> Self {
        let field = Self::new(key, title);
        Self { required: true, specificity: 0, ..field }
    }

    /// A field that is a rule where it is written, and counts for specificity there.
    pub const fn optional(key: &'static str, title: &'static str) -> Self {
        Self::new(key, title)
    }

    /// An immutable id that is learned where it is not written. It doesn't count for specificity, so that learning it
    /// changes no order.
    pub const fn id(key: &'static str, title: &'static str) -> Self {
        let field = Self::new(key, title);
        Self { immutable: true, learned: true, specificity: 0, ..field }
    }

    const fn new(key: &'static str, title: &'static str) -> Self {
        Self {
            key,
            title,
            summary: "",
            example: "",
            claim: Some(key),
            value: FieldType::Text,
            comparison: FieldComparison::Exact,
            choices: &[],
            required: false,
            recommended: false,
            found_by: false,
            immutable: false,
            learned: false,
            specificity: 1,
        }
    }

    /// With what to write.
    #[must_use]
    pub const fn summary(mut self, summary: &'static str) -> Self {
        self.summary = summary;
        self
    }

    /// With a value that somebody could write.
    #[must_use]
    pub const fn example(mut self, example: &'static str) -> Self {
        self.example = example;
        self
    }

    /// Compared with the claim of another name than the key's.
    #[must_use]
    pub const fn claim(mut self, claim: &'static str) -> Self {
        self.claim = Some(claim);
        self
    }

    /// Not compared with one claim.
    #[must_use]
    pub const fn without_claim(mut self) -> Self {
        self.claim = None;
        self
    }

    /// With values of another type than [`FieldType::Text`].
    #[must_use]
    pub const fn of_type(mut self, value: FieldType) -> Self {
        self.value = value;
        self
    }

    /// Compared in another way than [`FieldComparison::Exact`].
    #[must_use]
    pub const fn compared(mut self, comparison: FieldComparison) -> Self {
        self.comparison = comparison;
        self
    }

    /// With these values and no others.
    #[must_use]
    pub const fn choices(mut self, choices: &'static [&'static str]) -> Self {
        self.choices = choices;
        self
    }

    /// As one that a publisher is looked up by.
    #[must_use]
    pub const fn found_by(mut self) -> Self {
        self.found_by = true;
        self
    }

    /// As one that a publisher should have if its jobs have such a value.
    #[must_use]
    pub const fn recommended(mut self) -> Self {
        self.recommended = true;
        self
    }

    /// As one whose value outlives a rename.
    #[must_use]
    pub const fn immutable(mut self) -> Self {
        self.immutable = true;
        self
    }

    /// With another weight in specificity than 1, or 0 for required fields and ids.
    #[must_use]
    pub const fn specificity(mut self, specificity: u32) -> Self {
        self.specificity = specificity;
        self
    }

    /// The configuration's value for a text from a form or a command line; `None` where the text is empty. What can't be
    /// read as [`PublisherField::value`] says stays a text, which [`Provider::publisher`] then refuses with its reason.
    ///
    /// Several texts are separated by commas or line breaks, or are a JSON array. A table is a JSON object.
    ///
    /// ```
    /// use oidc_core::{FieldComparison, FieldType, PublisherField};
    /// use serde_json::json;
    ///
    /// const EVENT: PublisherField = PublisherField::optional("event", "Event")
    ///     .of_type(FieldType::Texts)
    ///     .compared(FieldComparison::OneOf);
    /// assert_eq!(EVENT.value_of("push, release"), Some(json!(["push", "release"])));
    /// assert_eq!(EVENT.value_of("push"), Some(json!("push")));
    /// assert_eq!(EVENT.value_of(""), None);
    /// ```
    ///
    /// [`Provider::publisher`]: crate::Provider::publisher
    pub fn value_of(&self, text: &str) -> Option<Value> {
        if text.is_empty() {
            return None;
        }
        let json = || serde_json::from_str::<Value>(text).ok();
        let value = match self.value {
            FieldType::Text => None,
            FieldType::Flag => json().filter(Value::is_boolean),
            FieldType::Table => json().filter(Value::is_object),
            FieldType::Texts if text.trim_start().starts_with('[') => json().filter(Value::is_array),
            FieldType::Texts => texts(text),
        };
        Some(value.unwrap_or_else(|| text.into()))
    }

    /// A value of the configuration as a text that [`PublisherField::value_of`] reads: for a form that shows a stored
    /// publisher, or a line for a person.
    ///
    /// ```
    /// use oidc_core::PublisherField;
    /// use serde_json::json;
    ///
    /// assert_eq!(PublisherField::text_of(&json!("acme/widget")), "acme/widget");
    /// assert_eq!(PublisherField::text_of(&json!(true)), "true");
    /// assert_eq!(PublisherField::text_of(&json!(["push", "release"])), r#"["push","release"]"#);
    /// ```
    pub fn text_of(value: &Value) -> Cow<'_, str> {
        match value {
            Value::String(text) => Cow::Borrowed(text),
            other => Cow::Owned(other.to_string()),
        }
    }
}

/// The texts between commas and line breaks, `None` where there is no such thing.
fn texts(text: &str) -> Option<Value> {
    let between = [',', '\n'];
    let parts = text.split(between).map(str::trim).filter(|part| !part.is_empty());
    text.contains(between).then(|| parts.map(Value::from).collect())
}

/// The JSON type of a field's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum FieldType {
    /// A text.
    Text,
    /// A text, or an array of texts.
    Texts,
    /// `true` or `false`; `false` is no rule.
    Flag,
    /// An object whose keys are the user's choice.
    Table,
}

/// How a field's value is compared with its claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum FieldComparison {
    /// As a whole, byte by byte.
    Exact,
    /// As a whole, where letters that differ in ASCII case only are the same.
    IgnoringCase,
    /// As a pattern that is anchored at both ends: `*` stands for anything but `/`, `**` for anything.
    Pattern,
    /// The claim is one of the values.
    OneOf,
    /// The claim, an array, has all of the values.
    AllOf,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_typed_text_is_the_value_of_the_fields_type_and_its_own_text_again() {
        let of = |value| PublisherField::optional("key", "Key").of_type(value);
        for (value, text, expected) in [
            (FieldType::Text, "acme/widget", json!("acme/widget")),
            (FieldType::Text, "true", json!("true")),
            (FieldType::Text, "7", json!("7")),
            (FieldType::Text, "[\"a\"]", json!("[\"a\"]")),
            (FieldType::Flag, "true", json!(true)),
            (FieldType::Flag, "false", json!(false)),
            (FieldType::Flag, "yes", json!("yes")),
            (FieldType::Flag, "1", json!("1")),
            (FieldType::Texts, "push", json!("push")),
            (FieldType::Texts, "[\"a\",\"b\"]", json!(["a", "b"])),
            (FieldType::Texts, "[a", json!("[a")),
            (FieldType::Table, "{\"sub\":\"a\"}", json!({"sub": "a"})),
            (FieldType::Table, "sub=a", json!("sub=a")),
        ] {
            let read = of(value).value_of(text).unwrap();
            assert_eq!(read, expected, "{text}");
            assert_eq!(PublisherField::text_of(&read), text);
        }
        assert_eq!(of(FieldType::Texts).value_of("a, b\r\nc,\n").unwrap(), json!(["a", "b", "c"]));
        for value in [FieldType::Text, FieldType::Texts, FieldType::Flag, FieldType::Table] {
            assert_eq!(of(value).value_of(""), None);
        }
    }
}
