//! The commands of the README and of `docs/`: each is run by a test with the real tool, or marked there as not run.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use ci_issuer::{Changes, GITHUB, Settings};
use needs::needs;
use tests::clients::{Output, Tool};
use tests::http;
use tests::programs;
use tests::scene::{Scene, borrowed, package};
use tokio::net::TcpListener;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// A command, and what runs it: a test, or the script that runs the tests.
const RUN: &[(&str, &str)] = &[
    (
        "npm publish --provenance --access public",
        "clients/npm_provenance.rs npms_provenance_from_github_is_kept_and_npms_audit_verifies_it",
    ),
    (
        "npm audit signatures",
        "clients/npm_provenance.rs npms_provenance_from_github_is_kept_and_npms_audit_verifies_it",
    ),
    (
        "npm publish FILE.tgz",
        "clients/exec_provenance.rs npm_publishes_a_tarball_with_the_provenance_that_exec_signed",
    ),
    ("npm pack", "clients/exec_provenance.rs npm_publishes_a_tarball_with_the_provenance_that_exec_signed"),
    (
        "trusted-publish attest --registry pypi FILE",
        "clients/exec_provenance.rs twine_shows_why_another_files_attestation_is_refused",
    ),
    (
        "ci-issuer --provider github --listen 127.0.0.1:9001 --set environment=publish > job.env",
        "../../programs/ci-issuer/tests/ci_issuer.rs a_github_job_sees_its_variables_and_the_issuer_ends_cleanly",
    ),
    (
        "trusted-publish exec --registry npm --url https://registry.example/ --package @acme/widget -- npm publish",
        "clients/exec.rs npm_publishes_at_the_url_whatever_setup_node_wrote",
    ),
    (
        "trusted-publish doctor --registry npm --url https://registry.example/ --package @acme/widget",
        "clients/npm_settings.rs findings",
    ),
    ("trusted-publish --help", "trusted_publish/token.rs help_names_what_there_is"),
    (
        "ci-issuer --provider github --sigstore DIR",
        "../../programs/ci-issuer/tests/ci_issuer.rs a_sigstore_instance_is_played_beside_the_issuer_and_described_in_a_folder",
    ),
    ("cargo run -p examples --bin demo", ".ci/run cargo run --quiet --locked -p examples --bin demo"),
    ("cargo test --workspace", ".ci/run cargo test --workspace --locked"),
    ("cargo build --bins", ".ci/run cargo test --workspace --locked"),
    (
        "trusted-publish doctor --registry npm --url http://127.0.0.1:4873/ --package @acme/widget",
        "clients/documented.rs the_block_in_the_readme_publishes_with_the_real_npm",
    ),
    (
        "trusted-publish doctor --registry npm --url https://registry.example/ --package @acme/widget \\\n  --publisher \
         repository=acme/widget --publisher workflow=publish.yml",
        "clients/documented.rs the_doctors_command_accepts_a_right_publisher",
    ),
    ("npm publish --dry-run", "clients/npm_settings.rs npm_itself"),
    ("npm publish --loglevel verbose", "clients/documented.rs npm_shows_the_reason_when_it_is_verbose"),
    (
        "npm publish --dry-run --loglevel verbose",
        "clients/documented.rs npm_shows_the_reason_when_it_is_verbose",
    ),
    (
        "npm_config_loglevel=verbose pnpm publish",
        "clients/documented.rs pnpm_shows_the_reason_when_npm_is_verbose",
    ),
    (
        "uv publish --trusted-publishing always",
        "clients/pypi.rs uv_publishes_by_identity_over_https_and_installs",
    ),
    (
        "trusted-publish exec … -- npm publish",
        "clients/exec.rs npm_publishes_at_the_url_whatever_setup_node_wrote",
    ),
    (
        "trusted-publish exec … -- pnpm publish",
        "clients/exec.rs pnpm_12_publishes_at_the_url_whatever_setup_node_wrote",
    ),
    (
        "trusted-publish exec … -- yarn npm publish",
        "clients/exec.rs yarn_publishes_at_the_url_and_nowhere_else",
    ),
    (
        "trusted-publish exec … -- bun publish",
        "clients/exec.rs bun_publishes_at_the_url_whatever_setup_node_wrote",
    ),
    (
        "trusted-publish exec … -- maturin upload FILE",
        "clients/exec.rs maturin_publishes_at_the_url_and_nowhere_else",
    ),
    ("trusted-publish exec … -- pdm publish", "clients/exec.rs pdm_publishes_at_the_url_and_nowhere_else"),
    ("trusted-publish exec … -- flit publish", "clients/exec.rs flit_publishes_at_the_url_and_nowhere_else"),
    (
        "trusted-publish exec … -- hatch publish",
        "clients/exec.rs hatch_publishes_at_the_url_and_nowhere_else",
    ),
    (
        "trusted-publish exec … -- poetry publish -r trusted-publish",
        "clients/exec.rs poetry_publishes_at_the_url_by_the_name_that_it_is_told",
    ),
    (
        "trusted-publish exec … -- cargo publish",
        "clients/exec.rs cargo_publishes_at_the_url_and_nowhere_else",
    ),
    ("trusted-publish exec … -- gem push FILE", "clients/exec.rs gem_publishes_at_the_url_and_nowhere_else"),
    (
        "trusted-publish exec … -- gem push FILE --host URL",
        "clients/exec.rs a_gem_that_names_another_host_goes_to_the_url_that_the_command_names_or_to_nobody",
    ),
    (
        "trusted-publish exec --registry token-exchange --tools npm --url https://registry.example/ \\\n  --audience \
         https://registry.example/-/token-exchange/npm \\\n  --token-endpoint \
         https://registry.example/-/token-exchange/npm/oauth/token -- npm publish",
        "clients/token_exchange.rs npm_and_twine_publish_with_a_token_of_the_registrys_authorization_server",
    ),
    ("trusted-publish exec … -- ovsx publish FILE", "clients/exec_extensions.rs ovsx_publishes_at_the_url"),
    (
        "trusted-publish exec … -- vsce publish --packagePath FILE",
        "clients/exec_extensions.rs vsce_publishes_at_the_url",
    ),
    ("registry --config registry.toml", "../src/programs.rs registry"),
    (
        "registry migrate --config registry.toml --database-file owner.url",
        "registry/postgres.rs a_registry_serves_with_a_role_that_may_create_no_tables",
    ),
    ("cargo publish", "clients/cargo_provider.rs one_token_publishes_a_workspace"),
    (
        "trusted-publish completions SHELL",
        "trusted_publish/workspace.rs completions_and_manual_pages_are_printed",
    ),
    ("trusted-publish man", "trusted_publish/workspace.rs completions_and_manual_pages_are_printed"),
    ("trusted-publish man COMMAND", "trusted_publish/workspace.rs completions_and_manual_pages_are_printed"),
];

/// The beginning of a command, with the words that follow it.
const PROGRAMS: &[&str] = &[
    "cargo",
    "npm",
    "npx",
    "pnpm",
    "yarn",
    "bun",
    "uv",
    "twine",
    "maturin",
    "flit",
    "hatch",
    "pdm",
    "poetry",
    "pip",
    "gem",
    "dotnet",
    "nuget",
    "lerna",
    "dart",
    "deno",
    "vsce",
    "ovsx",
    "rattler-build",
    "mix",
    "docker",
    "kubectl",
    "spire-agent",
    "circleci",
    "buildkite-agent",
    "registry",
    "ci-issuer",
    "trusted-publish",
    "demo",
    // What other tools are run by, and those that pages could name.
    "apt-get",
    "aws",
    "az",
    "bash",
    "brew",
    "bundle",
    "composer",
    "conda",
    "corepack",
    "cosign",
    "curl",
    "env",
    "gcloud",
    "gh",
    "git",
    "glab",
    "gradle",
    "jf",
    "mvn",
    "node",
    "openssl",
    "pipx",
    "psql",
    "python",
    "python3",
    "rake",
    "ruby",
    "sh",
    "sqlite3",
    "sudo",
    "systemctl",
    "uvx",
    "wget",
];
/// The texts that are no commands that a reader runs: a form of a command, or a part.
const FORMS: &[&str] = &[
    "aws sts get-web-identity-token",
    "registry audit",
    "registry migrate",
    "trusted-publish doctor",
    "trusted-publish exec",
    "trusted-publish exec … -- COMMAND",
    "trusted-publish exec …",
    "trusted-publish exec --registry PROTOCOL --url URL",
];

/// The beginning of README's block.
const BUILD: &str = "cargo build --bins\n";

/// The pages that a reader takes commands from.
fn pages() -> Vec<(String, String)> {
    let entries = |folder: &str| {
        let entries = fs::read_dir(Path::new(ROOT).join(folder)).unwrap();
        entries.map(|entry| entry.unwrap().path()).collect::<Vec<_>>()
    };
    let is_page = |path: &std::path::PathBuf| path.extension().is_some_and(|end| end == "md");
    let mut paths = vec![Path::new(ROOT).join("README.md")];
    let folders = entries("docs").into_iter().filter(|path| path.is_dir());
    let below = folders.flat_map(|folder| entries(folder.to_str().unwrap())).collect();
    paths.extend([entries("docs"), below].concat().into_iter().filter(is_page));
    let packages = [entries("."), entries("programs")].concat();
    paths.extend(packages.iter().map(|folder| folder.join("README.md")).filter(|path| path.is_file()));
    let read = |path: &std::path::PathBuf| {
        (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read_to_string(path).unwrap())
    };
    paths.iter().map(read).collect()
}

/// The blocks of a page that a shell reads, each run as a whole.
fn blocks(page: &str) -> Vec<&str> {
    let after = page.split("```sh\n").skip(1);
    after.map(|rest| rest.split("```").next().unwrap().trim_end()).collect()
}

/// The commands in all other blocks, one a line, of those that are not marked as a whole.
fn lines(page: &str) -> Vec<&str> {
    let fenced = page.split("```").skip(1).step_by(2).filter_map(|block| block.split_once('\n'));
    let is_other = |language: &str| {
        let language = language.split(',').next().unwrap_or_default();
        !matches!(language, "sh" | "rust" | "sql")
    };
    let read = fenced.filter(|(language, block)| is_other(language) && !block.contains("# not run"));
    read.flat_map(|(_, block)| block.lines()).map(command).filter(|line| is_command(line)).collect()
}

/// A line without what stands before a command in a workflow, in a terminal or in the description of an image.
fn command(line: &str) -> &str {
    let line = line.trim_start().trim_start_matches("- ").trim_start_matches("$ ");
    ["run: ", "script: ", "command: ", "RUN "].iter().find_map(|key| line.strip_prefix(key)).unwrap_or(line)
}

/// The markup that this test reads no commands from, of which no page has any.
fn unread(page: &str) -> Option<&'static str> {
    let is_in = |markup: &&str| page.contains(*markup);
    let markup = ["~~~", "````", "<code", "<pre", "<kbd", "<samp", "```sh "].into_iter().find(is_in);
    let indented = page.split("```").step_by(2).flat_map(|prose| prose.split("\n\n    ").skip(1));
    markup.or_else(|| indented.into_iter().any(is_command_line).then_some("an indented block"))
}

fn is_command_line(text: &str) -> bool {
    text.lines().next().is_some_and(|line| is_command(command(line)))
}

/// Returns `true` if a part of the text runs a program with arguments, after assignments to variables or not.
fn is_command(text: &str) -> bool {
    let parts = text.split(['&', '|', ';', '(', ')', '"', '\'']);
    !FORMS.contains(&text) && parts.map(words).any(|words| is_run(&words))
}

/// Words that may stand before a command: what runs it, and parts of a shell's language.
const BEFORE: &[&str] =
    &["time", "timeout", "xargs", "nohup", "nice", "exec", "command", "if", "do", "then", "PS", "!"];

fn words(part: &str) -> Vec<&str> {
    let is_assignment = |word: &str| word.split_once('=').is_some_and(|(name, _)| is_name(name));
    let is_prompt = |word: &str| word.ends_with(['$', '#', '%', '>']);
    let is_number = |word: &str| word.bytes().all(|byte| byte.is_ascii_digit());
    let is_before = |word: &str| BEFORE.contains(&word) || is_prompt(word) || is_number(word);
    part.split_whitespace().skip_while(|word| is_assignment(word) || is_before(word)).collect()
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "_@:/.".contains(c))
}

fn is_run(words: &[&str]) -> bool {
    let [first, _, ..] = words else { return false };
    let name = first.rsplit(['/', '\\']).next().unwrap_or(first);
    let name = [".cmd", ".exe"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
    PROGRAMS.contains(&name) && !first.starts_with("@")
}

/// The commands of a page that are not marked as not run.
fn commands(page: &str) -> Vec<String> {
    let mut found: Vec<String> = blocks(page)
        .into_iter()
        // One with several lines is run as a whole.
        .flat_map(|block| if block.starts_with(BUILD) { vec!["cargo build --bins"] } else { vec![block] })
        .chain(lines(page))
        .map(str::to_owned)
        .collect();
    let prose: String = page.split("```").step_by(2).collect::<String>().replace("``", "`");
    let spans: Vec<&str> = prose.split('`').collect();
    for (at, span) in spans.iter().enumerate().filter(|(at, _)| at % 2 == 1) {
        let is_marked = spans.get(at + 1).is_some_and(|rest| rest.starts_with(" (not run"));
        if is_command(span) && !is_marked {
            found.push((*span).to_owned());
        }
    }
    found
}

#[test]
fn a_command_is_seen_wherever_it_stands() {
    let bogus = "npm publish --bogus";
    let seen = |text: &str| !commands(text).is_empty() || unread(text).is_some();
    for form in [
        "Run `BOGUS` now.",
        "Run ``BOGUS`` now.",
        "| `BOGUS` |",
        "```sh\nBOGUS\n```",
        "```\nBOGUS\n```",
        "```bash\nBOGUS\n```",
        "```console\n$ BOGUS\n```",
        "```powershell\nBOGUS\n```",
        "```yaml\n- run: BOGUS\n```",
        "```yaml\n- run: |\n    BOGUS\n```",
        "```dockerfile\nRUN BOGUS\n```",
        "~~~sh\nBOGUS\n~~~",
        "````sh\nBOGUS\n````",
        "```sh title=a\nBOGUS\n```",
        "<code>BOGUS</code>",
        "So:\n\n    BOGUS\n",
        "- a:\n\n  ```sh\n  BOGUS\n  ```",
        "Run `A=b BOGUS`.",
        "Run `cd a && BOGUS`.",
        "Run `echo a | BOGUS`.",
        "Run `sudo BOGUS`.",
        "Run `python -m twine upload a`.",
        "Run `curl https://r.example/`.",
        "Run `target/debug/registry --bogus`.",
        "```sh\nci-issuer --bogus\nBOGUS\n```",
        "Run `BOGUS`, in short (not run).",
        "Run `(BOGUS)`.",
        "Run `a=$(BOGUS)`.",
        "Run `time BOGUS`.",
        "Run `timeout 5 BOGUS`.",
        "Run `ls | xargs BOGUS`.",
        "Run `sh -c 'BOGUS'`.",
        "```console\n# BOGUS\n```",
        "```console\nme@host:~$ BOGUS\n```",
        "```powershell\nPS C:\\> BOGUS\n```",
        "Run `npm.cmd publish --bogus`.",
        "```json\n{\"run\": \"BOGUS\"}\n```",
        "```toml\ncommand = \"BOGUS\"\n```",
        "```yaml\n- run:\n    command: BOGUS\n```",
        "Type <kbd>BOGUS</kbd>.",
    ] {
        assert!(seen(&form.replace("BOGUS", bogus)), "{form}");
    }
    for form in [
        "Run `BOGUS` (not run).",
        "```yaml\n# not run\n- run: BOGUS\n```",
        "Run `npm`.",
        "npm publishes.",
        "`a=b`",
        "`; npm`",
    ] {
        assert!(!seen(&form.replace("BOGUS", bogus)), "{form}");
    }
}

#[test]
fn every_command_is_run_by_a_test_or_marked_as_not_run() {
    let mut known: BTreeSet<&str> = RUN.iter().map(|(command, _)| *command).collect();
    let mut without_test = Vec::new();
    let pages = pages();
    // The one that is run as a whole, by the test of README's.
    assert_eq!(
        pages.iter().flat_map(|(_, page)| blocks(page)).filter(|block| block.starts_with(BUILD)).count(),
        1
    );
    for (name, page) in pages {
        assert_eq!(unread(&page), None, "{name}: write it as another block, or as code in backticks");
        for command in commands(&page) {
            if !RUN.iter().any(|(run, _)| *run == command) {
                without_test.push(format!("{name}: `{command}`"));
            }
            known.remove(command.as_str());
        }
    }
    assert!(
        without_test.is_empty(),
        "run by no test; name one in RUN, or write `(not run)` behind it: {without_test:#?}"
    );
    assert!(known.is_empty(), "no page has {known:?}");
}

#[test]
fn every_test_that_runs_a_command_is_there() {
    for (command, place) in RUN {
        let (file, name) = place.split_once(' ').unwrap();
        let is_script = file.starts_with(".ci/");
        let folder = if is_script { "" } else { "tests/tests/" };
        let text = fs::read_to_string(Path::new(ROOT).join(folder).join(file)).unwrap();
        let needle = if is_script { name.to_owned() } else { format!("fn {name}(") };
        assert!(text.contains(&needle), "{command}: {place}");
    }
}

/// A port that is free for the moment.
async fn port() -> u16 {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port()
}

/// The block of the README as it stands there, with ports that are free and the programs that the tests were built with.
#[needs(npm)]
#[tokio::test]
async fn the_block_in_the_readme_publishes_with_the_real_npm() {
    let npm = Tool::Npm.find().await;
    let (_, readme) = pages().into_iter().find(|(name, _)| name == "README.md").unwrap();
    let block = blocks(&readme).into_iter().find(|block| block.contains("ci-issuer")).unwrap();
    let (build, run) = block.split_once('\n').unwrap();
    assert_eq!(build, "cargo build --bins");
    let (run, end) = run.rsplit_once('\n').unwrap();
    assert!(end.starts_with("kill "), "{end}");
    let doctor = "trusted-publish doctor --registry npm --url http://127.0.0.1:4873/ --package @acme/widget";
    assert!(readme.contains(&format!("`{doctor}`")));
    let script = format!("{run}\n( . ./job.env; target/debug/{doctor} )\necho doctor: $?\n{end}\n");

    let toml = fs::read_to_string(Path::new(ROOT).join("programs/registry/registry.toml")).unwrap();
    let (issuer, registry) = (format!("127.0.0.1:{}", port().await), format!("127.0.0.1:{}", port().await));
    let moved = |text: &str| text.replace("127.0.0.1:9001", &issuer).replace("127.0.0.1:4873", &registry);
    let folder = npm.project(
        "readme",
        &[("programs/registry/registry.toml", &moved(&toml)), ("run.sh", &moved(&script))],
    );
    fs::create_dir_all(folder.join("target")).unwrap();
    let programs = programs::folder();
    std::os::unix::fs::symlink(programs.path(), folder.join("target/debug")).unwrap();
    let path = npm.path_first();
    let variables = [("PATH", path.to_str().unwrap())];
    let output = npm.run_program(Path::new("bash"), &folder, &variables, &["run.sh"]).await;
    let printed = output.succeeded();
    assert!(printed.contains("+ @acme/widget@1.0.0"), "{printed}");
    assert!(printed.contains("\ndoctor: 0\n"), "{printed}");
    let left: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 3, "nothing is left but what was there: {left:?}");
}

#[needs(npm)]
#[tokio::test]
async fn the_doctors_command_accepts_a_right_publisher() {
    let npm = Tool::Npm.find().await;
    let scene = Scene::start(Settings::new(&GITHUB), "", &["@acme/widget"], "").await;
    let (_, page) = pages().into_iter().find(|(name, _)| name == "clients.md").unwrap();
    let block = blocks(&page)[0].replace("https://registry.example/", &scene.url());
    let programs = programs::folder();
    let path = format!("{}:{}", programs.path().display(), npm.path_first().to_str().unwrap());
    let variables = [scene.npm_job(), vec![("PATH".to_owned(), path)]].concat();
    let output = npm.run_program(Path::new("sh"), npm.home(), &borrowed(&variables), &["-c", &block]).await;
    assert!(output.succeeded().contains("would be accepted"));
}

/// A client of npm's in a job that the registry refuses, and then in one that it grants.
async fn refused_and_granted(
    tool: Tool,
    variables: &[(&str, &str)],
    publish: &[&str],
    more: &[&str],
) -> [Output; 2] {
    let client = tool.find().await;
    let refusal = Settings {
        changes: Changes::default()
            .set("workflow_ref", "acme/widget/.github/workflows/other.yml@refs/heads/main"),
        ..Settings::new(&GITHUB)
    };
    // pnpm runs npm.
    let path = Tool::Npm.find().await.path_first();
    let mut outputs = Vec::new();
    for settings in [refusal, Settings::new(&GITHUB)] {
        let scene = Scene::start(settings, "", &["@acme/widget"], "").await;
        let folder = package(&client, "@acme/widget", "1.0.0", &scene.npmrc());
        let job = [scene.npm_job(), vec![("PATH".to_owned(), path.to_str().unwrap().to_owned())]].concat();
        let seen = [borrowed(&job), variables.to_vec()].concat();
        outputs.push(client.run(&folder, &seen, &[publish, more].concat()).await);
        let status =
            http::send(&scene.cx, http::get(&scene.url(), &http::escaped("@acme/widget"))).await.status;
        let is_published = outputs.len() == 2 && !publish.contains(&"--dry-run");
        assert_eq!(status == 200, is_published, "{outputs:?}");
    }
    outputs.try_into().unwrap()
}

fn shows_the_reason(output: &Output) -> bool {
    let printed = format!("{}{}", output.stdout, output.stderr);
    printed.contains("Failed token exchange request with body message: ") && printed.contains("workflow")
}

#[needs(npm)]
#[tokio::test]
async fn npm_shows_the_reason_when_it_is_verbose() {
    for publish in
        [["publish", "--loglevel", "verbose"].as_slice(), &["publish", "--dry-run", "--loglevel", "verbose"]]
    {
        let [refused, granted] = refused_and_granted(Tool::Npm, &[], publish, &[]).await;
        assert!(shows_the_reason(&refused) && !shows_the_reason(&granted), "{refused:?} {granted:?}");
        granted.succeeded();
    }
}

#[needs(npm, pnpm)]
#[tokio::test]
async fn pnpm_shows_the_reason_when_npm_is_verbose() {
    let verbose = [("npm_config_loglevel", "verbose")];
    // What is no part of a repository needs a word more.
    let [refused, granted] =
        refused_and_granted(Tool::Pnpm, &verbose, &["publish"], &["--no-git-checks"]).await;
    assert!(shows_the_reason(&refused) && !shows_the_reason(&granted), "{refused:?} {granted:?}");
    granted.succeeded();
}
