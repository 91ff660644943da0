//! The dependencies of two manifests, compared as npm normalises them.

use std::collections::BTreeSet;

use super::super::manifest::Manifest;
use super::InvalidContents;
use super::fields::{Texts, compare_sets, compare_texts, object, set, texts};

/// The fields with dependencies that are compared as they are.
pub(super) const DEPENDENCIES: [&str; 4] =
    ["optionalDependencies", "peerDependencies", "devDependencies", "acceptDependencies"];

/// Compares all dependencies: optional ones apart from the others, and git repositories by their short names.
pub(super) fn compare(packed: &Manifest<'_>, sent: &Manifest<'_>) -> Result<(), InvalidContents> {
    for field in DEPENDENCIES {
        compare_texts(field, &references(packed, field)?, &references(sent, field)?)?;
    }
    let bundled = [bundled(packed)?, bundled(sent)?];
    let [bundled, in_manifest] = &bundled;
    compare_sets("bundleDependencies", bundled, in_manifest)?;
    let (in_tarball, mut in_manifest) = (regular(packed)?, regular(sent)?);
    // npm sends what is bundled as a dependency of any version.
    in_manifest
        .retain(|name, wanted| wanted != "*" || in_tarball.contains_key(name) || !bundled.contains(name));
    compare_texts("dependencies", &in_tarball, &in_manifest)?;
    compare_sets("peerDependenciesMeta", &optional_peers(packed)?, &optional_peers(sent)?)
}

/// The dependencies that are not optional.
fn regular(manifest: &Manifest<'_>) -> Result<Texts, InvalidContents> {
    let mut regular = references(manifest, "dependencies")?;
    for optional in references(manifest, "optionalDependencies")?.keys() {
        regular.remove(optional);
    }
    Ok(regular)
}

/// Dependencies, with the wanted version of each.
fn references(manifest: &Manifest<'_>, field: &'static str) -> Result<Texts, InvalidContents> {
    let texts = texts(manifest, field)?;
    Ok(texts.into_iter().map(|(name, wanted)| (name, reference(&wanted))).collect())
}

/// A reference to a repository at one of the hosts that npm knows, as npm writes it: `acme/widget`,
/// `git@github.com:acme/widget.git` and `https://github.com/acme/widget` are `github:acme/widget`.
fn reference(wanted: &str) -> String {
    let wanted = wanted.trim();
    let (place, commit) = match wanted.split_once('#') {
        Some((place, commit)) => (place, format!("#{commit}")),
        None => (wanted, String::new()),
    };
    match hosted(place) {
        Some(short) => format!("{short}{commit}"),
        None if is_short(place) => format!("github:{place}{commit}"),
        None => wanted.to_owned(),
    }
}

/// The short name of a repository at one of the hosts that npm knows.
fn hosted(place: &str) -> Option<String> {
    let schemes = ["git+ssh://", "git+https://", "ssh://", "https://", "git://"];
    let bare = schemes.iter().find_map(|scheme| place.strip_prefix(scheme)).unwrap_or(place);
    let bare = bare.strip_prefix("git@").unwrap_or(bare);
    let hosts = [("github.com", "github"), ("gitlab.com", "gitlab"), ("bitbucket.org", "bitbucket")];
    hosts.iter().find_map(|(host, short)| {
        let path = bare.strip_prefix(host)?.strip_prefix([':', '/'])?;
        Some(format!("{short}:{}", path.strip_suffix(".git").unwrap_or(path)))
    })
}

/// Returns `true` if a reference is `owner/name`, which npm takes for GitHub's.
fn is_short(place: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let is_part =
        |part: &str| part.starts_with(|c: char| c.is_ascii_alphanumeric()) && part.chars().all(allowed);
    place.split_once('/').is_some_and(|(owner, name)| is_part(owner) && is_part(name))
}

fn bundled(manifest: &Manifest<'_>) -> Result<BTreeSet<String>, InvalidContents> {
    let field = if manifest.raw("bundleDependencies").is_some() {
        "bundleDependencies"
    } else {
        "bundledDependencies"
    };
    match manifest.raw(field) {
        Some("true") => Ok(texts(manifest, "dependencies")?.into_keys().collect()),
        None | Some("false") => Ok(BTreeSet::new()),
        Some(text) => match serde_json::from_str::<Manifest<'_>>(text) {
            Ok(object) => Ok(object.keys().map(str::to_owned).collect()),
            Err(_) => set(manifest, field),
        },
    }
}

/// The peers that need not be there.
fn optional_peers(manifest: &Manifest<'_>) -> Result<BTreeSet<String>, InvalidContents> {
    let Some(peers) = object(manifest, "peerDependenciesMeta")? else { return Ok(BTreeSet::new()) };
    // Installers go by what JavaScript takes for true.
    let is_true = |value: Option<&str>| !matches!(value, None | Some("false" | "null" | "0" | "\"\""));
    let is_optional =
        |name: &&str| peers.value::<Manifest<'_>>(name).is_some_and(|peer| is_true(peer.raw("optional")));
    Ok(peers.keys().filter(is_optional).map(str::to_owned).collect())
}
