//! The codes of the platforms' diagnoses: of jobs that get no token, of tokens that a publisher does not
//! accept, and of publishers with an invalid configuration.
//!
//! [`oidc_core::codes`] describes their use and stability. Codes that begin with a platform's name belong to
//! that platform; `publisher-…` are faults of a configuration; `token-…` are faults of a token source.

oidc_core::__codes! {
    ACTIVESTATE_ACTOR = "activestate-actor",
        "The build was started by another user than the publisher's.",
        "Have the publisher's user start the build, or change the publisher's `actor`.";
    ACTIVESTATE_BUILDER = "activestate-builder",
        "The token is of another of ActiveState's builders than the one that publishes.",
        "Publish by the builder that ActiveState has for it.";
    ACTIVESTATE_ORGANIZATION = "activestate-organization",
        "The build is of another organization than the publisher's.",
        "Build in the publisher's organization, or change the publisher.";
    ACTIVESTATE_ORGANIZATION_ID = "activestate-organization-id",
        "The organization has the name that the publisher has, and another id: it was deleted and created again.",
        "Configure the publisher again, if the new organization is yours.";
    ACTIVESTATE_PROJECT = "activestate-project",
        "The build is of another project than the publisher's.",
        "Build in the publisher's project, or change the publisher.";
    ACTIVESTATE_PROJECT_ID = "activestate-project-id",
        "The project has the name that the publisher has, and another id: it was deleted and created again.",
        "Configure the publisher again, if the new project is yours.";
    ACTIVESTATE_SUBJECT = "activestate-subject",
        "The token's subject is not the one of its organization and project.",
        "Tell ActiveState: the token contradicts itself.";
    AWS_ACCOUNT = "aws-account",
        "The account in the token is not the one in its role's ARN.",
        "Tell AWS: the token contradicts itself.";
    AWS_FUNCTION = "aws-function",
        "The token was asked for by another Lambda function than the publisher's, or by none.",
        "Publish from the publisher's function, or change its `lambda_function`.";
    AWS_ORGANIZATION = "aws-organization",
        "The account is of another organization than the publisher's.",
        "Publish from an account of the publisher's organization, or change the publisher.";
    AWS_REGION = "aws-region",
        "The token is of another region's endpoint than the publisher's.",
        "Ask the endpoint of the publisher's region, or change its `region`.";
    AWS_ROLE = "aws-role",
        "The job runs as another role than the publisher's.",
        "Publish as the publisher's role, or change the publisher.";
    AWS_TAGS = "aws-tags",
        "The role and its session lack a tag that the publisher asks for, or have another value in it.",
        "Tag the role, or change the publisher's `principal_tags`.";
    AZURE_DEFINITION = "azure-definition",
        "The run is of another pipeline's definition than the publisher's.",
        "Publish by the publisher's pipeline, or change the publisher.";
    AZURE_NOT_PERMITTED = "azure-not-permitted",
        "The step may not ask for identity tokens.",
        "Map `SYSTEM_ACCESSTOKEN` to `$(System.AccessToken)` in the step's `env`.";
    AZURE_ORGANIZATION = "azure-organization",
        "The run is of another organization than the publisher's.",
        "Publish from the publisher's organization, or change the publisher.";
    AZURE_PROJECT = "azure-project",
        "The run is of another project than the publisher's.",
        "Publish from the publisher's project, or change the publisher.";
    AZURE_REF = "azure-ref",
        "The run is of another branch or tag than the publisher's, or of a pull request.",
        "Publish from a ref that the publisher's `ref` matches, or change the publisher.";
    AZURE_REPOSITORY = "azure-repository",
        "The pipeline builds another repository than the publisher's.",
        "Build the publisher's repository, or change the publisher.";
    AZURE_REQUEST_URI = "azure-request-uri",
        "The agent's variable holds no URL that a token may be asked from.",
        "Leave the variable as the agent sets it.";
    BITBUCKET_BRANCH = "bitbucket-branch",
        "The pipeline is of another branch than the publisher's, or of none.",
        "Publish from a branch that the publisher's `branch` matches, or change the publisher.";
    BITBUCKET_ENVIRONMENT = "bitbucket-environment",
        "The step is of another deployment environment than the publisher's, or of none.",
        "Let the step deploy to the publisher's environment, or change the publisher.";
    BITBUCKET_REPOSITORY = "bitbucket-repository",
        "The step is of another repository than the publisher's.",
        "Publish from the publisher's repository, or change the publisher.";
    BITBUCKET_TOKEN_MISSING = "bitbucket-token-missing",
        "The step asks for no identity token.",
        "Write `oidc` with the registry's audience into the step.";
    BITBUCKET_WORKSPACE = "bitbucket-workspace",
        "The step is of another workspace than the publisher's.",
        "Publish from the publisher's workspace, or change the publisher.";
    BUILDKITE_BRANCH = "buildkite-branch",
        "The build is of another branch than the publisher's; as a notice, that a branch's name proves little.",
        "Build the publisher's branch or change the publisher; better, constrain `step_key` or `build_tag`.";
    BUILDKITE_ENDPOINT = "buildkite-endpoint",
        "The agent's variable with the API's address holds no URL that a token may be asked from.",
        "Leave the variable as the agent sets it.";
    BUILDKITE_JOB_ID = "buildkite-job-id",
        "The agent's variable with the job's id holds no id.",
        "Leave the variable as the agent sets it.";
    BUILDKITE_ORGANIZATION = "buildkite-organization",
        "The build is of another organization than the publisher's.",
        "Build in the publisher's organization, or change the publisher.";
    BUILDKITE_ORGANIZATION_ID = "buildkite-organization-id",
        "The organization has the name that the publisher has, and another id.",
        "Configure the publisher again, if the organization is yours.";
    BUILDKITE_PIPELINE = "buildkite-pipeline",
        "The build is of another pipeline than the publisher's.",
        "Publish from the publisher's pipeline, or change the publisher.";
    BUILDKITE_PIPELINE_ID = "buildkite-pipeline-id",
        "The pipeline has the name that the publisher has, and another id.",
        "Configure the publisher again, if the pipeline is yours.";
    BUILDKITE_STEP = "buildkite-step",
        "The token is of another step than the publisher's.",
        "Publish in the publisher's step, or change its `step_key`.";
    BUILDKITE_TAG = "buildkite-tag",
        "The build is of another tag than the publisher's, or of none.",
        "Build a tag that the publisher's `build_tag` matches, or change the publisher.";
    CIRCLECI_CONTEXT = "circleci-context",
        "The job uses none of the publisher's contexts.",
        "Add one of the publisher's contexts to the job, or change its `context_ids`.";
    CIRCLECI_NO_VCS_ORIGIN = "circleci-no-vcs-origin",
        "The publisher names a repository and the pipeline has none, or the other way round; as a notice, that the job tells none.",
        "Publish from a pipeline that a repository starts, or leave `vcs_origin` out of the publisher.";
    CIRCLECI_ORGANIZATION = "circleci-organization",
        "The job is of another organization than the publisher's.",
        "Publish from the publisher's organization, or change the publisher.";
    CIRCLECI_PIPELINE_DEFINITION = "circleci-pipeline-definition",
        "The job is of another pipeline definition than the publisher's.",
        "Publish by the publisher's pipeline definition, or change the publisher.";
    CIRCLECI_PROJECT = "circleci-project",
        "The job is of another project than the publisher's.",
        "Publish from the publisher's project, or change the publisher.";
    CIRCLECI_SSH_RERUN = "circleci-ssh-rerun",
        "The job was run again with SSH, so that whoever is logged in can take its token.",
        "Run the job again without SSH.";
    CIRCLECI_VCS_ORIGIN = "circleci-vcs-origin",
        "The job is of another repository than the publisher's.",
        "Publish from the publisher's repository, or change its `vcs_origin`.";
    CIRCLECI_VCS_REF = "circleci-vcs-ref",
        "The job is of another branch or tag than the publisher's.",
        "Publish from a ref that the publisher's `vcs_ref` matches, or change the publisher.";
    CLAIM_TYPE = "claim-type",
        "A claim has another type than tokens of its platform have there.",
        "Look for an update of the platform.";
    ENVIRONMENT_MISSING = "environment-missing",
        "The publisher asks for an environment, and the job has none.",
        "Add the environment to the job, or take it out of the publisher.";
    FORGEJO_EVENT = "forgejo-event",
        "The run was started by an event that the publisher does not accept.",
        "Publish by a push, a tag or a release, or change the publisher's `event`.";
    FORGEJO_NOT_ENABLED = "forgejo-not-enabled",
        "The workflow asks for no identity tokens.",
        "Add `enable-openid-connect: true` to the workflow or the job; Forgejo has no `permissions` for it.";
    FORGEJO_REF = "forgejo-ref",
        "The run is of another branch or tag than the publisher's.",
        "Publish from a ref that the publisher's `ref` matches, or change the publisher.";
    FORGEJO_REF_PROTECTED = "forgejo-ref-protected",
        "The publisher asks for a protected branch or tag, and the run's is not.",
        "Protect the branch or tag, or take `ref_protected` out of the publisher.";
    FORGEJO_REPOSITORY = "forgejo-repository",
        "The run is of another repository than the publisher's.",
        "Publish from the publisher's repository, or change the publisher.";
    FORGEJO_REPOSITORY_ID = "forgejo-repository-id",
        "The repository has the name that the publisher has, and another id: it was deleted and created again.",
        "Configure the publisher again, if the new repository is yours.";
    FORGEJO_REPOSITORY_OWNER = "forgejo-repository-owner",
        "The token's owner is not the one in its repository's name.",
        "Tell the instance's administrators: the token contradicts itself.";
    FORGEJO_REPOSITORY_OWNER_ID = "forgejo-repository-owner-id",
        "The repository's owner has the name that the publisher has, and another id.",
        "Configure the publisher again, if the new owner is you.";
    FORGEJO_REQUEST_URL = "forgejo-request-url",
        "The runner's variable holds no URL that a token may be asked from.",
        "Leave the variable as the runner sets it.";
    FORGEJO_WORKFLOW = "forgejo-workflow",
        "The run is of another workflow file than the publisher's.",
        "Publish from the publisher's workflow, or change the publisher.";
    FORGEJO_WORKFLOW_REF = "forgejo-workflow-ref",
        "The workflow that the token names is not a file at the run's own ref.",
        "Publish from a workflow that stands at the ref that it runs for.";
    GENERIC_CLAIM = "generic-claim",
        "A claim has another value than the publisher's.",
        "Publish from a job with the publisher's value, or change the publisher.";
    GENERIC_CLAIM_MISSING = "generic-claim-missing",
        "The token lacks a claim that the publisher is found by or asks for.",
        "Have the issuer put the claim into its tokens, or take it out of the publisher.";
    GITHUB_ENVIRONMENT = "github-environment",
        "The job runs in another environment than the publisher's.",
        "Let the job use the publisher's environment, or change the publisher.";
    GITHUB_EVENT = "github-event",
        "The run was started by an event that the publisher does not accept.",
        "Publish by a push, a tag or a release, or change the publisher's `events`.";
    GITHUB_FORK = "github-fork",
        "A pull request from a fork gets no identity token.",
        "Publish after the merge: by a push, a tag or a release of the repository itself.";
    GITHUB_INVALID_TOKEN = "github-invalid-token",
        "What GitHub gave is no identity token.",
        "Run the job again; look at GitHub's status page if it goes on.";
    GITHUB_JOB_WORKFLOW = "github-job-workflow",
        "The job's steps stand in another called workflow than the publisher's, or in none.",
        "Call the publisher's workflow, or change its `job_workflow`.";
    GITHUB_NO_ENVIRONMENT = "github-no-environment",
        "The job has no environment, whose protection rules could hold a publish back.",
        "Add an environment with required reviewers to the job and to the publisher.";
    GITHUB_NO_TOKEN = "github-no-token",
        "GitHub's answer holds no identity token.",
        "Run the job again; look at GitHub's status page if it goes on.";
    GITHUB_NOT_PERMITTED = "github-not-permitted",
        "The job may not ask for identity tokens.",
        "Add `permissions: id-token: write` to the job, and to the calling job of a reusable workflow.";
    GITHUB_REF = "github-ref",
        "The run is of another branch or tag than the publisher's.",
        "Publish from a ref that the publisher's `refs` match, or change the publisher.";
    GITHUB_REF_PROTECTED = "github-ref-protected",
        "The publisher asks for a protected branch or tag, and the run's is not.",
        "Protect the branch or tag by a rule of the repository.";
    GITHUB_REFUSED = "github-refused",
        "GitHub refused to give an identity token, or went on failing.",
        "Check `permissions: id-token: write`, and ask while the job runs; look at GitHub's status page if it goes on.";
    GITHUB_REPOSITORY = "github-repository",
        "The run is of another repository than the publisher's.",
        "Publish from the publisher's repository, or change the publisher.";
    GITHUB_REPOSITORY_ID = "github-repository-id",
        "The repository has the name that the publisher has, and another id: it was deleted and created again.",
        "Configure the publisher again, if the new repository is yours.";
    GITHUB_REPOSITORY_OWNER = "github-repository-owner",
        "The token names an owner that is not its repository's.",
        "Tell GitHub: the token contradicts itself.";
    GITHUB_REPOSITORY_OWNER_ID = "github-repository-owner-id",
        "The repository's owner has the name that the publisher has, and another id: the account was deleted and created again.",
        "Configure the publisher again, if the new account is yours.";
    GITHUB_REQUEST_URL = "github-request-url",
        "The runner's variable with the token's address holds no URL that a token may be asked from.",
        "Leave the variable as the runner sets it.";
    GITHUB_REUSABLE_WORKFLOW = "github-reusable-workflow",
        "The job's steps stand in a called workflow, and registries differ in which of the two they compare.",
        "Name the workflow in the publisher that the registry compares.";
    GITHUB_RUNNER_ENVIRONMENT = "github-runner-environment",
        "The job runs on another kind of runner than the publisher's.",
        "Publish on the publisher's kind of runner, or change its `runner_environment`.";
    GITHUB_SELF_HOSTED = "github-self-hosted",
        "The job runs on a self-hosted runner, which other jobs may have touched.",
        "Publish on a runner that GitHub hosts.";
    GITHUB_UNAVAILABLE = "github-unavailable",
        "No complete answer came from GitHub to the question for an identity token.",
        "Run the job again; look at GitHub's status page if it goes on.";
    GITHUB_WORKFLOW = "github-workflow",
        "The run began with another workflow file than the publisher's.",
        "Publish from the publisher's workflow, or change the publisher.";
    GITHUB_WORKFLOW_REF = "github-workflow-ref",
        "The workflow that the token names is not a file at the run's own ref.",
        "Publish from a workflow that stands at the ref that it runs for.";
    GITLAB_CI_CONFIG = "gitlab-ci-config",
        "The pipeline began with another CI configuration file than the publisher's.",
        "Publish from the publisher's file, or change its `ci_config`.";
    GITLAB_CI_CONFIG_OUTSIDE = "gitlab-ci-config-outside",
        "The pipeline's CI configuration stands outside of its project, where others may change it.",
        "Keep the CI configuration in the project itself.";
    GITLAB_ENVIRONMENT = "gitlab-environment",
        "The job runs in another environment than the publisher's.",
        "Let the job use the publisher's environment, or change the publisher.";
    GITLAB_EVENT = "gitlab-event",
        "The pipeline was started by something that the publisher does not accept.",
        "Start it by a push or a tag, or change the publisher's `events`.";
    GITLAB_ID_TOKEN_MISSING = "gitlab-id-token-missing",
        "The job declares no identity token for the registry.",
        "Declare one with `id_tokens` in the CI configuration.";
    GITLAB_JOB_PROJECT = "gitlab-job-project",
        "The job runs in another project than its pipeline's.",
        "Publish from a pipeline of the project itself.";
    GITLAB_MERGE_REQUEST = "gitlab-merge-request",
        "The pipeline is of a merge request, whose code nobody has approved yet.",
        "Publish after the merge, from a branch or a tag.";
    GITLAB_NAMESPACE_ID = "gitlab-namespace-id",
        "The group has the path that the publisher has, and another id: it was deleted and created again.",
        "Configure the publisher again, if the new group is yours.";
    GITLAB_NAMESPACE_PATH = "gitlab-namespace-path",
        "The token names a group that is not its project's.",
        "Tell the instance's operator: the token contradicts itself.";
    GITLAB_NO_ENVIRONMENT = "gitlab-no-environment",
        "The job has no environment, whose protection could hold a publish back.",
        "Add a protected environment to the job and to the publisher.";
    GITLAB_PROJECT_ID = "gitlab-project-id",
        "The project has the path that the publisher has, and another id: it was deleted and created again.",
        "Configure the publisher again, if the new project is yours.";
    GITLAB_PROJECT_PATH = "gitlab-project-path",
        "The job is of another project than the publisher's.",
        "Publish from the publisher's project, or change the publisher.";
    GITLAB_REF = "gitlab-ref",
        "The pipeline is of another branch or tag than the publisher's.",
        "Publish from a ref that the publisher's `refs` match, or change the publisher.";
    GITLAB_REF_PROTECTED = "gitlab-ref-protected",
        "The publisher asks for a protected branch or tag, and the pipeline's is not.",
        "Protect the branch or tag in the project's settings.";
    GITLAB_RUNNER_ENVIRONMENT = "gitlab-runner-environment",
        "The job runs on another kind of runner than the publisher's.",
        "Publish on the publisher's kind of runner, or change its `runner_environment`.";
    GITLAB_SELF_HOSTED = "gitlab-self-hosted",
        "The job runs on a runner that is not GitLab's, which other jobs may have touched.",
        "Publish on a runner that GitLab hosts.";
    GOOGLE_ACCOUNT = "google-account",
        "The service account that is to be impersonated has no usable name.",
        "Write the account's e-mail address into the variable.";
    GOOGLE_EMAIL = "google-email",
        "The token is of another service account than the publisher's.",
        "Publish by the publisher's account, or change the publisher.";
    GOOGLE_EMAIL_UNVERIFIED = "google-email-unverified",
        "The token's e-mail address is not verified by Google.",
        "Publish by a service account, whose address is.";
    GOOGLE_METADATA_HOST = "google-metadata-host",
        "The variable with the metadata server's address holds no host.",
        "Correct the variable, or unset it.";
    GOOGLE_SUBJECT = "google-subject",
        "The service account has the address that the publisher has, and another id: it was deleted and created again.",
        "Configure the publisher again, if the new account is yours.";
    PUBLISHER_CI_CONFIG = "publisher-ci-config",
        "A publisher's CI configuration file has no usable path.",
        "Write a path within the project, such as `.gitlab-ci.yml`.";
    PUBLISHER_CLAIM = "publisher-claim",
        "A publisher's claim can't be compared, or its value can't.",
        "Write the claim's name and a value of the type that the message names.";
    PUBLISHER_EMAIL = "publisher-email",
        "A publisher's account is no e-mail address.",
        "Write the service account's address.";
    PUBLISHER_ENVIRONMENT = "publisher-environment",
        "A publisher's environment has a name that none can have.",
        "Write the environment's name as the platform shows it.";
    PUBLISHER_EVENT = "publisher-event",
        "A publisher's event is not written as the platform names events, or is one that strangers can start.",
        "Write the event as the message proposes.";
    PUBLISHER_EXTENSION = "publisher-extension",
        "A publisher's workflow file does not end in `.yml` or `.yaml`.",
        "Write the file's name with its ending.";
    PUBLISHER_FOUND_BY = "publisher-found-by",
        "A publisher does not say which of its claims it is found by, or names one that tells nobody apart.",
        "Name a claim that tells the issuer's tenants apart, such as `sub`.";
    PUBLISHER_ID = "publisher-id",
        "A publisher's id is not one of its platform's.",
        "Write the id as the platform shows it.";
    PUBLISHER_JOB_WORKFLOW = "publisher-job-workflow",
        "A publisher's called workflow is no repository with a path and a ref.",
        "Write it as `OWNER/REPOSITORY/.github/workflows/FILE@REF`.";
    PUBLISHER_LOOK_ALIKE = "publisher-look-alike",
        "A publisher's value holds characters that look like others.",
        "Type the value again in plain letters.";
    PUBLISHER_NO_RULES = "publisher-no-rules",
        "A publisher has no claims to compare, or more than it may have.",
        "Write 1 to 32 claims with the values that they must have.";
    PUBLISHER_ORGANIZATION = "publisher-organization",
        "A publisher's organization is another than its issuer's.",
        "Write the issuer's organization.";
    PUBLISHER_PROJECT = "publisher-project",
        "A publisher's project is no path of a GitLab project.",
        "Write it as `GROUP/PROJECT`.";
    PUBLISHER_REF = "publisher-ref",
        "A publisher's ref is no pattern of branches or tags.",
        "Write it as `refs/heads/main` or `refs/tags/v*`.";
    PUBLISHER_REPOSITORY = "publisher-repository",
        "A publisher's repository is no name of a GitHub repository.",
        "Write it as `OWNER/NAME`.";
    PUBLISHER_ROLE = "publisher-role",
        "A publisher's role is not the ARN of a role.",
        "Write the ARN that the message shows.";
    PUBLISHER_SLUG = "publisher-slug",
        "A publisher's name is not one that its platform gives.",
        "Write the name as it stands in the platform's URLs.";
    PUBLISHER_VALUE = "publisher-value",
        "A publisher's value is not one that its platform has.",
        "Write one of the values that the message names.";
    PUBLISHER_VCS_ORIGIN = "publisher-vcs-origin",
        "A publisher's repository is not written as CircleCI's tokens have it.",
        "Write it as `github.com/OWNER/NAME`.";
    PUBLISHER_WORKFLOW = "publisher-workflow",
        "A publisher's workflow is a path, where the file's name is meant.",
        "Write the file's name alone.";
    SEMAPHORE_DEBUG_JOB = "semaphore-debug-job",
        "The job is one that a person debugs, so that whoever is logged in can take its token.",
        "Run the pipeline again.";
    SEMAPHORE_ORGANIZATION = "semaphore-organization",
        "The job is of another organization than the publisher's.",
        "Publish from the publisher's organization, or change the publisher.";
    SEMAPHORE_PROJECT = "semaphore-project",
        "The job is of another project than the publisher's.",
        "Publish from the publisher's project, or change the publisher.";
    SEMAPHORE_PULL_REQUEST = "semaphore-pull-request",
        "The job is of a pull request, whose code nobody has approved yet.",
        "Publish after the merge, from a branch or a tag.";
    SEMAPHORE_REF = "semaphore-ref",
        "The job is of another branch or tag than the publisher's.",
        "Publish from a ref that the publisher's `ref` matches, or change the publisher.";
    SEMAPHORE_REPOSITORY = "semaphore-repository",
        "The project builds another repository than the publisher's.",
        "Build the publisher's repository, or change the publisher.";
    SEMAPHORE_TOKEN_MISSING = "semaphore-token-missing",
        "The job has no identity token.",
        "Publish in a job of Semaphore Cloud, on a plan with OpenID Connect.";
    TERRAFORM_ORGANIZATION = "terraform-organization",
        "The run is of another organization than the publisher's.",
        "Publish from the publisher's organization, or change the publisher.";
    TERRAFORM_ORGANIZATION_ID = "terraform-organization-id",
        "The organization has the name that the publisher has, and another id.",
        "Configure the publisher again, if the organization is yours.";
    TERRAFORM_PROJECT = "terraform-project",
        "The workspace is of another project than the publisher's.",
        "Move the workspace, or change the publisher's `project_name`.";
    TERRAFORM_RUN_PHASE = "terraform-run-phase",
        "The token is of another phase of the run than the publisher's.",
        "Publish in the apply phase, or change the publisher's `run_phase`.";
    TERRAFORM_TOKEN_MISSING = "terraform-token-missing",
        "The run has no identity token.",
        "Set the workspace's variable `TFC_WORKLOAD_IDENTITY_AUDIENCE` to the registry's audience.";
    TERRAFORM_WORKSPACE = "terraform-workspace",
        "The run is of another workspace than the publisher's.",
        "Publish from the publisher's workspace, or change the publisher.";
    TERRAFORM_WORKSPACE_ID = "terraform-workspace-id",
        "The workspace has the name that the publisher has, and another id.",
        "Configure the publisher again, if the workspace is yours.";
    TOKEN_COMMAND_FAILED = "token-command-failed",
        "The command that gives identity tokens did not come to its end.",
        "Run the job again; check what the command waits for.";
    TOKEN_COMMAND_MISSING = "token-command-missing",
        "The command that gives identity tokens is not there.",
        "Install it where the job runs.";
    TOKEN_COMMAND_REFUSED = "token-command-refused",
        "The command that gives identity tokens ended with an error.",
        "See what the command says, by running it in the job.";
    TOKEN_COMMAND_UNUSABLE = "token-command-unusable",
        "What a command printed is no identity token.",
        "Let it print a token for the registry's audience, and nothing else.";
    TOKEN_ENDPOINT_ELSEWHERE = "token-endpoint-elsewhere",
        "A web page or a proxy answered in the platform's place.",
        "Have the proxy let the request through, or name the host in `no_proxy`.";
    TOKEN_ENDPOINT_REFUSED = "token-endpoint-refused",
        "The platform refused to give an identity token, or went on failing.",
        "See what the platform says, and run the job again.";
    TOKEN_ENDPOINT_UNAVAILABLE = "token-endpoint-unavailable",
        "No complete answer came from the platform to the question for an identity token.",
        "Run the job again, and check the way to the host.";
    TOKEN_ENDPOINT_UNUSABLE = "token-endpoint-unusable",
        "The platform's answer holds no identity token.",
        "Run the job again; tell the platform if it goes on.";
    TOKEN_FILE_MISSING = "token-file-missing",
        "The file that should hold an identity token can't be read.",
        "Let the platform write a token for the registry's audience there.";
    TOKEN_FILE_UNUSABLE = "token-file-unusable",
        "What a file holds is no identity token.",
        "Let the platform write a token for the registry's audience there.";
}
