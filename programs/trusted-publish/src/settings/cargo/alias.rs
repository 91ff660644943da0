//! The aliases of cargo's settings, which make other words of a command a publish.

use std::borrow::Cow;
use std::ffi::OsString;

use oidc_core::Context;

use super::files::{Alias, of_files};

/// An alias may stand for another so many times.
const MAX_DEPTH: usize = 8;

/// cargo's options, before its own commands, that have a value in the next word.
const WITH_VALUE: [&str; 5] = ["--config", "--color", "-C", "-Z", "--manifest-path"];

/// A command of cargo's, whose own name is at a place, with the words that its alias stands for.
pub(crate) fn expanded<'a>(command: &'a [OsString], place: usize, cx: &Context) -> Cow<'a, [OsString]> {
    let mut command = Cow::Borrowed(command);
    for _ in 0..MAX_DEPTH {
        let Some((at, name)) = own_command(&command, place).filter(|(_, name)| name != "publish") else {
            break;
        };
        let Some(words) = words(&name, cx) else { break };
        command.to_mut().splice(at..=at, words.into_iter().map(OsString::from));
    }
    command
}

/// cargo's own command among the words, and its place.
fn own_command(command: &[OsString], place: usize) -> Option<(usize, String)> {
    let mut is_value = false;
    for (at, word) in command.iter().enumerate().skip(place + 1) {
        let word = word.to_str()?;
        match is_value {
            true => is_value = false,
            false if word.starts_with(['-', '+']) => is_value = WITH_VALUE.contains(&word),
            false => return Some((at, word.to_owned())),
        }
    }
    None
}

/// The words that an alias stands for: a variable's before a file's.
fn words(name: &str, cx: &Context) -> Option<Vec<String>> {
    let variable = format!("CARGO_ALIAS_{}", name.to_ascii_uppercase().replace('-', "_"));
    let of_variable = cx.environment().get(&variable).map(|text| Alias::Text(text.to_owned()));
    let alias = of_variable.or_else(|| of_files(cx).find_map(|mut settings| settings.alias.remove(name)));
    alias.map(Alias::into_words)
}
