//! The words of a command: the publish tool that it is, and the certainty with which they ask for an upload.

use std::ffi::{OsStr, OsString};
use std::path::Path;

/// The programs that are told where to publish, each in its way; any other may run one of them.
pub(crate) const TOOLS: &[&str] = &[
    "twine", "uv", "maturin", "flit", "hatch", "pdm", "poetry", "npm", "pnpm", "yarn", "bun", "cargo", "gem",
    "ovsx", "vsce",
];

/// Further names of some of them.
const OTHER_NAMES: [(&str, &str); 3] = [("yarnpkg", "yarn"), ("npm-cli", "npm"), ("pn", "pnpm")];

/// Programs that do nothing but run the one that their words name.
const LAUNCHERS: &[&str] = &[
    "python", "py", "node", "ruby", "npx", "pnpx", "pnx", "bunx", "uvx", "pipx", "corepack", "bundle",
    "rbenv", "pyenv", "asdf", "volta", "fnm", "nvm", "mise", "direnv", "dotenv", "dotenvx", "doppler", "op",
    "env", "time", "nice", "ionice", "nohup", "setsid", "rustup", "stdbuf", "unbuffer", "chronic",
    "xvfb-run", "sudo", "timeout",
];

/// The words by which a tool is told to upload, and those by which it is told to run something else.
const UPLOADS: [&str; 3] = ["publish", "upload", "push"];
const RUNS: [&str; 5] = ["run", "run-script", "exec", "dlx", "x"];

/// The words after which the next one is a value and no command.
const WITH_VALUE: [(&[&str], &[&str]); 5] = [
    (&["npm"], &["-w", "--workspace", "--tag", "--otp", "--access", "--registry", "--prefix", "-C"]),
    (
        &["pnpm"],
        &[
            "-F",
            "--filter",
            "--filter-prod",
            "-C",
            "--dir",
            "--tag",
            "--otp",
            "--access",
            "--registry",
            "--test-pattern",
            "--changed-files-ignore-pattern",
            "--loglevel",
            "--reporter",
            "--workspace-concurrency",
            "--publish-branch",
            "--resume-from",
            "--userconfig",
            "--globalconfig",
        ],
    ),
    (&["yarn"], &["workspace", "--cwd", "--include", "--exclude", "--from", "--since", "-j", "--jobs"]),
    (&["bun"], &["--cwd", "--config", "-c", "--env-file", "--tag", "--otp", "--access", "--registry"]),
    (
        &["cargo", "poetry", "pdm", "uv", "hatch", "maturin"],
        &["-C", "-p", "-P", "-c", "--config", "--directory", "--project", "--config-file"],
    ),
];

/// Options without a value, after which the next word is a command.
const FLAGS: &[&str] = &[
    "--silent",
    "-s",
    "--quiet",
    "-q",
    "--recursive",
    "-r",
    "-w",
    "--if-present",
    "--workspaces",
    "--ws",
    "-ws",
    "--include-workspace-root",
    "--iwr",
    "--workspace-root",
    "--parallel",
    "--sequential",
    "--stream",
    "--aggregate-output",
    "--fail-if-no-match",
    "--ignore-scripts",
    "--offline",
    "--all",
    "--verbose",
    "--topological",
    "--topological-dev",
    "--worktree",
    "--interlaced",
    "--bun",
    "--yes",
    "-y",
];

/// The certainty with which the words of a command ask for an upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Upload<'a> {
    No,
    /// A word that would be another command may be the value of an option that is not known.
    Perhaps {
        option: &'a str,
        word: &'a str,
    },
    Yes,
}

/// The tool among the words of a command, and its place: the program itself, or the one that it runs and does nothing else.
pub(crate) fn called(command: &[OsString]) -> Option<(usize, &'static str)> {
    let program = command.first()?;
    let Some(tool) = tool(program) else {
        bare(program).filter(|name| LAUNCHERS.contains(&name.as_str()))?;
        let (at, tool) = run_by(command, 1)?;
        return Some(further(command, at, tool));
    };
    Some(further(command, 0, tool))
}

/// The tool that a tool certainly runs in turn, as in `uv run twine`, or itself.
fn further(command: &[OsString], at: usize, tool: &'static str) -> (usize, &'static str) {
    let mut before = "";
    for (place, word) in command.iter().enumerate().skip(at + 1) {
        let word = word.to_str().unwrap_or_default();
        if UPLOADS.contains(&word) {
            break;
        }
        if is_run(word, before, tool) == Some(true) {
            let next = run_by(command, place + 1);
            return next.map_or((at, tool), |(at, tool)| further(command, at, tool));
        }
        before = word;
    }
    (at, tool)
}

/// Returns `true` for a word by which a tool is told to run something else, and `false` where it may be the value of the option before
/// it; `None` for every other word.
fn is_run(word: &str, before: &str, tool: &str) -> Option<bool> {
    let mut of_tool = WITH_VALUE.iter().filter(|(tools, _)| tools.contains(&tool));
    let is_value = of_tool.any(|(_, options)| options.contains(&before));
    let is_certain = !before.starts_with('-') || is_flag(before, tool);
    (RUNS.contains(&word) && !is_value).then_some(is_certain)
}

/// The tool that the words from a place on name first, behind options, their values, variables and numbers.
fn run_by(command: &[OsString], from: usize) -> Option<(usize, &'static str)> {
    let mut is_value = false;
    for (at, word) in command.iter().enumerate().skip(from) {
        let word = word.to_str()?;
        if let Some(tool) = tool(word.as_ref()).or_else(|| module(word)) {
            return Some((at, tool));
        }
        let is_option = word.starts_with('-');
        let is_launcher = || bare(word.as_ref()).is_some_and(|name| LAUNCHERS.contains(&&*name));
        let is_passed_over =
            is_option || is_value || RUNS.contains(&word) || is_setting(word) || is_launcher();
        if !is_passed_over {
            return None;
        }
        // The toolchain stands between `rustup run` and its command.
        is_value = is_option || RUNS.contains(&word) && bare(command.first()?)? == "rustup";
    }
    None
}

/// The tool in a word of Python's options, as in `-mtwine`.
fn module(word: &str) -> Option<&'static str> {
    let (_, module) = word.strip_prefix('-').filter(|options| !options.starts_with('-'))?.split_once('m')?;
    tool(module.as_ref())
}

/// Returns `true` for `NAME=value`, for a number with a unit or without, and for the working directory.
fn is_setting(word: &str) -> bool {
    word == "." || word.contains('=') || word.starts_with(|c: char| c.is_ascii_digit())
}

/// The tool that a program is, if it is one that is known: by its name alone, or with a version or an extension, as in `gem3.1`,
/// `npm@11` and `yarn-4.18.1.cjs`.
fn tool(program: &OsStr) -> Option<&'static str> {
    let bare = bare(program)?;
    let other = OTHER_NAMES.iter().find(|(other, _)| *other == bare);
    let bare = other.map_or(&*bare, |(_, tool)| tool);
    TOOLS.iter().copied().find(|tool| *tool == bare)
}

/// The name of a program without its folder, its extension and its version.
fn bare(program: &OsStr) -> Option<String> {
    let name = Path::new(program).file_name()?.to_str()?.to_ascii_lowercase();
    let name = name.split_once('@').map_or(name.as_str(), |(name, _)| name);
    let is_extension = |text: &str| text.starts_with(|c: char| c.is_ascii_alphabetic());
    let stem = name.rsplit_once('.').filter(|(_, extension)| is_extension(extension));
    let stem = stem.map_or(name, |(stem, _)| stem);
    Some(stem.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | '-')).to_owned())
}

/// The upload that a tool's arguments tell it, unless they tell it to run something else before.
pub(crate) fn upload<'a>(tool: &str, arguments: impl Iterator<Item = &'a str>) -> Upload<'a> {
    let (mut before, mut found) = ("", Upload::Yes);
    for argument in arguments {
        if UPLOADS.contains(&argument) || is_short(argument, tool) {
            return found;
        }
        match is_run(argument, before, tool) {
            Some(true) => return Upload::No,
            Some(false) => found = Upload::Perhaps { option: before, word: argument },
            None => {}
        }
        before = argument;
    }
    Upload::No
}

/// Returns `true` for an option that is known to have no value in the next word.
fn is_flag(option: &str, tool: &str) -> bool {
    let is_cluster = || tool == "yarn" && !option.starts_with("--") && !option.ends_with('j');
    FLAGS.contains(&option) || option.starts_with("--no-") || option.contains('=') || is_cluster()
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
