//! The output of `trusted-publish`: its colours, and JSON for programs.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]
// Where `true` is is told by a variable.
#![allow(clippy::disallowed_methods)]

use std::process::{Command, Output};

use serde_json::Value;

const PROGRAM: &str = env!("CARGO_BIN_EXE_tested-trusted-publish");
const STATIC: (&str, &str) = ("NODE_AUTH_TOKEN", "static-hunter2");

/// Runs the program outside of any job.
fn run(variables: &[(&str, &str)], arguments: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(PROGRAM);
    command.args(arguments).current_dir(folder.path()).env_clear().envs(variables.iter().copied());
    command.env("PATH", std::env::var_os("PATH").unwrap()).output().unwrap()
}

/// The objects on the lines of standard error.
fn objects(output: &Output) -> Vec<Value> {
    let err = std::str::from_utf8(&output.stderr).unwrap();
    err.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn npm<'a>(command: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let url = "https://r.example/";
    [&[command, "--registry", "npm", "--url", url, "--package", "widget", "--format", "json"], more].concat()
}

#[test]
fn help_has_colours_for_terminals_alone_and_none_with_no_color() {
    let has_colours = |variables: &[(&str, &str)]| run(variables, &["--help"]).stdout.contains(&0x1b);
    assert!(!has_colours(&[]));
    assert!(has_colours(&[("CLICOLOR_FORCE", "1")]));
    assert!(!has_colours(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]));
}

#[test]
fn a_failure_is_an_object_on_standard_error() {
    let output = run(&[], &npm("token", &["--trusted-publishing", "never"]));
    assert!(!output.status.success() && output.stdout.is_empty());
    let objects = objects(&output);
    let error = objects[0]["error"].as_str().unwrap();
    assert_eq!(objects.len(), 1);
    assert!(error.contains("trusted publishing is switched off"), "{error}");
    assert_eq!(objects[0].get("code"), None);
    let output = run(&[], &npm("token", &["--trusted-publishing", "always"]));
    let failed = self::objects(&output).pop().unwrap();
    assert_eq!(failed["code"], "not-detected", "{failed}");
}

#[test]
fn exec_says_on_standard_error_what_it_does_and_leaves_standard_output_to_the_command() {
    let output = run(&[STATIC], &npm("exec", &["--", "sh", "-c", "echo published"]));
    assert_eq!((output.status.code(), &*output.stdout), (Some(0), b"published\n".as_slice()));
    let objects = objects(&output);
    let message = objects[0]["message"].as_str().unwrap();
    assert!(message.starts_with("using the static credential in NODE_AUTH_TOKEN, since"), "{message}");
}
