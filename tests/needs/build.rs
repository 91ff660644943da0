//! Looks for the clients, for PostgreSQL, for axe-core and for oidc-provider, once for all tests.
#![allow(clippy::disallowed_methods, reason = "a build script is told by the environment")]
#![allow(clippy::print_stdout, reason = "cargo reads it")]

use std::path::Path;
use std::{env, fs, io};

#[path = "src/clients.rs"]
mod clients;

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=src/clients.rs");
    for variable in ["PATH", "REQUIRE_CLIENTS", "TEST_POSTGRES_URL", "TEST_AXE", "TEST_OIDC_PROVIDER"] {
        println!("cargo::rerun-if-env-changed={variable}");
    }
    let mut found = Vec::new();
    for (name, variable, _) in clients::CLIENTS {
        println!("cargo::rerun-if-env-changed={variable}");
        found.push((*name, clients::find(name).err()));
    }
    let has_postgres = env::var_os("TEST_POSTGRES_URL").is_some_and(|url| !url.is_empty());
    let problem = "TEST_POSTGRES_URL names no PostgreSQL; see .ci/postgres".to_owned();
    found.push(("postgres", (!has_postgres).then_some(problem)));
    let has_axe = env::var_os("TEST_AXE").is_some_and(|file| Path::new(&file).is_file());
    let problem = "TEST_AXE names no `axe.min.js` of axe-core".to_owned();
    found.push(("axe", (!has_axe).then_some(problem)));
    let folder = env::var_os("TEST_OIDC_PROVIDER").unwrap_or_default();
    let has_provider = Path::new(&folder).join("node_modules/oidc-provider/package.json").is_file();
    let problem = "TEST_OIDC_PROVIDER names no folder with node-oidc-provider and jose".to_owned();
    found.push(("oidc_provider", (!has_provider).then_some(problem)));
    // With this variable a missing one is a failure: the test runs, and says so.
    if env::var_os("REQUIRE_CLIENTS").is_some_and(|value| value == "1") {
        found.iter_mut().for_each(|(_, problem)| *problem = None);
    }
    let folder = env::var_os("OUT_DIR").unwrap_or_default();
    let text = format!("const FOUND: &[(&str, Option<&str>)] = &{found:?};\n");
    fs::write(Path::new(&folder).join("found.rs"), text)
}
