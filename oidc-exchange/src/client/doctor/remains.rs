//! What is left of publishing with long-lived secrets: by presence, and never by value.

use std::path::{Path, PathBuf};

use oidc_core::{Context, Diagnosis, Environment, HttpUrl, ProviderSet, Severity, Subject, shown};

use super::report::Report;
use crate::client::{
    Protocol, crates_io, jsr, links, npm, nuget, open_vsx, packagist, prefix_dev, pub_dev, pypi, rubygems,
    vs_marketplace,
};
use crate::npm::is_placeholder;

/// The stable name of an identity token where a publish token belongs.
pub(super) const UNEXCHANGED: &str = "identity-token-unexchanged";

/// What a JSON object begins with in base64url, and hence every JWT.
const JSON_OBJECT: &str = "eyJ";

/// A text is looked through for so many tokens.
const MAX_TOKENS: usize = 16;

/// A settings file may have so many bytes to be looked at.
const MAX_FILE: usize = 256 * 1024;

/// Where the tools of a registry's users keep long-lived secrets.
#[derive(Clone, Copy, Debug)]
pub struct OldWay {
    /// The registries' protocol, such as `npm`.
    pub ecosystem: &'static str,
    /// Variables.
    pub variables: &'static [&'static str],
    /// Variables whose names begin and end so, with the registry's address between.
    pub variables_around: Option<(&'static str, &'static str)>,
    /// Files.
    pub files: &'static [OldFile],
    /// The vendor's own registry.
    pub public: &'static str,
    /// The vendor's page on trusted publishers.
    pub link: &'static str,
    /// What to do at the registry when the last secret is gone.
    pub last_step: &'static str,
}

impl OldWay {
    /// Whether a registry is the vendor's own, its further hosts (one for tests, one for uploads) included.
    pub(super) fn is_of(&self, url: &HttpUrl) -> bool {
        let Ok(public) = HttpUrl::parse(self.public) else { return false };
        let mut labels = public.host().rsplit('.');
        let (Some(top), Some(name)) = (labels.next(), labels.next()) else { return false };
        let domain = format!("{name}.{top}");
        url.host() == domain || url.host().strip_suffix(&*domain).is_some_and(|rest| rest.ends_with('.'))
    }
}

/// A settings file that may hold a secret.
#[derive(Clone, Copy, Debug)]
pub struct OldFile {
    /// A variable that holds the file's whole path.
    pub variable: Option<&'static str>,
    /// A variable that holds the folder's path.
    pub folder_variable: Option<&'static str>,
    /// The file's name in its folder.
    pub name: &'static str,
    /// The folder below the home folder, with a slash at its end; empty for the home folder itself.
    pub below_home: &'static str,
    /// Whether one in the folder of the job counts too.
    pub in_folder: bool,
    /// A line that gives a key that ends so a value holds a secret.
    pub keys: &'static [&'static str],
    /// A file that holds this text holds a secret: for formats that are no lines of keys and values.
    pub marks: &'static [&'static str],
}

impl OldFile {
    /// A file in the home folder.
    pub const fn new(name: &'static str, keys: &'static [&'static str]) -> Self {
        Self {
            variable: None,
            folder_variable: None,
            name,
            below_home: "",
            in_folder: false,
            keys,
            marks: &[],
        }
    }

    /// A file in a folder below the home folder that holds a secret where it holds one of these texts.
    pub const fn marked(
        name: &'static str,
        below_home: &'static str,
        marks: &'static [&'static str],
    ) -> Self {
        Self { below_home, marks, ..Self::new(name, &[]) }
    }
}

/// Every registry's.
static ALL: &[&Protocol] = &[
    &npm::PROTOCOL,
    &pypi::PROTOCOL,
    &crates_io::PROTOCOL,
    &rubygems::PROTOCOL,
    &nuget::PROTOCOL,
    &prefix_dev::PROTOCOL,
    &packagist::PROTOCOL,
    &open_vsx::PROTOCOL,
    &vs_marketplace::PROTOCOL,
    &jsr::PROTOCOL,
    &pub_dev::PROTOCOL,
];

/// Looks for what is left: the registry's own first, then others', which any step of the job can read just as well.
pub(super) fn look(own: &'static Protocol, providers: &ProviderSet, cx: &Context, report: &mut Report) {
    let others = ALL.iter().copied().filter(|other| other.old_way.ecosystem != own.old_way.ecosystem);
    let others = others.map(|protocol| (protocol, Severity::Notice));
    for (protocol, severity) in std::iter::once((own, Severity::Warning)).chain(others) {
        let look =
            Look { protocol, way: protocol.old_way, providers, environment: cx.environment(), severity };
        report.add_all(look.variables());
        report.add_all(look.files(cx));
    }
}

struct Look<'a> {
    protocol: &'static Protocol,
    providers: &'a ProviderSet,
    way: &'static OldWay,
    environment: &'a Environment,
    severity: Severity,
}

impl<'a> Look<'a> {
    fn variables(&self) -> impl Iterator<Item = Diagnosis> {
        let is_one = |name: &&str| {
            let around = self.way.variables_around.is_some_and(|(start, end)| {
                name.strip_prefix(start)
                    .and_then(|rest| rest.strip_suffix(end))
                    .is_some_and(|rest| !rest.is_empty())
            });
            around || self.way.variables.contains(name)
        };
        self.environment.names().filter(is_one).filter_map(|name| {
            let subject = Subject::Variable(name.to_owned());
            let place = format!("variable `{name}`");
            let value = self.environment.get(name).unwrap_or_default();
            if is_placeholder(value) {
                return Some(placeholder(subject, &place));
            }
            match self.identity_token(value, &subject, &place) {
                Some(found) => self.protocol.exchanges.then_some(found),
                None => Some(self.secret("static-token", subject, &place)),
            }
        })
    }

    fn files(&self, cx: &Context) -> Vec<Diagnosis> {
        let mut found = Vec::new();
        for file in self.way.files {
            for path in self.paths(file) {
                // A file that isn't there or can't be read holds no secret that a tool could use.
                let Ok(bytes) = cx.files().read(&path, MAX_FILE) else { continue };
                let text = String::from_utf8_lossy(&bytes);
                let marked = file.marks.iter().any(|mark| text.contains(mark));
                found.extend(marked.then(|| self.secret_in(&path, &text)));
                found.extend(text.lines().find_map(|line| self.line(file, &path, line)));
            }
        }
        found
    }

    fn paths(&self, file: &OldFile) -> Vec<PathBuf> {
        let path_in = |name| self.environment.get(name).map(PathBuf::from);
        let named = file.variable.and_then(path_in);
        let in_named_folder = || file.folder_variable.and_then(path_in).map(|folder| folder.join(file.name));
        let home = || path_in("HOME").or_else(|| path_in("USERPROFILE"));
        let in_home = || home().map(|home| home.join(file.below_home).join(file.name));
        let of_user = named.or_else(in_named_folder).or_else(in_home);
        of_user.into_iter().chain(file.in_folder.then(|| PathBuf::from(file.name))).collect()
    }

    fn secret_in(&self, path: &Path, text: &str) -> Diagnosis {
        let subject = Subject::File(path.to_string_lossy().into_owned());
        let place = format!("file `{}`", path.display());
        let found = self.identity_token(text, &subject, &place);
        found.unwrap_or_else(|| self.secret("static-token-file", subject, &place))
    }

    /// An identity token where a publish token belongs, and nothing to revoke.
    fn identity_token(&self, text: &str, subject: &Subject, place: &str) -> Option<Diagnosis> {
        let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
        let words =
            text.split(|c: char| !is_part(c)).filter(|word| word.starts_with(JSON_OBJECT)).take(MAX_TOKENS);
        let issuer = words.filter_map(|word| self.providers.identity_issuer(word)).next()?;
        let problem = format!(
            "{place} holds an identity token of `{}`, not a publish token: it has to be exchanged first",
            shown(&issuer)
        );
        let fix = "publish with the token that the registry gives in exchange for it, which `trusted-publish exec` asks for and puts \
                   in its place";
        let diagnosis = Diagnosis::new(UNEXCHANGED, subject.clone(), problem).severity(self.severity);
        Some(diagnosis.fix(fix).link(self.way.link))
    }

    /// What a line gives away, if its key is one that holds secrets.
    fn line(&self, file: &OldFile, path: &Path, line: &str) -> Option<Diagnosis> {
        let line = line.trim();
        if line.starts_with(['#', ';']) {
            return None;
        }
        let (key, value) = line.split_once('=').or_else(|| line.rsplit_once(": "))?;
        let key = key.trim().trim_matches(['"', '\'']);
        if !file.keys.iter().any(|end| key.ends_with(end)) {
            return None;
        }
        let value = value.trim().trim_matches(['"', '\'']);
        let subject = Subject::File(path.to_string_lossy().into_owned());
        let place = format!("file `{}`", path.display());
        match value.strip_prefix("${").and_then(|rest| rest.strip_suffix('}')) {
            // What the variable holds is told with the variables.
            Some(name) if self.environment.get(name.trim_end_matches(['-', '?'])).is_some() => None,
            Some(name) => Some(unset(subject, &place, &format!("${{{name}}}"))),
            None if value.is_empty() => None,
            None if is_placeholder(value) => Some(placeholder(subject, &place)),
            None if matches!(value, "undefined" | "null") => Some(unset(subject, &place, value)),
            None => Some(
                self.identity_token(value, &subject, &place)
                    .unwrap_or_else(|| self.secret("static-token-file", subject, &place)),
            ),
        }
    }

    fn secret(&self, code: &'static str, subject: Subject, place: &str) -> Diagnosis {
        let ecosystem = self.way.ecosystem;
        let problem = format!(
            "a long-lived secret for {ecosystem} is still there, in {place}: every step of the job can read it, and a tool \
             that falls back to it hides why trusted publishing fails"
        );
        let fix = format!(
            "when a publish by identity has gone through, remove it from the job and the CI settings; then {}",
            self.way.last_step
        );
        Diagnosis::new(code, subject, problem).severity(self.severity).fix(fix).link(self.way.link)
    }
}

fn placeholder(subject: Subject, place: &str) -> Diagnosis {
    let problem = format!(
        "setup-node's placeholder is in {place}: npm publishes with it when the exchange fails, and shows `E404` instead of \
         the reason"
    );
    let fix = "remove `registry-url` from `actions/setup-node` in the workflow, or set `NODE_AUTH_TOKEN: ''` for the publish; \
               npm shows the reason with `--loglevel verbose`";
    let diagnosis = Diagnosis::new("placeholder-token", subject, problem).severity(Severity::Warning);
    diagnosis.fix(fix).link(links::SETUP_NODE)
}

fn unset(subject: Subject, place: &str, found: &str) -> Diagnosis {
    let problem =
        format!("{place} names a token that is not set, and npm sends what stands there as if it were one");
    let fix = "remove the line: trusted publishing needs none";
    let diagnosis = Diagnosis::new("token-reference-unset", subject, problem).severity(Severity::Warning);
    diagnosis.found(found).fix(fix).link(links::NPM)
}
