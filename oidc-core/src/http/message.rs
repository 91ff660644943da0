//! The message in the answer of a server.

use super::Response;
use crate::secret::Secret;
use crate::text::shown;

/// The number of characters up to which a server's message is shown.
const MAX_MESSAGE: usize = 2048;

/// Returns the server's message from the body of an unexpected answer: a `message`, `error`, `detail`,
/// `title`, `errors[].detail`/`description`, `body.message` or `error.message` of a JSON object, or the
/// beginning of a text. Fit to be shown.
pub fn message_of(response: &Response) -> Option<String> {
    message(response).map(|message| fit(&message))
}

/// Returns [`message_of`] the response, unless the message repeats the secret that was sent with the request.
pub fn message_without(response: &Response, secret: &Secret) -> Option<String> {
    // The secret is looked for in the whole message before it is escaped and cut, since both could hide a
    // part of it.
    message(response).filter(|message| !secret.is_in(message)).map(|message| fit(&message))
}

fn fit(message: &str) -> String {
    shown(message).up_to(MAX_MESSAGE).to_string()
}

fn message(response: &Response) -> Option<String> {
    let text = std::str::from_utf8(&response.body).ok()?;
    let message = match serde_json::from_str::<serde_json::Value>(text) {
        Ok(value) => json_message(&value)?,
        Err(_) if text.trim_start().starts_with('<') => "an HTML page".to_owned(),
        Err(_) => text.trim().to_owned(),
    };
    Some(message).filter(|message| !message.is_empty())
}

fn json_message(value: &serde_json::Value) -> Option<String> {
    if let Some(text) = value.as_str() {
        return Some(text.to_owned());
    }
    if let Some(errors) = value.get("errors").and_then(serde_json::Value::as_array) {
        let all: Vec<String> = errors.iter().take(8).filter_map(json_message).collect();
        if !all.is_empty() {
            return Some(all.join("; "));
        }
    }
    let text = |value: &serde_json::Value| {
        let names = ["message", "detail", "description", "error_description", "error", "title"];
        names.iter().find_map(|name| value.get(name)?.as_str()).map(str::to_owned)
    };
    text(value).or_else(|| ["body", "error"].iter().find_map(|name| value.get(name).and_then(text)))
}
