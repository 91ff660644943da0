use oidc_core::{Diagnosis, ImmutableId, Mismatch, PublisherField, Target, shown};

use super::fields::{CONSTRAINTS, FIELDS, OWNER_ID, REPOSITORY, REPOSITORY_ID, WORKFLOW};
use crate::codes;
use crate::rules::config::{Config, Fault, invalid};
use crate::rules::constraints::Constraints;
use crate::rules::link::is_id;
use crate::rules::token::Token;
use crate::rules::{Field, configured, names, workflow};

const OWNER: Field = REPOSITORY.on("repository_owner", codes::FORGEJO_REPOSITORY_OWNER);

/// The events that publish where the publisher names none: only people with write access start them.
const DEFAULT_EVENTS: &[&str] = &["push", "release", "workflow_dispatch", "schedule"];

/// The folders that Forgejo reads workflows from.
const FOLDERS: &[&str] = &[".forgejo/workflows/", ".gitea/workflows/", ".github/workflows/"];

/// A repository's workflow that may publish.
#[derive(Debug)]
pub(super) struct Rules {
    repository: String,
    workflow: String,
    ids: [(&'static Field, Option<String>); 2],
    constraints: Constraints,
}

impl Rules {
    fn check_workflow(&self, token: &Token<'_>, repository: &str) -> Result<(), Mismatch> {
        let (workflow_ref, git_ref) =
            (token.required(WORKFLOW.claim)?, token.required(CONSTRAINTS.git_ref.claim)?);
        match workflow::split(&workflow_ref, &git_ref) {
            Some((found, path)) if token.comparison.same(&REPOSITORY, found, repository) => {
                token.same(&WORKFLOW, path, &self.workflow)
            }
            _ => {
                let problem = "claim `workflow_ref` is not a file of the repository at the run's own ref";
                let subject = Target::Claim(WORKFLOW.claim.to_owned());
                let diagnosis = Diagnosis::new(codes::FORGEJO_WORKFLOW_REF, subject, problem);
                let expected = format!("{repository}/{}@{git_ref}", self.workflow);
                Err(Mismatch::new(diagnosis.found(&*workflow_ref).expected(expected)))
            }
        }
    }
}

impl configured::Rules for Rules {
    const FIELDS: &'static [PublisherField] = FIELDS;
    const KEY: &'static [(&'static str, &'static Field)] = &[("", &REPOSITORY)];

    fn read(config: &mut Config<'_>, _issuer: &str) -> Self {
        Self {
            repository: config.text(&REPOSITORY, is_repository).unwrap_or_default(),
            workflow: config.text(&WORKFLOW, is_workflow).unwrap_or_default(),
            ids: config.ids([&REPOSITORY_ID, &OWNER_ID], names::id),
            constraints: Constraints::read(config, &CONSTRAINTS, names::word, workflow::event),
        }
    }

    fn value(&self, _field: &Field) -> &str {
        &self.repository
    }

    fn hold(&self, token: &Token<'_>) -> Result<Vec<ImmutableId>, Mismatch> {
        let [(id, repository_id), _] = &self.ids;
        let repository = token.is_named(&REPOSITORY, &self.repository, id, repository_id.as_deref())?;
        // Tokens of the first release have no ids.
        let learned = token.pins(&self.ids, |id| match token.optional(id.claim)? {
            Some(_) => token.learn(id, is_id).map(Some),
            None => Ok(None),
        })?;
        token.agrees(&OWNER, repository.split('/').next().unwrap_or_default())?;
        self.check_workflow(token, &repository)?;
        workflow::check_event(token, &CONSTRAINTS.event, DEFAULT_EVENTS, &self.constraints)?;
        self.constraints.check(token)?;
        Ok(learned)
    }

    fn describe(&self) -> String {
        let text = format!("repository {}, workflow {}", shown(&self.repository), shown(&self.workflow));
        text + &self.constraints.describe()
    }
}

/// Checks a repository: `OWNER/NAME`.
fn is_repository(key: &str, text: &str) -> Result<(), Fault> {
    let refuse = |problem: &str, fix: &str| {
        Err(invalid(codes::PUBLISHER_REPOSITORY, key, problem).found(text).fix(fix))
    };
    names::ascii(key, text)?;
    if let Some(path) = names::pasted_path(text, names::is_host) {
        let name = path.splitn(3, '/').take(2).collect::<Vec<_>>().join("/");
        return refuse("it is an address", &format!("write `{}`", shown(&name)));
    }
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let is_name =
        |part: &str| !part.is_empty() && part.bytes().all(is_word) && part.bytes().any(|byte| byte != b'.');
    match text.split_once('/') {
        Some((owner, name)) if is_name(owner) && is_name(name) => Ok(()),
        _ => refuse("it is not an owner and a name", "write it as `owner/name`, such as `acme/widget`"),
    }
}

/// Checks the path of a workflow's file.
fn is_workflow(key: &str, text: &str) -> Result<(), Fault> {
    names::yaml(key, text)?;
    let file = FOLDERS.iter().find_map(|folder| text.strip_prefix(folder));
    if file.is_none_or(|file| file.contains(['/', '\\'])) {
        let name = text.rsplit(['/', '\\']).next().unwrap_or_default();
        let problem = "it is not the path of a file in a folder of workflows";
        let fix = format!("write the path in the repository, such as `.forgejo/workflows/{}`", shown(name));
        return Err(invalid(codes::PUBLISHER_WORKFLOW, key, problem).found(text).fix(fix));
    }
    names::one_script(key, text)
}
