//! The settings of npm in this job, as npm itself tells them.
//!
//! npm reads settings from six places, each with rules of its own on quotes, comments, sections, arrays, variables and workspaces,
//! which change with its versions. The npm on the path is the one that publishes, so it is asked, and no file is read in its
//! place. The commands that are used here work offline and run nothing that belongs to the project: they read settings and
//! manifests, and pack the package's files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use oidc_core::{Command, CommandError, Context, Environment, Target};
use serde::Deserialize;
use serde_json::{Map, Value};

/// The limit on an answer of npm's, in bytes.
const MAX_ANSWER: usize = 1024 * 1024;

/// The options that keep npm from looking for updates of itself and from writing a log file.
const QUIET: [&str; 2] = ["--no-update-notifier", "--logs-max=0"];

/// The arguments with which npm prints its settings and their places.
const LIST: [&str; 4] = ["config", "list", "--long", "--no-json"];
/// The arguments with which npm checks its settings and prints the folder that they are for.
const PREFIX: [&str; 2] = ["prefix", "--json"];

/// The arguments with which npm does everything of a publish up to the upload, without the package's scripts and without a request.
const DRY_RUN: [&str; 5] = ["publish", "--dry-run", "--ignore-scripts", "--offline", "--json"];
/// The variable with which npm takes no platform for one, and exchanges no token.
const NO_PLATFORM: (&str, &str) = ("CI", "false");

/// The beginning of the section on a manifest.
const MANIFEST: &str = "; \"publishConfig\" from ";

/// npm's error code for a command that is not made for workspaces, whatever the settings are.
const NO_WORKSPACES: &str = "ENOWORKSPACES";
/// npm's error code for a manifest that is no JSON.
const NO_JSON: &str = "EJSONPARSE";

/// A setting: its value and the place where it stands.
#[derive(Clone, Debug)]
pub(super) struct Setting {
    /// The place; `None` for npm's own default.
    pub(super) place: Option<Target>,
    /// The name, as in the place.
    pub(super) name: String,
    pub(super) value: Value,
}

/// The settings by their keys.
pub(super) type Settings = BTreeMap<String, Setting>;

/// The reason that npm does not tell its settings.
#[derive(Debug)]
pub(super) enum Untold {
    /// npm refuses its settings, with this code, and with them every publish.
    Refused(String),
    /// npm was asked in vain.
    Unanswered(&'static str),
}

/// Asks npm for its settings.
pub(super) async fn ask(cx: &Context) -> Result<Settings, Untold> {
    let folder = folder(cx).await?;
    // In the folder of a workspace's member, and where a variable asks for all members, npm prints no settings; those of the
    // workspace's root are the member's too.
    let at_root = [&LIST[..], &["--no-workspaces"]].concat();
    let printed = match run(&LIST, None, cx).await {
        Some(printed) => Some(printed),
        None => run(&at_root, Some(&folder), cx).await,
    };
    let settings = printed.map(|printed| listed(&printed, cx.environment())).unwrap_or_default();
    // npm lists this one in any case.
    if settings.contains_key("registry") { Ok(settings) } else { Err(Untold::Unanswered("npm config list")) }
}

/// The folder that npm's settings are for. npm checks its settings before it prints this.
async fn folder(cx: &Context) -> Result<PathBuf, Untold> {
    let unanswered = || Untold::Unanswered("npm prefix");
    let output = output(Command::new("npm", PREFIX), cx).await.map_err(|_| unanswered())?;
    let text = String::from_utf8(output.stdout).map_err(|_| unanswered())?;
    if output.status == Some(0) {
        return Ok(PathBuf::from(text.trim()));
    }
    match code(&text).filter(|code| code != NO_WORKSPACES) {
        Some(code) => Err(Untold::Refused(code)),
        None => Err(unanswered()),
    }
}

/// The code of an error that npm printed as JSON.
fn code(text: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Printed {
        error: Error,
    }
    #[derive(Deserialize)]
    struct Error {
        code: String,
    }
    let Printed { error: Error { code } } = serde_json::from_str(text).ok()?;
    let is_plain = code.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    (is_plain && code.len() <= 64).then_some(code)
}

/// The manifest of a package.
#[derive(Debug)]
pub(super) struct Manifest {
    pub(super) members: Map<String, Value>,
    /// `true` if npm has to be told that it is a member's of the workspace in the working directory.
    is_members: bool,
}

/// A publish that npm fails before it sends anything.
#[derive(Debug)]
pub(super) struct Failed {
    /// npm's error code, where it has one.
    pub(super) code: Option<String>,
}

/// Asks npm for the manifest of a package: that of the working directory, or that of a member of the workspace there. `None` if the
/// package has no manifest here.
pub(super) async fn manifest(package: &str, cx: &Context) -> Result<Option<Manifest>, Failed> {
    let member = format!("--workspace={package}");
    // Settings for all projects keep npm from reading a manifest, and a publish reads it all the same. npm is asked for no
    // members of the manifest by name: in place of a list of one it would print that one.
    let here = ["pkg", "get", "--no-global", "--location=project", "--json"];
    let there = [&here[..], &[&member]].concat();
    let mut failed = None;
    for (arguments, is_members) in [(&here[..], false), (&there, true)] {
        let Ok(output) = output(Command::new("npm", arguments.iter().copied()), cx).await else { continue };
        let printed = String::from_utf8(output.stdout).unwrap_or_default();
        let found = serde_json::from_str(&printed).ok().and_then(|printed| of_package(printed, package));
        if let Some(members) = found.filter(|_| output.status == Some(0)) {
            return Ok(Some(Manifest { members, is_members }));
        }
        failed = failed.or_else(|| code(&printed).filter(|code| code == NO_JSON));
    }
    failed.map_or(Ok(None), |code| Err(Failed { code: Some(code) }))
}

/// Asks npm to do everything of a publish up to the upload. `None` if it does, or does not tell.
pub(super) async fn failure(manifest: &Manifest, package: &str, cx: &Context) -> Option<Failed> {
    let config = manifest.members.get("publishConfig");
    // An npm before version 11 would run the package's scripts because of it.
    if config.is_some_and(|config| config.get("ignore-scripts").is_some()) {
        return None;
    }
    let member = manifest.is_members.then(|| format!("--workspace={package}"));
    let arguments = DRY_RUN.into_iter().chain(member.as_deref());
    let mut command = Command::new("npm", arguments);
    command.variables = vec![(NO_PLATFORM.0.to_owned(), NO_PLATFORM.1.to_owned())];
    let output = output(command, cx).await.ok()?;
    let printed = String::from_utf8_lossy(&output.stdout);
    output.status.is_some_and(|status| status != 0).then(|| Failed { code: code(&printed) })
}

/// The manifest of the package. npm puts that of a workspace's member below the member's name.
fn of_package(printed: Value, package: &str) -> Option<Map<String, Value>> {
    let is_packages =
        |manifest: &Map<String, Value>| manifest.get("name").is_some_and(|name| name == package);
    let Value::Object(mut printed) = printed else { return None };
    if is_packages(&printed) {
        return Some(printed);
    }
    match printed.remove(package) {
        Some(Value::Object(member)) => Some(member).filter(is_packages),
        _ => None,
    }
}

async fn run(arguments: &[&str], folder: Option<&Path>, cx: &Context) -> Option<String> {
    let mut command = Command::new("npm", arguments.iter().copied());
    command.folder = folder.map(Path::to_owned);
    let output = output(command, cx).await.ok().filter(|output| output.status == Some(0))?;
    String::from_utf8(output.stdout).ok()
}

async fn output(mut command: Command, cx: &Context) -> Result<oidc_core::CommandOutput, CommandError> {
    command.arguments.extend(QUIET.map(str::to_owned));
    command.max_output = MAX_ANSWER;
    cx.run(command).await
}

/// The settings that npm printed: sections that begin with a comment on their place, and lines of a key, `=` and a value as JSON. A
/// setting that another overrides stands in a comment.
fn listed(printed: &str, environment: &Environment) -> Settings {
    let mut settings = Settings::new();
    let mut section = ("", "");
    // The last section is a manifest's, which is asked for by itself: it may be another package's.
    for line in printed.lines().take_while(|line| !line.starts_with(MANIFEST)) {
        if let Some(found) = heading(line) {
            section = found;
        } else if let Some((key, value)) = line.split_once(" = ").filter(|_| !line.starts_with(';')) {
            let place = place(section, key, environment);
            let value = serde_json::from_str(value).unwrap_or_default();
            settings.insert(key.to_owned(), Setting { place, name: key.to_owned(), value });
        }
    }
    settings
}

/// The kind and the source of a section.
fn heading(line: &str) -> Option<(&str, &str)> {
    line.strip_prefix("; \"")?.split_once("\" config from ")
}

/// The place of a setting by the section that it is in.
fn place((kind, source): (&str, &str), key: &str, environment: &Environment) -> Option<Target> {
    match kind {
        "default" => None,
        "env" => {
            let is_named = |name: &&str| of_variable(name).as_deref() == Some(key);
            let name = environment.names().find(is_named);
            Some(Target::Variable(name.map_or_else(|| format!("npm_config_{key}"), str::to_owned)))
        }
        _ => Some(Target::File(source.to_owned())),
    }
}

/// The key of the setting that a variable holds.
fn of_variable(name: &str) -> Option<String> {
    const PREFIX: &str = "npm_config_";
    let (prefix, key) = name.split_at_checked(PREFIX.len())?;
    prefix.eq_ignore_ascii_case(PREFIX).then(|| key.to_lowercase().replace('_', "-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_with_their_places() {
        let environment = Environment::from_iter([("NPM_CONFIG_REGISTRY", "https://r.example/")]);
        let printed = "; \"default\" config from default values\n\n; registry = \"https://d.example/\" ; overridden by env\n\
                       scope = \"\"\n\n; \"project\" config from /builds/acme/widget/.npmrc\n\n@acme:registry = \"https://a.example/ = \\\"x\"\n\
                       @no:registry = undefined\n//r.example/:_authToken = (protected)\n\n; \"env\" config from environment\n\n\
                       registry = \"https://r.example/\"\n; node version = v1\n\n; \"publishConfig\" from /builds/acme/widget/package.json\n\n\
                       registry = \"https://m.example/\"\n";
        let settings = listed(printed, &environment);
        let of =
            |key: &str| settings.get(key).map(|found| (found.place.clone(), found.value.clone())).unwrap();
        assert_eq!(of("scope"), (None, "".into()));
        let file = Some(Target::File("/builds/acme/widget/.npmrc".to_owned()));
        assert_eq!(of("@acme:registry"), (file.clone(), "https://a.example/ = \"x".into()));
        assert_eq!(of("@no:registry"), (file, Value::Null));
        let variable = Some(Target::Variable("NPM_CONFIG_REGISTRY".to_owned()));
        assert_eq!(of("registry"), (variable, "https://r.example/".into()));
        assert_eq!(settings.len(), 5);
    }

    #[test]
    fn a_manifest_is_the_packages_own() {
        let of = |printed: Value, package: &str| of_package(printed, package).is_some();
        let manifest = serde_json::json!({ "name": "name", "publishConfig": {} });
        assert!(of(manifest.clone(), "name") && !of(manifest.clone(), "publishConfig"));
        assert!(of(serde_json::json!({ "name": manifest }), "name"));
        assert!(of(serde_json::json!({ "name": "scripts", "scripts": {} }), "scripts"));
        assert!(!of(serde_json::json!({ "folder": manifest }), "folder"));
        assert!(!of(serde_json::json!([]), "name") && !of(serde_json::json!({}), "name"));
    }

    #[test]
    fn an_error_is_named_by_its_code_alone() {
        assert_eq!(
            code(r#"{"error":{"code":"ERR_INVALID_URL","summary":"x"}}"#).as_deref(),
            Some("ERR_INVALID_URL")
        );
        for text in ["", "{}", "Usage", r#"{"error":{"code":"a`b"}}"#, r#"{"error":{"code":1}}"#] {
            assert_eq!(code(text), None, "{text}");
        }
    }
}
