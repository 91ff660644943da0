//! The registry's pages, attacked over HTTP and used in a real browser.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod accounts;
mod attacks;
mod browser;
mod edited;
mod hostile;
mod prefixes;
mod provenance;
mod shown;

use ci_issuer::{GITHUB, Settings};
use tests::scene::Scene;

/// The package of these tests.
const WIDGET: &str = "@acme/widget";
/// The query that names it.
const OF_WIDGET: [(&str, &str); 2] = [("ecosystem", "npm"), ("name", WIDGET)];

/// A registry with the package, which trusts the sample job of GitHub.
async fn scene() -> Scene {
    Scene::start(Settings::new(&GITHUB), "", &[WIDGET], "").await
}
