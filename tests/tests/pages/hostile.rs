//! Hostile values in every claim, field and package datum that a page shows, and pictures of the pages.

use ci_issuer::{Changes, sigstore};
use needs::needs;
use serde_json::json;
use tests::browser::Browser;
use tests::clients::{Client, Tool};
use tests::http;
use tests::scene::{ADMIN, Scene};
use tests::visitor::{Visitor, text};

use super::{WIDGET, scene};

/// 40 values that act, hide, reorder or overflow where a page lets them.
pub(super) fn hostile() -> Vec<String> {
    let values = [
        "<script>document.title='acted'</script>",
        "<img src=x onerror=document.title='acted'>",
        "<svg onload=document.title='acted'>",
        "\"><script>document.title='acted'</script>",
        "'><img src=x onerror=document.title='acted'>",
        "\" autofocus onfocus=document.title='acted' x=\"",
        "' onmouseover=document.title='acted' '",
        "</title><script>document.title='acted'</script>",
        "</textarea><script>document.title='acted'</script>",
        "</style><script>document.title='acted'</script>",
        "<!--<script>document.title='acted'</script>-->",
        "<![CDATA[<script>document.title='acted'</script>]]>",
        "javascript:document.title='acted'",
        "data:text/html,<script>document.title='acted'</script>",
        "<a href=javascript:document.title='acted'>here</a>",
        "<iframe src=https://evil.example></iframe>",
        "<form action=https://evil.example><button>Log in</button></form>",
        "<base href=https://evil.example>",
        "<meta http-equiv=refresh content=0;url=https://evil.example>",
        "<link rel=stylesheet href=https://evil.example/x.css>",
        "&lt;script&gt;",
        "&#x3c;script&#x3e;",
        "&amp;&quot;&#0;",
        "{{7*7}}${7*7}<%= 7*7 %>",
        "\u{202e}tegdiw/emca",
        "acme\u{200b}/wid\u{200d}get",
        "acme/\u{2066}widget\u{2069}",
        "a\u{feff}\u{2060}\u{00ad}b",
        "\u{e0041}\u{e0042}",
        "a\0b",
        "a\r\nSet-Cookie: x=1\r\n\r\nb",
        "\u{1b}[31mred\u{1b}[0m",
        "\t\u{b}\u{c}",
        "\u{0627}\u{0644}\u{0639}\u{0631}\u{0628}\u{064a}\u{0629}/123",
        "Z\u{0351}\u{036b}\u{0343}\u{036a}\u{0302}a\u{0321}\u{034a}l",
        "\u{1f468}\u{1f469}\u{1f467}",
        "::error::x",
        "../../../../etc/passwd",
    ];
    let mut values: Vec<String> = values.map(str::to_owned).into();
    values.push("w".repeat(3000));
    values.push("<b>".repeat(700));
    assert_eq!(values.len(), 40);
    values
}

/// A refused job for each value in each claim that a page shows, and versions and publishers with the rest.
async fn filled() -> Scene {
    let scene = scene().await;
    let claims = ["repository", "workflow_ref", "environment", "ref", "sha", "run_id", "job_workflow_ref"];
    for (number, value) in hostile().into_iter().enumerate() {
        let changes = Changes::default().set(claims[number % claims.len()], &*value);
        let token = scene.issuer.token(&scene.audience(), &changes);
        let answer = http::send(&scene.cx, http::exchange(&scene.url(), WIDGET, &token)).await;
        assert!(answer.status < 500, "{value}: {}", answer.status);
        let run = json!({ "repository": value, "url": value, "sha": value, "ref": value,
            "source": { "commit_url": value, "workflow": value, "workflow_url": value } });
        let by = json!({ "kind": "trusted-publisher", "provider": value, "issuer": value, "publisher": value,
            "run": run, "may_create": false });
        let event = json!({ "action": value, "outcome": value, "reason": value, "version": value, "repository": value,
            "run_url": value, "subject": value, "publisher": value, "issuer": value, "for_operator": value });
        insert(&scene, i64::try_from(number).unwrap(), &value, (&by.to_string(), &event.to_string())).await;
        originate(&scene, &value).await;
    }
    scene
}

/// A version and an event as a release with a hole might have stored them.
async fn insert(scene: &Scene, number: i64, value: &str, (by, event): (&str, &str)) {
    let statement = "INSERT INTO npm_version (package, version, position, manifest, abbreviated, about, size, integrity, shasum, \
         published_at, published_by) VALUES ($1, $2, $3, '', '', '', 1, $4, '', 1, $5)";
    let query = sqlx::query(statement).bind(WIDGET).bind(value).bind(number).bind(value).bind(by);
    query.execute(scene.database().pool()).await.unwrap();
    let statement = "INSERT INTO registry_event (id, at, ecosystem, package, event, granted) VALUES ($1, $2, 'npm', $3, $4, 0)";
    let query = sqlx::query(statement).bind(format!("{number:x}")).bind(number + 1).bind(WIDGET).bind(event);
    query.execute(scene.database().pool()).await.unwrap();
}

/// Provenance of a version, every text of which is the value.
async fn originate(scene: &Scene, value: &str) {
    let texts = [
        "predicate_type",
        "digest",
        "issuer",
        "repository",
        "visibility",
        "commit",
        "commit_url",
        "git_ref",
        "workflow",
        "workflow_url",
        "signer",
        "run_url",
        "event",
        "environment",
        "runner",
        "log_entry_url",
    ];
    let mut origin: serde_json::Map<String, serde_json::Value> =
        texts.iter().map(|text| ((*text).to_owned(), json!(value))).collect();
    origin.insert("signed_at".to_owned(), json!(u64::MAX));
    origin.insert("log_index".to_owned(), json!(u64::MAX));
    let statement = "INSERT INTO provenance_origin (ecosystem, file, origins) VALUES ('npm', $1, $2)";
    let query =
        sqlx::query(statement).bind(format!("{WIDGET}@{value}")).bind(json!([origin, origin]).to_string());
    query.execute(scene.database().pool()).await.unwrap();
}

/// The addresses of the pages with values, with all that follow.
async fn pages(scene: &Scene) -> Vec<String> {
    let known = Visitor::known(scene).await;
    let mut pages = Vec::new();
    for page in ["package", "audit"] {
        let mut next = Some(format!("{page}?ecosystem=npm&name=%40acme%2Fwidget"));
        while let Some(page) = next.take() {
            let shown = text(&known.get(&page).await);
            let link = shown.rsplit_once("<a href=\"/-/ui/").map(|(_, rest)| rest);
            let link = link.filter(|link| link.contains("before=")).and_then(|link| link.split('"').next());
            next = link.map(|link| link.replace("&amp;", "&"));
            pages.push(page);
        }
    }
    pages
}

#[needs(chromium, chromedriver, axe)]
#[tokio::test]
async fn no_value_acts_or_breaks_the_layout_and_each_is_shown() {
    let browser = Browser::start().await;
    let scene = filled().await;
    log_in(&browser, &scene).await;
    let mut shown = String::new();
    for page in pages(&scene).await {
        for width in [360, 1280] {
            browser.look(width, "light").await;
            browser.open(&format!("{}-/ui/{page}", scene.url())).await;
            browser.run("document.querySelectorAll('details').forEach(more => more.open = true)").await;
            assert_eq!(browser.overflow().await, 0, "{page} at {width}");
        }
        assert!(!browser.title().await.contains("acted"), "{page}");
        let foreign = "return document.querySelectorAll('main script, main img, main svg, main iframe, main base, main meta, \
             main link, main style, [onerror], [onload], [onfocus], [onmouseover], a[href^=\"javascript\"], form[action*=evil]').length";
        assert_eq!(browser.run(foreign).await, 0, "{page}");
        assert_eq!(browser.violations().await, [""; 0], "{page}");
        shown.push_str(&browser.text().await);
    }
    for value in hostile() {
        let expected: String = oidc_core::shown(&value).up_to(1000).to_string();
        // A browser collapses white space, and `innerText` leaves nothing else out.
        let is_shown = shown.contains(expected.trim().trim_end_matches('…'));
        assert!(is_shown, "{value:?} as {expected:?}");
    }
    browser.close().await;
}

#[needs(chromium, chromedriver, axe)]
#[tokio::test]
async fn no_value_of_a_field_acts_or_breaks_the_form() {
    let browser = Browser::start().await;
    let scene = scene().await;
    log_in(&browser, &scene).await;
    let form = format!("{}-/ui/publisher?ecosystem=npm&name=%40acme%2Fwidget", scene.url());
    browser.look(360, "light").await;
    for value in hostile() {
        browser.open(&form).await;
        let typed = json!(value);
        browser
            .run(&format!(
                "for (const field of document.querySelectorAll('main input:not([type]), main textarea')) field.value = {typed}; \
                 document.querySelector('form.publisher').requestSubmit()"
            ))
            .await;
        for _ in 0..100 {
            if browser.title().await.starts_with("Error: ") {
                break;
            }
        }
        assert!(browser.title().await.starts_with("Error: "), "{value:?} is refused");
        assert_eq!(browser.overflow().await, 0, "{value:?}");
        assert_eq!(
            browser
                .run(
                    "return document.querySelectorAll('main script, main img, main svg, main iframe').length"
                )
                .await,
            0
        );
        let kept = browser.run("return document.querySelector('#field-repository').value").await;
        // What HTML can't carry is lost on the way: line breaks, and the null character.
        let plain = |text: &str| text.replace(['\r', '\n', '\0', '\u{fffd}'], "").trim().to_owned();
        assert_eq!(plain(kept.as_str().unwrap()), plain(&value));
    }
    browser.close().await;
}

pub(super) async fn log_in(browser: &Browser, scene: &Scene) {
    browser.open(&format!("{}-/ui/log-in", scene.url())).await;
    browser.fill("#token", ADMIN).await;
    browser.press("Log in").await;
}

/// Publishes by a job, with provenance and without, refuses another job, and adds a publisher.
async fn used(npm: &Client) -> (Scene, sigstore::Running) {
    let (scene, instance) = super::provenance::scene(&[WIDGET, "pypi:widget", "cargo:widget"]).await;
    let exchange = async |changes: &Changes| {
        let token = scene.issuer.token(&scene.audience(), changes);
        http::send(&scene.cx, http::exchange(&scene.url(), WIDGET, &token)).await
    };
    let token = http::minted(&exchange(&Changes::default()).await);
    for (version, token) in [("1.0.0", &*token), ("1.0.1", ADMIN)] {
        assert_eq!(
            http::send(&scene.cx, http::publish(&scene.url(), WIDGET, version, token)).await.status,
            201
        );
    }
    super::provenance::publish((npm, &scene, &instance), "1.1.0", &["--provenance"]).await.succeeded();
    let other = Changes::default()
        .set("workflow_ref", "acme/widget/.github/workflows/release.yml@refs/tags/v1.0.0")
        .set("environment", "publish");
    assert_eq!(exchange(&other).await.status, 403);
    let known = Visitor::known(&scene).await;
    let issuer = scene.issuer.url().to_owned();
    let of = [("ecosystem", "npm"), ("name", WIDGET), ("issuer", &*issuer)];
    let form = [
        ("f.repository", "acme/monorepo"),
        ("f.workflow", "release.yml"),
        ("f.environment", "publish"),
        ("action", "save"),
    ];
    assert_eq!(known.send("publisher", &[of.as_slice(), &form].concat()).await.status, 303);
    (scene, instance)
}

/// Every page, by a name, with what is done on it first.
const PAGES: &[(&str, &str)] = &[
    ("log-in", "log-in"),
    ("packages", ""),
    ("package", "package?ecosystem=npm&name=%40acme%2Fwidget"),
    ("settings", "settings?ecosystem=npm&name=%40acme%2Fwidget&saved=1"),
    ("form", "publisher?ecosystem=npm&name=%40acme%2Fwidget"),
    ("errors", "publisher?ecosystem=npm&name=%40acme%2Fwidget"),
    ("preview", "publisher?ecosystem=npm&name=%40acme%2Fwidget"),
    ("audit", "audit?ecosystem=npm&name=%40acme%2Fwidget"),
    ("all-audit", "audit"),
    ("edit", "settings?ecosystem=npm&name=%40acme%2Fwidget"),
    ("remove", "settings?ecosystem=npm&name=%40acme%2Fwidget"),
    ("prefix-errors", "prefixes?ecosystem=npm&prefix=%40acme"),
    ("prefix", "settings?ecosystem=npm&name=%40acme%2F*"),
    ("absent", "package?ecosystem=npm&name=absent"),
    ("nowhere", "nowhere"),
];

/// What is done on a page before it is looked at.
async fn act(browser: &Browser, name: &str) {
    match name {
        "errors" => {
            browser.fill("#field-repository", "https://github.com/acme/widget").await;
            browser.fill("#field-workflow", ".github/workflows/publish.yml").await;
            browser.press("Continue").await;
        }
        "preview" => {
            browser.fill("#field-repository", "acme/widget").await;
            browser.fill("#field-workflow", "publish.yml").await;
            browser.fill("#field-environment", "publish").await;
            browser.press("Continue").await;
        }
        "edit" => {
            browser.follow("//a[starts-with(., 'Edit')]").await;
        }
        "remove" => {
            browser.follow("//a[starts-with(., 'Remove')]").await;
        }
        _ => {}
    }
}

/// With `PICTURES=FOLDER`, the pages are kept as PNG files there.
#[needs(npm, chromium, chromedriver, axe)]
#[tokio::test]
async fn no_page_has_a_barrier_at_any_width_in_either_scheme() {
    let (browser, npm) = (Browser::start().await, Tool::Npm.find().await);
    let (scene, _instance) = used(&npm).await;
    #[allow(clippy::disallowed_methods, reason = "who runs the tests says where to")]
    let folder = std::env::var_os("PICTURES").map(std::path::PathBuf::from);
    for (name, page) in PAGES {
        if *name == "packages" {
            log_in(&browser, &scene).await;
        }
        for (width, scheme) in [(360, "light"), (360, "dark"), (1280, "light"), (1280, "dark")] {
            browser.look(width, scheme).await;
            browser.open(&format!("{}-/ui/{page}", scene.url())).await;
            act(&browser, name).await;
            assert_eq!(browser.violations().await, [""; 0], "{name} at {width}, {scheme}");
            assert_eq!(browser.overflow().await, 0, "{name} at {width}");
            if let Some(folder) = &folder {
                let file = folder.join(format!("{name}-{width}-{scheme}.png"));
                std::fs::write(file, browser.picture().await).unwrap();
            }
        }
    }
    browser.close().await;
}

#[needs(chromium, chromedriver, axe)]
#[tokio::test]
async fn everything_is_reached_and_done_by_keyboard() {
    let browser = Browser::start().await;
    let scene = scene().await;
    browser
        .open(&format!(
            "{}-/ui/log-in?next=%2Fpublisher%3Fecosystem%3Dnpm%26name%3D%2540acme%252Fwidget",
            scene.url()
        ))
        .await;
    let focused = "return document.activeElement.id || document.activeElement.textContent";
    assert_eq!(browser.run(focused).await, "token", "the one field has the focus");
    browser.enter("#token", ADMIN).await;
    assert!(browser.text().await.contains("Add a trusted publisher"));
    let mut order = Vec::new();
    for _ in 0..16 {
        browser.find("body").await.send_keys("\u{e004}").await.ok();
        order.push(browser.run(focused).await.as_str().unwrap_or_default().to_owned());
    }
    let at =
        |id: &str| order.iter().position(|found| found == id).unwrap_or_else(|| panic!("{id}: {order:?}"));
    assert_eq!(at("Skip to the content"), 0);
    assert!(at("field-repository") < at("field-workflow") && at("field-workflow") < at("field-environment"));
    browser.enter("#field-repository", "acme/widget").await;
    assert!(browser.title().await.starts_with("Error: "), "Enter sends the form");
    browser.close().await;
}
