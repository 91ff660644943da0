//! A real browser without a window: Debian's chromium, driven by chromedriver.
//!
//! They are found by `TEST_CHROMIUM` and `TEST_CHROMEDRIVER`, or on the `PATH`; axe-core, by `TEST_AXE` (its `axe.min.js`). A test of a
//! browser that is not there is ignored, with the reason (`#[needs(chromium, chromedriver, axe)]`), unless `REQUIRE_CLIENTS=1`.
// Tests read the environment and wait for processes by the wall clock here.
#![allow(clippy::disallowed_methods)]

use std::env;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fantoccini::elements::Element;
use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use rustix::process::{Signal, kill_process_group};
use serde_json::{Map, Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::programs::pid;

/// The deadline of the driver's start.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A browser with a profile of its own. Both end with it, also where a test panics.
#[derive(Debug)]
pub struct Browser {
    client: Client,
    axe: String,
    // The driver ends first: a browser that runs would write to its profile again.
    _driver: Driver,
    profile: TempDir,
}

/// A driver with the browsers that it started: all of one process group.
#[derive(Debug)]
struct Driver(Child);

impl Drop for Driver {
    fn drop(&mut self) {
        // A driver that was waited for has no id, and its group may be another's by now.
        if let Some(id) = self.0.id() {
            // A second panic would hide the first.
            let _ = kill_process_group(pid(id), Signal::KILL);
        }
    }
}

/// A program or file that a variable names, or that is on the search path.
fn found(variable: &str, name: &str) -> Option<PathBuf> {
    if let Some(path) = env::var_os(variable).filter(|path| !path.is_empty()) {
        return Some(path.into());
    }
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).map(|folder| folder.join(name)).find(|program| program.is_file())
}

impl Browser {
    /// A browser. A test that asks for one says so by `#[needs(chromium, chromedriver, axe)]`.
    pub async fn start() -> Self {
        let axe = found("TEST_AXE", "axe.min.js").expect("TEST_AXE names no `axe.min.js` of axe-core");
        let axe = std::fs::read_to_string(axe).unwrap();
        let (driver, port) = driver().await;
        let profile = tempfile::tempdir().unwrap();
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities(profile.path()))
            .connect(&format!("http://127.0.0.1:{port}"))
            .await
            .unwrap();
        Self { client, axe, _driver: driver, profile }
    }

    /// Ends the browser as a person does. Dropping it kills it.
    pub async fn close(self) {
        self.client.close().await.unwrap();
    }

    /// The folder of the profile, which its processes have in their arguments.
    pub fn profile(&self) -> &Path {
        self.profile.path()
    }

    pub async fn open(&self, url: &str) {
        self.client.goto(url).await.unwrap();
    }

    pub async fn url(&self) -> String {
        self.client.current_url().await.unwrap().to_string()
    }

    /// The text that a person reads.
    pub async fn text(&self) -> String {
        self.run("return document.body.innerText").await.as_str().unwrap().to_owned()
    }

    pub async fn title(&self) -> String {
        self.client.title().await.unwrap()
    }

    pub async fn find(&self, css: &str) -> Element {
        match self.client.find(Locator::Css(css)).await {
            Ok(element) => element,
            Err(error) => panic!("{css}: {error}\n{}", self.client.source().await.unwrap()),
        }
    }

    /// Replaces the text of a field.
    pub async fn fill(&self, css: &str, text: &str) {
        let field = self.find(css).await;
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    /// Chooses what a person reads in a list.
    pub async fn choose(&self, css: &str, label: &str) {
        let list = self.find(css).await;
        let options = list.find_all(Locator::Css("option")).await.unwrap();
        for option in options {
            if option.text().await.unwrap().contains(label) {
                return option.click().await.unwrap();
            }
        }
        panic!("{css} has no {label}");
    }

    pub async fn click(&self, css: &str) {
        self.find(css).await.click().await.unwrap();
    }

    /// Follows a link, or presses a button, by its text; returns when the next page is there.
    pub async fn press(&self, text: &str) {
        let is = format!("not(@aria-hidden) and normalize-space()='{text}'");
        self.follow(&format!("//main//*[(self::a or self::button) and {is}]")).await;
    }

    /// Clicks on what leads to another page, by a path to it; returns when that page is there.
    pub async fn follow(&self, path: &str) {
        self.leave().await;
        match self.client.find(Locator::XPath(path)).await {
            Ok(element) => element.click().await.unwrap(),
            Err(error) => panic!("{path}: {error}\n{}", self.text().await),
        }
        self.arrive().await;
    }

    /// Types into a field and sends its form with the Enter key; returns when the next page is there.
    pub async fn enter(&self, css: &str, text: &str) {
        self.leave().await;
        self.keys(css, &format!("{text}\u{e007}")).await;
        self.arrive().await;
    }

    /// Gives an element the focus and presses keys on it.
    pub async fn keys(&self, css: &str, keys: &str) {
        self.find(css).await.send_keys(keys).await.unwrap();
    }

    /// Marks the page, so that another one is told apart.
    async fn leave(&self) {
        self.run("document.documentElement.dataset.before = '1'").await;
    }

    /// Waits for another page than the one that was marked.
    async fn arrive(&self) {
        let is_there =
            "return document.readyState === 'complete' && !document.documentElement.dataset.before";
        for _ in 0..400 {
            if self.client.execute(is_there, Vec::new()).await.is_ok_and(|there| there == true) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("no other page comes: {}", self.text().await);
    }

    /// Returns `true` if there is something on the page.
    pub async fn has(&self, css: &str) -> bool {
        self.client.find(Locator::Css(css)).await.is_ok()
    }

    /// Runs a script and returns what it returns.
    pub async fn run(&self, script: &str) -> Value {
        self.client.execute(script, Vec::new()).await.unwrap()
    }

    /// The violations that axe-core finds on the page, one line each.
    pub async fn violations(&self) -> Vec<String> {
        self.client.execute(&self.axe, Vec::new()).await.unwrap();
        let script = "const done = arguments[arguments.length - 1];\
             axe.run(document).then(found => done(found.violations.flatMap(rule => rule.nodes.map(node => \
             rule.id + ': ' + node.target.join(' ') + ': ' + node.failureSummary))), error => done([String(error)]));";
        let found = self.client.execute_async(script, Vec::new()).await.unwrap();
        found.as_array().unwrap().iter().map(|line| line.as_str().unwrap().to_owned()).collect()
    }

    /// The number of pixels by which the page is wider than its window.
    pub async fn overflow(&self) -> i64 {
        let script = "return document.documentElement.scrollWidth - document.documentElement.clientWidth";
        self.run(script).await.as_i64().unwrap()
    }

    /// The width of the window, and the colours that the reader prefers.
    pub async fn look(&self, width: u32, scheme: &str) {
        // A telephone's scroll bar takes no width.
        let is_mobile = width < 600;
        let metrics = json!({ "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": is_mobile });
        self.devtools("Emulation.setDeviceMetricsOverride", metrics).await;
        let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.devtools("Emulation.setEmulatedMedia", features).await;
    }

    /// A picture of the whole page, as PNG.
    pub async fn picture(&self) -> Vec<u8> {
        let parameters = json!({ "format": "png", "captureBeyondViewport": true });
        let answer = self.devtools("Page.captureScreenshot", parameters).await;
        STANDARD.decode(answer["data"].as_str().unwrap()).unwrap()
    }

    async fn devtools(&self, command: &'static str, parameters: Value) -> Value {
        self.client.issue_cmd(Devtools { command, parameters }).await.unwrap()
    }
}

/// Starts a driver at a port that is free.
async fn driver() -> (Driver, u16) {
    let mut command = Command::new(found("TEST_CHROMEDRIVER", "chromedriver").unwrap());
    command.arg("--port=0").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    #[cfg(unix)]
    command.process_group(0);
    let mut driver = Driver(command.kill_on_drop(true).spawn().unwrap());
    let mut lines = BufReader::new(driver.0.stdout.take().unwrap()).lines();
    let port = async {
        while let Some(line) = lines.next_line().await.unwrap() {
            if let Some((_, port)) = line.split_once("started successfully on port ") {
                return port.trim_end_matches('.').parse().unwrap();
            }
        }
        panic!("chromedriver ended");
    };
    let port = tokio::time::timeout(TIMEOUT, port).await.expect("chromedriver starts");
    (driver, port)
}

/// A browser without a window, which asks nobody but the test: what isn't on loopback goes to a proxy that is not there.
fn capabilities(profile: &Path) -> Map<String, Value> {
    let profile = format!("--user-data-dir={}", profile.display());
    let arguments = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--proxy-server=http://127.0.0.1:9",
        &profile,
    ];
    let options = json!({ "binary": found("TEST_CHROMIUM", "chromium"), "args": arguments });
    let capabilities = json!({ "goog:chromeOptions": options, "unhandledPromptBehavior": "ignore" });
    capabilities.as_object().unwrap().clone()
}

/// A command of Chrome's own, for which the protocol of drivers has none.
#[derive(Debug)]
struct Devtools {
    command: &'static str,
    parameters: Value,
}

impl WebDriverCompatibleCommand for Devtools {
    fn endpoint(&self, base: &url::Url, session: Option<&str>) -> Result<url::Url, url::ParseError> {
        base.join(&format!("session/{}/goog/cdp/execute", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &url::Url) -> (http::Method, Option<String>) {
        let body = json!({ "cmd": self.command, "params": self.parameters });
        (http::Method::POST, Some(body.to_string()))
    }
}
