use oidc_core::Run;
use oidc_core::testing::{ManualClock, NotRandom};

use super::*;

#[test]
fn addresses_are_replaced_and_nothing_else_is() {
    for (text, kept) in [
        ("found `alice@example.com`, expected `publish`", "found `(an address)`, expected `publish`"),
        ("<bob.b+ci@mail.example.org>.", "<(an address)>."),
        ("refs/heads/alice@example.com/fix", "refs/heads/(an address)/fix"),
        ("write to alice@example.com.", "write to (an address)"),
        (
            "package `@acme/widget`, `publish.yml@refs/tags/v1`",
            "package `@acme/widget`, `publish.yml@refs/tags/v1`",
        ),
        ("widget@1.0.0 and @ and a@b", "widget@1.0.0 and @ and a@b"),
    ] {
        assert_eq!(without_addresses(text), kept);
    }
}

#[test]
fn the_summary_says_what_is_not_listed_and_why() {
    let mut counted = Counted::default();
    assert_eq!(counted.summary(2, None), "listed: 2; counted only: none");
    counted.refused = vec![("invalid-token".to_owned(), 3), ("no-token".to_owned(), 1)];
    let said = counted.summary(0, Some("widget"));
    assert!(said.starts_with("listed: 0 of widget; counted only, of all packages"), "{said}");
    assert!(said.contains(": 4 (invalid-token 3, no-token 1)") && said.contains("log"), "{said}");
    counted.not_kept = vec![("set-tag granted".to_owned(), 19_400)];
    let said = counted.summary(0, None);
    let not_kept = "; not kept, of all packages: 19400 (set-tag granted 19400), which exceeded 1000 an hour";
    assert!(said.contains(not_kept) && said.contains("; counted only"), "{said}");
}

#[tokio::test]
async fn a_flood_of_one_publisher_keeps_nobodys_exchange_or_publish_out() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("registry.db").display());
    let database = crate::database::open(&url).await.unwrap();
    let cx = Context::default().with_random(NotRandom(1)).with_clock(ManualClock::at(1_700_000_000));
    let (audit, writer) = Audit::start(database.clone(), &cx).unwrap();
    let event = |action, publisher: &str| {
        let event = Event::new(cx.clock().now(), action, "npm", "granted", "");
        event.package(publisher).publisher(publisher).verified("issuer", &Run::default())
    };
    for number in 0..20_400 {
        audit.record(&event("set-tag", "evil"));
        if number % 100 == 0 {
            audit.record(&event("exchange", "acme"));
            audit.record(&event("publish", "acme"));
        }
    }
    audit.record(&event("set-tag", "acme"));
    drop(audit);
    writer.await.unwrap();
    let listed = async |package| {
        let (mut events, mut pieces) = (Events::of(&database, package), Vec::new());
        loop {
            match events.next().await.unwrap() {
                next if next.is_empty() => break,
                next => pieces.push(next),
            }
        }
        assert!(pieces.iter().all(|piece| piece.len() <= 500));
        pieces.concat().len()
    };
    assert_eq!(listed(Some("acme")).await, 204 + 204 + 1);
    assert_eq!(listed(Some("evil")).await, 1000);
    let counted = Counted::read(&database).await.unwrap();
    assert_eq!(counted.not_kept, [("set-tag granted".to_owned(), 19_400)]);
}

/// The lines that are logged.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_flood_costs_one_warning_a_minute_which_says_how_many_were_not_kept() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("registry.db").display());
    let database = crate::database::open(&url).await.unwrap();
    let clock = ManualClock::at(1_700_000_000);
    let cx = Context::default().with_random(NotRandom(1)).with_clock(clock.clone());
    let lines = Lines::default();
    let to = lines.clone();
    let log = tracing_subscriber::fmt().with_ansi(false).with_writer(move || to.clone()).finish();
    let _log = tracing::subscriber::set_default(log);
    // Another test's thread, which has no subscriber, may have been the first to come by the warning: tracing then keeps in mind that
    // nobody wants it.
    let mut first = NotKept::default();
    first.add(&waiting::Counts::from([(("set-tag", "granted"), 1)]));
    first.warn_now(Duration::ZERO);
    tracing::callsite::rebuild_interest_cache();
    lines.0.lock().unwrap().clear();
    let (audit, writer) = Audit::start(database.clone(), &cx).unwrap();
    let event = Event::new(cx.clock().now(), "set-tag", "npm", "granted", "").publisher("evil");
    let event = event.verified("issuer", &Run::default());
    for _ in 0..3000 {
        audit.record(&event);
        tokio::task::yield_now().await;
    }
    drop(audit);
    writer.await.unwrap();
    let log = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    let counts = log.lines().filter_map(|line| line.split_once("events=")?.1.parse::<u64>().ok());
    let counts: Vec<u64> = counts.collect();
    assert_eq!(counts.iter().sum::<u64>(), 2000, "{log}");
    let minutes = clock.elapsed().as_secs() / 60;
    assert!(counts.len() as u64 <= minutes + 2, "{} warnings in {minutes} minutes", counts.len());
}
