//! A platform as data, and the provider that follows from it.

mod delegation;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use oidc_core::{
    Algorithm, Audience, ClaimRule, Claims, Detection, Diagnosis, FieldValue, Identity, ImmutableId,
    InvalidPublisher, InvalidUrl, Issuer, Mismatch, Profile, Provider, ProviderKind, Publisher,
    PublisherField, RegistryRules, ReplaySource, Run, SourceError, TokenSource, Unverified, Verified,
};
use serde_json::Value;

use crate::rules::Comparison;
use crate::rules::compared::Compared;
use crate::rules::configured::Configured;
use crate::rules::table::{Key, Table};
use crate::rules::token::Token;
use crate::run::Pages;

pub(crate) use delegation::{constructor, provider};

/// The weight of a publisher for one repository, beside those for several: more than all optional rules together.
const ONE_REPOSITORY: u32 = 1000;

/// The longest lifetime of tokens that live as long as their job.
pub(crate) const A_DAY: Duration = Duration::from_secs(24 * 3600);

/// The source of a job's tokens, if the job runs on the platform.
type Detected = Result<Option<Box<dyn TokenSource>>, SourceError>;

/// The data of one platform, which its folder declares. The members are those of [`Provider`] and of its [`Profile`].
#[derive(Debug)]
pub(crate) struct Definition {
    pub(crate) id: &'static str,
    pub(crate) title: &'static str,
    pub(crate) kind: ProviderKind,
    /// The variables that [`detect`](Self::detect) and its source look up.
    pub(crate) source_variables: &'static [&'static str],
    pub(crate) identity_variables: &'static [&'static str],
    /// Returns the source of a job's tokens.
    pub(crate) detect: fn(&Detection<'_>) -> Detected,
    pub(crate) algorithms: &'static [Algorithm],
    pub(crate) max_lifetime: Duration,
    pub(crate) replay: ReplaySource,
    pub(crate) claims: &'static [ClaimRule],
    pub(crate) claim_prefixes: &'static [&'static str],
    /// The rules of a publisher.
    pub(crate) rules: &'static Table,
    /// Returns the rules of a publisher at a public registry, where they are not the same.
    pub(crate) comparing: fn(RegistryRules) -> Option<&'static Table>,
    pub(crate) settings: fn(&Platform, &Unverified<Claims>) -> Vec<FieldValue>,
    /// Returns advice for a job at a registry with this comparison.
    pub(crate) advise: fn(&Token<'_>) -> Vec<Diagnosis>,
    pub(crate) renewal: fn(Option<&str>) -> Cow<'static, str>,
    pub(crate) variable_line: fn(&str, &Audience) -> Option<String>,
    pub(crate) pages: Pages,
    /// Returns the web site of an issuer's platform, which shows the pages.
    pub(crate) site: fn(&str) -> Option<String>,
}

impl Definition {
    /// A CI platform with RS256, tokens that live at most an hour, and a `jti`, for the members that most platforms leave
    /// as they are.
    pub(crate) const EMPTY: Self = Self {
        id: "",
        title: "",
        kind: ProviderKind::Ci,
        source_variables: &[],
        identity_variables: &[],
        detect: |_| Ok(None),
        algorithms: &[Algorithm::Rs256],
        max_lifetime: Duration::from_secs(3600),
        replay: ReplaySource::Jti,
        claims: &[],
        claim_prefixes: &[],
        rules: &Table::EMPTY,
        comparing: |_| None,
        settings: |platform, claims| platform.settings_with(claims, |_| None),
        advise: |_| Vec::new(),
        renewal: |_| Cow::Borrowed("get a new one from the platform"),
        variable_line: |_, _| None,
        pages: Pages::NONE,
        site: |_| None,
    };

    fn profile(&self, issuer: Option<Issuer>) -> Profile {
        let mut profile = Profile::new(Vec::from_iter(issuer), self.claims);
        profile.kind = self.kind;
        profile.algorithms = self.algorithms;
        profile.max_lifetime = self.max_lifetime;
        profile.replay = self.replay;
        profile.claim_prefixes = self.claim_prefixes;
        profile
    }
}

/// A platform with one issuer, or with none for its client half alone.
#[derive(Clone, Debug)]
pub(crate) struct Platform {
    definition: &'static Definition,
    profile: Profile,
    issuer: String,
    site: Option<String>,
    comparison: Comparison,
    rules: &'static Table,
    /// The rules of publishers for several repositories, where the registry allows such publishers.
    wide: Option<&'static Table>,
}

impl Platform {
    pub(crate) fn new(definition: &'static Definition, issuer: Option<Issuer>) -> Self {
        let url = issuer.as_ref().map_or_else(String::new, |issuer| issuer.url().to_string());
        Self {
            definition,
            profile: definition.profile(issuer),
            site: (definition.site)(&url),
            issuer: url,
            comparison: Comparison::default(),
            rules: definition.rules,
            wide: None,
        }
    }

    /// A platform with its public issuer.
    pub(crate) fn public(definition: &'static Definition, issuer: &'static str) -> Self {
        Self::new(definition, Some(Issuer::constant(issuer)))
    }

    /// A platform with this issuer and no other.
    pub(crate) fn at(definition: &'static Definition, issuer: &str) -> Result<Self, InvalidUrl> {
        Ok(Self::new(definition, Some(Issuer::new(issuer)?)))
    }

    /// The client half alone.
    pub(crate) fn client(definition: &'static Definition) -> Self {
        Self::new(definition, None)
    }

    /// Accepts publishers of a second table too, for several repositories. A configuration is of that table if it has
    /// the first of its names. Any publisher for one repository is more specific.
    pub(crate) fn allowing(self, wide: &'static Table) -> Self {
        Self { wide: Some(wide), ..self }
    }

    /// Compares everything byte by byte.
    pub(crate) fn comparing_exactly(self) -> Self {
        Self { comparison: Comparison::EXACT, ..self }
    }

    /// Replaces the definition by one of the same platform, whose jobs ask for other tokens.
    pub(crate) fn defined(self, definition: &'static Definition) -> Self {
        Self { definition, ..self }
    }

    /// The workflow that is compared.
    pub(crate) fn compared(&self) -> Compared {
        self.comparison.workflow
    }

    /// The settings of a publisher that accepts a job: of a field that is compared with a part of its claim, that part.
    /// `value` returns those of the fields whose value the rules do not tell.
    pub(crate) fn settings_with(
        &self,
        claims: &Unverified<Claims>,
        value: impl Fn(&'static PublisherField) -> Option<FieldValue>,
    ) -> Vec<FieldValue> {
        let token = Token { claims: claims.read_unverified(), comparison: self.comparison };
        let setting = |field: &'static PublisherField| match self.rules.part(field.key, &token) {
            Some((rule, found)) => FieldValue::new(field, found.map(Value::from)).claim(rule.claim),
            None => FieldValue::of_claim(field, claims),
        };
        self.rules.fields.iter().map(|field| value(field).unwrap_or_else(|| setting(field))).collect()
    }

    /// The rules for several repositories, if a configuration is of those.
    fn wide_of(&self, config: &Value) -> Option<&'static Table> {
        let has = |key: &Key| config.get(key.field.key).is_some_and(|name| !name.is_null());
        self.wide.filter(|wide| wide.keys.first().is_some_and(has))
    }

    fn identity(&self, rules: &Table, claims: &Verified<Claims>) -> Result<Identity, Mismatch> {
        let token = Token { claims, comparison: self.comparison };
        (rules.of_issuer)(&token, claims.issuer())?;
        (rules.identifies)(&token)?;
        let names = rules.keys.iter().map(|key| token.required(key.field.claim));
        let names = names.collect::<Result<Vec<_>, _>>()?;
        Ok(Identity::new(claims.issuer(), rules.key(self.comparison, names)))
    }
}

impl Provider for Platform {
    fn id(&self) -> &'static str {
        self.definition.id
    }

    fn title(&self) -> &'static str {
        self.definition.title
    }

    fn profile(&self) -> &Profile {
        &self.profile
    }

    fn detect(&self, detection: &Detection<'_>) -> Result<Option<Box<dyn TokenSource>>, SourceError> {
        (self.definition.detect)(detection)
    }

    fn source_variables(&self) -> &'static [&'static str] {
        self.definition.source_variables
    }

    fn identity_variables(&self) -> &'static [&'static str] {
        self.definition.identity_variables
    }

    fn identify(&self, claims: &Verified<Claims>) -> Result<Identity, Mismatch> {
        self.identity(self.rules, claims)
    }

    fn identities(&self, claims: &Verified<Claims>) -> Result<Vec<Identity>, Mismatch> {
        [self.rules].into_iter().chain(self.wide).map(|rules| self.identity(rules, claims)).collect()
    }

    fn immutable_id(&self, identity: &Identity, claims: &Verified<Claims>) -> Option<ImmutableId> {
        let is_of = |wide: &&Table| self.identity(wide, claims).is_ok_and(|wide| wide == *identity);
        let rules = self.wide.filter(is_of).unwrap_or(self.rules);
        rules.ids.immutable_id(&Token { claims, comparison: self.comparison })
    }

    fn publisher_fields(&self) -> &'static [PublisherField] {
        self.rules.fields
    }

    fn fields_of(&self, config: &Value) -> &'static [PublisherField] {
        self.wide_of(config).unwrap_or(self.rules).fields
    }

    fn publisher(&self, config: &Value) -> Result<Box<dyn Publisher>, InvalidPublisher> {
        let publisher = if let Some(wide) = self.wide_of(config) {
            // Public registries have no such publishers, so they are compared by this project's rules alone.
            Configured::read(wide, &self.issuer, self.comparison.with_own_workflow(), 0, config)
        } else {
            let base = if self.wide.is_some() { ONE_REPOSITORY } else { 0 };
            Configured::read(self.rules, &self.issuer, self.comparison, base, config)
        };
        Ok(Box::new(publisher?))
    }

    fn settings(&self, claims: &Unverified<Claims>) -> Vec<FieldValue> {
        (self.definition.settings)(self, claims)
    }

    fn advise(&self, claims: &Unverified<Claims>) -> Vec<Diagnosis> {
        (self.definition.advise)(&Token { claims: claims.read_unverified(), comparison: self.comparison })
    }

    fn comparing(&self, registry: RegistryRules) -> Option<Arc<dyn Provider>> {
        let rules = (self.definition.comparing)(registry)?;
        Some(Arc::new(Self { comparison: registry.into(), rules, ..self.clone() }))
    }

    fn renewal(&self, variable: Option<&str>) -> Cow<'static, str> {
        (self.definition.renewal)(variable)
    }

    fn variable_line(&self, name: &str, audience: &Audience) -> Option<String> {
        (self.definition.variable_line)(name, audience)
    }

    fn run(&self, claims: &Verified<Claims>) -> Run {
        self.definition.pages.run(self.site.as_deref(), claims)
    }
}
