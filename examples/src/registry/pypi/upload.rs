//! What twine, uv and maturin send: a form with the file and what its metadata says.

use axum::body::Bytes;
use axum::extract::Multipart;
use axum::extract::multipart::{Field, MultipartError};
use oidc_exchange::pypi::{InvalidProjectName, ProjectName};
use serde_json::json;

use super::distribution::{Distribution, MAX_FILE_NAME, canonical, normal};
use super::metered::Meter;
use crate::registry::failure::Failure;
use crate::registry::hosting::{Host, Upload, sha256};
use crate::registry::intake::Content;

/// A field that is read may have this many bytes. Everybody who installs the project reads what it says of Pythons.
const MAX_FIELD: usize = 1024;

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
    #[error("the form has `{0}` twice")]
    Twice(&'static str),
    #[error("the form's `{0}` is longer than {MAX_FIELD} bytes")]
    TooLong(&'static str),
    #[error("the form's `{0}` is not text in UTF-8")]
    NotText(&'static str),
    #[error("only `:action` `file_upload` is supported")]
    Action,
    #[error(transparent)]
    Name(#[from] InvalidProjectName),
    #[error("the version is not one: expected one of PEP 440, such as `1.0.0`, of at most 128 characters")]
    Version,
    #[error("the file's name is not that of a wheel or source distribution of {project} {version}")]
    FileName { project: String, version: String },
    #[error("the file's SHA-256 is not the one that the form names")]
    Digest,
}

/// The fields of a form that are needed.
#[derive(Debug, Default)]
pub(super) struct Form {
    action: Option<String>,
    name: Option<String>,
    version: Option<String>,
    requires_python: Option<String>,
    sha256_digest: Option<String>,
    content: Option<(String, Content)>,
}

impl From<InvalidUpload> for Failure {
    fn from(invalid: InvalidUpload) -> Self {
        Self::malformed(invalid.to_string())
    }
}

impl Form {
    /// Reads a form, up to the file for whoever sends the token, and the file for somebody who may publish it.
    pub(super) async fn read(
        mut multipart: Multipart,
        meter: &Meter,
        host: &Host,
        token: &str,
    ) -> Result<Self, Failure> {
        let mut form = Self::default();
        while let Some(field) = multipart.next_field().await.map_err(InvalidUpload::from)? {
            meter.reset();
            let mut field = Metered { field, meter };
            let (name, slot) = match field.field.name().unwrap_or_default() {
                "content" => {
                    form.content(field, host, token).await?;
                    continue;
                }
                ":action" => (":action", &mut form.action),
                "name" => ("name", &mut form.name),
                "version" => ("version", &mut form.version),
                "requires_python" => ("requires_python", &mut form.requires_python),
                "sha256_digest" => ("sha256_digest", &mut form.sha256_digest),
                _ => {
                    while field.chunk().await?.is_some() {}
                    continue;
                }
            };
            if slot.is_some() {
                return Err(InvalidUpload::Twice(name).into());
            }
            *slot = Some(text(name, field).await?);
        }
        Ok(form)
    }

    async fn content(&mut self, mut field: Metered<'_>, host: &Host, token: &str) -> Result<(), Failure> {
        let name = self.name.as_deref().ok_or(InvalidUpload::NoName)?;
        let project = ProjectName::parse(name).map_err(InvalidUpload::from)?.normalized();
        host.may_publish(token, &project).await?;
        if self.content.is_some() {
            return Err(InvalidUpload::Twice("content").into());
        }
        let file = field.field.file_name().unwrap_or_default();
        if file.len() > MAX_FILE_NAME {
            return Err(InvalidUpload::TooLong("content").into());
        }
        let (file, mut spool) = (file.to_owned(), host.spool().await?);
        while let Some(bytes) = field.chunk().await? {
            spool.write(&bytes).await?;
        }
        self.content = Some((file, spool.finish().await?.load(0).await?));
        Ok(())
    }

    pub(super) fn into_upload(self) -> Result<Upload, InvalidUpload> {
        if self.action.as_deref() != Some("file_upload") {
            return Err(InvalidUpload::Action);
        }
        let project = ProjectName::parse(&self.name.ok_or(InvalidUpload::Missing("name"))?)?.normalized();
        let version = self.version.ok_or(InvalidUpload::Missing("version"))?;
        let canonical = canonical(&version).ok_or(InvalidUpload::Version)?;
        let version = normal(&version).ok_or(InvalidUpload::Version)?;
        let (file, content) = self.content.ok_or(InvalidUpload::Missing("content"))?;
        let distribution = Distribution::parse(&file)
            .filter(|distribution| distribution.project == project && distribution.version == canonical);
        let Some(Distribution { identity, .. }) = distribution else {
            return Err(InvalidUpload::FileName { project, version });
        };
        let digest = sha256(&content);
        if self.sha256_digest.is_some_and(|claimed| !claimed.eq_ignore_ascii_case(&digest)) {
            return Err(InvalidUpload::Digest);
        }
        let requires_python = self.requires_python.filter(|text| !text.is_empty());
        let metadata = json!({ "requires-python": requires_python, "size": content.len() }).to_string();
        Ok(Upload {
            package: project,
            version,
            identity,
            name: file,
            sha256: digest,
            metadata,
            beside: Vec::new(),
            listed: None,
            content,
        })
    }
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
mod tests {
    use super::*;

    fn form(name: &str, version: &str, file: &str) -> Form {
        Form {
            action: Some("file_upload".to_owned()),
            name: Some(name.to_owned()),
            version: Some(version.to_owned()),
            content: Some((file.to_owned(), b"content".to_vec().into())),
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
            assert!(form(name, version, file).into_upload().is_err(), "{name} {version} {file}");
        }
        let mut lying = form("widget", "1.0.0", "widget-1.0.0.tar.gz");
        lying.sha256_digest = Some("0".repeat(64));
        assert!(matches!(lying.into_upload(), Err(InvalidUpload::Digest)));
        assert!(Form::default().into_upload().is_err());
    }
}
