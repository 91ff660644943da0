//! The real uv, twine, maturin and pip publish without a secret and install what was published.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use ci_issuer::{GITHUB, Settings};
use needs::needs;
use tests::clients::{Client, Output, Tool};
use tests::http;
use tests::python::wheel;
use tests::scene::{Scene, borrowed, refused_jobs, same_token};

const PACKAGES: [&str; 2] = ["pypi:My.Widget", "pypi:gadget"];

async fn scene(settings: Settings) -> Scene {
    Scene::start(settings, "", &PACKAGES, "").await
}

async fn published_by(scene: &Scene, file: &str) -> Option<String> {
    scene.registry.pypi().published_by(file).await.unwrap()
}

async fn install(client: &Client, scene: &Scene, arguments: &[&str]) -> Output {
    let target = client.home().join("site");
    let index = format!("{}simple/", scene.url());
    let install =
        [arguments, &["--index-url", &index, "--target", target.to_str().unwrap(), "my-widget"]].concat();
    let mut variables = trusting(scene);
    variables.push(("UV_PYTHON".to_owned(), client.python().display().to_string()));
    client.run(client.home(), &borrowed(&variables), &install).await
}

async fn not_installed(client: &Client, scene: &Scene, arguments: &[&str]) {
    install(client, scene, arguments).await.failed();
}

async fn assert_installed(client: &Client, scene: &Scene, arguments: &[&str]) {
    let target = client.home().join("site");
    let script = "import my_widget; print(my_widget.version)";
    install(client, scene, arguments).await.succeeded();
    let seen = [("PYTHONPATH", target.to_str().unwrap())];
    let printed =
        client.run_program(&client.python(), client.home(), &seen, &["-c", script]).await.succeeded();
    assert_eq!(printed.trim(), "1.0.0");
}

/// The variables that make a client trust the registry's certificate, where it has one.
fn trusting(scene: &Scene) -> Vec<(String, String)> {
    let certificate = scene.certificate().to_str().unwrap().to_owned();
    vec![("SSL_CERT_FILE".to_owned(), certificate)]
}

async fn uv_publish(uv: &Client, scene: &Scene, name: &str, version: &str) -> Output {
    let (folder, file) = wheel(uv, name, version).await;
    let url = format!("{}legacy/", scene.url());
    let variables = [scene.issuer.env().to_vec(), trusting(scene)].concat();
    let publish = ["publish", "--publish-url", &url, "--trusted-publishing", "always", &file];
    uv.run(&folder, &borrowed(&variables), &publish).await
}

#[needs(uv)]
#[tokio::test]
async fn uv_publishes_by_identity_over_https_and_installs() {
    let uv = Tool::Uv.find().await;
    let scene = Scene::secure(Settings::new(&GITHUB), &PACKAGES, "").await;
    uv_publish(&uv, &scene, "my_widget", "1.0.0").await.succeeded();
    let by = published_by(&scene, "my_widget-1.0.0-py3-none-any.whl").await.unwrap();
    assert!(by.contains("trusted-publisher"), "{by}");
    // Both need PEP 700's times: without them nothing is resolved.
    let too_new = ["pip", "install", "--exclude-newer", "2020-01-01"];
    not_installed(&uv, &scene, &too_new).await;
    assert_installed(&uv, &scene, &["pip", "install", "--exclude-newer", "2100-01-01"]).await;
}

#[needs(pip, twine)]
#[tokio::test]
async fn twine_publishes_under_exec_and_pip_installs() {
    let (twine, pip) = (Tool::Twine.find().await, Tool::Pip.find().await);
    let scene = scene(Settings::new(&GITHUB)).await;
    let (folder, file) = wheel(&twine, "my_widget", "1.0.0").await;
    let url = format!("{}legacy/", scene.url());
    let options = ["--registry", "pypi", "--url", &url, "--trusted-publishing", "always"];
    let upload = ["upload", "--non-interactive", "--repository-url", &url, &file];
    twine.publish(&folder, &borrowed(scene.issuer.env()), &options, &upload).await.succeeded();
    assert_eq!(scene.count("oidc_token").await, 0, "the token was burned");
    assert!(published_by(&scene, &file).await.unwrap().contains("trusted-publisher"));
    not_installed(&pip, &scene, &["install", "--uploaded-prior-to", "2020-01-01T00:00:00Z"]).await;
    assert_installed(&pip, &scene, &["install", "--uploaded-prior-to", "2100-01-01T00:00:00Z"]).await;

    let spelled_otherwise = "My_Widget-1.0.0-py3-none-any.whl";
    std::fs::copy(folder.join(&file), folder.join(spelled_otherwise)).unwrap();
    let replace = ["upload", "--non-interactive", "--repository-url", &url, spelled_otherwise];
    let replaced = twine.publish(&folder, &borrowed(scene.issuer.env()), &options, &replace).await.failed();
    assert!(replaced.contains("409"), "{replaced}");

    let twice = twine.publish(&folder, &borrowed(scene.issuer.env()), &options, &upload).await.failed();
    assert!(twice.contains("409"), "{twice}");

    let foreign = Scene::start(Settings::new(&GITHUB), "", &["pypi:other"], "").await;
    let url = format!("{}legacy/", foreign.url());
    let options = ["--registry", "pypi", "--url", &url, "--trusted-publishing", "always"];
    let upload = ["upload", "--non-interactive", "--repository-url", &url, &file];
    let denied = twine.publish(&folder, &borrowed(foreign.issuer.env()), &options, &upload).await.failed();
    let denied = denied.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(denied.contains("give my-widget a trusted publisher that accepts this job"), "{denied}");
}

#[needs(maturin)]
#[tokio::test]
async fn maturin_uploads_by_identity_on_the_legacy_path() {
    let maturin = Tool::Maturin.find().await;
    let scene = scene(Settings::new(&GITHUB)).await;
    let (folder, file) = wheel(&maturin, "my_widget", "1.0.0").await;
    let url = format!("{}legacy/", scene.url());
    let upload = ["upload", "--non-interactive", "--repository-url", &url, &file];
    maturin.run(&folder, &borrowed(scene.issuer.env()), &upload).await.succeeded();
    assert!(published_by(&scene, &file).await.unwrap().contains("trusted-publisher"));
}

#[needs(uv)]
#[tokio::test]
async fn uv_shows_why_it_is_refused() {
    let uv = Tool::Uv.find().await;
    for (settings, rules, part) in refused_jobs() {
        let code = if part == "expired" { "invalid-token" } else { "invalid-publisher" };
        let scene = Scene::secure(settings, &PACKAGES, rules).await;
        let printed = uv_publish(&uv, &scene, "my_widget", "1.0.0").await.failed();
        assert!(printed.contains(part) && printed.contains(code), "{part}: {printed}");
        assert_eq!(scene.count("hosted_file").await, 0);
    }
    let scene = Scene::secure(same_token(), &PACKAGES, "").await;
    uv_publish(&uv, &scene, "my_widget", "1.0.0").await.succeeded();
    let replayed = uv_publish(&uv, &scene, "my_widget", "1.0.1").await.failed();
    assert!(replayed.contains("invalid-reuse-token"), "{replayed}");
    let foreign = Scene::secure(Settings::new(&GITHUB), &["pypi:other"], "").await;
    let printed = uv_publish(&uv, &foreign, "my_widget", "1.0.0").await.failed();
    assert!(printed.contains("my-widget") && printed.contains("403"), "{printed}");
}

async fn upload_under_exec(twine: &Client, scene: &Scene, version: &str) -> Output {
    let (folder, file) = wheel(twine, "my_widget", version).await;
    let url = format!("{}legacy/", scene.url());
    let options = ["--registry", "pypi", "--url", &url, "--trusted-publishing", "always"];
    let upload = ["upload", "--non-interactive", "--repository-url", &url, &file];
    twine.publish(&folder, &borrowed(scene.issuer.env()), &options, &upload).await
}

/// `trusted-publish` says why, and twine doesn't run.
#[needs(twine)]
#[tokio::test]
async fn what_is_refused_under_exec_is_readable() {
    let twine = Tool::Twine.find().await;
    for (settings, rules, part) in refused_jobs() {
        let scene = Scene::start(settings, "", &PACKAGES, rules).await;
        let printed = upload_under_exec(&twine, &scene, "1.0.0").await.failed();
        assert!(printed.contains(part) && printed.contains("422"), "{part}: {printed}");
        assert_eq!(scene.count("hosted_file").await, 0);
    }
    let scene = Scene::start(same_token(), "", &PACKAGES, "").await;
    upload_under_exec(&twine, &scene, "1.0.0").await.succeeded();
    let replayed = upload_under_exec(&twine, &scene, "1.0.1").await.failed();
    assert!(replayed.contains("already used") && replayed.contains("422"), "{replayed}");
    assert_eq!(scene.count("hosted_file").await, 1);
}

async fn maturin_upload(maturin: &Client, scene: &Scene, version: &str) -> Output {
    let (folder, file) = wheel(maturin, "my_widget", version).await;
    let url = format!("{}legacy/", scene.url());
    let upload = ["upload", "--non-interactive", "--repository-url", &url, &file];
    maturin.run(&folder, &borrowed(scene.issuer.env()), &upload).await
}

/// Maturin throws the registry's answer away: it says that a member `token` is missing in it.
#[needs(maturin)]
#[tokio::test]
async fn maturin_is_refused_and_does_not_say_why() {
    let maturin = Tool::Maturin.find().await;
    for (settings, rules, part) in refused_jobs() {
        let scene = Scene::start(settings, "", &PACKAGES, rules).await;
        let printed = maturin_upload(&maturin, &scene, "1.0.0").await.failed();
        assert!(printed.contains("missing field `token`"), "{part}: {printed}");
        assert_eq!(scene.count("hosted_file").await, 0);
    }
    let scene = Scene::start(same_token(), "", &PACKAGES, "").await;
    maturin_upload(&maturin, &scene, "1.0.0").await.succeeded();
    let replayed = maturin_upload(&maturin, &scene, "1.0.1").await.failed();
    assert!(replayed.contains("missing field `token`"), "{replayed}");
    assert_eq!(scene.count("hosted_file").await, 1);
}

#[needs(twine)]
#[tokio::test]
async fn the_simple_index_speaks_html_and_json() {
    let twine = Tool::Twine.find().await;
    let scene = scene(Settings::new(&GITHUB)).await;
    let (folder, file) = wheel(&twine, "my_widget", "1.0.0").await;
    let url = format!("{}legacy/", scene.url());
    let options = ["--registry", "pypi", "--url", &url];
    let upload = ["upload", "--non-interactive", "--repository-url", &url, &file];
    twine.publish(&folder, &borrowed(scene.issuer.env()), &options, &upload).await.succeeded();
    let get = |path: &'static str, accept: &'static str| {
        let request = http::get_at(&format!("{}{path}", scene.url())).header("accept", accept);
        http::send(&scene.cx, request)
    };
    let json = get("simple/my-widget/", "application/vnd.pypi.simple.v1+json").await;
    let json = http::body(&json);
    assert_eq!((&json["meta"]["api-version"], &json["versions"]), (&"1.3".into(), &vec!["1.0.0"].into()));
    let listed = &json["files"][0];
    let size = std::fs::metadata(folder.join(&file)).unwrap().len();
    assert_eq!(listed["size"], size);
    assert!(listed["upload-time"].as_str().unwrap().ends_with('Z'), "{listed}");
    assert_eq!((&listed["filename"], &listed["requires-python"]), (&file.as_str().into(), &">=3.8".into()));
    let content = http::send(&scene.cx, http::get_at(listed["url"].as_str().unwrap())).await;
    assert_eq!(content.status, 200);
    let html = get("simple/my-widget/", "text/html").await;
    let html = String::from_utf8(html.body).unwrap();
    assert!(html.contains("#sha256=") && html.contains("data-requires-python=\"&gt;=3.8\""), "{html}");
    assert_eq!(
        http::body(&get("simple/", "application/vnd.pypi.simple.v1+json").await)["projects"][0]["name"],
        "my-widget"
    );
    assert_eq!(get("simple/My_Widget/", "text/html").await.status, 308);
    assert_eq!(get("simple/nothing/", "text/html").await.status, 404);
}
