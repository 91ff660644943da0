//! The reports of several packages, in one table.

use oidc_core::{Severity, shown};
use oidc_exchange::client::doctor::{Report, Verdict};

/// Renders a line for each package, and below them the whole report of each different refusal.
pub(super) fn text(reports: &[Report]) -> String {
    let rows: Vec<[String; 3]> = reports.iter().map(row).collect();
    let heads = ["package", "verdict", "reason"].map(str::to_owned);
    let width = |column: usize| {
        let cells = std::iter::once(&heads).chain(&rows).filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
    };
    let (first, second) = (width(0), width(1));
    let line = |[package, verdict, reason]: &[String; 3]| {
        let line = format!("{package:first$}  {verdict:second$}  {reason}");
        format!("{}\n", line.trim_end())
    };
    let lines = std::iter::once(&heads).chain(&rows).map(line);
    let whole = different(reports).into_iter().map(|report| format!("\n{}", report.to_text()));
    lines.chain(whole).collect()
}

fn row(report: &Report) -> [String; 3] {
    let reason = report.diagnoses.iter().find(|_| !report.verdict.is_accepted());
    let reason =
        reason.filter(|reason| reason.severity == Severity::Error || report.verdict != Verdict::Refused);
    [
        report.package.as_deref().map_or_else(|| "(all)".to_owned(), |name| shown(name).to_string()),
        verdict(report).to_owned(),
        reason.map_or_else(String::new, |reason| {
            format!("{}: {}", reason.code, shown(&reason.problem).up_to(120))
        }),
    ]
}

fn verdict(report: &Report) -> &'static str {
    match report.verdict {
        Verdict::Accepted => "accepted",
        Verdict::ExchangeAccepted => "exchange accepted",
        Verdict::Contradicted => "contradicted",
        Verdict::Refused => "refused",
        _ => "not tried",
    }
}

/// The reports that are not accepted, one for each different set of reasons.
fn different(reports: &[Report]) -> Vec<&Report> {
    let reasons = |report: &Report| -> Vec<(&str, String)> {
        report.diagnoses.iter().map(|one| (one.code, format!("{:?}{:?}", one.found, one.expected))).collect()
    };
    let mut found: Vec<&Report> = Vec::new();
    for report in reports.iter().filter(|report| !report.verdict.is_accepted()) {
        if found.iter().all(|known| reasons(known) != reasons(report)) {
            found.push(report);
        }
    }
    found
}
