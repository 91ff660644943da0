use std::time::Duration;

use super::*;

const EXAMPLE: &str = r#"
    listen = "127.0.0.1:4873"
    public_url = "http://localhost:4873"
    database = "sqlite:registry.db"
    admin_token_file = "admin-token"
    [[provider]]
    kind = "github"
    [[package]]
    ecosystem = "npm"
    name = "@acme/widget"
    [[package.publisher]]
    provider = "github"
    repository = "acme/widget"
    event = ["push", "release"]
    ref_protected = true
"#;

#[test]
fn a_publishers_rules_are_its_platforms_to_read() {
    let config = Config::parse(EXAMPLE).unwrap();
    let publisher = &config.package[0].publisher[0];
    assert_eq!(publisher.provider, "github");
    assert_eq!(publisher.rules.keys().collect::<Vec<_>>(), ["event", "ref_protected", "repository"]);
    assert_eq!(publisher.rules["event"], serde_json::json!(["push", "release"]));
}

#[test]
fn what_is_said_of_times_is_in_days() {
    let days = |days: u64| Duration::from_secs(days * 24 * 3600);
    let policy = Config::parse(EXAMPLE).unwrap().trust.policy();
    assert_eq!((policy.lapse_after, policy.pending_for), (days(7), days(30)));
    let text = EXAMPLE.replace("[[provider]]", "[trust]\nlapse_after_days = 3\n[[provider]]");
    let policy = Config::parse(&text).unwrap().trust.policy();
    assert_eq!((policy.lapse_after, policy.pending_for), (days(3), days(30)));
}

#[test]
fn a_misspelt_key_is_refused_by_name() {
    let error = Config::parse(&EXAMPLE.replace("database", "data_base")).unwrap_err().to_string();
    assert!(error.contains("data_base"), "{error}");
    let error = Config::parse(&EXAMPLE.replace("\"npm\"", "\"cpan\"")).unwrap_err().to_string();
    assert!(error.contains("cpan"), "{error}");
}

#[test]
fn what_a_registry_can_not_run_without_is_named_with_an_example() {
    let said = |text: &str| match Config::parse(text) {
        Ok(config) => config.check().unwrap_err().to_string(),
        Err(error) => error.to_string(),
    };
    for (text, words) in [
        (EXAMPLE.replace("sqlite:registry.db", "registry.db"), "write `sqlite:FILE`"),
        (EXAMPLE.replace("sqlite:registry.db", "mysql://me:hunter2@host/db"), "`mysql://host`"),
        (EXAMPLE.replace("[[provider]]\n    kind = \"github\"", ""), "`[[provider]]` is missing"),
        (
            format!("{EXAMPLE}[[package]]\necosystem = \"npm\"\nname = \"@acme/widget\""),
            "`@acme/widget` of npm is there twice",
        ),
        (
            EXAMPLE.replace("\"127.0.0.1:4873\"", "127.0.0.1:4873"),
            "line 2: write `listen = \"127.0.0.1:4873\"`",
        ),
        (EXAMPLE.replace("127.0.0.1:4873\"\n    public", "127.0.0.1\"\n    public"), "an address and a port"),
    ] {
        let said = said(&text);
        assert!(said.contains(words) && !said.contains("hunter2"), "{said}");
    }
    assert!(Config::parse(EXAMPLE).unwrap().check().is_ok());
}

#[test]
fn no_spelling_of_a_database_shows_its_password() {
    for (database, said) in [
        ("host=db password=hunter2", None),
        ("host=db password=hunter2:x", None),
        ("hunter2", None),
        ("", None),
        ("me:hunter2@host/db", Some("me:…")),
        ("postgres://db/x?password=hunter2", Some("postgres://db")),
        ("postgres://db/x#hunter2", Some("postgres://db")),
        ("postgres://db/x password=hunter2", Some("postgres://db")),
        ("postgres://me:hun@ter2@db:5432/x", Some("postgres://db:5432")),
        ("postgres://me:hun/ter2@db/x", Some("postgres:…")),
        ("postgres://me:5/hunter2@db/x", Some("postgres:…")),
        ("postgresql://me:5?hunter2@db/x", Some("postgresql:…")),
        ("postgres://me:5#hunter2@db/x", Some("postgres:…")),
        ("postgres:host=db password=hunter2", Some("postgres:…")),
        ("postgres:///x?host=/run/hunter2", Some("postgres:…")),
        ("sqlite:registry.db", Some("sqlite:registry.db")),
        ("sqlite:///var/registry.db?mode=rwc&key=hunter2", Some("sqlite:///var/registry.db")),
        ("sqlite://me:hunter2@registry.db", Some("sqlite:…")),
    ] {
        assert_eq!(without_password(database).as_deref(), said, "{database}");
    }
}

#[test]
fn port_0_stands_for_the_one_that_is_listened_on() {
    let config = |url: &str| Config { public_url: url.to_owned(), ..Config::parse(EXAMPLE).unwrap() };
    let url = |text: &str| config(text).public_url(5000).unwrap().as_str().to_owned();
    assert_eq!(url("http://localhost:0/npm/"), "http://localhost:5000/npm/");
    assert_eq!(url("http://localhost:0"), "http://localhost:5000/");
    assert_eq!(url("http://localhost:4873"), "http://localhost:4873/");
    assert!(config("http://registry.example").public_url(1).is_err());
    for part in [":x", "*", "*x"] {
        let error = config(&format!("https://registry.example/a/{part}/b")).public_url(1).unwrap_err();
        assert!(error.to_string().contains(&format!("a part of its path is `{part}`; expected")), "{error}");
    }
}

/// The names in backticks at the end of a refusal of an unknown key: the known keys.
fn known(table: &str) -> Vec<String> {
    let text = EXAMPLE.replace("[[provider]]", &format!("{table}\n[[provider]]"));
    let error = Config::parse(&text).unwrap_err().to_string();
    let (_, known) = error.split_once("expected").unwrap_or_else(|| panic!("{error}"));
    known.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn there_are_no_more_connections_than_descriptors() {
    let connections = |connections| Limits { connections, ..Limits::default() }.connections();
    assert!((1..=512).contains(&connections(None).unwrap()));
    assert_eq!(connections(Some(3)).unwrap(), 3);
    assert!(connections(Some(0)).is_err());
    if cfg!(unix) && oidc_listener::most_connections().is_some() {
        let error = connections(Some(usize::MAX)).unwrap_err().to_string();
        assert!(
            error.contains("`connections` is 18446744073709551615") && error.contains("ulimit"),
            "{error}"
        );
    }
}

#[test]
fn every_key_stands_in_the_reference() {
    let reference = include_str!("../../../../docs/registry.md");
    let (file, platforms) = reference.split_once("## Publishers").unwrap();
    for (table, least) in [
        ("unknown = 1", 8),
        ("[tls]\nunknown = 1", 2),
        ("[limits]\nunknown = 1", 3),
        ("[provenance]\nunknown = 1", 3),
        ("[trust]\nunknown = 1", 2),
        ("[[provider]]\nunknown = 1", 2),
        ("[[package]]\nunknown = 1", 4),
        ("[[package]]\necosystem = \"unknown\"", 4),
    ] {
        let keys = known(table);
        assert!(keys.len() >= least, "{table}: {keys:?}");
        for key in keys {
            assert!(file.contains(&format!("`{key}`")) || file.contains(&format!("`{key} = ")), "{key}");
        }
    }
    for key in ["provider", "issuer", "pending = true"] {
        assert!(platforms.contains(&format!("`{key}`")), "{key}");
    }
}

#[test]
fn every_platforms_keys_stand_in_the_reference() {
    let reference = include_str!("../../../../docs/registry.md");
    for kind in oidc_providers::all().iter().map(|provider| provider.id()) {
        let (_, section) = reference.split_once(&format!("### `{kind}`")).unwrap();
        let section = section.split("\n### ").next().unwrap();
        let provider = oidc_providers::at(kind, "http://127.0.0.1:9001").unwrap();
        let mut known: Vec<&str> = provider.publisher_fields().iter().map(|field| field.key).collect();
        known.sort_unstable();
        let lines = section.lines().filter_map(|line| line.strip_prefix("| `"));
        let mut written: Vec<&str> = lines
            .flat_map(|line| line.split(" |").next().unwrap().trim_end_matches('`').split("`, `"))
            .collect();
        written.sort_unstable();
        assert_eq!(written, known, "{kind}");
    }
}

#[test]
fn a_databases_password_is_not_in_debug() {
    let text = EXAMPLE.replace("sqlite:registry.db", "postgres://registry:hunter2@db/registry");
    let config = Config::parse(&text).unwrap();
    assert!(config.database.expose().contains("hunter2"));
    assert!(!format!("{config:?}").contains("hunter2"));
}
