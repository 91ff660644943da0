//! The registry at which npm or pnpm itself would publish, by its own dry run.
//!
//! Both choose it by options that may be cut short, settings, the manifests of members of a workspace and those in tarballs, by rules that
//! change with their versions. The same command is run with `--dry-run` beforehand, without a token, without the package's scripts and
//! without the network.
//!
//! Seen with npm 11.21 and pnpm 10.34, which runs npm: each package's registry stands on standard error after [`SAYS`].

use std::ffi::{OsStr, OsString};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::ChildStderr;

use super::child::PreparedCommand;
use super::destination::Destination;

/// The words before the registry.
const SAYS: &str = "Publishing to ";
/// The options of a dry run. The last of several that contradict each other counts.
const OPTIONS: [&str; 3] = ["--dry-run", "--ignore-scripts", "--loglevel=notice"];
/// The word after which there are no options.
const END: &str = "--";
/// Variables that keep npm from requests and from exchanging a token, and have it say what it does.
const VARIABLES: [(&str, &str); 3] =
    [("CI", "false"), ("npm_config_offline", "true"), ("npm_config_loglevel", "notice")];
/// So many bytes of a tool's output are read.
const MAX_OUTPUT: u64 = 64 << 20;
/// A line of it may have this many bytes, to count.
const MAX_LINE: u64 = 16 << 10;
/// The time that a dry run may take.
const DEADLINE: Duration = Duration::from_secs(120);

/// The registry other than the destination at which the tool says that it would publish. `None` as well where it says nothing.
pub(super) async fn other_registry(
    run: &PreparedCommand<'_>,
    destination: &Destination<'_>,
) -> Option<String> {
    let is_asked = matches!(destination.tool(), Some("npm" | "pnpm")) && destination.publishes();
    if !is_asked {
        return None;
    }
    let mut command = run.without_token(&dry(run.command)?);
    command.envs(VARIABLES).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.kill_on_drop(true).spawn().ok()?;
    let registries = tokio::select! {
        registries = registries(child.stderr.take()?) => registries,
        () = destination.cx.clock().sleep(DEADLINE) => return None,
    };
    registries.into_iter().find(|registry| !destination.is(registry))
}

/// The command as a dry run.
fn dry(command: &[OsString]) -> Option<Vec<OsString>> {
    let end = command.iter().position(|word| word == OsStr::new(END)).unwrap_or(command.len());
    let (before, after) = command.split_at_checked(end)?;
    let options = OPTIONS.iter().map(OsString::from);
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
    line.split(SAYS).skip(1).filter_map(registry)
}

/// The registry at the beginning of a text, without the name and the password that may be before its host.
fn registry(text: &str) -> Option<String> {
    let url = text.split_whitespace().next()?;
    let (scheme, rest) = url.split_once("://")?;
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    Some(format!("{scheme}://{host}{path}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dry_runs_options_are_the_last() {
        let dry = |command: &[&str]| {
            let command: Vec<OsString> = command.iter().map(Into::into).collect();
            dry(&command).unwrap().join(OsStr::new(" ")).into_string().unwrap()
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
            ("npm notice Publishing to nowhere", &[]),
            ("npm notice 1 kB https://r.example", &[]),
        ] {
            assert_eq!(in_line(line).collect::<Vec<_>>(), expected, "{line}");
        }
    }
}
