//! The real npm, twine, uv and cargo under `trusted-publish exec`, at the endpoints that JFrog and Cloudsmith have for them by
//! their documentation, played here: each tool is told nothing but its own variables.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use base64::Engine as _;
use ci_issuer::{GITHUB, Running, Settings};
use needs::needs;
use oidc_core::Context;
use serde_json::json;
use tests::astray::{npm_package, project};
use tests::clients::{Client, Tool};
use tests::scene::borrowed;

const TOKEN: &str = "short-lived-hunter2";
const WIDGET: &str = r#"{"name":"widget","vers":"1.0.0","deps":[],"cksum":"0","features":{},"yanked":false}"#;

/// A service that exchanges tokens by both protocols, takes whatever is uploaded, and has an index of crates that it shows to
/// nobody without a token.
struct Service {
    url: String,
    asked: Arc<Mutex<Vec<String>>>,
    issuer: Running,
}

impl Service {
    async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let (seen, root) = (Arc::clone(&asked), url.clone());
        let router = Router::new().fallback(move |request: Request| async move {
            let line = format!("{} {} {}", request.method(), request.uri().path(), authorization(&request));
            // A client that is answered while it writes may take that for a broken connection.
            axum::body::to_bytes(request.into_body(), usize::MAX).await.unwrap();
            let mut seen = seen.lock().unwrap();
            seen.push(line.clone());
            answer(&line, &seen, &root)
        });
        tokio::spawn(async move { axum::serve(listener, router).await });
        let issuer = Running::start(Settings::new(&GITHUB), &Context::system().unwrap()).await.unwrap();
        Self { url, asked, issuer }
    }

    /// Runs a tool under `exec` for a service's endpoint, `path`.
    async fn publish(
        &self,
        tool: &Client,
        folder: &std::path::Path,
        to: (&str, &str, &str, &str),
        command: &[&str],
    ) {
        let (service, owner, tools, path) = to;
        let url = format!("{}{path}", self.url);
        let options = [
            "--registry",
            service,
            "--url",
            &url,
            "--owner",
            owner,
            "--tools",
            tools,
            "--trusted-publishing",
            "always",
        ];
        let path = tool.path_first();
        let dead = "http://127.0.0.1:9";
        let mut variables = borrowed(self.issuer.env());
        variables.extend([
            ("PATH", path.to_str().unwrap()),
            ("HTTPS_PROXY", dead),
            ("NO_PROXY", "127.0.0.1"),
        ]);
        tool.publish(folder, &variables, &options, command).await.succeeded();
    }

    /// Checks that an upload came to a path with this `Authorization`, and that no other one had an upload.
    #[track_caller]
    fn received(&self, upload: &str, authorization: &str) {
        let asked = std::mem::take(&mut *self.asked.lock().unwrap());
        let expected = format!("{upload} {authorization}");
        assert!(asked.contains(&expected), "no `{expected}` in {asked:?}");
    }
}

/// The header as it was sent, with the user and the password of `Basic`.
fn authorization(request: &Request) -> String {
    let value = request.headers().get("authorization").map_or("", |value| value.to_str().unwrap());
    match value.strip_prefix("Basic ") {
        Some(encoded) => {
            let decoded = base64::engine::general_purpose::STANDARD.decode(encoded).unwrap();
            format!("Basic {}", String::from_utf8(decoded).unwrap())
        }
        None => value.to_owned(),
    }
}

fn answer(line: &str, seen: &[String], root: &str) -> (StatusCode, String) {
    let has_token = line.ends_with(TOKEN);
    let words: Vec<&str> = line.split(' ').collect();
    let (method, path) = (words[0], words[1]);
    let is_published = || seen.iter().any(|line| line.starts_with("PUT ") && line.contains("/crates/new"));
    let body = match path {
        "/access/api/v1/oidc/token" => json!({ "access_token": TOKEN, "expires_in": 900 }),
        "/openid/acme/" => json!({ "token": TOKEN }),
        // JFrog's indexes of crates end in `index/`, those of Cloudsmith don't.
        "/artifactory/api/cargo/local/index/config.json" | "/acme/main/config.json" => {
            if !has_token {
                return (StatusCode::UNAUTHORIZED, String::new());
            }
            let api = root.to_owned()
                + path.trim_end_matches("config.json").trim_end_matches("index/").trim_end_matches('/');
            json!({ "dl": format!("{api}/dl"), "api": api, "auth-required": true })
        }
        _ if path.ends_with("/wi/dg/widget") => match has_token && is_published() {
            true => return (StatusCode::OK, WIDGET.to_owned()),
            false => return (StatusCode::NOT_FOUND, String::new()),
        },
        _ if method == "GET" => return (StatusCode::NOT_FOUND, "{}".to_owned()),
        _ => json!({ "success": true }),
    };
    (StatusCode::OK, body.to_string())
}

#[needs(npm)]
#[tokio::test]
async fn npm_publishes_at_a_service() {
    let (npm, service) = (Tool::Npm.find().await, Service::start().await);
    let folder = npm_package(&npm, "widget", "");
    for (name, owner, path) in
        [("jfrog", "github", "/artifactory/api/npm/local/"), ("cloudsmith", "acme/ci", "/acme/main/")]
    {
        service.publish(&npm, &folder, (name, owner, "npm", path), &["publish"]).await;
        service.received(&format!("PUT {path}widget"), &format!("Bearer {TOKEN}"));
    }
}

#[needs(twine, uv)]
#[tokio::test]
async fn twine_and_uv_publish_at_a_service() {
    let service = Service::start().await;
    for (name, owner, path) in
        [("jfrog", "github", "/artifactory/api/pypi/local"), ("cloudsmith", "acme/ci", "/acme/main/")]
    {
        let twine = Tool::Twine.find().await;
        let (folder, file) = project(&twine).await;
        let to = (name, owner, "pypi", path);
        service.publish(&twine, &folder, to, &["upload", "--non-interactive", &file]).await;
        service.received(&format!("POST {path}"), &format!("Basic __token__:{TOKEN}"));
        let uv = Tool::Uv.find().await;
        service.publish(&uv, &folder, to, &["publish", &file]).await;
        service.received(&format!("POST {path}"), &format!("Basic __token__:{TOKEN}"));
    }
}

/// A service's registry of crates asks for a scheme before the token, each for its own.
#[tokio::test]
async fn cargo_publishes_at_a_service() {
    let (cargo, service) = (Tool::Cargo.find().await, Service::start().await);
    let manifest = "[package]\nname = \"widget\"\nversion = \"1.0.0\"\nedition = \"2024\"\nlicense = \"MIT\"\n\
                    description = \"A test\"\n[workspace]\n";
    let folder = cargo.project("widget", &[("Cargo.toml", manifest), ("src/lib.rs", "")]);
    for (name, owner, path, scheme) in [
        ("jfrog", "github", "/artifactory/api/cargo/local/", "Bearer"),
        ("cloudsmith", "acme/ci", "/acme/main/", "Token"),
    ] {
        let to = (name, owner, "crates-io", path);
        service.publish(&cargo, &folder, to, &["publish", "--allow-dirty", "--no-verify"]).await;
        service.received(&format!("PUT {path}api/v1/crates/new"), &format!("{scheme} {TOKEN}"));
    }
}
