//! The methods of a platform's [`Provider`](oidc_core::Provider) that follow from its constants and its rules.

/// Implements the methods of a provider for the rules `$rules`, with the file's `ID` and `IDENTITY_VARIABLES`, and the fields
/// `profile` and `issuer` of the provider.
macro_rules! provider_methods {
    ($title:literal, $rules:ty) => {
        fn id(&self) -> &'static str {
            ID
        }

        fn title(&self) -> &'static str {
            $title
        }

        fn profile(&self) -> &oidc_core::Profile {
            &self.profile
        }

        fn identity_variables(&self) -> &'static [&'static str] {
            IDENTITY_VARIABLES
        }

        fn identify(
            &self,
            claims: &oidc_core::Verified<oidc_core::Claims>,
        ) -> Result<oidc_core::Identity, oidc_core::Mismatch> {
            $crate::rules::configured::Configured::<$rules>::identify(claims)
        }

        fn publisher_fields(&self) -> &'static [oidc_core::PublisherField] {
            <$rules as $crate::rules::configured::Rules>::FIELDS
        }

        fn publisher(
            &self,
            config: &serde_json::Value,
        ) -> Result<Box<dyn oidc_core::Publisher>, oidc_core::InvalidPublisher> {
            $crate::rules::configured::Configured::<$rules>::read(&self.issuer, config)
        }
    };
}

pub(crate) use provider_methods;
