//! Remaining long-lived secrets: their presence, and never their values.

use std::path::{Path, PathBuf};

use oidc_core::{Context, Diagnosis, Environment, ProviderSet, Severity, Target, shown};

use crate::client::diagnose::{Diagnose, ProtocolFacts};
use crate::client::protocol::Protocol;
use crate::client::static_credentials::CredentialFile;
use crate::client::wording::Wording;
use crate::client::{
    cloudsmith, crates_io, docker_hub, hex, jfrog, jsr, links, mcp_registry, npm, npm_facts, nuget, open_vsx,
    packagist, prefix_dev, pub_dev, pypi, pyx, rubygems, vs_marketplace,
};
use crate::codes;
use crate::npm::is_placeholder;

/// The code of an identity token in place of a publish token.
pub(super) const UNEXCHANGED: &str = codes::IDENTITY_TOKEN_UNEXCHANGED;

/// The limit on a settings file, in bytes.
const MAX_FILE: usize = 256 * 1024;

/// The protocols and facts of all registries.
static ALL: &[(&Protocol, &ProtocolFacts)] = &[
    (&npm::PROTOCOL, &npm_facts::FACTS),
    (&pypi::PROTOCOL, &pypi::FACTS),
    (&crates_io::PROTOCOL, &crates_io::FACTS),
    (&rubygems::PROTOCOL, &rubygems::FACTS),
    (&nuget::PROTOCOL, &nuget::FACTS),
    (&prefix_dev::PROTOCOL, &prefix_dev::FACTS),
    (&packagist::PROTOCOL, &packagist::FACTS),
    (&open_vsx::PROTOCOL, &open_vsx::FACTS),
    (&vs_marketplace::PROTOCOL, &vs_marketplace::FACTS),
    (&jsr::PROTOCOL, &jsr::FACTS),
    (&pub_dev::PROTOCOL, &pub_dev::FACTS),
    (&docker_hub::PROTOCOL, &docker_hub::FACTS),
    (&jfrog::PROTOCOL, &jfrog::FACTS),
    (&hex::PROTOCOL, &hex::FACTS),
    (&cloudsmith::PROTOCOL, &cloudsmith::FACTS),
    (&mcp_registry::PROTOCOL, &mcp_registry::FACTS),
    (&pyx::PROTOCOL, &pyx::FACTS),
];

/// Looks for remaining secrets: the registry's own first, then those of other registries, which any step of
/// the job can read as well.
pub(super) fn look(
    registry: &dyn Diagnose,
    providers: &ProviderSet,
    wording: &Wording,
    cx: &Context,
) -> Vec<Diagnosis> {
    let own = (registry.protocol(), registry.facts());
    let ecosystem = |facts: &ProtocolFacts| facts.static_credentials.ecosystem;
    let others = ALL.iter().copied().filter(|(_, facts)| ecosystem(facts) != ecosystem(own.1));
    let others = others.map(|other| (other, Severity::Notice));
    let mut found = Vec::new();
    for ((protocol, facts), severity) in std::iter::once((own, Severity::Warning)).chain(others) {
        let look = Look { protocol, facts, providers, wording, environment: cx.environment(), severity };
        found.extend(look.variables());
        found.extend(look.files(cx));
    }
    found
}

struct Look<'a> {
    protocol: &'static Protocol,
    facts: &'static ProtocolFacts,
    providers: &'a ProviderSet,
    wording: &'a Wording,
    environment: &'a Environment,
    severity: Severity,
}

impl<'a> Look<'a> {
    fn variables(&self) -> impl Iterator<Item = Diagnosis> {
        let is_one = |name: &&str| {
            let around = self.facts.static_credentials.variables_around.is_some_and(|(start, end)| {
                name.strip_prefix(start)
                    .and_then(|rest| rest.strip_suffix(end))
                    .is_some_and(|rest| !rest.is_empty())
            });
            around || self.facts.static_credentials.variables.contains(name)
        };
        self.environment.names().filter(is_one).filter_map(|name| {
            let subject = Target::Variable(name.to_owned());
            let place = format!("variable `{name}`");
            let value = self.environment.get(name).unwrap_or_default();
            if is_placeholder(value) {
                return Some(placeholder(subject, &place));
            }
            match self.identity_token(value, &subject, &place) {
                Some(found) => self.protocol.exchanges.then_some(found),
                None => Some(self.secret(codes::STATIC_TOKEN, subject, &place)),
            }
        })
    }

    fn files(&self, cx: &Context) -> Vec<Diagnosis> {
        let mut found = Vec::new();
        for file in self.facts.static_credentials.files {
            for path in self.paths(file) {
                // A file that does not exist or can't be read holds no secret that a tool could use.
                let Ok(bytes) = cx.files().read(&path, MAX_FILE) else { continue };
                let text = String::from_utf8_lossy(&bytes);
                let marked = file.marks.iter().any(|mark| text.contains(mark));
                found.extend(marked.then(|| self.secret_in(&path, &text)));
                found.extend(text.lines().find_map(|line| self.line(file, &path, line)));
            }
        }
        found
    }

    fn paths(&self, file: &CredentialFile) -> Vec<PathBuf> {
        let path_in = |name| self.environment.get(name).map(PathBuf::from);
        let named = file.variable.and_then(path_in);
        let in_named_folder = || file.folder_variable.and_then(path_in).map(|folder| folder.join(file.name));
        let home = || path_in("HOME").or_else(|| path_in("USERPROFILE"));
        let in_home = || home().map(|home| home.join(file.below_home).join(file.name));
        let of_user = named.or_else(in_named_folder).or_else(in_home);
        of_user.into_iter().chain(file.in_folder.then(|| PathBuf::from(file.name))).collect()
    }

    fn secret_in(&self, path: &Path, text: &str) -> Diagnosis {
        let subject = Target::File(path.to_string_lossy().into_owned());
        let place = format!("file `{}`", path.display());
        let found = self.identity_token(text, &subject, &place);
        found.unwrap_or_else(|| self.secret(codes::STATIC_TOKEN_FILE, subject, &place))
    }

    /// Reports an identity token in place of a publish token. There is nothing to revoke.
    fn identity_token(&self, text: &str, subject: &Target, place: &str) -> Option<Diagnosis> {
        let issuer = self.providers.identity_issuer(text)?;
        let problem = format!(
            "{place} holds an identity token of `{}`, not a publish token: it has to be exchanged first",
            shown(&issuer)
        );
        let itself = self.wording.does_itself(": ", "asks for it and puts it in place");
        let fix = format!("publish with the token that the registry gives in exchange for it{itself}");
        let diagnosis = Diagnosis::new(UNEXCHANGED, subject.clone(), problem).severity(self.severity);
        Some(diagnosis.fix(fix).link(self.facts.link))
    }

    /// Reports a secret in a line, if its key is one that holds secrets.
    fn line(&self, file: &CredentialFile, path: &Path, line: &str) -> Option<Diagnosis> {
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
        let subject = Target::File(path.to_string_lossy().into_owned());
        let place = format!("file `{}`", path.display());
        match value.strip_prefix("${").and_then(|rest| rest.strip_suffix('}')) {
            // The variable itself is reported with the variables.
            Some(name) if self.environment.get(name.trim_end_matches(['-', '?'])).is_some() => None,
            Some(name) => Some(unset(subject, &place, &format!("${{{name}}}"))),
            None if value.is_empty() => None,
            None if is_placeholder(value) => Some(placeholder(subject, &place)),
            None if matches!(value, "undefined" | "null") => Some(unset(subject, &place, value)),
            None => Some(
                self.identity_token(value, &subject, &place)
                    .unwrap_or_else(|| self.secret(codes::STATIC_TOKEN_FILE, subject, &place)),
            ),
        }
    }

    fn secret(&self, code: &'static str, subject: Target, place: &str) -> Diagnosis {
        let ecosystem = self.facts.static_credentials.ecosystem;
        let problem = format!(
            "a long-lived secret for {ecosystem} is still there, in {place}: every step of the job can read it, and a tool \
             that falls back to it hides why trusted publishing fails"
        );
        let fix = format!(
            "when a publish by identity has gone through, remove it from the job and the CI settings; then {}",
            self.facts.static_credentials.revocation
        );
        Diagnosis::new(code, subject, problem).severity(self.severity).fix(fix).link(self.facts.link)
    }
}

fn placeholder(subject: Target, place: &str) -> Diagnosis {
    let problem = format!(
        "setup-node's placeholder is in {place}: npm publishes with it when the exchange fails, and shows `E404` instead of \
         the reason"
    );
    let fix = "remove `registry-url` from `actions/setup-node` in the workflow, or set `NODE_AUTH_TOKEN: ''` for the publish; \
               npm shows the reason with `--loglevel verbose`";
    let diagnosis = Diagnosis::new(codes::PLACEHOLDER_TOKEN, subject, problem).severity(Severity::Warning);
    diagnosis.fix(fix).link(links::SETUP_NODE)
}

fn unset(subject: Target, place: &str, found: &str) -> Diagnosis {
    let problem =
        format!("{place} names a token that is not set, and npm sends what stands there as if it were one");
    let fix = "remove the line: trusted publishing needs none";
    let diagnosis =
        Diagnosis::new(codes::TOKEN_REFERENCE_UNSET, subject, problem).severity(Severity::Warning);
    diagnosis.found(found).fix(fix).link(links::NPM)
}
