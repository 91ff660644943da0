//! The resource that a request's path names.
//!
//! Clients write a scoped name as `@acme%2fwidget`, `@acme%2Fwidget` or `%40acme%2Fwidget`, and proxies unescape it into two
//! segments, `@acme/widget`. All of it is decoded here, once, and nowhere else.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use super::name::{Invalid, OTHERS_PATHS, PackageName, Tag, Trusted, Version};
use super::unsupported::unsupported;
use crate::unsupported::Operation;

/// The first segment of the registry's own paths, and the one between a package and its tarballs.
const DASH: &str = "-";

/// The resource a path names.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Route {
    /// `/-/ping`
    Ping,
    /// `/{package}`: its metadata, and where to publish it.
    Package(PackageName),
    /// `/{package}/-/{file}.tgz`
    Tarball(PackageName, Version),
    /// `/-/package/{package}/visibility`
    Visibility(PackageName),
    /// `/-/npm/v1/keys`
    Keys,
    /// `/-/npm/v1/attestations/{package}@{version}`
    Attestations(PackageName, Version),
    /// `/-/package/{package}/dist-tags`
    Tags(PackageName),
    /// `/-/package/{package}/dist-tags/{tag}`
    Tag(PackageName, Tag),
    /// `/-/package/{package}/trust`, and `/-/package/{prefix}*/trust`
    Trust(Trusted),
    /// `/-/package/{package}/trust/{id}`, and `/-/package/{prefix}*/trust/{id}`
    Publisher(Trusted, String),
}

/// The reason why a path names no resource.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum PathError {
    /// Nothing is served there.
    Unknown,
    /// npm's own registry has something there that this one doesn't.
    Unsupported(&'static Operation),
    /// A part of it can't be what its place asks for.
    Invalid(Invalid),
}

impl From<Invalid> for PathError {
    fn from(invalid: Invalid) -> Self {
        Self::Invalid(invalid)
    }
}

impl Route {
    /// Reads the path of a request, still escaped, without the prefix that the registry is mounted under.
    pub(super) fn parse(path: &str) -> Result<Self, PathError> {
        let segments = decode(path).ok_or(PathError::Unknown)?;
        let segments: Vec<&str> = segments.iter().map(AsRef::as_ref).collect();
        if let Some(operation) = unsupported(&segments) {
            return Err(PathError::Unsupported(operation));
        }
        match segments.as_slice() {
            [DASH, "ping"] => Ok(Self::Ping),
            [DASH, "npm", "v1", "keys"] => Ok(Self::Keys),
            [DASH, "npm", "v1", "attestations", rest @ ..] => Self::attestations(&rest.join("/")),
            [DASH, "package", rest @ ..] => Self::about_package(rest),
            [DASH, ..] => Err(PathError::Unknown),
            [other, _, ..] if OTHERS_PATHS.contains(other) => Err(PathError::Unknown),
            rest => Self::package(rest),
        }
    }

    /// The methods that are supported there.
    pub(super) fn methods(&self) -> &'static str {
        match self {
            Self::Ping
            | Self::Tarball(..)
            | Self::Visibility(_)
            | Self::Tags(_)
            | Self::Keys
            | Self::Attestations(..) => "GET, HEAD",
            Self::Package(_) => "GET, HEAD, PUT",
            Self::Tag(..) => "PUT, DELETE",
            Self::Trust(_) => "GET, HEAD, POST",
            Self::Publisher(..) => "DELETE",
        }
    }

    fn package(segments: &[&str]) -> Result<Self, PathError> {
        match split_name(segments)? {
            (name, []) => Ok(Self::Package(name)),
            (name, [DASH, file]) => {
                let version = name.version_of(file).ok_or(PathError::Unknown)?;
                Ok(Self::Tarball(name, version))
            }
            _ => Err(PathError::Unknown),
        }
    }

    /// A package and a version, with an `@` between them that is not the scope's.
    fn attestations(text: &str) -> Result<Self, PathError> {
        let (name, version) = text.rsplit_once('@').ok_or(PathError::Unknown)?;
        Ok(Self::Attestations(PackageName::parse(name)?, Version::parse(version)?))
    }

    fn about_package(segments: &[&str]) -> Result<Self, PathError> {
        let (text, rest) = split_text(segments)?;
        let name = || PackageName::parse(&text);
        match rest {
            ["trust"] => Ok(Self::Trust(Trusted::parse(&text)?)),
            ["trust", id] => Ok(Self::Publisher(Trusted::parse(&text)?, (*id).to_owned())),
            ["visibility"] => Ok(Self::Visibility(name()?)),
            ["dist-tags"] => Ok(Self::Tags(name()?)),
            ["dist-tags", tag] => Ok(Self::Tag(name()?, Tag::parse(tag)?)),
            _ => name().map_err(PathError::from).and(Err(PathError::Unknown)),
        }
    }
}

fn decode(path: &str) -> Option<Vec<Cow<'_, str>>> {
    let decoded = |segment| percent_decode_str(segment).decode_utf8().ok();
    path.strip_prefix('/')?.split('/').map(decoded).collect()
}

/// Takes a package's name from the front of `segments`.
fn split_name<'a, 'b>(segments: &'a [&'b str]) -> Result<(PackageName, &'a [&'b str]), PathError> {
    let (text, rest) = split_text(segments)?;
    Ok((PackageName::parse(&text)?, rest))
}

/// Takes what stands in a package's place from the front of `segments`.
fn split_text<'a, 'b>(segments: &'a [&'b str]) -> Result<(Cow<'b, str>, &'a [&'b str]), PathError> {
    match segments {
        [scope, base, rest @ ..] if scope.starts_with('@') && !scope.contains('/') => {
            Ok((Cow::Owned(format!("{scope}/{base}")), rest))
        }
        [name, rest @ ..] => Ok((Cow::Borrowed(name), rest)),
        [] => Err(PathError::Unknown),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> PackageName {
        PackageName::parse(text).unwrap()
    }

    fn version(text: &str) -> Version {
        Version::parse(text).unwrap()
    }

    #[test]
    fn every_spelling_of_a_path_names_its_resource() {
        let widget = || name("@acme/widget");
        let trusted = |text: &str| Trusted::parse(text).unwrap();
        let beta = || Tag::parse("beta").unwrap();
        for (path, route) in [
            ("/-/ping", Route::Ping),
            ("/widget", Route::Package(name("widget"))),
            ("/@acme%2fwidget", Route::Package(widget())),
            ("/@acme%2Fwidget", Route::Package(widget())),
            ("/%40acme%2Fwidget", Route::Package(widget())),
            ("/%40acme/widget", Route::Package(widget())),
            ("/@acme/widget", Route::Package(widget())),
            ("/widget/-/widget-1.0.0.tgz", Route::Tarball(name("widget"), version("1.0.0"))),
            ("/@acme/widget/-/widget-1.0.0-rc.1.tgz", Route::Tarball(widget(), version("1.0.0-rc.1"))),
            ("/@acme%2fwidget/-/widget-1.0.0.tgz", Route::Tarball(widget(), version("1.0.0"))),
            ("/-/package/widget/visibility", Route::Visibility(name("widget"))),
            ("/-/package/@acme%2fwidget/visibility", Route::Visibility(widget())),
            ("/-/package/@acme/widget/visibility", Route::Visibility(widget())),
            ("/-/package/%40acme%2Fwidget/dist-tags", Route::Tags(widget())),
            ("/-/package/@acme/widget/dist-tags/beta", Route::Tag(widget(), beta())),
            ("/-/package/widget/dist-tags/beta", Route::Tag(name("widget"), beta())),
            ("/-/package/@acme%2fwidget/trust", Route::Trust(trusted("@acme/widget"))),
            ("/-/package/@acme/*/trust", Route::Trust(trusted("@acme/*"))),
            ("/-/package/@acme%2f%2a/trust", Route::Trust(trusted("@acme/*"))),
            ("/-/package/acme-*/trust/a-b", Route::Publisher(trusted("acme-*"), "a-b".to_owned())),
            ("/-/package/widget/trust/a-b", Route::Publisher(trusted("widget"), "a-b".to_owned())),
            ("/-/npm/v1/keys", Route::Keys),
            ("/-/npm/v1/attestations/widget@1.0.0", Route::Attestations(name("widget"), version("1.0.0"))),
            ("/-/npm/v1/attestations/@acme%2fwidget@1.0.0", Route::Attestations(widget(), version("1.0.0"))),
            ("/-/npm/v1/attestations/@acme/widget@1.0.0", Route::Attestations(widget(), version("1.0.0"))),
        ] {
            assert_eq!(Route::parse(path), Ok(route), "{path}");
        }
    }

    #[test]
    fn hostile_and_unknown_paths_name_nothing() {
        let paths = "
            / // widget /. /.. /%2e%2e /../widget /widget/.. /widget/../gadget /@acme /@acme/
            /@acme%2f /@acme%2f.. /@acme%2f..%2fwidget /@acme%2fwidget%2fmore /%2540acme%252fwidget
            /@acme%2fwidget/ /widget/ /widget/1.0.0 /widget/-/ /widget/-rev
            /widget/-/../../etc/passwd /widget/-/..%2f..%2fetc%2fpasswd /widget/-/gadget-1.0.0.tgz
            /widget%00 /wid%0aget /%ff%fe /%zz /- /-/ /-/package /-/package/ /-/v1/search
            /-/npm/v1/attestations /-/npm/v1/attestations/widget /-/npm/v1/attestations/@acme%2fwidget
            /-/npm/v1/attestations/widget@ /-/npm/v1/attestations/widget@1.0.0/x /-/npm/v1/keys/x
            /-/package/widget /-/package/widget/trust/a/b /-/package/trust /-/package/widget/dist-tags/1.0.0
            /-/package/widget/dist-tags/__proto__ /-/package/widget/dist-tags/a%2fb /__proto__
            /@__proto__%2fwidget /-%2fping /@acme%2f%2fwidget
        ";
        for path in paths.split_ascii_whitespace().chain([""]) {
            assert!(Route::parse(path).is_err(), "{path}");
        }
    }
}
