//! The words of a command: the publish tool that it is, and whether it is an upload.

use std::ffi::OsString;
use std::path::Path;

/// The programs that are told where to publish, each in its way; any other may run one of them.
const TOOLS: &[&str] = &[
    "twine", "uv", "maturin", "flit", "hatch", "pdm", "poetry", "npm", "pnpm", "yarn", "bun", "cargo", "gem",
    "ovsx", "vsce",
];

/// Further names of some of them.
const OTHER_NAMES: [(&str, &str); 2] = [("yarnpkg", "yarn"), ("npm-cli", "npm")];

/// The words by which a tool is told to upload, and those by which it is told to run something else.
const UPLOADS: [&str; 3] = ["publish", "upload", "push"];
const RUNS: [&str; 5] = ["run", "run-script", "exec", "dlx", "x"];

/// The words after which the next one is a value and no command.
const WITH_VALUE: [(&[&str], &[&str]); 4] = [
    (&["npm"], &["-w", "--workspace", "--tag", "--otp", "--access", "--registry", "--prefix", "-C"]),
    (
        &["pnpm"],
        &["-F", "--filter", "--filter-prod", "-C", "--dir", "--tag", "--otp", "--access", "--registry"],
    ),
    (&["yarn"], &["workspace", "--cwd"]),
    (
        &["cargo", "poetry", "pdm", "uv", "hatch", "maturin"],
        &["-C", "-p", "-P", "-c", "--config", "--directory", "--project", "--config-file"],
    ),
];

/// Options without a value, after which the next word is a command.
const FLAGS: [&str; 8] = ["--silent", "-s", "--quiet", "-q", "--recursive", "-r", "-w", "--if-present"];

/// The certainty with which the words of a command ask for an upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Upload {
    No,
    /// A word that would be another command may be the value of an option that is not known.
    Perhaps,
    Yes,
}

/// The tool that a program is, if it is one that is known: by its name alone, or with a version or an extension, as in `gem3.1` and
/// `yarn-4.18.1.cjs`.
pub(super) fn tool(program: &OsString) -> Option<&'static str> {
    let name = Path::new(program).file_name()?.to_str()?.to_ascii_lowercase();
    let is_extension = |text: &str| text.starts_with(|c: char| c.is_ascii_alphabetic());
    let stem = name.rsplit_once('.').filter(|(_, extension)| is_extension(extension));
    let stem = stem.map_or(name.as_str(), |(stem, _)| stem);
    let bare = stem.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | '-'));
    let other = OTHER_NAMES.iter().find(|(other, _)| *other == bare);
    let bare = other.map_or(bare, |(_, tool)| tool);
    TOOLS.iter().copied().find(|tool| *tool == bare)
}

/// The upload that a tool's arguments tell it, unless they tell it to run something else before.
pub(super) fn upload<'a>(tool: &str, arguments: impl Iterator<Item = &'a str>) -> Upload {
    let with_value = WITH_VALUE.iter().find(|(tools, _)| tools.contains(&tool));
    let with_value = with_value.map_or(&[][..], |(_, options)| options);
    let (mut before, mut found) = ("", Upload::Yes);
    for argument in arguments {
        if UPLOADS.contains(&argument) || is_short(argument, tool) {
            return found;
        }
        if RUNS.contains(&argument) && !with_value.contains(&before) {
            if !before.starts_with('-') || FLAGS.contains(&before) {
                return Upload::No;
            }
            found = Upload::Perhaps;
        }
        before = argument;
    }
    Upload::No
}

/// Returns `true` if a tool takes a word for the beginning of the one that tells it to upload.
fn is_short(argument: &str, tool: &str) -> bool {
    let whole = match tool {
        "npm" => "publish",
        "gem" => "push",
        _ => return false,
    };
    argument.len() > 1 && whole.starts_with(argument)
}
