//! A registry that has accounts of its own.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use ci_issuer::{GITHUB, Settings};
use oidc_core::Secret;
use registry::{Config, LogIn, Running};
use tests::http;
use tests::scene::{ADMIN, config};
use tests::visitor::{Visitor, text};

use super::{OF_WIDGET, WIDGET};

/// One account, whose name is hostile.
#[derive(Debug)]
struct Accounts;

const NAME: &str = "<b>alice\u{202e}\r\nSet-Cookie: x=1</b>";

#[async_trait]
impl LogIn for Accounts {
    async fn log_in(&self, secret: &Secret) -> Option<String> {
        (secret.expose() == "a-token-of-alice").then(|| NAME.to_owned())
    }
}

async fn start(folder: &Path) -> (ci_issuer::Running, Running, Visitor) {
    let cx = http::system();
    let issuer = ci_issuer::Running::start(Settings::new(&GITHUB), &cx).await.unwrap();
    std::fs::write(folder.join("admin-token"), ADMIN).unwrap();
    let admin = format!("admin_token_file = \"{}/admin-token\"\n", folder.display());
    let config = admin + &config(&GITHUB, issuer.url(), folder, "", &[WIDGET], "");
    let config = Config::parse(&config).unwrap();
    let registry = Running::start_with_log_in(config, Arc::new(Accounts), &cx).await.unwrap();
    let url = registry.public_url().as_str().to_owned();
    let origin = Some(registry.public_url().origin());
    (issuer, registry, Visitor { cx, url, cookie: None, origin })
}

#[tokio::test]
async fn the_accounts_of_a_registry_log_in_and_its_administrators_token_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let (issuer, registry, mut alice) = start(folder.path()).await;
    let page = text(&alice.get("log-in").await);
    assert!(page.contains("The token of your account") && !page.contains("admin_token_file"), "{page}");
    for secret in [ADMIN, "", "a-token-of-bob"] {
        let refused = alice.log_in(secret, "").await;
        assert_eq!(refused.status, 401, "{secret}");
        assert!(text(&refused).contains("This is no account") && alice.cookie.is_none(), "{secret}");
    }
    let answer = alice.log_in("a-token-of-alice", "").await;
    assert_eq!(answer.status, 303);
    assert!(!answer.header("set-cookie").unwrap().contains("x=1"));
    let settings = text(&alice.page("settings", &OF_WIDGET).await);
    let shown = "<bdi>&lt;b&gt;alice\\u{202e}\\u{d}\\u{a}Set-Cookie: x=1&lt;/b&gt;</bdi>";
    assert!(settings.contains(shown), "{settings}");
    let publisher = [
        ("issuer", issuer.url()),
        ("f.repository", "acme/other"),
        ("f.workflow", "a.yml"),
        ("action", "save"),
    ];
    assert_eq!(alice.send("publisher", &[OF_WIDGET.as_slice(), &publisher].concat()).await.status, 303);
    assert!(text(&alice.page("settings", &OF_WIDGET).await).contains("acme/other"));
    registry.stop().await;
}
