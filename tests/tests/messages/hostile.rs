//! Whatever a claim, a variable, a file or an answer holds, the report still says what was wrong, on plain lines.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use oidc_core::Severity;
use serde_json::{Value, json};
use tests::world::{Row, World};

fn hostile() -> Vec<String> {
    let mut texts: Vec<String> = [
        "",
        "\u{0}",
        "\u{1b}]0;owned\u{7}\u{1b}[2J",
        "a\r\n::error title=x::y\n::stop-commands::z",
        "\u{202e}lmy.hsilbup\u{2066}",
        "\u{200b}\u{feff}\u{ad}",
        "%0A::set-output name=x::y",
        "`$(id)`",
        "{\"a\":1",
        "e30.!!!.c2ln",
        "🦀é\u{301}",
        "\u{10ffff}\u{e000}",
        "<!DOCTYPE html>\u{1b}[31m",
    ]
    .map(str::to_owned)
    .to_vec();
    texts.extend(["x", "\u{1b}", "é", "\u{202e}", "{\"a\":", "`", "."].map(|piece| piece.repeat(500)));
    texts
}

/// A set-up with a hostile text somewhere, and the code that must come all the same, if the text can't change it.
fn set_ups(text: &str) -> Vec<(Value, Option<&'static str>)> {
    let publishers =
        json!([{ "repository": "acme/widget", "workflow": "publish.yml", "environment": "release" }]);
    let intended = json!({ "environment": "release" });
    let differs = |claims: Value| json!({ "claims": claims, "publishers": publishers, "intended": intended });
    vec![
        (differs(json!({ "environment": text })), None),
        (differs(json!({ "environment": "other", "actor": text })), Some("github-environment")),
        (differs(json!({ "environment": "other", "runner_environment": text })), Some("github-environment")),
        (differs(json!({ "environment": "other", "job_workflow_ref": text })), None),
        (differs(json!({ "environment": "other", "workflow_ref": text })), None),
        (differs(json!({ "repository": text })), None),
        (json!({ "answer": { "status": 403, "body": text } }), Some("exchange-")),
        (
            json!({ "answer": { "status": 404, "body": json!({ "message": text }).to_string() } }),
            Some("exchange-"),
        ),
        (json!({ "answer": { "status": 201, "body": text } }), Some("exchange-")),
        (
            json!({ "probe": { "status": 302, "headers": { "location": text } }, "answer": { "status": 302 } }),
            Some("registry-redirect"),
        ),
        (json!({ "probe": { "status": 200, "headers": { "date": text }, "body": text } }), None),
        (
            json!({ "token_endpoint": { "status": 500, "body": text }, "no_token": true }),
            Some("github-refused"),
        ),
        (
            json!({ "token_endpoint": { "status": 200, "body": text }, "no_token": true }),
            // A page is a proxy's answer and not the platform's.
            Some(if text.starts_with("<!DOCTYPE html>") {
                "token-endpoint-elsewhere"
            } else {
                "github-no-token"
            }),
        ),
        (json!({ "intended": { "workflow": text }, "publishers": publishers }), None),
        (json!({ "intended": { text: "x" }, "publishers": publishers }), Some("exchange-rejected")),
        (
            json!({ "files": { ".npmrc": format!("//r/:_authToken={text}") }, "publishers": publishers }),
            Some("exchange-rejected"),
        ),
        (json!({ "platform": "gitlab", "environment": { "NPM_ID_TOKEN": text }, "no_token": true }), None),
        (json!({ "url": text }), None),
    ]
}

#[tokio::test]
async fn the_error_is_never_masked_and_every_line_is_plain() {
    for text in hostile() {
        for (set_up, code) in set_ups(&text) {
            let mut row = json!({ "reference": "r", "what": "w" });
            row.as_object_mut().unwrap().extend(set_up.as_object().unwrap().clone());
            let row: Row = serde_json::from_value(row).unwrap();
            let (world, _) = World::of(&row).await;
            let report = world.examine().await;
            let about = format!("{text:.40?} in {set_up:.200}");
            if let Some(code) = code {
                let found = report
                    .diagnoses
                    .iter()
                    .any(|one| one.code.starts_with(code) && one.severity == Severity::Error);
                let found = found || code == "registry-redirect" && report.to_text().contains(code);
                assert!(found, "{about}: {}", report.to_text());
            }
            let printed = report.to_text();
            let annotations: Vec<String> =
                report.diagnoses.iter().map(oidc_core::Diagnosis::to_github).collect();
            assert!(annotations.iter().all(|line| line.lines().count() == 1), "{about}: {annotations:?}");
            for line in printed.lines().chain(annotations.iter().map(String::as_str)) {
                let is_plain = |c: char| {
                    !c.is_control()
                        && !matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
                };
                assert!(line.chars().all(is_plain), "{about}: {line:?}");
                assert!(line.len() < 12_000, "{about}");
            }
            let json = serde_json::to_string(&report).unwrap();
            assert!(serde_json::from_str::<Value>(&json).is_ok());
        }
    }
}
