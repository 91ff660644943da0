//! Issuers whose tokens all have one audience, which an operator accepts for them and for nobody else.

use std::sync::Arc;

use oidc_core::testing::{FakeHttp, FakeIssuer, FakePlatform, ManualClock};
use oidc_core::verify::backend::AwsLc;
use oidc_core::verify::{Reason, Verifier};
use oidc_core::{Audience, Context, IdToken, InvalidIdToken, Issuer, ProviderSet};
use serde_json::json;

use crate::support::{AUDIENCE, ISSUER, NOW, Profiled as _, claims, context, platform_with, with};

const FIXED: &str = "api://AzureADTokenExchange";
const OTHER: &str = "https://other.example";

fn audience(text: &str) -> Audience {
    Audience::new(text).unwrap()
}

/// A verifier that trusts two issuers and accepts the fixed audience of the first, as the operator's setting or
/// the platform's own.
fn verifier(as_setting: bool) -> Verifier {
    let issuer = |url: &str| {
        let keys = FakeIssuer::new(url).jwks();
        Issuer::new(url).unwrap().with_keys(keys)
    };
    let fixed = issuer(ISSUER).with_fixed_audience(audience(FIXED));
    let first = if as_setting { platform_with(issuer(ISSUER)) } else { platform_with(fixed.clone()) };
    let second = FakePlatform::with_issuer(issuer(OTHER)).claims_table(&[]);
    let mut providers = ProviderSet::default().with(first).with(second);
    if as_setting {
        providers = providers.with_settings(fixed);
    }
    let cx = context(FakeHttp::new(), &ManualClock::at(NOW));
    Verifier::new(AwsLc, [audience(AUDIENCE)], &providers, &cx).unwrap()
}

fn token(issuer: &str, aud: serde_json::Value) -> String {
    FakeIssuer::new(issuer).sign(&with(with(claims(NOW), "iss", json!(issuer)), "aud", aud))
}

#[test]
fn a_fixed_audience_is_accepted_from_its_issuer_alone_and_takes_the_place_of_the_registrys() {
    for verifier in [verifier(true), verifier(false)] {
        for (issuer, aud, is_accepted) in [
            (ISSUER, json!(FIXED), true),
            (ISSUER, json!([FIXED]), true),
            (ISSUER, json!(AUDIENCE), false),
            (ISSUER, json!([FIXED, AUDIENCE]), false),
            (ISSUER, json!("api://azureadtokenexchange"), false),
            (ISSUER, json!(""), false),
            (ISSUER, json!(null), false),
            // GitHub's jobs ask for this very audience to log in to a cloud.
            (OTHER, json!(FIXED), false),
            (OTHER, json!(AUDIENCE), true),
        ] {
            let verified = verifier.verify_cached(&token(issuer, aud.clone()));
            assert_eq!(verified.is_ok(), is_accepted, "{issuer} {aud}");
            if let Err(refused) = verified {
                let own = if issuer == ISSUER { FIXED } else { AUDIENCE };
                let expected: Arc<[Audience]> = [audience(own)].into();
                assert_eq!(*refused.reason(), Reason::Audience { expected }, "{issuer} {aud}");
            }
        }
    }
}

#[test]
fn another_audience_for_the_same_issuers_does_not_open_it() {
    let other = verifier(true).for_audiences([audience("pypi")]).unwrap();
    assert!(other.verify_cached(&token(ISSUER, json!(FIXED))).is_ok());
    assert!(other.verify_cached(&token(OTHER, json!(FIXED))).is_err());
    let rule = other.for_audience_rule("anything", |_| true);
    assert!(
        rule.verify_cached(&token(ISSUER, json!("anything"))).is_err(),
        "the issuer's own audience holds"
    );
}

#[test]
fn a_client_takes_a_fixed_audience_only_where_it_was_told_to() {
    let given = token(ISSUER, json!(FIXED));
    let refused = Context::default().id_token(&*given, &audience(AUDIENCE)).unwrap_err();
    assert!(matches!(refused, InvalidIdToken::Audience { .. }), "{refused}");
    for context in [Context::default(), Context::default().with_opaque_tokens()] {
        let context = context.with_fixed_audience(audience(FIXED));
        let taken: IdToken = context.id_token(&*given, &audience(AUDIENCE)).unwrap();
        assert_eq!(taken.audience(), &audience(AUDIENCE));
        assert_eq!(taken.secret().expose(), given);
        assert!(context.id_token(token(ISSUER, json!(AUDIENCE)), &audience(AUDIENCE)).is_ok());
        for aud in [json!("somebody-else"), json!([FIXED, "somebody-else"])] {
            let refused = context.id_token(token(ISSUER, aud), &audience(AUDIENCE)).unwrap_err();
            assert!(refused.to_string().contains(AUDIENCE), "{refused}");
        }
    }
}
