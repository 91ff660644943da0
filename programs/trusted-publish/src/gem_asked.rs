//! The host that a gem's own metadata names, by gem itself.
//!
//! Seen with gem 3.3: it pushes to the first of these that there is, unless the command has `--host`. What it takes for the metadata of
//! a gem is a matter of archives and of YAML, so that the same program is asked for it beforehand, without a token.

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::Stdio;

use oidc_core::shown;
use tokio::io::AsyncReadExt as _;
use tokio::process::Child;

use super::child::PreparedCommand;
use super::destination::Destination;
use super::gem_rc::is_push_without_host;
use super::shown_url::shown_url;
use super::yaml_settings::flattened;

/// The command that prints a gem's metadata, before the gem and after it. No settings file adds options to it.
const ASK: [&str; 3] = ["specification", "--norc", "--local"];
const ASKED_FOR: &str = "metadata";

/// The names of the host, in the order in which gem looks for them.
const HOSTS: [&str; 2] = ["default_gem_server", "allowed_push_host"];

/// So many bytes of the metadata are read.
const MAX_OUTPUT: usize = 1 << 20;
/// So many gems of a command are looked at. gem pushes one.
const MAX_GEMS: usize = 4;

/// The reason for which gem would push elsewhere. `None` as well where it can't read the gem, which it then can't push.
pub(super) async fn elsewhere(run: &PreparedCommand<'_>, destination: &Destination<'_>) -> Option<String> {
    if !is_push_without_host(destination) {
        return None;
    }
    let gems = destination.arguments().filter(|argument| Path::new(argument).is_file());
    for gem in gems.take(MAX_GEMS) {
        let metadata = metadata(run, gem).await.unwrap_or_default();
        if metadata.len() >= MAX_OUTPUT {
            return Some(format!(
                "the metadata of `{}` is {MAX_OUTPUT} bytes or longer and may name a host; pass `--host {}`",
                shown(gem),
                destination.url
            ));
        }
        if let Some((key, host)) = host(&metadata).filter(|(_, host)| !destination.is(host)) {
            let (host, own) = (shown_url(&host), &destination.url);
            return Some(format!(
                "`{key}` in the gem's own metadata is `{host}`, which gem obeys before any variable; pass `--host {own}`"
            ));
        }
    }
    None
}

/// A gem's metadata as YAML.
async fn metadata(run: &PreparedCommand<'_>, gem: &str) -> Option<String> {
    let words = run.command.iter().take(1).map(OsString::as_os_str);
    let asked = ASK.map(OsStr::new).into_iter().chain([OsStr::new(gem), OsStr::new(ASKED_FOR)]);
    let words: Vec<OsString> = words.chain(asked).map(OsStr::to_owned).collect();
    let mut command = run.without_token(&words);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child: Child = command.kill_on_drop(true).spawn().ok()?;
    let mut text = Vec::new();
    child.stdout.take()?.take(MAX_OUTPUT as u64).read_to_end(&mut text).await.ok()?;
    Some(String::from_utf8_lossy(&text).into_owned())
}

fn host(metadata: &str) -> Option<(&'static str, String)> {
    let settings = flattened(metadata);
    HOSTS.into_iter().find_map(|name| {
        let found = settings.iter().find(|(keys, _)| keys.iter().eq([name]))?;
        Some((name, found.1.clone()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_is_the_first_of_those_in_the_metadata() {
        let allowed = "---\nallowed_push_host: https://a.example\n";
        assert_eq!(host(allowed), Some(("allowed_push_host", "https://a.example".to_owned())));
        let both = format!("{allowed}default_gem_server: https://b.example\n");
        assert_eq!(host(&both), Some(("default_gem_server", "https://b.example".to_owned())));
        for text in ["--- {}\n", "---\nhomepage_uri: x\n", "", "ERROR: none"] {
            assert_eq!(host(text), None, "{text}");
        }
    }
}
