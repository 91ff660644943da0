use std::borrow::Cow;
use std::cell::Cell;
use std::error::Error;
use std::fmt;

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

/// Returns the number of attempts for a transaction that fails with `code` so many times, and whether it succeeded in
/// the end.
async fn attempts(code: &'static str, failures: usize) -> (usize, bool) {
    let calls = Cell::new(0);
    let transaction = || {
        calls.set(calls.get() + 1);
        let call = calls.get();
        // However deep the application's own error has it.
        let error = StoreError::new(StoreError::new(sqlx::Error::Database(Box::new(Code(code)))));
        async move { if call > failures { Ok(()) } else { Err(error) } }
    };
    let is_done = retry(transaction).await.is_ok();
    (calls.get(), is_done)
}

#[tokio::test]
async fn a_transaction_is_tried_again_where_it_was_given_up_and_only_there() {
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
        assert_eq!(attempts(code, failures).await, expected, "{code} {failures}");
    }
}
