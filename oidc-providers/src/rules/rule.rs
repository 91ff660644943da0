//! The rules that a platform's table can have.

use std::borrow::Cow;

use oidc_core::{Diagnosis, Mismatch, Target, shown};

use super::called::{CalledWorkflow, ComparedFile, StartedFiles, Workflows};
use super::config::{Check, Config};
use super::glob::{Name, Pattern};
use super::held::{Held, Scope, words};
use super::several::Below;
use super::token::{Token, differs};
use super::workflow::{check_event, check_ref};
use super::{Field, names};
use crate::codes;

/// A rule of a platform's table, other than its names and ids.
#[derive(Debug)]
pub(crate) enum Rule {
    /// The claim is the configured text as a whole.
    Whole(&'static Field, Check),
    /// The claim is the configured one of the field's choices.
    Choice(&'static Field),
    /// The claim is the full name of a branch or tag, and fits the configured pattern.
    Ref(&'static Field),
    /// The claim is the name of a branch or tag without its prefix, and fits the configured pattern.
    ShortRef(&'static Field),
    /// The claim is the text `true`, where the field is.
    Protected(&'static Field),
    /// The claim is the configured environment.
    Environment(&'static Field, Check),
    /// The claim is one of the configured events. Where there are usual events, one of those or a configured one.
    Events(&'static Field, Option<&'static UsualEvents>, Check),
    /// The claim is an array with all of the configured texts. The words are the name of one and the fix where it is missing.
    AllOf(&'static Field, Check, [&'static str; 2]),
    /// A part of the claim, which the platform finds, is the configured text as a whole.
    Part(&'static Field, Check, Part),
    /// The workflow that a registry compares is the configured file.
    Workflow(&'static Workflows),
    /// The workflow that was started is a file that fits the field's pattern. Without a pattern, every file does.
    StartedFiles(&'static Field, &'static Workflows),
    /// The workflow that holds the job is the configured one.
    CalledWorkflow(&'static Workflows),
    /// The repository is one of the owner, who is the first field, and fits the second's pattern. Without a pattern, every
    /// repository does.
    Below(&'static Field, &'static Field),
    /// The claim is a part of another claim of the same token, such as a repository's owner.
    Agrees(&'static Field, &'static Field, fn(&str) -> &str),
    /// The claim is the same as that of the other field, in a token that has it. The text is the fix of one that has another.
    Repeats(&'static Field, &'static Field, &'static str),
    /// A requirement on every token, whatever the publisher names.
    Always(fn(&Token<'_>) -> Result<(), Mismatch>),
    /// A requirement on a token where the publisher leaves the field out.
    Without(&'static Field, fn(&Token<'_>) -> Result<(), Mismatch>),
    /// A rule of the platform's own.
    Own(&'static Field, Read),
}

/// The events that only people with write access start, and the field of the run's ref. A run on a pull request's ref is
/// none of theirs, unless the publisher has a pattern for refs, which decides then, or names an event of pull requests.
#[derive(Debug)]
pub(crate) struct UsualEvents {
    pub(crate) events: &'static [&'static str],
    pub(crate) git_ref: &'static Field,
}

/// Finds the part of a field's claim that is compared with the configured text. That text, the last argument, is for messages
/// alone.
pub(crate) type Part = for<'t> fn(&'static Field, &Token<'t>, &str) -> Result<Cow<'t, str>, Mismatch>;

/// Reads a rule of a platform's own; `None` where the publisher does not have it, or a fault was noted.
pub(crate) type Read = fn(&'static Field, &mut Config<'_>, &Scope<'_>) -> Option<Box<dyn Held>>;

impl Rule {
    /// Reads the rule's value; `None` where the publisher does not have the rule, or a fault was noted.
    pub(crate) fn read(&self, config: &mut Config<'_>, scope: &Scope<'_>) -> Option<Box<dyn Held>> {
        match *self {
            Self::Whole(field, check) => held(Whole(field, config.text(field, check)?)),
            Self::Choice(field) => {
                let check = |key: &str, text: &str| names::one_of(key, text, field.of.choices);
                held(Whole(field, config.text(field, check)?))
            }
            Self::Ref(field) => held((field, config.parse(field, Pattern::parse)?)),
            Self::ShortRef(field) => held((field, config.parse(field, Name::parse)?)),
            Self::Protected(field) if config.flag(field) => held(Protected(field)),
            Self::Environment(field, check) => held(Environment(field, config.text(field, check)?)),
            Self::Events(field, usual, check) => {
                let has_ref = usual.is_some_and(|usual| config.value(usual.git_ref.key).is_some());
                held(Events { field, usual, has_ref, named: config.texts(field, check) })
            }
            Self::AllOf(field, check, words) => {
                let texts = config.texts(field, check);
                if texts.is_empty() { None } else { held(AllOf { field, texts, words }) }
            }
            Self::Part(field, check, part) => held(PartIs { field, text: config.text(field, check)?, part }),
            Self::Workflow(workflows) => held(ComparedFile::read(workflows, config)?),
            Self::StartedFiles(field, workflows) => {
                held(StartedFiles::read(field, workflows, config, scope.comparison))
            }
            Self::CalledWorkflow(workflows) => held(CalledWorkflow::read(workflows, config)?),
            Self::Below(owner, repositories) => held(Below::read(owner, repositories, config, scope)),
            Self::Agrees(field, whole, part) => held(Agrees { field, whole, part }),
            Self::Repeats(field, of, fix) => held(Repeats { field, of, fix }),
            Self::Always(check) => held(Always(check)),
            Self::Without(field, check) if config.value(field.key).is_none() => held(Always(check)),
            Self::Own(field, read) => read(field, config, scope),
            Self::Protected(_) | Self::Without(..) => None,
        }
    }

    /// Returns the part of a claim with which the rule compares the configured text of the field with this key, and the field
    /// with that claim. There is no part in a token that the rule refuses.
    pub(crate) fn part<'t>(
        &self,
        key: &str,
        token: &Token<'t>,
    ) -> Option<(&'static Field, Option<Cow<'t, str>>)> {
        match *self {
            Self::Part(field, _, part) if field.key == key => Some((field, part(field, token, "").ok())),
            Self::Workflow(workflows) if workflows.started.key == key => {
                Some((workflows.compared(token.comparison.workflow), workflows.file(token, "").ok()))
            }
            _ => None,
        }
    }

    /// Returns `true` if the rule is on the run's circumstances, which a description names last.
    pub(crate) fn is_circumstance(&self) -> bool {
        matches!(self, Self::Events(..) | Self::Choice(_))
    }
}

fn held(rule: impl Held + 'static) -> Option<Box<dyn Held>> {
    Some(Box::new(rule))
}

#[derive(Debug)]
struct Whole(&'static Field, String);

impl Held for Whole {
    fn check(&self, token: &Token<'_>) -> Result<(), Mismatch> {
        token.is(self.0, &self.1)
    }

    fn describe(&self) -> Option<String> {
        Some(words(self.0, &self.1))
    }
}

#[derive(Debug)]
struct Protected(&'static Field);

impl Held for Protected {
    fn check(&self, token: &Token<'_>) -> Result<(), Mismatch> {
        let found = token.required(self.0.claim)?;
        // GitHub, GitLab and Forgejo write this claim as a text and not as a truth value.
        if found == "true" {
            return Ok(());
        }
        let fix = "protect the branch or tag, or publish from one that is";
        Err(Mismatch::new(differs(self.0, &found, "true").fix(fix)))
    }

    fn describe(&self) -> Option<String> {
        Some("ref protected".to_owned())
    }
}

#[derive(Debug)]
struct Environment(&'static Field, String);

impl Held for Environment {
    fn check(&self, token: &Token<'_>) -> Result<(), Mismatch> {
        let Self(field, expected) = self;
        if let Some(found) = token.optional(field.claim)? {
            return token.same(field, &found, expected);
        }
        let target = Target::Claim(field.claim.to_owned());
        let problem = "the publisher asks for an environment, and the job has none";
        let diagnosis = Diagnosis::new(codes::ENVIRONMENT_MISSING, target, problem).expected(expected);
        Err(Mismatch::new(diagnosis.fix(format!("add `environment: {}` to the job", shown(expected)))))
    }

    fn describe(&self) -> Option<String> {
        Some(words(self.0, &self.1))
    }
}

#[derive(Debug)]
struct Events {
    field: &'static Field,
    usual: Option<&'static UsualEvents>,
    /// `true` if the publisher has a pattern for refs.
    has_ref: bool,
    named: Vec<String>,
}

impl Held for Events {
    fn check(&self, token: &Token<'_>) -> Result<(), Mismatch> {
        let is_named = |event: &str| self.named.iter().any(|named| named == event);
        // Public registries have their own rules on events, and no such field in a publisher.
        if let Some(usual) = self.usual.filter(|_| !token.comparison.workflow.is_of_other_registry()) {
            if !self.has_ref && !self.named.iter().any(|named| named.starts_with("pull_request")) {
                check_ref(token, self.field, usual.git_ref)?;
            }
            check_event(token, self.field, |event| usual.events.contains(&event) || is_named(event))?;
        }
        if self.named.is_empty() {
            return Ok(());
        }
        let found = token.required(self.field.claim)?;
        if is_named(&found) {
            return Ok(());
        }
        let key = self.field.key;
        let fix = format!("run the publish by one of these events, or add `{}` to `{key}`", shown(&found));
        Err(Mismatch::new(differs(self.field, &found, &self.named.join(", ")).fix(fix)))
    }

    fn describe(&self) -> Option<String> {
        (!self.named.is_empty()).then(|| words(self.field, &self.named.join(" or ")))
    }
}

#[derive(Debug)]
struct AllOf {
    field: &'static Field,
    texts: Vec<String>,
    words: [&'static str; 2],
}

impl Held for AllOf {
    fn check(&self, token: &Token<'_>) -> Result<(), Mismatch> {
        let raw = token.claims.get(self.field.claim).map_or("[]", |value| value.raw());
        // A claim that is not an array of texts lacks every text that the publisher names.
        let found: Vec<String> = serde_json::from_str(raw).unwrap_or_default();
        match self.texts.iter().find(|text| !found.contains(text)) {
            None => Ok(()),
            Some(missing) => {
                let [_, fix] = self.words;
                Err(Mismatch::new(differs(self.field, &found.join(", "), missing).fix(fix)))
            }
        }
    }

    fn describe(&self) -> Option<String> {
        let [name, _] = self.words;
        Some(format!("{name} {}", shown(&self.texts.join(" and "))))
    }
}

#[derive(Debug)]
struct PartIs {
    field: &'static Field,
    text: String,
    part: Part,
}

impl Held for PartIs {
    fn check(&self, token: &Token<'_>) -> Result<(), Mismatch> {
        token.same(self.field, &(self.part)(self.field, token, &self.text)?, &self.text)
    }

    fn describe(&self) -> Option<String> {
        Some(words(self.field, &self.text))
    }
}

#[derive(Debug)]
struct Agrees {
    field: &'static Field,
    whole: &'static Field,
    part: fn(&str) -> &str,
}

impl Held for Agrees {
    fn check(&self, token: &Token<'_>) -> Result<(), Mismatch> {
        token.agrees(self.field, (self.part)(&token.required(self.whole.claim)?))
    }
}

#[derive(Debug)]
struct Repeats {
    field: &'static Field,
    of: &'static Field,
    fix: &'static str,
}

impl Held for Repeats {
    fn check(&self, token: &Token<'_>) -> Result<(), Mismatch> {
        if token.claims.get(self.field.claim).is_none() {
            return Ok(());
        }
        let (expected, found) = (token.required(self.of.claim)?, token.required(self.field.claim)?);
        if token.comparison.same(self.field, &found, &expected) {
            return Ok(());
        }
        Err(Mismatch::new(differs(self.field, &found, &expected).fix(self.fix)))
    }
}

#[derive(Debug)]
struct Always(fn(&Token<'_>) -> Result<(), Mismatch>);

impl Held for Always {
    fn check(&self, token: &Token<'_>) -> Result<(), Mismatch> {
        (self.0)(token)
    }
}
