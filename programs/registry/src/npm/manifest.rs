//! A version's manifest, as text: it is taken apart at its first level and never becomes a tree of values.
//!
//! Such a tree takes up to 300 times as much memory as its text, and every install reads the manifests of all versions. So the
//! texts that the two kinds of packument are made of are made once, when the version is published.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Error as _, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::access::Principal;
use super::json::{Key, Strict, quoted};

/// The largest manifest of one version, in bytes of JSON. Every install downloads the manifests of all versions.
pub(super) const MAX_MANIFEST_BYTES: usize = 512 << 10;
/// The most keys of a manifest.
const MAX_KEYS: usize = 1_000;

/// Keys with a leading underscore that are the publisher's to set. The others are a registry's.
const PUBLISHER_UNDERSCORED: &[&str] = &["_nodeVersion", "_npmVersion"];

/// The fields of a manifest that the abbreviated form keeps, beside those that the registry adds.
const INSTALL_FIELDS: &[&str] = &[
    "name",
    "version",
    "deprecated",
    "dependencies",
    "optionalDependencies",
    "devDependencies",
    "bundleDependencies",
    "bundledDependencies",
    "peerDependencies",
    "peerDependenciesMeta",
    "acceptDependencies",
    "bin",
    "directories",
    "engines",
    "cpu",
    "os",
    "libc",
    "funding",
];

/// The fields that the full form repeats from the latest version's manifest.
const PACKAGE_FIELDS: &[&str] = &[
    "description",
    "homepage",
    "keywords",
    "repository",
    "author",
    "contributors",
    "maintainers",
    "bugs",
    "license",
    "readme",
    "readmeFilename",
];

/// A manifest, its values as they stand in the text.
#[derive(Debug)]
pub(super) struct Manifest<'a>(BTreeMap<Cow<'a, str>, &'a RawValue>);

/// The texts that packuments are made of: members of a JSON object, without its braces.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Texts {
    /// All fields that are the publisher's to set.
    pub(super) full: String,
    /// The fields that an installation needs.
    pub(super) abbreviated: String,
    /// The fields about the package, for the latest version.
    pub(super) about: String,
}

impl<'a> Manifest<'a> {
    /// Takes a manifest apart. Two readers must not see two things in it, so no key stands anywhere in it twice.
    pub(super) fn parse(text: &'a str) -> Result<Self, serde_json::Error> {
        serde_json::from_str::<Strict>(text)?;
        serde_json::from_str(text)
    }

    /// The text of a value.
    pub(super) fn raw(&self, key: &str) -> Option<&'a str> {
        self.0.get(key).map(|value| value.get())
    }

    /// A value of a type, if it is there and of that type.
    pub(super) fn value<T: Deserialize<'a>>(&self, key: &str) -> Option<T> {
        self.raw(key).and_then(|text| serde_json::from_str(text).ok())
    }

    /// The keys.
    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(AsRef::as_ref)
    }

    /// The texts to store, without `dist` and without what only a registry says, so that no publisher can put words into this
    /// one's mouth. `is_built` is whether an installation runs something even if no script here says so, and `has_shrinkwrap`
    /// whether it goes by an `npm-shrinkwrap.json`.
    pub(super) fn texts(&self, is_built: bool, has_shrinkwrap: bool) -> Texts {
        let is_publishers = |key: &str| {
            !matches!(key, "dist" | "hasInstallScript")
                && (!key.starts_with('_') || PUBLISHER_UNDERSCORED.contains(&key))
        };
        let (mut full, mut abbreviated) =
            (self.members(is_publishers), self.members(|key| INSTALL_FIELDS.contains(&key)));
        if is_built || self.value::<InstallScripts>("scripts").is_some_and(|scripts| scripts.any()) {
            abbreviated.push_str(",\"hasInstallScript\":true");
        }
        if has_shrinkwrap {
            full.push_str(",\"_hasShrinkwrap\":true");
            abbreviated.push_str(",\"_hasShrinkwrap\":true");
        }
        Texts { full, abbreviated, about: self.members(|key| PACKAGE_FIELDS.contains(&key)) }
    }

    fn members(&self, is_kept: impl Fn(&str) -> bool) -> String {
        let kept = self.0.iter().filter(|(key, _)| is_kept(key));
        let members: Vec<String> =
            kept.map(|(key, value)| format!("{}:{}", quoted(key), value.get())).collect();
        members.join(",")
    }
}

/// The member by which npmjs marks a version from a trusted publisher. pnpm's `trustPolicy: no-downgrade` reads it.
pub(super) fn npm_user(principal: &Principal) -> Option<String> {
    let Principal::TrustedPublisher { provider, publisher, .. } = principal else { return None };
    let (name, id) = (quoted(&format!("{provider} trusted publisher")), quoted(provider));
    let config = quoted(&format!("oidc:{publisher}"));
    Some(format!(
        "\"_npmUser\":{{\"name\":{name},\"trustedPublisher\":{{\"id\":{id},\"oidcConfigId\":{config}}}}}"
    ))
}

/// The scripts that run when a package is installed.
#[derive(Deserialize)]
struct InstallScripts {
    preinstall: Option<IgnoredAny>,
    install: Option<IgnoredAny>,
    postinstall: Option<IgnoredAny>,
}

impl InstallScripts {
    fn any(&self) -> bool {
        self.preinstall.is_some() || self.install.is_some() || self.postinstall.is_some()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Manifest<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Members)
    }
}

struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Manifest<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = BTreeMap::new();
        while let Some((key, value)) = map.next_entry::<Key<'de>, &RawValue>()? {
            members.insert(key.0, value);
            if members.len() > MAX_KEYS {
                return Err(A::Error::custom(format!("a manifest has at most {MAX_KEYS} keys")));
            }
        }
        Ok(Manifest(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Texts {
        Manifest::parse(text).unwrap().texts(false, false)
    }

    #[test]
    fn values_stand_in_packuments_as_they_were_sent() {
        let text = r#"{ "version": "1.0.0", "exports": { "b": 1.50, "a": "\u00e9" }, "description": "A \"widget\"",
            "scripts": { "postinstall": "true" }, "dependencies": {}, "dist": { "shasum": "0" }, "_npmUser": 1,
            "_nodeVersion": "20", "_id": "x" }"#;
        let texts = texts(text);
        assert_eq!(
            texts.full,
            r#""_nodeVersion":"20","dependencies":{},"description":"A \"widget\"","exports":{ "b": 1.50, "a": "\u00e9" },"scripts":{ "postinstall": "true" },"version":"1.0.0""#
        );
        assert_eq!(texts.abbreviated, r#""dependencies":{},"version":"1.0.0","hasInstallScript":true"#);
        assert_eq!(texts.about, r#""description":"A \"widget\"""#);
    }

    #[test]
    fn what_two_readers_may_take_for_two_things_is_refused() {
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(200), "]".repeat(200));
        let wide: String = (0..=MAX_KEYS).map(|n| format!("\"k{n}\":0,")).collect();
        for text in [
            "[]",
            "{\"a\":1,\"a\":2}",
            "{\"a\":1,\"\\u0061\":2}",
            "{\"a\":{\"b\":{\"c\":1,\"c\":1}}}",
            "{\"a\":1e999}",
            "{\"a\":\"\\ud800\"}",
            &deep,
            &format!("{{{wide}\"last\":0}}"),
        ] {
            assert!(Manifest::parse(text).is_err(), "{text:.40}");
        }
    }

    #[test]
    fn an_escaped_key_is_one_of_the_registrys_too() {
        assert_eq!(texts(r#"{"\u005fnpmUser":1,"d\u0069st":1,"name":"a"}"#).full, r#""name":"a""#);
    }
}
