//! Connections of the program: through proxies, and to registries with a private authority (`--ca-file`). All of it is real: TCP,
//! CONNECT and TLS on loopback. One of these tests waits for 20 seconds, so it has to begin first, and tests begin in the order of their
//! names.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
// Where programs are is told by a variable.
#![allow(clippy::disallowed_methods)]

use std::process::{Command, Output};

use oidc_core::testing::FakeIssuer;
use serde_json::json;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use tests::public::PublicHosts;

const PROGRAM: &str = env!("CARGO_BIN_EXE_tested-trusted-publish");
const GITHUB_URL: &str = "https://run-actions-1.actions.example/7/idtoken?api-version=2.0";
const GITHUB_HOST: &str = "run-actions-1.actions.example";
const REGISTRY: &str = "https://registry.example/npm/";

/// The behaviour of a proxy with each connection.
#[derive(Clone, Copy, Debug)]
enum Proxy {
    Says(&'static str),
    HangsUp,
    SaysNothing,
}

impl Proxy {
    async fn start(self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let mut head = [0; 4096];
                    // A client that gave up is what some rows are about.
                    let _read = stream.read(&mut head).await;
                    match self {
                        Self::Says(text) => drop(stream.write_all(text.as_bytes()).await),
                        Self::HangsUp => {}
                        Self::SaysNothing => std::future::pending().await,
                    }
                });
            }
        });
        address
    }
}

/// The program with these variables and no others, in a folder of its own.
async fn run(arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let home = TempDir::new().unwrap();
    let mut command = Command::new(PROGRAM);
    command.args(arguments).current_dir(home.path()).env_clear().env("HOME", home.path());
    command.env("PATH", std::env::var_os("PATH").unwrap()).envs(variables.iter().copied());
    tokio::task::spawn_blocking(move || (home, command.output().unwrap()).1).await.unwrap()
}

/// The program in each of its [`uses`] at the same time, since retries wait.
async fn run_each(uses: [Vec<&str>; 3], variables: &[(&str, &str)]) -> [Output; 3] {
    let [token, exec, doctor] = &uses;
    tokio::join!(run(token, variables), run(exec, variables), run(doctor, variables)).into()
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// The three ways to use the program, each for one registry.
fn uses<'a>(url: &'a str, ca_file: &'a [&'a str]) -> [Vec<&'a str>; 3] {
    let target = [&["--registry", "npm", "--url", url, "--package", "@acme/widget"], ca_file].concat();
    let always = ["--trusted-publishing", "always"];
    [
        [["token"].as_slice(), &target, &always].concat(),
        [["exec"].as_slice(), &target, &always, &["--", "true"]].concat(),
        [["doctor"].as_slice(), &target].concat(),
    ]
}

#[tokio::test]
async fn a_proxys_fault_on_the_way_to_the_platform_sends_nobody_to_the_platforms_status_page() {
    for (proxy, parts) in [
        (
            Proxy::Says("HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n"),
            ["403", "have the proxy let this"],
        ),
        (
            Proxy::Says("HTTP/1.1 407 X\r\ncontent-length: 0\r\n\r\n"),
            ["407", "credentials into `HTTPS_PROXY`"],
        ),
        (Proxy::HangsUp, ["broke the connection off", "start the proxy"]),
    ] {
        let address = proxy.start().await;
        let url = format!("http://{address}");
        let variables = [
            ("GITHUB_ACTIONS", "true"),
            ("ACTIONS_ID_TOKEN_REQUEST_URL", GITHUB_URL),
            ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "hunter2"),
            ("HTTPS_PROXY", &url),
        ];
        for output in run_each(uses(REGISTRY, &[]), &variables).await {
            assert_eq!(output.status.code(), Some(1), "{output:?}");
            let text = text(&output);
            for part in parts.into_iter().chain(["HTTPS_PROXY", &address, "no_proxy", GITHUB_HOST]) {
                assert!(text.contains(part), "{proxy:?}: {part}: {text}");
            }
            for part in ["githubstatus", "hunter2", "is the registry running"] {
                assert!(!text.contains(part), "{proxy:?}: {part}: {text}");
            }
        }
    }
}

#[tokio::test]
async fn a_proxys_fault_on_the_way_to_the_registry_is_named_in_every_use() {
    let token = FakeIssuer::new("https://issuer.example").sign(&json!({ "aud": "npm:registry.example" }));
    for (proxy, parts) in [
        (
            Proxy::Says("HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n"),
            ["403", "have the proxy let this"],
        ),
        (Proxy::HangsUp, ["broke the connection off", "start the proxy"]),
    ] {
        let address = proxy.start().await;
        let url = format!("http://{address}");
        let variables = [("NPM_ID_TOKEN", &*token), ("all_proxy", &url)];
        for output in run_each(uses(REGISTRY, &[]), &variables).await {
            let text = text(&output);
            for part in parts.into_iter().chain(["all_proxy", &address, "`registry.example` in `no_proxy`"]) {
                assert!(text.contains(part), "{proxy:?}: {part}: {text}");
            }
            assert!(!text.contains("is the registry running"), "{text}");
        }
    }
}

#[tokio::test]
async fn a_page_of_a_proxy_that_decrypts_is_not_blamed_on_the_platform_or_the_registry() {
    tokio::join!(is_not_blamed(502), is_not_blamed(503), is_not_blamed(403), is_not_blamed(200));
}

/// A page of a proxy with this status, in front of the platform and in front of the registry.
async fn is_not_blamed(status: u16) {
    let token = FakeIssuer::new("https://issuer.example").sign(&json!({ "aud": "npm:registry.example" }));
    let hosts = PublicHosts::behind_a_page(status).await;
    let ca = hosts.authority().display().to_string();
    let proxy = hosts.proxy().to_owned();
    let named = format!("(proxy `{}`, from variable `HTTPS_PROXY`)", proxy.trim_start_matches("http://"));
    let platforms = [
        ("GITHUB_ACTIONS", "true"),
        ("ACTIONS_ID_TOKEN_REQUEST_URL", GITHUB_URL),
        ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "hunter2"),
        ("HTTPS_PROXY", &proxy),
    ];
    let registrys = [("NPM_ID_TOKEN", &*token), ("HTTPS_PROXY", &proxy)];
    for (variables, host) in [(&platforms[..], GITHUB_HOST), (&registrys[..], "registry.example")] {
        for output in run_each(uses(REGISTRY, &["--ca-file", &ca]), variables).await {
            let text = text(&output);
            for part in [&*named, &format!("{status}"), &format!("`{host}` in `no_proxy`")] {
                assert!(text.contains(part), "{status}: {part}: {text}");
            }
            assert!(!text.contains("githubstatus") && !text.contains("hunter2"), "{status}: {text}");
        }
    }
}

#[tokio::test]
async fn a_proxy_that_never_answers_is_given_up_and_named() {
    let address = Proxy::SaysNothing.start().await;
    let url = format!("http://{address}");
    let variables = [
        ("GITHUB_ACTIONS", "true"),
        ("ACTIONS_ID_TOKEN_REQUEST_URL", GITHUB_URL),
        ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "hunter2"),
        ("https_proxy", &url),
    ];
    let [token, ..] = uses(REGISTRY, &[]);
    let text = text(&run(&token, &variables).await);
    for part in ["no connection to the host within 5 s", "https_proxy", &address, "no_proxy"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains("githubstatus"), "{text}");
}

#[tokio::test]
async fn a_private_authority_is_trusted_by_ca_file_in_every_use() {
    let hosts = PublicHosts::start_with(&json!({ "token": "npm_short-lived" })).await;
    let token = FakeIssuer::new("https://issuer.example").sign(&json!({ "aud": "npm:registry.example" }));
    let ca = hosts.authority().display().to_string();
    let proxy = hosts.proxy().to_owned();
    // What Node.js trusts, nothing else does.
    let variables = [("NPM_ID_TOKEN", &*token), ("HTTPS_PROXY", &proxy), ("NODE_EXTRA_CA_CERTS", &ca)];
    for arguments in uses(REGISTRY, &[]) {
        let output = run(&arguments, &variables).await;
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let text = text(&output);
        let node = format!("`NODE_EXTRA_CA_CERTS` is set (`{ca}`), and only Node.js reads it");
        for part in [
            "the certificate of `registry.example` is not accepted",
            "CN=an authority of the tests",
            "HTTPS_PROXY",
            "`--ca-file FILE`",
            &node,
            "`SSL_CERT_FILE` is not set",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
    for arguments in uses(REGISTRY, &["--ca-file", &ca]) {
        let arguments: Vec<_> = match arguments[0] {
            "doctor" => arguments.into_iter().chain(["--exchange"]).collect(),
            _ => arguments,
        };
        let output = run(&arguments, &variables).await;
        assert!(output.status.success(), "{arguments:?}: {}", text(&output));
    }
    let exchanges = hosts.saw("POST /npm/-/npm/v1/oidc/token/exchange/package/@acme%2fwidget");
    assert_eq!(exchanges, ["registry.example"; 3]);
}

#[tokio::test]
async fn a_file_of_certificates_that_holds_none_is_named() {
    let hosts = PublicHosts::start().await;
    let token = FakeIssuer::new("https://issuer.example").sign(&json!({ "aud": "npm:registry.example" }));
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "not a certificate\n").unwrap();
    let path = file.path().to_str().unwrap();
    let variables = [("NPM_ID_TOKEN", &*token), ("HTTPS_PROXY", hosts.proxy())];
    let ca_file = ["--ca-file", path];
    let [token, ..] = uses(REGISTRY, &ca_file);
    let named = text(&run(&token, &variables).await);
    assert!(
        named.contains("what `--ca-file FILE` names: it holds no certificate; expected certificates in PEM"),
        "{named}"
    );
    for file in [path, "/nonexistent/ca.pem"] {
        let [token, ..] = uses(REGISTRY, &[]);
        let named = text(&run(&token, &[&variables[..], &[("SSL_CERT_FILE", file)]].concat()).await);
        assert!(
            named.contains("correct `SSL_CERT_FILE`, which stands in for the platform's, or unset it"),
            "{named}"
        );
        assert!(
            named.contains(&format!("no certificate can be read from `SSL_CERT_FILE` (`{file}`)")),
            "{named}"
        );
    }
}
