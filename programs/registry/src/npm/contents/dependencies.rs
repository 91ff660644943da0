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

/// A reference to a repository at one of the hosts that npm knows, without what npm writes otherwise: `acme/widget`,
/// `git@github.com:acme/widget.git` and `https://www.github.com/acme/widget` are `github:acme/widget`.
fn reference(wanted: &str) -> String {
    let wanted = wanted.trim();
    let (place, commit) =
        wanted.split_once('#').map_or((wanted, None), |(place, commit)| (place, Some(commit)));
    let Some(Hosted { place, branch }) = Hosted::parse(place) else { return wanted.to_owned() };
    match commit.map(str::to_owned).or(branch) {
        Some(commit) => format!("{place}#{commit}"),
        None => place,
    }
}

/// The hosts of repositories that npm knows, and their short names.
const HOSTS: [(&str, &str); 5] = [
    ("github.com", "github"),
    ("gitlab.com", "gitlab"),
    ("bitbucket.org", "bitbucket"),
    ("gist.github.com", "gist"),
    ("git.sr.ht", "sourcehut"),
];
/// The schemes of their addresses.
const SCHEMES: [&str; 6] = ["git+ssh", "git+https", "ssh", "https", "http", "git"];

/// A repository at one of these hosts.
struct Hosted {
    /// The short name of the host and the repository's path there.
    place: String,
    /// The branch that the address names.
    branch: Option<String>,
}

impl Hosted {
    fn parse(place: &str) -> Option<Self> {
        if let Some((short, path)) = place.split_once(':').filter(|(short, _)| is_short_name(short)) {
            return Self::at(short, "", path);
        }
        if is_owner_and_name(place) {
            return Self::at("github", "", place);
        }
        let (scheme, rest) =
            place.split_once("://").map_or((None, place), |(scheme, rest)| (Some(scheme), rest));
        let (user, rest) = rest.split_once('@').filter(|(user, _)| !user.contains('/')).unwrap_or(("", rest));
        let is_address = scheme.map_or(!user.is_empty(), |scheme| {
            SCHEMES.iter().any(|known| scheme.eq_ignore_ascii_case(known))
        });
        let (host, path) = rest.split_at_checked(rest.find([':', '/'])?)?;
        let host = host.to_ascii_lowercase();
        let host = host.strip_prefix("www.").unwrap_or(&host);
        let (_, short) = HOSTS.iter().find(|(known, _)| is_address && *known == host)?;
        // Behind a scheme, a colon begins a port.
        let port = path.strip_prefix(':').filter(|_| scheme.is_some()).and_then(|path| path.split_once('/'));
        let path = port.map_or(path.get(1..)?, |(_, path)| path);
        Self::at(short, user, path)
    }

    /// The repository at a path, unless the path leads to something else than a repository.
    fn at(short: &str, user: &str, path: &str) -> Option<Self> {
        let path = path.strip_suffix('/').unwrap_or(path);
        let path = path.strip_suffix(".git").unwrap_or(path);
        let (mut parts, mut branch) = (path.split('/').collect::<Vec<_>>(), None);
        if let ("github", [owner, name, "tree", rest @ ..]) = (short, parts.as_slice()) {
            branch = Some(rest.join("/"));
            parts = vec![*owner, *name];
        }
        let is_repository = match (short, parts.as_slice()) {
            ("gist", [_] | [_, _]) => true,
            ("gitlab", [_, _, ..]) => !parts.contains(&"-"),
            (_, [_, _]) => true,
            _ => false,
        };
        // A gist has a name of its own, whoever wrote it.
        let path = if short == "gist" { (*parts.last()?).to_owned() } else { parts.join("/") };
        let user = if matches!(user, "" | "git") { String::new() } else { format!("{user}@") };
        is_repository.then(|| Self { place: format!("{short}:{user}{path}"), branch })
    }
}

fn is_short_name(name: &str) -> bool {
    HOSTS.iter().any(|(_, short)| *short == name)
}

/// Returns `true` if a reference is `owner/name`, which npm takes for GitHub's.
fn is_owner_and_name(place: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let is_part =
        |part: &str| part.starts_with(|c: char| c.is_ascii_alphanumeric()) && part.chars().all(allowed);
    place.split_once('/').is_some_and(|(owner, name)| is_part(owner) && is_part(name))
}

/// The bundled dependencies, by either spelling: some clients read one first, others the other.
fn bundled(manifest: &Manifest<'_>) -> Result<BTreeSet<String>, InvalidContents> {
    let mut bundled = bundled_in(manifest, "bundleDependencies")?;
    bundled.extend(bundled_in(manifest, "bundledDependencies")?);
    Ok(bundled)
}

fn bundled_in(manifest: &Manifest<'_>, field: &'static str) -> Result<BTreeSet<String>, InvalidContents> {
    match manifest.raw(field) {
        Some("true") => Ok(texts(manifest, "dependencies")?.into_keys().collect()),
        None | Some("false" | "null") => Ok(BTreeSet::new()),
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
