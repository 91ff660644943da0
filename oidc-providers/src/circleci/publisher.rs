use oidc_core::{Diagnosis, Mismatch, Target, shown};

use super::claims::SSH_RERUN;
use super::fields::{CONTEXTS, FIELDS, ORGANIZATION, ORIGIN, PIPELINE, PROJECT, REF};
use super::organization_of;
use crate::codes;
use crate::rules::config::{Config, Fault, invalid};
use crate::rules::held::{Held, Scope, words};
use crate::rules::rule::Rule;
use crate::rules::table::{Key, Table};
use crate::rules::token::Token;
use crate::rules::{Field, names};

/// The rules of a project's pipeline that may publish.
pub(super) static RULES: Table = Table {
    fields: FIELDS,
    keys: &[
        Key::of_issuer(&ORGANIZATION, is_own).between("org/", ""),
        Key::new(&PROJECT, names::uuid).between("project/", ""),
    ],
    rules: &[&[
        Rule::Whole(&PIPELINE, names::uuid),
        Rule::Always(is_unattended),
        Rule::Own(&ORIGIN, Origin::read),
        Rule::Ref(&REF),
        Rule::AllOf(&CONTEXTS, names::uuid, ["context", "add the context to the job in the workflow"]),
    ]],
    of_issuer: is_of_organization,
    ..Table::EMPTY
};

/// Checks that the publisher's organization is that of the issuer.
fn is_own(key: &str, organization: &str, issuer: &str) -> Result<(), Fault> {
    names::uuid(key, organization)?;
    match organization_of(issuer) {
        Ok(Some(own)) if own != organization => {
            let fault =
                invalid(codes::PUBLISHER_ORGANIZATION, key, "it is another organization than the issuer's");
            Err(fault.found(organization).fix(format!("write `{own}`")))
        }
        _ => Ok(()),
    }
}

/// Checks that a token of an organization's issuer names that organization.
fn is_of_organization(token: &Token<'_>, issuer: &str) -> Result<(), Mismatch> {
    match organization_of(issuer) {
        Ok(Some(organization)) => token.agrees(&ORGANIZATION, organization),
        _ => Ok(()),
    }
}

fn is_unattended(token: &Token<'_>) -> Result<(), Mismatch> {
    token.flag(SSH_RERUN, codes::CIRCLECI_SSH_RERUN, false).map_err(|mismatch| {
        let fix = "run the job again without SSH: with it, whoever is logged in can take the job's token";
        Mismatch::new(mismatch.diagnosis().clone().fix(fix))
    })
}

/// The rule on the VCS origin. A custom webhook's pipeline has none, and a fork's pipeline has that of the fork. So a
/// publisher without an origin accepts only tokens without one, and no fork's.
#[derive(Debug)]
struct Origin(Option<String>);

impl Origin {
    fn read(field: &'static Field, config: &mut Config<'_>, _scope: &Scope<'_>) -> Option<Box<dyn Held>> {
        Some(Box::new(Self(config.text(field, is_origin))))
    }
}

impl Held for Origin {
    fn check(&self, token: &Token<'_>) -> Result<(), Mismatch> {
        let (problem, fix) = match (&self.0, token.optional(ORIGIN.claim)?) {
            (Some(expected), Some(_)) => return token.is(&ORIGIN, expected),
            (None, None) => return Ok(()),
            (Some(_), None) => (
                "the publisher asks for a VCS origin, and the pipeline has none: a custom webhook started it",
                "publish from a push's pipeline, or configure a publisher without `vcs_origin` for custom webhooks",
            ),
            (None, Some(_)) => (
                "the publisher names no VCS origin, and the pipeline has one",
                "add `vcs_origin` to the publisher's configuration, so that forks can't publish",
            ),
        };
        let subject = Target::Claim(ORIGIN.claim.to_owned());
        Err(Mismatch::new(Diagnosis::new(codes::CIRCLECI_NO_VCS_ORIGIN, subject, problem).fix(fix)))
    }

    fn describe(&self) -> Option<String> {
        Some(words(&ORIGIN, self.0.as_deref().unwrap_or("none")))
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
