//! SLSA provenance v0.2 of a job on GitLab CI/CD. Of its fields, the certificate proves some; the others are
//! the job's own word.

use serde_json::{Map, Value, json};

use super::github::needed;
use super::variables::Variables;
use crate::extension::{Extension, Extensions};
use crate::platform::Platform;
use crate::refusal::Refusal;

/// The type of build that npm writes.
const BUILD_TYPE: &str = "https://github.com/npm/cli/gitlab/v0alpha1";

/// A job, by its variables. Those that a certificate proves are the certificate's where the job is read from
/// one.
#[derive(Debug)]
pub(super) struct Build {
    variables: Map<String, Value>,
    parameters: Map<String, Value>,
}

impl Build {
    /// The job, as its own variables tell it.
    pub(super) fn of_job(variables: &Variables<'_>) -> Result<Self, Refusal> {
        for name in NEEDED {
            variables.needed(name)?;
        }
        let read = |names: &[&str]| -> Map<String, Value> {
            let value = |name: &&str| Some(((*name).to_owned(), variables.get(name)?.into()));
            names.iter().filter_map(value).collect()
        };
        Ok(Self { variables: read(BUILD), parameters: read(PARAMETERS) })
    }

    fn variable(&self, name: &str) -> &str {
        self.variables.get(name).and_then(Value::as_str).unwrap_or_default()
    }
}

/// The predicate that npm writes.
pub(super) fn predicate(build: &Build) -> Value {
    let variable = |name| build.variable(name);
    let project = variable("CI_PROJECT_URL");
    let digest = json!({ "sha1": variable("CI_COMMIT_SHA") });
    let uri = format!("git+{project}");
    // npm leaves out what is not set.
    let set = |name: &str| build.variables.get(name).cloned();
    let mut environment = json!({
        "server": variable("CI_SERVER_URL"),
        "project": variable("CI_PROJECT_PATH"),
        "job": { "id": variable("CI_JOB_ID") },
        "pipeline": { "id": variable("CI_PIPELINE_ID"), "ref": variable("CI_CONFIG_PATH") },
    });
    let optional = [("name", "CI_RUNNER_DESCRIPTION"), ("architecture", "CI_RUNNER_EXECUTABLE_ARCH")];
    for (member, name) in optional {
        if let (Some(value), Some(environment)) = (set(name), environment.as_object_mut()) {
            environment.insert(member.to_owned(), value);
        }
    }
    let mut invocation = json!({
        "configSource": { "uri": uri, "digest": digest, "entryPoint": variable("CI_JOB_NAME") },
        "environment": environment,
    });
    if let (Some(invocation), false) = (invocation.as_object_mut(), build.parameters.is_empty()) {
        invocation.insert("parameters".to_owned(), Value::Object(build.parameters.clone()));
    }
    json!({
        "buildType": BUILD_TYPE,
        "builder": { "id": format!("{project}/-/runners/{}", variable("CI_RUNNER_ID")) },
        "invocation": invocation,
        "metadata": {
            "buildInvocationId": variable("CI_JOB_URL"),
            "completeness": { "parameters": true, "environment": true, "materials": false },
            "reproducible": false,
        },
        "materials": [{ "uri": uri, "digest": digest }],
    })
}

/// The predicate that the certificate allows: what it proves, and the found predicate's own word on the rest.
pub(super) fn expected(
    found: &Value,
    platform: &Platform,
    extensions: &Extensions,
) -> Result<Value, Refusal> {
    let proven = proven(platform, extensions)?;
    let word = |pointer: &str| found.pointer(pointer).filter(|value| value.is_string()).cloned();
    let runner =
        format!("{}/-/runners/", proven.get("CI_PROJECT_URL").and_then(Value::as_str).unwrap_or_default());
    let mut variables: Map<String, Value> = Map::new();
    for (name, pointer) in WORD {
        variables.extend(word(pointer).map(|value| ((*name).to_owned(), value)));
    }
    let id = word("/builder/id")
        .and_then(|id| id.as_str().and_then(|id| id.strip_prefix(&runner)).map(Value::from));
    variables.extend(id.filter(is_number).map(|id| ("CI_RUNNER_ID".to_owned(), id)));
    variables.extend(proven.clone());
    let told = found.pointer("/invocation/parameters").and_then(Value::as_object);
    let parameter = |name: &&str| {
        let value = told?.get(*name).filter(|value| value.is_string())?;
        // A tag's pipeline has no branch.
        if *name == "CI_COMMIT_BRANCH" && !proven.contains_key(*name) {
            return None;
        }
        Some(((*name).to_owned(), proven.get(*name).unwrap_or(value).clone()))
    };
    let parameters = PARAMETERS.iter().filter_map(parameter).collect();
    Ok(predicate(&Build { variables, parameters }))
}

fn is_number(value: &Value) -> bool {
    let text = value.as_str().unwrap_or_default();
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The variables that the certificate proves.
fn proven(platform: &Platform, extensions: &Extensions) -> Result<Map<String, Value>, Refusal> {
    let needed = |extension| needed(extensions, extension).map(str::to_owned);
    let claims = platform.claims(extensions)?;
    let project = needed(Extension::SourceRepositoryUri)?;
    let full = needed(Extension::SourceRepositoryRef)?;
    let path = claims.text("project_path").unwrap_or_default().into_owned();
    let name = claims.text("ref").unwrap_or_default().into_owned();
    let configuration = needed(Extension::BuildConfigUri)?;
    let file = configuration.split_once("//").map_or("", |(_, rest)| rest);
    let file = file.split_once("//").map_or("", |(_, rest)| rest);
    let file = file.strip_suffix(&full).and_then(|rest| rest.strip_suffix('@')).unwrap_or(file).to_owned();
    let job = claims.text("job_id").unwrap_or_default().into_owned();
    let sha = needed(Extension::SourceRepositoryDigest)?;
    let branch = if full.starts_with("refs/tags/") { "CI_COMMIT_TAG" } else { "CI_COMMIT_BRANCH" };
    let values = [
        ("CI_BUILD_ID", job.clone()),
        ("CI_BUILD_REF", sha.clone()),
        ("CI_BUILD_REF_NAME", name.clone()),
        ("CI_COMMIT_REF_NAME", name.clone()),
        ("CI_COMMIT_SHA", sha),
        ("CI_CONFIG_PATH", file),
        ("CI_JOB_ID", job),
        ("CI_JOB_URL", needed(Extension::RunInvocationUri)?),
        ("CI_PIPELINE_SOURCE", needed(Extension::BuildTrigger)?),
        ("CI_PROJECT_ID", needed(Extension::SourceRepositoryIdentifier)?),
        ("CI_PROJECT_NAMESPACE", path.rsplit_once('/').map_or("", |(groups, _)| groups).to_owned()),
        ("CI_PROJECT_NAMESPACE_ID", needed(Extension::SourceRepositoryOwnerIdentifier)?),
        ("CI_PROJECT_PATH", path),
        ("CI_PROJECT_URL", project),
        ("CI_PROJECT_VISIBILITY", needed(Extension::SourceRepositoryVisibility)?),
        ("CI_SERVER_URL", platform.server().to_owned()),
        (branch, name),
    ];
    Ok(values.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect())
}

/// The variables that every statement needs.
const NEEDED: &[&str] = &[
    "CI_COMMIT_SHA",
    "CI_JOB_ID",
    "CI_JOB_NAME",
    "CI_JOB_URL",
    "CI_PIPELINE_ID",
    "CI_PROJECT_PATH",
    "CI_PROJECT_URL",
    "CI_RUNNER_ID",
    "CI_SERVER_URL",
    "CI_CONFIG_PATH",
];

/// The variables outside of the parameters.
const BUILD: &[&str] = &[
    "CI_COMMIT_SHA",
    "CI_CONFIG_PATH",
    "CI_JOB_ID",
    "CI_JOB_NAME",
    "CI_JOB_URL",
    "CI_PIPELINE_ID",
    "CI_PROJECT_PATH",
    "CI_PROJECT_URL",
    "CI_RUNNER_DESCRIPTION",
    "CI_RUNNER_EXECUTABLE_ARCH",
    "CI_RUNNER_ID",
    "CI_SERVER_URL",
];

/// The variables that no certificate proves, and the places where the predicate has them.
const WORD: &[(&str, &str)] = &[
    ("CI_JOB_NAME", "/invocation/configSource/entryPoint"),
    ("CI_PIPELINE_ID", "/invocation/environment/pipeline/id"),
    ("CI_RUNNER_DESCRIPTION", "/invocation/environment/name"),
    ("CI_RUNNER_EXECUTABLE_ARCH", "/invocation/environment/architecture"),
];

/// The variables that npm copies into the parameters.
const PARAMETERS: &[&str] = &[
    "CI",
    "CI_API_GRAPHQL_URL",
    "CI_API_V4_URL",
    "CI_BUILD_BEFORE_SHA",
    "CI_BUILD_ID",
    "CI_BUILD_NAME",
    "CI_BUILD_REF",
    "CI_BUILD_REF_NAME",
    "CI_BUILD_REF_SLUG",
    "CI_BUILD_STAGE",
    "CI_COMMIT_BEFORE_SHA",
    "CI_COMMIT_BRANCH",
    "CI_COMMIT_REF_NAME",
    "CI_COMMIT_REF_PROTECTED",
    "CI_COMMIT_REF_SLUG",
    "CI_COMMIT_SHA",
    "CI_COMMIT_SHORT_SHA",
    "CI_COMMIT_TIMESTAMP",
    "CI_COMMIT_TITLE",
    "CI_CONFIG_PATH",
    "CI_DEFAULT_BRANCH",
    "CI_DEPENDENCY_PROXY_DIRECT_GROUP_IMAGE_PREFIX",
    "CI_DEPENDENCY_PROXY_GROUP_IMAGE_PREFIX",
    "CI_DEPENDENCY_PROXY_SERVER",
    "CI_DEPENDENCY_PROXY_USER",
    "CI_JOB_ID",
    "CI_JOB_NAME",
    "CI_JOB_NAME_SLUG",
    "CI_JOB_STAGE",
    "CI_JOB_STARTED_AT",
    "CI_JOB_URL",
    "CI_NODE_TOTAL",
    "CI_PAGES_DOMAIN",
    "CI_PAGES_URL",
    "CI_PIPELINE_CREATED_AT",
    "CI_PIPELINE_ID",
    "CI_PIPELINE_IID",
    "CI_PIPELINE_SOURCE",
    "CI_PIPELINE_URL",
    "CI_PROJECT_CLASSIFICATION_LABEL",
    "CI_PROJECT_DESCRIPTION",
    "CI_PROJECT_ID",
    "CI_PROJECT_NAME",
    "CI_PROJECT_NAMESPACE",
    "CI_PROJECT_NAMESPACE_ID",
    "CI_PROJECT_PATH",
    "CI_PROJECT_PATH_SLUG",
    "CI_PROJECT_REPOSITORY_LANGUAGES",
    "CI_PROJECT_ROOT_NAMESPACE",
    "CI_PROJECT_TITLE",
    "CI_PROJECT_URL",
    "CI_PROJECT_VISIBILITY",
    "CI_REGISTRY",
    "CI_REGISTRY_IMAGE",
    "CI_REGISTRY_USER",
    "CI_RUNNER_DESCRIPTION",
    "CI_RUNNER_ID",
    "CI_RUNNER_TAGS",
    "CI_SERVER_HOST",
    "CI_SERVER_NAME",
    "CI_SERVER_PORT",
    "CI_SERVER_PROTOCOL",
    "CI_SERVER_REVISION",
    "CI_SERVER_SHELL_SSH_HOST",
    "CI_SERVER_SHELL_SSH_PORT",
    "CI_SERVER_URL",
    "CI_SERVER_VERSION",
    "CI_SERVER_VERSION_MAJOR",
    "CI_SERVER_VERSION_MINOR",
    "CI_SERVER_VERSION_PATCH",
    "CI_TEMPLATE_REGISTRY_HOST",
    "GITLAB_CI",
    "GITLAB_FEATURES",
    "GITLAB_USER_ID",
    "GITLAB_USER_LOGIN",
    "RUNNER_GENERATE_ARTIFACTS_METADATA",
];
