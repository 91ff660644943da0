//! The values of a publisher's configuration, read strictly: a mistake is told when it is saved and not when a publish fails.

use serde_json::{Map, Value};

use super::{FieldType, InvalidPublisher, PublisherField};
use crate::codes;
use crate::diagnosis::{Diagnosis, Target};
use crate::text::shown;

/// A text in a configuration may have this many bytes, as on crates.io and PyPI.
const MAX_BYTES: usize = 255;

/// An array in a configuration may have this many elements.
const MAX_ELEMENTS: usize = 32;

impl InvalidPublisher {
    /// Checks that a configuration has the keys that [`InvalidPublisher::check_keys`] asks for and that each value is
    /// what its field's [type](PublisherField::value) says, as [`PublisherField::read_text`] and its siblings read
    /// it. Any further rule on a text is checked by the platform.
    ///
    /// ```
    /// use oidc_core::{InvalidPublisher, PublisherField};
    /// use serde_json::json;
    ///
    /// const FIELDS: &[PublisherField] = &[
    ///     PublisherField::required("project", "Project").example("acme/widget"),
    ///     PublisherField::optional("stage", "Stage").example("release"),
    /// ];
    /// let error = InvalidPublisher::check_config(FIELDS, &json!({ "project": "acme/widget ", "stage": 7 })).unwrap_err();
    /// assert_eq!((error.of("project").count(), error.of("stage").count()), (1, 1));
    /// ```
    ///
    /// # Errors
    ///
    /// With every fault of keys and values.
    pub fn check_config<'a>(
        fields: &[PublisherField],
        config: &'a Value,
    ) -> Result<&'a Map<String, Value>, Self> {
        let keys = Self::check_keys(fields, config);
        let Some(values) = config.as_object() else { return keys };
        let of_keys = keys.err().map(|invalid| invalid.faults().to_vec()).unwrap_or_default();
        let of_values = fields.iter().flat_map(|field| {
            let value = values.get(field.key).filter(|value| !value.is_null());
            value.map_or_else(Vec::new, |value| field.faults(value))
        });
        Self::check(of_keys.into_iter().chain(of_values))?;
        Ok(values)
    }
}

impl PublisherField {
    /// Reads a value as a text that could stand in a claim.
    ///
    /// # Errors
    ///
    /// When it is no text, is empty or longer than 255 bytes, has white space around it, or holds control characters or
    /// invisible ones.
    pub fn read_text<'v>(&self, value: &'v Value) -> Result<&'v str, Box<Diagnosis>> {
        let Some(text) = value.as_str() else {
            return Err(self.wrong_type(value, "a text, in quotes").into());
        };
        let refuse = |problem: &str, fix: String| {
            let subject = Target::Field(self.key.to_owned());
            Err(Diagnosis::new(codes::PUBLISHER_TEXT, subject, problem).found(text).fix(fix).into())
        };
        if text.len() > MAX_BYTES {
            return refuse(
                &format!("it is longer than {MAX_BYTES} bytes"),
                "write the whole name, and only it".to_owned(),
            );
        }
        let trimmed = text.trim();
        if trimmed.is_empty() {
            return refuse("it is empty", self.instead_of_nothing());
        }
        if trimmed != text {
            return refuse("it has white space around it", format!("write `{}`", shown(trimmed)));
        }
        if !is_visible(text) {
            let visible: String =
                text.chars().filter(|&character| is_visible(&character.to_string())).collect();
            return refuse("it holds control characters or invisible ones", format!("write `{visible}`"));
        }
        Ok(text)
    }

    /// Reads a value as `true` or `false`.
    ///
    /// # Errors
    ///
    /// When it is neither.
    pub fn read_flag(&self, value: &Value) -> Result<bool, Box<Diagnosis>> {
        let expected = match value.as_str() {
            Some("true" | "false") => "`true` or `false`, without quotes",
            _ => "`true` or `false`",
        };
        value.as_bool().ok_or_else(|| self.wrong_type(value, expected).into())
    }

    /// Reads a value as one element or an array of 1 to 32, each of which is still to be read.
    ///
    /// # Errors
    ///
    /// When it is an array of none or more.
    pub fn read_elements<'v>(&self, value: &'v Value) -> Result<&'v [Value], Box<Diagnosis>> {
        match value {
            Value::Array(elements) if (1..=MAX_ELEMENTS).contains(&elements.len()) => Ok(elements),
            Value::Array(elements) => {
                let problem = format!("an array here has 1 to {MAX_ELEMENTS} elements");
                let subject = Target::Field(self.key.to_owned());
                let fault = Diagnosis::new(codes::PUBLISHER_TYPE, subject, problem);
                let fault = fault.found(format!("{} elements", elements.len()));
                Err(fault.fix("leave the field out if every value will do").into())
            }
            value => Ok(std::slice::from_ref(value)),
        }
    }

    /// Every fault of a value that the field's type alone can tell.
    fn faults(&self, value: &Value) -> Vec<Diagnosis> {
        let faults: Vec<Box<Diagnosis>> = match self.value {
            FieldType::Text => self.read_text(value).err().into_iter().collect(),
            FieldType::Flag => self.read_flag(value).err().into_iter().collect(),
            FieldType::Table if value.is_object() => Vec::new(),
            FieldType::Table => vec![self.no_table(value).into()],
            FieldType::Texts => match self.read_elements(value) {
                Ok(elements) => elements.iter().filter_map(|element| self.read_text(element).err()).collect(),
                Err(fault) => vec![fault],
            },
        };
        faults.into_iter().map(|fault| *fault).collect()
    }

    fn no_table(&self, value: &Value) -> Diagnosis {
        match self.example {
            "" => self.wrong_type(value, "an object"),
            example => self.wrong_type(value, &format!("an object, such as `{example}`")),
        }
    }

    fn wrong_type(&self, value: &Value, expected: &str) -> Diagnosis {
        let fix = match value {
            Value::Number(number) if matches!(self.value, FieldType::Text | FieldType::Texts) => {
                format!("write {expected}: `\"{number}\"`")
            }
            _ => format!("write {expected}"),
        };
        let subject = Target::Field(self.key.to_owned());
        Diagnosis::new(codes::PUBLISHER_TYPE, subject, format!("it is {}", kind(value)))
            .found(value.to_string())
            .fix(fix)
    }

    /// The fix of an empty value.
    fn instead_of_nothing(&self) -> String {
        match self {
            Self { required: true, example, .. } => format!("write a value, such as `{example}`"),
            Self { learned: true, .. } => "write it, or leave the field out and let it be learned".to_owned(),
            _ => "write a value, or leave the field out if every value will do".to_owned(),
        }
    }
}

/// Returns `true` if a text has no character that is not seen as it is.
fn is_visible(text: &str) -> bool {
    shown(text).up_to(text.len()).to_string() == text
}

/// The type of a value, for a person.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const FIELDS: &[PublisherField] = &[
        PublisherField::required("project", "Project").example("acme/widget"),
        PublisherField::optional("event", "Event").of_type(FieldType::Texts),
        PublisherField::optional("flag", "Flag").of_type(FieldType::Flag),
        PublisherField::optional("table", "Table").of_type(FieldType::Table),
    ];

    fn faults(config: &Value) -> Vec<String> {
        let error = InvalidPublisher::check_config(FIELDS, config).err();
        let faults = error.map(|error| error.faults().to_vec()).unwrap_or_default();
        faults.iter().map(|fault| format!("{}: {}", fault.target, fault.code)).collect()
    }

    #[test]
    fn a_value_of_each_fields_type_is_taken() {
        for config in [
            json!({"project": "a"}),
            json!({"project": "a", "event": null, "flag": null, "table": null}),
            json!({"project": "a", "event": "b", "flag": false, "table": {}}),
            json!({"project": "x".repeat(255), "event": ["b", "c"], "flag": true, "table": {"a": 1}}),
        ] {
            assert_eq!(faults(&config), [""; 0], "{config}");
        }
    }

    #[test]
    fn every_fault_of_keys_and_values_is_told_at_once() {
        let config = json!({
            "event": ["b", 1, ""], "flag": "true", "table": [], "colour": "red",
        });
        assert_eq!(
            faults(&config),
            [
                "field `colour`: publisher-unknown-field",
                "field `project`: publisher-missing-field",
                "field `event`: publisher-type",
                "field `event`: publisher-text",
                "field `flag`: publisher-type",
                "field `table`: publisher-type",
            ]
        );
        for text in ["", " ", " a", "a\n", "a\u{0}b", "a\u{200b}b", &"x".repeat(256)] {
            assert_eq!(faults(&json!({"project": text})), ["field `project`: publisher-text"], "{text:?}");
        }
        for array in [json!([]), json!(vec!["a"; 33])] {
            assert_eq!(faults(&json!({"project": "a", "event": array})), ["field `event`: publisher-type"]);
        }
        assert_eq!(faults(&json!([])), ["field `publisher`: publisher-type"]);
    }
}
