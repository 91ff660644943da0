use oidc_core::{
    Claims, Diagnosis, Identity, InvalidPublisher, Match, Mismatch, Publisher, Target, Unverified, Verified,
    shown,
};
use serde_json::Value;

use super::claims::split_workflow_ref;
use super::fields::{EVENT, FIELDS, OWNER_ID, REF, REF_PROTECTED, REPOSITORY, REPOSITORY_ID, WORKFLOW};
use crate::codes;
use crate::rules::config::{Config, Fault, invalid};
use crate::rules::glob::Pattern;
use crate::rules::link::is_id;
use crate::rules::token::{Token, differs};
use crate::rules::{Comparison, Field, names};

const OWNER: Field = REPOSITORY.on("repository_owner", codes::FORGEJO_REPOSITORY_OWNER);

/// An event that runs with the base repository's permissions on a fork's request: no publisher accepts it.
const PULL_REQUEST_TARGET: &str = "pull_request_target";

/// The events that publish where the publisher names none: only people with write access start them.
const DEFAULT_EVENTS: &[&str] = &["push", "release", "workflow_dispatch", "schedule"];

/// The folders that Forgejo reads workflows from.
const FOLDERS: &[&str] = &[".forgejo/workflows/", ".gitea/workflows/", ".github/workflows/"];

/// A repository's workflow that may publish.
#[derive(Debug)]
pub(super) struct Rules {
    issuer: String,
    repository: String,
    workflow: String,
    ids: [(&'static Field, Option<String>); 2],
    git_ref: Option<Pattern>,
    ref_protected: bool,
    events: Vec<String>,
    specificity: u32,
}

impl Rules {
    pub(super) fn read(issuer: &str, config: &Value) -> Result<Self, InvalidPublisher> {
        let mut config = Config::new(config, FIELDS);
        let rules = Self {
            issuer: issuer.to_owned(),
            repository: config.text(&REPOSITORY, is_repository).unwrap_or_default(),
            workflow: config.text(&WORKFLOW, is_workflow).unwrap_or_default(),
            ids: config.ids([&REPOSITORY_ID, &OWNER_ID], names::id),
            git_ref: config.parse(&REF, Pattern::parse),
            ref_protected: config.flag(&REF_PROTECTED),
            events: config.texts(&EVENT, is_event),
            specificity: config.specificity(),
        };
        config.finish(rules)
    }

    /// Compares a token of the right issuer with every rule.
    fn hold(&self, token: &Token<'_>) -> Result<Match, Mismatch> {
        let [(id, repository_id), _] = &self.ids;
        let repository = token.is_named(&REPOSITORY, &self.repository, id, repository_id.as_deref())?;
        // Tokens of the first release have no ids.
        let learned = token.pins(&self.ids, |id| match token.optional(id.claim)? {
            Some(_) => token.learn(id, is_id).map(Some),
            None => Ok(None),
        })?;
        token.agrees(&OWNER, repository.split('/').next().unwrap_or_default())?;
        self.check_workflow(token, &repository)?;
        self.check_event(token)?;
        self.check_ref(token)?;
        Ok(Match::new(self.specificity, learned))
    }

    fn check_workflow(&self, token: &Token<'_>, repository: &str) -> Result<(), Mismatch> {
        let (workflow_ref, git_ref) = (token.required(WORKFLOW.claim)?, token.required(REF.claim)?);
        match split_workflow_ref(&workflow_ref, &git_ref) {
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

    fn check_event(&self, token: &Token<'_>) -> Result<(), Mismatch> {
        let event = token.required(EVENT.claim)?;
        let is_named = self.events.iter().any(|named| *named == event);
        let is_usual = self.events.is_empty() && DEFAULT_EVENTS.contains(&&*event);
        if is_named || is_usual {
            return Ok(());
        }
        let fix = if event == PULL_REQUEST_TARGET {
            "publish by another event, such as `push`, `release` or `workflow_dispatch`".to_owned()
        } else {
            let event = shown(&event);
            format!("publish by another event, such as `push`, or name `{event}` in the publisher's `event`")
        };
        let allowed = if self.events.is_empty() { DEFAULT_EVENTS.join(", ") } else { self.events.join(", ") };
        Err(Mismatch::new(differs(&EVENT, &event, &allowed).fix(fix)))
    }

    fn check_ref(&self, token: &Token<'_>) -> Result<(), Mismatch> {
        if let Some(pattern) = &self.git_ref {
            pattern.check(token, &REF)?;
        }
        // Forgejo writes this claim as a text and not as a truth value.
        if self.ref_protected && token.required(REF_PROTECTED.claim)? != "true" {
            let found = token.required(REF_PROTECTED.claim)?;
            let fix = "protect the branch or tag, or publish from one that is";
            return Err(Mismatch::new(differs(&REF_PROTECTED, &found, "true").fix(fix)));
        }
        Ok(())
    }
}

impl Publisher for Rules {
    fn identity(&self) -> Identity {
        Identity::new(&self.issuer, Comparison::default().key(&REPOSITORY, &self.repository))
    }

    fn check(&self, claims: &Verified<Claims>) -> Result<Match, Mismatch> {
        let token = Token { claims, comparison: Comparison::default() };
        token.is_from(&self.issuer)?;
        self.hold(&token)
    }

    fn explain(&self, claims: &Unverified<Claims>) -> Option<Mismatch> {
        self.hold(&Token { claims: claims.read_unverified(), comparison: Comparison::default() }).err()
    }

    fn describe(&self) -> String {
        let mut text = format!("repository {}, workflow {}", shown(&self.repository), shown(&self.workflow));
        if let Some(pattern) = &self.git_ref {
            text.push_str(&format!(", ref {}", shown(pattern.as_str())));
        }
        text
    }
}

/// The identity that a token proves.
pub(super) fn identity(issuer: &str, token: &Token<'_>) -> Result<Identity, Mismatch> {
    let repository = token.required(REPOSITORY.claim)?;
    Ok(Identity::new(issuer, token.comparison.key(&REPOSITORY, &repository)))
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

/// Checks the name of an event.
fn is_event(key: &str, text: &str) -> Result<(), Fault> {
    if text == PULL_REQUEST_TARGET {
        let fault =
            invalid(codes::PUBLISHER_EVENT, key, "an event that strangers can start lets nobody publish");
        return Err(fault.found(text).fix("write `push`, `release` or `workflow_dispatch`"));
    }
    names::word(key, text)
}
