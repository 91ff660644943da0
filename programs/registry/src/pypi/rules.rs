//! The rules of core metadata, and the comparison of a form with the file in it.
//!
//! Sources: packaging.python.org, "Core metadata specifications"; docs.pypi.org, "Project metadata". Not everything is refused
//! that the public index refuses: classifiers and addresses that nobody knows are taken here, and local versions are.

use std::collections::BTreeSet;

use oidc_exchange::pypi::ProjectName;

use super::core_metadata::{CoreMetadata, FIELDS, InvalidMetadata, VERSIONS};
use super::distribution::canonical;
use super::licence::licence;
use super::requirement::{requirement, specifiers};
use super::values::{
    is_classifier, is_content_type, is_import, is_path_inside, is_project, is_pythons, is_summary, is_url,
    label,
};

/// The place of metadata.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Form,
    File,
}

/// The rule of a field: the values that are valid, and in words what is expected.
type Rule = (&'static str, fn(&str) -> bool, &'static str);

/// The rules of fields that metadata has once.
const ONCE: [Rule; 6] = [
    ("Requires-Python", is_pythons, "versions such as `>=3.9`, in at most 1024 bytes"),
    ("Summary", is_summary, "one line of at most 512 characters"),
    (
        "Description-Content-Type",
        is_content_type,
        "`text/plain`, `text/x-rst` or `text/markdown`, in UTF-8 and of the variant GFM or CommonMark",
    ),
    ("License-Expression", |text| licence(text).is_some(), "an SPDX expression such as `MIT OR Apache-2.0`"),
    ("Home-page", is_url, URL),
    ("Download-URL", is_url, URL),
];

const URL: &str = "a URL that begins with `https://` or `http://`";
const PROJECT: &str = "a project and versions such as `gadget>=1.0`, without a URL";
const IMPORT: &str = "the name of a module such as `acme.widget`, with `; private` behind it or nothing";

/// The rules of fields that metadata may have several times.
const SEVERAL: [Rule; 10] = [
    ("Requires-Dist", is_project, PROJECT),
    ("Provides-Dist", is_project, PROJECT),
    ("Obsoletes-Dist", is_project, PROJECT),
    ("Provides-Extra", |text| ProjectName::parse(text).is_ok(), "the name of an extra"),
    ("Classifier", is_classifier, "a classifier such as `Typing :: Typed`, and none below `Private ::`"),
    ("License-File", is_path_inside, "a path below the project's folder, with `/` between its parts"),
    ("Dynamic", is_dynamic, "a field other than `Name`, `Version`, `Metadata-Version` and `Dynamic`"),
    (
        "Project-URL",
        |text| label(text).is_some(),
        "a label of at most 32 characters, a comma and a URL, such as `Source, https://example.org/widget`",
    ),
    ("Import-Name", is_import, IMPORT),
    ("Import-Namespace", is_import, IMPORT),
];

/// Checks metadata by itself.
pub(super) fn check(metadata: &CoreMetadata, place: Place) -> Result<(), InvalidMetadata> {
    check_version(metadata, place)?;
    let name = metadata.required("Name")?;
    if ProjectName::parse(name).is_err() {
        return Err(InvalidMetadata::value("Name", name, "the name of a project"));
    }
    let version = metadata.required("Version")?;
    if canonical(version).is_none() {
        return Err(InvalidMetadata::value("Version", version, "a version such as `1.0.0`"));
    }
    for (field, is_valid, expected) in ONCE {
        if let Some(value) = metadata.one(field).filter(|value| !is_valid(value)) {
            return Err(InvalidMetadata::value(field, value, expected));
        }
    }
    if metadata.has("License-Expression") && metadata.has("License") {
        return Err(InvalidMetadata::TwoLicenses);
    }
    for (field, is_valid, expected) in SEVERAL {
        if let Some(value) = metadata.all(field).find(|value| !is_valid(value)) {
            return Err(InvalidMetadata::value(field, value, expected));
        }
    }
    check_labels(metadata)
}

/// Checks that no two URLs of the project have the same label.
fn check_labels(metadata: &CoreMetadata) -> Result<(), InvalidMetadata> {
    let mut labels = BTreeSet::new();
    let twice = metadata.all("Project-URL").find(|text| !labels.insert(label(text)));
    twice.map_or(Ok(()), |text| {
        Err(InvalidMetadata::value("Project-URL", text, "a label that no other URL of the project has"))
    })
}

/// Checks that the metadata is of a known version and has no field of a later one.
fn check_version(metadata: &CoreMetadata, place: Place) -> Result<(), InvalidMetadata> {
    let declared = metadata.required("Metadata-Version")?;
    let Some(age) = VERSIONS.iter().position(|version| *version == declared) else {
        let expected = "a version from 1.0 to 2.5, 2.0 excepted, since the public index takes no other";
        return Err(InvalidMetadata::value("Metadata-Version", declared, expected));
    };
    let later = VERSIONS.get(age + 1..).unwrap_or_default();
    // Many a `setuptools` wrote this field into files of older versions, and clients leave it out of their forms.
    let is_tolerated = |name: &str| place == Place::File && name == "License-File";
    let newer = FIELDS
        .iter()
        .find(|field| later.contains(&field.since) && metadata.has(field.name) && !is_tolerated(field.name));
    newer.map_or(Ok(()), |field| {
        let declared = VERSIONS.get(age).copied().unwrap_or_default();
        Err(InvalidMetadata::TooNew { field: field.name, since: field.since, declared })
    })
}

fn is_dynamic(text: &str) -> bool {
    let field = FIELDS.iter().find(|field| field.name.eq_ignore_ascii_case(text));
    field.is_some_and(|field| !matches!(field.name, "Name" | "Version" | "Metadata-Version" | "Dynamic"))
}

/// A form and the file in it say different things.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the form says that `{field}` is {form}, and the metadata in the file that it is {file}; publish the file with a client \
     that reads what it says, or build it again"
)]
pub(super) struct Differing {
    field: &'static str,
    form: String,
    file: String,
}

/// A value in the form that is the same for all its spellings.
type Normal = fn(&str) -> Option<String>;

/// The fields that decide what is installed. Clients say the metadata's own version as they like.
const DECISIVE: [(&str, Normal); 6] = [
    ("Name", |text| Some(ProjectName::parse(text).ok()?.normalized())),
    ("Version", canonical),
    ("Requires-Python", specifiers),
    ("Requires-Dist", requirement),
    ("Provides-Extra", |text| Some(ProjectName::parse(text).ok()?.normalized())),
    ("License-Expression", licence),
];

/// Checks that a form and the file in it say the same, both of which were checked by themselves.
pub(super) fn compare(form: &CoreMetadata, file: &CoreMetadata) -> Result<(), Differing> {
    for (field, normal) in DECISIVE {
        let values = |metadata: &CoreMetadata| -> BTreeSet<String> {
            metadata.all(field).filter(|value| !value.is_empty()).filter_map(normal).collect()
        };
        let (in_form, in_file) = (values(form), values(file));
        if in_form != in_file && !is_left_out(field, &in_form) {
            let (form, file) = (difference(&in_form, &in_file), difference(&in_file, &in_form));
            return Err(Differing { field, form, file });
        }
    }
    Ok(())
}

/// Some clients' forms don't have these fields, whatever the file says: flit's no licence, maturin's no extras.
fn is_left_out(field: &str, in_form: &BTreeSet<String>) -> bool {
    matches!(field, "License-Expression" | "Provides-Extra") && in_form.is_empty()
}

/// The values that one of the two has and the other doesn't.
fn difference(these: &BTreeSet<String>, others: &BTreeSet<String>) -> String {
    let only: Vec<String> = these.difference(others).take(3).map(|value| format!("`{value:.100}`")).collect();
    match (only.is_empty(), these.is_empty()) {
        (false, _) => only.join(", "),
        (true, false) => "no more".to_owned(),
        (true, true) => "nothing".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata(version: &str, rest: &str) -> CoreMetadata {
        let text = format!("Metadata-Version: {version}\nName: My.Widget\nVersion: 1.0\n{rest}");
        CoreMetadata::parse(text.as_bytes()).unwrap()
    }

    fn refusal(version: &str, rest: &str) -> String {
        check(&metadata(version, rest), Place::Form).unwrap_err().to_string()
    }

    #[test]
    fn metadata_of_known_versions_and_their_fields_is_taken() {
        for version in VERSIONS {
            assert_eq!(check(&metadata(version, "License: MIT\n"), Place::Form), Ok(()), "{version}");
        }
        for (version, rest) in [
            ("1.1", "Classifier: Typing :: Typed\n"),
            ("1.2", "Requires-Dist: gadget (>=1)\nRequires-Python: >=3.8, <4\n"),
            ("2.1", "Description-Content-Type: text/markdown; charset=UTF-8; variant=GFM\n"),
            ("2.1", "Description-Content-Type: text/x-rst\nProvides-Extra: my_extra\n"),
            ("2.1", "Description-Content-Type: UNKNOWN\n"),
            ("2.2", "Dynamic: Requires-Dist\n"),
            ("2.4", "License-Expression: MIT OR Apache-2.0 WITH LLVM-exception\nLicense-File: a/LICENSE\n"),
            ("2.4", "License-Expression: LicenseRef-Acme AND (GPL-2.0+ or mit-0)\n"),
            ("1.2", "Home-page: HTTP://example.org\nDownload-URL: UNKNOWN\n"),
            ("1.2", "Project-URL: Source, https://example.org/a,b\nProject-URL: source,https:x\n"),
            ("1.2", "Provides-Dist: gadget (>=1.0)\nObsoletes-Dist: gadget\n"),
            (
                "2.5",
                "Import-Name: acme.widget ; private\nImport-Name: _w\u{ef}dget\nImport-Namespace: acme\n",
            ),
        ] {
            assert_eq!(check(&metadata(version, rest), Place::Form), Ok(()), "{rest}");
        }
        assert_eq!(check(&metadata("2.1", "License-File: LICENSE\n"), Place::File), Ok(()));
    }

    #[test]
    fn metadata_that_an_index_refuses_is_refused_with_what_is_expected() {
        for (version, rest, words) in [
            ("2.6", "", "`Metadata-Version` is `2.6`"),
            ("2.0", "", "`Metadata-Version` is `2.0`, expected a version from 1.0 to 2.5"),
            ("3.0", "", "`Metadata-Version`"),
            ("2.3", "License-Expression: MIT\n", "from version 2.4 on, but says that it is of version 2.3"),
            ("2.1", "License-File: LICENSE\n", "`License-File`, which metadata has from version 2.4"),
            ("2.1", "Dynamic: Summary\n", "`Dynamic`"),
            ("1.0", "Classifier: Typing :: Typed\n", "`Classifier`"),
            ("1.1", "Requires-Dist: a\n", "`Requires-Dist`"),
            ("2.4", "License-Expression: My licence\n", "an SPDX expression such as"),
            ("2.4", "License-Expression: MIT AND\n", "an SPDX expression such as"),
            ("2.4", "License-Expression: MIT OR (NOASSERTION+)\n", "an SPDX expression such as"),
            ("2.4", "License-Expression: LicenseRef-\n", "an SPDX expression such as"),
            ("2.4", "License-Expression: DocumentRef-a:LicenseRef-b\n", "an SPDX expression such as"),
            ("2.4", "License-Expression: MIT WITH AdditionRef-a\n", "an SPDX expression such as"),
            ("2.4", "License-Expression: MIT\nLicense: MIT\n", "leave `License` out"),
            ("2.4", "License-File: ../LICENSE\n", "a path below"),
            ("2.1", "Requires-Python: 3\n", "versions such as"),
            ("2.1", &format!("Requires-Python: {}>=3\n", "!=3.99,".repeat(150)), "at most 1024 bytes"),
            ("2.1", "Requires-Dist: gadget @ https://example.org/x\n", "without a URL"),
            ("2.1", "Classifier: Private :: Do Not Upload\n", "none below `Private ::`"),
            ("2.1", "Classifier: typed\n", "a classifier such as"),
            ("2.1", "Classifier: A ::  B\n", "a classifier such as"),
            ("2.1", "Description-Content-Type: text/html\n", "`text/x-rst`"),
            ("2.1", "Description-Content-Type: text/markdown; variant=Mine\n", "CommonMark"),
            ("2.1", "Description-Content-Type: text/plain; charset=latin-1\n", "UTF-8"),
            ("2.1", "Summary: a\n b\n", "one line"),
            ("2.1", "Provides-Extra: a b\n", "the name of an extra"),
            ("2.2", "Dynamic: Version\n", "a field other than"),
            ("2.2", "Dynamic: Nonsense\n", "a field other than"),
            ("2.2", "Dynamic: Dynamic\n", "a field other than"),
            ("2.4", "License-File: a//LICENSE\n", "a path below"),
            ("2.4", "License-File: a..b\n", "a path below"),
            (
                "1.1",
                "Home-page: example.org\n",
                "`Home-page` is `example.org`, expected a URL that begins with",
            ),
            ("1.1", "Home-page: irc://example.org\n", "a URL that begins with"),
            ("1.1", "Download-URL: https://example.org/[a]\n", "a URL that begins with"),
            ("1.2", "Project-URL: https://example.org\n", "a label of at most 32"),
            ("1.2", "Project-URL: , https://example.org\n", "a label of at most 32"),
            ("1.2", "Project-URL: Source,\n", "a label of at most 32"),
            ("1.2", "Project-URL: Source, UNKNOWN:x\n", "a label of at most 32"),
            (
                "1.2",
                &format!("Project-URL: {}, https://example.org\n", "a".repeat(33)),
                "a label of at most 32",
            ),
            (
                "1.2",
                "Project-URL: A, https://a\nProject-URL: A , https://b\n",
                "`A , https://b`, expected a label that no other",
            ),
            ("1.2", "Provides-Dist: gadget @ https://example.org/x\n", "`Provides-Dist`"),
            ("1.2", "Obsoletes-Dist: gadget one\n", "`Obsoletes-Dist`"),
            ("2.5", "Import-Name: acme.class\n", "the name of a module"),
            ("2.5", "Import-Name: 1a\n", "the name of a module"),
            ("2.5", "Import-Name: a; public\n", "the name of a module"),
            ("2.5", "Import-Namespace: a..b\n", "the name of a module"),
        ] {
            let refusal = refusal(version, rest);
            assert!(refusal.contains(words), "{rest}: {refusal}");
        }
    }

    #[test]
    fn a_form_and_a_file_say_the_same_of_what_decides_an_installation() {
        let base = "Requires-Python: >=3.8,<4\nRequires-Dist: gadget>=1,<2\nRequires-Dist: cog\n";
        let same =
            "Requires-Dist: Cog\nRequires-Python: <4, >=3.8\nRequires-Dist: Gadget (<2,>=1)\nSummary: x\n";
        assert_eq!(compare(&metadata("2.1", base), &metadata("2.3", same)), Ok(()));
        for (form, words) in [
            (
                base.replace("3.8", "3.9"),
                "`Requires-Python` is `<4,>=3.9`, and the metadata in the file that it is `<4,>=3.8`",
            ),
            (base.replace("Requires-Python: >=3.8,<4\n", ""), "`Requires-Python` is nothing"),
            (
                base.replace("Requires-Dist: cog\n", ""),
                "`Requires-Dist` is no more, and the metadata in the file that it is `cog`",
            ),
            (base.replace("cog", "malware"), "`Requires-Dist` is `malware`"),
            (format!("{base}Provides-Extra: x\n"), "`Provides-Extra` is `x`"),
        ] {
            let error = compare(&metadata("2.1", &form), &metadata("2.1", base)).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
        let spelled = ["License-Expression: MIT OR ISC\n", "License-Expression: mit or  isc\n"];
        assert_eq!(compare(&metadata("2.4", spelled[0]), &metadata("2.4", spelled[1])), Ok(()));
        for rest in ["Provides-Extra: x\n", "License-Expression: MIT\n"] {
            assert_eq!(compare(&metadata("2.4", ""), &metadata("2.4", rest)), Ok(()), "{rest}");
            assert!(compare(&metadata("2.4", rest), &metadata("2.4", "")).is_err(), "{rest}");
        }
        let other = |text: &str| CoreMetadata::parse(text.as_bytes()).unwrap();
        let named = other("Name: my-widget\nVersion: 1.0.0\n");
        assert_eq!(compare(&named, &metadata("2.1", "")), Ok(()));
        for text in ["Name: gadget\nVersion: 1.0\n", "Name: my-widget\nVersion: 1.1\n"] {
            assert!(compare(&other(text), &metadata("2.1", "")).is_err(), "{text}");
        }
    }
}
