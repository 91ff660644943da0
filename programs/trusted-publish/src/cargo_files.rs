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
pub(super) struct Settings {
    #[serde(default)]
    pub(super) registries: BTreeMap<String, Registry>,
    #[serde(default)]
    pub(super) registry: Chosen,
    #[serde(default)]
    pub(super) alias: BTreeMap<String, Alias>,
    #[serde(default)]
    include: Includes,
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

impl Includes {
    fn all(&self) -> &[Included] {
        match self {
            Self::Several(files) => files,
            Self::One(file) => std::slice::from_ref(file),
        }
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
pub(super) struct Registry {
    pub(super) index: Option<String>,
}

/// The registry that is published to where a command names none.
#[derive(Default, Deserialize)]
pub(super) struct Chosen {
    pub(super) default: Option<String>,
}

/// The words that a word of a command stands for.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Alias {
    Text(String),
    Words(Vec<String>),
}

impl Alias {
    pub(super) fn into_words(self) -> Vec<String> {
        match self {
            Self::Text(text) => text.split_whitespace().map(str::to_owned).collect(),
            Self::Words(words) => words,
        }
    }
}

/// The settings that a command's `--config` options name, which stand before all others, the strongest first.
pub(super) fn of_command<'a>(named: impl Iterator<Item = &'a str>, cx: &Context) -> Vec<Settings> {
    let read = |value: &&str| match toml::from_str(value) {
        Ok(settings) => Some(settings),
        Err(_) => read(Path::new(value), cx),
    };
    named.collect::<Vec<_>>().iter().rev().filter_map(read).collect()
}

/// The settings of each file, the nearest first. A file that isn't there or can't be read is none that cargo reads.
pub(super) fn of_files(cx: &Context) -> impl Iterator<Item = Settings> {
    paths(cx).into_iter().flat_map(move |path| with_included(&path, cx))
}

/// The settings of a file, and then of those that it includes, of which the last is the strongest.
fn with_included(path: &Path, cx: &Context) -> Vec<Settings> {
    let (mut waiting, mut found) = (vec![path.to_owned()], Vec::new());
    while let Some(path) = waiting.pop()
        && found.len() <= MAX_INCLUDED
    {
        let Some(settings) = read(&path, cx) else { continue };
        let beside = |included: &Included| match included {
            Included::Path(name) | Included::Table { path: name } => path.with_file_name(name),
        };
        // The last one is looked at first.
        let included = settings.include.all();
        waiting.extend(included.iter().skip(included.len().saturating_sub(MAX_INCLUDED)).map(beside));
        found.push(settings);
    }
    found
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
