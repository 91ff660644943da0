//! The simple index, as HTML and as JSON (packaging.python.org, "Simple repository API").

use axum::http::HeaderMap;
use axum::http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, VARY};
use axum::response::{Html, IntoResponse, Response};
use serde_json::{Value, json};

use crate::registry::hosting::File;

/// The media type of the JSON form.
const JSON: &str = "application/vnd.pypi.simple.v1+json";

/// The list of all projects.
pub(super) fn projects(names: &[String], headers: &HeaderMap) -> Response {
    if wants_json(headers) {
        let projects: Vec<Value> = names.iter().map(|name| json!({ "name": name })).collect();
        return as_json(&json!({ "meta": { "api-version": "1.0" }, "projects": projects }));
    }
    as_html("Simple index", names.iter().map(|name| format!("<a href=\"{name}/\">{name}</a>")))
}

/// One project's files. `base` is the URL that they are below.
pub(super) fn project(name: &str, files: &[File], base: &str, headers: &HeaderMap) -> Response {
    if wants_json(headers) {
        let files: Vec<Value> = files.iter().map(|file| entry(file, base)).collect();
        return as_json(&json!({ "meta": { "api-version": "1.0" }, "name": name, "files": files }));
    }
    as_html(name, files.iter().map(|file| link(file, base)))
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
    format!("<a href=\"{base}/{0}#sha256={1}\"{python}>{0}</a>", file.name, file.sha256)
}

fn requires_python(file: &File) -> Option<String> {
    let metadata: Value = serde_json::from_str(&file.metadata).ok()?;
    metadata.get("requires-python").and_then(Value::as_str).map(str::to_owned)
}

fn wants_json(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(ACCEPT).into_iter().filter_map(|value| value.to_str().ok());
    accepted.into_iter().any(|value| value.contains(JSON) || value.contains("simple.latest+json"))
}

fn as_json(body: &Value) -> Response {
    ([(CONTENT_TYPE, JSON), (CACHE_CONTROL, "no-cache"), (VARY, "accept")], body.to_string()).into_response()
}

fn as_html(title: &str, links: impl Iterator<Item = String>) -> Response {
    let links: Vec<String> = links.map(|link| link + "<br>\n").collect();
    let page = format!(
        "<!DOCTYPE html>\n<html><head><meta name=\"pypi:repository-version\" content=\"1.0\"><title>{title}</title>\
         </head><body>\n{}</body></html>\n",
        links.concat()
    );
    ([(CACHE_CONTROL, "no-cache"), (VARY, "accept")], Html(page)).into_response()
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
