//! The registry's pages with very much in its database, beside the same pages of a registry with one page of each thing.

use std::time::{Duration, Instant};

use oidc_core::http::{Method, Request};
use oidc_core::{Context, HttpUrl};
use oidc_exchange::server::{Package, Trust, TrustLimits};
use oidc_exchange::sql::SqlStore;
use oidc_providers::GitHub;
use registry::{Config, Running};
use serde_json::json;
use sqlx::{AssertSqlSafe, Executor as _};

/// The content of a registry.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Publishers of all packages; the measured package has one of them.
    pub publishers: u32,
    /// Versions of the measured package.
    pub versions: u32,
    /// Audit rows of the measured package.
    pub events: u32,
}

/// As much as the pages have to bear.
pub const FULL: Size = Size { publishers: 10_000, versions: 1_000, events: 1_000_000 };
/// As much as one page shows.
pub const ONE_PAGE: Size = Size { publishers: 1, versions: 20, events: 25 };
/// Nothing but the package and its publisher.
pub const EMPTY: Size = Size { publishers: 1, versions: 0, events: 0 };

/// The pages that are measured. `small` has a few events beside the many of `measured`, and no refused one.
pub const PAGES: [(&str, &str); 8] = [
    ("package", "package?ecosystem=npm&name=measured"),
    ("settings", "settings?ecosystem=npm&name=measured"),
    ("audit", "audit?ecosystem=npm&name=measured"),
    ("audit_refused", "audit?outcome=refused&ecosystem=npm&name=measured"),
    ("audit_all", "audit?outcome=granted"),
    ("audit_until", "audit?until=2023-11-15&ecosystem=npm&name=measured"),
    ("audit_small", "audit?ecosystem=npm&name=small"),
    ("audit_small_refused", "audit?outcome=refused&ecosystem=npm&name=small"),
];

/// The number of events of the package that has few.
const FEW: u32 = 5;

const TOKEN: &str = "an-administrators-token";

/// A registry with so much in its database, and somebody who is logged in.
pub struct Filled {
    _running: Running,
    cx: Context,
    url: HttpUrl,
    cookie: String,
}

impl std::fmt::Debug for Filled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Filled").field("url", &self.url).finish_non_exhaustive()
    }
}

impl Filled {
    /// Starts a registry over an empty database and fills it.
    pub async fn start(database: &str, folder: &std::path::Path, size: Size) -> Self {
        let cx = Context::system().expect("a context");
        std::fs::write(folder.join("admin-token"), TOKEN).expect("a file");
        let config = format!(
            "listen = \"127.0.0.1:0\"\npublic_url = \"http://127.0.0.1:0\"\ndatabase = \"{database}\"\n\
             admin_token_file = \"{}/admin-token\"\n[[provider]]\nkind = \"github\"\n[[package]]\necosystem = \"npm\"\n\
             name = \"measured\"\n",
            folder.display()
        );
        let running = Running::start(Config::parse(&config).expect("a configuration"), &cx).await;
        let running = running.expect("a registry");
        let store = SqlStore::open(database).await.expect("a store");
        publishers(&store, &cx, size.publishers).await;
        rows(&store, size).await;
        let url = running.public_url().clone();
        let cookie = log_in(&cx, &url).await;
        Self { _running: running, cx, url, cookie }
    }

    /// The time that a page takes, with the way over loopback.
    pub async fn time(&self, page: &str) -> Duration {
        let url = format!("{}/-/ui/{page}", self.url.as_str().trim_end_matches('/'));
        let url = HttpUrl::parse(&url).expect("an address");
        let request = Request::get(url).header("cookie", &*self.cookie).max_body(1 << 22);
        let begin = Instant::now();
        let answer = self.cx.http().send(request).await.expect("an answer");
        let taken = begin.elapsed();
        assert_eq!(answer.status, 200, "{page}");
        taken
    }
}

async fn log_in(cx: &Context, url: &HttpUrl) -> String {
    let request = Request::new(Method::Post, url.below("-/ui/log-in"))
        .header("origin", url.origin())
        .body("application/x-www-form-urlencoded", format!("token={TOKEN}"));
    let answer = cx.http().send(request).await.expect("an answer");
    let cookie = answer.header("set-cookie").and_then(|cookie| cookie.split(';').next());
    cookie.expect("a cookie").to_owned()
}

/// Publishers in one transaction: one of the measured package, and ten of each other.
async fn publishers(store: &SqlStore, cx: &Context, count: u32) {
    let providers = oidc_core::ProviderSet::default().with(GitHub::public());
    let trust = Trust::new(providers, store.clone(), cx).with_limits(TrustLimits::default());
    let transaction = store.begin().await.expect("a transaction");
    for number in 0..count {
        let name = if number == 0 { "measured".to_owned() } else { format!("package-{}", number / 10) };
        let rules = json!({ "repository": format!("acme/widget-{number}"), "workflow": "publish.yml" });
        let record = trust.prepare(Package::new("npm", name), "github", None, rules).expect("a publisher");
        trust.add_within(&transaction, &record).await.expect("room");
    }
    transaction.commit().await.expect("a commit");
}

/// Versions and events, by the database itself.
async fn rows(store: &SqlStore, size: Size) {
    let mut connection = store.pool().acquire().await.expect("a connection");
    let is_sqlite = connection.backend_name() == "SQLite";
    let numbers = |count: u32| {
        if is_sqlite {
            format!(
                "WITH RECURSIVE n(i) AS (SELECT 1 WHERE {count} > 0 UNION ALL SELECT i + 1 FROM n WHERE i < {count})"
            )
        } else {
            format!("WITH n(i) AS (SELECT generate_series(1, {count}))")
        }
    };
    let run = json!({ "repository": "acme/widget", "url": "https://github.com/acme/widget/actions/runs/1", "sha": "0".repeat(40), "ref": "refs/tags/v1" });
    let by = json!({ "kind": "trusted-publisher", "provider": "github", "issuer": "x", "publisher": "x", "run": run, "may_create": false });
    let versions = format!(
        "{} INSERT INTO npm_version (package, version, position, manifest, abbreviated, about, size, integrity, shasum, \
         published_at, published_by) SELECT 'measured', '1.0.' || i, i, '', '', '', 1, 'sha512-x', 'x', 1, '{by}' FROM n",
        numbers(size.versions)
    );
    let event = json!({ "action": "exchange", "outcome": "granted", "reason": "by its token", "repository": "acme/widget", "run_url": "https://github.com/acme/widget/actions/runs/1", "issuer": "https://token.actions.githubusercontent.com" });
    let id = if is_sqlite { "printf('%016x', i)" } else { "lpad(to_hex(i), 16, '0')" };
    let events = format!(
        "{} INSERT INTO registry_event (id, at, ecosystem, package, event, granted, publisher) \
         SELECT {id}, 1700000000 + i / 10, 'npm', 'measured', '{event}', CASE WHEN i % 50 = 0 THEN 0 ELSE 1 END, 'x' FROM n",
        numbers(size.events)
    );
    let few = format!(
        "{} INSERT INTO registry_event (id, at, ecosystem, package, event, granted, publisher) \
         SELECT 'f' || i, 1600000000 + i, 'npm', 'small', '{event}', 1, 'y' FROM n",
        numbers(size.events.min(FEW))
    );
    for statement in [versions, events, few, "ANALYZE".to_owned()] {
        connection.execute(AssertSqlSafe(statement)).await.expect("rows");
    }
}
