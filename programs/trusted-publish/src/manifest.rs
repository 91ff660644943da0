//! The package that the working directory holds, and the packages of its workspace, where no option names them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use glob::{MatchOptions, Pattern};
use oidc_core::{Command, Context};
use serde::Deserialize;

/// The limit on a manifest, in bytes.
const MAX_MANIFEST: usize = 1 << 20;

/// The limit on cargo's description of a workspace, in bytes.
const MAX_METADATA: usize = 32 << 20;

/// The greatest number of packages of a workspace.
const MAX_PACKAGES: usize = 500;

/// So many members of a workspace are looked at for another registry.
pub(super) const MAX_MEMBERS: usize = 5_000;

/// A package, and the file that names it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) name: String,
    pub(super) file: String,
}

/// Returns the package of the working directory, for a registry of this protocol.
pub(super) fn package(protocol: &str, cx: &Context) -> Option<Found> {
    let name =
        |file: &str| name_in(protocol, Path::new(file), cx).map(|name| Found { name, file: file.to_owned() });
    match protocol {
        "rubygems" => gemspec().and_then(|file| name(&file)),
        _ => file(protocol).and_then(name),
    }
}

/// The reason why the packages of a workspace are not known.
#[derive(Debug, thiserror::Error)]
pub enum NoWorkspace {
    /// The protocol's tools have no workspaces that are known here.
    #[error("workspaces are known for npm, crates-io and pypi; name each package with --package")]
    Protocol,
    /// The working directory holds no workspace with packages that are published.
    #[error(
        "the working directory holds no workspace with a package to publish ({0}); name each package with --package"
    )]
    Empty(&'static str),
    /// There are too many packages.
    #[error("the workspace has more than {MAX_PACKAGES} packages; name some of them with --package")]
    TooMany,
}

/// Returns the packages of the workspace in the working directory that are published, in alphabetical order.
pub(super) async fn workspace(protocol: &str, cx: &Context) -> Result<Vec<String>, NoWorkspace> {
    let (names, looked) = match protocol {
        "npm" => (of_members(protocol, &npm_members(Path::new(""), cx), cx), "`workspaces` of package.json"),
        "crates-io" => (of_cargo(cx).await, "`cargo metadata`"),
        "pypi" | "pep-807" | "pyx" => {
            (of_members(protocol, &uv_members(cx), cx), "`tool.uv.workspace` of pyproject.toml")
        }
        _ => return Err(NoWorkspace::Protocol),
    };
    match names.len() {
        0 => Err(NoWorkspace::Empty(looked)),
        count if count > MAX_PACKAGES => Err(NoWorkspace::TooMany),
        _ => Ok(names.into_iter().collect()),
    }
}

/// The file that names a package.
fn file(protocol: &str) -> Option<&'static str> {
    Some(match protocol {
        "npm" | "open-vsx" => "package.json",
        "packagist" => "composer.json",
        "crates-io" => "Cargo.toml",
        "pypi" | "pep-807" | "pyx" => "pyproject.toml",
        _ => return None,
    })
}

/// The members of `package.json` and `composer.json` that name a package.
#[derive(Deserialize)]
struct Json {
    name: String,
    publisher: Option<String>,
    #[serde(default)]
    private: bool,
}

/// The tables of `Cargo.toml` and `pyproject.toml` that name a package.
#[derive(Deserialize)]
struct Toml {
    package: Option<Named>,
    project: Option<Named>,
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

fn read(path: &Path, cx: &Context) -> Option<String> {
    String::from_utf8(cx.files().read(path, MAX_MANIFEST).ok()?).ok()
}

/// Returns the name of the package that a manifest describes, unless it is not to be published.
fn name_in(protocol: &str, path: &Path, cx: &Context) -> Option<String> {
    let text = read(path, cx)?;
    match protocol {
        "rubygems" => gem_name(&text),
        "crates-io" => toml::from_str::<Toml>(&text).ok()?.package.map(|named| named.name),
        "pypi" | "pep-807" | "pyx" => toml::from_str::<Toml>(&text).ok()?.project.map(|named| named.name),
        _ => {
            let found: Json = serde_json::from_str(&text).ok()?;
            match (protocol, found.publisher) {
                (_, _) if found.private => None,
                ("open-vsx", Some(publisher)) => Some(format!("{publisher}.{}", found.name)),
                ("open-vsx", None) => None,
                _ => Some(found.name),
            }
        }
    }
}

/// The only gemspec of the working directory.
fn gemspec() -> Option<String> {
    let entries = std::fs::read_dir(".").ok()?.take(MAX_PACKAGES).flatten();
    let mut names = entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| name.ends_with(".gemspec"));
    let name = names.next()?;
    names.next().is_none().then_some(name)
}

/// The name in a gemspec, which is a program: a line that sets `name` to a plain text.
fn gem_name(text: &str) -> Option<String> {
    let value = text.lines().find_map(|line| {
        let (before, value) = line.split_once('=')?;
        before.trim_end().ends_with(".name").then(|| value.trim())
    })?;
    let quote = value.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    let (name, _) = value.strip_prefix(quote)?.split_once(quote)?;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    (!name.is_empty() && name.chars().all(is_plain)).then(|| name.to_owned())
}

/// The limit on a pattern of folders, in bytes.
const MAX_PATTERN: usize = 1024;

/// Patterns of folders: those that are members, and those that are not.
#[derive(Default)]
struct Members {
    patterns: Vec<String>,
    excluded: Vec<String>,
}

impl Members {
    /// Adds a pattern as npm reads it: one with a `!` takes folders out, until a later one that it covers brings them back.
    fn add(&mut self, pattern: &str) {
        let bare = pattern.trim_start_matches('!');
        let is_excluding = (pattern.len() - bare.len()) % 2 == 1;
        let bare = bare.strip_prefix("./").unwrap_or(bare).trim_start_matches('/');
        for pattern in alternatives(bare) {
            if is_excluding {
                self.excluded.push(pattern);
                continue;
            }
            let covers =
                |excluded: &String| Pattern::new(excluded).is_ok_and(|excluded| excluded.matches(&pattern));
            self.excluded.retain(|excluded| !covers(excluded));
            self.patterns.push(pattern);
        }
    }
}

/// Returns the patterns that one with braces stands for, such as `libs/{one,two}`.
fn alternatives(pattern: &str) -> Vec<String> {
    if pattern.len() > MAX_PATTERN {
        return Vec::new();
    }
    let parts = pattern.split_once('}').and_then(|(begin, after)| {
        let (before, inner) = begin.rsplit_once('{')?;
        inner.contains(',').then_some((before, inner, after))
    });
    let Some((before, inner, after)) = parts else { return vec![pattern.to_owned()] };
    let each = inner.split(',').flat_map(|one| alternatives(&format!("{before}{one}{after}")));
    each.take(MAX_PACKAGES).collect()
}

fn npm_members(root: &Path, cx: &Context) -> Members {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Workspaces {
        Patterns(Vec<String>),
        Table { packages: Vec<String> },
    }
    #[derive(Deserialize)]
    struct Root {
        workspaces: Option<Workspaces>,
    }
    let root = read(&root.join("package.json"), cx).and_then(|text| serde_json::from_str(&text).ok());
    let patterns = match root.and_then(|Root { workspaces }| workspaces) {
        Some(Workspaces::Patterns(patterns) | Workspaces::Table { packages: patterns }) => patterns,
        None => Vec::new(),
    };
    let mut members = Members::default();
    patterns.iter().for_each(|pattern| members.add(pattern));
    members
}

/// The folders of the members of the workspace whose root is this folder, as npm and yarn read it.
pub(super) fn npm_folders(root: &Path, cx: &Context) -> Vec<PathBuf> {
    let patterns = npm_members(root, cx).patterns.into_iter().take(MAX_MEMBERS);
    patterns.flat_map(|pattern| folders_in(root, &pattern, MAX_MEMBERS)).take(MAX_MEMBERS + 1).collect()
}

fn uv_members(cx: &Context) -> Members {
    let table = read(Path::new("pyproject.toml"), cx).and_then(|text| text.parse::<toml::Table>().ok());
    let workspace = table.as_ref().and_then(|table| table.get("tool")?.get("uv")?.get("workspace"));
    let texts = |name: &str| -> Vec<String> {
        let values = workspace.and_then(|workspace| workspace.get(name)?.as_array());
        values.into_iter().flatten().filter_map(|value| value.as_str().map(str::to_owned)).collect()
    };
    let mut members = Members { patterns: texts("members"), excluded: texts("exclude") };
    if workspace.is_some() {
        members.patterns.push(String::new());
    }
    members
}

/// The names of the members' packages. A pattern that leads out of the working directory has none.
fn of_members(protocol: &str, members: &Members, cx: &Context) -> BTreeSet<String> {
    let Some(file) = file(protocol) else { return BTreeSet::new() };
    let excluded: BTreeSet<PathBuf> = members.excluded.iter().flat_map(|pattern| folders(pattern)).collect();
    let folders = members.patterns.iter().flat_map(|pattern| folders(pattern));
    let own = folders.filter(|folder| !excluded.contains(folder));
    own.filter_map(|folder| name_in(protocol, &folder.join(file), cx)).take(MAX_PACKAGES + 1).collect()
}

fn folders(pattern: &str) -> Vec<PathBuf> {
    folders_in(Path::new(""), pattern, MAX_PACKAGES)
}

fn folders_in(root: &Path, pattern: &str, most: usize) -> Vec<PathBuf> {
    let pattern = pattern.trim_start_matches("./").trim_end_matches('/');
    if pattern.is_empty() {
        return vec![root.to_owned()];
    }
    // `a/**` is for `a` itself too.
    let base = pattern.trim_end_matches("/**");
    let own = if base == pattern { Vec::new() } else { folders_in(root, base, most) };
    let leads_out = Path::new(pattern).is_absolute() || pattern.split('/').any(|part| part == "..");
    // A folder whose name begins with a dot is a member only by its name.
    let options = MatchOptions { require_literal_leading_dot: true, ..MatchOptions::default() };
    let escaped = root.to_str().map(Pattern::escape).filter(|_| !leads_out);
    let whole = escaped.map(|root| Path::new(&root).join(pattern).to_string_lossy().into_owned());
    let found = whole.and_then(|pattern| glob::glob_with(&pattern, options).ok());
    let is_installed = |path: &PathBuf| path.components().any(|part| part.as_os_str() == "node_modules");
    let found = found.into_iter().flatten().flatten().filter(|path| !is_installed(path));
    own.into_iter().chain(found).take(most + 1).collect()
}

/// cargo's description of a workspace.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    publish: Option<Vec<String>>,
}

/// The packages of a cargo workspace that may be published, as cargo itself describes them.
async fn of_cargo(cx: &Context) -> BTreeSet<String> {
    let mut command = Command::new("cargo", ["metadata", "--no-deps", "--offline", "--format-version", "1"]);
    command.max_output = MAX_METADATA;
    let output = cx.run(command).await.ok().filter(|output| output.status == Some(0));
    let metadata = output.and_then(|output| serde_json::from_slice(&output.stdout).ok());
    let packages = metadata.map_or_else(Vec::new, |Metadata { packages }| packages);
    // An empty list means that it is never published.
    let is_published =
        |package: &Package| package.publish.as_ref().is_none_or(|registries| !registries.is_empty());
    packages.into_iter().filter(is_published).map(|package| package.name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gems_name_is_a_plain_text() {
        for (line, name) in [
            ("  s.name = \"widget\"", Some("widget")),
            ("spec.name        = 'acme-widget' # the name", Some("acme-widget")),
            ("s.name = NAME", None),
            ("s.name = \"#{x}\"", None),
            ("s.name = \"\"", None),
            ("s.version = \"1\"", None),
            ("s.rename == \"x\"", None),
        ] {
            assert_eq!(gem_name(&format!("# x\n{line}\nend")).as_deref(), name, "{line}");
        }
    }

    #[test]
    fn braces_stand_for_each_of_their_parts_and_have_a_bound() {
        for (pattern, expected) in [
            ("libs/{one,two}", vec!["libs/one", "libs/two"]),
            ("{a,b{c,d}}/x", vec!["a/x", "bc/x", "a/x", "bd/x"]),
            ("libs/{one}", vec!["libs/{one}"]),
            ("libs/{one,two", vec!["libs/{one,two"]),
            ("", vec![""]),
        ] {
            assert_eq!(alternatives(pattern), expected, "{pattern}");
        }
        assert_eq!(alternatives(&"{a,b}".repeat(100)).len(), MAX_PACKAGES);
        assert!(alternatives(&"{a,b}".repeat(1000)).is_empty());
    }

    #[test]
    fn a_pattern_does_not_lead_out_of_the_working_directory() {
        for pattern in ["../*", "/etc/*", "a/../../*", "[", "***"] {
            assert!(folders(pattern).is_empty(), "{pattern}");
        }
        assert_eq!(folders("./src/"), [PathBuf::from("src")]);
        assert!(folders("src/**").contains(&PathBuf::from("src")));
        assert_eq!(folders(""), [PathBuf::new()]);
    }
}
