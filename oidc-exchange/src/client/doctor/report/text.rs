//! The report as text for a terminal.

use std::fmt::Write as _;

use oidc_core::{Diagnosis, FieldValue, Severity, shown};

use super::Report;
use crate::client::doctor::verdict::Verdict;
use crate::codes;

/// The findings on the tools of the job that keep one from publishing at the registry by itself.
const OF_TOOLS: [&str; 5] = [
    codes::NPM_TOO_OLD,
    codes::NPM_NO_EXCHANGE,
    codes::NPM_ID_TOKEN_MISSING,
    codes::NPM_ID_TOKEN_EMPTY,
    codes::REGISTRY_ELSEWHERE,
];

impl Report {
    /// Renders the report in paragraphs for a terminal.
    pub fn to_text(&self) -> String {
        let mut text = format!("{}\n", self.headline());
        for diagnosis in &self.diagnoses {
            text.push('\n');
            text.push_str(&diagnosis.to_text());
        }
        if !self.verdict.is_accepted() && self.is_about_publisher() {
            self.write_settings(&mut text);
        }
        self.write_differences(&mut text);
        self.write_next(&mut text);
        text
    }

    /// Returns the outcome of a publish in one line.
    pub fn headline(&self) -> String {
        let name = match &self.package {
            None if self.is_unusable => String::new(),
            _ => format!(" of {}", self.scope()),
        };
        let registry = shown(&self.registry);
        let outcome = match self.verdict {
            Verdict::ExchangeAccepted => {
                let name = self.scope();
                return format!(
                    "The exchange at {registry} was accepted; whether {name} is among its packages, this protocol doesn't say."
                );
            }
            Verdict::Accepted => "would be accepted",
            Verdict::Contradicted => "would be accepted, but not by the trusted publisher that you name",
            Verdict::Refused => "would be refused",
            Verdict::Untried if self.has_no_exchange && self.has_errors() => {
                "was not tried, since this registry exchanges no tokens; the errors below speak against it"
            }
            Verdict::Untried if self.has_no_exchange => {
                "was not tried, since this registry exchanges no tokens; nothing that can be seen from here speaks against it"
            }
            Verdict::Untried => {
                "was not tried, and nothing speaks against it; it is not known whether an earlier step used the job's only token \
                 already"
            }
        };
        format!("A publish{name} at {registry} {outcome}{}.", self.restriction())
    }

    /// The limits of what was accepted: the exchange that was made here, and not that of a tool.
    fn restriction(&self) -> &'static str {
        let is_of_tool = |one: &Diagnosis| one.severity == Severity::Warning && OF_TOOLS.contains(&one.code);
        match self.verdict == Verdict::Accepted && self.diagnoses.iter().any(is_of_tool) {
            true => {
                " with the token of the exchange that was made here; by the warnings below, a tool by itself would not get there"
            }
            false => "",
        }
    }

    fn write_settings(&self, text: &mut String) {
        if self.settings.is_empty() {
            return;
        }
        let (required, optional): (Vec<_>, Vec<_>) =
            self.settings.iter().partition(|setting| setting.field.required);
        text.push_str("\nA trusted publisher that accepts this job has:\n");
        write_values(text, &required);
        if optional.iter().any(|setting| setting.value.is_some()) {
            text.push_str("and, if it has these at all:\n");
            write_values(text, &optional);
        }
        let absent: Vec<&str> = optional
            .iter()
            .filter(|setting| setting.value.is_none())
            .map(|setting| setting.field.key)
            .collect();
        if !absent.is_empty() {
            // Writing into a String can't fail.
            let _infallible = writeln!(text, "and none of: {}", absent.join(", "));
        }
    }

    fn write_differences(&self, text: &mut String) {
        if self.differences.is_empty() {
            return;
        }
        text.push_str("\nThe trusted publisher that you name, and this job:\n");
        for difference in &self.differences {
            let sign = if difference.differs { "differs" } else { "fits" };
            let job = difference
                .job
                .as_deref()
                .map_or_else(|| "nothing".to_owned(), |job| format!("`{}`", shown(job)));
            let (key, publisher) = (shown(&difference.key), shown(&difference.publisher));
            let _infallible = writeln!(text, "  {key}: publisher `{publisher}`, job {job}: {sign}");
        }
    }

    fn write_next(&self, text: &mut String) {
        if self.next.is_empty() {
            return;
        }
        text.push_str("\nNext:\n");
        for (number, step) in self.next.iter().enumerate() {
            let _infallible = writeln!(text, "  {}. {step}", number + 1);
        }
    }
}

fn write_values(text: &mut String, settings: &[&FieldValue]) {
    for setting in settings {
        let key = setting.field.key;
        let _infallible = match setting.text() {
            Some(value) => writeln!(text, "  {key} = `{}`", shown(&value)),
            None if setting.field.required => writeln!(text, "  {key}: nothing that this job has"),
            None => Ok(()),
        };
    }
}

#[cfg(test)]
mod tests {
    use oidc_core::Target;

    use super::*;

    #[test]
    fn what_was_accepted_is_the_exchange_and_no_tools_own() {
        for (code, severity, is_restricted) in [
            (codes::NPM_TOO_OLD, Severity::Warning, true),
            (codes::REGISTRY_ELSEWHERE, Severity::Warning, true),
            (codes::NPM_ID_TOKEN_EMPTY, Severity::Notice, false),
            (codes::NPM_WAY, Severity::Warning, false),
        ] {
            let mut report = Report::new("https://r.example/".to_owned(), Some("widget"));
            report.verdict = Verdict::Accepted;
            report.add(Diagnosis::new(code, Target::Platform, "x").severity(severity));
            let headline = report.headline();
            assert!(headline.starts_with("A publish of `widget` at https://r.example/ would be accepted"));
            assert_eq!(
                headline.contains("a tool by itself would not get there"),
                is_restricted,
                "{headline}"
            );
        }
    }
}
