use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use oidc_core::{Claims, FieldValue, Provider, Run, Timestamp, Unverified, Verified, shown};
use serde::{Serialize, Serializer};

/// The limit on a text of an event, in characters.
const MAX_TEXT: usize = 4096;

/// An exchange attempt or a use of a publish token, as data. It holds no secret and no e-mail address, and
/// only claims that a rule reads.
///
/// An application records its own events with [`Exchange::record`](super::Exchange::record), and every sink
/// gets them along with those of the exchange:
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
/// A sink gets all texts without control and formatting characters, and with at most 4096 characters each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Event {
    /// The time, in seconds since the epoch.
    pub time: u64,
    /// The action: `exchange`, or the use of a publish token in the application's words, such as `publish`.
    pub action: &'static str,
    /// The package's protocol.
    pub ecosystem: String,
    /// The package, where the request named one. At an endpoint that names none, the packages of the grant in
    /// one text, and likewise the publishers. They may include publishers of other accounts, which must not
    /// see when this repository's jobs run, so such an event is for the operator only.
    pub package: Option<String>,
    /// The version, where one was published.
    pub version: Option<String>,
    /// `granted`, or the refusal's kind.
    pub outcome: &'static str,
    /// The decision, in words that the package's owner may read: the publisher that matched, or the message
    /// to the caller.
    pub reason: String,
    /// The decision, in words for the registry's operator only, where there is more to tell: the configured
    /// publishers, also those of other packages, the trusted issuers, or the reason why the store failed. It
    /// replaces [`reason`](Self::reason).
    pub for_operator: Option<String>,
    /// The publisher that accepted the token, by its id in the registry.
    pub publisher: Option<String>,
    /// The publisher that is nearest to a refused token, by its id in the registry; for the operator.
    pub nearest: Option<String>,
    /// The issuer, if the token's signature was verified.
    pub issuer: Option<String>,
    /// The repository or project, if the token's signature was verified.
    pub repository: Option<String>,
    /// A link to the run, if the token's signature was verified.
    pub run_url: Option<String>,
    /// The thing that a refusal is about, such as ``claim `environment` ``; `subject` in JSON.
    #[serde(rename = "subject")]
    pub target: Option<String>,
    /// The platform of a refused job whose token was verified.
    pub provider: Option<&'static str>,
    /// The configuration of a publisher that would accept a refused job, as the texts of its fields
    /// ([`PublisherField::value_of`](oidc_core::PublisherField::value_of) reads them): for a form that is
    /// filled with it. Empty unless the token was verified. A text that may be an e-mail address is left out.
    pub settings: BTreeMap<&'static str, String>,
    /// The time from the request to the decision, in seconds in JSON.
    #[serde(serialize_with = "seconds")]
    pub elapsed: Option<Duration>,
}

impl Event {
    /// An event without the fields that only a verified token has.
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
            target: None,
            provider: None,
            settings: BTreeMap::new(),
            elapsed: None,
        }
    }

    /// Adds the package.
    #[must_use]
    pub fn package(mut self, package: impl Into<String>) -> Self {
        self.package = Some(package.into());
        self
    }

    /// Adds the version.
    #[must_use]
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.version = Some(version.into());
        self
    }

    /// Adds the publisher that accepted the token.
    #[must_use]
    pub fn publisher(mut self, publisher: impl Into<String>) -> Self {
        self.publisher = Some(publisher.into());
        self
    }

    /// Adds words for the operator only.
    #[must_use]
    pub fn for_operator(mut self, text: impl Into<String>) -> Self {
        self.for_operator = Some(text.into());
        self
    }

    /// Adds the time that the decision took.
    #[must_use]
    pub fn elapsed(mut self, elapsed: Duration) -> Self {
        self.elapsed = Some(elapsed);
        self
    }

    /// Adds the issuer and the run of a verified token.
    #[must_use]
    pub fn verified(mut self, issuer: impl Into<String>, run: &Run) -> Self {
        self.issuer = Some(issuer.into());
        self.repository.clone_from(&run.repository);
        self.run_url.clone_from(&run.url);
        self
    }

    /// Adds the platform and the configuration that would accept the job of a verified token.
    pub(super) fn job(mut self, provider: &dyn Provider, verified: &Verified<Claims>) -> Self {
        let settings = provider.settings(&Unverified::new((**verified).clone()));
        let text = |setting: &FieldValue| Some((setting.field.key, setting.text()?));
        self.provider = Some(provider.id());
        self.settings = settings.iter().filter_map(text).filter(|(_, text)| !may_be_address(text)).collect();
        self
    }

    /// Returns `true` if the token's signature was verified, so that the event is about a known repository.
    pub fn is_verified(&self) -> bool {
        self.issuer.is_some()
    }

    /// Returns the whole decision in words, for the operator.
    pub fn operator_text(&self) -> &str {
        self.for_operator.as_deref().unwrap_or(&self.reason)
    }

    /// Returns the event with every text safe to be shown.
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
            &mut self.target,
        ];
        for text in optional.into_iter().flatten().chain(self.settings.values_mut()) {
            bound(text);
        }
        self
    }
}

/// Returns `true` if a text may be an e-mail address. A workflow at a ref has slashes.
fn may_be_address(text: &str) -> bool {
    text.contains('@') && !text.contains('/')
}

/// Escapes and shortens a text. Escaping makes one character several, so the result is shortened once more.
fn bound(text: &mut String) {
    let safe = shown(text).up_to(MAX_TEXT);
    if safe.is_plain() {
        return;
    }
    *text = safe.to_string();
    if let Some((end, _)) = text.char_indices().nth(MAX_TEXT) {
        text.truncate(end);
        text.push('…');
    }
}

fn seconds<S: Serializer>(elapsed: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    elapsed.map(|elapsed| elapsed.as_secs_f64()).serialize(serializer)
}

/// A receiver of events. It is called while a request is handled: pass the event on, and do not wait.
///
/// ```
/// use std::sync::atomic::{AtomicU64, Ordering};
///
/// use oidc_exchange::server::{Event, EventSink};
///
/// /// A counter of refused exchanges, for metrics.
/// #[derive(Debug, Default)]
/// struct Refused(AtomicU64);
///
/// impl EventSink for Refused {
///     fn record(&self, event: &Event) {
///         if event.outcome != "granted" {
///             self.0.fetch_add(1, Ordering::Relaxed);
///         }
///     }
/// }
/// ```
pub trait EventSink: fmt::Debug + Send + Sync {
    /// Takes one event.
    fn record(&self, event: &Event);
}

/// The sink that every exchange has: `tracing`, at level `info`, target `oidc_exchange::events`. It is for
/// the operator.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "an application writes its name")]
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
