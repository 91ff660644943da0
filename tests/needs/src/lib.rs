//! `#[needs(npm)]`: a test that needs a real client, or `#[needs(postgres)]`: one that needs PostgreSQL. `axe` is axe-core, and
//! `oidc_provider` is node-oidc-provider.
//!
//! Where it is missing, the test is ignored, with the reason. With `REQUIRE_CLIENTS=1`, as in CI, nothing is ignored, so that
//! the test runs and fails. `src/clients.rs` has the clients; the build script looks for them.

use proc_macro::{TokenStream, TokenTree};

include!(concat!(env!("OUT_DIR"), "/found.rs"));

/// Ignores a test, with the reason, where something that it needs is missing. It stands before `#[tokio::test]`.
#[proc_macro_attribute]
pub fn needs(names: TokenStream, test: TokenStream) -> TokenStream {
    let mut reasons = Vec::new();
    for name in names {
        let TokenTree::Ident(name) = name else { continue };
        let name = name.to_string();
        match FOUND.iter().find(|(known, _)| *known == name) {
            Some((_, problem)) => reasons.extend(*problem),
            None => return error(&format!("`{name}` is not in tests/needs/src/clients.rs")),
        }
    }
    if reasons.is_empty() {
        return test;
    }
    let ignore = format!("#[ignore = {:?}]", reasons.join("; "));
    ignore
        .parse()
        .map(|ignore| TokenStream::from_iter([ignore, test]))
        .unwrap_or_else(|_| error("not a reason"))
}

fn error(text: &str) -> TokenStream {
    format!("compile_error!({text:?});").parse().unwrap_or_default()
}
