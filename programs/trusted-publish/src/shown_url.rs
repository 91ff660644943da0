//! The URLs of other registries in messages.

use oidc_core::shown;

/// A URL that a command or a settings file holds, fit to be shown: without the name and the password that may be before its host.
pub(super) fn shown_url(text: &str) -> String {
    shown(&without_credentials(text)).to_string()
}

/// The URL without the name and the password that may be before its host.
pub(super) fn without_credentials(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("//") else {
        return text.rsplit_once('@').map_or(text, |(_, after)| after).to_owned();
    };
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    format!("{scheme}//{host}{path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_shown_without_its_credentials() {
        for (text, expected) in [
            ("https://me:secret@r.example/a@b", "https://r.example/a@b"),
            ("https://me:p@ss@r.example", "https://r.example"),
            ("//me@r.example/", "//r.example/"),
            ("me:secret@r.example", "r.example"),
            ("sparse+https://me:secret@r.example/index/", "sparse+https://r.example/index/"),
            ("https://r.example?a@b", "https://r.example?a@b"),
            ("corp", "corp"),
        ] {
            assert_eq!(shown_url(text), expected, "{text}");
        }
    }
}
