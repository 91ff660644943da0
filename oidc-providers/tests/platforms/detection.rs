//! In which order a job looks for the platform that it runs on.

use std::path::Path;

use oidc_core::blocking::complete;
use oidc_core::http::Response;
use oidc_core::testing::{FakeHttp, FakeIssuer};
use oidc_core::{
    Ambient, Audience, Context, Detection, Environment, FileError, Files, SourceError, SourceErrorKind,
    TokenSource as _,
};
use serde_json::json;

/// The environment of a job on each platform, in the order of detection.
const PLATFORMS: &[(&str, &[(&str, &str)])] = &[
    ("variable", &[("NPM_ID_TOKEN", "token")]),
    ("generic", &[("OIDC_TOKEN_FILE", "/token")]),
    (
        "forgejo",
        &[
            ("FORGEJO_ACTIONS", "true"),
            ("ACTIONS_ID_TOKEN_REQUEST_URL", "https://forge.example/api/actions/idtoken"),
            ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "token"),
        ],
    ),
    (
        "github",
        &[
            ("GITHUB_ACTIONS", "true"),
            ("ACTIONS_ID_TOKEN_REQUEST_URL", "https://runner.example"),
            ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "token"),
        ],
    ),
    ("gitlab", &[("GITLAB_CI", "true")]),
    ("circleci", &[("CIRCLECI", "true")]),
    ("buildkite", &[("BUILDKITE", "true")]),
    (
        "azure",
        &[
            ("TF_BUILD", "True"),
            ("SYSTEM_OIDCREQUESTURI", "https://dev.azure.example/oidctoken"),
            ("SYSTEM_ACCESSTOKEN", "token"),
        ],
    ),
    ("bitbucket", &[("BITBUCKET_BUILD_NUMBER", "7")]),
    ("semaphore", &[("SEMAPHORE", "true")]),
    ("terraform", &[("TFC_RUN_ID", "run-1")]),
    ("google", &[("GCE_METADATA_HOST", "169.254.169.254")]),
    ("aws", &[("CODEBUILD_BUILD_ID", "publish:1")]),
];

/// A machine of Google's, whatever else runs there.
#[derive(Debug)]
struct GoogleMachine;

impl Files for GoogleMachine {
    fn read(&self, path: &Path, _limit: usize) -> Result<Vec<u8>, FileError> {
        match path.to_str() {
            Some("/sys/class/dmi/id/product_name") => Ok(b"Google Compute Engine".to_vec()),
            _ => Err(FileError::new(path, "no such file")),
        }
    }
}

fn found(context: &Context) -> String {
    let detection = Detection::new(context).token_variable("NPM_ID_TOKEN");
    Ambient::detect(&oidc_providers::all(), detection).unwrap().provider().to_owned()
}

#[test]
fn of_any_two_platforms_the_earlier_one_is_found() {
    for (at, (first, variables)) in PLATFORMS.iter().enumerate() {
        for (second, others) in PLATFORMS.iter().skip(at) {
            let both = variables.iter().chain(*others).copied();
            let context = Context::default().with_environment(both.collect());
            assert_eq!(found(&context), *first, "{first} and {second}");
        }
    }
}

/// The token that a job gets for the registry, on GitHub, beside a token for `audience` that is named for nobody in particular.
fn beside(audience: &str, in_file: bool, variables: &[(&str, &str)]) -> (Result<String, SourceError>, bool) {
    let signed = |audience: &str| {
        let issuer = FakeIssuer::new("https://issuer.example");
        issuer.sign(&json!({ "iss": issuer.url(), "aud": audience, "sub": audience }))
    };
    let (named, of_platform) = (signed(audience), signed("npm:registry.example"));
    let answer = json!({ "value": of_platform }).to_string();
    let http = FakeHttp::new().on_request(move |_| Some(Ok(Response::new(200, Vec::new(), answer.clone()))));
    let variable = if in_file { ("OIDC_TOKEN_FILE", "/token") } else { ("OIDC_TOKEN", named.as_str()) };
    let context = Context::default()
        .with_environment(variables.iter().copied().chain([variable]).collect())
        .with_files(TokenFile(named.clone()))
        .with_http(http);
    let source = Ambient::find(&oidc_providers::all(), &context).unwrap().unwrap();
    assert!(!source.is_renewable(), "what is named is asked first");
    let token = complete(source.token(&Audience::new("npm:registry.example").unwrap())).unwrap();
    (token.map(|token| token.secret().expose().to_owned()), source.is_renewable())
}

#[derive(Debug)]
struct TokenFile(String);

impl Files for TokenFile {
    fn read(&self, path: &Path, _limit: usize) -> Result<Vec<u8>, FileError> {
        let is_it = path == Path::new("/token");
        is_it.then(|| self.0.clone().into_bytes()).ok_or_else(|| FileError::new(path, "no such file"))
    }
}

const GITHUB: &[(&str, &str)] = &[
    ("GITHUB_ACTIONS", "true"),
    ("ACTIONS_ID_TOKEN_REQUEST_URL", "https://runner.example"),
    ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "token"),
];

#[test]
fn a_token_that_is_named_for_somebody_else_does_not_end_the_search_on_a_ci_platform() {
    for in_file in [false, true] {
        let (token, is_renewable) = beside("https://vault.example", in_file, GITHUB);
        assert!(token.is_ok() && is_renewable, "GitHub gave it: {token:?}");
        // What is for the registry is taken, and GitHub is not asked.
        let (token, is_renewable) = beside("npm:registry.example", in_file, GITHUB);
        assert!(token.is_ok() && !is_renewable, "{token:?}");
        // Outside of CI there is nobody else to ask.
        let (token, _) = beside("https://vault.example", in_file, &[]);
        assert_eq!(token.unwrap_err().kind(), SourceErrorKind::InvalidToken);
        // A platform that gives no tokens says so.
        let (token, _) = beside("https://vault.example", in_file, &[("GITHUB_ACTIONS", "true")]);
        assert_eq!(token.unwrap_err().kind(), SourceErrorKind::NotPermitted);
        // A cloud host is no platform that a job runs on.
        let cloud = [("GCE_METADATA_HOST", "169.254.169.254")];
        let (token, _) = beside("https://vault.example", in_file, &cloud);
        assert_eq!(token.unwrap_err().kind(), SourceErrorKind::InvalidToken);
    }
}

#[test]
fn every_ci_platform_is_asked_where_a_named_token_is_for_somebody_else() {
    let token = FakeIssuer::new("https://issuer.example").sign(&json!({ "aud": "https://vault.example" }));
    let ci: Vec<_> = oidc_providers::ci().iter().map(|provider| provider.id()).collect();
    let of_ci = PLATFORMS.iter().filter(|(name, _)| ci.contains(name));
    for (name, variables) in of_ci.clone() {
        let variables = variables.iter().copied().chain([("OIDC_TOKEN", token.as_str())]);
        let context = Context::default().with_environment(variables.collect());
        let source = Ambient::find(&oidc_providers::all(), &context).unwrap().unwrap();
        assert_eq!(source.provider(), "generic");
        let asked = complete(source.token(&Audience::new("npm:registry.example").unwrap())).unwrap();
        assert_ne!(asked.unwrap_err().kind(), SourceErrorKind::InvalidToken, "nothing answers {name}");
        assert_eq!(source.provider(), *name);
    }
    assert_eq!(of_ci.count(), ci.len() - 1, "all but ActiveState, whose jobs find no token");
}

#[test]
fn a_job_of_no_platform_is_no_error_where_one_is_only_looked_for() {
    assert!(Ambient::find(&oidc_providers::all(), &Context::default()).unwrap().is_none());
    let github = Context::default().with_environment([("GITHUB_ACTIONS", "true")].into_iter().collect());
    let error = Ambient::find(&oidc_providers::all(), &github).unwrap_err();
    assert_eq!(error.kind(), SourceErrorKind::NotPermitted, "here, but not permitted");
}

#[test]
fn a_ci_platform_on_a_machine_of_googles_is_the_ci_platform() {
    // A build of AWS is on no machine of Google's, and both are cloud hosts.
    for (name, variables) in PLATFORMS.iter().filter(|(name, _)| *name != "aws") {
        let variables = variables.iter().copied().collect();
        let context = Context::default().with_environment(variables).with_files(GoogleMachine);
        assert_eq!(found(&context), *name);
    }
    assert_eq!(found(&Context::default().with_files(GoogleMachine)), "google");
}

#[test]
fn a_platform_that_gives_no_tokens_ends_the_search() {
    let variables =
        [("GITHUB_ACTIONS", "true"), ("CIRCLECI", "true"), ("GCE_METADATA_HOST", "169.254.169.254")];
    let context = Context::default().with_environment(variables.into_iter().collect());
    let error = Ambient::detect(&oidc_providers::all(), &context).unwrap_err();
    assert_eq!(error.kind(), SourceErrorKind::NotPermitted);
}

#[test]
fn every_platform_but_those_without_a_source_is_in_the_list() {
    let listed = |id: &str| PLATFORMS.iter().any(|(name, _)| *name == id);
    let missing: Vec<_> =
        oidc_providers::all().iter().map(|provider| provider.id()).filter(|id| !listed(id)).collect();
    assert_eq!(missing, ["activestate"]);
}

/// A job of every platform at once keeps nothing of its identity from whoever may not have it, and nothing else is taken.
#[test]
fn what_gives_a_job_its_identity_is_named_by_its_platform() {
    let token = FakeIssuer::new("https://gitlab.example").sign(&json!({
        "iss": "https://gitlab.example", "aud": "https://vault.example", "exp": 1_700_000_000, "sub": "x"
    }));
    let as_header = format!("Authorization: Bearer {token}");
    let as_answered = format!("{{\"count\":1,\"value\":\"{token}\"}}\n");
    let of_identity = [
        ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "x"),
        ("ACTIONS_ID_TOKEN_REQUEST_URL", "x"),
        ("ACTIONS_RUNTIME_TOKEN", "x"),
        ("AS_ANSWERED", as_answered.as_str()),
        ("AS_A_HEADER", as_header.as_str()),
        ("AWS_ACCESS_KEY_ID", "x"),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "x"),
        ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "x"),
        ("AWS_SECRET_ACCESS_KEY", "x"),
        ("AWS_SESSION_TOKEN", "x"),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", "x"),
        ("AZURE_FEDERATED_TOKEN_FILE", "x"),
        ("BITBUCKET_STEP_OIDC_TOKEN", "x"),
        ("BUILDKITE_AGENT_ACCESS_TOKEN", "x"),
        ("BUILDKITE_AGENT_JOB_API_TOKEN", "x"),
        ("CIRCLE_OIDC_TOKEN", "x"),
        ("CIRCLE_OIDC_TOKEN_V2", "x"),
        ("CI_JOB_JWT_V2", "x"),
        ("CRATES_IO_ID_TOKEN", "x"),
        ("FOR_THE_VAULT", token.as_str()),
        ("GCE_METADATA_HOST", "169.254.169.254"),
        ("GOOGLE_APPLICATION_CREDENTIALS", "x"),
        ("GOOGLE_SERVICE_ACCOUNT_NAME", "x"),
        ("ID_TOKEN", "x"),
        ("NPM_ID_TOKEN", "x"),
        ("OIDC_TOKEN", "x"),
        ("OIDC_TOKEN_FILE", "/token"),
        ("SEMAPHORE_OIDC_TOKEN", "x"),
        ("SIGSTORE_ID_TOKEN", "x"),
        ("SPIFFE_ENDPOINT_SOCKET", "x"),
        ("SYSTEM_ACCESSTOKEN", "x"),
        ("SYSTEM_OIDCREQUESTURI", "x"),
        ("TFC_WORKLOAD_IDENTITY_TOKEN_AWS", "x"),
    ];
    // A registry's own token may be a JWT, and is none of the platform's: its issuer is no URL.
    let registrys = FakeIssuer::new("jfac@own").sign(&json!({ "iss": "jfac@own", "aud": "*@*", "exp": 1 }));
    let others = [
        ("GITHUB_ACTIONS", "true"),
        ("AWS_REGION", "eu-central-1"),
        ("BITBUCKET_BUILD_NUMBER", "7"),
        ("FORGEJO_TOKEN", "x"),
        ("GITHUB_TOKEN", "x"),
        ("CIRCLECI", "true"),
        ("BUILDKITE_JOB_ID", "x"),
        ("ID_TOKENS", "x"),
        ("NPM_TOKEN", registrys.as_str()),
        ("NODE_AUTH_TOKEN", "x"),
        ("MY_URL", "a.b.c"),
    ];
    let environment = of_identity.iter().chain(&others).copied().collect();
    let found = oidc_providers::all().identity_variables(&environment);
    assert_eq!(found, of_identity.map(|(name, _)| name));
}

/// Whatever a provider's source reads gives identity, or is no secret.
#[test]
fn every_variable_that_decides_on_identity_is_named() {
    for (name, variables) in PLATFORMS {
        let environment = variables.iter().copied().collect();
        let found = oidc_providers::all().identity_variables(&environment);
        let others: Vec<_> =
            variables.iter().map(|(name, _)| *name).filter(|name| !found.contains(name)).collect();
        let flags = [
            "FORGEJO_ACTIONS",
            "GITHUB_ACTIONS",
            "GITLAB_CI",
            "CIRCLECI",
            "BUILDKITE",
            "TF_BUILD",
            "BITBUCKET_BUILD_NUMBER",
            "SEMAPHORE",
            "TFC_RUN_ID",
            "CODEBUILD_BUILD_ID",
        ];
        assert!(others.iter().all(|name| flags.contains(name)), "{name}: {others:?}");
    }
}

#[test]
fn what_other_tools_ask_for_an_identity_with_is_named_too() {
    let names = [
        "SPACELIFT_OIDC_TOKEN_FILE",
        "ARM_OIDC_REQUEST_TOKEN",
        "ARM_OIDC_REQUEST_URL",
        "ARM_OIDC_TOKEN_FILE_PATH",
        "VAULT_ID_TOKEN_FILE",
        "GOOGLE_CREDENTIALS",
        "AZURE_FEDERATED_TOKEN_FILE",
        "IDENTITY_ENDPOINT",
        "IDENTITY_HEADER",
        "MSI_ENDPOINT",
        "MSI_SECRET",
        "GCE_METADATA_HOST",
        "GCE_METADATA_IP",
        "GCE_METADATA_ROOT",
    ];
    let environment = names.iter().map(|&name| (name, "x")).collect();
    let mut found = oidc_providers::all().identity_variables(&environment);
    found.sort_unstable();
    let mut expected = names.to_vec();
    expected.sort_unstable();
    assert_eq!(found, expected);
}

#[test]
fn a_copy_of_a_variable_that_gives_identity_is_hidden_too() {
    let secret = "0123456789abcdef0123456789abcdef";
    let environment = Environment::from_iter([
        ("SYSTEM_ACCESSTOKEN", secret),
        ("AZURE_DEVOPS_EXT_PAT", secret),
        ("PADDED", "0123456789abcdef0123456789abcdef\n"),
        ("OTHER", "0123456789abcdef0123456789abcde"),
        ("SPIFFE_ENDPOINT_SOCKET", "unix:///run/spire/agent.sock"),
        ("SOCKET", "unix:///run/spire/agent.sock"),
        ("CI_JOB_JWT", "x"),
        ("X", "x"),
    ]);
    let found = oidc_providers::all().identity_variables(&environment);
    for name in environment.names() {
        let is_left = ["OTHER", "SOCKET", "X"].contains(&name);
        assert_eq!(found.contains(&name), !is_left, "{name}");
    }
}

/// Runners of other servers set `GITHUB_ACTIONS` too, and a job of theirs is not told what helps on GitHub alone.
#[test]
fn a_job_without_tokens_is_told_what_helps_on_its_own_server() {
    let told = |variables: &[(&str, &str)]| {
        let environment = variables.iter().copied().chain([("GITHUB_ACTIONS", "true")]).collect();
        let context = Context::default().with_environment(environment);
        let error = Ambient::find(&oidc_providers::all(), &context).unwrap_err();
        assert_eq!(error.kind(), SourceErrorKind::NotPermitted);
        error.diagnosis().to_text()
    };
    for server in ["https://github.com", "https://acme.ghe.com"] {
        let text = told(&[("GITHUB_SERVER_URL", server)]);
        assert!(text.contains("permissions: id-token: write") && !text.contains("Forgejo"), "{text}");
    }
    for (forgejo, server) in [
        (("FORGEJO_ACTIONS", "true"), "https://codeberg.org"),
        (("FORGEJO_ACTIONS", "true"), "https://github.com"),
        (("FORGEJO_TOKEN", "x"), "https://codeberg.org"),
    ] {
        let text = told(&[forgejo, ("GITHUB_SERVER_URL", server)]);
        assert!(text.contains("enable-openid-connect: true") && !text.contains("id-token"), "{text}");
    }
    // A job on GitHub that publishes on a Forgejo too.
    let text = told(&[("FORGEJO_TOKEN", "x"), ("GITHUB_SERVER_URL", "https://github.com")]);
    assert!(text.contains("permissions: id-token: write"), "{text}");
    // Enterprise servers have any name, and so have servers that are only compatible.
    let text = told(&[("GITHUB_SERVER_URL", "https://git.example")]);
    assert!(text.contains("on GitHub Enterprise Server, add") && text.contains("Forgejo's"), "{text}");
}

#[test]
fn a_runner_that_gives_tokens_as_github_does_is_asked_without_githubs_flag() {
    let pair = &GITHUB[1..];
    let context = Context::default().with_environment(pair.iter().copied().collect());
    assert_eq!(found(&context), "github");
    let half = Context::default().with_environment([pair[0]].into_iter().collect());
    assert!(Ambient::find(&oidc_providers::all(), &half).unwrap().is_none());
}
