use std::error::Error as _;
use std::path::Path;

use super::*;

fn sqlite(folder: &Path, options: &str) -> String {
    format!("sqlite:{}/test.db{options}", folder.display())
}

#[tokio::test]
async fn a_file_is_made_unless_the_url_says_otherwise() {
    for (options, is_made) in [("", true), ("?cache=private", true), ("?mode=rwc", true), ("?mode=rw", false)]
    {
        let folder = tempfile::tempdir().unwrap();
        let opened = SqlStore::open(&sqlite(folder.path(), options)).await;
        assert_eq!(opened.is_ok(), is_made, "{options}: {opened:?}");
        assert_eq!(folder.path().join("test.db").exists(), is_made, "{options}");
    }
}

#[tokio::test]
async fn whoever_connects_makes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let options = SqlOptions::new(sqlite(folder.path(), ""));
    assert!(matches!(options.connect().await, Err(OpenError::Connect(_))));
    assert!(!folder.path().join("test.db").exists());
    options.migrate().await.unwrap();
    options.connect().await.unwrap();
}

/// The pool alone would try for half a minute.
#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "opening a store has no `Context`")]
async fn a_server_that_is_not_there_is_told_soon() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("postgres://nobody@{}/none", listener.local_addr().unwrap());
    let open = SqlOptions::new(&url).connect_timeout(Duration::from_millis(20));
    let error = open.open().await.unwrap_err();
    let source = error.source().unwrap().to_string();
    assert!(source.contains("no answer within 0.02 s"), "a server that keeps silent: {source}");
    drop(listener);
    let opened = tokio::time::timeout(Duration::from_secs(10), SqlStore::open(&url)).await;
    let error = opened.expect("an answer").unwrap_err();
    let source = error.source().unwrap().to_string();
    assert!(source.contains("refused"), "{source}");
}

#[tokio::test]
async fn options_that_cant_be_used_are_refused_with_the_reason() {
    for (options, words) in [
        (SqlOptions::new("registry.db"), "it is no URL"),
        (SqlOptions::new("mysql://root:hunter2@localhost/registry"), "no store for `mysql`"),
        (SqlOptions::new("sqlite:registry.db").schema("registry"), "SQLite has no schemas"),
        (SqlOptions::new("postgres://root:hunter2@localhost/registry").schema("Registry"), "lower-case"),
        (SqlOptions::new("postgres://root:hunter2@localhost/registry").schema("a, public"), "lower-case"),
        (SqlOptions::new("postgres://root:hunter2@localhost/registry").schema(""), "lower-case"),
        (SqlOptions::new("sqlite:registry.db").max_connections(0), "`max_connections` is 0"),
    ] {
        for error in
            [options.open().await.map(drop), options.connect().await.map(drop), options.migrate().await]
        {
            let error = error.unwrap_err();
            assert!(matches!(error, OpenError::Options { .. }), "{error:?}");
            assert!(error.to_string().contains(words), "{error}");
            assert!(!format!("{error:?} {options:?}").contains("hunter2"), "{error:?} {options:?}");
        }
    }
}

#[tokio::test]
async fn a_database_in_memory_is_opened_and_nothing_else() {
    for url in ["sqlite::memory:", "sqlite:name?mode=memory", "sqlite::memory:?cache=shared"] {
        let options = SqlOptions::new(url);
        options.open().await.unwrap_or_else(|error| panic!("{url}: {error}"));
        for refused in [options.connect().await.map(drop), options.migrate().await] {
            let error = refused.unwrap_err().to_string();
            assert!(error.contains("in memory"), "{url}: {error}");
        }
    }
}

#[tokio::test]
async fn a_database_in_memory_outlives_its_connections() {
    let store = SqlStore::open("sqlite::memory:").await.unwrap();
    let lost = store.database.pool().acquire().await.unwrap();
    lost.detach().close_hard().await.unwrap();
    let query = sqlx::query_scalar("SELECT COUNT(*) FROM oidc_replay");
    let count: i64 = query.fetch_one(store.database.pool()).await.unwrap();
    assert_eq!(count, 0);
}
