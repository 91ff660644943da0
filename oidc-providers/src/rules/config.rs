//! A publisher's configuration: a JSON object, read strictly, so that a mistake is told when it is saved and not
//! when a publish fails.

use oidc_core::{Diagnosis, InvalidPublisher, Subject, shown};
use serde_json::{Map, Value};

use super::names;

/// A text in a configuration may have this many bytes, as on crates.io and PyPI.
const MAX_BYTES: usize = 255;

/// An array in a configuration may have this many elements.
const MAX_ELEMENTS: usize = 32;

/// The configuration of a publisher, of which every key is known.
#[derive(Debug)]
pub(crate) struct Config<'a>(&'a Map<String, Value>);

impl<'a> Config<'a> {
    /// A configuration with none but the known keys.
    pub(crate) fn new(config: &'a Value, known: &[&str]) -> Result<Self, InvalidPublisher> {
        let Some(object) = config.as_object() else {
            let problem = "a publisher's configuration is an object";
            return Err(invalid("publisher-type", "publisher", problem)
                .found(kind(config))
                .fix(format!("write an object with the keys {}", known.join(", ")))
                .into());
        };
        match object.keys().find(|key| !known.contains(&key.as_str())) {
            Some(unknown) => Err(unknown_key(unknown, known)),
            None => Ok(Self(object)),
        }
    }

    /// The text of a field, `None` where it is absent or `null`.
    pub(crate) fn text(&self, key: &str) -> Result<Option<&'a str>, InvalidPublisher> {
        self.value(key).map(|value| text(key, value)).transpose()
    }

    /// The text of a field that must be there.
    pub(crate) fn required(&self, key: &str, example: &str) -> Result<&'a str, InvalidPublisher> {
        self.text(key)?.ok_or_else(|| {
            let problem = format!("a publisher needs the field `{key}`");
            invalid("publisher-missing-field", key, &problem)
                .fix(format!("write it, such as `{example}`"))
                .into()
        })
    }

    /// The texts of a field that is a text or an array of texts; empty where it is absent or `null`.
    pub(crate) fn texts(&self, key: &str) -> Result<Vec<&'a str>, InvalidPublisher> {
        match self.value(key) {
            None => Ok(Vec::new()),
            Some(Value::Array(elements)) if (1..=MAX_ELEMENTS).contains(&elements.len()) => {
                elements.iter().map(|element| text(key, element)).collect()
            }
            Some(Value::Array(elements)) => {
                let problem = format!("an array here has 1 to {MAX_ELEMENTS} elements");
                let found = format!("{} elements", elements.len());
                let fix = "leave the field out if every value will do";
                Err(invalid("publisher-type", key, &problem).found(found).fix(fix).into())
            }
            Some(value) => Ok(vec![text(key, value)?]),
        }
    }

    /// A field that is `true` or `false`; `false` where it is absent or `null`.
    pub(crate) fn flag(&self, key: &str) -> Result<bool, InvalidPublisher> {
        match self.value(key) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(value) => Err(wrong_type(key, value, "`true` or `false`, without quotes")),
        }
    }

    /// An immutable id, `None` where it is absent or `null`.
    pub(crate) fn id(&self, key: &str) -> Result<Option<String>, InvalidPublisher> {
        let Some(text) = self.text(key)? else { return Ok(None) };
        names::id(key, text)?;
        Ok(Some(text.to_owned()))
    }

    fn value(&self, key: &str) -> Option<&'a Value> {
        self.0.get(key).filter(|value| !value.is_null())
    }
}

/// The beginning of a refusal: a stable name, the field, and what is wrong.
pub(crate) fn invalid(code: &'static str, key: &str, problem: &str) -> Refused {
    Refused(Diagnosis::new(code, Subject::Field(key.to_owned()), problem))
}

/// A refusal of a configuration, being written.
#[derive(Debug)]
pub(crate) struct Refused(Diagnosis);

impl Refused {
    /// With what was found.
    pub(crate) fn found(self, found: impl Into<String>) -> Self {
        Self(self.0.found(found))
    }

    /// With what to write instead.
    pub(crate) fn fix(self, fix: impl Into<String>) -> Self {
        Self(self.0.fix(fix))
    }
}

impl From<Refused> for InvalidPublisher {
    fn from(refused: Refused) -> Self {
        Self::new(refused.0)
    }
}

/// A text that could stand in a claim: not empty, not long, nothing invisible, no white space around it.
fn text<'a>(key: &str, value: &'a Value) -> Result<&'a str, InvalidPublisher> {
    let Some(text) = value.as_str() else { return Err(wrong_type(key, value, "a text, in quotes")) };
    let refuse =
        |problem: &str, fix: String| Err(invalid("publisher-text", key, problem).found(text).fix(fix).into());
    if text.len() > MAX_BYTES {
        return refuse(
            &format!("it is longer than {MAX_BYTES} bytes"),
            "write the whole name, and only it".to_owned(),
        );
    }
    let trimmed = text.trim();
    if trimmed.is_empty() {
        return refuse(
            "it is empty",
            "write a value, or leave the field out if every value will do".to_owned(),
        );
    }
    if trimmed != text {
        return refuse("it has white space around it", format!("write `{}`", shown(trimmed)));
    }
    if shown(text).to_string() != text {
        let visible: String = text.chars().filter(|&character| is_visible(character)).collect();
        return refuse("it holds control characters or invisible ones", format!("write `{visible}`"));
    }
    Ok(text)
}

fn is_visible(character: char) -> bool {
    let text = character.to_string();
    shown(&text).to_string() == text
}

fn unknown_key(unknown: &str, known: &[&str]) -> InvalidPublisher {
    let fix = match known.iter().find(|key| is_similar(unknown, key)) {
        Some(key) => format!("write `{key}`; a rule that is left out holds nobody back"),
        None => format!("rename it to one of {}, or remove it", known.join(", ")),
    };
    invalid("publisher-unknown-field", unknown, "there is no such field").found(unknown).fix(fix).into()
}

/// Whether somebody who wrote the one may have meant the other.
fn is_similar(unknown: &str, key: &str) -> bool {
    let plain = |name: &str| name.to_ascii_lowercase().replace(['_', '-'], "");
    let (unknown, key) = (plain(unknown), plain(key));
    if unknown.is_empty() || unknown.len() > MAX_BYTES {
        return false;
    }
    unknown.contains(&key) || key.contains(&unknown) || strsim::osa_distance(&unknown, &key) <= 2
}

fn wrong_type(key: &str, value: &Value, expected: &str) -> InvalidPublisher {
    let fix = match value {
        Value::Number(number) => format!("write {expected}: `\"{number}\"`"),
        _ => format!("write {expected}"),
    };
    invalid("publisher-type", key, &format!("it is {}", kind(value))).found(value.to_string()).fix(fix).into()
}

fn kind(value: &Value) -> &'static str {
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

    fn refusal(config: &Value) -> Diagnosis {
        let known = ["workflow", "event", "flag"];
        let read = Config::new(config, &known).and_then(|config| {
            config.text("workflow")?;
            config.texts("event")?;
            config.flag("flag")
        });
        read.unwrap_err().diagnosis().clone()
    }

    #[test]
    fn absent_and_null_are_the_same() {
        for value in [json!({}), json!({"workflow": null, "event": null, "flag": null})] {
            let config = Config::new(&value, &["workflow", "event", "flag"]).unwrap();
            assert_eq!(config.text("workflow").unwrap(), None);
            assert!(config.texts("event").unwrap().is_empty());
            assert!(!config.flag("flag").unwrap());
            assert!(config.required("workflow", "publish.yml").is_err());
        }
    }

    #[test]
    fn a_text_and_an_array_of_one_are_the_same() {
        for value in [json!({"event": "push"}), json!({"event": ["push"]})] {
            assert_eq!(Config::new(&value, &["event"]).unwrap().texts("event").unwrap(), ["push"]);
        }
    }

    #[test]
    fn a_text_may_be_as_long_as_on_other_registries() {
        for (length, is_taken) in [(MAX_BYTES, true), (MAX_BYTES + 1, false)] {
            let value = json!({"workflow": "x".repeat(length)});
            assert_eq!(Config::new(&value, &["workflow"]).unwrap().text("workflow").is_ok(), is_taken);
        }
    }

    #[test]
    fn every_mistake_is_told_with_what_to_write() {
        for (config, code, fix) in [
            (json!([]), "publisher-type", "write an object with the keys workflow, event, flag"),
            (json!(null), "publisher-type", "write an object"),
            (
                json!({"workflow_filename": "a"}),
                "publisher-unknown-field",
                "write `workflow`; a rule that is left out holds nobody back",
            ),
            (json!({"work": "a"}), "publisher-unknown-field", "write `workflow`"),
            (json!({"": "a"}), "publisher-unknown-field", "rename it to one of workflow, event, flag"),
            (json!({"sub": "a"}), "publisher-unknown-field", "rename it to one of workflow, event, flag"),
            (json!({"workflow": 7}), "publisher-type", "write a text, in quotes: `\"7\"`"),
            (json!({"workflow": true}), "publisher-type", "write a text"),
            (json!({"workflow": ["a"]}), "publisher-type", "write a text"),
            (json!({"workflow": {}}), "publisher-type", "write a text"),
            (json!({"workflow": ""}), "publisher-text", "leave the field out"),
            (json!({"workflow": "\t\r\n"}), "publisher-text", "leave the field out"),
            (json!({"workflow": " a"}), "publisher-text", "write `a`"),
            (json!({"workflow": "a\u{a0}"}), "publisher-text", "write `a`"),
            (json!({"workflow": "a\u{0}b"}), "publisher-text", "write `ab`"),
            (json!({"workflow": "a\u{200b}b"}), "publisher-text", "write `ab`"),
            (json!({"workflow": "a\u{202e}b"}), "publisher-text", "write `ab`"),
            (json!({"workflow": "x".repeat(256)}), "publisher-text", "write the whole name"),
            (json!({"event": []}), "publisher-type", "leave the field out"),
            (json!({"event": vec!["a"; 33]}), "publisher-type", "leave the field out"),
            (json!({"event": ["a", 1]}), "publisher-type", "write a text"),
            (json!({"event": [["a"]]}), "publisher-type", "write a text"),
            (json!({"event": ["a", ""]}), "publisher-text", "leave the field out"),
            (json!({"flag": "true"}), "publisher-type", "write `true` or `false`, without quotes"),
            (json!({"flag": 1}), "publisher-type", "write `true` or `false`, without quotes"),
        ] {
            let diagnosis = refusal(&config);
            assert_eq!(diagnosis.code, code, "{config}");
            let written = diagnosis.fix.unwrap();
            assert!(written.contains(fix), "{config}: {written}");
        }
    }
}
