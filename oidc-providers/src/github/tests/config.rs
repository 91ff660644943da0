//! The values that a publisher's configuration may have.

use oidc_core::Provider;
use serde_json::json;

use super::{GitHub, lenient, publisher, strict};
use crate::harness::changed;

#[test]
fn a_configuration_that_can_match_nothing_says_what_to_write() {
    for (changes, part) in [
        (json!({"repository": "https://github.com/acme/widget"}), "write `acme/widget`"),
        (json!({"repository": "https://github.com/acme/widget/tree/main"}), "write `acme/widget`"),
        (json!({"repository": "git@github.com:acme/widget.git"}), "write `acme/widget`"),
        (json!({"repository": "acme/widget.git"}), "write `acme/widget`"),
        (json!({"repository": "@acme/widget"}), "write the repository: `acme/widget`"),
        (json!({"repository": "alice@example.com"}), "e-mail"),
        (json!({"repository": "acme/alice@example.com"}), "e-mail"),
        (json!({"repository": "widget"}), "`owner/name`"),
        (json!({"repository": "acme/widget/x"}), "`owner/name`"),
        (json!({"repository": "/widget"}), "owner's name"),
        (json!({"repository": "-acme/widget"}), "owner's name"),
        (json!({"repository": "ac.me/widget"}), "owner's name"),
        (json!({"repository": "acme/"}), "letters, digits"),
        (json!({"repository": "acme/.."}), "letters, digits"),
        (json!({"repository": "acme/wid get"}), "letters, digits"),
        (json!({"repository": "acme/wi%64get"}), "letters, digits"),
        (json!({"repository": "\u{430}cme/widget"}), "U+0430"),
        (json!({"repository": null}), "`acme/widget`"),
        (json!({"workflow": null}), "`publish.yml`"),
        (json!({"workflow": ".github/workflows/publish.yml"}), "write `publish.yml`"),
        (json!({"workflow": "ci\\publish.yml"}), "write `publish.yml`"),
        (json!({"workflow": "Publish"}), "`Publish.yml`"),
        (json!({"workflow": "publish.yml@refs/heads/main"}), "write `publish.yml`"),
        (json!({"workflow": "publish.yml@refs/heads/x.yml"}), "write `publish.yml`"),
        (json!({"workflow": ".github/workflows/publish.yml@refs/heads/main"}), "write `publish.yml`"),
        (json!({"workflow": "publish.yml@v1"}), "write `publish.yml`, without the ref"),
        (json!({"workflow": "p\u{443}blish.yml"}), "U+0443"),
        (json!({"environment": "a,b"}), "write the name alone, such as `ab`"),
        (json!({"environment": "'"}), "such as `publish`"),
        (json!({"environment": "publ\u{456}sh"}), "U+0456"),
        (json!({"repository_id": 2}), "`\"2\"`"),
        (json!({"repository_id": "acme"}), "digits"),
        (json!({"repository_owner_id": "1 000"}), "digits"),
        (json!({"ref": "v*"}), "`refs/tags/v*`"),
        (json!({"ref_protected": "true"}), "without quotes"),
        (json!({"event": "Push"}), "write `push`"),
        (json!({"event": []}), "leave the field out"),
        (json!({"runner_environment": "ubuntu-latest"}), "write `github-hosted` or `self-hosted`"),
        (json!({"job_workflow": "release.yml"}), "acme/shared/.github/workflows/release.yml@refs/tags/*"),
        (json!({"job_workflow": "acme/shared/.github/workflows/release.yml"}), "@refs/tags/*"),
        (json!({"job_workflow": "acme/shared/.github/workflows/release.yml@v1"}), "@refs/tags/*"),
        (json!({"job_workflow": "acme/shared/.github/workflows/release.yml@"}), "@refs/tags/*"),
        (json!({"job_workflow": "acme/shared/.github/workflows/x/release.yml@refs/tags/*"}), "@refs/tags/*"),
        (json!({"job_workflow": "acme/shared/.github/workflows/release@refs/tags/*"}), "`.yml`"),
        (json!({"job_workflow": "acme/shared/.github/workflows/release.yml@refs/tags/v?"}), "`**`"),
        (json!({"job_workflow": "ac me/shared/.github/workflows/release.yml@refs/tags/*"}), "owner's name"),
        (json!({"job_workflow": "acme/shared/.github/workflows/rel\u{435}ase.yml@refs/tags/*"}), "U+0435"),
        (json!({"workflow_filename": "publish.yml"}), "write `workflow`"),
        (json!({"provider": "github"}), "rename it to one of repository, workflow"),
    ] {
        let mut config = lenient();
        for (key, value) in changes.as_object().unwrap() {
            config[key] = value.clone();
        }
        let error = GitHub::public().publisher(&config).unwrap_err();
        assert!(error.to_string().contains(part), "{changes}: {error}");
        assert!(error.faults().iter().all(|fault| fault.fix.is_some()), "{error}");
    }
}

#[test]
fn unusual_names_that_github_allows_can_be_configured() {
    for changes in [
        json!({"repository": "octo_acme/.github"}),
        json!({"repository": "a/a.b_c-d"}),
        json!({"workflow": "my workflow.yaml"}),
        json!({"environment": "größe 本番 (eu/west)"}),
        json!({"environment": null, "event": null}),
    ] {
        publisher(&changed(&lenient(), &changes));
    }
}

#[test]
fn a_publisher_is_described_in_one_line() {
    assert_eq!(publisher(&lenient()).describe(), "repository acme/widget, workflow publish.yml");
    assert_eq!(
        publisher(&strict()).describe(),
        "repository acme/widget, workflow publish.yml, \
         job workflow acme/shared/.github/workflows/release.yml@refs/tags/*, environment publish, ref refs/tags/v*, \
         ref protected, event push or release, runner github-hosted"
    );
}
