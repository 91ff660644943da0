//! The body of `cargo publish`: two lengths, a JSON document and a `.crate` file.

use std::path::Path;

use oidc_exchange::crates_io::{CrateName, InvalidCrateName};
use semver::Version;
use serde::Deserialize;

use super::index::{self, Dependency, Features, Line};
use super::manifest::{self, InvalidManifest, MAX_MANIFEST, Sent};
use super::rules::{self, InvalidMetadata};
use crate::failure::Failure;
use crate::hosting::archive::{self, InvalidArchive};
use crate::hosting::{Upload, sha256};
use crate::intake::{Content, Incoming, blocking};

/// The size of the metadata, in bytes.
const MAX_METADATA: usize = 1 << 20;
/// The factor by which metadata grows in memory once it is read.
const METADATA_GROWS: usize = 24;
/// The memory that the archive's manifest takes once it is read, in bytes. One of small tables in each other takes the most, 23 MB, of
/// which glibc keeps a part in each of the threads that read one.
const MANIFEST: usize = 48 << 20;
/// The length of a version's line in the index, in bytes: everybody reads it with those of the crate's other versions.
const MAX_LINE: usize = 64 << 10;

/// A publish whose metadata has arrived. Of it only the crate's name and version were read.
#[derive(Debug)]
pub(super) struct Claimed {
    name: CrateName,
    version: String,
    metadata: Vec<u8>,
}

/// A publish that has arrived. Its metadata was not read and its archive not unpacked yet, since strangers must not cause that
/// work.
#[derive(Debug)]
pub(super) struct Publication {
    claimed: Claimed,
    content: Content,
}

/// A body is not a publish.
#[derive(Debug, thiserror::Error)]
pub(super) enum InvalidPublication {
    #[error("the body is not of two parts with their lengths before them")]
    Shape,
    #[error("the metadata is larger than {MAX_METADATA} bytes")]
    TooLarge,
    #[error("the metadata can't be read: {0}")]
    Metadata(#[from] serde_json::Error),
    #[error(transparent)]
    Name(#[from] InvalidCrateName),
    #[error("the version is not one: {0}")]
    Version(#[from] semver::Error),
    #[error(
        "what the crate needs and its features take more than {MAX_LINE} bytes in the index; let it have less"
    )]
    Line,
    #[error("the `.crate` file {0}")]
    Archive(#[from] InvalidArchive),
    #[error("the `.crate` file holds `{0}`, which is not below the folder of the crate and its version")]
    Stray(String),
    #[error("the `.crate` file has no `Cargo.toml`, has two, or has one of more than {MAX_MANIFEST} bytes")]
    NoManifest,
    #[error("the `Cargo.toml` in the `.crate` file {0}")]
    Manifest(#[from] InvalidManifest),
    #[error(transparent)]
    Rule(#[from] InvalidMetadata),
}

impl From<InvalidPublication> for Failure {
    fn from(invalid: InvalidPublication) -> Self {
        Self::malformed(invalid.to_string())
    }
}

/// The crate that the metadata is of.
#[derive(Deserialize)]
struct Claim {
    name: String,
    vers: String,
}

/// The other parts of the metadata that are needed.
#[derive(Deserialize)]
struct Metadata {
    #[serde(default)]
    deps: Vec<Dependency>,
    #[serde(default)]
    features: Features,
    links: Option<String>,
    rust_version: Option<String>,
    #[serde(default)]
    keywords: Vec<String>,
    #[serde(default)]
    categories: Vec<String>,
    license: Option<String>,
    description: Option<String>,
    homepage: Option<String>,
    documentation: Option<String>,
    repository: Option<String>,
}

impl Metadata {
    /// The version's line in the index.
    fn index_line(
        &self,
        name: &CrateName,
        version: &str,
        checksum: &str,
    ) -> Result<String, InvalidPublication> {
        let line = Line {
            name,
            version,
            dependencies: &self.deps,
            features: &self.features,
            links: self.links.as_deref(),
            rust_version: self.rust_version.as_deref(),
            checksum,
        };
        let line = line.to_json()?;
        if line.len() > MAX_LINE { Err(InvalidPublication::Line) } else { Ok(line) }
    }

    fn check(&self) -> Result<(), InvalidMetadata> {
        rules::check_dependencies(&self.deps)?;
        rules::check_features(&self.features)?;
        rules::check_keywords(&self.keywords, &self.categories)?;
        rules::check_texts(
            self.license.as_deref(),
            self.description.as_deref(),
            [
                ("homepage", self.homepage.as_deref()),
                ("documentation", self.documentation.as_deref()),
                ("repository", self.repository.as_deref()),
            ],
        )
    }

    /// The part that the manifest in the archive is compared with.
    fn sent<'a>(&'a self, name: &'a CrateName, version: &'a str) -> Sent<'a> {
        Sent {
            name: name.as_str(),
            version,
            dependencies: &self.deps,
            features: &self.features,
            links: self.links.as_deref(),
            rust_version: self.rust_version.as_deref(),
        }
    }
}

impl Claimed {
    /// Reads a body up to the end of the metadata.
    pub(super) async fn read(body: &mut Incoming) -> Result<Self, Failure> {
        let length = length(body).await?;
        if length > MAX_METADATA {
            return Err(InvalidPublication::TooLarge.into());
        }
        let metadata = body.exact(length).await?.ok_or(InvalidPublication::Shape)?;
        Ok(blocking(move || Self::parse(metadata)).await??)
    }

    fn parse(metadata: Vec<u8>) -> Result<Self, InvalidPublication> {
        let claim: Claim = serde_json::from_slice(&metadata)?;
        let name = CrateName::parse(&claim.name)?;
        let version = Version::parse(&claim.vers)?.to_string();
        Ok(Self { name, version, metadata })
    }

    /// The crate's name in the stores.
    pub(super) fn package(&self) -> String {
        self.name.canonical()
    }

    /// Reads the rest of the body, which is the `.crate` file, for somebody who may publish it.
    pub(super) async fn with_content(self, mut body: Incoming) -> Result<Publication, Failure> {
        let length = length(&mut body).await?;
        let content = body.rest().await?;
        if content.len() != length {
            return Err(InvalidPublication::Shape.into());
        }
        let room = self.metadata.len().saturating_mul(METADATA_GROWS).saturating_add(MANIFEST);
        let content = content.load(room).await?;
        Ok(Publication { claimed: self, content })
    }
}

impl Publication {
    /// Reads the metadata and unpacks the archive to look at what is in it.
    pub(super) fn into_upload(self) -> Result<Upload, InvalidPublication> {
        let Self { claimed: Claimed { name, version, metadata }, content } = self;
        let metadata: Metadata = serde_json::from_slice(&metadata)?;
        let sha256 = sha256(&content);
        let line = metadata.index_line(&name, &version, &sha256)?;
        metadata.check()?;
        let manifest = check_archive(&content, &format!("{name}-{version}"))?;
        manifest::compare(&manifest, &metadata.sent(&name, &version))?;
        let file = file_name(&name, &version);
        Ok(Upload {
            package: name.canonical(),
            identity: file.clone(),
            name: file,
            version,
            sha256,
            metadata: line,
            dated: Some(index::dated),
            sidecar: Vec::new(),
            index_line: None,
            spelling: Some(index::spelling),
            content,
            vouches: None,
        })
    }
}

/// The file of a version. Versions that differ only behind a `+` are the same.
pub(super) fn file_name(name: &CrateName, version: &str) -> String {
    let version = version.split('+').next().unwrap_or_default();
    format!("{}-{version}.crate", name.canonical())
}

/// A part's length, 32 bits with the lowest first.
async fn length(body: &mut Incoming) -> Result<usize, Failure> {
    let length = body.exact(4).await?.and_then(|length| length.try_into().ok()).map(u32::from_le_bytes);
    let length = length.and_then(|length| usize::try_from(length).ok());
    Ok(length.ok_or(InvalidPublication::Shape)?)
}

/// Checks that everything in the archive is below `folder`, which has one manifest, and returns the manifest.
fn check_archive(content: &[u8], folder: &str) -> Result<Vec<u8>, InvalidPublication> {
    let mut manifest = None;
    archive::walk(content, archive::Parts::One, |entry| {
        let text = String::from_utf8_lossy(&entry.path).into_owned();
        let path = Path::new(&text);
        if !path.starts_with(folder)
            || !archive::is_plain(path)
            || !entry.kind.is_file()
            || text.ends_with('/')
        {
            return Err(InvalidPublication::Stray(text.chars().take(200).collect()));
        }
        // On some file systems, one of two such files replaces the other, or a folder with files the file.
        let first = path.strip_prefix(folder).ok().and_then(|below| below.components().next());
        let first = first.and_then(|part| part.as_os_str().to_str());
        if first.is_some_and(|name| archive::is_same(name, "cargo.toml")) {
            let is_first = manifest.is_none() && path == Path::new(folder).join("Cargo.toml");
            let content = entry.content(MAX_MANIFEST)?.filter(|_| is_first);
            manifest = Some(content.ok_or(InvalidPublication::NoManifest)?);
        }
        Ok(())
    })?;
    manifest.ok_or(InvalidPublication::NoManifest)
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use serde_json::Value;

    use super::*;
    use crate::intake::Intake;

    const GOOD: &str =
        "[package]\nname = \"My_Crate\"\nversion = \"1.0.0+x\"\n[features]\na = [\"dep:b\"]\nc = [\"d\"]\n";

    fn files(files: &[(&str, &str)]) -> Vec<u8> {
        let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        for (path, content) in files {
            let mut header = tar::Header::new_gnu();
            header.set_size(content.len() as u64);
            let name = header.as_gnu_mut().unwrap();
            name.name[..path.len()].copy_from_slice(path.as_bytes());
            header.set_cksum();
            archive.append(&header, content.as_bytes()).unwrap();
        }
        archive.into_inner().unwrap().finish().unwrap()
    }

    /// A manifest, and another file.
    fn archive(path: &str) -> Vec<u8> {
        files(&[("My_Crate-1.0.0+x/Cargo.toml", GOOD), (path, "hi")])
    }

    fn body(metadata: &str, content: &[u8]) -> Vec<u8> {
        let mut body = Vec::new();
        for part in [metadata.as_bytes(), content] {
            body.extend(u32::try_from(part.len()).unwrap().to_le_bytes());
            body.extend(part);
        }
        body
    }

    const METADATA: &str = r#"{ "name": "My_Crate", "vers": "1.0.0+x", "deps": [],
        "features": { "a": ["dep:b"], "c": ["d"] } }"#;

    async fn publication(body: &[u8]) -> Result<Publication, Failure> {
        let intake = Intake::new(1, 1);
        let mut body = intake.body("a", Body::from(body.to_vec())).await.unwrap();
        Claimed::read(&mut body).await?.with_content(body).await
    }

    async fn upload(body: &[u8]) -> Result<Upload, String> {
        let publication = publication(body).await.map_err(|failure| failure.message().to_owned())?;
        publication.into_upload().map_err(|invalid| invalid.to_string())
    }

    #[tokio::test]
    async fn a_publish_becomes_a_file_and_a_line() {
        let content = archive("My_Crate-1.0.0+x/src/lib.rs");
        let upload = upload(&body(METADATA, &content)).await.unwrap();
        assert_eq!((&*upload.package, &*upload.name), ("my-crate", "my-crate-1.0.0.crate"));
        let line: Value = serde_json::from_str(&upload.metadata).unwrap();
        assert_eq!(line["name"], "My_Crate");
        assert_eq!(line["cksum"], sha256(&content));
        assert_eq!(line["features"], serde_json::json!({ "c": ["d"] }));
        assert_eq!(line["features2"], serde_json::json!({ "a": ["dep:b"] }));
    }

    #[tokio::test]
    async fn what_is_no_publish_is_refused() {
        let good = body(METADATA, &archive("My_Crate-1.0.0+x/a"));
        for length in 0..good.len() {
            assert!(publication(&good[..length]).await.is_err(), "{length}");
        }
        assert!(publication(&[good.as_slice(), b"x"].concat()).await.is_err());
        for path in ["other-1.0.0/a", "/etc/passwd", "My_Crate-1.0.0+x/../a", "My_Crate-1.0.0+x2/a", "a"] {
            assert!(upload(&body(METADATA, &archive(path))).await.is_err(), "{path}");
        }
        for metadata in ["", "{}", "[]", r#"{"name":"a/b","vers":"1.0.0"}"#, r#"{"name":"a","vers":"1"}"#] {
            assert!(publication(&body(metadata, &archive("a-1.0.0/a"))).await.is_err(), "{metadata}");
        }
        assert!(publication(&u32::MAX.to_le_bytes()).await.is_err());
    }

    #[tokio::test]
    async fn the_name_is_read_before_the_rest_and_all_of_it_is_bounded() {
        let with = |rest: &str| METADATA.replace("\"deps\": []", rest);
        let content = archive("My_Crate-1.0.0+x/a");
        let wrong = body(&with("\"deps\": 1"), &content);
        assert!(publication(&wrong).await.is_ok() && upload(&wrong).await.unwrap_err().contains("metadata"));

        let long = with(&format!("\"readme\": \"{}\"", "x".repeat(MAX_METADATA)));
        let error = publication(&body(&long, &content)).await.unwrap_err();
        assert!(error.message().contains("larger than 1048576 bytes"), "{error:?}");

        let links = with(&format!("\"links\": \"{}\"", "x".repeat(MAX_LINE)));
        let error = upload(&body(&links, &content)).await.unwrap_err();
        assert!(error.contains("in the index"), "{error}");
    }

    #[tokio::test]
    async fn a_crate_has_one_manifest_that_says_what_was_sent_with_it() {
        let folder = |inside: &[(&str, &str)]| {
            let paths: Vec<_> = inside.iter().map(|(path, _)| format!("My_Crate-1.0.0+x/{path}")).collect();
            let named: Vec<_> =
                paths.iter().zip(inside).map(|(path, (_, content))| (path.as_str(), *content)).collect();
            files(&named)
        };
        let large = format!("{GOOD}#{}", "x".repeat(512 << 10));
        for inside in [
            &[("a", "hi")][..],
            &[("src/Cargo.toml", GOOD)],
            &[("Cargo.toml", GOOD), ("Cargo.toml", GOOD)],
            &[("Cargo.toml", GOOD), ("cargo.toml", GOOD)],
            &[("Cargo.toml", GOOD), ("CARGO~1.TOM", GOOD)],
            &[("Cargo.toml", GOOD), ("Cargo.toml/x", "hi")],
            &[("Cargo.toml/Cargo.toml", GOOD)],
            &[("Cargo.toml", &large)],
        ] {
            let error = upload(&body(METADATA, &folder(inside))).await.unwrap_err();
            assert!(error.contains("has no `Cargo.toml`, has two"), "{error}");
        }
        let other = GOOD.replace("dep:b", "dep:evil");
        let error = upload(&body(METADATA, &folder(&[("Cargo.toml", &other)]))).await.unwrap_err();
        assert!(
            error.contains("the `Cargo.toml` in the `.crate` file has `features` `a = [\"dep:evil\"]`"),
            "{error}"
        );
        let keywords = METADATA.replace("\"deps\"", "\"keywords\": [\"a b\"], \"deps\"");
        let error = upload(&body(&keywords, &archive("My_Crate-1.0.0+x/a"))).await.unwrap_err();
        assert!(error.contains("the metadata has the keyword `a b`"), "{error}");
    }
}
