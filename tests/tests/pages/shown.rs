//! What the pages show of what happened, on SQLite and on PostgreSQL.

use ci_issuer::{Changes, GITHUB, Settings};
use needs::needs;
use oidc_core::http::Response;
use serde_json::Value;
use sqlx::{AnyConnection, Connection as _, Executor as _};
use tests::http;
use tests::postgres::Postgres;
use tests::scene::{ADMIN, Scene, database};
use tests::visitor::{Visitor, text};

use super::{OF_WIDGET, WIDGET, scene};

async fn publish(scene: &Scene, version: &str, token: &str) -> Response {
    http::send(&scene.cx, http::publish(&scene.url(), WIDGET, version, token)).await
}

async fn exchange(scene: &Scene, changes: &Changes) -> Response {
    let token = scene.issuer.token(&scene.audience(), changes);
    http::send(&scene.cx, http::exchange(&scene.url(), WIDGET, &token)).await
}

/// The page, once it shows what is written behind the request's back.
async fn until(visitor: &Visitor, page: &str, query: &[(&str, &str)], part: &str) -> String {
    for _ in 0..200 {
        let answer = visitor.page(page, query).await;
        assert_eq!(answer.status, 200, "{}", text(&answer));
        if text(&answer).contains(part) {
            return text(&answer);
        }
        scene_pause().await;
    }
    panic!("{page} never shows {part}: {}", text(&visitor.page(page, query).await));
}

#[allow(clippy::disallowed_methods, reason = "events are written behind the request's back")]
async fn scene_pause() {
    tokio::time::sleep(std::time::Duration::from_millis(25)).await;
}

async fn from_a_refusal_to_a_version(scene: Scene) {
    let known = Visitor::known(&scene).await;
    let other =
        Changes::default().set("workflow_ref", "acme/widget/.github/workflows/release.yml@refs/tags/v1.0.0");
    assert_eq!(exchange(&scene, &other).await.status, 403);
    let audit = until(&known, "audit", &OF_WIDGET, "refused: rule-differs").await;
    assert!(audit.contains("<code><bdi>workflow_ref</bdi></code>"), "what it is about: {audit}");
    let (_, link) = audit.split_once("<a href=\"/-/ui/publisher?").expect("the way to the form");
    let link = link.split('"').next().unwrap().replace("&amp;", "&");
    let form = text(&known.get(&format!("publisher?{link}")).await);
    for (key, value) in [("repository", "acme/widget"), ("workflow", "release.yml"), ("repository_id", "2")] {
        let input = format!("name=\"f.{key}\" value=\"{value}\"");
        assert!(form.contains(&input), "{input}: {form}");
    }
    assert!(!form.contains("refs/tags/v1.0.0"), "the next release has another tag: {form}");

    let issuer = scene.issuer.url().to_owned();
    let publisher = [("issuer", &*issuer), ("f.repository", "acme/widget"), ("f.workflow", "release.yml")];
    let form = [OF_WIDGET.as_slice(), &publisher].concat();
    let checked = known.send("publisher", &[form.as_slice(), &[("action", "check")]].concat()).await;
    assert_eq!(checked.status, 200);
    assert!(text(&checked).contains("id-token: write") && text(&checked).contains("npm publish --registry"));
    assert_eq!(scene.count("oidc_publisher").await, 1, "nothing is saved yet");
    let form = [form.as_slice(), &[("action", "save")]].concat();
    assert_eq!(known.send("publisher", &form).await.status, 303);
    let twice = known.send("publisher", &form).await;
    assert_eq!(twice.status, 422);
    assert!(text(&twice).contains("already"), "{}", text(&twice));
    let minted = http::minted(&exchange(&scene, &other).await);
    assert_eq!(publish(&scene, "1.0.0", &minted).await.status, 201);
    assert_eq!(publish(&scene, "1.0.1", ADMIN).await.status, 201);

    let page = text(&Visitor::of(&scene).page("package", &OF_WIDGET).await);
    for part in [
        "trusted publisher on <bdi>GitHub Actions</bdi>",
        "static token of the administrator",
        "acme/widget",
        "/actions/runs/",
        "/commit/",
        ".github/workflows/release.yml",
        "sha512-",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(page.find("1.0.1").unwrap() < page.find(">1.0.0<").unwrap(), "the latest first");
    let settings = until(&known, "settings", &OF_WIDGET, "/actions/runs/").await;
    for part in
        ["Learned repository_id", "active", "configuration file", "these pages", "workflow release.yml"]
    {
        assert!(settings.contains(part), "{part}: {settings}");
    }
    filters(&scene, &known).await;
    trusted_only(&scene, &known).await;
    scene.registry.stop().await;
}

async fn filters(scene: &Scene, known: &Visitor) {
    let events = async |more: &[(&str, &str)]| -> Vec<Value> {
        let answer = known.page("audit.json", &[OF_WIDGET.as_slice(), more].concat()).await;
        let body: Value = answer.json().unwrap();
        body["events"].as_array().unwrap().clone()
    };
    let outcomes = |events: &[Value]| -> Vec<String> {
        events.iter().map(|event| event["outcome"].as_str().unwrap().to_owned()).collect()
    };
    let all = events(&[]).await;
    assert!(all.len() >= 3, "{all:?}");
    let granted = events(&[("outcome", "granted")]).await;
    assert!(outcomes(&granted).iter().all(|outcome| outcome == "granted") && granted.len() == all.len() - 1);
    let refused = events(&[("outcome", "refused")]).await;
    assert_eq!(outcomes(&refused), ["rule-differs"]);
    assert_eq!(refused[0]["settings"]["workflow"], "release.yml");
    assert!(events(&[("until", "2001-01-01")]).await.is_empty());
    assert!(events(&[("from", "2999-01-01")]).await.is_empty());
    assert_eq!(events(&[("from", "2001-01-01"), ("until", "2999-01-01")]).await.len(), all.len());
    let wrong = text(&known.page("audit", &[OF_WIDGET.as_slice(), &[("from", "soon")]].concat()).await);
    assert!(wrong.contains("This is not a date"), "{wrong}");
    for number in 0..120 {
        let statement = format!(
            "INSERT INTO registry_event (id, at, ecosystem, package, event, granted) VALUES ('{number:04x}', 7, 'npm', \
             'flood', '{{\"outcome\":\"rule-differs\",\"action\":\"exchange\"}}', 0)"
        );
        sqlx::query(sqlx::AssertSqlSafe(statement)).execute(scene.database().pool()).await.unwrap();
    }
    let (mut seen, mut page) =
        (Vec::new(), Some("audit.json?ecosystem=npm&name=flood&outcome=refused".to_owned()));
    while let Some(next) = page.take() {
        let body: Value = known.get(&next).await.json().unwrap();
        seen.extend(
            body["events"].as_array().unwrap().iter().map(|event| event["id"].as_str().unwrap().to_owned()),
        );
        page = body["next"].as_str().map(|next| next.trim_start_matches("/-/ui/").to_owned());
    }
    let expected: Vec<String> = (0..120).rev().map(|number| format!("{number:04x}")).collect();
    assert_eq!(seen, expected, "each once, the latest first");
}

async fn trusted_only(scene: &Scene, known: &Visitor) {
    let form = [OF_WIDGET.as_slice(), &[("trusted-only", "1")]].concat();
    assert_eq!(known.send("settings", &form).await.status, 303);
    assert_eq!(publish(scene, "2.0.0", ADMIN).await.status, 403, "no static token publishes now");
    assert_eq!(known.send("settings", &OF_WIDGET).await.status, 303);
    assert_eq!(publish(scene, "2.0.0", ADMIN).await.status, 201);
}

#[tokio::test]
async fn a_refused_job_becomes_a_publisher_and_its_version_says_where_it_came_from() {
    from_a_refusal_to_a_version(scene().await).await;
}

#[needs(postgres)]
#[tokio::test]
async fn a_refused_job_becomes_a_publisher_on_postgresql_too() {
    let postgres = Postgres::create().await;
    let url = postgres.url();
    let configure = |config: String, folder: &std::path::Path| config.replace(&database(folder), &url);
    let scene = Scene::within(http::system(), Settings::new(&GITHUB), "", &[WIDGET], "", configure).await;
    from_a_refusal_to_a_version(scene).await;
    postgres.drop().await;
}

/// Plans as for any package, which PostgreSQL may choose for prepared statements.
async fn force_generic_plans(url: &str) {
    let mut connection = AnyConnection::connect(url).await.unwrap();
    let statement = "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET plan_cache_mode = force_generic_plan', \
                     current_database()); END $$";
    connection.execute(statement).await.unwrap();
    connection.close().await.unwrap();
}

#[needs(postgres)]
#[tokio::test]
async fn a_package_with_few_events_is_read_without_those_of_others_on_postgresql() {
    let postgres = Postgres::create().await;
    let url = postgres.url();
    force_generic_plans(&url).await;
    let configure = |config: String, folder: &std::path::Path| config.replace(&database(folder), &url);
    let scene = Scene::within(http::system(), Settings::new(&GITHUB), "", &[WIDGET], "", configure).await;
    for rows in [
        "SELECT 'a' || i, i, 'npm', 'much', '{}', 1, 'x' FROM generate_series(1, 20000) i",
        "SELECT 'b' || i, i, 'npm', 'little', '{}', 1, 'y' FROM generate_series(1, 5) i",
    ] {
        let statement = format!(
            "INSERT INTO registry_event (id, at, ecosystem, package, event, granted, publisher) {rows}"
        );
        sqlx::query(sqlx::AssertSqlSafe(statement)).execute(scene.database().pool()).await.unwrap();
    }
    scene.execute("ANALYZE registry_event").await;
    let known = Visitor::known(&scene).await;
    let little = [("ecosystem", "npm"), ("name", "little")];
    for more in [&[][..], &[("outcome", "refused")], &[("until", "1970-01-01")], &[("from", "2999-01-01")]] {
        for _ in 0..5 {
            assert_eq!(known.page("audit", &[little.as_slice(), more].concat()).await.status, 200);
        }
    }
    // What a session has counted is told a while later.
    let mut read = Vec::new();
    for _ in 0..1000 {
        read = scene
            .texts(
                "SELECT CAST(SUM(idx_tup_read) AS TEXT) FROM pg_stat_user_indexes WHERE relname = 'registry_event' \
                 HAVING SUM(idx_scan) >= 20",
            )
            .await;
        if !read.is_empty() {
            break;
        }
        scene_pause().await;
    }
    let read: u64 = read.first().expect("index scans").parse().unwrap();
    assert!(read < 1000, "{read} entries of indexes were read for 5 rows");
    scene.registry.stop().await;
    postgres.drop().await;
}

#[tokio::test]
async fn what_the_file_defines_is_changed_in_the_file() {
    let scene = scene().await;
    let known = Visitor::known(&scene).await;
    let id = scene.texts("SELECT id FROM oidc_publisher").await.remove(0);
    let settings = text(&known.page("settings", &OF_WIDGET).await);
    assert!(!settings.contains(&format!("id={id}")), "{settings}");
    let of = [OF_WIDGET.as_slice(), &[("id", &*id)]].concat();
    assert_eq!(known.page("publisher", &of).await.status, 409);
    assert_eq!(known.page("remove", &of).await.status, 409);
    assert_eq!(known.send("remove", &of).await.status, 409);
    let issuer = scene.issuer.url().to_owned();
    let form =
        [("issuer", &*issuer), ("f.repository", "acme/other"), ("f.workflow", "a.yml"), ("action", "save")];
    assert_eq!(known.send("publisher", &[of.as_slice(), &form].concat()).await.status, 409);
    assert_eq!(scene.texts("SELECT id FROM oidc_publisher").await, [id]);
}

#[tokio::test]
async fn a_publisher_of_a_package_that_does_not_exist_is_pending_and_is_edited_and_removed() {
    let scene = scene().await;
    let known = Visitor::known(&scene).await;
    let issuer = scene.issuer.url().to_owned();
    let novel = [("ecosystem", "npm"), ("name", "novel"), ("issuer", &*issuer)];
    let form = |workflow| {
        [novel.as_slice(), &[("f.repository", "acme/widget"), ("f.workflow", workflow), ("action", "save")]]
            .concat()
    };
    assert_eq!(known.send("publisher", &form("publish.yml")).await.status, 303);
    let page = text(&known.page("settings", &novel).await);
    assert!(page.contains("pending until") && page.contains("not in this registry yet"), "{page}");
    let ids = "SELECT id FROM oidc_publisher WHERE package = 'novel'";
    let id = scene.texts(ids).await.remove(0);
    let edit = text(&known.page("publisher", &[novel.as_slice(), &[("id", &*id)]].concat()).await);
    assert!(edit.contains("name=\"f.workflow\" value=\"publish.yml\""), "{edit}");
    assert_eq!(
        known.send("publisher", &[form("release.yml").as_slice(), &[("id", &*id)]].concat()).await.status,
        303
    );
    let edited = scene.texts(ids).await.remove(0);
    assert_ne!(edited, id, "its tokens ended");
    let page = text(&known.page("settings", &novel).await);
    assert!(page.contains("release.yml") && !page.contains("publish.yml"), "{page}");
    assert_eq!(known.send("remove", &[novel.as_slice(), &[("id", &*edited)]].concat()).await.status, 303);
    assert!(scene.texts(ids).await.is_empty());
}

#[tokio::test]
async fn everything_that_is_wrong_with_a_publisher_stands_beside_its_field_and_an_address_is_offered() {
    let scene = scene().await;
    let known = Visitor::known(&scene).await;
    let issuer = scene.issuer.url().to_owned();
    let typed = [
        ("issuer", &*issuer),
        ("f.repository", "https://github.com/acme/widget/tree/main"),
        ("f.workflow", ".github/workflows/publish.yml"),
        ("f.ref", "v*"),
        ("action", "save"),
    ];
    let answer = known.send("publisher", &[OF_WIDGET.as_slice(), &typed].concat()).await;
    assert_eq!(answer.status, 422);
    let page = text(&answer);
    for key in ["repository", "workflow", "ref"] {
        assert!(page.contains(&format!("id=\"error-{key}\"")), "{key}: {page}");
        assert!(page.contains(&format!("aria-describedby=\"error-{key} hint-{key}\"")), "{key}: {page}");
        assert!(page.contains(&format!("href=\"#field-{key}\"")), "{key}: {page}");
    }
    assert!(page.contains("name=\"offer\" value=\"repository=acme/widget\""), "{page}");
    assert_eq!(scene.count("oidc_publisher").await, 1);
    let taken = known
        .send("publisher", &[OF_WIDGET.as_slice(), &typed, &[("offer", "repository=acme/widget")]].concat())
        .await;
    assert!(text(&taken).contains("name=\"f.repository\" value=\"acme/widget\""));
    assert_eq!(scene.count("oidc_publisher").await, 1, "an offer saves nothing");
}

#[tokio::test]
async fn a_publisher_for_a_prefix_is_shown_with_each_package_that_it_reaches() {
    let prefix = "[[scope]]\necosystem = \"npm\"\nprefix = \"@acme/\"\n[[scope.publisher]]\nprovider = \"github\"\n\
                  repository = \"acme/monorepo\"\nworkflow = \"publish.yml\"\n";
    let configure = |config: String, _: &std::path::Path| config + prefix;
    let scene = Scene::within(http::system(), Settings::new(&GITHUB), "", &[WIDGET], "", configure).await;
    let known = Visitor::known(&scene).await;
    let page = text(&known.page("settings", &OF_WIDGET).await);
    assert!(page.contains("acme/monorepo") && page.contains("<bdi>@acme/*</bdi>"), "{page}");
    let other = [("ecosystem", "npm"), ("name", "widget")];
    assert!(!text(&known.page("settings", &other).await).contains("acme/monorepo"));
}

#[tokio::test]
async fn the_pages_are_below_the_registrys_path() {
    let scene = Scene::start(Settings::new(&GITHUB), "/registry", &[WIDGET], "").await;
    let known = Visitor::known(&scene).await;
    let page = text(&known.page("settings", &OF_WIDGET).await);
    assert!(page.contains("href=\"/registry/-/ui/") && !page.contains("href=\"/-/"), "{page}");
    assert_eq!(known.get("style.css").await.status, 200);
}
