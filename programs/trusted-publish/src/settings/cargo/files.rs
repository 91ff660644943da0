//! cargo's settings: those that its command names, its variables and its files (the Cargo Book, "Configuration").

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use oidc_core::Context;
use serde::Deserialize;

/// A settings file may have this many bytes.
const MAX_CONFIG: usize = 1 << 20;
/// So many folders above the working directory are looked at.
const MAX_PARENTS: usize = 16;
/// So many files are looked at that one includes, itself or through others.
const MAX_INCLUDED: usize = 16;

/// The part of cargo's settings that is needed.
#[derive(Default, Deserialize)]
pub(crate) struct Settings {
    #[serde(default)]
    pub(crate) registries: BTreeMap<String, Registry>,
    #[serde(default)]
    pub(crate) registry: Chosen,
    #[serde(default)]
    pub(crate) alias: BTreeMap<String, Alias>,
    #[serde(default)]
    include: Includes,
}

impl Settings {
    /// The files that the settings of the file at `path` include.
    fn included(&self, path: &Path) -> Vec<PathBuf> {
        let files = match &self.include {
            Includes::Several(files) => files.as_slice(),
            Includes::One(file) => std::slice::from_ref(file),
        };
        let beside = |included: &Included| match included {
            Included::Path(name) | Included::Table { path: name } => path.with_file_name(name),
        };
        files.iter().map(beside).collect()
    }
}

/// The files that one includes, in the form that cargo documents and the older one of a single file.
#[derive(Deserialize)]
#[serde(untagged)]
enum Includes {
    Several(Vec<Included>),
    One(Included),
}

impl Default for Includes {
    fn default() -> Self {
        Self::Several(Vec::new())
    }
}

/// Another settings file, beside this one, which it stands before.
#[derive(Deserialize)]
#[serde(untagged)]
enum Included {
    Path(PathBuf),
    Table { path: PathBuf },
}

#[derive(Deserialize)]
pub(crate) struct Registry {
    pub(crate) index: Option<String>,
}

/// The registry that is published to where a command names none.
#[derive(Default, Deserialize)]
pub(crate) struct Chosen {
    pub(crate) default: Option<String>,
}

/// The words that a word of a command stands for.
#[derive(Deserialize)]
#[serde(untagged)]
pub(crate) enum Alias {
    Text(String),
    Words(Vec<String>),
}

impl Alias {
    pub(crate) fn into_words(self) -> Vec<String> {
        match self {
            Self::Text(text) => text.split_whitespace().map(str::to_owned).collect(),
            Self::Words(words) => words,
        }
    }
}

/// The settings that a command's `--config` options name, with those that they include, which stand before all others, the strongest
/// first.
pub(crate) fn of_command<'a>(named: impl Iterator<Item = &'a str>, cx: &Context) -> Vec<Settings> {
    let named: Vec<&str> = named.collect();
    named.iter().rev().flat_map(|value| of_option(value, cx).0).collect()
}

/// The first of a command's `--config` options of which not all settings are read.
pub(crate) fn unread<'a>(mut named: impl Iterator<Item = &'a str>, cx: &Context) -> Option<&'a str> {
    named.find(|value| !of_option(value, cx).1)
}

/// The settings of each file, the nearest first. A file that isn't there or can't be read is none that cargo reads.
pub(crate) fn of_files(cx: &Context) -> impl Iterator<Item = Settings> {
    let of_file = move |path: PathBuf| read(&path, cx).map(|settings| with_included(settings, &path, cx).0);
    paths(cx).into_iter().filter_map(of_file).flatten()
}

/// The settings of a `--config` option, which are its text or in the file that it names, and `false` where some are not read.
fn of_option(value: &str, cx: &Context) -> (Vec<Settings>, bool) {
    // What a text includes is beside the working directory's files.
    let text = toml::from_str(value).ok().map(|settings| (settings, Path::new("")));
    let found = text.or_else(|| Some((read(Path::new(value), cx)?, Path::new(value))));
    found.map_or_else(Default::default, |(settings, path)| with_included(settings, path, cx))
}

/// The settings of the file at `path` and then those that it includes, of which the last is the strongest, and `false` where some of
/// them are not read.
fn with_included(settings: Settings, path: &Path, cx: &Context) -> (Vec<Settings>, bool) {
    let (mut waiting, mut found, mut are_all) = (settings.included(path), vec![settings], true);
    for _ in 0..MAX_INCLUDED {
        // The last one is looked at first.
        let Some(path) = waiting.pop() else { break };
        match read(&path, cx) {
            Some(settings) => {
                waiting.extend(settings.included(&path));
                found.push(settings);
            }
            None => are_all = false,
        }
    }
    (found, are_all && waiting.is_empty())
}

fn read(path: &Path, cx: &Context) -> Option<Settings> {
    let file = cx.files().read(path, MAX_CONFIG).ok()?;
    toml::from_str(&String::from_utf8(file).ok()?).ok()
}

/// The paths of settings files. Of two in one folder, the one without an extension is read.
fn paths(cx: &Context) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> =
        (0..MAX_PARENTS).map(|level| PathBuf::from("../".repeat(level)).join(".cargo")).collect();
    let home = |name: &str| cx.environment().get(name).map(PathBuf::from);
    folders.extend(home("CARGO_HOME").or_else(|| home("HOME").map(|home| home.join(".cargo"))));
    folders.into_iter().flat_map(|folder| [folder.join("config"), folder.join("config.toml")]).collect()
}
