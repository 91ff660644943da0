//! Everything that changes what people install, spoken without a client.

use data_encoding::HEXLOWER;
use flate2::Compression;
use flate2::write::GzEncoder;
use oidc_core::http::{Method, Request, Response};
use oidc_core::{HttpUrl, Secret};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::gems;
use super::http;
use super::scene::Scene;

/// A package of each ecosystem, as [`Scene::start`] takes them.
pub const PACKAGES: [&str; 4] = ["widget", "cargo:widget", "pypi:widget", "rubygems:widget"];

/// An endpoint at which a publish token changes something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint {
    Npm,
    Tag,
    Untag,
    Cargo,
    Pypi,
    Gem,
}

impl Endpoint {
    pub const ALL: [Self; 6] = [Self::Npm, Self::Tag, Self::Untag, Self::Cargo, Self::Pypi, Self::Gem];

    /// Exchanges a fresh identity token for one that is good for the endpoint.
    pub async fn token(self, scene: &Scene) -> String {
        let host = HttpUrl::parse(&scene.url()).unwrap().host_and_port();
        let exchange = |path: &str, member: &str, audience: &str| {
            let body = json!({ member: scene.token(audience) }).to_string();
            Request::new(Method::Post, http::url(&scene.url(), path)).body("application/json", body)
        };
        let request = match self {
            Self::Npm | Self::Tag | Self::Untag => {
                http::exchange(&scene.url(), "widget", &scene.token(&scene.audience()))
            }
            Self::Cargo => exchange("/api/v1/trusted_publishing/tokens", "jwt", &host),
            Self::Pypi => exchange("/_/oidc/mint-token", "token", &format!("pypi:{host}")),
            Self::Gem => {
                let path = "/rubygems/api/v1/oidc/trusted_publisher/exchange_token";
                exchange(path, "jwt", &format!("{host}/rubygems"))
            }
        };
        let answer = http::send(&scene.cx, request).await;
        let body = http::body(&answer);
        let token = body.get("token").or_else(|| body.get("rubygems_api_key"));
        token.unwrap_or_else(|| panic!("{self:?}: {body}")).as_str().unwrap().to_owned()
    }

    /// The request, with a version that nothing else publishes. Tags are of `1.0.0`.
    pub fn request(self, base: &str, version: &str, token: &str) -> Request {
        let bearer = Secret::new(token);
        let at = |method, path: &str| Request::new(method, http::url(base, path));
        let bytes = "application/octet-stream";
        match self {
            Self::Npm => http::publish(base, "widget", version, token),
            Self::Tag => {
                let path = format!("/-/package/widget/dist-tags/tag-{}", version.replace('.', "-"));
                at(Method::Put, &path).bearer(&bearer).body("application/json", "\"1.0.0\"")
            }
            Self::Untag => at(Method::Delete, "/-/package/widget/dist-tags/old").bearer(&bearer),
            Self::Cargo => at(Method::Put, "/api/v1/crates/new")
                .header("authorization", token)
                .body(bytes, crate_body("widget", version)),
            Self::Pypi => {
                let (kind, body) = form("widget", version);
                at(Method::Post, "/legacy/").bearer(&bearer).body(kind, body)
            }
            Self::Gem => at(Method::Post, "/rubygems/api/v1/gems")
                .header("authorization", token)
                .body(bytes, gems::named("widget", version)),
        }
    }

    pub async fn send(self, scene: &Scene, version: &str, token: &str) -> Response {
        http::send(&scene.cx, self.request(&scene.url(), version, token)).await
    }
}

/// All that the endpoints change.
pub async fn state(scene: &Scene) -> Vec<String> {
    let mut state = Vec::new();
    for query in [
        "SELECT version FROM npm_version ORDER BY version",
        "SELECT tag || version FROM npm_dist_tag ORDER BY tag",
        "SELECT ecosystem || name FROM hosted_file ORDER BY ecosystem, name",
    ] {
        state.extend(scene.texts(query).await);
    }
    state
}

/// A request that the registry has begun to read, whose body is not yet there.
#[derive(Debug)]
pub struct Slow {
    stream: TcpStream,
    body: Vec<u8>,
}

impl Slow {
    /// Sends the head and waits until the registry asks for the body.
    pub async fn begin(request: &Request) -> Self {
        let address = request.url.host_and_port();
        let mut stream = TcpStream::connect(&address).await.unwrap();
        let body = &request.body;
        let method = format!("{:?}", request.method).to_uppercase();
        let mut head = format!("{method} {} HTTP/1.1\r\nhost: {address}\r\n", request.url.path());
        for (name, value) in &request.headers {
            head.push_str(&format!("{name}: {}\r\n", value.expose()));
        }
        let ending =
            format!("content-length: {}\r\nconnection: close\r\nexpect: 100-continue\r\n\r\n", body.len());
        head.push_str(&ending);
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = [0; 25];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 100 Continue\r\n\r\n", "{}", String::from_utf8_lossy(&answer));
        let (first, rest) = body.split_at(body.len() / 2);
        stream.write_all(first).await.unwrap();
        Self { stream, body: rest.to_vec() }
    }

    /// Sends the rest and gives the whole answer.
    pub async fn end(mut self) -> String {
        self.stream.write_all(&self.body).await.unwrap();
        let mut answer = Vec::new();
        self.stream.read_to_end(&mut answer).await.unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }
}

/// The body of `cargo publish`.
pub fn crate_body(name: &str, version: &str) -> Vec<u8> {
    let metadata = json!({ "name": name, "vers": version, "deps": [], "features": {} }).to_string();
    let manifest = format!("[package]\nname = \"{name}\"\nversion = \"{version}\"\nedition = \"2024\"\n");
    let folder = format!("{name}-{version}");
    let archive = archive(&[
        (&format!("{folder}/Cargo.toml"), &manifest),
        (&format!("{folder}/src/lib.rs"), "pub const NUMBER: u32 = 7;\n"),
    ]);
    let mut body = Vec::new();
    for part in [metadata.as_bytes(), &archive] {
        body.extend(u32::try_from(part.len()).unwrap().to_le_bytes());
        body.extend(part);
    }
    body
}

/// The body that twine sends for a source distribution, with its content type.
pub fn form(name: &str, version: &str) -> (&'static str, Vec<u8>) {
    let info = format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n");
    let folder = format!("{name}-{version}");
    let archive = archive(&[
        (&format!("{folder}/PKG-INFO"), &info),
        (&format!("{folder}/pyproject.toml"), "[build-system]\nrequires = []\n"),
    ]);
    let digest = HEXLOWER.encode(&Sha256::digest(&archive));
    let mut body = Vec::new();
    for (field, value) in [
        (":action", "file_upload"),
        ("protocol_version", "1"),
        ("metadata_version", "2.1"),
        ("name", name),
        ("version", version),
        ("filetype", "sdist"),
        ("pyversion", "source"),
        ("sha256_digest", &digest),
    ] {
        let part = format!("--end\r\nContent-Disposition: form-data; name=\"{field}\"\r\n\r\n{value}\r\n");
        body.extend(part.as_bytes());
    }
    let part = format!(
        "--end\r\nContent-Disposition: form-data; name=\"content\"; filename=\"{folder}.tar.gz\"\r\n\
         Content-Type: application/gzip\r\n\r\n"
    );
    body.extend(part.as_bytes());
    body.extend(archive);
    body.extend(b"\r\n--end--\r\n");
    ("multipart/form-data; boundary=end", body)
}

fn archive(files: &[(&str, &str)]) -> Vec<u8> {
    let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (path, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, path, content.as_bytes()).unwrap();
    }
    archive.into_inner().unwrap().finish().unwrap()
}
