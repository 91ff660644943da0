//! Attacks on the pages: forged forms, planted sessions, guesses, links elsewhere, and names that are paths.

use ci_issuer::{GITHUB, Settings};
use oidc_core::http::Method;
use tests::http;
use tests::scene::{ADMIN, Scene};
use tests::visitor::{Visitor, text};

use super::{OF_WIDGET, WIDGET, scene};

/// A form that changes something, with the page that takes it.
fn writes(issuer: &str) -> Vec<(&'static str, Vec<(&str, &str)>)> {
    let publisher = [("issuer", issuer), ("f.repository", "evil/widget"), ("f.workflow", "publish.yml")];
    vec![
        ("settings", [OF_WIDGET.as_slice(), &[("trusted-only", "1")]].concat()),
        ("publisher", [OF_WIDGET.as_slice(), &publisher, &[("action", "save")]].concat()),
        ("remove", [OF_WIDGET.as_slice(), &[("id", "x")]].concat()),
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
    let request = oidc_core::http::Request::new(Method::Post, http::url(&url, "/-/ui/log-in"))
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
