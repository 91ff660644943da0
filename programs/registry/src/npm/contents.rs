//! The comparison of the `package.json` in a tarball, which is installed and run, with the manifest that was sent with it, which
//! is resolved and shown.
//!
//! Clients don't send a `package.json` as it stands in the tarball: npm sends it as its `@npmcli/package-json` normalises it,
//! and so do the others, more or less. Whatever decides an installation is compared after that normalisation: `bin` as an object with paths
//! that stay in the package, optional dependencies apart from the others, hosted git repositories by their short names, and
//! the scripts that stand for a `*.gyp` file or a `server.js`.

mod bin;
mod dependencies;
mod fields;

use std::collections::BTreeSet;

use self::dependencies::DEPENDENCIES;
use self::fields::{Texts, check_texts, compare_sets, compare_texts, same, set, texts};
use super::manifest::{MAX_MANIFEST_BYTES, Manifest};
use crate::hosting::archive::{self, Entry, InvalidArchive};

/// A package may have this many commands.
const MAX_COMMANDS: usize = 1_000;
/// The file with the manifest, in the package's folder.
const MANIFEST: &str = "package.json";
/// The script that npm adds for a `*.gyp` file.
const GYP: &str = "node-gyp rebuild";
/// The script that npm adds for a `server.js`.
const SERVER: &str = "node server.js";
/// The fields that are compared as sets, whether they are one text, a list or an object.
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

/// The parts of a tarball that decide how it is installed.
#[derive(Debug, Default)]
pub(super) struct Contents {
    manifest: String,
    has_gyp: bool,
    has_binding_gyp: bool,
    has_server: bool,
    has_shrinkwrap: bool,
    /// The names of the files in the folder that the manifest names in place of commands.
    commands: BTreeSet<String>,
}

impl Contents {
    /// Unpacks a tarball to look at its names and its `package.json`.
    pub(super) fn read(tarball: &[u8]) -> Result<Self, InvalidContents> {
        let mut found = Found::default();
        archive::walk(tarball, archive::Parts::Several, |entry| found.add(entry))?;
        let Found { manifest, mut contents } = found;
        let manifest = manifest.ok_or(InvalidContents::NoManifest)?;
        let text =
            String::from_utf8(manifest).map_err(|error| InvalidContents::NotJson(error.to_string()))?;
        contents.manifest = text.strip_prefix('\u{feff}').unwrap_or(&text).to_owned();
        if let Some(folder) = Manifest::parse(&contents.manifest).ok().and_then(|packed| bin::folder(&packed))
        {
            contents.commands = commands(tarball, &folder)?;
        }
        Ok(contents)
    }

    /// Returns `true` if an installation uses the `npm-shrinkwrap.json` in the tarball.
    pub(super) fn has_shrinkwrap(&self) -> bool {
        self.has_shrinkwrap
    }

    /// Returns `true` if an installation runs `node-gyp`, even if no script says so.
    pub(super) fn is_built(&self) -> bool {
        let is_switched_off = |manifest: Manifest<'_>| manifest.raw("gypfile") == Some("false");
        self.has_binding_gyp && !Manifest::parse(&self.manifest).is_ok_and(is_switched_off)
    }

    /// Checks that the manifest that was sent agrees with the one in the tarball.
    pub(super) fn compare(&self, sent: &Manifest<'_>) -> Result<(), InvalidContents> {
        let packed =
            Manifest::parse(&self.manifest).map_err(|error| InvalidContents::NotJson(error.to_string()))?;
        let packed = &packed;
        for field in DEPENDENCIES.into_iter().chain(["dependencies", "scripts"]) {
            check_texts(sent, field)?;
        }
        same("name", name(packed).as_deref(), name(sent).as_deref())?;
        same("version", version(packed).as_deref(), version(sent).as_deref())?;
        dependencies::compare(packed, sent)?;
        self.compare_scripts(packed, sent)?;
        bin::compare(packed, sent, &self.commands)?;
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

/// A tarball as far as it was read.
#[derive(Default)]
struct Found {
    manifest: Option<Vec<u8>>,
    contents: Contents,
}

impl Found {
    fn add(&mut self, entry: &mut Entry<'_>) -> Result<(), InvalidContents> {
        let path = String::from_utf8_lossy(&entry.path).into_owned();
        let stray = || path.chars().take(200).collect();
        let parts = parts(&path).ok_or_else(|| InvalidContents::Stray(stray()))?;
        if !(entry.kind.is_file() || entry.kind.is_dir()) {
            return Err(InvalidContents::Link(stray()));
        }
        // Some installers take a file that is in no folder for one of the package's.
        if parts.len() < 2 && entry.kind.is_file() {
            return Err(InvalidContents::Stray(stray()));
        }
        // Installers take the first folder away, whatever its name is.
        match parts.as_slice() {
            [_, file] => self.add_file(file, &path, entry),
            // A folder in the manifest's place, which only some installers put there.
            [_, folder, ..] if archive::is_same(folder, MANIFEST) => {
                Err(InvalidContents::TwoManifests(stray()))
            }
            _ => Ok(()),
        }
    }

    fn add_manifest(&mut self, file: &str, path: &str, entry: &mut Entry<'_>) -> Result<(), InvalidContents> {
        if self.manifest.is_some() || !entry.kind.is_file() || file != MANIFEST {
            return Err(InvalidContents::TwoManifests(path.chars().take(200).collect()));
        }
        let content = entry.content(MAX_MANIFEST_BYTES as u64)?;
        self.manifest = Some(content.ok_or(InvalidContents::TooLarge)?);
        Ok(())
    }

    /// Notes a file of the package's own folder.
    fn add_file(&mut self, file: &str, path: &str, entry: &mut Entry<'_>) -> Result<(), InvalidContents> {
        if archive::is_same(file, MANIFEST) {
            return self.add_manifest(file, path, entry);
        }
        let contents = &mut self.contents;
        match archive::folded(file).as_str() {
            "binding.gyp" => (contents.has_gyp, contents.has_binding_gyp) = (true, true),
            "npm-shrinkwrap.json" => contents.has_shrinkwrap = true,
            "server.js" => contents.has_server = true,
            file if file.ends_with(".gyp") => contents.has_gyp = true,
            _ => {}
        }
        Ok(())
    }
}

/// The names of the files below a folder of the package. npm passes over hidden ones.
fn commands(tarball: &[u8], folder: &str) -> Result<BTreeSet<String>, InvalidContents> {
    let mut found = BTreeSet::new();
    archive::walk(tarball, archive::Parts::Several, |entry| {
        let path = String::from_utf8_lossy(&entry.path);
        let below = path.split_once('/').and_then(|(_, path)| path.strip_prefix(folder));
        let is_hidden = |path: &str| path.split('/').any(|part| part.starts_with('.'));
        if let Some(below) = below.filter(|path| entry.kind.is_file() && !is_hidden(path)) {
            found.insert(below.rsplit('/').next().unwrap_or_default().to_owned());
        }
        if found.len() > MAX_COMMANDS { Err(InvalidContents::NotAnObject("bin")) } else { Ok(()) }
    })?;
    Ok(found)
}

/// The parts of a path that stays below its folder, whichever slash an installer's system uses. Installers count empty parts and
/// dots as folders.
fn parts(path: &str) -> Option<Vec<&str>> {
    let parts: Vec<&str> = path.strip_suffix('/').unwrap_or(path).split('/').collect();
    let is_plain = |part: &&str| {
        !matches!(*part, "" | "." | "..") && !part.contains(|c: char| c == '\\' || c.is_control())
    };
    parts.iter().all(is_plain).then_some(parts)
}

fn name(manifest: &Manifest<'_>) -> Option<String> {
    manifest.value::<String>("name").map(|name| name.trim().to_owned())
}

/// A version without the parts that mean nothing: `v` before it, and build metadata.
fn version(manifest: &Manifest<'_>) -> Option<String> {
    let text = manifest.value::<String>("version")?;
    let text = text.trim().trim_start_matches(['v', '=', ' ']);
    match semver::Version::parse(text) {
        Ok(version) => Some(semver::Version { build: semver::BuildMetadata::EMPTY, ..version }.to_string()),
        Err(_) => Some(text.to_owned()),
    }
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

#[cfg(test)]
pub(super) mod tests;
