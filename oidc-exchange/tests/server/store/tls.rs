//! PostgreSQL over TLS: who it is believed to be follows the URL's `sslmode` and `sslrootcert`.
//!
//! `.ci/postgres` gives the server a certificate for its address and leaves the root's in the data folder. Without such a
//! server the test is ignored, unless `REQUIRE_CLIENTS=1`.

use std::error::Error as _;
use std::path::Path;

use needs::needs;
use oidc_exchange::server::{Package, TrustStore as _};
use oidc_exchange::sql::SqlStore;
use sqlx::{AnyConnection, Connection as _};

use crate::databases::{Postgres, postgres};

/// The certificate of the root that the server's was signed by.
async fn root(url: &str) -> Vec<u8> {
    sqlx::any::install_default_drivers();
    let mut connection = AnyConnection::connect(url).await.unwrap();
    let read = "SELECT pg_read_binary_file('root.crt')";
    let root = sqlx::query_scalar(read).fetch_one(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    root
}

fn with(url: &str, mode: &str, root: Option<&Path>) -> String {
    let root = root.map(|root| format!("&sslrootcert={}", root.display())).unwrap_or_default();
    format!("{url}?sslmode={mode}{root}")
}

/// Returns `true` if the server says that a connection to `url` is encrypted.
async fn is_encrypted(url: &str) -> bool {
    let mut connection = AnyConnection::connect(url).await.unwrap();
    let of_this = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    let is_encrypted = sqlx::query_scalar(of_this).fetch_one(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    is_encrypted
}

#[needs(postgres)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgresql_over_tls_is_the_one_that_the_url_names() {
    // With the features for both providers, `verify-ca` needs one that is installed.
    let _installed_before = rustls::crypto::ring::default_provider().install_default();
    let server = postgres();
    let harness = Postgres::new(server.clone());
    let url = harness.create().await;
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, pem: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, pem).unwrap();
        path
    };
    let root = file("root.pem", &root(&server).await);
    let stranger = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let stranger = file("stranger.pem", stranger.cert.pem().as_bytes());

    let trusted = with(&url, "verify-full", Some(&root));
    let store = SqlStore::open(&trusted).await.unwrap();
    assert!(store.list(&Package::new("npm", "widget")).await.unwrap().is_empty());
    assert!(is_encrypted(&trusted).await);
    assert!(!is_encrypted(&with(&url, "disable", None)).await, "the server's word is worth something");

    let named_otherwise = url.replace("@127.0.0.1:", "@localhost:");
    for (url, why) in [
        (with(&url, "verify-full", Some(&stranger)), "another root"),
        (with(&url, "verify-ca", Some(&stranger)), "another root, whatever the name"),
        (with(&url, "verify-full", None), "no root of the system's"),
        (with(&named_otherwise, "verify-full", Some(&root)), "another name"),
    ] {
        let error = SqlStore::open(&url).await.map(drop).expect_err(why);
        let error = error.source().unwrap().to_string();
        assert!(error.contains("certificate"), "{why}: {error}");
    }
    harness.clean_up().await;
}
