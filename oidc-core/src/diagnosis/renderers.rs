//! Renderers: several lines for a terminal, annotations for GitHub and GitLab.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{Diagnosis, Target, sentence};
use crate::text::shown;

impl Diagnosis {
    /// Renders the diagnosis in several lines for a terminal: the problem, its place, the fix, the evidence.
    pub fn to_text(&self) -> String {
        let mut text = format!("{}[{}]: {}\n", self.severity.as_str(), self.code, sentence(&self.problem));
        let lines = [
            ("at", self.place()),
            ("fix", self.fix.as_deref().map(sentence)),
            ("found", self.found.as_deref().map(quoted)),
            ("expected", self.expected.as_deref().map(quoted)),
            ("see", self.link.map(str::to_owned)),
        ];
        for (name, line) in lines {
            if let Some(line) = line {
                // Writing into a String can't fail.
                let _infallible = writeln!(text, "  {name}: {line}");
            }
        }
        text
    }

    /// The name of the subject, where the problem doesn't name it.
    fn place(&self) -> Option<String> {
        let (Target::Variable(name)
        | Target::Claim(name)
        | Target::Field(name)
        | Target::Url(name)
        | Target::File(name)) = &self.target
        else {
            return None;
        };
        (!self.problem.contains(name.as_str())).then(|| self.target.to_string())
    }

    /// Renders a workflow command that makes an annotation on GitHub Actions (docs.github.com, "Workflow
    /// commands"), in one line.
    pub fn to_github(&self) -> String {
        let title = escape_property(&format!("trusted publishing: {}", self.code));
        format!("::{} title={title}::{}", self.severity.as_str(), escape_data(&self.to_text()))
    }
}

/// Renders GitLab's annotations report (docs.gitlab.com, `artifacts:reports:annotations`): links beside the
/// job, one for each diagnosis that has a link.
pub fn gitlab_annotations(diagnoses: &[Diagnosis]) -> Value {
    let link = |diagnosis: &Diagnosis| {
        let label = format!("{}: {}", diagnosis.code, sentence(&diagnosis.problem));
        Some(json!({ "external_link": { "label": label, "url": diagnosis.link? } }))
    };
    json!({ "trusted_publishing": diagnoses.iter().filter_map(link).collect::<Vec<_>>() })
}

fn quoted(text: &str) -> String {
    format!("`{}`", shown(text))
}

/// GitHub's escapes in a command's message (actions/toolkit, `command.ts`).
fn escape_data(text: &str) -> String {
    text.trim_end().replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// GitHub's escapes in a command's properties.
fn escape_property(text: &str) -> String {
    escape_data(text).replace(':', "%3A").replace(',', "%2C")
}
