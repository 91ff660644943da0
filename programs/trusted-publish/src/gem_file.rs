//! The host that a gem's own metadata names.
//!
//! Seen with gem 3.3: it pushes to the first of these that there is, unless the command has `--host`.

use std::io::Read as _;
use std::path::PathBuf;

use flate2::read::GzDecoder;
use tar::Archive;

use super::destination::Destination;
use super::yaml_settings::flattened;

/// The limit on a gem, and on its specification, in bytes.
const MAX_GEM: usize = 256 << 20;
const MAX_SPECIFICATION: u64 = 1 << 20;

/// So many members of a gem are looked at. The specification is the first.
const MAX_MEMBERS: usize = 8;

/// The names of the host, in the order in which gem looks for them.
const HOSTS: [&str; 2] = ["default_gem_server", "allowed_push_host"];

/// The host other than the destination to which a gem that the command names is pushed, and its name in the metadata.
pub(super) fn other_host(destination: &Destination<'_>) -> Option<(&'static str, String)> {
    if !is_push_without_host(destination) {
        return None;
    }
    let gems = destination.arguments().filter(|argument| !argument.starts_with('-')).map(PathBuf::from);
    let gems = gems.filter_map(|path| destination.cx.files().read(&path, MAX_GEM).ok());
    gems.filter_map(|gem| host(&specification(&gem)?)).find(|(_, host)| !destination.is(host))
}

/// Returns `true` for a push whose host the command leaves to others.
pub(super) fn is_push_without_host(destination: &Destination<'_>) -> bool {
    let is_push = destination.tool() == Some("gem") && destination.publishes();
    is_push && destination.values_of("--host").next().is_none()
}

fn host(specification: &str) -> Option<(&'static str, String)> {
    let settings = flattened(specification);
    HOSTS.into_iter().find_map(|name| {
        let found = settings.iter().find(|(keys, _)| keys.iter().eq(["metadata", name]))?;
        Some((name, found.1.clone()))
    })
}

/// The text of a gem's specification, in YAML.
fn specification(gem: &[u8]) -> Option<String> {
    let mut archive = Archive::new(gem);
    // Members are read as they stand: a name that an extension header gives is none of the specification's.
    let members = archive.entries().ok()?.raw(true).take(MAX_MEMBERS).map_while(Result::ok);
    let mut found = members.filter(|member| &*member.path_bytes() == b"metadata.gz");
    let mut text = String::new();
    GzDecoder::new(found.next()?).take(MAX_SPECIFICATION).read_to_string(&mut text).ok()?;
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_is_in_the_metadata_of_a_specification() {
        let of = |text: &str| host(&format!("--- !ruby/object:Gem::Specification\nname: widget\n{text}"));
        let metadata = "metadata:\n  allowed_push_host: https://a.example\n";
        assert_eq!(of(metadata), Some(("allowed_push_host", "https://a.example".to_owned())));
        let both = format!("{metadata}  default_gem_server: https://b.example\n");
        assert_eq!(of(&both), Some(("default_gem_server", "https://b.example".to_owned())));
        for text in
            ["metadata: {}\n", "allowed_push_host: https://a.example\n", "metadata:\n  homepage_uri: x\n"]
        {
            assert_eq!(of(text), None, "{text}");
        }
        assert_eq!(specification(b"no archive"), None);
    }
}
