//! README's tables of what is supported, compared with the code, the tests and the recordings that there are.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use ci_issuer::PLATFORMS;
use trusted_publish::ECOSYSTEMS;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).expect(path)
}

/// The cells of each row of README's table that begins with these heads.
fn rows(heads: &str) -> Vec<Vec<String>> {
    let readme = read("README.md");
    let (_, table) = readme.split_once(&format!("\n| {heads} |")).expect(heads);
    let lines = table.lines().skip(2).take_while(|line| line.starts_with("| "));
    lines.map(|line| line.trim_matches(['|', ' ']).split(" | ").map(str::to_owned).collect()).collect()
}

/// Each registry: its title in README, its name for `--registry`, its type, and the real tools with a test that runs each.
type Registry = (&'static str, &'static str, &'static str, &'static [(&'static str, &'static str)]);

const REGISTRIES: &[Registry] = &[
    (
        "npm",
        "npm",
        "Npm",
        &[
            ("npm", "npm.rs npm_publishes_from_github_to_a_registry_at_the_root"),
            ("yarn", "npm.rs yarn_publishes_from_github_to_a_registry_at_the_root"),
            ("pnpm", "npm.rs pnpm_publishes_from_github_to_a_registry_at_the_root"),
            ("bun", "exec.rs bun_publishes_at_the_url_whatever_setup_node_wrote"),
        ],
    ),
    (
        "crates.io",
        "crates-io",
        "CratesIo",
        &[("cargo", "cargo.rs cargo_publishes_from_github_and_builds_what_was_published")],
    ),
    (
        "PyPI",
        "pypi",
        "Pypi",
        &[
            ("uv", "pypi.rs uv_publishes_by_identity_over_https_and_installs"),
            ("twine", "pypi.rs twine_publishes_under_exec_and_pip_installs"),
            ("maturin", "pypi.rs maturin_uploads_by_identity_on_the_legacy_path"),
            ("flit", "exec.rs flit_publishes_at_the_url_and_nowhere_else"),
            ("hatch", "exec.rs hatch_publishes_at_the_url_and_nowhere_else"),
            ("pdm", "exec.rs pdm_publishes_at_the_url_and_nowhere_else"),
            ("poetry", "exec.rs poetry_publishes_at_the_url_by_the_name_that_it_is_told"),
            ("pip", "pypi.rs twine_publishes_under_exec_and_pip_installs"),
        ],
    ),
    (
        "RubyGems",
        "rubygems",
        "RubyGems",
        &[
            ("gem", "gem.rs gem_publishes_from_github_and_installs_what_was_published"),
            ("bundle", "gem.rs bundler_installs_and_sees_what_is_new"),
        ],
    ),
    (
        "PyPI by the draft of PEP 807",
        "pep-807",
        "Pep807",
        &[("twine", "pep_807.rs twine_uploads_with_a_token_of_the_drafts")],
    ),
    ("NuGet", "nuget", "NuGet", &[]),
    ("prefix.dev", "prefix-dev", "PrefixDev", &[]),
    ("Private Packagist", "packagist", "Packagist", &[]),
    ("Open VSX", "open-vsx", "OpenVsx", &[("ovsx", "exec_extensions.rs ovsx_publishes_at_the_url")]),
    (
        "VS Marketplace",
        "vs-marketplace",
        "VsMarketplace",
        &[("vsce", "exec_extensions.rs vsce_publishes_at_the_url")],
    ),
    ("JSR", "jsr", "Jsr", &[]),
    ("pub.dev", "pub-dev", "PubDev", &[]),
    (
        "OAuth 2.0 token exchange (RFC 8693)",
        "token-exchange",
        "TokenExchange",
        &[
            (
                "npm",
                "token_exchange.rs npm_and_twine_publish_with_a_token_of_the_registrys_authorization_server",
            ),
            (
                "twine",
                "token_exchange.rs npm_and_twine_publish_with_a_token_of_the_registrys_authorization_server",
            ),
            (
                "node-oidc-provider",
                "token_exchange.rs a_server_of_another_implementation_is_found_and_exchanges_tokens",
            ),
        ],
    ),
    ("Docker Hub", "docker-hub", "DockerHub", &[]),
    ("JFrog Artifactory", "jfrog", "JFrog", AT_A_SERVICE),
    ("Hex", "hex", "Hex", &[]),
    ("Cloudsmith", "cloudsmith", "Cloudsmith", AT_A_SERVICE),
    ("MCP registry", "mcp-registry", "McpRegistry", &[]),
    ("pyx", "pyx", "Pyx", &[]),
    (
        "FlakeHub, Buildkite packages, and others that take the identity token itself",
        "identity-token",
        "IdentityToken",
        &[],
    ),
];

const AT_A_SERVICE: &[(&str, &str)] = &[
    ("npm", "exec_services.rs npm_publishes_at_a_service"),
    ("twine", "exec_services.rs twine_and_uv_publish_at_a_service"),
    ("uv", "exec_services.rs twine_and_uv_publish_at_a_service"),
    ("cargo", "exec_services.rs cargo_publishes_at_a_service"),
];

/// The tools with a version in a cell. Interpreters are none.
fn tools(cell: &str) -> BTreeSet<&str> {
    let words: Vec<&str> = cell.split([' ', ',', ';']).filter(|word| !word.is_empty()).collect();
    let is_number = |word: &str| word.starts_with(|first: char| first.is_ascii_digit());
    let named = words.windows(2).filter(|pair| is_number(pair[1])).map(|pair| pair[0]);
    named.filter(|word| !["Node.js", "Ruby"].contains(word)).collect()
}

#[test]
fn every_registry_of_the_program_is_a_row_of_the_readme() {
    let titles: Vec<String> =
        rows("registry | client | server | tested with").into_iter().map(|mut row| row.remove(0)).collect();
    assert_eq!(titles, REGISTRIES.iter().map(|(title, ..)| *title).collect::<Vec<_>>());
    let names: BTreeSet<String> = ECOSYSTEMS.iter().map(|ecosystem| format!("{ecosystem:?}")).collect();
    assert_eq!(names, REGISTRIES.iter().map(|(_, name, ..)| (*name).to_owned()).collect());
}

#[test]
fn the_readme_says_of_each_registry_what_its_client_and_its_server_do() {
    let table = rows("registry | client | server | tested with");
    let services =
        ["services.rs", "dependencies.rs"].map(|file| read(&format!("programs/registry/src/{file}")));
    for (row, (title, name, ..)) in table.iter().zip(REGISTRIES) {
        let [client, server] = [&row[1], &row[2]];
        let file = format!("{}.rs", name.replace('-', "_"));
        let code = read(&format!("oidc-exchange/src/client/{file}"));
        assert!(client.starts_with("yes"), "{title}");
        let is_said = client.contains("revokes");
        assert_eq!(is_said, code.contains("fn revocation(") && *name != "pep-807", "{title}: {client}");
        assert_eq!(client.contains("draft"), code.contains("**draft**"), "{title}: {client}");
        let is_itself = format!("{title} {client}").contains("the identity token itself");
        assert_eq!(is_itself, code.contains(".without_exchange()"), "{title}: {client}");
        let has_server = root().join("oidc-exchange/src/server").join(&file).is_file();
        assert_eq!(server.starts_with("yes"), has_server, "{title}: {server}");
        let endpoint = format!("server::{}(", name.replace('-', "_"));
        let is_served = services.iter().any(|text| text.contains(&endpoint));
        assert_eq!(server.contains("by `registry`"), is_served, "{title}: {server}");
    }
}

#[test]
fn the_readme_names_the_tools_that_the_tests_run_and_no_other() {
    let table = rows("registry | client | server | tested with");
    for (row, (title, .., tested)) in table.iter().zip(REGISTRIES) {
        let expected: BTreeSet<&str> = tested.iter().map(|(tool, _)| *tool).collect();
        assert_eq!(tools(&row[3]), expected, "{title}: {}", row[3]);
        for (tool, place) in *tested {
            let (file, name) = place.split_once(' ').unwrap();
            let text = read(&format!("tests/tests/clients/{file}"));
            assert!(text.contains(&format!("fn {name}(")), "{title} {tool}: {place}");
        }
    }
    // Every client that there is a test with, but those of provenance and of the pages, and a tool's second version.
    let clients = read("tests/needs/src/clients.rs");
    let named = clients.lines().filter_map(|line| line.strip_prefix("    (\"")?.split_once("\", \"TEST_"));
    let named: BTreeSet<&str> = named.map(|(name, _)| name).collect();
    let tested: BTreeSet<&str> =
        REGISTRIES.iter().flat_map(|(.., tested)| *tested).map(|(tool, _)| *tool).collect();
    let untold: Vec<&&str> = named.difference(&tested).collect();
    assert_eq!(untold, [&"chromedriver", &"chromium", &"pnpm12", &"pypiverifier"]);
}

/// A registry with an exchange has refusals recorded, whatever it is tested with beside.
#[test]
fn each_registry_with_an_exchange_has_recorded_refusals() {
    let recordings = |file: &str| read(&format!("oidc-exchange/tests/client/{file}"));
    let texts = [recordings("exchanges.rs"), recordings("refusals.rs")];
    let draft = recordings("pep_807.rs");
    let tests: Vec<&str> = texts.iter().flat_map(|text| text.split("\nasync fn ")).chain([&*draft]).collect();
    let table = rows("registry | client | server | tested with");
    for (row, (title, name, kind, _)) in table.iter().zip(REGISTRIES) {
        // A registry is made by its type's constructor, or by a function of its name.
        let made = [format!("{kind}::"), format!("{}()", name.replace('-', "_"))];
        let is_recorded = tests.iter().any(|test| {
            made.iter().any(|made| test.contains(made))
                && ["refuses(", "no such publisher"].iter().any(|words| test.contains(words))
        });
        let has_exchange = !["jsr", "pub-dev", "identity-token"].contains(name);
        assert!(is_recorded || !has_exchange, "{title}");
        assert_eq!(row[3].contains("audience and shape only"), !has_exchange, "{title}: {}", row[3]);
    }
}

/// The tables that a platform's module documentation begins with, by their headings.
const HEADINGS: [&str; 3] = ["Environment variables", "Claims", "What a token does not prove"];

/// The number of rows of the first table below a heading.
fn rows_below(module: &str, heading: &str) -> usize {
    let (_, section) = module.split_once(&format!("//! # {heading}")).expect(heading);
    let section = section.split("\n//! # ").next().unwrap();
    section.lines().filter(|line| line.starts_with("//! | ")).count().saturating_sub(1)
}

#[test]
fn every_platform_has_a_row_a_player_a_publish_and_its_three_tables() {
    let table = rows("platform | how a job gets its token | client | server | tested with | who may publish");
    let publishes = read("tests/tests/registry/platforms.rs");
    let all = oidc_providers::all();
    let mut providers: Vec<_> = all.iter().collect();
    providers.sort_by_key(|provider| provider.title());
    let mut titles: Vec<&str> = table.iter().map(|row| row[0].as_str()).collect();
    titles.sort_unstable();
    assert_eq!(titles, providers.iter().map(|provider| provider.title()).collect::<Vec<_>>());
    assert_eq!(PLATFORMS.len(), providers.len());
    for provider in providers {
        let id = provider.id();
        let row = table.iter().find(|row| row[0] == provider.title()).unwrap();
        let folder = root().join("oidc-providers/src").join(id);
        let has_source = folder.join("source.rs").is_file();
        assert_eq!((&*row[2], &*row[3]), (if has_source { "yes" } else { "no" }, "yes"), "{id}");
        assert!(PLATFORMS.iter().any(|platform| platform.name == id), "{id} is not played");
        assert!(row[4].contains("`ci-issuer`"), "{id}");
        let has_vectors = root().join(format!("oidc-providers/tests/vectors/{id}.json")).is_file();
        assert_eq!(row[4].contains("tokens of other registries' tests"), has_vectors, "{id}: {}", row[4]);
        assert!(publishes.contains(&format!("platform: &{},", id.to_uppercase())), "{id} publishes nothing");
        let module = read(&format!("oidc-providers/src/{id}/mod.rs"));
        let places = HEADINGS.map(|heading| module.find(&format!("//! # {heading}")).expect(heading));
        assert!(places.is_sorted(), "{id}: {places:?}");
        for heading in HEADINGS {
            assert!(
                rows_below(&module, heading) > 0 || (id, heading) == ("activestate", HEADINGS[0]),
                "{id}"
            );
        }
    }
}

/// What the sources of facts leave uncertain, and the places that say so.
const UNCERTAIN: &[(&str, &str)] = &[
    (
        "oidc-providers/src/azure/mod.rs",
        "newer connections are said to have Entra's issuer, which is uncertain",
    ),
    ("oidc-providers/src/bitbucket/mod.rs", "the token is said to name them all, which is uncertain"),
    ("oidc-providers/src/bitbucket/mod.rs", "that there is no `jti` is uncertain"),
    (
        "oidc-providers/src/bitbucket/mod.rs",
        "That no claim holds a name of the workspace or the repository, a commit or a tag is uncertain",
    ),
    (
        "oidc-providers/src/forgejo/mod.rs",
        "That there is this choice, and among which algorithms, is uncertain",
    ),
    ("oidc-providers/src/terraform/mod.rs", "at most a day, which is uncertain"),
    ("oidc-providers/src/terraform/mod.rs", "that every token has a `jti` is uncertain"),
    ("oidc-exchange/src/client/hex.rs", "by a **draft**"),
    ("oidc-exchange/src/client/jsr.rs", "Uncertain: whether JSR accepts an enterprise's issuer"),
    (
        "oidc-exchange/src/client/mcp_registry.rs",
        "Uncertain: the audience is a setting of the registry's operator",
    ),
    ("oidc-exchange/src/client/open_vsx.rs", "Uncertain: by openvsx's source, a workflow's path is compared"),
    (
        "oidc-exchange/src/client/packagist.rs",
        "Uncertain: it is not known which workflow Private Packagist compares",
    ),
    ("oidc-exchange/src/client/pep_807.rs", "by the **draft** of PEP 807"),
    (
        "oidc-exchange/src/client/prefix_dev.rs",
        "Uncertain: it is not known which workflow prefix.dev compares",
    ),
    ("oidc-exchange/src/client/prefix_dev.rs", "Uncertain: how long a token lives"),
    ("oidc-exchange/src/client/pyx.rs", "Uncertain: pyx's rules are not documented"),
    ("oidc-exchange/src/client/tools.rs", "are not among the collected facts, and uncertain"),
    (
        "oidc-exchange/src/client/vs_marketplace.rs",
        "Uncertain: it is not known which workflow the Marketplace compares",
    ),
    (
        "oidc-exchange/src/client/vs_marketplace.rs",
        "Uncertain: the endpoint is reported to have answered 404",
    ),
    ("docs/registry.md", "The host of the keys is uncertain"),
    ("docs/registry.md", "The names of Kubernetes' claims are uncertain"),
    ("docs/clients.md", "uncertain: their output was not examined"),
    ("docs/comparison.md", "npmjs lets an unused configuration lapse after two days (uncertain)"),
];

#[test]
fn what_is_uncertain_is_marked_where_it_is_said() {
    for (file, words) in UNCERTAIN {
        let text = read(file);
        let lines =
            text.lines().map(|line| line.trim_start().trim_start_matches("//!").trim_start_matches("///"));
        let prose: String =
            lines.flat_map(|line| line.split_whitespace()).flat_map(|word| [word, " "]).collect();
        assert!(prose.contains(words), "{file}: {words}");
    }
}
