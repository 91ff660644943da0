//! The registry to which npm itself publishes in this job, by its settings.

use std::path::{Path, PathBuf};

use oidc_core::{Context, Diagnosis, Environment, HttpUrl, Severity, Target, shown};
use serde_json::Value;

use super::links;
use super::wording::Wording;
use crate::codes;

/// The limit on a settings file or a manifest, in bytes.
const MAX_FILE: usize = 256 * 1024;
/// The length above which no more variables of a text are replaced, in bytes: a variable can be long, and named often.
const MAX_EXPANDED: usize = 64 * 1024;

/// The number of folders above the working directory that are searched, plus one.
const MAX_PARENTS: usize = 16;

/// UTF-8's byte order mark.
const BOM: &[u8] = b"\xef\xbb\xbf";

/// A registry that a setting names, with the place of the setting.
#[derive(Debug)]
struct Named {
    subject: Target,
    key: String,
    url: String,
}

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

/// The setting that directs the package to a registry other than the one at `url`, if there is one.
pub(super) fn elsewhere(url: &HttpUrl, package: &str, wording: &Wording, cx: &Context) -> Option<Diagnosis> {
    let settings = Settings { package, cx };
    let named = settings.of_scope().or_else(|| settings.registry())?;
    if is_same(url, &named.url) {
        return None;
    }
    let Named { subject, key, url: found } = named;
    // The setting is named in full, since one file can have several.
    let place = match &subject {
        Target::File(_) => format!("`{}` in {subject}", shown(&key)),
        _ => subject.to_string(),
    };
    let found = without_credentials(&found);
    let problem = format!(
        "{place} sends npm's publish to another registry than the one that was checked: `{}`, where no exchange was tried",
        shown(&found)
    );
    let scope = scope(package).filter(|_| key.starts_with('@'));
    let fix = match scope {
        Some(scope) => {
            format!("set `{scope}:registry` to `{url}` there, which `--registry` does not override")
        }
        None => format!("pass `--registry {url}` to the publish, or change or unset it"),
    };
    let diagnosis = Diagnosis::new(codes::REGISTRY_ELSEWHERE, subject, problem).severity(Severity::Warning);
    let fix = fix + &wording.does_itself("; ", "sets it for its command");
    Some(diagnosis.found(found).expected(url.to_string()).fix(fix))
}

struct Settings<'a> {
    package: &'a str,
    cx: &'a Context,
}

impl Settings<'_> {
    /// Returns the registry of the package's scope, which npm prefers to all others.
    fn of_scope(&self) -> Option<Named> {
        let key = format!("{}:registry", scope(self.package)?);
        self.manifest(&key).or_else(|| self.variable(&key)).or_else(|| self.file(&key))
    }

    /// Returns the registry of packages whose scope has none.
    fn registry(&self) -> Option<Named> {
        self.manifest("registry").or_else(|| self.variable("registry")).or_else(|| self.file("registry"))
    }

    /// Reads `publishConfig` in the package's manifest.
    fn manifest(&self, key: &str) -> Option<Named> {
        let path = Path::new("package.json");
        let manifest = self.read_manifest(Path::new(""))?;
        // The file in the working folder may be that of another package or of a workspace's root.
        let is_of_package = manifest.get("name").and_then(Value::as_str) == Some(self.package);
        let url = manifest.get("publishConfig")?.get(key)?.as_str().filter(|_| is_of_package)?;
        let subject = Target::File(path.to_string_lossy().into_owned());
        let key = if key.starts_with('@') { key.to_owned() } else { "publishConfig.registry".to_owned() };
        Some(Named { subject, key, url: url.to_owned() })
    }

    /// Reads a variable. npm ignores the case of its prefix, and of the whole name except for a scope.
    fn variable(&self, key: &str) -> Option<Named> {
        let environment = self.cx.environment();
        let name = format!("npm_config_{key}");
        let name = environment.names().find(|found| found.eq_ignore_ascii_case(&name))?;
        let subject = Target::Variable(name.to_owned());
        let url = expanded(environment.get(name)?, environment);
        Some(Named { subject, key: key.to_owned(), url })
    }

    /// The folder above the working directory whose manifest has workspaces: npm reads the `.npmrc` of that folder,
    /// and not those of its members.
    fn workspace(&self) -> Option<PathBuf> {
        let mut above = (1..MAX_PARENTS).map(|level| PathBuf::from("../".repeat(level)));
        above.find(|folder| self.read_manifest(folder).is_some_and(|it| it.get("workspaces").is_some()))
    }

    fn read_manifest(&self, folder: &Path) -> Option<Value> {
        let bytes = self.cx.files().read(&folder.join("package.json"), MAX_FILE).ok()?;
        // npm skips a byte order mark, which JSON does not allow.
        serde_json::from_slice(bytes.strip_prefix(BOM).unwrap_or(&bytes)).ok()
    }

    /// Reads a line of the project's `.npmrc`, or else of the user's, or else of the machine's where a
    /// variable names that file.
    fn file(&self, key: &str) -> Option<Named> {
        let of_project =
            self.workspace().into_iter().chain([PathBuf::new()]).map(|folder| folder.join(".npmrc"));
        of_project.chain(paths(self.cx.environment())).find_map(|path| {
            let bytes = self.cx.files().read(&path, MAX_FILE).ok()?;
            let url = value_in(&String::from_utf8_lossy(&bytes), key, self.cx.environment())?;
            let subject = Target::File(path.to_string_lossy().into_owned());
            Some(Named { subject, key: key.to_owned(), url })
        })
    }
}

/// The settings files outside of the project, in order of precedence.
fn paths(environment: &Environment) -> Vec<PathBuf> {
    let by_name = |name: &str| environment.names().find(|found| found.eq_ignore_ascii_case(name));
    let named = by_name("npm_config_userconfig").and_then(|name| environment.get(name)).map(PathBuf::from);
    let home = || environment.get("HOME").or_else(|| environment.get("USERPROFILE"));
    let of_user = named.or_else(|| home().map(|home| Path::new(home).join(".npmrc")));
    let of_all = by_name("npm_config_globalconfig").and_then(|name| environment.get(name)).map(PathBuf::from);
    of_user.into_iter().chain(of_all).collect()
}

/// The value that an `.npmrc` gives to a key: that of the last line with the key. A section ends npm's own settings.
fn value_in(text: &str, key: &str, environment: &Environment) -> Option<String> {
    let lines = text.split(['\r', '\n']).take_while(|line| !is_section(line));
    let of_key = lines.filter_map(setting).filter(|(name, _)| expanded(name, environment) == key);
    let (_, value) = of_key.last()?;
    Some(expanded(&value, environment)).filter(|value| !value.is_empty())
}

/// Returns `true` if a line begins a section: `[`, a name and `]`, without white space before it.
fn is_section(line: &str) -> bool {
    let name = line.strip_prefix('[').and_then(|rest| trimmed(rest).strip_suffix(']'));
    name.is_some_and(|name| !name.contains(']'))
}

/// The key and the value of a line of an `.npmrc`, before variables are replaced in both.
fn setting(line: &str) -> Option<(String, String)> {
    let line = trimmed(line);
    if line.starts_with(['#', ';']) {
        return None;
    }
    line.split_once('=').map(|(key, value)| (bare(key), bare(value)))
}

/// A key or a value without its quotes or escapes and without a comment behind it.
fn bare(text: &str) -> String {
    let text = trimmed(text);
    let within = |quote: char| text.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
    if within('"').is_some() {
        return serde_json::from_str(text).unwrap_or_else(|_| text.to_owned());
    }
    within('\'').map_or_else(|| unescaped(text), str::to_owned)
}

/// A text up to its comment. A backslash escapes `;`, `#` and itself, and stands for itself before anything else.
fn unescaped(text: &str) -> String {
    let mut out = String::new();
    let mut characters = text.chars();
    while let Some(character) = characters.next().filter(|character| !";#".contains(*character)) {
        let escaped = if character == '\\' { characters.next() } else { None };
        if escaped.is_none_or(|escaped| !";#\\".contains(escaped)) {
            out.push(character);
        }
        out.extend(escaped);
    }
    trimmed(&out).to_owned()
}

/// A text without white space around it. A byte order mark is white space, as in JavaScript.
fn trimmed(text: &str) -> &str {
    text.trim_matches(|character: char| character.is_whitespace() || character == '\u{feff}')
}

/// A value with every `${NAME}` replaced by the variable's value. npm keeps a variable that is not set as it stands, and
/// leaves `${NAME?}` out.
fn expanded(value: &str, environment: &Environment) -> String {
    let (mut out, mut rest) = (String::new(), value);
    while let Some((before, after)) = rest.split_once("${").filter(|_| out.len() < MAX_EXPANDED) {
        out.push_str(before);
        let Some((name, tail)) = after.split_once('}') else {
            out.push_str("${");
            rest = after;
            continue;
        };
        let bare = name.strip_suffix('?');
        match environment.get(bare.unwrap_or(name)) {
            Some(value) => out.push_str(value),
            None if bare.is_some() => {}
            None => out.push_str(&format!("${{{name}}}")),
        }
        rest = tail;
    }
    out + rest
}

/// A package's scope with its `@`.
fn scope(package: &str) -> Option<&str> {
    package.split_once('/').map(|(scope, _)| scope).filter(|scope| scope.starts_with('@'))
}

/// Returns `true` if a text is the URL of the same registry, with or without a slash at the end.
fn is_same(url: &HttpUrl, text: &str) -> bool {
    let path = |url: &HttpUrl| url.path().trim_end_matches('/').to_owned();
    HttpUrl::parse(text).is_ok_and(|found| found.same_origin(url) && path(&found) == path(url))
}

/// A text that may be a URL, without the user name and password before its host.
fn without_credentials(text: &str) -> String {
    match text.split_once("://") {
        Some((scheme, rest)) => {
            let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
            let path = path.split(['?', '#']).next().unwrap_or_default();
            format!("{scheme}://{host}{path}")
        }
        None => text.rsplit_once('@').map_or(text, |(_, rest)| rest).to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_sets_a_key_as_npm_reads_it() {
        let environment = Environment::from_iter([("KEY", "registry")]);
        for (line, value) in [
            ("registry=https://r.example/", Some("https://r.example/")),
            ("  registry = \"https://r.example/\" ", Some("https://r.example/")),
            ("registry=https://r.example/ ; ours", Some("https://r.example/")),
            ("registry=https://r.example/\\;x\\#y\\z#ours", Some("https://r.example/;x#y\\z")),
            ("registry='https://r.example/'", Some("https://r.example/")),
            ("${KEY}=https://r.example/", Some("https://r.example/")),
            ("@acme:registry=https://r.example/", None),
            ("#registry=https://r.example/", None),
            ("; registry=https://r.example/", None),
            ("registry=", None),
            ("registry", None),
        ] {
            assert_eq!(value_in(line, "registry", &environment).as_deref(), value, "{line}");
        }
    }

    #[test]
    fn the_last_line_before_a_section_counts() {
        for (text, value) in [
            ("registry=a\nregistry=b\n", Some("b")),
            ("registry=a\r\n@acme:registry=b\r\n", Some("a")),
            ("registry=a\n[x]\nregistry=b\n", Some("a")),
            ("[x]\nregistry=b\n", None),
            (" [x]\nregistry=b\n", Some("b")),
            ("[x\nregistry=b\n", Some("b")),
            ("\u{feff}registry=b\n", Some("b")),
            ("\u{feff}#registry=a\nregistry=b\n", Some("b")),
            ("registry=a\n\u{feff}registry=b\n", Some("b")),
            ("\u{feff}[x]\nregistry=b\n", Some("b")),
            ("x=y\rregistry=b\r", Some("b")),
        ] {
            assert_eq!(value_in(text, "registry", &Environment::default()).as_deref(), value, "{text:?}");
        }
    }

    #[test]
    fn every_variable_in_a_value_is_replaced_as_npm_does() {
        let environment = Environment::from_iter([("HOST", "r.example"), ("PATH_", "npm")]);
        for (value, expected) in [
            ("https://${HOST}/${PATH_}/", "https://r.example/npm/"),
            ("https://${MISSING}/${PATH_}/", "https://${MISSING}/npm/"),
            ("https://${HOST?}/${MISSING?}", "https://r.example/"),
            ("https://${HOST", "https://${HOST"),
            ("https://${ ${HOST}", "https://${ ${HOST}"),
            ("https://r.example/", "https://r.example/"),
        ] {
            assert_eq!(expanded(value, &environment), expected, "{value}");
        }
    }

    #[test]
    fn a_variable_that_is_named_often_is_not_replaced_without_end() {
        let environment = Environment::from_iter([("LONG", "x".repeat(1024))]);
        let replaced = expanded(&"${LONG}".repeat(MAX_FILE / 7), &environment);
        assert!(replaced.len() < MAX_FILE + MAX_EXPANDED + 1024, "{}", replaced.len());
    }

    #[test]
    fn a_variable_that_names_another_is_replaced_too() {
        let variables = [("NPM_CONFIG_REGISTRY", "https://${HOST}/"), ("HOST", "r.example")];
        let cx = Context::default().with_environment(Environment::from_iter(variables));
        let named = Settings { package: "widget", cx: &cx }.variable("registry").unwrap();
        assert_eq!(named.url, "https://r.example/");
    }

    #[test]
    fn a_url_is_shown_without_what_logs_in() {
        for (url, shown) in [
            ("https://user:hunter2@r.example/npm/?token=hunter2#hunter2", "https://r.example/npm/"),
            ("https://r.example", "https://r.example"),
            ("https://a@b:hunter2@r.example", "https://r.example"),
            ("user:hunter2@r.example", "r.example"),
        ] {
            assert_eq!(without_credentials(url), shown);
        }
    }
}
