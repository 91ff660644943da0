//! The job: whether it gets identity tokens, and its token's claims.

use std::borrow::Cow;
use std::sync::Arc;

use oidc_core::{
    Claims, Context, Diagnosis, Environment, IdToken, Provider, ProviderSet, RegistryRules, Severity,
    SourceError, SourceErrorKind, Target, TokenSource, Unverified, shown,
};

use super::report::{Report, UNUSUAL_ISSUER};
use crate::client::demand::{TrustedIssuers, TrustedPlatform};
use crate::client::error::ExchangeErrorKind;
use crate::client::links;
use crate::client::publish::required_source;
use crate::client::registry::Registry;
use crate::codes;

/// CI platforms that a variable reveals, even if the set has no provider for them.
const OTHERS: &[(&str, &str)] = &[
    ("JENKINS_URL", "Jenkins"),
    ("TRAVIS", "Travis CI"),
    ("TF_BUILD", "Azure Pipelines"),
    ("BITBUCKET_BUILD_NUMBER", "Bitbucket Pipelines"),
    ("BUILDKITE", "Buildkite"),
    ("CIRCLECI", "CircleCI"),
    ("GITLAB_CI", "GitLab CI"),
    ("TEAMCITY_VERSION", "TeamCity"),
    ("DRONE", "Drone"),
    ("APPVEYOR", "AppVeyor"),
    ("CIRRUS_CI", "Cirrus CI"),
    ("SEMAPHORE", "Semaphore"),
    ("CODEBUILD_BUILD_ID", "AWS CodeBuild"),
    ("TFC_RUN_ID", "HCP Terraform"),
    ("NETLIFY", "Netlify"),
    ("VERCEL", "Vercel"),
];

/// A job that has an identity token for the registry.
pub(super) struct Job {
    platform: String,
    provider: Option<Arc<dyn Provider>>,
    token: IdToken,
    is_renewable: bool,
}

impl Job {
    /// Detects the job's platform and gets a token from it; `None` where there is none, and then the report
    /// tells the reason.
    pub(super) async fn find(
        registry: &dyn Registry,
        providers: &ProviderSet,
        cx: &Context,
        report: &mut Report,
    ) -> Option<Self> {
        let source = match required_source(registry, providers, cx) {
            Ok(source) => source,
            Err(error) => {
                report.add(no_job(&error, cx.environment()));
                return None;
            }
        };
        let audience = match registry.audience(cx).await {
            Ok(audience) => audience,
            Err(error) => {
                report.is_unreachable = *error.kind() == ExchangeErrorKind::Unreachable;
                report.add(error.diagnosis().clone());
                return None;
            }
        };
        let token = source.token(&audience).await;
        report.platform = Some(source.provider().to_owned());
        match token {
            Ok(token) => Some(Self::new(&*source, token, providers, cx)),
            Err(error) => {
                report.add(error.diagnosis().clone());
                None
            }
        }
    }

    fn new(source: &dyn TokenSource, token: IdToken, providers: &ProviderSet, cx: &Context) -> Self {
        let issuer = token.claims().ok();
        let issuer = issuer.as_ref().and_then(|claims| claims.read_unverified().text("iss"));
        let by_issuer = issuer.and_then(|issuer| providers.for_issuer(&issuer).map(Arc::clone));
        let by_name = || providers.iter().find(|provider| provider.id() == source.provider()).map(Arc::clone);
        let by_job = || providers.here(cx).map(Arc::clone);
        let provider = by_issuer.or_else(by_name).or_else(by_job);
        let platform = provider.as_ref().map_or(source.provider(), |provider| provider.id()).to_owned();
        Self { platform, provider, token, is_renewable: source.is_renewable() }
    }

    pub(super) fn platform(&self) -> &str {
        &self.platform
    }

    /// Replaces the platform by the same platform under these rules of a registry.
    pub(super) fn by_rules(mut self, rules: Option<RegistryRules>) -> Self {
        let compared =
            self.provider.as_ref().zip(rules).and_then(|(provider, rules)| provider.comparing(rules));
        self.provider = compared.or(self.provider);
        self
    }

    pub(super) fn provider(&self) -> Option<&dyn Provider> {
        self.provider.as_deref()
    }

    pub(super) fn token(&self) -> &IdToken {
        &self.token
    }

    pub(super) fn is_renewable(&self) -> bool {
        self.is_renewable
    }

    /// The way for a person to get another token. `variable` is the variable that the registry's users put a
    /// token into.
    pub(super) fn renewal(&self, variable: Option<&str>) -> Cow<'static, str> {
        let unknown = "get a new one from the platform";
        self.provider().map_or(Cow::Borrowed(unknown), |provider| provider.renewal(variable))
    }

    pub(super) fn claims(&self) -> Option<Unverified<Claims>> {
        self.token.claims().ok()
    }
}

/// The variables with which a job asks for tokens on GitHub Actions, and with compatible runners.
const PAIR: [&str; 2] = ["ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"];

/// The variable of the pair that is missing, where only the other one is set.
fn missing_half(environment: &Environment) -> Option<&'static str> {
    match PAIR.map(|name| environment.get(name).is_some()) {
        [true, false] => Some(PAIR[1]),
        [false, true] => Some(PAIR[0]),
        _ => None,
    }
}

/// The reason why the job gets no token. Where no platform was detected, it names a platform that is not
/// supported, if one is found.
fn no_job(error: &SourceError, environment: &Environment) -> Diagnosis {
    let diagnosis = error.diagnosis().clone();
    if error.kind() != SourceErrorKind::NotDetected {
        return diagnosis;
    }
    if let Some(missing) = missing_half(environment) {
        let subject = Target::Variable(missing.to_owned());
        let problem = format!("this job was handed only some of its variables: `{missing}` is not set");
        let fix = "run the publish in the job itself, or hand all of `GITHUB_*` and `ACTIONS_*` on to the container or \
                   script that it runs in";
        return Diagnosis::new(codes::PLATFORM_INCOMPLETE, subject, problem).fix(fix).link(links::GITHUB);
    }
    match OTHERS.iter().find(|(variable, _)| environment.get(variable).is_some()) {
        Some((variable, name)) => {
            let problem = format!("this is a job of {name}, from which no identity token can be had here");
            let subject = Target::Variable((*variable).to_owned());
            let known = diagnosis.expected.unwrap_or_default();
            let fix = "publish from one of these platforms, or put an identity token for the registry into the variable \
                       that it reads";
            Diagnosis::new(codes::PLATFORM_UNSUPPORTED, subject, problem).expected(known).fix(fix)
        }
        None => diagnosis,
    }
}

/// Reports an issuer that is not the public one of a platform, which each registry has to trust separately,
/// or a platform whose tokens the registry is known to refuse.
pub(super) fn untrusted_issuer(
    job: &Job,
    claims: &Claims,
    providers: &ProviderSet,
    trusted: &[TrustedPlatform],
) -> Option<Diagnosis> {
    let issuer = claims.text("iss")?;
    let subject = || Target::Claim("iss".to_owned());
    let platform = trusted.iter().find(|platform| platform.id == job.platform());
    if job.provider.is_some() && !trusted.is_empty() && platform.is_none() {
        let known: Vec<&str> = trusted.iter().map(|platform| platform.id).collect();
        let problem =
            format!("the registry takes no identity tokens of this platform, {}", shown(job.platform()));
        let diagnosis = Diagnosis::new(codes::PLATFORM_NOT_TRUSTED, subject(), problem).found(issuer);
        return Some(
            diagnosis.expected(known.join(", ")).fix("publish from one of the platforms that are expected"),
        );
    }
    let issuers = platform.map(|platform| platform.issuers);
    if providers.for_issuer(&issuer).is_some() || issuers == Some(TrustedIssuers::PerOrganization) {
        return None;
    }
    if issuers == Some(TrustedIssuers::Public) {
        let problem = "the identity token is from an issuer of its own (an enterprise's, a self-managed instance's), and this \
                       registry takes only tokens of the platform's public issuer";
        let fix = "let the enterprise's settings go back to the public issuer (on GitHub: `include_enterprise_slug` off), or \
                   publish from the platform's public instance";
        return Some(Diagnosis::new(UNUSUAL_ISSUER, subject(), problem).found(issuer).fix(fix));
    }
    let problem = "the identity token is from an issuer of its own (an enterprise's, a self-managed instance's), and a registry \
                   takes it only if it trusts exactly this one";
    let fix =
        "ask the registry's operator to trust this issuer, or publish from the platform's public instance";
    let diagnosis = Diagnosis::new(UNUSUAL_ISSUER, subject(), problem);
    Some(diagnosis.severity(Severity::Warning).found(issuer).fix(fix))
}
