//! Publishers' configurations, written by a program.

use serde::Serialize;
use serde_json::{Map, Value};

use super::Field;

/// A publisher's configuration, being written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(crate) struct Typed(Map<String, Value>);

impl Typed {
    /// With a field's value.
    pub(crate) fn with(mut self, field: &Field, value: impl Into<Value>) -> Self {
        self.0.insert(field.key.to_owned(), value.into());
        self
    }

    /// With a text.
    pub(crate) fn text(self, field: &Field, text: impl Into<String>) -> Self {
        self.with(field, text.into())
    }

    /// With several texts.
    pub(crate) fn texts(self, field: &Field, texts: impl IntoIterator<Item: Into<String>>) -> Self {
        self.with(field, texts.into_iter().map(Into::into).collect::<Vec<String>>())
    }
}

impl From<Typed> for Value {
    fn from(typed: Typed) -> Self {
        Self::Object(typed.0)
    }
}
