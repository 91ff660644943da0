//! The `package.json` in a tarball, which is what is installed and run, against the manifest that was sent with it, which is
//! what is resolved and shown.
//!
//! Clients don't send a `package.json` as it stands in the tarball: npm sends it as its `@npmcli/package-json` normalises it,
//! and so do the others, more or less. So what decides an installation is compared after that: `bin` as an object with paths
//! that stay in the package, optional dependencies apart from the others, hosted git repositories by their short names, and
//! the scripts that stand for a `*.gyp` file or a `server.js`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::value::RawValue;

use super::manifest::{MAX_MANIFEST_BYTES, Manifest};
use crate::hosting::archive::{self, InvalidArchive};

/// What npm adds for a `*.gyp` file.
const GYP: &str = "node-gyp rebuild";
/// What npm adds for a `server.js`.
const SERVER: &str = "node server.js";
/// Where dependencies stand that are compared as they are.
const DEPENDENCIES: [&str; 4] =
    ["optionalDependencies", "peerDependencies", "devDependencies", "acceptDependencies"];
/// What is compared as a set, whether it is one text, a list or an object.
const SETS: [&str; 4] = ["engines", "os", "cpu", "libc"];

/// A tarball is not one of the package, or not of the manifest that was sent with it.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum InvalidContents {
    #[error("the tarball {0}")]
    Archive(#[from] InvalidArchive),
    #[error("the tarball has no `package.json` in its folder; pack it with `npm pack`")]
    NoManifest,
    #[error(
        "the tarball has a second `package.json` at {0:?}, which may replace the first; pack it with `npm pack`"
    )]
    TwoManifests(String),
    #[error(
        "the tarball holds {0:?}, which is not below one folder for every installer; pack it with `npm pack`"
    )]
    Stray(String),
    #[error("the tarball holds the link {0:?}, which only some installers unpack; pack it with `npm pack`")]
    Link(String),
    #[error("the `package.json` in the tarball is larger than {MAX_MANIFEST_BYTES} bytes")]
    TooLarge,
    #[error("the `package.json` in the tarball can't be read: {0}")]
    NotJson(String),
    #[error("`{0}` is not an object of at most 1,000 texts")]
    NotAnObject(&'static str),
    #[error(
        "the `package.json` in the tarball says that `{field}` is {packed}, and the manifest that was sent with it that it \
         is {sent}; publish with a client that sends what it packs"
    )]
    Differs { field: String, packed: String, sent: String },
}

/// What of a tarball decides how it is installed.
#[derive(Debug)]
pub(super) struct Contents {
    manifest: String,
    has_gyp: bool,
    has_binding_gyp: bool,
    has_server: bool,
    has_shrinkwrap: bool,
}

type Texts = BTreeMap<String, String>;

impl Contents {
    /// Unpacks a tarball to look at its names and its `package.json`.
    pub(super) fn read(tarball: &[u8]) -> Result<Self, InvalidContents> {
        let mut manifest = None;
        let mut contents = Self {
            manifest: String::new(),
            has_gyp: false,
            has_binding_gyp: false,
            has_server: false,
            has_shrinkwrap: false,
        };
        archive::walk(tarball, |entry| {
            let path = String::from_utf8_lossy(&entry.path).into_owned();
            let stray = || path.chars().take(200).collect();
            let parts = parts(&path).ok_or_else(|| InvalidContents::Stray(stray()))?;
            if !(entry.kind.is_file() || entry.kind.is_dir()) {
                return Err(InvalidContents::Link(stray()));
            }
            // Some installers take a file for one of the package's that is in no folder.
            if parts.len() < 2 && entry.kind.is_file() {
                return Err(InvalidContents::Stray(stray()));
            }
            // They take the first folder away, whatever it is called.
            let [_, file] = parts.as_slice() else { return Ok(()) };
            match archive::folded(file).as_str() {
                "package.json" => {
                    if manifest.is_some() || !entry.kind.is_file() || *file != "package.json" {
                        return Err(InvalidContents::TwoManifests(stray()));
                    }
                    let content = entry.content(MAX_MANIFEST_BYTES as u64)?;
                    manifest = Some(content.ok_or(InvalidContents::TooLarge)?);
                }
                "binding.gyp" => (contents.has_gyp, contents.has_binding_gyp) = (true, true),
                "npm-shrinkwrap.json" => contents.has_shrinkwrap = true,
                "server.js" => contents.has_server = true,
                file if file.ends_with(".gyp") => contents.has_gyp = true,
                _ => {}
            }
            Ok(())
        })?;
        let manifest = manifest.ok_or(InvalidContents::NoManifest)?;
        let text =
            String::from_utf8(manifest).map_err(|error| InvalidContents::NotJson(error.to_string()))?;
        contents.manifest = text.strip_prefix('\u{feff}').unwrap_or(&text).to_owned();
        Ok(contents)
    }

    /// Whether an installation goes by the `npm-shrinkwrap.json` in the tarball.
    pub(super) fn has_shrinkwrap(&self) -> bool {
        self.has_shrinkwrap
    }

    /// Whether an installation runs `node-gyp`, although no script may say so.
    pub(super) fn is_built(&self) -> bool {
        let is_switched_off = |manifest: Manifest<'_>| manifest.raw("gypfile") == Some("false");
        self.has_binding_gyp && !Manifest::parse(&self.manifest).is_ok_and(is_switched_off)
    }

    /// Checks that what was sent says what is in the tarball.
    pub(super) fn compare(&self, sent: &Manifest<'_>) -> Result<(), InvalidContents> {
        let packed =
            Manifest::parse(&self.manifest).map_err(|error| InvalidContents::NotJson(error.to_string()))?;
        let packed = &packed;
        for field in DEPENDENCIES.into_iter().chain(["dependencies", "scripts"]) {
            check_texts(sent, field)?;
        }
        let name =
            |manifest: &Manifest<'_>| manifest.value::<String>("name").map(|name| name.trim().to_owned());
        same("name", name(packed).as_deref(), name(sent).as_deref())?;
        same("version", version(packed).as_deref(), version(sent).as_deref())?;
        compare_dependencies(packed, sent)?;
        self.compare_scripts(packed, sent)?;
        compare_bin(packed, sent)?;
        for field in SETS {
            compare_sets(field, &set(packed, field)?, &set(sent, field)?)?;
        }
        Ok(())
    }

    fn compare_scripts(&self, packed: &Manifest<'_>, sent: &Manifest<'_>) -> Result<(), InvalidContents> {
        let (mut in_tarball, in_manifest) = (scripts(packed)?, scripts(sent)?);
        let is_added = |name: &str, script: &str| in_manifest.get(name).is_some_and(|sent| sent == script);
        let has_own = in_tarball.contains_key("install") || in_tarball.contains_key("preinstall");
        let is_switched_off = packed.raw("gypfile") == Some("false");
        if self.has_gyp && !has_own && !is_switched_off && is_added("install", GYP) {
            in_tarball.insert("install".to_owned(), GYP.to_owned());
        }
        if self.has_server && !in_tarball.contains_key("start") && is_added("start", SERVER) {
            in_tarball.insert("start".to_owned(), SERVER.to_owned());
        }
        compare_texts("scripts", &in_tarball, &in_manifest)
    }
}

/// The parts of a path that stays below its folder, whichever slash an installer's system goes by. Installers count empty
/// parts and dots as folders.
fn parts(path: &str) -> Option<Vec<&str>> {
    let parts: Vec<&str> = path.strip_suffix('/').unwrap_or(path).split('/').collect();
    let is_plain = |part: &&str| {
        !matches!(*part, "" | "." | "..") && !part.contains(|c: char| c == '\\' || c.is_control())
    };
    parts.iter().all(is_plain).then_some(parts)
}

/// A version without what says nothing: `v` before it, and build metadata.
fn version(manifest: &Manifest<'_>) -> Option<String> {
    let text = manifest.value::<String>("version")?;
    let text = text.trim().trim_start_matches(['v', '=', ' ']);
    match semver::Version::parse(text) {
        Ok(version) => Some(semver::Version { build: semver::BuildMetadata::EMPTY, ..version }.to_string()),
        Err(_) => Some(text.to_owned()),
    }
}

fn compare_dependencies(packed: &Manifest<'_>, sent: &Manifest<'_>) -> Result<(), InvalidContents> {
    for field in DEPENDENCIES {
        compare_texts(field, &references(packed, field)?, &references(sent, field)?)?;
    }
    let bundled = [bundled(packed)?, bundled(sent)?];
    let [bundled, in_manifest] = &bundled;
    compare_sets("bundleDependencies", bundled, in_manifest)?;
    let mut regular = [references(packed, "dependencies")?, references(sent, "dependencies")?];
    for (regular, manifest) in regular.iter_mut().zip([packed, sent]) {
        for optional in references(manifest, "optionalDependencies")?.keys() {
            regular.remove(optional);
        }
    }
    let [in_tarball, mut in_manifest] = regular;
    // npm sends what is bundled as a dependency of any version.
    in_manifest
        .retain(|name, wanted| wanted != "*" || in_tarball.contains_key(name) || !bundled.contains(name));
    compare_texts("dependencies", &in_tarball, &in_manifest)?;
    compare_sets("peerDependenciesMeta", &optional_peers(packed)?, &optional_peers(sent)?)
}

/// Dependencies, with what is wanted of each.
fn references(manifest: &Manifest<'_>, field: &'static str) -> Result<Texts, InvalidContents> {
    let texts = texts(manifest, field)?;
    Ok(texts.into_iter().map(|(name, wanted)| (name, reference(&wanted))).collect())
}

/// A reference to a repository at one of the hosts that npm knows, as npm writes it: `acme/widget`,
/// `git@github.com:acme/widget.git` and `https://github.com/acme/widget` are `github:acme/widget`.
fn reference(wanted: &str) -> String {
    let wanted = wanted.trim();
    let (place, commit) = match wanted.split_once('#') {
        Some((place, commit)) => (place, format!("#{commit}")),
        None => (wanted, String::new()),
    };
    let bare = ["git+ssh://", "git+https://", "ssh://", "https://", "git://"]
        .iter()
        .find_map(|scheme| place.strip_prefix(scheme))
        .unwrap_or(place);
    let bare = bare.strip_prefix("git@").unwrap_or(bare);
    for (host, short) in [("github.com", "github"), ("gitlab.com", "gitlab"), ("bitbucket.org", "bitbucket")]
    {
        if let Some(path) = bare.strip_prefix(host).and_then(|path| path.strip_prefix([':', '/'])) {
            return format!("{short}:{}{commit}", path.strip_suffix(".git").unwrap_or(path));
        }
    }
    let is_short = |place: &str| {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let mut parts = place.split('/');
        let is_part = |part: Option<&str>| {
            part.is_some_and(|part| {
                part.starts_with(|c: char| c.is_ascii_alphanumeric()) && part.chars().all(allowed)
            })
        };
        is_part(parts.next()) && is_part(parts.next()) && parts.next().is_none()
    };
    if is_short(place) { format!("github:{place}{commit}") } else { wanted.to_owned() }
}

fn bundled(manifest: &Manifest<'_>) -> Result<BTreeSet<String>, InvalidContents> {
    let field = if manifest.raw("bundleDependencies").is_some() {
        "bundleDependencies"
    } else {
        "bundledDependencies"
    };
    match manifest.raw(field) {
        Some("true") => Ok(texts(manifest, "dependencies")?.into_keys().collect()),
        None | Some("false") => Ok(BTreeSet::new()),
        Some(text) => match serde_json::from_str::<Manifest<'_>>(text) {
            Ok(object) => Ok(object.keys().map(str::to_owned).collect()),
            Err(_) => set(manifest, field),
        },
    }
}

/// The peers that need not be there.
fn optional_peers(manifest: &Manifest<'_>) -> Result<BTreeSet<String>, InvalidContents> {
    let Some(peers) = object(manifest, "peerDependenciesMeta")? else { return Ok(BTreeSet::new()) };
    // Installers go by what JavaScript takes for true.
    let is_true = |value: Option<&str>| !matches!(value, None | Some("false" | "null" | "0" | "\"\""));
    let is_optional =
        |name: &&str| peers.value::<Manifest<'_>>(name).is_some_and(|peer| is_true(peer.raw("optional")));
    Ok(peers.keys().filter(is_optional).map(str::to_owned).collect())
}

/// The scripts, as npm sends them.
fn scripts(manifest: &Manifest<'_>) -> Result<Texts, InvalidContents> {
    let mut scripts = texts(manifest, "scripts")?;
    for script in scripts.values_mut() {
        let here = script.strip_prefix("./").unwrap_or(script);
        if let Some(command) = here.strip_prefix("node_modules/.bin/") {
            *script = command.to_owned();
        }
    }
    Ok(scripts)
}

fn compare_bin(packed: &Manifest<'_>, sent: &Manifest<'_>) -> Result<(), InvalidContents> {
    let (in_tarball, in_manifest) = (bin(packed)?, bin(sent)?);
    // npm sends what is in the folder that is named instead, each file as a command of its own name.
    let folder =
        packed.value::<Manifest<'_>>("directories").and_then(|folders| folders.value::<String>("bin"));
    if let (true, Some(folder)) = (in_tarball.is_empty(), folder) {
        let folder = format!("{}/", inside(&folder));
        let is_of_folder = |(name, path): (&String, &String)| {
            path.starts_with(&folder) && path.rsplit('/').next() == Some(name.as_str())
        };
        if in_manifest.iter().all(is_of_folder) {
            return Ok(());
        }
    }
    compare_texts("bin", &in_tarball, &in_manifest)
}

/// The commands, each with its file. One alone is called like the package.
fn bin(manifest: &Manifest<'_>) -> Result<Texts, InvalidContents> {
    let base = |name: &str| name.rsplit(['/', '\\']).next().unwrap_or_default().to_owned();
    let commands = match manifest.value::<String>("bin") {
        Some(path) => {
            let name = manifest.value::<String>("name").unwrap_or_default();
            Texts::from([(name, path)])
        }
        None => match manifest.value::<Vec<String>>("bin") {
            Some(paths) => paths.into_iter().map(|path| (path.clone(), path)).collect(),
            None => texts(manifest, "bin")?,
        },
    };
    let commands = commands.into_iter().map(|(name, path)| (base(&name), inside(&path)));
    Ok(commands.filter(|(name, path)| !name.is_empty() && !path.is_empty()).collect())
}

/// A path from the package's folder on, out of which it can't lead.
fn inside(path: &str) -> String {
    let mut parts = Vec::new();
    for part in path.split(['/', '\\', ':']) {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

fn object<'a>(manifest: &Manifest<'a>, field: &'static str) -> Result<Option<Manifest<'a>>, InvalidContents> {
    match manifest.raw(field) {
        None | Some("null" | "false" | "\"\"" | "[]") => Ok(None),
        Some(text) => serde_json::from_str(text).map(Some).map_err(|_| InvalidContents::NotAnObject(field)),
    }
}

/// The texts of an object. npm leaves out what is none.
fn texts(manifest: &Manifest<'_>, field: &'static str) -> Result<Texts, InvalidContents> {
    let Some(object) = object(manifest, field)? else { return Ok(Texts::new()) };
    Ok(object.keys().filter_map(|key| Some((key.to_owned(), object.value(key)?))).collect())
}

/// What was sent holds nothing that is no text, which the comparison leaves out and an installer may not.
fn check_texts(sent: &Manifest<'_>, field: &'static str) -> Result<(), InvalidContents> {
    let Some(object) = object(sent, field)? else { return Ok(()) };
    let is_text = |key: &str| object.value::<String>(key).is_some();
    if object.keys().all(is_text) { Ok(()) } else { Err(InvalidContents::NotAnObject(field)) }
}

/// One text, those of a list, or those of an object with their keys.
fn set(manifest: &Manifest<'_>, field: &'static str) -> Result<BTreeSet<String>, InvalidContents> {
    if let Some(text) = manifest.value::<String>(field) {
        return Ok(BTreeSet::from([text]));
    }
    if let Some(list) = manifest.value::<Vec<&RawValue>>(field) {
        let text =
            |value: &&RawValue| serde_json::from_str(value.get()).unwrap_or_else(|_| value.get().to_owned());
        return Ok(list.iter().map(text).collect());
    }
    let texts = texts(manifest, field)?;
    Ok(texts.into_iter().map(|(key, value)| format!("{key} {value}")).collect())
}

fn same(field: &str, packed: Option<&str>, sent: Option<&str>) -> Result<(), InvalidContents> {
    if packed == sent {
        return Ok(());
    }
    let shown = |text: Option<&str>| text.map_or("nothing".to_owned(), |text| format!("{text:.200?}"));
    Err(InvalidContents::Differs { field: field.to_owned(), packed: shown(packed), sent: shown(sent) })
}

fn compare_texts(field: &str, packed: &Texts, sent: &Texts) -> Result<(), InvalidContents> {
    for key in packed.keys().chain(sent.keys()) {
        let (packed, sent) = (packed.get(key).map(String::as_str), sent.get(key).map(String::as_str));
        same(&format!("{field}.{key:.200}"), packed, sent)?;
    }
    Ok(())
}

fn compare_sets(
    field: &str,
    packed: &BTreeSet<String>,
    sent: &BTreeSet<String>,
) -> Result<(), InvalidContents> {
    let (only_packed, only_sent) = (packed.difference(sent).next(), sent.difference(packed).next());
    same(field, only_packed.map(String::as_str), only_sent.map(String::as_str))
}

#[cfg(test)]
pub(super) mod tests;
