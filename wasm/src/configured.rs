use oidc_core::{
    Claims, Detection, Identity, InvalidPublisher, Mismatch, Profile, Provider, Publisher, Run, SourceError,
    TokenSource, Verified,
};
use serde_json::Value;

/// A platform with its issuers' keys from the configuration, as where nothing can be reached.
#[derive(Debug)]
pub(crate) struct Configured<P> {
    platform: P,
    profile: Profile,
}

impl<P: Provider> Configured<P> {
    pub(crate) fn new(platform: P, jwks: &Value) -> Self {
        let mut profile = platform.profile().clone();
        profile.issuers.iter_mut().for_each(|issuer| issuer.keys = Some(jwks.clone()));
        Self { platform, profile }
    }
}

impl<P: Provider> Provider for Configured<P> {
    fn id(&self) -> &'static str {
        self.platform.id()
    }

    fn profile(&self) -> &Profile {
        &self.profile
    }

    fn detect(&self, detection: &Detection<'_>) -> Result<Option<Box<dyn TokenSource>>, SourceError> {
        self.platform.detect(detection)
    }

    fn identify(&self, claims: &Verified<Claims>) -> Result<Identity, Mismatch> {
        self.platform.identify(claims)
    }

    fn publisher(&self, config: &Value) -> Result<Box<dyn Publisher>, InvalidPublisher> {
        self.platform.publisher(config)
    }

    fn run(&self, claims: &Verified<Claims>) -> Run {
        self.platform.run(claims)
    }
}
