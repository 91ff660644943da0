//! Effects of npm's settings on a publish, other than the choice of the registry.

use oidc_core::{Diagnosis, Severity, Target, shown};
use serde_json::{Map, Value};

use super::{is_set, unlooked};
use crate::client::npm_settings::{Setting, Settings};
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

/// Returns `true` if npm takes a value for yes. It lists a value as it stands, and takes every text for yes but
/// none and zero.
fn is_on(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(is_on) => *is_on,
        Value::String(text) => !text.trim().is_empty() && text.trim().parse::<f64>() != Ok(0.0),
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::Array(_) | Value::Object(_) => true,
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
    }
}
