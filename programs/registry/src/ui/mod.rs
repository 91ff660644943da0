//! Pages for people, below `/-/ui/`: a package's versions with where they came from, its trusted publishers, and its audit.
//!
//! | page | for |
//! |---|---|
//! | `/-/ui/` | the packages of an ecosystem |
//! | `/-/ui/package` | a package's versions; everybody, of public packages |
//! | `/-/ui/settings` | a package's trusted publishers; whoever logged in |
//! | `/-/ui/prefixes` | the question for a prefix of names, whose trusted publishers are then shown; whoever logged in |
//! | `/-/ui/publisher` | the form of a trusted publisher; whoever logged in |
//! | `/-/ui/remove` | the question before a publisher is removed; whoever logged in |
//! | `/-/ui/audit`, `/-/ui/audit.json` | exchanges and publishes; whoever logged in |
//! | `/-/ui/log-in`, `/-/ui/log-out` | sessions |
//!
//! A page names its package in the query (`ecosystem`, `name`), so that no name is ever a path. On the pages of trusted publishers,
//! a name that ends with `*` is the prefix of all packages whose names begin so, as in the API. Pages are made on the server and
//! need no script. Every `POST` goes through [`Posted`](request::Posted) or [`Write`](request::Write), which check the
//! origin and the form's token, so that no handler can forget to.

mod attempts;
mod audit;
mod draft;
mod events;
mod fields;
mod home;
mod log_in;
mod offer;
mod package;
mod page;
mod platforms;
mod prefixes;
mod preview;
mod provenance;
mod publisher;
mod refused;
mod remove;
mod request;
mod requirement;
mod rows;
mod session;
mod settings;
mod snippet;
mod values;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use oidc_core::{Context, HttpUrl, ProviderSet};
use oidc_exchange::server::Trust;
use oidc_exchange::sql::SqlStore;
use oidc_provenance::Requirement;

use self::attempts::Attempts;
pub(crate) use self::log_in::Accounts;
pub use self::log_in::LogIn;
use self::session::Sessions;
use super::choices::Choices;
use super::config::{Config, Ecosystem};
use super::origin::Defined;

/// The path of the pages, below the registry's URL.
pub(super) const ROOT: &str = "/-/ui";

/// The parts of a registry that its pages show and change.
#[derive(Clone)]
pub(super) struct Ui(Arc<Inner>);

struct Inner {
    store: SqlStore,
    trust: Trust,
    providers: ProviderSet,
    public_url: HttpUrl,
    /// The packages that the configuration file has for trusted publishers only.
    trusted_only: BTreeSet<(Ecosystem, String)>,
    /// The requirements of provenance that the configuration file has.
    requirements: BTreeMap<(Ecosystem, String), Requirement>,
    /// `true` if provenance is kept.
    keeps_provenance: bool,
    /// The choices that were made on the settings pages.
    choices: Choices,
    accounts: Accounts,
    /// The publishers that these pages don't change.
    defined: Defined,
    sessions: Sessions,
    attempts: Attempts,
    cx: Context,
}

impl Ui {
    /// The pages of a registry.
    pub(super) fn new(
        config: &Config,
        public_url: &HttpUrl,
        (store, trust, providers): (SqlStore, Trust, ProviderSet),
        (accounts, defined): (Accounts, Defined),
        cx: Context,
    ) -> Self {
        let trusted_only = Ecosystem::ALL.into_iter().flat_map(|ecosystem| {
            config.trusted_only(ecosystem).into_iter().map(move |name| (ecosystem, name))
        });
        let requirements = Ecosystem::ALL.into_iter().flat_map(|ecosystem| {
            let of = config.requirements(ecosystem).into_iter();
            of.map(move |(name, requirement)| ((ecosystem, name), requirement))
        });
        Self(Arc::new(Inner {
            choices: Choices::new(store.clone()),
            store,
            trust,
            providers,
            public_url: public_url.clone(),
            trusted_only: trusted_only.collect(),
            requirements: requirements.collect(),
            keeps_provenance: config.provenance.is_some(),
            accounts,
            defined,
            sessions: Sessions::default(),
            attempts: Attempts::default(),
            cx,
        }))
    }
}

impl fmt::Debug for Ui {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ui").field("public_url", &self.0.public_url).finish_non_exhaustive()
    }
}

/// The routes, to be nested at [`ROOT`].
pub(super) fn router(ui: Ui) -> Router {
    Router::new()
        .route("/", get(home::show))
        .route("/style.css", get(page::style))
        .route("/copy.js", get(page::script))
        .route("/log-in", get(log_in::show).post(log_in::log_in))
        .route("/log-out", post(log_in::log_out))
        .route("/package", get(package::show))
        .route("/settings", get(settings::show).post(settings::save))
        .route("/prefixes", get(prefixes::show))
        .route("/provenance", post(requirement::save))
        .route("/publisher", get(publisher::show).post(publisher::submit))
        .route("/remove", get(remove::ask).post(remove::remove))
        .route("/audit", get(audit::show))
        .route("/audit.json", get(audit::json))
        .fallback(page::not_found)
        .with_state(ui)
}
