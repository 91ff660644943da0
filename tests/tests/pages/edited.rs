//! Editing and removing publishers in a real browser, and the end of browsers.

use ci_issuer::{Changes, GITHUB, Settings};
use needs::needs;
use tests::browser::Browser;
use tests::http;
use tests::scene::Scene;

use super::hostile::log_in;
use super::{OF_WIDGET, WIDGET, scene};
use tests::visitor::Visitor;

/// A registry with a publisher of the pages beside that of the file.
async fn with_publisher() -> Scene {
    let scene = scene().await;
    let known = Visitor::known(&scene).await;
    let issuer = scene.issuer.url().to_owned();
    let publisher = [("issuer", &*issuer), ("f.repository", "acme/widget"), ("f.workflow", "release.yml")];
    let form = [OF_WIDGET.as_slice(), &publisher, &[("action", "save")]].concat();
    assert_eq!(known.send("publisher", &form).await.status, 303);
    scene
}

async fn exchange(scene: &Scene, workflow: &str) -> u16 {
    let workflow = format!("acme/widget/.github/workflows/{workflow}@refs/tags/v1.0.0");
    let token = scene.issuer.token(&scene.audience(), &Changes::default().set("workflow_ref", workflow));
    http::send(&scene.cx, http::exchange(&scene.url(), WIDGET, &token)).await.status
}

#[needs(chromium, chromedriver, axe)]
#[tokio::test]
async fn a_person_edits_a_publisher_by_what_the_page_says_and_removes_it() {
    let (browser, scene) = (Browser::start().await, with_publisher().await);
    assert_eq!(exchange(&scene, "release.yml").await, 201);
    log_in(&browser, &scene).await;
    let settings = format!("{}-/ui/settings?ecosystem=npm&name=%40acme%2Fwidget", scene.url());
    browser.open(&settings).await;
    browser.follow("//a[starts-with(., 'Edit')]").await;
    let value =
        async |key: &str| browser.run(&format!("return document.querySelector('#field-{key}').value")).await;
    assert_eq!(
        (value("repository").await, value("workflow").await),
        ("acme/widget".into(), "release.yml".into())
    );
    browser.fill("#field-repository", "git@github.com:acme/widget.git").await;
    browser.fill("#field-workflow", "./release").await;
    browser.press("Continue").await;
    // Both mistakes are said at once, each beside its field, and the field names them to a screen reader.
    for key in ["repository", "workflow"] {
        let described =
            format!("return document.querySelector('#field-{key}').getAttribute('aria-describedby')");
        let described = browser.run(&described).await.as_str().unwrap().to_owned();
        assert_eq!(described, format!("error-{key} hint-{key}"));
        assert!(!browser.find(&format!("#error-{key}")).await.text().await.unwrap().is_empty());
        let invalid = format!("return document.querySelector('#field-{key}').getAttribute('aria-invalid')");
        assert_eq!(browser.run(&invalid).await, "true");
    }
    assert_eq!(browser.violations().await, [""; 0]);
    browser.press("Use acme/widget").await;
    assert_eq!(value("repository").await, "acme/widget");
    browser.fill("#field-workflow", "ship.yml").await;
    browser.press("Continue").await;
    assert!(browser.text().await.contains(".github/workflows/ship.yml"));
    assert_eq!(exchange(&scene, "release.yml").await, 201, "nothing is saved yet");
    browser.press("Change").await;
    assert_eq!(value("workflow").await, "ship.yml");
    browser.press("Continue").await;
    browser.press("Save").await;
    assert!(browser.text().await.contains("The trusted publisher was saved."));
    assert_eq!(scene.count("oidc_publisher").await, 2, "it replaces the one before");
    assert_eq!((exchange(&scene, "release.yml").await, exchange(&scene, "ship.yml").await), (403, 201));
    browser.follow("//a[starts-with(., 'Remove')]").await;
    browser.press("Keep it").await;
    assert_eq!(exchange(&scene, "ship.yml").await, 201);
    browser.follow("//a[starts-with(., 'Remove')]").await;
    browser.press("Remove").await;
    assert!(browser.text().await.contains("The trusted publisher was removed."));
    assert_eq!(exchange(&scene, "ship.yml").await, 403);
    browser.close().await;
}

#[needs(chromium, chromedriver, axe)]
#[tokio::test]
async fn a_publisher_that_was_removed_meanwhile_is_not_edited() {
    let (browser, scene) = (Browser::start().await, with_publisher().await);
    log_in(&browser, &scene).await;
    browser.open(&format!("{}-/ui/settings?ecosystem=npm&name=%40acme%2Fwidget", scene.url())).await;
    browser.follow("//a[starts-with(., 'Edit')]").await;
    browser.press("Continue").await;
    scene.execute("DELETE FROM oidc_publisher WHERE origin = 'pages'").await;
    browser.press("Save").await;
    assert!(browser.text().await.contains("may have been removed or changed meanwhile"));
    assert_eq!(browser.violations().await, [""; 0]);
    assert_eq!(scene.count("oidc_publisher").await, 1);
    browser.close().await;
}

/// The processes that have this text in their arguments.
fn processes(text: &str) -> usize {
    let all = std::fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    let arguments = all.filter_map(|process| std::fs::read(process.path().join("cmdline")).ok());
    arguments.filter(|arguments| String::from_utf8_lossy(arguments).contains(text)).count()
}

#[needs(chromium, chromedriver, axe)]
#[tokio::test]
async fn a_test_that_panics_leaves_no_browser_behind() {
    let (told, profile) = tokio::sync::oneshot::channel();
    let panics = async move {
        let browser = Browser::start().await;
        let profile = browser.profile().display().to_string();
        assert!(processes(&profile) > 0);
        told.send(profile).unwrap();
        browser.find("#there-is-no-such-element").await;
    };
    let tasks = tokio::task::LocalSet::new();
    let task = tasks.spawn_local(panics);
    assert!(tasks.run_until(task).await.unwrap_err().is_panic());
    let profile = profile.await.unwrap();
    for _ in 0..200 {
        if processes(&profile) == 0 {
            break;
        }
        tokio::task::yield_now().await;
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    assert_eq!(processes(&profile), 0, "{profile}");
    assert!(!std::path::Path::new(&profile).exists(), "nor its profile");
}

#[needs(chromium, chromedriver, axe)]
#[tokio::test]
async fn a_person_sets_that_trusted_publishers_alone_publish() {
    let browser = Browser::start().await;
    let scene = Scene::start(Settings::new(&GITHUB), "", &[WIDGET], "").await;
    log_in(&browser, &scene).await;
    browser.open(&format!("{}-/ui/settings?ecosystem=npm&name=%40acme%2Fwidget", scene.url())).await;
    browser.click("#trusted-only").await;
    browser.follow("//form[contains(@action, '/settings')]//button").await;
    assert!(browser.text().await.contains("The setting was saved."));
    assert_eq!(browser.run("return document.querySelector('#trusted-only').checked").await, true);
    let publish = http::publish(&scene.url(), WIDGET, "1.0.0", tests::scene::ADMIN);
    assert_eq!(http::send(&scene.cx, publish).await.status, 403);
    browser.close().await;
}
