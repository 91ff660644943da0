use oidc_core::{Certified, HttpUrl, InvalidPublisher, Provider, Publisher};
use serde_json::Value;

use crate::attestation::Attestation;
use crate::codes;
use crate::extension::Extension;
use crate::platform::{Kind, Platform};
use crate::refusal::Refusal;

/// A trusted publisher, as the signer of provenance: the rules of the exchange, read from the certificate.
///
/// Rules on claims that no certificate has, such as `ref_protected`, are left out; [`SignerRules::left_out`] names
/// them. The exchange compared them before it issued the publish token.
///
/// ```
/// use oidc_provenance::SignerRules;
/// use oidc_providers::GitHub;
/// use serde_json::json;
///
/// let config = json!({ "repository": "acme/widget", "workflow": "publish.yml", "ref_protected": true });
/// let rules = SignerRules::new(&GitHub::public(), &config).ok_or("GitHub's jobs get certificates")??;
/// assert_eq!(rules.left_out(), ["ref_protected"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct SignerRules {
    platform: Platform,
    publisher: Box<dyn Publisher>,
    left_out: Vec<&'static str>,
}

impl SignerRules {
    /// The rules of a publisher's configuration, as the registry has stored it.
    ///
    /// # Errors
    ///
    /// When the platform refuses the configuration. `None` is returned for a platform whose tokens are not turned
    /// into certificates that can be compared.
    pub fn new(provider: &dyn Provider, config: &Value) -> Option<Result<Self, InvalidPublisher>> {
        let platform = Platform::of_provider(provider.id())?;
        Some(Self::on(platform, provider, config).map(Self::at_its_issuer))
    }

    /// A GitLab instance is its own issuer, so that the certificate's URLs begin with the issuer's.
    fn at_its_issuer(mut self) -> Self {
        let issuer = HttpUrl::parse(&self.publisher.identity().issuer);
        if let (Kind::GitLab, Ok(issuer)) = (self.platform.kind(), issuer) {
            self.platform = self.platform.with_server(&issuer);
        }
        self
    }

    /// The rules of a publisher on an instance of the platform that is not the public one.
    ///
    /// # Errors
    ///
    /// When the platform refuses the configuration.
    pub fn on(platform: Platform, provider: &dyn Provider, config: &Value) -> Result<Self, InvalidPublisher> {
        let mut config = config.clone();
        let mut left_out = Vec::new();
        for field in provider.fields_of(&config) {
            let is_unknown = field.claim.is_some_and(|claim| !platform.has_claim(claim));
            let values = config.as_object_mut().filter(|_| is_unknown && !field.required);
            if values.and_then(|values| values.remove(field.key)).is_some_and(|value| !value.is_null()) {
                left_out.push(field.key);
            }
        }
        Ok(Self { platform, publisher: provider.publisher(&config)?, left_out })
    }

    /// Returns the keys of the publisher's rules that are not checked, since a certificate holds nothing to compare
    /// them with.
    pub fn left_out(&self) -> &[&'static str] {
        &self.left_out
    }

    pub(crate) fn platform(&self) -> &Platform {
        &self.platform
    }

    /// Checks that the publisher's job signed the attestation.
    pub(crate) fn check(&self, attestation: &Attestation) -> Result<(), Refusal> {
        let signer = attestation.extension(Extension::BuildSignerUri).unwrap_or_default();
        if signer.is_empty() || attestation.identity() != signer {
            let problem = "the certificate's name is not the workflow that holds the job";
            let refusal = Refusal::of(codes::PROVENANCE_SIGNER, "subjectAltName", problem);
            return Err(refusal.found(attestation.identity()).expected(signer));
        }
        let claims = self.platform.claims(attestation.extensions())?;
        Ok(self.publisher.check_certified(&Certified::assertion(claims))?)
    }
}
