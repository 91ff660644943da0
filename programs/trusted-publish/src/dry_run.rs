//! The registry at which npm or pnpm itself would publish, by its own dry run.
//!
//! Both choose it by options that may be cut short, settings, the manifests of members of a workspace and those in tarballs, by rules that
//! change with their versions. The same command is run with `--dry-run` beforehand, without a token and without the package's scripts; and
//! without the network, unless npm says nothing then, as it does of a tarball at another host.
//!
//! Seen with npm 11.21 and pnpm 10.34, which runs npm: each package's registry stands on standard error after [`SAYS`].

use std::ffi::{OsStr, OsString};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::ChildStderr;

use super::child::PreparedCommand;
use super::command_words::Upload;
use super::destination::Destination;
use super::shown_url::without_credentials;

/// The words before the registry, the latter for a publish that waits for approval.
const SAYS: [&str; 2] = ["Publishing to ", "Staging to "];
/// The options of a dry run. The last of several that contradict each other counts.
const OPTIONS: [&str; 3] = ["--dry-run", "--ignore-scripts", "--loglevel=notice"];
/// Another option of npm's, by which it asks no registry for the package's versions.
const FORCE: &str = "--force";
/// The word after which there are no options.
const END: &str = "--";
/// Variables that keep npm from exchanging a token, and have it say what it does.
const VARIABLES: [(&str, &str); 2] = [("CI", "false"), ("npm_config_loglevel", "notice")];
/// The variable that keeps it from requests.
const OFFLINE: &str = "npm_config_offline";
/// So many bytes of a tool's output are read.
const MAX_OUTPUT: u64 = 64 << 20;
/// A line of it may have this many bytes, to count.
const MAX_LINE: u64 = 16 << 10;
/// The time that a tool may take to answer before the command.
pub(super) const DEADLINE: Duration = Duration::from_secs(120);

/// The registry other than the destination at which the tool says that it would publish. `None` as well where it says nothing.
pub(super) async fn other_registry(
    run: &PreparedCommand<'_>,
    destination: &Destination<'_>,
) -> Option<String> {
    // A command that may be a script of the user's is not run for nothing.
    let is_asked = |tool: &&str| ["npm", "pnpm"].contains(tool) && destination.upload() == Upload::Yes;
    let tool = destination.tool().filter(is_asked)?;
    let command = dry(run.command, tool)?;
    // pnpm publishes no tarball of another host.
    let offline: &[&str] = if tool == "npm" { &["true", "false"] } else { &["true"] };
    for offline in offline {
        let registries = ask(run, &command, offline, destination).await?;
        if !registries.is_empty() {
            return registries.into_iter().find(|registry| !destination.is(registry));
        }
    }
    None
}

/// The registries that the dry run names.
async fn ask(
    run: &PreparedCommand<'_>,
    command: &[OsString],
    offline: &str,
    destination: &Destination<'_>,
) -> Option<Vec<String>> {
    let mut command = run.without_token(command);
    command.envs(VARIABLES).env(OFFLINE, offline);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.kill_on_drop(true).spawn().ok()?;
    tokio::select! {
        registries = registries(child.stderr.take()?) => Some(registries),
        () = destination.cx.clock().sleep(DEADLINE) => None,
    }
}

/// The command as a dry run.
fn dry(command: &[OsString], tool: &str) -> Option<Vec<OsString>> {
    let end = command.iter().position(|word| word == OsStr::new(END)).unwrap_or(command.len());
    let (before, after) = command.split_at_checked(end)?;
    let options = OPTIONS.iter().chain((tool == "npm").then_some(&FORCE)).map(OsString::from);
    Some(before.iter().cloned().chain(options).chain(after.iter().cloned()).collect())
}

/// The registries that a dry run names.
async fn registries(output: ChildStderr) -> Vec<String> {
    let mut output = BufReader::new(output.take(MAX_OUTPUT));
    let mut found = Vec::new();
    let mut line = Vec::new();
    while (&mut output).take(MAX_LINE).read_until(b'\n', &mut line).await.is_ok_and(|read| read > 0) {
        found.extend(in_line(&String::from_utf8_lossy(&line)));
        line.clear();
    }
    found
}

/// The registries in a line, which may begin with words of the user's own.
fn in_line(line: &str) -> impl Iterator<Item = String> {
    SAYS.into_iter().flat_map(move |says| line.split(says).skip(1)).filter_map(registry)
}

/// The registry at the beginning of a text, without the name and the password that may be before its host.
fn registry(text: &str) -> Option<String> {
    let url = text.split_whitespace().next().filter(|url| url.contains("://"))?;
    Some(without_credentials(url))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dry_runs_options_are_the_last() {
        let dry = |command: &[&str]| {
            let command: Vec<OsString> = command.iter().map(Into::into).collect();
            dry(&command, "pnpm").unwrap().join(OsStr::new(" ")).into_string().unwrap()
        };
        let options = OPTIONS.join(" ");
        assert_eq!(dry(&["npm", "publish", "--no-dry-run"]), format!("npm publish --no-dry-run {options}"));
        assert_eq!(dry(&["npm", "publish", "--", "a"]), format!("npm publish {options} -- a"));
    }

    #[test]
    fn a_registry_is_what_stands_behind_the_words() {
        for (line, expected) in [
            ("npm notice Publishing to https://r.example/a/ with tag latest", &["https://r.example/a/"][..]),
            ("npm notice Publishing to https://a:***@r.example with tag latest", &["https://r.example"]),
            (
                "Publishing to https://a.example Publishing to https://b.example",
                &["https://a.example", "https://b.example"],
            ),
            ("npm notice Staging to https://r.example/ with tag latest", &["https://r.example/"]),
            ("npm notice Publishing to nowhere", &[]),
            ("npm notice 1 kB https://r.example", &[]),
        ] {
            assert_eq!(in_line(line).collect::<Vec<_>>(), expected, "{line}");
        }
    }
}
