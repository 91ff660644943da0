//! Under which names cargo's settings know a registry.

use std::path::PathBuf;

use oidc_core::{Context, HttpUrl};
use serde::Deserialize;

/// A settings file may have this many bytes.
const MAX_CONFIG: usize = 1 << 20;
/// So many folders above the working directory are looked at.
const MAX_PARENTS: usize = 16;

/// What of cargo's settings is needed (the Cargo Book, "Configuration").
#[derive(Deserialize)]
struct Settings {
    #[serde(default)]
    registries: std::collections::BTreeMap<String, Registry>,
}

#[derive(Deserialize)]
struct Registry {
    index: Option<String>,
}

/// The variables that cargo reads a token for the registry at `url` from, one for each name that its environment and its
/// settings files have for it.
pub(super) fn token_variables(url: &HttpUrl, cx: &Context) -> Vec<String> {
    let mut names: Vec<String> = of_environment(url, cx).chain(of_files(url, cx)).collect();
    names.sort();
    names.dedup();
    names.into_iter().map(|name| format!("CARGO_REGISTRIES_{name}_TOKEN")).collect()
}

fn of_environment(url: &HttpUrl, cx: &Context) -> impl Iterator<Item = String> {
    cx.environment().names().filter_map(move |variable| {
        let name = variable.strip_prefix("CARGO_REGISTRIES_")?.strip_suffix("_INDEX")?;
        is_of(url, cx.environment().get(variable)?).then(|| name.to_owned())
    })
}

fn of_files(url: &HttpUrl, cx: &Context) -> Vec<String> {
    let mut names = Vec::new();
    for path in paths(cx) {
        // A file that isn't there or can't be read is none that cargo reads.
        let Some(text) =
            cx.files().read(&path, MAX_CONFIG).ok().and_then(|file| String::from_utf8(file).ok())
        else {
            continue;
        };
        let settings: Option<Settings> = toml::from_str(&text).ok();
        let registries = settings.map(|settings| settings.registries).unwrap_or_default();
        let ours = registries
            .into_iter()
            .filter(|(_, registry)| registry.index.as_deref().is_some_and(|index| is_of(url, index)));
        names.extend(ours.map(|(name, _)| name.to_ascii_uppercase().replace('-', "_")));
    }
    names
}

fn paths(cx: &Context) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> =
        (0..MAX_PARENTS).map(|level| PathBuf::from("../".repeat(level)).join(".cargo")).collect();
    let home = |name: &str| cx.environment().get(name).map(PathBuf::from);
    folders.extend(home("CARGO_HOME").or_else(|| home("HOME").map(|home| home.join(".cargo"))));
    folders.into_iter().flat_map(|folder| [folder.join("config.toml"), folder.join("config")]).collect()
}

/// Whether an index is one of the registry at `url`: at the same host and below the same path.
fn is_of(url: &HttpUrl, index: &str) -> bool {
    let index = HttpUrl::parse(index.strip_prefix("sparse+").unwrap_or(index));
    index.is_ok_and(|index| {
        let path = url.path().trim_end_matches('/');
        let below = index.path().strip_prefix(path);
        index.same_origin(url) && below.is_some_and(|below| below.is_empty() || below.starts_with('/'))
    })
}

#[cfg(test)]
mod tests {
    use oidc_core::Environment;

    use super::*;

    #[test]
    fn a_registry_is_known_by_the_names_that_the_environment_has_for_it() {
        let environment = Environment::from_iter([
            ("CARGO_REGISTRIES_OURS_INDEX", "sparse+https://r.example/index/"),
            ("CARGO_REGISTRIES_OLD_ONE_INDEX", "https://r.example/git"),
            ("CARGO_REGISTRIES_OTHER_INDEX", "sparse+https://other.example/index/"),
            ("CARGO_REGISTRIES_LOOKALIKE_INDEX", "sparse+https://r.example.evil.example/index/"),
            ("CARGO_REGISTRIES_OURS_TOKEN", "x"),
        ]);
        let cx = Context::default().with_environment(environment);
        let variables = |url: &str| token_variables(&HttpUrl::parse(url).unwrap(), &cx);
        assert_eq!(
            variables("https://r.example"),
            ["CARGO_REGISTRIES_OLD_ONE_TOKEN", "CARGO_REGISTRIES_OURS_TOKEN"]
        );
        assert!(variables("https://r.example/sub").is_empty());
        assert!(variables("https://r.example:8443").is_empty());
    }
}
