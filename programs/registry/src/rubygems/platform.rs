//! Platforms of gems, as RubyGems reads them (`Gem::Platform`).
//!
//! It looks for the name of a system anywhere in a text and passes over the rest, so that `x86_64-alinux` is another spelling of
//! `x86_64-linux`, and takes a text without such a name for a system that no machine has. So a platform has to be one whole.

use super::yaml::{Field, InvalidField};

/// A platform may have this many characters.
const MAX_PLATFORM: usize = 64;
/// The platform of a gem that is for every one.
pub(super) const EVERY_PLATFORM: &str = "ruby";

/// The form of a system's version, as RubyGems reads it.
#[derive(Clone, Copy, Debug)]
enum Release {
    None,
    /// Digits, as in `darwin-22`.
    Number,
    /// Two numbers with a dot between, as in `openbsd-7.4`.
    Pair,
    /// Numbers with dots between, as in `java1.8`.
    Numbers,
    /// A word, as in `linux-musl`.
    Word,
}

/// The systems that RubyGems tells from each other.
const SYSTEMS: [(&str, Release); 20] = [
    ("aix", Release::Number),
    ("bitrig", Release::Pair),
    ("cygwin", Release::None),
    ("dalvik", Release::Number),
    ("darwin", Release::Number),
    ("dotnet", Release::Numbers),
    ("freebsd", Release::Number),
    ("hpux", Release::Number),
    ("java", Release::Numbers),
    ("jruby", Release::None),
    ("linux", Release::Word),
    ("macruby", Release::Numbers),
    ("mingw", Release::Word),
    ("mingw32", Release::None),
    ("mswin32", Release::Number),
    ("mswin64", Release::Number),
    ("netbsdelf", Release::None),
    ("openbsd", Release::Pair),
    ("solaris", Release::Pair),
    ("wasi", Release::None),
];

impl Release {
    /// Returns `true` if RubyGems reads all of a text as this.
    fn is(self, text: &str) -> bool {
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        match self {
            Self::None => false,
            Self::Number => is_number(text),
            Self::Pair => text.split_once('.').is_some_and(|(one, two)| is_number(one) && is_number(two)),
            Self::Numbers => text.split('.').all(is_number),
            Self::Word => is_word(text),
        }
    }
}

fn is_word(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    !text.is_empty() && text.bytes().all(allowed)
}

/// Reads a platform, such as `x86_64-linux`; `ruby` is every one.
pub(super) fn platform(field: Field<'_>) -> Result<String, InvalidField> {
    if field.is_nothing() {
        return Ok(EVERY_PLATFORM.to_owned());
    }
    let text = field.text()?;
    if canonical(text).is_some() {
        return Ok(text.to_owned());
    }
    let expected = "a platform that RubyGems knows, written as `gem build` writes it, such as `x86_64-linux`";
    Err(field.invalid(expected))
}

/// The form that is the same for all that RubyGems takes for one platform: what stands before a version doesn't matter, 32-bit
/// processors of Intel's are one, and `jruby` is `java`. `None` for what it does not read as a whole.
pub(super) fn canonical(platform: &str) -> Option<String> {
    if platform.len() > MAX_PLATFORM {
        return None;
    }
    match platform.split_once('-') {
        None if platform == EVERY_PLATFORM => Some(platform.to_owned()),
        None if platform.starts_with("mswin32") => Some(format!("x86{}", system(platform)?)),
        None => system(platform),
        Some((processor, rest)) => Some(format!("{}{}", canonical_processor(processor)?, system(rest)?)),
    }
}

fn canonical_processor(processor: &str) -> Option<&str> {
    let is_old_intel = |text: &[u8]| matches!(text, [b'i', b'0'..=b'9', b'8', b'6']);
    match processor.as_bytes() {
        text if is_old_intel(text) => Some("x86"),
        text if text.windows(4).any(is_old_intel) => None,
        _ => is_word(processor).then_some(processor),
    }
}

/// A system with its version, without what stands between.
fn system(text: &str) -> Option<String> {
    SYSTEMS.iter().find_map(|(name, release)| {
        let rest = text.strip_prefix(name)?;
        let separator = if name.starts_with("mswin") { ['-', '_'] } else { ['-', '-'] };
        let version = rest.strip_prefix(separator).unwrap_or(rest);
        // It would go by the other name.
        let is_another = |other: &str| !name.contains(other) && text.contains(other);
        let is_one = !SYSTEMS.iter().any(|(other, _)| is_another(other));
        let name = if *name == "jruby" { "java" } else { name };
        (is_one && (rest.is_empty() || release.is(version))).then(|| format!("{name}{version}"))
    })
}

#[cfg(test)]
mod tests {
    use super::super::yaml::Node;
    use super::*;

    #[test]
    fn a_platform_is_one_that_rubygems_reads_whole() {
        let read = |text: &str| platform(Node::parse(text).unwrap().field("platform"));
        for text in [
            "ruby",
            "java",
            "jruby",
            "java1.8",
            "dalvik",
            "mswin32",
            "x86-linux",
            "x86_64-linux",
            "x86_64-linux-gnu",
            "x86_64-linux-musl",
            "arm-linux-gnueabihf",
            "aarch64-linux-musl",
            "riscv64-linux-gnu",
            "aarch64-linux-android",
            "arm64-darwin",
            "x86_64-darwin-20",
            "universal-darwin22",
            "x64-mingw32",
            "x64-mingw-ucrt",
            "aarch64-mingw-ucrt",
            "x86-mswin32-60",
            "x64-mswin64-140",
            "x86_64-freebsd-13",
            "amd64-freebsd13",
            "x86_64-openbsd-7.4",
            "x86_64-netbsdelf",
            "sparc-solaris-2.11",
            "powerpc-aix-7",
            "x86_64-cygwin",
            "universal-java",
            "wasm32-wasi",
        ] {
            assert_eq!(read(text).unwrap(), text);
        }
        assert_eq!(read("~").unwrap(), "ruby");
        let long = format!("x86_64-linux-{}", "a".repeat(64));
        for text in [
            "''",
            "-java",
            "../x",
            "\"a\\nb\"",
            "a b",
            "a|b",
            "a,b",
            "[a]",
            "1.0.0.pre",
            "unknown",
            "x86_64-unknown",
            "current",
            "Ruby",
            "X86_64-linux",
            "x86_64-Linux",
            "x86_64-alinux",
            "x86_64-linux-musl-2",
            "x86_64-linux-darwin",
            "x86_64-linux-musl.",
            "x86_64-darwin-20.6",
            "x86_64-darwin-a",
            "x86_64-solaris-11",
            "x64-mingw32a",
            "x64-mingw-linux",
            "x86_64-",
            "-linux",
            "java-1.8",
            "ai386-linux",
            "a_platform",
            &long,
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains("RubyGems knows") || error.contains("quoted"), "{text}: {error}");
        }
    }

    #[test]
    fn spellings_of_one_platform_are_the_same() {
        for (one, other) in [
            ("x86_64-darwin-20", "x86_64-darwin20"),
            ("i686-linux", "x86-linux"),
            ("x86_64-linux-musl", "x86_64-linuxmusl"),
            ("x86-mswin32_60", "x86-mswin32-60"),
            ("mswin32", "x86-mswin32"),
            ("jruby", "java"),
        ] {
            assert_eq!(canonical(one).unwrap(), canonical(other).unwrap());
        }
        let others = [
            "ruby",
            "java",
            "x86-linux",
            "x86_64-linux",
            "x86_64-linux-gnu",
            "x86_64-linux-musl",
            "x86_64-darwin-21",
            "arm64-darwin",
            "x64-mingw32",
            "x64-mingw-ucrt",
        ];
        let different: std::collections::BTreeSet<_> =
            others.map(|platform| canonical(platform).unwrap()).into();
        assert_eq!(different.len(), others.len());
    }
}
