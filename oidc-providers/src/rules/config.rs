//! A publisher's configuration: a JSON object that is read strictly, so that a mistake is reported when the
//! configuration is saved and not when a publish fails.

use oidc_core::{Diagnosis, InvalidPublisher, PublisherField, Target};
use serde_json::{Map, Value};

use super::Field;

/// A check of a text of a configuration, by the key of its field.
pub(crate) type Check = fn(&str, &str) -> Result<(), Fault>;

/// A publisher's configuration that is being read. Faults are collected, and [`Config::finish`] returns them.
#[derive(Debug)]
pub(crate) struct Config<'a> {
    fields: &'static [PublisherField],
    keys: Option<&'a Map<String, Value>>,
    faults: Vec<Diagnosis>,
}

impl<'a> Config<'a> {
    /// Begins to read a configuration of a platform with these fields.
    pub(crate) fn new(config: &'a Value, fields: &'static [PublisherField]) -> Self {
        // The faults of the keys don't end the reading: all faults of a configuration are reported at once.
        let faults = InvalidPublisher::check_keys(fields, config).err();
        let faults = faults.map_or_else(Vec::new, |invalid| invalid.faults().to_vec());
        Self { fields, keys: config.as_object(), faults }
    }

    /// Reads the text of a field, if the field is present and `check` accepts it.
    pub(crate) fn text(
        &mut self,
        field: &Field,
        check: impl FnOnce(&str, &str) -> Result<(), Fault>,
    ) -> Option<String> {
        self.parse(field, |key, text| check(key, text).map(|()| text.to_owned()))
    }

    /// Parses the text of a field, if the field is present.
    pub(crate) fn parse<T>(
        &mut self,
        field: &Field,
        parse: impl FnOnce(&str, &str) -> Result<T, Fault>,
    ) -> Option<T> {
        let value = self.value(field.key)?;
        self.note(read_text(field, value).and_then(|text| parse(field.key, text)))
    }

    /// Reads the texts of a field that is a text or an array of texts; empty where the field is absent.
    pub(crate) fn texts(
        &mut self,
        field: &Field,
        check: impl Fn(&str, &str) -> Result<(), Fault>,
    ) -> Vec<String> {
        let Some(value) = self.value(field.key) else { return Vec::new() };
        let read = field.of.read_elements(value).map_err(Fault::from);
        let Some(elements) = self.note(read) else { return Vec::new() };
        let read = |element| {
            let text = read_text(field, element)?;
            check(field.key, text).map(|()| text.to_owned())
        };
        elements.iter().filter_map(|element| self.note(read(element))).collect()
    }

    /// Reads a field that is `true` or `false`; `false` where the field is absent.
    pub(crate) fn flag(&mut self, field: &Field) -> bool {
        let Some(value) = self.value(field.key) else { return false };
        self.note(field.of.read_flag(value).map_err(Fault::from)).unwrap_or_default()
    }

    /// Returns the value of a key; `None` where the key is absent or `null`.
    pub(crate) fn value(&self, key: &str) -> Option<&'a Value> {
        self.keys?.get(key).filter(|value| !value.is_null())
    }

    /// Returns a value that was read; `None` where reading failed, and notes the fault.
    pub(crate) fn note<T>(&mut self, read: Result<T, Fault>) -> Option<T> {
        match read {
            Ok(read) => Some(read),
            Err(Fault(diagnosis)) => {
                self.faults.push(*diagnosis);
                None
            }
        }
    }

    /// Returns the specificity of a publisher with the fields of this configuration.
    pub(crate) fn specificity(&self) -> u32 {
        let is_rule = |field: &&PublisherField| {
            // A flag that is `false` is no rule.
            self.value(field.key).is_some_and(|value| value.as_bool() != Some(false))
        };
        self.fields.iter().filter(is_rule).map(|field| field.specificity).sum()
    }

    /// Returns the publisher, unless a fault was noted. Placeholders that the publisher holds in place of
    /// faulty values are dropped with it.
    pub(crate) fn finish<T>(self, publisher: T) -> Result<T, InvalidPublisher> {
        InvalidPublisher::check(self.faults)?;
        Ok(publisher)
    }
}

/// A fault of a field with its code and its problem, to which `found` and `fix` are added.
pub(crate) fn invalid(code: &'static str, key: &str, problem: &str) -> Fault {
    Fault(Box::new(Diagnosis::new(code, Target::Field(key.to_owned()), problem)))
}

/// A fault of a configuration.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Fault(pub(crate) Box<Diagnosis>);

impl From<Box<Diagnosis>> for Fault {
    fn from(fault: Box<Diagnosis>) -> Self {
        Self(fault)
    }
}

impl Fault {
    /// Adds the value that was found.
    pub(crate) fn found(self, found: impl Into<String>) -> Self {
        Self(Box::new(self.0.found(found)))
    }

    /// Adds the value to write instead.
    pub(crate) fn fix(self, fix: impl Into<String>) -> Self {
        Self(Box::new(self.0.fix(fix)))
    }
}

fn read_text<'v>(field: &Field, value: &'v Value) -> Result<&'v str, Fault> {
    field.of.read_text(value).map_err(Fault::from)
}

#[cfg(test)]
mod tests {
    use oidc_core::FieldType;
    use serde_json::json;

    use super::*;

    const WORKFLOW: Field =
        Field::new("x", PublisherField::required("workflow", "Workflow").example("publish.yml"));
    const EVENT: Field =
        Field::new("x", PublisherField::optional("event", "Event").of_type(FieldType::Texts));
    const FLAG: Field =
        Field::new("x", PublisherField::optional("flag", "Flag").of_type(FieldType::Flag).specificity(100));
    const ID: Field = Field::new("x", PublisherField::id("id", "Id"));
    const FIELDS: &[PublisherField] = &[WORKFLOW.of, EVENT.of, FLAG.of, ID.of];

    type Read = (Option<String>, Vec<String>, bool, Option<String>, u32);

    fn read(config: &Value) -> Result<Read, InvalidPublisher> {
        let any = |_: &str, _: &str| Ok(());
        let mut config = Config::new(config, FIELDS);
        let texts = (config.text(&WORKFLOW, any), config.texts(&EVENT, any));
        let id = config.text(&ID, any);
        let rest = (config.flag(&FLAG), id, config.specificity());
        config.finish((texts.0, texts.1, rest.0, rest.1, rest.2))
    }

    #[test]
    fn absent_and_null_are_the_same() {
        for value in
            [json!({"workflow": "a"}), json!({"workflow": "a", "event": null, "flag": null, "id": null})]
        {
            assert_eq!(read(&value).unwrap(), (Some("a".to_owned()), Vec::new(), false, None, 0));
        }
        assert!(read(&json!({"workflow": null})).is_err());
    }

    #[test]
    fn a_text_and_an_array_of_one_are_the_same() {
        for value in [json!({"workflow": "a", "event": "push"}), json!({"workflow": "a", "event": ["push"]})]
        {
            assert_eq!(read(&value).unwrap().1, ["push"]);
        }
    }

    #[test]
    fn a_text_may_be_as_long_as_on_other_registries() {
        for (length, is_taken) in [(255, true), (256, false)] {
            assert_eq!(read(&json!({"workflow": "x".repeat(length)})).is_ok(), is_taken);
        }
    }

    #[test]
    fn a_publisher_is_as_specific_as_its_rules_and_neither_ids_nor_false_are_rules() {
        for (changes, specificity) in [
            (json!({"workflow": "a"}), 0),
            (json!({"workflow": "a", "id": "1", "flag": false}), 0),
            (json!({"workflow": "a", "event": "b"}), 1),
            (json!({"workflow": "a", "event": "b", "flag": true}), 101),
        ] {
            assert_eq!(read(&changes).unwrap().4, specificity, "{changes}");
        }
    }

    #[test]
    fn all_faults_are_told_at_once_and_each_with_its_field() {
        let config = json!({
            "wrokflow": "a", "event": ["a", 1, ""], "flag": "true", "id": " 1", "colour": "red",
        });
        let error = read(&config).unwrap_err();
        let codes = |key: &str| error.of(key).map(|fault| fault.code).collect::<Vec<_>>();
        assert_eq!(codes("wrokflow"), ["publisher-unknown-field"]);
        assert_eq!(codes("colour"), ["publisher-unknown-field"]);
        assert_eq!(codes("workflow"), [""; 0], "the misspelt key stands for it");
        assert_eq!(codes("event"), ["publisher-type", "publisher-text"]);
        assert_eq!(codes("flag"), ["publisher-type"]);
        assert_eq!(codes("id"), ["publisher-text"]);
        assert_eq!(error.faults().len(), 6);
        assert_eq!(error.to_string().lines().count(), 1);
        assert!(error.faults().iter().all(|fault| fault.fix.is_some()));
    }

    #[test]
    fn every_mistake_is_told_with_what_to_write() {
        for (config, code, fix) in [
            (json!([]), "publisher-type", "write an object with the keys workflow, event, flag, id"),
            (json!(null), "publisher-type", "write an object"),
            (
                json!({"workflow_filename": "a"}),
                "publisher-unknown-field",
                "write `workflow`; a rule that is left out restricts nothing",
            ),
            (json!({"work": "a"}), "publisher-unknown-field", "write `workflow`"),
            (json!({}), "publisher-missing-field", "write it, such as `publish.yml`"),
            (
                json!({"workflow": "a", "": "a"}),
                "publisher-unknown-field",
                "rename it to one of workflow, event",
            ),
            (json!({"workflow": "a", "sub": "a"}), "publisher-unknown-field", "rename it to one of workflow"),
            (json!({"workflow": 7}), "publisher-type", "write a text, in quotes: `\"7\"`"),
            (json!({"workflow": true}), "publisher-type", "write a text"),
            (json!({"workflow": ["a"]}), "publisher-type", "write a text"),
            (json!({"workflow": {}}), "publisher-type", "write a text"),
            (json!({"workflow": ""}), "publisher-text", "write a value, such as `publish.yml`"),
            (json!({"workflow": "a", "id": ""}), "publisher-text", "let it be learned"),
            (json!({"workflow": "\t\r\n"}), "publisher-text", "write a value, such as"),
            (json!({"workflow": " a"}), "publisher-text", "write `a`"),
            (json!({"workflow": "a\u{a0}"}), "publisher-text", "write `a`"),
            (json!({"workflow": "a\u{0}b"}), "publisher-text", "write `ab`"),
            (json!({"workflow": "a\u{200b}b"}), "publisher-text", "write `ab`"),
            (json!({"workflow": "a\u{202e}b"}), "publisher-text", "write `ab`"),
            (json!({"workflow": "x".repeat(256)}), "publisher-text", "write the whole name"),
            (json!({"workflow": "a", "event": []}), "publisher-type", "leave the field out"),
            (json!({"workflow": "a", "event": vec!["a"; 33]}), "publisher-type", "leave the field out"),
            (json!({"workflow": "a", "event": ["a", 1]}), "publisher-type", "write a text"),
            (json!({"workflow": "a", "event": [["a"]]}), "publisher-type", "write a text"),
            (json!({"workflow": "a", "event": ["a", ""]}), "publisher-text", "leave the field out"),
            (
                json!({"workflow": "a", "flag": "true"}),
                "publisher-type",
                "write `true` or `false`, without quotes",
            ),
            (json!({"workflow": "a", "flag": 1}), "publisher-type", "write `true` or `false`"),
        ] {
            let error = read(&config).unwrap_err();
            let [fault] = error.faults() else { panic!("{config}: {error}") };
            assert_eq!(fault.code, code, "{config}");
            let written = fault.fix.as_deref().unwrap();
            assert!(written.contains(fix), "{config}: {written}");
        }
    }
}
