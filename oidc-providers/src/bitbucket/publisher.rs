use oidc_core::{ImmutableId, Mismatch, PublisherField, shown};

use super::fields::{BRANCH, ENVIRONMENT, FIELDS, REPOSITORY, WORKSPACE};
use crate::codes;
use crate::rules::config::{Config, Fault, invalid};
use crate::rules::exact::{Asked, Exact};
use crate::rules::glob::Name;
use crate::rules::link::is_uuid;
use crate::rules::token::Token;
use crate::rules::{Field, configured};

static ASKED: &[Asked] =
    &[(&WORKSPACE, is_in_braces), (&REPOSITORY, is_in_braces), (&ENVIRONMENT, is_in_braces)];

/// A repository that may publish.
#[derive(Debug)]
pub(super) struct Rules {
    asked: Exact,
    branch: Option<Name>,
}

impl configured::Rules for Rules {
    const FIELDS: &'static [PublisherField] = FIELDS;
    const KEY: &'static [(&'static str, &'static Field)] =
        &[("workspace", &WORKSPACE), ("repository", &REPOSITORY)];

    fn read(config: &mut Config<'_>, _issuer: &str) -> Self {
        Self { asked: Exact::read(config, ASKED), branch: config.parse(&BRANCH, Name::parse) }
    }

    fn value(&self, field: &Field) -> &str {
        self.asked.value(field)
    }

    fn hold(&self, token: &Token<'_>) -> Result<Vec<ImmutableId>, Mismatch> {
        self.asked.check_names(token)?;
        self.asked.check_others(token)?;
        if let Some(branch) = &self.branch {
            branch.check(token, &BRANCH)?;
        }
        Ok(Vec::new())
    }

    fn describe(&self) -> String {
        let mut text = self.asked.describe();
        if let Some(branch) = &self.branch {
            text.push_str(&format!(", branch {}", shown(branch.as_str())));
        }
        text
    }
}

/// Checks that a text is a UUID as Bitbucket writes it, in braces.
fn is_in_braces(key: &str, text: &str) -> Result<(), Fault> {
    let bare = text.trim_start_matches('{').trim_end_matches('}').to_ascii_lowercase();
    let written = format!("{{{bare}}}");
    if is_uuid(&bare) && text == written {
        return Ok(());
    }
    let fix = if is_uuid(&bare) {
        format!("write `{written}`")
    } else {
        "write the UUID that the repository's settings show, such as `{0184990a-477b-4fa8-9968-496074483cee}`"
            .to_owned()
    };
    Err(invalid(codes::PUBLISHER_ID, key, "it is not a UUID in braces and lower case").found(text).fix(fix))
}
