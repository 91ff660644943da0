use serde_json::{Value, json};

use super::*;

/// A manifest with dependencies of many kinds, in the form that `cargo package` gives it.
const MANIFEST: &str = r#"
    [package]
    edition = "2024"
    rust-version = "1.85"
    name = "widget"
    version = "1.0.0"
    links = "widget"
    build = "build.rs"

    [lib]
    name = "widget"
    path = "src/lib.rs"

    [features]
    default = ["dep:gadget"]

    [dependencies.dice]
    version = "0.9"
    features = ["b", "a"]
    default-features = false
    package = "rand"

    [dependencies.gadget]
    version = "1.2.3"
    optional = true
    registry-index = "sparse+https://registry.example/index/"

    [dev-dependencies]
    serde = "1"

    [target.'cfg(any(unix, target_os="wasi",))'.build-dependencies.cc]
    version = "=1.0.5"
"#;

fn dependencies() -> Value {
    let public = "https://github.com/rust-lang/crates.io-index";
    json!([
        { "name": "rand", "version_req": "^0.9", "features": ["a", "b"], "optional": false, "default_features": false,
          "target": null, "kind": "normal", "registry": public, "explicit_name_in_toml": "dice" },
        { "name": "gadget", "version_req": "^1.2.3", "features": [], "optional": true, "default_features": true,
          "target": null, "kind": "normal", "registry": null },
        { "name": "serde", "version_req": "^1", "features": [], "optional": false, "default_features": true,
          "target": null, "kind": "dev", "registry": public },
        { "name": "cc", "version_req": "=1.0.5", "features": [], "optional": false, "default_features": true,
          "target": "cfg(any(unix, target_os = \"wasi\"))", "kind": "build", "registry": public },
    ])
}

fn compared(manifest: &str, dependencies: &Value) -> Result<(), String> {
    let dependencies: Vec<Dependency> = serde_json::from_value(dependencies.clone()).unwrap();
    let features = Features::from([("default".to_owned(), vec!["dep:gadget".to_owned()])]);
    let sent = Sent {
        name: "widget",
        version: "1.0.0",
        dependencies: &dependencies,
        features: &features,
        links: Some("widget"),
        rust_version: Some("1.85"),
    };
    compare(manifest.as_bytes(), &sent).map_err(|error| error.to_string())
}

#[test]
fn a_manifest_is_compared_by_what_it_means() {
    assert_eq!(compared(MANIFEST, &dependencies()), Ok(()));
    let old = MANIFEST.replace("default-features", "default_features").replace("build-dep", "build_dep");
    assert_eq!(compared(&old, &dependencies()), Ok(()));
}

#[test]
fn a_manifest_that_says_something_else_is_refused() {
    for (from, to, words) in [
        (
            "name = \"widget\"\n    version",
            "name = \"gadget\"\n    version",
            "`package.name` `gadget`, and the metadata that was sent with it has `widget`",
        ),
        ("version = \"1.0.0\"", "version = \"1.0.1\"", "`package.version` `1.0.1`"),
        (
            "links = \"widget\"",
            "",
            "`package.links` missing, and the metadata that was sent with it has `widget`",
        ),
        ("rust-version = \"1.85\"", "rust-version = \"1.86\"", "`package.rust-version`"),
        ("[\"dep:gadget\"]", "[]", "`features` `default = []`"),
        ("serde = \"1\"", "serde = \"1\"\nevil = \"1\"", "`dependencies` `evil ^1 (dev, from crates.io)`"),
        ("serde = \"1\"", "", "has `serde ^1 (dev, from crates.io)`"),
        ("package = \"rand\"", "package = \"evil\"", "package evil"),
        ("[\"b\", \"a\"]", "[\"b\"]", "features {\"b\"}"),
        ("optional = true", "", "optional"),
        ("default-features = false", "", "without default features"),
        ("\"1.2.3\"", "\"1.2.4\"", "gadget ^1.2.4"),
        (
            "sparse+https://registry.example/index/",
            "sparse+https://index.crates.io/",
            "gadget ^1.2.3 (normal, from crates.io",
        ),
        ("unix", "windows", "for cfg(any(windows"),
        ("\"wasi\"", "\"wa si\"", "target_os=\"wa si\""),
        ("build-dependencies", "dependencies", "cc =1.0.5 (normal"),
        ("version = \"=1.0.5\"", "path = \"../cc\"", "`cc`, which `cargo package` did not write so"),
        ("version = \"=1.0.5\"", "workspace = true", "`cc`, which `cargo package` did not write so"),
        ("version = \"=1.0.5\"", "version = \"one\"", "`one`, which is none"),
        ("[features]", "[features]\ndefault = []", "can't be read"),
        ("[package]", "[project]", "can't be read"),
    ] {
        let manifest = MANIFEST.replacen(from, to, 1);
        assert_ne!(manifest, MANIFEST, "{from}");
        let error = compared(&manifest, &dependencies()).unwrap_err();
        assert!(error.contains(words), "{to}: {error}");
    }
    let mut elsewhere = dependencies();
    elsewhere[1]["registry"] = json!("sparse+https://other.example/index/");
    assert!(compared(MANIFEST, &elsewhere).unwrap_err().contains("from sparse+https://other.example"));
    let mut here = dependencies();
    here[2]["registry"] = Value::Null;
    assert!(compared(MANIFEST, &here).unwrap_err().contains("from this registry"));
}
