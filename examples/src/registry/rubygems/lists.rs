//! The files that list all gems: of the compact index, and of the older one that `gem list --remote` reads.

use std::io::Write as _;
use std::sync::Arc;

use async_trait::async_trait;
use axum::body::Bytes;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use data_encoding::HEXLOWER;
use flate2::Compression;
use flate2::write::GzEncoder;
use md5::{Digest as _, Md5};
use sha2::Sha256;
use tokio::sync::Mutex;

use super::index::BEGIN;
use crate::registry::failure::Failure;
use crate::registry::hosting::{Host, Line, Lines};
use crate::registry::pieces::Pieces;
use crate::registry::representation::Representation;

/// A file of lines that only grows, with the digests of what was read of it so far.
#[derive(Clone)]
pub(super) struct List {
    host: Host,
    entry: fn(&Line) -> Option<String>,
    read: Arc<Mutex<Read>>,
}

#[derive(Clone)]
struct Read {
    entries: i64,
    length: u64,
    md5: Md5,
    sha256: Sha256,
}

impl Read {
    /// What stands before all lines.
    fn begin() -> Self {
        let mut read = Self { entries: 0, length: 0, md5: Md5::new(), sha256: Sha256::new() };
        read.update(BEGIN.as_bytes());
        read
    }

    fn update(&mut self, content: &[u8]) {
        self.length = self.length.saturating_add(content.len() as u64);
        self.md5.update(content);
        self.sha256.update(content);
    }

    fn representation(&self) -> Representation {
        Representation {
            length: self.length,
            tag: HEXLOWER.encode(&self.md5.clone().finalize()),
            sha256: STANDARD.encode(self.sha256.clone().finalize()),
        }
    }
}

impl List {
    pub(super) fn new(host: Host, entry: fn(&Line) -> Option<String>) -> Self {
        Self { host, entry, read: Arc::new(Mutex::new(Read::begin())) }
    }

    /// The file as it is now. Only what is new since it was last asked for is read for that.
    pub(super) async fn now(&self) -> Result<(Representation, Lines), Failure> {
        let mut read = self.read.lock().await;
        let entries = self.host.entries().await?;
        // Fewer than before are those of another database.
        let mut more = if entries < read.entries { Read::begin() } else { read.clone() };
        let mut lines = self.host.lines("", more.entries..entries, self.entry);
        while let Some(piece) = lines.next().await.map_err(|error| Failure::internal(&*error))? {
            more.update(&piece);
        }
        more.entries = entries;
        *read = more;
        Ok((read.representation(), self.host.lines(BEGIN, 0..entries, self.entry)))
    }
}

/// Pieces, packed by gzip as they are sent.
pub(super) struct Packed<T> {
    pieces: T,
    encoder: Option<GzEncoder<Vec<u8>>>,
}

impl<T> Packed<T> {
    pub(super) fn new(pieces: T) -> Self {
        Self { pieces, encoder: Some(GzEncoder::new(Vec::new(), Compression::fast())) }
    }
}

#[async_trait]
impl<T: Pieces> Pieces for Packed<T> {
    async fn next(&mut self) -> Result<Option<Bytes>, Box<dyn std::error::Error + Send + Sync>> {
        while let Some(mut encoder) = self.encoder.take() {
            let Some(piece) = self.pieces.next().await? else {
                return Ok(Some(encoder.finish()?.into()));
            };
            encoder.write_all(&piece)?;
            let packed = std::mem::take(encoder.get_mut());
            self.encoder = Some(encoder);
            if !packed.is_empty() {
                return Ok(Some(packed.into()));
            }
        }
        Ok(None)
    }
}
