//! Values that are read within bounds, in the pass that checks the bounds.
//!
//! serde's types ask a deserializer for values and get them by visitors. Both are wrapped here: whatever a type asks for is
//! asked of the JSON reader in its name, and every value, name and depth on the way is counted before the type sees it. A
//! member that the type doesn't know is walked like any other. So a document is refused for the same reasons as by
//! [`check`](super::check), before a value beyond the bounds is allocated.

use std::fmt;

use serde::de::value::StrDeserializer;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

use super::{Name, Walk};

/// A deserializer, visitor, seed or access of another format, everything below which is counted and checked as [`Walk`] does.
pub(super) struct Guarded<'w, 'de, T> {
    pub(super) inner: T,
    pub(super) walk: Walk<'w, 'de>,
}

/// Forwards methods of a deserializer with a visitor that is guarded.
macro_rules! deserialize {
    ($($method:ident),*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
            self.inner.$method(Guarded { inner: visitor, walk: self.walk })
        })*
    };
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Guarded<'_, 'de, D> {
    type Error = D::Error;

    deserialize!(deserialize_any, deserialize_str, deserialize_string, deserialize_option, deserialize_seq);

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.inner.deserialize_struct(name, fields, Guarded { inner: visitor, walk: self.walk })
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.walk.deserialize(self.inner)?;
        visitor.visit_unit()
    }

    // No type of a bundle asks for one of these.
    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char bytes byte_buf unit unit_struct newtype_struct tuple
        tuple_struct map enum identifier
    }
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Guarded<'_, 'de, S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<S::Value, D::Error> {
        self.inner.deserialize(Guarded { inner: deserializer, walk: self.walk })
    }
}

/// Forwards a scalar, which is counted.
macro_rules! visit {
    ($($method:ident: $type:ty),*) => {
        $(fn $method<E: Error>(mut self, value: $type) -> Result<V::Value, E> {
            self.walk.one()?;
            self.inner.$method(value)
        })*
    };
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Guarded<'_, 'de, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.expecting(f)
    }

    visit!(visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_f64: f64, visit_str: &str);
    visit!(visit_borrowed_str: &'de str);

    fn visit_unit<E: Error>(mut self) -> Result<V::Value, E> {
        self.walk.one()?;
        self.inner.visit_unit()
    }

    fn visit_none<E: Error>(mut self) -> Result<V::Value, E> {
        self.walk.one()?;
        self.inner.visit_none()
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<V::Value, D::Error> {
        self.inner.visit_some(Guarded { inner: deserializer, walk: self.walk })
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, elements: A) -> Result<V::Value, A::Error> {
        let depth = self.walk.deeper()?;
        self.inner.visit_seq(Guarded { inner: elements, walk: self.walk.inner(depth) })
    }

    fn visit_map<A: MapAccess<'de>>(mut self, members: A) -> Result<V::Value, A::Error> {
        let depth = self.walk.deeper()?;
        let before = self.walk.before;
        let members = Guarded { inner: members, walk: self.walk.inner(depth) };
        let value = self.inner.visit_map(members)?;
        self.walk.state.leave(before)?;
        Ok(value)
    }
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Guarded<'_, 'de, A> {
    type Error = A::Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        let walk = self.walk.inner(self.walk.depth);
        self.inner.next_element_seed(Guarded { inner: seed, walk })
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Guarded<'_, 'de, A> {
    type Error = A::Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        let Some(name) = self.inner.next_key::<Name<'de>>()? else { return Ok(None) };
        // Here, so that the reason is the same for a name that the type knows.
        self.walk.check_new(&name)?;
        let key = seed.deserialize(StrDeserializer::new(&name.0))?;
        self.walk.state.names.push(name);
        Ok(Some(key))
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        let walk = self.walk.inner(self.walk.depth);
        self.inner.next_value_seed(Guarded { inner: seed, walk })
    }
}
