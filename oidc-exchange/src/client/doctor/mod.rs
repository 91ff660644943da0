//! A check, without publishing, whether a publish from this job would be accepted, and if not, what to
//! change.
//!
//! ```no_run
//! use oidc_core::{Context, ProviderSet};
//! use oidc_exchange::client::doctor::{Doctor, Verdict};
//! use oidc_exchange::client::Npm;
//!
//! # async fn check(providers: ProviderSet, cx: Context) -> Result<(), Box<dyn std::error::Error>> {
//! let registry = Npm::at("https://registry.example/npm/")?;
//! let report = Doctor::of(&registry, Npm::scope("@acme/widget")?).examine(&providers, &cx).await;
//! assert_eq!(report.verdict, Verdict::Accepted, "{}", report.to_text());
//! # Ok(())
//! # }
//! ```

mod clock;
mod elsewhere;
mod intended;
mod job;
mod next_steps;
mod probe;
mod report;
mod static_credentials;
mod verdict;

use oidc_core::{
    Claims, Context, Diagnosis, HttpUrl, Provider, ProviderSet, RegistryRules, Severity, Target, Unverified,
};
use serde_json::{Map, Value};

use self::clock::Clocks;
use self::job::Job;
pub use self::probe::unusable_url;
use self::probe::{Found, Probed};
pub use self::report::{Difference, Report};
pub use self::verdict::Verdict;
use super::diagnose::{AdviceRequest, Diagnose};
use super::registry::ExchangeRequest;
use super::scope::Scope;
use super::wording::Wording;
use crate::codes;

/// A check of this job and a registry; see the module.
///
/// It checks in this order: whether the job gets identity tokens; its token, event, runner and environment;
/// the clocks; the registry's URL; remaining long-lived secrets; the publisher that the user intends; and
/// then the exchange itself.
#[derive(Debug)]
pub struct Doctor<'a> {
    registry: &'a dyn Diagnose,
    scope: Scope,
    named: Option<String>,
    exchanges_always: bool,
    intended: Map<String, Value>,
    rules: Option<RegistryRules>,
    wording: Wording,
}

impl<'a> Doctor<'a> {
    /// A check of a publish at `registry` with a token for `scope`.
    pub fn of(registry: &'a dyn Diagnose, scope: Scope) -> Self {
        Self {
            registry,
            scope,
            named: None,
            exchanges_always: false,
            intended: Map::new(),
            rules: None,
            wording: Wording::default(),
        }
    }

    /// Adds the package that the user wants to publish, where a token is for every package of the identity.
    /// It is compared with the packages that the registry's answer names.
    #[must_use]
    pub fn naming(mut self, package: impl Into<String>) -> Self {
        self.named = Some(package.into());
        self
    }

    /// Exchanges the identity token even where the platform makes no other token for this job (GitLab). A
    /// later publish in the same job may then be refused, since the token was used.
    #[must_use]
    pub fn exchanging_always(mut self) -> Self {
        self.exchanges_always = true;
        self
    }

    /// Adds the publisher that the user intends, by the keys of its configuration. The report compares it
    /// with the job. The values of missing required keys are taken from the job.
    #[must_use]
    pub fn intending(mut self, publisher: Map<String, Value>) -> Self {
        self.intended = publisher;
        self
    }

    /// Replaces the rules of the registry. A protocol's public registry has the protocol's rules. The rules
    /// of any other registry are unknown unless they are set here; the registry is then assumed to compare the
    /// workflow that was started.
    #[must_use]
    pub fn by_rules(mut self, rules: RegistryRules) -> Self {
        self.rules = Some(rules);
        self
    }

    /// Sets the names of the application's own commands and options. By default, the report names none.
    #[must_use]
    pub fn wording(mut self, wording: Wording) -> Self {
        self.wording = wording;
        self
    }

    /// Runs all checks. Nothing is published, and the publish token of the exchange is revoked where the
    /// registry can.
    pub async fn examine(&self, providers: &ProviderSet, cx: &Context) -> Report {
        let url = self.registry.url();
        if let Err(error) = self.registry.check_scope(&self.scope) {
            return Report::of_unusable(&url.to_string(), self.package(), error.diagnosis().clone());
        }
        let mut report = Report::new(url.to_string(), self.package());
        // Another registry of the protocol may compare differently.
        let rules = self.rules.or(self.is_public().then_some(self.registry.facts().rules));
        let job = Job::find(self.registry, providers, cx, &mut report).await.map(|job| job.by_rules(rules));
        let claims = job.as_ref().and_then(Job::claims);
        if let (Some(job), Some(claims)) = (&job, &claims) {
            self.examine_job(job, claims, providers, &mut report);
        }
        let Probed { found, clock } = self.probe(cx, &mut report).await;
        let variable = self.registry.protocol().token_variables.first().copied();
        let clocks = Clocks {
            now: cx.clock().now(),
            registry: clock,
            claims: claims.as_ref().map(Unverified::read_unverified),
            is_new: job.as_ref().is_some_and(Job::is_renewable),
            renewal: job.as_ref().map(|job| job.renewal(variable)).unwrap_or_default(),
        };
        report.add_all(clocks.examine());
        match found {
            Found::Registry => self.examine_tools(job.as_ref(), cx, &mut report).await,
            Found::Other | Found::Nothing => report.miss_registry(),
        }
        report.add_all(static_credentials::look(self.registry, providers, &self.wording, cx));
        // An identity token is sent only where a registry was found.
        if let (Some(job), Found::Registry) = (&job, found) {
            self.exchange(job, cx, &mut report).await;
        }
        report.conclude(self.registry.facts().link, self.is_public());
        report.next = next_steps::steps(&report, self.registry.facts(), self.is_public(), &self.wording);
        report
    }

    /// Returns `true` if the registry is the protocol's public one, whose rules are known.
    fn is_public(&self) -> bool {
        self.registry.facts().is_public(self.registry.url())
    }

    /// Examines the job's token: its issuer, its claims, and what the registry demands of them.
    fn examine_job(
        &self,
        job: &Job,
        claims: &Unverified<Claims>,
        providers: &ProviderSet,
        report: &mut Report,
    ) {
        report.platform = Some(job.platform().to_owned());
        let facts = self.registry.facts();
        let (trusted, demands) =
            if self.is_public() { (facts.platforms, facts.demands) } else { (&[][..], &[][..]) };
        report.add_all(job::untrusted_issuer(job, claims.read_unverified(), providers, trusted));
        self.review(job.provider(), claims, report);
        for demand in demands {
            demand.examine(claims.read_unverified(), &mut report.diagnoses);
        }
    }

    /// Examines the tools that would publish, and where they would publish to.
    async fn examine_tools(&self, job: Option<&Job>, cx: &Context, report: &mut Report) {
        let request = AdviceRequest::new(&self.scope, &self.wording).on(job.and_then(Job::provider));
        report.add_all(self.registry.advise(&request));
        let (url, variables) = (self.registry.url(), self.registry.facts().url_variables);
        report.add_all(elsewhere::look(variables, url, &self.wording, cx.environment()));
        report.add_all(self.registry.advise_on_tools(&request, cx).await);
    }

    /// Returns the package that the report is about, if it is about one.
    fn package(&self) -> Option<&str> {
        self.named.as_deref().or_else(|| self.scope.package())
    }

    /// Checks that a registry is at its URL, unless it could not be reached when it was asked for its
    /// audience.
    async fn probe(&self, cx: &Context, report: &mut Report) -> Probed {
        if report.is_unreachable {
            return Probed::without_clock(Found::Nothing);
        }
        probe::probe(self.registry, cx, report).await
    }

    /// Reviews the token's claims on their own.
    fn review(&self, provider: Option<&dyn Provider>, claims: &Unverified<Claims>, report: &mut Report) {
        if let Some(provider) = provider {
            report.settings = provider.settings(claims);
            // With the publisher stated, notices about what it might have are not needed.
            let matters = |one: &Diagnosis| one.severity != Severity::Notice || self.intended.is_empty();
            report.add_all(provider.advise(claims).into_iter().filter(matters));
        }
        if !self.intended.is_empty() {
            intended::compare(provider, claims, &self.intended, report);
        }
    }

    async fn exchange(&self, job: &Job, cx: &Context, report: &mut Report) {
        if !self.registry.protocol().exchanges {
            return report.leave_untried();
        }
        if !job.is_renewable() && !self.exchanges_always {
            return report.add(self.untried());
        }
        let request = ExchangeRequest::new(job.token(), self.scope.clone());
        match self.registry.exchange(&request, cx).await {
            Ok(token) => {
                report.accept(self.named.as_deref(), token.packages());
                let open = self.registry.facts().left_open.filter(|_| self.is_public());
                report.add_all(open.map(|open| left_open(self.registry.url(), open)));
                if !job.is_renewable() {
                    report.add(used());
                }
                // The publish token was made for this check only.
                if let Err(error) = self.registry.revoke(&token, cx).await {
                    report.add(error.diagnosis().clone().severity(Severity::Notice));
                }
            }
            Err(error) => report.refuse(&error),
        }
    }

    /// Reports that the exchange was not tried, since the job would have no token for the publish.
    fn untried(&self) -> Diagnosis {
        let problem = "the exchange was not tried: this job gets no second identity token, and its only one would be used";
        let option = self.wording.of_exchange().map(|option| format!(" (`{option}`)")).unwrap_or_default();
        let fix = format!("ask for it if nothing is to be published afterwards in this job{option}");
        Diagnosis::new(codes::EXCHANGE_UNTRIED, Target::Token, problem).fix(fix).severity(Severity::Notice)
    }
}

/// The question that an accepted exchange leaves open.
fn left_open(url: &HttpUrl, (problem, fix): (&str, &str)) -> Diagnosis {
    let diagnosis = Diagnosis::new(codes::EXCHANGE_UNTOLD, Target::Url(url.to_string()), problem);
    diagnosis.severity(Severity::Notice).fix(fix)
}

/// Reports that the check itself used the job's only token.
fn used() -> Diagnosis {
    let problem = "the job's token is used now, by this check, and the job gets no other";
    let diagnosis = Diagnosis::new(codes::TOKEN_USED, Target::Token, problem).severity(Severity::Warning);
    diagnosis.fix("publish in another job")
}
