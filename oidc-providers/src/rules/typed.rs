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

    /// Adds an entry to a field that is a table of texts.
    pub(crate) fn entry(self, field: &Field, name: impl Into<String>, value: impl Into<String>) -> Self {
        let mut table = self.0.get(field.key).and_then(Value::as_object).cloned().unwrap_or_default();
        table.insert(name.into(), Value::String(value.into()));
        self.with(field, table)
    }
}

impl From<Typed> for Value {
    fn from(typed: Typed) -> Self {
        Self::Object(typed.0)
    }
}

/// Defines the table of a publisher's fields, and the typed form of a publisher with these fields: its required fields, and a
/// method for each other field, whose value is a `text`, several `texts`, a `flag` that is set, or an `entry` of a table.
macro_rules! typed_publisher {
    (
        $(#[$doc:meta])*
        $fields:ident, $name:ident($($required:ident: $required_field:ident),+)
        $($(#[$setter_doc:meta])* fn $setter:ident($kind:ident $field:ident);)*
    ) => {
        /// Every field of a publisher.
        pub(super) static $fields: &[oidc_core::PublisherField] = &[$($required_field.of,)+ $($field.of,)*];

        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
        #[serde(transparent)]
        #[must_use]
        pub struct $name($crate::rules::typed::Typed);

        impl $name {
            /// A publisher with the required fields.
            pub fn new($($required: impl Into<String>),+) -> Self {
                Self($crate::rules::typed::Typed::default()$(.text(&$required_field, $required))+)
            }

            $($crate::rules::typed::setter! { $(#[$setter_doc])* $setter $kind $field })*
        }

        impl From<$name> for serde_json::Value {
            fn from(publisher: $name) -> Self {
                publisher.0.into()
            }
        }
    };
}

pub(crate) use typed_publisher;

/// Defines a method of [`typed_publisher!`].
macro_rules! setter {
    ($(#[$doc:meta])* $name:ident text $field:expr) => {
        $(#[$doc])*
        pub fn $name(self, $name: impl Into<String>) -> Self {
            Self(self.0.text(&$field, $name))
        }
    };
    ($(#[$doc:meta])* $name:ident texts $field:expr) => {
        $(#[$doc])*
        pub fn $name(self, $name: impl IntoIterator<Item: Into<String>>) -> Self {
            Self(self.0.texts(&$field, $name))
        }
    };
    ($(#[$doc:meta])* $name:ident flag $field:expr) => {
        $(#[$doc])*
        pub fn $name(self) -> Self {
            Self(self.0.with(&$field, true))
        }
    };
    ($(#[$doc:meta])* $name:ident entry $field:expr) => {
        $(#[$doc])*
        pub fn $name(self, name: impl Into<String>, value: impl Into<String>) -> Self {
            Self(self.0.entry(&$field, name, value))
        }
    };
}

pub(crate) use setter;
