//! Names of packages, versions and tags, valid by construction.
//!
//! The rules are npm's for new packages (docs.npmjs.com, package.json, `name`; the `validate-npm-package-name` module):
//! lower-case, safe in a URL without escaping, at most 214 characters.

use std::fmt;

/// The longest package name, in characters.
const MAX_NAME: usize = 214;
/// The longest version, in characters, as in node-semver.
const MAX_VERSION: usize = 256;
/// The longest distribution tag, in characters.
const MAX_TAG: usize = 100;
/// The largest number in a version: JavaScript's largest safe integer, as in node-semver.
const MAX_NUMBER: u64 = (1 << 53) - 1;

/// Names that npm reserves, and those that stand in the registry's own paths.
const RESERVED: &[&str] = &["-", "-rev", "node_modules", "favicon.ico"];
/// The first segments of the other ecosystems' paths: what a package of that name has would be looked for there.
pub(super) const OTHERS_PATHS: &[&str] =
    &["api", "index", "integrity", "legacy", "pypi", "rubygems", "simple"];

/// The reason why a text isn't a valid name, version or tag.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a valid {kind}: {rule}")]
pub struct Invalid {
    kind: &'static str,
    text: String,
    rule: &'static str,
}

impl Invalid {
    fn new(kind: &'static str, text: &str, rule: &'static str) -> Self {
        Self { kind, text: text.chars().take(MAX_VERSION).collect(), rule }
    }
}

/// The packages that a publisher is for: one, or, with a `*` at the end, all whose names begin so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Trusted(String);

impl Trusted {
    pub(super) fn parse(text: &str) -> Result<Self, Invalid> {
        match text.strip_suffix('*') {
            // What begins a name is one with a letter behind it.
            Some(prefix) => PackageName::parse(&format!("{prefix}a")).map(drop)?,
            None => PackageName::parse(text).map(drop)?,
        }
        Ok(Self(text.to_owned()))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// A package's name: `widget` or `@acme/widget`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PackageName(String);

impl PackageName {
    pub(super) fn parse(text: &str) -> Result<Self, Invalid> {
        let invalid = |rule| Err(Invalid::new("package name", text, rule));
        if text.len() > MAX_NAME {
            return invalid("it is longer than 214 characters");
        }
        let parts_hold = match text.strip_prefix('@').map(|rest| rest.split_once('/')) {
            Some(Some((scope, base))) => is_name_part(scope) && is_name_part(base),
            Some(None) => false,
            // As npm does, which has flags that begin so.
            None => is_name_part(text) && !text.starts_with('-'),
        };
        if !parts_hold {
            return invalid(
                "only a-z, 0-9, '-', '.', '_' and '~' may be used, not starting with '.', '_' or, without a scope, '-'",
            );
        }
        if OTHERS_PATHS.contains(&text) {
            return invalid(
                "this registry has paths of its own below it; choose a name with a scope, such as `@acme/api`",
            );
        }
        Ok(Self(text.to_owned()))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// The name without its scope.
    fn base(&self) -> &str {
        self.0.rsplit_once('/').map_or(self.0.as_str(), |(_, base)| base)
    }

    /// The file name that a version's tarball has in URLs: `widget-1.0.0.tgz`.
    pub(super) fn tarball(&self, version: &str) -> String {
        format!("{}-{version}.tgz", self.base())
    }

    /// The version whose tarball is called `file`.
    pub(super) fn version_of(&self, file: &str) -> Option<Version> {
        let version = file.strip_prefix(self.base())?.strip_prefix('-')?.strip_suffix(".tgz")?;
        Version::parse(version).ok()
    }
}

impl fmt::Display for PackageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_name_part(part: &str) -> bool {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-._~".contains(c);
    !part.is_empty()
        && part.chars().all(allowed)
        && !part.starts_with(['.', '_'])
        && !RESERVED.contains(&part)
}

/// A version of a package, by Semantic Versioning 2.0.0, without build metadata: npm takes `1.0.0+a` and `1.0.0+b` for the
/// same version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Version(String);

impl Version {
    pub(super) fn parse(text: &str) -> Result<Self, Invalid> {
        let invalid = |rule| Err(Invalid::new("version", text, rule));
        if text.len() > MAX_VERSION {
            return invalid("it is longer than 256 characters");
        }
        let Ok(version) = semver::Version::parse(text) else {
            return invalid("it doesn't follow Semantic Versioning, as 1.0.0 does");
        };
        if !version.build.is_empty() {
            return invalid("build metadata can't tell versions apart");
        }
        if [version.major, version.minor, version.patch].iter().any(|&number| number > MAX_NUMBER) {
            return invalid("a number in it is too large");
        }
        Ok(Self(text.to_owned()))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A distribution tag, such as `latest`. It never reads as a version or a range of versions, since `npm install` takes both
/// in the same place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Tag(String);

impl Tag {
    /// The tag that an install without one resolves.
    pub(super) const LATEST: &str = "latest";

    pub(super) fn parse(text: &str) -> Result<Self, Invalid> {
        let invalid = |rule| Err(Invalid::new("tag", text, rule));
        if text.len() > MAX_TAG {
            return invalid("it is longer than 100 characters");
        }
        let allowed = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
        if !text.starts_with(|c: char| c.is_ascii_alphanumeric()) || !text.chars().all(allowed) {
            return invalid(
                "only letters, digits, '-', '.', '_' and '~' may be used, starting with a letter or digit",
            );
        }
        if semver::VersionReq::parse(text.strip_prefix('v').unwrap_or(text)).is_ok() {
            return invalid("it reads as a range of versions");
        }
        Ok(Self(text.to_owned()))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn package_names_follow_npms_rules() {
        for good in [
            "widget",
            "a",
            "0",
            "lodash.get",
            "a~b",
            "@acme/widget",
            "@a-b.c/d_e",
            "constructor",
            "@acme/api",
            "api-client",
        ] {
            assert!(PackageName::parse(good).is_ok(), "{good}");
        }
        let long = "a".repeat(215);
        let bad = "
            @ @/ @acme @acme/ @/widget @acme/wid/get acme/widget .widget _widget __proto__ Widget wïdget @acme/..
            .. . - -rev -x node_modules favicon.ico @acme/.widget @acme/- @acme/-rev @-rev/x %40acme a?b a#b a\\b
        ";
        for bad in bad
            .split_ascii_whitespace()
            .chain(OTHERS_PATHS.iter().copied())
            .chain(["", "wid get", "wid\nget", "a\0", &long])
        {
            assert!(PackageName::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn versions_are_strict_and_bounded() {
        for good in ["1.0.0", "0.0.0", "1.2.3-beta.1", "9007199254740991.0.0"] {
            assert!(Version::parse(good).is_ok(), "{good}");
        }
        let long = format!("1.0.0-{}", "a".repeat(300));
        let bad = "1 1.0 v1.0.0 01.0.0 1.0.0+build 9007199254740992.0.0 latest";
        for bad in bad.split_ascii_whitespace().chain(["", "1.0.0 ", &long]) {
            assert!(Version::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn tags_never_read_as_versions() {
        for good in ["latest", "next", "beta", "release-1.x", "canary.2"] {
            assert!(Tag::parse(good).is_ok(), "{good}");
        }
        for bad in
            ["", "1.0.0", "1", "v1", "v1.2", "x", "*", "1.x", "__proto__", "-a", "a/b", "a b", "a\n", ".."]
        {
            assert!(Tag::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_tarballs_file_name_gives_its_version_back() {
        let name = PackageName::parse("@acme/widget").unwrap();
        assert_eq!(name.tarball("1.0.0-rc.1"), "widget-1.0.0-rc.1.tgz");
        assert_eq!(name.version_of("widget-1.0.0-rc.1.tgz"), Version::parse("1.0.0-rc.1").ok());
        for other in
            ["widget-1.0.0.zip", "gadget-1.0.0.tgz", "widget-.tgz", "widget-../../x.tgz", "1.0.0.tgz"]
        {
            assert_eq!(name.version_of(other), None, "{other}");
        }
    }
}
