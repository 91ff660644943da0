//! Validation of a publisher's configuration.

use std::sync::Arc;

use oidc_core::{Provider, PublisherField};
use serde_json::Value;

use super::{Trust, TrustError};
use crate::server::package::Package;
use crate::server::record::PublisherRecord;

impl Trust {
    /// Checks a publisher's configuration and makes a record that can be stored.
    ///
    /// `provider` is the name of the platform, and `issuer` one of its issuers, which may be left out or empty where
    /// the platform has only one. `config` is the platform's typed publisher, such as `GitHubPublisher`, or its
    /// JSON form with the platform's own keys. What was typed into a form is saved by
    /// [`PublisherForm::save`](crate::server::PublisherForm::save).
    ///
    /// `package` may be a [prefix](Package::prefix) of names. The publisher is then for the packages of its own account only,
    /// and creates no package. Only [`Trust::add`] and [`Trust::edit`] check that the registry allows such publishers
    /// ([`TrustPolicy::prefixes_per_account`](crate::server::TrustPolicy::prefixes_per_account)), since the account and
    /// `pending` are not set before.
    ///
    /// The record is the operator's own, for a package that exists. Before storing it, set
    /// [`account`](PublisherRecord::of_account) where a user configures it,
    /// [`pending`](PublisherRecord::pending) where its first publish creates the package, and
    /// [`origin`](PublisherRecord::origin) where a file or another part of the application manages it.
    ///
    /// # Errors
    ///
    /// | error | where |
    /// |---|---|
    /// | [`TrustError::Package`] | no package of the ecosystem can have the name ([`Package::check`]) |
    /// | [`TrustError::Provider`] | the platform is not among those of this `Trust`, or has no issuer here |
    /// | [`TrustError::Issuer`] | this `Trust` has the platform and not the issuer |
    /// | [`TrustError::WhichIssuer`] | no issuer is named, and the platform has several |
    /// | [`TrustError::Publisher`] | the platform refuses the configuration |
    /// | [`TrustError::Random`] | no id could be made |
    pub fn prepare(
        &self,
        package: Package,
        provider: &str,
        issuer: Option<&str>,
        config: impl Into<Value>,
    ) -> Result<PublisherRecord, TrustError> {
        let platform = self.providers.choose(provider, issuer)?;
        self.prepare_for(platform, package, config.into())
    }

    /// Checks a publisher's configuration for a platform of one issuer.
    pub(super) fn prepare_for(
        &self,
        platform: &Arc<dyn Provider>,
        package: Package,
        mut config: Value,
    ) -> Result<PublisherRecord, TrustError> {
        package.check()?;
        let identity = platform.publisher(&config)?.identity();
        // A rule that is `null` is no rule, and would be in the way of a learned id.
        if let Value::Object(rules) = &mut config {
            rules.retain(|_, rule| !rule.is_null());
        }
        let mut random = [0; 16];
        self.cx.random().fill(&mut random)?;
        let id = uuid::Builder::from_random_bytes(random).into_uuid().to_string();
        let lacks = |field: &PublisherField| field.learned && config.get(field.key).is_none();
        // With all ids configured, the next owner of a name can't use the publisher, so it need not lapse.
        let lapses = platform.fields_of(&config).iter().any(lacks);
        let record =
            PublisherRecord::new(id, package, platform.id(), identity, config, self.cx.clock().now());
        Ok(PublisherRecord { lapses, ..record })
    }
}
