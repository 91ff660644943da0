//! npm's protocol, spoken without a client.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use oidc_core::http::{HttpSettings, Method, Request, Response};
use oidc_core::{Context, Environment, HttpUrl, Secret};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha512};
use std::time::Duration;

/// The real world without this process's environment.
pub fn system() -> Context {
    Context::system_with(Environment::default(), HttpSettings::default()).unwrap()
}

pub fn url(base: &str, path: &str) -> HttpUrl {
    HttpUrl::parse(base).unwrap().below(path)
}

pub fn escaped(package: &str) -> String {
    package.replace('/', "%2f")
}

/// An exchange of `token` for a publish token of `package`.
pub fn exchange(base: &str, package: &str, token: &str) -> Request {
    let path = format!("/-/npm/v1/oidc/token/exchange/package/{}", escaped(package));
    Request::post(url(base, &path)).bearer(&Secret::new(token)).deadline(Duration::from_secs(30))
}

/// A publish of one version.
pub fn publish(base: &str, package: &str, version: &str, token: &str) -> Request {
    Request::new(Method::Put, url(base, &escaped(package)))
        .bearer(&Secret::new(token))
        .body("application/json", document(package, version).to_string())
        .deadline(Duration::from_secs(30))
}

pub fn get(base: &str, path: &str) -> Request {
    get_at(url(base, path).as_str())
}

pub fn get_at(url: &str) -> Request {
    Request::get(HttpUrl::parse(url).unwrap()).max_body(1 << 22)
}

pub async fn send(cx: &Context, request: Request) -> Response {
    cx.http().send(request).await.unwrap()
}

pub fn body(response: &Response) -> Value {
    response.json().unwrap()
}

/// A refusal's message.
pub fn message(response: &Response) -> String {
    body(response)["message"].as_str().unwrap().to_owned()
}

/// The publish token of an exchange that went through.
#[track_caller]
pub fn minted(response: &Response) -> String {
    assert_eq!(response.status, 201, "{}", String::from_utf8_lossy(&response.body));
    body(response)["token"].as_str().unwrap().to_owned()
}

/// A package as npm packs it, the same for the same name and version.
pub fn tarball(package: &str, version: &str) -> Vec<u8> {
    let manifest = json!({ "name": package, "version": version, "main": "index.js" }).to_string();
    let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (file, content) in [("package.json", manifest), ("index.js", index(version))] {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, format!("package/{file}"), content.as_bytes()).unwrap();
    }
    archive.into_inner().unwrap().finish().unwrap()
}

/// The `index.js` of a version.
pub fn index(version: &str) -> String {
    format!("module.exports = {version:?};\n")
}

pub fn integrity(tarball: &[u8]) -> String {
    format!("sha512-{}", STANDARD.encode(Sha512::digest(tarball)))
}

/// The document that npm sends to publish a version.
pub fn document(package: &str, version: &str) -> Value {
    let tarball = tarball(package, version);
    json!({
        "_id": package,
        "name": package,
        "dist-tags": { "latest": version },
        "versions": { version: {
            "name": package, "version": version, "main": "index.js",
            "dist": { "integrity": integrity(&tarball) },
        } },
        "_attachments": { format!("{package}-{version}.tgz"): {
            "content_type": "application/octet-stream", "data": STANDARD.encode(&tarball), "length": tarball.len(),
        } },
    })
}
