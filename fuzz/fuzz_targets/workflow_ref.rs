#![no_main]
//! GitHub's references to workflows: four lines, `workflow_ref`, `ref`, `repository`, `job_workflow_ref`.

use fuzz::{AUDIENCE, NOW, github, lines};
use libfuzzer_sys::fuzz_target;
use oidc_providers::github::sample;
use serde_json::json;

fuzz_target!(|data: &[u8]| {
    let Some([workflow_ref, git_ref, repository, job_workflow_ref]) = lines(data) else { return };
    let registry = github();
    let overrides = [
        ("workflow_ref", workflow_ref),
        ("ref", git_ref),
        ("repository", repository),
        ("job_workflow_ref", job_workflow_ref),
    ];
    let overrides =
        overrides.map(|(name, value)| (name.to_owned(), Some(json!(value)))).into_iter().collect();
    let claims = sample::claims_with(registry.issuer.url(), AUDIENCE, NOW, "id", &overrides);
    let Ok(verified) = registry.verify(&registry.issuer.sign(&claims)) else { return };
    let _identity = registry.provider.identify(&verified);
    let _run = registry.provider.run(&verified);
    let config = json!({ "repository": "acme/widget", "workflow": "publish.yml" });
    let publisher = registry.provider.publisher(&config).expect("a publisher");
    match publisher.check(&verified) {
        Ok(_) => {
            assert!(repository.eq_ignore_ascii_case("acme/widget"), "{repository}");
            let (path, revision) = workflow_ref.split_at("acme/widget/.github/workflows/publish.yml".len());
            assert!(path.to_ascii_lowercase().starts_with("acme/widget/"), "{path}");
            assert!(path.ends_with("/.github/workflows/publish.yml"), "{path}");
            assert!(revision.starts_with('@'), "{revision}");
        }
        Err(mismatch) => assert!(!mismatch.to_string().chars().any(char::is_control)),
    }
    let config =
        json!({ "repository": "acme/widget", "workflow": "publish.yml", "job_workflow": job_workflow_ref });
    if let Ok(publisher) = registry.provider.publisher(&config) {
        let _checked = publisher.check(&verified);
        let _described = publisher.describe();
    }
});
