//! The variables that tell cargo where to publish and with which token, and the names of a registry in cargo's settings.

use oidc_core::http::{HeaderValue, Request};
use oidc_core::{Context, HttpUrl, Secret, shown};
use serde::Deserialize;

use super::files::{Settings, of_command, of_files};
use super::named::{is_of, note_other};
use crate::command::changes::Changes;
use crate::destination::Destination;

/// cargo's variable for the token of the public registry, and for nothing else (the Cargo Book, "Configuration").
pub(crate) const PUBLIC_TOKEN: &str = "CARGO_REGISTRY_TOKEN";
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

/// A name under which cargo knows a registry.
#[derive(Clone, Debug)]
pub(crate) struct Name {
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
    pub(crate) fn token_variable(&self) -> String {
        format!("CARGO_REGISTRIES_{}_TOKEN", self.in_variables)
    }

    /// The variable for the registry's index, which stands before all files.
    fn index_variable(&self) -> String {
        format!("CARGO_REGISTRIES_{}_INDEX", self.in_variables)
    }

    /// The variable for where cargo gets the registry's token.
    fn provider_variable(&self) -> String {
        format!("CARGO_REGISTRIES_{}_CREDENTIAL_PROVIDER", self.in_variables)
    }
}

/// Tells cargo where the destination is. Where `token` is left out, cargo finds what is configured for it.
pub(crate) async fn tell(destination: &Destination<'_>, token: Option<&Secret>, changes: &mut Changes) {
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
    let mut names: Vec<Name> = Vec::new();
    for (name, index) in named(destination) {
        changes.set(name.index_variable(), index);
        names.push(name);
    }
    if names.is_empty() {
        names.push(Name::of_file(NAME));
        let of_service = token.as_ref().filter(|_| destination.cargo_scheme.is_some());
        match index(&destination.url, of_service, destination.cx).await {
            Some(index) => changes.set("CARGO_REGISTRIES_TRUSTED_PUBLISH_INDEX", index),
            None => changes.note(&["cargo"], no_index(&destination.url)),
        }
    }
    note_index_of_command(destination, &names, changes);
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

/// The settings among the words of the command.
fn in_command(destination: &Destination<'_>) -> Vec<Settings> {
    of_command(destination.values_of("--config"), destination.cx)
}

/// A name of a registry, and the index that one of cargo's settings gives it.
type Named = (Name, Option<String>);

/// The names that cargo's settings have for the registry at the destination.
pub(crate) fn names(destination: &Destination<'_>) -> Vec<Name> {
    named(destination).into_iter().map(|(name, _)| name).collect()
}

/// The names that cargo's settings have for the registry at the destination, each with its index, those of files first. Of several indexes with one name,
/// cargo takes that of the strongest place: the command's own settings, a variable, the nearest file.
fn named(destination: &Destination<'_>) -> Vec<(Name, String)> {
    let of_command = in_command(destination).into_iter().flat_map(in_file);
    let in_files: Vec<Named> = of_files(destination.cx).flat_map(in_file).collect();
    let strongest_first = of_command.chain(in_environment(destination.cx)).chain(in_files.iter().cloned());
    let mut known: Vec<(Name, String)> = Vec::new();
    for (name, index) in strongest_first {
        let Some(index) = index else { continue };
        if known.iter().all(|(known, _)| known.in_variables != name.in_variables) {
            known.push((name, index));
        }
    }
    let as_in_file = |name: Name| {
        let mut written = in_files.iter().filter(|(written, _)| written.in_variables == name.in_variables);
        written.next().map_or((true, name), |(written, _)| (false, written.clone()))
    };
    let own = known.into_iter().filter(|(_, index)| is_of(&destination.url, index));
    let mut own: Vec<_> = own.map(|(name, index)| (as_in_file(name), index)).collect();
    own.sort_by_key(|((is_variables_alone, _), _)| *is_variables_alone);
    own.into_iter().map(|((_, name), index)| (name, index)).collect()
}

fn in_environment(cx: &Context) -> impl Iterator<Item = Named> {
    cx.environment().names().filter_map(|variable| {
        let name = variable.strip_prefix("CARGO_REGISTRIES_")?.strip_suffix("_INDEX")?;
        Some((Name::of_variable(name), cx.environment().get(variable).map(str::to_owned)))
    })
}

fn in_file(settings: Settings) -> impl Iterator<Item = Named> {
    settings.registries.into_iter().map(|(name, registry)| (Name::of_file(&name), registry.index))
}

/// The command's own settings stand before the variable that has the index of a registry without a name.
fn note_index_of_command(destination: &Destination<'_>, names: &[Name], changes: &mut Changes) {
    let named = in_command(destination).into_iter().flat_map(in_file);
    let mut others = named.filter(|(name, index)| {
        let is_used = names.iter().any(|used| used.in_variables == name.in_variables);
        is_used && index.as_ref().is_some_and(|index| !is_of(&destination.url, index))
    });
    if let Some((name, _)) = others.next() {
        let name = shown(&name.written);
        let text =
            format!("`--config` gives the registry `{name}` another index; leave that out of the command");
        changes.note_elsewhere(&["cargo"], text);
    }
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
            let url = HttpUrl::parse(url).unwrap();
            let names = names(&Destination::new(&url, None, None, &[], &cx));
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
