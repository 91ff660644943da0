//! Which registry yarn's settings files send a package or a token to.

use saphyr_parser::{Event, Parser};

use super::destination::Destination;
use super::npm_config::{Use, files, scope};

/// A settings file may have this many values, and be nested this deep.
const MAX_EVENTS: usize = 20_000;
const MAX_DEPTH: usize = 16;

/// The settings that name a registry: where packages are published before where they are read.
const REGISTRIES: [&str; 2] = ["npmPublishRegistry", "npmRegistryServer"];

/// A text of a YAML document, and the keys that lead to it.
type Setting = (Vec<String>, String);

/// The registry that yarn publishes the package at because of its scope, where it is another.
pub(super) fn elsewhere(destination: &Destination<'_>) -> Option<String> {
    let scope = scope(destination)?;
    let settings: Vec<Setting> = texts(destination).into_iter().flatten().collect();
    of_scope(&settings, scope).filter(|registry| !destination.is(registry))
}

/// Where yarn sends what a variable holds, by the settings that name it for a registry or a scope. A setting for all of them is not
/// among them: the command has another in its place.
pub(super) fn uses(name: &str, destination: &Destination<'_>) -> Vec<Use> {
    let mention = format!("${{{name}");
    let of_file = |settings: Vec<Setting>| {
        let named = settings.iter().filter(|(_, value)| value.contains(&mention));
        let registries = named.filter_map(|(keys, _)| match keys.as_slice() {
            [kind, registry, _] if kind == "npmRegistries" => Some(registry.clone()),
            [kind, scope, _] if kind == "npmScopes" => of_scope(&settings, scope),
            _ => None,
        });
        let used = registries.map(|registry| {
            let whole =
                if registry.starts_with("//") { format!("https:{registry}") } else { registry.clone() };
            let is_own = destination.is(&whole) || destination.is(&whole.replacen("https:", "http:", 1));
            Use { file: "`.yarnrc.yml`", registry, is_own }
        });
        used.collect::<Vec<_>>()
    };
    texts(destination).into_iter().flat_map(of_file).collect()
}

fn of_scope(settings: &[Setting], scope: &str) -> Option<String> {
    REGISTRIES.iter().find_map(|key| {
        let path = ["npmScopes", scope, *key];
        settings.iter().find(|(keys, _)| keys.iter().eq(path)).map(|(_, value)| value.clone())
    })
}

/// The settings of each file that yarn reads, the nearest first.
fn texts(destination: &Destination<'_>) -> Vec<Vec<Setting>> {
    let name = destination.cx.environment().get("YARN_RC_FILENAME").unwrap_or(".yarnrc.yml");
    files(name, &[], destination).iter().map(|text| flattened(text)).collect()
}

/// A map or a list that is being read.
enum Open {
    /// With the key whose value is next, if that is next.
    Map(Option<String>),
    List,
}

/// The texts of a document with the keys that lead to them, as far as it can be read.
fn flattened(text: &str) -> Vec<Setting> {
    let mut found = Vec::new();
    let mut open: Vec<Open> = Vec::new();
    for event in Parser::new_from_str(text).take(MAX_EVENTS) {
        let Ok((event, _)) = event else { break };
        match event {
            Event::MappingStart(..) | Event::SequenceStart(..) if open.len() == MAX_DEPTH => break,
            Event::MappingStart(..) => open.push(Open::Map(None)),
            Event::SequenceStart(..) => open.push(Open::List),
            Event::MappingEnd | Event::SequenceEnd => {
                open.pop();
                value_is_read(&mut open);
            }
            Event::Scalar(value, ..) => match open.last_mut() {
                Some(Open::Map(key @ None)) => *key = Some(value.into_owned()),
                _ => {
                    found.push((keys(&open), value.into_owned()));
                    value_is_read(&mut open);
                }
            },
            Event::Alias(_) => value_is_read(&mut open),
            _ => {}
        }
    }
    found
}

fn keys(open: &[Open]) -> Vec<String> {
    let key = |open: &Open| match open {
        Open::Map(key) => key.clone(),
        Open::List => None,
    };
    open.iter().filter_map(key).collect()
}

/// The innermost map's next text is a key.
fn value_is_read(open: &mut [Open]) {
    if let Some(Open::Map(key)) = open.last_mut() {
        *key = None;
    }
}
