//! Requests that the registry has no answer to, spoken without a client: operations that it doesn't have, and tokens that are
//! none for the endpoint that they are sent to.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use ci_issuer::{GITHUB, Settings};
use oidc_core::Secret;
use oidc_core::http::{Method, Request, Response};
use tests::http;
use tests::scene::{ADMIN, Scene};
use tests::uploads::{self, Endpoint, PACKAGES, state};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

async fn scene(prefix: &str) -> Scene {
    Scene::start(Settings::new(&GITHUB), prefix, &PACKAGES, "").await
}

fn text(answer: &Response) -> String {
    String::from_utf8_lossy(&answer.body).into_owned()
}

/// Writes that no token is good for, and what the refusal names.
const UNSUPPORTED: [(Method, &str, &str); 15] = [
    (Method::Put, "widget/-rev/1-x", "unpublish"),
    (Method::Delete, "widget/-rev/undefined", "unpublish"),
    (Method::Delete, "widget/-/widget-1.0.0.tgz/-rev/undefined", "unpublish"),
    (Method::Delete, "-/user/token/x", "tokens"),
    (Method::Post, "-/package/widget/access", "access"),
    (Method::Delete, "api/v1/crates/widget/1.0.0/yank", "yanking"),
    (Method::Put, "api/v1/crates/widget/1.0.0/unyank", "yanking"),
    (Method::Put, "api/v1/crates/widget/owners", "owners"),
    (Method::Post, "api/v1/crates/new", "POST"),
    (Method::Delete, "api/v1/crates/widget", "crates.io's API"),
    (Method::Delete, "rubygems/api/v1/gems/yank", "yanking"),
    (Method::Delete, "rubygems//api/v1/gems/yank", "yanking"),
    (Method::Post, "rubygems/api/v1/gems/widget/owners", "owners"),
    (Method::Delete, "rubygems/gems/widget-1.0.0.gem", "DELETE"),
    (Method::Delete, "legacy/", "DELETE"),
];

/// Returns `true` if an answer has its protocol's shape with these words in it.
fn says(path: &str, answer: &Response, words: &str) -> bool {
    let said = match path {
        _ if path.starts_with("rubygems") || path.starts_with("legacy") => text(answer),
        _ if path.starts_with("api/") => {
            http::body(answer)["errors"][0]["detail"].as_str().unwrap().to_owned()
        }
        _ => http::body(answer)["error"].as_str().unwrap().to_owned(),
    };
    said.contains(words)
}

#[tokio::test]
async fn a_write_that_is_not_supported_is_refused_in_its_protocols_shape_and_never_as_not_found() {
    for prefix in ["", "/registry"] {
        let scene = scene(prefix).await;
        for endpoint in [Endpoint::Npm, Endpoint::Cargo, Endpoint::Pypi, Endpoint::Gem] {
            let answer = endpoint.send(&scene, "1.0.0", ADMIN).await;
            assert!((200..300).contains(&answer.status), "{endpoint:?}: {answer:?}");
        }
        let before = state(&scene).await;
        for (method, path, words) in UNSUPPORTED {
            let request = || Request::new(method, http::url(&scene.url(), path));
            let answer = http::send(&scene.cx, request().bearer(&Secret::new(ADMIN))).await;
            assert_eq!(answer.status, 405, "{path}: {}", text(&answer));
            assert!(answer.header("allow").is_some(), "{path}: {answer:?}");
            assert!(
                says(path, &answer, words) && says(path, &answer, "not supported"),
                "{path}: {}",
                text(&answer)
            );
            assert!(!text(&answer).contains(&scene.url()), "{path}: {}", text(&answer));
            let answer = http::send(&scene.cx, request()).await;
            assert_eq!(answer.status, 401, "{path}: {}", text(&answer));
            assert!(says(path, &answer, "needs a token"), "{path}: {}", text(&answer));
        }
        assert_eq!(state(&scene).await, before);
    }
}

/// Operations that need no token: log-ins, and look-ups of clients.
#[tokio::test]
async fn what_is_not_served_to_anybody_is_refused_without_advice_on_the_url() {
    let scene = scene("").await;
    for (method, path, status, words) in [
        (Method::Get, "-/whoami", 405, "users"),
        (Method::Put, "-/user/org.couchdb.user:x", 405, "users"),
        (Method::Get, "api/v1/crates", 405, "searching"),
        (Method::Get, "api/v1/crates/widget/owners", 405, "owners"),
        (Method::Get, "api/v1/crates/widget/1.0.0", 405, "crates.io's API"),
        (Method::Post, "rubygems/api/v1/api_key", 405, "API keys"),
        (Method::Post, "rubygems/api/v1/oidc/api_key_roles/x/assume_role", 405, "exchange_token"),
        (Method::Get, "rubygems/specs.4.9.gz", 404, "nothing is served"),
        (Method::Post, "rubygems/upload", 405, "nothing is served"),
        (Method::Post, "-/npm/v1/nothing", 405, "nothing is served"),
        (Method::Post, "-/npm/v1/security/advisories/bulk", 404, "nothing is served"),
        (Method::Get, "pypi/widget/json", 405, "PyPI's API"),
        (Method::Post, "simple/", 405, "/legacy/"),
    ] {
        let answer = http::send(&scene.cx, Request::new(method, http::url(&scene.url(), path))).await;
        assert_eq!(answer.status, status, "{path}: {}", text(&answer));
        assert!(text(&answer).contains(words), "{path}: {}", text(&answer));
        let own = http::url(&scene.url(), path.split_inclusive('/').next().unwrap());
        assert!(!text(&answer).contains(own.as_str()), "{path}: {}", text(&answer));
    }
}

/// `submit` and its like were actions of PyPI's once.
#[tokio::test]
async fn a_form_with_another_action_is_refused_before_its_file() {
    let scene = scene("").await;
    for action in ["submit", "doc_upload", "remove_pkg"] {
        let field = |name: &str, value: &str| {
            format!("--x\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
        };
        let body =
            field(":action", action) + &field("name", "widget") + &field("version", "1.0.0") + "--x--\r\n";
        let request =
            Request::new(Method::Post, http::url(&scene.url(), "legacy/")).bearer(&Secret::new(ADMIN));
        let answer = http::send(&scene.cx, request.body("multipart/form-data; boundary=x", body)).await;
        assert_eq!(answer.status, 403, "{action}: {}", text(&answer));
        assert!(
            text(&answer).contains(action) && text(&answer).contains("not supported"),
            "{}",
            text(&answer)
        );
    }
}

/// Nobody is to believe that what vouches for a package was kept.
#[tokio::test]
async fn attestations_and_signatures_are_refused_and_not_dropped() {
    let scene = scene("").await;
    let mut document = http::document("widget", "1.0.0");
    document["_attachments"]["widget-1.0.0.sigstore"] = serde_json::json!({ "data": "{}", "length": 2 });
    let request = http::publish(&scene.url(), "widget", "1.0.0", ADMIN);
    let answer = http::send(&scene.cx, request.body("application/json", document.to_string())).await;
    assert_eq!(answer.status, 403, "{}", text(&answer));
    assert!(text(&answer).contains("provenance bundle"), "{}", text(&answer));

    let (kind, form) = uploads::form("widget", "1.0.0");
    for field in ["attestations", "gpg_signature"] {
        let part = format!("--end\r\nContent-Disposition: form-data; name=\"{field}\"\r\n\r\n[{{}}]\r\n");
        let body = [part.as_bytes(), &form].concat();
        let request =
            Request::new(Method::Post, http::url(&scene.url(), "legacy/")).bearer(&Secret::new(ADMIN));
        let answer = http::send(&scene.cx, request.body(kind, body)).await;
        assert_eq!(answer.status, 403, "{field}: {}", text(&answer));
        assert!(text(&answer).contains(field), "{field}: {}", text(&answer));
    }
    let gem = Request::new(Method::Post, http::url(&scene.url(), "rubygems/api/v1/gems"))
        .bearer(&Secret::new(ADMIN));
    let answer = http::send(&scene.cx, gem.body("multipart/form-data; boundary=x", "--x--")).await;
    assert_eq!(answer.status, 403, "{}", text(&answer));
    assert!(text(&answer).contains("attestations are not kept"), "{}", text(&answer));
    assert!(state(&scene).await.is_empty());
}

#[tokio::test]
async fn an_identity_token_is_recognised_wherever_a_publish_token_belongs() {
    let scene = scene("/registry").await;
    let before = state(&scene).await;
    let url = scene.url();
    let exchange = |path: &str| match path.split('/').next().unwrap() {
        "rubygems" => format!("{url}rubygems/api/v1/oidc/trusted_publisher/exchange_token"),
        "api" => format!("{url}api/v1/trusted_publishing/tokens"),
        "legacy" => format!("{url}_/oidc/mint-token"),
        _ => format!("{url}-/npm/v1/oidc/token/exchange/package/"),
    };
    let token = scene.token(&scene.audience());
    let mut requests: Vec<Request> =
        Endpoint::ALL.iter().map(|endpoint| endpoint.request(&url, "1.0.0", &token)).collect();
    requests.extend(UNSUPPORTED.map(|(method, path, _)| {
        Request::new(method, http::url(&url, path)).bearer(&Secret::new(token.clone()))
    }));
    for request in requests {
        let path = request.url.path().trim_start_matches("/registry/").to_owned();
        let answer = http::send(&scene.cx, request).await;
        let said = text(&answer);
        assert_eq!(answer.status, 401, "{path}: {said}");
        assert!(said.contains("identity token") && said.contains(&exchange(&path)), "{path}: {said}");
        assert!(!said.contains(&token), "{path}: {said}");
    }
    let trust = http::get(&url, "-/package/widget/trust").bearer(&Secret::new(token.clone()));
    let answer = http::send(&scene.cx, trust).await;
    assert_eq!(answer.status, 401, "{}", text(&answer));
    let said = text(&answer);
    assert!(
        said.contains("identity token") && said.contains("administrator") && !said.contains("exchange"),
        "{said}"
    );
    assert_eq!(state(&scene).await, before);
}

#[tokio::test]
async fn a_token_of_one_ecosystem_is_refused_by_every_other_before_the_body_is_there() {
    let scene = scene("").await;
    let ecosystem = |endpoint: Endpoint| match endpoint {
        Endpoint::Npm | Endpoint::Tag | Endpoint::Untag => "npm",
        Endpoint::Cargo => "cargo",
        Endpoint::Pypi => "pypi",
        Endpoint::Gem => "rubygems",
    };
    for of in [Endpoint::Npm, Endpoint::Cargo, Endpoint::Pypi, Endpoint::Gem] {
        let token = of.token(&scene).await;
        for at in Endpoint::ALL.into_iter().filter(|at| ecosystem(*at) != ecosystem(of)) {
            let answer = head_alone(&at.request(&scene.url(), "1.0.0", &token)).await;
            assert!(answer.starts_with("HTTP/1.1 403 "), "{of:?} at {at:?}: {answer}");
            assert!(answer.contains("the publish token is for widget"), "{of:?} at {at:?}: {answer}");
        }
    }
}

/// The answer to a request whose body is announced and never sent.
async fn head_alone(request: &Request) -> String {
    let address = request.url.host_and_port();
    let mut stream = TcpStream::connect(&address).await.unwrap();
    let method = format!("{:?}", request.method).to_uppercase();
    let mut head = format!("{method} {} HTTP/1.1\r\nhost: {address}\r\n", request.url.path());
    for (name, value) in &request.headers {
        head.push_str(&format!("{name}: {}\r\n", value.expose()));
    }
    head.push_str("content-length: 1000000\r\nconnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = vec![0; 16 << 10];
    let read = stream.read(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer[..read]).into_owned()
}
