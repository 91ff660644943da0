//! The credential in gem's own file, and the host that it is for.
//!
//! Seen with gem 3.3: where neither a variable nor the file has a key for the host, gem sends the one for rubygems.org to it.

use std::path::PathBuf;

use oidc_core::Secret;

use super::rc;
use crate::command::changes::Changes;
use crate::destination::Destination;
use crate::settings::yaml::flattened;
use crate::shown_url::shown_url;

const KEY: &str = "GEM_HOST_API_KEY";
/// The file's name for the key for rubygems.org.
const PUBLIC_KEY: &str = "rubygems_api_key";
/// The file, below the home folder, and below the folder for data where there is none there. gem's settings may have keys too.
const FILES: [&str; 2] = [".gem/credentials", ".local/share/gem/credentials"];

/// Keeps the key for rubygems.org from another host. An empty variable hides it.
pub(crate) fn tell(destination: &Destination<'_>, token: Option<&Secret>, changes: &mut Changes) {
    if let Some(host) = rc::other_host(destination) {
        changes.note_elsewhere(
            &["gem"],
            format!(
                "gem's settings add `--host {}` to the command; pass `--host {}` to it, which stands after that",
                shown_url(&host),
                destination.url
            ),
        );
    }
    let has_own =
        || destination.cx.environment().get(KEY).is_some() && !changes.removed().any(|name| name == KEY);
    if token.is_some() || destination.is_public() || has_own() || !sends_public_key(destination) {
        return;
    }
    changes.set(KEY, "");
    changes.note(
        &["gem"],
        format!(
            "gem gets no key: `{PUBLIC_KEY}` in its credentials file is for rubygems.org; name {} there, or set {KEY} and \
             RUBYGEMS_HOST",
            destination.url
        ),
    );
}

/// Returns `true` if gem would send the key for rubygems.org to the destination.
fn sends_public_key(destination: &Destination<'_>) -> bool {
    let host = destination.url.as_str().trim_end_matches('/');
    let texts = texts(destination);
    // gem reads YAML that a parser refuses; the key's name is in it all the same.
    let has_public = texts.iter().any(|text| text.contains(PUBLIC_KEY));
    let mut own = texts.iter().flat_map(|text| flattened(text).unwrap_or_default());
    has_public && !own.any(|(keys, _)| keys.iter().eq([host]))
}

fn texts(destination: &Destination<'_>) -> Vec<String> {
    let in_home = destination.home().into_iter().flat_map(|home| FILES.map(|file| home.join(file)));
    let data = destination.cx.environment().get("XDG_DATA_HOME");
    let data = data.map(|folder| PathBuf::from(folder).join("gem/credentials"));
    destination.read(in_home.chain(data).chain(rc::paths(destination)))
}
