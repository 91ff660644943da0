use async_trait::async_trait;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use data_encoding::HEXLOWER;
use http_body_util::BodyExt as _;
use oidc_core::Identity;
use oidc_core::testing::ManualClock;
use oidc_exchange::server::{Package, PublisherRecord, Room, TokenHash, TrustStore};
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::ServiceExt as _;

use super::*;

const NAME: &str = "@acme/widget";

/// Knows one administrator, one publisher of `@acme/widget`, and one of a package that is still to come.
struct Fake;

#[async_trait]
impl Authorize for Fake {
    async fn authorize(
        &self,
        bearer: Option<&str>,
        package: &str,
        action: Action,
    ) -> Result<Principal, Denied> {
        let denied = |message: String| Err(Denied { status: StatusCode::UNAUTHORIZED, message });
        match bearer {
            Some("admin") => Ok(Principal::Admin),
            Some("widget") if package == NAME => Ok(with_token(job(false), "widget")),
            Some("pending") if package == "@acme/pending" => Ok(with_token(job(true), "pending")),
            Some("widget" | "pending") | None if action == Action::Read => Ok(Principal::Anonymous),
            Some(other) => denied(format!("no such token {other}")),
            None => denied("no token".to_owned()),
        }
    }

    async fn recognise(&self, token: &str) -> Result<String, Denied> {
        Ok(token.to_owned())
    }
}

fn job(may_create: bool) -> Principal {
    let run = json!({ "run_id": "7" });
    let (provider, issuer) = ("github".into(), "https://issuer.example".into());
    let publisher = if may_create { "p2".into() } else { "p1".into() };
    Principal::TrustedPublisher {
        provider,
        issuer,
        publisher,
        run,
        may_create,
        creator: None,
        token: None,
        of: None,
    }
}

fn with_token(mut job: Principal, text: &str) -> Principal {
    if let Principal::TrustedPublisher { token, .. } = &mut job {
        *token = Some(TokenHash::of(text));
    }
    job
}

/// The publishers that [`Fake`] speaks for, with their tokens.
async fn trust(database: &SqlStore) {
    for (id, package, pending, token) in
        [("p1", NAME, false, "widget"), ("p2", "@acme/pending", true, "pending")]
    {
        let (package, identity) = (Package::new("npm", package), Identity::new("https://issuer.example", id));
        let mut record =
            PublisherRecord::new(id, package.clone(), "github", identity, json!({}), Timestamp::from_secs(1));
        record.pending = pending;
        let mut transaction = database.begin().await.unwrap();
        transaction.add(&record, &Room::default()).await.unwrap();
        let hash = HEXLOWER.encode(TokenHash::of(token).as_bytes());
        let insert = "INSERT INTO oidc_token (hash, created_at, expires_at, provider, issuer, run, ecosystem, package, publisher) \
             VALUES ($1, 0, $2, 'github', 'https://issuer.example', '{}', 'npm', $3, $4)";
        sqlx::query(insert)
            .bind(&hash)
            .bind(i64::MAX)
            .bind(&package.name)
            .bind(id)
            .execute(transaction.connection())
            .await
            .unwrap();
        transaction.commit().await.unwrap();
    }
}

struct TestRegistry {
    npm: Npm,
    folder: TempDir,
}

impl TestRegistry {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let npm = open(&folder).await;
        trust(&store(&folder).await).await;
        npm.register(NAME, true).await.unwrap();
        Self { npm, folder }
    }

    async fn send(
        &self,
        method: &str,
        path: &str,
        bearer: &str,
        body: impl Into<Body>,
    ) -> (StatusCode, Vec<u8>) {
        let mut request = Request::builder().method(method).uri(path).header("host", "evil.example");
        if !bearer.is_empty() {
            request = request.header("authorization", format!("Bearer {bearer}"));
        }
        let response = router(self.npm.clone()).oneshot(request.body(body.into()).unwrap()).await.unwrap();
        (response.status(), to_bytes(response.into_body(), usize::MAX).await.unwrap().to_vec())
    }

    async fn json(&self, method: &str, path: &str, bearer: &str, body: &Value) -> (StatusCode, Value) {
        let (status, body) = self.send(method, path, bearer, body.to_string()).await;
        (status, serde_json::from_slice(&body).unwrap())
    }

    async fn get(&self, path: &str, bearer: &str) -> (StatusCode, Value) {
        self.json("GET", path, bearer, &Value::Null).await
    }

    async fn status(&self, method: &str, path: &str, bearer: &str) -> StatusCode {
        self.send(method, path, bearer, "").await.0
    }

    async fn publish(&self, name: &str, version: &str, bearer: &str) -> StatusCode {
        let path = format!("/{}", name.replace('/', "%2f"));
        self.json("PUT", &path, bearer, &document(name, version, "latest")).await.0
    }
}

async fn store(folder: &TempDir) -> SqlStore {
    let url = format!("sqlite:{}/registry.db", folder.path().display());
    crate::database::open(&url).await.unwrap()
}

async fn open(folder: &TempDir) -> Npm {
    let database = store(folder).await;
    let context = Context::default().with_clock(ManualClock::at(1_700_000_000));
    Npm::new(database, "https://registry.example/npm/", Arc::new(Fake), context)
}

fn document(name: &str, version: &str, tag: &str) -> Value {
    let manifest = manifest(name, version);
    json!({
        "name": name,
        "dist-tags": { tag: version },
        "versions": { version: manifest },
        "_attachments": { format!("{name}-{version}.tgz"): { "data": STANDARD.encode(tarball(&manifest)) } },
    })
}

fn manifest(name: &str, version: &str) -> Value {
    json!({
        "name": name, "version": version, "description": "A widget", "readme": "# Widget",
        "scripts": { "postinstall": "true", "test": "true" }, "dependencies": { "a": "1" },
    })
}

fn tarball(manifest: &Value) -> Vec<u8> {
    contents::tests::tarball(&[("package/package.json", &manifest.to_string())])
}

#[tokio::test]
async fn what_is_published_is_served_whole() {
    let host = TestRegistry::start().await;
    assert_eq!(host.publish(NAME, "1.0.0", "widget").await, StatusCode::CREATED);

    let (status, packument) = host.get("/@acme%2fwidget", "").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(packument["dist-tags"], json!({ "latest": "1.0.0" }));
    assert_eq!(packument["description"], "A widget");
    assert_eq!(packument["time"]["1.0.0"], "2023-11-14T22:13:20.000Z");
    let version = &packument["versions"]["1.0.0"];
    assert_eq!(version["dist"]["tarball"], "https://registry.example/npm/@acme/widget/-/widget-1.0.0.tgz");
    assert_eq!(version["_npmUser"]["trustedPublisher"], json!({ "id": "github", "oidcConfigId": "oidc:p1" }));

    let (status, served) = host.send("GET", "/@acme/widget/-/widget-1.0.0.tgz", "", "").await;
    assert_eq!((status, served), (StatusCode::OK, tarball(&manifest(NAME, "1.0.0"))));
    assert_eq!(host.npm.published_by(NAME, "1.0.0").await.unwrap(), Some(job(false)));
}

#[tokio::test]
async fn an_installer_gets_the_abbreviated_packument() {
    let host = TestRegistry::start().await;
    host.publish(NAME, "1.0.0", "widget").await;
    let accept = "application/vnd.npm.install-v1+json; q=1.0, application/json; q=0.8, */*";
    let request = Request::get("/@acme/widget").header("accept", accept).body(Body::empty()).unwrap();
    let response = router(host.npm.clone()).oneshot(request).await.unwrap();
    assert_eq!(response.headers()["content-type"], packument::ABBREVIATED);
    let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    let packument: Value = serde_json::from_slice(&body).unwrap();
    let version = &packument["versions"]["1.0.0"];
    assert_eq!(version["hasInstallScript"], true);
    assert_eq!(version["dependencies"], json!({ "a": "1" }));
    assert!(version["dist"]["integrity"].as_str().unwrap().starts_with("sha512-"));
    assert!(version.get("scripts").is_none() && version.get("readme").is_none());
}

#[tokio::test]
async fn a_version_is_published_once() {
    let host = TestRegistry::start().await;
    assert_eq!(host.publish(NAME, "1.0.0", "widget").await, StatusCode::CREATED);
    let (status, body) =
        host.json("PUT", "/@acme%2fwidget", "widget", &document(NAME, "1.0.0", "other")).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    for place in [&body["error"], &body["message"], &body["body"]["message"]] {
        assert_eq!(place, "cannot publish over 1.0.0 of @acme/widget: it was published before");
    }
    let (_, tags) = host.get("/-/package/@acme%2fwidget/dist-tags", "").await;
    assert_eq!(tags, json!({ "latest": "1.0.0" }));
}

#[tokio::test]
async fn only_who_may_create_a_package_publishes_its_first_version() {
    let host = TestRegistry::start().await;
    assert_eq!(host.publish("@acme/pending", "1.0.0", "pending").await, StatusCode::CREATED);
    assert_eq!(host.publish("gadget", "1.0.0", "admin").await, StatusCode::CREATED);

    let elsewhere = Npm { authorize: Arc::new(EveryJob), ..host.npm.clone() };
    let host = TestRegistry { npm: elsewhere, folder: host.folder };
    let (status, body) = host.json("PUT", "/novel", "any", &document("novel", "1.0.0", "latest")).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert_eq!(body["message"], "novel is not in this registry, and this token may not create it");
    assert_eq!(host.get("/-/package/novel/visibility", "").await.0, StatusCode::NOT_FOUND);
}

struct EveryJob;

#[async_trait]
impl Authorize for EveryJob {
    async fn authorize(&self, _: Option<&str>, _: &str, _: Action) -> Result<Principal, Denied> {
        Ok(job(false))
    }

    async fn recognise(&self, token: &str) -> Result<String, Denied> {
        Ok(token.to_owned())
    }
}

#[tokio::test]
async fn a_private_package_is_hidden_from_strangers() {
    let host = TestRegistry::start().await;
    let mut document = document("gadget", "1.0.0", "latest");
    document["access"] = json!("restricted");
    assert_eq!(host.json("PUT", "/gadget", "admin", &document).await.0, StatusCode::CREATED);
    for path in [
        "/gadget",
        "/gadget/-/gadget-1.0.0.tgz",
        "/-/package/gadget/visibility",
        "/-/package/gadget/dist-tags",
    ] {
        for bearer in ["", "widget"] {
            assert_eq!(host.send("GET", path, bearer, "").await.0, StatusCode::NOT_FOUND, "{path}");
        }
        assert_eq!(host.send("GET", path, "admin", "").await.0, StatusCode::OK, "{path}");
    }
    let hidden = host.get("/gadget", "").await.1.to_string();
    assert_eq!(hidden.replace("gadget", "nothing"), host.get("/nothing", "").await.1.to_string());
}

#[tokio::test]
async fn a_registered_package_without_versions_is_new_to_clients() {
    let host = TestRegistry::start().await;
    assert_eq!(host.get("/@acme%2fwidget", "").await.0, StatusCode::NOT_FOUND);
    let visibility = host.get("/-/package/@acme%2fwidget/visibility", "").await;
    assert_eq!(visibility, (StatusCode::OK, json!({ "public": true })));
}

#[tokio::test]
async fn tags_are_set_moved_and_removed() {
    let host = TestRegistry::start().await;
    let first = document(NAME, "1.0.0-rc.1", "next");
    assert_eq!(host.json("PUT", "/@acme/widget", "widget", &first).await.0, StatusCode::CREATED);
    host.publish(NAME, "1.0.0", "widget").await;
    let tags = "/-/package/@acme%2fwidget/dist-tags";
    let put = async |tag: &str, bearer: &str, version: Value| {
        host.json("PUT", &format!("{tags}/{tag}"), bearer, &version).await.0
    };
    assert_eq!(put("stable", "widget", json!("1.0.0")).await, StatusCode::CREATED);
    assert_eq!(put("next", "widget", json!("1.0.0")).await, StatusCode::CREATED);
    assert_eq!(put("next", "", json!("1.0.0")).await, StatusCode::UNAUTHORIZED);
    assert_eq!(put("next", "widget", json!("9.9.9")).await, StatusCode::NOT_FOUND);
    assert_eq!(put("next", "widget", json!({ "a": 1 })).await, StatusCode::BAD_REQUEST);
    assert_eq!(put("1.0.0", "widget", json!("1.0.0")).await, StatusCode::BAD_REQUEST);
    assert_eq!(put("next", "widget", json!("1".repeat(2_000))).await, StatusCode::PAYLOAD_TOO_LARGE);
    let delete = async |tag: &str| host.status("DELETE", &format!("{tags}/{tag}"), "widget").await;
    assert_eq!(delete("stable").await, StatusCode::OK);
    assert_eq!(delete("stable").await, StatusCode::NOT_FOUND);
    assert_eq!(delete("latest").await, StatusCode::FORBIDDEN);
    let expected = json!({ "latest": "1.0.0", "next": "1.0.0" });
    assert_eq!(host.get(tags, "").await, (StatusCode::OK, expected));
}

#[tokio::test]
async fn a_publisher_that_is_removed_while_it_is_answered_changes_no_tag() {
    let host = TestRegistry::start().await;
    host.publish(NAME, "1.0.0", "widget").await;
    host.publish(NAME, "1.0.1", "widget").await;
    let tags = "/-/package/@acme%2fwidget/dist-tags";
    let beta = format!("{tags}/beta");
    assert_eq!(host.json("PUT", &beta, "widget", &json!("1.0.0")).await.0, StatusCode::CREATED);

    let removed = TrustStore::remove(&store(&host.folder).await, &Package::new("npm", NAME), "p1").await;
    assert!(removed.unwrap());
    let latest = format!("{tags}/latest");
    for (method, path, version) in [("PUT", &latest, json!("1.0.0")), ("DELETE", &beta, Value::Null)] {
        let (status, body) = host.json(method, path, "widget", &version).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{method}");
        assert!(body["message"].as_str().unwrap().contains("was removed"), "{body}");
    }
    assert_eq!(host.get(tags, "").await.1, json!({ "latest": "1.0.1", "beta": "1.0.0" }));
    assert_eq!(host.json("DELETE", &beta, "admin", &Value::Null).await.0, StatusCode::OK);
}

#[tokio::test]
async fn the_first_version_is_the_latest_whatever_its_tag() {
    let host = TestRegistry::start().await;
    host.json("PUT", "/@acme/widget", "widget", &document(NAME, "1.0.0-rc.1", "next")).await;
    host.json("PUT", "/@acme/widget", "widget", &document(NAME, "1.0.0-rc.2", "next")).await;
    let (_, tags) = host.get("/-/package/@acme/widget/dist-tags", "").await;
    assert_eq!(tags, json!({ "latest": "1.0.0-rc.1", "next": "1.0.0-rc.2" }));
}

#[tokio::test]
async fn refusals_say_why_and_escape_what_came_from_outside() {
    let host = TestRegistry::start().await;
    let stranger = host.get("/@acme/widget", "nobody").await;
    assert_eq!(stranger.0, StatusCode::UNAUTHORIZED);
    let mut odd = document(NAME, "1.0.0", "latest");
    odd["name"] = json!("\u{1b}[31m\u{202e}");
    let (status, body) = host.json("PUT", "/@acme/widget", "widget", &odd).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(
        !body["message"].as_str().unwrap().contains(|c: char| c.is_control() || c == '\u{202e}'),
        "{body}"
    );

    let mut deprecation = document(NAME, "1.0.0", "latest");
    deprecation.as_object_mut().unwrap().remove("_attachments");
    let (status, body) = host.json("PUT", "/@acme/widget", "widget", &deprecation).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert!(body["error"].as_str().unwrap().contains("deprecating"), "{body}");
}

#[tokio::test]
async fn unsupported_requests_are_answered_and_change_nothing() {
    let host = TestRegistry::start().await;
    let (unauthorized, not_allowed) = (StatusCode::UNAUTHORIZED, StatusCode::METHOD_NOT_ALLOWED);
    for (method, path, with_token, without) in [
        ("GET", "/-/ping", StatusCode::OK, StatusCode::OK),
        ("PUT", "/-/ping", not_allowed, unauthorized),
        ("POST", "/@acme%2fwidget", not_allowed, unauthorized),
        ("DELETE", "/@acme%2fwidget", not_allowed, unauthorized),
        ("PUT", "/@acme%2fwidget/-rev/1-x", not_allowed, unauthorized),
        ("DELETE", "/@acme%2fwidget/-rev/undefined", not_allowed, unauthorized),
        ("DELETE", "/@acme/widget/-/widget-1.0.0.tgz/-rev/undefined", not_allowed, unauthorized),
        ("DELETE", "/widget/-/widget-1.0.0.tgz", not_allowed, unauthorized),
        ("PUT", "/-/package/widget/dist-tags", not_allowed, unauthorized),
        ("POST", "/-/package/widget/access", not_allowed, unauthorized),
        ("PUT", "/-/team/acme/developers/package", not_allowed, unauthorized),
        ("POST", "/-/npm/v1/hooks/hook", not_allowed, unauthorized),
        ("POST", "/-/npm/v1/tokens", not_allowed, unauthorized),
        ("DELETE", "/-/user/token/x", not_allowed, unauthorized),
        ("POST", "/-/stage/package/@acme%2fwidget", not_allowed, unauthorized),
        ("PUT", "/-/user/org.couchdb.user:x", not_allowed, not_allowed),
        ("POST", "/-/v1/login", not_allowed, not_allowed),
        ("GET", "/-/whoami", not_allowed, not_allowed),
        ("GET", "/-/v1/search", not_allowed, not_allowed),
        ("GET", "/gadget?write=true", not_allowed, not_allowed),
        ("DELETE", "/-/something/new", not_allowed, not_allowed),
        ("GET", "/gadget", StatusCode::NOT_FOUND, StatusCode::NOT_FOUND),
        ("GET", "/-/npm/v1/keys", StatusCode::NOT_FOUND, StatusCode::NOT_FOUND),
        ("POST", "/-/npm/v1/security/advisories/bulk", StatusCode::NOT_FOUND, StatusCode::NOT_FOUND),
        ("GET", "/..%2f..%2fetc", StatusCode::BAD_REQUEST, StatusCode::BAD_REQUEST),
    ] {
        for (bearer, status) in [("admin", with_token), ("", without)] {
            let (found, body) = host.send(method, path, bearer, Vec::new()).await;
            assert_eq!(found, status, "{method} {path} {bearer}");
            let body = String::from_utf8(body).unwrap();
            assert!(!body.contains("registry.example"), "{method} {path}: {body}");
        }
    }
    let basic = Request::get("/-/ping").header("authorization", "Basic eDp5").body(Body::empty()).unwrap();
    let response = router(host.npm.clone()).oneshot(basic).await.unwrap();
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused() {
    let host = TestRegistry::start().await;
    let body = vec![b' '; (64 << 20) + 1];
    let (status, _) = host.send("PUT", "/@acme%2fwidget", "widget", body).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn a_hundred_publishes_at_once_all_succeed_and_survive_a_restart() {
    let host = Arc::new(TestRegistry::start().await);
    let publishes = (0..100).map(|patch| {
        let host = Arc::clone(&host);
        tokio::spawn(async move { host.publish(NAME, &format!("1.0.{patch}"), "widget").await })
    });
    for publish in publishes.collect::<Vec<_>>() {
        assert_eq!(publish.await.unwrap(), StatusCode::CREATED);
    }
    let reopened = open(&host.folder).await;
    let again = TestRegistry { npm: reopened, folder: tempfile::tempdir().unwrap() };
    let (_, packument) = again.get("/@acme/widget", "").await;
    assert_eq!(packument["versions"].as_object().unwrap().len(), 100);
}

#[tokio::test]
async fn one_of_a_hundred_publishes_of_one_version_succeeds() {
    let host = Arc::new(TestRegistry::start().await);
    let publishes = (0..100).map(|_| {
        let host = Arc::clone(&host);
        tokio::spawn(async move { host.publish(NAME, "1.0.0", "widget").await })
    });
    let mut created = 0;
    for publish in publishes.collect::<Vec<_>>() {
        match publish.await.unwrap() {
            StatusCode::CREATED => created += 1,
            other => assert_eq!(other, StatusCode::FORBIDDEN),
        }
    }
    assert_eq!(created, 1);
}

#[tokio::test]
async fn two_processes_share_one_database() {
    let host = Arc::new(TestRegistry::start().await);
    let other =
        Arc::new(TestRegistry { npm: open(&host.folder).await, folder: tempfile::tempdir().unwrap() });
    let publishes = (0..60).map(|patch| {
        let host = Arc::clone(if patch % 2 == 0 { &host } else { &other });
        tokio::spawn(async move { host.publish(NAME, &format!("1.0.{patch}"), "widget").await })
    });
    for publish in publishes.collect::<Vec<_>>() {
        assert_eq!(publish.await.unwrap(), StatusCode::CREATED);
    }
}

#[tokio::test]
async fn many_versions_are_served_in_both_forms_and_no_more_than_fit() {
    let host = TestRegistry::start().await;
    // About a whole number of the parts that a large manifest is sent in, in characters of more bytes than one.
    let text = |patch: usize| "\u{e9}\u{20ac}".repeat(98150) + &"x".repeat(patch);
    let large = async |patch: usize| {
        let version = format!("1.0.{patch}");
        let mut document = document(NAME, &version, "latest");
        document["versions"][&version]["exports"] = json!(text(patch));
        host.json("PUT", "/@acme/widget", "widget", &document).await
    };
    let mut published = 0;
    let refusal = loop {
        match large(published).await {
            (StatusCode::CREATED, _) => published += 1,
            refused => break refused,
        }
    };
    assert_eq!((published, refusal.0), (68, StatusCode::FORBIDDEN));
    assert!(refusal.1["message"].as_str().unwrap().contains("32 MB of manifests"), "{}", refusal.1);
    let (_, packument) = host.get("/@acme/widget", "").await;
    assert_eq!(packument["versions"].as_object().unwrap().len(), published);
    for patch in 0..published {
        assert_eq!(packument["versions"][format!("1.0.{patch}")]["exports"], text(patch), "{patch}");
    }
    assert_eq!(packument["versions"]["1.0.9"]["_id"], "@acme/widget@1.0.9");
    assert_eq!(packument["time"].as_object().unwrap().len(), published + 2);
    assert_eq!(
        (&packument["readme"], &packument["dist-tags"]["latest"]),
        (&json!("# Widget"), &json!("1.0.67"))
    );
}

#[tokio::test]
async fn however_many_versions_there_are_they_are_sent_in_small_pieces() {
    let host = TestRegistry::start().await;
    let statement = "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 9999)
         INSERT INTO npm_version SELECT $1, '1.0.' || i || '-' || $2, i, '\"x\":1', '\"x\":1', '', 5, 'x', 'x', 1, '{}' FROM n";
    let insert = sqlx::query(statement).bind(NAME).bind("a".repeat(240));
    insert.execute(store(&host.folder).await.pool()).await.unwrap();
    for (accept, dates) in [("application/json", 10_002), (packument::ABBREVIATED, 0)] {
        let request = Request::get("/@acme/widget").header("accept", accept).body(Body::empty()).unwrap();
        let mut body = router(host.npm.clone()).oneshot(request).await.unwrap().into_body();
        let mut packument = Vec::new();
        while let Some(piece) = body.frame().await {
            let piece = piece.unwrap().into_data().unwrap();
            assert!(piece.len() <= 256 << 10, "{accept}: {}", piece.len());
            packument.extend_from_slice(&piece);
        }
        let packument: Value = serde_json::from_slice(&packument).unwrap();
        assert_eq!(packument["versions"].as_object().unwrap().len(), 10_000);
        assert_eq!(packument["time"].as_object().map_or(0, serde_json::Map::len), dates);
    }
}

#[tokio::test]
async fn tags_are_bounded() {
    let host = TestRegistry::start().await;
    host.publish(NAME, "1.0.0", "widget").await;
    let put = async |number: usize| {
        let path = format!("/-/package/@acme%2fwidget/dist-tags/t{number}");
        host.json("PUT", &path, "widget", &json!("1.0.0")).await.0
    };
    for number in 0..499 {
        assert_eq!(put(number).await, StatusCode::CREATED, "{number}");
    }
    assert_eq!((put(499).await, put(7).await), (StatusCode::FORBIDDEN, StatusCode::CREATED));
    assert_eq!(host.get("/-/package/@acme%2fwidget/dist-tags", "").await.1.as_object().unwrap().len(), 500);
}
