//! Tools that another program runs, and commands of which it is not clear what they are.

use oidc_core::Secret;

use super::super::command::launched;
use super::super::command::words::Upload;
use super::super::ecosystem::Ecosystem;
use super::{Job, OWN, job};

const CORP: &str = "corp";

#[test]
fn a_tool_is_known_behind_the_programs_that_run_it() {
    for (command, expected, publishes) in [
        (&["python3.11", "-m", "twine", "upload", "dist/a.whl"][..], Some("twine"), true),
        (&["python", "-W", "ignore", "-m", "pdm", "publish"], Some("pdm"), true),
        (&["/usr/bin/env", "-u", "X", "A=b", "npm", "publish"], Some("npm"), true),
        (&["npx", "--yes", "npm@11", "publish"], Some("npm"), true),
        (&["corepack", "yarn@4.18.1", "npm", "publish"], Some("yarn"), true),
        (&["timeout", "-k", "5", "10m", "pnpm", "publish"], Some("pnpm"), true),
        (&["node", "/lib/npm/bin/npm-cli.js", "publish"], Some("npm"), true),
        (&["uvx", "--from", "twine==6.1", "twine", "upload", "a.whl"], Some("twine"), true),
        (&["uv", "run", "--with", "x", "twine", "upload"], Some("twine"), true),
        (&["uv", "tool", "run", "hatch", "publish"], Some("hatch"), true),
        (&["poetry", "run", "python", "-m", "twine", "upload"], Some("twine"), true),
        (&["npm", "exec", "--package=pnpm@10", "--", "pnpm", "publish"], Some("pnpm"), true),
        (&["bundle", "exec", "gem", "push", "a.gem"], Some("gem"), true),
        (&["ruby", "-S", "gem", "push", "a.gem"], Some("gem"), true),
        (&["python", "-mpdm", "publish"], Some("pdm"), true),
        (&["python3", "-Imtwine", "upload"], Some("twine"), true),
        (&["rustup", "run", "stable", "cargo", "publish"], Some("cargo"), true),
        (&["yarn", "run", "npm", "publish"], Some("npm"), true),
        (&["env", "npm", "run", "publish"], Some("npm"), false),
        (&["pnpm", "--filter", "x", "--filter", "cargo", "publish"], Some("pnpm"), true),
        (&["pnpm", "--unheard-of", "x", "--filter", "cargo", "publish"], Some("pnpm"), true),
        (&["uv", "run", "publish.py"], Some("uv"), false),
        (&["python", "release.py", "twine", "upload"], None, false),
        (&["sh", "-c", "npm publish"], None, false),
        (&["./npm-release", "npm", "publish"], None, false),
    ] {
        let job = job("npm").run_by(command);
        let (cx, words) = (job.context(), job.command());
        let destination = job.destination(&words, &cx);
        assert_eq!((destination.tool(), destination.publishes()), (expected, publishes), "{command:?}");
    }
}

#[test]
fn a_repository_is_known_by_its_name_behind_the_programs_that_run_the_tool() {
    for command in [
        &["python", "-m", "pdm", "publish", "-r", CORP][..],
        &["uvx", "hatch", "publish", "-r", CORP],
        &["env", "A=b", "pdm", "publish", "--repository=corp"],
    ] {
        assert!(job("pypi").run_by(command).check().is_err(), "{command:?}");
    }
    // The option of another tool is none of these.
    assert!(job("pypi").run_by(&["uv", "run", "-r", "requirements.txt", "pdm", "publish"]).check().is_ok());
}

#[tokio::test]
async fn an_alias_of_cargos_is_known_behind_the_program_that_runs_it() {
    let alias = "[alias]\nrel = \"publish --registry corp\"\n";
    let job = job("crates-io").run_by(&["env", "A=b", "cargo", "rel"]).file(".cargo/config.toml", alias);
    assert!(job.elsewhere().await.iter().all(Option::is_some));
    // Its settings may be those of another folder.
    for command in [&["cargo", "-Zunstable-options", "-C", "sub", "rel"][..], &["cargo", "-Csub", "publish"]]
    {
        assert!(self::job("crates-io").run_by(command).check().is_err(), "{command:?}");
    }
}

#[test]
fn a_word_that_may_be_a_command_is_not_guessed_to_be_none() {
    for (command, unclear) in [
        (&["pnpm", "--unheard-of", "x", "-r", "publish"][..], Some(("--unheard-of", "x"))),
        (&["bun", "--unheard-of", "run", "publish"], Some(("--unheard-of", "run"))),
        (&["pnpm", "--test-pattern", "x", "-r", "publish"], None),
        (&["pnpm", "--test-pattern=x", "-r", "publish"], None),
        (&["npm", "--workspaces", "run", "publish"], None),
        (&["pnpm", "-r", "--no-bail", "run", "publish"], None),
        (&["yarn", "workspaces", "foreach", "-Apt", "run", "publish"], None),
        (&["yarn", "workspaces", "foreach", "--all", "run", "publish"], None),
        (&["yarn", "workspaces", "foreach", "-A", "-j", "x", "npm", "publish"], None),
    ] {
        let job = job("npm").run_by(command);
        let (cx, words) = (job.context(), job.command());
        let found = match job.destination(&words, &cx).upload() {
            Upload::Perhaps { option, word } => Some((option.to_owned(), word.to_owned())),
            _ => None,
        };
        assert_eq!(found, unclear.map(|(option, word)| (option.to_owned(), word.to_owned())), "{command:?}");
    }
}

/// The reason for which the command is not run, by the variables that the programs around its tool change.
async fn changed(job: Job) -> Option<String> {
    let ecosystem = Ecosystem::named(job.registry).unwrap();
    let (cx, command) = (job.context(), job.command());
    let destination = job.destination(&command, &cx);
    let changes = ecosystem.with_token(&Secret::new("fresh"), &destination).await;
    launched::check(&changes, &destination).err().map(|error| error.to_string())
}

#[tokio::test]
async fn a_program_around_the_tool_that_changes_its_variables_is_not_run() {
    for command in [
        &["env", "TWINE_REPOSITORY_URL=https://other.example/", "twine", "upload"][..],
        &["env", "-u", "TWINE_REPOSITORY_URL", "twine", "upload"],
        &["env", "-uTWINE_REPOSITORY_URL", "twine", "upload"],
        &["env", "--unset=twine_repository_url", "twine", "upload"],
        &["/usr/bin/env", "-i", "twine", "upload"],
        &["sudo", "-u", "ci", "twine", "upload"],
        &["sudo", "-uEve", "twine", "upload"],
        &["sudo", "--preserve-env=HOME,PATH", "twine", "upload"],
        &[
            "env",
            "A=https://own.example/a/",
            "TWINE_REPOSITORY_URL=https://other.example/",
            "twine",
            "upload",
        ],
    ] {
        let found = changed(job("pypi").run_by(command)).await.unwrap();
        assert!(found.contains("or pass `--repository-url https://own.example/a/`"), "{command:?}: {found}");
        let told = [command, &["--repository-url", OWN]].concat().leak();
        assert_eq!(changed(job("pypi").run_by(told)).await, None, "{told:?}");
    }
    for command in [
        &["env", "A=b", "twine", "upload"][..],
        &["sudo", "-E", "twine", "upload"],
        &["sudo", "-nEH", "twine", "upload"],
        &["sudo", "--preserve-env", "twine", "upload"],
        &["twine", "upload"],
        &["env", "-u", "TWINE_REPOSITORY_URL", "twine", "--version"],
    ] {
        assert_eq!(changed(job("pypi").run_by(command)).await, None, "{command:?}");
    }
    for command in [&["env", "-S", "A=b twine upload"][..], &["env", "A=b", "--split-string=twine upload"]] {
        assert!(changed(job("pypi").run_by(command)).await.is_some(), "{command:?}");
    }
    assert_eq!(changed(job("pypi").run_by(&["env", "A=b", "twine", "upload", "-S"])).await, None);
    for command in [
        &["env", "-C", "sub", "cargo", "rel"][..],
        &["env", "--chdir=sub", "gem", "push", "a.gem"],
        &["ruby", "-Csub", "-S", "gem", "push", "a.gem"],
        &["uv", "run", "--directory", "sub", "pdm", "publish"],
    ] {
        let found = changed(job("pypi").run_by(command)).await.unwrap();
        assert!(found.contains("run the command in that folder"), "{command:?}: {found}");
    }
    // It is asked in that folder.
    assert_eq!(changed(job("npm").run_by(&["env", "-C", "sub", "npm", "publish"])).await, None);
    let named = ["env", "A=https://own.example/a/", "pdm", "run", "twine", "upload"];
    assert!(changed(job("pypi").run_by(&named)).await.is_some());
    // Programs that set variables of their own accord.
    for command in [
        &["pdm", "run", "twine", "upload"][..],
        &["hatch", "run", "uv", "publish"],
        &["mise", "exec", "--", "uv", "publish"],
        &["direnv", "exec", ".", "uv", "publish"],
    ] {
        let found = changed(job("pypi").run_by(command)).await.unwrap();
        assert!(found.contains(command[0]), "{command:?}: {found}");
        // The tool's own words stand before a variable.
        let option = if command.contains(&"uv") { "--publish-url" } else { "--repository-url" };
        let named = [command, &[option, OWN]].concat().leak();
        assert_eq!(changed(job("pypi").run_by(named)).await, None);
    }
    assert_eq!(changed(job("pypi").run_by(&["uv", "run", "twine", "upload"])).await, None);
}

#[test]
fn a_url_in_any_option_of_a_known_tool_names_a_registry() {
    for (command, is_other) in [
        (&["hatch", "publish", "-o", "repo=https://other.example/"][..], true),
        (&["hatch", "publish", "--option=repo=https://other.example/"], true),
        (&["twine", "upload", "--any-option", "https://other.example/"], true),
        (&["hatch", "publish", "-o", "repo=https://own.example/a/"], false),
        (&["uv", "publish", "--check-url", "https://other.example/simple/"], false),
        (&["uv", "publish", "--check-url=https://other.example/simple/"], false),
        (&["npm", "publish", "https://other.example/a.tgz"], false),
        (&["./release", "--homepage", "https://other.example/"], false),
    ] {
        assert_eq!(job("pypi").run_by(command).check().is_err(), is_other, "{command:?}");
    }
}
