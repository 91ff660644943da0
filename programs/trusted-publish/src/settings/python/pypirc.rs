//! The URL that the settings file of twine, flit and maturin gives to the public index's name, which they publish at by default.

use std::path::PathBuf;

use crate::destination::Destination;

/// The file, below the home folder, and the options that name another one.
const FILE: &str = ".pypirc";
const OPTIONS: [&str; 2] = ["--config-file", "--pypirc"];

const SECTION: &str = "pypi";
const KEY: &str = "repository";

/// The URL in the file that the command names, or else in the user's.
pub(crate) fn repository(destination: &Destination<'_>) -> Option<String> {
    let named = OPTIONS.iter().flat_map(|option| destination.values_of(option)).map(PathBuf::from);
    let paths = named.chain(destination.home().map(|home| home.join(FILE)));
    destination.read(paths).first().and_then(|text| in_file(text))
}

fn in_file(text: &str) -> Option<String> {
    let lines = text.lines().map(str::trim);
    let section = lines.skip_while(|line| name(line) != Some(SECTION)).skip(1);
    let mut settings =
        section.take_while(|line| name(line).is_none()).filter_map(|line| line.split_once(['=', ':']));
    let found = settings.find(|(key, _)| key.trim().eq_ignore_ascii_case(KEY));
    found.map(|(_, value)| value.trim().to_owned())
}

/// The name of the section that begins in a line.
fn name(line: &str) -> Option<&str> {
    line.strip_prefix('[')?.split(']').next()
}
