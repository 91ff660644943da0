//! The rules that a publisher of any platform may add: environment, ref, protected ref, event, runner.

use oidc_core::{Diagnosis, Mismatch, Target, shown};

use super::Field;
use super::config::{Config, Fault};
use super::glob::Pattern;
use super::names;
use super::token::{Token, differs};
use crate::codes;

/// The weight of an environment in a publisher's specificity: more than all other optional rules together.
pub(crate) const ENVIRONMENT_WEIGHT: u32 = 100;

/// The platform's fields for the constraints, with their claims; `None` where its tokens have no such claim.
#[derive(Debug)]
pub(crate) struct Fields {
    pub(crate) environment: Option<Field>,
    pub(crate) git_ref: Field,
    pub(crate) ref_protected: Field,
    pub(crate) event: Field,
    pub(crate) runner_environment: Option<Field>,
}

/// The optional rules of a publisher.
#[derive(Debug)]
pub(crate) struct Constraints {
    fields: &'static Fields,
    environment: Option<String>,
    git_ref: Option<Pattern>,
    ref_protected: bool,
    events: Vec<String>,
    runner_environment: Option<String>,
}

impl Constraints {
    /// Reads the constraints of a configuration. The platform's `environment` and `event` check the names.
    pub(crate) fn read(
        config: &mut Config<'_>,
        fields: &'static Fields,
        environment: fn(&str, &str) -> Result<(), Fault>,
        event: fn(&str, &str) -> Result<(), Fault>,
    ) -> Self {
        Self {
            fields,
            environment: fields.environment.as_ref().and_then(|field| config.text(field, environment)),
            git_ref: config.parse(&fields.git_ref, Pattern::parse),
            ref_protected: config.flag(&fields.ref_protected),
            events: config.texts(&fields.event, event),
            runner_environment: fields.runner_environment.as_ref().and_then(|field| {
                config.text(field, |key, runner| names::one_of(key, runner, field.of.choices))
            }),
        }
    }

    /// Returns `true` if the publisher lists this event by name.
    pub(crate) fn names_event(&self, event: &str) -> bool {
        self.events.iter().any(|named| named == event)
    }

    /// Returns `true` if the publisher lists the event of pull requests, or a pattern for refs, which decides then.
    pub(crate) fn names_pull_requests(&self) -> bool {
        self.git_ref.is_some() || self.events.iter().any(|named| named.starts_with("pull_request"))
    }

    /// Compares a token with all constraints.
    pub(crate) fn check(&self, token: &Token<'_>) -> Result<(), Mismatch> {
        self.check_event(token)?;
        self.check_environment(token)?;
        self.check_ref(token)?;
        if let (Some(field), Some(runner)) = (&self.fields.runner_environment, &self.runner_environment) {
            token.is(field, runner)?;
        }
        Ok(())
    }

    fn check_event(&self, token: &Token<'_>) -> Result<(), Mismatch> {
        if self.events.is_empty() {
            return Ok(());
        }
        let field = &self.fields.event;
        let found = token.required(field.claim)?;
        if self.names_event(&found) {
            return Ok(());
        }
        let fix =
            format!("run the publish by one of these events, or add `{}` to `{}`", shown(&found), field.key);
        Err(Mismatch::new(differs(field, &found, &self.events.join(", ")).fix(fix)))
    }

    fn check_environment(&self, token: &Token<'_>) -> Result<(), Mismatch> {
        let (Some(field), Some(expected)) = (&self.fields.environment, &self.environment) else {
            return Ok(());
        };
        if let Some(found) = token.optional(field.claim)? {
            return token.same(field, &found, expected);
        }
        let subject = Target::Claim(field.claim.to_owned());
        let problem = "the publisher asks for an environment, and the job has none";
        Err(Mismatch::new(
            Diagnosis::new(codes::ENVIRONMENT_MISSING, subject, problem)
                .expected(expected)
                .fix(format!("add `environment: {}` to the job", shown(expected))),
        ))
    }

    fn check_ref(&self, token: &Token<'_>) -> Result<(), Mismatch> {
        if let Some(pattern) = &self.git_ref {
            pattern.check(token, &self.fields.git_ref)?;
        }
        if self.ref_protected {
            let field = &self.fields.ref_protected;
            let found = token.required(field.claim)?;
            // GitHub, GitLab and Forgejo write this claim as a text and not as a truth value.
            if found != "true" {
                let fix = "protect the branch or tag, or publish from one that is";
                return Err(Mismatch::new(differs(field, &found, "true").fix(fix)));
            }
        }
        Ok(())
    }

    /// Returns the rules in words for a person, each after a comma.
    pub(crate) fn describe(&self) -> String {
        let mut text = String::new();
        let mut add = |name: &str, value: &str| text.push_str(&format!(", {name} {}", shown(value)));
        if let Some(environment) = &self.environment {
            add("environment", environment);
        }
        if let Some(pattern) = &self.git_ref {
            add("ref", pattern.as_str());
        }
        if self.ref_protected {
            add("ref", "protected");
        }
        if !self.events.is_empty() {
            add("event", &self.events.join(" or "));
        }
        if let Some(runner) = &self.runner_environment {
            add("runner", runner);
        }
        text
    }
}
