//! The real ovsx and vsce under `trusted-publish exec`, told nothing else, against a registry that takes down what it is asked.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::Request;
use ci_issuer::{GITHUB, Running, Settings};
use needs::needs;
use oidc_core::Context;
use tests::clients::{Client, Tool};
use tests::scene::borrowed;

const TOKEN: &str = "short-lived-hunter2";

/// A registry that gives a token and accepts whatever comes, and the first line of each request with its `Authorization`.
async fn registry() -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let asked: Arc<Mutex<Vec<String>>> = Arc::default();
    let seen = Arc::clone(&asked);
    let router = Router::new().fallback(move |request: Request| async move {
        let authorization =
            request.headers().get("authorization").map_or("", |value| value.to_str().unwrap());
        let path = request.uri().path();
        seen.lock().unwrap().push(format!("{} {path} {authorization}", request.method()));
        match path {
            "/api/-/trusted-publishing/token" => format!(r#"{{"value":"{TOKEN}"}}"#),
            "/_apis/gallery/token" => format!(r#"{{"credential":"{TOKEN}"}}"#),
            _ => r#"{"namespace":"acme","name":"widget","version":"1.0.0"}"#.to_owned(),
        }
    });
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, asked)
}

async fn issuer() -> Running {
    Running::start(Settings::new(&GITHUB), &Context::system().unwrap()).await.unwrap()
}

/// A packed extension, `widget.vsix` in a folder.
async fn extension(vsce: &Client) -> PathBuf {
    let manifest = r#"{ "name": "widget", "publisher": "acme", "version": "1.0.0", "engines": { "vscode": "^1.50.0" },
        "license": "MIT", "repository": "https://acme.example/widget" }"#;
    let files = [("package.json", manifest), ("README.md", "# Widget\n"), ("LICENSE", "MIT\n")];
    let folder = vsce.project("widget", &files);
    vsce.run(&folder, &[], &["package", "--out", "widget.vsix"]).await.succeeded();
    folder
}

#[needs(ovsx, vsce)]
#[tokio::test]
async fn ovsx_publishes_at_the_url() {
    let (vsce, ovsx) = (Tool::Vsce.find().await, Tool::Ovsx.find().await);
    let folder = extension(&vsce).await;
    let ((url, asked), issuer) = (registry().await, issuer().await);
    let options = ["--registry", "open-vsx", "--url", &url, "--package", "acme.widget"];
    let publish = ["publish", "widget.vsix"];
    let variables = [issuer.env(), &[("OVSX_USERNAME".to_owned(), "somebody".to_owned())]].concat();
    ovsx.publish(&folder, &borrowed(&variables), &options, &publish).await.succeeded();
    let asked = asked.lock().unwrap();
    let published = asked.iter().find(|asked| asked.starts_with("POST /api/-/publish"));
    assert!(published.is_some_and(|asked| asked.contains(TOKEN)), "{asked:?}");
}

/// The Marketplace's own protocol is not played here: vsce is seen to go to the URL, with the token, and not further.
#[needs(vsce)]
#[tokio::test]
async fn vsce_publishes_at_the_url() {
    use base64::Engine as _;
    let vsce = Tool::Vsce.find().await;
    let folder = extension(&vsce).await;
    let ((url, asked), issuer) = (registry().await, issuer().await);
    let options = ["--registry", "vs-marketplace", "--url", &url, "--owner", "acme"];
    let publish = ["publish", "--packagePath", "widget.vsix"];
    vsce.publish(&folder, &borrowed(issuer.env()), &options, &publish).await.failed();
    let basic = base64::engine::general_purpose::STANDARD.encode(format!("OAuth:{TOKEN}"));
    let asked = asked.lock().unwrap();
    assert!(asked.iter().any(|asked| asked.contains(&basic)), "{asked:?}");
}
