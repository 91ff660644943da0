//! The registries that a cargo command and the manifests of its packages name. cargo obeys both before any variable.

use std::path::Path;

use oidc_core::{Command, HttpUrl, shown};
use serde::Deserialize;
use toml::Table;

use super::files::{of_command, unread};
use crate::command::changes::Changes;
use crate::destination::Destination;
use crate::shown_url::shown_url;

/// The limit on cargo's description of a workspace, in bytes.
const MAX_METADATA: usize = 32 << 20;
/// The limit on a manifest, in bytes.
const MAX_MANIFEST: usize = 1 << 20;

/// cargo's description of a workspace.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    #[serde(default)]
    workspace_default_members: Vec<String>,
}

#[derive(Deserialize)]
struct Package {
    id: String,
    name: String,
    publish: Option<Vec<String>>,
}

/// Notes that the command would publish at another registry than the one that cargo knows by these names.
pub(crate) async fn note_other(destination: &Destination<'_>, names: &[&str], changes: &mut Changes) {
    if destination.tool() != Some("cargo") || !destination.publishes() {
        return;
    }
    if let Some(option) = unread(destination.values_of("--config"), destination.cx) {
        let text = format!(
            "the settings of `--config {}` may name another registry, and are not read to the end; leave the option out",
            shown(option)
        );
        changes.note_elsewhere(&["cargo"], text);
    }
    let other = match by_command(destination, names) {
        Some(other) => Some(other).filter(|other| !other.is_empty()),
        None => by_manifest(destination, names).await.or_else(|| by_default(destination, names)),
    };
    if let (Some(other), Some(name)) = (other, names.first()) {
        changes.note_elsewhere(&["cargo"], format!("{other}; pass `--registry {name}`"));
    }
}

/// The registry other than the destination that the command names: empty where it names the destination, and `None` where it names
/// none.
fn by_command(destination: &Destination<'_>, names: &[&str]) -> Option<String> {
    let registries =
        destination.values_of("--registry").map(|value| ("--registry", value, names.contains(&value)));
    let indexes =
        destination.values_of("--index").map(|value| ("--index", value, is_of(&destination.url, value)));
    let mut named = registries.chain(indexes).peekable();
    named.peek()?;
    let other = named.find(|(_, _, is_own)| !is_own);
    Some(other.map_or_else(String::new, |(option, value, _)| {
        format!("`{option} {}` names another registry", shown_url(value))
    }))
}

/// The registry other than the destination that the command's own settings choose, which stand before a variable.
fn by_default(destination: &Destination<'_>, names: &[&str]) -> Option<String> {
    let settings = of_command(destination.values_of("--config"), destination.cx);
    let default = settings.into_iter().find_map(|settings| settings.registry.default)?;
    let is_own = names.contains(&default.as_str());
    (!is_own).then(|| format!("`--config` names `{}` as the registry by default", shown(&default)))
}

/// The registry other than the destination that the manifest of a package names, as cargo itself describes it. Where a manifest names
/// one registry alone, cargo publishes there.
async fn by_manifest(destination: &Destination<'_>, names: &[&str]) -> Option<String> {
    let mut arguments = vec!["metadata", "--no-deps", "--offline", "--format-version", "1"];
    if let Some(manifest) = destination.values_of("--manifest-path").next() {
        arguments.extend(["--manifest-path", manifest]);
    }
    let mut command = Command::new("cargo", arguments);
    command.max_output = MAX_METADATA;
    let output = destination.cx.run(command).await.ok().filter(|output| output.status == Some(0))?;
    let workspace: Metadata = serde_json::from_slice(&output.stdout).ok()?;
    let selected = selected(destination);
    let is_all = destination.arguments().any(|argument| matches!(argument, "--workspace" | "--all"));
    let members = &workspace.workspace_default_members;
    let is_published = |package: &&Package| match selected.as_slice() {
        _ if is_all => true,
        [] => members.is_empty() || members.contains(&package.id),
        selected => selected.contains(&package.name),
    };
    let mut others = workspace.packages.iter().filter(is_published).filter_map(|package| {
        let registries = package.publish.as_ref().filter(|registries| !registries.is_empty())?;
        let is_own = registries.iter().any(|registry| names.contains(&registry.as_str()));
        (!is_own).then(|| {
            let registries = registries.join("`, `");
            format!("`publish` of `{}` names `{}`", shown(&package.name), shown(&registries))
        })
    });
    others.next()
}

/// The names of the packages that the command names, or that of the package that it is run in; none for a workspace's own
/// choice.
fn selected(destination: &Destination<'_>) -> Vec<String> {
    let named = ["-p", "--package"].into_iter().flat_map(|option| destination.values_of(option));
    let named: Vec<String> = named.filter_map(|name| name.split('@').next()).map(str::to_owned).collect();
    if !named.is_empty() {
        return named;
    }
    let manifest = destination.values_of("--manifest-path").next().unwrap_or("Cargo.toml");
    let manifest = destination.cx.files().read(Path::new(manifest), MAX_MANIFEST).ok();
    let manifest = manifest.and_then(|bytes| String::from_utf8(bytes).ok()?.parse::<Table>().ok());
    let manifest = manifest.filter(|manifest| !manifest.contains_key("workspace"));
    let name = manifest.as_ref().and_then(|manifest| manifest.get("package")?.get("name")?.as_str());
    name.map(str::to_owned).into_iter().collect()
}

/// Returns `true` if an index is one of the registry at `url`: at the same host and below the same path.
pub(crate) fn is_of(url: &HttpUrl, index: &str) -> bool {
    let index = HttpUrl::parse(index.strip_prefix("sparse+").unwrap_or(index));
    index.is_ok_and(|index| {
        let path = url.path().trim_end_matches('/');
        let below = index.path().strip_prefix(path);
        index.same_origin(url) && below.is_some_and(|below| below.is_empty() || below.starts_with('/'))
    })
}
