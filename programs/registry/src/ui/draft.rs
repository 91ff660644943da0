//! A trusted publisher as it is typed, before it is saved.

use std::collections::BTreeMap;
use std::sync::Arc;

use oidc_core::{Provider, PublisherField};
use serde_json::Value;

use super::request::Fields;

/// Begins the names of the platform's own fields, so that none is taken for one of the form's.
pub(super) const PREFIX: &str = "f.";

/// A publisher as it is typed.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    pub(super) provider: Arc<dyn Provider>,
    pub(super) issuer: String,
    /// The texts of the platform's fields, by their keys.
    pub(super) texts: BTreeMap<String, String>,
    /// The publisher that it replaces.
    pub(super) id: Option<String>,
}

impl Draft {
    pub(super) fn new(provider: Arc<dyn Provider>, issuer: &str) -> Self {
        Self { provider, issuer: issuer.to_owned(), texts: BTreeMap::new(), id: None }
    }

    /// With the texts of a form. Fields that the platform doesn't have are passed over.
    pub(super) fn typed(self, form: &Fields) -> Self {
        let known = |key: &str| self.provider.publisher_fields().iter().any(|field| field.key == key);
        let texts = form.below(PREFIX).filter(|(key, text)| known(key) && !text.is_empty());
        let texts = texts.map(|(key, text)| (key.to_owned(), text.to_owned())).collect();
        Self { texts, ..self }
    }

    /// With the texts of a stored configuration.
    pub(super) fn of_config(self, config: &Value) -> Self {
        let texts = config.as_object().into_iter().flatten();
        let texts = texts.map(|(key, value)| (key.clone(), PublisherField::text_of(value).into_owned()));
        Self { texts: texts.collect(), ..self }
    }

    /// The configuration that is typed.
    pub(super) fn config(&self) -> Value {
        PublisherField::config_of(self.provider.publisher_fields(), |key| Some(&**self.texts.get(key)?))
    }

    pub(super) fn text(&self, key: &str) -> &str {
        self.texts.get(key).map_or("", String::as_str)
    }
}
