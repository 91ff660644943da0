use std::borrow::Cow;
use std::cell::Cell;
use std::error::Error;
use std::fmt;
use std::path::Path;

use sqlx::error::{DatabaseError, ErrorKind};

use super::*;

/// An error of a server, by its code.
#[derive(Debug)]
struct Code(&'static str);

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Error for Code {}

impl DatabaseError for Code {
    fn message(&self) -> &str {
        self.0
    }

    fn code(&self) -> Option<Cow<'_, str>> {
        Some(Cow::Borrowed(self.0))
    }

    fn as_error(&self) -> &(dyn Error + Send + Sync + 'static) {
        self
    }

    fn as_error_mut(&mut self) -> &mut (dyn Error + Send + Sync + 'static) {
        self
    }

    fn into_error(self: Box<Self>) -> Box<dyn Error + Send + Sync + 'static> {
        self
    }

    fn kind(&self) -> ErrorKind {
        ErrorKind::Other
    }
}

fn sqlite(folder: &Path, options: &str) -> String {
    format!("sqlite:{}/test.db{options}", folder.display())
}

/// How often a transaction is tried that fails by `code` so many times, and whether it came to its end.
async fn attempts(database: &Database, code: &'static str, failures: usize) -> (usize, bool) {
    let calls = Cell::new(0);
    let transaction = || {
        calls.set(calls.get() + 1);
        let call = calls.get();
        async move { if call > failures { Ok(()) } else { Err(sqlx::Error::Database(Box::new(Code(code)))) } }
    };
    let is_done = database.attempt(transaction).await.is_ok();
    (calls.get(), is_done)
}

#[tokio::test]
async fn a_transaction_is_tried_again_where_it_was_given_up_and_only_there() {
    let folder = tempfile::tempdir().unwrap();
    let database = Database::open(&sqlite(folder.path(), "")).await.unwrap();
    for (code, failures, expected) in [
        ("40001", 0, (1, true)),
        ("40001", 1, (2, true)),
        ("40P01", ATTEMPTS - 1, (ATTEMPTS, true)),
        ("40001", ATTEMPTS, (ATTEMPTS, false)),
        ("40P01", usize::MAX, (ATTEMPTS, false)),
        // A unique value that is there already, and a commit of which nobody knows whether it held.
        ("23505", 1, (1, false)),
        ("40003", 1, (1, false)),
    ] {
        assert_eq!(attempts(&database, code, failures).await, expected, "{code} {failures}");
    }
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
