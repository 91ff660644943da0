use oidc_core::{Diagnosis, ImmutableId, Mismatch, PublisherField, Target, shown};

use super::claims::SSH_RERUN;
use super::fields::{CONTEXTS, FIELDS, ORGANIZATION, ORIGIN, PIPELINE, PROJECT, REF};
use super::organization_of;
use crate::codes;
use crate::rules::config::{Config, Fault, invalid};
use crate::rules::exact::{Asked, Exact};
use crate::rules::glob::Pattern;
use crate::rules::token::{Token, differs};
use crate::rules::{Field, configured, names};

/// The ids that a publisher names.
static ASKED: &[Asked] = &[(&ORGANIZATION, names::uuid), (&PROJECT, names::uuid), (&PIPELINE, names::uuid)];

/// A project's pipeline that may publish.
#[derive(Debug)]
pub(super) struct Rules {
    /// The organization in the issuer's path.
    of_issuer: Option<String>,
    ids: Exact,
    origin: Option<String>,
    git_ref: Option<Pattern>,
    contexts: Vec<String>,
}

impl Rules {
    /// Checks the VCS origin. A custom webhook's pipeline has none, and a fork's pipeline has that of the
    /// fork. So a publisher without an origin accepts only tokens without one, and no fork's.
    fn check_origin(&self, token: &Token<'_>) -> Result<(), Mismatch> {
        let fix = match (&self.origin, token.optional(ORIGIN.claim)?) {
            (Some(expected), Some(_)) => return token.is(&ORIGIN, expected),
            (None, None) => return Ok(()),
            (Some(_), None) => {
                "publish from a push's pipeline, or configure a publisher without `vcs_origin` for custom webhooks"
            }
            (None, Some(_)) => {
                "add `vcs_origin` to the publisher's configuration, so that forks can't publish"
            }
        };
        let problem = match self.origin {
            Some(_) => {
                "the publisher asks for a VCS origin, and the pipeline has none: a custom webhook started it"
            }
            None => "the publisher names no VCS origin, and the pipeline has one",
        };
        let subject = Target::Claim(ORIGIN.claim.to_owned());
        Err(Mismatch::new(Diagnosis::new(codes::CIRCLECI_NO_VCS_ORIGIN, subject, problem).fix(fix)))
    }

    fn check_ref(&self, token: &Token<'_>) -> Result<(), Mismatch> {
        self.git_ref.as_ref().map_or(Ok(()), |pattern| pattern.check(token, &REF))
    }

    fn check_contexts(&self, token: &Token<'_>) -> Result<(), Mismatch> {
        let raw = token.claims.get(CONTEXTS.claim).map_or("[]", |value| value.raw());
        // A claim that is not an array of texts lacks every context that the publisher names.
        let found: Vec<String> = serde_json::from_str(raw).unwrap_or_default();
        match self.contexts.iter().find(|context| !found.contains(context)) {
            None => Ok(()),
            Some(missing) => {
                let fix = "add the context to the job in the workflow";
                Err(Mismatch::new(differs(&CONTEXTS, &found.join(", "), missing).fix(fix)))
            }
        }
    }
}

impl configured::Rules for Rules {
    const FIELDS: &'static [PublisherField] = FIELDS;
    const KEY: &'static [(&'static str, &'static Field)] = &[("org", &ORGANIZATION), ("project", &PROJECT)];

    fn read(config: &mut Config<'_>, issuer: &str) -> Self {
        let ids = Exact::read(config, ASKED);
        let of_issuer = organization_of(issuer).ok().flatten();
        config.note(is_own(of_issuer, ids.value(&ORGANIZATION)));
        Self {
            of_issuer: of_issuer.map(str::to_owned),
            ids,
            origin: config.text(&ORIGIN, is_origin),
            git_ref: config.parse(&REF, Pattern::parse),
            contexts: config.texts(&CONTEXTS, names::uuid),
        }
    }

    fn value(&self, field: &Field) -> &str {
        self.ids.value(field)
    }

    fn hold(&self, token: &Token<'_>) -> Result<Vec<ImmutableId>, Mismatch> {
        is_of_organization(token, self.of_issuer.as_deref())?;
        self.ids.check_names(token)?;
        self.ids.check_others(token)?;
        is_unattended(token)?;
        self.check_origin(token)?;
        self.check_ref(token)?;
        self.check_contexts(token)?;
        Ok(Vec::new())
    }

    fn describe(&self) -> String {
        let mut text = self.ids.describe();
        let mut add = |name: &str, value: &str| text.push_str(&format!(", {name} {}", shown(value)));
        add("VCS origin", self.origin.as_deref().unwrap_or("none"));
        if let Some(pattern) = &self.git_ref {
            add("ref", pattern.as_str());
        }
        if !self.contexts.is_empty() {
            add("context", &self.contexts.join(" and "));
        }
        text
    }

    fn identifies(token: &Token<'_>, issuer: &str) -> Result<(), Mismatch> {
        is_of_organization(token, organization_of(issuer).ok().flatten())
    }
}

/// Checks that a token of an organization's issuer names that organization.
pub(super) fn is_of_organization(token: &Token<'_>, of_issuer: Option<&str>) -> Result<(), Mismatch> {
    match of_issuer {
        Some(organization) => token.agrees(&ORGANIZATION, organization),
        None => Ok(()),
    }
}

fn is_unattended(token: &Token<'_>) -> Result<(), Mismatch> {
    token.flag(SSH_RERUN, codes::CIRCLECI_SSH_RERUN, false).map_err(|mismatch| {
        let fix = "run the job again without SSH: with it, whoever is logged in can take the job's token";
        Mismatch::new(mismatch.diagnosis().clone().fix(fix))
    })
}

/// Checks that the publisher's organization is that of the issuer. An organization that is missing or invalid
/// was reported before.
fn is_own(of_issuer: Option<&str>, organization: &str) -> Result<(), Fault> {
    match of_issuer {
        Some(own) if own != organization && !organization.is_empty() => {
            let problem = "it is another organisation than the issuer's";
            let fault = invalid(codes::PUBLISHER_ORGANIZATION, ORGANIZATION.key, problem);
            Err(fault.found(organization).fix(format!("write `{own}`")))
        }
        _ => Ok(()),
    }
}

/// Checks that a text is a repository as CircleCI writes it: host, owner and name, without a scheme.
fn is_origin(key: &str, text: &str) -> Result<(), Fault> {
    names::ascii(key, text)?;
    let is_part =
        |part: &str| !part.is_empty() && !part.contains(|c: char| c.is_whitespace() || ":@?#\\".contains(c));
    if text.split('/').count() >= 3 && text.split('/').all(is_part) && !text.ends_with(".git") {
        return Ok(());
    }
    let path = text.split_once("://").map_or(text, |(_, rest)| rest).trim_end_matches('/');
    let fix = match path.strip_suffix(".git").unwrap_or(path) {
        path if path != text && path.split('/').count() >= 3 => format!("write `{}`", shown(path)),
        _ => "write host, owner and name, such as `github.com/acme/widget`".to_owned(),
    };
    let problem = "it is not a repository as CircleCI writes it";
    Err(invalid(codes::PUBLISHER_VCS_ORIGIN, key, problem).found(text).fix(fix))
}
