use std::fmt;
use std::time::Duration;

use oidc_core::{Run, Timestamp, shown};
use serde::{Serialize, Serializer};

/// A text of an event has at most this many characters.
const MAX_TEXT: usize = 4096;

/// One exchange attempt or one use of a publish token, as data. It holds no secret, no e-mail address and no claim
/// that a rule doesn't read.
///
/// An application records its own with [`Exchange::record`](super::Exchange::record), and every sink gets them beside the
/// exchange's:
///
/// ```
/// use oidc_exchange::server::{Event, Exchange, GrantedPackage, TokenRecord};
///
/// fn published(exchange: &Exchange, token: &TokenRecord, granted: &GrantedPackage, version: &str) {
///     let now = exchange.verifier().context().clock().now();
///     let event = Event::new(now, "publish", &*granted.package.ecosystem, "granted", "the token is for this package")
///         .package(&*granted.package.name)
///         .version(version)
///         .publisher(&*granted.publisher)
///         .verified(&*token.issuer, &token.run);
///     exchange.record(event);
/// }
/// ```
///
/// Whatever the texts were made of, a sink gets them without control and formatting characters and with at most 4096
/// characters each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Event {
    /// When, in seconds since the epoch.
    pub time: u64,
    /// What: `exchange`, or the use of a publish token in the application's words, such as `publish`.
    pub action: &'static str,
    /// The package's protocol.
    pub ecosystem: String,
    /// The package, where the request named one. At an endpoint that names none, the packages of the grant in one text, and so are
    /// the publishers: those of other accounts may be among them, which are not to see when this repository's jobs run. Such an
    /// event is for the operator.
    pub package: Option<String>,
    /// The version, where one was published.
    pub version: Option<String>,
    /// `granted`, or the refusal's kind.
    pub outcome: &'static str,
    /// The decision in words that the package's owner may read: the publisher that matched, or what the caller was told.
    pub reason: String,
    /// The decision in words for the registry's operator alone, where there is more to say: what is configured, also of other
    /// packages, the issuers that are trusted, why the store failed. It takes the place of [`reason`](Self::reason).
    pub for_operator: Option<String>,
    /// The publisher that let the token in, by its id in the registry.
    pub publisher: Option<String>,
    /// The publisher that is nearest to a token that was refused, by its id in the registry; for the operator.
    pub nearest: Option<String>,
    /// The issuer, once the token's signature held.
    pub issuer: Option<String>,
    /// The repository or project, once the token's signature held.
    pub repository: Option<String>,
    /// A link to the run, once the token's signature held.
    pub run_url: Option<String>,
    /// How long the exchange took until it was decided, in JSON in seconds.
    #[serde(serialize_with = "seconds")]
    pub elapsed: Option<Duration>,
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
            for_operator: None,
            publisher: None,
            nearest: None,
            issuer: None,
            repository: None,
            run_url: None,
            elapsed: None,
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

    /// With words for the operator alone.
    #[must_use]
    pub fn for_operator(mut self, text: impl Into<String>) -> Self {
        self.for_operator = Some(text.into());
        self
    }

    /// With the time that it took.
    #[must_use]
    pub fn elapsed(mut self, elapsed: Duration) -> Self {
        self.elapsed = Some(elapsed);
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

    /// Returns whether the token's signature held, so that the event is about somebody.
    pub fn is_verified(&self) -> bool {
        self.issuer.is_some()
    }

    /// Returns the whole decision in words, for the operator.
    pub fn operator_text(&self) -> &str {
        self.for_operator.as_deref().unwrap_or(&self.reason)
    }

    /// The same with every text fit to be shown.
    pub(super) fn bounded(mut self) -> Self {
        for text in [&mut self.ecosystem, &mut self.reason] {
            bound(text);
        }
        let optional = [
            &mut self.package,
            &mut self.version,
            &mut self.for_operator,
            &mut self.publisher,
            &mut self.nearest,
            &mut self.issuer,
            &mut self.repository,
            &mut self.run_url,
        ];
        for text in optional.into_iter().flatten() {
            bound(text);
        }
        self
    }
}

/// Escapes and shortens a text; an escaped character is several, so that what is shown is measured once more.
fn bound(text: &mut String) {
    *text = shown(text).up_to(MAX_TEXT).to_string();
    if let Some((end, _)) = text.char_indices().nth(MAX_TEXT) {
        text.truncate(end);
        text.push('…');
    }
}

fn seconds<S: Serializer>(elapsed: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    elapsed.map(|elapsed| elapsed.as_secs_f64()).serialize(serializer)
}

/// Takes events. Called on the request's path: hand over, don't wait.
pub trait EventSink: fmt::Debug + Send + Sync {
    /// Takes one event.
    fn record(&self, event: &Event);
}

/// The sink that every exchange has: `tracing`, at level `info`, target `oidc_exchange::events`. It is for the operator.
#[derive(Clone, Copy, Debug, Default)]
pub struct Events;

impl EventSink for Events {
    fn record(&self, event: &Event) {
        tracing::info!(
            target: "oidc_exchange::events",
            action = event.action,
            ecosystem = %event.ecosystem,
            package = %event.package.as_deref().unwrap_or_default(),
            version = %event.version.as_deref().unwrap_or_default(),
            outcome = event.outcome,
            issuer = %event.issuer.as_deref().unwrap_or_default(),
            repository = %event.repository.as_deref().unwrap_or_default(),
            run = %event.run_url.as_deref().unwrap_or_default(),
            publisher = event.publisher.as_deref().unwrap_or_default(),
            nearest = event.nearest.as_deref().unwrap_or_default(),
            elapsed = event.elapsed.map(|elapsed| elapsed.as_secs_f64()),
            reason = %event.operator_text(),
        );
    }
}
