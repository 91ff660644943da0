//! Provenance on the pages: what a real publish with provenance shows, and the requirement that is chosen.

use ci_issuer::{Changes, GITHUB, Settings, sigstore};
use needs::needs;
use serde_json::json;
use tests::browser::Browser;
use tests::clients::{Client, Output, Tool};
use tests::scene::{ADMIN, Scene, borrowed};
use tests::uploads::Endpoint;
use tests::visitor::{Visitor, text};

use super::hostile::log_in;
use super::{OF_WIDGET, WIDGET};

struct World {
    npm: Client,
    scene: Scene,
    instance: sigstore::Running,
}

/// A registry that keeps provenance, and the Sigstore instance that it trusts.
pub(super) async fn scene(packages: &[&str]) -> (Scene, sigstore::Running) {
    let changes = Changes::default().set("repository_visibility", "public");
    let settings = Settings { changes, ..Settings::new(&GITHUB) };
    Scene::with_provenance(settings, packages, None, |config| config).await
}

/// The real npm publishes with provenance.
pub(super) async fn publish(
    (npm, scene, instance): (&Client, &Scene, &sigstore::Running),
    version: &str,
    options: &[&str],
) -> Output {
    let mut job = scene.npm_job();
    job.extend(instance.variables(scene.folder()));
    let repository = json!({ "type": "git", "url": "git+https://github.com/acme/widget.git" });
    let manifest = json!({ "name": WIDGET, "version": version, "repository": repository }).to_string();
    let files = [("package.json", &*manifest), (".npmrc", &*scene.npmrc())];
    let folder = npm.project(&format!("widget-{version}"), &files);
    npm.run(&folder, &borrowed(&job), &[&["publish", "--access", "public"], options].concat()).await
}

impl World {
    async fn start() -> Self {
        let npm = Tool::Npm.find().await;
        let (scene, instance) = scene(&[WIDGET]).await;
        Self { npm, scene, instance }
    }

    async fn publish(&self, version: &str, options: &[&str]) -> Output {
        publish((&self.npm, &self.scene, &self.instance), version, options).await
    }

    fn page(&self, page: &str) -> String {
        format!("{}-/ui/{page}?ecosystem=npm&name=%40acme%2Fwidget", self.scene.url())
    }
}

/// The positions of the parts, each behind the one before.
fn in_order(text: &str, parts: &[&str]) {
    let mut rest = text;
    for part in parts {
        let (_, behind) = rest.split_once(part).unwrap_or_else(|| panic!("{part} is not behind: {text}"));
        rest = behind;
    }
}

#[needs(npm, chromium, chromedriver, axe)]
#[tokio::test]
async fn a_person_reads_npms_provenance_and_requires_it() {
    let (world, browser) = (World::start().await, Browser::start().await);
    world.publish("1.0.0", &["--provenance"]).await.succeeded();
    browser.open(&world.page("package")).await;
    let shown = browser.text().await;
    let parts = [
        "Provenance",
        "Source\n",
        "Source repository",
        "https://github.com/acme/widget",
        "Source commit",
        "Build\n",
        "Build workflow",
        ".github/workflows/publish.yml",
        "Build logs",
        "/actions/runs/",
        "Integrity\n",
        "Checksum",
        "sha512:",
        "Attestation\n",
        "Signed by the job https://github.com/acme/widget/.github/workflows/publish.yml@refs/tags/v1.0.0, whose identity",
        "Transparency log",
        "Provenance is not a promise that the code is safe.",
    ];
    in_order(&shown, &parts);
    assert_eq!((browser.violations().await, browser.overflow().await), (Vec::<String>::new(), 0));

    log_in(&browser, &world.scene).await;
    browser.open(&world.page("settings")).await;
    assert_eq!(browser.run("return document.querySelector('#provenance-as-before').checked").await, true);
    browser.click("#provenance-required").await;
    assert_eq!(browser.violations().await, [""; 0]);
    browser.follow("//form[contains(@action, '/provenance')]//button").await;
    assert!(browser.text().await.contains("The setting was saved."));
    assert_eq!(browser.run("return document.querySelector('#provenance-required').checked").await, true);
    let refused = world.publish("1.0.1", &["--provenance=false"]).await.failed();
    assert!(refused.contains("the package needs provenance"), "{refused}");
    world.publish("1.1.0", &["--provenance"]).await.succeeded();

    browser.open(&world.page("package")).await;
    let unfolded = "return document.querySelectorAll('details[open]').length";
    assert_eq!(browser.run(unfolded).await, 1, "that of the latest version");
    browser.keys("article:nth-of-type(2) summary", "\u{e007}").await;
    assert_eq!(browser.run(unfolded).await, 2, "by keyboard");
    browser.close().await;
}

#[tokio::test]
async fn the_requirement_that_is_chosen_holds_for_whoever_publishes() {
    let packages = ["widget", "pypi:widget", "rubygems:widget", "cargo:widget"];
    let (scene, _instance) = scene(&packages).await;
    let known = Visitor::known(&scene).await;
    for (endpoint, ecosystem, status) in
        [(Endpoint::Npm, "npm", 422), (Endpoint::Pypi, "pypi", 400), (Endpoint::Gem, "rubygems", 422)]
    {
        let of = [("ecosystem", ecosystem), ("name", "widget")];
        let choose = |chosen| [of.as_slice(), &[("provenance", chosen)]].concat();
        let token = endpoint.token(&scene).await;
        assert!(endpoint.send(&scene, "1.0.0", &token).await.status < 300, "{ecosystem}");
        assert_eq!(known.send("provenance", &choose("required")).await.status, 303, "{ecosystem}");
        assert!(text(&known.page("settings", &of).await).contains("value=\"required\" checked"));
        for token in [&*token, ADMIN] {
            assert_eq!(endpoint.send(&scene, "1.1.0", token).await.status, status, "{ecosystem}");
        }
        assert_eq!(known.send("provenance", &choose("as-before")).await.status, 303, "{ecosystem}");
        assert!(endpoint.send(&scene, "1.1.0", &token).await.status < 300, "{ecosystem}");
    }
    let cargo = [("ecosystem", "cargo"), ("name", "widget"), ("provenance", "required")];
    assert_eq!(known.send("provenance", &cargo).await.status, 409);
    let absent = [("ecosystem", "npm"), ("name", "absent"), ("provenance", "required")];
    assert_eq!(known.send("provenance", &absent).await.status, 404);
    let settings = text(&known.page("settings", &cargo).await);
    assert!(settings.contains("cargo's clients has no provenance"), "{settings}");
}

#[tokio::test]
async fn the_requirement_of_the_file_is_changed_in_the_file() {
    let changes = Changes::default().set("repository_visibility", "public");
    let settings = Settings { changes, ..Settings::new(&GITHUB) };
    let required =
        |config: String| config.replace("name = \"widget\"", "name = \"widget\"\nprovenance = \"required\"");
    let (scene, _instance) = Scene::with_provenance(settings, &["widget"], None, required).await;
    let known = Visitor::known(&scene).await;
    let of = [("ecosystem", "npm"), ("name", "widget")];
    let page = text(&known.page("settings", &of).await);
    assert!(
        page.contains("Every new version needs provenance.") && !page.contains("provenance-required"),
        "{page}"
    );
    let chosen = known.send("provenance", &[of.as_slice(), &[("provenance", "as-before")]].concat()).await;
    assert_eq!(chosen.status, 409);
    let token = Endpoint::Npm.token(&scene).await;
    assert_eq!(Endpoint::Npm.send(&scene, "1.0.0", &token).await.status, 422);
}

#[tokio::test]
async fn a_registry_that_keeps_no_provenance_can_not_require_it() {
    let scene = super::scene().await;
    let known = Visitor::known(&scene).await;
    let page = text(&known.page("settings", &OF_WIDGET).await);
    assert!(page.contains("This registry keeps no provenance"), "{page}");
    let form = [OF_WIDGET.as_slice(), &[("provenance", "required")]].concat();
    assert_eq!(known.send("provenance", &form).await.status, 409);
}
