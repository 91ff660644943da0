//! The memory that a registry takes, whatever is sent to it and by however many clients at once.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout)]

use std::fs;
use std::io::Write as _;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ci_issuer::{Changes, GITHUB, Running, Settings};
use flate2::Compression;
use flate2::write::GzEncoder;
use oidc_core::Context;
use oidc_core::http::Request;
use serde_json::json;
use tempfile::TempDir;
use tests::http;
use tests::programs::{Process, registry};
use tests::scene::{ADMIN, config};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// The memory that a process may take in addition to its idle state, in KB.
const MOST: u64 = 300 << 10;
/// A body that is about as large as one may be.
const LARGE: usize = 60 << 20;
/// The length of the bytes that [`noise`] repeats.
const BLOCK: usize = 1 << 20;

/// A registry that runs in a process of its own.
struct World {
    cx: Context,
    issuer: Running,
    process: Process,
    url: String,
    idle: u64,
    _folder: TempDir,
}

/// A request, to be sent as it is.
#[derive(Clone)]
struct Sent {
    what: &'static str,
    head: String,
    body: Arc<Vec<u8>>,
}

impl World {
    async fn start() -> Self {
        Self::with("").await
    }

    /// A registry with more in its configuration.
    async fn with(more: &str) -> Self {
        let cx = http::system();
        let folder = tempfile::tempdir().unwrap();
        let issuer = Running::start(Settings::new(&GITHUB), &cx).await.unwrap();
        let packages = ["widget", "cargo:widget", "pypi:widget", "rubygems:widget"];
        let config = config(&GITHUB, issuer.url(), folder.path(), "", &packages, "");
        fs::write(folder.path().join("admin-token"), ADMIN).unwrap();
        let config = format!("admin_token_file = \"admin-token\"\n{config}\n{more}");
        fs::write(folder.path().join("registry.toml"), config).unwrap();
        let (process, url) = registry(folder.path(), "error").await;
        let mut world = Self { cx, issuer, process, url, idle: 0, _folder: folder };
        world.idle = world.memory("VmRSS:");
        world
    }

    fn memory(&self, line: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let line = status.lines().find_map(|said| said.strip_prefix(line)).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// Sends a request `count` times at once. The answers' first lines.
    async fn send(&self, sent: &Sent, count: usize) -> Vec<String> {
        // The peak is counted anew.
        fs::write(format!("/proc/{}/clear_refs", self.process.id()), "5").unwrap();
        let mut answers = JoinSet::new();
        for _ in 0..count {
            let (sent, address) = (sent.clone(), self.url.trim_start_matches("http://").to_owned());
            answers.spawn(async move { sent.answer(&address).await });
        }
        let answers = answers.join_all().await;
        let taken = self.memory("VmHWM:").saturating_sub(self.idle);
        println!("{} {count}: {} MB, {}", sent.what, taken >> 10, answers[0]);
        assert!(taken <= MOST, "{} {count}: {} MB", sent.what, taken >> 10);
        answers
    }

    /// Asks for something large a hundred times, and reads no more than the beginning of each answer.
    async fn stalls(&self, path: &str) {
        fs::write(format!("/proc/{}/clear_refs", self.process.id()), "5").unwrap();
        let (address, mut peers) = (self.url.trim_start_matches("http://"), Vec::new());
        for _ in 0..100 {
            let mut peer = TcpStream::connect(address).await.unwrap();
            peer.write_all(format!("GET {path} HTTP/1.1\r\nhost: {address}\r\n\r\n").as_bytes())
                .await
                .unwrap();
            let mut beginning = [0; 1024];
            peer.read_exact(&mut beginning).await.unwrap();
            assert!(beginning.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&beginning));
            peers.push(peer);
        }
        let taken = self.memory("VmHWM:").saturating_sub(self.idle);
        println!("{path} stalls: {} MB", taken >> 10);
        assert!(taken <= MOST, "{path} stalls: {} MB", taken >> 10);
    }

    /// Sends a request alone, looks for a status in the answer, and sends it eight times at once.
    async fn sent(&self, what: &'static str, head: String, body: Vec<u8>, status: &str) {
        let sent = Sent { what, head, body: Arc::new(body) };
        let answers = self.send(&sent, 1).await;
        assert!(answers[0].contains(status), "{what}: {answers:?}");
        let answers = self.send(&sent, 8).await;
        assert!(answers.iter().all(|answer| answer.starts_with("HTTP/1.1 ")), "{what}: {answers:?}");
    }
}

impl Sent {
    /// The first line of the answer, which is read to its end.
    async fn answer(&self, address: &str) -> String {
        let (mut reading, mut writing) = TcpStream::connect(address).await.unwrap().into_split();
        let head = format!(
            "{}\r\nhost: {address}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
            self.head,
            self.body.len()
        );
        let body = Arc::clone(&self.body);
        let sending = tokio::spawn(async move {
            // A client that is cut off has its answer all the same.
            let _cut_off = writing.write_all(head.as_bytes()).await;
            let _cut_off = writing.write_all(&body).await;
            writing
        });
        let (mut first, mut buffer) = (Vec::new(), vec![0; 64 << 10]);
        loop {
            match reading.read(&mut buffer).await {
                Ok(0) | Err(_) => break,
                Ok(read) if first.len() < 4096 => first.extend_from_slice(&buffer[..read]),
                Ok(_) => {}
            }
        }
        drop(sending.await.unwrap());
        String::from_utf8_lossy(&first).lines().next().unwrap_or_default().to_owned()
    }
}

fn head(method: &str, path: &str, token: &str, kind: &str) -> String {
    format!("{method} {path} HTTP/1.1\r\nauthorization: {token}\r\ncontent-type: {kind}")
}

fn crate_body(metadata: &[u8], content: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    for part in [metadata, content] {
        body.extend(u32::try_from(part.len()).unwrap().to_le_bytes());
        body.extend(part);
    }
    body
}

/// Text of about this length whose values take a hundred times as much memory where they are built.
fn values(length: usize) -> String {
    let one = "{\"a\":{}},";
    format!("[{}0]", one.repeat(length / one.len()))
}

/// Manifests of a crate that take the most memory for their signs: 20,000 of these, or as many as there is room for.
fn manifests() -> [(&'static str, String); 4] {
    let dotted = |key: &str| -> String { (0..9_990).map(|number| format!("d{number}.{key}=0\n")).collect() };
    let deep: String = (0..280).map(|number| format!("a{number}{}=0\n", ".b".repeat(70))).collect();
    [
        ("its dependencies", format!("[dependencies]\n{}", dotted("a"))),
        ("its tables", format!("[x]\n{}", dotted("a-longer-key"))),
        ("tables in its tables", format!("[x]\n{deep}")),
        ("more tables", format!("[x]\ny = [{}]\n", "{a=0},".repeat(42_000))),
    ]
}

/// Bytes that don't pack: a block repeats beyond the 32 KiB in which a packer looks for repetitions.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    let block: Vec<u8> = (0..BLOCK / 8).flat_map(|_| next()).collect();
    block.repeat(length / BLOCK)
}

fn tar(name: &str, kind: u8, said: u64, content: &[u8]) -> Vec<u8> {
    let mut header = tar::Header::new_gnu();
    header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
    header.set_entry_type(tar::EntryType::new(kind));
    header.set_size(said);
    header.set_cksum();
    let mut archive = header.as_bytes().to_vec();
    archive.extend_from_slice(content);
    archive.resize(archive.len().next_multiple_of(512), 0);
    archive
}

fn gz(content: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(content).unwrap();
    packed.finish().unwrap()
}

/// A registry, and the head of a request that publishes `widget`.
async fn of_crates() -> (World, String) {
    let world = World::start().await;
    let address = world.url.trim_start_matches("http://").to_owned();
    let jwt = json!({ "jwt": world.issuer.token(&address, &Changes::default()) }).to_string();
    let exchange = Request::post(http::url(&world.url, "/api/v1/trusted_publishing/tokens"));
    let minted = http::send(&world.cx, exchange.body("application/json", jwt)).await;
    let token = http::body(&minted)["token"].as_str().unwrap().to_owned();
    (world, head("PUT", "/api/v1/crates/new", &token, "application/octet-stream"))
}

/// The metadata of `widget`, with more in it.
fn named(rest: &str) -> String {
    format!("{{\"name\":\"widget\",\"vers\":\"1.0.0\",{rest}}}")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_metadata_of_crates_takes_no_more_memory_than_there_is() {
    let (world, put) = of_crates().await;
    let other = format!("{{\"name\":\"other\",\"vers\":\"1.0.0\",\"x\":{}}}", values(LARGE));
    world.sent("another crate", put.clone(), crate_body(other.as_bytes(), b""), " 400 ").await;
    let other = format!("{{\"name\":\"other\",\"vers\":\"1.0.0\",\"x\":{}}}", values(1_000_000));
    world.sent("its name first", put.clone(), crate_body(other.as_bytes(), &noise(59 << 20)), " 403 ").await;
    let lists = [
        ("its unknown", named(&format!("\"x\":{}", values(1_000_000)))),
        ("its features", named(&format!("\"features\":{{\"a\":[{}\"\"]}}", "\"\",".repeat(330_000)))),
        (
            "its needs",
            named(&format!("\"deps\":[{}]", vec!["{\"name\":\"\",\"version_req\":\"\"}"; 34_000].join(","))),
        ),
    ];
    for (what, metadata) in &lists {
        world.sent(what, put.clone(), crate_body(metadata.as_bytes(), &noise(59 << 20)), " 400 ").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_archives_of_crates_take_no_more_memory_than_there_is() {
    let (world, put) = of_crates().await;
    let long_name = gz(&tar("././@LongLink", b'L', 500 << 20, &vec![b'a'; 500 << 20]));
    let metadata = named("\"deps\":[]");
    world.sent("a long name", put.clone(), crate_body(metadata.as_bytes(), &long_name), " 400 ").await;
    for (what, manifest) in manifests() {
        assert!(manifest.len() < 256 << 10, "{what}");
        let manifest = gz(&tar("widget-1.0.0/Cargo.toml", b'0', manifest.len() as u64, manifest.as_bytes()));
        world.sent(what, put.clone(), crate_body(metadata.as_bytes(), &manifest), " 400 ").await;
    }
    let manifest = "[package]\nname = \"widget\"\nversion = \"1.0.0\"\n";
    let manifest = tar("widget-1.0.0/Cargo.toml", b'0', manifest.len() as u64, manifest.as_bytes());
    let plain = gz(&[manifest, tar("widget-1.0.0/a", b'0', 55 << 20, &noise(55 << 20))].concat());
    world.sent("a crate", put.clone(), crate_body(metadata.as_bytes(), &plain), " 200 ").await;
    let download = "GET /api/v1/crates/widget/1.0.0/download HTTP/1.1".to_owned();
    world.sent("its download", download, Vec::new(), " 200 ").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn npm_takes_no_more_memory_than_there_is() {
    let world = World::start().await;
    let put = head("PUT", "/widget", &format!("Bearer {ADMIN}"), "application/json");
    let document = |version: &str, manifest: &str, tarball: &str| {
        format!(
            "{{\"name\":\"widget\",\"dist-tags\":{{\"latest\":\"{version}\"}},\"versions\":{{\"{version}\":{{\"name\":\"widget\",\
             \"version\":\"{version}\",\"x\":{manifest}}}}},\"_attachments\":{{\"widget-{version}.tgz\":{{\"data\":\"{tarball}\"}}}}}}"
        )
        .into_bytes()
    };
    let packed = |version: &str| {
        let manifest = format!("{{\"name\":\"widget\",\"version\":\"{version}\"}}");
        tar("package/package.json", b'0', manifest.len() as u64, manifest.as_bytes())
    };
    let small = |version: &str| STANDARD.encode(gz(&packed(version)));
    // As values these are 1 GB. Walking through more takes a debug build long: 4 s for 60 MB, nine times.
    let large = document("1.0.0", &values(10 << 20), &small("1.0.0"));
    world.sent("a large manifest", put.clone(), large, " 400 ").await;
    // As values these take 100 MB, and eight times as much at eight.
    let attachments: String = (0..800_000).map(|n| format!("\"{n:07}\":{{}},")).collect();
    let attached = format!(
        "{{\"name\":\"widget\",\"versions\":{{\"1.0.0\":{{}}}},\"_attachments\":{{{attachments}\"a\":{{}}}}}}"
    );
    world.sent("many attachments", put.clone(), attached.into_bytes(), " 400 ").await;
    let content = [packed("1.0.0"), tar("package/a", b'0', 44 << 20, &noise(44 << 20))];
    let large = STANDARD.encode(gz(&content.concat()));
    let large =
        String::from_utf8(document("1.0.0", "0", &large)).unwrap().replace(",\"x\":0", "").into_bytes();
    world.sent("a large tarball", put.clone(), large, " 201 ").await;
    let download = "GET /widget/-/widget-1.0.0.tgz HTTP/1.1".to_owned();
    world.sent("its download", download, Vec::new(), " 200 ").await;

    let manifest = values(500_000);
    for number in 1..=60 {
        let version = format!("2.0.{number}");
        let body = Arc::new(document(&version, &manifest, &small(&version)));
        let sent = Sent { what: "a version", head: put.clone(), body };
        let answer = world.send(&sent, 1).await;
        assert!(answer[0].contains(" 201 ") || answer[0].contains(" 400 "), "{answer:?}");
    }
    world.sent("the packument", "GET /widget HTTP/1.1".to_owned(), Vec::new(), " 200 ").await;
    let abbreviated = "GET /widget HTTP/1.1\r\naccept: application/vnd.npm.install-v1+json".to_owned();
    world.sent("the abbreviated packument", abbreviated, Vec::new(), " 200 ").await;
    world.stalls("/widget/-/widget-1.0.0.tgz").await;
    world.stalls("/widget").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gems_and_python_projects_take_no_more_memory_than_there_is() {
    let world = World::start().await;
    let push = head("POST", "/rubygems/api/v1/gems", ADMIN, "application/octet-stream");
    let long_name = tar("././@LongLink", b'L', LARGE as u64, &vec![b'a'; LARGE]);
    world.sent("a gem of a long name", push.clone(), long_name, " 422 ").await;
    let yaml = tar("metadata.gz", b'0', 59 << 20, &noise(59 << 20));
    world.sent("a gem of noise", push.clone(), yaml, " 422 ").await;
    let packed = gz("- a\n".repeat(8 << 20).as_bytes());
    world
        .sent("a gem that unpacks", push, tar("metadata.gz", b'0', packed.len() as u64, &packed), " 422 ")
        .await;

    let form = head("POST", "/legacy/", ADMIN, "multipart/form-data; boundary=b");
    let field = |name: &str, value: &str| {
        format!("--b\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    let named = field(":action", "file_upload")
        + &field("metadata_version", "2.1")
        + &field("filetype", "sdist")
        + &field("name", "widget")
        + &field("version", "1.0.0");
    let long = named.clone() + &field("requires_python", &"x".repeat(LARGE)) + "--b--\r\n";
    world.sent("a long field", form.clone(), long.into_bytes(), " 400 ").await;
    let unknown = named.clone() + &field("description", &"x".repeat(LARGE)) + "--b--\r\n";
    world.sent("an unknown field", form.clone(), unknown.into_bytes(), " 400 ").await;
    world.sent("no boundary", form.clone(), vec![b'x'; LARGE], " 400 ").await;
    let many = field("x", "").repeat(5_001) + "--b--\r\n";
    let many = Request::post(http::url(&world.url, "/legacy/"))
        .header("authorization", ADMIN)
        .body("multipart/form-data; boundary=b", many);
    let answer = http::send(&world.cx, many).await;
    assert!(String::from_utf8_lossy(&answer.body).contains("more than 5000 fields"), "{answer:?}");
    let file =
        "--b\r\ncontent-disposition: form-data; name=\"content\"; filename=\"widget-1.0.0.tar.gz\"\r\n\r\n";
    let mut whole = (named + file).into_bytes();
    whole.extend(noise(55 << 20));
    whole.extend(b"\r\n--b--\r\n");
    world.sent("a large file", form, whole, " 400 ").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attestations_take_no_more_memory_than_there_is() {
    let world = World::with("[provenance]\n").await;
    let part = |name: &str, content: &[u8]| {
        let head = format!("--b\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n");
        [head.as_bytes(), content, b"\r\n"].concat()
    };
    let push = head("POST", "/rubygems/api/v1/gems", ADMIN, "multipart/form-data; boundary=b");
    let numbers = format!("[{}0]", "0,".repeat(LARGE / 2));
    let body = [part("attestations", numbers.as_bytes()), part("gem", b""), b"--b--\r\n".to_vec()].concat();
    world.sent("attestations", push.clone(), body, " 422 ").await;
    let body = [part(&"x".repeat(LARGE), b""), b"--b--\r\n".to_vec()].concat();
    world.sent("a field's name", push.clone(), body, " 422 ").await;
    let body = [part("gem", &noise(59 << 20)), b"--b--\r\n".to_vec()].concat();
    world.sent("a gem of noise in a form", push, body, " 422 ").await;
}
