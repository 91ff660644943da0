use async_trait::async_trait;
use oidc_core::http::Request;
use oidc_core::{Context, Diagnosis, HttpUrl, Provider, RegistryRules};

use super::demand::{Demand, TrustedPlatform};
use super::registry::Registry;
use super::scope::Scope;
use super::static_credentials::StaticCredentials;
use super::wording::Wording;

/// The part of a registry that a diagnosis needs and an exchange does not; see [`doctor`](super::doctor).
///
/// All methods have a default, so a registry of another crate can be diagnosed with an empty `impl`.
#[cfg_attr(not(target_arch = "wasm32"), async_trait)]
#[cfg_attr(target_arch = "wasm32", async_trait(?Send))]
pub trait Diagnose: Registry {
    /// Returns facts on the protocol's public registry, and on the tools that publish there.
    fn facts(&self) -> &'static ProtocolFacts {
        const { &ProtocolFacts::UNKNOWN }
    }

    /// Makes a request that every registry of this protocol answers without authentication. If the request
    /// accepts JSON, a web page is not taken for a registry's answer.
    fn probe(&self) -> Request {
        Request::get(self.url().clone())
    }

    /// Returns `true` if a probe with this status found a registry of this protocol. If it did not, a publish
    /// fails even where the exchange succeeds, since some clients ask for the exchange at the host's root,
    /// whatever the path is.
    fn is_there(&self, _status: u16) -> bool {
        true
    }

    /// Returns advice on the registry's URL: mistakes that are easily overlooked.
    fn advise(&self, _request: &AdviceRequest<'_>) -> Vec<Diagnosis> {
        Vec::new()
    }

    /// Returns advice on the job: conditions that keep the protocol's own tools from publishing here, even
    /// though an exchange by this client succeeds.
    ///
    /// `async fn advise_on_tools(&self, request: &AdviceRequest<'_>, cx: &Context) -> Vec<Diagnosis>`
    async fn advise_on_tools(&self, _request: &AdviceRequest<'_>, _cx: &Context) -> Vec<Diagnosis> {
        Vec::new()
    }
}

/// A publish that a registry gives advice on.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct AdviceRequest<'a> {
    /// The scope of the token that the publish needs.
    pub scope: &'a Scope,
    /// The platform that the job runs on, if it is known.
    pub platform: Option<&'a dyn Provider>,
    /// The names of the application's own commands and options.
    pub wording: &'a Wording,
}

impl<'a> AdviceRequest<'a> {
    /// A publish with a token for `scope`, on an unknown platform.
    pub fn new(scope: &'a Scope, wording: &'a Wording) -> Self {
        Self { scope, platform: None, wording }
    }

    /// Sets the platform that the job runs on.
    #[must_use]
    pub fn on(mut self, platform: Option<&'a dyn Provider>) -> Self {
        self.platform = platform;
        self
    }
}

/// Facts on a protocol's public registry, and on the tools that publish there. Other registries of the
/// protocol may have other rules.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ProtocolFacts {
    /// The public registry's URL.
    pub public_url: &'static str,
    /// The vendor's page on trusted publishers.
    pub link: &'static str,
    /// The places where the registry's users keep static credentials.
    pub static_credentials: StaticCredentials,
    /// The variables that tell tools the registry's URL.
    pub url_variables: &'static [&'static str],
    /// The rules by which the public registry compares a token with a publisher.
    pub rules: RegistryRules,
    /// The platforms whose tokens the public registry accepts; empty where they are not known.
    pub platforms: &'static [TrustedPlatform],
    /// Further demands of the public registry on a token.
    pub demands: &'static [Demand],
    /// The question that an accepted exchange at the public registry leaves open, and where to find the
    /// answer.
    pub left_open: Option<(&'static str, &'static str)>,
}

impl ProtocolFacts {
    /// No facts, for a protocol of another crate.
    const UNKNOWN: Self = Self::without_public(StaticCredentials::new("", &[], &[], ""));

    /// Facts on a protocol without a public registry, whose rules are each operator's.
    pub(super) const fn without_public(static_credentials: StaticCredentials) -> Self {
        Self::new(
            "",
            "",
            RegistryRules::comparing(oidc_core::ComparedWorkflow::Uncertain),
            static_credentials,
        )
    }

    /// Facts on the public registry at `public_url`: the vendor's page on trusted publishers, the rules of
    /// comparison, and the places where users keep static credentials.
    pub const fn new(
        public_url: &'static str,
        link: &'static str,
        rules: RegistryRules,
        static_credentials: StaticCredentials,
    ) -> Self {
        Self {
            public_url,
            link,
            static_credentials,
            url_variables: &[],
            rules,
            platforms: &[],
            demands: &[],
            left_open: None,
        }
    }

    /// Adds the variables that tell tools the registry's URL.
    #[must_use]
    pub const fn url_variables(mut self, names: &'static [&'static str]) -> Self {
        self.url_variables = names;
        self
    }

    /// Adds the platforms whose tokens the public registry accepts.
    #[must_use]
    pub const fn platforms(mut self, platforms: &'static [TrustedPlatform]) -> Self {
        self.platforms = platforms;
        self
    }

    /// Adds further demands of the public registry on a token.
    #[must_use]
    pub const fn demands(mut self, demands: &'static [Demand]) -> Self {
        self.demands = demands;
        self
    }

    /// Adds the question that an accepted exchange at the public registry leaves open, and where to find the
    /// answer.
    #[must_use]
    pub const fn left_open(mut self, problem: &'static str, fix: &'static str) -> Self {
        self.left_open = Some((problem, fix));
        self
    }

    /// Returns `true` if a registry is the vendor's own, including its further hosts (for tests, for
    /// uploads).
    pub fn is_public(&self, url: &HttpUrl) -> bool {
        let Ok(public) = HttpUrl::parse(self.public_url) else { return false };
        // The last two labels are taken for the vendor's domain, which is right for the known registries.
        let mut labels = public.host().rsplit('.');
        let (Some(top), Some(name)) = (labels.next(), labels.next()) else { return false };
        let domain = format!("{name}.{top}");
        url.host() == domain || url.host().strip_suffix(&*domain).is_some_and(|rest| rest.ends_with('.'))
    }
}
