use oidc_providers::circleci::sample;
use serde::Deserialize;

use super::platform::{Command, Job, Platform, Variables, variable};

/// CircleCI: a job asks the command `circleci` for tokens. It gives those of the issuer that is played, whether
/// `--root-issuer` asks for the root issuer's or not.
pub static CIRCLECI: Platform = Platform {
    name: "circleci",
    jwks_path: "/.well-known/jwks-pub.json",
    claims: sample::claims_with,
    endpoint: None,
    command: Some(Command { program: "circleci", audience }),
    token_variable: None,
    variables,
};

const ORGANIZATION: &str = "oidc.circleci.com/org-id";

const REPEATED: &[(&str, &str)] = &[
    ("CIRCLE_ORGANIZATION_ID", ORGANIZATION),
    ("CIRCLE_PIPELINE_ID", "oidc.circleci.com/pipeline-id"),
    ("CIRCLE_PROJECT_ID", "oidc.circleci.com/project-id"),
    ("CIRCLE_WORKFLOW_ID", "oidc.circleci.com/workflow-id"),
    ("CIRCLE_WORKFLOW_JOB_ID", "oidc.circleci.com/job-id"),
];

/// The ready-made tokens among them are for the organization's id, as CircleCI's are, and fit no registry.
fn variables(job: &Job<'_>) -> Variables {
    let reference = job.text("oidc.circleci.com/vcs-ref");
    let ready_made = (job.token)(&job.text(ORGANIZATION));
    let mut variables = vec![
        variable("CI", "true"),
        variable("CIRCLECI", "true"),
        variable("CIRCLE_JOB", "publish"),
        variable("CIRCLE_OIDC_TOKEN", ready_made.as_str()),
        variable("CIRCLE_OIDC_TOKEN_V2", ready_made.as_str()),
    ];
    for (name, start) in [("CIRCLE_BRANCH", "refs/heads/"), ("CIRCLE_TAG", "refs/tags/")] {
        variables.extend(reference.strip_prefix(start).map(|rest| variable(name, rest)));
    }
    variables.extend(job.repeated(REPEATED));
    variables
}

/// The audience of `run oidc get --claims '{"aud":"…"}'`.
fn audience(arguments: &[String]) -> Result<String, String> {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (["run", "oidc", "get", "--claims", claims]
    | ["run", "oidc", "get", "--root-issuer", "--claims", claims]
    | ["run", "oidc", "get", "--claims", claims, "--root-issuer"]) = words.as_slice()
    else {
        let usage = "expected: circleci run oidc get [--root-issuer] --claims '{\"aud\":\"AUDIENCE\"}'";
        return Err(usage.to_owned());
    };
    match serde_json::from_str::<Chosen>(claims) {
        Ok(chosen) => Ok(chosen.aud),
        Err(error) => Err(format!("`aud` is the one claim that a job may choose, as a text: {error}")),
    }
}

/// The content of `--claims`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Chosen {
    aud: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_takes_an_audience_and_no_other_claim() {
        let of = |line: &[&str]| audience(&line.iter().map(|&word| word.to_owned()).collect::<Vec<_>>());
        let get = ["run", "oidc", "get"];
        let with = |options: &[&str]| of(&[get.as_slice(), options].concat());
        assert_eq!(with(&["--claims", r#"{"aud":"x"}"#]).unwrap(), "x");
        assert_eq!(with(&["--root-issuer", "--claims", r#"{"aud":"x"}"#]).unwrap(), "x");
        assert_eq!(with(&["--claims", r#"{"aud":"x"}"#, "--root-issuer"]).unwrap(), "x");
        for options in
            [&[][..], &["--claims"], &["--claims", "x"], &["--claims", "{}"], &["--claim", r#"{"aud":"x"}"#]]
        {
            assert!(with(options).is_err(), "{options:?}");
        }
        assert!(with(&["--claims", r#"{"aud":"x","sub":"y"}"#]).is_err());
        assert!(of(&["version"]).is_err());
    }
}
