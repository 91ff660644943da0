use oidc_core::{Context, Timestamp};
use sqlx::{AssertSqlSafe, Row as _};

use super::super::outcome::Published;
use super::super::upload::{Proof, Upload};
use super::publish::{FILE_SIZE, MAX_INDEX_LINE};
use super::{PACKAGES_AFTER, Store};
use crate::authorize::Principal;

#[tokio::test]
async fn a_package_has_no_more_than_is_served_of_one() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}/registry.db", folder.path().display());
    let store = Store::new("cargo", crate::database::open(&url).await.unwrap());
    let cx = Context::default().with_clock(oidc_core::testing::ManualClock::at(1));
    let publish = async |number: usize| {
        let upload = Upload {
            dated: None,
            package: "widget".to_owned(),
            version: format!("1.0.{number}"),
            name: format!("widget-1.0.{number}.crate"),
            identity: format!("1.0.{number}"),
            sha256: String::new(),
            metadata: "x".repeat((1 << 20) - FILE_SIZE),
            sidecar: Vec::new(),
            index_line: None,
            spelling: None,
            content: vec![1].into(),
            vouches: None,
        };
        store.publish(&upload, &Proof::default(), &Principal::Admin, &cx).await.unwrap()
    };
    for number in 0..16 {
        assert_eq!(publish(number).await, Published::Done, "{number}");
    }
    assert!(matches!(publish(3).await, Published::Exists(_)));
    assert!(matches!(publish(16).await, Published::Full(_)));
    assert_eq!(store.positions("widget").await.unwrap().len(), 16);
    let files = store.files("widget", 3..5).await.unwrap();
    assert_eq!(
        files.iter().map(|file| &*file.name).collect::<Vec<_>>(),
        ["widget-1.0.3.crate", "widget-1.0.4.crate"]
    );
    let statement = "UPDATE hosted_package SET listed = $1";
    let listed = sqlx::query(statement).bind("x".repeat(1 << 20));
    listed.execute(store.database.pool()).await.unwrap();
    assert_eq!(store.packages_after("").await.unwrap().len(), 1);
    assert!(store.packages_after("widget").await.unwrap().is_empty());
}

#[tokio::test]
async fn no_more_packages_are_read_together_than_a_piece_holds() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}/registry.db", folder.path().display());
    let store = Store::new("rubygems", crate::database::open(&url).await.unwrap());
    let add = async |number: usize, listed: usize| {
        let name = format!("g{number:03}");
        store.register(&name, Timestamp::from_secs(1)).await.unwrap();
        let statement = "UPDATE hosted_package SET listed = $1 WHERE name = $2";
        let listed = sqlx::query(statement).bind("x".repeat(listed)).bind(&name);
        listed.execute(store.database.pool()).await.unwrap();
        let statement =
            "INSERT INTO hosted_file VALUES ('rubygems', $1, $1, '1', '1', 0, '', '', 1, 1, '{}')";
        sqlx::query(statement).bind(&name).execute(store.database.pool()).await.unwrap();
    };
    for number in 0..120 {
        add(number, if number < 60 { 100 } else { MAX_INDEX_LINE }).await;
    }
    let (mut after, mut read) = (String::new(), Vec::new());
    loop {
        let packages = store.packages_after(&after).await.unwrap();
        let Some((last, _)) = packages.last() else { break };
        after.clone_from(last);
        assert!(packages.iter().map(|(_, line)| line.len()).sum::<usize>() <= 128 << 10);
        read.push(packages.len());
    }
    assert_eq!((read.iter().sum::<usize>(), &read[6..9]), (120, &[8, 7, 4][..]));
}

/// Otherwise each package in a list costs as much as all the files of those before it.
#[tokio::test]
async fn the_files_of_a_package_are_found_by_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}/registry.db", folder.path().display());
    let store = Store::new("pypi", crate::database::open(&url).await.unwrap());
    let explained = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {PACKAGES_AFTER}"));
    let plan = sqlx::query(explained).bind("pypi").bind("").bind(1000_i64).bind(1000_i64);
    let plan = plan.fetch_all(store.database.pool()).await.unwrap();
    let steps: Vec<String> = plan.iter().map(|step| step.try_get(3).unwrap()).collect();
    let of_files: Vec<&String> = steps.iter().filter(|step| step.contains("hosted_file")).collect();
    let [step] = of_files[..] else { panic!("{steps:?}") };
    assert!(step.contains("(ecosystem=? AND package=?)"), "{step}");
}
