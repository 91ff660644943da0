//! Gems' names and versions: no two for one, whoever pushes them at once, and lists that say what there is.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use ci_issuer::{self as issuer, Changes, GITHUB, Settings};
use data_encoding::HEXLOWER;
use needs::needs;
use oidc_core::http::{Method, Request};
use registry::{Config, Running};
use tests::gems::{Gem, YAML, named, push, push_to, scene, text};
use tests::http;
use tests::postgres::Postgres;
use tests::scene::{self, ADMIN};

/// Otherwise version 1 of `foo` for the platform `2` is stored as version 2 of `foo-1` is.
#[tokio::test]
async fn a_gem_is_not_named_as_another_gems_version() {
    let scene = scene().await;
    for name in ["foo-1", "foo-1.0.rc1", "foo-1-bar"] {
        let answer = push(&scene, ADMIN, named(name, "2")).await;
        assert_eq!(answer.status, 422, "{name}: {}", text(&answer));
    }
    for name in ["1-foo", "foo-v1", "foo_1", "foo-3d"] {
        let answer = push(&scene, ADMIN, named(name, "2")).await;
        assert_eq!(answer.status, 200, "{name}: {}", text(&answer));
    }
}

#[tokio::test]
async fn a_gem_is_not_named_as_another_in_other_case() {
    let scene = scene().await;
    assert_eq!(push(&scene, ADMIN, named("Rails", "1")).await.status, 200);
    let answer = push(&scene, ADMIN, named("rAils", "2")).await;
    assert_eq!(answer.status, 409, "{}", text(&answer));
    assert!(text(&answer).contains("`Rails`"), "{}", text(&answer));
    assert_eq!(push(&scene, ADMIN, named("Rails", "2")).await.status, 200);
    let names = http::send(&scene.cx, http::get(&scene.url(), "rubygems/names")).await;
    assert_eq!(text(&names), "---\nRails\n");
}

#[tokio::test]
async fn what_lists_read_is_made_when_a_gem_is_pushed() {
    let scene = scene().await;
    let wordy = YAML.replacen("summary: 'A: test'", &format!("summary: '{}'", "x".repeat(10_000)), 1);
    assert_ne!(wordy, YAML);
    assert_eq!(push(&scene, ADMIN, Gem::saying(wordy).pack()).await.status, 200);
    assert_eq!(push(&scene, ADMIN, named("widget", "1.9")).await.status, 200);
    let lines = scene.texts("SELECT metadata FROM hosted_file ORDER BY published_at, name").await;
    let info = http::send(&scene.cx, http::get(&scene.url(), "rubygems/info/widget")).await;
    assert_eq!(text(&info), format!("---\n{}", lines.concat()));
    assert!(info.body.len() < 500, "{}", text(&info));
    let digest = HEXLOWER.encode(&<md5::Md5 as md5::Digest>::digest(&info.body));
    let versions = http::send(&scene.cx, http::get(&scene.url(), "rubygems/versions")).await;
    assert!(
        text(&versions).starts_with("---\nwidget 1.") && text(&versions).ends_with(&format!(" {digest}\n"))
    );
    let listed = scene.texts("SELECT listed FROM hosted_package WHERE name = 'widget'").await;
    assert_eq!(text(&versions), format!("---\n{}", listed.concat()));
}

/// Pushes two spellings of one version at once, several times: each time one is refused.
async fn one_spelling_stays(one: &str, two: &str) {
    for round in 0..8 {
        let (short, long) =
            (named("gadget", &format!("{round}.1")), named("gadget", &format!("{round}.1.0.0")));
        let (first, second) = tokio::join!(push_to(one, ADMIN, short), push_to(two, ADMIN, long));
        let mut statuses = [first.status, second.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 409], "{} {}", text(&first), text(&second));
        let refusal = if first.status == 409 { text(&first) } else { text(&second) };
        assert!(refusal.contains("published before, as gadget "), "{refusal}");
    }
}

#[tokio::test]
async fn of_two_spellings_of_a_version_one_is_published() {
    let scene = scene().await;
    one_spelling_stays(&scene.url(), &scene.url()).await;
}

/// Two registries over one database: versions and their digests stay whole.
#[needs(postgres)]
#[tokio::test]
async fn over_postgresql_pushes_at_once_leave_one_spelling_and_a_true_list() {
    let postgres = Postgres::create().await;
    let (cx, folder) = (http::system(), tempfile::tempdir().unwrap());
    let issuer = issuer::Running::start(Settings::new(&GITHUB), &cx).await.unwrap();
    std::fs::write(folder.path().join("admin-token"), ADMIN).unwrap();
    let admin = format!("admin_token_file = \"{}/admin-token\"\n", folder.path().display());
    let config = scene::config(&GITHUB, issuer.url(), folder.path(), "", &["rubygems:widget"], "");
    let config = (admin + &config).replace(&scene::database(folder.path()), &postgres.url());
    let config = Config::parse(&config.replace("http://127.0.0.1:0", "http://127.0.0.1")).unwrap();
    let one = Running::start(config.clone(), &cx).await.unwrap();
    let two = Running::start(config, &cx).await.unwrap();
    one_spelling_stays(one.url(), two.url()).await;
    for round in 0..8 {
        let (a, b) = (named("widget", &format!("{round}.1")), named("widget", &format!("{round}.2")));
        let (a, b) = tokio::join!(push_to(one.url(), ADMIN, a), push_to(two.url(), ADMIN, b));
        assert_eq!((a.status, b.status), (200, 200), "{} {}", text(&a), text(&b));
        let info = http::send(&cx, http::get(one.url(), "rubygems/info/widget")).await;
        let digest = HEXLOWER.encode(&<md5::Md5 as md5::Digest>::digest(&info.body));
        let versions = text(&http::send(&cx, http::get(two.url(), "rubygems/versions")).await);
        assert!(versions.contains(&digest), "{versions} {}", text(&info));
    }
    one.stop().await;
    two.stop().await;
    postgres.drop().await;
}

/// A pending publisher's job pushes to two registries over one database at once.
#[needs(postgres)]
#[tokio::test]
async fn over_postgresql_one_of_two_pushes_creates_the_gem() {
    let postgres = Postgres::create().await;
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
        push_to(one.url(), &key, Gem::default().pack()),
        push_to(two.url(), &key, Gem::default().pack())
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
