//! The numbers that an operator watches, in Prometheus' text format: outcomes of exchanges and publishes, and the age of
//! each issuer's keys. docs/operating.md says what to alert on.
//!
//! `cargo run --example metrics` serves them at `http://127.0.0.1:9000/metrics`.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use axum::{Router, extract::State, routing::get};
use oidc_core::verify::{Verifier, backend::AwsLc};
use oidc_core::{Audience, Context};
use oidc_exchange::server::{self, Event, EventSink, Exchange};
use oidc_exchange::sql::SqlStore;

/// Action, ecosystem and outcome. Each is one of few values, so that the number of counters is bounded.
type Labels = (&'static str, String, &'static str);

/// Counts events by their labels.
#[derive(Clone, Debug, Default)]
pub(crate) struct Metrics(Arc<Mutex<BTreeMap<Labels, u64>>>);

impl EventSink for Metrics {
    fn record(&self, event: &Event) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry((event.action, event.ecosystem.clone(), event.outcome)).or_default() += 1;
    }
}

impl Metrics {
    pub(crate) fn render(&self, verifier: &Verifier) -> Result<String, std::fmt::Error> {
        let mut text = String::from("# TYPE trusted_publishing_events_total counter\n");
        for ((action, ecosystem, outcome), count) in &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            let labels = format!("action=\"{action}\",ecosystem=\"{ecosystem}\",outcome=\"{outcome}\"");
            writeln!(text, "trusted_publishing_events_total{{{labels}}} {count}")?;
        }
        for status in verifier.key_status() {
            let issuer = format!("issuer={:?}", status.issuer);
            writeln!(text, "trusted_publishing_keys{{{issuer}}} {}", status.keys)?;
            writeln!(text, "trusted_publishing_key_fetches_total{{{issuer}}} {}", status.fetches)?;
            writeln!(text, "trusted_publishing_key_failures_total{{{issuer}}} {}", status.failures)?;
            if let Some(age) = status.age {
                writeln!(text, "trusted_publishing_key_age_seconds{{{issuer}}} {}", age.as_secs())?;
            }
        }
        Ok(text)
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let cx = Context::system()?;
    let audience = Audience::new("npm:registry.example")?;
    let verifier = Verifier::new(AwsLc, [audience], &oidc_providers::all(), &cx)?;
    let store = SqlStore::open("sqlite:registry.db").await?;
    let metrics = Metrics::default();
    let exchange = Exchange::builder(verifier, store).sink(metrics.clone()).build();

    let render = async |State((metrics, exchange)): State<(Metrics, Exchange)>| {
        metrics.render(exchange.verifier()).unwrap_or_default()
    };
    // A real registry serves its numbers on a listener that is not for the public.
    let app = Router::new()
        .nest_service("/-/npm/v1/oidc", server::npm(exchange.clone()))
        .route("/metrics", get(render))
        .with_state((metrics, exchange));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:9000").await?;
    Ok(axum::serve(listener, app).await?)
}
