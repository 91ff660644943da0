//! [`Provider`](oidc_core::Provider) for a type that holds a [`Platform`](super::Platform). A blanket implementation is not possible: the
//! trait is another crate's.

/// Implements a provider by the [`Platform`] in it.
macro_rules! provider {
    ($name:ident) => {
        impl oidc_core::Provider for $name {
            fn id(&self) -> &'static str {
                self.0.id()
            }

            fn title(&self) -> &'static str {
                self.0.title()
            }

            fn profile(&self) -> &oidc_core::Profile {
                self.0.profile()
            }

            fn detect(
                &self,
                detection: &oidc_core::Detection<'_>,
            ) -> Result<Option<Box<dyn oidc_core::TokenSource>>, oidc_core::SourceError> {
                self.0.detect(detection)
            }

            fn identity_variables(&self) -> &'static [&'static str] {
                self.0.identity_variables()
            }

            fn identify(
                &self,
                claims: &oidc_core::Verified<oidc_core::Claims>,
            ) -> Result<oidc_core::Identity, oidc_core::Mismatch> {
                self.0.identify(claims)
            }

            fn identities(
                &self,
                claims: &oidc_core::Verified<oidc_core::Claims>,
            ) -> Result<Vec<oidc_core::Identity>, oidc_core::Mismatch> {
                self.0.identities(claims)
            }

            fn immutable_id(
                &self,
                identity: &oidc_core::Identity,
                claims: &oidc_core::Verified<oidc_core::Claims>,
            ) -> Option<oidc_core::ImmutableId> {
                self.0.immutable_id(identity, claims)
            }

            fn publisher_fields(&self) -> &'static [oidc_core::PublisherField] {
                self.0.publisher_fields()
            }

            fn fields_of(&self, config: &serde_json::Value) -> &'static [oidc_core::PublisherField] {
                self.0.fields_of(config)
            }

            fn publisher(
                &self,
                config: &serde_json::Value,
            ) -> Result<Box<dyn oidc_core::Publisher>, oidc_core::InvalidPublisher> {
                self.0.publisher(config)
            }

            fn settings(
                &self,
                claims: &oidc_core::Unverified<oidc_core::Claims>,
            ) -> Vec<oidc_core::FieldValue> {
                self.0.settings(claims)
            }

            fn advise(&self, claims: &oidc_core::Unverified<oidc_core::Claims>) -> Vec<oidc_core::Diagnosis> {
                self.0.advise(claims)
            }

            fn comparing(
                &self,
                rules: oidc_core::RegistryRules,
            ) -> Option<std::sync::Arc<dyn oidc_core::Provider>> {
                self.0.comparing(rules)
            }

            fn renewal(&self, variable: Option<&str>) -> std::borrow::Cow<'static, str> {
                self.0.renewal(variable)
            }

            fn variable_line(&self, name: &str, audience: &oidc_core::Audience) -> Option<String> {
                self.0.variable_line(name, audience)
            }

            fn run(&self, claims: &oidc_core::Verified<oidc_core::Claims>) -> oidc_core::Run {
                self.0.run(claims)
            }
        }
    };
    ($name:ident, public) => {
        $crate::provider::provider!($name);

        impl Default for $name {
            fn default() -> Self {
                Self::public()
            }
        }
    };
}

pub(crate) use provider;
