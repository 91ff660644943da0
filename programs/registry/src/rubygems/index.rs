//! The compact index: the gems, their versions, and the requirements of each.
//!
//! Source: the RubyGems guide "RubyGems.org Compact Index API".

use data_encoding::HEXLOWER;
use md5::{Digest as _, Md5};
use oidc_core::Timestamp;

use super::specification::{Kind, Specification};
use crate::hosting::{File, Page};

/// A version's line among those of its gem: its dependencies at run time, and its requirements. `sha256` is of the gem's
/// file, in hexadecimal digits.
pub(super) fn line(specification: &Specification, sha256: &str) -> String {
    let runtime = specification.dependencies.iter().filter(|dependency| dependency.kind == Kind::Runtime);
    let needs: Vec<String> =
        runtime.map(|dependency| format!("{}:{}", dependency.name, dependency.requirement)).collect();
    format!(
        "{} {}|checksum:{sha256},ruby:{},rubygems:{}\n",
        specification.number(),
        needs.join(","),
        specification.required_ruby_version,
        specification.required_rubygems_version,
    )
}

/// A version's line with the time at which it was published, by which Bundler passes over versions that are too new (`cooldown`).
pub(super) fn dated(line: &str, published_at: Timestamp) -> String {
    format!("{},created_at:{published_at}\n", line.trim_end_matches('\n'))
}

/// The text before the lines of each file of the index.
const BEGIN: &str = "---\n";

/// A file of the index, whose lines follow.
pub(super) fn page() -> Page {
    Page { begin: BEGIN.to_owned(), ..Page::default() }
}

/// The index file about the gems of one name.
fn info(files: &[File]) -> String {
    let lines: String = files.iter().map(|file| file.metadata.as_str()).collect();
    format!("{BEGIN}{lines}")
}

/// A gem's line among all gems: its versions, and the MD5 of what [`info`] says of them, by which a client sees that it
/// changed.
pub(super) fn list_line(name: &str, files: &[File]) -> String {
    let number = |file: &File| file.metadata.split(' ').next().unwrap_or_default().to_owned();
    let numbers: Vec<String> = files.iter().map(number).collect();
    let digest = HEXLOWER.encode(&Md5::digest(info(files)));
    format!("{name} {} {digest}\n", numbers.join(","))
}

#[cfg(test)]
mod tests {
    use super::super::specification::tests::YAML;
    use super::*;

    fn file(version: &str) -> File {
        let yaml = YAML.replace("'1.10'", &format!("'{version}'"));
        let specification = Specification::parse(&yaml).unwrap();
        let (name, sha256) = (specification.file_name(), "00ff".to_owned());
        File { name, metadata: line(&specification, &sha256), sha256, published_at: 0 }
    }

    #[test]
    fn a_line_has_what_a_gem_needs_at_run_time() {
        let line = "1.10 gadget:~> 1.0&< 3|checksum:00ff,ruby:>= 2.7,rubygems:>= 0\n";
        assert_eq!(info(&[file("1.10")]), format!("---\n{line}"));
        let at = ",rubygems:>= 0,created_at:2023-11-14T22:13:20Z\n";
        assert_eq!(dated(line, Timestamp::from_secs(1_700_000_000)), line.replace(",rubygems:>= 0\n", at));
    }

    #[test]
    fn versions_name_the_digest_of_what_is_said_of_them() {
        let files = [file("1.9"), file("1.10")];
        let digest = HEXLOWER.encode(&Md5::digest(info(&files)));
        assert_eq!(list_line("widget", &files), format!("widget 1.9,1.10 {digest}\n"));
    }
}
