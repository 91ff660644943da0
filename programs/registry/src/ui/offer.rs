//! The meaning of an address that was pasted into a field. No platform is known here by its name: whatever part of the address
//! the platform accepts is offered.

use oidc_core::{InvalidPublisher, PublisherField};
use serde_json::Value;
use url::Url;

use super::draft::Draft;

/// The length of a text that is taken for an address, in bytes.
const MAX_ADDRESS: usize = 1000;

/// The part of a pasted address that the field takes; `None` where nothing is wrong with the field, or no part would do.
pub(super) fn offer(draft: &Draft, field: &PublisherField, invalid: &InvalidPublisher) -> Option<String> {
    invalid.of(field.key).next()?;
    let is_accepted = |text: &String| {
        let mut config = draft.config();
        let members = config.as_object_mut();
        members.is_some_and(|members| members.insert(field.key.to_owned(), Value::from(&**text)).is_some())
            && match draft.provider.publisher(&config) {
                Ok(_) => true,
                Err(invalid) => invalid.of(field.key).next().is_none(),
            }
    };
    parts(draft.text(field.key)).into_iter().find(is_accepted)
}

/// The parts of an address that a field may mean: `owner/name`, the whole path, and both with the host.
fn parts(text: &str) -> Vec<String> {
    let Some(url) = Some(text).filter(|text| text.len() <= MAX_ADDRESS).and_then(address) else {
        return Vec::new();
    };
    let path = url.path().trim_matches('/');
    // GitLab's pages of a project are below `/-/`.
    let path = path.split("/-/").next().unwrap_or_default();
    let path = path.strip_suffix(".git").unwrap_or(path);
    let short = path.splitn(3, '/').take(2).collect::<Vec<_>>().join("/");
    let short = short.strip_suffix(".git").unwrap_or(&short);
    let host = url.host_str().unwrap_or_default();
    vec![path.to_owned(), short.to_owned(), format!("{host}/{path}"), format!("{host}/{short}")]
}

/// An address in any form that people copy: of a page, of a clone by https or ssh, or without a scheme.
fn address(text: &str) -> Option<Url> {
    let text = text.strip_prefix("git+").unwrap_or(text);
    if text.contains("://") {
        return Url::parse(text).ok().filter(Url::has_host);
    }
    // `git@host:owner/name.git`
    if let Some((host, path)) = text.split_once(':') {
        let host = host.rsplit('@').next().unwrap_or_default();
        return Url::parse(&format!("https://{host}/{path}")).ok();
    }
    let host = text.split('/').next().filter(|host| host.contains('.'))?;
    host.chars()
        .all(|c| c.is_ascii_alphanumeric() || ".-".contains(c))
        .then(|| Url::parse(&format!("https://{text}")).ok())?
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::Arc;

    use oidc_core::Provider;
    use oidc_providers::{CircleCi, GitHub, GitLab};

    use super::*;

    fn offered(provider: impl Provider + 'static, key: &str, text: &str) -> Option<String> {
        let mut draft = Draft::new(Arc::new(provider), "");
        draft.texts.insert(key.to_owned(), text.to_owned());
        let field = PublisherField::find(draft.provider.publisher_fields(), key).unwrap();
        let invalid = draft.provider.publisher(&draft.config()).unwrap_err();
        offer(&draft, field, &invalid)
    }

    #[test]
    fn the_address_of_a_repository_is_offered_as_the_field_has_it() {
        for text in [
            "https://github.com/acme/widget",
            "https://github.com/acme/widget.git",
            "https://github.com/acme/widget/",
            "https://github.com/acme/widget/blob/main/.github/workflows/publish.yml?plain=1#L3",
            "git+https://github.com/acme/widget.git",
            "git@github.com:acme/widget.git",
            "ssh://git@github.com/acme/widget.git",
            "github.com/acme/widget",
        ] {
            assert_eq!(
                offered(GitHub::public(), "repository", text).as_deref(),
                Some("acme/widget"),
                "{text}"
            );
        }
        for text in
            ["https://gitlab.com/acme/group/widget/-/settings/ci_cd", "git@gitlab.com:acme/group/widget.git"]
        {
            let offered = offered(GitLab::public(), "project_path", text);
            assert_eq!(offered.as_deref(), Some("acme/group/widget"), "{text}");
        }
        let origin = offered(CircleCi::public(), "vcs_origin", "https://github.com/acme/widget");
        assert_eq!(origin.as_deref(), Some("github.com/acme/widget"));
    }

    #[test]
    fn nothing_is_offered_that_the_field_does_not_take() {
        for text in
            ["", "acme", "https://", "https://github.com", "javascript:alert(1)", "a b", "https://x/<script>"]
        {
            assert_eq!(offered(GitHub::public(), "repository", text), None, "{text}");
        }
        assert_eq!(offered(GitHub::public(), "repository", "acme/widget"), None, "nothing is wrong");
        assert_eq!(
            offered(GitHub::public(), "repository", &format!("https://x/{}", "a/".repeat(5000))),
            None
        );
    }
}
