//! The simple index, as HTML and as JSON (packaging.python.org, "Simple repository API"), with the sizes, times and versions
//! of PEP 700: without them clients that wait some days before they take a new file (`--exclude-newer`,
//! `--uploaded-prior-to`) find nothing.

use std::collections::HashSet;
use std::hash::{BuildHasher as _, RandomState};

use axum::http::HeaderMap;
use axum::http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, VARY};
use axum::response::{IntoResponse, Response};
use oidc_core::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::distribution::canonical;
use crate::failure::Failure;
use crate::hosting::{File, Hosting, Page};
use crate::pieces::{self, Chain, Pieces};

/// The version of the interface: PEP 740's.
const API_VERSION: &str = "1.3";
/// The media type of the JSON form.
const JSON: &str = "application/vnd.pypi.simple.v1+json";

/// The list of all projects.
pub(super) fn projects(hosting: &Hosting, headers: &HeaderMap) -> Response {
    if wants_json(headers) {
        let begin = format!(r#"{{"meta":{{"api-version":"{API_VERSION}"}},"projects":["#);
        let page = Page { begin, between: ",", end: "]}".to_owned() };
        return as_json(hosting.packages(page, |name, _| json!({ "name": name }).to_string()));
    }
    let page = html("Simple index");
    as_html(hosting.packages(page, |name, _| format!("<a href=\"{name}/\">{name}</a><br>\n")))
}

/// One project's files. `public_url` is the registry's.
pub(super) async fn project(
    hosting: &Hosting,
    name: &str,
    public_url: &str,
    headers: &HeaderMap,
) -> Result<Response, Failure> {
    let base = Base { registry: public_url.to_owned(), project: name.to_owned() };
    if wants_json(headers) {
        let begin = format!(r#"{{"meta":{{"api-version":"{API_VERSION}"}},"name":{},"files":["#, json!(name));
        let files = Page { begin, between: ",", end: "]".to_owned() };
        let files = hosting.files(name, files, move |file| entry(file, &base).to_string()).await?;
        let versions = Page { begin: ",\"versions\":[".to_owned(), between: ",", end: "]}".to_owned() };
        return Ok(as_json(Chain(files, hosting.versions(name, versions, first_ones()))));
    }
    Ok(as_html(hosting.files(name, html(name), move |file| link(file, &base)).await?))
}

/// Makes an entry of each version, once, as its first file has it. What is kept of those before is a number of each.
fn first_ones() -> impl FnMut(&str) -> Option<String> + Send + 'static {
    let (mut seen, state) = (HashSet::new(), RandomState::new());
    move |version| {
        let is_first = seen.insert(state.hash_one(canonical(version).unwrap_or_default()));
        is_first.then(|| json!(version).to_string())
    }
}

/// The beginning of the URLs of a project's files.
struct Base {
    registry: String,
    project: String,
}

impl Base {
    fn file(&self, file: &File) -> String {
        format!("{}/pypi/files/{}", self.registry, file.name)
    }

    /// The URL of the provenance of a version's file.
    fn provenance(&self, file: &File, version: &str) -> String {
        let Self { registry, project } = self;
        format!("{registry}/integrity/{project}/{version}/{}/provenance", file.name)
    }
}

fn entry(file: &File, base: &Base) -> Value {
    let Metadata { requires_python, size, provenance } = Metadata::of(file);
    let mut entry = json!({
        "filename": file.name,
        "url": base.file(file),
        "hashes": { "sha256": file.sha256 },
        "upload-time": Timestamp::from_secs(u64::try_from(file.published_at).unwrap_or_default()).to_string(),
    });
    if let Value::Object(entry) = &mut entry {
        let python = requires_python.map(|python| ("requires-python".to_owned(), Value::from(python)));
        let provenance =
            provenance.map(|version| ("provenance".to_owned(), Value::from(base.provenance(file, &version))));
        let size = size.map(|size| ("size".to_owned(), size.into()));
        entry.extend(python.into_iter().chain(size).chain(provenance));
    }
    entry
}

fn link(file: &File, base: &Base) -> String {
    let Metadata { requires_python, provenance, .. } = Metadata::of(file);
    let attribute = |name: &str, value: Option<String>| {
        value.map_or_else(String::new, |value| format!(" {name}=\"{}\"", escaped(&value)))
    };
    let python = attribute("data-requires-python", requires_python);
    let provenance = provenance.map(|version| base.provenance(file, &version));
    let provenance = attribute("data-provenance", provenance);
    let (url, name, sha256) = (base.file(file), &file.name, &file.sha256);
    format!("<a href=\"{url}#sha256={sha256}\"{python}{provenance}>{name}</a><br>\n")
}

/// The metadata that is kept of a file.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Metadata {
    requires_python: Option<String>,
    /// In bytes.
    size: Option<u64>,
    /// The version in the URL of the provenance, where the file has it.
    provenance: Option<String>,
}

impl Metadata {
    fn of(file: &File) -> Self {
        serde_json::from_str(&file.metadata).unwrap_or_default()
    }
}

/// Returns `true` if a client names JSON and prefers no form of HTML to it (PEP 691; RFC 9110, section 12.5.1). Whoever names
/// neither gets HTML, as before there was JSON.
fn wants_json(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(ACCEPT).into_iter().filter_map(|value| value.to_str().ok());
    let ranges: Vec<(String, f32)> = accepted.flat_map(|value| value.split(',')).map(media_range).collect();
    let weight = |names: &[&str]| {
        let named = ranges.iter().filter(|(name, _)| names.contains(&name.as_str()));
        named.map(|(_, weight)| *weight).fold(0.0, f32::max)
    };
    let json = weight(&[JSON, "application/vnd.pypi.simple.latest+json"]);
    let html =
        ["text/html", "application/vnd.pypi.simple.v1+html", "application/vnd.pypi.simple.latest+html"];
    json > 0.0 && json >= weight(&html)
}

/// A media range in lower case, and its weight, which is 1 where none is written.
fn media_range(text: &str) -> (String, f32) {
    let mut parts = text.split(';').map(|part| part.trim().to_ascii_lowercase());
    let name = parts.next().unwrap_or_default();
    let written = parts.find_map(|part| part.strip_prefix("q=")?.parse().ok());
    (name, written.filter(|weight| (0.0..=1.0).contains(weight)).unwrap_or(1.0))
}

fn as_json(content: impl Pieces) -> Response {
    ([(CONTENT_TYPE, JSON), (CACHE_CONTROL, "no-cache"), (VARY, "accept")], pieces::body(content))
        .into_response()
}

fn as_html(content: impl Pieces) -> Response {
    let kind = "text/html; charset=utf-8";
    ([(CONTENT_TYPE, kind), (CACHE_CONTROL, "no-cache"), (VARY, "accept")], pieces::body(content))
        .into_response()
}

fn html(title: &str) -> Page {
    let begin = format!(
        "<!DOCTYPE html>\n<html><head><meta name=\"pypi:repository-version\" content=\"{API_VERSION}\"><title>{title}</title>\
         </head><body>\n"
    );
    Page { begin, between: "", end: "</body></html>\n".to_owned() }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_form_says_of_pythons_can_not_break_out_of_the_page() {
        let file = File {
            name: "widget-1.0.0.tar.gz".to_owned(),
            sha256: "00".to_owned(),
            metadata: json!({ "requires-python": ">=3.8\"><script>&", "size": 7 }).to_string(),
            published_at: 1_700_000_000,
        };
        let base = Base { registry: "https://r.example".to_owned(), project: "widget".to_owned() };
        let link = link(&file, &base);
        assert!(link.contains("data-requires-python=\"&gt;=3.8&quot;&gt;&lt;script&gt;&amp;\""), "{link}");
        let entry = entry(&file, &base);
        assert_eq!(entry["requires-python"], ">=3.8\"><script>&");
        assert_eq!((&entry["size"], &entry["upload-time"]), (&json!(7), &json!("2023-11-14T22:13:20Z")));
    }

    #[test]
    fn a_client_gets_the_form_that_it_prefers() {
        let pip = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html; q=0.1, text/html; q=0.01";
        for (accepted, expected) in [
            (&[pip][..], true),
            (&[JSON], true),
            (&["text/html", JSON], true),
            (&["APPLICATION/vnd.pypi.simple.V1+json"], true),
            (&["application/vnd.pypi.simple.latest+json;q=0.2, */*;q=0.1"], true),
            (&["application/vnd.pypi.simple.v1+json;q=nan"], true),
            (&["application/vnd.pypi.simple.v1+json ; Q=0.5 , text/html;q=0.9"], false),
            (&["application/vnd.pypi.simple.v1+json;q=0, text/html"], false),
            (&["application/vnd.pypi.simple.v1+json;q=0.0"], false),
            (&["application/vnd.pypi.simple.v1+jsonp"], false),
            (&["text/html; x=\"application/vnd.pypi.simple.v1+json\""], false),
            (&["application/json"], false),
            (&["*/*"], false),
            (&[""], false),
            (&[], false),
        ] {
            let headers = accepted.iter().map(|value| (ACCEPT, value.parse().unwrap())).collect();
            assert_eq!(wants_json(&headers), expected, "{accepted:?}");
        }
    }

    #[test]
    fn a_version_is_named_once_as_its_first_file_has_it() {
        let entries: Vec<_> =
            ["1.0", "1.0.0", "2.0rc1", "v1", "2.0.rc1"].into_iter().filter_map(first_ones()).collect();
        assert_eq!(entries, ["\"1.0\"", "\"2.0rc1\""]);
    }
}
