use std::time::Duration;

/// The state of an issuer's keys, for metrics.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyStatus {
    /// The issuer.
    pub issuer: String,
    /// The number of usable keys.
    pub keys: usize,
    /// The age of the keys; `None` where there are none or they come from the configuration.
    pub age: Option<Duration>,
    /// The number of fetches since the start, including failures.
    pub fetches: u64,
    /// The number of failed fetches.
    pub failures: u64,
}
