//! The simple index, as HTML and as JSON (packaging.python.org, "Simple repository API").

use axum::body::Body;
use axum::http::HeaderMap;
use axum::http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, VARY};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::registry::failure::Failure;
use crate::registry::hosting::{File, Host, Page};

/// The media type of the JSON form.
const JSON: &str = "application/vnd.pypi.simple.v1+json";

/// The list of all projects.
pub(super) fn projects(host: &Host, headers: &HeaderMap) -> Response {
    if wants_json(headers) {
        let begin = r#"{"meta":{"api-version":"1.0"},"projects":["#.to_owned();
        let page = Page { begin, between: ",", end: "]}".to_owned() };
        return as_json(host.packages(page, |name, _| json!({ "name": name }).to_string()));
    }
    let page = html("Simple index");
    as_html(host.packages(page, |name, _| format!("<a href=\"{name}/\">{name}</a><br>\n")))
}

/// One project's files. `base` is the URL that they are below.
pub(super) async fn project(
    host: &Host,
    name: &str,
    base: String,
    headers: &HeaderMap,
) -> Result<Response, Failure> {
    if wants_json(headers) {
        let begin = format!(r#"{{"meta":{{"api-version":"1.0"}},"name":{},"files":["#, json!(name));
        let page = Page { begin, between: ",", end: "]}".to_owned() };
        return Ok(as_json(host.files(name, page, move |file| entry(file, &base).to_string()).await?));
    }
    Ok(as_html(host.files(name, html(name), move |file| link(file, &base)).await?))
}

fn entry(file: &File, base: &str) -> Value {
    let mut entry = json!({
        "filename": file.name,
        "url": format!("{base}/{}", file.name),
        "hashes": { "sha256": file.sha256 },
    });
    if let (Some(python), Value::Object(entry)) = (requires_python(file), &mut entry) {
        entry.insert("requires-python".to_owned(), python.into());
    }
    entry
}

fn link(file: &File, base: &str) -> String {
    let python = requires_python(file)
        .map_or_else(String::new, |python| format!(" data-requires-python=\"{}\"", escaped(&python)));
    format!("<a href=\"{base}/{0}#sha256={1}\"{python}>{0}</a><br>\n", file.name, file.sha256)
}

fn requires_python(file: &File) -> Option<String> {
    let metadata: Value = serde_json::from_str(&file.metadata).ok()?;
    metadata.get("requires-python").and_then(Value::as_str).map(str::to_owned)
}

fn wants_json(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(ACCEPT).into_iter().filter_map(|value| value.to_str().ok());
    accepted.into_iter().any(|value| value.contains(JSON) || value.contains("simple.latest+json"))
}

fn as_json(body: Body) -> Response {
    ([(CONTENT_TYPE, JSON), (CACHE_CONTROL, "no-cache"), (VARY, "accept")], body).into_response()
}

fn as_html(body: Body) -> Response {
    let kind = "text/html; charset=utf-8";
    ([(CONTENT_TYPE, kind), (CACHE_CONTROL, "no-cache"), (VARY, "accept")], body).into_response()
}

fn html(title: &str) -> Page {
    let begin = format!(
        "<!DOCTYPE html>\n<html><head><meta name=\"pypi:repository-version\" content=\"1.0\"><title>{title}</title>\
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
            metadata: json!({ "requires-python": ">=3.8\"><script>&" }).to_string(),
        };
        let link = link(&file, "https://r.example/pypi/files");
        assert!(link.contains("data-requires-python=\"&gt;=3.8&quot;&gt;&lt;script&gt;&amp;\""), "{link}");
        assert_eq!(entry(&file, "x")["requires-python"], ">=3.8\"><script>&");
    }
}
