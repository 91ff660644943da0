//! The registries to which yarn's settings files send a package or a token, and the credentials in them.
//!
//! Seen with yarn 4.18: a credential of the package's scope comes first, then one of the registry, then the one for all, which is sent
//! to whatever registry is asked. Variables stand in for the last alone.

use std::collections::BTreeSet;

use oidc_core::{Secret, shown};

use super::credentials::{Use, mentions};
use super::packages::scopes;
use super::workspace;
use crate::command::changes::Changes;
use crate::destination::Destination;
use crate::settings::yaml::{Setting, Unread, flattened};
use crate::shown_url::shown_url;

/// The settings that name a registry: where packages are published before where they are read.
const REGISTRIES: [&str; 2] = ["npmPublishRegistry", "npmRegistryServer"];
/// The variables for them.
const REGISTRY_VARIABLES: [&str; 2] = ["YARN_NPM_PUBLISH_REGISTRY", "YARN_NPM_REGISTRY_SERVER"];
/// yarn's registry where nothing names one: the public one under a name of its own.
const YARNS: &str = "https://registry.yarnpkg.com";

/// The settings that hold a credential, and the variables for them.
const CREDENTIALS: [&str; 2] = ["npmAuthToken", "npmAuthIdent"];
const TOKEN: &str = "YARN_NPM_AUTH_TOKEN";
const CREDENTIAL_VARIABLES: [&str; 2] = [TOKEN, "YARN_NPM_AUTH_IDENT"];

const FILE: &str = "`.yarnrc.yml`";

/// Binds the token to the destination as far as yarn can, and keeps a credential of another registry in the files from it.
pub(crate) fn tell(destination: &Destination<'_>, token: Option<&Secret>, changes: &mut Changes) {
    changes.remove(&other_spellings(destination));
    let settings = Settings::read(destination);
    if let Some((path, why)) = &settings.unread {
        destination.overlook(&["yarn"], format!("yarn's settings in `{}` are not read: {why}", shown(path)));
        changes.withhold(TOKEN);
    }
    note_settings_of_members(destination);
    if let Some(reason) = settings.reason_for_no_token(token.is_some()) {
        changes.withhold(TOKEN);
        if reason.keeps_registry {
            changes.forget(REGISTRY_VARIABLES[0]);
        }
        if reason.is_elsewhere {
            changes.note_elsewhere(&["yarn"], reason.note);
        } else {
            changes.note(&["yarn"], reason.note);
        }
    } else if changes.has_secret(TOKEN) {
        // yarn sends it to each registry that it asks and that has none of its own.
        changes.set("YARN_NPM_ALWAYS_AUTH", "false");
        changes.set(REGISTRY_VARIABLES[1], destination.url.as_str());
        settings.note_own_credential(changes);
    } else if token.is_none() && !settings.is_default_own() && settings.has_default_credential() {
        for name in CREDENTIAL_VARIABLES {
            changes.set(name, "");
        }
        changes.note(
            &["yarn"],
            "yarn gets no credential: that in `.yarnrc.yml` is for another registry".to_owned(),
        );
    }
}

/// Settings of the members that yarn publishes one after the other, each of which may name another registry.
fn note_settings_of_members(destination: &Destination<'_>) {
    if !publishes(destination) || !destination.has_words(&["foreach"]) {
        return;
    }
    let name = file_name(destination);
    for path in workspace::folders(destination).into_iter().map(|folder| folder.join(name)) {
        if destination.file(&path).is_some_and(|text| String::from_utf8_lossy(&text).contains("npm")) {
            let path = path.to_string_lossy();
            let what = format!(
                "settings of a workspace's member in `{}` are not read; move them to the root",
                shown(&path)
            );
            destination.overlook(&["yarn"], what);
        }
    }
}

/// The name of yarn's settings files.
fn file_name<'a>(destination: &Destination<'a>) -> &'a str {
    let environment = destination.cx.environment();
    let named = environment.names().find(|name| words(name).eq(words("YARN_RC_FILENAME")));
    named.and_then(|name| environment.get(name)).unwrap_or(".yarnrc.yml")
}

/// The variables that yarn takes for one of those that are set: it ignores the case, and takes several marks between words for one.
fn other_spellings<'a>(destination: &'a Destination<'_>) -> Vec<&'a str> {
    let told = [&REGISTRY_VARIABLES[..], &CREDENTIAL_VARIABLES, &["YARN_NPM_ALWAYS_AUTH"]].concat();
    let names = destination.cx.environment().names();
    names.filter(|name| told.iter().any(|told| told != name && words(name).eq(words(told)))).collect()
}

/// The words of a variable's name, as yarn reads them.
fn words(name: &str) -> impl Iterator<Item = String> {
    let words = name.split(['_', '-', '.', ' ']).filter(|word| !word.is_empty());
    words.map(str::to_ascii_lowercase)
}

/// The reason why yarn gets no token.
struct NoToken {
    note: String,
    /// `true` if yarn publishes at the registry of its own files.
    keeps_registry: bool,
    /// `true` if that is another one.
    is_elsewhere: bool,
}

/// Returns `true` if the command is a publish, for which yarn asks no other registry.
fn publishes(destination: &Destination<'_>) -> bool {
    destination.tool() == Some("yarn") && destination.publishes()
}

/// The settings with a value that is written with what it does to others (`onConflict`) as if it stood alone.
fn plain(settings: Vec<Setting>) -> Vec<Setting> {
    let conflicts = settings.iter().filter_map(|(keys, _)| keys.strip_suffix(&["onConflict".to_owned()]));
    let conflicts: BTreeSet<Vec<String>> = conflicts.map(<[String]>::to_vec).collect();
    let is_wrapped = |before: &[String], key: &String| key == "value" && conflicts.contains(before);
    let bare = |keys: &[String]| {
        let each = keys.iter().enumerate();
        let kept = each.filter(|(at, key)| !is_wrapped(keys.get(..*at).unwrap_or_default(), key));
        kept.map(|(_, key)| key.clone()).collect::<Vec<_>>()
    };
    settings.into_iter().map(|(keys, value)| (bare(&keys), value)).collect()
}

/// The registries to which yarn sends what a variable holds, by its settings files.
pub(crate) fn uses(name: &str, destination: &Destination<'_>) -> Vec<Use> {
    Settings::read(destination).uses(name)
}

/// The files of variables that yarn's settings files name. One that may be missing has a mark behind its name.
pub(crate) fn environment_files(destination: &Destination<'_>) -> Vec<String> {
    let settings = Settings::read(destination).all.into_iter();
    let named = settings.filter(|(keys, _)| keys.iter().eq(["injectEnvironmentFiles"]));
    named.map(|(_, file)| file.trim_end_matches('?').to_owned()).collect()
}

/// The registry that yarn's settings files name for every package without a scope's.
pub(crate) fn default_registry(destination: &Destination<'_>) -> Option<String> {
    Settings::read(destination).of_files()
}

/// The settings of all files that yarn reads, the nearest first.
struct Settings<'a> {
    destination: &'a Destination<'a>,
    all: Vec<Setting>,
    /// A file that is not read, and why.
    unread: Option<(String, Unread)>,
}

/// The beginning of the form of yarn's older versions, which yarn reads as that and not as YAML.
const OLD_FORM: &str = "yarn lockfile v1";

impl<'a> Settings<'a> {
    fn read(destination: &'a Destination<'_>) -> Self {
        let name = file_name(destination);
        let (mut all, mut unread) = (Vec::new(), None);
        for (path, text) in destination.read_named(destination.paths(name)) {
            let is_old = text
                .lines()
                .any(|line| line.starts_with('#') && line.to_ascii_lowercase().contains(OLD_FORM));
            match flattened(&text).and_then(|found| if is_old { Err(Unread::NoSettings) } else { Ok(found) })
            {
                Ok(found) => all.extend(plain(found)),
                Err(why) => unread = Some((path.to_string_lossy().into_owned(), why)),
            }
        }
        Self { destination, all, unread }
    }

    /// The reason in the files why yarn gets no token; none if it may have it.
    fn reason_for_no_token(&self, has_token: bool) -> Option<NoToken> {
        if let Some(registry) = self.of_packages().find(|registry| !self.is_own(registry)) {
            let note = format!(
                "yarn gets no token: `.yarnrc.yml` sends the package to `{}`, whatever a variable says; change it there",
                shown_url(&registry)
            );
            return Some(NoToken { note, keeps_registry: false, is_elsewhere: true });
        }
        if self.has_foreign_credential_of_scope() {
            let registry = self.default_registry().unwrap_or_else(|| YARNS.to_owned());
            let note = format!(
                "yarn gets no token, and publishes at `{}`: `.yarnrc.yml` has a credential of the package's scope, which is for that \
                 registry; remove it there, or write `npmPublishRegistry` beside it",
                shown_url(&registry)
            );
            return Some(NoToken { note, keeps_registry: true, is_elsewhere: true });
        }
        if !has_token || publishes(self.destination) {
            return None;
        }
        let (scope, registry) = self.scope_without_credential()?;
        let note = format!(
            "yarn gets no token, since it would take it to `{}` too, which `.yarnrc.yml` names for the scope `{}` without a credential; \
             write into that file: `npmRegistries: {{ \"{}\": {{ npmAuthToken: \"${{NODE_AUTH_TOKEN:-}}\" }} }}`",
            shown_url(&registry),
            shown(&scope),
            self.destination.url
        );
        Some(NoToken { note, keeps_registry: false, is_elsewhere: false })
    }

    fn get(&self, path: &[&str]) -> Option<&str> {
        let found = self.all.iter().find(|(keys, _)| keys.iter().eq(path));
        found.map(|(_, value)| value.as_str())
    }

    fn of_scope(&self, scope: &str) -> Option<String> {
        let named = REGISTRIES.iter().filter_map(|key| self.get(&["npmScopes", scope, key]));
        named.into_iter().find(|registry| !matches!(*registry, "" | "null" | "~")).map(str::to_owned)
    }

    /// The registries that yarn publishes packages at because of their scopes.
    fn of_packages(&self) -> impl Iterator<Item = String> {
        scopes(self.destination).into_iter().filter_map(|scope| self.of_scope(&scope))
    }

    /// The registry of the files; one that is none where they are not read.
    fn of_files(&self) -> Option<String> {
        if self.unread.is_some() {
            return Some(String::new());
        }
        REGISTRIES.iter().find_map(|key| self.get(&[*key])).map(str::to_owned)
    }

    /// The registry of every other package, as the job has it without us.
    fn default_registry(&self) -> Option<String> {
        let environment = self.destination.cx.environment();
        let named = REGISTRIES.iter().zip(REGISTRY_VARIABLES);
        let named = named.map(|(key, variable)| environment.get(variable).or_else(|| self.get(&[*key])));
        named.flatten().next().map(str::to_owned)
    }

    fn is_default_own(&self) -> bool {
        let default = self.default_registry();
        default.map_or(self.destination.is_public(), |registry| self.is_own(&registry))
    }

    /// A scope at another registry without a credential, and the registry: yarn takes the one for all there.
    fn scope_without_credential(&self) -> Option<(String, String)> {
        let has_own = |kind: &str, name: &str| {
            let mut values = CREDENTIALS.iter().filter_map(|key| self.get(&[kind, name, *key]));
            values.any(|value| self.is_something(value))
        };
        let scopes = self.all.iter().filter_map(|(keys, _)| match keys.as_slice() {
            [kind, scope, ..] if kind == "npmScopes" => Some(scope.as_str()),
            _ => None,
        });
        let scopes: BTreeSet<&str> = scopes.collect();
        // Packages are fetched from this one alone, which is yarn's where none is named.
        let registry = |scope| self.get(&["npmScopes", scope, REGISTRIES[1]]).unwrap_or(YARNS);
        let mut open =
            scopes.into_iter().map(|scope| (scope, registry(scope))).filter(|(scope, registry)| {
                !self.is_own(registry) && !has_own("npmScopes", scope) && !has_own("npmRegistries", registry)
            });
        open.next().map(|(scope, registry)| (scope.to_owned(), registry.to_owned()))
    }

    /// Returns `true` if a package's scope has a credential and no registry, and the one that it is for is another.
    fn has_foreign_credential_of_scope(&self) -> bool {
        let has_credential =
            |scope: &String| CREDENTIALS.iter().any(|key| self.is_credential(&["npmScopes", scope, key]));
        let is_open = |scope: &String| has_credential(scope) && self.of_scope(scope).is_none();
        !self.is_default_own() && scopes(self.destination).iter().any(is_open)
    }

    /// Returns `true` if a setting is a credential that we don't set.
    fn is_credential(&self, path: &[&str]) -> bool {
        self.get(path).is_some_and(|value| self.is_something(value))
    }

    /// Returns `true` if a value is none of ours, and not empty when yarn has read it: `${NAME:-}` may be.
    fn is_something(&self, value: &str) -> bool {
        let optional = value.strip_prefix("${").and_then(|rest| rest.strip_suffix("-}"));
        let is_unset =
            |name: &str| self.destination.cx.environment().get(name.trim_end_matches(':')).is_none();
        !value.is_empty() && !holds_ours(value) && !optional.is_some_and(is_unset)
    }

    fn has_default_credential(&self) -> bool {
        CREDENTIALS.iter().any(|key| self.get(&[*key]).is_some())
    }

    /// A credential that a file has for the destination comes before the token.
    fn note_own_credential(&self, changes: &mut Changes) {
        let scopes = scopes(self.destination);
        let is_it = |(keys, value): &&Setting| match keys.as_slice() {
            [kind, registry, key] if CREDENTIALS.contains(&key.as_str()) && !holds_ours(value) => {
                let is_scope = || kind == "npmScopes" && scopes.contains(registry);
                kind == "npmRegistries" && self.is_own(registry) || is_scope()
            }
            _ => false,
        };
        if let Some((keys, _)) = self.all.iter().find(is_it) {
            changes.note(&["yarn"], format!(
                "yarn publishes with the credential at `{}` in `.yarnrc.yml`, which it takes before any variable; remove it there",
                shown(&keys.join("."))
            ));
        }
    }

    fn uses(&self, name: &str) -> Vec<Use> {
        if let Some((path, _)) = &self.unread {
            // It may send the variable anywhere.
            return vec![Use {
                file: FILE,
                registry: format!("a registry in {path}, which is not read"),
                is_own: false,
                is_default: false,
            }];
        }
        let named = self.all.iter().filter(|(_, value)| mentions(value, name));
        let used = named.filter_map(|(keys, _)| match keys.as_slice() {
            [kind, registry, _] if kind == "npmRegistries" => Some(self.use_of(registry.clone())),
            [kind, scope, _] if kind == "npmScopes" => Some(self.use_of(self.of_scope(scope)?)),
            [key] if CREDENTIALS.contains(&key.as_str()) => Some(self.use_by_default()),
            _ => None,
        });
        used.collect()
    }

    fn use_of(&self, registry: String) -> Use {
        Use { file: FILE, is_own: self.is_own(&registry), registry, is_default: false }
    }

    fn use_by_default(&self) -> Use {
        let registry = self.default_registry().unwrap_or_else(|| YARNS.to_owned());
        Use { file: FILE, registry, is_own: self.is_default_own(), is_default: true }
    }

    /// Returns `true` if a text is the destination's URL; a registry may be written without its scheme.
    fn is_own(&self, registry: &str) -> bool {
        let whole =
            if registry.starts_with("//") { format!("https:{registry}") } else { registry.to_owned() };
        self.destination.is(&whole) || self.destination.is(&whole.replacen("https:", "http:", 1))
    }
}

/// Returns `true` if a value is what a variable holds that we set.
fn holds_ours(value: &str) -> bool {
    ["NODE_AUTH_TOKEN", "NPM_TOKEN", TOKEN, "BUN_CONFIG_TOKEN"].iter().any(|name| mentions(value, name))
}
