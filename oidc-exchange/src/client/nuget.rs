use std::borrow::Cow;

use super::row::{
    self, Audience, AudienceSource, ComparedCase, ComparedWorkflow, ExchangeError, Expiry, HttpUrl,
    KnownRefusal, Posted, Protocol, ProtocolFacts, RegistryRules, Row, Scope, TrustedPlatform, USED, links,
    tools,
};

/// The public registry.
const PUBLIC: &str = "https://www.nuget.org/";

/// Refusals of nuget.org, by `NuGetGallery`'s source: policies are found by the account that made them.
static KNOWN_REFUSALS: &[KnownRefusal] = &[
    KnownRefusal::of_publisher("trust policy owned by user", POLICY_CREATOR).of_owner(),
    KnownRefusal::of_publisher("directly for organizations", POLICY_CREATOR).of_owner(),
    KnownRefusal::of_token("already been used", USED),
];

/// The rules of nuget.org, by `NuGetGallery`'s source: it accepts a called workflow of the publisher's own
/// repository at any ref, and ignores the case of letters.
const RULES: RegistryRules =
    RegistryRules::comparing(ComparedWorkflow::CalledAtAnyRef).case(ComparedCase::Ignored);

pub(super) static PROTOCOL: Protocol = Protocol::new()
    .token_variables(&["NUGET_ID_TOKEN"])
    .lifetime_in_minutes(15)
    .known_refusals(KNOWN_REFUSALS);

pub(super) static FACTS: ProtocolFacts = ProtocolFacts::new(PUBLIC, links::NUGET, RULES, tools::NUGET)
    .platforms(&[TrustedPlatform::public("github"), TrustedPlatform::public("gitlab")]);

const POLICY_CREATOR: &str = "name the nuget.org account that created the policy (`user` of `NuGet/login`), not the organization \
                              or account that owns the package; if it is that one, compare the policy's repository owner, \
                              repository, workflow file and environment with this job, and see that the policy did not lapse";

/// nuget.org's registry.
///
/// A policy belongs to an account and not to a package, so the exchange names the account that made it. A
/// token is for the packages that the policy covers, and lives 15 to 20 minutes. The protocol is that of `NuGet/login`
/// and of `NuGetGallery`'s source, tested with recorded answers; no such registry can be run here.
#[derive(Clone, Debug)]
pub struct NuGet {
    url: HttpUrl,
    user: String,
    user_setting: Option<Cow<'static, str>>,
}

row::registry!(NuGet, PUBLIC, user: impl Into<String>, "`user` is the account that made the policy.";
    user_setting: None => site);

impl NuGet {
    /// Sets the words by which a user of the application names the account, such as `--user NAME`, for the fix where
    /// the account made no policy.
    #[must_use]
    pub fn with_user_setting(mut self, words: impl Into<Cow<'static, str>>) -> Self {
        self.user_setting = Some(words.into());
        self
    }
}

impl Row for NuGet {
    fn audience_source(&self) -> AudienceSource {
        AudienceSource::Derived(Audience::new(self.url.origin()))
    }

    fn exchange_for(&self, _scope: &Scope) -> Result<Option<Posted>, ExchangeError> {
        let url = self.url.at_root().below("/api/v2/token");
        let posted = Posted::bearer(url, "apiKey", Expiry::Time("expires"));
        Ok(Some(posted.with("username", &*self.user).with("tokenType", "ApiKey")))
    }

    fn owner_setting(&self) -> Option<&str> {
        self.user_setting.as_deref()
    }
}

/// Returns the web site for the host of the package source, which dotnet is configured with and which makes no tokens.
fn site(url: HttpUrl) -> HttpUrl {
    if url.host() == "api.nuget.org" { const { HttpUrl::constant(PUBLIC) } } else { url }
}
