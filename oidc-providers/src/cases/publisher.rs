//! Cases of the registry half.

use std::collections::BTreeMap;
use std::sync::Arc;

use oidc_core::testing::{FakeHttp, FakeIssuer, ManualClock};
use oidc_core::verify::Verifier;
use oidc_core::verify::backend::AwsLc;
use oidc_core::{
    Audience, Claims, Context, Diagnosis, FieldValue, Provider, ProviderSet, Unverified, Verified,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Expected, Platform, nothing};
use crate::harness::{AUDIENCE, NOW, changed, overrides};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Cases {
    /// The issuer that the provider is configured with.
    issuer: String,
    /// The configuration that cases change.
    config: Value,
    pub(super) cases: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Case {
    pub(super) name: String,
    /// Another issuer to configure the provider with.
    issuer: Option<String>,
    /// Another issuer that signs, and that this registry trusts beside.
    signer: Option<String>,
    /// Keys of the configuration that differ; `null` leaves one out.
    #[serde(default = "nothing")]
    config: Value,
    /// Claims that differ from the sample's; `"<absent>"` leaves one out.
    #[serde(default = "nothing")]
    claims: Value,
    /// `match`; or why not: `config`, `verifier`, or a mismatch's code.
    expect: Expected,
    /// The ids that a match learns.
    learned: Option<BTreeMap<String, String>>,
}

impl Cases {
    /// Checks a case, and returns the diagnoses that its user is shown.
    pub(super) fn hold(&self, platform: Platform, at: usize) -> Vec<Diagnosis> {
        let case = &self.cases[at];
        let issuer = case.issuer.as_deref().unwrap_or(&self.issuer);
        let config = changed(&self.config, &case.config);
        let provider = (platform.at)(issuer).unwrap();
        let unknown = unknown_claims(&*provider, &config, &case.claims);
        assert!(unknown.is_empty(), "{}: the platform's table has no {unknown:?}", case.name);
        let (outcome, said) = case.outcome(platform, &provider, &config);
        assert_eq!(outcome, case.expect, "{}", case.name);
        said
    }

    /// Checks that the sample matches a publisher with every field that the platform's settings name for it.
    pub(super) fn settings_are_accepted(&self, platform: Platform) {
        let provider = (platform.at)(&self.issuer).unwrap();
        let issuer = provider.profile().issuers[0].url();
        let claims = (platform.claims)(issuer, AUDIENCE, NOW, "id", &overrides(&nothing()));
        let providers = [Arc::clone(&provider)].into_iter().collect();
        let claims = verified(&providers, issuer, &claims).unwrap();
        let settings = provider.settings(&Unverified::new((*claims).clone()));
        provider.publisher(&FieldValue::config(&settings)).unwrap().check(&claims).unwrap();
        let fields = provider.publisher_fields();
        for setting in &settings {
            assert!(fields.contains(setting.field), "{}: {setting:?}", platform.name);
        }
        if self.config.get("claims").is_some() {
            let rules = &FieldValue::config(&settings)["claims"];
            assert_eq!(
                rules.as_object().unwrap().keys().collect::<Vec<_>>(),
                ["sub"],
                "what others mean can't be said"
            );
            return;
        }
        assert!(fields.iter().all(|field| settings.iter().any(|setting| setting.field == field)));
        let needed =
            settings.iter().filter(|setting| setting.field.required).map(|setting| setting.field.key);
        let needed: Map<String, Value> =
            needed.map(|key| (key.to_owned(), self.config[key].clone())).collect();
        let description = provider.publisher(&needed.clone().into()).unwrap().describe();
        // Of an address only the host, which is nobody in person.
        for value in needed.values().filter_map(|value| value.as_str()?.rsplit('@').next()) {
            assert!(description.contains(value), "{description} says which publisher decided");
        }
        assert!(!description.contains('@'), "{description}");
    }

    /// Checks that a publisher with every rule refuses each token with its names and without a pinned id as a
    /// stranger's, whatever else differs, so that no rule is told to the holder.
    pub(super) fn strangers_are_told_nothing(&self, platform: Platform) {
        let provider = (platform.at)(&self.issuer).unwrap();
        let issuer = provider.profile().issuers[0].url();
        let providers = [Arc::clone(&provider)].into_iter().collect();
        let changed_claims = |changes: &[(&str, &Value)]| {
            let changes: Map<_, _> =
                changes.iter().map(|(claim, value)| ((*claim).to_owned(), (*value).clone())).collect();
            (platform.claims)(issuer, AUDIENCE, NOW, "id", &overrides(&changes.into()))
        };
        let usual = changed_claims(&[]);
        let values = [json!("<absent>"), json!("x"), json!(null)];
        let claims = usual.as_object().unwrap().keys();
        let changes: Vec<_> =
            claims.flat_map(|claim| values.iter().map(move |value| (claim, value))).collect();
        let claims = verified(&providers, issuer, &usual).unwrap();
        let pins = provider.publisher(&self.config).unwrap().check(&claims).unwrap().learned;
        let rules = FieldValue::config(&provider.settings(&Unverified::new((*claims).clone())));
        let unpinned: Map<String, Value> = pins.iter().map(|pin| (pin.claim.into(), Value::Null)).collect();
        for pin in &pins {
            let config =
                changed(&changed(&rules, &unpinned.clone().into()), &json!({ pin.claim: pin.value }));
            let publisher = provider.publisher(&config).unwrap();
            publisher.check(&claims).unwrap();
            let other: String = pin.value.chars().map(|c| if c == '-' { c } else { '9' }).collect();
            for (claim, change) in &changes {
                for id in [&*other, "<absent>"] {
                    // The id is last: it stays as it is where the change is of itself.
                    let token = changed_claims(&[(claim, change), (pin.claim, &json!(id))]);
                    let Some(token) = verified(&providers, issuer, &token) else { continue };
                    if provider.identify(&token).ok() != Some(publisher.identity()) {
                        continue;
                    }
                    let mismatch = publisher.check(&token).unwrap_err();
                    assert!(mismatch.is_stranger(), "{}: {id}, {claim} {change}: {mismatch}", pin.claim);
                }
            }
        }
    }
}

impl Case {
    fn outcome(
        &self,
        platform: Platform,
        provider: &Arc<dyn Provider>,
        config: &Value,
    ) -> (Expected, Vec<Diagnosis>) {
        let code = |code: &str| Expected(code.to_owned());
        let publisher = match provider.publisher(config) {
            Ok(publisher) => publisher,
            Err(error) => {
                assert!(error.faults().iter().all(|fault| fault.fix.is_some()), "{}: {error}", self.name);
                return (code("config"), error.faults().to_vec());
            }
        };
        let issuer = self.signer.as_deref().unwrap_or(provider.profile().issuers[0].url());
        let claims = (platform.claims)(issuer, AUDIENCE, NOW, "id", &overrides(&self.claims));
        let signer = self.signer.as_deref().map(|signer| (platform.at)(signer).unwrap());
        let providers = [Some(Arc::clone(provider)), signer].into_iter().flatten().collect();
        let Some(verified) = verified(&providers, issuer, &claims) else {
            return (code("verifier"), Vec::new());
        };
        let identities = provider.identities(&verified);
        match publisher.check(&verified) {
            Ok(matched) => {
                let agrees = identities.unwrap().contains(&publisher.identity());
                assert!(agrees, "{}: look-up and check must agree", self.name);
                assert_eq!(publisher.explain(&Unverified::new((*verified).clone())), None, "{}", self.name);
                let learned = matched.learned.into_iter().map(|pin| (pin.claim.to_owned(), pin.value));
                let learned: BTreeMap<String, String> = learned.collect();
                if let Some(expected) = &self.learned {
                    assert_eq!(&learned, expected, "{}", self.name);
                }
                // As a registry reads it the next time: with what it has learned among its rules.
                let config = changed(config, &json!(learned));
                let again = provider.publisher(&config).unwrap().check(&verified).unwrap();
                assert!(again.learned.is_empty(), "{}: a learned id's key must be its claim", self.name);
                (code("match"), Vec::new())
            }
            Err(mismatch) => {
                assert!(!mismatch.to_string().contains('\n'), "{}: {mismatch}", self.name);
                let explained = publisher.explain(&Unverified::new((*verified).clone()));
                if mismatch.diagnosis().code != "issuer" {
                    assert_eq!(
                        explained.as_ref(),
                        Some(&mismatch),
                        "{}: the job is told the same",
                        self.name
                    );
                }
                (code(mismatch.diagnosis().code), vec![mismatch.diagnosis().clone()])
            }
        }
    }
}

/// Signs by the issuer, and verifies as a registry that trusts these providers; `None` where the verifier refuses.
fn verified(providers: &ProviderSet, issuer: &str, claims: &Value) -> Option<Verified<Claims>> {
    let issuer = Arc::new(FakeIssuer::new(issuer));
    let http = FakeHttp::of_issuer(Arc::clone(&issuer));
    let context = Context::default().with_clock(ManualClock::at(NOW)).with_http(http);
    let verifier = Verifier::new(AwsLc, [Audience::new(AUDIENCE).unwrap()], providers, &context).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(verifier.verify(&issuer.sign(claims))).ok()
}

/// The claims of a case that neither the platform's table nor, where rules name claims, the configuration names.
/// Whether a key of a generic publisher's rules, a name or a JSON pointer, leads to a claim of this name or into it.
fn leads_to(key: &str, name: &str) -> bool {
    key == name || key.strip_prefix('/').and_then(|pointer| pointer.split('/').next()) == Some(name)
}

pub(super) fn unknown_claims(provider: &dyn Provider, config: &Value, claims: &Value) -> Vec<String> {
    let profile = provider.profile();
    let is_known = |name: &str| {
        let begins = |prefix: &&str| !prefix.is_empty() && name.starts_with(*prefix);
        profile.rule(name).is_some()
            || profile.claim_prefixes.iter().any(begins)
            || config
                .get("claims")
                .is_some_and(|claims| claims.as_object().unwrap().keys().any(|key| leads_to(key, name)))
    };
    let names = claims.as_object().unwrap().keys();
    names.filter(|name| !is_known(name)).cloned().collect()
}
