//! The server's own words in an unexpected answer.

use serde_json::{Map, Value};

use super::{BOM, Response};
use crate::secret::Secret;
use crate::text::shown;

/// The number of characters up to which a server's message is shown.
const MAX_MESSAGE: usize = 2048;

/// The number of reasons of one list that are shown.
const MAX_REASONS: usize = 8;

/// The depth at which a reason is looked for.
const MAX_DEPTH: usize = 5;

/// The members of a JSON object that hold a reason, in any case, and the most exact first. A member's value may be a list or an
/// object with a reason in turn.
const MEMBERS: [&str; 14] = [
    "message",
    "detail",
    "description",
    "error_description",
    "errordescription",
    "error_message",
    "errormessage",
    "msg",
    "reason",
    "details",
    "error",
    "title",
    "body",
    "non_field_errors",
];

/// The phrases of the statuses of refusals (RFC 9110, section 15), in lower case.
const PHRASES: [&str; 24] = [
    "bad gateway",
    "bad request",
    "conflict",
    "content too large",
    "expectation failed",
    "forbidden",
    "gateway timeout",
    "gone",
    "internal server error",
    "length required",
    "method not allowed",
    "not acceptable",
    "not found",
    "not implemented",
    "payload too large",
    "precondition failed",
    "proxy authentication required",
    "request timeout",
    "service unavailable",
    "too many requests",
    "unauthorized",
    "unprocessable content",
    "unprocessable entity",
    "unsupported media type",
];

/// Returns the server's message from the body of an unexpected answer: the reasons in `errors` of a JSON object, a list or
/// an object of the fields at fault, or else its `message`, `detail`, `description`, `msg`, `reason`, `error` or `title`, or
/// the beginning of a text. Fit to be shown.
///
/// ```
/// use oidc_core::http::{Response, message_of};
///
/// let answer = Response::new(422, Vec::new(), r#"{"errors": {"name": ["is taken"]}}"#);
/// assert_eq!(message_of(&answer).as_deref(), Some("name: is taken"));
/// ```
pub fn message_of(response: &Response) -> Option<String> {
    message(response).map(|message| fit(&message))
}

/// Returns [`message_of`] the response, unless the message repeats the secret that was sent with the request.
pub fn message_without(response: &Response, secret: &Secret) -> Option<String> {
    // The secret is looked for in the whole message before it is escaped and cut, since both could hide a
    // part of it.
    message(response).filter(|message| !secret.is_in(message)).map(|message| fit(&message))
}

/// Returns `true` if a message is the phrase of a refusal's status (RFC 9110, section 15), such as `Not Found`, in any case, and
/// tells no more than the status.
///
/// ```
/// use oidc_core::http::is_status_phrase;
///
/// assert!(is_status_phrase("Not found.") && !is_status_phrase("the package is not found"));
/// ```
pub fn is_status_phrase(message: &str) -> bool {
    PHRASES.contains(&&*message.trim_end_matches('.').to_ascii_lowercase())
}

fn fit(message: &str) -> String {
    shown(message).up_to(MAX_MESSAGE).to_string()
}

fn message(response: &Response) -> Option<String> {
    let body = response.body.strip_prefix(BOM).unwrap_or(&response.body);
    let text = String::from_utf8_lossy(body);
    let text = text.trim();
    let message = match serde_json::from_str::<Value>(text) {
        Ok(value) => reason(&value, MAX_DEPTH)?,
        Err(_) if text.starts_with("<?xml") && !response.is_html() => "an XML document".to_owned(),
        Err(_) if text.starts_with('<') => "an HTML page".to_owned(),
        Err(_) => text.to_owned(),
    };
    Some(message).filter(|message| !message.is_empty())
}

/// The reason in a value: a text, those of a list, or that of an object.
fn reason(value: &Value, depth: usize) -> Option<String> {
    let depth = depth.checked_sub(1)?;
    match value {
        Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
        Value::Array(values) => joined(values.iter().filter_map(|value| reason(value, depth))),
        Value::Object(members) => of_object(members, depth),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

fn of_object(members: &Map<String, Value>, depth: usize) -> Option<String> {
    let get = |name: &str| {
        members.get(name).or_else(|| {
            members.iter().find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value)
        })
    };
    if let Some(listed) = get("errors").and_then(|errors| of_errors(errors, depth)) {
        return Some(listed);
    }
    let mut found = MEMBERS.iter().filter_map(|name| reason(get(name)?, depth));
    let Some(first) = found.next() else { return of_fields(members, depth) };
    if !is_status_phrase(&first) {
        return Some(first);
    }
    Some(found.find(|reason| !is_status_phrase(reason)).unwrap_or(first))
}

/// The reasons in `errors`: a list, or an object by the names of the fields at fault.
fn of_errors(errors: &Value, depth: usize) -> Option<String> {
    match errors {
        Value::Object(fields) => joined(fields.iter().filter_map(|field| of_field(field, depth))),
        other => reason(other, depth),
    }
}

/// The reasons of an answer that is nothing but the fields at fault, each with a list.
fn of_fields(fields: &Map<String, Value>, depth: usize) -> Option<String> {
    let lists = fields.iter().filter(|(_, value)| value.is_array());
    joined(lists.filter_map(|field| of_field(field, depth)))
}

fn of_field((name, value): (&String, &Value), depth: usize) -> Option<String> {
    reason(value, depth).map(|reason| format!("{name}: {reason}"))
}

fn joined(reasons: impl Iterator<Item = String>) -> Option<String> {
    let reasons: Vec<String> = reasons.take(MAX_REASONS).collect();
    (!reasons.is_empty()).then(|| reasons.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(body: impl Into<Vec<u8>>) -> Option<String> {
        message_of(&Response::new(400, Vec::new(), body))
    }

    #[test]
    fn a_refusal_is_found_in_every_registry_shape() {
        for body in [
            r#"{"message":"why"}"#,
            r#"{"error":"why"}"#,
            r#"{"errors":[{"code":"x","description":"why"}],"message":"Token request failed"}"#,
            r#"{"errors":[{"detail":"why"}]}"#,
            r#"{"errors":["why"]}"#,
            r#"{"errors":"why"}"#,
            r#"{"errors":[],"message":"why"}"#,
            r#"{"errors":{},"message":"why"}"#,
            r#"{"errors":[{"code":"x"}],"message":"why"}"#,
            r#"{"body":{"message":"why"}}"#,
            r#"{"error":{"code":400,"message":"why"}}"#,
            r#"{"error":{"errors":[{"message":"why","reason":"forbidden"}],"code":403}}"#,
            r#"{"statusCode":403,"body":{"message":"why","error":"Forbidden"}}"#,
            r#"{"type":"about:blank","title":"Forbidden","status":403,"detail":"why"}"#,
            r#"{"title":"why","status":403}"#,
            r#"{"msg":"why"}"#,
            r#"{"reason":"why"}"#,
            r#"{"error":"not_found","reason":"why"}"#,
            r#"{"error":true,"reason":"why"}"#,
            r#"{"message":"Forbidden","reason":"why"}"#,
            r#"{"message":"","error":"why"}"#,
            r#"{"message":["why"],"error":"Bad Request","statusCode":400}"#,
            r#"{"detail":[{"loc":["body"],"msg":"why","type":"missing"}]}"#,
            r#"{"Message":"why"}"#,
            r#"{"error":"invalid_grant","error_description":"why"}"#,
            r#"[{"message":"why"}]"#,
            "why\n",
            "\u{feff}{\"message\":\"why\"}",
            r#""why""#,
        ] {
            assert_eq!(message(body).as_deref(), Some("why"), "{body}");
        }
        assert_eq!(message("<html>").as_deref(), Some("an HTML page"));
        assert_eq!(message("<?xml version=\"1.0\"?><Error/>").as_deref(), Some("an XML document"));
        for body in ["", "{}", "[]", "null", "5", r#"{"errors":{}}"#, r#"{"status":400,"id":"x"}"#] {
            assert_eq!(message(body), None, "{body}");
        }
        assert_eq!(message("{\"message\":\"a\\u001b[0m\"}").as_deref(), Some("a\\u{1b}[0m"));
        assert_eq!(message(&b"{\"message\":\"no \xe9\"}"[..]).as_deref(), Some("no \u{fffd}"));
    }

    #[test]
    fn the_fields_at_fault_are_named() {
        for body in [
            r#"{"errors":{"name":"is taken"}}"#,
            r#"{"message":"Validation error(s)","errors":{"name":["is taken"]}}"#,
            r#"{"title":"One or more validation errors occurred.","status":400,"errors":{"name":["is taken"]}}"#,
            r#"{"name":["is taken"],"status":400}"#,
        ] {
            assert_eq!(message(body).as_deref(), Some("name: is taken"), "{body}");
        }
        assert_eq!(message(r#"{"errors":{"a":"x","b":["y","z"]}}"#).as_deref(), Some("a: x; b: y; z"));
    }

    #[test]
    fn what_is_long_or_deep_is_cut() {
        let many = serde_json::json!({ "errors": vec!["why"; 10_000] }).to_string();
        assert_eq!(message(many).unwrap().split("; ").count(), MAX_REASONS);
        let deep = format!("{}\"why\"{}", "[".repeat(100), "]".repeat(100));
        assert_eq!(message(deep), None);
        assert!(message("x".repeat(100_000)).unwrap().len() < 3000);
    }

    #[test]
    fn a_message_that_repeats_the_secret_is_none() {
        let secret = Secret::new("hunter2-hunter2");
        let answer = |body: &str| Response::new(400, Vec::new(), body);
        for body in
            [r#"{"msg":"no hunter2-hunter2"}"#, r#"{"errors":{"hunter2-hunter2":["x"]}}"#, "hunter2-hunter2"]
        {
            assert_eq!(message_without(&answer(body), &secret), None, "{body}");
        }
        assert_eq!(message_without(&answer(r#"{"msg":"no"}"#), &secret).as_deref(), Some("no"));
    }
}
