use oidc_core::{FieldComparison, PublisherField};

use crate::codes;
use crate::rules::Field;
use crate::rules::typed::typed_publisher;

const SOME_ID: &str = "{0184990a-477b-4fa8-9968-496074483cee}";

pub(super) const WORKSPACE: Field = Field::new(
    codes::BITBUCKET_WORKSPACE,
    PublisherField::required("workspace_uuid", "Workspace")
        .claim("workspaceUuid")
        .found_by()
        .immutable()
        .example(SOME_ID)
        .summary("the workspace's UUID in braces, which the repository's settings show"),
);
pub(super) const REPOSITORY: Field = Field::new(
    codes::BITBUCKET_REPOSITORY,
    PublisherField::required("repository_uuid", "Repository")
        .claim("repositoryUuid")
        .found_by()
        .immutable()
        .example(SOME_ID)
        .summary("the repository's UUID in braces, which its settings show"),
);
pub(super) const ENVIRONMENT: Field = Field::new(
    codes::BITBUCKET_ENVIRONMENT,
    PublisherField::optional("deployment_environment_uuid", "Environment")
        .claim("deploymentEnvironmentUuid")
        .immutable()
        .recommended()
        .example(SOME_ID)
        .summary("the UUID in braces of the step's deployment environment"),
);
pub(super) const BRANCH: Field = Field::new(
    codes::BITBUCKET_BRANCH,
    PublisherField::optional("branch", "Branch")
        .claim("branchName")
        .compared(FieldComparison::Pattern)
        .example("main")
        .summary("the pipeline's branch"),
);

typed_publisher! {
    /// The typed configuration of a publisher on Bitbucket Pipelines. It serializes and converts to the JSON form;
    /// [`Provider::publisher`](oidc_core::Provider::publisher) checks the values.
    ///
    /// ```
    /// use oidc_core::Provider as _;
    /// use oidc_providers::{Bitbucket, BitbucketPublisher};
    ///
    /// let issuer = "https://api.bitbucket.org/2.0/workspaces/acme/pipelines-config/identity/oidc";
    /// let uuid = "{0184990a-477b-4fa8-9968-496074483cee}";
    /// let publisher = BitbucketPublisher::new(uuid, uuid).branch("main");
    /// assert!(Bitbucket::at(issuer)?.publisher(&publisher.into()).is_ok());
    /// # Ok::<_, oidc_core::InvalidUrl>(())
    /// ```
    FIELDS, BitbucketPublisher(workspace_uuid: WORKSPACE, repository_uuid: REPOSITORY)

    /// Sets the step's deployment environment.
    fn deployment_environment_uuid(text ENVIRONMENT);

    /// Sets a pattern for the pipeline's branch.
    fn branch(text BRANCH);
}
