//! The registry at which npm, pnpm, yarn or bun itself would publish, by its own dry run.
//!
//! Each chooses it by options that may be cut short, settings, the manifests of members of a workspace and those in tarballs, by rules that
//! change with its versions. The same command is run with `--dry-run` beforehand, without a token and without the package's scripts; and
//! without the network, unless npm says nothing then, as it does of a tarball at another host. Each member of a workspace that `yarn
//! workspaces foreach` publishes would run its scripts, so that yarn is asked for a single package.
//!
//! Seen with npm 11.21, pnpm 10.34, which runs npm, pnpm 12.21, yarn 4.18 and bun 1.4: a package's registry stands in the output after
//! [`SAYS`].

use std::ffi::{OsStr, OsString};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, BufReader};

use super::child::PreparedCommand;
use super::words::Upload;
use crate::destination::Destination;
use crate::shown_url::without_credentials;

/// A tool, and its dry run.
struct Asked {
    tool: &'static str,
    /// The options of the dry run. The last of several that contradict each other counts.
    options: &'static [&'static str],
    /// Options of the command that are left out of it.
    without: &'static [&'static str],
    /// Options of the command that are left out of it with their values. pnpm 12 takes none twice.
    replaced: &'static [&'static str],
    variables: &'static [(&'static str, &'static str)],
    /// The value of [`OFFLINE`] in each run, of which the first that names a registry counts.
    offline: &'static [&'static str],
}

const ASKED: [Asked; 4] = [
    Asked {
        tool: "npm",
        // By the last one it asks no registry for the package's versions.
        options: &["--dry-run", "--ignore-scripts", "--loglevel=notice", "--force"],
        without: &[],
        replaced: &[],
        variables: OF_NPM,
        offline: &["true", "false"],
    },
    Asked {
        tool: "pnpm",
        // The last one as npm's: `--recursive` would ask.
        options: &["--dry-run", "--ignore-scripts", "--loglevel=info", "--reporter=append-only", "--force"],
        without: &["--json", "--silent", "-s"],
        replaced: &["--loglevel", "--reporter"],
        variables: OF_PNPM,
        // pnpm publishes no tarball of another host.
        offline: &["true"],
    },
    Asked {
        tool: "yarn",
        // By the last one it asks the registry before it runs scripts, and gets no answer.
        options: &["--dry-run", "--tolerate-republish"],
        without: &["--json"],
        replaced: &[],
        variables: &[("YARN_ENABLE_NETWORK", "false"), ("YARN_ENABLE_COLORS", "false")],
        offline: &["true"],
    },
    Asked {
        tool: "bun",
        options: &["--dry-run", "--ignore-scripts"],
        without: &["--silent", "--quiet"],
        replaced: &[],
        // It says nothing without one, and sends none.
        variables: &[("BUN_CONFIG_TOKEN", "dry-run")],
        offline: &["true"],
    },
];

/// Variables that keep npm from exchanging a token, and have it say what it does.
const OF_NPM: &[(&str, &str)] = &[("CI", "false"), ("npm_config_loglevel", "notice")];
/// The same for pnpm, which runs npm before version 11, and the variable that keeps later ones from requests.
const OF_PNPM: &[(&str, &str)] =
    &[("CI", "false"), ("npm_config_loglevel", "notice"), ("pnpm_config_offline", "true")];
/// The variable that keeps npm from requests.
const OFFLINE: &str = "npm_config_offline";
/// The words before the registry, the second for a publish that waits for approval, the third bun's, the last pnpm's.
const SAYS: [&str; 4] = ["Publishing to ", "Staging to ", "Registry: ", "\u{2192} "];
/// The word after which there are no options.
const END: &str = "--";
/// So many bytes of a tool's output are read.
const MAX_OUTPUT: u64 = 64 << 20;
/// A line of it may have this many bytes, to count.
const MAX_LINE: u64 = 16 << 10;
/// The time that a tool may take to answer before the command.
pub(crate) const DEADLINE: Duration = Duration::from_secs(120);

/// The answer of a dry run.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It names no other registry than the destination, or the tool is not asked.
    Own,
    /// It names this one.
    Other(String),
    /// There was none in time, or more than is read.
    Unread,
}

/// The registry other than the destination at which the tool says that it would publish.
pub(crate) async fn other_registry(run: &PreparedCommand<'_>, destination: &Destination<'_>) -> Answer {
    let Some(asked) = asked(destination) else { return Answer::Own };
    let command = asked.dry(run.command, destination.program().len());
    for offline in asked.offline {
        let Some(registries) = asked.ask(run, &command, offline, destination).await else {
            return Answer::Unread;
        };
        if !registries.is_empty() {
            let other = registries.into_iter().find(|registry| !destination.is(registry));
            return other.map_or(Answer::Own, Answer::Other);
        }
    }
    Answer::Own
}

/// The tool of the command, if it is asked. A command that may be a script of the user's is not run for nothing.
fn asked(destination: &Destination<'_>) -> Option<&'static Asked> {
    let tool = destination.tool().filter(|_| destination.upload() == Upload::Yes)?;
    // With yarn, `publish` alone is a script.
    let is_script = || tool == "yarn" && !destination.has_words(&["npm", "publish"]);
    ASKED.iter().find(|asked| asked.tool == tool && !is_script() && !destination.has_words(&["foreach"]))
}

impl Asked {
    /// The command as a dry run. The tool's own arguments begin at a place.
    fn dry(&self, command: &[OsString], arguments: usize) -> Vec<OsString> {
        let mut words = command.iter().enumerate().skip(arguments);
        let end = words.find(|(_, word)| *word == OsStr::new(END)).map_or(command.len(), |(at, _)| at);
        let (before, after) = command.split_at_checked(end).unwrap_or((command, &[]));
        let options = self.options.iter().map(OsString::from);
        self.kept(before).cloned().chain(options).chain(after.iter().cloned()).collect()
    }

    /// The words of the command that are not left out of the dry run.
    fn kept<'a>(&self, words: &'a [OsString]) -> impl Iterator<Item = &'a OsString> {
        let mut is_value = false;
        words.iter().filter(move |word| {
            let text = word.to_str().unwrap_or_default();
            let name = text.split('=').next().unwrap_or_default();
            let is_replaced = self.replaced.contains(&name);
            let is_left_out = self.without.contains(&text) || self.options.contains(&text);
            let is_value = std::mem::replace(&mut is_value, is_replaced && name == text);
            !(is_value || is_replaced || is_left_out)
        })
    }

    /// The registries that the dry run names; `None` where not all of its output was read.
    async fn ask(
        &self,
        run: &PreparedCommand<'_>,
        command: &[OsString],
        offline: &str,
        destination: &Destination<'_>,
    ) -> Option<Vec<String>> {
        let mut command = run.without_token(command);
        command.envs(self.variables.iter().copied()).env(OFFLINE, offline);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // A command that can't be started publishes nothing.
        let Ok(mut child) = command.kill_on_drop(true).spawn() else { return Some(Vec::new()) };
        let (output, errors) = (child.stdout.take()?, child.stderr.take()?);
        let both = async { tokio::join!(registries(output), registries(errors)) };
        tokio::select! {
            (output, errors) = both => Some([output?, errors?].concat()),
            () = destination.cx.clock().sleep(DEADLINE) => None,
        }
    }
}

/// The registries that an output names; `None` where it is longer than is read.
async fn registries(output: impl AsyncRead + Unpin) -> Option<Vec<String>> {
    let mut output = BufReader::new(output.take(MAX_OUTPUT));
    let mut found = Vec::new();
    let mut line = Vec::new();
    while (&mut output).take(MAX_LINE).read_until(b'\n', &mut line).await.is_ok_and(|read| read > 0) {
        found.extend(in_line(&String::from_utf8_lossy(&line)));
        line.clear();
    }
    (output.get_ref().limit() > 0).then_some(found)
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
            let tool =
                command.first().and_then(|tool| ASKED.iter().find(|asked| asked.tool == tool)).unwrap();
            (tool.dry(&command, 1).join(OsStr::new(" ")).into_string().unwrap(), tool.options.join(" "))
        };
        for (command, expected) in [
            (&["npm", "publish", "--no-dry-run"][..], "npm publish --no-dry-run @"),
            (&["npm", "publish", "--", "a"], "npm publish @ -- a"),
            (&["pnpm", "--reporter", "silent", "publish", "--loglevel=error", "--dry-run"], "pnpm publish @"),
            (&["yarn", "npm", "publish", "--json"], "yarn npm publish @"),
            (&["bun", "--silent", "publish"], "bun publish @"),
        ] {
            let (dry, options) = dry(command);
            assert_eq!(dry, expected.replace('@', &options));
        }
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
            ("Registry: https://r.example/a/\n", &["https://r.example/a/"]),
            ("\u{1f4e6} @acme/widget@1.0.0 \u{2192} https://r.example/a/", &["https://r.example/a/"]),
            ("\u{27a4} YN0000: Publishing to https://r.example/a with tag latest", &["https://r.example/a"]),
            ("npm notice Publishing to nowhere", &[]),
            ("npm notice 1 kB https://r.example", &[]),
        ] {
            assert_eq!(in_line(line).collect::<Vec<_>>(), expected, "{line}");
        }
    }
}
