//! Reports of publishes that failed without a reason, each set up anew: the doctor and the registry have to say what was
//! wrong. The table is `reports/reports.json`.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeSet;

use oidc_core::{Diagnosis, Target};
use oidc_exchange::client::doctor::Verdict;
use tests::world::{Row, SECRET, World};

fn reports() -> Vec<Row> {
    serde_json::from_str(include_str!("../../reports/reports.json")).unwrap()
}

/// The reports, and what else can go wrong.
fn rows() -> Vec<Row> {
    let more: Vec<Row> = serde_json::from_str(include_str!("../../reports/more.json")).unwrap();
    let registries: Vec<Row> = serde_json::from_str(include_str!("../../reports/registries.json")).unwrap();
    reports().into_iter().chain(more).chain(registries).collect()
}

fn field(diagnosis: &Diagnosis) -> String {
    match &diagnosis.target {
        Target::Variable(name)
        | Target::Claim(name)
        | Target::Field(name)
        | Target::Url(name)
        | Target::File(name) => name.clone(),
        other => other.to_string(),
    }
}

fn names(diagnosis: &Diagnosis) -> (String, String) {
    (diagnosis.code.to_owned(), field(diagnosis))
}

#[test]
fn the_table_has_at_least_ninety_five_reports() {
    let references: BTreeSet<String> = reports().into_iter().map(|row| row.reference).collect();
    assert!(references.len() >= 95, "{}", references.len());
}

#[tokio::test]
async fn the_doctor_says_what_was_wrong_in_every_report() {
    let mut wrong = Vec::new();
    for row in rows() {
        let (world, _) = World::of(&row).await;
        let report = world.examine().await;
        let text = report.to_text();
        let mut found: Vec<_> = report.diagnoses.iter().map(names).collect();
        // What the registry gave as its reason, it says in its own words.
        let told = report.refusal.iter().map(|told| (told.code.clone(), told.subject.clone()));
        found.extend(told.map(|(code, subject)| (code, subject.unwrap_or_default())));
        let verdict = serde_json::to_value(report.verdict).unwrap();
        match &row.client {
            Some(expected) if found.contains(expected) => {}
            None if report.verdict == Verdict::Accepted || row.verdict.is_some() => {}
            expected => {
                wrong.push(format!("{} ({}): {expected:?} is not in {found:?}", row.reference, row.what));
            }
        }
        let first = report.diagnoses.first().map(|one| one.code);
        if row.first.is_some() && row.first.as_deref() != first {
            wrong.push(format!("{}: {first:?} is first: {text}", row.reference));
        }
        if row.verdict.as_deref().is_some_and(|expected| verdict != expected) {
            wrong.push(format!("{}: {verdict} is not {:?}: {text}", row.reference, row.verdict));
        }
        let lacks = row.says.iter().filter(|part| !text.contains(part.as_str()));
        let holds = row.hides.iter().filter(|part| text.contains(part.as_str()));
        for part in lacks.chain(holds) {
            wrong.push(format!("{}: `{part}` in {text}", row.reference));
        }
        let is_contradicted = report.differences.iter().any(|difference| difference.differs);
        assert!(!is_contradicted || report.verdict != Verdict::Accepted, "{}: {text}", row.reference);
        assert!(!text.contains(SECRET) && !text.contains("eyJ"), "{}: {text}", row.reference);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn the_registry_says_what_was_wrong_in_every_report_that_reaches_it() {
    let mut wrong = Vec::new();
    for row in rows().into_iter().filter(Row::reaches_our_registry) {
        let (world, refused) = World::of(&row).await;
        let refused = match refused {
            Some(refused) => Some(refused),
            None => world.refusal().await,
        };
        let found = refused.as_ref().map(|refused| names(&refused.diagnosis()));
        let message = refused.map(|refused| refused.message()).unwrap_or_default();
        if found != row.registry {
            wrong.push(format!(
                "{} ({}): {found:?} is not {:?}: {message}",
                row.reference, row.what, row.registry
            ));
        }
        assert!(!message.contains(SECRET) && !message.contains("eyJ"), "{}: {message}", row.reference);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
