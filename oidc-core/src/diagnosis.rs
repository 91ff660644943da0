mod renderers;

use std::error::Error;
use std::fmt;

use serde::Serialize;

pub use self::renderers::gitlab_annotations;
use crate::http::HttpError;
use crate::text::shown;

/// The number of characters up to which a clause or a whole message of a diagnosis is shown.
const MAX_SENTENCE: usize = 2048;

/// The thing that a diagnosis is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", content = "name", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Target {
    /// An environment variable of the job.
    Variable(String),
    /// A claim of the identity token.
    Claim(String),
    /// A field of a publisher's configuration.
    Field(String),
    /// A URL of the registry or of the platform.
    Url(String),
    /// A file of the machine that the job runs on.
    File(String),
    /// The identity token as a whole.
    Token,
    /// The platform that the job runs on.
    Platform,
    /// The key that the token is signed with.
    Key,
    /// The clocks of the platform and of the registry.
    Clock,
}

impl Target {
    /// Returns the same target with its name as `Display` shows it.
    fn escaped(&self) -> Self {
        let value = |text: &String| shown(text).to_string();
        match self {
            Self::Variable(name) => Self::Variable(value(name)),
            Self::Claim(name) => Self::Claim(value(name)),
            Self::Field(name) => Self::Field(value(name)),
            Self::Url(url) => Self::Url(value(url)),
            Self::File(path) => Self::File(value(path)),
            other => other.clone(),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable(name) => write!(f, "variable `{}`", shown(name)),
            Self::Claim(name) => write!(f, "claim `{}`", shown(name)),
            Self::Field(name) => write!(f, "field `{}`", shown(name)),
            Self::Url(url) => write!(f, "URL `{}`", shown(url)),
            Self::File(path) => write!(f, "file `{}`", shown(path)),
            Self::Token => f.write_str("identity token"),
            Self::Platform => f.write_str("platform"),
            Self::Key => f.write_str("key"),
            Self::Clock => f.write_str("clock"),
        }
    }
}

/// The severity of a diagnosis.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Severity {
    /// Worth knowing.
    Notice,
    /// The publish may go through, and something should be changed all the same.
    Warning,
    /// The publish can't go through.
    #[default]
    Error,
}

impl Severity {
    /// The name, which is also that of GitHub's workflow command.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Notice => "notice",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// A problem as data: the thing that it is about, the value that was found, the value that was expected, and
/// the fix.
///
/// It never holds a secret. `Display` writes one line for a log. [`Diagnosis::to_text`] is for a terminal,
/// [`Diagnosis::to_github`] for GitHub's annotations, [`gitlab_annotations`] for GitLab's, and `Serialize`
/// for programs.
///
/// ```
/// use oidc_core::{Diagnosis, Target};
///
/// let target = Target::Claim("environment".to_owned());
/// let diagnosis = Diagnosis::new("acme-environment", target, "the job has another environment than the publisher's")
///     .found("staging")
///     .expected("publish")
///     .fix("run the job in the environment `publish`");
/// assert!(diagnosis.to_text().contains("found: `staging`"));
/// assert_eq!(serde_json::to_value(&diagnosis).unwrap()["expected"], "publish");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Diagnosis {
    /// A stable name for programs, such as `github-not-permitted`.
    pub code: &'static str,
    /// The severity.
    pub severity: Severity,
    /// The thing that the diagnosis is about; `subject` in JSON.
    #[serde(rename = "subject")]
    pub target: Target,
    /// One clause that names the problem.
    pub problem: String,
    /// The value that was found, if any. It is unescaped here; the renderers escape it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub found: Option<String>,
    /// The value that was expected, if it may be told. It is unescaped here; the renderers escape it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// The fix: what to change, and where.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
    /// The vendor's page on the problem.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link: Option<&'static str>,
}

impl Diagnosis {
    /// An error with a code, the thing that it is about, and one clause that names the problem.
    pub fn new(code: &'static str, target: Target, problem: impl Into<String>) -> Self {
        Self {
            code,
            severity: Severity::Error,
            target,
            problem: problem.into(),
            found: None,
            expected: None,
            fix: None,
            link: None,
        }
    }

    /// Replaces the severity.
    #[must_use]
    pub fn severity(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    /// Adds the value that was found.
    #[must_use]
    pub fn found(mut self, found: impl Into<String>) -> Self {
        self.found = Some(found.into());
        self
    }

    /// Adds the value that was expected.
    #[must_use]
    pub fn expected(mut self, expected: impl Into<String>) -> Self {
        self.expected = Some(expected.into());
        self
    }

    /// Adds the fix: what to change, and where.
    #[must_use]
    pub fn fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = Some(fix.into());
        self
    }

    /// Adds the vendor's page on the problem.
    #[must_use]
    pub fn link(mut self, link: &'static str) -> Self {
        self.link = Some(link);
        self
    }

    /// Returns the same diagnosis with every text as `Display` shows it: escaped, and cut where it is too
    /// long. For answers to other parties.
    #[must_use]
    pub fn escaped(&self) -> Self {
        let value = |text: &String| shown(text).to_string();
        Self {
            target: self.target.escaped(),
            problem: sentence(&self.problem),
            found: self.found.as_ref().map(value),
            expected: self.expected.as_ref().map(value),
            fix: self.fix.as_deref().map(sentence),
            ..self.clone()
        }
    }

    /// Returns the line of `Display` for an error whose `source()` is `below`. Where the problem ends with
    /// the text of `below`, that text is left out, so that a printed chain of errors has each text once.
    pub fn above(&self, below: Option<&(dyn Error + 'static)>) -> impl fmt::Display {
        let mut diagnosis = self.clone();
        if let Some(below) = below {
            // The problem contains an HTTP error as `to_text` writes it, of which its `Display` is only a
            // part.
            let text = match below.downcast_ref::<HttpError>() {
                Some(error) => error.to_text(),
                None => below.to_string(),
            };
            if let Some(problem) = diagnosis.problem.strip_suffix(&text) {
                diagnosis.problem = problem.trim_end_matches([':', ' ']).to_owned();
            }
        }
        diagnosis
    }
}

fn sentence(text: &str) -> String {
    shown(text).up_to(MAX_SENTENCE).to_string()
}

impl fmt::Display for Diagnosis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&sentence(&self.problem))?;
        match (&self.found, &self.expected) {
            (Some(found), Some(expected)) => {
                write!(f, " (found `{}`, expected `{}`)", shown(found), shown(expected))?;
            }
            (Some(found), None) => write!(f, " (found `{}`)", shown(found))?,
            (None, Some(expected)) => write!(f, " (expected `{}`)", shown(expected))?,
            (None, None) => {}
        }
        match &self.fix {
            Some(fix) => write!(f, "; {}", sentence(fix)),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn diagnosis() -> Diagnosis {
        Diagnosis::new("github-workflow", Target::Claim("workflow_ref".to_owned()), "another workflow, 100%")
            .found("a.yml\n::error::\u{202e}")
            .expected("b.yml")
            .fix("set `workflow`")
            .link("https://docs.example/")
    }

    #[test]
    fn one_line_for_a_log() {
        assert_eq!(
            diagnosis().to_string(),
            "another workflow, 100% (found `a.yml\\u{a}::error::\\u{202e}`, expected `b.yml`); set `workflow`"
        );
    }

    #[test]
    fn some_lines_for_a_terminal_with_the_fix_before_the_evidence() {
        assert_eq!(
            diagnosis().to_text(),
            "error[github-workflow]: another workflow, 100%\n  at: claim `workflow_ref`\n  fix: set `workflow`\n  \
             found: `a.yml\\u{a}::error::\\u{202e}`\n  expected: `b.yml`\n  see: https://docs.example/\n"
        );
    }

    #[test]
    fn an_annotation_for_github_is_one_command_whatever_it_holds() {
        let text = diagnosis().severity(Severity::Warning).to_github();
        assert!(text.starts_with(
            "::warning title=trusted publishing%3A github-workflow::warning[github-workflow]: another workflow, 100%25%0A"
        ));
        assert_eq!(text.lines().count(), 1);
    }

    #[test]
    fn a_report_for_gitlab_has_a_link_for_each_that_has_one() {
        let none = Diagnosis::new("x", Target::Token, "y");
        let report = gitlab_annotations(&[diagnosis(), none]);
        assert_eq!(report["trusted_publishing"].as_array().unwrap().len(), 1);
        assert_eq!(report["trusted_publishing"][0]["external_link"]["url"], "https://docs.example/");
    }

    #[test]
    fn an_answer_to_others_holds_nothing_that_acts_on_a_terminal() {
        let json = serde_json::to_string(&diagnosis().escaped()).unwrap();
        assert!(json.contains(r"a.yml\\u{a}::error::\\u{202e}"), "{json}");
        assert!(!json.contains('\u{202e}'), "{json}");
    }

    #[test]
    fn json_for_programs() {
        let json = serde_json::to_value(diagnosis()).unwrap();
        assert_eq!(json["subject"], json!({ "kind": "claim", "name": "workflow_ref" }));
        assert_eq!(json["severity"], "error");
        assert_eq!(json["found"], "a.yml\n::error::\u{202e}");
    }
}
