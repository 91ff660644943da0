//! Platforms and what their publishers answer, as a registry finds them.

use std::sync::Arc;

use oidc_core::{ClaimUse, Diagnosis, Issuer, Mismatch, Provider, ProviderSet, Target};

use crate::support::{ISSUER, platform, platform_with};

#[test]
fn a_platform_is_found_by_the_exact_url_of_its_issuer_and_by_no_other() {
    let of = |url: &str| Arc::new(platform_with(Issuer::new(url).unwrap())) as Arc<dyn Provider>;
    let other = "https://other.example";
    let providers: ProviderSet = [of(ISSUER), of(other)].into_iter().collect();
    assert_eq!(providers.iter().count(), 2);
    for url in [ISSUER, other] {
        let found = providers.for_issuer(url).unwrap();
        assert_eq!(&**found.profile().issuers[0].url(), url);
    }
    for url in
        ["", "https://issuer.example/", "https://ISSUER.example", "https://issuer.example.evil.example"]
    {
        assert!(providers.for_issuer(url).is_none(), "{url}");
    }
}

#[test]
fn a_set_takes_platforms_and_shared_ones_and_offers_every_issuer_of_each() {
    let shared: Arc<dyn Provider> = Arc::new(platform_with(Issuer::new("https://other.example").unwrap()));
    let providers = ProviderSet::of(platform()).with(shared);
    let offered: Vec<(&str, &str)> =
        providers.issuers().map(|(platform, issuer)| (platform.title(), &**issuer.url())).collect();
    let title = platform().title();
    assert_eq!(offered, [(title, ISSUER), (title, "https://other.example")]);
}

#[test]
fn a_claims_rule_is_found_by_its_whole_name() {
    let platform = platform();
    let rule = |name: &str| platform.profile().rule(name).map(|rule| (rule.name, rule.usage));
    assert_eq!(rule("repository"), Some(("repository", ClaimUse::Required)));
    assert_eq!(rule("environment"), Some(("environment", ClaimUse::Optional)));
    for name in ["", "Repository", "repository_id", "repo"] {
        assert_eq!(rule(name), None, "{name}");
    }
}

#[test]
fn a_mismatch_is_of_the_publishers_own_repository_of_a_renamed_one_or_of_a_strangers() {
    let diagnosis = || Diagnosis::new("code", Target::Claim("repository".to_owned()), "it differs");
    for (mismatch, is_renamed, is_stranger) in [
        (Mismatch::new(diagnosis()), false, false),
        (Mismatch::renamed(diagnosis()), true, false),
        (Mismatch::stranger(diagnosis()), false, true),
    ] {
        assert_eq!((mismatch.is_renamed(), mismatch.is_stranger()), (is_renamed, is_stranger));
    }
}
