//! The sparse index: where a crate's lines are, and what stands on one.

use std::collections::BTreeMap;

use oidc_core::Timestamp;
use oidc_exchange::crates_io::CrateName;
use serde::{Deserialize, Serialize};

/// The path of a crate's lines, below the index: by the name's length and its first four letters.
pub(super) fn path_of(name: &CrateName) -> String {
    let name = name.as_str().to_ascii_lowercase();
    match (name.len(), name.get(..1), name.get(..2), name.get(2..4)) {
        (1, ..) => format!("1/{name}"),
        (2, ..) => format!("2/{name}"),
        (3, Some(first), ..) => format!("3/{first}/{name}"),
        (_, _, Some(first), Some(second)) => format!("{first}/{second}/{name}"),
        _ => name,
    }
}

/// A dependency as `cargo publish` sends it.
#[derive(Debug, Deserialize)]
pub(super) struct Dependency {
    pub(super) name: String,
    pub(super) version_req: String,
    #[serde(default)]
    pub(super) features: Vec<String>,
    #[serde(default)]
    pub(super) optional: bool,
    #[serde(default)]
    pub(super) default_features: bool,
    pub(super) target: Option<String>,
    pub(super) kind: Option<String>,
    pub(super) registry: Option<String>,
    pub(super) explicit_name_in_toml: Option<String>,
}

/// A dependency as it stands in the index.
#[derive(Serialize)]
struct Indexed<'a> {
    name: &'a str,
    req: &'a str,
    features: &'a [String],
    optional: bool,
    default_features: bool,
    target: Option<&'a str>,
    kind: &'a str,
    registry: Option<&'a str>,
    package: Option<&'a str>,
}

impl<'a> From<&'a Dependency> for Indexed<'a> {
    /// A renamed dependency has the name that the manifest uses, and its own as `package`.
    fn from(dependency: &'a Dependency) -> Self {
        let renamed = dependency.explicit_name_in_toml.as_deref();
        Self {
            name: renamed.unwrap_or(&dependency.name),
            req: &dependency.version_req,
            features: &dependency.features,
            optional: dependency.optional,
            default_features: dependency.default_features,
            target: dependency.target.as_deref(),
            kind: dependency.kind.as_deref().unwrap_or("normal"),
            registry: dependency.registry.as_deref(),
            package: renamed.map(|_| dependency.name.as_str()),
        }
    }
}

/// The part of a version that is in the index.
pub(super) struct Line<'a> {
    pub(super) name: &'a CrateName,
    pub(super) version: &'a str,
    pub(super) dependencies: &'a [Dependency],
    pub(super) features: &'a Features,
    pub(super) links: Option<&'a str>,
    pub(super) rust_version: Option<&'a str>,
    pub(super) checksum: &'a str,
}

/// Features, each with what it turns on.
pub(super) type Features = BTreeMap<String, Vec<String>>;

/// A version as it stands in the index.
#[derive(Serialize)]
struct IndexedVersion<'a> {
    name: &'a str,
    vers: &'a str,
    deps: Vec<Indexed<'a>>,
    cksum: &'a str,
    features: BTreeMap<&'a str, &'a [String]>,
    features2: BTreeMap<&'a str, &'a [String]>,
    yanked: bool,
    links: Option<&'a str>,
    rust_version: Option<&'a str>,
    v: u32,
}

impl Line<'_> {
    /// The line, without its end.
    pub(super) fn to_json(&self) -> Result<String, serde_json::Error> {
        // Features of the newer syntax stand apart, where an old cargo that can't read them doesn't look.
        let all = self.features.iter().map(|(name, values)| (name.as_str(), values.as_slice()));
        let (features2, features) = all.partition(|(_, values)| is_newer(values));
        serde_json::to_string(&IndexedVersion {
            name: self.name.as_str(),
            vers: self.version,
            deps: self.dependencies.iter().map(Into::into).collect(),
            cksum: self.checksum,
            features,
            features2,
            yanked: false,
            links: self.links,
            rust_version: self.rust_version,
            v: 2,
        })
    }
}

/// A line with the time at which the version was published, which is in UTC and has no fraction: cargo passes over a line with
/// another form of it.
pub(super) fn dated(line: &str, published_at: Timestamp) -> String {
    match line.strip_suffix('}') {
        Some(members) => format!("{members},\"pubtime\":\"{published_at}\"}}"),
        None => line.to_owned(),
    }
}

/// The spelling of a crate in its line. Cargo looks for one spelling, and doesn't see lines of others.
pub(super) fn spelling(line: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Named {
        name: String,
    }
    serde_json::from_str::<Named>(line).ok().map(|line| line.name)
}

fn is_newer(values: &[String]) -> bool {
    values.iter().any(|value| value.starts_with("dep:") || value.contains("?/"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_crates_lines_are_where_cargo_looks_for_them() {
        for (name, path) in [
            ("a", "1/a"),
            ("Ab", "2/ab"),
            ("abc", "3/a/abc"),
            ("Abcd", "ab/cd/abcd"),
            ("serde_json", "se/rd/serde_json"),
        ] {
            assert_eq!(path_of(&CrateName::parse(name).unwrap()), path);
        }
    }

    #[test]
    fn a_line_says_when_the_version_was_published() {
        let dated = dated(r#"{"name":"a","v":2}"#, Timestamp::from_secs(1_700_000_000));
        assert_eq!(dated, r#"{"name":"a","v":2,"pubtime":"2023-11-14T22:13:20Z"}"#);
    }

    #[test]
    fn a_renamed_dependency_keeps_its_own_name_beside() {
        let dependency =
            json!({ "name": "rand", "version_req": "^0.9", "explicit_name_in_toml": "dice", "kind": "dev" });
        let dependency: Dependency = serde_json::from_value(dependency).unwrap();
        let indexed = serde_json::to_value(Indexed::from(&dependency)).unwrap();
        assert_eq!((&indexed["name"], &indexed["package"]), (&json!("dice"), &json!("rand")));
        assert_eq!((&indexed["kind"], &indexed["req"]), (&json!("dev"), &json!("^0.9")));
    }
}
