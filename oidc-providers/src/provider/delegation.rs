//! The type of a platform: it holds a [`Platform`](super::Platform), and is a [`Provider`](oidc_core::Provider) by it. A blanket
//! implementation is not possible, since the trait is another crate's.

/// Defines the type of a platform with one issuer by its [`Definition`], with the constructors that it has: `public`, with the
/// public issuer; `client`, the client half alone; `at`, with an issuer; and the settings that it has: `comparing_exactly`, and
/// `allowing_owners` with the rules of publishers for an owner. One that a platform makes in its own way is left out.
macro_rules! provider {
    (
        $(#[$doc:meta])*
        $name:ident($definition:ident)
        $($(#[$constructor_doc:meta])* $constructor:ident $(($issuer:ident))?;)*
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $name($crate::provider::Platform);

        impl $name {
            $($crate::provider::constructor! {
                $(#[$constructor_doc])* $constructor $definition $($issuer)?
            })*
        }

        $crate::provider::provider!($name);
    };
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

            fn source_variables(&self) -> &'static [&'static str] {
                self.0.source_variables()
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
        $crate::provider::provider!($name: Default);
    };
    ($name:ident: Default) => {
        impl Default for $name {
            fn default() -> Self {
                Self::public()
            }
        }
    };
}

pub(crate) use provider;

/// Defines a constructor of [`provider!`].
macro_rules! constructor {
    ($(#[$doc:meta])* public $definition:ident $issuer:ident) => {
        $(#[$doc])*
        pub fn public() -> Self {
            Self($crate::provider::Platform::public(&$definition, $issuer))
        }
    };
    ($(#[$doc:meta])* client $definition:ident) => {
        $(#[$doc])*
        pub fn client() -> Self {
            Self($crate::provider::Platform::client(&$definition))
        }
    };
    ($(#[$doc:meta])* at $definition:ident) => {
        $(#[$doc])*
        ///
        /// # Errors
        ///
        /// When the URL is not https (http is allowed on loopback), or has a query.
        pub fn at(issuer: &str) -> Result<Self, oidc_core::InvalidUrl> {
            $crate::provider::Platform::at(&$definition, issuer).map(Self)
        }
    };
    ($(#[$doc:meta])* comparing_exactly $definition:ident) => {
        $(#[$doc])*
        #[must_use]
        pub fn comparing_exactly(self) -> Self {
            Self(self.0.comparing_exactly())
        }
    };
    ($(#[$doc:meta])* allowing_owners $definition:ident $rules:ident) => {
        $(#[$doc])*
        #[must_use]
        pub fn allowing_owners(self) -> Self {
            Self(self.0.allowing(&$rules))
        }

        /// Returns the fields of a publisher for every repository of an owner.
        pub fn owner_fields() -> &'static [oidc_core::PublisherField] {
            $rules.fields
        }
    };
}

pub(crate) use constructor;
