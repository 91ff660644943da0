//! A package's metadata as clients read it: the packument, full or abbreviated.
//!
//! The two forms and their fields are described in npm/registry, `docs/responses/package-metadata.md`.

use oidc_core::Timestamp;
use serde_json::{Map, Value, json};

use super::access::Principal;
use super::name::{PackageName, Tag};
use super::store::{Package, StoredVersion};

/// The media type of the abbreviated form, which clients that install ask for.
pub(super) const ABBREVIATED: &str = "application/vnd.npm.install-v1+json";

/// What the abbreviated form keeps of a manifest.
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
    "dist",
    "engines",
    "cpu",
    "os",
    "libc",
    "funding",
    "_hasShrinkwrap",
];

/// What the full form repeats from the latest version's manifest.
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

/// The scripts that run when a package is installed.
const INSTALL_SCRIPTS: &[&str] = &["preinstall", "install", "postinstall"];

/// Everything there is to know about the package. `base` is the registry's public URL without a trailing slash.
pub(super) fn full(base: &str, name: &PackageName, package: &Package) -> Value {
    let latest = package.tags.get(Tag::LATEST);
    let latest = latest.and_then(|latest| package.versions.iter().find(|stored| &stored.version == latest));
    let mut packument = latest.map(|stored| only(&stored.manifest, PACKAGE_FIELDS)).unwrap_or_default();
    let versions =
        package.versions.iter().map(|stored| (stored.version.clone(), manifest(base, name, stored)));
    packument.extend([
        ("_id".to_owned(), json!(name.as_str())),
        ("name".to_owned(), json!(name.as_str())),
        ("dist-tags".to_owned(), json!(package.tags)),
        ("versions".to_owned(), versions.collect()),
        ("time".to_owned(), times(package)),
    ]);
    packument.into()
}

/// What an installation needs to know.
pub(super) fn abbreviated(base: &str, name: &PackageName, package: &Package) -> Value {
    let versions = package.versions.iter().map(|stored| {
        let mut kept = match manifest(base, name, stored) {
            Value::Object(manifest) => only(&manifest, INSTALL_FIELDS),
            _ => Map::new(),
        };
        if runs_install_scripts(&stored.manifest) {
            kept.insert("hasInstallScript".to_owned(), Value::Bool(true));
        }
        (stored.version.clone(), Value::Object(kept))
    });
    json!({
        "name": name.as_str(),
        "modified": iso(package.modified_at),
        "dist-tags": package.tags,
        "versions": versions.collect::<Value>(),
    })
}

/// The manifest that was published, with what this registry says about it.
fn manifest(base: &str, name: &PackageName, stored: &StoredVersion) -> Value {
    let version = &stored.version;
    let mut manifest = stored.manifest.clone();
    manifest.insert("_id".to_owned(), json!(format!("{name}@{version}")));
    manifest.insert(
        "dist".to_owned(),
        json!({
            "integrity": stored.integrity,
            "shasum": stored.shasum,
            "tarball": format!("{base}/{name}/-/{}", name.tarball(version)),
        }),
    );
    if let Some(user) = publisher(&stored.published_by) {
        manifest.insert("_npmUser".to_owned(), user);
    }
    manifest.into()
}

/// How npmjs marks a version from a trusted publisher. pnpm's `trustPolicy: no-downgrade` reads it.
fn publisher(principal: &Principal) -> Option<Value> {
    let Principal::TrustedPublisher { provider, publisher, .. } = principal else { return None };
    Some(json!({
        "name": format!("{provider} trusted publisher"),
        "trustedPublisher": { "id": provider, "oidcConfigId": format!("oidc:{publisher}") },
    }))
}

fn times(package: &Package) -> Value {
    let own = [("created", package.created_at), ("modified", package.modified_at)];
    let versions = package.versions.iter().map(|stored| (stored.version.as_str(), stored.published_at));
    own.into_iter().chain(versions).map(|(event, at)| (event.to_owned(), json!(iso(at)))).collect()
}

/// The instant as JavaScript writes it, to the millisecond.
fn iso(at: Timestamp) -> String {
    let at = jiff::Timestamp::from_second(at.as_signed_secs()).unwrap_or(jiff::Timestamp::MAX);
    format!("{at:.3}")
}

fn only(manifest: &Map<String, Value>, fields: &[&str]) -> Map<String, Value> {
    let kept = manifest.iter().filter(|(key, _)| fields.contains(&key.as_str()));
    kept.map(|(key, value)| (key.clone(), value.clone())).collect()
}

fn runs_install_scripts(manifest: &Map<String, Value>) -> bool {
    let scripts = manifest.get("scripts").and_then(Value::as_object);
    scripts.is_some_and(|scripts| INSTALL_SCRIPTS.iter().any(|script| scripts.contains_key(*script)))
}
