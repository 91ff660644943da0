/// An error of a store that can't be reached, or that holds invalid data. The reason is for the log, not for
/// a caller. An endpoint answers it with 500 ([`RefusalKind::Internal`](super::RefusalKind::Internal)).
///
/// With feature `sqlx`, `?` converts the error of an application's own statement (`sqlx::Error`) to it. The application handles an
/// error that a caller may cause, such as a version that exists already, before that: see `sql::Transaction::connection`.
#[derive(Debug, thiserror::Error)]
#[error("the store failed")]
pub struct StoreError {
    source: Box<dyn std::error::Error + Send + Sync>,
}

impl StoreError {
    /// An error with its reason.
    pub fn new(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { source: source.into() }
    }
}
