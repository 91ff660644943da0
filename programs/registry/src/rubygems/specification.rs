//! A gem's specification (`Gem::Specification`), as in `metadata.gz`.

use std::collections::BTreeMap;

use jiff::civil::Date;
use oidc_core::shown;
use oidc_exchange::rubygems::{GemName, InvalidGemName};

use super::platform::{self, EVERY_PLATFORM};
use super::version::{Requirement, Version};
use super::yaml::{Field, InvalidField, InvalidYaml, Node, Object};
use super::{InvalidName, normalized, policy};

/// A gem may depend on this many others.
const MAX_DEPENDENCIES: usize = 500;
/// A gem may have this many authors, e-mail addresses, licences and further entries, each.
const MAX_ENTRIES: usize = 200;

/// The number of characters that an error repeats of a key.
const MAX_SHOWN: usize = 80;
/// The prefix that RubyGems adds to a text without it, since the text would otherwise be read differently.
const BEGIN: &str = "--- ";
/// The keys that `gem build` wrote in any version. RubyGems takes every other for what it has worked out itself, such as the
/// folder that extensions are installed into.
const KEYS: [&str; 33] = [
    "authors",
    "autorequire",
    "bindir",
    "cert_chain",
    "date",
    "default_executable",
    "dependencies",
    "description",
    "email",
    "executables",
    "extensions",
    "extra_rdoc_files",
    "files",
    "has_rdoc",
    "homepage",
    "licenses",
    "metadata",
    "name",
    "original_platform",
    "platform",
    "post_install_message",
    "rdoc_options",
    "require_paths",
    "required_ruby_version",
    "required_rubygems_version",
    "requirements",
    "rubyforge_project",
    "rubygems_version",
    "signing_key",
    "specification_version",
    "summary",
    "test_files",
    "version",
];

/// A specification, without what only its own gem needs.
#[derive(Debug)]
pub(super) struct Specification {
    pub(super) name: String,
    pub(super) version: Version,
    pub(super) platform: String,
    pub(super) date: Date,
    pub(super) summary: Option<String>,
    pub(super) description: Option<String>,
    pub(super) homepage: Option<String>,
    pub(super) authors: Vec<String>,
    pub(super) email: Vec<String>,
    pub(super) licenses: Vec<String>,
    pub(super) metadata: BTreeMap<String, String>,
    pub(super) dependencies: Vec<Dependency>,
    pub(super) required_ruby_version: Requirement,
    pub(super) required_rubygems_version: Requirement,
    pub(super) rubygems_version: String,
    /// `true` if it names certificates, by whose keys the gem is signed.
    pub(super) has_certificates: bool,
}

/// Another gem that a gem needs.
#[derive(Debug)]
pub(super) struct Dependency {
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) requirement: Requirement,
}

/// The time at which a gem needs another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Runtime,
    Development,
}

/// A text is not a specification.
#[derive(Debug, thiserror::Error)]
pub(super) enum InvalidSpecification {
    #[error("the gem's metadata {0}")]
    Yaml(#[from] InvalidYaml),
    #[error("the gem's metadata does not begin with `{BEGIN}`; build the gem with `gem build`")]
    Begin,
    #[error("the gem's metadata has the key `{0}`, which `gem build` doesn't write")]
    Key(String),
    #[error("the gem's metadata can't be used: {0}")]
    Field(#[from] InvalidField),
    #[error("the gem's metadata can't be used: {0}")]
    Name(#[from] InvalidName),
    #[error("the gem's metadata can't be used: {0}")]
    Dependency(#[from] InvalidGemName),
}

impl Specification {
    pub(super) fn parse(yaml: &str) -> Result<Self, InvalidSpecification> {
        if !yaml.starts_with(BEGIN) {
            return Err(InvalidSpecification::Begin);
        }
        let document = Node::parse(yaml)?;
        let object = document.field("the document").object("Gem::Specification")?;
        if let Some((key, _)) = object.fields().find(|(key, _)| !KEYS.contains(key)) {
            return Err(InvalidSpecification::Key(shown(key).up_to(MAX_SHOWN).to_string()));
        }
        let name = normalized(object.field("name").text()?)?;
        let specification = Self {
            name,
            version: Version::read(object.field("version"))?,
            platform: platform::platform(object.field("platform"))?,
            date: date(object.field("date"))?,
            summary: optional(object.field("summary"))?,
            description: optional(object.field("description"))?,
            homepage: optional(object.field("homepage"))?,
            authors: texts(object.field("authors"))?,
            email: texts(object.field("email"))?,
            licenses: texts(object.field("licenses"))?,
            metadata: metadata(object.field("metadata"))?,
            dependencies: dependencies(object)?,
            required_ruby_version: Requirement::read(object.field("required_ruby_version"))?,
            required_rubygems_version: Requirement::read(object.field("required_rubygems_version"))?,
            rubygems_version: object.field("rubygems_version").text()?.to_owned(),
            has_certificates: !texts(object.field("cert_chain"))?.is_empty(),
        };
        policy::check(object)?;
        Ok(specification)
    }

    /// The version, and the platform unless it is every one: what the index calls this by.
    pub(super) fn number(&self) -> String {
        match self.platform.as_str() {
            EVERY_PLATFORM => self.version.to_string(),
            platform => format!("{}-{platform}", self.version),
        }
    }

    /// The form that all spellings of the version and the platform share, such as 1.0 and 1.0.0.
    pub(super) fn identity(&self) -> String {
        let platform = platform::canonical(&self.platform);
        format!("{}-{}", self.version.canonical(), platform.as_deref().unwrap_or(&self.platform))
    }

    /// The name of the gem's file, which no other gem's version has: no part of a name is a version.
    pub(super) fn file_name(&self) -> String {
        format!("{}-{}.gem", self.name, self.number())
    }
}

/// A gem that was built without a date, as by `gem build --force`, has the one that RubyGems gives it today.
const NO_DATE: Date = Date::constant(1980, 1, 2);

fn date(field: Field<'_>) -> Result<Date, InvalidField> {
    if field.is_nothing() {
        return Ok(NO_DATE);
    }
    let day = field.time().and_then(|time| time.get(..10)).and_then(|day| day.parse::<Date>().ok());
    day.filter(|day| day.year() >= 1970).ok_or_else(|| field.invalid("a date such as 2026-01-02"))
}

fn optional(field: Field<'_>) -> Result<Option<String>, InvalidField> {
    if field.is_nothing() { Ok(None) } else { Ok(Some(field.text()?.to_owned())) }
}

/// A list of texts; one alone may stand without a list. An author without an address has nothing in the list of those.
fn texts(field: Field<'_>) -> Result<Vec<String>, InvalidField> {
    if !field.is_list() {
        return Ok(optional(field)?.into_iter().collect());
    }
    let texts = field.list(MAX_ENTRIES)?.filter(|text| !text.is_nothing());
    texts.map(|text| Ok(text.text()?.to_owned())).collect()
}

fn metadata(field: Field<'_>) -> Result<BTreeMap<String, String>, InvalidField> {
    if field.is_nothing() {
        return Ok(BTreeMap::new());
    }
    let fields = field.map()?.fields();
    if fields.len() > MAX_ENTRIES {
        return Err(field.invalid(format!("a map of at most {MAX_ENTRIES} entries")));
    }
    fields.map(|(key, value)| Ok((key.to_owned(), value.text()?.to_owned()))).collect()
}

fn dependencies(object: Object<'_>) -> Result<Vec<Dependency>, InvalidSpecification> {
    object.field("dependencies").list(MAX_DEPENDENCIES)?.map(dependency).collect()
}

fn dependency(field: Field<'_>) -> Result<Dependency, InvalidSpecification> {
    let object = field.object("Gem::Dependency")?;
    let kind = object.field("type");
    let kind = match kind.symbol() {
        Some("runtime") => Kind::Runtime,
        Some("development") => Kind::Development,
        _ => return Err(kind.invalid("`:runtime` or `:development`, without quotes").into()),
    };
    let name = GemName::parse(object.field("name").text()?)?.to_string();
    Ok(Dependency { name, kind, requirement: Requirement::read(object.field("requirement"))? })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// The output of `gem build` of RubyGems 3.3.15, without the parts that are not read.
    pub(in super::super) const YAML: &str = include_str!("../../tests/gems/widget.yaml");

    #[test]
    fn what_gem_builds_is_read() {
        let widget = Specification::parse(YAML).unwrap();
        assert_eq!(
            (&*widget.name, &*widget.number(), &*widget.file_name()),
            ("widget", "1.10", "widget-1.10.gem")
        );
        assert_eq!(
            (widget.authors.join(" "), widget.date.to_string()),
            ("Ärne yes".to_owned(), "2026-11-20".to_owned())
        );
        assert_eq!(widget.email, [""; 0]);
        assert_eq!(widget.metadata["x"], "1");
        let [gadget, rake] = widget.dependencies.as_slice() else { panic!("{widget:?}") };
        assert_eq!(
            (&*gadget.name, gadget.kind, &*gadget.requirement.to_string()),
            ("gadget", Kind::Runtime, "~> 1.0&< 3")
        );
        assert_eq!((&*rake.name, rake.kind), ("rake", Kind::Development));
        assert_eq!(widget.identity(), "1.10-ruby");
        let native = |platform: &str| {
            let yaml = YAML.replace("platform: ruby", &format!("platform: {platform}"));
            Specification::parse(&yaml).unwrap()
        };
        assert_eq!(native("x86_64-linux").file_name(), "widget-1.10-x86_64-linux.gem");
        assert_eq!(native("i686-linux").identity(), native("x86-linux").identity());
        assert_ne!(native("x86_64-linux").identity(), widget.identity());
        let addresses = YAML.replace("\nemail:\n", "\nemail:\n-\n- a@example.org\n");
        assert_ne!(addresses, YAML);
        assert_eq!(Specification::parse(&addresses).unwrap().email, ["a@example.org"]);
        let undated = YAML.replace("date: 2026-11-20 00:00:00.000000000 Z", "date: ");
        assert_ne!(undated, YAML);
        assert_eq!(Specification::parse(&undated).unwrap().date.to_string(), "1980-01-02");
    }

    #[test]
    fn a_specification_that_names_what_is_none_is_refused_with_what_is_expected() {
        for (from, to, words) in [
            ("name: widget", "name: ../widget", "not a gem's name"),
            ("name: widget", "name: \"wid\\nget\"", "not a gem's name"),
            ("name: widget", "name: 1.5", "quoted"),
            ("name: widget", "name: widget-1.5", "call it `widget_1.5`"),
            ("name: widget", "nam: widget", "the key `nam`, which `gem build` doesn't write"),
            ("name: widget", "summary2: widget", "the key `summary2`"),
            ("bindir: bin", "extension_dir: /tmp", "the key `extension_dir`"),
            ("--- !ruby", "!ruby", "does not begin with `--- `"),
            ("--- !ruby", "# a comment\n--- !ruby", "does not begin with `--- `"),
            ("  name: gadget", "  nam: gadget", "`name` is missing"),
            ("version: '1.10'", "version: 1.10", "quoted"),
            ("version: '1.10'", "version: '1/10'", "`version` is `1/10`"),
            ("version: '1.10'", "version: '1-10'", "`version` is `1-10`"),
            (
                "version: !ruby/object:Gem::Version",
                "version: !ruby/object:Kernel",
                "tag `!ruby/object:Kernel`",
            ),
            (
                "--- !ruby/object:Gem::Specification",
                "--- !ruby/object:Gem::Requirement",
                "Gem::Specification",
            ),
            ("--- !ruby/object:Gem::Specification", "--- ", "`the document` is a map"),
            ("platform: ruby", "platform: ../ruby", "`platform` is `../ruby`"),
            ("date: 2026-11-20", "date: 2026-13-20", "a date such as"),
            ("date: 2026-11-20", "date: é", "a date such as"),
            ("00:00:00.000000000 Z", "00:00:00.000000000 Z#", "a date such as"),
            ("date: 2026-11-20", "date: 0001-01-01", "a date such as"),
            ("name: gadget", "name: \"gadget:>= 1|x\"", "not a gem's name"),
            ("type: :runtime", "type: :exec", "the symbol `:exec`"),
            ("type: :runtime", "type: ':runtime'", "without quotes"),
            ("type: :runtime", "type: runtime", "`type` is `runtime`"),
            ("name: gadget", "name: yes", "`name` is `yes`"),
            ("bindir: bin", "bindir: :bin", "the symbol `:bin`"),
            (
                "version: !ruby/object:Gem::Version",
                "version: !ruby/object:Gem::Platform",
                "a `!ruby/object:Gem::Platform`",
            ),
            ("authors:", "authors: !ruby/array:Evil", "tag `!ruby/array:Evil`"),
            ("files:", "files: !ruby/array:Evil", "tag `!ruby/array:Evil`"),
            ("summary: 'A: test'", "summary: !ruby/regexp /a/", "tag `!ruby/regexp`"),
            ("metadata:", "metadata: !ruby/hash:Evil", "tag `!ruby/hash:Evil`"),
            ("requirements:", "requirement:", "`requirements` is missing"),
        ] {
            let yaml = YAML.replacen(from, to, 1);
            assert_ne!(yaml, YAML, "{from}");
            let error = Specification::parse(&yaml).unwrap_err().to_string();
            assert!(error.contains(words), "{to}: {error}");
        }
    }

    #[test]
    fn lists_are_bounded() {
        let rake = YAML.split_once("- !ruby/object:Gem::Dependency\n  name: rake").unwrap().1;
        let rake = rake.split_once("description:").unwrap().0;
        let rake = format!("- !ruby/object:Gem::Dependency\n  name: rake{rake}");
        let named = |number: usize| rake.replace("name: rake", &format!("name: rake{number}"));
        let with = |count: usize| {
            YAML.replace(
                "description:",
                &format!("{}description:", (0..count).map(named).collect::<String>()),
            )
        };
        assert!(Specification::parse(&with(MAX_DEPENDENCIES - 2)).is_ok());
        assert!(Specification::parse(&with(MAX_DEPENDENCIES - 1)).is_err());
        let authors = YAML.replace("- Ärne\n", &"- Ärne\n".repeat(MAX_ENTRIES));
        assert!(Specification::parse(&authors).is_err());
        let entries: String = (0..MAX_ENTRIES).map(|n| format!("  k{n}: v\n")).collect();
        assert!(
            Specification::parse(&YAML.replace("metadata:\n", &format!("metadata:\n{entries}"))).is_err()
        );
    }
}
