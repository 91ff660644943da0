//! The real gem publishes without a secret, through `trusted-publish`, and installs what was published.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::path::{Path, PathBuf};

use ci_issuer::{Changes, GITHUB, GITLAB, Platform, Settings};
use needs::needs;
use oidc_core::http::{Method, Request};
use tests::clients::{Client, Output, Tool};
use tests::http;
use tests::scene::{ADMIN, Scene, borrowed, refused_jobs, same_token};

const GEMS: [&str; 2] = ["rubygems:widget", "rubygems:acme-gadget"];

async fn scene(platform: &'static Platform, prefix: &str) -> Scene {
    Scene::start(Settings::new(platform), prefix, &GEMS, "").await
}

/// The URL of the registry's gems, without a slash at the end, as `gem` gets it.
fn gems(scene: &Scene) -> String {
    format!("{}rubygems", scene.url())
}

/// The variables of a job. On GitLab, a token for this registry of gems is among them.
fn job(scene: &Scene) -> Vec<(String, String)> {
    let audience = gems(scene).trim_start_matches("http://").to_owned();
    let mut variables = scene.issuer.env().to_vec();
    if !variables.iter().any(|(name, _)| name == "GITHUB_ACTIONS") {
        variables.push(("RUBYGEMS_ORG_ID_TOKEN".to_owned(), scene.token(&audience)));
    }
    variables
}

/// A folder with a gem built in it, and the gem's file.
async fn built(gem: &Client, name: &str, version: &str, more: &str) -> (PathBuf, String) {
    let module = if name == "widget" { "Widget" } else { "Gadget" };
    let library = format!("module {module}; NUMBER = 7; end\n");
    let specification = format!(
        "Gem::Specification.new do |s|\n  s.name = '{name}'\n  s.version = '{version}'\n  s.summary = 'A: tést'\n  \
         s.authors = ['Ärne', '1.0']\n  s.license = 'MIT'\n  s.files = ['lib/{name}.rb']\n  \
         s.homepage = 'https://acme.example/widget'\n  s.metadata = {{ 'rubygems_mfa_required' => 'true' }}\n  {more}\nend\n"
    );
    let files = [("a.gemspec", specification.as_str()), (&format!("lib/{name}.rb"), &library)];
    let folder = gem.project(&format!("{name}-{version}"), &files);
    gem.run(&folder, &[], &["build", "a.gemspec", "--output", "built.gem"]).await.succeeded();
    (folder, "built.gem".to_owned())
}

/// `gem push` under `trusted-publish exec`.
async fn push(gem: &Client, scene: &Scene, folder: &Path, file: &str) -> Output {
    let url = gems(scene);
    let options = ["--registry", "rubygems", "--url", &url, "--trusted-publishing", "always"];
    gem.publish(folder, &borrowed(&job(scene)), &options, &["push", "--host", &url, file]).await
}

/// Builds a gem and pushes it.
async fn publish(gem: &Client, scene: &Scene, name: &str, version: &str) -> Output {
    let (folder, file) = built(gem, name, version, "").await;
    push(gem, scene, &folder, &file).await
}

async fn install(gem: &Client, scene: &Scene, more: &[&str]) -> Output {
    let source = format!("{}/", gems(scene));
    let install = ["install", "--no-document", "--clear-sources", "--source", &source];
    gem.run(gem.home(), &[], &[install.as_slice(), more].concat()).await
}

/// Runs a script with Ruby, which sees what was installed.
async fn ruby(gem: &Client, script: &str, arguments: &[&str]) -> String {
    let arguments = [&["-e", script], arguments].concat();
    gem.run_program(&gem.ruby(), gem.home(), &[], &arguments).await.succeeded()
}

async fn get(scene: &Scene, path: &str) -> Vec<u8> {
    let answer = http::send(&scene.cx, http::get_at(&format!("{}{path}", gems(scene)))).await;
    assert_eq!(answer.status, 200, "{path}: {answer:?}");
    answer.body
}

async fn gem_publishes_and_installs(platform: &'static Platform, prefix: &str) {
    let gem = Tool::Gem.find().await;
    let scene = scene(platform, prefix).await;
    let printed = publish(&gem, &scene, "acme-gadget", "1.10.0").await.succeeded();
    assert!(printed.contains("Successfully registered gem: acme-gadget (1.10.0)"), "{printed}");
    let needs = "s.required_ruby_version = '>= 2.7'\n  s.add_dependency 'acme-gadget', '~> 1.9', '< 3'\n  \
                 s.add_development_dependency 'rake', '~> 13.0'";
    let (folder, file) = built(&gem, "widget", "1.0.0.rc1", needs).await;
    push(&gem, &scene, &folder, &file).await.succeeded();
    let by = scene.registry.rubygems().published_by("widget-1.0.0.rc1.gem").await.unwrap().unwrap();
    assert!(by.contains("trusted-publisher"), "{by}");

    install(&gem, &scene, &["widget", "--prerelease"]).await.succeeded();
    let script = "require 'widget'; require 'acme-gadget'; puts Widget::NUMBER + Gadget::NUMBER";
    assert_eq!(ruby(&gem, script, &[]).await.trim(), "14");
}

#[needs(gem)]
#[tokio::test]
async fn gem_publishes_from_github_and_installs_what_was_published() {
    gem_publishes_and_installs(&GITHUB, "").await;
}

#[needs(gem)]
#[tokio::test]
async fn gem_publishes_from_gitlab_to_a_registry_below_a_path() {
    gem_publishes_and_installs(&GITLAB, "/registry").await;
}

/// The output of `gem list` for this registry, a line for each gem.
async fn listed(gem: &Client, scene: &Scene, more: &[&str]) -> Vec<String> {
    let source = format!("{}/", gems(scene));
    let list = ["list", "--remote", "--clear-sources", "--source", &source];
    let printed = gem.run(gem.home(), &[], &[list.as_slice(), more].concat()).await.succeeded();
    printed.lines().filter(|line| line.contains(" (")).map(str::to_owned).collect()
}

#[needs(gem)]
#[tokio::test]
async fn gem_lists_what_was_published() {
    let gem = Tool::Gem.find().await;
    let scene = scene(&GITHUB, "/registry").await;
    assert_eq!(listed(&gem, &scene, &[]).await, [""; 0]);
    for version in ["1.9.0", "1.10.0", "2.0.0.rc1"] {
        publish(&gem, &scene, "widget", version).await.succeeded();
    }
    let (folder, file) = built(&gem, "widget", "1.2.0", "s.platform = 'java'").await;
    push(&gem, &scene, &folder, &file).await.succeeded();
    publish(&gem, &scene, "acme-gadget", "0.1.0").await.succeeded();
    let latest = ["acme-gadget (0.1.0)", "widget (1.10.0, 1.2.0 java)"];
    assert_eq!(listed(&gem, &scene, &[]).await, latest);
    let all = ["acme-gadget (0.1.0)", "widget (1.10.0, 1.9.0, 1.2.0 java)"];
    assert_eq!(listed(&gem, &scene, &["--all"]).await, all);
    let with_prereleases = listed(&gem, &scene, &["--prerelease", "widget"]).await;
    assert!(with_prereleases.concat().contains("2.0.0.rc1"), "{with_prereleases:?}");
}

#[needs(bundle, gem)]
#[tokio::test]
async fn bundler_installs_and_sees_what_is_new() {
    let (gem, bundle) = (Tool::Gem.find().await, Tool::Bundle.find().await);
    let scene = scene(&GITHUB, "").await;
    publish(&gem, &scene, "acme-gadget", "1.0.0").await.succeeded();
    let (folder, file) = built(&gem, "widget", "1.0.0", "s.add_dependency 'acme-gadget'").await;
    push(&gem, &scene, &folder, &file).await.succeeded();
    let gemfile = format!("source '{}/'\ngem 'widget'\n", gems(&scene));
    let project = bundle.project("app", &[("Gemfile", gemfile.as_str())]);
    let variables = [("BUNDLE_PATH", "gems"), ("BUNDLE_DISABLE_VERSION_CHECK", "true")];
    bundle.run(&project, &variables, &["install"]).await.succeeded();
    let locked = || std::fs::read_to_string(project.join("Gemfile.lock")).unwrap();
    assert!(locked().contains("widget (1.0.0)") && locked().contains("acme-gadget (1.0.0)"), "{}", locked());
    // With an index of its own by now, it asks for what is new.
    for (name, version) in [("acme-gadget", "1.1.0"), ("widget", "1.1.0")] {
        publish(&gem, &scene, name, version).await.succeeded();
    }
    bundle.run(&project, &variables, &["update", "--all"]).await.succeeded();
    assert!(locked().contains("widget (1.1.0)"), "{}", locked());
    let script = "require 'widget'; puts Widget::NUMBER";
    let printed = bundle.run(&project, &variables, &["exec", "ruby", "-e", script]).await.succeeded();
    assert_eq!(printed.trim(), "7");
}

/// What the registry says of a gem is what Ruby reads in the gem, after a dump of its own.
#[needs(gem)]
#[tokio::test]
async fn ruby_reads_the_same_specification_in_the_index_as_in_the_gem() {
    let gem = Tool::Gem.find().await;
    let scene = scene(&GITHUB, "").await;
    let needs = "s.required_ruby_version = '>= 2.7'\n  s.add_dependency 'acme-gadget', '~> 1.9', '< 3'\n  \
                 s.add_development_dependency 'rake'\n  s.email = ['a@acme.example', 'b@acme.example']\n  \
                 s.description = \"Two\\nlines: é\"\n  s.platform = 'x86_64-linux'\n  \
                 s.metadata = { 'commit' => '0b2b130', 'short' => '123e456', 'name' => 'Infinity', 'number' => '1_000' }";
    let (folder, file) = built(&gem, "widget", "2.0.0", needs).await;
    push(&gem, &scene, &folder, &file).await.succeeded();
    let quick = get(&scene, "/quick/Marshal.4.8/widget-2.0.0-x86_64-linux.gemspec.rz").await;
    std::fs::write(folder.join("quick.rz"), quick).unwrap();
    let script = "require 'rubygems/package'; require 'zlib'; folder = ARGV[0]\n\
        one = Marshal.load(Zlib::Inflate.inflate(File.binread(folder + '/quick.rz')))\n\
        two = Marshal.load(Marshal.dump(Gem::Package.new(folder + '/built.gem').spec))\n\
        %i[name version platform original_platform date summary description homepage authors email licenses metadata \
        dependencies required_ruby_version required_rubygems_version rubygems_version specification_version full_name \
        file_name].each { |key| a, b = one.send(key), two.send(key)\n\
        (key == :platform ? a.to_s == b.to_s : a == b) or abort(\"#{key}: #{a.inspect} #{b.inspect}\") }\n\
        puts 'same'";
    assert_eq!(ruby(&gem, script, &[folder.to_str().unwrap()]).await.trim(), "same");
    let content = get(&scene, "/gems/widget-2.0.0-x86_64-linux.gem").await;
    assert_eq!(content, std::fs::read(folder.join(&file)).unwrap());

    let text = async |path: &str| String::from_utf8(get(&scene, path).await).unwrap();
    let info = text("/info/widget").await;
    let line = "2.0.0-x86_64-linux acme-gadget:~> 1.9&< 3|checksum:";
    let (_, published_at) = info.split_once(",ruby:>= 2.7,rubygems:>= 0,created_at:20").unwrap();
    assert!(info.contains(line) && published_at.ends_with("Z\n"), "{info}");
    assert_eq!(text("/names").await, "---\nwidget\n");
    assert!(text("/versions").await.starts_with("---\nwidget 2.0.0-x86_64-linux "));
}

#[needs(gem)]
#[tokio::test]
async fn what_is_made_for_another_platform_is_not_installed() {
    let gem = Tool::Gem.find().await;
    let scene = scene(&GITHUB, "").await;
    let local = ruby(&gem, "puts Gem::Platform.local.to_s", &[]).await;
    for (version, platform) in [("1.0.0", local.trim()), ("2.0.0", "java")] {
        let (folder, file) = built(&gem, "widget", version, &format!("s.platform = '{platform}'")).await;
        push(&gem, &scene, &folder, &file).await.succeeded();
    }
    install(&gem, &scene, &["widget"]).await.succeeded();
    let version = ruby(&gem, "puts Gem::Specification.find_by_name('widget').full_name", &[]).await;
    assert_eq!(version.trim(), format!("widget-1.0.0-{}", local.trim()));
}

/// What is refused before there is a publish token, `trusted-publish` says; gem doesn't run.
#[needs(gem)]
#[tokio::test]
async fn refused_exchanges_are_readable_in_what_is_printed() {
    let gem = Tool::Gem.find().await;
    for (settings, rules, part) in refused_jobs() {
        let scene = Scene::start(settings, "", &["rubygems:widget"], rules).await;
        let printed = publish(&gem, &scene, "widget", "1.0.0").await.failed();
        assert!(printed.contains(part) && printed.contains("404"), "{part}: {printed}");
        assert!(!printed.contains("Pushing gem"), "{printed}");
        assert_eq!(scene.count("hosted_file").await, 0);
    }
}

#[needs(gem)]
#[tokio::test]
async fn a_replayed_token_a_published_version_and_a_foreign_gem_are_refused() {
    let gem = Tool::Gem.find().await;
    let scene = Scene::start(same_token(), "", &["rubygems:widget"], "").await;
    publish(&gem, &scene, "widget", "1.0.0").await.succeeded();
    let replayed = publish(&gem, &scene, "widget", "1.0.1").await.failed();
    assert!(replayed.contains("already used") && replayed.contains("404"), "{replayed}");

    let scene = Scene::start(Settings::new(&GITHUB), "", &["rubygems:widget"], "").await;
    publish(&gem, &scene, "widget", "1.0.0").await.succeeded();
    let twice = publish(&gem, &scene, "widget", "1.0.0").await.failed();
    assert!(twice.contains("widget-1.0.0.gem was published before"), "{twice}");
    let spelt = publish(&gem, &scene, "widget", "1.0").await.failed();
    assert!(spelt.contains("widget 1.0 was published before, as widget 1.0.0"), "{spelt}");
    let foreign = publish(&gem, &scene, "acme-gadget", "1.0.0").await.failed();
    assert!(foreign.contains("is for widget and can't publish acme-gadget"), "{foreign}");
    assert_eq!(scene.count("hosted_file").await, 1);
}

#[needs(gem)]
#[tokio::test]
async fn gem_shows_why_its_key_is_refused() {
    let gem = Tool::Gem.find().await;
    let strict = "[[package]]\necosystem = \"rubygems\"\nname = \"strict\"\ntrusted_only = true\n[[package.publisher]]\n\
                  provider = \"github\"\nrepository = \"acme/widget\"\nworkflow = \"publish.yml\"";
    let scene = Scene::start(Settings::new(&GITHUB), "", &["rubygems:widget"], strict).await;
    let (folder, file) = built(&gem, "strict", "1.0.0", "").await;
    let url = gems(&scene);
    for (key, reason) in [
        (ADMIN, "changed by its trusted publishers only"),
        ("rubygems_00", "not a publish token of this registry"),
    ] {
        let variables = [("GEM_HOST_API_KEY", key), ("RUBYGEMS_HOST", &url)];
        let printed = gem.run(&folder, &variables, &["push", &file]).await.failed();
        assert!(printed.contains(reason), "{printed}");
    }
    assert_eq!(scene.count("hosted_file").await, 0);
    push(&gem, &scene, &folder, &file).await.succeeded();
}

/// A publisher that is still to create its gem does so once.
#[needs(gem)]
#[tokio::test]
async fn a_pending_publisher_creates_the_gem() {
    let gem = Tool::Gem.find().await;
    let scene = Scene::start(Settings::new(&GITHUB), "", &["rubygems:widget"], "pending = true").await;
    for version in ["1.0.0", "1.0.1"] {
        publish(&gem, &scene, "widget", version).await.succeeded();
    }
    let host = scene.registry.rubygems();
    assert!(host.published_by("widget-1.0.1.gem").await.unwrap().unwrap().contains("\"may_create\":false"));
}

/// RubyGems has no way to end a key: it ends by itself, and nothing is said of it.
#[tokio::test]
async fn a_key_outlives_the_command_and_nobody_says_otherwise() {
    let scene = Scene::start(Settings::new(&GITHUB), "", &["rubygems:widget"], "").await;
    let url = gems(&scene);
    let script = "test -n \"$GEM_HOST_API_KEY\" && test -z \"$ACTIONS_ID_TOKEN_REQUEST_TOKEN\" && exit 7";
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_tested-trusted-publish"));
    command.args(["exec", "--registry", "rubygems", "--url", &url, "--", "sh", "-c", script]);
    let output = command.env_clear().envs(job(&scene)).output().await.unwrap();
    assert_eq!(output.status.code(), Some(7));
    let printed = String::from_utf8(output.stderr).unwrap();
    assert!(!printed.contains("revoke") && !printed.contains("ended"), "{printed}");
    assert_eq!(scene.count("oidc_token").await, 1);
}

/// The exit status and the output of `trusted-publish doctor`.
async fn doctor(scene: &Scene) -> (Option<i32>, String) {
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_tested-trusted-publish"));
    command.args(["doctor", "--registry", "rubygems", "--url", &gems(scene)]);
    let output = command.env_clear().envs(job(scene)).output().await.unwrap();
    (output.status.code(), String::from_utf8(output.stdout).unwrap())
}

#[tokio::test]
async fn doctor_says_whether_a_push_would_be_accepted() {
    let (status, report) = doctor(&scene(&GITHUB, "").await).await;
    assert_eq!(status, Some(0), "{report}");
    let changes = Changes::default().set("repository", "evil/widget");
    let stranger = Scene::start(Settings { changes, ..Settings::new(&GITHUB) }, "", &GEMS, "").await;
    let (status, report) = doctor(&stranger).await;
    assert_eq!(status, Some(1), "{report}");
    assert!(report.contains("no trusted publisher"), "{report}");
}

/// The identity token and the publish token of another registry on this host are none for gems.
#[tokio::test]
async fn tokens_of_one_ecosystem_are_none_for_another() {
    let scene = Scene::start(Settings::new(&GITHUB), "", &["widget", "rubygems:widget"], "").await;
    let of_url = |url: &str| url.trim_start_matches("http://").trim_end_matches('/').to_owned();
    let (for_cargo, for_gems) = (of_url(&scene.url()), of_url(&gems(&scene)));
    let path = "/api/v1/oidc/trusted_publisher/exchange_token";
    let exchange = |audience: &str| {
        let body = serde_json::json!({ "jwt": scene.token(audience) }).to_string();
        Request::new(Method::Post, http::url(&gems(&scene), path)).body("application/json", body)
    };
    for audience in [scene.audience(), for_cargo] {
        let refused = http::send(&scene.cx, exchange(&audience)).await;
        assert_eq!(refused.status, 404);
        let reason = http::body(&refused)["error"].as_str().unwrap().to_owned();
        assert!(reason.contains("audience"), "{reason}");
    }
    let taken = http::send(&scene.cx, exchange(&for_gems)).await;
    assert_eq!(taken.status, 201);
    let key = http::body(&taken)["rubygems_api_key"].as_str().unwrap().to_owned();
    let publish = http::publish(&scene.url(), "widget", "1.0.0", &key);
    assert_eq!(http::send(&scene.cx, publish).await.status, 403);
}
