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
        let opened = Database::open(&sqlite(folder.path(), options)).await;
        assert_eq!(opened.is_ok(), is_made, "{options}: {opened:?}");
        assert_eq!(folder.path().join("test.db").exists(), is_made, "{options}");
    }
}

/// The pool alone would try for half a minute.
#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "opening a store has no `Context`")]
async fn a_server_that_is_not_there_is_told_soon() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("postgres://nobody@{}/none", listener.local_addr().unwrap());
    drop(listener);
    let opened = tokio::time::timeout(2 * CONNECT_TIMEOUT, Database::open(&url)).await;
    let error = opened.expect("an answer").unwrap_err().to_string();
    assert!(error.contains("refused"), "{error}");
}
