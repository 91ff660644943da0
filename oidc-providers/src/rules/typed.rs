//! Publishers' configurations that a program writes.

use serde::Serialize;
use serde_json::{Map, Value};

use super::Field;

/// A publisher's configuration that is being written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(crate) struct Typed(Map<String, Value>);

impl Typed {
    /// Adds a field with its value.
    pub(crate) fn with(mut self, field: &Field, value: impl Into<Value>) -> Self {
        self.0.insert(field.key.to_owned(), value.into());
        self
    }

    /// Adds a field with a text.
    pub(crate) fn text(self, field: &Field, text: impl Into<String>) -> Self {
        self.with(field, text.into())
    }

    /// Adds a field with several texts.
    pub(crate) fn texts(self, field: &Field, texts: impl IntoIterator<Item: Into<String>>) -> Self {
        self.with(field, texts.into_iter().map(Into::into).collect::<Vec<String>>())
    }
}

impl From<Typed> for Value {
    fn from(typed: Typed) -> Self {
        Self::Object(typed.0)
    }
}
