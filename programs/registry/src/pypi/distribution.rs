//! The name of a distribution's file, and what makes two names the same file.

use std::str::FromStr as _;

use oidc_exchange::pypi::ProjectName;
use pep440_rs::Version;

/// A file's name may have this many characters.
pub(super) const MAX_FILE_NAME: usize = 255;
/// A version may have this many characters.
const MAX_VERSION: usize = 128;

/// A wheel or a source distribution, by its file's name.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Distribution {
    /// The project, as the stores have it.
    pub(super) project: String,
    /// The version, in the form that is the same for all its spellings.
    pub(super) version: String,
    /// The identity of the file within the project: its kind and version, and a wheel's build number and tags.
    pub(super) identity: String,
}

impl Distribution {
    /// Reads a file's name (packaging.python.org, "Binary distribution format" and "Source distribution format").
    pub(super) fn parse(file: &str) -> Option<Self> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '!' | '+' | '-' | '_');
        if file.len() > MAX_FILE_NAME || !file.chars().all(allowed) {
            return None;
        }
        let (project, version, rest) = match (file.strip_suffix(".whl"), file.strip_suffix(".tar.gz")) {
            (Some(wheel), _) => wheel_parts(wheel)?,
            (_, Some(source)) => {
                let (project, version) = source.rsplit_once('-')?;
                (project, version, "sdist".to_owned())
            }
            _ => return None,
        };
        let project = ProjectName::parse(project).ok()?.normalized();
        // File names have `_` where versions may have `-`.
        let version = canonical(version).or_else(|| canonical(&version.replace('_', "-")))?;
        let identity = format!("{version} {rest}");
        Some(Self { project, version, identity })
    }
}

/// A wheel's project, version, and build number and tags in the form that is the same for all their spellings.
fn wheel_parts(wheel: &str) -> Option<(&str, &str, String)> {
    let parts: Vec<&str> = wheel.split('-').collect();
    let (project, version, build, tags) = match *parts.as_slice() {
        [project, version, python, abi, platform] => (project, version, "", [python, abi, platform]),
        [project, version, build, python, abi, platform] => {
            (project, version, build, [python, abi, platform])
        }
        _ => return None,
    };
    // Installers pass over an empty tag, so that a set with one is another spelling of the set without it.
    let is_lacking = |set: &&str| set.split('.').any(str::is_empty);
    if tags.iter().any(is_lacking) || parts.get(2).is_some_and(|part| part.is_empty()) {
        return None;
    }
    Some((project, version, format!("wheel {} {}", build_number(build)?, tags.map(sorted).join("-"))))
}

/// A build number: digits, whose leading zeros say nothing, and what follows them. 0 is another one than none.
fn build_number(build: &str) -> Option<String> {
    let digits = build.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = build.split_at_checked(digits)?;
    if number.is_empty() && !build.is_empty() {
        return None;
    }
    let significant = number.trim_start_matches('0');
    let number = if significant.is_empty() && !number.is_empty() { "0" } else { significant };
    Some(format!("{number}{}", rest.to_ascii_lowercase()))
}

/// A set of tags, whose order and case say nothing.
fn sorted(tags: &str) -> String {
    let tags = tags.to_ascii_lowercase();
    let mut tags: Vec<&str> = tags.split('.').collect();
    tags.sort_unstable();
    tags.dedup();
    tags.join(".")
}

/// A version as it is normally written (packaging.python.org, "Version specifiers").
pub(super) fn normal(version: &str) -> Option<String> {
    Some(read(version)?.to_string())
}

/// A version in the form that is the same for all its spellings: `1.0`, `v1` and `1.0.0` are one version.
pub(super) fn canonical(version: &str) -> Option<String> {
    let version = read(version)?;
    let release = version.release().to_vec();
    let significant = release.iter().rposition(|number| *number != 0).map_or(1, |last| last + 1);
    Some(version.with_release(release.into_iter().take(significant)).to_string())
}

fn read(version: &str) -> Option<Version> {
    if version.len() > MAX_VERSION { None } else { Version::from_str(version).ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(file: &str) -> String {
        let distribution = Distribution::parse(file).unwrap();
        format!("{} {}", distribution.project, distribution.identity)
    }

    #[test]
    fn spellings_of_one_file_are_the_same() {
        for (one, others) in [
            (
                "acme_widget-1.0.tar.gz",
                &[
                    "Acme_Widget-1.0.tar.gz",
                    "acme.widget-1.0.tar.gz",
                    "acme-widget-1.0.0.tar.gz",
                    "acme__widget-1.tar.gz",
                    "acme_widget-v1.0.tar.gz",
                    "acme_widget-01.00.tar.gz",
                    "acme_widget-0!1.tar.gz",
                ][..],
            ),
            (
                "widget-1.0rc1.tar.gz",
                &["widget-1.0.RC.1.tar.gz", "widget-1.0c1.tar.gz", "widget-1.0_pre_1.tar.gz"],
            ),
            (
                "widget-1.0.post1.tar.gz",
                &["widget-1.0post1.tar.gz", "widget-1.0_1.tar.gz", "widget-1.0.r1.tar.gz"],
            ),
            ("widget-1.0+local.1.tar.gz", &["widget-1.0+LOCAL_1.tar.gz", "widget-1+local.01.tar.gz"]),
            (
                "widget-1.0-py2.py3-none-any.whl",
                &[
                    "Widget-1.0.0-py3.py2-none-any.whl",
                    "widget-1.0-PY2.PY3-NONE-ANY.whl",
                    "widget-1.0-py2.py2.py3-none-any.whl",
                ],
            ),
            ("widget-1-2x-cp313-cp313-linux_x86_64.whl", &["widget-1-02X-cp313-cp313-linux_x86_64.whl"]),
        ] {
            for other in others {
                assert_eq!(identity(other), identity(one), "{other}");
            }
        }
    }

    #[test]
    fn different_files_are_different() {
        let files = [
            "widget-1.0.tar.gz",
            "widget-1.0.1.tar.gz",
            "widget-1!1.0.tar.gz",
            "widget-1.0a1.tar.gz",
            "widget-1.0b1.tar.gz",
            "widget-1.0.dev0.tar.gz",
            "widget-1.0+a.tar.gz",
            "gadget-1.0.tar.gz",
            "widget-1.0-py3-none-any.whl",
            "widget-1.0-0-py3-none-any.whl",
            "widget-1.0-1-py3-none-any.whl",
            "widget-1.0-1a-py3-none-any.whl",
            "widget-1.0-py2-none-any.whl",
            "widget-1.0-py2.py3-none-any.whl",
            "widget-1.0-py3-none-linux_x86_64.whl",
        ];
        let identities: std::collections::BTreeSet<String> =
            files.iter().map(|file| identity(file)).collect();
        assert_eq!(identities.len(), files.len(), "{identities:?}");
    }

    #[test]
    fn what_is_no_distribution_is_refused() {
        for file in [
            "",
            "widget-1.0.zip",
            "widget-1.0.whl",
            "widget-1.0-py3-none.whl",
            "widget-1.0-x1-py3-none-any.whl",
            "widget-1.0-1-2-py3-none-any.whl",
            "widget-1.0--none-any.whl",
            "widget-1.0--py3-none-any.whl",
            "widget-1.0-py2..py3-none-any.whl",
            "widget-1.0-1-py3.-none-any.whl",
            "widget-1.0-py3-none-.any.whl",
            "widget.tar.gz",
            "widget-.tar.gz",
            "widget-one.tar.gz",
            "-1.0.tar.gz",
            "../widget-1.0.tar.gz",
            "widget-1.0.tar.gz\0",
            "wídget-1.0.tar.gz",
        ] {
            assert_eq!(Distribution::parse(file), None, "{file}");
        }
        assert_eq!(Distribution::parse(&format!("widget-1.{}.tar.gz", "0".repeat(300))), None);
        assert_eq!(canonical("0.0"), Some("0".to_owned()));
        assert_eq!(canonical(&"1".repeat(200)), None);
        assert_eq!(canonical("99999999999999999999999"), None);
    }
}
