//! The commands of two manifests, compared as npm normalises them.

use std::collections::BTreeSet;

use super::super::manifest::Manifest;
use super::InvalidContents;
use super::fields::{Texts, compare_texts, same, texts};

/// Compares the commands and their files. `commands` are the names of the files in the [`folder`].
pub(super) fn compare(
    packed: &Manifest<'_>,
    sent: &Manifest<'_>,
    commands: &BTreeSet<String>,
) -> Result<(), InvalidContents> {
    let (mut in_tarball, in_manifest) = (bin(packed)?, bin(sent)?);
    if let Some(sent) = folder(sent) {
        same("directories.bin", folder(packed).as_deref(), Some(&sent))?;
    }
    // npm sends what is in the folder, each file as a command of its own name, also those that it doesn't pack.
    if let Some(folder) = folder(packed) {
        let is_of_folder = |(name, path): (&String, &String)| {
            path.starts_with(&folder) && path.rsplit('/').next() == Some(name.as_str())
        };
        if in_manifest.iter().all(is_of_folder) && commands.iter().all(|name| in_manifest.contains_key(name))
        {
            return Ok(());
        }
        in_tarball.extend(commands.iter().map(|name| (name.clone(), format!("{folder}{name}"))));
    }
    compare_texts("bin", &in_tarball, &in_manifest)
}

/// The folder that a manifest names in place of commands, with a slash at its end; none where it has commands.
pub(super) fn folder(packed: &Manifest<'_>) -> Option<String> {
    let folders = packed.value::<Manifest<'_>>("directories")?;
    let folder = inside(&folders.value::<String>("bin")?);
    let is_without = bin(packed).is_ok_and(|commands| commands.is_empty());
    is_without.then(|| if folder.is_empty() { folder } else { format!("{folder}/") })
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
