//! The registry's pages with 10,000 publishers, 1,000 versions and 1,000,000 audit rows, over the same pages with one page of each, and over
//! those of an empty registry: `pages [ROUNDS]` prints one JSON object. PostgreSQL is measured where `TEST_POSTGRES_URL` names one.
#![allow(
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "a bench that can't be set up has nothing to measure, and it reads the clock and the environment"
)]

use std::io::Write as _;

use benches::measure::Report;
use benches::pages::{EMPTY, FULL, Filled, ONE_PAGE, PAGES, Size};
use sqlx::{AnyConnection, AssertSqlSafe, Connection as _, Executor as _};

#[tokio::main]
async fn main() {
    let rounds: usize = std::env::args().nth(1).and_then(|rounds| rounds.parse().ok()).unwrap_or(201);
    let mut report = Report::default();
    let folders: Vec<_> = (0..3).map(|_| tempfile::tempdir().expect("a folder")).collect();
    let urls =
        folders.iter().map(|folder| format!("sqlite:{}/registry.db", folder.path().display())).collect();
    measure("sqlite", urls, rounds, &mut report).await;
    if let Ok(server) = std::env::var("TEST_POSTGRES_URL") {
        let names = ["full", "page", "empty"].map(|size| format!("pages_{size}_{}", std::process::id()));
        for name in &names {
            statement(&server, format!("CREATE DATABASE {name}")).await;
        }
        let base = server.rsplit_once('/').map_or(&*server, |(base, _)| base);
        let urls = names.iter().map(|name| format!("{base}/{name}")).collect();
        measure("postgres", urls, rounds, &mut report).await;
        for name in names {
            statement(&server, format!("DROP DATABASE {name} WITH (FORCE)")).await;
        }
    }
    writeln!(std::io::stdout(), "{}", report.to_json()).expect("standard output");
}

async fn statement(server: &str, statement: String) {
    sqlx::any::install_default_drivers();
    let mut connection = AnyConnection::connect(server).await.expect("a server");
    connection.execute(AssertSqlSafe(statement)).await.expect("a statement");
}

/// Measures every page of three registries in turn.
async fn measure(kind: &str, urls: Vec<String>, rounds: usize, report: &mut Report) {
    let sizes: [Size; 3] = [FULL, ONE_PAGE, EMPTY];
    let mut filled = Vec::new();
    for (url, size) in urls.iter().zip(sizes) {
        let folder = tempfile::tempdir().expect("a folder");
        filled.push(Filled::start(url, folder.path(), size).await);
    }
    for (name, page) in PAGES {
        let mut times = [const { Vec::new() }; 3];
        for _ in 0..rounds {
            for (filled, times) in filled.iter().zip(&mut times) {
                times.push(filled.time(page).await.as_secs_f64());
            }
        }
        let [full, one_page, empty] = times;
        let ratio = |below: &[f64]| full.iter().zip(below).map(|(full, below)| full / below).collect();
        report.add(&format!("{kind}_{name}_over_one_page"), ratio(&one_page));
        report.add(&format!("{kind}_{name}_over_empty"), ratio(&empty));
        report.add(&format!("{kind}_{name}_ms"), full.iter().map(|seconds| seconds * 1e3).collect());
    }
}
