//! The variables that tell cargo where to publish and with which token, and the names of a registry in cargo's settings.

use std::path::{Path, PathBuf};

use oidc_core::http::{HeaderValue, Request};
use oidc_core::{Context, HttpUrl, Secret, shown};
use serde::Deserialize;

use super::cargo_named::{is_of, note_other};
use super::changes::Changes;
use super::destination::Destination;

/// cargo's variable for the token of the public registry, and for nothing else (the Cargo Book, "Configuration").
pub(super) const PUBLIC_TOKEN: &str = "CARGO_REGISTRY_TOKEN";
/// The registry that is published to where a command names none.
const DEFAULT: &str = "CARGO_REGISTRY_DEFAULT";
const PUBLIC: &str = "crates-io";
/// The credential provider that reads variables, whichever one cargo's settings name.
const FROM_VARIABLE: &str = "cargo:token";
/// The name of a registry that is not in cargo's settings.
const NAME: &str = "trusted-publish";
/// The possible URLs of a registry's sparse index.
const INDEXES: [&str; 2] = ["index/", ""];
/// An index's description may have this many bytes.
const MAX_INDEX: usize = 16 << 10;

/// A settings file may have this many bytes.
const MAX_CONFIG: usize = 1 << 20;
/// So many folders above the working directory are looked at.
const MAX_PARENTS: usize = 16;

/// The part of cargo's settings that is needed (the Cargo Book, "Configuration").
#[derive(Deserialize)]
struct Settings {
    #[serde(default)]
    registries: std::collections::BTreeMap<String, Registry>,
}

#[derive(Deserialize)]
struct Registry {
    index: Option<String>,
}

/// A name under which cargo knows a registry.
#[derive(Clone, Debug)]
pub(super) struct Name {
    /// As cargo is told it.
    written: String,
    /// As it stands in the names of variables.
    in_variables: String,
}

impl Name {
    fn of_file(written: &str) -> Self {
        let in_variables = written.to_ascii_uppercase().replace('-', "_");
        Self { written: written.to_owned(), in_variables }
    }

    /// A name that only a variable has may have been written in several ways.
    fn of_variable(in_variables: &str) -> Self {
        let written = in_variables.to_ascii_lowercase().replace('_', "-");
        Self { written, in_variables: in_variables.to_owned() }
    }

    /// The variable that cargo reads the registry's token from.
    pub(super) fn token_variable(&self) -> String {
        format!("CARGO_REGISTRIES_{}_TOKEN", self.in_variables)
    }

    /// The variable for where cargo gets the registry's token.
    fn provider_variable(&self) -> String {
        format!("CARGO_REGISTRIES_{}_CREDENTIAL_PROVIDER", self.in_variables)
    }
}

/// Tells cargo where the destination is. Where `token` is left out, cargo finds what is configured for it.
pub(super) async fn tell(destination: &Destination<'_>, token: Option<&Secret>, changes: &mut Changes) {
    if destination.is_public() {
        note_other(destination, &[PUBLIC], changes).await;
        changes.set(DEFAULT, PUBLIC);
        if let Some(token) = token {
            changes.set_secret(PUBLIC_TOKEN, token);
            changes.set("CARGO_REGISTRY_CREDENTIAL_PROVIDER", FROM_VARIABLE);
        }
        return;
    }
    let token = token.map(|token| destination.cargo_token(token));
    let mut names = names(&destination.url, destination.cx);
    if names.is_empty() {
        names.push(Name::of_file(NAME));
        let of_service = token.as_ref().filter(|_| destination.cargo_scheme.is_some());
        match index(&destination.url, of_service, destination.cx).await {
            Some(index) => changes.set("CARGO_REGISTRIES_TRUSTED_PUBLISH_INDEX", index),
            None => changes.note(&["cargo"], no_index(&destination.url)),
        }
    }
    let written: Vec<&str> = names.iter().map(|name| name.written.as_str()).collect();
    note_other(destination, &written, changes).await;
    if let Some(name) = names.first() {
        changes.set(DEFAULT, name.written.as_str());
    }
    if let Some(token) = &token {
        for name in &names {
            changes.set_secret(name.token_variable(), token);
            changes.set(name.provider_variable(), FROM_VARIABLE);
        }
    }
}

fn no_index(url: &HttpUrl) -> String {
    let tried = INDEXES.map(|path| format!("`{}`", shown(url.below(&format!("{path}config.json")).as_str())));
    format!(
        "cargo is told no index, since none is at {}; set CARGO_REGISTRIES_TRUSTED_PUBLISH_INDEX to the registry's (`sparse+https://…`), or name it in cargo's settings",
        tried.join(" or ")
    )
}

/// The registry's sparse index, if it is where such a one is by custom, and names an API at the registry's own host. A service's
/// index may be private, and is asked with the token, as cargo asks it.
async fn index(url: &HttpUrl, token: Option<&Secret>, cx: &Context) -> Option<String> {
    for path in INDEXES {
        let index = url.below(path);
        let mut request = Request::get(index.below("config.json")).max_body(MAX_INDEX);
        if let Some(token) = token {
            request.headers.push(("authorization", HeaderValue::Secret(token.clone())));
        }
        let answer = cx.http().send(request).await.ok().filter(|answer| answer.status == 200);
        let Some(description) = answer.and_then(|answer| answer.json::<Index>()) else { continue };
        if HttpUrl::parse(&description.api).is_ok_and(|api| api.same_origin(url)) {
            return Some(format!("sparse+{}/", index.as_str().trim_end_matches('/')));
        }
    }
    None
}

/// An index's `config.json` (the Cargo Book, "Registry Index"). One without `api` takes no publishes.
#[derive(Deserialize)]
struct Index {
    api: String,
}

/// The names that cargo's environment and its settings files have for the registry at `url`.
pub(super) fn names(url: &HttpUrl, cx: &Context) -> Vec<Name> {
    let mut names: Vec<Name> = Vec::new();
    // A file's way of writing a name comes before that of a variable.
    for name in of_files(url, cx).into_iter().chain(of_environment(url, cx)) {
        if names.iter().all(|known| known.in_variables != name.in_variables) {
            names.push(name);
        }
    }
    names
}

fn of_environment(url: &HttpUrl, cx: &Context) -> impl Iterator<Item = Name> {
    cx.environment().names().filter_map(move |variable| {
        let name = variable.strip_prefix("CARGO_REGISTRIES_")?.strip_suffix("_INDEX")?;
        is_of(url, cx.environment().get(variable)?).then(|| Name::of_variable(name))
    })
}

fn of_files(url: &HttpUrl, cx: &Context) -> Vec<Name> {
    let settings = paths(cx).into_iter().filter_map(|path| settings(&path, cx));
    let registries = settings.flat_map(|settings| settings.registries);
    let ours =
        registries.filter(|(_, registry)| registry.index.as_deref().is_some_and(|index| is_of(url, index)));
    ours.map(|(name, _)| Name::of_file(&name)).collect()
}

/// The settings in a file. A file that isn't there or can't be read is none that cargo reads.
fn settings(path: &Path, cx: &Context) -> Option<Settings> {
    let file = cx.files().read(path, MAX_CONFIG).ok()?;
    toml::from_str(&String::from_utf8(file).ok()?).ok()
}

fn paths(cx: &Context) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> =
        (0..MAX_PARENTS).map(|level| PathBuf::from("../".repeat(level)).join(".cargo")).collect();
    let home = |name: &str| cx.environment().get(name).map(PathBuf::from);
    folders.extend(home("CARGO_HOME").or_else(|| home("HOME").map(|home| home.join(".cargo"))));
    folders.into_iter().flat_map(|folder| [folder.join("config.toml"), folder.join("config")]).collect()
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
        let variables = |url: &str| {
            let names = names(&HttpUrl::parse(url).unwrap(), &cx);
            names.iter().map(Name::token_variable).collect::<Vec<_>>()
        };
        assert_eq!(
            variables("https://r.example"),
            ["CARGO_REGISTRIES_OLD_ONE_TOKEN", "CARGO_REGISTRIES_OURS_TOKEN"]
        );
        assert!(variables("https://r.example/sub").is_empty());
        assert!(variables("https://r.example:8443").is_empty());
    }
}
