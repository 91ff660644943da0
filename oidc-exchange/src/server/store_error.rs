/// An error of a store that can't be reached, or that holds invalid data. The reason is for the log, not for
/// a caller.
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
