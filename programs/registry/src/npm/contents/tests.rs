use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use super::*;

/// A gzipped archive of files.
pub(in super::super) fn tarball(files: &[(&str, &str)]) -> Vec<u8> {
    let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (path, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
        header.set_cksum();
        archive.append(&header, content.as_bytes()).unwrap();
    }
    archive.into_inner().unwrap().finish().unwrap()
}

/// Compares what `change` makes of the same manifest in both places.
fn compared(packed: &Value, sent: &Value, files: &[&str]) -> Result<(), String> {
    let base = |change: &Value| {
        let mut manifest = json!({ "name": "@acme/widget", "version": "1.0.0" });
        manifest.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        manifest.to_string()
    };
    let (packed, sent) = (base(packed), base(sent));
    let mut all = vec![("package/package.json", packed.as_str())];
    all.extend(files.iter().map(|file| (*file, "")));
    let contents = Contents::read(&tarball(&all)).map_err(|error| error.to_string())?;
    contents.compare(&Manifest::parse(&sent).unwrap()).map_err(|error| error.to_string())
}

#[test]
fn what_clients_send_of_what_they_pack_is_taken() {
    for (packed, sent, files) in [
        (json!({ "version": "v1.0.0+build.1" }), json!({}), &[][..]),
        (json!({ "bin": "./bin/widget.js" }), json!({ "bin": { "widget": "bin/widget.js" } }), &[]),
        (json!({ "bin": { "a": "./../a.js", "b": 1 } }), json!({ "bin": { "a": "a.js" } }), &[]),
        (json!({ "bin": ["./bin/a.js"] }), json!({ "bin": { "a.js": "bin/a.js" } }), &[]),
        (json!({ "directories": { "bin": "./bin" } }), json!({ "bin": { "a": "bin/a" } }), &[]),
        (
            json!({ "directories": { "bin": "bin" } }),
            json!({ "bin": { "a": "bin/a", "b": "bin/sub/b", "sub": "bin/sub" } }),
            &["package/bin/a", "package/bin/sub/b", "package/bin/.hidden", "package/lib/c"],
        ),
        (
            json!({ "scripts": {} }),
            json!({ "scripts": { "install": "node-gyp rebuild" } }),
            &["package/binding.gyp"],
        ),
        (json!({}), json!({ "scripts": { "start": "node server.js" } }), &["package/server.js"]),
        (
            json!({ "scripts": { "test": "./node_modules/.bin/mocha", "x": 1 } }),
            json!({ "scripts": { "test": "mocha" } }),
            &[],
        ),
        (
            json!({ "dependencies": { "a": "1", "b": "2" }, "optionalDependencies": { "b": "2" } }),
            json!({ "dependencies": { "a": "1" }, "optionalDependencies": { "b": "2" } }),
            &[],
        ),
        (
            json!({ "dependencies": { "a": "acme/a#v1", "b": "git@github.com:acme/b.git", "c": "https://gitlab.com/x/c.git" } }),
            json!({ "dependencies": { "a": "github:acme/a#v1", "b": "git+ssh://git@github.com/acme/b.git",
                "c": "git+https://gitlab.com/x/c.git" } }),
            &[],
        ),
        // As npm 11.21 sends them.
        (
            json!({ "dependencies": { "a": "http://github.com/acme/a", "b": "https://github.com/acme/b/tree/main",
                "c": "https://www.github.com/acme/c", "d": "git@gist.github.com:11081aaa281.git", "e": "git@git.sr.ht:~a/b",
                "f": "https://gist.github.com/user/11081aaa281", "g": "git+https://user:pw@github.com/acme/g",
                "h": "HTTPS://GitHub.com/acme/h", "i": "ssh://git@github.com:22/acme/i.git" } }),
            json!({ "dependencies": { "a": "github:acme/a", "b": "github:acme/b#main", "c": "github:acme/c",
                "d": "git+ssh://git@gist.github.com/11081aaa281.git", "e": "git+ssh://git@git.sr.ht/~a/b.git",
                "f": "git+https://gist.github.com/11081aaa281.git", "g": "git+https://user:pw@github.com/acme/g.git",
                "h": "github:acme/h", "i": "github:acme/i" } }),
            &[],
        ),
        (
            json!({ "dependencies": { "a": "1" }, "bundledDependencies": true }),
            json!({ "dependencies": { "a": "1" }, "bundleDependencies": ["a"] }),
            &[],
        ),
        (
            json!({ "bundleDependencies": ["a"] }),
            json!({ "dependencies": { "a": "*" }, "bundleDependencies": ["a"] }),
            &[],
        ),
        (
            json!({ "os": "linux", "engines": { "node": ">=20" } }),
            json!({ "os": ["linux"], "engines": { "node": ">=20" } }),
            &[],
        ),
        (
            json!({ "peerDependenciesMeta": { "a": { "optional": true }, "b": {} } }),
            json!({ "peerDependenciesMeta": { "a": { "optional": true } } }),
            &[],
        ),
        (
            json!({ "dependencies": {}, "_id": "x", "keywords": "a, b", "main": "x.js" }),
            json!({ "readme": "# Widget", "gitHead": "0", "keywords": ["a", "b"], "repository": { "type": "git" } }),
            &[],
        ),
    ] {
        assert_eq!(compared(&packed, &sent, files), Ok(()), "{packed}");
    }
}

#[test]
fn a_tarball_that_says_something_else_than_the_manifest_is_refused() {
    for (packed, sent, words) in [
        (
            json!({ "name": "@acme/gadget" }),
            json!({}),
            r#"`name` is "@acme/gadget", and the manifest that was sent with it that it is "@acme/widget""#,
        ),
        (json!({ "version": "1.0.1" }), json!({}), r#"`version` is "1.0.1""#),
        (
            json!({ "scripts": { "postinstall": "evil" } }),
            json!({}),
            r#"`scripts.postinstall` is "evil", and the manifest that was sent with it that it is nothing"#,
        ),
        (json!({}), json!({ "scripts": { "test": "x" } }), "`scripts.test` is nothing"),
        (json!({}), json!({ "scripts": { "install": "node-gyp rebuild" } }), "`scripts.install` is nothing"),
        (json!({ "dependencies": { "evil": "1" } }), json!({}), r#"`dependencies.evil` is "1""#),
        (
            json!({ "dependencies": { "a": "1" } }),
            json!({ "dependencies": { "a": "2" } }),
            "`dependencies.a`",
        ),
        (json!({}), json!({ "dependencies": { "a": "*" } }), "`dependencies.a` is nothing"),
        (
            json!({ "dependencies": { "a": "acme/a" } }),
            json!({ "dependencies": { "a": "github:evil/a" } }),
            "`dependencies.a`",
        ),
        (
            json!({ "dependencies": { "a": "https://github.com/acme/a/tree/main" } }),
            json!({ "dependencies": { "a": "github:acme/a" } }),
            "`dependencies.a`",
        ),
        (
            json!({ "dependencies": { "a": "https://user@github.com/acme/a" } }),
            json!({ "dependencies": { "a": "github:acme/a" } }),
            "`dependencies.a`",
        ),
        (
            json!({ "dependencies": { "a": "gist:11" } }),
            json!({ "dependencies": { "a": "git@gist.github.com:12.git" } }),
            "`dependencies.a`",
        ),
        (
            json!({ "dependencies": { "a": "https://github.example/acme/a" } }),
            json!({ "dependencies": { "a": "github:acme/a" } }),
            "`dependencies.a`",
        ),
        (json!({ "optionalDependencies": { "evil": "1" } }), json!({}), "`optionalDependencies.evil`"),
        (json!({ "peerDependencies": { "evil": "1" } }), json!({}), "`peerDependencies.evil`"),
        (
            json!({ "devDependencies": { "a": "1" } }),
            json!({ "devDependencies": { "a": "2" } }),
            "`devDependencies.a`",
        ),
        (json!({ "bundleDependencies": ["evil"] }), json!({}), "`bundleDependencies`"),
        (
            json!({ "bundleDependencies": [] }),
            json!({ "bundleDependencies": [], "bundledDependencies": ["evil"] }),
            "`bundleDependencies`",
        ),
        (
            json!({ "bundledDependencies": ["evil"] }),
            json!({ "bundleDependencies": null }),
            "`bundleDependencies`",
        ),
        (json!({}), json!({ "directories": { "bin": "evil" } }), "`directories.bin`"),
        (
            json!({ "directories": { "bin": "bin" } }),
            json!({ "directories": { "bin": "evil" } }),
            "`directories.bin`",
        ),
        (json!({ "bin": { "node": "evil.js" } }), json!({}), "`bin.node`"),
        (json!({ "bin": "a.js" }), json!({ "bin": { "widget": "b.js" } }), "`bin.widget`"),
        (json!({ "directories": { "bin": "bin" } }), json!({ "bin": { "a": "lib/a" } }), "`bin.a`"),
        (json!({ "directories": { "bin": "bin" } }), json!({ "bin": { "npm": "bin/a" } }), "`bin.npm`"),
        (json!({ "engines": { "node": ">=20" } }), json!({ "engines": { "node": "*" } }), "`engines`"),
        (json!({ "os": ["linux"] }), json!({ "os": ["linux", "!win32"] }), "`os`"),
        (
            json!({ "peerDependenciesMeta": { "a": { "optional": true } } }),
            json!({}),
            "`peerDependenciesMeta`",
        ),
        (json!({ "dependencies": "evil" }), json!({}), "`dependencies` is not an object"),
    ] {
        let error = compared(&packed, &sent, &[]).unwrap_err();
        assert!(error.contains(words), "{packed}: {error}");
    }
    let folder = json!({ "directories": { "bin": "bin" } });
    for (sent, files) in [
        (json!({}), &["package/bin/npm"][..]),
        (json!({ "bin": { "a": "bin/a" } }), &["package/bin/a", "package/bin/sub/npm"]),
    ] {
        let error = compared(&folder, &sent, files).unwrap_err();
        assert!(error.contains("`bin.npm` is \"bin/npm\""), "{sent}: {error}");
    }
}

#[test]
fn a_tarball_has_one_manifest_wherever_an_installer_may_see_it() {
    let good = r#"{"name":"a"}"#;
    let large = format!("{{\"a\":\"{}\"}}", "x".repeat(MAX_MANIFEST_BYTES));
    for (files, words) in [
        (&[("package/index.js", "")][..], "no `package.json` in its folder"),
        (&[("package.json", good)], "not below one folder"),
        (&[("a/package.json", good), ("package.json", good)], "not below one folder"),
        (&[("a/package.json", good), ("b", "")], "not below one folder"),
        (
            &[("a/package.json", good), ("b/package.json", good)],
            "a second `package.json` at \"b/package.json\"",
        ),
        (&[("a/package.json", good), ("a/./package.json", good)], "not below one folder"),
        (&[("a/package.json", good), ("a/Package.JSON", good)], "a second"),
        (&[("a/package.json", good), ("a\\package.json", good)], "not below one folder"),
        (&[("a/package.json", good), ("a/../../x", "")], "not below one folder"),
        (&[("/a/package.json", good)], "not below one folder"),
        (&[("a/package.json", &large)], "larger than"),
    ] {
        let error = Contents::read(&tarball(files)).unwrap_err().to_string();
        assert!(error.contains(words), "{files:.100?}: {error}");
    }
    assert!(Contents::read(&tarball(&[("a/package.json", good), ("a/b/package.json", "x")])).is_ok());
    for text in ["", "[]", "{\"name\":\"a\",\"name\":\"b\"}"] {
        let contents = Contents::read(&tarball(&[("a/package.json", text)])).unwrap();
        let error = contents.compare(&Manifest::parse(good).unwrap()).unwrap_err();
        assert!(matches!(error, InvalidContents::NotJson(_)), "{error}");
    }
    let marked = Contents::read(&tarball(&[("a/package.json", &format!("\u{feff}{good}"))])).unwrap();
    assert_eq!(marked.compare(&Manifest::parse(good).unwrap()), Ok(()));
}

#[test]
fn an_installation_that_builds_is_known_for_one() {
    let is_built = |manifest: &str, file: &str| {
        Contents::read(&tarball(&[("a/package.json", manifest), (file, "")])).unwrap().is_built()
    };
    assert!(is_built("{}", "a/binding.gyp") && is_built("{\"gypfile\":true}", "a/binding.gyp"));
    assert!(!is_built("{\"gypfile\":false}", "a/binding.gyp") && !is_built("{}", "a/b/binding.gyp"));
}

/// A tarball with its manifest and one more entry.
fn with_entry(kind: u8, path: &str, content: &[u8]) -> Result<Contents, InvalidContents> {
    let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    let manifest: &[u8] = br#"{ "name": "@acme/widget", "version": "1.0.0" }"#;
    for (kind, path, content) in [(b'0', "package/package.json", manifest), (kind, path, content)] {
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(tar::EntryType::new(kind));
        header.set_size(content.len() as u64);
        header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
        header.set_cksum();
        archive.append(&header, content).unwrap();
    }
    Contents::read(&archive.into_inner().unwrap().finish().unwrap())
}

#[test]
fn no_installer_finds_another_manifest() {
    for path in [
        "./package.json",
        "package.json/",
        "/package.json",
        "a\\b/package.json",
        "package//package.json",
        "package/./package.json",
        "package/PACKAGE.JSON",
        "package/package.json.",
        "package/package.json::$DATA",
        "package/package.j\u{17f}on",
        "package/pack\u{200c}age.json",
        "package/PACKAG~1.JSO",
        "package/pa0b1c~1.jso",
        "package/package.json/x",
        "package/x/../package.json",
        "package/a\nb",
    ] {
        assert!(with_entry(b'0', path, b"{}").is_err(), "{path}");
    }
    for (kind, content) in
        [(b'1', &b""[..]), (b'2', b""), (b'3', b"x"), (b'5', b"x"), (b'6', b""), (b'X', b"x"), (b'N', b"x")]
    {
        assert!(with_entry(kind, "package/x", content).is_err(), "{kind}");
    }
    for path in ["package/lib/package.json", "package/x", "other/x", "package/package.json.bak"] {
        assert!(with_entry(b'0', path, b"{}").is_ok(), "{path}");
    }
    assert!(with_entry(b'5', "package/lib/", b"").is_ok());
}

#[test]
fn whether_there_is_a_shrinkwrap_is_for_the_tarball_to_say() {
    let manifest = r#"{ "name": "a", "_hasShrinkwrap": true, "hasInstallScript": true }"#;
    let texts = |path: &str| {
        let contents = with_entry(b'0', path, b"{}").unwrap();
        Manifest::parse(manifest).unwrap().texts(contents.is_built(), contents.has_shrinkwrap())
    };
    let without = texts("package/lib/npm-shrinkwrap.json");
    assert_eq!([without.full, without.abbreviated], [r#""name":"a""#; 2]);
    let with = texts("package/npm-shrinkwrap.json");
    assert_eq!([with.full, with.abbreviated], [r#""name":"a","_hasShrinkwrap":true"#; 2]);
}

#[test]
fn what_is_sent_and_is_no_text_is_not_left_out() {
    for sent in [
        json!({ "dependencies": { "evil": ["1"] } }),
        json!({ "optionalDependencies": { "evil": 1 } }),
        json!({ "scripts": { "install": {} } }),
        json!({ "peerDependenciesMeta": { "a": { "optional": "true" } } }),
        json!({ "peerDependenciesMeta": { "a": { "optional": 1 } } }),
        json!({ "os": [1] }),
    ] {
        assert!(compared(&json!({}), &sent, &[]).is_err(), "{sent}");
    }
}
