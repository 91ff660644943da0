//! The values that a publisher's configuration may have.

use oidc_core::Provider;
use serde_json::json;

use super::{GitLab, INSTANCE, gitlab, lenient, publisher, strict};

#[test]
fn a_configuration_that_can_match_nothing_says_what_to_write() {
    for (changes, part) in [
        (json!({"project_path": "https://gitlab.com/acme/group/widget"}), "write `acme/group/widget`"),
        (json!({"project_path": "https://gitlab.com/acme/widget/-/tree/main"}), "write `acme/widget`"),
        (json!({"project_path": "git@gitlab.com:acme/widget.git"}), "write `acme/widget`"),
        (json!({"project_path": "acme/widget.git"}), "`.git`"),
        (json!({"project_path": "acme/widget.atom"}), "`.atom`"),
        (json!({"project_path": "acme.git/widget"}), "`.git`"),
        (json!({"project_path": "widget"}), "`acme/group/widget`"),
        (json!({"project_path": "@acme/widget"}), "`group/project`"),
        (json!({"project_path": "/acme/widget"}), "write `acme/widget`"),
        (json!({"project_path": "acme//widget/"}), "write `acme/widget`"),
        (json!({"project_path": "acme/../widget"}), "letters, digits"),
        (json!({"project_path": "acme/wid get"}), "letters, digits"),
        (json!({"project_path": "acme/wid--get"}), "letters, digits"),
        (json!({"project_path": "acm\u{435}/widget"}), "U+0435"),
        (json!({"project_path": null}), "`acme/group/widget`"),
        (json!({"ci_config": null}), "`.gitlab-ci.yml`"),
        (json!({"ci_config": "https://ci.example/a.yml"}), "`.gitlab-ci.yml`"),
        (json!({"ci_config": "/ci/a.yml"}), "write `ci/a.yml`"),
        (json!({"ci_config": "ci/a.yml/"}), "write `ci/a.yml`"),
        (json!({"ci_config": "../a.yml"}), "from the project's root"),
        (json!({"ci_config": "./a.yml"}), "from the project's root"),
        (json!({"ci_config": "ci\\a.yml"}), "from the project's root"),
        (json!({"ci_config": "ci"}), "`ci.yml`"),
        (json!({"ci_config": ".gitlab-ci.yml@acme/other"}), "`.gitlab-ci.yml`, without the ref"),
        (json!({"ci_config": ".gitl\u{430}b-ci.yml"}), "U+0430"),
        (json!({"environment": "a,b"}), "write the name alone, such as `ab`"),
        (json!({"environment": "/"}), "such as `publish`"),
        (json!({"environment": "review/"}), "such as `review`"),
        (json!({"environment": "größe"}), "U+00F6"),
        (json!({"project_id": 2}), "`\"2\"`"),
        (json!({"namespace_id": "acme"}), "digits"),
        (json!({"ref": "main"}), "`refs/heads/main`"),
        (json!({"event": "Merge Request"}), "write `merge_request`"),
        (json!({"runner_environment": "github-hosted"}), "write `gitlab-hosted` or `self-hosted`"),
        (json!({"project": "acme/widget"}), "write `project_path`"),
        (json!({"issuer": INSTANCE}), "rename it to one of project_path, ci_config"),
    ] {
        let mut config = lenient();
        for (key, value) in changes.as_object().unwrap() {
            config[key] = value.clone();
        }
        let error = gitlab().publisher(&config).unwrap_err();
        assert!(error.to_string().contains(part), "{changes}: {error}");
        assert!(error.faults().iter().all(|fault| fault.fix.is_some()), "{error}");
    }
}

#[test]
fn a_group_may_be_named_like_a_host_and_a_real_host_is_none() {
    let refusal = |issuer: &str, path: &str| {
        let config = json!({"project_path": path, "ci_config": ".gitlab-ci.yml"});
        GitLab::at(issuer).unwrap().publisher(&config).err().map(|error| error.to_string())
    };
    for path in ["jane.io/widget", "acme.dev/group/widget", "example.org/website", "acme.com/widget.io"] {
        assert_eq!(refusal("https://gitlab.com", path), None, "{path}");
    }
    assert_eq!(refusal("https://gitlab.com", "gitlab.acme.dev/group/widget"), None);
    for (issuer, path) in [
        ("https://gitlab.com", "gitlab.com/acme/widget"),
        ("https://gitlab.com", "GitLab.com/acme/widget/-/tree/main"),
        ("https://gitlab.com", "github.com/acme/widget.git"),
        ("https://gitlab.com", "https://jane.io/acme/widget"),
        ("https://gitlab.com", "git@jane.io:acme/widget.git"),
        ("https://gitlab.acme.dev", "gitlab.acme.dev/acme/widget"),
        ("https://gitlab.acme.dev:8443/gitlab", "gitlab.acme.dev/acme/widget"),
        ("https://gitlab.acme.dev", "gitlab.com/acme/widget"),
    ] {
        let refusal = refusal(issuer, path).unwrap();
        assert!(refusal.contains("it is an address") && refusal.contains("write `acme/widget`"), "{refusal}");
    }
}

#[test]
fn a_publisher_is_described_in_one_line() {
    assert_eq!(
        publisher(&lenient()).describe(),
        "project acme/group/widget, CI configuration .gitlab-ci.yml"
    );
    assert_eq!(
        publisher(&strict()).describe(),
        "project acme/group/widget, CI configuration .gitlab-ci.yml, environment publish, ref refs/tags/v*, \
         ref protected, event push or web, runner gitlab-hosted"
    );
}
