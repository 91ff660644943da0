//! Gems as nobody builds them: refused with a reason, in bounded time and space, and without a trace.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::io::Read;

use common::http;
use common::postgres::Postgres;
use common::scene::{self, ADMIN, Scene};
use data_encoding::HEXLOWER;
use examples::issuer::{self, Changes, GITHUB, Settings};
use examples::registry::{Config, Running};
use flate2::Compression;
use flate2::write::GzEncoder;
use oidc_core::http::{Method, Request, Response};
use sha2::{Digest as _, Sha512};
use tar::{EntryType, Header};

/// What `gem build` of RubyGems 3.3.15 wrote.
const YAML: &str = include_str!("gems/widget.yaml");

async fn scene() -> Scene {
    Scene::start(Settings::new(&GITHUB), "", &["rubygems:widget"], "").await
}

async fn push(scene: &Scene, key: &str, gem: Vec<u8>) -> Response {
    push_to(&scene.url(), key, gem).await
}

async fn push_to(registry: &str, key: &str, gem: Vec<u8>) -> Response {
    let url = http::url(registry, "/rubygems/api/v1/gems");
    let request = Request::new(Method::Post, url).header("authorization", key);
    let request = request.body("application/octet-stream", gem);
    http::send(&http::system(), request.deadline(std::time::Duration::from_secs(60))).await
}

fn text(answer: &Response) -> String {
    String::from_utf8(answer.body.clone()).unwrap()
}

fn gz(content: impl Read) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    std::io::copy(&mut { content }, &mut encoder).unwrap();
    encoder.finish().unwrap()
}

/// One entry whose name is put into its header as it is.
fn entry(archive: &mut tar::Builder<Vec<u8>>, name: &[u8], kind: EntryType, content: &[u8]) {
    let mut header = Header::new_ustar();
    header.as_ustar_mut().unwrap().name[..name.len()].copy_from_slice(name);
    header.set_entry_type(kind);
    header.set_size(content.len() as u64);
    header.set_mode(0o644);
    header.set_cksum();
    archive.append(&header, content).unwrap();
}

fn tar(entries: &[(&[u8], EntryType, &[u8])]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, kind, content) in entries {
        entry(&mut archive, name, *kind, content);
    }
    archive.into_inner().unwrap()
}

/// The parts of a gem, each as it stands in it.
struct Gem {
    metadata: Vec<u8>,
    data: Vec<u8>,
    checksums: Option<Vec<u8>>,
}

impl Gem {
    fn new() -> Self {
        let data = tar(&[(b"lib/widget.rb", EntryType::Regular, b"module Widget; end\n")]);
        Self { metadata: gz(YAML.as_bytes()), data: gz(data.as_slice()), checksums: None }
    }

    /// With other metadata.
    fn saying(yaml: impl AsRef<[u8]>) -> Self {
        Self { metadata: gz(yaml.as_ref()), ..Self::new() }
    }

    /// With other files.
    fn holding(entries: &[(&[u8], EntryType, &[u8])]) -> Self {
        Self { data: gz(tar(entries).as_slice()), ..Self::new() }
    }

    fn checksums(&self) -> Vec<u8> {
        let digest = |content: &[u8]| HEXLOWER.encode(&Sha512::digest(content));
        let (metadata, data) = (digest(&self.metadata), digest(&self.data));
        let yaml = format!("---\nSHA512:\n  metadata.gz: {metadata}\n  data.tar.gz: {data}\n");
        self.checksums.clone().unwrap_or_else(|| gz(yaml.as_bytes()))
    }

    fn pack(&self) -> Vec<u8> {
        self.pack_with(&[])
    }

    /// With further entries behind its own.
    fn pack_with(&self, more: &[(&[u8], EntryType, &[u8])]) -> Vec<u8> {
        let checksums = self.checksums();
        let own: [(&[u8], EntryType, &[u8]); 3] = [
            (b"metadata.gz", EntryType::Regular, &self.metadata),
            (b"data.tar.gz", EntryType::Regular, &self.data),
            (b"checksums.yaml.gz", EntryType::Regular, &checksums),
        ];
        tar(&[own.as_slice(), more].concat())
    }
}

/// Each is refused to the administrator, who may publish anything else, with 422 and these words.
async fn are_refused(cases: Vec<(&str, Vec<u8>, &str)>) {
    let scene = scene().await;
    for (what, gem, words) in cases {
        let answer = push(&scene, ADMIN, gem).await;
        let reason = text(&answer);
        assert_eq!(answer.status, 422, "{what}: {reason}");
        assert!(reason.contains(words), "{what}: {reason}");
        assert!(reason.lines().count() == 1 && reason.len() < 500, "{what}: {reason}");
    }
    assert_eq!(scene.count("hosted_file").await, 0);
    assert_eq!(push(&scene, ADMIN, Gem::new().pack()).await.status, 200);
}

#[tokio::test]
async fn an_archive_with_other_parts_is_refused() {
    let gem = Gem::new();
    let gz_link = [(b"metadata.gz".as_slice(), EntryType::Symlink, b"".as_slice())];
    let regular = EntryType::Regular;
    let only = |parts: &[(&[u8], EntryType, &[u8])]| tar(parts);
    are_refused(vec![
        ("nothing", Vec::new(), "has no `metadata.gz`"),
        ("no archive", b"no archive".to_vec(), "can't be read"),
        ("noise", (0..=255).cycle().take(5000).collect(), "can't be read"),
        ("metadata twice", gem.pack_with(&[(b"metadata.gz", regular, &gem.metadata)]), "`metadata.gz`"),
        ("unpacked metadata", gem.pack_with(&[(b"metadata", regular, YAML.as_bytes())]), "`metadata`"),
        ("a stranger", gem.pack_with(&[(b"../evil\x1b[31m", regular, b"")]), "holds `../evil"),
        ("a long name", gem.pack_with(&[(b"././@LongLink", EntryType::GNULongName, b"a")]), "LongLink"),
        ("a link", tar(&gz_link), "holds `metadata.gz`"),
        ("only metadata", only(&[(b"metadata.gz", regular, &gem.metadata)]), "no `data.tar.gz`"),
        (
            "no checksums",
            only(&[(b"metadata.gz", regular, &gem.metadata), (b"data.tar.gz", regular, &gem.data)]),
            "no `checksums.yaml.gz`",
        ),
    ])
    .await;
}

#[tokio::test]
async fn metadata_that_is_not_a_specification_is_refused() {
    let says = |from: &str, to: &str| {
        assert!(YAML.contains(from));
        Gem::saying(YAML.replacen(from, to, 1)).pack()
    };
    let huge = format!("{YAML}# {}\n", "x".repeat(1 << 20));
    let dependency = "- !ruby/object:Gem::Dependency\n  name: a\n  type: :runtime\n  requirement: !ruby/object:Gem::Requirement\n    \
                      requirements:\n    - - \">=\"\n      - !ruby/object:Gem::Version\n        version: '0'\n";
    let needy = YAML.replace("dependencies:\n", &format!("dependencies:\n{}", dependency.repeat(501)));
    let not_utf8 = [YAML.as_bytes(), b"x: \"\xff\xfe\"\n"].concat();
    let unpacked = Gem { metadata: YAML.as_bytes().to_vec(), ..Gem::new() };
    let mut cut = Gem::new();
    cut.metadata.truncate(cut.metadata.len() - 9);
    are_refused(vec![
        (
            "a bomb",
            Gem { metadata: gz(std::io::repeat(b'a').take(1 << 30)), ..Gem::new() }.pack(),
            "larger than",
        ),
        ("huge", Gem::saying(huge).pack(), "larger than"),
        ("not packed", unpacked.pack(), "can't be unpacked"),
        ("cut", cut.pack(), "can't be unpacked"),
        ("not UTF-8", Gem::saying(not_utf8).pack(), "not UTF-8"),
        ("UTF-16", Gem::saying(b"\xff\xfen\0".as_slice()).pack(), "not UTF-8"),
        ("nothing", Gem::saying("").pack(), "metadata"),
        ("no YAML", Gem::saying("name: [\n").pack(), "not YAML"),
        ("deep", Gem::saying("[".repeat(500_000)).pack(), "metadata"),
        ("deep by lines", Gem::saying("- ".repeat(500_000)).pack(), "nested deeper"),
        ("wide", Gem::saying("- a\n".repeat(200_000)).pack(), "more than 50000 values"),
        ("laughs", Gem::saying("a: &a [x]\nb: [*a, *a]\n").pack(), "alias"),
        ("two", Gem::saying(format!("{YAML}{YAML}")).pack(), "more than one document"),
        ("needy", Gem::saying(needy).pack(), "at most 500"),
        (
            "a command",
            says("summary: 'A: test'", "summary: !ruby/object:Gem::Installer {}"),
            "Gem::Installer",
        ),
        ("another class", says("!ruby/object:Gem::Specification", "!ruby/object:OpenStruct"), "OpenStruct"),
        ("twice a name", says("platform: ruby", "platform: ruby\nname: victim"), "`name` twice"),
        ("a merged name", says("platform: ruby", "<<: { name: victim }"), "not an untagged text"),
        ("a hidden name", says("platform: ruby", "!binary bmFtZQ==: victim"), "not an untagged text"),
        ("a path", says("name: widget", "name: ../../widget"), "not a gem's name"),
        ("a line", says("name: widget", "name: \"widget\\n1.0 |x\""), "not a gem's name"),
        ("a version", says("'1.10'", "'1.10/../2'"), "`version` is `1.10/../2`"),
        ("a number", says("'1.10'", "1.10"), "quoted"),
        ("a platform", says("platform: ruby", "platform: \"x|y\""), "`platform` is `x|y`"),
        ("a need", says("name: gadget", "name: \"gadget|x\""), "not a gem's name"),
    ])
    .await;
}

#[tokio::test]
async fn files_that_leave_their_folder_or_fill_the_disk_are_refused() {
    let regular = EntryType::Regular;
    let holds = |name: &[u8], kind| Gem::holding(&[(b"lib/a.rb", regular, b""), (name, kind, b"x")]).pack();
    let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    let mut header = Header::new_ustar();
    header.set_path("a").unwrap();
    header.set_size(600 << 20);
    header.set_cksum();
    archive.append(&header, std::io::repeat(0).take(600 << 20)).unwrap();
    let bomb = archive.into_inner().unwrap().finish().unwrap();
    assert!(bomb.len() < 4 << 20, "{}", bomb.len());
    let mut lying = Gem::new();
    lying.checksums = Some(Gem::holding(&[]).checksums());
    let mut cut = Gem::new();
    cut.data.truncate(cut.data.len() / 2);
    let checksums = |yaml: &str| Gem { checksums: Some(gz(yaml.as_bytes())), ..Gem::new() }.pack();
    are_refused(vec![
        ("above", holds(b"../evil", regular), "holds `../evil`"),
        ("above, inside", holds(b"lib/../../evil", regular), "holds `lib/../../evil`"),
        ("from the root", holds(b"/etc/passwd", regular), "holds `/etc/passwd`"),
        ("on Windows", holds(b"..\\evil", regular), "holds `..\\"),
        ("of another line", holds(b"a\nb", regular), "holds `a\\nb`"),
        ("not UTF-8", holds(b"a\xff", regular), "holds `a"),
        ("without a name", holds(b"", regular), "holds ``"),
        ("a link", holds(b"lib/evil", EntryType::Symlink), "holds `lib/evil`"),
        ("a hard link", holds(b"lib/evil", EntryType::Link), "holds `lib/evil`"),
        ("a device", holds(b"lib/evil", EntryType::Char), "holds `lib/evil`"),
        ("a long name", holds(b"././@LongLink", EntryType::GNULongName), "LongLink"),
        ("further headers", holds(b"pax", EntryType::XHeader), "holds `pax`"),
        ("a bomb", Gem { data: bomb, ..Gem::new() }.pack(), "too large"),
        ("cut", cut.pack(), "can't be unpacked"),
        ("no archive", Gem { data: gz(b"no archive".as_slice()), ..Gem::new() }.pack(), "can't be unpacked"),
        ("not packed", Gem { data: b"data".to_vec(), ..Gem::new() }.pack(), "can't be unpacked"),
        ("another's checksums", lying.pack(), "`data.tar.gz` is not what its checksum says"),
        ("no checksums in it", checksums("{}"), "`SHA512` is missing"),
        ("checksums of one", checksums("SHA512: { metadata.gz: a }"), "not what its checksum says"),
        ("checksums that are none", checksums("- a"), "a list of 1"),
    ])
    .await;
}

#[tokio::test]
async fn no_beginning_of_a_gem_is_taken_for_one() {
    let scene = scene().await;
    let gem = Gem::new().pack();
    // The archive's end is two empty blocks, which readers do without.
    let end = gem.len() - 1024;
    for length in (0..end - 512).step_by(97) {
        let answer = push(&scene, ADMIN, gem[..length].to_vec()).await;
        assert_eq!(answer.status, 422, "{length}: {}", text(&answer));
    }
    // Whatever a flipped byte says, it is an answer, and no failure of the registry.
    for at in (0..end).step_by(61) {
        let mut flipped = gem.clone();
        flipped[at] ^= 0x55;
        let status = push(&scene, ADMIN, flipped).await.status;
        assert!([200, 409, 422].contains(&status), "{at}: {status}");
    }
}

#[tokio::test]
async fn files_are_not_unpacked_for_a_stranger() {
    let scene = scene().await;
    let gem = Gem { data: b"no archive".to_vec(), ..Gem::new() };
    for key in ["somebody", "rubygems_0000", "Basic !"] {
        assert_eq!(push(&scene, key, gem.pack()).await.status, 401, "{key}");
    }
    let url = http::url(&scene.url(), "/rubygems/api/v1/gems");
    let nobody = Request::new(Method::Post, url).body("application/octet-stream", gem.pack());
    assert_eq!(http::send(&http::system(), nobody).await.status, 401);
    assert_eq!(push(&scene, ADMIN, gem.pack()).await.status, 422);
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let scene = scene().await;
    assert_eq!(push(&scene, ADMIN, Gem::new().pack()).await.status, 200);
    for path in [
        "info/gadget",
        "info/..%2f..%2fetc%2fpasswd",
        "gems/widget-1.11.gem",
        "gems/widget-1.10",
        "gems/..%2fwidget-1.10.gem",
        "quick/Marshal.4.8/widget-1.10.gem",
        "quick/Marshal.4.8/widget-1.11.gemspec.rz",
        "quick/Marshal.4.7/widget-1.10.gemspec.rz",
    ] {
        let answer = http::send(&scene.cx, http::get(&scene.url(), &format!("rubygems/{path}"))).await;
        assert_eq!(answer.status, 404, "{path}");
    }
    let head = Request::new(Method::Get, http::url(&scene.url(), "rubygems/"));
    assert_eq!(http::send(&scene.cx, head).await.status, 200);
}

/// `gem` shows an answer as it is.
#[tokio::test]
async fn a_push_to_the_wrong_path_is_told_the_gems_own_in_plain_text() {
    let scene = scene().await;
    for path in ["api/v1/gems", "rubygems/gems/api/v1/gems"] {
        let push = Request::new(Method::Post, http::url(&scene.url(), path));
        let answer = http::send(&scene.cx, push.body("application/octet-stream", Gem::new().pack())).await;
        let root = format!("{}/rubygems/", scene.url().trim_end_matches('/'));
        assert_eq!(answer.status, 404, "{path}");
        assert_eq!(
            text(&answer),
            format!("nothing is served at this path; RubyGems of this registry is at {root}")
        );
    }
}

/// A pending publisher's job pushes to two registries over one database at once.
#[tokio::test]
async fn over_postgresql_one_of_two_pushes_creates_the_gem() {
    let Some(postgres) = Postgres::create().await else { return };
    let (cx, folder) = (http::system(), tempfile::tempdir().unwrap());
    let issuer = issuer::Running::start(Settings::new(&GITHUB), &cx).await.unwrap();
    let config =
        scene::config(&GITHUB, issuer.url(), folder.path(), "", &["rubygems:widget"], "pending = true");
    let config = config.replace(&scene::database(folder.path()), &postgres.url());
    let config = Config::parse(&config.replace("http://127.0.0.1:0", "http://127.0.0.1")).unwrap();
    let one = Running::start(config.clone(), &cx).await.unwrap();
    let two = Running::start(config, &cx).await.unwrap();

    let body = serde_json::json!({ "jwt": issuer.token("127.0.0.1/rubygems", &Changes::default()) });
    let url = http::url(one.url(), "/rubygems/api/v1/oidc/trusted_publisher/exchange_token");
    let exchange = Request::new(Method::Post, url).body("application/json", body.to_string());
    let minted = http::send(&cx, exchange).await;
    assert_eq!(minted.status, 201, "{}", text(&minted));
    let key = http::body(&minted)["rubygems_api_key"].as_str().unwrap().to_owned();
    let (first, second) = tokio::join!(
        push_to(one.url(), &key, Gem::new().pack()),
        push_to(two.url(), &key, Gem::new().pack())
    );
    let mut statuses = [first.status, second.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409], "{} {}", text(&first), text(&second));
    for (path, part) in [("versions", "widget 1.10 "), ("names", "widget"), ("info/widget", "1.10 gadget:")] {
        let answer = http::send(&cx, http::get(two.url(), &format!("rubygems/{path}"))).await;
        assert!(text(&answer).contains(part), "{path}: {}", text(&answer));
    }
    for path in ["quick/Marshal.4.8/widget-1.10.gemspec.rz", "gems/widget-1.10.gem"] {
        assert_eq!(http::send(&cx, http::get(one.url(), &format!("rubygems/{path}"))).await.status, 200);
    }
    one.stop().await;
    two.stop().await;
    postgres.drop().await;
}
