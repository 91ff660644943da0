use super::*;

use super::super::packed::tests::{tarball, wheel, zip};

fn metadata(name: &str, version: &str) -> String {
    format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nRequires-Python: >=3.9\n\nA widget.\n")
}

/// A form whose file says the same as the form.
fn form(name: &str, version: &str, file: &str) -> Form {
    with_metadata(name, version, file, &metadata(name, version))
}

fn with_metadata(name: &str, version: &str, file: &str, in_file: &str) -> Form {
    let content = match file.strip_suffix(".whl") {
        Some(wheel) => {
            let folder: Vec<&str> = wheel.split('-').take(2).collect();
            self::wheel(&[(&format!("{}.dist-info/METADATA", folder.join("-")), in_file)])
        }
        None => tarball(&[("folder/PKG-INFO", in_file)]),
    };
    let metadata = CoreMetadata::parse(metadata(name, version).as_bytes()).unwrap();
    Form {
        action: Some(UPLOAD.to_owned()),
        metadata,
        content: Some((file.to_owned(), content.into())),
        ..Form::default()
    }
}

#[test]
fn wheels_and_source_distributions_are_taken() {
    for (name, version, file) in [
        ("My.Widget", "1.0.0", "my_widget-1.0.0-py3-none-any.whl"),
        ("my-widget", "1.0.0", "my_widget-1.0.0.tar.gz"),
        ("my-widget", "1.0.0", "my-widget-1.0.0.tar.gz"),
        ("widget", "1.0+local.1", "widget-1.0+local.1-2-cp313-cp313-manylinux_2_17_x86_64.whl"),
    ] {
        let upload = form(name, version, file).into_upload().unwrap();
        assert_eq!((&*upload.name, &*upload.version), (file, version));
    }
}

#[test]
fn a_file_of_another_project_version_or_place_is_refused() {
    for (name, version, file) in [
        ("widget", "1.0.0", "gadget-1.0.0.tar.gz"),
        ("widget", "1.0.0", "widget-2.0.0.tar.gz"),
        ("widget", "1.0.0", "widget-1.0.0.zip"),
        ("widget", "1.0.0", "widget-1.0.0.whl"),
        ("widget", "1.0.0", "../widget-1.0.0.tar.gz"),
        ("widget", "1.0.0", "widget-1.0.0.tar.gz\0"),
        ("widget", "1.0.0", ""),
        ("widget", "../1", "widget-1.0.0.tar.gz"),
        ("../widget", "1.0.0", "widget-1.0.0.tar.gz"),
        ("widget", "", "widget-.tar.gz"),
    ] {
        let error = form(name, version, file).into_upload().unwrap_err();
        let is_expected = matches!(error, InvalidUpload::FileName { .. } | InvalidUpload::Metadata(_));
        assert!(is_expected, "{name} {version} {file}: {error}");
    }
    let mut lying = form("widget", "1.0.0", "widget-1.0.0.tar.gz");
    lying.sha256_digest = Some("0".repeat(64));
    assert!(matches!(lying.into_upload(), Err(InvalidUpload::Digest)));
    assert!(Form::default().into_upload().is_err());
}

#[test]
fn a_file_that_says_something_else_than_the_form_is_refused() {
    let good = metadata("widget", "1.0.0");
    for file in ["widget-1.0.0-py3-none-any.whl", "widget-1.0.0.tar.gz"] {
        assert!(with_metadata("widget", "1.0.0", file, &good).into_upload().is_ok(), "{file}");
        for (from, to, words) in [
            ("widget", "gadget", "`Name` is `widget`, and the metadata in the file that it is `gadget`"),
            ("1.0.0", "1.0.1", "`Version` is `1`, and the metadata in the file that it is `1.0.1`"),
            (
                ">=3.9",
                ">=3.8",
                "`Requires-Python` is `>=3.9`, and the metadata in the file that it is `>=3.8`",
            ),
            (
                "\n\n",
                "\nRequires-Dist: gadget\n\n",
                "`Requires-Dist` is nothing, and the metadata in the file that it is `gadget`",
            ),
            ("2.1", "9.9", "the metadata in the file can't be used: `Metadata-Version` is `9.9`"),
            ("Name", "Nam", "the metadata in the file can't be used: it has no `Name`"),
        ] {
            let lying = with_metadata("widget", "1.0.0", file, &good.replacen(from, to, 1));
            let error = lying.into_upload().unwrap_err().to_string();
            assert!(error.contains(words), "{file}: {error}");
        }
    }
    let other = "widget-1.0.0.dist-info/metadata.json";
    let mut empty = form("widget", "1.0.0", "widget-1.0.0-py3-none-any.whl");
    empty.content.as_mut().unwrap().1 = zip(&[(other, "{}")]).into();
    assert!(matches!(empty.into_upload(), Err(InvalidUpload::Package(InvalidPackage::Missing(_)))));
}
