use oidc_providers::aws::sample;

use super::platform::{Command, Job, Platform, Variables, variable};

/// AWS: a build of CodeBuild asks the command `aws` for tokens, which are signed with ES384.
pub static AWS: Platform = Platform {
    name: "aws",
    jwks_path: "/.well-known/jwks.json",
    claims: sample::claims_with,
    endpoint: None,
    command: Some(Command { program: "aws", audience }),
    token_variable: None,
    variables,
};

fn variables(_job: &Job<'_>) -> Variables {
    vec![
        variable("CODEBUILD_BUILD_ID", "publish:1"),
        variable("AWS_REGION", "eu-central-1"),
        variable("AWS_DEFAULT_REGION", "eu-central-1"),
    ]
}

/// The audience of `sts get-web-identity-token --audience … --query WebIdentityToken --output text`.
fn audience(arguments: &[String]) -> Result<String, String> {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let of = |option: &str| words.iter().position(|word| *word == option).and_then(|at| words.get(at + 1));
    let is_known = words.starts_with(&["sts", "get-web-identity-token"])
        && of("--query") == Some(&"WebIdentityToken")
        && of("--output") == Some(&"text")
        && of("--signing-algorithm") == Some(&"ES384");
    of("--audience").filter(|_| is_known).map(|audience| (*audience).to_owned()).ok_or_else(|| {
        "expected: aws sts get-web-identity-token --audience AUDIENCE --signing-algorithm ES384 --query WebIdentityToken \
         --output text"
            .to_owned()
    })
}
