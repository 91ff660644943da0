//! What a person does with the pages, in a real browser and with the real npm.

use ci_issuer::{CIRCLECI, Changes, GITHUB, GITLAB, Platform, Running, Settings};
use needs::needs;
use tests::browser::Browser;
use tests::clients::{Client, Output, Tool};
use tests::http;
use tests::scene::{ADMIN, Scene, borrowed, package};

use super::WIDGET;

/// A field of a form: what is typed first, what the page says about it, and what is right.
type Mistake = (&'static str, &'static str, &'static str, &'static str);

/// A registry, a browser, npm, and a platform that the configuration file trusts with no job of.
struct World {
    scene: Scene,
    /// Another instance of the platform, whose jobs begin with another file.
    other: Running,
    browser: Browser,
    npm: Client,
    platform: &'static Platform,
}

impl World {
    async fn start(platform: &'static Platform, changes: Changes) -> Self {
        let (browser, npm) = (Browser::start().await, Tool::Npm.find().await);
        let cx = http::system();
        let settings = Settings { changes, ..Settings::new(platform) };
        let other = Running::start(settings, &cx).await.unwrap();
        let configure = |config: String, _: &std::path::Path| {
            // The package of the file has no publisher.
            let (head, _) = config.split_once("[[package.publisher]]").unwrap();
            let (head, package) = head.split_once("[[package]]").unwrap();
            let kind = platform.name;
            format!(
                "{head}[[provider]]\nkind = \"{kind}\"\nissuer = \"{}\"\n[[package]]{package}",
                other.url()
            )
        };
        let scene = Scene::within(cx, Settings::new(platform), "", &[WIDGET], "", configure).await;
        Self { scene, other, browser, npm, platform }
    }

    fn page(&self, page: &str) -> String {
        format!("{}-/ui/{page}?ecosystem=npm&name=%40acme%2Fwidget", self.scene.url())
    }

    async fn log_in(&self) {
        self.browser.open(&self.page("settings")).await;
        self.browser.fill("#token", ADMIN).await;
        self.browser.press("Log in").await;
        assert_eq!(self.browser.url().await, self.page("settings"), "back where it began");
    }

    /// The real npm in a job of this instance of the platform.
    async fn npm(&self, job: &Running, version: &str) -> Output {
        let mut variables = job.env().to_vec();
        if self.platform.name != "github" {
            let token = job.token(&self.scene.audience(), &Changes::default());
            variables.push(("NPM_ID_TOKEN".to_owned(), token));
        }
        let folder = package(&self.npm, WIDGET, version, &self.scene.npmrc());
        let arguments = ["publish", "--access", "public", "--loglevel", "verbose"];
        self.npm.run(&folder, &borrowed(&variables), &arguments).await
    }

    /// Adds a publisher with mistakes, and corrects them by what the page says.
    async fn add(&self, mistakes: &[Mistake], more: &[(&str, &str)]) {
        let browser = &self.browser;
        browser.press("Add a trusted publisher").await;
        browser.choose("#issuer", self.scene.issuer.url()).await;
        browser.press("Continue").await;
        browser.run("document.querySelectorAll('details').forEach(more => more.open = true)").await;
        for (key, wrong, _, _) in mistakes {
            browser.fill(&format!("#field-{key}"), wrong).await;
        }
        for (key, text) in more {
            browser.fill(&format!("#field-{key}"), text).await;
        }
        browser.press("Continue").await;
        assert!(browser.title().await.starts_with("Error: "));
        for (key, _, message, _) in mistakes {
            let error = browser.find(&format!("#error-{key}")).await.text().await.unwrap();
            assert!(error.contains(message), "{key}: {error}");
        }
        for (key, _, _, right) in mistakes {
            // What is offered is taken by a click, which shows the page anew.
            if browser.has(&format!("button[name=offer][value='{key}={right}']")).await {
                browser.press(&format!("Use {right}")).await;
                let taken = format!("return document.querySelector('#field-{key}').value");
                assert_eq!(browser.run(&taken).await, *right);
            }
        }
        for (key, _, _, right) in mistakes {
            browser.fill(&format!("#field-{key}"), right).await;
        }
        assert_eq!(browser.violations().await, [""; 0]);
        browser.press("Continue").await;
    }

    async fn save(&self) {
        self.browser.press("Save").await;
        assert!(self.browser.text().await.contains("The trusted publisher was saved."));
    }

    /// Waits for what is written behind the request's back.
    async fn until(&self, page: &str, part: &str) -> String {
        for _ in 0..100 {
            self.browser.open(&self.page(page)).await;
            let text = self.browser.text().await;
            if text.contains(part) {
                return text;
            }
        }
        panic!("{page} never shows {part}: {}", self.browser.text().await);
    }

    /// From the refusal of the other instance's job to its publish, and to the end of its publisher.
    async fn follow_a_refusal(&self) {
        let browser = &self.browser;
        self.npm(&self.other, "2.0.0").await.failed();
        self.until("audit", "refused:").await;
        assert_eq!(browser.violations().await, [""; 0]);
        browser.press("Configure a trusted publisher for this job").await;
        browser.press("Continue").await;
        assert!(browser.text().await.contains("This trusted publisher accepts"));
        self.save().await;
        self.npm(&self.other, "2.0.0").await.succeeded();
        let text = self.until("package", "2.0.0").await;
        assert!(
            text.contains("Published by trusted publisher on") || text.contains("trusted publisher on"),
            "{text}"
        );

        browser.open(&self.page("settings")).await;
        let of_other = format!("//article[contains(., '{}')]//a[contains(., 'Remove')]", self.other.url());
        browser.follow(&of_other).await;
        browser.press("Remove").await;
        assert!(browser.text().await.contains("The trusted publisher was removed."));
        self.npm(&self.other, "3.0.0").await.failed();
        self.npm(&self.scene.issuer, "4.0.0").await.succeeded();
    }

    async fn run(self, mistakes: &[Mistake], more: &[(&str, &str)], snippet: &[&str], source: &[&str]) {
        self.log_in().await;
        self.npm(&self.scene.issuer, "1.0.0").await.failed();
        self.add(mistakes, more).await;
        let text = self.browser.text().await;
        for part in snippet {
            assert!(text.contains(part), "{part}: {text}");
        }
        self.save().await;
        self.npm(&self.scene.issuer, "1.0.0").await.succeeded();
        let text = self.until("package", "1.0.0").await;
        for part in source {
            assert!(text.contains(part), "{part}: {text}");
        }
        self.follow_a_refusal().await;
        self.browser.close().await;
    }
}

#[needs(npm, chromium, chromedriver, axe)]
#[tokio::test]
async fn a_person_configures_github_by_what_the_pages_say() {
    let other = Changes::default()
        .set("workflow_ref", "acme/widget/.github/workflows/release.yml@refs/tags/v1.0.0")
        .set("environment", "publish");
    let world = World::start(&GITHUB, other).await;
    let mistakes = [
        ("repository", "https://github.com/acme/widget.git", "it is an address", "acme/widget"),
        ("workflow", ".github/workflows/publish.yml", "it is a path", "publish.yml"),
        ("ref", "v*", "refs/", "refs/tags/v*"),
    ];
    let snippet = ["id-token: write", ".github/workflows/publish.yml", "npm publish --registry"];
    let source = [
        "trusted publisher on GitHub Actions",
        "/acme/widget/actions/runs/",
        ".github/workflows/publish.yml",
    ];
    world.run(&mistakes, &[], &snippet, &source).await;
}

#[needs(npm, chromium, chromedriver, axe)]
#[tokio::test]
async fn a_person_configures_gitlab_by_what_the_pages_say() {
    let other = Changes::default().set("project_path", "acme/group/gadget").set("environment", "publish");
    let world = World::start(&GITLAB, other).await;
    let mistakes = [
        (
            "project_path",
            "https://gitlab.com/acme/group/widget/-/tree/main",
            "it is an address",
            "acme/group/widget",
        ),
        ("ci_config", "", "needs this field", ".gitlab-ci.yml"),
        ("project_id", "widget", "number", ""),
    ];
    let snippet = ["id_tokens:", "NPM_ID_TOKEN:", "aud: \"npm:127.0.0.1\"", "npm publish --registry"];
    let source = ["trusted publisher on GitLab", "/acme/group/widget/-/jobs/", ".gitlab-ci.yml"];
    world.run(&mistakes, &[], &snippet, &source).await;
}

#[needs(npm, chromium, chromedriver, axe)]
#[tokio::test]
async fn a_person_configures_circleci_by_what_the_pages_say() {
    const ORGANIZATION: &str = "11111111-1111-4111-8111-111111111111";
    const PROJECT: &str = "22222222-2222-4222-8222-222222222222";
    const PIPELINE: &str = "33333333-3333-4333-8333-333333333333";
    let other = Changes::default()
        .set("oidc.circleci.com/pipeline-definition-id", "99999999-9999-4999-8999-999999999999");
    let world = World::start(&CIRCLECI, other).await;
    let mistakes = [
        ("org_id", "acme", "UUID", ORGANIZATION),
        ("pipeline_definition_id", "", "needs this field", PIPELINE),
        ("vcs_origin", "https://github.com/acme/widget", "as CircleCI writes it", "github.com/acme/widget"),
    ];
    let snippet = ["circleci run oidc get", "NPM_ID_TOKEN", "npm publish --registry"];
    let source = ["trusted publisher on CircleCI", "github.com/acme/widget"];
    world.run(&mistakes, &[("project_id", PROJECT)], &snippet, &source).await;
}
