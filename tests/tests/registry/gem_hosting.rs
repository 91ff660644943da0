//! Gems as nobody builds them: refused with a reason, in bounded time and space, and without a trace.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::io::Read as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ci_issuer::{GITHUB, Settings};
use data_encoding::HEXLOWER;
use flate2::Compression;
use flate2::write::GzEncoder;
use md5::{Digest as _, Md5};
use oidc_core::http::{Method, Request, Response};
use sha2::Sha256;
use tar::{EntryType, Header};
use tests::gems::{Gem, YAML, gz, named, push, scene, tar, text};
use tests::http;
use tests::scene::{ADMIN, Scene};

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
    assert_eq!(push(&scene, ADMIN, Gem::default().pack()).await.status, 200);
}

#[tokio::test]
async fn an_archive_with_other_parts_is_refused() {
    let gem = Gem::default();
    let gz_link = [(b"metadata.gz".as_slice(), EntryType::Symlink, b"".as_slice())];
    let regular = EntryType::Regular;
    let only = |parts: &[(&[u8], EntryType, &[u8])]| tar(parts);
    are_refused(vec![
        ("nothing", Vec::new(), "has no `metadata.gz`"),
        ("no archive", b"no archive".to_vec(), "can't be read"),
        ("noise", (0..=255).cycle().take(5000).collect(), "can't be read"),
        ("metadata twice", gem.pack_with(&[(b"metadata.gz", regular, &gem.metadata)]), "`metadata.gz`"),
        (
            "a signature twice",
            gem.pack_with(&[(b"data.tar.gz.sig", regular, b"x"), (b"data.tar.gz.sig", regular, b"y")]),
            "`data.tar.gz.sig`",
        ),
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
    let document = |text: &str| Gem::saying(format!("--- \n{text}")).pack();
    let huge = format!("{YAML}# {}\n", "x".repeat(256 << 10));
    let dependency = "- !ruby/object:Gem::Dependency\n  name: a\n  type: :runtime\n  requirement: !ruby/object:Gem::Requirement\n    \
                      requirements:\n    - - \">=\"\n      - !ruby/object:Gem::Version\n        version: '0'\n";
    let needy = YAML.replace("dependencies:\n", &format!("dependencies:\n{}", dependency.repeat(501)));
    let not_utf8 = [YAML.as_bytes(), b"x: \"\xff\xfe\"\n"].concat();
    let unpacked = Gem { metadata: YAML.as_bytes().to_vec(), ..Gem::default() };
    let mut cut = Gem::default();
    cut.metadata.truncate(cut.metadata.len() - 9);
    are_refused(vec![
        (
            "a bomb",
            Gem { metadata: gz(std::io::repeat(b'a').take(64 << 20)), ..Gem::default() }.pack(),
            "larger than",
        ),
        ("huge", Gem::saying(huge).pack(), "larger than"),
        ("not packed", unpacked.pack(), "can't be unpacked"),
        ("cut", cut.pack(), "can't be unpacked"),
        ("not UTF-8", Gem::saying(not_utf8).pack(), "not UTF-8"),
        ("UTF-16", Gem::saying(b"\xff\xfen\0".as_slice()).pack(), "not UTF-8"),
        ("nothing", Gem::saying("").pack(), "metadata"),
        ("no YAML", Gem::saying("--- \nname: [\n").pack(), "not YAML"),
        ("deep", document(&"[".repeat(200_000)), "metadata"),
        ("deep by lines", document(&"- ".repeat(100_000)), "nested deeper"),
        ("wide", document(&"-\n".repeat(100_000)), "more than 50000 values"),
        ("a list on one line", document(&format!("[{}]", "a,".repeat(100_000))), "at a stretch"),
        ("a list without an end", document(&("[".to_owned() + &",".repeat(200_000))), "at a stretch"),
        ("a map on one line", document(&("{".to_owned() + &"a: ,".repeat(50_000))), "at a stretch"),
        ("laughs", document("a: &a [x]\nb: [*a, *a]\n"), "alias"),
        ("behind a comment", Gem::saying(format!("# a comment\n{YAML}")).pack(), "does not begin with"),
        ("a folder of its own", says("bindir: bin", "extension_dir: /tmp"), "the key `extension_dir`"),
        ("two", Gem::saying(format!("{YAML}{YAML}")).pack(), "more than one document"),
        ("needy", Gem::saying(needy).pack(), "at most 500"),
        (
            "a command",
            says("summary: 'A: test'", "summary: !ruby/object:Gem::Installer {}"),
            "Gem::Installer",
        ),
        ("another class", says("!ruby/object:Gem::Specification", "!ruby/object:OpenStruct"), "OpenStruct"),
        (
            "certificates alone",
            says("cert_chain: []", "cert_chain:\n- x"),
            "has certificates in `cert_chain`, and not all",
        ),
        ("nobody's", says("authors:\n- Ärne\n- 'yes'\n", "authors: []\n"), "`authors` is a list of 0"),
        ("twice a name", says("platform: ruby", "platform: ruby\nname: victim"), "`name` twice"),
        ("a merged name", says("platform: ruby", "<<: { name: victim }"), "not an untagged text"),
        ("a hidden name", says("platform: ruby", "!binary bmFtZQ==: victim"), "not an untagged text"),
        ("a path", says("name: widget", "name: ../../widget"), "not a gem's name"),
        ("a line", says("name: widget", "name: \"widget\\n1.0 |x\""), "not a gem's name"),
        ("a version as a name", says("name: widget", "name: widget-1"), "`widget_1`"),
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
    let two = tar(&[(b"lib/a.rb", regular, b"")]);
    let lying = Gem { checksums: Some(Gem::holding(&[]).checksums()), ..Gem::default() };
    let mut cut = Gem::default();
    cut.data.truncate(cut.data.len() / 2);
    let checksums = |yaml: &str| Gem { checksums: Some(gz(yaml.as_bytes())), ..Gem::default() }.pack();
    are_refused(vec![
        ("above", holds(b"../evil", regular), "holds `../evil`"),
        ("above, inside", holds(b"lib/../../evil", regular), "holds `lib/../../evil`"),
        ("from the root", holds(b"/etc/passwd", regular), "holds `/etc/passwd`"),
        ("on Windows", holds(b"..\\evil", regular), "holds `..\\"),
        ("of another line", holds(b"a\nb", regular), "holds `a\\nb`"),
        ("not UTF-8", holds(b"a\xff", regular), "holds `a"),
        ("without a name", holds(b"", regular), "another path"),
        ("a link", holds(b"lib/evil", EntryType::Symlink), "holds `lib/evil`"),
        ("a hard link", holds(b"lib/evil", EntryType::Link), "holds `lib/evil`"),
        ("a device", holds(b"lib/evil", EntryType::Char), "holds `lib/evil`"),
        ("a long name", holds(b"././@LongLink", EntryType::GNULongName), "LongLink"),
        ("further headers", holds(b"pax", EntryType::XHeader), "holds `pax`"),
        ("a folder with content", holds(b"lib/d", EntryType::Directory), "has content for \"lib/d\""),
        ("a file that is called a folder", holds(b"lib/d/", regular), "of another length"),
        (
            "a second archive in it",
            Gem { data: gz([two.as_slice(), &two].concat().as_slice()), ..Gem::default() }.pack(),
            "behind its end",
        ),
        ("a second archive", [Gem::default().pack(), Gem::default().pack()].concat(), "behind its end"),
        (
            "more metadata",
            Gem { metadata: [gz(YAML.as_bytes()), gz(YAML.as_bytes())].concat(), ..Gem::default() }.pack(),
            "behind its end",
        ),
        ("a bomb", Gem { data: bomb, ..Gem::default() }.pack(), "too large"),
        ("cut", cut.pack(), "can't be unpacked"),
        (
            "no archive",
            Gem { data: gz(b"no archive".as_slice()), ..Gem::default() }.pack(),
            "can't be unpacked",
        ),
        ("not packed", Gem { data: b"data".to_vec(), ..Gem::default() }.pack(), "can't be unpacked"),
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
    let gem = Gem::default().pack();
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
    let gem = Gem { data: b"no archive".to_vec(), ..Gem::default() };
    for key in ["somebody", "rubygems_0000", "Basic !"] {
        assert_eq!(push(&scene, key, gem.pack()).await.status, 401, "{key}");
    }
    let url = http::url(&scene.url(), "/rubygems/api/v1/gems");
    let nobody = Request::new(Method::Post, url).body("application/octet-stream", gem.pack());
    assert_eq!(http::send(&http::system(), nobody).await.status, 401);
    assert_eq!(push(&scene, ADMIN, gem.pack()).await.status, 422);
}

#[tokio::test]
async fn the_compact_index_is_asked_for_what_is_new() {
    let scene = scene().await;
    let get = async |path: &str, headers: &[(&'static str, &str)]| {
        let request = http::get(&scene.url(), &format!("rubygems/{path}"));
        let request = headers.iter().fold(request, |request, (name, value)| request.header(name, *value));
        http::send(&scene.cx, request).await
    };
    let header =
        |answer: &Response, name: &str| answer.header(name).unwrap_or_else(|| panic!("{name}")).to_owned();
    assert_eq!(push(&scene, ADMIN, Gem::default().pack()).await.status, 200);
    for path in ["names", "versions", "info/widget"] {
        let whole = get(path, &[]).await;
        let tag = header(&whole, "etag");
        assert_eq!(tag, format!("\"{}\"", HEXLOWER.encode(&Md5::digest(&whole.body))), "{path}");
        let digest = format!("sha-256=:{}:", STANDARD.encode(Sha256::digest(&whole.body)));
        assert_eq!(header(&whole, "repr-digest"), digest, "{path}");
        assert_eq!(header(&whole, "accept-ranges"), "bytes");

        let same = get(path, &[("if-none-match", &tag)]).await;
        assert_eq!((same.status, same.body.len()), (304, 0), "{path}");
        assert_eq!(header(&same, "etag"), tag);
        let part = get(path, &[("range", "bytes=3-"), ("if-none-match", "\"older\"")]).await;
        assert_eq!((part.status, &part.body[..]), (206, &whole.body[3..]), "{path}");
        assert_eq!(header(&part, "repr-digest"), digest, "of the whole");
        let length = whole.body.len();
        assert_eq!(header(&part, "content-range"), format!("bytes 3-{}/{length}", length - 1));
        let behind = get(path, &[("range", &format!("bytes={length}-"))]).await;
        assert_eq!((behind.status, header(&behind, "content-range")), (416, format!("bytes */{length}")));
    }
    assert_eq!(get("info/gadget", &[("if-none-match", "*")]).await.status, 404);
    let tag = header(&get("versions", &[]).await, "etag");
    assert_eq!(push(&scene, ADMIN, named("gadget", "1.0.0")).await.status, 200);
    assert_eq!(get("versions", &[("if-none-match", &tag)]).await.status, 200);
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let scene = scene().await;
    assert_eq!(push(&scene, ADMIN, Gem::default().pack()).await.status, 200);
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

/// The bytes of a header at ustar's path, and before its content.
fn with_prefix(mut header: Header, prefix: &[u8]) -> Vec<u8> {
    header.as_old_mut().name[..4].copy_from_slice(b"evil");
    header.set_entry_type(EntryType::Regular);
    header.set_size(1);
    header.set_mode(0o644);
    header.as_mut_bytes()[345..345 + prefix.len()].copy_from_slice(prefix);
    header.set_cksum();
    let mut archive = tar::Builder::new(Vec::new());
    archive.append(&header, b"x".as_slice()).unwrap();
    archive.into_inner().unwrap()
}

/// Ruby joins the bytes of ustar's prefix to a name whatever the magic, without the spaces at their end.
#[tokio::test]
async fn a_path_that_only_ruby_sees_is_refused() {
    let inside = |header, prefix: &[u8]| {
        Gem { data: gz(with_prefix(header, prefix).as_slice()), ..Gem::default() }.pack()
    };
    let outside = |header: Header| {
        let part = with_prefix(header, b"..");
        [part.as_slice(), &Gem::default().pack()].concat()
    };
    let refused = "built by `gem build`";
    are_refused(vec![
        ("GNU's", inside(Header::new_gnu(), b".."), refused),
        ("GNU's without a path", inside(Header::new_gnu(), b""), refused),
        ("an old one", inside(Header::new_old(), b".."), refused),
        ("a space at the end", inside(Header::new_ustar(), b".. "), refused),
        ("nothing in front", inside(Header::new_ustar(), b"\0.."), refused),
        ("GNU's outside", outside(Header::new_gnu()), refused),
        ("an old one outside", outside(Header::new_old()), refused),
    ])
    .await;
}

/// The part of an answer behind its head that has arrived.
fn body_of(answer: &[u8]) -> String {
    String::from_utf8_lossy(answer)
        .split_once("\r\n\r\n")
        .map_or_else(String::new, |(_, body)| body.to_owned())
}

/// The status line and body that a server answers with to the head of a request whose body never comes.
async fn answered_early(scene: &Scene, token: &str, method: &str, path: &str, kind: &str) -> String {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let url = scene.url();
    let host = url.trim_start_matches("http://").trim_end_matches('/');
    let mut connection = tokio::net::TcpStream::connect(host).await.unwrap();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: {host}\r\nauthorization: {token}\r\ncontent-type: {kind}\r\n\
         content-length: 60000000\r\n\r\nbeginning"
    );
    connection.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let whole = async {
        while !body_of(&answer).contains("exchange the job's identity") {
            assert!(connection.read_buf(&mut answer).await.unwrap() > 0);
        }
    };
    tokio::select! {
        () = whole => {}
        () = scene.cx.clock().sleep(std::time::Duration::from_secs(20)) => panic!("{path}: no answer"),
    }
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn a_made_up_token_is_refused_before_the_body_is_there() {
    let scene = scene().await;
    for (method, path, kind, words) in [
        ("POST", "/rubygems/api/v1/gems", "application/octet-stream", "\r\n\r\nthe token is not"),
        (
            "PUT",
            "/api/v1/crates/new",
            "application/octet-stream",
            "{\"errors\":[{\"detail\":\"the token is not",
        ),
        ("POST", "/legacy/", "multipart/form-data; boundary=x", "\r\n\r\nthe token is not"),
    ] {
        let answer = answered_early(&scene, "made-up", method, path, kind).await;
        assert!(answer.starts_with("HTTP/1.1 401 "), "{path}: {answer}");
        assert!(answer.contains(words), "{path}: {answer}");
    }
}

#[tokio::test]
async fn another_ecosystems_token_is_refused_before_the_body_is_there() {
    let scene = Scene::start(Settings::new(&GITHUB), "", &["widget", "cargo:widget"], "").await;
    let token = scene.token(&scene.audience());
    let token = http::minted(&http::send(&scene.cx, http::exchange(&scene.url(), "widget", &token)).await);
    for (method, path, kind) in [
        ("POST", "/rubygems/api/v1/gems", "application/octet-stream"),
        ("PUT", "/api/v1/crates/new", "application/octet-stream"),
        ("POST", "/legacy/", "multipart/form-data; boundary=x"),
    ] {
        let answer = answered_early(&scene, &token, method, path, kind).await;
        assert!(
            answer.starts_with("HTTP/1.1 403 ") && answer.contains("is for widget (npm)"),
            "{path}: {answer}"
        );
    }
}

/// A client that sends all of its gem before it reads gets the answer, and no broken connection.
#[tokio::test]
async fn a_large_gem_with_a_made_up_token_gets_its_answer() {
    let scene = scene().await;
    let answer = push(&scene, "made-up", vec![0; 30 << 20]).await;
    assert_eq!(answer.status, 401, "{}", text(&answer));
    assert!(text(&answer).contains("exchange the job's identity"), "{}", text(&answer));
}

/// `gem` shows an answer as it is.
#[tokio::test]
async fn a_push_to_the_wrong_path_is_told_the_gems_own_in_plain_text() {
    let scene = scene().await;
    for path in ["api/v1/gems", "rubygems/gems/api/v1/gems"] {
        let push = Request::new(Method::Post, http::url(&scene.url(), path));
        let answer =
            http::send(&scene.cx, push.body("application/octet-stream", Gem::default().pack())).await;
        let root = format!("{}/rubygems/", scene.url().trim_end_matches('/'));
        assert_eq!(answer.status, 405, "{path}");
        assert_eq!(
            text(&answer),
            format!("nothing is served at this path; RubyGems of this registry is at {root} (registry-path)")
        );
    }
}
