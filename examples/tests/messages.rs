//! Every message's text, in `reports/messages.txt`: what the doctor prints and what the registry answers, set-up by
//! set-up. `REWRITE=1 cargo test -p examples --test messages` writes the file anew; read the difference.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
// Whether to write the file anew is told by a variable.
#![allow(clippy::disallowed_methods)]

#[path = "common/world.rs"]
mod world;

use std::fmt::Write as _;
use std::path::Path;

use world::{Row, SECRET, World};

const MESSAGES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/reports/messages.txt");

fn rows() -> Vec<Row> {
    let mut rows: Vec<Row> = serde_json::from_str(include_str!("reports/reports.json")).unwrap();
    rows.extend(serde_json::from_str::<Vec<Row>>(include_str!("reports/more.json")).unwrap());
    rows
}

async fn messages() -> String {
    let mut text = String::new();
    for row in rows() {
        let (world, refused) = World::of(&row).await;
        let report = world.examine().await.to_text();
        write!(text, "=== {}: {}\n\n--- doctor\n{report}", row.reference, row.what).unwrap();
        if !row.no_token {
            // Another registry, where the token was not used yet.
            let refused = match refused {
                Some(refused) => Some(refused),
                None => World::of(&row).await.0.refusal().await,
            };
            let message = refused.map_or_else(|| "granted".to_owned(), |refused| refused.message());
            write!(text, "\n--- registry\n{message}\n").unwrap();
        }
        text.push('\n');
    }
    text
}

#[tokio::test]
async fn every_message_is_as_it_was_read_last() {
    let messages = messages().await;
    if std::env::var_os("REWRITE").is_some() {
        std::fs::write(MESSAGES, &messages).unwrap();
    }
    let expected = std::fs::read_to_string(MESSAGES).unwrap();
    let differs = messages.lines().zip(expected.lines()).position(|(new, old)| new != old);
    if let Some(line) = differs {
        let lines =
            |text: &str| text.lines().skip(line.saturating_sub(5)).take(8).collect::<Vec<_>>().join("\n");
        panic!("line {} differs\nis:\n{}\nwas:\n{}", line + 1, lines(&messages), lines(&expected));
    }
    assert_eq!(messages.len(), expected.len(), "there are more or fewer messages");
}

#[tokio::test]
async fn no_message_holds_a_secret_or_acts_on_a_terminal() {
    let messages = messages().await;
    for line in messages.lines() {
        assert!(!line.contains(SECRET) && !line.contains("eyJ"), "{line}");
        assert!(
            !line
                .chars()
                .any(|c| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{200b}'..='\u{200f}')),
            "{line:?}"
        );
    }
}

/// Stable names that stand in code that makes diagnoses.
fn codes(folder: &Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            codes(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
            for at in ["Diagnosis::new(\"", "Diagnosis::new(\n            \""] {
                found.extend(code.split(at).skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()));
            }
        }
    }
}

#[tokio::test]
async fn every_message_of_the_client_is_in_the_file() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut found = Vec::new();
    for folder in [
        "oidc-exchange/src/client/doctor",
        "oidc-providers/src/github",
        "oidc-providers/src/gitlab",
        "oidc-core/src",
    ] {
        codes(&root.join(folder), &mut found);
    }
    let messages = messages().await;
    found.retain(|code| !messages.contains(&format!("[{code}]")));
    found.retain(|code| !EXEMPT.contains(&code.as_str()));
    found.sort();
    found.dedup();
    assert!(found.is_empty(), "without a message in the file: {found:?}");
}

/// What a set-up of these tests can't come to.
const EXEMPT: &[&str] = &[];
