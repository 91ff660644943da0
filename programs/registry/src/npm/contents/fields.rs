//! The fields of two manifests: texts, sets and single values.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::value::RawValue;

use super::super::manifest::Manifest;
use super::InvalidContents;

/// The texts of an object, by their keys.
pub(super) type Texts = BTreeMap<String, String>;

pub(super) fn object<'a>(
    manifest: &Manifest<'a>,
    field: &'static str,
) -> Result<Option<Manifest<'a>>, InvalidContents> {
    match manifest.raw(field) {
        None | Some("null" | "false" | "\"\"" | "[]") => Ok(None),
        Some(text) => serde_json::from_str(text).map(Some).map_err(|_| InvalidContents::NotAnObject(field)),
    }
}

/// The texts of an object. npm leaves out other values.
pub(super) fn texts(manifest: &Manifest<'_>, field: &'static str) -> Result<Texts, InvalidContents> {
    let Some(object) = object(manifest, field)? else { return Ok(Texts::new()) };
    Ok(object.keys().filter_map(|key| Some((key.to_owned(), object.value(key)?))).collect())
}

/// Checks that an object holds texts alone: the comparison leaves out other values, and an installer may not.
pub(super) fn check_texts(sent: &Manifest<'_>, field: &'static str) -> Result<(), InvalidContents> {
    let Some(object) = object(sent, field)? else { return Ok(()) };
    let is_text = |key: &str| object.value::<String>(key).is_some();
    if object.keys().all(is_text) { Ok(()) } else { Err(InvalidContents::NotAnObject(field)) }
}

/// One text, those of a list, or those of an object with their keys.
pub(super) fn set(manifest: &Manifest<'_>, field: &'static str) -> Result<BTreeSet<String>, InvalidContents> {
    if let Some(text) = manifest.value::<String>(field) {
        return Ok(BTreeSet::from([text]));
    }
    if let Some(list) = manifest.value::<Vec<&RawValue>>(field) {
        let text =
            |value: &&RawValue| serde_json::from_str(value.get()).unwrap_or_else(|_| value.get().to_owned());
        return Ok(list.iter().map(text).collect());
    }
    let texts = texts(manifest, field)?;
    Ok(texts.into_iter().map(|(key, value)| format!("{key} {value}")).collect())
}

pub(super) fn same(field: &str, packed: Option<&str>, sent: Option<&str>) -> Result<(), InvalidContents> {
    if packed == sent {
        return Ok(());
    }
    let shown = |text: Option<&str>| text.map_or("nothing".to_owned(), |text| format!("{text:.200?}"));
    Err(InvalidContents::Differs { field: field.to_owned(), packed: shown(packed), sent: shown(sent) })
}

pub(super) fn compare_texts(field: &str, packed: &Texts, sent: &Texts) -> Result<(), InvalidContents> {
    for key in packed.keys().chain(sent.keys()) {
        let (packed, sent) = (packed.get(key).map(String::as_str), sent.get(key).map(String::as_str));
        same(&format!("{field}.{key:.200}"), packed, sent)?;
    }
    Ok(())
}

pub(super) fn compare_sets(
    field: &str,
    packed: &BTreeSet<String>,
    sent: &BTreeSet<String>,
) -> Result<(), InvalidContents> {
    let (only_packed, only_sent) = (packed.difference(sent).next(), sent.difference(packed).next());
    same(field, only_packed.map(String::as_str), only_sent.map(String::as_str))
}
