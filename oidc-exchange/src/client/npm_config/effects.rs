//! Effects of npm's settings on a publish, other than the choice of the registry.

use std::path::Path;

use oidc_core::{Context, Diagnosis, Environment, Provider, Severity, Target, shown};
use serde_json::{Map, Value};

use super::{is_set, text, unlooked};
use crate::client::links;
use crate::client::npm_settings::{Failed, Setting, Settings};
use crate::codes;

/// The settings of the way to a registry. This check goes by the job's variables alone.
const WAY: [&str; 9] =
    ["proxy", "https-proxy", "noproxy", "ca", "cafile", "cert", "key", "strict-ssl", "local-address"];

/// The settings of a manifest whose effect on a publish is known.
const KNOWN: [&str; 6] = ["registry", "scope", "tag", "access", "provenance", "dry-run"];

/// Reports a setting that npm's publish fails with, since it is no text.
pub(super) fn unusable(setting: &Setting) -> Diagnosis {
    let kind = match &setting.value {
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
        Value::Number(_) => "a number",
        _ => "`true`",
    };
    let problem =
        format!("{} is {kind}, and npm takes a text alone there: its publish fails", named(setting));
    let diagnosis = Diagnosis::new(codes::NPM_SETTINGS_REFUSED, target(setting), problem);
    diagnosis.severity(Severity::Warning).fix("write one text there, or leave it out")
}

/// Reports that npm's publish sends nothing.
pub(super) fn dry_run(settings: &Settings) -> Option<Diagnosis> {
    let setting = settings.get("dry-run").filter(|setting| is_on(&setting.value))?;
    let problem = format!("{} is on: npm's publish sends nothing, and succeeds", named(setting));
    let diagnosis = Diagnosis::new(codes::NPM_DRY_RUN, target(setting), problem);
    let fix = "pass `--no-dry-run` to the publish, or leave the setting out";
    Some(diagnosis.severity(Severity::Warning).fix(fix))
}

/// Reports that npm publishes no package with this manifest. It says so for a package alone, and among the members of a
/// workspace it leaves the package out, and succeeds.
pub(super) fn private(manifest: &Map<String, Value>) -> Option<Diagnosis> {
    manifest.get("private").filter(|value| is_set(value))?;
    let place = Target::File("package.json".to_owned());
    let problem = format!(
        "`private` in {place} keeps npm from publishing the package: npm fails with `EPRIVATE`, or skips it as a member of a workspace and \
         succeeds"
    );
    let diagnosis = Diagnosis::new(codes::NPM_PRIVATE, place, problem).severity(Severity::Warning);
    Some(diagnosis.fix("leave `private` out of the manifest, if the package is to be published"))
}

/// Reports that npm fails before it sends anything.
pub(super) fn failing(failed: &Failed) -> Diagnosis {
    let with = failed.code.as_ref().map_or_else(String::new, |code| format!(" with `{code}`"));
    let problem = format!(
        "`npm publish --dry-run` fails here{with}, and so does a publish, unless its options or scripts change that"
    );
    let diagnosis = Diagnosis::new(codes::NPM_PUBLISH_FAILS, Target::Platform, problem);
    let fix =
        "run `npm publish --dry-run` here, which shows the error; a version before a release needs `--tag`";
    diagnosis.severity(Severity::Warning).fix(fix)
}

/// The settings that npm sends to a registry as headers.
const HEADERS: [&str; 3] = ["scope", "otp", "user-agent"];

/// Reports a setting that npm can't send as a header: one with characters beyond Latin-1 or control characters.
pub(super) fn header(settings: &Settings) -> Option<Diagnosis> {
    let is_sendable = |c: char| matches!(c, '\t' | ' '..='~' | '\u{80}'..='\u{ff}');
    let is_wrong =
        |setting: &&Setting| is_set(&setting.value) && !text(&setting.value).chars().all(is_sendable);
    let stated = HEADERS.iter().filter_map(|name| settings.get(*name)).filter(|found| found.place.is_some());
    let setting = stated.into_iter().find(is_wrong)?;
    let problem = format!(
        "{} has characters that npm can't send to a registry, which it tries: its publish fails",
        named(setting)
    );
    let diagnosis = Diagnosis::new(codes::NPM_SETTINGS_REFUSED, target(setting), problem);
    Some(diagnosis.severity(Severity::Warning).fix("write it in ASCII, or leave it out"))
}

/// Reports restricted access to a package without a scope, which npm refuses.
pub(super) fn restricted(settings: &Settings, package: &str) -> Option<Diagnosis> {
    let setting = settings.get("access").filter(|setting| setting.value == "restricted")?;
    if package.starts_with('@') {
        return None;
    }
    let problem =
        format!("{} is for packages with a scope alone: npm fails with `EUNSCOPED`", named(setting));
    let diagnosis = Diagnosis::new(codes::NPM_SETTINGS_REFUSED, target(setting), problem);
    Some(diagnosis.severity(Severity::Warning).fix("leave it out, or publish the package in a scope"))
}

/// The variable from which npm takes the identity token for provenance on GitLab.
const SIGSTORE_TOKEN: &str = "SIGSTORE_ID_TOKEN";

/// Reports that npm signs provenance before it publishes, and whether it can't.
pub(super) fn provenance(
    settings: &Settings,
    platform: Option<&dyn Provider>,
    environment: &Environment,
) -> Option<Diagnosis> {
    let setting = settings.get("provenance").filter(|setting| setting.value == true)?;
    let is_signing = match platform?.id() {
        "github" => true,
        "gitlab" => environment.get(SIGSTORE_TOKEN).is_some(),
        _ => false,
    };
    let (severity, end, fix) = if is_signing {
        let end = "npm signs before it publishes, and fails where it can't, which was not tried";
        (Severity::Notice, end, "check provenance too, or leave the setting out")
    } else {
        let end = "npm signs provenance on GitHub Actions alone, and on GitLab CI with a token in `SIGSTORE_ID_TOKEN`; it fails here";
        (Severity::Warning, end, "leave the setting out, or give the job that token")
    };
    let problem = format!("{} is on: {end}", named(setting));
    let diagnosis = Diagnosis::new(codes::NPM_PROVENANCE, target(setting), problem).severity(severity);
    Some(diagnosis.fix(fix).link(links::NPM))
}

/// Reports settings by which npm goes to the registry in a way of its own. Their values may hold passwords.
pub(super) fn way(settings: &Settings) -> Option<Diagnosis> {
    let set = |name: &&str| settings.get(*name).filter(|setting| setting.place.is_some());
    let names: Vec<String> = WAY.iter().filter_map(set).map(named).collect();
    let first = WAY.iter().find_map(set)?;
    let problem = format!(
        "npm goes to the registry in a way of its own, by {}: this check went by the job's variables",
        names.join(", ")
    );
    let diagnosis = Diagnosis::new(codes::NPM_WAY, target(first), problem).severity(Severity::Notice);
    Some(diagnosis.fix("if the publish alone can't reach the registry, look at these settings first"))
}

/// Reports the settings in `publishConfig` whose effect was not looked at.
pub(super) fn of_manifest(settings: &Settings, manifest: &Map<String, Value>) -> Option<Diagnosis> {
    let is_looked_at = |key: &str| KNOWN.contains(&key) || WAY.contains(&key);
    let others = manifest.keys().filter(|key| settings.contains_key(*key) && !is_looked_at(key));
    let others: Vec<String> = others.map(|key| format!("`{}`", shown(key))).collect();
    (!others.is_empty()).then(|| {
        let problem = format!(
            "`publishConfig` sets {} for npm's publish, which was not looked at: npm fails with some values that its own settings \
             may have",
            others.join(", ")
        );
        unlooked(problem).fix("leave them out, or run `npm publish --dry-run`, which shows the error")
    })
}

/// The tools that choose a registry by settings of their own, the file in which each has them, and the way to see which it is.
const OTHER_TOOLS: [(&str, &str, &str); 3] = [
    ("pnpm", "pnpm-workspace.yaml", "run `pnpm publish --dry-run`, which says where it publishes"),
    ("yarn", ".yarnrc.yml", "run `yarn npm publish --dry-run`, which says where it publishes"),
    ("bun", "bunfig.toml", "look at the registries in `bunfig.toml`, `.npmrc` and `publishConfig`"),
];

/// The limit on such a file, in bytes.
const MAX_SETTINGS: usize = 1024 * 1024;

/// Reports that the project is set up for another tool of npm's ecosystem, whose settings were not looked at.
pub(super) fn other_tool(manifest: &Map<String, Value>, cx: &Context) -> Option<Diagnosis> {
    let named = manifest.get("packageManager").and_then(Value::as_str);
    let named = named.and_then(|named| named.split('@').next());
    let is_here = |file: &str| cx.files().read(Path::new(file), MAX_SETTINGS).is_ok();
    let mut tools = OTHER_TOOLS.iter();
    let is_set_up = |tool: &str, file: &str| named.map_or_else(|| is_here(file), |named| named == tool);
    let (tool, _, fix) = tools.find(|(tool, file, _)| is_set_up(tool, file))?;
    let problem = format!(
        "this project is set up for {tool}, which chooses a registry by settings of its own: they were not looked at, and npm was asked instead"
    );
    Some(unlooked(problem).fix(*fix))
}

/// Returns `true` if npm takes a value for yes. It lists a value as it stands, and takes every text for yes but
/// none and zero.
fn is_on(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(is_on) => *is_on,
        Value::String(text) => !is_zero(text),
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::Array(_) | Value::Object(_) => true,
    }
}

/// Returns `true` if JavaScript makes zero of a text, as of an empty one and of `0x0`.
fn is_zero(text: &str) -> bool {
    let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}').to_ascii_lowercase();
    let digits = ["0x", "0o", "0b"].iter().find_map(|prefix| text.strip_prefix(prefix));
    match digits {
        Some(digits) => !digits.is_empty() && digits.bytes().all(|digit| digit == b'0'),
        None => text.is_empty() || text.parse::<f64>() == Ok(0.0),
    }
}

/// A setting's name and place.
fn named(setting: &Setting) -> String {
    let name = shown(&setting.name);
    match &setting.place {
        Some(place) => format!("`{name}` in {place}"),
        None => format!("`{name}`"),
    }
}

fn target(setting: &Setting) -> Target {
    setting.place.clone().unwrap_or(Target::Platform)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_value_but_none_and_zero_is_yes() {
        for value in [json!(true), json!("TRUE"), json!("no"), json!("2"), json!([false]), json!(1)] {
            assert!(is_on(&value), "{value}");
        }
        for value in [json!(false), json!(null), json!("0"), json!("-0"), json!(""), json!(0)] {
            assert!(!is_on(&value), "{value}");
        }
        for text in ["0x0", " 0B000 ", "0o0", "0.", ".0", "0e9", "+0", "\u{feff}0"] {
            assert!(!is_on(&json!(text)), "{text}");
        }
        for text in ["0x", "0x1", "x0", "00x0", "-0x0", "0b2"] {
            assert!(is_on(&json!(text)), "{text}");
        }
    }
}
