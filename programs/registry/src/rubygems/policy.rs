//! The rules by which the public registry refuses what a gem says of itself.
//!
//! Sources: RubyGems 3.3.15, `specification_policy.rb`, which `gem build` goes by too; rubygems.org, `pusher.rb`.

use std::collections::BTreeSet;

use super::yaml::{Field, InvalidField, Object};

/// A licence may have this many characters.
const MAX_LICENCE: usize = 64;
/// A key of the metadata may have this many characters, and what stands under it this many.
const MAX_KEY: usize = 128;
const MAX_VALUE: usize = 1024;
/// The fields that are lists, where there is anything.
const LISTS: [&str; 4] = ["authors", "licenses", "requirements", "executables"];
/// The keys of the metadata that hold links.
const LINKS: [&str; 8] = [
    "bug_tracker_uri",
    "changelog_uri",
    "documentation_uri",
    "funding_uri",
    "homepage_uri",
    "mailing_list_uri",
    "source_code_uri",
    "wiki_uri",
];

/// Checks a specification, whose values were read.
pub(super) fn check(specification: Object<'_>) -> Result<(), InvalidField> {
    for field in LISTS.map(|key| specification.field(key)) {
        if !field.is_nothing() && !field.is_list() {
            return Err(field.invalid("a list"));
        }
        let entries = field.list(usize::MAX).into_iter().flatten().filter(|entry| !entry.is_nothing());
        for entry in entries {
            entry.text()?;
        }
    }
    let (authors, paths) = (specification.field("authors"), specification.field("require_paths"));
    if texts(authors).next().is_none() {
        return Err(authors.invalid("a list of one author at least"));
    }
    if paths.is_list() && texts(paths).next().is_none() {
        return Err(paths.invalid("one path at least"));
    }
    check_written(specification)?;
    if let Some((licences, _)) =
        texts(specification.field("licenses")).find(|(_, text)| text.chars().count() > MAX_LICENCE)
    {
        return Err(licences.invalid(format!("at most {MAX_LICENCE} characters")));
    }
    let version = specification.field("specification_version");
    if !version.is_nothing() && version.text().is_ok() {
        return Err(version.invalid("a number without quotes"));
    }
    check_metadata(specification)?;
    check_twice(specification)
}

/// Checks that the texts for people were written, and the homepage is one.
fn check_written(specification: Object<'_>) -> Result<(), InvalidField> {
    let fields = ["authors", "email", "description", "summary"].map(|key| specification.field(key));
    let is_left = |text: &str| text.starts_with("TODO") || text.starts_with("FIXME");
    if let Some((field, _)) = fields.into_iter().flat_map(texts).find(|(_, text)| is_left(text)) {
        return Err(field.invalid("a text that does not begin with `TODO` or `FIXME`"));
    }
    match texts(specification.field("homepage")).next() {
        Some((homepage, url)) if !url.is_empty() && !is_url(url) => {
            Err(homepage
                .invalid("a URL that begins with `https://` or `http://`, without spaces and in ASCII"))
        }
        _ => Ok(()),
    }
}

fn check_metadata(specification: Object<'_>) -> Result<(), InvalidField> {
    let Ok(metadata) = specification.field("metadata").map() else { return Ok(()) };
    for (key, field) in metadata.fields() {
        let value = field.text()?;
        if key.chars().count() > MAX_KEY {
            return Err(field.invalid(format!("a key of at most {MAX_KEY} characters")));
        }
        if value.chars().count() > MAX_VALUE {
            return Err(field.invalid(format!("at most {MAX_VALUE} characters")));
        }
        if LINKS.contains(&key) && !is_link(value) {
            return Err(field.invalid("a link such as `https://acme.example/widget`"));
        }
    }
    Ok(())
}

/// Checks that no two dependencies of a kind are on one gem.
fn check_twice(specification: Object<'_>) -> Result<(), InvalidField> {
    let mut known = BTreeSet::new();
    for dependency in specification.field("dependencies").list(usize::MAX)? {
        let dependency = dependency.object("Gem::Dependency")?;
        let name = dependency.field("name");
        if !known.insert((dependency.field("type").symbol(), name.text()?)) {
            return Err(name.invalid("one dependency on it at most, with all requirements"));
        }
    }
    Ok(())
}

/// The texts of a field, which is one or a list of them.
fn texts(field: Field<'_>) -> impl Iterator<Item = (Field<'_>, &str)> {
    let one = (!field.is_list()).then_some(field);
    let fields = field.list(usize::MAX).into_iter().flatten().chain(one);
    fields.filter(|field| !field.is_nothing()).filter_map(|field| Some((field, field.text().ok()?)))
}

/// Returns `true` if Ruby reads a text as a URL of the web (RFC 3986).
fn is_url(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    let is_web = ["http", "https"].iter().any(|web| scheme.eq_ignore_ascii_case(web));
    let (authority, rest) = match rest.strip_prefix("//") {
        Some(rest) => rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len())),
        None => ("", rest),
    };
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let port = host.rsplit_once(':').map_or("", |(_, port)| port);
    let is_port = port.ends_with(']') || port.bytes().all(|byte| byte.is_ascii_digit());
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=%|".contains(&byte);
    let is_escape = |part: &str| {
        let digits = part.as_bytes().get(..2);
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    };
    is_web
        && is_port
        && text.bytes().all(is_allowed)
        && text.split('%').skip(1).all(is_escape)
        && !rest.contains(['[', ']'])
}

/// Returns `true` for a link as RubyGems' pattern has it: to a host with a dot in its name, behind a user's name and password or nothing.
fn is_link(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let Some(rest) = rest.filter(|rest| !rest.contains(|c: char| c.is_ascii_whitespace())) else {
        return false;
    };
    let behind_user = rest.split_once('@').filter(|(user, _)| {
        user.split_once(':').is_some_and(|(name, password)| !name.is_empty() && !password.contains(':'))
    });
    is_host_and_path(rest) || behind_user.is_some_and(|(_, rest)| is_host_and_path(rest))
}

fn is_host_and_path(text: &str) -> bool {
    let (host, rest) = text.split_at(text.find([':', '/', '?']).unwrap_or(text.len()));
    let host = host.strip_suffix('.').unwrap_or(host);
    let is_label = |label: &str| {
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let (port, path) = match rest.strip_prefix(':') {
        Some(rest) => {
            let (port, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
            (Some(port), path)
        }
        None => (None, rest),
    };
    let is_port =
        |port: &str| (1..=5).contains(&port.len()) && port.bytes().all(|byte| byte.is_ascii_digit());
    host.contains('.')
        && host.split('.').all(is_label)
        && port.is_none_or(is_port)
        && (path.is_empty() || path.starts_with(['/', '?']))
}

#[cfg(test)]
mod tests {
    use super::super::specification::Specification;
    use super::super::specification::tests::YAML;
    use super::*;

    #[test]
    fn what_the_public_registry_refuses_is_refused_with_what_is_expected() {
        let long = |count: usize| "x".repeat(count);
        let rake = YAML.split_once("- !ruby/object:Gem::Dependency\n  name: rake").unwrap().1;
        let rake = rake.split_once("description:").unwrap().0;
        let rake = format!("- !ruby/object:Gem::Dependency\n  name: rake{rake}");
        for (from, to, words) in [
            (
                "authors:\n- Ärne\n- 'yes'\n",
                "authors: []\n",
                "`authors` is a list of 0, expected a list of one author",
            ),
            ("authors:\n- Ärne\n- 'yes'\n", "authors:\n", "one author"),
            ("authors:\n- Ärne\n- 'yes'\n", "authors: Ärne\n", "expected a list"),
            ("- Ärne\n", "- TODO\n", "does not begin with `TODO`"),
            ("email:\n", "email: FIXME\n", "`email` is `FIXME`"),
            ("summary: 'A: test'", "summary: 'TODO: test'", "`summary`"),
            ("description: |\n  multi", "description: |\n  TODO", "`description`"),
            ("https://acme.example/widget", "ftp://acme.example/widget", "`homepage` is `ftp:"),
            ("https://acme.example/widget", "acme.example", "a URL that begins with"),
            ("https://acme.example/widget", "https://acme.example/a b", "a URL that begins with"),
            ("https://acme.example/widget", "https://acme.example/%zz", "a URL that begins with"),
            ("https://acme.example/widget", "https://acme.example:x/", "a URL that begins with"),
            ("- MIT\n", &format!("- {}\n", long(65)), "at most 64 characters"),
            ("licenses:\n- MIT\n", "licenses: MIT\n", "`licenses` is `MIT`, expected a list"),
            ("  x: '1'", &format!("  {}: a", long(129)), "a key of at most 128"),
            ("  x: '1'", &format!("  x: {}", long(1025)), "at most 1024 characters"),
            ("  x: '1'", "  homepage_uri: ftp://acme.example", "`homepage_uri` is `ftp:"),
            ("require_paths:\n- lib\n", "require_paths: []\n", "one path"),
            ("specification_version: 4", "specification_version: '4'", "without quotes"),
            ("requirements: []\nrubygems", "requirements: x\nrubygems", "a list"),
            ("executables: []", "executables: x", "a list"),
            ("executables: []", "executables:\n- 1", "`executables` is `1`, expected a text"),
            ("description: |", &format!("{rake}description: |"), "`name` is `rake`, expected one dependency"),
        ] {
            let yaml = YAML.replacen(from, to, 1);
            assert_ne!(yaml, YAML, "{from}");
            let error = Specification::parse(&yaml).unwrap_err().to_string();
            assert!(error.contains(words), "{to}: {error}");
        }
        for (from, to) in [
            ("https://acme.example/widget", "''"),
            ("homepage: https://acme.example/widget", "homepage:"),
            ("https://acme.example/widget", "HTTP://u:p@acme.example:80/%20?a=b|c#d"),
            ("- MIT\n", &format!("- {}\n", "é".repeat(64))),
            ("licenses:\n- MIT\n", "licenses: []\n"),
            ("- Ärne\n", "- not TODO\n"),
            ("  x: '1'", "  my_uri: ftp://acme.example"),
            ("description: |", &format!("{}description: |", rake.replace(":development", ":runtime"))),
        ] {
            let yaml = YAML.replacen(from, to, 1);
            assert_ne!(yaml, YAML, "{from}");
            assert!(Specification::parse(&yaml).is_ok(), "{to}: {:?}", Specification::parse(&yaml));
        }
    }

    #[test]
    fn links_are_those_of_rubygems_pattern() {
        for link in [
            "https://a.b",
            "http://a.b./x?y",
            "https://a.b:80/\u{e9}#x",
            "https://u:p@a.b/",
            "https://u:@a.b?x",
            "https://a.b/x:y@z",
            "https://1.2.3.4",
        ] {
            assert!(is_link(link), "{link}");
        }
        for text in [
            "",
            "a.b",
            "HTTPS://a.b",
            "ftp://a.b",
            "https://a",
            "https://a_b.c",
            "https://a..b",
            "https://.a.b",
            "https://a.b#x",
            "https://a.b:123456/",
            "https://a.b:/",
            "https://a.b/x y",
            "https://\u{e9}.b",
            "https://u@a.b",
            "https://:p@a.b",
        ] {
            assert!(!is_link(text), "{text}");
        }
    }
}
