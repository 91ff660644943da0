//! The validity of tokens, at every endpoint that changes what people install.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use ci_issuer::{GITHUB, Settings};
use needs::needs;
use oidc_core::{Clock, Context, Secret, Timestamp};
use oidc_exchange::server::{Package, TokenHash};
use tests::http;
use tests::postgres::Postgres;
use tests::scene::{ADMIN, Scene, database};
use tests::uploads::{Endpoint, PACKAGES, Slow, state};

/// The system's clock, set ahead.
#[derive(Debug, Clone)]
struct Ahead {
    system: Context,
    seconds: Arc<AtomicU64>,
}

impl Ahead {
    fn set(&self, seconds: u64) {
        self.seconds.store(seconds, Ordering::SeqCst);
    }
}

#[async_trait]
impl Clock for Ahead {
    fn now(&self) -> Timestamp {
        let ahead = Duration::from_secs(self.seconds.load(Ordering::SeqCst));
        self.system.clock().now().plus(ahead)
    }

    fn monotonic(&self) -> Duration {
        self.system.clock().monotonic()
    }

    async fn sleep(&self, duration: Duration) {
        self.system.clock().sleep(duration).await;
    }
}

/// A registry with everything published once, over SQLite or PostgreSQL, and its clock.
async fn scene(postgres: Option<&Postgres>) -> (Scene, Ahead) {
    scene_of(postgres, |config| config).await
}

/// The same with a changed configuration.
async fn scene_of(postgres: Option<&Postgres>, change: impl FnOnce(String) -> String) -> (Scene, Ahead) {
    let ahead = Ahead { system: http::system(), seconds: Arc::default() };
    let cx = http::system().with_clock(ahead.clone());
    let url = postgres.map(Postgres::url);
    let configure = |config: String, folder: &std::path::Path| match &url {
        Some(url) => change(config).replace(&database(folder), url),
        None => change(config),
    };
    let scene = Scene::within(cx, Settings::new(&GITHUB), "", &PACKAGES, "", configure).await;
    for endpoint in [Endpoint::Npm, Endpoint::Cargo, Endpoint::Pypi, Endpoint::Gem] {
        let answer = endpoint.send(&scene, "1.0.0", &endpoint.token(&scene).await).await;
        assert!((200..300).contains(&answer.status), "{endpoint:?}: {answer:?}");
    }
    scene.execute("INSERT INTO npm_dist_tag (package, tag, version) VALUES ('widget', 'old', '1.0.0')").await;
    (scene, ahead)
}

/// The end of a publish token.
#[derive(Debug, Clone, Copy)]
enum End {
    Expiry,
    Revocation,
}

impl End {
    async fn of_tokens(self, scene: &Scene, clock: &Ahead) {
        match self {
            Self::Expiry => clock.set(31 * 60),
            Self::Revocation => scene.execute("DELETE FROM oidc_token").await,
        }
    }
}

async fn a_token_that_ends_while_its_body_arrives(postgres: Option<&Postgres>) {
    let (scene, clock) = scene(postgres).await;
    let before = state(&scene).await;
    for end in [End::Expiry, End::Revocation] {
        for endpoint in Endpoint::ALL.into_iter().filter(|endpoint| *endpoint != Endpoint::Untag) {
            let token = endpoint.token(&scene).await;
            let slow = Slow::begin(&endpoint.request(&scene.url(), "1.0.1", &token)).await;
            end.of_tokens(&scene, &clock).await;
            let answer = slow.end().await;
            clock.set(0);
            assert!(answer.starts_with("HTTP/1.1 401 "), "{end:?} {endpoint:?}: {answer}");
            assert_eq!(state(&scene).await, before, "{end:?} {endpoint:?}");
        }
    }
}

#[tokio::test]
async fn a_token_that_ends_while_its_body_arrives_changes_nothing() {
    a_token_that_ends_while_its_body_arrives(None).await;
}

#[needs(postgres)]
#[tokio::test]
async fn a_token_that_ends_while_its_body_arrives_changes_nothing_on_postgresql() {
    let postgres = Postgres::create().await;
    a_token_that_ends_while_its_body_arrives(Some(&postgres)).await;
    postgres.drop().await;
}

/// Leaves every package to its trusted publishers, as an administrator does on its page.
async fn leave_to_publishers(scene: &Scene) {
    scene
        .execute(
            "INSERT INTO registry_choice (ecosystem, package, trusted_only)
             VALUES ('npm', 'widget', 1), ('cargo', 'widget', 1), ('pypi', 'widget', 1), ('rubygems', 'widget', 1)",
        )
        .await;
}

#[tokio::test]
async fn a_static_token_whose_body_arrives_after_its_package_was_left_to_publishers_changes_nothing() {
    let (scene, _) = scene(None).await;
    let before = state(&scene).await;
    for endpoint in Endpoint::ALL.into_iter().filter(|endpoint| *endpoint != Endpoint::Untag) {
        let slow = Slow::begin(&endpoint.request(&scene.url(), "1.0.1", ADMIN)).await;
        leave_to_publishers(&scene).await;
        let answer = slow.end().await;
        scene.execute("DELETE FROM registry_choice").await;
        assert!(answer.starts_with("HTTP/1.1 403 "), "{endpoint:?}: {answer}");
        assert!(answer.contains("trusted_only"), "{endpoint:?}: {answer}");
        assert_eq!(state(&scene).await, before, "{endpoint:?}");
    }
}

#[needs(postgres)]
#[tokio::test]
async fn a_static_token_whose_upload_waits_while_its_package_is_left_to_publishers_changes_nothing() {
    let postgres = Postgres::create().await;
    let (scene, _) = scene_of(Some(&postgres), |config| config).await;
    let before = state(&scene).await;
    for endpoint in Endpoint::ALL {
        let mut lock = scene.database().begin().await.unwrap();
        for statement in LOCKS {
            sqlx::query(statement).execute(lock.connection()).await.unwrap();
        }
        let left = async {
            waiting(&scene).await;
            leave_to_publishers(&scene).await;
            lock.commit().await.unwrap();
        };
        let (answer, ()) = tokio::join!(endpoint.send(&scene, "1.0.1", ADMIN), left);
        scene.execute("DELETE FROM registry_choice").await;
        let text = String::from_utf8_lossy(&answer.body);
        assert_eq!(answer.status, 403, "{endpoint:?}: {text}");
        assert_eq!(state(&scene).await, before, "{endpoint:?}");
    }
    drop(scene);
    postgres.drop().await;
}

/// The statement that keeps an upload waiting in its transaction until another transaction ends.
const LOCKS: [&str; 2] = ["UPDATE npm_package SET name = name", "UPDATE hosted_package SET name = name"];

#[needs(postgres)]
#[tokio::test]
async fn a_token_that_ends_while_its_upload_waits_for_the_database_changes_nothing() {
    let postgres = Postgres::create().await;
    let (scene, clock) = scene(Some(&postgres)).await;
    let before = state(&scene).await;
    for end in [End::Expiry, End::Revocation] {
        for endpoint in Endpoint::ALL {
            let token = endpoint.token(&scene).await;
            let mut lock = scene.database().begin().await.unwrap();
            for statement in LOCKS {
                sqlx::query(statement).execute(lock.connection()).await.unwrap();
            }
            let ended = async {
                waiting(&scene).await;
                end.of_tokens(&scene, &clock).await;
                lock.commit().await.unwrap();
            };
            let (answer, ()) = tokio::join!(endpoint.send(&scene, "1.0.1", &token), ended);
            clock.set(0);
            let text = String::from_utf8_lossy(&answer.body);
            assert_eq!(answer.status, 401, "{end:?} {endpoint:?}: {text}");
            assert!(text.contains("expired or was revoked"), "{end:?} {endpoint:?}: {text}");
            assert_eq!(state(&scene).await, before, "{end:?} {endpoint:?}");
        }
    }
    drop(scene);
    postgres.drop().await;
}

/// Until somebody waits for a lock in the scene's database.
async fn waiting(scene: &Scene) {
    let query =
        "SELECT query FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()";
    while scene.texts(query).await.is_empty() {
        tokio::task::yield_now().await;
    }
}

#[needs(postgres)]
#[tokio::test]
async fn whoever_revokes_a_token_waits_for_the_publish_that_it_is_used_for() {
    let postgres = Postgres::create().await;
    let (scene, _) = scene(Some(&postgres)).await;
    let token = Endpoint::Npm.token(&scene).await;
    // Asked as a publish asks, in a transaction that has not yet ended.
    let publish = scene.database().begin().await.unwrap();
    let publisher = scene.texts("SELECT id FROM oidc_publisher WHERE ecosystem = 'npm'").await.remove(0);
    let (hash, package) = (TokenHash::of(&token), Package::new("npm", "widget"));
    assert!(publish.is_active(&package, &publisher).await.unwrap());
    assert!(publish.is_granted(&hash, &package, &publisher, Timestamp::from_secs(0)).await.unwrap());
    let revoked = async {
        scene.execute("DELETE FROM oidc_token").await;
        "revoked"
    };
    let waited = async {
        waiting(&scene).await;
        publish.commit().await.unwrap();
    };
    tokio::join!(revoked, waited);
    assert_eq!(scene.count("oidc_token").await, 0);
    drop(scene);
    postgres.drop().await;
}

#[tokio::test]
async fn no_static_token_changes_what_people_install_of_a_package_that_is_its_publishers_alone() {
    let strict =
        |config: String| config.replace("name = \"widget\"\n", "name = \"widget\"\ntrusted_only = true\n");
    let (scene, _) = scene_of(None, strict).await;
    let before = state(&scene).await;
    for endpoint in Endpoint::ALL {
        let answer = endpoint.send(&scene, "1.0.1", ADMIN).await;
        let text = String::from_utf8_lossy(&answer.body);
        assert_eq!(answer.status, 403, "{endpoint:?}: {text}");
        assert!(text.contains("trusted_only"), "{endpoint:?}: {text}");
        assert_eq!(state(&scene).await, before, "{endpoint:?}");
    }
    for endpoint in Endpoint::ALL {
        let answer = endpoint.send(&scene, "1.0.1", &endpoint.token(&scene).await).await;
        assert!((200..300).contains(&answer.status), "{endpoint:?}: {answer:?}");
    }
    // Who may publish it stays the administrator's business.
    let trust = http::get(&scene.url(), "/-/package/widget/trust").bearer(&Secret::new(ADMIN));
    assert_eq!(http::send(&scene.cx, trust).await.status, 200);
}
