//! The options that gem's settings files add to a push.
//!
//! Seen with gem 3.3: `gem` is for every command and `push` for this one. They stand before the command's own.

use std::path::{Path, PathBuf};

use oidc_core::shown;

use crate::command::options::values;
use crate::destination::Destination;
use crate::settings::yaml::{Unread, flattened};

/// The settings with options.
const NAMES: [&str; 2] = ["gem", "push"];

/// The file for all users.
const OF_ALL: &str = "/etc/gemrc";

/// Returns `true` for a push whose host the command leaves to others.
pub(crate) fn is_push_without_host(destination: &Destination<'_>) -> bool {
    let is_push = destination.tool() == Some("gem") && destination.publishes();
    is_push && destination.values_of("--host").next().is_none()
}

/// The host other than the destination to which the settings send a push.
pub(crate) fn other_host(destination: &Destination<'_>) -> Option<String> {
    if !is_push_without_host(destination) {
        return None;
    }
    let read = |(path, text): (PathBuf, String)| {
        flattened(&text).unwrap_or_else(|why| {
            destination.overlook(&["gem"], unread(&path, why, destination));
            Vec::new()
        })
    };
    let texts = destination.read_named(paths(destination));
    let settings = texts.into_iter().flat_map(read);
    let is_of_push = |keys: &[String]| matches!(keys, [key] if NAMES.contains(&key.trim_start_matches(':')));
    let options: Vec<String> =
        settings.filter(|(keys, _)| is_of_push(keys)).map(|(_, value)| value).collect();
    let words: Vec<&str> = options.iter().flat_map(|option| option.split_whitespace()).collect();
    let other = values(words.iter().copied(), "--host").find(|host| !destination.is(host));
    other.map(str::to_owned)
}

fn unread(path: &Path, why: Unread, destination: &Destination<'_>) -> String {
    let (path, own) = (path.to_string_lossy(), &destination.url);
    format!(
        "gem's settings in `{}` are not read: {why}; pass `--host {own}`, which stands before them",
        shown(&path)
    )
}

/// The paths of gem's settings files.
pub(crate) fn paths(destination: &Destination<'_>) -> Vec<PathBuf> {
    let environment = destination.cx.environment();
    let home = destination.home();
    let of_settings = environment.get("XDG_CONFIG_HOME").map(PathBuf::from);
    let of_settings = of_settings.or_else(|| Some(home.as_ref()?.join(".config")));
    let named = environment.get("GEMRC").into_iter().flat_map(|paths| paths.split([':', ';']));
    let named = named.chain(destination.values_of("--config-file")).map(PathBuf::from);
    let own = home.iter().map(|home| home.join(".gemrc"));
    let own = own.chain(of_settings.map(|folder| folder.join("gem/gemrc")));
    named.chain(own).chain([PathBuf::from(OF_ALL)]).collect()
}
