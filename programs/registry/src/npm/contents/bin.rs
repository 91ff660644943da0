//! The commands of two manifests, compared as npm normalises them.

use super::super::manifest::Manifest;
use super::InvalidContents;
use super::fields::{Texts, compare_texts, texts};

/// Compares the commands and their files.
pub(super) fn compare(packed: &Manifest<'_>, sent: &Manifest<'_>) -> Result<(), InvalidContents> {
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
