//! The platforms that the registry trusts, and their publishers, as people read them.

use std::sync::Arc;

use maud::{Markup, html};
use oidc_core::Provider;
use oidc_exchange::server::PublisherRecord;

use super::Ui;
use super::draft::Draft;
use super::values::value;

impl Ui {
    /// Every platform with each of its issuers.
    pub(super) fn platforms(&self) -> Vec<(&'static str, String)> {
        let providers = self.0.providers.iter();
        let of = |provider: &Arc<dyn Provider>| {
            let title = provider.title();
            provider
                .profile()
                .issuers
                .iter()
                .map(|issuer| (title, issuer.url().to_string()))
                .collect::<Vec<_>>()
        };
        providers.flat_map(of).collect()
    }

    /// A platform's name for people.
    pub(super) fn platform_title<'a>(&self, id: &'a str) -> &'a str {
        self.0.providers.iter().find(|provider| provider.id() == id).map_or(id, |provider| provider.title())
    }

    /// An empty draft for the platform of an issuer.
    pub(super) fn draft(&self, issuer: &str) -> Option<Draft> {
        Some(Draft::new(self.0.providers.for_issuer(issuer)?.clone(), issuer))
    }

    /// An empty draft where there is one platform with one issuer.
    pub(super) fn only_platform(&self) -> Option<Draft> {
        match self.platforms().as_slice() {
            [(_, issuer)] => self.draft(issuer),
            _ => None,
        }
    }
}

/// A publisher in one line: the jobs that it accepts.
pub(super) fn description(ui: &Ui, record: &PublisherRecord) -> Markup {
    let provider = ui.0.providers.for_issuer(&record.identity.issuer);
    let publisher = provider.and_then(|provider| provider.publisher(&record.rules()).ok());
    let title = ui.platform_title(&record.provider);
    match publisher {
        Some(publisher) => html! { (title) ": " (value(&publisher.describe())) },
        None => html! { (title) ": not usable, since its platform is not configured or its rules changed" },
    }
}
