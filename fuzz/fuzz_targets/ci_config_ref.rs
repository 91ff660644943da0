#![no_main]
//! GitLab's references to CI configurations: three lines, `ci_config_ref_uri`, `ref_path`, `project_path`.

use fuzz::{AUDIENCE, NOW, gitlab, lines};
use libfuzzer_sys::fuzz_target;
use oidc_providers::gitlab::sample;
use serde_json::json;

fuzz_target!(|data: &[u8]| {
    let Some([ci_config_ref_uri, ref_path, project_path]) = lines(data) else { return };
    let registry = gitlab();
    let overrides =
        [("ci_config_ref_uri", ci_config_ref_uri), ("ref_path", ref_path), ("project_path", project_path)];
    let overrides =
        overrides.map(|(name, value)| (name.to_owned(), Some(json!(value)))).into_iter().collect();
    let claims = sample::claims_with(registry.issuer.url(), AUDIENCE, NOW, "id", &overrides);
    let Ok(verified) = registry.verify(&registry.issuer.sign(&claims)) else { return };
    let _identity = registry.provider.identify(&verified);
    let _run = registry.provider.run(&verified);
    let config = json!({ "project_path": "acme/group/widget", "ci_config": ".gitlab-ci.yml" });
    let publisher = registry.provider.publisher(&config).expect("a publisher");
    match publisher.check(&verified) {
        Ok(_) => {
            assert!(project_path.eq_ignore_ascii_case("acme/group/widget"), "{project_path}");
            let ours = ci_config_ref_uri.to_ascii_lowercase();
            assert!(ours.starts_with("gitlab.com/acme/group/widget//.gitlab-ci.yml@"), "{ours}");
        }
        Err(mismatch) => assert!(!mismatch.to_string().chars().any(char::is_control)),
    }
});
