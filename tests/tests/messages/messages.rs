//! Every message's text, in `reports/messages.txt`: what the doctor prints and what the registry answers, set-up by
//! set-up. `REWRITE=1 cargo test -p tests --test messages` writes the file anew; read the difference.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
// Whether to write the file anew is told by a variable.
#![allow(clippy::disallowed_methods)]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use super::words;
use tests::world::{Row, SECRET, World};

const MESSAGES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/reports/messages.txt");

fn rows() -> Vec<Row> {
    let mut rows: Vec<Row> = serde_json::from_str(include_str!("../../reports/reports.json")).unwrap();
    rows.extend(serde_json::from_str::<Vec<Row>>(include_str!("../../reports/more.json")).unwrap());
    rows.extend(serde_json::from_str::<Vec<Row>>(include_str!("../../reports/registries.json")).unwrap());
    rows
}

async fn messages() -> String {
    let mut text = String::new();
    for row in rows() {
        let (world, refused) = World::of(&row).await;
        let report = world.examine().await.to_text();
        write!(text, "=== {}: {}\n\n--- doctor\n{report}", row.reference, row.what).unwrap();
        if row.reaches_our_registry() {
            // Another registry, where the token was not used yet.
            let refused = match refused {
                Some(refused) => Some(refused),
                None => World::of(&row).await.0.refusal().await,
            };
            let code = refused
                .as_ref()
                .map_or_else(String::new, |refused| format!(" [{}]", refused.diagnosis().code));
            let message = refused.map_or_else(|| "granted".to_owned(), |refused| refused.message());
            write!(text, "\n--- registry{code}\n{message}\n").unwrap();
        }
        text.push('\n');
    }
    text + &words::all().await
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

/// Every text of code that is written like a code: words in lower case with `-` between them. The codes themselves stand in
/// `codes.rs`, or in the folder of that name.
fn names(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() {
            if !["tests", "testing", "cases", "codes"].contains(&name) {
                names(&path, found);
            }
        } else if name.ends_with(".rs")
            && !["tests.rs", "cases.rs", "harness.rs", "sample.rs", "tables.rs", "codes.rs"].contains(&name)
        {
            let text = std::fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
            let code = code.lines().filter(|line| !line.trim_start().starts_with("//"));
            for line in code {
                let texts = line.split('"').skip(1).step_by(2);
                found.extend(texts.filter(|text| is_name(text)).map(str::to_owned));
            }
        }
    }
}

fn is_name(text: &str) -> bool {
    let is_word = |word: &str| {
        !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.contains('-')
        && text.split('-').all(is_word)
}

/// The codes of all libraries.
fn codes() -> BTreeSet<&'static str> {
    let all = [oidc_core::codes::ALL, oidc_providers::codes::ALL, oidc_exchange::codes::ALL];
    all.concat().iter().map(|code| code.name).collect()
}

/// The messages of platforms' cases, which are kept beside the cases.
fn of_platforms(root: &Path) -> String {
    let folders = std::fs::read_dir(root.join("oidc-providers/tests/cases")).unwrap();
    folders
        .map(|folder| std::fs::read_to_string(folder.unwrap().path().join("messages.txt")).unwrap())
        .collect()
}

#[tokio::test]
async fn every_code_has_a_message_in_the_files_and_every_message_a_code() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let messages = messages().await + &of_platforms(root);
    let codes = codes();
    let unsaid: Vec<_> = codes.iter().filter(|code| !messages.contains(&format!("[{code}]"))).collect();
    assert!(unsaid.is_empty(), "without a message in the files: {unsaid:?}");
    let said = messages.split('[').skip(1).filter_map(|rest| Some(rest.split_once(']')?.0));
    let unknown: BTreeSet<_> = said.filter(|name| is_name(name) && !codes.contains(name)).collect();
    assert!(unknown.is_empty(), "no constants: {unknown:?}");
}

#[test]
fn the_libraries_write_codes_as_constants_alone() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut found = BTreeSet::new();
    for library in ["oidc-core", "oidc-providers", "oidc-exchange"] {
        names(&root.join(library).join("src"), &mut found);
    }
    let codes = codes();
    let is_code = |name: &&String| codes.contains(name.as_str()) && !OTHER_NAMES.contains(&name.as_str());
    let written: Vec<_> = found.iter().filter(is_code).collect();
    assert!(written.is_empty(), "write the constants of {written:?}");
    let others: BTreeSet<String> = OTHER_NAMES.iter().map(|&name| name.to_owned()).collect();
    assert_eq!(found, others, "a name of something else stands in `OTHER_NAMES`");
}

/// Names of other things than what is wrong: commands, headers, features, registries, values of claims; and the names
/// that PyPI's protocol has for a refusal, and PEP 807's draft for what it tells, which stand beside ours.
const OTHER_NAMES: &[&str] = &[
    "api-version",
    "audience-endpoint",
    "aws-lc",
    "buildkite-agent",
    "cache-control",
    "content-type",
    "crates-io",
    "default-features",
    "docker-hub",
    "dry-run",
    "eu-central-1",
    "get-web-identity-token",
    "github-hosted",
    "gitlab-hosted",
    "https-proxy",
    "identity-token",
    "ignore-scripts",
    "invalid-payload",
    "invalid-publisher",
    "invalid-reuse-token",
    "invalid-token",
    "kebab-case",
    "local-address",
    "mcp-registry",
    "metadata-flavor",
    "multi-use-token",
    "no-audience",
    "no-cache",
    "no-store",
    "no-such-endpoint",
    "no-such-index",
    "not-acceptable",
    "not-enabled",
    "o-abc1234567",
    "open-vsx",
    "postgres-aws-lc",
    "postgres-ring",
    "prefix-dev",
    "pub-dev",
    "publish-widget",
    "pypi-publisher",
    "request-token",
    "retry-after",
    "rust-crypto",
    "self-hosted",
    "ssl-mode",
    "strict-ssl",
    "system-aws-lc",
    "system-ring",
    "token-exchange",
    "token-mint-endpoint",
    "ureq-aws-lc",
    "ureq-ring",
    "user-agent",
    "vs-marketplace",
    "x-tfs-fedauthredirect",
];
