//! PEP 807's draft over loopback: the client against `registry`, and the real twine under `trusted-publish exec`.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use ci_issuer::{Changes, Fault, GITHUB, Settings};
use needs::needs;
use oidc_core::Context;
use oidc_exchange::client::{Failure, IdentityPublishToken, Pep807, PublishRequest, Registry as _};
use oidc_exchange::pep_807::{MAX_LIFETIME, MEDIA_TYPE, MIN_LIFETIME};
use tests::clients::Tool;
use tests::http;
use tests::scene::{Scene, borrowed};

async fn scene(settings: Settings, prefix: &str) -> Scene {
    Scene::start(settings, prefix, &["pypi:My.Widget", "pypi:gadget"], "").await
}

fn client(scene: &Scene) -> Pep807 {
    Pep807::at(&format!("{}legacy/", scene.url())).unwrap()
}

/// The job's world.
fn job(scene: &Scene) -> Context {
    scene.cx.clone().with_environment(borrowed(scene.issuer.env()).into_iter().collect())
}

async fn publish_token(scene: &Scene) -> Result<IdentityPublishToken, Failure> {
    let (request, providers) = (PublishRequest::identity(), oidc_providers::all());
    oidc_exchange::publish_token(&client(scene), request, &providers, &job(scene)).await
}

#[tokio::test]
async fn a_token_is_discovered_minted_and_ended_at_the_root_and_below_a_path() {
    for prefix in ["", "/acme/index"] {
        let scene = scene(Settings::new(&GITHUB), prefix).await;
        let now = scene.cx.clock().now();
        let token = publish_token(&scene).await.unwrap();
        let lives = token.expires_at().unwrap().since(now);
        assert!(MIN_LIFETIME <= lives && lives <= MAX_LIFETIME, "{lives:?}");
        assert_eq!(scene.count("oidc_token").await, 1);
        assert!(client(&scene).revoke(&token, &scene.cx).await.unwrap());
        assert_eq!(scene.count("oidc_token").await, 0);
    }
}

#[tokio::test]
async fn refusals_say_why() {
    let changed = |claim: &str, value: &str| Settings {
        changes: Changes::default().set(claim, value),
        ..Settings::new(&GITHUB)
    };
    let expired = Settings { fault: Some(Fault::Expired), ..Settings::new(&GITHUB) };
    for (settings, part) in [(changed("repository", "evil/widget"), "evil/widget"), (expired, "expired")] {
        let scene = scene(settings, "").await;
        let error = publish_token(&scene).await.unwrap_err().to_string();
        assert!(error.contains(part) && error.contains("403"), "{error}");
    }
    let same = Settings { fault: Some(Fault::SameToken), ..Settings::new(&GITHUB) };
    let scene = scene(same, "").await;
    publish_token(&scene).await.unwrap();
    let replayed = publish_token(&scene).await.unwrap_err().to_string();
    assert!(replayed.contains("already used"), "{replayed}");
}

#[tokio::test]
async fn the_registry_tells_of_its_own_upload_url_and_of_nothing_else() {
    let scene = scene(Settings::new(&GITHUB), "/acme/index").await;
    let root = scene.registry.public_url().at_root();
    let ask = |path: &str, accept: &'static str| {
        let url = root.below("/.well-known/pytp").with_query("discover", path);
        http::send(&scene.cx, http::get_at(url.as_str()).header("accept", accept))
    };
    let found = http::body(&ask("/acme/index/legacy/", MEDIA_TYPE).await);
    assert_eq!(found["token-mint-endpoint"], root.below("/_/pytp/mint-token").as_str());
    assert_eq!(found["audience-endpoint"], root.below("/_/pytp/audience").as_str());
    assert_eq!(ask("/legacy/", MEDIA_TYPE).await.status, 404);
    assert_eq!(ask("/acme/index/legacy/", "application/json").await.status, 406);
    // What PyPI's own clients ask for is as it was.
    let legacy = http::send(&scene.cx, http::get(root.as_str(), "/_/oidc/audience")).await;
    assert_eq!(legacy.status, 200);
}

#[needs(twine)]
#[tokio::test]
async fn twine_uploads_with_a_token_of_the_drafts() {
    let twine = Tool::Twine.find().await;
    let scene = scene(Settings::new(&GITHUB), "/acme/index").await;
    let build = "import io, tarfile\n\
        info = 'Metadata-Version: 2.1\\nName: my_widget\\nVersion: 1.0.0\\n'\n\
        files = {'PKG-INFO': info, 'my_widget.py': 'version = 1\\n'}\n\
        archive = tarfile.open('my_widget-1.0.0.tar.gz', 'w:gz')\n\
        for name, content in files.items():\n\
        \x20   entry = tarfile.TarInfo(f'my_widget-1.0.0/{name}')\n\
        \x20   entry.size = len(content)\n\
        \x20   archive.addfile(entry, io.BytesIO(content.encode()))\n\
        archive.close()\n";
    let folder = twine.project("dist", &[("build.py", build)]);
    twine.run_program(&twine.python(), &folder, &[], &["build.py"]).await.succeeded();
    let url = format!("{}legacy/", scene.url());
    let options = ["--registry", "pep-807", "--url", &url, "--trusted-publishing", "always"];
    let upload = ["upload", "--non-interactive", "--repository-url", &url, "my_widget-1.0.0.tar.gz"];
    twine.publish(&folder, &borrowed(scene.issuer.env()), &options, &upload).await.succeeded();
    let by = scene.registry.pypi().published_by("my_widget-1.0.0.tar.gz").await.unwrap().unwrap();
    assert!(by.contains("trusted-publisher"), "{by}");
    assert_eq!(scene.count("oidc_token").await, 0, "the token was ended");
}
