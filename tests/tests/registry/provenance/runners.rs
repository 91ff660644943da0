//! Certificates of jobs on machines that are not the platform's.

use super::endpoint::ProvenanceEndpoint;
use super::{Job, World};

const SELF_HOSTED: Job = Job {
    claims: &[("runner_environment", "self-hosted")],
    variables: &[("RUNNER_ENVIRONMENT", "self-hosted")],
};

/// The answer of an endpoint to what a job on a self-hosted runner signed, with the token of a job on the platform's own: its
/// status, and whether it refuses for this reason.
async fn answered(world: &World, endpoint: ProvenanceEndpoint, code: &str) -> (u16, bool) {
    let token = endpoint.token(world).await;
    let bundle = world.sign(SELF_HOSTED, |_| endpoint.statement_of(world, SELF_HOSTED)).await;
    let bundle = endpoint.written(&serde_json::from_str(bundle.as_str()).unwrap()).unwrap();
    let answer = endpoint.send(world, &bundle, &token).await;
    (answer.status, endpoint.refuses(&answer, code))
}

#[tokio::test]
async fn a_self_hosted_runners_certificate_is_refused_where_the_publisher_forbids_it_and_nothing_is_stored() {
    let workflow = "workflow = \"publish.yml\"\n";
    let only_hosted = format!("{workflow}runner_environment = \"github-hosted\"\n");
    let world = World::start(None, |config| config.replace(workflow, &only_hosted)).await;
    for endpoint in ProvenanceEndpoint::ALL {
        let answer = answered(&world, endpoint, "github-runner-environment").await;
        assert_eq!(answer, (endpoint.statuses().0, true), "{endpoint:?}");
        assert_eq!(world.stored().await, [""; 0], "{endpoint:?}");
    }
}

#[tokio::test]
async fn a_self_hosted_runners_certificate_is_refused_by_npms_rules_and_by_no_others() {
    let world = World::start(None, |config| config).await;
    assert_eq!(answered(&world, ProvenanceEndpoint::Npm, "provenance-runner").await, (422, true));
    assert_eq!(world.stored().await, [""; 0]);
    for endpoint in [ProvenanceEndpoint::Pypi, ProvenanceEndpoint::Gem] {
        assert_eq!(answered(&world, endpoint, "").await, (endpoint.statuses().1, false), "{endpoint:?}");
    }
}
