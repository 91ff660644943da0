//! The audiences that a registry may name, where its protocol lets the registry choose (PyPI, PEP 807,
//! Private Packagist).
//!
//! An identity token proves the job's identity to the party that is its audience. A registry that named another
//! party's audience could get a token that is valid there, and pass it on. Private registries choose words of
//! their own, so only audiences that are known to belong to others, and those that name another host, are
//! refused.

use std::net::Ipv6Addr;

use oidc_core::{Audience, Diagnosis, HttpUrl, Target};

use super::error::{ExchangeError, ExchangeErrorKind};
use crate::codes;

/// The audiences of known registries, with the hosts that may name them.
const WORDS: &[(&str, &[&str])] = &[
    ("pypi", &["pypi.org", "upload.pypi.org"]),
    ("testpypi", &["test.pypi.org"]),
    ("hexpm", &["hex.pm"]),
    ("pyx", &["api.pyx.dev"]),
];

/// The beginnings of the audiences of known parties, with the parties. A text that ends with `$` is the whole
/// audience.
const OTHERS: &[(&str, &str)] = &[
    ("npm:", "npm's registries"),
    ("sigstore$", "Sigstore, which signs for the job"),
    ("api:", "an application of Microsoft's"),
    ("ari:", "a workspace of Atlassian's"),
    ("urn:", "a named party"),
    ("{", "JSR, where it lists what a token may publish"),
];

/// Returns `true` if an audience may be that of the registry at `registry`, as far as can be decided.
pub(super) fn may_be_own(registry: &HttpUrl, audience: &Audience) -> bool {
    foreign(registry, audience.as_str()).is_none()
}

/// Returns the audience that the registry at `registry` named at `told_at`, if it may name it.
pub(super) fn checked(
    registry: &HttpUrl,
    told_at: &HttpUrl,
    audience: Audience,
) -> Result<Audience, ExchangeError> {
    match foreign(registry, audience.as_str()) {
        None => Ok(audience),
        Some(whose) => Err(refused(registry, told_at, &audience, &whose)),
    }
}

fn refused(registry: &HttpUrl, told_at: &HttpUrl, audience: &Audience, whose: &str) -> ExchangeError {
    let problem = format!(
        "the registry asks for an identity token with the audience `{audience}`, which belongs to {whose}: whoever holds such a token \
         can speak for this job there"
    );
    let diagnosis = Diagnosis::new(codes::AUDIENCE_FOREIGN, Target::Url(told_at.to_string()), problem)
        .found(audience.as_str())
        .expected(format!("a word of the registry's own, or its host {}", registry.host()))
        .fix("tell the registry's operator; no identity token is asked for with this audience");
    ExchangeError::new(ExchangeErrorKind::InvalidAnswer, diagnosis)
}

/// The party that an audience belongs to, if it is not the registry.
fn foreign(registry: &HttpUrl, audience: &str) -> Option<String> {
    // An audience that is written in another way than its party writes it may still be accepted there.
    if audience.contains('%') || !audience.is_ascii() {
        return Some(
            "nobody that can be told: it holds percent-encoded characters, or some beyond ASCII".to_owned(),
        );
    }
    let lower = audience.trim().to_ascii_lowercase();
    // Some platforms make tokens by a command, and AWS's reads a file that is named so.
    if lower.starts_with('-') || lower.starts_with("file:") || lower.starts_with("fileb:") {
        return Some("nobody that can be told: a command may take it for an option or a file".to_owned());
    }
    let words = lower.split(|c: char| c.is_ascii_whitespace() || ",;\"'[]()".contains(c));
    let of_word = std::iter::once(&*lower).chain(words).find_map(|word| party(registry, word));
    // Platforms of several vendors have an organization's or an application's id as audience.
    let is_id = lower.split(|c: char| !c.is_ascii_hexdigit() && c != '-').any(is_uuid);
    let of_id = || is_id.then(|| "the organization or the application with that id".to_owned());
    let of_host = || {
        let host = hosts(&lower).into_iter().find(|host| !is_own(registry, host))?;
        Some(format!("another host than the registry's, {}", oidc_core::shown(host)))
    };
    of_word.or_else(of_id).or_else(of_host)
}

/// The known party whose audience a word in lower case is, if that is not the registry.
fn party(registry: &HttpUrl, word: &str) -> Option<String> {
    // A slash or dot at the end may not matter to the other party.
    let word = word.trim_end_matches(['/', '.']);
    if let Some((_, hosts)) = WORDS.iter().find(|(known, _)| *known == word) {
        let is_theirs = hosts.contains(&registry.host()) || registry.is_loopback();
        return (!is_theirs).then(|| hosts.first().copied().unwrap_or_default().to_owned());
    }
    let is_of = |start: &str| match start.strip_suffix('$') {
        Some(whole) => word == whole,
        None => word.starts_with(start),
    };
    OTHERS.iter().find(|(start, _)| is_of(start)).map(|(_, whose)| (*whose).to_owned())
}

/// The hosts that a text names: the host of a URL, and every word with dots that could be a host.
fn hosts(text: &str) -> Vec<&str> {
    let authority =
        text.split_once("//").map(|(_, rest)| rest.split(['/', '?', '#', '\\']).next().unwrap_or_default());
    let of_url = authority.map(|authority| {
        let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        host.rsplit_once(':')
            .filter(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()))
            .map_or(host, |(host, _)| host)
    });
    // A path may contain words with dots, such as file names, that are no hosts.
    let searched = match text.split_once("//").zip(authority) {
        Some(((before, _), authority)) => [before, authority],
        None => [text, ""],
    };
    let words = searched
        .into_iter()
        .flat_map(|part| part.split(|c: char| !c.is_alphanumeric() && !matches!(c, '.' | '-' | '_')));
    let addresses = searched.into_iter().filter_map(address).chain(searched.into_iter().flat_map(bare));
    of_url.into_iter().chain(addresses).chain(words.filter(|word| is_host(word))).collect()
}

/// The IPv6 addresses that stand in a text without brackets.
fn bare(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split(|c: char| c.is_ascii_whitespace() || ",;\"'()[]@/".contains(c));
    words.filter(|word| word.parse::<Ipv6Addr>().is_ok())
}

/// The IPv6 address that stands in a text, with its brackets.
fn address(text: &str) -> Option<&str> {
    let start = text.find('[')?;
    let rest = text.get(start..)?;
    rest.get(..=rest.find(']')?).filter(|address| address.contains(':'))
}

/// Returns `true` if a word could be a host's name or address: `localhost`, or labels separated by dots, of which
/// the last begins with a letter, or all are numbers.
fn is_host(word: &str) -> bool {
    let labels: Vec<&str> = word.split('.').filter(|label| !label.is_empty()).collect();
    if labels == ["localhost"] {
        return true;
    }
    let is_number = |label: &&str| label.bytes().all(|byte| byte.is_ascii_digit());
    let ends_with_letters = labels.last().is_some_and(|label| label.starts_with(char::is_alphabetic));
    labels.len() > 1 && (ends_with_letters || labels.iter().all(is_number))
}

fn is_own(registry: &HttpUrl, host: &str) -> bool {
    let host = host.trim_end_matches('.');
    let is_bare = host.parse::<Ipv6Addr>().is_ok();
    let host = if is_bare { &*format!("[{host}]") } else { host };
    let is_loopback = || {
        let url = HttpUrl::parse(&format!("http://{host}/"));
        registry.is_loopback() && url.is_ok_and(|url| url.is_loopback())
    };
    registry.host().trim_end_matches('.') == host || is_loopback()
}

/// Returns `true` if a word of hexadecimal digits and dashes is a UUID (RFC 9562), with or without its
/// dashes.
fn is_uuid(word: &str) -> bool {
    let lengths: Vec<usize> = word.split('-').map(str::len).collect();
    lengths == [8, 4, 4, 4, 12] || lengths == [32]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_refused(registry: &str, audience: &str) -> bool {
        foreign(&HttpUrl::parse(registry).unwrap(), audience).is_some()
    }

    #[test]
    fn what_is_known_to_be_anothers_or_names_another_host_is_refused() {
        for audience in [
            "pypi",
            "testpypi",
            "hexpm",
            "pyx",
            "npm:registry.npmjs.org",
            "npm:index.example",
            "sigstore",
            "sts.amazonaws.com",
            "STS.amazonaws.com",
            "sts.amazonaws.com.",
            "crates.io",
            "rubygems.org",
            "https://github.com/acme",
            "https://index.example.evil.example",
            "https://index.example@evil.example/",
            "https://evil.example:443",
            "https://evil",
            "http://localhost:8080",
            "https://vault.corp.example/path",
            "api://AzureADTokenExchange",
            "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/a/providers/b",
            "1234567890-abc.apps.googleusercontent.com",
            "11111111-1111-4111-8111-111111111111",
            "ari:cloud:bitbucket::workspace/11111111-1111-4111-8111-111111111111",
            "urn:example:vault",
            r#"{"permissions":[]}"#,
            "pypi:evil.example",
            "index.example,evil.example",
            "index.example evil.example",
            "10.0.0.1",
            "evil.index.example",
            "example.com",
            "sts.amazonaws.com/",
            "sts.amazonaws.com:443",
            "sts%2Eamazonaws%2Ecom",
            "npm%3Aintranet",
            "sts\u{3002}amazonaws\u{3002}com",
            "sts\u{ad}.amazonaws.com",
            "\u{17f}igstore",
            "sigstor\u{435}",
            "sigstore/",
            "SIGSTORE.",
            "pypi/",
            "api:/AzureADTokenExchange",
            "11111111111141118111111111111111",
            "xn--80ak6aa92e.com",
            "localhost",
            "LOCALHOST:8080",
            "localhost.",
            "vault:localhost:8200",
            "[2001:db8::1]:8200",
            "vault@[::1]",
            "2001:db8::1",
            "vault@fe80::1",
            "::1",
            "https://[2001:db8::1]/",
            "-index",
            "--endpoint-url=https://index.example/",
            "--cli-input-json={\"Audience\":[\"sigstore\"]}",
            "file://index.example/etc/passwd",
            "FILEB:x",
            "[\"sigstore\"]",
            "acme, sigstore",
            "pypi;acme",
            "sts.amazonaws.com//index.example",
            ".evil.example",
            "evil..example",
        ] {
            assert!(is_refused("https://index.example/legacy/", audience), "{audience}");
        }
    }

    #[test]
    fn words_and_the_registrys_own_host_are_taken() {
        for audience in [
            "an-index",
            "acme_index",
            "corp",
            "index-v1.2",
            "our index, v1.2...",
            "profile:x",
            "acme::index",
            "https://index.example",
            "https://index.example/legacy/simple.html",
            "index.example",
            "INDEX.example",
            "index.example:443",
            "pypi:index.example",
            "pypi:index.example:8443",
        ] {
            assert!(!is_refused("https://index.example/legacy/", audience), "{audience}");
        }
        assert!(!is_refused("https://upload.pypi.org/legacy/", "pypi"));
        assert!(!is_refused("https://pypi.org/", "pypi"));
        assert!(!is_refused("https://test.pypi.org/legacy/", "testpypi"));
        assert!(is_refused("https://test.pypi.org/legacy/", "pypi"));
        assert!(is_refused("https://upload.pypi.org.evil.example/legacy/", "pypi"));
        for audience in ["pypi", "pypi:127.0.0.1:4873", "http://localhost:4873", "https://127.0.0.1"] {
            assert!(!is_refused("http://127.0.0.1:4873/legacy/", audience), "{audience}");
        }
        for audience in ["http://[::1]:4873", "[::1]:4873", "::1", "localhost:4873", "index[1]"] {
            assert!(!is_refused("http://[::1]:4873/legacy/", audience), "{audience}");
        }
        assert!(is_refused("http://127.0.0.1:4873/legacy/", "sts.amazonaws.com"));
        assert!(is_refused("https://index.example/legacy/", "http://127.0.0.1:4873"));
    }
}
