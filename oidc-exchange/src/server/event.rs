use std::fmt;

use oidc_core::{Run, Timestamp};
use serde::Serialize;

/// One exchange attempt or one use of a publish token, as data. It holds no secret, no e-mail address and no claim
/// that a rule doesn't read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Event {
    /// When, in seconds since the epoch.
    pub time: u64,
    /// What: `exchange`, or the use of a publish token in the application's words, such as `publish`.
    pub action: &'static str,
    /// The package's protocol.
    pub ecosystem: String,
    /// The package, where the request named one.
    pub package: Option<String>,
    /// The version, where one was published.
    pub version: Option<String>,
    /// `granted`, or the refusal's kind.
    pub outcome: &'static str,
    /// What decided: the publisher that matched, or why none did. Fit to be shown.
    pub reason: String,
    /// The publisher that let it in, by its id in the registry.
    pub publisher: Option<String>,
    /// The issuer, once the token's signature held.
    pub issuer: Option<String>,
    /// The repository or project, once the token's signature held.
    pub repository: Option<String>,
    /// A link to the run, once the token's signature held.
    pub run_url: Option<String>,
}

impl Event {
    /// An event without what only a verified token can tell.
    pub fn new(
        time: Timestamp,
        action: &'static str,
        ecosystem: impl Into<String>,
        outcome: &'static str,
        reason: impl Into<String>,
    ) -> Self {
        Self {
            time: time.as_secs(),
            action,
            ecosystem: ecosystem.into(),
            package: None,
            version: None,
            outcome,
            reason: reason.into(),
            publisher: None,
            issuer: None,
            repository: None,
            run_url: None,
        }
    }

    /// With the package.
    #[must_use]
    pub fn package(mut self, package: impl Into<String>) -> Self {
        self.package = Some(package.into());
        self
    }

    /// With the version.
    #[must_use]
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.version = Some(version.into());
        self
    }

    /// With the publisher that let it in.
    #[must_use]
    pub fn publisher(mut self, publisher: impl Into<String>) -> Self {
        self.publisher = Some(publisher.into());
        self
    }

    /// With the run that a verified token was made for.
    #[must_use]
    pub fn verified(mut self, issuer: impl Into<String>, run: &Run) -> Self {
        self.issuer = Some(issuer.into());
        self.repository.clone_from(&run.repository);
        self.run_url.clone_from(&run.url);
        self
    }

    /// Whether the token's signature held, so that the event is about somebody.
    pub fn is_verified(&self) -> bool {
        self.issuer.is_some()
    }
}

/// Takes events. Called on the request's path: hand over, don't wait.
pub trait EventSink: fmt::Debug + Send + Sync {
    /// Takes one event.
    fn record(&self, event: &Event);
}

/// The sink that every exchange has: `tracing`, at level `info`, target `oidc_exchange::events`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Events;

impl EventSink for Events {
    fn record(&self, event: &Event) {
        tracing::info!(
            target: "oidc_exchange::events",
            action = event.action,
            ecosystem = %oidc_core::shown(&event.ecosystem),
            package = %oidc_core::shown(event.package.as_deref().unwrap_or_default()),
            version = %oidc_core::shown(event.version.as_deref().unwrap_or_default()),
            outcome = event.outcome,
            issuer = %oidc_core::shown(event.issuer.as_deref().unwrap_or_default()),
            repository = %oidc_core::shown(event.repository.as_deref().unwrap_or_default()),
            run = %oidc_core::shown(event.run_url.as_deref().unwrap_or_default()),
            publisher = event.publisher.as_deref().unwrap_or_default(),
            reason = %event.reason,
        );
    }
}
