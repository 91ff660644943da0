//! Uploads by publishers for a prefix of names, at the endpoints that name no package.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use ci_issuer::{GITHUB, Settings};
use oidc_core::Secret;
use oidc_core::http::{Method, Request, Response};
use oidc_exchange::server::{Package, PublisherRecord, TrustStore as _};
use tests::scene::{ADMIN, Scene};
use tests::uploads::{Endpoint, crate_body, form};
use tests::{gems, http};

/// The endpoints, each with its ecosystem.
const ENDPOINTS: [(Endpoint, &str); 3] =
    [(Endpoint::Cargo, "cargo"), (Endpoint::Pypi, "pypi"), (Endpoint::Gem, "rubygems")];
const PUBLISHER: &str = "provider = \"github\"\nrepository = \"acme/widget\"\nworkflow = \"publish.yml\"\n";

/// A registry of one ecosystem with a publisher for the prefix `acme-`, and this before it.
async fn scene(ecosystem: &str, packages: &str) -> Scene {
    let configure = |config: String, _: &std::path::Path| {
        let prefix = format!(
            "[[scope]]\necosystem = \"{ecosystem}\"\nprefix = \"acme-\"\n[[scope.publisher]]\n{PUBLISHER}"
        );
        format!("{config}\n{packages}\n{prefix}")
    };
    Scene::within(http::system(), Settings::new(&GITHUB), "", &[], "", configure).await
}

fn package(ecosystem: &str, name: &str) -> String {
    format!("[[package]]\necosystem = \"{ecosystem}\"\nname = \"{name}\"\n")
}

async fn publish(scene: &Scene, endpoint: Endpoint, name: &str, version: &str, token: &str) -> Response {
    let at = |method, path: &str| Request::new(method, http::url(&scene.url(), path));
    let bytes = "application/octet-stream";
    let request = match endpoint {
        Endpoint::Cargo => at(Method::Put, "/api/v1/crates/new")
            .header("authorization", token)
            .body(bytes, crate_body(name, version)),
        Endpoint::Pypi => {
            let (kind, body) = form(name, version);
            at(Method::Post, "/legacy/").bearer(&Secret::new(token)).body(kind, body)
        }
        Endpoint::Gem => at(Method::Post, "/rubygems/api/v1/gems")
            .header("authorization", token)
            .body(bytes, gems::named(name, version)),
        other => panic!("{other:?} names a package"),
    };
    http::send(&scene.cx, request).await
}

async fn publishers(scene: &Scene, package: &Package) -> Vec<PublisherRecord> {
    scene.database().list(package).await.unwrap()
}

#[tokio::test]
async fn a_publisher_for_a_prefix_uploads_to_the_packages_that_exist() {
    for (endpoint, ecosystem) in ENDPOINTS {
        let packages = package(ecosystem, "acme-widget") + &package(ecosystem, "other");
        let scene = scene(ecosystem, &packages).await;
        let token = endpoint.token(&scene).await;
        for (name, status) in [("acme-widget", 200), ("other", 403)] {
            let answer = publish(&scene, endpoint, name, "1.0.0", &token).await;
            assert_eq!(answer.status, status, "{ecosystem} {name}: {answer:?}");
        }
        let nothing = publish(&scene, endpoint, "acme-nothing", "1.0.0", &token).await;
        assert!((400..500).contains(&nothing.status), "{ecosystem}: it creates no package: {nothing:?}");
        let prefix = Package::prefix(ecosystem, "acme-").unwrap();
        let publisher = publishers(&scene, &prefix).await.remove(0);
        assert!(publisher.proven && publisher.published_at.is_some(), "{ecosystem}: it published");
        assert!(scene.database().remove(&prefix, &publisher.id).await.unwrap());
        let ended = publish(&scene, endpoint, "acme-widget", "2.0.0", &token).await;
        assert!([401, 403].contains(&ended.status), "{ecosystem}: its token ended with it: {ended:?}");
    }
}

#[tokio::test]
async fn a_pending_publisher_beside_a_prefix_for_the_same_job_creates_its_package() {
    for (endpoint, ecosystem) in ENDPOINTS {
        let pending = format!("[[package.publisher]]\npending = true\n{PUBLISHER}");
        let scene = scene(ecosystem, &(package(ecosystem, "acme-new") + &pending)).await;
        let token = endpoint.token(&scene).await;
        for version in ["1.0.0", "1.1.0"] {
            let answer = publish(&scene, endpoint, "acme-new", version, &token).await;
            assert_eq!(answer.status, 200, "{ecosystem} {version}: {answer:?}");
        }
        let publisher = publishers(&scene, &Package::new(ecosystem, "acme-new")).await.remove(0);
        assert!(!publisher.pending && publisher.proven, "{ecosystem}: it created its package");
    }
}

#[tokio::test]
async fn the_publishers_of_an_npm_package_include_those_for_a_prefix_of_its_name() {
    let scene = scene("npm", &package("npm", "acme-widget")).await;
    let list = |name: &str| {
        let url = http::url(&scene.url(), &format!("/-/package/{name}/trust"));
        http::send(&scene.cx, Request::get(url).bearer(&Secret::new(ADMIN)))
    };
    let listed = http::body(&list("acme-widget").await);
    assert_eq!(listed[0]["packages"], "acme-*", "{listed}");
    assert_eq!(list("acme-nothing").await.status, 404);
    let id = listed[0]["id"].as_str().unwrap();
    let url = http::url(&scene.url(), &format!("/-/package/acme-widget/trust/{id}"));
    let removed = http::send(&scene.cx, Request::new(Method::Delete, url).bearer(&Secret::new(ADMIN))).await;
    assert_eq!(removed.status, 409, "the file has it: {removed:?}");
}
