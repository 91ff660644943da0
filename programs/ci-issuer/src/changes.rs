use oidc_providers::sample::Overrides;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The changes to a platform's sample claims. A set claim takes precedence over the JSON claims, and an unset one over
/// both.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Changes {
    /// Claims as they shall be, of any type.
    pub claims: Map<String, Value>,
    /// Claims in the form of a command line, name and text; see [`set`](Self::set).
    pub set: Vec<(String, String)>,
    /// Claims to leave out.
    pub unset: Vec<String>,
}

impl Changes {
    /// With a claim from its text. The text is read as JSON where it is any (an array, an object, a quoted
    /// string, `null`), but numbers, `true` and `false` stay text unless the sample's claim is no text:
    /// platforms write most ids and flags as text. An empty text sets the claim to the empty text.
    #[must_use]
    pub fn set(mut self, name: impl Into<String>, text: impl Into<String>) -> Self {
        self.set.push((name.into(), text.into()));
        self
    }

    /// With a claim as it shall be.
    #[must_use]
    pub fn claim(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.claims.insert(name.into(), value.into());
        self
    }

    /// Without a claim.
    #[must_use]
    pub fn unset(mut self, name: impl Into<String>) -> Self {
        self.unset.push(name.into());
        self
    }

    /// Adds these changes to the overrides of a sample.
    pub(super) fn apply(&self, sample: &Value, overrides: &mut Overrides) {
        for (name, value) in &self.claims {
            overrides.insert(name.clone(), Some(value.clone()));
        }
        for (name, text) in &self.set {
            overrides.insert(name.clone(), Some(typed(text, sample.get(name))));
        }
        for name in &self.unset {
            overrides.insert(name.clone(), None);
        }
    }
}

fn typed(text: &str, usual: Option<&Value>) -> Value {
    let usually_text = usual.is_none_or(Value::is_string);
    match serde_json::from_str(text) {
        Ok(Value::Number(_) | Value::Bool(_)) if usually_text => Value::from(text),
        Ok(value) => value,
        Err(_) => Value::from(text),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_set_claim_keeps_the_type_of_the_sample() {
        let sample = json!({ "repository_id": "2", "runner_id": 12, "ssh": false, "aud": "x" });
        for (name, text, expected) in [
            ("repository_id", "3", json!("3")),
            ("repository_id", "true", json!("true")),
            ("runner_id", "13", json!(13)),
            ("runner_id", "many", json!("many")),
            ("ssh", "true", json!(true)),
            ("aud", r#"["a","b"]"#, json!(["a", "b"])),
            ("aud", r#""a""#, json!("a")),
            ("aud", "null", Value::Null),
            ("environment", "publish", json!("publish")),
            ("environment", "7", json!("7")),
            ("environment", "", json!("")),
        ] {
            assert_eq!(typed(text, sample.get(name)), expected, "{name}={text}");
        }
    }

    #[test]
    fn unset_beats_set_and_set_beats_the_claims() {
        let changes = Changes::default().claim("a", 1).claim("b", 1).set("b", "x").set("c", "y").unset("c");
        let mut overrides = Overrides::new();
        changes.apply(&json!({}), &mut overrides);
        let expected = [("a", Some(json!(1))), ("b", Some(json!("x"))), ("c", None)];
        assert_eq!(overrides, expected.map(|(name, value)| (name.to_owned(), value)).into());
    }
}
