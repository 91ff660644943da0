//! The form that twine, uv and maturin send, with the file and its metadata.

use axum::body::Bytes;
use axum::extract::Multipart;
use axum::extract::multipart::{Field, MultipartError};
use axum::http::StatusCode;
use oidc_exchange::pypi::{InvalidProjectName, ProjectName};
use serde_json::json;
use tokio::task::coop::consume_budget;

use super::attestations::{self, InvalidAttestations};
use super::core_metadata::{self, CoreMetadata, InvalidMetadata};
use super::distribution::{Distribution, MAX_FILE_NAME, canonical, normal};
use super::invalid_package::InvalidPackage;
use super::packed;
use super::rules::{self, Differing, Place};
use crate::failure::Failure;
use crate::hosting::{Hosting, Upload, sha256};
use crate::intake::{Content, Spool, Spooled};
use crate::metered::Meter;

/// A field that is read may have this many bytes: a summary has up to 512 characters, and the condition of a dependency can be
/// long.
const MAX_FIELD: usize = 4096;
/// The attestations may have this many bytes, all together.
const MAX_ATTESTATIONS: usize = 256 << 10;
/// A form may have this many fields, those that are not read among them.
const MAX_PARTS: usize = 5_000;

/// The `:action` of an upload.
const UPLOAD: &str = "file_upload";

/// A form is not an upload.
#[derive(Debug, thiserror::Error)]
pub(super) enum InvalidUpload {
    #[error("the form can't be read: {0}")]
    Form(#[from] MultipartError),
    #[error("the form has no `{0}`")]
    Missing(&'static str),
    #[error(
        "the form has no `name` before its `content`; write the fields that say what the file is before the file"
    )]
    NoName,
    #[error("the form has more than {MAX_PARTS} fields")]
    TooMany,
    #[error("the form has `{0}` twice")]
    Twice(&'static str),
    #[error("the form's `{0}` is longer than {MAX_FIELD} bytes")]
    TooLong(&'static str),
    #[error("the form's `{0}` is not text in UTF-8")]
    NotText(&'static str),
    #[error(
        "the form's `:action` is `{0}`, which is not supported by this registry; expected `file_upload`, as twine and uv send it"
    )]
    Action(String),
    #[error(
        "the form has `{0}`, which this registry doesn't keep; upload without (`--no-attestations` of uv; no `--attestations` of twine)"
    )]
    Unkept(&'static str),
    #[error("the form's `attestations` is longer than {MAX_ATTESTATIONS} bytes or no text in UTF-8")]
    LongAttestations,
    #[error(transparent)]
    Attestations(#[from] InvalidAttestations),
    #[error(transparent)]
    Name(#[from] InvalidProjectName),
    #[error("the form's metadata can't be used: {0}")]
    Metadata(InvalidMetadata),
    #[error("the file's name is not that of a wheel or source distribution of {project} {version}")]
    FileName { project: String, version: String },
    #[error("the file's SHA-256 is not the one that the form names")]
    Digest,
    #[error(transparent)]
    Package(#[from] InvalidPackage),
    #[error("the metadata in the file can't be used: {0}; build the file again with a current build backend")]
    InFile(InvalidMetadata),
    #[error(transparent)]
    Differing(#[from] Differing),
}

/// The fields of a form that are needed.
#[derive(Debug, Default)]
pub(super) struct Form {
    action: Option<String>,
    sha256_digest: Option<String>,
    metadata: CoreMetadata,
    content: Option<(String, Content)>,
    attestations: Option<String>,
}

impl From<InvalidUpload> for Failure {
    fn from(invalid: InvalidUpload) -> Self {
        let message = invalid.to_string();
        match invalid {
            InvalidUpload::Action(_) | InvalidUpload::Unkept(_) => Self::new(StatusCode::FORBIDDEN, message),
            InvalidUpload::Attestations(why) => Self::malformed(message).with_diagnosis(why.diagnosis()),
            _ => Self::malformed(message),
        }
    }
}

impl Form {
    /// Reads a form, up to the file for whoever sends the token, and the file for somebody who may publish it. `spool` is the
    /// file's, and one of as many as there may be at a time, since a form takes memory too.
    pub(super) async fn read(
        mut multipart: Multipart,
        meter: &Meter,
        hosting: &Hosting,
        token: &str,
        spool: Spool,
    ) -> Result<Self, Failure> {
        let (mut form, mut parts, mut spool, mut arrived) = (Self::default(), 0_usize, Some(spool), None);
        while let Some(field) = multipart.next_field().await.map_err(InvalidUpload::from)? {
            meter.reset();
            // Fields that have arrived follow each other without a wait, and others would wait for all of them.
            consume_budget().await;
            parts = parts.saturating_add(1);
            if parts > MAX_PARTS {
                return Err(InvalidUpload::TooMany.into());
            }
            let field = Metered { field, meter };
            match field.field.name().unwrap_or_default() {
                "content" => arrived = Some(form.content(field, hosting, token, spool.take()).await?),
                ":action" => {
                    once(":action", &mut form.action, field).await?;
                    form.check_action()?;
                }
                "sha256_digest" => once("sha256_digest", &mut form.sha256_digest, field).await?,
                "attestations" if hosting.keeps_provenance() => form.attestations(field).await?,
                "attestations" => unkept("attestations", field).await?,
                "gpg_signature" => unkept("gpg_signature", field).await?,
                name => match core_metadata::Field::of_form(name) {
                    Some(known) => form.field(known, field).await?,
                    None => field.skip().await.map(drop)?,
                },
            }
        }
        // It takes no memory from others while the rest of the form arrives.
        if let Some((file, spooled)) = arrived {
            form.content = Some((file, spooled.load(0).await?));
        }
        Ok(form)
    }

    fn check_action(&self) -> Result<(), InvalidUpload> {
        match self.action.as_deref() {
            None => Err(InvalidUpload::Missing(":action")),
            Some(UPLOAD) => Ok(()),
            Some(other) => Err(InvalidUpload::Action(other.to_owned())),
        }
    }

    /// A field without a value says nothing.
    async fn field(
        &mut self,
        known: &'static core_metadata::Field,
        field: Metered<'_>,
    ) -> Result<(), InvalidUpload> {
        let value = if known.is_read {
            text(known.form, field).await?
        } else if field.skip().await? {
            return self.metadata.add(known, "").map_err(InvalidUpload::Metadata);
        } else {
            return Ok(());
        };
        match value.trim() {
            "" => Ok(()),
            value => self.metadata.add(known, value).map_err(InvalidUpload::Metadata),
        }
    }

    async fn attestations(&mut self, mut field: Metered<'_>) -> Result<(), InvalidUpload> {
        let mut text = Vec::new();
        while let Some(bytes) = field.chunk().await? {
            if text.len().saturating_add(bytes.len()) > MAX_ATTESTATIONS {
                return Err(InvalidUpload::LongAttestations);
            }
            text.extend_from_slice(&bytes);
        }
        let text = String::from_utf8(text).map_err(|_| InvalidUpload::LongAttestations)?;
        match self.attestations.replace(text) {
            None => Ok(()),
            Some(_) => Err(InvalidUpload::Twice("attestations")),
        }
    }

    /// The file and its name.
    async fn content(
        &self,
        mut field: Metered<'_>,
        hosting: &Hosting,
        token: &str,
        spool: Option<Spool>,
    ) -> Result<(String, Spooled), Failure> {
        let name = self.metadata.one("Name").ok_or(InvalidUpload::NoName)?;
        let project = ProjectName::parse(name).map_err(InvalidUpload::from)?.normalized();
        hosting.may_publish(token, &project).await?;
        let mut spool = spool.ok_or(InvalidUpload::Twice("content"))?;
        let file = field.field.file_name().unwrap_or_default();
        if file.len() > MAX_FILE_NAME {
            return Err(InvalidUpload::TooLong("content").into());
        }
        let file = file.to_owned();
        while let Some(bytes) = field.chunk().await? {
            spool.write(&bytes).await?;
        }
        Ok((file, spool.finish().await?))
    }

    /// Checks the form and the file against each other, and makes a file to be published of them.
    pub(super) fn into_upload(self) -> Result<Upload, InvalidUpload> {
        self.check_action()?;
        rules::check(&self.metadata, Place::Form).map_err(InvalidUpload::Metadata)?;
        let (file, content) = self.content.ok_or(InvalidUpload::Missing("content"))?;
        let (project, version, identity) = named(&self.metadata, &file)?;
        let sha256 = sha256(&content);
        if self.sha256_digest.is_some_and(|claimed| !claimed.eq_ignore_ascii_case(&sha256)) {
            return Err(InvalidUpload::Digest);
        }
        compare_with_file(&self.metadata, &file, &content)?;
        let vouches =
            self.attestations.map(|field| attestations::parse(&field, &file, &content)).transpose()?;
        let metadata = json!({
            "requires-python": self.metadata.one("Requires-Python"),
            "size": content.len(),
            "provenance": vouches.as_ref().map(|_| &version),
        });
        Ok(Upload {
            package: project,
            version,
            identity,
            name: file,
            sha256,
            metadata: metadata.to_string(),
            dated: None,
            sidecar: Vec::new(),
            index_line: None,
            spelling: None,
            content,
            vouches,
        })
    }
}

/// The project, the version and the identity of a file, whose name has to be one of the project and version of the form.
fn named(metadata: &CoreMetadata, file: &str) -> Result<(String, String, String), InvalidUpload> {
    let required = |field| metadata.required(field).map_err(InvalidUpload::Metadata);
    let project = ProjectName::parse(required("Name")?)?.normalized();
    let (canonical, version) = (canonical(required("Version")?), normal(required("Version")?));
    let (canonical, version) = (canonical.unwrap_or_default(), version.unwrap_or_default());
    let distribution = Distribution::parse(file)
        .filter(|distribution| distribution.project == project && distribution.version == canonical);
    match distribution {
        Some(Distribution { identity, .. }) => Ok((project, version, identity)),
        None => Err(InvalidUpload::FileName { project, version }),
    }
}

/// Checks the metadata in the file, and that it says the same as the form.
fn compare_with_file(form: &CoreMetadata, file: &str, content: &[u8]) -> Result<(), InvalidUpload> {
    let packed = packed::metadata(file, content)?;
    let in_file = CoreMetadata::parse(&packed).map_err(InvalidUpload::InFile)?;
    rules::check(&in_file, Place::File).map_err(InvalidUpload::InFile)?;
    Ok(rules::compare(form, &in_file)?)
}

/// A field whose bytes are counted as they come out.
struct Metered<'a> {
    field: Field<'a>,
    meter: &'a Meter,
}

impl Metered<'_> {
    async fn chunk(&mut self) -> Result<Option<Bytes>, InvalidUpload> {
        let chunk = self.field.chunk().await?;
        self.meter.reset();
        Ok(chunk)
    }

    /// Skips the field; returns `true` if it had any content.
    async fn skip(mut self) -> Result<bool, InvalidUpload> {
        let mut is_there = false;
        while let Some(bytes) = self.chunk().await? {
            is_there |= !bytes.is_empty();
        }
        Ok(is_there)
    }
}

/// Reads a field of few bytes that may be there once.
async fn once(
    name: &'static str,
    slot: &mut Option<String>,
    field: Metered<'_>,
) -> Result<(), InvalidUpload> {
    if slot.is_some() {
        return Err(InvalidUpload::Twice(name));
    }
    *slot = Some(text(name, field).await?);
    Ok(())
}

/// Refuses a field that vouches for the file, unless it is empty.
async fn unkept(name: &'static str, mut field: Metered<'_>) -> Result<(), InvalidUpload> {
    while let Some(bytes) = field.chunk().await? {
        if !bytes.is_empty() {
            return Err(InvalidUpload::Unkept(name));
        }
    }
    Ok(())
}

/// A field of few bytes.
async fn text(name: &'static str, mut field: Metered<'_>) -> Result<String, InvalidUpload> {
    let mut text = Vec::new();
    while let Some(bytes) = field.chunk().await? {
        if text.len().saturating_add(bytes.len()) > MAX_FIELD {
            return Err(InvalidUpload::TooLong(name));
        }
        text.extend_from_slice(&bytes);
    }
    String::from_utf8(text).map_err(|_| InvalidUpload::NotText(name))
}

#[cfg(test)]
mod tests;
