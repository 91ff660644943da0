//! A registry on loopback with the public hosts beside it, where real tools under `exec` may go astray.

use std::path::{Path, PathBuf};

use ci_issuer::{GITHUB, Settings};
use serde_json::{Value, json};

use super::clients::{Client, Output, Tool};
use super::public::PublicHosts;
use super::python::wheel;
use super::scene::{Scene, borrowed, package};

pub const PACKAGES: [&str; 6] =
    ["widget", "@acme/widget", "pypi:my-widget", "cargo:widget", "rubygems:widget", "cargo:gadget"];
/// A secret that is none of the registry's.
pub const STATIC: &str = "static-hunter2";

/// A registry on loopback, and the public hosts beside it.
pub struct World {
    pub scene: Scene,
    pub public: PublicHosts,
}

impl World {
    pub async fn start() -> Self {
        let scene = Scene::start(Settings::new(&GITHUB), "", &PACKAGES, "").await;
        Self { scene, public: PublicHosts::start().await }
    }

    pub fn variables(&self, more: &[(&str, &str)]) -> Vec<(String, String)> {
        let more = more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let job = self.scene.issuer.env().iter().cloned();
        job.chain(self.public.variables()).chain(more).collect()
    }

    /// Runs the tool under `exec`.
    pub async fn exec(
        &self,
        tool: &Client,
        folder: &Path,
        options: &[&str],
        variables: &[(&str, &str)],
        arguments: &[&str],
    ) -> Output {
        let options = [options, &["--trusted-publishing", "always"]].concat();
        tool.publish(folder, &borrowed(&self.variables(variables)), &options, arguments).await
    }

    /// Runs the tool by itself, as it would be without `exec`: the apparatus sees what goes astray.
    pub async fn astray(
        &self,
        tool: &Client,
        folder: &Path,
        variables: &[(&str, &str)],
        arguments: &[&str],
    ) -> Output {
        let mut all = self.public.variables();
        all.extend(variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        tool.run(folder, &borrowed(&all), arguments).await
    }

    #[track_caller]
    pub fn public_received_nothing(&self) {
        assert!(self.public.asked().is_empty(), "{:?}", self.public.asked());
    }

    /// No publish token and no static one came to a public host.
    #[track_caller]
    pub fn public_saw_no_secret(&self, what: &str, output: &Output) {
        let saw = ["tpub_", STATIC].map(|secret| self.public.saw(secret)).concat();
        assert!(saw.is_empty(), "{what}: {saw:?} {output:?}");
    }

    #[track_caller]
    pub fn public_saw(&self, secret: &str, output: &Output) {
        assert!(!self.public.saw(secret).is_empty(), "{output:?} {:?}", self.public.asked());
    }
}

/// A Python project with a wheel in `dist`, and the wheel's path.
pub async fn project(tool: &Client) -> (PathBuf, String) {
    let (built, file) = wheel(tool, "my_widget", "1.0.0").await;
    let pyproject = "[build-system]\nrequires = [\"flit_core >=3.2,<5\"]\nbuild-backend = \"flit_core.buildapi\"\n\
                     [project]\nname = \"my_widget\"\nversion = \"1.0.0\"\ndescription = \"A test\"\n\
                     requires-python = \">=3.8\"\nlicense = \"MIT OR Apache-2.0\"\n\
                     dependencies = [\"gadget[a,b] >=1,<2 ; python_version < '3'\"]\n\
                     [project.optional-dependencies]\nmore = [\"cog\"]\n";
    let files = [("pyproject.toml", pyproject), ("my_widget/__init__.py", "\"\"\"A test.\"\"\"\n")];
    let folder = tool.project("project", &files);
    std::fs::create_dir_all(folder.join("dist")).unwrap();
    std::fs::copy(built.join(&file), folder.join("dist").join(&file)).unwrap();
    (folder, format!("dist/{file}"))
}

/// A gem to push, built in the folder as `built.gem`; its specification ends with `more`.
pub async fn gem_package(gem: &Client, more: &str) -> PathBuf {
    let specification = format!(
        "Gem::Specification.new do |s|\n  s.name = 'widget'\n  s.version = '1.0.0'\n  s.summary = 'x'\n  \
         s.authors = ['x']\n  s.license = 'MIT'\n  s.files = []\n  {more}\nend\n"
    );
    let folder = gem.project("widget", &[("a.gemspec", &specification)]);
    gem.run(&folder, &[], &["build", "a.gemspec", "--output", "built.gem"]).await.succeeded();
    folder
}

/// A package to publish, with settings of its user.
pub fn npm_package(tool: &Client, name: &str, npmrc: &str) -> PathBuf {
    std::fs::write(tool.home().join(".npmrc"), npmrc).unwrap();
    let folder = package(tool, name, "1.0.0", "");
    std::fs::remove_file(folder.join(".npmrc")).unwrap();
    let manifest = json!({
        "name": name, "version": "1.0.0", "license": "MIT", "main": "index.js", "bin": "./index.js",
        "scripts": { "test": "./node_modules/.bin/mocha" }, "engines": { "node": ">=18" }, "os": ["!aix"],
        "peerDependencies": { "gadget": "1" }, "peerDependenciesMeta": { "gadget": { "optional": true } },
        "repository": "acme/widget", "keywords": ["a"], "publishConfig": { "access": "public" },
    });
    std::fs::write(folder.join("package.json"), manifest.to_string()).unwrap();
    std::fs::write(folder.join("server.js"), "").unwrap();
    folder
}

/// The same with dependencies, which need not be there to publish it, and something to build.
pub fn with_dependencies(tool: Tool, folder: &Path) {
    let manifest = std::fs::read_to_string(folder.join("package.json")).unwrap();
    let mut manifest: Value = serde_json::from_str(&manifest).unwrap();
    manifest["dependencies"] = json!({ "cog": "acme/cog#v1", "gadget": "^1.0.0", "gear": "~2" });
    manifest["optionalDependencies"] = json!({ "gear": "~2" });
    // pnpm takes none that are not installed.
    if matches!(tool, Tool::Npm) {
        manifest["bundledDependencies"] = json!(["gear"]);
    }
    std::fs::write(folder.join("package.json"), manifest.to_string()).unwrap();
    std::fs::write(folder.join("binding.gyp"), "{}").unwrap();
}
