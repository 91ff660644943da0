use std::borrow::Cow;

use serde::Serialize;
use serde_json::Value;

/// One field of a publisher's configuration, as data.
///
/// Each platform has one table of these, [`Provider::publisher_fields`]. The table determines the keys of a
/// configuration, the form on a settings page, the publisher that fits a job ([`Provider::settings`]) and the
/// documentation. No other code knows a key by its name.
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
/// A registry's settings page is made of the table by `oidc_exchange::server::Trust::form`. Another program reads the
/// table, and [`PublisherField::config_of`] converts the texts of its inputs to a configuration:
///
/// ```
/// # use oidc_core::PublisherField;
/// # const FIELDS: &[PublisherField] = &[PublisherField::required("project", "Project").example("acme/widget")];
/// for field in FIELDS {
///     println!("{}: <input name=\"{}\" placeholder=\"{}\">", field.title, field.key, field.example);
/// }
/// let typed = std::collections::BTreeMap::from([("project", "acme/widget")]);
/// let config = PublisherField::config_of(FIELDS, |key| typed.get(key).copied());
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
    /// The value to write, in half a sentence of plain text.
    pub summary: &'static str,
    /// An example of a value, in the form that [`PublisherField::value_of`] reads.
    pub example: &'static str,
    /// The claim that the value is compared with; `None` where there is no such claim.
    pub claim: Option<&'static str>,
    /// The JSON type of the value.
    pub value: FieldType,
    /// The comparison of the value with the claim.
    pub comparison: FieldComparison,
    /// The only valid values; empty where other values are valid too.
    pub choices: &'static [&'static str],
    /// `true` if every publisher needs the field.
    pub required: bool,
    /// `true` if a publisher should have the field whenever its jobs have such a value. A form shows it
    /// beside the required fields.
    pub recommended: bool,
    /// `true` if the field is part of the publisher's [`Identity`](crate::Identity), by which the publisher
    /// is looked up.
    pub found_by: bool,
    /// `true` if the value outlives a rename: an id that is never given to somebody else.
    pub immutable: bool,
    /// `true` if a publisher without the field learns it from its first match. The key is then the claim's
    /// name ([`ImmutableId`]).
    ///
    /// [`ImmutableId`]: crate::ImmutableId
    pub learned: bool,
    /// The number that the field adds to the publisher's specificity, see [`Match::specificity`].
    ///
    /// [`Match::specificity`]: crate::Match::specificity
    pub specificity: u32,
}

impl PublisherField {
    /// A field that every publisher needs: one text, compared as a whole with the claim of the key's name.
    pub const fn required(key: &'static str, title: &'static str) -> Self {
        let field = Self::new(key, title);
        Self { required: true, specificity: 0, ..field }
    }

    /// A field that is not required. If it is configured, it is a rule, and counts for specificity.
    pub const fn optional(key: &'static str, title: &'static str) -> Self {
        Self::new(key, title)
    }

    /// An immutable id, which is learned if it is not configured. It does not count for specificity, so
    /// learning it does not change the order of publishers.
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

    /// Replaces the explanation of the value to write.
    #[must_use]
    pub const fn summary(mut self, summary: &'static str) -> Self {
        self.summary = summary;
        self
    }

    /// Replaces the example of a value.
    #[must_use]
    pub const fn example(mut self, example: &'static str) -> Self {
        self.example = example;
        self
    }

    /// Replaces the claim that the value is compared with, whose name is otherwise that of the key.
    #[must_use]
    pub const fn claim(mut self, claim: &'static str) -> Self {
        self.claim = Some(claim);
        self
    }

    /// Removes the claim, for a value that the platform compares with several claims or with a part of one.
    #[must_use]
    pub const fn without_claim(mut self) -> Self {
        self.claim = None;
        self
    }

    /// Replaces the type of values, which is otherwise [`FieldType::Text`].
    #[must_use]
    pub const fn of_type(mut self, value: FieldType) -> Self {
        self.value = value;
        self
    }

    /// Replaces the comparison, which is otherwise [`FieldComparison::Exact`].
    #[must_use]
    pub const fn compared(mut self, comparison: FieldComparison) -> Self {
        self.comparison = comparison;
        self
    }

    /// Restricts the field to these values.
    #[must_use]
    pub const fn choices(mut self, choices: &'static [&'static str]) -> Self {
        self.choices = choices;
        self
    }

    /// Marks the field as part of the identity by which a publisher is looked up.
    #[must_use]
    pub const fn found_by(mut self) -> Self {
        self.found_by = true;
        self
    }

    /// Marks the field as one that a publisher should have if its jobs have such a value.
    #[must_use]
    pub const fn recommended(mut self) -> Self {
        self.recommended = true;
        self
    }

    /// Marks the field's value as one that outlives a rename.
    #[must_use]
    pub const fn immutable(mut self) -> Self {
        self.immutable = true;
        self
    }

    /// Replaces the field's weight in specificity, which is otherwise 1, or 0 for required fields and ids.
    #[must_use]
    pub const fn specificity(mut self, specificity: u32) -> Self {
        self.specificity = specificity;
        self
    }

    /// Converts a text from a form or a command line to the configuration's value; `None` where the text is
    /// empty. A text that can't be read as the field's type ([`PublisherField::value`]) stays a text, which
    /// [`Provider::publisher`] then refuses with the reason.
    ///
    /// Several texts are separated by commas or line breaks, or are a JSON array. A table is a JSON object. A flag is `true` or
    /// `false`; `on`, which a browser sends for a checkbox without a value, is `true` as well.
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
    ///
    /// const PROTECTED: PublisherField = PublisherField::optional("protected", "Protected").of_type(FieldType::Flag);
    /// assert_eq!(PROTECTED.value_of("true"), Some(json!(true)));
    /// // A text, which the platform refuses.
    /// assert_eq!(PROTECTED.value_of("yes"), Some(json!("yes")));
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
            FieldType::Flag if text == "on" => Some(Value::Bool(true)),
            FieldType::Flag => json().filter(Value::is_boolean),
            FieldType::Table => json().filter(Value::is_object),
            FieldType::Texts if text.trim_start().starts_with('[') => json().filter(Value::is_array),
            FieldType::Texts => texts(text),
        };
        Some(value.unwrap_or_else(|| text.into()))
    }

    /// Returns the configuration that was typed into a form with these fields. `typed` returns the text of a field by
    /// its key. A field that was left empty adds no rule. [`Provider::publisher`] checks the configuration.
    ///
    /// [`Provider::publisher`]: crate::Provider::publisher
    pub fn config_of<'t>(fields: &[Self], typed: impl Fn(&str) -> Option<&'t str>) -> Value {
        let value = |field: &Self| Some((field.key.to_owned(), field.value_of(typed(field.key)?)?));
        Value::Object(fields.iter().filter_map(value).collect())
    }

    /// Converts a value of the configuration to a text that [`PublisherField::value_of`] reads: for a form
    /// that shows a stored publisher, or a line for a person.
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

/// The texts between commas and line breaks; `None` where there is neither.
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

/// The comparison of a field's value with its claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum FieldComparison {
    /// As a whole, byte by byte.
    Exact,
    /// As a whole; letters that differ in ASCII case only are equal.
    IgnoringCase,
    /// As a pattern that is anchored at both ends: `*` stands for any text without `/`, `**` for any text.
    Pattern,
    /// The claim is one of the values.
    OneOf,
    /// The claim is an array that contains all of the values.
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
        assert_eq!(of(FieldType::Flag).value_of("on").unwrap(), json!(true), "a ticked checkbox");
        for value in [FieldType::Text, FieldType::Texts, FieldType::Flag, FieldType::Table] {
            assert_eq!(of(value).value_of(""), None);
        }
    }
}
