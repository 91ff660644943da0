//! The job that a publisher accepts, as the platform's own configuration, ready to be copied.

use oidc_core::{Audience, HttpUrl};
use oidc_exchange::{crates_io, npm, pypi, rubygems};

use super::draft::Draft;
use crate::config::Ecosystem;

/// A job as it must look.
pub(super) struct Snippet {
    /// The file to put it into.
    pub(super) file: String,
    pub(super) text: String,
    /// The notes about what the file can't express.
    pub(super) notes: Vec<String>,
}

/// The steps that publish a package of an ecosystem, and the variable that its tools read an identity token from.
struct Steps {
    commands: Vec<String>,
    variable: &'static str,
    note: &'static str,
}

impl Snippet {
    pub(super) fn of(public_url: &HttpUrl, ecosystem: Ecosystem, draft: &Draft) -> Self {
        let steps = steps(public_url, ecosystem);
        let mut snippet = match draft.provider.id() {
            "github" => github(draft, &steps),
            "gitlab" => gitlab(draft, &steps, &audiences(public_url, ecosystem)),
            "circleci" => circleci(draft, &steps, &audiences(public_url, ecosystem)),
            _ => other(draft, &steps, &audiences(public_url, ecosystem)),
        };
        snippet.notes.push(steps.note.to_owned());
        snippet
    }
}

fn audiences(public_url: &HttpUrl, ecosystem: Ecosystem) -> Option<Audience> {
    ecosystem.audiences(public_url).ok()?.into_iter().next()
}

fn steps(public_url: &HttpUrl, ecosystem: Ecosystem) -> Steps {
    let root = ecosystem.root(public_url);
    let of = |commands: &[String], variable, note| Steps { commands: commands.to_vec(), variable, note };
    let exec = |protocol: &str, command: &str| {
        format!("trusted-publish exec --registry {protocol} --url {root} -- {command}")
    };
    match ecosystem {
        Ecosystem::Npm => of(
            &[format!("npm publish --registry {root}")],
            npm::TOKEN_VARIABLE,
            "npm needs version 11.5.1 or later: `npm install --global npm@latest`.",
        ),
        Ecosystem::Pypi => of(
            &["uv build".to_owned(), format!("uv publish --trusted-publishing always --publish-url {root}")],
            pypi::TOKEN_VARIABLE,
            "The job needs `uv`.",
        ),
        Ecosystem::Cargo => of(
            &[exec("crates-io", "cargo publish --registry REGISTRY")],
            crates_io::TOKEN_VARIABLE,
            "The job needs `trusted-publish`. `REGISTRY` is the name of this registry in `.cargo/config.toml`.",
        ),
        Ecosystem::Rubygems => of(
            &[
                "gem build --output built.gem".to_owned(),
                exec("rubygems", &format!("gem push --host {root} built.gem")),
            ],
            rubygems::TOKEN_VARIABLE,
            "The job needs `trusted-publish`.",
        ),
    }
}

/// A text as YAML has it: a JSON text is one.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Lines, each behind a margin.
fn lines(margin: &str, lines: impl IntoIterator<Item = String>) -> String {
    lines.into_iter().map(|line| format!("{margin}{line}\n")).collect()
}

fn github(draft: &Draft, steps: &Steps) -> Snippet {
    let on = match draft.text("event") {
        "release" => "  release:\n    types: [published]\n",
        "workflow_dispatch" => "  workflow_dispatch:\n",
        _ => "  push:\n    tags: [\"v*\"]\n",
    };
    let environment = match draft.text("environment") {
        "" => String::new(),
        name => format!("    environment: {}\n", quoted(name)),
    };
    let runner =
        if draft.text("runner_environment") == "self-hosted" { "self-hosted" } else { "ubuntu-latest" };
    let run = lines("      - run: ", steps.commands.iter().cloned());
    let text = format!(
        "on:\n{on}jobs:\n  publish:\n    runs-on: {runner}\n{environment}    permissions:\n      contents: read\n      \
         id-token: write\n    steps:\n      - uses: actions/checkout@v4\n{run}"
    );
    let mut notes = vec![
        "`id-token: write` lets the job ask for an identity token. No secret is stored anywhere.".to_owned(),
    ];
    if !environment.is_empty() {
        notes.push("The environment is made in the repository's settings, where its reviewers and branches are limited.".to_owned());
    }
    if !draft.text("job_workflow").is_empty() {
        notes.push("The job itself stands in the called workflow; the caller passes `permissions: id-token: write` on.".to_owned());
    }
    Snippet { file: format!(".github/workflows/{}", draft.text("workflow")), text, notes }
}

fn gitlab(draft: &Draft, steps: &Steps, audience: &Option<Audience>) -> Snippet {
    let environment = match draft.text("environment") {
        "" => String::new(),
        name => format!("  environment: {}\n", quoted(name)),
    };
    let audience = audience.as_ref().map_or_else(String::new, |audience| quoted(audience.as_str()));
    let script = lines("    - ", steps.commands.iter().cloned());
    let variable = steps.variable;
    let text = format!(
        "publish:\n  rules:\n    - if: $CI_COMMIT_TAG\n{environment}  id_tokens:\n    {variable}:\n      aud: {audience}\n  \
         script:\n{script}"
    );
    let note =
        "GitLab makes the identity token before the job begins, for the audience that stands in `aud`.";
    Snippet { file: draft.text("ci_config").to_owned(), text, notes: vec![note.to_owned()] }
}

fn circleci(draft: &Draft, steps: &Steps, audience: &Option<Audience>) -> Snippet {
    let line = audience.as_ref().and_then(|audience| draft.provider.variable_line(steps.variable, audience));
    let commands = line.into_iter().chain(steps.commands.iter().cloned());
    let run = lines("            ", commands);
    let text = format!(
        "jobs:\n  publish:\n    docker:\n      - image: cimg/base:current\n    steps:\n      - checkout\n      - run:\n          \
         command: |\n{run}"
    );
    let mut notes = Vec::new();
    if !draft.text("context_ids").is_empty() {
        notes.push(
            "The workflow gives the job the contexts that the publisher asks for, with `context:`."
                .to_owned(),
        );
    }
    Snippet { file: ".circleci/config.yml".to_owned(), text, notes }
}

fn other(draft: &Draft, steps: &Steps, audience: &Option<Audience>) -> Snippet {
    let line = audience.as_ref().and_then(|audience| draft.provider.variable_line(steps.variable, audience));
    let text = lines("", line.into_iter().chain(steps.commands.iter().cloned()));
    let audience = audience.as_ref().map_or("", Audience::as_str);
    let note = format!(
        "The job's identity token is for the audience `{audience}`, in the variable `{}`.",
        steps.variable
    );
    Snippet { file: format!("the job on {}", draft.provider.title()), text, notes: vec![note] }
}
