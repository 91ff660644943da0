use oidc_core::{ImmutableId, Mismatch, PublisherField, shown};

use super::fields::{DEFINITION, FIELDS, ORGANIZATION, PROJECT, REF, REPOSITORY};
use crate::rules::config::Config;
use crate::rules::exact::{Asked, Exact};
use crate::rules::glob::Pattern;
use crate::rules::token::{Token, differs};
use crate::rules::{Field, configured, names};

static ASKED: &[Asked] = &[
    (&ORGANIZATION, names::uuid),
    (&PROJECT, names::uuid),
    (&DEFINITION, names::id),
    (&REPOSITORY, names::ascii),
];

/// The prefix of the refs of pull requests, which anybody can make where a pipeline builds them from forks.
const PULL_REQUESTS: &str = "refs/pull/";

/// A project's pipeline that may publish.
#[derive(Debug)]
pub(super) struct Rules {
    asked: Exact,
    git_ref: Option<Pattern>,
}

impl Rules {
    /// Checks the ref. A pull request's run publishes only where the publisher names its ref.
    fn check_ref(&self, token: &Token<'_>) -> Result<(), Mismatch> {
        if let Some(pattern) = &self.git_ref {
            return pattern.check(token, &REF);
        }
        let found = token.required(REF.claim)?;
        if !found.starts_with(PULL_REQUESTS) {
            return Ok(());
        }
        let fix = "publish after the merge, from a branch or a tag";
        Err(Mismatch::new(differs(&REF, &found, "no pull request's").fix(fix)))
    }
}

impl configured::Rules for Rules {
    const FIELDS: &'static [PublisherField] = FIELDS;
    const KEY: &'static [(&'static str, &'static Field)] =
        &[("org", &ORGANIZATION), ("project", &PROJECT), ("definition", &DEFINITION)];

    fn read(config: &mut Config<'_>, _issuer: &str) -> Self {
        Self { asked: Exact::read(config, ASKED), git_ref: config.parse(&REF, Pattern::parse) }
    }

    fn value(&self, field: &Field) -> &str {
        self.asked.value(field)
    }

    fn hold(&self, token: &Token<'_>) -> Result<Vec<ImmutableId>, Mismatch> {
        self.asked.check_names(token)?;
        self.asked.check_others(token)?;
        self.check_ref(token)?;
        Ok(Vec::new())
    }

    fn describe(&self) -> String {
        let mut text = self.asked.describe();
        if let Some(pattern) = &self.git_ref {
            text.push_str(&format!(", ref {}", shown(pattern.as_str())));
        }
        text
    }
}
