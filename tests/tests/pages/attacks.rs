//! Attacks on the pages: forged forms, planted sessions, guesses, links elsewhere, and names that are paths.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use ci_issuer::{Changes, GITHUB, Settings};
use oidc_core::http::{Method, Request};
use oidc_core::{Clock, Context, HttpUrl, Timestamp};
use tests::http;
use tests::scene::{ADMIN, Scene};
use tests::visitor::{Visitor, text};

use super::prefixes::OF_SCOPE;
use super::{OF_WIDGET, WIDGET, scene};

/// A form that changes something, with the page that takes it.
fn writes(issuer: &str) -> Vec<(&'static str, Vec<(&str, &str)>)> {
    let publisher = [("issuer", issuer), ("f.repository", "evil/widget"), ("f.workflow", "publish.yml")];
    vec![
        ("settings", [OF_WIDGET.as_slice(), &[("trusted-only", "1")]].concat()),
        ("provenance", [OF_WIDGET.as_slice(), &[("provenance", "required")]].concat()),
        ("publisher", [OF_WIDGET.as_slice(), &publisher, &[("action", "save")]].concat()),
        ("remove", [OF_WIDGET.as_slice(), &[("id", "x")]].concat()),
        ("publisher", [OF_SCOPE.as_slice(), &publisher, &[("action", "save")]].concat()),
        ("remove", [OF_SCOPE.as_slice(), &[("id", "x")]].concat()),
        ("log-out", Vec::new()),
    ]
}

/// All that the forms could change.
async fn state(scene: &Scene) -> (i64, Vec<String>) {
    let choices = "SELECT package FROM registry_choice WHERE trusted_only = 1";
    (scene.count("oidc_publisher").await, scene.texts(choices).await)
}

#[tokio::test]
async fn a_form_is_taken_only_from_a_page_of_its_own_session() {
    let scene = scene().await;
    let (known, other) = (Visitor::known(&scene).await, Visitor::known(&scene).await);
    let (own, others) = (known.form_token().await, other.form_token().await);
    let before = state(&scene).await;
    let nobody = Visitor { cookie: None, ..known.clone() };
    let from = |origin: Option<&str>| Visitor { origin: origin.map(str::to_owned), ..known.clone() };
    let issuer = scene.issuer.url().to_owned();
    for (page, form) in writes(&issuer) {
        let with = |token: &str| {
            [form.as_slice(), &[("form-token", token)]]
                .concat()
                .iter()
                .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
                .collect::<Vec<_>>()
        };
        let attempts = [
            (nobody.clone(), with(&own), 401, "without a session"),
            (known.clone(), with(""), 403, "without a token"),
            (known.clone(), with(&others), 403, "with another session's token"),
            (known.clone(), with("0"), 403, "with a guess"),
            (from(Some("https://evil.example")), with(&own), 403, "from another site"),
            (from(Some("null")), with(&own), 403, "from nowhere"),
            (from(None), with(&own), 403, "without an origin"),
            (
                from(Some(&format!("{}.evil.example", known.origin.as_ref().unwrap()))),
                with(&own),
                403,
                "from a look-alike",
            ),
        ];
        for (visitor, form, status, how) in attempts {
            let form: Vec<(&str, &str)> = form.iter().map(|(key, value)| (&**key, &**value)).collect();
            assert_eq!(visitor.post(page, &form).await.status, status, "{page} {how}");
        }
    }
    assert_eq!(state(&scene).await, before);
    assert_eq!(known.page("settings", &OF_WIDGET).await.status, 200, "and the session is still there");
    let form = [OF_WIDGET.as_slice(), &[("trusted-only", "1")]].concat();
    assert_eq!(known.send("settings", &form).await.status, 303, "a form of its own is taken");
    assert_eq!(state(&scene).await.1, [WIDGET]);
}

#[tokio::test]
async fn a_form_changes_nothing_by_get_and_nothing_that_is_no_form_is_read() {
    let scene = scene().await;
    let known = Visitor::known(&scene).await;
    let (token, before) = (known.form_token().await, state(&scene).await);
    let issuer = scene.issuer.url().to_owned();
    for (page, form) in writes(&issuer) {
        let form = [form.as_slice(), &[("form-token", &*token)]].concat();
        let answer = known.page(page, &form).await;
        assert!(matches!(answer.status, 200 | 404 | 405), "{page}: {}", answer.status);
    }
    let large = format!("form-token={token}&x={}", "x".repeat(100_000));
    let form = format!("ecosystem=npm&name=%40acme%2fwidget&trusted-only=1&form-token={token}");
    for (kind, body) in [
        ("application/x-www-form-urlencoded", large),
        ("text/plain", form.clone()),
        ("multipart/form-data; boundary=x", form.clone()),
        ("application/json", format!("{{\"form-token\":\"{token}\"}}")),
    ] {
        assert_eq!(known.post_body("settings", kind, body).await.status, 413, "{kind}");
    }
    assert_eq!(state(&scene).await, before);
}

#[tokio::test]
async fn no_session_is_planted_and_none_outlives_its_log_out() {
    let scene = scene().await;
    let planted = "registry-session=0000000000000000000000000000000000000000000000000000000000000000";
    let mut visitor = Visitor { cookie: Some(planted.to_owned()), ..Visitor::of(&scene) };
    assert_eq!(visitor.log_in(ADMIN, "").await.status, 303);
    assert_ne!(visitor.cookie.as_deref(), Some(planted));
    let with = |cookie: &str| Visitor { cookie: Some(cookie.to_owned()), ..visitor.clone() };
    assert_eq!(with(planted).page("settings", &OF_WIDGET).await.status, 303, "to the log-in");

    let first = visitor.cookie.clone().unwrap();
    let mut again = visitor.clone();
    assert_eq!(again.log_in(ADMIN, "").await.status, 303);
    assert_eq!(
        with(&first).page("settings", &OF_WIDGET).await.status,
        303,
        "a new log-in ends the old session"
    );
    assert_eq!(again.send("log-out", &[]).await.status, 303);
    assert_eq!(again.page("settings", &OF_WIDGET).await.status, 303);
}

#[tokio::test]
async fn a_cookie_is_for_this_host_and_for_requests_alone() {
    let scene = scene().await;
    let mut visitor = Visitor::of(&scene);
    let cookie = visitor.log_in(ADMIN, "").await.header("set-cookie").unwrap().to_owned();
    assert!(cookie.ends_with("; Path=/-/ui; HttpOnly; SameSite=Strict"), "{cookie}");
    let below = Scene::start(Settings::new(&GITHUB), "/registry", &[WIDGET], "").await;
    let cookie = Visitor::of(&below).log_in(ADMIN, "").await;
    assert!(cookie.header("set-cookie").unwrap().contains("; Path=/registry/-/ui;"));
    assert_eq!(cookie.header("location"), Some("/registry/-/ui/"));
}

#[tokio::test]
async fn by_https_the_cookie_is_for_https_alone() {
    let configure = |config: String, _: &std::path::Path| {
        config.replace("http://127.0.0.1:0", "https://registry.example")
    };
    let scene = Scene::within(http::system(), Settings::new(&GITHUB), "", &[WIDGET], "", configure).await;
    // Behind a proxy that speaks TLS, such as every production has.
    let url = scene.registry.url().to_owned();
    let request = Request::new(Method::Post, http::url(&url, "/-/ui/log-in"))
        .header("origin", "https://registry.example")
        .body("application/x-www-form-urlencoded", format!("token={ADMIN}"));
    let answer = http::send(&scene.cx, request).await;
    let cookie = answer.header("set-cookie").unwrap();
    assert!(cookie.starts_with("__Host-registry-session="), "{cookie}");
    assert!(cookie.ends_with("; Path=/; HttpOnly; SameSite=Strict; Secure"), "{cookie}");
}

#[tokio::test]
async fn guesses_at_the_log_in_are_bounded() {
    let scene = scene().await;
    let mut visitor = Visitor::of(&scene);
    for guess in 0..10 {
        assert_eq!(visitor.log_in(&format!("guess-{guess}-of-a-token"), "").await.status, 401);
    }
    for token in ["one more guess", ADMIN] {
        let answer = visitor.log_in(token, "").await;
        assert_eq!(answer.status, 429);
        assert_eq!(answer.header("retry-after"), Some("6"));
        assert!(visitor.cookie.is_none());
    }
    let mut elsewhere = Visitor { origin: Some("https://evil.example".to_owned()), ..visitor };
    assert_eq!(elsewhere.log_in(ADMIN, "").await.status, 403, "no site logs somebody else in");
}

#[tokio::test]
async fn the_log_in_leads_to_no_other_site() {
    let scene = scene().await;
    for (next, place) in [
        ("/package?ecosystem=npm&name=%40acme%2fwidget", "/-/ui/package?ecosystem=npm&name=%40acme%2fwidget"),
        ("", "/-/ui/"),
        ("//evil.example", "/-/ui/"),
        ("https://evil.example", "/-/ui/"),
        ("/\\evil.example", "/-/ui/"),
        ("\\\\evil.example", "/-/ui/"),
        ("/../../../evil", "/-/ui/"),
        ("/%2e%2e/%2E%2e/evil", "/-/ui/"),
        ("/.%2e//evil.example", "/-/ui/"),
        ("/%0d%0aLocation:%20https://evil.example", "/-/ui/%0d%0aLocation:%20https://evil.example"),
        ("/\r\nLocation: https://evil.example", "/-/ui/"),
        ("/\thttps://evil.example", "/-/ui/"),
        ("javascript:alert(1)", "/-/ui/"),
        ("/\u{202e}moc.live", "/-/ui/"),
    ] {
        let answer = Visitor::of(&scene).log_in(ADMIN, next).await;
        assert_eq!((answer.status, answer.header("location")), (303, Some(place)), "{next}");
    }
}

#[tokio::test]
async fn names_are_names_and_never_paths() {
    let scene = scene().await;
    let known = Visitor::known(&scene).await;
    for name in [
        "../../etc/passwd",
        "..",
        ".",
        "/",
        "//evil.example",
        "@acme/../widget",
        "@acme/widget/../../x",
        "@acme%2fwidget",
        "%2e%2e",
        "-/ui",
        "@acme",
        "@/widget",
        "a\0b",
        "\u{202e}tegdiw",
        "<script>alert(1)</script>",
        "' OR 1=1 --",
        &"w".repeat(1_000),
        "",
    ] {
        for ecosystem in ["npm", "pypi", "cargo", "rubygems", "../npm", "", "NPM"] {
            for page in ["package", "settings", "remove", "publisher?x=1"] {
                let query = [
                    ("ecosystem", ecosystem),
                    ("name", name),
                    ("id", "x"),
                    ("issuer", "x"),
                    ("before", name),
                ];
                let answer = known.page(page, &query).await;
                let is_refused = matches!(answer.status, 404 | 409 | 431 | 414)
                    || name.is_empty()
                    || page.starts_with("publisher");
                assert!(is_refused && answer.status < 500, "{page} {ecosystem} {name}: {}", answer.status);
                assert!(!text(&answer).contains("<script>"), "{page} {name}");
            }
            let query = [
                ("ecosystem", ecosystem),
                ("after", name),
                ("before", name),
                ("from", name),
                ("event", name),
            ];
            for page in ["", "audit", "audit.json", "publisher"] {
                let status = known.page(page, &query).await.status;
                assert!(status < 500, "{page} {ecosystem} {name}: {status}");
            }
        }
    }
    for path in
        ["../../package", "%2e%2e/log-in", "package/../settings", "style.css/x", "package/x", "nowhere"]
    {
        let status = known.get(path).await.status;
        assert!(matches!(status, 303 | 404 | 405), "{path}: {status}");
    }
}

#[tokio::test]
async fn who_is_not_logged_in_sees_versions_of_public_packages_and_nothing_else() {
    let scene = scene().await;
    scene
        .execute("INSERT INTO npm_package (name, public, created_at, modified_at) VALUES ('hidden', 0, 1, 1)")
        .await;
    let (nobody, known) = (Visitor::of(&scene), Visitor::known(&scene).await);
    assert_eq!(nobody.page("package", &OF_WIDGET).await.status, 200);
    for page in ["settings", "publisher", "remove", "audit", "audit.json"] {
        let answer = nobody.page(page, &OF_WIDGET).await;
        assert_eq!(answer.status, 303, "{page}");
        assert!(answer.header("location").unwrap().starts_with("/-/ui/log-in?next="), "{page}");
    }
    let hidden = [("ecosystem", "npm"), ("name", "hidden")];
    let absent = [("ecosystem", "npm"), ("name", "absent")];
    assert_eq!(known.page("package", &hidden).await.status, 200);
    assert!(text(&known.get("").await).contains("hidden"));
    assert!(!text(&nobody.get("").await).contains("hidden"));
    let (of_hidden, of_absent) =
        (nobody.page("package", &hidden).await, nobody.page("package", &absent).await);
    assert_eq!((of_hidden.status, of_absent.status), (404, 404));
    assert_eq!(text(&of_hidden).replace("hidden", "absent"), text(&of_absent), "nothing tells them apart");
}

#[tokio::test]
async fn every_page_forbids_foreign_content_and_is_kept_nowhere() {
    let scene = scene().await;
    let known = Visitor::known(&scene).await;
    let answers = [
        known.get("").await,
        known.get("log-in").await,
        known.get("nowhere").await,
        known.page("package", &OF_WIDGET).await,
        known.page("settings", &OF_WIDGET).await,
        known.page("publisher", &OF_WIDGET).await,
        known.page("audit", &OF_WIDGET).await,
        known.page("audit.json", &OF_WIDGET).await,
        known.post("settings", &OF_WIDGET).await,
        Visitor::of(&scene).log_in("wrong", "").await,
    ];
    for answer in answers {
        let policy = answer.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none';") && !policy.contains("unsafe"), "{policy}");
        assert!(policy.contains("frame-ancestors 'none'") && policy.contains("base-uri 'none'"), "{policy}");
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        let page = text(&answer);
        for inline in [" style=", "<style", " onclick=", "javascript:", "<script>"] {
            assert!(!page.contains(inline), "{inline}: {page}");
        }
        assert!(!page.contains(ADMIN), "no page holds the administrator's token");
    }
    for file in ["style.css", "copy.js"] {
        assert!(known.get(file).await.header("cache-control").unwrap().starts_with("max-age="), "{file}");
    }
}

/// The time of day, and some time that a test lets pass.
#[derive(Clone, Debug)]
struct Ahead {
    system: Context,
    seconds: Arc<AtomicU64>,
}

#[async_trait]
impl Clock for Ahead {
    fn now(&self) -> Timestamp {
        self.system.clock().now().plus(Duration::from_secs(self.seconds.load(Ordering::Relaxed)))
    }

    fn monotonic(&self) -> Duration {
        self.system.clock().monotonic() + Duration::from_secs(self.seconds.load(Ordering::Relaxed))
    }

    async fn sleep(&self, duration: Duration) {
        self.system.clock().sleep(duration).await;
    }
}

#[tokio::test]
async fn a_session_that_is_not_used_ends_and_its_forms_change_nothing() {
    let clock = Ahead { system: http::system(), seconds: Arc::default() };
    let cx = http::system().with_clock(clock.clone());
    let same = |config: String, _: &std::path::Path| config;
    let scene = Scene::within(cx, Settings::new(&GITHUB), "", &[WIDGET], "", same).await;
    let known = Visitor::known(&scene).await;
    let (token, before) = (known.form_token().await, state(&scene).await);
    for _ in 0..3 {
        clock.seconds.fetch_add(29 * 60, Ordering::Relaxed);
        assert_eq!(known.page("settings", &OF_WIDGET).await.status, 200, "a session that is used stays");
    }
    clock.seconds.fetch_add(31 * 60, Ordering::Relaxed);
    let form = [OF_WIDGET.as_slice(), &[("trusted-only", "1"), ("form-token", &*token)]].concat();
    let answer = known.post("settings", &form).await;
    assert_eq!(answer.status, 401);
    assert!(text(&answer).contains("The session has ended"));
    for page in ["settings", "publisher", "remove", "audit", "audit.json"] {
        assert_eq!(known.page(page, &OF_WIDGET).await.status, 303, "{page}");
    }
    assert_eq!(state(&scene).await, before);
}

/// Two packages, and a publisher of the pages that the other one has.
async fn of_another(scene: &Scene, known: &Visitor) -> String {
    let issuer = scene.issuer.url().to_owned();
    let other = [("ecosystem", "npm"), ("name", "other"), ("issuer", &*issuer)];
    let publisher = [("f.repository", "acme/other"), ("f.workflow", "a.yml"), ("action", "save")];
    assert_eq!(known.send("publisher", &[other.as_slice(), &publisher].concat()).await.status, 303);
    scene.texts("SELECT id FROM oidc_publisher WHERE package = 'other'").await.remove(0)
}

#[tokio::test]
async fn a_publisher_of_another_package_is_neither_shown_nor_changed_by_its_id() {
    let scene = Scene::start(Settings::new(&GITHUB), "", &[WIDGET, "other"], "").await;
    let known = Visitor::known(&scene).await;
    scene.execute("DELETE FROM oidc_publisher WHERE package = 'other'").await;
    let id = of_another(&scene, &known).await;
    let issuer = scene.issuer.url().to_owned();
    let of = [OF_WIDGET.as_slice(), &[("id", &*id), ("issuer", &*issuer)]].concat();
    for page in ["publisher", "remove"] {
        let answer = known.page(page, &of).await;
        assert_eq!(answer.status, 404, "{page}");
        assert!(!text(&answer).contains("acme/other"), "{page}");
    }
    let before = scene.texts("SELECT id || package || config FROM oidc_publisher ORDER BY id").await;
    let form =
        [of.as_slice(), &[("f.repository", "evil/other"), ("f.workflow", "a.yml"), ("action", "save")]]
            .concat();
    assert_eq!(known.send("publisher", &form).await.status, 404);
    assert_eq!(known.send("remove", &of).await.status, 404);
    // Neither with the ecosystem of another package of the same name.
    for ecosystem in ["pypi", "cargo", "rubygems"] {
        let of = [("ecosystem", ecosystem), ("name", "other"), ("id", &*id)];
        assert_eq!(known.send("remove", &of).await.status, 404, "{ecosystem}");
    }
    assert_eq!(scene.texts("SELECT id || package || config FROM oidc_publisher ORDER BY id").await, before);
}

#[tokio::test]
async fn a_refused_job_of_another_package_fills_no_form() {
    let scene = Scene::start(Settings::new(&GITHUB), "", &[WIDGET, "other"], "").await;
    let known = Visitor::known(&scene).await;
    let changes = Changes::default().set("repository", "acme/secret");
    let token = scene.issuer.token(&scene.audience(), &changes);
    assert_eq!(http::send(&scene.cx, http::exchange(&scene.url(), "other", &token)).await.status, 404);
    let mut events = Vec::new();
    for _ in 0..200 {
        events = scene.texts("SELECT id FROM registry_event").await;
        if !events.is_empty() {
            break;
        }
        scene.cx.clock().sleep(Duration::from_millis(25)).await;
    }
    let event = [("event", &*events[0])];
    let own = known
        .page("publisher", &[&[("ecosystem", "npm"), ("name", "other")], event.as_slice()].concat())
        .await;
    assert!(text(&own).contains("acme/secret"));
    let answer = known.page("publisher", &[OF_WIDGET.as_slice(), &event].concat()).await;
    assert_eq!(answer.status, 404);
    assert!(!text(&answer).contains("acme/secret"));
}

#[tokio::test]
async fn no_other_method_and_no_word_for_one_does_what_a_post_does() {
    let scene = scene().await;
    let known = Visitor::known(&scene).await;
    let (token, before) = (known.form_token().await, state(&scene).await);
    let (cookie, origin) = (known.cookie.clone().unwrap(), known.origin.clone().unwrap());
    let issuer = scene.issuer.url().to_owned();
    for (page, form) in writes(&issuer) {
        let form = [form.as_slice(), &[("form-token", &*token)]].concat();
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(&form).finish();
        for (method, overriding) in [
            (Method::Put, None),
            (Method::Delete, None),
            (Method::Get, Some("x-http-method-override")),
            (Method::Get, Some("x-method-override")),
        ] {
            let url = HttpUrl::parse(&format!("{}-/ui/{page}?{query}&_method=POST", known.url)).unwrap();
            let request = Request::new(method, url).header("cookie", &cookie).header("origin", &origin);
            let request = overriding.into_iter().fold(request, |request, name| request.header(name, "POST"));
            let request = match method {
                Method::Get => request,
                _ => request.body("application/x-www-form-urlencoded", query.clone()),
            };
            let answer = http::send(&scene.cx, request.max_body(1 << 22)).await;
            assert!(matches!(answer.status, 200 | 404 | 405), "{method:?} {page}: {}", answer.status);
            assert_eq!(answer.header("access-control-allow-origin"), None);
        }
    }
    assert_eq!(state(&scene).await, before);
    assert_eq!(known.page("settings", &OF_WIDGET).await.status, 200, "the session is still there");
}

#[tokio::test]
async fn no_file_of_a_package_is_a_page_or_a_script_of_the_registry() {
    let scene = Scene::start(Settings::new(&GITHUB), "", &tests::uploads::PACKAGES, "").await;
    for endpoint in [
        tests::uploads::Endpoint::Npm,
        tests::uploads::Endpoint::Cargo,
        tests::uploads::Endpoint::Pypi,
        tests::uploads::Endpoint::Gem,
    ] {
        let token = endpoint.token(&scene).await;
        let answer = endpoint.send(&scene, "1.0.0", &token).await;
        assert!(answer.status < 300, "{endpoint:?}: {}", text(&answer));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{endpoint:?}");
    }
    for (path, status) in [
        ("/widget", 200),
        ("/widget/-/widget-1.0.0.tgz", 200),
        ("/index/wi/dg/widget", 200),
        ("/rubygems/gems/widget-1.0.0.gem", 200),
        ("/simple/widget/", 200),
        ("/no/such/path", 404),
    ] {
        let answer = http::send(&scene.cx, http::get(&scene.url(), path)).await;
        assert_eq!(answer.status, status, "{path}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        let policy = answer.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'"), "{path}: {policy}");
        let kind = answer.header("content-type").unwrap_or_default();
        assert!(
            !kind.contains("javascript") && (!kind.contains("html") || path == "/simple/widget/"),
            "{path}: {kind}"
        );
    }
}
