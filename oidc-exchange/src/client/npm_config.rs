//! The registry to which npm itself publishes in this job, by its settings.

mod effects;

use oidc_core::{Context, Diagnosis, Environment, HttpUrl, Severity, Target, shown};
use serde_json::{Map, Value};

use super::diagnose::AdviceRequest;
use super::links;
use super::npm_facts::PUBLIC;
use super::npm_settings::{self, Manifest, Setting, Settings, Untold};
use super::wording::Wording;
use crate::codes;

/// The text that stands for a part of a value that npm takes for a secret.
const HIDDEN: &str = "***";

/// Returns advice on a registry below a path, which npm itself treats in two ways of its own.
pub(super) fn of_path(url: &HttpUrl, wording: &Wording) -> Vec<Diagnosis> {
    let subject = || Target::Url(url.to_string());
    if url.path() == "/" {
        return Vec::new();
    }
    let mut advice = Vec::new();
    if !url.path().ends_with('/') {
        let problem = "the registry's URL has a path without a slash at its end: npm then looks for its token one folder \
                       above, and fails with `ENEEDAUTH` after an exchange that went through";
        let diagnosis =
            Diagnosis::new(codes::REGISTRY_URL_SLASH, subject(), problem).severity(Severity::Warning);
        let fix = "write a slash at its end, in `registry=` of `.npmrc` and in `--registry`";
        advice.push(diagnosis.expected(format!("{url}/")).fix(fix).link(links::NPM));
    }
    let problem = "the registry's URL has a path: npm itself leaves it out and asks for the exchange at the host's root";
    let diagnosis = Diagnosis::new(codes::REGISTRY_URL_PREFIX, subject(), problem).severity(Severity::Notice);
    let fix = format!(
        "nothing, if the registry answers `/-/npm/v1/oidc/` at its host's root too; or else {}",
        wording.publish_through("keeps the path")
    );
    advice.push(diagnosis.fix(fix));
    advice
}

/// Returns the conditions in npm's settings and in the package's manifest that keep npm from publishing the package at `url`.
pub(super) async fn examine(
    url: &HttpUrl,
    package: &str,
    request: &AdviceRequest<'_>,
    cx: &Context,
) -> Vec<Diagnosis> {
    let settings = match npm_settings::ask(cx).await {
        Ok(settings) => settings,
        Err(untold) => return vec![of_untold(untold)],
    };
    let manifest = match npm_settings::manifest(package, cx).await {
        Ok(manifest) => manifest,
        Err(failed) => return vec![effects::failing(&failed)],
    };
    let other_tool = manifest.as_ref().and_then(|manifest| effects::other_tool(&manifest.members, cx));
    let found = of_settings(url, package, settings, manifest.as_ref(), request, cx.environment());
    let found: Vec<Diagnosis> = found.into_iter().chain(other_tool).collect();
    let is_failing = |found: &Diagnosis| FAILING.contains(&found.code);
    match manifest.filter(|_| !found.iter().any(is_failing)) {
        Some(manifest) => {
            let failed = npm_settings::failure(&manifest, package, cx).await;
            found.into_iter().chain(failed.as_ref().map(effects::failing)).collect()
        }
        None => found,
    }
}

/// The findings with which npm publishes nothing. It need not be asked whether it would.
const FAILING: [&str; 2] = [codes::NPM_SETTINGS_REFUSED, codes::NPM_PRIVATE];

fn of_settings(
    url: &HttpUrl,
    package: &str,
    settings: Settings,
    manifest: Option<&Manifest>,
    request: &AdviceRequest<'_>,
    environment: &Environment,
) -> Vec<Diagnosis> {
    let private = manifest.and_then(|manifest| effects::private(&manifest.members));
    let config = manifest.map(|manifest| publish_config(&manifest.members));
    let unread = match &config {
        Some(config) => effects::of_manifest(&settings, config),
        None => Some(no_manifest(package)),
    };
    // npm asks for this one before it reads the manifest.
    let dry_run = effects::dry_run(&settings);
    let settings = at_publish(settings, config.unwrap_or_default());
    let deciding = deciding(&settings, package);
    let registry = if deciding.value.is_string() {
        elsewhere(url, package, &deciding, request.wording)
    } else {
        Some(effects::unusable(&deciding))
    };
    let header = effects::header(&settings);
    let restricted = effects::restricted(&settings, package);
    let provenance = effects::provenance(&settings, request.platform, environment);
    let way = effects::way(&settings);
    [registry, dry_run, private, header, restricted, provenance, way, unread].into_iter().flatten().collect()
}

/// The settings of a manifest for a publish. What is no object has none.
fn publish_config(manifest: &Map<String, Value>) -> Map<String, Value> {
    manifest.get("publishConfig").and_then(Value::as_object).cloned().unwrap_or_default()
}

/// Reports that nothing is known of where npm, or another tool of its ecosystem, would publish.
pub(super) fn unasked(reason: &str) -> Diagnosis {
    unlooked(format!(
        "npm was not asked where it would publish ({reason}): neither its settings nor those of pnpm, yarn and bun were looked at"
    ))
}

/// A part of the settings that was not looked at.
fn unlooked(problem: String) -> Diagnosis {
    Diagnosis::new(codes::NPM_SETTINGS_UNTOLD, Target::Platform, problem).severity(Severity::Notice)
}

/// Reports that npm did not tell its settings.
fn of_untold(untold: Untold) -> Diagnosis {
    match untold {
        Untold::Refused(code) => {
            let problem =
                format!("npm refuses its own settings with `{code}`, and publishes nothing with them");
            let diagnosis = Diagnosis::new(codes::NPM_SETTINGS_REFUSED, Target::Platform, problem);
            let fix = "run `npm prefix` in this folder, which shows the error, and `npm config list`, which shows each setting's \
                       place; correct the setting there";
            diagnosis.severity(Severity::Warning).fix(fix)
        }
        Untold::Unanswered(command) => unanswered(command),
    }
}

/// Reports that a command of npm's failed.
pub(super) fn unanswered(command: &str) -> Diagnosis {
    let problem = format!("`{command}` failed: where npm would publish is not known");
    let fix = format!("run `{command}` in this folder, which shows the error");
    unlooked(problem).severity(Severity::Warning).fix(fix)
}

/// Reports that the package's manifest was not looked at.
fn no_manifest(package: &str) -> Diagnosis {
    let problem = format!(
        "the manifest of `{}` is neither in this folder nor a member's of the npm workspace here: its `publishConfig`, which goes \
         before npm's settings, was not looked at",
        shown(package)
    );
    unlooked(problem).fix("run this check in the package's folder")
}

/// The settings at a publish: those of the manifest before npm's own, as they stand, without variables replaced in them.
fn at_publish(mut settings: Settings, manifest: Map<String, Value>) -> Settings {
    for (key, value) in manifest {
        let place = Some(Target::File("package.json".to_owned()));
        let name = format!("publishConfig.{key}");
        settings.insert(key, Setting { place, name, value });
    }
    settings
}

/// The setting that decides on the registry (`pickRegistry` of npm-registry-fetch): that of the package's scope, that of the scope
/// in the settings, or that of all packages. A value that is empty in JavaScript is none.
fn deciding(settings: &Settings, package: &str) -> Setting {
    let get = |key: &str| settings.get(key).filter(|setting| is_set(&setting.value));
    let of_scope = |scope: &str| get(&format!("@{}:registry", scope.strip_prefix('@').unwrap_or(scope)));
    let of_package = scope(package).and_then(of_scope);
    let of_settings = || match get("scope")? {
        // npm makes a text of every value but this one, which it can't use.
        list @ Setting { value: Value::Array(_), .. } if text(&list.value).starts_with('@') => Some(list),
        setting => of_scope(&text(&setting.value)),
    };
    // npm's publish fails with it even where a scope's registry goes before it.
    let unusable = get("registry").filter(|setting| !setting.value.is_string());
    let found = unusable.or(of_package).or_else(of_settings).or_else(|| get("registry"));
    let default = || Setting { place: None, name: "registry".to_owned(), value: PUBLIC.into() };
    found.cloned().unwrap_or_else(default)
}

/// Returns `true` for a value that JavaScript takes for yes.
fn is_set(value: &Value) -> bool {
    !matches!(value, Value::Null | Value::Bool(false)) && value != "" && value.as_f64() != Some(0.0)
}

/// Reports that the deciding setting directs the package to a registry other than the one at `url`.
fn elsewhere(url: &HttpUrl, package: &str, setting: &Setting, wording: &Wording) -> Option<Diagnosis> {
    let found = without_credentials(&text(&setting.value));
    if is_same(url, &found) {
        return None;
    }
    if found.contains(HIDDEN) {
        let problem = format!(
            "npm hides a part of its setting `{}`, which was not compared with the registry's URL",
            shown(&setting.name)
        );
        return Some(unlooked(problem).found(without_query(&found)).expected(url.to_string()));
    }
    let found = without_query(&found);
    let problem = match &setting.place {
        // The setting is named in full, since one file can have several.
        Some(place @ Target::File(_)) => sends(&format!("`{}` in {place}", shown(&setting.name)), &found),
        Some(place) => sends(&place.to_string(), &found),
        None => format!(
            "no setting tells npm of the registry that was checked, and npm's publish goes to `{}`, where no exchange was tried",
            shown(&found)
        ),
    };
    let subject = setting.place.clone().unwrap_or_else(|| Target::Url(found.clone()));
    let diagnosis = Diagnosis::new(codes::REGISTRY_ELSEWHERE, subject, problem).severity(Severity::Warning);
    let fix = correction(url, package, setting) + &wording.does_itself("; ", "sets it for its command");
    Some(diagnosis.found(found).expected(url.to_string()).fix(fix))
}

fn sends(place: &str, found: &str) -> String {
    format!(
        "{place} sends npm's publish to another registry than the one that was checked: `{}`, where no exchange was tried",
        shown(found)
    )
}

fn correction(url: &HttpUrl, package: &str, setting: &Setting) -> String {
    let is_scopes = setting.name.trim_start_matches("publishConfig.").starts_with('@');
    match (scope(package), &setting.place) {
        (Some(scope), Some(_)) if is_scopes => {
            format!("set `{scope}:registry` to `{url}` there, which `--registry` does not override")
        }
        (_, Some(_)) => format!("pass `--registry {url}` to the publish, or change or unset it"),
        (_, None) => {
            format!("pass `--registry {url}` to the publish, or write `registry={url}` into `.npmrc`")
        }
    }
}

/// A package's scope with its `@`.
fn scope(package: &str) -> Option<&str> {
    package.split_once('/').map(|(scope, _)| scope).filter(|scope| scope.starts_with('@'))
}

/// Returns `true` if a text is the URL of the same registry, with or without a slash at the end. With a query it is none:
/// npm puts the package's path behind it.
fn is_same(url: &HttpUrl, text: &str) -> bool {
    let path = |url: &HttpUrl| url.path().trim_end_matches('/').to_owned();
    !text.contains(['?', '#'])
        && HttpUrl::parse(text).is_ok_and(|found| found.same_origin(url) && path(&found) == path(url))
}

/// A text that may be a URL, without the user name and password before its host.
fn without_credentials(text: &str) -> String {
    match text.split_once("://") {
        Some((scheme, rest)) => {
            let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
            format!("{scheme}://{host}{path}")
        }
        None => text.rsplit_once('@').map_or(text, |(_, rest)| rest).to_owned(),
    }
}

/// A value as JavaScript makes a text of it.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(values) => values.iter().map(text).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

/// A URL with `…` for its query, which may hold a secret.
fn without_query(url: &str) -> String {
    let start = url.split_inclusive(['?', '#']).next().unwrap_or_default();
    if start.len() < url.len() { format!("{start}…") } else { url.to_owned() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The registry that decides, by npm's settings and by `publishConfig`.
    fn decided(settings: Value, manifest: Value, package: &str) -> String {
        let Value::Object(settings) = settings else { panic!("{settings}") };
        let Value::Object(manifest) = manifest else { panic!("{manifest}") };
        let settings = settings.into_iter().map(|(key, value)| {
            (key.clone(), Setting { place: Some(Target::File(".npmrc".to_owned())), name: key, value })
        });
        let setting = deciding(&at_publish(settings.collect(), manifest), package);
        text(&setting.value)
    }

    #[test]
    fn npm_prefers_a_scopes_registry_and_the_manifest() {
        let none = || json!({});
        for (settings, manifest, package, expected) in [
            (json!({"registry": "a"}), none(), "widget", "a"),
            (json!({"registry": "a", "@acme:registry": "b"}), none(), "widget", "a"),
            (json!({"registry": "a", "@acme:registry": "b"}), none(), "@acme/widget", "b"),
            (json!({"registry": "a", "@acme:registry": ""}), none(), "@acme/widget", "a"),
            (json!({"registry": "a", "@x:registry": "b", "scope": "x"}), none(), "widget", "b"),
            (json!({"registry": "a", "@x:registry": "b", "scope": "@x"}), none(), "@acme/widget", "b"),
            (json!({"registry": "a"}), json!({"registry": "b"}), "@acme/widget", "b"),
            (json!({"@acme:registry": "a"}), json!({"registry": "b"}), "@acme/widget", "a"),
            (json!({"registry": "a"}), json!({"@acme:registry": "b"}), "@acme/widget", "b"),
            (json!({"registry": "a"}), json!({"registry": ""}), "widget", PUBLIC),
            (json!({"registry": "a"}), json!({"registry": null}), "widget", PUBLIC),
            (json!({"registry": "a"}), json!({"registry": 0}), "widget", PUBLIC),
            (json!({"@acme:registry": "a"}), json!({"registry": ["b"]}), "@acme/widget", "b"),
            (json!({"registry": "a", "@true:registry": "b"}), json!({"scope": true}), "widget", "b"),
            (json!({"registry": "a", "@x:registry": "b"}), json!({"scope": ["x"]}), "widget", "b"),
            (json!({"registry": "a", "@x:registry": "b"}), json!({"scope": ["@x"]}), "widget", "@x"),
        ] {
            assert_eq!(
                decided(settings.clone(), manifest.clone(), package),
                expected,
                "{settings} {manifest}"
            );
        }
    }

    #[test]
    fn a_registry_is_the_same_with_or_without_a_slash_and_not_with_a_query() {
        let url = HttpUrl::parse("https://r.example/npm/").unwrap();
        for (text, expected) in [
            ("https://r.example/npm", true),
            ("HTTPS://R.example:443/a/../npm/", true),
            ("https://r.example/npm/?a=b", false),
            ("https://r.example/npm/#a", false),
            ("https://r.example/NPM/", false),
            ("https://r.example/npm/ x", false),
            ("true", false),
        ] {
            assert_eq!(is_same(&url, text), expected, "{text}");
        }
    }

    #[test]
    fn a_url_is_shown_without_what_logs_in() {
        for (url, shown) in [
            ("https://user:hunter2@r.example/npm/?token=hunter2#hunter2", "https://r.example/npm/?…"),
            ("https://r.example", "https://r.example"),
            ("https://a@b:hunter2@r.example", "https://r.example"),
            ("user:hunter2@r.example", "r.example"),
        ] {
            assert_eq!(without_query(&without_credentials(url)), shown);
        }
    }
}
