//! Values from outside, as pages show them. They are escaped twice: by the template, and here, where characters that hide or
//! reorder text become visible.

use maud::{Markup, html};
use oidc_core::{HttpUrl, Timestamp, shown};

/// The length up to which a value is shown, in characters.
const MAX_SHOWN: usize = 1000;

/// A value in the text of a page, isolated from the direction of the text around it.
pub(super) fn value(text: &str) -> Markup {
    html! { bdi { (shown(text).up_to(MAX_SHOWN).to_string()) } }
}

/// A sentence of ours, in which values stand between backticks.
pub(super) fn words(text: &str) -> Markup {
    let text = shown(text).up_to(MAX_SHOWN).to_string();
    html! {
        @for (at, part) in text.split('`').enumerate() {
            @if at % 2 == 0 { (part) } @else { code { bdi { (part) } } }
        }
    }
}

/// A value of which every character counts.
pub(super) fn code(text: &str) -> Markup {
    html! { code { (value(text)) } }
}

/// A link to another site, if the text is an address to go to, and otherwise the value.
pub(super) fn link(url: &str, text: &str) -> Markup {
    match HttpUrl::parse(url) {
        Ok(url) => html! { a href=(url.as_str()) rel="noreferrer noopener" { (value(text)) } },
        Err(_) => value(text),
    }
}

/// A link where there is an address, and otherwise the value.
pub(super) fn linked(url: Option<&str>, text: &str) -> Markup {
    url.map_or_else(|| value(text), |url| link(url, text))
}

/// A point in time.
pub(super) fn time(seconds: i64) -> Markup {
    let at = Timestamp::from_secs(u64::try_from(seconds).unwrap_or_default()).to_string();
    html! { time datetime=(at) { (at) } }
}

/// A row of a list of terms, if there is a value.
pub(super) fn row(term: &str, value: Option<&Markup>) -> Markup {
    html! { @if let Some(value) = value { div { dt { (term) } dd { (value) } } } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_link_only_where_it_leads_to_a_page() {
        let is_link = |url| link(url, "text").into_string().contains("<a ");
        assert!(is_link("https://ci.example/runs/1"));
        for url in [
            "javascript:alert(1)",
            "JaVaScRiPt:alert(1)",
            "data:text/html,x",
            "//evil.example",
            "/x",
            "http://evil.example/",
            "https://",
            "",
            "vbscript:x",
        ] {
            assert!(!is_link(url), "{url}");
        }
        let quoted = link("https://ci.example/\"><script>", "text").into_string();
        assert!(!quoted.contains("<script"), "{quoted}");
    }

    #[test]
    fn nothing_of_a_value_acts_hides_or_reorders() {
        for (text, expected) in [
            ("<script>alert(1)</script>", "<bdi>&lt;script&gt;alert(1)&lt;/script&gt;</bdi>"),
            ("a\u{202e}b", "<bdi>a\\u{202e}b</bdi>"),
            ("a\0b\u{200b}", "<bdi>a\\u{0}b\\u{200b}</bdi>"),
            ("\" onload=x '", "<bdi>&quot; onload=x '</bdi>"),
        ] {
            assert_eq!(value(text).into_string(), expected);
        }
        assert!(value(&"w".repeat(5000)).into_string().len() < 1100);
    }
}
