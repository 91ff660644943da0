//! The compact index: which gems there are, their versions, and what each needs.
//!
//! Source: the RubyGems guide "RubyGems.org Compact Index API".

use std::collections::BTreeMap;

use data_encoding::HEXLOWER;
use md5::{Digest as _, Md5};

use super::specification::{Kind, Specification};

/// A published gem.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) specification: Specification,
    /// The SHA-256 of the gem's file, in hexadecimal digits.
    pub(super) sha256: String,
}

impl Entry {
    /// The gem's line among those of its name: what it needs at run time, and what is asked of it.
    fn line(&self) -> String {
        let specification = &self.specification;
        let runtime = specification.dependencies.iter().filter(|dependency| dependency.kind == Kind::Runtime);
        let needs: Vec<String> =
            runtime.map(|dependency| format!("{}:{}", dependency.name, dependency.requirement)).collect();
        format!(
            "{} {}|checksum:{},ruby:{},rubygems:{}\n",
            specification.number(),
            needs.join(","),
            self.sha256,
            specification.required_ruby_version,
            specification.required_rubygems_version,
        )
    }
}

/// The list of all names.
pub(super) fn names(names: &[String]) -> String {
    let lines: String = names.iter().map(|name| format!("{name}\n")).collect();
    format!("---\n{lines}")
}

/// What there is to know of the gems of one name.
pub(super) fn info(entries: &[Entry]) -> String {
    let lines: String = entries.iter().map(Entry::line).collect();
    format!("---\n{lines}")
}

/// All gems' versions, and the MD5 of what [`info`] says of each, by which a client sees that it changed.
pub(super) fn versions(entries: Vec<Entry>) -> String {
    let mut gems: BTreeMap<String, Vec<Entry>> = BTreeMap::new();
    for entry in entries {
        gems.entry(entry.specification.name.clone()).or_default().push(entry);
    }
    let line = |(name, entries): (&String, &Vec<Entry>)| {
        let numbers: Vec<String> = entries.iter().map(|entry| entry.specification.number()).collect();
        let digest = HEXLOWER.encode(&Md5::digest(info(entries)));
        format!("{name} {} {digest}\n", numbers.join(","))
    };
    let lines: String = gems.iter().map(line).collect();
    format!("---\n{lines}")
}

#[cfg(test)]
mod tests {
    use super::super::specification::tests::YAML;
    use super::*;

    fn entry(version: &str) -> Entry {
        let yaml = YAML.replace("'1.10'", &format!("'{version}'"));
        Entry { specification: Specification::parse(&yaml).unwrap(), sha256: "00ff".to_owned() }
    }

    #[test]
    fn a_line_has_what_a_gem_needs_at_run_time() {
        let line = "1.10 gadget:~> 1.0&< 3|checksum:00ff,ruby:>= 2.7,rubygems:>= 0\n";
        assert_eq!(info(&[entry("1.10")]), format!("---\n{line}"));
    }

    #[test]
    fn versions_name_the_digest_of_what_is_said_of_them() {
        let info = info(&[entry("1.9"), entry("1.10")]);
        let digest = HEXLOWER.encode(&Md5::digest(info));
        let versions = versions(vec![entry("1.9"), entry("1.10")]);
        assert_eq!(versions, format!("---\nwidget 1.9,1.10 {digest}\n"));
        assert_eq!(names(&["a".to_owned(), "b".to_owned()]), "---\na\nb\n");
    }
}
