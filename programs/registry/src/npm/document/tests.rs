use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::*;

/// A `package.json` as Python's `tarfile` and `gzip` packed it, with the digests of its `hashlib`.
const TARBALL: &str = "H4sIAAAAAAAC/ytITM5OTE/VL4DQelnF+XkMVAYGQGBmYgKmgQCdNjAwNUOwQeKGhmZG5gwKBgx0AKXFJYlFQOsZRiaoVlDKS8xNVbJSUHJITM5N1S/PTElPLVHSUVAqSy0qzszPA0kZ6hnoGSgp1DKMglEwCkbBKBgmAAAT7XwSAAgAAA==";
const SHASUM: &str = "e1f302826864b51ed2ea87e28dfb7892c3f4f03f";
const INTEGRITY: &str =
    "sha512-Dk2nZxghznloPgZ5GWd8ekOWhtbVC1OH2TvZj4OZOj0EoDwXB3jykhRx/mHUSeO6o67DvhxYleCHGGG2iqD8dw==";

fn widget() -> PackageName {
    PackageName::parse("@acme/widget").unwrap()
}

fn document() -> Value {
    json!({
        "_id": "@acme/widget",
        "name": "@acme/widget",
        "dist-tags": { "latest": "1.0.0" },
        "versions": { "1.0.0": {
            "name": "@acme/widget",
            "version": "1.0.0",
            "_id": "@acme/widget@1.0.0",
            "_nodeVersion": "20.0.0",
            "dist": { "shasum": SHASUM },
        } },
        "access": null,
        "_attachments": { "@acme/widget-1.0.0.tgz": {
            "content_type": "application/octet-stream", "data": TARBALL, "length": 133,
        } },
    })
}

fn parse(document: &Value) -> Result<Publication, InvalidDocument> {
    Publication::parse(widget(), &serde_json::to_vec(document).unwrap().into())
}

/// The error that the good document gives once `change` was made to it.
fn refused(change: impl FnOnce(&mut Value)) -> InvalidDocument {
    let mut document = document();
    change(&mut document);
    parse(&document).unwrap_err()
}

#[test]
fn a_publish_document_gives_one_version_with_digests_of_our_own() {
    let publication = parse(&document()).unwrap();
    assert_eq!(publication.version.as_str(), "1.0.0");
    assert_eq!(STANDARD.encode(&*publication.tarball), TARBALL);
    assert_eq!((&*publication.shasum, &*publication.integrity), (SHASUM, INTEGRITY));
    assert_eq!(publication.tags, [Tag::parse("latest").unwrap()]);
    assert!(publication.public);
}

#[test]
fn words_that_only_a_registry_may_say_are_dropped() {
    let mut document = document();
    document["versions"]["1.0.0"]["_npmUser"] = json!({ "trustedPublisher": { "id": "github" } });
    document["versions"]["1.0.0"]["__proto__"] = json!({ "polluted": true });
    let manifest = format!("{{{}}}", parse(&document).unwrap().manifest.full);
    let manifest: BTreeMap<String, Value> = serde_json::from_str(&manifest).unwrap();
    assert_eq!(manifest.keys().collect::<Vec<_>>(), ["_nodeVersion", "name", "version"]);
}

#[test]
fn a_provenance_bundle_beside_the_tarball_is_kept_as_its_text() {
    let mut document = document();
    document["_attachments"]["@acme/widget-1.0.0.sigstore"] = json!({ "data": "{\"a\":1}", "length": 7 });
    assert_eq!(parse(&document).unwrap().bundle.as_deref(), Some("{\"a\":1}"));
    // The length counts as JavaScript counts.
    document["_attachments"]["@acme/widget-1.0.0.sigstore"] = json!({ "data": "\u{1f4e6}é", "length": 3 });
    assert_eq!(parse(&document).unwrap().bundle.as_deref(), Some("\u{1f4e6}é"));
}

#[test]
fn the_repository_is_read_where_a_bundle_is_compared_with_it_and_is_bounded() {
    let mut document = document();
    document["versions"]["1.0.0"]["repository"] = json!("github:acme/widget");
    assert_eq!(parse(&document).unwrap().repository, None);
    document["_attachments"]["@acme/widget-1.0.0.sigstore"] = json!({ "data": "{}", "length": 2 });
    assert_eq!(parse(&document).unwrap().repository, Some(json!("github:acme/widget")));
    document["versions"]["1.0.0"]["repository"] = json!({ "url": "x".repeat(MAX_REPOSITORY) });
    assert_eq!(parse(&document).unwrap().repository, None);
}

#[test]
fn a_provenance_bundle_that_is_no_text_of_its_length_is_refused() {
    for bundle in [
        json!({ "data": "{}", "length": 3 }),
        json!({ "data": {} }),
        json!({ "data": "x".repeat(MAX_BUNDLE + 1) }),
        json!({ "data": "\u{1}".repeat(MAX_BUNDLE + 1) }),
    ] {
        let error =
            refused(|document| document["_attachments"]["@acme/widget-1.0.0.sigstore"] = bundle.clone());
        assert_eq!(error, InvalidDocument::Bundle, "{}", bundle.to_string().get(..40).unwrap_or_default());
    }
}

#[test]
fn restricted_access_is_heard() {
    let mut document = document();
    document["access"] = json!("restricted");
    assert!(!parse(&document).unwrap().public);
}

#[test]
fn what_is_no_document_is_refused() {
    let deep = "[".repeat(100_000);
    let huge_number =
        r#"{"name":"@acme/widget","versions":{"1.0.0":{"a":1e999}},"_attachments":{"a.tgz":{}}}"#;
    for body in
        ["", "null", "[]", "\"x\"", "{", "{}", "\u{0}", r#"{"name":"@acme/widget"}"#, &deep, huge_number]
    {
        let error = Publication::parse(widget(), &body.as_bytes().to_vec().into()).unwrap_err();
        assert!(matches!(error, InvalidDocument::NotADocument(_)), "{error}");
    }
    assert!(Publication::parse(widget(), &b"\xff\xfe".to_vec().into()).is_err());
}

#[test]
fn another_packages_document_is_refused() {
    for other in ["@acme/gadget", "@ACME/widget", "widget", "__proto__", "@acme%2fwidget"] {
        let error = refused(|document| document["name"] = json!(other));
        assert!(matches!(error, InvalidDocument::OtherPackage { .. }), "{error}");
        let error = refused(|document| document["versions"]["1.0.0"]["name"] = json!(other));
        assert!(matches!(error, InvalidDocument::ManifestDiffers { field: "name", .. }), "{error}");
    }
}

#[test]
fn exactly_one_valid_version_is_published() {
    let error = refused(|document| document["versions"]["1.0.1"] = json!({}));
    assert_eq!(error, InvalidDocument::NotOneVersion(2));
    let error = refused(|document| document["versions"] = json!({}));
    assert_eq!(error, InvalidDocument::NotOneVersion(0));
    for version in ["__proto__", "../1.0.0", "1.0", "", "1.0.0+build"] {
        let error = refused(|document| document["versions"] = json!({ version: { "name": "@acme/widget" } }));
        assert!(matches!(error, InvalidDocument::InvalidName(_)), "{error}");
    }
    let error = refused(|document| document["versions"]["1.0.0"]["version"] = json!("1.0.1"));
    assert!(matches!(error, InvalidDocument::ManifestDiffers { field: "version", .. }), "{error}");
}

#[test]
fn tags_point_to_the_published_version() {
    let error = refused(|document| document["dist-tags"] = json!({ "latest": "0.9.0" }));
    assert!(matches!(error, InvalidDocument::TagElsewhere { .. }), "{error}");
    for tag in ["1.0.0", "__proto__", "a/b", ""] {
        let error = refused(|document| document["dist-tags"] = json!({ tag: "1.0.0" }));
        assert!(matches!(error, InvalidDocument::InvalidName(_)), "{error}");
    }
    let many: BTreeMap<String, &str> = (0..21).map(|n| (format!("t{n}"), "1.0.0")).collect();
    assert_eq!(refused(|document| document["dist-tags"] = json!(many)), InvalidDocument::TooManyTags);
}

#[test]
fn the_tarball_arrives_whole_or_not_at_all() {
    let attachment = "@acme/widget-1.0.0.tgz";
    for data in ["YWJ", "YWJj\n", "*", "YW Jj", "YWJj=="] {
        let error = refused(|document| document["_attachments"][attachment]["data"] = json!(data));
        assert_eq!(error, InvalidDocument::NotBase64, "{data:?}");
    }
    let error =
        refused(|document| document["_attachments"][attachment]["data"] = json!(TARBALL.replace("AA", "AB")));
    assert_eq!(error, InvalidDocument::DigestDiffers("shasum"));
    let error = refused(|document| document["_attachments"][attachment]["length"] = json!(4));
    assert_eq!(error, InvalidDocument::DigestDiffers("length"));
    let error = refused(|document| document["versions"]["1.0.0"]["dist"]["integrity"] = json!("sha512-AAAA"));
    assert_eq!(error, InvalidDocument::DigestDiffers("integrity"));
    assert_eq!(refused(|document| document["_attachments"] = json!({})), InvalidDocument::NoTarball);
    let error = refused(|document| document["_attachments"]["b.tgz"] = json!({ "data": "YWJj" }));
    assert_eq!(error, InvalidDocument::NotOneTarball(2));
    let error = refused(|document| document["_attachments"]["../x"] = json!({ "data": "YWJj" }));
    assert_eq!(error, InvalidDocument::UnknownAttachment("../x".to_owned()));
    let error = refused(|document| {
        document["_attachments"]["a.sigstore"] = json!({ "data": "{}" });
        document["_attachments"]["b.sigstore"] = json!({ "data": "{}" });
    });
    assert_eq!(error, InvalidDocument::TooManyAttachments(3));
}

/// Each of these took hundreds of times as much memory as it has bytes.
#[test]
fn what_is_long_is_skipped_and_not_built() {
    let objects = format!("[{}]", vec!["{\"a\":{}}"; 100_000].join(","));
    let members = |count: usize| {
        let members: Vec<String> = (0..count).map(|n| format!("\"k{n}\":{{}}")).collect();
        format!("{{{}}}", members.join(","))
    };
    let whole = document().to_string();
    let with = |key: &str, value: &str| {
        let changed = whole.replacen('{', &format!("{{\"{key}\":{value},"), 1);
        Publication::parse(widget(), &changed.into_bytes().into())
    };
    assert!(with("readme", &objects).is_ok());
    let replaced = |from: &str, to: &str| {
        let mut document: BTreeMap<String, Value> = serde_json::from_str(&whole).unwrap();
        document.remove(from).unwrap();
        let document = json!(document).to_string().replacen('{', &format!("{{\"{from}\":{to},"), 1);
        Publication::parse(widget(), &document.into_bytes().into()).unwrap_err()
    };
    assert_eq!(replaced("versions", &members(50_000)), InvalidDocument::NotOneVersion(50_000));
    assert_eq!(replaced("dist-tags", &members(50_000)), InvalidDocument::TooManyTags);
    assert_eq!(replaced("_attachments", &members(50_000)), InvalidDocument::TooManyAttachments(50_000));
    let huge = format!("{{\"1.0.0\":{{\"name\":\"@acme/widget\",\"x\":{objects}}}}}");
    assert_eq!(replaced("versions", &huge), InvalidDocument::ManifestTooLarge);
    let error = replaced("name", &format!("\"{}\"", "x".repeat(2_000)));
    assert!(matches!(error, InvalidDocument::NotADocument(_)), "{error}");
}

#[test]
fn manifests_are_bounded() {
    let error = refused(|document| document["versions"]["1.0.0"]["readme"] = json!("x".repeat(1 << 20)));
    assert_eq!(error, InvalidDocument::ManifestTooLarge);
}

#[test]
fn the_tarball_says_what_the_manifest_says() {
    let error =
        refused(|document| document["versions"]["1.0.0"]["scripts"] = json!({ "postinstall": "evil" }));
    assert!(matches!(error, InvalidDocument::Contents(InvalidContents::Differs { .. })), "{error}");
    let error = refused(|document| {
        let attachment = &mut document["_attachments"]["@acme/widget-1.0.0.tgz"];
        *attachment = json!({ "data": STANDARD.encode("no archive") });
        document["versions"]["1.0.0"]["dist"] = json!({});
    });
    assert!(matches!(error, InvalidDocument::Contents(InvalidContents::Archive(_))), "{error}");
}
