//! Gems made part by part, as `gem build` makes them or otherwise, and their push.

use std::io::Read;

use ci_issuer::{GITHUB, Settings};
use data_encoding::HEXLOWER;
use flate2::Compression;
use flate2::write::GzEncoder;
use oidc_core::http::{Method, Request, Response};
use sha2::{Digest as _, Sha512};
use tar::{EntryType, Header};

use super::http;
use super::scene::Scene;

/// The output of `gem build` of RubyGems 3.3.15.
pub const YAML: &str = include_str!("../../programs/registry/tests/gems/widget.yaml");

pub async fn scene() -> Scene {
    Scene::start(Settings::new(&GITHUB), "", &["rubygems:widget"], "").await
}

pub async fn push(scene: &Scene, key: &str, gem: Vec<u8>) -> Response {
    push_to(&scene.url(), key, gem).await
}

pub async fn push_to(registry: &str, key: &str, gem: Vec<u8>) -> Response {
    let url = http::url(registry, "/rubygems/api/v1/gems");
    let request = Request::new(Method::Post, url).header("authorization", key);
    let request = request.body("application/octet-stream", gem);
    http::send(&http::system(), request.deadline(std::time::Duration::from_secs(60))).await
}

pub fn text(answer: &Response) -> String {
    String::from_utf8(answer.body.clone()).unwrap()
}

pub fn gz(content: impl Read) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    std::io::copy(&mut { content }, &mut encoder).unwrap();
    encoder.finish().unwrap()
}

/// One entry whose name is put into its header as it is.
pub fn entry(archive: &mut tar::Builder<Vec<u8>>, name: &[u8], kind: EntryType, content: &[u8]) {
    let mut header = Header::new_ustar();
    header.as_ustar_mut().unwrap().name[..name.len()].copy_from_slice(name);
    header.set_entry_type(kind);
    header.set_size(content.len() as u64);
    header.set_mode(0o644);
    header.set_cksum();
    archive.append(&header, content).unwrap();
}

pub fn tar(entries: &[(&[u8], EntryType, &[u8])]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, kind, content) in entries {
        entry(&mut archive, name, *kind, content);
    }
    archive.into_inner().unwrap()
}

/// The parts of a gem, each as it stands in it.
pub struct Gem {
    pub metadata: Vec<u8>,
    pub data: Vec<u8>,
    pub checksums: Option<Vec<u8>>,
}

impl Default for Gem {
    fn default() -> Self {
        let data = tar(&[(b"lib/widget.rb", EntryType::Regular, b"module Widget; end\n")]);
        Self { metadata: gz(YAML.as_bytes()), data: gz(data.as_slice()), checksums: None }
    }
}

impl Gem {
    /// With other metadata.
    pub fn saying(yaml: impl AsRef<[u8]>) -> Self {
        Self { metadata: gz(yaml.as_ref()), ..Self::default() }
    }

    /// With other files.
    pub fn holding(entries: &[(&[u8], EntryType, &[u8])]) -> Self {
        Self { data: gz(tar(entries).as_slice()), ..Self::default() }
    }

    pub fn checksums(&self) -> Vec<u8> {
        let digest = |content: &[u8]| HEXLOWER.encode(&Sha512::digest(content));
        let (metadata, data) = (digest(&self.metadata), digest(&self.data));
        let yaml = format!("---\nSHA512:\n  metadata.gz: {metadata}\n  data.tar.gz: {data}\n");
        self.checksums.clone().unwrap_or_else(|| gz(yaml.as_bytes()))
    }

    pub fn pack(&self) -> Vec<u8> {
        self.pack_with(&[])
    }

    /// With further entries behind its own.
    pub fn pack_with(&self, more: &[(&[u8], EntryType, &[u8])]) -> Vec<u8> {
        let checksums = self.checksums();
        let own: [(&[u8], EntryType, &[u8]); 3] = [
            (b"metadata.gz", EntryType::Regular, &self.metadata),
            (b"data.tar.gz", EntryType::Regular, &self.data),
            (b"checksums.yaml.gz", EntryType::Regular, &checksums),
        ];
        tar(&[own.as_slice(), more].concat())
    }
}

/// The widget under another name and version.
pub fn named(name: &str, version: &str) -> Vec<u8> {
    let yaml = YAML.replacen("name: widget", &format!("name: {name}"), 1);
    Gem::saying(yaml.replacen("'1.10'", &format!("'{version}'"), 1)).pack()
}
