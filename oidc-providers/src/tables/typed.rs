//! The typed form of each platform's publishers, which has the fields of the platform's table.

use serde_json::{Value, json};

use super::{of_examples, providers};
use crate::{
    ActiveStatePublisher, AwsPublisher, AzurePipelinesPublisher, BitbucketPublisher, BuildkitePublisher,
    CircleCiPublisher, ForgejoPublisher, GenericPublisher, GitHubPublisher, GitLabPublisher, GooglePublisher,
    SemaphorePublisher, TerraformPublisher,
};

#[test]
fn the_typed_form_of_each_platform_has_every_field_and_no_other() {
    const ID: &str = "0184990a-477b-4fa8-9968-496074483cee";
    const IN_BRACES: &str = "{0184990a-477b-4fa8-9968-496074483cee}";
    const ACTOR: &str = "00000000-0000-1000-8000-000000000002";
    let typed: Vec<(&str, Value)> = vec![
        (
            "github",
            GitHubPublisher::new("acme/widget", "publish.yml")
                .environment("publish")
                .repository_id("123456")
                .repository_owner_id("123456")
                .git_ref("refs/tags/v*")
                .ref_protected()
                .events(["push", "release"])
                .job_workflow("acme/shared/.github/workflows/release.yml@refs/tags/*")
                .runner_environment("github-hosted")
                .into(),
        ),
        (
            "gitlab",
            GitLabPublisher::new("acme/group/widget", ".gitlab-ci.yml")
                .environment("publish")
                .project_id("123456")
                .namespace_id("123456")
                .git_ref("refs/tags/v*")
                .ref_protected()
                .events(["push", "web"])
                .runner_environment("gitlab-hosted")
                .into(),
        ),
        (
            "circleci",
            CircleCiPublisher::new(ID, ID, ID)
                .vcs_origin("github.com/acme/widget")
                .vcs_ref("refs/heads/main")
                .context_ids([ID])
                .into(),
        ),
        (
            "buildkite",
            BuildkitePublisher::new("acme", "widget")
                .organization_id(ID)
                .pipeline_id(ID)
                .build_branch("main")
                .build_tag("v*")
                .step_key("publish")
                .into(),
        ),
        (
            "google",
            GooglePublisher::new("publisher@project.iam.gserviceaccount.com")
                .subject("100000000000000000001")
                .into(),
        ),
        (
            "activestate",
            ActiveStatePublisher::new("acme", "widget", ACTOR).organization_id(ID).project_id(ID).into(),
        ),
        (
            "forgejo",
            ForgejoPublisher::new("acme/widget", ".forgejo/workflows/publish.yml")
                .repository_id("123456")
                .repository_owner_id("123456")
                .git_ref("refs/tags/v*")
                .ref_protected()
                .events(["push", "release"])
                .into(),
        ),
        (
            "azure",
            AzurePipelinesPublisher::new(ID, ID, "7")
                .repository("https://github.com/acme/widget.git")
                .git_ref("refs/tags/v*")
                .into(),
        ),
        (
            "bitbucket",
            BitbucketPublisher::new(IN_BRACES, IN_BRACES)
                .deployment_environment_uuid(IN_BRACES)
                .branch("main")
                .into(),
        ),
        (
            "semaphore",
            SemaphorePublisher::new(ID, ID).repository("acme/widget").git_ref("refs/tags/v*").into(),
        ),
        (
            "terraform",
            TerraformPublisher::new("acme", "publish-widget")
                .organization_id("org-GRNbCjYNpBB6NEBH")
                .workspace_id("ws-mbsd5E3Ktt5Rg2Xm")
                .project("libraries")
                .run_phase("apply")
                .into(),
        ),
        (
            "aws",
            AwsPublisher::new("arn:aws:iam::123456789012:role/publisher")
                .organization_id("o-abc1234567")
                .region("eu-central-1")
                .lambda_function("arn:aws:lambda:eu-central-1:123456789012:function:publish")
                .principal_tag("project", "widget")
                .into(),
        ),
        ("generic", GenericPublisher::new("sub", "system:serviceaccount:acme:publisher").into()),
    ];
    for provider in providers() {
        let id = provider.id();
        let row = typed.iter().find(|(name, _)| *name == id);
        let (_, config) = row.unwrap_or_else(|| panic!("{id} has no row"));
        let mut expected = of_examples(provider.publisher_fields());
        if id == "circleci" {
            expected["context_ids"] = json!([ID]);
        }
        assert_eq!(*config, expected, "{id}");
        provider.publisher(config).unwrap();
    }
    let json = serde_json::to_value(GitHubPublisher::new("acme/widget", "publish.yml")).unwrap();
    assert_eq!(json, json!({"repository": "acme/widget", "workflow": "publish.yml"}));
    let json = serde_json::to_value(GenericPublisher::new("sub", "a").claim("n", vec![1, 2])).unwrap();
    assert_eq!(json, json!({"found_by": "sub", "claims": {"sub": "a", "n": [1, 2]}}));
}
