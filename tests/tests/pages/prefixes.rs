//! Publishers for all packages whose names begin so, on the pages.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use ci_issuer::{Changes, GITHUB, Settings};
use needs::needs;
use oidc_core::{ProviderSet, Secret};
use oidc_exchange::server::{Package, Trust, TrustPolicy};
use oidc_providers::GitHub;
use registry::{Config, LogIn, Running};
use tests::browser::Browser;
use tests::http;
use tests::scene::{Scene, config};
use tests::visitor::{Visitor, text};

use super::hostile::{hostile, log_in};
use super::{OF_WIDGET, WIDGET};

/// The query that names the prefix of the package's scope.
pub(super) const OF_SCOPE: [(&str, &str); 2] = [("ecosystem", "npm"), ("name", "@acme/*")];

/// The packages of the registry, of which two are below the scope.
const PACKAGES: [&str; 6] =
    [WIDGET, "@acme/gadget", "@acme-evil/widget", "@acmeevil/widget", "acme", "acme-tool"];

/// The texts that are no prefix of packages' names.
const NO_PREFIX: [&str; 16] = [
    "*",
    "-*",
    "@*",
    "@/*",
    "a*",
    "acme*",
    "@acme*",
    "@acme-*",
    "acme-**",
    "@acme/x/*",
    "acme -*",
    "acme\u{2010}*",
    "\u{430}cme-*",
    "acme-\0*",
    "<script>alert(1)</script>-*",
    "\"><img src=x onerror=alert(1)>/*",
];

/// A registry whose packages have no publisher.
async fn scene() -> Scene {
    let scene = Scene::start(Settings::new(&GITHUB), "", &PACKAGES, "").await;
    scene.execute("DELETE FROM oidc_publisher").await;
    scene
}

/// The form that saves a publisher with a workflow.
fn saving<'a>(of: &[(&'a str, &'a str)], issuer: &'a str, workflow: &'a str) -> Vec<(&'a str, &'a str)> {
    let publisher =
        [("issuer", issuer), ("f.repository", "acme/widget"), ("f.workflow", workflow), ("action", "save")];
    [of, &publisher].concat()
}

/// The status of an exchange for a package by a job with the workflow.
async fn exchange(scene: &Scene, package: &str, workflow: &str) -> u16 {
    let workflow = format!("acme/widget/.github/workflows/{workflow}@refs/tags/v1.0.0");
    let token = scene.issuer.token(&scene.audience(), &Changes::default().set("workflow_ref", workflow));
    http::send(&scene.cx, http::exchange(&scene.url(), package, &token)).await.status
}

async fn granted(scene: &Scene, workflow: &str) -> Vec<&'static str> {
    let mut granted = Vec::new();
    for package in PACKAGES.into_iter().chain(["@acme/new"]) {
        if exchange(scene, package, workflow).await == 201 {
            granted.push(package);
        }
    }
    granted
}

async fn stored(scene: &Scene) -> Vec<String> {
    scene.texts("SELECT id || config FROM oidc_publisher ORDER BY id").await
}

/// The id of the only publisher.
async fn id(scene: &Scene) -> String {
    let mut ids = scene.texts("SELECT id FROM oidc_publisher").await;
    assert_eq!(ids.len(), 1, "{ids:?}");
    ids.remove(0)
}

#[tokio::test]
async fn a_prefix_is_for_the_packages_below_it_until_its_publisher_is_removed() {
    let scene = scene().await;
    let (known, issuer) = (Visitor::known(&scene).await, scene.issuer.url().to_owned());
    let answer = known.send("publisher", &saving(&OF_SCOPE, &issuer, "release.yml")).await;
    assert_eq!(answer.status, 303, "{}", text(&answer));
    let place = "/-/ui/settings?ecosystem=npm&name=%40acme%2F*&saved=1";
    assert_eq!(answer.header("location"), Some(place));
    assert_eq!(granted(&scene, "release.yml").await, [WIDGET, "@acme/gadget"]);
    assert_eq!(granted(&scene, "other.yml").await, [""; 0]);

    let id = id(&scene).await;
    let of_id = [OF_SCOPE.as_slice(), &[("id", &*id)]].concat();
    let answer = known.send("publisher", &saving(&of_id, &issuer, "ship.yml")).await;
    assert_eq!(answer.status, 303, "{}", text(&answer));
    assert_eq!(granted(&scene, "release.yml").await, [""; 0], "it replaces the one before");
    assert_eq!(granted(&scene, "ship.yml").await, [WIDGET, "@acme/gadget"]);

    let id = self::id(&scene).await;
    let settings = text(&known.page("settings", &OF_SCOPE).await);
    assert!(settings.contains("ship.yml") && settings.contains("these pages"), "{settings}");
    assert_eq!(known.send("remove", &[OF_SCOPE.as_slice(), &[("id", &*id)]].concat()).await.status, 303);
    assert_eq!((stored(&scene).await, granted(&scene, "ship.yml").await), (Vec::new(), Vec::new()));
}

#[tokio::test]
async fn a_package_shows_its_prefixes_publisher_and_changes_it_there_alone() {
    let scene = scene().await;
    let (known, issuer) = (Visitor::known(&scene).await, scene.issuer.url().to_owned());
    assert_eq!(known.send("publisher", &saving(&OF_SCOPE, &issuer, "release.yml")).await.status, 303);
    let (id, before) = (id(&scene).await, stored(&scene).await);
    let settings = text(&known.page("settings", &OF_WIDGET).await);
    assert!(settings.contains("href=\"/-/ui/settings?ecosystem=npm&amp;name=%40acme%2F*\""), "{settings}");
    assert!(!settings.contains(&format!("id={id}")), "neither to edit nor to remove: {settings}");
    let others = ["@acme/gadget", WIDGET, "acme-*", "@acme-evil/*", "@acme/w-*", "@acme/"].into_iter();
    for (ecosystem, name) in others.map(|name| ("npm", name)).chain([("pypi", "acme-*"), ("cargo", "acme-*")])
    {
        let of = [("ecosystem", ecosystem), ("name", name), ("id", &*id)];
        for page in ["publisher", "remove"] {
            assert_eq!(known.page(page, &of).await.status, 404, "{page} {name}");
        }
        assert_eq!(known.send("remove", &of).await.status, 404, "{name}");
        assert_eq!(known.send("publisher", &saving(&of, &issuer, "evil.yml")).await.status, 404, "{name}");
    }
    assert_eq!(stored(&scene).await, before);
    let elsewhere =
        text(&known.page("settings", &[("ecosystem", "npm"), ("name", "@acme-evil/widget")]).await);
    assert!(!elsewhere.contains("release.yml"), "{elsewhere}");
}

#[tokio::test]
async fn what_is_no_prefix_is_refused_with_the_rule_and_saves_nothing() {
    let scene = scene().await;
    let (known, issuer) = (Visitor::known(&scene).await, scene.issuer.url().to_owned());
    for name in NO_PREFIX {
        for ecosystem in ["npm", "pypi", "cargo", "rubygems"] {
            let of = [("ecosystem", ecosystem), ("name", name)];
            for page in ["settings", "publisher", "remove", "package", "audit"] {
                let answer = known.page(page, &of).await;
                assert_eq!(answer.status, 404, "{page} {ecosystem} {name}");
                assert!(!text(&answer).contains("<script>") && !text(&answer).contains("<img"), "{name}");
            }
            let answer = known.send("publisher", &saving(&of, &issuer, "a.yml")).await;
            assert_eq!(answer.status, 404, "{ecosystem} {name}");
            let asked = known.page("prefixes", &[("ecosystem", ecosystem), ("prefix", name)]).await;
            let page = text(&asked);
            assert_eq!(asked.status, 422, "{ecosystem} {name}");
            assert!(page.contains("Error: ") && page.contains("expected the beginning of a name"), "{page}");
            assert!(!page.contains("<script>") && !page.contains("<img"), "{page}");
        }
    }
    for (ecosystem, name) in [("npm", &*format!("{}-*", "a".repeat(214))), ("npm", &"a-".repeat(33))] {
        let asked = known.page("prefixes", &[("ecosystem", ecosystem), ("prefix", name)]).await;
        assert_eq!(asked.status, 422, "{name}");
    }
    assert_eq!(stored(&scene).await, [""; 0]);
}

#[tokio::test]
async fn a_prefix_is_found_as_people_write_it() {
    let scene = scene().await;
    let known = Visitor::known(&scene).await;
    for (ecosystem, text, place) in [
        ("npm", "@acme/", "npm&name=%40acme%2F*"),
        ("npm", " @acme/* ", "npm&name=%40acme%2F*"),
        ("npm", "acme-", "npm&name=acme-*"),
        ("pypi", "Acme_", "pypi&name=acme-*"),
        ("", "acme-", "npm&name=acme-*"),
    ] {
        let answer = known.page("prefixes", &[("ecosystem", ecosystem), ("prefix", text)]).await;
        let place = format!("/-/ui/settings?ecosystem={place}");
        assert_eq!((answer.status, answer.header("location")), (303, Some(&*place)), "{text}");
    }
    assert_eq!(known.page("prefixes", &[]).await.status, 200);
}

#[tokio::test]
async fn all_faults_of_a_publisher_for_a_prefix_are_told_at_once() {
    let scene = scene().await;
    let (known, issuer) = (Visitor::known(&scene).await, scene.issuer.url().to_owned());
    let faults = [("issuer", &*issuer), ("f.repository", "acme"), ("f.ref", "v*"), ("action", "save")];
    let answer = known.send("publisher", &[OF_SCOPE.as_slice(), &faults].concat()).await;
    let page = text(&answer);
    assert_eq!(answer.status, 422);
    for key in ["repository", "workflow", "ref"] {
        assert!(page.contains(&format!("id=\"error-{key}\"")), "{key}: {page}");
    }
    assert_eq!(known.send("publisher", &saving(&OF_SCOPE, &issuer, "release.yml")).await.status, 303);
    let answer = known.send("publisher", &saving(&OF_SCOPE, &issuer, "release.yml")).await;
    assert_eq!(answer.status, 422, "it is there already");
    assert_eq!(stored(&scene).await.len(), 1);
}

#[tokio::test]
async fn nobody_sees_a_prefixs_publishers_without_a_log_in() {
    let scene = scene().await;
    let nobody = Visitor::of(&scene);
    for page in ["settings", "publisher", "remove", "prefixes"] {
        let answer = nobody.page(page, &OF_SCOPE).await;
        assert_eq!(answer.status, 303, "{page}");
        assert!(answer.header("location").unwrap().starts_with("/-/ui/log-in?next="), "{page}");
    }
}

/// A publisher of an account of an application that shares the stores.
async fn of_mallory(scene: &Scene) {
    let issuer = scene.issuer.url();
    let platforms = ProviderSet::of(GitHub::at(issuer).unwrap());
    let policy = TrustPolicy::default().prefixes_per_account(1);
    let trust = Trust::new(platforms, scene.database().clone(), &scene.cx).with_policy(policy);
    let rules = serde_json::json!({ "repository": "acme/widget", "workflow": "mallory.yml" });
    let prefix = Package::prefix("npm", "@acme/").unwrap();
    let record = trust.prepare(prefix, "github", Some(issuer), rules).unwrap().of_account("mallory");
    trust.add(&record).await.unwrap();
}

#[tokio::test]
async fn a_publisher_of_another_account_for_the_prefix_is_neither_shown_nor_changed_nor_for_these_packages() {
    let scene = scene().await;
    let (known, issuer) = (Visitor::known(&scene).await, scene.issuer.url().to_owned());
    of_mallory(&scene).await;
    let (id, before) = (id(&scene).await, stored(&scene).await);
    assert_eq!(granted(&scene, "mallory.yml").await, [""; 0]);
    for of in [OF_SCOPE, OF_WIDGET] {
        assert!(!text(&known.page("settings", &of).await).contains("mallory"));
        let of = [of.as_slice(), &[("id", &*id)]].concat();
        for page in ["publisher", "remove"] {
            let answer = known.page(page, &of).await;
            assert_eq!((answer.status, text(&answer).contains("mallory.yml")), (404, false), "{page}");
        }
        assert_eq!(known.send("remove", &of).await.status, 404);
        assert_eq!(known.send("publisher", &saving(&of, &issuer, "evil.yml")).await.status, 404);
    }
    assert_eq!(stored(&scene).await, before);
}

/// An account that owns one scope, and one that owns none.
#[derive(Debug)]
struct Accounts;

#[async_trait]
impl LogIn for Accounts {
    async fn log_in(&self, secret: &Secret) -> Option<String> {
        secret.expose().strip_prefix("a-token-of-").map(str::to_owned)
    }

    async fn may_configure_prefix(&self, account: &str, prefix: &Package) -> bool {
        account == "alice" && *prefix == Package::prefix("npm", "@alice/").unwrap()
    }
}

async fn start(folder: &Path) -> (ci_issuer::Running, Running, Visitor) {
    let cx = http::system();
    let issuer = ci_issuer::Running::start(Settings::new(&GITHUB), &cx).await.unwrap();
    let config = Config::parse(&config(&GITHUB, issuer.url(), folder, "", &[WIDGET], "")).unwrap();
    let registry = Running::start_with_log_in(config, Arc::new(Accounts), &cx).await.unwrap();
    let url = registry.public_url().as_str().to_owned();
    let origin = Some(registry.public_url().origin());
    (issuer, registry, Visitor { cx, url, cookie: None, origin })
}

#[tokio::test]
async fn the_registry_decides_which_account_configures_which_prefix() {
    let folder = tempfile::tempdir().unwrap();
    let (issuer, registry, visitor) = start(folder.path()).await;
    let (mut alice, mut bob) = (visitor.clone(), visitor);
    assert_eq!(alice.log_in("a-token-of-alice", "").await.status, 303);
    assert_eq!(bob.log_in("a-token-of-bob", "").await.status, 303);
    let own = [("ecosystem", "npm"), ("name", "@alice/*")];
    assert_eq!(alice.send("publisher", &saving(&own, issuer.url(), "a.yml")).await.status, 303);
    let page = text(&alice.page("settings", &own).await);
    let (_, id) = page.split_once(";id=").expect("the way to edit it");
    let (id, _) = id.split_once('"').unwrap();
    let foreign = ["@acme/*", "@alice-evil/*", "@alice/x-*", "@Alice/*", "alice-*", "a-*"];
    let foreign =
        foreign.map(|name| (&alice, name)).into_iter().chain([(&bob, "@alice/*"), (&bob, "@acme/*")]);
    for (account, name) in foreign {
        let of = [("ecosystem", "npm"), ("name", name), ("id", id)];
        for page in ["settings", "publisher", "remove"] {
            let answer = account.page(page, &of).await;
            assert!([403, 404].contains(&answer.status), "{page} {name}: {}", answer.status);
            assert!(!text(&answer).contains("a.yml"), "{page} {name}");
        }
        for of in [&of[..2], &of] {
            let status = account.send("publisher", &saving(of, issuer.url(), "b.yml")).await.status;
            assert!([403, 404].contains(&status), "{name}: {status}");
        }
        assert!([403, 404].contains(&account.send("remove", &of).await.status), "{name}");
    }
    let page = text(&alice.page("settings", &own).await);
    assert!(page.contains("a.yml") && !page.contains("b.yml"), "{page}");
    assert_eq!(alice.send("remove", &[own.as_slice(), &[("id", id)]].concat()).await.status, 303);
    registry.stop().await;
}

#[needs(chromium, chromedriver, axe)]
#[tokio::test]
async fn a_person_configures_a_prefix_by_what_the_pages_say() {
    let (browser, scene) = (Browser::start().await, scene().await);
    log_in(&browser, &scene).await;
    browser.open(&format!("{}-/ui/settings?ecosystem=npm&name=%40acme%2Fwidget", scene.url())).await;
    browser.press("Trusted publishers of several packages").await;
    assert_eq!(browser.violations().await, [""; 0]);
    browser.fill("#prefix", "@acme").await;
    browser.press("Continue").await;
    assert!(browser.title().await.starts_with("Error: "));
    let described = "return document.querySelector('#prefix').getAttribute('aria-describedby')";
    assert_eq!(browser.run(described).await, "error-prefix hint-prefix");
    assert_eq!(browser.violations().await, [""; 0]);
    browser.fill("#prefix", "@acme/").await;
    browser.press("Continue").await;
    assert!(browser.text().await.contains("@acme/*"));
    assert_eq!(browser.violations().await, [""; 0]);

    browser.press("Add a trusted publisher").await;
    browser.fill("#field-repository", "https://github.com/acme/widget").await;
    browser.fill("#field-workflow", "release").await;
    browser.press("Continue").await;
    for key in ["repository", "workflow"] {
        assert!(!browser.find(&format!("#error-{key}")).await.text().await.unwrap().is_empty(), "{key}");
    }
    assert_eq!(browser.violations().await, [""; 0]);
    browser.press("Use acme/widget").await;
    browser.fill("#field-workflow", "release.yml").await;
    browser.press("Continue").await;
    assert!(browser.text().await.contains("every package of this registry whose name begins so"));
    assert_eq!(browser.violations().await, [""; 0]);
    assert_eq!(granted(&scene, "release.yml").await, [""; 0], "nothing is saved yet");
    browser.press("Save").await;
    assert!(browser.text().await.contains("The trusted publisher was saved."));
    assert_eq!(granted(&scene, "release.yml").await, [WIDGET, "@acme/gadget"]);

    browser.open(&format!("{}-/ui/settings?ecosystem=npm&name=%40acme%2Fwidget", scene.url())).await;
    browser.follow("//article//a[contains(., '@acme/*')]").await;
    browser.follow("//a[starts-with(., 'Edit')]").await;
    browser.fill("#field-workflow", "ship.yml").await;
    browser.press("Continue").await;
    browser.press("Save").await;
    assert_eq!(granted(&scene, "ship.yml").await, [WIDGET, "@acme/gadget"]);
    browser.follow("//a[starts-with(., 'Remove')]").await;
    assert_eq!(browser.violations().await, [""; 0]);
    browser.press("Remove").await;
    assert!(browser.text().await.contains("The trusted publisher was removed."));
    assert_eq!(granted(&scene, "ship.yml").await, [""; 0]);
    browser.close().await;
}

#[needs(chromium, chromedriver, axe)]
#[tokio::test]
async fn no_value_of_a_prefix_acts_or_breaks_its_page() {
    let (browser, scene) = (Browser::start().await, scene().await);
    log_in(&browser, &scene).await;
    browser.look(360, "light").await;
    for (at, value) in hostile().into_iter().enumerate() {
        let query = form_urlencoded::Serializer::new(String::new()).append_pair("prefix", &value).finish();
        browser.open(&format!("{}-/ui/prefixes?{query}", scene.url())).await;
        assert!(!browser.title().await.contains("acted"), "{value:?}");
        assert_eq!(browser.overflow().await, 0, "{value:?}");
        let foreign = "return document.querySelectorAll('main script, main img, main svg, main iframe, main base, main meta, \
             [onerror], [onload], [onfocus], [onmouseover], form[action*=evil]').length";
        assert_eq!(browser.run(foreign).await, 0, "{value:?}");
        if at % 8 == 0 {
            assert_eq!(browser.violations().await, [""; 0], "{value:?}");
        }
    }
    browser.close().await;
}
