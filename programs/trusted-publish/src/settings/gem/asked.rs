//! The host that a gem's own metadata names, by gem itself.
//!
//! Seen with gem 3.3: it pushes to the first of these that there is, unless the command has `--host`. What it takes for the metadata of
//! a gem is a matter of archives and of YAML, so that the same program is asked for it beforehand, without a token.

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::Stdio;

use oidc_core::shown;
use tokio::io::AsyncReadExt as _;

use super::rc::is_push_without_host;
use crate::command::child::PreparedCommand;
use crate::command::dry_run::DEADLINE;
use crate::destination::Destination;
use crate::settings::yaml::flattened;
use crate::shown_url::shown_url;

/// The command that prints a gem's metadata, before the gem and after it. No settings file adds options to it.
const ASK: [&str; 3] = ["specification", "--norc", "--local"];
const ASKED_FOR: &str = "metadata";

/// The names of the host, in the order in which gem looks for them.
const HOSTS: [&str; 2] = ["default_gem_server", "allowed_push_host"];

/// So many bytes of the metadata are read.
const MAX_OUTPUT: usize = 1 << 20;
/// So many gems of a command are looked at. gem pushes one.
const MAX_GEMS: usize = 4;

/// The reason for which gem would push elsewhere, or may do so. `None` as well where gem can't be run, which then pushes nothing.
pub(crate) async fn elsewhere(run: &PreparedCommand<'_>, destination: &Destination<'_>) -> Option<String> {
    if !is_push_without_host(destination) {
        return None;
    }
    let own = &destination.url;
    let gems = destination.arguments().filter(|argument| Path::new(argument).is_file());
    let gems: Vec<&str> = gems.take(MAX_GEMS + 1).collect();
    if gems.is_empty() || gems.len() > MAX_GEMS {
        return Some(format!(
            "which of its words is the gem is not known, whose metadata may name a host; pass `--host {own}`"
        ));
    }
    for gem in gems {
        let metadata = metadata(run, gem, destination).await;
        let Some(host) = metadata.as_deref().and_then(host) else {
            return Some(format!(
                "the metadata of `{}` may name a host, and is too long or takes too long to be read; pass `--host {own}`",
                shown(gem)
            ));
        };
        if let Some((key, host)) = host.filter(|(_, host)| !destination.is(host)) {
            let host = shown_url(&host);
            return Some(format!(
                "`{key}` in the gem's own metadata is `{host}`, which gem obeys before any variable; pass `--host {own}`"
            ));
        }
    }
    None
}

/// A gem's metadata as YAML; `None` where there is more than is read, or nothing in time.
async fn metadata(run: &PreparedCommand<'_>, gem: &str, destination: &Destination<'_>) -> Option<String> {
    let words = destination.program().iter().map(OsString::as_os_str);
    let asked = ASK.map(OsStr::new).into_iter().chain([OsStr::new(gem), OsStr::new(ASKED_FOR)]);
    let words: Vec<OsString> = words.chain(asked).map(OsStr::to_owned).collect();
    let mut command = run.without_token(&words);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let Ok(mut child) = command.kill_on_drop(true).spawn() else { return Some(String::new()) };
    let mut text = Vec::new();
    let mut output = child.stdout.take()?.take(MAX_OUTPUT as u64);
    tokio::select! {
        read = output.read_to_end(&mut text) => read.ok()?,
        () = destination.cx.clock().sleep(DEADLINE) => return None,
    };
    let is_whole = text.len() < MAX_OUTPUT;
    is_whole.then(|| String::from_utf8_lossy(&text).into_owned())
}

/// The host that gem takes from the metadata, if there is one; `None` where a host's name is in the text and not found as a key. gem
/// writes these names without escapes.
fn host(metadata: &str) -> Option<Option<(&'static str, String)>> {
    if !HOSTS.iter().any(|name| metadata.contains(name)) {
        return Some(None);
    }
    let settings = flattened(metadata).ok()?;
    let value = |name: &str| settings.iter().find(|(keys, _)| keys.iter().eq([name])).map(|(_, value)| value);
    let is_unread = |name: &&str| metadata.contains(*name) && value(name).is_none();
    if HOSTS.iter().any(is_unread) {
        return None;
    }
    Some(HOSTS.into_iter().find_map(|name| Some((name, value(name)?.clone()))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_is_the_first_of_those_in_the_metadata() {
        let allowed = "---\nallowed_push_host: https://a.example\n";
        assert_eq!(host(allowed), Some(Some(("allowed_push_host", "https://a.example".to_owned()))));
        let both = format!("{allowed}default_gem_server: https://b.example\n");
        assert_eq!(host(&both), Some(Some(("default_gem_server", "https://b.example".to_owned()))));
        for text in ["--- {}\n", "---\nhomepage_uri: x\n", "", "ERROR: none"] {
            assert_eq!(host(text), Some(None), "{text}");
        }
    }

    #[test]
    fn a_host_behind_more_than_is_read_is_not_overlooked() {
        let many: String = (0..20_000).map(|number| format!("a{number}: ''\n")).collect();
        let behind = format!("---\n{many}allowed_push_host: https://a.example\n");
        assert!(behind.len() < MAX_OUTPUT);
        assert_eq!(host(&behind), None);
        let own = format!(
            "---\nallowed_push_host: https://a.example\n{many}default_gem_server: https://b.example\n"
        );
        assert_eq!(host(&own), None);
    }
}
