use serde::Serialize;
use serde::ser::{SerializeStruct as _, Serializer};
use serde_json::{Map, Value};

use super::{FieldType, PublisherField};
use crate::claims::Claims;
use crate::proof::Unverified;

/// The number of texts of an array claim up to which they are taken over.
const MAX_TEXTS: usize = 32;

/// One field of the publisher that would accept a job, with its value from the job's token.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct FieldValue {
    /// The field.
    pub field: &'static PublisherField,
    /// The claim that the field is compared with. For some fields it depends on the registry.
    pub claim: Option<&'static str>,
    /// The configuration's value that matches the token; `None` where the token has none.
    pub value: Option<Value>,
}

impl FieldValue {
    /// A field with a value that the platform derived from the token.
    pub fn new(field: &'static PublisherField, value: Option<Value>) -> Self {
        Self { field, claim: field.claim, value }
    }

    /// A field with the value of its claim; without a value where the field has no claim.
    ///
    /// ```
    /// use oidc_core::{Claims, PublisherField, FieldValue, Unverified};
    ///
    /// const REF: &PublisherField = &PublisherField::optional("git_ref", "Ref").claim("ref");
    /// let claims = Unverified::new(Claims::parse(br#"{"ref":"refs/heads/main"}"#)?);
    /// assert_eq!(FieldValue::of_claim(REF, &claims).value, Some("refs/heads/main".into()));
    /// # Ok::<_, oidc_core::InvalidClaims>(())
    /// ```
    pub fn of_claim(field: &'static PublisherField, claims: &Unverified<Claims>) -> Self {
        let value = field.claim.and_then(|claim| value(field.value, claims.read_unverified(), claim));
        Self::new(field, value)
    }

    /// Replaces the claim that the field is compared with.
    #[must_use]
    pub fn claim(mut self, claim: &'static str) -> Self {
        self.claim = Some(claim);
        self
    }

    /// Makes a publisher's configuration of all settings that have a value.
    pub fn config(settings: &[Self]) -> Value {
        let values = settings.iter().filter_map(|one| Some((one.field.key.to_owned(), one.value.clone()?)));
        values.collect::<Map<_, _>>().into()
    }

    /// Returns the value as a text for a person.
    pub fn text(&self) -> Option<String> {
        self.value.as_ref().map(|value| PublisherField::text_of(value).into_owned())
    }
}

impl Serialize for FieldValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut setting = serializer.serialize_struct("FieldValue", 4)?;
        setting.serialize_field("key", self.field.key)?;
        setting.serialize_field("claim", &self.claim)?;
        setting.serialize_field("value", &self.value)?;
        setting.serialize_field("required", &self.field.required)?;
        setting.end()
    }
}

/// The value of a claim in the form of a field of this type; `None` where the claim is absent, empty or of
/// another type.
fn value(of: FieldType, claims: &Claims, claim: &str) -> Option<Value> {
    let claim = claims.get(claim)?;
    let text = claim.as_text().filter(|text| !text.is_empty());
    match of {
        FieldType::Text => text.map(Value::from),
        FieldType::Flag => {
            let flag = claim.as_bool().or_else(|| text.and_then(|text| text.parse().ok()));
            flag.map(Value::from)
        }
        FieldType::Texts => text.map(Value::from).or_else(|| {
            let texts: Vec<String> = serde_json::from_str(claim.raw()).ok()?;
            (1..=MAX_TEXTS).contains(&texts.len()).then(|| texts.into())
        }),
        FieldType::Table => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(of: FieldType, claim: &Value) -> Option<Value> {
        value(of, &Claims::parse(json!({ "c": claim }).to_string()).unwrap(), "c")
    }

    #[test]
    fn a_claim_gives_the_value_that_a_configuration_would_have() {
        for (field, claim, expected) in [
            (FieldType::Text, json!("a"), Some(json!("a"))),
            (FieldType::Text, json!(""), None),
            (FieldType::Text, json!(null), None),
            (FieldType::Text, json!(7), None),
            (FieldType::Flag, json!("true"), Some(json!(true))),
            (FieldType::Flag, json!(false), Some(json!(false))),
            (FieldType::Flag, json!("yes"), None),
            (FieldType::Texts, json!("push"), Some(json!("push"))),
            (FieldType::Texts, json!(["a", "b"]), Some(json!(["a", "b"]))),
            (FieldType::Texts, json!([]), None),
            (FieldType::Texts, json!([1]), None),
            (FieldType::Texts, json!(vec!["a"; 33]), None),
            (FieldType::Table, json!({"a": "b"}), None),
        ] {
            assert_eq!(of(field, &claim), expected, "{field:?} {claim}");
        }
    }

    #[test]
    fn settings_with_a_value_make_a_configuration_and_json_names_their_field() {
        const FIELDS: &[PublisherField] = &[
            PublisherField::required("project", "Project"),
            PublisherField::optional("git_ref", "Ref").claim("ref"),
        ];
        let claims = Unverified::new(Claims::parse(r#"{"project":"acme/widget"}"#).unwrap());
        let settings: Vec<FieldValue> =
            FIELDS.iter().map(|field| FieldValue::of_claim(field, &claims)).collect();
        assert_eq!(FieldValue::config(&settings), json!({"project": "acme/widget"}));
        assert_eq!(
            serde_json::to_value(&settings[1]).unwrap(),
            json!({"key": "git_ref", "claim": "ref", "value": null, "required": false})
        );
    }
}
